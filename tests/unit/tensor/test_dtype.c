/* test_dtype.c - conversions between stored and computed numbers, every fp16 value and every
 * tie. */
#include "levels.h"

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* By definition, in double: every finite fp16 is exact there. */
static double f16_value(uint16_t h)
{
    int exponent = (h >> 10) & 31, mantissa = h & 1023;
    double v = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -v : v;
}

static void test_every_f16(void **state)
{
    enum { ALL = 65536 };
    uint16_t *h = malloc(ALL * sizeof *h), *back = malloc(ALL * sizeof *back);
    float *f = room(ALL);
    (void)state;
    assert_true(h && back);
    for (unsigned i = 0; i < ALL; i++) {
        h[i] = (uint16_t)i;
        f[i] = f16_to_f32((uint16_t)i);
        if ((i & 0x7c00) != 0x7c00) {
            assert_true((double)f[i] == f16_value((uint16_t)i));
            assert_int_equal(signbit(f[i]) != 0, i >> 15);
            assert_int_equal(f32_to_f16(f[i]), i);
        } else if (i & 0x3ff) {
            assert_true(isnan(f[i]));
            assert_int_equal(f32_to_f16(f[i]), i | 0x200); /* quiet, the rest kept */
        } else {
            assert_true(isinf(f[i]));
            assert_int_equal(f32_to_f16(f[i]), i);
        }
    }
    EACH_LEVEL(level)
    {
        float *g = room(ALL);
        f16_to_f32_n(h, g, ALL);
        assert_true(same_bits(f, g, ALL));
        f32_to_f16_n(g, back, ALL);
        for (unsigned i = 0; i < ALL; i++)
            assert_int_equal(back[i], f32_to_f16(f[i]));
        free(g);
    }
    free(h);
    free(back);
    free(f);
}

/* Between each fp16 and the next: just below the middle goes down, the middle to the even one,
 * just above up. */
static void test_rounding(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x7c00; h++) {
        double low = f16_value((uint16_t)h);
        double high = h == 0x7bff ? 65536.0 : f16_value((uint16_t)(h + 1)); /* to infinity */
        float middle = (float)((low + high) / 2);
        float x[8] = {nextafterf(middle, 0.0F), middle, nextafterf(middle, INFINITY)};
        uint16_t want[3] = {(uint16_t)h, (uint16_t)(h + (h & 1)), (uint16_t)(h + 1)}, got[8];
        for (int i = 0; i < 3; i++) {
            assert_int_equal(f32_to_f16(x[i]), want[i]);
            assert_int_equal(f32_to_f16(-x[i]), want[i] | 0x8000);
        }
        EACH_LEVEL(level)
        {
            f32_to_f16_n(x, got, 8);
            assert_memory_equal(got, want, sizeof want);
        }
    }
    assert_int_equal(f32_to_f16(1e30F), 0x7c00);
    assert_int_equal(f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(f32_to_f16(1e-30F), 0);
    assert_int_equal(f32_to_f16(0x1p-149F), 0);
    assert_int_equal(f32_to_f16(NAN) & 0x7fff, 0x7e00);
}

static void test_lengths(void **state)
{
    uint16_t h[40], back[41];
    float f[41];
    (void)state;
    for (size_t i = 0; i < 40; i++)
        h[i] = f32_to_f16((float)i - 20.0F);
    EACH_LEVEL(level)
    {
        for (size_t n = 0; n <= 40; n++) {
            f[n] = 7.0F;
            back[n] = 7;
            f16_to_f32_n(h, f, n);
            f32_to_f16_n(f, back, n);
            assert_true(f[n] == 7.0F && back[n] == 7); /* and not one further */
            for (size_t i = 0; i < n; i++)
                assert_true(f[i] == (float)i - 20.0F && back[i] == h[i]);
        }
    }
}

/* Any type at any address, from any index. */
static void test_tensor_to_f32(void **state)
{
    static const float values[6] = {0.5F, -2.0F, 1.0F, 3.0F, -0.25F, 96.0F};
    unsigned char bytes[6 * 4 + 1];
    float out[6];
    (void)state;
    for (int type = DT_F32; type <= DT_BF16; type++) {
        for (size_t i = 0; i < 6; i++) {
            uint32_t bits = bits_of(values[i]);
            uint16_t h = type == DT_F16 ? f32_to_f16(values[i]) : (uint16_t)(bits >> 16);
            if (type == DT_F32)
                memcpy(bytes + 1 + 4 * i, &bits, 4);
            else
                memcpy(bytes + 1 + 2 * i, &h, 2);
        }
        struct tensor t = {
            .dtype = (enum dtype)type, .ndim = 2, .shape = {3, 2}, .data = bytes + 1};
        assert_int_equal(dtype_size(t.dtype), type == DT_F32 ? 4 : 2);
        EACH_LEVEL(level)
        {
            tensor_to_f32(&t, 0, 6, out);
            assert_true(same_bits(out, values, 6));
            tensor_to_f32(&t, 4, 2, out);
            assert_true(same_bits(out, values + 4, 2));
        }
        struct tensor view = tensor_rows(&t, 1, 2);
        assert_int_equal(tensor_count(&view), 4);
        tensor_to_f32(&view, 0, 4, out);
        assert_true(same_bits(out, values + 2, 4));
    }
    struct tensor scalar = {.dtype = DT_F32, .ndim = 0, .data = bytes};
    assert_int_equal(tensor_count(&scalar), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_f16),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_tensor_to_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
