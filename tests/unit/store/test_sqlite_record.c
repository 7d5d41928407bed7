/* test_sqlite_record.c - all that is known of a picture, in one piece. */
#include "fixture.h"

static void test_record(void **state)
{
    struct lib *l = *state;
    struct store_record r;
    uint16_t row[DIM], want[DIM];
    struct store_picture p = {.hash = hash_of("x"),
                              .size = 12345678901,
                              .width = 640,
                              .height = 480,
                              .format = "png",
                              .taken_at = -5,
                              .camera = "Fuji X",
                              .has_gps = true,
                              .lat = -12.25,
                              .lon = 99.5,
                              .added_at = 1700000000,
                              .looked_at = true,
                              .phash = UINT64_MAX - 1,
                              .mosaic = {1, 2, [STORE_MOSAIC - 1] = 255}};
    int64_t id = 0;
    unit_row(3, want);
    OK(l, store_put(l->s, &p, l->model, want, DIM, &id, &l->err));
    set_file(l, l->root, "z/one.png", id);
    set_file(l, l->root, "a\xff.png", id);
    OK(l, store_record_get(l->s, id, l->model, row, DIM, &r, &l->err));
    assert_true(r.embedded);
    assert_memory_equal(row, want, sizeof row);
    assert_int_equal(r.picture.size, 12345678901);
    assert_int_equal(r.picture.taken_at, -5);
    assert_string_equal(r.picture.camera, "Fuji X");
    assert_true(r.picture.has_gps && r.picture.looked_at);
    assert_true(r.picture.phash == UINT64_MAX - 1);
    assert_memory_equal(r.picture.mosaic, p.mosaic, STORE_MOSAIC);
    assert_int_equal(r.nfiles, 2);
    assert_string_equal(r.files[0].rel, "a\xff.png");
    assert_string_equal(r.files[1].rel, "z/one.png");
    assert_int_equal(r.files[1].root, l->root);
    assert_int_equal(r.files[1].mtime_ns, 1234567890123456789);
    store_record_release(&r);
    store_record_release(&r);

    OK(l, store_record_get(l->s, id, l->model + 1, row, DIM, &r, &l->err));
    assert_false(r.embedded); /* of that model there is none */
    store_record_release(&r);
    int64_t plain = add(l, "plain.jpg", "plain");
    OK(l, store_record_get(l->s, plain, l->model, row, DIM, &r, &l->err));
    assert_false(r.picture.looked_at || r.picture.has_gps);
    assert_true(r.picture.taken_at == INT64_MIN);
    store_record_release(&r);
}

static void test_what_is_wrong(void **state)
{
    struct lib *l = *state;
    embedded_only(l);
    struct store_record r;
    uint16_t row[DIM];
    int64_t id = add(l, "a.jpg", "a");
    assert_int_equal(store_record_get(l->s, id + 1, l->model, row, DIM, &r, &l->err),
                     EYE_ENOTFOUND);
    store_record_release(&r);
    raw_sql(l, "UPDATE embedding SET vector = x'0102'");
    assert_int_equal(store_record_get(l->s, id, l->model, row, DIM, &r, &l->err), EYE_EFORMAT);
    assert_non_null(strstr(l->err.msg, "2 bytes, not 16"));
    store_record_release(&r);
}

static void test_known_paths(void **state)
{
    struct lib *l = *state;
    bool known = true;
    add(l, "a.jpg", "a");
    fail_file(l, l->root, "bad.jpg", "no picture");
    OK(l, store_file_known(l->s, l->root, "a.jp", &known, &l->err));
    assert_false(known);
    OK(l, store_file_known(l->s, l->root, "a.jpg", &known, &l->err));
    assert_true(known);
    OK(l, store_file_known(l->s, l->root, "bad.jpg", &known, &l->err));
    assert_true(known);
    OK(l, store_file_known(l->s, l->root + 1, "a.jpg", &known, &l->err));
    assert_false(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_record, lib_setup, lib_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong, embedded_setup, lib_teardown),
        cmocka_unit_test_setup_teardown(test_known_paths, lib_setup, lib_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
