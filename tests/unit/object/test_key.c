/* Names of objects: the jail, URLs, encoding, times. */
#include "fake.h"

static void plain_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a",
                                       "a/b.jpg",
                                       "a b+c%d'\"&=.jpg",
                                       "%2e%2e/x",
                                       "...",
                                       "a/.hidden",
                                       "\xc3\xa4/\xe6\x97\xa5",
                                       "..a",
                                       "a..",
                                       "a\nb",
                                       "\\..\\x"};
    static const char *const bad[] = {"",      "/a",     "a/",       "a//b",  "..", "../a",
                                      "a/..",  "a/../b", "./a",      "a/.",   ".",  "/",
                                      "a/./b", "a/b/..", "\xff\xfe", "a/\xc3"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!object_name_is_plain(good[i]))
            fail_msg("'%s' was refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (object_name_is_plain(bad[i]))
            fail_msg("'%s' was let in", bad[i]);
    char lengthy[OBJECT_KEY_MAX + 2];
    memset(lengthy, 'a', sizeof lengthy);
    lengthy[OBJECT_KEY_MAX] = '\0';
    assert_true(object_name_is_plain(lengthy));
    lengthy[OBJECT_KEY_MAX] = 'a';
    lengthy[OBJECT_KEY_MAX + 1] = '\0';
    assert_false(object_name_is_plain(lengthy));
}

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *bucket, *prefix;
    } good[] = {
        {"s3://bkt", "bkt", ""},
        {"s3://bkt/", "bkt", ""},
        {"s3://my.bucket-1/a/b c", "my.bucket-1", "a/b c"},
        {"s3://bkt/a/", "bkt", "a"},
        {"s3://bkt/%2e%2e/?x#y", "bkt", "%2e%2e/?x#y"},
    };
    static const char *const bad[] = {"s3://",      "s3:///a",     "s3://b/../c",  "s3://b//c",
                                      "s3://b/c//", "s3://../c",   "s3://b ucket", "s3://a..b/c",
                                      "s3://u@b/c", "s3://b:80/c", "http://b/c",   "/a/b",
                                      "s3:/b/c",    "s3://b/.",    "s3://b?x/c",   "s3://b%2f/c"};
    struct eye_err err;
    char *bucket, *prefix;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(object_url_parse(good[i].url, &bucket, &prefix, &err), 0);
        assert_string_equal(bucket, good[i].bucket);
        assert_string_equal(prefix, good[i].prefix);
        free(bucket);
        free(prefix);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (object_url_parse(bad[i], &bucket, &prefix, &err) != EYE_EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_null(bucket);
    }
}

static void encoding(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_int_equal(object_encode(&b, "a b+c%/\xc3\xa4~-._'", true, NULL), 0);
    assert_string_equal(b.data, "a%20b%2Bc%25/%C3%A4~-._%27");
    buf_clear(&b);
    assert_int_equal(object_encode(&b, "a/b=", false, NULL), 0);
    assert_string_equal(b.data, "a%2Fb%3D");
    buf_release(&b);
    char text[] = "a+b%2Bc%2f%C3%A4";
    assert_true(object_decode(text));
    assert_string_equal(text, "a b+c/\xc3\xa4");
    static const char *const bad[] = {"%", "%4", "a%zz", "%00", "x%0", "%%41"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char copy[16];
        snprintf(copy, sizeof copy, "%s", bad[i]);
        assert_false(object_decode(copy));
    }
}

static void times(void **state)
{
    (void)state;
    assert_int_equal(object_time("1970-01-01T00:00:01.000Z"), 1);
    assert_int_equal(object_time("2009-10-12T17:50:30Z"), 1255369830);
    assert_int_equal(object_time("2009-10-12T17:50:30.123456Z"), 1255369830);
    static const char *const bad[] = {"",
                                      "2009-10-12",
                                      "2009-10-12 17:50:30Z",
                                      "2009-13-12T17:50:30Z",
                                      "2009-10-12T17:50:30",
                                      "2009-10-12T17:50:30.00+01:00",
                                      "xxxx-10-12T17:50:30Z",
                                      "1969-10-12T17:50:30Z",
                                      "2009-10-12T17:50:30ZZ"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(object_time(bad[i]), INT64_MIN);
    /* The same however it is written, another for another ETag, and the second stays. */
    int64_t a = object_stamp(7, "\"abc\"", 5), b = object_stamp(7, "abc", 3),
            c = object_stamp(7, "W/\"abc\"", 7);
    assert_int_equal(a, b);
    assert_int_equal(a, c);
    assert_int_not_equal(a, object_stamp(7, "abd", 3));
    assert_int_equal(a / 1000000000, 7);
    assert_int_equal(object_stamp(7, "", 0), 7000000000);
    assert_int_equal(object_stamp(INT64_MAX, "", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names),
        cmocka_unit_test(urls),
        cmocka_unit_test(encoding),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
