/* image.c - the face: pick a codec by magic, hold it to the limits, turn the result upright.
 *
 * Colour: 8-bit values as the file has them; ICC profiles and PNG gamma are ignored, as PIL's
 * convert("RGB") ignores them, because that is what the models saw in training. Alpha lies over
 * white (PIL drops it, which shows whatever garbage hides under transparent pixels; people see a
 * page). */
#include "image/codec.h"

#include "base/buf.h"

const struct image_limits image_limits_default = {
    .max_bytes = 512ull << 20,
    .max_pixels = 268435456,
    .max_side = 65500,
    .max_seconds = 30,
    .max_memory = 1ull << 30,
};

const char *image_format_name(enum image_format f)
{
    static const char *const names[] = {"unknown", "jpeg", "png",  "webp", "gif",
                                        "tiff",    "bmp",  "heic", "avif"};
    return f > IMAGE_UNKNOWN && f <= IMAGE_AVIF ? names[f] : names[0];
}

void image_release(struct image *img)
{
    free(img->rgb);
    *img = (struct image){0};
}

int image_check_size(const struct codec_input *in, uint64_t width, uint64_t height,
                     struct eye_err *err)
{
    if (width == 0 || height == 0)
        return eye_fail(err, EYE_EFORMAT, "the picture says it is %llu x %llu pixels",
                        (unsigned long long)width, (unsigned long long)height);
    uint64_t side = in->limits->max_side > 0 ? (uint64_t)in->limits->max_side : 0;
    if (width > side || height > side)
        return eye_fail(
            err, EYE_ELIMIT, "the picture is %llu x %llu pixels; the limit is %llu pixels a side",
            (unsigned long long)width, (unsigned long long)height, (unsigned long long)side);
    if (width > in->limits->max_pixels / height)
        return eye_fail(err, EYE_ELIMIT,
                        "the picture has %llu x %llu pixels; the limit is %llu million in all",
                        (unsigned long long)width, (unsigned long long)height,
                        (unsigned long long)(in->limits->max_pixels / 1000000));
    return 0;
}

uint8_t *image_alloc(int width, int height, int channels, struct eye_err *err)
{
    size_t n;
    if (width < 0 || height < 0 || !size_mul((size_t)width, (size_t)height, &n) ||
        !size_mul(n, (size_t)channels, &n)) {
        eye_fail(err, EYE_ENOMEM, "a picture of %d x %d pixels does not fit into memory", width,
                 height);
        return NULL;
    }
    uint8_t *px = malloc(n ? n : 1);
    if (!px)
        eye_fail(err, EYE_ENOMEM, "no memory for a picture of %d x %d pixels (%zu MiB)", width,
                 height, n >> 20);
    return px;
}

void image_over_white(uint8_t *px, size_t n)
{
    const uint8_t *from = px;
    for (size_t i = 0; i < n; i++, from += 4, px += 3) {
        unsigned r = from[0], g = from[1], b = from[2], a = from[3];
        px[0] = image_blend_white(r, a);
        px[1] = image_blend_white(g, a);
        px[2] = image_blend_white(b, a);
    }
}

void image_adopt_rgba(uint8_t *rgba, int width, int height, struct image *out)
{
    size_t n = (size_t)width * (size_t)height;
    image_over_white(rgba, n);
    uint8_t *rgb = realloc(rgba, n * 3);
    *out = (struct image){.width = width, .height = height, .rgb = rgb ? rgb : rgba};
}

static codec_fn *codec_of(enum image_format f)
{
    switch (f) {
    case IMAGE_JPEG: return image_jpeg_decode;
    case IMAGE_PNG: return image_png_decode;
    case IMAGE_WEBP: return image_webp_decode;
    case IMAGE_GIF: return image_gif_decode;
    case IMAGE_TIFF: return image_tiff_decode;
    case IMAGE_BMP: return image_bmp_decode;
    case IMAGE_HEIC:
    case IMAGE_AVIF: return image_heif_decode;
    case IMAGE_UNKNOWN: break;
    }
    return NULL;
}

static int fail_unknown(const uint8_t *data, size_t len, struct eye_err *err)
{
    if (len == 0)
        return eye_fail(err, EYE_EFORMAT, "the file is empty");
    for (size_t i = 0; i < len && i < 64; i++)
        if (data[i])
            return eye_fail(err, EYE_EFORMAT,
                            "not a picture that is known here (JPEG, PNG, WebP, GIF, TIFF, BMP, "
                            "HEIC or AVIF)");
    return eye_fail(err, EYE_EFORMAT, "the file begins with zero bytes, it holds no picture");
}

/* Upright by EXIF, unless the codec did so itself; meta's size turns with it. */
static int turn_upright(struct image *img, struct image_meta *meta, struct eye_err *err)
{
    if (meta->format == IMAGE_HEIC || meta->format == IMAGE_AVIF)
        return 0;
    int rc = image_orient(img, meta->orientation, err);
    if (rc == 0 && meta->orientation >= 5) {
        int w = meta->width;
        meta->width = meta->height;
        meta->height = w;
    }
    return rc;
}

int image_decode(const uint8_t *data, size_t len, const struct image_limits *limits, int min_side,
                 struct image *out, struct image_meta *meta, struct eye_err *err)
{
    struct image_meta known = {.orientation = 1, .taken_at = INT64_MIN};
    struct image img = {0};
    if (!limits)
        limits = &image_limits_default;
    if (len > limits->max_bytes)
        return eye_fail(err, EYE_ELIMIT, "the file has %zu MiB; the limit is %llu MiB", len >> 20,
                        (unsigned long long)(limits->max_bytes >> 20));
    known.format = image_sniff(data, len);
    codec_fn *codec = codec_of(known.format);
    if (!codec)
        return fail_unknown(data, len, err);
    struct codec_input in = {.data = data, .len = len, .limits = limits, .min_side = min_side};
    int rc = codec(&in, &img, &known, err);
    if (rc != 0)
        return rc;
    if (known.orientation < 1 || known.orientation > 8)
        known.orientation = 1;
    rc = turn_upright(&img, &known, err);
    if (rc != 0) {
        image_release(&img);
        return rc;
    }
    *out = img;
    if (meta)
        *meta = known;
    return 0;
}
