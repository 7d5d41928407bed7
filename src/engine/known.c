/* known.c - what the store knows of a scope, loaded once and compared with the disk.
 *
 * A sorted array, found by bisection: the store gives it in byte order anyway, and "everything below this
 * folder" is then one range. A hash map was dropped: faster by a fraction of the lstat() that each file costs, but blind to ranges. */
#include "engine/originals.h"
#include "engine/scan.h"

struct loader {
    struct eng_scope *scope;
    const char
        *prefix; /* put before each rel: where an absorbed root lies below the scope's; "" else */
    bool only_failed;
};

static int add_known(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct loader *l = ctx;
    struct eng_scope *scope = l->scope;
    if (l->only_failed && !failure) {
        return 0;
    }
    if (scope->nknown == scope->cap) {
        size_t cap = scope->cap ? 2 * scope->cap : 256;
        struct eng_known *known = mem_realloc(scope->known, cap, sizeof *known, NULL);
        if (!known) {
            return EYE_ENOMEM;
        }
        scope->known = known;
        scope->cap = cap;
    }
    const char *rel = failure ? failure->rel : f->rel;
    struct eng_known k = {eng_path_join(l->prefix, rel, NULL),
                          failure ? failure->size : f->size,
                          failure ? failure->mtime_ns : f->mtime_ns,
                          failure ? 0 : f->picture,
                          false,
                          false};
    if (!k.rel) {
        return EYE_ENOMEM;
    }
    scope->known[scope->nknown++] = k;
    return 0;
}

static int by_rel(const void *a, const void *b)
{
    return strcmp(((const struct eng_known *)a)->rel, ((const struct eng_known *)b)->rel);
}

static int add_mounts(struct eng_scope *scope, struct store *s, int64_t root, const char *prefix,
                      struct eye_err *err)
{
    char **rels = NULL;
    size_t n = 0;
    int rc = store_mounts(s, root, &rels, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *rel = prefix[0] ? eng_path_join(prefix, rels[i], err) : mem_strdup(rels[i], err);
        rc = rel ? eng_strings_add(&scope->mounts, &scope->nmounts, rel, err) : EYE_ENOMEM;
        free(rel);
    }
    store_strings_free(rels, n);
    return rc;
}

static int load_files(struct eng_scan *scan, struct eng_scope *scope, int64_t root,
                      const char *under, const char *prefix, struct eye_err *err)
{
    struct loader l = {scope, prefix, scan->options->only_failed};
    int rc = store_each_file(scan->store, root, under, add_known, &l, err);
    if (rc == EYE_ENOMEM) {
        return eye_fail(err, EYE_ENOMEM, "out of memory for the list of known files");
    }
    return rc;
}

static int load_root(struct eng_scan *scan, struct eng_scope *scope, int64_t root,
                     const char *under, const char *prefix, struct eye_err *err)
{
    int rc = load_files(scan, scope, root, under, prefix, err);
    return rc < 0 ? rc : add_mounts(scope, scan->store, root, prefix, err);
}

static void sort_known(struct eng_scope *scope)
{
    if (scope->nknown) {
        qsort(scope->known, scope->nknown, sizeof *scope->known, by_rel);
    }
}

int eng_known_load(struct eng_scan *scan, struct eng_scope *scope, struct eye_err *err)
{
    int rc = 0;
    if (scope->nrels) {
        rc = add_mounts(scope, scan->store, scope->root, "", err);
        for (size_t i = 0; rc == 0 && i < scope->nrels; i++) {
            rc = load_files(scan, scope, scope->root, scope->rels[i], "", err);
        }
        sort_known(scope);
        return rc;
    }
    if (scope->root) {
        return load_root(scan, scope, scope->root, scope->under, "", err);
    }
    /* A dry run of a folder that would absorb roots: what they know is known. */
    for (size_t i = 0; rc == 0 && i < scan->nroots; i++) {
        const char *prefix = eng_path_below(scan->roots[i].path, scope->root_path);
        if (prefix && !scan->roots[i].uploads && !scope->under[0]) {
            rc = load_root(scan, scope, scan->roots[i].id, "", prefix, err);
            if (rc == 0 && eng_root_is_offline(scan->lib, &scan->roots[i])) {
                rc = eng_strings_add(&scope->mounts, &scope->nmounts, prefix, err);
            }
        }
    }
    sort_known(scope);
    return rc;
}

struct eng_known *eng_known_find(const struct eng_scope *scope, const char *rel)
{
    struct eng_known key = {(char *)(uintptr_t)rel, 0, 0, 0, false, false};
    if (!scope->nknown) {
        return NULL;
    }
    return bsearch(&key, scope->known, scope->nknown, sizeof key, by_rel);
}

/* Compare `rel` with the bytes of prefix followed by the one byte `end`. */
static int cmp_with(const char *rel, const char *prefix, size_t n, unsigned char end)
{
    int c = strncmp(rel, prefix, n);
    return c != 0 ? c : (int)(unsigned char)rel[n] - (int)end;
}

/* First entry that is not before prefix + end; whatever follows `end` comes after. */
static size_t lower(const struct eng_scope *scope, const char *prefix, unsigned char end)
{
    size_t lo = 0, hi = scope->nknown, n = strlen(prefix);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cmp_with(scope->known[mid].rel, prefix, n, end) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

void eng_known_range(const struct eng_scope *scope, const char *rel, size_t *lo, size_t *hi,
                     struct eng_known **exact)
{
    *exact = NULL;
    if (!rel[0]) {
        *lo = 0;
        *hi = scope->nknown;
        return;
    }
    *exact = eng_known_find(scope, rel);
    *lo = lower(scope, rel, '/');
    *hi = lower(scope, rel, '/' + 1);
}

void eng_known_keep(const struct eng_scope *scope, const char *rel)
{
    size_t lo, hi;
    struct eng_known *exact;
    eng_known_range(scope, rel, &lo, &hi, &exact);
    for (size_t i = lo; i < hi; i++) {
        scope->known[i].kept = true;
    }
    if (exact) {
        exact->kept = true;
    }
}

int eng_unembedded_load(struct eng_scan *scan, struct eye_err *err)
{
    enum { CHUNK = 4096 };
    int64_t after = 0;
    size_t got = CHUNK;
    while (got == CHUNK) {
        int64_t *ids = mem_realloc(scan->unembedded, scan->nunembedded + CHUNK, sizeof *ids, err);
        if (!ids) {
            return EYE_ENOMEM;
        }
        scan->unembedded = ids;
        int rc = store_unembedded(scan->store, scan->model_id, after, ids + scan->nunembedded,
                                  CHUNK, &got, err);
        if (rc < 0) {
            return rc;
        }
        scan->nunembedded += got;
        after = got ? ids[scan->nunembedded - 1] : after;
    }
    return 0;
}
