/* rank.c - the nearest vectors: by the index, and without it when it is not to be used or not to be trusted.
 *
 * A segment's file may be damaged while it is in use. Then the search says so, and the answer comes from the store (exact.c), to the bit what a
 * whole index would give or better; the thread that makes segments looks through the files and makes the damaged one anew.
 *
 * On a server all of this is the server's: it gets queries and filter as they are. */
#include "engine/index.h"
#include "engine/search.h"

static int by_index(eye_lib *lib, struct eng_session *session, const struct eng_rank *rank,
                    struct pool *pool, struct eye_err *err)
{
    struct eng_vectors *v = session->vectors;
    struct eng_source from = {session->store, v->model, v->spec.dim};
    const struct vector_source source = eng_source(&from);
    if (!rank->ids) {
        return eng_combine(lib, v, session->store, rank->asks, rank->n, pool, err);
    }
    size_t passed = 0;
    uint64_t *mask = vector_index_mask(v->ix, rank->ids, rank->nids, &passed, err);
    if (!mask) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < rank->n; i++) {
        rank->asks[i].mask = mask;
        rank->asks[i].passed = passed;
    }
    int rc = vector_index_search(v->ix, rank->asks, rank->n, &source, pool, err);
    for (size_t i = 0; i < rank->n; i++) {
        rank->asks[i].mask = NULL;
    }
    free(mask);
    return rc;
}

static void suspect(eye_lib *lib, struct eng_vectors *v, const struct eye_err *why)
{
    if (!atomic_exchange(&v->suspect, true)) {
        eng_log(lib, EYE_LOG_WARN,
                "%s: the index is made anew, and until then vectors are compared one by one",
                why->msg);
        eng_maker_poke(lib, v->model, &v->spec, true);
    }
}

static int by_server(struct eng_session *session, const struct eng_rank *rank, struct eye_err *err)
{
    if (!session->model_id) { /* nothing was ever embedded */
        for (size_t i = 0; i < rank->n; i++) {
            rank->asks[i].count = 0;
        }
        return 0;
    }
    return store_search(session->store, session->model_id, rank->where, rank->exact, rank->asks,
                        rank->n, err);
}

int eng_rank(eye_lib *lib, struct eng_session *session, const struct eng_rank *rank,
             struct eye_err *err)
{
    struct eng_vectors *v = session->vectors;
    struct eye_err why = {0};
    struct pool *pool;
    if (!v) {
        return by_server(session, rank, err);
    }
    int rc = eng_pool(lib, &pool, err);
    if (rc < 0) {
        return rc;
    }
    if (!v->model) { /* nothing was ever embedded */
        for (size_t i = 0; i < rank->n; i++) {
            rank->asks[i].count = 0;
        }
        return 0;
    }
    size_t segments = v->ix ? vector_index_segments(v->ix) : 0;
    if (v->ix && !(rank->exact && segments)) {
        rc = by_index(lib, session, rank, pool, &why);
        if (rc != EYE_EFORMAT || segments == 0) {
            return rc < 0 ? eye_fail(err, rc, "%s", why.msg) : 0;
        }
        suspect(lib, v, &why);
    }
    return eng_exact(session->store, v->model, v->spec.dim, rank, pool, err);
}
