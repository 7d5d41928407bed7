/* sweep.c - after the walk: what is verifiably gone leaves the library, what is merely out of reach stays.
 *
 * "Gone" means that the folder was read to its end and the name was not in it. A root that is missing or empty, a folder
 * that could not be read, an excluded one, a mount point without its file system: nobody looked, so nothing is
 * removed. This comes last, after every scope's new files are committed, because the file that is gone here may
 * be the one that arrived there, and a picture lives as long as one file shows it.
 *
 * On a server several machines see one root, each in its own way: what is offline here is not there, a mount here is a plain folder there. So
 * nobody writes that a root is offline, and mounts are only ever added: at worst files stay known that a person has to remove. */
#include "engine/scan.h"

static void fail(struct eng_writer *w, int rc)
{
    if (rc < 0 && w->rc == 0) {
        w->rc = rc;
    }
}

/* ---- mount points ---- */

static bool mount_concerns(const struct eng_scope *scope, const char *mount)
{
    return !mount[0] || !scope->under[0] || eng_path_below(mount, scope->under) ||
           eng_path_below(scope->under, mount);
}

/* What of the scope lies on the mount: everything when the scope is inside it. */
static void mount_range(const struct eng_scope *scope, const char *mount, size_t *lo, size_t *hi)
{
    struct eng_known *exact;
    bool inside = scope->under[0] && eng_path_below(scope->under, mount);
    eng_known_range(scope, inside ? "" : mount, lo, hi, &exact);
}

/* A recorded mount point. None of its known files is there: when it is none now, or mounted and empty (an
 * automounter's folder), the file system is away. When it is none now and files are there, they moved onto
 * the disk below and the record is dropped. */
static int check_mount(struct eng_scan *scan, struct eng_scope *scope, struct eng_writer *w,
                       const char *mount, struct eye_err *err)
{
    size_t lo, hi;
    bool any = false;
    char *path = eng_path_join(scope->root_path, mount, err);
    if (!path) {
        return EYE_ENOMEM;
    }
    bool mounted = eng_path_is_mount(path);
    mount_range(scope, mount, &lo, &hi);
    for (size_t i = lo; !any && i < hi; i++) {
        any = scope->known[i].seen;
    }
    int rc = 0;
    if (lo < hi && !any && (!mounted || eng_path_is_empty(path))) {
        for (size_t i = lo; i < hi; i++) {
            scope->known[i].kept = true;
        }
        eng_log(scan->lib, EYE_LOG_WARN,
                "%s: a disk or folder of its own that is missing or empty now; its %zu files are "
                "kept as offline (`eyeshine remove` forgets them)",
                path, hi - lo);
    } else if (!mounted && any && !w->dry_run && !scan->lib->remote) {
        rc = store_mount_set(w->store, scope->root, mount, false, err);
    }
    free(path);
    return rc;
}

static int check_mounts(struct eng_scan *scan, struct eng_scope *scope, struct eng_writer *w,
                        struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < scope->nmounts; i++) {
        if (mount_concerns(scope, scope->mounts[i])) {
            rc = check_mount(scan, scope, w, scope->mounts[i], err);
        }
    }
    return rc;
}

/* ---- files and roots ---- */

static int remove_unseen(struct eng_scan *scan, const struct eng_scope *scope, struct eng_writer *w,
                         struct eye_err *err)
{
    const eye_index_options *o = scan->options;
    for (size_t i = 0; i < scope->nknown && w->rc == 0 && !w->cancelled; i++) {
        const struct eng_known *k = &scope->known[i];
        if (k->seen || k->kept || (o->parts > 1 && eng_part_of(k->rel, o->parts) != o->part) ||
            (scan->leave && scan->leave(scan->leave_ctx, scope->root, k->rel, NULL))) {
            continue;
        }
        struct eng_item *item = eng_item_new(scope->root_path, k->rel, scope->root, err);
        if (!item) {
            return EYE_ENOMEM;
        }
        item->kind = o->dry_run ? ENG_WOULD_REMOVE : ENG_REMOVE;
        item->silent = !k->picture; /* a line of the ledger is no loss */
        eng_writer_add(w, item, err);
        eng_writer_progress(w, false);
    }
    return 0;
}

static int set_state(const struct eng_scope *scope, struct eng_writer *w, bool only_failed,
                     struct eye_err *err)
{
    if (scope->nrels || (only_failed && !scope->offline)) { /* some files say little of the root */
        return 0;
    }
    bool whole = scope->kind == ENG_PATH_DIR && !scope->under[0] && !scope->offline && !only_failed;
    int64_t last = whole ? (int64_t)time(NULL) : scope->last_scan;
    if (w->dry_run || (w->pipe->lib->remote && !whole)) {
        return 0;
    }
    return store_root_state(w->store, scope->root, scope->offline, last, err);
}

static int in_transaction(struct eng_scan *scan, struct eng_scope *scope, struct eng_writer *w,
                          struct eye_err *err)
{
    int rc = w->dry_run ? 0 : store_begin(w->store, err);
    if (rc < 0) {
        return rc;
    }
    rc = scope->offline ? 0 : check_mounts(scan, scope, w, err);
    rc = rc < 0 ? rc : set_state(scope, w, scan->options->only_failed, err);
    if (!w->dry_run) {
        rc = rc < 0 ? rc : store_commit(w->store, err);
        if (rc < 0) {
            store_rollback(w->store);
        }
    }
    return rc;
}

void eng_sweep(struct eng_scan *scan, struct eng_writer *w, struct eye_err *err)
{
    const char *told = ""; /* the root of the scope before: one line and one count a root */
    for (size_t i = 0; i < scan->nscopes && w->rc == 0 && !w->cancelled; i++) {
        struct eng_scope *scope = &scan->scopes[i];
        if (!scope->walked) {
            continue;
        }
        if (scope->offline && strcmp(told, scope->root_path) != 0) {
            told = scope->root_path;
            w->counts.offline_roots++;
            eng_log(scan->lib, EYE_LOG_WARN,
                    "%s: missing, unreadable or empty: offline, nothing of it is removed",
                    scope->root_path);
        }
        fail(w, in_transaction(scan, scope, w, err));
        if (w->rc == 0 && !scope->offline) {
            fail(w, remove_unseen(scan, scope, w, err));
        }
    }
    eng_writer_flush(w, err);
}
