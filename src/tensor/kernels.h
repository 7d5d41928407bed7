/* kernels.h - the table of inner kernels that each instruction set fills in; internal to tensor/.
 *
 * Drivers (linear.c, attention.c, depthwise.c, rows.c) cut the work into pieces; a kernel does one
 * piece. The portable table is the reference that tests compare the others with. */
#ifndef TENSOR_KERNELS_H
#define TENSOR_KERNELS_H

#include "tensor/tensor.h"

enum {
    TILE_ROWS_MAX = 8,    /* rows of the tallest tile of any level */
    TILE_COLS_MAX = 32,   /* columns of the widest */
    VECTOR_MAX = 16,      /* floats in the widest vector */
    TILE_AHEAD_EVERY = 4, /* steps of k between two lines fetched ahead */
    DEPTHWISE_K_MAX = 15  /* largest depthwise kernel side */
};

/* A column of tiles of a product, one below the other, each `rows` (of the kernel) high:
 * c[r, j] = start[r, j] + sum over p < k of a[r, p] * b[p, j], each sum in order of p with one
 * rounding a step (portable: two), so that cutting k into blocks changes no bit. */
struct tile {
    size_t tiles;   /* how many */
    const float *a; /* [tiles * rows, k], row stride lda */
    size_t lda;
    const void *b; /* [k, cols] without gaps, float or (tile_f16) fp16 */
    size_t k;
    const float *start; /* like c, row stride start_ld: the bias with stride 0, or sums so far */
    size_t start_ld;
    float *c; /* [tiles * rows, cols], row stride ldc */
    size_t ldc;
    float lo, hi;          /* if `finish`: c = min(max(sum, lo), hi) + residual */
    const float *residual; /* like c, row stride ldc; NULL: none */
    bool finish;
    const char
        *ahead; /* what is read next; the first `ahead_tiles` fetch it, a line every few steps */
    size_t ahead_tiles;
};
typedef void tile_fn(const struct tile *t);

/* One row of output of a depthwise convolution. */
struct depthwise_row {
    const float *x; /* [h, w, c] */
    size_t h, w, c;
    const float *weights; /* [k * k, c_padded] */
    const float *bias;    /* [c_padded] */
    size_t c_padded, k, stride;
    ptrdiff_t y0; /* first input row under the kernel; may be negative */
    size_t pad_left, ow;
    float lo, hi;
    float *y; /* [ow, c] */
};

struct kernels {
    const char *name;
    size_t vector;    /* floats in a vector: what rows of packed weights are padded to */
    size_t tile_rows; /* tallest tile */
    size_t tile_cols; /* a full panel; the last panel of a matrix may be half of it */

    /* [0]: half panel, [1]: full panel; then rows - 1 */
    tile_fn *const (*tile_f32)[TILE_ROWS_MAX];
    tile_fn *const (*tile_f16)[TILE_ROWS_MAX];

    void (*act)(float *x, size_t n, enum act act);
    /* x[i] = exp((x[i] - max) * scale) for i < n, zeros up to `padded`; returns the sum. x has
     * room for n rounded up to VECTOR_MAX. */
    float (*softmax_exp)(float *x, size_t n, size_t padded, float scale);
    void (*layer_norm_row)(const float *x, size_t n, const float *gain, const float *bias,
                           float eps, float *y);
    /* out[i, j] = in[j, i] for i < n, j < rows; row strides ld and out_ld */
    void (*transpose)(const float *in, size_t ld, size_t rows, size_t n, float *out, size_t out_ld);
    void (*scale)(float *x, size_t n, float by);
    void (*add)(float *y, const float *x, size_t n);
    float (*dot)(const float *a, const float *b, size_t n);
    float (*dot_f16)(const float *a, const uint16_t *b, size_t n);
    void (*from_f16)(const void *in, float *out, size_t n); /* `in` may be unaligned */
    void (*to_f16)(const float *in, uint16_t *out, size_t n);
    void (*depthwise_row)(const struct depthwise_row *job);
};

/* The table of cpu_level(). */
const struct kernels *kernels_now(void);

const struct kernels *kernels_portable(void);
const struct kernels *kernels_avx2(void);   /* NULL when not built for x86-64 */
const struct kernels *kernels_avx512(void); /* NULL when not built for x86-64 */

/* What an activation does to a tile at its end, if that is only clamping: false for the GELUs. */
bool act_clamps(enum act act, float *lo, float *hi);

/* One number of fp16, at any alignment. */
float kernels_f16_at(const void *base, size_t i);

#endif
