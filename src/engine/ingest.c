/* ingest.c - eye_index: resolve what was named, walk and embed, sweep, sum up.
 *
 * Order matters at the start: the lock, then the decoder's workers (forked while the process is small and has
 * no threads of ours), then the model, then threads. A dry run needs none of them. */
#include "engine/index.h"
#include "engine/scan.h"

static const eye_index_options no_options = {0};

static int check_options(const eye_lib *lib, const eye_index_options *o, struct eye_err *err)
{
    if (o->parts < 0 || o->part < 0 || (o->parts > 0 && (o->part < 1 || o->part > o->parts)) ||
        (o->part > 0 && o->parts == 0)) {
        return eye_fail(err, EYE_EINVAL, "part %d of %d: count from 1 to the number of parts",
                        o->part, o->parts);
    }
    return o->dry_run ? 0 : eng_writable(lib, err);
}

/* The library remembers the model that its first pictures were embedded with; a collection is made for it. */
static int remember_model(const eye_lib *lib, struct eng_model *model, struct store *s, int64_t *id,
                          struct eye_err *err)
{
    char *chosen = NULL;
    if (lib->remote) {
        return eng_model_id(model, s, true, id, err);
    }
    int rc = store_begin(s, err);
    if (rc < 0) {
        return rc;
    }
    rc = eng_model_id(model, s, true, id, err);
    rc = rc < 0 ? rc : store_setting(s, ENG_SET_MODEL, &chosen, err);
    if (rc == 0 && !chosen) {
        rc = eng_model_choose(lib, model, s, err);
    }
    rc = rc < 0 ? rc : store_commit(s, err);
    if (rc < 0) {
        store_rollback(s);
    }
    free(chosen);
    return rc;
}

/* Who waits for a server before and after the files: told with the counts there are. */
struct idle {
    const eye_index_options *options;
    const eye_index_progress *counts;
    double told;
};

static int tell_idle(void *ctx, const char *what)
{
    struct idle *idle = ctx;
    double now = eng_now();
    if (!idle->options->progress || now - idle->told < 0.1) {
        return 0;
    }
    idle->told = now;
    eye_index_progress p = *idle->counts;
    p.waiting = what;
    return idle->options->progress(idle->options->ctx, &p);
}

static int run(struct eng_scan *scan, struct eng_pipe *p, struct store *s, eye_index_progress *out,
               struct eye_err *err)
{
    const eye_index_options *o = scan->options;
    struct eng_hooks hooks = {o->progress, o->event, o->ctx};
    struct eng_writer w;
    struct eng_waiter waiter;
    eng_writer_init(&w, p, s, &hooks);
    w.dry_run = o->dry_run;
    eng_wait_begin(scan->lib, &waiter, eng_writer_wait, &w);
    int rc = eng_pipe_run(p, eng_scan_source, scan, &w, err);
    if (rc == 0) {
        eng_sweep(scan, &w, err);
        rc = w.rc;
    }
    eng_wait_end(scan->lib, &waiter);
    eng_writer_progress(&w, true);
    if (w.cancelled &&
        (rc == 0 || rc == EYE_EREMOTE)) { /* a server that is away is not waited for */
        rc = EYE_ECANCELLED;
    }
    if (rc == EYE_ECANCELLED) {
        eye_fail(err, rc, "stopped; what was done is kept and the next run goes on");
    }
    if (out) {
        *out = eng_writer_counts(&w);
    }
    eng_writer_release(&w);
    return rc;
}

/* Everything that needs the lock. */
static int locked(struct eng_scan *scan, struct eng_pipe *p, struct store *s,
                  const struct eng_wanted *wanted, struct eng_model **model, struct eye_err *err)
{
    bool dry = scan->options->dry_run;
    int rc = eng_pipe_init(p, scan->lib, dry ? 0 : eng_lanes(scan->lib), wanted->decoder, err);
    if (rc == 0 && !dry) {
        *model = eng_model_get(scan->lib, s, err);
        rc = *model ? 0 : eng_code(err);
    }
    scan->leave = wanted->leave;
    scan->leave_ctx = wanted->leave_ctx;
    if (rc == 0 && !dry &&
        scan->lib->remote) { /* there are no roots before there is a collection */
        rc = remember_model(scan->lib, *model, s, &scan->model_id, err);
    }
    if (rc == 0 && wanted->nlooks) {
        rc = eng_scan_looks(scan, s, wanted->looks, wanted->nlooks, err);
    } else if (rc == 0 && wanted->nrels) {
        rc =
            eng_scan_files(scan, wanted->root, wanted->root_path, wanted->rels, wanted->nrels, err);
    } else if (rc == 0) {
        rc = eng_scan_resolve(scan, s, wanted->paths, wanted->npaths, err);
    }
    if (rc == 0 && !dry && !scan->lib->remote) {
        rc = remember_model(scan->lib, *model, s, &scan->model_id, err);
    }
    if (rc == 0 && !dry) {
        rc = eng_pipe_model(p, *model, scan->model_id, err);
    }
    return rc;
}

/* ---- and the index of it ---- */

/* Who can stop a run can stop this, too: what was indexed is. */
static int is_stopped(void *ctx)
{
    return tell_idle(ctx, NULL);
}

static void make_index(struct eng_scan *scan, struct store *s, const struct eng_model *model,
                       bool whole, const eye_index_progress *counts)
{
    struct idle e = {scan->options, counts, eng_now()};
    if (whole) {
        eng_make_now(scan->lib, s, model, is_stopped, &e);
    } else {
        eng_make_later(scan->lib, s, model);
    }
}

int eng_index(eye_lib *lib, const struct eng_wanted *wanted, const eye_index_options *options,
              eye_index_progress *out, struct eye_err *err)
{
    struct eng_scan scan = {0};
    struct eng_pipe pipe;
    struct eng_model *model = NULL;
    struct eye_err local = {0};
    eye_index_progress counts = {0};
    struct eng_waiter waiter;
    int lock = -1;
    scan.lib = lib;
    scan.options = options ? options : &no_options;
    out = out ? out : &counts;
    struct idle idle = {scan.options, out, 0};
    memset(out, 0, sizeof *out);
    int rc = check_options(lib, scan.options, err);
    if (rc < 0 || (!scan.options->dry_run && (rc = eng_lock(lib, &lock, err)) < 0)) {
        return rc;
    }
    eng_wait_begin(lib, &waiter, tell_idle, &idle);
    struct store *s = eng_patient_get(lib, &local);
    scan.store = s ? eng_patient_get(lib, &local) : NULL;
    if (scan.store) {
        rc = locked(&scan, &pipe, s, wanted, &model, &local);
        rc = rc < 0 ? rc : run(&scan, &pipe, s, out, &local);
        eng_pipe_release(&pipe);
    } else {
        rc = eng_code(&local);
    }
    eng_unlock(lock); /* others may index while the index is made of this */
    if (rc == 0 && model) {
        make_index(&scan, s, model, wanted->whole, out);
    }
    eng_model_put(lib, model);
    eng_patient_put(lib, scan.store);
    eng_patient_put(lib, s);
    eng_scan_release(&scan);
    eng_wait_end(lib, &waiter);
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : 0;
}

int eye_index(eye_lib *lib, const char *const *paths, size_t npaths,
              const eye_index_options *options, eye_index_progress *out, struct eye_err *err)
{
    struct eng_wanted wanted = {.paths = paths, .npaths = npaths, .whole = true};
    return eng_index(lib, &wanted, options, out, err);
}
