/* crc32c.c against the examples of RFC 3720 (B.4) and against itself in pieces, on every level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc32c.h"

static void published_examples(void **state)
{
    (void)state;
    uint8_t bytes[32];
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
        crc32c_fn *crc = crc32c_kernel((enum cpu_level)level);
        assert_int_equal(crc(0, "", 0), 0);
        assert_int_equal(crc(0, "123456789", 9), 0xe3069283);
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(crc(0, bytes, sizeof bytes), 0x8a9136aa);
        memset(bytes, 0xff, sizeof bytes);
        assert_int_equal(crc(0, bytes, sizeof bytes), 0x62a8ab43);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)i;
        assert_int_equal(crc(0, bytes, sizeof bytes), 0x46dd794e);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(31 - i);
        assert_int_equal(crc(0, bytes, sizeof bytes), 0x113fdb5c);
    }
}

static void pieces_and_levels_agree(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; from + len <= sizeof bytes; len++) {
            uint32_t whole = crc32c_kernel(CPU_PORTABLE)(0, bytes + from, len);
            assert_int_equal(crc32c_kernel(cpu_level_max())(0, bytes + from, len), whole);
            assert_int_equal(
                crc32c(crc32c(0, bytes + from, len / 3), bytes + from + len / 3, len - len / 3),
                whole);
        }
    }
}

static void each_bit_counts(void **state)
{
    (void)state;
    uint8_t bytes[70] = {1, 2, 3};
    uint32_t before = crc32c(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(crc32c(0, bytes, sizeof bytes), before);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(pieces_and_levels_agree),
        cmocka_unit_test(each_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
