/* test_use.c - another model and back: nothing lost, nothing embedded twice, offline pictures not forgotten. */
#include "engine/fixture.h"

struct told {
    uint64_t done, total, calls, stop_at;
};

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct told *t = ctx;
    t->done = done;
    t->total = total;
    t->calls++;
    return t->stop_at && t->calls >= t->stop_at;
}

static void fill(struct fx *fx, int n)
{
    char name[32];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i);
    }
    fx_index(fx, "");
}

static void test_there_and_back(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t = {0};
    float score = 0;
    fill(fx, 5);
    int64_t id = fx_best(fx, "p003.bmp", NULL);
    FX_OK(fx, eye_model_use(fx->lib, "second", on_progress, &t, &fx->err));
    assert_int_equal(t.done, 5);
    assert_int_equal(t.total, 5);
    eye_status st = fx_status(fx);
    assert_string_equal(st.model, "second");
    assert_int_equal(st.dim, 72);
    assert_int_equal(st.embedded, 5);
    assert_int_equal(fx_best(fx, "p003.bmp", &score), id);
    assert_true(score > 0.999f);
    fx_reopen(fx); /* the choice is the library's */
    assert_string_equal(fx_status(fx).model, "second");
    fx_picture(fx, "new.bmp", 77);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 5, 0, 0);
    t = (struct told){0};
    FX_OK(fx, eye_model_use(fx->lib, "starter", on_progress, &t, &fx->err));
    assert_int_equal(t.total, 1); /* only the one that came meanwhile */
    assert_int_equal(fx_status(fx).embedded, 6);
    t = (struct told){0};
    FX_OK(fx, eye_model_use(fx->lib, "second", on_progress, &t, &fx->err));
    assert_int_equal(t.total, 0);
    fx_verify_clean(fx);
    fx_free(fx);
}

static int remove_on_first(void *ctx, uint64_t done, uint64_t total)
{
    struct fx *fx = ctx;
    char path[600];
    const char *paths[] = {path};
    (void)done, (void)total;
    fx_path(fx, "p001.bmp", path);
    eye_remove(fx->lib, paths, 1, NULL, 0, NULL, NULL); /* later calls find nothing */
    return 0;
}

/* A picture that is forgotten while it is embedded costs nobody else anything. */
static void test_remove_meanwhile(void **state)
{
    struct fx *fx = fx_new(state);
    fill(fx, 3); /* one batch, written after the first call of progress */
    FX_OK(fx, eye_model_use(fx->lib, "second", remove_on_first, fx, &fx->err));
    assert_string_equal(fx_status(fx).model, "second");
    assert_int_equal(fx_status(fx).embedded, 2);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_stop_and_go_on(void **state)
{
    struct fx *fx = fx_new(state);
    struct told t = {.stop_at = 2};
    fill(fx, 400);
    assert_int_equal(eye_model_use(fx->lib, "second", on_progress, &t, &fx->err), EYE_ECANCELLED);
    assert_string_equal(fx_status(fx).model, "starter"); /* not switched */
    assert_int_equal(fx_status(fx).embedded, 400);
    t = (struct told){0};
    FX_OK(fx, eye_model_use(fx->lib, "second", on_progress, &t, &fx->err));
    assert_true(t.total < 400); /* what was done is kept: it goes on, or had only the switch left */
    assert_int_equal(fx_status(fx).embedded, 400);
    fx_free(fx);
}

static void test_offline_pictures_block_the_switch(void **state)
{
    struct fx *fx = fx_new(state);
    char away[400];
    fill(fx, 3);
    snprintf(away, sizeof away, "%s.away", fx->photos);
    assert_int_equal(rename(fx->photos, away), 0);
    assert_int_equal(eye_model_use(fx->lib, "second", NULL, NULL, &fx->err), EYE_EBUSY);
    assert_non_null(strstr(fx->err.msg, "3 pictures"));
    assert_string_equal(fx_status(fx).model, "starter");
    assert_int_equal(rename(away, fx->photos), 0);
    fx_write(fx, "p001.bmp", "BM broken", 9); /* one broken file does not */
    fx_unlink(fx, "p002.bmp");
    FX_OK(fx, eye_model_use(fx->lib, "second", NULL, NULL, &fx->err));
    assert_int_equal(fx_status(fx).embedded, 1);
    assert_non_null(strstr(fx->log, "changed since"));
    fx_picture(fx, "p002.bmp", 2); /* as before, so its picture is known but has no vector */
    fx_index(fx, "");
    assert_int_equal(fx_outcome(fx, "p002.bmp"), EYE_FILE_INDEXED);
    assert_int_equal(fx_status(fx).embedded, 2);
    fx_verify_clean(fx);
    fx_free(fx);
}

/* So do those on a disk inside of a root that is not mounted just now. */
static void test_unmounted_pictures_block_the_switch(void **state)
{
    struct fx *fx = fx_new(state);
    struct store_root *roots;
    size_t n;
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "usb/b.bmp", 2);
    fx_index(fx, "");
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_roots(s, &roots, &n, &fx->err));
    FX_OK(fx, store_mount_set(s, roots[0].id, "usb", true, &fx->err));
    store_roots_free(roots, n);
    eng_store_put(fx->lib, s);
    fx_unlink(fx, "usb/b.bmp"); /* the bare mount point is left */
    assert_int_equal(eye_model_use(fx->lib, "second", NULL, NULL, &fx->err), EYE_EBUSY);
    assert_non_null(strstr(fx->err.msg, "1 pictures"));
    assert_string_equal(fx_status(fx).model, "starter");
    fx_picture(fx, "usb/b.bmp", 2);
    FX_OK(fx, eye_model_use(fx->lib, "second", NULL, NULL, &fx->err));
    assert_int_equal(fx_status(fx).embedded, 2);
    fx_free(fx);
}

static void test_other_weights_under_the_same_name(void **state)
{
    struct fx *fx = fx_new(state);
    char dir[400], models[350];
    eye_query q = EYE_QUERY_INIT;
    eye_search_options so = {.limit = 1, .min_score = -2};
    eye_results *r;
    fill(fx, 2);
    /* the user's own folder comes before the program's: another `starter` */
    snprintf(models, sizeof models, "%s/models", fx->dir);
    snprintf(dir, sizeof dir, "%s/starter", models);
    fx_make_second(dir);
    eye_close(fx->lib);
    eye_options o = fx_options(fx);
    o.models_dir = models;
    fx->lib = eye_open(&o, &fx->err);
    q.words = "a";
    assert_int_equal(eye_search(fx->lib, &q, 1, &so, &r, &fx->err), EYE_EFORMAT);
    assert_non_null(strstr(fx->err.msg, "model use starter"));
    eye_status st = fx_status(fx); /* still tells what there is */
    assert_int_equal(st.pictures, 2);
    FX_OK(fx, eye_model_use(fx->lib, "starter", NULL, NULL, &fx->err));
    assert_int_equal(fx_status(fx).embedded, 2);
    assert_int_equal(fx_status(fx).dim, 72);
    fx_free(fx);
}

static void test_model_by_option(void **state)
{
    struct fx *fx = fx_new(state);
    char folder[600];
    fill(fx, 3);
    eye_close(fx->lib);
    snprintf(folder, sizeof folder, "%s/models/second", fx->share);
    eye_options o = fx_options(fx);
    o.model = folder;
    fx->lib = eye_open(&o, &fx->err);
    assert_int_equal(fx_status(fx).embedded, 0);
    fx_index(fx, ""); /* known pictures get this model's vectors too */
    FX_COUNTS(fx, 3, 0, 0, 0, 0, 0);
    assert_int_equal(fx_status(fx).embedded, 3);
    fx_reopen(fx);
    assert_string_equal(fx_status(fx).model, "starter"); /* an option is no choice */
    assert_int_equal(fx_status(fx).embedded, 3);
    assert_int_equal(eye_model_use(fx->lib, "nosuch", NULL, NULL, &fx->err), EYE_ENOTFOUND);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_remove_meanwhile),
        cmocka_unit_test(test_stop_and_go_on),
        cmocka_unit_test(test_offline_pictures_block_the_switch),
        cmocka_unit_test(test_unmounted_pictures_block_the_switch),
        cmocka_unit_test(test_other_weights_under_the_same_name),
        cmocka_unit_test(test_model_by_option),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
