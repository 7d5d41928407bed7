/* pool.c - worker threads that share loops.
 *
 * One word, `state`, tells whether the loop is open and how many workers are inside. A worker
 * joins by counting itself in while it is open; the caller, once the index has run out, closes it
 * and waits for those inside only. So a worker that the system has not scheduled (a busy
 * neighbour, fewer processors than threads) is never waited for: it finds the door closed.
 * A barrier that all threads must reach was the obvious way, and stalls in exactly that case.
 *
 * Waiting is the same on both sides: look for some 20 microseconds (loops of one matrix product
 * follow each other faster than a thread can be woken), then sleep on a futex. A futex wake is a
 * system call even when nobody sleeps, hence `sleepers` and CALLER_SLEEPS. */
#include "base/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define OPEN 0x80000000U          /* in state: workers may join */
#define CALLER_SLEEPS 0x40000000U /* in state: the last one out has to wake the caller */
#define SPIN_NS 20000
#define CACHE_LINE 64

struct worker {
    struct pool *pool;
    pthread_t thread;
    int number; /* 1.. ; the caller is 0 */
};

struct pool {
    /* Set before a loop opens, read only by those inside. */
    pool_fn *fn;
    void *ctx;
    size_t n;
    int nthreads, started;
    struct worker *workers; /* [nthreads - 1] */
    atomic_bool busy;       /* a caller owns the loop */
    atomic_bool stop;
    /* Apart, so that counting up one does not take the others' cache line away. */
    char pad0[CACHE_LINE];
    atomic_size_t next; /* the next index to hand out */
    char pad1[CACHE_LINE];
    _Atomic uint32_t state; /* OPEN | CALLER_SLEEPS | workers inside */
    char pad2[CACHE_LINE];
    _Atomic uint32_t epoch; /* changes when there is something new to look at */
    _Atomic uint32_t sleepers;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    syscall(SYS_futex, (void *)word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads)
{
    syscall(SYS_futex, (void *)word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Look at *word until it differs from `seen` or SPIN_NS are over; true if it differs. */
static bool spin_until_not(_Atomic uint32_t *word, uint32_t seen)
{
    int64_t end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 32; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != seen)
                return true;
            relax();
        }
    } while (now_ns() < end);
    return false;
}

static void take_indices(struct pool *p, int worker)
{
    size_t i;
    while ((i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < p->n)
        p->fn(p->ctx, i, worker);
}

static bool join_loop(struct pool *p)
{
    uint32_t s = atomic_load_explicit(&p->state, memory_order_relaxed);
    while (s & OPEN)
        if (atomic_compare_exchange_weak_explicit(&p->state, &s, s + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

static void leave_loop(struct pool *p)
{
    uint32_t before = atomic_fetch_sub_explicit(&p->state, 1, memory_order_release);
    if (before == (CALLER_SLEEPS | 1))
        futex_wake(&p->state, 1);
}

/* Sleeping and waking meet in two variables: this side counts itself a sleeper, then looks at
 * epoch (in the kernel); the other side changes epoch, then looks at sleepers. Both orders are
 * sequentially consistent, so at least one of them sees the other. */
static void wait_for_news(struct pool *p, uint32_t seen)
{
    if (spin_until_not(&p->epoch, seen))
        return;
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->epoch) == seen)
        futex_wait(&p->epoch, seen);
    atomic_fetch_sub(&p->sleepers, 1);
}

static void tell_news(struct pool *p, size_t threads)
{
    atomic_fetch_add(&p->epoch, 1);
    if (atomic_load(&p->sleepers) > 0)
        futex_wake(&p->epoch, (int)threads);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    for (;;) {
        uint32_t seen = atomic_load(&p->epoch);
        if (atomic_load(&p->stop))
            return NULL;
        if (join_loop(p)) {
            take_indices(p, w->number);
            leave_loop(p);
        }
        wait_for_news(p, seen);
    }
}

/* No more joining, then wait until everybody inside is out. */
static void close_loop(struct pool *p)
{
    uint32_t s = atomic_fetch_and_explicit(&p->state, ~OPEN, memory_order_acq_rel) & ~OPEN;
    int64_t end = 0;
    while (s != 0 && s != CALLER_SLEEPS) {
        int64_t now = now_ns();
        if (end == 0)
            end = now + SPIN_NS;
        if (now < end) {
            for (int i = 0; i < 32; i++)
                relax();
        } else if (s & CALLER_SLEEPS) {
            futex_wait(&p->state, s);
        } else {
            atomic_fetch_or_explicit(&p->state, CALLER_SLEEPS, memory_order_relaxed);
        }
        s = atomic_load_explicit(&p->state, memory_order_acquire);
    }
    atomic_store_explicit(&p->state, 0, memory_order_relaxed);
}

static void run_alone(size_t n, pool_fn *fn, void *ctx)
{
    for (size_t i = 0; i < n; i++)
        fn(ctx, i, 0);
}

void pool_run(struct pool *pool, size_t n, pool_fn *fn, void *ctx)
{
    if (!pool || pool->nthreads == 1 || n < 2 ||
        atomic_exchange_explicit(&pool->busy, true, memory_order_acquire)) {
        run_alone(n, fn, ctx);
        return;
    }
    pool->fn = fn;
    pool->ctx = ctx;
    pool->n = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->state, OPEN, memory_order_release);
    size_t others = (size_t)pool->nthreads - 1;
    tell_news(pool, n - 1 < others ? n - 1 : others);
    take_indices(pool, 0);
    close_loop(pool);
    atomic_store_explicit(&pool->busy, false, memory_order_release);
}

/* Signals belong to the program's own threads: workers block them all. */
static int start_workers(struct pool *p, struct eye_err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = 0;
    for (int i = 0; i < p->nthreads - 1 && rc == 0; i++) {
        p->workers[i] = (struct worker){.pool = p, .number = i + 1};
        rc = pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]);
        if (rc == 0)
            p->started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return eye_fail_errno(err, rc, "cannot start thread %d of %d", p->started + 2, p->nthreads);
    return 0;
}

struct pool *pool_new(int nthreads, struct eye_err *err)
{
    if (nthreads < 1) {
        eye_fail(err, EYE_EINVAL, "a pool of %d threads makes no sense", nthreads);
        return NULL;
    }
    struct pool *p = mem_calloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    p->nthreads = nthreads;
    p->workers = mem_calloc((size_t)nthreads - 1, sizeof *p->workers, err);
    if (!p->workers || start_workers(p, err)) {
        pool_free(p);
        return NULL;
    }
    return p;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->stop, true);
    tell_news(pool, (size_t)pool->nthreads);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free(pool->workers);
    free(pool);
}

int pool_threads(const struct pool *pool)
{
    return pool ? pool->nthreads : 1;
}
