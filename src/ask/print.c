/* print.c - a query as a tidied line: terms first, then filters; quotes and signs only where they are needed.
 *
 * Values and weights are written as they came ("0.50" stays), so nothing is lost by turning a number to binary and back. */
#include "ask/ask.h"

static int put_quoted(struct buf *b, const char *text, struct eye_err *err)
{
    int rc = buf_putc(b, '"', err);
    for (; rc == 0 && *text; text++) {
        if (*text == '"' || *text == '\\')
            rc = buf_putc(b, '\\', err);
        rc = rc ? rc : buf_putc(b, *text, err);
    }
    return rc ? rc : buf_putc(b, '"', err);
}

static int put_term(struct buf *b, const eye_term *t, const char *weight, struct eye_err *err)
{
    const eye_query *q = &t->query;
    int rc = 0;
    if (b->len)
        rc = buf_puts(b, t->weight < 0 ? " - " : " + ", err);
    else if (t->weight < 0)
        rc = buf_puts(b, "- ", err);
    if (rc == 0 && weight)
        rc = buf_printf(b, err, "%s:", weight);
    if (rc)
        return rc;
    if (q->like)
        return buf_printf(b, err, "#%lld", (long long)q->like);
    if (q->words)
        return ask_stays_bare(q->words, weight != NULL) ? buf_puts(b, q->words, err)
                                                        : put_quoted(b, q->words, err);
    rc = buf_putc(b, '@', err);
    if (rc)
        return rc;
    return ask_stays_value(q->image_path) ? buf_puts(b, q->image_path, err)
                                          : put_quoted(b, q->image_path, err);
}

int ask_print_cond(struct buf *b, const struct ask_cond *c, bool negated, struct eye_err *err)
{
    static const char *const ops[] = {
        [ASK_IS] = ":", [ASK_GT] = ">", [ASK_GE] = ">=", [ASK_LT] = "<", [ASK_LE] = "<="};
    int rc = buf_printf(b, err, "%s%s%s", negated ? "-" : "", ask_key_name(c->key), ops[c->op]);
    if (rc)
        return rc;
    return ask_stays_value(c->text) ? buf_puts(b, c->text, err) : put_quoted(b, c->text, err);
}

static int put_node(struct buf *b, const struct ask_node *n, struct eye_err *err)
{
    if (n->shape == ASK_ONE)
        return ask_print_cond(b, n->cond, n->negated, err);
    int rc = buf_puts(b, n->negated ? "-(" : "(", err);
    for (const struct ask_node *p = n->first; p && rc == 0; p = p->next) {
        if (p != n->first)
            rc = buf_puts(b, n->shape == ASK_ANY ? " or " : " ", err);
        rc = rc ? rc : put_node(b, p, err);
    }
    return rc ? rc : buf_putc(b, ')', err);
}

static int put_terms(struct buf *b, const eye_ask *ask, struct eye_err *err)
{
    int rc = buf_puts(b, "", err);
    for (size_t i = 0; i < ask->nterms && rc == 0; i++)
        rc = put_term(b, &ask->terms[i], ask->weights[i], err);
    return rc;
}

static int put_filters(struct buf *b, const eye_ask *ask, struct eye_err *err)
{
    int rc = 0;
    for (const struct ask_node *n = ask->root->first; n && rc == 0; n = n->next) {
        if (b->len)
            rc = buf_putc(b, ' ', err);
        rc = rc ? rc : put_node(b, n, err);
    }
    return rc;
}

int ask_print(eye_ask *ask, struct eye_err *err)
{
    struct buf b;
    buf_init(&b, 8 * EYE_ASK_BYTES);
    int rc = put_terms(&b, ask, err);
    size_t terms = b.len;
    rc = rc ? rc : put_filters(&b, ask, err);
    if (rc == 0) {
        size_t from = terms + (terms && b.len > terms); /* the blank between them */
        /* With quotes it may have grown past what is taken as a line: then it stays as it came. */
        bool fits = b.len <= EYE_ASK_BYTES;
        ask->where_text = ask_keep_text(ask, b.data + from, b.len - from, err);
        ask->text = ask_keep_text(ask, fits ? b.data : ask->line, fits ? b.len : ask->len, err);
    }
    buf_release(&b);
    return rc ? rc : ask->text && ask->where_text ? 0 : EYE_ENOMEM;
}
