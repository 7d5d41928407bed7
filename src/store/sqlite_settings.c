/* sqlite_settings.c - settings by key, and models by fingerprint. */
#include <string.h>

#include "store/sqlite.h"

int store_setting(struct store *s, const char *key, char **value, struct eye_err *err)
{
    struct query q;
    *value = NULL;
    query_open(&q, s, "SELECT value FROM setting WHERE key = ?");
    query_text(&q, key);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    *value = query_dup(&q, 0, err);
    query_done(&q);
    return *value ? 0 : EYE_ENOMEM;
}

int store_setting_set(struct store *s, const char *key, const char *value, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    if (value) {
        query_open(&q, s,
                   "INSERT INTO setting(key, value) VALUES(?, ?)"
                   " ON CONFLICT(key) DO UPDATE SET value = excluded.value");
        query_text(&q, key);
        query_text(&q, value);
    } else {
        query_open(&q, s, "DELETE FROM setting WHERE key = ?");
        query_text(&q, key);
    }
    return store_write_end(s, own, query_run(&q, err), err);
}

struct model_row {
    int64_t id;
    int dim;
    bool same_name;
};

static int find_model(struct store *s, const struct hash *fingerprint, const char *name,
                      struct model_row *row, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "SELECT id, dim, name = ? FROM model WHERE fingerprint = ?");
    query_text(&q, name);
    query_bytes(&q, fingerprint->bytes, HASH_LEN);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : EYE_ENOTFOUND;
    row->id = query_get_int(&q, 0);
    row->dim = (int)query_get_int(&q, 1);
    row->same_name = query_get_int(&q, 2) != 0;
    query_done(&q);
    return 0;
}

static int make_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                      int64_t *model, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "INSERT INTO model(fingerprint, name, dim) VALUES(?, ?, ?)"
               " ON CONFLICT(fingerprint) DO UPDATE SET name = excluded.name RETURNING id");
    query_bytes(&q, fingerprint->bytes, HASH_LEN);
    query_text(&q, name);
    query_int(&q, dim);
    int rc = query_step(&q, err);
    if (rc < 0)
        return rc;
    *model = query_get_int(&q, 0);
    return query_run(&q, err);
}

int sqlite_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                 bool create, int64_t *model, struct eye_err *err)
{
    struct model_row row = {0};
    int rc = find_model(s, fingerprint, name, &row, err);
    if (rc && rc != EYE_ENOTFOUND)
        return rc;
    if (!rc && row.dim != dim)
        return eye_fail(err, EYE_EINVAL, "model %s has %d dimensions in the library, not %d", name,
                        row.dim, dim);
    *model = row.id;
    if (!create)
        return rc ? eye_fail(err, EYE_ENOTFOUND, "the library knows no model %s", name) : 0;
    if (!rc && row.same_name)
        return 0;
    bool own;
    rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    return store_write_end(s, own, make_model(s, fingerprint, name, dim, model, err), err);
}

int store_model_dim(struct store *s, int64_t model, int *dim, struct eye_err *err)
{
    if (model != s->model) {
        struct query q;
        int64_t value = 0;
        query_open(&q, s, "SELECT dim FROM model WHERE id = ?");
        query_int(&q, model);
        int rc = query_one_int(&q, &value, err);
        if (rc == EYE_ENOTFOUND)
            return eye_fail(err, rc, "the library knows no model %lld", (long long)model);
        if (rc)
            return rc;
        s->model = model;
        s->model_dim = (int)value;
    }
    *dim = s->model_dim;
    return 0;
}
