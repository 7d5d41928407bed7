/* bench_gemm.c - how fast the tensor kernels are, as a share of what this machine can do just now.
 *
 * The machine is shared and its clock wanders, so each sample of a kernel is preceded by a sample
 * of plain multiply-adds in registers, and the median of the ratios is what counts. Weights of one
 * shape are cycled through some 48 MiB, so that they come from memory as in a real model.
 *
 * bench_gemm [threads [gemm|lite|attention [part of a shape's name]]] */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "tensor/tensor.h"

enum { SAMPLES = 15, WEIGHT_BYTES = 48 << 20, PROBE_STEPS = 40000 };

/* One thread is timed by its own processor time: neighbours take turns on this machine. */
static clockid_t clock_used = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "bench_gemm: out of memory\n");
        exit(1);
    }
    return p;
}

static float *numbers(size_t n)
{
    float *x = need(aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64));
    uint32_t s = 1;
    for (size_t i = 0; i < n; i++) {
        s = s * 1664525U + 1013904223U;
        x[i] = (float)(int32_t)s * 0x1p-31F;
    }
    return x;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

/* ---- the probe: independent multiply-adds, nothing else ---- */

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void probe_avx2(size_t steps)
{
    typedef float v8 __attribute__((vector_size(32)));
    v8 a = {0}, b = {0}, s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0};
    v8 s5 = {0}, s6 = {0}, s7 = {0}, s8 = {0}, s9 = {0};
    for (size_t i = 0; i < steps; i++) {
#define STEP(s) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(s) : "x"(a), "x"(b));
        STEP(s0) STEP(s1) STEP(s2) STEP(s3) STEP(s4) STEP(s5) STEP(s6) STEP(s7) STEP(s8) STEP(s9)
#undef STEP
    }
}

__attribute__((target("avx512f"))) static void probe_avx512(size_t steps)
{
    typedef float v16 __attribute__((vector_size(64)));
    v16 a = {0}, b = {0}, s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0};
    v16 s5 = {0}, s6 = {0}, s7 = {0}, s8 = {0}, s9 = {0};
    for (size_t i = 0; i < steps; i++) {
#define STEP(s) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(s) : "v"(a), "v"(b));
        STEP(s0) STEP(s1) STEP(s2) STEP(s3) STEP(s4) STEP(s5) STEP(s6) STEP(s7) STEP(s8) STEP(s9)
#undef STEP
    }
}

static void probe_one(void *ctx, size_t i, int worker)
{
    (void)ctx;
    (void)i;
    (void)worker;
    if (cpu_level() >= CPU_AVX512)
        probe_avx512(PROBE_STEPS);
    else
        probe_avx2(PROBE_STEPS);
}

static double probe_flops(void)
{
    return PROBE_STEPS * 10.0 * 2.0 * (cpu_level() >= CPU_AVX512 ? 16.0 : 8.0);
}
#else
static void probe_one(void *ctx, size_t i, int worker)
{
    (void)i;
    (void)worker;
    volatile float *sink = ctx;
    float s = 0.0F;
    for (size_t n = 0; n < PROBE_STEPS; n++)
        s = s * 1.0F + 1.0F;
    *sink = s;
}

static double probe_flops(void)
{
    return PROBE_STEPS * 2.0;
}
#endif

/* FLOP/s of all threads together */
static double probe(struct pool *pool)
{
    volatile float sink;
    size_t n = (size_t)pool_threads(pool) * 4; /* pieces, so that a late worker is no matter */
    double t = now();
    pool_run(pool, n, probe_one, (void *)(uintptr_t)&sink);
    return probe_flops() * (double)n / (now() - t);
}

/* ---- products ---- */

struct shape {
    const char *name;
    size_t m, n_out, n_in;
    enum dtype dtype;
    enum act act;
};

static struct linear *random_linear(size_t n_out, size_t n_in, enum dtype dtype)
{
    float *w = numbers(n_out * n_in);
    uint16_t *h = need(malloc(n_out * n_in * 2));
    for (size_t i = 0; i < n_out * n_in; i++)
        h[i] = f32_to_f16(w[i]);
    struct tensor t = {.dtype = dtype, .ndim = 2, .shape = {n_out, n_in}};
    t.data = dtype == DT_F16 ? (void *)h : (void *)w;
    struct eye_err err;
    struct linear *l = linear_new(&t, false, NULL, NULL, NULL, &err);
    free(w);
    free(h);
    return need(l);
}

static void bench_shape(const struct shape *s, struct pool *pool)
{
    size_t bytes = s->n_out * s->n_in * dtype_size(s->dtype);
    size_t count = WEIGHT_BYTES / bytes + 1;
    count = count > 64 ? 64 : count;
    struct linear **l = need(calloc(count, sizeof(struct linear *)));
    for (size_t i = 0; i < count; i++)
        l[i] = random_linear(s->n_out, s->n_in, s->dtype);
    float *x = numbers(s->m * s->n_in), *y = numbers(s->m * s->n_out);
    double flops = 2.0 * (double)s->m * (double)s->n_out * (double)s->n_in;
    size_t runs = (size_t)(1e8 / flops) + 1;
    double rate[SAMPLES], share[SAMPLES], most = 0.0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double peak = probe(pool), t = now();
        most = peak > most ? peak : most;
        for (size_t r = 0; r < runs; r++)
            linear_apply(l[(i * runs + r) % count], x, s->n_in, s->m, s->act, NULL, y, s->n_out,
                         pool);
        rate[i] = flops * (double)runs / (now() - t);
        share[i] = rate[i] / peak;
    }
    double typical = median(rate, SAMPLES), of_peak = median(share, SAMPLES);
    printf(
        "%-10s m %4zu  %4zu -> %4zu  %s %7.1f GFLOP/s %5.1f %% of peak (best %5.1f) %5.1f GB/s\n",
        s->name, s->m, s->n_in, s->n_out, s->dtype == DT_F16 ? "f16" : "f32", typical * 1e-9,
        of_peak * 100.0, rate[SAMPLES - 1] / most * 100.0, typical / flops * (double)bytes * 1e-9);
    fflush(stdout);
    for (size_t i = 0; i < count; i++)
        linear_free(l[i]);
    free(l);
    free(x);
    free(y);
}

static void bench_products(struct pool *pool, const char *name)
{
    static const size_t rows[] = {50, 197, 400}, few[] = {1, 2, 4, 8, 16, 32, 77};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int type = DT_F32; type <= DT_F16; type++) {
            enum dtype t = (enum dtype)type;
            const struct shape list[] = {{"qkv", rows[i], 2304, 768, t, ACT_NONE},
                                         {"proj", rows[i], 768, 768, t, ACT_NONE},
                                         {"fc1+gelu", rows[i], 3072, 768, t, ACT_GELU},
                                         {"fc2", rows[i], 768, 3072, t, ACT_NONE}};
            for (size_t j = 0; j < 4; j++)
                if (strstr(list[j].name, name))
                    bench_shape(&list[j], pool);
        }
    }
    for (size_t i = 0; i < sizeof few / sizeof few[0]; i++) {
        for (int type = DT_F32; type <= DT_F16; type++) {
            struct shape s = {"text fc1", few[i], 2048, 512, (enum dtype)type, ACT_QUICK_GELU};
            if (strstr(s.name, name))
                bench_shape(&s, pool);
        }
    }
}

/* ---- attention ---- */

static void bench_attention(struct pool *pool)
{
    static const size_t sizes[][3] = {{50, 768, 12}, {197, 768, 12}, {257, 1024, 16}, {77, 512, 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i][0], d = sizes[i][1], heads = sizes[i][2];
        float *qkv = numbers(n * 3 * d), *out = numbers(n * d),
              *scratch = numbers(attention_scratch(n, d, heads));
        double flops = 4.0 * (double)n * (double)n * (double)d, rate[SAMPLES], share[SAMPLES];
        double most = 0.0;
        size_t runs = (size_t)(5e7 / flops) + 1;
        for (size_t j = 0; j < SAMPLES; j++) {
            double peak = probe(pool), t = now();
            most = peak > most ? peak : most;
            for (size_t r = 0; r < runs; r++)
                attention(qkv, n, d, heads, false, -1, out, scratch, pool);
            rate[j] = flops * (double)runs / (now() - t);
            share[j] = rate[j] / peak;
        }
        double typical = median(rate, SAMPLES), of_peak = median(share, SAMPLES);
        printf(
            "attention  n %4zu  d %4zu  heads %2zu %8.1f GFLOP/s %5.1f %% of peak (best %5.1f)\n",
            n, d, heads, typical * 1e-9, of_peak * 100.0, rate[SAMPLES - 1] / most * 100.0);
        free(qkv);
        free(out);
        free(scratch);
    }
}

/* ---- EfficientNet-Lite0, 224 x 224 ---- */

enum kind { STEM, POINT, DEPTH };

struct layer {
    enum kind kind;
    size_t side, in, out, k, stride; /* side: of the input */
    bool act, residual;
    struct linear *linear;
    struct depthwise *depthwise;
};

enum { LAYERS_MAX = 64 };

struct net {
    struct layer layers[LAYERS_MAX];
    size_t n;
    float *a, *b, *shortcut, *patches;
};

static struct layer *add_layer(struct net *net, enum kind kind, size_t side, size_t in, size_t out,
                               size_t k, size_t stride)
{
    struct layer *l = &net->layers[net->n++];
    struct eye_err err;
    *l = (struct layer){
        .kind = kind, .side = side, .in = in, .out = out, .k = k, .stride = stride, .act = true};
    if (kind == DEPTH) {
        float *w = numbers(in * k * k);
        struct tensor t = {.dtype = DT_F32, .ndim = 4, .shape = {in, 1, k, k}, .data = w};
        l->depthwise = need(depthwise_new(&t, NULL, NULL, &err));
        free(w);
    } else {
        l->linear = random_linear(out, in * k * k, DT_F32);
    }
    return l;
}

static void build(struct net *net)
{
    static const size_t stages[][6] = {
        /* expand, k, stride, in, out, repeats */
        {1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},   {6, 5, 2, 24, 40, 2},  {6, 3, 2, 40, 80, 3},
        {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4}, {6, 3, 1, 192, 320, 1}};
    size_t side = 112;
    net->n = 0;
    add_layer(net, STEM, 224, 3, 32, 3, 2);
    for (size_t s = 0; s < sizeof stages / sizeof stages[0]; s++) {
        const size_t *g = stages[s];
        for (size_t r = 0; r < g[5]; r++) {
            size_t in = r ? g[4] : g[3], mid = in * g[0], stride = r ? 1 : g[2];
            if (g[0] > 1)
                add_layer(net, POINT, side, in, mid, 1, 1);
            add_layer(net, DEPTH, side, mid, mid, g[1], stride);
            side = conv_out_same(side, stride);
            struct layer *l = add_layer(net, POINT, side, mid, g[4], 1, 1);
            l->act = false;
            l->residual = r > 0;
        }
    }
    add_layer(net, POINT, side, 320, 1280, 1, 1);
    size_t most = 112 * 112 * 96;
    net->a = numbers(most);
    net->b = numbers(most);
    net->shortcut = numbers(most);
    net->patches = numbers(112 * 112 * 27);
}

static double layer_flops(const struct layer *l)
{
    double out = (double)conv_out_same(l->side, l->stride);
    return 2.0 * out * out * (double)(l->k * l->k) * (double)l->in *
           (l->kind == DEPTH ? 1.0 : (double)l->out);
}

static void run_layer(struct net *net, const struct layer *l, const float *x, float *y,
                      struct pool *pool)
{
    enum act act = l->act ? ACT_RELU6 : ACT_NONE;
    const struct conv_shape s = conv_shape_same(l->side, l->side, l->in, l->k, l->stride);
    const size_t out = s.oh;
    if (l->kind == STEM) {
        conv_im2col(x, &s, net->patches);
        linear_apply(l->linear, net->patches, 27, out * out, act, NULL, y, l->out, pool);
    } else if (l->kind == DEPTH) {
        depthwise_apply(l->depthwise, x, &s, act, y, pool);
    } else {
        linear_apply(l->linear, x, l->in, out * out, act, l->residual ? net->shortcut : NULL, y,
                     l->out, pool);
    }
}

static void bench_lite(struct pool *pool)
{
    static struct net net;
    static double times[LAYERS_MAX][SAMPLES], shares[LAYERS_MAX][SAMPLES];
    double total[SAMPLES], ideal[SAMPLES], kinds[3] = {0}, flops = 0.0, most = 0.0, best = 0.0;
    build(&net);
    for (size_t i = 0; i < SAMPLES; i++) {
        double peak = probe(pool);
        most = peak > most ? peak : most;
        total[i] = 0.0;
        ideal[i] = 0.0;
        for (size_t j = 0; j < net.n; j++) {
            const struct layer *l = &net.layers[j];
            double t = now();
            run_layer(&net, l, j % 2 ? net.b : net.a, j % 2 ? net.a : net.b, pool);
            times[j][i] = now() - t;
            shares[j][i] = layer_flops(l) / times[j][i] / peak;
            total[i] += times[j][i];
            ideal[i] += layer_flops(l) / peak;
        }
        ideal[i] /= total[i];
    }
    for (size_t j = 0; j < net.n; j++) {
        static const char *const names[] = {"stem", "point", "depth"};
        const struct layer *l = &net.layers[j];
        double t = median(times[j], SAMPLES);
        kinds[l->kind] += times[j][0];
        best += times[j][0];
        flops += layer_flops(l);
        printf("lite0 %-5s side %3zu/%zu  %4zu -> %4zu  k %zu %8.3f ms %5.1f %% of peak (best "
               "%5.1f)\n",
               names[l->kind], l->side, l->stride, l->in, l->out, l->k, t * 1e3,
               median(shares[j], SAMPLES) * 100.0, layer_flops(l) / times[j][0] / most * 100.0);
        linear_free(l->linear);
        depthwise_free(l->depthwise);
    }
    double typical = median(total, SAMPLES), of_peak = median(ideal, SAMPLES);
    printf("lite0 total %.2f ms an image, %.3f GFLOP, %.1f %% of peak\n", typical * 1e3,
           flops * 1e-9, of_peak * 100.0);
    printf("lite0 best of each layer: %.2f ms, %.1f %% of best peak; stem %.2f, pointwise %.2f, "
           "depthwise %.2f ms\n",
           best * 1e3, flops / best / most * 100.0, kinds[STEM] * 1e3, kinds[POINT] * 1e3,
           kinds[DEPTH] * 1e3);
    free(net.a);
    free(net.b);
    free(net.shortcut);
    free(net.patches);
}

int main(int argc, char **argv)
{
    long threads = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    const char *only = argc > 2 ? argv[2] : "";
    struct eye_err err;
    struct pool *pool = pool_new(threads > 0 ? (int)threads : 1, &err);
    need(pool);
    if (pool_threads(pool) == 1)
        clock_used = CLOCK_THREAD_CPUTIME_ID;
    printf("level %s, %d thread(s), peak %.1f GFLOP/s just now\n", cpu_level_name(cpu_level()),
           pool_threads(pool), probe(pool) * 1e-9);
    if (!*only || strcmp(only, "lite") == 0)
        bench_lite(pool);
    if (!*only || strcmp(only, "attention") == 0)
        bench_attention(pool);
    if (!*only || strcmp(only, "gemm") == 0)
        bench_products(pool, argc > 3 ? argv[3] : "");
    pool_free(pool);
    return 0;
}
