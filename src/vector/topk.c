/* topk.c - a bounded binary heap with the worst hit on top.
 *
 * A sorted array would be as good for k = 10 but not for k = 100000; the heap costs nothing while
 * nothing enters, and that is nearly always: after N rows some k * ln(N / k) have. */
#include "vector/topk.h"

static void sift_down(struct vector_hit *heap, size_t n, struct vector_hit hit)
{
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && topk_better(&heap[child], &heap[child + 1]))
            child++;
        if (topk_better(&heap[child], &hit))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = hit;
}

static void sift_up(struct vector_hit *heap, size_t i, struct vector_hit hit)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (topk_better(&hit, &heap[parent]))
            break;
        heap[i] = heap[parent];
        i = parent;
    }
    heap[i] = hit;
}

void topk_push(struct topk *t, const struct vector_hit *hit)
{
    if (t->n < t->k)
        sift_up(t->heap, t->n++, *hit);
    else
        sift_down(t->heap, t->n, *hit);
}

size_t topk_sort(struct topk *t)
{
    size_t n = t->n;
    for (size_t left = n; left > 1; left--) {
        struct vector_hit worst = t->heap[0];
        sift_down(t->heap, left - 1, t->heap[left - 1]);
        t->heap[left - 1] = worst;
    }
    t->n = 0;
    return n;
}
