/* test_log.c - lines reach the sink that was set, escaped and filtered, one at a time. */
#include "scratch.h"

#include <pthread.h>

#include "base/log.h"

struct seen {
    int lines, inside, overlaps;
    enum log_level level;
    char last[2000];
};

static void keep(void *ctx, enum log_level level, const char *line)
{
    struct seen *s = ctx;
    s->overlaps += s->inside++ != 0;
    s->lines++;
    s->level = level;
    snprintf(s->last, sizeof s->last, "%s", line);
    s->inside--;
}

static void test_nowhere_by_default(void **state)
{
    (void)state;
    log_line(LOG_ERROR, "into the void"); /* must not crash */
    struct seen s = {0};
    log_set_sink(keep, &s, LOG_DEBUG);
    assert_int_equal(s.lines, 0);
    log_set_sink(NULL, NULL, LOG_DEBUG);
    log_line(LOG_ERROR, "and again");
    assert_int_equal(s.lines, 0);
}

static void test_levels_and_escapes(void **state)
{
    (void)state;
    struct seen s = {0};
    log_set_sink(keep, &s, LOG_WARN);
    log_line(LOG_INFO, "quiet");
    assert_int_equal(s.lines, 0);
    log_line(LOG_WARN, "%s has %d", "a\nb", 3);
    assert_int_equal(s.lines, 1);
    assert_int_equal(s.level, LOG_WARN);
    assert_string_equal(s.last, "a\\x0ab has 3");
    char path[5000];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    log_line(LOG_ERROR, "%s", path);
    assert_string_equal(s.last + strlen(s.last) - 4, "p...");
    log_set_sink(NULL, NULL, LOG_DEBUG);
}

static void *many_lines(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        log_line(LOG_INFO, "line %d", i);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct seen s = {0};
    pthread_t t[3];
    log_set_sink(keep, &s, LOG_INFO);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, many_lines, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    log_set_sink(NULL, NULL, LOG_DEBUG);
    assert_int_equal(s.lines, 3000);
    assert_int_equal(s.overlaps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nowhere_by_default),
        cmocka_unit_test(test_levels_and_escapes),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
