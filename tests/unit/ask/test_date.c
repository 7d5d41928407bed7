/* test_date.c - spans of time: days as the C library counts them, words, and how long ago. */
#include "ask/ask.h"
#include "describe.h"

static bool read(const char *text, struct ask_period *out)
{
    return ask_date(text, strlen(text), NOW, out);
}

static void test_periods(void **state)
{
    (void)state;
    static const struct {
        const char *text, *means;
    } rows[] = {
        {"2024", "p=2024-01-01..2025-01-01"},
        {"2024-02", "p=2024-02-01..2024-03-01"},
        {"2024-12", "p=2024-12-01..2025-01-01"},
        {"2024-02-29", "p=2024-02-29..2024-03-01"},
        {"2000-02-29", "p=2000-02-29..2000-03-01"},
        {"1969-12-31", "p=1969-12-31..1970-01-01"},
        {"0001-01-01", NULL},
        {"2024-05-31T18:00", "p=2024-05-31T18:00:00..2024-05-31T18:01:00"},
        {"2024-05-31T18:00Z", "p=2024-05-31T18:00:00..2024-05-31T18:01:00"},
        {"2024-05-31T18:00:59Z", "p=2024-05-31T18:00:59..2024-05-31T18:01:00"},
        {"today", "p=2024-06-01..2024-06-02"},
        {"Yesterday", "p=2024-05-31..2024-06-01"},
        {"7d", "p=2024-05-25T12:00:00..2024-05-25T12:00:01"},
        {"0d", "p=2024-06-01T12:00:00..2024-06-01T12:00:01"},
        {"3W", "p=2024-05-11T12:00:00..2024-05-11T12:00:01"},
        {"3m", "p=2024-03-01T12:00:00..2024-03-01T12:00:01"},
        {"1y", "p=2023-06-01T12:00:00..2023-06-01T12:00:01"},
        {"2000y", NULL}, /* strftime writes no leading zeros */
    };
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ask_period p;
        buf_clear(&b);
        assert_true(read(rows[i].text, &p));
        put_days(&b, "p", p.from, p.to);
        if (rows[i].means && strcmp(b.data, rows[i].means) != 0)
            fail_msg("%s: %s", rows[i].text, b.data);
        assert_true(p.from < p.to);
    }
    buf_release(&b);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "24",
                                      "20245",
                                      "0000",
                                      "2024-",
                                      "2024-00",
                                      "2024-13",
                                      "2024-5",
                                      "2024-05-",
                                      "2024-05-32",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2024-04-31",
                                      "2024-05-31T",
                                      "2024-05-31T24:00",
                                      "2024-05-31T18:60",
                                      "2024-05-31T18:00:60",
                                      "2024-05-31T18:00:00Y",
                                      "2024-05-31 18:00",
                                      "31.5.2024",
                                      "05/31/2024",
                                      "tomorrow",
                                      "d",
                                      "7",
                                      "7x",
                                      "-7d",
                                      "7.5d",
                                      "999999d",
                                      "2024y",
                                      "99999m",
                                      "7dd",
                                      "todays",
                                      "2024-05-3\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ask_period p;
        if (read(bad[i], &p))
            fail_msg("'%s' is taken", bad[i]);
    }
}

/* Each day of 800 years: the C library's own count, and the day after begins where it ends. */
static void test_each_day(void **state)
{
    (void)state;
    int64_t before = 0;
    for (int64_t day = -146097; day <= 146097; day++) {
        char text[64];
        struct tm tm;
        time_t t = (time_t)(day * 86400);
        struct ask_period p;
        assert_non_null(gmtime_r(&t, &tm));
        snprintf(text, sizeof text, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        assert_true(read(text, &p));
        assert_int_equal(p.from, t);
        assert_true(day == -146097 || before == p.from);
        before = p.to;
    }
}

/* The last day of a shorter month stands for what it does not have. */
static void test_months_ago(void **state)
{
    (void)state;
    struct ask_period p, day;
    assert_true(read("2024-03-31", &day));
    assert_true(ask_date("1m", 2, day.from + 3600, &p));
    assert_true(read("2024-02-29T01:00", &day));
    assert_int_equal(p.from, day.from);
    assert_true(p.ago);
    assert_true(read("2024-02-29", &day) && !day.ago);
    assert_true(ask_date("1y", 2, day.from, &p));
    assert_true(read("2023-02-28", &day));
    assert_int_equal(p.from, day.from);
}

/* Whole minutes, so that the pages of one search share a filter; and clocks that have gone mad. */
static void test_now(void **state)
{
    (void)state;
    struct ask_period a, b;
    assert_true(ask_date("7d", 2, NOW + 59, &a) && ask_date("7d", 2, NOW, &b));
    assert_int_equal(a.from, b.from);
    assert_true(ask_date("7d", 2, NOW + 60, &a));
    assert_int_equal(a.from, b.from + 60);
    assert_true(ask_date("7d", 2, -1, &a));
    assert_int_equal(a.from, -60 - 7 * 86400);
    static const int64_t mad[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, -1};
    static const char *const texts[] = {"99999d", "9999w", "9999m", "999y", "today", "yesterday"};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 6; k++)
            if (ask_date(texts[k], strlen(texts[k]), mad[i], &a))
                assert_true(a.from < a.to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_periods),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_each_day), cmocka_unit_test(test_months_ago),
        cmocka_unit_test(test_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
