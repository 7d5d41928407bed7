/* vector.c: adding, finding, refusing, and forks that share rows. */
#include "rows.h"

#include <pthread.h>

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
        assert_int_equal(vector_add(set, 2, row, &err), EYE_EINVAL);
        assert_non_null(strstr(err.msg, "dimension 32"));
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

enum { D = 40 };

/* Ids of a set: from, from + step ... */
static void grow(struct vector_set *set, int64_t from, int64_t step, size_t n, unsigned version)
{
    uint16_t row[D];
    for (size_t i = 0; i < n; i++) {
        int64_t id = from + (int64_t)i * step;
        row_for(id, version, row, D);
        assert_int_equal(vector_add(set, id, row, NULL), 0);
    }
}

static void assert_holds(const struct vector_set *set, int64_t from, int64_t step, size_t n,
                         unsigned version)
{
    uint16_t row[D];
    for (size_t i = 0; i < n; i++) {
        int64_t id = from + (int64_t)i * step;
        const uint16_t *got = vector_row(set, id);
        assert_non_null(got);
        row_for(id, version, row, D);
        assert_memory_equal(got, row, sizeof row);
        assert_int_equal((uintptr_t)got % 64, 0);
    }
}

static void found_by_id(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 1023, 1024, 1025, 5000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct vector_set *set = vector_new(D, NULL);
        grow(set, -300, 3, sizes[s], 0);
        assert_int_equal(vector_count(set), sizes[s]);
        assert_holds(set, -300, 3, sizes[s], 0);
        for (int64_t id = -299; id < -300 + 3 * (int64_t)sizes[s]; id += 1 + (id % 3 == 0 ? 0 : 1))
            assert_int_equal(vector_row(set, id) != NULL, id % 3 == 0);
        assert_null(vector_row(set, -301));
        assert_null(vector_row(set, INT64_MAX));
        assert_true(vector_last(set) ==
                    (sizes[s] ? -300 + 3 * (int64_t)(sizes[s] - 1) : INT64_MIN));
        vector_free(set);
    }
}

static void ids_must_ascend(void **state)
{
    (void)state;
    uint16_t row[D] = {0x3c00};
    struct vector_set *set = vector_new(D, NULL);
    assert_int_equal(vector_add(set, INT64_MIN, row, NULL), 0);
    assert_int_equal(vector_add(set, 5, row, NULL), 0);
    assert_int_equal(vector_add(set, 5, row, NULL), EYE_EINVAL);
    assert_int_equal(vector_add(set, 4, row, NULL), EYE_EINVAL);
    assert_int_equal(vector_add(set, 6, row, NULL), 0);
    assert_int_equal(vector_count(set), 3);
    vector_free(set);
}

/* Two forks of one set go different ways; nobody sees rows of another. */
static void forks_share_and_part(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 700, 1024, 2500};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        int64_t next = (int64_t)n * 2;
        struct vector_set *set = vector_new(D, NULL);
        grow(set, 0, 2, n, 0);
        const uint16_t *borrowed = vector_row(set, 0);
        struct vector_set *a = vector_fork(set, NULL), *b = vector_fork(set, NULL);
        grow(a, next, 2, 1500, 1);
        grow(b, next, 2, 1100, 2);
        struct vector_set *c = vector_fork(a, NULL);
        grow(c, next + 3000, 2, 10, 3);
        grow(a, next + 3000, 2, 10, 4); /* c was there first */
        grow(set, next, 2, 3, 5);
        assert_ptr_equal(vector_row(a, 0), n ? borrowed : vector_row(a, 0));
        assert_int_equal(vector_count(set), n + 3);
        assert_int_equal(vector_count(a), n + 1510);
        assert_int_equal(vector_count(b), n + 1100);
        assert_int_equal(vector_count(c), n + 1510);
        assert_holds(set, next, 2, 3, 5);
        vector_free(set);
        assert_holds(b, 0, 2, n, 0);
        assert_holds(b, next, 2, 1100, 2);
        vector_free(b);
        assert_holds(c, next, 2, 1500, 1);
        assert_holds(c, next + 3000, 2, 10, 3);
        vector_free(c);
        assert_holds(a, 0, 2, n, 0);
        assert_holds(a, next, 2, 1500, 1);
        assert_holds(a, next + 3000, 2, 10, 4);
        vector_free(a);
    }
}

static void a_fork_copies_no_rows(void **state)
{
    (void)state;
    struct vector_set *set = vector_new(D, NULL);
    grow(set, 0, 1, 5000, 0);
    struct vector_set *last = set, *sets[100];
    for (int i = 0; i < 100; i++) { /* a commit each, while somebody still reads each state */
        sets[i] = vector_fork(last, NULL);
        grow(sets[i], 5000 + i, 1, 1, 0);
        assert_ptr_equal(vector_row(sets[i], 4999), vector_row(set, 4999));
        last = sets[i];
    }
    assert_holds(last, 0, 5099, 2, 0);
    assert_ptr_equal(vector_row(sets[50], 5050), vector_row(last, 5050));
    assert_null(vector_row(sets[49], 5050));
    vector_free(set);
    for (int i = 0; i < 100; i++)
        vector_free(sets[i]);
}

/* Readers of what is there, while a writer makes one set after the other out of it. */
struct reading {
    const struct vector_set *set;
    size_t n;
    bool ok;
};

static void *read_on(void *arg)
{
    struct reading *r = arg;
    uint16_t row[D];
    r->ok = true;
    for (int round = 0; round < 30; round++) {
        for (size_t i = 0; i < r->n; i++) {
            row_for((int64_t)i, 0, row, D);
            const uint16_t *got = vector_row(r->set, (int64_t)i);
            r->ok = r->ok && got && !memcmp(got, row, sizeof row);
        }
        r->ok = r->ok && !vector_row(r->set, (int64_t)r->n);
    }
    return NULL;
}

static void readers_do_not_notice(void **state)
{
    (void)state;
    enum { N = 1500, THREADS = 3 };
    struct vector_set *set = vector_new(D, NULL);
    struct reading r[THREADS];
    pthread_t threads[THREADS];
    grow(set, 0, 1, N, 0);
    for (int i = 0; i < THREADS; i++) {
        r[i] = (struct reading){set, N, false};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r[i]), 0);
    }
    struct vector_set *last = vector_fork(set, NULL);
    for (int i = 0; i < 600; i++) {
        struct vector_set *next = vector_fork(last, NULL);
        grow(next, N + i, 1, 1, 7);
        vector_free(last);
        last = next;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(r[i].ok);
    }
    vector_free(set);
    assert_holds(last, N, 599, 2, 7);
    vector_free(last);
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
        cmocka_unit_test(found_by_id),
        cmocka_unit_test(ids_must_ascend),
        cmocka_unit_test(forks_share_and_part),
        cmocka_unit_test(a_fork_copies_no_rows),
        cmocka_unit_test(readers_do_not_notice),
        cmocka_unit_test(a_borrowed_row_stays_while_others_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
