/* sqlite_filter_files.c - which pictures have a file that passes what a filter asks of files (match_files.c says what that is).
 *
 * A pattern's literal part is a range of the table's key; only what is left is compared row by row, in C: SQL's own GLOB knows neither
 * bytes nor fnmatch's rules.
 *
 * Words of names have no index: trigrams of 100,000 names would be as large as the table and cost as much at each insertion;
 * reading it takes some milliseconds. */
#include <sqlite3.h>
#include <string.h>

#include "store/originals.h"
#include "store/sqlite_filter.h"

static int read_root(struct match_files *p, struct query *q, struct eye_err *err)
{
    char *stored = query_dup(q, 1, err);
    char *path = stored ? store_root_shown(q->s, stored, err) : NULL;
    int rc = path ? match_files_root(p, query_get_int(q, 0), path, err) : EYE_ENOMEM;
    free(stored);
    free(path);
    return rc;
}

static int read_roots(struct store *s, struct match_files *p, struct eye_err *err)
{
    struct query q;
    int rc;
    query_open(&q, s, "SELECT id, path FROM root WHERE ?1 = 0 OR id = ?1");
    query_int(&q, p->f->root);
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = read_root(p, &q, err)) != 0)
            break;
    query_done(&q);
    return rc;
}

struct match_files *store_paths_new(struct store *s, const struct store_filter *f,
                                    struct eye_err *err)
{
    struct match_files *p = match_files_new(f, err);
    if (p && read_roots(s, p, err)) {
        match_files_free(p);
        return NULL;
    }
    return p;
}

static bool row_passes(const void *ctx, int64_t root, const char *rel, size_t len)
{
    return match_file(ctx, root, rel, len);
}

/* ---- all that pass ---- */

/* The least rel above all that begin with from [len]; false: there is none. */
static bool after_prefix(struct buf *out, const char *from, size_t len, struct eye_err *err,
                         int *rc)
{
    while (len && (unsigned char)from[len - 1] == 0xff)
        len--;
    if (!len)
        return false;
    *rc = buf_append(out, from, len, err);
    if (!*rc)
        out->data[len - 1]++;
    return true;
}

/* What a statement that collects looks like: of all rows, or of those that pass by being there. */
#define VISIT "SELECT visit(picture, root, rel) FROM file "
#define TAKE "SELECT collect(picture) FROM file "
#define OF_ROOT "WHERE picture IS NOT NULL AND root = ? AND rel >= ?"
#define DATED " AND mtime_ns BETWEEN ? AND ?"
#define BY_DATE "INDEXED BY file_modified WHERE picture IS NOT NULL" DATED

static void bind_dates(struct query *q, const struct match_files *p)
{
    if (p->dated) {
        query_int(q, p->modified_from);
        query_int(q, p->modified_to);
    }
}

/* The rows of a root, or those in the range of the pattern's literal part. */
static int collect_root(struct store *s, const struct match_files *p, const struct match_root *r,
                        struct store_collect *c, struct eye_err *err)
{
    struct query q;
    struct buf to;
    int rc = 0;
    size_t len = match_from_len(p, r);
    buf_init(&to, SIZE_MAX / 2);
    bool bounded = after_prefix(&to, r->from, len, err, &rc);
    bool take = r->pass == MATCH_ALL && r->itself && !p->names;
    if (!rc) {
        if (bounded)
            query_open(&q, s,
                       p->dated ? VISIT OF_ROOT " AND rel < ?" DATED
                                : VISIT OF_ROOT " AND rel < ?");
        else if (take)
            query_open(&q, s, p->dated ? TAKE OF_ROOT DATED : TAKE OF_ROOT);
        else
            query_open(&q, s, p->dated ? VISIT OF_ROOT DATED : VISIT OF_ROOT);
        query_int(&q, r->id);
        query_bytes(&q, r->from, len);
        if (bounded)
            query_bytes(&q, to.data, to.len);
        bind_dates(&q, p);
        rc = store_collect_run(&q, c, err);
    }
    buf_release(&to);
    return rc;
}

static int collect_roots(struct store *s, const struct match_files *p, struct store_collect *c,
                         struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < p->nroots && !rc && !c->stopped; i++)
        if (p->roots[i].pass != MATCH_NONE)
            rc = collect_root(s, p, &p->roots[i], c, err);
    return rc;
}

static int collect_dated(struct store *s, const struct match_files *p, struct store_collect *c,
                         struct eye_err *err)
{
    struct query q;
    bool take = p->kind == PATH_ANY && !p->names && !p->f->root;
    query_open(&q, s, take ? TAKE BY_DATE : VISIT BY_DATE);
    bind_dates(&q, p);
    return store_collect_run(&q, c, err);
}

/* All rows as they come cost less than one root after the other; visit() leaves out those without a picture. */
static int collect_table(struct store *s, struct store_collect *c, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, VISIT);
    return store_collect_run(&q, c, err);
}

bool store_paths_narrow(const struct match_files *p)
{
    return p->f->root || p->dated || match_has_prefix(p);
}

int store_paths_collect(struct store *s, const struct match_files *p, struct store_collect *c,
                        struct eye_err *err)
{
    int rc = 0;
    c->visit = row_passes;
    c->ctx = p;
    if (p->never)
        return 0;
    /* The whole table may be read: what it takes from the cache is given back. */
    store_cache_small(s, true);
    if (p->dated && !match_has_prefix(p) && s->version >= 3)
        rc = collect_dated(s, p, c, err);
    else if (p->dated || match_has_prefix(p) || p->f->root)
        rc = collect_roots(s, p, c, err);
    else
        rc = collect_table(s, c, err);
    store_cache_small(s, false);
    return rc;
}

/* 1: a file of the picture passes; 0: none. */
static int file_passes(struct store *s, const struct match_files *p, int64_t picture,
                       struct eye_err *err)
{
    struct query q;
    int rc;
    size_t len;
    query_open(&q, s,
               p->dated
                   ? "SELECT root, rel FROM file WHERE picture = ? AND mtime_ns BETWEEN ? AND ?"
                   : "SELECT root, rel FROM file WHERE picture = ?");
    query_int(&q, picture);
    if (p->dated) {
        query_int(&q, p->modified_from);
        query_int(&q, p->modified_to);
    }
    while ((rc = query_step(&q, err)) == 1) {
        const char *rel = query_get_bytes(&q, 1, &len);
        if (row_passes(p, query_get_int(&q, 0), rel, len))
            break;
    }
    query_done(&q);
    return rc;
}

int store_paths_keep(struct store *s, const struct match_files *p, struct store_ids *ids,
                     struct eye_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < ids->n && !p->never; i++) {
        int rc = file_passes(s, p, ids->v[i], err);
        if (rc < 0)
            return rc;
        if (rc)
            ids->v[n++] = ids->v[i];
    }
    ids->n = n;
    return 0;
}
