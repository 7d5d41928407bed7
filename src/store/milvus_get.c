/* milvus_get.c - one picture, one path: what store.h asks for one by one, answered from what was gathered or by a request. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/half.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"

static int no_picture(struct milvus_part *p, int64_t id, struct eye_err *err)
{
    return eye_fail(err, EYE_ENOTFOUND, "%s has no picture %lld", milvus_name(p->m), (long long)id);
}

int milvus_picture_by_hash(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                           bool *has_vector, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_pic *e;
    int64_t room;
    milvus_fresh(p);
    int rc = milvus_pic_with(p, hash, false, &e, &room, err);
    if (rc)
        return rc;
    if (!e)
        return eye_fail(err, EYE_ENOTFOUND, "%s has no picture with these bytes",
                        milvus_name(p->m));
    *id = e->pic.p.id;
    if (has_vector)
        *has_vector = e->pic.embedded && model == 1;
    return 0;
}

/* EYE_ENOTFOUND if it is not there. */
static int picture_of(struct milvus_part *p, int64_t id, bool vector, struct view_pic **e,
                      struct eye_err *err)
{
    milvus_fresh(p);
    int rc = milvus_pic_of(p, id, vector, e, err);
    return !rc && !(*e)->there ? no_picture(p, id, err) : rc;
}

int milvus_picture_get(struct store *s, int64_t id, struct store_picture *out, struct eye_err *err)
{
    struct view_pic *e;
    int rc = picture_of(milvus_part_of(s), id, false, &e, err);
    if (rc)
        return rc;
    *out = e->pic.p;
    out->looked_at = false; /* as store.h says: it is not asked for */
    return 0;
}

int milvus_has_vector(struct store *s, int64_t picture, int64_t model, bool *has,
                      struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_pic *e;
    *has = false;
    milvus_fresh(p);
    int rc = milvus_pic_of(p, picture, false, &e, err);
    *has = !rc && e->there && e->pic.embedded && model == 1;
    return rc;
}

int milvus_mosaic(struct store *s, int64_t picture, uint8_t mosaic[STORE_MOSAIC],
                  struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_pic *e;
    milvus_fresh(p);
    int rc = milvus_pic_of(p, picture, false, &e, err);
    if (rc)
        return rc;
    if (!e->there || !e->pic.p.looked_at)
        return eye_fail(err, EYE_ENOTFOUND, "picture %lld was never looked at", (long long)picture);
    memcpy(mosaic, e->pic.p.mosaic, STORE_MOSAIC);
    return 0;
}

/* ---- paths ---- */

int milvus_picture_at(struct store *s, int64_t root, const char *rel, int64_t *id,
                      struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    char key[MILVUS_KEY + 1];
    struct view_row *e;
    milvus_file_key(root, rel, key);
    milvus_fresh(p);
    int rc = milvus_row_of(p, key, &e, err);
    if (rc)
        return rc;
    if (!e->there || e->row.kind != KIND_FILE)
        return eye_fail(err, EYE_ENOTFOUND, "%s shows no picture in %s", rel, milvus_name(p->m));
    *id = e->row.picture;
    return 0;
}

int milvus_file_known(struct store *s, int64_t root, const char *rel, bool *known,
                      struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    char key[MILVUS_KEY + 1];
    struct view_row *e;
    milvus_file_key(root, rel, key);
    milvus_fresh(p);
    int rc = milvus_row_of(p, key, &e, err);
    *known = !rc && e->there;
    return rc;
}

/* ---- the files of a picture ---- */

struct shown {
    const struct milvus_row *row;
    const struct store_root *root;
};
struct files {
    struct shown *v;
    size_t n;
    bool rootless; /* there were some of a root that is not known */
};

static const struct store_root *root_among(const struct store_root *roots, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (roots[i].id == id)
            return &roots[i];
    return NULL;
}

static void collect_files(const struct milvus_view *v, int64_t id, const struct store_root *roots,
                          size_t nroots, struct files *out)
{
    out->n = 0;
    out->rootless = false;
    for (size_t i = 0; i < v->rows.n; i++) {
        const struct view_row *e = view_row_at(v, i);
        if (!e->there || e->row.kind != KIND_FILE || e->row.picture != id)
            continue;
        const struct store_root *root = root_among(roots, nroots, e->row.root);
        if (root)
            out->v[out->n++] = (struct shown){&e->row, root};
        else
            out->rootless = true;
    }
}

/* v is yours; what is in it is borrowed until the next call for this handle. A file whose root is not there (another machine removed it just now) is left out. */
static int files_of(struct milvus_part *p, int64_t id, struct files *out, struct eye_err *err)
{
    const struct store_root *roots;
    struct view_pic *e;
    size_t nroots;
    *out = (struct files){NULL, 0, false};
    int rc = milvus_pic_of(p, id, false, &e, err);
    rc = rc ? rc : milvus_fetch_files_of(p, &id, 1, err);
    rc = rc ? rc : milvus_roots_of(p, &roots, &nroots, err);
    if (rc)
        return rc;
    out->v = mem_calloc(p->view->rows.n, sizeof *out->v, err);
    if (!out->v)
        return EYE_ENOMEM;
    collect_files(p->view, id, roots, nroots, out);
    if (!out->rootless)
        return 0;
    milvus_roots_forget(p); /* it may be a new one */
    rc = milvus_roots_of(p, &roots, &nroots, err);
    if (!rc)
        collect_files(p->view, id, roots, nroots, out);
    return rc;
}

/* ---- absolute paths ---- */

struct path {
    char *path;
    bool offline;
};

static int compare_paths(const void *a, const void *b)
{
    const struct path *x = a, *y = b;
    return x->offline != y->offline ? (int)x->offline - (int)y->offline : strcmp(x->path, y->path);
}

static char *path_of(const struct shown *f, struct eye_err *err)
{
    struct buf path;
    const char *root = f->root->path, *rel = f->row->rel;
    buf_init(&path, SIZE_MAX / 2);
    int rc = buf_printf(&path, err, *rel && root[1] ? "%s/%s" : "%s%s", root, rel);
    char *text = rc ? NULL : buf_detach(&path, NULL);
    buf_release(&path);
    return text;
}

int milvus_picture_paths(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                         struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct files f;
    size_t len = 0, on = 0;
    milvus_fresh(p);
    int rc = files_of(p, id, &f, err);
    struct path *list = rc ? NULL : mem_calloc(f.n, sizeof *list, err);
    char **out = list ? mem_calloc(f.n + 1, sizeof *out, err) : NULL;
    rc = rc ? rc : out ? 0 : EYE_ENOMEM;
    for (; len < f.n && !rc; len += rc == 0) {
        list[len] = (struct path){path_of(&f.v[len], err), f.v[len].root->offline};
        rc = list[len].path ? 0 : EYE_ENOMEM;
    }
    if (!rc)
        qsort(list, len, sizeof *list, compare_paths);
    for (size_t i = 0; i < len; i++) {
        if (rc)
            free(list[i].path);
        else
            out[i] = list[i].path;
        on += !list[i].offline;
    }
    free(list);
    free(f.v);
    if (rc) {
        free(out);
        return rc;
    }
    *paths = out;
    *n = len;
    if (online)
        *online = on;
    return 0;
}

/* By (offline, root's path, rel). */
static int compare_shown(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    if (x->root->offline != y->root->offline)
        return (int)x->root->offline - (int)y->root->offline;
    int by_root = strcmp(x->root->path, y->root->path);
    return by_root ? by_root : strcmp(x->row->rel, y->row->rel);
}

int milvus_places(struct store *s, int64_t id, struct store_place **places, size_t *n,
                  struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct files f;
    *places = NULL;
    *n = 0;
    milvus_fresh(p);
    int rc = files_of(p, id, &f, err);
    struct store_place *list = rc ? NULL : mem_calloc(f.n, sizeof *list, err);
    rc = rc ? rc : list ? 0 : EYE_ENOMEM;
    if (!rc)
        qsort(f.v, f.n, sizeof *f.v, compare_shown);
    for (size_t i = 0; i < f.n && !rc; i++) {
        const struct shown *x = &f.v[i];
        list[i] = (struct store_place){.root = mem_strdup(x->root->path, err),
                                       .rel = mem_strdup(x->row->rel, err),
                                       .size = x->row->size,
                                       .mtime_ns = x->row->mtime_ns,
                                       .offline = x->root->offline};
        rc = list[i].root && list[i].rel ? 0 : EYE_ENOMEM;
    }
    size_t len = f.n;
    free(f.v);
    if (rc && list)
        store_places_free(list, len);
    if (rc)
        return rc;
    *places = list;
    *n = len;
    return 0;
}

int milvus_file_of(struct store *s, int64_t picture, int64_t root, const char *not_rel, char **rel,
                   struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct files f;
    *rel = NULL;
    milvus_fresh(p);
    int rc = files_of(p, picture, &f, err);
    for (size_t i = 0; i < f.n && !rc && !*rel; i++) {
        const struct milvus_row *row = f.v[i].row;
        if (row->root != root || (not_rel && strcmp(row->rel, not_rel) == 0))
            continue;
        *rel = mem_strdup(row->rel, err);
        rc = *rel ? 0 : EYE_ENOMEM;
    }
    free(f.v);
    return rc || *rel ? rc
                      : eye_fail(err, EYE_ENOTFOUND, "no other file there shows picture %lld",
                                 (long long)picture);
}

/* ---- all of it ---- */

static int compare_rows(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    if (x->row->root != y->row->root)
        return x->row->root < y->row->root ? -1 : 1;
    return strcmp(x->row->rel, y->row->rel);
}

static int record_files(struct milvus_part *p, int64_t id, struct store_record *out,
                        struct eye_err *err)
{
    struct files f;
    int rc = files_of(p, id, &f, err);
    out->files = rc ? NULL : mem_calloc(f.n, sizeof *out->files, err);
    rc = rc ? rc : out->files ? 0 : EYE_ENOMEM;
    if (!rc)
        qsort(f.v, f.n, sizeof *f.v, compare_rows);
    for (size_t i = 0; i < f.n && !rc; i++) {
        const struct milvus_row *row = f.v[i].row;
        out->files[out->nfiles++] =
            (struct store_record_file){row->root, mem_strdup(row->rel, err), row->mtime_ns};
        rc = out->files[i].rel ? 0 : EYE_ENOMEM;
    }
    free(f.v);
    return rc;
}

int milvus_record_get(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                      struct store_record *out, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct view_pic *e;
    *out = (struct store_record){.embedded = false};
    int rc = picture_of(p, id, true, &e, err);
    if (rc)
        return rc;
    out->picture = e->pic.p;
    out->embedded = model == 1 && e->pic.embedded;
    if (out->embedded && dim != milvus_dim(p))
        return eye_fail(err, EYE_EFORMAT, "the vector of picture %lld has %d dimensions, not %d",
                        (long long)id, milvus_dim(p), dim);
    if (out->embedded)
        half_from_floats(e->pic.vector, vector, (size_t)dim);
    return record_files(p, id, out, err);
}
