/* test_linear.c - products over packed weights, against sums in double precision. */
#include "levels.h"

struct shape {
    size_t m, n_out, n_in, ldx, ldy;
};

static struct tensor matrix(const void *data, enum dtype dtype, size_t rows, size_t cols)
{
    struct tensor t = {.dtype = dtype, .ndim = 2, .shape = {rows, cols}, .data = data};
    return t;
}

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

/* y against the definition, w [n_out, n_in] as float */
static void check(const struct shape *s, const float *w, const float *bias, enum act act,
                  const float *x, const float *residual, const float *y)
{
    for (size_t r = 0; r < s->m; r++) {
        for (size_t o = 0; o < s->n_out; o++) {
            double sum = bias ? (double)bias[o] : 0.0;
            for (size_t i = 0; i < s->n_in; i++)
                sum += (double)x[r * s->ldx + i] * (double)w[o * s->n_in + i];
            double want = act_exact(sum, act);
            want += residual ? (double)residual[r * s->ldy + o] : 0.0;
            near("product", (double)y[r * s->ldy + o], want, 2e-6 * sqrt((double)s->n_in) + 2e-6);
        }
    }
}

static struct linear *make(const struct tensor *w, bool transposed, const float *bias)
{
    struct eye_err err;
    struct linear *l = linear_new(w, transposed, bias, NULL, NULL, &err);
    assert_non_null(l);
    return l;
}

static void run_shape(const struct shape *s, enum act act, bool with_bias, bool with_residual)
{
    float *w = numbers(s->n_out * s->n_in, 1), *x = numbers(s->m * s->ldx, 2);
    float *bias = numbers(s->n_out, 3), *residual = numbers(s->m * s->ldy, 4);
    EACH_LEVEL(level)
    {
        struct tensor t = matrix(w, DT_F32, s->n_out, s->n_in);
        struct linear *l = make(&t, false, with_bias ? bias : NULL);
        assert_int_equal(linear_in(l), s->n_in);
        assert_int_equal(linear_out(l), s->n_out);
        float *y = room((s->m - 1) * s->ldy + s->n_out);
        linear_apply(l, x, s->ldx, s->m, act, with_residual ? residual : NULL, y, s->ldy, NULL);
        check(s, w, with_bias ? bias : NULL, act, x, with_residual ? residual : NULL, y);
        for (size_t r = 0; r + 1 < s->m; r++) /* what lies between the rows is not ours */
            for (size_t o = s->n_out; o < s->ldy; o++)
                assert_true(y[r * s->ldy + o] == -12345.0F);
        free(y);
        linear_free(l);
    }
    free(w);
    free(x);
    free(bias);
    free(residual);
}

static void test_shapes(void **state)
{
    static const size_t outs[] = {1, 7, 8, 9, 16, 17, 24, 31, 33, 40, 100};
    static const size_t ins[] = {1, 3, 4, 16, 27, 65};
    (void)state;
    for (size_t m = 1; m <= 13; m++)
        for (size_t o = 0; o < COUNT(outs); o++)
            for (size_t i = 0; i < COUNT(ins); i++) {
                struct shape s = {m, outs[o], ins[i], ins[i] + o, outs[o] + m % 3};
                run_shape(&s, (m + o + i) % 2 ? ACT_RELU6 : ACT_NONE, m % 2, (m + i) % 3 == 0);
            }
}

static void test_long_sums(void **state)
{
    static const struct shape shapes[] = {{5, 33, 384, 384, 33},   {5, 33, 385, 512, 40},
                                          {13, 20, 768, 1024, 20}, {7, 300, 769, 769, 300},
                                          {101, 40, 801, 801, 41}, {2, 17, 3072, 3072, 17},
                                          {98, 12, 512, 512, 12},  {103, 270, 400, 512, 272}};
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        run_shape(&shapes[i], ACT_NONE, true, false);
        run_shape(&shapes[i], ACT_GELU, false, true);
    }
}

static void test_activations(void **state)
{
    struct shape s = {11, 50, 40, 41, 51};
    (void)state;
    for (int act = ACT_NONE; act <= ACT_RELU6; act++)
        for (int with = 0; with < 4; with++)
            run_shape(&s, (enum act)act, with & 1, with & 2);
}

/* The residual is often y itself: x + block(x). */
static void test_residual_in_place(void **state)
{
    static const struct shape shapes[] = {{9, 35, 20, 20, 35}, {9, 64, 900, 900, 64}};
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const struct shape *s = &shapes[i];
        float *w = numbers(s->n_out * s->n_in, 5), *x = numbers(s->m * s->ldx, 6);
        float *before = numbers(s->m * s->ldy, 7), *y = room(s->m * s->ldy);
        EACH_LEVEL(level)
        {
            struct tensor t = matrix(w, DT_F32, s->n_out, s->n_in);
            struct linear *l = make(&t, false, NULL);
            for (int act = ACT_NONE; act <= ACT_RELU6; act++) {
                memcpy(y, before, s->m * s->ldy * sizeof *y);
                linear_apply(l, x, s->ldx, s->m, (enum act)act, y, y, s->ldy, NULL);
                check(s, w, NULL, (enum act)act, x, before, y);
            }
            linear_free(l);
        }
        free(w);
        free(x);
        free(before);
        free(y);
    }
}

/* The same numbers as f16 or bf16 at an odd address, with and without transposing. */
static void run_stored(enum dtype dtype, bool transposed, bool want_small)
{
    struct shape s = {7, 45, 401, 401, 45};
    size_t count = s.n_out * s.n_in;
    float *w = numbers(count, 8), *x = numbers(s.m * s.ldx, 9), *bias = numbers(s.n_out, 10);
    unsigned char *stored = malloc(count * 4 + 1);
    assert_non_null(stored);
    w[0] = 0x1.02p-20F; /* bf16 holds it, fp16 does not: no 16 bits for bf16 and float32 */
    for (size_t i = 0; i < count; i++) {
        size_t at = transposed ? i % s.n_in * s.n_out + i / s.n_in : i;
        uint16_t h = f32_to_f16(w[i]);
        uint32_t bits;
        if (dtype == DT_F16) {
            w[i] = f16_to_f32(h);
            memcpy(stored + 1 + at * 2, &h, 2);
        } else if (dtype == DT_BF16) {
            memcpy(&bits, &w[i], 4);
            bits &= 0xffff0000U;
            memcpy(&w[i], &bits, 4);
            h = (uint16_t)(bits >> 16);
            memcpy(stored + 1 + at * 2, &h, 2);
        } else {
            memcpy(stored + 1 + at * 4, &w[i], 4);
        }
    }
    EACH_LEVEL(level)
    {
        struct tensor t = transposed ? matrix(stored + 1, dtype, s.n_in, s.n_out)
                                     : matrix(stored + 1, dtype, s.n_out, s.n_in);
        struct linear *l = make(&t, transposed, bias);
        assert_int_equal(linear_bytes(l) < count * 3, want_small);
        float *y = room(s.m * s.ldy);
        linear_apply(l, x, s.ldx, s.m, ACT_NONE, NULL, y, s.ldy, NULL);
        check(&s, w, bias, ACT_NONE, x, NULL, y);
        free(y);
        linear_free(l);
    }
    free(w);
    free(x);
    free(bias);
    free(stored);
}

static void test_dtypes(void **state)
{
    (void)state;
    for (int transposed = 0; transposed <= 1; transposed++) {
        run_stored(DT_F32, transposed, false);
        run_stored(DT_F16, transposed, true);
        run_stored(DT_BF16, transposed, false);
    }
}

/* float32 weights that came from float16 take 16 bits and give the same product. */
static void test_small_when_nothing_is_lost(void **state)
{
    struct shape s = {3, 20, 64, 64, 20};
    float *w = numbers(s.n_out * s.n_in, 11), *x = numbers(s.m * s.ldx, 12);
    (void)state;
    for (size_t i = 0; i < s.n_out * s.n_in; i++)
        w[i] = f16_to_f32(f32_to_f16(w[i]));
    EACH_LEVEL(level)
    {
        struct tensor t = matrix(w, DT_F32, s.n_out, s.n_in);
        struct linear *l = make(&t, false, NULL);
        assert_true(linear_bytes(l) < s.n_out * s.n_in * 4);
        float *y = room(s.m * s.ldy);
        linear_apply(l, x, s.ldx, s.m, ACT_NONE, NULL, y, s.ldy, NULL);
        check(&s, w, NULL, ACT_NONE, x, NULL, y);
        free(y);
        linear_free(l);
    }
    free(w);
    free(x);
}

static void test_batch_norm_folded(void **state)
{
    struct shape s = {6, 21, 30, 30, 21};
    float *w = numbers(s.n_out * s.n_in, 13), *x = numbers(s.m * s.ldx, 14);
    float *bias = numbers(s.n_out, 15), *scale = numbers(s.n_out, 16),
          *shift = numbers(s.n_out, 17);
    float *folded = room(s.n_out * s.n_in), *folded_bias = room(s.n_out);
    (void)state;
    for (size_t o = 0; o < s.n_out; o++) {
        for (size_t i = 0; i < s.n_in; i++)
            folded[o * s.n_in + i] = w[o * s.n_in + i] * scale[o];
        folded_bias[o] = bias[o] * scale[o] + shift[o];
    }
    EACH_LEVEL(level)
    {
        struct tensor t = matrix(w, DT_F32, s.n_out, s.n_in);
        struct eye_err err;
        struct linear *l = linear_new(&t, false, bias, scale, shift, &err);
        assert_non_null(l);
        float *y = room(s.m * s.ldy);
        linear_apply(l, x, s.ldx, s.m, ACT_NONE, NULL, y, s.ldy, NULL);
        check(&s, folded, folded_bias, ACT_NONE, x, NULL, y);
        free(y);
        linear_free(l);
    }
    free(w);
    free(x);
    free(bias);
    free(scale);
    free(shift);
    free(folded);
    free(folded_bias);
}

/* A convolution's [n_out, c, k, k] is taken in the order of conv_im2col's patches. */
static void test_convolution_order(void **state)
{
    enum { OUT = 5, C = 3, K = 2, N = C * K * K };
    float *w = numbers(OUT * N, 18), *x = numbers(N, 19), y[OUT];
    struct tensor t = {.dtype = DT_F32, .ndim = 4, .shape = {OUT, C, K, K}, .data = w};
    (void)state;
    struct linear *l = make(&t, false, NULL);
    linear_apply(l, x, N, 1, ACT_NONE, NULL, y, OUT, NULL);
    for (size_t o = 0; o < OUT; o++) {
        double want = 0.0;
        for (size_t c = 0; c < C; c++)
            for (size_t p = 0; p < K * K; p++)
                want += (double)w[(o * C + c) * K * K + p] * (double)x[p * C + c];
        near("convolution", (double)y[o], want, 1e-5);
    }
    linear_free(l);
    free(w);
    free(x);
}

/* One row's bits do not depend on how many rows there are, where it lies, or who computes it. */
static void run_rows(size_t n_out, size_t n_in, enum act act, bool half)
{
    enum { M = 210 };
    struct eye_err err;
    struct pool *pool = pool_new(3, &err);
    assert_non_null(pool);
    float *w = numbers(n_out * n_in, 20), *x = numbers(M * n_in, 21);
    float *all = room(M * n_out), *some = room(M * n_out);
    for (size_t i = 0; half && i < n_out * n_in; i++)
        w[i] = f16_to_f32(f32_to_f16(w[i]));
    EACH_LEVEL(level)
    {
        static const size_t counts[] = {1, 2, 3, 4, 5, 7, 11, 13, 50, 97, 193};
        struct tensor t = matrix(w, DT_F32, n_out, n_in);
        struct linear *l = make(&t, false, NULL);
        linear_apply(l, x, n_in, M, act, NULL, all, n_out, NULL);
        for (size_t c = 0; c < COUNT(counts); c++) {
            size_t m = counts[c], from = M - m - c;
            linear_apply(l, x + from * n_in, n_in, m, act, NULL, some, n_out, c % 2 ? pool : NULL);
            assert_true(same_bits(all + from * n_out, some, m * n_out));
        }
        linear_apply(l, x, n_in, M, act, NULL, some, n_out, pool);
        assert_true(same_bits(all, some, M * n_out));
        linear_free(l);
    }
    pool_free(pool);
    free(w);
    free(x);
    free(all);
    free(some);
}

static void test_rows_are_independent(void **state)
{
    (void)state;
    run_rows(40, 20, ACT_RELU6, false);
    run_rows(70, 1024, ACT_GELU, false);
    run_rows(300, 500, ACT_QUICK_GELU, true);
}

static void test_nan_stays(void **state)
{
    struct shape s = {7, 20, 5, 5, 20};
    float *w = numbers(s.n_out * s.n_in, 22), *x = numbers(s.m * s.ldx, 23);
    (void)state;
    x[2 * 5 + 1] = NAN;
    for (int act = ACT_NONE; act <= ACT_RELU6; act++) {
        EACH_LEVEL(level)
        {
            struct tensor t = matrix(w, DT_F32, s.n_out, s.n_in);
            struct linear *l = make(&t, false, NULL);
            float *y = room(s.m * s.ldy);
            linear_apply(l, x, s.ldx, s.m, (enum act)act, NULL, y, s.ldy, NULL);
            for (size_t i = 0; i < s.m * s.n_out; i++)
                assert_int_equal(isnan(y[i]) != 0, i / s.n_out == 2);
            free(y);
            linear_free(l);
        }
    }
    free(w);
    free(x);
}

static void test_refuses(void **state)
{
    float w[8] = {0};
    struct eye_err err;
    struct tensor flat = {.dtype = DT_F32, .ndim = 1, .shape = {8}, .data = w};
    struct tensor empty = matrix(w, DT_F32, 0, 8);
    struct tensor vast = matrix(w, DT_F32, SIZE_MAX / 2, 16);
    (void)state;
    assert_null(linear_new(&flat, false, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_null(linear_new(&empty, false, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_null(linear_new(&vast, false, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    linear_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_long_sums),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_residual_in_place),
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_small_when_nothing_is_lost),
        cmocka_unit_test(test_batch_norm_folded),
        cmocka_unit_test(test_convolution_order),
        cmocka_unit_test(test_rows_are_independent),
        cmocka_unit_test(test_nan_stays),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
