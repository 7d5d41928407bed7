/* find.c - one query made of several terms, under a filter, page by page.
 *
 * The order is (score descending, id ascending), total and the same for everybody, so a place in it needs nothing
 * that a server would have to remember: a page is "the best that come after this one". Each page scans again; at 100,000
 * pictures that is some milliseconds, and no state between pages can grow stale or be exhausted.
 * How many results came before travels along, for the index looks at more candidates the deeper a page is.
 *
 * The filter is answered by the store first and becomes a mask over the vectors: then the search is exact, up to a million
 * that pass. Asking the k nearest and filtering them afterwards, as is often done, loses results.
 *
 * Without terms nothing is compared: newest first, by id, without model and vectors.
 *
 * A library on a server is asked the same questions; it takes the filter itself, and its ids say nothing of age, so there the order without terms is the time
 * of adding, then the id. */
#include <math.h>

#include "engine/search.h"

#include "engine/index.h"

enum { PAGE_MAX = 1000, TERMS_MAX = 64 };

struct find {
    eye_lib *lib;
    const eye_term *terms;
    size_t nterms;
    const eye_find_options *options;
    struct eng_session session;
    struct eng_allowed allowed; /* what passes the filter */
    float *v;                   /* [dim] */
    struct clip_calibration cal;
    size_t likes;            /* pictures that are themselves asked for: left out */
    struct vector_hit *hits; /* [limit + 1 + likes] */
    size_t depth;            /* results before the page */
    struct vector_hit at;    /* where the page begins */
    int64_t at_time;         /* the same, ENG_BY_TIME */
    int64_t *times;          /* [limit + 1] of the hits, likewise */
    bool paged;              /* there is such a place */
    eye_results *results;
};

/* ---- what the filter lets pass ---- */

static int apply_filter(struct find *f, struct eye_err *err)
{
    const eye_find_options *o = f->options;
    int rc = eng_allowed_get(f->lib, f->session.store, o->filter, o->where, &f->allowed, err);
    f->results->total = f->allowed.total;
    return rc;
}

/* ---- with terms ---- */

static int encode(struct find *f, struct eye_err *err)
{
    const struct clip_info *info = clip_info(f->session.model->clip);
    size_t dim = (size_t)info->dim;
    eye_query *queries = mem_calloc(f->nterms, sizeof *queries, err);
    float *u = queries ? mem_calloc(f->nterms * dim, sizeof *u, err) : NULL;
    f->v = u ? mem_calloc(dim, sizeof *f->v, err) : NULL;
    int rc = f->v ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < f->nterms; i++) {
        queries[i] = f->terms[i].query;
    }
    rc = rc < 0 ? rc
                : eng_queries_encode(f->lib, f->session.model, f->session.store,
                                     f->session.model_id, queries, f->nterms, u, err);
    rc = rc < 0 ? rc : eng_mix(f->terms, f->nterms, u, dim, info, f->v, &f->cal, err);
    free(queries);
    free(u);
    return rc;
}

static bool is_asked_for(const struct find *f, int64_t id)
{
    for (size_t i = 0; i < f->nterms; i++) {
        if (f->terms[i].query.like == id && f->terms[i].weight > 0) {
            return true;
        }
    }
    return false;
}

static void count_likes(struct find *f)
{
    for (size_t i = 0; i < f->nterms; i++) {
        f->likes += f->terms[i].query.like && f->terms[i].weight > 0;
    }
}

/* Those that are themselves asked for go. */
static size_t leave_out(const struct find *f, size_t n)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (!f->likes || !is_asked_for(f, f->hits[i].id)) {
            f->hits[left++] = f->hits[i];
        }
    }
    return left;
}

/* The next hits after f->at, at most max. */
static int next_by_score(struct find *f, size_t max, size_t *n, struct eye_err *err)
{
    struct vector_hit after = f->at; /* what it is compared with must not move */
    struct vector_ask ask = {.query = f->v,
                             .k = max + f->likes,
                             .after = f->paged ? &after : NULL,
                             .depth = f->depth + f->results->n,
                             .hits = f->hits};
    struct eng_rank rank = {.asks = &ask, .n = 1, .exact = f->options->exact};
    if (!f->allowed.all) {
        rank.ids = f->allowed.ids;
        rank.nids = f->allowed.n;
        rank.where = f->allowed.where;
    }
    int rc = eng_rank(f->lib, &f->session, &rank, err);
    if (rc < 0) {
        return rc;
    }
    *n = leave_out(f, ask.count);
    *n = *n < max ? *n : max;
    while (*n && f->hits[*n - 1].score < f->options->min_score) {
        --*n;
    }
    return 0;
}

/* ---- without terms ---- */

/* The ids below f->at from the end of the ascending list. */
static size_t newest_of(const struct find *f, int64_t before, size_t max)
{
    size_t lo = 0, hi = f->allowed.n, n = 0;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->allowed.ids[mid] < before) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (; lo && n < max; n++) {
        f->hits[n] = (struct vector_hit){.id = f->allowed.ids[--lo]};
    }
    return n;
}

static int ask_newest(struct find *f, int64_t before, int64_t *ids, size_t max, size_t *n,
                      struct eye_err *err)
{
    if (!f->lib->remote) {
        return store_newest(f->session.store, before, ids, max, n, err);
    }
    return store_newest_where(f->session.store, f->allowed.where, f->paged ? f->at_time : INT64_MAX,
                              before, ids, f->times, max, n, err);
}

static int next_by_age(struct find *f, size_t max, size_t *n, struct eye_err *err)
{
    int64_t before = f->paged ? f->at.id : INT64_MAX;
    if (!f->allowed.all && !f->lib->remote) {
        *n = newest_of(f, before, max);
        return 0;
    }
    int64_t *ids = mem_calloc(max, sizeof *ids, err);
    int rc = ids ? ask_newest(f, before, ids, max, n, err) : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < *n; i++) {
        f->hits[i] = (struct vector_hit){.id = ids[i]};
    }
    free(ids);
    return rc;
}

/* ---- a page ---- */

static enum eng_order order_of(const struct find *f)
{
    return f->nterms ? ENG_BY_SCORE : f->lib->remote ? ENG_BY_TIME : ENG_BY_AGE;
}

static int turn_page(struct find *f, const struct vector_hit *last, struct eye_err *err)
{
    char text[ENG_CURSOR_LEN + 1];
    struct eng_place place = {*last, f->depth + f->results->n, f->at_time};
    eng_cursor_write(order_of(f), &place, text);
    f->results->next = mem_strdup(text, err);
    return f->results->next ? 0 : EYE_ENOMEM;
}

/* Hits that are gone by now must not make the page short, so it goes on until the page is full and one hit more is
 * known, or there are none. */
static int fill_page(struct find *f, struct eye_err *err)
{
    size_t limit = f->options->limit, n = 0;
    f->hits = mem_calloc(limit + 1 + f->likes, sizeof *f->hits, err);
    f->times = f->hits ? mem_calloc(limit + 1, sizeof *f->times, err) : NULL;
    if (!f->times) {
        return EYE_ENOMEM;
    }
    for (;;) {
        size_t want = limit - f->results->n + 1;
        int rc = f->nterms ? next_by_score(f, want, &n, err) : next_by_age(f, want, &n, err);
        rc = rc < 0 ? rc : eng_results_gather(f->session.store, f->hits, n, err);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            struct eng_hit hit = {0, f->hits[i], f->nterms ? &f->cal : NULL};
            if (f->results->n == limit) {
                return turn_page(f, &f->at, err);
            }
            int added = eng_results_add(f->results, f->session.store, &hit, err);
            rc = added < 0 ? added : 0;
            f->at = f->hits[i];
            f->at_time = f->times[i];
            f->paged = true;
        }
        if (rc < 0 || n < want) {
            return rc;
        }
    }
}

static int run(struct find *f, struct eye_err *err)
{
    int rc;
    if (f->nterms) {
        rc = eng_session_open(f->lib, &f->session, err);
        rc = rc < 0 ? rc : encode(f, err);
        rc = rc < 0 ? rc : apply_filter(f, err);
        count_likes(f);
    } else {
        f->session.store = eng_store_get(f->lib, err);
        rc = f->session.store ? apply_filter(f, err) : eng_code(err);
    }
    rc = rc < 0 ? rc : store_read_begin(f->session.store, err);
    if (rc == 0) {
        rc = fill_page(f, err);
        store_read_end(f->session.store);
    }
    return rc;
}

static int check(struct find *f, struct eye_err *err)
{
    const eye_find_options *o = f->options;
    if (o->limit < 1 || o->limit > PAGE_MAX) {
        return eye_fail(err, EYE_EINVAL, "a page has 1 to %d results, not %zu", PAGE_MAX, o->limit);
    }
    if (f->nterms > TERMS_MAX) {
        return eye_fail(err, EYE_EINVAL, "a search takes at most %d terms, not %zu", TERMS_MAX,
                        f->nterms);
    }
    if (!isfinite(o->min_score)) {
        return eye_fail(err, EYE_EINVAL, "min_score is a cosine: a number from -1 to 1");
    }
    int rc = 0;
    if (o->cursor) {
        struct eng_place place = {{0, 0}, 0, 0};
        rc = eng_cursor_read(o->cursor, order_of(f), &place, err);
        f->at = place.hit;
        f->at_time = place.added_at;
        f->depth = place.depth;
        f->paged = rc == 0;
    }
    return rc;
}

int eye_find(eye_lib *lib, const eye_term *terms, size_t nterms, const eye_find_options *options,
             eye_results **out, struct eye_err *err)
{
    struct find f = {.lib = lib, .terms = terms, .nterms = nterms, .options = options};
    struct eye_err local = {0};
    *out = NULL;
    f.results = mem_calloc(1, sizeof *f.results, err);
    if (!f.results) {
        return EYE_ENOMEM;
    }
    int rc = check(&f, &local);
    rc = rc < 0 ? rc : run(&f, &local);
    eng_session_close(lib, &f.session);
    eng_allowed_put(lib, &f.allowed);
    free(f.v);
    free(f.hits);
    free(f.times);
    if (rc < 0) {
        eye_results_free(f.results);
        return eye_fail(err, rc, "%s", local.msg);
    }
    *out = f.results;
    return 0;
}
