/* guard.c - a server on this machine can be reached by every page in the user's browser; this file says which may use it.
 *
 * Two attacks matter without any key: a page that posts a form here (its Origin or Sec-Fetch-Site tells), and a page whose
 * own name is made to point to 127.0.0.1 (its Host header tells, and an IP address can't be rebound). Sec-Fetch-Site is the browser's
 * own verdict and counts first: a proxy may have changed Host, and then Origin can't be compared. No tokens in
 * forms: they would need state, and these headers come from every browser since 2021 (Origin on POST long before). */
#include "api/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { NAME_LEN = 256 };

/* The name in "name:port", "[v6]:port": without port, brackets, a last dot. False if it is no such thing. */
static bool host_name(const char *host, char out[NAME_LEN])
{
    const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
    if (host[0] == '[' && !end)
        return false;
    const char *start = end ? host + 1 : host;
    const char *rest = end ? end + 1 : host + strcspn(host, ":");
    size_t n = (size_t)((end ? end : rest) - start);
    if (n && start[n - 1] == '.')
        n--;
    if (n == 0 || n >= NAME_LEN)
        return false;
    if (*rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1))
        rest += strlen(rest);
    if (*rest)
        return false;
    memcpy(out, start, n);
    out[n] = '\0';
    return true;
}

static bool is_address(const char *name)
{
    struct in6_addr a;
    return inet_pton(AF_INET, name, &a) == 1 || inet_pton(AF_INET6, name, &a) == 1;
}

static bool is_localhost(const char *name)
{
    static const char suffix[] = ".localhost";
    size_t n = strlen(name);
    size_t s = sizeof suffix - 1;
    return strcasecmp(name, "localhost") == 0 || (n > s && strcasecmp(name + n - s, suffix) == 0);
}

bool api_guard_host(const struct api_guard *g, const char *host)
{
    char name[NAME_LEN];
    char own[NAME_LEN];
    if (!host)
        return true;
    if (!host_name(host, name))
        return false;
    if (is_address(name) || is_localhost(name))
        return true;
    if (g->listen && host_name(g->listen, own) && strcasecmp(name, own) == 0)
        return true;
    for (size_t i = 0; i < g->nhosts; i++)
        if (host_name(g->hosts[i], own) && strcasecmp(name, own) == 0)
            return true;
    return false;
}

static bool same_text(const char *a, const char *b, size_t n)
{
    return strlen(b) == n && strncasecmp(a, b, n) == 0;
}

static bool is_cors(const struct api_guard *g, const char *origin)
{
    for (size_t i = 0; i < g->ncors; i++) {
        size_t n = strlen(g->cors[i]);
        if (n && g->cors[i][n - 1] == '/')
            n--;
        if (same_text(g->cors[i], origin, n))
            return true;
    }
    return false;
}

enum api_origin api_guard_origin(const struct api_guard *g, const char *origin,
                                 const char *fetch_site, const char *host)
{
    if (fetch_site && (strcmp(fetch_site, "same-origin") == 0 || strcmp(fetch_site, "none") == 0))
        return API_ORIGIN_OWN;
    if (!fetch_site && !origin)
        return API_ORIGIN_OWN;
    if (origin && is_cors(g, origin))
        return API_ORIGIN_CORS;
    if (fetch_site)
        return API_ORIGIN_FOREIGN;
    const char *authority = strstr(origin, "://");
    bool own = authority && host && strcasecmp(authority + 3, host) == 0;
    return own ? API_ORIGIN_OWN : API_ORIGIN_FOREIGN;
}

void api_guard_headers(struct http_request *rq)
{
    static const char *const headers[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
         "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
         "base-uri 'self'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        http_set(rq, headers[i][0], headers[i][1]);
}

void api_guard_cors_headers(struct http_request *rq, const char *origin)
{
    http_set(rq, "Access-Control-Allow-Origin", origin);
    http_set(rq, "Vary", "Origin");
    http_set(rq, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
    http_set(rq, "Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
    http_set(rq, "Access-Control-Expose-Headers", "ETag, Retry-After, Content-Disposition");
    http_set(rq, "Access-Control-Max-Age", "600");
}
