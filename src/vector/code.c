/* code.c - encoding rows: signs and their factor, blocks for the scan, int8.
 *
 * Sums go over eight lanes in a fixed order, and a product is a statement of its own, so that no compiler fuses it with what is
 * added: code_avx2.c gives the same bits, and so does another machine.
 *
 * A block holds 32 rows as [pdim / 4 groups][16 bytes]: byte i of a group has the four signs of row i in its low half, those of
 * row 16 + i in its high half. Sixteen bytes of a block are then looked up in the sixteen entries of their group's table,
 * and registers of any width take several groups one after the other, table beside codes. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "vector/code.h"

enum { LANES = 8 };

static float sum_of(float *sum)
{
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t j = 0; j < width; j++)
            sum[j] += sum[j + width];
    return sum[0];
}

void code_signs_portable(const float *r, size_t pdim, uint8_t *bits, float *factor)
{
    float squares[LANES] = {0}, sums[LANES] = {0};
    for (size_t i = 0; i < pdim; i += LANES) {
        unsigned byte = 0;
        for (size_t j = 0; j < LANES; j++) {
            float x = r[i + j], xx = x * x;
            squares[j] += xx;
            sums[j] += fabsf(x);
            byte |= (unsigned)(x > 0) << j;
        }
        bits[i / 8] = (uint8_t)byte;
    }
    float sum = sum_of(sums), square = sum_of(squares);
    *factor = sum > 0 ? square / sum : 0;
}

void code_signs(const float *r, size_t pdim, uint8_t *bits, float *factor)
{
#if defined(__x86_64__)
    if (cpu_level() >= CPU_AVX2) {
        code_signs_avx2(r, pdim, bits, factor);
        return;
    }
#endif
    code_signs_portable(r, pdim, bits, factor);
}

void code_block(const uint8_t *bits, size_t n, size_t pdim, uint8_t *block)
{
    size_t bytes = pdim / 8;
    memset(block, 0, 4 * pdim);
    for (size_t row = 0; row < n; row++) {
        unsigned shift = row < CODE_BLOCK / 2 ? 0 : 4;
        uint8_t *to = block + row % (CODE_BLOCK / 2);
        for (size_t i = 0; i < bytes; i++) {
            unsigned byte = bits[row * bytes + i];
            to[32 * i] |= (uint8_t)((byte & 15) << shift);
            to[32 * i + 16] |= (uint8_t)((byte >> 4) << shift);
        }
    }
}

float code_reach_portable(const float *x, size_t pdim)
{
    float most = 0;
    for (size_t i = 0; i < pdim; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

void code_round_portable(const float *x, size_t pdim, float inv, float scale, int8_t *row,
                         float *error, float *square)
{
    static const float whole = 0x1.8p23f; /* adding it leaves no room for a fraction */
    float errors[LANES] = {0}, squares[LANES] = {0};
    for (size_t i = 0; i < pdim; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float v = x[i + j], scaled = v * inv;
            float up = scaled + whole;
            float rounded = up - whole;
            float back = rounded * scale;
            float off = v - back;
            float offoff = off * off, vv = v * v;
            errors[j] += offoff;
            squares[j] += vv;
            row[i + j] = (int8_t)rounded;
        }
    *error = sum_of(errors);
    *square = sum_of(squares);
}

void code_bytes(const float *x, size_t pdim, int8_t *row, float *scale, float *spread)
{
    float error, square, inv = 0, n = (float)pdim;
#if defined(__x86_64__)
    bool wide = cpu_level() >= CPU_AVX2;
    float most = wide ? code_reach_avx2(x, pdim) : code_reach_portable(x, pdim);
#else
    float most = code_reach_portable(x, pdim);
#endif
    *scale = 0;
    if (most > 1e-30f) { /* else its inverse may overflow */
        inv = 127 / most;
        *scale = most / 127;
    }
#if defined(__x86_64__)
    if (wide)
        code_round_avx2(x, pdim, inv, *scale, row, &error, &square);
    else
#endif
        code_round_portable(x, pdim, inv, *scale, row, &error, &square);
    float off = 8 * sqrtf(error / n), rounding = 1e-4f * sqrtf(square);
    *spread = off + rounding;
}
