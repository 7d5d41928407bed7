/* rows.h - reproducible rows and queries for the tests of src/vector. */
#ifndef TEST_VECTOR_ROWS_H
#define TEST_VECTOR_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"
#include "vector/vector.h"

/* splitmix64 */
static inline uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Any finite fp16 of size 2^-10 .. 2, and now and then a subnormal or a zero. */
static inline uint16_t random_half(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    uint64_t exponent = r % 16 == 0 ? 0 : 5 + (r >> 8) % 11;
    return (uint16_t)((r & 0x8000) | (exponent << 10) | ((r >> 32) & 0x3ff));
}

/* By the definition of binary16, not by the trick of the code under test. */
static inline double half_value(uint16_t h)
{
    int exponent = (h >> 10) & 31, fraction = h & 0x3ff;
    double x = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return h & 0x8000 ? -x : x;
}

static inline double exact_dot(const uint16_t *row, const float *query, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += half_value(row[i]) * (double)query[i];
    return sum;
}

static inline void random_row(uint64_t *seed, uint16_t *row, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        row[i] = random_half(seed);
}

static inline void random_query(uint64_t *seed, float *query, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        query[i] = (float)(next_random(seed) >> 40) / 16777216.0f - 0.5f;
}

#endif
