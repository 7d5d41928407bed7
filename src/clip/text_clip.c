/* text_clip.c - CLIP's own text transformer.
 *
 * A causal tower runs only the tokens up to the pooled one: what comes later cannot reach it, so this is exact
 * and makes a short query many times cheaper. Without the causal mask (CLIPA) the padding takes part, as in the reference. */
#include "base/buf.h"
#include "clip/block.h"
#include "clip/tower.h"

struct text_clip {
    size_t dim, width, context;
    enum config_pool pool;
    int eos_id;
    bool causal;
    float eps;
    struct tensor tokens; /* [vocab, width], stays in the file */
    float *positions;     /* [context, width] */
    float *ln[2];
    struct stack *stack;
    struct linear *proj; /* [dim, width]; NULL: none */
};

static void load_projection(struct weights *w, struct text_clip *t, const struct config_text *c)
{
    const struct names_text *names = &w->names->text;
    if (c->proj == CONFIG_PROJ_NONE)
        return;
    if (c->proj_bias)
        t->proj = weights_linear(w, names->linear, t->dim, t->width, true, NULL);
    else
        t->proj = weights_matrix(w, names->proj, t->dim, t->width, names->proj_transposed);
}

struct text_clip *text_clip_new(struct weights *w, const struct config *c)
{
    struct text_clip *t = w->code ? NULL : mem_calloc(1, sizeof(*t), w->err);
    if (!t) {
        w->code = w->code ? w->code : EYE_ENOMEM;
        return NULL;
    }
    const struct config_text *x = &c->text;
    const struct names_text *names = &w->names->text;
    *t = (struct text_clip){.dim = c->dim, .width = x->stack.width, .context = x->context};
    t->pool = x->pool;
    t->eos_id = x->eos_id;
    t->causal = x->causal;
    t->eps = x->stack.eps;
    t->tokens = weights_table(w, names->tokens, x->vocab, t->width);
    t->positions = weights_rows(w, names->positions, t->context, t->width);
    struct stack_options o = {.size = x->stack, .names = &names->block, .causal = x->causal};
    t->stack = stack_new(w, &o);
    weights_norm(w, names->ln_final, t->width, t->ln);
    load_projection(w, t, x);
    if (w->code || w->check_only) {
        text_clip_free(t);
        return NULL;
    }
    return t;
}

void text_clip_free(struct text_clip *t)
{
    if (!t)
        return;
    linear_free(t->proj);
    stack_free(t->stack);
    free(t->positions);
    free(t->ln[0]);
    free(t->ln[1]);
    free(t);
}

size_t text_clip_scratch(const struct text_clip *t)
{
    return t->context * t->width + stack_scratch(t->stack, 1, t->context);
}

/* Which of the padded ids' rows becomes the embedding. */
static size_t pooled_row(const struct text_clip *t, const int *ids)
{
    size_t best = 0;
    switch (t->pool) {
    case CONFIG_POOL_LAST: return t->context - 1;
    case CONFIG_POOL_ARGMAX:
        for (size_t i = 1; i < t->context; i++)
            if (ids[i] > ids[best])
                best = i;
        return best;
    case CONFIG_POOL_EOS:
        while (best < t->context && ids[best] != t->eos_id)
            best++;
        return best < t->context ? best : 0;
    default: return 0;
    }
}

void text_clip_run(const struct text_clip *t, const int *ids, float *out,
                   const struct tower_run *run)
{
    size_t row = pooled_row(t, ids), n = t->causal ? row + 1 : t->context, d = t->width;
    float *x = run->scratch, *scratch = x + t->context * d;
    for (size_t i = 0; i < n; i++)
        tensor_to_f32(&t->tokens, (size_t)ids[i] * d, d, x + i * d);
    add_rows(x, t->positions, n * d);
    stack_run(t->stack, x, 1, n, (ptrdiff_t)row, scratch, run->pool);
    layer_norm(x, 1, d, t->ln[0], t->ln[1], t->eps, x);
    if (t->proj)
        linear_apply(t->proj, x, d, 1, ACT_NONE, NULL, out, t->dim, run->pool);
    else
        memcpy(out, x, d * sizeof(float));
}
