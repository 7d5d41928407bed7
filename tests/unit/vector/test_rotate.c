/* rotate.c: a rotation, the same one everywhere, that leaves nothing where it was. */
#include "codes.h"

#include "base/hash.h"

static void keeps_dot_products(void **state)
{
    (void)state;
    static float x[2048], y[2048], px[2048], py[2048];
    uint64_t seed = 1;
    for (int dim = CODE_DIM_MIN; dim <= CODE_DIM_MAX; dim += dim < 300 ? 7 : 61) {
        struct rotation *r = rotation_new(dim, 5, NULL);
        assert_non_null(r);
        assert_int_equal(rotation_dims(r), (dim + 63) / 64 * 64);
        for (int i = 0; i < 5; i++) {
            random_unit(&seed, x, (size_t)dim);
            random_unit(&seed, y, (size_t)dim);
            rotation_apply(r, x, px);
            rotation_apply(r, y, py);
            size_t pdim = rotation_dims(r);
            assert_true(fabs(float_dot(px, py, pdim) - float_dot(x, y, (size_t)dim)) < 2e-6);
            assert_true(fabs(float_dot(px, px, pdim) - 1) < 2e-6);
        }
        rotation_free(r);
    }
}

/* What is concentrated in one or two numbers, or in all of them alike, comes out even. */
static void mixes_everything(void **state)
{
    (void)state;
    static float x[2048], px[2048];
    for (size_t d = 0; d < CODE_DIMS; d++) {
        size_t dim = (size_t)code_dims[d];
        struct rotation *r = rotation_new((int)dim, 77 + d, NULL);
        size_t pdim = rotation_dims(r);
        for (size_t hot = 0; hot <= dim; hot += hot + 37 < dim ? 37 : 1) {
            memset(x, 0, sizeof x);
            if (hot == dim) { /* the last case: all alike */
                for (size_t i = 0; i < dim; i++)
                    x[i] = 1 / sqrtf((float)dim);
            } else {
                x[hot] = 0.8f;
                x[(hot * 5 + 1) % dim] = hot == (hot * 5 + 1) % dim ? 1.0f : 0.6f;
            }
            rotation_apply(r, x, px);
            double rms = 1 / sqrt((double)pdim), fourth = 0;
            for (size_t i = 0; i < pdim; i++) {
                assert_true(fabs((double)px[i]) < 7 * rms);
                fourth += pow((double)px[i] / rms, 4);
            }
            assert_true(fourth / (double)pdim < 6);    /* 3: normal */
            for (size_t at = 0; at < pdim; at += 64) { /* no part is left out, none has it all */
                double part = float_dot(px + at, px + at, 64) * (double)pdim / 64;
                assert_true(part > 0.2 && part < 3);
            }
        }
        rotation_free(r);
    }
}

static void same_bits_on_every_level(void **state)
{
    (void)state;
    static float x[2048], first[2048], px[2048];
    uint64_t seed = 3;
    for (int dim = 64; dim <= CODE_DIM_MAX; dim += 53) {
        struct rotation *r = rotation_new(dim, (uint64_t)dim, NULL);
        random_unit(&seed, x, (size_t)dim);
        for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
            cpu_level_force((enum cpu_level)level);
            rotation_apply(r, x, level ? px : first);
            if (level)
                same_bits(px, first, rotation_dims(r) * sizeof *px);
        }
        rotation_free(r);
    }
    cpu_level_force(cpu_level_max());
}

/* Segments on disk depend on these bits: a change here is a new layout of segments. */
static void is_the_one_segments_were_written_with(void **state)
{
    (void)state;
    static const struct {
        int dim;
        const char *hash;
    } known[] = {{64, "5ed2dc62c901af33a7e505f49c658cc3940278985e0e4dfae6388b81a9c71a10"},
                 {512, "922f6e2d1b108a1262dc3d96565bd3d4ec625aa205d9236dd144c2ddd60d21bf"},
                 {768, "57dea28d944eea768d4db483b4cc5ba1136e60d41db3ddefaa3e2a37229e2ba3"},
                 {1000, "f69bc2cf3ec8ba5b3df11fca659798ae4ac1d2dbcaf456c01ece4dc0c42d6a23"}};
    static float x[2048], px[2048];
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        struct rotation *r = rotation_new(known[k].dim, 0x1234567890abcdefu, NULL);
        struct hash hash;
        char hex[HASH_HEX_LEN + 1];
        for (int i = 0; i < known[k].dim; i++)
            x[i] = (float)(i * 37 % 101 - 50) / 64;
        rotation_apply(r, x, px);
        hash_bytes(px, rotation_dims(r) * sizeof *px, &hash);
        hash_to_hex(&hash, hex);
        assert_string_equal(hex, known[k].hash);
        rotation_free(r);
    }
}

static void seeds_differ_and_sizes_are_checked(void **state)
{
    (void)state;
    struct eye_err err;
    float x[64] = {1}, a[64], b[64];
    struct rotation *r = rotation_new(64, 1, NULL), *s = rotation_new(64, 2, NULL);
    rotation_apply(r, x, a);
    rotation_apply(s, x, b);
    assert_memory_not_equal(a, b, sizeof a);
    rotation_free(r);
    rotation_free(s);
    assert_null(rotation_new(63, 1, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_null(rotation_new(2049, 1, &err));
    assert_non_null(strstr(err.msg, "2049"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_dot_products),
        cmocka_unit_test(mixes_everything),
        cmocka_unit_test(same_bits_on_every_level),
        cmocka_unit_test(is_the_one_segments_were_written_with),
        cmocka_unit_test(seeds_differ_and_sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
