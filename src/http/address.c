/* address.c - is this the address of somebody on the public internet?
 *
 * Asked of the very address a socket is about to connect to, so it does not matter how a URL spelled it (decimal, octal,
 * hexadecimal, a name that resolves differently the second time). IPv4: everything but what the IANA
 * special-purpose registry lists. IPv6: the other way round, only global unicast (2000::/3) without the special parts of
 * it, so that what is not invented yet is refused. Forms that carry an IPv4 address are judged by it where the network
 * really takes them there (v4-mapped, NAT64); tunnels (6to4, Teredo) are refused, as nobody serves pictures from them. */
#include "http/http.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct range4 {
    uint32_t net;
    int bits;
};

static const struct range4 SPECIAL4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* carrier-grade NAT */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local; cloud metadata */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

struct range6 {
    uint8_t net[6];
    int bits;
};

/* Inside 2000::/3. */
static const struct range6 SPECIAL6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments: Teredo, ORCHID, benchmarks ... */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x20, 0x02}, 16},                   /* 6to4 */
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48}, /* AS112 direct delegation */
    {{0x3f, 0xfe}, 16},                   /* 6bone */
    {{0x3f, 0xff, 0x00}, 20},             /* documentation */
};

static bool within(const uint8_t *a, const uint8_t *net, int bits)
{
    for (; bits >= 8; bits -= 8)
        if (*a++ != *net++)
            return false;
    return bits == 0 || ((*a ^ *net) >> (8 - bits)) == 0;
}

static bool public4(uint32_t a)
{
    for (size_t i = 0; i < sizeof SPECIAL4 / sizeof *SPECIAL4; i++)
        if ((a ^ SPECIAL4[i].net) >> (32 - SPECIAL4[i].bits) == 0)
            return false;
    return true;
}

static bool public6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (within(a, mapped, 96) || within(a, nat64, 96))
        return public4((uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 |
                       a[15]);
    if (a[0] >> 5 != 1) /* 2000::/3 */
        return false;
    for (size_t i = 0; i < sizeof SPECIAL6 / sizeof *SPECIAL6; i++)
        if (within(a, SPECIAL6[i].net, SPECIAL6[i].bits))
            return false;
    return true;
}

bool fetch_address_is_public(const void *sockaddr)
{
    sa_family_t family;
    memcpy(&family, (const char *)sockaddr + offsetof(struct sockaddr, sa_family), sizeof family);
    if (family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, sockaddr, sizeof four);
        return public4(ntohl(four.sin_addr.s_addr));
    }
    if (family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, sockaddr, sizeof six);
        return six.sin6_scope_id == 0 && public6(six.sin6_addr.s6_addr);
    }
    return false;
}
