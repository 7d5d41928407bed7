/* sqlite_segments.c - which files of the quantised index count.
 *
 * A file counts from when a row here names it, and no longer when the row is gone: rows are exchanged in one transaction, so there is no
 * moment at which a vector is in two of them or in none. model.switches counts these exchanges. Who made a file says which count
 * it started from; if another was quicker, nothing is changed. So two that build at once, by whatever mishap, do no harm. */
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

static int add_segment(struct store_segment **v, size_t *n, struct query *q, struct eye_err *err)
{
    struct store_segment *grown = mem_realloc(*v, *n + 1, sizeof *grown, err);
    if (!grown)
        return EYE_ENOMEM;
    *v = grown;
    struct store_segment *seg = &grown[*n];
    size_t len;
    const void *name = query_get_bytes(q, 2, &len);
    *seg = (struct store_segment){.model = query_get_int(q, 0),
                                  .upto = query_get_int(q, 1),
                                  .rows = (uint64_t)query_get_int(q, 3),
                                  .bytes = (uint64_t)query_get_int(q, 4)};
    if (len == 0 || len >= sizeof seg->name || memchr(name, '/', len) || memchr(name, 0, len))
        return eye_fail(err, EYE_EFORMAT, "%s is damaged: the index has a file without a name",
                        q->s->path);
    memcpy(seg->name, name, len);
    ++*n;
    return 0;
}

int store_segments(struct store *s, int64_t model, struct store_segment **out, size_t *n,
                   struct eye_err *err)
{
    struct query q;
    int rc;
    *out = NULL;
    *n = 0;
    if (s->version < 3)
        return 0;
    query_open(&q, s,
               "SELECT model, upto, name, rows, bytes FROM segment WHERE ?1 = 0 OR model = ?1"
               " ORDER BY model, upto, name");
    query_int(&q, model);
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = add_segment(out, n, &q, err)) != 0)
            break;
    query_done(&q);
    if (rc) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return rc;
}

/* ---- exchanging ---- */

static int count_switch(struct store *s, int64_t model, const struct store_switch *sw,
                        struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "UPDATE model SET switches = switches + ?3, log_from = max(log_from, ?4)"
               " WHERE id = ?1 AND switches = ?2");
    query_int(&q, model);
    query_int(&q, sw->switches);
    query_int(&q, sw->made || sw->ngone ? 1 : 0);
    query_int(&q, sw->log_from);
    int rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_EBUSY, "%s: another process has changed the index meanwhile",
                      s->path);
    return rc;
}

static int remove_row(struct store *s, int64_t model, const char *name, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "DELETE FROM segment WHERE model = ?1 AND name = ?2");
    query_int(&q, model);
    query_text(&q, name);
    return query_run(&q, err);
}

static int add_row(struct store *s, int64_t model, const struct store_segment *seg,
                   struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "INSERT INTO segment(model, upto, name, rows, bytes) VALUES(?1, ?2, ?3, ?4, ?5)");
    query_int(&q, model);
    query_int(&q, seg->upto);
    query_text(&q, seg->name);
    query_int(&q, (int64_t)seg->rows);
    query_int(&q, (int64_t)seg->bytes);
    return query_run(&q, err);
}

int store_segment_switch(struct store *s, int64_t model, const struct store_switch *sw,
                         struct eye_err *err)
{
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    rc = count_switch(s, model, sw, err);
    for (size_t i = 0; !rc && i < sw->ngone; i++)
        rc = remove_row(s, model, sw->gone[i], err);
    if (!rc && sw->made)
        rc = add_row(s, model, sw->made, err);
    return store_write_end(s, own, rc, err);
}
