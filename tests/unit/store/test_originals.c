/* Roots below the place where originals lie, which each machine has somewhere else. */
#include "fixture.h"

#include <sqlite3.h>

#include "store/originals.h"

static void place(struct lib *l, const char *at)
{
    OK(l, store_originals(l->s, at, &l->err));
}

/* The path of the newest root. */
static void check_root(struct lib *l, const char *wanted)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    bool found = false;
    OK(l, store_roots(l->s, &roots, &n, &l->err));
    for (size_t i = 0; i < n; i++)
        found = found || !strcmp(roots[i].path, wanted);
    store_roots_free(roots, n);
    roots = NULL;
    bool brief = false;
    OK(l, store_roots_brief(l->s, &roots, &n, &l->err));
    for (size_t i = 0; i < n; i++)
        brief = brief || !strcmp(roots[i].path, wanted);
    store_roots_free(roots, n);
    if (!found || !brief)
        fail_msg("no root %s", wanted);
}

static int64_t add_to(struct lib *l, int64_t root, const char *rel)
{
    int64_t id;
    struct store_picture p = {.hash = hash_of(rel),
                              .size = 1,
                              .width = 1,
                              .height = 1,
                              .format = "png",
                              .taken_at = INT64_MIN};
    OK(l, store_put(l->s, &p, 0, NULL, 0, &id, &l->err));
    struct store_file f = {id, root, rel, 1, 1};
    OK(l, store_file_set(l->s, &f, &l->err));
    return id;
}

static void check_paths(struct lib *l, int64_t id, const char *wanted)
{
    char **paths = NULL;
    struct store_place *places = NULL;
    size_t n = 0, online = 0;
    OK(l, store_picture_paths(l->s, id, &paths, &n, &online, &l->err));
    assert_int_equal(n, 1);
    assert_string_equal(paths[0], wanted);
    store_strings_free(paths, n);
    OK(l, store_places(l->s, id, &places, &n, &l->err));
    assert_int_equal(n, 1);
    assert_int_equal(strncmp(places[0].root, wanted, strlen(places[0].root)), 0);
    store_places_free(places, n);
}

static size_t passing(struct lib *l, const char *pattern)
{
    struct store_filter f = STORE_FILTER_INIT;
    int64_t *ids = NULL;
    size_t n = 0;
    f.path = pattern;
    OK(l, store_filter(l->s, &f, &ids, &n, &l->err));
    free(ids);
    return n;
}

static void elsewhere(void **state)
{
    struct lib *l = *state;
    int64_t root, same;
    place(l, "/mnt/one");
    OK(l, store_root_add(l->s, "/mnt/one/sub/dir", &root, &l->err));
    check_root(l, "/mnt/one/sub/dir");
    int64_t id = add_to(l, root, "a/b.png");
    check_paths(l, id, "/mnt/one/sub/dir/a/b.png");
    place(l, "s3://bkt/pre fix");
    check_root(l, "s3://bkt/pre fix/sub/dir");
    check_paths(l, id, "s3://bkt/pre fix/sub/dir/a/b.png");
    OK(l, store_root_add_files(l->s, "s3://bkt/pre fix/sub/dir", &same, &l->err));
    assert_int_equal(same, root);
    place(l, NULL);
    check_root(l, "originals:/sub/dir");
    check_paths(l, id, "originals:/sub/dir/a/b.png");
}

/* What lies beside the place is not below it. */
static void beside(void **state)
{
    struct lib *l = *state;
    int64_t root;
    place(l, "/mnt/one");
    OK(l, store_root_add(l->s, "/mnt/one2", &root, &l->err));
    OK(l, store_root_add(l->s, "/mnt", &root, &l->err));
    place(l, "/other");
    check_root(l, "/mnt");
    assert_int_equal(store_root_add(l->s, "s3://bkt", &root, &l->err), EYE_EINVAL);
    assert_int_equal(store_root_add(l->s, "relative", &root, &l->err), EYE_EINVAL);
}

static void all_of_it_takes_what_is_below(void **state)
{
    struct lib *l = *state;
    int64_t inner, outer;
    place(l, "s3://bkt");
    OK(l, store_root_add(l->s, "s3://bkt/sub", &inner, &l->err));
    int64_t id = add_to(l, inner, "x.png");
    OK(l, store_root_add(l->s, "s3://bkt", &outer, &l->err));
    check_root(l, "s3://bkt");
    check_paths(l, id, "s3://bkt/sub/x.png");
    struct store_root *roots = NULL;
    size_t n = 0;
    OK(l, store_roots(l->s, &roots, &n, &l->err));
    assert_int_equal(n, 2); /* the fixture's, and this */
    store_roots_free(roots, n);
    int64_t found = 0;
    OK(l, store_picture_at(l->s, outer, "sub/x.png", &found, &l->err));
    assert_int_equal(found, id);
}

static void the_root_folder(void **state)
{
    struct lib *l = *state;
    int64_t root;
    place(l, "/");
    OK(l, store_root_add(l->s, "/data/pics", &root, &l->err));
    check_root(l, "/data/pics");
    place(l, "/x");
    check_root(l, "/x/data/pics");
    place(l, "/");
    OK(l, store_root_add(l->s, "/", &root, &l->err));
    check_root(l, "/");
}

/* Filters are held against what people see, never against what is stored. */
static void filters(void **state)
{
    struct lib *l = *state;
    int64_t root;
    place(l, "/mnt/one");
    OK(l, store_root_add(l->s, "/mnt/one/sub", &root, &l->err));
    add_to(l, root, "a.png");
    assert_int_equal(passing(l, "/mnt/one/sub/*"), 1);
    assert_int_equal(passing(l, "one/sub/a"), 1);
    assert_int_equal(passing(l, "/mnt/one/s*.png"), 1);
    assert_int_equal(passing(l, "originals:"), 0);
    assert_int_equal(passing(l, "originals:/sub/*"), 0);
    place(l, "s3://bkt/p");
    assert_int_equal(passing(l, "/mnt/one/sub/*"), 0);
    assert_int_equal(passing(l, "s3://bkt/p/sub/a.png"), 1);
    assert_int_equal(passing(l, "s3://bkt/*"), 1);
}

/* Rows that nobody here writes lead nowhere. */
static void hostile_rows(void **state)
{
    struct lib *l = *state;
    static const char *const bad[] = {
        "originals:/..", "originals:/../etc", "originals:/a/../../etc", "originals:/a//b",
        "originals:/.",  "originals:/a/",     "originals:etc",          "originals:x/../etc"};
    place(l, "/mnt/one");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *shown = store_root_shown(l->s, bad[i], &l->err);
        assert_string_equal(shown, bad[i]);
        free(shown);
    }
    static const char *const good[][2] = {{"originals:", "/mnt/one"},
                                          {"originals:/a", "/mnt/one/a"},
                                          {"originals:/...", "/mnt/one/..."},
                                          {"/originals:/a", "/originals:/a"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *shown = store_root_shown(l->s, good[i][0], &l->err),
             *kept = store_root_kept(l->s, good[i][1], &l->err);
        assert_string_equal(shown, good[i][1]);
        assert_string_equal(kept, good[i][0]);
        free(shown);
        free(kept);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(elsewhere),       T(beside),  T(all_of_it_takes_what_is_below),
        T(the_root_folder), T(filters), T(hostile_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
