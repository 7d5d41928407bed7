/* near_scan.c - hashes within many bits: all are compared with all.
 *
 * Beyond 7 bits (11 in a library of many) a hash has so many neighbours in each band that asking for them costs more than a plain comparison. Questions are
 * answered for a block of up to 64 pictures at a time: every later hash gets a word with a bit for each of them, so that the memory is
 * bounded whatever the pictures are, one pass over the hashes serves 64, and slices of them can be shared out. What is
 * taken or was asked for falls out of the list before each block. */
#include "base/cpu.h"
#include "engine/duplicates.h"

enum { BLOCK = 64, SLICE = 2048 };

struct eng_near_scan {
    struct eng_finder *f;
    uint64_t *hashes; /* [n] */
    uint32_t *ranks;  /* [n] ascending */
    uint64_t *bits;   /* [n]: which of the block each is near */
    uint64_t *any;    /* [slices]: all of them together */
    size_t n;
    uint32_t block[BLOCK]; /* ranks that are asked for, ascending */
    size_t nblock;
    bool popcnt;
};

struct eng_near_scan *eng_near_scan_new(struct eng_finder *f, struct eye_err *err)
{
    struct eng_near_scan *s = mem_calloc(1, sizeof *s, err);
    if (!s) {
        return NULL;
    }
    size_t room = f->n ? f->n : 1;
    s->f = f;
    s->popcnt = cpu_level() >= CPU_AVX2;
    s->hashes = mem_calloc(room, sizeof *s->hashes, err);
    s->ranks = s->hashes ? mem_calloc(room, sizeof *s->ranks, err) : NULL;
    s->bits = s->ranks ? mem_calloc(room, sizeof *s->bits, err) : NULL;
    s->any = s->bits ? mem_calloc(room / SLICE + 1, sizeof *s->any, err) : NULL;
    if (!s->any) {
        eng_near_scan_free(s);
        return NULL;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (f->looks[i].phash) {
            s->hashes[s->n] = f->looks[i].phash;
            s->ranks[s->n++] = (uint32_t)i;
        }
    }
    return s;
}

void eng_near_scan_free(struct eng_near_scan *s)
{
    if (s) {
        free(s->hashes);
        free(s->ranks);
        free(s->bits);
        free(s->any);
        free(s);
    }
}

static inline __attribute__((always_inline)) uint64_t compare(const uint64_t *asked, size_t nasked,
                                                              const uint64_t *hashes, size_t n,
                                                              int distance, uint64_t *bits)
{
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = 0;
        for (size_t k = 0; k < nasked; k++) {
            word |= (uint64_t)(__builtin_popcountll(hashes[i] ^ asked[k]) <= distance) << k;
        }
        bits[i] = word;
        any |= word;
    }
    return any;
}

static uint64_t compare_plain(const uint64_t *asked, size_t nasked, const uint64_t *hashes,
                              size_t n, int distance, uint64_t *bits)
{
    return compare(asked, nasked, hashes, n, distance, bits);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static uint64_t compare_popcnt(const uint64_t *asked,
                                                                 size_t nasked,
                                                                 const uint64_t *hashes, size_t n,
                                                                 int distance, uint64_t *bits)
{
    return compare(asked, nasked, hashes, n, distance, bits);
}
#else
#define compare_popcnt compare_plain
#endif

static void one_slice(void *ctx, size_t slice, int worker)
{
    struct eng_near_scan *s = ctx;
    uint64_t asked[BLOCK];
    size_t from = slice * SLICE, n = s->n - from < SLICE ? s->n - from : SLICE;
    (void)worker;
    for (size_t k = 0; k < s->nblock; k++) {
        asked[k] = s->f->looks[s->block[k]].phash;
    }
    s->any[slice] = (s->popcnt ? compare_popcnt : compare_plain)(asked, s->nblock, s->hashes + from,
                                                                 n, s->f->distance, s->bits + from);
}

/* The next block: p and those after it that are in no group. */
static void begin_block(struct eng_near_scan *s, size_t p)
{
    size_t kept = 0;
    s->nblock = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->ranks[i] < p || s->f->taken[s->ranks[i]]) {
            continue;
        }
        if (s->nblock < BLOCK) {
            s->block[s->nblock++] = s->ranks[i];
        }
        s->hashes[kept] = s->hashes[i];
        s->ranks[kept++] = s->ranks[i];
    }
    s->n = kept;
    pool_run(s->f->pool, (s->n + SLICE - 1) / SLICE, one_slice, s);
}

int eng_near_scan_find(struct eng_near_scan *s, size_t p, struct eye_err *err)
{
    size_t at = 0;
    if (s->nblock == 0 || p > s->block[s->nblock - 1]) {
        begin_block(s, p);
    }
    while (s->block[at] !=
           p) { /* it is there: nothing that is asked for was taken when the block began */
        at++;
    }
    uint64_t bit = UINT64_C(1) << at;
    int rc = 0;
    for (size_t slice = 0; slice * SLICE < s->n; slice++) {
        if (!(s->any[slice] & bit)) {
            continue;
        }
        size_t end = (slice + 1) * SLICE < s->n ? (slice + 1) * SLICE : s->n;
        for (size_t i = slice * SLICE; rc == 0 && i < end; i++) {
            if ((s->bits[i] & bit) && s->ranks[i] > p && !s->f->taken[s->ranks[i]]) {
                rc = eng_finder_add(s->f, s->ranks[i], err);
            }
        }
    }
    return rc;
}
