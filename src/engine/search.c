/* search.c - rank pictures by the cosine with each of many queries. */
#include "engine/search.h"

#include "engine/index.h"

enum { LIMIT_MAX = 100000 };

/* One query's hits [n], best first, to results. */
static int collect(eye_results *r, struct store *s, size_t query, const eye_query *q,
                   const struct clip_calibration *cal, const struct vector_hit *hits, size_t n,
                   const eye_search_options *o, struct eye_err *err)
{
    size_t taken = 0;
    for (size_t i = 0; i < n && taken < o->limit && hits[i].score >= o->min_score; i++) {
        if (q->like && hits[i].id == q->like) {
            continue;
        }
        struct eng_hit hit = {query, hits[i], cal};
        int rc = eng_results_add(r, s, &hit, err);
        if (rc < 0) {
            return rc;
        }
        taken += (size_t)rc;
    }
    return 0;
}

/* ---- the search ---- */

struct search {
    eye_lib *lib;
    const eye_query *queries;
    size_t nq;
    const eye_search_options *options;
    struct eng_session session;
    float *q;                /* [nq, dim] */
    struct vector_hit *hits; /* [nq, k] */
    size_t *counts;          /* [nq] */
};

int eng_session_open(eye_lib *lib, struct eng_session *session, struct eye_err *err)
{
    struct eye_err local = {0};
    *session = (struct eng_session){.store = NULL};
    session->store = eng_store_get(lib, &local);
    session->model = session->store ? eng_model_get(lib, session->store, &local) : NULL;
    bool ok = session->model &&
              eng_model_id(session->model, session->store, false, &session->model_id, &local) == 0;
    if (ok && !lib->remote) {
        const struct clip_info *info = clip_info(session->model->clip);
        const struct vector_spec spec = {info->dim, info->weights};
        session->vectors = eng_vectors_get(lib, session->store, session->model_id, &spec, &local);
        ok = session->vectors != NULL;
    }
    return ok ? 0 : eye_fail(err, eng_code(&local), "%s", local.msg);
}

void eng_session_close(eye_lib *lib, struct eng_session *session)
{
    eng_vectors_put(lib, session->vectors);
    eng_model_put(lib, session->model);
    eng_store_put(lib, session->store);
}

static int prepare(struct search *sr, struct eye_err *err)
{
    size_t n;
    int rc = eng_session_open(sr->lib, &sr->session, err);
    if (rc < 0) {
        return rc;
    }
    if (!size_mul(sr->nq, (size_t)clip_info(sr->session.model->clip)->dim, &n)) {
        return eye_fail(err, EYE_EINVAL, "%zu queries are too many", sr->nq);
    }
    sr->q = mem_calloc(n, sizeof *sr->q, err);
    return sr->q ? eng_queries_encode(sr->lib, sr->session.model, sr->session.store,
                                      sr->session.model_id, sr->queries, sr->nq, sr->q, err)
                 : EYE_ENOMEM;
}

static void release(struct search *sr)
{
    eng_session_close(sr->lib, &sr->session);
    free(sr->q);
    free(sr->hits);
    free(sr->counts);
}

/* hits [nq, k] of all queries in one pass */
static int compare(struct search *sr, size_t k, struct eye_err *err)
{
    size_t dim = (size_t)clip_info(sr->session.model->clip)->dim;
    struct vector_ask *asks = mem_calloc(sr->nq, sizeof *asks, err);
    struct eng_rank rank = {.asks = asks, .n = sr->nq, .exact = sr->options->exact};
    for (size_t i = 0; asks && i < sr->nq; i++) {
        asks[i].query = sr->q + i * dim;
        asks[i].k = k;
        asks[i].hits = sr->hits + i * k;
    }
    int rc = asks ? eng_rank(sr->lib, &sr->session, &rank, err) : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < sr->nq; i++) {
        sr->counts[i] = asks[i].count;
    }
    free(asks);
    return rc;
}

static int count_vectors(const struct eng_session *session, uint64_t *n, struct eye_err *err)
{
    if (session->vectors) {
        *n = (uint64_t)session->vectors->mark.vectors;
        return 0;
    }
    return store_count(session->store, n, err);
}

/* Before the hits of query i are told: those of as many queries as make a good request. */
static int gather(const struct search *sr, size_t i, size_t k, struct eye_err *err)
{
    enum { TOGETHER = 4096 };
    size_t queries = k < TOGETHER ? TOGETHER / k : 1, n = 0;
    if (!store_is_remote(sr->session.store) || i % queries != 0) {
        return 0;
    }
    queries = queries < sr->nq - i ? queries : sr->nq - i;
    struct vector_hit *all = mem_calloc(queries * k, sizeof *all, err);
    for (size_t q = i; all && q < i + queries; q++) {
        for (size_t h = 0; h < sr->counts[q]; h++) {
            all[n++] = sr->hits[q * k + h];
        }
    }
    int rc = all ? eng_results_gather(sr->session.store, all, n, err) : EYE_ENOMEM;
    free(all);
    return rc;
}

static int rank(struct search *sr, eye_results *r, struct eye_err *err)
{
    const struct clip_info *info = clip_info(sr->session.model->clip);
    uint64_t have;
    size_t k = sr->options->limit + 1, n; /* `like` leaves its own picture out */
    int rc = count_vectors(&sr->session, &have, err);
    k = k < have ? k : (size_t)have;
    if (rc < 0 || k == 0 || sr->nq == 0) {
        return rc;
    }
    if (!size_mul(sr->nq, k, &n)) {
        return eye_fail(err, EYE_EINVAL, "%zu queries are too many", sr->nq);
    }
    sr->hits = mem_calloc(n, sizeof *sr->hits, err);
    sr->counts = sr->hits ? mem_calloc(sr->nq, sizeof *sr->counts, err) : NULL;
    rc = sr->counts ? store_read_begin(sr->session.store, err) : EYE_ENOMEM;
    if (rc < 0) {
        return rc;
    }
    rc = compare(sr, k, err);
    for (size_t i = 0; rc == 0 && i < sr->nq; i++) {
        const struct clip_calibration *cal =
            sr->queries[i].words ? &info->text_cal : &info->image_cal;
        rc = gather(sr, i, k, err);
        rc = rc < 0 ? rc
                    : collect(r, sr->session.store, i, &sr->queries[i], cal, sr->hits + i * k,
                              sr->counts[i], sr->options, err);
    }
    store_read_end(sr->session.store);
    return rc;
}

int eye_search(eye_lib *lib, const eye_query *queries, size_t nqueries,
               const eye_search_options *options, eye_results **out, struct eye_err *err)
{
    struct search sr = {.lib = lib, .queries = queries, .nq = nqueries, .options = options};
    struct eye_err local = {0};
    *out = NULL;
    if (options->limit < 1 || options->limit > LIMIT_MAX) {
        return eye_fail(err, EYE_EINVAL, "a search gives 1 to %d results, not %zu", LIMIT_MAX,
                        options->limit);
    }
    eye_results *r = mem_calloc(1, sizeof *r, err);
    if (!r) {
        return EYE_ENOMEM;
    }
    int rc = prepare(&sr, &local);
    rc = rc < 0 ? rc : rank(&sr, r, &local);
    release(&sr);
    if (rc < 0) {
        eye_results_free(r);
        return eye_fail(err, rc, "%s", local.msg);
    }
    *out = r;
    return 0;
}

int eye_embed(eye_lib *lib, const eye_query *query, float *out, struct eye_err *err)
{
    struct search sr = {.lib = lib, .queries = query, .nq = 1};
    struct eye_err local = {0};
    int rc = prepare(&sr, &local);
    if (rc == 0) {
        memcpy(out, sr.q, (size_t)clip_info(sr.session.model->clip)->dim * sizeof *out);
    }
    release(&sr);
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : 0;
}

int eye_dim(eye_lib *lib, struct eye_err *err)
{
    struct eye_err local = {0};
    struct store *s = eng_store_get(lib, &local);
    struct eng_model *m = s ? eng_model_get(lib, s, &local) : NULL;
    int dim = m ? clip_info(m->clip)->dim : eye_fail(err, eng_code(&local), "%s", local.msg);
    eng_model_put(lib, m);
    eng_store_put(lib, s);
    return dim;
}
