/* err.h - filling a struct eye_err. Thread rule: touches only its arguments. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "eye_err.h"

/* Fill `err` (may be NULL) and return `code`, so that a failing function can
 * say `return eye_fail(err, EYE_EIO, "%s: cannot open: %s", path, why);`.
 * Bytes that are not printable UTF-8 come out as \xNN; a message that is too
 * long is cut at a character and ends in "...". */
int eye_fail(struct eye_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Like eye_fail, with ": " and the text of errno value `errnum` appended;
 * the code is EYE_ENOTFOUND for ENOENT/ENOTDIR, EYE_ENOMEM for ENOMEM, else EYE_EIO. */
int eye_fail_errno(struct eye_err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the message that is already in `err`; returns err->code (EYE_EINTERNAL for a
 * NULL err, which holds no code: return your own instead). */
int eye_fail_prefix(struct eye_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The analyzers see one file at a time: tell them that a failure never returns 0. */
#if defined(__clang_analyzer__) || defined(__CPPCHECK__)
#define eye_fail(err, code, ...) (eye_fail(err, code, __VA_ARGS__), (code))
#define eye_fail_errno(err, errnum, ...) (eye_fail_errno(err, errnum, __VA_ARGS__), EYE_EIO)
#endif

#endif
