/* topk.h - the k best hits seen so far: higher score first, ties by smaller id. One thread at a time. */
#ifndef VECTOR_TOPK_H
#define VECTOR_TOPK_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "vector/vector.h"

struct topk {
    struct vector_hit *heap; /* [k], the worst on top; the caller's memory */
    size_t n, k;
};

/* The order of results; total as long as ids differ. */
static inline bool topk_better(const struct vector_hit *a, const struct vector_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

/* Would this one enter? NaN never does. */
static inline bool topk_wants(const struct topk *t, const struct vector_hit *hit)
{
    if (t->n < t->k)
        return !isnan(hit->score);
    return t->k > 0 && topk_better(hit, t->heap);
}

/* Put in a hit that topk_wants. */
void topk_push(struct topk *t, const struct vector_hit *hit);

/* Best first, in place; t is empty afterwards. Returns how many. */
size_t topk_sort(struct topk *t);

#endif
