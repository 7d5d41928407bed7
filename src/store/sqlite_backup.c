/* sqlite_backup.c - a copy of library.db as of one moment, taken while others read and write; and reading the whole library in order.
 *
 * SQLite's online backup, from inside a read transaction: its snapshot stays the same however many commits come meanwhile, so the
 * copy never has to begin again (without it a backup in steps restarts at each commit of another connection, and beside an
 * indexing server never ends). The log may not be trimmed below the snapshot for as long.
 *
 * What the copy leaves out is what belongs to this machine or can be made again: segments of the index and the log for them
 * (their absence makes the next program build them), and jobs, whose files lie in the spool. VACUUM INTO was the
 * alternative: it writes a smaller file in three times the time, and tells nothing of its progress. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/sqlite.h"

enum { STEP_PAGES = 2048 };

int store_read_begin(struct store *s, struct eye_err *err)
{
    int64_t any;
    struct query q;
    int rc = store_exec(s, "BEGIN", err);
    if (rc)
        return rc;
    query_open(&q, s, "SELECT count(*) FROM setting"); /* the snapshot is taken by the first read */
    rc = query_one_int(&q, &any, err);
    if (rc)
        store_read_end(s);
    return rc;
}

void store_read_end(struct store *s)
{
    if (!s->in_txn && !sqlite3_get_autocommit(s->db))
        store_exec_raw(s, "COMMIT");
}

static int fail_at(const char *path, sqlite3 *db, int rc, struct eye_err *err)
{
    if ((rc & 0xff) == SQLITE_FULL)
        return eye_fail(err, EYE_EIO, "%s: the disk is full", path);
    return eye_fail(err, (rc & 0xff) == SQLITE_NOMEM ? EYE_ENOMEM : EYE_EIO,
                    "%s: the copy of the database cannot be written: %s", path,
                    db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

static int copy_pages(struct store *s, sqlite3 *to, const char *path, store_progress_fn *progress,
                      void *ctx, struct eye_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", s->db, "main");
    if (!b)
        return fail_at(path, to, SQLITE_ERROR, err);
    int rc, stopped = 0;
    while ((rc = sqlite3_backup_step(b, STEP_PAGES)) == SQLITE_OK && !stopped) {
        uint64_t total = (uint64_t)sqlite3_backup_pagecount(b);
        uint64_t left = (uint64_t)sqlite3_backup_remaining(b);
        stopped = progress && progress(ctx, total - left, total) != 0;
    }
    int finished = sqlite3_backup_finish(b);
    if (stopped)
        return eye_fail(err, EYE_ECANCELLED, "the backup was stopped");
    rc = rc == SQLITE_DONE ? finished : rc;
    return rc == SQLITE_OK ? 0 : fail_at(path, to, rc, err);
}

static int leave_out(sqlite3 *to, const char *path, struct eye_err *err)
{
    static const char *const sql = "BEGIN;"
                                   "DELETE FROM segment;"
                                   "DELETE FROM vector_log;"
                                   "UPDATE model SET log_from = changes;"
                                   "DELETE FROM job_item;"
                                   "DELETE FROM job;"
                                   "COMMIT;"
                                   "PRAGMA wal_checkpoint(TRUNCATE)";
    int rc = sqlite3_exec(to, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail_at(path, to, rc, err);
}

int store_backup(struct store *s, const char *path, store_progress_fn *progress, void *ctx,
                 struct eye_err *err)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(
        path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc == SQLITE_OK ? store_read_begin(s, err) : fail_at(path, to, rc, err);
    if (!rc) {
        rc = copy_pages(s, to, path, progress, ctx, err);
        store_read_end(s);
    }
    if (!rc && s->version >= 3)
        rc = leave_out(to, path, err);
    if (sqlite3_close(to) != SQLITE_OK && !rc)
        rc = eye_fail(err, EYE_EIO, "%s: the copy of the database cannot be closed", path);
    return rc;
}

int store_pictures_after(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                         struct eye_err *err)
{
    struct query q;
    int rc;
    *n = 0;
    query_open(&q, s, "SELECT id FROM picture WHERE id > ?1 ORDER BY id LIMIT ?2");
    query_int(&q, after);
    query_int(&q, (int64_t)max);
    while ((rc = query_step(&q, err)) == 1)
        ids[(*n)++] = query_get_int(&q, 0);
    return rc;
}
