/* dot.h - dot products of fp16 rows with fp32 queries, one kernel a processor level.
 *
 * Each (row, query) pair is summed in an order that depends on the level alone, never on how many rows or
 * queries come together: a score is the same bits in every search of one process. */
#ifndef VECTOR_DOT_H
#define VECTOR_DOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

enum { DOT_STEP = 32 }; /* rows and queries are padded with zeros to a multiple of this */

/* rows [nrows, stride] fp16, queries [nq, stride], scores [nq, nrows]; stride a multiple of DOT_STEP, rows and
 * queries aligned to 64 bytes. */
typedef void dot_fn(const uint16_t *rows, size_t nrows, const float *queries, size_t nq,
                    size_t stride, float *scores);

/* The kernel of a level; the next lower one where this build has none. */
dot_fn *dot_kernel(enum cpu_level level);

float dot_half_to_float(uint16_t h); /* exact for every finite value */

dot_fn dot_portable;
#if defined(__x86_64__)
dot_fn dot_avx2, dot_avx512;
#endif

#endif
