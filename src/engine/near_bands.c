/* near_bands.c - hashes within few bits, by bands.
 *
 * A hash is cut into four bands of 16 bits. Two hashes that differ in at most d bits have a band in which they differ in at most d / 4
 * (multi-index hashing; Norouzi, Punjani, Fleet, CVPR 2012). So for each band there is a table by its value, and asked
 * are the values within d / 4 bits of one's own: 17 of 65,536 for d up to 7, 137 up to 11.
 *
 * Questions come in ascending order and only later ranks are wanted, so whatever is passed over in a bucket because it is
 * taken or was before will never be wanted again: it is dropped. That keeps thousands of nearly equal hashes from being looked at
 * thousands of times. Seven bands of 9 bits that must agree were slower from 100,000 pictures on: buckets grow with the library. */
#include "base/cpu.h"
#include "engine/duplicates.h"

enum { BANDS = 4, VALUES = 1 << 16, MASKS_MAX = 137 };

struct entry {
    uint64_t hash;
    uint32_t rank;
};

struct band {
    uint32_t *start; /* [VALUES + 1] */
    uint32_t *count; /* [VALUES] what is left in each bucket */
    struct entry *entries;
};

struct eng_bands {
    struct eng_finder *f;
    struct band band[BANDS];
    uint16_t masks[MASKS_MAX];
    size_t nmasks;
    uint32_t *seen; /* [n] the question + 1 that found it last */
    bool popcnt;
};

static uint16_t value_of(uint64_t hash, int band)
{
    return (uint16_t)(hash >> (16 * band));
}

/* All numbers of 16 bits with at most `bits` set. */
static void make_masks(struct eng_bands *b, int bits)
{
    for (int bit = -1; bit < 16; bit++) {
        uint16_t one = (uint16_t)(bit < 0 ? 0u : 1u << bit);
        if (bit >= 0 && bits == 0) {
            break;
        }
        b->masks[b->nmasks++] = one;
        for (int second = 0; bit >= 0 && bits > 1 && second < bit; second++) {
            b->masks[b->nmasks++] = (uint16_t)(one | 1u << second);
        }
    }
}

static int fill(struct band *band, const struct eng_finder *f, int which, struct eye_err *err)
{
    size_t hashed = 0;
    band->start = mem_calloc(VALUES + 1, sizeof *band->start, err);
    band->count = band->start ? mem_calloc(VALUES, sizeof *band->count, err) : NULL;
    if (!band->count) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (f->looks[i].phash) {
            band->start[value_of(f->looks[i].phash, which) + 1]++;
            hashed++;
        }
    }
    for (size_t v = 0; v < VALUES; v++) {
        band->start[v + 1] += band->start[v];
    }
    band->entries = mem_calloc(hashed ? hashed : 1, sizeof *band->entries, err);
    if (!band->entries) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < f->n; i++) {
        uint64_t hash = f->looks[i].phash;
        if (hash) {
            uint16_t v = value_of(hash, which);
            band->entries[band->start[v] + band->count[v]++] = (struct entry){hash, (uint32_t)i};
        }
    }
    return 0;
}

struct eng_bands *eng_bands_new(struct eng_finder *f, struct eye_err *err)
{
    struct eng_bands *b = mem_calloc(1, sizeof *b, err);
    if (!b) {
        return NULL;
    }
    b->f = f;
    b->popcnt = cpu_level() >= CPU_AVX2;
    make_masks(b, f->distance / BANDS);
    b->seen = mem_calloc(f->n ? f->n : 1, sizeof *b->seen, err);
    int rc = b->seen ? 0 : EYE_ENOMEM;
    for (int i = 0; rc == 0 && i < BANDS; i++) {
        rc = fill(&b->band[i], f, i, err);
    }
    if (rc < 0) {
        eng_bands_free(b);
        return NULL;
    }
    return b;
}

void eng_bands_free(struct eng_bands *b)
{
    for (int i = 0; b && i < BANDS; i++) {
        free(b->band[i].start);
        free(b->band[i].count);
        free(b->band[i].entries);
    }
    if (b) {
        free(b->seen);
        free(b);
    }
}

/* ---- one bucket ---- */

struct question {
    uint64_t hash;
    uint32_t rank;
};

/* What is wanted of the bucket to f->found; what never will be again goes out of it. */
static inline __attribute__((always_inline)) int search(struct eng_bands *b, struct entry *entries,
                                                        uint32_t *count, struct question q,
                                                        struct eye_err *err)
{
    struct eng_finder *f = b->f;
    int rc = 0;
    for (uint32_t i = 0; i < *count && rc == 0;) {
        struct entry *e = &entries[i];
        if (e->rank <= q.rank || f->taken[e->rank]) {
            *e = entries[--*count];
            continue;
        }
        if (__builtin_popcountll(e->hash ^ q.hash) <= f->distance &&
            b->seen[e->rank] != q.rank + 1) {
            b->seen[e->rank] = q.rank + 1;
            rc = eng_finder_add(f, e->rank, err);
        }
        i++;
    }
    return rc;
}

static int search_plain(struct eng_bands *b, struct entry *entries, uint32_t *count,
                        struct question q, struct eye_err *err)
{
    return search(b, entries, count, q, err);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static int search_popcnt(struct eng_bands *b,
                                                           struct entry *entries, uint32_t *count,
                                                           struct question q, struct eye_err *err)
{
    return search(b, entries, count, q, err);
}
#else
#define search_popcnt search_plain
#endif

static int by_number(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int eng_bands_find(struct eng_bands *b, size_t p, struct eye_err *err)
{
    struct question q = {b->f->looks[p].phash, (uint32_t)p};
    int rc = 0;
    for (int i = 0; i < BANDS; i++) {
        struct band *band = &b->band[i];
        uint16_t own = value_of(q.hash, i);
        for (size_t m = 0; rc == 0 && m < b->nmasks; m++) {
            uint16_t v = (uint16_t)(own ^ b->masks[m]);
            struct entry *entries = band->entries + band->start[v];
            if (band->count[v]) {
                rc =
                    (b->popcnt ? search_popcnt : search_plain)(b, entries, &band->count[v], q, err);
            }
        }
    }
    if (b->f->nfound) {
        qsort(b->f->found, b->f->nfound, sizeof *b->f->found, by_number);
    }
    return rc;
}
