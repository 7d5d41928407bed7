/* resize.c: the kernel levels agree to the last bit; flat pictures stay flat; windows equal the
 * whole. (PIL: test_prepare.) */
#include "golden.h"

static void noise(struct image *img, int w, int h)
{
    uint32_t seed = (uint32_t)(w * 31 + h);
    *img = (struct image){.width = w, .height = h, .rgb = malloc((size_t)w * (size_t)h * 3)};
    for (int i = 0; i < w * h * 3; i++) {
        seed = seed * 1664525u + 1013904223u;
        img->rgb[i] = (seed >> 30) == 0 ? 0 : (seed >> 30) == 1 ? 255 : (uint8_t)(seed >> 16);
    }
}

static const int sizes[][4] = {{97, 61, 32, 20}, {40, 30, 90, 77}, {1, 1, 5, 5},    {2, 3, 1, 1},
                               {300, 7, 3, 7},   {7, 300, 7, 3},   {5, 5, 5, 9},    {33, 17, 16, 8},
                               {4, 64, 11, 64},  {1000, 3, 1, 2},  {64, 48, 64, 48}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void levels_agree(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES * 2; i++) {
        const int *s = sizes[i / 2];
        enum image_filter filter = i % 2 ? IMAGE_BILINEAR : IMAGE_BICUBIC;
        struct image in, want, got;
        struct eye_err err = {0};
        noise(&in, s[0], s[1]);
        cpu_level_force(CPU_PORTABLE);
        assert_int_equal(image_resize(&in, s[2], s[3], filter, &want, &err), 0);
        for (int level = CPU_AVX2; level <= (int)cpu_level_max(); level++) {
            cpu_level_force((enum cpu_level)level);
            assert_int_equal(image_resize(&in, s[2], s[3], filter, &got, &err), 0);
            assert_int_equal(max_difference(want.rgb, got.rgb, (size_t)(s[2] * s[3] * 3)), 0);
            image_release(&got);
        }
        image_release(&want);
        image_release(&in);
    }
    cpu_level_force(cpu_level_max());
}

static void flat_stays_flat(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        struct image in, out;
        struct eye_err err = {0};
        noise(&in, sizes[i][0], sizes[i][1]);
        memset(in.rgb, 201, (size_t)(in.width * in.height * 3));
        assert_int_equal(image_resize(&in, sizes[i][2], sizes[i][3], IMAGE_BICUBIC, &out, &err), 0);
        for (int j = 0; j < out.width * out.height * 3; j++)
            assert_int_equal(out.rgb[j], 201);
        image_release(&in);
        image_release(&out);
    }
}

static void window_equals_whole(void **state)
{
    (void)state;
    struct image in, whole;
    struct eye_err err = {0};
    uint8_t part[20 * 15 * 3];
    noise(&in, 90, 70);
    assert_int_equal(image_resize(&in, 50, 40, IMAGE_BICUBIC, &whole, &err), 0);
    struct image_window win = {90, 70, 50, 40, 11, 6, 20, 15};
    assert_int_equal(image_resize_window(&in, &win, IMAGE_BICUBIC, part, 60, &err), 0);
    for (int y = 0; y < 15; y++)
        assert_memory_equal(part + y * 60, whole.rgb + ((6 + y) * 50 + 11) * 3, 60);
    image_release(&in);
    image_release(&whole);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct image in, out = {0};
    struct eye_err err = {0};
    noise(&in, 4, 4);
    assert_int_equal(image_resize(&in, 0, 4, IMAGE_BICUBIC, &out, &err), EYE_EINVAL);
    assert_int_equal(image_resize(&in, 4, -1, IMAGE_BICUBIC, &out, &err), EYE_EINVAL);
    assert_int_equal(image_resize(&out, 4, 4, IMAGE_BICUBIC, &out, &err), EYE_EINVAL);
    assert_null(out.rgb);
    image_release(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_agree),
        cmocka_unit_test(flat_stays_flat),
        cmocka_unit_test(window_equals_whole),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
