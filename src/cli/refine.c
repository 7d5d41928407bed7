/* refine.c - --minus, --minus-like and the filters of `search`, for a library here or a server. */
#include <math.h>
#include <time.h>

#include "cli/refine.h"

enum { PAGE = 1000 };

void refine_bind(struct refine *r, struct cli_opt *rows)
{
    void *const values[R_COUNT] = {[R_MINUS] = &r->minus,
                                   [R_MINUS_LIKE] = &r->minus_like,
                                   [R_PATH] = &r->path,
                                   [R_FORMAT] = &r->format,
                                   [R_NAME] = &r->name,
                                   [R_CAMERA] = &r->camera,
                                   [R_TAKEN_FROM] = &r->taken_from,
                                   [R_TAKEN_TO] = &r->taken_to,
                                   [R_ADDED_FROM] = &r->added_from,
                                   [R_ADDED_TO] = &r->added_to,
                                   [R_MODIFIED_FROM] = &r->modified_from,
                                   [R_MODIFIED_TO] = &r->modified_to,
                                   [R_MIN_WIDTH] = &r->min_width,
                                   [R_MIN_HEIGHT] = &r->min_height,
                                   [R_MAX_WIDTH] = &r->max_width,
                                   [R_MAX_HEIGHT] = &r->max_height,
                                   [R_MIN_MEGAPIXELS] = &r->min_megapixels,
                                   [R_MAX_MEGAPIXELS] = &r->max_megapixels,
                                   [R_ORIENTATION] = &r->orientation,
                                   [R_GPS] = &r->gps,
                                   [R_BOX] = &r->box};
    for (size_t i = 0; i < R_COUNT; i++)
        rows[i].value = values[i];
}

/* ---- reading ---- */

/* "2024", "2024-05", "2024-05-31", "2024-05-31T18:00:00Z": UTC, as cameras' times are taken to be. */
static int read_date(const char *option, const char *text, int64_t *out)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "%Y-%m", "%Y"};
    *out = EYE_TIME_UNKNOWN;
    if (!text)
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {.tm_mday = 1};
        const char *end = strptime(text, forms[i], &tm);
        int day = tm.tm_mday;
        int64_t at = end && !*end ? (int64_t)timegm(&tm) : 0;
        if (end && !*end && tm.tm_mday == day) { /* timegm turns 31 February into March */
            *out = at;
            return 0;
        }
    }
    cli_say("--%s: '%s' is not a date like 2024-05-31 or 2024", option, text);
    return CLI_USAGE;
}

/* The first letter of the word that was given, which must be one of `words` [n]. */
static int read_word(const char *option, const char *text, const char *const *words, size_t n,
                     char *out)
{
    *out = '\0';
    if (!text)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            *out = text[0];
    if (*out)
        return 0;
    cli_say("--%s: '%s' is not one of the words that --help names", option, text);
    return CLI_USAGE;
}

/* "S,W,N,E", degrees. */
static int read_box(const char *text, eye_filter *f)
{
    double v[4];
    const char *at = text;
    if (!text)
        return 0;
    for (int i = 0; i < 4; i++) {
        char *end;
        v[i] = strtod(at, &end);
        bool number = end != at && fabs(v[i]) <= (i % 2 ? 180 : 90);
        if (!number || *end != (i < 3 ? ',' : '\0')) {
            cli_say("--box: '%s' is not south,west,north,east in degrees, like 47.1,8.2,47.6,9",
                    text);
            return CLI_USAGE;
        }
        at = end + 1;
    }
    if (v[0] > v[2]) {
        cli_say("--box: its south (%g) lies north of its north (%g)", v[0], v[2]);
        return CLI_USAGE;
    }
    f->boxed = true;
    f->south = v[0];
    f->west = v[1];
    f->north = v[2];
    f->east = v[3];
    return 0;
}

static bool is_filtering(const struct refine *r, const eye_filter *f)
{
    bool where = f->path || f->name || f->format || f->camera;
    bool when = r->taken_from || r->taken_to || r->added_from || r->added_to || r->modified_from ||
                r->modified_to;
    bool size = f->min_width || f->min_height || f->max_width || f->max_height ||
                f->min_megapixels > 0 || f->max_megapixels > 0;
    return where || when || size || f->orientation || f->gps || f->boxed;
}

int refine_make(struct refine *r)
{
    static const char *const orientations[] = {"landscape", "portrait", "square"};
    static const char *const answers[] = {"yes", "no"};
    eye_filter f = EYE_FILTER_INIT;
    f.path = r->path;
    f.format = r->format;
    f.name = r->name;
    f.camera = r->camera;
    f.min_width = (int)r->min_width;
    f.min_height = (int)r->min_height;
    f.max_width = (int)r->max_width;
    f.max_height = (int)r->max_height;
    f.min_megapixels = r->min_megapixels;
    f.max_megapixels = r->max_megapixels;
    int code = read_date("taken-from", r->taken_from, &f.taken_from);
    code = code ? code : read_date("taken-to", r->taken_to, &f.taken_to);
    code = code ? code : read_date("added-from", r->added_from, &f.added_from);
    code = code ? code : read_date("added-to", r->added_to, &f.added_to);
    code = code ? code : read_date("modified-from", r->modified_from, &f.modified_from);
    code = code ? code : read_date("modified-to", r->modified_to, &f.modified_to);
    code = code ? code : read_word("orientation", r->orientation, orientations, 3, &f.orientation);
    code = code ? code : read_word("gps", r->gps, answers, 2, &f.gps);
    code = code ? code : read_box(r->box, &f);
    r->filter = f;
    r->filtered = is_filtering(r, &f);
    r->any = r->filtered || r->minus.n || r->minus_like;
    return code;
}

void refine_release(struct refine *r)
{
    cli_list_free(&r->minus);
}

/* ---- a library here ---- */

struct pages {
    const struct refine_ask *ask;
    const eye_term *terms; /* [nterms] its own and those to stay away from */
    size_t nterms;
    int (*put)(void *ctx, const eye_result *result);
    void *ctx;
    uint64_t *found;
};

static int put_page(const struct pages *p, const eye_results *page)
{
    int code = 0;
    for (size_t i = 0; i < eye_results_count(page) && !code; i++) {
        eye_result one = *eye_results_at(page, i);
        one.query = p->ask->query;
        code = p->put(p->ctx, &one);
        ++*p->found;
    }
    return code;
}

static int find_all(eye_lib *lib, const struct pages *p)
{
    const struct refine *r = p->ask->refine;
    struct eye_err err = {0};
    eye_results *page = NULL;
    int code = 0;
    size_t limit = p->ask->limit;
    const char *cursor = NULL;
    do {
        eye_find_options o = {.limit = limit < PAGE ? limit : PAGE,
                              .min_score = p->ask->min_score,
                              .filter = r->filtered ? &r->filter : NULL,
                              .where = p->ask->where,
                              .exact = p->ask->exact,
                              .cursor = cursor};
        eye_results *next = NULL;
        code = eye_find(lib, p->terms, p->nterms, &o, &next, &err) ? cli_fail(&err) : 0;
        eye_results_free(page); /* the cursor was its */
        page = next;
        if (!code) {
            code = put_page(p, page);
            limit -= eye_results_count(page);
            cursor = eye_results_next(page);
        }
    } while (!code && cursor && limit);
    eye_results_free(page);
    return code;
}

int refine_find(eye_lib *lib, const struct refine_ask *ask,
                int (*put)(void *ctx, const eye_result *result), void *ctx, uint64_t *found)
{
    const struct refine *r = ask->refine;
    size_t n = 0;
    eye_term *terms = calloc(ask->nterms + r->minus.n + 1, sizeof *terms);
    if (!terms) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    while (n < ask->nterms) {
        terms[n] = ask->terms[n];
        n++;
    }
    for (size_t i = 0; i < r->minus.n; i++) {
        eye_query q = EYE_QUERY_INIT;
        q.words = r->minus.items[i];
        terms[n++] = (eye_term){q, -1};
    }
    if (r->minus_like) {
        eye_query q = EYE_QUERY_INIT;
        q.like = r->minus_like;
        terms[n++] = (eye_term){q, -1};
    }
    const struct pages p = {ask, terms, n, put, ctx, found};
    int code = find_all(lib, &p);
    free(terms);
    return code;
}

/* ---- a server ---- */

void refine_put_terms(const struct refine *r, struct json_writer *w)
{
    for (size_t i = 0; i < r->minus.n; i++) {
        jw_object(w);
        jw_kstr(w, "words", r->minus.items[i]);
        jw_kint(w, "weight", -1);
        jw_object_end(w);
    }
    if (r->minus_like) {
        jw_object(w);
        jw_kint(w, "like", r->minus_like);
        jw_kint(w, "weight", -1);
        jw_object_end(w);
    }
}

static void put_text(struct json_writer *w, const char *key, const char *text)
{
    if (text)
        jw_kstr(w, key, text);
}

static void put_time(struct json_writer *w, const char *key, int64_t at)
{
    if (at != EYE_TIME_UNKNOWN)
        cli_json_time(w, key, at);
}

static void put_whole(struct json_writer *w, const char *key, int64_t value)
{
    if (value)
        jw_kint(w, key, value);
}

/* Whole numbers of a billionth degree: what the server reads is what was given here. */
static void put_box(struct json_writer *w, const eye_filter *f)
{
    char text[128];
    if (!f->boxed)
        return;
    snprintf(text, sizeof text, "%.9f,%.9f,%.9f,%.9f", f->south, f->west, f->north, f->east);
    jw_kstr(w, "box", text);
}

void refine_put_filter(const struct refine *r, struct json_writer *w)
{
    const eye_filter *f = &r->filter;
    if (!r->filtered)
        return;
    jw_key(w, "filter");
    jw_object(w);
    put_text(w, "path", f->path);
    put_text(w, "format", f->format);
    put_text(w, "name", f->name);
    put_text(w, "camera", f->camera);
    put_time(w, "taken_from", f->taken_from);
    put_time(w, "taken_to", f->taken_to);
    put_time(w, "added_from", f->added_from);
    put_time(w, "added_to", f->added_to);
    put_time(w, "modified_from", f->modified_from);
    put_time(w, "modified_to", f->modified_to);
    put_whole(w, "min_width", f->min_width);
    put_whole(w, "min_height", f->min_height);
    put_whole(w, "max_width", f->max_width);
    put_whole(w, "max_height", f->max_height);
    if (f->min_megapixels > 0)
        jw_knum(w, "min_megapixels", f->min_megapixels, 9);
    if (f->max_megapixels > 0)
        jw_knum(w, "max_megapixels", f->max_megapixels, 9);
    put_text(w, "orientation", r->orientation);
    if (f->gps)
        jw_kbool(w, "gps", f->gps == 'y');
    put_box(w, f);
    jw_object_end(w);
}
