/* vector.h - nearest neighbours among unit vectors: for now the exact scan of fp16 rows.
 *
 * A vector_set is built once and read by any number of threads; add/remove need the caller's
 * exclusive lock. The exact scan stays as the truth beside the quantised index (issue 3). */
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

/* Append; `row` is [dim] fp16. An id that is there already is replaced. A row with NaN or Inf: EYE_EINVAL. */
int vector_add(struct vector_set *set, int64_t id, const uint16_t *row, struct eye_err *err);
int vector_remove(struct vector_set *set, int64_t id);                /* EYE_ENOTFOUND */
const uint16_t *vector_row(const struct vector_set *set, int64_t id); /* borrowed; NULL if absent */

/* Length of a row [dim] fp16 (NULL: not wanted); EYE_EINVAL if it holds NaN or Inf. */
int vector_row_length(const uint16_t *row, size_t dim, double *length, struct eye_err *err);

/* The k best of each of nq queries [nq, dim], best first, ties by smaller id; hits: [nq, k], counts: [nq] (fewer than k when
 * the set is smaller). All queries share one pass over the rows. allow: NULL, or called for each candidate that would enter;
 * by several threads at once when there is a pool. A query with NaN or Inf: EYE_EINVAL. Results are the same bits with any pool. */
typedef int vector_allow_fn(void *ctx, int64_t id);
int vector_search(const struct vector_set *set, const float *queries, size_t nq, size_t k,
                  vector_allow_fn *allow, void *ctx, struct pool *pool, struct vector_hit *hits,
                  size_t *counts, struct eye_err *err);

#endif
