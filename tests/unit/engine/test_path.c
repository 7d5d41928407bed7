/* test_path.c - paths that exist or do not, names, parts. */
#include "engine/fixture.h"

static char *resolve(const char *path, enum eng_path_kind want)
{
    enum eng_path_kind kind;
    struct eye_err err = {0};
    char *out = eng_path_resolve(path, &kind, &err);
    assert_non_null(out);
    assert_int_equal(kind, want);
    return out;
}

static void check(const char *path, enum eng_path_kind kind, const char *dir, const char *below)
{
    char want[600], *got = resolve(path, kind);
    assert_in_range(snprintf(want, sizeof want, "%s%s", dir, below), 1, 599);
    assert_string_equal(got, want);
    free(got);
}

static void test_resolve(void **state)
{
    char dir[256], path[400], link[400];
    (void)state;
    scratch_open(dir);
    scratch_text(dir, "file", "x");
    snprintf(path, sizeof path, "%s/sub", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(link, sizeof link, "%s/link", dir);
    assert_int_equal(symlink("sub", link), 0);
    check(link, ENG_PATH_DIR, dir, "/sub"); /* folders: where they really are */
    snprintf(path, sizeof path, "%s/sub//../sub/", dir);
    check(path, ENG_PATH_DIR, dir, "/sub");
    snprintf(path, sizeof path, "%s/link/../file", dir);
    check(path, ENG_PATH_FILE, dir, "/file");
    snprintf(path, sizeof path, "%s/link/nosuch/./more/../x", dir);
    check(path, ENG_PATH_MISSING, dir, "/sub/nosuch/x");
    check("/nosuch-folder/x/", ENG_PATH_MISSING, "", "/nosuch-folder/x");
    check("/", ENG_PATH_DIR, "/", "");
    snprintf(path, sizeof path, "%s/filelink", dir);
    assert_int_equal(symlink("file", path), 0);
    check(path, ENG_PATH_FILE, dir, "/filelink"); /* files: as they were named */
    snprintf(path, sizeof path, "%s/file/below", dir);
    check(path, ENG_PATH_MISSING, dir, "/file/below");
    assert_null(eng_path_resolve("", &(enum eng_path_kind){0}, NULL));
    fx_rm(dir);
}

static void test_below(void **state)
{
    (void)state;
    assert_string_equal(eng_path_below("/a/b/c", "/a"), "b/c");
    assert_string_equal(eng_path_below("/a", "/a"), "");
    assert_string_equal(eng_path_below("/a", "/"), "a");
    assert_null(eng_path_below("/ab", "/a"));
    assert_null(eng_path_below("/", "/a"));
    assert_string_equal(eng_path_below("x/y", "x"), "y");
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(eng_name_kind("a.JPeG"), ENG_NAME_PICTURE);
    assert_int_equal(eng_name_kind("a.b.heic"), ENG_NAME_PICTURE);
    assert_int_equal(eng_name_kind("jpg"), ENG_NAME_BARE);
    assert_int_equal(eng_name_kind("a.txt"), ENG_NAME_OTHER);
    assert_int_equal(eng_name_kind("a.jpg."), ENG_NAME_OTHER);
    assert_true(eng_name_hidden(".x"));
    assert_true(eng_name_hidden("@eaDir"));
    assert_true(eng_name_hidden("System Volume Information"));
    assert_false(eng_name_hidden("lost"));
}

static void test_parts_are_even(void **state)
{
    int counts[16] = {0};
    char rel[40];
    (void)state;
    for (int i = 0; i < 16000; i++) {
        snprintf(rel, sizeof rel, "2024/%02d/IMG_%05d.jpg", i % 12, i);
        int part = eng_part_of(rel, 16);
        assert_in_range(part, 1, 16);
        assert_int_equal(part, eng_part_of(rel, 16));
        counts[part - 1]++;
    }
    for (int i = 0; i < 16; i++)
        assert_in_range(counts[i], 850, 1150);
    /* fixed for ever: several machines must agree, whatever their version */
    assert_int_equal(eng_part_of("a.jpg", 3), 1);
    assert_int_equal(eng_part_of("2024/b.png", 16), 8);
    assert_int_equal(eng_part_of("\xff", 1000), 440);
    assert_int_equal(eng_part_of("", 1), 1);
}

static void test_mounts(void **state)
{
    (void)state;
    assert_true(eng_path_is_mount("/"));
    assert_true(eng_path_is_mount("/proc"));
    assert_false(eng_path_is_mount("/proc/self"));
    assert_false(eng_path_is_mount("src"));
    assert_false(eng_path_is_mount("Makefile"));
    assert_false(eng_path_is_empty("src"));
    assert_false(eng_path_is_empty("/nonexistent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve), cmocka_unit_test(test_below),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_parts_are_even),
        cmocka_unit_test(test_mounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
