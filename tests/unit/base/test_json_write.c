/* test_json_write.c - commas, escapes and numbers; all of it read back by the reader. */
#include "scratch.h"

#include <locale.h>
#include <math.h>

#include "base/json.h"

static void test_nesting(void **state)
{
    (void)state;
    struct buf b;
    struct json_writer w;
    buf_init(&b, 10000);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "s", "x");
    jw_kint(&w, "i", INT64_MIN);
    jw_key(&w, "a");
    jw_array(&w);
    jw_int(&w, 1);
    jw_object(&w);
    jw_object_end(&w);
    jw_array(&w);
    jw_array_end(&w);
    jw_null(&w);
    jw_array_end(&w);
    jw_kbool(&w, "b", true);
    jw_kbool(&w, "c", false);
    jw_knum(&w, "n", 0.25, 6);
    jw_kstr(&w, "null", NULL);
    jw_object_end(&w);
    assert_int_equal(w.code, 0);
    assert_int_equal(w.depth, 0);
    assert_string_equal(b.data,
                        "{\"s\":\"x\",\"i\":-9223372036854775808,\"a\":[1,{},[],null],\"b\":true,"
                        "\"c\":false,\"n\":0.25,\"null\":null}");
    /* a second document in the same buffer, as in JSON lines */
    buf_clear(&b);
    jw_array(&w);
    jw_bool(&w, true);
    jw_array_end(&w);
    assert_string_equal(b.data, "[true]");
    buf_release(&b);
}

static void assert_string_written(const char *s, size_t len, const char *want)
{
    struct buf b;
    struct json_writer w;
    buf_init(&b, 10000);
    jw_init(&w, &b);
    jw_strn(&w, s, len);
    assert_int_equal(w.code, 0);
    assert_string_equal(b.data, want);
    buf_release(&b);
}

static void test_escapes(void **state)
{
    (void)state;
    assert_string_written("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    assert_string_written("\n\r\t\b\f\x01\x1f\x7f", 8, "\"\\n\\r\\t\\b\\f\\u0001\\u001f\\u007f\"");
    assert_string_written("a\0b", 3, "\"a\\u0000b\"");
    assert_string_written("caf\xc3\xa9\xf0\x9f\x90\x95", 9, "\"caf\xc3\xa9\xf0\x9f\x90\x95\"");
    assert_string_written("\xc2\x9b\xe2\x80\xa8\xe2\x80\xa9", 8, "\"\\u009b\\u2028\\u2029\"");
    assert_string_written("x\xff\xfey", 4, "\"x\xef\xbf\xbd\xef\xbf\xbdy\"");
    assert_string_written("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_string_written("", 0, "\"\"");
}

/* Any bytes at all give JSON that the reader takes, and text comes back as it was. */
static void test_read_back(void **state)
{
    (void)state;
    unsigned seed = 12345;
    for (int round = 0; round < 2000; round++) {
        char text[24];
        size_t len = 0;
        for (; len < sizeof text - 1; len++) {
            seed = seed * 1103515245 + 12345;
            text[len] = (char)(1 + (seed >> 16) % (round % 2 ? 255 : 127));
        }
        text[len] = '\0';
        struct buf b;
        struct json_writer w;
        struct eye_err e = {0};
        buf_init(&b, 1000);
        jw_init(&w, &b);
        jw_array(&w);
        jw_str(&w, text);
        jw_array_end(&w);
        struct json *root = json_parse(b.data, b.len, "own", &e);
        if (!root)
            fail_msg("%s", e.msg);
        if (round % 2 == 0)
            assert_string_equal(json_str(json_at(root, 0), "?"), text);
        json_free(root);
        buf_release(&b);
    }
}

static void assert_number(double v, int digits, const char *want)
{
    struct buf b;
    struct json_writer w;
    buf_init(&b, 100);
    jw_init(&w, &b);
    jw_num(&w, v, digits);
    assert_string_equal(b.data, want);
    buf_release(&b);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_number(0.1, 17, "0.10000000000000001");
    assert_number(0.31258, 4, "0.3126");
    assert_number(-1e300, 3, "-1e+300");
    assert_number(0, 6, "0");
    assert_number(1.5, 99, "1.5");
    assert_number((double)NAN, 6, "null");
    assert_number(HUGE_VAL, 6, "null");
    assert_number(-HUGE_VAL, 6, "null");
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8")) { /* where there is one: comma as decimal point */
        assert_number(0.5, 6, "0.5");
        setlocale(LC_NUMERIC, "C");
    }
}

static void test_failures_stick(void **state)
{
    (void)state;
    struct buf b;
    struct json_writer w;
    buf_init(&b, 4);
    jw_init(&w, &b);
    jw_str(&w, "too long");
    assert_int_equal(w.code, EYE_ELIMIT);
    buf_clear(&b);
    jw_int(&w, 1);
    assert_int_equal(b.len, 0);
    buf_release(&b);

    buf_init(&b, 1000);
    jw_init(&w, &b);
    for (int i = 0; i < 200; i++)
        jw_array(&w);
    assert_int_equal(w.code, EYE_ELIMIT);
    jw_init(&w, &b);
    jw_array_end(&w);
    assert_int_equal(w.code, EYE_EINTERNAL);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_read_back),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_failures_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
