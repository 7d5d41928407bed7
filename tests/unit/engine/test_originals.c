/* test_originals.c - files of the library in a bucket: which, how they are opened, what is refused, who waits. */
#include "engine/originals_fixture.h"

static void test_places(void **state)
{
    struct fx *fx = fx_new(state);
    static const char *const bad[] = {"s3://", "s3://b/../c", "http://host/x", "gs://b",
                                      "s3://b//c"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eye_options o = fx_options(fx);
        o.originals = bad[i];
        assert_null(eye_open(&o, &fx->err));
        assert_int_equal(fx->err.code, EYE_EINVAL);
    }
    og_open(fx, "s3://bkt/some/prefix/");
    assert_string_equal(eng_originals_place(fx->lib), "s3://bkt/some/prefix");
    assert_false(eng_originals_in_folder(fx->lib));
    og_open(fx, "s3://bkt");
    assert_string_equal(eng_originals_place(fx->lib), "s3://bkt");
    og_open(fx, fx->photos);
    assert_true(eng_originals_in_folder(fx->lib));
    og_open(fx, NULL);
    assert_null(eng_originals_place(fx->lib));
    fx_free(fx);
}

static void check_given(struct fx *fx, const char *path, const char *wanted,
                        enum eng_path_kind kind)
{
    enum eng_path_kind got = ENG_PATH_MISSING;
    memset(&fx->err, 0, sizeof fx->err);
    char *out = eng_path_given(fx->lib, path, true, &got, &fx->err);
    if (!wanted) {
        if (out || fx->err.code != EYE_EINVAL)
            fail_msg("%s: taken for %s", path, out);
        return;
    }
    if (!out)
        fail_msg("%s: %s", path, fx->err.msg);
    assert_string_equal(out, wanted);
    assert_int_equal(got, kind);
    free(out);
}

static void test_what_a_user_names(void **state)
{
    struct fx *fx = fx_new(state);
    og_put(fx, "p%2Fa%2Fb.bmp", 1);
    og_open(fx, "s3://bkt/p");
    check_given(fx, "a", "s3://bkt/p/a", ENG_PATH_DIR);
    check_given(fx, "./a/", "s3://bkt/p/a", ENG_PATH_DIR);
    check_given(fx, ".", "s3://bkt/p", ENG_PATH_DIR);
    check_given(fx, "a/b.bmp", "s3://bkt/p/a/b.bmp", ENG_PATH_FILE);
    check_given(fx, "s3://bkt/p/a/b.bmp", "s3://bkt/p/a/b.bmp", ENG_PATH_FILE);
    check_given(fx, "s3://bkt/p/", "s3://bkt/p", ENG_PATH_DIR);
    check_given(fx, "nowhere", "s3://bkt/p/nowhere", ENG_PATH_MISSING);
    check_given(fx, "%2e%2e", "s3://bkt/p/%2e%2e", ENG_PATH_MISSING);
    static const char *const bad[] = {
        "..",          "../q",         "a/../../q",       "a//b", "s3://bkt", "s3://bkt/q",
        "s3://bkt/pq", "s3://other/p", "s3://bkt/p/../q", "a/..", ".//q"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_given(fx, bad[i], NULL, ENG_PATH_DIR);
    og_open(fx, NULL);
    check_given(fx, "s3://bkt/p", NULL, ENG_PATH_DIR);
    og_delete("p/a/b.bmp");
    fx_free(fx);
}

static void test_an_object_is_a_file(void **state)
{
    struct fx *fx = fx_new(state);
    struct stat st, again;
    uint8_t head[2];
    og_put(fx, "p%2Fx.bmp", 7);
    og_open(fx, "s3://bkt/p");
    for (int large = 0; large < 2; large++) { /* in memory, in the spool */
        int fd = eng_open_path(fx->lib, "s3://bkt/p/x.bmp", large ? 1 << 30 : 10, &st, &fx->err);
        if (fd < 0)
            fail_msg("%s", fx->err.msg);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(st.st_size, 54 + FX_SIDE * FX_SIDE * 3);
        assert_int_equal(pread(fd, head, 2, 0), 2);
        assert_memory_equal(head, "BM", 2);
        FX_OK(fx, eng_object_stat(fx->lib, "s3://bkt/p/x.bmp", &again, &fx->err));
        assert_int_equal(eng_mtime_ns(&st), eng_mtime_ns(&again));
        close(fd);
    }
    static const char *const bad[] = {"s3://bkt/p/../x",   "s3://bkt/other",
                                      "s3://bkt/p",        "s3://bkt2/p/x.bmp",
                                      "s3://bkt/p//x.bmp", "s3://bkt/p/./x.bmp"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(eng_open_path(fx->lib, bad[i], 1, &st, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(eng_open_path(fx->lib, "s3://bkt/p/none.bmp", 1, &st, &fx->err),
                     EYE_ENOTFOUND);
    fx->lib->limits.max_bytes = 100;
    assert_int_equal(eng_open_path(fx->lib, "s3://bkt/p/x.bmp", 1, &st, &fx->err), EYE_ELIMIT);
    og_delete("p/x.bmp");
    fx_free(fx);
}

/* "originals:/x" is a path that leads nowhere, not one below the folder that we are in. */
static void test_nobody_told(void **state)
{
    struct fx *fx = fx_new(state);
    struct stat st;
    struct store_root root = {.path = (char *)(uintptr_t) "originals:/x", .files = 1};
    assert_true(eng_root_is_offline(fx->lib, &root));
    assert_false(eng_path_there("originals:/x", true));
    assert_int_equal(eng_open_path(fx->lib, "originals:/x", 1, &st, &fx->err), EYE_EREMOTE);
    assert_false(eng_path_is_mount("originals:/x"));
    assert_false(eng_path_is_empty("originals:/x"));
    fx_free(fx);
}

static void test_is_it_there(void **state)
{
    struct fx *fx = fx_new(state);
    struct eye_err why = {0};
    eye_originals o;
    og_put(fx, "p%2Fx.bmp", 7);
    og_open(fx, "s3://bkt/p");
    assert_int_equal(eng_root_ask(fx->lib, "s3://bkt/p", &why), ENG_THERE);
    assert_int_equal(eng_root_ask(fx->lib, "s3://bkt/p/x", &why), ENG_NOTHING);
    FX_OK(fx, eye_originals_get(fx->lib, &o, &fx->err));
    assert_true(o.reachable);
    assert_string_equal(o.trouble, "");
    fake_tell(&fake, "bucket=gone", NULL, 0);
    assert_int_equal(eng_root_ask(fx->lib, "s3://bkt/p", &why), ENG_AWAY);
    assert_non_null(strstr(why.msg, "no such bucket"));
    og_open(fx, "s3://bkt/p"); /* else it is remembered for a moment */
    FX_OK(fx, eye_originals_get(fx->lib, &o, &fx->err));
    assert_false(o.reachable);
    assert_non_null(strstr(o.trouble, "no such bucket"));
    assert_string_equal(o.place, "s3://bkt/p");
    fake_tell(&fake, "bucket=back", NULL, 0);
    assert_int_equal(eng_root_look(fx->lib, "s3://bkt/p", &why), ENG_AWAY);
    assert_int_equal(eng_root_ask(fx->lib, "s3://bkt/p", &why), ENG_THERE);
    og_delete("p/x.bmp");
    fx_free(fx);
}

static void *end_trouble(void *arg)
{
    (void)arg;
    usleep(300000);
    fake_tell(&fake, "fault=500&times=0", NULL, 0);
    return NULL;
}

static void test_patience(void **state)
{
    struct fx *fx = fx_new(state);
    struct stat st;
    atomic_bool stop = false;
    pthread_t t;
    og_put(fx, "p%2Fx.bmp", 7);
    setenv("EYESHINE_ORIGINALS_PATIENCE", "20", 1);
    og_open(fx, "s3://bkt/p");
    setenv("EYESHINE_ORIGINALS_PATIENCE", "0", 1);
    fake_tell(&fake, "fault=500&times=1000", NULL, 0);
    assert_int_equal(pthread_create(&t, NULL, end_trouble, NULL), 0);
    int fd = eng_open_patiently(fx->lib, "s3://bkt/p/x.bmp", 1, &stop, &st, &fx->err);
    pthread_join(t, NULL);
    if (fd < 0)
        fail_msg("%s", fx->err.msg);
    close(fd);
    assert_non_null(strstr(fx->log, "waiting for it"));
    fake_tell(&fake, "fault=500&times=1000", NULL, 0);
    atomic_store(&stop, true); /* who is stopped does not wait */
    double begun = eng_now();
    assert_int_equal(eng_open_patiently(fx->lib, "s3://bkt/p/x.bmp", 1, &stop, &st, &fx->err),
                     EYE_EREMOTE);
    assert_true(eng_now() - begun < 5);
    fake_tell(&fake, "fault=500&times=0", NULL, 0);
    og_delete("p/x.bmp");
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_what_a_user_names),
        cmocka_unit_test(test_an_object_is_a_file),
        cmocka_unit_test(test_nobody_told),
        cmocka_unit_test(test_is_it_there),
        cmocka_unit_test(test_patience),
    };
    return cmocka_run_group_tests(tests, og_setup, og_teardown);
}
