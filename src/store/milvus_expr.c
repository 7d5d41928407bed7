/* milvus_expr.c - filters as expressions of Milvus, of pictures and of files.
 *
 * A tree becomes the expression of what may pass it: where a part cannot be said (what is asked of files of too many pictures; a part of a name
 * where the server's LIKE knows prefixes only), it is taken to let all pass, and below a "not" to let nothing pass, so that what
 * comes out lets pass too much and never too little.
 *
 * Ranges instead of LIKE "x%": no wildcard needs an escape, and versions differ in theirs. For LIKE "%x%", which 2.3 refuses,
 * the longest run without wildcards is taken of x, and what that lets pass is looked at again. */
#include <math.h>
#include <string.h>

#include "store/milvus_expr.h"
#include "store/milvus_text.h"

enum { DEEP = 12 }; /* milvus-lite recurses per parenthesis, and stops between 32 and 200 of them */

struct printer {
    const struct milvus_leaf *leaves;
    size_t nleaves;
    bool like;
    bool exact, facets;
    struct eye_err *err;
};

/* What cannot be said: everything where too much may pass, nothing below a "not". */
static void unsaid(struct printer *p, struct milvus_terms *t, bool upper)
{
    p->exact = false;
    milvus_terms_constant(t, upper);
}

/* ---- pictures ---- */

static void time_terms(struct milvus_terms *t, const char *field, int64_t from, int64_t to)
{
    if (from == INT64_MIN && to == INT64_MIN)
        return;
    if (to != INT64_MIN && from >= to)
        milvus_terms_constant(t, false);
    /* INT64_MIN in a row: unknown; as a literal 2.3.5 cannot read it */
    milvus_terms_add(t, "%s >= %lld", field, (long long)(from == INT64_MIN ? -INT64_MAX : from));
    if (to != INT64_MIN)
        milvus_terms_add(t, "%s < %lld", field, (long long)to);
}

static void int_terms(struct milvus_terms *t, const char *field, int least, int most)
{
    if (least > 0)
        milvus_terms_add(t, "%s >= %d", field, least);
    if (most > 0)
        milvus_terms_add(t, "%s <= %d", field, most);
}

static void area_terms(struct milvus_terms *t, double least, double most)
{
    static const double huge = 9e18; /* no picture has so many */
    double from = ceil(least * 1e6), to = floor(most * 1e6);
    if (least > 0 && !(from < huge))
        milvus_terms_constant(t, false);
    else if (least > 0)
        milvus_terms_add(t, "pixels >= %lld", (long long)from);
    if (most > 0 && to < huge)
        milvus_terms_add(t, "pixels <= %lld", (long long)to);
}

static void place_terms(struct milvus_terms *t, const struct store_filter *f)
{
    if (f->gps || f->boxed)
        milvus_terms_add(t, "has_gps == %d", f->boxed || f->gps == 'y');
    if (f->boxed && f->gps == 'n')
        milvus_terms_constant(t, false);
    if (!f->boxed)
        return;
    struct milvus_terms lon;
    milvus_terms_real(t, "lat", ">=", f->south);
    milvus_terms_real(t, "lat", "<=", f->north);
    milvus_terms_init(&lon, f->west > f->east, t->err); /* across the date line either will do */
    milvus_terms_real(&lon, "lon", ">=", f->west);
    milvus_terms_real(&lon, "lon", "<=", f->east);
    milvus_terms_group(t, &lon);
}

static void camera_terms(struct printer *p, struct milvus_terms *t, const char *camera, bool upper)
{
    char part[128];
    size_t n = strlen(camera);
    milvus_terms_add(t, "camera_key != \"\"");
    if (n >= sizeof part) { /* longer than any camera */
        milvus_terms_constant(t, false);
        return;
    }
    for (size_t i = 0; i <= n; i++)
        part[i] = match_lower(camera[i]);
    bool said = n == 0 || (p->like && milvus_terms_part(t, "camera_key", part, n));
    if (!said) {
        p->facets = false;
        unsaid(p, t, upper);
    }
}

static void facet_terms(struct printer *p, struct milvus_terms *t, const struct store_filter *f,
                        bool upper)
{
    if (f->format)
        milvus_terms_text(t, "format", "==", f->format, strlen(f->format));
    time_terms(t, "taken_at", f->taken_from, f->taken_to);
    time_terms(t, "added_at", f->added_from, f->added_to);
    int_terms(t, "width", f->min_width, f->max_width);
    int_terms(t, "height", f->min_height, f->max_height);
    area_terms(t, f->min_megapixels, f->max_megapixels);
    if (f->orientation)
        milvus_terms_add(t, "shape == %d",
                         f->orientation == 'l'   ? 1
                         : f->orientation == 'p' ? 2
                                                 : 3);
    place_terms(t, f);
    if (f->camera)
        camera_terms(p, t, f->camera, upper);
}

static const struct milvus_leaf *leaf_of(const struct printer *p, const struct store_where *w)
{
    for (size_t i = 0; i < p->nleaves; i++)
        if (p->leaves[i].node == w)
            return &p->leaves[i];
    return NULL;
}

static void leaf_terms(struct printer *p, struct milvus_terms *t, const struct store_where *w,
                       bool upper)
{
    const struct milvus_leaf *leaf = leaf_of(p, w);
    struct buf in;
    facet_terms(p, t, w->filter, upper);
    if (!match_asks_files(w->filter))
        return;
    if (!leaf || !leaf->known || leaf->ids.n > MILVUS_IDS_MAX) {
        unsaid(p, t, upper);
    } else if (!leaf->ids.n) {
        milvus_terms_constant(t, false);
    } else {
        buf_init(&in, SIZE_MAX / 2);
        int rc = milvus_expr_ids(&in, "id", leaf->ids.v, leaf->ids.n, t->err);
        if (!rc)
            milvus_terms_raw(t, &in);
        t->rc = rc ? rc : t->rc;
        buf_release(&in);
    }
}

/* upper: what may pass; else what surely does. */
static void tree_terms(struct printer *p, struct milvus_terms *t, const struct store_where *w,
                       bool upper, int depth)
{
    struct milvus_terms group;
    struct milvus_expr part;
    if (depth > DEEP) {
        p->facets = false;
        unsaid(p, t, upper);
        return;
    }
    milvus_terms_init(&group, w->kind == STORE_ANY_OF, t->err);
    switch (w->kind) {
    case STORE_IS: leaf_terms(p, &group, w, upper); break;
    case STORE_ALL_OF:
    case STORE_ANY_OF:
        for (size_t i = 0; i < w->nparts; i++)
            tree_terms(p, &group, w->parts[i], upper, depth + 1);
        break;
    case STORE_NOT:
        milvus_expr_init(&part);
        tree_terms(p, &group, w->parts[0], !upper, depth + 1);
        int rc = milvus_terms_write(&group, true, &part);
        milvus_terms_init(&group, false, t->err);
        if (part.says != MILVUS_SOME)
            milvus_terms_constant(&group, part.says == MILVUS_ALL);
        else if (!rc)
            milvus_terms_raw(&group, &part.text);
        group.rc = rc ? rc : group.rc;
        milvus_expr_release(&part);
        break;
    }
    milvus_terms_group(t, &group);
}

int milvus_expr_where(const struct store_where *w, const struct milvus_leaf *leaves, size_t n,
                      bool like, struct milvus_expr *out, struct eye_err *err)
{
    struct printer p = {leaves, n, like, true, true, err};
    struct milvus_terms top;
    milvus_terms_init(&top, false, err);
    if (w)
        tree_terms(&p, &top, w, true, 0);
    int rc = milvus_terms_write(&top, false, out);
    /* nothing more could be taken away, or added */
    out->exact = p.exact || out->says == MILVUS_NOTHING;
    out->facets = p.facets;
    return rc;
}

/* ---- files ---- */

/* The path below a root has bytes [n] somewhere, which its base has not: in rel, or over the edge of both. */
static bool part_below(struct milvus_terms *t, const struct match_root *r, const char *part,
                       size_t n)
{
    struct milvus_terms any;
    bool exact = true;
    milvus_terms_init(&any, true, t->err);
    if (!milvus_terms_part(&any, "rel", part, n)) {
        exact = false;
        if (!any.n)
            milvus_terms_constant(&any, true);
    }
    for (size_t k = 1; k < n && k <= r->base_len; k++)
        if (memcmp(r->base + r->base_len - k, part, k) == 0 &&
            !milvus_terms_prefix(&any, "rel", part + k, n - k)) {
            exact = false;
            if (milvus_text_whole(part + k, n - k) == 0)
                milvus_terms_constant(&any, true);
        }
    milvus_terms_group(t, &any);
    return exact;
}

/* The longest text between stars, behind the first. */
static const char *longest_piece(const char *pattern, size_t *n)
{
    const char *best = NULL;
    *n = 0;
    for (const char *star = strchr(pattern, '*'); star; star = strchr(star + 1, '*')) {
        size_t len = strcspn(star + 1, "*");
        if (len > *n) {
            best = star + 1;
            *n = len;
        }
    }
    return best;
}

/* What is asked of rels below a root of which some pass. */
static bool some_terms(struct milvus_terms *t, const struct match_files *m,
                       const struct match_root *r, bool like)
{
    const char *pattern = m->f->path, *piece = NULL;
    size_t n = match_from_len(m, r), len = 0;
    bool exact = m->kind == PATH_STARS && n && !pattern[m->prefix_len + 1];
    if (n && !milvus_terms_prefix(t, "rel", r->from, n))
        exact = false;
    if (!like)
        return exact;
    if (m->kind == PATH_PART)
        return part_below(t, r, pattern, m->part_len);
    if (m->kind == PATH_STARS)
        piece = longest_piece(pattern, &len);
    if (len > 1 && !memmem(r->base, r->base_len, piece, len))
        part_below(t, r, piece, len);
    return exact;
}

static bool root_terms(struct milvus_terms *any, const struct match_files *m,
                       const struct match_root *r, bool like)
{
    struct milvus_terms all;
    bool exact = true;
    milvus_terms_init(&all, false, any->err);
    milvus_terms_add(&all, "root == %lld", (long long)r->id);
    if (r->pass == MATCH_SOME) {
        struct milvus_terms rels, either;
        milvus_terms_init(&rels, false, any->err);
        exact = some_terms(&rels, m, r, like);
        milvus_terms_init(&either, true, any->err);
        milvus_terms_group(&either, &rels);
        if (r->itself)
            milvus_terms_add(&either, "rel == \"\"");
        milvus_terms_group(&all, &either);
    } else if (r->pass == MATCH_NONE) {
        milvus_terms_add(&all, "rel == \"\"");
    } else if (!r->itself) {
        milvus_terms_add(&all, "rel != \"\"");
    }
    milvus_terms_group(any, &all);
    return exact;
}

static bool roots_terms(struct milvus_terms *t, const struct match_files *m, bool like)
{
    struct milvus_terms any;
    bool exact = true;
    if (m->kind == PATH_ANY && !m->f->root)
        return true;
    milvus_terms_init(&any, true, t->err);
    for (size_t i = 0; i < m->nroots; i++) {
        const struct match_root *r = &m->roots[i];
        if (r->pass == MATCH_NONE && !r->itself)
            continue;
        if (!root_terms(&any, m, r, like))
            exact = false;
    }
    milvus_terms_group(t, &any);
    return exact;
}

static bool names_terms(struct milvus_terms *t, const char *words, bool like)
{
    size_t n;
    bool exact = true;
    for (const char *w; (w = match_word(&words, &n)) != NULL;)
        if (!like || !milvus_terms_part(t, "name_key", w, n))
            exact = false;
    return exact;
}

int milvus_expr_files(const struct match_files *m, bool like, struct milvus_expr *out,
                      struct eye_err *err)
{
    struct milvus_terms t;
    milvus_terms_init(&t, false, err);
    milvus_terms_add(&t, "kind == 0");
    if (m->never)
        milvus_terms_constant(&t, false);
    if (m->modified_from != INT64_MIN)
        milvus_terms_add(&t, "mtime_ns >= %lld", (long long)m->modified_from);
    if (m->modified_to != INT64_MAX)
        milvus_terms_add(&t, "mtime_ns <= %lld", (long long)m->modified_to);
    bool roots = roots_terms(&t, m, like);
    bool names = !m->names || names_terms(&t, m->names, like);
    int rc = milvus_terms_write(&t, false, out);
    out->exact = (roots && names) || out->says == MILVUS_NOTHING;
    return rc;
}
