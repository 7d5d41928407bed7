/* panels.h - running a block of rows against one packed panel; shared by linear.c and
 * attention.c. */
#ifndef TENSOR_PANELS_H
#define TENSOR_PANELS_H

#include "tensor/kernels.h"

/* rows x cols of a product; `tile` describes the first row, its `ahead` the panel that comes
 * next. */
struct panel {
    const struct kernels *k;
    struct tile tile; /* finish, lo, hi, residual: filled by panel_run from act and `last` */
    size_t rows;
    size_t cols;  /* wanted, <= width */
    size_t width; /* of the panel: k->tile_cols or half of it */
    bool f16;     /* what b holds */
    bool last;    /* the sums are complete: act and residual apply */
    enum act act;
    const float *residual; /* like tile.residual */
    size_t ahead_bytes;    /* at tile.ahead */
};
void panel_run(const struct panel *p);

#endif
