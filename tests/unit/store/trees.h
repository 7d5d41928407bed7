/* trees.h - random libraries and random trees of filters, and what passes them, asked of one picture after the other in C. */
#ifndef TEST_STORE_TREES_H
#define TEST_STORE_TREES_H

#include "fixture.h"

#include <fnmatch.h>

enum { N = 240, ROOTS = 4, FILES = 3, LEAVES = 12, NODES = 40 };

struct seen {
    int64_t root, mtime_ns;
    char path[160], rel[100];
};

struct known {
    int64_t id;
    struct store_picture p;
    struct seen files[FILES];
    size_t nfiles;
};

static uint64_t seed;

static inline uint64_t any(uint64_t n)
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return (z ^ (z >> 31)) % n;
}

#define PICK(list) ((list)[any(sizeof(list) / sizeof *(list))])

static const char *const formats[] = {"jpeg", "jpeg", "jpeg", "png", "heic"};
static const char *const cameras[] = {"",          "",         "Canon EOS 5D", "canon ixus",
                                      "NIKON D70", "100%_cam", "FUJIFILM X100"};
static const int sides[] = {1, 9, 640, 1000, 3000, 4000, 6000};
static const char *const some_roots[ROOTS] = {"/pics", "/pics2", "/mnt/disk \xfe*", "/mnt/one.jpg"};
static const char *const one_root[ROOTS] = {"/", "/", "/", "/"};
static const char *const *roots = some_roots;
static const char *const folders[] = {"",        "2001/",       "2001/05/", "a[b]/", "\xff\xff/",
                                      "2001 x/", "d\xc3\xa4r/", "A*/",      "q\"\\/"};
static const char *const names[] = {"IMG_%d.jpg",
                                    "holiday %d.JPG",
                                    "\xff%d",
                                    "%d",
                                    "x%d.png",
                                    "IMG%d\xe4.jpg",
                                    "it's \"%d\".jpg",
                                    "back\\%d.jpg",
                                    "d\xc3\xa4 %d_%%.png"};

/* ---- a random library ---- */

static inline void make_picture(struct known *k, int i)
{
    char text[32];
    snprintf(text, sizeof text, "picture %d", i);
    k->p = (struct store_picture){.hash = hash_of(text), .size = 1, .taken_at = INT64_MIN};
    k->p.width = PICK(sides);
    k->p.height = any(4) ? PICK(sides) : (int)any(5000) + 1;
    if (any(3))
        k->p.taken_at = (int64_t)any(1000) - 100;
    k->p.has_gps = any(3) == 0;
    k->p.lat = k->p.has_gps ? (double)any(13) * 15 - 90 : 0;
    k->p.lon = k->p.has_gps ? (double)any(25) * 15 - 180 : 0;
    k->p.added_at = (int64_t)any(500);
    snprintf(k->p.format, sizeof k->p.format, "%s", PICK(formats));
    snprintf(k->p.camera, sizeof k->p.camera, "%s", PICK(cameras));
}

/* Where file k->nfiles of picture i is; `ids`: of the roots. */
static inline void make_file(struct known *k, const int64_t *ids, int i)
{
    char name[32], rel[sizeof k->files[0].rel] = "";
    /* the last root is a file: it shows one picture */
    size_t r = i == 7 && !k->nfiles ? ROOTS - 1 : any(ROOTS - 1);
    struct seen *s = &k->files[k->nfiles];
    *s = (struct seen){.root = ids[r]};
    if (r < ROOTS - 1 || roots == one_root) {
        snprintf(name, sizeof name, PICK(names), i * 10 + (int)k->nfiles);
        snprintf(rel, sizeof rel, "%s%s", PICK(folders), name);
    }
    k->nfiles++;
    s->mtime_ns = ((int64_t)any(400) - 50) * 1000000000 + (int64_t)any(2) * 999999999;
    memcpy(s->rel, rel, sizeof rel);
    snprintf(s->path, sizeof s->path, "%s%s%s", roots[r], rel[0] && roots[r][1] ? "/" : "", rel);
}

/* ---- one filter, asked in C ---- */

static inline bool name_passes(const char *words, const char *path)
{
    char copy[64], *rest = NULL;
    const char *name = strrchr(path, '/') + 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        if (!strcasestr(name, w))
            return false;
    return true;
}

static inline bool file_passes(const struct store_filter *f, const struct seen *s)
{
    bool glob = f->path && strpbrk(f->path, "*?[");
    /* in whole seconds, downwards: no time of a filter has to be turned into nanoseconds */
    int64_t t = s->mtime_ns / 1000000000 - (s->mtime_ns % 1000000000 < 0);
    return (!f->root || f->root == s->root) && (!f->name || name_passes(f->name, s->path)) &&
           (f->modified_from == INT64_MIN || t >= f->modified_from) &&
           (f->modified_to == INT64_MIN || t < f->modified_to) &&
           (!f->path ||
            (glob ? fnmatch(f->path, s->path, 0) == 0 : strstr(s->path, f->path) != NULL));
}

static inline bool time_passes(int64_t t, int64_t from, int64_t to)
{
    if (from == INT64_MIN && to == INT64_MIN)
        return true;
    return t != INT64_MIN && (from == INT64_MIN || t >= from) && (to == INT64_MIN || t < to);
}

static inline bool size_passes(const struct store_filter *f, const struct store_picture *p)
{
    double area = (double)p->width * p->height;
    char shape = p->width > p->height ? 'l' : p->width < p->height ? 'p' : 's';
    return p->width >= f->min_width && p->height >= f->min_height &&
           (!f->max_width || p->width <= f->max_width) &&
           (!f->max_height || p->height <= f->max_height) && area >= f->min_megapixels * 1e6 &&
           (f->max_megapixels <= 0 || area <= f->max_megapixels * 1e6) &&
           (!f->orientation || f->orientation == shape);
}

static inline bool place_passes(const struct store_filter *f, const struct store_picture *p)
{
    bool lon = f->west <= f->east ? p->lon >= f->west && p->lon <= f->east
                                  : p->lon >= f->west || p->lon <= f->east;
    return (!f->gps || (f->gps == 'y') == p->has_gps) &&
           (!f->boxed || (p->has_gps && p->lat >= f->south && p->lat <= f->north && lon));
}

static inline bool filter_passes(const struct store_filter *f, const struct known *k)
{
    bool files = false;
    for (size_t i = 0; i < k->nfiles; i++)
        files = files || file_passes(f, &k->files[i]);
    return files && (!f->format || strcmp(f->format, k->p.format) == 0) &&
           (!f->camera || (k->p.camera[0] && strcasestr(k->p.camera, f->camera))) &&
           time_passes(k->p.taken_at, f->taken_from, f->taken_to) &&
           time_passes(k->p.added_at, f->added_from, f->added_to) && size_passes(f, &k->p) &&
           place_passes(f, &k->p);
}

static inline bool where_passes(const struct store_where *w, const struct known *k)
{
    if (w->kind == STORE_IS)
        return filter_passes(w->filter, k);
    if (w->kind == STORE_NOT)
        return !where_passes(w->parts[0], k);
    for (size_t i = 0; i < w->nparts; i++)
        if (where_passes(w->parts[i], k) == (w->kind == STORE_ANY_OF))
            return w->kind == STORE_ANY_OF;
    return w->kind == STORE_ALL_OF;
}

/* ---- random filters and trees ---- */

static const char *const paths[] = {"/pics",
                                    "/pics/*",
                                    "/pics/2001/*",
                                    "/pics2/2001/05/*",
                                    "*",
                                    "/*",
                                    "/pics*",
                                    "*/2001/*",
                                    "*.jpg",
                                    "2001/05",
                                    "/pics/a[b]/x",
                                    "/pics/a\\[b]/*",
                                    "/pics/\xff\xff/*",
                                    "/pics/\xff\xff*",
                                    "/pics/\xff*",
                                    "*\xff*",
                                    "/mnt/one.jpg",
                                    "/mnt/one.jpg/*",
                                    "one.jpg/",
                                    "/mnt/one.jp[g]",
                                    "/mnt/*",
                                    "/mnt/disk \xfe\\*/*",
                                    "one",
                                    "/mnt/one.jpg*",
                                    "/pics/2001*7*",
                                    "/pics/2001",
                                    "s/2001",
                                    "/pics/*/*",
                                    "*IMG*1*.jpg",
                                    "/pics/[0-9]*",
                                    "/pics/?00*",
                                    "**",
                                    "*a**l*",
                                    "/nowhere/*",
                                    "/2001/*",
                                    "/IMG*",
                                    "[",
                                    "/pics/[",
                                    "/",
                                    "/pics/",
                                    "*x",
                                    "/pics/2001 x/*",
                                    "*\xc3*",
                                    "/pics/d\xc3*",
                                    "\xa4r/",
                                    "*/d\xc3\xa4r/*",
                                    "q\"",
                                    "*\"*",
                                    "/pics/q\"*"};

static inline void random_times(int64_t *from, int64_t *to, int64_t low, uint64_t range)
{
    static const int64_t edges[] = {INT64_MIN + 1, INT64_MAX, INT64_MAX / 1000000000 + 1, -1, 0};
    uint64_t how = any(8);
    if (how != 0)
        *from = low + (int64_t)any(range);
    if (how != 1)
        *to = (how == 2 ? low : *from == INT64_MIN ? 0 : *from) + (int64_t)any(range / 4);
    if (how == 3)
        *from = PICK(edges);
    if (how == 4)
        *to = PICK(edges);
}

/* On a coarse grid, as places are: edges are met. */
static inline void random_box(struct store_filter *f)
{
    f->boxed = true;
    f->south = (double)any(7) * 30 - 90;
    f->north = f->south + (double)any(3) * 30;
    f->west = (double)any(13) * 30 - 180;
    f->east = (double)any(13) * 30 - 180;
}

static inline void random_condition(struct store_filter *f, const int64_t *ids)
{
    static const char *const parts[] = {"canon", "o", "IX", "%", "_", "zzz", "d70"};
    static const char *const words[] = {"img",   "IMG 1", "holi day", "\xff", ".JPG", "zzz", "0",
                                        "one.j", "\"",    "\xc3",     "_%",   "k\\",  "'S"};
    switch (any(13)) {
    case 0: f->path = PICK(paths); break;
    case 1: f->root = any(5) ? ids[any(ROOTS)] : 4711; break;
    case 2: f->name = PICK(words); break;
    case 3: f->format = any(6) ? PICK(formats) : "bmp"; break;
    case 4: f->camera = PICK(parts); break;
    case 5: random_times(&f->taken_from, &f->taken_to, -100, 1000); break;
    case 6: random_times(&f->added_from, &f->added_to, 0, 500); break;
    case 7: random_times(&f->modified_from, &f->modified_to, -50, 400); break;
    case 8: *(any(2) ? &f->min_width : &f->max_width) = PICK(sides); break;
    case 9: *(any(2) ? &f->min_height : &f->max_height) = PICK(sides); break;
    case 10: *(any(2) ? &f->min_megapixels : &f->max_megapixels) = (double)any(240) / 10; break;
    case 11: f->orientation = "lps"[any(3)]; break;
    default:
        if (any(2))
            random_box(f);
        else
            f->gps = "yn"[any(2)];
    }
}

struct tree {
    struct store_filter filters[NODES];
    struct store_where nodes[NODES];
    const struct store_where *parts[NODES];
    size_t n, nparts;
};

static inline const struct store_where *grow(struct tree *t, int depth, const int64_t *ids)
{
    struct store_where *w = &t->nodes[t->n];
    struct store_filter *f = &t->filters[t->n++];
    size_t room = (NODES - t->n) / 4, n = any(room < 4 ? room + 1 : 4);
    if (depth == 0 || room < 2 || any(3) == 0) {
        *f = (struct store_filter)STORE_FILTER_INIT;
        for (uint64_t k = any(4) ? 1 + any(2) : any(5); k; k--)
            random_condition(f, ids);
        *w = (struct store_where){.kind = STORE_IS, .filter = f};
        return w;
    }
    static const enum store_where_kind kinds[] = {STORE_ALL_OF, STORE_ANY_OF, STORE_NOT};
    enum store_where_kind kind = PICK(kinds);
    n = kind == STORE_NOT ? 1 : n;
    const struct store_where **parts = &t->parts[t->nparts];
    t->nparts += n;
    assert_true(t->nparts <= NODES);
    for (size_t i = 0; i < n; i++)
        parts[i] = grow(t, depth - 1, ids);
    *w = (struct store_where){.kind = kind, .parts = parts, .nparts = n};
    return w;
}

#endif
