/* index_settle.c - stage 3: exact scores, from the fp16 rows of the store, of those candidates that may be among the k best.
 *
 * A candidate's int8 score bounds its true one from both sides. The k-th best lower bound is a score that the result's last
 * one reaches in any case, so who stays below it even at best is out, and no row that belongs into the result is ever lost here. What
 * the tail found counts with its exact scores, as does what has been fetched. A row that the store no longer
 * has drops out with its bounds, and the next round looks further down; rounds grow, so that there are few. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "vector/index_search.h"
#include "vector/keys.h"

enum { BATCH = 1024, ROUND_LEAST = 16 };

/* Rows of one call to the store. */
struct batch {
    int64_t *ids;   /* [BATCH] */
    bool *there;    /* [BATCH] */
    float *scores;  /* [BATCH] */
    uint16_t *rows; /* [BATCH, stride] */
    uint64_t *keys; /* [n + k of the ask] */
};

static void batch_release(struct batch *b)
{
    free(b->ids);
    free(b->there);
    free(b->scores);
    free(b->rows);
    free(b->keys);
}

static int batch_new(struct batch *b, const struct index_search *s, const struct index_ask *a,
                     struct eye_err *err)
{
    size_t n = a->n < BATCH ? a->n : BATCH;
    *b = (struct batch){.ids = mem_calloc(n, sizeof *b->ids, err),
                        .there = mem_calloc(n, sizeof *b->there, err),
                        .scores = mem_calloc(n, sizeof *b->scores, err),
                        .rows = aligned_alloc(64, n * s->stride * sizeof *b->rows),
                        .keys = mem_calloc(a->n + a->best.n, sizeof *b->keys, err)};
    if (!b->rows)
        return eye_fail(err, EYE_ENOMEM, "out of memory for %zu vectors", n);
    return b->ids && b->there && b->scores && b->keys ? 0 : EYE_ENOMEM;
}

/* ---- which ones ---- */

/* A score that k results reach; -INFINITY if there are not so many. c [n]: not fetched yet. */
static float threshold(const struct index_ask *a, const struct index_candidate *c, size_t n,
                       uint64_t *keys)
{
    const struct vector_hit *after = a->ask->after;
    size_t found = 0, k = a->ask->k;
    for (size_t i = 0; i < a->best.n; i++)
        keys[found++] = key_make(a->best.heap[i].score, (uint32_t)i);
    for (size_t i = 0; i < n; i++) /* those that surely come after `after` */
        if (!after || c[i].score + c[i].slack < after->score)
            keys[found++] = key_make(c[i].score - c[i].slack, (uint32_t)(a->best.n + i));
    if (found < k)
        return -INFINITY;
    key_select(keys, found, k);
    return key_score(keys[k - 1]);
}

int index_threshold(const struct index_ask *a, float *out, struct eye_err *err)
{
    uint64_t *keys = mem_calloc(a->n + a->best.n, sizeof *keys, err);
    if (!keys)
        return EYE_ENOMEM;
    *out = threshold(a, a->candidates, a->n, keys);
    free(keys);
    return 0;
}

/* Bring to the front those that reach `least` at best. */
static size_t reach(struct index_candidate *c, size_t n, float least)
{
    size_t some = 0;
    for (size_t i = 0; i < n; i++) {
        if (c[i].score + c[i].slack >= least) {
            struct index_candidate swap = c[some];
            c[some++] = c[i];
            c[i] = swap;
        }
    }
    return some;
}

/* Bring the m best at best to the front. */
static void best_first(struct index_candidate *c, size_t n, size_t m, uint64_t *keys)
{
    for (size_t i = 0; i < n; i++)
        keys[i] = key_make(c[i].score + c[i].slack, (uint32_t)i);
    key_select(keys, n, m);
    float least = key_score(keys[m - 1]);
    uint32_t last = (uint32_t)keys[m - 1];
    size_t some = 0;
    for (uint32_t i = 0; i < n; i++) {
        float best = c[i].score + c[i].slack;
        if (best > least || (best == least && i <= last)) {
            struct index_candidate swap = c[some];
            c[some++] = c[i];
            c[i] = swap;
        }
    }
}

static int by_slot(const void *a, const void *b)
{
    uint32_t x = ((const struct index_candidate *)a)->slot;
    uint32_t y = ((const struct index_candidate *)b)->slot;
    return (x > y) - (x < y);
}

/* ---- their scores ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* From rows [n, dim] to [n, stride], in place: the last one first. */
static void spread_rows(uint16_t *rows, size_t n, size_t dim, size_t stride)
{
    for (size_t i = n; i-- > 0 && dim < stride;) {
        memmove(rows + i * stride, rows + i * dim, dim * sizeof *rows);
        memset(rows + i * stride + dim, 0, (stride - dim) * sizeof *rows);
    }
}

/* c [n], n <= BATCH */
static int fetch(const struct index_search *s, struct index_ask *a, struct index_candidate *c,
                 size_t n, struct batch *b, struct eye_err *err)
{
    size_t part = 0, dim = (size_t)s->ix->spec.dim;
    qsort(c, n, sizeof *c, by_slot);
    for (size_t i = 0; i < n; i++) {
        part = index_part_of(s, part, c[i].slot);
        b->ids[i] = s->ix->parts[part].seg->ids[c[i].slot - s->words[part] * 64];
    }
    qsort(b->ids, n, sizeof *b->ids, by_id); /* nearly so already: segments follow each other */
    memset(b->there, 0, n * sizeof *b->there);
    int rc = s->source->rows(s->source->ctx, b->ids, n, b->rows, b->there, err);
    if (rc)
        return rc;
    spread_rows(b->rows, n, dim, s->stride);
    dot_kernel(cpu_level())(b->rows, n, a->padded, 1, s->stride, b->scores);
    for (size_t i = 0; i < n; i++) {
        struct vector_hit hit = {b->ids[i], b->scores[i]};
        if (b->there[i] && (!a->ask->after || topk_better(a->ask->after, &hit)) &&
            topk_wants(&a->best, &hit))
            topk_push(&a->best, &hit);
    }
    return 0;
}

/* Those that surely come before `after` go. */
static size_t drop_before(struct index_candidate *c, size_t n, const struct vector_hit *after)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (!after || c[i].score - c[i].slack <= after->score)
            c[left++] = c[i];
    return left;
}

int index_settle(struct index_search *s, struct index_ask *a, struct eye_err *err)
{
    struct index_candidate *c = a->candidates;
    size_t n = drop_before(c, a->n, a->ask->after), least = ROUND_LEAST;
    if (n == 0 || a->ask->k == 0)
        return 0;
    struct batch b;
    int rc = batch_new(&b, s, a, err);
    while (rc == 0 && n > 0) {
        size_t some = reach(c, n, threshold(a, c, n, b.keys));
        if (some == 0)
            break;
        if (some < least) /* never so few that many rounds come of it */
            some = least < n ? least : n;
        if (some > BATCH)
            some = BATCH;
        best_first(c, n, some, b.keys);
        rc = fetch(s, a, c, some, &b, err);
        c += some;
        n -= some;
        least = least < BATCH ? 2 * least : BATCH;
    }
    batch_release(&b);
    return rc;
}
