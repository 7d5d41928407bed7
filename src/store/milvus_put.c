/* milvus_put.c - changes of pictures and paths, gathered in the handle's view until the commit.
 *
 * What a change must know is asked of the server only if it was not gathered before: whether a picture exists (store.h says EYE_ENOTFOUND), what
 * vector it has. What it need not know to answer its caller (what the path showed before) is left to the commit, which asks once for all. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/half.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"

/* ---- pictures ---- */

static int check_vector(struct milvus_part *p, int64_t model, const uint16_t *vector, int dim,
                        struct eye_err *err)
{
    bool there;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (rc)
        return rc;
    if (!there || model != 1)
        return eye_fail(err, EYE_ENOTFOUND, "%s knows no model %lld", milvus_name(p->m),
                        (long long)model);
    if (dim != milvus_dim(p))
        return eye_fail(err, EYE_EINVAL, "a vector of %d dimensions for a model of %d", dim,
                        milvus_dim(p));
    return vector_row_length(vector, (size_t)dim, NULL, err);
}

static int set_vector(struct milvus_part *p, struct view_pic *e, const uint16_t *vector,
                      struct eye_err *err)
{
    size_t dim = (size_t)milvus_dim(p), bytes = dim * sizeof(float);
    float *v = mem_calloc(dim, sizeof *v, err);
    if (!v)
        return EYE_ENOMEM;
    half_to_floats(vector, v, dim);
    bool same = e->pic.embedded && e->pic.vector && memcmp(e->pic.vector, v, bytes) == 0;
    free(e->pic.vector);
    e->pic.vector = v;
    e->pic.embedded = e->vector_known = true;
    e->dirty = e->dirty || !same;
    return 0;
}

static void set_look(struct view_pic *e, uint64_t phash, const uint8_t *mosaic)
{
    struct store_picture *p = &e->pic.p;
    if (p->looked_at)
        return;
    p->looked_at = e->dirty = true;
    p->phash = phash;
    memcpy(p->mosaic, mosaic, STORE_MOSAIC);
}

static int put_picture(struct milvus_part *p, const struct store_picture *pic,
                       const uint16_t *vector, int64_t *id, struct eye_err *err)
{
    struct view_pic *e;
    int64_t room;
    bool there;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (!rc && !there)
        rc = eye_fail(err, EYE_EINVAL, "%s has no model yet, so it can hold no pictures",
                      milvus_name(p->m));
    rc = rc ? rc : milvus_pic_with(p, &pic->hash, true, &e, &room, err);
    if (rc)
        return rc;
    if (!e) {
        e = room ? view_pic_make(p->view, room, err) : NULL;
        if (!e)
            return room ? EYE_ENOMEM
                        : eye_fail(err, EYE_EINTERNAL, "a picture finds all its ids taken");
        e->pic = (struct milvus_pic){.p = *pic};
        e->pic.p.id = room;
        e->known = e->there = e->dirty = e->vector_known = true;
    } else if (pic->looked_at) {
        set_look(e, pic->phash, pic->mosaic);
    }
    *id = e->pic.p.id;
    return vector ? set_vector(p, e, vector, err) : 0;
}

int milvus_put(struct store *s, const struct store_picture *pic, int64_t model,
               const uint16_t *vector, int dim, int64_t *id, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = vector ? check_vector(p, model, vector, dim, err) : 0;
    if (!rc && pic->size > INT64_MAX)
        rc = eye_fail(err, EYE_EINVAL, "a picture of %llu bytes", (unsigned long long)pic->size);
    rc = rc ? rc : milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, put_picture(p, pic, vector, id, err), err);
}

static int put_vector(struct milvus_part *p, int64_t picture, const uint16_t *vector,
                      struct eye_err *err)
{
    struct view_pic *e;
    int rc = milvus_pic_of(p, picture, true, &e, err);
    if (!rc && !e->there)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s has no picture %lld", milvus_name(p->m),
                      (long long)picture);
    return rc ? rc : set_vector(p, e, vector, err);
}

int milvus_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                      int dim, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = check_vector(p, model, vector, dim, err);
    rc = rc ? rc : milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, put_vector(p, picture, vector, err), err);
}

int milvus_look_set(struct store *s, int64_t picture, uint64_t phash,
                    const uint8_t mosaic[STORE_MOSAIC], struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_pic *e;
    bool own;
    int rc = milvus_write_begin(p, &own, err);
    if (rc)
        return rc;
    rc = milvus_pic_of(p, picture, true, &e, err);
    if (!rc && e->there)
        set_look(e, phash, mosaic);
    return milvus_write_end(p, own, rc, err);
}

/* ---- paths ---- */

static int check_size(uint64_t size, const char *rel, struct eye_err *err)
{
    return size <= INT64_MAX ? 0
                             : eye_fail(err, EYE_EINVAL, "%s: a file of %llu bytes", rel,
                                        (unsigned long long)size);
}

static int check_root(struct milvus_part *p, int64_t root, const char *rel, struct eye_err *err)
{
    const struct store_root *r;
    int rc = milvus_root_with(p, root, &r, err);
    return rc != EYE_ENOTFOUND ? rc
                               : eye_fail(err, rc, "%s: %s has no root %lld", rel,
                                          milvus_name(p->m), (long long)root);
}

/* The path's entry; what it showed until now is noted if that is known. */
static int taken_path(struct milvus_part *p, int64_t root, const char *rel, struct view_row **e,
                      struct eye_err *err)
{
    char key[MILVUS_KEY + 1];
    milvus_file_key(root, rel, key);
    *e = view_row_make(p->view, key, err);
    return *e ? 0 : EYE_ENOMEM;
}

/* A path stops to show what it shows. */
static int lose(struct milvus_part *p, const struct view_row *e, int64_t but, struct eye_err *err)
{
    bool shows = e->there && e->row.kind == KIND_FILE && e->row.picture != but;
    struct view_pic *pic = shows ? view_pic_make(p->view, e->row.picture, err) : NULL;
    if (pic)
        pic->lost = true;
    return shows && !pic ? EYE_ENOMEM : 0;
}

static int set_rel(struct milvus_row *row, const char *rel, const char *reason, struct eye_err *err)
{
    char *a = row->rel ? row->rel : mem_strdup(rel, err), *b = a ? mem_strdup(reason, err) : NULL;
    row->rel = a;
    if (!b)
        return EYE_ENOMEM;
    free(row->reason);
    row->reason = b;
    return 0;
}

static int put_file(struct milvus_part *p, const struct store_file *f, struct eye_err *err)
{
    struct view_pic *pic;
    struct view_row *e = NULL;
    int rc = check_root(p, f->root, f->rel, err);
    rc = rc ? rc : milvus_pic_of(p, f->picture, true, &pic, err);
    if (!rc && !pic->there)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s: %s has no picture %lld", f->rel, milvus_name(p->m),
                      (long long)f->picture);
    rc = rc ? rc : taken_path(p, f->root, f->rel, &e, err);
    rc = rc ? rc : lose(p, e, f->picture, err);
    rc = rc ? rc : set_rel(&e->row, f->rel, "", err);
    if (rc)
        return rc;
    struct milvus_row *row = &e->row;
    row->kind = KIND_FILE;
    row->root = f->root;
    row->picture = f->picture;
    row->size = f->size;
    row->mtime_ns = f->mtime_ns;
    row->code = row->attempts = row->flags = 0;
    row->at = 0;
    e->there = e->dirty = pic->got = true;
    e->counts = e->moved = false;
    return 0;
}

int milvus_file_set(struct store *s, const struct store_file *f, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = check_size(f->size, f->rel, err);
    rc = rc ? rc : milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, put_file(p, f, err), err);
}

static int touch_file(struct milvus_part *p, const struct store_file *f, struct eye_err *err)
{
    char key[MILVUS_KEY + 1];
    struct view_row *e;
    struct view_pic *pic = NULL;
    milvus_file_key(f->root, f->rel, key);
    int rc = milvus_row_of(p, key, &e, err);
    if (!rc && !e->there)
        rc = eye_fail(err, EYE_ENOTFOUND, "%s is not in %s", f->rel, milvus_name(p->m));
    if (!rc && e->row.kind == KIND_FILE)
        rc = milvus_pic_of(p, e->row.picture, true, &pic, err);
    if (rc)
        return rc;
    if (pic && pic->there)
        pic->got = true;
    e->row.size = f->size;
    e->row.mtime_ns = f->mtime_ns;
    e->dirty = true;
    return 0;
}

int milvus_file_touch(struct store *s, const struct store_file *f, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = check_size(f->size, f->rel, err);
    rc = rc ? rc : milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, touch_file(p, f, err), err);
}

int milvus_file_remove(struct store *s, int64_t root, const char *rel, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_row *e = NULL;
    bool own;
    int rc = milvus_write_begin(p, &own, err);
    if (rc)
        return rc;
    rc = taken_path(p, root, rel, &e, err);
    rc = rc ? rc : lose(p, e, 0, err);
    if (!rc) {
        e->there = false;
        e->dirty = true;
        e->counts = e->moved = false;
    }
    return milvus_write_end(p, own, rc, err);
}

static int put_failure(struct milvus_part *p, const struct store_failure *f, struct eye_err *err)
{
    struct view_row *e = NULL;
    int rc = check_root(p, f->root, f->rel, err);
    rc = rc ? rc : taken_path(p, f->root, f->rel, &e, err);
    rc = rc ? rc : lose(p, e, 0, err);
    if (rc)
        return rc;
    /* How often it failed before is known, or the server will be asked by the commit. */
    bool again = e->there && e->row.kind == KIND_FAILURE, unknown = !e->known && !e->dirty;
    int attempts = again ? e->row.attempts + 1 : 1;
    rc = set_rel(&e->row, f->rel, f->reason, err);
    if (rc)
        return rc;
    struct milvus_row *row = &e->row;
    row->kind = KIND_FAILURE;
    row->root = f->root;
    row->picture = 0;
    row->size = f->size;
    row->mtime_ns = f->mtime_ns;
    row->code = f->code;
    row->at = f->at;
    row->attempts = attempts;
    row->flags = 0;
    e->there = e->dirty = true;
    e->counts = e->counts || unknown;
    e->moved = false;
    return 0;
}

int milvus_failure_set(struct store *s, const struct store_failure *f, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool own;
    int rc = check_size(f->size, f->rel, err);
    rc = rc ? rc : milvus_write_begin(p, &own, err);
    return rc ? rc : milvus_write_end(p, own, put_failure(p, f, err), err);
}
