/* vectors.c - the vectors of the model in use, in memory.
 *
 * They are read once and kept; a number in the store tells when they are stale. A search holds a
 * reference to the set it began with, so a reload by another thread never disturbs it. */
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
