/* search.c - rank pictures by the cosine with each query.
 *
 * The vectors are read once and kept; a number in the store tells when they are stale. A search holds a
 * reference to the set it began with, so a reload by another thread never disturbs it. */
#include <math.h>

#include "engine/engine.h"

enum { LIMIT_MAX = 100000 };

struct eye_results {
    eye_result *v;
    size_t n, cap;
};

/* ---- vectors in memory ---- */

void eng_vectors_put(eye_lib *lib, struct eng_vectors *v)
{
    if (!v) {
        return;
    }
    pthread_mutex_lock(&lib->lock);
    int left = --v->refs;
    pthread_mutex_unlock(&lib->lock);
    if (left == 0) {
        vector_free(v->set);
        free(v);
    }
}

static struct eng_vectors *fresh(eye_lib *lib, int64_t model, int64_t generation)
{
    struct eng_vectors *v = NULL;
    pthread_mutex_lock(&lib->lock);
    if (lib->vectors && lib->vectors->model == model && lib->vectors->generation == generation) {
        v = lib->vectors;
        v->refs++;
    }
    pthread_mutex_unlock(&lib->lock);
    return v;
}

static struct eng_vectors *load(eye_lib *lib, struct store *s, int64_t model, int dim,
                                int64_t generation, struct eye_err *err)
{
    struct eng_vectors *v = mem_calloc(1, sizeof *v, err);
    if (!v) {
        return NULL;
    }
    v->set = model ? store_load_vectors(s, model, dim, err) : vector_new(dim, err);
    if (!v->set) {
        free(v);
        return NULL;
    }
    v->model = model;
    v->generation = generation;
    v->refs = 2; /* the caller's and the library's */
    pthread_mutex_lock(&lib->lock);
    struct eng_vectors *old = lib->vectors;
    lib->vectors = v;
    pthread_mutex_unlock(&lib->lock);
    eng_vectors_put(lib, old);
    return v;
}

struct eng_vectors *eng_vectors_get(eye_lib *lib, struct store *s, int64_t model, int dim,
                                    struct eye_err *err)
{
    int64_t generation =
        0; /* read before the vectors: what is added between is loaded again, never missed */
    if (store_generation(s, &generation, err) < 0) {
        return NULL;
    }
    struct eng_vectors *v = fresh(lib, model, generation);
    if (!v) {
        pthread_mutex_lock(&lib->load_lock);
        v = fresh(lib, model, generation);
        if (!v) {
            v = load(lib, s, model, dim, generation, err);
        }
        pthread_mutex_unlock(&lib->load_lock);
    }
    return v;
}

/* ---- results ---- */

size_t eye_results_count(const eye_results *results)
{
    return results->n;
}

const eye_result *eye_results_at(const eye_results *results, size_t i)
{
    return i < results->n ? &results->v[i] : NULL;
}

void eye_results_free(eye_results *results)
{
    if (!results) {
        return;
    }
    for (size_t i = 0; i < results->n; i++) { /* filled here, const only to the caller */
        free((char *)(uintptr_t)results->v[i].path);
        free((char *)(uintptr_t)results->v[i].format);
        free((char *)(uintptr_t)results->v[i].hash);
    }
    free(results->v);
    free(results);
}

static eye_result *add_result(eye_results *r, struct eye_err *err)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 32;
        eye_result *v = mem_realloc(r->v, cap, sizeof *v, err);
        if (!v) {
            return NULL;
        }
        r->v = v;
        r->cap = cap;
    }
    memset(&r->v[r->n], 0, sizeof *r->v);
    return &r->v[r->n++];
}

/* The first path that is there just now; online roots come first. */
static const char *choose_path(char *const *paths, size_t n, bool *there)
{
    struct stat st;
    for (size_t i = 0; i < n; i++) {
        if (stat(paths[i], &st) == 0) {
            *there = true;
            return paths[i];
        }
    }
    *there = false;
    return n ? paths[0] : "";
}

static int fill_result(eye_results *r, struct store *s, const struct store_picture *pic,
                       const eye_result *base, struct eye_err *err)
{
    char **paths = NULL, hex[HASH_HEX_LEN + 1];
    size_t n = 0, online = 0;
    bool there;
    int rc = store_picture_paths(s, pic->id, &paths, &n, &online, err);
    if (rc < 0 || n == 0) { /* its last file went away meanwhile */
        store_strings_free(paths, n);
        return rc;
    }
    eye_result *e = add_result(r, err);
    if (e) {
        *e = *base;
        hash_to_hex(&pic->hash, hex);
        e->path = mem_strdup(choose_path(paths, n, &there), err);
        e->format = mem_strdup(pic->format, err);
        e->hash = mem_strdup(hex, err);
        e->offline = !there;
        e->paths = n;
        e->id = pic->id;
        e->size = pic->size;
        e->width = pic->width;
        e->height = pic->height;
        e->taken_at = pic->taken_at;
        e->added_at = pic->added_at;
    }
    store_strings_free(paths, n);
    return e && e->path && e->format && e->hash ? 0 : EYE_ENOMEM;
}

static float similarity(const struct clip_calibration *cal, float score)
{
    return 1.0f / (1.0f + expf(-(score - cal->midpoint) / cal->scale));
}

/* One query's hits [n], best first, to results. */
static int collect(eye_results *r, struct store *s, size_t query, const eye_query *q,
                   const struct clip_calibration *cal, const struct vector_hit *hits, size_t n,
                   const eye_search_options *o, struct eye_err *err)
{
    size_t taken = 0;
    for (size_t i = 0; i < n && taken < o->limit && hits[i].score >= o->min_score; i++) {
        struct store_picture pic;
        struct eye_err gone = {0};
        if (q->like && hits[i].id == q->like) {
            continue;
        }
        int rc = store_picture_get(s, hits[i].id, &pic, &gone);
        if (rc == EYE_ENOTFOUND) { /* removed since the vectors were read */
            continue;
        }
        if (rc < 0) {
            return eye_fail(err, rc, "%s", gone.msg);
        }
        eye_result base = {0};
        float score = hits[i].score > 1 ? 1 : hits[i].score < -1 ? -1 : hits[i].score;
        base.query = query;
        base.score = score;
        base.similarity = similarity(cal, score);
        base.relevant = score >= cal->floor;
        size_t before = r->n;
        rc = fill_result(r, s, &pic, &base, err);
        if (rc < 0) {
            return rc;
        }
        taken += r->n - before;
    }
    return 0;
}

/* ---- the search ---- */

struct search {
    eye_lib *lib;
    const eye_query *queries;
    size_t nq;
    const eye_search_options *options;
    struct store *store;
    struct eng_model *model;
    struct eng_vectors *vectors;
    float *q;                /* [nq, dim] */
    struct vector_hit *hits; /* [nq, k] */
    size_t *counts;          /* [nq] */
};

static int prepare(struct search *sr, struct eye_err *err)
{
    int64_t id;
    size_t n;
    sr->store = eng_store_get(sr->lib, err);
    sr->model = sr->store ? eng_model_get(sr->lib, sr->store, err) : NULL;
    if (!sr->model) {
        return eng_code(err);
    }
    int dim = clip_info(sr->model->clip)->dim;
    int rc = eng_model_id(sr->model, sr->store, false, &id, err);
    if (rc < 0) {
        return rc;
    }
    sr->vectors = eng_vectors_get(sr->lib, sr->store, id, dim, err);
    if (!sr->vectors) {
        return eng_code(err);
    }
    if (!size_mul(sr->nq, (size_t)dim, &n)) {
        return eye_fail(err, EYE_EINVAL, "%zu queries are too many", sr->nq);
    }
    sr->q = mem_calloc(n, sizeof *sr->q, err);
    return sr->q ? eng_queries_encode(sr->lib, sr->model, sr->vectors->set, sr->queries, sr->nq,
                                      sr->q, err)
                 : EYE_ENOMEM;
}

static int rank(struct search *sr, eye_results *r, struct eye_err *err)
{
    const struct clip_info *info = clip_info(sr->model->clip);
    size_t have = vector_count(sr->vectors->set), k = sr->options->limit + 1, n;
    struct pool *pool;
    k = k < have ? k : have; /* one more than asked for: `like` leaves its own picture out */
    if (k == 0 || sr->nq == 0) {
        return 0;
    }
    if (!size_mul(sr->nq, k, &n)) {
        return eye_fail(err, EYE_EINVAL, "%zu queries are too many", sr->nq);
    }
    sr->hits = mem_calloc(n, sizeof *sr->hits, err);
    sr->counts = sr->hits ? mem_calloc(sr->nq, sizeof *sr->counts, err) : NULL;
    int rc = sr->counts ? eng_pool(sr->lib, &pool, err) : EYE_ENOMEM;
    rc = rc < 0 ? rc
                : vector_search(sr->vectors->set, sr->q, sr->nq, k, NULL, NULL, pool, sr->hits,
                                sr->counts, err);
    for (size_t i = 0; rc == 0 && i < sr->nq; i++) {
        const struct clip_calibration *cal =
            sr->queries[i].words ? &info->text_cal : &info->image_cal;
        rc = collect(r, sr->store, i, &sr->queries[i], cal, sr->hits + i * k, sr->counts[i],
                     sr->options, err);
    }
    return rc;
}

int eye_search(eye_lib *lib, const eye_query *queries, size_t nqueries,
               const eye_search_options *options, eye_results **out, struct eye_err *err)
{
    struct search sr = {lib, queries, nqueries, options, NULL, NULL, NULL, NULL, NULL, NULL};
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
    eng_vectors_put(lib, sr.vectors);
    eng_model_put(lib, sr.model);
    eng_store_put(lib, sr.store);
    free(sr.q);
    free(sr.hits);
    free(sr.counts);
    if (rc < 0) {
        eye_results_free(r);
        return eye_fail(err, rc, "%s", local.msg);
    }
    *out = r;
    return 0;
}

int eye_embed(eye_lib *lib, const eye_query *query, float *out, struct eye_err *err)
{
    eye_search_options o = {1, -2};
    struct search sr = {lib, query, 1, &o, NULL, NULL, NULL, NULL, NULL, NULL};
    struct eye_err local = {0};
    int rc = prepare(&sr, &local);
    if (rc == 0) {
        memcpy(out, sr.q, (size_t)clip_info(sr.model->clip)->dim * sizeof *out);
    }
    eng_vectors_put(lib, sr.vectors);
    eng_model_put(lib, sr.model);
    eng_store_put(lib, sr.store);
    free(sr.q);
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
