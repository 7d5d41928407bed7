/* half.c - float32 to fp16 and back, for vectors on their way to and from a store.
 *
 * A few hundred numbers a picture need no kernel: plain integer arithmetic, round to nearest even. Values are within [-1, 1], but any
 * float is handled. */
#include "base/half.h"

#include <string.h>

static uint16_t to_half(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    uint32_t sign = (u >> 16) & 0x8000u, mag = u & 0x7fffffffu;
    if (mag >= 0x47800000u) { /* 65536 and up: infinity, or a NaN that stays one */
        return (uint16_t)(sign | (mag > 0x7f800000u ? 0x7e00u : 0x7c00u));
    }
    if (mag < 0x33000000u) { /* below half of the smallest subnormal */
        return (uint16_t)sign;
    }
    uint32_t exp = mag >> 23, man = (mag & 0x7fffffu) | 0x800000u;
    uint32_t shift = exp < 113 ? 126 - exp : 13; /* subnormal halves lose more bits */
    uint32_t half = exp < 113 ? man >> shift : ((exp - 112) << 10) + ((man >> 13) & 0x3ffu);
    uint32_t rest = man & ((1u << shift) - 1), mid = 1u << (shift - 1);
    if (rest > mid || (rest == mid && (half & 1u))) {
        half++; /* may carry into the exponent, which is right */
    }
    return (uint16_t)(sign | half);
}

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exp = (h >> 10) & 0x1fu, man = h & 0x3ffu, u;
    if (exp == 0) { /* zero or subnormal: man * 2^-24 */
        float x = (float)man * (1.0f / 16777216.0f);
        return sign ? -x : x;
    }
    u = sign | (exp == 31 ? 0x7f800000u : (exp + 112) << 23) | (man << 13);
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

void half_from_floats(const float *in, uint16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = to_half(in[i]);
    }
}

void half_to_floats(const uint16_t *in, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = from_half(in[i]);
    }
}
