/* utf8.h - one step through UTF-8. Thread-safe. (utf8_valid is in json.h.) */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed sequence (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF) that `s`, `len` bytes long, begins with; 0 if there is none. *point, which may be
 * NULL, gets the code point. */
size_t utf8_step(const char *s, size_t len, uint32_t *point);

#endif
