/* attention.c - softmax(q k^T / sqrt(width)) v, a head at a time.
 *
 * A head's keys are packed like the weights of a product (panels of keys, transposed), its values
 * too (panels of columns); then some rows of queries at once go through the same tiles as
 * linear.c's: scores, softmax, sums of values. A row at a time with dot products was a tenth of
 * ViT-B/16's whole time.
 *
 * Scores are not normalised; the result is, being shorter. A causal block of rows stops at its
 * last row's key; scores past a row's own key become exact zeros, so each row's bits are what
 * they would be alone. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "tensor/panels.h"

enum { BLOCK_ROWS = 24 };

struct attention {
    const struct kernels *k;
    const float *qkv; /* [n, 3 d] */
    size_t n, d, heads, width;
    bool causal;
    ptrdiff_t only_row;
    float *out;     /* [n, d], or [1, d] */
    float *scratch; /* [slots, slot] */
    size_t slot;
    bool slot_per_head;
};

/* One head's buffers. */
struct head {
    const float *q, *k, *v; /* into qkv, row stride 3 d */
    float *keys;            /* [panels of keys, width, tile_cols] */
    float *values;          /* [panels of columns, keys, tile_cols] */
    float *scores;          /* [BLOCK_ROWS, score_ld] */
    size_t nkeys, score_ld;
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* A stride that is no multiple of 1 KiB, so that rows do not share the sets of a cache. */
static size_t score_stride(size_t n)
{
    size_t ld = round_up(n, TILE_COLS_MAX);
    return ld % 256 == 0 ? ld + 16 : ld;
}

static bool slot_size(size_t n, size_t width, size_t *out)
{
    size_t keys, values, scores;
    if (n > SIZE_MAX / 64 || width > SIZE_MAX / 64)
        return false;
    return size_mul(round_up(n, TILE_COLS_MAX), width, &keys) &&
           size_mul(n, round_up(width, TILE_COLS_MAX), &values) &&
           size_mul(BLOCK_ROWS, score_stride(n), &scores) && size_add(keys, values, out) &&
           size_add(*out, scores, out) && size_add(*out, 3 * 16, out);
}

size_t attention_scratch(size_t n, size_t d, size_t heads)
{
    size_t size;
    if (heads == 0 || !slot_size(n, d / heads, &size) || !size_mul(size, heads, &size) ||
        !size_add(size, 16, &size))
        return SIZE_MAX / sizeof(float); /* more than there is */
    return size;
}

/* Of `left` columns still to come: the next panel's width, half of the tile's if that suffices. */
static size_t panel_width(const struct attention *a, size_t left)
{
    size_t cols = a->k->tile_cols;
    return left <= cols / 2 ? cols / 2 : cols;
}

/* Each panel [width, its columns], the keys as columns; zeros past the last key. */
static void pack_keys(const struct attention *a, struct head *h)
{
    size_t cols = a->k->tile_cols, ld = 3 * a->d;
    for (size_t from = 0; from < h->nkeys; from += cols) {
        size_t left = h->nkeys - from, wide = panel_width(a, left),
               have = left < wide ? left : wide;
        float *panel = h->keys + from * a->width;
        if (have < wide)
            memset(panel, 0, wide * a->width * sizeof *panel);
        a->k->transpose(h->k + from * ld, ld, have, a->width, panel, wide);
    }
}

/* Lengths known to the compiler make a copy two instructions instead of a call. */
static inline void copy_row(float *to, const float *from, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        memcpy(to + i, from + i, 8 * sizeof *to);
    for (; i < n; i++)
        to[i] = from[i];
}

static void pack_values(const struct attention *a, struct head *h)
{
    size_t cols = a->k->tile_cols, ld = 3 * a->d;
    for (size_t from = 0; from < a->width; from += cols) {
        size_t left = a->width - from, wide = panel_width(a, left),
               have = left < wide ? left : wide;
        float *panel = h->values + from * h->nkeys;
        for (size_t j = 0; j < h->nkeys; j++) {
            copy_row(panel + j * wide, h->v + j * ld + from, have);
            for (size_t i = have; i < wide; i++)
                panel[j * wide + i] = 0.0F;
        }
    }
}

static const float zeros[TILE_COLS_MAX];

/* scores [rows, nkeys] of the queries at q */
static void score_rows(const struct attention *a, const struct head *h, const float *q, size_t rows,
                       size_t nkeys)
{
    size_t cols = a->k->tile_cols;
    for (size_t from = 0; from < nkeys; from += cols) {
        size_t wide = panel_width(a, h->nkeys - from); /* as packed: not only the keys seen */
        struct panel p = {.k = a->k, .rows = rows, .cols = wide, .width = wide};
        p.tile = (struct tile){.a = q,
                               .lda = 3 * a->d,
                               .b = h->keys + from * a->width,
                               .k = a->width,
                               .start = zeros,
                               .c = h->scores + from,
                               .ldc = h->score_ld};
        panel_run(&p);
    }
}

/* out [rows, width] = weights [rows, nkeys] times values */
static void sum_values(const struct attention *a, const struct head *h, size_t rows, size_t nkeys,
                       float *out)
{
    size_t cols = a->k->tile_cols;
    for (size_t from = 0; from < a->width; from += cols) {
        size_t left = a->width - from, wide = panel_width(a, left);
        struct panel p = {
            .k = a->k, .rows = rows, .cols = left < wide ? left : wide, .width = wide};
        p.tile = (struct tile){.a = h->scores,
                               .lda = h->score_ld,
                               .b = h->values + from * h->nkeys,
                               .k = nkeys,
                               .start = zeros,
                               .c = out + from,
                               .ldc = a->d};
        panel_run(&p);
    }
}

static void attend_block(const struct attention *a, const struct head *h, size_t row, size_t rows,
                         float *out)
{
    float scale = 1.0F / sqrtf((float)a->width);
    size_t nkeys = a->causal ? row + rows : h->nkeys;
    score_rows(a, h, h->q + row * 3 * a->d, rows, nkeys);
    float sum[BLOCK_ROWS];
    for (size_t r = 0; r < rows; r++) {
        size_t own = a->causal ? row + r + 1 : nkeys;
        sum[r] = a->k->softmax_exp(h->scores + r * h->score_ld, own, nkeys, scale);
    }
    sum_values(a, h, rows, nkeys, out);
    for (size_t r = 0; r < rows; r++)
        a->k->scale(out + r * a->d, a->width, 1.0F / sum[r]);
}

static float *aligned(float *p)
{
    return (float *)(void *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
}

static void attend_head(void *ctx, size_t head, int worker)
{
    const struct attention *a = ctx;
    size_t slot = a->slot_per_head ? head : (size_t)worker;
    const float *at = a->qkv + head * a->width;
    float *out = a->out + head * a->width;
    struct head h = {.q = at, .k = at + a->d, .v = at + 2 * a->d};
    h.nkeys = a->causal && a->only_row >= 0 ? (size_t)a->only_row + 1 : a->n;
    h.score_ld = score_stride(a->n);
    h.keys = aligned(a->scratch + slot * a->slot);
    h.values = aligned(h.keys + round_up(a->n, TILE_COLS_MAX) * a->width);
    h.scores = aligned(h.values + a->n * round_up(a->width, TILE_COLS_MAX));
    pack_keys(a, &h);
    pack_values(a, &h);
    if (a->only_row >= 0) {
        attend_block(a, &h, (size_t)a->only_row, 1, out);
        return;
    }
    assert(a->n > 0);
    size_t blocks = (a->n + BLOCK_ROWS - 1) / BLOCK_ROWS;
    size_t each = a->n / blocks, more = a->n % blocks, row = 0;
    for (size_t b = 0; b < blocks; b++) {
        size_t rows = each + (b < more);
        attend_block(a, &h, row, rows, out + row * a->d);
        row += rows;
    }
}

void attention(const float *qkv, size_t n, size_t d, size_t heads, bool causal, ptrdiff_t only_row,
               float *out, float *scratch, struct pool *pool)
{
    struct attention a = {.k = kernels_now(),
                          .qkv = qkv,
                          .n = n,
                          .d = d,
                          .heads = heads,
                          .causal = causal,
                          .only_row = only_row,
                          .out = out,
                          .scratch = scratch};
    if (n == 0 || heads == 0 || d / heads == 0 || !slot_size(n, d / heads, &a.slot))
        return;
    a.width = d / heads;
    a.slot_per_head = (size_t)pool_threads(pool) > heads;
    pool_run(pool, heads, attend_head, &a);
}
