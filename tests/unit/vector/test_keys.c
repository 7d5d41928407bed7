/* keys.c against sorting. */
#include "rows.h"
#include "vector/keys.h"

#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void keys_sort_as_results_do(void **state)
{
    (void)state;
    static const float scores[] = {-INFINITY, -2.0F, -1e-30F, 0.0F, 1e-38F, 0.5F, 1.0F, INFINITY};
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        assert_true(key_score(key_make(scores[i], 77)) == scores[i]);
        assert_true(key_make(scores[i], 1) < key_make(scores[i], 0xffffffff));
        if (i > 0) {
            assert_true(key_make(scores[i], 0xffffffff) < key_make(scores[i - 1], 0));
            assert_true(key_ordered(scores[i]) > key_ordered(scores[i - 1]));
        }
    }
}

/* In no order, in both orders, all the same in the upper half. */
static uint64_t number(int order, size_t i, uint64_t *seed)
{
    switch (order) {
    case 0: return next_random(seed) << 32 | i;
    case 1: return i;
    case 2: return 1000000 - i;
    default: return (i * 7919) % 10007;
    }
}

static void selects_what_sorting_would(void **state)
{
    (void)state;
    static uint64_t keys[1000], sorted[1000];
    uint64_t seed = 1;
    for (int order = 0; order < 4; order++) {
        for (size_t n = 1; n <= 1000; n = n * 3 / 2 + 1) {
            for (size_t k = 1; k <= n; k += k / 4 + 1) {
                for (size_t i = 0; i < n; i++)
                    keys[i] = sorted[i] = number(order, i, &seed);
                qsort(sorted, n, sizeof *sorted, by_number);
                key_select(keys, n, k);
                assert_true(keys[k - 1] == sorted[k - 1]);
                qsort(keys, k, sizeof *keys, by_number);
                assert_memory_equal(keys, sorted, k * sizeof *keys);
            }
        }
    }
}

static void a_heap_keeps_the_smallest(void **state)
{
    (void)state;
    enum { N = 5000, KEEP = 100 };
    static uint64_t room[2 * KEEP + 256], all[N];
    struct key_heap heap = {.keys = room, .cap = key_heap_cap(KEEP), .keep = KEEP};
    uint64_t seed = 3;
    int cuts = 0;
    assert_true(heap.cap <= sizeof room / sizeof *room);
    for (size_t i = 0; i < N; i++) {
        all[i] = next_random(&seed);
        cuts += key_heap_put(&heap, all[i]);
    }
    assert_true(cuts > 2 && heap.n >= KEEP);
    key_heap_cut(&heap);
    assert_int_equal(heap.n, KEEP);
    qsort(all, N, sizeof *all, by_number);
    qsort(room, KEEP, sizeof *room, by_number);
    assert_memory_equal(room, all, KEEP * sizeof *all);
    struct key_heap few = {.keys = room, .cap = key_heap_cap(KEEP), .keep = KEEP};
    key_heap_put(&few, 5);
    key_heap_cut(&few);
    assert_int_equal(few.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_as_results_do),
        cmocka_unit_test(selects_what_sorting_would),
        cmocka_unit_test(a_heap_keeps_the_smallest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
