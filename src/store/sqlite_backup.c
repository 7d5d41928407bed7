/* sqlite_backup.c - a copy of library.db as of one moment, taken while others read and write; and reading the whole library in order.
 *
 * SQLite's online backup, from inside a read transaction: its snapshot stays the same however many commits come meanwhile, so the
 * copy never has to begin again (without it a backup in steps restarts at each commit of another connection, and beside an
 * indexing server never ends). The log may not be trimmed below the snapshot for as long.
 *
 * What the copy leaves out is what belongs to this machine or can be made again: segments of the index and the log for them
 * (their absence makes the next program build them), and jobs, whose files lie in the spool. VACUUM INTO was the
 * alternative: it writes a smaller file in three times the time, and tells nothing of its progress. The copy is not synced to disk: it
 * is the stuff that a backup is made of, and that one is. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/schema.h"

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
    if (s->db && !s->in_txn && !sqlite3_get_autocommit(s->db))
        store_exec_raw(s, "COMMIT");
}

/* rc: of the copy, unless it says that the library itself cannot be read. */
static int fail_at(struct store *s, const char *path, sqlite3 *db, int rc, struct eye_err *err)
{
    int kind = rc & 0xff;
    if (kind == SQLITE_FULL)
        return eye_fail(err, EYE_EIO, "%s: the disk is full", path);
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
        return eye_fail(err, EYE_EFORMAT, "%s is damaged: 'eyeshine verify' says where", s->path);
    if (rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ)
        return eye_fail(err, EYE_EIO, "%s cannot be read to its end: is its disk failing?",
                        s->path);
    return eye_fail(err, kind == SQLITE_NOMEM ? EYE_ENOMEM : EYE_EIO,
                    "%s: the copy of the database cannot be written: %s", path,
                    db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

static int copy_pages(struct store *s, sqlite3 *to, const char *path, store_progress_fn *progress,
                      void *ctx, struct eye_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", s->db, "main");
    if (!b)
        return fail_at(s, path, to, sqlite3_extended_errcode(to), err);
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
    return rc == SQLITE_OK ? 0 : fail_at(s, path, to, rc, err);
}

static int leave_out(struct store *s, sqlite3 *to, const char *path, struct eye_err *err)
{
    static const char *const layout3 = "BEGIN;"
                                       "DELETE FROM segment;"
                                       "DELETE FROM vector_log;"
                                       "UPDATE model SET log_from = changes;"
                                       "COMMIT";
    static const char *const layout2 = "BEGIN;"
                                       "DELETE FROM job_item;"
                                       "DELETE FROM job;"
                                       "COMMIT";
    int rc = s->version >= 3 ? sqlite3_exec(to, layout3, NULL, NULL, NULL) : SQLITE_OK;
    if (rc == SQLITE_OK && s->version >= 2)
        rc = sqlite3_exec(to, layout2, NULL, NULL, NULL);
    if (rc == SQLITE_OK) /* so that the one file is all there is */
        rc = sqlite3_exec(to, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail_at(s, path, to, rc, err);
}

/* The new file, for nobody else's eyes; SQLite would give it the umask's mode. */
static int open_copy(struct store *s, const char *path, sqlite3 **to, struct eye_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return eye_fail(err, EYE_EEXIST, "%s is there already", path);
    if (fd < 0)
        return eye_fail_errno(err, errno, "%s: cannot be made", path);
    close(fd);
    int rc = sqlite3_open_v2(path, to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*to, "PRAGMA synchronous = OFF; PRAGMA mmap_size = 0", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail_at(s, path, *to, rc, err);
}

int store_backup(struct store *s, const char *path, store_progress_fn *progress, void *ctx,
                 struct eye_err *err)
{
    sqlite3 *to = NULL;
    int rc = open_copy(s, path, &to, err);
    rc = rc ? rc : store_read_begin(s, err);
    if (!rc) {
        rc = copy_pages(s, to, path, progress, ctx, err);
        store_read_end(s);
    }
    rc = rc ? rc : leave_out(s, to, path, err);
    if (sqlite3_close(to) != SQLITE_OK && !rc)
        rc = eye_fail(err, EYE_EIO, "%s: the copy of the database cannot be closed", path);
    return rc;
}

int store_layout(const struct store *s)
{
    return s->version;
}

int store_layout_newest(void)
{
    return SCHEMA_VERSION;
}

int sqlite_pictures_after(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
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
