/* test_ingest.c - what index does with new, changed, moved, copied, broken and vanished files. */
#include "engine/fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

static void test_index_and_again(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "sub/b.bmp", 2);
    fx_picture(fx, "sub/deep/c.BMP", 3);
    fx_index(fx, "");
    FX_COUNTS(fx, 3, 0, 0, 0, 0, 0);
    assert_int_equal(fx->nevents, 3);
    assert_int_equal(fx_outcome(fx, "sub/deep/c.BMP"), EYE_FILE_INDEXED);
    assert_true(fx->p.walk_done);
    assert_int_equal(fx->p.total, 3);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 3, 0, 0);
    assert_int_equal(fx->nevents, 0);
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 3);
    assert_int_equal(st.embedded, 3);
    assert_int_equal(st.roots, 1);
    assert_int_equal(st.dim, 64);
    assert_string_equal(st.model, "starter");
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_rename_keeps_the_picture(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "x.bmp", 9);
    fx_index(fx, "");
    int64_t id = fx_best(fx, "a.bmp", NULL);
    fx_rename(fx, "a.bmp", "z.bmp");
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 1, 1, 1, 0);
    assert_int_equal(fx_outcome(fx, "z.bmp"), EYE_FILE_LINKED);
    assert_int_equal(fx_outcome(fx, "a.bmp"), EYE_FILE_REMOVED);
    assert_int_equal(fx_best(fx, "z.bmp", NULL), id);
    assert_int_equal(fx_status(fx).pictures, 2);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_copies_are_embedded_once(void **state)
{
    struct fx *fx = fx_new(state);
    char name[32];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "copy%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i % 3);
    }
    fx_index(fx, "");
    FX_COUNTS(fx, 3, 0, 197, 0, 0, 0);
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 3);
    assert_int_equal(st.files, 200);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_changed_and_deleted(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_picture(fx, "c.bmp", 3);
    fx_index(fx, "");
    fx_picture(fx, "a.bmp", 11); /* other content */
    fx_picture(fx, "b.bmp", 2);  /* same content, other time */
    fx_unlink(fx, "c.bmp");
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 1, 0, 1, 1, 0);
    assert_int_equal(fx_outcome(fx, "a.bmp"), EYE_FILE_UPDATED);
    assert_int_equal(fx_outcome(fx, "b.bmp"), -1);
    assert_int_equal(fx_outcome(fx, "c.bmp"), EYE_FILE_REMOVED);
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 2);
    assert_int_equal(st.files, 2);
    float score = 0;
    fx_best(fx, "a.bmp", &score);
    assert_true(score > 0.999f);
    fx_verify_clean(fx);
    fx_free(fx);
}

/* The bytes of a.bmp move to b.bmp while a.bmp gets others. With one lane, b.bmp is found to be known before the
 * batch that takes that picture's only file away: it must not be linked to what is no more. */
/* Names that move up by one, as when a picture is put in between: nothing is embedded again, every id stays. */
static void test_shifted_names(void **state)
{
    enum { N = 100 };
    struct fx *fx = fx_new(state);
    char from[32], to[32], path[600];
    int64_t ids[N];
    for (int i = 0; i < N; i++) {
        snprintf(from, sizeof from, "p%03d.bmp", i);
        fx_picture(fx, from, (uint64_t)i);
    }
    fx_index(fx, "");
    for (int i = 0; i < N; i += 9) {
        snprintf(from, sizeof from, "p%03d.bmp", i);
        ids[i] = fx_best(fx, from, NULL);
    }
    for (int way = 0; way < 2; way++) {
        for (int k = 0; k < N; k++) {
            int i = way ? k : N - 1 - k;
            struct timespec t[2] = {{1000000000 + way * 1000 + i, 0},
                                    {1000000000 + way * 1000 + i, 0}};
            snprintf(from, sizeof from, "p%03d.bmp", way ? i + 1 : i);
            snprintf(to, sizeof to, "p%03d.bmp", way ? i : i + 1);
            fx_rename(fx, from, to);
            fx_path(fx, to, path);
            assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
        }
        fx_index(fx, "");
        FX_COUNTS(fx, 0, 0, N, 0, 1, 0);
        for (int i = 0; i < N; i += 9) {
            snprintf(from, sizeof from, "p%03d.bmp", way ? i : i + 1);
            assert_int_equal(fx_best(fx, from, NULL), ids[i]);
        }
    }
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_swapped_names(void **state)
{
    struct fx *fx = fx_new(state);
    eye_options one = fx_options(fx);
    one.threads = 1;
    eye_close(fx->lib);
    fx->lib = eye_open(&one, &fx->err);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    fx_picture(fx, "a.bmp", 2);
    fx_picture(fx, "b.bmp", 1);
    fx_index(fx, "");
    assert_int_equal(fx->p.failed, 0);
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 2);
    assert_int_equal(st.files, 2);
    assert_int_equal(st.embedded, 2);
    float score = 0;
    fx_best(fx, "b.bmp", &score);
    assert_true(score > 0.999f);
    fx_verify_clean(fx);
    fx_free(fx);
}

static int count_failure(void *ctx, const eye_failure *f)
{
    uint64_t *sum = ctx;
    *sum += (uint64_t)f->attempts;
    assert_true(strlen(f->reason) > 0);
    assert_string_equal(f->code, "format");
    assert_true(f->at > 1600000000);
    return 0;
}

static void test_failures_and_retry(void **state)
{
    struct fx *fx = fx_new(state);
    eye_index_options retry = {.retry_failed = true};
    uint64_t attempts = 0;
    fx_picture(fx, "good.bmp", 1);
    fx_write(fx, "bad.jpg", "this is no picture at all, whatever its name", 44);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 1);
    assert_int_equal(fx_outcome(fx, "bad.jpg"), EYE_FILE_FAILED);
    assert_null(strstr(fx_event(fx, "bad.jpg")->reason, fx->photos));
    fx_index(fx, ""); /* still counts as failed, but is not told nor tried again */
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 1);
    assert_int_equal(fx->nevents, 0);
    FX_OK(fx, eye_failures(fx->lib, count_failure, &attempts, &fx->err));
    assert_int_equal(attempts, 1);
    FX_OK(fx, fx_index_rc(fx, "", &retry));
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 1);
    assert_int_equal(fx->nevents, 1);
    attempts = 0;
    FX_OK(fx, eye_failures(fx->lib, count_failure, &attempts, &fx->err));
    assert_int_equal(attempts, 2);
    fx_picture(fx, "bad.jpg", 2); /* a BMP by its bytes: names are not trusted */
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 1, 0, 0);
    assert_int_equal(fx_status(fx).failures, 0);
    fx_free(fx);
}

static void test_a_good_file_that_breaks(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    fx_write(fx, "a.bmp", "BM broken", 9);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 1);
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 0);
    assert_int_equal(st.files, 0);
    assert_int_equal(st.failures, 1);
    fx_unlink(fx, "a.bmp");
    fx_picture(fx, "other.bmp", 2);
    fx_index(fx, "");
    assert_int_equal(fx->p.removed, 0); /* nothing was lost: a line of the ledger went */
    assert_int_equal(fx_status(fx).failures, 0);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_limits(void **state)
{
    struct fx *fx = fx_new(state);
    eye_close(fx->lib);
    eye_options o = fx_options(fx);
    o.max_file_bytes = 1000;
    fx->lib = eye_open(&o, &fx->err);
    fx_picture(fx, "big.bmp", 1);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 1);
    fx_free(fx);
}

static int stop_at_once(void *ctx, const eye_index_progress *p)
{
    (void)ctx, (void)p;
    return 1;
}

static void test_cancel_keeps_what_is_done(void **state)
{
    struct fx *fx = fx_new(state);
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i);
    }
    fx->stop_after = 1;
    assert_int_equal(fx_index_rc(fx, "", NULL), EYE_ECANCELLED);
    assert_int_equal(fx->nevents, 1); /* none after the stop */
    uint64_t done = fx_status(fx).pictures;
    assert_in_range(done, 1, 299);
    fx->stop_after = 0;
    fx_index(fx, "");
    assert_int_equal(fx->p.unchanged, done);
    assert_int_equal(fx->p.indexed, 300 - done);
    fx_verify_clean(fx);
    eye_index_options o = {.progress = stop_at_once};
    fx_unlink(fx, "p000.bmp");
    assert_int_equal(fx_index_rc(fx, "", &o), EYE_ECANCELLED);
    fx_free(fx);
}

static void test_dry_run_changes_nothing(void **state)
{
    struct fx *fx = fx_new(state);
    eye_index_options dry = {.dry_run = true};
    fx_picture(fx, "in/a.bmp", 1);
    fx_picture(fx, "in/b.bmp", 2);
    FX_OK(fx, fx_index_rc(fx, "", &dry));
    FX_COUNTS(fx, 2, 0, 0, 0, 0, 0);
    assert_int_equal(fx_outcome(fx, "in/a.bmp"), EYE_FILE_WOULD_INDEX);
    assert_int_equal(fx_status(fx).roots, 0);
    fx_index(fx, "in");
    fx_unlink(fx, "in/a.bmp");
    fx_picture(fx, "c.bmp", 3);
    FX_OK(fx, fx_index_rc(fx, "", &dry)); /* would absorb `in`, whose files are known */
    FX_COUNTS(fx, 1, 0, 0, 1, 1, 0);
    assert_int_equal(fx_outcome(fx, "in/a.bmp"), EYE_FILE_WOULD_REMOVE);
    assert_int_equal(fx_outcome(fx, "c.bmp"), EYE_FILE_WOULD_INDEX);
    assert_int_equal(fx_status(fx).files, 2);
    fx_free(fx);
}

static void test_parts_cover_all_once(void **state)
{
    struct fx *fx = fx_new(state);
    char name[32];
    uint64_t sum = 0;
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i);
    }
    for (int part = 1; part <= 3; part++) {
        eye_index_options o = {.part = part, .parts = 3};
        FX_OK(fx, fx_index_rc(fx, "", &o));
        assert_in_range(fx->p.indexed, 3, 20);
        assert_int_equal(fx->p.removed, 0);
        sum += fx->p.indexed;
    }
    assert_int_equal(sum, 30);
    assert_int_equal(fx_status(fx).files, 30);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        if (i != 7)
            fx_unlink(fx, name);
    }
    eye_index_options two = {.part = 2, .parts = 3};
    FX_OK(fx, fx_index_rc(fx, "", &two)); /* removes of its own share only */
    assert_in_range(fx->p.removed, 2, 20);
    assert_int_equal(fx_status(fx).files, 30 - fx->p.removed);
    eye_index_options wrong = {.part = 4, .parts = 3};
    assert_int_equal(fx_index_rc(fx, "", &wrong), EYE_EINVAL);
    fx_free(fx);
}

static int try_second(void *ctx, const eye_index_progress *p)
{
    struct fx *fx = ctx;
    struct eye_err err;
    char pid[40];
    (void)p;
    eye_options o = fx_options(fx);
    o.log = NULL;
    eye_lib *other = eye_open(&o, &err);
    assert_non_null(other);
    assert_int_equal(eye_index(other, NULL, 0, NULL, NULL, &err), EYE_EBUSY);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(err.msg, pid));
    assert_int_equal(eye_model_use(other, "second", NULL, NULL, &err), EYE_EBUSY);
    eye_close(other);
    fx->stop_after = 77; /* came by here */
    return 0;
}

/* A machine with more processors than a process may have descriptors for. */
static void test_very_many_threads(void **state)
{
    struct fx *fx = fx_new(state);
    eye_options many = fx_options(fx);
    many.threads = 1000;
    eye_close(fx->lib);
    fx->lib = eye_open(&many, &fx->err);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_index(fx, "");
    FX_COUNTS(fx, 2, 0, 0, 0, 0, 0);
    fx_free(fx);
}

static void test_two_at_once(void **state)
{
    struct fx *fx = fx_new(state);
    eye_index_options o = {.progress = try_second};
    fx_picture(fx, "a.bmp", 1);
    FX_OK(fx, fx_index_rc(fx, "", &o));
    assert_int_equal(fx->stop_after, 77);
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    fx_free(fx);
}

static void index_in_child(struct fx *fx)
{
    eye_options o = fx_options(fx);
    const char *paths[1] = {fx->photos};
    o.log = NULL;
    eye_lib *lib = eye_open(&o, NULL);
    _exit(lib && eye_index(lib, paths, 1, NULL, NULL, NULL) == 0 ? 0 : 1);
}

/* kill -9 again and again; each time verify is clean, and in the end everything is there once. */
static void test_kill_and_go_on(void **state)
{
    struct fx *fx = fx_new(state);
    char name[32];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i % 390);
    }
    eye_close(fx->lib);
    for (int round = 1; round <= 4; round++) {
        pid_t pid = fork();
        if (pid == 0)
            index_in_child(fx);
        nanosleep(&(struct timespec){0, 60000000L * round}, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fx_open(fx);
        fx_verify_clean(fx);
        eye_close(fx->lib);
    }
    fx_open(fx);
    fx_index(fx, "");
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 390);
    assert_int_equal(st.embedded, 390);
    assert_int_equal(st.files, 400);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_read_only_and_missing(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    assert_int_equal(fx_index_rc(fx, "no/such/folder", NULL), EYE_ENOTFOUND);
    assert_int_equal(fx_status(fx).roots, 0);
    fx_index(fx, "");
    eye_close(fx->lib);
    eye_options o = fx_options(fx);
    o.read_only = true;
    o.create = false;
    fx->lib = eye_open(&o, &fx->err);
    assert_non_null(fx->lib);
    assert_int_equal(fx_index_rc(fx, "", NULL), EYE_EINVAL);
    assert_true(fx_best(fx, "a.bmp", NULL) > 0);
    eye_close(fx->lib);
    o.library = "/nonexistent/library";
    assert_null(eye_open(&o, &fx->err));
    assert_int_equal(fx->err.code, EYE_ENOTFOUND);
    o.library = fx->library;
    o.model = "nosuchmodel";
    assert_null(eye_open(&o, &fx->err));
    assert_int_equal(fx->err.code, EYE_ENOTFOUND);
    fx->lib = NULL;
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_and_again),
        cmocka_unit_test(test_rename_keeps_the_picture),
        cmocka_unit_test(test_copies_are_embedded_once),
        cmocka_unit_test(test_changed_and_deleted),
        cmocka_unit_test(test_shifted_names),
        cmocka_unit_test(test_swapped_names),
        cmocka_unit_test(test_failures_and_retry),
        cmocka_unit_test(test_a_good_file_that_breaks),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_cancel_keeps_what_is_done),
        cmocka_unit_test(test_dry_run_changes_nothing),
        cmocka_unit_test(test_parts_cover_all_once),
        cmocka_unit_test(test_very_many_threads),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_kill_and_go_on),
        cmocka_unit_test(test_read_only_and_missing),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
