/* milvus_roots.c - roots, and the mount points inside them, as sqlite_roots.c says what they are.
 *
 * Roots are few and asked for all the time, so a handle keeps their list for a second. A row of a root has a key of its own, so that changing
 * one reads and writes that row only. */
#include "store/milvus_roots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"
#include "store/originals.h"

enum { KEPT_MS = 1000 };

/* ---- the list ---- */

void milvus_roots_forget(struct milvus_part *p)
{
    for (size_t i = 0; i < p->nroots; i++)
        milvus_row_release(&p->roots[i]);
    free(p->roots);
    free(p->root_list);
    p->roots = NULL;
    p->root_list = NULL;
    p->nroots = 0;
    p->roots_at = 0;
}

static int dup_row(const struct milvus_row *row, struct milvus_row *out, struct eye_err *err)
{
    *out = *row;
    out->rel = mem_strdup(row->rel, err);
    out->reason = out->rel ? mem_strdup(row->reason ? row->reason : "", err) : NULL;
    if (out->rel && out->reason)
        return 0;
    free(out->rel);
    return EYE_ENOMEM;
}

int milvus_keep_row(void *ctx, const struct milvus_row *row)
{
    struct milvus_kept *r = ctx;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 16;
        struct milvus_row *v = mem_realloc(r->v, cap, sizeof *v, r->err);
        if (!v)
            return EYE_ENOMEM;
        r->v = v;
        r->cap = cap;
    }
    int rc = dup_row(row, &r->v[r->n], r->err);
    r->n += rc == 0;
    return rc;
}

void milvus_kept_free(struct milvus_kept *r)
{
    for (size_t i = 0; i < r->n; i++)
        milvus_row_release(&r->v[i]);
    free(r->v);
    *r = (struct milvus_kept){NULL, 0, 0, NULL};
}

static int compare_rels(const void *a, const void *b)
{
    const struct milvus_row *x = a, *y = b;
    return strcmp(x->rel, y->rel);
}

static struct store_root root_of(const struct milvus_row *row)
{
    return (struct store_root){.id = row->root,
                               .path = row->rel,
                               .offline = (row->flags & ROOT_OFFLINE) != 0,
                               .last_scan = row->at,
                               .uploads = (row->flags & ROOT_UPLOADS) != 0,
                               .files_only = (row->flags & ROOT_FILES_ONLY) != 0};
}

static int read_roots(struct milvus_part *p, struct eye_err *err)
{
    static const struct milvus_scan scan = {0, "", KIND_ROOT, KIND_ROOT};
    struct milvus_kept rows = {.err = err};
    milvus_roots_forget(p);
    int64_t at = milvus_now_ms();
    int rc = milvus_each_row(p, &scan, milvus_keep_row, &rows, err);
    struct store_root *list = rc ? NULL : mem_calloc(rows.n, sizeof *list, err);
    if (!list) {
        milvus_kept_free(&rows);
        return rc ? rc : EYE_ENOMEM;
    }
    if (rows.n)
        qsort(rows.v, rows.n, sizeof *rows.v, compare_rels);
    for (size_t i = 0; i < rows.n; i++)
        list[i] = root_of(&rows.v[i]);
    p->roots = rows.v;
    p->nroots = rows.n;
    p->root_list = list;
    p->roots_at = at;
    return 0;
}

int milvus_roots_of(struct milvus_part *p, const struct store_root **roots, size_t *n,
                    struct eye_err *err)
{
    bool kept = p->roots_at > 0 && (p->in_txn || milvus_now_ms() - p->roots_at < KEPT_MS);
    int rc = kept ? 0 : read_roots(p, err);
    *roots = p->root_list;
    *n = rc ? 0 : p->nroots;
    return rc;
}

int milvus_root_with(struct milvus_part *p, int64_t id, const struct store_root **root,
                     struct eye_err *err)
{
    const struct store_root *roots;
    size_t n;
    *root = NULL;
    for (int again = 0; again < 2; again++) {
        int64_t before = p->roots_at;
        int rc = milvus_roots_of(p, &roots, &n, err);
        if (rc)
            return rc;
        for (size_t i = 0; i < n; i++)
            if (roots[i].id == id) {
                *root = &roots[i];
                return 0;
            }
        if (p->roots_at != before) /* read just now */
            break;
        milvus_roots_forget(p);
    }
    return EYE_ENOTFOUND;
}

static int count_files(struct milvus_part *p, struct store_root *r, bool brief, struct eye_err *err)
{
    static const struct milvus_field key = {"id", MILVUS_TEXT, 0};
    char expr[96];
    struct milvus_rows *rows = NULL;
    struct milvus_query q = {
        .which = MILVUS_FILES, .expr = expr, .fields = &key, .nfields = 1, .limit = 1};
    if (brief) {
        snprintf(expr, sizeof expr, "kind <= 1 && root == %lld", (long long)r->id);
        int rc = milvus_query(milvus_of(p), &q, &rows, err);
        r->files = rc ? 0 : milvus_rows_n(rows) > 0;
        milvus_rows_free(rows);
        return rc;
    }
    snprintf(expr, sizeof expr, "kind == 0 && root == %lld", (long long)r->id);
    int rc = milvus_count(milvus_of(p), MILVUS_FILES, expr, false, &r->files, err);
    snprintf(expr, sizeof expr, "kind == 1 && root == %lld", (long long)r->id);
    return rc ? rc : milvus_count(milvus_of(p), MILVUS_FILES, expr, false, &r->failures, err);
}

static int list_roots(struct milvus_part *p, bool brief, struct store_root **roots, size_t *n,
                      struct eye_err *err)
{
    const struct store_root *list;
    struct store_root *out = NULL;
    size_t len, made = 0;
    bool there;
    int rc = milvus_roots_of(p, &list, &len, err);
    rc = rc ? rc : milvus_need(p, MILVUS_FILES, &there, err);
    out = rc ? NULL : mem_calloc(len, sizeof *out, err);
    rc = rc ? rc : out ? 0 : EYE_ENOMEM;
    for (; made < len && !rc; made++) {
        out[made] = list[made];
        out[made].path = mem_strdup(list[made].path, err);
        rc = !out[made].path ? EYE_ENOMEM : there ? count_files(p, &out[made], brief, err) : 0;
    }
    if (rc) {
        store_roots_free(out, made);
        return rc;
    }
    *roots = out;
    *n = len;
    return 0;
}

int milvus_roots(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err)
{
    return list_roots(milvus_part_of(s), false, roots, n, err);
}

int milvus_roots_brief(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err)
{
    return list_roots(milvus_part_of(s), true, roots, n, err);
}

/* ---- changing one ---- */

void milvus_root_changed(struct milvus_part *p, struct view_row *e)
{
    e->dirty = true;
    milvus_roots_forget(p);
}

int milvus_root_row(struct milvus_part *p, int64_t root, struct view_row **e, struct eye_err *err)
{
    char key[MILVUS_KEY + 1];
    milvus_root_key(root, key);
    return milvus_row_of(p, key, e, err);
}

/* The row of the root at this path, made if absent. */
static int root_at(struct milvus_part *p, const char *path, int flags, struct view_row **e,
                   struct eye_err *err)
{
    int64_t id = milvus_root_id(path);
    int rc = milvus_root_row(p, id, e, err);
    if (rc)
        return rc;
    struct milvus_row *row = &(*e)->row;
    if ((*e)->there)
        return strcmp(row->rel, path) == 0
                   ? 0
                   : eye_fail(err, EYE_EINTERNAL, "%s has the same number as %s", path, row->rel);
    char *copy = mem_strdup(path, err), *reason = copy ? mem_strdup("", err) : NULL;
    if (!reason) {
        free(copy);
        return EYE_ENOMEM;
    }
    milvus_row_release(row);
    row->rel = copy;
    row->reason = reason;
    row->kind = KIND_ROOT;
    row->root = id;
    row->flags = flags;
    row->at = 0;
    (*e)->there = true;
    milvus_root_changed(p, *e);
    return 0;
}

static int add_root(struct milvus_part *p, const char *path, bool files_only, int64_t *root,
                    struct eye_err *err)
{
    struct view_row *e;
    int rc = root_at(p, path, files_only ? ROOT_FILES_ONLY : 0, &e, err);
    if (rc)
        return rc;
    *root = e->row.root;
    if (files_only)
        return 0;
    if (e->row.flags & ROOT_FILES_ONLY) {
        e->row.flags &= ~ROOT_FILES_ONLY;
        e->row.at = 0;
        milvus_root_changed(p, e);
    }
    return milvus_absorb_below(p, e, path, err);
}

static int add(struct store *s, const char *path, bool files_only, int64_t *root,
               struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    size_t len = strlen(path);
    bool own;
    if (!store_is_original(path) && (path[0] != '/' || (len > 1 && path[len - 1] == '/')))
        return eye_fail(err, EYE_EINVAL,
                        "%s: a root is an absolute path without a slash at its end", path);
    int rc = milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, add_root(p, path, files_only, root, err), err);
}

int milvus_root_add(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return add(s, path, false, root, err);
}

int milvus_root_add_files(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    return add(s, path, true, root, err);
}

static int make_uploads(struct milvus_part *p, const char *path, int64_t *root, struct eye_err *err)
{
    struct view_row *e;
    int rc = root_at(p, path, ROOT_UPLOADS, &e, err);
    if (rc)
        return rc;
    *root = e->row.root;
    if (e->row.flags != ROOT_UPLOADS) {
        e->row.flags = ROOT_UPLOADS;
        milvus_root_changed(p, e);
    }
    return 0;
}

int milvus_root_uploads(struct store *s, const char *path, int64_t *root, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    const struct store_root *r;
    bool own;
    int rc = milvus_root_with(p, milvus_root_id(path), &r, err);
    if (!rc && r->uploads && !r->offline && !r->files_only && strcmp(r->path, path) == 0) {
        *root = r->id;
        return 0;
    }
    if (rc && rc != EYE_ENOTFOUND)
        return rc;
    rc = milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, make_uploads(p, path, root, err), err);
}

static int no_root(struct milvus_part *p, int64_t root, struct eye_err *err)
{
    return eye_fail(err, EYE_ENOTFOUND, "%s has no root %lld", milvus_name(p->m), (long long)root);
}

int milvus_root_state(struct store *s, int64_t root, bool offline, int64_t last_scan,
                      struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_row *e;
    bool own;
    int rc = milvus_write_begin(p, &own, err);
    if (rc)
        return rc;
    rc = milvus_root_row(p, root, &e, err);
    if (!rc && !e->there)
        rc = no_root(p, root, err);
    if (!rc) {
        e->row.flags = offline ? e->row.flags | ROOT_OFFLINE : e->row.flags & ~ROOT_OFFLINE;
        e->row.at = last_scan;
        milvus_root_changed(p, e);
    }
    return milvus_write_end(p, own, rc, err);
}

static int drop_row(struct milvus_part *p, const struct milvus_row *row, struct eye_err *err)
{
    struct view_row *e = view_row_make(p->view, row->key, err);
    if (!e)
        return EYE_ENOMEM;
    if (!e->known && !e->dirty) {
        e->known = e->was = true;
        e->was_kind = row->kind;
        e->was_picture = row->picture;
    }
    struct view_pic *pic =
        row->kind == KIND_FILE ? view_pic_make(p->view, row->picture, err) : NULL;
    if (pic)
        pic->lost = true;
    e->there = false;
    e->dirty = true;
    e->counts = e->moved = false;
    return 0;
}

static int remove_root(struct milvus_part *p, int64_t root, struct eye_err *err)
{
    const struct milvus_scan files = {root, "", KIND_FILE, KIND_FAILURE},
                             mounts = {root, "", KIND_MOUNT, KIND_MOUNT};
    struct milvus_kept rows = {.err = err};
    struct view_row *e;
    int rc = milvus_root_row(p, root, &e, err);
    if (!rc && !e->there)
        return no_root(p, root, err);
    rc = rc ? rc : milvus_each_row(p, &files, milvus_keep_row, &rows, err);
    rc = rc ? rc : milvus_each_row(p, &mounts, milvus_keep_row, &rows, err);
    for (size_t i = 0; i < rows.n && !rc; i++)
        rc = drop_row(p, &rows.v[i], err);
    milvus_kept_free(&rows);
    if (!rc) {
        e->there = false;
        milvus_root_changed(p, e);
    }
    return rc;
}

int milvus_root_remove(struct store *s, int64_t root, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, remove_root(p, root, err), err);
}

/* ---- mounts ---- */

int milvus_mounts(struct store *s, int64_t root, char ***rels, size_t *n, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    const struct milvus_scan scan = {root, "", KIND_MOUNT, KIND_MOUNT};
    struct milvus_kept rows = {.err = err};
    milvus_fresh(p);
    int rc = milvus_each_row(p, &scan, milvus_keep_row, &rows, err);
    char **list = rc ? NULL : mem_calloc(rows.n + 1, sizeof *list, err);
    if (!list) {
        milvus_kept_free(&rows);
        return rc ? rc : EYE_ENOMEM;
    }
    if (rows.n)
        qsort(rows.v, rows.n, sizeof *rows.v, compare_rels);
    for (size_t i = 0; i < rows.n; i++) {
        list[i] = rows.v[i].rel;
        rows.v[i].rel = NULL;
    }
    *n = rows.n;
    *rels = list;
    milvus_kept_free(&rows);
    return 0;
}

int milvus_mount_row(struct milvus_part *p, int64_t root, const char *rel, bool mounted,
                     struct eye_err *err)
{
    char key[MILVUS_KEY + 1];
    struct view_row *e;
    milvus_mount_key(root, rel, key);
    int rc = milvus_row_of(p, key, &e, err);
    if (rc || e->there == mounted)
        return rc;
    if (mounted && !e->row.rel) {
        e->row.rel = mem_strdup(rel, err);
        e->row.reason = e->row.rel ? mem_strdup("", err) : NULL;
        rc = e->row.reason ? 0 : EYE_ENOMEM;
    }
    e->row.kind = KIND_MOUNT;
    e->row.root = root;
    e->there = mounted && !rc;
    e->dirty = true;
    return rc;
}

int milvus_mount_set(struct store *s, int64_t root, const char *rel, bool mounted,
                     struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, milvus_mount_row(p, root, rel, mounted, err), err);
}
