/* fuzz_http.c - what clients send, in the parsers that take it apart. First byte 0: a path and a query; 1: header values; else a form, read
 * whole and in pieces of that many bytes: both must tell the same. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "http/internal.h"
#include "http/multipart.h"
#include "http/ranges.h"

struct told {
    struct buf text;
    int open;
};

static void tell(struct told *t, const char *bytes, size_t len)
{
    PROMISE(buf_append(&t->text, bytes, len, NULL) == 0);
}

static int on_begin(void *ctx, const char *field, const char *filename, const char *type)
{
    struct told *t = ctx;
    PROMISE(t->open == 0);
    t->open = 1;
    tell(t, "{", 1);
    tell(t, field, strlen(field) + 1);
    tell(t, filename ? filename : "-", filename ? strlen(filename) + 1 : 1);
    tell(t, type, strlen(type) + 1);
    return 0;
}

static int on_data(void *ctx, const char *bytes, size_t len)
{
    struct told *t = ctx;
    PROMISE(t->open == 1 && len > 0);
    tell(t, bytes, len);
    return 0;
}

static int on_end(void *ctx)
{
    struct told *t = ctx;
    PROMISE(t->open == 1);
    t->open = 0;
    tell(t, "}", 1);
    return 0;
}

static int read_form(const char *bytes, size_t len, size_t step, struct told *t)
{
    static const struct http_form_events events = {on_begin, on_data, on_end};
    const char *detail = NULL;
    int status = 0;
    buf_init(&t->text, SIZE_MAX);
    struct http_form *f = http_form_new("multipart/form-data; boundary=\"B\"", &events, t, &detail);
    PROMISE(f);
    for (size_t i = 0; i < len && status == 0; i += step)
        status = http_form_feed(f, bytes + i, len - i < step ? len - i : step, &detail);
    if (status == 0)
        status = http_form_finish(f, &detail);
    PROMISE(status == 0 ? t->open == 0 : detail != NULL);
    http_form_free(f);
    return status;
}

static void form(const char *bytes, size_t len, size_t step)
{
    struct told whole = {.open = 0}, pieces = {.open = 0};
    int a = read_form(bytes, len, len + 1, &whole), b = read_form(bytes, len, step, &pieces);
    PROMISE(a == b);
    if (a == 0)
        PROMISE(whole.text.len == pieces.text.len &&
                (whole.text.len == 0 ||
                 memcmp(whole.text.data, pieces.text.data, whole.text.len) == 0));
    buf_release(&whole.text);
    buf_release(&pieces.text);
}

static void target(const char *text)
{
    size_t len = strcspn(text, "?");
    char *path = calloc(len + 1, 1);
    struct http_pairs query;
    PROMISE(path);
    if (!http_path_decode(text, len, path))
        PROMISE(path[0] == '/' && !strstr(path, "//") && !strstr(path, "/../") &&
                !strstr(path, "/./"));
    http_query_decode(text[len] ? text + len + 1 : "", &query);
    http_pairs_release(&query);
    free(path);
}

static void values(const char *text)
{
    const uint64_t size = 1000;
    bool bad;
    free(http_header_parameter(text, "name", &bad));
    http_etag_listed(text, "x");
    http_date_parse(text);
    struct http_conditions c = {NULL, text, NULL, text};
    struct http_range r = http_range_decide(&c, "x", 5, size);
    PROMISE(r.status != 206 || (r.len > 0 && r.from < size && r.len <= size - r.from));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    char *text = malloc(len);
    PROMISE(text);
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    if (data[0] == 0)
        target(text);
    else if (data[0] == 1)
        values(text);
    else
        form(text, len - 1, data[0] - 1u);
    free(text);
    return 0;
}
