/* milvus_find.h - what the files that answer questions on a Milvus server share: filters, searches, the newest.
 *
 * milvus_scope.c: a tree of filters made ready for a server, and asked of rows. milvus_where.c: all that pass. milvus_search.c: the best of them.
 * milvus_vectors.c: their vectors. milvus_newest.c: the newest of them. milvus_index.c: what searches go through. */
#ifndef STORE_MILVUS_FIND_H
#define STORE_MILVUS_FIND_H

#include "store/milvus.h"
#include "store/milvus_expr.h"
#include "store/milvus_index.h"
#include "vector/vector.h"

/* A library on a server, as questions see it. All borrowed. */
struct milvus_finder {
    struct milvus *m;
    int dim;
    const struct store_root *roots;
    size_t nroots;
    bool no_files;             /* their collection is not made yet */
    struct milvus_index index; /* for searches */
};

/* ---- milvus_scope.c ---- */

struct milvus_scope {
    const struct milvus_finder *f;
    const struct store_where *where; /* NULL: all */
    bool like;                       /* the server knows LIKE "%x%" */
    struct milvus_leaf *leaves;
    uint64_t *counts; /* [nleaves] rows of files that its expression lets pass */
    size_t nleaves;
    struct milvus_expr expr; /* of pictures: what may pass */
    bool said;               /* all that is asked of pictures themselves is in expr */
};

/* Leaves that let at most `few` files pass become sets of ids at once. Release it also after a failure. */
int milvus_scope_open(struct milvus_scope *s, const struct milvus_finder *f,
                      const struct store_where *where, size_t few, struct eye_err *err);
void milvus_scope_release(struct milvus_scope *s);
/* All leaves become sets of ids. */
int milvus_scope_settle(struct milvus_scope *s, struct eye_err *err);
/* Keep those of `ids`, which expr let pass, that pass. Those that are gone do not. rows: of pictures, these among them, with the fields below;
 * NULL: they are fetched if they are needed (said is false). */
enum { MILVUS_SCOPE_FIELDS = 10 };
extern const struct milvus_field milvus_scope_fields[MILVUS_SCOPE_FIELDS]; /* "id" first */
int milvus_scope_keep(const struct milvus_scope *s, const struct milvus_rows *rows,
                      struct store_ids *ids, struct eye_err *err);

/* ---- milvus_where.c ---- */

/* Ids that pass, slice by slice, ascending; fn non-zero stops and is returned. */
typedef int milvus_ids_fn(void *ctx, const struct store_ids *ids, struct eye_err *err);
int milvus_find_each(struct milvus_scope *s, milvus_ids_fn *fn, void *ctx, struct eye_err *err);
int milvus_find_ids(const struct milvus_finder *f, const struct store_where *where,
                    struct store_ids *out, struct eye_err *err);
int milvus_find_count(const struct milvus_finder *f, const struct store_where *where, uint64_t *n,
                      struct eye_err *err);

/* ---- milvus_vectors.c ---- */

/* Rows that have a picture and its vector in these columns, into a set that holds smaller ids only. */
int milvus_vectors_add(struct vector_set *set, const struct milvus_rows *rows, size_t id_col,
                       size_t vector_col, struct eye_err *err);
/* The vectors of ids [n] ascending as an exact set; pictures that are gone or have none are not in it. */
int milvus_find_vectors(const struct milvus_finder *f, const int64_t *ids, size_t n,
                        struct vector_set **out, struct eye_err *err);

/* ---- milvus_search.c, milvus_newest.c: as store_search and store_newest_where ---- */

int milvus_find_best(const struct milvus_finder *f, const struct store_where *where, bool exact,
                     struct vector_ask *asks, size_t n, struct eye_err *err);
int milvus_find_newest(const struct milvus_finder *f, const struct store_where *where,
                       int64_t before_at, int64_t before_id, int64_t *ids, int64_t *ats, size_t max,
                       size_t *n, struct eye_err *err);

#endif
