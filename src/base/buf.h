/* buf.h - growable bytes with a maximum given at init, and checked sizes.
 *
 * Always NUL-terminated after the first append, so `data` may be used as a C
 * string when no NUL was appended. Not thread-safe. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
    char *data; /* NULL until the first append */
    size_t len; /* bytes in use, without the NUL */
    size_t cap;
    size_t max; /* len never exceeds it */
};

/* a*b and a+b; false (and *out untouched) when the result would overflow. */
bool size_mul(size_t a, size_t b, size_t *out);
bool size_add(size_t a, size_t b, size_t *out);

/* calloc(n, size) / realloc to n*size bytes, with overflow and NULL turned into
 * EYE_ENOMEM. mem_realloc leaves `ptr` valid on failure. n*size of 0 gives 1 byte. */
void *mem_calloc(size_t n, size_t size, struct eye_err *err);
void *mem_realloc(void *ptr, size_t n, size_t size, struct eye_err *err);
char *mem_strdup(const char *s, struct eye_err *err);

/* max: the most bytes it will ever hold. EYE_ELIMIT past it, EYE_ENOMEM. */
void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b);
int buf_reserve(struct buf *b, size_t more, struct eye_err *err);
int buf_append(struct buf *b, const void *bytes, size_t len, struct eye_err *err);
int buf_puts(struct buf *b, const char *s, struct eye_err *err);
int buf_putc(struct buf *b, char c, struct eye_err *err);
int buf_printf(struct buf *b, struct eye_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Hand the bytes over to the caller (to free()); b is as after buf_init. */
char *buf_detach(struct buf *b, size_t *len);

#endif
