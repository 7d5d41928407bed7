/* fields.c - values from outside, checked by one table for both ways in.
 *
 * A query's parameters and a JSON body's members carry the same things, so a field is described once (name, kind, range,
 * where it goes) and the two readers below differ only in how they read a text or a JSON value. Strict: what is not in
 * the table, comes twice or is out of range is an error that names the field and what it must be. */
#include "api/internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "base/utf8.h"

size_t api_characters(const char *utf8)
{
    size_t left = strlen(utf8), n = 0;
    while (left > 0) {
        size_t step = utf8_step(utf8, left, NULL);
        step = step ? step : 1;
        utf8 += step;
        left -= step;
        n++;
    }
    return n;
}

/* ---- times ---- */

static bool two_digits(const char **p, int lo, int hi, int *out)
{
    const char *s = *p;
    if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
        return false;
    *out = (s[0] - '0') * 10 + s[1] - '0';
    *p = s + 2;
    return *out >= lo && *out <= hi;
}

static bool this_char(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

static bool date(const char **p, struct tm *tm)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int century = 0, year = 0;
    if (!two_digits(p, 0, 99, &century) || !two_digits(p, 0, 99, &year) || !this_char(p, '-') ||
        !two_digits(p, 1, 12, &tm->tm_mon) || !this_char(p, '-') ||
        !two_digits(p, 1, 31, &tm->tm_mday))
        return false;
    year += century * 100;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    tm->tm_year = year - 1900;
    tm->tm_mon--;
    return tm->tm_mday <= days[tm->tm_mon] + (tm->tm_mon == 1 && leap);
}

/* "Z", "+02:00": seconds east of UTC. */
static bool zone(const char **p, int *east)
{
    int sign = **p == '-' ? -1 : 1, hours = 0, minutes = 0;
    *east = 0;
    if (this_char(p, 'Z'))
        return true;
    if (!this_char(p, '+') && !this_char(p, '-'))
        return false;
    if (!two_digits(p, 0, 23, &hours) || !this_char(p, ':') || !two_digits(p, 0, 59, &minutes))
        return false;
    *east = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool clock_time(const char **p, struct tm *tm)
{
    if (!two_digits(p, 0, 23, &tm->tm_hour) || !this_char(p, ':') ||
        !two_digits(p, 0, 59, &tm->tm_min) || !this_char(p, ':') ||
        !two_digits(p, 0, 59, &tm->tm_sec))
        return false;
    if (this_char(p, '.')) { /* parts of a second are allowed and dropped */
        size_t digits = strspn(*p, "0123456789");
        if (digits < 1 || digits > 9)
            return false;
        *p += digits;
    }
    return true;
}

int api_parse_time(const char *text, int64_t *out)
{
    struct tm tm = {0};
    int east = 0;
    if (!date(&text, &tm))
        return EYE_EINVAL;
    if (*text && (!this_char(&text, 'T') || !clock_time(&text, &tm) || !zone(&text, &east)))
        return EYE_EINVAL;
    if (*text)
        return EYE_EINVAL;
    *out = (int64_t)timegm(&tm) - east;
    return 0;
}

/* ---- storing what was read ---- */

/* A place for messages: "parameter 'limit'", "'limit' of filter". */
struct place {
    const char *before, *name, *after, *owner;
};

static int wrong(const struct api_field *f, const struct place *at, struct eye_err *err)
{
    switch (f->kind) {
    case API_INT:
        return eye_fail(err, EYE_EINVAL, "%s'%s'%s%s must be a whole number from %.0f to %.0f",
                        at->before, at->name, at->after, at->owner, f->lo, f->hi);
    case API_NUM:
        return eye_fail(err, EYE_EINVAL, "%s'%s'%s%s must be a number from %g to %g", at->before,
                        at->name, at->after, at->owner, f->lo, f->hi);
    case API_TEXT:
        return eye_fail(err, EYE_EINVAL, "%s'%s'%s%s must be a text of %.0f to %.0f characters",
                        at->before, at->name, at->after, at->owner, f->lo, f->hi);
    case API_FLAG:
        return eye_fail(err, EYE_EINVAL, "%s'%s'%s%s must be true or false", at->before, at->name,
                        at->after, at->owner);
    case API_TIME:
        return eye_fail(err, EYE_EINVAL,
                        "%s'%s'%s%s must be a day (2024-05-01) or a moment (2024-05-01T12:30:00Z)",
                        at->before, at->name, at->after, at->owner);
    case API_WORD: {
        char list[256] = "";
        size_t len = 0;
        for (size_t i = 0; f->words[i] && len < sizeof list; i++)
            len +=
                (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", f->words[i]);
        return eye_fail(err, EYE_EINVAL, "%s'%s'%s%s must be one of: %s", at->before, at->name,
                        at->after, at->owner, list);
    }
    case API_BOX:
        return eye_fail(
            err, EYE_EINVAL,
            "%s'%s'%s%s must be a box of degrees: south,west,north,east, like 47.1,8.2,47.6,9",
            at->before, at->name, at->after, at->owner);
    case API_LEFT: break;
    }
    return eye_fail(err, EYE_EINVAL, "%s'%s'%s%s makes no sense", at->before, at->name, at->after,
                    at->owner);
}

static bool put_int(const struct api_field *f, void *target, double v)
{
    if (!(v >= f->lo && v <= f->hi) || v != floor(v))
        return false;
    *(int64_t *)((char *)target + f->at) = (int64_t)v;
    return true;
}

static bool put_num(const struct api_field *f, void *target, double v)
{
    if (!(v >= f->lo && v <= f->hi))
        return false;
    memcpy((char *)target + f->at, &v, sizeof v);
    return true;
}

static bool put_text(const struct api_field *f, void *target, const char *text)
{
    size_t n = api_characters(text);
    if ((double)n < f->lo || (double)n > f->hi)
        return false;
    *(const char **)((char *)target + f->at) = text;
    return true;
}

static bool put_word(const struct api_field *f, void *target, const char *text)
{
    for (int i = 0; f->words[i]; i++)
        if (strcmp(f->words[i], text) == 0) {
            *(int *)((char *)target + f->at) = i + 1;
            return true;
        }
    return false;
}

static bool put_time(const struct api_field *f, void *target, const char *text)
{
    return api_parse_time(text, (int64_t *)((char *)target + f->at)) == 0;
}

/* ---- from a query ---- */

/* Digits only: no sign but '-', no space, no hex. */
static bool text_int(const char *text, double *out)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 16 || digits[n])
        return false;
    *out = (double)strtoll(text, NULL, 10);
    return true;
}

static bool text_num(const char *text, double *out)
{
    char *end = NULL;
    if (text[strspn(text, "0123456789+-.eE")] || !*text)
        return false;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out);
}

/* Four numbers with commas, and nothing else. */
static bool put_box(const struct api_field *f, void *target, const char *text)
{
    double v[4];
    char part[64];
    for (int i = 0; i < 4; i++) {
        size_t n = strcspn(text, ",");
        if (n >= sizeof part || (text[n] == ',') != (i < 3))
            return false;
        memcpy(part, text, n);
        part[n] = '\0';
        if (!text_num(part, &v[i]) || fabs(v[i]) > (i % 2 ? 180 : 90))
            return false;
        text += n + 1;
    }
    struct api_box box = {v[0], v[1], v[2], v[3], true};
    memcpy((char *)target + f->at, &box, sizeof box);
    return box.south <= box.north;
}

static bool put_flag_text(const struct api_field *f, void *target, const char *text)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return false;
    *((char *)target + f->at) = yes ? 'y' : 'n';
    return true;
}

static bool from_text(const struct api_field *f, void *target, const char *text)
{
    double v = 0;
    switch (f->kind) {
    case API_INT: return text_int(text, &v) && put_int(f, target, v);
    case API_NUM: return text_num(text, &v) && put_num(f, target, v);
    case API_TEXT: return put_text(f, target, text);
    case API_FLAG: return put_flag_text(f, target, text);
    case API_TIME: return put_time(f, target, text);
    case API_WORD: return put_word(f, target, text);
    case API_BOX: return put_box(f, target, text);
    case API_LEFT: return true;
    }
    return false;
}

/* Which field it is, and that it did not come before; -1 and err otherwise. */
static int find(const struct api_field *fields, size_t n, uint32_t *seen, const struct place *at,
                struct eye_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(fields[i].name, at->name) != 0)
            continue;
        uint32_t bit = UINT32_C(1) << i;
        if (*seen & bit) {
            eye_fail(err, EYE_EINVAL, "%s'%s'%s%s is given twice", at->before, at->name, at->after,
                     at->owner);
            return -1;
        }
        *seen |= bit;
        return (int)i;
    }
    eye_fail(err, EYE_EINVAL, "%s'%s'%s%s is not known here", at->before, at->name, at->after,
             at->owner);
    return -1;
}

int api_query_one(const struct api_field *fields, size_t n, void *target, uint32_t *seen,
                  const char *name, const char *value, struct eye_err *err)
{
    const struct place at = {"parameter ", name, "", ""};
    int i = find(fields, n, seen, &at, err);
    if (i < 0)
        return EYE_EINVAL;
    return from_text(&fields[i], target, value) ? 0 : wrong(&fields[i], &at, err);
}

struct query_walk {
    const struct api_field *fields;
    size_t n;
    void *target;
    uint32_t seen;
    struct eye_err *err;
};

static int on_parameter(void *ctx, const char *name, const char *value)
{
    struct query_walk *q = ctx;
    return api_query_one(q->fields, q->n, q->target, &q->seen, name, value, q->err);
}

int api_query(struct http_request *rq, const struct api_field *fields, size_t n, void *target,
              struct eye_err *err)
{
    struct query_walk q = {fields, n, target, 0, err};
    return http_query_each(rq, on_parameter, &q);
}

bool api_no_query(struct http_request *rq)
{
    struct eye_err err = {0, ""};
    if (api_query(rq, NULL, 0, NULL, &err) == 0)
        return true;
    api_problem_err(rq, &err);
    return false;
}

int api_path_id(struct http_request *rq, int64_t *id, struct eye_err *err)
{
    static const struct api_field field = {"id", API_INT, 0, 1, (double)API_ID_MAX, NULL};
    const struct place at = {"", "id", " in the path", ""};
    const char *text = http_param(rq, "id");
    return text && from_text(&field, id, text) ? 0 : wrong(&field, &at, err);
}

/* ---- from JSON ---- */

static bool put_flag_json(const struct api_field *f, void *target, const struct json *obj,
                          const char *key)
{
    /* the reader has no "is it a boolean": it is one if the fallback makes no difference */
    bool yes = json_get_bool(obj, key, false);
    if (yes != json_get_bool(obj, key, true))
        return false;
    *((char *)target + f->at) = yes ? 'y' : 'n';
    return true;
}

static bool from_json(const struct api_field *f, void *target, const struct json *obj,
                      const char *key, const struct json *v)
{
    switch (f->kind) {
    case API_INT: return json_is_number(v) && put_int(f, target, json_num(v, 0));
    case API_NUM: return json_is_number(v) && put_num(f, target, json_num(v, 0));
    case API_TEXT: return json_is_string(v) && put_text(f, target, json_str(v, ""));
    case API_FLAG: return put_flag_json(f, target, obj, key);
    case API_TIME: return json_is_string(v) && put_time(f, target, json_str(v, ""));
    case API_WORD: return json_is_string(v) && put_word(f, target, json_str(v, ""));
    case API_BOX: return json_is_string(v) && put_box(f, target, json_str(v, ""));
    case API_LEFT: return true;
    }
    return false;
}

struct member_walk {
    const struct json *obj;
    const char *what;
    const struct api_field *fields;
    size_t n;
    void *target;
    uint32_t seen;
    struct eye_err *err;
};

static int on_member(void *ctx, const char *key, const struct json *v)
{
    struct member_walk *m = ctx;
    const struct place at = {"", key, " of ", m->what};
    int i = find(m->fields, m->n, &m->seen, &at, m->err);
    if (i < 0)
        return EYE_EINVAL;
    return from_json(&m->fields[i], m->target, m->obj, key, v) ? 0
                                                               : wrong(&m->fields[i], &at, m->err);
}

int api_members(const struct json *obj, const char *what, const struct api_field *fields, size_t n,
                void *target, uint32_t *seen, struct eye_err *err)
{
    struct member_walk m = {obj, what, fields, n, target, 0, err};
    if (!json_is_object(obj))
        return eye_fail(err, EYE_EINVAL, "%s must be an object", what);
    int rc = json_each(obj, on_member, &m);
    if (seen)
        *seen = m.seen;
    return rc;
}
