/* test_index_plan.c - what is made of what: few segments, few rewrites, and an end. */
#include "engine/index_fixture.h"

enum { FEW = 100 };

static void expect(const struct eng_plan_part *parts, size_t n, size_t tail, uint64_t log,
                   enum eng_plan_what what, bool with_tail, uint64_t take)
{
    struct eng_plan plan = eng_plan(parts, n, tail, log, FEW);
    assert_int_equal(plan.what, what);
    assert_int_equal(plan.tail, with_tail);
    assert_int_equal(plan.take, take);
}

static void test_small_libraries(void **state)
{
    (void)state;
    const struct eng_plan_part small = {60, 40}, smaller = {60, 30};
    expect(NULL, 0, 0, 0, ENG_PLAN_NOTHING, false, 0);
    expect(NULL, 0, FEW - 1, FEW - 1, ENG_PLAN_NOTHING, false, 0);
    expect(NULL, 0, FEW - 1, 4 * FEW + 1, ENG_PLAN_FORGET, false, 0);
    expect(NULL, 0, FEW, 0, ENG_PLAN_MAKE, true, 0);
    expect(&small, 1, 9, 9, ENG_PLAN_DISSOLVE, false, 0);
    expect(&smaller, 1, 20, 9, ENG_PLAN_MAKE, false, 1); /* just enough, and half dead */
}

static void test_the_tail_takes_up_what_is_no_larger(void **state)
{
    (void)state;
    const struct eng_plan_part parts[] = {{800, 800}, {100, 100}, {200, 200}, {1000, 990}};
    expect(parts, 4, FEW - 1, FEW, ENG_PLAN_NOTHING, false, 0);
    expect(parts, 4, FEW, FEW, ENG_PLAN_MAKE, true, 2 | 4); /* 100 + 100 + 200 < 800 */
    expect(parts, 4, 500, 500, ENG_PLAN_MAKE, true, 15);
    expect(parts, 4, 50, 4 * FEW + 1, ENG_PLAN_MAKE, true, 0); /* the log is long */
    expect(parts, 4, 0, 4 * FEW + 1, ENG_PLAN_MAKE, true, 2);  /* and there is no tail */
}

static void test_rotten_ones(void **state)
{
    (void)state;
    const struct eng_plan_part a[] = {{400, 301}, {900, 900}},
                               b[] = {{400, 299}, {900, 900}, {200, 190}};
    expect(a, 2, 5, 105, ENG_PLAN_NOTHING, false, 0);
    expect(b, 3, 5, 105, ENG_PLAN_MAKE, false, 1 | 4);
}

/* Any history: log n segments, each row written log n times, and no work without end. */
static void test_any_history(void **state)
{
    (void)state;
    struct eng_plan_part parts[64];
    size_t n = 0, tail = 0, added = 0, written = 0, most = 0;
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        tail += 60;
        added += 60;
        if (n && ix_random(&seed) % 3 == 0) { /* some die */
            struct eng_plan_part *p = &parts[ix_random(&seed) % n];
            p->live -= p->live / 20;
        }
        struct eng_plan plan;
        for (int steps = 0; (plan = eng_plan(parts, n, tail, tail, FEW)).what != ENG_PLAN_NOTHING;
             steps++) {
            assert_true(steps < 70);
            assert_int_equal(plan.what, ENG_PLAN_MAKE);
            size_t sum = plan.tail ? tail : 0, left = 0;
            tail = plan.tail ? 0 : tail;
            for (size_t i = 0; i < n; i++) {
                if (plan.take >> i & 1)
                    sum += parts[i].live;
                else
                    parts[left++] = parts[i];
            }
            parts[left++] = (struct eng_plan_part){sum, sum};
            n = left;
            written += sum;
        }
        most = n > most ? n : most;
    }
    assert_true(most <= 14);
    assert_true(written < added * 14);
}

static void test_dimensions(void **state)
{
    (void)state;
    for (int dim = 1; dim <= 4096; dim++) {
        struct vector_spec spec = {.dim = dim};
        assert_int_equal(eng_plan_is_for(&spec), dim >= 64 && dim <= 2048);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_libraries),
        cmocka_unit_test(test_the_tail_takes_up_what_is_no_larger),
        cmocka_unit_test(test_rotten_ones),
        cmocka_unit_test(test_any_history),
        cmocka_unit_test(test_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
