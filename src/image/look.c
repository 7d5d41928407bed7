/* look.c - how a picture looks, in some hundred bytes: what a copy that was stored again is known by.
 *
 * The whole picture becomes 32 x 32 cells of mean colour, whatever its shape: sums over the exact area of each cell, in whole
 * numbers, so that what follows is the same on every machine and compiler for given pixels.
 *
 * The perceptual hash, to be found by. Of the cells' brightness the cosine transform is taken, of that the 64 coefficients with both
 * frequencies 1 to 8, and the 32 largest of them are the ones. Where next to nothing lies in these frequencies (a blank page, a
 * plain gradient) the order of the coefficients is noise, and a hash would say that such pictures are all different or all the
 * same: those have none. Else 32 bits are set.
 *
 * The mosaic, to be sure. Brightness in 8 x 8 and colour in 4 x 4 places, a byte each. A copy that was shrunk, compressed or converted differs by
 * 1.9 levels (root mean square) at most, other pictures with a near hash by 2.5 and more.
 *
 * Measured on 2,000 photographs (docs/DUPLICATES.md). The hash alone keeps photographs apart, but not things on a white ground: 186 pairs of
 * 447,000 lie within 6 bits, and the embedding does not tell them apart either (sunglasses of one maker: cosine 0.95). Hashes tried and
 * dropped: with row and column 0 of the frequencies, and the 64 lowest ones in zigzag, both bear cropping a little better and take four
 * times as many different pictures for near ones; signs instead of the 32 largest are no better. Pixels of the model's
 * input instead of the picture's are at hand, but the model sees a crop. */
#include "image/image.h"

#include <math.h>
#include <string.h>

enum { CELLS = 32, BAND = 8, COEFFICIENTS = BAND * BAND, FINE = 8, COARSE = 4 };
_Static_assert(IMAGE_MOSAIC == FINE * FINE + 2 * COARSE * COARSE, "brightness and two colours");
/* Half of the coefficients are at least so large: two levels of brightness of 255, where the transform is orthonormal. What noise and
 * strong JPEG compression do to a blank picture stays below a half; of the photographs none was below 3.8. */
#define STRUCTURE (INT64_C(2) << 40)

/* Sums of red, green and blue. */
struct rgb {
    uint64_t c[3];
};

/* cos(i pi / 64) * 2^14, rounded, for the first quarter of the circle. */
static const int16_t quarter[CELLS + 1] = {
    16384, 16364, 16305, 16207, 16069, 15893, 15679, 15426, 15137, 14811, 14449,
    14053, 13623, 13160, 12665, 12140, 11585, 11003, 10394, 9760,  9102,  8423,
    7723,  7005,  6270,  5520,  4756,  3981,  3196,  2404,  1606,  804,   0};

static int64_t cosine(int i)
{
    i %= 4 * CELLS;
    if (i > 2 * CELLS)
        i = 4 * CELLS - i;
    return i <= CELLS ? quarter[i] : -quarter[2 * CELLS - i];
}

static void add_pixels(const uint8_t *rgb, size_t n, uint64_t weight, struct rgb *to)
{
    uint32_t r = 0, g = 0, b = 0;
    for (size_t i = 0; i < n; i++) {
        r += rgb[3 * i];
        g += rgb[3 * i + 1];
        b += rgb[3 * i + 2];
    }
    to->c[0] += r * weight;
    to->c[1] += g * weight;
    to->c[2] += b * weight;
}

/* One row of n pixels to the sums of its cells: a pixel is CELLS units wide, a cell n of them. */
static void sum_row(const uint8_t *rgb, size_t n, struct rgb *cells)
{
    for (size_t c = 0; c < CELLS; c++) {
        size_t from = c * n, to = from + n, first = from / CELLS, last = to / CELLS;
        cells[c] = (struct rgb){{0, 0, 0}};
        if (first == last) { /* the cell lies within one pixel */
            add_pixels(rgb + 3 * first, 1, n, &cells[c]);
            continue;
        }
        add_pixels(rgb + 3 * first, 1, CELLS * (first + 1) - from, &cells[c]);
        add_pixels(rgb + 3 * (first + 1), last - first - 1, CELLS, &cells[c]);
        if (to % CELLS)
            add_pixels(rgb + 3 * last, 1, to % CELLS, &cells[c]);
    }
}

/* Sums over each cell; each has the weight width * height. */
static void reduce(const struct image *img, struct rgb cells[CELLS][CELLS])
{
    size_t w = (size_t)img->width, h = (size_t)img->height;
    struct rgb row[CELLS];
    memset(cells, 0, CELLS * sizeof *cells);
    for (size_t y = 0; y < h; y++) {
        size_t at = y * CELLS, end = at + CELLS; /* a row is CELLS units high, a cell h of them */
        sum_row(img->rgb + 3 * w * y, w, row);
        while (at < end) {
            size_t cell = at / h, stop = (cell + 1) * h < end ? (cell + 1) * h : end;
            for (size_t x = 0; x < CELLS; x++)
                for (int c = 0; c < 3; c++)
                    cells[cell][x].c[c] += row[x].c[c] * (stop - at);
            at = stop;
        }
    }
}

/* Of the mean colour of n x n cells from (x, y) on: parts of red, green and blue in 256ths, times 256; ITU-R BT.601. */
static int64_t mix(struct rgb cells[CELLS][CELLS], int x, int y, int n, uint64_t weight,
                   const int parts[3])
{
    int64_t sum = 0;
    for (int i = 0; i < n * n; i++)
        for (int c = 0; c < 3; c++)
            sum += parts[c] * (int64_t)cells[y + i / n][x + i % n].c[c];
    return sum / (int64_t)(weight * (uint64_t)(n * n));
}

static const int brightness[3] = {77, 150, 29}, blueness[3] = {-43, -85, 128},
                 redness[3] = {128, -107, -21};

/* Mean brightness times 256 of each cell. */
static void grey_cells(struct rgb cells[CELLS][CELLS], uint64_t weight, int64_t out[CELLS][CELLS])
{
    for (int y = 0; y < CELLS; y++)
        for (int x = 0; x < CELLS; x++)
            out[y][x] = mix(cells, x, y, 1, weight, brightness);
}

/* places x places values around `zero` to a byte each. */
static uint8_t *tile(struct rgb cells[CELLS][CELLS], uint64_t weight, int places,
                     const int parts[3], int zero, uint8_t *out)
{
    int n = CELLS / places;
    for (int y = 0; y < places; y++)
        for (int x = 0; x < places; x++) {
            int64_t v = (mix(cells, x * n, y * n, n, weight, parts) + zero * 256 + 128) / 256;
            *out++ = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    return out;
}

static void transform(int64_t cells[CELLS][CELLS], int64_t out[COEFFICIENTS])
{
    int64_t rows[CELLS][BAND];
    for (int y = 0; y < CELLS; y++)
        for (int u = 0; u < BAND; u++) {
            rows[y][u] = 0;
            for (int x = 0; x < CELLS; x++)
                rows[y][u] += cells[y][x] * cosine((2 * x + 1) * (u + 1));
        }
    for (int v = 0; v < BAND; v++)
        for (int u = 0; u < BAND; u++) {
            int64_t sum = 0;
            for (int y = 0; y < CELLS; y++)
                sum += rows[y][u] * cosine((2 * y + 1) * (v + 1));
            out[v * BAND + u] = sum;
        }
}

/* How many come before each one when the largest come first; of equal ones the lower frequency. */
static void rank_all(const int64_t values[COEFFICIENTS], int ranks[COEFFICIENTS])
{
    for (int i = 0; i < COEFFICIENTS; i++) {
        ranks[i] = 0;
        for (int k = 0; k < COEFFICIENTS; k++)
            ranks[i] += values[k] > values[i] || (k < i && values[k] == values[i]);
    }
}

static bool has_structure(const int64_t values[COEFFICIENTS])
{
    int large = 0;
    for (int i = 0; i < COEFFICIENTS; i++)
        large += values[i] >= STRUCTURE || values[i] <= -STRUCTURE;
    return large >= COEFFICIENTS / 2;
}

static uint64_t hash_of(const int64_t values[COEFFICIENTS])
{
    int ranks[COEFFICIENTS];
    uint64_t hash = 0;
    if (!has_structure(values))
        return IMAGE_PHASH_NONE;
    rank_all(values, ranks);
    for (int i = 0; i < COEFFICIENTS; i++)
        hash = hash << 1 | (ranks[i] < COEFFICIENTS / 2);
    return hash;
}

void image_look_at(const struct image *img, struct image_look *out)
{
    struct rgb cells[CELLS][CELLS];
    int64_t grey[CELLS][CELLS], values[COEFFICIENTS];
    *out = (struct image_look){.phash = IMAGE_PHASH_NONE};
    if (!img->rgb || img->width < 1 || img->height < 1)
        return;
    uint64_t weight = (uint64_t)img->width * (uint64_t)img->height;
    reduce(img, cells);
    grey_cells(cells, weight, grey);
    transform(grey, values);
    out->phash = hash_of(values);
    uint8_t *at = tile(cells, weight, FINE, brightness, 0, out->mosaic);
    at = tile(cells, weight, COARSE, blueness, 128, at);
    tile(cells, weight, COARSE, redness, 128, at);
}

bool image_phash_ok(uint64_t hash)
{
    return hash == IMAGE_PHASH_NONE || __builtin_popcountll(hash) == COEFFICIENTS / 2;
}

double image_mosaic_difference(const uint8_t *a, const uint8_t *b)
{
    int sum = 0, area = (FINE / COARSE) * (FINE / COARSE);
    for (int i = 0; i < IMAGE_MOSAIC; i++) {
        int d = a[i] - b[i];
        sum += i < FINE * FINE ? d * d : area * d * d;
    }
    return sqrt((double)sum / (3 * FINE * FINE));
}
