/* test_library.c - roots, verify and remove. */
#include "engine/fixture.h"

#include <fcntl.h>

static void on_finding(void *ctx, const char *finding)
{
    char *all = ctx;
    size_t n = strlen(all);
    snprintf(all + n, 4096 - n, "%s\n", finding);
}

static void test_deep_verify(void **state)
{
    struct fx *fx = fx_new(state);
    char text[4096] = "", path[600];
    uint64_t n = 0;
    struct stat st;
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_picture(fx, "c.bmp", 3);
    fx_picture(fx, "d.bmp", 4);
    fx_index(fx, "");
    FX_OK(fx, eye_verify(fx->lib, true, on_finding, text, &n, &fx->err));
    assert_int_equal(n, 0);
    fx_path(fx, "a.bmp", path); /* bit rot: same size and time */
    assert_int_equal(stat(path, &st), 0);
    fx_picture(fx, "a.bmp", 11);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    fx_picture(fx, "b.bmp", 12);
    fx_unlink(fx, "c.bmp");
    FX_OK(fx, eye_verify(fx->lib, false, on_finding, text, &n, &fx->err));
    assert_int_equal(n, 0); /* shallow: the database itself is fine */
    FX_OK(fx, eye_verify(fx->lib, true, on_finding, text, &n, &fx->err));
    assert_int_equal(n, 3);
    assert_non_null(strstr(text, "a.bmp: its bytes changed while size and time stayed"));
    assert_non_null(strstr(text, "b.bmp: it has changed since"));
    assert_non_null(strstr(text, "c.bmp: the file is gone"));
    assert_null(strstr(text, "d.bmp"));
    fx_free(fx);
}

/* An original that no row names is in no backup. */
static void test_uploads_without_a_row(void **state)
{
    struct fx *fx = fx_new(state);
    char text[4096] = "", path[600];
    uint64_t n = 99;
    int64_t root = 0, job = 0, seq;
    snprintf(path, sizeof path, "%s/uploads/known.bmp", fx->library);
    fx_picture(fx, path, 1);
    snprintf(path, sizeof path, "%s/uploads", fx->library);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_root_uploads(s, path, &root, &fx->err));
    fx_index(fx, path);
    FX_OK(fx, eye_verify(fx->lib, true, on_finding, text, &n, &fx->err));
    assert_int_equal(n, 0);
    snprintf(path, sizeof path, "%s/uploads/sub/lost.bmp", fx->library);
    fx_picture(fx, path, 2);
    snprintf(path, sizeof path, "%s/uploads/sub/coming.bmp", fx->library);
    fx_picture(fx, path, 3);
    struct store_item item = {.name = (char[]){"coming.bmp"},
                              .size = 5,
                              .place = (char[]){"sub/coming.bmp"},
                              .reason = (char[]){""}};
    FX_OK(fx, store_job_new(s, 1, 0, "upload", &job, &fx->err));
    item.job = job;
    FX_OK(fx, store_item_add(s, &item, -1, &seq, &fx->err));
    FX_OK(fx, store_item_place(s, job, seq, item.place, &fx->err));
    FX_OK(fx, eye_verify(fx->lib, false, on_finding, text, &n, &fx->err));
    assert_int_equal(n, 0);
    FX_OK(fx, eye_verify(fx->lib, true, on_finding, text, &n, &fx->err));
    assert_int_equal(n, 1);
    assert_non_null(strstr(text, "uploads/sub/lost.bmp: lies in the uploads, but"));
    eng_store_put(fx->lib, s);
    fx_free(fx);
}

static uint64_t removed(struct fx *fx, const char *name)
{
    char path[600];
    uint64_t n = 99;
    const char *paths[] = {path};
    fx_path(fx, name, path);
    FX_OK(fx, eye_remove(fx->lib, paths, 1, NULL, 0, &n, &fx->err));
    return n;
}

static void test_remove(void **state)
{
    struct fx *fx = fx_new(state);
    uint64_t n = 99;
    char path[600];
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "copy.bmp", 1);
    fx_picture(fx, "x/b.bmp", 2);
    fx_picture(fx, "x/c.bmp", 3);
    fx_picture(fx, "xy.bmp", 4);
    fx_write(fx, "x/bad.png", "no", 2);
    fx_index(fx, "");
    assert_int_equal(removed(fx, "a.bmp"), 1); /* the copy still shows the picture */
    assert_int_equal(fx_status(fx).pictures, 4);
    assert_int_equal(removed(fx, "x"), 2); /* not xy.bmp */
    assert_int_equal(fx_status(fx).failures, 0);
    assert_int_equal(fx_status(fx).files, 2);
    int64_t id = fx_best(fx, "copy.bmp", NULL);
    FX_OK(fx, eye_remove(fx->lib, NULL, 0, &id, 1, &n, &fx->err));
    assert_int_equal(n, 1);
    assert_int_equal(eye_remove(fx->lib, NULL, 0, &id, 1, &n, &fx->err), EYE_ENOTFOUND);
    fx_path(fx, "x", path);
    const char *paths[] = {path};
    assert_int_equal(eye_remove(fx->lib, paths, 1, NULL, 0, &n, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(n, 0);
    fx_path(fx, "copy.bmp", path);
    assert_int_equal(access(path, R_OK), 0); /* files are never touched */
    fx_index(fx, "");                        /* and come back when asked for */
    assert_int_equal(fx_status(fx).files, 5);
    assert_int_equal(removed(fx, "/"), 5); /* all roots below */
    assert_int_equal(fx_status(fx).roots, 0);
    assert_int_equal(fx_status(fx).pictures, 0);
    fx_verify_clean(fx);
    fx_free(fx);
}

/* All or nothing: the second path is not known, so the first stays. */
static void test_remove_is_one_transaction(void **state)
{
    struct fx *fx = fx_new(state);
    char a[600], b[600];
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    fx_path(fx, "a.bmp", a);
    fx_path(fx, "nosuch.bmp", b);
    const char *paths[] = {a, b};
    assert_int_equal(eye_remove(fx->lib, paths, 2, NULL, 0, NULL, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(fx_status(fx).files, 1);
    fx_free(fx);
}

static void test_remove_of_what_is_gone(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "x/a.bmp", 1);
    fx_index(fx, "");
    fx_rm(fx->photos);
    assert_int_equal(removed(fx, "x/a.bmp"), 1);
    fx_picture(fx, "x/a.bmp", 1);
    fx_index(fx, "");
    fx_rm(fx->photos);
    assert_int_equal(removed(fx, ""), 1);
    assert_int_equal(fx_status(fx).roots, 0);
    fx_free(fx);
}

static int on_root(void *ctx, const eye_root *root)
{
    struct fx *fx = ctx;
    assert_string_equal(root->path, fx->photos);
    assert_int_equal(root->files, 1);
    assert_int_equal(root->failures, 1);
    assert_false(root->offline);
    return 42;
}

static int on_failure(void *ctx, const eye_failure *f)
{
    char want[600];
    fx_path(ctx, "bad.png", want);
    assert_string_equal(f->path, want);
    return 43;
}

static void test_roots_and_callbacks_that_stop(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_write(fx, "bad.png", "no", 2);
    fx_index(fx, "");
    assert_int_equal(eye_roots(fx->lib, on_root, fx, &fx->err), 42);
    assert_int_equal(eye_failures(fx->lib, on_failure, fx, &fx->err), 43);
    eye_status st = fx_status(fx);
    assert_string_equal(st.library, fx->library);
    assert_true(st.bytes > 0);
    assert_string_equal(eye_version(), EYESHINE_VERSION);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deep_verify),
        cmocka_unit_test(test_uploads_without_a_row),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_remove_is_one_transaction),
        cmocka_unit_test(test_remove_of_what_is_gone),
        cmocka_unit_test(test_roots_and_callbacks_that_stop),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
