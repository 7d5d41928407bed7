/* index_ids.c - from ids to bits of a snapshot, and back. */
#include <string.h>

#include "base/buf.h"
#include "vector/index.h"
#include "vector/mask.h"

static size_t count_bits(const uint64_t *word, size_t n)
{
    size_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits += (size_t)__builtin_popcountll(word[i]);
    return bits;
}

/* Both ascend: one walk along both, in steps as long as the rows are many beside the ids. */
static void mask_part(const struct index_part *part, const int64_t *ids, size_t n, uint64_t *mask)
{
    size_t rows = part_rows(part), row = 0;
    for (size_t i = 0; i < n; i++) {
        row = part_seek(part, row, ids[i]);
        if (row == rows)
            return;
        if (part_id(part, row) == ids[i] && mask_has(part->live->word, row))
            mask[row / 64] |= UINT64_C(1) << (row % 64);
    }
}

uint64_t *vector_index_mask(const struct vector_index *ix, const int64_t *ids, size_t n,
                            size_t *passed, struct eye_err *err)
{
    size_t words = 0;
    for (size_t i = 0; i < ix->nparts; i++)
        words += part_words(&ix->parts[i]);
    uint64_t *mask = mem_calloc(words, sizeof *mask, err), *at = mask;
    for (size_t i = 0; mask && i < ix->nparts; i++) {
        const struct index_part *part = &ix->parts[i];
        if (ids)
            mask_part(part, ids, n, at);
        else
            memcpy(at, part->live->word, part_words(part) * sizeof *at);
        at += part_words(part);
    }
    if (mask && passed)
        *passed = count_bits(mask, words);
    return mask;
}

static size_t put_ids(const struct index_part *part, int64_t *ids)
{
    size_t n = 0;
    for (size_t w = 0; w < part_words(part); w++)
        for (uint64_t bits = part->live->word[w]; bits; bits &= bits - 1)
            ids[n++] = part_id(part, w * 64 + (size_t)__builtin_ctzll(bits));
    return n;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int vector_index_ids(const struct vector_index *ix, size_t i, int64_t **ids, size_t *n,
                     struct eye_err *err)
{
    bool tail = i >= ix->nsegs;
    *n = 0;
    *ids = mem_calloc(tail ? vector_index_tail(ix) : ix->parts[i].nlive, sizeof **ids, err);
    if (!*ids)
        return EYE_ENOMEM;
    size_t end = tail ? ix->nparts : i + 1, runs = 0;
    for (; i < end; i++, runs++)
        *n += put_ids(&ix->parts[i], *ids + *n);
    if (runs > 1)
        qsort(*ids, *n, sizeof **ids, by_id);
    return 0;
}
