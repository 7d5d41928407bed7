/* milvus_index.h - the index of vectors on a Milvus server: which one for how many rows, made, loaded, waited for. */
#ifndef STORE_MILVUS_INDEX_H
#define STORE_MILVUS_INDEX_H

#include "base/buf.h"
#include "store/milvus.h"

/* One that is wanted, or there. */
struct milvus_index {
    char type[24];    /* "FLAT" ...; "": none is there */
    char params[512]; /* JSON that it is made with; "{}" */
    char search[512]; /* JSON for searches besides what follows from type and depth; "{}" */
};

/* ---- milvus_index.c: rules, no server ---- */

/* What the settings (NULL or "": chosen by size) want for so many rows. rabitq: the server knows IVF_RABITQ. EYE_EINVAL: what is wrong
 * with them. */
int milvus_index_choose(const char *type, const char *params, const char *search, uint64_t rows,
                        bool rabitq, struct milvus_index *out, struct eye_err *err);
/* Is it to be made anew? Around the size where the choice changes nothing is. */
bool milvus_index_differs(const struct milvus_index *there, const struct milvus_index *wanted,
                          bool chosen, uint64_t rows);
/* Is its score of a row the inner product to within rounding? Else it is of something quantised. */
bool milvus_index_exact_scores(const struct milvus_index *ix);
/* Does it compare with every row? */
bool milvus_index_exhaustive(const struct milvus_index *ix);
/* JSON for a search of the topk best. A graph loses more where a filter lets half of its nodes pass, so it is searched wider then;
 * thorough: the most that the index can give. */
enum milvus_effort { MILVUS_PLAIN, MILVUS_FILTERED, MILVUS_THOROUGH };
int milvus_index_search(const struct milvus_index *ix, size_t topk, enum milvus_effort effort,
                        struct buf *out, struct eye_err *err);

/* ---- milvus_build.c: at the server ---- */

struct milvus_index_state {
    struct milvus_index index;
    uint64_t rows, indexed, pending;
    bool built, failed;
    char reason[256]; /* why it failed */
};
/* Of the vectors; type "" when there is none. */
int milvus_index_look(struct milvus *m, enum milvus_which which, struct milvus_index_state *out,
                      struct eye_err *err);
/* For a collection that was just made: an index, and indexes for filters where that pays. Fine if there is one. */
int milvus_index_make(struct milvus *m, enum milvus_which which, const struct milvus_index *ix,
                      struct eye_err *err);
/* Loaded, and waited for (told through `wait`). */
int milvus_load(struct milvus *m, enum milvus_which which, struct eye_err *err);
/* What was written is in segments that can be indexed, and waited for. */
int milvus_flush(struct milvus *m, enum milvus_which which, struct eye_err *err);
/* The wanted index instead of another, built and loaded. Other processes may want the same at the same time. */
int milvus_index_replace(struct milvus *m, const struct milvus_index *wanted, bool chosen,
                         struct eye_err *err);

#endif
