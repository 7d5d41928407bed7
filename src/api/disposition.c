/* disposition.c - Content-Disposition (RFC 6266, RFC 8187) for names that are any bytes.
 *
 * Old clients get `filename` in plain ASCII with what could end or escape the quoted string made an underscore; the
 * others get `filename*` in UTF-8, every other byte than a letter, digit or one of "-._~" as %XX. Nothing of a name can
 * so become another parameter or another header. Bytes that are no UTF-8 become U+FFFD there. */
#include "api/internal.h"

#include <ctype.h>

#include "base/utf8.h"

static int put_plain(struct buf *out, const char *name, struct eye_err *err)
{
    int rc = 0;
    for (const char *p = name; *p && !rc; p++) {
        unsigned char c = (unsigned char)*p;
        bool safe = c >= 0x20 && c < 0x7f && !strchr("\"\\%/;", c);
        rc = buf_putc(out, safe ? *p : '_', err);
    }
    return rc;
}

static int put_extended(struct buf *out, const char *name, struct eye_err *err)
{
    size_t left = strlen(name);
    int rc = 0;
    while (left > 0 && !rc) {
        size_t n = utf8_step(name, left, NULL);
        if (n == 0) {
            rc = buf_puts(out, "%EF%BF%BD", err);
            n = 1;
        } else if (n == 1 && (isalnum((unsigned char)*name) || strchr("-._~", *name))) {
            rc = buf_putc(out, *name, err);
        } else {
            for (size_t i = 0; i < n && !rc; i++)
                rc = buf_printf(out, err, "%%%02X", (unsigned)(unsigned char)name[i]);
        }
        name += n;
        left -= n;
    }
    return rc;
}

int api_disposition(struct buf *out, bool attachment, const char *name, struct eye_err *err)
{
    int rc = buf_puts(out, attachment ? "attachment; filename=\"" : "inline; filename=\"", err);
    if (!rc)
        rc = put_plain(out, name, err);
    if (!rc)
        rc = buf_puts(out, "\"; filename*=UTF-8''", err);
    return rc ? rc : put_extended(out, name, err);
}
