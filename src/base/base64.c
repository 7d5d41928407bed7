/* base64.c - RFC 4648 section 4: standard alphabet, padded. */
#include "base/base64.h"

#include <stdint.h>

int base64_encode(const void *data, size_t len, struct buf *out, struct eye_err *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = data;
    size_t bytes;
    if (!size_mul(len / 3 + (len % 3 != 0), 4, &bytes))
        return eye_fail(err, EYE_ELIMIT, "%zu bytes are too many for base64", len);
    int rc = buf_reserve(out, bytes, err);
    for (size_t i = 0; rc == 0 && i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (have > 2 ? in[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], have > 1 ? digits[v >> 6 & 63] : '=',
                        have > 2 ? digits[v & 63] : '='};
        rc = buf_append(out, four, sizeof four, err);
    }
    return rc;
}
