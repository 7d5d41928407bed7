/* test_queue.c - order, waiting on both sides, closing; run it under TSan as well. */
#include "scratch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/queue.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static void test_first_in_first_out(void **state)
{
    (void)state;
    int items[7], put = 0, got = 0;
    struct queue *q = queue_new(3, NULL);
    assert_non_null(q);
    while (got < 7) { /* around the ring's end more than once */
        while (put < 7 && put - got < 3)
            assert_true(queue_push(q, &items[put++]));
        assert_ptr_equal(queue_pop(q), &items[got++]);
    }
    queue_free(q);
}

static void test_close_drains(void **state)
{
    (void)state;
    int a, b;
    bool timed_out = true;
    struct queue *q = queue_new(2, NULL);
    assert_true(queue_push(q, &a));
    assert_true(queue_push(q, &b));
    queue_close(q);
    queue_close(q);
    assert_false(queue_push(q, &a)); /* full and closed: no waiting */
    assert_ptr_equal(queue_pop(q), &a);
    assert_ptr_equal(queue_pop_wait(q, 10, &timed_out), &b);
    assert_false(timed_out);
    assert_null(queue_pop(q));
    timed_out = true;
    assert_null(queue_pop_wait(q, 1000, &timed_out));
    assert_false(timed_out);
    queue_free(q);
    queue_free(NULL);
}

static void test_pop_gives_up(void **state)
{
    (void)state;
    int a;
    bool timed_out = false;
    struct queue *q = queue_new(1, NULL);
    double start = now();
    assert_null(queue_pop_wait(q, 50, &timed_out));
    assert_true(timed_out);
    assert_true(now() - start >= 0.049 && now() - start < 5);
    assert_null(queue_pop_wait(q, 0, &timed_out));
    assert_true(timed_out);
    assert_true(queue_push(q, &a));
    assert_ptr_equal(queue_pop_wait(q, 0, &timed_out), &a);
    assert_false(timed_out);
    queue_free(q);
}

struct helper {
    struct queue *q;
    atomic_int state; /* 1: about to wait; 2: came back with something; 3: with nothing */
    int item;
};

static void *pop_one(void *arg)
{
    struct helper *h = arg;
    atomic_store(&h->state, 1);
    atomic_store(&h->state, queue_pop(h->q) ? 2 : 3);
    return NULL;
}

static void *push_one(void *arg)
{
    struct helper *h = arg;
    atomic_store(&h->state, 1);
    atomic_store(&h->state, queue_push(h->q, &h->item) ? 2 : 3);
    return NULL;
}

/* Starts `fn` and waits until it can only be waiting inside the queue. */
static pthread_t start_waiting(void *(*fn)(void *), struct helper *h)
{
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, fn, h), 0);
    while (atomic_load(&h->state) == 0)
        nap_ms(1);
    nap_ms(30);
    assert_int_equal(atomic_load(&h->state), 1);
    return t;
}

static void test_pop_waits_for_push(void **state)
{
    (void)state;
    struct helper h = {.q = queue_new(1, NULL)};
    pthread_t t = start_waiting(pop_one, &h);
    assert_true(queue_push(h.q, &h.item));
    pthread_join(t, NULL);
    assert_int_equal(h.state, 2);
    queue_free(h.q);
}

static void test_push_waits_for_pop(void **state)
{
    (void)state;
    struct helper h = {.q = queue_new(1, NULL)};
    int first;
    assert_true(queue_push(h.q, &first));
    pthread_t t = start_waiting(push_one, &h);
    assert_ptr_equal(queue_pop(h.q), &first);
    pthread_join(t, NULL);
    assert_int_equal(h.state, 2);
    assert_ptr_equal(queue_pop(h.q), &h.item);
    queue_free(h.q);
}

static void test_close_wakes_everybody(void **state)
{
    (void)state;
    struct helper pop[2] = {{.q = queue_new(1, NULL)}}, push[2] = {{.q = queue_new(1, NULL)}};
    pthread_t t[4];
    pop[1].q = pop[0].q;
    push[1].q = push[0].q;
    assert_true(queue_push(push[0].q, &pop[0]));
    for (int i = 0; i < 2; i++) {
        t[i] = start_waiting(pop_one, &pop[i]);
        t[2 + i] = start_waiting(push_one, &push[i]);
    }
    queue_close(pop[0].q);
    queue_close(push[0].q);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pop[i].state, 3);
        assert_int_equal(push[i].state, 3);
    }
    queue_free(pop[0].q);
    queue_free(push[0].q);
}

enum { PRODUCERS = 3, CONSUMERS = 3, EACH = 2000 };

struct traffic {
    struct queue *q;
    int items[PRODUCERS * EACH]; /* not atomic: the queue has to order these */
    atomic_int next_producer;
};

static void *produce(void *arg)
{
    struct traffic *t = arg;
    int me = atomic_fetch_add(&t->next_producer, 1);
    for (int i = 0; i < EACH; i++) {
        int *item = &t->items[me * EACH + i];
        *item = 1;
        if (!queue_push(t->q, item))
            return t;
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct traffic *t = arg;
    int *item;
    while ((item = queue_pop(t->q)))
        ++*item;
    return NULL;
}

static void test_traffic(void **state)
{
    (void)state;
    struct traffic *t = calloc(1, sizeof *t);
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    assert_non_null(t);
    t->q = queue_new(5, NULL);
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, t), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce, t), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        void *failed = NULL;
        pthread_join(producers[i], &failed);
        assert_null(failed);
    }
    queue_close(t->q);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i], NULL);
    for (int i = 0; i < PRODUCERS * EACH; i++)
        assert_int_equal(t->items[i], 2);
    queue_free(t->q);
    free(t);
}

static void test_bad_capacity(void **state)
{
    (void)state;
    struct eye_err e;
    assert_null(queue_new(0, &e));
    assert_int_equal(e.code, EYE_EINVAL);
    assert_null(queue_new(SIZE_MAX / 4, &e));
    assert_int_equal(e.code, EYE_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_close_drains),
        cmocka_unit_test(test_pop_gives_up),
        cmocka_unit_test(test_pop_waits_for_push),
        cmocka_unit_test(test_push_waits_for_pop),
        cmocka_unit_test(test_close_wakes_everybody),
        cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_bad_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
