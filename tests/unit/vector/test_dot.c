/* dot.c, dot_avx2.c, dot_avx512.c: each level against double arithmetic, and against itself in other company. */
#include "rows.h"

#include "vector/dot.h"

enum { ROWS_MAX = 19, QUERIES_MAX = 11 };

static void every_finite_half_converts_exactly(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 65536; h++) {
        if ((h & 0x7c00) == 0x7c00)
            continue;
        float got = dot_half_to_float((uint16_t)h);
        assert_true((double)got == half_value((uint16_t)h));
        assert_int_equal(signbit(got) != 0, h >> 15);
    }
}

static void check_level(enum cpu_level level, size_t stride)
{
    dot_fn *dot = dot_kernel(level);
    uint16_t *rows = aligned_alloc(64, ROWS_MAX * stride * sizeof *rows);
    float *queries = aligned_alloc(64, QUERIES_MAX * stride * sizeof *queries);
    float all[ROWS_MAX * QUERIES_MAX], part[ROWS_MAX * QUERIES_MAX];
    uint64_t seed = stride;
    random_row(&seed, rows, ROWS_MAX * stride);
    random_query(&seed, queries, QUERIES_MAX * stride);
    dot(rows, ROWS_MAX, queries, QUERIES_MAX, stride, all);
    for (size_t q = 0; q < QUERIES_MAX; q++) {
        for (size_t r = 0; r < ROWS_MAX; r++) {
            double want = exact_dot(rows + r * stride, queries + q * stride, stride), size = 0;
            for (size_t i = 0; i < stride; i++)
                size += fabs(half_value(rows[r * stride + i]) * (double)queries[q * stride + i]);
            assert_true(fabs((double)all[q * ROWS_MAX + r] - want) <= 1e-6 * size);
        }
    }
    /* The same pair in any smaller company: the same bits. */
    for (size_t nr = 1; nr <= ROWS_MAX; nr++) {
        for (size_t nq = 1; nq <= QUERIES_MAX; nq++) {
            size_t r0 = ROWS_MAX - nr, q0 = QUERIES_MAX - nq;
            dot(rows + r0 * stride, nr, queries + q0 * stride, nq, stride, part);
            for (size_t q = 0; q < nq; q++)
                assert_memory_equal(part + q * nr, all + (q0 + q) * ROWS_MAX + r0,
                                    nr * sizeof *part);
        }
    }
    free(rows);
    free(queries);
}

static void each_level_is_right_and_deterministic(void **state)
{
    (void)state;
    static const size_t strides[] = {32, 64, 96, 256, 288, 512, 768, 4096};
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++)
        for (size_t i = 0; i < sizeof strides / sizeof *strides; i++)
            check_level((enum cpu_level)level, strides[i]);
}

static void each_level_has_its_own_kernel(void **state)
{
    (void)state;
    assert_true(dot_kernel(CPU_PORTABLE) == dot_portable);
#if defined(__x86_64__)
    assert_true(dot_kernel(CPU_AVX2) == dot_avx2);
    assert_true(dot_kernel(CPU_AVX512) == dot_avx512);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finite_half_converts_exactly),
        cmocka_unit_test(each_level_is_right_and_deterministic),
        cmocka_unit_test(each_level_has_its_own_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
