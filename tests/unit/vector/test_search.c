/* search.c against brute force in double, on every level, with and without a pool. */
#include "rows.h"

#include <pthread.h>

#include "vector/dot.h"

static struct vector_set *filled(size_t dim, size_t n, uint64_t seed)
{
    struct vector_set *set = vector_new((int)dim, NULL);
    uint16_t row[4096];
    for (size_t i = 0; i < n; i++) {
        random_row(&seed, row, dim);
        assert_int_equal(vector_add(set, (int64_t)i * 3 + 1, row, NULL), 0);
    }
    return set;
}

/* The hits are the best of the truth: no id outside them is clearly better than the last one. */
static void check_against_truth(const struct vector_set *set, const float *query, size_t n,
                                const struct vector_hit *hits, size_t count, size_t k)
{
    size_t dim = (size_t)vector_dim(set);
    bool *taken = calloc(n * 3 + 1, sizeof *taken);
    assert_int_equal(count, k < n ? k : n);
    for (size_t i = 0; i < count; i++) {
        double truth = exact_dot(vector_row(set, hits[i].id), query, dim);
        assert_true(fabs((double)hits[i].score - truth) < 1e-4 * (1 + fabs(truth)));
        assert_false(taken[hits[i].id]);
        taken[hits[i].id] = true;
        if (i > 0)
            assert_true(hits[i - 1].score > hits[i].score ||
                        (hits[i - 1].score == hits[i].score && hits[i - 1].id < hits[i].id));
    }
    for (size_t i = 0; i < n && count; i++) {
        int64_t id = (int64_t)i * 3 + 1;
        if (!taken[id]) {
            double truth = exact_dot(vector_row(set, id), query, dim);
            assert_true(truth < (double)hits[count - 1].score + 1e-4 * (1 + fabs(truth)));
        }
    }
    free(taken);
}

static void equals_brute_force(void **state)
{
    (void)state;
    static const struct {
        size_t dim, n, nq, k;
    } cases[] = {{1, 5, 1, 3},      {7, 300, 2, 10},      {32, 257, 3, 300}, {100, 2049, 5, 10},
                 {512, 700, 17, 7}, {640, 1025, 4, 1000}, {4096, 70, 33, 5}};
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
        cpu_level_force((enum cpu_level)level);
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            size_t dim = cases[c].dim, n = cases[c].n, nq = cases[c].nq, k = cases[c].k;
            struct vector_set *set = filled(dim, n, c + 1);
            float *queries = calloc(nq * dim, sizeof *queries);
            struct vector_hit *hits = calloc(nq * k, sizeof *hits);
            size_t *counts = calloc(nq, sizeof *counts);
            uint64_t seed = 99;
            random_query(&seed, queries, nq * dim);
            assert_int_equal(
                vector_search(set, queries, nq, k, NULL, NULL, NULL, hits, counts, NULL), 0);
            for (size_t q = 0; q < nq; q++)
                check_against_truth(set, queries + q * dim, n, hits + q * k, counts[q], k);
            free(queries);
            free(hits);
            free(counts);
            vector_free(set);
        }
    }
    cpu_level_force(cpu_level_max());
}

static void same_bits_with_any_pool_and_company(void **state)
{
    (void)state;
    enum { D = 96, N = 5000, NQ = 9, K = 50 };
    struct vector_set *set = filled(D, N, 7);
    float queries[NQ * D];
    static struct vector_hit alone[NQ * K], hits[NQ * K];
    size_t counts[NQ];
    uint64_t seed = 1;
    random_query(&seed, queries, NQ * D);
    for (size_t q = 0; q < NQ; q++)
        assert_int_equal(vector_search(set, queries + q * D, 1, K, NULL, NULL, NULL, alone + q * K,
                                       counts + q, NULL),
                         0);
    for (int threads = 1; threads <= 4; threads++) {
        struct pool *pool = pool_new(threads, NULL);
        assert_non_null(pool);
        memset(hits, 0, sizeof hits);
        assert_int_equal(vector_search(set, queries, NQ, K, NULL, NULL, pool, hits, counts, NULL),
                         0);
        for (size_t i = 0; i < NQ * K; i++) {
            assert_int_equal(hits[i].id, alone[i].id);
            assert_memory_equal(&hits[i].score, &alone[i].score, sizeof(float));
        }
        pool_free(pool);
    }
    vector_free(set);
}

static void ties_go_to_the_smaller_id(void **state)
{
    (void)state;
    enum { D = 16, N = 3000, K = 25 };
    struct vector_set *set = vector_new(D, NULL);
    struct pool *pool = pool_new(3, NULL);
    uint16_t row[D] = {0x3c00};
    /* Descending ids, all rows equal: the order of arrival would give the largest. */
    for (int64_t id = N; id > 0; id--)
        assert_int_equal(vector_add(set, id, row, NULL), 0);
    float query[D] = {0.5f};
    struct vector_hit hits[K];
    size_t count;
    assert_int_equal(vector_search(set, query, 1, K, NULL, NULL, pool, hits, &count, NULL), 0);
    assert_int_equal(count, K);
    for (int i = 0; i < K; i++) {
        assert_int_equal(hits[i].id, i + 1);
        assert_true(hits[i].score == 0.5f);
    }
    pool_free(pool);
    vector_free(set);
}

static int only_every_fourth(void *ctx, int64_t id)
{
    __atomic_fetch_add((size_t *)ctx, 1, __ATOMIC_RELAXED);
    return id % 4 == 0;
}

static void allow_filters_and_is_asked_rarely(void **state)
{
    (void)state;
    enum { D = 64, N = 6000, K = 10 };
    struct vector_set *set = filled(D, N, 11);
    struct pool *pool = pool_new(2, NULL);
    float query[D];
    static struct vector_hit all[N], hits[K];
    size_t count, n, asked = 0;
    uint64_t seed = 4;
    random_query(&seed, query, D);
    assert_int_equal(vector_search(set, query, 1, N, NULL, NULL, NULL, all, &n, NULL), 0);
    assert_int_equal(
        vector_search(set, query, 1, K, only_every_fourth, &asked, pool, hits, &count, NULL), 0);
    assert_int_equal(count, K);
    for (size_t i = 0, j = 0; i < n && j < K; i++)
        if (all[i].id % 4 == 0)
            assert_int_equal(hits[j++].id, all[i].id);
    assert_true(asked >= K && asked < N / 4); /* candidates that would enter, not every row */
    pool_free(pool);
    vector_free(set);
}

static int nothing(void *ctx, int64_t id)
{
    (void)ctx, (void)id;
    return 0;
}

static void empty_and_short_results(void **state)
{
    (void)state;
    struct vector_set *set = vector_new(3, NULL);
    float query[3] = {1, 2, 3};
    struct vector_hit hits[10];
    size_t count = 99;
    assert_int_equal(vector_search(set, query, 1, 10, NULL, NULL, NULL, hits, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(vector_search(set, query, 0, 10, NULL, NULL, NULL, hits, &count, NULL), 0);
    const uint16_t row[3] = {0x3c00, 0, 0};
    assert_int_equal(vector_add(set, 5, row, NULL), 0);
    assert_int_equal(vector_search(set, query, 1, 0, NULL, NULL, NULL, NULL, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(vector_search(set, query, 1, 10, NULL, NULL, NULL, hits, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_true(hits[0].score == 1.0f && hits[0].id == 5);
    assert_int_equal(vector_search(set, query, 1, 10, nothing, NULL, NULL, hits, &count, NULL), 0);
    assert_int_equal(count, 0);
    vector_free(set);
}

static void bad_queries_are_refused(void **state)
{
    (void)state;
    struct vector_set *set = filled(4, 10, 1);
    struct vector_hit hits[2];
    size_t counts[2];
    struct eye_err err;
    float queries[8] = {0, 1, 2, 3, 4, 5, NAN, 7};
    assert_int_equal(vector_search(set, queries, 2, 1, NULL, NULL, NULL, hits, counts, &err),
                     EYE_EINVAL);
    assert_non_null(strstr(err.msg, "query 1"));
    queries[6] = -INFINITY;
    assert_int_equal(vector_search(set, queries, 2, 1, NULL, NULL, NULL, hits, counts, NULL),
                     EYE_EINVAL);
    assert_int_equal(
        vector_search(set, queries, SIZE_MAX / 8, 1, NULL, NULL, NULL, hits, counts, &err),
        EYE_ENOMEM);
    vector_free(set);
}

static void replaced_and_removed_rows_are_searched_as_they_are_now(void **state)
{
    (void)state;
    struct vector_set *set = vector_new(2, NULL);
    const uint16_t x[2] = {0x3c00, 0}, y[2] = {0, 0x3c00};
    float query[2] = {1, 0};
    struct vector_hit hits[3];
    size_t count;
    vector_add(set, 1, x, NULL);
    vector_add(set, 2, y, NULL);
    vector_add(set, 3, x, NULL);
    vector_add(set, 1, y, NULL); /* replace */
    vector_remove(set, 2);       /* row of 3 moves */
    assert_int_equal(vector_search(set, query, 1, 3, NULL, NULL, NULL, hits, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_true(hits[0].id == 3 && hits[0].score == 1.0f);
    assert_true(hits[1].id == 1 && hits[1].score == 0.0f);
    vector_free(set);
}

struct reader {
    const struct vector_set *set;
    struct pool *pool;
    struct vector_hit hits[10];
};

static void *read_set(void *arg)
{
    struct reader *r = arg;
    float query[64];
    uint64_t seed = 8;
    size_t count;
    random_query(&seed, query, 64);
    for (int i = 0; i < 20; i++)
        if (vector_search(r->set, query, 1, 10, NULL, NULL, r->pool, r->hits, &count, NULL))
            return NULL;
    return r;
}

static void many_threads_may_search(void **state)
{
    (void)state;
    struct vector_set *set = filled(64, 3000, 21);
    struct pool *pool = pool_new(2, NULL);
    static struct reader readers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        readers[i] = (struct reader){.set = set, .pool = i % 2 ? pool : NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, read_set, &readers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *ok;
        pthread_join(threads[i], &ok);
        assert_non_null(ok);
        assert_int_equal(readers[i].hits[0].id, readers[0].hits[0].id);
        assert_true(readers[i].hits[9].score == readers[0].hits[9].score);
    }
    pool_free(pool);
    vector_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_brute_force),
        cmocka_unit_test(same_bits_with_any_pool_and_company),
        cmocka_unit_test(ties_go_to_the_smaller_id),
        cmocka_unit_test(allow_filters_and_is_asked_rarely),
        cmocka_unit_test(empty_and_short_results),
        cmocka_unit_test(bad_queries_are_refused),
        cmocka_unit_test(replaced_and_removed_rows_are_searched_as_they_are_now),
        cmocka_unit_test(many_threads_may_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
