/* panels.c - a block of rows against one packed panel, tile by tile.
 *
 * Rows are split evenly over tiles (50 = 2 x 6 + 4 x 5 + ...; never 8 x 6 + 2): a tile of two rows waits
 * for its own sums. Clamping activations and residuals are done by the tile in registers; the GELUs, and panels
 * whose columns are not all wanted, go through a small buffer that stays in the first cache. */
#include "tensor/panels.h"

#include <string.h>

/* The slow way out: act on the sums in `sum` [rows, width], then to c. */
static void finish_rows(const struct panel *p, const struct tile *t, size_t rows, float *sum)
{
    if (p->last)
        p->k->act(sum, rows * p->width, p->act);
    for (size_t r = 0; r < rows; r++) {
        float *row = sum + r * p->width;
        if (p->last && t->residual)
            p->k->add(row, t->residual + r * t->ldc, p->cols);
        memcpy(t->c + r * t->ldc, row, p->cols * sizeof *row);
    }
}

static void run_tile(const struct panel *p, const struct tile *t, size_t rows, bool direct)
{
    tile_fn *const(*table)[TILE_ROWS_MAX] = p->f16 ? p->k->tile_f16 : p->k->tile_f32;
    tile_fn *run = table[p->width == p->k->tile_cols][rows - 1];
    if (direct) {
        run(t);
        return;
    }
    float sum[TILE_ROWS_MAX * TILE_COLS_MAX];
    struct tile aside = *t;
    aside.c = sum;
    aside.ldc = p->width;
    aside.finish = false;
    run(&aside);
    finish_rows(p, t, rows, sum);
}

void panel_run(const struct panel *p)
{
    struct tile t = p->tile;
    bool clamps = act_clamps(p->act, &t.lo, &t.hi);
    bool direct = p->cols == p->width && (clamps || !p->last);
    size_t tiles = (p->rows + p->k->tile_rows - 1) / p->k->tile_rows;
    size_t each = p->rows / tiles, more = p->rows % tiles; /* `more` tiles have a row more */
    size_t fetch = (t.k / 4) * 64, left = t.ahead ? p->ahead_bytes : 0;
    t.finish = p->last;
    t.residual = p->residual;
    if (!t.ahead)
        t.ahead = t.b;
    for (size_t i = 0; i < tiles; i++) {
        size_t rows = each + (i < more);
        t.ahead_step = left >= fetch && fetch > 0 ? 64 : 0;
        run_tile(p, &t, rows, direct);
        t.a += rows * t.lda;
        t.c += rows * t.ldc;
        t.start += rows * t.start_ld;
        if (t.residual)
            t.residual += rows * t.ldc;
        if (t.ahead_step) {
            t.ahead += fetch;
            left -= fetch;
        }
    }
}
