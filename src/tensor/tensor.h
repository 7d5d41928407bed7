/* tensor.h - float kernels for the towers: packed matrix products, convolution, attention, norms.
 *
 * All activations are float32, rows contiguous; images are [height, width, channels] (NHWC), so
 * that a 1x1 convolution is a matrix product. Weights are packed once into panels for the
 * kernels of cpu_level() and are read-only afterwards: any number of threads may share them.
 * Scratch belongs to the caller. Functions that take a `struct pool *` share their work through
 * it (NULL: this thread alone). */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"

enum dtype { DT_F32, DT_F16, DT_BF16 };
size_t dtype_size(enum dtype t);

/* A borrowed view of stored numbers, e.g. in a mapped safetensors file; row-major. `data` may be
 * unaligned. */
struct tensor {
    enum dtype dtype;
    int ndim; /* 0..4 */
    size_t shape[4];
    const void *data;
};
size_t tensor_count(const struct tensor *t); /* product of the shape; 1 for ndim 0 */

/* n numbers from index `from` on, as float32. */
void tensor_to_f32(const struct tensor *t, size_t from, size_t n, float *out);

uint16_t f32_to_f16(float x); /* round to nearest even */
float f16_to_f32(uint16_t h);
void f16_to_f32_n(const uint16_t *in, float *out, size_t n);
void f32_to_f16_n(const float *in, uint16_t *out, size_t n);

enum act {
    ACT_NONE,
    ACT_GELU /* exact, erf */,
    ACT_QUICK_GELU /* x*sigmoid(1.702x) */,
    ACT_RELU,
    ACT_RELU6
};

/* ---- linear: y = act(x W^T + b) + residual ---- */

struct linear; /* packed weights of one [n_out, n_in] matrix and its bias */

/* w: [n_out, n_in] (trailing dimensions of size 1 are fine: a 1x1 convolution) or, if
 * `transposed`, [n_in, n_out]. bias: [n_out] or NULL. scale, shift: [n_out] or NULL: a batch
 * norm folded in: row o becomes scale[o]*w[o], bias scale[o]*b+shift[o]. A convolution's [n_out,
 * c, k, k] is taken in the order of conv_im2col. Weights are kept as 16 bits where that loses
 * nothing (fp16 without scale, or numbers that all are fp16's), else as float32. EYE_EINVAL,
 * EYE_ELIMIT, EYE_ENOMEM. */
struct linear *linear_new(const struct tensor *w, bool transposed, const float *bias,
                          const float *scale, const float *shift, struct eye_err *err);
/* Rows [from, from+n) of a stacked weight (e.g. in_proj_weight) are a view: make one with
 * tensor_rows. */
struct tensor tensor_rows(const struct tensor *t, size_t from, size_t n);
void linear_free(struct linear *l);
size_t linear_in(const struct linear *l);
size_t linear_out(const struct linear *l);
size_t linear_bytes(const struct linear *l);

/* x: [m, n_in] with row stride ldx; y: [m, n_out], row stride ldy; residual: [m, n_out] row
 * stride ldy, or NULL, may be y itself. x and y must not overlap. Deterministic for a given
 * level: one row's result does not depend on m or on the pool. */
void linear_apply(const struct linear *l, const float *x, size_t ldx, size_t m, enum act act,
                  const float *residual, float *y, size_t ldy, struct pool *pool);

/* ---- convolution, NHWC ---- */

size_t conv_out_same(size_t in, size_t stride); /* ceil(in / stride) */
size_t conv_same_pad(size_t in, size_t kernel,
                     size_t stride); /* the part before: floor(total / 2) */

/* One convolution of [h, w, c] by k x k kernels to [oh, ow, ...]. Padding is (top, left); bottom
 * and right follow from the output size. */
struct conv_shape {
    size_t h, w, c;
    size_t k, stride;
    size_t pad_top, pad_left;
    size_t oh, ow;
};

/* The shape with TensorFlow's SAME padding. */
struct conv_shape conv_shape_same(size_t h, size_t w, size_t c, size_t k, size_t stride);

/* Gather patches for a strided convolution as a linear: x [h, w, c] -> out [oh*ow, k*k*c], inner
 * order (ky, kx, c); outside is 0. */
void conv_im2col(const float *x, const struct conv_shape *s, float *out);

struct depthwise; /* packed k x k weights of c channels, bias folded */
/* w: [c, 1, k, k]; scale/shift as in linear_new. */
struct depthwise *depthwise_new(const struct tensor *w, const float *scale, const float *shift,
                                struct eye_err *err);
void depthwise_free(struct depthwise *d);
/* x: [h, w, c] -> y: [oh, ow, c]; s has the c and k of d. */
void depthwise_apply(const struct depthwise *d, const float *x, const struct conv_shape *s,
                     enum act act, float *y, struct pool *pool);

/* ---- attention ---- */

/* softmax(q k^T / sqrt(head_width)) v for each head. qkv: [n, 3*d] rows (q | k | v), d =
 * heads*head_width; out: [n, d]. causal: row i sees rows 0..i. only_row >= 0: only that query
 * row is computed, out is [1, d]; -1: all rows. scratch: attention_scratch(n, d, heads) floats
 * (more than there is if that overflows). A row's result is the same alone, among all, and
 * whatever follows it if causal. */
size_t attention_scratch(size_t n, size_t d, size_t heads);
void attention(const float *qkv, size_t n, size_t d, size_t heads, bool causal, ptrdiff_t only_row,
               float *out, float *scratch, struct pool *pool);

/* ---- rows ---- */

/* y = (x - mean) / sqrt(var + eps) * gain + bias for each of m rows of n; y may be x. */
void layer_norm(const float *x, size_t m, size_t n, const float *gain, const float *bias, float eps,
                float *y);
void add_rows(float *y, const float *x, size_t n);              /* y += x, n numbers */
void mean_rows(const float *x, size_t m, size_t n, float *out); /* out[n] = mean over m rows */
void apply_act(float *x, size_t n, enum act act);
/* Divide by the length; false (x all zero afterwards) when the length is 0 or not finite. */
bool l2_normalise(float *x, size_t n);
float dot_f32(const float *a, const float *b, size_t n);
/* a: f32, b: f16 */
float dot_f32_f16(const float *a, const uint16_t *b, size_t n);

/* pixels u8 [n, 3] -> (p/255 - mean[c]) / std[c], float [n, 3] (ToTensor + Normalize) */
void pixels_normalise(const uint8_t *rgb, size_t n, const float mean[3], const float std[3],
                      float *out);

#endif
