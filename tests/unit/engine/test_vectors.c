/* test_vectors.c - snapshots follow the store by its log, and begin anew only when they must. */
#include "engine/index_fixture.h"

static struct eng_vectors *get(struct ix *ix)
{
    struct eng_vectors *v = eng_vectors_get(ix->fx->lib, ix->s, ix->model, &ix->spec, &ix->fx->err);
    assert_non_null(v);
    return v;
}

static void put(struct ix *ix, struct eng_vectors *v)
{
    eng_vectors_put(ix->fx->lib, v);
}

/* What it holds is what the store does. */
static void same(struct ix *ix, const struct eng_vectors *v)
{
    struct vector_set *set = store_load_vectors(ix->s, ix->model, IX_DIM, &ix->fx->err);
    assert_int_equal(vector_index_live(v->ix), vector_count(set));
    int64_t last = vector_count(set) ? vector_last(set) : 0;
    for (int64_t id = 1; id <= last + 1; id++)
        assert_int_equal(vector_index_has(v->ix, id), vector_row(set, id) != NULL);
    vector_free(set);
}

/* As long as nothing changes it is the same one; what came and went is put in and taken out. */
static void test_the_log_is_followed(void **state)
{
    struct ix *ix = ix_new(state);
    struct eng_vectors *a = get(ix), *b, *c;
    assert_int_equal(vector_index_live(a->ix), 0);
    ix_add(ix, 0, 100);
    b = get(ix);
    same(ix, b);
    assert_ptr_not_equal(a, b);
    c = get(ix);
    assert_ptr_equal(b, c);
    put(ix, c);
    ix_remove(ix, 0, 100, 4);
    ix_change(ix, 1, 99, 3, 2);
    ix_add(ix, 100, 30);
    c = get(ix);
    same(ix, c);
    /* Rows are shared: those that died are still behind those that live, so nothing was loaded anew. */
    assert_true(vector_index_rows(c->ix) > vector_index_live(c->ix));
    assert_int_equal(vector_index_live(b->ix), 100); /* who began with it goes on with it */
    assert_int_equal(vector_index_live(a->ix), 0);
    put(ix, a);
    put(ix, b);
    put(ix, c);
    ix_check(ix);
    ix_free(ix);
}

static void test_segments_are_shared(void **state)
{
    struct ix *ix = ix_new(state);
    ix_add(ix, 0, 300);
    ix_make(ix);
    ix_add(ix, 300, 10);
    struct eng_vectors *a = get(ix);
    assert_int_equal(vector_index_segments(a->ix), 1);
    assert_int_equal(vector_index_tail(a->ix), 10);
    ix_remove(ix, 0, 310, 3);
    struct eng_vectors *b = get(ix);
    same(ix, b);
    assert_ptr_equal(vector_index_segment(a->ix, 0, NULL), vector_index_segment(b->ix, 0, NULL));
    /* A segment more: the one that is open stays so. */
    ix_add(ix, 310, 200);
    ix_make(ix);
    struct eng_vectors *c = get(ix);
    same(ix, c);
    if (vector_index_segments(c->ix) == 2)
        assert_ptr_equal(vector_index_segment(a->ix, 0, NULL),
                         vector_index_segment(c->ix, 0, NULL));
    put(ix, a);
    put(ix, b);
    put(ix, c);
    ix_free(ix);
}

/* Exchanged segments change no result: they are taken up all the same, and the tail is shed. */
static void test_a_switch_is_taken_up(void **state)
{
    struct ix *ix = ix_new(state);
    ix_add(ix, 0, 300);
    struct eng_vectors *a = get(ix);
    assert_int_equal(vector_index_tail(a->ix), 300);
    ix_make(ix);
    pthread_mutex_lock(&ix->fx->lib->load_lock); /* while someone else is at it, the old one does */
    struct eng_vectors *b = get(ix);
    assert_ptr_equal(a, b);
    pthread_mutex_unlock(&ix->fx->lib->load_lock);
    put(ix, b);
    b = get(ix);
    assert_int_equal(vector_index_tail(b->ix), 0);
    assert_int_equal(vector_index_segments(b->ix), 1);
    put(ix, a);
    put(ix, b);
    ix_check(ix);
    ix_free(ix);
}

/* A tail of which most is dead is not kept for ever. */
static void test_dead_rows_do_not_pile_up(void **state)
{
    struct ix *ix = ix_new(state);
    size_t most = 0;
    ix->knobs.few = 100000;
    ix_add(ix, 0, 100);
    for (uint64_t round = 0; round < 120; round++) {
        ix_change(ix, 0, 100, 1, round + 1);
        struct eng_vectors *v = get(ix);
        most = vector_index_rows(v->ix) > most ? vector_index_rows(v->ix) : most;
        put(ix, v);
    }
    assert_true(most < 6000);
    ix_check(ix);
    ix_free(ix);
}

/* Too much for memory and no segment yet: answers come from the store in pieces, and are the same. */
static void test_a_library_that_memory_cannot_hold(void **state)
{
    struct ix *ix = ix_new(state);
    ix->knobs.tail_bytes = 100 * IX_DIM * 2;
    ix_add(ix, 0, 150);
    ix_check(ix);
    assert_null(ix_snapshot(ix)->ix);
    eye_query like = EYE_QUERY_INIT;
    eye_search_options o = {.limit = 5, .min_score = -2};
    eye_results *r;
    like.like = 7;
    FX_OK(ix->fx, eye_search(ix->fx->lib, &like, 1, &o, &r, &ix->fx->err));
    assert_int_equal(eye_results_count(r), 5);
    eye_results_free(r);
    ix_add(ix, 150, 100);
    ix_check(ix);
    assert_null(ix_snapshot(ix)->ix);
    ix_make(ix);
    ix_check(ix);
    assert_non_null(ix_snapshot(ix)->ix);
    ix_add(ix, 250, 120); /* the tail has outgrown it again */
    ix_check(ix);
    ix_free(ix);
}

/* Anything, at random, by two hands: always what the store has. */
static void test_whatever_happens(void **state)
{
    struct ix *ix = ix_new(state);
    uint64_t seed = 3, made = 0;
    for (int step = 0; step < 150; step++) {
        size_t some = ix_random(&seed) % 60;
        switch (ix_random(&seed) % 6) {
        case 0: ix_remove(ix, made / 2, made / 2, 1 + ix_random(&seed) % 9); break;
        case 1: ix_change(ix, 0, made, 1 + ix_random(&seed) % 30, (uint64_t)step); break;
        case 2: ix_make(ix); break;
        default: ix_add(ix, made, some); made += some;
        }
        if (ix_random(&seed) % 16 == 0)
            ix_reopen(ix);
        struct eng_vectors *v = get(ix);
        same(ix, v);
        put(ix, v);
        if (step % 30 == 29) {
            ix_check(ix);
            ix_verified(ix);
        }
    }
    ix_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_log_is_followed),
        cmocka_unit_test(test_segments_are_shared),
        cmocka_unit_test(test_a_switch_is_taken_up),
        cmocka_unit_test(test_dead_rows_do_not_pile_up),
        cmocka_unit_test(test_a_library_that_memory_cannot_hold),
        cmocka_unit_test(test_whatever_happens),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
