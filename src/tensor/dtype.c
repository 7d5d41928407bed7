/* dtype.c - stored numbers of 32 and 16 bits, and the conversions between them.
 *
 * The scalar fp16 conversions below are the reference; vectors of numbers go through the kernels,
 * which use the processor's own instructions. Both give the same bits for every input, signalling
 * NaNs included (they come out quiet, as vcvtph2ps and vcvtps2ph do it). */
#include <string.h>

#include "tensor/kernels.h"

size_t dtype_size(enum dtype t)
{
    return t == DT_F32 ? 4 : 2;
}

size_t tensor_count(const struct tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->ndim; i++)
        n *= t->shape[i];
    return n;
}

struct tensor tensor_rows(const struct tensor *t, size_t from, size_t n)
{
    struct tensor view = *t;
    size_t row = 1;
    for (int i = 1; i < t->ndim; i++)
        row *= t->shape[i];
    view.shape[0] = n;
    view.data = (const char *)t->data + from * row * dtype_size(t->dtype);
    return view;
}

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000U) << 16;
    uint32_t exponent = (h >> 10) & 0x1fU, mantissa = h & 0x3ffU;
    if (exponent == 0x1f) /* infinity, NaN (made quiet) */
        return float_of(sign | 0x7f800000U | (mantissa ? 0x400000U | mantissa << 13 : 0));
    if (exponent == 0) { /* zero, subnormal: mantissa * 2^-24, exact */
        float f = (float)mantissa * 0x1p-24F;
        return sign ? -f : f;
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t f32_to_f16(float x)
{
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000U, mag = bits & 0x7fffffffU;
    uint32_t h;
    if (mag > 0x7f800000U)
        h = 0x7e00U | (mag >> 13 & 0x3ffU);
    else if (mag >= 0x477ff000U) /* 65520 and more round to infinity */
        h = 0x7c00U;
    else if (mag >= 0x38800000U) /* normal: add half a unit, ties to the even one */
        h = (mag - 0x38000000U + 0xfffU + (mag >> 13 & 1U)) >> 13;
    else /* subnormal: let an addition whose unit is 2^-24 do the rounding */
        h = bits_of(float_of(mag) + 0.5F) - bits_of(0.5F);
    return (uint16_t)(sign | h);
}

float kernels_f16_at(const void *base, size_t i)
{
    uint16_t h;
    memcpy(&h, (const char *)base + 2 * i, sizeof h);
    return f16_to_f32(h);
}

void f16_to_f32_n(const uint16_t *in, float *out, size_t n)
{
    kernels_now()->from_f16(in, out, n);
}

void f32_to_f16_n(const float *in, uint16_t *out, size_t n)
{
    kernels_now()->to_f16(in, out, n);
}

void tensor_to_f32(const struct tensor *t, size_t from, size_t n, float *out)
{
    if (n == 0)
        return;
    const char *src = (const char *)t->data + from * dtype_size(t->dtype);
    switch (t->dtype) {
    case DT_F32: memcpy(out, src, n * sizeof *out); break;
    case DT_F16: kernels_now()->from_f16(src, out, n); break;
    case DT_BF16:
        for (size_t i = 0; i < n; i++) {
            uint16_t h;
            memcpy(&h, src + 2 * i, sizeof h);
            out[i] = float_of((uint32_t)h << 16);
        }
        break;
    }
}
