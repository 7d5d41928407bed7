/* test_progress.c - what an index run says of itself where there is no terminal. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cli/cli.h"

static void said(const eye_index_progress *p, char text[300])
{
    FILE *f = tmpfile();
    assert_non_null(f);
    struct cli_progress *progress = cli_progress_new(f, false);
    assert_non_null(progress);
    cli_progress_show(progress, p);
    cli_progress_free(progress);
    rewind(f);
    if (!fgets(text, 300, f))
        text[0] = '\0';
    fclose(f);
}

/* A second run over a large folder: what is unchanged is done, and the rest is a matter of seconds. */
static void test_unchanged_files_are_done(void **state)
{
    char text[300];
    eye_index_progress p = {.seen = 50620,
                            .total = 50620,
                            .unchanged = 50000,
                            .indexed = 100,
                            .linked = 20,
                            .walk_done = true,
                            .seconds = 11,
                            .rate = 10};
    (void)state;
    said(&p, text);
    assert_string_equal(text, "indexing 50120/50620  10.0/s  ETA 0:50\n");
}

static void test_failures_and_an_unfinished_walk(void **state)
{
    char text[300];
    eye_index_progress p = {.total = 30, .indexed = 5, .failed = 2, .seconds = 10, .rate = 1};
    (void)state;
    said(&p, text);
    assert_string_equal(text, "indexing 7/30+  1.0/s  failed 2\n");
    p.seconds = 9; /* too early for a line */
    said(&p, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unchanged_files_are_done),
        cmocka_unit_test(test_failures_and_an_unfinished_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
