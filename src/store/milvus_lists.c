/* milvus_lists.c - pictures by ascending id, and vectors by id: what exports, checks and duplicates read all of.
 *
 * A page of ids is read together with some thousand that follow it, and those are kept for the next page: the server gives rows in no order, so each page
 * costs a slice of the key's range (milvus_walk), however short it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/half.h"
#include "store/milvus_expr.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"

enum { KEPT_MS = 1000, IDS_AHEAD = 8192, ROW_BYTES = 8 << 20 };

/* ---- ids ---- */

static const char all_expr[] = "", unseen_expr[] = "looked == 0", embedded_expr[] = "embedded == 1",
                  bare_expr[] = "embedded == 0";

struct ids_read {
    struct store_ids ids;
    size_t enough;
    struct eye_err *err;
};

enum { STOP = 1 };

static int take_ids(void *ctx, const struct milvus_rows *rows)
{
    struct ids_read *r = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && !rc; i++)
        rc = store_ids_add(&r->ids, milvus_rows_int(rows, 0, i), r->err);
    return rc ? rc : r->ids.n >= r->enough ? STOP : 0;
}

/* Ids that pass `expr` above `after`: at least `enough`, unless there are no more. */
static int read_ids(struct milvus_part *p, const char *expr, int64_t after, struct ids_read *r,
                    struct eye_err *err)
{
    static const struct milvus_field id = {"id", MILVUS_INT, 0};
    struct milvus_query q = {.which = MILVUS_PICTURES, .expr = expr, .fields = &id, .nfields = 1};
    bool there;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (rc || !there || after == INT64_MAX)
        return rc;
    rc = milvus_walk(milvus_of(p), &q, after < 0 ? INT64_MIN : after + 1, take_ids, r, err);
    return rc == STOP ? 0 : rc;
}

/* expr: a literal, by whose address the ids that were read ahead are known. */
static int ids_after(struct milvus_part *p, const char *expr, int64_t after, int64_t *ids,
                     size_t max, size_t *n, struct eye_err *err)
{
    struct milvus_ahead *a = &p->ahead;
    *n = 0;
    bool ready = !p->in_txn && a->expr == expr && a->from <= after && after <= a->upto &&
                 milvus_seen(p->m) == a->seen && milvus_now_ms() - a->at < KEPT_MS;
    size_t i = 0;
    while (ready && i < a->ids.n && a->ids.v[i] <= after)
        i++;
    if (!ready || (a->ids.n - i < max && a->upto != INT64_MAX)) {
        struct ids_read r = {{NULL, 0, 0}, max > IDS_AHEAD ? max : IDS_AHEAD, err};
        int rc = read_ids(p, expr, after, &r, err);
        store_ids_free(&a->ids);
        *a = (struct milvus_ahead){expr, after, INT64_MAX, milvus_seen(p->m), milvus_now_ms(),
                                   r.ids};
        if (rc) {
            a->expr = NULL;
            return rc;
        }
        if (r.ids.n >= r.enough)
            a->upto = r.ids.v[r.ids.n - 1];
        i = 0;
    }
    while (i < a->ids.n && *n < max)
        ids[(*n)++] = a->ids.v[i++];
    return 0;
}

void milvus_ahead_forget(struct milvus_part *p)
{
    store_ids_free(&p->ahead.ids);
    p->ahead.expr = NULL;
}

int milvus_pictures_after(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                          struct eye_err *err)
{
    return ids_after(milvus_part_of(s), all_expr, after, ids, max, n, err);
}

int milvus_unseen(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err)
{
    return ids_after(milvus_part_of(s), unseen_expr, after, ids, max, n, err);
}

int milvus_unseen_count(struct store *s, uint64_t *count, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool there;
    *count = 0;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    return rc || !there
               ? rc
               : milvus_count(milvus_of(p), MILVUS_PICTURES, unseen_expr, false, count, err);
}

int milvus_vector_ids(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err)
{
    *n = 0;
    return model == 1 ? ids_after(milvus_part_of(s), embedded_expr, after, ids, max, n, err) : 0;
}

/* Those of ids [*n] that a file shows. */
static int keep_shown(struct milvus_part *p, int64_t *ids, size_t *n, struct eye_err *err)
{
    size_t kept = 0;
    view_clear(p->view);
    int rc = milvus_fetch_pics(p, ids, *n, false, err);
    rc = rc ? rc : milvus_fetch_files_of(p, ids, *n, err);
    struct store_ids shown = {NULL, 0, 0};
    for (size_t i = 0; i < p->view->rows.n && !rc; i++)
        rc = store_ids_add(&shown, view_row_at(p->view, i)->row.picture, err);
    rc = rc ? rc : store_ids_settle(&shown, err);
    for (size_t i = 0; i < *n && !rc; i++)
        if (store_ids_has(&shown, ids[i]))
            ids[kept++] = ids[i];
    store_ids_free(&shown);
    view_clear(p->view);
    *n = kept;
    return rc;
}

int milvus_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    int rc = 0;
    *n = 0;
    if (max == 0)
        return 0;
    if (p->in_txn)
        return eye_fail(err, EYE_EINVAL,
                        "%s: pictures without a vector are not listed within a change",
                        milvus_name(p->m));
    for (bool more = true; more && *n < max && !rc;) {
        size_t got = 0;
        rc = ids_after(p, model == 1 ? bare_expr : all_expr, after, ids + *n, max - *n, &got, err);
        more = !rc && got;
        if (more) {
            after = ids[*n + got - 1];
            rc = keep_shown(p, ids + *n, &got, err);
            *n += rc ? 0 : got;
        }
    }
    return rc;
}

/* ---- vectors ---- */

static size_t rows_a_query(const struct milvus_part *p)
{
    size_t n = ROW_BYTES / (sizeof(float) * (size_t)milvus_dim(p));
    return n < 1024 ? n : 1024;
}

struct vectors {
    const int64_t *ids;
    size_t n, dim;
    uint16_t *out;
    bool *there;
};

static void take_vector(const struct vectors *v, int64_t id, const float *row)
{
    size_t lo = 0, hi = v->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v->ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == v->n || v->ids[lo] != id)
        return;
    half_from_floats(row, v->out + lo * v->dim, v->dim);
    v->there[lo] = true;
}

/* Of the view, if it was gathered with vectors. */
static bool take_gathered(struct milvus_part *p, const struct vectors *v, size_t i)
{
    const struct view_pic *e = view_pic_find(p->view, v->ids[i]);
    if (!e || !e->known || (e->there && !e->vector_known))
        return false;
    v->there[i] = e->there && e->pic.embedded;
    if (v->there[i])
        half_from_floats(e->pic.vector, v->out + i * v->dim, v->dim);
    return true;
}

static int query_vectors(struct milvus_part *p, const struct vectors *v, const int64_t *ids,
                         size_t n, struct eye_err *err)
{
    const struct milvus_field fields[] = {{"id", MILVUS_INT, 0},
                                          {"vector", MILVUS_VECTOR, (int)v->dim}};
    struct milvus_rows *rows = NULL;
    struct buf expr;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = buf_puts(&expr, "embedded == 1 && ", err);
    rc = rc ? rc : milvus_expr_ids(&expr, "id", ids, n, err);
    if (!rc) {
        struct milvus_query q = {
            .which = MILVUS_PICTURES, .expr = expr.data, .fields = fields, .nfields = 2};
        rc = milvus_query(milvus_of(p), &q, &rows, err);
    }
    buf_release(&expr);
    for (size_t i = 0; !rc && i < milvus_rows_n(rows); i++)
        take_vector(v, milvus_rows_int(rows, 0, i), milvus_rows_vector(rows, 1, i));
    milvus_rows_free(rows);
    return rc;
}

static int check_dim(struct milvus_part *p, int64_t model, int dim, bool *there,
                     struct eye_err *err)
{
    int rc = milvus_need(p, MILVUS_PICTURES, there, err);
    *there = !rc && *there && model == 1;
    if (*there && dim != milvus_dim(p))
        return eye_fail(err, EYE_EINVAL, "model %lld has %d dimensions, not %d", (long long)model,
                        milvus_dim(p), dim);
    return rc;
}

int milvus_vector_rows(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                       uint16_t *out, bool *there, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    const struct vectors v = {ids, n, (size_t)dim, out, there};
    int64_t want[1024];
    size_t len = 0;
    bool made;
    memset(there, 0, n * sizeof *there);
    milvus_fresh(p);
    int rc = check_dim(p, model, dim, &made, err);
    for (size_t i = 0; i < n && made && !rc; i++) {
        if (!take_gathered(p, &v, i))
            want[len++] = ids[i];
        if (!len || (len < rows_a_query(p) && i + 1 < n))
            continue;
        rc = query_vectors(p, &v, want, len, err);
        len = 0;
    }
    return rc;
}

/* ---- all vectors ---- */

struct vectors_read {
    int64_t *ids;
    uint16_t *rows;
    size_t n, max, dim;
    struct vector_set *set; /* instead */
    uint16_t *row;
    struct eye_err *err;
};

static int take_vectors(void *ctx, const struct milvus_rows *rows)
{
    struct vectors_read *r = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && r->n < r->max && !rc; i++, r->n++) {
        int64_t id = milvus_rows_int(rows, 0, i);
        uint16_t *to = r->set ? r->row : r->rows + r->n * r->dim;
        half_from_floats(milvus_rows_vector(rows, 1, i), to, r->dim);
        if (r->set)
            rc = vector_add(r->set, id, to, r->err);
        else
            r->ids[r->n] = id;
    }
    return rc ? rc : r->n == r->max ? STOP : 0;
}

static int read_vectors(struct milvus_part *p, int64_t after, struct vectors_read *r,
                        struct eye_err *err)
{
    const struct milvus_field fields[] = {{"id", MILVUS_INT, 0},
                                          {"vector", MILVUS_VECTOR, (int)r->dim}};
    struct milvus_query q = {.which = MILVUS_PICTURES,
                             .expr = embedded_expr,
                             .fields = fields,
                             .nfields = 2,
                             .limit = rows_a_query(p)};
    int rc = r->max ? milvus_walk(milvus_of(p), &q, after < 0 ? INT64_MIN : after + 1, take_vectors,
                                  r, err)
                    : 0;
    return rc == STOP ? 0 : rc;
}

int milvus_vectors_after(struct store *s, int64_t model, int dim, int64_t after, int64_t *ids,
                         uint16_t *rows, size_t max, size_t *n, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct vectors_read r = {.ids = ids, .rows = rows, .max = max, .dim = (size_t)dim, .err = err};
    bool there;
    int rc = check_dim(p, model, dim, &there, err);
    if (!rc && there && after < INT64_MAX)
        rc = read_vectors(p, after, &r, err);
    *n = rc ? 0 : r.n;
    return rc;
}

struct vector_set *milvus_load_vectors(struct store *s, int64_t model, int dim, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct vectors_read r = {.max = SIZE_MAX, .dim = (size_t)dim, .err = err};
    bool there;
    int rc = check_dim(p, model, dim, &there, err);
    if (!rc && !there)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s knows no model %lld", milvus_name(p->m),
                      (long long)model);
    r.set = rc ? NULL : vector_new(dim, err);
    r.row = r.set ? mem_calloc(r.dim, sizeof *r.row, err) : NULL;
    if (r.row)
        rc = read_vectors(p, 0, &r, err);
    if (rc || !r.row) {
        vector_free(r.set);
        r.set = NULL;
    }
    free(r.row);
    return r.set;
}

/* ---- looks ---- */

struct looks_read {
    struct store_look *v;
    size_t n, cap;
    struct eye_err *err;
};

enum { LOOK_ID, LOOK_HASH, LOOK_SIZE, LOOK_WIDTH, LOOK_HEIGHT, LOOK_LOOKED, LOOK_PHASH, LOOK_ALL };

static int take_looks(void *ctx, const struct milvus_rows *rows)
{
    struct looks_read *r = ctx;
    for (size_t i = 0; i < milvus_rows_n(rows); i++) {
        if (r->n == r->cap) {
            size_t cap = r->cap ? 2 * r->cap : 1024;
            struct store_look *v = mem_realloc(r->v, cap, sizeof *v, r->err);
            if (!v)
                return EYE_ENOMEM;
            r->v = v;
            r->cap = cap;
        }
        char tie[17] = "";
        bool looked = milvus_rows_int(rows, LOOK_LOOKED, i) != 0;
        snprintf(tie, sizeof tie, "%.16s", milvus_rows_text(rows, LOOK_HASH, i));
        r->v[r->n++] = (struct store_look){
            .id = milvus_rows_int(rows, LOOK_ID, i),
            .tie = strtoull(tie, NULL, 16),
            .size = (uint64_t)milvus_rows_int(rows, LOOK_SIZE, i),
            .width = (int)milvus_rows_int(rows, LOOK_WIDTH, i),
            .height = (int)milvus_rows_int(rows, LOOK_HEIGHT, i),
            .phash = looked ? (uint64_t)milvus_rows_int(rows, LOOK_PHASH, i) : 0};
    }
    return 0;
}

int milvus_looks(struct store *s, struct store_look **looks, size_t *n, struct eye_err *err)
{
    static const struct milvus_field fields[LOOK_ALL] = {
        {"id", MILVUS_INT, 0},    {"hash", MILVUS_TEXT, 0},  {"size", MILVUS_INT, 0},
        {"width", MILVUS_INT, 0}, {"height", MILVUS_INT, 0}, {"looked", MILVUS_INT, 0},
        {"phash", MILVUS_INT, 0},
    };
    struct milvus_part *p = milvus_part_of(s);
    struct looks_read r = {.err = err};
    struct milvus_query q = {.which = MILVUS_PICTURES, .fields = fields, .nfields = LOOK_ALL};
    bool there;
    *looks = NULL;
    *n = 0;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (!rc && there)
        rc = milvus_walk(milvus_of(p), &q, INT64_MIN, take_looks, &r, err);
    if (rc) {
        free(r.v);
        return rc;
    }
    *looks = r.v;
    *n = r.n;
    return 0;
}
