/* ranges.c - what of a file goes out: all, a piece, or nothing because the client has it.
 *
 * RFC 9110, 13 and 14. One range only: several would need a multipart reply that no browser asks for with pictures, and
 * may be answered with the whole file. A Range that is not understood is ignored, as the RFC asks. Dates are read
 * in the one form that is sent since 1998; others count as not sent. */
#include "http/ranges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http_date_text(int64_t t, char text[40])
{
    time_t when = (time_t)t;
    struct tm tm = {0};
    gmtime_r(&when, &tm);
    snprintf(text, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[tm.tm_wday], tm.tm_mday,
             MONTHS[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The number that `n` digits at `at` make; -1: other characters stand there. */
static int fixed_digits(const char *text, int at, int n)
{
    int value = 0;
    for (int i = at; i < at + n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT": everything has its place. The day's name tells nothing new. */
int64_t http_date_parse(const char *text)
{
    static const char form[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    static const int fixed[] = {3, 4, 7, 11, 16, 19, 22, 25, 26, 27, 28};
    if (strlen(text) != sizeof form - 1)
        return -1;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (text[fixed[i]] != form[fixed[i]])
            return -1;
    struct tm tm = {.tm_mday = fixed_digits(text, 5, 2),
                    .tm_year = fixed_digits(text, 12, 4) - 1900,
                    .tm_hour = fixed_digits(text, 17, 2),
                    .tm_min = fixed_digits(text, 20, 2),
                    .tm_sec = fixed_digits(text, 23, 2)};
    if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 0 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
        tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
        return -1;
    for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
        if (strncmp(text + 8, MONTHS[tm.tm_mon], 3) == 0)
            return (int64_t)timegm(&tm);
    return -1;
}

/* The next entity tag of a list: its text without quotes; NULL at the end or where it is malformed. */
static const char *next_etag(const char *p, size_t *len, const char **rest)
{
    p += strspn(p, ", \t");
    if (strncmp(p, "W/", 2) == 0)
        p += 2;
    if (*p != '"')
        return NULL;
    const char *end = strchr(p + 1, '"');
    if (!end)
        return NULL;
    *len = (size_t)(end - p - 1);
    *rest = end + 1;
    return p + 1;
}

bool http_etag_listed(const char *list, const char *etag)
{
    size_t len, want = strlen(etag);
    const char *tag;
    if (strcmp(list, "*") == 0)
        return true;
    while ((tag = next_etag(list, &len, &list)) != NULL)
        if (len == want && memcmp(tag, etag, len) == 0)
            return true;
    return false;
}

/* Does the client's piece belong to what we have now? */
static bool range_fits(const char *if_range, const char *etag, int64_t mtime)
{
    size_t len;
    const char *rest, *tag;
    if (!if_range)
        return true;
    if (*if_range != '"') /* a weak tag never fits */
        return mtime > 0 && http_date_parse(if_range) == mtime;
    tag = next_etag(if_range, &len, &rest);
    return tag && etag && len == strlen(etag) && memcmp(tag, etag, len) == 0;
}

/* Digits only; false when there are none. Too large a number is the largest. */
static bool read_number(const char **p, uint64_t *out)
{
    if (**p < '0' || **p > '9')
        return false;
    char *end;
    errno = 0;
    *out = strtoull(*p, &end, 10);
    *p = end;
    return true;
}

static struct http_range read_range(const char *p, uint64_t size)
{
    const struct http_range whole = {200, 0, size}, never = {416, 0, 0};
    uint64_t from = 0, to = UINT64_MAX;
    if (strncmp(p, "bytes=", 6) != 0)
        return whole;
    p += 6;
    bool has_from = read_number(&p, &from);
    if (*p++ != '-')
        return whole;
    bool has_to = read_number(&p, &to);
    if (*p || (!has_from && !has_to) || (has_from && has_to && to < from))
        return whole;
    if (!has_from) { /* the last `to` bytes */
        uint64_t n = to < size ? to : size;
        return n == 0 ? never : (struct http_range){206, size - n, n};
    }
    if (from >= size)
        return never;
    if (to >= size)
        to = size - 1;
    return (struct http_range){206, from, to - from + 1};
}

struct http_range http_range_decide(const struct http_conditions *c, const char *etag,
                                    int64_t mtime, uint64_t size)
{
    const struct http_range whole = {200, 0, size}, unchanged = {304, 0, 0};
    if (c->if_none_match) {
        if (etag && http_etag_listed(c->if_none_match, etag))
            return unchanged;
    } else if (c->if_modified_since && mtime > 0) {
        int64_t since = http_date_parse(c->if_modified_since);
        if (since >= mtime)
            return unchanged;
    }
    if (!c->range || !range_fits(c->if_range, etag, mtime))
        return whole;
    return read_range(c->range, size);
}
