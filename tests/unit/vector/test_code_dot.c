/* code_dot*.c: whole numbers on every level, extremes included. */
#include "codes.h"

static void is_exact(void **state)
{
    (void)state;
    static int8_t row[2048 + 1];
    static int16_t q[2048 + 1];
    uint64_t seed = 41;
    for (size_t pdim = 64; pdim <= 2048; pdim += 64)
        for (int shape = 0; shape < 6; shape++) {
            int64_t sum = 0;
            for (size_t i = 1; i <= pdim; i++) { /* from 1: no alignment is asked for */
                int top =
                    (int)(INT32_MAX / 127 / pdim) < 32767 ? (int)(INT32_MAX / 127 / pdim) : 32767;
                int r = (int)(next_random(&seed) % 255) - 127;
                int x = (int)(next_random(&seed) % (2 * (uint64_t)top + 1)) - top;
                row[i] = (int8_t)(shape < 3 ? r : shape == 4 ? -127 : 127);
                q[i] = (int16_t)(shape < 4 ? x : shape == 5 ? -top : top);
                sum += row[i] * q[i];
            }
            for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++)
                assert_int_equal(code_dot_kernel((enum cpu_level)level)(row + 1, q + 1, pdim), sum);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
