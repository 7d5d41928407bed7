/* code_dot.c - int8 rows by 16-bit queries: whole numbers, so every kernel gives the same. The portable one and the choice. */
#include "vector/code.h"

int32_t code_dot_portable(const int8_t *row, const int16_t *q, size_t pdim)
{
    int32_t sum = 0;
    for (size_t i = 0; i < pdim; i++)
        sum += row[i] * q[i];
    return sum;
}

code_dot_fn *code_dot_kernel(enum cpu_level level)
{
#if defined(__x86_64__)
    if (level >= CPU_AVX512)
        return code_dot_avx512;
    if (level >= CPU_AVX2)
        return code_dot_avx2;
#endif
    (void)level;
    return code_dot_portable;
}
