/* Sets of ids against the same sets as flags in an array. */
#include "fixture.h"

#include "store/ids.h"

enum { RANGE = 700 };

static uint64_t seed = 42;

static uint64_t next_random(void)
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return z ^ (z >> 31);
}

/* Ids of any size: small, large, far apart. */
static int64_t id_of(size_t i, int scale)
{
    static const int64_t factor[] = {1, 255, 65537, INT64_C(1570000000)};
    return (int64_t)(i + 1) * factor[scale];
}

static void make(struct store_ids *ids, bool *in, int scale, unsigned percent, bool shuffled)
{
    struct eye_err err;
    memset(in, 0, RANGE * sizeof *in);
    *ids = (struct store_ids){NULL, 0, 0};
    for (size_t i = 0; i < RANGE; i++)
        if (next_random() % 100 < percent) {
            in[i] = true;
            assert_int_equal(store_ids_add(ids, id_of(i, scale), &err), 0);
            if (shuffled && next_random() % 3 == 0)
                assert_int_equal(store_ids_add(ids, id_of(i, scale), &err), 0);
        }
    for (size_t i = ids->n; shuffled && i > 1; i--) {
        size_t j = next_random() % i;
        int64_t swap = ids->v[i - 1];
        ids->v[i - 1] = ids->v[j];
        ids->v[j] = swap;
    }
    assert_int_equal(store_ids_settle(ids, &err), 0);
}

static void expect(const struct store_ids *ids, const bool *in, int scale)
{
    size_t n = 0;
    for (size_t i = 0; i < RANGE; i++)
        if (in[i]) {
            assert_true(n < ids->n);
            assert_int_equal(ids->v[n++], id_of(i, scale));
        }
    assert_int_equal(n, ids->n);
}

static void sets_are_sets(void **state)
{
    (void)state;
    static const unsigned shares[] = {0, 1, 10, 50, 99, 100};
    static bool a[RANGE], b[RANGE];
    struct eye_err err;
    for (int scale = 0; scale < 4; scale++)
        for (size_t i = 0; i < 36; i++)
            for (int op = 0; op < 3; op++) {
                struct store_ids x, y;
                make(&x, a, scale, shares[i / 6], i % 2);
                expect(&x, a, scale);
                make(&y, b, scale, shares[i % 6], true);
                if (op == 0)
                    store_ids_intersect(&x, &y);
                else if (op == 1)
                    store_ids_subtract(&x, &y);
                else
                    assert_int_equal(store_ids_unite(&x, &y, &err), 0);
                for (size_t k = 0; k < RANGE; k++)
                    a[k] = op == 0 ? a[k] && b[k] : op == 1 ? a[k] && !b[k] : a[k] || b[k];
                expect(&x, a, scale);
                expect(&y, b, scale);
                store_ids_free(&x);
                store_ids_free(&y);
            }
}

static void has_is_in(void **state)
{
    (void)state;
    static bool a[RANGE];
    struct store_ids x;
    for (int scale = 0; scale < 4; scale++) {
        make(&x, a, scale, 30, true);
        for (size_t i = 0; i < RANGE; i++) {
            assert_int_equal(store_ids_has(&x, id_of(i, scale)), a[i]);
            assert_false(store_ids_has(&x, id_of(i, scale) - (scale ? 1 : RANGE + 1)));
        }
        store_ids_free(&x);
        assert_false(store_ids_has(&x, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sets_are_sets),
                                       cmocka_unit_test(has_is_in)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
