/* mask.c - from ids to a bit a row. */
#include "vector/mask.h"

#include <string.h>

#include "base/buf.h"
#include "vector/set.h"

uint64_t *vector_mask(const struct vector_set *set, const int64_t *ids, size_t n,
                      struct eye_err *err)
{
    size_t words = set->count / 64 + 1, row;
    uint64_t *mask = mem_calloc(words, sizeof *mask, err);
    if (mask && !ids)
        memset(mask, 0xff, words * sizeof *mask);
    for (size_t i = 0; mask && ids && i < n; i++)
        if (idmap_find(&set->map, set->ids, ids[i], &row))
            mask[row / 64] |= UINT64_C(1) << (row % 64);
    return mask;
}

void vector_mask_drop(const struct vector_set *set, uint64_t *mask, int64_t id)
{
    size_t row;
    if (idmap_find(&set->map, set->ids, id, &row))
        mask[row / 64] &= ~(UINT64_C(1) << (row % 64));
}
