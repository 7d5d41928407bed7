/* half.h - fp16 from and to fp32. Thread-safe. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

/* To the nearest, ties to even; what is too large becomes infinite. */
void half_from_floats(const float *in, uint16_t *out, size_t n);
/* Exact. */
void half_to_floats(const uint16_t *in, float *out, size_t n);

#endif
