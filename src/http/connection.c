/* connection.c - the life of a request on its connection: libmicrohttpd's callbacks, all on an I/O thread.
 *
 *   first line read   http_on_uri        makes the request
 *   headers read      PHASE_HEADERS      checks, route, admit; a refusal is sent at once, before the body
 *   body              PHASE_BODY         piece by piece to memory or disk
 *   body read         PHASE_BODY         the connection is suspended, a worker gets the request
 *   worker is done    PHASE_RUNNING      the connection is resumed, libmicrohttpd calls again: the reply is queued
 *   all sent          http_on_completed  also when the client went away at any of these points
 *
 * A suspended connection is in no poll set, so nothing can happen to it until it is resumed. libmicrohttpd takes a
 * reply only before the body or after it; a body found bad in the middle is read away (within limits) and answered
 * at its end. An early reply closes the connection, so a request without a body gets even its refusals in the second
 * call, and the connection lives on. */
#include "http/internal.h"

enum { FAILED_SECONDS = 60 }; /* so long the rest of a failed body is read away */

void *http_on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct http_server *s = cls;
    struct http_request *rq = http_request_new(s, uri);
    if (!rq)
        return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    rq->conn = conn;
    rq->node = info ? info->socket_context : NULL;
    if (rq->node)
        memcpy(rq->peer, rq->node->peer, sizeof rq->peer);
    rq->number = atomic_fetch_add(&s->requests, 1) + 1;
    pthread_mutex_lock(&s->work.lock);
    s->work.active++;
    pthread_mutex_unlock(&s->work.lock);
    http_watch_deadline(s, rq->node, s->cfg.header_seconds, true);
    return rq;
}

/* ---- after the headers ---- */

static void refuse_method(struct http_request *rq, int methods)
{
    char allow[64];
    http_allow_text(methods, allow);
    http_set(rq, "Allow", allow);
    http_refuse(rq, 405, "this path does not know that method");
}

/* BASE itself is BASE/; relative, so that it stays right behind any proxy. */
static void redirect_to_base(struct http_request *rq)
{
    const char *last = strrchr(rq->server->base, '/'), *query = strchr(rq->target, '?');
    struct buf to;
    buf_init(&to, 65536);
    if (buf_printf(&to, NULL, "%s/%s", last + 1, query ? query : "") == 0)
        http_set(rq, "Location", to.data);
    else
        rq->broken = true;
    buf_release(&to);
    http_reply(rq, 308, NULL, NULL);
}

/* False: outside, and it has been answered. */
static bool below_base(struct http_request *rq)
{
    const struct http_server *s = rq->server;
    const char *rest = rq->path + s->base_len;
    if (strncmp(rq->path, s->base, s->base_len) == 0 && *rest == '/') {
        rq->below = rest;
        return true;
    }
    if (s->base_len && strcmp(rq->path, s->base) == 0)
        redirect_to_base(rq);
    else
        http_refuse(rq, 404, "nothing is at this path");
    return false;
}

/* Finds who will answer; refuses if nobody does. */
static void find_handler(struct http_request *rq)
{
    struct http_config *c = &rq->server->cfg;
    int methods = http_route_find(rq);
    if (methods < 0) {
        http_refuse(rq, 503, "out of memory");
        return;
    }
    if (c->admit && c->admit(rq, c->ctx) != 0) {
        if (!rq->replied)
            http_refuse(rq, 403, "refused");
        return;
    }
    if (rq->route)
        return;
    if (methods)
        refuse_method(rq, methods);
    else if (!c->fallback)
        http_refuse(rq, 404, "nothing is at this path");
    else if (rq->method != HTTP_GET)
        refuse_method(rq, HTTP_GET);
}

static void read_headers(struct http_request *rq, const char *method, const char *version,
                         bool *close)
{
    const char *detail = NULL;
    int status = http_request_headers(rq, rq->conn, method, version, &detail);
    if (status) {
        *close = true;
        http_refuse(rq, status, detail);
        return;
    }
    if (!below_base(rq))
        return;
    find_handler(rq);
    if (!rq->replied && (status = http_body_begin(rq, &detail)) != 0)
        http_refuse(rq, status, detail);
}

static enum MHD_Result after_headers(struct http_request *rq, const char *method,
                                     const char *version)
{
    struct http_server *s = rq->server;
    bool close = false;
    rq->phase = PHASE_BODY;
    read_headers(rq, method, version, &close);
    if (rq->replied && (close || rq->has_body)) {
        http_watch_deadline(s, rq->node, 0, true);
        http_watch_linger(s, rq->node);
        rq->phase = PHASE_SENT;
        return http_reply_send(rq);
    }
    http_watch_deadline(s, rq->node, rq->has_body ? s->cfg.body_seconds : 0, true);
    return MHD_YES;
}

/* ---- the body, and after it ---- */

/* The client goes on with a body that failed long ago: said in the clear past libmicrohttpd, which sends nothing before
 * the body ends, and hung up. Under TLS only the latter. */
static enum MHD_Result hang_up(struct http_request *rq)
{
    struct http_server *s = rq->server;
    const char *detail = NULL;
    struct buf text;
    rq->status = http_body_end(rq, &detail);
    atomic_fetch_add(&s->refused, 1);
    buf_init(&text, 1024);
    if (rq->node && !s->is_tls &&
        buf_printf(&text, NULL,
                   "HTTP/1.1 %d Refused\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                   rq->status, strlen(detail) + 1, detail) == 0 &&
        send(rq->node->fd, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        http_watch_linger(s, rq->node);
    buf_release(&text);
    return MHD_NO;
}

static enum MHD_Result take_body(struct http_request *rq, const char *bytes, size_t *len)
{
    bool was = http_body_failed(rq);
    atomic_fetch_add(&rq->server->bytes_in, *len);
    http_body_take(rq, bytes, *len);
    *len = 0;
    if (http_body_hopeless(rq))
        return hang_up(rq);
    int seconds = rq->server->cfg.body_seconds;
    if (!was && http_body_failed(rq))
        http_watch_deadline(rq->server, rq->node,
                            seconds < FAILED_SECONDS ? seconds : FAILED_SECONDS, true);
    return MHD_YES;
}

static enum MHD_Result send_now(struct http_request *rq)
{
    rq->phase = PHASE_SENT;
    return http_reply_send(rq);
}

static enum MHD_Result after_body(struct http_request *rq)
{
    const char *detail = NULL;
    http_watch_deadline(rq->server, rq->node, 0, true);
    if (rq->replied)
        return send_now(rq);
    int status = http_body_end(rq, &detail);
    if (status == 0 && !http_work_has_room(rq->server)) {
        status = 503;
        detail = "too many requests are waiting; try again soon";
        http_set(rq, "Retry-After", "1");
    }
    if (status) {
        http_refuse(rq, status, detail);
        return send_now(rq);
    }
    rq->phase = PHASE_RUNNING;
    rq->on_worker = true;
    MHD_suspend_connection(rq->conn);
    http_work_give(rq);
    return MHD_YES;
}

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **con_cls)
{
    (void)cls, (void)conn, (void)url;
    struct http_request *rq = *con_cls;
    if (!rq)
        return MHD_NO; /* no memory when it began */
    switch (rq->phase) {
    case PHASE_HEADERS: return after_headers(rq, method, version);
    case PHASE_BODY: return *upload_size ? take_body(rq, upload, upload_size) : after_body(rq);
    case PHASE_RUNNING: return send_now(rq);
    case PHASE_SENT: break;
    }
    *upload_size = 0;
    return MHD_YES;
}

/* ---- the end ---- */

static double seconds_since(const struct timespec *t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) * 1e-9;
}

static void tell_access(struct http_request *rq)
{
    const struct http_config *c = &rq->server->cfg;
    if (!c->access)
        return;
    const char *agent = http_header(rq, "User-Agent");
    struct http_access a = {.method = rq->method_name,
                            .path = rq->path ? rq->path : "",
                            .peer = rq->peer,
                            .agent = agent ? agent : "",
                            .status = rq->status,
                            .bytes_out = rq->bytes_out,
                            .seconds = seconds_since(&rq->begun),
                            .request = rq->number};
    c->access(&a, c->ctx);
}

void http_on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                       enum MHD_RequestTerminationCode why)
{
    (void)conn, (void)why;
    struct http_server *s = cls;
    struct http_request *rq = *con_cls;
    *con_cls = NULL;
    if (!rq)
        return;
    if (rq->stream)
        rq->bytes_out = http_stream_sent(rq->stream);
    atomic_fetch_add(&s->bytes_out, rq->bytes_out);
    tell_access(rq);
    http_watch_deadline(s, rq->node, s->cfg.idle_seconds, false);
    pthread_mutex_lock(&s->work.lock);
    s->work.active--;
    pthread_cond_broadcast(&s->work.done);
    pthread_mutex_unlock(&s->work.lock);
    http_request_unref(rq);
}
