/* test_scan.c - which names are looked at, and what is a failure by its kind. */
#include "engine/fixture.h"

static void test_names(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "bare", 2);          /* no extension: sniffed */
    fx_write(fx, "README", "words", 5); /* sniffed, no picture, no failure */
    fx_write(fx, "notes.txt", "w", 1);  /* skipped by name */
    fx_picture(fx, "disguised.txt", 3); /* likewise */
    fx_picture(fx, ".hidden.bmp", 4);
    fx_picture(fx, ".git/b.bmp", 5);
    fx_picture(fx, "@eaDir/c.bmp", 6);
    fx_index(fx, "");
    FX_COUNTS(fx, 2, 0, 0, 0, 0, 0);
    assert_int_equal(fx->p.seen, 6); /* folders that are skipped are not read */
    assert_int_equal(fx->p.skipped, 4);
    assert_int_equal(fx->p.total, 2);
    assert_int_equal(fx_outcome(fx, "bare"), EYE_FILE_INDEXED);
    eye_index_options all = {.all_files = true};
    FX_OK(fx, fx_index_rc(fx, "", &all));
    FX_COUNTS(fx, 1, 0, 0, 2, 0, 0);
    assert_int_equal(fx_outcome(fx, "disguised.txt"), EYE_FILE_INDEXED);
    fx_index(fx, ""); /* without: it is still there, so it stays */
    assert_int_equal(fx->p.removed, 0);
    assert_int_equal(fx_status(fx).files, 3);
    fx_free(fx);
}

static void test_exclude_keeps_what_is_known(void **state)
{
    struct fx *fx = fx_new(state);
    const char *const globs[] = {"*.tmp.bmp", "cache/*", "old"};
    eye_index_options o = {.exclude = globs, .nexclude = 3};
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.tmp.bmp", 2);
    fx_picture(fx, "cache/c.bmp", 3);
    fx_picture(fx, "sub/old/d.bmp", 4);
    FX_OK(fx, fx_index_rc(fx, "", &o));
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    assert_int_equal(fx_outcome(fx, "a.bmp"), EYE_FILE_INDEXED);
    fx_index(fx, "");
    FX_COUNTS(fx, 3, 0, 0, 1, 0, 0);
    FX_OK(fx, fx_index_rc(fx, "", &o));
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0);
    assert_int_equal(fx_status(fx).files, 4);
    fx_free(fx);
}

static void test_things_named_like_pictures(void **state)
{
    struct fx *fx = fx_new(state);
    char path[600], target[600];
    fx_picture(fx, "real.bmp", 1);
    fx_picture(fx, "sub/x.bmp", 2);
    fx_path(fx, "pipe.jpg", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    fx_path(fx, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    fx_path(fx, "dangling.png", path);
    assert_int_equal(symlink("nowhere.png", path), 0);
    fx_path(fx, "loop.png", path);
    assert_int_equal(symlink("loop.png", path), 0);
    fx_path(fx, "folder.jpg", path);
    assert_int_equal(symlink("sub", path), 0);
    fx_path(fx, "link.bmp", path);
    fx_path(fx, "real.bmp", target);
    assert_int_equal(symlink(target, path), 0);
    fx_index(fx, "");
    FX_COUNTS(fx, 2, 0, 1, 0, 0, 3);
    assert_string_equal(fx_event(fx, "pipe.jpg")->reason, "is a FIFO");
    assert_non_null(strstr(fx_event(fx, "dangling.png")->reason, "nowhere"));
    assert_non_null(strstr(fx_event(fx, "loop.png")->reason, "circle"));
    assert_null(fx_event(fx, "folder.jpg"));
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 3, 0, 3);
    assert_int_equal(fx->nevents, 0);
    fx_free(fx);
}

static void test_awkward_names(void **state)
{
    struct fx *fx = fx_new(state);
    static const char *const names[] = {"new\nline.bmp", "\xff\xfe.bmp", "a*b?.bmp", " .bmp",
                                        "\xc3\xa9t\xc3\xa9/\xe6\xb5\xb7.bmp"};
    for (size_t i = 0; i < 5; i++)
        fx_picture(fx, names[i], i);
    fx_index(fx, "");
    FX_COUNTS(fx, 5, 0, 0, 0, 0, 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(fx_outcome(fx, names[i]), EYE_FILE_INDEXED);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 5, 0, 0);
    fx_free(fx);
}

static int open_to_all(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)ftw, (void)flag;
    return chmod(path, S_ISDIR(st->st_mode) ? 0777 : 0644);
}

/* Root reads everything, so the test becomes somebody else for a while. */
static void test_unreadable_folder_keeps_its_files(void **state)
{
    uid_t me = geteuid();
    char path[600];
    assert_int_equal(nftw(*state, open_to_all, 16, FTW_PHYS), 0);
    assert_int_equal(seteuid(me == 0 ? 65534 : me), 0);
    struct fx *fx = fx_new(state);
    fx_picture(fx, "sub/a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_picture(fx, "shut.bmp", 3);
    fx_index(fx, "");
    fx_path(fx, "sub", path);
    assert_int_equal(chmod(path, 0), 0);
    fx_picture(fx, "shut.bmp", 4);
    fx_path(fx, "shut.bmp", path);
    assert_int_equal(chmod(path, 0), 0);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 2);
    assert_non_null(strstr(fx_event(fx, "sub")->reason, "Permission denied"));
    assert_non_null(strstr(fx_event(fx, "shut.bmp")->reason, "Permission denied"));
    assert_int_equal(fx_status(fx).files, 2); /* sub/a.bmp was not seen to be gone */
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 2);
    assert_int_equal(fx->nevents, 0);
    fx_path(fx, "sub", path);
    assert_int_equal(chmod(path, 0700), 0);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 2, 0, 1);
    assert_int_equal(fx_status(fx).failures, 1);
    fx_free(fx);
    assert_int_equal(seteuid(me), 0);
}

static void test_known_ranges(void **state)
{
    static const char *const rels[] = {"a.bmp", "a/b/c.bmp", "a/b0.bmp", "a/z.bmp", "a0.bmp"};
    struct eng_known known[5];
    struct eng_scope scope = {.known = known, .nknown = 5};
    struct eng_known *exact;
    size_t lo, hi;
    (void)state;
    memset(known, 0, sizeof known);
    for (size_t i = 0; i < 5; i++)
        known[i].rel = (char *)(uintptr_t)rels[i];
    eng_known_range(&scope, "a", &lo, &hi, &exact);
    assert_int_equal(lo, 1);
    assert_int_equal(hi, 4);
    assert_null(exact);
    eng_known_range(&scope, "a/b", &lo, &hi, &exact);
    assert_int_equal(lo, 1);
    assert_int_equal(hi, 2);
    eng_known_range(&scope, "zz", &lo, &hi, &exact);
    assert_int_equal(lo, hi);
    eng_known_range(&scope, "", &lo, &hi, &exact);
    assert_int_equal(hi - lo, 5);
    eng_known_keep(&scope, "a.bmp");
    assert_true(known[0].kept);
    assert_false(known[1].kept);
    assert_ptr_equal(eng_known_find(&scope, "a/z.bmp"), &known[3]);
    assert_null(eng_known_find(&scope, "a/z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_exclude_keeps_what_is_known),
        cmocka_unit_test(test_things_named_like_pictures),
        cmocka_unit_test(test_awkward_names),
        cmocka_unit_test(test_unreadable_folder_keeps_its_files),
        cmocka_unit_test(test_known_ranges),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
