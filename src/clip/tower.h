/* tower.h - the four towers. Each is packed once from its weights and read-only afterwards; scratch is the
 * caller's. Constructors return NULL after a failure (w->code) and in check-only mode. Outputs are not normalised. */
#ifndef CLIP_TOWER_H
#define CLIP_TOWER_H

#include "base/pool.h"
#include "clip/config.h"
#include "clip/weights.h"
#include "image/image.h"

/* What an image tower works with: pictures and scratch. */
struct tower_run {
    float *scratch; /* [*_scratch()] */
    struct pool *pool;
};

struct vit;
struct vit *vit_new(struct weights *w, const struct config *c);
void vit_free(struct vit *v);
size_t vit_rows(const struct vit *v); /* rows of a matrix product that one picture brings */
size_t vit_scratch(const struct vit *v, size_t b);
/* b pictures of the configured size to out [b, dim]. */
void vit_run(const struct vit *v, const struct image *images, size_t b, float *out,
             const struct tower_run *run);

struct efficientnet;
struct efficientnet *efficientnet_new(struct weights *w, const struct config *c);
void efficientnet_free(struct efficientnet *e);
size_t efficientnet_scratch(const struct efficientnet *e);
void efficientnet_run(const struct efficientnet *e, const struct image *image, float *out,
                      const struct tower_run *run);

struct text_clip;
struct text_clip *text_clip_new(struct weights *w, const struct config *c);
void text_clip_free(struct text_clip *t);
size_t text_clip_scratch(const struct text_clip *t);
/* ids: [context], padded, each below the vocabulary's size. out: [dim] */
void text_clip_run(const struct text_clip *t, const int *ids, float *out,
                   const struct tower_run *run);

struct bert;
struct bert *bert_new(struct weights *w, const struct config *c);
void bert_free(struct bert *t);
size_t bert_scratch(const struct bert *t);
/* ids: [n] without the padding at the end, n <= context. */
void bert_run(const struct bert *t, const int *ids, size_t n, float *out,
              const struct tower_run *run);

#endif
