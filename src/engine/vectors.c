/* vectors.c - the vectors of the model in use, in memory.
 *
 * They are read once and kept; a mark in the store tells when they are stale. A search holds a reference to the set it
 * began with, so a reload by another thread never disturbs it. While a library is being indexed each commit makes them
 * stale; then only the new rows are read, and the old and the new set share the rest. */
#include "engine/engine.h"

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

static bool is_of(const struct eng_vectors *v, int64_t model, const struct store_mark *mark)
{
    return v && v->model == model && v->mark.changes == mark->changes &&
           v->mark.vectors == mark->vectors;
}

static struct eng_vectors *fresh(eye_lib *lib, int64_t model, const struct store_mark *mark)
{
    struct eng_vectors *v = NULL;
    pthread_mutex_lock(&lib->lock);
    if (is_of(lib->vectors, model, mark)) {
        v = lib->vectors;
        v->refs++;
    }
    pthread_mutex_unlock(&lib->lock);
    return v;
}

/* Under load_lock: lib->vectors does not change meanwhile, and nobody else adds to a set that shares its rows. */
static struct eng_vectors *load(eye_lib *lib, struct store *s, int64_t model, int dim,
                                struct eye_err *err)
{
    struct eng_vectors *v = mem_calloc(1, sizeof *v, err), *old = lib->vectors;
    if (!v) {
        return NULL;
    }
    bool same = old && old->model == model;
    if (same) {
        v->mark = old->mark;
    }
    v->model = model;
    v->set = model ? store_update_vectors(s, model, dim, same ? old->set : NULL, &v->mark, err)
                   : vector_new(dim, err);
    if (!v->set) {
        free(v);
        return NULL;
    }
    v->refs = 2; /* the library's and the caller's */
    pthread_mutex_lock(&lib->lock);
    lib->vectors = v;
    pthread_mutex_unlock(&lib->lock);
    eng_vectors_put(lib, old);
    return v;
}

struct eng_vectors *eng_vectors_get(eye_lib *lib, struct store *s, int64_t model, int dim,
                                    struct eye_err *err)
{
    struct store_mark mark;
    if (store_vectors_mark(s, model, &mark, err) < 0) {
        return NULL;
    }
    struct eng_vectors *v = fresh(lib, model, &mark);
    if (!v) {
        pthread_mutex_lock(&lib->load_lock);
        v = fresh(lib, model, &mark);
        if (!v) {
            v = load(lib, s, model, dim, err);
        }
        pthread_mutex_unlock(&lib->load_lock);
    }
    return v;
}
