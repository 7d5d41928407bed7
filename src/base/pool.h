/* pool.h - a fixed set of worker threads that share loops.
 *
 * One pool may be used by many threads, one loop at a time: a second caller
 * runs its loop alone on its own thread rather than waiting. The caller's
 * thread takes part. Workers spin briefly, then sleep on a futex, so an idle pool costs nothing
 * and a busy neighbour does not stall it (spinning pools collapse; research/perf.md 2). */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

struct pool;

/* nthreads >= 1, the caller included (1: no thread is made). */
struct pool *pool_new(int nthreads, struct eye_err *err);
void pool_free(struct pool *pool);
int pool_threads(const struct pool *pool); /* 1 for NULL */

/* fn(ctx, i, worker) for each i in [0, n), in any order, each once; returns when all
 * are done. worker in [0, pool_threads) tells scratch apart. pool may be NULL: runs here. */
typedef void pool_fn(void *ctx, size_t i, int worker);
void pool_run(struct pool *pool, size_t n, pool_fn *fn, void *ctx);

#endif
