/* accesslog.h - one line a request, for people or for machines. */
#ifndef API_ACCESSLOG_H
#define API_ACCESSLOG_H

#include <stdbool.h>

#include "http/http.h"

/* Text: time, address, "METHOD path", status, bytes, seconds, "agent". No query: it may hold secrets. */
void api_access_log(const struct http_access *a, bool json,
                    void (*log)(void *ctx, const char *line), void *ctx);

#endif
