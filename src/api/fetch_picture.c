/* fetch_picture.c - a picture from the web into a memory file, through http's guarded client.
 *
 * What the other server says it is does not matter: the decoders look at the bytes. A slow server holds one of http's few
 * workers until the time is over, so only some of them may fetch: a handful of such addresses would stop everything else. */
#include "api/internal.h"

#include <errno.h>
#include <unistd.h>

enum { FETCHES_MAX = 4 };

struct sink {
    int fd;
    uint64_t size;
};

static int take(void *ctx, const void *bytes, size_t len)
{
    struct sink *sink = ctx;
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = write(sink->fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return EYE_EIO;
        p += n;
        len -= (size_t)n;
        sink->size += (uint64_t)n;
    }
    return 0;
}

static int fetch_picture(struct api_server *s, const char *url, uint64_t *size, struct eye_err *err)
{
    struct sink sink = {api_memory_file(err), 0};
    if (sink.fd < 0)
        return -1;
    static const char *const headers[] = {"Accept: image/*"};
    const struct fetch_config config = {.method = "GET",
                                        .url = url,
                                        .headers = headers,
                                        .nheaders = 1,
                                        .public_only = !s->cfg.allow_private_urls,
                                        .max_redirects = 5,
                                        .max_bytes = API_URL_FILE_MAX,
                                        .max_seconds = 10,
                                        .write = take,
                                        .ctx = &sink};
    char type[128];
    int status = 0;
    int rc = fetch(&config, NULL, 0, &status, type, err);
    if (rc == 0 && (status < 200 || status > 299))
        rc = eye_fail(err, EYE_EREMOTE, "the picture's address answered with status %d", status);
    if (rc == 0 && sink.size == 0)
        rc = eye_fail(err, EYE_EREMOTE, "the picture's address answered with nothing");
    if (rc) {
        close(sink.fd);
        return -1;
    }
    *size = sink.size;
    return sink.fd;
}

int api_fetch_picture(struct api_server *s, const char *url, uint64_t *size, struct eye_err *err)
{
    int fd = -1;
    if (atomic_fetch_add(&s->fetching, 1) < FETCHES_MAX)
        fd = fetch_picture(s, url, size, err);
    else
        eye_fail(err, EYE_EBUSY, "too many pictures are being fetched: try again soon");
    atomic_fetch_sub(&s->fetching, 1);
    return fd;
}
