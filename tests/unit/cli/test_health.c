/* test_health.c - where `health` asks when nobody says. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cli/health.h"

static void the_address_is_that_of_serve(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *base;
        bool tls;
        const char *url;
    } cases[] = {
        {NULL, NULL, false, "http://127.0.0.1:8000"},
        {"0.0.0.0:8000", NULL, false, "http://127.0.0.1:8000"},
        {"0.0.0.0", NULL, false, "http://127.0.0.1:8000"},
        {"[::]:9000", "", true, "https://[::1]:9000"},
        {"[::1]", "/", false, "http://[::1]:8000"},
        {"10.1.2.3:80", "/photos", false, "http://10.1.2.3:80/photos"},
        {"photos.example:80", "photos", false, "http://photos.example:80/photos"},
        {"unix:/run/eye.sock", NULL, false, "unix:/run/eye.sock"},
        {"unix:/run/eye.sock", "photos", false, "unix:/run/eye.sock:/photos"},
        {"127.0.0.1:0", NULL, false, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *url = health_url(cases[i].listen, cases[i].base, cases[i].tls);
        if (cases[i].url)
            assert_string_equal(url, cases[i].url);
        else
            assert_null(url);
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_address_is_that_of_serve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
