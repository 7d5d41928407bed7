/* admit.c - every request passes here after its headers and before its body: known host, own page, key, scope, rate.
 *
 * The order is that of cost and of what may be told to whom: a foreign page learns nothing, not even that a key is wrong.
 * It runs on an I/O thread, so it does nothing slow: a key is looked up in the database at most every ten seconds.
 *
 * A request that carries X-Forwarded-For was passed on by a proxy. From this machine (where else would it be set by someone
 * to be trusted?) its last address counts as the client's, and it is not taken for local: a proxy in front of a server
 * that listens on loopback must not make the whole world its administrator. */
#include "api/auth.h"
#include "api/guard.h"
#include "api/limit.h"
#include "api/server.h"

enum { ADDRESS_LEN = 64 };

static bool peer_is_local(const struct http_request *rq)
{
    const char *peer = http_peer(rq);
    return strcmp(peer, "unix") == 0 || strcmp(peer, "::1") == 0 || strncmp(peer, "127.", 4) == 0 ||
           strncmp(peer, "::ffff:127.", 11) == 0;
}

static bool is_forwarded(const struct http_request *rq)
{
    return http_header(rq, "X-Forwarded-For") || http_header(rq, "Forwarded");
}

bool api_is_local(const struct api_server *s, const struct http_request *rq)
{
    return (s->is_loopback || s->is_unix) && !is_forwarded(rq);
}

bool api_key_needed(const struct api_server *s, const struct http_request *rq)
{
    return s->key_needed || !api_is_local(s, rq);
}

/* Who is at the other end, for counting. */
static void client_address(const struct http_request *rq, char out[ADDRESS_LEN])
{
    const char *from = http_header(rq, "X-Forwarded-For");
    const char *last = from && peer_is_local(rq) ? strrchr(from, ',') : NULL;
    if (!from || !peer_is_local(rq)) {
        api_limit_name(http_peer(rq), out);
        return;
    }
    last = last ? last + 1 : from;
    char address[ADDRESS_LEN];
    snprintf(address, sizeof address, "%s", last + strspn(last, " \t"));
    address[strcspn(address, " \t")] = '\0';
    api_limit_name(address, out);
}

/* ---- keys ---- */

static int check(struct api_server *s, const struct http_request *rq, const char *secret,
                 int64_t *id, eye_scope *scope, int *wait, struct eye_err *err)
{
    char from[ADDRESS_LEN];
    client_address(rq, from);
    return api_auth_check(s->auth, secret, from, api_clock(), id, scope, wait, err);
}

int api_check_key(struct api_server *s, const struct http_request *rq, const char *secret,
                  eye_scope *scope, struct eye_err *err)
{
    int64_t id = 0;
    int wait = 0;
    return check(s, rq, secret, &id, scope, &wait, err);
}

static void refuse_rate(struct http_request *rq, int wait, const char *detail)
{
    char text[16];
    snprintf(text, sizeof text, "%d", wait);
    http_set(rq, "Retry-After", text);
    api_problem(rq, 429, "busy", detail);
}

void api_refuse_key(struct http_request *rq, int rc, const struct eye_err *err)
{
    if (rc == EYE_EBUSY) {
        refuse_rate(rq, 60, err->msg);
    } else if (rc == EYE_ENOTFOUND) {
        http_set(rq, "WWW-Authenticate", "Bearer realm=\"eyeshine\", error=\"invalid_token\"");
        api_problem(rq, 401, "notfound", err->msg);
    } else {
        api_problem_err(rq, err);
    }
}

/* Who asks. */
struct caller {
    int64_t key; /* 0: none */
    eye_scope scope;
    bool bearer; /* said so itself, in a header that no other page can send */
};

/* 0, also for nobody (scope 0), or the error of a key that was given. A key given in the header counts even where none is needed. */
static int identify(struct api_server *s, const struct http_request *rq, struct caller *c,
                    struct eye_err *err)
{
    char secret[EYE_KEY_LEN];
    int wait = 0;
    const char *authorization = http_header(rq, "Authorization");
    *c = (struct caller){.bearer = api_auth_bearer(authorization, secret)};
    if (!c->bearer) {
        if (!api_key_needed(s, rq)) {
            c->scope = EYE_SCOPE_ADMIN;
            return 0;
        }
        if (!api_auth_cookie(http_header(rq, "Cookie"), secret))
            return 0;
    }
    int rc = check(s, rq, secret, &c->key, &c->scope, &wait, err);
    explicit_bzero(secret, sizeof secret);
    return rc;
}

eye_scope api_request_scope(struct api_server *s, struct http_request *rq)
{
    struct caller c;
    return identify(s, rq, &c, NULL) == 0 ? c.scope : (eye_scope)0;
}

/* ---- the steps; each is 0, or has answered ---- */

static int refuse(struct http_request *rq, const char *detail)
{
    api_problem(rq, 403, "invalid", detail);
    return -1;
}

static int admit_host(const struct api_guard *g, struct http_request *rq)
{
    if (api_guard_host(g, http_header(rq, "Host")))
        return 0;
    return refuse(rq,
                  "this server does not go by that name; start it with --host NAME if it should");
}

static int answer_preflight(struct http_request *rq)
{
    api_no_content(rq);
    return -1;
}

/* A foreign page may lead its reader here (a link), and no more: neither change anything nor make the server work or show
 * a picture in itself. */
static int admit_origin(const struct api_guard *g, struct http_request *rq, enum api_origin *from)
{
    const char *origin = http_header(rq, "Origin");
    const char *mode = http_header(rq, "Sec-Fetch-Mode");
    bool safe = http_method_of(rq) == HTTP_GET;
    *from = api_guard_origin(g, origin, http_header(rq, "Sec-Fetch-Site"), http_header(rq, "Host"));
    if (*from == API_ORIGIN_CORS) {
        api_guard_cors_headers(rq, origin);
        if (http_method_of(rq) == HTTP_OPTIONS && http_header(rq, "Access-Control-Request-Method"))
            return answer_preflight(rq);
    }
    if (*from != API_ORIGIN_FOREIGN)
        return 0;
    bool followed = safe && !origin && mode && strcmp(mode, "navigate") == 0;
    bool is_page = safe && !http_matched(rq);
    if (followed || is_page)
        return 0;
    return refuse(rq,
                  "another site's page asks; only this server's own page may (or an origin given "
                  "with --cors)");
}

static int admit_rate(struct api_server *s, struct http_request *rq, const struct caller *c)
{
    char who[ADDRESS_LEN + 8];
    char from[ADDRESS_LEN];
    if (!c->key && !api_key_needed(s, rq))
        return 0;
    client_address(rq, from);
    if (c->key)
        snprintf(who, sizeof who, "key:%lld", (long long)c->key);
    else
        snprintf(who, sizeof who, "%s", from);
    int wait = api_limit_take(s->limit, who, api_clock());
    if (!wait)
        return 0;
    refuse_rate(rq, wait, "too many requests; wait a moment");
    return -1;
}

static int admit_scope(struct http_request *rq, const struct caller *c)
{
    const struct http_route *route = http_matched(rq);
    unsigned needed = route ? route->tag : API_OPEN;
    char detail[128];
    if (needed == API_OPEN || (unsigned)c->scope >= needed)
        return 0;
    if (!c->scope) {
        http_set(rq, "WWW-Authenticate", "Bearer realm=\"eyeshine\"");
        api_problem(
            rq, 401, "notfound",
            "an API key is needed: `eyeshine key new NAME` makes one on the server's machine");
        return -1;
    }
    snprintf(detail, sizeof detail, "this key's scope is '%s'; '%s' is needed",
             api_scope_name(c->scope), api_scope_name((eye_scope)needed));
    return refuse(rq, detail);
}

/* A key that is wrong stops all but what is open to everybody. */
static int admit_caller(struct api_server *s, struct http_request *rq, struct caller *c)
{
    const struct http_route *route = http_matched(rq);
    struct eye_err err = {0};
    int rc = identify(s, rq, c, &err);
    bool open = !route || route->tag == API_OPEN;
    if (rc == 0 || (rc == EYE_ENOTFOUND && open))
        return 0;
    api_refuse_key(rq, rc, &err);
    return -1;
}

int api_admit(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    const struct api_config *cfg = &s->cfg;
    const struct api_guard guard = {.listen = cfg->http.listen,
                                    .hosts = cfg->hosts,
                                    .nhosts = cfg->nhosts,
                                    .cors = cfg->cors,
                                    .ncors = cfg->ncors};
    enum api_origin from = API_ORIGIN_OWN;
    struct caller c = {0};
    api_guard_headers(rq);
    if (admit_host(&guard, rq) || admit_origin(&guard, rq, &from) || admit_caller(s, rq, &c) ||
        admit_rate(s, rq, &c))
        return -1;
    if (from == API_ORIGIN_CORS && http_method_of(rq) != HTTP_GET && !c.bearer)
        return refuse(rq, "another site's page may change things only with a Bearer key");
    return admit_scope(rq, &c);
}
