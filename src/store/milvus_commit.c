/* milvus_commit.c - a transaction sent: what changed, in an order and with checks that keep the catalogue whole though the server has no
 * transactions and other machines write at the same time.
 *
 * 1. What the paths showed until now is asked for, where it is not known: so pictures that lose a file are known.
 * 2. Pictures are written, then paths, then paths are deleted. Killed in between, there is a picture without a file at worst, or a path
 *    that shows its new picture already; the same change once more completes it.
 * 3. Pictures that lost a file and have none left go (milvus_orphans.c). */
#include "store/milvus_commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_fetch.h"

enum { KEYS_A_DELETE = 4096 };

/* ---- 1: what was there ---- */

static int resolve(struct milvus_part *p, struct eye_err *err)
{
    struct milvus_view *v = p->view;
    char(*keys)[MILVUS_KEY + 1] = mem_calloc(v->rows.n, sizeof *keys, err);
    size_t n = 0;
    if (!keys)
        return EYE_ENOMEM;
    for (size_t i = 0; i < v->rows.n; i++) {
        const struct view_row *e = view_row_at(v, i);
        if (e->dirty && !e->known)
            memcpy(keys[n++], e->row.key, sizeof *keys);
    }
    int rc = n ? milvus_fetch_rows(p, (const char(*)[MILVUS_KEY + 1]) keys, n, err) : 0;
    free(keys);
    return rc;
}

/* Which pictures a path stopped to show, and which a path shows by what is written now. */
static int mark_pictures(struct milvus_view *v, struct eye_err *err)
{
    for (size_t i = 0; i < v->pics.n; i++)
        view_pic_at(v, i)->got = false;
    for (size_t i = 0; i < v->rows.n; i++) {
        struct view_row *e = view_row_at(v, i);
        bool shows = e->there && e->row.kind == KIND_FILE;
        if (!e->dirty || e->moved)
            continue;
        if (e->was && e->was_kind == KIND_FILE && !(shows && e->row.picture == e->was_picture)) {
            struct view_pic *pic = view_pic_make(v, e->was_picture, err);
            if (!pic)
                return EYE_ENOMEM;
            pic->lost = true;
        }
        struct view_pic *pic = shows ? view_pic_find(v, e->row.picture) : NULL;
        if (pic && pic->there)
            pic->got = true;
    }
    for (size_t i = 0; i < v->pics.n; i++)
        if (view_pic_at(v, i)->got)
            view_pic_at(v, i)->lost = false;
    return 0;
}

/* ---- 2: writing ---- */

int milvus_write_pics(struct milvus_part *p, struct view_pic *const *list, size_t n,
                      struct eye_err *err)
{
    struct milvus_field fields[PIC_ALL];
    int rc = 0;
    if (!n)
        return 0;
    milvus_picture_fields(fields, milvus_dim(p));
    struct milvus_columns *c = milvus_columns_new(fields, PIC_ALL, err);
    if (!c)
        return EYE_ENOMEM;
    for (size_t i = 0; i < n && !rc; i++)
        rc = milvus_pic_write(c, &list[i]->pic, err);
    rc = rc ? rc : milvus_upsert(p->m, MILVUS_PICTURES, c, err);
    milvus_columns_free(c);
    return rc;
}

/* All entries of pictures that pass; *list is yours. */
int milvus_choose(const struct milvus_view *v, bool (*pass)(const struct view_pic *e),
                  struct view_pic ***list, size_t *n, struct eye_err *err)
{
    *n = 0;
    *list = mem_calloc(v->pics.n, sizeof(struct view_pic *), err);
    for (size_t i = 0; *list && i < v->pics.n; i++)
        if (pass(view_pic_at(v, i)))
            (*list)[(*n)++] = view_pic_at(v, i);
    return *list ? 0 : EYE_ENOMEM;
}

static bool is_dirty(const struct view_pic *e)
{
    return e->dirty && e->there;
}

static int send_pictures(struct milvus_part *p, struct eye_err *err)
{
    struct view_pic **list;
    size_t n;
    int rc = milvus_choose(p->view, is_dirty, &list, &n, err);
    rc = rc ? rc : milvus_write_pics(p, list, n, err);
    free(list);
    return rc;
}

static int add_row(struct milvus_part *p, struct milvus_columns *c, const struct milvus_row *row,
                   struct eye_err *err)
{
    const struct store_root *root = NULL;
    int rc = row->kind == KIND_FILE ? milvus_root_with(p, row->root, &root, err) : 0;
    if (rc && rc != EYE_ENOTFOUND) /* its root went in this very transaction */
        return rc;
    return milvus_row_write(c, row, root ? root->path : "", err);
}

static int send_rows(struct milvus_part *p, struct eye_err *err)
{
    struct milvus_columns *c = milvus_columns_new(milvus_file_fields, ROW_ALL, err);
    int rc = c ? 0 : EYE_ENOMEM;
    for (size_t i = 0; i < p->view->rows.n && !rc; i++) {
        const struct view_row *e = view_row_at(p->view, i);
        if (e->dirty && e->there)
            rc = add_row(p, c, &e->row, err);
    }
    if (!rc && milvus_columns_n(c))
        rc = milvus_upsert(p->m, MILVUS_FILES, c, err);
    milvus_columns_free(c);
    return rc;
}

static int delete_keys(struct milvus_part *p, const char (*keys)[MILVUS_KEY + 1], size_t n,
                       struct eye_err *err)
{
    struct buf expr;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = milvus_in_keys(&expr, keys, n, err);
    rc = rc ? rc : milvus_delete(p->m, MILVUS_FILES, expr.data, err);
    buf_release(&expr);
    return rc;
}

static int send_deletions(struct milvus_part *p, struct eye_err *err)
{
    char(*keys)[MILVUS_KEY + 1] = mem_calloc(KEYS_A_DELETE, sizeof *keys, err);
    size_t n = 0;
    int rc = keys ? 0 : EYE_ENOMEM;
    for (size_t i = 0; i < p->view->rows.n && !rc; i++) {
        const struct view_row *e = view_row_at(p->view, i);
        if (e->dirty && !e->there && e->was)
            memcpy(keys[n++], e->row.key, sizeof *keys);
        if (n < KEYS_A_DELETE)
            continue;
        rc = delete_keys(p, (const char(*)[MILVUS_KEY + 1]) keys, n, err);
        n = 0;
    }
    if (!rc && n)
        rc = delete_keys(p, (const char(*)[MILVUS_KEY + 1]) keys, n, err);
    free(keys);
    return rc;
}

/* ---- all of it ---- */

static bool is_changed(const struct milvus_view *v)
{
    for (size_t i = 0; i < v->rows.n; i++)
        if (view_row_at(v, i)->dirty)
            return true;
    return milvus_is_any(v, is_dirty);
}

int milvus_send(struct milvus_part *p, struct eye_err *err)
{
    bool there = true;
    if (!is_changed(p->view))
        return 0;
    int rc = milvus_need(p, MILVUS_FILES, &there, err);
    if (!rc && !there)
        rc = milvus_make(p, MILVUS_FILES, NULL, err);
    rc = rc ? rc : resolve(p, err);
    rc = rc ? rc : mark_pictures(p->view, err);
    rc = rc ? rc : send_pictures(p, err);
    rc = rc ? rc : send_rows(p, err);
    rc = rc ? rc : send_deletions(p, err);
    return rc ? rc : milvus_orphans(p, err);
}
