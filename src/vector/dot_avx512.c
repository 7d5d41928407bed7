/* dot_avx512.c - fp16 x fp32 dot products with AVX-512F: dot_avx2.c with registers twice as wide.
 *
 * A file of its own rather than a macro over both, so that each can be read and stepped through. */
#include "vector/dot.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f")))
#define INLINE TARGET static inline __attribute__((always_inline))

INLINE __m512 load_half(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(const void *)p));
}

INLINE float sum_of(__m512 a, __m512 b)
{
    __m512 s = _mm512_add_ps(a, b);
    __m256 lo = _mm512_castps512_ps256(s);
    __m256 hi = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(s), 1));
    __m256 h = _mm256_add_ps(lo, hi);
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

/* One row with four queries; out [4], `step` apart. */
TARGET static void row_by_4(const uint16_t *row, const float *q, size_t stride, float *out,
                            size_t step)
{
    __m512 a0 = _mm512_setzero_ps(), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    const float *q1 = q + stride, *q2 = q1 + stride, *q3 = q2 + stride;
    for (size_t i = 0; i < stride; i += 32) {
        __m512 x = load_half(row + i), y = load_half(row + i + 16);
        a0 = _mm512_fmadd_ps(x, _mm512_load_ps(q + i), a0);
        b0 = _mm512_fmadd_ps(x, _mm512_load_ps(q1 + i), b0);
        c0 = _mm512_fmadd_ps(x, _mm512_load_ps(q2 + i), c0);
        d0 = _mm512_fmadd_ps(x, _mm512_load_ps(q3 + i), d0);
        a1 = _mm512_fmadd_ps(y, _mm512_load_ps(q + i + 16), a1);
        b1 = _mm512_fmadd_ps(y, _mm512_load_ps(q1 + i + 16), b1);
        c1 = _mm512_fmadd_ps(y, _mm512_load_ps(q2 + i + 16), c1);
        d1 = _mm512_fmadd_ps(y, _mm512_load_ps(q3 + i + 16), d1);
    }
    out[0] = sum_of(a0, a1);
    out[step] = sum_of(b0, b1);
    out[2 * step] = sum_of(c0, c1);
    out[3 * step] = sum_of(d0, d1);
}

/* Four rows with one query; out [4]. */
TARGET static void rows_4_by_1(const uint16_t *r, const float *q, size_t stride, float *out)
{
    __m512 a0 = _mm512_setzero_ps(), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    const uint16_t *r1 = r + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    for (size_t i = 0; i < stride; i += 32) {
        __m512 x = _mm512_load_ps(q + i), y = _mm512_load_ps(q + i + 16);
        a0 = _mm512_fmadd_ps(load_half(r + i), x, a0);
        b0 = _mm512_fmadd_ps(load_half(r1 + i), x, b0);
        c0 = _mm512_fmadd_ps(load_half(r2 + i), x, c0);
        d0 = _mm512_fmadd_ps(load_half(r3 + i), x, d0);
        a1 = _mm512_fmadd_ps(load_half(r + i + 16), y, a1);
        b1 = _mm512_fmadd_ps(load_half(r1 + i + 16), y, b1);
        c1 = _mm512_fmadd_ps(load_half(r2 + i + 16), y, c1);
        d1 = _mm512_fmadd_ps(load_half(r3 + i + 16), y, d1);
    }
    out[0] = sum_of(a0, a1);
    out[1] = sum_of(b0, b1);
    out[2] = sum_of(c0, c1);
    out[3] = sum_of(d0, d1);
}

TARGET static float row_by_1(const uint16_t *row, const float *q, size_t stride)
{
    __m512 a0 = _mm512_setzero_ps(), a1 = a0;
    for (size_t i = 0; i < stride; i += 32) {
        a0 = _mm512_fmadd_ps(load_half(row + i), _mm512_load_ps(q + i), a0);
        a1 = _mm512_fmadd_ps(load_half(row + i + 16), _mm512_load_ps(q + i + 16), a1);
    }
    return sum_of(a0, a1);
}

TARGET void dot_avx512(const uint16_t *rows, size_t nrows, const float *queries, size_t nq,
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
