/* index.h - the quantised index in front of the store: snapshots that are searched, and the files that they stand on.
 *
 *   search ─► rank.c ─► combine.c ─► vector_index_search        vectors.c      the snapshot of this moment
 *                └────► exact.c (every vector, in pieces)       index_state.c  what segments and the log say
 *   maker thread (index_maker.c), eye_index ─► index_make.c ─► index_plan.c
 *
 * The store is the truth. Whatever is wrong with a file, its rows count as in no segment until it is made anew. */
#ifndef ENGINE_INDEX_H
#define ENGINE_INDEX_H

#include <stdatomic.h>

#include "engine/engine.h"

enum { ENG_INDEX_FEW = 16384 }; /* vectors from which a segment is worth making */
enum { ENG_DIM_MIN = 64, ENG_DIM_MAX = 2048 };
enum { ENG_PAGE_ROWS = 1024 }; /* that are read from the store at once */

/* ---- snapshots (vectors.c) ---- */

/* All vectors of one model as of one mark; shared by all that hold a reference. */
struct eng_vectors {
    int refs; /* under lib->lock */
    int64_t model;
    struct vector_spec spec;
    struct store_mark mark;
    struct vector_index *ix; /* NULL: too many rows without a segment to hold them in memory */
    struct store_segment *segments; /* [vector_index_segments(ix)], in their order */
    atomic_bool suspect;            /* a search found a segment's file damaged */
};

/* The snapshot of this moment. NULL on error. */
struct eng_vectors *eng_vectors_get(eye_lib *lib, struct store *s, int64_t model,
                                    const struct vector_spec *spec, struct eye_err *err);
void eng_vectors_put(eye_lib *lib, struct eng_vectors *v); /* NULL is fine */

/* ---- what the store says (index_state.c) ---- */

/* Of one moment: segments that are good, what is dead in them dropped, and which vectors are in none of them. */
struct eng_state {
    struct store_mark mark;
    struct vector_index *ix;        /* no tail */
    struct store_segment *segments; /* [vector_index_segments(ix)] */
    struct store_segment *bad; /* named by a row, but there is no such file, or a damaged one */
    size_t nbad;
    bool all; /* no segment is good: every vector; else: */
    int64_t *tail;
    size_t ntail; /* if all: mark.vectors */
};
/* On success the store is left reading as of that moment: store_read_end. old: whose open segments are used again; may be NULL. */
int eng_state_load(eye_lib *lib, struct store *s, int64_t model, const struct vector_spec *spec,
                   const struct eng_vectors *old, struct eng_state *out, struct eye_err *err);
void eng_state_release(struct eng_state *state);

/* Of a log in order: the last word on each picture, by ascending picture; returns how many. */
size_t eng_log_last(struct store_change *log, size_t n);

/* ---- searching (rank.c, combine.c, exact.c) ---- */

struct eng_session;

struct eng_rank {
    struct vector_ask *asks; /* [n]; mask, passed and count are set by eng_rank */
    size_t n;
    const int64_t *ids; /* [nids] ascending: what may be found; NULL: everything */
    size_t nids;
    const struct store_where *where; /* on a server: instead of ids; NULL: everything */
    bool exact;                      /* compare with every vector in full */
};
/* The session's store is to be held at one moment by the caller (store_read_begin): a lock a row would cost as much as the row. */
int eng_rank(eye_lib *lib, struct eng_session *session, const struct eng_rank *rank,
             struct eye_err *err);

/* vector_index_search without masks, together with others that wait for the one that runs. */
int eng_combine(eye_lib *lib, struct eng_vectors *v, struct store *s, struct vector_ask *asks,
                size_t n, struct pool *pool, struct eye_err *err);
struct eng_combiner *eng_combiner_new(struct eye_err *err);
void eng_combiner_free(struct eng_combiner *c);
struct eng_combiner_stats {
    uint64_t searches, scans;
};
void eng_combiner_hold(struct eng_combiner *c, bool held); /* for tests */
void eng_combiner_count(struct eng_combiner *c, struct eng_combiner_stats *out);

/* The same results as of this moment, straight from the store, some rows at a time. */
int eng_exact(struct store *s, int64_t model, int dim, const struct eng_rank *rank,
              struct pool *pool, struct eye_err *err);

/* vector_source of a store. */
struct eng_source {
    struct store *store;
    int64_t model;
    int dim;
};
struct vector_source eng_source(struct eng_source *from);

/* ---- which files to make (index_plan.c) ---- */

struct eng_plan_part {
    size_t rows, live;
};
enum eng_plan_what {
    ENG_PLAN_NOTHING,
    ENG_PLAN_MAKE,     /* one segment of what is marked */
    ENG_PLAN_DISSOLVE, /* so few vectors are left that they need no segment */
    ENG_PLAN_FORGET    /* there is no segment to tell the log to */
};
struct eng_plan {
    enum eng_plan_what what;
    bool tail;
    uint64_t take; /* a bit a segment, of the first 64 */
};
/* parts [n]: segments; tail: vectors in none; log: changes since the newest segment. */
struct eng_plan eng_plan(const struct eng_plan_part *parts, size_t n, size_t tail, uint64_t log,
                         size_t few);
bool eng_plan_is_for(const struct vector_spec *spec); /* can there be segments at all? */
/* Is there something to be done for this snapshot? */
bool eng_plan_due(const eye_lib *lib, const struct eng_vectors *v);
struct eng_plan eng_plan_state(const eye_lib *lib, const struct eng_state *state);

/* ---- making them (index_make.c, index_maker.c) ---- */

enum eng_make_step {
    ENG_MAKE_BEGIN,   /* a file is about to be made */
    ENG_MAKE_ROWS,    /* a page of rows was added */
    ENG_MAKE_WRITTEN, /* it is on disk, and no row names it */
    ENG_MAKE_SWITCHED,
    ENG_MAKE_TRIMMED, /* a page of the log is forgotten */
    ENG_MAKE_SWEPT
};

/* What tests may change; zeros: as it is meant to be. */
struct eng_index_knobs {
    size_t few;        /* instead of ENG_INDEX_FEW */
    size_t tail_bytes; /* instead of ENG_TAIL_BYTES */
    double delay;      /* before the maker begins, seconds; 0: one second; negative: at once */
    bool no_maker;     /* nothing is made in the background */
    /* An error code to go no further; may be NULL. */
    int (*step)(void *ctx, enum eng_make_step step);
    void (*writer)(void *ctx, struct vector_writer *w);
    void *ctx;
};
#define ENG_TAIL_BYTES ((size_t)1 << 30) /* rows that are kept in memory for want of a segment */

struct eng_making {
    struct pool *pool;      /* NULL: on this thread alone */
    int (*stop)(void *ctx); /* non-zero: EYE_ECANCELLED; may be NULL */
    void *ctx;
    bool check; /* look through each file first, and drop what is damaged */
};
/* Make what the plan asks for, one after the other. EYE_EBUSY: another process is at it; EYE_EIO and so on: what there was still counts. */
int eng_make(eye_lib *lib, struct store *s, int64_t model, const struct vector_spec *spec,
             const struct eng_making *how, struct eye_err *err);
/* After much was written, on the thread that wrote: what fails is logged and no more. stop: as in eng_making. A server's index is the server's:
 * then it is waited for as this thread's waiter likes. */
void eng_make_now(eye_lib *lib, struct store *s, const struct eng_model *model,
                  int (*stop)(void *ctx), void *ctx);
/* After some was written: wakes the thread below when there is enough for a segment. Nothing on a server. */
void eng_make_later(eye_lib *lib, struct store *s, const struct eng_model *model);

/* Wake the thread that makes, starting it if need be. check: as in eng_making. */
void eng_maker_poke(eye_lib *lib, int64_t model, const struct vector_spec *spec, bool check);
void eng_maker_stop(eye_lib *lib);
int eng_maker_init(eye_lib *lib, struct eye_err *err);
void eng_maker_release(eye_lib *lib); /* stopped already */

/* ---- index_verify.c ---- */

/* Every segment is whole (deep: every byte of it), and every vector is in one place. One call a finding. */
int eng_index_verify(eye_lib *lib, struct store *s, bool deep,
                     void (*fn)(void *ctx, const char *finding), void *ctx, uint64_t *findings,
                     struct eye_err *err);

#endif
