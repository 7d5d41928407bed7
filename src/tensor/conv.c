/* conv.c - padding arithmetic, patches for strided convolutions, and depthwise convolution. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tensor/kernels.h"

size_t conv_out_same(size_t in, size_t stride)
{
    return in / stride + (in % stride != 0);
}

size_t conv_same_pad(size_t in, size_t kernel, size_t stride)
{
    size_t out = conv_out_same(in, stride);
    size_t need = out == 0 ? 0 : (out - 1) * stride + kernel;
    return need > in ? (need - in) / 2 : 0;
}

/* n numbers, few as a rule (3 pixels of 3): with lengths known to the compiler, copies cost no
 * call. */
static inline void copy_few(float *out, const float *in, size_t n)
{
    enum { FEW = 8 };
    if (n < FEW || n > 2 * FEW) {
        memcpy(out, in, n * sizeof *out);
        return;
    }
    memcpy(out, in, FEW * sizeof *out);
    memcpy(out + n - FEW, in + n - FEW, FEW * sizeof *out); /* may overlap the first */
}

/* One kernel row of one patch: k pixels of c numbers of the image row, which begins `left`
 * pixels into the padded row; zeros outside. */
static void patch_row(const float *row, size_t w, size_t c, size_t k, size_t left, size_t pad_left,
                      float *out)
{
    if (left >= pad_left && left + k <= pad_left + w) {
        copy_few(out, row + (left - pad_left) * c, k * c);
        return;
    }
    size_t from = left < pad_left ? pad_left - left : 0, end = pad_left + w;
    size_t to = left >= end ? 0 : end - left < k ? end - left : k;
    from = from < to ? from : to;
    memset(out, 0, from * c * sizeof *out);
    if (to > from)
        memcpy(out + from * c, row + (left + from - pad_left) * c, (to - from) * c * sizeof *out);
    memset(out + to * c, 0, (k - to) * c * sizeof *out);
}

struct conv_shape conv_shape_same(size_t h, size_t w, size_t c, size_t k, size_t stride)
{
    return (struct conv_shape){.h = h,
                               .w = w,
                               .c = c,
                               .k = k,
                               .stride = stride,
                               .pad_top = conv_same_pad(h, k, stride),
                               .pad_left = conv_same_pad(w, k, stride),
                               .oh = conv_out_same(h, stride),
                               .ow = conv_out_same(w, stride)};
}

void conv_im2col(const float *x, const struct conv_shape *s, float *out)
{
    const size_t w = s->w, c = s->c, k = s->k;
    for (size_t oy = 0; oy < s->oh; oy++) {
        for (size_t ox = 0; ox < s->ow; ox++) {
            for (size_t ky = 0; ky < k; ky++, out += k * c) {
                size_t y = oy * s->stride + ky; /* in the padded image */
                if (y < s->pad_top || y - s->pad_top >= s->h)
                    memset(out, 0, k * c * sizeof *out);
                else
                    patch_row(x + (y - s->pad_top) * w * c, w, c, k, ox * s->stride, s->pad_left,
                              out);
            }
        }
    }
}

struct depthwise {
    const struct kernels *kernels;
    size_t c, c_padded, k;
    float *weights; /* [k * k, c_padded] */
    float *bias;    /* [c_padded] */
};

struct depthwise *depthwise_new(const struct tensor *w, const float *scale, const float *shift,
                                struct eye_err *err)
{
    size_t count;
    bool fine = w->ndim == 4 && w->shape[0] > 0 && w->shape[1] == 1 && w->shape[2] == w->shape[3] &&
                w->shape[2] > 0 && w->shape[2] <= DEPTHWISE_K_MAX &&
                size_mul(w->shape[0] + VECTOR_MAX, w->shape[2] * w->shape[3], &count);
    if (!fine) {
        eye_fail(err, EYE_EINVAL, "a depthwise weight has to be [channels, 1, k, k] with k <= %d",
                 DEPTHWISE_K_MAX);
        return NULL;
    }
    struct depthwise *d = mem_calloc(1, sizeof *d, err);
    if (!d)
        return NULL;
    d->kernels = kernels_now();
    d->c = w->shape[0];
    d->k = w->shape[2];
    d->c_padded = (d->c + d->kernels->vector - 1) / d->kernels->vector * d->kernels->vector;
    d->weights = mem_calloc(d->c_padded * d->k * d->k, sizeof *d->weights, err);
    d->bias = d->weights ? mem_calloc(d->c_padded, sizeof *d->bias, err) : NULL;
    if (!d->bias) {
        depthwise_free(d);
        return NULL;
    }
    size_t taps = d->k * d->k;
    for (size_t c = 0; c < d->c; c++) {
        float row[DEPTHWISE_K_MAX * DEPTHWISE_K_MAX];
        tensor_to_f32(w, c * taps, taps, row);
        for (size_t t = 0; t < taps; t++)
            d->weights[t * d->c_padded + c] = scale ? row[t] * scale[c] : row[t];
        d->bias[c] = shift ? shift[c] : 0.0F;
    }
    return d;
}

void depthwise_free(struct depthwise *d)
{
    if (!d)
        return;
    free(d->weights);
    free(d->bias);
    free(d);
}

struct depthwise_work {
    const struct depthwise *d;
    struct depthwise_row row; /* all but y0 and y */
    size_t stride, pad_top, oh;
    float *y;
    enum act act;
    bool clamps;
};

static void depthwise_one(void *ctx, size_t oy, int worker)
{
    const struct depthwise_work *w = ctx;
    struct depthwise_row row = w->row;
    size_t n = row.ow * row.c;
    (void)worker;
    row.y0 = (ptrdiff_t)(oy * w->stride) - (ptrdiff_t)w->pad_top;
    row.y = w->y + oy * n;
    w->d->kernels->depthwise_row(&row);
    if (!w->clamps)
        w->d->kernels->act(row.y, n, w->act);
}

void depthwise_apply(const struct depthwise *d, const float *x, const struct conv_shape *s,
                     enum act act, float *y, struct pool *pool)
{
    struct depthwise_work work = {
        .d = d, .stride = s->stride, .pad_top = s->pad_top, .oh = s->oh, .y = y, .act = act};
    work.row = (struct depthwise_row){.x = x,
                                      .h = s->h,
                                      .w = s->w,
                                      .c = d->c,
                                      .weights = d->weights,
                                      .bias = d->bias,
                                      .c_padded = d->c_padded,
                                      .k = d->k,
                                      .stride = s->stride,
                                      .pad_left = s->pad_left,
                                      .ow = s->ow};
    work.clamps = act_clamps(act, &work.row.lo, &work.row.hi);
    pool_run(pool, s->oh, depthwise_one, &work);
}
