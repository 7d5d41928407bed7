/* sqlite_filter_ids.c - SQL functions that fill sets of picture ids.
 *
 * Rows are collected inside SQLite by an aggregate function: half the time of a sqlite3_step for each (100,000 ids: 4.8 ms
 * against 10.6). A collector that has enough makes its statement fail, which ends it at once. */
#include <sqlite3.h>

#include "store/sqlite_filter.h"

static void take(sqlite3_context *ctx, struct store_collect *c, int64_t id)
{
    if (c->most && c->out->n == c->most) {
        c->stopped = true;
    } else {
        c->rc = store_ids_add(c->out, id, NULL);
        if (!c->rc)
            return;
    }
    sqlite3_result_error(ctx, "enough", -1);
}

static void on_collect(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    const struct store *s = sqlite3_user_data(ctx);
    (void)n;
    take(ctx, s->collect, sqlite3_value_int64(v[0]));
}

static void on_visit(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    const struct store *s = sqlite3_user_data(ctx);
    struct store_collect *c = s->collect;
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    const char *rel = sqlite3_value_blob(v[2]);
    if (c->visit(c->ctx, sqlite3_value_int64(v[1]), rel ? rel : "",
                 (size_t)sqlite3_value_bytes(v[2])))
        take(ctx, c, sqlite3_value_int64(v[0]));
}

static void on_end(sqlite3_context *ctx)
{
    sqlite3_result_null(ctx);
}

/* has_part(text, part): NULL when the text is. */
static void on_part(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    const char *text = (const char *)sqlite3_value_text(v[0]);
    const char *part = (const char *)sqlite3_value_text(v[1]);
    if (text && part)
        sqlite3_result_int(ctx, match_part(text, (size_t)sqlite3_value_bytes(v[0]), part,
                                           (size_t)sqlite3_value_bytes(v[1])));
}

int store_collect_ready(struct store *s, struct eye_err *err)
{
    if (s->collects)
        return 0;
    const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    int rc =
        sqlite3_create_function_v2(s->db, "collect", 1, flags, s, NULL, on_collect, on_end, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(s->db, "visit", 3, flags, s, NULL, on_visit, on_end, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(s->db, "has_part", 2, flags | SQLITE_DETERMINISTIC, s,
                                        on_part, NULL, NULL, NULL);
    s->collects = rc == SQLITE_OK;
    return rc == SQLITE_OK ? 0 : store_fail(s, rc, err);
}

int store_collect_run(struct query *q, struct store_collect *c, struct eye_err *err)
{
    struct store *s = q->s;
    int rc = q->rc;
    s->collect = c;
    if (rc == SQLITE_OK)
        do
            rc = sqlite3_step(q->stmt);
        while (rc == SQLITE_ROW);
    s->collect = NULL;
    if (c->rc)
        rc = eye_fail(err, c->rc, "out of memory for a filter");
    else if (rc == SQLITE_DONE || c->stopped)
        rc = 0;
    else
        rc = store_fail(s, rc, err);
    query_done(q);
    return rc;
}
