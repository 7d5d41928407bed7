/* index_search.c against vector_search of what should be live: the same ids and the same bits wherever that is promised. */
#include "index_fixture.h"

enum { D = 64 };

static struct store new_store(void)
{
    return (struct store){.set = vector_new(D, NULL)};
}

static void put_truth(struct store *store, int64_t id, uint64_t version)
{
    uint16_t row[D];
    unit_row((uint64_t)id + version * 1000003, row, D);
    assert_int_equal(vector_add(store->set, id, row, NULL), 0);
}

/* An index of segments of 5000, 3000 and 700 rows and a tail of 500, some of each dropped; ids are multiples of 3. */
static struct vector_index *mixed(struct store *store)
{
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    static const size_t sizes[] = {5000, 3000, 700, 500};
    int64_t id = 3;
    *store = new_store();
    for (int part = 0; part < 4; part++) {
        struct vector_segment *seg = NULL;
        char name[16];
        snprintf(name, sizeof name, "seg%d", part);
        if (part < 3)
            seg = make_segment(name, &fixture_spec, id, 3, sizes[part], 0);
        if (seg)
            assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
        vector_segment_unref(seg);
        for (size_t i = 0; i < sizes[part]; i++, id += 3) {
            uint16_t row[D];
            unit_row((uint64_t)id, row, D);
            if (part == 3)
                assert_int_equal(vector_index_put(ix, id, row, NULL), 0);
            if (id % 7 == 0)
                assert_int_equal(vector_index_drop(ix, id, NULL), 0);
            else
                put_truth(store, id, 0);
        }
    }
    assert_int_equal(vector_index_live(ix), vector_count(store->set));
    return ix;
}

static void filters_equal_brute_force(void **state)
{
    (void)state;
    enum { K = 40 };
    static const double shares[] = {0, 0.0001, 0.01, 0.5, 1};
    static int64_t ids[10000];
    static struct vector_hit truth[K], hits[K];
    struct store store;
    struct vector_index *ix = mixed(&store);
    struct vector_source source = {store_rows, &store};
    struct pool *pool = pool_new(2, NULL);
    uint64_t seed = 5;
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
        cpu_level_force((enum cpu_level)level);
        for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
            size_t n = 0, passed, count;
            for (int64_t id = 1; id < 3 * 9300; id++)
                if ((double)(next_random(&seed) >> 11) / 0x1p53 < shares[s] && n < 10000)
                    ids[n++] = id;
            float query[D];
            unit_floats(999 + s, query, D);
            uint64_t *mask = vector_index_mask(ix, ids, n, &passed, NULL);
            uint64_t *brute = vector_mask(store.set, ids, n, NULL);
            struct vector_scope scope = {brute, NULL};
            assert_int_equal(
                vector_search(store.set, query, 1, K, &scope, NULL, truth, &count, NULL), 0);
            for (int threads = 0; threads < 2; threads++) {
                struct vector_ask ask = {
                    .query = query, .k = K, .mask = mask, .passed = passed, .hits = hits};
                assert_int_equal(
                    vector_index_search(ix, &ask, 1, &source, threads ? pool : NULL, NULL), 0);
                assert_same_hits(hits, ask.count, truth, count);
            }
            free(mask);
            free(brute);
        }
    }
    cpu_level_force(cpu_level_max());
    pool_free(pool);
    vector_index_free(ix);
    vector_free(store.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_equal_brute_force),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
