/* filter.c - what a caller asks of pictures beside the score, checked before it goes to the store. */
#include <math.h>

#include "engine/search.h"

static bool is_number(double x)
{
    return isfinite(x) && x >= 0;
}

static bool is_one_of(char c, const char *set)
{
    return c == '\0' || strchr(set, c) != NULL;
}

enum { TEXT_MAX = 4096 };

static bool is_short(const char *text)
{
    return !text || strlen(text) <= TEXT_MAX;
}

static int check(const eye_filter *f, struct eye_err *err)
{
    if (!is_short(f->path) || !is_short(f->format) || !is_short(f->camera) || !is_short(f->name)) {
        return eye_fail(err, EYE_EINVAL, "filter: texts have at most %d bytes", TEXT_MAX);
    }
    if (f->root < 0) {
        return eye_fail(err, EYE_EINVAL, "filter: a root's id is a positive number, not %lld",
                        (long long)f->root);
    }
    if (f->min_width < 0 || f->min_height < 0 || !is_number(f->min_megapixels) ||
        !is_number(f->max_megapixels)) {
        return eye_fail(err, EYE_EINVAL,
                        "filter: sizes in pixels and megapixels cannot be below zero");
    }
    if (!is_one_of(f->orientation, "lps")) {
        return eye_fail(err, EYE_EINVAL, "filter: orientation is landscape, portrait or square");
    }
    if (!is_one_of(f->gps, "yn")) {
        return eye_fail(err, EYE_EINVAL, "filter: gps is yes or no");
    }
    return 0;
}

static const char *text_of(const char *text)
{
    return text && text[0] ? text : NULL;
}

int eng_filter(const eye_filter *f, struct store_filter *out, bool *all, struct eye_err *err)
{
    static const eye_filter none = EYE_FILTER_INIT;
    f = f ? f : &none;
    int rc = check(f, err);
    *out = (struct store_filter){.path = text_of(f->path),
                                 .root = f->root,
                                 .format = text_of(f->format),
                                 .name = text_of(f->name),
                                 .camera = text_of(f->camera),
                                 .taken_from = f->taken_from,
                                 .taken_to = f->taken_to,
                                 .added_from = f->added_from,
                                 .added_to = f->added_to,
                                 .min_width = f->min_width,
                                 .min_height = f->min_height,
                                 .min_megapixels = f->min_megapixels,
                                 .max_megapixels = f->max_megapixels,
                                 .orientation = f->orientation,
                                 .gps = f->gps};
    *all = !out->path && !out->name && !out->root && !out->format && !out->camera &&
           f->taken_from == EYE_TIME_UNKNOWN && f->taken_to == EYE_TIME_UNKNOWN &&
           f->added_from == EYE_TIME_UNKNOWN && f->added_to == EYE_TIME_UNKNOWN && !f->min_width &&
           !f->min_height && f->min_megapixels <= 0 && f->max_megapixels <= 0 && !f->orientation &&
           !f->gps;
    return rc;
}
