/* test_filter.c - what filters are refused and what is left of a tree; filtered searches are all that there is, in the order of all. */
#include "engine/fixture.h"

#include <math.h>

#include "engine/search.h"

/* ---- what is refused ---- */

static int make_rc(const eye_filter *f, const eye_where *w, struct eye_err *err)
{
    struct eng_where out;
    int rc = eng_where_make(f, w, &out, err);
    eng_where_free(&out);
    return rc;
}

static void refused(const eye_filter *f, const char *why)
{
    const eye_where is = {EYE_IS, f, NULL, 0};
    const eye_where *const parts[] = {&is};
    const eye_where not = {EYE_NOT, NULL, parts, 1};
    struct eye_err err = {0};
    assert_int_equal(make_rc(f, NULL, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, why));
    assert_int_equal(make_rc(NULL, &not, &err), EYE_EINVAL); /* in a tree just so */
    assert_non_null(strstr(err.msg, why));
}

static void test_members_are_checked(void **state)
{
    (void)state;
    static char long_text[5000];
    memset(long_text, 'a', sizeof long_text - 1);
    eye_filter f[24];
    const char *why[24] = {NULL};
    for (size_t i = 0; i < 24; i++)
        f[i] = (eye_filter)EYE_FILTER_INIT;
    size_t n = 0;
#define BAD(WHY, ...)                                                                              \
    do {                                                                                           \
        eye_filter *x = &f[n];                                                                     \
        why[n++] = WHY;                                                                            \
        __VA_ARGS__;                                                                               \
    } while (0)
    BAD("texts", x->path = long_text);
    BAD("texts", x->name = long_text);
    BAD("root", x->root = -1);
    BAD("below zero", x->min_width = -1);
    BAD("below zero", x->max_width = -1);
    BAD("below zero", x->min_height = -1);
    BAD("below zero", x->max_height = -1);
    BAD("below zero", x->min_megapixels = NAN);
    BAD("below zero", x->max_megapixels = -0.5);
    BAD("orientation", x->orientation = 'x');
    BAD("gps", x->gps = '1');
    BAD("south and north", x->boxed = true, x->south = -91);
    BAD("south and north", x->boxed = true, x->north = NAN);
    BAD("west and east", x->boxed = true, x->west = 180.5);
    BAD("west and east", x->boxed = true, x->east = -INFINITY);
    BAD("north of its north", x->boxed = true, x->south = 2, x->north = 1);
    for (size_t i = 0; i < n; i++)
        refused(&f[i], why[i]);
    eye_filter fine = EYE_FILTER_INIT;
    fine.south = 400; /* not boxed: not looked at */
    fine.west = NAN;
    assert_int_equal(make_rc(&fine, NULL, NULL), 0);
}

static int tree_rc(const eye_where *w, const char *why)
{
    struct eye_err err = {0};
    int rc = make_rc(NULL, w, &err);
    if (rc && !strstr(err.msg, why))
        print_message("%s\n", err.msg);
    assert_true(rc == 0 || strstr(err.msg, why));
    return rc;
}

static void test_trees_are_checked(void **state)
{
    (void)state;
    eye_filter f = EYE_FILTER_INIT;
    f.format = "png";
    static eye_where nodes[40], flat;
    static const eye_where *one[40], *many[1100];
    const eye_where is = {EYE_IS, &f, NULL, 0};
    const eye_where *const two[] = {&is, &is}, *const missing[] = {&is, NULL};
    const eye_where bad[] = {{EYE_NOT, NULL, two, 2},        {EYE_NOT, NULL, NULL, 0},
                             {EYE_IS, NULL, NULL, 0},        {EYE_ALL_OF, NULL, NULL, 2},
                             {EYE_ANY_OF, NULL, missing, 2}, {(eye_where_kind)7, &f, NULL, 0}};
    static const char *const why[] = {"of one part",      "of one part",           "condition",
                                      "parts of a group", "part of it is missing", "no known kind"};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tree_rc(&bad[i], why[i]), EYE_EINVAL);
    nodes[0] = is;
    for (int i = 1; i < 40; i++) {
        one[i] = &nodes[i - 1];
        nodes[i] = (eye_where){EYE_NOT, NULL, &one[i], 1};
    }
    assert_int_equal(tree_rc(&nodes[31], ""), 0); /* 32 deep */
    assert_int_equal(tree_rc(&nodes[32], "more than 32 deep"), EYE_EINVAL);
    one[5] = &nodes[5]; /* itself */
    assert_int_equal(tree_rc(&nodes[5], "more than 32 deep"), EYE_EINVAL);
    for (int i = 0; i < 1100; i++)
        many[i] = &is;
    flat = (eye_where){EYE_ANY_OF, NULL, many, 1023};
    assert_int_equal(tree_rc(&flat, ""), 0);
    flat.nparts = 1024;
    assert_int_equal(tree_rc(&flat, "more than 1024"), EYE_EINVAL);
}

static void add(char out[200], const char *text)
{
    size_t n = strlen(out);
    snprintf(out + n, 200 - n, "%s", text);
}

/* A tree as text: "(a&!b)", 1 for everything, 0 for nothing. */
static void tell(const struct store_where *w, char out[200])
{
    if (w->kind == STORE_IS) {
        add(out, w->filter->format);
        return;
    }
    if (w->kind == STORE_NOT) {
        add(out, "!");
        tell(w->parts[0], out);
        return;
    }
    if (!w->nparts)
        add(out, w->kind == STORE_ALL_OF ? "1" : "0");
    for (size_t i = 0; i < w->nparts; i++) {
        add(out, i ? (w->kind == STORE_ALL_OF ? "&" : "|") : "(");
        tell(w->parts[i], out);
    }
    add(out, w->nparts ? ")" : "");
}

static void becomes(const eye_filter *f, const eye_where *w, const char *want)
{
    struct eng_where out;
    char text[200] = "";
    assert_int_equal(eng_where_make(f, w, &out, NULL), 0);
    if (out.top)
        tell(out.top, text);
    assert_string_equal(text, want);
    eng_where_free(&out);
}

static void test_what_says_nothing_falls_out(void **state)
{
    (void)state;
    eye_filter fa = EYE_FILTER_INIT, fb = EYE_FILTER_INIT, none = EYE_FILTER_INIT;
    fa.format = "a";
    fb.format = "b";
    none.format = none.path = none.camera = none.name = ""; /* not set either */
    const eye_where a = {EYE_IS, &fa, NULL, 0}, b = {EYE_IS, &fb, NULL, 0},
                    e = {EYE_IS, &none, NULL, 0}, all = {EYE_ALL_OF, NULL, NULL, 0},
                    nil = {EYE_ANY_OF, NULL, NULL, 0};
    const eye_where *const pa[] = {&a}, *const pe[] = {&e}, *const ae[] = {&a, &e, &all},
                           *const ab[] = {&a, &b}, *const an[] = {&a, &nil, &b};
    const eye_where not_a = {EYE_NOT, NULL, pa, 1}, not_e = {EYE_NOT, NULL, pe, 1},
                    all_ae = {EYE_ALL_OF, NULL, ae, 3}, any_ae = {EYE_ANY_OF, NULL, ae, 3},
                    any_ab = {EYE_ANY_OF, NULL, ab, 2}, all_an = {EYE_ALL_OF, NULL, an, 3},
                    any_an = {EYE_ANY_OF, NULL, an, 3};
    const eye_where *const pna[] = {&not_a}, *const mixed[] = {&not_a, &any_ab, &not_e, &all_ae};
    const eye_where not_not_a = {EYE_NOT, NULL, pna, 1}, any_mixed = {EYE_ANY_OF, NULL, mixed, 4};
    becomes(NULL, NULL, "");
    becomes(&none, &e, "");
    becomes(&fa, NULL, "a");
    becomes(NULL, &not_a, "!a");
    becomes(NULL, &not_not_a, "a");
    becomes(NULL, &not_e, "0");
    becomes(NULL, &all, "");
    becomes(NULL, &nil, "0");
    becomes(NULL, &all_ae, "a");
    becomes(NULL, &any_ae, "");
    becomes(NULL, &all_an, "0");
    becomes(NULL, &any_an, "(a|b)");
    becomes(&fb, &not_a, "(b&!a)");
    becomes(&fb, &any_mixed, "(b&(!a|(a|b)|a))");
    becomes(&fb, &nil, "0");
}

/* ---- searches under a filter ---- */

#ifdef __SANITIZE_THREAD__
enum { N = 2000 }; /* threads are not what this is about */
#else
enum { N = 10000 };
#endif
enum { DIM = 64 };

static void fill(struct fx *fx)
{
    fx_picture(fx, "first.bmp", 1);
    fx_index(fx, "");
    struct store *s = eng_store_get(fx->lib, &fx->err);
    uint64_t seed = 7;
    int64_t root;
    FX_OK(fx, store_root_add(s, "/made/up", &root, &fx->err));
    FX_OK(fx, store_begin(s, &fx->err));
    for (int i = 1; i < N; i++) { /* with the first one N pictures */
        char rel[32];
        float v[DIM], sum = 0;
        uint16_t half[DIM];
        struct store_picture p = {.size = 1, .width = 100, .height = 100, .added_at = 1};
        struct store_file f = {.root = root, .rel = rel, .size = 1};
        snprintf(rel, sizeof rel, "%d/p%05d.jpg", i % 10, i);
        snprintf(p.format, sizeof p.format, "%s", i % 2 ? "jpeg" : "png");
        p.taken_at = i % 3 ? i : INT64_MIN;
        hash_bytes(rel, strlen(rel), &p.hash);
        for (int k = 0; k < DIM; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            v[k] = (float)(seed >> 40) / 16777216.0f - 0.5f;
            sum += v[k] * v[k];
        }
        for (int k = 0; k < DIM; k++)
            v[k] /= sqrtf(sum);
        half_from_floats(v, half, DIM);
        FX_OK(fx, store_put(s, &p, 1, half, DIM, &f.picture, &fx->err));
        assert_int_equal(f.picture, i + 1);
        FX_OK(fx, store_file_set(s, &f, &fx->err));
    }
    FX_OK(fx, store_commit(s, &fx->err));
    eng_store_put(fx->lib, s);
}

/* All ids in their order, page by page; of very many the first `most`. */
static size_t find_ids(struct fx *fx, const eye_find_options *like, size_t most, int64_t *ids,
                       float *scores)
{
    eye_term t = {EYE_QUERY_INIT, 1};
    char cursor[64] = "";
    size_t n = 0;
    uint64_t total = 0;
    t.query.words = "a dog in the snow";
    do {
        eye_find_options o = *like;
        eye_results *r;
        o.limit = 1000;
        o.cursor = cursor[0] ? cursor : NULL;
        FX_OK(fx, eye_find(fx->lib, &t, 1, &o, &r, &fx->err));
        for (size_t i = 0; i < eye_results_count(r); i++, n++) {
            assert_true(n < N);
            ids[n] = eye_results_at(r, i)->id;
            scores[n] = eye_results_at(r, i)->score;
        }
        total = eye_results_total(r);
        snprintf(cursor, sizeof cursor, "%s", eye_results_next(r) ? eye_results_next(r) : "");
        assert_true(!cursor[0] || eye_results_count(r) == 1000);
        eye_results_free(r);
    } while (cursor[0] && n < most);
    /* never fewer than there are */
    assert_true(like->min_score > -2 || n == total || n == most);
    return n;
}

static void check_share(struct fx *fx, const eye_find_options *o, const bool *in, size_t wanted)
{
    static int64_t all[N], got[N];
    static float scores[N], got_scores[N];
    static size_t n;
    eye_find_options none = {.min_score = -2};
    n = n ? n : find_ids(fx, &none, N, all, scores);
    assert_int_equal(n, N);
    enum { MOST = 2000 };
    size_t m = find_ids(fx, o, MOST, got, got_scores), at = 0;
    for (size_t i = 0; i < N && at < MOST; i++)
        if (in[all[i]] && scores[i] >= o->min_score) {
            assert_true(at < m);
            assert_int_equal(got[at], all[i]);
            assert_memory_equal(&got_scores[at++], &scores[i], sizeof(float));
        }
    assert_int_equal(at, m);
    if (o->min_score <= -2)
        assert_int_equal(m, wanted < MOST ? wanted : MOST);
}

static void test_each_share_is_exact(void **state)
{
    struct fx *fx = fx_new(state);
    static bool in[N + 1];
    static const size_t shares[] = {0, 1, N / 100, N / 2, N}; /* 0, 0.01, 1, 50, 100 % */
    fill(fx);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        eye_filter date = EYE_FILTER_INIT, jpeg = EYE_FILTER_INIT;
        char path[64];
        eye_find_options o = {.min_score = -2, .filter = &date};
        memset(in, 0, sizeof in);
        /* a date for some, a glob for one, all but nothing for all */
        const eye_where is = {EYE_IS, &jpeg, NULL, 0}, *const parts[] = {&is};
        const eye_where where = {EYE_NOT, NULL, parts, 1};
        if (shares[i] == 1) {
            snprintf(path, sizeof path, "/made/up/7/p0132*");
            date.path = path; /* p01327 */
            in[1328] = true;
        } else if (shares[i] == N / 100) {
            date.taken_from = 900; /* less a third: known dates alone */
            date.taken_to = 900 + N * 3 / 200;
            for (int p = 900; p < 900 + N * 3 / 200; p++)
                in[p + 1] = p % 3 != 0;
        } else if (shares[i] == N / 2) {
            jpeg.format = "jpeg";
            o.where = &where;
            for (int p = 0; p < N; p++)
                in[p + 1] = p % 2 == 0; /* the first one is a BMP */
        } else if (shares[i] == N) {
            jpeg.camera = "any";
            o.where = &where; /* none has a camera: all pass */
            memset(in, 1, sizeof in);
        } else {
            date.path = "/nowhere/*";
        }
        check_share(fx, &o, in, shares[i]);
        o.min_score = 0.05f; /* and a floor */
        check_share(fx, &o, in, 0);
    }
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_checked),
        cmocka_unit_test(test_trees_are_checked),
        cmocka_unit_test(test_what_says_nothing_falls_out),
        cmocka_unit_test(test_each_share_is_exact),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
