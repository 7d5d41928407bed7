/* watch_jobs.c - eye_watch_start: a thread watches, and the looks are scan jobs, done between uploads by the one that indexes.
 *
 * One look at a time: what happens meanwhile is gathered and becomes the next, so that a busy folder makes a job every few seconds
 * and never a queue of them. A job says in its title which folder holds all that changed; which files, only memory knows. */
#include <signal.h>
#include <sys/stat.h>

#include "engine/jobs.h"
#include "engine/watch.h"

static const double TURN_SECONDS = 3600, TROUBLE_SECONDS = 30;

struct eng_watch {
    pthread_mutex_t guard; /* running, and the life of w */
    bool running;
    pthread_t thread;
    struct watcher w;
    struct jobs_look look;
    struct eng_look *looks;
    bool out; /* the look is with the jobs; the thread's own */
    /* under w.lock */
    bool back;
    int rc;
    eye_index_progress p;
    struct eye_err why;
};

static struct eng_watch *get(eye_lib *lib, bool make)
{
    struct eng_watch *made = make ? mem_calloc(1, sizeof *made, NULL) : NULL;
    if (made) {
        pthread_mutex_init(&made->guard, NULL);
    }
    pthread_mutex_lock(&lib->lock);
    struct eng_watch *found = lib->watch;
    if (!found && made) {
        found = lib->watch = made;
        made = NULL;
    }
    pthread_mutex_unlock(&lib->lock);
    if (made) {
        pthread_mutex_destroy(&made->guard);
        free(made);
    }
    return found;
}

void eng_watch_free(eye_lib *lib)
{
    if (lib->watch) {
        pthread_mutex_destroy(&lib->watch->guard);
        free(lib->watch);
        lib->watch = NULL;
    }
}

/* ---- looks ---- */

/* From the jobs' thread. */
static void on_done(void *ctx, int rc, const eye_index_progress *p, const struct eye_err *why)
{
    struct watcher *w = ctx;
    struct eng_watch *g = w->lib->watch;
    pthread_mutex_lock(&w->lock);
    g->back = true;
    g->rc = rc;
    g->p = *p;
    g->why = *why;
    pthread_mutex_unlock(&w->lock);
    watch_poke(w);
}

/* The folder of all that is looked at; "" when it lies in several roots. Yours. */
static char *title_of(const struct eng_look *looks, size_t n)
{
    const struct eng_look *l = &looks[0];
    struct stat st;
    if (n != 1) {
        return mem_strdup("", NULL);
    }
    if (!l->nrels) {
        return eng_path_join(l->root_path, l->under, NULL);
    }
    const char *first = l->rels[0], *last = l->rels[l->nrels - 1]; /* they are sorted */
    size_t same = 0, folder = 0;
    while (first[same] && first[same] == last[same]) {
        folder = first[same] == '/' ? same : folder;
        same++;
    }
    char *rel = mem_strdup(first, NULL);
    char *path = rel && l->nrels == 1 ? eng_path_join(l->root_path, rel, NULL) : NULL;
    if (path && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        free(rel);
        return path;
    }
    free(path);
    if (rel) {
        rel[folder] = '\0';
    }
    char *title = rel ? eng_path_join(l->root_path, rel, NULL) : NULL;
    free(rel);
    return title;
}

static void hand_out(struct eng_watch *g)
{
    struct eye_err why = {0};
    size_t n = 0;
    g->looks = watch_looks(&g->w, &n, &why);
    if (!n) {
        watch_looked(&g->w, g->looks ? 0 : EYE_ENOMEM, TROUBLE_SECONDS);
        free(g->looks);
        g->looks = NULL;
        return;
    }
    char *title = title_of(g->looks, n);
    g->look = (struct jobs_look){
        .looks = g->looks, .n = n, .leave = watch_leave, .done = on_done, .ctx = &g->w};
    int rc = title ? jobs_look_begin(g->w.lib->jobs, &g->look, title, &why) : EYE_ENOMEM;
    free(title);
    g->out = rc == 0;
    if (rc < 0) {
        eng_log(g->w.lib, EYE_LOG_ERROR, "watching: %s; tried again in a moment", why.msg);
        watch_looked(&g->w, rc, TROUBLE_SECONDS);
        free(g->looks);
        g->looks = NULL;
    }
}

/* Whoever cancels a look does not want it back at once. */
static void take_back(struct eng_watch *g)
{
    pthread_mutex_lock(&g->w.lock);
    bool back = g->out && g->back;
    g->back = g->back && !back;
    pthread_mutex_unlock(&g->w.lock);
    if (!back) {
        return;
    }
    g->out = false;
    free(g->looks);
    g->looks = NULL;
    watch_looked(&g->w, g->rc,
                 g->rc == EYE_ECANCELLED ? g->w.o.poll
                 : g->rc == EYE_EBUSY    ? g->w.sys->beat
                                         : TROUBLE_SECONDS);
    if (g->w.o.looked) {
        g->w.o.looked(g->w.o.ctx, &g->p, g->rc, g->rc ? &g->why : NULL);
    }
}

static void *watch_main(void *arg)
{
    struct eng_watch *g = arg;
    while (!watch_stopped(&g->w)) {
        if (watch_turn(&g->w, TURN_SECONDS, !g->out)) {
            hand_out(g);
        }
        take_back(g);
    }
    return NULL;
}

/* ---- start and stop ---- */

static int start_thread(struct eng_watch *g, struct eye_err *err)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are for the threads of the program */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&g->thread, NULL, watch_main, g);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e ? eye_fail_errno(err, e, "cannot start a thread") : 0;
}

static bool jobs_are_done(eye_lib *lib)
{
    struct eng_jobs *j = jobs_of(lib);
    bool running = false;
    if (j) {
        pthread_mutex_lock(&j->lock);
        running = j->running;
        pthread_mutex_unlock(&j->lock);
    }
    return running;
}

int watch_start(eye_lib *lib, const eye_watch_options *o, const struct watch_sys *sys,
                struct eye_err *err)
{
    if (!jobs_are_done(lib)) {
        return eye_fail(err, EYE_EINVAL, "watching needs eye_jobs_start first");
    }
    struct eng_watch *g = get(lib, true);
    if (!g) {
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    }
    pthread_mutex_lock(&g->guard);
    int rc = g->running ? eye_fail(err, EYE_EINVAL, "this library is being watched already")
                        : watch_init(&g->w, lib, o, sys, err);
    if (rc == 0) {
        g->w.follow = true;
        g->out = g->back = false;
        rc = start_thread(g, err);
        if (rc < 0) {
            watch_release(&g->w);
        }
        g->running = rc == 0;
    }
    pthread_mutex_unlock(&g->guard);
    return rc;
}

int eye_watch_start(eye_lib *lib, const eye_watch_options *options, struct eye_err *err)
{
    return watch_start(lib, options, &watch_sys_real, err);
}

void eye_watch_stop(eye_lib *lib)
{
    struct eng_watch *g = get(lib, false);
    if (!g) {
        return;
    }
    pthread_mutex_lock(&g->guard);
    if (g->running) {
        atomic_store(&g->w.stop, true);
        watch_poke(&g->w);
        pthread_join(g->thread, NULL);
        jobs_look_drop(lib->jobs, &g->look);
        free(g->looks);
        g->looks = NULL;
        watch_release(&g->w);
        g->running = false;
    }
    pthread_mutex_unlock(&g->guard);
}

/* ---- asking ---- */

/* State callbacks may ask too, so the lock is not held while fn is called. */
static int tell_root(struct eng_watch *g, const struct store_root *root,
                     int (*fn)(void *ctx, const eye_watch_state *s), void *ctx)
{
    eye_watch_state s = {root->path, EYE_WATCH_OFF, "", 0, EYE_TIME_UNKNOWN};
    char *why = NULL;
    if (g && g->running) {
        pthread_mutex_lock(&g->w.lock);
        for (size_t i = 0; i < g->w.n; i++) {
            const struct watch_root *r = g->w.roots[i];
            if (r->id == root->id && r->told) {
                why = mem_strdup(r->why, NULL);
                s = (eye_watch_state){root->path, r->how, why ? why : "", r->tree.n, r->changed_at};
            }
        }
        pthread_mutex_unlock(&g->w.lock);
    }
    int rc = fn(ctx, &s);
    free(why);
    return rc;
}

int eye_watch_states(eye_lib *lib, int (*fn)(void *ctx, const eye_watch_state *s), void *ctx,
                     struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    struct eng_watch *g = get(lib, false);
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_roots_brief(s, &roots, &n, err) : EYE_EIO;
    eng_store_put(lib, s);
    if (g) {
        pthread_mutex_lock(&g->guard);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = tell_root(g, &roots[i], fn, ctx);
    }
    if (g) {
        pthread_mutex_unlock(&g->guard);
    }
    store_roots_free(roots, n);
    return rc;
}
