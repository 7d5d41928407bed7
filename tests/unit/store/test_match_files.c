/* Patterns, names and dates asked of one file at a time; whole libraries are test_sqlite_filter_trees.c's. */
#include "fixture.h"

#include "store/match.h"

static bool passes(const struct store_filter *f, const char *root, const char *rel)
{
    struct eye_err err;
    struct match_files *m = match_files_new(f, &err);
    assert_non_null(m);
    assert_int_equal(match_files_root(m, 3, "/other", &err), 0);
    assert_int_equal(match_files_root(m, 7, root, &err), 0);
    bool pass = match_file(m, 7, rel, strlen(rel));
    assert_false(match_file(m, 8, rel, strlen(rel)));
    match_files_free(m);
    return pass;
}

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *root, *rel;
        bool passes;
    } cases[] = {{"/pics/a/*", "/pics", "a/x.jpg", true},
                 {"/pics/a/*", "/pics", "b/x.jpg", false},
                 {"/pics/a/*", "/pics/a", "x.jpg", true},
                 {"/pics/*", "/pics2", "x.jpg", false},
                 {"s/a", "/pics", "a/x.jpg", true},
                 {"s/a", "/pic", "a/x.jpg", false},
                 {"*/2001/*.jpg", "/pics", "2001/x.jpg", true},
                 {"*/2001/*.jpg", "/pics/2001", "x.jpg", true},
                 {"*/2001/*.jpg", "/pics", "12001/x.jpg", false},
                 {"/pics/?.jpg", "/pics", "x.jpg", true},
                 {"/pics/[a-c].jpg", "/pics", "x.jpg", false},
                 {"/pics/one.jp*", "/pics/one.jpg", "", true},
                 {"/one*", "/", "one.jpg", true},
                 {"/pics/\xff*", "/pics", "\xff.jpg", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        f.path = cases[i].pattern;
        assert_true(match_asks_files(&f));
        assert_int_equal(passes(&f, cases[i].root, cases[i].rel), cases[i].passes);
    }
}

static void words_are_of_the_file_s_own_name(void **state)
{
    (void)state;
    struct store_filter f = STORE_FILTER_INIT;
    f.name = "Soon coming";
    assert_true(passes(&f, "/pics", "x/Coming-soon.jpg"));
    assert_false(passes(&f, "/pics", "coming/soon.jpg"));
    assert_true(passes(&f, "/pics/coming soon.jpg", ""));
}

static void dates_in_whole_seconds(void **state)
{
    (void)state;
    enum { NS = 1000000000 };
    struct eye_err err;
    static const struct {
        int64_t from, to, ns;
        bool passes;
    } cases[] = {{5, INT64_MIN, 5 * (int64_t)NS, true},
                 {5, INT64_MIN, 5 * (int64_t)NS - 1, false},
                 {INT64_MIN, 5, 5 * (int64_t)NS - 1, true},
                 {INT64_MIN, 5, 5 * (int64_t)NS, false},
                 {-1, 0, -1, true},
                 {INT64_MAX, INT64_MIN, INT64_MAX, false},
                 {INT64_MIN, INT64_MAX, INT64_MAX, true},
                 {INT64_MIN + 1, INT64_MIN, INT64_MIN, true},
                 {INT64_MIN, INT64_MIN + 1, INT64_MIN, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        f.modified_from = cases[i].from;
        f.modified_to = cases[i].to;
        struct match_files *m = match_files_new(&f, &err);
        assert_non_null(m);
        assert_int_equal(match_date(m, cases[i].ns), cases[i].passes);
        match_files_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(words_are_of_the_file_s_own_name),
        cmocka_unit_test(dates_in_whole_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
