/* multipart.c - multipart/form-data, read strictly and a byte range at a time.
 *
 * libmicrohttpd's own post processor was looked at and dropped: it takes malformed forms for the end of the form,
 * tells no difference between a body that was cut and one that was whole, and guesses at encodings.
 *
 * The delimiter is CR LF "--" boundary, and CR stands in it only as its first byte. So when a partial match breaks
 * off, what was matched is plain data and no new match can begin inside it: matching needs a counter and nothing else.
 * A body must begin with the delimiter (no preamble) and hold nothing but one line end after the last. */
#include "http/multipart.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum { BOUNDARY_MAX = 70, HEADER_MAX = 8192, DELIMITER_MAX = BOUNDARY_MAX + 4 };

enum state { FIRST, DATA, AFTER, HEADER, CLOSED, FAILED };

struct http_form {
    struct http_form_events events;
    void *ctx;
    enum state state;
    char delimiter[DELIMITER_MAX + 1];
    size_t delimiter_len, matched;
    char after[2]; /* the bytes after a delimiter, or after the last one */
    size_t nafter;
    struct buf header;
};

bool http_form_is(const char *content_type)
{
    static const char kind[] = "multipart/form-data";
    size_t n = sizeof kind - 1;
    return strncasecmp(content_type, kind, n) == 0 &&
           (content_type[n] == '\0' || strchr("; \t", content_type[n]));
}

/* RFC 2046's characters, without the space that nobody sends. */
static bool boundary_valid(const char *b)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "'()+_,-./:=?";
    size_t len = strlen(b);
    return len > 0 && len <= BOUNDARY_MAX && strspn(b, allowed) == len;
}

struct http_form *http_form_new(const char *content_type, const struct http_form_events *events,
                                void *ctx, const char **detail)
{
    bool bad;
    *detail = "the Content-Type of the form has no valid boundary";
    char *boundary = http_header_parameter(content_type, "boundary", &bad);
    if (!boundary || !boundary_valid(boundary)) {
        free(boundary);
        return NULL;
    }
    struct http_form *f = mem_calloc(1, sizeof *f, NULL);
    if (f) {
        f->events = *events;
        f->ctx = ctx;
        f->delimiter_len =
            (size_t)snprintf(f->delimiter, sizeof f->delimiter, "\r\n--%s", boundary);
        f->matched = 2; /* the body begins as if after a line end */
        buf_init(&f->header, HEADER_MAX);
    }
    *detail = "out of memory";
    free(boundary);
    return f;
}

void http_form_free(struct http_form *f)
{
    if (!f)
        return;
    buf_release(&f->header);
    free(f);
}

/* Each step takes some of the bytes and returns how many; none only when it has changed its state. */
struct step {
    int status;
    const char *detail;
};

static size_t fail(struct http_form *f, struct step *s, const char *detail)
{
    f->state = FAILED;
    s->status = 400;
    s->detail = detail;
    return 1;
}

static void give(struct http_form *f, struct step *s, const char *bytes, size_t len)
{
    if (len > 0 && s->status == 0)
        s->status = f->events.data(f->ctx, bytes, len);
}

static size_t step_first(struct http_form *f, struct step *s, char c)
{
    if (c != f->delimiter[f->matched])
        return fail(f, s, "the form does not begin with its boundary");
    if (++f->matched == f->delimiter_len) {
        f->state = AFTER;
        f->nafter = 0;
    }
    return 1;
}

/* The bytes before the first place where the delimiter, or as much of it as is here, may stand. Pictures are full of CRs: each
 * must not become a call of its own. */
static size_t plain_bytes(const struct http_form *f, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        const char *cr = memchr(bytes + at, '\r', len - at);
        if (!cr)
            return len;
        at = (size_t)(cr - bytes);
        size_t here = len - at < f->delimiter_len ? len - at : f->delimiter_len;
        if (memcmp(cr, f->delimiter, here) == 0)
            return at;
        at++;
    }
    return len;
}

static void end_part(struct http_form *f, struct step *s)
{
    f->state = AFTER;
    f->nafter = 0;
    if (s->status == 0)
        s->status = f->events.end(f->ctx);
}

static size_t step_data(struct http_form *f, struct step *s, const char *bytes, size_t len)
{
    if (f->matched == 0) {
        size_t plain = plain_bytes(f, bytes, len);
        give(f, s, bytes, plain);
        f->matched = plain < len;
        return plain + f->matched;
    }
    if (bytes[0] == f->delimiter[f->matched]) {
        if (++f->matched == f->delimiter_len)
            end_part(f, s);
        return 1;
    }
    /* A match that began in an earlier piece breaks off: it was data. */
    give(f, s, f->delimiter, f->matched);
    f->matched = 0;
    return 0;
}

static size_t step_after(struct http_form *f, struct step *s, char c)
{
    f->after[f->nafter++] = c;
    if (f->nafter < 2)
        return 1;
    f->nafter = 0;
    if (memcmp(f->after, "\r\n", 2) == 0) {
        f->state = HEADER;
        buf_clear(&f->header);
    } else if (memcmp(f->after, "--", 2) == 0) {
        f->state = CLOSED;
    } else {
        return fail(f, s, "a boundary of the form is followed by something else than a line end");
    }
    return 1;
}

static void begin_part(struct http_form *f, struct step *s)
{
    struct http_part_header h;
    s->status = http_part_header_parse(f->header.data, f->header.len - 4, &h, &s->detail);
    if (s->status)
        return;
    s->status = f->events.begin(f->ctx, h.field, h.filename, h.type);
    http_part_header_release(&h);
    f->state = DATA;
    f->matched = 0;
}

/* Up to the empty line. */
static size_t step_header(struct http_form *f, struct step *s, const char *bytes, size_t len)
{
    const char *nl = memchr(bytes, '\n', len);
    size_t n = nl ? (size_t)(nl - bytes) + 1 : len;
    int rc = buf_append(&f->header, bytes, n, NULL);
    if (rc) {
        fail(f, s, "the headers of a part are too large");
        return n;
    }
    struct buf *h = &f->header;
    if (h->len >= 4 && memcmp(h->data + h->len - 4, "\r\n\r\n", 4) == 0)
        begin_part(f, s);
    else if (h->len == 2 && memcmp(h->data, "\r\n", 2) == 0)
        fail(f, s, "a part of the form has no headers");
    return n;
}

static size_t step_closed(struct http_form *f, struct step *s, char c)
{
    if (f->nafter == 2 || c != "\r\n"[f->nafter])
        return fail(f, s, "something follows the end of the form");
    f->nafter++;
    return 1;
}

int http_form_feed(struct http_form *f, const char *bytes, size_t len, const char **detail)
{
    struct step s = {0, NULL};
    while (len > 0 && s.status == 0) {
        size_t n = 1;
        switch (f->state) {
        case FIRST: n = step_first(f, &s, *bytes); break;
        case DATA: n = step_data(f, &s, bytes, len); break;
        case AFTER: n = step_after(f, &s, *bytes); break;
        case HEADER: n = step_header(f, &s, bytes, len); break;
        case CLOSED: n = step_closed(f, &s, *bytes); break;
        case FAILED: s = (struct step){400, "the form is malformed"}; break;
        }
        bytes += n;
        len -= n;
    }
    if (s.status) {
        f->state = FAILED;
        if (s.detail)
            *detail = s.detail;
    }
    return s.status;
}

int http_form_finish(const struct http_form *f, const char **detail)
{
    *detail = "the form ends before its last boundary";
    return f->state == CLOSED ? 0 : 400;
}
