/* dot.c - the portable dot product and the choice among kernels.
 *
 * The portable one is the reference the others are tested against (their sums are ordered differently,
 * so equal up to rounding, not in bits). It keeps eight partial sums so that a plain -O2 build can use SSE2. */
#include "vector/dot.h"

#include <string.h>

enum { LANES = 8 };

/* Shift the fields into place and let one multiplication by 2^112 rebias the exponent: no branch, and
 * subnormals come out right. Infinities do not; rows that hold one are refused at the door. */
float dot_half_to_float(uint16_t h)
{
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16;
    float f;
    memcpy(&f, &magnitude, sizeof f);
    f *= 0x1p112f;
    memcpy(&magnitude, &f, sizeof f);
    magnitude |= sign;
    memcpy(&f, &magnitude, sizeof f);
    return f;
}

static float dot_one(const float *row, const float *query, size_t stride)
{
    float sum[LANES] = {0};
    for (size_t i = 0; i < stride; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            sum[j] += row[i + j] * query[i + j];
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t j = 0; j < width; j++)
            sum[j] += sum[j + width];
    return sum[0];
}

void dot_portable(const uint16_t *rows, size_t nrows, const float *queries, size_t nq,
                  size_t stride, float *scores)
{
    float part[256] = {0}; /* whole, so that an analyser sees what LANES guarantees */
    memset(scores, 0, nrows * nq * sizeof *scores);
    for (size_t r = 0; r < nrows; r++) {
        /* A row goes through in parts that are converted once for all queries. */
        for (size_t at = 0; at < stride; at += sizeof part / sizeof *part) {
            size_t left = stride - at;
            size_t len = left < sizeof part / sizeof *part ? left : sizeof part / sizeof *part;
            for (size_t i = 0; i < len; i++)
                part[i] = dot_half_to_float(rows[r * stride + at + i]);
            for (size_t q = 0; q < nq; q++)
                scores[q * nrows + r] += dot_one(part, queries + q * stride + at, len);
        }
    }
}

dot_fn *dot_kernel(enum cpu_level level)
{
#if defined(__x86_64__)
    if (level >= CPU_AVX512)
        return dot_avx512;
    if (level >= CPU_AVX2)
        return dot_avx2;
#endif
    (void)level;
    return dot_portable;
}
