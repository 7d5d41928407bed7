/* code_avx2.c - what encoding is made of, with AVX2: operation for operation what rotate.c and code.c do, so the same bits.
 *
 * Without FMA in the target, nothing can be fused. Encoding is not what a build waits for (some 2 us a row of 512), but portable
 * code takes four times as long. */
#include "vector/code.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET static inline __attribute__((always_inline))

INLINE float sum_of(__m256 s)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

INLINE __m256 magnitude(__m256 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

/* The three steps of a transform that stay within eight numbers; a - b is a + -b. */
INLINE __m256 mix_8(__m256 x)
{
    const __m256 odd = _mm256_setr_ps(0, -0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f);
    const __m256 second = _mm256_setr_ps(0, 0, -0.0f, -0.0f, 0, 0, -0.0f, -0.0f);
    const __m256 high = _mm256_setr_ps(0, 0, 0, 0, -0.0f, -0.0f, -0.0f, -0.0f);
    x = _mm256_add_ps(_mm256_moveldup_ps(x), _mm256_xor_ps(_mm256_movehdup_ps(x), odd));
    __m256 a = _mm256_permute_ps(x, 0x44), b = _mm256_permute_ps(x, 0xee);
    x = _mm256_add_ps(a, _mm256_xor_ps(b, second));
    a = _mm256_permute2f128_ps(x, x, 0x00);
    b = _mm256_permute2f128_ps(x, x, 0x11);
    return _mm256_add_ps(a, _mm256_xor_ps(b, high));
}

/* Two steps at once, of width h and 2 h: half the loads and stores. */
INLINE void mix_4(float *x, size_t h)
{
    __m256 a = _mm256_loadu_ps(x), b = _mm256_loadu_ps(x + h);
    __m256 c = _mm256_loadu_ps(x + 2 * h), d = _mm256_loadu_ps(x + 3 * h);
    __m256 ab = _mm256_add_ps(a, b), a_b = _mm256_sub_ps(a, b);
    __m256 cd = _mm256_add_ps(c, d), c_d = _mm256_sub_ps(c, d);
    _mm256_storeu_ps(x, _mm256_add_ps(ab, cd));
    _mm256_storeu_ps(x + h, _mm256_add_ps(a_b, c_d));
    _mm256_storeu_ps(x + 2 * h, _mm256_sub_ps(ab, cd));
    _mm256_storeu_ps(x + 3 * h, _mm256_sub_ps(a_b, c_d));
}

TARGET void rotate_mix_avx2(float *x, size_t n)
{
    for (size_t i = 0; i < n; i += 8)
        _mm256_storeu_ps(x + i, mix_8(_mm256_loadu_ps(x + i)));
    size_t h = 8;
    for (; 4 * h <= n; h *= 4)
        for (size_t i = 0; i < n; i += 4 * h)
            for (size_t j = i; j < i + h; j += 8)
                mix_4(x + j, h);
    if (h < n)
        for (size_t j = 0; j < h; j += 8) {
            __m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + h);
            _mm256_storeu_ps(x + j, _mm256_add_ps(a, b));
            _mm256_storeu_ps(x + j + h, _mm256_sub_ps(a, b));
        }
}

TARGET void code_signs_avx2(const float *r, size_t pdim, uint8_t *bits, float *factor)
{
    __m256 squares = _mm256_setzero_ps(), sums = squares, zero = squares;
    for (size_t i = 0; i < pdim; i += 8) {
        __m256 x = _mm256_loadu_ps(r + i);
        squares = _mm256_add_ps(squares, _mm256_mul_ps(x, x));
        sums = _mm256_add_ps(sums, magnitude(x));
        bits[i / 8] = (uint8_t)_mm256_movemask_ps(_mm256_cmp_ps(x, zero, _CMP_GT_OQ));
    }
    float sum = sum_of(sums), square = sum_of(squares);
    *factor = sum > 0 ? square / sum : 0;
}

TARGET float code_reach_avx2(const float *x, size_t pdim)
{
    __m256 most = _mm256_setzero_ps();
    for (size_t i = 0; i < pdim; i += 8)
        most = _mm256_max_ps(most, magnitude(_mm256_loadu_ps(x + i)));
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

TARGET void code_round_avx2(const float *x, size_t pdim, float inv, float scale, int8_t *row,
                            float *error, float *square)
{
    const __m256 whole = _mm256_set1_ps(0x1.8p23f);
    const __m256 by = _mm256_set1_ps(inv), back = _mm256_set1_ps(scale);
    __m256 errors = _mm256_setzero_ps(), squares = errors;
    for (size_t i = 0; i < pdim; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);
        __m256 rounded = _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(v, by), whole), whole);
        __m256 off = _mm256_sub_ps(v, _mm256_mul_ps(rounded, back));
        errors = _mm256_add_ps(errors, _mm256_mul_ps(off, off));
        squares = _mm256_add_ps(squares, _mm256_mul_ps(v, v));
        __m256i whole_32 = _mm256_cvttps_epi32(rounded);
        __m128i whole_16 = _mm_packs_epi32(_mm256_castsi256_si128(whole_32),
                                           _mm256_extracti128_si256(whole_32, 1));
        _mm_storel_epi64((__m128i *)(void *)(row + i), _mm_packs_epi16(whole_16, whole_16));
    }
    *error = sum_of(errors);
    *square = sum_of(squares);
}

#endif
