/* Which folder a watch is of: with real inotify on a small tree. */
#include "fixture.h"

#include <errno.h>

#include "engine/watch.h"

struct tx {
    char root[64];
    struct watch_tree tree;
};

static void path_of(const struct tx *x, const char *rel, char path[400])
{
    snprintf(path, 400, "%s%s%s", x->root, rel[0] ? "/" : "", rel);
}

static int add(struct tx *x, struct watch_node *parent, const char *name, const char *rel,
               struct watch_node **other)
{
    char path[400];
    struct stat st;
    path_of(x, rel, path);
    assert_int_equal(fs_mkdirs(path, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    return watch_tree_add(&x->tree, x->root, parent, name, path, &st, other);
}

static struct tx *begin(void)
{
    struct tx *x = calloc(1, sizeof *x);
    struct watch_node *other;
    snprintf(x->root, sizeof x->root, "/tmp/eyeshine-tree-XXXXXX");
    assert_non_null(mkdtemp(x->root));
    assert_int_equal(watch_tree_open(&x->tree, &watch_sys_real), 0);
    assert_int_equal(add(x, NULL, "", "", &other), 0);
    return x;
}

static void finish(struct tx *x)
{
    watch_tree_close(&x->tree);
    fx_rm(x->root);
    free(x);
}

static void names_and_numbers(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct tx *x = begin();
    struct watch_node *other, *a, *b;
    char name[32];
    assert_int_equal(add(x, x->tree.top, "a", "a", &other), 0);
    a = watch_tree_child(&x->tree, x->tree.top, "a");
    assert_int_equal(add(x, a, "b", "a/b", &other), 0);
    b = watch_tree_at(&x->tree, "", "a/b");
    assert_non_null(b);
    assert_ptr_equal(watch_tree_find(&x->tree, b->wd), b);
    assert_null(watch_tree_at(&x->tree, "", "b"));
    assert_null(watch_tree_at(&x->tree, "", "a/b/c"));
    char *rel = watch_tree_rel(b, "f.jpg");
    assert_string_equal(rel, "a/b/f.jpg");
    free(rel);
    rel = watch_tree_rel(x->tree.top, "");
    assert_string_equal(rel, "");
    free(rel);
    for (int i = 0; i < MANY; i++) {
        char deep[64];
        snprintf(name, sizeof name, "n%d", i);
        snprintf(deep, sizeof deep, "a/b/%s", name);
        assert_int_equal(add(x, b, name, deep, &other), 0);
    }
    assert_int_equal(x->tree.n, MANY + 3);
    assert_int_equal(add(x, b, "n7", "a/b/n7", &other), 0); /* again */
    assert_int_equal(x->tree.n, MANY + 3);
    int wd = b->wd;
    watch_tree_drop(&x->tree, a);
    assert_int_equal(x->tree.n, 1);
    assert_null(watch_tree_find(&x->tree, wd));
    assert_null(watch_tree_child(&x->tree, x->tree.top, "a"));
    watch_tree_drop(&x->tree, NULL);
    finish(x);
}

/* The kernel gives a folder that moved its old number. */
static void a_folder_that_moved(void **state)
{
    (void)state;
    struct tx *x = begin();
    struct watch_node *other = NULL;
    char from[400], to[400];
    assert_int_equal(add(x, x->tree.top, "a", "a", &other), 0);
    struct watch_node *a = watch_tree_at(&x->tree, "", "a");
    assert_int_equal(add(x, a, "in", "a/in", &other), 0);
    int wd = a->wd;
    path_of(x, "a", from);
    path_of(x, "z", to);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(add(x, x->tree.top, "z", "z", &other), 0);
    assert_null(watch_tree_at(&x->tree, "", "a"));
    assert_int_equal(watch_tree_at(&x->tree, "", "z")->wd, wd);
    assert_int_equal(x->tree.n, 2); /* what was in it is to be found anew */
    finish(x);
}

static void the_same_folder_twice(void **state)
{
    (void)state;
    struct tx *x = begin();
    struct watch_node *other = NULL;
    struct stat st;
    char path[400];
    assert_int_equal(add(x, x->tree.top, "a", "a", &other), 0);
    path_of(x, "a", path);
    assert_int_equal(stat(path, &st), 0); /* as another name, as a bind mount is */
    assert_int_equal(watch_tree_add(&x->tree, x->root, x->tree.top, "b", path, &st, &other),
                     EEXIST);
    assert_ptr_equal(other, watch_tree_at(&x->tree, "", "a"));
    assert_int_equal(x->tree.n, 2);
    path_of(x, "nowhere", path);
    assert_int_equal(watch_tree_add(&x->tree, x->root, x->tree.top, "n", path, &st, &other),
                     ENOENT);
    finish(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers),
        cmocka_unit_test(a_folder_that_moved),
        cmocka_unit_test(the_same_folder_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
