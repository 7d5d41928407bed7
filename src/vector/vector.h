/* vector.h - nearest neighbours among unit vectors: an exact scan, and a flat quantised index over immutable segments.
 *
 * vector_set: fp16 rows in memory, scanned exactly. It is what a small library is searched with, the index's tail, and the truth that
 * the index is measured against. Read by any number of threads; adding to it needs it alone. A fork shares the rows: adding to one of a
 * family needs a lock among those who add, but readers of the others may go on.
 *
 * vector_segment: one file of quantised rows, written once and never changed; counted, shared by snapshots, any thread.
 *
 * vector_index: a snapshot: segments with a live bit a row, and a tail (a vector_set) of what is in no segment yet. Searched by any
 * number of threads; only its maker changes it, before others see it. fork, change, publish. */
#ifndef VECTOR_VECTOR_H
#define VECTOR_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
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

/* ---- segments (segment*.c) ---- */

/* What a segment must have been made for. The seed of the rotation follows from these. */
struct vector_spec {
    int dim;             /* 64..2048 */
    struct hash weights; /* fingerprint of the model */
};

struct vector_segment;

/* Write a segment to `path` (must not exist) row by row, ids ascending; rows are encoded on the pool in chunks. finish makes it durable
 * (fsync of file and folder). abort, and any failure, removes the file. mean: [dim], near the mean of the rows; NULL: it is
 * taken from the first chunk. */
struct vector_writer;
struct vector_writer *vector_writer_new(const char *path, const struct vector_spec *spec,
                                        const float *mean, struct pool *pool, struct eye_err *err);
int vector_writer_add(struct vector_writer *w, int64_t id, const uint16_t *row,
                      struct eye_err *err);
int vector_writer_finish(struct vector_writer *w, uint64_t *rows, uint64_t *bytes,
                         struct eye_err *err);     /* frees w */
void vector_writer_abort(struct vector_writer *w); /* frees w; NULL is fine */

/* Read codes and ids into memory, checking every CRC of them; int8 rows stay in the file, each checked when it is read.
 * EYE_EFORMAT: not ours, damaged, cut short, of another model, dim, seed or layout; EYE_ENOTFOUND: no such file. NULL on error. */
struct vector_segment *vector_segment_open(const char *path, const struct vector_spec *spec,
                                           uint64_t rows, uint64_t bytes, struct eye_err *err);
struct vector_segment *vector_segment_ref(struct vector_segment *seg);
void vector_segment_unref(struct vector_segment *seg); /* NULL is fine */
size_t vector_segment_rows(const struct vector_segment *seg);
size_t vector_segment_memory(const struct vector_segment *seg); /* bytes resident */
const int64_t *
vector_segment_ids(const struct vector_segment *seg); /* [rows] ascending; borrowed */
/* Read everything of the file again and check it (verify --deep): EYE_EFORMAT says what is wrong. */
int vector_segment_verify(const struct vector_segment *seg, struct eye_err *err);

/* ---- the index (index*.c) ---- */

struct vector_index;

struct vector_index *vector_index_new(const struct vector_spec *spec, struct eye_err *err);
struct vector_index *vector_index_fork(const struct vector_index *ix, struct eye_err *err);
void vector_index_free(struct vector_index *ix);
/* Its rows are all live then. Takes a reference of its own. */
int vector_index_attach(struct vector_index *ix, struct vector_segment *seg, struct eye_err *err);
/* The picture's row is no longer to be found, wherever it is; fine if there is none. */
int vector_index_drop(struct vector_index *ix, int64_t id, struct eye_err *err);
/* Into the tail, in any order of ids; a live row of the same id is dropped first. */
int vector_index_put(struct vector_index *ix, int64_t id, const uint16_t *row, struct eye_err *err);

int vector_index_dim(const struct vector_index *ix);
size_t vector_index_live(const struct vector_index *ix);   /* rows that can be found */
size_t vector_index_rows(const struct vector_index *ix);   /* dead ones too */
size_t vector_index_tail(const struct vector_index *ix);   /* live rows of the tail */
size_t vector_index_memory(const struct vector_index *ix); /* bytes resident, all of it */
size_t vector_index_segments(const struct vector_index *ix);
/* Segment i in order of attaching: rows in it, and how many live. */
struct vector_segment *vector_index_segment(const struct vector_index *ix, size_t i, size_t *live);
bool vector_index_has(const struct vector_index *ix, int64_t id);
/* Live ids of segment i (i == segments: of the tail), ascending; yours. */
int vector_index_ids(const struct vector_index *ix, size_t i, int64_t **ids, size_t *n,
                     struct eye_err *err);

/* A bit a row of this snapshot (segments, then tail): those of the ids [n] ascending that are live. free() it. */
uint64_t *vector_index_mask(const struct vector_index *ix, const int64_t *ids, size_t n,
                            size_t *passed, struct eye_err *err);

/* Where fp16 rows come from: out [n, dim], there [n]: false where the store has no such vector any more. ids ascend.
 * Called only on the thread that searches. */
struct vector_source {
    int (*rows)(void *ctx, const int64_t *ids, size_t n, uint16_t *out, bool *there,
                struct eye_err *err);
    void *ctx;
};

/* One query of a shared scan. Results are what vector_search of all live rows would give (same scores to the bit),
 * exactly if nothing but the tail or at most VECTOR_EXACT_ROWS rows pass the mask; else with the recall of docs/PERFORMANCE.md. */
struct vector_ask {
    const float *query; /* [dim] */
    size_t k;
    const uint64_t *mask; /* of vector_index_mask; NULL: all live rows */
    size_t passed;        /* bits of the mask */
    const struct vector_hit
        *after;              /* only what comes after it in the order of results; NULL: all */
    size_t depth;            /* how many results came before: so many more are looked at */
    size_t rescore;          /* R; 0: vector_rescore(rows, depth + k, dim) */
    struct vector_hit *hits; /* [k] */
    size_t count;            /* out */
};
enum { VECTOR_EXACT_ROWS = 1000000 };

/* Candidates that are rescored for the k best of n rows: chosen for recall@10 >= 0.99 (bench/recall, docs/PERFORMANCE.md). */
size_t vector_rescore(size_t n, size_t k, int dim);

/* All asks [n] share one pass over the codes. EYE_EINVAL: NaN or Inf in a query. EYE_EFORMAT: a segment's file is damaged or cannot be read:
 * the answer is not to be used, the segment is to be made anew. */
int vector_index_search(const struct vector_index *ix, struct vector_ask *asks, size_t n,
                        const struct vector_source *source, struct pool *pool, struct eye_err *err);

#endif
