/* test_err.c - messages are safe for a terminal, cut at a character, and keep their reason. */
#include "scratch.h"

#include <errno.h>

#include "base/err.h"
#include "base/json.h"

static void test_code_and_message(void **state)
{
    (void)state;
    struct eye_err e;
    assert_int_equal(eye_fail(&e, EYE_EFORMAT, "%s: bad in %d ways", "a.png", 2), EYE_EFORMAT);
    assert_int_equal(e.code, EYE_EFORMAT);
    assert_string_equal(e.msg, "a.png: bad in 2 ways");
    assert_int_equal(eye_fail(NULL, EYE_EIO, "nobody listens"), EYE_EIO);
}

static void test_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f"},
        {"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x90\x95", "caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x90\x95"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc0\xaf", "\\xc0\\xaf"},          /* overlong slash */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
        {"\xc2\x9b", "\\xc2\\x9b"},          /* C1: CSI in one character */
        {"\xe2\x80\xae"
         "gpj",
         "\\xe2\\x80\\xaegpj"}, /* right-to-left override */
        {"cut\xe6\xbc", "cut\\xe6\\xbc"},
        {"back\\slash", "back\\slash"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct eye_err e;
        eye_fail(&e, EYE_EIO, "%s", cases[i].in);
        assert_string_equal(e.msg, cases[i].out);
    }
}

/* Whatever the length, the message is whole characters, ends in "..." if cut, and fills the room. */
static void test_cut_at_character(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x90\x95", "\n"};
    static const size_t shown[] = {1, 2, 3, 4, 4};
    for (size_t u = 0; u < 5; u++)
        for (size_t pad = 0; pad < 5; pad++) {
            char text[6000] = "";
            struct eye_err e;
            size_t len = pad;
            memset(text, 'x', pad);
            for (int i = 0; i < 1200; i++, len += strlen(units[u]))
                memcpy(text + len, units[u], strlen(units[u]));
            text[len] = '\0';
            eye_fail(&e, EYE_EIO, "%s", text);
            size_t n = strlen(e.msg);
            assert_true(n < sizeof e.msg && n > sizeof e.msg - 8);
            assert_string_equal(e.msg + n - 3, "...");
            assert_true(utf8_valid(e.msg, n));
            assert_int_equal((n - 3 - pad) % shown[u], 0);
        }
}

static void test_exact_fit_is_not_cut(void **state)
{
    (void)state;
    char text[EYE_ERR_MSG_MAX + 1];
    struct eye_err e;
    memset(text, 'y', sizeof text);
    text[EYE_ERR_MSG_MAX - 1] = '\0';
    eye_fail(&e, EYE_EIO, "%s", text);
    assert_string_equal(e.msg, text);
    text[EYE_ERR_MSG_MAX - 1] = 'y';
    text[EYE_ERR_MSG_MAX] = '\0';
    eye_fail(&e, EYE_EIO, "%s", text);
    assert_int_equal(strlen(e.msg), EYE_ERR_MSG_MAX - 1);
    assert_string_equal(e.msg + EYE_ERR_MSG_MAX - 5, "y...");
}

static void test_errno_codes(void **state)
{
    (void)state;
    struct eye_err e;
    assert_int_equal(eye_fail_errno(&e, ENOENT, "%s: cannot open", "x"), EYE_ENOTFOUND);
    assert_string_equal(e.msg, "x: cannot open: No such file or directory");
    assert_int_equal(eye_fail_errno(&e, ENOTDIR, "x"), EYE_ENOTFOUND);
    assert_int_equal(eye_fail_errno(&e, ENOMEM, "x"), EYE_ENOMEM);
    assert_int_equal(eye_fail_errno(&e, EACCES, "x"), EYE_EIO);
    assert_int_equal(e.code, EYE_EIO);
    assert_int_equal(eye_fail_errno(NULL, EACCES, "x"), EYE_EIO);
}

static void test_errno_keeps_reason_of_long_path(void **state)
{
    (void)state;
    char path[5000];
    struct eye_err e;
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    eye_fail_errno(&e, ENOSPC, "%s", path);
    const char *end = "...: No space left on device";
    assert_true(strlen(e.msg) > strlen(end));
    assert_string_equal(e.msg + strlen(e.msg) - strlen(end), end);
}

static void test_prefix(void **state)
{
    (void)state;
    struct eye_err e;
    eye_fail(&e, EYE_ELIMIT, "too large\n");
    assert_int_equal(eye_fail_prefix(&e, "%s", "dir\x01/f"), EYE_ELIMIT);
    assert_string_equal(e.msg, "dir\\x01/f: too large\\x0a");
    char path[5000];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    eye_fail_prefix(&e, "%s", path);
    assert_non_null(strstr(e.msg, "ppp...: dir\\x01/f: too large"));
    assert_int_equal(eye_fail_prefix(NULL, "x"), EYE_EINTERNAL);
}

static void test_names_are_distinct(void **state)
{
    (void)state;
    for (int a = EYE_OK; a >= EYE_ECANCELLED; a--) {
        assert_string_not_equal(eye_err_name(a), "unknown");
        for (int b = EYE_OK; b > a; b--)
            assert_string_not_equal(eye_err_name(a), eye_err_name(b));
    }
    assert_string_equal(eye_err_name(EYE_EFORMAT), "format");
    assert_string_equal(eye_err_name(1), "unknown");
    assert_string_equal(eye_err_name(EYE_ECANCELLED - 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_and_message),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_cut_at_character),
        cmocka_unit_test(test_exact_fit_is_not_cut),
        cmocka_unit_test(test_errno_codes),
        cmocka_unit_test(test_errno_keeps_reason_of_long_path),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_names_are_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
