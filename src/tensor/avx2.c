/* avx2.c - the kernels for AVX2 + FMA + F16C: vectors of 8, tiles of 6 x 16.
 *
 * 6 x 16 leaves 4 of 16 registers for two vectors of b and a broadcast a. */
#include "tensor/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif

#define VL 8
#define TILE_ROWS 6

typedef __m256 vf;

/* gcc 12 folds loads into the multiply-adds and spills the sums; told in assembly, it does not
 * (10 to 15 % of a product; shared with nobody: clang is better with the intrinsic). */
#if defined(__clang__)
#define V_FMA_ACC(acc, a, b) ((acc) = _mm256_fmadd_ps((a), (b), (acc)))
#else
#define V_FMA_ACC(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b))
#endif

static inline vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}

/* The first n of 8 lanes. */
static inline __m256i first_lanes(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    size_t have = n < VL ? n : VL;
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + VL - have));
}

static inline vf v_load_n(const float *p, size_t n) /* the other lanes are 0 and not read */
{
    return _mm256_maskload_ps(p, first_lanes(n));
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    _mm256_maskstore_ps(p, first_lanes(n), x);
}

static inline vf v_keep_n(vf x, size_t n)
{
    return _mm256_and_ps(x, _mm256_castsi256_ps(first_lanes(n)));
}

static inline vf v_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline void v_store_f16(uint16_t *p, vf x)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

static inline vf v_set1(float x)
{
    return _mm256_set1_ps(x);
}

static inline vf v_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

static inline vf v_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

static inline vf v_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

static inline vf v_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

static inline vf v_fma(vf a, vf b, vf c) /* a b + c */
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c) /* c - a b */
{
    return _mm256_fnmadd_ps(a, b, c);
}

static inline vf v_min(vf a, vf b) /* b if either is NaN */
{
    return _mm256_min_ps(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_pow2(vf n) /* 2^n for whole n in [-126, 127] */
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}

static inline vf v_zero_if_less(vf x, vf than, vf value)
{
    return _mm256_andnot_ps(_mm256_cmp_ps(x, than, _CMP_LT_OQ), value);
}

static inline float v_hsum(vf x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float v_hmax(vf x)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

#include "tensor/simd.h"

static const struct kernels table = {
    .name = "avx2",
    .vector = VL,
    .tile_rows = TILE_ROWS,
    .tile_cols = 2 * VL,
    .tile_f32 = tile_f32,
    .tile_f16 = tile_f16,
    .act = act_all,
    .softmax_exp = softmax_exp,
    .layer_norm_row = layer_norm_row,
    .transpose = transpose,
    .scale = scale_all,
    .add = add_all,
    .dot = dot,
    .dot_f16 = dot_f16,
    .from_f16 = from_f16,
    .to_f16 = to_f16,
    .depthwise_row = depthwise_row,
};

const struct kernels *kernels_avx2(void)
{
    return &table;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else

const struct kernels *kernels_avx2(void)
{
    return NULL;
}

#endif
