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

int store_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                     int dim, struct eye_err *err)
{
    bool own;
    int rc = store_vector_check(s, model, vector, dim, err);
    if (!rc)
        rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, put_vector(s, picture, model, vector, dim, err), err);
}

int store_has_vector(struct store *s, int64_t picture, int64_t model, bool *has,
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

int store_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
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

/* The vectors of ids above `last` into the set. */
static int load_after(struct store *s, int64_t model, int64_t last, struct vector_set *set,
                      struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, s,
               "SELECT id, vector FROM embedding WHERE id > (?1 << 40 | ?2) AND id < (?1 + 1) << 40"
               " ORDER BY id");
    query_int(&q, model);
    query_int(&q, last);
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

struct vector_set *store_load_vectors(struct store *s, int64_t model, int dim, struct eye_err *err)
{
    if (check_dim(s, model, dim, err))
        return NULL;
    struct vector_set *set = vector_new(dim, err);
    if (set && load_after(s, model, 0, set, err)) {
        vector_free(set);
        return NULL;
    }
    return set;
}

int store_vectors_mark(struct store *s, int64_t model, struct store_mark *mark, struct eye_err *err)
{
    struct query q;
    *mark = (struct store_mark){0, 0};
    query_open(&q, s, "SELECT changes, vectors FROM model WHERE id = ?");
    query_int(&q, model);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    *mark = (struct store_mark){query_get_int(&q, 0), query_get_int(&q, 1)};
    query_done(&q);
    return 0;
}

/* Each new row makes `changes` and `vectors` larger by one, one that is replaced only `changes`, and one that goes makes
 * `vectors` smaller. So when both have grown by the same number, nothing but new rows came; and when as many rows have ids
 * above the largest that base has, the new ones are these. *set stays NULL when it was not so. */
static int load_new(struct store *s, int64_t model, const struct vector_set *base,
                    const struct store_mark *from, const struct store_mark *to,
                    struct vector_set **set, struct eye_err *err)
{
    int64_t came = to->vectors - from->vectors;
    if (came < 0 || came != to->changes - from->changes ||
        (size_t)from->vectors != vector_count(base))
        return 0;
    struct vector_set *fork = vector_fork(base, err);
    if (!fork)
        return EYE_ENOMEM;
    int rc = came ? load_after(s, model, vector_count(base) ? vector_last(base) : 0, fork, err) : 0;
    if (!rc && vector_count(fork) == (size_t)to->vectors) {
        *set = fork;
        return 0;
    }
    vector_free(fork);
    return rc;
}

static struct vector_set *update(struct store *s, int64_t model, int dim,
                                 const struct vector_set *base, struct store_mark *mark,
                                 struct eye_err *err)
{
    struct store_mark now;
    struct vector_set *set = NULL;
    int rc = check_dim(s, model, dim, err);
    rc = rc ? rc : store_vectors_mark(s, model, &now, err);
    if (!rc && base && vector_dim(base) == dim)
        rc = load_new(s, model, base, mark, &now, &set, err);
    if (!rc && !set)
        set = store_load_vectors(s, model, dim, err);
    if (set)
        *mark = now;
    return set;
}

/* The mark and the rows must be of one moment, so they are read in one transaction. */
struct vector_set *store_update_vectors(struct store *s, int64_t model, int dim,
                                        const struct vector_set *base, struct store_mark *mark,
                                        struct eye_err *err)
{
    if (s->in_txn)
        return update(s, model, dim, base, mark, err);
    if (store_exec(s, "BEGIN", err))
        return NULL;
    store_cache_small(s, true);
    struct vector_set *set = update(s, model, dim, base, mark, err);
    store_cache_small(s, false);
    store_exec_raw(s, "COMMIT");
    return set;
}
