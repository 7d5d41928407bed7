/* block.h - a stack of transformer blocks: ViT's, CLIP's text tower's and BERT's are the same but for the place
 * of the norms. Packed weights are read-only; scratch is the caller's. */
#ifndef CLIP_BLOCK_H
#define CLIP_BLOCK_H

#include "base/pool.h"
#include "clip/config.h"
#include "clip/weights.h"

struct stack;

struct stack_options {
    struct config_stack size;
    const struct names_block *names;
    bool post_norm; /* BERT: norm after each sum; else before attention and MLP */
    bool causal;
};

/* NULL after a failure or in check-only mode with w->code telling which. */
struct stack *stack_new(struct weights *w, const struct stack_options *options);
void stack_free(struct stack *s);

/* Floats of scratch for b sequences of n rows. */
size_t stack_scratch(const struct stack *s, size_t b, size_t n);

/* x: [b * n, width], changed in place. only_row >= 0: after the last block just that row of each sequence is
 * computed and x becomes [b, width]; the rows of the result do not depend on b. */
void stack_run(const struct stack *s, float *x, size_t b, size_t n, ptrdiff_t only_row,
               float *scratch, struct pool *pool);

#endif
