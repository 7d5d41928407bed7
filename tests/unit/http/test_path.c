/* Targets are decoded once and strictly. */
#include "fixture.h"

#include "http/internal.h"

static void good_paths(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *want;
    } cases[] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a/", "/a/"},
        {"/a%20b", "/a b"},
        {"/a+b", "/a+b"},
        {"/%C3%a4", "/\xc3\xa4"},
        {"/\xc3\xa4", "/\xc3\xa4"},
        {"/%252e%252e/x", "/%2e%2e/x"}, /* encoded twice: stays text */
        {"/%252F", "/%2F"},
        {"/...", "/..."},
        {"/.a/..b/c..", "/.a/..b/c.."},
        {"/a%3Fb%26%23", "/a?b&#"},
        {"/a;v=1", "/a;v=1"},
        {"/a\\..\\b", "/a\\..\\b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[64];
        const char *wrong = http_path_decode(cases[i].raw, strlen(cases[i].raw), out);
        if (wrong)
            fail_msg("%s: %s", cases[i].raw, wrong);
        assert_string_equal(out, cases[i].want);
    }
}

static void bad_paths(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",         "a",      "*",          "http://x/",     "/%",        "/%4",     "/%zz",
        "/%00",     "/a%00b", "/%01",       "/a%0d%0ab",     "/%7f",      "//",      "/a//b",
        "//a",      "/.",     "/..",        "/a/..",         "/a/../b",   "/./a",    "/a/.",
        "/%2e%2e/", "/.%2e",  "/%2E/x",     "/a%2fb",        "/..%2fetc", "/%c0%af", "/%ff",
        "/\xff",    "/%C3",   "/%ed%a0%80", "/%f4%90%80%80", "/a#b",      "/a\tb",   "/%e0%80%af",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[64];
        if (!http_path_decode(cases[i], strlen(cases[i]), out))
            fail_msg("%s is taken as %s", cases[i], out);
    }
}

static void good_queries(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *want;
    } cases[] = {
        {"", ""},
        {"a=1&b=2&a=3", "[a|1][b|2][a|3]"},
        {"a", "[a|]"},
        {"a=", "[a|]"},
        {"=b", "[|b]"},
        {"=", "[|]"},
        {"&&a=1&", "[a|1]"},
        {"q=two+words%2B", "[q|two words+]"},
        {"q=a=b", "[q|a=b]"},
        {"%C3%A4=%3d%26", "[\xc3\xa4|=&]"},
        {"q=%2541", "[q|%41]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_pairs p;
        char text[128] = "";
        size_t n = 0;
        assert_null(http_query_decode(cases[i].raw, &p));
        for (size_t k = 0; k < p.n; k++)
            n +=
                (size_t)snprintf(text + n, sizeof text - n, "[%s|%s]", p.at[k].name, p.at[k].value);
        assert_string_equal(text, cases[i].want);
        http_pairs_release(&p);
    }
}

static void bad_queries(void **state)
{
    (void)state;
    static const char *const cases[] = {"a=%",   "a=%4", "a=%zz",    "%=1",         "a=%00",
                                        "a=%ff", "\xff", "a=%c0%80", "a=%ed%a0%80", "ok=1&b=%"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_pairs p;
        assert_non_null(http_query_decode(cases[i], &p));
        http_pairs_release(&p);
    }
    char *many = calloc(1, 2 * HTTP_QUERY_MAX + 8);
    for (int i = 0; i < HTTP_QUERY_MAX + 1; i++)
        memcpy(many + 2 * i, "a&", 2);
    struct http_pairs p;
    assert_non_null(http_query_decode(many, &p));
    http_pairs_release(&p);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_paths),
        cmocka_unit_test(bad_paths),
        cmocka_unit_test(good_queries),
        cmocka_unit_test(bad_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
