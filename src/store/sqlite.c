/* sqlite.c - opening library.db, and transactions.
 *
 * WAL with synchronous=NORMAL. What that can lose:
 *  - kill -9, or a crash of the program, at any moment: the open transaction, nothing that was committed. The next open
 *    rolls the log forward.
 *  - power loss: the transactions committed since the log was last synced (a checkpoint, each 1000 pages or at
 *    close), always the newest and always whole. The library stays consistent; an index run finds those
 *    files unknown and embeds them again. Syncing each commit (FULL) would keep them, and for batches costs
 *    next to nothing, but makes single changes ten times slower; nothing here is dear enough, all of it can be computed again.
 *
 * mmap is off: a read error or a file cut short would be a SIGBUS instead of an error message.
 *
 * A library on a read-only file system: WAL needs to make its shared memory beside the database. There, and only there
 * (statvfs says so and no log is left over), it is opened as immutable; a folder that merely forbids writing
 * is not: someone else may write to it meanwhile. */
#include "store/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/fs.h"
#include "store/schema.h"

void store_wait_set(struct store *s, int ms)
{
    sqlite3_busy_timeout(s->db, ms);
}

/* SQLite tells here what a statement, with all its triggers, will write to. What no filter asks for does not count. */
static int on_authorize(void *ctx, int action, const char *table, const char *column,
                        const char *base, const char *trigger)
{
    static const char *const unasked[] = {"phash", "mosaic", "offline",   "last_scan",
                                          "code",  "reason", "failed_at", "attempts"};
    struct store *s = ctx;
    (void)base, (void)trigger;
    if (action != SQLITE_INSERT && action != SQLITE_UPDATE && action != SQLITE_DELETE)
        return SQLITE_OK;
    if (strcmp(table, "picture") != 0 && strcmp(table, "file") != 0 && strcmp(table, "root") != 0)
        return SQLITE_OK;
    if (action == SQLITE_UPDATE)
        for (size_t i = 0; i < sizeof unasked / sizeof *unasked; i++)
            if (strcmp(column, unasked[i]) == 0)
                return SQLITE_OK;
    s->touching = true;
    return SQLITE_OK;
}

static int configure(struct store *s, struct eye_err *err)
{
    store_wait_set(s, STORE_WAIT_MS);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_set_authorizer(s->db, on_authorize, s);
    return store_exec(s,
                      "PRAGMA trusted_schema = OFF;"
                      "PRAGMA cell_size_check = ON;"
                      "PRAGMA mmap_size = 0;"
                      "PRAGMA foreign_keys = ON;"
                      "PRAGMA synchronous = NORMAL;"
                      "PRAGMA temp_store = MEMORY;"
                      "PRAGMA journal_size_limit = 67108864;"
                      "PRAGMA cache_size = -16384",
                      err);
}

/* "file:/a%20b/library.db?immutable=1" */
static int immutable_uri(const char *path, struct buf *uri, struct eye_err *err)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    int rc = buf_puts(uri, "file:", err);
    for (const char *c = path; *c && !rc; c++)
        rc = strchr(plain, *c) ? buf_putc(uri, *c, err)
                               : buf_printf(uri, err, "%%%02X", (unsigned)(unsigned char)*c);
    return rc ? rc : buf_puts(uri, "?immutable=1", err);
}

static int open_connection(struct store *s, const char *name, int flags, struct eye_err *err)
{
    int rc =
        sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        return configure(s, err);
    return s->db ? store_fail(s, rc, err) : eye_fail(err, EYE_ENOMEM, "%s: out of memory", s->path);
}

static void close_connection(struct store *s)
{
    for (size_t i = 0; i < s->nstatements; i++)
        sqlite3_finalize(s->statements[i].stmt);
    s->nstatements = 0;
    sqlite3_close(s->db);
    s->db = NULL;
}

static bool is_on_read_only_medium(const struct store *s)
{
    struct statvfs fs;
    return statvfs(s->path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* 1 when the database lies on a read-only file system and was closed cleanly; 0 or an error otherwise. */
static int is_frozen(const struct store *s, struct eye_err *err)
{
    if (!is_on_read_only_medium(s))
        return 0;
    struct buf wal;
    struct stat st;
    buf_init(&wal, 65536);
    int rc = buf_printf(&wal, err, "%s-wal", s->path);
    if (!rc && stat(wal.data, &st) == 0 && st.st_size > 0)
        rc = eye_fail(err, EYE_EIO,
                      "%s was not closed cleanly and lies on a read-only file system: "
                      "open it once where it can be written",
                      s->path);
    buf_release(&wal);
    return rc ? rc : 1;
}

static int open_read_only(struct store *s, struct eye_err *err)
{
    int rc = open_connection(s, s->path, SQLITE_OPEN_READONLY, err);
    if (!rc)
        rc = schema_ready(s, false, err);
    if (rc != EYE_EIO)
        return rc;
    int frozen = is_frozen(s, err);
    if (frozen <= 0)
        return frozen ? frozen
                      : eye_fail(err, EYE_EIO,
                                 "%s cannot be read without write access to its folder: "
                                 "ask for that, or copy the library",
                                 s->path);
    struct buf uri;
    buf_init(&uri, 65536);
    rc = immutable_uri(s->path, &uri, err);
    if (!rc) {
        close_connection(s);
        rc = open_connection(s, uri.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    }
    buf_release(&uri);
    return rc ? rc : schema_ready(s, false, err);
}

static int open_at(struct store *s, const char *dir, bool create, struct eye_err *err)
{
    struct stat st;
    int rc = create ? fs_mkdirs(dir, err) : 0;
    if (rc)
        return rc;
    s->path = fs_join(dir, "library.db", err);
    if (!s->path)
        return EYE_ENOMEM;
    if (stat(s->path, &st)) {
        if (errno != ENOENT && errno != ENOTDIR)
            return eye_fail_errno(err, errno, "%s: cannot open", s->path);
        if (!create)
            return eye_fail(err, EYE_ENOTFOUND, "%s: there is no library here; index makes one",
                            dir);
    } else if (!S_ISREG(st.st_mode)) {
        return eye_fail(err, EYE_EFORMAT, "%s is not a file", s->path);
    }
    /* On a medium that can't be written nobody can want more, and what only reads need not know. */
    s->read_only = s->read_only || is_on_read_only_medium(s);
    if (s->read_only)
        return open_read_only(s, err);
    rc =
        open_connection(s, s->path, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), err);
    return rc ? rc : schema_ready(s, create, err);
}

struct store *store_open(const char *dir, bool create, bool read_only, struct eye_err *err)
{
    struct store *s = mem_calloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    s->ops = &sqlite_ops;
    s->read_only = read_only;
    if (open_at(s, dir, create && !read_only, err)) {
        sqlite_close(s);
        return NULL;
    }
    return s;
}

struct store *sqlite_open_node(const char *dir, struct eye_err *err)
{
    return dir ? store_open(dir, true, false, err) : mem_calloc(1, sizeof(struct store), err);
}

void sqlite_close(struct store *s)
{
    sqlite_rollback(s);
    close_connection(s);
    free(s->path);
    free(s->originals);
    free(s);
}

/* ---- transactions ---- */

int sqlite_begin(struct store *s, struct eye_err *err)
{
    if (!s->db)
        return store_fail(s, SQLITE_MISUSE, err);
    if (s->read_only)
        return eye_fail(err, EYE_EINVAL, "%s is open for reading only", s->path);
    if (s->in_txn)
        return eye_fail(err, EYE_EINTERNAL, "%s: a transaction is open already", s->path);
    int rc = store_exec(s, "BEGIN IMMEDIATE", err);
    s->in_txn = rc == 0;
    s->broken = 0;
    s->touched = false;
    return rc;
}

/* Whoever remembers what passes a filter learns by this number that it may have changed. */
static int new_generation(struct store *s, struct eye_err *err)
{
    struct query q;
    if (!s->touched || s->version < 3)
        return 0;
    query_open(&q, s, "UPDATE state SET generation = generation + 1");
    return query_run(&q, err);
}

int sqlite_commit(struct store *s, struct eye_err *err)
{
    if (!s->in_txn)
        return eye_fail(err, EYE_EINTERNAL, "%s: no transaction is open", s->path);
    int rc = s->broken;
    if (rc)
        eye_fail(err, rc, "%s: a change failed, so all of its transaction was undone", s->path);
    else
        rc = new_generation(s, err);
    if (!rc)
        rc = store_exec(s, "COMMIT", err);
    if (rc) {
        sqlite_rollback(s);
        return rc;
    }
    s->in_txn = false;
    return 0;
}

void sqlite_rollback(struct store *s)
{
    if (!s->in_txn)
        return;
    s->in_txn = s->touched = false;
    s->broken = 0;
    s->model = 0; /* may have been made in this transaction */
    /* SQLite rolls back by itself after some failures, a full disk among them. */
    if (!sqlite3_get_autocommit(s->db))
        store_exec_raw(s, "ROLLBACK");
}

int store_write_begin(struct store *s, bool *own, struct eye_err *err)
{
    *own = !s->in_txn && !s->joins;
    if (!s->in_txn)
        return sqlite_begin(s, err);
    if (s->broken)
        return eye_fail(err, s->broken, "%s: an earlier change of this transaction failed",
                        s->path);
    return 0;
}

int store_write_end(struct store *s, bool own, int rc, struct eye_err *err)
{
    if (!own)
        return rc;
    if (!rc)
        return sqlite_commit(s, err);
    sqlite_rollback(s);
    return rc;
}
