/* Conditions and ranges, from header values alone. */
#include "fixture.h"

#include "http/ranges.h"

enum { SIZE = 1000 };
#define MTIME 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define MTIME_TEXT "Tue, 14 Nov 2023 22:13:20 GMT"
#define BEFORE_TEXT "Tue, 14 Nov 2023 22:13:19 GMT"

static void expect(struct http_conditions c, int status, uint64_t from, uint64_t len)
{
    struct http_range r = http_range_decide(&c, "tag", MTIME, SIZE);
    assert_int_equal(r.status, status);
    assert_int_equal(r.from, from);
    assert_int_equal(r.len, len);
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int status;
        uint64_t from, len;
    } cases[] = {
        {NULL, 200, 0, SIZE},
        {"bytes=0-0", 206, 0, 1},
        {"bytes=0-99", 206, 0, 100},
        {"bytes=999-", 206, 999, 1},
        {"bytes=500-5000", 206, 500, 500},
        {"bytes=-1", 206, 999, 1},
        {"bytes=-5000", 206, 0, SIZE},
        {"bytes=0-99999999999999999999999999", 206, 0, SIZE},
        {"bytes=1000-", 416, 0, 0},
        {"bytes=99999999999999999999999999-", 416, 0, 0},
        {"bytes=-0", 416, 0, 0},
        {"bytes=5-2", 200, 0, SIZE},
        {"bytes=0-1,5-6", 200, 0, SIZE},
        {"bytes=", 200, 0, SIZE},
        {"bytes=-", 200, 0, SIZE},
        {"bytes=a-b", 200, 0, SIZE},
        {"bytes=+1-2", 200, 0, SIZE},
        {"bytes= 1-2", 200, 0, SIZE},
        {"bytes=1-2 ", 200, 0, SIZE},
        {"items=0-1", 200, 0, SIZE},
        {"bytes=--1", 200, 0, SIZE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect((struct http_conditions){.range = cases[i].range}, cases[i].status, cases[i].from,
               cases[i].len);
    struct http_conditions c = {.range = "bytes=0-"};
    assert_int_equal(http_range_decide(&c, NULL, 0, 0).status, 416);
}

static void conditions(void **state)
{
    (void)state;
    expect((struct http_conditions){.if_none_match = "\"tag\""}, 304, 0, 0);
    expect((struct http_conditions){.if_none_match = "\"a\", W/\"tag\" , \"b\""}, 304, 0, 0);
    expect((struct http_conditions){.if_none_match = "*"}, 304, 0, 0);
    expect((struct http_conditions){.if_none_match = "\"tag2\", \"ta\""}, 200, 0, SIZE);
    expect((struct http_conditions){.if_none_match = "tag"}, 200, 0, SIZE);
    expect((struct http_conditions){.if_none_match = "\"tag"}, 200, 0, SIZE);
    expect((struct http_conditions){.if_modified_since = MTIME_TEXT}, 304, 0, 0);
    expect((struct http_conditions){.if_modified_since = BEFORE_TEXT}, 200, 0, SIZE);
    expect((struct http_conditions){.if_modified_since = "yesterday"}, 200, 0, SIZE);
    /* The tag counts before the date. */
    expect((struct http_conditions){.if_none_match = "\"x\"", .if_modified_since = MTIME_TEXT}, 200,
           0, SIZE);
}

static void if_range(void **state)
{
    (void)state;
    expect((struct http_conditions){.range = "bytes=0-9", .if_range = "\"tag\""}, 206, 0, 10);
    expect((struct http_conditions){.range = "bytes=0-9", .if_range = "\"old\""}, 200, 0, SIZE);
    expect((struct http_conditions){.range = "bytes=0-9", .if_range = "W/\"tag\""}, 200, 0, SIZE);
    expect((struct http_conditions){.range = "bytes=0-9", .if_range = MTIME_TEXT}, 206, 0, 10);
    expect((struct http_conditions){.range = "bytes=0-9", .if_range = BEFORE_TEXT}, 200, 0, SIZE);
}

static void dates(void **state)
{
    (void)state;
    char text[40];
    http_date_text(MTIME, text);
    assert_string_equal(text, MTIME_TEXT);
    assert_true(http_date_parse(MTIME_TEXT) == MTIME);
    assert_true(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    assert_true(http_date_parse("Sun, 06 Nov 1994 08:49:37 CET") == -1);
    assert_true(http_date_parse("Sun, 06 Nox 1994 08:49:37 GMT") == -1);
    assert_true(http_date_parse("Sunday, 06-Nov-94 08:49:37 GMT") == -1);
    assert_true(http_date_parse("") == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(conditions),
        cmocka_unit_test(if_range),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
