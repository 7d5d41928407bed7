/* sqlite_query.c - statements prepared once a connection, and SQLite's errors put into words.
 *
 * Preparing costs more than running for most of our statements (12 us against 3), so each is kept. They are found by
 * the address of their SQL text: a hundred pointers in a row are compared faster than one hash is computed. */
#include "store/sqlite.h"

#include <sqlite3.h>
#include <string.h>

#include "base/buf.h"

static struct sqlite3_stmt *cached(struct store *s, const char *sql, int *rc)
{
    for (size_t i = 0; i < s->nstatements; i++)
        if (s->statements[i].sql == sql) {
            s->touched = s->touched || s->statements[i].touches;
            return s->statements[i].stmt;
        }
    if (!s->db) {
        *rc = SQLITE_MISUSE;
        return NULL;
    }
    if (s->nstatements == STORE_STATEMENTS) {
        *rc = SQLITE_INTERNAL;
        return NULL;
    }
    sqlite3_stmt *stmt = NULL;
    s->touching = false;
    *rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (*rc != SQLITE_OK)
        return NULL;
    s->touched = s->touched || s->touching;
    s->statements[s->nstatements].sql = sql;
    s->statements[s->nstatements].touches = s->touching;
    s->statements[s->nstatements++].stmt = stmt;
    return stmt;
}

void query_open(struct query *q, struct store *s, const char *sql)
{
    *q = (struct query){.s = s, .rc = SQLITE_OK, .next = 1};
    q->stmt = cached(s, sql, &q->rc);
    if (q->stmt && sqlite3_stmt_busy(q->stmt)) {
        /* Someone still reads its rows: starting over would cut them off without a word. */
        q->stmt = NULL;
        q->rc = SQLITE_MISUSE;
    }
}

static void note(struct query *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void query_int(struct query *q, int64_t value)
{
    if (q->stmt)
        note(q, sqlite3_bind_int64(q->stmt, q->next++, value));
}

void query_real(struct query *q, double value)
{
    if (q->stmt)
        note(q, sqlite3_bind_double(q->stmt, q->next++, value));
}

void query_null(struct query *q)
{
    if (q->stmt)
        note(q, sqlite3_bind_null(q->stmt, q->next++));
}

void query_text(struct query *q, const char *text)
{
    if (q->stmt)
        note(q, sqlite3_bind_text(q->stmt, q->next++, text, -1, SQLITE_STATIC));
}

void query_bytes(struct query *q, const void *bytes, size_t len)
{
    /* A NULL pointer would bind SQL NULL, but no bytes are bytes too. */
    if (q->stmt)
        note(q, sqlite3_bind_blob64(q->stmt, q->next++, bytes ? bytes : "", len, SQLITE_STATIC));
}

void query_path(struct query *q, const char *path)
{
    query_bytes(q, path, strlen(path));
}

void query_done(struct query *q)
{
    if (!q->stmt)
        return;
    sqlite3_reset(q->stmt);
    sqlite3_clear_bindings(q->stmt);
    q->stmt = NULL;
}

int query_step(struct query *q, struct eye_err *err)
{
    if (q->rc == SQLITE_OK && q->stmt) {
        int rc = sqlite3_step(q->stmt);
        if (rc == SQLITE_ROW)
            return 1;
        if (rc == SQLITE_DONE) {
            query_done(q);
            return 0;
        }
        q->rc = rc;
    }
    int code = store_fail(q->s, q->rc, err);
    query_done(q);
    return code;
}

int query_run(struct query *q, struct eye_err *err)
{
    int rc;
    do
        rc = query_step(q, err);
    while (rc == 1);
    return rc;
}

int query_one_int(struct query *q, int64_t *value, struct eye_err *err)
{
    int rc = query_step(q, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return EYE_ENOTFOUND;
    *value = query_get_int(q, 0);
    query_done(q);
    return 0;
}

int64_t query_get_int(struct query *q, int col)
{
    return sqlite3_column_int64(q->stmt, col);
}

double query_get_real(struct query *q, int col)
{
    return sqlite3_column_double(q->stmt, col);
}

bool query_is_null(struct query *q, int col)
{
    return sqlite3_column_type(q->stmt, col) == SQLITE_NULL;
}

const void *query_get_bytes(struct query *q, int col, size_t *len)
{
    const void *bytes = sqlite3_column_blob(q->stmt, col);
    *len = (size_t)sqlite3_column_bytes(q->stmt, col);
    return bytes ? bytes : "";
}

char *query_dup(struct query *q, int col, struct eye_err *err)
{
    size_t len;
    const void *bytes = query_get_bytes(q, col, &len);
    char *copy = mem_calloc(len + 1, 1, err);
    if (copy)
        memcpy(copy, bytes, len);
    return copy;
}

int64_t store_changes(struct store *s)
{
    return sqlite3_changes64(s->db);
}

int64_t store_last_id(struct store *s)
{
    return sqlite3_last_insert_rowid(s->db);
}

int store_exec_raw(struct store *s, const char *sql)
{
    if (!s->db)
        return SQLITE_MISUSE;
    s->touching = false;
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    s->touched = s->touched || s->touching;
    return rc;
}

int store_exec(struct store *s, const char *sql, struct eye_err *err)
{
    int rc = store_exec_raw(s, sql);
    return rc == SQLITE_OK ? 0 : store_fail(s, rc, err);
}

/* SQLite tells a full disk apart only when the system said ENOSPC; a quota or a limit on file sizes comes as a failed
 * write, and the system's own word is often lost by the time that we can ask. */
static int io_fail(struct store *s, int sqlite_code, struct eye_err *err)
{
    int e = sqlite3_system_errno(s->db);
    if (e == 0 && (sqlite_code == SQLITE_IOERR_WRITE || sqlite_code == SQLITE_IOERR_SHMSIZE))
        return eye_fail(err, EYE_EIO,
                        "disk is full, over quota or failing: %s could not be written; "
                        "free some space and run again",
                        s->path);
    return eye_fail(err, EYE_EIO, "%s: %s", s->path, e ? strerror(e) : sqlite3_errmsg(s->db));
}

static int fail_code(struct store *s, int sqlite_code, struct eye_err *err)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return eye_fail(
            err, EYE_EBUSY,
            "%s: another eyeshine is writing to this library; try again when it is done", s->path);
    case SQLITE_FULL:
        return eye_fail(err, EYE_EIO, "disk is full: %s cannot grow; free some space and run again",
                        s->path);
    case SQLITE_CORRUPT:
        return eye_fail(err, EYE_EFORMAT,
                        "%s is damaged (%s): restore a backup, or move it away and index again",
                        s->path, sqlite3_errmsg(s->db));
    case SQLITE_NOTADB: return eye_fail(err, EYE_EFORMAT, "%s is not a database", s->path);
    case SQLITE_NOMEM: return eye_fail(err, EYE_ENOMEM, "%s: out of memory", s->path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return eye_fail(err, EYE_EIO, "%s cannot be written: check the permissions of the folder",
                        s->path);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: return io_fail(s, sqlite_code, err);
    case SQLITE_TOOBIG: return eye_fail(err, EYE_ELIMIT, "%s: a value is too large", s->path);
    default:
        return eye_fail(err, EYE_EINTERNAL, "%s: %s (SQLite %d)", s->path, sqlite3_errmsg(s->db),
                        sqlite_code);
    }
}

int store_fail(struct store *s, int sqlite_code, struct eye_err *err)
{
    if (!s->db)
        return eye_fail(err, EYE_EINVAL,
                        "settings, jobs and keys lie in a library folder, and none was given");
    int code = fail_code(s, sqlite_code, err);
    if (s->in_txn && !s->broken)
        s->broken = code;
    return code;
}
