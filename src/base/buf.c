/* buf.c - growable bytes with a maximum, and the checked arithmetic behind every allocation.
 *
 * The maximum is given at init because that is where somebody still knows what the bytes are;
 * growth by half wastes at most a third and lets the allocator reuse what was left behind. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

bool size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static void *out_of_memory(size_t n, size_t size, struct eye_err *err)
{
    eye_fail(err, EYE_ENOMEM, "out of memory (asked for %zu x %zu bytes)", n, size);
    return NULL;
}

void *mem_calloc(size_t n, size_t size, struct eye_err *err)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes))
        return out_of_memory(n, size, err);
    void *p = calloc(bytes ? bytes : 1, 1);
    if (!p)
        return out_of_memory(n, size, err);
    return p;
}

void *mem_realloc(void *ptr, size_t n, size_t size, struct eye_err *err)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes))
        return out_of_memory(n, size, err);
    void *p = realloc(ptr, bytes ? bytes : 1);
    if (!p)
        return out_of_memory(n, size, err);
    return p;
}

char *mem_strdup(const char *s, struct eye_err *err)
{
    size_t bytes = strlen(s) + 1;
    char *copy = mem_calloc(bytes, 1, err);
    if (copy)
        memcpy(copy, s, bytes);
    return copy;
}

void buf_init(struct buf *b, size_t max)
{
    /* One byte less than everything, so that the NUL always has a place. */
    *b = (struct buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t more, struct eye_err *err)
{
    if (more > b->max - b->len)
        return eye_fail(err, EYE_ELIMIT, "more than %zu bytes where no more are allowed", b->max);
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return 0;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    if (cap < need && !size_add(cap, cap / 2, &cap))
        cap = need;
    if (cap < need)
        cap = need;
    if (cap > b->max + 1)
        cap = b->max + 1;
    char *data = mem_realloc(b->data, cap, 1, err);
    if (!data)
        return EYE_ENOMEM;
    if (!b->data)
        data[0] = '\0';
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t len, struct eye_err *err)
{
    int rc = buf_reserve(b, len, err);
    if (rc)
        return rc;
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_puts(struct buf *b, const char *s, struct eye_err *err)
{
    return buf_append(b, s, strlen(s), err);
}

int buf_putc(struct buf *b, char c, struct eye_err *err)
{
    return buf_append(b, &c, 1, err);
}

int buf_printf(struct buf *b, struct eye_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return eye_fail(err, EYE_EINTERNAL, "cannot format with \"%s\"", fmt);
    int rc = buf_reserve(b, (size_t)n, err);
    if (rc)
        return rc;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return 0;
}

char *buf_detach(struct buf *b, size_t *len)
{
    char *data = b->data;
    if (len)
        *len = b->len;
    buf_init(b, b->max);
    return data;
}
