/* test_limit.c - token buckets: bursts, refill, callers apart, floods of new callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/limit.h"

static void a_burst_then_one_by_one(void **state)
{
    (void)state;
    struct api_limit *l = api_limit_new(60, NULL);
    assert_non_null(l);
    for (int i = 0; i < 60; i++)
        assert_int_equal(api_limit_take(l, "a", 100), 0);
    assert_int_equal(api_limit_take(l, "a", 100), 1);
    assert_int_equal(api_limit_look(l, "a", 100.5), 1);
    assert_int_equal(api_limit_look(l, "a", 101.01), 0);
    assert_int_equal(api_limit_take(l, "a", 101.01), 0); /* looking took none */
    assert_int_equal(api_limit_take(l, "a", 101.01), 1);
    for (int i = 0; i < 60; i++)
        assert_int_equal(api_limit_take(l, "a", 1000), 0); /* full again, never more than full */
    assert_int_equal(api_limit_take(l, "a", 1000), 1);
    api_limit_free(l);
}

static void says_how_long_to_wait(void **state)
{
    (void)state;
    struct api_limit *l = api_limit_new(2, NULL);
    assert_int_equal(api_limit_take(l, "a", 5), 0);
    assert_int_equal(api_limit_take(l, "a", 5), 0);
    assert_int_equal(api_limit_take(l, "a", 5), 30);
    assert_int_equal(api_limit_take(l, "a", 25), 10);
    assert_int_equal(api_limit_take(l, "b", 5), 0); /* another caller is not touched */
    api_limit_free(l);
}

static void a_flood_of_callers_forgets_no_offender(void **state)
{
    (void)state;
    struct api_limit *l = api_limit_new(3, NULL);
    char who[32];
    for (int i = 0; i < 4; i++)
        api_limit_take(l, "offender", 10);
    for (int i = 0; i < 100000; i++) {
        snprintf(who, sizeof who, "caller %d", i);
        assert_int_equal(api_limit_take(l, who, 10), 0);
    }
    assert_int_not_equal(api_limit_take(l, "offender", 10), 0);
    api_limit_free(l);
}

static void one_customer_is_one_caller(void **state)
{
    (void)state;
    char a[64];
    char b[64];
    api_limit_name("2001:db8:1:2:3:4:5:6", a);
    api_limit_name("2001:db8:1:2:ffff::1", b);
    assert_string_equal(a, b);
    api_limit_name("2001:db8:1:3::1", b);
    assert_string_not_equal(a, b);
    api_limit_name("192.0.2.7", a);
    assert_string_equal(a, "192.0.2.7");
    api_limit_name("::ffff:192.0.2.7", a);
    api_limit_name("::ffff:192.0.2.8", b);
    assert_string_not_equal(a, b);
    api_limit_name("unix", a);
    assert_string_equal(a, "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_one_by_one),
        cmocka_unit_test(says_how_long_to_wait),
        cmocka_unit_test(a_flood_of_callers_forgets_no_offender),
        cmocka_unit_test(one_customer_is_one_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
