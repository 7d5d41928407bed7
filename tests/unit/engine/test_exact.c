/* test_exact.c - every vector compared in pieces gives what comparing all at once gives. */
#include "engine/index_fixture.h"

enum { WIDE = 2048, N = 9000 }; /* two pieces and a bit */

struct wide {
    struct fx *fx;
    struct store *s;
    int64_t model;
    struct vector_set *set;
};

/* Vectors of a model of 2048 numbers, every fifth picture without one. */
static struct wide filled(void **state)
{
    struct wide w = {.fx = fx_new(state)};
    struct hash weights = {{1}};
    uint16_t row[WIDE];
    int64_t root, id;
    uint64_t seed = 1;
    w.s = eng_store_get(w.fx->lib, &w.fx->err);
    FX_OK(w.fx, store_begin(w.s, &w.fx->err));
    FX_OK(w.fx, store_model(w.s, &weights, "wide", WIDE, true, &w.model, &w.fx->err));
    FX_OK(w.fx, store_root_add(w.s, "/made/up", &root, &w.fx->err));
    for (uint64_t i = 0; i < N; i++) {
        struct store_picture p = {.size = 1, .format = "png"};
        char rel[32];
        ix_name(i, rel);
        hash_bytes(&i, sizeof i, &p.hash);
        for (int k = 0; k < WIDE; k++) { /* about 1/45 either way: coarse, so that there are ties */
            uint64_t r = k % 64 ? 0 : ix_random(&seed);
            row[k] = (uint16_t)(0x25b0 | (r & 0x8000) | (r & 0x100));
        }
        FX_OK(w.fx, store_put(w.s, &p, w.model, i % 5 ? row : NULL, WIDE, &id, &w.fx->err));
        struct store_file f = {.picture = id, .root = root, .rel = rel, .size = 1};
        FX_OK(w.fx, store_file_set(w.s, &f, &w.fx->err));
    }
    FX_OK(w.fx, store_commit(w.s, &w.fx->err));
    w.set = store_load_vectors(w.s, w.model, WIDE, &w.fx->err);
    assert_non_null(w.set);
    return w;
}

static void release(struct wide *w)
{
    vector_free(w->set);
    eng_store_put(w->fx->lib, w->s);
    fx_free(w->fx);
}

/* Two asks of their own k and place, with ids or without. */
static void compare(struct wide *w, size_t k, const struct vector_hit *after, const int64_t *ids,
                    size_t nids)
{
    static struct vector_hit hits[2][N], want[N];
    static float q[2][WIDE];
    uint64_t seed = 99 + k;
    for (int i = 0; i < 2 * WIDE; i++)
        q[i / WIDE][i % WIDE] = (float)(ix_random(&seed) >> 40) / 16777216.0f - 0.5f;
    struct vector_ask asks[2] = {{.query = q[0], .k = k, .hits = hits[0], .after = after},
                                 {.query = q[1], .k = k / 2, .hits = hits[1]}};
    struct eng_rank rank = {.asks = asks, .n = 2, .ids = ids, .nids = nids, .exact = true};
    FX_OK(w->fx, store_read_begin(w->s, &w->fx->err));
    FX_OK(w->fx, eng_exact(w->s, w->model, WIDE, &rank, NULL, &w->fx->err));
    store_read_end(w->s);
    uint64_t *mask = vector_mask(w->set, ids, nids, &w->fx->err);
    for (int i = 0; i < 2; i++) {
        struct vector_scope scope = {mask, asks[i].after};
        size_t n = 0;
        if (asks[i].k)
            FX_OK(w->fx,
                  vector_search(w->set, q[i], 1, asks[i].k, &scope, NULL, want, &n, &w->fx->err));
        assert_int_equal(asks[i].count, n);
        for (size_t h = 0; h < n; h++) {
            assert_int_equal(hits[i][h].id, want[h].id);
            assert_memory_equal(&hits[i][h].score, &want[h].score, sizeof(float));
        }
    }
    free(mask);
}

static void test_in_pieces_and_at_once(void **state)
{
    struct wide w = filled(state);
    static int64_t ids[N];
    static const size_t ks[] = {0, 1, 10, 5000, N};
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++)
        compare(&w, ks[i], NULL, NULL, 0);
    const struct vector_hit place = {4000, 0.01f};
    compare(&w, 100, &place, NULL, 0);
    for (size_t every = 1; every < 5000; every = every * 9 + 2) { /* of all, of few */
        size_t n = 0;
        for (size_t id = 1; id <= N; id += every)
            ids[n++] = (int64_t)id;
        compare(&w, 30, NULL, ids, n);
        compare(&w, 30, &place, ids, n);
    }
    compare(&w, 30, NULL, ids, 0);
    release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_pieces_and_at_once),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
