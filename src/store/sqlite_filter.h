/* sqlite_filter.h - what the files that answer filters share: filling sets of ids, and the two halves of a filter.
 *
 * sqlite_filter_ids.c: sets filled inside SQLite. sqlite_filter_facets.c: what is asked of a picture itself. sqlite_filter_files.c:
 * what is asked of where its files are. sqlite_filter.c puts them together. */
#ifndef STORE_SQLITE_FILTER_H
#define STORE_SQLITE_FILTER_H

#include "base/buf.h"
#include "store/ids.h"
#include "store/match.h"
#include "store/sqlite.h"

/* ---- collecting: the SQL aggregates collect(picture) and visit(picture, root, rel) put ids here ---- */
typedef bool store_visit_fn(const void *ctx, int64_t root, const char *rel, size_t len);
struct store_collect {
    struct store_ids *out;
    size_t most;           /* stop with more than so many; 0: never */
    size_t walk;           /* values of a column looked at one by one, at most */
    store_visit_fn *visit; /* visit() adds what it lets pass */
    const void *ctx;
    bool stopped; /* there were more */
    int rc;       /* out of memory */
};
/* Before the first of the functions below. */
int store_collect_ready(struct store *s, struct eye_err *err);
/* Run the query, which selects one collect() or visit(), to the end. */
int store_collect_run(struct query *q, struct store_collect *c, struct eye_err *err);

/* ---- what a picture is: each facet is answered by one index ---- */
/* Is the facet answered by those that do NOT pass? They are what its index holds. */
bool store_facet_is_rest(const struct store_filter *f, enum match_facet facet);
/* Collect what passes, or does not (is_rest), of one facet. Layout 3 only. */
int store_facet_collect(struct store *s, const struct store_filter *f, enum match_facet facet,
                        struct store_collect *c, struct eye_err *err);
/* Collect what passes all facets, by reading the table. */
int store_facets_scan(struct store *s, const struct store_filter *f, struct store_collect *c,
                      struct eye_err *err);
/* Keep those of `ids` that pass all facets, by looking each up. */
int store_facets_keep(struct store *s, const struct store_filter *f, struct store_ids *ids,
                      struct eye_err *err);

/* ---- where files are ---- */
/* Made ready for many rows; match_files_free. */
struct match_files *store_paths_new(struct store *s, const struct store_filter *f,
                                    struct eye_err *err);
/* Is what it has to read little more than what passes? */
bool store_paths_narrow(const struct match_files *p);
int store_paths_collect(struct store *s, const struct match_files *p, struct store_collect *c,
                        struct eye_err *err);
/* Keep those of `ids` of which a file passes. */
int store_paths_keep(struct store *s, const struct match_files *p, struct store_ids *ids,
                     struct eye_err *err);

#endif
