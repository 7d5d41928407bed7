/* names.h - what the tensors are called: three spellings of the same CLIP towers, and BERT's.
 *
 * Only data: a tower asks the table for its names and never knows which spelling the file has. */
#ifndef CLIP_NAMES_H
#define CLIP_NAMES_H

#include <stdbool.h>

#include "clip/safetensors.h"

/* One transformer block; names are relative to `prefix` with the block's number put in. */
struct names_block {
    const char *prefix;                      /* one %zu */
    const char *in_weight, *in_bias;         /* q, k and v stacked: [3d, d]; NULL: stored apart */
    const char *query, *key, *value;         /* stored apart: + ".weight", ".bias" */
    const char *out, *fc1, *fc2, *ln1, *ln2; /* + ".weight", ".bias" */
    const char *ls1, *ls2;                   /* layer scale, NULL: never there */
};

struct names_vit {
    const char *class_embedding, *positions, *patches, *ln_pre, *ln_post, *proj;
    bool proj_transposed; /* stored as [width, dim] */
    struct names_block block;
};

struct names_text {
    const char *tokens, *positions, *ln_final;
    const char *proj; /* matrix: the tensor's own name */
    bool proj_transposed;
    const char *linear; /* the projection as a linear with bias: + ".weight", ".bias" */
    struct names_block block;
};

struct names {
    const char *layout; /* for messages and tests: "custom", "flat", "hf" */
    struct names_vit vit;
    struct names_text text;
};

/* The spelling that a file uses. */
const struct names *names_detect(const struct safetensors *st);
extern const struct names_block names_bert_block;

#endif
