/* gif.c: goldens, truncation, limits, damage. */
#include "golden.h"

static void equals_reference(void **state)
{
    (void)state;
    assert_true(golden_check(IMAGE_GIF) >= 5);
}

static void truncated_fails(void **state)
{
    (void)state;
    check_truncated("gif_plain.gif", 0);
    check_truncated("gif_interlaced.gif", 0);
}

static void limits_hold(void **state)
{
    (void)state;
    check_limits("gif_plain.gif");
    check_limits("gif_interlaced.gif");
}

static void damage_is_survived(void **state)
{
    (void)state;
    check_mutated("gif_plain.gif", 300);
    check_mutated("gif_interlaced.gif", 300);
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
