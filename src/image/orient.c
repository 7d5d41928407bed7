/* orient.c - turn a picture upright by its EXIF orientation (1..8).
 *
 * 2, 3 and 4 are mirrors and a half turn, done in place; 5..8 swap the axes and need a second
 * buffer. Those walk the picture in square tiles, so that neither the rows read nor the columns
 * written leave the cache. */
#include "image/codec.h"

static void swap_px(uint8_t *a, uint8_t *b)
{
    for (int c = 0; c < 3; c++) {
        uint8_t t = a[c];
        a[c] = b[c];
        b[c] = t;
    }
}

static void mirror_row(uint8_t *row, size_t width)
{
    for (size_t i = 0, j = width - 1; i < j; i++, j--)
        swap_px(row + 3 * i, row + 3 * j);
}

static void mirror(struct image *img)
{
    size_t w = (size_t)img->width;
    for (size_t y = 0; y < (size_t)img->height; y++)
        mirror_row(img->rgb + y * w * 3, w);
}

static void flip(struct image *img)
{
    size_t stride = (size_t)img->width * 3;
    for (size_t i = 0, j = (size_t)img->height - 1; i < j; i++, j--) {
        uint8_t *a = img->rgb + i * stride, *b = img->rgb + j * stride;
        for (size_t x = 0; x < stride; x++) {
            uint8_t t = a[x];
            a[x] = b[x];
            b[x] = t;
        }
    }
}

/* out[x', y'] = in[y', x'] with x' or y' counted from the far end where asked: out is [w, h, 3]. */
static void transpose(const struct image *in, bool flip_x, bool flip_y, uint8_t *out)
{
    enum { TILE = 32 };
    size_t w = (size_t)in->width, h = (size_t)in->height;
    for (size_t y0 = 0; y0 < h; y0 += TILE) {
        for (size_t x0 = 0; x0 < w; x0 += TILE) {
            size_t y1 = y0 + TILE < h ? y0 + TILE : h, x1 = x0 + TILE < w ? x0 + TILE : w;
            for (size_t x = x0; x < x1; x++) {
                for (size_t y = y0; y < y1; y++) {
                    size_t to_x = flip_x ? h - 1 - y : y, to_y = flip_y ? w - 1 - x : x;
                    memcpy(out + (to_y * h + to_x) * 3, in->rgb + (y * w + x) * 3, 3);
                }
            }
        }
    }
}

int image_orient(struct image *img, int orientation, struct eye_err *err)
{
    if (orientation == 2 || orientation == 3)
        mirror(img);
    if (orientation == 4 || orientation == 3)
        flip(img);
    if (orientation < 5 || orientation > 8)
        return 0;
    uint8_t *turned = image_alloc(img->height, img->width, 3, err);
    if (!turned)
        return EYE_ENOMEM;
    transpose(img, orientation == 6 || orientation == 7, orientation == 7 || orientation == 8,
              turned);
    free(img->rgb);
    *img = (struct image){.width = img->height, .height = img->width, .rgb = turned};
    return 0;
}
