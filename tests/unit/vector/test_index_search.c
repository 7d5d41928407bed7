/* index_search.c against vector_search of what should be live: the same ids and the same bits wherever that is promised. */
#include "index_fixture.h"

#include <pthread.h>

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

/* Segments of 4500, 1000 and 300 rows and a tail of 300, some of each dropped; ids are multiples of 3. */
static struct vector_index *make_mixed(struct store *store)
{
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    static const size_t sizes[] = {4500, 1000, 300, 300};
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

static struct vector_index *the_index;
static struct store the_store;

static int make_all(void **state)
{
    if (scratch_make(state))
        return -1;
    the_index = make_mixed(&the_store);
    return 0;
}

static int remove_all(void **state)
{
    vector_index_free(the_index);
    vector_free(the_store.set);
    return scratch_remove(state);
}

static struct vector_index *mixed(struct store *store)
{
    *store = (struct store){.set = vector_fork(the_store.set, NULL)};
    return vector_index_fork(the_index, NULL);
}

static void filters_equal_brute_force(void **state)
{
    (void)state;
    enum { K = 40 };
    static const double shares[] = {0, 0.0001, 0.01, 0.5, 1};
    static int64_t ids[30000];
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
            for (int64_t id = 1; id < 3 * 6200; id++)
                if ((double)(next_random(&seed) >> 11) / 0x1p53 < shares[s])
                    ids[n++] = id;
            uint64_t *mask = vector_index_mask(ix, ids, n, &passed, NULL);
            uint64_t *brute = vector_mask(store.set, ids, n, NULL);
            for (uint64_t q = 0; q < 6; q++) {
                struct vector_scope scope = {brute, NULL};
                float query[D];
                unit_floats(999 + 10 * s + q, query, D);
                assert_int_equal(
                    vector_search(store.set, query, 1, K, &scope, NULL, truth, &count, NULL), 0);
                struct vector_ask ask = {
                    .query = query, .k = K, .mask = mask, .passed = passed, .hits = hits};
                struct pool *on = q % 2 ? pool : NULL;
                assert_int_equal(vector_index_search(ix, &ask, 1, &source, on, NULL), 0);
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

/* What vector_search of the truth gives for the same ask. */
static size_t truth_of(const struct store *store, const float *query, size_t k,
                       const struct vector_hit *after, struct vector_hit *hits)
{
    size_t count;
    struct vector_scope scope = {NULL, after};
    assert_int_equal(vector_search(store->set, query, 1, k, &scope, NULL, hits, &count, NULL), 0);
    return count;
}

static void search(const struct vector_index *ix, struct store *store, struct vector_ask *asks,
                   size_t n, struct pool *pool)
{
    struct vector_source source = {store_rows, store};
    struct eye_err err;
    if (vector_index_search(ix, asks, n, &source, pool, &err))
        fail_msg("%s", err.msg);
}

/* Scanned by codes: the best of these clusters are found, with the truth's scores; R of everything is exact. */
static void unfiltered(void **state)
{
    (void)state;
    enum { K = 10 };
    struct vector_hit truth[K], hits[K];
    struct store store;
    struct vector_index *ix = mixed(&store);
    struct pool *pool = pool_new(3, NULL);
    size_t found = 0;
    for (uint64_t q = 0; q < 10; q++) {
        float query[D];
        unit_floats(100000 + q, query, D);
        size_t count = truth_of(&store, query, K, NULL, truth);
        struct vector_ask ask = {.query = query, .k = K, .hits = hits, .rescore = 2500};
        search(ix, &store, &ask, 1, pool);
        assert_int_equal(ask.count, K);
        for (size_t i = 0; i < K; i++) {
            assert_true(i == 0 || hits[i - 1].score > hits[i].score ||
                        (hits[i - 1].score == hits[i].score && hits[i - 1].id < hits[i].id));
            for (size_t j = 0; j < K; j++)
                found += hits[i].id == truth[j].id && hits[i].score == truth[j].score;
        }
        ask.rescore = 100000;
        search(ix, &store, &ask, 1, pool);
        assert_same_hits(hits, ask.count, truth, count);
    }
    assert_true(found >= 97);
    pool_free(pool);
    vector_index_free(ix);
    vector_free(store.set);
}

static void a_tail_alone_is_exact(void **state)
{
    (void)state;
    enum { K = 50, DIM = 7, N = 3000 };
    static const struct vector_spec spec = {.dim = DIM};
    struct vector_hit truth[K], hits[K];
    struct store store = {.set = vector_new(DIM, NULL)};
    struct vector_index *ix = vector_index_new(&spec, NULL);
    struct pool *pool = pool_new(2, NULL);
    uint16_t row[DIM];
    for (size_t i = 0; i < N; i++) { /* in some order, so that there are runs */
        int64_t id = (int64_t)(i * 1999 % N);
        unit_row((uint64_t)id, row, DIM);
        assert_int_equal(vector_index_put(ix, id, row, NULL), 0);
    }
    for (int64_t id = 0; id < N; id++) {
        unit_row((uint64_t)id, row, DIM);
        if (id % 4 == 0)
            assert_int_equal(vector_index_drop(ix, id, NULL), 0);
        else
            assert_int_equal(vector_add(store.set, id, row, NULL), 0);
    }
    for (uint64_t q = 0; q < 5; q++) {
        float query[DIM];
        unit_floats(7000 + q, query, DIM);
        size_t count = truth_of(&store, query, K, NULL, truth);
        struct vector_ask ask = {.query = query, .k = K, .hits = hits};
        assert_int_equal(vector_index_search(ix, &ask, 1, NULL, q % 2 ? pool : NULL, NULL), 0);
        assert_same_hits(hits, ask.count, truth, count);
        struct vector_hit after = truth[17];
        ask.after = &after;
        assert_int_equal(vector_index_search(ix, &ask, 1, NULL, pool, NULL), 0);
        count = truth_of(&store, query, K, &after, truth);
        assert_same_hits(hits, ask.count, truth, count);
    }
    pool_free(pool);
    vector_index_free(ix);
    vector_free(store.set);
}

static void pages_do_not_overlap_and_are_all(void **state)
{
    (void)state;
    enum { K = 700 };
    static struct vector_hit all[10000], hits[K];
    struct store store;
    struct vector_index *ix = mixed(&store);
    size_t n = vector_count(store.set), passed;
    uint64_t *mask = vector_index_mask(ix, NULL, 0, &passed, NULL);
    float query[D];
    unit_floats(31337, query, D);
    assert_int_equal(truth_of(&store, query, n, NULL, all), n);
    for (int exact = 0; exact < 2; exact++) {
        struct vector_hit after = {0};
        size_t seen = 0;
        for (;;) {
            struct vector_ask ask = {.query = query,
                                     .k = K,
                                     .mask = exact ? mask : NULL,
                                     .passed = passed,
                                     .after = seen ? &after : NULL,
                                     .depth = seen,
                                     .rescore = exact ? 0 : 100000,
                                     .hits = hits};
            search(ix, &store, &ask, 1, NULL);
            assert_same_hits(hits, ask.count, all + seen, n - seen < K ? n - seen : K);
            seen += ask.count;
            if (ask.count < K)
                break;
            after = hits[K - 1];
        }
        assert_int_equal(seen, n);
    }
    /* By codes a page may miss what a later one finds out about, but order and number hold, and nothing comes twice. */
    struct vector_hit after = {0};
    size_t seen = 0;
    for (int page = 0; page < 5; page++) {
        struct vector_ask ask = {.query = query,
                                 .k = 100,
                                 .after = seen ? &after : NULL,
                                 .depth = seen,
                                 .rescore = 300,
                                 .hits = hits};
        search(ix, &store, &ask, 1, NULL);
        assert_int_equal(ask.count, 100);
        for (size_t i = 0; i < 100; i++) {
            const struct vector_hit *before = i ? &hits[i - 1] : &after;
            assert_true(seen + i == 0 || hits[i].score < before->score ||
                        (hits[i].score == before->score && hits[i].id > before->id));
        }
        after = hits[99];
        seen += 100;
    }
    /* Far behind with no depth told: it looks further until it has them. */
    struct vector_ask ask = {
        .query = query, .k = 100, .after = &all[4000], .rescore = 100, .hits = hits};
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, 100);
    free(mask);
    vector_index_free(ix);
    vector_free(store.set);
}

/* Half of it anew, ten times; the segments hold all the old versions. */
static void readded_over_and_over(void **state)
{
    (void)state;
    enum { N = 1200, K = 30 };
    static uint64_t version[N + 1];
    struct vector_hit truth[K], hits[K];
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *seg = make_segment("again", &fixture_spec, 1, 1, N, 0);
    struct store store = new_store();
    uint64_t seed = 17;
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    for (uint64_t round = 1; round <= 10; round++) {
        struct vector_index *fork = vector_index_fork(ix, NULL);
        for (int64_t id = 1; id <= N; id++) {
            uint16_t row[D];
            if (next_random(&seed) % 2)
                continue;
            version[id] = round;
            unit_row((uint64_t)id + round * 1000003, row, D);
            assert_int_equal(vector_index_drop(fork, id, NULL), 0);
            assert_int_equal(vector_index_put(fork, id, row, NULL), 0);
        }
        vector_index_free(ix);
        ix = fork;
        if (round == 5) { /* what is in the tail becomes a segment, of the ids that are there */
            int64_t *ids;
            size_t n;
            char path[512];
            uint64_t rows, bytes;
            assert_int_equal(vector_index_ids(ix, 1, &ids, &n, NULL), 0);
            struct vector_writer *w =
                vector_writer_new(scratch_path(path, "flushed"), &fixture_spec, NULL, NULL, NULL);
            struct vector_index *flushed = vector_index_new(&fixture_spec, NULL);
            for (size_t i = 0; i < n; i++) {
                uint16_t row[D];
                unit_row((uint64_t)ids[i] + version[ids[i]] * 1000003, row, D);
                assert_int_equal(vector_writer_add(w, ids[i], row, NULL), 0);
            }
            assert_int_equal(vector_writer_finish(w, &rows, &bytes, NULL), 0);
            assert_int_equal(vector_index_attach(flushed, vector_index_segment(ix, 0, NULL), NULL),
                             0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(vector_index_drop(flushed, ids[i], NULL), 0);
            seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
            assert_int_equal(vector_index_attach(flushed, seg, NULL), 0);
            vector_segment_unref(seg);
            vector_index_free(ix);
            ix = flushed;
            free(ids);
        }
        vector_free(store.set);
        store = new_store();
        for (int64_t id = 1; id <= N; id++)
            put_truth(&store, id, version[id]);
        assert_int_equal(vector_index_live(ix), N);
        float query[D];
        unit_floats(50000 + round, query, D);
        size_t count = truth_of(&store, query, K, NULL, truth);
        struct vector_ask ask = {.query = query, .k = K, .hits = hits, .rescore = N};
        search(ix, &store, &ask, 1, NULL);
        assert_same_hits(hits, ask.count, truth, count);
    }
    vector_index_free(ix);
    vector_free(store.set);
}

/* Rows that the store no longer has cost no place, be they all of the best. */
static void gone_rows_cost_no_place(void **state)
{
    (void)state;
    enum { K = 10, GONE = 300, N = 5000 };
    static struct vector_hit all[N];
    struct vector_hit hits[K];
    int64_t gone[GONE];
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *seg = make_segment("gone", &fixture_spec, 1, 1, N, 0);
    struct store store = new_store();
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    for (int64_t id = 1; id <= N; id++)
        put_truth(&store, id, 0);
    float query[D];
    unit_floats(777777, query, D);
    truth_of(&store, query, N, NULL, all);
    for (size_t i = 0; i < GONE; i++)
        gone[i] = all[i].id;
    store.gone = gone;
    store.ngone = GONE;
    uint64_t *mask = vector_index_mask(ix, NULL, 0, NULL, NULL);
    struct vector_ask ask = {.query = query, .k = K, .mask = mask, .passed = N, .hits = hits};
    search(ix, &store, &ask, 1, NULL);
    assert_same_hits(hits, ask.count, all + GONE, K);
    assert_true(store.calls < 25);
    ask.mask = NULL;
    ask.rescore = 20; /* all of them gone: it goes around again */
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, K);
    for (size_t i = 0; i < K; i++)
        for (size_t g = 0; g < GONE; g++)
            assert_true(hits[i].id != gone[g]);
    free(mask);
    vector_index_free(ix);
    vector_free(store.set);
}

static void many_asks_equal_each_alone(void **state)
{
    (void)state;
    enum { ASKS = 19, K = 25 };
    static struct vector_hit alone[ASKS][K], hits[ASKS][K];
    static float queries[ASKS][D];
    static int64_t ids[3000];
    struct vector_ask asks[ASKS];
    struct store store;
    struct vector_index *ix = mixed(&store);
    struct pool *pool = pool_new(2, NULL);
    for (int64_t i = 0; i < 3000; i++)
        ids[i] = 5 * i;
    size_t passed, counts[ASKS];
    uint64_t *mask = vector_index_mask(ix, ids, 3000, &passed, NULL);
    struct vector_hit after = {.id = 3, .score = 0.8F};
    for (size_t i = 0; i < ASKS; i++) {
        unit_floats(4000 + i, queries[i], D);
        asks[i] = (struct vector_ask){.query = queries[i],
                                      .k = i == 7 ? 0 : 1 + i % K,
                                      .mask = i % 4 == 1 ? mask : NULL,
                                      .passed = i % 4 == 1 ? passed : 0,
                                      .after = i % 5 == 2 ? &after : NULL,
                                      .rescore = i % 2 ? 0 : 300,
                                      .hits = alone[i]};
        search(ix, &store, &asks[i], 1, NULL);
        counts[i] = asks[i].count;
        asks[i].hits = hits[i];
    }
    for (int threads = 0; threads < 2; threads++) {
        memset(hits, 0, sizeof hits);
        search(ix, &store, asks, ASKS, threads ? pool : NULL);
        for (size_t i = 0; i < ASKS; i++)
            assert_same_hits(hits[i], asks[i].count, alone[i], counts[i]);
    }
    search(ix, &store, asks, 0, NULL);
    free(mask);
    pool_free(pool);
    vector_index_free(ix);
    vector_free(store.set);
}

/* All rows the same: the smallest ids, over segments and tail. */
static void ties_go_to_the_smaller_id(void **state)
{
    (void)state;
    enum { K = 20, N = 300 };
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct store store = new_store();
    uint16_t row[D];
    char path[512];
    unit_row(1, row, D);
    for (int part = 0; part < 3; part++) { /* ids 3, 6 ... in the first, 2, 5 ... and 1, 4 ... */
        uint64_t rows, bytes;
        struct vector_writer *w = vector_writer_new(scratch_path(path, part ? "tie1" : "tie0"),
                                                    &fixture_spec, NULL, NULL, NULL);
        for (int64_t id = 3 - part; id <= N; id += 3) {
            if (part < 2)
                assert_int_equal(vector_writer_add(w, id, row, NULL), 0);
            else
                assert_int_equal(vector_index_put(ix, id, row, NULL), 0);
        }
        if (part == 2)
            continue;
        assert_int_equal(vector_writer_finish(w, &rows, &bytes, NULL), 0);
        struct vector_segment *seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
        assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
        vector_segment_unref(seg);
    }
    for (int64_t id = 1; id <= N; id++)
        assert_int_equal(vector_add(store.set, id, row, NULL), 0);
    float query[D];
    struct vector_hit hits[K];
    unit_floats(1, query, D);
    struct vector_ask ask = {.query = query, .k = K, .hits = hits};
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, K);
    for (int i = 0; i < K; i++)
        assert_int_equal(hits[i].id, i + 1);
    vector_index_free(ix);
    vector_free(store.set);
}

static void few_rows_and_none(void **state)
{
    (void)state;
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct store store = new_store();
    struct vector_hit hits[10];
    float query[D];
    unit_floats(1, query, D);
    struct vector_ask ask = {.query = query, .k = 10, .hits = hits, .count = 99};
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, 0);
    struct vector_segment *none = make_segment("none", &fixture_spec, 1, 1, 0, 0);
    struct vector_segment *one = make_segment("one", &fixture_spec, 5, 1, 1, 0);
    assert_int_equal(vector_index_attach(ix, none, NULL), 0);
    assert_int_equal(vector_index_attach(ix, one, NULL), 0);
    vector_segment_unref(none);
    vector_segment_unref(one);
    put_truth(&store, 5, 0);
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, 1);
    assert_int_equal(hits[0].id, 5);
    ask.k = 0;
    ask.hits = NULL;
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, 0);
    assert_int_equal(vector_index_drop(ix, 5, NULL), 0);
    ask.k = 10;
    ask.hits = hits;
    search(ix, &store, &ask, 1, NULL);
    assert_int_equal(ask.count, 0);
    vector_index_free(ix);
    vector_free(store.set);
}

static int failing_rows(void *ctx, const int64_t *ids, size_t n, uint16_t *out, bool *there,
                        struct eye_err *err)
{
    (void)ctx;
    (void)ids;
    (void)n;
    (void)out;
    (void)there;
    return eye_fail(err, EYE_EBUSY, "the store is locked");
}

static void what_cannot_be_answered(void **state)
{
    (void)state;
    struct store store = new_store();
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *seg = make_segment("spoilt", &fixture_spec, 1, 1, 500, 0);
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    struct vector_source source = {store_rows, &store}, failing = {failing_rows, NULL};
    struct vector_hit hits[5];
    float good[D], bad[D];
    struct eye_err err;
    unit_floats(1, good, D);
    unit_floats(2, bad, D);
    bad[63] = NAN;
    struct vector_ask asks[2] = {{.query = good, .k = 5, .hits = hits},
                                 {.query = bad, .k = 5, .hits = hits}};
    assert_int_equal(vector_index_search(ix, asks, 2, &source, NULL, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "query 1 has NaN"));
    assert_int_equal(vector_index_search(ix, asks, 1, &failing, NULL, &err), EYE_EBUSY);
    assert_non_null(strstr(err.msg, "locked"));
    char path[512]; /* the file is cut under it, and then its rows are rubbish */
    struct pool *pool = pool_new(2, NULL);
    off_t size = (off_t)segment_file_bytes(D, 500);
    assert_int_equal(truncate(scratch_path(path, "spoilt"), 5000), 0);
    assert_int_equal(vector_index_search(ix, asks, 1, &source, pool, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "spoilt"));
    assert_int_equal(truncate(path, size), 0);
    assert_int_equal(vector_index_search(ix, asks, 1, &source, pool, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "damaged"));
    pool_free(pool);
    vector_index_free(ix);
    vector_free(store.set);
}

static void spoil_row(const char *name, int dim, size_t row)
{
    char path[512];
    size_t pdim = segment_pdim(dim);
    off_t at = (off_t)(segment_chunk_at(dim, 0) + segment_scan_bytes(pdim, SEGMENT_CHUNK_ROWS) +
                       row * segment_record_bytes(pdim));
    uint8_t byte;
    int fd = open(scratch_path(path, name), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* Of all rows of a filter, only those are read that can matter: the worst ones may be rubbish. */
static void what_codes_rule_out_is_not_read(void **state)
{
    (void)state;
    enum { DIM = 512, N = 4500, BEST = 5 };
    static const struct vector_spec spec = {.dim = DIM};
    struct vector_index *ix = vector_index_new(&spec, NULL);
    struct vector_segment *seg = make_segment("ruled", &spec, 1, 1, N, 0);
    struct store store = {.set = vector_new(DIM, NULL)};
    struct vector_source source = {store_rows, &store};
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    uint16_t row[DIM];
    for (int64_t id = 1; id <= N; id++) {
        unit_row((uint64_t)id, row, DIM);
        assert_int_equal(vector_add(store.set, id, row, NULL), 0);
    }
    float query[DIM];
    static struct vector_hit all[N];
    struct vector_hit hit;
    size_t passed;
    unit_floats(BEST, query, DIM);
    truth_of(&store, query, N, NULL, all);
    assert_int_equal(all[0].id, BEST);
    uint64_t *mask = vector_index_mask(ix, NULL, 0, &passed, NULL);
    struct vector_ask ask = {.query = query, .k = 1, .mask = mask, .passed = passed, .hits = &hit};
    for (size_t i = N / 2; i < N; i++)
        if (all[i].id <= SEGMENT_CHUNK_ROWS)
            spoil_row("ruled", DIM, (size_t)all[i].id - 1);
    search(ix, &store, &ask, 1, NULL);
    assert_same_hits(&hit, ask.count, all, 1);
    spoil_row("ruled", DIM, BEST - 1);
    assert_int_equal(vector_index_search(ix, &ask, 1, &source, NULL, NULL), EYE_EFORMAT);
    free(mask);
    vector_index_free(ix);
    vector_free(store.set);
}

struct searcher {
    struct vector_index *ix;
    struct store store;
    struct pool *pool;
    struct vector_hit hits[10], first[10];
    bool ok;
};

static void *search_on(void *arg)
{
    struct searcher *me = arg;
    struct vector_source source = {store_rows, &me->store};
    float query[D];
    unit_floats(606, query, D);
    me->ok = true;
    for (int i = 0; i < 6; i++) {
        struct vector_ask ask = {.query = query, .k = 10, .hits = i ? me->hits : me->first};
        me->ok = me->ok && vector_index_search(me->ix, &ask, 1, &source, me->pool, NULL) == 0 &&
                 ask.count == 10;
        for (int h = 0; i && h < 10; h++)
            me->ok = me->ok && me->hits[h].id == me->first[h].id &&
                     me->hits[h].score == me->first[h].score;
    }
    vector_index_free(me->ix);
    return NULL;
}

/* Each searches a snapshot of its own while the next ones are made of it. */
static void searches_go_on_under_changes(void **state)
{
    (void)state;
    struct store store;
    struct vector_index *ix = mixed(&store);
    struct pool *pool = pool_new(2, NULL);
    static struct searcher searchers[4];
    pthread_t threads[4];
    int64_t id = 30000, victim = 3;
    for (int i = 0; i < 4; i++) {
        struct vector_index *next = vector_index_fork(ix, NULL);
        searchers[i] = (struct searcher){.ix = ix, .store = store, .pool = i % 2 ? pool : NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, search_on, &searchers[i]), 0);
        for (int change = 0; change < 300; change++) {
            uint16_t row[D];
            unit_row((uint64_t)id, row, D);
            assert_int_equal(vector_index_put(next, id++, row, NULL), 0);
            assert_int_equal(vector_index_drop(next, victim += 3, NULL), 0);
        }
        ix = next;
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(searchers[i].ok);
    }
    pool_free(pool);
    vector_index_free(ix);
    vector_free(store.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_equal_brute_force),
        cmocka_unit_test(unfiltered),
        cmocka_unit_test(a_tail_alone_is_exact),
        cmocka_unit_test(pages_do_not_overlap_and_are_all),
        cmocka_unit_test(readded_over_and_over),
        cmocka_unit_test(gone_rows_cost_no_place),
        cmocka_unit_test(many_asks_equal_each_alone),
        cmocka_unit_test(ties_go_to_the_smaller_id),
        cmocka_unit_test(few_rows_and_none),
        cmocka_unit_test(what_cannot_be_answered),
        cmocka_unit_test(what_codes_rule_out_is_not_read),
        cmocka_unit_test(searches_go_on_under_changes),
    };
    return cmocka_run_group_tests(tests, make_all, remove_all);
}
