/* json_write.c - writing JSON straight into a buffer, no tree in between.
 *
 * The writer keeps the first failure and goes quiet after it, so that callers look once, at the
 * end. It escapes more than RFC 8259 asks: what moves a terminal's cursor (C1 controls, DEL) or
 * ends a line in JavaScript (U+2028, U+2029) is written as \u. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

enum { DEPTH_MAX = (int)sizeof((struct json_writer *)0)->need_comma };

void jw_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void put(struct json_writer *w, const char *bytes, size_t len)
{
    if (w->code == 0)
        w->code = buf_append(w->out, bytes, len, NULL);
}

/* What stands between this value and the one before it. At the top there is nothing: values
 * there are documents of their own, one a line. */
static void begin_value(struct json_writer *w)
{
    if (w->after_key)
        w->after_key = false;
    else if (w->depth > 0 && w->need_comma[w->depth])
        put(w, ",", 1);
    w->need_comma[w->depth] = 1;
}

static void open_bracket(struct json_writer *w, char c)
{
    begin_value(w);
    if (w->depth + 1 >= DEPTH_MAX) {
        w->code = w->code ? w->code : EYE_ELIMIT;
        return;
    }
    w->need_comma[++w->depth] = 0;
    put(w, &c, 1);
}

static void close_bracket(struct json_writer *w, char c)
{
    if (w->depth == 0) {
        w->code = w->code ? w->code : EYE_EINTERNAL;
        return;
    }
    w->depth--;
    put(w, &c, 1);
}

void jw_object(struct json_writer *w)
{
    open_bracket(w, '{');
}

void jw_object_end(struct json_writer *w)
{
    close_bracket(w, '}');
}

void jw_array(struct json_writer *w)
{
    open_bracket(w, '[');
}

void jw_array_end(struct json_writer *w)
{
    close_bracket(w, ']');
}

static void put_escape(struct json_writer *w, uint32_t cp)
{
    static const char *const brief[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",  ['\f'] = "\\f",
        ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    char text[8];
    if (cp < sizeof brief / sizeof *brief && brief[cp]) {
        put(w, brief[cp], 2);
        return;
    }
    snprintf(text, sizeof text, "\\u%04x", (unsigned)cp & 0xffff);
    put(w, text, 6);
}

static bool plain(uint32_t cp)
{
    return cp >= 0x20 && cp != '"' && cp != '\\' && !(cp >= 0x7f && cp < 0xa0) && cp != 0x2028 &&
           cp != 0x2029;
}

/* Runs of plain text go in one piece. */
static void put_string(struct json_writer *w, const char *s, size_t len)
{
    size_t from = 0, i = 0;
    put(w, "\"", 1);
    while (i < len) {
        uint32_t cp = 0;
        size_t n = utf8_step(s + i, len - i, &cp);
        if (n > 0 && plain(cp)) {
            i += n;
            continue;
        }
        put(w, s + from, i - from);
        if (n > 0)
            put_escape(w, cp);
        else
            put(w, "\xef\xbf\xbd", 3); /* U+FFFD */
        i += n > 0 ? n : 1;
        from = i;
    }
    put(w, s + from, len - from);
    put(w, "\"", 1);
}

void jw_key(struct json_writer *w, const char *key)
{
    begin_value(w);
    put_string(w, key, strlen(key));
    put(w, ":", 1);
    w->after_key = true;
}

void jw_strn(struct json_writer *w, const char *s, size_t len)
{
    begin_value(w);
    put_string(w, s, len);
}

void jw_str(struct json_writer *w, const char *s)
{
    if (s)
        jw_strn(w, s, strlen(s));
    else
        jw_null(w);
}

void jw_int(struct json_writer *w, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)v);
    begin_value(w);
    put(w, text, (size_t)n);
}

/* printf writes the locale's decimal point, which may be any bytes; JSON knows only the dot. */
static size_t use_dot(char *text)
{
    size_t n = 0;
    for (const char *p = text; *p; p++)
        if (strchr("0123456789+-e", *p))
            text[n++] = *p;
        else if (n == 0 || text[n - 1] != '.')
            text[n++] = '.';
    return n;
}

void jw_num(struct json_writer *w, double v, int digits)
{
    char text[64];
    if (!isfinite(v)) {
        jw_null(w);
        return;
    }
    snprintf(text, sizeof text, "%.*g", digits < 1 ? 1 : digits > 17 ? 17 : digits, v);
    begin_value(w);
    put(w, text, use_dot(text));
}

void jw_bool(struct json_writer *w, bool v)
{
    begin_value(w);
    put(w, v ? "true" : "false", v ? 4 : 5);
}

void jw_null(struct json_writer *w)
{
    begin_value(w);
    put(w, "null", 4);
}

void jw_kstr(struct json_writer *w, const char *key, const char *s)
{
    jw_key(w, key);
    jw_str(w, s);
}

void jw_kint(struct json_writer *w, const char *key, int64_t v)
{
    jw_key(w, key);
    jw_int(w, v);
}

void jw_knum(struct json_writer *w, const char *key, double v, int digits)
{
    jw_key(w, key);
    jw_num(w, v, digits);
}

void jw_kbool(struct json_writer *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_bool(w, v);
}
