/* test_index_make.c - segments are made, merged and compacted, in files that rows name, whatever kills or fails the one who makes them. */
#include "engine/index_fixture.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "vector/writer.h"

/* ---- making ---- */

static void test_a_small_library_has_none(void **state)
{
    struct ix *ix = ix_new(state);
    ix_check(ix);
    ix_add(ix, 0, IX_FEW - 1);
    ix_make(ix);
    assert_int_equal(ix_segments(ix), 0);
    assert_int_equal(ix_files(ix), 0);
    ix_check(ix);
    eye_status st = fx_status(ix->fx);
    assert_int_equal(st.index_segments + st.index_rows + st.index_bytes, 0);
    ix_free(ix);
}

static void test_segments_are_made_and_merged(void **state)
{
    struct ix *ix = ix_new(state);
    size_t most = 0;
    for (uint64_t round = 0; round < 16; round++) {
        ix_add(ix, round * IX_FEW, IX_FEW);
        ix_make(ix);
        size_t n = ix_segments(ix);
        most = n > most ? n : most;
        assert_int_equal(ix_files(ix), n);
        assert_true(n <= 4); /* as the ones in the rounds' number */
        assert_int_equal(n, __builtin_popcountll(round + 1));
        assert_int_equal(ix_log(ix, NULL), 0);
        eye_status st = fx_status(ix->fx);
        assert_int_equal(st.index_rows, (round + 1) * IX_FEW);
        assert_int_equal(st.index_segments, n);
        assert_true(st.index_bytes > st.index_rows * IX_DIM);
        if (round % 5 == 4)
            ix_reopen(ix);
        if (round % 3 == 0)
            ix_check(ix);
        ix_verified(ix);
    }
    assert_int_equal(most, 4);
    ix_check(ix);
    /* Nothing is left to do. */
    char before[600], after[600];
    ix_path(ix, 0, before);
    ix_make(ix);
    ix_path(ix, 0, after);
    assert_string_equal(before, after);
    ix_free(ix);
}

/* The log keeps deletions for as long as a segment has the row, and no longer. */
static void test_dead_rows_are_compacted(void **state)
{
    struct ix *ix = ix_new(state);
    size_t gone;
    ix_add(ix, 0, 1000);
    ix_make(ix);
    ix_remove(ix, 0, 1000, 10);
    ix_make(ix); /* a tenth is dead: no reason for anything */
    assert_int_equal(fx_status(ix->fx).index_rows, 1000);
    assert_int_equal(ix_log(ix, &gone), 100);
    assert_int_equal(gone, 100);
    ix_check(ix);
    ix_add(ix, 1000, IX_FEW); /* a second segment: the first is still to be told */
    ix_make(ix);
    assert_int_equal(ix_segments(ix), 2);
    assert_int_equal(ix_log(ix, &gone), 100);
    ix_reopen(ix);
    ix_check(ix);
    ix_verified(ix);
    ix_remove(ix, 1, 999, 5);
    ix_make(ix); /* three in ten */
    assert_int_equal(fx_status(ix->fx).index_rows, 700 + IX_FEW);
    assert_int_equal(ix_log(ix, NULL), 200); /* since the newest segment, for others to follow */
    ix_check(ix);
    ix_reopen(ix);
    ix_check(ix);
    ix_verified(ix);
    /* So few are left that they need none. */
    ix_remove(ix, 0, 1000, 1);
    ix_remove(ix, 1000, IX_FEW / 2 + 10, 1);
    ix_make(ix);
    assert_int_equal(ix_segments(ix), 0);
    assert_int_equal(ix_files(ix), 0);
    ix_check(ix);
    ix_reopen(ix);
    ix_check(ix);
    ix_free(ix);
}

/* Half of all goes, comes again or changes, ten times over; the same pictures again and again, too. */
static void test_churn(void **state)
{
    struct ix *ix = ix_new(state);
    size_t gone;
    ix_add(ix, 0, 1200);
    ix_make(ix);
    for (uint64_t round = 0; round < 10; round++) {
        ix_remove(ix, round % 2, 1200, 4);
        ix_change(ix, (round + 1) % 2, 1200, 2, round + 1);
        ix_change(ix, 0, 40, 1, round + 100); /* hot ones */
        if (round % 3 != 1)
            ix_make(ix);
        ix_check(ix);
        ix_verified(ix);
        ix_add(ix, round % 2, 1); /* and back, under the next ids */
        for (uint64_t i = round % 2; i < 1200; i += 4)
            ix_put(ix, i);
        if (round % 4 == 3)
            ix_reopen(ix);
        ix_check(ix);
    }
    ix_make(ix);
    ix_make(ix);
    ix_check(ix);
    ix_verified(ix);
    eye_status st = fx_status(ix->fx);
    assert_true(st.index_rows < 2 * 1200);
    assert_true(ix_segments(ix) <= 4);
    ix_log(ix, &gone);
    assert_true(gone <= st.index_rows); /* at most one a row */
    ix_free(ix);
}

/* The log of a library that is too small for segments does not grow for ever. */
static void test_a_log_without_segments_is_forgotten(void **state)
{
    struct ix *ix = ix_new(state);
    ix_add(ix, 0, 50);
    for (uint64_t round = 0; round < 12; round++) {
        ix_change(ix, 0, 50, 1, round + 1);
        ix_check(ix);
    }
    assert_true(ix_log(ix, NULL) > 1000);
    ix_make(ix);
    assert_int_equal(ix_log(ix, NULL), 0);
    assert_int_equal(ix_segments(ix), 0);
    ix_check(ix); /* with a snapshot from before */
    ix_change(ix, 0, 50, 3, 99);
    ix_check(ix);
    ix_free(ix);
}

static void test_litter_goes(void **state)
{
    struct ix *ix = ix_new(state);
    char path[600];
    ix_add(ix, 0, 300);
    ix_make(ix);
    snprintf(path, sizeof path, "%s/index/1-2-3.seg", ix->fx->library);
    fx_write(ix->fx, path, "half a segment", 14);
    snprintf(path, sizeof path, "%s/index/x.tmp", ix->fx->library);
    fx_write(ix->fx, path, "", 0);
    assert_int_equal(ix_files(ix), 3);
    ix_make(ix);
    assert_int_equal(ix_files(ix), 1);
    ix_check(ix);
    ix_free(ix);
}

/* ---- who may ---- */

static void test_one_at_a_time(void **state)
{
    struct ix *ix = ix_new(state);
    int lock;
    ix_add(ix, 0, 300);
    FX_OK(ix->fx, eng_lock_file(ix->fx->lib, "build.lock", "tests", &lock, &ix->fx->err));
    assert_int_equal(ix_make_rc(ix, false), EYE_EBUSY);
    assert_int_equal(ix_segments(ix), 0);
    ix_check(ix); /* others go on */
    eng_unlock(lock);
    ix_make(ix);
    assert_int_equal(ix_segments(ix), 1);
    ix_free(ix);
}

/* Two that build at once, because somebody deleted the lock: the one that comes second leaves all as it is. */
struct rival {
    struct ix *ix;
    bool done;
};

static int build_too(void *ctx, enum eng_make_step step)
{
    struct rival *r = ctx;
    char path[400];
    if (step != ENG_MAKE_WRITTEN || r->done)
        return 0;
    r->done = true;
    snprintf(path, sizeof path, "%s/build.lock", r->ix->fx->library);
    assert_int_equal(unlink(path), 0);
    struct eng_making how = {0};
    struct eye_err err = {0};
    struct store *s = eng_store_get(r->ix->fx->lib, &err);
    assert_int_equal(eng_make(r->ix->fx->lib, s, r->ix->model, &r->ix->spec, &how, &err), 0);
    eng_store_put(r->ix->fx->lib, s);
    return 0;
}

static void test_the_second_of_two_changes_nothing(void **state)
{
    struct ix *ix = ix_new(state);
    struct rival rival = {ix, false};
    ix_add(ix, 0, 300);
    ix->knobs.step = build_too;
    ix->knobs.ctx = &rival;
    assert_int_equal(ix_make_rc(ix, false), EYE_EBUSY);
    ix->knobs.step = NULL;
    assert_int_equal(ix_segments(ix), 1);
    ix_check(ix);
    ix_verified(ix);
    ix_make(ix);
    assert_int_equal(ix_files(ix), 1);
    ix_free(ix);
}

static void test_a_reader_makes_nothing(void **state)
{
    struct ix *ix = ix_new(state);
    ix_add(ix, 0, 300);
    eye_options o = fx_options(ix->fx);
    o.create = false;
    o.read_only = true;
    eye_lib *reader = eye_open(&o, &ix->fx->err);
    assert_non_null(reader);
    struct eng_index_knobs knobs = ix->knobs;
    knobs.no_maker = false;
    reader->knobs = &knobs;
    struct store *s = eng_store_get(reader, &ix->fx->err);
    struct eng_making how = {0};
    assert_int_equal(eng_make(reader, s, ix->model, &ix->spec, &how, &ix->fx->err), EYE_EINVAL);
    eng_store_put(reader, s);
    ix_check_lib(ix, reader);
    assert_int_equal(ix_files(ix), 0);
    ix_make(ix);
    ix_check_lib(ix, reader);
    eye_close(reader);
    ix_free(ix);
}

/* ---- faults ---- */

/* A library in which a make has everything to do: a segment to merge, rows to leave out, a log to trim. */
static void prepare(struct ix *ix)
{
    ix_add(ix, 0, 300);
    ix_make(ix);
    ix_remove(ix, 0, 300, 6);
    ix_change(ix, 1, 300, 7, 5);
    ix_add(ix, 300, 4200); /* two chunks */
}

static void finished(struct ix *ix)
{
    ix_check(ix);
    ix_make(ix);
    assert_int_equal(ix_segments(ix), 1);
    assert_int_equal(ix_files(ix), 1);
    assert_int_equal(ix_log(ix, NULL), 0);
    ix_check(ix);
    ix_verified(ix);
}

struct failing {
    int after; /* steps that go well */
    int how;   /* a code, or a signal */
    bool begun;
};

static int fail_step(void *ctx, enum eng_make_step step)
{
    struct failing *f = ctx;
    (void)step;
    if (f->after-- > 0)
        return 0;
    if (f->how > 0)
        kill(getpid(), f->how);
    return f->how;
}

static int fail_write(void *ctx, enum writer_step step)
{
    struct failing *f = ctx;
    (void)step;
    if (f->after-- > 0)
        return 0;
    if (f->how == SIGKILL)
        kill(getpid(), SIGKILL);
    f->begun = true;
    return f->how;
}

static void hook_writer(void *ctx, struct vector_writer *w)
{
    struct writer_hook hook = {fail_write, ctx};
    writer_set_hook(w, &hook);
}

/* Does fn in a child, which is to be killed or to exit with 0; was it killed? */
static bool in_child(struct ix *ix, int (*fn)(struct ix *ix, struct failing *f), struct failing *f)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(ix, f));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

/* In the child: a library of its own, for nobody's connection survives a fork. */
static int make_in_child(struct ix *ix, struct failing *f)
{
    struct eng_index_knobs knobs = ix->knobs;
    struct eye_err err = {0};
    struct eng_making how = {0};
    eye_options o = fx_options(ix->fx);
    o.log = NULL;
    eye_lib *lib = eye_open(&o, &err);
    if (!lib)
        return 2;
    knobs.ctx = f;
    lib->knobs = &knobs;
    struct store *s = eng_store_get(lib, &err);
    int rc = eng_make(lib, s, ix->model, &ix->spec, &how, &err);
    return rc ? 3 : 0;
}

/* Connections are closed before a fork, and all is read again after the kill. */
static size_t kill_each(struct ix *ix, int from)
{
    size_t kills = 0;
    for (int after = from;; after++) {
        struct failing f = {.after = after, .how = SIGKILL};
        ix_detach(ix);
        eye_close(ix->fx->lib);
        bool killed = in_child(ix, make_in_child, &f);
        fx_open(ix->fx);
        ix_attach(ix);
        ix->fx->lib->knobs = &ix->knobs;
        ix_check(ix);
        ix_verified(ix);
        if (!killed)
            break;
        kills++;
    }
    return kills;
}

static void test_kill_9_at_each_step(void **state)
{
    for (int which = 0; which < 2; which++) {
        struct ix *ix = ix_new(state);
        prepare(ix);
        ix->knobs.step = which ? NULL : fail_step;
        ix->knobs.writer = which ? hook_writer : NULL;
        size_t kills = kill_each(ix, 0);
        assert_true(kills >= (which ? 5 : 8));
        ix->knobs.step = NULL;
        ix->knobs.writer = NULL;
        finished(ix);
        ix_free(ix);
    }
}

static void test_each_failing_step(void **state)
{
    struct ix *ix = ix_new(state);
    prepare(ix);
    struct failing f = {.how = EYE_EIO};
    ix->knobs.ctx = &f;
    ix->knobs.step = fail_step;
    int rc, after = 0;
    do {
        f.after = after++;
        rc = ix_make_rc(ix, false);
        assert_true(rc == 0 || rc == EYE_EIO);
        ix_check(ix);
        ix_verified(ix);
    } while (rc != 0);
    assert_true(after > 8);
    ix->knobs.step = NULL;
    finished(ix);
    ix_free(ix);
}

/* A full disk, a quota, a bad sector: whatever the system says of a write, nothing of the file is left. */
static void test_each_failing_write(void **state)
{
    static const int whys[] = {ENOSPC, EDQUOT, EIO};
    struct ix *ix = ix_new(state);
    prepare(ix);
    for (size_t w = 0; w < 3; w++) {
        for (int after = 0; after < 6; after++) { /* header, two chunks, sync, close, folder */
            struct failing f = {.after = after, .how = whys[w]};
            ix->knobs.ctx = &f;
            ix->knobs.writer = hook_writer;
            assert_int_equal(ix_make_rc(ix, false), EYE_EIO);
            assert_true(f.begun);
            assert_int_equal(ix_files(ix), 1);
            if (w == 0)
                ix_check(ix);
        }
    }
    ix->knobs.writer = NULL;
    finished(ix);
    ix_free(ix);
}

static void test_a_limit_on_files(void **state)
{
    struct ix *ix = ix_new(state);
    struct rlimit old, small;
    prepare(ix);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 200 << 10;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = ix_make_rc(ix, false);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, EYE_EIO);
    assert_int_equal(ix_files(ix), 1);
    finished(ix);
    ix_free(ix);
}

/* The real thing: the folder of the index lies on a file system of 256 KiB. */
static int make_on_small_disk(struct ix *ix, struct failing *f)
{
    char path[400];
    struct eye_err err = {0};
    struct eng_making how = {0};
    snprintf(path, sizeof path, "%s/index", ix->fx->library);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", path, "tmpfs", 0, "size=256k"))
        kill(getpid(), SIGKILL); /* this machine does not let us */
    eye_options o = fx_options(ix->fx);
    eye_lib *lib = eye_open(&o, &err);
    struct store *s = lib ? eng_store_get(lib, &err) : NULL;
    if (!s)
        return 2;
    lib->knobs = &ix->knobs;
    f->begun = true;
    if (eng_make(lib, s, ix->model, &ix->spec, &how, &err) != EYE_EIO || ix_files(ix) != 0)
        return 3;
    return strstr(err.msg, "space") || strstr(err.msg, "full") ? 0 : 4;
}

static void test_a_full_disk(void **state)
{
    struct ix *ix = ix_new(state);
    struct failing f = {0};
    prepare(ix);
    ix_detach(ix);
    eye_close(ix->fx->lib);
    bool killed = in_child(ix, make_on_small_disk, &f);
    fx_open(ix->fx);
    ix_attach(ix);
    finished(ix);
    ix_free(ix);
    if (killed)
        skip();
}

/* ---- stopping ---- */

static int stop_after(void *ctx)
{
    int *left = ctx;
    return (*left)-- <= 0;
}

static void test_it_can_be_stopped(void **state)
{
    struct ix *ix = ix_new(state);
    prepare(ix);
    int rc = EYE_ECANCELLED;
    for (int after = 0; rc == EYE_ECANCELLED; after++) {
        int left = after;
        struct eng_making how = {.stop = stop_after, .ctx = &left};
        rc = eng_make(ix->fx->lib, ix->s, ix->model, &ix->spec, &how, &ix->fx->err);
        ix_check(ix);
    }
    assert_int_equal(rc, 0);
    finished(ix);
    ix_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_library_has_none),
        cmocka_unit_test(test_segments_are_made_and_merged),
        cmocka_unit_test(test_dead_rows_are_compacted),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_a_log_without_segments_is_forgotten),
        cmocka_unit_test(test_litter_goes),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_the_second_of_two_changes_nothing),
        cmocka_unit_test(test_a_reader_makes_nothing),
        cmocka_unit_test(test_kill_9_at_each_step),
        cmocka_unit_test(test_each_failing_step),
        cmocka_unit_test(test_each_failing_write),
        cmocka_unit_test(test_a_limit_on_files),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_it_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
