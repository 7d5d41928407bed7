/* test_search.c - ranking by words, pictures and likeness; several at once, from several threads. */
#include "engine/fixture.h"

#include <fcntl.h>
#include <math.h>

enum { PICTURES = 12 };

static struct fx *filled(void **state)
{
    struct fx *fx = fx_new(state);
    fx_pictures(fx, PICTURES);
    fx_index(fx, "");
    return fx;
}

static eye_results *search(struct fx *fx, const eye_query *q, size_t n, size_t limit, float min)
{
    eye_search_options o = {.limit = limit, .min_score = min};
    eye_results *r = NULL;
    FX_OK(fx, eye_search(fx->lib, q, n, &o, &r, &fx->err));
    assert_non_null(r);
    return r;
}

/* Scores as they must be: the dot product of the embeddings that eye_embed gives. */
static void test_words_rank_by_cosine(void **state)
{
    struct fx *fx = filled(state);
    eye_query words = EYE_QUERY_INIT;
    float text[64], image[64];
    words.words = "a dog in the snow";
    assert_int_equal(eye_dim(fx->lib, &fx->err), 64);
    FX_OK(fx, eye_embed(fx->lib, &words, text, &fx->err));
    eye_results *r = search(fx, &words, 1, 100, -2);
    assert_int_equal(eye_results_count(r), PICTURES);
    assert_null(eye_results_at(r, PICTURES));
    for (size_t i = 0; i < PICTURES; i++) {
        const eye_result *e = eye_results_at(r, i);
        eye_query self = EYE_QUERY_INIT;
        double dot = 0;
        self.image_path = e->path;
        FX_OK(fx, eye_embed(fx->lib, &self, image, &fx->err));
        for (int k = 0; k < 64; k++)
            dot += (double)text[k] * (double)image[k];
        assert_true(fabs(dot - (double)e->score) < 1e-3);
        assert_true(i == 0 || e->score <= eye_results_at(r, i - 1)->score);
        assert_true(e->similarity > 0 && e->similarity < 1);
        assert_int_equal(e->query, 0);
        assert_int_equal(e->paths, 1);
        assert_int_equal(e->width, FX_SIDE);
        assert_string_equal(e->format, "bmp");
        assert_int_equal(strlen(e->hash), 64);
        assert_int_equal(e->taken_at, EYE_TIME_UNKNOWN);
        assert_true(e->added_at > 1600000000);
        assert_false(e->offline);
    }
    float best = eye_results_at(r, 0)->score;
    eye_results_free(r);
    r = search(fx, &words, 1, 100, best);
    assert_int_equal(eye_results_count(r), 1);
    eye_results_free(r);
    fx_free(fx);
}

static void test_like_leaves_itself_out(void **state)
{
    struct fx *fx = filled(state);
    eye_query like = EYE_QUERY_INIT, image = EYE_QUERY_INIT;
    char path[600];
    fx_path(fx, "p03.bmp", path);
    like.like = fx_best(fx, "p03.bmp", NULL);
    image.image_path = path;
    eye_results *a = search(fx, &like, 1, 3, -2), *b = search(fx, &image, 1, 4, -2);
    assert_int_equal(eye_results_count(a), 3);
    assert_int_equal(eye_results_count(b), 4);
    assert_int_equal(eye_results_at(b, 0)->id, like.like);
    assert_true(eye_results_at(b, 0)->score > 0.999f);
    assert_true(eye_results_at(b, 0)->relevant);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(eye_results_at(a, i)->id, eye_results_at(b, i + 1)->id);
    eye_results_free(a);
    eye_results_free(b);
    eye_results *r = search(fx, &like, 1, 100, -2);
    assert_int_equal(eye_results_count(r), PICTURES - 1);
    eye_results_free(r);
    fx_free(fx);
}

static void test_many_queries_in_one_call(void **state)
{
    struct fx *fx = filled(state);
    eye_query q[3] = {EYE_QUERY_INIT, EYE_QUERY_INIT, EYE_QUERY_INIT};
    char path[600];
    fx_path(fx, "p05.bmp", path);
    q[0].words = "one";
    q[1].image_fd = open(path, O_RDONLY);
    q[2].like = fx_best(fx, "p01.bmp", NULL);
    assert_true(q[1].image_fd >= 0);
    eye_results *all = search(fx, q, 3, 5, -2);
    assert_int_equal(eye_results_count(all), 15);
    for (size_t i = 0; i < 3; i++) {
        eye_results *one = search(fx, &q[i], 1, 5, -2);
        for (size_t k = 0; k < 5; k++) {
            assert_int_equal(eye_results_at(all, i * 5 + k)->query, i);
            assert_int_equal(eye_results_at(all, i * 5 + k)->id, eye_results_at(one, k)->id);
        }
        eye_results_free(one);
    }
    eye_results_free(all);
    close(q[1].image_fd);
    fx_free(fx);
}

static void test_what_is_refused(void **state)
{
    struct fx *fx = fx_new(state);
    eye_query q = EYE_QUERY_INIT;
    eye_search_options o = {.limit = 10, .min_score = -2}, zero = {.min_score = -2},
                       many = {.limit = 100001, .min_score = -2};
    eye_results *r = NULL;
    assert_int_equal(eye_search(fx->lib, &q, 1, &o, &r, &fx->err), EYE_EINVAL); /* none of four */
    q.words = "a";
    q.like = 1;
    assert_int_equal(eye_search(fx->lib, &q, 1, &o, &r, &fx->err), EYE_EINVAL); /* two */
    q.words = NULL;
    assert_int_equal(eye_search(fx->lib, &q, 1, &o, &r, &fx->err), EYE_ENOTFOUND);
    q.like = 0;
    q.image_path = "/nonexistent.jpg";
    assert_int_equal(eye_search(fx->lib, &q, 1, &o, &r, &fx->err), EYE_ENOTFOUND);
    q.image_path = "Makefile";
    assert_int_equal(eye_search(fx->lib, &q, 1, &o, &r, &fx->err), EYE_EFORMAT);
    assert_non_null(strstr(fx->err.msg, "Makefile"));
    q.image_path = NULL;
    q.words = "a";
    assert_int_equal(eye_search(fx->lib, &q, 1, &zero, &r, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_search(fx->lib, &q, 1, &many, &r, &fx->err), EYE_EINVAL);
    assert_null(r);
    r = search(fx, &q, 1, 10, -2); /* an empty library: nothing, and no error */
    assert_int_equal(eye_results_count(r), 0);
    eye_results_free(r);
    fx_free(fx);
}

/* Vectors in memory follow the store, whoever changed it. */
static void test_stale_vectors_are_reloaded(void **state)
{
    struct fx *fx = filled(state);
    eye_options o = fx_options(fx);
    float score = 0;
    fx_best(fx, "p00.bmp", NULL); /* loads them */
    eye_lib *other = eye_open(&o, &fx->err);
    assert_non_null(other);
    fx_picture(fx, "new.bmp", 99);
    const char *paths[] = {fx->photos};
    FX_OK(fx, eye_index(other, paths, 1, NULL, NULL, &fx->err));
    fx_best(fx, "new.bmp", &score);
    assert_true(score > 0.999f);
    fx_rename(fx, "new.bmp", "../elsewhere.bmp");
    FX_OK(fx, eye_index(other, paths, 1, NULL, NULL, &fx->err));
    fx_best(fx, "../elsewhere.bmp", &score);
    assert_true(score < 0.999f);
    eye_close(other);
    fx_free(fx);
}

static void test_copies_and_offline(void **state)
{
    struct fx *fx = fx_new(state);
    eye_query q = EYE_QUERY_INIT;
    char path[600];
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 1);
    fx_picture(fx, "c.bmp", 2);
    fx_index(fx, "");
    q.like = fx_best(fx, "c.bmp", NULL);
    eye_results *r = search(fx, &q, 1, 5, -2);
    assert_int_equal(eye_results_count(r), 1);
    assert_int_equal(eye_results_at(r, 0)->paths, 2);
    eye_results_free(r);
    fx_unlink(fx, "a.bmp");
    r = search(fx, &q, 1, 5, -2); /* the one that is there is named */
    fx_path(fx, "b.bmp", path);
    assert_string_equal(eye_results_at(r, 0)->path, path);
    assert_false(eye_results_at(r, 0)->offline);
    eye_results_free(r);
    fx_unlink(fx, "b.bmp");
    r = search(fx, &q, 1, 5, -2);
    assert_true(eye_results_at(r, 0)->offline);
    eye_results_free(r);
    fx_free(fx);
}

struct racer {
    struct fx *fx;
    pthread_t thread;
    atomic_bool *stop;
    unsigned searches;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    eye_query q = EYE_QUERY_INIT;
    eye_search_options o = {.limit = 5, .min_score = -2};
    q.words = "anything";
    while (!atomic_load(r->stop)) {
        eye_results *out = NULL;
        struct eye_err err;
        if (eye_search(r->fx->lib, &q, 1, &o, &out, &err) != 0)
            return "search failed";
        r->searches++;
        eye_results_free(out);
    }
    return NULL;
}

static void test_searches_while_indexing(void **state)
{
    struct fx *fx = fx_new(state);
    struct racer racers[3];
    atomic_bool stop = false;
    char name[32];
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof name, "p%03d.bmp", i);
        fx_picture(fx, name, (uint64_t)i);
    }
    for (int i = 0; i < 3; i++) {
        racers[i] = (struct racer){.fx = fx, .stop = &stop};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    fx_index(fx, "");
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        void *bad;
        pthread_join(racers[i].thread, &bad);
        assert_null(bad);
        assert_true(racers[i].searches > 0);
    }
    FX_COUNTS(fx, 150, 0, 0, 0, 0, 0);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_rank_by_cosine),
        cmocka_unit_test(test_like_leaves_itself_out),
        cmocka_unit_test(test_many_queries_in_one_call),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_stale_vectors_are_reloaded),
        cmocka_unit_test(test_copies_and_offline),
        cmocka_unit_test(test_searches_while_indexing),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
