/* scan.c - the walk: what is on disk, compared with what the store knows; only what differs becomes work.
 *
 * Names decide first (hidden, excluded, extension), because opening every file of a home folder costs more than
 * embedding its pictures. A file whose name says nothing is sniffed by a lane. Things that are named
 * like pictures but cannot be opened as files (FIFOs, dangling links) are failures: someone meant them to be seen.
 *
 * Every name that is on disk is marked `seen` before any filter: what is excluded today was not deleted. */
#include <errno.h>
#include <fnmatch.h>
#include <unistd.h>

#include "engine/originals.h"
#include "engine/scan.h"

static bool matches(const char *const *globs, size_t n, const char *rel)
{
    const char *name = eng_path_name(rel);
    for (size_t i = 0; i < n; i++) {
        if (fnmatch(globs[i], rel, 0) == 0 || fnmatch(globs[i], name, 0) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_excluded(const eye_lib *lib, const eye_index_options *o, const char *rel)
{
    return matches(o->exclude, o->nexclude, rel) ||
           matches((const char *const *)lib->exclude, lib->nexclude, rel);
}

static bool is_other_part(const eye_index_options *o, const char *rel)
{
    return o->parts > 1 && eng_part_of(rel, o->parts) != o->part;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool is_unembedded(const struct eng_scan *scan, int64_t picture)
{
    bool has = true;
    if (scan->one_by_one) {
        return store_has_vector(scan->store, picture, scan->model_id, &has, NULL) == 0 && !has;
    }
    return scan->nunembedded &&
           bsearch(&picture, scan->unembedded, scan->nunembedded, sizeof *scan->unembedded, by_id);
}

/* Known and the same as then: nothing to do. Counts it. A failure that is not tried again still counts as failed, so that
 * `index` says 1 for as long as files in scope fail, but it is not told again. */
static bool is_settled(const struct eng_walk *w, const struct eng_known *k, uint64_t size,
                       int64_t mtime_ns)
{
    if (!k || k->size != size || k->mtime_ns != mtime_ns) {
        return false;
    }
    if (!k->picture) {
        if (!w->scan->options->retry_failed && !w->scan->options->only_failed) {
            atomic_fetch_add(&w->pipe->known_failed, 1);
            return true;
        }
        return false;
    }
    if (is_unembedded(w->scan, k->picture)) {
        return false;
    }
    atomic_fetch_add(&w->pipe->unchanged, 1);
    return true;
}

static int push(const struct eng_walk *w, struct eng_item *item, struct eye_err *err)
{
    if (!eng_pipe_push(w->pipe, item)) {
        return eye_fail(err, EYE_ECANCELLED, "stopped");
    }
    return 0;
}

static struct eng_item *new_item(const struct eng_walk *w, const char *rel,
                                 const struct eng_known *k, const struct stat *st,
                                 struct eye_err *err)
{
    struct eng_item *item = eng_item_new(w->scope->root_path, rel, w->scope->root, err);
    if (item) {
        item->picture = k ? k->picture : 0;
        item->size = st ? (uint64_t)st->st_size : 0;
        item->mtime_ns = st ? eng_mtime_ns(st) : 0;
        item->kind = w->scan->options->dry_run ? ENG_WOULD_INDEX : ENG_WORK;
    }
    return item;
}

/* A failure that needs no lane to be known. In a dry run it is only counted as something to look at. */
static int push_failure(const struct eng_walk *w, const char *rel, const struct stat *st,
                        const struct eye_err *why, struct eye_err *err)
{
    struct eng_known *k = eng_known_find(w->scope, rel);
    atomic_fetch_add(&w->pipe->total, 1);
    if (is_settled(w, k, st ? (uint64_t)st->st_size : 0, st ? eng_mtime_ns(st) : 0)) {
        return 0;
    }
    struct eng_item *item = new_item(w, rel, k, st, err);
    if (!item) {
        return EYE_ENOMEM;
    }
    if (!w->scan->options->dry_run) {
        eng_item_fail(item, why->code, why->msg);
    }
    return push(w, item, err);
}

/* Named by the user, now or when it was added. */
static bool is_named(const struct eng_walk *w)
{
    const struct eng_scope *scope = w->scope;
    return scope->found ? scope->known_only : scope->kind == ENG_PATH_FILE || scope->listed;
}

bool eng_scan_skips_file(const eye_lib *lib, const eye_index_options *o, const char *rel)
{
    const char *name = eng_path_name(rel);
    return eng_name_hidden(name) || is_excluded(lib, o, rel) ||
           (eng_name_kind(name) == ENG_NAME_OTHER && !o->all_files);
}

bool eng_scan_skips_dir(const eye_lib *lib, const eye_index_options *o, const char *path,
                        const char *rel)
{
    return !strcmp(path, lib->dir) || /* uploads and thumbnails are nobody's pictures here */
           eng_name_hidden(eng_path_name(rel)) || is_excluded(lib, o, rel);
}

/* Someone knows that the file is being written, and comes back to it. */
static bool is_left(const struct eng_walk *w, const char *rel, const struct stat *st)
{
    const struct eng_scan *scan = w->scan;
    return scan->leave && scan->leave(scan->leave_ctx, w->scope->root, rel, st);
}

/* True when the name keeps a file out. `named`: the user named this very file, so no filter applies. */
static bool is_filtered(const struct eng_walk *w, const char *rel, bool named)
{
    return !named && eng_scan_skips_file(w->scan->lib, w->scan->options, rel);
}

int eng_walk_file(const struct eng_walk *w, const char *rel, const struct stat *st,
                  struct eye_err *err)
{
    bool named = is_named(w);
    struct eng_known *k = eng_known_find(w->scope, rel);
    if (k) {
        k->seen = true;
    }
    if (is_other_part(w->scan->options, rel)) {
        return 0;
    }
    atomic_fetch_add(&w->pipe->seen, 1);
    if (is_filtered(w, rel, named)) {
        atomic_fetch_add(&w->pipe->skipped, 1);
        return 0;
    }
    atomic_fetch_add(&w->pipe->total, 1);
    if (is_settled(w, k, (uint64_t)st->st_size, eng_mtime_ns(st))) {
        return 0;
    }
    if (is_left(w, rel, st)) {
        atomic_fetch_sub(&w->pipe->total, 1);
        return 0;
    }
    struct eng_item *item = new_item(w, rel, k, st, err);
    if (!item) {
        return EYE_ENOMEM;
    }
    item->sniff = !named && eng_name_kind(eng_path_name(rel)) != ENG_NAME_PICTURE;
    return push(w, item, err);
}

/* FIFO, socket, device; a link to a folder, to nothing, or in a circle. */
static int on_other(const struct eng_walk *w, const char *path, const char *rel,
                    struct eye_err *err)
{
    struct stat st, target;
    struct eye_err why = {0};
    bool named = is_named(w);
    struct eng_known *k = eng_known_find(w->scope, rel);
    if (k) {
        k->seen = true;
    }
    if (is_other_part(w->scan->options, rel) || lstat(path, &st) != 0) {
        return 0;
    }
    atomic_fetch_add(&w->pipe->seen, 1);
    bool link = S_ISLNK(st.st_mode);
    int e = link && stat(path, &target) != 0 ? errno : 0;
    if ((link && e == 0) || is_filtered(w, rel, named) ||
        (!named && eng_name_kind(eng_path_name(rel)) != ENG_NAME_PICTURE)) {
        atomic_fetch_add(&w->pipe->skipped, 1);
        return 0;
    }
    if (link) {
        eye_fail(&why, EYE_EFORMAT, "is a symbolic link that leads %s",
                 e == ELOOP    ? "in a circle"
                 : e == ENOENT ? "nowhere"
                               : "where we may not look");
    } else {
        eye_fail(&why, EYE_EFORMAT, "is a %s",
                 S_ISFIFO(st.st_mode)   ? "FIFO"
                 : S_ISSOCK(st.st_mode) ? "socket"
                                        : "device");
    }
    return push_failure(w, rel, &st, &why, err);
}

static int on_error(const struct eng_walk *w, const struct fs_walk_item *item, const char *rel,
                    struct eye_err *err)
{
    struct eye_err why = {0};
    eng_known_keep(w->scope, rel);
    if (item->errnum == ENOENT) { /* went away between two looks: the next run sees it */
        return 0;
    }
    eye_fail_errno(&why, item->errnum, "cannot read the %s", item->is_dir ? "folder" : "file");
    if (item->is_dir) {
        eng_log(w->scan->lib, EYE_LOG_WARN, "%s: %s; what is known below it is kept", item->path,
                why.msg);
    }
    if (!rel[0]) { /* the root itself */
        w->scope->offline = true;
        return 0;
    }
    if ((!item->is_dir && is_filtered(w, rel, is_named(w))) ||
        is_other_part(w->scan->options, rel)) {
        return 0;
    }
    struct eng_known *k = eng_known_find(w->scope, rel);
    if (k && k->picture) { /* a failure would take its place, and the embedding with it */
        eng_log(w->scan->lib, EYE_LOG_WARN, "%s: %s; what is known of it is kept", item->path,
                why.msg);
        return 0;
    }
    return push_failure(w, rel, NULL, &why, err);
}

/* Recorded at once, not after the walk: a run that is stopped in between must not leave files behind that look
 * deleted when the disk is unplugged. */
static int on_mount(const struct eng_walk *w, const char *rel, struct eye_err *err)
{
    if (w->scan->options->dry_run || !w->scope->root) {
        return 0;
    }
    for (size_t i = 0; i < w->scope->nmounts; i++) {
        if (!strcmp(w->scope->mounts[i], rel)) {
            return 0;
        }
    }
    struct eng_item *item = eng_item_new(w->scope->root_path, rel, w->scope->root, err);
    if (!item) {
        return EYE_ENOMEM;
    }
    item->kind = ENG_MOUNT;
    item->silent = true;
    return push(w, item, err);
}

/* The mounts between the root and the part of it that is looked at: the walk begins below them. */
static int mounts_above(const struct eng_walk *w, const char *under, struct eye_err *err)
{
    const struct eng_scope *scope = w->scope;
    int rc = 0;
    for (size_t n = 0; rc == 0 && under[n]; n++) {
        if (n != 0 && under[n] != '/') {
            continue;
        }
        char *rel = mem_strdup(under, err);
        if (!rel) {
            return EYE_ENOMEM;
        }
        rel[n] = '\0';
        char *path = eng_path_join(scope->root_path, rel, err);
        rc = !path ? EYE_ENOMEM : eng_path_is_mount(path) ? on_mount(w, rel, err) : 0;
        free(path);
        free(rel);
    }
    return rc;
}

/* 1: leave out what is below. */
static int on_dir(const struct eng_walk *w, const char *path, const char *rel, struct eye_err *err)
{
    bool start = !strcmp(rel, w->scope->under);
    if (!start && eng_scan_skips_dir(w->scan->lib, w->scan->options, path, rel)) {
        eng_known_keep(w->scope, rel);
        return 1;
    }
    if (eng_path_is_mount(path)) {
        return on_mount(w, rel, err);
    }
    return 0;
}

static int on_item(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    struct eng_walk *w = ctx;
    const char *rel = eng_path_below(item->path, w->scope->root_path);
    if (!rel) {
        return eye_fail(err, EYE_EINTERNAL, "%s: the walk left %s", item->path,
                        w->scope->root_path);
    }
    if (atomic_load(&w->pipe->stop)) {
        return eye_fail(err, EYE_ECANCELLED, "stopped");
    }
    switch (item->event) {
    case FS_WALK_FILE: return eng_walk_file(w, rel, item->st, err);
    case FS_WALK_DIR: return on_dir(w, item->path, rel, err);
    case FS_WALK_DIR_DONE:
        if (!rel[0] && item->entries == 0 && w->scope->nknown) {
            w->scope->offline = true;
        }
        return 0;
    case FS_WALK_OTHER: return on_other(w, item->path, rel, err);
    case FS_WALK_ERROR: return on_error(w, item, rel, err);
    }
    return 0;
}

static int one_file(struct eng_walk *w, const char *path, const char *rel, struct eye_err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        return eng_walk_file(w, rel, &st, err);
    }
    return on_other(w, path, rel, err);
}

/* The system takes no path of this length in one call; opening goes step by step. */
static int long_file(struct eng_walk *w, const char *path, const char *rel, struct eye_err *err)
{
    struct stat st;
    struct eye_err why = {0};
    int fd = fs_open_follow(path, &st, &why);
    if (fd >= 0) {
        close(fd);
        return eng_walk_file(w, rel, &st, err);
    }
    if (why.code == EYE_ENOTFOUND) {
        return 0;
    }
    eng_known_keep(w->scope, rel);
    return push_failure(w, rel, NULL, &why, err);
}

/* A folder that something happened in. When it goes away this very moment, the next look sees that, with the place where
 * it is then: what is known of it must not be dropped before. */
static int visit_dir(struct eng_walk *w, const char *path, const char *rel, struct eye_err *err)
{
    struct eye_err why = {0};
    int rc = mounts_above(w, rel, err);
    rc = rc < 0 ? rc : fs_walk(path, on_item, w, &why);
    if (rc == EYE_ENOTFOUND) {
        eng_known_keep(w->scope, rel);
        return 0;
    }
    return rc < 0 && why.code < 0 ? eye_fail(err, rc, "%s", why.msg) : rc;
}

static int visit(struct eng_walk *w, const char *rel, struct eye_err *err)
{
    struct stat st;
    int rc = 0;
    if (w->scope->known_only && !eng_known_find(w->scope, rel)) {
        return 0;
    }
    char *path = eng_path_join(w->scope->root_path, rel, err);
    if (!path) {
        return EYE_ENOMEM;
    }
    if (lstat(path, &st) == 0) {
        bool dir = S_ISDIR(st.st_mode) && w->scope->found && !w->scope->known_only;
        rc = dir ? visit_dir(w, path, rel, err) : one_file(w, path, rel, err);
    } else if (errno == ENAMETOOLONG) {
        rc = long_file(w, path, rel, err);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        struct fs_walk_item item = {.event = FS_WALK_ERROR, .path = path, .errnum = errno};
        rc = on_error(w, &item, rel, err);
    }
    free(path);
    return rc;
}

/* One file after the other: those that are given, or those that are known. What is not there any more stays unseen. */
static int visit_all(struct eng_walk *w, struct eye_err *err)
{
    const struct eng_scope *scope = w->scope;
    size_t n = scope->nrels ? scope->nrels : scope->nknown;
    int rc = eng_path_is_mount(scope->root_path) ? on_mount(w, "", err) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = atomic_load(&w->pipe->stop)
                 ? eye_fail(err, EYE_ECANCELLED, "stopped")
                 : visit(w, scope->nrels ? scope->rels[i] : scope->known[i].rel, err);
    }
    return rc;
}

static int scan_scope(struct eng_scan *scan, struct eng_scope *scope, struct eng_pipe *p,
                      struct eye_err *err)
{
    struct eng_walk w = {scan, scope, p};
    struct stat st;
    int rc = eng_known_load(scan, scope, err);
    scan->one_by_one = scan->model_id && scope->nknown <= ENG_FEW;
    if (rc == 0 && scan->model_id && !scan->one_by_one && !scan->loaded) {
        rc = eng_unembedded_load(scan, err);
        scan->loaded = true;
    }
    if (rc < 0) {
        return rc;
    }
    if (!eng_path_is_local(scope->root_path)) {
        rc = eng_scan_objects(&w, err);
        scope->walked = rc == 0;
        return rc;
    }
    /* Also when only a part is looked at; the walk itself checks once more, by what it has read. */
    if (stat(scope->root_path, &st) != 0 || !S_ISDIR(st.st_mode) ||
        (scope->nknown && eng_path_is_empty(scope->root_path))) {
        scope->offline = scope->walked = true;
        return 0;
    }
    char *path = eng_path_join(scope->root_path, scope->under, err);
    if (!path) {
        return EYE_ENOMEM;
    }
    rc = mounts_above(&w, scope->under, err);
    if (rc == 0 && scope->listed) {
        rc = visit_all(&w, err);
    } else if (rc == 0 && scope->kind == ENG_PATH_DIR) {
        rc = fs_walk(path, on_item, &w, err);
    } else if (rc == 0 && scope->kind == ENG_PATH_FILE) {
        rc = one_file(&w, path, scope->under, err);
    }
    free(path);
    scope->walked = rc == 0;
    return rc;
}

int eng_scan_source(void *ctx, struct eng_pipe *p, struct eye_err *err)
{
    struct eng_scan *scan = ctx;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < scan->nscopes; i++) {
        rc = scan_scope(scan, &scan->scopes[i], p, err);
    }
    return rc;
}
