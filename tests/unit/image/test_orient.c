/* orient.c: all eight orientations on pictures whose every pixel is different. */
#include "golden.h"

static void paint(struct image *img, int w, int h)
{
    *img = (struct image){.width = w, .height = h, .rgb = malloc((size_t)(w * h * 3))};
    for (int i = 0; i < w * h; i++) {
        img->rgb[3 * i] = (uint8_t)i;
        img->rgb[3 * i + 1] = (uint8_t)(i >> 8);
        img->rgb[3 * i + 2] = 77;
    }
}

static int index_at(const struct image *img, int x, int y)
{
    const uint8_t *p = img->rgb + 3 * (y * img->width + x);
    assert_int_equal(p[2], 77);
    return p[0] | p[1] << 8;
}

/* Where the pixel that stands at (x, y) of the upright picture is stored (EXIF 2.3, 4.6.4). */
static int stored_at(int o, int x, int y, int w, int h)
{
    int sx = o == 1 || o == 4 ? x : o == 2 || o == 3 ? w - 1 - x : o == 5 || o == 6 ? y : w - 1 - y;
    int sy = o == 1 || o == 2 ? y : o == 3 || o == 4 ? h - 1 - y : o == 5 || o == 8 ? x : h - 1 - x;
    return sy * w + sx;
}

static void turns(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {7, 4}, {4, 7}, {1, 9}, {33, 70}, {64, 32}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int o = 1; o <= 8; o++) {
            int w = sizes[s][0], h = sizes[s][1];
            struct image img;
            struct eye_err err = {0};
            paint(&img, w, h);
            /* 6 is stored turned left, 8 turned right: here the stored size is w x h. */
            assert_int_equal(image_orient(&img, o, &err), 0);
            assert_int_equal(img.width, o >= 5 ? h : w);
            assert_int_equal(img.height, o >= 5 ? w : h);
            for (int y = 0; y < img.height; y++)
                for (int x = 0; x < img.width; x++)
                    assert_int_equal(index_at(&img, x, y), stored_at(o, x, y, w, h));
            image_release(&img);
        }
    }
}

static void odd_values_are_upright(void **state)
{
    (void)state;
    struct image img;
    struct eye_err err = {0};
    paint(&img, 5, 3);
    assert_int_equal(image_orient(&img, 0, &err), 0);
    assert_int_equal(image_orient(&img, 9, &err), 0);
    assert_int_equal(image_orient(&img, -6, &err), 0);
    assert_int_equal(img.width, 5);
    assert_int_equal(index_at(&img, 1, 0), 1);
    image_release(&img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns),
        cmocka_unit_test(odd_values_are_upright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
