/* sqlite_vectors.c - embeddings: writing them one by one, reading a model's all at once. */
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

int store_vector_check(struct store *s, int64_t model, const uint16_t *vector, int dim,
                       struct eye_err *err)
{
    int expected = 0;
    int rc = store_model_dim(s, model, &expected, err);
    if (rc)
        return rc;
    if (dim != expected)
        return eye_fail(err, EYE_EINVAL, "a vector of %d dimensions for a model of %d", dim,
                        expected);
    return vector_row_length(vector, (size_t)dim, NULL, err);
}

static int put_vector(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                      int dim, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "INSERT INTO embedding(id, vector)"
               " SELECT (?1 << 40) | id, ?3 FROM picture WHERE id = ?2"
               " ON CONFLICT(id) DO UPDATE SET vector = excluded.vector");
    query_int(&q, model);
    query_int(&q, picture);
    query_bytes(&q, vector, (size_t)dim * sizeof *vector);
    int rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "the library has no picture %lld", (long long)picture);
    return rc;
}

int sqlite_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                      int dim, struct eye_err *err)
{
    bool own;
    int rc = store_vector_check(s, model, vector, dim, err);
    if (!rc)
        rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, put_vector(s, picture, model, vector, dim, err), err);
}

int sqlite_has_vector(struct store *s, int64_t picture, int64_t model, bool *has,
                      struct eye_err *err)
{
    struct query q;
    int64_t found = 0;
    query_open(&q, s, "SELECT EXISTS(SELECT 1 FROM embedding WHERE id = (?1 << 40) | ?2)");
    query_int(&q, model);
    query_int(&q, picture);
    int rc = query_one_int(&q, &found, err);
    *has = found != 0;
    return rc;
}

int sqlite_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err)
{
    struct query q;
    int rc;
    *n = 0;
    if (max == 0)
        return 0;
    query_open(&q, s,
               "SELECT id FROM picture AS p WHERE id > ?2"
               " AND NOT EXISTS(SELECT 1 FROM embedding WHERE id = (?1 << 40) | p.id)"
               " AND EXISTS(SELECT 1 FROM file WHERE picture = p.id)"
               " ORDER BY id LIMIT ?3");
    query_int(&q, model);
    query_int(&q, after);
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1)
        ids[(*n)++] = query_get_int(&q, 0);
    return rc;
}

static int load_row(struct store *s, struct query *q, struct vector_set *set, struct eye_err *err)
{
    size_t len;
    const void *bytes = query_get_bytes(q, 1, &len);
    int64_t picture = query_get_int(q, 0) & ((INT64_C(1) << STORE_MODEL_SHIFT) - 1);
    if (len != (size_t)vector_dim(set) * sizeof(uint16_t))
        return eye_fail(err, EYE_EFORMAT, "%s is damaged: the vector of picture %lld has %zu bytes",
                        s->path, (long long)picture, len);
    /* SQLite promises no alignment for blobs. */
    uint16_t row[4096];
    memcpy(row, bytes, len);
    int rc = vector_add(set, picture, row, err);
    if (rc == EYE_EINVAL)
        rc = eye_fail(err, EYE_EFORMAT, "%s is damaged: the vector of picture %lld is not finite",
                      s->path, (long long)picture);
    return rc;
}

static int load_all(struct store *s, int64_t model, struct vector_set *set, struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, s,
               "SELECT id, vector FROM embedding WHERE id > ?1 << 40 AND id < (?1 + 1) << 40"
               " ORDER BY id");
    query_int(&q, model);
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = load_row(s, &q, set, err)) != 0)
            break;
    query_done(&q);
    return rc;
}

static int check_dim(struct store *s, int64_t model, int dim, struct eye_err *err)
{
    int expected = 0, rc = store_model_dim(s, model, &expected, err);
    if (!rc && dim != expected)
        rc = eye_fail(err, EYE_EINVAL, "model %lld has %d dimensions, not %d", (long long)model,
                      expected, dim);
    return rc;
}

struct vector_set *sqlite_load_vectors(struct store *s, int64_t model, int dim, struct eye_err *err)
{
    if (check_dim(s, model, dim, err))
        return NULL;
    struct vector_set *set = vector_new(dim, err);
    if (set && load_all(s, model, set, err)) {
        vector_free(set);
        return NULL;
    }
    return set;
}
