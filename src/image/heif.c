/* heif.c - HEIC and AVIF by libheif: the primary picture, 10 and 12 bits brought to 8, alpha over
 * white.
 *
 * libheif applies the file's own turns and crops (irot, imir, clap), so the result is upright; an
 * EXIF orientation beside them repeats the same fact (ISO 23008-12 Annex A) and is reported, not
 * applied. Size limits are set in the context (they hold for tiles and hidden pictures, too) and
 * checked on the handle before decoding. Everything runs on the calling thread as far as
 * libheif's choice goes; libde265 and dav1d start threads of their own. */
#include "image/codec.h"

#include <libheif/heif.h>

struct heif_state {
    const struct codec_input *in;
    struct heif_context *ctx;
    struct heif_image_handle *handle;
    struct heif_decoding_options *options;
    struct heif_image *img;
};

static int fail_heif(struct heif_error e, struct image_meta *meta, struct eye_err *err)
{
    const char *name = meta->format == IMAGE_AVIF ? "AVIF" : "HEIC";
    const char *text = e.message ? e.message : "unknown reason";
    if (e.code == heif_error_Memory_allocation_error) {
        if (e.subcode == heif_suberror_Security_limit_exceeded)
            return eye_fail(err, EYE_ELIMIT, "the %s is larger than the limits allow: %s", name,
                            text);
        return eye_fail(err, EYE_ENOMEM, "no memory to decode this %s", name);
    }
    if (e.subcode == heif_suberror_End_of_data)
        return eye_fail(err, EYE_EFORMAT, "the %s ends early; the file is cut short", name);
    if (e.code == heif_error_Unsupported_filetype || e.code == heif_error_Unsupported_feature)
        return eye_fail(err, EYE_EFORMAT, "this kind of %s cannot be read: %s", name, text);
    return eye_fail(err, EYE_EFORMAT, "broken %s: %s", name, text);
}

/* The Exif item: four bytes of offset to the TIFF header, then the block. */
static void read_exif(const struct heif_state *s, struct image_meta *meta)
{
    heif_item_id id;
    if (heif_image_handle_get_list_of_metadata_block_IDs(s->handle, "Exif", &id, 1) != 1)
        return;
    size_t n = heif_image_handle_get_metadata_size(s->handle, id);
    if (n <= 4 || n > s->in->len)
        return;
    uint8_t *block = malloc(n);
    if (!block)
        return;
    if (heif_image_handle_get_metadata(s->handle, id, block).code == heif_error_Ok) {
        size_t skip = (size_t)block[0] << 24 | (size_t)block[1] << 16 | (size_t)block[2] << 8 |
                      (size_t)block[3];
        if (skip < n - 4)
            image_exif_read(block + 4 + skip, n - 4 - skip, meta);
    }
    free(block);
}

static int copy_pixels(const struct heif_state *s, bool alpha, struct image *out,
                       struct eye_err *err)
{
    int w = heif_image_get_primary_width(s->img), h = heif_image_get_primary_height(s->img);
    int stride = 0, channels = alpha ? 4 : 3;
    const uint8_t *plane = heif_image_get_plane_readonly(s->img, heif_channel_interleaved, &stride);
    if (!plane || w <= 0 || h <= 0 || stride < w * channels)
        return eye_fail(err, EYE_EFORMAT, "broken HEIC or AVIF: it decodes to no pixels");
    int rc = image_check_size(s->in, (uint64_t)w, (uint64_t)h, err);
    if (rc != 0)
        return rc;
    uint8_t *rgb = image_alloc(w, h, 3, err);
    if (!rgb)
        return EYE_ENOMEM;
    for (size_t y = 0; y < (size_t)h; y++) {
        const uint8_t *from = plane + y * (size_t)stride;
        uint8_t *to = rgb + y * (size_t)w * 3;
        if (!alpha) {
            memcpy(to, from, (size_t)w * 3);
            continue;
        }
        for (size_t x = 0; x < (size_t)w; x++, from += 4, to += 3)
            for (int c = 0; c < 3; c++)
                to[c] = image_blend_white(from[c], from[3]);
    }
    *out = (struct image){.width = w, .height = h, .rgb = rgb};
    return 0;
}

static int open_primary(struct heif_state *s, struct image_meta *meta, struct eye_err *err)
{
    s->ctx = heif_context_alloc();
    s->options = heif_decoding_options_alloc();
    if (!s->ctx || !s->options)
        return eye_fail(err, EYE_ENOMEM, "no memory to decode this picture");
    heif_context_set_maximum_image_size_limit(s->ctx, s->in->limits->max_side);
    heif_context_set_max_decoding_threads(s->ctx, 0);
    struct heif_error e =
        heif_context_read_from_memory_without_copy(s->ctx, s->in->data, s->in->len, NULL);
    if (e.code == heif_error_Ok)
        e = heif_context_get_primary_image_handle(s->ctx, &s->handle);
    if (e.code != heif_error_Ok)
        return fail_heif(e, meta, err);
    return 0;
}

static int decode(struct heif_state *s, struct image *out, struct image_meta *meta,
                  struct eye_err *err)
{
    int rc = open_primary(s, meta, err);
    if (rc != 0)
        return rc;
    int w = heif_image_handle_get_width(s->handle), h = heif_image_handle_get_height(s->handle);
    rc = image_check_size(s->in, w > 0 ? (uint64_t)w : 0, h > 0 ? (uint64_t)h : 0, err);
    if (rc != 0)
        return rc;
    bool alpha = heif_image_handle_has_alpha_channel(s->handle) != 0;
    s->options->convert_hdr_to_8bit = 1;
    struct heif_error e = heif_decode_image(
        s->handle, &s->img, heif_colorspace_RGB,
        alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, s->options);
    if (e.code != heif_error_Ok)
        return fail_heif(e, meta, err);
    rc = copy_pixels(s, alpha, out, err);
    if (rc != 0)
        return rc;
    meta->width = out->width;
    meta->height = out->height;
    read_exif(s, meta);
    return 0;
}

int image_heif_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                      struct eye_err *err)
{
    struct heif_state s = {.in = in};
    int rc = decode(&s, out, meta, err);
    heif_image_release(s.img);
    heif_image_handle_release(s.handle);
    heif_decoding_options_free(s.options);
    heif_context_free(s.ctx);
    return rc;
}
