/* key.c - names of objects: what may be one, how it is written in a request, when it changed.
 *
 * A key is bytes to the server, and "a/../b" is a key like any other to it; but libraries, proxies and file systems between us and it
 * do squash such names. So a name with an empty part, "." or ".." is none here: nothing that is asked for can leave its prefix, whoever
 * reads the path. Percent signs are letters: they are encoded once when a request is written and never decoded from a name. */
#include <string.h>

#include "base/utf8.h"
#include "object/internal.h"

bool object_is_url(const char *text)
{
    return strncmp(text, "s3://", 5) == 0;
}

bool object_name_is_plain(const char *rel)
{
    size_t len = strlen(rel);
    if (len == 0 || len > OBJECT_KEY_MAX)
        return false;
    for (size_t i = 0, n; i < len; i += n)
        if ((n = utf8_step(rel + i, len - i, NULL)) == 0)
            return false;
    for (const char *part = rel, *end; part; part = *end ? end + 1 : NULL) {
        end = part + strcspn(part, "/");
        size_t n = (size_t)(end - part);
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && memcmp(part, "..", 2) == 0))
            return false;
    }
    return true;
}

static bool bucket_is_valid(const char *bucket, size_t len)
{
    if (len < 1 || len > 255 || bucket[0] == '.' || bucket[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = bucket[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '-' && c != '_' && (c != '.' || (i && bucket[i - 1] == '.')))
            return false;
    }
    return true;
}

int object_url_parse(const char *url, char **bucket, char **prefix, struct eye_err *err)
{
    *bucket = *prefix = NULL;
    if (!object_is_url(url))
        return eye_fail(err, EYE_EINVAL, "%s: does not begin with s3://", url);
    const char *name = url + 5, *rest = name + strcspn(name, "/");
    size_t len = (size_t)(rest - name);
    if (!bucket_is_valid(name, len))
        return eye_fail(err, EYE_EINVAL,
                        "%s: has no valid name of a bucket; it is "
                        "s3://BUCKET or s3://BUCKET/PREFIX",
                        url);
    rest += *rest == '/';
    char *b = mem_strdup(name, err), *p = mem_strdup(rest, err);
    if (b && p) {
        b[len] = '\0';
        size_t n = strlen(p);
        if (n && p[n - 1] == '/')
            p[n - 1] = '\0';
    }
    if (!b || !p || (*p && !object_name_is_plain(p))) {
        bool memory = !b || !p;
        free(b);
        free(p);
        return memory
                   ? EYE_ENOMEM
                   : eye_fail(err, EYE_EINVAL,
                              "%s: its prefix has an empty part, '.' or '..', or is too long", url);
    }
    *bucket = b;
    *prefix = p;
    return 0;
}

/* ---- encoding ---- */

int object_encode(struct buf *out, const char *text, bool slash, struct eye_err *err)
{
    int rc = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && !rc; p++) {
        bool plain = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
                     (*p >= '0' && *p <= '9') || strchr("-._~", *p) || (slash && *p == '/');
        rc = plain ? buf_putc(out, (char)*p, err) : buf_printf(out, err, "%%%02X", *p);
    }
    return rc;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool object_decode(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++) {
        if (*p != '%') {
            *to++ = (char)(*p == '+' ? ' ' : *p);
            continue;
        }
        int hi = digit(p[1]), lo = hi < 0 ? -1 : digit(p[2]);
        if (lo < 0 || hi * 16 + lo == 0)
            return false;
        *to++ = (char)(hi * 16 + lo);
        p += 2;
    }
    *to = '\0';
    return true;
}

/* ---- when ---- */

/* FNV-1a over the ETag without quotes and W/. */
int64_t object_stamp(int64_t seconds, const char *etag, size_t len)
{
    uint64_t h = 14695981039346656037u;
    if (len > 2 && memcmp(etag, "W/", 2) == 0) {
        etag += 2;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++)
        if (etag[i] != '"')
            h = (h ^ (unsigned char)etag[i]) * 1099511628211u;
    if (seconds > INT64_MAX / 1000000000 - 1 || seconds < 0)
        seconds = 0;
    return seconds * 1000000000 + (len ? (int64_t)(h % 1000000000u) : 0);
}

static bool number(const char *text, size_t n, int least, int most, int *out)
{
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (text[i] - '0');
    }
    *out = v;
    return v >= least && v <= most;
}

int64_t object_time(const char *text)
{
    struct tm tm = {0};
    const char *t = text;
    bool ok = strlen(t) >= 20 && t[4] == '-' && t[7] == '-' && t[10] == 'T' && t[13] == ':' &&
              t[16] == ':' && number(t, 4, 1970, 9999, &tm.tm_year) &&
              number(t + 5, 2, 1, 12, &tm.tm_mon) && number(t + 8, 2, 1, 31, &tm.tm_mday) &&
              number(t + 11, 2, 0, 23, &tm.tm_hour) && number(t + 14, 2, 0, 59, &tm.tm_min) &&
              number(t + 17, 2, 0, 60, &tm.tm_sec);
    if (!ok)
        return INT64_MIN;
    t += 19;
    if (*t == '.')
        t += 1 + strspn(t + 1, "0123456789");
    if (strcmp(t, "Z") != 0)
        return INT64_MIN;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm);
}
