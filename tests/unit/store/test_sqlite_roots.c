/* Roots, absorbing, mounts. */
#include "fixture.h"

static struct store_root *roots_of(struct lib *l, size_t *n)
{
    struct store_root *roots = NULL;
    OK(l, store_roots(l->s, &roots, n, &l->err));
    return roots;
}

static int64_t root_add(struct lib *l, const char *path)
{
    int64_t id = 0;
    OK(l, store_root_add(l->s, path, &id, &l->err));
    return id;
}

static int64_t picture_at(struct lib *l, int64_t root, const char *rel)
{
    int64_t id = 0;
    int rc = store_picture_at(l->s, root, rel, &id, &l->err);
    return rc == EYE_ENOTFOUND ? 0 : rc ? rc : id;
}

static void the_same_path_is_the_same_root(void **state)
{
    struct lib *l = *state;
    size_t n = 0;
    assert_int_equal(root_add(l, "/pics"), l->root);
    int64_t other = root_add(l, "/\xff other");
    struct store_root *roots = roots_of(l, &n);
    assert_int_equal(n, 2);
    assert_string_equal(roots[0].path, "/pics");
    assert_int_equal(roots[1].id, other);
    assert_string_equal(roots[1].path, "/\xff other");
    assert_false(roots[0].offline);
    assert_int_equal(roots[0].last_scan, 0);
    store_roots_free(roots, n);
    static const char *const bad[] = {"", "pics", "/pics/", "./a"};
    int64_t id;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(store_root_add(l->s, bad[i], &id, &l->err), EYE_EINVAL);
}

static void state_and_counts(void **state)
{
    struct lib *l = *state;
    size_t n;
    add(l, "a", "a");
    add(l, "b", "a");
    fail_file(l, l->root, "c", "no");
    OK(l, store_root_state(l->s, l->root, true, 1234567, &l->err));
    struct store_root *roots = roots_of(l, &n);
    assert_true(roots[0].offline);
    assert_int_equal(roots[0].last_scan, 1234567);
    assert_int_equal(roots[0].files, 2);
    assert_int_equal(roots[0].failures, 1);
    store_roots_free(roots, n);
    assert_int_equal(store_root_state(l->s, 4711, false, 0, &l->err), EYE_ENOTFOUND);
}

static void removing_takes_files_failures_and_orphans(void **state)
{
    struct lib *l = *state;
    int64_t other = root_add(l, "/other");
    int64_t shared = add(l, "a", "shared");
    add(l, "b", "alone");
    fail_file(l, l->root, "c", "no");
    OK(l, store_mount_set(l->s, l->root, "usb", true, &l->err));
    set_file(l, other, "copy", shared);
    OK(l, store_root_remove(l->s, l->root, &l->err));
    struct store_stats st = stats_of(l);
    assert_int_equal(st.roots, 1);
    assert_int_equal(st.files, 1);
    assert_int_equal(st.failures, 0);
    assert_int_equal(st.pictures, 1);
    assert_int_equal(st.embedded, 1);
    assert_int_equal(picture_at(l, other, "copy"), shared);
    assert_int_equal(store_root_remove(l->s, l->root, &l->err), EYE_ENOTFOUND);
    assert_clean(l);
}

static void a_root_above_absorbs(void **state)
{
    struct lib *l = *state;
    int64_t deep = root_add(l, "/home/me/\xf0pics"), near = root_add(l, "/homes");
    int64_t dash = root_add(l, "/home-x"), zero = root_add(l, "/home0");
    int64_t a = put(l, "a"), b = put(l, "b");
    set_file(l, deep, "x/1.jpg", a);
    set_file(l, deep, "2.jpg", b);
    set_file(l, near, "3.jpg", a);
    fail_file(l, deep, "bad\xff.jpg", "truncated");
    OK(l, store_mount_set(l->s, deep, "usb", true, &l->err));
    OK(l, store_mount_set(l->s, deep, "", true, &l->err)); /* the root is a mount itself */
    int64_t g = generation_of(l);
    int64_t home = root_add(l, "/home");
    assert_int_not_equal(home, deep);
    assert_int_equal(picture_at(l, home, "me/\xf0pics/x/1.jpg"), a);
    assert_int_equal(picture_at(l, home, "me/\xf0pics/2.jpg"), b);
    assert_int_equal(picture_at(l, near, "3.jpg"), a);
    assert_int_equal(generation_of(l), g); /* no vector was touched */
    size_t n;
    struct store_root *roots = roots_of(l, &n);
    assert_int_equal(n, 5); /* /home /home-x /home0 /homes /pics */
    assert_int_equal(roots[0].id, home);
    assert_int_equal(roots[0].files, 2);
    assert_int_equal(roots[0].failures, 1);
    assert_int_equal(roots[1].id, dash);
    assert_int_equal(roots[2].id, zero);
    store_roots_free(roots, n);
    char **mounts;
    OK(l, store_mounts(l->s, home, &mounts, &n, &l->err));
    assert_int_equal(n, 2);
    assert_string_equal(mounts[0], "me/\xf0pics");
    assert_string_equal(mounts[1], "me/\xf0pics/usb");
    assert_null(mounts[2]);
    store_strings_free(mounts, n);
    assert_clean(l);
    /* And "/" above all of them. */
    int64_t top = root_add(l, "/");
    assert_int_equal(picture_at(l, top, "home/me/\xf0pics/2.jpg"), b);
    assert_int_equal(picture_at(l, top, "homes/3.jpg"), a);
    roots = roots_of(l, &n);
    assert_int_equal(n, 1);
    store_roots_free(roots, n);
    assert_clean(l);
}

static void colliding_paths_keep_the_better_word(void **state)
{
    struct lib *l = *state;
    /* The outer root is older and knows paths below the inner one. */
    int64_t inner = root_add(l, "/pics/in");
    int64_t old = put(l, "old"), new = put(l, "new"), same = put(l, "same");
    set_file(l, l->root, "in/1", old);
    set_file(l, inner, "1", new); /* both good: the inner one */
    fail_file(l, l->root, "in/2", "outer failed");
    set_file(l, inner, "2", new); /* good beats failure */
    set_file(l, l->root, "in/3", same);
    fail_file(l, inner, "3", "inner failed"); /* likewise */
    set_file(l, l->root, "in/4", same);
    set_file(l, inner, "4", same);
    set_file(l, l->root, "in", same); /* beside the folder, not in it */
    assert_int_equal(root_add(l, "/pics"), l->root);
    assert_int_equal(picture_at(l, l->root, "in/1"), new);
    assert_int_equal(picture_at(l, l->root, "in/2"), new);
    assert_int_equal(picture_at(l, l->root, "in/3"), same);
    assert_int_equal(picture_at(l, l->root, "in/4"), same);
    assert_int_equal(picture_at(l, l->root, "in"), same);
    struct store_stats st = stats_of(l);
    assert_int_equal(st.files, 5);
    assert_int_equal(st.failures, 0);
    assert_int_equal(st.pictures, 2); /* "old" lost its only file */
    assert_int_equal(st.roots, 1);
    assert_clean(l);
}

static void an_offline_root_becomes_a_mount(void **state)
{
    struct lib *l = *state;
    int64_t usb = root_add(l, "/media/me/usb"), local = root_add(l, "/media/me/local");
    set_file(l, usb, "1", put(l, "1"));
    set_file(l, local, "1", put(l, "2"));
    OK(l, store_root_state(l->s, usb, true, 5, &l->err));
    OK(l, store_root_state(l->s, local, false, 5, &l->err));
    int64_t media = root_add(l, "/media");
    char **mounts;
    size_t n;
    OK(l, store_mounts(l->s, media, &mounts, &n, &l->err));
    assert_int_equal(n, 1);
    assert_string_equal(mounts[0], "me/usb");
    store_strings_free(mounts, n);
    assert_clean(l);
}

/* It takes nothing from the roots below it until it becomes a root for the whole folder. */
static void a_root_for_single_files(void **state)
{
    struct lib *l = *state;
    size_t n;
    int64_t in = root_add(l, "/home/pics"), files = 0, again = 0;
    OK(l, store_root_add_files(l->s, "/home", &files, &l->err));
    OK(l, store_root_add_files(l->s, "/home", &again, &l->err));
    assert_int_equal(again, files);
    OK(l, store_root_add_files(l->s, "/pics", &again, &l->err)); /* stays what it was */
    assert_int_equal(again, l->root);
    int64_t a = put(l, "a"), b = put(l, "b");
    set_file(l, files, "a.jpg", a);
    set_file(l, in, "b.jpg", b);
    OK(l, store_root_state(l->s, files, false, 1234567, &l->err));
    struct store_root *roots = roots_of(l, &n);
    assert_int_equal(n, 3);
    assert_true(roots[0].files_only);
    assert_int_equal(roots[0].last_scan, 1234567);
    assert_false(roots[1].files_only);
    assert_int_equal(roots[1].files, 1);
    assert_false(roots[2].files_only);
    store_roots_free(roots, n);
    assert_int_equal(root_add(l, "/home"), files);
    assert_int_equal(picture_at(l, files, "a.jpg"), a);
    assert_int_equal(picture_at(l, files, "pics/b.jpg"), b);
    roots = roots_of(l, &n);
    assert_int_equal(n, 2);
    assert_false(roots[0].files_only);
    assert_int_equal(roots[0].last_scan, 0);
    store_roots_free(roots, n);
    OK(l, store_root_state(l->s, files, false, 7, &l->err));
    assert_int_equal(root_add(l, "/home"), files); /* once more: nothing changes */
    roots = roots_of(l, &n);
    assert_int_equal(roots[0].last_scan, 7);
    store_roots_free(roots, n);
    assert_clean(l);
}

/* It is the library's own: it moves with it, and no root above takes it. */
static void the_root_of_the_uploads(void **state)
{
    struct lib *l = *state;
    size_t n;
    int64_t up = 0, again = 0, old = root_add(l, "/lib/uploads");
    OK(l, store_root_state(l->s, old, true, 5, &l->err));
    OK(l, store_root_uploads(l->s, "/lib/uploads", &up, &l->err));
    assert_int_equal(up, old);
    set_file(l, up, "a.jpg", put(l, "a"));
    int64_t all = root_add(l, "/");
    struct store_root *roots = roots_of(l, &n);
    assert_int_equal(n, 2);
    assert_int_equal(roots[1].id, up);
    assert_true(roots[1].uploads);
    assert_false(roots[0].uploads);
    assert_false(roots[1].offline);
    store_roots_free(roots, n);
    OK(l, store_root_uploads(l->s, "/moved/uploads", &again, &l->err));
    if (l->remote) { /* each machine has its own: it is another one */
        assert_true(again != up && picture_at(l, up, "a.jpg") > 0);
        return;
    }
    assert_int_equal(again, up);
    OK(l, store_root_uploads(l->s, "/moved/uploads", &again, &l->err));
    assert_int_equal(again, up);
    assert_true(picture_at(l, up, "a.jpg") > 0);
    OK(l, store_root_remove(l->s, up, &l->err));
    OK(l, store_root_uploads(l->s, "/moved/uploads", &again, &l->err));
    assert_true(again > up && again > all);
    OK(l, store_roots_brief(l->s, &roots, &n, &l->err));
    assert_int_equal(n, 2);
    assert_int_equal(roots[1].files, 0);
    store_roots_free(roots, n);
    assert_clean(l);
}

static void mounts_come_and_go(void **state)
{
    struct lib *l = *state;
    char **mounts, rel[16];
    size_t n;
    OK(l, store_mounts(l->s, l->root, &mounts, &n, &l->err));
    assert_int_equal(n, 0);
    assert_null(mounts[0]);
    store_strings_free(mounts, n);
    for (int i = 20; i-- > 0;) {
        snprintf(rel, sizeof rel, "m%02d", i);
        OK(l, store_mount_set(l->s, l->root, rel, true, &l->err));
        OK(l, store_mount_set(l->s, l->root, rel, true, &l->err));
    }
    OK(l, store_mount_set(l->s, l->root, "m07", false, &l->err));
    OK(l, store_mount_set(l->s, l->root, "never", false, &l->err));
    OK(l, store_mounts(l->s, l->root, &mounts, &n, &l->err));
    assert_int_equal(n, 19);
    assert_string_equal(mounts[0], "m00");
    assert_string_equal(mounts[7], "m08");
    assert_null(mounts[19]);
    store_strings_free(mounts, n);
    assert_clean(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(the_same_path_is_the_same_root),
        T(state_and_counts),
        T(removing_takes_files_failures_and_orphans),
        T(a_root_above_absorbs),
        T(colliding_paths_keep_the_better_word),
        T(an_offline_root_becomes_a_mount),
        T(a_root_for_single_files),
        T(the_root_of_the_uploads),
        T(mounts_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
