/* test_look.c - the look of fixed pictures, bit for bit, and how far it bears what happens to pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <string.h>

#include "base/fs.h"
#include "image/image.h"

static struct image blank(int w, int h)
{
    struct image img = {w, h, calloc((size_t)w * (size_t)h, 3)};
    assert_non_null(img.rgb);
    return img;
}

/* Blobs whose places and sizes follow from the seed, at any size of picture: only whole numbers. */
static struct image scene(uint32_t seed, int w, int h)
{
    struct image img = blank(w, h);
    int64_t at[12][4];
    for (int i = 0; i < 12; i++)
        for (int k = 0; k < 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            at[i][k] = seed >> 22; /* 0..1023 */
        }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int64_t v = 40, px = (int64_t)x * 1024 / w, py = (int64_t)y * 1024 / h;
            for (int i = 0; i < 12; i++) {
                int64_t r = 60 + at[i][2] / 4, dx = px - at[i][0], dy = py - at[i][1];
                if (dx * dx + dy * dy < r * r)
                    v = at[i][3] / 4;
            }
            uint8_t *p = img.rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            p[0] = (uint8_t)v;
            p[1] = (uint8_t)(v / 2 + 30);
            p[2] = (uint8_t)(255 - v);
        }
    return img;
}

static int apart(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}

static uint64_t phash_of(const struct image *img)
{
    struct image_look look;
    image_look_at(img, &look);
    assert_true(image_phash_ok(look.phash));
    return look.phash;
}

static uint64_t hash_and_free(struct image img)
{
    uint64_t hash = phash_of(&img);
    image_release(&img);
    return hash;
}

static void fixed_pictures_have_fixed_hashes(void **state)
{
    static const struct {
        uint32_t seed;
        int w, h;
        uint64_t hash;
    } golden[] = {
        {1, 64, 64, UINT64_C(0xcab739692c819e72)},   {2, 33, 57, UINT64_C(0xdd226d5f0085d973)},
        {3, 640, 480, UINT64_C(0xcb42359b8dc4b45b)}, {4, 5, 7, UINT64_C(0x9bb96431469b6e64)},
        {5, 31, 1000, UINT64_C(0x3391c97cc66c6d86)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        uint64_t hash = hash_and_free(scene(golden[i].seed, golden[i].w, golden[i].h));
        if (hash != golden[i].hash)
            fail_msg("scene %u of %d x %d: %#llx", golden[i].seed, golden[i].w, golden[i].h,
                     (unsigned long long)hash);
    }
}

/* The hash again by the textbook: real numbers, each cell's area summed pixel by pixel. */
static uint64_t by_the_book(const struct image *img)
{
    static double cell[32][32], coef[64], sorted[64];
    uint64_t hash = 0;
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            double sum = 0, area = 0, x0 = x * img->width / 32.0, y0 = y * img->height / 32.0;
            double x1 = (x + 1) * img->width / 32.0, y1 = (y + 1) * img->height / 32.0;
            for (int py = (int)y0; py < img->height && py < y1; py++)
                for (int px = (int)x0; px < img->width && px < x1; px++) {
                    const uint8_t *p = img->rgb + 3 * (py * img->width + px);
                    double a =
                        (fmin(px + 1, x1) - fmax(px, x0)) * (fmin(py + 1, y1) - fmax(py, y0));
                    sum += a * (77 * p[0] + 150 * p[1] + 29 * p[2]) / 256.0;
                    area += a;
                }
            cell[y][x] = sum / area;
        }
    for (int v = 1; v <= 8; v++)
        for (int u = 1; u <= 8; u++) {
            double sum = 0;
            for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++)
                    sum += cell[y][x] * cos((2 * x + 1) * u * M_PI / 64) *
                           cos((2 * y + 1) * v * M_PI / 64);
            coef[(v - 1) * 8 + u - 1] = sum;
        }
    memcpy(sorted, coef, sizeof sorted);
    for (int i = 0; i < 64; i++) /* a small sort is enough */
        for (int k = i + 1; k < 64; k++)
            if (sorted[k] > sorted[i]) {
                double t = sorted[i];
                sorted[i] = sorted[k];
                sorted[k] = t;
            }
    for (int i = 0; i < 64; i++)
        hash = hash << 1 | (coef[i] >= sorted[31]);
    return hash;
}

static void it_is_the_transform_of_the_cells(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct image img = scene(seed, 20 + (int)(seed * 37 % 300), 20 + (int)(seed * 91 % 200));
        int d = apart(phash_of(&img), by_the_book(&img));
        if (d > 2) /* two numbers next to each other may change places by rounding */
            fail_msg("scene %u: %d bits from the textbook", seed, d);
        image_release(&img);
    }
}

static void size_changes_little_and_content_much(void **state)
{
    uint64_t hashes[60];
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        hashes[i] = hash_and_free(scene(i + 1, 400, 300));
        int d = apart(hashes[i], hash_and_free(scene(i + 1, 200, 150)));
        if (d > 4)
            fail_msg("scene %u at half its size: %d bits", i + 1, d);
        d = apart(hashes[i], hash_and_free(scene(i + 1, 333, 251)));
        if (d > 6)
            fail_msg("scene %u at an odd size: %d bits", i + 1, d);
        for (uint32_t k = 0; k < i; k++)
            assert_true(apart(hashes[i], hashes[k]) > 8);
    }
}

static void brightness_and_grain_change_little(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        struct image img = scene(seed, 320, 240);
        uint64_t before = phash_of(&img);
        uint32_t x = seed;
        for (size_t i = 0; i < 320 * 240 * 3; i++) {
            x = x * 1664525u + 1013904223u;
            img.rgb[i] = (uint8_t)(img.rgb[i] * 7u / 8 + 10 + (x >> 28));
        }
        assert_true(apart(before, hash_and_free(img)) <= 4);
    }
}

static void pictures_without_structure_have_none(void **state)
{
    (void)state;
    struct image img = blank(100, 80);
    assert_int_equal(phash_of(&img), IMAGE_PHASH_NONE);
    memset(img.rgb, 255, 100 * 80 * 3);
    assert_int_equal(phash_of(&img), IMAGE_PHASH_NONE);
    uint32_t x = 7;
    for (size_t i = 0; i < 100 * 80 * 3; i++) { /* grain on a grey page */
        x = x * 1664525u + 1013904223u;
        img.rgb[i] = (uint8_t)(120 + (x >> 29));
    }
    assert_int_equal(phash_of(&img), IMAGE_PHASH_NONE);
    for (int y = 0; y < 80; y++) /* a plain gradient */
        for (int i = 0; i < 100; i++)
            memset(img.rgb + 3 * (y * 100 + i), i * 2, 3);
    assert_int_equal(phash_of(&img), IMAGE_PHASH_NONE);
    assert_int_equal(phash_of(&(struct image){0, 0, NULL}), IMAGE_PHASH_NONE);
    image_release(&img);
    assert_true(image_phash_ok(IMAGE_PHASH_NONE));
    assert_false(image_phash_ok(1));
    assert_false(image_phash_ok(UINT64_MAX));
}

/* The samples: a photograph shrunk while it is loaded, as for a model, differs in next to no bits from the whole one. */
static void shrinking_on_load_changes_next_to_nothing(void **state)
{
    (void)state;
    DIR *dir = opendir("samples");
    assert_non_null(dir);
    int seen = 0;
    uint64_t all[100];
    for (struct dirent *e; (e = readdir(dir));) {
        char path[300];
        struct buf bytes;
        struct image full = {0, 0, NULL}, small = {0, 0, NULL};
        if (!strstr(e->d_name, ".jpg") || seen == 100)
            continue;
        snprintf(path, sizeof path, "samples/%s", e->d_name);
        buf_init(&bytes, 64 << 20);
        assert_int_equal(fs_read_all(path, &bytes, NULL), 0);
        const uint8_t *data = (const uint8_t *)bytes.data;
        assert_int_equal(image_decode(data, bytes.len, NULL, 0, &full, NULL, NULL), 0);
        assert_int_equal(image_decode(data, bytes.len, NULL, 256, &small, NULL, NULL), 0);
        all[seen] = hash_and_free(full);
        int d = apart(all[seen], hash_and_free(small));
        if (d > 2)
            fail_msg("%s: %d bits", path, d);
        for (int i = 0; i < seen; i++)
            assert_true(apart(all[seen], all[i]) > 8);
        assert_true(all[seen++] != IMAGE_PHASH_NONE);
        buf_release(&bytes);
    }
    closedir(dir);
    assert_true(seen > 30);
}

/* By the plainest of means, at a size whose cells are whole pixels. */
static void the_mosaic_is_the_mean_of_its_parts(void **state)
{
    (void)state;
    struct image img = scene(11, 320, 256);
    struct image_look look;
    image_look_at(&img, &look);
    for (int part = 0; part < IMAGE_MOSAIC; part++) {
        int places = part < 64 ? 8 : 4, at = part < 64 ? part : (part - 64) % 16;
        int w = 320 / places, h = 256 / places;
        double sum[3] = {0, 0, 0};
        for (int y = at / places * h; y < at / places * h + h; y++)
            for (int x = at % places * w; x < at % places * w + w; x++)
                for (int c = 0; c < 3; c++)
                    sum[c] += img.rgb[3 * (y * 320 + x) + c] / (double)(w * h);
        double grey = 0.299 * sum[0] + 0.587 * sum[1] + 0.114 * sum[2];
        double want = part < 64   ? grey
                      : part < 80 ? 128 + 0.564 * (sum[2] - grey)
                                  : 128 + 0.713 * (sum[0] - grey);
        if (fabs(want - look.mosaic[part]) > 1)
            fail_msg("part %d: %d, not %.2f", part, look.mosaic[part], want);
    }
    image_release(&img);
}

static void the_difference_is_of_all_places_and_colours(void **state)
{
    uint8_t a[IMAGE_MOSAIC] = {0}, b[IMAGE_MOSAIC] = {0};
    (void)state;
    assert_true(image_mosaic_difference(a, b) == 0);
    memset(b, 3, 64); /* brightness by 3 everywhere, colours not */
    assert_true(fabs(image_mosaic_difference(a, b) - sqrt(9 / 3.0)) < 1e-9);
    memset(b, 3, IMAGE_MOSAIC);
    assert_true(fabs(image_mosaic_difference(b, a) - 3) < 1e-9);
    memset(a, 255, sizeof a);
    memset(b, 0, sizeof b);
    assert_true(fabs(image_mosaic_difference(a, b) - 255) < 1e-9);
}

/* What a hash cannot see: other colours. */
static void another_colour_is_another_mosaic(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct image img = scene(seed, 300, 200), small = scene(seed, 150, 100);
        struct image_look a, b, c;
        image_look_at(&img, &a);
        image_look_at(&small, &b);
        assert_true(image_mosaic_difference(a.mosaic, b.mosaic) < 1.5);
        for (size_t i = 0; i < 300 * 200;
             i++) { /* red and blue change places, as far as the brightness allows */
            uint8_t *p = img.rgb + 3 * i, red = p[0];
            p[0] = (uint8_t)(p[0] * 3 / 4 + p[2] / 4);
            p[2] = (uint8_t)(p[2] * 3 / 4 + red / 4);
        }
        image_look_at(&img, &c);
        assert_true(image_mosaic_difference(a.mosaic, c.mosaic) > 5);
        image_release(&img);
        image_release(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_pictures_have_fixed_hashes),
        cmocka_unit_test(it_is_the_transform_of_the_cells),
        cmocka_unit_test(size_changes_little_and_content_much),
        cmocka_unit_test(brightness_and_grain_change_little),
        cmocka_unit_test(pictures_without_structure_have_none),
        cmocka_unit_test(the_mosaic_is_the_mean_of_its_parts),
        cmocka_unit_test(the_difference_is_of_all_places_and_colours),
        cmocka_unit_test(another_colour_is_another_mosaic),
        cmocka_unit_test(shrinking_on_load_changes_next_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
