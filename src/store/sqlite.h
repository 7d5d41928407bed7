/* sqlite.h - inside of a struct store, and a thin layer over SQLite's statements.
 *
 * A query is opened by its SQL (a string literal: the cache goes by its address), gets its parameters in order,
 * and is stepped. The first thing that fails is kept and reported by query_step or query_run, so the binds
 * need no checks. Bound and returned bytes are borrowed: they must live, or live, until query_done. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/sqlite_ops.h"

struct sqlite3;
struct sqlite3_stmt;

enum {
    STORE_STATEMENTS = 160, /* distinct SQL texts in this folder, at most */
    STORE_MODEL_SHIFT = 40  /* embedding.id = model << 40 | picture; schema.c has the same number */
};

struct store {
    const struct store_ops *ops; /* of the catalogue part */
    void *part;                  /* what these keep for the handle; NULL: they are SQLite's */
    struct sqlite3 *db;          /* NULL: a remote store without a folder, so without a node part */
    char *path;                  /* of library.db */
    char *originals;             /* where originals lie, no slash at its end; NULL: not told */
    bool read_only, in_txn;
    bool
        joins; /* inside a remote store's transaction: the first change of the node part begins one here, which is ended with it */
    bool touching; /* what is prepared just now changes pictures, files or roots */
    bool touched;  /* so does something that ran in the open transaction */
    int version;   /* of the layout; older than SCHEMA_VERSION only when read_only */
    int broken;    /* code of what failed inside the open transaction: it can only be rolled back */
    int64_t model; /* the model whose dim is kept here; 0: none */
    int model_dim;
    bool counted; /* count: pictures, as of these two numbers */
    uint64_t count;
    int64_t count_version, count_changes;
    size_t few;                    /* for tests: what sqlite_filter.c takes for few; 0: its own */
    bool collects;                 /* the SQL functions of sqlite_filter_ids.c are there */
    struct store_collect *collect; /* what they fill, while a statement runs */
    size_t nstatements;
    struct {
        const char *sql;
        struct sqlite3_stmt *stmt;
        bool touches; /* changes pictures, files or roots */
    } statements[STORE_STATEMENTS];
};

struct query {
    struct store *s;
    struct sqlite3_stmt *stmt; /* NULL: could not be prepared */
    int rc;                    /* SQLite's code of the first failure */
    int next;                  /* parameter */
};

/* The node part of a remote store, which has no ops yet. dir: made if missing; NULL: without one, and what asks for it gets EYE_EINVAL. */
struct store *sqlite_open_node(const char *dir, struct eye_err *err);
void sqlite_close(struct store *s);
void sqlite_shrink(struct store *s, size_t bytes);

void query_open(struct query *q, struct store *s, const char *sql);
void query_int(struct query *q, int64_t value);
void query_real(struct query *q, double value);
void query_text(struct query *q, const char *text); /* NULL: SQL NULL */
void query_bytes(struct query *q, const void *bytes, size_t len);
void query_path(struct query *q, const char *path); /* bytes up to the NUL */
void query_null(struct query *q);

/* 1: a row; 0: no more (the query is done); negative: failed (the query is done). */
int query_step(struct query *q, struct eye_err *err);
/* Step to the end: 0 or negative. */
int query_run(struct query *q, struct eye_err *err);
/* One row expected: its first column into *value. EYE_ENOTFOUND (err untouched) without a row. */
int query_one_int(struct query *q, int64_t *value, struct eye_err *err);
void query_done(struct query *q);

int64_t query_get_int(struct query *q, int col);
double query_get_real(struct query *q, int col);
bool query_is_null(struct query *q, int col);
const void *query_get_bytes(struct query *q, int col, size_t *len);
/* NUL-terminated copy, yours; NULL: out of memory, the message is filled. */
char *query_dup(struct query *q, int col, struct eye_err *err);

/* Rows the last INSERT, UPDATE or DELETE changed, triggers not counted. */
int64_t store_changes(struct store *s);
int64_t store_last_id(struct store *s);

/* Run SQL without parameters; returns SQLite's code and says nothing. */
int store_exec_raw(struct store *s, const char *sql);
int store_exec(struct store *s, const char *sql, struct eye_err *err);

/* Turn SQLite's code into one of ours with a sentence, and mark an open transaction as broken. */
int store_fail(struct store *s, int sqlite_code, struct eye_err *err);

/* Around each function that writes: joins the caller's transaction or makes one of its own. */
int store_write_begin(struct store *s, bool *own, struct eye_err *err);
int store_write_end(struct store *s, bool own, int rc, struct eye_err *err);

/* An UPDATE of a job: begins with STORE_NEXT_VERSION, and the clock is its first parameter, bound here. */
#define STORE_NEXT_VERSION "version = max(version + 1, ?1)"
void store_job_change(struct query *q, struct store *s, const char *sql);

enum { STORE_WAIT_MS = 30000 };
/* How long to wait for a writer, milliseconds (STORE_WAIT_MS after open). */
void store_wait_set(struct store *s, int ms);

/* Around a read of a whole table. */
void store_cache_small(struct store *s, bool small);

/* EYE_ENOTFOUND when there is no such model. */
int store_model_dim(struct store *s, int64_t model, int *dim, struct eye_err *err);
/* Known model, right dim, finite numbers? EYE_ENOTFOUND, EYE_EINVAL. */
int store_vector_check(struct store *s, int64_t model, const uint16_t *vector, int dim,
                       struct eye_err *err);

#endif
