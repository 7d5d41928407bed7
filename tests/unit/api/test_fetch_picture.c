/* Pictures from the web: only so many at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/internal.h"

static void some_fetch_and_no_more(void **state)
{
    (void)state;
    static const char nobody[] = "http://127.0.0.1:1/";
    struct api_server s = {.fetching = 0};
    struct eye_err err;
    uint64_t size;
    assert_true(api_fetch_picture(&s, nobody, &size, &err) < 0);
    assert_int_equal(err.code, EYE_EINVAL); /* not public; nothing was connected */
    assert_int_equal(atomic_load(&s.fetching), 0);
    atomic_store(&s.fetching, 4);
    assert_true(api_fetch_picture(&s, nobody, &size, &err) < 0);
    assert_int_equal(err.code, EYE_EBUSY);
    assert_int_equal(atomic_load(&s.fetching), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(some_fetch_and_no_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
