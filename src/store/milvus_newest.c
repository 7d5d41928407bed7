/* milvus_newest.c - pictures by the time they were added, newest first, as many as a page holds.
 *
 * A server sorts nothing but by score. So a window of time is looked for that holds a page and not more than one answer takes, by counting:
 * back from where the page begins, eight times as far each time, and halved when that was too far. The rows of a window are
 * sorted here. Where a single second holds more than an answer (a fast import), its ids are cut instead; they are hashes, and uniform. */
#include <string.h>
#include <time.h>

#include "store/milvus_find.h"

enum { WINDOW_MAX = MILVUS_IDS_MAX, HOUR = 3600, FAR = 8 };
static const int64_t CENTURY = INT64_C(3155760000);
static const int64_t OLDEST = -(INT64_C(1) << 60); /* below it no time is one */
static const int64_t ID_END = INT64_C(1) << 53;

struct newest {
    struct milvus_scope scope;
    const struct milvus_finder *f;
    int64_t at, id; /* what comes after these; id INT64_MIN: after all of that second */
    int64_t lo,
        least_id; /* the window: added_at >= lo (INT64_MIN: open), or its second and ids from least_id on */
    bool second;
    size_t wanted;
    struct buf expr;
    struct eye_err *err;
};

/* ---- the expression of a window ---- */

static int add_upper(struct newest *w, bool *any)
{
    const char *and = *any ? " && " : "";
    if (w->at == INT64_MAX && w->id == INT64_MAX)
        return 0;
    *any = true;
    long long at = w->at, id = w->id;
    if (w->at == INT64_MIN) /* times that are not known; the number itself 2.3.5 cannot read */
        return buf_printf(&w->expr, w->err, "%sadded_at < %lld && id < %lld", and, -INT64_MAX + 0LL,
                          id);
    if (w->id == INT64_MIN)
        return buf_printf(&w->expr, w->err, "%sadded_at < %lld", and, at);
    return buf_printf(&w->expr, w->err, "%s(added_at < %lld || (added_at == %lld && id < %lld))",
                      and, at, at, id);
}

static int write_expr(struct newest *w)
{
    bool any = w->scope.expr.says == MILVUS_SOME;
    buf_clear(&w->expr);
    int rc =
        any ? buf_append(&w->expr, w->scope.expr.text.data, w->scope.expr.text.len, w->err) : 0;
    rc = rc ? rc : add_upper(w, &any);
    const char *and = any ? " && " : "";
    if (!rc && w->second && w->lo != INT64_MIN)
        rc = buf_printf(&w->expr, w->err, "%sadded_at == %lld", and, (long long)w->lo);
    if (!rc && w->second)
        rc = buf_printf(&w->expr, w->err, "%sid >= %lld", any || w->lo != INT64_MIN ? " && " : "",
                        (long long)w->least_id);
    else if (!rc && w->lo != INT64_MIN)
        rc = buf_printf(&w->expr, w->err, "%sadded_at >= %lld", and, (long long)w->lo);
    return rc ? rc : buf_puts(&w->expr, "", w->err);
}

static int count_window(struct newest *w, uint64_t *n)
{
    int rc = write_expr(w);
    return rc ? rc : milvus_count(w->f->m, MILVUS_PICTURES, w->expr.data, false, n, w->err);
}

/* ---- a window that is neither empty nor too large ---- */

/* One second that holds too much: the upper part of its ids. */
static int cut_second(struct newest *w, int64_t second)
{
    int64_t top = w->at == second && w->id < ID_END ? w->id : ID_END, few = 0, many = top;
    uint64_t n = 0;
    int rc = 0;
    w->second = true;
    w->lo = second;
    while (many - few > 1 && !rc) {
        int64_t middle = few + (many - few) / 2;
        w->least_id = top - middle;
        rc = count_window(w, &n);
        if (rc || (n > 0 && n <= WINDOW_MAX))
            return rc;
        if (n)
            many = middle;
        else
            few = middle;
    }
    w->least_id = top - many;
    return rc;
}

/* Between a window that holds too few and one that holds too much, `few` and `many` seconds long. */
static int halve(struct newest *w, int64_t from, int64_t few, int64_t many, uint64_t nfew)
{
    uint64_t n = 0;
    int rc = 0;
    while (many - few > 1 && !rc) {
        int64_t middle = few + (many - few) / 2;
        w->lo = from - middle;
        rc = count_window(w, &n);
        if (!rc && n >= w->wanted && n <= WINDOW_MAX)
            return 0;
        if (n > WINDOW_MAX) {
            many = middle;
        } else {
            few = middle;
            nfew = n;
        }
    }
    w->lo = from - few;
    return rc || nfew ? rc : cut_second(w, from - many);
}

/* The latest window of known times, which hold n rows in all. */
static int gallop(struct newest *w, uint64_t n)
{
    int64_t now = (int64_t)time(NULL) + 1, from = w->at < now ? w->at : now, few = -1;
    uint64_t nfew = 0, some = 0;
    int rc = 0;
    for (int64_t length = HOUR; length < from - OLDEST && length < CENTURY; length *= FAR) {
        w->lo = from - length;
        rc = count_window(w, &some);
        if (rc || (some >= w->wanted && some <= WINDOW_MAX))
            return rc;
        if (some > WINDOW_MAX)
            return halve(w, from, few, length, nfew);
        few = length;
        nfew = some;
    }
    w->lo = OLDEST;
    return n <= WINDOW_MAX ? 0 : halve(w, from, few, from - OLDEST, nfew);
}

/* *empty: there is nothing more. */
static int find_window(struct newest *w, bool *empty)
{
    uint64_t n = 0;
    w->second = false;
    w->lo = INT64_MIN;
    int rc = count_window(w, &n);
    *empty = !rc && n == 0;
    if (rc || n <= WINDOW_MAX)
        return rc;
    w->lo = OLDEST;
    rc = w->at > OLDEST ? count_window(w, &n) : 0;
    if (rc || (w->at > OLDEST && n > 0))
        return rc ? rc : gallop(w, n);
    if (w->at > INT64_MIN) { /* only times are left that are not known */
        w->at = INT64_MIN;
        w->id = INT64_MAX;
    }
    return cut_second(w, INT64_MIN);
}

/* ---- rows of a window ---- */

struct row {
    int64_t at, id;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? 1 : -1;
    return (x->id < y->id) - (x->id > y->id);
}

static int fetch(struct newest *w, struct row **rows, size_t *n)
{
    static const struct milvus_field fields[] = {{"id", MILVUS_INT, 0},
                                                 {"added_at", MILVUS_INT, 0}};
    struct milvus_rows *got = NULL;
    int rc = write_expr(w);
    const struct milvus_query q = {
        .which = MILVUS_PICTURES, .expr = w->expr.data, .fields = fields, .nfields = 2};
    rc = rc ? rc : milvus_query(w->f->m, &q, &got, w->err);
    *n = rc ? 0 : milvus_rows_n(got);
    *rows = rc ? NULL : mem_calloc(*n, sizeof **rows, w->err);
    for (size_t i = 0; *rows && i < *n; i++)
        (*rows)[i] = (struct row){milvus_rows_int(got, 1, i), milvus_rows_int(got, 0, i)};
    milvus_rows_free(got);
    if (*rows)
        qsort(*rows, *n, sizeof **rows, compare_rows);
    return rc ? rc : *rows ? 0 : EYE_ENOMEM;
}

/* Rows [n] in order, of which only those that pass stay, until `most` do. */
static int keep_rows(struct newest *w, struct row *rows, size_t n, size_t most, size_t *kept)
{
    enum { SOME = 512 };
    int rc = 0;
    *kept = 0;
    for (size_t at = 0; at < n && *kept < most && !rc; at += SOME) {
        struct store_ids ids = {NULL, 0, 0};
        size_t end = w->scope.expr.exact || n - at < SOME ? n : at + SOME;
        for (size_t i = at; i < end && !rc; i++)
            rc = store_ids_add(&ids, rows[i].id, w->err);
        rc = rc ? rc : store_ids_settle(&ids, w->err);
        rc = rc ? rc : milvus_scope_keep(&w->scope, NULL, &ids, w->err);
        for (size_t i = at; i < end && !rc && *kept < most; i++)
            if (store_ids_has(&ids, rows[i].id))
                rows[(*kept)++] = rows[i];
        store_ids_free(&ids);
        if (end == n)
            break;
    }
    return rc;
}

/* The next page begins behind the window. *last: there is nothing behind it. */
static void go_on(struct newest *w, bool *last)
{
    *last = !w->second && w->lo == INT64_MIN;
    w->at = w->lo;
    w->id = w->second ? w->least_id : INT64_MIN;
    if (w->second && w->least_id == 0 && w->lo == INT64_MIN)
        *last = true;
}

static int take_windows(struct newest *w, int64_t *ids, int64_t *ats, size_t max, size_t *n)
{
    bool last = false;
    int rc = 0;
    while (*n < max && !last && !rc) {
        struct row *rows = NULL;
        size_t have = 0, kept = 0;
        w->wanted = (max - *n) * (w->scope.expr.exact ? 1 : 8);
        w->wanted = w->wanted < WINDOW_MAX ? w->wanted : WINDOW_MAX / 2;
        rc = find_window(w, &last);
        if (rc || last)
            return rc;
        rc = fetch(w, &rows, &have);
        rc = rc ? rc : keep_rows(w, rows, have, max - *n, &kept);
        for (size_t i = 0; i < kept && !rc; i++, (*n)++) {
            ids[*n] = rows[i].id;
            if (ats)
                ats[*n] = rows[i].at;
        }
        free(rows);
        go_on(w, &last);
    }
    return rc;
}

int milvus_find_newest(const struct milvus_finder *f, const struct store_where *where,
                       int64_t before_at, int64_t before_id, int64_t *ids, int64_t *ats, size_t max,
                       size_t *n, struct eye_err *err)
{
    struct newest w = {.f = f, .at = before_at, .id = before_id, .err = err};
    *n = 0;
    buf_init(&w.expr, SIZE_MAX / 2);
    int rc = milvus_scope_open(&w.scope, f, where, MILVUS_IDS_MAX, err);
    if (!rc && w.scope.expr.says != MILVUS_NOTHING)
        rc = take_windows(&w, ids, ats, max, n);
    milvus_scope_release(&w.scope);
    buf_release(&w.expr);
    return rc;
}
