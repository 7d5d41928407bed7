/* parse.c - tokens to terms and a tree of conditions.
 *
 * docs/QUERY.md has the grammar. "or" joins its two neighbours, tighter than filters that only stand side by side:
 * `taken:2023 camera:fuji or camera:sony` is what one means by it. Where a written "and" meets an "or", schools differ, so we ask for
 * parentheses instead of choosing. Recursion goes as deep as parentheses do, which is counted. */
#include "ask/ask.h"

struct parser {
    eye_ask *ask;
    const struct ask_token *t; /* the next */
    int64_t now;
    int depth;
    size_t nconds;
    bool after_filter; /* the token before ended a filter */
    eye_span *where;
    struct eye_err *err;
};

static eye_span join(eye_span a, eye_span b)
{
    size_t end = b.at + b.len > a.at + a.len ? b.at + b.len : a.at + a.len;
    size_t at = a.at < b.at ? a.at : b.at;
    return (eye_span){at, end - at};
}

#define WRONG(p, span, ...) ask_wrong((p)->where, span, (p)->err, __VA_ARGS__)

static int too_much(struct parser *p, eye_span span, const char *what, int most)
{
    *p->where = span;
    return eye_fail(p->err, EYE_ELIMIT, "more than %d %s in one line", most, what);
}

static const char *at(const struct parser *p, eye_span span)
{
    return p->ask->line + span.at;
}

/* ---- terms ---- */

/* A token's text, as it is meant. */
static char *text_of(struct parser *p, const struct ask_token *t)
{
    char *s = ask_keep_text(p->ask, at(p, t->text), t->text.len, p->err);
    size_t n = 0;
    if (!s || !t->escaped)
        return s;
    for (size_t i = 0; i < t->text.len; i++) {
        bool escape = s[i] == '\\' && (s[i + 1] == '"' || s[i + 1] == '\\');
        s[n++] = s[i += escape];
    }
    s[n] = '\0';
    return s;
}

/* Bare words that stand together, one blank between each. */
static char *words_of(struct parser *p, const struct ask_token *first, const struct ask_token *end)
{
    size_t n = 0;
    const struct ask_token *last = end - 1;
    char *s = ask_keep(p->ask, last->span.at + last->span.len - first->span.at + 1, p->err);
    for (const struct ask_token *t = first; s && t < end; t++) {
        if (t > first)
            s[n++] = ' ';
        memcpy(s + n, at(p, t->span), t->span.len);
        n += t->span.len;
    }
    return s;
}

/* Is this word an operator here? Only beside filters. */
static bool is_oper(const struct parser *p, const struct ask_token *t)
{
    if (t->kind != ASK_WORD || t->oper == ASK_NO_OPER)
        return false;
    return t[1].starts || (t->oper != ASK_NOT && t == p->t && p->after_filter);
}

static int read_id(struct parser *p, const struct ask_token *t, int64_t *id)
{
    const char *digits = at(p, t->text);
    int64_t v = 0;
    bool fits = true;
    for (size_t i = 0; i < t->text.len && fits; i++) {
        v = 10 * v + (digits[i] - '0');
        fits = v <= INT64_C(9007199254740991); /* what JSON's readers can hold */
    }
    *id = v;
    return fits && v > 0
               ? 0
               : WRONG(p, t->span, "no picture has this number; as words it needs quotes: \"%.*s\"",
                       ask_piece(at(p, t->span), t->span.len), at(p, t->span));
}

static int read_query(struct parser *p, eye_query *q)
{
    const struct ask_token *t = p->t;
    *q = (eye_query)EYE_QUERY_INIT;
    if (t->kind == ASK_ID) {
        p->t++;
        return read_id(p, t, &q->like);
    }
    if (t->kind == ASK_WORD) {
        for (p->t++; p->t->kind == ASK_WORD && !is_oper(p, p->t);)
            p->t++;
        q->words = words_of(p, t, p->t);
        return q->words ? 0 : EYE_ENOMEM;
    }
    bool file = t->kind == ASK_FILE;
    char *text = text_of(p, t);
    p->t++;
    if (!text)
        return EYE_ENOMEM;
    if (text[ask_blank(text, strlen(text))] == '\0')
        return WRONG(p, t->span,
                     file ? "there is no name behind @" : "there is nothing in these quotes");
    *(file ? &q->image_path : &q->words) = text;
    return 0;
}

static int read_weight(struct parser *p, double *weight)
{
    const struct ask_token *t = p->t++;
    eye_ask *ask = p->ask;
    size_t len = t->span.len - 1;
    ask_number(at(p, t->span), len, weight);
    if ((float)*weight <= 0 || *weight > 10)
        return WRONG(p, t->span,
                     "a weight is more than 0 and at most 10; as words it needs quotes");
    if (p->t->kind == ASK_SIGN)
        return WRONG(p, join(t->span, p->t->span),
                     "the sign comes before the weight: %s%.*s:", p->t->minus ? "-" : "+",
                     ask_piece(at(p, t->span), len), at(p, t->span));
    if (p->t->starts)
        return WRONG(p, t->span, "a weight is for words and pictures; filters hold or don't");
    if ((float)*weight == 1)
        return 0;
    ask->weights[ask->nterms] = ask_keep_text(ask, at(p, t->span), len, p->err);
    return ask->weights[ask->nterms] ? 0 : EYE_ENOMEM;
}

/* [sign] [weight] words, "phrase", @file or #id. */
static int read_term(struct parser *p)
{
    eye_ask *ask = p->ask;
    eye_span span = p->t->span;
    bool minus = false;
    double weight = 1;
    int rc = 0;
    if (p->t->kind == ASK_SIGN)
        minus = p->t++->minus;
    if (p->t->kind == ASK_SIGN || p->t->kind == ASK_END || is_oper(p, p->t))
        return 0; /* a sign of nothing, as in a line that is still being written */
    if (ask->nterms == EYE_ASK_TERMS)
        return too_much(p, span, "words and pictures", EYE_ASK_TERMS);
    if (p->t->kind == ASK_WEIGHT)
        rc = read_weight(p, &weight);
    eye_term *term = &ask->terms[ask->nterms];
    rc = rc ? rc : read_query(p, &term->query);
    if (rc)
        return rc;
    term->weight = (float)(minus ? -weight : weight);
    ask->term_spans[ask->nterms++] = join(span, p->t[-1].span);
    return 0;
}

/* ---- filters ---- */

static struct ask_node *new_node(struct parser *p, enum ask_shape shape, eye_span span)
{
    struct ask_node *n = ask_keep(p->ask, sizeof *n, p->err);
    if (n) {
        n->shape = shape;
        n->span = span;
        n->depth = 1;
    }
    return n;
}

/* A part of the same shape that is not negated gives its parts instead of itself. */
static int add_part(struct parser *p, struct ask_node *to, struct ask_node *part)
{
    struct ask_node *first = part, *last = part;
    if (part->shape == to->shape && !part->negated) {
        first = part->first;
        last = part->last;
    }
    if (to->last)
        to->last->next = first;
    else
        to->first = first;
    to->last = last;
    int depth = part->depth + (first == part);
    to->depth = depth > to->depth ? depth : to->depth;
    if (to->depth > EYE_ASK_DEPTH) {
        *p->where = part->span;
        return eye_fail(p->err, EYE_ELIMIT, "filters are nested more than %d deep", EYE_ASK_DEPTH);
    }
    return 0;
}

static int unknown_key(struct parser *p, const struct ask_token *t)
{
    const char *near = NULL;
    ask_key_near(at(p, t->name), t->name.len, &near);
    int name = ask_piece(at(p, t->name), t->name.len), all = ask_piece(at(p, t->span), t->span.len);
    const char *cut = (size_t)all < t->span.len ? "..." : "";
    if (near)
        return WRONG(
            p, t->name,
            "there is no filter '%.*s'; is '%s' meant? As words it needs quotes: \"%.*s%s\"", name,
            at(p, t->name), near, all, at(p, t->span), cut);
    return WRONG(p, t->name, "there is no filter '%.*s'; as words it needs quotes: \"%.*s%s\"",
                 name, at(p, t->name), all, at(p, t->span), cut);
}

static int read_cond(struct parser *p, struct ask_node **out)
{
    const struct ask_token *t = p->t++;
    if (t->key == ASK_NO_KEY)
        return unknown_key(p, t);
    if (p->nconds == EYE_ASK_FILTERS)
        return too_much(p, t->span, "filters", EYE_ASK_FILTERS);
    p->nconds++;
    struct ask_node *n = new_node(p, ASK_ONE, t->span);
    const char *value = n ? text_of(p, t) : NULL;
    if (!value || !(n->cond = ask_keep(p->ask, sizeof *n->cond, p->err)))
        return EYE_ENOMEM;
    n->cond->span = n->cond->cut = t->span;
    *out = n;
    if (t->key == ASK_SCORE && p->depth)
        return WRONG(p, t->span, "the score is asked of the whole: outside of parentheses, once");
    return ask_value(p->ask, t, value, p->now, n->cond, p->where, p->err);
}

static int read_list(struct parser *p, struct ask_node *all);

/* "(" has been seen: its filters as one. */
static int read_group(struct parser *p, struct ask_node **out)
{
    eye_span open = p->t->span;
    p->t++;
    struct ask_node *all = new_node(p, ASK_ALL, open);
    if (!all)
        return EYE_ENOMEM;
    if (++p->depth > EYE_ASK_DEPTH) {
        *p->where = open;
        return eye_fail(p->err, EYE_ELIMIT, "parentheses are nested more than %d deep",
                        EYE_ASK_DEPTH);
    }
    p->after_filter = false;
    int rc = read_list(p, all);
    if (rc)
        return rc;
    if (p->t->kind == ASK_END)
        return WRONG(p, open, "this parenthesis is not closed: put a ) behind its last filter");
    p->depth--;
    eye_span span = join(open, p->t->span);
    p->t++;
    *out = all->first == all->last ? all->first : all;
    (*out)->span = span;
    if ((*out)->shape == ASK_ONE)
        (*out)->cond->span = span;
    return 0;
}

/* {sign or "not"} condition or group. Of signs in a row the last counts, as before words; each "not" turns it round. */
static int read_part(struct parser *p, struct ask_node **out)
{
    eye_span begin = p->t->span;
    bool negated = false;
    for (; p->t->kind == ASK_SIGN || p->t->kind == ASK_WORD; p->t++)
        if (p->t->kind == ASK_WORD || (p->t->minus && p->t[1].kind != ASK_SIGN))
            negated = !negated;
    int rc = p->t->kind == ASK_OPEN ? read_group(p, out) : read_cond(p, out);
    if (rc)
        return rc;
    struct ask_node *n = *out;
    p->after_filter = true;
    n->span = join(begin, n->span);
    n->depth += negated && !n->negated;
    n->negated ^= negated;
    if (n->shape == ASK_ONE) {
        n->cond->span = n->cond->cut = n->span;
        if (n->cond->key == ASK_SCORE && n->negated)
            return WRONG(p, n->span, "a least score cannot be negated");
    }
    return 0;
}

static const char *spoken(const struct ask_token *t)
{
    return t->oper == ASK_AND ? "and" : "or";
}

static int no_filter_after(struct parser *p, const struct ask_token *oper)
{
    return WRONG(p, oper->span,
                 "a filter must follow this '%s'; if the word is meant, it needs quotes: \"%s\"",
                 spoken(oper), spoken(oper));
}

/* part {"or" part} */
static int read_any(struct parser *p, struct ask_node **out, bool *chain)
{
    struct ask_node *any = NULL, *part = NULL;
    int rc = read_part(p, out);
    while (rc == 0 && p->t->kind == ASK_WORD && p->t->oper == ASK_OR) {
        const struct ask_token *oper = p->t++;
        if (!p->t->starts)
            return no_filter_after(p, oper);
        if (!any) {
            any = new_node(p, ASK_ANY, (*out)->span);
            rc = any ? add_part(p, any, *out) : EYE_ENOMEM;
        }
        rc = rc ? rc : read_part(p, &part);
        rc = rc ? rc : add_part(p, any, part);
        if (rc == 0) {
            any->span = join(any->span, part->span);
            *out = any;
        }
    }
    *chain = any != NULL;
    for (part = any ? any->first : NULL; rc == 0 && part; part = part->next)
        if (part->shape == ASK_ONE && part->cond->key == ASK_SCORE)
            return WRONG(p, part->span, "the score is asked of the whole: not in an 'or'");
    return rc;
}

/* Where a written "and" touches an "or": which binds first is not ours to guess. */
static int mixed(struct parser *p, const struct ask_token *oper)
{
    return WRONG(
        p, oper->span,
        "'and' beside 'or': put parentheses around what belongs together, like (a or b) and c");
}

/* What stands at p->t in a list of filters, and is none. */
static int no_filter(struct parser *p)
{
    const struct ask_token *t = p->t;
    if (t->oper == ASK_OR && is_oper(p, t))
        return WRONG(
            p, t->span,
            "'or' stands between two filters; if the word is meant, it needs quotes: \"or\"");
    return WRONG(p, t->span, ASK_NO_WORDS_INSIDE);
}

/* What is to be cut with a condition: the "and" before it, else the one behind it. */
static void widen_cut(struct parser *p, struct ask_cond *c, const struct ask_token *before)
{
    if (before)
        c->cut = join(before->span, c->cut);
    else if (p->t->kind == ASK_WORD && p->t->oper == ASK_AND)
        c->cut = join(c->cut, p->t->span);
}

/* The filters that stand here, joined by "or" or one alone, behind `before` (an "and" or NULL). */
static int read_joined(struct parser *p, struct ask_node *all, const struct ask_token *before,
                       bool *chain)
{
    struct ask_node *any = NULL;
    int rc = read_any(p, &any, chain);
    if (rc)
        return rc;
    if (before && *chain)
        return mixed(p, before);
    if (any->shape == ASK_ONE)
        widen_cut(p, any->cond, before);
    return add_part(p, all, any);
}

/* Filters up to the end of the line or parenthesis; at the top also terms, wherever they stand. */
static int read_list(struct parser *p, struct ask_node *all)
{
    const struct ask_token *joint = NULL; /* the "and" just before */
    bool chain = false;                   /* just before: filters joined by "or" */
    int rc = 0;
    while (rc == 0 && p->t->kind != ASK_END && p->t->kind != ASK_CLOSE) {
        const struct ask_token *t = p->t;
        if (t->oper == ASK_AND && is_oper(p, t)) {
            if (chain && p->after_filter && t[1].starts)
                return mixed(p, t);
            joint = p->t++;
            p->after_filter = false;
        } else if (t->starts) {
            rc = read_joined(p, all, joint, &chain);
            joint = NULL;
        } else if (p->depth || (t->oper == ASK_OR && is_oper(p, t))) {
            return no_filter(p);
        } else {
            p->after_filter = chain = false;
            joint = NULL;
            rc = read_term(p);
        }
    }
    return rc == 0 && joint && p->depth ? no_filter_after(p, joint) : rc;
}

/* A line of signs alone looks for these: "-", "+ -". A sign of nothing is left out only beside something. */
static int only_signs(struct parser *p, const struct ask_token *first)
{
    eye_ask *ask = p->ask;
    const struct ask_token *t = first;
    while (t->kind == ASK_SIGN)
        t++;
    if (t == first || t->kind != ASK_END)
        return 0;
    ask->terms[0] = (eye_term){EYE_QUERY_INIT, 1};
    ask->terms[0].query.words = words_of(p, first, t);
    ask->term_spans[0] = join(first->span, t[-1].span);
    ask->nterms = 1;
    return ask->terms[0].query.words ? 0 : EYE_ENOMEM;
}

int ask_parse(eye_ask *ask, const struct ask_token *tokens, int64_t now, eye_span *where,
              struct eye_err *err)
{
    struct parser p = {.ask = ask, .t = tokens, .now = now, .where = where, .err = err};
    ask->root = new_node(&p, ASK_ALL, (eye_span){0, ask->len});
    int rc = ask->root ? read_list(&p, ask->root) : EYE_ENOMEM;
    return rc ? rc : only_signs(&p, tokens);
}
