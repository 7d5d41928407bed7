/* transfer.c - one object: asked after, read, written, deleted. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "object/internal.h"

enum { SMALL_MS = 30000 };
static const uint64_t put_max = UINT64_C(5) << 30; /* of one request: S3's own limit */

static int check_key(struct object_store *s, const char *key, struct eye_err *err)
{
    return object_name_is_plain(key)
               ? 0
               : object_say(s, NULL, EYE_EINVAL, err, "'%.200s' is no name of an object", key);
}

/* ---- asked after ---- */

/* A HEAD has no body to say what is not there, the object or the bucket. */
static int is_it_the_bucket(struct object_store *s, const char *key, struct eye_err *err)
{
    struct eye_err why = {0};
    int rc = object_list(s, key, 1, NULL, NULL, &why);
    return rc == 0 ? object_say(s, key, EYE_ENOTFOUND, err, "there is no such object")
                   : eye_fail(err, rc, "%s", why.msg);
}

int object_head(struct object_store *s, const char *key, struct object_info *out,
                struct eye_err *err)
{
    const struct object_request r = {.method = "HEAD", .key = key, .in = -1, .max_ms = SMALL_MS};
    struct object_answer a;
    int rc = check_key(s, key, err);
    rc = rc ? rc : object_exchange(s, &r, &a, err);
    if (rc == EYE_ENOTFOUND)
        return is_it_the_bucket(s, key, err);
    if (rc == 0 && (a.length == UINT64_MAX || !a.dated))
        rc = object_say(s, key, EYE_EREMOTE, err, "%s does not tell its size and date", s->host);
    if (rc == 0)
        *out = (struct object_info){NULL, a.length, a.mtime_ns};
    return rc;
}

/* ---- read ---- */

struct getting {
    int fd;
    uint64_t got, max;
    int errnum;
};

static int begin(void *ctx, struct eye_err *err)
{
    struct getting *g = ctx;
    g->got = 0;
    return ftruncate(g->fd, 0) == 0 ? 0 : eye_fail_errno(err, errno, "no room for an object");
}

static int take(void *ctx, const char *bytes, size_t len)
{
    struct getting *g = ctx;
    if (len > g->max - g->got)
        return EYE_ELIMIT;
    while (len > 0) {
        ssize_t n = pwrite(g->fd, bytes, len, (off_t)g->got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            g->errnum = n < 0 ? errno : ENOSPC;
            return EYE_EIO;
        }
        g->got += (uint64_t)n;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int check_whole(struct object_store *s, const char *key, const struct object_range *range,
                       const struct object_answer *a, const struct getting *g, struct eye_err *err)
{
    bool part = range && (range->first || range->count);
    if (!a->dated || (part && (a->status != 206 || a->whole == UINT64_MAX)))
        return object_say(s, key, EYE_EREMOTE, err, "%s sent something else than was asked for",
                          s->host);
    if (a->length != UINT64_MAX && a->length != g->got)
        return object_say(s, key, EYE_EREMOTE, err, "%s sent %" PRIu64 " of %" PRIu64 " bytes",
                          s->host, g->got, a->length);
    if (range && range->count && g->got > range->count)
        return object_say(s, key, EYE_EREMOTE, err, "%s sent more than was asked for", s->host);
    return 0;
}

int object_get(struct object_store *s, const char *key, const struct object_range *range, int fd,
               uint64_t max_bytes, struct object_info *out, struct eye_err *err)
{
    char text[64] = "";
    struct getting g = {.fd = fd, .max = max_bytes};
    struct object_answer a;
    if (range && range->count)
        snprintf(text, sizeof text, "%" PRIu64 "-%" PRIu64, range->first,
                 range->first + range->count - 1);
    else if (range && range->first)
        snprintf(text, sizeof text, "%" PRIu64 "-", range->first);
    const struct object_request r = {.method = "GET",
                                     .key = key,
                                     .range = text[0] ? text : NULL,
                                     .in = -1,
                                     .begin = begin,
                                     .body = take,
                                     .ctx = &g};
    int rc = check_key(s, key, err);
    if (!rc && range && range->count && range->first > UINT64_MAX - range->count)
        rc = object_say(s, key, EYE_EINVAL, err, "a part that no object has");
    if (rc)
        return rc;
    rc = object_exchange(s, &r, &a, err);
    if (rc == EYE_ELIMIT)
        return object_say(s, key, rc, err, "larger than the limit of %" PRIu64 " bytes", max_bytes);
    if (rc == EYE_EIO && g.errnum)
        return eye_fail_errno(err, g.errnum, "no room for an object of %" PRIu64 " bytes",
                              a.length);
    rc = rc ? rc : check_whole(s, key, range, &a, &g, err);
    if (rc == 0 && out)
        *out = (struct object_info){NULL, a.whole != UINT64_MAX ? a.whole : g.got, a.mtime_ns};
    return rc;
}

/* ---- written, deleted ---- */

int object_put(struct object_store *s, const char *key, int fd, const char *type,
               struct eye_err *err)
{
    struct stat st;
    struct hash hash;
    char hex[HASH_HEX_LEN + 1];
    struct object_answer a;
    int rc = check_key(s, key, err);
    if (!rc && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
        rc = object_say(s, key, EYE_EINVAL, err, "only a file can be stored");
    rc = rc ? rc : hash_fd(fd, put_max, &hash, NULL, err);
    if (rc)
        return rc;
    hash_to_hex(&hash, hex);
    const struct object_request r = {.method = "PUT",
                                     .key = key,
                                     .in = fd,
                                     .in_size = (uint64_t)st.st_size,
                                     .hash = hex,
                                     .type = type};
    return object_exchange(s, &r, &a, err);
}

int object_delete(struct object_store *s, const char *key, struct eye_err *err)
{
    const struct object_request r = {.method = "DELETE", .key = key, .in = -1, .max_ms = SMALL_MS};
    struct object_answer a;
    struct eye_err why = {0};
    int rc = check_key(s, key, err);
    rc = rc ? rc : object_exchange(s, &r, &a, &why);
    if (rc < 0 && rc != EYE_ENOTFOUND && why.code)
        return eye_fail(err, rc, "%s", why.msg);
    return rc == EYE_ENOTFOUND ? 0 : rc;
}
