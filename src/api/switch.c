/* switch.c - the change to another model, in a thread of its own.
 *
 * It may take hours; until it is done the old model answers. While something is being indexed it waits, looking again each
 * second. A server that stops in the middle loses nothing: asked again, the library goes on where it was. */
#include "api/internal.h"

#include <pthread.h>

enum state { NEVER, RUNNING, DONE, FAILED };

struct api_switch {
    eye_lib *lib;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    pthread_t thread;
    bool joinable, stop;
    enum state state;
    char model[256];
    uint64_t done, total;
    char note[EYE_ERR_MSG_MAX];
};

struct api_switch *api_switch_new(eye_lib *lib, struct eye_err *err)
{
    struct api_switch *c = mem_calloc(1, sizeof *c, err);
    if (c) {
        c->lib = lib;
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->stopped, NULL);
    }
    return c;
}

void api_switch_free(struct api_switch *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->stopped);
    pthread_mutex_unlock(&c->lock);
    if (c->joinable)
        pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->stopped);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct api_switch *c = ctx;
    pthread_mutex_lock(&c->lock);
    c->done = done;
    c->total = total;
    bool stop = c->stop;
    pthread_mutex_unlock(&c->lock);
    return stop;
}

/* False: the server stops. The note says meanwhile what is waited for. */
static bool wait_a_second(struct api_switch *c, const char *why)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    pthread_mutex_lock(&c->lock);
    snprintf(c->note, sizeof c->note, "%s", why);
    if (!c->stop)
        pthread_cond_timedwait(&c->stopped, &c->lock, &until);
    bool go_on = !c->stop;
    pthread_mutex_unlock(&c->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct api_switch *c = arg;
    struct eye_err err;
    int rc;
    do {
        rc = eye_model_use(c->lib, c->model, on_progress, c, &err);
    } while (rc == EYE_EBUSY && wait_a_second(c, err.msg));
    pthread_mutex_lock(&c->lock);
    c->state = rc ? FAILED : DONE;
    snprintf(c->note, sizeof c->note, "%s", rc ? err.msg : "");
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

int api_switch_begin(struct api_switch *c, const char *model, struct eye_err *err)
{
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    if (c->state == RUNNING) {
        rc = eye_fail(err, EYE_EBUSY, "the library is changing to model %s already", c->model);
    } else {
        if (c->joinable)
            pthread_join(c->thread, NULL); /* it ended before: does not wait */
        snprintf(c->model, sizeof c->model, "%s", model);
        c->state = RUNNING;
        c->done = c->total = 0;
        c->note[0] = '\0';
        int e = pthread_create(&c->thread, NULL, run, c);
        c->joinable = e == 0;
        if (e) {
            c->state = FAILED;
            rc = eye_fail_errno(err, e, "cannot start a thread");
        }
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

void api_switch_shape(struct api_switch *c, struct json_writer *w)
{
    static const char *const names[] = {
        [NEVER] = "", [RUNNING] = "running", [DONE] = "done", [FAILED] = "failed"};
    pthread_mutex_lock(&c->lock);
    if (c->state == NEVER) {
        jw_null(w);
    } else {
        jw_object(w);
        jw_kstr(w, "model", c->model);
        jw_kstr(w, "state", names[c->state]);
        jw_kint(w, "done", (int64_t)c->done);
        jw_kint(w, "total", (int64_t)c->total);
        jw_kstr(w, "note", c->note);
        jw_object_end(w);
    }
    pthread_mutex_unlock(&c->lock);
}
