/* test_thumb.c - thumbnails: their size and what they show, made here and in workers; what a worker may not hand back. */
#include "golden.h"

#include <fcntl.h>
#include <jpeglib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/decoder_internal.h"

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

/* A 24-bit BMP; every pixel has the colour. */
static struct bytes make_bmp(int width, int height, const char rgb[3])
{
    size_t row = ((size_t)width * 3 + 3) / 4 * 4, size = 54 + row * (size_t)height;
    uint8_t *d = calloc(size, 1);
    assert_non_null(d);
    memcpy(d, "BM", 2);
    d[10] = 54, d[14] = 40, d[26] = 1, d[28] = 24;
    for (int i = 0; i < 2; i++) {
        d[18 + i] = (uint8_t)(width >> 8 * i);
        d[22 + i] = (uint8_t)(height >> 8 * i);
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                d[54 + (size_t)y * row + (size_t)x * 3 + (size_t)c] = (uint8_t)rgb[2 - c];
    return (struct bytes){d, size};
}

/* Red grows to the right, green downwards. */
static struct bytes make_jpeg(int width, int height)
{
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long size = 0;
    uint8_t *row = malloc((size_t)width * 3);
    assert_non_null(row);
    j.err = jpeg_std_error(&errors);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &out, &size);
    j.image_width = (JDIMENSION)width;
    j.image_height = (JDIMENSION)height;
    j.input_components = 3;
    j.in_color_space = JCS_RGB;
    jpeg_set_defaults(&j);
    jpeg_set_quality(&j, 90, TRUE);
    jpeg_start_compress(&j, TRUE);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            row[3 * x] = (uint8_t)(255 * x / width);
            row[3 * x + 1] = (uint8_t)(255 * y / height);
            row[3 * x + 2] = 0;
        }
        jpeg_write_scanlines(&j, &row, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    free(row);
    return (struct bytes){out, size};
}

static struct decoder_pool *open_pool(decoder_thumb_job *job)
{
    struct eye_err err = {0, ""};
    struct decoder_pool *pool = decoder_open_jobs(decoder_job_picture, job, 1, NULL, &err);
    if (!pool)
        fail_msg("%s", err.msg);
    return pool;
}

/* The thumbnail's pixels. */
static struct image thumbnail(struct decoder_pool *pool, const struct bytes *file, int side,
                              struct image_meta *meta)
{
    struct eye_err err = {0, ""};
    struct image out = {0, 0, NULL};
    struct buf webp;
    buf_init(&webp, 1 << 24);
    int fd = file_of(file->data, file->len);
    if (decoder_thumbnail(pool, fd, side, &webp, meta, &err) != 0 ||
        image_decode((const uint8_t *)webp.data, webp.len, NULL, 0, &out, NULL, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(image_sniff((const uint8_t *)webp.data, webp.len), IMAGE_WEBP);
    assert_true(wire_webp_ok((const uint8_t *)webp.data, webp.len, side));
    assert_false(wire_webp_ok((const uint8_t *)webp.data, webp.len - 1, side));
    close(fd);
    buf_release(&webp);
    return out;
}

static void assert_near(const uint8_t *px, int r, int g, int b, int tolerance)
{
    if (abs(px[0] - r) > tolerance || abs(px[1] - g) > tolerance || abs(px[2] - b) > tolerance)
        fail_msg("%d %d %d instead of %d %d %d", px[0], px[1], px[2], r, g, b);
}

static void test_sizes(void **state)
{
    static const int cases[][5] = {/* width, height, side -> width, height */
                                   {300, 100, 64, 64, 21}, {100, 300, 64, 21, 64},
                                   {64, 64, 64, 64, 64},   {40, 27, 256, 40, 27},
                                   {1, 1, 64, 1, 1},       {3000, 1, 64, 64, 1},
                                   {1, 3000, 128, 1, 128}, {65, 64, 64, 64, 63}};
    struct decoder_pool *pool = open_pool(decoder_job_thumbnail);
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int *c = cases[i];
        struct bytes bmp = make_bmp(c[0], c[1], "\xf0\x80\x10");
        struct image_meta meta;
        struct image img = thumbnail(pool, &bmp, c[2], &meta);
        assert_int_equal(img.width, c[3]);
        assert_int_equal(img.height, c[4]);
        assert_int_equal(meta.width, c[0]);
        assert_int_equal(meta.height, c[1]);
        assert_near(img.rgb, 0xf0, 0x80, 0x10, 6);
        image_release(&img);
        free(bmp.data);
    }
    decoder_close(pool);
}

static void test_jpeg_that_was_shrunk_on_load(void **state)
{
    struct decoder_pool *pool = open_pool(decoder_job_thumbnail);
    struct bytes jpeg = make_jpeg(1501, 1001);
    struct image_meta meta;
    (void)state;
    for (int side = 64; side <= 1024; side *= 4) {
        struct image img = thumbnail(pool, &jpeg, side, &meta);
        assert_int_equal(img.width, side);
        assert_int_equal(img.height, (int)((side * 1001 + 750) / 1501));
        for (int y = 0; y < img.height; y += img.height / 8)
            for (int x = 0; x < img.width; x += img.width / 8)
                assert_near(img.rgb + ((size_t)y * (size_t)img.width + (size_t)x) * 3,
                            255 * (2 * x + 1) / (2 * img.width),
                            255 * (2 * y + 1) / (2 * img.height), 0, 14);
        image_release(&img);
    }
    assert_int_equal(meta.width, 1501);
    assert_int_equal(meta.format, IMAGE_JPEG);
    free(jpeg.data);
    decoder_close(pool);
}

/* Mean difference from the decoded picture: of all formats, turned upright, alpha over white. */
static void compare_with_decoded(struct decoder_pool *pool, const char *name)
{
    struct bytes file = golden_file(name);
    struct image full = {0, 0, NULL};
    struct image_meta meta;
    long sum = 0;
    assert_int_equal(image_decode(file.data, file.len, NULL, 0, &full, NULL, NULL), 0);
    struct image img = thumbnail(pool, &file, 256, &meta);
    assert_int_equal(img.width, full.width);
    assert_int_equal(img.height, full.height);
    size_t n = (size_t)img.width * (size_t)img.height * 3;
    for (size_t i = 0; i < n; i++)
        sum += abs(img.rgb[i] - full.rgb[i]);
    if (sum > 20 * (long)n)
        fail_msg("%s: on average %ld levels off", name, sum / (long)n);
    image_release(&img);
    image_release(&full);
    free(file.data);
}

static void test_formats_orientation_alpha(void **state)
{
    static const char *const names[] = {"jpeg_exif6.jpeg", "jpeg_exif3.jpeg",    "jpeg_cmyk.jpeg",
                                        "heic_exif6.heic", "avif_alpha.avif",    "bmp_v5_alpha.bmp",
                                        "gif_partial.gif", "gif_transparent.gif"};
    struct decoder_pool *pool = open_pool(decoder_job_thumbnail);
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        compare_with_decoded(pool, names[i]);
    decoder_close(pool);
}

static void test_what_is_refused(void **state)
{
    struct decoder_pool *pool = open_pool(decoder_job_thumbnail);
    struct bytes bmp = make_bmp(64, 64, "abc");
    int fd = file_of(bmp.data, bmp.len), cut = file_of(bmp.data, 700), text = file_of("hi", 2);
    struct eye_err err;
    struct buf webp, small;
    (void)state;
    buf_init(&webp, 1 << 20);
    buf_init(&small, 20);
    assert_int_equal(decoder_thumbnail(pool, fd, 0, &webp, NULL, &err), EYE_EINVAL);
    assert_int_equal(decoder_thumbnail(pool, fd, 2049, &webp, NULL, &err), EYE_EINVAL);
    assert_int_equal(decoder_thumbnail(pool, cut, 64, &webp, NULL, &err), EYE_EFORMAT);
    assert_int_equal(decoder_thumbnail(pool, text, 64, &webp, NULL, &err), EYE_EFORMAT);
    assert_int_equal(decoder_thumbnail(pool, fd, 64, &small, NULL, &err), EYE_ELIMIT);
    assert_int_equal(webp.len, 0);
    assert_int_equal(buf_puts(&webp, "before", &err), 0);
    assert_int_equal(decoder_thumbnail(pool, fd, 64, &webp, NULL, &err), 0);
    assert_memory_equal(webp.data, "beforeRIFF", 10);
    buf_release(&webp);
    buf_release(&small);
    free(bmp.data);
    close(fd), close(cut), close(text);
    decoder_close(pool);
}

/* Noise is the largest a thumbnail can be; it must stay below what the program accepts. */
static void test_noise_fits(void **state)
{
    struct decoder_pool *pool = open_pool(decoder_job_thumbnail);
    uint32_t seed = 1;
    (void)state;
    for (int side = 1; side <= 512; side *= 8) {
        struct bytes bmp = make_bmp(side, side, "abc");
        struct image_meta meta;
        for (size_t i = 54; i < bmp.len; i++)
            bmp.data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        struct image img = thumbnail(pool, &bmp, side, &meta);
        assert_int_equal(img.width, side);
        image_release(&img);
        free(bmp.data);
    }
    decoder_close(pool);
}

/* ---- a worker that a file has taken over ---- */

/* The file's first byte says how it misbehaves. */
static int lying_job(int fd, uint64_t size, const struct image_limits *limits, int side,
                     struct buf *webp, struct image_meta *meta, struct eye_err *err)
{
    char kind = 0;
    if (pread(fd, &kind, 1, 0) == 1 && kind == 'B')
        return decoder_job_thumbnail(fd, size, limits, side, webp, meta, err);
    struct bytes bmp = make_bmp(kind == 'w' ? 100 : 8, 8, "abc");
    int code = image_thumbnail(bmp.data, bmp.len, limits, 100, webp, meta, err);
    free(bmp.data);
    if (kind == 'C')
        abort();
    if (kind == 'H')
        memcpy(webp->data, "<html>", 6);
    if (kind == 'A')
        buf_puts(webp, "<script>", err);
    if (kind == 'E')
        webp->len = 0;
    if (kind == 'L')
        webp->len = (size_t)1 << 31;
    if (kind == 'S')
        webp->len = 29;
    if (kind == 'm')
        meta->width = -5;
    if (kind == 'F')
        webp->data[20] |= 1; /* not a key frame */
    return code;
}

static void test_lies_are_found(void **state)
{
    struct decoder_pool *pool = open_pool(lying_job);
    struct bytes bmp = make_bmp(9, 9, "abc");
    int good = file_of(bmp.data, bmp.len);
    struct eye_err err;
    struct buf webp;
    (void)state;
    buf_init(&webp, 1 << 20);
    for (const char *kind = "CHAELSmFw"; *kind; kind++) {
        int bad = file_of(kind, 1);
        if (decoder_thumbnail(pool, bad, 64, &webp, NULL, &err) != EYE_EREMOTE || webp.len != 0)
            fail_msg("lie %c is believed", *kind);
        close(bad);
        if (decoder_thumbnail(pool, good, 64, &webp, NULL, &err) != 0) /* it cost one call */
            fail_msg("after %c: %s", *kind, err.msg);
        buf_clear(&webp);
    }
    buf_release(&webp);
    free(bmp.data);
    close(good);
    decoder_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_jpeg_that_was_shrunk_on_load),
        cmocka_unit_test(test_formats_orientation_alpha),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_noise_fits),
        cmocka_unit_test(test_lies_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
