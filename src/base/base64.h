/* base64.h - RFC 4648 base64, for file names that are not text. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

int base64_encode(const void *data, size_t len, struct buf *out, struct eye_err *err);

#endif
