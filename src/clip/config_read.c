/* config_read.c - see config_read.h. */
#include "clip/config_read.h"

#include <math.h>

#include "base/fs.h"

struct config_reader config_section(const struct config_reader *parent, const char *key)
{
    struct config_reader r = *parent;
    r.section = key;
    r.obj = json_get(parent->obj, key);
    if (!r.code && !json_is_object(r.obj))
        r.code = eye_fail(r.err, EYE_EFORMAT, "%s: %s is missing", r.path, key);
    return r;
}

int config_fail(struct config_reader *r, const char *key, const char *why)
{
    if (!r->code)
        r->code = eye_fail(r->err, EYE_EFORMAT, "%s: %s.%s %s", r->path, r->section, key, why);
    return r->code;
}

int config_unsupported(struct config_reader *r, const char *what)
{
    if (!r->code)
        r->code = eye_fail(r->err, EYE_EFORMAT,
                           "%s: this model uses %s, which this version of eyeshine cannot run; "
                           "'eyeshine model list' shows the models that it can",
                           r->path, what);
    return r->code;
}

static size_t size_of_value(struct config_reader *r, const char *key, const struct json *v,
                            size_t max)
{
    int64_t n = json_is_number(v) ? json_int(v, -1) : -1;
    if (n < 1 || (uint64_t)n > max) {
        config_fail(r, key, "is not a whole number in the range that makes sense");
        return 1;
    }
    return (size_t)n;
}

size_t config_size(struct config_reader *r, const char *key, size_t fallback, size_t max)
{
    const struct json *v = json_get(r->obj, key);
    return v ? size_of_value(r, key, v, max) : fallback;
}

void config_pair(struct config_reader *r, const char *key, size_t fallback, size_t *height,
                 size_t *width)
{
    const struct json *v = json_get(r->obj, key);
    *height = *width = fallback;
    if (json_is_array(v) && json_size(v) == 2) {
        *height = size_of_value(r, key, json_at(v, 0), CONFIG_SIDE_MAX);
        *width = size_of_value(r, key, json_at(v, 1), CONFIG_SIDE_MAX);
    } else if (v) {
        *height = *width = size_of_value(r, key, v, CONFIG_SIDE_MAX);
    }
}

double config_num(struct config_reader *r, const char *key, double fallback, double low,
                  double high)
{
    const struct json *v = json_get(r->obj, key);
    if (!v)
        return fallback;
    double x = json_is_number(v) ? json_num(v, NAN) : NAN;
    if (!(x >= low && x <= high)) {
        config_fail(r, key, "is not a number in the range that makes sense");
        return low;
    }
    return x;
}

/* True as Python sees it: not null, false, 0, "" or empty. */
bool config_bool(const struct config_reader *r, const char *key)
{
    const struct json *v = json_get(r->obj, key);
    return json_get_bool(r->obj, key, false) || json_num(v, 0) != 0 || json_str(v, "")[0] != '\0' ||
           json_size(v) > 0;
}

static int same_key(void *ctx, const char *key, const struct json *v)
{
    (void)v;
    return strcmp(key, ctx) == 0;
}

bool config_is_null(const struct config_reader *r, const char *key)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "%s", key);
    return json_is_object(r->obj) && !json_get(r->obj, key) &&
           json_each(r->obj, same_key, wanted) != 0;
}

int config_word(struct config_reader *r, const char *key, const char *const *words, int fallback)
{
    const struct json *v = json_get(r->obj, key);
    if (!v)
        return fallback;
    const char *s = json_str(v, "?");
    for (int i = 0; words[i]; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    char what[160];
    snprintf(what, sizeof(what), "%s.%s = '%.60s'", r->section, key, s);
    config_unsupported(r, what);
    return fallback;
}

void config_three(struct config_reader *r, const char *key, float out[3])
{
    const struct json *v = json_get(r->obj, key);
    if (!v)
        return;
    bool list = json_is_array(v);
    if (list && json_size(v) != 3) {
        config_fail(r, key, "is not a list of three numbers");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        double x = json_num(list ? json_at(v, i) : v, NAN);
        if (!(fabs(x) <= 1000))
            config_fail(r, key, "is not a list of three numbers");
        out[i] = (float)x;
    }
}

struct known {
    struct config_reader *r;
    const char *const *names;
};

static int check_known(void *ctx, const char *key, const struct json *v)
{
    const struct known *k = ctx;
    (void)v;
    for (size_t i = 0; k->names[i]; i++)
        if (strcmp(key, k->names[i]) == 0)
            return 0;
    char what[160];
    snprintf(what, sizeof(what), "the setting %s.%.80s", k->r->section, key);
    return config_unsupported(k->r, what);
}

void config_known(struct config_reader *r, const char *const *known)
{
    struct known k = {r, known};
    if (!r->code)
        json_each(r->obj, check_known, &k);
}

void config_refuse(struct config_reader *r, const char *key, const char *what)
{
    if (!config_bool(r, key))
        return;
    char text[200];
    snprintf(text, sizeof(text), "%s (%s.%s)", what, r->section, key);
    config_unsupported(r, text);
}

void config_stack_check(struct config_reader *r, const struct config_stack *s)
{
    if (r->code)
        return;
    if (s->heads < 1 || s->width % s->heads != 0)
        config_fail(r, "width", "cannot be split evenly among the attention heads");
    else if (s->hidden < 1 || s->hidden > 16 * (size_t)CONFIG_WIDTH_MAX)
        config_fail(r, "mlp_ratio", "gives an MLP of impossible width");
}

struct json *config_file(const char *dir, const char *name, struct config *out, struct eye_err *err)
{
    size_t slot = 0;
    while (slot < CONFIG_FILES_MAX && out->files[slot])
        slot++;
    char *path = fs_join(dir, name, err);
    struct json *root = path ? json_parse_file(path, (size_t)1 << 20, err) : NULL;
    if (root && slot < CONFIG_FILES_MAX)
        out->files[slot] = path;
    else
        free(path);
    return root;
}
