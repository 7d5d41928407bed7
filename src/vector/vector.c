/* vector.c - a set of fp16 rows by ascending id: adding, finding, and growing without disturbing who reads.
 *
 * Rows lie in chunks of 1024, so growth never copies a row and never needs twice the memory for a moment, and a borrowed row
 * stays where it is. Chunks are counted and shared: vector_fork makes a second set of the same rows for the price of a
 * pointer a chunk, and what is added to it goes behind the last row that the first one sees, in the same chunk if nobody
 * has written there yet. So a library that grows under a server is never copied, and searches go on in the old set.
 *
 * Ids ascend because the store gives them so and new pictures have larger ones. That makes an index from ids to rows
 * unnecessary (a hash table was here before, at 8 to 16 bytes a row) and a mask from sorted ids one walk along
 * both. Removing a row was dropped with it: after a removal the set is loaded anew, which is rare.
 *
 * One array grown by realloc was dropped too: no 64-byte alignment, and a 10 GB set would need 20 GB to grow where
 * mremap is not at hand. */
#include "vector/vector.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "vector/set.h"

enum { DIM_MAX = 4096 };

struct vector_set *vector_new(int dim, struct eye_err *err)
{
    if (dim < 1 || dim > DIM_MAX) {
        eye_fail(err, EYE_EINVAL, "vectors of %d dimensions: must be 1 to %d", dim, DIM_MAX);
        return NULL;
    }
    struct vector_set *set = mem_calloc(1, sizeof *set, err);
    if (!set)
        return NULL;
    set->dim = (size_t)dim;
    set->stride = (set->dim + DOT_STEP - 1) / DOT_STEP * DOT_STEP;
    return set;
}

static void chunk_release(struct set_chunk *chunk)
{
    if (atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) == 1)
        free(chunk);
}

void vector_free(struct vector_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->nchunks; i++)
        chunk_release(set->chunks[i]);
    free(set->chunks);
    free(set);
}

struct vector_set *vector_fork(const struct vector_set *set, struct eye_err *err)
{
    struct vector_set *fork = mem_calloc(1, sizeof *fork, err);
    if (!fork)
        return NULL;
    *fork = *set;
    fork->chunks_cap = set->nchunks + 8;
    fork->chunks = mem_calloc(fork->chunks_cap, sizeof(struct set_chunk *), err);
    if (!fork->chunks) {
        free(fork);
        return NULL;
    }
    for (size_t i = 0; i < set->nchunks; i++) {
        fork->chunks[i] = set->chunks[i];
        atomic_fetch_add_explicit(&fork->chunks[i]->refs, 1, memory_order_relaxed);
    }
    return fork;
}

int vector_dim(const struct vector_set *set)
{
    return (int)set->dim;
}

size_t vector_count(const struct vector_set *set)
{
    return set->count;
}

static size_t chunk_bytes(const struct vector_set *set)
{
    return sizeof(struct set_chunk) + SET_CHUNK_ROWS * set->stride * sizeof(uint16_t);
}

size_t vector_bytes(const struct vector_set *set)
{
    return sizeof *set + set->nchunks * chunk_bytes(set) +
           set->chunks_cap * sizeof(struct set_chunk *);
}

int64_t vector_last(const struct vector_set *set)
{
    return set->count ? *set_ids(set, set->count - 1) : INT64_MIN;
}

/* Adding 1 to an exponent of all ones carries into the sign's bit; no branch a number, for this runs on every row loaded. */
bool set_finite(const uint16_t *row, size_t dim)
{
    unsigned carried = 0;
    for (size_t i = 0; i < dim; i++)
        carried |= (row[i] & 0x7c00u) + 0x0400u;
    return !(carried & 0x8000u);
}

int vector_row_length(const uint16_t *row, size_t dim, double *length, struct eye_err *err)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        if ((row[i] & 0x7c00) == 0x7c00)
            return eye_fail(err, EYE_EINVAL, "a vector has %s at dimension %zu",
                            row[i] & 0x3ff ? "NaN" : "an infinity", i);
        double x = (double)dot_half_to_float(row[i]);
        sum += x * x;
    }
    if (length)
        *length = sqrt(sum);
    return 0;
}

/* ---- adding ---- */

static struct set_chunk *new_chunk(const struct vector_set *set, struct eye_err *err)
{
    struct set_chunk *chunk = aligned_alloc(64, chunk_bytes(set)); /* a multiple: stride is of 32 */
    if (!chunk) {
        eye_fail(err, EYE_ENOMEM, "out of memory for vectors (%zu bytes more)", chunk_bytes(set));
        return NULL;
    }
    atomic_init(&chunk->refs, 1);
    chunk->used = 0;
    return chunk;
}

static int append_chunk(struct vector_set *set, struct eye_err *err)
{
    if (set->nchunks == set->chunks_cap) {
        size_t cap = set->chunks_cap ? 2 * set->chunks_cap : 8;
        struct set_chunk **chunks = mem_realloc(set->chunks, cap, sizeof(struct set_chunk *), err);
        if (!chunks)
            return EYE_ENOMEM;
        set->chunks = chunks;
        set->chunks_cap = cap;
    }
    struct set_chunk *chunk = new_chunk(set, err);
    if (!chunk)
        return EYE_ENOMEM;
    set->chunks[set->nchunks++] = chunk;
    return 0;
}

/* Another set went on behind the rows that this one sees: it needs a chunk of its own. */
static int part_ways(struct vector_set *set, struct set_chunk **last, unsigned used,
                     struct eye_err *err)
{
    struct set_chunk *own = new_chunk(set, err);
    if (!own)
        return EYE_ENOMEM;
    memcpy(own->ids, (*last)->ids, used * sizeof *own->ids);
    memcpy(own->rows, (*last)->rows, used * set->stride * sizeof *own->rows);
    own->used = used;
    chunk_release(*last);
    *last = own;
    return 0;
}

/* Make room for one more row; nothing visible changes. */
static int reserve_row(struct vector_set *set, struct eye_err *err)
{
    unsigned used = (unsigned)(set->count % SET_CHUNK_ROWS);
    if (used == 0)
        return append_chunk(set, err);
    struct set_chunk **last = &set->chunks[set->nchunks - 1];
    return (*last)->used == used ? 0 : part_ways(set, last, used, err);
}

int vector_add(struct vector_set *set, int64_t id, const uint16_t *row, struct eye_err *err)
{
    if (!set_finite(row, set->dim))
        return vector_row_length(row, set->dim, NULL, err); /* says where */
    if (set->count && id <= vector_last(set))
        return eye_fail(err, EYE_EINVAL, "vectors are added by ascending id: %lld after %lld",
                        (long long)id, (long long)vector_last(set));
    int rc = reserve_row(set, err);
    if (rc)
        return rc;
    uint16_t *to = set_row(set, set->count);
    memcpy(to, row, set->dim * sizeof *to);
    memset(to + set->dim, 0, (set->stride - set->dim) * sizeof *to);
    *set_ids(set, set->count) = id;
    set->chunks[set->nchunks - 1]->used++;
    set->count++;
    return 0;
}

/* ---- finding ---- */

size_t set_seek(const struct vector_set *set, size_t from, int64_t id)
{
    size_t lo = from, step = 1;
    /* Double the step until it is passed: whoever walks along sorted ids finds most a row or two further. */
    while (lo + step <= set->count && *set_ids(set, lo + step - 1) < id) {
        lo += step;
        step *= 2;
    }
    size_t hi = lo + step - 1 < set->count ? lo + step - 1 : set->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (*set_ids(set, mid) < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const uint16_t *vector_row(const struct vector_set *set, int64_t id)
{
    size_t at = set_seek(set, 0, id);
    return at < set->count && *set_ids(set, at) == id ? set_row(set, at) : NULL;
}
