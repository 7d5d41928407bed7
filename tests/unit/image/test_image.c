/* image.c: what is no picture, alpha over white, names, limits before memory. */
#include "golden.h"

static int decode_text(const void *data, size_t len, struct eye_err *err)
{
    struct image img = {0};
    int rc = decode_exact(data, len, NULL, &img, err);
    assert_null(img.rgb);
    return rc;
}

static void no_picture(void **state)
{
    (void)state;
    static const uint8_t zeros[100];
    struct eye_err err = {0};
    assert_int_equal(decode_text("", 0, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "empty"));
    assert_int_equal(decode_text("hello, world", 12, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "not a picture"));
    assert_int_equal(decode_text(zeros, sizeof zeros, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "zero bytes"));
}

/* A claim of 65535 x 65535 pixels in a few bytes: refused by the numbers alone. */
static void bombs(void **state)
{
    (void)state;
    static const uint8_t gif[] = "GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02";
    uint8_t png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0"
                    "crc.\0\0\0\x10IDAT";
    uint32_t crc = (uint32_t)crc32(0, png + 12, 17);
    for (int i = 0; i < 4; i++)
        png[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    uint8_t bmp[54] = "BM";
    bmp[10] = 54;
    bmp[14] = 40;
    memset(bmp + 18, 0xff, 2);
    memset(bmp + 22, 0xff, 2);
    bmp[26] = 1;
    bmp[28] = 24;
    struct eye_err err = {0};
    assert_int_equal(decode_text(gif, sizeof gif - 1, &err), EYE_ELIMIT);
    assert_int_equal(decode_text(bmp, sizeof bmp, &err), EYE_ELIMIT);
    assert_int_equal(decode_text(png, sizeof png - 1, &err), EYE_ELIMIT);
}

static void jpeg_bomb(void **state)
{
    (void)state;
    struct bytes b = golden_file("jpeg_420.jpeg");
    struct eye_err err = {0};
    size_t sof = 2;
    while (b.data[sof + 1] != 0xc0)
        sof += 2u + ((size_t)b.data[sof + 2] << 8 | b.data[sof + 3]);
    b.data[sof + 5] = b.data[sof + 7] = 0xff; // 65280 + x a side: above the limit of pixels
    assert_int_equal(decode_text(b.data, b.len, &err), EYE_ELIMIT);
    free(b.data);
}

static void alpha_lies_over_white(void **state)
{
    (void)state;
    uint8_t px[] = {10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 128};
    image_over_white(px, 3);
    static const uint8_t want[] = {255, 255, 255, 10, 20, 30, 127, 177, 227};
    assert_memory_equal(px, want, sizeof want);
    for (unsigned c = 0; c < 256; c++)
        for (unsigned a = 0; a < 256; a++)
            assert_int_equal(image_blend_white(c, a), (2 * (c * a + 255 * (255 - a)) + 255) / 510);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(image_format_name(IMAGE_JPEG), "jpeg");
    assert_string_equal(image_format_name(IMAGE_AVIF), "avif");
    assert_string_equal(image_format_name(IMAGE_UNKNOWN), "unknown");
    assert_string_equal(image_format_name((enum image_format)99), "unknown");
}

static void size_check(void **state)
{
    (void)state;
    struct image_limits limits = {.max_pixels = 1000, .max_side = 100};
    struct codec_input in = {.limits = &limits};
    struct eye_err err = {0};
    assert_int_equal(image_check_size(&in, 10, 100, &err), 0);
    assert_int_equal(image_check_size(&in, 11, 100, &err), EYE_ELIMIT);
    assert_int_equal(image_check_size(&in, 1, 101, &err), EYE_ELIMIT);
    assert_int_equal(image_check_size(&in, UINT64_MAX, UINT64_MAX, &err), EYE_ELIMIT);
    assert_int_equal(image_check_size(&in, 0, 5, &err), EYE_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_picture), cmocka_unit_test(bombs),
        cmocka_unit_test(jpeg_bomb),  cmocka_unit_test(alpha_lies_over_white),
        cmocka_unit_test(names),      cmocka_unit_test(size_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
