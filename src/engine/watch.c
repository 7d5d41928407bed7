/* watch.c - eye_watch: the first look at everything, then one whenever something has changed, on the caller's thread.
 *
 * Watches are set before the first look, so that nothing falls between the two. Another process that indexes is waited for; a look that
 * fails later (a full disk) is told and tried again, because whoever started this wants it to go on. */
#include "engine/watch.h"
#include "engine/scan.h"

static const double TURN_SECONDS = 3600, TROUBLE_SECONDS = 30;

struct run {
    struct watcher w;
    eye_index_options options; /* of the looks */
    bool looked;               /* the first look has ended well */
    bool told_busy;
    bool ended; /* a callback wants it */
};

static int check_options(const eye_watch_options *o, struct eye_err *err)
{
    const eye_index_options *i = &o->index;
    if (i->dry_run || i->only_failed || i->part || i->parts) {
        return eye_fail(err, EYE_EINVAL,
                        "watching goes with neither a dry run, nor parts, nor failed files only");
    }
    if (o->settle < 0 || o->poll < 0 || o->flood < 0) {
        return eye_fail(err, EYE_EINVAL, "watching: negative seconds");
    }
    return 0;
}

/* ---- which roots ---- */

static int check_path(const char *path, struct eye_err *err)
{
    enum eng_path_kind kind;
    char *real = eng_path_resolve(path, &kind, err);
    int rc = real ? 0 : eng_code(err);
    if (rc == 0 && kind == ENG_PATH_FILE) {
        rc = eye_fail(err, EYE_EINVAL, "%s: only folders are watched, and this is a file", real);
    }
    free(real);
    return rc;
}

static int add_scope(struct watcher *w, const struct eng_scan *scan, const struct eng_scope *scope,
                     struct eye_err *err)
{
    for (size_t i = 0; i < scan->nroots; i++) {
        if (scan->roots[i].id == scope->root) {
            return watch_add_root(w, &scan->roots[i], scope->under, err);
        }
    }
    return eye_fail(err, EYE_EINTERNAL, "%s: a folder without a root", scope->root_path);
}

/* Folders that are new become roots, under the lock of those that index. */
static int resolve(struct watcher *w, const char *const *paths, size_t npaths, struct eye_err *err)
{
    int lock = -1, rc = eng_lock(w->lib, &lock, err);
    if (rc < 0) {
        return rc;
    }
    struct eng_scan scan = {.lib = w->lib, .options = &w->o.index};
    struct store *s = eng_store_get(w->lib, err);
    rc = s ? eng_scan_resolve(&scan, s, paths, npaths, err) : eng_code(err);
    for (size_t i = 0; rc == 0 && i < scan.nscopes; i++) {
        rc = add_scope(w, &scan, &scan.scopes[i], err);
    }
    eng_store_put(w->lib, s);
    eng_scan_release(&scan);
    eng_unlock(lock);
    return rc;
}

/* ---- looks ---- */

static int on_progress(void *ctx, const eye_index_progress *p)
{
    struct run *run = ctx;
    const eye_index_options *o = &run->w.o.index;
    watch_pull(&run->w);
    run->ended = run->ended || (o->progress && o->progress(o->ctx, p) != 0);
    return run->ended || watch_stopped(&run->w);
}

static int on_event(void *ctx, const eye_index_event *e)
{
    struct run *run = ctx;
    const eye_index_options *o = &run->w.o.index;
    run->ended = run->ended || (o->event && o->event(o->ctx, e) != 0);
    return run->ended || watch_stopped(&run->w);
}

static void tell_looked(const struct run *run, const eye_index_progress *p, int rc,
                        const struct eye_err *why)
{
    if (run->w.o.looked) {
        run->w.o.looked(run->w.o.ctx, p, rc, rc ? why : NULL);
    }
}

static void tell_busy(struct run *run, const struct eye_err *why)
{
    eye_index_progress none = {0};
    if (!run->told_busy) {
        tell_looked(run, &none, EYE_EBUSY, why);
    }
    run->told_busy = true;
}

static int index_looks(struct run *run, eye_index_progress *p, struct eye_err *err)
{
    struct eng_wanted wanted = {.leave = watch_leave, .leave_ctx = &run->w};
    struct eng_look *looks = watch_looks(&run->w, &wanted.nlooks, err);
    wanted.looks = looks;
    int rc = !looks          ? EYE_ENOMEM
             : wanted.nlooks ? eng_index(run->w.lib, &wanted, &run->options, p, err)
                             : 0;
    free(looks);
    return rc;
}

/* What was taken. Negative: it is over. */
static int look(struct run *run, struct eye_err *err)
{
    eye_index_progress p = {0};
    struct eye_err why = {0};
    int rc = index_looks(run, &p, &why);
    if (rc == EYE_ECANCELLED || (rc < 0 && rc != EYE_EBUSY && !run->looked)) {
        watch_looked(&run->w, rc, 0);
        return eye_fail(err, rc, "%s", why.msg);
    }
    watch_looked(&run->w, rc, rc == EYE_EBUSY ? run->w.sys->beat : TROUBLE_SECONDS);
    if (rc == EYE_EBUSY) {
        tell_busy(run, &why);
        return 0;
    }
    run->told_busy = false;
    run->looked = run->looked || rc == 0;
    run->options.retry_failed = run->options.retry_failed && rc < 0; /* once */
    watch_tell(&run->w);
    tell_looked(run, &p, rc, &why);
    return 0;
}

static int go_on(struct run *run, struct eye_err *err)
{
    int rc = 0;
    while (rc == 0 && !watch_stopped(&run->w)) {
        rc = watch_turn(&run->w, TURN_SECONDS, true) ? look(run, err) : 0;
        if (rc == 0 && !run->w.n && !run->w.follow) {
            rc = eye_fail(err, EYE_ENOTFOUND, "what was watched is not in the library any more");
        }
    }
    return rc == EYE_ECANCELLED && !run->ended ? 0 : rc;
}

static int begin(struct run *run, const char *const *paths, size_t npaths, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < npaths; i++) {
        rc = check_path(paths[i], err);
    }
    run->w.follow = npaths == 0;
    for (bool again = npaths != 0; rc == 0 && again;) {
        struct eye_err why = {0};
        rc = resolve(&run->w, paths, npaths, &why);
        again = rc == EYE_EBUSY && !watch_stopped(&run->w);
        if (again) {
            tell_busy(run, &why);
            watch_turn(&run->w, run->w.sys->beat, false);
            rc = 0;
        } else if (rc < 0) {
            eye_fail(err, rc, "%s", why.msg);
        }
    }
    return rc;
}

static int count_root(void *ctx, const eye_root *root)
{
    *(size_t *)ctx += !root->uploads;
    return 0;
}

int watch_run(eye_lib *lib, const char *const *paths, size_t npaths, const eye_watch_options *o,
              const struct watch_sys *sys, struct eye_err *err)
{
    static const eye_watch_options none = {0};
    struct run run = {.looked = false};
    size_t roots = npaths;
    int rc = check_options(o ? o : &none, err);
    rc = rc < 0 ? rc : eng_writable(lib, err);
    rc = rc < 0 || npaths ? rc : eye_roots(lib, count_root, &roots, err);
    if (rc == 0 && !roots) {
        rc = eye_fail(err, EYE_EINVAL, "no folder is known yet: name one to watch");
    }
    rc = rc < 0 ? rc : watch_init(&run.w, lib, o, sys, err);
    if (rc < 0) {
        return rc;
    }
    run.options = run.w.o.index;
    run.options.progress = on_progress;
    run.options.event = on_event;
    run.options.ctx = &run;
    rc = begin(&run, paths, npaths, err);
    if (rc == 0) {
        rc = go_on(&run, err);
    }
    watch_release(&run.w);
    return rc;
}

int eye_watch(eye_lib *lib, const char *const *paths, size_t npaths,
              const eye_watch_options *options, struct eye_err *err)
{
    return watch_run(lib, paths, npaths, options, &watch_sys_real, err);
}
