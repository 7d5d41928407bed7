/* duplicates.h - what the files that find the same picture twice share.
 *
 *   looks (store) ── sorted: representatives first ──► near.c ──► similar.c ──► a grouping, kept by dup_kept.c
 *                                  near_bands.c, near_scan.c: who is within some bits of whom
 *                                  dup_vectors.c: cosines and neighbours
 *
 * Pictures are named here by their place in the order of representatives ("rank"): whoever comes first represents. */
#ifndef ENGINE_DUPLICATES_H
#define ENGINE_DUPLICATES_H

#include "engine/search.h"

enum { ENG_DUP_DISTANCE = 6, ENG_DUP_DISTANCE_MAX = 16 };
#define ENG_DUP_COSINE 0.90f

struct eng_member {
    int64_t id;
    float cosine;    /* with the representative */
    int8_t distance; /* to it; -1: unknown */
};

/* members [first, first + n) of the grouping; the first one is the representative. SAME: that one alone. */
struct eng_group {
    size_t first, n;
};

struct eng_grouping {
    struct eng_group *groups; /* [ngroups] by id of the representative, when it is whole */
    size_t ngroups, groups_cap;
    struct eng_member *members; /* [nmembers] */
    size_t nmembers, members_cap;
};

/* ---- grouping.c ---- */
void eng_grouping_release(struct eng_grouping *g);
int eng_grouping_begin(struct eng_grouping *g, struct eye_err *err); /* a new group, empty */
int eng_grouping_add(struct eng_grouping *g, const struct eng_member *member, struct eye_err *err);
int eng_grouping_sort(struct eng_grouping *g, struct eye_err *err); /* groups by representative */
/* Into the order of representatives. */
void eng_looks_sort(struct store_look *looks, size_t n);
/* Sides in the same ratio, but for 2 % or the rounding of a pixel. */
bool eng_same_shape(const struct store_look *a, const struct store_look *b);

typedef int eng_dup_progress(void *ctx, uint64_t done, uint64_t total); /* non-zero stops */

/* ---- dup_vectors.c: the one place that knows where vectors are ---- */
struct eng_dup_vectors {
    eye_lib *lib;
    struct eng_session session;
    int dim;
    float *queries; /* [ENG_DUP_QUERIES, dim] */
    uint16_t *rows; /* [ENG_DUP_QUERIES, dim] */
};
enum { ENG_DUP_QUERIES = 32, ENG_DUP_HITS = 64 };
int eng_dup_vectors_open(eye_lib *lib, struct eng_dup_vectors *v, struct eye_err *err);
void eng_dup_vectors_close(struct eng_dup_vectors *v); /* also after a failed open */
/* Between the picture `id` and others [n]; NAN where one of the two has no vector. */
int eng_dup_cosines(struct eng_dup_vectors *v, int64_t id, const int64_t *others, size_t n,
                    float *out, struct eye_err *err);
/* The ENG_DUP_HITS nearest of each picture [n <= ENG_DUP_QUERIES], itself included, that come after `after` (NULL: the nearest), of which
 * `depth` came before; best first: hits [n, ENG_DUP_HITS], counts [n]: 0 where it has no vector. */
int eng_dup_neighbours(struct eng_dup_vectors *v, const int64_t *ids, size_t n,
                       const struct vector_hit *after, size_t depth, struct vector_hit *hits,
                       size_t *counts, struct eye_err *err);

/* ---- similar.c ---- */
struct eng_similar {
    const struct store_look *looks; /* [n] sorted */
    size_t n;
    float cosine; /* at least */
    eng_dup_progress *progress;
    void *ctx;
};
/* Groups of those that are not taken [n]: of the near ones only the representatives are left. taken is used up. */
int eng_similar_find(const struct eng_similar *similar, struct eng_dup_vectors *v, bool *taken,
                     struct eng_grouping *out, struct eye_err *err);

/* ---- dup_looks.c ---- */
/* Look at the pictures that never were, as far as their files can be read. EYE_ECANCELLED. */
int eng_look_at_missing(eye_lib *lib, int threads, eng_dup_progress *progress, void *ctx,
                        struct eye_err *err);

/* ---- dup_find.c: whole groupings ---- */
struct eng_dup_wish {
    eye_dup_kind kind;
    int distance; /* -1: the default */
    float cosine; /* 0: the default */
    int max_age;  /* seconds */
};
/* What a grouping follows from: as long as these are the same, it is. */
struct eng_dup_basis {
    int64_t generation, model;
    struct store_mark mark;
    uint64_t unknown;
};
/* As of now, and the wish with defaults filled in (SIMILAR's is the model's). */
int eng_dup_basis(eye_lib *lib, struct eng_dup_wish *wish, struct eng_dup_basis *out,
                  struct eye_err *err);
/* near: the grouping of near ones, for SIMILAR; else NULL. */
int eng_dup_find(eye_lib *lib, const struct eng_dup_wish *wish, const struct eng_grouping *near,
                 eng_dup_progress *progress, void *ctx, struct eng_grouping *out,
                 struct eye_err *err);

/* ---- dup_kept.c: groupings found lately ---- */
struct eng_kept {
    int refs; /* under the lock of eng_dups */
    struct eng_dup_wish wish;
    struct eng_dup_basis basis;
    double made, used; /* eng_now */
    struct eng_grouping grouping;
};
/* Found now if there is none at hand that will do, by one thread at a time. NULL: failed. */
struct eng_kept *eng_kept_get(eye_lib *lib, const struct eng_dup_wish *wish,
                              eng_dup_progress *progress, void *ctx, struct eye_err *err);
/* Only if it is at hand. 0 with *out NULL: it is not. */
int eng_kept_look(eye_lib *lib, const struct eng_dup_wish *wish, struct eng_kept **out,
                  struct eye_err *err);
void eng_kept_put(eye_lib *lib, struct eng_kept *kept);

/* ---- duplicates.c ---- */
int eng_dup_check(const eye_dup_options *options, struct eng_dup_wish *wish, struct eye_err *err);

/* ---- near.c ---- */
struct eng_near {
    const struct store_look *looks; /* [n] sorted */
    size_t n;
    int distance; /* 0..16 */
    float cosine; /* at least */
    /* Cosines of the picture of rank `rep` with others [n]; NAN for those that are not near it whatever their hashes say. */
    int (*judge)(void *ctx, size_t rep, const uint32_t *others, size_t n, float *cosines,
                 struct eye_err *err);
    eng_dup_progress *progress; /* may be NULL */
    void *ctx;
};
/* Groups of two and more; taken [n] (may be NULL) gets true for each member that is no representative. EYE_ECANCELLED. */
int eng_near_find(const struct eng_near *near, struct pool *pool, struct eng_grouping *out,
                  bool *taken, struct eye_err *err);

/* Who of the ranks above p, and not taken, is within `distance` bits of p. Asked with p ascending. */
struct eng_finder {
    const struct store_look *looks;
    size_t n;
    int distance;
    const bool *taken;
    struct pool *pool;
    uint32_t *found; /* [nfound] ascending; good until the next question */
    size_t nfound, cap;
};
int eng_finder_add(struct eng_finder *f, size_t rank, struct eye_err *err);

/* ---- near_bands.c: for few bits ---- */
enum {
    ENG_BANDS_FEW_MAX = 7,
    ENG_BANDS_DISTANCE_MAX = 11,
    ENG_BANDS_MANY = 300000
}; /* from so many pictures on beyond FEW_MAX, too */
struct eng_bands;
struct eng_bands *eng_bands_new(struct eng_finder *f, struct eye_err *err);
void eng_bands_free(struct eng_bands *b);
int eng_bands_find(struct eng_bands *b, size_t p, struct eye_err *err);

/* ---- near_scan.c: for many ---- */
struct eng_near_scan;
struct eng_near_scan *eng_near_scan_new(struct eng_finder *f, struct eye_err *err);
void eng_near_scan_free(struct eng_near_scan *s);
int eng_near_scan_find(struct eng_near_scan *s, size_t p, struct eye_err *err);

#endif
