/* test_line.c - a query line in a request: places in characters, and no files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/internal.h"

static void places_are_characters(void **state)
{
    (void)state;
    const char *text =
        "a \xe7\x8a\xac \xf0\x9f\x90\xb6x e\xcc\x81 b"; /* 1, 1, 3, 1, 4, 1 ... bytes */
    static const struct {
        eye_span bytes, characters;
    } rows[] = {{{0, 0}, {0, 0}},  {{0, 1}, {0, 1}},   {{2, 3}, {2, 1}},  {{6, 5}, {4, 2}},
                {{12, 3}, {7, 2}}, {{16, 1}, {10, 1}}, {{17, 0}, {11, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        eye_span got = api_line_characters(text, rows[i].bytes);
        assert_int_equal(got.at, rows[i].characters.at);
        assert_int_equal(got.len, rows[i].characters.len);
    }
}

static void reads_a_line(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct api_line l = {.text = "two dogs - #3 format:png"};
    size_t n = 0;
    assert_int_equal(api_line_read(&l, &err), 0);
    eye_ask_terms(l.ask, &n);
    assert_int_equal(n, 2);
    assert_non_null(eye_ask_where(l.ask));
    api_line_release(&l);
    assert_null(l.ask);
    api_line_release(&l);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        eye_span where;
        const char *says;
    } rows[] = {{"\xe7\x8a\xac fromat:png", {4, 6}, "is 'format' meant"},
                {"a - 2:@/etc/passwd", {2, 16}, "a server reads no file"},
                {"#3 @\"a b\" x", {3, 6}, "a server reads no file"},
                {"(format:png", {0, 1}, "is not closed"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct eye_err err = {0};
        struct api_line l = {.text = rows[i].text};
        assert_int_equal(api_line_read(&l, &err), EYE_EINVAL);
        assert_null(l.ask);
        assert_int_equal(l.where.at, rows[i].where.at);
        assert_int_equal(l.where.len, rows[i].where.len);
        assert_non_null(strstr(err.msg, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places_are_characters),
                                       cmocka_unit_test(reads_a_line), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
