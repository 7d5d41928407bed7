/* test_guard.c - which Host names and origins are taken for this server's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/guard.h"

static const char *const hosts[] = {"photos.example", "nas.local:8443"};
static const char *const cors[] = {"https://app.example", "http://other.example:3000/"};
static const struct api_guard guard = {
    .listen = "pi.lan:8000", .hosts = hosts, .nhosts = 2, .cors = cors, .ncors = 2};

static void knows_its_names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "localhost",      "localhost:8000",  "LocalHost:1",        "127.0.0.1", "127.0.0.1:8000",
        "192.168.1.5:80", "[::1]:8000",      "[fe80::1]",          "pi.lan",    "pi.lan:8000",
        "PHOTOS.example", "photos.example.", "photos.example:443", "nas.local", "a.localhost:8000",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!api_guard_host(&guard, good[i]))
            fail_msg("%s is refused", good[i]);
    assert_true(api_guard_host(&guard, NULL));
}

static void refuses_rebound_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        ":8000",
        "[::1",
        "[::1]evil",
        "localhost:80@x",
        "photos.example.evil.",
        "xlocalhost",
        ".localhost.",
        "127.0.0.1:80:1",
        "2130706433",
        "photos.example evil",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (api_guard_host(&guard, bad[i]))
            fail_msg("%s is taken", bad[i]);
}

static enum api_origin of(const char *origin, const char *site)
{
    return api_guard_origin(&guard, origin, site, "photos.example:8000");
}

static void tells_origins(void **state)
{
    (void)state;
    assert_int_equal(of(NULL, NULL), API_ORIGIN_OWN); /* curl, the CLI */
    assert_int_equal(of("http://photos.example:8000", NULL), API_ORIGIN_OWN);
    assert_int_equal(of("https://Photos.example:8000", NULL), API_ORIGIN_OWN); /* TLS at a proxy */
    assert_int_equal(of("http://photos.example", NULL), API_ORIGIN_FOREIGN);   /* another port */
    assert_int_equal(of("https://evil.example", NULL), API_ORIGIN_FOREIGN);
    assert_int_equal(of("null", NULL), API_ORIGIN_FOREIGN);
    assert_int_equal(of("", NULL), API_ORIGIN_FOREIGN);
    assert_int_equal(of("http://photos.example:8000.evil.example", NULL), API_ORIGIN_FOREIGN);
    assert_int_equal(of(NULL, "same-origin"), API_ORIGIN_OWN);
    assert_int_equal(of(NULL, "none"), API_ORIGIN_OWN);
    assert_int_equal(of("https://behind.a.proxy", "same-origin"), API_ORIGIN_OWN);
    assert_int_equal(of(NULL, "cross-site"), API_ORIGIN_FOREIGN);
    assert_int_equal(of(NULL, "same-site"), API_ORIGIN_FOREIGN); /* a sister name is not us */
    assert_int_equal(of("http://photos.example:8000", "cross-site"), API_ORIGIN_FOREIGN);
    assert_int_equal(of(NULL, ""), API_ORIGIN_FOREIGN);
    assert_int_equal(of("https://app.example", NULL), API_ORIGIN_CORS);
    assert_int_equal(of("https://app.example", "cross-site"), API_ORIGIN_CORS);
    assert_int_equal(of("http://app.example", NULL), API_ORIGIN_FOREIGN); /* scheme counts */
    assert_int_equal(of("https://app.example.evil", NULL), API_ORIGIN_FOREIGN);
    assert_int_equal(of("http://other.example:3000", NULL), API_ORIGIN_CORS);
    assert_int_equal(api_guard_origin(&guard, "http://x", NULL, NULL), API_ORIGIN_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_names),
        cmocka_unit_test(refuses_rebound_names),
        cmocka_unit_test(tells_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
