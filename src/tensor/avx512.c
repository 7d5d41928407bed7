/* avx512.c - the kernels for AVX-512 (f, bw, dq, vl): vectors of 16, tiles of 8 x 32.
 *
 * 32 registers would carry 12 x 32; 8 x 32 already hides the latency (16 sums, 8 needed) and splits
 * 50 rows (a ViT-B/32 picture) more evenly. */
#include "tensor/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))),                   \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#endif

#define VL 16
#define TILE_ROWS 8

typedef __m512 vf;

/* Why assembly for gcc: see avx2.c. */
#if defined(__clang__)
#define V_FMA_ACC(acc, a, b) ((acc) = _mm512_fmadd_ps((a), (b), (acc)))
#else
#define V_FMA_ACC(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))
#endif

static inline vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}

/* The first n of 16 lanes. */
static inline __mmask16 first_lanes(size_t n)
{
    return (__mmask16)(n < VL ? (1U << n) - 1U : 0xffffU);
}

static inline vf v_load_n(const float *p, size_t n) /* the other lanes are 0 and not read */
{
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    _mm512_mask_storeu_ps(p, first_lanes(n), x);
}

static inline vf v_keep_n(vf x, size_t n)
{
    return _mm512_maskz_mov_ps(first_lanes(n), x);
}

static inline vf v_load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline void v_store_f16(uint16_t *p, vf x)
{
    __m256i h = _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256((__m256i *)(void *)p, h);
}

static inline vf v_set1(float x)
{
    return _mm512_set1_ps(x);
}

static inline vf v_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

static inline vf v_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

static inline vf v_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

static inline vf v_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

static inline vf v_fma(vf a, vf b, vf c) /* a b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c) /* c - a b */
{
    return _mm512_fnmadd_ps(a, b, c);
}

static inline vf v_min(vf a, vf b) /* b if either is NaN */
{
    return _mm512_min_ps(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf v_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_pow2(vf n) /* 2^n for whole n in [-126, 127] */
{
    __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
}

static inline vf v_zero_if_less(vf x, vf than, vf value)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, than, _CMP_NLT_UQ), value);
}

static inline float v_hsum(vf x)
{
    return _mm512_reduce_add_ps(x);
}

static inline float v_hmax(vf x)
{
    return _mm512_reduce_max_ps(x);
}

#include "tensor/simd.h"

static const struct kernels table = {
    .name = "avx512",
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

const struct kernels *kernels_avx512(void)
{
    return &table;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else

const struct kernels *kernels_avx512(void)
{
    return NULL;
}

#endif
