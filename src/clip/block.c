/* block.c - see block.h.
 *
 * Pre-norm (ViT, CLIP):  x += out(attention(ln1(x)));  x += fc2(act(fc1(ln2(x))))
 * Post-norm (BERT):      x = ln1(x + out(attention(x)));  x = ln2(x + fc2(act(fc1(x))))
 *
 * Layer scale is folded into `out` and `fc2` when they are packed, bias, activation and the sum into the matrix
 * products, so that a block is four products, two norms and the attention. When one row is wanted at the end, the last
 * block computes keys and values of all rows, and everything after them for that row only (3-7 % of a tower). Computing the
 * query for one row only would save another 0.7 % of ViT-B and was left out. */
#include "clip/block.h"

#include "base/buf.h"

struct block {
    float *ln1[2], *ln2[2];               /* gain, bias: [width] */
    struct linear *qkv, *out, *fc1, *fc2; /* [3w, w], [w, w], [hidden, w], [w, hidden] */
};

struct stack {
    struct config_stack size;
    bool post_norm, causal;
    struct block blocks[]; /* [layers] */
};

static void load_block(struct weights *w, const struct stack_options *o, struct block *b)
{
    const struct names_block *names = o->names;
    size_t d = o->size.width, hidden = o->size.hidden;
    bool scaled = o->size.layer_scale;
    float *ls1 = NULL, *ls2 = NULL;
    if (scaled && names->ls1) {
        ls1 = weights_vector(w, names->ls1, d);
        ls2 = weights_vector(w, names->ls2, d);
    }
    weights_norm(w, names->ln1, d, b->ln1);
    weights_norm(w, names->ln2, d, b->ln2);
    b->qkv = weights_qkv(w, names, d);
    b->out = weights_linear(w, names->out, d, d, true, ls1);
    b->fc1 = weights_linear(w, names->fc1, hidden, d, true, NULL);
    b->fc2 = weights_linear(w, names->fc2, d, hidden, true, ls2);
    free(ls1);
    free(ls2);
}

struct stack *stack_new(struct weights *w, const struct stack_options *options)
{
    size_t layers = options->size.layers;
    struct stack *s =
        w->code ? NULL : mem_calloc(1, sizeof(*s) + layers * sizeof(s->blocks[0]), w->err);
    if (!s) {
        w->code = w->code ? w->code : EYE_ENOMEM;
        return NULL;
    }
    s->size = options->size;
    s->post_norm = options->post_norm;
    s->causal = options->causal;
    for (size_t i = 0; i < layers; i++) {
        char prefix[sizeof(w->prefix)];
        const char *number = strstr(options->names->prefix, "%zu");
        snprintf(prefix, sizeof(prefix), "%.*s%zu%s", (int)(number - options->names->prefix),
                 options->names->prefix, i, number + 3);
        weights_prefix(w, "%s", prefix);
        load_block(w, options, &s->blocks[i]);
        if (!w->check_only)
            safetensors_forget_pages(w->st); /* else a tower is in memory twice for a moment */
    }
    weights_prefix(w, "%s", "");
    if (w->code || w->check_only) {
        stack_free(s);
        return NULL;
    }
    return s;
}

void stack_free(struct stack *s)
{
    for (size_t i = 0; s && i < s->size.layers; i++) {
        struct block *b = &s->blocks[i];
        for (int k = 0; k < 2; k++) {
            free(b->ln1[k]);
            free(b->ln2[k]);
        }
        linear_free(b->qkv);
        linear_free(b->out);
        linear_free(b->fc1);
        linear_free(b->fc2);
    }
    free(s);
}

/* `h` [rows, width] and `wide` [rows, max(3 width, hidden)]: the qkv rows are dead when the MLP starts. */
static size_t wide_width(const struct stack *s)
{
    size_t qkv = 3 * s->size.width;
    return qkv > s->size.hidden ? qkv : s->size.hidden;
}

size_t stack_scratch(const struct stack *s, size_t b, size_t n)
{
    return b * n * (s->size.width + wide_width(s)) +
           attention_scratch(n, s->size.width, s->size.heads);
}

struct run {
    const struct stack *s;
    float *x, *h, *wide, *att; /* [rows, width], [rows, width], [rows, wide], attention's */
    size_t b, n;
    struct pool *pool;
};

static void norm(const struct run *r, float *const gain_bias[2], const float *in, size_t rows,
                 float *out)
{
    layer_norm(in, rows, r->s->size.width, gain_bias[0], gain_bias[1], r->s->size.eps, out);
}

/* Attention of every sequence into h; with only_row the rows of h and x are packed to [b, width]. */
static size_t attend(const struct run *r, ptrdiff_t only_row)
{
    size_t d = r->s->size.width, n = r->n, kept = only_row < 0 ? n : 1;
    for (size_t i = 0; i < r->b; i++) {
        attention(r->wide + i * n * 3 * d, n, d, r->s->size.heads, r->s->causal, only_row,
                  r->h + i * kept * d, r->att, r->pool);
        if (only_row >= 0)
            memmove(r->x + i * d, r->x + (i * n + (size_t)only_row) * d, d * sizeof(float));
    }
    return r->b * kept;
}

static void block_pre_norm(const struct run *r, const struct block *b, ptrdiff_t only_row)
{
    size_t d = r->s->size.width, hidden = r->s->size.hidden, rows = r->b * r->n;
    norm(r, b->ln1, r->x, rows, r->h);
    linear_apply(b->qkv, r->h, d, rows, ACT_NONE, NULL, r->wide, 3 * d, r->pool);
    rows = attend(r, only_row);
    linear_apply(b->out, r->h, d, rows, ACT_NONE, r->x, r->x, d, r->pool);
    norm(r, b->ln2, r->x, rows, r->h);
    linear_apply(b->fc1, r->h, d, rows, r->s->size.act, NULL, r->wide, hidden, r->pool);
    linear_apply(b->fc2, r->wide, hidden, rows, ACT_NONE, r->x, r->x, d, r->pool);
}

static void block_post_norm(const struct run *r, const struct block *b, ptrdiff_t only_row)
{
    size_t d = r->s->size.width, hidden = r->s->size.hidden, rows = r->b * r->n;
    linear_apply(b->qkv, r->x, d, rows, ACT_NONE, NULL, r->wide, 3 * d, r->pool);
    rows = attend(r, only_row);
    linear_apply(b->out, r->h, d, rows, ACT_NONE, r->x, r->x, d, r->pool);
    norm(r, b->ln1, r->x, rows, r->x);
    linear_apply(b->fc1, r->x, d, rows, r->s->size.act, NULL, r->wide, hidden, r->pool);
    linear_apply(b->fc2, r->wide, hidden, rows, ACT_NONE, r->x, r->x, d, r->pool);
    norm(r, b->ln2, r->x, rows, r->x);
}

void stack_run(const struct stack *s, float *x, size_t b, size_t n, ptrdiff_t only_row,
               float *scratch, struct pool *pool)
{
    size_t rows = b * n;
    struct run r = {.s = s, .x = x, .h = scratch, .b = b, .n = n, .pool = pool};
    r.wide = r.h + rows * s->size.width;
    r.att = r.wide + rows * wide_width(s);
    for (size_t i = 0; i < s->size.layers; i++) {
        ptrdiff_t row = i + 1 == s->size.layers ? only_row : -1;
        if (s->post_norm)
            block_post_norm(&r, &s->blocks[i], row);
        else
            block_pre_norm(&r, &s->blocks[i], row);
    }
}
