/* test_rank.c - searches over segments: by pages, by likeness, under filters, exactly; and without the index when it must be. */
#include "engine/index_fixture.h"

#include "vector/segment.h"

enum { N = 900 };

/* Two segments, a tail, dead rows. */
static struct ix *filled(void **state)
{
    struct ix *ix = ix_new(state);
    ix_add(ix, 0, 600);
    ix_make(ix);
    ix_add(ix, 600, 220);
    ix_make(ix);
    ix_remove(ix, 0, 820, 13);
    ix_add(ix, 820, N - 820);
    return ix;
}

static eye_term words_term(size_t query, float weight)
{
    eye_query q = EYE_QUERY_INIT;
    q.words = ix_words[query];
    return (eye_term){q, weight};
}

static eye_results *find(struct ix *ix, const eye_term *t, size_t n, const eye_find_options *o)
{
    eye_results *r = NULL;
    FX_OK(ix->fx, eye_find(ix->fx->lib, t, n, o, &r, &ix->fx->err));
    return r;
}

/* Page after page is the order of all. */
static void test_pages(void **state)
{
    struct ix *ix = filled(state);
    static struct vector_hit hits[N];
    for (int exact = 0; exact < 2; exact++) {
        size_t n = ix_truth(ix, 0, hits, N), got = 0;
        char cursor[64] = "";
        eye_term t = words_term(0, 1);
        do {
            eye_find_options o = {
                .limit = 70, .min_score = -2, .cursor = cursor[0] ? cursor : NULL, .exact = exact};
            eye_results *r = find(ix, &t, 1, &o);
            for (size_t i = 0; i < eye_results_count(r); i++, got++) {
                assert_true(got < n);
                assert_int_equal(eye_results_at(r, i)->id, hits[got].id);
            }
            const char *next = eye_results_next(r);
            snprintf(cursor, sizeof cursor, "%s", next ? next : "");
            eye_results_free(r);
        } while (cursor[0]);
        assert_int_equal(got, n);
    }
    ix_free(ix);
}

/* A cursor tells how deep it is. */
static void test_a_cursor_knows_its_depth(void **state)
{
    (void)state;
    static const size_t depths[] = {0, 1, 480, 0xfffffe, 0xffffff, 0x1000000, (size_t)1 << 40};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        struct eng_place in = {.hit = {12345678901, 0.25f}, .depth = depths[i]}, out;
        char text[ENG_CURSOR_LEN + 1];
        eng_cursor_write(ENG_BY_SCORE, &in, text);
        assert_int_equal(strlen(text), ENG_CURSOR_LEN);
        assert_int_equal(eng_cursor_read(text, ENG_BY_SCORE, &out, NULL), 0);
        assert_int_equal(out.hit.id, in.hit.id);
        assert_memory_equal(&out.hit.score, &in.hit.score, sizeof(float));
        assert_int_equal(out.depth, depths[i] < 0xffffff ? depths[i] : 0xffffff);
    }
}

/* By time there is no score and no depth: the moment takes their place, whatever it is, and is no place in another order. */
static void test_a_cursor_of_a_moment(void **state)
{
    (void)state;
    static const int64_t moments[] = {0,        1,  -1,           1796000000,
                                      0xffffff, -5, 0x7fffff0000, (int64_t)1 << 54};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct eng_place in = {.hit = {(int64_t)1 << 52, 0}, .added_at = moments[i]}, out;
        char text[ENG_CURSOR_LEN + 1];
        struct eye_err err = {0};
        eng_cursor_write(ENG_BY_TIME, &in, text);
        assert_int_equal(eng_cursor_read(text, ENG_BY_TIME, &out, NULL), 0);
        assert_int_equal(out.hit.id, in.hit.id);
        assert_int_equal(out.added_at, moments[i]);
        assert_int_equal(out.depth, 0);
        assert_int_equal(eng_cursor_read(text, ENG_BY_AGE, &out, &err), EYE_EINVAL);
        assert_non_null(strstr(err.msg, "of another store"));
        assert_int_equal(eng_cursor_read(text, ENG_BY_SCORE, &out, &err), EYE_EINVAL);
        assert_non_null(strstr(err.msg, "without terms"));
    }
}

/* Those that are asked for are left out and cost nobody a place. */
static void test_likes(void **state)
{
    struct ix *ix = filled(state);
    struct vector_set *set = store_load_vectors(ix->s, ix->model, IX_DIM, &ix->fx->err);
    for (int i = 0; i < 3; i++) {
        int64_t a = 100 + i * 350, b = a + 5;
        eye_query q = EYE_QUERY_INIT, p = EYE_QUERY_INIT;
        float v[IX_DIM], w[IX_DIM], length = 0;
        struct vector_hit hits[40];
        size_t n, at = 0;
        q.like = a;
        p.like = b;
        if (!vector_row(set, a) || !vector_row(set, b))
            continue;
        half_to_floats(vector_row(set, a), v, IX_DIM);
        half_to_floats(vector_row(set, b), w, IX_DIM);
        for (int k = 0; k < IX_DIM; k++)
            length += (v[k] + w[k]) * (v[k] + w[k]);
        for (int k = 0; k < IX_DIM; k++)
            v[k] = (v[k] + w[k]) / sqrtf(length);
        FX_OK(ix->fx, vector_search(set, v, 1, 40, NULL, NULL, hits, &n, &ix->fx->err));
        const eye_term terms[] = {{q, 1}, {p, 1}};
        eye_find_options o = {.limit = 20, .min_score = -2};
        eye_results *r = find(ix, terms, 2, &o);
        assert_int_equal(eye_results_count(r), 20);
        for (size_t k = 0; k < 20; k++, at++) {
            while (hits[at].id == a || hits[at].id == b)
                at++;
            assert_int_equal(eye_results_at(r, k)->id, hits[at].id);
        }
        assert_non_null(eye_results_next(r));
        eye_results_free(r);
    }
    vector_free(set);
    ix_free(ix);
}

/* What passes, to the bit, at each share; pages too. */
static void test_filters(void **state)
{
    struct ix *ix = filled(state);
    static struct vector_hit hits[N];
    static const int widths[] = {10, 11, 40, 60, 109, 110}; /* all ... one in a hundred, none */
    for (size_t q = 0; q < IX_QUERIES; q++) {
        size_t n = ix_truth(ix, q, hits, N);
        eye_term t = words_term(q, 1);
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            eye_filter filter = EYE_FILTER_INIT;
            eye_find_options o = {.limit = 1000, .min_score = -2, .filter = &filter};
            filter.min_width = widths[w];
            for (int exact = 0; exact < 2; exact++) {
                size_t at = 0;
                o.exact = exact;
                eye_results *r = find(ix, &t, 1, &o);
                for (size_t i = 0; i < n; i++) {
                    struct store_picture p;
                    FX_OK(ix->fx, store_picture_get(ix->s, hits[i].id, &p, &ix->fx->err));
                    if (p.width < widths[w])
                        continue;
                    assert_true(at < eye_results_count(r));
                    float score = eye_results_at(r, at)->score;
                    assert_int_equal(eye_results_at(r, at)->id, hits[i].id);
                    assert_memory_equal(&score, &hits[i].score, sizeof score);
                    at++;
                }
                assert_int_equal(at, eye_results_count(r));
                assert_int_equal(at, eye_results_total(r));
                eye_results_free(r);
            }
        }
    }
    ix_free(ix);
}

/* Many queries in one call; more results than there are. */
static void test_many_queries(void **state)
{
    struct ix *ix = filled(state);
    eye_query q[IX_QUERIES];
    static struct vector_hit hits[N];
    for (size_t i = 0; i < IX_QUERIES; i++) {
        q[i] = (eye_query)EYE_QUERY_INIT;
        q[i].words = ix_words[i];
    }
    for (size_t limit = 1; limit <= 3000; limit = limit * 50 + 5) {
        eye_search_options o = {.limit = limit, .min_score = -2};
        eye_results *r;
        size_t at = 0;
        FX_OK(ix->fx, eye_search(ix->fx->lib, q, IX_QUERIES, &o, &r, &ix->fx->err));
        for (size_t i = 0; i < IX_QUERIES; i++) {
            size_t n = ix_truth(ix, i, hits, limit < N ? limit : N);
            ix_same(r, at, hits, n);
            assert_int_equal(eye_results_at(r, at)->query, i);
            at += n;
        }
        assert_int_equal(at, eye_results_count(r));
        eye_results_free(r);
    }
    ix_free(ix);
}

/* A damaged file is met by a search, and the thread that makes segments makes it anew by itself. */
static void test_a_damaged_file_is_made_anew_behind(void **state)
{
    struct ix *ix = filled(state);
    char path[600];
    struct stat st;
    ix->knobs.no_maker = false;
    ix_path(ix, 0, path);
    ix_check(ix);
    assert_int_equal(stat(path, &st), 0);
    static const char junk[4096] = "junk";
    int fd = open(path, O_WRONLY);
    for (off_t at = st.st_size / 2; at + 4096 < st.st_size; at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
    ix->fx->log[0] = '\0';
    for (int i = 0; i < 200 && access(path, F_OK) == 0; i++) {
        ix_check(ix); /* whatever is going on */
        usleep(20 * 1000);
    }
    assert_int_not_equal(access(path, F_OK), 0);
    eng_maker_stop(ix->fx->lib);
    assert_non_null(strstr(ix->fx->log, "made anew"));
    ix_check(ix);
    ix_make(ix);
    ix_verified(ix);
    ix_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_a_cursor_knows_its_depth),
        cmocka_unit_test(test_a_cursor_of_a_moment),
        cmocka_unit_test(test_likes),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_many_queries),
        cmocka_unit_test(test_a_damaged_file_is_made_anew_behind),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
