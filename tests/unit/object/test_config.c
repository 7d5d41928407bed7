/* Endpoint and login from the environment. */
#include "fake.h"

static const char *const names[] = {"AWS_ENDPOINT_URL_S3",
                                    "AWS_ENDPOINT_URL",
                                    "S3_ENDPOINT",
                                    "AWS_REGION",
                                    "AWS_DEFAULT_REGION",
                                    "AWS_ACCESS_KEY_ID",
                                    "AWS_SECRET_ACCESS_KEY",
                                    "AWS_SESSION_TOKEN",
                                    "AWS_ACCESS_KEY_ID_FILE",
                                    "AWS_SECRET_ACCESS_KEY_FILE",
                                    "AWS_SESSION_TOKEN_FILE",
                                    "AWS_CA_BUNDLE",
                                    "EYESHINE_S3_STYLE",
                                    "AWS_MAX_ATTEMPTS"};

static int clear(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

static void nothing(void **state)
{
    (void)state;
    struct object_config c;
    assert_int_equal(object_config_env(&c, NULL), 0);
    assert_null(c.endpoint);
    assert_null(c.key);
    assert_null(c.secret);
    object_config_release(&c);
}

static void by_name(void **state)
{
    (void)state;
    struct object_config c;
    setenv("S3_ENDPOINT", "http://third", 1);
    setenv("AWS_ENDPOINT_URL", "http://second", 1);
    setenv("AWS_DEFAULT_REGION", "r2", 1);
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    setenv("EYESHINE_S3_STYLE", "host", 1);
    assert_int_equal(object_config_env(&c, NULL), 0);
    assert_string_equal(c.endpoint, "http://second");
    assert_string_equal(c.region, "r2");
    assert_string_equal(c.key, "id");
    assert_string_equal(c.secret, "secret");
    assert_string_equal(c.token, "token");
    assert_int_equal(c.style, OBJECT_STYLE_HOST);
    object_config_release(&c);
    setenv("AWS_ENDPOINT_URL_S3", "http://first", 1);
    setenv("AWS_REGION", "r1", 1);
    setenv("EYESHINE_S3_STYLE", "PATH", 1);
    assert_int_equal(object_config_env(&c, NULL), 0);
    assert_string_equal(c.endpoint, "http://first");
    assert_string_equal(c.region, "r1");
    assert_int_equal(c.style, OBJECT_STYLE_PATH);
    object_config_release(&c);
}

static void in_files(void **state)
{
    (void)state;
    struct object_config c;
    struct eye_err err;
    char path[] = "/tmp/eyeshine-secret-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "from a file \n\n", 14), 14);
    setenv("AWS_SECRET_ACCESS_KEY", "from the environment", 1);
    setenv("AWS_SECRET_ACCESS_KEY_FILE", path, 1);
    assert_int_equal(object_config_env(&c, &err), EYE_EINVAL); /* a blank within */
    assert_null(strstr(err.msg, "from a file"));
    object_config_release(&c);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "s3cr/et+\r\n", 10, 0), 10);
    assert_int_equal(object_config_env(&c, &err), 0);
    assert_string_equal(c.secret, "s3cr/et+"); /* the file comes first */
    object_config_release(&c);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(object_config_env(&c, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "empty"));
    object_config_release(&c);
    close(fd);
    unlink(path);
    assert_int_equal(object_config_env(&c, &err), EYE_ENOTFOUND);
    assert_non_null(strstr(err.msg, "AWS_SECRET_ACCESS_KEY_FILE"));
    object_config_release(&c);
}

/* A line end in the token would begin a header of its own. */
static void refused(void **state)
{
    (void)state;
    struct object_config c;
    struct eye_err err;
    setenv("AWS_SESSION_TOKEN", "to\nken", 1);
    assert_int_equal(object_config_env(&c, &err), EYE_EINVAL);
    object_config_release(&c);
    unsetenv("AWS_SESSION_TOKEN");
    setenv("AWS_MAX_ATTEMPTS", "3", 1);
    assert_int_equal(object_config_env(&c, &err), 0);
    assert_int_equal(c.tries, 3);
    object_config_release(&c);
    setenv("AWS_MAX_ATTEMPTS", "many", 1);
    assert_int_equal(object_config_env(&c, &err), EYE_EINVAL);
    object_config_release(&c);
    unsetenv("AWS_MAX_ATTEMPTS");
    setenv("EYESHINE_S3_STYLE", "virtual", 1);
    assert_int_equal(object_config_env(&c, &err), EYE_EINVAL);
    object_config_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing, clear),
        cmocka_unit_test_setup(by_name, clear),
        cmocka_unit_test_setup(in_files, clear),
        cmocka_unit_test_setup(refused, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
