/* body.c - what a request brings along, bounded by its route. */
#include "http/internal.h"

#include "http/multipart.h"
#include "http/spool.h"

enum { WASTE_CHUNKED = 1 << 20, WASTE_SIZED = 16 << 20 };

struct http_body_state {
    enum http_body kind;
    uint64_t taken, max;
    struct buf small;
    struct http_spool spool;
    struct http_form *form; /* NULL: the body is one file */
    bool single;            /* ... which has begun */
    int status;             /* it failed: the rest is read away */
    const char *detail;
    uint64_t wasted;
};

static int begin_form(struct http_request *rq, struct http_body_state *b, const char **detail)
{
    static const struct http_form_events events = {http_spool_begin, http_spool_data,
                                                   http_spool_end};
    const char *type = http_header(rq, "Content-Type");
    http_spool_init(&b->spool, rq->server->spool);
    if (type && http_form_is(type)) {
        b->form = http_form_new(type, &events, &b->spool, detail);
        return b->form ? 0 : 400;
    }
    if (!rq->has_body)
        return 0;
    b->single = true;
    int rc = http_spool_begin_body(&b->spool, type ? type : "");
    *detail = b->spool.detail;
    return rc;
}

int http_body_begin(struct http_request *rq, const char **detail)
{
    enum http_body kind = rq->route ? rq->route->body : HTTP_BODY_NONE;
    uint64_t max = rq->route ? rq->route->max_body : 0;
    *detail = "this request may not have a body";
    if (kind == HTTP_BODY_NONE)
        return rq->has_body ? 413 : 0;
    *detail = "the request's body is larger than is allowed here";
    if (rq->content_length > max)
        return 413;
    struct http_body_state *b = rq->body = mem_calloc(1, sizeof *b, NULL);
    *detail = "out of memory";
    if (!b)
        return 503;
    b->kind = kind;
    b->max = max;
    b->spool.fd = -1;
    buf_init(&b->small, max < SIZE_MAX ? (size_t)max : SIZE_MAX);
    if (kind == HTTP_BODY_FILES)
        return begin_form(rq, b, detail);
    return 0;
}

static int keep(struct http_body_state *b, const char *bytes, size_t len)
{
    if (b->kind == HTTP_BODY_SMALL) {
        b->detail = "out of memory";
        return buf_append(&b->small, bytes, len, NULL) ? 503 : 0;
    }
    if (!b->form) {
        int rc = http_spool_data(&b->spool, bytes, len);
        b->detail = b->spool.detail;
        return rc;
    }
    const char *detail = NULL;
    int rc = http_form_feed(b->form, bytes, len, &detail);
    b->detail = detail ? detail : b->spool.detail;
    return rc;
}

void http_body_take(struct http_request *rq, const char *bytes, size_t len)
{
    struct http_body_state *b = rq->body;
    if (!b || b->status) {
        if (b)
            b->wasted += len;
        return;
    }
    b->taken += len;
    if (b->taken > b->max) {
        b->status = 413;
        b->detail = "the request's body is larger than is allowed here";
    } else {
        b->status = keep(b, bytes, len);
    }
    if (b->status && b->kind == HTTP_BODY_FILES)
        http_spool_remove_files(&b->spool); /* a full disk gets its room back at once */
}

int http_body_end(struct http_request *rq, const char **detail)
{
    struct http_body_state *b = rq->body;
    if (!b)
        return 0;
    if (b->status == 0 && b->form)
        b->status = http_form_finish(b->form, &b->detail);
    else if (b->status == 0 && b->single) {
        b->status = http_spool_end(&b->spool);
        b->detail = b->spool.detail;
    }
    *detail = b->detail ? b->detail : "the request's body cannot be read";
    return b->status;
}

bool http_body_failed(const struct http_request *rq)
{
    return rq->body && rq->body->status;
}

bool http_body_hopeless(const struct http_request *rq)
{
    const struct http_body_state *b = rq->body;
    return b && b->status && b->wasted > (rq->chunked ? WASTE_CHUNKED : WASTE_SIZED);
}

void http_body_remove_files(struct http_request *rq)
{
    if (rq->body && rq->body->kind == HTTP_BODY_FILES)
        http_spool_remove_files(&rq->body->spool);
}

void http_body_free(struct http_request *rq)
{
    struct http_body_state *b = rq->body;
    if (!b)
        return;
    http_form_free(b->form);
    http_spool_release(&b->spool);
    buf_release(&b->small);
    free(b);
    rq->body = NULL;
}

/* ---- for handlers ---- */

const char *http_body(const struct http_request *rq, size_t *len)
{
    const struct http_body_state *b = rq->body;
    bool some = b && b->small.data;
    if (len)
        *len = some ? b->small.len : 0;
    return some ? b->small.data : "";
}

size_t http_parts(const struct http_request *rq)
{
    return rq->body ? rq->body->spool.nparts : 0;
}

const struct http_part *http_part_at(const struct http_request *rq, size_t i)
{
    return i < http_parts(rq) ? &rq->body->spool.parts[i] : NULL;
}
