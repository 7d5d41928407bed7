/* keys.h - a score and a slot in one number that sorts as results do: higher score first, ties by smaller slot. No two are equal, and
 * comparing them is comparing integers. */
#ifndef VECTOR_KEYS_H
#define VECTOR_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bits of a float so that they ascend as floats do (no NaN). */
static inline uint32_t key_ordered(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

static inline float key_unordered(uint32_t ordered)
{
    uint32_t bits = ordered & 0x80000000U ? ordered & 0x7fffffffU : ~ordered;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t key_make(float score, uint32_t slot)
{
    return (uint64_t)~key_ordered(score) << 32 | slot;
}

static inline float key_score(uint64_t key)
{
    return key_unordered(~(uint32_t)(key >> 32));
}

/* The k smallest of n come first, in any order but that keys[k - 1] is the largest of them; 0 < k <= n. */
void key_select(uint64_t *keys, size_t n, size_t k);

/* ---- collecting the best ---- */

/* The `keep` smallest of all that were put in, and up to as many again. */
struct key_heap {
    uint64_t *keys; /* [cap]; the owner's memory */
    size_t n, cap, keep;
};

/* Enough for `keep`. */
static inline size_t key_heap_cap(size_t keep)
{
    return 2 * keep + 256;
}

/* Only the `keep` smallest stay. */
void key_heap_cut(struct key_heap *h);

/* True if it was full and has been cut: keys[keep - 1] is then what others must be below. */
static inline int key_heap_put(struct key_heap *h, uint64_t key)
{
    h->keys[h->n++] = key;
    if (h->n < h->cap)
        return 0;
    key_heap_cut(h);
    return 1;
}

#endif
