/* index_search.c - a search of a snapshot, in three stages and the tail.
 *
 * The tail is scanned exactly (vector_search). Of the segments' rows, 1-bit codes choose R, their int8 rows (read from the
 * file) bound the scores of those, and the store's fp16 rows decide among what may be among the best: scores are those of the exact
 * scan to the bit. Only the choice of R by codes can lose a row (docs/PERFORMANCE.md says how rarely), and where few
 * rows may be found at all, it is left out: then the result is exact. Where a filter passes more, the R tell how good a row must be to matter, and
 * codes only rule out what cannot be so good (index_sure.c).
 *
 * A search that ends with fewer than k although it did not look at all rows (the store no longer has them, or they come before
 * `after`) goes around again with more candidates. */
#include "vector/index_search.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"

/* A filter's rows are all read where that is less work than two scans of codes: some, and a share of the segments' rows. */
enum { READ_ALL_ROWS = 4096, READ_ALL_SHARE = 64 };

/* ---- the asks ---- */

static int check_query(const struct index_search *s, size_t number, struct eye_err *err)
{
    const float *query = s->asks[number].ask->query;
    for (size_t i = 0; i < (size_t)s->ix->spec.dim; i++)
        if (!isfinite(query[i]))
            return eye_fail(err, EYE_EINVAL, "query %zu has NaN or an infinity at dimension %zu",
                            number, i);
    return 0;
}

/* Rows of segments that an ask may find. The caller's count is of the tail too, and is not relied on. */
static size_t count_pass(const struct index_search *s, const struct index_ask *a)
{
    size_t n = 0;
    for (size_t p = 0; p < s->ix->nsegs; p++) {
        if (!a->ask->mask) {
            n += s->ix->parts[p].nlive;
            continue;
        }
        const uint64_t *bits = index_bits_of(s, a, p);
        for (size_t w = 0; w < part_words(&s->ix->parts[p]); w++)
            n += (size_t)__builtin_popcountll(bits[w]);
    }
    return n;
}

static size_t first_want(struct index_ask *a, size_t rows, int dim)
{
    const struct vector_ask *ask = a->ask;
    a->sure = ask->mask && a->pass <= VECTOR_EXACT_ROWS;
    if (a->sure && a->pass < READ_ALL_ROWS + rows / READ_ALL_SHARE) {
        a->sure = false; /* for all of them are looked at */
        return a->pass;
    }
    size_t want = ask->rescore, least;
    if (!size_add(ask->depth, ask->k, &least))
        least = SIZE_MAX;
    if (!want)
        want = vector_rescore(a->pass, least, dim);
    want = want > least ? want : least;
    if (want >= a->pass)
        a->sure = false;
    return want < a->pass ? want : a->pass;
}

/* What the codes and int8 rows of segments want of a query. */
static int prepare_query(const struct index_search *s, struct index_ask *a, struct eye_err *err)
{
    const struct vector_index *ix = s->ix;
    const float *query = a->ask->query;
    size_t dim = (size_t)ix->spec.dim;
    double square = 0;
    for (size_t i = 0; i < dim; i++)
        square += (double)query[i] * (double)query[i];
    a->length = (float)sqrt(square);
    for (size_t p = 0; p < ix->nsegs; p++) {
        double sum = 0;
        for (size_t i = 0; i < dim; i++)
            sum += (double)ix->parts[p].seg->mean[i] * (double)query[i];
        a->mean[p] = (float)sum;
    }
    const struct rotation *rotation = ix->parts[0].seg->rotation; /* the same in all of them */
    float *rotated = mem_calloc(rotation_dims(rotation), sizeof *rotated, err);
    if (!rotated)
        return EYE_ENOMEM;
    rotation_apply(rotation, query, rotated);
    int rc = code_query_init(&a->code, rotated, rotation_dims(rotation), err);
    free(rotated);
    return rc;
}

static int prepare_ask(const struct index_search *s, size_t number, struct eye_err *err)
{
    struct index_ask *a = &s->asks[number];
    int rc = check_query(s, number, err);
    if (rc)
        return rc;
    size_t bytes = s->stride * sizeof *a->padded;
    a->padded = aligned_alloc(64, bytes);
    a->mean = mem_calloc(s->ix->nsegs, sizeof *a->mean, err);
    if (!a->padded || !a->mean)
        return eye_fail(err, EYE_ENOMEM, "out of memory for a query");
    memset(a->padded, 0, bytes);
    memcpy(a->padded, a->ask->query, (size_t)s->ix->spec.dim * sizeof *a->padded);
    a->pass = count_pass(s, a);
    a->want = first_want(a, s->words[s->ix->nsegs] * 64, s->ix->spec.dim);
    return a->pass && a->ask->k ? prepare_query(s, a, err) : 0;
}

static void release(struct index_search *s)
{
    for (size_t i = 0; s->asks && i < s->nasks; i++) {
        code_query_release(&s->asks[i].code);
        free(s->asks[i].padded);
        free(s->asks[i].mean);
        free(s->asks[i].candidates);
        free(s->asks[i].narrow);
    }
    free(s->asks);
    free(s->words);
}

static int prepare(struct index_search *s, struct vector_ask *asks, struct eye_err *err)
{
    const struct vector_index *ix = s->ix;
    s->asks = mem_calloc(s->nasks, sizeof *s->asks, err);
    s->words = mem_calloc(ix->nparts + 1, sizeof *s->words, err);
    if (!s->asks || !s->words)
        return EYE_ENOMEM;
    s->stride = ((size_t)ix->spec.dim + DOT_STEP - 1) / DOT_STEP * DOT_STEP;
    for (size_t p = 0; p < ix->nparts; p++)
        s->words[p + 1] = s->words[p] + part_words(&ix->parts[p]);
    for (size_t i = 0; i < s->nasks; i++)
        s->asks[i].ask = &asks[i];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->nasks; i++)
        rc = prepare_ask(s, i, err);
    return rc;
}

/* ---- the tail ---- */

/* Asks that may share a pass over the tail: all its live rows, nothing before. */
static bool is_plain(const struct index_ask *a)
{
    return !a->ask->mask && !a->ask->after;
}

static bool wants_tail(const struct index_ask *a)
{
    return !a->done && !a->tailed;
}

/* One run for the asks [n] of `group`, which have the same scope. */
static int search_run(const struct index_search *s, size_t part, struct index_ask **group, size_t n,
                      struct eye_err *err)
{
    const struct index_part *run = &s->ix->parts[part];
    size_t dim = (size_t)s->ix->spec.dim, k = 0, nhits = 0;
    for (size_t i = 0; i < n; i++)
        k = group[i]->ask->k > k ? group[i]->ask->k : k;
    k = k < part_rows(run) ? k : part_rows(run);
    struct vector_scope scope = {index_bits_of(s, group[0], part), group[0]->ask->after};
    if (!group[0]->ask->mask && run->nlive == part_rows(run))
        scope.mask = NULL;
    float *queries = mem_calloc(n, dim * sizeof *queries, err);
    size_t *counts = mem_calloc(n, sizeof *counts, err);
    struct vector_hit *hits = size_mul(n, k, &nhits) ? mem_calloc(nhits, sizeof *hits, err) : NULL;
    int rc = queries && counts && hits ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++)
        memcpy(queries + i * dim, group[i]->ask->query, dim * sizeof *queries);
    if (rc == 0)
        rc = vector_search(run->set, queries, n, k, &scope, s->pool, hits, counts, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        for (size_t h = 0; h < counts[i] && topk_wants(&group[i]->best, &hits[i * k + h]); h++)
            topk_push(&group[i]->best, &hits[i * k + h]);
    free(queries);
    free(counts);
    free(hits);
    return rc;
}

static int search_tail(const struct index_search *s, struct index_ask **group, struct eye_err *err)
{
    int rc = 0;
    for (size_t p = s->ix->nsegs; p < s->ix->nparts; p++) {
        size_t plain = 0;
        for (size_t i = 0; i < s->nasks; i++)
            if (wants_tail(&s->asks[i]) && is_plain(&s->asks[i]))
                group[plain++] = &s->asks[i];
        if (plain > 0)
            rc = search_run(s, p, group, plain, err);
        for (size_t i = 0; rc == 0 && i < s->nasks; i++) {
            group[0] = &s->asks[i];
            if (wants_tail(&s->asks[i]) && !is_plain(&s->asks[i]))
                rc = search_run(s, p, group, 1, err);
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- all of it ---- */

/* Once through the stages for all asks that are not done. */
static int search_round(struct index_search *s, struct index_ask **group, struct eye_err *err)
{
    for (size_t i = 0; i < s->nasks; i++)
        if (wants_tail(&s->asks[i]))
            s->asks[i].best = (struct topk){.heap = s->asks[i].ask->hits, .k = s->asks[i].ask->k};
    int rc = search_tail(s, group, err);
    if (rc || s->ix->nsegs == 0)
        return rc;
    for (size_t i = 0; i < s->nasks; i++)
        s->asks[i].tailed = true;
    rc = index_scan(s, err);
    if (rc == 0)
        rc = index_score(s, err);
    if (rc == 0)
        rc = index_narrow(s, err);
    for (size_t i = 0; rc == 0 && i < s->nasks; i++)
        if (!s->asks[i].done && !s->asks[i].sure)
            rc = index_settle(s, &s->asks[i], err);
    return rc;
}

/* Has it found enough, and nothing better where it has not looked? */
static bool is_done(const struct index_ask *a)
{
    if (a->narrow)
        return a->best.n == a->ask->k && a->best.heap[0].score >= a->cut;
    return a->best.n == a->ask->k || a->want == a->pass;
}

/* Where one looks next that is not done. */
static void look_further(struct index_ask *a)
{
    if (a->sure) { /* now for what its candidates told to be worth it */
        a->sure = false;
        a->want = a->pass;
        return;
    }
    a->tailed = false;
    if (a->narrow) { /* the store has lost what seemed so good: everything */
        free(a->narrow);
        a->narrow = NULL;
    }
    a->want = a->want < a->pass / 8 ? 8 * a->want + 8 : a->pass;
}

static bool all_done(struct index_search *s)
{
    bool all = true;
    for (size_t i = 0; i < s->nasks; i++) {
        struct index_ask *a = &s->asks[i];
        if (a->done || (!a->sure && is_done(a))) {
            a->done = true;
            continue;
        }
        look_further(a);
        all = false;
    }
    return all;
}

int vector_index_search(const struct vector_index *ix, struct vector_ask *asks, size_t n,
                        const struct vector_source *source, struct pool *pool, struct eye_err *err)
{
    struct index_search s = {.ix = ix, .pool = pool, .source = source, .nasks = n};
    struct index_ask **group = mem_calloc(n, sizeof(struct index_ask *), err);
    int rc = group ? prepare(&s, asks, err) : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) /* who wants nothing gets it */
        s.asks[i].done = s.asks[i].ask->k == 0;
    while (rc == 0) {
        rc = search_round(&s, group, err);
        if (rc || all_done(&s))
            break;
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        asks[i].count = topk_sort(&s.asks[i].best);
    release(&s);
    free(group);
    return rc;
}
