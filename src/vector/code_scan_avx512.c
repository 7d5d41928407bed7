/* code_scan_avx512.c - code_scan_avx2.c with registers twice as wide: 64 bytes of codes, four groups at once. */
#include "vector/code.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { AHEAD = 4096 }; /* bytes */

/* 16-bit sums of sixteen rows: those at even bytes and at odd ones, one group in each quarter. */
struct sums {
    __m512i even, odd;
};

INLINE void widen(struct sums *s, __m512i bytes)
{
    s->even = _mm512_add_epi16(s->even, _mm512_and_si512(bytes, _mm512_set1_epi16(255)));
    s->odd = _mm512_add_epi16(s->odd, _mm512_srli_epi16(bytes, 8));
}

INLINE __m128i quarters(__m512i x)
{
    __m256i half = _mm256_add_epi16(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_add_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* Sixteen estimates to `est`; the bits of those not below the floor. */
INLINE uint32_t estimate(struct sums s, const float *factor, const struct code_query *cq,
                         float floor, float *est)
{
    __m128i even = quarters(s.even), odd = quarters(s.odd);
    __m256i sums = _mm256_set_m128i(_mm_unpackhi_epi16(even, odd), _mm_unpacklo_epi16(even, odd));
    __m512 sum = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(sums));
    __m512 x = _mm512_mul_ps(_mm512_set1_ps(cq->step), sum);
    x = _mm512_add_ps(x, _mm512_set1_ps(cq->bias));
    x = _mm512_mul_ps(_mm512_loadu_ps(factor), x);
    _mm512_storeu_ps(est, x);
    return (uint32_t)_mm512_cmp_ps_mask(x, _mm512_set1_ps(floor), _CMP_GE_OQ);
}

/* Look up 64 bytes of codes in their four tables: bytes for the first sixteen rows and the last. */
INLINE void look_up(const uint8_t *codes, const uint8_t *lut, __m512i *low, __m512i *high)
{
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i c = _mm512_loadu_si512(codes), table = _mm512_load_si512(lut);
    *low = _mm512_shuffle_epi8(table, _mm512_and_si512(c, nibble));
    *high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(c, 4), nibble));
}

INLINE void add_up(const uint8_t *block, const uint8_t *lut, size_t bytes, struct sums *low,
                   struct sums *high)
{
    low->even = low->odd = high->even = high->odd = _mm512_setzero_si512();
    for (size_t i = 0; i < bytes; i += 256) {
        __m512i l0, l1, l2, l3, h0, h1, h2, h3;
        _mm_prefetch((const char *)(block + i + AHEAD), _MM_HINT_T0);
        _mm_prefetch((const char *)(block + i + AHEAD + 64), _MM_HINT_T0);
        _mm_prefetch((const char *)(block + i + AHEAD + 128), _MM_HINT_T0);
        _mm_prefetch((const char *)(block + i + AHEAD + 192), _MM_HINT_T0);
        look_up(block + i, lut + i, &l0, &h0);
        look_up(block + i + 64, lut + i + 64, &l1, &h1);
        look_up(block + i + 128, lut + i + 128, &l2, &h2);
        look_up(block + i + 192, lut + i + 192, &l3, &h3);
        widen(low, _mm512_add_epi8(_mm512_add_epi8(l0, l1), _mm512_add_epi8(l2, l3)));
        widen(high, _mm512_add_epi8(_mm512_add_epi8(h0, h1), _mm512_add_epi8(h2, h3)));
    }
}

TARGET void code_scan_avx512(const uint8_t *blocks, const float *factors, size_t nblocks,
                             const struct code_query *cq, float floor, float *est, uint32_t *hits)
{
    size_t bytes = 4 * cq->pdim;
    for (size_t b = 0; b < nblocks; b++) {
        const float *f = factors + b * CODE_BLOCK;
        float *out = est + b * CODE_BLOCK;
        struct sums low, high;
        add_up(blocks + b * bytes, cq->lut, bytes, &low, &high);
        uint32_t bits = estimate(low, f, cq, floor, out);
        hits[b] = bits | estimate(high, f + 16, cq, floor, out + 16) << 16;
    }
}

#endif
