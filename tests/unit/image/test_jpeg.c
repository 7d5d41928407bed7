/* jpeg.c: goldens, shrink-on-load, what counts as truncated, limits, damage. */
#include "golden.h"

static void equals_reference(void **state)
{
    (void)state;
    assert_true(golden_check(IMAGE_JPEG) >= 18);
}

static void truncated_fails(void **state)
{
    (void)state;
    check_truncated("jpeg_420.jpeg", 0);
    check_truncated("jpeg_progressive.jpeg", 0);
    check_truncated("jpeg_restart.jpeg", 0);
    check_truncated("jpeg_cmyk.jpeg", 0);
    check_truncated("large.jpeg", 0);
}

static int decode_cut(const char *file, size_t cut, const char *tail, size_t tail_len)
{
    struct bytes b = golden_file(file);
    struct image img = {0};
    struct eye_err err = {0};
    memcpy(b.data + b.len - cut, tail, tail_len);
    int rc = decode_exact(b.data, b.len - cut + tail_len, NULL, &img, &err);
    assert_true((rc == 0) == (img.rgb != NULL));
    image_release(&img);
    free(b.data);
    return rc;
}

/* Without its EOI a baseline file still holds all pixels; a progressive one may lack scans. */
static void missing_end_marker(void **state)
{
    (void)state;
    assert_int_equal(decode_cut("jpeg_420.jpeg", 2, "", 0), 0);
    assert_int_equal(decode_cut("jpeg_progressive.jpeg", 2, "", 0), EYE_EFORMAT);
}

/* A cut file that someone closed with an EOI is still a cut file; bytes after the EOI are
 * nobody's business. */
static void closed_after_cut(void **state)
{
    (void)state;
    assert_int_equal(decode_cut("jpeg_420.jpeg", 300, "\xff\xd9", 2), EYE_EFORMAT);
    assert_int_equal(decode_cut("jpeg_420.jpeg", 0, "trailing", 8), 0);
}

/* Extraneous bytes before a marker only make libjpeg warn: PIL shows such files, so do we. */
static void stray_bytes_are_let_be(void **state)
{
    (void)state;
    struct bytes b = golden_file("jpeg_444.jpeg");
    uint8_t *with = malloc(b.len + 4);
    memcpy(with, b.data, 2);
    memcpy(with + 2, b.data + 2, 18); // APP0 JFIF
    memset(with + 20, 0, 4);
    memcpy(with + 24, b.data + 20, b.len - 20);
    struct image img = {0};
    struct eye_err err = {0};
    assert_int_equal(b.data[20], 0xff);
    assert_int_equal(decode_exact(with, b.len + 4, NULL, &img, &err), 0);
    image_release(&img);
    free(with);
    free(b.data);
}

static void shrinks_on_load(void **state)
{
    (void)state;
    static const struct {
        int min_side, width, height;
    } cases[] = {{0, 641, 431},   {431, 641, 431}, {216, 641, 431}, {215, 321, 216},
                 {107, 161, 108}, {53, 81, 54},    {1, 81, 54}};
    struct bytes b = golden_file("large.jpeg");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image img;
        struct image_meta meta;
        struct eye_err err = {0};
        assert_int_equal(image_decode(b.data, b.len, NULL, cases[i].min_side, &img, &meta, &err),
                         0);
        assert_int_equal(img.width, cases[i].width);
        assert_int_equal(img.height, cases[i].height);
        assert_int_equal(meta.width, 641);
        assert_int_equal(meta.height, 431);
        image_release(&img);
    }
    free(b.data);
}

/* 600 scans of nothing: refused, not decoded for minutes. */
static void many_scans_are_refused(void **state)
{
    (void)state;
    struct bytes b = golden_file("jpeg_progressive.jpeg");
    size_t sos = 0, eoi = b.len - 2;
    for (size_t i = 2; i + 4 < b.len && !sos;
         i += 2u + ((size_t)b.data[i + 2] << 8 | b.data[i + 3]))
        if (b.data[i + 1] == 0xda)
            sos = i;
    assert_true(sos > 0);
    /* The first scan (DC of all components) again and again; libjpeg warns of the repetition
     * only. */
    size_t end = sos + 2;
    while (!(b.data[end] == 0xff && b.data[end + 1] != 0 && b.data[end + 1] < 0xd0))
        end++;
    size_t scan = end - sos, n = 0;
    uint8_t *many = malloc(b.len + 600 * scan);
    memcpy(many, b.data, end);
    n = end;
    for (int i = 0; i < 600; i++, n += scan)
        memcpy(many + n, b.data + sos, scan);
    memcpy(many + n, b.data + eoi, 2);
    struct image img = {0};
    struct eye_err err = {0};
    assert_int_equal(decode_exact(many, n + 2, NULL, &img, &err), EYE_ELIMIT);
    assert_non_null(strstr(err.msg, "scans"));
    free(many);
    free(b.data);
}

static void limits_hold(void **state)
{
    (void)state;
    check_limits("jpeg_420.jpeg");
    check_limits("jpeg_progressive.jpeg");
}

static void damage_is_survived(void **state)
{
    (void)state;
    check_mutated("jpeg_420.jpeg", 300);
    check_mutated("jpeg_progressive.jpeg", 300);
    check_mutated("jpeg_facts.jpeg", 300);
    check_mutated("jpeg_ycck.jpeg", 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_reference),       cmocka_unit_test(truncated_fails),
        cmocka_unit_test(missing_end_marker),     cmocka_unit_test(closed_after_cut),
        cmocka_unit_test(stray_bytes_are_let_be), cmocka_unit_test(shrinks_on_load),
        cmocka_unit_test(many_scans_are_refused), cmocka_unit_test(limits_hold),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
