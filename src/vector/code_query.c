/* code_query.c - a query made ready for the scan (tables) and for int8 rows (16-bit numbers).
 *
 * A table has the sixteen sums of four of the query's numbers with all choices of sign, in 6 bits. The rounding adds about 0.03 |q| to a sum
 * whose own error (what one bit a number leaves open) is about 0.6 |q|: a thousandth of the variance, and four lookups add up in a byte
 * before they must be widened (8 bits: each must be). */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "vector/code.h"

enum { TOP = 63, Q_TOP = 32767 };

static float group_reach(const float *q)
{
    return fabsf(q[0]) + fabsf(q[1]) + fabsf(q[2]) + fabsf(q[3]);
}

static void fill_tables(struct code_query *cq, const float *q)
{
    float most = 0;
    for (size_t i = 0; i < cq->pdim; i += 4)
        most = fmaxf(most, group_reach(q + i));
    if (!(most > 1e-30f))
        return; /* all zero: so is every sum */
    cq->step = 2 * most / TOP;
    uint32_t total = 0;
    for (size_t i = 0; i < cq->pdim; i += 4) {
        float low = group_reach(q + i);
        uint8_t *table = cq->lut + 4 * i;
        for (unsigned bits = 0; bits < 16; bits++) {
            float sum = low;
            for (unsigned b = 0; b < 4; b++)
                sum += bits >> b & 1 ? q[i + b] : -q[i + b];
            float entry = floorf(sum / cq->step + 0.5f);
            table[bits] = (uint8_t)(entry < 0 ? 0 : entry > TOP ? TOP : entry);
            total += table[bits];
        }
    }
    /* A group's sixteen sums cancel out; so shall what the tables say, rounding and all. */
    cq->bias = -cq->step * ((float)total / 16);
}

static void fill_numbers(struct code_query *cq, const float *q)
{
    float most = 0;
    double sum = 0;
    for (size_t i = 0; i < cq->pdim; i++) {
        most = fmaxf(most, fabsf(q[i]));
        sum += fabsf(q[i]);
    }
    if (!(most > 1e-30f))
        return;
    /* Products with 127 must add up to less than 2^31, half a unit of rounding each included. */
    double room = (double)(INT32_MAX / 128) - (double)cq->pdim;
    double scale = fmax((double)most / Q_TOP, sum / room);
    cq->q_scale = (float)scale;
    for (size_t i = 0; i < cq->pdim; i++) {
        double x = floor((double)q[i] / scale + 0.5);
        cq->q[i] = (int16_t)(x > Q_TOP ? Q_TOP : x < -Q_TOP ? -Q_TOP : x);
    }
}

int code_query_init(struct code_query *cq, const float *rotated, size_t pdim, struct eye_err *err)
{
    memset(cq, 0, sizeof *cq);
    cq->pdim = pdim;
    cq->lut = aligned_alloc(64, 6 * pdim); /* pdim is a multiple of 64 */
    if (!cq->lut)
        return eye_fail(err, EYE_ENOMEM, "out of memory (%zu bytes)", 6 * pdim);
    memset(cq->lut, 0, 6 * pdim);
    cq->q = (int16_t *)(void *)(cq->lut + 4 * pdim);
    fill_tables(cq, rotated);
    fill_numbers(cq, rotated);
    return 0;
}

void code_query_release(struct code_query *cq)
{
    free(cq->lut);
    memset(cq, 0, sizeof *cq);
}
