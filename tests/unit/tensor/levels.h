/* levels.h - what every test of tensor/ needs: all kernel levels of this machine, numbers,
 * comparison. */
#ifndef TEST_TENSOR_LEVELS_H
#define TEST_TENSOR_LEVELS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "tensor/tensor.h"

#define EACH_LEVEL(level)                                                                          \
    for (int level = CPU_PORTABLE;                                                                 \
         level <= (int)cpu_level_max() && (int)cpu_level_force((enum cpu_level)level) == level;    \
         level++)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -1..1, the same in every run; xorshift64*. */
static inline float noise(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (float)(int32_t)((*state * 0x2545F4914F6CDD1DULL) >> 32) * 0x1p-31F;
}

static inline float *numbers(size_t n, uint64_t seed)
{
    float *x = malloc((n ? n : 1) * sizeof *x);
    assert_non_null(x);
    uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (size_t i = 0; i < n; i++)
        x[i] = noise(&state);
    return x;
}

/* Exactly n floats, so that the sanitizer sees a step past the end. */
static inline float *room(size_t n)
{
    float *x = malloc((n ? n : 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = -12345.0F;
    return x;
}

static inline bool same_bits(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static inline void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s at level %s: %.9g, not %.9g", what, cpu_level_name(cpu_level()), got, want);
}

#endif
