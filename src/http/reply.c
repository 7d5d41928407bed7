/* reply.c - how handlers answer: headers, bytes, files.
 *
 * A reply is made by the thread that knows it and queued by the I/O thread. Of several, the first counts. A header
 * with control characters would let a client's text write headers of its own, so such a reply turns into a 500. */
#include "http/internal.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

void http_reply_forget_headers(struct http_request *rq)
{
    for (size_t i = 0; i < rq->nset; i++) {
        free(rq->set[i].name);
        free(rq->set[i].value);
    }
    rq->nset = 0;
}

/* The place of a header: what was said under its name before is overruled, but cookies, of which there may be many. */
static struct http_pairs_out *place_of(struct http_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->nset; i++) {
        if (strcasecmp(rq->set[i].name, name) == 0 && strcasecmp(name, "Set-Cookie") != 0) {
            free(rq->set[i].name);
            free(rq->set[i].value);
            return &rq->set[i];
        }
    }
    return rq->nset < HTTP_SET_MAX ? &rq->set[rq->nset++] : NULL;
}

void http_set(struct http_request *rq, const char *name, const char *value)
{
    if (rq->replied || rq->broken)
        return;
    bool ok = http_text_is_token(name) && http_text_is_field(value);
    struct http_pairs_out *p = ok ? place_of(rq, name) : NULL;
    if (!p) {
        rq->broken = true;
        return;
    }
    p->name = mem_strdup(name, NULL);
    p->value = mem_strdup(value, NULL);
    if (!p->name || !p->value)
        rq->broken = true;
}

static bool add_headers(struct http_request *rq, const char *type, struct MHD_Response *response)
{
    bool ok = !rq->broken;
    if (ok && type)
        ok = http_text_is_field(type) &&
             MHD_add_response_header(response, "Content-Type", type) == MHD_YES;
    for (size_t i = 0; ok && i < rq->nset; i++)
        ok = MHD_add_response_header(response, rq->set[i].name, rq->set[i].value) == MHD_YES;
    return ok;
}

static struct MHD_Response *plain_500(void)
{
    static char text[] = "the reply could not be made\n";
    return MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
}

void http_reply_with(struct http_request *rq, int status, const char *type,
                     struct MHD_Response *response, uint64_t bytes)
{
    if (rq->replied) { /* a handler that answers twice: the first one counts */
        if (response)
            MHD_destroy_response(response);
        return;
    }
    rq->replied = true;
    if (response && !add_headers(rq, type, response)) {
        MHD_destroy_response(response);
        response = plain_500();
        status = 500;
        bytes = 0;
    }
    rq->response = response;
    rq->status = response ? status : 500;
    rq->bytes_out = rq->head || status == 304 || status == 204 ? 0 : bytes;
}

enum MHD_Result http_reply_send(struct http_request *rq)
{
    struct http_work *w = &rq->server->work;
    struct MHD_Response *response = rq->response;
    if (!response)
        return MHD_NO;
    rq->response = NULL;
    pthread_mutex_lock(&w->lock);
    bool draining = w->draining;
    pthread_mutex_unlock(&w->lock);
    if (draining)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result rc = MHD_queue_response(rq->conn, (unsigned)rq->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* ---- refusals ---- */

void http_refuse(struct http_request *rq, int status, const char *detail)
{
    struct http_config *c = &rq->server->cfg;
    atomic_fetch_add(&rq->server->refused, 1);
    if (rq->replied)
        return;
    if (c->error) {
        c->error(rq, status, detail, c->ctx);
        if (rq->replied)
            return;
    }
    struct buf body;
    buf_init(&body, 4096);
    if (buf_printf(&body, NULL, "%s\n", detail) != 0)
        buf_release(&body);
    http_reply(rq, status, "text/plain; charset=utf-8", &body);
}

/* ---- bytes ---- */

void http_reply(struct http_request *rq, int status, const char *type, struct buf *body)
{
    size_t len = 0;
    char *data = body ? buf_detach(body, &len) : NULL;
    struct MHD_Response *r = MHD_create_response_from_buffer(
        len, data ? (void *)data : (void *)(uintptr_t) "", /* never written to */
        data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!r)
        free(data);
    http_reply_with(rq, status, type, r, len);
}

void http_reply_static(struct http_request *rq, int status, const char *type, const void *bytes,
                       size_t len)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
    http_reply_with(rq, status, type, r, len);
}
