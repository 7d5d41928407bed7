/* topk.c against sorting everything. */
#include "rows.h"

#include "vector/topk.h"

enum { N = 1000 };

static int compare(const void *a, const void *b)
{
    const struct vector_hit *x = a, *y = b;
    return topk_better(x, y) ? -1 : topk_better(y, x) ? 1 : 0;
}

static void equals_sorting(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 2, 3, 10, 999, 1000, 1500};
    uint64_t seed = 3;
    for (size_t round = 0; round < 7 * 20; round++) {
        size_t k = ks[round % 7];
        struct vector_hit all[N], heap[1500];
        struct topk t = {.heap = heap, .k = k};
        for (size_t i = 0; i < N; i++) {
            /* Few distinct scores: most decisions are ties. */
            all[i].score = (float)(next_random(&seed) % (round % 2 ? 8 : 100000));
            all[i].id = (int64_t)((i * 7919) % N);
            if (topk_wants(&t, &all[i]))
                topk_push(&t, &all[i]);
        }
        qsort(all, N, sizeof *all, compare);
        size_t n = topk_sort(&t);
        assert_int_equal(n, k < N ? k : N);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(heap[i].id, all[i].id);
            assert_true(heap[i].score == all[i].score);
        }
        assert_int_equal(t.n, 0);
    }
}

static void nan_and_k_zero_take_nothing(void **state)
{
    (void)state;
    struct vector_hit heap[2];
    struct topk t = {.heap = heap, .k = 2};
    struct vector_hit nan = {.id = 1, .score = NAN}, low = {.id = 2, .score = -INFINITY};
    assert_false(topk_wants(&t, &nan));
    assert_true(topk_wants(&t, &low));
    topk_push(&t, &low);
    topk_push(&t, &low);
    assert_false(topk_wants(&t, &nan));
    struct topk none = {.heap = heap, .k = 0};
    assert_false(topk_wants(&none, &low));
    assert_int_equal(topk_sort(&none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_sorting),
        cmocka_unit_test(nan_and_k_zero_take_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
