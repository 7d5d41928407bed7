/* exif.c: facts from real blocks, dates, names, hostile blocks. */
#include "golden.h"

static struct image_meta meta_of(const char *file)
{
    struct bytes b = golden_file(file);
    struct image img;
    struct image_meta meta;
    struct eye_err err = {0};
    assert_int_equal(image_decode(b.data, b.len, NULL, 0, &img, &meta, &err), 0);
    image_release(&img);
    free(b.data);
    return meta;
}

/* 2019-07-14 18:30:15 +02:00; Sydney. JPEG through libexif, TIFF through libtiff. */
static void facts_are_read(void **state)
{
    (void)state;
    const char *files[] = {"jpeg_facts.jpeg", "tiff_facts.tiff"};
    for (int i = 0; i < 2; i++) {
        struct image_meta m = meta_of(files[i]);
        assert_int_equal(m.taken_at, 1563121815);
        assert_int_equal(strncmp(m.camera, "EYE Shine 3 ", 12), 0);
        assert_true(m.has_gps);
        assert_true(m.lat > -33.85834 && m.lat < -33.85833);
        assert_true(m.lon > 151.20999 && m.lon < 151.21001);
    }
}

static void absence_is_told(void **state)
{
    (void)state;
    struct image_meta m = meta_of("jpeg_444.jpeg");
    assert_int_equal(m.taken_at, INT64_MIN);
    assert_int_equal(m.orientation, 1);
    assert_string_equal(m.camera, "");
    assert_false(m.has_gps);
}

static void dates(void **state)
{
    (void)state;
    assert_int_equal(image_exif_time("1970:01:01 00:00:00", NULL), 0);
    assert_int_equal(image_exif_time("2000:02:29 12:00:00", NULL), 951825600);
    assert_int_equal(image_exif_time("2000:02:29 12:00:00", "-05:30"), 951825600 + 19800);
    assert_int_equal(image_exif_time("2000:02:29 12:00:00", "   :  "), 951825600);
    assert_int_equal(image_exif_time("1969:12:31 23:59:59", NULL), -1);
    assert_int_equal(image_exif_time("9999:12:31 23:59:59", NULL), 253402300799);
    assert_int_equal(image_exif_time("2024-05-06T07:08:09", NULL), 1714979289);
    const char *bad[] = {"",
                         "2001:02:29 00:00:00",
                         "1900:02:29 00:00:00",
                         "0000:00:00 00:00:00",
                         "2020:13:01 00:00:00",
                         "2020:01:01 24:00:00",
                         "2020:01:01 00:60:00",
                         "    :  :     :  :  ",
                         "2020:01:01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(image_exif_time(bad[i], NULL), INT64_MIN);
    assert_int_equal(image_exif_time(NULL, NULL), INT64_MIN);
}

static void check_camera(const char *make, const char *model, const char *want)
{
    char out[96];
    image_exif_camera(make, model, out, sizeof out);
    assert_string_equal(out, want);
}

static void cameras(void **state)
{
    (void)state;
    check_camera("NIKON CORPORATION", "NIKON D50", "NIKON CORPORATION NIKON D50");
    check_camera("Canon", "Canon EOS 5D", "Canon EOS 5D");
    check_camera("  FUJIFILM ", " X-T3  ", "FUJIFILM X-T3");
    check_camera(NULL, "X-T3", "X-T3");
    check_camera("Leica", NULL, "Leica");
    check_camera(NULL, NULL, "");
    check_camera("a\xff\x1b[31mb", "c", "a??[31mb c");
    char out[8];
    image_exif_camera("abc", "d\xc3\xa9\xc3\xa9", out, sizeof out);
    assert_string_equal(out, "abc d\xc3\xa9"); // cut at a character
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* An IFD with one orientation entry of the given type, count and value. */
static int orientation_of(unsigned type, unsigned count, unsigned value)
{
    uint8_t block[26] = "II*\0\x08";
    put16(block + 8, 1);
    put16(block + 10, 0x112);
    put16(block + 12, type);
    put16(block + 14, count);
    put16(block + 18, value);
    struct image_meta m = {.orientation = 1};
    image_exif_read(block, sizeof block, &m);
    return m.orientation;
}

static void orientations(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 8; i++)
        assert_int_equal(orientation_of(3, 1, i), i);
    assert_int_equal(orientation_of(3, 1, 0), 1);
    assert_int_equal(orientation_of(3, 1, 9), 1);
    assert_int_equal(orientation_of(3, 0, 6), 1);
    assert_int_equal(orientation_of(2, 1, 6), 1);
    assert_int_equal(orientation_of(5, 1, 0xffff), 1);
}

/* Every prefix, and thousands of flipped bytes, of a block: nothing but facts or silence (run it
 * under ASan). */
static void hostile_blocks(void **state)
{
    (void)state;
    struct bytes b = golden_file("jpeg_facts.jpeg");
    size_t at = 0;
    while (memcmp(b.data + at, "Exif\0\0", 6) != 0)
        at++;
    size_t n = ((size_t)b.data[at - 2] << 8 | b.data[at - 1]) - 2;
    struct image_meta m = {.orientation = 1, .taken_at = INT64_MIN};
    for (size_t len = 0; len <= n; len++) {
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, b.data + at, len);
        image_exif_read(copy, len, &m);
        free(copy);
    }
    assert_int_equal(m.taken_at, 1563121815);
    uint32_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        uint8_t *copy = malloc(n);
        memcpy(copy, b.data + at, n);
        for (int j = 0; j < 3; j++) {
            seed = seed * 1664525u + 1013904223u;
            copy[6 + (seed >> 8) % (n - 6)] = (uint8_t)(seed >> 24);
        }
        struct image_meta k = {.orientation = 1, .taken_at = INT64_MIN};
        image_exif_read(copy, n, &k);
        assert_in_range(k.orientation, 1, 8);
        assert_true(strlen(k.camera) < sizeof k.camera);
        assert_true(!k.has_gps || (k.lat >= -90 && k.lat <= 90 && k.lon >= -180 && k.lon <= 180));
        free(copy);
    }
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_read), cmocka_unit_test(absence_is_told),
        cmocka_unit_test(dates),          cmocka_unit_test(cameras),
        cmocka_unit_test(orientations),   cmocka_unit_test(hostile_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
