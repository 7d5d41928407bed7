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

static void assert_decodes(const char *text, const void *want, size_t len)
{
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(base64_decode(text, strlen(text), &b, NULL), 0);
    assert_int_equal(b.len, len);
    if (len)
        assert_memory_equal(b.data, want, len);
    buf_release(&b);
}

static void test_decodes_what_it_encodes(void **state)
{
    (void)state;
    static const char *const text[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t i = 0; i < 7; i++)
        assert_decodes(text[i], "foobar", i);
    assert_decodes("//79APs=", "\xff\xfe\xfd\x00\xfb", 5);
}

static void test_refuses_what_is_not_base64(void **state)
{
    (void)state;
    /* cut off, foreign letters, padding in the middle or too much of it, bits left over */
    static const char *const bad[] = {"Z",        "Zg",   "Zg=",  "Zm9v\n",   "Zm 9", "Zm-_",
                                      "Zg==Zg==", "====", "Z===", "Zm9=Zm9v", "Zh==", "Zm9="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b;
        struct eye_err e = {0};
        buf_init(&b, 100);
        if (base64_decode(bad[i], strlen(bad[i]), &b, &e) != EYE_EFORMAT)
            fail_msg("%s was taken", bad[i]);
        buf_release(&b);
    }
    struct buf b;
    buf_init(&b, 5);
    assert_int_equal(base64_decode("Zm9vYmFy", 8, &b, NULL), EYE_ELIMIT);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_appends_within_the_maximum),
        cmocka_unit_test(test_decodes_what_it_encodes),
        cmocka_unit_test(test_refuses_what_is_not_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
