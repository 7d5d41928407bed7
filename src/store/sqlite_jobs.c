/* sqlite_jobs.c - jobs as rows.
 *
 * Several threads write to one job (a request adds a file while the runner counts another), so counts are added to in
 * SQL, never read, changed and written back. A job is finished when it has finished_at; nothing moves it after that.
 *
 * `version` is the clock in milliseconds, or one more than it was: it grows with each change, also of what was
 * lost with a killed process, without a counter that two of them could disagree about. */
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "store/sqlite.h"

static int64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void store_job_change(struct query *q, struct store *s, const char *sql)
{
    query_open(q, s, sql);
    query_int(q, milliseconds());
}

/* ---- jobs ---- */

int store_job_new(struct store *s, int kind, int state, const char *title, int64_t *id,
                  struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s,
               "INSERT INTO job(version, kind, state, title, created_at, added_at)"
               " VALUES(?1, ?2, ?3, ?4, ?1 / 1000, ?1 / 1000)");
    query_int(&q, milliseconds());
    query_int(&q, kind);
    query_int(&q, state);
    query_path(&q, title);
    rc = query_run(&q, err);
    if (!rc)
        *id = store_last_id(s);
    return store_write_end(s, own, rc, err);
}

void store_job_release(struct store_job *job)
{
    free(job->title);
    free(job->note);
    memset(job, 0, sizeof *job);
}

#define JOB_COLUMNS                                                                                \
    "SELECT id, kind, state, title, note, total, done, indexed, duplicates, unchanged, removed,"   \
    " failed, created_at, finished_at, version FROM job"

static uint64_t get_count(struct query *q, int col)
{
    return (uint64_t)query_get_int(q, col);
}

static int read_job(struct query *q, struct store_job *job, struct eye_err *err)
{
    *job =
        (struct store_job){.id = query_get_int(q, 0),
                           .kind = (int)query_get_int(q, 1),
                           .state = (int)query_get_int(q, 2),
                           .title = query_dup(q, 3, err),
                           .note = query_dup(q, 4, err),
                           .total = get_count(q, 5),
                           .done = get_count(q, 6),
                           .indexed = get_count(q, 7),
                           .duplicates = get_count(q, 8),
                           .unchanged = get_count(q, 9),
                           .removed = get_count(q, 10),
                           .failed = get_count(q, 11),
                           .created_at = query_get_int(q, 12),
                           .finished_at = query_is_null(q, 13) ? INT64_MIN : query_get_int(q, 13),
                           .version = query_get_int(q, 14)};
    return job->title && job->note ? 0 : EYE_ENOMEM;
}

static int no_job(int64_t id, struct eye_err *err)
{
    return eye_fail(err, EYE_ENOTFOUND, "there is no job %lld", (long long)id);
}

int store_job_get(struct store *s, int64_t id, struct store_job *out, struct eye_err *err)
{
    struct query q;
    if (s->version < 2)
        return no_job(id, err);
    query_open(&q, s, JOB_COLUMNS " WHERE id = ?");
    query_int(&q, id);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : no_job(id, err);
    rc = read_job(&q, out, err);
    query_done(&q);
    if (rc)
        store_job_release(out);
    return rc;
}

int store_jobs(struct store *s, int64_t before, size_t limit, struct store_job **jobs, size_t *n,
               struct eye_err *err)
{
    struct query q;
    int rc;
    *jobs = NULL;
    *n = 0;
    if (s->version < 2 || limit == 0)
        return 0;
    query_open(&q, s, JOB_COLUMNS " WHERE id < ? ORDER BY id DESC LIMIT ?");
    query_int(&q, before > 0 ? before : INT64_MAX);
    query_int(&q, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    while ((rc = query_step(&q, err)) == 1) {
        struct store_job *more = mem_realloc(*jobs, *n + 1, sizeof *more, err);
        rc = more ? read_job(&q, &more[*n], err) : EYE_ENOMEM;
        if (more) {
            *jobs = more;
            ++*n;
        }
        if (rc)
            break;
    }
    query_done(&q);
    if (rc) {
        store_jobs_free(*jobs, *n);
        *jobs = NULL;
        *n = 0;
    }
    return rc;
}

void store_jobs_free(struct store_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_job_release(&jobs[i]);
    free(jobs);
}

/* kind 0 is an upload, state 0 is open, as an item in state 0 waits: eye_jobs.h. */
int store_job_next(struct store *s, bool upload, int64_t *id, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               upload ? "SELECT id FROM job WHERE finished_at IS NULL AND kind = 0 AND (state <> 0"
                        " OR EXISTS(SELECT 1 FROM job_item WHERE job = job.id AND state = 0))"
                        " ORDER BY id LIMIT 1"
                      : "SELECT id FROM job WHERE finished_at IS NULL AND kind > 0"
                        " ORDER BY id LIMIT 1");
    return query_one_int(&q, id, err);
}

int store_job_move(struct store *s, int64_t id, int last, int state, bool final, bool *changed,
                   struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    store_job_change(&q, s,
                     "UPDATE job SET " STORE_NEXT_VERSION
                     ", state = ?2, finished_at = iif(?3, ?1 / 1000, NULL)"
                     " WHERE id = ?4 AND state <= ?5 AND state <> ?2 AND finished_at IS NULL");
    query_int(&q, state);
    query_int(&q, final);
    query_int(&q, id);
    query_int(&q, last);
    rc = query_run(&q, err);
    *changed = !rc && store_changes(s) > 0;
    return store_write_end(s, own, rc, err);
}

int store_job_note(struct store *s, int64_t id, const char *note, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    store_job_change(
        &q, s, "UPDATE job SET " STORE_NEXT_VERSION ", note = ?2 WHERE id = ?3 AND note <> ?2");
    query_text(&q, note);
    query_int(&q, id);
    return store_write_end(s, own, query_run(&q, err), err);
}

int store_job_count(struct store *s, const struct store_job *job, bool add, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    store_job_change(
        &q, s,
        add ? "UPDATE job SET " STORE_NEXT_VERSION ", total = total + ?2, done = done + ?3,"
              " indexed = indexed + ?4, duplicates = duplicates + ?5,"
              " unchanged = unchanged + ?6, removed = removed + ?7, failed = failed + ?8"
              " WHERE id = ?9"
            : "UPDATE job SET version = max(version, ?10), total = ?2, done = ?3,"
              " indexed = ?4, duplicates = ?5, unchanged = ?6, removed = ?7, failed = ?8"
              " WHERE id = ?9 AND ?1");
    query_int(&q, (int64_t)job->total);
    query_int(&q, (int64_t)job->done);
    query_int(&q, (int64_t)job->indexed);
    query_int(&q, (int64_t)job->duplicates);
    query_int(&q, (int64_t)job->unchanged);
    query_int(&q, (int64_t)job->removed);
    query_int(&q, (int64_t)job->failed);
    query_int(&q, job->id);
    if (!add)
        query_int(&q, job->version);
    return store_write_end(s, own, query_run(&q, err), err);
}

int store_jobs_expire(struct store *s, int state, int closed, int64_t before, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    store_job_change(&q, s,
                     "UPDATE job SET " STORE_NEXT_VERSION ", state = ?2"
                     " WHERE finished_at IS NULL AND state = ?3 AND added_at < ?4");
    query_int(&q, closed);
    query_int(&q, state);
    query_int(&q, before);
    return store_write_end(s, own, query_run(&q, err), err);
}

int store_job_untidy(struct store *s, int state, int64_t *id, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT id FROM job WHERE finished_at IS NOT NULL AND state = ? AND EXISTS("
               "SELECT 1 FROM job_item WHERE job = job.id AND state = 0) LIMIT 1");
    query_int(&q, state);
    return query_one_int(&q, id, err);
}

int store_jobs_prune(struct store *s, int kind, size_t keep, struct eye_err *err)
{
    struct query q;
    bool own;
    int64_t last = 0;
    query_open(&q, s,
               "SELECT id FROM job WHERE finished_at IS NOT NULL AND (?1 < 0 OR kind = ?1)"
               " ORDER BY id DESC LIMIT 1 OFFSET ?2");
    query_int(&q, kind);
    query_int(&q, (int64_t)keep);
    int rc = query_one_int(&q, &last, err);
    if (rc)
        return rc == EYE_ENOTFOUND ? 0 : rc;
    rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s,
               "DELETE FROM job WHERE finished_at IS NOT NULL AND id <= ?1"
               " AND (?2 < 0 OR kind = ?2)");
    query_int(&q, last);
    query_int(&q, kind);
    return store_write_end(s, own, query_run(&q, err), err);
}
