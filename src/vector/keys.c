/* keys.c - the k smallest of n, without sorting them (Hoare's selection).
 *
 * A binary heap of k was measured first: with k = 1000 every key that enters costs ten misses of the branch predictor; collecting
 * twice as many as wanted and cutting now and then costs two comparisons a key. */
#include "vector/keys.h"

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t lo = a < b ? a : b, hi = a < b ? b : a;
    return c < lo ? lo : c > hi ? hi : c;
}

void key_select(uint64_t *keys, size_t n, size_t k)
{
    uint64_t random = 0x9E3779B97F4A7C15u; /* pivots from places that no order of keys foresees */
    ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1, at = (ptrdiff_t)k - 1;
    while (lo < hi) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        ptrdiff_t some = lo + (ptrdiff_t)((random >> 33) % (uint64_t)(hi - lo + 1));
        uint64_t pivot = median(keys[lo + (hi - lo) / 2], keys[some], keys[hi]);
        ptrdiff_t i = lo, j = hi;
        while (i <= j) {
            while (keys[i] < pivot)
                i++;
            while (keys[j] > pivot)
                j--;
            if (i <= j) {
                uint64_t swap = keys[i];
                keys[i++] = keys[j];
                keys[j--] = swap;
            }
        }
        /* [lo, j] <= pivot <= [i, hi], and what lies between is the pivot */
        if (at <= j)
            hi = j;
        else if (at >= i)
            lo = i;
        else
            return;
    }
}

void key_heap_cut(struct key_heap *h)
{
    if (h->n <= h->keep)
        return;
    key_select(h->keys, h->n, h->keep);
    h->n = h->keep;
}
