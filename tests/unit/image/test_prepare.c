/* prepare.c against open_clip's image_transform_v2, at every kernel level. */
#include "golden.h"

static void read_prep(const char *mode, const char *filter, int fill, struct image_prep *prep)
{
    prep->mode = strcmp(mode, "longest") == 0  ? IMAGE_LONGEST
                 : strcmp(mode, "squash") == 0 ? IMAGE_SQUASH
                                               : IMAGE_SHORTEST;
    prep->filter = strcmp(filter, "bilinear") == 0 ? IMAGE_BILINEAR : IMAGE_BICUBIC;
    memset(prep->fill, fill, 3);
}

static void check_case(const char *name, const char *file, const struct image_prep *prep)
{
    struct bytes b = golden_file(file);
    struct image img, out;
    struct eye_err err = {0};
    assert_int_equal(image_decode(b.data, b.len, NULL, 0, &img, NULL, &err), 0);
    if (image_prepare(&img, img.width, img.height, prep, &out, &err) != 0)
        fail_msg("%s: %s", name, err.msg);
    assert_int_equal(out.width, prep->width);
    assert_int_equal(out.height, prep->height);
    uint8_t *want = golden_pixels(name, prep->width, prep->height);
    int d = max_difference(out.rgb, want, (size_t)prep->width * (size_t)prep->height * 3);
    int allowed = strstr(file, ".jpeg") ? 1 : 0; // the reference decodes with a newer libjpeg-turbo
    if (d > allowed)
        fail_msg("%s (%s): pixels differ by up to %d at level %s", name, file, d,
                 cpu_level_name(cpu_level()));
    free(want);
    free(b.data);
    image_release(&img);
    image_release(&out);
}

static void equals_open_clip(void **state)
{
    (void)state;
    char name[64], file[64], mode[16], filter[16];
    int w, h, fill, n = 0;
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
        assert_int_equal(cpu_level_force((enum cpu_level)level), level);
        FILE *f = fopen(GOLDEN "prepare.tsv", "r");
        assert_non_null(f);
        while (fscanf(f, "%63s %63s %15s %d %d %15s %d", name, file, mode, &w, &h, filter, &fill) ==
               7) {
            struct image_prep prep = {.width = w, .height = h};
            read_prep(mode, filter, fill, &prep);
            check_case(name, file, &prep);
            n++;
        }
        fclose(f);
    }
    cpu_level_force(cpu_level_max());
    assert_true(n >= 55);
}

static void decode_large(int min_side, struct image *img, struct image_meta *meta)
{
    struct bytes b = golden_file("large.jpeg");
    struct eye_err err = {0};
    assert_int_equal(image_decode(b.data, b.len, NULL, min_side, img, meta, &err), 0);
    assert_int_equal(meta->width, 641);
    assert_int_equal(meta->height, 431);
    free(b.data);
}

/* A picture shrunk on load keeps the full picture's geometry: close to the exact result, and
 * closer than when its own (rounded up) size is taken for the full one. */
static void shrunk_keeps_geometry(void **state)
{
    (void)state;
    struct image small, out;
    struct image_meta meta;
    struct image_prep prep = {.width = 64, .height = 64};
    struct eye_err err = {0};
    decode_large(128, &small, &meta);
    assert_int_equal(small.width, 321); // 1/2: 1/4 would have a short side of 107
    assert_int_equal(small.height, 216);
    assert_int_equal(image_prepare(&small, meta.width, meta.height, &prep, &out, &err), 0);
    uint8_t *want = golden_pixels("prep_large", 64, 64);
    double sum = 0;
    for (int i = 0; i < 64 * 64 * 3; i++)
        sum += (out.rgb[i] - want[i]) * (out.rgb[i] - want[i]);
    double mse = sum / (64 * 64 * 3);
    assert_true(mse < 1.0); // 48 dB
    image_release(&out);
    assert_int_equal(image_prepare(&small, small.width, small.height, &prep, &out, &err), 0);
    double other = 0;
    for (int i = 0; i < 64 * 64 * 3; i++)
        other += (out.rgb[i] - want[i]) * (out.rgb[i] - want[i]);
    assert_true(other / (64 * 64 * 3) > mse);
    free(want);
    image_release(&out);
    image_release(&small);
}

static void extreme_shapes(void **state)
{
    (void)state;
    struct eye_err err = {0};
    uint8_t *px = calloc(60000, 3);
    memset(px + 3 * 30000, 200, 3 * 30000);
    struct image line = {.width = 1, .height = 60000, .rgb = px}, out;
    struct image_prep prep = {.width = 224, .height = 224};
    assert_int_equal(image_prepare(&line, 1, 60000, &prep, &out, &err), 0);
    assert_int_equal(out.rgb[0], 0); // the middle of the line: black above, grey below
    assert_int_equal(out.rgb[224 * 224 * 3 - 1], 200);
    image_release(&out);
    prep.mode = IMAGE_LONGEST;
    memset(prep.fill, 7, 3);
    assert_int_equal(image_prepare(&line, 1, 60000, &prep, &out, &err), 0);
    assert_int_equal(out.rgb[0], 7);
    image_release(&out);
    prep.width = 5000;
    assert_int_equal(image_prepare(&line, 1, 60000, &prep, &out, &err), EYE_EINVAL);
    prep.width = 0;
    assert_int_equal(image_prepare(&line, 1, 60000, &prep, &out, &err), EYE_EINVAL);
    free(px);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_open_clip),
        cmocka_unit_test(shrunk_keeps_geometry),
        cmocka_unit_test(extreme_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
