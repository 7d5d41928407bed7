/* test_half.c - every fp16 number there and back, and rounding as tensor/ does it. */
#include "engine/fixture.h"

static void test_all_halves_survive(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        uint16_t in = (uint16_t)h, out;
        float x;
        half_to_floats(&in, &x, 1);
        if (isnan(x))
            continue;
        assert_true(x == f16_to_f32(in));
        half_from_floats(&x, &out, 1);
        assert_int_equal(out, in);
    }
}

static void test_rounding_is_the_towers(void **state)
{
    (void)state;
    for (uint32_t u = 0; u < 0xff800000u; u += 9973) {
        float x;
        uint16_t h;
        memcpy(&x, &u, sizeof x);
        if (isnan(x))
            continue;
        half_from_floats(&x, &h, 1);
        if (h != f32_to_f16(x))
            print_message("%08x: %04x, not %04x\n", u, h, f32_to_f16(x));
        assert_int_equal(h, f32_to_f16(x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_halves_survive),
        cmocka_unit_test(test_rounding_is_the_towers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
