/* code.h - numbers of the quantised index: rotation, 1-bit codes with their scan, int8 rows.
 *
 * A row x is rotated at random (P x, pdim numbers: dim rounded up to a multiple of 64). From r = P x - P mean come a sign a
 * number and one factor: <x, q> is estimated without bias by  <mean, q> + factor * sum_i sign_i (P q)_i,  factor = |r|^2 / sum_i |r_i|
 * (RaBitQ, Gao and Long, SIGMOD 2024: |r| / (<o, sign(o)>) with o = r / |r|). The sum goes by tables of 16 entries for four
 * signs at once (FastScan, Andre et al., VLDB 2015) in 8-bit integers: every processor level gives identical sums. The
 * int8 row is of P x itself. */
#ifndef VECTOR_CODE_H
#define VECTOR_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/err.h"

enum { CODE_BLOCK = 32, CODE_DIM_MIN = 64, CODE_DIM_MAX = 2048 };

/* ---- rotate.c: an orthogonal matrix that is applied in n log n; the same for the same dim and seed on every machine, to the bit ---- */
struct rotation;
struct rotation *rotation_new(int dim, uint64_t seed, struct eye_err *err);
void rotation_free(struct rotation *r);
size_t rotation_dims(const struct rotation *r); /* pdim */
/* in [dim] -> out [pdim]; lengths and dot products stay. */
void rotation_apply(const struct rotation *r, const float *in, float *out);

/* ---- code.c: encoding; the same bits on every machine ---- */
/* bits [pdim / 8] (number i at bit i % 8 of byte i / 8, 1: positive) and the factor of a rotated row less the rotated mean. */
void code_signs(const float *r, size_t pdim, uint8_t *bits, float *factor);
/* 32 of them, one after the other, as the scan wants them: block [4 * pdim] bytes. Missing ones are zero bits. */
void code_block(const uint8_t *bits, size_t n, size_t pdim, uint8_t *block);
/* A rotated row [pdim] to int8: row[i] * scale ~ x[i], and how far a score by it may be off: 8 standard deviations of the
 * dot product's error with a random unit vector, and 1e-4 |x| for the rounding of the query and of sums. */
void code_bytes(const float *x, size_t pdim, int8_t *row, float *scale, float *spread);

/* ---- a query, prepared ---- */
struct code_query {
    size_t pdim;
    uint8_t
        *lut; /* [pdim / 4, 16] of 0..63, 64-byte aligned: four add up in a byte, all in 16 bits */
    float step, bias; /* sum_i sign_i q_i ~ step * sum + bias */
    int16_t *q;       /* [pdim] for code_dot, scaled so that no sum leaves 32 bits */
    float q_scale;    /* q[i] * q_scale ~ (P q)_i */
};
int code_query_init(struct code_query *cq, const float *rotated, size_t pdim, struct eye_err *err);
void code_query_release(struct code_query *cq);

/* ---- kernels, one a processor level; the next lower one where a build has none ---- */
/* Estimates less <mean, q> of the rows of nblocks blocks: est [nblocks, 32] = factor * (step * sum + bias), and in hits
 * [nblocks] a bit a row: est >= floor. Blocks lie [4 * pdim] bytes apart, factors [nblocks, 32]. Identical to the bit at all levels. */
typedef void code_scan_fn(const uint8_t *blocks, const float *factors, size_t nblocks,
                          const struct code_query *cq, float floor, float *est, uint32_t *hits);
code_scan_fn *code_scan_kernel(enum cpu_level level);
/* sum_i row[i] * q[i], exact. */
typedef int32_t code_dot_fn(const int8_t *row, const int16_t *q, size_t pdim);
code_dot_fn *code_dot_kernel(enum cpu_level level);

code_scan_fn code_scan_portable;
code_dot_fn code_dot_portable;
#if defined(__x86_64__)
code_scan_fn code_scan_avx2, code_scan_avx512;
code_dot_fn code_dot_avx2, code_dot_avx512;
#endif

/* ---- what encoding is made of, portable and AVX2, the same bits ---- */
/* Walsh-Hadamard transform in place, not scaled; n a power of two from 64 on. */
void rotate_mix_portable(float *x, size_t n);
void code_signs_portable(const float *r, size_t pdim, uint8_t *bits, float *factor);
/* Largest absolute value; then round(x[i] * inv) and |x - row * scale|^2. */
float code_reach_portable(const float *x, size_t pdim);
void code_round_portable(const float *x, size_t pdim, float inv, float scale, int8_t *row,
                         float *error, float *square);
#if defined(__x86_64__)
void rotate_mix_avx2(float *x, size_t n);
void code_signs_avx2(const float *r, size_t pdim, uint8_t *bits, float *factor);
float code_reach_avx2(const float *x, size_t pdim);
void code_round_avx2(const float *x, size_t pdim, float inv, float scale, int8_t *row, float *error,
                     float *square);
#endif

#endif
