/* test_mix.c - the vector of several terms and what its scores mean, by hand-made unit vectors. */
#include "engine/fixture.h"

#include <math.h>

#include "engine/search.h"

static const struct clip_info info = {
    .dim = 2,
    .text_cal = {.midpoint = 0.25f, .scale = 0.02f, .floor = 0.2f, .measured = true},
    .image_cal = {.midpoint = 0.5f, .scale = 0.1f, .floor = 0.45f, .measured = true}};
static const float east[2] = {1, 0}, north[2] = {0, 1}, diagonal[2] = {0.6f, 0.8f};

static eye_term term(bool is_words, float weight)
{
    eye_term t = {EYE_QUERY_INIT, weight};
    if (is_words)
        t.query.words = "x";
    else
        t.query.like = 1;
    return t;
}

static void near(float a, double b)
{
    assert_true(fabs((double)a - b) < 1e-6);
}

static struct clip_calibration mix(const eye_term *t, size_t n, const float *a, const float *b,
                                   float v[2])
{
    struct clip_calibration cal;
    struct eye_err err;
    float u[4] = {a[0], a[1], b ? b[0] : 0, b ? b[1] : 0};
    assert_int_equal(eng_mix(t, n, u, 2, &info, v, &cal, &err), 0);
    return cal;
}

static void test_one_term_is_itself(void **state)
{
    (void)state;
    float v[2];
    for (int i = 0; i < 2; i++) {
        eye_term t = term(i == 0, 0.3f);
        struct clip_calibration cal = mix(&t, 1, diagonal, NULL, v);
        const struct clip_calibration *want = i == 0 ? &info.text_cal : &info.image_cal;
        assert_memory_equal(v, diagonal, sizeof v);
        assert_memory_equal(&cal.midpoint, &want->midpoint, sizeof(float));
        assert_memory_equal(&cal.scale, &want->scale, sizeof(float));
        assert_memory_equal(&cal.floor, &want->floor, sizeof(float));
    }
}

static void test_wanted_terms(void **state)
{
    (void)state;
    float v[2];
    const eye_term t[2] = {term(true, 3), term(false, 4)};
    struct clip_calibration cal = mix(t, 2, east, north, v); /* length 5 */
    near(v[0], 0.6);
    near(v[1], 0.8);
    near(cal.midpoint, (3 * 0.25 + 4 * 0.5) / 5);
    near(cal.floor, (3 * 0.2 + 4 * 0.45) / 5);
    near(cal.scale, (3 * 0.02 + 4 * 0.1) / 5);
    const eye_term same[2] = {term(true, 1), term(true, 2)};
    cal = mix(same, 2, diagonal, diagonal, v);
    near(v[0], 0.6);
    near(cal.midpoint, 0.25);
    near(cal.floor, 0.2);
    near(cal.scale, 0.02);
}

static void test_unwanted_terms(void **state)
{
    (void)state;
    float v[2];
    const eye_term t[2] = {term(true, 4), term(false, -3)};
    struct clip_calibration cal = mix(t, 2, east, north, v);
    near(v[0], 0.8);
    near(v[1], -0.6);
    near(cal.midpoint, (4 * 0.25 - 3 * 0.1) / 5); /* unrelated: 0.5 - 4 * 0.1 */
    near(cal.floor, (4 * 0.2 - 3 * 0.1) / 5);
    near(cal.scale, 4 * 0.02 / 5);
    const eye_term alone = term(true, -2);
    cal = mix(&alone, 1, east, NULL, v);
    near(v[0], -1);
    near(cal.midpoint, -0.17);
    near(cal.floor, -0.17);
    near(cal.scale, 0.02);
}

static void test_what_cancels_out(void **state)
{
    (void)state;
    float v[2];
    struct clip_calibration cal;
    struct eye_err err;
    const float same[4] = {0.6f, 0.8f, 0.6f, 0.8f}, nearly[4] = {0.6f, 0.8f, 0.5999f, 0.8001f};
    const eye_term t[2] = {term(true, 10), term(true, -10)};
    assert_int_equal(eng_mix(t, 2, same, 2, &info, v, &cal, &err), EYE_EINVAL);
    assert_int_equal(eng_mix(t, 2, nearly, 2, &info, v, &cal, &err), EYE_EINVAL);
    const eye_term less[2] = {term(true, 10), term(true, -9)};
    assert_int_equal(eng_mix(less, 2, same, 2, &info, v, &cal, &err), 0);
    near(v[0], 0.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_term_is_itself),
        cmocka_unit_test(test_wanted_terms),
        cmocka_unit_test(test_unwanted_terms),
        cmocka_unit_test(test_what_cancels_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
