/* milvus_scope.c - a tree of filters made ready for a server.
 *
 * Pictures and their files are two collections, and no server of this kind joins. So what is asked of files (a leaf) is asked of their collection, and what comes
 * back goes into the expression for pictures as "id in [...]", if it is not too much: 8,192 ids are 140 kB, which 2.3.5 reads in some 30 ms.
 * Of leaves that let more pass only a superset is said, and the pictures that a search or a walk brings are held against the tree here: their
 * files are fetched, and match.h decides.
 *
 * Tried and dropped: paths of a picture as an array in its own row. Two machines that index copies of a picture would read, change and write it
 * at the same time, and a server of this kind knows no lock. */
#include <string.h>

#include "store/milvus_find.h"
#include "store/milvus_text.h"

enum { BATCH = 4096 }; /* pictures that are held against the tree at once */

/* ---- leaves ---- */

static size_t count_leaves(const struct store_where *w)
{
    size_t n = w->kind == STORE_IS && match_asks_files(w->filter);
    for (size_t i = 0; i < w->nparts && w->kind != STORE_IS; i++)
        n += count_leaves(w->parts[i]);
    return n;
}

static int add_leaf(struct milvus_scope *s, const struct store_where *w, struct eye_err *err)
{
    struct milvus_leaf *leaf = &s->leaves[s->nleaves++];
    const struct milvus_finder *f = s->f;
    leaf->node = w;
    leaf->files = match_files_new(w->filter, err);
    int rc = leaf->files ? 0 : EYE_ENOMEM;
    for (size_t i = 0; i < f->nroots && !rc; i++)
        if (!w->filter->root || w->filter->root == f->roots[i].id)
            rc = match_files_root(leaf->files, f->roots[i].id, f->roots[i].path, err);
    return rc;
}

static int add_leaves(struct milvus_scope *s, const struct store_where *w, struct eye_err *err)
{
    if (w->kind == STORE_IS)
        return match_asks_files(w->filter) ? add_leaf(s, w, err) : 0;
    int rc = 0;
    for (size_t i = 0; i < w->nparts && !rc; i++)
        rc = add_leaves(s, w->parts[i], err);
    return rc;
}

/* ---- the pictures of a leaf ---- */

enum { FILE_ID, FILE_PICTURE, FILE_ROOT, FILE_REL };
static const struct milvus_field file_fields[] = {{"id", MILVUS_TEXT, 0},
                                                  {"picture", MILVUS_INT, 0},
                                                  {"root", MILVUS_INT, 0},
                                                  {"rel", MILVUS_TEXT, 0},
                                                  {"mtime_ns", MILVUS_INT, 0}};
enum { FILE_MTIME = FILE_REL + 1, FILE_FIELDS };

struct settle {
    struct milvus_leaf *leaf;
    bool exact;
    struct eye_err *err;
};

/* 1: it passes, 0, or an error. */
static int file_passes(const struct match_files *m, int64_t root, const char *text,
                       struct eye_err *err)
{
    struct buf rel;
    buf_init(&rel, SIZE_MAX / 2);
    int rc = milvus_text_get(&rel, text, err);
    if (!rc)
        rc = match_file(m, root, rel.data, rel.len);
    buf_release(&rel);
    return rc;
}

static int take_files(void *ctx, const struct milvus_rows *rows)
{
    struct settle *s = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && rc >= 0; i++) {
        rc = s->exact ? 1
                      : file_passes(s->leaf->files, milvus_rows_int(rows, FILE_ROOT, i),
                                    milvus_rows_text(rows, FILE_REL, i), s->err);
        if (rc == 1)
            rc = store_ids_add(&s->leaf->ids, milvus_rows_int(rows, FILE_PICTURE, i), s->err);
    }
    return rc < 0 ? rc : 0;
}

static int settle_leaf(struct milvus_scope *s, struct milvus_leaf *leaf, struct eye_err *err)
{
    struct milvus_expr e;
    struct settle settle = {.leaf = leaf, .err = err};
    milvus_expr_init(&e);
    int rc = milvus_expr_files(leaf->files, s->like, &e, err);
    settle.exact = e.exact;
    const struct milvus_query q = {.which = MILVUS_FILES,
                                   .expr = e.text.data,
                                   .fields = file_fields,
                                   .nfields = e.exact ? FILE_ROOT : FILE_MTIME};
    leaf->ids.n = 0;
    if (!rc && e.says == MILVUS_SOME && !s->f->no_files)
        rc = milvus_walk(s->f->m, &q, INT64_MIN, take_files, &settle, err);
    milvus_expr_release(&e);
    rc = rc ? rc : store_ids_settle(&leaf->ids, err);
    leaf->known = !rc;
    return rc;
}

/* How many rows of files may pass. */
static int count_leaf(struct milvus_scope *s, struct milvus_leaf *leaf, uint64_t *n,
                      struct eye_err *err)
{
    struct milvus_expr e;
    *n = 0;
    milvus_expr_init(&e);
    int rc = milvus_expr_files(leaf->files, s->like, &e, err);
    if (!rc && e.says == MILVUS_SOME && !s->f->no_files)
        rc = milvus_count(s->f->m, MILVUS_FILES, e.text.data, false, n, err);
    milvus_expr_release(&e);
    return rc;
}

/* ---- made ready ---- */

static bool asks_pictures(const struct store_where *w)
{
    if (w->kind == STORE_IS)
        return match_facets(w->filter) != 0;
    bool asks = false;
    for (size_t i = 0; i < w->nparts && !asks; i++)
        asks = asks_pictures(w->parts[i]);
    return asks;
}

/* All of it must hold, so that what the expression says of a picture need not be asked again. */
static bool is_conjunction(const struct store_where *w)
{
    if (w->kind == STORE_IS)
        return true;
    bool all = w->kind == STORE_ALL_OF;
    for (size_t i = 0; i < w->nparts && all; i++)
        all = is_conjunction(w->parts[i]);
    return all;
}

static int express(struct milvus_scope *s, struct eye_err *err)
{
    int rc = milvus_expr_where(s->where, s->leaves, s->nleaves, s->like, &s->expr, err);
    s->said = !s->where || !asks_pictures(s->where) || (s->expr.facets && is_conjunction(s->where));
    return rc;
}

int milvus_scope_open(struct milvus_scope *s, const struct milvus_finder *f,
                      const struct store_where *where, size_t few, struct eye_err *err)
{
    int major = 0, minor = 0;
    *s = (struct milvus_scope){.f = f, .where = where};
    milvus_expr_init(&s->expr);
    int rc = where ? milvus_version(f->m, &major, &minor, NULL, err) : 0;
    s->like = major > 2 || (major == 2 && minor >= 4);
    size_t n = where ? count_leaves(where) : 0;
    s->leaves = rc ? NULL : mem_calloc(n, sizeof *s->leaves, err);
    s->counts = s->leaves ? mem_calloc(n, sizeof *s->counts, err) : NULL;
    if (!s->counts)
        return rc ? rc : EYE_ENOMEM;
    rc = where ? add_leaves(s, where, err) : 0;
    for (size_t i = 0; i < s->nleaves && !rc; i++) {
        rc = count_leaf(s, &s->leaves[i], &s->counts[i], err);
        if (!rc && s->counts[i] <= few)
            rc = settle_leaf(s, &s->leaves[i], err);
    }
    return rc ? rc : express(s, err);
}

void milvus_scope_release(struct milvus_scope *s)
{
    for (size_t i = 0; i < s->nleaves; i++) {
        match_files_free(s->leaves[i].files);
        store_ids_free(&s->leaves[i].ids);
    }
    free(s->leaves);
    free(s->counts);
    milvus_expr_release(&s->expr);
}

int milvus_scope_settle(struct milvus_scope *s, struct eye_err *err)
{
    int rc = 0;
    bool new = false;
    for (size_t i = 0; i < s->nleaves && !rc; i++)
        if (!s->leaves[i].known) {
            rc = settle_leaf(s, &s->leaves[i], err);
            new = true;
        }
    return rc || !new ? rc : express(s, err);
}

/* ---- asked of pictures ---- */

struct batch {
    const struct milvus_scope *s;
    const struct milvus_rows *rows; /* of pictures, if they are at hand */
    const int64_t *ids;             /* [n] ascending */
    size_t n;
    bool *there;
    struct store_picture *pictures; /* NULL: what is asked of them was said */
    bool **passed;                  /* [nleaves][n]: a file passes; NULL where the leaf is known */
    struct buf expr;
};

static size_t place_of(const struct batch *b, int64_t id)
{
    size_t lo = 0, hi = b->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (b->ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->n && b->ids[lo] == id ? lo : b->n;
}

enum {
    PIC_ID,
    PIC_WIDTH,
    PIC_HEIGHT,
    PIC_TAKEN,
    PIC_ADDED,
    PIC_GPS,
    PIC_LAT,
    PIC_LON,
    PIC_FORMAT,
    PIC_CAMERA
};
const struct milvus_field milvus_scope_fields[MILVUS_SCOPE_FIELDS] = {
    {"id", MILVUS_INT, 0},       {"width", MILVUS_INT, 0},    {"height", MILVUS_INT, 0},
    {"taken_at", MILVUS_INT, 0}, {"added_at", MILVUS_INT, 0}, {"has_gps", MILVUS_INT, 0},
    {"lat", MILVUS_REAL, 0},     {"lon", MILVUS_REAL, 0},     {"format", MILVUS_TEXT, 0},
    {"camera", MILVUS_TEXT, 0}};

static int read_text(char *out, size_t size, const char *text, struct eye_err *err)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    int rc = milvus_text_get(&b, text, err);
    size_t n = b.len < size ? b.len : size - 1;
    if (!rc) {
        memcpy(out, b.data, n);
        out[n] = '\0';
    }
    buf_release(&b);
    return rc;
}

static int clamp(int64_t v)
{
    return v < 0 ? 0 : v > INT32_MAX ? INT32_MAX : (int)v;
}

static int read_picture(const struct milvus_rows *rows, size_t i, struct store_picture *p,
                        struct eye_err *err)
{
    p->width = clamp(milvus_rows_int(rows, PIC_WIDTH, i));
    p->height = clamp(milvus_rows_int(rows, PIC_HEIGHT, i));
    p->taken_at = milvus_rows_int(rows, PIC_TAKEN, i);
    p->added_at = milvus_rows_int(rows, PIC_ADDED, i);
    p->has_gps = milvus_rows_int(rows, PIC_GPS, i) != 0;
    p->lat = milvus_rows_real(rows, PIC_LAT, i);
    p->lon = milvus_rows_real(rows, PIC_LON, i);
    int rc = read_text(p->format, sizeof p->format, milvus_rows_text(rows, PIC_FORMAT, i), err);
    return rc ? rc
              : read_text(p->camera, sizeof p->camera, milvus_rows_text(rows, PIC_CAMERA, i), err);
}

static int take_pictures(struct batch *b, const struct milvus_rows *rows, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < milvus_rows_n(rows); i++) {
        size_t at = place_of(b, milvus_rows_int(rows, PIC_ID, i));
        if (at == b->n)
            continue;
        b->there[at] = true;
        rc = read_picture(rows, i, &b->pictures[at], err);
    }
    return rc;
}

static int fetch_pictures(struct batch *b, struct eye_err *err)
{
    struct milvus_rows *rows = NULL;
    if (b->rows)
        return take_pictures(b, b->rows, err);
    buf_clear(&b->expr);
    int rc = milvus_expr_ids(&b->expr, "id", b->ids, b->n, err);
    const struct milvus_query q = {.expr = b->expr.data,
                                   .which = MILVUS_PICTURES,
                                   .fields = milvus_scope_fields,
                                   .nfields = MILVUS_SCOPE_FIELDS};
    rc = rc ? rc : milvus_query(b->s->f->m, &q, &rows, err);
    rc = rc ? rc : take_pictures(b, rows, err);
    milvus_rows_free(rows);
    return rc;
}

struct fetch {
    struct batch *b;
    struct eye_err *err;
};

static int hold_file(struct batch *b, const struct milvus_rows *rows, size_t i, struct eye_err *err)
{
    const struct milvus_scope *s = b->s;
    size_t at = place_of(b, milvus_rows_int(rows, FILE_PICTURE, i));
    int rc = 0;
    for (size_t k = 0; k < s->nleaves && at < b->n && rc >= 0; k++) {
        if (!b->passed[k] || b->passed[k][at] ||
            !match_date(s->leaves[k].files, milvus_rows_int(rows, FILE_MTIME, i)))
            continue;
        rc = file_passes(s->leaves[k].files, milvus_rows_int(rows, FILE_ROOT, i),
                         milvus_rows_text(rows, FILE_REL, i), err);
        b->passed[k][at] = rc == 1;
    }
    return rc < 0 ? rc : 0;
}

static int hold_files(void *ctx, const struct milvus_rows *rows)
{
    struct fetch *f = ctx;
    int rc = 0;
    for (size_t i = 0; i < milvus_rows_n(rows) && !rc; i++)
        rc = hold_file(f->b, rows, i, f->err);
    return rc;
}

static int fetch_files(struct batch *b, struct eye_err *err)
{
    struct fetch f = {b, err};
    bool wanted = false;
    for (size_t k = 0; k < b->s->nleaves; k++)
        wanted = wanted || b->passed[k];
    if (!wanted)
        return 0;
    buf_clear(&b->expr);
    int rc = buf_puts(&b->expr, "kind == 0 && ", err);
    rc = rc ? rc : milvus_expr_ids(&b->expr, "picture", b->ids, b->n, err);
    const struct milvus_query q = {
        .expr = b->expr.data, .which = MILVUS_FILES, .fields = file_fields, .nfields = FILE_FIELDS};
    struct milvus_rows *rows = NULL; /* in one request, if they are not too many */
    rc = rc ? rc : milvus_query(b->s->f->m, &q, &rows, err);
    bool cut = rc == EYE_ELIMIT || (!rc && milvus_rows_n(rows) == MILVUS_ROWS_MAX);
    if (!rc && !cut)
        rc = hold_files(&f, rows);
    milvus_rows_free(rows);
    return cut ? milvus_walk(b->s->f->m, &q, INT64_MIN, hold_files, &f, err) : rc;
}

static bool leaf_passes(const struct batch *b, const struct store_where *w, size_t at)
{
    const struct milvus_scope *s = b->s;
    size_t k = 0;
    while (k < s->nleaves && s->leaves[k].node != w)
        k++;
    if (k == s->nleaves)
        return false;
    return s->leaves[k].known ? store_ids_has(&s->leaves[k].ids, b->ids[at]) : b->passed[k][at];
}

static bool passes(const struct batch *b, const struct store_where *w, size_t at)
{
    switch (w->kind) {
    case STORE_IS:
        return (!b->pictures || match_picture(w->filter, &b->pictures[at])) &&
               (!match_asks_files(w->filter) || leaf_passes(b, w, at));
    case STORE_NOT: return !passes(b, w->parts[0], at);
    case STORE_ALL_OF:
    case STORE_ANY_OF: break;
    }
    for (size_t i = 0; i < w->nparts; i++)
        if (passes(b, w->parts[i], at) == (w->kind == STORE_ANY_OF))
            return w->kind == STORE_ANY_OF;
    return w->kind == STORE_ALL_OF;
}

static int batch_open(struct batch *b, struct eye_err *err)
{
    const struct milvus_scope *s = b->s;
    buf_init(&b->expr, SIZE_MAX / 2);
    b->there = mem_calloc(b->n, sizeof *b->there, err);
    b->passed = b->there ? mem_calloc(s->nleaves, sizeof *b->passed, err) : NULL;
    bool made = b->passed;
    for (size_t k = 0; k < s->nleaves && made; k++)
        if (!s->leaves[k].known)
            made = (b->passed[k] = mem_calloc(b->n, sizeof **b->passed, err)) != NULL;
    if (made && !s->said)
        made = (b->pictures = mem_calloc(b->n, sizeof *b->pictures, err)) != NULL;
    return made ? 0 : EYE_ENOMEM;
}

static void batch_release(struct batch *b)
{
    for (size_t k = 0; b->passed && k < b->s->nleaves; k++)
        free(b->passed[k]);
    free(b->passed);
    free(b->pictures);
    free(b->there);
    buf_release(&b->expr);
}

/* ids [n] -> those that pass, in place; *kept. */
static int keep_batch(const struct milvus_scope *s, const struct milvus_rows *rows, int64_t *ids,
                      size_t n, size_t *kept, struct eye_err *err)
{
    struct batch b = {.s = s, .rows = rows, .ids = ids, .n = n};
    int rc = batch_open(&b, err);
    if (!rc && b.pictures)
        rc = fetch_pictures(&b, err);
    if (!rc)
        rc = fetch_files(&b, err);
    for (size_t i = 0; i < n && !rc; i++)
        b.there[i] = (!b.pictures || b.there[i]) && passes(&b, s->where, i);
    *kept = 0;
    for (size_t i = 0; i < n && !rc; i++)
        if (b.there[i])
            ids[(*kept)++] = ids[i];
    batch_release(&b);
    return rc;
}

int milvus_scope_keep(const struct milvus_scope *s, const struct milvus_rows *rows,
                      struct store_ids *ids, struct eye_err *err)
{
    size_t n = 0;
    if (s->expr.exact)
        return 0;
    for (size_t at = 0; at < ids->n;) {
        size_t some = ids->n - at < BATCH ? ids->n - at : BATCH, kept = 0;
        int rc = keep_batch(s, rows, ids->v + at, some, &kept, err);
        if (rc)
            return rc;
        memmove(ids->v + n, ids->v + at, kept * sizeof *ids->v);
        n += kept;
        at += some;
    }
    ids->n = n;
    return 0;
}
