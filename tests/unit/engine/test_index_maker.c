/* test_index_maker.c - segments are made behind the searches, by one of many threads and processes, and stopping it takes no time. */
#include "engine/index_fixture.h"

/* Until there are segments with no more than `tail` vectors in none, or some seconds have passed. */
static bool becomes(struct ix *ix, size_t segments, size_t tail)
{
    for (int i = 0; i < 500; i++) {
        eye_status st = fx_status(ix->fx);
        if (st.index_segments >= segments && st.embedded <= st.index_rows + tail)
            return true;
        usleep(10 * 1000);
    }
    return false;
}

/* The snapshot that searches use, after some time. */
static bool sheds_its_tail(struct ix *ix)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&ix->fx->lib->lock);
        bool shed = vector_index_tail(ix_snapshot(ix)->ix) == 0;
        pthread_mutex_unlock(&ix->fx->lib->lock);
        if (shed)
            return true;
        usleep(10 * 1000);
    }
    return false;
}

static void test_a_search_wakes_it(void **state)
{
    struct ix *ix = ix_new(state);
    ix->knobs.no_maker = false;
    ix_add(ix, 0, IX_FEW - 1);
    ix_check(ix);
    usleep(50 * 1000);
    assert_int_equal(ix_segments(ix), 0);
    ix_add(ix, IX_FEW - 1, 100);
    ix_check(ix);
    assert_true(becomes(ix, 1, 0));
    ix_check(ix);
    /* What searches use is the new one, without a search having loaded it. */
    ix_add(ix, 1000, IX_FEW + 5);
    struct eng_vectors *v = eng_vectors_get(ix->fx->lib, ix->s, ix->model, &ix->spec, &ix->fx->err);
    eng_vectors_put(ix->fx->lib, v);
    assert_true(becomes(ix, 1, 0));
    assert_true(sheds_its_tail(ix));
    eng_maker_stop(ix->fx->lib);
    ix_check(ix);
    ix_verified(ix);
    ix_free(ix);
}

/* `eye_index` returns with the segments made. */
static void test_an_index_run_makes_them(void **state)
{
    struct ix *ix = ix_new(state);
    struct fx *fx = ix->fx;
    char name[32];
    ix->knobs.few = 64;
    fx_pictures(fx, 70);
    fx_index(fx, "");
    assert_int_equal(fx_status(fx).index_rows, 70);
    fx_index(fx, ""); /* nothing to do */
    assert_int_equal(fx_status(fx).index_rows, 70);
    assert_int_equal(ix_files(ix), 1);
    /* A file that is gone is noticed by the next run, and one that rots too. */
    char path[600];
    ix_path(ix, 0, path);
    assert_int_equal(unlink(path), 0);
    fx_index(fx, "");
    assert_int_equal(fx_status(fx).index_rows, 70);
    assert_int_equal(ix_files(ix), 1);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "p%02d.bmp", i);
        fx_unlink(fx, name);
    }
    fx_index(fx, "");
    assert_int_equal(fx_status(fx).index_rows, 50);
    fx_best(fx, "p42.bmp", NULL);
    fx_verify_clean(fx);
    ix_free(ix);
}

/* A model that is embedded anew gets its own; the old one's stay for going back. */
static void test_each_model_has_its_own(void **state)
{
    struct ix *ix = ix_new(state);
    struct fx *fx = ix->fx;
    ix->knobs.few = 64;
    fx_pictures(fx, 66);
    fx_index(fx, "");
    int64_t before = fx_best(fx, "p07.bmp", NULL);
    FX_OK(fx, eye_model_use(fx->lib, "second", NULL, NULL, &fx->err));
    assert_int_equal(fx_status(fx).index_rows, 66);
    assert_int_equal(ix_files(ix), 2);
    assert_int_equal(fx_best(fx, "p07.bmp", NULL), before);
    fx_index(fx, ""); /* sweeps no file of the other model */
    assert_int_equal(ix_files(ix), 2);
    fx_verify_clean(fx);
    FX_OK(fx, eye_model_use(fx->lib, "starter", NULL, NULL, &fx->err));
    assert_int_equal(fx_status(fx).index_rows, 66);
    assert_int_equal(fx_best(fx, "p07.bmp", NULL), before);
    ix_free(ix);
}

/* A library that is closed while one is made. */
static int wait_a_little(void *ctx, enum eng_make_step step)
{
    atomic_int *begun = ctx;
    if (step == ENG_MAKE_ROWS) {
        atomic_fetch_add(begun, 1);
        usleep(20 * 1000);
    }
    return 0;
}

static void test_closing_does_not_wait(void **state)
{
    struct ix *ix = ix_new(state);
    atomic_int begun = 0;
    ix_add(ix, 0, 6 * ENG_PAGE_ROWS);
    ix->knobs.no_maker = false;
    ix->knobs.step = wait_a_little;
    ix->knobs.ctx = &begun;
    ix_check(ix);
    for (int i = 0; i < 500 && atomic_load(&begun) == 0; i++)
        usleep(1000);
    assert_true(atomic_load(&begun) > 0);
    ix_detach(ix);
    eye_close(ix->fx->lib);
    assert_true(atomic_load(&begun) < 6);
    fx_open(ix->fx);
    ix->knobs.step = NULL;
    ix->knobs.no_maker = true;
    ix_attach(ix);
    assert_int_equal(ix_segments(ix), 0);
    assert_int_equal(ix_files(ix), 0);
    ix_check(ix);
    ix_free(ix);
}

/* After trouble it waits: a full disk is not made better by trying. */
struct trouble {
    atomic_int tries;
};

static int always_fails(void *ctx, enum eng_make_step step)
{
    struct trouble *t = ctx;
    if (step != ENG_MAKE_BEGIN)
        return 0;
    atomic_fetch_add(&t->tries, 1);
    return EYE_EIO;
}

static void test_it_does_not_try_for_ever(void **state)
{
    struct ix *ix = ix_new(state);
    struct trouble trouble = {0};
    ix->knobs.no_maker = false;
    ix->knobs.step = always_fails;
    ix->knobs.ctx = &trouble;
    for (uint64_t i = 0; i < 8; i++) {
        ix_add(ix, i * 300, 300);
        ix_check(ix);
        usleep(10 * 1000);
    }
    eng_maker_stop(ix->fx->lib);
    assert_int_equal(atomic_load(&trouble.tries), 1);
    ix_free(ix);
}

/* ---- two processes ---- */

/* Adds pictures and makes segments, with a library of its own. */
static int index_and_build(struct ix *ix)
{
    struct eng_index_knobs knobs = {.few = IX_FEW};
    struct eng_making how = {0};
    struct eye_err err = {0};
    eye_options o = fx_options(ix->fx);
    o.log = NULL;
    struct ix mine = *ix;
    struct fx fx = *ix->fx;
    mine.fx = &fx;
    fx.lib = eye_open(&o, &err);
    if (!fx.lib)
        return 2;
    fx.lib->knobs = &knobs;
    mine.s = eng_store_get(fx.lib, &err);
    for (uint64_t i = 0; i < 12; i++) {
        ix_add(&mine, 1000 + i * 80, 80);
        ix_remove(&mine, i * 30, 30, 2);
        if (eng_make(fx.lib, mine.s, ix->model, &ix->spec, &how, &err) != 0)
            return err.code == EYE_EBUSY ? 0 : 3;
    }
    return 0;
}

static void test_two_processes(void **state)
{
    struct ix *ix = ix_new(state);
    int status;
    ix_add(ix, 0, 500);
    ix_make(ix);
    ix_detach(ix);
    eye_close(ix->fx->lib);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(index_and_build(ix));
    fx_open(ix->fx);
    ix_attach(ix);
    /* The log of one's own process must not be told of trouble: files that vanish while they are opened are none. */
    size_t searches = 0;
    bool running = true;
    while (running) {
        eye_query q = EYE_QUERY_INIT;
        eye_search_options so = {.limit = IX_TOP, .min_score = -2};
        eye_results *r;
        q.words = ix_words[searches++ % IX_QUERIES];
        FX_OK(ix->fx, eye_search(ix->fx->lib, &q, 1, &so, &r, &ix->fx->err));
        assert_int_equal(eye_results_count(r), IX_TOP);
        eye_results_free(r);
        if (searches % 7 == 0) { /* from nothing, like a command line */
            ix_detach(ix);
            fx_reopen(ix->fx);
            ix_attach(ix);
        }
        running = waitpid(pid, &status, WNOHANG) == 0;
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_null(strstr(ix->fx->log, "missing"));
    ix_check(ix);
    ix_make(ix);
    ix_check(ix);
    ix_verified(ix);
    ix_free(ix);
}

/* Both build, again and again: one of them at a time, and nothing is lost. */
static void test_two_builders(void **state)
{
    struct ix *ix = ix_new(state);
    int status;
    ix_add(ix, 0, 300);
    ix_detach(ix);
    eye_close(ix->fx->lib);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(index_and_build(ix));
    fx_open(ix->fx);
    ix_attach(ix);
    for (uint64_t i = 0; i < 12; i++) {
        ix_add(ix, 5000 + i * 90, 90);
        int rc = ix_make_rc(ix, false);
        assert_true(rc == 0 || rc == EYE_EBUSY);
        struct eng_vectors *v =
            eng_vectors_get(ix->fx->lib, ix->s, ix->model, &ix->spec, &ix->fx->err);
        assert_non_null(v);
        assert_int_equal(vector_index_live(v->ix), v->mark.vectors);
        eng_vectors_put(ix->fx->lib, v);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 0);
    ix_check(ix);
    ix_make(ix);
    ix_check(ix);
    ix_verified(ix);
    assert_int_equal(ix_files(ix), ix_segments(ix));
    ix_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_search_wakes_it),
        cmocka_unit_test(test_an_index_run_makes_them),
        cmocka_unit_test(test_each_model_has_its_own),
        cmocka_unit_test(test_closing_does_not_wait),
        cmocka_unit_test(test_it_does_not_try_for_ever),
        cmocka_unit_test(test_two_processes),
        cmocka_unit_test(test_two_builders),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
