/* code_scan.c - the portable scan, reference for the others, and the choice among them. */
#include <string.h>

#include "vector/code.h"

static void add_up(const uint8_t *block, const struct code_query *cq, uint16_t *sums)
{
    memset(sums, 0, CODE_BLOCK * sizeof *sums);
    for (size_t at = 0; at < 4 * cq->pdim; at += 16) {
        const uint8_t *codes = block + at, *table = cq->lut + at;
        for (size_t i = 0; i < 16; i++) {
            sums[i] = (uint16_t)(sums[i] + table[codes[i] & 15]);
            sums[16 + i] = (uint16_t)(sums[16 + i] + table[codes[i] >> 4]);
        }
    }
}

void code_scan_portable(const uint8_t *blocks, const float *factors, size_t nblocks,
                        const struct code_query *cq, float floor, float *est, uint32_t *hits)
{
    uint16_t sums[CODE_BLOCK];
    for (size_t b = 0; b < nblocks; b++) {
        const float *factor = factors + b * CODE_BLOCK;
        float *out = est + b * CODE_BLOCK;
        add_up(blocks + b * 4 * cq->pdim, cq, sums);
        hits[b] = 0;
        for (size_t i = 0; i < CODE_BLOCK; i++) {
            float product = cq->step * (float)sums[i]; /* rounded before the sum: never fused */
            float sum = product + cq->bias;
            out[i] = factor[i] * sum;
            hits[b] |= (uint32_t)(out[i] >= floor) << i;
        }
    }
}

code_scan_fn *code_scan_kernel(enum cpu_level level)
{
#if defined(__x86_64__)
    if (level >= CPU_AVX512)
        return code_scan_avx512;
    if (level >= CPU_AVX2)
        return code_scan_avx2;
#endif
    (void)level;
    return code_scan_portable;
}
