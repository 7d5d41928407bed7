/* code_dot_avx512.c - int8 rows by 16-bit queries with AVX-512BW. */
#include "vector/code.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))

TARGET static inline __attribute__((always_inline)) __m512i products(const int8_t *row,
                                                                     const int16_t *q)
{
    __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)row));
    return _mm512_madd_epi16(wide, _mm512_loadu_si512(q));
}

TARGET int32_t code_dot_avx512(const int8_t *row, const int16_t *q, size_t pdim)
{
    __m512i a = _mm512_setzero_si512(), b = a;
    for (size_t i = 0; i < pdim; i += 64) {
        a = _mm512_add_epi32(a, products(row + i, q + i));
        b = _mm512_add_epi32(b, products(row + i + 32, q + i + 32));
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

#endif
