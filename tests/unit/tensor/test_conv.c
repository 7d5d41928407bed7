/* test_conv.c - patches and depthwise convolution against their definitions. */
#include "levels.h"

static void test_same_padding(void **state)
{
    (void)state;
    assert_int_equal(conv_out_same(224, 2), 112);
    assert_int_equal(conv_out_same(7, 2), 4);
    assert_int_equal(conv_out_same(7, 1), 7);
    assert_int_equal(conv_same_pad(224, 3, 2), 0); /* one in all, after */
    assert_int_equal(conv_same_pad(7, 3, 2), 1);
    assert_int_equal(conv_same_pad(56, 5, 2), 1); /* three in all */
    assert_int_equal(conv_same_pad(14, 5, 1), 2);
    assert_int_equal(conv_same_pad(8, 1, 2), 0);
}

/* x[y, x, c] or 0 outside */
static float at(const float *x, size_t h, size_t w, size_t c, ptrdiff_t iy, ptrdiff_t ix, size_t ch)
{
    if (iy < 0 || ix < 0 || iy >= (ptrdiff_t)h || ix >= (ptrdiff_t)w)
        return 0.0F;
    return x[((size_t)iy * w + (size_t)ix) * c + ch];
}

static void run_patches(const struct conv_shape *s)
{
    const size_t h = s->h, w = s->w, c = s->c, k = s->k, oh = s->oh, ow = s->ow;
    size_t count = oh * ow * k * k * c;
    float *x = numbers(h * w * c, 41), *out = room(count), *p = out;
    conv_im2col(x, s, out);
    for (size_t oy = 0; oy < oh; oy++)
        for (size_t ox = 0; ox < ow; ox++)
            for (size_t ky = 0; ky < k; ky++)
                for (size_t kx = 0; kx < k; kx++)
                    for (size_t ch = 0; ch < c; ch++) {
                        ptrdiff_t iy = (ptrdiff_t)(oy * s->stride + ky) - (ptrdiff_t)s->pad_top;
                        ptrdiff_t ix = (ptrdiff_t)(ox * s->stride + kx) - (ptrdiff_t)s->pad_left;
                        assert_true(*p++ == at(x, h, w, c, iy, ix, ch));
                    }
    free(x);
    free(out);
}

static void test_im2col(void **state)
{
    static const struct conv_shape shapes[] = {
        {8, 12, 3, 4, 4, 0, 0, 2, 3}, {9, 7, 3, 3, 2, 1, 1, 5, 4}, {10, 10, 2, 3, 2, 0, 0, 5, 5},
        {3, 2, 1, 5, 1, 2, 2, 3, 2},  {1, 1, 4, 7, 1, 3, 3, 1, 1}, {2, 2, 1, 3, 4, 0, 0, 2, 2}};
    (void)state; /* the last has patches wholly outside */
    for (size_t i = 0; i < COUNT(shapes); i++)
        run_patches(&shapes[i]);
}

static void check(const struct conv_shape *s, const float *x, const float *w, const float *scale,
                  const float *shift, bool relu6, const float *y)
{
    for (size_t oy = 0; oy < s->oh; oy++)
        for (size_t ox = 0; ox < s->ow; ox++)
            for (size_t c = 0; c < s->c; c++) {
                double sum = 0.0;
                for (size_t ky = 0; ky < s->k; ky++)
                    for (size_t kx = 0; kx < s->k; kx++)
                        sum += (double)w[(c * s->k + ky) * s->k + kx] *
                               (double)at(x, s->h, s->w, s->c,
                                          (ptrdiff_t)(oy * s->stride + ky) - (ptrdiff_t)s->pad_top,
                                          (ptrdiff_t)(ox * s->stride + kx) - (ptrdiff_t)s->pad_left,
                                          c);
                sum = sum * (scale ? (double)scale[c] : 1.0) + (shift ? (double)shift[c] : 0.0);
                if (relu6)
                    sum = fmin(fmax(sum, 0.0), 6.0);
                near("depthwise", (double)y[(oy * s->ow + ox) * s->c + c], sum, 1e-5);
            }
}

static void run_depthwise(const struct conv_shape *s, bool folded, bool relu6)
{
    struct eye_err err;
    struct pool *pool = pool_new(2, &err);
    assert_non_null(pool);
    size_t count = s->oh * s->ow * s->c;
    float *x = numbers(s->h * s->w * s->c, 42), *w = numbers(s->c * s->k * s->k, 43);
    float *scale = numbers(s->c, 44), *shift = numbers(s->c, 45);
    struct tensor t = {.dtype = DT_F32, .ndim = 4, .shape = {s->c, 1, s->k, s->k}, .data = w};
    EACH_LEVEL(level)
    {
        struct depthwise *d = depthwise_new(&t, folded ? scale : NULL, folded ? shift : NULL, &err);
        assert_non_null(d);
        float *y = room(count), *shared = room(count);
        enum act act = relu6 ? ACT_RELU6 : ACT_NONE;
        depthwise_apply(d, x, s, act, y, NULL);
        check(s, x, w, folded ? scale : NULL, folded ? shift : NULL, relu6, y);
        depthwise_apply(d, x, s, act, shared, pool);
        assert_true(same_bits(y, shared, count));
        free(y);
        free(shared);
        depthwise_free(d);
    }
    free(x);
    free(w);
    free(scale);
    free(shift);
    pool_free(pool);
}

static void test_depthwise(void **state)
{
    static const size_t sides[] = {1, 2, 3, 5, 8, 13, 22}, kernels[] = {1, 3, 5, 7};
    static const size_t channels[] = {1, 7, 8, 16, 19, 24, 40};
    (void)state;
    for (size_t i = 0; i < COUNT(sides); i++)
        for (size_t k = 0; k < COUNT(kernels); k++)
            for (size_t stride = 1; stride <= 3; stride++) {
                size_t c = channels[(i * 3 + k * 2 + stride) % COUNT(channels)];
                struct conv_shape s = conv_shape_same(sides[i], sides[COUNT(sides) - 1 - i] + k, c,
                                                      kernels[k], stride);
                run_depthwise(&s, (i + k) % 2, stride == 2);
            }
}

/* No padding, and outputs that lie in it altogether. */
static void test_depthwise_odd_padding(void **state)
{
    struct conv_shape valid = {9, 14, 11, 3, 1, 0, 0, 7, 12};
    struct conv_shape outside = {3, 3, 9, 3, 2, 4, 4, 6, 6};
    (void)state;
    run_depthwise(&valid, true, false);
    run_depthwise(&outside, true, false);
}

static void test_depthwise_gelu(void **state)
{
    struct conv_shape s = conv_shape_same(6, 6, 10, 3, 1);
    struct eye_err err;
    float *x = numbers(s.h * s.w * s.c, 46), *w = numbers(s.c * 9, 47), *plain = room(360),
          *y = room(360);
    struct tensor t = {.dtype = DT_F32, .ndim = 4, .shape = {10, 1, 3, 3}, .data = w};
    (void)state;
    EACH_LEVEL(level)
    {
        struct depthwise *d = depthwise_new(&t, NULL, NULL, &err);
        assert_non_null(d);
        depthwise_apply(d, x, &s, ACT_NONE, plain, NULL);
        depthwise_apply(d, x, &s, ACT_GELU, y, NULL);
        for (size_t i = 0; i < 360; i++) {
            double v = (double)plain[i];
            near("gelu", (double)y[i], 0.5 * v * (1.0 + erf(v / sqrt(2.0))), 3e-6);
        }
        depthwise_free(d);
    }
    free(x);
    free(w);
    free(plain);
    free(y);
}

static void test_depthwise_refuses(void **state)
{
    float w[16] = {0};
    struct eye_err err;
    struct tensor dense = {.dtype = DT_F32, .ndim = 4, .shape = {2, 2, 2, 2}, .data = w};
    struct tensor oblong = {.dtype = DT_F32, .ndim = 4, .shape = {2, 1, 2, 4}, .data = w};
    struct tensor large = {.dtype = DT_F32, .ndim = 4, .shape = {1, 1, 99, 99}, .data = w};
    (void)state;
    assert_null(depthwise_new(&dense, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_null(depthwise_new(&oblong, NULL, NULL, &err));
    assert_null(depthwise_new(&large, NULL, NULL, &err));
    depthwise_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_padding),   cmocka_unit_test(test_im2col),
        cmocka_unit_test(test_depthwise),      cmocka_unit_test(test_depthwise_odd_padding),
        cmocka_unit_test(test_depthwise_gelu), cmocka_unit_test(test_depthwise_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
