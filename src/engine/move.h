/* move.h - copying a library into another one: move.c copies, move_check.c looks at the result. */
#ifndef ENGINE_MOVE_H
#define ENGINE_MOVE_H

#include "engine/engine.h"

enum { MOVE_SAMPLE = 100, MOVE_SAMPLE_MAX = 10000, MOVE_NEIGHBOURS = 10 };

struct move {
    eye_lib *from, *to;
    const eye_move_options *options;
    eye_move_counts *counts;
    struct store *src, *dst;
    struct eng_model *model;
    int64_t src_model, dst_model; /* 0: there is none there (yet) */
    int dim;
    eye_move_phase phase;
    uint64_t done;
    int64_t *sample; /* [nsample] ids of pictures of `from` that have a vector */
    size_t nsample, sample_max;
    uint64_t offered; /* pictures that might have been in it */
};

/* Tell where it stands; EYE_ECANCELLED. waiting: NULL, or what for. */
int move_tell(struct move *m, const char *waiting, struct eye_err *err);
/* Fills missing, there, asked, compared, same. */
int move_check(struct move *m, struct eye_err *err);

#endif
