/* test_pool.c - every index once, whatever the threads do; run it under TSan as well. */
#include "scratch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/pool.h"

enum { MAX_N = 1000 };

struct tally {
    struct pool *pool;
    atomic_int hits[MAX_N];
    int plain[MAX_N]; /* written without atomics: TSan sees a missing happens-before */
    atomic_int bad_worker;
};

static void count(void *ctx, size_t i, int worker)
{
    struct tally *t = ctx;
    atomic_fetch_add_explicit(&t->hits[i], 1, memory_order_relaxed);
    t->plain[i] += worker + 1;
    if (worker < 0 || worker >= pool_threads(t->pool))
        atomic_store(&t->bad_worker, 1);
}

static void run_and_check(struct pool *pool, size_t n)
{
    struct tally *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->pool = pool;
    pool_run(pool, n, count, t);
    for (size_t i = 0; i < MAX_N; i++) {
        assert_int_equal(atomic_load_explicit(&t->hits[i], memory_order_relaxed), i < n);
        assert_true((t->plain[i] > 0) == (i < n));
    }
    assert_int_equal(t->bad_worker, 0);
    free(t);
}

static void nap(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static void test_each_index_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 64, MAX_N};
    for (int threads = 1; threads <= 9; threads += 2) {
        struct pool *pool = pool_new(threads, NULL);
        assert_non_null(pool);
        assert_int_equal(pool_threads(pool), threads);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            run_and_check(pool, sizes[s]);
        pool_free(pool);
    }
}

static void test_null_pool_runs_here(void **state)
{
    (void)state;
    assert_int_equal(pool_threads(NULL), 1);
    run_and_check(NULL, 10);
    pool_free(NULL);
}

/* Loops that follow at once (workers spin), after a while (workers sleep), and in between. */
static void test_many_loops(void **state)
{
    (void)state;
    struct pool *pool = pool_new(4, NULL);
    assert_non_null(pool);
    for (int i = 0; i < 3000; i++) {
        run_and_check(pool, (size_t)(i % 9));
        if (i % 10 == 0)
            nap(i % 50);
    }
    pool_free(pool);
}

/* Nobody gets out before all are in: passes only if as many threads work at once. */
struct meeting {
    atomic_int inside;
    int want;
    atomic_bool failed;
};

static void meet(void *ctx, size_t i, int worker)
{
    (void)i, (void)worker;
    struct meeting *m = ctx;
    atomic_fetch_add(&m->inside, 1);
    for (int ms = 0; atomic_load(&m->inside) < m->want; ms++) {
        if (ms > 20000) {
            atomic_store(&m->failed, true);
            return;
        }
        nap(1000);
    }
}

static void test_workers_really_help(void **state)
{
    (void)state;
    struct pool *pool = pool_new(4, NULL);
    assert_non_null(pool);
    for (int round = 0; round < 3; round++) {
        struct meeting m = {.want = 4};
        nap(2000); /* let them fall asleep */
        pool_run(pool, 4, meet, &m);
        assert_false(m.failed);
    }
    pool_free(pool);
}

static void *second_caller(void *arg)
{
    for (int i = 0; i < 300; i++)
        run_and_check(arg, 50);
    return NULL;
}

static void test_several_callers(void **state)
{
    (void)state;
    struct pool *pool = pool_new(3, NULL);
    assert_non_null(pool);
    pthread_t callers[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, second_caller, pool), 0);
    second_caller(pool);
    for (int i = 0; i < 3; i++)
        pthread_join(callers[i], NULL);
    pool_free(pool);
}

static void nested(void *ctx, size_t i, int worker)
{
    (void)i, (void)worker;
    run_and_check(ctx, 20);
}

static void test_loop_inside_a_loop(void **state)
{
    (void)state;
    struct pool *pool = pool_new(3, NULL);
    assert_non_null(pool);
    pool_run(pool, 10, nested, pool);
    pool_free(pool);
}

/* A worker that is stuck inside one item must not keep the others' items from being done. */
static void test_slow_item(void **state)
{
    (void)state;
    struct pool *pool = pool_new(2, NULL);
    assert_non_null(pool);
    for (int i = 0; i < 20; i++) {
        struct meeting m = {.want = 2};
        pool_run(pool, 2, meet, &m);
        assert_int_equal(m.inside, 2);
        assert_false(m.failed);
    }
    pool_free(pool);
}

static void test_idle_pool_costs_nothing(void **state)
{
    (void)state;
    struct pool *pool = pool_new(8, NULL);
    assert_non_null(pool);
    run_and_check(pool, 100);
    nap(20000);
    clock_t before = clock();
    nap(300000);
    assert_true(clock() - before < CLOCKS_PER_SEC / 20);
    pool_free(pool);
}

static void test_bad_count(void **state)
{
    (void)state;
    struct eye_err e;
    assert_null(pool_new(0, &e));
    assert_int_equal(e.code, EYE_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_index_once), cmocka_unit_test(test_null_pool_runs_here),
        cmocka_unit_test(test_many_loops),      cmocka_unit_test(test_workers_really_help),
        cmocka_unit_test(test_several_callers), cmocka_unit_test(test_loop_inside_a_loop),
        cmocka_unit_test(test_slow_item),       cmocka_unit_test(test_idle_pool_costs_nothing),
        cmocka_unit_test(test_bad_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
