/* vector.h - nearest neighbours among unit vectors: for now the exact scan of fp16 rows.
 *
 * A vector_set is read by any number of threads; adding to it needs it alone. A fork shares the rows: adding to one of a
 * family needs a lock among those who add, but readers of the others may go on. The exact scan stays as the truth beside a
 * quantised index (issue 3). */
#ifndef VECTOR_VECTOR_H
#define VECTOR_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"

struct vector_set;

struct vector_hit {
    int64_t id;
    float score; /* dot product = cosine, in [-1, 1] up to rounding */
};

struct vector_set *vector_new(int dim, struct eye_err *err); /* dim 1..4096 */
void vector_free(struct vector_set *set);
int vector_dim(const struct vector_set *set);
size_t vector_count(const struct vector_set *set);
size_t vector_bytes(const struct vector_set *set);

/* The same rows, to be added to; costs some bytes a thousand rows. */
struct vector_set *vector_fork(const struct vector_set *set, struct eye_err *err);
/* Append; `row` is [dim] fp16. EYE_EINVAL: an id not larger than the last one, or a row with NaN or Inf. */
int vector_add(struct vector_set *set, int64_t id, const uint16_t *row, struct eye_err *err);
int64_t vector_last(const struct vector_set *set); /* the largest id; INT64_MIN: empty */
const uint16_t *vector_row(const struct vector_set *set, int64_t id); /* borrowed; NULL if absent */

/* Length of a row [dim] fp16 (NULL: not wanted); EYE_EINVAL if it holds NaN or Inf. */
int vector_row_length(const uint16_t *row, size_t dim, double *length, struct eye_err *err);

/* A bit a row: which ones a search may find. Good for the one set it was made for; free() it. */
/* The rows of these ids, ascending; ids that the set has not are passed over. ids NULL: all rows. */
uint64_t *vector_mask(const struct vector_set *set, const int64_t *ids, size_t n,
                      struct eye_err *err);
void vector_mask_drop(const struct vector_set *set, uint64_t *mask, int64_t id);

struct vector_scope {
    const uint64_t *mask; /* NULL: all rows */
    const struct vector_hit
        *after; /* only what comes after this one in the order of results; NULL: all */
};

/* The k best of each of nq queries [nq, dim], best first, ties by smaller id; hits: [nq, k], counts: [nq] (fewer than k when
 * there are no more). All queries share one pass over the rows. scope: NULL, or what may be found: exactly what a search of
 * everything gives, without the rest, and rows that are not marked cost next to nothing. A query with NaN or Inf: EYE_EINVAL.
 * Results are the same bits with any pool and any scope. */
int vector_search(const struct vector_set *set, const float *queries, size_t nq, size_t k,
                  const struct vector_scope *scope, struct pool *pool, struct vector_hit *hits,
                  size_t *counts, struct eye_err *err);

#endif
