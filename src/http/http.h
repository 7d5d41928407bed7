/* http.h - an HTTP/1.1 server over libmicrohttpd that knows no pictures, and a guarded client.
 *
 * A few I/O threads read and write sockets and never wait for anything else; each complete request is handed to a
 * worker thread, which calls its route's handler; the reply goes back to the I/O thread. So a slow handler delays
 * nobody but its own client. Bodies are bounded per route: small ones in memory, files of a form straight to disk.
 *
 * Ownership: a request and all that its functions return live until the handler returns. Thread rule: the handler's thread. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_server;
struct http_request;
struct http_stream;

enum http_method {
    HTTP_GET = 1, /* HEAD comes along: the body is left out */
    HTTP_POST = 2,
    HTTP_PUT = 4,
    HTTP_DELETE = 8,
    HTTP_OPTIONS = 16
};

enum http_body {
    HTTP_BODY_NONE,  /* a body is refused with 413 */
    HTTP_BODY_SMALL, /* whole in memory: http_body() */
    HTTP_BODY_FILES /* multipart/form-data: files to the spool folder, small fields in memory; any other content type: one file */
};

typedef void http_handler(struct http_request *rq, void *ctx);

/* The first route whose pattern matches wins. A path that matches with another method is 405 with Allow; none: the fallback, else 404. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): a table reads like requests
struct http_route {
    enum http_method method;
    const char
        *pattern; /* below the base path: "/api/v1/images/{id}"; {name} is one segment, non-empty */
    enum http_body body;
    uint64_t max_body; /* bytes, all together */
    http_handler *handler;
    unsigned tag; /* the caller's own, e.g. a scope */
};

struct http_access {
    const char *method, *path; /* path without the query: it may hold secrets */
    const char *peer;          /* address */
    const char *agent;         /* "" if none */
    int status;                /* 0: none was sent */
    uint64_t bytes_out;
    double seconds;
    uint64_t request; /* its number since the start */
};

struct http_config {
    const char
        *listen; /* "127.0.0.1:8000", "[::1]:0", "localhost:8000", "unix:/run/x.sock" (mode 0660) */
    const char *base_path;                /* "" or "/photos": no slash at the end */
    const char *tls_cert, *tls_key;       /* PEM files; both or neither */
    const char *spool_dir;                /* for HTTP_BODY_FILES */
    int io_threads, workers;              /* 0: 2, 8 */
    int max_connections, max_per_address; /* 0: 512, 128 (none for unix) */
    size_t max_header;                    /* bytes of all headers of a request; 0: 16384 -> 431 */
    int header_seconds, idle_seconds, body_seconds,
        drain_seconds; /* 0: 15 to send all headers (from accept; later ones from their first line, for which there are idle_seconds); 60 idle; 3600; 10 */
    const struct http_route *routes; /* these and ctx must outlive the server */
    size_t nroutes;
    http_handler *fallback; /* GET of a path that no route has (the page); may be NULL */
    /* After the headers, on an I/O thread, before any byte of the body is taken: 0 to go on, else it has replied. Must not block. NULL: all.
     * Asked before 404 and 405 are said, too: http_matched() is NULL then (as for the fallback). */
    int (*admit)(struct http_request *rq, void *ctx);
    void (*error)(
        struct http_request *rq, int status, const char *detail,
        void *
            ctx); /* forms the replies of the server's own refusals (400, 404, 405, 408, 413, 431, 500, 503 ...) through http_reply; NULL: plain text. On any thread; must not block */
    void (*access)(const struct http_access *a,
                   void *ctx); /* after each request, on an I/O thread; may be NULL */
    void *ctx;
};

/* Binds and serves in its own threads. NULL: EYE_EINVAL (address), EYE_EIO (in use: says by what to do), EYE_EFORMAT (certificate). */
struct http_server *http_start(const struct http_config *config, struct eye_err *err);
/* "http://127.0.0.1:8000/photos" (the real port), "https://...", "unix:/run/x.sock". Borrowed. */
const char *http_url(const struct http_server *s);
/* Take no more connections, let requests finish for drain_seconds (streams are ended at once), then close all. */
void http_drain(struct http_server *s);
void http_stop(struct http_server *s); /* drain and free */

struct http_stats {
    uint64_t requests, bytes_in, bytes_out, refused;
    int connections, busy_workers, queued;
};
void http_stats_get(const struct http_server *s, struct http_stats *out);

/* ---- the request ---- */
const struct http_route *http_matched(const struct http_request *rq); /* NULL: the fallback */
enum http_method http_method_of(const struct http_request *rq);
bool http_is_head(const struct http_request *rq);
const char *http_path(
    const struct http_request *
        rq); /* decoded, below the base path, begins with "/"; never holds NUL, "//", "/./", "/../" (400) */
const char *http_param(const struct http_request *rq,
                       const char *name); /* of the pattern; decoded */
const char *
http_query(const struct http_request *rq,
           const char *name); /* first of that name, decoded, valid UTF-8 (else 400); NULL */
int http_query_each(const struct http_request *rq,
                    int (*fn)(void *ctx, const char *name, const char *value), void *ctx);
const char *http_header(const struct http_request *rq, const char *name); /* NULL */
const char *http_peer(const struct http_request *rq); /* "127.0.0.1", "::1", "unix" */
bool http_is_tls(const struct http_request *rq);
const char *http_base(const struct http_request *rq); /* the base path */
struct http_server *http_server_of(struct http_request *rq);
const char *http_body(const struct http_request *rq, size_t *len); /* "" if none */

struct http_part {
    const char *field;    /* "" for a body that is no form */
    const char *filename; /* as sent, may hold folders; NULL: a plain field */
    const char *type;     /* content type as sent, "" if none */
    const char *value;    /* plain field: its text; else NULL */
    const char *
        path; /* file: where it lies in the spool folder; deleted after the handler unless moved away */
    uint64_t size;
};
size_t http_parts(const struct http_request *rq);
const struct http_part *http_part_at(const struct http_request *rq, size_t i);

/* ---- the reply: exactly one of these; a handler that gives none has answered 500 ---- */
void http_set(
    struct http_request *rq, const char *name,
    const char *
        value); /* a header; the last of a name counts; control characters make it fail silently closed: 500 */
/* `body` is taken over (may be NULL: empty). */
void http_reply(struct http_request *rq, int status, const char *type, struct buf *body);
/* Bytes that live as long as the program. */
void http_reply_static(struct http_request *rq, int status, const char *type, const void *bytes,
                       size_t len);
/* A file: fd is taken over. If-None-Match, If-Modified-Since, If-Range, Range (one range; 206, 416) are seen to. etag without quotes. */
void http_reply_file(struct http_request *rq, int fd, uint64_t size, const char *type,
                     const char *etag, int64_t mtime);
/* True (and 304 is sent) if the client has this etag already. */
bool http_not_modified(struct http_request *rq, const char *etag);

/* A reply whose bytes come bit by bit from any thread. The handler may return at once and keep the stream. NULL (no memory, and that
 * is answered) may be given to all of these. A handler that waits in write is replaced: it holds up no other request. */
struct http_stream *http_reply_stream(struct http_request *rq, int status, const char *type,
                                      size_t buffer);
/* Wait for room, then append. EYE_ECANCELLED: the client is gone or the server drains. */
int http_stream_write(struct http_stream *s, const void *bytes, size_t len);
int http_stream_try(struct http_stream *s, const void *bytes,
                    size_t len); /* EYE_EBUSY rather than wait */
/* Cut it off: the client sees that it is broken. Close must still follow. */
void http_stream_abort(struct http_stream *s);
void http_stream_close(struct http_stream *s); /* the end; frees */

/* ---- the client: for pictures by URL, and for `--server` ---- */
struct fetch_config {
    const char *method, *url;
    const char *const *headers; /* "Name: value", nheaders */
    size_t nheaders;
    const void *body; /* NULL: none */
    size_t body_len;
    bool
        public_only; /* refuse addresses that are not public (loopback, private, link-local, CGNAT, multicast, documentation, v4-mapped and NAT64 forms of them, ...), checked on the socket's own address, on each redirect too; EYE_EINVAL */
    int max_redirects;       /* 0: none */
    uint64_t max_bytes;      /* of the answer; EYE_ELIMIT; 0: any number */
    int max_seconds;         /* all together; EYE_ELIMIT; 0: any time */
    const char *unix_socket; /* connect to this instead; NULL: by URL */
    const char *
        only_certificate; /* PEM file: trust this certificate alone, whatever name it bears; NULL: the system's */
    int (*write)(
        void *ctx, const void *bytes,
        size_t
            len); /* pieces of the answer's body; non-zero stops: fetch returns it if negative, else EYE_ECANCELLED */
    void *ctx;
};
/* Upload of files as multipart/form-data; path NULL: a plain field with `value`. */
struct fetch_part {
    const char *field, *filename, *path, *value;
};
/* *status gets the HTTP status (also >= 400: no error of this call). EYE_EREMOTE: cannot connect, broken off; EYE_EINVAL: URL. Never prints secrets of the URL. */
int fetch(const struct fetch_config *c, const struct fetch_part *parts, size_t nparts, int *status,
          char content_type[128], struct eye_err *err);
bool fetch_address_is_public(
    const void *sockaddr); /* struct sockaddr_in or _in6; exported for its test */

#endif
