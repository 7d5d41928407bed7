/* multipart.h - multipart/form-data, a piece at a time. Knows no files and no connections: fed with bytes, it calls back. */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

struct http_form;

/* Each returns 0 or a status that ends the reading; text is the callee's to copy. */
struct http_form_events {
    int (*begin)(void *ctx, const char *field, const char *filename, const char *type);
    int (*data)(void *ctx, const char *bytes, size_t len);
    int (*end)(void *ctx);
};

/* Is it multipart/form-data at all? */
bool http_form_is(const char *content_type);
/* NULL: no memory, or *detail says what is wrong with the boundary. */
struct http_form *http_form_new(const char *content_type, const struct http_form_events *events,
                                void *ctx, const char **detail);
/* 0, or a status and *detail (unless it came from an event). */
int http_form_feed(struct http_form *f, const char *bytes, size_t len, const char **detail);
/* The body has ended: 0 if the form had too. */
int http_form_finish(const struct http_form *f, const char **detail);
void http_form_free(struct http_form *f);

/* part_header.c: the header block of a part (lines with CRLF, without the empty one), taken apart. */
struct http_part_header {
    char *field, *filename, *type; /* filename NULL: a plain field; type "" if none */
};
int http_part_header_parse(const char *block, size_t len, struct http_part_header *out,
                           const char **detail);
void http_part_header_release(struct http_part_header *h);

/* The parameter `name` of a header value like `form-data; name="a"; filename=b`. Allocated;
 * NULL: it is not there (*bad false), or the value is malformed (*bad true). */
char *http_header_parameter(const char *value, const char *name, bool *bad);

#endif
