/* sqlite_filter.h - what the files that answer filters share: sets of ids, and the two halves of a filter.
 *
 * sqlite_filter_ids.c: ascending ids as sets. sqlite_filter_facets.c: what is asked of a picture itself. sqlite_filter_files.c:
 * what is asked of where its files are. sqlite_filter.c puts them together. */
#ifndef STORE_SQLITE_FILTER_H
#define STORE_SQLITE_FILTER_H

#include "base/buf.h"
#include "store/sqlite.h"

/* ---- sets: ascending and without doubles, but while they are collected ---- */
struct store_ids {
    int64_t *v;
    size_t n, cap;
};
int store_ids_add(struct store_ids *ids, int64_t id, struct eye_err *err);
void store_ids_free(struct store_ids *ids);
int store_ids_copy(struct store_ids *out, const struct store_ids *from, struct eye_err *err);
/* In any order and with doubles, as collected: a set after it. */
int store_ids_settle(struct store_ids *ids, struct eye_err *err);
void store_ids_intersect(struct store_ids *a, const struct store_ids *b); /* a = a and b */
void store_ids_subtract(struct store_ids *a, const struct store_ids *b);  /* a = a without b */
int store_ids_unite(struct store_ids *a, const struct store_ids *b, struct eye_err *err);

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

/* Is `part` [m], in lower case, a part of text [n], ASCII case ignored? */
bool store_has_part(const char *text, size_t n, const char *part, size_t m);
char store_lower(char c);

/* ---- what a picture is: each facet is answered by one index ---- */
enum store_facet {
    FACET_TAKEN,
    FACET_ADDED,
    FACET_PLACE,
    FACET_FORMAT,
    FACET_CAMERA,
    FACET_WIDTH,
    FACET_HEIGHT,
    FACET_AREA,
    FACET_SHAPE,
    FACETS
};
/* Which of them the filter asks for, as bits. */
unsigned store_facets(const struct store_filter *f);
/* Is the facet answered by those that do NOT pass? They are what its index holds. */
bool store_facet_is_rest(const struct store_filter *f, enum store_facet facet);
/* Collect what passes, or does not (is_rest), of one facet. Layout 3 only. */
int store_facet_collect(struct store *s, const struct store_filter *f, enum store_facet facet,
                        struct store_collect *c, struct eye_err *err);
/* Collect what passes all facets, by reading the table. */
int store_facets_scan(struct store *s, const struct store_filter *f, struct store_collect *c,
                      struct eye_err *err);
/* Keep those of `ids` that pass all facets, by looking each up. */
int store_facets_keep(struct store *s, const struct store_filter *f, struct store_ids *ids,
                      struct eye_err *err);

/* ---- where files are ---- */
struct store_paths; /* path, name, root and date of files, made ready for many rows */
bool store_asks_files(const struct store_filter *f);
struct store_paths *store_paths_new(struct store *s, const struct store_filter *f,
                                    struct eye_err *err);
void store_paths_free(struct store_paths *p);
/* Is what it has to read little more than what passes? */
bool store_paths_narrow(const struct store_paths *p);
int store_paths_collect(struct store *s, const struct store_paths *p, struct store_collect *c,
                        struct eye_err *err);
/* Keep those of `ids` of which a file passes. */
int store_paths_keep(struct store *s, const struct store_paths *p, struct store_ids *ids,
                     struct eye_err *err);

#endif
