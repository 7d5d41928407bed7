/* test_json.c - what is read, what is refused, and where the message points. */
#include "scratch.h"

#include "base/json.h"

static struct json *parse(const char *text)
{
    struct eye_err e = {0};
    struct json *root = json_parse(text, strlen(text), "text", &e);
    if (!root)
        fail_msg("%s", e.msg);
    return root;
}

static void test_values(void **state)
{
    (void)state;
    struct json *root =
        parse("{\"s\":\"caf\\u00e9\",\"i\":-42,\"whole\":224.0,\"half\":0.5,\"t\":true,"
              "\"f\":false,\"n\":null,\"a\":[1,\"two\",{}],\"o\":{\"in\":{\"x\":7}}}");
    assert_true(json_is_object(root));
    assert_int_equal(json_size(root), 9);
    assert_string_equal(json_get_str(root, "s", "no"), "caf\xc3\xa9");
    assert_int_equal(json_get_int(root, "i", 1), -42);
    assert_int_equal(json_get_int(root, "whole", 1), 224);
    assert_int_equal(json_get_int(root, "half", 1), 1);
    assert_true(json_get_num(root, "half", 1) == 0.5);
    assert_true(json_get_num(root, "i", 1) == -42);
    assert_true(json_get_bool(root, "t", false));
    assert_false(json_get_bool(root, "f", true));
    const struct json *a = json_get(root, "a");
    assert_true(json_is_array(a) && !json_is_object(a));
    assert_int_equal(json_size(a), 3);
    assert_int_equal(json_int(json_at(a, 0), 0), 1);
    assert_string_equal(json_str(json_at(a, 1), ""), "two");
    assert_null(json_at(a, 3));
    assert_true(json_is_string(json_at(a, 1)) && json_is_number(json_at(a, 0)));
    assert_int_equal(json_get_int(json_get(json_get(root, "o"), "in"), "x", 0), 7);
    json_free(root);
}

static void test_absent_null_and_other_types(void **state)
{
    (void)state;
    struct json *root = parse("{\"n\":null,\"s\":\"x\",\"huge\":1e300}");
    assert_null(json_get(root, "n"));
    assert_null(json_get(root, "none"));
    assert_null(json_get(json_get(root, "none"), "deeper"));
    assert_null(json_get(json_get(root, "s"), "of a string"));
    assert_null(json_at(root, 0));
    assert_int_equal(json_size(NULL), 0);
    assert_int_equal(json_size(json_get(root, "s")), 0);
    assert_string_equal(json_get_str(root, "huge", "fall"), "fall");
    assert_int_equal(json_get_int(root, "s", 5), 5);
    assert_int_equal(json_get_int(root, "huge", 5), 5);
    assert_true(json_get_num(root, "s", 2.5) == 2.5);
    assert_true(json_get_bool(root, "s", true));
    assert_false(json_get_bool(root, "n", false));
    assert_false(json_is_string(NULL) || json_is_number(NULL));
    json_free(root);
    json_free(NULL);
}

static int join_keys(void *ctx, const char *key, const struct json *v)
{
    char *text = ctx;
    size_t len = strlen(text);
    snprintf(text + len, 64 - len, "%s%d", key, (int)json_int(v, 0));
    return json_int(v, 0) == 3 ? 99 : 0;
}

static void test_each_in_file_order(void **state)
{
    (void)state;
    char text[64] = "";
    struct json *root = parse("{\"z\":1,\"a\":2}");
    assert_int_equal(json_each(root, join_keys, text), 0);
    assert_string_equal(text, "z1a2");
    json_free(root);
    text[0] = '\0';
    root = parse("{\"b\":3,\"a\":2}");
    assert_int_equal(json_each(root, join_keys, text), 99);
    assert_string_equal(text, "b3");
    json_free(root);
    assert_int_equal(json_each(NULL, join_keys, text), 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "cfg: line 1"},
        {"{\"a\":1,\n\"b\":}", "cfg: line 2, column 5: not valid JSON"},
        {"{\"a\":1} x", "cfg: line 1"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{'a':1}", "cfg: line 1"},
        {"[1,]", "cfg: line 1"},
        {"\"\xff\"", "cfg: line 1"},
        {"[NaN]", "cfg: line 1"},
        {"[99999999999999999999]", "cfg: line 1"},
        {"\"unfinished", "cfg: line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct eye_err e = {0};
        assert_null(json_parse(cases[i].text, strlen(cases[i].text), "cfg", &e));
        assert_int_equal(e.code, EYE_EFORMAT);
        if (!strstr(e.msg, cases[i].message))
            fail_msg("'%s' lacks '%s'", e.msg, cases[i].message);
    }
}

static void test_depth(void **state)
{
    (void)state;
    char text[200] = "";
    struct eye_err e = {0};
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    struct json *root = json_parse(text, 128, "x", &e);
    assert_non_null(root);
    json_free(root);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_null(json_parse(text, 130, "x", &e));
    assert_int_equal(e.code, EYE_EFORMAT);
    /* brackets in strings do not count */
    memset(text, '[', 100);
    memcpy(text, "\"\\\"", 3);
    text[100] = '"';
    root = json_parse(text, 101, "x", &e);
    assert_non_null(root);
    json_free(root);
}

static void test_file(void **state)
{
    (void)state;
    char path[512];
    struct eye_err e = {0};
    scratch_file("c.json", "{\"k\":5}\n", 8);
    struct json *root = json_parse_file(scratch_path(path, "c.json"), 8, &e);
    assert_int_equal(json_get_int(root, "k", 0), 5);
    json_free(root);
    assert_null(json_parse_file(path, 7, &e));
    assert_int_equal(e.code, EYE_ELIMIT);
    scratch_file("c.json", "", 0);
    assert_null(json_parse_file(path, 7, &e));
    assert_int_equal(e.code, EYE_EFORMAT);
    assert_non_null(strstr(e.msg, path));
    assert_null(json_parse_file(scratch_path(path, "none.json"), 7, &e));
    assert_int_equal(e.code, EYE_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_absent_null_and_other_types),
        cmocka_unit_test(test_each_in_file_order),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
