/* search.h - what eye_search and eye_find share: the session, results, cursors. */
#ifndef ENGINE_SEARCH_H
#define ENGINE_SEARCH_H

#include "engine/engine.h"

/* ---- search.c ---- */

/* What a search works with, held while it runs. */
struct eng_session {
    struct store *store;
    struct eng_model *model;
    int64_t model_id;            /* in the store; 0: nothing was ever embedded with it */
    struct eng_vectors *vectors; /* NULL: the server searches */
};
/* To be closed even when it fails. */
int eng_session_open(eye_lib *lib, struct eng_session *session, struct eye_err *err);
void eng_session_close(eye_lib *lib, struct eng_session *session);

/* ---- results.c ---- */

struct eye_results {
    eye_result *v;
    size_t n, cap;
    uint64_t total; /* eye_find: pictures that pass the filter */
    char *next;     /* eye_find: cursor of the next page; NULL: none */
};

/* What one picture is told with beside what the library knows of it. */
struct eng_hit {
    size_t query;
    struct vector_hit hit;
    const struct clip_calibration *cal; /* NULL: nothing was compared */
};

/* These hits are about to be added: from a server all of them come at once. */
int eng_results_gather(struct store *s, const struct vector_hit *hits, size_t n,
                       struct eye_err *err);
/* 1: added; 0: the picture is gone meanwhile; negative: failed. */
int eng_results_add(eye_results *r, struct store *s, const struct eng_hit *hit,
                    struct eye_err *err);

/* ---- cursor.c ---- */

enum { ENG_CURSOR_LEN = 28 };
enum eng_order {
    ENG_BY_SCORE = 1,
    ENG_BY_AGE = 2, /* ids grow with time */
    ENG_BY_TIME = 3 /* they do not: by the time of adding, then id */
};

struct eng_place {
    struct vector_hit hit; /* the last result so far */
    size_t depth;          /* how many came up to it; no more than 2^24 - 1 are told */
    int64_t added_at;      /* BY_TIME, which tells no depth and no score */
};
/* text: [ENG_CURSOR_LEN + 1] */
void eng_cursor_write(enum eng_order order, const struct eng_place *place, char *text);
/* EYE_EINVAL: not one of ours, or of the other order. */
int eng_cursor_read(const char *text, enum eng_order order, struct eng_place *place,
                    struct eye_err *err);

/* ---- filter.c ---- */

/* A filter and a tree of filters (either may be NULL) as one tree for the store, checked, without parts that say nothing. Strings
 * stay borrowed. top NULL: lets everything pass. EYE_EINVAL. */
struct eng_where {
    const struct store_where *top;
    void *nodes, *filters, *parts;
};
int eng_where_make(const eye_filter *filter, const eye_where *where, struct eng_where *out,
                   struct eye_err *err);
void eng_where_free(struct eng_where *w);

/* ---- mix.c ---- */

/* u [n, dim], unit vectors of the terms, to v [dim], and what a score means then. EYE_EINVAL. */
int eng_mix(const eye_term *terms, size_t n, const float *u, size_t dim,
            const struct clip_info *info, float *v, struct clip_calibration *cal,
            struct eye_err *err);

#endif
