/* test_chars.c - blanks, words and numbers, whatever the locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ask/ask.h"

static void test_blanks(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t len, blank;
    } rows[] = {
        {" x", 2, 1},           {"\t", 1, 1}, {"\r\n", 2, 1}, {"\v", 1, 1},
        {"\xc2\x85", 2, 2},     /* next line */
        {"\xc2\xa0x", 3, 2},    /* no-break space */
        {"\xe2\x80\x89", 3, 3}, /* thin space */
        {"\xe3\x80\x80", 3, 3}, /* ideographic */
        {"\xe3\x80", 2, 0},     /* broken off */
        {"\xc2\xa1", 2, 0},     {"x", 1, 0},  {"", 0, 0},     {" ", 0, 0},
        {"\x1f", 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(ask_blank(rows[i].s, rows[i].len), rows[i].blank);
}

static void test_words(void **state)
{
    (void)state;
    assert_true(ask_is_word("AND", 3, "and"));
    assert_true(ask_is_word("andy", 3, "and"));
    assert_false(ask_is_word("an", 2, "and"));
    assert_false(ask_is_word("andy", 4, "and"));
    assert_false(ask_is_word("", 0, "and"));
    assert_true(ask_is_letter('z') && ask_is_letter('A') && !ask_is_letter('@') &&
                !ask_is_letter('[') && !ask_is_letter('`') && !ask_is_letter('{'));
    assert_true(ask_is_digit('0') && ask_is_digit('9') && !ask_is_digit('/') && !ask_is_digit(':'));
    assert_false(ask_is_letter((char)0xe9));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t bytes;
        double value;
    } rows[] = {
        {"12", 2, 12},
        {"0.5x", 3, 0.5},
        {".5", 2, 0.5},
        {"5.", 1, 5},
        {"1,5", 1, 1},
        {"1.2.3", 3, 1.2},
        {"", 0, -1},
        {"x", 0, -1},
        {".", 0, -1},
        {"-1", 0, -1},
        {"007", 3, 7},
        {"0.1", 3, 0.1},
        {"0.3", 3, 0.3},
        {"123456.789", 10, 123456.789},
        {"1e5", 1, 1},
        {"0x10", 1, 0},
        {"0.12345678901234567890123", 25, 0.12345678901234},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double v = -1;
        assert_int_equal(ask_number(rows[i].s, strlen(rows[i].s), &v), rows[i].bytes);
        if (v < rows[i].value - 1e-15 || v > rows[i].value + 1e-13)
            fail_msg("%s: %.17g", rows[i].s, v);
    }
    double cut = 0;
    assert_int_equal(ask_number("123", 2, &cut), 2);
    assert_true(cut > 11 && cut < 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
