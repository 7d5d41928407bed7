/* milvus_terms.c - conditions that are joined by && or ||, balanced: of a thousand in a row 2.3.5 reads the parse tree for six seconds, of
 * pairs of pairs for 0.08. */
#include <math.h>
#include <string.h>

#include "store/milvus_expr.h"
#include "store/milvus_text.h"

enum { EXPR_MAX = 8 << 20 };

void milvus_expr_init(struct milvus_expr *e)
{
    *e = (struct milvus_expr){.says = MILVUS_ALL, .exact = true};
    buf_init(&e->text, EXPR_MAX);
}

void milvus_expr_release(struct milvus_expr *e)
{
    buf_release(&e->text);
}

int milvus_expr_ids(struct buf *out, const char *field, const int64_t *ids, size_t n,
                    struct eye_err *err)
{
    int rc = buf_printf(out, err, "%s in [", field);
    for (size_t i = 0; i < n && !rc; i++)
        rc = buf_printf(out, err, i ? ",%lld" : "%lld", (long long)ids[i]);
    return rc ? rc : buf_putc(out, ']', err);
}

void milvus_terms_init(struct milvus_terms *t, bool any, struct eye_err *err)
{
    *t = (struct milvus_terms){.any = any, .err = err};
}

void milvus_terms_release(struct milvus_terms *t)
{
    for (size_t i = 0; i < t->n; i++)
        buf_release(&t->v[i]);
    free(t->v);
    *t = (struct milvus_terms){.rc = t->rc};
}

void milvus_terms_constant(struct milvus_terms *t, bool value)
{
    t->decided = t->decided || value == t->any;
}

static struct buf *next_term(struct milvus_terms *t)
{
    struct buf *v = t->rc ? NULL : mem_realloc(t->v, t->n + 1, sizeof *v, t->err);
    if (!v) {
        t->rc = t->rc ? t->rc : EYE_ENOMEM;
        return NULL;
    }
    t->v = v;
    buf_init(&v[t->n], EXPR_MAX);
    return &v[t->n++];
}

void milvus_terms_add(struct milvus_terms *t, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct buf *b = next_term(t);
    if (b)
        t->rc = buf_puts(b, text, t->err);
}

void milvus_terms_raw(struct milvus_terms *t, const struct buf *text)
{
    struct buf *b = next_term(t);
    if (b)
        t->rc = buf_append(b, text->data, text->len, t->err);
}

/* Bytes as text, to be released also after a failure. */
static int text_of(struct milvus_terms *t, struct buf *text, const char *bytes, size_t n)
{
    buf_init(text, EXPR_MAX);
    return milvus_text_put(text, bytes, n, t->err);
}

void milvus_terms_text(struct milvus_terms *t, const char *field, const char *op, const char *bytes,
                       size_t n)
{
    struct buf text, *b = next_term(t);
    if (!b)
        return;
    int rc = text_of(t, &text, bytes, n);
    rc = rc ? rc : buf_printf(b, t->err, "%s %s ", field, op);
    t->rc = rc ? rc : milvus_text_quote(b, text.data, t->err);
    buf_release(&text);
}

void milvus_terms_real(struct milvus_terms *t, const char *field, const char *op, double value)
{
    char text[64];
    if (!isfinite(value)) { /* the field always is */
        milvus_terms_constant(t, !isnan(value) && (op[0] == '>') == (value < 0));
        return;
    }
    snprintf(text, sizeof text, "%.17g", value);
    milvus_terms_add(t, "%s %s %s%s", field, op, text, strpbrk(text, ".e") ? "" : ".0");
}

bool milvus_terms_prefix(struct milvus_terms *t, const char *field, const char *bytes, size_t n)
{
    size_t whole = milvus_text_whole(bytes, n);
    struct buf text, after;
    if (!whole || t->rc)
        return false;
    buf_init(&after, EXPR_MAX);
    int rc = text_of(t, &text, bytes, whole), rc_after = 0;
    bool bounded = !rc && milvus_text_quote_after(&after, text.data, &rc_after, t->err);
    t->rc = rc ? rc : rc_after;
    struct milvus_terms both;
    milvus_terms_init(&both, false, t->err);
    milvus_terms_text(&both, field, ">=", bytes, whole);
    struct buf *b = bounded ? next_term(&both) : NULL;
    if (b)
        both.rc = buf_printf(b, t->err, "%s < %s", field, after.data);
    milvus_terms_group(t, &both);
    buf_release(&text);
    buf_release(&after);
    return whole == n;
}

bool milvus_terms_part(struct milvus_terms *t, const char *field, const char *bytes, size_t n)
{
    static const char special[] =
        "%_\\"; /* versions differ in how these are escaped, so they are left out */
    const char *best = bytes;
    size_t best_len = 0;
    if (!milvus_text_plain(bytes, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        while (i + len < n && !strchr(special, bytes[i + len]))
            len++;
        best = len > best_len ? bytes + i : best;
        best_len = len > best_len ? len : best_len;
        i += len;
    }
    struct buf pattern, *b = best_len ? next_term(t) : NULL;
    if (!b)
        return false;
    struct buf text;
    buf_init(&pattern, EXPR_MAX);
    int rc = text_of(t, &text, best, best_len);
    rc = rc ? rc : buf_printf(&pattern, t->err, "%%%s%%", text.data);
    rc = rc ? rc : buf_printf(b, t->err, "%s like ", field);
    t->rc = rc ? rc : milvus_text_quote(b, pattern.data, t->err);
    buf_release(&text);
    buf_release(&pattern);
    return best_len == n;
}

/* ---- writing ---- */

static int join(const struct milvus_terms *t, size_t from, size_t n, struct buf *out)
{
    if (n == 1)
        return buf_append(out, t->v[from].data, t->v[from].len, t->err);
    int rc = buf_putc(out, '(', t->err);
    rc = rc ? rc : join(t, from, n / 2, out);
    rc = rc ? rc : buf_puts(out, t->any ? " || " : " && ", t->err);
    rc = rc ? rc : join(t, from + n / 2, n - n / 2, out);
    return rc ? rc : buf_putc(out, ')', t->err);
}

void milvus_terms_group(struct milvus_terms *t, struct milvus_terms *group)
{
    t->rc = t->rc ? t->rc : group->rc;
    if (group->decided || !group->n) {
        milvus_terms_constant(t, group->decided == group->any);
    } else {
        struct buf *b = next_term(t);
        if (b)
            t->rc = join(group, 0, group->n, b);
    }
    milvus_terms_release(group);
}

int milvus_terms_write(struct milvus_terms *t, bool not, struct milvus_expr *out)
{
    int rc = t->rc;
    buf_clear(&out->text);
    if (t->decided || !t->n) {
        bool all = (t->decided == t->any) != not ;
        out->says = all ? MILVUS_ALL : MILVUS_NOTHING;
    } else {
        out->says = MILVUS_SOME;
        rc = rc || !not ? rc : buf_puts(&out->text, "!(", t->err);
        rc = rc ? rc : join(t, 0, t->n, &out->text);
        rc = rc || !not ? rc : buf_putc(&out->text, ')', t->err);
    }
    milvus_terms_release(t);
    return rc;
}
