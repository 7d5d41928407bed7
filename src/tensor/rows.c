/* rows.c - what towers do to single rows: norms, sums, activations, lengths, pixels. */
#include <math.h>
#include <string.h>

#include "tensor/kernels.h"

void layer_norm(const float *x, size_t m, size_t n, const float *gain, const float *bias, float eps,
                float *y)
{
    const struct kernels *k = kernels_now();
    for (size_t r = 0; r < m; r++)
        k->layer_norm_row(x + r * n, n, gain, bias, eps, y + r * n);
}

void add_rows(float *y, const float *x, size_t n)
{
    kernels_now()->add(y, x, n);
}

void mean_rows(const float *x, size_t m, size_t n, float *out)
{
    const struct kernels *k = kernels_now();
    memset(out, 0, n * sizeof *out);
    for (size_t r = 0; r < m; r++)
        k->add(out, x + r * n, n);
    if (m > 0)
        k->scale(out, n, 1.0F / (float)m);
}

void apply_act(float *x, size_t n, enum act act)
{
    kernels_now()->act(x, n, act);
}

/* In double: no float that is finite overflows when squared, and the length is exact to the last
 * bit. */
bool l2_normalise(float *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    double length = sqrt(sum);
    if (!(length > 0.0) || !isfinite(length)) {
        memset(x, 0, n * sizeof *x);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] / length);
    return true;
}

float dot_f32(const float *a, const float *b, size_t n)
{
    return kernels_now()->dot(a, b, n);
}

float dot_f32_f16(const float *a, const uint16_t *b, size_t n)
{
    return kernels_now()->dot_f16(a, b, n);
}

/* 256 values a channel are computed once, with torch's roundings (p / 255, minus mean, over
 * std). */
void pixels_normalise(const uint8_t *rgb, size_t n, const float mean[3], const float std[3],
                      float *out)
{
    float table[3][256];
    for (size_t c = 0; c < 3; c++)
        for (size_t p = 0; p < 256; p++)
            table[c][p] = ((float)p / 255.0F - mean[c]) / std[c];
    for (size_t i = 0; i < n; i++, rgb += 3, out += 3) {
        out[0] = table[0][rgb[0]];
        out[1] = table[1][rgb[1]];
        out[2] = table[2][rgb[2]];
    }
}
