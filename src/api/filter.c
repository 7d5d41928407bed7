/* filter.c - the filter of a search or a list, as parameters or as JSON: one table. */
#include "api/internal.h"

static const char *const formats[] = {"jpeg", "png",  "webp", "gif", "tiff",
                                      "bmp",  "heic", "avif", NULL};
static const char *const orientations[] = {"landscape", "portrait", "square", NULL};

#define AT(member) offsetof(struct api_filter, member)
const struct api_field api_filter_fields[API_FILTER_FIELDS] = {
    {"path", API_TEXT, AT(path), 1, 1000, NULL},
    {"root", API_INT, AT(root), 1, (double)API_ID_MAX, NULL},
    {"format", API_WORD, AT(format), 0, 0, formats},
    {"name", API_TEXT, AT(name), 1, 500, NULL},
    {"camera", API_TEXT, AT(camera), 1, 200, NULL},
    {"taken_from", API_TIME, AT(taken_from), 0, 0, NULL},
    {"taken_to", API_TIME, AT(taken_to), 0, 0, NULL},
    {"added_from", API_TIME, AT(added_from), 0, 0, NULL},
    {"added_to", API_TIME, AT(added_to), 0, 0, NULL},
    {"modified_from", API_TIME, AT(modified_from), 0, 0, NULL},
    {"modified_to", API_TIME, AT(modified_to), 0, 0, NULL},
    {"min_width", API_INT, AT(min_width), 0, 1e6, NULL},
    {"min_height", API_INT, AT(min_height), 0, 1e6, NULL},
    {"max_width", API_INT, AT(max_width), 0, 1e6, NULL},
    {"max_height", API_INT, AT(max_height), 0, 1e6, NULL},
    {"min_megapixels", API_NUM, AT(min_megapixels), 0, 1e5, NULL},
    {"max_megapixels", API_NUM, AT(max_megapixels), 0, 1e5, NULL},
    {"orientation", API_WORD, AT(orientation), 0, 0, orientations},
    {"gps", API_FLAG, AT(gps), 0, 0, NULL},
    {"box", API_BOX, AT(box), 0, 0, NULL},
};
#undef AT

void api_filter_init(struct api_filter *f)
{
    memset(f, 0, sizeof *f);
    f->taken_from = f->taken_to = f->added_from = f->added_to = EYE_TIME_UNKNOWN;
    f->modified_from = f->modified_to = EYE_TIME_UNKNOWN;
}

void api_filter_to(const struct api_filter *f, eye_filter *out)
{
    const eye_filter none = EYE_FILTER_INIT;
    *out = none;
    out->path = f->path;
    out->root = f->root;
    out->format = f->format ? formats[f->format - 1] : NULL;
    out->name = f->name;
    out->camera = f->camera;
    out->taken_from = f->taken_from;
    out->taken_to = f->taken_to;
    out->added_from = f->added_from;
    out->added_to = f->added_to;
    out->modified_from = f->modified_from;
    out->modified_to = f->modified_to;
    out->min_width = (int)f->min_width;
    out->min_height = (int)f->min_height;
    out->max_width = (int)f->max_width;
    out->max_height = (int)f->max_height;
    out->min_megapixels = f->min_megapixels;
    out->max_megapixels = f->max_megapixels;
    out->orientation = f->orientation ? orientations[f->orientation - 1][0] : '\0';
    out->gps = f->gps;
    out->boxed = f->box.set;
    out->south = f->box.south;
    out->west = f->box.west;
    out->north = f->box.north;
    out->east = f->box.east;
}
