/* vector.c: adding, replacing, removing, refusing. */
#include "rows.h"

static void dims_have_limits(void **state)
{
    (void)state;
    struct eye_err err;
    assert_null(vector_new(0, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_null(vector_new(4097, &err));
    assert_null(vector_new(-1, NULL));
    struct vector_set *set = vector_new(4096, &err);
    assert_non_null(set);
    assert_int_equal(vector_dim(set), 4096);
    assert_int_equal(vector_count(set), 0);
    vector_free(set);
    vector_free(NULL);
}

static void nan_and_infinity_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const uint16_t bad[] = {0x7c00, 0xfc00, 0x7e00, 0xfc01, 0x7fff};
    struct vector_set *set = vector_new(33, NULL);
    uint16_t row[33] = {0}, good[33] = {0x3c00};
    struct eye_err err;
    assert_int_equal(vector_add(set, 1, good, NULL), 0);
    for (size_t i = 0; i < 5; i++) {
        row[32] = bad[i];
        assert_int_equal(vector_add(set, 1, row, &err), EYE_EINVAL);
        assert_non_null(strstr(err.msg, "dimension 32"));
        assert_int_equal(vector_add(set, 2, row, &err), EYE_EINVAL);
    }
    assert_int_equal(vector_count(set), 1);
    assert_memory_equal(vector_row(set, 1), good, sizeof good);
    row[32] = 0x7bff; /* the largest finite one */
    assert_int_equal(vector_add(set, 2, row, NULL), 0);
    vector_free(set);
}

static void length_of_a_row(void **state)
{
    (void)state;
    const uint16_t row[3] = {0x4200, 0, 0xc400}; /* 3, 0, -4 */
    double length = 0;
    assert_int_equal(vector_row_length(row, 3, &length, NULL), 0);
    assert_true(length == 5.0);
    assert_int_equal(vector_row_length(row, 3, NULL, NULL), 0);
}

/* Each row says who it is, so a row in the wrong place is seen. */
static void row_for(int64_t id, unsigned version, uint16_t *row, size_t dim)
{
    uint64_t seed = (uint64_t)id * 1000 + version;
    random_row(&seed, row, dim);
}

static void lives_through_many_changes(void **state)
{
    (void)state;
    enum { IDS = 5000, D = 40 };
    static unsigned version[IDS]; /* 0: absent */
    struct vector_set *set = vector_new(D, NULL);
    uint16_t row[D];
    uint64_t seed = 5;
    size_t n = 0, most = 0;
    for (unsigned step = 1; step <= 40000; step++) {
        /* Grows for a while, then shrinks: crosses chunk borders both ways. */
        uint64_t r = next_random(&seed);
        int64_t id = (int64_t)(r % IDS);
        bool removing = (r >> 32) % 10 < (step < 20000 ? 2u : 8u);
        if (removing) {
            assert_int_equal(vector_remove(set, id), version[id] ? 0 : EYE_ENOTFOUND);
            n -= version[id] != 0;
            version[id] = 0;
        } else {
            row_for(id, step, row, D);
            assert_int_equal(vector_add(set, id, row, NULL), 0);
            n += version[id] == 0;
            version[id] = step;
        }
        assert_int_equal(vector_count(set), n);
        most = n > most ? n : most;
    }
    assert_true(most > 3000 && n < 2000);
    for (int64_t id = 0; id < IDS; id++) {
        const uint16_t *got = vector_row(set, id);
        assert_int_equal(got != NULL, version[id] != 0);
        if (got) {
            row_for(id, version[id], row, D);
            assert_memory_equal(got, row, sizeof row);
        }
    }
    size_t before = vector_bytes(set);
    for (int64_t id = 0; id < IDS; id++)
        vector_remove(set, id);
    assert_int_equal(vector_count(set), 0);
    assert_true(vector_bytes(set) < before);
    assert_null(vector_row(set, 0));
    vector_free(set);
}

static void a_borrowed_row_stays_while_others_come(void **state)
{
    (void)state;
    struct vector_set *set = vector_new(8, NULL);
    uint16_t row[8] = {0x3c00};
    assert_int_equal(vector_add(set, INT64_MIN, row, NULL), 0);
    const uint16_t *borrowed = vector_row(set, INT64_MIN);
    for (int64_t id = 0; id < 5000; id++)
        assert_int_equal(vector_add(set, id, row, NULL), 0);
    assert_ptr_equal(vector_row(set, INT64_MIN), borrowed);
    assert_int_equal(borrowed[0], 0x3c00);
    vector_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dims_have_limits),
        cmocka_unit_test(nan_and_infinity_are_refused_and_change_nothing),
        cmocka_unit_test(length_of_a_row),
        cmocka_unit_test(lives_through_many_changes),
        cmocka_unit_test(a_borrowed_row_stays_while_others_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
