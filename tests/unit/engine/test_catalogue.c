/* test_catalogue.c - where models are found, in which order, and taking one in. */
#include "engine/fixture.h"

struct seen {
    char names[64][200];
    size_t n, in_use, installed, with_command;
    char used[200];
};

static int on_model(void *ctx, const eye_model *m)
{
    struct seen *s = ctx;
    assert_true(s->n < 64);
    snprintf(s->names[s->n++], 200, "%s", m->name);
    assert_true((m->folder == NULL) == (m->install != NULL));              /* one or the other */
    assert_true(m->folder || s->installed == s->n - 1 || s->with_command); /* installed first */
    s->installed += m->folder != NULL;
    s->with_command += m->install != NULL;
    if (m->in_use) {
        s->in_use++;
        snprintf(s->used, sizeof s->used, "%s", m->name);
        assert_true(m->supported);
        assert_non_null(m->image_arch);
        assert_true(m->dim > 0 && m->bytes > 0 && m->parameters > 0);
    }
    return 0;
}

static bool has(const struct seen *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->names[i], name))
            return true;
    return false;
}

static void test_list(void **state)
{
    struct fx *fx = fx_new(state);
    struct seen s = {.n = 0};
    eye_options o = fx_options(fx);
    FX_OK(fx, eye_models(fx->lib, NULL, on_model, &s, &fx->err));
    assert_int_equal(s.installed, 2);
    assert_true(s.with_command > 3);
    assert_int_equal(s.in_use, 1);
    assert_string_equal(s.used, "starter");
    FX_OK(fx, eye_model_use(fx->lib, "second", NULL, NULL, &fx->err));
    s = (struct seen){.n = 0}; /* without a handle, by the options alone */
    FX_OK(fx, eye_models(NULL, &o, on_model, &s, &fx->err));
    assert_string_equal(s.used, "second");
    o.library = NULL;
    s = (struct seen){.n = 0};
    FX_OK(fx, eye_models(NULL, &o, on_model, &s, &fx->err));
    assert_string_equal(s.used, "starter");
    fx_free(fx);
}

static void test_info(void **state)
{
    struct fx *fx = fx_new(state);
    struct seen s = {.n = 0};
    size_t n;
    char folder[600];
    const struct clip_catalogue_entry *all = clip_catalogue(&n);
    assert_true(n > 0);
    FX_OK(fx, eye_model_info(fx->lib, NULL, "second", on_model, &s, &fx->err));
    FX_OK(fx, eye_model_info(fx->lib, NULL, all[0].name, on_model, &s, &fx->err));
    assert_int_equal(s.n, 2);
    assert_int_equal(s.with_command, 1);
    s = (struct seen){.n = 0};
    snprintf(folder, sizeof folder, "%s/models/second", fx->share);
    FX_OK(fx, eye_model_info(fx->lib, NULL, folder, on_model, &s, &fx->err));
    assert_int_equal(s.n, 1);
    assert_int_equal(eye_model_info(fx->lib, NULL, "nosuch", on_model, &s, &fx->err),
                     EYE_ENOTFOUND);
    fx_free(fx);
}

static void on_file(void *ctx, const char *file, bool ok, const char *note)
{
    int *bad = ctx;
    (void)file, (void)note;
    *bad += !ok;
}

static void test_import_use_verify(void **state)
{
    struct fx *fx = fx_new(state);
    struct seen s = {.n = 0};
    char from[600], models[400], path[800];
    int bad = 0;
    snprintf(from, sizeof from, "%s/models/second", fx->share);
    snprintf(models, sizeof models, "%s/mine", fx->dir);
    eye_options o = fx_options(fx);
    o.models_dir = models;
    FX_OK(fx, eye_model_import(&o, from, "ViT-X/tiny_s1b", &fx->err));
    assert_int_equal(eye_model_import(&o, from, "ViT-X/tiny_s1b", &fx->err), EYE_EEXIST);
    assert_int_equal(eye_model_import(&o, from, "../evil", &fx->err), EYE_EINVAL);
    assert_int_equal(eye_model_import(&o, "/nonexistent", NULL, &fx->err), EYE_ENOTFOUND);
    FX_OK(fx, eye_model_import(&o, from, NULL, &fx->err)); /* as `second`: hides the program's */
    FX_OK(fx, eye_models(NULL, &o, on_model, &s, &fx->err));
    assert_int_equal(s.installed, 3);
    assert_true(has(&s, "ViT-X/tiny_s1b"));
    eye_close(fx->lib);
    fx->lib = eye_open(&o, &fx->err);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    FX_OK(fx, eye_model_use(fx->lib, "ViT-X/tiny_s1b", NULL, NULL, &fx->err));
    assert_string_equal(fx_status(fx).model, "ViT-X/tiny_s1b");
    FX_OK(fx, eye_model_verify(&o, "ViT-X/tiny_s1b", on_file, &bad, &fx->err));
    assert_int_equal(bad, 0);
    snprintf(path, sizeof path, "%s/ViT-X/tiny_s1b/model.safetensors", models);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(eye_model_verify(&o, "ViT-X/tiny_s1b", on_file, &bad, &fx->err), EYE_EFORMAT);
    assert_true(bad > 0);
    fx_free(fx);
}

static void test_names_that_are_refused(void **state)
{
    static const char *const bad[] = {"",       "/abs",    "a/",  "a//b", "../x",
                                      "a/../b", ".hidden", "a b", "a\nb"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(eng_model_name_check(bad[i], NULL), EYE_EINVAL);
    assert_int_equal(eng_model_name_check("ViT-B-32/laion2b_s34b_b79k", NULL), 0);
}

static void test_share_by_environment(void **state)
{
    struct eng_places p;
    eye_options o = {.library = "x"};
    (void)state;
    setenv("EYESHINE_SHARE", "/some/share", 1);
    setenv("XDG_DATA_HOME", "/some/data", 1);
    assert_int_equal(eng_places_init(&p, &o, NULL), 0);
    assert_string_equal(p.share_dir, "/some/share");
    assert_string_equal(p.models_dir, "/some/data/eyeshine/models");
    eng_places_release(&p);
    o.share_dir = "/given";
    o.models_dir = "/mine";
    assert_int_equal(eng_places_init(&p, &o, NULL), 0);
    assert_string_equal(p.share_dir, "/given");
    assert_string_equal(p.models_dir, "/mine");
    eng_places_release(&p);
    unsetenv("EYESHINE_SHARE");
    unsetenv("XDG_DATA_HOME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_import_use_verify),
        cmocka_unit_test(test_names_that_are_refused),
        cmocka_unit_test(test_share_by_environment),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
