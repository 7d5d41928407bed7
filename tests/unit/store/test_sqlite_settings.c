/* Settings and models. */
#include "fixture.h"

static void settings_are_set_changed_and_unset(void **state)
{
    struct lib *l = *state;
    char *value = (char *)1;
    OK(l, store_setting(l->s, "model", &value, &l->err));
    assert_null(value);
    OK(l, store_setting_set(l->s, "model", "starter", &l->err));
    OK(l, store_setting_set(l->s, "model", "it's \"other\" \xc3\xa9", &l->err));
    OK(l, store_setting_set(l->s, "empty", "", &l->err));
    OK(l, store_setting(l->s, "model", &value, &l->err));
    assert_string_equal(value, "it's \"other\" \xc3\xa9");
    free(value);
    OK(l, store_setting(l->s, "empty", &value, &l->err));
    assert_string_equal(value, "");
    free(value);
    OK(l, store_setting_set(l->s, "model", NULL, &l->err));
    OK(l, store_setting_set(l->s, "model", NULL, &l->err));
    OK(l, store_setting(l->s, "model", &value, &l->err));
    assert_null(value);
}

static void a_fingerprint_is_a_model(void **state)
{
    struct lib *l = *state;
    struct hash h = hash_of("new");
    int64_t model = -1, again = -1;
    assert_int_equal(store_model(l->s, &h, "new", 512, false, &model, &l->err), EYE_ENOTFOUND);
    OK(l, store_model(l->s, &h, "new", 512, true, &model, &l->err));
    assert_true(model > 0 && model != l->model);
    OK(l, store_model(l->s, &h, "new", 512, true, &again, &l->err));
    assert_int_equal(again, model);
    OK(l, store_model(l->s, &h, "renamed", 512, true, &again, &l->err));
    assert_int_equal(again, model);
    OK(l, store_model(l->s, &h, "whatever", 512, false, &again, &l->err));
    assert_int_equal(again, model);
    assert_int_equal(store_model(l->s, &h, "new", 256, true, &again, &l->err), EYE_EINVAL);
    assert_clean(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(settings_are_set_changed_and_unset),
        T(a_fingerprint_is_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
