/* request.c - what a request says of itself.
 *
 * All that came in the headers is copied into the request when they are complete. A stream's handler may still be
 * running when the I/O thread is already done with the connection, whose memory then is gone: with the copy, a
 * handler never touches libmicrohttpd's memory.
 *
 * Framing is checked more strictly than libmicrohttpd does: it takes the first Content-Length of several and any
 * Transfer-Encoding, which is how requests are smuggled past a proxy in front of us. */
#include "http/internal.h"

#include <errno.h>
#include <strings.h>

struct http_request *http_request_new(struct http_server *s, const char *uri)
{
    struct http_request *rq = mem_calloc(1, sizeof *rq, NULL);
    if (!rq)
        return NULL;
    rq->server = s;
    atomic_init(&rq->refs, 1);
    clock_gettime(CLOCK_MONOTONIC, &rq->begun);
    rq->method_name = "";
    rq->target = mem_strdup(uri, NULL);
    if (!rq->target) {
        free(rq);
        return NULL;
    }
    return rq;
}

void http_request_unref(struct http_request *rq)
{
    if (atomic_fetch_sub(&rq->refs, 1) > 1)
        return;
    http_body_free(rq);
    if (rq->response)
        MHD_destroy_response(rq->response);
    if (rq->stream)
        http_stream_unref(rq->stream);
    http_reply_forget_headers(rq);
    http_pairs_release(&rq->query);
    http_pairs_release(&rq->headers);
    free(rq->params_text);
    free(rq->path);
    free(rq->target);
    free(rq);
}

/* ---- text ---- */

bool http_text_is_field(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
            return false;
    return true;
}

bool http_text_is_token(const char *name)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    if (!*name)
        return false;
    for (const char *p = name; *p; p++) {
        bool alnum =
            (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!alnum && !strchr(marks, *p))
            return false;
    }
    return true;
}

/* ---- headers ---- */

struct copying {
    struct http_pairs *to;
    size_t count, bytes; /* first pass */
    char *text;          /* second pass */
    bool bad;
};

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    struct copying *c = ctx;
    if (!value || !http_text_is_token(name) || !http_text_is_field(value)) {
        c->bad = true;
        return MHD_NO;
    }
    c->count++;
    c->bytes += strlen(name) + strlen(value) + 2;
    return MHD_YES;
}

static enum MHD_Result copy_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    struct copying *c = ctx;
    struct http_pair *p = &c->to->at[c->to->n++];
    size_t n = strlen(name) + 1, v = strlen(value) + 1;
    p->name = memcpy(c->text, name, n);
    c->text += n;
    p->value = memcpy(c->text, value, v);
    /* Blanks at the end are no part of a value. */
    for (size_t i = v - 1; i > 0 && (c->text[i - 1] == ' ' || c->text[i - 1] == '\t'); i--)
        c->text[i - 1] = '\0';
    c->text += v;
    return MHD_YES;
}

static int copy_headers(struct http_request *rq, struct MHD_Connection *conn, const char **detail)
{
    struct copying c = {.to = &rq->headers};
    MHD_get_connection_values(conn, MHD_HEADER_KIND, count_header, &c);
    *detail = "a header's name or value holds characters that it may not";
    if (c.bad)
        return 400;
    rq->headers.at = mem_calloc(c.count, sizeof *rq->headers.at, NULL);
    rq->headers.text = c.text = mem_calloc(c.bytes, 1, NULL);
    *detail = "out of memory";
    if (!rq->headers.at || !c.text)
        return 503;
    MHD_get_connection_values(conn, MHD_HEADER_KIND, copy_header, &c);
    return 0;
}

static size_t count_of(const struct http_request *rq, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < rq->headers.n; i++)
        n += strcasecmp(rq->headers.at[i].name, name) == 0;
    return n;
}

static bool parse_length(const char *text, uint64_t *out)
{
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno == 0;
}

/* Where the body ends must be beyond doubt. */
static int check_framing(struct http_request *rq, const char *version, const char **detail)
{
    const char *coding = http_header(rq, "Transfer-Encoding"),
               *length = http_header(rq, "Content-Length");
    bool old = strcmp(version, "HTTP/1.1") != 0;
    *detail = "the headers do not say clearly where the body ends";
    if (coding && (length || count_of(rq, "Transfer-Encoding") > 1 || old))
        return 400;
    if (coding && strcasecmp(coding, "chunked") != 0)
        return 501;
    if (length &&
        (count_of(rq, "Content-Length") > 1 || !parse_length(length, &rq->content_length)))
        return 400;
    *detail = "the request needs one Host header";
    if (count_of(rq, "Host") > 1 || (!old && !http_header(rq, "Host")))
        return 400;
    rq->chunked = coding != NULL;
    rq->has_body = coding || rq->content_length > 0;
    return 0;
}

static enum http_method method_of(const char *name, bool *head)
{
    static const struct {
        const char *name;
        enum http_method method;
    } known[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_GET},      {"POST", HTTP_POST},
                 {"PUT", HTTP_PUT}, {"DELETE", HTTP_DELETE}, {"OPTIONS", HTTP_OPTIONS}};
    *head = strcmp(name, "HEAD") == 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].method;
    return (enum http_method)0;
}

static const char *known_name(const struct http_request *rq)
{
    switch (rq->method) {
    case HTTP_GET: return rq->head ? "HEAD" : "GET";
    case HTTP_POST: return "POST";
    case HTTP_PUT: return "PUT";
    case HTTP_DELETE: return "DELETE";
    case HTTP_OPTIONS: return "OPTIONS";
    default: return "other";
    }
}

static int parse_target(struct http_request *rq, const char **detail)
{
    size_t len = strcspn(rq->target, "?");
    rq->path = mem_calloc(len + 1, 1, NULL);
    *detail = "out of memory";
    if (!rq->path)
        return 503;
    *detail = http_path_decode(rq->target, len, rq->path);
    if (*detail) {
        rq->path[0] = '\0';
        return 400;
    }
    *detail = http_query_decode(rq->target[len] ? rq->target + len + 1 : "", &rq->query);
    return *detail ? 400 : 0;
}

int http_request_headers(struct http_request *rq, struct MHD_Connection *conn, const char *method,
                         const char *version, const char **detail)
{
    rq->method = method_of(method, &rq->head);
    rq->method_name = known_name(rq);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t size = info ? info->header_size : 0;
    atomic_fetch_add(&rq->server->bytes_in, size);
    if (size > rq->server->cfg.max_header) {
        bool line = strlen(rq->target) > rq->server->cfg.max_header / 2;
        *detail = line ? "the request's target is too long" : "the request's headers are too large";
        return line ? 414 : 431;
    }
    int rc = copy_headers(rq, conn, detail);
    if (rc == 0)
        rc = check_framing(rq, version, detail);
    return rc ? rc : parse_target(rq, detail);
}

/* ---- for handlers ---- */

const struct http_route *http_matched(const struct http_request *rq)
{
    return rq->route;
}

enum http_method http_method_of(const struct http_request *rq)
{
    return rq->method;
}

bool http_is_head(const struct http_request *rq)
{
    return rq->head;
}

const char *http_path(const struct http_request *rq)
{
    return rq->below ? rq->below : "/";
}

const char *http_param(const struct http_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->nparams; i++)
        if (strcmp(rq->params[i].name, name) == 0)
            return rq->params[i].value;
    return NULL;
}

const char *http_query(const struct http_request *rq, const char *name)
{
    return http_pairs_get(&rq->query, name);
}

int http_query_each(const struct http_request *rq,
                    int (*fn)(void *ctx, const char *name, const char *value), void *ctx)
{
    for (size_t i = 0; i < rq->query.n; i++) {
        int rc = fn(ctx, rq->query.at[i].name, rq->query.at[i].value);
        if (rc)
            return rc;
    }
    return 0;
}

const char *http_header(const struct http_request *rq, const char *name)
{
    return http_pairs_get_caseless(&rq->headers, name);
}

const char *http_peer(const struct http_request *rq)
{
    return rq->peer;
}

bool http_is_tls(const struct http_request *rq)
{
    return rq->server->is_tls;
}

const char *http_base(const struct http_request *rq)
{
    return rq->server->base;
}

struct http_server *http_server_of(struct http_request *rq)
{
    return rq->server;
}
