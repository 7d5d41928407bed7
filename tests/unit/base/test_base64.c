/* test_base64.c - the vectors of RFC 4648, section 10, and bytes that are not text. */
#include "scratch.h"

#include "base/base64.h"

static void assert_encodes(const void *data, size_t len, const char *want)
{
    struct buf b;
    buf_init(&b, 1000);
    assert_int_equal(base64_encode(data, len, &b, NULL), 0);
    assert_string_equal(b.data ? b.data : "", want);
    assert_int_equal(b.len, strlen(want));
    buf_release(&b);
}

static void test_vectors(void **state)
{
    (void)state;
    static const char *const want[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t i = 0; i < 7; i++)
        assert_encodes("foobar", i, want[i]);
    assert_encodes("\xff\xfe\xfd\x00\xfb", 5, "//79APs=");
}

static void test_appends_within_the_maximum(void **state)
{
    (void)state;
    struct buf b;
    struct eye_err e;
    buf_init(&b, 9);
    assert_int_equal(buf_putc(&b, ':', NULL), 0);
    assert_int_equal(base64_encode("foobar", 6, &b, &e), 0);
    assert_string_equal(b.data, ":Zm9vYmFy");
    assert_int_equal(base64_encode("f", 1, &b, &e), EYE_ELIMIT);
    assert_string_equal(b.data, ":Zm9vYmFy");
    assert_int_equal(base64_encode("f", SIZE_MAX, &b, &e), EYE_ELIMIT);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_appends_within_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
