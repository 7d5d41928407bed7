/* codes.h - reproducible rotated rows for the tests of the codes. */
#ifndef TEST_VECTOR_CODES_H
#define TEST_VECTOR_CODES_H

#include "rows.h"

#include "vector/code.h"

/* Near enough to normal: twelve uniform numbers less their mean. */
static inline float random_normal(uint64_t *seed)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(next_random(seed) >> 11) * 0x1p-53;
    return (float)sum;
}

/* Of length 1. */
static inline void random_unit(uint64_t *seed, float *x, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        x[i] = random_normal(seed);
        square += (double)x[i] * (double)x[i];
    }
    for (size_t i = 0; i < dim; i++)
        x[i] = (float)((double)x[i] / sqrt(square));
}

static inline double float_dot(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static inline void same_bits(const void *a, const void *b, size_t n)
{
    assert_memory_equal(a, b, n);
}

static const int code_dims[] = {64,  65,  100, 128,  192,  255,  512,
                                640, 768, 960, 1024, 1152, 2000, 2048};
enum { CODE_DIMS = sizeof code_dims / sizeof *code_dims };

#endif
