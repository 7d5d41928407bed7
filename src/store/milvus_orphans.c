/* milvus_orphans.c - the last part of a commit: pictures that no file shows any more go, and none that a file shows.
 *
 * Here two machines can cross: one finds that picture P has no file and deletes it, while the other, which has just seen P, gives it a new path. So
 * both look again, with reads that see all that was written before (strong): the one that deleted looks for files once more *after* the deletion, the one
 * that wrote a path looks for the picture *after* the path. Whichever of the two writes came first, one of them sees the other's, and puts P
 * back: both hold its whole row, vector and all, from before. What was put back is looked at again like something that lost a file.
 *
 * A mark "is about to go" in the row and a delay was the alternative: no strong read (0.2 s on a real server) for those who write, but every removal
 * takes seconds, and a machine whose clock or network stalls for longer than the delay still loses a picture. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_commit.h"
#include "store/milvus_expr.h"
#include "store/milvus_fetch.h"

enum { IDS_A_CHECK = 4096, ROUNDS = 16 };

static int ids_of(struct view_pic *const *list, size_t n, struct store_ids *ids,
                  struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++)
        rc = store_ids_add(ids, (int64_t)list[i]->tag, err);
    return rc;
}

/* Values of the INT field `name` of the rows whose field is among ids [n], as of now. */
static int query_among(struct milvus_part *p, enum milvus_which which, const char *head,
                       const char *name, const int64_t *ids, size_t n, struct store_ids *out,
                       bool *full, struct eye_err *err)
{
    struct milvus_field field = {name, MILVUS_INT, 0};
    struct milvus_rows *rows = NULL;
    struct buf expr;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = buf_puts(&expr, head, err);
    rc = rc ? rc : milvus_expr_ids(&expr, name, ids, n, err);
    if (!rc) {
        struct milvus_query q = {
            .which = which, .expr = expr.data, .fields = &field, .nfields = 1, .strong = true};
        rc = milvus_query(p->m, &q, &rows, err);
    }
    buf_release(&expr);
    size_t got = rc ? 0 : milvus_rows_n(rows);
    for (size_t i = 0; i < got && !rc; i++)
        rc = store_ids_add(out, milvus_rows_int(rows, 0, i), err);
    *full = got >= MILVUS_ROWS_MAX;
    milvus_rows_free(rows);
    return rc;
}

/* Those of ids [n] that a file shows, as of now. An answer that is full, of pictures with very many files, is asked for in halves; of one picture one
 * row will do. */
static int with_files(struct milvus_part *p, const int64_t *ids, size_t n, struct store_ids *out,
                      struct eye_err *err)
{
    bool full;
    int rc = query_among(p, MILVUS_FILES, "kind == 0 && ", "picture", ids, n, out, &full, err);
    if (rc || !full || n < 2)
        return rc;
    rc = with_files(p, ids, n / 2, out, err);
    return rc ? rc : with_files(p, ids + n / 2, n - n / 2, out, err);
}

/* Those of ids [n] that are there, as of now. */
static int that_exist(struct milvus_part *p, const int64_t *ids, size_t n, struct store_ids *out,
                      struct eye_err *err)
{
    int rc = 0;
    for (size_t at = 0; at < n && !rc; at += IDS_A_CHECK) {
        size_t some = n - at < IDS_A_CHECK ? n - at : IDS_A_CHECK;
        bool full;
        rc = query_among(p, MILVUS_PICTURES, "", "id", ids + at, some, out, &full, err);
    }
    return rc ? rc : store_ids_settle(out, err);
}

/* What was put back lost its file perhaps by now: it is looked at again. */
static int put_back(struct milvus_part *p, struct view_pic **list, size_t n, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++)
        list[i]->lost = true;
    return milvus_write_pics(p, list, n, err);
}

static int delete_pictures(struct milvus_part *p, struct view_pic *const *list, size_t n,
                           struct eye_err *err)
{
    struct store_ids ids = {NULL, 0, 0};
    struct buf expr;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = ids_of(list, n, &ids, err);
    for (size_t at = 0; at < n && !rc; at += IDS_A_CHECK) {
        buf_clear(&expr);
        rc = milvus_expr_ids(&expr, "id", ids.v + at, n - at < IDS_A_CHECK ? n - at : IDS_A_CHECK,
                             err);
        rc = rc ? rc : milvus_delete(p->m, MILVUS_PICTURES, expr.data, err);
    }
    buf_release(&expr);
    store_ids_free(&ids);
    return rc;
}

/* Keep those of list [*n] of which a file is, or is not, there. */
static int keep_by_files(struct milvus_part *p, struct view_pic **list, size_t *n, bool wanted,
                         struct eye_err *err)
{
    struct store_ids ids = {NULL, 0, 0}, have = {NULL, 0, 0};
    size_t kept = 0;
    int rc = ids_of(list, *n, &ids, err);
    rc = rc || !ids.n ? rc : with_files(p, ids.v, ids.n, &have, err);
    rc = rc ? rc : store_ids_settle(&have, err);
    for (size_t i = 0; i < *n && !rc; i++)
        if (store_ids_has(&have, (int64_t)list[i]->tag) == wanted)
            list[kept++] = list[i];
    *n = kept;
    store_ids_free(&ids);
    store_ids_free(&have);
    return rc;
}

/* With their vectors, so that they can be put back; those that are gone already are left out. */
static int fetch_whole(struct milvus_part *p, struct view_pic **list, size_t *n,
                       struct eye_err *err)
{
    struct store_ids ids = {NULL, 0, 0};
    size_t kept = 0;
    int rc = ids_of(list, *n, &ids, err);
    rc = rc ? rc : milvus_fetch_pics(p, ids.v, ids.n, true, err);
    for (size_t i = 0; i < *n && !rc; i++)
        if (list[i]->there)
            list[kept++] = list[i];
    *n = kept;
    store_ids_free(&ids);
    return rc;
}

static bool is_lost(const struct view_pic *e)
{
    return e->lost;
}

static bool is_got(const struct view_pic *e)
{
    return e->got;
}

/* list [n]: at most IDS_A_CHECK */
static int check_some(struct milvus_part *p, struct view_pic **list, size_t n, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++)
        list[i]->lost = false;
    int rc = keep_by_files(p, list, &n, false, err);
    if (!rc && n)
        rc = fetch_whole(p, list, &n, err);
    if (rc || !n)
        return rc;
    rc = delete_pictures(p, list, n, err);
    size_t kept = 0;
    struct view_pic **back = mem_calloc(n, sizeof(struct view_pic *), err);
    if (!rc && back) {
        for (size_t i = 0; i < n; i++)
            back[i] = list[i];
        kept = n;
        rc = keep_by_files(p, back, &kept, true, err);
        rc = rc ? rc : put_back(p, back, kept, err);
    }
    rc = rc ? rc : back ? 0 : EYE_ENOMEM;
    free(back);
    for (size_t i = 0; i < n && !rc; i++) /* a whole root may go: not all its vectors at once */
        if (!list[i]->lost) {
            milvus_pic_release(&list[i]->pic);
            list[i]->there = list[i]->known = list[i]->dirty = list[i]->vector_known = false;
        }
    return rc;
}

static int check_lost(struct milvus_part *p, struct eye_err *err)
{
    struct view_pic **list;
    size_t n;
    int rc = milvus_choose(p->view, is_lost, &list, &n, err);
    for (size_t at = 0; at < n && !rc; at += IDS_A_CHECK)
        rc = check_some(p, list + at, n - at < IDS_A_CHECK ? n - at : IDS_A_CHECK, err);
    free(list);
    return rc;
}

static int check_got(struct milvus_part *p, struct eye_err *err)
{
    struct view_pic **list;
    struct store_ids ids = {NULL, 0, 0}, have = {NULL, 0, 0};
    size_t n, missing = 0;
    int rc = milvus_choose(p->view, is_got, &list, &n, err);
    rc = rc ? rc : ids_of(list, n, &ids, err);
    rc = rc ? rc : that_exist(p, ids.v, ids.n, &have, err);
    for (size_t i = 0; i < n && !rc; i++) {
        list[i]->got = false;
        if (!store_ids_has(&have, (int64_t)list[i]->tag))
            list[missing++] = list[i];
    }
    rc = rc ? rc : put_back(p, list, missing, err);
    store_ids_free(&ids);
    store_ids_free(&have);
    free(list);
    return rc;
}

bool milvus_is_any(const struct milvus_view *v, bool (*pass)(const struct view_pic *e))
{
    for (size_t i = 0; i < v->pics.n; i++)
        if (pass(view_pic_at(v, i)))
            return true;
    return false;
}

int milvus_orphans(struct milvus_part *p, struct eye_err *err)
{
    int rc = milvus_is_any(p->view, is_got) ? check_got(p, err) : 0;
    for (int i = 0; i < ROUNDS && !rc && milvus_is_any(p->view, is_lost); i++)
        rc = check_lost(p, err);
    return rc;
}
