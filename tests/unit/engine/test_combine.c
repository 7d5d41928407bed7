/* test_combine.c - searches that wait share a scan, and each gets what it would have got alone. */
#include "engine/index_fixture.h"

enum { THREADS = 6, SEARCHES = 40 };

struct searcher {
    struct ix *ix;
    pthread_t thread;
    int number;
    const char *bad;
    unsigned infinite; /* queries that no scan takes */
};

static void query_of(int number, float q[IX_DIM])
{
    uint16_t row[IX_DIM];
    ix_row(900000 + (uint64_t)number, row);
    half_to_floats(row, q, IX_DIM);
}

/* One ask; every fifth has an infinity. */
static const char *search_once(struct searcher *s, struct store *store, struct eng_vectors *v,
                               int i)
{
    struct vector_hit hits[2][10];
    float q[IX_DIM];
    struct eye_err err = {0};
    struct eng_source from = {store, v->model, IX_DIM};
    const struct vector_source source = eng_source(&from);
    size_t k = 1 + (size_t)(s->number + i) % 10;
    query_of(s->number * 100 + i, q);
    if (i % 5 == 4)
        q[3] = INFINITY;
    struct vector_ask ask = {.query = q, .k = k, .hits = hits[0]}, alone = ask;
    alone.hits = hits[1];
    int rc = eng_combine(s->ix->fx->lib, v, store, &ask, 1, NULL, &err);
    if (i % 5 == 4) {
        s->infinite++;
        return rc == EYE_EINVAL && strstr(err.msg, "infinity") ? NULL : "an infinity was taken";
    }
    if (rc != 0 || vector_index_search(v->ix, &alone, 1, &source, NULL, &err) != 0)
        return "a search failed";
    if (ask.count != alone.count || ask.count != k)
        return "other counts";
    for (size_t h = 0; h < k; h++)
        if (hits[0][h].id != hits[1][h].id ||
            memcmp(&hits[0][h].score, &hits[1][h].score, sizeof(float)) != 0)
            return "other hits";
    return NULL;
}

static void *search(void *arg)
{
    struct searcher *s = arg;
    struct eye_err err = {0};
    struct store *store = eng_store_get(s->ix->fx->lib, &err);
    for (int i = 0; i < SEARCHES && !s->bad; i++) {
        struct eng_vectors *v =
            eng_vectors_get(s->ix->fx->lib, store, s->ix->model, &s->ix->spec, &err);
        s->bad = v ? search_once(s, store, v, i) : "no snapshot";
        eng_vectors_put(s->ix->fx->lib, v);
    }
    eng_store_put(s->ix->fx->lib, store);
    return NULL;
}

static void run_all(struct ix *ix, struct searcher *s)
{
    for (int i = 0; i < THREADS; i++) {
        s[i] = (struct searcher){.ix = ix, .number = i};
        assert_int_equal(pthread_create(&s[i].thread, NULL, search, &s[i]), 0);
    }
}

static void join_all(struct searcher *s)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_join(s[i].thread, NULL);
        if (s[i].bad)
            fail_msg("%s", s[i].bad);
        assert_int_equal(s[i].infinite, SEARCHES / 5);
    }
}

static void test_each_gets_its_own(void **state)
{
    struct ix *ix = ix_new(state);
    struct searcher s[THREADS];
    struct eng_combiner_stats stats;
    ix_add(ix, 0, 600);
    ix_make(ix);
    ix_add(ix, 600, 90);
    run_all(ix, s);
    join_all(s);
    eng_combiner_count(ix->fx->lib->combiner, &stats);
    assert_int_equal(stats.searches, THREADS * SEARCHES);
    assert_true(stats.scans <= stats.searches);
    ix_free(ix);
}

/* While vectors come, go and are put into segments. */
static void test_while_everything_changes(void **state)
{
    struct ix *ix = ix_new(state);
    struct searcher s[THREADS];
    ix_add(ix, 0, 400);
    run_all(ix, s);
    for (uint64_t i = 0; i < 12; i++) {
        ix_add(ix, 400 + i * 40, 40);
        ix_make(ix);
    }
    join_all(s);
    ix_check(ix);
    ix_free(ix);
}

/* While one scan runs all that come wait, and then one scan is for all of them. */
struct waiting {
    struct ix *ix;
    pthread_t thread;
    bool bad;
};

static void *wait_and_search(void *arg)
{
    struct waiting *w = arg;
    struct eye_err err = {0};
    struct vector_hit hits[5];
    float q[IX_DIM];
    struct eye_lib *lib = w->ix->fx->lib;
    struct store *s = eng_store_get(lib, &err);
    struct eng_vectors *v = eng_vectors_get(lib, s, w->ix->model, &w->ix->spec, &err);
    query_of(1, q);
    struct vector_ask ask = {.query = q, .k = 5, .hits = hits};
    w->bad = eng_combine(lib, v, s, &ask, 1, NULL, &err) != 0 || ask.count != 5;
    eng_vectors_put(lib, v);
    eng_store_put(lib, s);
    return NULL;
}

static uint64_t searches(struct ix *ix)
{
    struct eng_combiner_stats stats;
    eng_combiner_count(ix->fx->lib->combiner, &stats);
    return stats.searches;
}

static void test_who_waits_shares(void **state)
{
    struct ix *ix = ix_new(state);
    struct waiting waiting[THREADS];
    struct eng_combiner_stats before, after;
    ix_add(ix, 0, 400);
    ix_make(ix);
    struct eng_combiner *c = ix->fx->lib->combiner;
    eng_combiner_count(c, &before);
    eng_combiner_hold(c, true);
    for (int i = 0; i < THREADS; i++) {
        waiting[i] = (struct waiting){.ix = ix};
        assert_int_equal(pthread_create(&waiting[i].thread, NULL, wait_and_search, &waiting[i]), 0);
    }
    while (searches(ix) < before.searches + THREADS)
        usleep(1000);
    eng_combiner_hold(c, false);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(waiting[i].thread, NULL);
        assert_false(waiting[i].bad);
    }
    eng_combiner_count(c, &after);
    assert_int_equal(after.searches - before.searches, THREADS);
    assert_int_equal(after.scans - before.scans, 1);
    ix_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_gets_its_own),
        cmocka_unit_test(test_while_everything_changes),
        cmocka_unit_test(test_who_waits_shares),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
