/* ids.c - sets of picture ids as ascending arrays.
 *
 * Arrays, not bitmaps: ids are never used again, so a library that lived long may have few and large ones, and those of a server are
 * taken from hashes. Indexes give ids in any order; a radix sort of the bytes that differ puts 100,000 right in half a millisecond,
 * qsort takes ten. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/ids.h"

int store_ids_add(struct store_ids *ids, int64_t id, struct eye_err *err)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? 2 * ids->cap : 256;
        int64_t *v = mem_realloc(ids->v, cap, sizeof *v, err);
        if (!v)
            return EYE_ENOMEM;
        ids->v = v;
        ids->cap = cap;
    }
    ids->v[ids->n++] = id;
    return 0;
}

void store_ids_free(struct store_ids *ids)
{
    free(ids->v);
    *ids = (struct store_ids){NULL, 0, 0};
}

int store_ids_copy(struct store_ids *out, const struct store_ids *from, struct eye_err *err)
{
    *out = (struct store_ids){mem_calloc(from->n, sizeof *out->v, err), from->n, from->n};
    if (!out->v)
        return EYE_ENOMEM;
    if (from->n)
        memcpy(out->v, from->v, from->n * sizeof *out->v);
    return 0;
}

/* By one byte of the ids, from -> to. */
static void radix_pass(const int64_t *from, int64_t *to, size_t n, int shift)
{
    size_t at[256] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        at[((uint64_t)from[i] >> shift) & 255]++;
    for (size_t b = 0; b < 256; b++) {
        size_t count = at[b];
        at[b] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[((uint64_t)from[i] >> shift) & 255]++] = from[i];
}

/* Ids are positive. */
static int radix_sort(struct store_ids *ids, uint64_t bits, struct eye_err *err)
{
    int64_t *spare = mem_calloc(ids->n, sizeof *spare, err);
    if (!spare)
        return EYE_ENOMEM;
    int64_t *from = ids->v, *to = spare;
    for (int shift = 0; shift < 64 && bits >> shift; shift += 8) {
        if (!((bits >> shift) & 255))
            continue;
        radix_pass(from, to, ids->n, shift);
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from == spare)
        memcpy(ids->v, spare, ids->n * sizeof *spare);
    free(spare);
    return 0;
}

int store_ids_settle(struct store_ids *ids, struct eye_err *err)
{
    bool sorted = true;
    uint64_t bits = 0; /* in which any two of them differ */
    size_t n = 0;
    for (size_t i = 1; i < ids->n; i++) {
        sorted = sorted && ids->v[i - 1] <= ids->v[i];
        bits |= (uint64_t)ids->v[i] ^ (uint64_t)ids->v[0];
    }
    int rc = sorted ? 0 : radix_sort(ids, bits, err);
    for (size_t i = 0; !rc && i < ids->n; i++)
        if (i == 0 || ids->v[i] != ids->v[n - 1])
            ids->v[n++] = ids->v[i];
    ids->n = rc ? 0 : n;
    return rc;
}

/* The first place from `at` on that is not below id: steps that double, then halves, so that a small set in a large one is quick. */
static size_t seek(const struct store_ids *ids, size_t at, int64_t id)
{
    size_t step = 1;
    if (at >= ids->n || ids->v[at] >= id)
        return at;
    while (step < ids->n - at && ids->v[at + step] < id) {
        at += step;
        step *= 2;
    }
    size_t lo = at + 1, hi = step < ids->n - at ? at + step : ids->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ids->v[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Keep what is in b, or what is not. */
static void sift(struct store_ids *a, const struct store_ids *b, bool wanted)
{
    size_t n = 0, j = 0;
    for (size_t i = 0; i < a->n; i++) {
        j = seek(b, j, a->v[i]);
        bool in = j < b->n && b->v[j] == a->v[i];
        if (in == wanted)
            a->v[n++] = a->v[i];
    }
    a->n = n;
}

bool store_ids_has(const struct store_ids *ids, int64_t id)
{
    size_t at = seek(ids, 0, id);
    return at < ids->n && ids->v[at] == id;
}

void store_ids_intersect(struct store_ids *a, const struct store_ids *b)
{
    sift(a, b, true);
}

void store_ids_subtract(struct store_ids *a, const struct store_ids *b)
{
    sift(a, b, false);
}

int store_ids_unite(struct store_ids *a, const struct store_ids *b, struct eye_err *err)
{
    size_t i = 0, j = 0, n = 0, cap = 0;
    if (!b->n)
        return 0;
    int64_t *v = size_add(a->n, b->n, &cap) ? mem_calloc(cap, sizeof *v, err) : NULL;
    if (!v)
        return EYE_ENOMEM;
    while (i < a->n && j < b->n) {
        int64_t x = a->v[i], y = b->v[j];
        v[n++] = x < y ? x : y;
        i += x <= y;
        j += y <= x;
    }
    while (i < a->n)
        v[n++] = a->v[i++];
    while (j < b->n)
        v[n++] = b->v[j++];
    free(a->v);
    *a = (struct store_ids){v, n, cap};
    return 0;
}
