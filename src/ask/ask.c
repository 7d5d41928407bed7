/* ask.c - the public side of the query line (eye_ask.h): one call from a line to terms, filters and a tidied line.
 *
 * What a query needs is kept in a list of small pieces that are freed together: most lines need a dozen. */
#include "ask/ask.h"

#include <stdalign.h>
#include <stdarg.h>

#include "base/utf8.h"

struct ask_kept {
    struct ask_kept *next;
    alignas(max_align_t) char data[];
};

void *ask_keep(eye_ask *ask, size_t size, struct eye_err *err)
{
    size_t all = 0;
    if (!size_add(sizeof(struct ask_kept), size, &all)) {
        eye_fail(err, EYE_ENOMEM, "out of memory");
        return NULL;
    }
    struct ask_kept *k = mem_calloc(1, all, err);
    if (!k)
        return NULL;
    k->next = ask->kept;
    ask->kept = k;
    return k->data;
}

char *ask_keep_text(eye_ask *ask, const char *s, size_t len, struct eye_err *err)
{
    char *out = ask_keep(ask, len + 1, err);
    if (out)
        memcpy(out, s, len);
    return out;
}

int ask_wrong(eye_span *where, eye_span span, struct eye_err *err, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    *where = span;
    return eye_fail(err, EYE_EINVAL, "%s", text);
}

int ask_piece(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && n < 40) {
        size_t step = utf8_step(s + n, len - n, NULL);
        n += step ? step : 1;
    }
    return (int)(n < len ? n : len);
}

static int check_text(const char *line, size_t len, eye_span *where, struct eye_err *err)
{
    if (len > EYE_ASK_BYTES) {
        *where = (eye_span){EYE_ASK_BYTES, len - EYE_ASK_BYTES};
        return eye_fail(err, EYE_ELIMIT, "the line is longer than %d bytes", EYE_ASK_BYTES);
    }
    for (size_t i = 0, step = 0; i < len; i += step) {
        step = utf8_step(line + i, len - i, NULL);
        if (step == 0)
            return ask_wrong(where, (eye_span){i, 1}, err, "here is no text in UTF-8");
    }
    return 0;
}

static int fill(eye_ask *ask, const char *line, int64_t now, eye_span *where, struct eye_err *err)
{
    ask->line = ask_keep_text(ask, line, ask->len, err);
    struct ask_token *tokens = ask->line ? ask_lex(ask->line, ask->len, where, err) : NULL;
    int rc = tokens ? ask_parse(ask, tokens, now, where, err) : EYE_EINVAL;
    free(tokens);
    rc = rc ? rc : ask_where(ask, err);
    return rc ? rc : ask_print(ask, err);
}

eye_ask *eye_ask_parse(const char *line, int64_t now, eye_span *where, struct eye_err *err)
{
    eye_span ignored = {0, 0};
    size_t len = strlen(line);
    where = where ? where : &ignored;
    *where = (eye_span){0, 0};
    if (check_text(line, len, where, err))
        return NULL;
    eye_ask *ask = mem_calloc(1, sizeof *ask, err);
    if (!ask)
        return NULL;
    ask->len = len;
    ask->min_score = -2;
    if (fill(ask, line, now, where, err) == 0)
        return ask;
    eye_ask_free(ask);
    return NULL;
}

void eye_ask_free(eye_ask *ask)
{
    if (!ask)
        return;
    for (struct ask_kept *k = ask->kept; k;) {
        struct ask_kept *next = k->next;
        free(k);
        k = next;
    }
    free(ask);
}

const eye_term *eye_ask_terms(const eye_ask *ask, size_t *n)
{
    *n = ask->nterms;
    return ask->terms;
}

const eye_span *eye_ask_term_spans(const eye_ask *ask)
{
    return ask->term_spans;
}

const eye_where *eye_ask_where(const eye_ask *ask)
{
    return ask->where;
}

const eye_ask_filter *eye_ask_filters(const eye_ask *ask, size_t *n)
{
    *n = ask->nfilters;
    return ask->filters;
}

float eye_ask_min_score(const eye_ask *ask)
{
    return ask->min_score;
}

const char *eye_ask_text(const eye_ask *ask)
{
    return ask->text;
}

const char *eye_ask_where_text(const eye_ask *ask)
{
    return ask->where_text;
}
