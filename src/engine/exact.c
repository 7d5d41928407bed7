/* exact.c - every vector compared in full, read from the store some thousand at a time.
 *
 * What `exact` asks for, and what answers when the index cannot: memory is the same for any size of a library, and nothing but SQLite has
 * to be whole. Slow with millions (a second a million), and right. With a filter only the vectors that pass are read.
 *
 * Everything is of one moment, for who asks holds the store where it is (store_read_begin). */
#include "engine/index.h"

enum { PIECE_BYTES = 16 << 20, PIECE_MAX = 16384 };

struct exact {
    struct store *store;
    int64_t model;
    int dim;
    const struct eng_rank *rank;
    struct pool *pool;
    size_t piece; /* rows */
    int64_t *ids;
    uint16_t *rows;
    bool *there;
    struct vector_hit *hits, *merged; /* [most k] */
};

static int init(struct exact *e, struct eye_err *err)
{
    size_t k = 1, row = (size_t)e->dim * sizeof(uint16_t);
    for (size_t i = 0; i < e->rank->n; i++) {
        e->rank->asks[i].count = 0;
        k = e->rank->asks[i].k > k ? e->rank->asks[i].k : k;
    }
    e->piece = PIECE_BYTES / row < PIECE_MAX ? PIECE_BYTES / row : PIECE_MAX;
    e->ids = mem_calloc(e->piece, sizeof *e->ids, err);
    e->rows = e->ids ? mem_calloc(e->piece, row, err) : NULL;
    e->there = e->rows ? mem_calloc(e->piece, sizeof *e->there, err) : NULL;
    e->hits = e->there ? mem_calloc(k < e->piece ? k : e->piece, sizeof *e->hits, err) : NULL;
    e->merged = e->hits ? mem_calloc(k, sizeof *e->merged, err) : NULL;
    return e->merged ? 0 : EYE_ENOMEM;
}

static bool is_better(const struct vector_hit *a, const struct vector_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

/* The best k of what there was and of hits [n]. */
static void merge(const struct exact *e, struct vector_ask *ask, size_t n)
{
    size_t i = 0, j = 0, out = 0;
    while (out < ask->k && (i < ask->count || j < n)) {
        bool old = j == n || (i < ask->count && is_better(&ask->hits[i], &e->hits[j]));
        e->merged[out++] = old ? ask->hits[i++] : e->hits[j++];
    }
    memcpy(ask->hits, e->merged, out * sizeof *e->merged);
    ask->count = out;
}

/* e->ids, e->rows [n], those that are there */
static int search_piece(const struct exact *e, size_t n, struct eye_err *err)
{
    struct vector_set *set = vector_new(e->dim, err);
    int rc = set ? 0 : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (e->there[i]) {
            rc = vector_add(set, e->ids[i], e->rows + i * (size_t)e->dim, err);
        }
    }
    for (size_t i = 0; rc == 0 && i < e->rank->n; i++) {
        struct vector_ask *ask = &e->rank->asks[i];
        struct vector_scope scope = {NULL, ask->after};
        size_t found = 0, k = ask->k < e->piece ? ask->k : e->piece;
        rc = k ? vector_search(set, ask->query, 1, k, &scope, e->pool, e->hits, &found, err) : 0;
        if (rc == 0) {
            merge(e, ask, found);
        }
    }
    vector_free(set);
    return rc;
}

static int search_all(const struct exact *e, struct eye_err *err)
{
    int rc = 0;
    size_t n = e->piece;
    int64_t after = 0;
    memset(e->there, true, e->piece * sizeof *e->there);
    while (rc == 0 && n == e->piece) {
        rc = store_vectors_after(e->store, e->model, e->dim, after, e->ids, e->rows, e->piece, &n,
                                 err);
        rc = rc < 0 ? rc : search_piece(e, n, err);
        after = n ? e->ids[n - 1] : after;
    }
    return rc;
}

static int search_some(const struct exact *e, struct eye_err *err)
{
    const struct eng_rank *r = e->rank;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < r->nids; at += e->piece) {
        size_t n = r->nids - at < e->piece ? r->nids - at : e->piece;
        memcpy(e->ids, r->ids + at, n * sizeof *e->ids);
        rc = store_vector_rows(e->store, e->model, e->dim, e->ids, n, e->rows, e->there, err);
        rc = rc < 0 ? rc : search_piece(e, n, err);
    }
    return rc;
}

int eng_exact(struct store *s, int64_t model, int dim, const struct eng_rank *rank,
              struct pool *pool, struct eye_err *err)
{
    struct exact e = {.store = s, .model = model, .dim = dim, .rank = rank, .pool = pool};
    int rc = init(&e, err);
    if (rc == 0) {
        rc = rank->ids ? search_some(&e, err) : search_all(&e, err);
    }
    free(e.ids);
    free(e.rows);
    free(e.there);
    free(e.hits);
    free(e.merged);
    return rc;
}
