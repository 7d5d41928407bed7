/* bmp.c: goldens, truncation, limits, damage. */
#include "golden.h"

static void equals_reference(void **state)
{
    (void)state;
    assert_true(golden_check(IMAGE_BMP) >= 13);
}

static void truncated_fails(void **state)
{
    (void)state;
    check_truncated("bmp_rgb.bmp", 0);
    check_truncated("bmp_rle8.bmp", 0);
}

static void limits_hold(void **state)
{
    (void)state;
    check_limits("bmp_rgb.bmp");
    check_limits("bmp_rle8.bmp");
}

static void damage_is_survived(void **state)
{
    (void)state;
    check_mutated("bmp_rgb.bmp", 300);
    check_mutated("bmp_rle8.bmp", 300);
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
