/* milvus_text.c - bytes as text that Milvus takes, and back; and literals of its expressions.
 *
 * Paths are bytes, strings of protobuf must be UTF-8. 256 characters at the end of Unicode that nobody may use for anything stand for
 * single bytes: so the text of a name that is UTF-8, as nearly all are, is the name itself, and the order of texts is that of bytes
 * as long as they are.
 *
 * Literals are in double quotes. Milvus unquotes as Go does and knows \x and \u, milvus-lite only the six escapes that are used here;
 * all else stands for itself. There is no other way for a text into an expression. */
#include <string.h>

#include "base/utf8.h"
#include "store/milvus_text.h"

enum { BYTES = 0x10FF00, LAST = 0x10FFFF };

static int put_point(struct buf *out, uint32_t c, struct eye_err *err)
{
    const unsigned char four[] = {
        (unsigned char)(0xF0 | c >> 18), (unsigned char)(0x80 | (c >> 12 & 63)),
        (unsigned char)(0x80 | (c >> 6 & 63)), (unsigned char)(0x80 | (c & 63))};
    const unsigned char three[] = {(unsigned char)(0xE0 | c >> 12),
                                   (unsigned char)(0x80 | (c >> 6 & 63)),
                                   (unsigned char)(0x80 | (c & 63))};
    const unsigned char two[] = {(unsigned char)(0xC0 | c >> 6), (unsigned char)(0x80 | (c & 63))};
    if (c < 0x80)
        return buf_putc(out, (char)c, err);
    return c < 0x800     ? buf_append(out, two, sizeof two, err)
           : c < 0x10000 ? buf_append(out, three, sizeof three, err)
                         : buf_append(out, four, sizeof four, err);
}

int milvus_text_put(struct buf *out, const char *bytes, size_t n, struct eye_err *err)
{
    int rc = buf_puts(out, "", err);
    for (size_t i = 0; i < n && !rc;) {
        uint32_t c = 0;
        size_t len = utf8_step(bytes + i, n - i, &c);
        bool stays = len && c < BYTES;
        len = len ? len : 1;
        if (stays)
            rc = buf_append(out, bytes + i, len, err);
        for (size_t k = 0; !stays && k < len && !rc; k++)
            rc = put_point(out, BYTES + (unsigned char)bytes[i + k], err);
        i += len;
    }
    return rc;
}

int milvus_text_get(struct buf *out, const char *text, struct eye_err *err)
{
    size_t n = strlen(text);
    int rc = buf_puts(out, "", err);
    for (size_t i = 0; i < n && !rc;) {
        uint32_t c = 0;
        size_t len = utf8_step(text + i, n - i, &c);
        if (!len)
            return eye_fail(err, EYE_EFORMAT, "the server gave a text that is not UTF-8");
        rc = c >= BYTES ? buf_putc(out, (char)(c - BYTES), err)
                        : buf_append(out, text + i, len, err);
        i += len;
    }
    return rc;
}

/* Could more bytes make a character of bytes [n], which are the beginning of one at most? */
static bool could_grow(const char *bytes, size_t n)
{
    static const char *const more[] = {"\x80",         "\xbf",         "\x80\x80", "\xbf\x80",
                                       "\x80\x80\x80", "\xbf\x80\x80", "\x90\x80", "\x90\x80\x80"};
    char whole[8];
    memcpy(whole, bytes, n);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        size_t m = strlen(more[i]);
        memcpy(whole + n, more[i], m);
        if (n + m <= 4 && utf8_step(whole, n + m, NULL) == n + m)
            return true;
    }
    return false;
}

size_t milvus_text_whole(const char *bytes, size_t n)
{
    for (size_t tail = n < 3 ? n : 3; tail; tail--)
        if (could_grow(bytes + n - tail, tail))
            return n - tail;
    return n;
}

bool milvus_text_plain(const char *bytes, size_t n)
{
    for (size_t i = 0, len; i < n; i += len)
        if (!(len = utf8_step(bytes + i, n - i, NULL)))
            return false;
    return true;
}

/* ---- literals ---- */

int milvus_text_quote(struct buf *out, const char *text, struct eye_err *err)
{
    static const char plain[] = "\"\\\n\r\t", escaped[] = "\"\\nrt";
    int rc = buf_putc(out, '"', err);
    while (*text && !rc) {
        size_t n = strcspn(text, plain);
        rc = buf_append(out, text, n, err);
        text += n;
        if (*text && !rc) {
            const char pair[] = {'\\', escaped[strchr(plain, *text) - plain]};
            rc = buf_append(out, pair, sizeof pair, err);
            text++;
        }
    }
    return rc ? rc : buf_putc(out, '"', err);
}

/* The last character, at most U+10FFFF, of text [n]: where it begins. */
static size_t last_char(const char *text, size_t n)
{
    while (n && ((unsigned char)text[--n] & 0xC0) == 0x80)
        ;
    return n;
}

bool milvus_text_quote_after(struct buf *out, const char *text, int *rc, struct eye_err *err)
{
    struct buf next;
    size_t n = strlen(text);
    uint32_t c = LAST;
    while (n &&
           c >= LAST) { /* nothing comes after the last character: the one before it is raised */
        size_t at = last_char(text, n);
        if (!utf8_step(text + at, n - at, &c))
            c = LAST;
        n = at;
    }
    *rc = 0;
    if (c >= LAST)
        return false;
    c = c == 0xD7FF ? 0xE000 : c + 1;
    buf_init(&next, SIZE_MAX / 2);
    *rc = buf_append(&next, text, n, err);
    *rc = *rc ? *rc : put_point(&next, c, err);
    *rc = *rc ? *rc : milvus_text_quote(out, next.data, err);
    buf_release(&next);
    return true;
}
