/* Who we are to a server: right, wrong and missing logins, over TLS where the server has it; and no password in any message. */
#include "live.h"

#include <unistd.h>

static struct eye_err err;

static bool checked(void)
{
    return getenv("EYESHINE_TEST_STORE_AUTH") != NULL;
}

/* milvus://LOGIN@127.0.0.1:PORT/demo */
static int ask(const char *login)
{
    const char *base = getenv("EYESHINE_TEST_STORE"), *host = NULL;
    struct milvus_options options = {.patience_ms = 1000};
    char url[256];
    assert_non_null(base);
    host = strstr(base, "://") + 3;
    snprintf(url, sizeof(url), "%.*s%s%s%s/demo", (int)(host - base), base, login,
             *login ? "@" : "", host);
    struct milvus *m = milvus_open(url, &options, &err);
    if (!m)
        return err.code;
    bool there = true;
    int rc = milvus_has(m, MILVUS_PICTURES, &there, &err);
    milvus_close(m);
    if (rc)
        print_message("%s\n", err.msg);
    return rc;
}

static void lets_the_right_one_in(void **state)
{
    (void)state;
    assert_int_equal(ask("root:Milvus"), 0);
    setenv("EYESHINE_STORE_USER", "root", 1);
    setenv("EYESHINE_STORE_PASSWORD", "Milvus", 1);
    assert_int_equal(ask(""), 0);
    unsetenv("EYESHINE_STORE_USER");
    unsetenv("EYESHINE_STORE_PASSWORD");
    setenv("EYESHINE_STORE_TOKEN", "root:Milvus", 1);
    assert_int_equal(ask(""), 0);
    unsetenv("EYESHINE_STORE_TOKEN");
}

static void keeps_others_out(void **state)
{
    static const char *const wrong[] = {"", "root:s3cr3tly", "nobody:s3cr3tly"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int rc = ask(wrong[i]);
        assert_int_equal(rc, checked() ? EYE_EINVAL : 0);
        if (rc) {
            assert_non_null(strstr(err.msg, "refuses the login"));
            assert_null(strstr(err.msg, "s3cr3tly"));
            assert_null(strstr(err.msg, "czNjcjN0bHk")); /* in base64 */
        }
    }
}

static void trusts_no_stranger(void **state)
{
    (void)state;
    const char *ca = getenv("EYESHINE_STORE_CA");
    if (!ca)
        skip();
    char *keep = strdup(ca);
    unsetenv("EYESHINE_STORE_CA");
    assert_int_equal(ask("root:Milvus"), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "certificate is not trusted"));
    setenv("EYESHINE_STORE_CA", "/dev/null", 1);
    assert_int_equal(ask("root:Milvus"), EYE_EREMOTE);
    setenv("EYESHINE_STORE_CA", keep, 1);
    assert_int_equal(ask("root:Milvus"), 0);
    free(keep);
}

/* TLS to a server without it, and the other way round: a sentence, soon. */
static void minds_the_scheme(void **state)
{
    const char *base = getenv("EYESHINE_TEST_STORE"), *host = NULL;
    char *keep = strdup(base), other[256];
    (void)state;
    host = strstr(keep, "://") + 3;
    snprintf(other, sizeof(other), "milvus%s://%s", strstr(keep, "+tls") ? "" : "+tls", host);
    setenv("EYESHINE_TEST_STORE", other, 1);
    assert_int_equal(ask("root:Milvus"), EYE_EREMOTE);
    setenv("EYESHINE_TEST_STORE", keep, 1);
    free(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_the_right_one_in),
        cmocka_unit_test(keeps_others_out),
        cmocka_unit_test(trusts_no_stranger),
        cmocka_unit_test(minds_the_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
