/* milvus_count.c - how much there is, and whether it is as it should be.
 *
 * The server counts by reading, so a count takes as long as a scan of one column; row_count of its statistics would be quicker and wrong (deleted rows count
 * until they are compacted). verify reads each row of both collections once. What it finds is judged with reads that are some moments apart, so
 * what looks wrong is asked for once more, as of then, before it is told: others may be writing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/half.h"
#include "store/milvus_expr.h"
#include "store/milvus_fetch.h"
#include "store/milvus_files.h"
#include "store/milvus_ops.h"

int milvus_generation(struct store *s, int64_t *generation, struct eye_err *err)
{
    (void)s, (void)err;
    *generation = 0; /* a number that all machines agree on would be a row that all of them write */
    return 0;
}

/* ---- counting ---- */

static int count(struct milvus_part *p, enum milvus_which which, const char *expr, uint64_t *n,
                 struct eye_err *err)
{
    bool there;
    *n = 0;
    int rc = milvus_need(p, which, &there, err);
    rc = rc || !there ? rc : milvus_count(milvus_of(p), which, expr, false, n, err);
    milvus_doubt(p, which, rc);
    return rc;
}

int milvus_pictures(struct store *s, uint64_t *n, struct eye_err *err)
{
    return count(milvus_part_of(s), MILVUS_PICTURES, "", n, err);
}

int milvus_stats(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    const struct store_root *roots;
    size_t nroots;
    *out = (struct store_stats){.pictures = 0}; /* bytes: the server does not say */
    int rc = count(p, MILVUS_PICTURES, "", &out->pictures, err);
    rc = rc ? rc : count(p, MILVUS_FILES, "kind == 0", &out->files, err);
    rc = rc ? rc : count(p, MILVUS_FILES, "kind == 1", &out->failures, err);
    rc = rc || model != 1 ? rc : count(p, MILVUS_PICTURES, "embedded == 1", &out->embedded, err);
    rc = rc ? rc : milvus_roots_of(p, &roots, &nroots, err);
    out->roots = rc ? 0 : nroots;
    return rc;
}

/* ---- verify ---- */

struct verify {
    struct milvus_part *p;
    void (*report)(void *ctx, const char *finding);
    void *ctx;
    size_t findings;
    struct buf line;
    struct store_ids pictures, shown; /* that are there; that a file shows */
    const struct store_root *roots;
    size_t nroots;
    int dim;
    struct eye_err *err;
};

static void found(struct verify *v)
{
    v->findings++;
    if (v->report)
        v->report(v->ctx, v->line.data);
}

#define FOUND(v, ...)                                                                              \
    do {                                                                                           \
        buf_clear(&(v)->line);                                                                     \
        if (buf_printf(&(v)->line, NULL, __VA_ARGS__) == 0)                                        \
            found(v);                                                                              \
    } while (0)

/* How a wrong picture is made anew. */
#define AGAIN ": 'eyeshine remove --id %lld', then index again"

enum { V_ID, V_HASH, V_EMBEDDED, V_VECTOR, V_ALL };

static void check_vector(struct verify *v, int64_t id, const float *row)
{
    double length = 0;
    for (int i = 0; i < v->dim; i++)
        length += (double)row[i] * (double)row[i];
    length = sqrt(length);
    if (!(fabs(length - 1) <= 1e-2))
        FOUND(v, "picture %lld: its vector has length %.4f, not 1" AGAIN, (long long)id, length,
              (long long)id);
}

static int check_pictures(void *ctx, const struct milvus_rows *rows)
{
    struct verify *v = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && !rc; i++) {
        int64_t id = milvus_rows_int(rows, V_ID, i);
        struct hash hash;
        bool known = hash_from_hex(milvus_rows_text(rows, V_HASH, i), &hash, NULL) == 0,
             own = false;
        for (int c = 0; known && c < MILVUS_CANDIDATES; c++)
            own = own || milvus_picture_id(&hash, c) == id;
        if (!own)
            FOUND(v, "picture %lld: its number does not follow from its content" AGAIN,
                  (long long)id, (long long)id);
        if (milvus_rows_int(rows, V_EMBEDDED, i))
            check_vector(v, id, milvus_rows_vector(rows, V_VECTOR, i));
        rc = store_ids_add(&v->pictures, id, v->err);
    }
    return rc;
}

static int walk_pictures(struct verify *v, struct eye_err *err)
{
    bool there;
    int rc = milvus_need(v->p, MILVUS_PICTURES, &there, err);
    if (rc || !there)
        return rc;
    v->dim = milvus_dim(v->p);
    const struct milvus_field fields[V_ALL] = {{"id", MILVUS_INT, 0},
                                               {"hash", MILVUS_TEXT, 0},
                                               {"embedded", MILVUS_INT, 0},
                                               {"vector", MILVUS_VECTOR, v->dim}};
    struct milvus_query q = {.which = MILVUS_PICTURES, .fields = fields, .nfields = V_ALL};
    return milvus_walk(milvus_of(v->p), &q, INT64_MIN, check_pictures, v, err);
}

static bool has_root(const struct verify *v, int64_t id)
{
    for (size_t i = 0; i < v->nroots; i++)
        if (v->roots[i].id == id)
            return true;
    return false;
}

static int check_row(void *ctx, const struct milvus_row *row)
{
    struct verify *v = ctx;
    char key[MILVUS_KEY + 1];
    milvus_file_key(row->root, row->rel, key);
    if (strcmp(key, row->key) != 0)
        FOUND(v, "%s: its row has another file's key: index its folder again", row->rel);
    if (!has_root(v, row->root))
        FOUND(v, "%s: its root %lld is not there: index its folder again", row->rel,
              (long long)row->root);
    if (row->kind == KIND_FAILURE && !*row->reason)
        FOUND(v, "neither a picture nor a reason for file %s: 'eyeshine failures --retry'",
              row->rel);
    return row->kind == KIND_FILE ? store_ids_add(&v->shown, row->picture, v->err) : 0;
}

/* Ids [n] as they are now. */
static int ask_again(struct milvus_part *p, const struct store_ids *ids, struct eye_err *err)
{
    view_clear(p->view);
    int rc = milvus_fetch_pics(p, ids->v, ids->n, false, err);
    return rc ? rc : milvus_fetch_files_of(p, ids->v, ids->n, err);
}

static bool is_shown(const struct milvus_view *view, int64_t id)
{
    for (size_t i = 0; i < view->rows.n; i++)
        if (view_row_at(view, i)->row.picture == id)
            return true;
    return false;
}

/* a without b is asked for again, and told if it is still so. */
static int check_difference(struct verify *v, const struct store_ids *a, const struct store_ids *b,
                            bool fileless, struct eye_err *err)
{
    struct store_ids odd = {NULL, 0, 0};
    int rc = store_ids_copy(&odd, a, err);
    if (!rc) {
        store_ids_subtract(&odd, b);
        rc = odd.n ? ask_again(v->p, &odd, err) : 0;
    }
    for (size_t i = 0; i < odd.n && !rc; i++) {
        const struct view_pic *e = view_pic_find(v->p->view, odd.v[i]);
        bool there = e && e->there, shown = is_shown(v->p->view, odd.v[i]);
        if (fileless && there && !shown)
            FOUND(v, "no file shows picture %lld: 'eyeshine remove --id %lld'", (long long)odd.v[i],
                  (long long)odd.v[i]);
        if (!fileless && shown && !there)
            FOUND(v, "picture %lld is missing, and files show it: touch them and index again",
                  (long long)odd.v[i]);
    }
    store_ids_free(&odd);
    view_clear(v->p->view);
    return rc;
}

int milvus_verify(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                  size_t *findings, struct eye_err *err)
{
    static const struct milvus_scan files = {0, "", KIND_FILE, KIND_FAILURE};
    struct milvus_part *p = milvus_part_of(s);
    struct verify v = {.p = p, .report = report, .ctx = ctx, .err = err};
    buf_init(&v.line, 65536);
    milvus_roots_forget(p);
    int rc = p->in_txn ? eye_fail(err, EYE_EINVAL, "%s: a change is being made", milvus_name(p->m))
                       : milvus_roots_of(p, &v.roots, &v.nroots, err);
    rc = rc ? rc : walk_pictures(&v, err);
    rc = rc ? rc : milvus_each_row(p, &files, check_row, &v, err);
    rc = rc ? rc : store_ids_settle(&v.pictures, err);
    rc = rc ? rc : store_ids_settle(&v.shown, err);
    rc = rc ? rc : check_difference(&v, &v.pictures, &v.shown, true, err);
    rc = rc ? rc : check_difference(&v, &v.shown, &v.pictures, false, err);
    store_ids_free(&v.pictures);
    store_ids_free(&v.shown);
    buf_release(&v.line);
    if (findings)
        *findings = v.findings;
    return rc;
}
