/* test_utf8.c - every code point goes through, everything else does not. */
#include "scratch.h"

#include "base/json.h"
#include "base/utf8.h"

static size_t encode(uint32_t cp, char *s)
{
    if (cp < 0x80) {
        s[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        s[i] = (char)(0x80 | (cp & 0x3f));
    s[0] = (char)((0xf00U >> n & 0xff) | cp);
    return n;
}

static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x200000; cp++) {
        char s[4];
        uint32_t back = 0;
        size_t n = encode(cp, s);
        bool legal = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
        assert_int_equal(utf8_step(s, n, &back), legal ? n : 0);
        if (legal)
            assert_int_equal(back, cp);
        assert_int_equal(utf8_step(s, n - 1, NULL), 0); /* cut short */
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(",
        "\xe2\x82(",
        "\xe2(\xa1",
        "\xf0\x9f\x90(",
        "\xed\xbf\xbf",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[16];
        snprintf(text, sizeof text, "ok%s", bad[i]);
        assert_int_equal(utf8_step(bad[i], strlen(bad[i]), NULL), 0);
        assert_false(utf8_valid(text, strlen(text)));
    }
}

static void test_valid(void **state)
{
    (void)state;
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
    assert_true(utf8_valid("\xf0\x9f\x90\x95\xc3\xa9", 6));
    assert_false(utf8_valid("\xf0\x9f\x90\x95\xc3\xa9", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_code_points),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
