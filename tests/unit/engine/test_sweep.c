/* test_sweep.c - what is gone is removed, what is out of reach is kept: roots, mounts, partial scans. */
#include <fcntl.h>
#include <unistd.h>

#include "engine/fixture.h"

static void move_photos(struct fx *fx, bool away)
{
    char hidden[400];
    snprintf(hidden, sizeof hidden, "%s.away", fx->photos);
    assert_int_equal(rename(away ? fx->photos : hidden, away ? hidden : fx->photos), 0);
}

static void test_missing_root_is_offline(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_index(fx, "");
    move_photos(fx, true);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 0);
    assert_int_equal(fx->p.offline_roots, 1);
    assert_non_null(strstr(fx->log, "offline"));
    assert_int_equal(fx_status(fx).files, 2);
    assert_int_equal(fx_status(fx).roots_offline, 1);
    assert_int_equal(fx_index_rc(fx, "", NULL), 0); /* named, too */
    assert_int_equal(fx->p.offline_roots, 1);
    assert_int_equal(mkdir(fx->photos, 0700), 0); /* the empty mount point */
    fx_index(fx, "");
    assert_int_equal(fx->p.offline_roots, 1);
    assert_int_equal(fx_status(fx).files, 2);
    assert_int_equal(rmdir(fx->photos), 0);
    move_photos(fx, false);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 2, 0, 0);
    assert_int_equal(fx_status(fx).roots_offline, 0);
    fx_free(fx);
}

static void test_offline_root_beside_another(void **state)
{
    struct fx *fx = fx_new(state);
    char other[400], path[600];
    snprintf(other, sizeof other, "%s/other", fx->dir);
    snprintf(path, sizeof path, "%s/x.bmp", other);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, path, 2);
    fx_index(fx, "");
    fx_index(fx, other);
    assert_int_equal(fx_status(fx).roots, 2);
    /* x.bmp moves from one root to the other: it keeps its picture although it leaves the first root earlier */
    fx_rename(fx, path, "moved.bmp");
    snprintf(path, sizeof path, "%s/y.bmp", other);
    fx_picture(fx, path, 3);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 1, 0, 1, 1, 1, 0);
    assert_int_equal(fx_outcome(fx, "moved.bmp"), EYE_FILE_LINKED);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void set_mount(struct fx *fx, const char *rel)
{
    struct store *s = eng_store_get(fx->lib, &fx->err);
    struct store_root *roots;
    size_t n;
    assert_non_null(s);
    FX_OK(fx, store_roots(s, &roots, &n, &fx->err));
    FX_OK(fx, store_begin(s, &fx->err));
    FX_OK(fx, store_mount_set(s, roots[0].id, rel, true, &fx->err));
    FX_OK(fx, store_commit(s, &fx->err));
    store_roots_free(roots, n);
    eng_store_put(fx->lib, s);
}

static size_t mounts(struct fx *fx)
{
    struct store *s = eng_store_get(fx->lib, &fx->err);
    struct store_root *roots;
    char **rels;
    size_t n, m;
    FX_OK(fx, store_roots(s, &roots, &n, &fx->err));
    FX_OK(fx, store_mounts(s, roots[0].id, &rels, &m, &fx->err));
    store_strings_free(rels, m);
    store_roots_free(roots, n);
    eng_store_put(fx->lib, s);
    return m;
}

/* A folder that was a mount point once and is not now: as the store would remember it. */
static void test_unmounted_folder_is_kept(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "usb/b.bmp", 2);
    fx_picture(fx, "usb/sub/c.bmp", 3);
    fx_index(fx, "");
    set_mount(fx, "usb");
    fx_unlink(fx, "usb/b.bmp");
    fx_unlink(fx, "usb/sub/c.bmp");
    fx_unlink(fx, "usb/sub");
    fx_index(fx, ""); /* empty */
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0);
    assert_non_null(strstr(fx->log, "usb"));
    fx_unlink(fx, "usb");
    fx_index(fx, ""); /* missing */
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0);
    fx_index(fx, "usb/sub"); /* a scope inside of it */
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 0);
    fx_write(fx, "usb/stray.txt", "x", 1); /* something else lies in the bare mount point */
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0);
    assert_int_equal(fx_status(fx).files, 3);
    assert_int_equal(mounts(fx), 1);
    fx_picture(fx, "usb/b.bmp",
               2); /* files moved onto the disk below: an ordinary folder from now on */
    fx_index(fx, "");
    assert_int_equal(fx->p.removed, 1);
    assert_int_equal(fx_outcome(fx, "usb/sub/c.bmp"), EYE_FILE_REMOVED);
    assert_int_equal(mounts(fx), 0);
    fx_free(fx);
}

static void test_part_of_a_root(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "x/a.bmp", 1);
    fx_picture(fx, "y/b.bmp", 2);
    fx_index(fx, "");
    fx_unlink(fx, "x/a.bmp");
    fx_unlink(fx, "y/b.bmp");
    fx_picture(fx, "x/c.bmp", 3);
    fx_picture(fx, "y/d.bmp", 4);
    fx_index(fx, "x"); /* says nothing of y */
    FX_COUNTS(fx, 1, 0, 0, 0, 1, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    fx_unlink(fx, "x/c.bmp");
    fx_unlink(fx, "x");
    fx_index(fx, "x"); /* the folder itself is gone */
    FX_COUNTS(fx, 0, 0, 0, 0, 1, 0);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 0, 1, 0);
    fx_verify_clean(fx);
    fx_free(fx);
}

static void test_single_file(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_picture(fx, "named.xyz", 3);
    fx_index(fx, "a.bmp");
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    fx_index(fx, "named.xyz"); /* named by its name: no filter */
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    fx_index(fx, "a.bmp/"); /* a slip of the tab key is not "the file is gone" */
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0);
    fx_unlink(fx, "a.bmp");
    fx_index(fx, "a.bmp");
    FX_COUNTS(fx, 0, 0, 0, 0, 1, 0);
    assert_int_equal(fx_status(fx).files, 1);
    fx_free(fx);
}

static int any_root(void *ctx, const eye_root *root)
{
    snprintf(ctx, 600, "%s", root->path);
    return 0;
}

/* Of a folder of which single files were named nothing else is looked at, until someone names the folder. */
static void test_single_files_of_a_folder(void **state)
{
    struct fx *fx = fx_new(state);
    eye_index_options dry = {.dry_run = true};
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_picture(fx, "other.bmp", 3);
    fx_picture(fx, "in/c.bmp", 4);
    fx_index(fx, "a.bmp");
    fx_index(fx, "b.bmp");
    assert_int_equal(fx_status(fx).roots, 1);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 2, 0, 0);
    fx_index(fx, "in"); /* a folder in it is a root of its own */
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    assert_int_equal(fx_status(fx).roots, 2);
    fx_picture(fx, "a.bmp", 5);
    fx_unlink(fx, "b.bmp");
    fx_picture(fx, "in/d.bmp", 6);
    fx_index(fx, NULL); /* both roots, each in its way */
    FX_COUNTS(fx, 1, 1, 0, 1, 1, 0);
    assert_int_equal(fx_outcome(fx, "in/d.bmp"), EYE_FILE_INDEXED);
    move_photos(fx, true);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 0);
    assert_int_equal(fx->p.offline_roots, 2);
    move_photos(fx, false);
    FX_OK(fx, fx_index_rc(fx, "", &dry));
    FX_COUNTS(fx, 1, 0, 0, 3, 0, 0);
    assert_int_equal(fx_status(fx).roots, 2);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 3, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    fx_picture(fx, "new.bmp", 7);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 1, 0, 0, 4, 0, 0);
    fx_verify_clean(fx);
    fx_free(fx);
}

/* The library may lie among the pictures: what it keeps there is not indexed with them. */
static void test_the_library_itself_is_left_out(void **state)
{
    struct fx *fx = fx_new(state);
    char path[600], root[600] = "";
    fx_picture(fx, "a.bmp", 1);
    snprintf(path, sizeof path, "%s/spool/half.bmp", fx->library);
    fx_picture(fx, path, 2);
    snprintf(path, sizeof path, "%s/photos/b.bmp", fx->library); /* only the library's own folder */
    fx_picture(fx, path, 3);
    FX_OK(fx, fx_index_rc(fx, fx->dir, NULL));
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    FX_OK(fx, eye_roots(fx->lib, any_root, root, &fx->err));
    assert_string_equal(root, fx->dir);
    fx_free(fx);
}

static void test_only_failed(void **state)
{
    struct fx *fx = fx_new(state);
    eye_index_options o = {.only_failed = true};
    fx_picture(fx, "good.bmp", 1);
    fx_write(fx, "bad.jpg", "no", 2);
    fx_write(fx, "gone.jpg", "no", 2);
    fx_write(fx, "in/mended.jpg", "no", 2);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 3);
    fx_picture(fx, "in/mended.jpg", 2);
    fx_picture(fx, "new.bmp", 3);
    fx_unlink(fx, "gone.jpg");
    FX_OK(fx, fx_index_rc(fx, NULL, &o));
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 1);
    assert_int_equal(fx->p.total, 2);
    assert_int_equal(fx_outcome(fx, "bad.jpg"), EYE_FILE_FAILED);
    assert_int_equal(fx_outcome(fx, "new.bmp"), -1);
    assert_int_equal(fx_status(fx).failures, 1);
    FX_OK(fx, fx_index_rc(fx, "in", &o)); /* a part of them: none here */
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 0);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 2, 0, 1);
    fx_free(fx);
}

/* A path that the system takes in no single call is tried again like any other. */
static void test_only_failed_with_a_long_path(void **state)
{
    struct fx *fx = fx_new(state);
    char part[201];
    eye_index_options o = {.only_failed = true};
    memset(part, 'd', 200);
    part[200] = '\0';
    int dir = open(fx->photos, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 25; i++) {
        assert_int_equal(mkdirat(dir, part, 0700), 0);
        int next = openat(dir, part, O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        close(dir);
        dir = next;
    }
    int fd = openat(dir, "bad.jpg", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "no", 2), 2);
    close(fd);
    fx_write(fx, "also.jpg", "no", 2);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 2);
    FX_OK(fx, fx_index_rc(fx, NULL, &o));
    FX_COUNTS(fx, 0, 0, 0, 0, 0, 2);
    assert_int_equal(fx->p.total, 2);
    assert_int_equal(unlinkat(dir, "bad.jpg", 0), 0);
    close(dir);
    FX_OK(fx, fx_index_rc(fx, NULL, &o));
    assert_int_equal(fx_status(fx).failures, 1);
    fx_free(fx);
}

static int last_scan(void *ctx, const eye_root *root)
{
    *(int64_t *)ctx = root->last_scan;
    return 0;
}

static void test_absorb(void **state)
{
    struct fx *fx = fx_new(state);
    int64_t at = 0;
    fx_picture(fx, "in/a.bmp", 1);
    fx_picture(fx, "in2/b.bmp", 2);
    fx_picture(fx, "c.bmp", 3);
    fx_index(fx, "in/a.bmp");
    FX_OK(fx, eye_roots(fx->lib, last_scan, &at, &fx->err));
    assert_int_equal(at, EYE_TIME_UNKNOWN); /* one file is no scan of the root */
    fx_index(fx, "in");
    FX_OK(fx, eye_roots(fx->lib, last_scan, &at, &fx->err));
    assert_true(at > 1600000000);
    fx_index(fx, "in2");
    assert_int_equal(fx_status(fx).roots, 2);
    int64_t id = fx_best(fx, "in/a.bmp", NULL);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 2, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    assert_int_equal(fx_best(fx, "in/a.bmp", NULL), id);
    fx_verify_clean(fx);
    fx_free(fx);
}

/* A root that is not there when a new one takes it in stays offline, as it would have on its own. */
static void test_absorb_a_missing_root(void **state)
{
    struct fx *fx = fx_new(state);
    eye_index_options dry = {.dry_run = true};
    fx_picture(fx, "disk/a.bmp", 1);
    fx_picture(fx, "disk/sub/b.bmp", 2);
    fx_picture(fx, "c.bmp", 3);
    fx_index(fx, "disk");
    fx_rename(fx, "disk", ".away");
    FX_OK(fx, fx_index_rc(fx, "", &dry));
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    fx_index(fx, "");
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    assert_int_equal(fx_status(fx).files, 3);
    fx_index(fx, "");
    assert_int_equal(fx_status(fx).files, 3);
    fx_rename(fx, ".away", "disk");
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 3, 0, 0);
    fx_unlink(fx, "disk/a.bmp"); /* there again: what is deleted now is deleted */
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 2, 1, 0);
    fx_free(fx);
}

/* The way to a disk that is not connected does not make the folder of the link a root. */
static void test_link_to_nowhere(void **state)
{
    struct fx *fx = fx_new(state);
    char link[600];
    fx_picture(fx, "in/a.bmp", 1);
    fx_index(fx, "in");
    fx_path(fx, "disk", link);
    assert_int_equal(symlink("/nonexistent/disk", link), 0);
    assert_int_equal(fx_index_rc(fx, "disk", NULL), EYE_ENOTFOUND);
    assert_non_null(strstr(fx->err.msg, "leads nowhere"));
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0);
    assert_int_equal(fx_status(fx).failures, 0);
    fx_free(fx);
}

/* As `failures --retry` asks: many paths of one root that is not there are one folder offline. */
static void test_offline_is_told_once(void **state)
{
    struct fx *fx = fx_new(state);
    char a[600], b[600];
    fx_write(fx, "a.bmp", "x", 1);
    fx_write(fx, "b.bmp", "y", 1);
    fx_path(fx, "a.bmp", a);
    fx_path(fx, "b.bmp", b);
    fx_index(fx, "");
    move_photos(fx, true);
    eye_index_options retry = {.retry_failed = true};
    const char *paths[] = {a, b};
    FX_OK(fx, eye_index(fx->lib, paths, 2, &retry, &fx->p, &fx->err));
    assert_int_equal(fx->p.offline_roots, 1);
    assert_int_equal(fx_status(fx).failures, 2);
    fx_free(fx);
}

static void test_several_paths_that_overlap(void **state)
{
    struct fx *fx = fx_new(state);
    char a[600], b[600], c[600];
    fx_picture(fx, "x/a.bmp", 1);
    fx_picture(fx, "b.bmp", 2);
    fx_path(fx, "x/a.bmp", a);
    fx_path(fx, "x/../x/./", b);
    fx_path(fx, "", c);
    const char *paths[] = {a, b, c, c};
    FX_OK(fx, eye_index(fx->lib, paths, 4, NULL, &fx->p, &fx->err));
    FX_COUNTS(fx, 2, 0, 0, 0, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_root_is_offline),
        cmocka_unit_test(test_offline_root_beside_another),
        cmocka_unit_test(test_unmounted_folder_is_kept),
        cmocka_unit_test(test_part_of_a_root),
        cmocka_unit_test(test_single_file),
        cmocka_unit_test(test_single_files_of_a_folder),
        cmocka_unit_test(test_the_library_itself_is_left_out),
        cmocka_unit_test(test_only_failed),
        cmocka_unit_test(test_only_failed_with_a_long_path),
        cmocka_unit_test(test_absorb),
        cmocka_unit_test(test_absorb_a_missing_root),
        cmocka_unit_test(test_link_to_nowhere),
        cmocka_unit_test(test_offline_is_told_once),
        cmocka_unit_test(test_several_paths_that_overlap),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
