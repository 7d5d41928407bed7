/* search.c - the exact scan: every row against every query.
 *
 * Rows are taken in blocks that fit the first-level cache and go past all queries before the next block is
 * read: sixteen queries cost one pass over memory. The pool shares out slices of 256 rows; each worker
 * keeps its own k best a query, merged at the end. What enters is decided by (score, id) alone and a score does not
 * depend on its neighbours, so the result is the same with any pool. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "vector/mask.h"
#include "vector/set.h"
#include "vector/topk.h"

enum {
    SLICE_ROWS = 256,        /* one item of the pool; divides SET_CHUNK_ROWS */
    BLOCK_BYTES = 16 * 1024, /* of rows that stay in L1 while the queries pass */
    BLOCK_ROWS = 64,         /* at most, by the size of the score buffer */
    QUERY_GROUP = 16         /* queries a kernel call */
};

struct scan {
    const struct vector_set *set;
    dot_fn *dot;
    const float *queries; /* [nq, stride] */
    size_t nq, k, block_rows;
    struct vector_scope scope;
    struct topk *best; /* [workers, nq] */
};

static bool in_scope(const struct vector_scope *scope, size_t row, const struct vector_hit *hit)
{
    return (!scope->mask || mask_has(scope->mask, row)) &&
           (!scope->after || topk_better(scope->after, hit));
}

/* Offer scores [n] of the rows from `row` on. */
static void offer(const struct scan *scan, struct topk *best, const float *scores, size_t row,
                  size_t n)
{
    const int64_t *ids = set_ids(scan->set, row);
    for (size_t i = 0; i < n; i++) {
        struct vector_hit hit = {.id = ids[i], .score = scores[i]};
        if (topk_wants(best, &hit) && in_scope(&scan->scope, row + i, &hit))
            topk_push(best, &hit);
    }
}

/* n <= block_rows */
static void scan_rows(const struct scan *scan, struct topk *best, size_t row, size_t n)
{
    const struct vector_set *set = scan->set;
    float scores[QUERY_GROUP * BLOCK_ROWS];
    for (size_t q = 0; q < scan->nq; q += QUERY_GROUP) {
        size_t nq = scan->nq - q < QUERY_GROUP ? scan->nq - q : QUERY_GROUP;
        scan->dot(set_row(set, row), n, scan->queries + q * set->stride, nq, set->stride, scores);
        for (size_t j = 0; j < nq; j++)
            offer(scan, &best[q + j], scores + j * n, row, n);
    }
}

/* The runs of fours that hold a marked row: a kernel call for each row would lose more by being short than it saves. */
static void scan_marked(const struct scan *scan, struct topk *best, size_t row, size_t n)
{
    const uint64_t *mask = scan->scope.mask;
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && mask_four(mask, row + i))
            i += 4;
        if (i > from)
            scan_rows(scan, best, row + from, (i < n ? i : n) - from);
        else
            i += 4;
    }
}

static void scan_slice(void *ctx, size_t slice, int worker)
{
    const struct scan *scan = ctx;
    const struct vector_set *set = scan->set;
    struct topk *best = scan->best + (size_t)worker * scan->nq;
    size_t row = slice * SLICE_ROWS;
    size_t end = set->count - row < SLICE_ROWS ? set->count : row + SLICE_ROWS;
    for (; row < end; row += scan->block_rows) {
        size_t n = end - row < scan->block_rows ? end - row : scan->block_rows;
        if (scan->scope.mask)
            scan_marked(scan, best, row, n);
        else
            scan_rows(scan, best, row, n);
    }
}

/* A padded, aligned copy of the queries [nq, dim], checked to be finite. */
static int copy_queries(const struct vector_set *set, const float *queries, size_t nq, float **out,
                        struct eye_err *err)
{
    size_t bytes;
    if (!size_mul(nq, set->stride * sizeof(float), &bytes))
        return eye_fail(err, EYE_ENOMEM, "%zu queries at once are too many", nq);
    float *copy = aligned_alloc(64, bytes);
    if (!copy)
        return eye_fail(err, EYE_ENOMEM, "out of memory for %zu queries", nq);
    memset(copy, 0, bytes);
    for (size_t q = 0; q < nq; q++) {
        for (size_t i = 0; i < set->dim; i++) {
            float x = queries[q * set->dim + i];
            if (!isfinite(x)) {
                free(copy);
                return eye_fail(err, EYE_EINVAL,
                                "query %zu has NaN or an infinity at dimension %zu", q, i);
            }
            copy[q * set->stride + i] = x;
        }
    }
    *out = copy;
    return 0;
}

/* Heaps [workers * nq] with room for k hits each, in one piece of memory each for heaps and hits. */
static struct topk *new_heaps(size_t heaps, size_t k, struct eye_err *err)
{
    size_t nhits;
    if (!size_mul(heaps, k, &nhits)) {
        eye_fail(err, EYE_ENOMEM, "%zu results a query are too many", k);
        return NULL;
    }
    struct topk *best = mem_calloc(heaps, sizeof *best, err);
    struct vector_hit *hits = best ? mem_calloc(nhits, sizeof *hits, err) : NULL;
    if (!hits) {
        free(best);
        return NULL;
    }
    for (size_t i = 0; i < heaps; i++)
        best[i] = (struct topk){.heap = hits + i * k, .k = k};
    return best;
}

/* Worker 0's heaps take in what the others found. */
static void merge_heaps(struct topk *best, size_t workers, size_t nq)
{
    for (size_t w = 1; w < workers; w++) {
        for (size_t q = 0; q < nq; q++) {
            const struct topk *from = &best[w * nq + q];
            for (size_t i = 0; i < from->n; i++)
                if (topk_wants(&best[q], &from->heap[i]))
                    topk_push(&best[q], &from->heap[i]);
        }
    }
}

static size_t block_rows_for(size_t stride)
{
    size_t rows = BLOCK_BYTES / (stride * sizeof(uint16_t));
    return rows > BLOCK_ROWS ? BLOCK_ROWS : rows < 4 ? 4 : rows / 4 * 4;
}

int vector_search(const struct vector_set *set, const float *queries, size_t nq, size_t k,
                  const struct vector_scope *scope, struct pool *pool, struct vector_hit *hits,
                  size_t *counts, struct eye_err *err)
{
    if (nq == 0)
        return 0;
    float *copy = NULL;
    int rc = copy_queries(set, queries, nq, &copy, err);
    if (rc)
        return rc;
    size_t workers = (size_t)pool_threads(pool), heaps;
    struct scan scan = {.set = set,
                        .dot = dot_kernel(cpu_level()),
                        .queries = copy,
                        .nq = nq,
                        .k = k < set->count ? k : set->count,
                        .block_rows = block_rows_for(set->stride),
                        .scope = scope ? *scope : (struct vector_scope){NULL, NULL}};
    if (size_mul(workers, nq, &heaps))
        scan.best = new_heaps(heaps, scan.k, err);
    else
        eye_fail(err, EYE_ENOMEM, "%zu queries at once are too many", nq);
    if (!scan.best) {
        free(copy);
        return EYE_ENOMEM;
    }
    if (scan.k > 0)
        pool_run(pool, (set->count + SLICE_ROWS - 1) / SLICE_ROWS, scan_slice, &scan);
    merge_heaps(scan.best, workers, nq);
    for (size_t q = 0; q < nq; q++) {
        counts[q] = topk_sort(&scan.best[q]);
        if (counts[q]) /* k = 0: hits may be NULL */
            memcpy(hits + q * k, scan.best[q].heap, counts[q] * sizeof *hits);
    }
    free(scan.best[0].heap);
    free(scan.best);
    free(copy);
    return 0;
}
