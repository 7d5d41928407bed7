/* golden.h - reading tests/golden/pixels, and checks that each codec's test makes of its own
 * format. */
#ifndef TEST_IMAGE_GOLDEN_H
#define TEST_IMAGE_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/cpu.h"
#include "image/codec.h"

#define GOLDEN "tests/golden/pixels/"

struct bytes {
    uint8_t *data;
    size_t len;
};

static inline struct bytes golden_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, GOLDEN "%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    struct bytes b = {.data = malloc(1 << 20)};
    b.len = fread(b.data, 1, 1 << 20, f);
    fclose(f);
    assert_true(b.len > 0 && b.len < 1 << 20);
    return b;
}

/* Expected pixels: [height, width, 3], to free(). */
static inline uint8_t *golden_pixels(const char *name, int width, int height)
{
    char file[256];
    snprintf(file, sizeof file, "%s.z", name);
    struct bytes b = golden_file(file);
    uLongf n = (uLongf)width * (uLongf)height * 3;
    uLongf want = n;
    uint8_t *px = malloc(n);
    assert_int_equal(uncompress(px, &n, b.data, b.len), Z_OK);
    assert_int_equal(n, want);
    free(b.data);
    return px;
}

static inline int max_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
    int max = 0;
    for (size_t i = 0; i < n; i++) {
        int d = abs(a[i] - b[i]);
        max = d > max ? d : max;
    }
    return max;
}

static inline enum image_format format_named(const char *name)
{
    for (int f = IMAGE_UNKNOWN; f <= IMAGE_AVIF; f++)
        if (strcmp(image_format_name((enum image_format)f), name) == 0)
            return (enum image_format)f;
    return IMAGE_UNKNOWN;
}

/* Decode every golden picture of a format and compare. Returns how many there were. */
static inline int golden_check(enum image_format format)
{
    FILE *f = fopen(GOLDEN "decode.tsv", "r");
    char name[64], file[64], kind[16];
    int w, h, orientation, tolerance, n = 0;
    assert_non_null(f);
    while (fscanf(f, "%63s %63s %15s %d %d %d %d", name, file, kind, &w, &h, &orientation,
                  &tolerance) == 7) {
        if (format_named(kind) != format)
            continue;
        struct bytes b = golden_file(file);
        struct image img;
        struct image_meta meta;
        struct eye_err err = {0};
        if (image_decode(b.data, b.len, NULL, 0, &img, &meta, &err) != 0)
            fail_msg("%s: %s", file, err.msg);
        if (img.width != w || img.height != h)
            fail_msg("%s: %d x %d instead of %d x %d", file, img.width, img.height, w, h);
        assert_int_equal(meta.format, format);
        assert_int_equal(meta.width, w);
        assert_int_equal(meta.height, h);
        if (meta.orientation != orientation)
            fail_msg("%s: orientation %d", file, meta.orientation);
        uint8_t *want = golden_pixels(name, w, h);
        int d = max_difference(img.rgb, want, (size_t)w * (size_t)h * 3);
        if (getenv("GOLDEN_VERBOSE"))
            printf("%-24s max difference %d (allowed %d)\n", name, d, tolerance);
        if (d > tolerance)
            fail_msg("%s: pixels differ by up to %d, allowed %d", file, d, tolerance);
        free(want);
        free(b.data);
        image_release(&img);
        n++;
    }
    fclose(f);
    return n;
}

/* A copy on the heap of exactly `len` bytes, so that ASan sees a read past the end. */
static inline int decode_exact(const uint8_t *data, size_t len, const struct image_limits *limits,
                               struct image *img, struct eye_err *err)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    int rc = image_decode(copy, len, limits, 0, img, NULL, err);
    free(copy);
    return rc;
}

/* Every prefix at tenths of the file (or up to `whole` bytes of it) must be EYE_EFORMAT with a
 * sentence. */
static inline void check_truncated(const char *file, size_t whole)
{
    struct bytes b = golden_file(file);
    if (whole == 0)
        whole = b.len;
    for (size_t tenth = 0; tenth < 10; tenth++) {
        struct image img = {0};
        struct eye_err err = {0};
        int rc = decode_exact(b.data, whole * tenth / 10, NULL, &img, &err);
        if (rc != EYE_EFORMAT)
            fail_msg("%s cut at %zu tenths: %d (%s)", file, tenth, rc, err.msg);
        assert_true(strlen(err.msg) > 10);
        assert_null(img.rgb);
    }
    free(b.data);
}

/* Limits below the picture's size must be EYE_ELIMIT. */
static inline void check_limits(const char *file)
{
    struct bytes b = golden_file(file);
    struct image_limits small = image_limits_default, few = small, bytes = small;
    small.max_side = 10;
    few.max_pixels = 99;
    bytes.max_bytes = b.len - 1;
    struct image img = {0};
    struct eye_err err = {0};
    assert_int_equal(decode_exact(b.data, b.len, &small, &img, &err), EYE_ELIMIT);
    assert_int_equal(decode_exact(b.data, b.len, &few, &img, &err), EYE_ELIMIT);
    assert_int_equal(decode_exact(b.data, b.len, &bytes, &img, &err), EYE_ELIMIT);
    assert_null(img.rgb);
    free(b.data);
}

/* Flip bytes here and there, many times: a result or an error with a sentence, no crash (run it
 * under ASan). */
static inline void check_mutated(const char *file, int rounds)
{
    struct bytes b = golden_file(file);
    struct image_limits limits = image_limits_default;
    limits.max_pixels = 1 << 20; // keep mutated sizes cheap
    uint32_t seed = 12345;
    for (int i = 0; i < rounds; i++) {
        uint8_t *bad = malloc(b.len);
        memcpy(bad, b.data, b.len);
        for (int j = 0; j < 1 + i % 5; j++) {
            seed = seed * 1664525u + 1013904223u;
            size_t range = i % 2 ? b.len : (b.len < 200 ? b.len : 200);
            size_t at = (seed >> 8) % range;
            seed = seed * 1664525u + 1013904223u;
            unsigned byte = i % 3 ? seed >> 16 : bad[at] ^ 1u << (seed >> 29);
            bad[at] = (uint8_t)byte;
        }
        struct image img = {0};
        struct eye_err err = {0};
        int rc = decode_exact(bad, b.len, &limits, &img, &err);
        if (rc == 0)
            assert_non_null(img.rgb);
        else
            assert_true(rc == EYE_EFORMAT || rc == EYE_ELIMIT || rc == EYE_ENOMEM);
        if (rc != 0)
            assert_true(err.code == rc && strlen(err.msg) > 10);
        image_release(&img);
        free(bad);
    }
    free(b.data);
}

#endif
