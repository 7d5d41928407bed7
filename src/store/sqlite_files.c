/* sqlite_files.c - what is known of each path: the picture it shows or why it failed.
 *
 * A path has one row, so "replaces what was known" is an upsert, and the triggers of schema.c take
 * pictures that nobody shows any more. */
#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "store/sqlite.h"

/* ---- reading ---- */

enum { PAGE_ROWS = 512 };

/* A page of rows copied out of the database before anyone is called: the callback may write, and no
 * read transaction is left open while it thinks (that would keep the log from being checkpointed). */
struct page {
    size_t n;
    struct {
        struct store_file file;
        struct store_failure failure;
        size_t rel, reason; /* offsets in text */
        bool failed;
    } rows[PAGE_ROWS];
    struct buf text;
    struct buf last; /* rel of the last row of the page before */
};

static int add_text(struct buf *text, struct query *q, int col, size_t *at, struct eye_err *err)
{
    size_t len;
    const void *bytes = query_get_bytes(q, col, &len);
    *at = text->len;
    int rc = buf_append(text, bytes, len, err);
    return rc ? rc : buf_putc(text, '\0', err);
}

static int read_row(struct page *p, int64_t root, struct query *q, struct eye_err *err)
{
    struct store_file f = {.root = root,
                           .picture = query_get_int(q, 1),
                           .size = (uint64_t)query_get_int(q, 2),
                           .mtime_ns = query_get_int(q, 3)};
    struct store_failure x = {.root = root,
                              .size = f.size,
                              .mtime_ns = f.mtime_ns,
                              .code = (int)query_get_int(q, 4),
                              .at = query_get_int(q, 6),
                              .attempts = (int)query_get_int(q, 7)};
    p->rows[p->n].file = f;
    p->rows[p->n].failure = x;
    p->rows[p->n].failed = query_is_null(q, 1);
    int rc = add_text(&p->text, q, 0, &p->rows[p->n].rel, err);
    if (!rc)
        rc = add_text(&p->text, q, 5, &p->rows[p->n].reason, err);
    if (!rc)
        p->n++;
    return rc;
}

#define PAGE_COLUMNS                                                                               \
    "SELECT rel, picture, size, mtime_ns, code, reason, failed_at, attempts FROM file WHERE root " \
    "= ?"

/* Next rows with last < rel (or <= for the first page), and rel < end if there is one. */
static int read_page(struct store *s, int64_t root, bool first, const char *end, struct page *p,
                     struct eye_err *err)
{
    struct query q;
    int rc;
    if (end)
        query_open(&q, s,
                   first ? PAGE_COLUMNS " AND rel >= ? AND rel < ? ORDER BY rel LIMIT ?"
                         : PAGE_COLUMNS " AND rel > ? AND rel < ? ORDER BY rel LIMIT ?");
    else
        query_open(&q, s,
                   first ? PAGE_COLUMNS " AND rel >= ? ORDER BY rel LIMIT ?"
                         : PAGE_COLUMNS " AND rel > ? ORDER BY rel LIMIT ?");
    query_int(&q, root);
    query_bytes(&q, p->last.data, p->last.len);
    if (end)
        query_path(&q, end);
    query_int(&q, PAGE_ROWS);
    p->n = 0;
    buf_clear(&p->text);
    while ((rc = query_step(&q, err)) == 1)
        if ((rc = read_row(p, root, &q, err)) != 0)
            break;
    query_done(&q);
    return rc;
}

static int call_page(const struct page *p, store_file_fn *fn, void *ctx)
{
    for (size_t i = 0; i < p->n; i++) {
        struct store_file f = p->rows[i].file;
        struct store_failure x = p->rows[i].failure;
        f.rel = x.rel = p->text.data + p->rows[i].rel;
        x.reason = p->text.data + p->rows[i].reason;
        int rc = fn(ctx, &f, p->rows[i].failed ? &x : NULL);
        if (rc)
            return rc;
    }
    return 0;
}

/* All rows with start <= rel < end; end NULL: no bound. */
static int each_between(struct store *s, int64_t root, const char *start, const char *end,
                        store_file_fn *fn, void *ctx, struct eye_err *err)
{
    struct page *p = mem_calloc(1, sizeof *p, err);
    if (!p)
        return EYE_ENOMEM;
    buf_init(&p->text, SIZE_MAX / 2);
    buf_init(&p->last, SIZE_MAX / 2);
    int rc = buf_puts(&p->last, start, err);
    bool first = true;
    do {
        if (!rc)
            rc = read_page(s, root, first, end, p, err);
        if (!rc && p->n == PAGE_ROWS) {
            buf_clear(&p->last);
            rc = buf_puts(&p->last, p->text.data + p->rows[p->n - 1].rel, err);
        }
        if (!rc)
            rc = call_page(p, fn, ctx);
        first = false;
    } while (!rc && p->n == PAGE_ROWS);
    buf_release(&p->text);
    buf_release(&p->last);
    free(p);
    return rc;
}

int sqlite_each_file(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                     struct eye_err *err)
{
    if (!*under)
        return each_between(s, root, "", NULL, fn, ctx, err);
    /* The path itself, then the range ['under/', 'under0'): in byte order others stand between the two. */
    struct buf from, to, after;
    buf_init(&from, SIZE_MAX / 2);
    buf_init(&to, SIZE_MAX / 2);
    buf_init(&after, SIZE_MAX / 2);
    int rc = buf_printf(&from, err, "%s/", under);
    if (!rc)
        rc = buf_printf(&to, err, "%s0", under);
    if (!rc)
        rc = buf_printf(&after, err, "%s\x01", under); /* the least path above `under` */
    if (!rc)
        rc = each_between(s, root, under, after.data, fn, ctx, err);
    if (!rc)
        rc = each_between(s, root, from.data, to.data, fn, ctx, err);
    buf_release(&from);
    buf_release(&to);
    buf_release(&after);
    return rc;
}

int sqlite_picture_at(struct store *s, int64_t root, const char *rel, int64_t *id,
                      struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT picture FROM file WHERE root = ? AND rel = ? AND picture IS NOT NULL");
    query_int(&q, root);
    query_path(&q, rel);
    int rc = query_one_int(&q, id, err);
    if (rc == EYE_ENOTFOUND)
        return eye_fail(err, rc, "%s is not in the library", rel);
    return rc;
}

/* ---- writing ---- */

static int check_size(uint64_t size, const char *rel, struct eye_err *err)
{
    if (size > INT64_MAX)
        return eye_fail(err, EYE_EINVAL, "%s: a size of %llu bytes", rel, (unsigned long long)size);
    return 0;
}

static int put_file(struct store *s, const struct store_file *f, struct eye_err *err)
{
    struct query q;
    /* By way of SELECT, so that a picture that is not there is "not found" and not a broken constraint. */
    query_open(&q, s,
               "INSERT INTO file(root, rel, picture, size, mtime_ns)"
               " SELECT root.id, ?2, picture.id, ?4, ?5 FROM root, picture"
               "  WHERE root.id = ?1 AND picture.id = ?3"
               " ON CONFLICT(root, rel) DO UPDATE SET picture = excluded.picture,"
               "  size = excluded.size, mtime_ns = excluded.mtime_ns,"
               "  code = NULL, reason = NULL, failed_at = NULL, attempts = 0");
    query_int(&q, f->root);
    query_path(&q, f->rel);
    query_int(&q, f->picture);
    query_int(&q, (int64_t)f->size);
    query_int(&q, f->mtime_ns);
    int rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s: the library has no root %lld or no picture %lld",
                      f->rel, (long long)f->root, (long long)f->picture);
    return rc;
}

int sqlite_file_set(struct store *s, const struct store_file *f, struct eye_err *err)
{
    bool own;
    int rc = check_size(f->size, f->rel, err);
    if (!rc)
        rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, put_file(s, f, err), err);
}

static int touch_file(struct store *s, const struct store_file *f, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "UPDATE file SET size = ?, mtime_ns = ? WHERE root = ? AND rel = ?");
    query_int(&q, (int64_t)f->size);
    query_int(&q, f->mtime_ns);
    query_int(&q, f->root);
    query_path(&q, f->rel);
    int rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s is not in the library", f->rel);
    return rc;
}

int sqlite_file_touch(struct store *s, const struct store_file *f, struct eye_err *err)
{
    bool own;
    int rc = check_size(f->size, f->rel, err);
    if (!rc)
        rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, touch_file(s, f, err), err);
}

int sqlite_file_remove(struct store *s, int64_t root, const char *rel, struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s, "DELETE FROM file WHERE root = ? AND rel = ?");
    query_int(&q, root);
    query_path(&q, rel);
    return store_write_end(s, own, query_run(&q, err), err);
}

static int put_failure(struct store *s, const struct store_failure *f, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "INSERT INTO file(root, rel, size, mtime_ns, code, reason, failed_at, attempts)"
               " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, 1 FROM root WHERE id = ?1"
               " ON CONFLICT(root, rel) DO UPDATE SET picture = NULL, size = excluded.size,"
               "  mtime_ns = excluded.mtime_ns, code = excluded.code, reason = excluded.reason,"
               "  failed_at = excluded.failed_at, attempts = attempts + 1");
    query_int(&q, f->root);
    query_path(&q, f->rel);
    query_int(&q, (int64_t)f->size);
    query_int(&q, f->mtime_ns);
    query_int(&q, f->code);
    query_text(&q, f->reason);
    query_int(&q, f->at);
    int rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s: the library has no root %lld", f->rel,
                      (long long)f->root);
    return rc;
}

int sqlite_failure_set(struct store *s, const struct store_failure *f, struct eye_err *err)
{
    bool own;
    int rc = check_size(f->size, f->rel, err);
    if (!rc)
        rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, put_failure(s, f, err), err);
}
