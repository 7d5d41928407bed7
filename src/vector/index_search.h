/* index_search.h - inside of a search: what its stages share. */
#ifndef VECTOR_INDEX_SEARCH_H
#define VECTOR_INDEX_SEARCH_H

#include "vector/dot.h"
#include "vector/index.h"
#include "vector/topk.h"

/* A row that is looked at again. */
struct index_candidate {
    uint32_t slot;
    float score, slack; /* by its int8 row: the true score is within score +- slack */
};

/* One ask while it is worked on. */
struct index_ask {
    struct vector_ask *ask;
    struct code_query code;
    float length;     /* of the query */
    float *padded;    /* [stride] the query, as the dot kernel wants it */
    float *mean;      /* [nsegs] <mean of the segment, query> */
    struct topk best; /* the result so far, exact */
    size_t pass;      /* rows of segments that may be found */
    bool tailed;      /* the tail has been searched, and best is of it alone */
    bool sure;        /* its candidates are to tell what is worth reading, for an exact result */
    uint64_t *narrow; /* a bit a row of segments: those it was found to be; NULL: all that pass */
    float cut;        /* what is not among them stays below it */
    size_t want;      /* candidates of the scan; pass: no scan, all of them */
    size_t n;         /* candidates, slots ascending until they are settled */
    struct index_candidate *candidates;
    bool done;
};

struct index_search {
    const struct vector_index *ix;
    struct pool *pool;
    const struct vector_source *source;
    size_t stride;
    size_t *words; /* [nparts + 1] the word of a mask at which a part begins */
    size_t nasks;
    struct index_ask *asks;
};

/* Which rows of a part an ask may find. */
static inline const uint64_t *index_bits_of(const struct index_search *s, const struct index_ask *a,
                                            size_t part)
{
    return a->ask->mask ? a->ask->mask + s->words[part] : s->ix->parts[part].live->word;
}

/* The part of a slot, which is not before `from`. */
static inline size_t index_part_of(const struct index_search *s, size_t from, uint32_t slot)
{
    while (slot / 64 >= s->words[from + 1])
        from++;
    return from;
}

/* Stage 1 (index_scan.c): the `want` best by their codes become candidates of each ask that is not done. Or all that pass. */
int index_scan(struct index_search *s, struct eye_err *err);
/* Stage 2 (index_bytes.c): their scores by int8 rows. */
int index_score(struct index_search *s, struct eye_err *err);
/* Stage 3 (index_settle.c): exact scores of those that may still be among the k best, into a->best. */
int index_settle(struct index_search *s, struct index_ask *a, struct eye_err *err);

/* A score that the k-th result has at least, by the candidates' bounds; -INFINITY if they are too few. */
int index_threshold(const struct index_ask *a, float *threshold, struct eye_err *err);
/* (index_sure.c) a->narrow and a->cut of the asks that are sure and not done, from their candidates. */
int index_narrow(struct index_search *s, struct eye_err *err);

#endif
