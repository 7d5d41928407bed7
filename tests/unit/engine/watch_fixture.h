/* watch_fixture.h - a library that is watched by a thread of its own, and waiting for what comes of it. */
#ifndef TEST_ENGINE_WATCH_FIXTURE_H
#define TEST_ENGINE_WATCH_FIXTURE_H

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/watch.h"

enum { WX_SECONDS = 30 };

struct wx {
    struct fx *fx;
    eye_watch_options o;
    struct watch_sys sys;
    pthread_t thread;
    volatile int stop;
    const char *paths[4];
    size_t npaths;
    pthread_mutex_t lock;
    /* under lock: sums over all looks, and what was told last */
    eye_index_progress sum;
    unsigned looks, busy, troubles, states;
    eye_watch_how how;
    char why[600];
    uint64_t folders;
    int rc;
    struct eye_err err;
};

static inline void wx_on_looked(void *ctx, const eye_index_progress *p, int rc,
                                const struct eye_err *why)
{
    struct wx *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->looks += rc == 0;
    w->busy += rc == EYE_EBUSY;
    w->troubles += rc != 0 && rc != EYE_EBUSY;
    if (rc && rc != EYE_EBUSY)
        print_message("look: %d %s\n", rc, why->msg);
    w->sum.indexed += p->indexed;
    w->sum.updated += p->updated;
    w->sum.linked += p->linked;
    w->sum.removed += p->removed;
    w->sum.failed += p->failed;
    pthread_mutex_unlock(&w->lock);
}

static inline void wx_on_state(void *ctx, const eye_watch_state *s)
{
    struct wx *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->states++;
    w->how = s->how;
    w->folders = s->folders;
    snprintf(w->why, sizeof w->why, "%s", s->why);
    pthread_mutex_unlock(&w->lock);
}

static inline void *wx_main(void *arg)
{
    struct wx *w = arg;
    w->rc = watch_run(w->fx->lib, w->paths, w->npaths, &w->o, &w->sys, &w->err);
    return NULL;
}

/* Not begun yet. */
static inline struct wx *wx_new(struct fx *fx)
{
    struct wx *w = calloc(1, sizeof *w);
    w->fx = fx;
    w->sys = watch_sys_real;
    w->sys.beat = 0.1;
    w->o = (eye_watch_options){.settle = 0.1,
                               .poll = 3600,
                               .flood = 5,
                               .state = wx_on_state,
                               .looked = wx_on_looked,
                               .stop = &w->stop,
                               .ctx = w};
    w->paths[0] = fx->photos;
    w->npaths = 1;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

static inline void wx_pause(void)
{
    nanosleep(&(struct timespec){0, 5000000L}, NULL);
}

/* What was told so far, read under the lock. */
#define WX_GET(w, expression)                                                                      \
    __extension__({                                                                                \
        pthread_mutex_lock(&(w)->lock);                                                            \
        __typeof__(expression) got_ = (expression);                                                \
        pthread_mutex_unlock(&(w)->lock);                                                          \
        got_;                                                                                      \
    })

/* Wait until the condition holds; it may use the sums, under the lock. */
#define WX_UNTIL(w, condition)                                                                     \
    do {                                                                                           \
        double until_ = eng_now() + WX_SECONDS;                                                    \
        bool ok_ = false;                                                                          \
        while (!ok_ && eng_now() < until_) {                                                       \
            pthread_mutex_lock(&(w)->lock);                                                        \
            ok_ = (condition);                                                                     \
            pthread_mutex_unlock(&(w)->lock);                                                      \
            if (!ok_)                                                                              \
                wx_pause();                                                                        \
        }                                                                                          \
        if (!ok_)                                                                                  \
            fail_msg("%s does not come true; %u looks, %s", #condition, (w)->looks, (w)->why);     \
    } while (0)

/* The picture that the library knows of this file; 0: none. */
static inline int64_t wx_id(struct fx *fx, const char *name)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    const char *rel = NULL;
    int64_t id = 0;
    char path[600];
    fx_path(fx, name, path);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    assert_non_null(s);
    assert_int_equal(store_roots_brief(s, &roots, &n, &fx->err), 0);
    const struct store_root *root = eng_root_of(roots, n, path, &rel);
    if (!root || store_picture_at(s, root->id, rel, &id, NULL) != 0)
        id = 0;
    store_roots_free(roots, n);
    eng_store_put(fx->lib, s);
    return id;
}

static inline void wx_start(struct wx *w)
{
    assert_int_equal(pthread_create(&w->thread, NULL, wx_main, w), 0);
}

/* Begun, and the first look is over. */
static inline void wx_begin(struct wx *w)
{
    wx_start(w);
    WX_UNTIL(w, w->looks > 0);
}

static inline void wx_end(struct wx *w)
{
    double begun = eng_now();
    __atomic_store_n(&w->stop, 1, __ATOMIC_RELAXED);
    pthread_join(w->thread, NULL);
    assert_int_equal(w->rc, 0);
    assert_true(eng_now() - begun < 10); /* says a second; sanitizers and neighbours are slow */
}

static inline void wx_free(struct wx *w)
{
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static inline void wx_mkdir(const struct fx *fx, const char *name)
{
    char path[600];
    fx_path(fx, name, path);
    assert_int_equal(fs_mkdirs(path, NULL), 0);
}

#endif
