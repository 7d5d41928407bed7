/* server.c - starting, draining, stopping.
 *
 * The order of the end matters: no more connections, idle ones cut; streams end and requests finish while there is time; then
 * the sockets are shut, which ends what is still being read or sent; workers end after the handler they are in; only
 * then is no connection suspended any more and libmicrohttpd may stop. A handler that never returns holds up http_stop,
 * as threads cannot be killed. */
#include "http/internal.h"

#include <errno.h>
#include <unistd.h>

enum { POOL_MIN = 64 * 1024, REPLY_HEADERS = 16 * 1024 };

static size_t keep_as_is(void *cls, struct MHD_Connection *conn, char *s)
{
    (void)cls, (void)conn;
    return strlen(s);
}

static void set_defaults(struct http_config *c)
{
    static const struct {
        size_t offset;
        int value;
    } ints[] = {
        {offsetof(struct http_config, io_threads), 2},
        {offsetof(struct http_config, workers), 8},
        {offsetof(struct http_config, max_connections), 512},
        {offsetof(struct http_config, max_per_address), 128},
        {offsetof(struct http_config, header_seconds), 15},
        {offsetof(struct http_config, idle_seconds), 60},
        {offsetof(struct http_config, body_seconds), 3600},
        {offsetof(struct http_config, drain_seconds), 10},
    };
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        int *p = (int *)(void *)((char *)c + ints[i].offset);
        if (*p <= 0)
            *p = ints[i].value;
    }
    if (c->max_header == 0)
        c->max_header = 16384;
}

static int check_config(const struct http_server *s, struct eye_err *err)
{
    const struct http_config *c = &s->cfg;
    size_t n = s->base_len;
    if (n && (s->base[0] != '/' || s->base[n - 1] == '/' || strpbrk(s->base, "?#%{") ||
              strstr(s->base, "//")))
        return eye_fail(err, EYE_EINVAL,
                        "%s: is no base path; give one like /photos, without a slash at the end",
                        s->base);
    for (size_t i = 0; i < c->nroutes; i++)
        if (c->routes[i].body == HTTP_BODY_FILES && !s->spool)
            return eye_fail(err, EYE_EINVAL, "%s: takes files, but there is no folder for them",
                            c->routes[i].pattern);
    return 0;
}

static int copy_config(struct http_server *s, const struct http_config *config, struct eye_err *err)
{
    s->cfg = *config;
    set_defaults(&s->cfg);
    s->base = mem_strdup(config->base_path ? config->base_path : "", err);
    if (!s->base)
        return EYE_ENOMEM;
    s->base_len = strlen(s->base);
    if (config->spool_dir && !(s->spool = mem_strdup(config->spool_dir, err)))
        return EYE_ENOMEM;
    return check_config(s, err);
}

static int start_daemon(struct http_server *s, struct eye_err *err)
{
    const struct http_config *c = &s->cfg;
    size_t pool = 2 * c->max_header + REPLY_HEADERS;
    if (pool < POOL_MIN)
        pool = POOL_MIN;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, s->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem threads[] = {
        {c->io_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, c->io_threads, NULL},
        {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     MHD_USE_NO_LISTEN_SOCKET | (s->is_tls ? MHD_USE_TLS : 0);
    /* Our own limit is the one that counts; a pool divides its among the threads. */
    unsigned limit = (unsigned)(c->max_connections + 16) * (unsigned)c->io_threads;
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, http_on_request, s, MHD_OPTION_ARRAY, threads, MHD_OPTION_ARRAY,
        s->is_tls ? tls : none, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool,
        MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)c->idle_seconds, MHD_OPTION_URI_LOG_CALLBACK, http_on_uri, s,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_as_is, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        http_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, http_watch_notify, s, MHD_OPTION_END);
    if (!s->daemon)
        return eye_fail(err, EYE_EIO, "the HTTP server cannot start its threads");
    return 0;
}

static void release(struct http_server *s)
{
    http_work_stop(s);
    http_watch_stop(s);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    http_unlisten(s);
    http_watch_release(&s->watch);
    pthread_cond_destroy(&s->work.has_work);
    pthread_cond_destroy(&s->work.done);
    pthread_mutex_destroy(&s->work.lock);
    free(s->base);
    free(s->spool);
    free(s->url);
    free(s->cert);
    free(s->key);
    free(s);
}

static void init_work(struct http_work *w)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->has_work, NULL);
    pthread_cond_init(&w->done, &attr);
    pthread_condattr_destroy(&attr);
}

/* Signals are for the program's own threads. Not those that a fault of the thread itself raises. */
void http_block_signals(sigset_t *old)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

static int start_threads(struct http_server *s, struct eye_err *err)
{
    sigset_t old;
    http_block_signals(&old);
    int rc = http_work_start(s, err);
    if (rc == 0)
        rc = start_daemon(s, err);
    if (rc == 0)
        rc = http_watch_start(s, err);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

struct http_server *http_start(const struct http_config *config, struct eye_err *err)
{
    struct http_server *s = mem_calloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    s->listen_fd = -1;
    init_work(&s->work);
    int rc = http_watch_init(&s->watch, err);
    if (rc == 0)
        rc = copy_config(s, config, err);
    if (rc == 0)
        rc = http_tls_load(s, err);
    if (rc == 0)
        rc = http_listen(s, err);
    if (rc == 0)
        rc = start_threads(s, err);
    if (rc == 0)
        return s;
    release(s);
    return NULL;
}

const char *http_url(const struct http_server *s)
{
    return s->url;
}

/* ---- the end ---- */

static bool wait_idle(struct http_server *s, int seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    int rc = 0;
    pthread_mutex_lock(&s->work.lock);
    while (s->work.active > 0 && rc == 0)
        rc = pthread_cond_timedwait(&s->work.done, &s->work.lock, &until);
    bool idle = s->work.active == 0;
    pthread_mutex_unlock(&s->work.lock);
    return idle;
}

void http_drain(struct http_server *s)
{
    pthread_mutex_lock(&s->work.lock);
    bool again = s->work.draining;
    s->work.draining = true;
    pthread_mutex_unlock(&s->work.lock);
    if (again)
        return;
    http_watch_close_door(s);
    http_streams_end(s);
    if (!wait_idle(s, s->cfg.drain_seconds))
        http_watch_cut_all(s);
}

void http_stop(struct http_server *s)
{
    if (!s)
        return;
    http_drain(s);
    release(s);
}

void http_stats_get(const struct http_server *s, struct http_stats *out)
{
    struct http_server *mine = (struct http_server *)(uintptr_t)s;
    *out = (struct http_stats){.requests = atomic_load(&mine->requests),
                               .bytes_in = atomic_load(&mine->bytes_in),
                               .bytes_out = atomic_load(&mine->bytes_out),
                               .refused = atomic_load(&mine->refused)};
    pthread_mutex_lock(&mine->work.lock);
    out->busy_workers = mine->work.busy;
    out->queued = mine->work.queued;
    pthread_mutex_unlock(&mine->work.lock);
    pthread_mutex_lock(&mine->watch.lock);
    out->connections = mine->watch.nconns;
    pthread_mutex_unlock(&mine->watch.lock);
}
