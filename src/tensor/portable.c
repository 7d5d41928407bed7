/* portable.c - the kernels in plain C: for processors without vectors that we know, and the
 * reference that the other tables are tested against. Written to be read, not to be fast; the
 * inner loops are still shaped so that a compiler can use whatever short vectors there are. */
#include <math.h>
#include <string.h>

#include "tensor/kernels.h"

enum { ROWS = 4, COLS = 8 };

/* Four floats, as every processor of the last twenty years has them. */
typedef float v4 __attribute__((vector_size(16)));

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 4")
#endif

static void store_row(const struct tile *t, size_t r, size_t cols, const float *sum)
{
    float *c = t->c + r * t->ldc;
    for (size_t j = 0; j < cols; j++) {
        float v = sum[j];
        if (t->finish) {
            v = v < t->lo ? t->lo : v;
            v = v > t->hi ? t->hi : v;
            if (t->residual)
                v += t->residual[r * t->ldc + j];
        }
        c[j] = v;
    }
}

/* COLS columns of the first tile, of a panel that is `width` wide. */
static inline __attribute__((always_inline)) void tile_cols(const struct tile *t, size_t rows,
                                                            size_t width, bool half)
{
    v4 sum[ROWS][2], b[2];
    UNROLL for (size_t r = 0; r < rows; r++)
        memcpy(sum[r], t->start + r * t->start_ld, sizeof sum[r]);
    for (size_t p = 0; p < t->k; p++) {
        if (half) {
            float wide[COLS];
            for (size_t j = 0; j < COLS; j++)
                wide[j] = kernels_f16_at(t->b, p * width + j);
            memcpy(b, wide, sizeof b);
        } else {
            memcpy(b, (const float *)t->b + p * width, sizeof b);
        }
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            sum[r][0] += b[0] * t->a[r * t->lda + p];
            sum[r][1] += b[1] * t->a[r * t->lda + p];
        }
    }
    for (size_t r = 0; r < rows; r++) {
        float row[COLS];
        memcpy(row, sum[r], sizeof row);
        store_row(t, r, COLS, row);
    }
}

static inline __attribute__((always_inline)) void tile_any(const struct tile *t, size_t rows,
                                                           size_t width, bool half)
{
    for (size_t i = 0; i < t->tiles; i++) {
        size_t down = i * rows;
        for (size_t j = 0; j < width; j += COLS) {
            struct tile part = *t;
            part.a = t->a + down * t->lda;
            part.b = (const char *)t->b + j * (half ? 2 : 4);
            part.start = t->start + down * t->start_ld + j;
            part.c = t->c + down * t->ldc + j;
            part.residual = t->residual ? t->residual + down * t->ldc + j : NULL;
            tile_cols(&part, rows, width, half);
        }
    }
}

#define TILE(rows)                                                                                 \
    static void tile_f32_half_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_any(t, rows, COLS, false);                                                            \
    }                                                                                              \
    static void tile_f32_full_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_any(t, rows, COLS * 2, false);                                                        \
    }                                                                                              \
    static void tile_f16_half_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_any(t, rows, COLS, true);                                                             \
    }                                                                                              \
    static void tile_f16_full_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_any(t, rows, COLS * 2, true);                                                         \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)

static tile_fn *const tile_f32[2][TILE_ROWS_MAX] = {
    {tile_f32_half_1, tile_f32_half_2, tile_f32_half_3, tile_f32_half_4},
    {tile_f32_full_1, tile_f32_full_2, tile_f32_full_3, tile_f32_full_4},
};
static tile_fn *const tile_f16[2][TILE_ROWS_MAX] = {
    {tile_f16_half_1, tile_f16_half_2, tile_f16_half_3, tile_f16_half_4},
    {tile_f16_full_1, tile_f16_full_2, tile_f16_full_3, tile_f16_full_4},
};

static float act_one(float x, enum act act)
{
    switch (act) {
    case ACT_GELU: return 0.5F * x * (1.0F + erff(x * 0.70710678F));
    case ACT_QUICK_GELU: return x / (1.0F + expf(-1.702F * x));
    case ACT_RELU: return x < 0.0F ? 0.0F : x;
    case ACT_RELU6: return x < 0.0F ? 0.0F : x > 6.0F ? 6.0F : x;
    case ACT_NONE: break;
    }
    return x;
}

static void act_all(float *x, size_t n, enum act act)
{
    for (size_t i = 0; i < n; i++)
        x[i] = act_one(x[i], act);
}

static float softmax_exp(float *x, size_t n, size_t padded, float scale)
{
    float max = -INFINITY, sum = 0.0F;
    for (size_t i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++) {
        x[i] = expf((x[i] - max) * scale);
        sum += x[i];
    }
    for (size_t i = n; i < padded; i++)
        x[i] = 0.0F;
    return sum;
}

static void layer_norm_row(const float *x, size_t n, const float *gain, const float *bias,
                           float eps, float *y)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    double inv = 1.0 / sqrt(squares / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(((double)x[i] - mean) * inv) * gain[i] + bias[i];
}

static void transpose(const float *in, size_t ld, size_t rows, size_t n, float *out, size_t out_ld)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < rows; j++)
            out[i * out_ld + j] = in[j * ld + i];
}

static void scale_all(float *x, size_t n, float by)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

static void add_all(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* Eight sums, as vectors have them: the error grows more slowly than with one. */
static float dot(const float *a, const float *b, size_t n)
{
    float sum[COLS] = {0}, total = 0.0F;
    for (size_t i = 0; i < n; i++)
        sum[i % COLS] += a[i] * b[i];
    for (size_t j = 0; j < COLS; j++)
        total += sum[j];
    return total;
}

static float dot_f16(const float *a, const uint16_t *b, size_t n)
{
    float sum[COLS] = {0}, total = 0.0F;
    for (size_t i = 0; i < n; i++)
        sum[i % COLS] += a[i] * f16_to_f32(b[i]);
    for (size_t j = 0; j < COLS; j++)
        total += sum[j];
    return total;
}

static void from_f16(const void *in, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = kernels_f16_at(in, i);
}

static void to_f16(const float *in, uint16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = f32_to_f16(in[i]);
}

/* Add one input row, ky below the top of the kernel, to the sums in y. */
static void depthwise_taps(const struct depthwise_row *j, size_t ky, size_t ox)
{
    float *y = j->y + ox * j->c;
    for (size_t kx = 0; kx < j->k; kx++) {
        size_t ix = ox * j->stride + kx;
        if (ix < j->pad_left || ix - j->pad_left >= j->w)
            continue;
        size_t iy = (size_t)(j->y0 + (ptrdiff_t)ky);
        const float *x = j->x + (iy * j->w + ix - j->pad_left) * j->c;
        const float *w = j->weights + (ky * j->k + kx) * j->c_padded;
        for (size_t c = 0; c < j->c; c++)
            y[c] += x[c] * w[c];
    }
}

static void depthwise_row(const struct depthwise_row *j)
{
    for (size_t ox = 0; ox < j->ow; ox++) {
        float *y = j->y + ox * j->c;
        memcpy(y, j->bias, j->c * sizeof *y);
        for (size_t ky = 0; ky < j->k; ky++) {
            ptrdiff_t iy = j->y0 + (ptrdiff_t)ky;
            if (iy >= 0 && iy < (ptrdiff_t)j->h)
                depthwise_taps(j, ky, ox);
        }
        for (size_t c = 0; c < j->c; c++) {
            y[c] = y[c] < j->lo ? j->lo : y[c];
            y[c] = y[c] > j->hi ? j->hi : y[c];
        }
    }
}

static const struct kernels table = {
    .name = "portable",
    .vector = COLS,
    .tile_rows = ROWS,
    .tile_cols = COLS * 2,
    .tile_f32 = tile_f32,
    .tile_f16 = tile_f16,
    .act = act_all,
    .softmax_exp = softmax_exp,
    .layer_norm_row = layer_norm_row,
    .transpose = transpose,
    .scale = scale_all,
    .add = add_all,
    .dot = dot,
    .dot_f16 = dot_f16,
    .from_f16 = from_f16,
    .to_f16 = to_f16,
    .depthwise_row = depthwise_row,
};

const struct kernels *kernels_portable(void)
{
    return &table;
}
