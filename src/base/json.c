/* json.c - reading JSON: jansson parses, this file keeps it behind our own few words.
 *
 * struct json is never defined: a pointer to one is a pointer to jansson's json_t. Depth is
 * checked on the text before parsing, because jansson's own limit (2048) is set when it is built.
 * Values that are null count as absent: configurations write both to mean "not set". */
#include "base/json.h"

#include <string.h>

/* After ours: it defines macros with four of our names. */
#include <jansson.h>
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_number

#include "base/fs.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 64 };

static const json_t *in(const struct json *v)
{
    return (const json_t *)v;
}

static bool is(const struct json *v, json_type type)
{
    return v && json_typeof(in(v)) == type;
}

/* Line on which brackets open more than DEPTH_MAX deep, 0 if none. Text that is not JSON at all
 * may give anything; the parser will refuse it. */
static int too_deep(const char *text, size_t len)
{
    int depth = 0, line = 1;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '\n')
            line++;
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && (c == '{' || c == '[') && ++depth > DEPTH_MAX)
            return line;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return 0;
}

struct json *json_parse(const char *text, size_t len, const char *what, struct eye_err *err)
{
    int line = too_deep(text, len);
    if (line > 0) {
        eye_fail(err, EYE_EFORMAT, "%s: line %d: JSON nested more than %d deep", what, line,
                 DEPTH_MAX);
        return NULL;
    }
    json_error_t why = {0};
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!root && json_error_code(&why) == json_error_out_of_memory)
        eye_fail(err, EYE_ENOMEM, "%s: out of memory", what);
    else if (!root)
        eye_fail(err, EYE_EFORMAT, "%s: line %d, column %d: not valid JSON: %s", what, why.line,
                 why.column, why.text);
    return (struct json *)root;
}

struct json *json_parse_file(const char *path, size_t max_bytes, struct eye_err *err)
{
    struct buf text;
    buf_init(&text, max_bytes);
    struct json *root = NULL;
    if (fs_read_all(path, &text, err) == 0)
        root = json_parse(text.data ? text.data : "", text.len, path, err);
    buf_release(&text);
    return root;
}

void json_free(struct json *root)
{
    json_decref((json_t *)root);
}

const struct json *json_get(const struct json *obj, const char *key)
{
    const json_t *v = is(obj, JSON_OBJECT) ? json_object_get(in(obj), key) : NULL;
    return v && json_typeof(v) != JSON_NULL ? (const struct json *)v : NULL;
}

bool json_is_object(const struct json *v)
{
    return is(v, JSON_OBJECT);
}

bool json_is_array(const struct json *v)
{
    return is(v, JSON_ARRAY);
}

bool json_is_string(const struct json *v)
{
    return is(v, JSON_STRING);
}

bool json_is_number(const struct json *v)
{
    return is(v, JSON_INTEGER) || is(v, JSON_REAL);
}

size_t json_size(const struct json *v)
{
    /* each gives 0 for another type, NULL included */
    return json_object_size(in(v)) + json_array_size(in(v));
}

const struct json *json_at(const struct json *array, size_t i)
{
    return (const struct json *)json_array_get(in(array), i);
}

int json_each(const struct json *obj, int (*fn)(void *ctx, const char *key, const struct json *v),
              void *ctx)
{
    /* jansson's iterators want a json_t that may be changed, but change nothing */
    json_t *o = (json_t *)(uintptr_t)obj;
    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        const struct json *v = (const struct json *)json_object_iter_value(it);
        int rc = fn(ctx, json_object_iter_key(it), v);
        if (rc)
            return rc;
    }
    return 0;
}

const char *json_str(const struct json *v, const char *fallback)
{
    return is(v, JSON_STRING) ? json_string_value(in(v)) : fallback;
}

/* 224.0 is as good an integer as 224, as long as a double holds it exactly. */
int64_t json_int(const struct json *v, int64_t fallback)
{
    if (is(v, JSON_INTEGER))
        return json_integer_value(in(v));
    if (!is(v, JSON_REAL))
        return fallback;
    double d = json_real_value(in(v)), limit = 9007199254740992.0;
    if (!(d >= -limit && d <= limit) || (double)(int64_t)d != d)
        return fallback;
    return (int64_t)d;
}

double json_num(const struct json *v, double fallback)
{
    return json_is_number(v) ? json_number_value(in(v)) : fallback;
}

const char *json_get_str(const struct json *obj, const char *key, const char *fallback)
{
    return json_str(json_get(obj, key), fallback);
}

int64_t json_get_int(const struct json *obj, const char *key, int64_t fallback)
{
    return json_int(json_get(obj, key), fallback);
}

double json_get_num(const struct json *obj, const char *key, double fallback)
{
    return json_num(json_get(obj, key), fallback);
}

bool json_get_bool(const struct json *obj, const char *key, bool fallback)
{
    const struct json *v = json_get(obj, key);
    return is(v, JSON_TRUE) || (!is(v, JSON_FALSE) && fallback);
}

bool utf8_valid(const char *s, size_t len)
{
    while (len > 0) {
        size_t n = utf8_step(s, len, NULL);
        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}
