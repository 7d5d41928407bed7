/* Pictures by content and the paths that show them. */
#include "fixture.h"

static void every_field_comes_back(void **state)
{
    struct lib *l = *state;
    struct store_picture p = {.hash = hash_of("x"),
                              .size = 123456789012,
                              .width = 4000,
                              .height = 3000,
                              .format = "jpeg",
                              .taken_at = -86400,
                              .camera = "Nikon \"Z\" 6",
                              .has_gps = true,
                              .lat = -33.8568,
                              .lon = 151.2153,
                              .added_at = 1700000000};
    struct store_picture got;
    int64_t id, again;
    OK(l, store_put(l->s, &p, 0, NULL, 0, &id, &l->err));
    set_file(l, l->root, "x", id);
    OK(l, store_picture_get(l->s, id, &got, &l->err));
    p.id = id;
    assert_int_equal(got.id, id);
    assert_memory_equal(&got.hash, &p.hash, sizeof p.hash);
    assert_int_equal(got.size, p.size);
    assert_int_equal(got.width, 4000);
    assert_int_equal(got.height, 3000);
    assert_string_equal(got.format, "jpeg");
    assert_int_equal(got.taken_at, -86400);
    assert_string_equal(got.camera, p.camera);
    assert_true(got.has_gps && got.lat == p.lat && got.lon == p.lon);
    assert_int_equal(got.added_at, 1700000000);
    OK(l, store_put(l->s, &p, 0, NULL, 0, &again, &l->err));
    assert_int_equal(again, id);

    struct store_picture bare = {.hash = hash_of("y"), .format = "png", .taken_at = INT64_MIN};
    OK(l, store_put(l->s, &bare, 0, NULL, 0, &id, &l->err));
    OK(l, store_picture_get(l->s, id, &got, &l->err));
    assert_true(got.taken_at == INT64_MIN);
    assert_false(got.has_gps);
    assert_string_equal(got.camera, "");
    assert_int_equal(store_picture_get(l->s, 4711, &got, &l->err), EYE_ENOTFOUND);
    bare.size = UINT64_MAX;
    assert_int_equal(store_put(l->s, &bare, 0, NULL, 0, &id, &l->err), EYE_EINVAL);
}

static void found_by_hash_with_or_without_vector(void **state)
{
    struct lib *l = *state;
    struct hash h = hash_of("x"), unknown = hash_of("z");
    struct store_picture p = {.hash = h, .format = "png"};
    int64_t id, found = 0;
    bool has = true;
    uint16_t row[DIM];
    OK(l, store_put(l->s, &p, 0, NULL, 0, &id, &l->err));
    OK(l, store_picture_by_hash(l->s, &h, l->model, &found, &has, &l->err));
    assert_int_equal(found, id);
    assert_false(has);
    unit_row(1, row);
    OK(l, store_put(l->s, &p, l->model, row, DIM, &found, &l->err));
    assert_int_equal(found, id);
    OK(l, store_picture_by_hash(l->s, &h, l->model, &found, &has, &l->err));
    assert_true(has);
    OK(l, store_picture_by_hash(l->s, &h, l->model + 1, &found, &has, &l->err));
    assert_false(has);
    OK(l, store_picture_by_hash(l->s, &h, l->model, &found, NULL, &l->err));
    assert_int_equal(store_picture_by_hash(l->s, &unknown, l->model, &found, &has, &l->err),
                     EYE_ENOTFOUND);
}

static void a_bad_vector_leaves_no_picture(void **state)
{
    struct lib *l = *state;
    struct store_picture p = {.hash = hash_of("x"), .format = "png"};
    uint16_t row[DIM] = {0x7e00};
    int64_t id;
    assert_int_equal(store_put(l->s, &p, l->model, row, DIM, &id, &l->err), EYE_EINVAL);
    unit_row(0, row);
    assert_int_equal(store_put(l->s, &p, l->model, row, DIM - 1, &id, &l->err), EYE_EINVAL);
    assert_int_equal(store_put(l->s, &p, 4711, row, DIM, &id, &l->err), EYE_ENOTFOUND);
    assert_int_equal(stats_of(l).pictures, 0);
    /* And it does not break the transaction that it was tried in. */
    OK(l, store_begin(l->s, &l->err));
    assert_int_equal(store_put(l->s, &p, 4711, row, DIM, &id, &l->err), EYE_ENOTFOUND);
    add(l, "good", "good");
    OK(l, store_commit(l->s, &l->err));
    assert_int_equal(stats_of(l).pictures, 1);
}

static void ids_are_not_used_again(void **state)
{
    struct lib *l = *state;
    embedded_only(l);
    int64_t first = add(l, "a", "a");
    OK(l, store_file_remove(l->s, l->root, "a", &l->err));
    assert_true(add(l, "a", "b") > first);
}

static void paths_online_first_then_by_bytes(void **state)
{
    struct lib *l = *state;
    int64_t gone = 0, top = 0;
    size_t n = 99, online = 99;
    char **paths;
    OK(l, store_root_add(l->s, "/a-gone", &gone, &l->err));
    OK(l, store_root_add(l->s, "/z", &top, &l->err));
    OK(l, store_root_state(l->s, gone, true, 1, &l->err));
    int64_t id = add(l, "sub/\xff.jpg", "x");
    add(l, "sub.jpg", "x");
    set_file(l, gone, "1", id);
    set_file(l, gone, "", id); /* the root itself is the file */
    set_file(l, top, "1", id);
    OK(l, store_picture_paths(l->s, id, &paths, &n, &online, &l->err));
    static const char *const want[] = {"/pics/sub.jpg", "/pics/sub/\xff.jpg", "/z/1", "/a-gone",
                                       "/a-gone/1"};
    assert_int_equal(n, 5);
    assert_int_equal(online, 3);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(paths[i], want[i]);
    assert_null(paths[n]);
    store_strings_free(paths, n);
    OK(l, store_picture_paths(l->s, 4711, &paths, &n, &online, &l->err));
    assert_int_equal(n + online, 0);
    store_strings_free(paths, n);
}

static void files_of_the_root_of_everything(void **state)
{
    struct lib *l = *state;
    int64_t top;
    size_t n;
    char **paths;
    int64_t id = add(l, "x", "x");
    OK(l, store_root_add(l->s, "/", &top, &l->err));
    OK(l, store_picture_paths(l->s, id, &paths, &n, NULL, &l->err));
    assert_int_equal(n, 1);
    assert_string_equal(paths[0], "/pics/x");
    store_strings_free(paths, n);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, embedded_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(every_field_comes_back),           T(found_by_hash_with_or_without_vector),
        T(a_bad_vector_leaves_no_picture),   E(ids_are_not_used_again),
        T(paths_online_first_then_by_bytes), T(files_of_the_root_of_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
