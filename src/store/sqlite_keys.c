/* sqlite_keys.c - API keys by the hash of their secret.
 *
 * The look-up goes by an index over hashes: what its time gives away is about SHA-256 of the secret, which helps nobody. */
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "store/sqlite.h"

int store_key_new(struct store *s, const char *name, int scope, const struct hash *hash,
                  int64_t *id, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s, "INSERT INTO api_key(name, hash, scope, created_at) VALUES(?, ?, ?, ?)");
    query_text(&q, name);
    query_bytes(&q, hash->bytes, HASH_LEN);
    query_int(&q, scope);
    query_int(&q, (int64_t)time(NULL));
    rc = query_run(&q, err);
    if (!rc)
        *id = store_last_id(s);
    return store_write_end(s, own, rc, err);
}

static void read_key(struct query *q, struct store_key *key)
{
    *key = (struct store_key){.id = query_get_int(q, 0),
                              .scope = (int)query_get_int(q, 1),
                              .created_at = query_get_int(q, 2),
                              .used_at = query_is_null(q, 3) ? INT64_MIN : query_get_int(q, 3)};
}

int store_key_find(struct store *s, const struct hash *hash, struct store_key *out,
                   struct eye_err *err)
{
    struct query q;
    if (s->version < 2)
        return EYE_ENOTFOUND;
    query_open(&q, s, "SELECT id, scope, created_at, used_at FROM api_key WHERE hash = ?");
    query_bytes(&q, hash->bytes, HASH_LEN);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : EYE_ENOTFOUND;
    read_key(&q, out);
    query_done(&q);
    return 0;
}

static int set_used(struct store *s, int64_t id, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s, "UPDATE api_key SET used_at = ? WHERE id = ?");
    query_int(&q, (int64_t)time(NULL));
    query_int(&q, id);
    return store_write_end(s, own, query_run(&q, err), err);
}

int store_key_used(struct store *s, int64_t id, struct eye_err *err)
{
    store_wait_set(s, 0);
    int rc = set_used(s, id, err);
    store_wait_set(s, STORE_WAIT_MS);
    return rc;
}

int store_key_remove(struct store *s, int64_t id, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s, "DELETE FROM api_key WHERE id = ?");
    query_int(&q, id);
    rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "there is no key %lld", (long long)id);
    return store_write_end(s, own, rc, err);
}

static int add_key(struct query *q, struct store_key **keys, size_t *n, struct eye_err *err)
{
    struct store_key *more = mem_realloc(*keys, *n + 1, sizeof *more, err);
    if (!more)
        return EYE_ENOMEM;
    *keys = more;
    read_key(q, &more[*n]);
    more[*n].name = query_dup(q, 4, err);
    return more[(*n)++].name ? 0 : EYE_ENOMEM;
}

int store_keys(struct store *s, struct store_key **keys, size_t *n, struct eye_err *err)
{
    struct query q;
    int rc;
    *keys = NULL;
    *n = 0;
    if (s->version < 2)
        return 0;
    query_open(&q, s, "SELECT id, scope, created_at, used_at, name FROM api_key ORDER BY id");
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = add_key(&q, keys, n, err)) != 0)
            break;
    query_done(&q);
    if (rc) {
        store_keys_free(*keys, *n);
        *keys = NULL;
        *n = 0;
    }
    return rc;
}

void store_keys_free(struct store_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(keys[i].name);
    free(keys);
}
