/* code_dot_avx2.c - int8 rows by 16-bit queries with AVX2. */
#include "vector/code.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

TARGET static inline __attribute__((always_inline)) __m256i products(const int8_t *row,
                                                                     const int16_t *q)
{
    __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)row));
    return _mm256_madd_epi16(wide, _mm256_loadu_si256((const __m256i *)(const void *)q));
}

TARGET int32_t code_dot_avx2(const int8_t *row, const int16_t *q, size_t pdim)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    for (size_t i = 0; i < pdim; i += 32) {
        a = _mm256_add_epi32(a, products(row + i, q + i));
        b = _mm256_add_epi32(b, products(row + i + 16, q + i + 16));
    }
    a = _mm256_add_epi32(a, b);
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

#endif
