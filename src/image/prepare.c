/* prepare.c - open_clip's eval transform up to ToTensor, in one step: only the pixels that
 * survive the crop are computed.
 *
 * The sizes follow the Python to the last rounding, because one column more or less shifts the
 * whole crop:
 *   shortest, square   torchvision Resize(n): short side n, long side int(n * long / short)
 *   shortest, others   open_clip ResizeKeepRatio: round(side / ratio); always bicubic, whatever
 *                      filter was asked for
 *   longest            ResizeKeepRatio by the larger ratio, then padded with `fill` and cropped
 *   squash             both sides as they are asked for
 * round() is Python's, half to even; C's rint() is the same in the default rounding mode. Centre
 * crops start at round((size - crop) / 2).
 *
 * A picture that was shrunk on load by 1/2, 1/4 or 1/8 has ceil(full / d) pixels a side, of which
 * the last may be partial: the source extent is then the fraction full / d, so that the geometry
 * is the full picture's (an upside-down picture has its partial pixel at the other end, an error
 * of less than one shrunk pixel that is let be). */
#include "image/codec.h"

#include <math.h>

#include "base/buf.h"

enum { SIDE_MAX = 4096 };

struct size {
    int w, h;
};

static int as_side(double v)
{
    return v < 1 ? 1 : v > INT32_MAX ? INT32_MAX : (int)v;
}

static struct size keep_ratio(int w, int h, const struct image_prep *prep, bool longest)
{
    double rw = (double)w / prep->width, rh = (double)h / prep->height;
    double big = rw > rh ? rw : rh, small = rw > rh ? rh : rw;
    double ratio = longest ? big : small;
    return (struct size){as_side(rint(w / ratio)), as_side(rint(h / ratio))};
}

/* The size of the whole resized picture, before crop and padding. */
static struct size resized_size(int w, int h, const struct image_prep *prep)
{
    if (prep->mode == IMAGE_SQUASH)
        return (struct size){prep->width, prep->height};
    if (prep->mode == IMAGE_LONGEST || prep->width != prep->height)
        return keep_ratio(w, h, prep, prep->mode == IMAGE_LONGEST);
    int n = prep->width;
    if (w <= h)
        return (struct size){n, as_side(trunc((double)((int64_t)n * h) / (double)w))};
    return (struct size){as_side(trunc((double)((int64_t)n * w) / (double)h)), n};
}

/* How one axis of the resized picture (`size`) meets the result (`want`): skip `crop` of the
 * former, `pad` of the latter, for `n` pixels. */
struct span {
    int crop, pad, n;
};

static struct span centre(int size, int want)
{
    if (size < want)
        return (struct span){.crop = 0, .pad = (want - size) / 2, .n = size};
    return (struct span){.crop = (int)rint((size - want) / 2.0), .pad = 0, .n = want};
}

void image_source_extent(const struct image *in, int full_w, int full_h, double *w, double *h)
{
    *w = in->width;
    *h = in->height;
    for (int d = 2; d <= 8; d *= 2) {
        if ((full_w + d - 1) / d == in->width && (full_h + d - 1) / d == in->height) {
            *w = (double)full_w / d;
            *h = (double)full_h / d;
            return;
        }
    }
}

static void fill_all(uint8_t *rgb, size_t n, const uint8_t fill[3])
{
    for (size_t i = 0; i < n; i++)
        memcpy(rgb + 3 * i, fill, 3);
}

int image_prepare(const struct image *in, int full_w, int full_h, const struct image_prep *prep,
                  struct image *out, struct eye_err *err)
{
    static const uint8_t black[3] = {0, 0, 0};
    if (!in->rgb || in->width < 1 || in->height < 1 || full_w < in->width || full_h < in->height)
        return eye_fail(err, EYE_EINVAL, "cannot prepare a picture of %d x %d pixels", in->width,
                        in->height);
    if (prep->width < 1 || prep->height < 1 || prep->width > SIDE_MAX || prep->height > SIDE_MAX)
        return eye_fail(err, EYE_EINVAL,
                        "a model's input of %d x %d pixels is not between 1 and %d a side",
                        prep->width, prep->height, SIDE_MAX);
    struct size to = resized_size(full_w, full_h, prep);
    struct span sx = centre(to.w, prep->width), sy = centre(to.h, prep->height);
    struct image_window win = {
        .full_w = to.w, .full_h = to.h, .x = sx.crop, .y = sy.crop, .width = sx.n, .height = sy.n};
    image_source_extent(in, full_w, full_h, &win.extent_w, &win.extent_h);
    enum image_filter filter = prep->filter;
    if (prep->mode == IMAGE_SHORTEST && prep->width != prep->height)
        filter = IMAGE_BICUBIC;
    uint8_t *rgb = image_alloc(prep->width, prep->height, 3, err);
    if (!rgb)
        return EYE_ENOMEM;
    if (sx.n < prep->width || sy.n < prep->height)
        fill_all(rgb, (size_t)prep->width * (size_t)prep->height,
                 prep->mode == IMAGE_LONGEST ? prep->fill : black);
    size_t stride = (size_t)prep->width * 3;
    uint8_t *at = rgb + (size_t)sy.pad * stride + (size_t)sx.pad * 3;
    int rc = image_resize_window(in, &win, filter, at, stride, err);
    if (rc != 0) {
        free(rgb);
        return rc;
    }
    *out = (struct image){.width = prep->width, .height = prep->height, .rgb = rgb};
    return 0;
}
