/* set.h - inside of a vector_set, shared by vector.c (adds to it), mask.c and search.c (read it). */
#ifndef VECTOR_SET_H
#define VECTOR_SET_H

#include <stdatomic.h>

#include "vector/dot.h"
#include "vector/vector.h"

enum { SET_CHUNK_ROWS = 1024 };

/* Rows that sets share. A set sees the first rows of its last chunk, as many as it counts; behind them another may add. */
struct set_chunk {
    atomic_uint refs;
    unsigned used; /* rows written by whoever came furthest; only for those who add */
    int64_t ids[SET_CHUNK_ROWS];
    _Alignas(64) uint16_t rows[]; /* [SET_CHUNK_ROWS, stride] fp16 */
};

struct vector_set {
    size_t dim, stride; /* stride: dim rounded up to DOT_STEP, the rest of a row is zero */
    size_t count;
    struct set_chunk **chunks; /* [nchunks] */
    size_t nchunks, chunks_cap;
};

/* Both go on to the end of the row's chunk. */
static inline uint16_t *set_row(const struct vector_set *set, size_t row)
{
    return set->chunks[row / SET_CHUNK_ROWS]->rows + (row % SET_CHUNK_ROWS) * set->stride;
}

static inline int64_t *set_ids(const struct vector_set *set, size_t row)
{
    return set->chunks[row / SET_CHUNK_ROWS]->ids + row % SET_CHUNK_ROWS;
}

/* The first row from `from` on whose id is not below `id`; count if there is none. Quick when it is near. */
size_t set_seek(const struct vector_set *set, size_t from, int64_t id);

/* Neither NaN nor Inf in it. */
bool set_finite(const uint16_t *row, size_t dim);

#endif
