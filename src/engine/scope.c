/* scope.c - from the paths that a user named to scopes: parts of known or new roots.
 *
 * A path inside a known root is a part of it; a folder above known roots becomes a root that absorbs them; a file
 * outside of all roots makes its folder a root for single files: of it only the files that are known are looked at, until
 * someone names the folder. All names are resolved before anything is written, so a mistyped path changes nothing. */
#include <errno.h>

#include "engine/originals.h"
#include "engine/scan.h"

struct target {
    char *path;
    enum eng_path_kind kind;
    int64_t root; /* that it is a part of, once that is known; 0: none */
};

int eng_strings_add(char ***strings, size_t *n, const char *text, struct eye_err *err)
{
    char *copy = mem_strdup(text, err);
    char **v = copy ? mem_realloc(*strings, *n + 1, sizeof *v, err) : NULL;
    if (!v) {
        free(copy);
        return EYE_ENOMEM;
    }
    v[(*n)++] = copy;
    *strings = v;
    return 0;
}

static void scope_release(struct eng_scope *scope)
{
    for (size_t i = 0; i < scope->nknown; i++) {
        free(scope->known[i].rel);
    }
    for (size_t i = 0; i < scope->nmounts; i++) {
        free(scope->mounts[i]);
    }
    free(scope->known);
    free(scope->mounts);
    free(scope->root_path);
    free(scope->under);
}

void eng_scan_release(struct eng_scan *scan)
{
    for (size_t i = 0; i < scan->nscopes; i++) {
        scope_release(&scan->scopes[i]);
    }
    free(scan->scopes);
    free(scan->unembedded);
    store_roots_free(scan->roots, scan->nroots);
}

static int reload_roots(struct eng_scan *scan, struct store *s, struct eye_err *err)
{
    store_roots_free(scan->roots, scan->nroots);
    scan->roots = NULL;
    scan->nroots = 0;
    return store_roots_brief(s, &scan->roots, &scan->nroots, err);
}

/* The root that the target is a part of. A folder is never a part of a root for single files, unless nobody named it. */
static const struct store_root *root_for(const struct eng_scan *scan, const struct target *t,
                                         const char **rel)
{
    for (size_t i = 0; t->root && i < scan->nroots; i++) {
        if (scan->roots[i].id == t->root) {
            *rel = eng_path_below(t->path, scan->roots[i].path);
            return &scan->roots[i];
        }
    }
    const struct store_root *root = eng_root_of(scan->roots, scan->nroots, t->path, rel);
    return root && root->files_only && t->kind == ENG_PATH_DIR ? NULL : root;
}

/* A root that is not there yet: the folder, or the folder of the file. Yours. */
static char *new_root(const struct target *t, struct eye_err *err)
{
    char *path = mem_strdup(t->path, err);
    if (path && t->kind == ENG_PATH_FILE) {
        char *slash = strrchr(path, '/');
        slash[slash == path] = '\0';
    }
    return path;
}

/* A root that is about to be absorbed and is not there just now must be known as offline before: as a part of the
 * new root its files would look deleted. */
static int mark_offline(const struct eng_scan *scan, struct store *s, const char *path,
                        struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < scan->nroots; i++) {
        const struct store_root *r = &scan->roots[i];
        if (eng_path_below(r->path, path) && !r->uploads && eng_root_is_offline(scan->lib, r)) {
            rc = store_root_state(s, r->id, true, r->last_scan, err);
        }
    }
    return rc;
}

static int add_root(struct eng_scan *scan, struct store *s, const struct target *t,
                    struct eye_err *err)
{
    int64_t id;
    char *path = new_root(t, err);
    int rc = path ? 0 : EYE_ENOMEM;
    if (rc == 0 && t->kind == ENG_PATH_FILE) {
        rc = store_root_add_files(s, path, &id, err);
    } else if (rc == 0) {
        rc = mark_offline(scan, s, path, err);
        rc = rc < 0 ? rc : store_root_add(s, path, &id, err);
    }
    free(path);
    return rc < 0 ? rc : reload_roots(scan, s, err);
}

static int add_roots(struct eng_scan *scan, struct store *s, const struct target *targets, size_t n,
                     struct eye_err *err)
{
    int rc = store_begin(s, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *rel;
        if (!root_for(scan, &targets[i], &rel)) {
            rc = add_root(scan, s, &targets[i], err);
        }
    }
    rc = rc < 0 ? rc : store_commit(s, err);
    if (rc < 0) {
        store_rollback(s);
    }
    return rc;
}

static int scope_add(struct eng_scan *scan, const struct target *t, struct eye_err *err)
{
    const char *rel = "";
    const struct store_root *root = root_for(scan, t, &rel);
    struct eng_scope *scopes =
        mem_realloc(scan->scopes, scan->nscopes + 1, sizeof *scan->scopes, err);
    if (!scopes) {
        return EYE_ENOMEM;
    }
    scan->scopes = scopes;
    struct eng_scope *scope = &scopes[scan->nscopes++];
    memset(scope, 0, sizeof *scope);
    scope->kind = t->kind;
    if (root) {
        scope->root = root->id;
        scope->last_scan = root->last_scan;
        scope->root_path = mem_strdup(root->path, err);
        scope->listed = root->files_only && !rel[0];
    } else { /* dry run */
        scope->root_path = new_root(t, err);
        rel = scope->root_path ? eng_path_below(t->path, scope->root_path) : "";
    }
    scope->listed = scope->listed || scan->options->only_failed;
    scope->under = mem_strdup(rel, err);
    return scope->root_path && scope->under ? 0 : EYE_ENOMEM;
}

/* Is target i looked at anyway because another one is the same or lies above it, in one root? */
static bool is_covered(const struct target *targets, size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++) {
        const char *below = eng_path_below(targets[i].path, targets[j].path);
        bool same = targets[j].root == targets[i].root || !targets[j].root;
        if (j != i && same && below && (below[0] ? targets[j].kind != ENG_PATH_FILE : j < i)) {
            return true;
        }
    }
    return false;
}

/* Names that mean nothing are refused. So is a link that leads nowhere outside of all roots: most likely it is the way
 * to a disk that is not there, and its folder is not what the user meant to become a root. */
static int check_target(const struct eng_scan *scan, const struct target *t, struct eye_err *err)
{
    struct stat st;
    const char *rel;
    if (t->kind == ENG_PATH_DIR || root_for(scan, t, &rel)) {
        return 0;
    }
    if (t->kind == ENG_PATH_MISSING) {
        return eye_fail(err, EYE_ENOTFOUND, "%s: no such file or folder", t->path);
    }
    if (eng_path_is_local(t->path) && stat(t->path, &st) != 0) {
        return eye_fail(err, EYE_ENOTFOUND,
                        "%s: a symbolic link that leads nowhere (is its disk connected?)", t->path);
    }
    return 0;
}

static int resolve_targets(struct eng_scan *scan, struct store *s, struct target *targets, size_t n,
                           struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = check_target(scan, &targets[i], err);
    }
    rc = rc < 0 || scan->options->dry_run ? rc : add_roots(scan, s, targets, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *rel;
        const struct store_root *root = root_for(scan, &targets[i], &rel);
        targets[i].root = root ? root->id : 0;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = is_covered(targets, n, i) ? 0 : scope_add(scan, &targets[i], err);
    }
    return rc;
}

/* ---- the originals ---- */

static bool in_place(const struct eng_scan *scan, const struct store_root *root)
{
    return !root->uploads && eng_path_below(root->path, eng_originals_place(scan->lib));
}

/* Without paths all of the originals' place is meant, and it is no root yet. */
static bool wants_place(const struct eng_scan *scan)
{
    const char *place = eng_originals_place(scan->lib);
    for (size_t i = 0; place && i < scan->nroots; i++) {
        if (!scan->roots[i].files_only && !strcmp(scan->roots[i].path, place)) {
            return false;
        }
    }
    return place && !scan->options->only_failed;
}

/* With a place for originals nothing outside of it becomes a root: other machines would not find it. */
static int name_target(const struct eng_scan *scan, const char *path, struct target *t,
                       struct eye_err *err)
{
    const char *rel, *place = eng_originals_place(scan->lib);
    t->path = eng_path_given(scan->lib, path, true, &t->kind, err);
    if (!t->path) {
        return eng_code(err);
    }
    if (!place || eng_path_below(t->path, place) ||
        eng_root_of(scan->roots, scan->nroots, t->path, &rel)) {
        return 0;
    }
    return eye_fail(err, EYE_EINVAL, "%s: lies outside of the originals, %s", t->path, place);
}

int eng_scan_resolve(struct eng_scan *scan, struct store *s, const char *const *paths,
                     size_t npaths, struct eye_err *err)
{
    int rc = reload_roots(scan, s, err);
    if (rc < 0) {
        return rc;
    }
    bool place = !npaths && wants_place(scan);
    size_t n = npaths ? npaths : scan->nroots + place;
    struct target *targets = mem_calloc(n, sizeof *targets, err);
    if (!targets) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (npaths || i == scan->nroots) {
            rc = name_target(scan, npaths ? paths[i] : eng_originals_place(scan->lib), &targets[i],
                             err);
        } else { /* as it was recorded, whatever lies there now */
            targets[i].path = mem_strdup(scan->roots[i].path, err);
            targets[i].kind = ENG_PATH_DIR;
            targets[i].root = place && in_place(scan, &scan->roots[i]) ? 0 : scan->roots[i].id;
            rc = targets[i].path ? 0 : eng_code(err);
        }
    }
    rc = rc < 0 ? rc : resolve_targets(scan, s, targets, n, err);
    for (size_t i = 0; i < n; i++) {
        free(targets[i].path);
    }
    free(targets);
    return rc;
}

int eng_scan_files(struct eng_scan *scan, int64_t root, const char *root_path,
                   const char *const *rels, size_t nrels, struct eye_err *err)
{
    scan->scopes = mem_calloc(1, sizeof *scan->scopes, err);
    if (!scan->scopes) {
        return EYE_ENOMEM;
    }
    struct eng_scope *scope = &scan->scopes[scan->nscopes++];
    scope->kind = ENG_PATH_FILE;
    scope->root = root;
    scope->root_path = mem_strdup(root_path, err);
    scope->under = mem_strdup("", err);
    scope->rels = rels;
    scope->nrels = nrels;
    scope->listed = true;
    return scope->root_path && scope->under ? 0 : EYE_ENOMEM;
}

static int look_scope(struct eng_scan *scan, const struct eng_look *look, int64_t last_scan,
                      struct eye_err *err)
{
    struct stat st;
    struct eng_scope *scope = &scan->scopes[scan->nscopes++];
    scope->root = look->root;
    scope->root_path = mem_strdup(look->root_path, err);
    scope->under = mem_strdup(look->nrels ? "" : look->under, err);
    char *path = scope->under ? eng_path_join(look->root_path, scope->under, err) : NULL;
    if (!scope->root_path || !path) {
        free(path);
        return EYE_ENOMEM;
    }
    bool gone =
        eng_path_is_local(path) && stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
    free(path);
    scope->rels = look->rels;
    scope->nrels = look->nrels;
    scope->found = look->nrels != 0;
    scope->known_only = look->nrels && look->files_only;
    scope->listed = look->nrels || (look->files_only && !look->under[0]);
    scope->kind = look->nrels ? ENG_PATH_FILE : gone ? ENG_PATH_MISSING : ENG_PATH_DIR;
    scope->last_scan = last_scan;
    return 0;
}

int eng_scan_looks(struct eng_scan *scan, struct store *s, const struct eng_look *looks, size_t n,
                   struct eye_err *err)
{
    int rc = reload_roots(scan, s, err);
    scan->scopes = rc < 0 ? NULL : mem_calloc(n, sizeof *scan->scopes, err);
    if (!scan->scopes) {
        return rc < 0 ? rc : EYE_ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        for (size_t r = 0; r < scan->nroots; r++) { /* else it was forgotten meanwhile */
            if (scan->roots[r].id == looks[i].root) {
                rc = look_scope(scan, &looks[i], scan->roots[r].last_scan, err);
            }
        }
    }
    return rc;
}
