/* fuzz_image.c - all codecs, orientation and resizing: what a decoder worker does with a file. The last byte of a file chooses how. */
#include "fuzz.h"

#include "image/decoder_internal.h"

/* A picture that was decoded before also gives a thumbnail that the program will take. */
static void check_thumbnail(const uint8_t *data, size_t len, const struct image_limits *limits)
{
    enum { SIDE = 24 };
    struct image_meta meta;
    struct eye_err err = {0, ""};
    struct buf webp;
    buf_init(&webp, wire_webp_max(SIDE));
    PROMISE(image_thumbnail(data, len, limits, SIDE, &webp, &meta, &err) == 0);
    PROMISE(wire_webp_ok((const uint8_t *)webp.data, webp.len, SIDE));
    buf_release(&webp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct image_limits limits = {.max_bytes = 1 << 20,
                                        .max_pixels = 1 << 20,
                                        .max_side = 5000,
                                        .max_seconds = 10,
                                        .max_memory = 256 << 20};
    struct image full = {0, 0, NULL}, ready = {0, 0, NULL};
    struct image_meta meta = {.format = IMAGE_UNKNOWN};
    struct eye_err err = {0, ""};
    uint8_t how = len > 0 ? data[len - 1] : 0;
    struct image_prep prep = {.width = 24,
                              .height = 16,
                              .mode = (enum image_resize_mode)(how / 2 % 3),
                              .filter = how & 8 ? IMAGE_BILINEAR : IMAGE_BICUBIC,
                              .exact = how & 1};
    int code = image_decode(data, len, &limits, prep.exact ? 0 : 32, &full, &meta, &err);
    PROMISE(code <= 0);
    if (code < 0) {
        PROMISE(full.rgb == NULL && err.msg[0] != '\0');
        return 0;
    }
    PROMISE(full.width > 0 && full.height > 0 && full.width <= meta.width);
    PROMISE((uint64_t)meta.width * (uint64_t)meta.height <= limits.max_pixels);
    PROMISE(meta.orientation >= 1 && meta.orientation <= 8);
    code = image_prepare(&full, meta.width, meta.height, &prep, &ready, &err);
    PROMISE(code == 0 && ready.width == prep.width && ready.height == prep.height);
    image_release(&ready);
    image_release(&full);
    if (how & 16)
        check_thumbnail(data, len, &limits);
    return 0;
}
