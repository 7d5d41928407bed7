/* bert.c - BERT as a text tower (open_clip's HFTextEncoder over transformers' BertModel).
 *
 * Padding is masked in attention and left out of the mean, so running only the other tokens is exact. That holds for
 * a padding id inside the text, too ("[PAD]" typed by a user): it is dropped, its position stays taken. */
#include "base/buf.h"
#include "clip/block.h"
#include "clip/tower.h"

#include <math.h>

struct bert {
    size_t dim, width, context, proj_hidden;
    enum config_pool pool;
    int pad_id;
    float eps;
    struct tensor words, positions; /* [vocab, width], [positions, width]; stay in the file */
    float *type0;                   /* [width]: token type is always 0 */
    float *ln[2];
    struct stack *stack;
    struct linear *pooler;        /* [width, width] or NULL */
    struct linear *proj1, *proj2; /* linear: proj1 [dim, width]; mlp: [h, width], [dim, h] */
};

static void load_projection(struct weights *w, struct bert *t, enum config_proj proj)
{
    if (t->pool == CONFIG_POOL_POOLER)
        t->pooler =
            weights_linear(w, "text.transformer.pooler.dense", t->width, t->width, true, NULL);
    if (proj == CONFIG_PROJ_LINEAR)
        t->proj1 = weights_linear(w, "text.proj", t->dim, t->width, false, NULL);
    if (proj != CONFIG_PROJ_MLP)
        return;
    t->proj_hidden = (t->width + t->dim) / 2;
    t->proj1 = weights_linear(w, "text.proj.0", t->proj_hidden, t->width, false, NULL);
    t->proj2 = weights_linear(w, "text.proj.2", t->dim, t->proj_hidden, false, NULL);
}

struct bert *bert_new(struct weights *w, const struct config *c)
{
    struct bert *t = w->code ? NULL : mem_calloc(1, sizeof(*t), w->err);
    if (!t) {
        w->code = w->code ? w->code : EYE_ENOMEM;
        return NULL;
    }
    const struct config_text *x = &c->text;
    *t = (struct bert){.dim = c->dim, .width = x->stack.width, .context = x->context};
    t->pool = x->pool;
    t->pad_id = x->pad_id;
    t->eps = x->stack.eps;
    weights_prefix(w, "%s", "text.transformer.embeddings.");
    t->words = weights_table(w, "word_embeddings.weight", x->vocab, t->width);
    t->positions = weights_table(w, "position_embeddings.weight", x->positions, t->width);
    t->type0 = weights_rows(w, "token_type_embeddings.weight", x->types, t->width);
    weights_norm(w, "LayerNorm", t->width, t->ln);
    weights_prefix(w, "%s", "");
    struct stack_options o = {.size = x->stack, .names = &names_bert_block, .post_norm = true};
    t->stack = stack_new(w, &o);
    load_projection(w, t, x->proj);
    if (w->code || w->check_only) {
        bert_free(t);
        return NULL;
    }
    return t;
}

void bert_free(struct bert *t)
{
    if (!t)
        return;
    linear_free(t->pooler);
    linear_free(t->proj1);
    linear_free(t->proj2);
    stack_free(t->stack);
    free(t->type0);
    free(t->ln[0]);
    free(t->ln[1]);
    free(t);
}

/* Two rows beside the tokens: pooled, and the projection's hidden layer. */
static size_t spare_width(const struct bert *t)
{
    return t->width > t->proj_hidden ? t->width : t->proj_hidden;
}

size_t bert_scratch(const struct bert *t)
{
    return t->context * t->width + 2 * spare_width(t) + stack_scratch(t->stack, 1, t->context);
}

/* Rows of the tokens that are no padding, to x; returns how many. */
static size_t embed(const struct bert *t, const int *ids, size_t n, float *x, float *position)
{
    size_t d = t->width, rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == t->pad_id)
            continue;
        float *row = x + rows++ * d;
        tensor_to_f32(&t->words, (size_t)ids[i] * d, d, row);
        tensor_to_f32(&t->positions, i * d, d, position);
        add_rows(row, t->type0, d);
        add_rows(row, position, d);
    }
    layer_norm(x, rows, d, t->ln[0], t->ln[1], t->eps, x);
    return rows;
}

static void project(const struct bert *t, const float *pooled, float *hidden, float *out,
                    struct pool *pool)
{
    if (!t->proj1) {
        memcpy(out, pooled, t->width * sizeof(float));
    } else if (!t->proj2) {
        linear_apply(t->proj1, pooled, t->width, 1, ACT_NONE, NULL, out, t->dim, pool);
    } else {
        linear_apply(t->proj1, pooled, t->width, 1, ACT_GELU, NULL, hidden, t->proj_hidden, pool);
        linear_apply(t->proj2, hidden, t->proj_hidden, 1, ACT_NONE, NULL, out, t->dim, pool);
    }
}

void bert_run(const struct bert *t, const int *ids, size_t n, float *out,
              const struct tower_run *run)
{
    size_t d = t->width;
    float *x = run->scratch, *pooled = x + t->context * d, *hidden = pooled + spare_width(t);
    float *scratch = hidden + spare_width(t);
    size_t rows = embed(t, ids, n, x, pooled);
    if (rows == 0) { /* nothing but padding: no direction, which the caller reports */
        memset(out, 0, t->dim * sizeof(float));
        return;
    }
    bool mean = t->pool == CONFIG_POOL_MEAN;
    stack_run(t->stack, x, 1, rows, mean ? -1 : 0, scratch, run->pool);
    if (mean) {
        mean_rows(x, rows, d, pooled);
    } else if (t->pooler) {
        linear_apply(t->pooler, x, d, 1, ACT_NONE, NULL, pooled, d, run->pool);
        for (size_t i = 0; i < d; i++)
            pooled[i] = tanhf(pooled[i]);
    } else {
        memcpy(pooled, x, d * sizeof(float));
    }
    project(t, pooled, hidden, out, run->pool);
}
