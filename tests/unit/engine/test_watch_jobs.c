/* Watching in the background of a server: looks are scan jobs. */
#include "engine/jobs.h"
#include "jobs_fixture.h"
#include "watch_fixture.h"

struct states {
    size_t n;
    eye_watch_how how;
    int64_t changed_at;
    char path[600];
};

static int keep_state(void *ctx, const eye_watch_state *s)
{
    struct states *all = ctx;
    if (!strstr(s->path, "/uploads")) {
        all->n++;
        all->how = s->how;
        all->changed_at = s->changed_at;
        snprintf(all->path, sizeof all->path, "%s", s->path);
    } else {
        assert_int_equal(s->how, EYE_WATCH_OFF);
    }
    return 0;
}

static struct states states_of(struct fx *fx)
{
    struct states all = {0};
    FX_OK(fx, eye_watch_states(fx->lib, keep_state, &all, &fx->err));
    return all;
}

static int count_job(void *ctx, const eye_job *job)
{
    *(int *)ctx += job->kind == EYE_JOB_SCAN && job->state == EYE_JOB_DONE;
    return 0;
}

static int scans_of(struct fx *fx)
{
    int n = 0;
    FX_OK(fx, eye_jobs(fx->lib, 0, 1000, count_job, &n, &fx->err));
    return n;
}

/* Only the options of wx are used: eye_watch_start runs a thread of its own. */
static struct wx *begin(void **state)
{
    struct fx *fx = fx_new(state);
    struct wx *w = wx_new(fx);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    w->o.stop = NULL;
    jx_start(fx);
    FX_OK(fx, watch_start(fx->lib, &w->o, &w->sys, &fx->err));
    WX_UNTIL(w, w->looks > 0);
    return w;
}

static void finish(struct wx *w)
{
    struct fx *fx = w->fx;
    eye_watch_stop(fx->lib);
    assert_int_equal(states_of(fx).how, EYE_WATCH_OFF);
    eye_jobs_stop(fx->lib);
    assert_int_equal(w->troubles, 0);
    fx_verify_clean(fx);
    wx_free(w);
    fx_free(fx);
}

static void looks_are_jobs(void **state)
{
    struct wx *w = begin(state);
    char name[64];
    struct states s = states_of(w->fx);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.how, EYE_WATCH_NOTIFIED);
    assert_string_equal(s.path, w->fx->photos);
    for (int i = 0; i < 2 * JOBS_WATCH_KEPT; i++) {
        snprintf(name, sizeof name, "d/%d.bmp", i);
        fx_picture(w->fx, name, (uint64_t)(10 + i % 3));
        unsigned looks = WX_GET(w, w->looks);
        WX_UNTIL(w, wx_id(w->fx, name) && w->looks > looks);
    }
    assert_in_range(scans_of(w->fx), 2, JOBS_WATCH_KEPT); /* the list is for people */
    assert_true(states_of(w->fx).changed_at != EYE_TIME_UNKNOWN);
    finish(w);
}

static void roots_come_and_go(void **state)
{
    struct wx *w = begin(state);
    char other[400], path[500];
    int64_t job = 0;
    snprintf(other, sizeof other, "%s/other", w->fx->dir);
    snprintf(path, sizeof path, "%s/1.bmp", other);
    fx_picture(w->fx, path, 7);
    FX_OK(w->fx, eye_job_new(w->fx->lib, EYE_JOB_SCAN, other, &job, &w->fx->err));
    jx_wait(w->fx, job);
    WX_UNTIL(w, w->states >= 2);
    snprintf(path, sizeof path, "%s/2.bmp", other);
    fx_picture(w->fx, path, 8);
    WX_UNTIL(w, wx_id(w->fx, path) != 0);
    const char *paths[] = {other};
    uint64_t removed = 0;
    while (eye_remove(w->fx->lib, paths, 1, NULL, 0, &removed, &w->fx->err) == EYE_EBUSY)
        wx_pause();
    assert_int_equal(states_of(w->fx).n, 1);
    fx_picture(w->fx, "b.bmp", 9);
    WX_UNTIL(w, wx_id(w->fx, "b.bmp") != 0);
    finish(w);
}

static void uploads_come_first_and_are_not_watched(void **state)
{
    struct wx *w = begin(state);
    int64_t job = jx_new(w->fx);
    for (int i = 0; i < 10; i++) {
        char name[64];
        snprintf(name, sizeof name, "d/%d.bmp", i);
        fx_picture(w->fx, name, (uint64_t)(20 + i));
        jx_add(w->fx, job, "up.bmp", (uint64_t)(40 + i));
    }
    FX_OK(w->fx, eye_job_close(w->fx->lib, job, &w->fx->err));
    assert_int_equal(jx_wait(w->fx, job).job.indexed, 10);
    WX_UNTIL(w, fx_status(w->fx).files == 21);
    finish(w);
}

/* The scan that waits or runs; 0: none. */
static int64_t next_scan(struct fx *fx)
{
    int64_t id = 0;
    struct store *s = eng_store_get(fx->lib, &fx->err);
    if (store_job_next(s, false, &id, NULL) != 0)
        id = 0;
    eng_store_put(fx->lib, s);
    return id;
}

/* Waits behind another process, is cancelled, and stopped there. */
static void what_waits_can_be_cancelled_and_stopped(void **state)
{
    struct wx *w = begin(state);
    int lock = -1;
    while (eng_lock(w->fx->lib, &lock, &w->fx->err) == EYE_EBUSY)
        wx_pause();
    fx_picture(w->fx, "b.bmp", 2);
    int64_t id = 0;
    WX_UNTIL(w, (id = next_scan(w->fx)) != 0);
    unsigned troubles = WX_GET(w, w->troubles);
    FX_OK(w->fx, eye_job_cancel(w->fx->lib, id, &w->fx->err));
    WX_UNTIL(w, w->troubles > troubles); /* told */
    WX_GET(w, w->troubles = 0);
    eng_unlock(lock);
    finish(w);
}

static void order_of_starting(void **state)
{
    struct fx *fx = fx_new(state);
    assert_int_equal(eye_watch_start(fx->lib, NULL, &fx->err), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "eye_jobs_start"));
    eye_watch_stop(fx->lib);
    assert_int_equal(states_of(fx).n, 0);
    for (int i = 0; i < 3;
         i++) { /* started again after a stop; stopped by the jobs, and by closing */
        jx_start(fx);
        FX_OK(fx, eye_watch_start(fx->lib, NULL, &fx->err));
        assert_int_equal(eye_watch_start(fx->lib, NULL, &fx->err), EYE_EINVAL);
        if (i < 2)
            eye_jobs_stop(fx->lib);
    }
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_are_jobs),
        cmocka_unit_test(roots_come_and_go),
        cmocka_unit_test(uploads_come_first_and_are_not_watched),
        cmocka_unit_test(what_waits_can_be_cancelled_and_stopped),
        cmocka_unit_test(order_of_starting),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
