/* code_query.c: tables and 16-bit numbers of a query. */
#include "codes.h"

/* What the tables say of random signs against the truth: no bias, an error of some hundredths. */
static void tables_add_up(void **state)
{
    (void)state;
    static float q[2048];
    uint64_t seed = 21;
    for (size_t d = 0; d < CODE_DIMS; d++) {
        size_t pdim = ((size_t)code_dims[d] + 63) / 64 * 64;
        struct code_query cq;
        enum { N = 2000 };
        double off = 0, square = 0;
        random_unit(&seed, q, pdim);
        assert_int_equal(code_query_init(&cq, q, pdim, NULL), 0);
        for (int i = 0; i < N; i++) {
            double truth = 0;
            uint32_t sum = 0;
            for (size_t g = 0; g < pdim / 4; g++) {
                size_t bits = next_random(&seed) >> 60;
                for (size_t b = 0; b < 4; b++)
                    truth += (double)q[4 * g + b] * (bits >> b & 1 ? 1 : -1);
                assert_true(cq.lut[16 * g + bits] <= 63);
                sum += cq.lut[16 * g + bits];
            }
            double error = (double)cq.step * sum + (double)cq.bias - truth;
            off += error;
            square += error * error;
        }
        double deviation = sqrt(square / N);
        assert_true(deviation < 0.05);
        assert_true(fabs(off / N) < 5 * deviation / sqrt(N));
        code_query_release(&cq);
    }
}

static void numbers_fit(void **state)
{
    (void)state;
    static float q[2048];
    uint64_t seed = 22;
    for (int shape = 0; shape < 5; shape++)
        for (size_t d = 0; d < CODE_DIMS; d++) {
            size_t pdim = ((size_t)code_dims[d] + 63) / 64 * 64;
            struct code_query cq;
            int64_t sum = 0;
            random_unit(&seed, q, pdim);
            for (size_t i = 0; i < pdim; i++)
                q[i] = shape == 1   ? 1 / sqrtf((float)pdim)
                       : shape == 2 ? (float)(i == 7)
                       : shape == 3 ? q[i] * 1e20f
                       : shape == 4 ? -1e-20f
                                    : q[i];
            assert_int_equal(code_query_init(&cq, q, pdim, NULL), 0);
            for (size_t i = 0; i < pdim; i++) {
                sum += 127 * llabs((long long)cq.q[i]);
                double back = (double)cq.q[i] * (double)cq.q_scale;
                assert_true(fabs(back - (double)q[i]) <= 0.51 * (double)cq.q_scale);
            }
            assert_true(sum <= INT32_MAX);
            code_query_release(&cq);
        }
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    static const float q[64];
    struct code_query cq;
    assert_int_equal(code_query_init(&cq, q, 64, NULL), 0);
    assert_true(cq.step == 0 && cq.bias == 0 && cq.q_scale == 0 && cq.q[5] == 0);
    assert_int_equal((uintptr_t)cq.lut % 64, 0);
    code_query_release(&cq);
    code_query_release(&cq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_add_up),
        cmocka_unit_test(numbers_fit),
        cmocka_unit_test(nothing_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
