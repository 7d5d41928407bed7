/* test_attention.c - attention against its definition in double precision. */
#include "levels.h"

struct shape {
    size_t n, heads, width;
};

static const struct shape shapes[] = {{1, 1, 1},   {2, 2, 3},   {7, 3, 8},   {8, 2, 64},
                                      {13, 1, 20}, {24, 2, 16}, {25, 2, 9},  {50, 3, 64},
                                      {77, 2, 64}, {33, 1, 72}, {256, 1, 33}};

/* out [n, d] */
static void define(const float *qkv, const struct shape *s, bool causal, double *out)
{
    size_t d = s->heads * s->width, ld = 3 * d;
    double *p = malloc(s->n * sizeof *p);
    assert_non_null(p);
    for (size_t h = 0; h < s->heads; h++) {
        for (size_t i = 0; i < s->n; i++) {
            size_t keys = causal ? i + 1 : s->n;
            double most = -INFINITY, sum = 0.0;
            for (size_t j = 0; j < keys; j++) {
                p[j] = 0.0;
                for (size_t c = 0; c < s->width; c++)
                    p[j] += (double)qkv[i * ld + h * s->width + c] *
                            (double)qkv[j * ld + d + h * s->width + c];
                p[j] /= sqrt((double)s->width);
                most = fmax(most, p[j]);
            }
            for (size_t j = 0; j < keys; j++)
                sum += p[j] = exp(p[j] - most);
            for (size_t c = 0; c < s->width; c++) {
                double v = 0.0;
                for (size_t j = 0; j < keys; j++)
                    v += p[j] / sum * (double)qkv[j * ld + 2 * d + h * s->width + c];
                out[i * d + h * s->width + c] = v;
            }
        }
    }
    free(p);
}

/* Scores from -30 to 30 or so, as sharp as real heads get. */
static float *sharp_numbers(const struct shape *s)
{
    size_t d = s->heads * s->width, count = s->n * 3 * d;
    float *x = numbers(count, 31);
    for (size_t i = 0; i < count; i++)
        if (i / d % 3 < 2)
            x[i] *= 4.0F;
    return x;
}

static void run_shape(const struct shape *s, bool causal)
{
    size_t d = s->heads * s->width, count = s->n * d;
    float *qkv = sharp_numbers(s), *out = room(count);
    double *want = malloc(count * sizeof *want);
    assert_non_null(want);
    define(qkv, s, causal, want);
    EACH_LEVEL(level)
    {
        float *scratch = room(attention_scratch(s->n, d, s->heads));
        attention(qkv, s->n, d, s->heads, causal, -1, out, scratch, NULL);
        for (size_t i = 0; i < count; i++)
            near("attention", (double)out[i], want[i], 4e-6);
        free(scratch);
    }
    free(qkv);
    free(out);
    free(want);
}

static void test_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        run_shape(&shapes[i], false);
        run_shape(&shapes[i], true);
    }
}

/* The row alone has the bits that it has among all. */
static void test_only_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const struct shape *s = &shapes[i];
        size_t d = s->heads * s->width;
        float *qkv = sharp_numbers(s), *all = room(s->n * d), *one = room(d);
        float *scratch = room(attention_scratch(s->n, d, s->heads));
        for (int causal = 0; causal <= 1; causal++) {
            EACH_LEVEL(level)
            {
                attention(qkv, s->n, d, s->heads, causal, -1, all, scratch, NULL);
                for (size_t row = 0; row < s->n; row += 1 + s->n / 7) {
                    attention(qkv, s->n, d, s->heads, causal, (ptrdiff_t)row, one, scratch, NULL);
                    for (size_t c = 0; c < d; c++)
                        assert_true(one[c] == all[row * d + c]);
                }
            }
        }
        free(qkv);
        free(all);
        free(one);
        free(scratch);
    }
}

/* A causal row's bits are the same when nothing follows it. */
static void test_causal_prefix(void **state)
{
    struct shape s = {61, 2, 24};
    size_t d = s.heads * s.width;
    float *qkv = sharp_numbers(&s), *all = room(s.n * d), *some = room(s.n * d);
    float *scratch = room(attention_scratch(s.n, d, s.heads));
    (void)state;
    EACH_LEVEL(level)
    {
        attention(qkv, s.n, d, s.heads, true, -1, all, scratch, NULL);
        for (size_t n = 1; n < s.n; n += 5) {
            attention(qkv, n, d, s.heads, true, -1, some, scratch, NULL);
            for (size_t i = 0; i < n * d; i++)
                assert_true(some[i] == all[i]);
        }
    }
    free(qkv);
    free(all);
    free(some);
    free(scratch);
}

static void run_pool(int threads)
{
    struct shape s = {53, 4, 40};
    struct eye_err err;
    size_t d = s.heads * s.width;
    struct pool *pool = pool_new(threads, &err);
    assert_non_null(pool);
    float *qkv = sharp_numbers(&s), *alone = room(s.n * d), *shared = room(s.n * d);
    float *scratch = room(attention_scratch(s.n, d, s.heads));
    EACH_LEVEL(level)
    {
        attention(qkv, s.n, d, s.heads, false, -1, alone, scratch, NULL);
        attention(qkv, s.n, d, s.heads, false, -1, shared, scratch, pool);
        assert_true(same_bits(alone, shared, s.n * d));
    }
    free(qkv);
    free(alone);
    free(shared);
    free(scratch);
    pool_free(pool);
}

static void test_pool(void **state)
{
    (void)state;
    run_pool(3);
    run_pool(6); /* more threads than heads */
}

/* Scores of +-1000: no overflow, and the largest takes all. */
static void test_extreme_scores(void **state)
{
    enum { N = 20, D = 4 };
    float qkv[N * 3 * D] = {0}, out[N * D];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        qkv[i * 3 * D] = 1000.0F;
        qkv[i * 3 * D + D] = i == 5 ? 2.0F : -2.0F;
        qkv[i * 3 * D + 2 * D] = (float)i;
    }
    EACH_LEVEL(level)
    {
        float *scratch = room(attention_scratch(N, D, 1));
        attention(qkv, N, D, 1, false, -1, out, scratch, NULL);
        for (size_t i = 0; i < N; i++)
            assert_true(out[i * D] == 5.0F);
        free(scratch);
    }
}

static void test_scratch_overflow(void **state)
{
    (void)state;
    assert_true(attention_scratch(SIZE_MAX / 2, 768, 12) > SIZE_MAX / 8);
    assert_true(attention_scratch(50, 768, 0) > SIZE_MAX / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),     cmocka_unit_test(test_only_row),
        cmocka_unit_test(test_causal_prefix),  cmocka_unit_test(test_pool),
        cmocka_unit_test(test_extreme_scores), cmocka_unit_test(test_scratch_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
