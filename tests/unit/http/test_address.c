/* Which addresses are on the public internet. */
#include "fixture.h"

static bool public_text(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return fetch_address_is_public(&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return fetch_address_is_public(&six);
}

static void inner_addresses_are_not(void **state)
{
    (void)state;
    static const char *const inner[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::192.168.1.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "3ffe::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
        "4000::1",
    };
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
        if (public_text(inner[i]))
            fail_msg("%s counts as public", inner[i]);
}

static void outer_addresses_are(void **state)
{
    (void)state;
    static const char *const outer[] = {
        "1.1.1.1",          "8.8.8.8",          "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",   "100.128.0.0",      "126.255.255.255", "128.0.0.1",
        "169.253.255.255",  "172.15.255.255",   "172.32.0.0",      "192.167.255.255",
        "198.17.255.255",   "198.20.0.0",       "223.255.255.255", "2001:4860:4860::8888",
        "2606:4700::1111",  "2a00:1450:4001::", "2001:200::1",     "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2003::1",          "3ffd::1",
    };
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++)
        if (!public_text(outer[i]))
            fail_msg("%s does not count as public", outer[i]);
}

static void zones_and_other_families_are_not(void **state)
{
    (void)state;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_scope_id = 2};
    assert_int_equal(inet_pton(AF_INET6, "2606:4700::1111", &six.sin6_addr), 1);
    assert_false(fetch_address_is_public(&six));
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    assert_false(fetch_address_is_public(&un));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_addresses_are_not),
        cmocka_unit_test(outer_addresses_are),
        cmocka_unit_test(zones_and_other_families_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
