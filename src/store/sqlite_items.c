/* sqlite_items.c - the files of uploads, as rows. What an item does to the counts of its job happens in the same transaction. */
#include "base/buf.h"
#include "store/sqlite.h"

/* One more item in the job, if it takes any: its number. */
static int next_seq(struct store *s, const struct store_item *item, int open, int64_t *seq,
                    struct eye_err *err)
{
    struct query q;
    struct store_job job;
    bool failed = item->code != 0;
    store_job_change(&q, s,
                     "UPDATE job SET " STORE_NEXT_VERSION ", items = items + 1, total = total + 1,"
                     " done = done + ?2, failed = failed + ?2, added_at = ?1 / 1000"
                     " WHERE id = ?3 AND finished_at IS NULL AND (?4 < 0 OR state = ?4)"
                     " RETURNING items");
    query_int(&q, failed);
    query_int(&q, item->job);
    query_int(&q, open);
    int rc = query_step(&q, err);
    if (rc == 1) {
        *seq = query_get_int(&q, 0);
        return query_run(&q, err);
    }
    if (rc == 0)
        rc = store_job_get(s, item->job, &job, err);
    if (rc)
        return rc;
    store_job_release(&job);
    return eye_fail(err, EYE_EBUSY, "job %lld takes no more files", (long long)item->job);
}

static int add_item(struct store *s, const struct store_item *item, int open, int64_t *seq,
                    struct eye_err *err)
{
    struct query q;
    int rc = next_seq(s, item, open, seq, err);
    if (rc)
        return rc;
    query_open(&q, s,
               "INSERT INTO job_item(job, seq, parent, name, state, size, reason, code)"
               " VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    query_int(&q, item->job);
    query_int(&q, *seq);
    query_int(&q, item->parent);
    query_path(&q, item->name);
    query_int(&q, item->state);
    query_int(&q, (int64_t)item->size);
    query_text(&q, item->reason ? item->reason : "");
    query_int(&q, item->code);
    return query_run(&q, err);
}

int store_item_add(struct store *s, const struct store_item *item, int open, int64_t *seq,
                   struct eye_err *err)
{
    bool own;
    int rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, add_item(s, item, open, seq, err), err);
}

static int read_item(struct query *q, int64_t job, struct store_item *item, struct eye_err *err)
{
    bool placed = !query_is_null(q, 6);
    *item = (struct store_item){.job = job,
                                .seq = query_get_int(q, 0),
                                .parent = query_get_int(q, 1),
                                .name = query_dup(q, 2, err),
                                .state = (int)query_get_int(q, 3),
                                .picture = query_get_int(q, 4),
                                .size = (uint64_t)query_get_int(q, 5),
                                .place = placed ? query_dup(q, 6, err) : NULL,
                                .reason = query_dup(q, 7, err),
                                .code = (int)query_get_int(q, 8)};
    return item->name && item->reason && (item->place || !placed) ? 0 : EYE_ENOMEM;
}

#define ITEM_COLUMNS                                                                               \
    "SELECT seq, parent, name, state, picture, size, place, reason, code FROM job_item"            \
    " WHERE job = ?1 AND seq > ?2"

int store_items(struct store *s, int64_t job, int64_t after, size_t limit, int state,
                struct store_item **items, size_t *n, struct eye_err *err)
{
    struct query q;
    int rc;
    *items = NULL;
    *n = 0;
    if (s->version < 2 || limit == 0)
        return 0;
    query_open(&q, s,
               state < 0 ? ITEM_COLUMNS " ORDER BY seq LIMIT ?3"
                         : ITEM_COLUMNS " AND state = ?4 ORDER BY seq LIMIT ?3");
    query_int(&q, job);
    query_int(&q, after);
    query_int(&q, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    if (state >= 0)
        query_int(&q, state);
    while ((rc = query_step(&q, err)) == 1) {
        struct store_item *more = mem_realloc(*items, *n + 1, sizeof *more, err);
        rc = more ? read_item(&q, job, &more[*n], err) : EYE_ENOMEM;
        if (more) {
            *items = more;
            ++*n;
        }
        if (rc)
            break;
    }
    query_done(&q);
    if (rc) {
        store_items_free(*items, *n);
        *items = NULL;
        *n = 0;
    }
    return rc;
}

void store_items_free(struct store_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(items[i].name);
        free(items[i].place);
        free(items[i].reason);
    }
    free(items);
}

int store_item_place(struct store *s, int64_t job, int64_t seq, const char *place,
                     struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s, "UPDATE job_item SET place = ? WHERE job = ? AND seq = ?");
    if (place)
        query_path(&q, place);
    else
        query_null(&q);
    query_int(&q, job);
    query_int(&q, seq);
    return store_write_end(s, own, query_run(&q, err), err);
}

int store_item_set(struct store *s, const struct store_item *item, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s,
               "UPDATE job_item SET state = ?, picture = ?, reason = ?, code = ?, place = ?"
               " WHERE job = ? AND seq = ?");
    query_int(&q, item->state);
    query_int(&q, item->picture);
    query_text(&q, item->reason ? item->reason : "");
    query_int(&q, item->code);
    if (item->place)
        query_path(&q, item->place);
    else
        query_null(&q);
    query_int(&q, item->job);
    query_int(&q, item->seq);
    return store_write_end(s, own, query_run(&q, err), err);
}

/* Nothing of a zip is worked on before all of it is unpacked, so its files either wait or had failed by their names. */
static int drop_item(struct store *s, int64_t job, int64_t seq, bool whole, struct eye_err *err)
{
    struct query q;
    int64_t n = whole, failed = 0;
    int rc = 0;
    if (!whole) {
        query_open(&q, s,
                   "SELECT count(*), coalesce(sum(code <> 0), 0) FROM job_item"
                   " WHERE job = ? AND parent = ?");
        query_int(&q, job);
        query_int(&q, seq);
        rc = query_step(&q, err);
        if (rc < 0)
            return rc;
        n = query_get_int(&q, 0);
        failed = query_get_int(&q, 1);
        query_done(&q);
    }
    if (n == 0)
        return 0;
    query_open(&q, s,
               whole ? "DELETE FROM job_item WHERE job = ? AND seq = ?"
                     : "DELETE FROM job_item WHERE job = ? AND parent = ?");
    query_int(&q, job);
    query_int(&q, seq);
    rc = query_run(&q, err);
    if (rc)
        return rc;
    store_job_change(&q, s,
                     "UPDATE job SET " STORE_NEXT_VERSION ", total = total - ?2, done = done - ?3,"
                     " failed = failed - ?3 WHERE id = ?4");
    query_int(&q, n);
    query_int(&q, failed);
    query_int(&q, job);
    return query_run(&q, err);
}

int store_item_drop(struct store *s, int64_t job, int64_t seq, bool whole, struct eye_err *err)
{
    bool own;
    int rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, drop_item(s, job, seq, whole, err), err);
}

int store_item_leftover(struct store *s, int64_t *job, int64_t *seq, char **place,
                        struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT job, seq, place FROM job_item WHERE place IS NOT NULL AND state <> 0"
               " LIMIT 1");
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : EYE_ENOTFOUND;
    *job = query_get_int(&q, 0);
    *seq = query_get_int(&q, 1);
    *place = query_dup(&q, 2, err);
    query_done(&q);
    return *place ? 0 : EYE_ENOMEM;
}

int store_unzips_undo(struct store *s, struct eye_err *err)
{
    struct query q;
    int rc = 0;
    for (bool more = true; more && !rc;) {
        query_open(&q, s,
                   "SELECT c.job, c.parent FROM job_item AS c JOIN job_item AS z"
                   " ON z.job = c.job AND z.seq = c.parent AND z.state = 0 LIMIT 1");
        rc = query_step(&q, err);
        more = rc == 1;
        int64_t job = more ? query_get_int(&q, 0) : 0, seq = more ? query_get_int(&q, 1) : 0;
        query_done(&q);
        if (rc >= 0)
            rc = more ? store_item_drop(s, job, seq, false, err) : 0;
    }
    return rc;
}

int store_each_waiting(struct store *s, int (*fn)(void *ctx, int64_t job, int64_t seq), void *ctx,
                       struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, s,
               "SELECT job, seq FROM job CROSS JOIN job_item ON job = id AND job_item.state = 0");
    while ((rc = query_step(&q, err)) == 1) {
        rc = fn(ctx, query_get_int(&q, 0), query_get_int(&q, 1));
        if (rc)
            break;
    }
    query_done(&q);
    return rc;
}

int sqlite_file_of(struct store *s, int64_t picture, int64_t root, const char *not_rel, char **rel,
                   struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT rel FROM file WHERE picture = ? AND root = ? AND rel IS NOT ? LIMIT 1");
    query_int(&q, picture);
    query_int(&q, root);
    if (not_rel)
        query_path(&q, not_rel);
    else
        query_null(&q);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : EYE_ENOTFOUND;
    *rel = query_dup(&q, 0, err);
    query_done(&q);
    return *rel ? 0 : EYE_ENOMEM;
}

int store_item_places(struct store *s, const char *place, bool *there, struct eye_err *err)
{
    struct query q;
    int64_t found = 0;
    *there = false;
    if (s->version < 2)
        return 0;
    query_open(&q, s, "SELECT EXISTS(SELECT 1 FROM job_item WHERE place = ?)");
    query_path(&q, place);
    int rc = query_one_int(&q, &found, err);
    *there = found != 0;
    return rc;
}
