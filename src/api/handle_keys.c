/* handle_keys.c - API keys from the page: list, make (the secret is shown once), remove. */
#include "api/auth.h"
#include "api/internal.h"

enum { NAME_CHARS = 100 };

static int shape_key(void *ctx, const eye_key *key)
{
    struct json_writer *w = ctx;
    jw_object(w);
    jw_kint(w, "id", key->id);
    jw_kstr(w, "name", key->name);
    jw_kstr(w, "scope", api_scope_name(key->scope));
    shape_time(w, "created_at", key->created_at);
    shape_time(w, "used_at", key->used_at);
    jw_object_end(w);
    return 0;
}

void handle_keys(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err = {0};
    struct api_out o;
    if (!api_no_query(rq))
        return;
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "keys");
    jw_array(&o.w);
    if (eye_keys(s->lib, shape_key, &o.w, &err) != 0) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    jw_array_end(&o.w);
    jw_object_end(&o.w);
    api_out_send(rq, 200, &o);
}

struct new_key {
    const char *name;
    int scope; /* 1 + index below: as eye_scope */
};

static const char *const scopes[] = {"read", "write", "admin", NULL};
static const struct api_field new_key_fields[] = {
    {"name", API_TEXT, offsetof(struct new_key, name), 1, NAME_CHARS, NULL},
    {"scope", API_WORD, offsetof(struct new_key, scope), 0, 0, scopes},
};

static int read_new_key(const struct json *body, struct new_key *k, struct eye_err *err)
{
    int rc = api_members(body, "the body", new_key_fields, 2, k, NULL, err);
    if (rc)
        return rc;
    if (!k->name || !k->scope)
        return eye_fail(err, EYE_EINVAL, "a key needs 'name' and 'scope' (read, write or admin)");
    return 0;
}

static void reply_new_key(struct http_request *rq, int64_t id, const struct new_key *k,
                          const char *secret)
{
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_kint(&o.w, "id", id);
    jw_kstr(&o.w, "name", k->name);
    jw_kstr(&o.w, "scope", scopes[k->scope - 1]);
    jw_kstr(&o.w, "secret", secret);
    jw_object_end(&o.w);
    http_set(rq, "Cache-Control", "no-store");
    api_out_send(rq, 201, &o);
}

void handle_key_new(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct new_key k = {0};
    struct eye_err err = {0};
    char secret[EYE_KEY_LEN];
    int64_t id = 0;
    if (!api_no_query(rq))
        return;
    struct json *body = api_body(rq);
    if (!body)
        return;
    if (read_new_key(body, &k, &err) != 0 ||
        eye_key_new(s->lib, k.name, (eye_scope)k.scope, secret, &id, &err) != 0)
        api_problem_err(rq, &err);
    else
        reply_new_key(rq, id, &k, secret);
    explicit_bzero(secret, sizeof secret);
    json_free(body);
}

void handle_key_delete(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err = {0};
    int64_t id = 0;
    if (!api_no_query(rq))
        return;
    if (api_path_id(rq, &id, &err) != 0 || eye_key_remove(s->lib, id, &err) != 0) {
        api_problem_err(rq, &err);
        return;
    }
    api_auth_forget(s->auth);
    api_no_content(rq);
}
