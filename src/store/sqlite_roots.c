/* sqlite_roots.c - roots, and the mount points inside them.
 *
 * Absorbing: a new root above older ones takes their files over by prefixing their relative paths. Where
 * both have a row for the same file on disk (roots may have been nested by an older order of calls), a good file
 * beats a failure, else the inner root's word stands; the next scan refreshes it anyway. An inner root that was
 * offline becomes a mount of the outer one: otherwise its files would look deleted at the next scan.
 *
 * A root made for single files owns files right in its folder only, and absorbs nothing: the roots below it are to be
 * walked, it is not. So it may have other roots inside until it becomes a root for the whole folder.
 *
 * The root of the uploads is never absorbed: its files are the library's own, wherever the library lies. */
#include <string.h>

#include "base/buf.h"
#include "store/originals.h"
#include "store/sqlite.h"

static int read_root(struct query *q, struct store_root *r, struct eye_err *err)
{
    r->id = query_get_int(q, 0);
    r->offline = query_get_int(q, 2) != 0;
    r->last_scan = query_get_int(q, 3);
    r->files = (uint64_t)query_get_int(q, 4);
    r->failures = (uint64_t)query_get_int(q, 5);
    r->files_only = query_get_int(q, 6) != 0;
    r->uploads = query_get_int(q, 7) != 0;
    r->path = query_dup(q, 1, err);
    return r->path ? 0 : EYE_ENOMEM;
}

#define ROOT_COLUMNS "SELECT id, path, offline, last_scan,"
#define ROOT_COUNTS                                                                                \
    " (SELECT count(picture) FROM file WHERE root = root.id),"                                     \
    " (SELECT count(code) FROM file WHERE root = root.id),"
#define ROOT_ANY " EXISTS(SELECT 1 FROM file WHERE root = root.id), 0,"
#define ROOT_END " files_only, uploads FROM root ORDER BY path"
#define ROOT_END_1 " 0, 0 FROM root ORDER BY path" /* layout 1 */

static int read_roots(struct store *s, const char *sql, struct store_root **roots, size_t *n,
                      struct eye_err *err)
{
    struct query q;
    struct store_root *list = NULL;
    size_t len = 0, cap = 0;
    int rc;
    query_open(&q, s, sql);
    while ((rc = query_step(&q, err)) == 1) {
        if (len == cap) {
            cap = cap ? 2 * cap : 8;
            struct store_root *more = mem_realloc(list, cap, sizeof *more, err);
            if (!more) {
                rc = EYE_ENOMEM;
                break;
            }
            list = more;
        }
        rc = read_root(&q, &list[len], err);
        if (rc)
            break;
        len++;
    }
    query_done(&q);
    if (rc) {
        store_roots_free(list, len);
        return rc;
    }
    *roots = list;
    *n = len;
    return 0;
}

int sqlite_roots(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err)
{
    const char *sql =
        s->version >= 2 ? ROOT_COLUMNS ROOT_COUNTS ROOT_END : ROOT_COLUMNS ROOT_COUNTS ROOT_END_1;
    return read_roots(s, sql, roots, n, err);
}

int sqlite_roots_brief(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err)
{
    const char *sql =
        s->version >= 2 ? ROOT_COLUMNS ROOT_ANY ROOT_END : ROOT_COLUMNS ROOT_ANY ROOT_END_1;
    return read_roots(s, sql, roots, n, err);
}

/* ---- absorbing roots ---- */

/* x'2f62' || '/': what the files of the inner root get before their relative path. */
#define PREFIXED "CAST(?2 || i.rel AS BLOB)"

static int absorb_step(struct store *s, const char *sql, int64_t outer, const char *prefix,
                       int64_t inner, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, sql);
    query_int(&q, outer);
    query_path(&q, prefix);
    query_int(&q, inner);
    return query_run(&q, err);
}

/* prefix: "b/" for root /a/b in root /a. */
static int absorb(struct store *s, int64_t outer, const char *prefix, int64_t inner,
                  struct eye_err *err)
{
    static const char *const steps[] = {
        /* The inner root's failures where the outer one has a good file ... */
        "DELETE FROM file AS i WHERE i.root = ?3 AND i.picture IS NULL AND EXISTS("
        "SELECT 1 FROM file AS o WHERE o.root = ?1 AND o.rel = " PREFIXED
        " AND o.picture IS NOT NULL)",
        /* ... and then whatever of the outer one the inner one still has a row for. */
        "DELETE FROM file WHERE root = ?1 AND rel IN (SELECT " PREFIXED
        " FROM file AS i WHERE i.root = ?3)",
        "UPDATE file AS i SET root = ?1, rel = " PREFIXED " WHERE i.root = ?3",
        /* The inner root may be a mount itself: its "" becomes "b", not "b/". */
        "INSERT INTO mount(root, rel) SELECT ?1, CASE WHEN length(i.rel) THEN " PREFIXED
        " ELSE substr(?2, 1, length(?2) - 1) END"
        " FROM mount AS i WHERE i.root = ?3 ON CONFLICT DO NOTHING",
        "DELETE FROM mount WHERE root = ?3 AND ?1 AND ?2 IS NOT NULL",
        /* "b/" -> "b" */
        ("INSERT INTO mount(root, rel) SELECT ?1, substr(?2, 1, length(?2) - 1)"
         " FROM root WHERE id = ?3 AND offline ON CONFLICT DO NOTHING"),
        "DELETE FROM root WHERE id = ?3 AND ?1 AND ?2 IS NOT NULL",
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !rc; i++)
        rc = absorb_step(s, steps[i], outer, prefix, inner, err);
    return rc;
}

/* First root below `base` ("/a/"): its id and prefix ("b/", yours). 1 when there is one. */
static int next_below(struct store *s, const char *base, int64_t *inner, char **prefix,
                      struct eye_err *err)
{
    struct query q;
    /* The range ['/a/', '/a0'): all paths that begin with '/a/' and go on. */
    query_open(&q, s,
               "SELECT id, CAST(substr(path, length(?1) + 1) || '/' AS BLOB) FROM root"
               " WHERE path > ?1 AND path < CAST(substr(?1, 1, length(?1) - 1) || '0' AS BLOB)"
               " AND NOT uploads ORDER BY path LIMIT 1");
    query_path(&q, base);
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc;
    *inner = query_get_int(&q, 0);
    *prefix = query_dup(&q, 1, err);
    query_done(&q);
    return *prefix ? 1 : EYE_ENOMEM;
}

static int absorb_below(struct store *s, int64_t root, const char *path, struct eye_err *err)
{
    struct buf base;
    buf_init(&base, SIZE_MAX / 2);
    int rc = buf_puts(&base, path, err);
    if (!rc && path[1])
        rc = buf_putc(&base, '/', err);
    while (!rc) {
        int64_t inner = 0;
        char *prefix = NULL;
        rc = next_below(s, base.data, &inner, &prefix, err);
        if (rc <= 0)
            break;
        rc = absorb(s, root, prefix, inner, err);
        free(prefix);
    }
    buf_release(&base);
    return rc;
}

static int root_at(struct store *s, const char *path, bool files_only, int64_t *root,
                   struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "SELECT id FROM root WHERE path = ?");
    query_path(&q, path);
    int rc = query_one_int(&q, root, err);
    if (rc != EYE_ENOTFOUND)
        return rc;
    query_open(&q, s, "INSERT INTO root(path, files_only) VALUES(?, ?)");
    query_path(&q, path);
    query_int(&q, files_only);
    rc = query_run(&q, err);
    if (!rc)
        *root = store_last_id(s);
    return rc;
}

/* From single files to the whole folder; nothing for a root that is that already. */
static int make_whole(struct store *s, int64_t root, struct eye_err *err)
{
    struct query q;
    query_open(&q, s, "UPDATE root SET files_only = 0, last_scan = 0 WHERE id = ? AND files_only");
    query_int(&q, root);
    return query_run(&q, err);
}

static int add_root(struct store *s, const char *path, bool files_only, int64_t *root,
                    struct eye_err *err)
{
    size_t len = strlen(path);
    if ((path[0] != '/' && !store_is_original(path)) || (len > 1 && path[len - 1] == '/'))
        return eye_fail(err, EYE_EINVAL,
                        "%s: a root is an absolute path without a slash at its end", path);
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    rc = root_at(s, path, files_only, root, err);
    if (!rc && !files_only)
        rc = make_whole(s, *root, err);
    if (!rc && !files_only)
        rc = absorb_below(s, *root, path, err);
    return store_write_end(s, own, rc, err);
}

int sqlite_root_add(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return add_root(s, path, false, root, err);
}

int sqlite_root_add_files(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return add_root(s, path, true, root, err);
}

static int make_uploads(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "UPDATE root SET path = ?1 WHERE uploads AND path <> ?1"
               " AND NOT EXISTS(SELECT 1 FROM root WHERE path = ?1)");
    query_path(&q, path);
    int rc = query_run(&q, err);
    if (!rc)
        rc = root_at(s, path, false, root, err);
    if (rc)
        return rc;
    query_open(&q, s,
               "UPDATE root SET uploads = path = ?1, offline = offline AND path <> ?1,"
               " files_only = files_only AND path <> ?1"
               " WHERE uploads OR path = ?1");
    query_path(&q, path);
    return query_run(&q, err);
}

int sqlite_root_uploads(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    struct query q;
    bool own;
    query_open(&q, s, "SELECT id FROM root WHERE uploads AND NOT offline AND path = ?");
    query_path(&q, path);
    int rc = query_one_int(&q, root, err);
    if (rc != EYE_ENOTFOUND)
        return rc;
    rc = store_write_begin(s, &own, err);
    return rc ? rc : store_write_end(s, own, make_uploads(s, path, root, err), err);
}

int sqlite_root_state(struct store *s, int64_t root, bool offline, int64_t last_scan,
                      struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s, "UPDATE root SET offline = ?, last_scan = ? WHERE id = ?");
    query_int(&q, offline);
    query_int(&q, last_scan);
    query_int(&q, root);
    rc = query_run(&q, err);
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "the library has no root %lld", (long long)root);
    return store_write_end(s, own, rc, err);
}

int sqlite_root_remove(struct store *s, int64_t root, struct eye_err *err)
{
    static const char *const steps[] = {
        "DELETE FROM file WHERE root = ?",
        "DELETE FROM mount WHERE root = ?",
        "DELETE FROM root WHERE id = ?",
    };
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !rc; i++) {
        struct query q;
        query_open(&q, s, steps[i]);
        query_int(&q, root);
        rc = query_run(&q, err);
    }
    if (!rc && store_changes(s) == 0)
        rc = eye_fail(err, EYE_ENOTFOUND, "the library has no root %lld", (long long)root);
    return store_write_end(s, own, rc, err);
}

/* ---- mounts ---- */

int sqlite_mounts(struct store *s, int64_t root, char ***rels, size_t *n, struct eye_err *err)
{
    struct query q;
    size_t len = 0, cap = 8;
    char **list = mem_calloc(cap, sizeof *list, err);
    int rc = list ? 0 : EYE_ENOMEM;
    if (rc)
        return rc;
    query_open(&q, s, "SELECT rel FROM mount WHERE root = ? ORDER BY rel");
    query_int(&q, root);
    while ((rc = query_step(&q, err)) == 1) {
        if (len + 1 == cap) {
            char **more = mem_realloc(list, cap * 2, sizeof *more, err);
            if (!more)
                break;
            list = more;
            cap *= 2;
        }
        list[len] = query_dup(&q, 0, err);
        if (!list[len])
            break;
        len++;
    }
    query_done(&q);
    if (rc) {
        store_strings_free(list, len);
        return rc < 0 ? rc : EYE_ENOMEM;
    }
    list[len] = NULL;
    *rels = list;
    *n = len;
    return 0;
}

int sqlite_mount_set(struct store *s, int64_t root, const char *rel, bool mounted,
                     struct eye_err *err)
{
    struct query q;
    bool own;
    int rc = store_write_begin(s, &own, err);
    if (rc)
        return rc;
    query_open(&q, s,
               mounted ? "INSERT INTO mount(root, rel) VALUES(?, ?) ON CONFLICT DO NOTHING"
                       : "DELETE FROM mount WHERE root = ? AND rel = ?");
    query_int(&q, root);
    query_path(&q, rel);
    return store_write_end(s, own, query_run(&q, err), err);
}
