/* fuzz_ask.c - any bytes are a query line or an error with a sentence and a place. A line that was read can be written tidied and then
 * means the same; what stands alone in it can be taken out. */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "eyeshine.h"

enum { NOW = 1717243200 };

static void same_text(const char *a, const char *b)
{
    PROMISE(!a == !b && (!a || strcmp(a, b) == 0));
}

static void same_terms(const eye_ask *a, const eye_ask *b)
{
    size_t n = 0, m = 0;
    const eye_term *x = eye_ask_terms(a, &n), *y = eye_ask_terms(b, &m);
    PROMISE(n == m && n <= EYE_ASK_TERMS);
    for (size_t i = 0; i < n; i++) {
        PROMISE(memcmp(&x[i].weight, &y[i].weight, sizeof x[i].weight) == 0);
        PROMISE(x[i].query.like == y[i].query.like);
        same_text(x[i].query.words, y[i].query.words);
        same_text(x[i].query.image_path, y[i].query.image_path);
    }
}

static void same_filter(const eye_filter *a, const eye_filter *b)
{
    eye_filter x = *a, y = *b;
    same_text(a->path, b->path);
    same_text(a->name, b->name);
    same_text(a->format, b->format);
    same_text(a->camera, b->camera);
    x.path = x.name = x.format = x.camera = NULL;
    y.path = y.name = y.format = y.camera = NULL;
    PROMISE(x.root == y.root && x.taken_from == y.taken_from && x.taken_to == y.taken_to);
    PROMISE(x.added_from == y.added_from && x.added_to == y.added_to);
    PROMISE(x.modified_from == y.modified_from && x.modified_to == y.modified_to);
    PROMISE(x.min_width == y.min_width && x.max_width == y.max_width);
    PROMISE(x.min_height == y.min_height && x.max_height == y.max_height);
    PROMISE(!(x.min_megapixels < y.min_megapixels) && !(x.min_megapixels > y.min_megapixels));
    PROMISE(!(x.max_megapixels < y.max_megapixels) && !(x.max_megapixels > y.max_megapixels));
    PROMISE(x.orientation == y.orientation && x.gps == y.gps && x.boxed == y.boxed);
    PROMISE(memcmp(&x.south, &y.south, 4 * sizeof x.south) == 0);
}

/* Nodes seen; no deeper than the engine takes. */
static size_t same_where(const eye_where *a, const eye_where *b, int depth)
{
    size_t nodes = 1;
    PROMISE(!a == !b && depth <= 32);
    if (!a)
        return 0;
    PROMISE(a->kind == b->kind && a->nparts == b->nparts);
    if (a->kind == EYE_IS)
        same_filter(a->filter, b->filter);
    for (size_t i = 0; i < a->nparts; i++)
        nodes += same_where(a->parts[i], b->parts[i], depth + 1);
    return nodes;
}

static void tidied(const eye_ask *ask)
{
    float least = eye_ask_min_score(ask);
    eye_ask *again = eye_ask_parse(eye_ask_text(ask), NOW, NULL, NULL);
    PROMISE(again);
    same_terms(ask, again);
    PROMISE(same_where(eye_ask_where(ask), eye_ask_where(again), 1) <= 1024);
    float least_again = eye_ask_min_score(again);
    PROMISE(memcmp(&least, &least_again, sizeof least) == 0);
    same_text(eye_ask_text(ask), eye_ask_text(again));
    eye_ask_free(again);
}

static void without(const char *line, size_t len, eye_span cut, size_t left)
{
    struct buf b;
    size_t n = 0;
    PROMISE(cut.at + cut.len <= len);
    buf_init(&b, 1 << 20);
    buf_append(&b, line, cut.at, NULL);
    buf_append(&b, line + cut.at + cut.len, len - cut.at - cut.len, NULL);
    eye_ask *rest = eye_ask_parse(b.len ? b.data : "", NOW, NULL, NULL);
    PROMISE(rest);
    eye_ask_filters(rest, &n);
    PROMISE(n == left);
    eye_ask_free(rest);
    buf_release(&b);
}

static void parts(const char *line, size_t len, const eye_ask *ask)
{
    size_t n = 0, m = 0;
    const eye_ask_filter *f = eye_ask_filters(ask, &n);
    for (size_t i = 0; i < n; i++) {
        eye_ask *one = eye_ask_parse(f[i].text, NOW, NULL, NULL);
        PROMISE(one);
        eye_ask_filters(one, &m);
        PROMISE(m == 1);
        eye_ask_free(one);
        if (f[i].alone && i < 8)
            without(line, len, f[i].span, n - 1);
    }
    const eye_span *spans = eye_ask_term_spans(ask);
    eye_ask_terms(ask, &n);
    for (size_t i = 0; i < n; i++)
        PROMISE(spans[i].len && spans[i].at + spans[i].len <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct eye_err err = {0, ""};
    eye_span where;
    char *line = malloc(len + 1);
    if (!line)
        return 0;
    if (len)
        memcpy(line, data, len);
    line[len] = '\0';
    len = strlen(line);
    eye_ask *ask = eye_ask_parse(line, NOW, &where, &err);
    if (ask) {
        tidied(ask);
        parts(line, len, ask);
    } else {
        PROMISE(err.code < 0 && err.msg[0] && utf8_valid(err.msg, strlen(err.msg)));
        PROMISE(where.at + where.len <= len);
    }
    eye_ask_free(ask);
    free(line);
    return 0;
}
