/* watch_loop.c - all roots of a watcher: when to look, and at what.
 *
 * A look begins when nothing has happened anywhere for `settle` seconds, or something has waited for `flood` seconds, and then takes in
 * all roots whatever is ready. One clock for all, because both ends of a move belong into one run of the index (the picture
 * would be dropped at one end, and embedded again at the other), and they may lie in different roots. What is
 * still being written is not waited for.
 *
 * While the index runs, events go on to be read, so that the kernel's queue does not overflow, and so that what is about to be
 * removed because it was not found can be left to the next look when it has just moved. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/watch.h"

static const double SETTLE = 2, POLL = 300, FLOOD = 30, STOP_SECONDS = 0.25;

static int open_inotify(void)
{
    return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

const struct watch_sys watch_sys_real = {
    open_inotify, inotify_add_watch, watch_remote, "/proc/self/mountinfo", 1, WATCH_PATHS};

int watch_init(struct watcher *w, eye_lib *lib, const eye_watch_options *o,
               const struct watch_sys *sys, struct eye_err *err)
{
    memset(w, 0, sizeof *w);
    w->lib = lib;
    w->sys = sys;
    w->o = o ? *o : (eye_watch_options){0};
    w->o.settle = w->o.settle > 0 ? w->o.settle : SETTLE;
    w->o.poll = w->o.poll > 0 ? w->o.poll : POLL;
    w->o.flood = w->o.flood > 0 ? w->o.flood : FLOOD;
    w->generation = -1;
    w->eager = true;
    w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->wake < 0) {
        return eye_fail_errno(err, errno, "cannot make a descriptor to watch with");
    }
    pthread_mutex_init(&w->lock, NULL);
    watch_mounts_open(&w->mounts, sys->mounts);
    return 0;
}

void watch_release(struct watcher *w)
{
    for (size_t i = 0; i < w->n; i++) {
        watch_root_free(w->roots[i]);
    }
    free(w->roots);
    watch_mounts_close(&w->mounts);
    close(w->wake);
    pthread_mutex_destroy(&w->lock);
}

bool watch_stopped(const struct watcher *w)
{
    return atomic_load(&w->stop) || (w->o.stop && __atomic_load_n(w->o.stop, __ATOMIC_RELAXED));
}

void watch_poke(struct watcher *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->wake, &one, sizeof one);
    (void)n; /* full: it is awake */
}

/* ---- which roots there are ---- */

int watch_add_root(struct watcher *w, const struct store_root *root, const char *under,
                   struct eye_err *err)
{
    struct watch_root *r = watch_root_new(w, root, under, err);
    struct watch_root **v = r ? mem_realloc(w->roots, w->n + 1, sizeof(void *), err) : NULL;
    if (!v) {
        watch_root_free(r);
        return EYE_ENOMEM;
    }
    w->roots = v;
    v[w->n++] = r;
    watch_root_start(w, r);
    return 0;
}

static bool is_still(const struct watch_root *r, const struct store_root *roots, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (roots[i].id == r->id) {
            return !strcmp(roots[i].path, r->path) && roots[i].files_only == r->files_only;
        }
    }
    return false;
}

static struct watch_root *of_root(const struct watcher *w, int64_t id)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->roots[i]->id == id) {
            return w->roots[i];
        }
    }
    return NULL;
}

static void match_roots(struct watcher *w, const struct store_root *roots, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->roots[i]->looking || is_still(w->roots[i], roots, n)) {
            w->roots[kept++] = w->roots[i];
        } else {
            watch_root_free(w->roots[i]);
        }
    }
    w->n = kept;
    for (size_t i = 0; i < n; i++) {
        struct watch_root *r = of_root(w, roots[i].id);
        if (r) {
            r->has_files = roots[i].files > 0;
        }
        if (!r && w->follow && !roots[i].uploads) {
            watch_add_root(w, &roots[i], "", NULL);
        }
    }
}

/* Roots come and go, by whatever process; an index that takes long makes its root at once. */
static void refresh(struct watcher *w, double now)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    int64_t generation = 0;
    if (now < w->next_refresh) {
        return;
    }
    w->next_refresh = now + w->sys->beat;
    struct store *s = eng_store_get(w->lib, NULL);
    bool same = s && store_generation(s, &generation, NULL) == 0 && generation &&
                generation == w->generation;
    if (s && !same && store_roots_brief(s, &roots, &n, NULL) == 0) {
        match_roots(w, roots, n);
        w->generation = generation;
        for (size_t i = 0; i < w->n; i++) {
            w->generation = w->roots[i]->looking ? -1 : w->generation;
        }
    }
    store_roots_free(roots, n);
    eng_store_put(w->lib, s);
}

static void on_mount(void *ctx, const char *point)
{
    struct watcher *w = ctx;
    for (size_t i = 0; i < w->n; i++) {
        watch_root_mounted(w, w->roots[i], point);
    }
}

/* ---- one turn; the lock is held ---- */

static bool any_ready(const struct watcher *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (watch_queue_is_ready(&w->roots[i]->queue)) {
            return true;
        }
    }
    return false;
}

/* Take in what happened; when something is to be done next. */
static double catch_up(struct watcher *w, double now)
{
    double next = now + 3600;
    if (w->may_mount) {
        w->may_mount = false;
        watch_mounts_check(&w->mounts, on_mount, w);
    }
    watch_drain(w);
    refresh(w, now);
    next = w->next_refresh < next ? w->next_refresh : next;
    for (size_t i = 0; i < w->n; i++) {
        struct watch_root *r = w->roots[i];
        double check = watch_root_check(w, r, now);
        double silent = watch_queue_silent(&r->queue, now - w->o.flood);
        next = check < next ? check : next;
        next = silent > 0 && silent + w->o.flood < next ? silent + w->o.flood : next;
        watch_root_judge(r);
    }
    if (any_ready(w) && !(w->first > 0)) {
        w->first = w->last = now;
    }
    return next;
}

/* When the next look is due. */
static double due_at(const struct watcher *w)
{
    double quiet = w->last + w->o.settle, late = w->first + w->o.flood;
    double at = w->eager ? 0 : quiet < late ? quiet : late;
    return at > w->not_before ? at : w->not_before;
}

static bool take(struct watcher *w)
{
    bool any = false;
    for (size_t i = 0; i < w->n; i++) {
        struct watch_root *r = w->roots[i];
        if (!watch_queue_is_ready(&r->queue)) {
            continue;
        }
        if (r->stale && r->there) { /* before the look: what comes after is told */
            watch_tree_drop(&r->tree, r->tree.top);
            watch_grow(w, r, r->under);
            r->stale = false;
        }
        watch_queue_take(&r->queue, &r->taken);
        r->looking = true;
        any = true;
    }
    w->first = w->last = 0;
    w->eager = w->eager && !any;
    return any;
}

/* ---- waiting ---- */

static void wait_for(struct watcher *w, struct pollfd *fds, nfds_t n, double seconds)
{
    uint64_t count;
    double most = w->o.stop ? STOP_SECONDS : 3600;
    seconds = seconds > most ? most : seconds < 0 ? 0 : seconds;
    if (fds && poll(fds, n, (int)(seconds * 1000) + 1) > 0) {
        if (fds[0].revents) {
            ssize_t got = read(w->wake, &count, sizeof count);
            (void)got;
        }
        w->may_mount = w->may_mount || fds[1].revents != 0;
    } else if (!fds) {
        nanosleep(&(struct timespec){0, 100000000L}, NULL);
    }
}

/* Everything that can wake a watcher; NULL: out of memory. */
static struct pollfd *descriptors(const struct watcher *w, nfds_t *n)
{
    struct pollfd *fds = mem_calloc(w->n + 2, sizeof *fds, NULL);
    *n = fds ? (nfds_t)(w->n + 2) : 0;
    for (size_t i = 0; i < *n; i++) {
        fds[i].fd = i == 0 ? w->wake : i == 1 ? w->mounts.fd : w->roots[i - 2]->tree.fd;
        fds[i].events = i == 1 ? POLLPRI : POLLIN;
    }
    return fds;
}

bool watch_turn(struct watcher *w, double seconds, bool may_look)
{
    nfds_t n;
    double now = eng_now();
    pthread_mutex_lock(&w->lock);
    double next = catch_up(w, now);
    double due = w->first > 0 && may_look ? due_at(w) : next;
    bool look = w->first > 0 && may_look && now >= due && take(w);
    next = due < next ? due : next;
    struct pollfd *fds = look ? NULL : descriptors(w, &n);
    pthread_mutex_unlock(&w->lock);
    watch_tell(w);
    if (!look && !watch_stopped(w)) {
        now = eng_now();
        wait_for(w, fds, fds ? n : 0, next - now < seconds ? next - now : seconds);
    }
    free(fds);
    return look;
}

void watch_tell(struct watcher *w)
{
    for (size_t i = 0; i < w->n; i++) { /* nobody else changes the list, nor how and why */
        struct watch_root *r = w->roots[i];
        pthread_mutex_lock(&w->lock);
        bool changed = r->changed;
        eye_watch_state s = {r->path, r->how, r->why, r->tree.n, r->changed_at};
        r->changed = false;
        r->told = true;
        pthread_mutex_unlock(&w->lock);
        if (changed && w->o.state) {
            w->o.state(w->o.ctx, &s);
        }
    }
}

/* ---- looks ---- */

struct eng_look *watch_looks(struct watcher *w, size_t *n, struct eye_err *err)
{
    struct eng_look *looks = mem_calloc(w->n, sizeof *looks, err);
    *n = 0;
    for (size_t i = 0; looks && i < w->n; i++) {
        const struct watch_root *r = w->roots[i];
        if (r->looking && (r->taken.whole || r->taken.n)) {
            looks[(*n)++] = (struct eng_look){.root = r->id,
                                              .root_path = r->path,
                                              .under = r->under,
                                              .rels = (const char *const *)r->taken.rels,
                                              .nrels = r->taken.n,
                                              .files_only = r->files_only};
        }
    }
    return looks;
}

void watch_looked(struct watcher *w, int rc, double pause)
{
    double now = eng_now();
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        struct watch_root *r = w->roots[i];
        if (!r->looking) {
            continue;
        }
        if (rc != 0) {
            watch_queue_put_back(&r->queue, &r->taken, now);
        }
        watch_taken_release(&r->taken);
        r->looking = false;
    }
    w->put_off = w->puts_off ? w->put_off : 0;
    w->puts_off = false;
    w->not_before = rc != 0 ? now + pause : 0;
    w->next_refresh = 0;
    refresh(w, now);
    for (size_t i = 0; i < w->n; i++) {
        watch_root_look(w->roots[i]);
    }
    pthread_mutex_unlock(&w->lock);
}

void watch_pull(struct watcher *w)
{
    pthread_mutex_lock(&w->lock);
    watch_drain(w);
    pthread_mutex_unlock(&w->lock);
}

static bool is_young(const struct watcher *w, const struct stat *st)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double age = (double)(now.tv_sec - st->st_mtim.tv_sec) +
                 (double)(now.tv_nsec - st->st_mtim.tv_nsec) / 1e9;
    return age >= 0 && age < w->o.settle;
}

/* What was not found may have moved, twice even since this look began, and its new place is then still to be looked at: as long
 * as anything is, nothing is dropped, and it is looked at again beside that. But not for ever. */
static bool put_off(struct watcher *w, struct watch_root *r, const char *rel)
{
    double now = eng_now();
    if (!any_ready(w) || (w->put_off > 0 && now - w->put_off > w->o.flood)) {
        return false;
    }
    w->put_off = w->put_off > 0 ? w->put_off : now;
    w->puts_off = true;
    watch_mark(w, r, rel);
    return true;
}

/* A file that changed a moment ago may be half of what it will be, whether or not anybody told of it. */
bool watch_leave(void *watcher, int64_t root, const char *rel, const struct stat *st)
{
    struct watcher *w = watcher;
    bool leave = false;
    pthread_mutex_lock(&w->lock);
    if (!st) {
        watch_drain(w);
    }
    for (size_t i = 0; i < w->n && !leave; i++) {
        struct watch_root *r = w->roots[i];
        if (r->id != root || (r->under[0] && !eng_path_below(rel, r->under))) {
            continue;
        }
        if (!st) {
            leave = put_off(w, r, rel);
        } else if (watch_queue_is_writing(&r->queue, rel)) {
            leave = true;
        } else if (is_young(w, st)) {
            leave = true;
            watch_mark(w, r, rel);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return leave;
}
