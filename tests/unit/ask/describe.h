/* describe.h - a parsed line as a short text, so that tests are tables of two columns.
 *
 *   [two dogs] -2[red] @[me.jpg] #17 | (all format=png (any width=2001.. not (camera=fuji))) | 0.2 */
#ifndef TESTS_ASK_DESCRIBE_H
#define TESTS_ASK_DESCRIBE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "base/buf.h"
#include "eyeshine.h"

enum { NOW = 1717243200 }; /* Saturday, 2024-06-01 12:00:00 UTC */

static inline void put_day(struct buf *b, int64_t t)
{
    char text[32] = "";
    struct tm tm;
    time_t at = (time_t)t;
    if (t != EYE_TIME_UNKNOWN && gmtime_r(&at, &tm))
        strftime(text, sizeof text, t % 86400 ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &tm);
    buf_puts(b, text, NULL);
}

static inline void put_days(struct buf *b, const char *name, int64_t from, int64_t to)
{
    if (from == EYE_TIME_UNKNOWN && to == EYE_TIME_UNKNOWN)
        return;
    buf_printf(b, NULL, "%s=", name);
    put_day(b, from);
    buf_puts(b, "..", NULL);
    put_day(b, to);
}

static inline void put_size(struct buf *b, const char *name, double lo, double hi)
{
    if (lo > 0 || hi > 0)
        buf_printf(b, NULL, "%s=%.9g..%.9g", name, lo, hi);
}

static inline void put_filter(struct buf *b, const eye_filter *f)
{
    const char *texts[][2] = {
        {"path", f->path}, {"name", f->name}, {"format", f->format}, {"camera", f->camera}};
    for (size_t i = 0; i < 4; i++)
        if (texts[i][1])
            buf_printf(b, NULL, "%s=%s", texts[i][0], texts[i][1]);
    if (f->root)
        buf_printf(b, NULL, "root=%" PRId64, f->root);
    put_days(b, "taken", f->taken_from, f->taken_to);
    put_days(b, "added", f->added_from, f->added_to);
    put_days(b, "modified", f->modified_from, f->modified_to);
    put_size(b, "width", f->min_width, f->max_width);
    put_size(b, "height", f->min_height, f->max_height);
    put_size(b, "mp", f->min_megapixels, f->max_megapixels);
    if (f->orientation)
        buf_printf(b, NULL, "orientation=%c", f->orientation);
    if (f->gps)
        buf_printf(b, NULL, "gps=%c", f->gps);
    if (f->boxed)
        buf_printf(b, NULL, "box=%g,%g,%g,%g", f->south, f->west, f->north, f->east);
}

static inline void put_where(struct buf *b, const eye_where *w)
{
    static const char *const kinds[] = {"", "(all", "(any", "(not"};
    if (w->kind == EYE_IS) {
        put_filter(b, w->filter);
        return;
    }
    buf_puts(b, kinds[w->kind], NULL);
    for (size_t i = 0; i < w->nparts; i++) {
        buf_putc(b, ' ', NULL);
        put_where(b, w->parts[i]);
    }
    buf_putc(b, ')', NULL);
}

static inline void put_term(struct buf *b, const eye_term *t)
{
    const char *sign = t->weight < 0 ? "-" : "";
    double size = t->weight < 0 ? -(double)t->weight : (double)t->weight;
    buf_puts(b, sign, NULL);
    if (size < 1 || size > 1)
        buf_printf(b, NULL, "%g", size);
    if (t->query.words)
        buf_printf(b, NULL, "[%s]", t->query.words);
    else if (t->query.like)
        buf_printf(b, NULL, "#%" PRId64, t->query.like);
    else
        buf_printf(b, NULL, "@[%s]", t->query.image_path);
}

/* Appended to b. */
static inline void put_filters(struct buf *b, const eye_ask *ask)
{
    if (eye_ask_where(ask)) {
        buf_puts(b, " | ", NULL);
        put_where(b, eye_ask_where(ask));
    }
    if (eye_ask_min_score(ask) > -1.5f)
        buf_printf(b, NULL, " | %.6g", (double)eye_ask_min_score(ask));
}

/* Borrowed from b. */
static inline const char *describe(struct buf *b, const eye_ask *ask)
{
    size_t n = 0;
    const eye_term *terms = eye_ask_terms(ask, &n);
    buf_clear(b);
    buf_puts(b, "", NULL);
    for (size_t i = 0; i < n; i++) {
        buf_puts(b, i ? " " : "", NULL);
        put_term(b, &terms[i]);
    }
    put_filters(b, ask);
    return b->data;
}

static inline const char *describe_filters(struct buf *b, const eye_ask *ask)
{
    buf_clear(b);
    buf_puts(b, "", NULL);
    put_filters(b, ask);
    return b->data;
}

/* What a line means, or "! at+len sentence". Borrowed from b. */
static inline const char *meaning(struct buf *b, const char *line)
{
    struct eye_err err;
    eye_span where;
    eye_ask *ask = eye_ask_parse(line, NOW, &where, &err);
    if (ask) {
        describe(b, ask);
    } else {
        buf_clear(b);
        buf_printf(b, NULL, "! %zu+%zu %s", where.at, where.len, err.msg);
    }
    eye_ask_free(ask);
    return b->data;
}

struct row {
    const char *line, *means;
};

static inline void check_rows(const struct row *rows, size_t n)
{
    struct buf b;
    int wrong = 0;
    buf_init(&b, 1 << 22);
    for (size_t i = 0; i < n; i++)
        if (strcmp(meaning(&b, rows[i].line), rows[i].means) != 0) {
            print_error("line:  %s\nmeans: %s\n not:  %s\n", rows[i].line, b.data, rows[i].means);
            wrong++;
        }
    buf_release(&b);
    assert_int_equal(wrong, 0);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

#endif
