/* safetensors.h - the tensor directory of a mapped .safetensors file.
 *
 * The file is an 8-byte little-endian length, a JSON header of that length and one block of numbers.
 * Every field is hostile until checked; what safetensors_find() returns lies inside the file. A file that another
 * process shortens while it is mapped kills a reader with SIGBUS: model folders are replaced by rename, never
 * rewritten in place. Read-only after opening: any number of threads. */
#ifndef CLIP_SAFETENSORS_H
#define CLIP_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tensor/tensor.h"

struct safetensors;

/* NULL: EYE_ENOTFOUND, EYE_EIO, EYE_EFORMAT (which tensor, what is wrong with it), EYE_ELIMIT (header above 100 MB). */
struct safetensors *safetensors_open(const char *path, struct eye_err *err);
void safetensors_close(struct safetensors *st);

/* Fill *out with a view of tensor `name`: EYE_ENOTFOUND if there is none, EYE_EFORMAT if it is stored in a type or
 * with a rank that a tower cannot use (whole numbers, float64, more than four dimensions). */
int safetensors_find(const struct safetensors *st, const char *name, struct tensor *out,
                     struct eye_err *err);
bool safetensors_has(const struct safetensors *st, const char *name);

const char *safetensors_path(const struct safetensors *st);
uint64_t safetensors_bytes(const struct safetensors *st);      /* of the file */
uint64_t safetensors_parameters(const struct safetensors *st); /* floating point numbers in it */
/* "f32", "f16" or "bf16": the type that holds most of the numbers. */
const char *safetensors_dtype(const struct safetensors *st);

/* Let the kernel take back the pages that were read; they come again from the page cache on the next access. */
void safetensors_forget_pages(const struct safetensors *st);

#endif
