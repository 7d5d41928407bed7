/* dup_later.c - groupings found by threads of the library's own, for a server whose callers must not wait for minutes.
 *
 * There are three lanes: one for each kind that takes long, and one that looks at pictures that never were looked at (half of the processors: it
 * may go on for an hour, and searches are answered meanwhile). A lane does one thing at a time; who wants another asks again
 * and sees how far the present one is. A thread begins with the first wish and ends with its work, so that a library of which nobody asks for
 * duplicates has none.
 *
 * Looks that failed are not tried again at once: their files are away, and each try is a look at the disk. */
#include <errno.h>
#include <stdatomic.h>

#include "engine/duplicates.h"

enum { NEAR, SIMILAR, LOOKS, LANES };
static const double retry_seconds = 600;

struct lane {
    eye_lib *lib;
    struct eng_later *later;
    pthread_t thread;
    bool begun; /* there is a thread to be joined */
    bool busy;
    struct eng_dup_wish wish;
    eye_dup_phase phase;
    uint64_t done, total;
    struct eye_err err; /* code 0: none */
};

struct eng_later {
    pthread_mutex_t lock; /* of all below; not while a lane works */
    pthread_cond_t ended;
    atomic_bool stop;
    double next_looks; /* eng_now */
    struct lane lanes[LANES];
};

static struct eng_later *later_new(eye_lib *lib, struct eye_err *err)
{
    struct eng_later *l = mem_calloc(1, sizeof *l, err);
    pthread_condattr_t attr;
    if (!l) {
        return NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->ended, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < LANES; i++) {
        l->lanes[i].lib = lib;
        l->lanes[i].later = l;
    }
    return l;
}

void eng_later_free(struct eng_later *l)
{
    if (!l) {
        return;
    }
    atomic_store(&l->stop, true);
    for (int i = 0; i < LANES; i++) {
        if (l->lanes[i].begun) {
            pthread_join(l->lanes[i].thread, NULL);
        }
    }
    pthread_cond_destroy(&l->ended);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- in a lane's thread ---- */

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct lane *lane = ctx;
    pthread_mutex_lock(&lane->later->lock);
    lane->done = done;
    lane->total = total;
    pthread_mutex_unlock(&lane->later->lock);
    return atomic_load(&lane->later->stop);
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    eye_lib *lib = lane->lib;
    struct eye_err err = {0};
    if (lane == &lane->later->lanes[LOOKS]) {
        int threads = lib->threads > 1 ? lib->threads / 2 : 1;
        if (eng_look_at_missing(lib, threads, on_progress, lane, &err) == 0) {
            err.code = 0;
        }
    } else {
        struct eng_kept *kept = eng_kept_get(lib, &lane->wish, on_progress, lane, &err);
        if (kept) {
            err.code = 0;
        }
        eng_kept_put(lib, kept);
    }
    pthread_mutex_lock(&lane->later->lock);
    lane->err = err;
    lane->busy = false;
    if (lane == &lane->later->lanes[LOOKS]) {
        lane->later->next_looks = eng_now() + retry_seconds;
    }
    pthread_cond_broadcast(&lane->later->ended);
    pthread_mutex_unlock(&lane->later->lock);
    return NULL;
}

/* ---- under the lock ---- */

static int start(struct lane *lane, const struct eng_dup_wish *wish, struct eye_err *err)
{
    if (lane->begun) {
        pthread_join(lane->thread, NULL); /* it is not busy: it ended, or is about to */
        lane->begun = false;
    }
    lane->wish = *wish;
    lane->phase = lane == &lane->later->lanes[LOOKS] ? EYE_DUP_HASHING : EYE_DUP_COMPARING;
    lane->done = lane->total = 0;
    lane->busy = true;
    int e = pthread_create(&lane->thread, NULL, lane_main, lane);
    lane->begun = e == 0;
    lane->busy = e == 0;
    return e == 0 ? 0 : eye_fail_errno(err, e, "cannot start a thread");
}

/* What went wrong in it since somebody asked. */
static int take_failure(struct lane *lane, struct eye_err *err)
{
    int code = lane->err.code;
    if (code) {
        eye_fail(err, code, "%s", lane->err.msg);
        lane->err.code = 0;
    }
    return code;
}

static void begin_looks(struct eng_later *l, uint64_t unknown, const struct eng_dup_wish *wish)
{
    struct lane *lane = &l->lanes[LOOKS];
    struct eye_err err = {0};
    pthread_mutex_lock(&l->lock);
    if (unknown && !lane->busy && eng_now() >= l->next_looks && !lane->lib->read_only) {
        start(lane, wish, &err);
    }
    if (take_failure(lane, &err)) {
        eng_log(lane->lib, EYE_LOG_WARN, "pictures could not be looked at: %s", err.msg);
    }
    pthread_mutex_unlock(&l->lock);
}

/* Until the lane ends or the time is over. False: it is over. */
static bool wait_for(struct eng_later *l, const struct lane *lane, double until)
{
    double seconds = until > 0 ? until : 0;
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    int rc = 0;
    while (lane->busy && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&l->ended, &l->lock, &t);
    }
    return !lane->busy;
}

/* One round: nothing at hand, so have it found. *again: look once more. */
static int have_found(struct eng_later *l, const struct eng_dup_wish *wish, double until,
                      eye_dup_state *state, bool *again, struct eye_err *err)
{
    struct lane *lane = &l->lanes[wish->kind == EYE_DUP_NEAR ? NEAR : SIMILAR];
    pthread_mutex_lock(&l->lock);
    int rc = lane->busy ? 0 : take_failure(lane, err);
    if (rc == 0 && !lane->busy) {
        rc = start(lane, wish, err);
    }
    *again = rc == 0 && wait_for(l, lane, until);
    *state = (eye_dup_state){false, lane->phase, lane->done, lane->total};
    pthread_mutex_unlock(&l->lock);
    return rc;
}

/* ---- the caller's side ---- */

static struct eng_later *later_of(eye_lib *lib, struct eye_err *err)
{
    pthread_mutex_lock(&lib->lock);
    if (!lib->later) {
        lib->later = later_new(lib, err);
    }
    struct eng_later *l = lib->later;
    pthread_mutex_unlock(&lib->lock);
    return l;
}

static int prepare(eye_lib *lib, struct eng_later *l, const struct eng_dup_wish *wish, double until,
                   eye_dup_state *state, struct eye_err *err)
{
    bool again = true;
    while (again) {
        struct eng_kept *kept;
        int rc = eng_kept_look(lib, wish, &kept, err);
        if (rc < 0) {
            return rc;
        }
        if (kept) {
            eng_kept_put(lib, kept);
            state->ready = true;
            return 0;
        }
        rc = have_found(l, wish, until, state, &again, err);
        if (rc < 0) {
            return rc;
        }
        again = again && eng_now() < until;
    }
    return 0;
}

int eye_duplicates_prepare(eye_lib *lib, const eye_dup_options *options, int wait_ms,
                           eye_dup_state *state, struct eye_err *err)
{
    struct eng_dup_wish wish;
    struct eye_err local = {0};
    double until = eng_now() + wait_ms / 1000.0;
    uint64_t unknown = 0;
    *state = (eye_dup_state){.ready = options->kind == EYE_DUP_SAME};
    int rc = eng_dup_check(options, &wish, err);
    if (rc < 0 || state->ready) { /* who shows what twice is one look at an index */
        return rc;
    }
    struct eng_later *l = later_of(lib, &local);
    struct store *s = l ? eng_store_get(lib, &local) : NULL;
    rc = s ? store_unseen_count(s, &unknown, &local) : eng_code(&local);
    eng_store_put(lib, s);
    if (rc == 0) {
        begin_looks(l, unknown, &wish);
        rc = prepare(lib, l, &wish, until, state, &local);
    }
    return rc < 0 ? eye_fail(err, rc, "%s", local.msg) : 0;
}
