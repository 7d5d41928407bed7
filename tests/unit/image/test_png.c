/* png.c: goldens, truncation, limits, damage. */
#include "golden.h"

static void equals_reference(void **state)
{
    (void)state;
    assert_true(golden_check(IMAGE_PNG) >= 17);
}

static void truncated_fails(void **state)
{
    (void)state;
    check_truncated("png_rgb.png", 0);
    check_truncated("png_rgba.png", 0);
}

static void limits_hold(void **state)
{
    (void)state;
    check_limits("png_rgb.png");
    check_limits("png_rgba.png");
}

static void damage_is_survived(void **state)
{
    (void)state;
    check_mutated("png_rgb.png", 300);
    check_mutated("png_rgba.png", 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_reference),
        cmocka_unit_test(truncated_fails),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
