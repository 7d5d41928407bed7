/* measure.h - an index over made-up rows beside the exact answers: what the recall harness and the benchmark share. */
#ifndef TEST_RECALL_MEASURE_H
#define TEST_RECALL_MEASURE_H

#include <stdio.h>

#include "data.h"
#include "vector/vector.h"

enum { MEASURE_BATCH = 16, MEASURE_K_MAX = 512 };

static inline void measure_die(const char *what, const struct eye_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err->msg);
    exit(1);
}

/* ---- rows ---- */

struct measure_making {
    const struct data *d;
    uint64_t first;
    uint16_t *rows;
};

static inline void measure_make_row(void *ctx, size_t i, int worker)
{
    const struct measure_making *m = ctx;
    (void)worker;
    data_row(m->d, m->first + i, m->rows + i * m->d->dim);
}

/* Rows number first .. first + n, ids likewise. */
static inline struct vector_set *measure_rows(const struct data *d, uint64_t first, size_t n,
                                              struct pool *pool)
{
    enum { CHUNK = 1024 };
    struct eye_err err;
    struct vector_set *set = vector_new((int)d->dim, &err);
    uint16_t *rows = calloc(CHUNK * d->dim, sizeof *rows);
    if (!set || !rows)
        abort();
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t some = n - at < CHUNK ? n - at : CHUNK;
        struct measure_making m = {d, first + at, rows};
        pool_run(pool, some, measure_make_row, &m);
        for (size_t i = 0; i < some; i++)
            if (vector_add(set, (int64_t)(first + at + i), rows + i * d->dim, &err))
                measure_die("a row", &err);
    }
    free(rows);
    return set;
}

/* nq queries [nq, dim] */
static inline float *measure_queries(const struct data *d, size_t nq, bool text)
{
    float *queries = data_floats(nq * d->dim);
    for (size_t i = 0; i < nq; i++)
        data_query(d, i, text, queries + i * d->dim);
    return queries;
}

/* A vector_source: ctx is a vector_set. */
static inline int measure_source(void *ctx, const int64_t *ids, size_t n, uint16_t *out,
                                 bool *there, struct eye_err *err)
{
    const struct vector_set *set = ctx;
    size_t dim = (size_t)vector_dim(set);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        const uint16_t *row = vector_row(set, ids[i]);
        there[i] = row != NULL;
        if (row)
            memcpy(out + i * dim, row, dim * sizeof *out);
    }
    return 0;
}

/* ---- segments ---- */

static inline struct vector_spec measure_spec(size_t dim)
{
    struct vector_spec spec = {.dim = (int)dim};
    memset(spec.weights.bytes, 0x5e, sizeof spec.weights.bytes);
    return spec;
}

/* Of these rows; ids NULL: first .. first + n. */
static inline struct vector_segment *measure_segment(const struct vector_set *set,
                                                     const int64_t *ids, int64_t first, size_t n,
                                                     const char *path, struct pool *pool)
{
    struct eye_err err;
    struct vector_spec spec = measure_spec((size_t)vector_dim(set));
    struct vector_writer *w = vector_writer_new(path, &spec, NULL, pool, &err);
    uint64_t rows, bytes;
    if (!w)
        measure_die(path, &err);
    for (size_t i = 0; i < n; i++) {
        int64_t id = ids ? ids[i] : first + (int64_t)i;
        if (vector_writer_add(w, id, vector_row(set, id), &err))
            measure_die(path, &err);
    }
    if (vector_writer_finish(w, &rows, &bytes, &err))
        measure_die(path, &err);
    struct vector_segment *seg = vector_segment_open(path, &spec, rows, bytes, &err);
    if (!seg)
        measure_die(path, &err);
    return seg;
}

/* ---- answers ---- */

struct measure_hits {
    size_t nq, k;
    struct vector_hit *hits; /* [nq, k] */
    size_t *counts;          /* [nq] */
};

static inline void measure_hits_free(struct measure_hits *h)
{
    free(h->hits);
    free(h->counts);
}

static inline struct measure_hits measure_hits_new(size_t nq, size_t k)
{
    struct measure_hits h = {.nq = nq, .k = k, .hits = calloc(nq * k, sizeof *h.hits)};
    h.counts = calloc(nq, sizeof *h.counts);
    if (!h.hits || !h.counts)
        abort();
    return h;
}

static inline struct measure_hits measure_truth(const struct vector_set *set, const float *queries,
                                                size_t nq, size_t k, struct pool *pool)
{
    struct eye_err err;
    struct measure_hits h = measure_hits_new(nq, k);
    if (vector_search(set, queries, nq, k, NULL, pool, h.hits, h.counts, &err))
        measure_die("the exact search", &err);
    return h;
}

/* R 0: the default */
static inline struct measure_hits measure_search(const struct vector_index *ix,
                                                 const float *queries, size_t nq, size_t k,
                                                 size_t rescore, const struct vector_source *source,
                                                 struct pool *pool)
{
    struct eye_err err;
    struct measure_hits h = measure_hits_new(nq, k);
    size_t dim = (size_t)vector_index_dim(ix);
    for (size_t at = 0; at < nq; at += MEASURE_BATCH) {
        struct vector_ask asks[MEASURE_BATCH];
        size_t n = nq - at < MEASURE_BATCH ? nq - at : MEASURE_BATCH;
        for (size_t i = 0; i < n; i++)
            asks[i] = (struct vector_ask){.query = queries + (at + i) * dim,
                                          .k = k,
                                          .rescore = rescore,
                                          .hits = h.hits + (at + i) * k};
        if (vector_index_search(ix, asks, n, source, pool, &err))
            measure_die("a search", &err);
        for (size_t i = 0; i < n; i++)
            h.counts[at + i] = asks[i].count;
    }
    return h;
}

/* The share of the true ones that was found; a score that is not the true one to the bit counts as not found. */
static inline double measure_recall(const struct measure_hits *truth,
                                    const struct measure_hits *found)
{
    size_t there = 0, all = 0;
    for (size_t q = 0; q < truth->nq; q++)
        for (size_t i = 0; i < truth->counts[q]; i++) {
            const struct vector_hit *t = &truth->hits[q * truth->k + i];
            const struct vector_hit *f = &found->hits[q * found->k];
            all++;
            for (size_t j = 0; j < found->counts[q]; j++)
                there += f[j].id == t->id && f[j].score == t->score;
        }
    return all ? (double)there / (double)all : 1;
}

#endif
