/* err.c - filling a struct eye_err with one sentence that any terminal may show.
 *
 * A message often carries bytes from outside: file names, fields of broken files. Control
 * characters (newlines that forge log lines, escape sequences that drive a terminal), the
 * invisible Unicode that reorders text, and bytes that are no UTF-8 come out as \xNN. It is done
 * here, once, so that nobody who prints a message has to think of it. A message keeps its end
 * where that says why: eye_fail_errno cuts the long path before it, never the system's reason. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#undef eye_fail
#undef eye_fail_errno

/* Text before escaping. Escaping never shortens, so whatever is cut here could not have fitted. */
enum { RAW_MAX = EYE_ERR_MSG_MAX + 8 };

static bool printable(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
        return false;
    /* line and paragraph separators; bidirectional embeddings, overrides, isolates, marks */
    return !((cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e ||
             cp == 0x200f || cp == 0xfeff);
}

/* Escape `src` into dst [cap], NUL-terminated; returns the length. What does not fit is cut
 * between characters (an escaped byte counts as one) and "..." put in its place. */
static size_t put_escaped(char *dst, size_t cap, const char *src)
{
    static const char hex[] = "0123456789abcdef";
    size_t left = strlen(src), len = 0, cut = 0; /* cut: last place where "..." still fits */
    while (left > 0) {
        uint32_t cp = 0;
        size_t n = utf8_step(src, left, &cp);
        bool plain = n > 0 && printable(cp);
        size_t in = n > 0 ? n : 1, need = plain ? n : 4 * in;
        if (len + 4 <= cap)
            cut = len;
        if (len + need + 1 > cap) {
            memcpy(dst + cut, "...", 4);
            return cut + 3;
        }
        for (size_t i = 0; i < in; i++) {
            unsigned char c = (unsigned char)src[i];
            if (plain) {
                dst[len++] = (char)c;
                continue;
            }
            dst[len++] = '\\';
            dst[len++] = 'x';
            dst[len++] = hex[c >> 4];
            dst[len++] = hex[c & 15];
        }
        src += in;
        left -= in;
    }
    dst[len] = '\0';
    return len;
}

__attribute__((format(printf, 2, 0))) static void format_raw(char *raw, const char *fmt, va_list ap)
{
    if (vsnprintf(raw, RAW_MAX, fmt, ap) < 0)
        raw[0] = '\0';
}

int eye_fail(struct eye_err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    char raw[RAW_MAX];
    va_list ap;
    va_start(ap, fmt);
    format_raw(raw, fmt, ap);
    va_end(ap);
    err->code = code;
    put_escaped(err->msg, sizeof err->msg, raw);
    return code;
}

static int code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR: return EYE_ENOTFOUND;
    case ENOMEM: return EYE_ENOMEM;
    default: return EYE_EIO;
    }
}

int eye_fail_errno(struct eye_err *err, int errnum, const char *fmt, ...)
{
    int code = code_of_errno(errnum);
    if (!err)
        return code;
    char raw[RAW_MAX], reason[128];
    va_list ap;
    va_start(ap, fmt);
    format_raw(raw, fmt, ap);
    va_end(ap);
    const char *text = strerror_r(errnum, reason, sizeof reason);
    size_t tail = strnlen(text, sizeof reason - 1) + 2;
    err->code = code;
    size_t len = put_escaped(err->msg, sizeof err->msg - tail, raw);
    snprintf(err->msg + len, sizeof err->msg - len, ": %.*s", (int)(tail - 2), text);
    return code;
}

int eye_fail_prefix(struct eye_err *err, const char *fmt, ...)
{
    if (!err)
        return EYE_EINTERNAL; /* the code is lost with the struct; callers keep their own */
    char raw[RAW_MAX], old[EYE_ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    format_raw(raw, fmt, ap);
    va_end(ap);
    memcpy(old, err->msg, sizeof old);
    old[sizeof old - 1] = '\0';
    /* At most half for the prefix, so that the message itself is still there to be read. */
    size_t len = put_escaped(err->msg, sizeof err->msg / 2, raw);
    err->msg[len++] = ':';
    err->msg[len++] = ' ';
    put_escaped(err->msg + len, sizeof err->msg - len, old);
    return err->code;
}

__attribute__((visibility("default"))) const char *eye_err_name(int code)
{
    switch (code) {
    case EYE_OK: return "ok";
    case EYE_ENOMEM: return "memory";
    case EYE_EIO: return "io";
    case EYE_ENOTFOUND: return "notfound";
    case EYE_EEXIST: return "exists";
    case EYE_EFORMAT: return "format";
    case EYE_ELIMIT: return "limit";
    case EYE_EINVAL: return "invalid";
    case EYE_EBUSY: return "busy";
    case EYE_EREMOTE: return "remote";
    case EYE_EINTERNAL: return "internal";
    case EYE_ECANCELLED: return "cancelled";
    default: return "unknown";
    }
}
