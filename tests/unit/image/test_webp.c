/* webp.c: goldens, truncation, limits, damage. */
#include "golden.h"

static void equals_reference(void **state)
{
    (void)state;
    assert_true(golden_check(IMAGE_WEBP) >= 6);
}

static void truncated_fails(void **state)
{
    (void)state;
    check_truncated("webp_lossy.webp", 0);
    check_truncated("webp_animated.webp", 0);
}

static void limits_hold(void **state)
{
    (void)state;
    check_limits("webp_lossy.webp");
    check_limits("webp_animated.webp");
}

static void damage_is_survived(void **state)
{
    (void)state;
    check_mutated("webp_lossy.webp", 300);
    check_mutated("webp_animated.webp", 300);
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
