/* dup_vectors.c - cosines and nearest neighbours of pictures of the library: all that finding duplicates asks of vectors.
 *
 * Cosines are computed from the rows in the store, so they are exact. Neighbours come from the index (rank.c): exact in a library of some ten
 * thousands, else with its recall, which for neighbours as close as these misses next to none. */
#include <math.h>

#include "engine/duplicates.h"
#include "engine/index.h"

int eng_dup_vectors_open(eye_lib *lib, struct eng_dup_vectors *v, struct eye_err *err)
{
    *v = (struct eng_dup_vectors){.lib = lib};
    int rc = eng_session_open(lib, &v->session, err);
    if (rc < 0) {
        return rc;
    }
    v->dim = clip_info(v->session.model->clip)->dim;
    size_t n = ENG_DUP_QUERIES * (size_t)v->dim;
    v->queries = mem_calloc(n, sizeof *v->queries, err);
    v->rows = v->queries ? mem_calloc(n, sizeof *v->rows, err) : NULL;
    return v->rows ? 0 : EYE_ENOMEM;
}

void eng_dup_vectors_close(struct eng_dup_vectors *v)
{
    eng_session_close(v->lib, &v->session);
    free(v->queries);
    free(v->rows);
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Vectors of ids [n] in any order to v->queries from `at` on; there [n]. The store reads them by ascending id. */
static int fetch(struct eng_dup_vectors *v, const int64_t *ids, size_t n, size_t at, bool *there,
                 struct eye_err *err)
{
    int64_t sorted[ENG_DUP_QUERIES];
    bool found[ENG_DUP_QUERIES];
    size_t dim = (size_t)v->dim;
    memcpy(sorted, ids, n * sizeof *ids);
    qsort(sorted, n, sizeof *sorted, by_number);
    int rc = v->session.model_id ? store_vector_rows(v->session.store, v->session.model_id, v->dim,
                                                     sorted, n, v->rows, found, err)
                                 : EYE_ENOTFOUND; /* nothing was ever embedded */
    for (size_t i = 0; i < n; i++) {
        const int64_t *place = bsearch(&ids[i], sorted, n, sizeof *sorted, by_number);
        size_t row = place ? (size_t)(place - sorted) : 0;
        there[i] = rc == 0 && found[row];
        if (there[i]) {
            half_to_floats(v->rows + row * dim, v->queries + (at + i) * dim, dim);
        }
    }
    return rc == EYE_ENOTFOUND ? 0 : rc;
}

static float dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return (float)(sum > 1 ? 1 : sum < -1 ? -1 : sum);
}

int eng_dup_cosines(struct eng_dup_vectors *v, int64_t id, const int64_t *others, size_t n,
                    float *out, struct eye_err *err)
{
    enum { PAGE = ENG_DUP_QUERIES - 1 }; /* the first place is id's own */
    bool own, there[ENG_DUP_QUERIES];
    size_t dim = (size_t)v->dim;
    int rc = fetch(v, &id, 1, 0, &own, err);
    for (size_t from = 0; rc == 0 && from < n; from += PAGE) {
        size_t count = n - from < PAGE ? n - from : PAGE;
        rc = own ? fetch(v, others + from, count, 1, there, err) : 0;
        for (size_t i = 0; rc == 0 && i < count; i++) {
            out[from + i] =
                own && there[i] ? dot(v->queries, v->queries + (i + 1) * dim, dim) : NAN;
        }
    }
    return rc;
}

int eng_dup_neighbours(struct eng_dup_vectors *v, const int64_t *ids, size_t n,
                       const struct vector_hit *after, size_t depth, struct vector_hit *hits,
                       size_t *counts, struct eye_err *err)
{
    struct vector_ask asks[ENG_DUP_QUERIES];
    size_t whose[ENG_DUP_QUERIES], nasks = 0;
    bool there[ENG_DUP_QUERIES];
    int rc = fetch(v, ids, n, 0, there, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        counts[i] = 0;
        if (there[i]) {
            whose[nasks] = i;
            asks[nasks++] = (struct vector_ask){.query = v->queries + i * (size_t)v->dim,
                                                .k = ENG_DUP_HITS,
                                                .after = after,
                                                .depth = depth,
                                                .hits = hits + i * ENG_DUP_HITS};
        }
    }
    struct eng_rank rank = {.asks = asks, .n = nasks};
    rc = rc < 0 || nasks == 0 ? rc : eng_rank(v->lib, &v->session, &rank, err);
    for (size_t i = 0; rc == 0 && i < nasks; i++) {
        counts[whose[i]] = asks[i].count;
    }
    return rc;
}
