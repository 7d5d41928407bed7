/* milvus_files.c - many rows of files.
 *
 * A server gives rows in no order, so what store.h wants in byte order is read to its end and sorted: 64 bytes and the path a file, a gigabyte for ten
 * million. A root that is so large is indexed in parts, by several machines (index --part), which ask for what lies under theirs. */
#include "store/milvus_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"
#include "store/milvus_text.h"

/* ---- one by one ---- */

static bool lies_under(const char *rel, const char *under)
{
    size_t n = strlen(under);
    return !n || (strncmp(rel, under, n) == 0 && (rel[n] == '\0' || rel[n] == '/'));
}

static bool passes(const struct milvus_scan *scan, const struct milvus_row *row)
{
    return row->kind >= scan->first_kind && row->kind <= scan->last_kind &&
           (!scan->root || row->root == scan->root) && lies_under(row->rel, scan->under);
}

/* rel == "a" or begins with "a/", which is the range ["a/", "a0"). */
static int add_under(struct buf *expr, const char *under, struct eye_err *err)
{
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    int rc = milvus_text_put(&text, under, strlen(under), err);
    rc = rc ? rc : buf_puts(expr, " && (rel == ", err);
    rc = rc ? rc : milvus_text_quote(expr, text.data, err);
    rc = rc ? rc : buf_putc(&text, '/', err);
    rc = rc ? rc : buf_puts(expr, " || (rel >= ", err);
    rc = rc ? rc : milvus_text_quote(expr, text.data, err);
    if (!rc)
        text.data[text.len - 1] = '0';
    rc = rc ? rc : buf_puts(expr, " && rel < ", err);
    rc = rc ? rc : milvus_text_quote(expr, text.data, err);
    buf_release(&text);
    return rc ? rc : buf_puts(expr, "))", err);
}

static int write_expr(const struct milvus_scan *scan, struct buf *expr, struct eye_err *err)
{
    int rc =
        scan->first_kind == scan->last_kind
            ? buf_printf(expr, err, "kind == %d", scan->first_kind)
            : buf_printf(expr, err, "kind >= %d && kind <= %d", scan->first_kind, scan->last_kind);
    if (!rc && scan->root)
        rc = buf_printf(expr, err, " && root == %lld", (long long)scan->root);
    return !rc && *scan->under ? add_under(expr, scan->under, err) : rc;
}

struct reading {
    struct milvus_part *p;
    milvus_row_fn *fn;
    void *ctx;
    struct eye_err *err;
};

static int on_rows(void *ctx, const struct milvus_rows *rows)
{
    const struct reading *r = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && !rc; i++) {
        struct milvus_row row;
        rc = milvus_row_read(rows, i, &row, r->err);
        if (rc)
            break;
        const struct view_row *e = view_row_find(r->p->view, row.key);
        if (!e || !e->dirty)
            rc = r->fn(r->ctx, &row);
        milvus_row_release(&row);
    }
    return rc;
}

int milvus_each_row(struct milvus_part *p, const struct milvus_scan *scan, milvus_row_fn *fn,
                    void *ctx, struct eye_err *err)
{
    struct reading r = {p, fn, ctx, err};
    struct buf expr;
    bool there;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = milvus_need(p, MILVUS_FILES, &there, err);
    rc = rc ? rc : write_expr(scan, &expr, err);
    if (!rc && there) {
        struct milvus_query q = {.which = MILVUS_FILES,
                                 .expr = expr.data,
                                 .fields = milvus_file_fields,
                                 .nfields = ROW_READ};
        rc = milvus_walk(milvus_of(p), &q, INT64_MIN, on_rows, &r, err);
    }
    buf_release(&expr);
    for (size_t i = 0; i < p->view->rows.n && !rc; i++) {
        const struct view_row *e = view_row_at(p->view, i);
        if (e->dirty && e->there && passes(scan, &e->row))
            rc = fn(ctx, &e->row);
    }
    return rc;
}

/* ---- in order ---- */

/* A row, its texts in one place with all others'. */
struct line {
    int64_t picture, mtime_ns, at;
    uint64_t size;
    size_t rel, reason;
    int code, attempts;
};
struct lines {
    struct line *v;
    size_t n, cap;
    struct buf text;
    struct eye_err *err;
};

static int add_text(struct buf *text, const char *s, size_t *at, struct eye_err *err)
{
    *at = text->len;
    return buf_append(text, s, strlen(s) + 1, err);
}

static int add_line(void *ctx, const struct milvus_row *row)
{
    struct lines *l = ctx;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 512;
        struct line *v = mem_realloc(l->v, cap, sizeof *v, l->err);
        if (!v)
            return EYE_ENOMEM;
        l->v = v;
        l->cap = cap;
    }
    struct line *x = &l->v[l->n];
    *x = (struct line){.picture = row->kind == KIND_FILE ? row->picture : 0,
                       .mtime_ns = row->mtime_ns,
                       .at = row->at,
                       .size = row->size,
                       .code = row->kind == KIND_FAILURE ? row->code : 0,
                       .attempts = row->attempts};
    int rc = add_text(&l->text, row->rel, &x->rel, l->err);
    rc = rc ? rc : add_text(&l->text, row->reason, &x->reason, l->err);
    l->n += rc == 0;
    return rc;
}

static int compare_lines(const void *a, const void *b, void *text)
{
    const struct line *x = a, *y = b;
    return strcmp((const char *)text + x->rel, (const char *)text + y->rel);
}

static int tell(const struct lines *l, int64_t root, store_file_fn *fn, void *ctx)
{
    int rc = 0;
    for (size_t i = 0; i < l->n && !rc; i++) {
        const struct line *x = &l->v[i];
        const char *rel = l->text.data + x->rel;
        const struct store_file f = {.picture = x->picture,
                                     .root = root,
                                     .rel = rel,
                                     .size = x->size,
                                     .mtime_ns = x->mtime_ns};
        const struct store_failure failure = {.root = root,
                                              .rel = rel,
                                              .size = x->size,
                                              .mtime_ns = x->mtime_ns,
                                              .code = x->code,
                                              .reason = l->text.data + x->reason,
                                              .at = x->at,
                                              .attempts = x->attempts};
        rc = fn(ctx, &f, x->code ? &failure : NULL);
    }
    return rc;
}

int milvus_each_file(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                     struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct lines l = {.err = err};
    const struct milvus_scan scan = {root, under, KIND_FILE, KIND_FAILURE};
    buf_init(&l.text, SIZE_MAX / 2);
    milvus_fresh(p);
    int rc = milvus_each_row(p, &scan, add_line, &l, err);
    if (!rc && l.n)
        qsort_r(l.v, l.n, sizeof *l.v, compare_lines, l.text.data);
    rc = rc ? rc : tell(&l, root, fn, ctx);
    free(l.v);
    buf_release(&l.text);
    return rc;
}

/* ---- pictures that more than one file shows ---- */

struct shows {
    struct store_ids ids;
    struct eye_err *err;
};

static int add_shown(void *ctx, const struct milvus_rows *rows)
{
    struct shows *x = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && !rc; i++)
        rc = store_ids_add(&x->ids, milvus_rows_int(rows, 1, i), x->err);
    return rc;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int milvus_copied(struct store *s, int64_t **ids, size_t *n, struct eye_err *err)
{
    static const struct milvus_field fields[] = {{"id", MILVUS_TEXT, 0},
                                                 {"picture", MILVUS_INT, 0}};
    struct milvus_part *p = milvus_part_of(s);
    struct shows x = {{NULL, 0, 0}, err};
    struct milvus_query q = {
        .which = MILVUS_FILES, .expr = "kind == 0", .fields = fields, .nfields = 2};
    bool there;
    *ids = NULL;
    *n = 0;
    int rc = milvus_need(p, MILVUS_FILES, &there, err);
    if (!rc && there)
        rc = milvus_walk(milvus_of(p), &q, INT64_MIN, add_shown, &x, err);
    if (rc) {
        store_ids_free(&x.ids);
        return rc;
    }
    if (x.ids.n)
        qsort(x.ids.v, x.ids.n, sizeof *x.ids.v, compare_ids);
    for (size_t i = 1; i < x.ids.n; i++) /* the second of each stays */
        if (x.ids.v[i] == x.ids.v[i - 1] && (*n == 0 || x.ids.v[*n - 1] != x.ids.v[i]))
            x.ids.v[(*n)++] = x.ids.v[i];
    *ids = x.ids.v;
    return 0;
}
