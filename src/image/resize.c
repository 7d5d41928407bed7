/* resize.c - PIL's antialiased resize, to the last bit.
 *
 * A resize is two passes of weighted sums, across and then down, each rounded to 8 bits. Output
 * pixel i has its centre at (i + 0.5) * scale of the input; the filter is widened by the scale
 * when shrinking, so that each input pixel counts (antialias). Weights are doubles normalised to
 * a sum of 1, then fixed-point integers of 22 fractional bits: a sum of integers is the same in
 * any order, so the AVX2 version (resize_avx2.c) gives identical pictures.
 *
 * Pillow 11.3.0 does exactly this for 8-bit pictures (Resample.c; tests/golden/pixels compares
 * with that release), as did the ones the models were trained with. Pillow 13.0 goes down first if
 * in_h > out_h and in_h - out_h > 2 * (in_w - out_w), i.e. for pictures taller than about 2:1: the
 * same weights, other roundings, up to 11 levels apart at hard edges.
 *
 * Only rows and columns of the wanted window are computed: a centre crop costs what it shows.
 * Tried elsewhere and dropped (research/perf.md 5): always down first, which can stream scanlines,
 * and float arithmetic: both up to 2 levels from PIL on photographs. */
#include "image/codec.h"

#include <math.h>

#include "base/buf.h"
#include "base/cpu.h"

enum { PRECISION = 22 };

/* ---- weights ---- */

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static void taps_release(struct resize_taps *t)
{
    free(t->first);
    free(t->n);
    free(t->k);
    *t = (struct resize_taps){0};
}

static int taps_init(struct resize_taps *t, int count, int ksize, struct eye_err *err)
{
    size_t weights;
    *t = (struct resize_taps){.count = count, .ksize = ksize};
    if (!size_mul((size_t)count, (size_t)ksize, &weights))
        return eye_fail(err, EYE_ENOMEM, "no memory to resize a picture to %d pixels", count);
    t->first = mem_calloc((size_t)count, sizeof *t->first, err);
    t->n = t->first ? mem_calloc((size_t)count, sizeof *t->n, err) : NULL;
    t->k = t->n ? mem_calloc(weights, sizeof *t->k, err) : NULL;
    if (t->k)
        return 0;
    taps_release(t);
    return EYE_ENOMEM;
}

static int32_t to_fixed(double w)
{
    double scaled = w * (1 << PRECISION);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* One axis: `size` inputs of which `extent` count, resized to `full` outputs; taps of outputs
 * [from, from + count). Operations and their order are those of the reference, so that the
 * doubles are the same. */
static int taps_make(struct resize_taps *t, int size, double extent, int full, int from, int count,
                     enum image_filter filter, struct eye_err *err)
{
    double (*weight)(double) = filter == IMAGE_BILINEAR ? bilinear : bicubic;
    double scale = extent / full, widen = scale < 1.0 ? 1.0 : scale;
    double support = (filter == IMAGE_BILINEAR ? 1.0 : 2.0) * widen, narrow = 1.0 / widen;
    int ksize = (int)ceil(support) * 2 + 1;
    int rc = taps_init(t, count, ksize, err);
    double *w = rc == 0 ? mem_calloc((size_t)ksize, sizeof *w, err) : NULL;
    if (!w) {
        taps_release(t);
        return EYE_ENOMEM;
    }
    for (int i = 0; i < count; i++) {
        double centre = (from + i + 0.5) * scale, sum = 0.0;
        int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
        first = first < 0 ? 0 : first;
        last = last > size ? size : last;
        for (int x = first; x < last; x++)
            sum += w[x - first] = weight((x - centre + 0.5) * narrow);
        for (int x = 0; x < last - first; x++)
            t->k[(size_t)i * (size_t)ksize + (size_t)x] = to_fixed(sum != 0.0 ? w[x] / sum : w[x]);
        t->first[i] = first;
        t->n[i] = last - first;
    }
    free(w);
    return 0;
}

/* ---- portable passes: the reference for resize_avx2.c ---- */

static uint8_t clip8(int32_t sum)
{
    int32_t v = sum >> PRECISION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void row_portable(const uint8_t *row, const struct resize_taps *t, uint8_t *out)
{
    for (int i = 0; i < t->count; i++, out += 3) {
        const uint8_t *p = row + (size_t)t->first[i] * 3;
        const int32_t *k = t->k + (size_t)i * (size_t)t->ksize;
        int32_t r = 1 << (PRECISION - 1), g = r, b = r;
        for (int x = 0; x < t->n[i]; x++, p += 3) {
            r += p[0] * k[x];
            g += p[1] * k[x];
            b += p[2] * k[x];
        }
        out[0] = clip8(r);
        out[1] = clip8(g);
        out[2] = clip8(b);
    }
}

static void column_portable(const uint8_t *in, size_t stride, const int32_t *k, int n, uint8_t *out,
                            size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        int32_t sum = 1 << (PRECISION - 1);
        for (int y = 0; y < n; y++)
            sum += in[(size_t)y * stride + i] * k[y];
        out[i] = clip8(sum);
    }
}

/* ---- across ---- */

/* The AVX2 loop reads up to 13 bytes past a row: rows near the end of the picture go through a
 * padded copy. */
enum { ROW_SLACK = 16 };

static int rows_simd(const struct image *in, int y0, int n, const struct resize_taps *t,
                     uint8_t *out, struct eye_err *err)
{
    size_t row = (size_t)in->width * 3, to = (size_t)t->count * 3;
    size_t total = row * (size_t)in->height;
    uint8_t *pad = mem_calloc(2, row + ROW_SLACK, err);
    if (!pad)
        return EYE_ENOMEM;
    for (int i = 0; i < n; i += 2) {
        const uint8_t *rows[2];
        int second = i + 1 < n ? i + 1 : i; // an odd last row is done twice
        for (int j = 0; j < 2; j++) {
            size_t at = (size_t)(y0 + (j ? second : i)) * row;
            rows[j] = in->rgb + at;
            if (total - at < row + ROW_SLACK) {
                uint8_t *copy = pad + (size_t)j * (row + ROW_SLACK);
                memcpy(copy, rows[j], row);
                rows[j] = copy;
            }
        }
        uint8_t *outs[2] = {out + (size_t)i * to, out + (size_t)second * to};
        image_rows_avx2(rows, t, outs);
    }
    free(pad);
    return 0;
}

/* Rows [y0, y0 + n) of `in` to out [n, taps->count, 3]. */
static int resize_across(const struct image *in, int y0, int n, const struct resize_taps *t,
                         uint8_t *out, struct eye_err *err)
{
    if (cpu_level() >= CPU_AVX2)
        return rows_simd(in, y0, n, t, out, err);
    for (int i = 0; i < n; i++)
        row_portable(in->rgb + (size_t)(y0 + i) * (size_t)in->width * 3, t,
                     out + (size_t)i * (size_t)t->count * 3);
    return 0;
}

/* ---- both ---- */

static void resize_down(const uint8_t *in, size_t in_stride, int y0, const struct resize_taps *t,
                        uint8_t *out, size_t stride, size_t bytes)
{
    bool simd = cpu_level() >= CPU_AVX2;
    for (int i = 0; i < t->count; i++) {
        const uint8_t *from = in + (size_t)(t->first[i] - y0) * in_stride;
        const int32_t *k = t->k + (size_t)i * (size_t)t->ksize;
        uint8_t *to = out + (size_t)i * stride;
        if (simd)
            image_column_avx2(from, in_stride, k, t->n[i], to, bytes);
        else
            column_portable(from, in_stride, k, t->n[i], to, bytes);
    }
}

static int across_then_down(const struct image *in, const struct image_window *win,
                            const struct resize_taps *across, const struct resize_taps *down,
                            uint8_t *out, size_t stride, struct eye_err *err)
{
    /* Input rows that any wanted output row reads. Without a vertical pass they are the wanted
     * rows. */
    int last = win->height - 1;
    int y0 = down->count ? down->first[0] : win->y;
    int n = down->count ? down->first[last] + down->n[last] - y0 : win->height;
    size_t bytes = (size_t)win->width * 3;
    const uint8_t *from = in->rgb + ((size_t)y0 * (size_t)in->width + (size_t)win->x) * 3;
    size_t from_stride = (size_t)in->width * 3;
    uint8_t *between = NULL;
    if (across->count) {
        between = image_alloc(win->width, n, 3, err);
        if (!between)
            return EYE_ENOMEM;
        int rc = resize_across(in, y0, n, across, between, err);
        if (rc != 0) {
            free(between);
            return rc;
        }
        from = between;
        from_stride = bytes;
    }
    if (down->count)
        resize_down(from, from_stride, y0, down, out, stride, bytes);
    else
        for (int y = 0; y < n; y++)
            memcpy(out + (size_t)y * stride, from + (size_t)y * from_stride, bytes);
    free(between);
    return 0;
}

int image_resize_window(const struct image *in, const struct image_window *win,
                        enum image_filter filter, uint8_t *out, size_t stride, struct eye_err *err)
{
    struct resize_taps across = {0}, down = {0};
    int rc = 0;
    /* A pass that would change nothing is left out, as in PIL. */
    if (win->full_w != in->width || win->extent_w != (double)in->width)
        rc = taps_make(&across, in->width, win->extent_w, win->full_w, win->x, win->width, filter,
                       err);
    if (rc == 0 && (win->full_h != in->height || win->extent_h != (double)in->height))
        rc = taps_make(&down, in->height, win->extent_h, win->full_h, win->y, win->height, filter,
                       err);
    if (rc == 0)
        rc = across_then_down(in, win, &across, &down, out, stride, err);
    taps_release(&across);
    taps_release(&down);
    return rc;
}

int image_resize(const struct image *in, int width, int height, enum image_filter filter,
                 struct image *out, struct eye_err *err)
{
    if (!in->rgb || in->width < 1 || in->height < 1 || width < 1 || height < 1)
        return eye_fail(err, EYE_EINVAL, "cannot resize %d x %d to %d x %d pixels", in->width,
                        in->height, width, height);
    struct image_window all = {.extent_w = in->width,
                               .extent_h = in->height,
                               .full_w = width,
                               .full_h = height,
                               .width = width,
                               .height = height};
    uint8_t *rgb = image_alloc(width, height, 3, err);
    if (!rgb)
        return EYE_ENOMEM;
    int rc = image_resize_window(in, &all, filter, rgb, (size_t)width * 3, err);
    if (rc != 0) {
        free(rgb);
        return rc;
    }
    *out = (struct image){.width = width, .height = height, .rgb = rgb};
    return 0;
}
