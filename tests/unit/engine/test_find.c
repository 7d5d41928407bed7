/* test_find.c - terms mixed, filtered and paged, against brute force over eye_search and eye_embed. */
#include "engine/fixture.h"

#include <math.h>
#include <sqlite3.h>

enum { PICTURES = 24, DIM = 64 };

static struct fx *filled(void **state)
{
    struct fx *fx = fx_new(state);
    char name[32];
    for (int i = 0; i < PICTURES; i++) {
        snprintf(name, sizeof name, "%s/p%02d.bmp", i % 2 ? "odd" : "even", i);
        fx_picture(fx, name, (uint64_t)i);
    }
    fx_index(fx, "");
    return fx;
}

/* As a foreign hand would do it; without triggers the library's own counters do not notice. */
static void raw_sql(struct fx *fx, bool triggers, const char *sql)
{
    char path[700];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/library.db", fx->library);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)triggers, NULL);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static eye_term words(const char *text, float weight)
{
    eye_term t = {EYE_QUERY_INIT, weight};
    t.query.words = text;
    return t;
}

static eye_term like(int64_t id, float weight)
{
    eye_term t = {EYE_QUERY_INIT, weight};
    t.query.like = id;
    return t;
}

static eye_results *find(struct fx *fx, const eye_term *t, size_t n, size_t limit,
                         const eye_filter *filter, const char *cursor)
{
    eye_find_options o = {.limit = limit, .min_score = -2, .filter = filter, .cursor = cursor};
    eye_results *r = NULL;
    FX_OK(fx, eye_find(fx->lib, t, n, &o, &r, &fx->err));
    assert_non_null(r);
    return r;
}

static int find_rc(struct fx *fx, const eye_term *t, size_t n, const eye_find_options *o)
{
    eye_results *r = NULL;
    int rc = eye_find(fx->lib, t, n, o, &r, &fx->err);
    assert_true((rc == 0) == (r != NULL));
    eye_results_free(r);
    return rc;
}

static void assert_same(const eye_result *a, const eye_result *b)
{
    assert_int_equal(a->id, b->id);
    assert_memory_equal(&a->score, &b->score, sizeof(float));
    assert_memory_equal(&a->similarity, &b->similarity, sizeof(float));
    assert_int_equal(a->relevant, b->relevant);
    assert_string_equal(a->path, b->path);
    assert_string_equal(a->hash, b->hash);
}

static void test_one_term_is_a_search(void **state)
{
    struct fx *fx = filled(state);
    char path[600];
    fx_path(fx, "odd/p03.bmp", path);
    eye_term terms[3] = {words("a dog in the snow", 1),
                         {EYE_QUERY_INIT, 2.5f},
                         like(fx_best(fx, "odd/p03.bmp", NULL), 1)};
    terms[1].query.image_path = path;
    for (int i = 0; i < 3; i++) {
        eye_search_options o = {.limit = 100, .min_score = -2};
        eye_results *want = NULL, *got = find(fx, &terms[i], 1, 100, NULL, NULL);
        FX_OK(fx, eye_search(fx->lib, &terms[i].query, 1, &o, &want, &fx->err));
        assert_int_equal(eye_results_count(got), i == 2 ? PICTURES - 1 : PICTURES);
        assert_int_equal(eye_results_count(got), eye_results_count(want));
        assert_int_equal(eye_results_total(got), PICTURES);
        assert_null(eye_results_next(got));
        for (size_t k = 0; k < eye_results_count(got); k++)
            assert_same(eye_results_at(got, k), eye_results_at(want, k));
        eye_results_free(got);
        eye_results_free(want);
    }
    fx_free(fx);
}

static void test_a_mix_is_the_sum_of_its_terms(void **state)
{
    struct fx *fx = filled(state);
    eye_term t[3] = {words("a dog", 2), like(fx_best(fx, "even/p04.bmp", NULL), 0.5f),
                     words("snow", -1.5f)};
    float u[3][DIM], v[DIM], pic[DIM];
    double length = 0;
    for (int i = 0; i < 3; i++)
        FX_OK(fx, eye_embed(fx->lib, &t[i].query, u[i], &fx->err));
    for (int k = 0; k < DIM; k++) {
        v[k] = t[0].weight * u[0][k] + t[1].weight * u[1][k] + t[2].weight * u[2][k];
        length += (double)v[k] * (double)v[k];
    }
    length = sqrt(length);
    eye_results *r = find(fx, t, 3, 100, NULL, NULL);
    assert_int_equal(eye_results_count(r), PICTURES - 1); /* without the one that is wanted like */
    for (size_t i = 0; i < eye_results_count(r); i++) {
        const eye_result *e = eye_results_at(r, i);
        double dot = 0;
        eye_term self = like(e->id, 1);
        FX_OK(fx, eye_embed(fx->lib, &self.query, pic, &fx->err));
        for (int k = 0; k < DIM; k++)
            dot += (double)v[k] / length * (double)pic[k];
        assert_true(fabs(dot - (double)e->score) < 1e-4);
        assert_true(i == 0 || e->score <= eye_results_at(r, i - 1)->score);
        assert_int_not_equal(e->id, t[1].query.like);
    }
    eye_results_free(r);
    t[1].weight = -0.5f; /* away from it: it may well be found */
    r = find(fx, t, 3, 100, NULL, NULL);
    assert_int_equal(eye_results_count(r), PICTURES);
    eye_results_free(r);
    fx_free(fx);
}

/* What two equal terms, or one that is turned round, must mean. */
static void test_what_a_mixed_score_says(void **state)
{
    struct fx *fx = filled(state);
    eye_term t[2] = {words("a dog", 1), words("a dog", 3)};
    eye_results *one = find(fx, t, 1, 100, NULL, NULL), *two = find(fx, t, 2, 100, NULL, NULL);
    for (size_t i = 0; i < PICTURES; i++) {
        const eye_result *a = eye_results_at(one, i), *b = eye_results_at(two, i);
        assert_int_equal(a->id, b->id);
        assert_true(fabsf(a->score - b->score) < 1e-5f);
        assert_true(fabsf(a->similarity - b->similarity) < 1e-4f);
    }
    eye_results_free(two);
    t[0].weight = -1;
    two = find(fx, t, 1, 100, NULL, NULL);
    for (size_t i = 0; i < PICTURES; i++) {
        const eye_result *a = eye_results_at(one, i), *b = eye_results_at(two, PICTURES - 1 - i);
        assert_true(fabsf(a->score + b->score) < 1e-6f);
        assert_true(b->similarity > 0 && b->similarity < 1);
        assert_true(b->relevant == (b->similarity >= 0.5f)); /* its floor is its midpoint */
    }
    eye_results_free(one);
    eye_results_free(two);
    fx_free(fx);
}

static void test_what_is_refused(void **state)
{
    struct fx *fx = filled(state);
    eye_find_options o = {.limit = 10, .min_score = -2};
    const float bad[] = {0, -0.0f, NAN, INFINITY, 10.5f, -11};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eye_term t[2] = {words("a", 1), words("b", bad[i])};
        assert_int_equal(find_rc(fx, t, 2, &o), EYE_EINVAL);
        assert_int_equal(find_rc(fx, t + 1, 1, &o), EYE_EINVAL);
    }
    eye_term gone[3] = {words("a dog", 1), words("a dog", -1), words("a cat", 1)};
    assert_int_equal(find_rc(fx, gone, 2, &o), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "cancel"));
    assert_int_equal(find_rc(fx, gone, 3, &o), 0);
    eye_term stranger = like(4711, 1);
    assert_int_equal(find_rc(fx, &stranger, 1, &o), EYE_ENOTFOUND);
    eye_term both = like(1, 1);
    both.query.words = "a";
    assert_int_equal(find_rc(fx, &both, 1, &o), EYE_EINVAL);
    o.limit = 0;
    assert_int_equal(find_rc(fx, gone, 1, &o), EYE_EINVAL);
    o.limit = 1001;
    assert_int_equal(find_rc(fx, gone, 1, &o), EYE_EINVAL);
    o.limit = 10;
    o.min_score = NAN;
    assert_int_equal(find_rc(fx, gone, 1, &o), EYE_EINVAL);
    o.min_score = -2;
    static char long_text[5000];
    memset(long_text, 'a', sizeof long_text - 1);
    eye_filter wrong[8];
    for (int i = 0; i < 8; i++)
        wrong[i] = (eye_filter)EYE_FILTER_INIT;
    wrong[6].path = long_text;
    wrong[7].camera = long_text;
    wrong[0].root = -1;
    wrong[1].min_width = -1;
    wrong[2].max_megapixels = NAN;
    wrong[3].min_megapixels = -0.5;
    wrong[4].orientation = 'x';
    wrong[5].gps = '1';
    for (int i = 0; i < 8; i++) {
        o.filter = &wrong[i];
        assert_int_equal(find_rc(fx, gone, 1, &o), EYE_EINVAL);
        assert_int_equal(find_rc(fx, NULL, 0, &o), EYE_EINVAL);
    }
    fx_free(fx);
}

/* All of one page after the other is all of it, whatever the page's size. */
static void check_pages(struct fx *fx, const eye_term *t, size_t n, const eye_filter *filter)
{
    eye_results *all = find(fx, t, n, 1000, filter, NULL);
    assert_null(eye_results_next(all));
    for (size_t limit = 1; limit <= PICTURES + 1; limit += 1 + limit / 2) {
        char cursor[128] = "";
        size_t at = 0, pages = 0;
        do {
            eye_results *r = find(fx, t, n, limit, filter, cursor[0] ? cursor : NULL);
            size_t got = eye_results_count(r);
            assert_int_equal(eye_results_total(r), eye_results_total(all));
            for (size_t i = 0; i < got; i++)
                assert_same(eye_results_at(r, i), eye_results_at(all, at++));
            snprintf(cursor, sizeof cursor, "%s", eye_results_next(r) ? eye_results_next(r) : "");
            assert_true(!cursor[0] || got == limit);
            assert_int_equal(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789-_"),
                             strlen(cursor));
            eye_results_free(r);
            assert_true(++pages <= PICTURES + 1);
        } while (cursor[0]);
        assert_int_equal(at, eye_results_count(all));
    }
    eye_results_free(all);
}

static void test_pages_are_all_of_it(void **state)
{
    struct fx *fx = filled(state);
    eye_term t[2] = {words("a dog", 1), like(fx_best(fx, "even/p04.bmp", NULL), 1)};
    eye_filter odd = EYE_FILTER_INIT, none = EYE_FILTER_INIT;
    odd.path = "*/odd/*";
    none.path = "/nowhere";
    for (size_t n = 0; n <= 2; n++) {
        check_pages(fx, t, n, NULL);
        check_pages(fx, t, n, &odd);
        check_pages(fx, t, n, &none);
    }
    /* Ties: all vectors the same, so the order is by id alone. */
    raw_sql(fx, true, "UPDATE embedding SET vector = (SELECT vector FROM embedding LIMIT 1)");
    check_pages(fx, t, 1, NULL);
    check_pages(fx, t, 1, &odd);
    fx_free(fx);
}

static void test_browsing_is_newest_first(void **state)
{
    struct fx *fx = filled(state);
    eye_find_options o = {.limit = 10,
                          .min_score = 0.5f}; /* nothing has a score: no floor either */
    eye_results *r;
    FX_OK(fx, eye_find(fx->lib, NULL, 0, &o, &r, &fx->err));
    assert_int_equal(eye_results_count(r), 10);
    assert_int_equal(eye_results_total(r), PICTURES);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(eye_results_at(r, i)->id, PICTURES - (int)i);
        assert_true(eye_results_at(r, i)->score == 0.0f);
        assert_false(eye_results_at(r, i)->relevant);
    }
    /* What comes meanwhile shifts nothing. */
    char cursor[64];
    snprintf(cursor, sizeof cursor, "%s", eye_results_next(r));
    eye_results_free(r);
    fx_picture(fx, "new.bmp", 77);
    fx_index(fx, "");
    r = find(fx, NULL, 0, 10, NULL, cursor);
    assert_int_equal(eye_results_at(r, 0)->id, PICTURES - 10);
    assert_int_equal(eye_results_total(r), PICTURES + 1);
    eye_results_free(r);
    fx_free(fx);
}

static void test_browsing_needs_no_model(void **state)
{
    struct fx *fx = filled(state);
    raw_sql(fx, true, "UPDATE setting SET value = 'no such model' WHERE key = 'model'");
    fx_reopen(fx);
    eye_results *r = find(fx, NULL, 0, 5, NULL, NULL);
    assert_int_equal(eye_results_count(r), 5);
    eye_results_free(r);
    eye_term t = words("a", 1);
    eye_find_options o = {.limit = 10, .min_score = -2};
    assert_int_equal(find_rc(fx, &t, 1, &o), EYE_ENOTFOUND);
    fx_free(fx);
}

static void test_cursors_are_checked(void **state)
{
    struct fx *fx = filled(state);
    eye_term t = words("a dog", 1);
    eye_find_options o = {.limit = 3, .min_score = -2};
    eye_results *ranked = find(fx, &t, 1, 3, NULL, NULL),
                *newest = find(fx, NULL, 0, 3, NULL, NULL);
    const char *cursor = eye_results_next(ranked);
    char text[64];
    static const char *const garbage[] = {"",
                                          "x",
                                          "AAAAAAAAAAAAAAAAAAAAAAAA",
                                          "../../../../etc/passwd12",
                                          "AAAAAAAAAAAAAAAAAAAAAAA=",
                                          "\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc"
                                          "\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        o.cursor = garbage[i];
        assert_int_equal(find_rc(fx, &t, 1, &o), EYE_EINVAL);
        assert_int_equal(find_rc(fx, NULL, 0, &o), EYE_EINVAL);
    }
    o.cursor = cursor;
    assert_int_equal(find_rc(fx, &t, 1, &o), 0);
    assert_int_equal(find_rc(fx, NULL, 0, &o), EYE_EINVAL); /* the other kind */
    o.cursor = eye_results_next(newest);
    assert_int_equal(find_rc(fx, NULL, 0, &o), 0);
    assert_int_equal(find_rc(fx, &t, 1, &o), EYE_EINVAL);
    o.cursor = text;
    for (size_t i = 0; cursor[i]; i++) { /* any one letter changed; cut off; longer */
        snprintf(text, sizeof text, "%s", cursor);
        text[i] = text[i] == 'B' ? 'C' : 'B';
        assert_int_equal(find_rc(fx, &t, 1, &o), EYE_EINVAL);
        text[i] = '\0';
        assert_int_equal(find_rc(fx, &t, 1, &o), EYE_EINVAL);
    }
    snprintf(text, sizeof text, "%sA", cursor);
    assert_int_equal(find_rc(fx, &t, 1, &o), EYE_EINVAL);
    eye_results_free(ranked);
    eye_results_free(newest);
    fx_free(fx);
}

/* A filtered search is everything, ranked, and then the filter. */
static void test_a_filter_is_exact(void **state)
{
    struct fx *fx = filled(state);
    eye_term t = words("a dog", 1);
    raw_sql(fx, true, "UPDATE picture SET width = id * 10");
    eye_results *all = find(fx, &t, 1, 100, NULL, NULL);
    static const int shares[] = {0, 1, 12, 23, 24}; /* of 24 */
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        eye_filter f = EYE_FILTER_INIT;
        f.min_width = (PICTURES - shares[s] + 1) * 10;
        eye_results *got = find(fx, &t, 1, 100, &f, NULL);
        size_t at = 0;
        assert_int_equal(eye_results_total(got), shares[s]);
        assert_int_equal(eye_results_count(got), shares[s]);
        for (size_t i = 0; i < PICTURES; i++)
            if (eye_results_at(all, i)->width >= f.min_width)
                assert_same(eye_results_at(got, at++), eye_results_at(all, i));
        assert_int_equal(at, shares[s]);
        eye_results_free(got);
    }
    eye_results_free(all);
    fx_free(fx);
}

static void test_min_score_ends_the_pages(void **state)
{
    struct fx *fx = filled(state);
    eye_term t = words("a dog", 1);
    eye_results *all = find(fx, &t, 1, 100, NULL, NULL), *r;
    eye_find_options o = {.limit = 4, .min_score = eye_results_at(all, 6)->score};
    FX_OK(fx, eye_find(fx->lib, &t, 1, &o, &r, &fx->err));
    assert_int_equal(eye_results_count(r), 4);
    assert_int_equal(eye_results_total(r), PICTURES);
    char cursor[64];
    snprintf(cursor, sizeof cursor, "%s", eye_results_next(r));
    eye_results_free(r);
    o.cursor = cursor;
    FX_OK(fx, eye_find(fx->lib, &t, 1, &o, &r, &fx->err));
    assert_int_equal(eye_results_count(r), 3);
    assert_null(eye_results_next(r));
    eye_results_free(r);
    eye_results_free(all);
    fx_free(fx);
}

static void test_what_vanished_does_not_make_pages_short(void **state)
{
    struct fx *fx = filled(state);
    eye_term t = words("a dog", 1);
    eye_results *all = find(fx, &t, 1, 100, NULL, NULL);
    char sql[200];
    /* The vectors in memory do not hear of it: as if it happened just after they were looked at. */
    for (size_t i = 1; i < 9; i++) {
        int id = (int)eye_results_at(all, i)->id;
        snprintf(sql, sizeof sql,
                 "DELETE FROM file WHERE picture = %d;"
                 "DELETE FROM picture WHERE id = %d",
                 id, id);
        raw_sql(fx, false, sql);
    }
    eye_results *r = find(fx, &t, 1, 6, NULL, NULL);
    assert_int_equal(eye_results_count(r), 6);
    assert_int_equal(eye_results_at(r, 0)->id, eye_results_at(all, 0)->id);
    for (size_t i = 1; i < 6; i++)
        assert_int_equal(eye_results_at(r, i)->id, eye_results_at(all, 8 + i)->id);
    eye_results *rest = find(fx, &t, 1, 100, NULL, eye_results_next(r));
    assert_int_equal(eye_results_count(rest), PICTURES - 8 - 6);
    assert_int_equal(eye_results_at(rest, 0)->id, eye_results_at(all, 14)->id);
    eye_results_free(rest);
    eye_results_free(r);
    eye_results_free(all);
    fx_free(fx);
}

static void test_an_empty_library(void **state)
{
    struct fx *fx = fx_new(state);
    eye_term t = words("a dog", 1);
    for (size_t n = 0; n < 2; n++) {
        eye_results *r = find(fx, &t, n, 10, NULL, NULL);
        assert_int_equal(eye_results_count(r), 0);
        assert_int_equal(eye_results_total(r), 0);
        assert_null(eye_results_next(r));
        eye_results_free(r);
    }
    FX_OK(fx, eye_warm(fx->lib, &fx->err));
    fx_free(fx);
}

struct racer {
    struct fx *fx;
    pthread_t thread;
    atomic_bool *stop;
    unsigned number, searches;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    char text[32];
    eye_filter f = EYE_FILTER_INIT;
    f.format = "bmp";
    for (unsigned i = 0; !atomic_load(r->stop); i++) {
        eye_results *out = NULL;
        struct eye_err err;
        snprintf(text, sizeof text, "word %u", (r->number + i) % 12);
        eye_term t = words(text, 1);
        eye_find_options o = {.limit = 5, .min_score = -2, .filter = i % 2 ? &f : NULL};
        if (eye_find(r->fx->lib, &t, i % 3 != 0, &o, &out, &err) != 0)
            return "search failed";
        r->searches++;
        eye_results_free(out);
    }
    return NULL;
}

static void test_many_threads_while_indexing(void **state)
{
    enum { THREADS = 8 };
    struct fx *fx = fx_new(state);
    struct racer racers[THREADS];
    atomic_bool stop = false;
    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i);
    }
    FX_OK(fx, eye_warm(fx->lib, &fx->err));
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.fx = fx, .stop = &stop, .number = i};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    fx_index(fx, "");
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(racers[i].thread, &bad);
        assert_null(bad);
        assert_true(racers[i].searches > 0);
    }
    FX_COUNTS(fx, 100, 0, 0, 0, 0, 0);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_term_is_a_search),
        cmocka_unit_test(test_a_mix_is_the_sum_of_its_terms),
        cmocka_unit_test(test_what_a_mixed_score_says),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_pages_are_all_of_it),
        cmocka_unit_test(test_browsing_is_newest_first),
        cmocka_unit_test(test_browsing_needs_no_model),
        cmocka_unit_test(test_cursors_are_checked),
        cmocka_unit_test(test_a_filter_is_exact),
        cmocka_unit_test(test_min_score_ends_the_pages),
        cmocka_unit_test(test_what_vanished_does_not_make_pages_short),
        cmocka_unit_test(test_an_empty_library),
        cmocka_unit_test(test_many_threads_while_indexing),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
