/* thumb.c - a small WebP of a picture, for the pages that show many.
 *
 * JPEG is shrunk on load while its short side stays at least as long as the result's long one: the resize then still
 * averages, and a photograph of 24 megapixels costs 40 ms instead of 190 ms. The resize is the one the models get (antialiased
 * bicubic). Nothing is enlarged. Alpha lies over white as everywhere here, so the result is plain lossy WebP,
 * whose header is simple enough for the program to check (decoder_wire.c).
 *
 * Quality 78, method 2: method 4, libwebp's default, is 2 to 4 % smaller and takes twice as long for a photograph that is
 * small already (6.4 instead of 3.3 ms in all); method 0 is a fifth larger. */
#include "image/codec.h"

#include <math.h>
#include <webp/encode.h>

#include "base/buf.h"

static const float quality = 78;
enum { METHOD = 2 };

void image_fit_size(int full_w, int full_h, int side, int *w, int *h)
{
    int longest = full_w > full_h ? full_w : full_h;
    *w = full_w;
    *h = full_h;
    if (longest > side) {
        double scale = (double)side / longest;
        *w = (int)rint(full_w * scale);
        *h = (int)rint(full_h * scale);
        *w = *w < 1 ? 1 : *w;
        *h = *h < 1 ? 1 : *h;
    }
}

/* `in` to the size that fits; in may be the full picture or one that was shrunk on load. */
static int fit(const struct image *in, const struct image_meta *meta, int side, struct image *out,
               struct eye_err *err)
{
    struct image_window win = {0};
    image_fit_size(meta->width, meta->height, side, &win.full_w, &win.full_h);
    win.width = win.full_w;
    win.height = win.full_h;
    image_source_extent(in, meta->width, meta->height, &win.extent_w, &win.extent_h);
    uint8_t *rgb = image_alloc(win.width, win.height, 3, err);
    if (!rgb)
        return EYE_ENOMEM;
    int rc = image_resize_window(in, &win, IMAGE_BICUBIC, rgb, (size_t)win.width * 3, err);
    if (rc != 0) {
        free(rgb);
        return rc;
    }
    *out = (struct image){.width = win.width, .height = win.height, .rgb = rgb};
    return 0;
}

struct sink {
    struct buf *out;
    struct eye_err *err;
    int rc;
};

static int take_bytes(const uint8_t *data, size_t len, const WebPPicture *picture)
{
    struct sink *sink = picture->custom_ptr;
    sink->rc = buf_append(sink->out, data, len, sink->err);
    return sink->rc == 0;
}

/* WebP of `img` appended to `out`. */
static int encode(const struct image *img, struct buf *out, struct eye_err *err)
{
    WebPConfig config;
    WebPPicture picture;
    struct sink sink = {out, err, 0};
    if (!WebPConfigPreset(&config, WEBP_PRESET_PHOTO, quality) || !WebPPictureInit(&picture))
        return eye_fail(err, EYE_EINTERNAL, "libwebp is of another version than its headers");
    config.method = METHOD;
    picture.width = img->width;
    picture.height = img->height;
    picture.writer = take_bytes;
    picture.custom_ptr = &sink;
    bool ok =
        WebPPictureImportRGB(&picture, img->rgb, img->width * 3) && WebPEncode(&config, &picture);
    bool memory = picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY ||
                  picture.error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY;
    WebPPictureFree(&picture);
    if (ok)
        return 0;
    if (sink.rc != 0)
        return sink.rc;
    return memory ? eye_fail(err, EYE_ENOMEM, "no memory to encode a thumbnail")
                  : eye_fail(err, EYE_EINTERNAL, "the thumbnail cannot be encoded (libwebp %d)",
                             (int)picture.error_code);
}

int image_thumbnail(const uint8_t *data, size_t len, const struct image_limits *limits, int side,
                    struct buf *webp, struct image_meta *meta, struct eye_err *err)
{
    struct image full = {0}, small = {0};
    int rc = image_decode(data, len, limits, side, &full, meta, err);
    if (rc == 0)
        rc = fit(&full, meta, side, &small, err);
    image_release(&full);
    if (rc == 0)
        rc = encode(&small, webp, err);
    image_release(&small);
    return rc;
}
