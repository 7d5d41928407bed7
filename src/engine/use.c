/* use.c - eye_model_use: embed every picture with another model, then switch at once.
 *
 * Vectors of several models live side by side, so the old ones answer until the switch, which is one
 * transaction over two settings. What was embedded stays embedded: stopping costs nothing, and going back
 * to a model used before finds nothing left to do.
 *
 * Pictures on a root that is offline block the switch: it would take them out of every search without a word. Files
 * that are broken or gone do not, the next index run judges them. */
#include "engine/index.h"
#include "engine/originals.h"
#include "engine/scan.h"

struct use {
    eye_lib *lib;
    struct store *store; /* the source thread's */
    int64_t model_id;
    struct store_root *roots;
    size_t nroots;
    bool *offline;     /* [nroots] */
    char **away_below; /* absolute: disks inside the other roots that are not mounted just now */
    size_t naway_below;
    uint64_t away, lost; /* pictures on offline roots; with no file that is there */
    uint64_t total;
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

/* ---- source: pictures without a vector ---- */

static bool on_offline_root(const struct use *u, char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *rel;
        const struct store_root *root = eng_root_of(u->roots, u->nroots, paths[i], &rel);
        if (root && u->offline[root - u->roots]) {
            return true;
        }
        for (size_t j = 0; j < u->naway_below; j++) {
            if (eng_path_below(paths[i], u->away_below[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool is_file(const char *path, bool online)
{
    struct stat st;
    return eng_path_is_local(path) ? stat(path, &st) == 0 && S_ISREG(st.st_mode)
                                   : eng_path_there(path, online);
}

/* The first path that is a file just now, as an item; without one the picture is counted as away or lost. */
static int push_first(struct use *u, struct eng_pipe *p, const struct store_picture *pic,
                      char *const *paths, size_t n, size_t online, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_file(paths[i], i < online)) {
            continue;
        }
        struct eng_item *item = eng_item_new(paths[i], "", 0, err);
        if (!item) {
            return EYE_ENOMEM;
        }
        item->picture = pic->id;
        item->hash = pic->hash;
        return eng_pipe_push(p, item) ? 0 : eye_fail(err, EYE_ECANCELLED, "stopped");
    }
    if (on_offline_root(u, paths, n)) {
        u->away++;
    } else {
        u->lost++;
    }
    return 0;
}

static int push_picture(struct use *u, struct eng_pipe *p, int64_t id, struct eye_err *err)
{
    struct store_picture pic;
    char **paths = NULL;
    size_t n = 0, online = 0;
    struct eye_err gone = {0};
    int rc = store_picture_get(u->store, id, &pic, &gone);
    if (rc == EYE_ENOTFOUND) { /* removed meanwhile */
        return 0;
    }
    if (rc < 0) {
        return eye_fail(err, rc, "%s", gone.msg);
    }
    rc = store_picture_paths(u->store, id, &paths, &n, &online, err);
    if (rc == 0) {
        rc = push_first(u, p, &pic, paths, n, online, err);
    }
    store_strings_free(paths, n);
    return rc;
}

static int source(void *ctx, struct eng_pipe *p, struct eye_err *err)
{
    enum { CHUNK = 1024 };
    struct use *u = ctx;
    int64_t ids[CHUNK], after = 0;
    size_t n = CHUNK;
    while (n == CHUNK) {
        int rc = store_unembedded(u->store, u->model_id, after, ids, CHUNK, &n, err);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            after = ids[i];
            rc = push_picture(u, p, ids[i], err);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* ---- the run ---- */

static int is_stopped(void *ctx)
{
    const struct use *u = ctx;
    return u->progress ? u->progress(u->ctx, u->total, u->total) : 0;
}

static int on_progress(void *ctx, const eye_index_progress *p)
{
    struct use *u = ctx;
    return u->progress ? u->progress(u->ctx, p->indexed, u->total) : 0;
}

static int on_event(void *ctx, const eye_index_event *e)
{
    struct use *u = ctx;
    if (e->outcome == EYE_FILE_FAILED) {
        eng_log(u->lib, EYE_LOG_WARN, "%s: not embedded: %s", e->path, e->reason);
    }
    return 0;
}

static int embed_all(struct use *u, struct eng_model *model, struct eng_pipe *p, struct store *s,
                     struct eye_err *err)
{
    struct eng_hooks hooks = {on_progress, on_event, u};
    struct eng_writer w;
    p->revector = true;
    int rc = eng_pipe_model(p, model, u->model_id, err);
    if (rc < 0) {
        return rc;
    }
    eng_writer_init(&w, p, s, &hooks);
    rc = eng_pipe_run(p, source, u, &w, err);
    eng_writer_progress(&w, true);
    if (rc == 0 && w.cancelled) {
        rc = EYE_ECANCELLED;
    }
    if (rc == EYE_ECANCELLED) {
        eye_fail(err, rc, "stopped; what was embedded is kept and the next call goes on");
    }
    eng_writer_release(&w);
    return rc;
}

static int switch_to(eye_lib *lib, struct eng_model *model, struct store *s, struct eye_err *err)
{
    int rc = store_begin(s, err);
    if (rc < 0) {
        return rc;
    }
    rc = eng_model_choose(lib, model, s, err);
    rc = rc < 0 ? rc : store_commit(s, err);
    if (rc < 0) {
        store_rollback(s);
        return rc;
    }
    pthread_mutex_lock(&lib->lock);
    free(lib->model_option); /* from now on the library's choice is meant */
    lib->model_option = NULL;
    pthread_mutex_unlock(&lib->lock);
    return 0;
}

static int find_away(struct use *u, struct store *s, const struct store_root *root,
                     struct eye_err *err)
{
    char **rels = NULL;
    size_t n = 0;
    int rc = store_mounts(s, root->id, &rels, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *path = eng_path_join(root->path, rels[i], err);
        if (!path) {
            rc = EYE_ENOMEM;
        } else if (!eng_path_is_mount(path) || eng_path_is_empty(path)) {
            rc = eng_strings_add(&u->away_below, &u->naway_below, path, err);
        }
        free(path);
    }
    store_strings_free(rels, n);
    return rc;
}

static int prepare(struct use *u, struct eng_model *model, struct store *s, struct eye_err *err)
{
    struct store_stats stats = {0};
    int rc = store_begin(s, err);
    if (rc < 0) {
        return rc;
    }
    rc = eng_model_id(model, s, true, &u->model_id, err);
    rc = rc < 0 ? rc : store_commit(s, err);
    if (rc < 0) {
        store_rollback(s);
        return rc;
    }
    rc = store_stats(s, u->model_id, &stats, err);
    rc = rc < 0 ? rc : store_roots(s, &u->roots, &u->nroots, err);
    if (rc < 0) {
        return rc;
    }
    u->total = stats.pictures > stats.embedded ? stats.pictures - stats.embedded : 0;
    u->offline = mem_calloc(u->nroots, sizeof *u->offline, err);
    rc = u->offline ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < u->nroots; i++) {
        u->offline[i] = eng_root_is_offline(u->lib, &u->roots[i]);
        rc = u->offline[i] ? 0 : find_away(u, s, &u->roots[i], err);
    }
    return rc;
}

static int use_locked(struct use *u, const char *name, struct store *s, struct eye_err *err)
{
    struct eng_pipe pipe;
    eye_lib *lib = u->lib;
    int rc = eng_pipe_init(&pipe, lib, eng_lanes(lib), NULL, err);
    struct eng_model *model = rc == 0 ? eng_model_open(lib, name, err) : NULL;
    rc = rc < 0 ? rc : model ? prepare(u, model, s, err) : eng_code(err);
    if (rc == 0 && u->total) {
        rc = embed_all(u, model, &pipe, s, err);
    }
    if (rc == 0 && u->away) {
        rc = eye_fail(err, EYE_EBUSY,
                      "%llu pictures lie in folders that are not there just now, so the model was "
                      "not switched; what was embedded is kept: connect them and run this again, "
                      "or remove them from the library",
                      (unsigned long long)u->away);
    }
    rc = rc < 0 ? rc : switch_to(lib, model, s, err);
    if (rc == 0 && u->lost) {
        eng_log(lib, EYE_LOG_WARN, "%llu pictures have no file any more and were not embedded",
                (unsigned long long)u->lost);
    }
    eng_pipe_release(&pipe);
    if (rc == 0) {
        eng_make_now(lib, s, model, is_stopped, u);
    }
    eng_model_put(lib, model);
    return rc;
}

int eye_model_use(eye_lib *lib, const char *name,
                  int (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                  struct eye_err *err)
{
    struct use u = {0};
    struct eye_err local = {0};
    int lock;
    u.lib = lib;
    u.progress = progress;
    u.ctx = ctx;
    if (lib->remote) {
        return eye_fail(err, EYE_EINVAL,
                        "%s: a collection holds the vectors of one model; for another one make a "
                        "collection of its own: `eyeshine --store %s_2 --model %s index FOLDER`",
                        store_remote_name(lib->remote), store_remote_name(lib->remote), name);
    }
    char *folder = eng_model_folder(&lib->places, name, err); /* a mistyped name costs nothing */
    int rc = folder ? eng_writable(lib, err) : EYE_ENOTFOUND;
    free(folder);
    rc = rc < 0 ? rc : eng_lock(lib, &lock, err);
    if (rc < 0) {
        return rc;
    }
    struct store *s = eng_store_get(lib, &local);
    u.store = s ? eng_store_get(lib, &local) : NULL;
    rc = u.store ? use_locked(&u, name, s, &local) : eng_code(&local);
    eng_store_put(lib, u.store);
    eng_store_put(lib, s);
    store_roots_free(u.roots, u.nroots);
    store_strings_free(u.away_below, u.naway_below);
    free(u.offline);
    eng_unlock(lock);
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : 0;
}
