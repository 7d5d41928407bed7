/* efficientnet.c - timm's tf_efficientnet_lite0..4 as image tower, with open_clip's head.
 *
 * The blocks are found in the tensor names; only the strides of the seven stages, which no tensor tells, are written here.
 * TensorFlow's SAME padding (the odd row and column at the bottom and right), batch norms (eps 1e-3) folded into
 * the convolutions, ReLU6. All is NHWC, so that a 1x1 convolution is a matrix product over the pixels. One picture at a time
 * goes through three buffers: block input and output (in place: the sum of a residual block is the product's epilogue),
 * expanded, filtered. */
#include <math.h>

#include "base/buf.h"
#include "clip/tower.h"

enum { STAGES = 7, STAGE_BLOCKS_MAX = 64, CHANNELS_MAX = 16384, STEM_KERNEL = 3 };
static const size_t stage_stride[STAGES] = {1, 2, 2, 2, 1, 2, 1};
static const float bn_eps = 1e-3F;

struct effblock {
    size_t in, mid, out, kernel, stride;
    size_t h, w;           /* of its input */
    struct linear *expand; /* [mid, in]; NULL: first stage, no expansion */
    struct depthwise *filter;
    struct linear *project; /* [out, mid] */
};

struct efficientnet {
    size_t width, height, stem_channels, features, dim, hidden;
    float mean[3], std[3];
    struct linear *stem; /* [stem_channels, 3 * 3 * 3] */
    struct linear *last; /* [features, channels of the last block] */
    struct linear *head1, *head2;
    size_t nblocks, a, b, c; /* floats of the three buffers */
    struct effblock blocks[STAGES * STAGE_BLOCKS_MAX];
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

struct fold {
    float *scale, *shift; /* [n]: y = scale * x + shift */
};

static struct fold load_bn(struct weights *w, const char *name, size_t n)
{
    struct fold f = {NULL, NULL};
    float *gain_bias[2], *mean, *var;
    char full[64];
    weights_norm(w, name, n, gain_bias);
    snprintf(full, sizeof(full), "%s.running_mean", name);
    mean = weights_vector(w, full, n);
    snprintf(full, sizeof(full), "%s.running_var", name);
    var = weights_vector(w, full, n);
    if (!w->code && !w->check_only) {
        for (size_t i = 0; i < n; i++) {
            gain_bias[0][i] /= sqrtf(var[i] + bn_eps);
            gain_bias[1][i] -= mean[i] * gain_bias[0][i];
        }
        f = (struct fold){gain_bias[0], gain_bias[1]};
        gain_bias[0] = gain_bias[1] = NULL;
    }
    free(gain_bias[0]);
    free(gain_bias[1]);
    free(mean);
    free(var);
    return f;
}

static struct linear *load_conv(struct weights *w, const char *conv, const char *bn, size_t n_out,
                                size_t n_in, size_t k)
{
    struct fold f = load_bn(w, bn, n_out);
    struct linear *l = weights_conv(w, conv, n_out, n_in, k, f.scale, f.shift);
    free(f.scale);
    free(f.shift);
    return l;
}

/* A side of a convolution's weight that the names alone do not tell. */
static size_t channels_of(struct weights *w, const char *name, int side)
{
    struct tensor t;
    if (!weights_tensor(w, name, 4, (const size_t[]){0, 0, 0, 0}, &t))
        return 1;
    if (t.shape[side] < 1 || t.shape[side] > CHANNELS_MAX)
        weights_fail(w, name, "has an impossible number of channels");
    return t.shape[side];
}

static void load_filter(struct weights *w, struct effblock *b, const char *bn)
{
    struct tensor t;
    b->mid = channels_of(w, "conv_dw.weight", 0);
    b->kernel = channels_of(w, "conv_dw.weight", 2);
    if (!w->code && (b->kernel % 2 == 0 || b->kernel > 7))
        weights_fail(w, "conv_dw.weight", "has an unusual kernel size");
    struct fold f = load_bn(w, bn, b->mid);
    if (weights_tensor(w, "conv_dw.weight", 4, (const size_t[]){b->mid, 1, b->kernel, b->kernel},
                       &t) &&
        !w->check_only) {
        b->filter = depthwise_new(&t, f.scale, f.shift, w->err);
        if (!b->filter)
            w->code = w->err ? w->err->code : EYE_ENOMEM;
    }
    free(f.scale);
    free(f.shift);
}

static void load_block(struct weights *w, struct effblock *b)
{
    if (weights_has(w, "conv_pwl.weight")) {
        load_filter(w, b, "bn2");
        b->out = channels_of(w, "conv_pwl.weight", 0);
        b->expand = load_conv(w, "conv_pw.weight", "bn1", b->mid, b->in, 1);
        b->project = load_conv(w, "conv_pwl.weight", "bn3", b->out, b->mid, 1);
    } else {
        load_filter(w, b, "bn1");
        b->out = channels_of(w, "conv_pw.weight", 0);
        b->project = load_conv(w, "conv_pw.weight", "bn2", b->out, b->mid, 1);
        if (!w->code && b->mid != b->in)
            weights_fail(w, "conv_dw.weight", "does not continue the block before it");
    }
}

/* All blocks, and how large the buffers must be for a picture of the configured size. */
static void load_blocks(struct weights *w, struct efficientnet *e)
{
    size_t c = e->stem_channels, h = conv_out_same(e->height, 2), x = conv_out_same(e->width, 2);
    e->a = h * x * c;
    e->b = h * x * STEM_KERNEL * STEM_KERNEL * 3;
    e->c = e->height * e->width * 3;
    for (size_t s = 0; s < STAGES && !w->code; s++) {
        for (size_t i = 0; i <= STAGE_BLOCKS_MAX && !w->code; i++) {
            weights_prefix(w, "visual.trunk.blocks.%zu.%zu.", s, i);
            if (i > 0 && !weights_has(w, "conv_dw.weight"))
                break;
            if (i == STAGE_BLOCKS_MAX) {
                weights_fail(w, "conv_dw.weight", "is one block too many");
                break;
            }
            struct effblock *b = &e->blocks[e->nblocks++];
            *b = (struct effblock){.in = c, .stride = i == 0 ? stage_stride[s] : 1, .h = h, .w = x};
            load_block(w, b);
            e->b = larger(e->b, h * x * b->mid);
            h = conv_out_same(h, b->stride);
            x = conv_out_same(x, b->stride);
            c = b->out;
            e->c = larger(e->c, h * x * b->mid);
            e->a = larger(e->a, h * x * c);
        }
    }
    weights_prefix(w, "%s", "visual.trunk.");
    e->features = channels_of(w, "conv_head.weight", 0);
    e->last = load_conv(w, "conv_head.weight", "bn2", e->features, c, 1);
    e->b = larger(e->b, h * x * e->features);
    e->c = larger(e->c, e->features + 2 * e->dim);
    weights_prefix(w, "%s", "");
}

static void load_head(struct weights *w, struct efficientnet *e, const struct config_image *i)
{
    switch (i->proj) {
    case CONFIG_PROJ_LINEAR:
        e->head1 = weights_linear(w, "visual.head.proj", e->dim, e->features, i->proj_bias, NULL);
        break;
    case CONFIG_PROJ_MLP:
        e->hidden = 2 * e->dim;
        e->head1 = weights_linear(w, "visual.head.mlp.fc1", e->hidden, e->features, true, NULL);
        e->head2 = weights_linear(w, "visual.head.mlp.fc2", e->dim, e->hidden, i->proj_bias, NULL);
        break;
    case CONFIG_PROJ_CLASSIFIER:
        e->head1 = weights_linear(w, "visual.trunk.classifier", e->dim, e->features, true, NULL);
        break;
    default:
        if (!w->code && e->features != e->dim)
            weights_fail(w, "visual.trunk.conv_head.weight",
                         "does not give embed_dim numbers although there is no projection");
    }
}

struct efficientnet *efficientnet_new(struct weights *w, const struct config *c)
{
    struct efficientnet *e = w->code ? NULL : mem_calloc(1, sizeof(*e), w->err);
    if (!e) {
        w->code = w->code ? w->code : EYE_ENOMEM;
        return NULL;
    }
    e->width = c->image.width;
    e->height = c->image.height;
    e->dim = c->dim;
    memcpy(e->mean, c->mean, sizeof(e->mean));
    memcpy(e->std, c->std, sizeof(e->std));
    weights_prefix(w, "%s", "visual.trunk.");
    e->stem_channels = channels_of(w, "conv_stem.weight", 0);
    e->stem = load_conv(w, "conv_stem.weight", "bn1", e->stem_channels, 3, STEM_KERNEL);
    load_blocks(w, e);
    load_head(w, e, &c->image);
    if (w->code || w->check_only) {
        efficientnet_free(e);
        return NULL;
    }
    return e;
}

void efficientnet_free(struct efficientnet *e)
{
    for (size_t i = 0; e && i < e->nblocks; i++) {
        linear_free(e->blocks[i].expand);
        depthwise_free(e->blocks[i].filter);
        linear_free(e->blocks[i].project);
    }
    if (e) {
        linear_free(e->stem);
        linear_free(e->last);
        linear_free(e->head1);
        linear_free(e->head2);
    }
    free(e);
}

size_t efficientnet_scratch(const struct efficientnet *e)
{
    return e->a + e->b + e->c;
}

/* Pixels to a [oh, ow, stem_channels]. */
static void run_stem(const struct efficientnet *e, const struct image *image, float *a, float *b,
                     float *c, struct pool *pool)
{
    const struct conv_shape s = conv_shape_same(e->height, e->width, 3, STEM_KERNEL, 2);
    pixels_normalise(image->rgb, e->width * e->height, e->mean, e->std, c);
    conv_im2col(c, &s, b);
    linear_apply(e->stem, b, STEM_KERNEL * STEM_KERNEL * 3, s.oh * s.ow, ACT_RELU6, NULL, a,
                 e->stem_channels, pool);
}

static void run_block(const struct effblock *k, float *a, float *b, float *c, struct pool *pool)
{
    const struct conv_shape s = conv_shape_same(k->h, k->w, k->mid, k->kernel, k->stride);
    bool residual = k->stride == 1 && k->in == k->out;
    const float *x = a;
    if (k->expand) {
        linear_apply(k->expand, a, k->in, k->h * k->w, ACT_RELU6, NULL, b, k->mid, pool);
        x = b;
    }
    depthwise_apply(k->filter, x, &s, ACT_RELU6, c, pool);
    linear_apply(k->project, c, k->mid, s.oh * s.ow, ACT_NONE, residual ? a : NULL, a, k->out,
                 pool);
}

void efficientnet_run(const struct efficientnet *e, const struct image *image, float *out,
                      const struct tower_run *run)
{
    float *a = run->scratch, *b = a + e->a, *c = b + e->b;
    run_stem(e, image, a, b, c, run->pool);
    for (size_t i = 0; i < e->nblocks; i++)
        run_block(&e->blocks[i], a, b, c, run->pool);
    const struct effblock *k = &e->blocks[e->nblocks - 1];
    size_t rows = conv_out_same(k->h, k->stride) * conv_out_same(k->w, k->stride);
    linear_apply(e->last, a, k->out, rows, ACT_RELU6, NULL, b, e->features, run->pool);
    mean_rows(b, rows, e->features, c);
    float *hidden = c + e->features;
    if (e->head2) {
        linear_apply(e->head1, c, e->features, 1, ACT_GELU, NULL, hidden, e->hidden, run->pool);
        linear_apply(e->head2, hidden, e->hidden, 1, ACT_NONE, NULL, out, e->dim, run->pool);
    } else if (e->head1) {
        linear_apply(e->head1, c, e->features, 1, ACT_NONE, NULL, out, e->dim, run->pool);
    } else {
        memcpy(out, c, e->dim * sizeof(float));
    }
}
