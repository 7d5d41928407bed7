/* Ids and keys of rows on a server: the same everywhere, and apart from each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/milvus_names.h"

static struct hash hash_of(const char *text)
{
    struct hash h;
    hash_bytes(text, strlen(text), &h);
    return h;
}

static void four_ids_of_a_picture(void **state)
{
    (void)state;
    struct hash h;
    for (int i = 0; i < HASH_LEN; i++)
        h.bytes[i] = (uint8_t)i;
    /* bytes 0-6, 7-13 ... without their last three bits: written out, for other machines hold rows under them */
    assert_int_equal(milvus_picture_id(&h, 0), INT64_C(0x00010203040506) >> 3);
    assert_int_equal(milvus_picture_id(&h, 1), INT64_C(0x0708090a0b0c0d) >> 3);
    assert_int_equal(milvus_picture_id(&h, 2), INT64_C(0x0e0f1011121314) >> 3);
    assert_int_equal(milvus_picture_id(&h, 3), INT64_C(0x15161718191a1b) >> 3);
}

static void ids_are_json_numbers_and_not_zero(void **state)
{
    (void)state;
    struct hash least = {{0}}, most;
    memset(most.bytes, 0xff, sizeof most.bytes);
    for (int i = 0; i < MILVUS_CANDIDATES; i++) {
        assert_int_equal(milvus_picture_id(&least, i), 1);
        assert_int_equal(milvus_picture_id(&most, i), (INT64_C(1) << 53) - 1);
    }
    int64_t root = milvus_root_id("/pics");
    assert_true(root > 0 && root < INT64_C(1) << 53);
    assert_int_equal(root, milvus_root_id("/pics"));
    assert_true(root != milvus_root_id("/pics/"));
}

static void keys_tell_what_they_are_of(void **state)
{
    (void)state;
    enum { N = 9 };
    char keys[N][MILVUS_KEY + 1];
    milvus_file_key(1, "a", keys[0]);
    milvus_file_key(1, "b", keys[1]);
    milvus_file_key(2, "a", keys[2]);
    milvus_file_key(12, "", keys[3]);
    milvus_file_key(1, "2", keys[4]);
    milvus_mount_key(1, "a", keys[5]);
    milvus_root_key(1, keys[6]);
    milvus_root_key(INT64_C(0x1fffffffffffff), keys[7]);
    milvus_file_key(1, "\xff\xfe", keys[8]);
    for (int i = 0; i < N; i++) {
        assert_int_equal(strlen(keys[i]), MILVUS_KEY);
        assert_int_equal(strspn(keys[i], "0123456789abcdef"), MILVUS_KEY);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(keys[i], keys[k]);
    }
    assert_string_equal(keys[6], "00000000000000000000000000000001");
    assert_string_equal(keys[7], "0000000000000000001fffffffffffff");
    char again[MILVUS_KEY + 1];
    milvus_file_key(1, "a", again);
    assert_string_equal(again, keys[0]);
    struct hash rel = hash_of("a"), all;
    char text[3 + HASH_LEN] = "f1", hex[HASH_HEX_LEN + 1];
    memcpy(text + 3, rel.bytes, HASH_LEN);
    hash_bytes(text, sizeof text, &all);
    hash_to_hex(&all, hex);
    assert_memory_equal(hex, again, MILVUS_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_ids_of_a_picture),
        cmocka_unit_test(ids_are_json_numbers_and_not_zero),
        cmocka_unit_test(keys_tell_what_they_are_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
