/* test_serve_keys.c - reading the keys that are given to `serve`. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cli/serve.h"

static void lines_and_commas_separate(void **state)
{
    (void)state;
    char text[] =
        "# of the cluster\n admin:admin:eye_a \r\n\nphone of: A:read:eye_b,,cam:write:eye_c";
    /* a blank ends an entry: names come without */
    char plain[] = "admin:admin:eye_a\nphone:of:A:read:eye_b,cam:write:eye_c\n";
    struct serve_key *keys = NULL;
    size_t n = 0;
    assert_int_equal(serve_keys_read(plain, &keys, &n), 0);
    assert_int_equal(n, 3);
    assert_string_equal(keys[0].name, "admin");
    assert_int_equal(keys[0].scope, EYE_SCOPE_ADMIN);
    assert_string_equal(keys[0].secret, "eye_a");
    assert_string_equal(keys[1].name, "phone:of:A");
    assert_int_equal(keys[1].scope, EYE_SCOPE_READ);
    assert_string_equal(keys[2].secret, "eye_c");
    assert_int_equal(keys[2].scope, EYE_SCOPE_WRITE);
    free(keys);
    assert_int_equal(serve_keys_read(text, &keys, &n), CLI_USAGE);
    assert_null(keys);
}

static void none_is_none(void **state)
{
    (void)state;
    char text[] = " \n#x\n,,\n";
    struct serve_key *keys = NULL;
    size_t n = 9;
    assert_int_equal(serve_keys_read(text, &keys, &n), 0);
    assert_int_equal(n, 0);
    free(keys);
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a",          ":",         "::",
                                      "a:read",     ":read:eye", "a:reed:eye_",
                                      "a:Read:eye", "a::eye_x",  "ok:read:eye_x\nadmin"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        struct serve_key *keys = NULL;
        size_t n = 0;
        snprintf(text, sizeof text, "%s", bad[i]);
        assert_int_equal(serve_keys_read(text, &keys, &n), CLI_USAGE);
        assert_null(keys);
    }
}

static void a_thousand_at_most(void **state)
{
    (void)state;
    for (size_t many = 1000; many <= 1001; many++) {
        char *text = calloc(many, 16);
        struct serve_key *keys = NULL;
        size_t n = 0;
        assert_non_null(text);
        for (size_t i = 0; i < many; i++)
            memcpy(text + strlen(text), "a:read:eye_x\n", 13);
        assert_int_equal(serve_keys_read(text, &keys, &n), many > 1000 ? CLI_USAGE : 0);
        free(keys);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_commas_separate),
        cmocka_unit_test(none_is_none),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(a_thousand_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
