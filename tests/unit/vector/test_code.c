/* code.c, code_avx2.c: signs and factors, blocks, int8 rows. */
#include "codes.h"

/* By the definitions, in double. */
static void signs_and_factor(void **state)
{
    (void)state;
    static float x[2048];
    uint8_t bits[256];
    uint64_t seed = 11;
    for (size_t d = 0; d < CODE_DIMS; d++) {
        size_t pdim = ((size_t)code_dims[d] + 63) / 64 * 64;
        float factor;
        random_unit(&seed, x, pdim);
        x[3] = 0;
        x[4] = -0.0f;
        double sum = 0;
        code_signs(x, pdim, bits, &factor);
        for (size_t i = 0; i < pdim; i++) {
            assert_int_equal(bits[i / 8] >> (i % 8) & 1, x[i] > 0);
            sum += fabs((double)x[i]);
        }
        assert_true(fabs((double)factor / (float_dot(x, x, pdim) / sum) - 1) < 1e-6);
    }
    memset(x, 0, sizeof x);
    float factor = 7;
    code_signs(x, 64, bits, &factor);
    assert_true(factor == 0);
}

static void levels_agree(void **state)
{
    (void)state;
    static float x[2048];
    uint8_t bits[2][256];
    int8_t rows[2][2048];
    uint64_t seed = 12;
    for (size_t d = 0; d < CODE_DIMS; d++) {
        size_t pdim = ((size_t)code_dims[d] + 63) / 64 * 64;
        for (int round = 0; round < 30; round++) {
            random_unit(&seed, x, pdim);
            for (size_t i = 0; i < pdim; i++)
                x[i] *= round == 0   ? 0
                        : round == 1 ? 1e-32f
                        : round == 2 ? 1e10f
                        : round == 3 ? (float)(i == 5)
                                     : 1.0f;
            struct {
                float factor, scale, spread;
            } got[2];
            memset(got, 0, sizeof got);
            for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
                size_t at = level > 0;
                cpu_level_force((enum cpu_level)level);
                code_signs(x, pdim, bits[at], &got[at].factor);
                code_bytes(x, pdim, rows[at], &got[at].scale, &got[at].spread);
                same_bits(&got[at], &got[0], sizeof got[0]);
                same_bits(bits[at], bits[0], pdim / 8);
                same_bits(rows[at], rows[0], pdim);
            }
        }
    }
    cpu_level_force(cpu_level_max());
}

/* Row i of a block reads back as what was put in; missing rows are zero bits. */
static void blocks_hold_their_rows(void **state)
{
    (void)state;
    enum { PDIM = 192 };
    uint8_t bits[CODE_BLOCK * PDIM / 8], block[4 * PDIM];
    uint64_t seed = 13;
    for (size_t n = 0; n <= CODE_BLOCK; n++) {
        for (size_t i = 0; i < sizeof bits; i++)
            bits[i] = (uint8_t)next_random(&seed);
        memset(block, 0xa5, sizeof block);
        code_block(bits, n, PDIM, block);
        for (size_t row = 0; row < CODE_BLOCK; row++)
            for (size_t i = 0; i < PDIM; i++) {
                unsigned byte = block[i / 4 * 16 + row % 16];
                unsigned bit = byte >> (row / 16 * 4 + i % 4) & 1;
                unsigned want = row < n ? (unsigned)bits[row * PDIM / 8 + i / 8] >> (i % 8) & 1 : 0;
                assert_int_equal(bit, want);
            }
    }
}

static double worst_error(const float *x, const float *q, size_t pdim)
{
    static int8_t row[2048];
    float scale, spread;
    double sum = 0;
    code_bytes(x, pdim, row, &scale, &spread);
    for (size_t i = 0; i < pdim; i++)
        sum += (double)row[i] * (double)scale * (double)q[i];
    double off = fabs(sum - float_dot(x, q, pdim));
    assert_true(off <= (double)spread);
    assert_true(spread < 0.05f);
    return off / (double)spread;
}

/* Never beyond the spread, and the spread is no wild guess: about 8 times what is seen in the mean square. */
static void int8_errors_stay_within_the_spread(void **state)
{
    (void)state;
    static float x[2048], q[2048];
    uint64_t seed = 14;
    for (size_t d = 0; d < CODE_DIMS; d++) {
        size_t dim = (size_t)code_dims[d], pdim = (dim + 63) / 64 * 64;
        struct rotation *r = rotation_new((int)dim, d, NULL);
        enum { N = 300 };
        double square = 0;
        for (int i = 0; i < N; i++) {
            static float raw[2048], near[2048];
            random_unit(&seed, raw, dim);
            rotation_apply(r, raw, x);
            random_unit(&seed, near, dim);
            for (size_t j = 0; j < dim; j++) /* from opposite over unrelated to the same */
                near[j] = near[j] * 0.3f + raw[j] * (float)(i % 7 - 3) / 3;
            double length = sqrt(float_dot(near, near, dim));
            for (size_t j = 0; j < dim; j++)
                near[j] = (float)((double)near[j] / length);
            rotation_apply(r, near, q);
            double off = worst_error(x, q, pdim);
            square += off * off;
        }
        double seen = 8 * sqrt(square / N);
        assert_true(seen > 0.6 && seen < 1.4);
        rotation_free(r);
    }
}

static void int8_extremes(void **state)
{
    (void)state;
    float x[64] = {-2, 2, 1e-30f}, scale, spread;
    int8_t row[64];
    code_bytes(x, 64, row, &scale, &spread);
    assert_int_equal(row[0], -127);
    assert_int_equal(row[1], 127);
    assert_int_equal(row[2], 0);
    assert_true(scale == 2.0f / 127);
    memset(x, 0, sizeof x);
    code_bytes(x, 64, row, &scale, &spread);
    assert_true(scale == 0 && spread == 0 && row[0] == 0);
    x[9] = 1e-38f; /* 127 / x overflows */
    code_bytes(x, 64, row, &scale, &spread);
    assert_true(scale == 0 && row[9] == 0 && spread >= 0 && spread < 1e-20f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_and_factor),
        cmocka_unit_test(levels_agree),
        cmocka_unit_test(blocks_hold_their_rows),
        cmocka_unit_test(int8_errors_stay_within_the_spread),
        cmocka_unit_test(int8_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
