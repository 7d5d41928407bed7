/* utf8.c - well-formed UTF-8 or not, a sequence at a time.
 *
 * Decode, then compare with the least code point that needs this many bytes: that one comparison
 * catches every overlong form, so no table of second-byte ranges is needed. */
#include "base/utf8.h"

size_t utf8_step(const char *s, size_t len, uint32_t *point)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (len == 0)
        return 0;
    unsigned char lead = (unsigned char)s[0];
    size_t n = lead < 0x80             ? 1
               : (lead & 0xe0) == 0xc0 ? 2
               : (lead & 0xf0) == 0xe0 ? 3
               : (lead & 0xf8) == 0xf0 ? 4
                                       : 0;
    if (n == 0 || n > len)
        return 0;
    uint32_t cp = n == 1 ? lead : lead & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (c & 0x3f);
    }
    if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    if (point)
        *point = cp;
    return n;
}
