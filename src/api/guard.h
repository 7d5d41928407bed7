/* guard.h - what keeps other pages' hands off: known host names, own origins, headers on every reply.
 *
 * Pure functions of their arguments but for api_guard_headers, which sets headers on a reply. Thread-safe. */
#ifndef API_GUARD_H
#define API_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http.h"

struct api_guard {
    const char *listen;       /* as in struct http_config */
    const char *const *hosts; /* further names of this server */
    size_t nhosts;
    const char *const *cors; /* origins that may call from other pages */
    size_t ncors;
};

/* May a browser have sent this Host header in good faith? Addresses, localhost and the names given are known; another
 * name points here only by DNS rebinding. NULL (HTTP/1.0) is fine: no browser leaves it out. */
bool api_guard_host(const struct api_guard *g, const char *host);

enum api_origin {
    API_ORIGIN_OWN,    /* no browser, or this server's own page, or typed by the user */
    API_ORIGIN_CORS,   /* a page that the settings allow */
    API_ORIGIN_FOREIGN /* any other page */
};
/* From the request's headers Origin, Sec-Fetch-Site and Host; NULL: not sent. */
enum api_origin api_guard_origin(const struct api_guard *g, const char *origin,
                                 const char *fetch_site, const char *host);

/* The headers that every reply bears, over which a handler may set stricter ones. */
void api_guard_headers(struct http_request *rq);
/* Those that let a page of `origin` read the reply. */
void api_guard_cors_headers(struct http_request *rq, const char *origin);

#endif
