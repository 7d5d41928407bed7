/* milvus_where.c - all pictures that pass a tree of filters, and how many they are.
 *
 * What an expression can say exactly is counted or walked by the server. Else there are two ways, and the cheaper one by the counts of both
 * collections is taken: the files that pass become sets of ids, and pictures are held against these as they are walked; or
 * the pictures that may pass are walked, and their files fetched. */
#include <string.h>

#include "store/milvus_find.h"

enum { FEW = MILVUS_IDS_MAX };

static const struct milvus_field id_field[] = {{"id", MILVUS_INT, 0}};

struct each {
    struct milvus_scope *s;
    milvus_ids_fn *fn;
    void *ctx;
    struct store_ids ids;
    struct eye_err *err;
};

/* A slice of ids that expr let pass, in any order, with what is asked of pictures unless that is said. */
static int give_slice(struct each *e, const struct milvus_rows *rows)
{
    bool whole = !e->s->said && !e->s->expr.exact;
    int rc = 0;
    e->ids.n = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && !rc; i++)
        rc = store_ids_add(&e->ids, milvus_rows_int(rows, 0, i), e->err);
    rc = rc ? rc : store_ids_settle(&e->ids, e->err);
    rc = rc ? rc : milvus_scope_keep(e->s, whole ? rows : NULL, &e->ids, e->err);
    return rc || !e->ids.n ? rc : e->fn(e->ctx, &e->ids, e->err);
}

static int walk_slice(void *ctx, const struct milvus_rows *rows)
{
    return give_slice(ctx, rows);
}

static int walk_pictures(struct each *e)
{
    const struct milvus_expr *expr = &e->s->expr;
    bool whole = !e->s->said && !expr->exact;
    const struct milvus_query q = {.which = MILVUS_PICTURES,
                                   .expr = expr->says == MILVUS_ALL ? "" : expr->text.data,
                                   .fields = milvus_scope_fields,
                                   .nfields = whole ? MILVUS_SCOPE_FIELDS : 1};
    return milvus_walk(e->s->f->m, &q, INT64_MIN, walk_slice, e, e->err);
}

/* Of ids [n] ascending, which are more than an expression takes: those that expr lets pass. */
static int ask_chunks(struct each *e, const struct store_ids *ids)
{
    const struct milvus_expr *expr = &e->s->expr;
    struct buf text;
    int rc = 0;
    buf_init(&text, SIZE_MAX / 2);
    for (size_t at = 0; at < ids->n && !rc; at += FEW) {
        struct milvus_rows *rows = NULL;
        size_t n = ids->n - at < FEW ? ids->n - at : FEW;
        buf_clear(&text);
        if (expr->says == MILVUS_SOME)
            rc = buf_printf(&text, e->err, "%s && ", expr->text.data);
        rc = rc ? rc : milvus_expr_ids(&text, "id", ids->v + at, n, e->err);
        const struct milvus_query q = {
            .which = MILVUS_PICTURES, .expr = text.data, .fields = id_field, .nfields = 1};
        rc = rc ? rc : milvus_query(e->s->f->m, &q, &rows, e->err);
        rc = rc ? rc : give_slice(e, rows);
        milvus_rows_free(rows);
    }
    buf_release(&text);
    return rc;
}

/* Where all of a tree must hold, its smallest set holds all that pass. NULL: there is none, or the expression has it. */
static const struct store_ids *smallest_set(const struct milvus_scope *s)
{
    const struct store_ids *best = NULL;
    for (size_t i = 0; i < s->nleaves && s->said; i++)
        if (s->leaves[i].known && (!best || s->leaves[i].ids.n < best->n))
            best = &s->leaves[i].ids;
    return best && best->n > MILVUS_IDS_MAX ? best : NULL;
}

int milvus_find_each(struct milvus_scope *s, milvus_ids_fn *fn, void *ctx, struct eye_err *err)
{
    struct each e = {.s = s, .fn = fn, .ctx = ctx, .err = err};
    const struct store_ids *set = smallest_set(s);
    uint64_t n = 0;
    if (s->expr.says == MILVUS_NOTHING)
        return 0;
    int rc = set ? milvus_count(s->f->m, MILVUS_PICTURES,
                                s->expr.says == MILVUS_ALL ? "" : s->expr.text.data, false, &n, err)
                 : 0;
    if (!rc)
        rc = set && set->n < n / 4 ? ask_chunks(&e, set) : walk_pictures(&e);
    store_ids_free(&e.ids);
    return rc;
}

/* ---- all ids ---- */

static int add_ids(void *ctx, const struct store_ids *ids, struct eye_err *err)
{
    struct store_ids *out = ctx;
    int rc = 0;
    for (size_t i = 0; i < ids->n && !rc; i++)
        rc = store_ids_add(out, ids->v[i], err);
    return rc;
}

/* Is one leaf all that is asked? Then its set is the answer. */
static struct milvus_leaf *only_leaf(struct milvus_scope *s)
{
    const struct store_where *w = s->where;
    bool only = w && w->kind == STORE_IS && s->nleaves == 1 && !match_facets(w->filter);
    return only ? &s->leaves[0] : NULL;
}

/* Sets of files or files of pictures, whichever are fewer. */
static int prepare(struct milvus_scope *s, struct eye_err *err)
{
    uint64_t files = 0, pictures = 0;
    if (s->expr.exact || !s->leaves)
        return 0;
    for (size_t i = 0; i < s->nleaves; i++)
        files += s->leaves[i].known ? 0 : s->counts[i];
    if (!files)
        return 0;
    int rc = 0;
    if (s->said && s->expr.says == MILVUS_SOME)
        rc = milvus_count(s->f->m, MILVUS_PICTURES, s->expr.text.data, false, &pictures, err);
    bool keep = s->said && s->expr.says == MILVUS_SOME && pictures < files / 2;
    return rc || keep ? rc : milvus_scope_settle(s, err);
}

static int ids_of(struct milvus_scope *s, struct store_ids *out, struct eye_err *err)
{
    const struct milvus_leaf *leaf = only_leaf(s);
    int rc = leaf ? milvus_scope_settle(s, err) : prepare(s, err);
    if (rc)
        return rc;
    rc = leaf ? add_ids(out, &leaf->ids, err) : milvus_find_each(s, add_ids, out, err);
    return rc ? rc : store_ids_settle(out, err);
}

int milvus_find_ids(const struct milvus_finder *f, const struct store_where *where,
                    struct store_ids *out, struct eye_err *err)
{
    struct milvus_scope s;
    out->n = 0;
    int rc = milvus_scope_open(&s, f, where, FEW, err);
    rc = rc ? rc : ids_of(&s, out, err);
    milvus_scope_release(&s);
    return rc;
}

int milvus_find_count(const struct milvus_finder *f, const struct store_where *where, uint64_t *n,
                      struct eye_err *err)
{
    struct milvus_scope s;
    struct store_ids ids = {NULL, 0, 0};
    *n = 0;
    int rc = milvus_scope_open(&s, f, where, FEW, err);
    bool said = s.expr.exact && s.expr.says != MILVUS_NOTHING;
    if (!rc && said)
        rc = milvus_count(f->m, MILVUS_PICTURES, s.expr.says == MILVUS_ALL ? "" : s.expr.text.data,
                          false, n, err);
    else if (!rc && !s.expr.exact)
        rc = ids_of(&s, &ids, err);
    if (!rc && !said)
        *n = ids.n;
    store_ids_free(&ids);
    milvus_scope_release(&s);
    return rc;
}
