/* vector.c - a set of fp16 rows: adding, replacing, removing, finding by id.
 *
 * Rows lie in chunks of 1024, so growth never copies a row and never needs twice the memory for a moment,
 * and a borrowed row stays where it is while others are added. Removal moves the last row into the gap:
 * the scan never meets a hole. One array grown by realloc was dropped: no 64-byte alignment, and a
 * 10 GB set would need 20 GB to grow where mremap is not at hand. */
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

void vector_free(struct vector_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->nchunks; i++)
        free(set->chunks[i]);
    free(set->chunks);
    free(set->ids);
    idmap_release(&set->map);
    free(set);
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
    return SET_CHUNK_ROWS * set->stride * sizeof(uint16_t);
}

size_t vector_bytes(const struct vector_set *set)
{
    return sizeof *set + set->nchunks * chunk_bytes(set) + set->chunks_cap * sizeof *set->chunks +
           set->ids_cap * sizeof *set->ids + set->map.nslots * sizeof *set->map.slots;
}

/* Adding 1 to an exponent of all ones carries into the sign's bit; no branch a number, for this runs on every row loaded. */
static bool is_finite(const uint16_t *row, size_t dim)
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

/* Make room for one more row; nothing visible changes. */
static int reserve_row(struct vector_set *set, struct eye_err *err)
{
    if (set->count == set->ids_cap) {
        size_t cap;
        if (!size_mul(set->ids_cap, 2, &cap))
            return eye_fail(err, EYE_ENOMEM, "too many vectors");
        cap = cap ? cap : 64;
        int64_t *ids = mem_realloc(set->ids, cap, sizeof *ids, err);
        if (!ids)
            return EYE_ENOMEM;
        set->ids = ids;
        set->ids_cap = cap;
    }
    if (set->nchunks == set->chunks_cap) {
        size_t cap = set->chunks_cap ? 2 * set->chunks_cap : 8;
        uint16_t **chunks = mem_realloc(set->chunks, cap, sizeof *chunks, err);
        if (!chunks)
            return EYE_ENOMEM;
        set->chunks = chunks;
        set->chunks_cap = cap;
    }
    if (set->count == set->nchunks * SET_CHUNK_ROWS) {
        void *chunk = aligned_alloc(64, chunk_bytes(set));
        if (!chunk)
            return eye_fail(err, EYE_ENOMEM, "out of memory for vectors (%zu bytes more)",
                            chunk_bytes(set));
        set->chunks[set->nchunks++] = chunk;
    }
    return idmap_reserve(&set->map, set->ids, err);
}

int vector_add(struct vector_set *set, int64_t id, const uint16_t *row, struct eye_err *err)
{
    if (!is_finite(row, set->dim))
        return vector_row_length(row, set->dim, NULL, err); /* says where */
    size_t at;
    if (!idmap_find(&set->map, set->ids, id, &at)) {
        int rc = reserve_row(set, err);
        if (rc)
            return rc;
        at = set->count++;
        set->ids[at] = id;
        idmap_put(&set->map, set->ids, at);
    }
    uint16_t *to = set_row(set, at);
    memcpy(to, row, set->dim * sizeof *to);
    memset(to + set->dim, 0, (set->stride - set->dim) * sizeof *to);
    return 0;
}

int vector_remove(struct vector_set *set, int64_t id)
{
    size_t at;
    if (!idmap_find(&set->map, set->ids, id, &at))
        return EYE_ENOTFOUND;
    size_t last = set->count - 1;
    idmap_drop(&set->map, set->ids, at);
    if (at != last) {
        idmap_drop(&set->map, set->ids, last);
        memcpy(set_row(set, at), set_row(set, last), set->stride * sizeof(uint16_t));
        set->ids[at] = set->ids[last];
        idmap_put(&set->map, set->ids, at);
    }
    set->count = last;
    /* Keep one empty chunk, so that add and remove at a border do not allocate each time. */
    if (set->nchunks > 1 && set->count <= (set->nchunks - 2) * SET_CHUNK_ROWS)
        free(set->chunks[--set->nchunks]);
    return 0;
}

const uint16_t *vector_row(const struct vector_set *set, int64_t id)
{
    size_t at;
    return idmap_find(&set->map, set->ids, id, &at) ? set_row(set, at) : NULL;
}
