/* accept.c - what a client says it can read (RFC 9110, 12.5). */
#include "api/internal.h"

#include <ctype.h>
#include <strings.h>

/* The weight of a list's element, whose parameters begin at `p`: 1 unless it says q=. */
static double weight_of(const char *p, const char *end)
{
    while (p < end) {
        p += strspn(p, "; \t");
        if (end - p > 2 && (*p == 'q' || *p == 'Q') && p[1] == '=')
            return strtod(p + 2, NULL);
        p += strcspn(p, ";,");
    }
    return 1;
}

/* Weight of `name` in the list: its own, else that of "*", else -1. */
static double accepted(const char *list, const char *name)
{
    double any = -1;
    size_t len = strlen(name);
    for (const char *p = list; *p; p += *p == ',') {
        p += strspn(p, " \t");
        const char *end = p + strcspn(p, ",");
        size_t n = strcspn(p, ";, \t");
        if (n == len && strncasecmp(p, name, n) == 0)
            return weight_of(p + n, end);
        if (n == 1 && *p == '*')
            any = weight_of(p + n, end);
        p = end;
    }
    return any;
}

enum api_coding api_accept_coding(const char *accept_encoding, bool gzip, bool brotli)
{
    if (!accept_encoding)
        return CODING_RAW;
    double br = brotli ? accepted(accept_encoding, "br") : 0;
    double gz = gzip ? accepted(accept_encoding, "gzip") : 0;
    if (br > 0 && br >= gz) /* smaller, so it wins a tie */
        return CODING_BROTLI;
    return gz > 0 ? CODING_GZIP : CODING_RAW;
}

bool api_accepts_html(const char *accept)
{
    return accept && accepted(accept, "text/html") > 0;
}
