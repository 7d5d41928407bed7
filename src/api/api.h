/* api.h - the HTTP API and the page of one library, as one server.
 *
 * Sees only eyeshine.h and http/. docs/openapi.yaml is the contract. */
#ifndef API_API_H
#define API_API_H

#include "eyeshine.h"
#include "http/http.h"

struct api_config {
    eye_lib *lib;            /* open, writable; stays the caller's */
    struct http_config http; /* listen, base_path, TLS, limits; the rest is filled in */
    const char *const
        *allow_roots; /* folders below which roots may be added from the page; absolute */
    size_t nallow_roots;
    const char *const *cors; /* origins that may call from other pages; none: no CORS */
    size_t ncors;
    const char *const *
        hosts; /* further names this server answers to (DNS rebinding guard); its own address, localhost and IPs are known */
    size_t nhosts;
    bool require_key;        /* every request but /healthz and the page's files needs an API key */
    bool allow_private_urls; /* search by URL may reach private addresses */
    uint64_t max_upload;     /* bytes of one upload request; 0: 4 GiB */
    int rate_per_minute; /* requests a key or address; 0: 1200 (loopback without key: no limit) */
    const char *samples_dir; /* the sample pictures, offered to an empty library; NULL: none */
    bool watch;              /* index what changes in the library's roots */
    double watch_poll;       /* seconds between looks where nothing tells of changes; 0: 300 */
    bool log_json;
    void (*log)(void *ctx, const char *line); /* access log; NULL: none */
    void *log_ctx;
};

struct api_server;
/* Starts jobs and HTTP. EYE_EINVAL: listen is not loopback and the library has no API key (says how to make one). */
struct api_server *api_start(const struct api_config *config, struct eye_err *err);
const char *api_url(const struct api_server *s);
void api_stop(struct api_server *s); /* drains; jobs go on at the next start */

#endif
