/* linear.c - y = act(x W^T + b) + residual over packed weights.
 *
 * The output is cut into pieces of some rows by some panels; a piece is one thread's work from end
 * to end. Within it, n_in goes block by block, so that a panel's block (24 KiB) stays in the first
 * cache while all rows pass, and sums between blocks wait in a buffer. Each sum is one chain in
 * order of n_in that starts at the bias: neither the cut nor the neighbours of a row change a bit
 * of it.
 *
 * Rows of x are read where they are. Copying a block's rows to a kinder stride first (n_in 3072
 * puts the rows of a tile into one set of the first cache) was tried and dropped: 90 % of peak
 * against 93 % without. */
#include <string.h>

#include "tensor/linear.h"
#include "tensor/panels.h"

enum {
    PIECE_ROWS = 96,
    PIECE_COLS = 256, /* when n_in has several blocks: what `sums` has room for */
};

struct product {
    const struct linear *l;
    const float *x; /* [m, n_in], row stride ldx */
    size_t ldx, m;
    enum act act;
    const float *residual;
    float *y; /* [m, n_out], row stride ldy */
    size_t ldy;
    size_t row_pieces, col_pieces; /* the cut */
};

/* What one piece covers, and its buffers. */
struct piece {
    size_t row, rows; /* of x and y */
    size_t panel, panel_end;
    float *sums; /* [panels, rows, tile_cols]; unused if there is one block */
};

/* Share i of n things cut into `pieces` as evenly as can be: from *from to *end. */
static void share(size_t n, size_t pieces, size_t i, size_t *from, size_t *end)
{
    size_t each = n / pieces, more = n % pieces;
    *from = i * each + (i < more ? i : more);
    *end = *from + each + (i < more);
}

static void run_panel(const struct product *g, const struct piece *w, size_t block, size_t panel)
{
    const struct linear *l = g->l;
    size_t size = l->f16 ? 2 : 4, cols = l->k->tile_cols, col = panel * cols;
    size_t depth = linear_block_depth(l, block), width = linear_panel_width(l, panel);
    bool first = block == 0, last = block + 1 == l->blocks;
    float *sums = w->sums ? w->sums + (panel - w->panel) * w->rows * cols : NULL;
    struct panel p = {
        .k = l->k, .rows = w->rows, .width = width, .f16 = l->f16, .last = last, .act = g->act};
    p.tile.a = g->x + w->row * g->ldx + block * l->depth;
    p.tile.lda = g->ldx;
    p.tile.b = (const char *)l->weights + linear_offset(l, block, panel) * size;
    p.tile.k = depth;
    p.tile.start = first ? l->bias + col : sums;
    p.tile.start_ld = first ? 0 : width;
    p.tile.c = last ? g->y + w->row * g->ldy + col : sums;
    p.tile.ldc = last ? g->ldy : width;
    p.cols = last && l->n_out - col < width ? l->n_out - col : width;
    if (last && g->residual)
        p.residual = g->residual + w->row * g->ldy + col;
    if (panel + 1 < w->panel_end) {
        p.tile.ahead = (const char *)p.tile.b + depth * width * size;
        p.ahead_bytes = depth * linear_panel_width(l, panel + 1) * size;
    } else if (!last) {
        p.tile.ahead = (const char *)l->weights + linear_offset(l, block + 1, w->panel) * size;
        p.ahead_bytes = linear_block_depth(l, block + 1) * linear_panel_width(l, w->panel) * size;
    }
    panel_run(&p);
}

static void run_piece(const struct product *g, const struct piece *w)
{
    for (size_t block = 0; block < g->l->blocks; block++)
        for (size_t panel = w->panel; panel < w->panel_end; panel++)
            run_panel(g, w, block, panel);
}

/* The buffer is on the stack, so that a product needs no memory from anyone: 96 KiB, only where
 * used. */
static __attribute__((noinline)) void run_summed(const struct product *g, const struct piece *w)
{
    float sums[PIECE_ROWS * PIECE_COLS] __attribute__((aligned(64)));
    struct piece summed = *w;
    summed.sums = sums;
    run_piece(g, &summed);
}

static void piece(void *ctx, size_t i, int worker)
{
    const struct product *g = ctx;
    const struct linear *l = g->l;
    struct piece w = {0};
    size_t from, end, tile = l->k->tile_rows;
    (void)worker;
    share((g->m + tile - 1) / tile, g->row_pieces, i / g->col_pieces, &from, &end);
    w.row = from * tile;
    w.rows = (end * tile < g->m ? end * tile : g->m) - w.row;
    share(l->panels, g->col_pieces, i % g->col_pieces, &w.panel, &w.panel_end);
    if (l->blocks > 1)
        run_summed(g, &w);
    else
        run_piece(g, &w);
}

/* Pieces as large as the buffers allow, but enough of them that threads end together. */
static void cut(struct product *g, size_t threads)
{
    const struct linear *l = g->l;
    size_t tile = l->k->tile_rows, tiles = (g->m + tile - 1) / tile, most = PIECE_ROWS / tile;
    g->row_pieces = (tiles + most - 1) / most;
    g->col_pieces = 1;
    if (l->blocks > 1) {
        size_t panels = PIECE_COLS / l->k->tile_cols;
        g->col_pieces = (l->panels + panels - 1) / panels;
    }
    if (threads == 1)
        return;
    size_t want = 3 * threads;
    if (g->row_pieces * g->col_pieces < want) {
        size_t cols = (want + g->row_pieces - 1) / g->row_pieces;
        cols = cols > l->panels ? l->panels : cols;
        g->col_pieces = cols > g->col_pieces ? cols : g->col_pieces;
    }
    if (g->row_pieces * g->col_pieces < want && tiles > g->row_pieces) {
        size_t rows = (want + g->col_pieces - 1) / g->col_pieces;
        g->row_pieces = rows > tiles ? tiles : rows;
    }
}

void linear_apply(const struct linear *l, const float *x, size_t ldx, size_t m, enum act act,
                  const float *residual, float *y, size_t ldy, struct pool *pool)
{
    if (m == 0)
        return;
    struct product g = {
        .l = l, .x = x, .ldx = ldx, .m = m, .act = act, .residual = residual, .y = y, .ldy = ldy};
    cut(&g, (size_t)pool_threads(pool));
    pool_run(pool, g.row_pieces * g.col_pieces, piece, &g);
}
