/* handle_session.c - who a page is here, and its key as a cookie for what can't send a header: pictures, downloads,
 * events. SameSite=Strict: no other site's page makes a browser send it. */
#include "api/auth.h"
#include "api/internal.h"
#include "api/server.h"

enum { COOKIE_MAX = 4096, A_YEAR = 31536000 };

static void reply_session(struct http_request *rq, struct api_server *s, eye_scope scope)
{
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_kstr(&o.w, "scope", api_scope_name(scope));
    jw_kbool(&o.w, "key_required", api_key_needed(s, rq));
    jw_kbool(&o.w, "loopback", api_is_local(s, rq));
    jw_object_end(&o.w);
    http_set(rq, "Cache-Control", "no-store");
    api_out_send(rq, 200, &o);
}

void handle_session(struct http_request *rq, void *ctx)
{
    if (api_no_query(rq))
        reply_session(rq, ctx, api_request_scope(ctx, rq));
}

/* Secure also behind a proxy that speaks TLS for us: who lies about that makes its own cookie useless, no more. */
static bool is_secure(const struct http_request *rq)
{
    const char *proto = http_header(rq, "X-Forwarded-Proto");
    return http_is_tls(rq) || (proto && strcmp(proto, "https") == 0);
}

static void set_cookie(struct http_request *rq, const char *value, int seconds)
{
    struct buf b;
    const char *base = http_base(rq);
    buf_init(&b, COOKIE_MAX);
    if (buf_printf(&b, NULL, "eyeshine_key=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Strict%s",
                   value, *base ? base : "/", seconds, is_secure(rq) ? "; Secure" : "") == 0)
        http_set(rq, "Set-Cookie", b.data);
    buf_release(&b);
}

static void open_with(struct http_request *rq, struct api_server *s, const char *key)
{
    struct eye_err err = {0};
    eye_scope scope = (eye_scope)0;
    int rc = api_check_key(s, rq, key, &scope, &err);
    if (rc) {
        api_refuse_key(rq, rc, &err);
        return;
    }
    set_cookie(rq, key, A_YEAR);
    reply_session(rq, s, scope);
}

void handle_session_open(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {{"key", API_TEXT, 0, 1, 200, NULL}};
    const char *key = NULL;
    struct eye_err err = {0};
    if (!api_no_query(rq))
        return;
    struct json *body = api_body(rq);
    if (!body)
        return;
    if (api_members(body, "the body", fields, 1, &key, NULL, &err) != 0)
        api_problem_err(rq, &err);
    else if (!key)
        api_problem(rq, 400, "invalid", "the body needs 'key'");
    else
        open_with(rq, ctx, key);
    json_free(body);
}

void handle_session_close(struct http_request *rq, void *ctx)
{
    (void)ctx;
    if (!api_no_query(rq))
        return;
    set_cookie(rq, "", 0);
    api_no_content(rq);
}
