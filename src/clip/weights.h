/* weights.h - asking a file for the tensors of a tower, by name and shape.
 *
 * The same walk through a tower's names runs twice: once to check (clip_open: everything is there in the right
 * shape, nothing is packed) and once to pack. The first failure is remembered and later calls do nothing,
 * so that a tower's constructor reads like the list of its layers. */
#ifndef CLIP_WEIGHTS_H
#define CLIP_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "clip/names.h"
#include "clip/safetensors.h"
#include "tensor/tensor.h"

struct weights {
    const struct safetensors *st;
    const struct names *names;
    bool check_only;  /* pack nothing: what would be returned is NULL */
    char prefix[128]; /* put before every name */
    struct eye_err *err;
    int code; /* first failure */
};

void weights_init(struct weights *w, const struct safetensors *st, bool check_only,
                  struct eye_err *err);
void weights_prefix(struct weights *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int weights_fail(struct weights *w, const char *name, const char *why);
bool weights_has(const struct weights *w, const char *name);

/* A view of a tensor that must have this shape (a side of 0: any). False after a failure. */
bool weights_tensor(struct weights *w, const char *name, int ndim, const size_t *shape,
                    struct tensor *out);
/* A matrix that stays in the file, for row look-ups. */
struct tensor weights_table(struct weights *w, const char *name, size_t rows, size_t columns);
/* [n] as float32, to free(). */
float *weights_vector(struct weights *w, const char *name, size_t n);

/* A whole table [rows, columns] as float32, to free(). */
float *weights_rows(struct weights *w, const char *name, size_t rows, size_t columns);
/* NAME.weight and NAME.bias of a norm: gain_bias[0] and [1], both [n]. */
void weights_norm(struct weights *w, const char *name, size_t n, float *gain_bias[2]);

/* NAME.weight [n_out, n_in] and, if `bias`, NAME.bias; scale [n_out] or NULL as in linear_new. */
struct linear *weights_linear(struct weights *w, const char *name, size_t n_out, size_t n_in,
                              bool bias, const float *scale);
/* A matrix without bias under its own name, [n_out, n_in] or transposed. */
struct linear *weights_matrix(struct weights *w, const char *name, size_t n_out, size_t n_in,
                              bool transposed);
/* Query, key and value of one block as one linear [3d, d], however they are stored. */
struct linear *weights_qkv(struct weights *w, const struct names_block *names, size_t d);
/* A k x k convolution [n_out, channels, k, k] for conv_im2col's order (ky, kx, c). scale, shift as in linear_new. */
struct linear *weights_conv(struct weights *w, const char *name, size_t n_out, size_t channels,
                            size_t k, const float *scale, const float *shift);

#endif
