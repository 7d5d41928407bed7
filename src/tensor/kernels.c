/* kernels.c - which table of kernels is in force. Asked at each call: cpu_level() is one atomic
 * load, and tests switch levels between calls. */
#include "tensor/kernels.h"

#include <math.h>

#include "base/cpu.h"

const struct kernels *kernels_now(void)
{
    const struct kernels *k = NULL;
    enum cpu_level level = cpu_level();
    if (level >= CPU_AVX512)
        k = kernels_avx512();
    if (!k && level >= CPU_AVX2)
        k = kernels_avx2();
    return k ? k : kernels_portable();
}

bool act_clamps(enum act act, float *lo, float *hi)
{
    *lo = act == ACT_RELU || act == ACT_RELU6 ? 0.0F : -INFINITY;
    *hi = act == ACT_RELU6 ? 6.0F : INFINITY;
    return act != ACT_GELU && act != ACT_QUICK_GELU;
}
