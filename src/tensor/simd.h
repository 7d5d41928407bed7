/* simd.h - the kernels, written once over a vector type; avx2.c and avx512.c include this file
 * after they have defined the type `vf` (VL floats) and its operations v_*. No guard: a part of
 * those files.
 *
 * The shape of each loop is fixed by constants and forced inline, so each instance is straight
 * code with its sums in registers. What was tried: docs/perf/kernels.md. */

#define INLINE static inline __attribute__((always_inline))

/* Loops below with constant bounds have to disappear, or the arrays of sums live in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Depthwise outputs side by side: 7 divides every width of a network for 224 pixels (7 to 112),
 * 4 most others. */
enum { DW_OUTS_MAX = 7, DW_OUTS_FEW = 4 };

/* ---- tiles of a matrix product ---- */

INLINE void tile_step(vf acc[TILE_ROWS][2], const float *const a[TILE_ROWS], size_t p,
                      const char *b, int rows, int nv, bool half)
{
    vf bv[2];
    UNROLL for (int v = 0; v < nv; v++) bv[v] =
        half ? v_load_f16(b + v * VL * 2) : v_load((const float *)(const void *)b + v * VL);
    UNROLL for (int r = 0; r < rows; r++)
    {
        vf av = v_set1(a[r][p]);
        UNROLL for (int v = 0; v < nv; v++) V_FMA_ACC(acc[r][v], av, bv[v]);
    }
}

INLINE void tile_store(const struct tile *t, float *c, const float *residual, vf acc[TILE_ROWS][2],
                       int rows, int nv)
{
    vf lo = v_set1(t->lo), hi = v_set1(t->hi);
    const size_t ldc = t->ldc;
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int v = 0; v < nv; v++)
        {
            size_t at = (size_t)r * ldc + (size_t)(v * VL);
            vf x = acc[r][v];
            if (t->finish) {
                x = v_min(hi, v_max(lo, x)); /* in this order NaN stays NaN */
                if (residual)
                    x = v_add(x, v_load(residual + at));
            }
            v_store(c + at, x);
        }
    }
}

/* One tile; `step` is what `ahead` moves by at each line it fetches (0: not at all). */
INLINE void tile_one(const struct tile *t, const float *top, const float *start, const char *ahead,
                     size_t step, float *c, const float *residual, int rows, int nv, bool half)
{
    vf acc[TILE_ROWS][2];
    const float *a[TILE_ROWS];
    UNROLL for (int r = 0; r < rows; r++)
    {
        a[r] = top + (size_t)r * t->lda;
        UNROLL for (int v = 0; v < nv; v++) acc[r][v] =
            v_load(start + (size_t)r * t->start_ld + v * VL);
    }
    const char *b = t->b;
    const size_t bytes = (size_t)nv * VL * (half ? 2 : 4), k = t->k;
    size_t p = 0;
    for (; p + TILE_AHEAD_EVERY <= k; p += TILE_AHEAD_EVERY) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += step;
        UNROLL for (int i = 0; i < TILE_AHEAD_EVERY; i++)
            tile_step(acc, a, p + (size_t)i, b + (size_t)i * bytes, rows, nv, half);
        b += TILE_AHEAD_EVERY * bytes;
    }
    for (; p < k; p++, b += bytes)
        tile_step(acc, a, p, b, rows, nv, half);
    tile_store(t, c, residual, acc, rows, nv);
}

INLINE void tile_run(const struct tile *t, int rows, int nv, bool half)
{
    const float *a = t->a, *start = t->start, *residual = t->residual;
    const size_t fetched = t->k / TILE_AHEAD_EVERY * 64, tiles = t->tiles, high = (size_t)rows;
    float *c = t->c;
    for (size_t i = 0; i < tiles; i++) {
        bool fetch = i < t->ahead_tiles;
        tile_one(t, a, start, fetch ? t->ahead + i * fetched : (const char *)a, fetch ? 64 : 0, c,
                 residual, rows, nv, half);
        a += high * t->lda;
        start += high * t->start_ld;
        c += high * t->ldc;
        residual += residual ? high * t->ldc : 0;
    }
}

#define TILE(rows)                                                                                 \
    static void tile_f32_half_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_run(t, rows, 1, false);                                                               \
    }                                                                                              \
    static void tile_f32_full_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_run(t, rows, 2, false);                                                               \
    }                                                                                              \
    static void tile_f16_half_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_run(t, rows, 1, true);                                                                \
    }                                                                                              \
    static void tile_f16_full_##rows(const struct tile *t)                                         \
    {                                                                                              \
        tile_run(t, rows, 2, true);                                                                \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#if TILE_ROWS == 8
TILE(7)
TILE(8)
#define TILES(kind) kind##1, kind##2, kind##3, kind##4, kind##5, kind##6, kind##7, kind##8
#else
#define TILES(kind) kind##1, kind##2, kind##3, kind##4, kind##5, kind##6
#endif
static tile_fn *const tile_f32[2][TILE_ROWS_MAX] = {{TILES(tile_f32_half_)},
                                                    {TILES(tile_f32_full_)}};
static tile_fn *const tile_f16[2][TILE_ROWS_MAX] = {{TILES(tile_f16_half_)},
                                                    {TILES(tile_f16_full_)}};

/* ---- functions of a number ---- */

/* e^r for |r| <= ln 2 / 2: Taylor's series to r^7, whose rest is below 6e-9. */
INLINE vf v_exp_near(vf r)
{
    vf e = v_set1(1.0F / 5040.0F);
    e = v_fma(e, r, v_set1(1.0F / 720.0F));
    e = v_fma(e, r, v_set1(1.0F / 120.0F));
    e = v_fma(e, r, v_set1(1.0F / 24.0F));
    e = v_fma(e, r, v_set1(1.0F / 6.0F));
    e = v_fma(e, r, v_set1(0.5F));
    e = v_fma(e, r, v_set1(1.0F));
    return v_fma(e, r, v_set1(1.0F));
}

/* x = n ln 2 + r: r, with ln 2 in two parts (Cody and Waite) so that n ln 2 is exact to the last
 * bit. */
INLINE vf v_exp_rest(vf x, vf n)
{
    return v_fnma(n, v_set1(-2.12194440e-4F), v_fnma(n, v_set1(0.693359375F), x));
}

/* e^x, relative error below 2e-7; 0 below -87.3, infinity above 88.7, NaN for NaN. */
INLINE vf v_exp(vf x)
{
    vf in = v_min(v_set1(88.8F), v_max(v_set1(-88.0F), x));
    vf n = v_round(v_mul(in, v_set1(1.44269504F)));
    vf e = v_exp_near(v_exp_rest(in, n));
    vf n1 = v_round(v_mul(n, v_set1(0.5F))); /* n reaches 128: 2^n in two halves */
    e = v_mul(v_mul(e, v_pow2(n1)), v_pow2(v_sub(n, n1)));
    return v_zero_if_less(x, v_set1(-87.3F), e);
}

/* The same for x <= 0, in fewer steps. */
INLINE vf v_exp_negative(vf x)
{
    vf in = v_max(v_set1(-87.3F), x);
    vf n = v_round(v_mul(in, v_set1(1.44269504F)));
    vf e = v_mul(v_exp_near(v_exp_rest(in, n)), v_pow2(n));
    return v_zero_if_less(x, v_set1(-87.3F), e);
}

/* erf(x) = x P(x^2) / Q(x^2) on |x| <= 3.95, beyond which it is 1 within 3e-8. Own fit
 * (tools/golden/ fit_erf.py: least squares reweighted towards the least maximum): 1.8e-8 in
 * exact arithmetic, 3.6e-7 here. */
INLINE vf v_erf(vf x)
{
    x = v_min(v_set1(3.95F), v_max(v_set1(-3.95F), x));
    vf t = v_mul(x, x);
    vf p = v_set1(2.0117381609452423e-06F);
    p = v_fma(p, t, v_set1(0.00028760129714198410F));
    p = v_fma(p, t, v_set1(0.003917341120541096F));
    p = v_fma(p, t, v_set1(0.05320712924003601F));
    p = v_fma(p, t, v_set1(0.19403623044490814F));
    p = v_fma(p, t, v_set1(1.128378987312317F));
    vf q = v_set1(3.7839694414287806e-05F);
    q = v_fma(q, t, v_set1(0.0011982065625488758F));
    q = v_fma(q, t, v_set1(0.015270747244358063F));
    q = v_fma(q, t, v_set1(0.11559097468852997F));
    q = v_fma(q, t, v_set1(0.5052916407585144F));
    q = v_fma(q, t, v_set1(1.0F));
    return v_min(v_set1(1.0F), v_max(v_set1(-1.0F), v_div(v_mul(x, p), q)));
}

INLINE vf v_act(vf x, enum act act)
{
    vf half = v_mul(x, v_set1(0.5F));
    switch (act) {
    case ACT_GELU: return v_fma(half, v_erf(v_mul(x, v_set1(0.70710678F))), half);
    case ACT_QUICK_GELU: return v_div(x, v_add(v_set1(1.0F), v_exp(v_mul(x, v_set1(-1.702F)))));
    case ACT_RELU: return v_max(v_set1(0.0F), x);
    case ACT_RELU6: return v_min(v_set1(6.0F), v_max(v_set1(0.0F), x));
    case ACT_NONE: break;
    }
    return x;
}

INLINE void act_loop(float *x, size_t n, enum act act)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(x + i, v_act(v_load(x + i), act));
    if (i < n)
        v_store_n(x + i, v_act(v_load_n(x + i, n - i), act), n - i);
}

static void act_all(float *x, size_t n, enum act act)
{
    switch (act) {
    case ACT_GELU: act_loop(x, n, ACT_GELU); break;
    case ACT_QUICK_GELU: act_loop(x, n, ACT_QUICK_GELU); break;
    case ACT_RELU: act_loop(x, n, ACT_RELU); break;
    case ACT_RELU6: act_loop(x, n, ACT_RELU6); break;
    case ACT_NONE: break;
    }
}

/* ---- rows ---- */

/* Lanes past n get minus infinity first, so that all vectors are whole: e to that is an exact
 * zero. */
static float softmax_exp(float *x, size_t n, size_t padded, float scale)
{
    const size_t whole = (n + VL - 1) / VL * VL;
    vf most = v_set1(-INFINITY), sum = v_set1(0.0F), by = v_set1(scale);
    for (size_t i = n; i < whole; i++)
        x[i] = -INFINITY;
    for (size_t i = 0; i < whole; i += VL)
        most = v_max(most, v_load(x + i));
    vf top = v_set1(v_hmax(most));
    for (size_t i = 0; i < whole; i += VL) {
        vf e = v_exp_negative(v_mul(v_sub(v_load(x + i), top), by));
        sum = v_add(sum, e);
        v_store(x + i, e);
    }
    for (size_t i = whole; i < padded; i++)
        x[i] = 0.0F;
    return v_hsum(sum);
}

/* Squares of 4 x 4 in the 128-bit registers that every level has; the rest number by number. */
static void transpose(const float *in, size_t ld, size_t rows, size_t n, float *out, size_t out_ld)
{
    for (size_t j = 0; j < rows; j += 4) {
        size_t high = rows - j < 4 ? rows - j : 4, i = 0;
        const float *x = in + j * ld;
        for (; high == 4 && i + 4 <= n; i += 4) {
            __m128 r0 = _mm_loadu_ps(x + i), r1 = _mm_loadu_ps(x + ld + i);
            __m128 r2 = _mm_loadu_ps(x + 2 * ld + i), r3 = _mm_loadu_ps(x + 3 * ld + i);
            _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
            float *y = out + i * out_ld + j;
            _mm_storeu_ps(y, r0);
            _mm_storeu_ps(y + out_ld, r1);
            _mm_storeu_ps(y + 2 * out_ld, r2);
            _mm_storeu_ps(y + 3 * out_ld, r3);
        }
        for (; i < n; i++)
            for (size_t r = 0; r < high; r++)
                out[i * out_ld + j + r] = x[r * ld + i];
    }
}

/* Two passes: the mean, then the squares of what is left of x without it. */
static void layer_norm_row(const float *x, size_t n, const float *gain, const float *bias,
                           float eps, float *y)
{
    vf s0 = v_set1(0.0F), s1 = s0, q0 = s0, q1 = s0;
    size_t i = 0;
    for (; i + 2 * VL <= n; i += 2 * VL) {
        s0 = v_add(s0, v_load(x + i));
        s1 = v_add(s1, v_load(x + i + VL));
    }
    for (; i < n; i += VL)
        s0 = v_add(s0, v_load_n(x + i, n - i));
    vf mean = v_set1(v_hsum(v_add(s0, s1)) / (float)n);
    for (i = 0; i + 2 * VL <= n; i += 2 * VL) {
        vf d0 = v_sub(v_load(x + i), mean), d1 = v_sub(v_load(x + i + VL), mean);
        q0 = v_fma(d0, d0, q0);
        q1 = v_fma(d1, d1, q1);
    }
    for (; i < n; i += VL) {
        vf d = v_keep_n(v_sub(v_load_n(x + i, n - i), mean), n - i);
        q0 = v_fma(d, d, q0);
    }
    vf inv = v_set1(1.0F / sqrtf(v_hsum(v_add(q0, q1)) / (float)n + eps));
    for (i = 0; i + VL <= n; i += VL) {
        vf d = v_mul(v_sub(v_load(x + i), mean), inv);
        v_store(y + i, v_fma(d, v_load(gain + i), v_load(bias + i)));
    }
    if (i < n) {
        vf d = v_mul(v_sub(v_load_n(x + i, n - i), mean), inv);
        v_store_n(y + i, v_fma(d, v_load_n(gain + i, n - i), v_load_n(bias + i, n - i)), n - i);
    }
}

static void scale_all(float *x, size_t n, float by)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(x + i, v_mul(v_load(x + i), v_set1(by)));
    if (i < n)
        v_store_n(x + i, v_mul(v_load_n(x + i, n - i), v_set1(by)), n - i);
}

static void add_all(float *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(y + i, v_add(v_load(y + i), v_load(x + i)));
    if (i < n)
        v_store_n(y + i, v_add(v_load_n(y + i, n - i), v_load_n(x + i, n - i)), n - i);
}

static float dot(const float *a, const float *b, size_t n)
{
    vf s[4] = {v_set1(0.0F), v_set1(0.0F), v_set1(0.0F), v_set1(0.0F)};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        UNROLL for (int u = 0; u < 4; u++) s[u] =
            v_fma(v_load(a + i + u * VL), v_load(b + i + u * VL), s[u]);
    for (; i + VL <= n; i += VL)
        s[0] = v_fma(v_load(a + i), v_load(b + i), s[0]);
    if (i < n)
        s[0] = v_fma(v_load_n(a + i, n - i), v_load_n(b + i, n - i), s[0]);
    return v_hsum(v_add(v_add(s[0], s[1]), v_add(s[2], s[3])));
}

static float dot_f16(const float *a, const uint16_t *b, size_t n)
{
    vf s[4] = {v_set1(0.0F), v_set1(0.0F), v_set1(0.0F), v_set1(0.0F)};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        UNROLL for (int u = 0; u < 4; u++) s[u] =
            v_fma(v_load(a + i + u * VL), v_load_f16(b + i + u * VL), s[u]);
    for (; i + VL <= n; i += VL)
        s[0] = v_fma(v_load(a + i), v_load_f16(b + i), s[0]);
    float rest = 0.0F;
    for (; i < n; i++)
        rest += a[i] * kernels_f16_at(b, i);
    return v_hsum(v_add(v_add(s[0], s[1]), v_add(s[2], s[3]))) + rest;
}

static void from_f16(const void *in, float *out, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(out + i, v_load_f16((const char *)in + 2 * i));
    for (; i < n; i++)
        out[i] = kernels_f16_at(in, i);
}

static void to_f16(const float *in, uint16_t *out, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store_f16(out + i, v_load(in + i));
    for (; i < n; i++)
        out[i] = f32_to_f16(in[i]);
}

/* ---- depthwise convolution ---- */

/* What one block of outputs reads: kernel rows [ky0, ky1), columns [i0, i1) of those under the
 * block; the others lie outside the image. */
struct dw_window {
    const float *x; /* column 0 of row ky0: possibly outside, then not read */
    size_t ky0, ky1, i0, i1;
};

/* VL channels (or the last `lanes`) of `outs` outputs side by side, which share their loads of
 * x. */
INLINE void dw_block(const struct depthwise_row *j, const struct dw_window *in, size_t c0, float *y,
                     int k, int stride, int outs, bool clip, size_t lanes)
{
    vf acc[DW_OUTS_MAX];
    const float *x = in->x + c0;
    UNROLL for (int o = 0; o < outs; o++) acc[o] = v_load(j->bias + c0);
    for (size_t ky = in->ky0; ky < in->ky1; ky++, x += j->w * j->c) {
        const float *wt = j->weights + ky * (size_t)k * j->c_padded + c0;
        vf w[5];
        UNROLL for (int i = 0; i < k; i++) w[i] = v_load(wt + (size_t)i * j->c_padded);
        UNROLL for (int i = 0; i < (outs - 1) * stride + k; i++)
        {
            if (!clip || ((size_t)i >= in->i0 && (size_t)i < in->i1)) {
                const float *at = x + (size_t)i * j->c;
                vf xv = lanes == VL ? v_load(at) : v_load_n(at, lanes);
                UNROLL for (int o = 0; o < outs; o++)
                {
                    int kx = i - o * stride;
                    if (kx >= 0 && kx < k)
                        V_FMA_ACC(acc[o], xv, w[kx]);
                }
            }
        }
    }
    vf lo = v_set1(j->lo), hi = v_set1(j->hi);
    UNROLL for (int o = 0; o < outs; o++)
    {
        vf v = v_min(hi, v_max(lo, acc[o]));
        if (lanes == VL)
            v_store(y + (size_t)o * j->c, v);
        else
            v_store_n(y + (size_t)o * j->c, v, lanes);
    }
}

/* All channels of outputs [ox, ox + outs). */
INLINE void dw_outputs(const struct depthwise_row *j, struct dw_window in, size_t ox, int k,
                       int stride, int outs)
{
    size_t first = ox * (size_t)stride, cols = (size_t)(outs - 1) * (size_t)stride + (size_t)k,
           c = 0;
    size_t end = j->pad_left + j->w; /* of the image in the padded row */
    in.i0 = first < j->pad_left ? j->pad_left - first : 0;
    in.i1 = end > first ? (end - first < cols ? end - first : cols) : 0;
    in.x += ((ptrdiff_t)first - (ptrdiff_t)j->pad_left) * (ptrdiff_t)j->c;
    float *y = j->y + ox * j->c;
    bool clip = in.i0 > 0 || in.i1 < cols;
    for (; c + VL <= j->c && !clip; c += VL)
        dw_block(j, &in, c, y + c, k, stride, outs, false, VL);
    for (; c + VL <= j->c; c += VL)
        dw_block(j, &in, c, y + c, k, stride, outs, true, VL);
    if (c < j->c)
        dw_block(j, &in, c, y + c, k, stride, outs, true, j->c - c);
}

/* The last block overlaps the one before it: what is computed twice comes out the same. */
INLINE void dw_row(const struct depthwise_row *j, const struct dw_window *in, int k, int stride,
                   int outs)
{
    size_t n = (size_t)outs;
    for (size_t ox = 0; ox < j->ow; ox += n)
        dw_outputs(j, *in, ox + n <= j->ow ? ox : j->ow - n, k, stride, outs);
}

/* Any kernel, any stride, rows shorter than a block: one output at a time. */
static void dw_row_any(const struct depthwise_row *j, const struct dw_window *in)
{
    for (size_t ox = 0; ox < j->ow; ox++) {
        float *y = j->y + ox * j->c;
        for (size_t c = 0; c < j->c; c += VL) {
            vf acc = v_load(j->bias + c);
            for (size_t ky = in->ky0; ky < in->ky1; ky++) {
                for (size_t kx = 0; kx < j->k; kx++) {
                    size_t ix = ox * j->stride + kx;
                    if (ix < j->pad_left || ix - j->pad_left >= j->w)
                        continue;
                    const float *x = in->x + ((ky - in->ky0) * j->w + ix - j->pad_left) * j->c + c;
                    const float *w = j->weights + (ky * j->k + kx) * j->c_padded + c;
                    acc = v_fma(v_load_n(x, j->c - c), v_load(w), acc);
                }
            }
            v_store_n(y + c, v_min(v_set1(j->hi), v_max(v_set1(j->lo), acc)), j->c - c);
        }
    }
}

#define DW_ROW(name, k, stride, outs)                                                              \
    static void name(const struct depthwise_row *j, const struct dw_window *in)                    \
    {                                                                                              \
        dw_row(j, in, k, stride, outs);                                                            \
    }
DW_ROW(dw_3_1, 3, 1, DW_OUTS_MAX)
DW_ROW(dw_3_2, 3, 2, DW_OUTS_MAX)
DW_ROW(dw_5_1, 5, 1, DW_OUTS_MAX)
DW_ROW(dw_5_2, 5, 2, DW_OUTS_MAX)
DW_ROW(dw_3_1_short, 3, 1, DW_OUTS_FEW)
DW_ROW(dw_3_2_short, 3, 2, DW_OUTS_FEW)
DW_ROW(dw_5_1_short, 5, 1, DW_OUTS_FEW)
DW_ROW(dw_5_2_short, 5, 2, DW_OUTS_FEW)

static void depthwise_row(const struct depthwise_row *j)
{
    typedef void dw_fn(const struct depthwise_row *, const struct dw_window *);
    static dw_fn *const fast[2][2][2] = {{{dw_3_1_short, dw_3_1}, {dw_3_2_short, dw_3_2}},
                                         {{dw_5_1_short, dw_5_1}, {dw_5_2_short, dw_5_2}}};
    ptrdiff_t below = (ptrdiff_t)j->h - j->y0, k = (ptrdiff_t)j->k;
    struct dw_window in = {0};
    in.ky0 = j->y0 < 0 ? (size_t)-j->y0 : 0;
    in.ky1 = below <= 0 ? 0 : (size_t)(below < k ? below : k);
    in.ky0 = in.ky0 < in.ky1 ? in.ky0 : in.ky1;
    in.x = j->x + (j->y0 + (ptrdiff_t)in.ky0) * (ptrdiff_t)(j->w * j->c);
    bool known = (j->k == 3 || j->k == 5) && (j->stride == 1 || j->stride == 2);
    if (known && j->ow >= DW_OUTS_FEW)
        fast[j->k == 5][j->stride == 2][j->ow % DW_OUTS_MAX == 0](j, &in);
    else
        dw_row_any(j, &in);
}
