/* sniff.c - the format of a picture by its first bytes; names are never trusted.
 *
 * BMP has a magic of two letters only, so its header size must be one that exists, too. ISO media
 * files (HEIC, AVIF) are told apart by brand: the major one, or for the neutral "mif1" and "msf1"
 * the compatible brands. */
#include "image/image.h"

static bool has(const uint8_t *data, size_t len, size_t at, const char *magic, size_t n)
{
    return at <= len && n <= len - at && memcmp(data + at, magic, n) == 0;
}

static enum image_format brand_format(const uint8_t *brand)
{
    static const char avif[][5] = {"avif", "avis"};
    static const char heic[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"};
    for (size_t i = 0; i < sizeof avif / sizeof *avif; i++)
        if (memcmp(brand, avif[i], 4) == 0)
            return IMAGE_AVIF;
    for (size_t i = 0; i < sizeof heic / sizeof *heic; i++)
        if (memcmp(brand, heic[i], 4) == 0)
            return IMAGE_HEIC;
    return IMAGE_UNKNOWN;
}

static enum image_format sniff_ftyp(const uint8_t *data, size_t len)
{
    if (len < 16 || !has(data, len, 4, "ftyp", 4))
        return IMAGE_UNKNOWN;
    enum image_format f = brand_format(data + 8);
    if (f != IMAGE_UNKNOWN)
        return f;
    if (!has(data, len, 8, "mif1", 4) && !has(data, len, 8, "msf1", 4))
        return IMAGE_UNKNOWN;
    size_t box = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
    size_t end = box < len ? box : len;
    for (size_t at = 16; at + 4 <= end; at += 4) {
        f = brand_format(data + at);
        if (f != IMAGE_UNKNOWN)
            return f;
    }
    return IMAGE_HEIC; // libheif finds out what is inside
}

static bool is_bmp(const uint8_t *data, size_t len)
{
    if (len < 18 || data[0] != 'B' || data[1] != 'M')
        return false;
    uint32_t header = (uint32_t)data[14] | (uint32_t)data[15] << 8 | (uint32_t)data[16] << 16 |
                      (uint32_t)data[17] << 24;
    return header == 12 || header == 16 || header == 40 || header == 52 || header == 56 ||
           header == 64 || header == 108 || header == 124;
}

enum image_format image_sniff(const uint8_t *data, size_t len)
{
    if (!data)
        return IMAGE_UNKNOWN;
    if (has(data, len, 0, "\xff\xd8\xff", 3))
        return IMAGE_JPEG;
    if (has(data, len, 0, "\x89PNG\r\n\x1a\n", 8))
        return IMAGE_PNG;
    if (has(data, len, 0, "RIFF", 4) && has(data, len, 8, "WEBP", 4))
        return IMAGE_WEBP;
    if (has(data, len, 0, "GIF87a", 6) || has(data, len, 0, "GIF89a", 6))
        return IMAGE_GIF;
    if (has(data, len, 0, "II*\0", 4) || has(data, len, 0, "MM\0*", 4) ||
        has(data, len, 0, "II+\0", 4) || has(data, len, 0, "MM\0+", 4))
        return IMAGE_TIFF;
    if (is_bmp(data, len))
        return IMAGE_BMP;
    return sniff_ftyp(data, len);
}
