/* idmap.c against a plain array that is searched from front to back. */
#include "rows.h"

#include "vector/idmap.h"

enum { ROWS = 3000 };

/* A set with removal by swapping, as vector.c does it; ids from a small range so that they come back. */
static void behaves_like_a_list(void **state)
{
    (void)state;
    struct idmap map = {0};
    int64_t ids[ROWS];
    size_t n = 0;
    uint64_t seed = 1;
    for (int step = 0; step < 60000; step++) {
        int64_t id = (int64_t)(next_random(&seed) % 4000) - 2000;
        size_t expected = 0, row = SIZE_MAX;
        while (expected < n && ids[expected] != id)
            expected++;
        bool found = idmap_find(&map, ids, id, &row);
        assert_int_equal(found, expected < n);
        if (found) {
            assert_int_equal(row, expected);
            size_t last = n - 1;
            idmap_drop(&map, ids, row);
            if (row != last) {
                idmap_drop(&map, ids, last);
                ids[row] = ids[last];
                idmap_put(&map, ids, row);
            }
            n--;
        } else if (n < ROWS) {
            assert_int_equal(idmap_reserve(&map, ids, NULL), 0);
            ids[n] = id;
            idmap_put(&map, ids, n++);
        }
        assert_int_equal(map.used, n);
    }
    assert_true(n > 500);
    assert_true(map.nslots >= 2 * map.used);
    idmap_release(&map);
}

static void keys_that_collide_are_kept_apart(void **state)
{
    (void)state;
    /* Multiples of a large power of two: the worst for a hash that only masks. */
    struct idmap map = {0};
    int64_t ids[1000];
    size_t row;
    for (size_t i = 0; i < 1000; i++) {
        ids[i] = (int64_t)(i << 40);
        assert_int_equal(idmap_reserve(&map, ids, NULL), 0);
        idmap_put(&map, ids, i);
    }
    for (size_t i = 0; i < 1000; i += 2)
        idmap_drop(&map, ids, i);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(idmap_find(&map, ids, (int64_t)(i << 40), &row), i % 2 == 1);
        if (i % 2)
            assert_int_equal(row, i);
    }
    idmap_release(&map);
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct idmap map = {0};
    size_t row;
    assert_false(idmap_find(&map, NULL, 0, &row));
    map.used = IDMAP_ROWS_MAX;
    assert_int_equal(idmap_reserve(&map, NULL, NULL), EYE_ELIMIT);
    map.used = 0;
    idmap_release(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_like_a_list),
        cmocka_unit_test(keys_that_collide_are_kept_apart),
        cmocka_unit_test(an_empty_map_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
