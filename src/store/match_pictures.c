/* match_pictures.c - what a filter asks of a picture itself, and parts of texts. What is unknown of a picture passes nothing. */
#include <string.h>

#include "store/match.h"

char match_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool match_part(const char *text, size_t n, const char *part, size_t m)
{
    for (size_t i = 0; i + m <= n; i++) {
        size_t k = 0;
        while (k < m && match_lower(text[i + k]) == part[k])
            k++;
        if (k == m)
            return true;
    }
    return false;
}

const char *match_word(const char **words, size_t *n)
{
    static const char blank[] = " \t\r\n";
    const char *w = *words + strspn(*words, blank);
    *n = strcspn(w, blank);
    *words = w + *n;
    return *n ? w : NULL;
}

unsigned match_facets(const struct store_filter *f)
{
    bool on[FACETS] = {
        [FACET_TAKEN] = f->taken_from != INT64_MIN || f->taken_to != INT64_MIN,
        [FACET_ADDED] = f->added_from != INT64_MIN || f->added_to != INT64_MIN,
        [FACET_PLACE] = f->gps || f->boxed,
        [FACET_FORMAT] = f->format != NULL,
        [FACET_CAMERA] = f->camera != NULL,
        [FACET_WIDTH] = f->min_width > 0 || f->max_width > 0,
        [FACET_HEIGHT] = f->min_height > 0 || f->max_height > 0,
        [FACET_AREA] = f->min_megapixels > 0 || f->max_megapixels > 0,
        [FACET_SHAPE] = f->orientation != '\0',
    };
    unsigned bits = 0;
    for (unsigned i = 0; i < FACETS; i++)
        bits |= (unsigned)on[i] << i;
    return bits;
}

static bool within(int64_t t, int64_t from, int64_t to)
{
    if (from == INT64_MIN && to == INT64_MIN)
        return true;
    return t != INT64_MIN && t >= from && (to == INT64_MIN || t < to);
}

static bool side(int x, int least, int most)
{
    return (least <= 0 || x >= least) && (most <= 0 || x <= most);
}

static bool size_passes(const struct store_filter *f, const struct store_picture *p)
{
    double area = (double)((int64_t)p->width * p->height);
    char shape = p->width > p->height ? 'l' : p->width < p->height ? 'p' : 's';
    return side(p->width, f->min_width, f->max_width) &&
           side(p->height, f->min_height, f->max_height) &&
           !(f->min_megapixels > 0 && area < f->min_megapixels * 1e6) &&
           !(f->max_megapixels > 0 && area > f->max_megapixels * 1e6) &&
           (!f->orientation || f->orientation == shape);
}

static bool place_passes(const struct store_filter *f, const struct store_picture *p)
{
    if (f->gps && (f->gps == 'y') != p->has_gps)
        return false;
    if (!f->boxed)
        return true;
    bool lon = f->west <= f->east ? p->lon >= f->west && p->lon <= f->east
                                  : p->lon >= f->west || p->lon <= f->east;
    return p->has_gps && p->lat >= f->south && p->lat <= f->north && lon;
}

static bool camera_passes(const char *camera, const char *part)
{
    size_t n = strlen(camera), m = strlen(part);
    for (size_t i = 0; i + m <= n; i++) {
        size_t k = 0;
        while (k < m && match_lower(camera[i + k]) == match_lower(part[k]))
            k++;
        if (k == m)
            return true;
    }
    return false;
}

bool match_picture(const struct store_filter *f, const struct store_picture *p)
{
    if (f->format && strcmp(f->format, p->format) != 0)
        return false;
    if (f->camera && !(p->camera[0] && camera_passes(p->camera, f->camera)))
        return false;
    return within(p->taken_at, f->taken_from, f->taken_to) &&
           within(p->added_at, f->added_from, f->added_to) && size_passes(f, p) &&
           place_passes(f, p);
}
