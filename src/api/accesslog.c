/* accesslog.c - the access log's lines. What clients send is escaped: a line stays one line, and a terminal stays quiet. */
#include "api/accesslog.h"

#include "base/json.h"

enum { LINE_MAX_BYTES = 64 << 10 };

static void put_escaped(struct buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            buf_printf(b, NULL, "\\x%02x", c);
        else
            buf_putc(b, (char)c, NULL);
    }
}

static void put_text(struct buf *b, const struct http_access *a, const char *when)
{
    buf_printf(b, NULL, "%s %s \"", when, a->peer);
    put_escaped(b, a->method);
    buf_putc(b, ' ', NULL);
    put_escaped(b, a->path);
    buf_printf(b, NULL, "\" %d %llu %.4f \"", a->status, (unsigned long long)a->bytes_out,
               a->seconds);
    put_escaped(b, a->agent);
    buf_putc(b, '"', NULL);
}

static void put_json(struct buf *b, const struct http_access *a, const char *when)
{
    struct json_writer w;
    jw_init(&w, b);
    jw_object(&w);
    jw_kstr(&w, "time", when);
    jw_kint(&w, "request", (int64_t)a->request);
    jw_kstr(&w, "peer", a->peer);
    jw_kstr(&w, "method", a->method);
    jw_kstr(&w, "path", a->path);
    jw_kint(&w, "status", a->status);
    jw_kint(&w, "bytes", (int64_t)a->bytes_out);
    jw_knum(&w, "seconds", a->seconds, 6);
    jw_kstr(&w, "agent", a->agent);
    jw_object_end(&w);
}

void api_access_log(const struct http_access *a, bool json,
                    void (*log)(void *ctx, const char *line), void *ctx)
{
    struct buf b;
    struct tm tm;
    time_t now = time(NULL);
    char when[32] = "";
    if (gmtime_r(&now, &tm))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_init(&b, LINE_MAX_BYTES);
    if (json)
        put_json(&b, a, when);
    else
        put_text(&b, a, when);
    if (b.len)
        log(ctx, b.data);
    buf_release(&b);
}
