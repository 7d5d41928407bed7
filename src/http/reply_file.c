/* reply_file.c - a file as the reply, or the piece of it that was asked for, or none if the client has it.
 *
 * The I/O thread sends it with sendfile(2), straight from the page cache. */
#include "http/internal.h"

#include <unistd.h>

#include "http/ranges.h"

static void set_quoted(struct http_request *rq, const char *etag)
{
    char text[256];
    snprintf(text, sizeof text, "\"%s\"", etag);
    http_set(rq, "ETag", text);
}

bool http_not_modified(struct http_request *rq, const char *etag)
{
    const char *list = http_header(rq, "If-None-Match");
    set_quoted(rq, etag);
    if (rq->method != HTTP_GET || !list || !http_etag_listed(list, etag))
        return false;
    http_reply(rq, 304, NULL, NULL);
    return true;
}

static struct http_range decide(const struct http_request *rq, uint64_t size, const char *etag,
                                int64_t mtime)
{
    struct http_conditions c = {http_header(rq, "If-None-Match"),
                                http_header(rq, "If-Modified-Since"), http_header(rq, "If-Range"),
                                http_header(rq, "Range")};
    if (rq->head) /* ranges are for GET alone */
        c.range = NULL;
    return http_range_decide(&c, etag, mtime, size);
}

static bool has_set(const struct http_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->nset; i++)
        if (rq->set[i].name && strcmp(rq->set[i].name, name) == 0)
            return true;
    return false;
}

static void describe(struct http_request *rq, const struct http_range *r, uint64_t size,
                     const char *etag, int64_t mtime)
{
    char text[96];
    if (etag && !has_set(rq, "ETag"))
        set_quoted(rq, etag);
    if (mtime > 0) {
        http_date_text(mtime, text);
        http_set(rq, "Last-Modified", text);
    }
    http_set(rq, "Accept-Ranges", "bytes");
    if (r->status == 206) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)r->from,
                 (unsigned long long)(r->from + r->len - 1), (unsigned long long)size);
        http_set(rq, "Content-Range", text);
    } else if (r->status == 416) {
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
        http_set(rq, "Content-Range", text);
    }
}

void http_reply_file(struct http_request *rq, int fd, uint64_t size, const char *type,
                     const char *etag, int64_t mtime)
{
    struct http_range r = decide(rq, size, etag, mtime);
    if (!rq->replied)
        describe(rq, &r, size, etag, mtime);
    if (r.status == 416) {
        close(fd);
        http_refuse(rq, 416, "the file has no such range of bytes");
        return;
    }
    if (r.status == 304) /* its length is told, none of it sent */
        r.len = size;
    struct MHD_Response *response =
        r.len > 0
            ? MHD_create_response_from_fd_at_offset64(r.len, fd, r.from)
            : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!response || r.len == 0)
        close(fd);
    http_reply_with(rq, r.status, r.status == 304 ? NULL : type, response, r.len);
}
