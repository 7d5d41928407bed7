/* sqlite_changes.c - what happened to a model's vectors since: the mark, the log behind it, and forgetting the log.
 *
 * Triggers write a line for each vector that came or went (schema.c), numbered by model.changes. Whoever has an index in memory as of one
 * number reads what came after it, whatever process did it. Up to model.log_from only deletions are there that a segment must
 * still be told of; who is behind that begins anew.
 *
 * Trimming is no part of the switch to a new segment: a million lines take a second to delete, and nobody else could write for so long.
 * What is left over means nothing (lines up to log_from) or is told to nobody, so a kill between two pages is harmless. */
#include <string.h>

#include "base/buf.h"
#include "store/schema.h"
#include "store/sqlite.h"

enum { TRIM_PAGE = 4096 };

/* The layouts before 3 have no log: who has anything in memory always begins anew. */
static int old_mark(struct store *s, int64_t model, struct store_mark *mark, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "SELECT changes, vectors FROM model WHERE id = ?");
    query_int(&q, model);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    *mark = (struct store_mark){.changes = query_get_int(&q, 0),
                                .vectors = query_get_int(&q, 1),
                                .log_from = query_get_int(&q, 0)};
    query_done(&q);
    return 0;
}

int store_vectors_mark(struct store *s, int64_t model, struct store_mark *mark, struct eye_err *err)
{
    struct query q;
    *mark = (struct store_mark){0};
    if (s->version < 3)
        return old_mark(s, model, mark, err);
    query_open(&q, s, "SELECT changes, vectors, log_from, switches FROM model WHERE id = ?");
    query_int(&q, model);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    *mark = (struct store_mark){query_get_int(&q, 0), query_get_int(&q, 1), query_get_int(&q, 2),
                                query_get_int(&q, 3)};
    query_done(&q);
    return 0;
}

static int add_change(struct store_change **v, size_t *n, size_t *cap, struct query *q,
                      struct eye_err *err)
{
    if (*n == *cap) {
        size_t more = *cap ? 2 * *cap : 256;
        struct store_change *grown = mem_realloc(*v, more, sizeof *grown, err);
        if (!grown)
            return EYE_ENOMEM;
        *v = grown;
        *cap = more;
    }
    (*v)[(*n)++] =
        (struct store_change){query_get_int(q, 0), query_get_int(q, 1), query_get_int(q, 2) != 0};
    return 0;
}

static int read_all(struct query *q, struct store_change **out, size_t *n, struct eye_err *err)
{
    size_t cap = 0;
    int rc;
    *out = NULL;
    *n = 0;
    while ((rc = query_step(q, err)) == 1)
        if ((rc = add_change(out, n, &cap, q, err)) != 0)
            break;
    query_done(q);
    if (rc) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return rc;
}

int store_log(struct store *s, int64_t model, int64_t after, struct store_change **out, size_t *n,
              struct eye_err *err)
{
    struct query q;
    *out = NULL;
    *n = 0;
    if (s->version < 3)
        return 0;
    query_open(&q, s,
               "SELECT change, picture, gone FROM vector_log WHERE model = ?1 AND change > ?2"
               " ORDER BY change");
    query_int(&q, model);
    query_int(&q, after);
    return read_all(&q, out, n, err);
}

/* ---- forgetting ---- */

static int read_page(struct store *s, int64_t model, int64_t upto, struct store_change **page,
                     size_t *n, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT change, picture, gone FROM vector_log WHERE model = ?1 AND change <= ?2"
               " AND change <= (SELECT log_from FROM model WHERE id = ?1)"
               " ORDER BY change DESC LIMIT ?3");
    query_int(&q, model);
    query_int(&q, upto);
    query_int(&q, TRIM_PAGE);
    return read_all(&q, page, n, err);
}

static int forget_puts(struct store *s, int64_t model, int64_t from, int64_t to,
                       struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "DELETE FROM vector_log WHERE model = ?1 AND change BETWEEN ?2 AND ?3 AND gone = 0");
    query_int(&q, model);
    query_int(&q, from);
    query_int(&q, to);
    return query_run(&q, err);
}

static int forget_one(struct store *s, int64_t model, int64_t change, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "DELETE FROM vector_log WHERE model = ?1 AND change = ?2");
    query_int(&q, model);
    query_int(&q, change);
    return query_run(&q, err);
}

static int trim_page(struct store *s, int64_t model, int64_t *upto, store_needed_fn *needed,
                     void *ctx, bool *more, struct eye_err *err)
{
    struct store_change *page;
    size_t n;
    int rc = read_page(s, model, *upto, &page, &n, err);
    if (!rc && n)
        rc = forget_puts(s, model, page[n - 1].change, page[0].change, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (page[i].gone && !needed(ctx, &page[i]))
            rc = forget_one(s, model, page[i].change, err);
    *more = n == TRIM_PAGE;
    if (n)
        *upto = page[n - 1].change - 1;
    free(page);
    return rc;
}

int store_log_trim(struct store *s, int64_t model, int64_t *upto, store_needed_fn *needed,
                   void *ctx, bool *more, struct eye_err *err)
{
    bool own;
    *more = false;
    int rc = store_write_begin(s, &own, err);
    return rc ? rc
              : store_write_end(s, own, trim_page(s, model, upto, needed, ctx, more, err), err);
}
