/* server.c - starts and stops what serves one library: jobs, events, HTTP, and the model loaded beforehand.
 *
 * The port opens at once and the model is loaded beside it, so that a service manager sees a server and the first page
 * is there while the weights are read. The end goes the other way round: listeners first (they come back by themselves),
 * then requests in their time, then the file at hand of a job; whatever is unfinished goes on at the next start. */
#include "api/server.h"

#include <arpa/inet.h>
#include <pthread.h>

#include "api/accesslog.h"
#include "api/auth.h"
#include "api/guard.h"
#include "api/hub.h"
#include "api/limit.h"
#include "api/metrics.h"

enum { RATE = 1200, LIBRARY_SECONDS = 1 };

struct api_own {
    struct http_route *routes; /* the table with the limits of this server */
    pthread_t warmer;
    bool warming, jobs;
    double begun;
    double library_told; /* only the jobs' thread looks at it */
};

double api_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double api_up_seconds(const struct api_server *s)
{
    return api_clock() - s->own->begun;
}

/* ---- where it listens ---- */

/* "127.0.0.1:8000", "[::1]:0", "localhost:1": reachable from this machine only. A name but localhost may be anything. */
static bool listens_on_loopback(const char *listen)
{
    char host[64];
    struct in6_addr v6;
    struct in_addr v4;
    const char *end = listen[0] == '[' ? strchr(listen, ']') : strrchr(listen, ':');
    const char *start = listen[0] == '[' ? listen + 1 : listen;
    size_t n = end && end > start ? (size_t)(end - start) : strlen(start);
    if (n >= sizeof host)
        return false;
    memcpy(host, start, n);
    host[n] = '\0';
    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static int count_key(void *ctx, const eye_key *key)
{
    (void)key;
    ++*(int *)ctx;
    return 0;
}

static int look_where(struct api_server *s, struct eye_err *err)
{
    const char *listen = s->cfg.http.listen;
    int keys = 0;
    s->is_unix = strncmp(listen, "unix:", 5) == 0;
    s->is_loopback = !s->is_unix && listens_on_loopback(listen);
    s->key_needed = s->cfg.require_key || !(s->is_unix || s->is_loopback);
    int rc = s->key_needed ? eye_keys(s->lib, count_key, &keys, err) : 0;
    if (rc || !s->key_needed || keys)
        return rc;
    if (s->is_unix || s->is_loopback)
        return eye_fail(
            err, EYE_EINVAL,
            "--require-key, but this library has no API key: make one with `eyeshine key new NAME "
            "--scope admin`");
    return eye_fail(
        err, EYE_EINVAL,
        "%s can be reached from other machines and this library has no API key: make one "
        "with `eyeshine key new NAME --scope admin`, give one in $EYESHINE_KEYS, or listen on "
        "127.0.0.1",
        listen);
}

/* ---- what happens ---- */

static void on_job(void *ctx, const eye_job *job)
{
    struct api_server *s = ctx;
    double now = api_clock();
    api_job_changed(s, job);
    if (job->state < EYE_JOB_DONE && now - s->own->library_told < LIBRARY_SECONDS)
        return;
    s->own->library_told = now;
    api_library_changed(s);
}

static void on_watch(void *ctx, const eye_watch_state *state)
{
    api_root_changed(ctx, state);
}

static void on_error(struct http_request *rq, int status, const char *detail, void *ctx)
{
    api_guard_headers(rq);
    api_http_error(rq, status, detail, ctx);
}

static bool is_search(const struct api_server *s, const char *path)
{
    const char *base = s->cfg.http.base_path ? s->cfg.http.base_path : "";
    size_t n = strlen(base);
    return strncmp(path, base, n) == 0 && strcmp(path + n, API_PREFIX "/search") == 0;
}

static void on_access(const struct http_access *a, void *ctx)
{
    struct api_server *s = ctx;
    api_metrics_request(s->metrics, a->status);
    if (a->status == 200 && is_search(s, a->path))
        api_metrics_search(s->metrics, a->seconds);
    if (s->cfg.log)
        api_access_log(a, s->cfg.log_json, s->cfg.log, s->cfg.log_ctx);
}

static int ask_library(void *ctx, const char *secret, int64_t *id, eye_scope *scope,
                       struct eye_err *err)
{
    return eye_key_check(ctx, secret, id, scope, err);
}

/* ---- parts ---- */

static int make_parts(struct api_server *s, struct eye_err *err)
{
    int rate = s->cfg.rate_per_minute ? s->cfg.rate_per_minute : RATE;
    if (!(s->own = mem_calloc(1, sizeof *s->own, err)) ||
        !(s->metrics = mem_calloc(1, sizeof *s->metrics, err)) ||
        !(s->limit = api_limit_new(rate, err)) ||
        !(s->auth = api_auth_new(ask_library, s->lib, err)) || !(s->hub = api_hub_new(err)) ||
        !(s->tokens = api_tokens_new(err)) || !(s->zips = api_zips_new(err)) ||
        !(s->change = api_switch_new(s->lib, err)))
        return EYE_ENOMEM;
    s->own->begun = api_clock();
    return 0;
}

/* The table of routes with this server's largest upload. */
static int make_routes(struct api_server *s, struct eye_err *err)
{
    struct http_route *r = mem_calloc(api_nroutes, sizeof *r, err);
    if (!r)
        return EYE_ENOMEM;
    memcpy(r, api_routes, api_nroutes * sizeof *r);
    for (size_t i = 0; i < api_nroutes; i++)
        if (r[i].max_body == API_UPLOAD_MAX)
            r[i].max_body = s->cfg.max_upload;
    s->own->routes = r;
    return 0;
}

static int start_http(struct api_server *s, struct eye_err *err)
{
    struct http_config *c = &s->cfg.http;
    c->spool_dir = eye_spool_dir(s->lib, err);
    if (!c->spool_dir)
        return EYE_EIO;
    c->routes = s->own->routes;
    c->nroutes = api_nroutes;
    c->fallback = handle_page;
    c->admit = api_admit;
    c->error = on_error;
    c->access = on_access;
    c->ctx = s;
    s->http = http_start(c, err);
    return s->http ? 0 : EYE_EIO;
}

/* Failing is no matter: the first search tries again, and then somebody is there to be told. */
static void *warm(void *lib)
{
    eye_warm(lib, NULL);
    return NULL;
}

static int start(struct api_server *s, struct eye_err *err)
{
    int rc = look_where(s, err);
    if (rc || (rc = make_parts(s, err)) != 0 || (rc = make_routes(s, err)) != 0)
        return rc;
    if ((rc = eye_jobs_start(s->lib, on_job, s, err)) != 0)
        return rc;
    s->own->jobs = true;
    eye_watch_options watch = {.poll = s->cfg.watch_poll, .state = on_watch, .ctx = s};
    if (s->cfg.watch && (rc = eye_watch_start(s->lib, &watch, err)) != 0)
        return rc;
    if ((rc = start_http(s, err)) != 0)
        return rc;
    s->own->warming = pthread_create(&s->own->warmer, NULL, warm, s->lib) == 0;
    return 0;
}

struct api_server *api_start(const struct api_config *config, struct eye_err *err)
{
    struct api_server *s = mem_calloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    s->cfg = *config;
    if (!s->cfg.max_upload)
        s->cfg.max_upload = API_UPLOAD_MAX;
    s->lib = config->lib;
    if (start(s, err) != 0) {
        api_stop(s);
        return NULL;
    }
    return s;
}

const char *api_url(const struct api_server *s)
{
    return http_url(s->http);
}

void api_stop(struct api_server *s)
{
    if (!s)
        return;
    if (s->hub)
        api_hub_end(s->hub);
    if (s->http)
        http_drain(s->http);
    api_zips_free(s->zips);
    api_switch_free(s->change);
    if (s->own && s->own->warming)
        pthread_join(s->own->warmer, NULL);
    if (s->own && s->own->jobs)
        eye_jobs_stop(s->lib);
    if (s->http)
        http_stop(s->http);
    api_tokens_free(s->tokens);
    api_hub_free(s->hub);
    api_auth_free(s->auth);
    api_limit_free(s->limit);
    free(s->metrics);
    if (s->own)
        free(s->own->routes);
    free(s->own);
    free(s);
}
