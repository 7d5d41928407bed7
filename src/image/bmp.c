/* bmp.c - Windows and OS/2 bitmaps, decoded here: no library is worth its weight for this.
 *
 *   file header 14 | DIB header 12..124 | masks | palette | pixels
 *
 * 1, 4, 8 bits with palette (RLE4, RLE8 too), 16, 24, 32 with fixed or given bit masks, bottom-up
 * or top-down. Alpha counts only where a mask names it (BI_BITFIELDS with V3+ headers,
 * BI_ALPHABITFIELDS): the fourth byte of plain 32-bit files is noise, often zero. Pixels that an
 * RLE stream skips are colour 0, as in PIL. Compressed JPEG and PNG inside a BMP exist for
 * printers only: refused. */
#include "image/codec.h"

#include "base/buf.h"

enum { RGB = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3, ALPHABITFIELDS = 6 };

struct bmp {
    const uint8_t *data;
    size_t len, pixels_at;
    uint32_t header, bits, compression;
    int width, height;
    bool top_down;
    uint32_t mask[4];        /* r, g, b, a */
    uint8_t palette[256][3]; /* RGB; black past the file's own */
    struct image img;
};

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static int broken(struct eye_err *err, const char *why)
{
    return eye_fail(err, EYE_EFORMAT, "broken BMP: %s", why);
}

static int read_size(struct bmp *b, const struct codec_input *in, struct eye_err *err)
{
    const uint8_t *p = b->data + 14;
    if (b->header == 12) {
        b->bits = le16(p + 10);
        int rc = image_check_size(in, le16(p + 4), le16(p + 6), err);
        b->width = (int)le16(p + 4);
        b->height = (int)le16(p + 6);
        return rc;
    }
    uint32_t w = le32(p + 4), h = le32(p + 8);
    if (h > INT32_MAX) { // negative: rows run top-down
        h = 0u - h;
        b->top_down = true;
    }
    if (w > INT32_MAX)
        return broken(err, "negative width");
    int rc = image_check_size(in, w, h, err);
    if (rc != 0)
        return rc;
    b->width = (int)w;
    b->height = (int)h;
    b->bits = le16(p + 14);
    b->compression = b->header >= 40 ? le32(p + 16) : RGB;
    return 0;
}

/* Bit masks: fixed ones for 16, 24 and 32 bits, or the file's own, inside the header or just
 * behind one of 40 bytes. */
static int read_masks(struct bmp *b, struct eye_err *err)
{
    static const uint32_t m16[4] = {0x7c00, 0x03e0, 0x001f, 0},
                          m32[4] = {0xff0000, 0x00ff00, 0x0000ff, 0};
    memcpy(b->mask, b->bits == 16 ? m16 : m32, sizeof b->mask);
    if (b->compression != BITFIELDS && b->compression != ALPHABITFIELDS)
        return 0;
    int n = b->header >= 56 || b->compression == ALPHABITFIELDS ? 4 : 3;
    if (b->header == 64 || (b->bits != 16 && b->bits != 32))
        return broken(err, "bit masks where none can be");
    if (b->len < 54u + 4u * (unsigned)n)
        return broken(err, "the header is cut short");
    for (int i = 0; i < n; i++)
        b->mask[i] = le32(b->data + 54 + 4 * i);
    return 0;
}

static size_t palette_at(const struct bmp *b)
{
    size_t at = 14u + b->header;
    if (b->header == 40 && b->compression == BITFIELDS)
        at += 12;
    if (b->header == 40 && b->compression == ALPHABITFIELDS)
        at += 16;
    return at;
}

static int read_palette(struct bmp *b, struct eye_err *err)
{
    size_t at = palette_at(b), entry = b->header == 12 ? 3 : 4, max = (size_t)1 << b->bits;
    size_t used = b->header >= 40 ? le32(b->data + 14 + 32) : 0;
    size_t n = used && used < max ? used : max;
    /* OS/2 files may have a palette shorter than 2^bits: the pixels begin where it ends. */
    if (b->pixels_at >= at && (b->pixels_at - at) / entry < n)
        n = (b->pixels_at - at) / entry;
    if (at > b->len || n > (b->len - at) / entry)
        return broken(err, "the palette is cut short");
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = b->data + at + i * entry;
        b->palette[i][0] = p[2];
        b->palette[i][1] = p[1];
        b->palette[i][2] = p[0];
    }
    return 0;
}

static int check_coding(const struct bmp *b, struct eye_err *err)
{
    switch (b->bits) {
    case 1:
    case 4:
    case 8:
    case 16:
    case 24:
    case 32: break;
    default: return eye_fail(err, EYE_EFORMAT, "broken BMP: %u bits a pixel", b->bits);
    }
    bool rle = (b->compression == RLE8 && b->bits == 8) || (b->compression == RLE4 && b->bits == 4);
    bool masks = b->compression == BITFIELDS || b->compression == ALPHABITFIELDS;
    if (b->compression != RGB && !rle && !masks)
        return eye_fail(err, EYE_EFORMAT, "this BMP's compression (%u) is not supported",
                        b->compression);
    return 0;
}

static int read_header(struct bmp *b, const struct codec_input *in, struct eye_err *err)
{
    if (b->len < 18)
        return broken(err, "the header is cut short");
    b->pixels_at = le32(b->data + 10);
    b->header = le32(b->data + 14);
    if (b->header < 12 || b->header > 124 || b->len < 14u + b->header)
        return broken(err, "the header is cut short");
    int rc = read_size(b, in, err);
    if (rc != 0)
        return rc;
    rc = check_coding(b, err);
    if (rc != 0)
        return rc;
    rc = read_masks(b, err);
    if (rc == 0 && b->bits <= 8)
        rc = read_palette(b, err);
    if (rc != 0)
        return rc;
    if (b->pixels_at < 14u + b->header || b->pixels_at > b->len)
        return broken(err, "its pixels lie outside the file");
    return 0;
}

static uint8_t *row_at(const struct bmp *b, int y)
{
    size_t row = (size_t)(b->top_down ? y : b->height - 1 - y);
    return b->img.rgb + row * (size_t)b->width * 3;
}

static void put_index(const struct bmp *b, uint8_t *to, unsigned index)
{
    memcpy(to, b->palette[index & 255], 3);
}

/* One channel of `v` under `mask`, scaled to 0..255; `none` where there is no mask. */
static uint8_t channel(uint32_t v, uint32_t mask, uint8_t none)
{
    if (mask == 0)
        return none;
    int shift = __builtin_ctz(mask);
    uint64_t top = mask >> shift;
    return (uint8_t)(((v & mask) >> shift) * (uint64_t)255 / top);
}

static void put_masked(const struct bmp *b, uint8_t *to, uint32_t v)
{
    unsigned a = channel(v, b->mask[3], 255);
    for (int c = 0; c < 3; c++)
        to[c] = image_blend_white(channel(v, b->mask[c], 0), a);
}

static void put_row(const struct bmp *b, const uint8_t *from, uint8_t *to)
{
    size_t w = (size_t)b->width;
    for (size_t x = 0; x < w; x++, to += 3) {
        switch (b->bits) {
        case 1: put_index(b, to, (unsigned)from[x / 8] >> (7 - x % 8) & 1); break;
        case 4: put_index(b, to, (unsigned)from[x / 2] >> (x % 2 ? 0 : 4) & 15); break;
        case 8: put_index(b, to, from[x]); break;
        case 16: put_masked(b, to, le16(from + 2 * x)); break;
        case 24:
            to[0] = from[3 * x + 2];
            to[1] = from[3 * x + 1];
            to[2] = from[3 * x];
            break;
        default: put_masked(b, to, le32(from + 4 * x)); break;
        }
    }
}

static int read_plain(const struct bmp *b, struct eye_err *err)
{
    size_t bits, need;
    if (!size_mul((size_t)b->width, b->bits, &bits) || !size_add(bits, 31, &bits) ||
        !size_mul(bits / 32 * 4, (size_t)b->height, &need))
        return broken(err, "its rows are too long");
    size_t stride = bits / 32 * 4, left = b->len - b->pixels_at;
    size_t last = (bits - 31 + 7) / 8; // the last row need not be padded
    if (left < need - stride + last)
        return eye_fail(err, EYE_EFORMAT, "the BMP ends early; the file is cut short");
    for (int y = 0; y < b->height; y++)
        put_row(b, b->data + b->pixels_at + (size_t)y * stride, row_at(b, y));
    return 0;
}

/* RLE4 and RLE8: (n, v) is a run; (0, 0) ends the row, (0, 1) the picture, (0, 2, dx, dy) moves,
 * (0, n >= 3) n literal pixels, padded to 16 bits. What runs over the right edge is dropped. */
struct rle {
    const uint8_t *p, *end;
    int x, y;
};

static void put_rle(const struct bmp *b, struct rle *r, unsigned index)
{
    if (r->x < b->width)
        put_index(b, row_at(b, r->y) + (size_t)r->x++ * 3, index);
}

/* Literals or a run of n pixels; p holds the packed indices, of which a run repeats the first
 * byte. */
static void put_pixels(const struct bmp *b, struct rle *r, const uint8_t *p, unsigned n, bool run)
{
    for (unsigned i = 0; i < n; i++) {
        if (b->bits == 8)
            put_rle(b, r, p[run ? 0 : i]);
        else
            put_rle(b, r, (unsigned)p[run ? 0 : i / 2] >> (i % 2 ? 0 : 4) & 15);
    }
}

/* One code; 1 when the picture is complete, 0 to go on, -1 when the bytes ran out. */
static int rle_step(const struct bmp *b, struct rle *r)
{
    if (r->end - r->p < 2)
        return -1;
    unsigned n = r->p[0], v = r->p[1];
    r->p += 2;
    if (n) {
        put_pixels(b, r, r->p - 1, n, true);
        return 0;
    }
    if (v == 0) {
        r->x = 0;
        r->y++;
        return r->y >= b->height;
    }
    if (v == 1)
        return 1;
    if (v == 2) {
        if (r->end - r->p < 2)
            return -1;
        r->x = r->x + r->p[0] < b->width ? r->x + r->p[0] : b->width;
        r->y += r->p[1];
        r->p += 2;
        return r->y >= b->height;
    }
    ptrdiff_t bytes = (ptrdiff_t)(b->bits == 8 ? v : (v + 1) / 2);
    if (r->end - r->p < bytes)
        return -1;
    put_pixels(b, r, r->p, v, false);
    bytes += bytes & 1;
    r->p = r->end - r->p < bytes ? r->end : r->p + bytes;
    return 0;
}

static int read_rle(const struct bmp *b, struct eye_err *err)
{
    struct rle r = {.p = b->data + b->pixels_at, .end = b->data + b->len};
    size_t n = (size_t)b->width * (size_t)b->height;
    for (size_t i = 0; i < n; i++)
        put_index(b, b->img.rgb + i * 3, 0);
    int step;
    while ((step = rle_step(b, &r)) == 0)
        ;
    bool complete = r.y >= b->height || (r.y == b->height - 1 && r.x >= b->width);
    if (step < 0 && !complete)
        return eye_fail(err, EYE_EFORMAT, "the BMP ends early; the file is cut short");
    return 0;
}

int image_bmp_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                     struct eye_err *err)
{
    struct bmp b = {.data = in->data, .len = in->len};
    int rc = read_header(&b, in, err);
    if (rc != 0)
        return rc;
    meta->width = b.width;
    meta->height = b.height;
    uint8_t *rgb = image_alloc(b.width, b.height, 3, err);
    if (!rgb)
        return EYE_ENOMEM;
    b.img = (struct image){.width = b.width, .height = b.height, .rgb = rgb};
    bool rle = b.compression == RLE8 || b.compression == RLE4;
    rc = rle ? read_rle(&b, err) : read_plain(&b, err);
    if (rc != 0)
        image_release(&b.img);
    else
        *out = b.img;
    return rc;
}
