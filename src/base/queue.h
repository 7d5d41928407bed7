/* queue.h - a bounded queue of pointers between threads (mutex + condition variables). */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct queue;

struct queue *queue_new(size_t capacity, struct eye_err *err);
void queue_free(struct queue *q); /* items still inside are not freed */

/* Wait for room, then append. False when the queue was closed: the item stays yours. */
bool queue_push(struct queue *q, void *item);

/* Wait for an item. NULL when the queue is closed and empty. */
void *queue_pop(struct queue *q);

/* Like queue_pop but gives up after `ms` milliseconds: NULL and *timed_out = true. */
void *queue_pop_wait(struct queue *q, int ms, bool *timed_out);

/* No more pushes; pops drain what is left, then return NULL. Any thread, any number of times. */
void queue_close(struct queue *q);

#endif
