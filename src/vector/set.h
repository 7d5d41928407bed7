/* set.h - inside of a vector_set, shared by vector.c (changes it) and search.c (reads it). */
#ifndef VECTOR_SET_H
#define VECTOR_SET_H

#include "vector/dot.h"
#include "vector/idmap.h"
#include "vector/vector.h"

enum { SET_CHUNK_ROWS = 1024 };

struct vector_set {
    size_t dim, stride; /* stride: dim rounded up to DOT_STEP, the rest of a row is zero */
    size_t count;
    uint16_t **chunks; /* [nchunks] of [SET_CHUNK_ROWS, stride] fp16, aligned to 64 bytes */
    size_t nchunks, chunks_cap;
    int64_t *ids; /* [ids_cap], `count` in use; ids[row] */
    size_t ids_cap;
    struct idmap map;
};

static inline uint16_t *set_row(const struct vector_set *set, size_t row)
{
    return set->chunks[row / SET_CHUNK_ROWS] + (row % SET_CHUNK_ROWS) * set->stride;
}

#endif
