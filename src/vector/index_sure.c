/* index_sure.c - rules out by codes what cannot be among the results, so that an exact search of many rows reads few of them.
 *
 * A filter that passes half of a million rows must give exactly what is best among them; reading their int8 rows is 264 MB. But an
 * estimate by codes is off by a known amount: the row's part that its signs do not tell points anywhere, so its product with the
 * query has a deviation of  sqrt(1 - c^2) / c * |r| |q| / sqrt(D)  with c = <o, sign(o)>, which is  factor * sqrt(1 - c^2) * |q|,  and c is
 * close to sqrt(2 / pi) in a random rotation (Gao and Long, as in code.h). Seven of these, and eight of what rounding the tables
 * adds, are granted to each row; those that even so do not reach the k-th best of the candidates are out. The chance to lose a row by
 * that is one in 10^11 a result. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "vector/index_search.h"

enum { SLICE_BLOCKS = 128, GROUP_BLOCKS = 8 };

struct narrowing {
    const struct index_search *s;
    struct index_ask *a;
    code_scan_fn *kernel;
    size_t *slices; /* [nsegs + 1] the slice at which a segment begins */
    float margin;   /* times a row's factor: how far its estimate may be off */
};

static float margin_of(const struct index_ask *a)
{
    const float unknown = 0.6F; /* sqrt(1 - c^2) */
    float rounding = a->code.step * sqrtf((float)a->code.pdim / 4 / 12);
    return 7 * unknown * a->length + 8 * rounding;
}

/* Which of a block's rows reach `least` at best. */
static uint32_t reach(const float *est, const float *factors, float margin, float least)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < CODE_BLOCK; i++)
        bits |= (uint32_t)(est[i] + margin * factors[i] >= least) << i;
    return bits;
}

static void narrow_slice(void *ctx, size_t slice, int worker)
{
    const struct narrowing *n = ctx;
    (void)worker;
    size_t part = 0;
    while (slice >= n->slices[part + 1])
        part++;
    const struct vector_segment *seg = n->s->ix->parts[part].seg;
    const uint64_t *bits = index_bits_of(n->s, n->a, part);
    uint64_t *narrow = n->a->narrow + n->s->words[part]; /* a slice has words of its own */
    float least = n->a->cut - n->a->mean[part], est[GROUP_BLOCKS * CODE_BLOCK];
    uint32_t hits[GROUP_BLOCKS];
    least -= 1e-6F * (fabsf(n->a->cut) + fabsf(n->a->mean[part]));
    size_t block = (slice - n->slices[part]) * SLICE_BLOCKS;
    size_t end = seg->blocks - block < SLICE_BLOCKS ? seg->blocks : block + SLICE_BLOCKS;
    for (; block < end; block += GROUP_BLOCKS) {
        size_t some = end - block < GROUP_BLOCKS ? end - block : GROUP_BLOCKS;
        const float *factors = seg->factors + block * CODE_BLOCK;
        n->kernel(seg->codes + block * 4 * seg->pdim, factors, some, &n->a->code, INFINITY, est,
                  hits);
        for (size_t b = 0; b < some; b++) {
            uint64_t good = reach(est + b * CODE_BLOCK, factors + b * CODE_BLOCK, n->margin, least);
            size_t word = (block + b) / 2;
            narrow[word] |= (good << ((block + b) % 2 * 32)) & bits[word];
        }
    }
}

static int narrow(const struct index_search *s, struct index_ask *a, struct eye_err *err)
{
    struct narrowing n = {
        .s = s, .a = a, .kernel = code_scan_kernel(cpu_level()), .margin = margin_of(a)};
    int rc = index_threshold(a, &a->cut, err);
    if (rc || a->cut == -INFINITY) /* all of them, then */
        return rc;
    a->narrow = mem_calloc(s->words[s->ix->nsegs], sizeof *a->narrow, err);
    n.slices = mem_calloc(s->ix->nsegs + 1, sizeof *n.slices, err);
    if (a->narrow && n.slices) {
        for (size_t p = 0; p < s->ix->nsegs; p++)
            n.slices[p + 1] =
                n.slices[p] + (s->ix->parts[p].seg->blocks + SLICE_BLOCKS - 1) / SLICE_BLOCKS;
        pool_run(s->pool, n.slices[s->ix->nsegs], narrow_slice, &n);
    } else {
        rc = EYE_ENOMEM;
    }
    free(n.slices);
    return rc;
}

int index_narrow(struct index_search *s, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->nasks; i++)
        if (!s->asks[i].done && s->asks[i].sure)
            rc = narrow(s, &s->asks[i], err);
    return rc;
}
