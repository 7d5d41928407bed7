/* mask.h - reading a mask: bit row % 64 of word row / 64. */
#ifndef VECTOR_MASK_H
#define VECTOR_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool mask_has(const uint64_t *mask, size_t row)
{
    return mask[row / 64] >> (row % 64) & 1;
}

/* Any of the four rows from `row` on, a multiple of four? */
static inline bool mask_four(const uint64_t *mask, size_t row)
{
    return mask[row / 64] >> (row % 64) & 15;
}

#endif
