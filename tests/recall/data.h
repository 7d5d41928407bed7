/* data.h - made-up embeddings that are as hard to search as CLIP's, each from its number alone.
 *
 * A row is normalise(mean + H(0.346 S + 0.424 C + 0.424 p n + 0.141 iso)): a mean with half of the energy and two outliers (CLIP's cone),
 * one of 200 super-clusters S, one of 10,000 clusters C (few large, many small), its own noise n of a size p; S, C and n fall off like
 * 1 / sqrt(i), H is a random rotation. Every 50th row is nearly the one before it. Image-like queries are further rows; text-like
 * ones have another mean (the modality gap), weaker clusters and more noise: their best scores are near 0.36 instead of
 * 0.86, and a hundred times as many rows come near them. Why this is a fair stand-in: docs/PERFORMANCE.md. */
#ifndef TEST_RECALL_DATA_H
#define TEST_RECALL_DATA_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vector/code.h"

enum { DATA_SUPER = 200, DATA_CLUSTERS = 10000, DATA_SIZES = 16, DATA_DIM_MAX = 2048 };

struct data {
    size_t dim;
    struct rotation *rotation;
    float *centres;      /* [DATA_CLUSTERS, dim]: of clusters, with their super-clusters' */
    float *faint;        /* the same as a text sees them */
    float *mean, *other; /* [dim] of rows, of texts */
    float *noise;        /* [DATA_SIZES, dim] deviation of a row's noise */
    float *text_noise;   /* [dim] */
    float *share;        /* [DATA_CLUSTERS] sums of the clusters' sizes */
};

static inline uint64_t data_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline float data_uniform(uint64_t *state)
{
    return (float)(data_random(state) >> 40) * 0x1p-24F;
}

/* Nearly normal: four 16-bit numbers, deviation 1. */
static inline float data_normal(uint64_t *state)
{
    uint64_t r = data_random(state);
    int32_t sum = (int32_t)((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48));
    return (float)(sum - 131070) * (1.7320508F / 65536);
}

/* Finite, of size below 65504; ties to even. */
static inline uint16_t data_half(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    uint32_t sign = u >> 16 & 0x8000;
    float a = fabsf(f);
    if (a < 0x1p-14F) /* subnormal: whole units of 2^-24 */
        return (uint16_t)(sign | (uint32_t)lrintf(a * 0x1p24F));
    u &= 0x7fffffff;
    u += 0xfff + (u >> 13 & 1);
    return (uint16_t)(sign | ((u >> 13) - (112U << 10)));
}

static inline void data_scale(float *x, size_t dim, double length)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++)
        square += (double)x[i] * (double)x[i];
    float by = (float)(length / sqrt(square));
    for (size_t i = 0; i < dim; i++)
        x[i] *= by;
}

static inline float *data_floats(size_t n)
{
    float *x = calloc(n, sizeof *x);
    if (!x)
        abort();
    return x;
}

static inline void data_free(struct data *d)
{
    rotation_free(d->rotation);
    free(d->centres);
    free(d->faint);
    free(d->mean);
    free(d->other);
    free(d->noise);
    free(d->text_noise);
    free(d->share);
    free(d);
}

static inline void data_fill_noise(struct data *d, const float *fall)
{
    float part = 1 / sqrtf((float)d->dim);
    for (size_t s = 0; s < DATA_SIZES; s++) {
        float p = 0.5F + (float)s / (DATA_SIZES - 1);
        for (size_t i = 0; i < d->dim; i++)
            d->noise[s * d->dim + i] = hypotf(0.424F * p * fall[i], 0.141F * part);
    }
    for (size_t i = 0; i < d->dim; i++)
        d->text_noise[i] = hypotf(0.45F * fall[i], 0.3F * part);
}

static inline void data_fill_clusters(struct data *d, const float *fall, uint64_t *seed)
{
    float *super = data_floats(DATA_SUPER * d->dim), sum = 0;
    for (size_t i = 0; i < DATA_SUPER * d->dim; i++)
        super[i] = data_normal(seed) * fall[i % d->dim];
    for (size_t c = 0; c < DATA_CLUSTERS; c++) {
        const float *s = super + c % DATA_SUPER * d->dim;
        for (size_t i = 0; i < d->dim; i++) {
            float own = data_normal(seed) * fall[i];
            d->centres[c * d->dim + i] = 0.346F * s[i] + 0.424F * own;
            d->faint[c * d->dim + i] = 0.19F * s[i] + 0.27F * own;
        }
        sum += powf((float)(c + 1), -0.3F);
        d->share[c] = sum;
    }
    free(super);
}

static inline void data_fill_means(struct data *d, uint64_t *seed)
{
    for (size_t i = 0; i < d->dim; i++) {
        d->mean[i] = data_normal(seed);
        d->other[i] = data_normal(seed) + 0.15F * d->mean[i];
    }
    data_scale(d->mean, d->dim, sqrt(0.3));
    data_scale(d->other, d->dim, sqrt(0.3));
    d->mean[d->dim / 5] = 0.38F; /* two outliers, which texts have turned around or smaller */
    d->mean[d->dim / 3] = -0.23F;
    d->other[d->dim / 5] = 0.2F;
    d->other[d->dim / 3] = 0.3F;
    data_scale(d->mean, d->dim, sqrt(0.5));
    data_scale(d->other, d->dim, sqrt(0.5));
}

/* dim: a multiple of 64 */
static inline struct data *data_new(size_t dim, uint64_t seed)
{
    struct data *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->dim = dim;
    d->rotation = rotation_new((int)dim, ~seed, NULL);
    d->centres = data_floats(DATA_CLUSTERS * dim);
    d->faint = data_floats(DATA_CLUSTERS * dim);
    d->mean = data_floats(dim);
    d->other = data_floats(dim);
    d->noise = data_floats(DATA_SIZES * dim);
    d->text_noise = data_floats(dim);
    d->share = data_floats(DATA_CLUSTERS);
    float *fall = data_floats(dim);
    for (size_t i = 0; i < dim; i++)
        fall[i] = 1 / sqrtf((float)i + 1);
    data_scale(fall, dim, 1);
    data_fill_noise(d, fall);
    data_fill_clusters(d, fall, &seed);
    data_fill_means(d, &seed);
    free(fall);
    return d;
}

static inline size_t data_cluster(const struct data *d, uint64_t *state)
{
    float at = data_uniform(state) * d->share[DATA_CLUSTERS - 1];
    size_t lo = 0, hi = DATA_CLUSTERS - 1;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (d->share[middle] < at)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static inline void data_make(const struct data *d, uint64_t state, bool text, float *out)
{
    float x[DATA_DIM_MAX];
    size_t c = data_cluster(d, &state), size = data_random(&state) % DATA_SIZES;
    const float *centre = (text ? d->faint : d->centres) + c * d->dim;
    const float *noise = text ? d->text_noise : d->noise + size * d->dim;
    const float *mean = text ? d->other : d->mean;
    for (size_t i = 0; i < d->dim; i++)
        x[i] = centre[i] + noise[i] * data_normal(&state);
    rotation_apply(d->rotation, x, out);
    for (size_t i = 0; i < d->dim; i++)
        out[i] += mean[i];
    data_scale(out, d->dim, 1);
}

static inline uint64_t data_start(uint64_t kind, uint64_t number)
{
    uint64_t state = kind << 60 ^ number;
    return data_random(&state);
}

static inline void data_row(const struct data *d, uint64_t number, uint16_t *row)
{
    float x[DATA_DIM_MAX];
    bool twin = number % 50 == 49;
    data_make(d, data_start(1, number - twin), false, x);
    uint64_t state = data_start(2, number);
    float little = 0.1F / sqrtf((float)d->dim);
    if (twin) {
        for (size_t i = 0; i < d->dim; i++)
            x[i] += little * data_normal(&state);
        data_scale(x, d->dim, 1);
    }
    for (size_t i = 0; i < d->dim; i++)
        row[i] = data_half(x[i]);
}

static inline void data_query(const struct data *d, uint64_t number, bool text, float *query)
{
    data_make(d, data_start(text ? 4 : 3, number), text, query);
}

#endif
