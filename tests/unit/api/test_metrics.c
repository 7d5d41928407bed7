/* test_metrics.c - counting, and that the text is what Prometheus reads. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/metrics.h"

static const struct api_gauges gauges = {
    .pictures = 12, .jobs = {1, 0, 2, 3, 0, 0}, .connections = 5, .version = "0.1.0"};

/* The number on the line that begins with `name` and a space. */
static double number(const struct buf *b, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = b->data; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (strncmp(p, name, n) == 0 && p[n] == ' ')
            return strtod(p + n + 1, NULL);
    fail_msg("no %s in\n%s", name, b->data);
    return -1;
}

static void counts(void **state)
{
    (void)state;
    struct api_metrics m = {0};
    struct buf b;
    buf_init(&b, 1 << 20);
    static const int statuses[] = {200, 204, 304, 404, 413, 429, 500, 99, 700};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        api_metrics_request(&m, statuses[i]);
    api_metrics_search(&m, 0.001);
    api_metrics_search(&m, 0.0011);
    api_metrics_search(&m, 0.3);
    api_metrics_search(&m, 99);
    assert_int_equal(api_metrics_put(&m, &gauges, &b, NULL), 0);
    assert_true(number(&b, "eyeshine_http_requests_total{class=\"2xx\"}") == 2);
    assert_true(number(&b, "eyeshine_http_requests_total{class=\"4xx\"}") == 3);
    assert_true(number(&b, "eyeshine_http_requests_total{class=\"other\"}") == 2);
    assert_true(number(&b, "eyeshine_search_seconds_bucket{le=\"0.001\"}") == 1);
    assert_true(number(&b, "eyeshine_search_seconds_bucket{le=\"0.0025\"}") == 2);
    assert_true(number(&b, "eyeshine_search_seconds_bucket{le=\"0.25\"}") == 2);
    assert_true(number(&b, "eyeshine_search_seconds_bucket{le=\"0.5\"}") == 3);
    assert_true(number(&b, "eyeshine_search_seconds_bucket{le=\"10\"}") == 3);
    assert_true(number(&b, "eyeshine_search_seconds_bucket{le=\"+Inf\"}") == 4);
    assert_true(number(&b, "eyeshine_search_seconds_count") == 4);
    double sum = number(&b, "eyeshine_search_seconds_sum");
    assert_true(sum > 99.302 && sum < 99.303);
    assert_true(number(&b, "eyeshine_pictures") == 12);
    assert_true(number(&b, "eyeshine_jobs{state=\"running\"}") == 2);
    assert_true(number(&b, "eyeshine_http_connections") == 5);
    assert_true(number(&b, "process_resident_memory_bytes") > 100000);
    assert_true(number(&b, "process_open_fds") >= 3);
    buf_release(&b);
}

static void is_well_formed(void **state)
{
    (void)state;
    struct api_metrics m = {0};
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_int_equal(api_metrics_put(&m, &gauges, &b, NULL), 0);
    char *save = NULL;
    char type[128] = "";
    for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        if (strncmp(line, "# TYPE ", 7) == 0) {
            snprintf(type, sizeof type, "%.*s", (int)strcspn(line + 7, " "), line + 7);
            continue;
        }
        if (strncmp(line, type, strlen(type)) != 0) /* each value follows its own type */
            fail_msg("%s after the type of %s", line, type);
        char *end = NULL;
        const char *v = strrchr(line, ' ');
        assert_non_null(v);
        strtod(v + 1, &end);
        assert_true(end > v + 1 && !*end);
    }
    buf_release(&b);
    struct buf small;
    buf_init(&small, 100);
    assert_int_equal(api_metrics_put(&m, &gauges, &small, NULL), EYE_ELIMIT);
    buf_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
