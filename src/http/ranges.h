/* ranges.h - conditional requests and ranges, decided from header values alone. */
#ifndef HTTP_RANGES_H
#define HTTP_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct http_conditions {
    const char *if_none_match, *if_modified_since, *if_range, *range; /* NULL: not sent */
};

struct http_range {
    int status; /* 200, 206, 304, 416 */
    uint64_t from, len;
};

/* etag without quotes, NULL if none; mtime 0 if unknown. */
struct http_range http_range_decide(const struct http_conditions *c, const char *etag,
                                    int64_t mtime, uint64_t size);
/* Is `etag` in the list of an If-None-Match? */
bool http_etag_listed(const char *list, const char *etag);
/* "Tue, 24 Nov 2026 02:26:46 GMT" */
void http_date_text(int64_t t, char text[40]);
/* -1: not such a date. */
int64_t http_date_parse(const char *text);

#endif
