/* json.h - reading JSON (jansson behind it) and writing it.
 *
 * Reader: a tree, read-only; values borrowed from it live as long as the root.
 * Writer: appends to a struct buf, with commas and nesting kept for you. Not thread-safe. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json; /* any JSON value */

/* Parse exactly one value from `len` bytes. EYE_EFORMAT names line and column after `what`
 * (e.g. the file's name). Duplicate keys and depth > 64 are errors. Free the root only. */
struct json *json_parse(const char *text, size_t len, const char *what, struct eye_err *err);
struct json *json_parse_file(const char *path, size_t max_bytes, struct eye_err *err);
void json_free(struct json *root);

/* Members of an object; NULL when absent, null, or `obj` is NULL or no object: so that gets chain. */
const struct json *json_get(const struct json *obj, const char *key);
bool json_is_object(const struct json *v);
bool json_is_array(const struct json *v);
bool json_is_string(const struct json *v);
bool json_is_number(const struct json *v);
size_t json_size(const struct json *v); /* members; 0 if neither array nor object */
const struct json *json_at(const struct json *array, size_t i); /* NULL past the end */
/* Calls fn for each member of an object in the file's order; stops at non-zero, which it returns. */
int json_each(const struct json *obj, int (*fn)(void *ctx, const char *key, const struct json *v),
              void *ctx);

/* Value of member `key`, or `fallback` when absent or of another type. */
const char *json_get_str(const struct json *obj, const char *key, const char *fallback);
int64_t json_get_int(const struct json *obj, const char *key, int64_t fallback);
double json_get_num(const struct json *obj, const char *key, double fallback);
bool json_get_bool(const struct json *obj, const char *key, bool fallback);
const char *json_str(const struct json *v, const char *fallback);
int64_t json_int(const struct json *v, int64_t fallback);
double json_num(const struct json *v, double fallback);

struct json_writer {
    struct buf *out;
    int depth;
    unsigned char need_comma[64];
    bool after_key;
    int code; /* first failure (EYE_ENOMEM, EYE_ELIMIT), sticky */
};
void jw_init(struct json_writer *w, struct buf *out);
void jw_object(struct json_writer *w);
void jw_object_end(struct json_writer *w);
void jw_array(struct json_writer *w);
void jw_array_end(struct json_writer *w);
void jw_key(struct json_writer *w, const char *key);
/* Invalid UTF-8 is replaced by U+FFFD, so the output is always valid JSON. NULL writes null. */
void jw_str(struct json_writer *w, const char *s);
void jw_strn(struct json_writer *w, const char *s, size_t len);
void jw_int(struct json_writer *w, int64_t v);
void jw_num(struct json_writer *w, double v, int digits); /* %.*g; NaN and Inf give null */
void jw_bool(struct json_writer *w, bool v);
void jw_null(struct json_writer *w);
/* key + value in one */
void jw_kstr(struct json_writer *w, const char *key, const char *s);
void jw_kint(struct json_writer *w, const char *key, int64_t v);
void jw_knum(struct json_writer *w, const char *key, double v, int digits);
void jw_kbool(struct json_writer *w, const char *key, bool v);

/* True if `len` bytes are well-formed UTF-8 (RFC 3629). */
bool utf8_valid(const char *s, size_t len);

#endif
