/* filter.c - what a caller asks of pictures beside the score, checked before it goes to the store.
 *
 * A tree comes from a query line or from anybody's program, so nothing about it is taken for granted but that its pointers
 * may be followed. On its way parts that say nothing fall out (a filter with nothing set, a group of one, "not" twice):
 * what remains is quicker to answer, and two ways to say the same are more often one key of allowed.c. */
#include <math.h>

#include "engine/search.h"

enum { DEPTH_MAX = 32, NODES_MAX = 1024, TEXT_MAX = 4096 };

/* ---- one filter ---- */

static bool is_number(double x)
{
    return isfinite(x) && x >= 0;
}

static bool is_within(double x, double most)
{
    return isfinite(x) && x >= -most && x <= most;
}

static bool is_one_of(char c, const char *set)
{
    return c == '\0' || strchr(set, c) != NULL;
}

static bool is_short(const char *text)
{
    return !text || strlen(text) <= TEXT_MAX;
}

static int check_box(const eye_filter *f, struct eye_err *err)
{
    if (!is_within(f->south, 90) || !is_within(f->north, 90)) {
        return eye_fail(err, EYE_EINVAL,
                        "filter: a box's south and north are degrees from -90 to 90");
    }
    if (!is_within(f->west, 180) || !is_within(f->east, 180)) {
        return eye_fail(err, EYE_EINVAL,
                        "filter: a box's west and east are degrees from -180 to 180");
    }
    if (f->south > f->north) {
        return eye_fail(err, EYE_EINVAL, "filter: a box's south (%g) lies north of its north (%g)",
                        f->south, f->north);
    }
    return 0;
}

static int check(const eye_filter *f, struct eye_err *err)
{
    if (!is_short(f->path) || !is_short(f->format) || !is_short(f->camera) || !is_short(f->name)) {
        return eye_fail(err, EYE_EINVAL, "filter: texts have at most %d bytes", TEXT_MAX);
    }
    if (f->root < 0) {
        return eye_fail(err, EYE_EINVAL, "filter: a root's id is a positive number, not %lld",
                        (long long)f->root);
    }
    if (f->min_width < 0 || f->min_height < 0 || f->max_width < 0 || f->max_height < 0 ||
        !is_number(f->min_megapixels) || !is_number(f->max_megapixels)) {
        return eye_fail(err, EYE_EINVAL,
                        "filter: sizes in pixels and megapixels cannot be below zero");
    }
    if (!is_one_of(f->orientation, "lps")) {
        return eye_fail(err, EYE_EINVAL, "filter: orientation is landscape, portrait or square");
    }
    if (!is_one_of(f->gps, "yn")) {
        return eye_fail(err, EYE_EINVAL, "filter: gps is yes or no");
    }
    return f->boxed ? check_box(f, err) : 0;
}

static const char *text_of(const char *text)
{
    return text && text[0] ? text : NULL;
}

static struct store_filter filter_of(const eye_filter *f)
{
    return (struct store_filter){.path = text_of(f->path),
                                 .root = f->root,
                                 .format = text_of(f->format),
                                 .name = text_of(f->name),
                                 .camera = text_of(f->camera),
                                 .taken_from = f->taken_from,
                                 .taken_to = f->taken_to,
                                 .added_from = f->added_from,
                                 .added_to = f->added_to,
                                 .modified_from = f->modified_from,
                                 .modified_to = f->modified_to,
                                 .min_width = f->min_width,
                                 .min_height = f->min_height,
                                 .max_width = f->max_width,
                                 .max_height = f->max_height,
                                 .min_megapixels = f->min_megapixels,
                                 .max_megapixels = f->max_megapixels,
                                 .orientation = f->orientation,
                                 .gps = f->gps,
                                 .boxed = f->boxed,
                                 .south = f->boxed ? f->south : 0,
                                 .west = f->boxed ? f->west : 0,
                                 .north = f->boxed ? f->north : 0,
                                 .east = f->boxed ? f->east : 0};
}

static bool says_nothing(const struct store_filter *f)
{
    bool files = f->path || f->name || f->root || f->modified_from != INT64_MIN ||
                 f->modified_to != INT64_MIN;
    bool times = f->taken_from != INT64_MIN || f->taken_to != INT64_MIN ||
                 f->added_from != INT64_MIN || f->added_to != INT64_MIN;
    bool size = f->min_width || f->min_height || f->max_width || f->max_height ||
                f->min_megapixels > 0 || f->max_megapixels > 0 || f->orientation;
    return !files && !times && !size && !f->format && !f->camera && !f->gps && !f->boxed;
}

/* ---- a tree ---- */

/* Counts first, so that the rest can build without asking for memory or going too deep. A part that contains itself is too deep. */
static int count_nodes(const eye_where *w, size_t depth, size_t *nodes, struct eye_err *err)
{
    if (!w) {
        return eye_fail(err, EYE_EINVAL, "filter: a part of it is missing");
    }
    if (depth > DEPTH_MAX) {
        return eye_fail(err, EYE_EINVAL, "filter: its parts are nested more than %d deep",
                        DEPTH_MAX);
    }
    if (++*nodes > NODES_MAX) {
        return eye_fail(err, EYE_EINVAL, "filter: it has more than %d parts", NODES_MAX);
    }
    if (w->kind == EYE_IS) {
        return w->filter ? check(w->filter, err)
                         : eye_fail(err, EYE_EINVAL, "filter: a condition of it is missing");
    }
    if (w->kind != EYE_ALL_OF && w->kind != EYE_ANY_OF && w->kind != EYE_NOT) {
        return eye_fail(err, EYE_EINVAL, "filter: a part of it is of no known kind (%d)",
                        (int)w->kind);
    }
    if (w->kind == EYE_NOT && w->nparts != 1) {
        return eye_fail(err, EYE_EINVAL, "filter: 'not' is of one part, not of %zu", w->nparts);
    }
    if (w->nparts && !w->parts) {
        return eye_fail(err, EYE_EINVAL, "filter: the parts of a group are missing");
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < w->nparts; i++) {
        rc = count_nodes(w->parts[i], depth + 1, nodes, err);
    }
    return rc;
}

struct builder {
    struct store_where *nodes;
    struct store_filter *filters;
    const struct store_where **parts;
    size_t nnodes, nfilters, nparts;
};

static const struct store_where everything = {.kind = STORE_ALL_OF};
static const struct store_where nothing = {.kind = STORE_ANY_OF};

static const struct store_where *build_filter(struct builder *b, const eye_filter *f)
{
    struct store_filter *filter = &b->filters[b->nfilters];
    *filter = filter_of(f);
    if (says_nothing(filter)) {
        return &everything;
    }
    b->nfilters++;
    struct store_where *node = &b->nodes[b->nnodes++];
    *node = (struct store_where){.kind = STORE_IS, .filter = filter};
    return node;
}

static const struct store_where *build_not(struct builder *b, const struct store_where *part)
{
    if (part == &everything || part == &nothing) {
        return part == &everything ? &nothing : &everything;
    }
    if (part->kind == STORE_NOT) {
        return part->parts[0];
    }
    const struct store_where **one = &b->parts[b->nparts++];
    *one = part;
    struct store_where *node = &b->nodes[b->nnodes++];
    *node = (struct store_where){.kind = STORE_NOT, .parts = one, .nparts = 1};
    return node;
}

/* Of built parts [n]: ALL_OF is decided by one that nothing passes, ANY_OF by one that everything does. */
static const struct store_where *build_group(struct builder *b, enum store_where_kind kind,
                                             const struct store_where **parts, size_t n)
{
    const struct store_where *neutral = kind == STORE_ALL_OF ? &everything : &nothing;
    const struct store_where *decisive = kind == STORE_ALL_OF ? &nothing : &everything;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i] == decisive) {
            return decisive;
        }
        if (parts[i] != neutral) {
            parts[kept++] = parts[i];
        }
    }
    if (kept < 2) {
        return kept ? parts[0] : neutral;
    }
    struct store_where *node = &b->nodes[b->nnodes++];
    *node = (struct store_where){.kind = kind, .parts = parts, .nparts = kept};
    return node;
}

static const struct store_where *build(struct builder *b, const eye_where *w)
{
    if (w->kind == EYE_IS) {
        return build_filter(b, w->filter);
    }
    if (w->kind == EYE_NOT) {
        return build_not(b, build(b, w->parts[0]));
    }
    const struct store_where **parts = &b->parts[b->nparts];
    b->nparts += w->nparts;
    for (size_t i = 0; i < w->nparts; i++) {
        parts[i] = build(b, w->parts[i]);
    }
    return build_group(b, w->kind == EYE_ALL_OF ? STORE_ALL_OF : STORE_ANY_OF, parts, w->nparts);
}

int eng_where_make(const eye_filter *filter, const eye_where *where, struct eng_where *out,
                   struct eye_err *err)
{
    const eye_where is = {.kind = EYE_IS, .filter = filter};
    size_t n = 0;
    *out = (struct eng_where){NULL, NULL, NULL, NULL};
    int rc = filter ? check(filter, err) : 0;
    rc = rc < 0 || !where ? rc : count_nodes(where, 1, &n, err);
    if (rc < 0) {
        return rc;
    }
    n += 4; /* the filter, the group of both, and its two parts */
    out->nodes = mem_calloc(n, sizeof(struct store_where), err);
    out->filters = out->nodes ? mem_calloc(n, sizeof(struct store_filter), err) : NULL;
    out->parts = out->filters ? mem_calloc(n, sizeof(struct store_where *), err) : NULL;
    if (!out->parts) {
        eng_where_free(out);
        return EYE_ENOMEM;
    }
    struct builder b = {.nodes = out->nodes, .filters = out->filters, .parts = out->parts};
    const struct store_where **both = b.parts;
    b.nparts = 2;
    both[0] = filter ? build(&b, &is) : &everything;
    both[1] = where ? build(&b, where) : &everything;
    const struct store_where *top = build_group(&b, STORE_ALL_OF, both, 2);
    out->top = top == &everything ? NULL : top;
    return 0;
}

void eng_where_free(struct eng_where *w)
{
    free(w->nodes);
    free(w->filters);
    free(w->parts);
    *w = (struct eng_where){NULL, NULL, NULL, NULL};
}
