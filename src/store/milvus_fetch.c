/* milvus_fetch.c - rows of the server into the handle's view, many in a request.
 *
 * Everything that reads one picture or one path goes through here, so what was gathered, what a transaction changed and what is asked of the server
 * right now are one. A request for 1 row costs what one for 100 does (1-2 ms in one network), which is why callers gather. */
#include "store/milvus_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "store/milvus_expr.h"

enum {
    IDS_A_QUERY = 1024,
    ANSWER_BYTES = 8 << 20 /* of vectors in one answer */
};

/* ---- expressions ---- */

int milvus_in_keys(struct buf *out, const char (*keys)[MILVUS_KEY + 1], size_t n,
                   struct eye_err *err)
{
    int rc = buf_puts(out, "id in [", err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = buf_printf(out, err, i ? ",\"%s\"" : "\"%s\"", keys[i]);
    return rc ? rc : buf_putc(out, ']', err);
}

/* ---- pictures ---- */

void milvus_fresh(struct milvus_part *p)
{
    if (!p->in_txn && !p->view->gathered)
        view_clear(p->view);
}

static int take_pics(struct milvus_part *p, const struct milvus_rows *rows, int dim,
                     struct eye_err *err)
{
    for (size_t i = 0; i < milvus_rows_n(rows); i++) {
        struct milvus_pic pic;
        int rc = milvus_pic_read(rows, i, dim, &pic, err);
        struct view_pic *e = rc ? NULL : view_pic_make(p->view, pic.p.id, err);
        if (!e) {
            milvus_pic_release(&pic);
            return rc ? rc : EYE_ENOMEM;
        }
        view_pic_fetched(e, &pic, dim != 0);
    }
    return 0;
}

/* One query for ids [n]. */
static int query_pics(struct milvus_part *p, const int64_t *ids, size_t n, bool vectors,
                      struct eye_err *err)
{
    struct milvus_field fields[PIC_ALL];
    struct milvus_rows *rows = NULL;
    struct buf expr;
    int dim = milvus_dim(p);
    milvus_picture_fields(fields, dim);
    buf_init(&expr, SIZE_MAX / 2);
    int rc = milvus_expr_ids(&expr, "id", ids, n, err);
    if (!rc) {
        struct milvus_query q = {.which = MILVUS_PICTURES,
                                 .expr = expr.data,
                                 .fields = fields,
                                 .nfields = vectors ? PIC_ALL : PIC_META};
        rc = milvus_query(milvus_of(p), &q, &rows, err);
        milvus_doubt(p, MILVUS_PICTURES, rc);
    }
    buf_release(&expr);
    rc = rc ? rc : take_pics(p, rows, vectors ? dim : 0, err);
    milvus_rows_free(rows);
    return rc;
}

static bool is_wanting(const struct view_pic *e, bool vectors)
{
    return !e || !e->known || (vectors && e->there && !e->vector_known && !e->dirty);
}

/* An entry for each id that the server has not. */
static int make_absent(struct milvus_part *p, const int64_t *ids, size_t n, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct view_pic *e = view_pic_make(p->view, ids[i], err);
        if (!e)
            return EYE_ENOMEM;
        if (!e->known)
            view_pic_fetched(e, NULL, false);
    }
    return 0;
}

int milvus_fetch_pics(struct milvus_part *p, const int64_t *ids, size_t n, bool vectors,
                      struct eye_err *err)
{
    int64_t want[IDS_A_QUERY];
    size_t len = 0, most = IDS_A_QUERY;
    bool there;
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (!rc && there && vectors) {
        most = ANSWER_BYTES / (sizeof(float) * (size_t)milvus_dim(p));
        most = most < IDS_A_QUERY ? most : IDS_A_QUERY;
    }
    for (size_t i = 0; i < n && !rc; i++) {
        if (ids[i] && is_wanting(view_pic_find(p->view, ids[i]), vectors))
            want[len++] = ids[i];
        if (len < most && i + 1 < n)
            continue;
        rc = len && there ? query_pics(p, want, len, vectors, err) : 0;
        rc = rc ? rc : make_absent(p, want, len, err);
        len = 0;
    }
    return rc;
}

int milvus_fetch_hashes(struct milvus_part *p, const struct hash *hashes, size_t n, bool vectors,
                        struct eye_err *err)
{
    int64_t *ids = mem_calloc(n * MILVUS_CANDIDATES, sizeof *ids, err);
    if (!ids)
        return EYE_ENOMEM;
    for (size_t i = 0; i < n * MILVUS_CANDIDATES; i++)
        ids[i] = milvus_picture_id(&hashes[i / MILVUS_CANDIDATES], (int)(i % MILVUS_CANDIDATES));
    int rc = milvus_fetch_pics(p, ids, n * MILVUS_CANDIDATES, vectors, err);
    free(ids);
    return rc;
}

int milvus_pic_of(struct milvus_part *p, int64_t id, bool vector, struct view_pic **e,
                  struct eye_err *err)
{
    static const int64_t last = INT64_C(1) << 53;
    bool possible = id > 0 && id < last;
    *e = view_pic_find(p->view, id);
    int rc = possible && is_wanting(*e, vector) ? milvus_fetch_pics(p, &id, 1, vector, err) : 0;
    *e = rc ? NULL : view_pic_make(p->view, id, err);
    return rc ? rc : *e ? 0 : EYE_ENOMEM;
}

int milvus_pic_with(struct milvus_part *p, const struct hash *hash, bool vector,
                    struct view_pic **e, int64_t *room, struct eye_err *err)
{
    int rc = milvus_fetch_hashes(p, hash, 1, vector, err);
    *e = NULL;
    *room = 0;
    for (int i = 0; i < MILVUS_CANDIDATES && !rc; i++) {
        int64_t id = milvus_picture_id(hash, i);
        struct view_pic *c = view_pic_find(p->view, id);
        if (!*e && c && c->there && hash_cmp(&c->pic.p.hash, hash) == 0)
            *e = c;
        if (!*room && c && !c->there)
            *room = id;
    }
    return rc;
}

/* ---- files ---- */

static int take_rows(struct milvus_part *p, const struct milvus_rows *rows, struct eye_err *err)
{
    for (size_t i = 0; i < milvus_rows_n(rows); i++) {
        struct milvus_row row;
        int rc = milvus_row_read(rows, i, &row, err);
        if (rc)
            return rc;
        struct view_row *e = view_row_make(p->view, row.key, err);
        if (!e) {
            milvus_row_release(&row);
            return EYE_ENOMEM;
        }
        if (!e->known)
            view_row_fetched(e, &row);
        else
            milvus_row_release(&row);
    }
    return 0;
}

static int query_rows(struct milvus_part *p, const char *expr, bool *full, struct eye_err *err)
{
    struct milvus_rows *rows = NULL;
    struct milvus_query q = {
        .which = MILVUS_FILES, .expr = expr, .fields = milvus_file_fields, .nfields = ROW_READ};
    int rc = milvus_query(milvus_of(p), &q, &rows, err);
    milvus_doubt(p, MILVUS_FILES, rc);
    rc = rc ? rc : take_rows(p, rows, err);
    *full = rows && milvus_rows_n(rows) >= MILVUS_ROWS_MAX;
    milvus_rows_free(rows);
    return rc;
}

static int query_keys(struct milvus_part *p, const char (*keys)[MILVUS_KEY + 1], size_t n,
                      struct eye_err *err)
{
    struct buf expr;
    bool full;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = milvus_in_keys(&expr, keys, n, err);
    rc = rc ? rc : query_rows(p, expr.data, &full, err);
    buf_release(&expr);
    for (size_t i = 0; i < n && !rc; i++) {
        struct view_row *e = view_row_make(p->view, keys[i], err);
        if (e && !e->known)
            view_row_fetched(e, NULL);
        rc = e ? 0 : EYE_ENOMEM;
    }
    return rc;
}

int milvus_fetch_rows(struct milvus_part *p, const char (*keys)[MILVUS_KEY + 1], size_t n,
                      struct eye_err *err)
{
    bool there;
    char(*want)[MILVUS_KEY + 1] = mem_calloc(IDS_A_QUERY, sizeof *want, err);
    int rc = want ? milvus_need(p, MILVUS_FILES, &there, err) : EYE_ENOMEM;
    for (size_t i = 0, len = 0; i < n && !rc; i++) {
        struct view_row *e = view_row_make(p->view, keys[i], err);
        if (!e)
            rc = EYE_ENOMEM;
        else if (!there && !e->known)
            view_row_fetched(e, NULL);
        if (e && !e->known)
            memcpy(want[len++], keys[i], sizeof *want);
        if (rc || !len || (len < IDS_A_QUERY && i + 1 < n))
            continue;
        rc = query_keys(p, (const char(*)[MILVUS_KEY + 1]) want, len, err);
        len = 0;
    }
    free(want);
    return rc;
}

int milvus_row_of(struct milvus_part *p, const char *key, struct view_row **e, struct eye_err *err)
{
    char one[1][MILVUS_KEY + 1];
    memcpy(one[0], key, sizeof one[0]);
    *e = view_row_find(p->view, key);
    if (*e && ((*e)->known || (*e)->dirty))
        return 0;
    int rc = milvus_fetch_rows(p, (const char(*)[MILVUS_KEY + 1]) one, 1, err);
    *e = rc ? NULL : view_row_find(p->view, key);
    return rc;
}

struct walk {
    struct milvus_part *p;
    struct eye_err *err;
};

static int on_rows(void *ctx, const struct milvus_rows *rows)
{
    const struct walk *w = ctx;
    return take_rows(w->p, rows, w->err);
}

static int fetch_files(struct milvus_part *p, const int64_t *ids, size_t n, struct eye_err *err)
{
    struct buf expr;
    bool full = false;
    buf_init(&expr, SIZE_MAX / 2);
    int rc = buf_puts(&expr, "kind == 0 && ", err);
    rc = rc ? rc : milvus_expr_ids(&expr, "picture", ids, n, err);
    rc = rc ? rc : query_rows(p, expr.data, &full, err);
    if (!rc && full) { /* pictures with very many files */
        struct walk w = {p, err};
        struct milvus_query q = {.which = MILVUS_FILES,
                                 .expr = expr.data,
                                 .fields = milvus_file_fields,
                                 .nfields = ROW_READ};
        rc = milvus_walk(milvus_of(p), &q, INT64_MIN, on_rows, &w, err);
    }
    buf_release(&expr);
    return rc;
}

int milvus_fetch_files_of(struct milvus_part *p, const int64_t *ids, size_t n, struct eye_err *err)
{
    int64_t want[IDS_A_QUERY];
    size_t len = 0;
    bool there;
    int rc = milvus_need(p, MILVUS_FILES, &there, err);
    for (size_t i = 0; i < n && !rc; i++) {
        struct view_pic *e = view_pic_find(p->view, ids[i]);
        if (e && !e->files_known)
            want[len++] = ids[i];
        if (!len || (len < IDS_A_QUERY && i + 1 < n))
            continue;
        rc = there ? fetch_files(p, want, len, err) : 0;
        for (size_t k = 0; k < len && !rc; k++)
            view_pic_find(p->view, want[k])->files_known = true;
        len = 0;
    }
    return rc;
}
