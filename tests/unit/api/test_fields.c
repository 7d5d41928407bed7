/* Values from outside, checked by one table: of a query and of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/internal.h"

struct target {
    int64_t count, when;
    double part;
    const char *text;
    int word;
    char flag;
};

static const char *const words[] = {"one", "two", NULL};
static const struct api_field fields[] = {
    {"count", API_INT, offsetof(struct target, count), 1, 1000, NULL},
    {"part", API_NUM, offsetof(struct target, part), -1, 1, NULL},
    {"text", API_TEXT, offsetof(struct target, text), 1, 4, NULL},
    {"word", API_WORD, offsetof(struct target, word), 0, 0, words},
    {"flag", API_FLAG, offsetof(struct target, flag), 0, 0, NULL},
    {"when", API_TIME, offsetof(struct target, when), 0, 0, NULL},
};
enum { N = sizeof fields / sizeof fields[0] };

static int one(struct target *t, const char *name, const char *value)
{
    struct eye_err err = {0, ""};
    uint32_t seen = 0;
    int rc = api_query_one(fields, N, t, &seen, name, value, &err);
    assert_int_equal(rc, err.code);
    if (rc)
        assert_non_null(strstr(err.msg, name));
    return rc;
}

static void query_takes_what_is_right(void **state)
{
    (void)state;
    struct target t = {0};
    assert_int_equal(one(&t, "count", "1000"), 0);
    assert_int_equal(t.count, 1000);
    assert_int_equal(one(&t, "part", "-0.5e0"), 0);
    assert_true(t.part == -0.5);
    assert_int_equal(one(&t, "text", "\xc3\xa4\xc3\xb6\xc3\xbc!"),
                     0); /* four characters, seven bytes */
    assert_int_equal(one(&t, "word", "two"), 0);
    assert_int_equal(t.word, 2);
    assert_int_equal(one(&t, "flag", "0"), 0);
    assert_int_equal(t.flag, 'n');
    assert_int_equal(one(&t, "flag", "true"), 0);
    assert_int_equal(t.flag, 'y');
}

static void query_refuses_what_is_not(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"count", "0"},    {"count", "1001"},
        {"count", "ten"},  {"count", ""},
        {"count", " 5"},   {"count", "5 "},
        {"count", "+5"},   {"count", "5.0"},
        {"count", "0x5"},  {"count", "-1"},
        {"part", "1.01"},  {"part", "nan"},
        {"part", "inf"},   {"part", "1e999"},
        {"part", "0x1"},   {"part", "--1"},
        {"part", ""},      {"text", ""},
        {"text", "12345"}, {"word", "three"},
        {"word", ""},      {"flag", "yes"},
        {"flag", ""},      {"when", "yesterday"},
        {"other", "1"},    {"count", "99999999999999999999999999999999"},
    };
    struct target t = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(one(&t, bad[i][0], bad[i][1]), EYE_EINVAL);
    assert_int_equal(t.count, 0);
}

static void query_refuses_twice(void **state)
{
    (void)state;
    struct target t = {0};
    uint32_t seen = 0;
    assert_int_equal(api_query_one(fields, N, &t, &seen, "count", "5", NULL), 0);
    assert_int_equal(api_query_one(fields, N, &t, &seen, "count", "5", NULL), EYE_EINVAL);
}

static int members(struct target *t, const char *json, struct eye_err *err)
{
    struct eye_err why;
    uint32_t seen = 0;
    struct json *body = json_parse(json, strlen(json), "test", &why);
    assert_non_null(body);
    int rc = api_members(body, "the thing", fields, N, t, &seen, err);
    /* texts are borrowed from it */
    t->text = NULL;
    json_free(body);
    return rc;
}

static void json_takes_what_is_right(void **state)
{
    (void)state;
    struct target t = {0};
    assert_int_equal(members(&t,
                             "{\"count\": 5.0, \"part\": 1, \"text\": \"abcd\", \"word\": \"one\", "
                             "\"flag\": false, \"when\": \"1970-01-02\"}",
                             NULL),
                     0);
    assert_int_equal(t.count, 5);
    assert_true(t.part == 1);
    assert_int_equal(t.word, 1);
    assert_int_equal(t.flag, 'n');
    assert_int_equal(t.when, 86400);
}

static void json_refuses_what_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"count\": \"5\"}",
        "{\"count\": 5.5}",
        "{\"count\": 0}",
        "{\"count\": null}",
        "{\"count\": true}",
        "{\"count\": 1e300}",
        "{\"part\": 2}",
        "{\"part\": \"1\"}",
        "{\"text\": 5}",
        "{\"text\": \"\"}",
        "{\"word\": \"\"}",
        "{\"flag\": 1}",
        "{\"flag\": \"true\"}",
        "{\"flag\": null}",
        "{\"when\": 5}",
        "{\"other\": 1}",
        "{\"text\": [\"a\"]}",
        "{\"count\": {}}",
        "[]",
        "5",
    };
    struct target t = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct eye_err err = {0, ""};
        assert_int_equal(members(&t, bad[i], &err), EYE_EINVAL);
        assert_int_equal(err.code, EYE_EINVAL);
        assert_non_null(strstr(err.msg, "the thing"));
    }
}

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t t;
    } good[] = {{"1970-01-01", 0},
                {"1970-01-01T00:00:01Z", 1},
                {"2024-02-29T12:30:00.123Z", 1709209800},
                {"1970-01-01T02:00:00+02:00", 0},
                {"1969-12-31T22:30:00-01:30", 0},
                {"0001-01-01", INT64_C(-62135596800)},
                {"9999-12-31T23:59:59Z", INT64_C(253402300799)}};
    static const char *const bad[] = {"",
                                      "2023-02-29",
                                      "2024-13-01",
                                      "2024-1-1",
                                      "2024-01-01T",
                                      "2024-01-01T10:00Z",
                                      "2024-01-00",
                                      "2024-01-01T24:00:00Z",
                                      "2024-01-01T10:00:00",
                                      "2024-01-01 10:00:00Z",
                                      "2024-01-01T10:00:00.Z",
                                      "2024-01-01T10:00:00Zx",
                                      "x"};
    int64_t t = 7;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(api_parse_time(good[i].text, &t), 0);
        assert_int_equal(t, good[i].t);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(api_parse_time(bad[i], &t), EYE_EINVAL);
}

static void filter_is_carried_over(void **state)
{
    (void)state;
    struct api_filter f;
    eye_filter out;
    uint32_t seen = 0;
    static const char *const in[][2] = {{"path", "2024"},
                                        {"root", "3"},
                                        {"format", "avif"},
                                        {"camera", "canon"},
                                        {"taken_from", "1970-01-02"},
                                        {"min_width", "10"},
                                        {"gps", "false"},
                                        {"orientation", "portrait"},
                                        {"max_megapixels", "1.5"},
                                        {"max_width", "4000"},
                                        {"max_height", "3000"},
                                        {"modified_from", "1970-01-03"},
                                        {"modified_to", "1970-01-04"},
                                        {"box", "-12.5,170,3,-170.25"}};
    api_filter_init(&f);
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        assert_int_equal(api_query_one(api_filter_fields, API_FILTER_FIELDS, &f, &seen, in[i][0],
                                       in[i][1], NULL),
                         0);
    api_filter_to(&f, &out);
    assert_string_equal(out.path, "2024");
    assert_int_equal(out.root, 3);
    assert_string_equal(out.format, "avif");
    assert_string_equal(out.camera, "canon");
    assert_int_equal(out.taken_from, 86400);
    assert_true(out.taken_to == EYE_TIME_UNKNOWN);
    assert_int_equal(out.min_width, 10);
    assert_int_equal(out.gps, 'n');
    assert_int_equal(out.orientation, 'p');
    assert_true(out.max_megapixels == 1.5);
    assert_int_equal(out.max_width, 4000);
    assert_int_equal(out.max_height, 3000);
    assert_int_equal(out.modified_from, 2 * 86400);
    assert_int_equal(out.modified_to, 3 * 86400);
    assert_true(out.boxed && out.south == -12.5 && out.west == 170 && out.north == 3 &&
                out.east == -170.25);
    api_filter_init(&f);
    api_filter_to(&f, &out);
    assert_false(out.boxed);
    assert_true(out.modified_from == EYE_TIME_UNKNOWN && out.modified_to == EYE_TIME_UNKNOWN);
}

static void boxes_are_four_degrees(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",          "1,2,3",      "1,2,3,4,5",   "1,2,3,4,",    ",1,2,3",     "1,,2,3",
        "91,0,92,0", "0,-181,0,0", "0,0,0,180.1", "2,0,1,0",     "a,0,1,0",    "nan,0,1,0",
        "0x1,0,2,0", "0, 0, 1, 1", " 0,0,1,1",    "0,0,1,1e999", "inf,0,inf,0"};
    static const char *const right[] = {"0,0,0,0", "-90,-180,90,180", "1.5,2,1.5,-2",
                                        "1e1,0,2e1,5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct api_filter f;
        struct eye_err err;
        uint32_t seen = 0;
        api_filter_init(&f);
        assert_int_equal(
            api_query_one(api_filter_fields, API_FILTER_FIELDS, &f, &seen, "box", wrong[i], &err),
            EYE_EINVAL);
        assert_non_null(strstr(err.msg, "south,west,north,east"));
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct api_filter f;
        uint32_t seen = 0;
        api_filter_init(&f);
        assert_int_equal(
            api_query_one(api_filter_fields, API_FILTER_FIELDS, &f, &seen, "box", right[i], NULL),
            0);
        assert_true(f.box.set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_takes_what_is_right), cmocka_unit_test(query_refuses_what_is_not),
        cmocka_unit_test(query_refuses_twice),       cmocka_unit_test(json_takes_what_is_right),
        cmocka_unit_test(json_refuses_what_is_not),  cmocka_unit_test(times),
        cmocka_unit_test(filter_is_carried_over),    cmocka_unit_test(boxes_are_four_degrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
