/* webp.c - WebP by libwebp; the demuxer finds the first frame of an animation and the EXIF chunk.
 *
 * The first frame of an animation is laid on a white canvas at its place (libwebp's own
 * WebPAnimDecoder would hold two more canvases of 4 bytes a pixel). The demuxer wants the whole
 * file, so a cut one fails there or in the decoder. */
#include "image/codec.h"

#include <webp/decode.h>
#include <webp/demux.h>

static int fail_status(VP8StatusCode status, struct eye_err *err)
{
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return eye_fail(err, EYE_ENOMEM, "no memory to decode this WebP");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return eye_fail(err, EYE_EFORMAT, "the WebP ends early; the file is cut short");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return eye_fail(err, EYE_EFORMAT, "the WebP uses a feature that is not supported");
    default: return eye_fail(err, EYE_EFORMAT, "broken WebP (libwebp status %d)", (int)status);
    }
}

/* Decode one bitstream of the size given to `channels` (3, 4) bytes a pixel. */
static int decode_pixels(const uint8_t *data, size_t len, int width, int height, int channels,
                         uint8_t **out, struct eye_err *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return eye_fail(err, EYE_EINTERNAL, "libwebp is of another version than its headers");
    VP8StatusCode status = WebPGetFeatures(data, len, &config.input);
    if (status != VP8_STATUS_OK)
        return fail_status(status, err);
    if (config.input.width != width || config.input.height != height)
        return eye_fail(err, EYE_EFORMAT, "broken WebP: a frame is not of the size it claims");
    uint8_t *px = image_alloc(width, height, channels, err);
    if (!px)
        return EYE_ENOMEM;
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = px;
    config.output.u.RGBA.stride = width * channels;
    config.output.u.RGBA.size = (size_t)width * (size_t)height * (size_t)channels;
    status = WebPDecode(data, len, &config);
    WebPFreeDecBuffer(&config.output);
    if (status != VP8_STATUS_OK) {
        free(px);
        return fail_status(status, err);
    }
    *out = px;
    return 0;
}

static int decode_still(const struct codec_input *in, const WebPBitstreamFeatures *f,
                        struct image *out, struct eye_err *err)
{
    uint8_t *px = NULL;
    int rc = decode_pixels(in->data, in->len, f->width, f->height, f->has_alpha ? 4 : 3, &px, err);
    if (rc != 0)
        return rc;
    if (f->has_alpha)
        image_adopt_rgba(px, f->width, f->height, out);
    else
        *out = (struct image){.width = f->width, .height = f->height, .rgb = px};
    return 0;
}

static int decode_frame(const WebPDemuxer *demux, int width, int height, struct image *out,
                        struct eye_err *err)
{
    WebPIterator it;
    uint8_t *px = NULL;
    if (!WebPDemuxGetFrame(demux, 1, &it))
        return eye_fail(err, EYE_EFORMAT, "broken WebP: the animation has no frame");
    int x = it.x_offset, y = it.y_offset, w = it.width, h = it.height;
    bool fits = it.complete && w > 0 && h > 0 && x >= 0 && y >= 0 && w <= width && h <= height &&
                x <= width - w && y <= height - h;
    int rc = fits ? decode_pixels(it.fragment.bytes, it.fragment.size, w, h, 4, &px, err)
                  : eye_fail(err, EYE_EFORMAT, "broken WebP: its first frame is incomplete");
    WebPDemuxReleaseIterator(&it);
    if (rc != 0)
        return rc;
    image_over_white(px, (size_t)w * (size_t)h);
    uint8_t *canvas = image_alloc(width, height, 3, err);
    if (canvas) {
        memset(canvas, 255, (size_t)width * (size_t)height * 3);
        for (size_t row = 0; row < (size_t)h; row++)
            memcpy(canvas + (((size_t)y + row) * (size_t)width + (size_t)x) * 3,
                   px + row * (size_t)w * 3, (size_t)w * 3);
        *out = (struct image){.width = width, .height = height, .rgb = canvas};
    }
    free(px);
    return canvas ? 0 : EYE_ENOMEM;
}

int image_webp_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                      struct eye_err *err)
{
    WebPBitstreamFeatures f;
    VP8StatusCode status = WebPGetFeatures(in->data, in->len, &f);
    if (status != VP8_STATUS_OK)
        return fail_status(status, err);
    int rc = f.width < 0 || f.height < 0
                 ? eye_fail(err, EYE_EFORMAT, "broken WebP: negative size")
                 : image_check_size(in, (uint64_t)f.width, (uint64_t)f.height, err);
    if (rc != 0)
        return rc;
    meta->width = f.width;
    meta->height = f.height;
    WebPData data = {.bytes = in->data, .size = in->len};
    WebPDemuxer *demux = WebPDemux(&data);
    if (!demux)
        return eye_fail(err, EYE_EFORMAT, "the WebP is cut short or broken");
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(demux, "EXIF", 1, &chunk)) {
        image_exif_read(chunk.chunk.bytes, chunk.chunk.size, meta);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    rc = f.has_animation ? decode_frame(demux, f.width, f.height, out, err)
                         : decode_still(in, &f, out, err);
    WebPDemuxDelete(demux);
    return rc;
}
