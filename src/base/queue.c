/* queue.c - a ring of pointers under one mutex.
 *
 * What passes through are pictures and batches, thousands a second at most; a lock-free ring
 * would save microseconds nobody has to spare, and could not sleep. */
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t has_item, has_room;
    bool closed;
    size_t capacity, head, count;
    void **items; /* [capacity], `count` of them from `head` on, around the end */
};

/* Waits with a limit are measured on the clock that nobody can set. */
static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

struct queue *queue_new(size_t capacity, struct eye_err *err)
{
    if (capacity == 0) {
        eye_fail(err, EYE_EINVAL, "a queue needs room for one item at least");
        return NULL;
    }
    struct queue *q = mem_calloc(1, sizeof *q, err);
    if (!q)
        return NULL;
    q->capacity = capacity;
    q->items = mem_calloc(capacity, sizeof *q->items, err);
    if (!q->items) {
        free(q);
        return NULL;
    }
    pthread_mutex_init(&q->lock, NULL);
    cond_init(&q->has_item);
    cond_init(&q->has_room);
    return q;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->has_room);
    pthread_cond_destroy(&q->has_item);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
}

bool queue_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == q->capacity)
        pthread_cond_wait(&q->has_room, &q->lock);
    bool open = !q->closed;
    if (open) {
        q->items[(q->head + q->count) % q->capacity] = item;
        q->count++;
        pthread_cond_signal(&q->has_item);
    }
    pthread_mutex_unlock(&q->lock);
    return open;
}

/* The oldest item, or NULL when there is none. Under the lock. */
static void *take(struct queue *q)
{
    if (q->count == 0)
        return NULL;
    void *item = q->items[q->head];
    q->head = (q->head + 1) % q->capacity;
    q->count--;
    pthread_cond_signal(&q->has_room);
    return item;
}

void *queue_pop(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == 0)
        pthread_cond_wait(&q->has_item, &q->lock);
    void *item = take(q);
    pthread_mutex_unlock(&q->lock);
    return item;
}

static struct timespec deadline_in(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    long ns = t.tv_nsec + (long)(ms % 1000) * 1000000L;
    t.tv_sec += ms / 1000 + ns / 1000000000L;
    t.tv_nsec = ns % 1000000000L;
    return t;
}

void *queue_pop_wait(struct queue *q, int ms, bool *timed_out)
{
    struct timespec deadline = deadline_in(ms > 0 ? ms : 0);
    int rc = 0;
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == 0 && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&q->has_item, &q->lock, &deadline);
    *timed_out = !q->closed && q->count == 0;
    void *item = take(q);
    pthread_mutex_unlock(&q->lock);
    return item;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->has_item);
    pthread_cond_broadcast(&q->has_room);
    pthread_mutex_unlock(&q->lock);
}
