/* test_rows.c - norms, activations, sums and pixels against double precision. */
#include "levels.h"

static double act_exact(double x, enum act act)
{
    switch (act) {
    case ACT_GELU: return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case ACT_QUICK_GELU: return x / (1.0 + exp(-1.702 * x));
    case ACT_RELU: return x > 0.0 ? x : 0.0;
    case ACT_RELU6: return x > 6.0 ? 6.0 : x > 0.0 ? x : 0.0;
    case ACT_NONE: break;
    }
    return x;
}

/* -30..30 in small steps: within 1e-6 of the definition near zero, relatively further out. */
static void test_activations(void **state)
{
    enum { N = 60001 };
    float *x = room(N);
    (void)state;
    for (int act = ACT_NONE; act <= ACT_RELU6; act++) {
        EACH_LEVEL(level)
        {
            for (size_t i = 0; i < N; i++)
                x[i] = ((float)i - 30000.0F) / 1000.0F;
            apply_act(x, N, (enum act)act);
            for (size_t i = 0; i < N; i++) {
                double at = (double)(((float)i - 30000.0F) / 1000.0F);
                near("activation", (double)x[i], act_exact(at, (enum act)act),
                     5e-7 * fmax(1.0, fabs(at)));
            }
        }
    }
    free(x);
}

static void test_activation_extremes(void **state)
{
    (void)state;
    EACH_LEVEL(level)
    {
        for (int act = ACT_GELU; act <= ACT_RELU6; act++) {
            float x[5] = {1e30F, -1e30F, INFINITY, NAN, 0.0F};
            apply_act(x, 5, (enum act)act);
            assert_true(x[0] == (act == ACT_RELU6 ? 6.0F : 1e30F));
            assert_true(x[1] == 0.0F);
            assert_true(x[2] == (act == ACT_RELU6 ? 6.0F : INFINITY));
            assert_true(isnan(x[3]));
            assert_true(x[4] == 0.0F);
        }
    }
}

static void test_activation_lengths(void **state)
{
    (void)state;
    EACH_LEVEL(level)
    {
        for (size_t n = 0; n < 40; n++) {
            float x[41];
            for (size_t i = 0; i <= n; i++)
                x[i] = -1.0F;
            apply_act(x, n, ACT_RELU);
            for (size_t i = 0; i <= n; i++)
                assert_true(x[i] == (i < n ? 0.0F : -1.0F));
        }
    }
}

/* Rows far from zero: the variance must come from the differences, not from the squares. */
static void run_layer_norm(size_t n, float offset)
{
    enum { M = 3 };
    float *x = numbers(M * n, 51), *gain = numbers(n, 52), *bias = numbers(n, 53), *y = room(M * n);
    for (size_t i = 0; i < M * n; i++)
        x[i] += offset;
    EACH_LEVEL(level)
    {
        layer_norm(x, M, n, gain, bias, 1e-5F, y);
        for (size_t r = 0; r < M; r++) {
            double mean = 0.0, var = 0.0;
            for (size_t i = 0; i < n; i++)
                mean += (double)x[r * n + i] / (double)n;
            for (size_t i = 0; i < n; i++)
                var += ((double)x[r * n + i] - mean) * ((double)x[r * n + i] - mean) / (double)n;
            for (size_t i = 0; i < n; i++) {
                double want = ((double)x[r * n + i] - mean) / sqrt(var + (double)1e-5F);
                want = want * (double)gain[i] + (double)bias[i];
                near("layer_norm", (double)y[r * n + i], want, 2e-6 + 4e-7 * fabs((double)offset));
            }
        }
        float *in_place = room(M * n);
        memcpy(in_place, x, M * n * sizeof *x);
        layer_norm(in_place, M, n, gain, bias, 1e-5F, in_place);
        assert_true(same_bits(in_place, y, M * n));
        free(in_place);
    }
    free(x);
    free(gain);
    free(bias);
    free(y);
}

static void test_layer_norm(void **state)
{
    static const size_t widths[] = {1, 2, 7, 8, 15, 16, 17, 31, 33, 50, 512, 768, 1023};
    (void)state;
    for (size_t i = 0; i < COUNT(widths); i++) {
        run_layer_norm(widths[i], 0.0F);
        if (widths[i] > 16)
            run_layer_norm(widths[i], 100.0F);
    }
}

static void test_sums(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n += 7) {
        float *x = numbers(5 * n, 54), *y = room(n), *mean = room(n);
        EACH_LEVEL(level)
        {
            memcpy(y, x, n * sizeof *y);
            add_rows(y, x + n, n);
            mean_rows(x, 5, n, mean);
            for (size_t i = 0; i < n; i++) {
                double sum = 0.0;
                for (size_t r = 0; r < 5; r++)
                    sum += (double)x[r * n + i];
                assert_true(y[i] == x[i] + x[n + i]);
                near("mean", (double)mean[i], sum / 5.0, 1e-6);
            }
        }
        free(x);
        free(y);
        free(mean);
    }
}

static void test_dots(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += n < 70 ? 1 : 23) {
        float *a = numbers(n, 55), *b = numbers(n, 56);
        uint16_t *h = malloc((n ? n : 1) * sizeof *h);
        double want = 0.0, want_h = 0.0;
        assert_non_null(h);
        for (size_t i = 0; i < n; i++) {
            h[i] = f32_to_f16(b[i]);
            want += (double)a[i] * (double)b[i];
            want_h += (double)a[i] * (double)f16_to_f32(h[i]);
        }
        EACH_LEVEL(level)
        {
            near("dot", (double)dot_f32(a, b, n), want, 1e-5);
            near("dot f16", (double)dot_f32_f16(a, h, n), want_h, 1e-5);
        }
        free(a);
        free(b);
        free(h);
    }
}

static void test_normalise(void **state)
{
    float x[3] = {3.0F, 0.0F, -4.0F}, zero[2] = {0.0F, -0.0F}, nan[2] = {1.0F, NAN};
    float inf[2] = {INFINITY, 1.0F}, large[2] = {3e30F, 4e30F}, tiny[2] = {3e-40F, 4e-40F};
    (void)state;
    assert_true(l2_normalise(x, 3));
    assert_true(x[0] == 0.6F && x[1] == 0.0F && x[2] == -0.8F);
    assert_false(l2_normalise(zero, 2));
    assert_false(l2_normalise(nan, 2));
    assert_true(nan[0] == 0.0F && nan[1] == 0.0F);
    assert_false(l2_normalise(inf, 2));
    assert_true(l2_normalise(large, 2));
    near("large", (double)large[1], 0.8, 1e-6);
    assert_true(l2_normalise(tiny, 2));
    near("tiny", (double)tiny[1], 0.8, 1e-4);
}

static void test_pixels(void **state)
{
    static const float mean[3] = {0.48145466F, 0.4578275F, 0.40821073F};
    static const float std[3] = {0.26862954F, 0.26130258F, 0.27577711F};
    uint8_t rgb[256 * 3];
    float out[256 * 3];
    (void)state;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 7);
    pixels_normalise(rgb, 256, mean, std, out);
    for (size_t i = 0; i < sizeof rgb; i++)
        near("pixel", (double)out[i],
             ((double)rgb[i] / 255.0 - (double)mean[i % 3]) / (double)std[i % 3], 5e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_activation_extremes),
        cmocka_unit_test(test_activation_lengths),
        cmocka_unit_test(test_layer_norm),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_normalise),
        cmocka_unit_test(test_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
