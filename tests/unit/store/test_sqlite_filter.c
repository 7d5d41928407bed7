/* Filters against the same question asked picture by picture in C; hostile values; counts and pages. */
#include "fixture.h"

#include <fnmatch.h>

enum { N = 120 };

struct known {
    int64_t id, root;
    struct store_picture p;
    char path[64], other[64];
};

static void make(struct known *k, int i)
{
    static const char *const formats[] = {"jpeg", "png", "heic"};
    static const char *const cameras[] = {"", "Canon EOS 5D", "NIKON D70", "100%_cam"};
    static const int sides[][2] = {{4000, 3000}, {3000, 4000}, {1000, 1000}, {16, 9}};
    char text[32];
    snprintf(text, sizeof text, "picture %d", i);
    k->p = (struct store_picture){.hash = hash_of(text),
                                  .size = 1,
                                  .width = sides[i % 4][0],
                                  .height = sides[i % 4][1],
                                  .taken_at = i % 5 ? 1000 + i : INT64_MIN,
                                  .has_gps = i % 7 == 0,
                                  .lat = 0,
                                  .lon = 0,
                                  .added_at = 5000 + i};
    snprintf(k->p.format, sizeof k->p.format, "%s", formats[i % 3]);
    snprintf(k->p.camera, sizeof k->p.camera, "%s", cameras[i / 5 % 4]);
}

static void fill(struct lib *l, struct known *all)
{
    int64_t second;
    OK(l, store_root_add(l->s, "/mnt/disk two", &second, &l->err));
    OK(l, store_begin(l->s, &l->err));
    for (int i = 0; i < N; i++) {
        struct known *k = &all[i];
        char rel[48];
        *k = (struct known){0};
        make(k, i);
        k->root = i % 2 ? second : l->root;
        snprintf(rel, sizeof rel, "%d/IMG_%03d%s.jpg", 2000 + i % 4, i, i % 10 ? "" : "[x]");
        snprintf(k->path, sizeof k->path, "%s/%s", i % 2 ? "/mnt/disk two" : "/pics", rel);
        OK(l, store_put(l->s, &k->p, l->model, NULL, 0, &k->id, &l->err));
        set_file(l, k->root, rel, k->id);
        if (i % 9 == 0) { /* the same bytes once more elsewhere */
            snprintf(rel, sizeof rel, "copy/%d\xff.jpg", i);
            snprintf(k->other, sizeof k->other, "/pics/%s", rel);
            set_file(l, l->root, rel, k->id);
        }
    }
    fail_file(l, l->root, "2000/broken.jpg", "broken");
    OK(l, store_commit(l->s, &l->err));
}

static bool path_passes(const struct store_filter *f, const char *path)
{
    if (!path[0])
        return false;
    return strpbrk(f->path, "*?[") ? fnmatch(f->path, path, 0) == 0 : strstr(path, f->path) != NULL;
}

static bool picture_passes(const struct store_filter *f, const struct store_picture *p)
{
    double mp = (double)p->width * p->height / 1e6;
    if (f->format && strcmp(f->format, p->format) != 0)
        return false;
    if (f->camera && !strcasestr(p->camera, f->camera))
        return false;
    if ((f->taken_from != INT64_MIN || f->taken_to != INT64_MIN) && p->taken_at == INT64_MIN)
        return false;
    if ((f->taken_from != INT64_MIN && p->taken_at < f->taken_from) ||
        (f->taken_to != INT64_MIN && p->taken_at >= f->taken_to) ||
        (f->added_from != INT64_MIN && p->added_at < f->added_from) ||
        (f->added_to != INT64_MIN && p->added_at >= f->added_to))
        return false;
    if (p->width < f->min_width || p->height < f->min_height || mp < f->min_megapixels ||
        (f->max_megapixels > 0 && mp > f->max_megapixels))
        return false;
    if (f->orientation && f->orientation != (p->width > p->height   ? 'l'
                                             : p->width < p->height ? 'p'
                                                                    : 's'))
        return false;
    return !f->gps || (f->gps == 'y') == p->has_gps;
}

static bool passes(const struct store_filter *f, const struct known *k, int64_t first_root)
{
    bool one = (!f->root || k->root == f->root) && (!f->path || path_passes(f, k->path));
    bool two = k->other[0] && (!f->root || first_root == f->root) &&
               (!f->path || path_passes(f, k->other));
    return (one || two) && picture_passes(f, &k->p);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t check(struct lib *l, const struct known *all, const struct store_filter *f)
{
    int64_t *ids = NULL, expected[N];
    size_t n = 99, at = 0;
    OK(l, store_filter(l->s, f, &ids, &n, &l->err));
    assert_non_null(ids);
    for (int i = 0; i < N; i++)
        if (passes(f, &all[i], l->root))
            expected[at++] = all[i].id;
    qsort(expected, at, sizeof *expected, by_id); /* of a server they are hashes */
    assert_int_equal(at, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ids[i], expected[i]);
    free(ids);
    return n;
}

static void each_condition_and_all_together(void **state)
{
    struct lib *l = *state;
    static struct known all[N];
    fill(l, all);
    struct store_filter f = STORE_FILTER_INIT;
    assert_int_equal(check(l, all, &f), N);
    static const char *const paths[] = {
        "/pics",    "*",        "*/2001/*",  "/mnt/disk two/200[13]/IMG_0?5*",
        "2002/IMG", "[x]",      "*\\[x\\]*", "copy/",
        "*copy/*",  "/nowhere", "*.png",     "2000/broken.jpg",
        "\xff"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct store_filter p = STORE_FILTER_INIT;
        p.path = paths[i];
        check(l, all, &p);
        p.root = all[1].root;
        check(l, all, &p);
        p.format = "png";
        check(l, all, &p);
        p.gps = 'n';
        check(l, all, &p);
    }
    f.path = "*/copy/*\xff.jpg";
    assert_int_equal(check(l, all, &f), (N + 8) / 9);
    f.path = NULL;
    f.root = l->root;
    assert_true(check(l, all, &f) > N / 2);
    f.root = 4711;
    assert_int_equal(check(l, all, &f), 0);
    struct store_filter one[14];
    for (size_t i = 0; i < 14; i++)
        one[i] = (struct store_filter)STORE_FILTER_INIT;
    one[0].format = "heic";
    one[1].camera = "canon";
    one[2].taken_from = 1060;
    one[3].taken_to = 1060;
    one[4].added_from = 5100;
    one[5].added_to = 5001;
    one[6].min_width = 1001;
    one[7].min_height = 3001;
    one[8].min_megapixels = 12;
    one[9].max_megapixels = 1;
    one[10].orientation = 'l';
    one[11].orientation = 'p';
    one[12].orientation = 's';
    one[13].gps = 'y';
    for (size_t i = 0; i < 14; i++) {
        size_t n = check(l, all, &one[i]);
        assert_true(n > 0 && n < N);
    }
    f = (struct store_filter){.path = "*/IMG*",
                              .root = all[1].root,
                              .format = "png",
                              .camera = "o",
                              .taken_from = 1001,
                              .taken_to = 1119,
                              .added_from = 5001,
                              .added_to = 5119,
                              .modified_from = INT64_MIN,
                              .modified_to = INT64_MIN,
                              .min_width = 9,
                              .min_height = 9,
                              .min_megapixels = 0.5,
                              .max_megapixels = 30,
                              .orientation = 'p',
                              .gps = 'n'};
    assert_true(check(l, all, &f) > 0);
}

/* The file `name` passes, or not, when `words` are asked of names. */
static void name_is(struct lib *l, const char *name, const char *words, bool wanted)
{
    struct store_filter f = STORE_FILTER_INIT;
    int64_t *ids, id = add(l, name, name);
    size_t n;
    bool found = false;
    f.name = words;
    OK(l, store_filter(l->s, &f, &ids, &n, &l->err));
    for (size_t i = 0; i < n; i++)
        found = found || ids[i] == id;
    free(ids);
    assert_int_equal(found, wanted);
}

static void words_of_the_name(void **state)
{
    struct lib *l = *state;
    name_is(l, "shop/Coming-Soon_1.jpg", "coming soon", true);
    name_is(l, "shop/Coming-Soon_2.jpg", "  soon\tcoming ", true);
    name_is(l, "shop/Coming-Soon_3.jpg", "coming shop", false); /* a folder's */
    name_is(l, "shop/Coming-Soon_4.jpg", "coming later", false);
    name_is(l, "soon/x.jpg", "soon", false);
    name_is(l, "a%b_c.png", "% _", true);
    name_is(l, "abc.png", "%", false);
    char longest[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    name_is(l, "aaaa.png", longest, false);
}

static void values_are_values(void **state)
{
    struct lib *l = *state;
    static struct known all[N];
    static const char *const hostile[] = {"' OR 1=1 --", "\"; DROP TABLE picture; --",
                                          "%",           "_",
                                          "?1",          "\\",
                                          "jpeg'",       "*' OR '1'='1",
                                          "[",           "[[:alpha:",
                                          "\xff\xfe"};
    fill(l, all);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        f.format = hostile[i];
        assert_int_equal(check(l, all, &f), 0);
        f.format = NULL;
        f.camera = hostile[i];
        size_t n = check(l, all, &f);
        assert_int_equal(n != 0, !strcmp(hostile[i], "%") || !strcmp(hostile[i], "_"));
        f.camera = NULL;
        f.path = hostile[i];
        check(l, all, &f);
    }
    assert_clean(l);
}

static void counted_and_newest_first(void **state)
{
    struct lib *l = *state;
    static struct known all[N];
    int64_t ids[50], before = INT64_MAX;
    uint64_t total = 99;
    size_t n = 99;
    OK(l, store_count(l->s, &total, &l->err));
    assert_int_equal(total, 0);
    OK(l, store_newest(l->s, INT64_MAX, ids, 50, &n, &l->err));
    assert_int_equal(n, 0);
    fill(l, all);
    OK(l, store_count(l->s, &total, &l->err));
    assert_int_equal(total, N);
    int at = N;
    for (int page = 0; page < 3; page++) {
        OK(l, store_newest(l->s, before, ids, 50, &n, &l->err));
        assert_int_equal(n, page < 2 ? 50 : N - 100);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(ids[i], all[--at].id);
        before = ids[n - 1];
    }
    OK(l, store_newest(l->s, before, ids, 50, &n, &l->err));
    assert_int_equal(n, 0);
}

static void places_tell_root_and_path_apart(void **state)
{
    struct lib *l = *state;
    struct store_place *places;
    size_t n;
    int64_t second, id = add(l, "x/a.jpg", "a");
    OK(l, store_root_add(l->s, "/also", &second, &l->err));
    set_file(l, second, "b.jpg", id);
    OK(l, store_root_state(l->s, second, true, 0, &l->err));
    OK(l, store_places(l->s, id, &places, &n, &l->err));
    assert_int_equal(n, 2);
    assert_string_equal(places[0].root, "/pics"); /* the other is offline */
    assert_string_equal(places[0].rel, "x/a.jpg");
    assert_int_equal(places[0].size, 7);
    assert_int_equal(places[0].mtime_ns, 1234567890123456789);
    assert_false(places[0].offline);
    assert_string_equal(places[1].root, "/also");
    assert_true(places[1].offline);
    store_places_free(places, n);
    OK(l, store_places(l->s, 4711, &places, &n, &l->err));
    assert_int_equal(n, 0);
    store_places_free(places, n);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(each_condition_and_all_together),
        T(words_of_the_name),
        T(values_are_values),
        T(counted_and_newest_first),
        T(places_tell_root_and_path_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
