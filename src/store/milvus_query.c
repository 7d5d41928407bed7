/* milvus_query.c - reading rows: some, how many, and all of them.
 *
 * A server gives at most 16,384 rows an answer, in no order that it promises, and its offset paging reads everything before the page anew. So "all rows" goes by slices
 * of the key's range: keys are hashes, hence uniform, and a count tells how wide a slice may be. One that comes back full is cut at the median of the keys it did
 * return, which finds the right width in one or two steps for keys that are not uniform, too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/milvus_index.h"
#include "store/milvus_wire.h"

enum { EXPR_MAX = 16 << 20, SLICE_BYTES = 32 << 20 };

/* ---- one query ---- */

/* What a read must see: level and time. */
static void set_consistency(struct milvus *m, bool strong, int32_t *level, uint64_t *since)
{
    enum { STRONG = 0, BOUNDED = 2, EVENTUALLY = 3, CUSTOMIZED = 4 };
    int wanted = strong ? MILVUS_STRONG : milvus_options(m)->consistency;
    *since = 0;
    if (wanted == MILVUS_STRONG || (wanted == MILVUS_OWN && milvus_must_be_strong(m))) {
        *level = STRONG;
        return;
    }
    *level = wanted == MILVUS_EVENTUALLY ? EVENTUALLY : BOUNDED;
    uint64_t seen = wanted == MILVUS_OWN ? milvus_seen(m) : 0;
    if (seen > 0) {
        *level = CUSTOMIZED;
        *since = seen;
    }
}

void milvus_search_consistency(struct milvus *m, bool strong, Mv__SearchRequest *r)
{
    set_consistency(m, strong, &r->consistency_level, &r->guarantee_timestamp);
}

/* A server that was started anew, or an operator, may have released the collection: then it is loaded once more. */
int milvus_call_loaded(struct milvus *m, enum milvus_which which, const char *method,
                       ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
                       ProtobufCMessage **reply, struct eye_err *err)
{
    int rc = milvus_call(m, method, request, reply_type, reply, err);
    if (rc != EYE_EBUSY)
        return rc;
    rc = milvus_load(m, which, err);
    return rc ? rc : milvus_call(m, method, request, reply_type, reply, err);
}

static int query(struct milvus *m, enum milvus_which which, const char *expr, bool strong,
                 char **names, size_t nnames, size_t limit, Mv__QueryResults **reply,
                 struct eye_err *err)
{
    Mv__QueryRequest r = MV__QUERY_REQUEST__INIT;
    Mv__KeyValuePair pair = MV__KEY_VALUE_PAIR__INIT, *pairs[] = {&pair};
    char text[24];
    snprintf(text, sizeof(text), "%zu", limit);
    pair.key = (char *)(uintptr_t) "limit";
    pair.value = text;
    r.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    r.expr = (char *)(uintptr_t)(expr ? expr : "");
    r.output_fields = names;
    r.n_output_fields = nnames;
    if (limit > 0) {
        r.query_params = pairs;
        r.n_query_params = 1;
    }
    set_consistency(m, strong, &r.consistency_level, &r.guarantee_timestamp);
    ProtobufCMessage *got = NULL;
    int rc =
        milvus_call_loaded(m, which, "Query", &r.base, &mv__query_results__descriptor, &got, err);
    *reply = (Mv__QueryResults *)got;
    return rc;
}

int milvus_query(struct milvus *m, const struct milvus_query *q, struct milvus_rows **rows,
                 struct eye_err *err)
{
    size_t limit = q->limit ? q->limit : MILVUS_ROWS_MAX;
    *rows = NULL;
    if (limit > MILVUS_ROWS_MAX || q->nfields == 0)
        return eye_fail(err, EYE_EINVAL, "%s: a query asks for %zu fields and up to %zu rows",
                        milvus_name(m), q->nfields, limit);
    char **names = mem_calloc(q->nfields, sizeof(*names), err);
    if (!names)
        return EYE_ENOMEM;
    for (size_t i = 0; i < q->nfields; i++)
        names[i] = (char *)(uintptr_t)q->fields[i].name;
    Mv__QueryResults *reply = NULL;
    int rc = query(m, q->which, q->expr, q->strong, names, q->nfields, limit, &reply, err);
    free(names);
    if (rc)
        return rc;
    struct eye_err own = {0, ""};
    *rows = milvus_rows_of_query(reply, q->fields, q->nfields, limit, milvus_name(m), &own);
    if (!*rows && err)
        *err = own;
    return *rows ? 0 : own.code;
}

int milvus_count(struct milvus *m, enum milvus_which which, const char *expr, bool strong,
                 uint64_t *n, struct eye_err *err)
{
    static const struct milvus_field field = {"count(*)", MILVUS_INT, 0};
    char *name = (char *)(uintptr_t)field.name;
    Mv__QueryResults *reply = NULL;
    int rc = query(m, which, expr, strong, &name, 1, 0, &reply, err);
    if (rc)
        return rc;
    struct eye_err own = {0, ""};
    struct milvus_rows *rows = milvus_rows_of_query(reply, &field, 1, 1, milvus_name(m), &own);
    if (rows && (milvus_rows_n(rows) != 1 || milvus_rows_int(rows, 0, 0) < 0))
        eye_fail(&own, EYE_EFORMAT, "%s: the answer to a count is none", milvus_name(m));
    else if (rows)
        *n = (uint64_t)milvus_rows_int(rows, 0, 0);
    milvus_rows_free(rows);
    if (own.code && err)
        *err = own;
    return own.code;
}

/* ---- all rows ---- */

/* Keys as numbers: an INT is itself, of a TEXT the first 13 hex digits are. */
enum { INT_BITS = 53, TEXT_BITS = 52, TEXT_DIGITS = TEXT_BITS / 4 };

struct walk {
    struct milvus *m;
    struct milvus_query q; /* its expr changes slice by slice */
    const char *filter;
    bool text;
    uint64_t end;   /* of the range in which keys are expected; the last slice has no end */
    uint64_t at;    /* where the next slice begins */
    uint64_t width; /* of the next slice */
    bool from_start;
    struct buf expr;
};

static uint64_t key_at(const struct walk *w, const struct milvus_rows *rows, size_t i)
{
    if (!w->text) {
        int64_t v = milvus_rows_int(rows, 0, i);
        return v > 0 ? (uint64_t)v : 0;
    }
    char digits[TEXT_DIGITS + 1];
    snprintf(digits, sizeof(digits), "%.*s", TEXT_DIGITS, milvus_rows_text(rows, 0, i));
    return strtoull(digits, NULL, 16);
}

static int add_bound(struct walk *w, bool *any, const char *op, uint64_t v, struct eye_err *err)
{
    const char *join = *any ? " and " : "", *name = w->q.fields[0].name;
    *any = true;
    if (w->text)
        return buf_printf(&w->expr, err, "%s%s %s \"%0*" PRIx64 "\"", join, name, op, TEXT_DIGITS,
                          v);
    return buf_printf(&w->expr, err, "%s%s %s %" PRIu64, join, name, op, v);
}

/* The expression of the slice [at, at + width); *last: it is the rest. */
static int make_expr(struct walk *w, bool *last, struct eye_err *err)
{
    bool any = false;
    int rc = 0;
    *last = w->width >= w->end || w->at >= w->end - w->width;
    buf_clear(&w->expr);
    if (w->filter && *w->filter) {
        any = true;
        rc = buf_printf(&w->expr, err, "(%s)", w->filter);
    }
    if (!rc && !w->from_start)
        rc = add_bound(w, &any, ">=", w->at, err);
    if (!rc && !*last)
        rc = add_bound(w, &any, "<", w->at + w->width, err);
    if (!rc && !any) /* no expression at all is refused by some */
        rc = w->text
                 ? buf_printf(&w->expr, err, "%s >= \"\"", w->q.fields[0].name)
                 : buf_printf(&w->expr, err, "%s >= %" PRId64, w->q.fields[0].name, INT64_MIN + 1);
    w->q.expr = w->expr.data;
    return rc;
}

/* A width at which slices are a good half full. */
static int choose_width(struct walk *w, struct eye_err *err)
{
    uint64_t n = 0;
    bool last = false;
    w->width = w->end;
    int rc = make_expr(w, &last, err); /* all that is asked for, in one slice */
    rc = rc ? rc : milvus_count(w->m, w->q.which, w->q.expr, w->q.strong, &n, err);
    if (rc)
        return rc;
    uint64_t slices = n / (w->q.limit * 5 / 8 + 1) + 1;
    w->width = (w->end - w->at) / slices + 1;
    return 0;
}

/* The slice was cut short (rows: what came of it; NULL: it was too large to come): a narrower one. */
static int narrow(struct walk *w, const struct milvus_rows *rows, struct eye_err *err)
{
    uint64_t half = w->width / 2;
    if (rows) {
        uint64_t middle = key_at(w, rows, milvus_rows_n(rows) / 2);
        if (middle > w->at && middle - w->at < w->width)
            half = middle - w->at;
    }
    if (half == 0)
        return eye_fail(err, EYE_ELIMIT, "%s: too many rows have nearly the same key",
                        milvus_name(w->m));
    w->width = half;
    return 0;
}

/* One slice: given to fn, or found too wide. *done: it was the last. */
static int walk_slice(struct walk *w, milvus_rows_fn *fn, void *ctx, bool *done,
                      struct eye_err *err)
{
    struct milvus_rows *rows = NULL;
    bool last = false;
    int rc = make_expr(w, &last, err);
    if (rc)
        return rc;
    rc = milvus_query(w->m, &w->q, &rows, err);
    if (rc == EYE_ELIMIT)
        return narrow(w, NULL, err);
    rc = rc ? rc : milvus_rows_sort(rows, err);
    size_t n = rc ? 0 : milvus_rows_n(rows);
    if (!rc && n >= w->q.limit) {
        if (last && w->width > w->end - w->at)
            w->width = w->end > w->at ? w->end - w->at : 1;
        rc = narrow(w, rows, err);
    } else if (!rc) {
        rc = n > 0 ? fn(ctx, rows) : 0;
        *done = last;
        w->at += w->width;
        w->from_start = false;
        if (n < w->q.limit / 4 && w->width < w->end / 2)
            w->width *= 2;
    }
    milvus_rows_free(rows);
    return rc;
}

int milvus_walk(struct milvus *m, const struct milvus_query *q, int64_t from, milvus_rows_fn *fn,
                void *ctx, struct eye_err *err)
{
    struct walk w = {.m = m, .q = *q, .filter = q->expr};
    if (q->nfields == 0 || (q->fields[0].type != MILVUS_INT && q->fields[0].type != MILVUS_TEXT))
        return eye_fail(err, EYE_EINTERNAL, "%s: a walk without a key", milvus_name(m));
    size_t row = 64, limit = q->limit ? q->limit : MILVUS_ROWS_MAX;
    for (size_t i = 0; i < q->nfields; i++)
        row += 16 + 4 * (q->fields[i].dim > 0 ? (size_t)q->fields[i].dim : 0);
    if (limit > SLICE_BYTES / row)
        limit = SLICE_BYTES / row;
    w.q.limit = limit < 16 ? 16 : limit;
    w.text = q->fields[0].type == MILVUS_TEXT;
    w.end = UINT64_C(1) << (w.text ? TEXT_BITS : INT_BITS);
    w.from_start = w.text || from <= 0;
    w.at = w.from_start ? 0 : (uint64_t)from;
    if (w.at >= w.end)
        w.end = INT64_MAX;
    buf_init(&w.expr, EXPR_MAX);
    bool done = false;
    int rc = choose_width(&w, err);
    while (!rc && !done)
        rc = walk_slice(&w, fn, ctx, &done, err);
    buf_release(&w.expr);
    return rc;
}
