/* base64.h - RFC 4648 base64, for what is not text: file names, vectors. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

int base64_encode(const void *data, size_t len, struct buf *out, struct eye_err *err);
/* The bytes of exactly `len` characters, appended: padded, standard alphabet, nothing else in between, no bits left over (so that each
 * text stands for bytes of its own). EYE_EFORMAT; EYE_ELIMIT past out->max. */
int base64_decode(const char *text, size_t len, struct buf *out, struct eye_err *err);

#endif
