/* index_scan.c - stage 1: all codes past all asks; each keeps its best rows by estimate.
 *
 * The pool shares out slices of a segment. Within a slice, a few blocks at a time go past every ask while they are in the first-level
 * cache, so that sixteen asks cost one pass over memory. Each worker collects for each ask; the kernel is told the floor
 * below which nothing can be among the best any more, and nearly all blocks end there. Floors are shared among workers: what is
 * dropped below another's floor is below the result's last one too, so who scans what changes nothing.
 *
 * Rows that may not be found are taken out by their bit after the kernel; a group of blocks without any is not looked at. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "vector/index_search.h"
#include "vector/keys.h"

enum {
    SLICE_BLOCKS = 128,      /* one item of the pool: 4096 rows */
    GROUP_BYTES = 16 * 1024, /* of codes that stay in L1 while the asks pass */
    GROUP_BLOCKS = 32        /* at most, by the size of the estimates' buffer */
};

struct scan {
    const struct index_search *s;
    code_scan_fn *kernel;
    size_t group;            /* blocks; divides SLICE_BLOCKS */
    size_t nasks;            /* those that are scanned for */
    struct index_ask **asks; /* [nasks] */
    size_t *slices;          /* [nsegs + 1] the slice at which a segment begins */
    struct key_heap *found;  /* [workers, nasks] */
    atomic_uint *floors;     /* [nasks] key_ordered */
    uint64_t *keys;          /* of all found */
};

static float floor_of(const struct scan *scan, size_t ask)
{
    return key_unordered(atomic_load_explicit(&scan->floors[ask], memory_order_relaxed));
}

static void raise_floor(const struct scan *scan, size_t ask, float floor)
{
    uint32_t to = key_ordered(floor);
    uint32_t seen = atomic_load_explicit(&scan->floors[ask], memory_order_relaxed);
    while (seen < to &&
           !atomic_compare_exchange_weak_explicit(&scan->floors[ask], &seen, to,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

/* Where the estimates' floor is when <mean, q> is not in them: a little lower, for rounding must not lose a row that ties. */
static float kernel_floor(float floor, float mean)
{
    return floor - mean - 1e-6F * (fabsf(floor) + fabsf(mean));
}

/* The live ones among the hits of a block whose first slot is `slot`. */
static void collect(const struct scan *scan, size_t ask, struct key_heap *found, const float *est,
                    uint32_t hits, uint32_t slot, float mean)
{
    for (; hits; hits &= hits - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(hits);
        if (key_heap_put(found, key_make(est[i] + mean, slot + i)))
            raise_floor(scan, ask, key_score(found->keys[found->keep - 1]));
    }
}

static uint32_t block_bits(const uint64_t *bits, size_t block)
{
    return (uint32_t)(bits[block / 2] >> (block % 2 * 32));
}

static bool any_bits(const uint64_t *bits, size_t block, size_t n)
{
    for (size_t b = block; b < block + n; b++)
        if (block_bits(bits, b))
            return true;
    return false;
}

/* n <= group blocks of a segment, for one ask */
static void scan_group(const struct scan *scan, size_t part, size_t ask, struct key_heap *found,
                       size_t block, size_t n)
{
    const struct vector_segment *seg = scan->s->ix->parts[part].seg;
    const struct index_ask *a = scan->asks[ask];
    const uint64_t *bits = index_bits_of(scan->s, a, part);
    if (!any_bits(bits, block, n))
        return;
    float est[GROUP_BLOCKS * CODE_BLOCK], mean = a->mean[part];
    uint32_t hits[GROUP_BLOCKS];
    scan->kernel(seg->codes + block * 4 * seg->pdim, seg->factors + block * CODE_BLOCK, n, &a->code,
                 kernel_floor(floor_of(scan, ask), mean), est, hits);
    size_t slot = scan->s->words[part] * 64 + block * CODE_BLOCK;
    for (size_t b = 0; b < n; b++)
        if ((hits[b] &= block_bits(bits, block + b)) != 0)
            collect(scan, ask, found, est + b * CODE_BLOCK, hits[b],
                    (uint32_t)(slot + b * CODE_BLOCK), mean);
}

static void scan_slice(void *ctx, size_t slice, int worker)
{
    const struct scan *scan = ctx;
    struct key_heap *found = scan->found + (size_t)worker * scan->nasks;
    size_t part = 0;
    while (slice >= scan->slices[part + 1])
        part++;
    size_t block = (slice - scan->slices[part]) * SLICE_BLOCKS;
    size_t blocks = scan->s->ix->parts[part].seg->blocks;
    size_t end = blocks - block < SLICE_BLOCKS ? blocks : block + SLICE_BLOCKS;
    for (; block < end; block += scan->group) {
        size_t n = end - block < scan->group ? end - block : scan->group;
        for (size_t ask = 0; ask < scan->nasks; ask++)
            scan_group(scan, part, ask, &found[ask], block, n);
    }
}

/* ---- before and after ---- */

static int new_candidates(struct index_ask *a, size_t n, struct eye_err *err)
{
    free(a->candidates);
    a->n = 0;
    a->candidates = mem_calloc(n, sizeof *a->candidates, err);
    return a->candidates ? 0 : EYE_ENOMEM;
}

/* All that pass, or all that passing was narrowed to. */
static int take_all(const struct index_search *s, struct index_ask *a, struct eye_err *err)
{
    size_t n = a->pass;
    if (a->narrow) {
        n = 0;
        for (size_t w = 0; w < s->words[s->ix->nsegs]; w++)
            n += (size_t)__builtin_popcountll(a->narrow[w]);
    }
    if (new_candidates(a, n, err))
        return EYE_ENOMEM;
    for (size_t p = 0; p < s->ix->nsegs; p++) {
        const uint64_t *bits = a->narrow ? a->narrow + s->words[p] : index_bits_of(s, a, p);
        for (size_t w = 0; w < part_words(&s->ix->parts[p]); w++)
            for (uint64_t left = bits[w]; left; left &= left - 1)
                a->candidates[a->n++].slot =
                    (uint32_t)((s->words[p] + w) * 64 + (size_t)__builtin_ctzll(left));
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The best of what all workers found for an ask, by ascending slot. keys: room for all of them. */
static int take_best(const struct scan *scan, size_t ask, uint64_t *keys, struct eye_err *err)
{
    struct index_ask *a = scan->asks[ask];
    size_t n = 0, workers = (size_t)pool_threads(scan->s->pool);
    for (size_t w = 0; w < workers; w++) {
        struct key_heap *found = &scan->found[w * scan->nasks + ask];
        key_heap_cut(found);
        memcpy(keys + n, found->keys, found->n * sizeof *keys);
        n += found->n;
    }
    if (n > a->want) {
        key_select(keys, n, a->want);
        n = a->want;
    }
    for (size_t i = 0; i < n; i++) /* from here on only the slots count */
        keys[i] = (uint32_t)keys[i];
    qsort(keys, n, sizeof *keys, by_number);
    if (new_candidates(a, n, err))
        return EYE_ENOMEM;
    for (size_t i = 0; i < n; i++)
        a->candidates[i].slot = (uint32_t)keys[i];
    a->n = n;
    return 0;
}

static void release(struct scan *scan)
{
    free(scan->asks);
    free(scan->slices);
    free(scan->found);
    free(scan->floors);
    free(scan->keys);
}

/* Room for what each worker finds for each ask, and behind it for what all find for one. */
static int new_heaps(struct scan *scan, struct eye_err *err)
{
    size_t workers = (size_t)pool_threads(scan->s->pool), most = 0, sum = 0;
    for (size_t i = 0; i < scan->nasks; i++) {
        size_t cap = key_heap_cap(scan->asks[i]->want);
        most = cap > most ? cap : most;
        sum += cap;
    }
    scan->found = mem_calloc(workers * scan->nasks, sizeof *scan->found, err);
    scan->floors = mem_calloc(scan->nasks, sizeof *scan->floors, err);
    scan->keys = mem_calloc(workers * (sum + most), sizeof *scan->keys, err);
    if (!scan->found || !scan->floors || !scan->keys)
        return EYE_ENOMEM;
    uint64_t *keys = scan->keys;
    for (size_t i = 0; i < workers * scan->nasks; i++) {
        size_t keep = scan->asks[i % scan->nasks]->want;
        scan->found[i] = (struct key_heap){.keys = keys, .cap = key_heap_cap(keep), .keep = keep};
        keys += key_heap_cap(keep);
    }
    for (size_t i = 0; i < scan->nasks; i++)
        atomic_init(&scan->floors[i], key_ordered(-INFINITY));
    return 0;
}

static int new_scan(struct scan *scan, const struct index_search *s, struct eye_err *err)
{
    const struct vector_index *ix = s->ix;
    size_t pdim = segment_pdim(ix->spec.dim), group = GROUP_BLOCKS;
    while (group > 1 && group * 4 * pdim > GROUP_BYTES)
        group /= 2;
    *scan = (struct scan){.s = s, .kernel = code_scan_kernel(cpu_level()), .group = group};
    scan->asks = mem_calloc(s->nasks, sizeof(struct index_ask *), err);
    scan->slices = mem_calloc(ix->nsegs + 1, sizeof *scan->slices, err);
    if (!scan->asks || !scan->slices)
        return EYE_ENOMEM;
    for (size_t p = 0; p < ix->nsegs; p++)
        scan->slices[p + 1] =
            scan->slices[p] + (ix->parts[p].seg->blocks + SLICE_BLOCKS - 1) / SLICE_BLOCKS;
    for (size_t i = 0; i < s->nasks; i++)
        if (!s->asks[i].done && s->asks[i].want < s->asks[i].pass)
            scan->asks[scan->nasks++] = &s->asks[i];
    return new_heaps(scan, err);
}

int index_scan(struct index_search *s, struct eye_err *err)
{
    for (size_t i = 0; i < s->nasks; i++)
        if (!s->asks[i].done && s->asks[i].want >= s->asks[i].pass && take_all(s, &s->asks[i], err))
            return EYE_ENOMEM;
    struct scan scan;
    int rc = new_scan(&scan, s, err);
    if (rc == 0 && scan.nasks > 0) {
        pool_run(s->pool, scan.slices[s->ix->nsegs], scan_slice, &scan);
        uint64_t *room = scan.found[pool_threads(s->pool) * (int)scan.nasks - 1].keys;
        room += scan.found[pool_threads(s->pool) * (int)scan.nasks - 1].cap;
        for (size_t i = 0; rc == 0 && i < scan.nasks; i++)
            rc = take_best(&scan, i, room, err);
    }
    release(&scan);
    return rc;
}
