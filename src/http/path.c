/* path.c - the target of a request, decoded once.
 *
 * libmicrohttpd would decode it leniently (a stray "%" stays, NUL ends the string), and twice in some ways of use; so it is
 * told to leave everything alone and this is the only place that decodes. All that a router, a file system or a log
 * could read in two ways is refused with 400 rather than cleaned up: "." and ".." segments, "//", an encoded "/"
 * (a handler could not tell it from a real one), control characters, bytes that are not UTF-8, a "%" without two
 * digits. What is encoded twice is decoded once and stays literal text ("%252e" is "%2e").
 * A form's target must begin with "/": absolute-form targets (those meant for proxies) are refused too. */
#include "http/internal.h"

#include <strings.h>

#include "base/utf8.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that `raw` begins with, decoded; *step is how many bytes it took; -1 if malformed. */
static int decode_byte(const char *raw, size_t len, size_t *step)
{
    *step = 1;
    if (raw[0] != '%')
        return (unsigned char)raw[0];
    if (len < 3 || hex(raw[1]) < 0 || hex(raw[2]) < 0)
        return -1;
    *step = 3;
    return hex(raw[1]) * 16 + hex(raw[2]);
}

static bool valid_utf8(const char *s, size_t len)
{
    while (len > 0) {
        size_t n = utf8_step(s, len, NULL);
        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}

/* No empty segment but the last, none that is "." or "..". */
static const char *check_segments(const char *path)
{
    for (const char *p = path; *p;) {
        p++; /* the slash */
        size_t n = strcspn(p, "/");
        if (n == 0 && p[n] == '/')
            return "the path holds \"//\"";
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return "the path holds a \".\" or \"..\" segment";
        p += n;
    }
    return NULL;
}

const char *http_path_decode(const char *raw, size_t len, char *out)
{
    if (len == 0 || raw[0] != '/')
        return "the request's target must begin with \"/\"";
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t step;
        int c = decode_byte(raw + i, len - i, &step);
        if (c < 0)
            return "the path holds a \"%\" that two hexadecimal digits do not follow";
        if (c < 0x20 || c == 0x7f)
            return "the path holds a control character";
        if (c == '/' && step == 3)
            return "the path holds an encoded \"/\"";
        if (c == '#' && step == 1)
            return "the path holds a \"#\"";
        out[n++] = (char)c;
        i += step;
    }
    out[n] = '\0';
    if (!valid_utf8(out, n))
        return "the path is not UTF-8";
    return check_segments(out);
}

/* ---- the query ---- */

/* One name or value; returns its length, or -1. */
static long decode_query_text(const char *raw, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t step;
        int c = decode_byte(raw + i, len - i, &step);
        if (c <= 0)
            return -1;
        if (c == '+' && step == 1)
            c = ' ';
        out[n++] = (char)c;
        i += step;
    }
    out[n] = '\0';
    return valid_utf8(out, n) ? (long)n : -1;
}

static const char *const BAD_QUERY = "the query is not percent-encoded UTF-8";

static const char *decode_pairs(const char *raw, struct http_pairs *out)
{
    char *text = out->text;
    while (*raw) {
        size_t len = strcspn(raw, "&");
        if (len > 0) {
            size_t name_len = strcspn(raw, "=&");
            bool has_value = name_len < len;
            struct http_pair *p = &out->at[out->n++];
            p->name = text;
            long n = decode_query_text(raw, name_len, text);
            if (n < 0)
                return BAD_QUERY;
            text += n + 1;
            p->value = text;
            n = has_value ? decode_query_text(raw + name_len + 1, len - name_len - 1, text) : 0;
            if (n < 0)
                return BAD_QUERY;
            text += n;
            *text++ = '\0';
        }
        raw += len;
        raw += *raw == '&';
    }
    return NULL;
}

const char *http_query_decode(const char *raw, struct http_pairs *out)
{
    *out = (struct http_pairs){0};
    size_t pieces = 1, len = strlen(raw);
    for (const char *p = raw; *p; p++)
        pieces += *p == '&';
    if (pieces > HTTP_QUERY_MAX)
        return "the query has too many parameters";
    /* A piece "a" of one byte becomes "a\0" and "\0": never more than two bytes added a piece. */
    out->at = mem_calloc(pieces, sizeof *out->at, NULL);
    out->text = mem_calloc(len + 2 * pieces + 1, 1, NULL);
    if (!out->at || !out->text)
        return "out of memory";
    return decode_pairs(raw, out);
}

void http_pairs_release(struct http_pairs *p)
{
    free(p->at);
    free(p->text);
    *p = (struct http_pairs){0};
}

const char *http_pairs_get(const struct http_pairs *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].name, name) == 0)
            return p->at[i].value;
    return NULL;
}

const char *http_pairs_get_caseless(const struct http_pairs *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcasecmp(p->at[i].name, name) == 0)
            return p->at[i].value;
    return NULL;
}
