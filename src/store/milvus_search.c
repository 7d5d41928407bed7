/* milvus_search.c - the best of what passes a filter, in the order of results, as many as there are.
 *
 * A server gives ids with scores for the k nearest. Three things are missing to what the embedded store gives, and are added here:
 *  - Order: of rows with equal scores a server gives any. So a few more are asked for than are wanted, their scores are made anew from their vectors
 *    (milvus_vectors.c), and if the last one that is wanted might tie with one that was not given, more are asked for.
 *  - Filters that no expression says: candidates are held against the filter, and when too few of them pass, more are asked for.
 *  - Few that pass: an index may give fewer than there are (milvus-lite filters what its graph found). Then more are asked for too, and at
 *    the end, at the server's limit of 16,384, all that pass are walked and compared here: slow, and never short.
 *
 * Several asks go in one request. Where a page begins (`after`) is found by asking for the pages before once more: a server that skips
 * (offset) does the same. */
#include <math.h>
#include <string.h>

#include "store/milvus_find.h"

enum { GROW = 8, HITS_MAX = 1 << 18, TRULY_EXACT = 50000, FEW_EXACT = 2048, WALK_MAX = 500000 };

struct candidate {
    int64_t id;
    float score; /* the server's */
};

struct probe {
    struct vector_ask *ask;
    float eps;               /* how far a score of the server may be off */
    struct candidate *found; /* [n] as the server gave them */
    size_t n;
    struct store_ids passed; /* those of them that pass and are worth a look */
    float rest;              /* no other has a better score of the server */
    bool all;                /* every one was looked at */
    bool done;
};

struct search {
    const struct milvus_finder *f;
    struct milvus_scope scope;
    bool thorough;
    bool counted;
    uint64_t present; /* rows that expr lets pass */
    struct probe *probes;
    size_t n;
    struct eye_err *err;
};

static const char *expr_of(const struct search *s)
{
    return s->scope.expr.says == MILVUS_ALL ? "" : s->scope.expr.text.data;
}

static int count_present(struct search *s)
{
    int rc = s->counted
                 ? 0
                 : milvus_count(s->f->m, MILVUS_PICTURES, expr_of(s), false, &s->present, s->err);
    s->counted = !rc;
    return rc;
}

/* ---- candidates that are worth a look ---- */

/* The next ones from *at on, at most `n`, that pass. */
static int pass_some(struct search *s, struct probe *p, size_t *at, size_t n)
{
    struct store_ids ids = {NULL, 0, 0};
    int rc = 0;
    for (; *at < p->n && n && !rc; n--)
        rc = store_ids_add(&ids, p->found[(*at)++].id, s->err);
    rc = rc ? rc : store_ids_settle(&ids, s->err);
    rc = rc ? rc : milvus_scope_keep(&s->scope, NULL, &ids, s->err);
    for (size_t i = 0; i < ids.n && !rc; i++)
        rc = store_ids_add(&p->passed, ids.v[i], s->err);
    store_ids_free(&ids);
    return rc;
}

/* Where the page may begin: scores of the server are off by eps. */
static size_t begin_of(const struct probe *p)
{
    size_t at = 0;
    const struct vector_hit *after = p->ask->after;
    while (after && at < p->n && p->found[at].score > after->score + p->eps)
        at++;
    return at;
}

/* Those that may tie with `after` may be before it. */
static size_t doubtful(const struct probe *p, size_t from)
{
    size_t n = from;
    const struct vector_hit *after = p->ask->after;
    while (after && n < p->n && p->found[n].score >= after->score - p->eps)
        n++;
    return n - from;
}

static int choose(struct search *s, struct probe *p)
{
    size_t from = begin_of(p), at = from, k = p->ask->k;
    bool sure = milvus_index_exact_scores(&s->f->index);
    size_t wanted = k + doubtful(p, from);
    wanted = sure ? wanted : 2 * wanted + 32;
    p->passed.n = 0;
    int rc = 0;
    for (size_t some = wanted > 128 ? wanted : 128; at < p->n && p->passed.n < wanted && !rc;
         some *= 2)
        rc = pass_some(s, p, &at, s->scope.expr.exact ? wanted - p->passed.n : some);
    /* and all that the last of these might tie with */
    while (sure && at < p->n && at > 0 &&
           p->found[at].score >= p->found[at - 1].score - 2 * p->eps && !rc)
        rc = pass_some(s, p, &at, 1 + p->ask->k / 8);
    p->all = at == p->n;
    p->rest = at < p->n ? p->found[at].score : at ? p->found[at - 1].score : INFINITY;
    return rc ? rc : store_ids_settle(&p->passed, s->err);
}

/* ---- scores ---- */

static int score(struct search *s, struct probe *p, const struct vector_set *set)
{
    struct vector_ask *a = p->ask;
    uint64_t *mask = vector_mask(set, p->passed.v, p->passed.v ? p->passed.n : 0, s->err);
    if (!mask)
        return EYE_ENOMEM;
    const struct vector_scope scope = {mask, a->after};
    int rc = p->passed.n
                 ? vector_search(set, a->query, 1, a->k, &scope, NULL, a->hits, &a->count, s->err)
                 : 0;
    free(mask);
    if (!p->passed.n)
        a->count = 0;
    return rc;
}

/* Nothing that was not looked at could be among the results. */
static int decide(struct search *s, struct probe *p, size_t topk)
{
    const struct vector_ask *a = p->ask;
    bool full = a->count == a->k;
    p->done = full && (!milvus_index_exact_scores(&s->f->index) ||
                       p->rest < a->hits[a->k - 1].score - p->eps);
    if (p->done || p->n >= topk)
        return 0;
    int rc = count_present(s); /* is that all there is? */
    p->done = !rc && p->all && p->n >= s->present;
    return rc;
}

/* ---- one request ---- */

static int add_found(struct search *s, const struct milvus_found *found, struct probe **probes,
                     size_t n)
{
    for (size_t q = 0; q < n; q++) {
        struct probe *p = probes[q];
        free(p->found);
        p->n = found->counts[q];
        p->found = mem_calloc(p->n, sizeof *p->found, s->err);
        if (!p->found)
            return EYE_ENOMEM;
        for (size_t i = 0; i < p->n; i++)
            p->found[i] = (struct candidate){found->ids[q * found->topk + i],
                                             found->scores[q * found->topk + i]};
        int rc = choose(s, p);
        if (rc)
            return rc;
    }
    return 0;
}

/* The vectors of all that will be looked at. Asked for in the search itself they cost 200 ms more: 2.3.5 then reads them in a second step of
 * its own, which waits for the next tick of its clock; a query of ours takes some milliseconds. */
static int vectors_of(struct search *s, struct probe **probes, size_t n, struct vector_set **set)
{
    struct store_ids ids = {NULL, 0, 0};
    int rc = 0;
    for (size_t q = 0; q < n && !rc; q++)
        rc = store_ids_unite(&ids, &probes[q]->passed, s->err);
    rc = rc ? rc : milvus_find_vectors(s->f, ids.v, ids.n, set, s->err);
    store_ids_free(&ids);
    return rc;
}

static int request(struct search *s, struct probe **probes, size_t n, size_t topk)
{
    struct buf params;
    size_t dim = (size_t)s->f->dim;
    float *queries = mem_calloc(n * dim, sizeof *queries, s->err);
    struct milvus_found found = {0};
    struct vector_set *set = NULL;
    if (!queries)
        return EYE_ENOMEM;
    for (size_t q = 0; q < n; q++)
        memcpy(queries + q * dim, probes[q]->ask->query, dim * sizeof *queries);
    enum milvus_effort effort = s->thorough                         ? MILVUS_THOROUGH
                                : s->scope.expr.says == MILVUS_SOME ? MILVUS_FILTERED
                                                                    : MILVUS_PLAIN;
    buf_init(&params, 4096);
    int rc = milvus_index_search(&s->f->index, topk, effort, &params, s->err);
    const struct milvus_ask ask = {.which = MILVUS_PICTURES,
                                   .expr = expr_of(s),
                                   .queries = queries,
                                   .nq = n,
                                   .dim = s->f->dim,
                                   .topk = topk,
                                   .params = params.data};
    rc = rc ? rc : milvus_search_call(s->f->m, &ask, &found, s->err);
    rc = rc ? rc : add_found(s, &found, probes, n);
    rc = rc ? rc : vectors_of(s, probes, n, &set);
    for (size_t q = 0; q < n && !rc; q++) {
        rc = score(s, probes[q], set);
        rc = rc ? rc : decide(s, probes[q], topk);
    }
    vector_free(set);
    milvus_found_release(&found);
    buf_release(&params);
    free(queries);
    return rc;
}

/* All that are not done yet, as many in a request as its answer may hold. */
static int round_of(struct search *s, size_t topk, size_t *left)
{
    size_t most = HITS_MAX / topk ? HITS_MAX / topk : 1, n = 0;
    struct probe **some = mem_calloc(s->n, sizeof(struct probe *), s->err);
    int rc = some ? 0 : EYE_ENOMEM;
    *left = 0;
    for (size_t i = 0; i < s->n && !rc; i++) {
        if (!s->probes[i].done)
            some[n++] = &s->probes[i];
        if (n && (n == most || i + 1 == s->n)) {
            rc = request(s, some, n, topk);
            n = 0;
        }
    }
    if (!rc && n)
        rc = request(s, some, n, topk);
    for (size_t i = 0; i < s->n; i++)
        *left += !s->probes[i].done;
    free(some);
    return rc;
}

/* ---- all that pass, compared one by one ---- */

struct merge {
    struct search *s;
    struct vector_hit *more, *both; /* [k of the largest ask] */
};

static bool is_better(const struct vector_hit *a, const struct vector_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

static void merge_hits(struct merge *m, struct vector_ask *a, size_t more)
{
    size_t i = 0, j = 0, n = 0;
    while (n < a->k && (i < a->count || j < more))
        if (j == more || (i < a->count && is_better(&a->hits[i], &m->more[j])))
            m->both[n++] = a->hits[i++];
        else
            m->both[n++] = m->more[j++];
    if (n)
        memcpy(a->hits, m->both, n * sizeof *m->both);
    a->count = n;
}

static int merge_ids(void *ctx, const struct store_ids *ids, struct eye_err *err)
{
    struct merge *m = ctx;
    struct search *s = m->s;
    struct vector_set *set = NULL;
    int rc = milvus_find_vectors(s->f, ids->v, ids->n, &set, err);
    for (size_t i = 0; i < s->n && !rc; i++) {
        struct vector_ask *a = s->probes[i].ask;
        const struct vector_scope scope = {NULL, a->after};
        size_t more = 0;
        if (s->probes[i].done)
            continue;
        rc = vector_search(set, a->query, 1, a->k, &scope, NULL, m->more, &more, err);
        if (!rc)
            merge_hits(m, a, more);
    }
    vector_free(set);
    return rc;
}

static int compare_all(struct search *s)
{
    struct merge m = {.s = s};
    size_t k = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct vector_ask *a = s->probes[i].ask;
        a->count = s->probes[i].done ? a->count : 0;
        k = a->k > k ? a->k : k;
    }
    m.more = mem_calloc(k, sizeof *m.more, s->err);
    m.both = m.more ? mem_calloc(k, sizeof *m.both, s->err) : NULL;
    int rc = m.both ? milvus_scope_settle(&s->scope, s->err) : EYE_ENOMEM;
    rc = rc ? rc : milvus_find_each(&s->scope, merge_ids, &m, s->err);
    free(m.more);
    free(m.both);
    return rc;
}

/* ---- the search ---- */

static float length_of(const float *v, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)v[i] * v[i];
    return (float)sqrt(sum);
}

static int check(struct search *s, struct vector_ask *asks)
{
    for (size_t i = 0; i < s->n; i++) {
        float length = length_of(asks[i].query, (size_t)s->f->dim);
        asks[i].count = 0;
        if (!isfinite(length))
            return eye_fail(s->err, EYE_EINVAL, "a query has a value that is no finite number");
        if (asks[i].k > MILVUS_ROWS_MAX)
            return eye_fail(s->err, EYE_ELIMIT,
                            "%s gives at most %d results of a search, not %zu: ask for fewer",
                            milvus_name(s->f->m), MILVUS_ROWS_MAX, asks[i].k);
        float off = milvus_index_exact_scores(&s->f->index) ? 1e-5f : 0.03f;
        s->probes[i] = (struct probe){
            .ask = &asks[i], .eps = off * (length > 1 ? length : 1), .done = asks[i].k == 0};
    }
    return 0;
}

/* How many to ask for first. */
static size_t first_topk(const struct search *s)
{
    size_t topk = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct vector_ask *a = s->probes[i].ask;
        size_t depth = a->depth < MILVUS_ROWS_MAX ? a->depth : MILVUS_ROWS_MAX;
        topk = depth + a->k > topk ? depth + a->k : topk;
    }
    if (!s->scope.expr.exact)
        topk = 4 * topk + 64;
    else
        topk = milvus_index_exact_scores(&s->f->index) ? topk + 16 : 2 * topk + 32;
    return topk < MILVUS_ROWS_MAX ? topk : MILVUS_ROWS_MAX;
}

/* The server's limit is reached. What is full may tie with what it did not give, which is left as it is. */
static int last_resort(struct search *s)
{
    bool deep = false;
    for (size_t i = 0; i < s->n; i++) {
        const struct vector_ask *a = s->probes[i].ask;
        s->probes[i].done = s->probes[i].done || a->count == a->k;
        deep = deep || (!s->probes[i].done && a->depth + a->k > MILVUS_ROWS_MAX);
    }
    int rc = deep ? count_present(s) : 0;
    if (!rc && deep && s->scope.expr.exact && s->present > WALK_MAX)
        return eye_fail(s->err, EYE_ELIMIT,
                        "%s gives the first %d results of a search: to go deeper, narrow it by a "
                        "filter",
                        milvus_name(s->f->m), MILVUS_ROWS_MAX);
    return rc ? rc : compare_all(s);
}

static int nothing(struct search *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->probes[i].ask->count = 0;
    return 0;
}

/* How many to ask for next: as many as it takes if the rest passes as what was seen did. */
static size_t next_topk(const struct search *s, size_t topk)
{
    size_t next = topk * GROW;
    for (size_t i = 0; i < s->n; i++) {
        const struct probe *p = &s->probes[i];
        if (p->done || !p->n)
            continue;
        double share = (double)(p->passed.n ? p->passed.n : 1) / (double)p->n;
        double needed = 2 * (double)(p->ask->k + p->ask->depth) / share;
        next = needed > (double)next ? (size_t)(needed < 1e6 ? needed : 1e6) : next;
    }
    return next < MILVUS_ROWS_MAX ? next : MILVUS_ROWS_MAX;
}

/* Before so many candidates are held against their files one after the other: are there not many more files in all? */
static int settle_rather(struct search *s, size_t topk)
{
    uint64_t files = 0;
    for (size_t i = 0; i < s->scope.nleaves; i++)
        files += s->scope.leaves[i].known ? 0 : s->scope.counts[i];
    if (!files || files > 3 * (uint64_t)topk)
        return 0;
    s->counted = false;
    return milvus_scope_settle(&s->scope, s->err);
}

/* What few pass is where an index loses most, and is quickly compared. */
static int are_few(struct search *s, bool *few)
{
    if (milvus_index_exhaustive(&s->f->index) ||
        (!s->thorough && s->scope.expr.says != MILVUS_SOME))
        return 0;
    int rc = count_present(s);
    *few = !rc && s->present <= (s->thorough ? TRULY_EXACT : FEW_EXACT);
    return rc;
}

static int rounds(struct search *s)
{
    size_t topk = first_topk(s), left = s->n;
    for (;;) {
        bool few = false;
        int rc = are_few(s, &few);
        if (rc || few)
            return rc ? rc : compare_all(s);
        rc = round_of(s, topk, &left);
        if (rc || !left)
            return rc;
        if (topk == MILVUS_ROWS_MAX)
            return last_resort(s);
        topk = next_topk(s, topk);
        rc = settle_rather(s, topk);
        if (rc || s->scope.expr.says == MILVUS_NOTHING)
            return rc ? rc : nothing(s);
    }
}

int milvus_find_best(const struct milvus_finder *f, const struct store_where *where, bool exact,
                     struct vector_ask *asks, size_t n, struct eye_err *err)
{
    struct search s = {.f = f, .thorough = exact, .n = n, .err = err};
    s.probes = mem_calloc(n, sizeof *s.probes, err);
    int rc = s.probes ? check(&s, asks) : EYE_ENOMEM;
    if (!rc && n) {
        rc = milvus_scope_open(&s.scope, f, where, MILVUS_IDS_MAX, err);
        if (!rc && s.scope.expr.says != MILVUS_NOTHING)
            rc = rounds(&s);
        milvus_scope_release(&s.scope);
    }
    for (size_t i = 0; s.probes && i < n; i++) {
        free(s.probes[i].found);
        store_ids_free(&s.probes[i].passed);
    }
    free(s.probes);
    return rc;
}
