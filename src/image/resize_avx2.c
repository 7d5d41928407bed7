/* resize_avx2.c - the two loops of resize.c with AVX2, giving the same integers.
 *
 * A weight has 23 bits and a pixel 8: a 32-bit multiply (vpmulld, two slow uops) would do eight
 * products. Instead each weight is split as k = hi * 2^11 + lo with 0 <= lo < 2^11, both of which
 * fit 16 bits, so vpmaddwd does sixteen products each and the halves are joined once at the end:
 * sum = (sum_hi << 11) + sum_lo. All additions wrap modulo 2^32, as does the exact result's
 * representation, and the exact sum fits 32 bits, so nothing is lost however many
 * taps there are. */
#include <immintrin.h>

#include "image/codec.h"

#define AVX2 __attribute__((target("avx2")))

enum { PRECISION = 22, LOW = 11 };

/* [4] int32 sums before rounding to 4 bytes, clamped to 0..255. */
AVX2 static inline uint32_t finish4(__m128i sum)
{
    __m128i v = _mm_srai_epi32(sum, PRECISION);
    v = _mm_packus_epi16(_mm_packs_epi32(v, v), v);
    return (uint32_t)_mm_cvtsi128_si32(v);
}

/* Four pixels of 3 bytes to 16-bit pairs: r0 r1 g0 g1 b0 b1 - - in the low lane, pixels 2 and 3
 * in the high one. */
AVX2 static inline __m256i load_pixels(const uint8_t *p)
{
    const __m256i pairs =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), pairs);
}

/* Four weights to pairs of 16 bits for load_pixels: (k0 k1) in the low lane, (k2 k3) in the high
 * one. */
struct split {
    __m256i hi, lo;
};

AVX2 static inline struct split split4(__m128i k)
{
    const __m256i spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    __m128i hi = _mm_srai_epi32(k, LOW), lo = _mm_and_si128(k, _mm_set1_epi32((1 << LOW) - 1));
    __m256i both = _mm256_castsi128_si256(_mm_packs_epi32(hi, lo)); // h0 h1 h2 h3 l0 l1 l2 l3
    const __m256i spread_lo = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    return (struct split){_mm256_permutevar8x32_epi32(both, spread),
                          _mm256_permutevar8x32_epi32(both, spread_lo)};
}

AVX2 static inline __m128i join(__m256i hi, __m256i lo)
{
    __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(hi, LOW), lo);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return _mm_add_epi32(s, _mm_set1_epi32(1 << (PRECISION - 1)));
}

/* Weights [x, x + 4) of n; those past the end are 0. */
AVX2 static inline __m128i load_weights(const int32_t *k, int left)
{
    if (left >= 4)
        return _mm_loadu_si128((const __m128i *)(const void *)k);
    int32_t some[4] = {0};
    memcpy(some, k, (size_t)left * sizeof *k);
    return _mm_loadu_si128((const __m128i *)(const void *)some);
}

/* Two rows at once share the weights. Reads up to 13 bytes past the end of each row. */
AVX2 void image_rows_avx2(const uint8_t *const rows[2], const struct resize_taps *taps,
                          uint8_t *const out[2])
{
    for (int i = 0; i < taps->count; i++) {
        size_t at = (size_t)taps->first[i] * 3;
        const uint8_t *p = rows[0] + at, *q = rows[1] + at;
        const int32_t *k = taps->k + (size_t)i * (size_t)taps->ksize;
        __m256i hi0 = _mm256_setzero_si256(), lo0 = hi0, hi1 = hi0, lo1 = hi0;
        for (int left = taps->n[i]; left > 0; left -= 4, k += 4, p += 12, q += 12) {
            struct split w = split4(load_weights(k, left));
            __m256i a = load_pixels(p), b = load_pixels(q);
            hi0 = _mm256_add_epi32(hi0, _mm256_madd_epi16(a, w.hi));
            lo0 = _mm256_add_epi32(lo0, _mm256_madd_epi16(a, w.lo));
            hi1 = _mm256_add_epi32(hi1, _mm256_madd_epi16(b, w.hi));
            lo1 = _mm256_add_epi32(lo1, _mm256_madd_epi16(b, w.lo));
        }
        uint32_t v0 = finish4(join(hi0, lo0)), v1 = finish4(join(hi1, lo1));
        memcpy(out[0] + 3 * (size_t)i, &v0, 3);
        memcpy(out[1] + 3 * (size_t)i, &v1, 3);
    }
}

/* Bytes of two rows as 16-bit pairs; the low half of each lane goes to *a, the high half to *b. */
AVX2 static inline void pair_rows(__m256i x, __m256i y, __m256i pairs[4])
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i a = _mm256_unpacklo_epi8(x, y), b = _mm256_unpackhi_epi8(x, y);
    pairs[0] = _mm256_unpacklo_epi8(a, zero);
    pairs[1] = _mm256_unpackhi_epi8(a, zero);
    pairs[2] = _mm256_unpacklo_epi8(b, zero);
    pairs[3] = _mm256_unpackhi_epi8(b, zero);
}

/* 32 columns of bytes, two input rows a step. */
AVX2 static void column32(const uint8_t *in, size_t stride, const int32_t *k, int n, uint8_t *out)
{
    __m256i hi[4], lo[4], pairs[4];
    for (int j = 0; j < 4; j++)
        hi[j] = lo[j] = _mm256_setzero_si256();
    for (int y = 0; y < n; y += 2, in += 2 * stride) {
        bool two = y + 1 < n;
        int32_t k0 = k[y], k1 = two ? k[y + 1] : 0;
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)in);
        __m256i b = two ? _mm256_loadu_si256((const __m256i *)(const void *)(in + stride)) : a;
        uint32_t h = ((uint32_t)(k0 >> LOW) & 0xffff) | (uint32_t)(k1 >> LOW) << 16;
        uint32_t l = ((uint32_t)k0 & ((1u << LOW) - 1)) | ((uint32_t)k1 & ((1u << LOW) - 1)) << 16;
        __m256i wh = _mm256_set1_epi32((int32_t)h), wl = _mm256_set1_epi32((int32_t)l);
        pair_rows(a, b, pairs);
        for (int j = 0; j < 4; j++) {
            hi[j] = _mm256_add_epi32(hi[j], _mm256_madd_epi16(pairs[j], wh));
            lo[j] = _mm256_add_epi32(lo[j], _mm256_madd_epi16(pairs[j], wl));
        }
    }
    const __m256i half = _mm256_set1_epi32(1 << (PRECISION - 1));
    for (int j = 0; j < 4; j++) {
        hi[j] = _mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(hi[j], LOW), lo[j]), half);
        hi[j] = _mm256_srai_epi32(hi[j], PRECISION);
    }
    /* The unpacks worked within 128-bit lanes, and so do the packs: the order comes out right. */
    __m256i v =
        _mm256_packus_epi16(_mm256_packs_epi32(hi[0], hi[1]), _mm256_packs_epi32(hi[2], hi[3]));
    _mm256_storeu_si256((__m256i *)(void *)out, v);
}

AVX2 void image_column_avx2(const uint8_t *in, size_t stride, const int32_t *k, int n, uint8_t *out,
                            size_t bytes)
{
    size_t i = 0;
    for (; i + 32 <= bytes; i += 32)
        column32(in + i, stride, k, n, out + i);
    if (i < bytes && bytes >= 32) { // the last ones again, overlapping
        i = bytes - 32;
        column32(in + i, stride, k, n, out + i);
        return;
    }
    for (; i < bytes; i++) {
        int32_t sum = 1 << (PRECISION - 1);
        for (int y = 0; y < n; y++)
            sum += in[(size_t)y * stride + i] * k[y];
        int32_t v = sum >> PRECISION;
        out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}
