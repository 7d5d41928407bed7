/* decoder_wire.c - what a worker says, checked: it may have been taken over by the file it read. */
#include "image/decoder_internal.h"

#include <limits.h>
#include <math.h>

#include "base/json.h"

void wire_pack(const struct image_meta *meta, struct decoder_answer *out)
{
    out->format = (int32_t)meta->format;
    out->width = meta->width;
    out->height = meta->height;
    out->orientation = meta->orientation;
    out->taken_at = meta->taken_at;
    out->has_gps = meta->has_gps;
    out->lat = meta->lat;
    out->lon = meta->lon;
    out->look = meta->look;
    memcpy(out->camera, meta->camera, sizeof(out->camera));
}

_Static_assert(sizeof(((struct decoder_answer *)0)->camera) ==
                   sizeof(((struct image_meta *)0)->camera),
               "the camera's name crosses the wall by one memcpy");

/* Years 1 to 9999: what a date can be written as. */
static bool plausible_time(int64_t t)
{
    return t == INT64_MIN || (t >= -62135596800 && t <= 253402300799);
}

/* In place: "" unless it is a C string of printable UTF-8. */
static void clean_text(char *text, size_t size)
{
    size_t len = strnlen(text, size);
    bool ok = len < size && utf8_valid(text, len);
    for (size_t i = 0; ok && i < len; i++)
        ok = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
    if (!ok)
        text[0] = '\0';
}

int wire_unpack(const struct decoder_answer *in, const struct image_limits *limits,
                struct image_meta *out, struct eye_err *err)
{
    bool format_ok = in->format > IMAGE_UNKNOWN && in->format <= IMAGE_AVIF;
    bool size_ok = in->width > 0 && in->height > 0 && in->width <= limits->max_side &&
                   in->height <= limits->max_side &&
                   (uint64_t)in->width * (uint64_t)in->height <= limits->max_pixels;
    bool place_ok =
        in->has_gps == 0 || (in->has_gps == 1 && isfinite(in->lat) && isfinite(in->lon) &&
                             fabs(in->lat) <= 90 && fabs(in->lon) <= 180);
    if (!format_ok || !size_ok || !place_ok || in->orientation < 1 || in->orientation > 8 ||
        !plausible_time(in->taken_at) || !image_phash_ok(in->look.phash))
        return eye_fail(err, EYE_EREMOTE,
                        "the decoder gave an answer that makes no sense; the file may be hostile");
    memset(out, 0, sizeof(*out));
    out->format = (enum image_format)in->format;
    out->width = in->width;
    out->height = in->height;
    out->orientation = in->orientation;
    out->taken_at = in->taken_at;
    out->has_gps = in->has_gps == 1;
    out->lat = out->has_gps ? in->lat : 0;
    out->lon = out->has_gps ? in->lon : 0;
    out->look = in->look;
    memcpy(out->camera, in->camera, sizeof(out->camera));
    clean_text(out->camera, sizeof(out->camera));
    return 0;
}

static uint32_t little_endian(const uint8_t *at, int n)
{
    uint32_t v = 0;
    while (n-- > 0)
        v = v << 8 | at[n];
    return v;
}

/* RFC 9649, 2.5: RIFF size WEBP, "VP8 " size; then a key frame of VP8 (RFC 6386, 9.1). */
bool wire_webp_ok(const uint8_t *data, size_t len, int side)
{
    enum { HEAD = 30, RIFF = 8, CHUNK = 20 };
    if (len < HEAD || len > wire_webp_max(side) || memcmp(data, "RIFF", 4) != 0 ||
        memcmp(data + 8, "WEBPVP8 ", 8) != 0)
        return false;
    uint32_t chunk = little_endian(data + 16, 4);
    int width = (int)little_endian(data + 26, 2), height = (int)little_endian(data + 28, 2);
    return little_endian(data + 4, 4) == len - RIFF && chunk <= len - CHUNK &&
           chunk + (chunk & 1) == len - CHUNK && (data[20] & 1) == 0 &&
           memcmp(data + 23, "\x9d\x01\x2a", 3) == 0 && width >= 1 && width <= side &&
           height >= 1 && height <= side;
}
