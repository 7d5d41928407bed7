/* mask.c - from ids to a bit a row. Both ascend, so it is one walk along both. */
#include "vector/mask.h"

#include <string.h>

#include "base/buf.h"
#include "vector/set.h"

uint64_t *vector_mask(const struct vector_set *set, const int64_t *ids, size_t n,
                      struct eye_err *err)
{
    size_t words = set->count / 64 + 1, row = 0;
    uint64_t *mask = mem_calloc(words, sizeof *mask, err);
    if (mask && !ids)
        memset(mask, 0xff, words * sizeof *mask);
    for (size_t i = 0; mask && ids && i < n; i++) {
        row = set_seek(set, row, ids[i]);
        if (row == set->count)
            break;
        if (*set_ids(set, row) == ids[i])
            mask[row / 64] |= UINT64_C(1) << (row % 64);
    }
    return mask;
}

void vector_mask_drop(const struct vector_set *set, uint64_t *mask, int64_t id)
{
    size_t row = set_seek(set, 0, id);
    if (row < set->count && *set_ids(set, row) == id)
        mask[row / 64] &= ~(UINT64_C(1) << (row % 64));
}
