/* Trees of filters over random libraries, against the same trees asked of one picture after the other in C, whichever way
 * the answer is found: by indexes, by rows, by tables, in the old layout. */
#include "fixture.h"

#include <fnmatch.h>

#include "store/sqlite.h"

enum { N = 240, ROOTS = 4, FILES = 3, LEAVES = 12, NODES = 40 };

struct seen {
    int64_t root, mtime_ns;
    char path[160];
};

struct known {
    int64_t id;
    struct store_picture p;
    struct seen files[FILES];
    size_t nfiles;
};

static uint64_t seed;

static uint64_t any(uint64_t n)
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
static const char *const folders[] = {"",          "2001/",   "2001/05/",    "a[b]/",
                                      "\xff\xff/", "2001 x/", "d\xc3\xa4r/", "A*/"};
static const char *const names[] = {"IMG_%d.jpg", "holiday %d.JPG", "\xff%d",
                                    "%d",         "x%d.png",        "IMG%d\xe4.jpg"};

/* ---- a random library ---- */

static void make_picture(struct known *k, int i)
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

static void add_file(struct lib *l, struct known *k, const int64_t *ids, int i)
{
    char rel[100] = "", name[32];
    /* the last root is a file: it shows one picture */
    size_t r = i == 7 && !k->nfiles ? ROOTS - 1 : any(ROOTS - 1);
    if (r < ROOTS - 1 || roots == one_root) {
        snprintf(name, sizeof name, PICK(names), i * 10 + (int)k->nfiles);
        snprintf(rel, sizeof rel, "%s%s", PICK(folders), name);
    }
    struct seen *s = &k->files[k->nfiles++];
    s->root = ids[r];
    s->mtime_ns = ((int64_t)any(400) - 50) * 1000000000 + (int64_t)any(2) * 999999999;
    snprintf(s->path, sizeof s->path, "%s%s%s", roots[r], rel[0] && roots[r][1] ? "/" : "", rel);
    struct store_file f = {
        .picture = k->id, .root = s->root, .rel = rel, .size = 1, .mtime_ns = s->mtime_ns};
    OK(l, store_file_set(l->s, &f, &l->err));
}

static void fill(struct lib *l, struct known *all, int64_t *ids)
{
    OK(l, store_root_remove(l->s, l->root, &l->err));
    for (size_t r = 0; r < ROOTS; r++)
        OK(l, store_root_add(l->s, roots[r], &ids[r], &l->err));
    OK(l, store_begin(l->s, &l->err));
    memset(all, 0, N * sizeof *all);
    for (int i = 0; i < N; i++) {
        make_picture(&all[i], i);
        OK(l, store_put(l->s, &all[i].p, l->model, NULL, 0, &all[i].id, &l->err));
        for (uint64_t n = 1 + any(FILES); n; n--)
            add_file(l, &all[i], ids, i);
        if (i % 20 == 0)
            fail_file(l, ids[0], "broken.jpg", "broken");
    }
    OK(l, store_commit(l->s, &l->err));
}

/* Some pictures go, so that ids have holes. */
static void thin_out(struct lib *l, struct known *all)
{
    for (int i = 0; i < N; i += 7) {
        for (size_t k = 0; k < all[i].nfiles; k++) {
            const struct seen *s = &all[i].files[k];
            for (size_t r = 0; r < ROOTS; r++) {
                size_t n = strlen(roots[r]);
                if (strncmp(s->path, roots[r], n) == 0 && (s->path[n] == '/' || !s->path[n]))
                    OK(l, store_file_remove(l->s, s->root, s->path + n + (s->path[n] == '/'),
                                            &l->err));
            }
        }
        all[i].id = 0;
    }
}

/* ---- one filter, asked in C ---- */

static bool name_passes(const char *words, const char *path)
{
    char copy[64], *rest = NULL;
    const char *name = strrchr(path, '/') + 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        if (!strcasestr(name, w))
            return false;
    return true;
}

static bool file_passes(const struct store_filter *f, const struct seen *s)
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

static bool time_passes(int64_t t, int64_t from, int64_t to)
{
    if (from == INT64_MIN && to == INT64_MIN)
        return true;
    return t != INT64_MIN && (from == INT64_MIN || t >= from) && (to == INT64_MIN || t < to);
}

static bool size_passes(const struct store_filter *f, const struct store_picture *p)
{
    double area = (double)p->width * p->height;
    char shape = p->width > p->height ? 'l' : p->width < p->height ? 'p' : 's';
    return p->width >= f->min_width && p->height >= f->min_height &&
           (!f->max_width || p->width <= f->max_width) &&
           (!f->max_height || p->height <= f->max_height) && area >= f->min_megapixels * 1e6 &&
           (f->max_megapixels <= 0 || area <= f->max_megapixels * 1e6) &&
           (!f->orientation || f->orientation == shape);
}

static bool place_passes(const struct store_filter *f, const struct store_picture *p)
{
    bool lon = f->west <= f->east ? p->lon >= f->west && p->lon <= f->east
                                  : p->lon >= f->west || p->lon <= f->east;
    return (!f->gps || (f->gps == 'y') == p->has_gps) &&
           (!f->boxed || (p->has_gps && p->lat >= f->south && p->lat <= f->north && lon));
}

static bool filter_passes(const struct store_filter *f, const struct known *k)
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

static bool where_passes(const struct store_where *w, const struct known *k)
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
                                    "/pics/2001 x/*"};

static void random_times(int64_t *from, int64_t *to, int64_t low, uint64_t range)
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
static void random_box(struct store_filter *f)
{
    f->boxed = true;
    f->south = (double)any(7) * 30 - 90;
    f->north = f->south + (double)any(3) * 30;
    f->west = (double)any(13) * 30 - 180;
    f->east = (double)any(13) * 30 - 180;
}

static void random_condition(struct store_filter *f, const int64_t *ids)
{
    static const char *const parts[] = {"canon", "o", "IX", "%", "_", "zzz", "d70"};
    static const char *const words[] = {"img",  "IMG 1", "holi day", "\xff",
                                        ".JPG", "zzz",   "0",        "one.j"};
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

static const struct store_where *grow(struct tree *t, int depth, const int64_t *ids)
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

/* ---- both ---- */

static size_t check(struct lib *l, const struct known *all, const struct store_where *w)
{
    int64_t *ids = NULL, generation = 0;
    size_t n = 99, at = 0;
    OK(l, store_where(l->s, w, &generation, &ids, &n, &l->err));
    assert_non_null(ids);
    for (int i = 0; i < N; i++)
        if (all[i].id && where_passes(w, &all[i])) {
            assert_true(at < n);
            assert_int_equal(ids[at++], all[i].id);
        }
    assert_int_equal(at, n);
    free(ids);
    return n;
}

static void check_all_ways(struct lib *l, const struct known *all, const struct store_where *w)
{
    static const size_t few[] = {0, 1, 12, 60};
    size_t n = 0;
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        l->s->few = few[i];
        n = check(l, all, w);
    }
    int version = l->s->version;
    l->s->version = 2; /* as a library that was opened for reading and has no indexes */
    assert_int_equal(check(l, all, w), n);
    l->s->version = version;
}

static void random_trees(struct lib *l, uint64_t from, int trees)
{
    static struct known all[N];
    int64_t ids[ROOTS];
    seed = from;
    fill(l, all, ids);
    for (int i = 0; i < trees; i++) {
        static struct tree t;
        if (i == trees / 2)
            thin_out(l, all);
        t.n = t.nparts = 0;
        check_all_ways(l, all, grow(&t, (int)any(5), ids));
    }
    assert_clean(l);
}

static void trees_of_one_library(void **state)
{
    random_trees(*state, 1, 150);
}

static void trees_of_another(void **state)
{
    random_trees(*state, 2, 150);
}

static void trees_of_a_third(void **state)
{
    random_trees(*state, 3, 150);
}

/* Each kind of condition by itself lets some pass and some not, so that none of the above is empty talk. */
static void conditions_alone(void **state)
{
    struct lib *l = *state;
    static struct known all[N];
    int64_t ids[ROOTS];
    size_t some = 0;
    seed = 4;
    fill(l, all, ids);
    for (int i = 0; i < 300; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        random_condition(&f, ids);
        const struct store_where is = {.kind = STORE_IS, .filter = &f};
        const struct store_where *const part = &is;
        const struct store_where not = {.kind = STORE_NOT, .parts = &part, .nparts = 1};
        check_all_ways(l, all, &is);
        size_t n = check(l, all, &is);
        assert_int_equal(n + check(l, all, &not ), N); /* there is no third answer */
        some += n > 0 && n < N;
    }
    assert_true(some > 150);
}

/* Each pattern by itself, of one root, with a word, with a date. */
static void each_path(struct lib *l)
{
    static struct known all[N];
    int64_t ids[ROOTS];
    seed = 5;
    fill(l, all, ids);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int how = 0; how < 12; how++) {
            struct store_filter f = STORE_FILTER_INIT;
            const struct store_where is = {.kind = STORE_IS, .filter = &f};
            f.path = paths[i];
            f.root = how % 3 == 1 ? ids[0] : how % 3 == 2 ? ids[ROOTS - 1] : 0;
            f.name = how / 3 % 2 ? "1" : NULL;
            f.modified_from = how / 6 ? 100 : INT64_MIN;
            check_all_ways(l, all, &is);
        }
}

static void paths_alone(void **state)
{
    each_path(*state);
}

static void paths_below_slash(void **state)
{
    roots = one_root;
    each_path(*state);
    roots = some_roots;
}

/* One filter wants one file that has it all; two filters may each find their own. */
static void the_same_file(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "a/IMG.jpg", "bytes"), *ids, generation;
    size_t n;
    set_file(l, l->root, "b/holiday.jpg", id);
    struct store_filter both = STORE_FILTER_INIT, a = STORE_FILTER_INIT, b = STORE_FILTER_INIT;
    both.path = a.path = "/pics/a/*";
    both.name = b.name = "holiday";
    const struct store_where one = {.kind = STORE_IS, .filter = &both};
    const struct store_where left = {.kind = STORE_IS, .filter = &a},
                             right = {.kind = STORE_IS, .filter = &b};
    const struct store_where *const parts[] = {&left, &right};
    const struct store_where two = {.kind = STORE_ALL_OF, .parts = parts, .nparts = 2};
    OK(l, store_where(l->s, &one, &generation, &ids, &n, &l->err));
    assert_int_equal(n, 0);
    free(ids);
    OK(l, store_where(l->s, &two, &generation, &ids, &n, &l->err));
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], id);
    free(ids);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(trees_of_one_library), T(trees_of_another),  T(trees_of_a_third), T(conditions_alone),
        T(paths_alone),          T(paths_below_slash), T(the_same_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
