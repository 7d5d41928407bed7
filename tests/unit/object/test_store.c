/* Where requests go. */
#include "fake.h"

static void check_base(const char *endpoint, const char *region, const char *bucket,
                       enum object_style style, const char *base)
{
    struct eye_err err = {0};
    struct object_config c = {.endpoint = (char *)(uintptr_t)endpoint,
                              .region = (char *)(uintptr_t)region,
                              .style = style};
    struct object_store *s = object_open(bucket, &c, &err);
    if (!base) {
        assert_null(s);
        assert_int_equal(err.code, EYE_EINVAL);
        return;
    }
    if (!s)
        fail_msg("%s", err.msg);
    assert_string_equal(s->base, base);
    assert_null(s->sign);
    object_close(s);
}

static void addresses(void **state)
{
    (void)state;
    check_base(NULL, NULL, "bkt", OBJECT_STYLE_AUTO, "https://bkt.s3.us-east-1.amazonaws.com");
    check_base(NULL, "eu-west-3", "bkt", OBJECT_STYLE_AUTO,
               "https://bkt.s3.eu-west-3.amazonaws.com");
    check_base(NULL, NULL, "my.bkt", OBJECT_STYLE_AUTO,
               "https://s3.us-east-1.amazonaws.com/my.bkt");
    check_base(NULL, NULL, "bkt", OBJECT_STYLE_PATH, "https://s3.us-east-1.amazonaws.com/bkt");
    check_base("http://minio:9000", NULL, "bkt", OBJECT_STYLE_AUTO, "http://minio:9000/bkt");
    check_base("http://minio:9000/", NULL, "bkt", OBJECT_STYLE_AUTO, "http://minio:9000/bkt");
    check_base("https://[::1]:9/deep/", NULL, "bkt", OBJECT_STYLE_AUTO, "https://[::1]:9/deep/bkt");
    check_base("https://host", NULL, "bkt", OBJECT_STYLE_HOST, "https://bkt.host");
    check_base("ftp://host", NULL, "bkt", OBJECT_STYLE_AUTO, NULL);
    check_base("host:9000", NULL, "bkt", OBJECT_STYLE_AUTO, NULL);
    check_base("http://user:password@host", NULL, "bkt", OBJECT_STYLE_AUTO, NULL);
    check_base("http://host/?a=b", NULL, "bkt", OBJECT_STYLE_AUTO, NULL);
    check_base(NULL, "eu/../x", "bkt", OBJECT_STYLE_AUTO, NULL);
    check_base(NULL, "", "bkt", OBJECT_STYLE_AUTO, NULL);
}

static void half_a_login(void **state)
{
    (void)state;
    struct eye_err err;
    struct object_config c = {.key = (char *)(uintptr_t) "id"};
    assert_null(object_open("bkt", &c, &err));
    assert_non_null(strstr(err.msg, "AWS_SECRET_ACCESS_KEY"));
    struct object_config d = {.secret = (char *)(uintptr_t) "topsecret"};
    assert_null(object_open("bkt", &d, &err));
    assert_non_null(strstr(err.msg, "AWS_ACCESS_KEY_ID"));
    assert_null(strstr(err.msg, "topsecret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(half_a_login)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
