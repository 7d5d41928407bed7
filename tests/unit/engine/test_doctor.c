/* test_doctor.c - each check speaks, and what is wrong is called wrong. */
#include "engine/fixture.h"

static void on_check(void *ctx, eye_check_state state, const char *name, const char *text)
{
    char *all = ctx;
    size_t n = strlen(all);
    assert_true(strlen(text) > 0);
    snprintf(all + n, 8192 - n, "%d %s: %s\n", (int)state, name, text);
}

static void test_a_healthy_library(void **state)
{
    struct fx *fx = fx_new(state);
    char all[8192] = "";
    eye_options o = fx_options(fx);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    FX_OK(fx, eye_doctor(&o, on_check, all, &fx->err));
    assert_non_null(strstr(all, "0 decoder: "));
    assert_non_null(strstr(all, "0 database: 1 pictures"));
    assert_non_null(strstr(all, "0 folder: "));
    assert_non_null(strstr(all, "0 model: starter"));
    assert_non_null(strstr(all, "1 calibration: ")); /* the recipe brings none */
    assert_null(strstr(all, "\n2 "));
    fx_free(fx);
}

static void test_what_is_wrong(void **state)
{
    struct fx *fx = fx_new(state);
    char all[8192] = "";
    eye_options o = fx_options(fx);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    fx_rm(fx->photos);
    o.model = "nosuch";
    FX_OK(fx, eye_doctor(&o, on_check, all, &fx->err));
    assert_non_null(strstr(all, "2 model: no model 'nosuch'"));
    assert_non_null(strstr(all, "is offline"));
    all[0] = '\0';
    o = fx_options(fx);
    o.library = "/nonexistent/library";
    FX_OK(fx, eye_doctor(&o, on_check, all, &fx->err));
    assert_non_null(strstr(all, "1 library: "));
    assert_non_null(strstr(all, "0 model: starter"));
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_healthy_library),
        cmocka_unit_test(test_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
