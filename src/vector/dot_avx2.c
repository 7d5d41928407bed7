/* dot_avx2.c - fp16 x fp32 dot products with AVX2, FMA and F16C.
 *
 * One query is bound by memory, several by the multipliers: four rows a time for one query gives eight independent
 * sums (FMA latency 4, two a cycle); one row a time for four queries converts each row once for the
 * four. Both give a pair two sums over alternating groups of eight, so their bits agree. */
#include "vector/dot.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define INLINE TARGET static inline __attribute__((always_inline))

INLINE __m256 load_half(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(const void *)p));
}

INLINE float sum_of(__m256 a, __m256 b)
{
    __m256 s = _mm256_add_ps(a, b);
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

/* One row with four queries; out [4], `step` apart. */
TARGET static void row_by_4(const uint16_t *row, const float *q, size_t stride, float *out,
                            size_t step)
{
    __m256 a0 = _mm256_setzero_ps(), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    const float *q1 = q + stride, *q2 = q1 + stride, *q3 = q2 + stride;
    for (size_t i = 0; i < stride; i += 16) {
        __m256 x = load_half(row + i), y = load_half(row + i + 8);
        a0 = _mm256_fmadd_ps(x, _mm256_load_ps(q + i), a0);
        b0 = _mm256_fmadd_ps(x, _mm256_load_ps(q1 + i), b0);
        c0 = _mm256_fmadd_ps(x, _mm256_load_ps(q2 + i), c0);
        d0 = _mm256_fmadd_ps(x, _mm256_load_ps(q3 + i), d0);
        a1 = _mm256_fmadd_ps(y, _mm256_load_ps(q + i + 8), a1);
        b1 = _mm256_fmadd_ps(y, _mm256_load_ps(q1 + i + 8), b1);
        c1 = _mm256_fmadd_ps(y, _mm256_load_ps(q2 + i + 8), c1);
        d1 = _mm256_fmadd_ps(y, _mm256_load_ps(q3 + i + 8), d1);
    }
    out[0] = sum_of(a0, a1);
    out[step] = sum_of(b0, b1);
    out[2 * step] = sum_of(c0, c1);
    out[3 * step] = sum_of(d0, d1);
}

/* Four rows with one query; out [4]. */
TARGET static void rows_4_by_1(const uint16_t *r, const float *q, size_t stride, float *out)
{
    __m256 a0 = _mm256_setzero_ps(), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    const uint16_t *r1 = r + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    for (size_t i = 0; i < stride; i += 16) {
        __m256 x = _mm256_load_ps(q + i), y = _mm256_load_ps(q + i + 8);
        a0 = _mm256_fmadd_ps(load_half(r + i), x, a0);
        b0 = _mm256_fmadd_ps(load_half(r1 + i), x, b0);
        c0 = _mm256_fmadd_ps(load_half(r2 + i), x, c0);
        d0 = _mm256_fmadd_ps(load_half(r3 + i), x, d0);
        a1 = _mm256_fmadd_ps(load_half(r + i + 8), y, a1);
        b1 = _mm256_fmadd_ps(load_half(r1 + i + 8), y, b1);
        c1 = _mm256_fmadd_ps(load_half(r2 + i + 8), y, c1);
        d1 = _mm256_fmadd_ps(load_half(r3 + i + 8), y, d1);
    }
    out[0] = sum_of(a0, a1);
    out[1] = sum_of(b0, b1);
    out[2] = sum_of(c0, c1);
    out[3] = sum_of(d0, d1);
}

TARGET static float row_by_1(const uint16_t *row, const float *q, size_t stride)
{
    __m256 a0 = _mm256_setzero_ps(), a1 = a0;
    for (size_t i = 0; i < stride; i += 16) {
        a0 = _mm256_fmadd_ps(load_half(row + i), _mm256_load_ps(q + i), a0);
        a1 = _mm256_fmadd_ps(load_half(row + i + 8), _mm256_load_ps(q + i + 8), a1);
    }
    return sum_of(a0, a1);
}

TARGET void dot_avx2(const uint16_t *rows, size_t nrows, const float *queries, size_t nq,
                     size_t stride, float *scores)
{
    size_t q = 0;
    for (; q + 4 <= nq; q += 4)
        for (size_t r = 0; r < nrows; r++)
            row_by_4(rows + r * stride, queries + q * stride, stride, scores + q * nrows + r,
                     nrows);
    for (; q < nq; q++) {
        const float *query = queries + q * stride;
        float *out = scores + q * nrows;
        size_t r = 0;
        for (; r + 4 <= nrows; r += 4)
            rows_4_by_1(rows + r * stride, query, stride, out + r);
        for (; r < nrows; r++)
            out[r] = row_by_1(rows + r * stride, query, stride);
    }
}

#endif
