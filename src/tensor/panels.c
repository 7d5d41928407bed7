/* panels.c - a block of rows against one packed panel, tile by tile.
 *
 * Rows are split evenly over tiles (50 = 2 x 6 + 4 x 5 + ...; never 8 x 6 + 2): a tile of two
 * rows waits for its own sums. Clamping activations and residuals are done by the tile in
 * registers; the GELUs, and panels whose columns are not all wanted, go through a small buffer
 * that stays in the first cache. */
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

static tile_fn *kernel_for(const struct panel *p, size_t rows)
{
    tile_fn *const(*table)[TILE_ROWS_MAX] = p->f16 ? p->k->tile_f16 : p->k->tile_f32;
    return table[p->width == p->k->tile_cols][rows - 1];
}

static void run_aside(const struct panel *p, const struct tile *t, size_t rows)
{
    float sum[TILE_ROWS_MAX * TILE_COLS_MAX];
    struct tile one = *t, aside = *t;
    aside.tiles = 1;
    aside.c = sum;
    aside.ldc = p->width;
    aside.finish = false;
    for (size_t i = 0; i < t->tiles; i++) {
        aside.ahead_tiles = i < t->ahead_tiles;
        kernel_for(p, rows)(&aside);
        finish_rows(p, &one, rows, sum);
        aside.a += rows * t->lda;
        aside.start += rows * t->start_ld;
        aside.ahead += t->k / TILE_AHEAD_EVERY * 64;
        one.c += rows * t->ldc;
        if (one.residual)
            one.residual += rows * t->ldc;
    }
}

/* Move t past its tiles. */
static void step_down(struct tile *t, size_t rows)
{
    size_t down = t->tiles * rows;
    t->a += down * t->lda;
    t->start += down * t->start_ld;
    t->c += down * t->ldc;
    if (t->residual)
        t->residual += down * t->ldc;
    t->ahead +=
        (t->ahead_tiles < t->tiles ? t->ahead_tiles : t->tiles) * (t->k / TILE_AHEAD_EVERY) * 64;
    t->ahead_tiles -= t->ahead_tiles < t->tiles ? t->ahead_tiles : t->tiles;
}

void panel_run(const struct panel *p)
{
    struct tile t = p->tile;
    bool clamps = act_clamps(p->act, &t.lo, &t.hi);
    bool direct = p->cols == p->width && (clamps || !p->last);
    size_t tiles = (p->rows + p->k->tile_rows - 1) / p->k->tile_rows;
    size_t rows = p->rows / tiles, taller = p->rows % tiles; /* `taller` tiles have a row more */
    size_t fetched = t.k / TILE_AHEAD_EVERY * 64;            /* by one tile */
    t.finish = p->last;
    t.residual = p->residual;
    t.ahead_tiles = t.ahead && fetched ? p->ahead_bytes / fetched : 0;
    if (!t.ahead)
        t.ahead = t.b;
    for (int pass = 0; pass < 2; pass++) {
        size_t high = rows + (pass == 0);
        t.tiles = pass == 0 ? taller : tiles - taller;
        if (t.tiles == 0)
            continue;
        if (direct)
            kernel_for(p, high)(&t);
        else
            run_aside(p, &t, high);
        step_down(&t, high);
    }
}
