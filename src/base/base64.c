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

/* 0..63, or -1. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters to at most three bytes; how many, or -1. Padding only where `last`. */
static int decode_four(const char *text, bool last, uint8_t out[3])
{
    int pad = last && text[3] == '=' ? (text[2] == '=' ? 2 : 1) : 0;
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int six = i < 4 - pad ? value_of(text[i]) : 0;
        if (six < 0)
            return -1;
        v = v << 6 | (uint32_t)six;
    }
    if (v & (pad == 2 ? 0xffffu : pad == 1 ? 0xffu : 0))
        return -1;
    out[0] = (uint8_t)(v >> 16);
    out[1] = (uint8_t)(v >> 8 & 255);
    out[2] = (uint8_t)(v & 255);
    return 3 - pad;
}

int base64_decode(const char *text, size_t len, struct buf *out, struct eye_err *err)
{
    int rc = len % 4 == 0 ? buf_reserve(out, len / 4 * 3, err)
                          : eye_fail(err, EYE_EFORMAT, "base64 of %zu characters is cut off", len);
    for (size_t i = 0; rc == 0 && i < len; i += 4) {
        uint8_t three[3];
        int n = decode_four(text + i, i + 4 == len, three);
        rc = n < 0 ? eye_fail(err, EYE_EFORMAT, "not base64 at character %zu", i + 1)
                   : buf_append(out, three, (size_t)n, err);
    }
    return rc;
}
