/* simd.h - the kernels, written once over a vector type; avx2.c and avx512.c include this file after
 * they have defined the type `vf` (VL floats) and its operations v_*. No guard: a part of those files.
 *
 * The shape of each loop is fixed by constants and forced inline, so each instance is straight code
 * with its sums in registers. What was tried: docs/perf/kernels.md. */

#define INLINE static inline __attribute__((always_inline))

/* Loops below with constant bounds have to disappear, or the arrays of sums live in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum { AHEAD_EVERY = 4 }; /* steps of k between two prefetches: one cache line each */

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

INLINE void tile_store(const struct tile *t, vf acc[TILE_ROWS][2], int rows, int nv)
{
    vf lo = v_set1(t->lo), hi = v_set1(t->hi);
    const float *residual = t->residual;
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int v = 0; v < nv; v++)
        {
            size_t at = (size_t)r * t->ldc + (size_t)(v * VL);
            vf x = acc[r][v];
            if (t->finish) {
                x = v_min(hi, v_max(lo, x)); /* in this order NaN stays NaN */
                if (residual)
                    x = v_add(x, v_load(residual + at));
            }
            v_store(t->c + at, x);
        }
    }
}

INLINE void tile_run(const struct tile *t, int rows, int nv, bool half)
{
    vf acc[TILE_ROWS][2];
    const float *a[TILE_ROWS];
    UNROLL for (int r = 0; r < rows; r++)
    {
        a[r] = t->a + (size_t)r * t->lda;
        UNROLL for (int v = 0; v < nv; v++) acc[r][v] =
            v_load(t->start + (size_t)r * t->start_ld + v * VL);
    }
    const char *b = t->b, *ahead = t->ahead;
    const size_t bytes = (size_t)(nv * VL * (half ? 2 : 4)), k = t->k, step = t->ahead_step;
    size_t p = 0;
    for (; p + AHEAD_EVERY <= k; p += AHEAD_EVERY) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += step;
        UNROLL for (int i = 0; i < AHEAD_EVERY; i++)
            tile_step(acc, a, p + (size_t)i, b + (size_t)i * bytes, rows, nv, half);
        b += AHEAD_EVERY * bytes;
    }
    for (; p < k; p++, b += bytes)
        tile_step(acc, a, p, b, rows, nv, half);
    tile_store(t, acc, rows, nv);
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

/* e^x, relative error below 2e-7; 0 below -87.3, infinity above 88.7, NaN for NaN. x = n ln 2 + r with
 * |r| <= ln 2 / 2 (Cody and Waite's two-part ln 2), Taylor's series to r^7 (rest < 6e-9), times 2^n. */
INLINE vf v_exp(vf x)
{
    vf in = v_min(v_set1(88.8F), v_max(v_set1(-88.0F), x));
    vf n = v_round(v_mul(in, v_set1(1.44269504F)));
    vf r = v_fnma(n, v_set1(0.693359375F), in);
    r = v_fnma(n, v_set1(-2.12194440e-4F), r);
    vf e = v_set1(1.0F / 5040.0F);
    e = v_fma(e, r, v_set1(1.0F / 720.0F));
    e = v_fma(e, r, v_set1(1.0F / 120.0F));
    e = v_fma(e, r, v_set1(1.0F / 24.0F));
    e = v_fma(e, r, v_set1(1.0F / 6.0F));
    e = v_fma(e, r, v_set1(0.5F));
    e = v_fma(e, r, v_set1(1.0F));
    e = v_fma(e, r, v_set1(1.0F));
    /* n reaches 128: 2^n in two halves */
    vf n1 = v_round(v_mul(n, v_set1(0.5F)));
    e = v_mul(v_mul(e, v_pow2(n1)), v_pow2(v_sub(n, n1)));
    return v_zero_if_less(x, v_set1(-87.3F), e);
}

/* erf(x) = x P(x^2) / Q(x^2) on |x| <= 3.95, beyond which it is 1 within 3e-8. Own fit (tools/golden/
 * fit_erf.py: least squares reweighted towards the least maximum): 1.8e-8 in exact arithmetic, 3.6e-7 here. */
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

static float softmax_exp(float *x, size_t n, size_t padded, float scale)
{
    const vf lowest = v_set1(-INFINITY);
    vf most = lowest, sum = v_set1(0.0F), by = v_set1(scale);
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        most = v_max(most, v_load(x + i));
    float max = v_hmax(most);
    for (size_t j = i; j < n; j++)
        max = x[j] > max ? x[j] : max;
    vf top = v_set1(max);
    for (i = 0; i + VL <= n; i += VL) {
        vf e = v_exp(v_mul(v_sub(v_load(x + i), top), by));
        sum = v_add(sum, e);
        v_store(x + i, e);
    }
    if (i < n) {
        vf e = v_exp(v_mul(v_sub(v_load_n(x + i, n - i), top), by));
        e = v_keep_n(e, n - i);
        sum = v_add(sum, e);
        v_store_n(x + i, e, n - i);
    }
    for (i = n; i < padded; i++)
        x[i] = 0.0F;
    return v_hsum(sum);
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

enum { DW_OUT = 4 }; /* outputs side by side that share their loads */

/* VL channels of `outs` outputs from ox on, none of which reaches outside left or right; or of one
 * output that does (outs 1): then `clip`. All rows in [ky0, ky1) are inside. */
INLINE void dw_block(const struct depthwise_row *j, const float *x, size_t c0, size_t ky0,
                     size_t ky1, size_t kx0, size_t kx1, float *y, int k, int stride, int outs,
                     size_t lanes)
{
    vf acc[DW_OUT];
    UNROLL for (int o = 0; o < outs; o++) acc[o] = v_load(j->bias + c0);
    for (size_t ky = ky0; ky < ky1; ky++, x += j->w * j->c) {
        const float *wt = j->weights + ky * (size_t)k * j->c_padded + c0;
        if (outs == 1) { /* an edge: any kx range */
            for (size_t kx = kx0; kx < kx1; kx++)
                acc[0] = v_fma(lanes == VL ? v_load(x + kx * j->c) : v_load_n(x + kx * j->c, lanes),
                               v_load(wt + kx * j->c_padded), acc[0]);
            continue;
        }
        vf w[5];
        UNROLL for (int i = 0; i < k; i++) w[i] = v_load(wt + (size_t)i * j->c_padded);
        UNROLL for (int i = 0; i < (outs - 1) * stride + k; i++)
        {
            vf xv =
                lanes == VL ? v_load(x + (size_t)i * j->c) : v_load_n(x + (size_t)i * j->c, lanes);
            UNROLL for (int o = 0; o < outs; o++)
            {
                int kx = i - o * stride;
                if (kx >= 0 && kx < k)
                    acc[o] = v_fma(xv, w[kx], acc[o]);
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

/* All channels of `outs` outputs; k, stride, outs are constants at each call but for edges. */
INLINE void dw_channels(const struct depthwise_row *j, size_t ox, size_t ky0, size_t ky1,
                        size_t kx0, size_t kx1, int k, int stride, int outs)
{
    /* Row and column may lie outside where only kx0.. or ky0.. come inside: index arithmetic. */
    ptrdiff_t iy = j->y0 + (ptrdiff_t)ky0;
    ptrdiff_t ix = (ptrdiff_t)(ox * (size_t)stride) - (ptrdiff_t)j->pad_left;
    const float *x = j->x + (iy * (ptrdiff_t)j->w + ix) * (ptrdiff_t)j->c;
    float *y = j->y + ox * j->c;
    size_t c = 0;
    for (; c + VL <= j->c; c += VL)
        dw_block(j, x + c, c, ky0, ky1, kx0, kx1, y + c, k, stride, outs, VL);
    if (c < j->c)
        dw_block(j, x + c, c, ky0, ky1, kx0, kx1, y + c, k, stride, outs, j->c - c);
}

static void dw_edge(const struct depthwise_row *j, size_t ox, size_t ky0, size_t ky1)
{
    size_t left = ox * j->stride; /* of the kernel, in the padded row */
    size_t kx0 = left < j->pad_left ? j->pad_left - left : 0;
    size_t end = j->pad_left + j->w; /* in the padded row */
    size_t kx1 = left >= end ? 0 : end - left < j->k ? end - left : j->k;
    dw_channels(j, ox, ky0, ky1, kx0, kx1 > kx0 ? kx1 : kx0, (int)j->k, (int)j->stride, 1);
}

INLINE void dw_row(const struct depthwise_row *j, size_t ky0, size_t ky1, int k, int stride)
{
    size_t ox = 0, s = (size_t)stride, kk = (size_t)k;
    for (; ox < j->ow && ox * s < j->pad_left; ox++)
        dw_edge(j, ox, ky0, ky1);
    if (k == 3 || k == 5) {
        for (; ox + DW_OUT <= j->ow && (ox + DW_OUT - 1) * s + kk <= j->pad_left + j->w;
             ox += DW_OUT)
            dw_channels(j, ox, ky0, ky1, 0, 0, k, stride, DW_OUT);
    }
    for (; ox < j->ow; ox++)
        dw_edge(j, ox, ky0, ky1);
}

static void depthwise_row(const struct depthwise_row *j)
{
    ptrdiff_t below = (ptrdiff_t)j->h - j->y0, k = (ptrdiff_t)j->k;
    size_t ky0 = j->y0 < 0 ? (size_t)-j->y0 : 0;
    size_t ky1 = below <= 0 ? 0 : (size_t)(below < k ? below : k);
    ky0 = ky0 < ky1 ? ky0 : ky1;
    if (j->k == 3 && j->stride == 1)
        dw_row(j, ky0, ky1, 3, 1);
    else if (j->k == 3 && j->stride == 2)
        dw_row(j, ky0, ky1, 3, 2);
    else if (j->k == 5 && j->stride == 1)
        dw_row(j, ky0, ky1, 5, 1);
    else if (j->k == 5 && j->stride == 2)
        dw_row(j, ky0, ky1, 5, 2);
    else
        dw_row(j, ky0, ky1, 0, (int)j->stride);
}
