/* refine.h - what `search` may ask beside the query: words and pictures to stay away from, and a filter. */
#ifndef CLI_REFINE_H
#define CLI_REFINE_H

#include "base/json.h"
#include "cli/cli.h"

struct refine {
    /* as given */
    struct cli_list minus;
    int64_t minus_like, min_width, min_height, max_width, max_height;
    double min_megapixels, max_megapixels;
    const char *path, *name, *format, *camera, *orientation, *gps, *box;
    const char *taken_from, *taken_to, *added_from, *added_to, *modified_from, *modified_to;
    /* made by refine_make */
    eye_filter filter;
    bool filtered, any; /* a filter is set; that, or a minus */
};

/* Options of `search` that refine it: rows of its table, and where their values go. */
enum {
    R_MINUS,
    R_MINUS_LIKE,
    R_PATH,
    R_FORMAT,
    R_NAME,
    R_CAMERA,
    R_TAKEN_FROM,
    R_TAKEN_TO,
    R_ADDED_FROM,
    R_ADDED_TO,
    R_MODIFIED_FROM,
    R_MODIFIED_TO,
    R_MIN_WIDTH,
    R_MIN_HEIGHT,
    R_MAX_WIDTH,
    R_MAX_HEIGHT,
    R_MIN_MEGAPIXELS,
    R_MAX_MEGAPIXELS,
    R_ORIENTATION,
    R_GPS,
    R_BOX,
    R_COUNT
};
void refine_bind(struct refine *r, struct cli_opt *rows); /* rows [R_COUNT] */

/* Check what was given: 0, or CLI_USAGE after saying what is wrong. */
int refine_make(struct refine *r);
void refine_release(struct refine *r);

/* One query with the rest: of a library here or of a server. */
struct refine_ask {
    const struct refine *refine;
    size_t query; /* its index, for the results */
    const eye_term *terms;
    size_t nterms;
    const eye_where *where; /* NULL: none */
    size_t limit;
    float min_score; /* -2: none */
    bool exact;
};
/* Its results, each to `put` (non-zero stops); *found counts. 0 or an exit code. */
int refine_find(eye_lib *lib, const struct refine_ask *ask,
                int (*put)(void *ctx, const eye_result *result), void *ctx, uint64_t *found);

/* The same for a server: more items of the list "terms", and the member "filter" if there is one. */
void refine_put_terms(const struct refine *r, struct json_writer *w);
void refine_put_filter(const struct refine *r, struct json_writer *w);

#endif
