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
            assert_int_equal(vector_search(set, queries, nq, k, NULL, NULL, hits, counts, NULL), 0);
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
        assert_int_equal(
            vector_search(set, queries + q * D, 1, K, NULL, NULL, alone + q * K, counts + q, NULL),
            0);
    for (int threads = 1; threads <= 4; threads++) {
        struct pool *pool = pool_new(threads, NULL);
        assert_non_null(pool);
        memset(hits, 0, sizeof hits);
        assert_int_equal(vector_search(set, queries, NQ, K, NULL, pool, hits, counts, NULL), 0);
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
    for (int64_t id = 1; id <= N; id++)
        assert_int_equal(vector_add(set, id, row, NULL), 0);
    float query[D] = {0.5f};
    struct vector_hit hits[K];
    size_t count;
    assert_int_equal(vector_search(set, query, 1, K, NULL, pool, hits, &count, NULL), 0);
    assert_int_equal(count, K);
    for (int i = 0; i < K; i++) {
        assert_int_equal(hits[i].id, i + 1);
        assert_true(hits[i].score == 0.5f);
    }
    pool_free(pool);
    vector_free(set);
}

/* Everything in order, then only what is marked and comes after a hit: the same as a search within the scope, to the bit. */
static void check_scope(const struct vector_set *set, const float *query, struct pool *pool,
                        const struct vector_hit *all, size_t n, const int64_t *ids, size_t nids,
                        size_t skip, size_t k)
{
    struct vector_hit *hits = calloc(k, sizeof *hits);
    uint64_t *mask = vector_mask(set, ids, nids, NULL);
    bool *wanted = calloc(20000, sizeof *wanted);
    struct vector_scope scope = {mask, skip ? &all[skip - 1] : NULL};
    size_t count = 99, at = 0;
    for (size_t i = 0; i < nids; i++)
        wanted[ids[i]] = true;
    assert_int_equal(vector_search(set, query, 1, k, &scope, pool, hits, &count, NULL), 0);
    for (size_t i = skip; i < n && at < k; i++) {
        if (wanted[all[i].id]) {
            assert_true(at < count);
            assert_int_equal(hits[at].id, all[i].id);
            assert_memory_equal(&hits[at].score, &all[i].score, sizeof(float));
            at++;
        }
    }
    assert_int_equal(count, at);
    free(wanted);
    free(mask);
    free(hits);
}

static void a_scope_is_exact(void **state)
{
    (void)state;
    enum { D = 64, N = 6001, K = 40 };
    static const unsigned shares[] = {0, 1, 10, 50, 99, 100};
    static struct vector_hit all[N];
    static int64_t ids[N];
    struct vector_set *set = filled(D, N, 11);
    struct pool *pool = pool_new(2, NULL);
    float query[D];
    uint64_t seed = 4;
    size_t n;
    random_query(&seed, query, D);
    for (int level = CPU_PORTABLE; level <= (int)cpu_level_max(); level++) {
        cpu_level_force((enum cpu_level)level);
        assert_int_equal(vector_search(set, query, 1, N, NULL, NULL, all, &n, NULL), 0);
        assert_int_equal(n, N);
        for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
            size_t nids = 0;
            for (int64_t i = 0; i < N; i++)
                if (next_random(&seed) % 100 < shares[s])
                    ids[nids++] = i * 3 + 1;
            check_scope(set, query, pool, all, N, ids, nids, 0, K);
            check_scope(set, query, NULL, all, N, ids, nids, 1, K);
            check_scope(set, query, pool, all, N, ids, nids, 2345, N);
            check_scope(set, query, pool, all, N, ids, nids, N, K);
        }
    }
    cpu_level_force(cpu_level_max());
    pool_free(pool);
    vector_free(set);
}

static void a_mask_of_all_rows_less_some(void **state)
{
    (void)state;
    enum { D = 8, N = 130 };
    static struct vector_hit hits[N];
    struct vector_set *set = filled(D, N, 3);
    float query[D];
    uint64_t seed = 4, *mask = vector_mask(set, NULL, 0, NULL);
    size_t n;
    random_query(&seed, query, D);
    vector_mask_drop(set, mask, 1);
    vector_mask_drop(set, mask, (N - 1) * 3 + 1);
    vector_mask_drop(set, mask, 2); /* is not there */
    struct vector_scope scope = {mask, NULL};
    assert_int_equal(vector_search(set, query, 1, N, &scope, NULL, hits, &n, NULL), 0);
    assert_int_equal(n, N - 2);
    for (size_t i = 0; i < n; i++)
        assert_true(hits[i].id != 1 && hits[i].id != (N - 1) * 3 + 1);
    free(mask);
    const int64_t strangers[] = {-5, 0, 2, 3, 99999};
    mask = vector_mask(set, strangers, 5, NULL);
    scope.mask = mask;
    assert_int_equal(vector_search(set, query, 1, N, &scope, NULL, hits, &n, NULL), 0);
    assert_int_equal(n, 0);
    free(mask);
    vector_free(set);
}

static void empty_and_short_results(void **state)
{
    (void)state;
    struct vector_set *set = vector_new(3, NULL);
    float query[3] = {1, 2, 3};
    struct vector_hit hits[10];
    size_t count = 99;
    assert_int_equal(vector_search(set, query, 1, 10, NULL, NULL, hits, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(vector_search(set, query, 0, 10, NULL, NULL, hits, &count, NULL), 0);
    const uint16_t row[3] = {0x3c00, 0, 0};
    assert_int_equal(vector_add(set, 5, row, NULL), 0);
    assert_int_equal(vector_search(set, query, 1, 0, NULL, NULL, NULL, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(vector_search(set, query, 1, 10, NULL, NULL, hits, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_true(hits[0].score == 1.0f && hits[0].id == 5);
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
    assert_int_equal(vector_search(set, queries, 2, 1, NULL, NULL, hits, counts, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "query 1"));
    queries[6] = -INFINITY;
    assert_int_equal(vector_search(set, queries, 2, 1, NULL, NULL, hits, counts, NULL), EYE_EINVAL);
    assert_int_equal(vector_search(set, queries, SIZE_MAX / 8, 1, NULL, NULL, hits, counts, &err),
                     EYE_ENOMEM);
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
        if (vector_search(r->set, query, 1, 10, NULL, r->pool, r->hits, &count, NULL))
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
        cmocka_unit_test(a_scope_is_exact),
        cmocka_unit_test(a_mask_of_all_rows_less_some),
        cmocka_unit_test(empty_and_short_results),
        cmocka_unit_test(bad_queries_are_refused),
        cmocka_unit_test(many_threads_may_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
