/* linear.h - how a packed matrix lies in memory; internal to tensor/ (pack.c writes, linear.c
 * reads). */
#ifndef TENSOR_LINEAR_H
#define TENSOR_LINEAR_H

#include "tensor/kernels.h"

/* n_in is cut into blocks of `depth` (the last may be shorter), n_out into panels of
 * k->tile_cols columns (the last is half as wide if that suffices). A block holds all its panels
 * one after the other, a panel its columns' weights step by step [depth, width]: what a product
 * reads is one ascending stream. */
struct linear {
    const struct kernels *k;
    size_t n_in, n_out;
    size_t n_padded; /* columns of all panels */
    size_t panels, blocks, depth;
    bool f16;
    void *weights; /* f16: uint16_t, else float; aligned to 64 */
    float *bias;   /* [n_padded], zeros where there is none */
    size_t bytes;
};

enum { DEPTH_MAX = 384 };

static inline size_t linear_block_depth(const struct linear *l, size_t block)
{
    size_t left = l->n_in - block * l->depth;
    return left < l->depth ? left : l->depth;
}

static inline size_t linear_panel_width(const struct linear *l, size_t panel)
{
    size_t left = l->n_padded - panel * l->k->tile_cols;
    return left < l->k->tile_cols ? left : l->k->tile_cols;
}

/* Where the panel's weights of a block begin, in numbers. */
static inline size_t linear_offset(const struct linear *l, size_t block, size_t panel)
{
    return block * l->depth * l->n_padded + panel * l->k->tile_cols * linear_block_depth(l, block);
}

#endif
