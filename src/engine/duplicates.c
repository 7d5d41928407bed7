/* duplicates.c - eye_duplicates: groups, page by page, with what is known of each member just now.
 *
 * A grouping (dup_kept.c) holds ids; sizes, paths and whether a file is there are read when a group is told, so only for the page that is
 * wanted. What was removed since the grouping was found is left out, and so is a group of which less than two are left. */
#include <math.h>

#include "engine/duplicates.h"
#include "engine/originals.h"

enum { SECONDS_MAX = 86400, PATTERN_MAX = 4096 };

/* ---- options ---- */

static int check(const eye_dup_options *o, struct eye_err *err)
{
    if (o->kind != EYE_DUP_SAME && o->kind != EYE_DUP_NEAR && o->kind != EYE_DUP_SIMILAR) {
        return eye_fail(err, EYE_EINVAL, "duplicates are of a kind: same, near or similar");
    }
    if (o->distance < -1 || o->distance > ENG_DUP_DISTANCE_MAX) {
        return eye_fail(err, EYE_EINVAL, "the distance is 0 to %d bits, not %d",
                        ENG_DUP_DISTANCE_MAX, o->distance);
    }
    if (!isfinite(o->cosine) || (o->cosine != 0 && !(o->cosine >= 0.5f && o->cosine <= 1))) {
        return eye_fail(err, EYE_EINVAL, "the cosine is 0.5 to 1, not %g", (double)o->cosine);
    }
    if (o->path && o->path[0] != '/' && !strpbrk(o->path, "*?[")) {
        return eye_fail(err, EYE_EINVAL, "%s: the path must begin with / or hold one of * ? [",
                        o->path);
    }
    if (o->path && strlen(o->path) > PATTERN_MAX / 2) {
        return eye_fail(err, EYE_EINVAL, "the path is longer than %d bytes", PATTERN_MAX / 2);
    }
    return o->after < 0 || o->max_age < 0 || o->max_age > SECONDS_MAX
               ? eye_fail(err, EYE_EINVAL, "'after' and the age cannot be below zero")
               : 0;
}

static struct eng_dup_wish wish_of(const eye_dup_options *o)
{
    return (struct eng_dup_wish){o->kind, o->distance, o->cosine, o->max_age};
}

/* ---- which groups ---- */

/* A folder becomes two globs: itself, if it is a file after all, and what lies below it. A backslash would escape. */
static int allow_below(eye_lib *lib, struct store *s, const char *path, struct eng_allowed *out,
                       struct eye_err *err)
{
    char exact[PATTERN_MAX + 8], below[PATTERN_MAX + 16];
    size_t n = 0, len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    for (size_t i = 1; i < len; i++) {
        if (path[i] == '\\') {
            exact[3 + n++] = '\\';
        }
        exact[3 + n++] = path[i];
    }
    memcpy(exact, "[/]", 3); /* makes a glob of it: else it would be a part of any path */
    exact[3 + n] = '\0';
    snprintf(below, sizeof below, "%s%s*", exact, n ? "/" : "");
    eye_filter is = EYE_FILTER_INIT, under = EYE_FILTER_INIT;
    is.path = exact;
    under.path = below;
    const eye_where one = {.kind = EYE_IS, .filter = &is}, two = {.kind = EYE_IS, .filter = &under};
    const eye_where *const parts[] = {&one, &two};
    const eye_where where = {.kind = EYE_ANY_OF, .parts = parts, .nparts = 2};
    return eng_allowed_ids(lib, s, NULL, &where, out, err);
}

static int allow(eye_lib *lib, struct store *s, const char *path, struct eng_allowed *out,
                 struct eye_err *err)
{
    eye_filter filter = EYE_FILTER_INIT;
    *out = (struct eng_allowed){.all = true};
    if (!path || !path[0]) {
        return 0;
    }
    if (!strpbrk(path, "*?[")) {
        return allow_below(lib, s, path, out, err);
    }
    filter.path = path;
    return eng_allowed_ids(lib, s, &filter, NULL, out, err);
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool passes(const struct eng_grouping *g, const struct eng_group *group,
                   const struct eng_allowed *allowed)
{
    bool any = allowed->all;
    for (size_t i = 0; i < group->n && !any && allowed->n; i++) {
        any = bsearch(&g->members[group->first + i].id, allowed->ids, allowed->n,
                      sizeof *allowed->ids, by_number) != NULL;
    }
    return any;
}

/* ---- telling ---- */

struct teller {
    struct store *store;
    eye_dup_kind kind;
    eye_dup_member *members; /* [n] their strings are ours */
    size_t n, cap;
};

static void forget(struct teller *t)
{
    for (size_t i = 0; i < t->n; i++) { /* filled here, const only to the caller */
        free((char *)(uintptr_t)t->members[i].path);
        free((char *)(uintptr_t)t->members[i].format);
        free((char *)(uintptr_t)t->members[i].hash);
    }
    t->n = 0;
}

static int tell_member(struct teller *t, const struct store_picture *pic,
                       const struct eng_member *m, const char *path, bool offline,
                       struct eye_err *err)
{
    char hex[HASH_HEX_LEN + 1];
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        eye_dup_member *more = mem_realloc(t->members, cap, sizeof *more, err);
        if (!more) {
            return EYE_ENOMEM;
        }
        t->members = more;
        t->cap = cap;
    }
    hash_to_hex(&pic->hash, hex);
    eye_dup_member *out = &t->members[t->n++];
    *out = (eye_dup_member){.id = pic->id,
                            .path = mem_strdup(path, err),
                            .format = mem_strdup(pic->format, err),
                            .hash = mem_strdup(hex, err),
                            .offline = offline,
                            .size = pic->size,
                            .width = pic->width,
                            .height = pic->height,
                            .distance = m->distance,
                            .cosine = m->cosine};
    return out->path && out->format && out->hash ? 0 : EYE_ENOMEM;
}

/* Its files, those that are there first; of a picture in a group with others the first one. */
static int tell_files(struct teller *t, const struct store_picture *pic, const struct eng_member *m,
                      struct eye_err *err)
{
    char **paths = NULL;
    size_t n = 0, online = 0, first = t->n;
    int rc = store_picture_paths(t->store, pic->id, &paths, &n, &online, err);
    bool *there = rc == 0 ? mem_calloc(n + 1, sizeof *there, err) : NULL;
    rc = rc < 0 ? rc : there ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        there[i] = eng_path_there(paths[i], i < online);
    }
    size_t most = t->kind == EYE_DUP_SAME ? n : 1;
    for (int away = 0; away < 2; away++) {
        for (size_t i = 0; rc == 0 && i < n && t->n - first < most; i++) {
            if (there[i] != (away == 1)) {
                rc = tell_member(t, pic, m, paths[i], away == 1, err);
            }
        }
    }
    free(there);
    store_strings_free(paths, n);
    return rc;
}

/* What is about to be asked of the members, from a server at once. */
static int fetch(struct store *s, const struct eng_grouping *g, const struct eng_group *group,
                 struct eye_err *err)
{
    if (!store_is_remote(s)) {
        return 0;
    }
    int64_t *ids = mem_calloc(group->n, sizeof *ids, err);
    for (size_t i = 0; ids && i < group->n; i++) {
        ids[i] = g->members[group->first + i].id;
    }
    int rc = ids ? store_gather(s, ids, group->n, false, err) : EYE_ENOMEM;
    free(ids);
    return rc;
}

/* *whole: it can be told; else its representative, or all others, went away meanwhile. */
static int gather(struct teller *t, const struct eng_grouping *g, const struct eng_group *group,
                  bool *whole, struct eye_err *err)
{
    forget(t);
    *whole = false;
    int rc = fetch(t->store, g, group, err);
    for (size_t i = 0; rc == 0 && i < group->n; i++) {
        const struct eng_member *m = &g->members[group->first + i];
        struct store_picture pic;
        struct eye_err gone = {0};
        rc = store_picture_get(t->store, m->id, &pic, &gone);
        if (rc == EYE_ENOTFOUND) {
            rc = 0;
            if (i == 0) {
                return 0;
            }
        } else if (rc < 0) {
            eye_fail(err, rc, "%s", gone.msg);
        } else {
            rc = tell_files(t, &pic, m, err);
        }
    }
    *whole = rc == 0 && t->n > 1 && t->members[0].id == g->members[group->first].id;
    return rc;
}

struct page {
    const eye_dup_options *options;
    int (*fn)(void *ctx, const eye_dup_group *g);
    void *ctx;
    eye_dup_totals *totals;
};

static int tell_page(struct teller *t, const struct eng_grouping *g,
                     const struct eng_allowed *allowed, const struct page *p, struct eye_err *err)
{
    size_t told = 0;
    int64_t last = 0;
    for (size_t i = 0; i < g->ngroups; i++) {
        const struct eng_group *group = &g->groups[i];
        int64_t id = g->members[group->first].id;
        bool whole;
        if (!passes(g, group, allowed)) {
            continue;
        }
        p->totals->groups++;
        if (id <= p->options->after || p->totals->next) {
            continue;
        }
        if (p->options->limit && told == p->options->limit) {
            p->totals->next = last;
            continue;
        }
        int rc = gather(t, g, group, &whole, err);
        if (rc == 0 && whole) {
            const eye_dup_group out = {t->kind, t->members, t->n};
            rc = p->fn ? p->fn(p->ctx, &out) : 0;
            last = id;
            told++;
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* ---- all together ---- */

struct phases {
    const eye_dup_options *options;
    eye_dup_phase phase;
};

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    const struct phases *p = ctx;
    const eye_dup_options *o = p->options;
    return o->progress ? o->progress(o->ctx, p->phase, done, total) : 0;
}

static int tell(eye_lib *lib, struct eng_kept *kept, const struct page *p, struct eye_err *err)
{
    struct teller t = {.kind = p->options->kind};
    struct eng_allowed allowed;
    t.store = eng_store_get(lib, err);
    int rc = t.store ? allow(lib, t.store, p->options->path, &allowed, err) : eng_code(err);
    if (rc == 0) {
        rc = p->options->kind == EYE_DUP_SAME
                 ? 0
                 : store_unseen_count(t.store, &p->totals->unknown, err);
        rc = rc < 0 ? rc : tell_page(&t, &kept->grouping, &allowed, p, err);
        eng_allowed_put(lib, &allowed);
    }
    eng_store_put(lib, t.store);
    forget(&t);
    free(t.members);
    return rc;
}

int eng_dup_check(const eye_dup_options *options, struct eng_dup_wish *wish, struct eye_err *err)
{
    *wish = wish_of(options);
    return check(options, err);
}

int eye_duplicates(eye_lib *lib, const eye_dup_options *options,
                   int (*fn)(void *ctx, const eye_dup_group *g), void *ctx, eye_dup_totals *totals,
                   struct eye_err *err)
{
    eye_dup_totals unwanted;
    struct eng_dup_wish wish;
    struct eye_err local = {0};
    struct phases phases = {options, EYE_DUP_HASHING};
    struct page page = {options, fn, ctx, totals ? totals : &unwanted};
    *page.totals = (eye_dup_totals){.groups = 0};
    int rc = eng_dup_check(options, &wish, err);
    if (rc < 0) {
        return rc;
    }
    if (options->kind != EYE_DUP_SAME && !options->only_known) {
        rc = eng_look_at_missing(lib, lib->threads, on_progress, &phases, &local);
    }
    phases.phase = EYE_DUP_COMPARING;
    struct eng_kept *kept = rc == 0 ? eng_kept_get(lib, &wish, on_progress, &phases, &local) : NULL;
    if (kept) {
        rc = tell(lib, kept, &page, &local);
        eng_kept_put(lib, kept);
    } else {
        rc = eng_code(&local);
    }
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : rc;
}
