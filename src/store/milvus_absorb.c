/* milvus_absorb.c - a new root above older ones takes their files over, by the rules of sqlite_roots.c.
 *
 * Rows move to new keys: the new ones are written before the old ones are deleted, so a picture never is without a file meanwhile, and a
 * machine that is killed within leaves both, of which the next store_root_add deletes the old. */
#include "store/milvus_roots.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_fetch.h"

struct absorb {
    struct milvus_part *p;
    struct view_row *outer;
    const char *prefix; /* "b/" for root /a/b in root /a */
    struct eye_err *err;
};

/* "b/" and rel; of a mount that is the root itself "b". Yours. */
static char *prefixed(const char *prefix, const char *rel, bool bare, struct eye_err *err)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    int rc = buf_append(&out, prefix, strlen(prefix) - bare, err);
    rc = rc ? rc : buf_puts(&out, rel, err);
    char *text = rc ? NULL : buf_detach(&out, NULL);
    buf_release(&out);
    return text;
}

/* A row of the inner root under its new key; the old one goes. */
static int move_row(const struct absorb *a, const struct milvus_row *from, struct eye_err *err)
{
    char key[MILVUS_KEY + 1];
    int64_t outer = a->outer->row.root;
    bool mount = from->kind == KIND_MOUNT;
    char *rel = prefixed(a->prefix, from->rel, mount && !*from->rel, err);
    if (!rel)
        return EYE_ENOMEM;
    if (mount)
        milvus_mount_key(outer, rel, key);
    else
        milvus_file_key(outer, rel, key);
    struct view_row *to, *old = view_row_make(a->p->view, from->key, err);
    int rc = old ? milvus_row_of(a->p, key, &to, err) : EYE_ENOMEM;
    char *reason = rc ? NULL : mem_strdup(from->reason ? from->reason : "", err);
    if (!reason) {
        free(rel);
        return rc ? rc : EYE_ENOMEM;
    }
    /* A good file of the outer root beats a failure of the inner one; else the inner one's word stands. */
    bool stays = to->there && to->row.kind == KIND_FILE && from->kind == KIND_FAILURE;
    if (!stays) {
        struct view_pic *lost =
            to->there && to->row.kind == KIND_FILE && to->row.picture != from->picture
                ? view_pic_make(a->p->view, to->row.picture, err)
                : NULL;
        if (lost)
            lost->lost = true;
        milvus_row_release(&to->row);
        to->row = *from;
        memcpy(to->row.key, key, sizeof key);
        to->row.root = outer;
        to->row.rel = rel;
        to->row.reason = reason;
        to->there = to->dirty = to->moved = true;
    } else {
        free(rel);
        free(reason);
    }
    old->there = false;
    old->dirty = old->known = old->was = old->moved = true;
    old->was_kind = from->kind;
    old->was_picture = from->picture;
    return 0;
}

/* Keys that the inner root's rows will have in the outer one, asked for together. */
static int fetch_targets(const struct absorb *a, const struct milvus_kept *rows,
                         struct eye_err *err)
{
    char(*keys)[MILVUS_KEY + 1] = mem_calloc(rows->n, sizeof *keys, err);
    int rc = keys ? 0 : EYE_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < rows->n && !rc; i++) {
        char *rel = prefixed(a->prefix, rows->v[i].rel, false, err);
        if (rel && rows->v[i].kind != KIND_MOUNT)
            milvus_file_key(a->outer->row.root, rel, keys[n++]);
        rc = rel ? 0 : EYE_ENOMEM;
        free(rel);
    }
    rc = rc || !n ? rc : milvus_fetch_rows(a->p, (const char(*)[MILVUS_KEY + 1]) keys, n, err);
    free(keys);
    return rc;
}

static int absorb(const struct absorb *a, int64_t inner, bool offline, struct eye_err *err)
{
    const struct milvus_scan files = {inner, "", KIND_FILE, KIND_FAILURE},
                             mounts = {inner, "", KIND_MOUNT, KIND_MOUNT};
    struct milvus_kept rows = {.err = err};
    int rc = milvus_each_row(a->p, &files, milvus_keep_row, &rows, err);
    rc = rc ? rc : milvus_each_row(a->p, &mounts, milvus_keep_row, &rows, err);
    rc = rc ? rc : fetch_targets(a, &rows, err);
    for (size_t i = 0; i < rows.n && !rc; i++)
        rc = move_row(a, &rows.v[i], err);
    milvus_kept_free(&rows);
    if (!rc && offline) {
        char *rel = prefixed(a->prefix, "", true, err);
        rc = rel ? milvus_mount_row(a->p, a->outer->row.root, rel, true, err) : EYE_ENOMEM;
        free(rel);
    }
    struct view_row *e;
    rc = rc ? rc : milvus_root_row(a->p, inner, &e, err);
    if (!rc) {
        e->there = false;
        milvus_root_changed(a->p, e);
    }
    return rc;
}

/* The first root below `path` that is to be absorbed: its number, whether it is offline, and "b/" (yours). *prefix NULL: there is none. */
static int next_below(struct milvus_part *p, const char *path, int64_t *inner, bool *offline,
                      char **prefix, struct eye_err *err)
{
    const struct store_root *roots;
    size_t n, len = path[1] ? strlen(path) : 0;
    *prefix = NULL;
    int rc = milvus_roots_of(p, &roots, &n, err);
    for (size_t i = 0; i < n && !rc && !*prefix; i++) {
        const char *below = roots[i].path;
        if (roots[i].uploads || strncmp(below, path, len) != 0 || below[len] != '/' ||
            !below[len + 1])
            continue;
        *inner = roots[i].id;
        *offline = roots[i].offline;
        *prefix = prefixed(below + len + 1, "/", false, err);
        rc = *prefix ? 0 : EYE_ENOMEM;
    }
    return rc;
}

int milvus_absorb_below(struct milvus_part *p, struct view_row *outer, const char *path,
                        struct eye_err *err)
{
    int rc;
    char *prefix;
    do {
        int64_t inner = 0;
        bool offline = false;
        rc = next_below(p, path, &inner, &offline, &prefix, err);
        if (rc || !prefix)
            break;
        const struct absorb a = {p, outer, prefix, err};
        rc = absorb(&a, inner, offline, err);
        free(prefix);
    } while (!rc);
    return rc;
}
