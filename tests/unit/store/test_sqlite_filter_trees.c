/* Trees of filters over random libraries, against the same trees asked of one picture after the other in C, whichever way
 * the answer is found: by indexes, by rows, by tables, in the old layout. */
#include "trees.h"

#include "store/sqlite.h"

/* ---- a random library ---- */

static void add_file(struct lib *l, struct known *k, const int64_t *ids, int i)
{
    make_file(k, ids, i);
    const struct seen *s = &k->files[k->nfiles - 1];
    struct store_file f = {
        .picture = k->id, .root = s->root, .rel = s->rel, .size = 1, .mtime_ns = s->mtime_ns};
    OK(l, store_file_set(l->s, &f, &l->err));
}

static void fill(struct lib *l, struct known *all, int64_t *ids)
{
    OK(l, store_root_remove(l->s, l->root, &l->err));
    for (size_t r = 0; r < ROOTS; r++)
        OK(l, store_root_add(l->s, roots[r], &ids[r], &l->err));
    OK(l, store_begin(l->s, &l->err));
    memset(all, 0, N * sizeof *all);
    for (int i = 0; i < N; i++) {
        make_picture(&all[i], i);
        OK(l, store_put(l->s, &all[i].p, l->model, NULL, 0, &all[i].id, &l->err));
        for (uint64_t n = 1 + any(FILES); n; n--)
            add_file(l, &all[i], ids, i);
        if (i % 20 == 0)
            fail_file(l, ids[0], "broken.jpg", "broken");
    }
    OK(l, store_commit(l->s, &l->err));
}

/* Some pictures go, so that ids have holes. */
static void thin_out(struct lib *l, struct known *all)
{
    for (int i = 0; i < N; i += 7) {
        for (size_t k = 0; k < all[i].nfiles; k++) {
            const struct seen *s = &all[i].files[k];
            for (size_t r = 0; r < ROOTS; r++) {
                size_t n = strlen(roots[r]);
                if (strncmp(s->path, roots[r], n) == 0 && (s->path[n] == '/' || !s->path[n]))
                    OK(l, store_file_remove(l->s, s->root, s->path + n + (s->path[n] == '/'),
                                            &l->err));
            }
        }
        all[i].id = 0;
    }
}

/* ---- both ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t check(struct lib *l, const struct known *all, const struct store_where *w)
{
    int64_t *ids = NULL, generation = 0, expected[N];
    uint64_t count = 99;
    size_t n = 99, at = 0;
    OK(l, store_where(l->s, w, &generation, &ids, &n, &l->err));
    assert_non_null(ids);
    for (int i = 0; i < N; i++)
        if (all[i].id && where_passes(w, &all[i]))
            expected[at++] = all[i].id;
    qsort(expected, at, sizeof *expected, by_id); /* of a server they are hashes */
    assert_int_equal(at, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ids[i], expected[i]);
    free(ids);
    OK(l, store_where_count(l->s, w, &count, &l->err));
    assert_int_equal(count, n);
    return n;
}

static void check_all_ways(struct lib *l, const struct known *all, const struct store_where *w)
{
    static const size_t few[] = {0, 1, 12, 60};
    size_t n = 0;
    if (l->remote) { /* has one way */
        check(l, all, w);
        return;
    }
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        l->s->few = few[i];
        n = check(l, all, w);
    }
    int version = l->s->version;
    l->s->version = 2; /* as a library that was opened for reading and has no indexes */
    assert_int_equal(check(l, all, w), n);
    l->s->version = version;
}

static void random_trees(struct lib *l, uint64_t from, int trees)
{
    static struct known all[N];
    int64_t ids[ROOTS];
    seed = from;
    fill(l, all, ids);
    trees = l->remote ? trees / 10 : trees; /* milliseconds each instead of microseconds */
    for (int i = 0; i < trees; i++) {
        static struct tree t;
        if (i == trees / 2)
            thin_out(l, all);
        t.n = t.nparts = 0;
        check_all_ways(l, all, grow(&t, (int)any(5), ids));
    }
    assert_clean(l);
}

static void trees_of_one_library(void **state)
{
    random_trees(*state, 1, 150);
}

static void trees_of_another(void **state)
{
    random_trees(*state, 2, 150);
}

static void trees_of_a_third(void **state)
{
    random_trees(*state, 3, 150);
}

/* Each kind of condition by itself lets some pass and some not, so that none of the above is empty talk. */
static void conditions_alone(void **state)
{
    struct lib *l = *state;
    static struct known all[N];
    int64_t ids[ROOTS];
    size_t some = 0;
    seed = 4;
    fill(l, all, ids);
    const int tries = l->remote ? 30 : 300;
    for (int i = 0; i < tries; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        random_condition(&f, ids);
        const struct store_where is = {.kind = STORE_IS, .filter = &f};
        const struct store_where *const part = &is;
        const struct store_where not = {.kind = STORE_NOT, .parts = &part, .nparts = 1};
        check_all_ways(l, all, &is);
        size_t n = check(l, all, &is);
        assert_int_equal(n + check(l, all, &not ), N); /* there is no third answer */
        some += n > 0 && n < N;
    }
    assert_true(some > (size_t)tries / 2);
}

/* Each pattern by itself, of one root, with a word, with a date. */
static void each_path(struct lib *l)
{
    static struct known all[N];
    int64_t ids[ROOTS];
    seed = 5;
    fill(l, all, ids);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int how = 0; how < 12; how += l->remote ? 11 : 1) {
            struct store_filter f = STORE_FILTER_INIT;
            const struct store_where is = {.kind = STORE_IS, .filter = &f};
            f.path = paths[i];
            f.root = how % 3 == 1 ? ids[0] : how % 3 == 2 ? ids[ROOTS - 1] : 0;
            f.name = how / 3 % 2 ? "1" : NULL;
            f.modified_from = how / 6 ? 100 : INT64_MIN;
            check_all_ways(l, all, &is);
        }
}

static void paths_alone(void **state)
{
    each_path(*state);
}

static void paths_below_slash(void **state)
{
    roots = one_root;
    each_path(*state);
    roots = some_roots;
}

/* One filter wants one file that has it all; two filters may each find their own. */
static void the_same_file(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "a/IMG.jpg", "bytes"), *ids, generation;
    size_t n;
    set_file(l, l->root, "b/holiday.jpg", id);
    struct store_filter both = STORE_FILTER_INIT, a = STORE_FILTER_INIT, b = STORE_FILTER_INIT;
    both.path = a.path = "/pics/a/*";
    both.name = b.name = "holiday";
    const struct store_where one = {.kind = STORE_IS, .filter = &both};
    const struct store_where left = {.kind = STORE_IS, .filter = &a},
                             right = {.kind = STORE_IS, .filter = &b};
    const struct store_where *const parts[] = {&left, &right};
    const struct store_where two = {.kind = STORE_ALL_OF, .parts = parts, .nparts = 2};
    OK(l, store_where(l->s, &one, &generation, &ids, &n, &l->err));
    assert_int_equal(n, 0);
    free(ids);
    OK(l, store_where(l->s, &two, &generation, &ids, &n, &l->err));
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], id);
    free(ids);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(trees_of_one_library), T(trees_of_another),  T(trees_of_a_third), T(conditions_alone),
        T(paths_alone),          T(paths_below_slash), T(the_same_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
