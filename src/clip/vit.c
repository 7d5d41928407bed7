/* vit.c - the Vision Transformer image tower as open_clip builds it.
 *
 * Patches are gathered so that the strided convolution is one matrix product, to which the position table is added
 * as its residual. Rows of a picture: the class token, then the patches, row by row of the picture. */
#include "base/buf.h"
#include "clip/block.h"
#include "clip/tower.h"

struct vit {
    size_t dim, width, patch, image_w, image_h, grid_w, grid_h, rows;
    float mean[3], std[3];
    bool norm_after_pool;
    enum config_pool pool;
    float eps;
    struct linear *patches;        /* [width, patch * patch * 3] */
    float *class_row;              /* [width]: class token + its position */
    float *positions;              /* [rows, width] */
    float *ln_pre[2], *ln_post[2]; /* gain, bias; ln_pre may be NULL */
    struct stack *stack;
    struct linear *proj; /* [dim, width] */
};

struct vit *vit_new(struct weights *w, const struct config *c)
{
    struct vit *v = w->code ? NULL : mem_calloc(1, sizeof(*v), w->err);
    if (!v) {
        w->code = w->code ? w->code : EYE_ENOMEM;
        return NULL;
    }
    const struct config_image *i = &c->image;
    const struct names_vit *names = &w->names->vit;
    *v = (struct vit){.dim = c->dim, .width = i->stack.width, .patch = i->patch};
    v->image_w = i->width;
    v->image_h = i->height;
    v->grid_w = i->width / i->patch;
    v->grid_h = i->height / i->patch;
    v->rows = v->grid_w * v->grid_h + 1;
    v->norm_after_pool = i->norm_after_pool;
    v->pool = i->pool;
    v->eps = i->stack.eps;
    memcpy(v->mean, c->mean, sizeof(v->mean));
    memcpy(v->std, c->std, sizeof(v->std));

    v->class_row = weights_vector(w, names->class_embedding, v->width);
    v->positions = weights_rows(w, names->positions, v->rows, v->width);
    if (v->class_row && v->positions)
        add_rows(v->class_row, v->positions, v->width);
    v->patches = weights_conv(w, names->patches, v->width, 3, v->patch, NULL, NULL);
    if (i->ln_pre)
        weights_norm(w, names->ln_pre, v->width, v->ln_pre);
    struct stack_options o = {.size = i->stack, .names = &names->block};
    v->stack = stack_new(w, &o);
    weights_norm(w, names->ln_post, v->width, v->ln_post);
    v->proj = weights_matrix(w, names->proj, v->dim, v->width, names->proj_transposed);
    if (w->code || w->check_only) {
        vit_free(v);
        return NULL;
    }
    return v;
}

void vit_free(struct vit *v)
{
    if (!v)
        return;
    linear_free(v->patches);
    linear_free(v->proj);
    stack_free(v->stack);
    free(v->class_row);
    free(v->positions);
    for (int k = 0; k < 2; k++) {
        free(v->ln_pre[k]);
        free(v->ln_post[k]);
    }
    free(v);
}

size_t vit_rows(const struct vit *v)
{
    return v->rows;
}

/* Pixels and gathered patches of one picture; they share the memory of the stack, which starts later. */
static size_t embed_scratch(const struct vit *v)
{
    return 3 * v->image_w * v->image_h + (v->rows - 1) * v->patch * v->patch * 3;
}

size_t vit_scratch(const struct vit *v, size_t b)
{
    size_t stack = stack_scratch(v->stack, b, v->rows), embed = embed_scratch(v);
    return b * v->rows * v->width + (stack > embed ? stack : embed);
}

/* One picture to x [rows, width]. */
static void embed(const struct vit *v, const struct image *image, float *x,
                  const struct tower_run *run, float *scratch)
{
    float *pixels = scratch, *patches = scratch + 3 * v->image_w * v->image_h;
    size_t p = v->patch;
    pixels_normalise(image->rgb, v->image_w * v->image_h, v->mean, v->std, pixels);
    const struct conv_shape shape = {.h = v->image_h,
                                     .w = v->image_w,
                                     .c = 3,
                                     .k = p,
                                     .stride = p,
                                     .oh = v->grid_h,
                                     .ow = v->grid_w};
    conv_im2col(pixels, &shape, patches);
    memcpy(x, v->class_row, v->width * sizeof(float));
    linear_apply(v->patches, patches, p * p * 3, v->rows - 1, ACT_NONE, v->positions + v->width,
                 x + v->width, v->width, run->pool);
    if (v->ln_pre[0])
        layer_norm(x, v->rows, v->width, v->ln_pre[0], v->ln_pre[1], v->eps, x);
}

static void norm_post(const struct vit *v, float *x, size_t rows)
{
    layer_norm(x, rows, v->width, v->ln_post[0], v->ln_post[1], v->eps, x);
}

/* x [b * rows, width] to its first b rows: the mean over the patches of each picture. */
static void pool_mean(const struct vit *v, float *x, size_t b, float *mean)
{
    if (!v->norm_after_pool)
        norm_post(v, x, b * v->rows);
    for (size_t i = 0; i < b; i++) {
        mean_rows(x + (i * v->rows + 1) * v->width, v->rows - 1, v->width, mean);
        memcpy(x + i * v->width, mean, v->width * sizeof(float));
    }
    if (v->norm_after_pool)
        norm_post(v, x, b);
}

void vit_run(const struct vit *v, const struct image *images, size_t b, float *out,
             const struct tower_run *run)
{
    bool first = v->pool == CONFIG_POOL_FIRST;
    float *x = run->scratch, *scratch = x + b * v->rows * v->width;
    for (size_t i = 0; i < b; i++)
        embed(v, &images[i], x + i * v->rows * v->width, run, scratch);
    stack_run(v->stack, x, b, v->rows, first ? 0 : -1, scratch, run->pool);
    if (first)
        norm_post(v, x, b);
    else
        pool_mean(v, x, b, scratch);
    linear_apply(v->proj, x, v->width, b, ACT_NONE, NULL, out, v->dim, run->pool);
}
