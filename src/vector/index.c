/* index.c - a snapshot of an index: its parts, which rows of them live, and changing that in a fork.
 *
 * A fork shares segments, rows of the tail and live bits with its origin; the first change of a part's bits copies them (1.25
 * MB for ten million rows, 0.1 ms), so a batch of changes costs one copy at most. Who searches the origin goes on undisturbed, and frees it when
 * done.
 *
 * That an id is live in one place only is seen to here: put drops it wherever it was, in any segment and in the tail. */
#include "vector/index.h"

#include <string.h>

#include "base/buf.h"
#include "vector/mask.h"

/* ---- bits ---- */

void bits_unref(struct index_bits *bits)
{
    if (bits && atomic_fetch_sub_explicit(&bits->refs, 1, memory_order_acq_rel) == 1)
        free(bits);
}

static struct index_bits *bits_new(size_t words, struct eye_err *err)
{
    size_t bytes;
    if (!size_mul(words, sizeof(uint64_t), &bytes) ||
        !size_add(bytes, sizeof(struct index_bits), &bytes))
        bytes = SIZE_MAX; /* cannot be had: the next line says so */
    struct index_bits *bits = mem_calloc(bytes, 1, err);
    if (!bits)
        return NULL;
    atomic_init(&bits->refs, 1);
    bits->words = words;
    return bits;
}

int bits_own(struct index_bits **bits, size_t words, struct eye_err *err)
{
    struct index_bits *old = *bits;
    bool shared = atomic_load_explicit(&old->refs, memory_order_acquire) > 1;
    if (!shared && words <= old->words)
        return 0;
    size_t cap = words <= old->words ? old->words : words + words / 2 + 4;
    struct index_bits *own = bits_new(cap, err);
    if (!own)
        return EYE_ENOMEM;
    memcpy(own->word, old->word, old->words * sizeof *old->word);
    bits_unref(old);
    *bits = own;
    return 0;
}

static struct index_bits *bits_all(size_t rows, struct eye_err *err)
{
    struct index_bits *bits = bits_new((rows + 63) / 64, err);
    if (bits && rows > 0) {
        memset(bits->word, 0xff, bits->words * sizeof *bits->word);
        bits->word[bits->words - 1] >>= 63 - (rows - 1) % 64;
    }
    return bits;
}

/* ---- parts ---- */

static size_t ids_seek(const int64_t *ids, size_t n, size_t from, int64_t id)
{
    size_t lo = from, step = 1;
    while (lo + step <= n && ids[lo + step - 1] < id) {
        lo += step;
        step *= 2;
    }
    size_t hi = lo + step - 1 < n ? lo + step - 1 : n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t part_seek(const struct index_part *part, size_t from, int64_t id)
{
    return part->seg ? ids_seek(part->seg->ids, part->seg->rows, from, id)
                     : set_seek(part->set, from, id);
}

/* The live row of this id; false if there is none. */
static bool part_find(const struct index_part *part, int64_t id, size_t *row)
{
    *row = part_seek(part, 0, id);
    return *row < part_rows(part) && part_id(part, *row) == id && mask_has(part->live->word, *row);
}

void part_release(struct index_part *part)
{
    vector_segment_unref(part->seg);
    vector_free(part->set);
    bits_unref(part->live);
}

int index_insert(struct vector_index *ix, size_t at, const struct index_part *part,
                 struct eye_err *err)
{
    if (ix->nparts == ix->cap) {
        size_t cap = ix->cap ? 2 * ix->cap : 8;
        struct index_part *parts = mem_realloc(ix->parts, cap, sizeof *parts, err);
        if (!parts)
            return EYE_ENOMEM;
        ix->parts = parts;
        ix->cap = cap;
    }
    memmove(ix->parts + at + 1, ix->parts + at, (ix->nparts - at) * sizeof *ix->parts);
    ix->parts[at] = *part;
    ix->nparts++;
    return 0;
}

/* ---- life ---- */

struct vector_index *vector_index_new(const struct vector_spec *spec, struct eye_err *err)
{
    struct vector_set *probe = vector_new(spec->dim, err); /* knows what a dimension may be */
    if (!probe)
        return NULL;
    vector_free(probe);
    struct vector_index *ix = mem_calloc(1, sizeof *ix, err);
    if (ix)
        ix->spec = *spec;
    return ix;
}

void vector_index_free(struct vector_index *ix)
{
    if (!ix)
        return;
    for (size_t i = 0; i < ix->nparts; i++)
        part_release(&ix->parts[i]);
    free(ix->parts);
    free(ix);
}

struct vector_index *vector_index_fork(const struct vector_index *ix, struct eye_err *err)
{
    struct vector_index *fork = vector_index_new(&ix->spec, err);
    if (!fork)
        return NULL;
    fork->nsegs = ix->nsegs;
    for (size_t i = 0; i < ix->nparts; i++) {
        struct index_part part = ix->parts[i];
        if (part.set && !(part.set = vector_fork(part.set, err)))
            goto failed;
        if (part.seg)
            vector_segment_ref(part.seg);
        atomic_fetch_add_explicit(&part.live->refs, 1, memory_order_relaxed);
        if (index_insert(fork, i, &part, err)) {
            part_release(&part);
            goto failed;
        }
    }
    return fork;
failed:
    vector_index_free(fork);
    return NULL;
}

/* ---- changes ---- */

int vector_index_attach(struct vector_index *ix, struct vector_segment *seg, struct eye_err *err)
{
    if (seg->spec.dim != ix->spec.dim || hash_cmp(&seg->spec.weights, &ix->spec.weights) != 0)
        return eye_fail(err, EYE_EINVAL, "%s: is of another model", seg->path);
    if (vector_index_rows(ix) + seg->rows > SEGMENT_ROWS_MAX)
        return eye_fail(err, EYE_ELIMIT, "an index of more than %llu rows",
                        (unsigned long long)SEGMENT_ROWS_MAX);
    struct index_part part = {.seg = seg, .nlive = seg->rows, .live = bits_all(seg->rows, err)};
    if (!part.live)
        return EYE_ENOMEM;
    int rc = index_insert(ix, ix->nsegs, &part, err);
    if (rc) {
        bits_unref(part.live);
        return rc;
    }
    vector_segment_ref(seg);
    ix->nsegs++;
    return 0;
}

int vector_index_drop(struct vector_index *ix, int64_t id, struct eye_err *err)
{
    for (size_t i = 0; i < ix->nparts; i++) {
        struct index_part *part = &ix->parts[i];
        size_t row;
        if (!part_find(part, id, &row))
            continue;
        int rc = bits_own(&part->live, part->live->words, err);
        if (rc)
            return rc;
        bits_clear(part->live, row);
        part->nlive--;
    }
    return 0;
}

/* ---- what there is ---- */

int vector_index_dim(const struct vector_index *ix)
{
    return ix->spec.dim;
}

size_t vector_index_live(const struct vector_index *ix)
{
    size_t n = 0;
    for (size_t i = 0; i < ix->nparts; i++)
        n += ix->parts[i].nlive;
    return n;
}

size_t vector_index_rows(const struct vector_index *ix)
{
    size_t n = 0;
    for (size_t i = 0; i < ix->nparts; i++)
        n += part_rows(&ix->parts[i]);
    return n;
}

size_t vector_index_tail(const struct vector_index *ix)
{
    size_t n = 0;
    for (size_t i = ix->nsegs; i < ix->nparts; i++)
        n += ix->parts[i].nlive;
    return n;
}

size_t vector_index_memory(const struct vector_index *ix)
{
    size_t n = sizeof *ix + ix->cap * sizeof *ix->parts;
    for (size_t i = 0; i < ix->nparts; i++) {
        const struct index_part *part = &ix->parts[i];
        n += sizeof *part->live + part->live->words * sizeof *part->live->word;
        n += part->seg ? vector_segment_memory(part->seg) : vector_bytes(part->set);
    }
    return n;
}

size_t vector_index_segments(const struct vector_index *ix)
{
    return ix->nsegs;
}

struct vector_segment *vector_index_segment(const struct vector_index *ix, size_t i, size_t *live)
{
    if (live)
        *live = ix->parts[i].nlive;
    return ix->parts[i].seg;
}

bool vector_index_has(const struct vector_index *ix, int64_t id)
{
    size_t row;
    for (size_t i = 0; i < ix->nparts; i++)
        if (part_find(&ix->parts[i], id, &row))
            return true;
    return false;
}
