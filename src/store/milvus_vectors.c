/* milvus_vectors.c - vectors that a server keeps, as an exact set in memory.
 *
 * What a server gives for a score depends on its index and on its processor: of a quantised index it is the score of something else. So scores are
 * made here, by the same kernels as the embedded store's, from vectors that are the same fp16 values: the same bits in both stores.
 * A page of 50 costs one more request, or 50 kB more in the answer. */
#include <string.h>

#include "base/half.h"
#include "store/milvus_find.h"

/* ---- rows in order ---- */

struct place {
    int64_t id;
    size_t row;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Rows (id, vector) come in any order and go into the set by ascending ids. */
int milvus_vectors_add(struct vector_set *set, const struct milvus_rows *rows, size_t id_col,
                       size_t vector_col, struct eye_err *err)
{
    size_t n = milvus_rows_n(rows), dim = (size_t)vector_dim(set);
    struct place *places = mem_calloc(n, sizeof *places, err);
    uint16_t *half = places ? mem_calloc(dim, sizeof *half, err) : NULL;
    int rc = half ? 0 : EYE_ENOMEM;
    for (size_t i = 0; i < n && !rc; i++)
        places[i] = (struct place){milvus_rows_int(rows, id_col, i), i};
    if (!rc)
        qsort(places, n, sizeof *places, compare_places);
    for (size_t i = 0; i < n && !rc; i++) {
        const float *v = milvus_rows_vector(rows, vector_col, places[i].row);
        bool any = false;
        for (size_t k = 0; k < dim; k++)
            any = any || v[k] != 0.0f; /* zeros stand for a vector that is not there */
        half_from_floats(v, half, dim);
        if (any && (vector_count(set) == 0 || places[i].id > vector_last(set)))
            rc = vector_add(set, places[i].id, half, err);
    }
    free(places);
    free(half);
    return rc;
}

int milvus_find_vectors(const struct milvus_finder *f, const int64_t *ids, size_t n,
                        struct vector_set **out, struct eye_err *err)
{
    enum { BYTES = 16 << 20 };
    const struct milvus_field fields[] = {{"id", MILVUS_INT, 0}, {"vector", MILVUS_VECTOR, f->dim}};
    size_t most = BYTES / ((size_t)f->dim * sizeof(float));
    most = most < MILVUS_IDS_MAX ? most : MILVUS_IDS_MAX;
    struct vector_set *set = vector_new(f->dim, err);
    struct buf expr;
    int rc = set ? 0 : EYE_ENOMEM;
    buf_init(&expr, SIZE_MAX / 2);
    for (size_t at = 0; at < n && !rc; at += most) {
        struct milvus_rows *rows = NULL;
        buf_clear(&expr);
        rc = milvus_expr_ids(&expr, "id", ids + at, n - at < most ? n - at : most, err);
        const struct milvus_query q = {
            .which = MILVUS_PICTURES, .expr = expr.data, .fields = fields, .nfields = 2};
        rc = rc ? rc : milvus_query(f->m, &q, &rows, err);
        rc = rc ? rc : milvus_vectors_add(set, rows, 0, 1, err);
        milvus_rows_free(rows);
    }
    buf_release(&expr);
    if (rc)
        vector_free(set);
    *out = rc ? NULL : set;
    return rc;
}
