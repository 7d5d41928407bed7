/* pack.c - from a stored weight matrix to the panels that the kernels read.
 *
 * A panel is made from its rows (16 or 32) of one block at a time: converted to float in a
 * buffer that fits the second cache, scaled, and written in the kernel's order, so reading and
 * writing are both streams. Writing each row on its own instead (one number in each cache line)
 * took four times as long. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "tensor/linear.h"

enum {
    HUGE_PAGE = 2 << 20,
    GROUP = 4 /* rows turned into columns at a time */
};

/* How w is read: w[o, i] of the matrix is number o * out_stride + (order of i) of the tensor. */
struct source {
    const struct tensor *w;
    bool transposed;
    size_t channels,
        taps; /* a convolution [n_out, channels, taps...]; else channels = n_in, taps = 1 */
    size_t n_in, n_out;
    const float *scale;
};

static void *alloc_weights(size_t bytes, struct eye_err *err)
{
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    void *p = NULL;
    if (posix_memalign(&p, align, bytes) != 0) {
        eye_fail(err, EYE_ENOMEM, "no memory for %zu bytes of model weights", bytes);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (align == HUGE_PAGE) /* fewer TLB misses; no matter if refused */
        (void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

static int read_shape(struct source *s, struct eye_err *err)
{
    const struct tensor *w = s->w;
    size_t all = 1, taps = 1;
    bool fine = w->ndim >= 2 && w->ndim <= 4 && (!s->transposed || w->ndim == 2);
    for (int i = 0; fine && i < w->ndim; i++) {
        fine = w->shape[i] > 0 && size_mul(all, w->shape[i], &all);
        if (i >= 2)
            taps *= w->shape[i];
    }
    if (!fine)
        return eye_fail(err, EYE_EINVAL, "a weight of %d dimensions is no usable matrix", w->ndim);
    s->n_out = w->shape[s->transposed];
    s->channels = w->shape[!s->transposed];
    s->taps = taps;
    s->n_in = s->channels * taps;
    return 0;
}

/* Numbers [from, from + n) of row o, in the order of the inputs. */
static void read_row(const struct source *s, size_t o, size_t from, size_t n, float *out)
{
    if (s->taps == 1) {
        tensor_to_f32(s->w, o * s->n_in + from, n, out);
        return;
    }
    for (size_t i = 0; i < n; i++) { /* stored (channel, tap), wanted (tap, channel) */
        size_t tap = (from + i) / s->channels, c = (from + i) % s->channels;
        tensor_to_f32(s->w, o * s->n_in + c * s->taps + tap, 1, out + i);
    }
}

/* out [depth, width]: inputs [from, from + depth) of rows [o, o + width), zeros past n_out. */
static void gather(const struct kernels *k, const struct source *s, size_t o, size_t width,
                   size_t from, size_t depth, float *out)
{
    size_t rows = s->n_out - o < width ? s->n_out - o : width;
    memset(out, 0, depth * width * sizeof *out);
    if (s->transposed) {
        for (size_t p = 0; p < depth; p++)
            tensor_to_f32(s->w, (from + p) * s->n_out + o, rows, out + p * width);
    } else {
        for (size_t j = 0; j < rows; j += GROUP) {
            float group[GROUP * DEPTH_MAX];
            size_t n = rows - j < GROUP ? rows - j : GROUP;
            for (size_t g = 0; g < n; g++)
                read_row(s, o + j + g, from, depth, group + g * DEPTH_MAX);
            k->transpose(group, DEPTH_MAX, n, depth, out + j, width);
        }
    }
    if (s->scale) {
        for (size_t p = 0; p < depth; p++)
            for (size_t j = 0; j < rows; j++)
                out[p * width + j] *= s->scale[o + j];
    }
}

/* Does every number survive being stored in 16 bits? Ends at the first that does not. */
static bool fits_f16(const struct kernels *k, const struct source *s)
{
    enum { CHUNK = 1024 };
    float x[CHUNK], back[CHUNK];
    uint16_t h[CHUNK];
    if (s->scale)
        return false;
    if (s->w->dtype == DT_F16)
        return true;
    size_t all = tensor_count(s->w);
    for (size_t i = 0; i < all; i += CHUNK) {
        size_t n = all - i < CHUNK ? all - i : CHUNK;
        tensor_to_f32(s->w, i, n, x);
        k->to_f16(x, h, n);
        k->from_f16(h, back, n);
        if (memcmp(x, back, n * sizeof *x) != 0)
            return false;
    }
    return true;
}

static int pack(struct linear *l, const struct source *s, struct eye_err *err)
{
    float *panel = mem_calloc(l->depth * l->k->tile_cols, sizeof *panel, err);
    if (!panel)
        return EYE_ENOMEM;
    for (size_t b = 0; b < l->blocks; b++) {
        size_t depth = linear_block_depth(l, b);
        for (size_t p = 0; p < l->panels; p++) {
            size_t width = linear_panel_width(l, p), at = linear_offset(l, b, p);
            gather(l->k, s, p * l->k->tile_cols, width, b * l->depth, depth, panel);
            if (l->f16)
                l->k->to_f16(panel, (uint16_t *)l->weights + at, depth * width);
            else
                memcpy((float *)l->weights + at, panel, depth * width * sizeof *panel);
        }
    }
    free(panel);
    return 0;
}

static int lay_out(struct linear *l, const struct source *s, struct eye_err *err)
{
    size_t cols = l->k->tile_cols, half = cols / 2, count, rounded, bytes;
    l->n_in = s->n_in;
    l->n_out = s->n_out;
    l->blocks = (s->n_in + DEPTH_MAX - 1) / DEPTH_MAX;
    l->depth = (s->n_in + l->blocks - 1) / l->blocks;
    l->depth = (l->depth + 7) / 8 * 8; /* <= DEPTH_MAX, which is a multiple of 8 */
    l->f16 = fits_f16(l->k, s);
    if (!size_add(s->n_out, half - 1, &rounded))
        return eye_fail(err, EYE_ELIMIT, "a weight of %zu rows is too large", s->n_out);
    l->n_padded = rounded / half * half;
    l->panels = (l->n_padded + cols - 1) / cols;
    if (!size_mul(l->n_padded, s->n_in, &count) || !size_mul(count, l->f16 ? 2 : 4, &bytes))
        return eye_fail(err, EYE_ELIMIT, "a weight of %zu x %zu is too large", s->n_out, s->n_in);
    l->bytes = bytes + l->n_padded * sizeof *l->bias;
    l->bias = mem_calloc(l->n_padded, sizeof *l->bias, err);
    l->weights = l->bias ? alloc_weights(bytes, err) : NULL;
    return l->weights ? 0 : EYE_ENOMEM;
}

static void fold_bias(struct linear *l, const float *bias, const float *scale, const float *shift)
{
    for (size_t o = 0; o < l->n_out; o++) {
        float b = bias ? bias[o] : 0.0F;
        l->bias[o] = (scale ? scale[o] * b : b) + (shift ? shift[o] : 0.0F);
    }
}

struct linear *linear_new(const struct tensor *w, bool transposed, const float *bias,
                          const float *scale, const float *shift, struct eye_err *err)
{
    struct source s = {.w = w, .transposed = transposed, .scale = scale};
    if (read_shape(&s, err) < 0)
        return NULL;
    struct linear *l = mem_calloc(1, sizeof *l, err);
    if (!l)
        return NULL;
    l->k = kernels_now();
    if (lay_out(l, &s, err) < 0 || pack(l, &s, err) < 0) {
        linear_free(l);
        return NULL;
    }
    fold_bias(l, bias, scale, shift);
    return l;
}

void linear_free(struct linear *l)
{
    if (!l)
        return;
    free(l->weights);
    free(l->bias);
    free(l);
}

size_t linear_in(const struct linear *l)
{
    return l->n_in;
}

size_t linear_out(const struct linear *l)
{
    return l->n_out;
}

size_t linear_bytes(const struct linear *l)
{
    return l->bytes;
}
