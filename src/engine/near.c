/* near.c - groups of pictures that are one picture to the eye.
 *
 * In the order of representatives each picture that is in no group yet takes all later ones that are in none and near itself. So a
 * member is always near its representative, and a chain (b is near a and c, but a is not near c) never pulls a and c
 * together, as a union of near pairs would; and the groups follow from the pictures alone, whatever order they came in.
 *
 * Who is within some bits of the perceptual hash and of the same shape is found here; the judge then looks at mosaics and embeddings
 * (dup_find.c), because on a white ground many different things have nearly one hash.
 *
 * Neighbours are found by bands of the hash (near_bands.c), or by comparing all with all (near_scan.c) when that many
 * bits may differ that bands say little. */
#include <math.h>

#include "engine/duplicates.h"

enum { TELL_EACH = 4096 };

int eng_finder_add(struct eng_finder *f, size_t rank, struct eye_err *err)
{
    if (f->nfound == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 256;
        uint32_t *found = mem_realloc(f->found, cap, sizeof *found, err);
        if (!found) {
            return EYE_ENOMEM;
        }
        f->found = found;
        f->cap = cap;
    }
    f->found[f->nfound++] = (uint32_t)rank;
    return 0;
}

struct run {
    const struct eng_near *near;
    struct eng_finder finder;
    struct eng_bands *bands; /* one of these two */
    struct eng_near_scan *scan;
    bool *taken;    /* [n] */
    float *cosines; /* [cap] */
    size_t cap;
    struct eng_grouping *out;
};

/* Those that were found and have the same shape, in place. */
static void keep_shape(struct run *r, size_t p)
{
    const struct store_look *looks = r->near->looks;
    size_t kept = 0;
    for (size_t i = 0; i < r->finder.nfound; i++) {
        if (eng_same_shape(&looks[p], &looks[r->finder.found[i]])) {
            r->finder.found[kept++] = r->finder.found[i];
        }
    }
    r->finder.nfound = kept;
}

static int ask_judge(struct run *r, size_t p, struct eye_err *err)
{
    size_t n = r->finder.nfound;
    if (n > r->cap) {
        float *more = mem_realloc(r->cosines, n, sizeof *more, err);
        if (!more) {
            return EYE_ENOMEM;
        }
        r->cosines = more;
        r->cap = n;
    }
    return r->near->judge(r->near->ctx, p, r->finder.found, n, r->cosines, err);
}

static int join(struct run *r, size_t p, size_t q, float cosine, struct eye_err *err)
{
    const struct store_look *a = &r->near->looks[p], *b = &r->near->looks[q];
    struct eng_member m = {.id = b->id,
                           .distance = (int8_t)__builtin_popcountll(a->phash ^ b->phash),
                           .cosine = cosine};
    r->taken[q] = true;
    return eng_grouping_add(r->out, &m, err);
}

/* Everybody who is near p. */
static int gather(struct run *r, size_t p, struct eye_err *err)
{
    bool begun = false;
    r->finder.nfound = 0;
    int rc = r->bands ? eng_bands_find(r->bands, p, err) : eng_near_scan_find(r->scan, p, err);
    if (rc == 0) {
        keep_shape(r, p);
    }
    if (rc < 0 || r->finder.nfound == 0) {
        return rc;
    }
    rc = ask_judge(r, p, err);
    for (size_t i = 0; rc == 0 && i < r->finder.nfound; i++) {
        if (!(r->cosines[i] >= r->near->cosine)) { /* NAN too */
            continue;
        }
        if (!begun) {
            struct eng_member self = {.id = r->near->looks[p].id, .distance = 0, .cosine = 1};
            rc = eng_grouping_begin(r->out, err);
            rc = rc < 0 ? rc : eng_grouping_add(r->out, &self, err);
            begun = true;
        }
        rc = rc < 0 ? rc : join(r, p, r->finder.found[i], r->cosines[i], err);
    }
    return rc;
}

static int run(struct run *r, struct eye_err *err)
{
    const struct eng_near *near = r->near;
    int rc = 0;
    for (size_t p = 0; rc == 0 && p < near->n; p++) {
        if (!r->taken[p] && near->looks[p].phash) {
            rc = gather(r, p, err);
        }
        if (rc == 0 && near->progress && p % TELL_EACH == 0 &&
            near->progress(near->ctx, p, near->n) != 0) {
            rc = eye_fail(err, EYE_ECANCELLED, "stopped");
        }
    }
    return rc < 0 ? rc : eng_grouping_sort(r->out, err);
}

int eng_near_find(const struct eng_near *near, struct pool *pool, struct eng_grouping *out,
                  bool *taken, struct eye_err *err)
{
    struct run r = {.near = near, .out = out, .taken = taken};
    *out = (struct eng_grouping){.groups = NULL};
    if (near->n > UINT32_MAX) {
        return eye_fail(err, EYE_ELIMIT, "more than %u pictures cannot be compared", UINT32_MAX);
    }
    r.taken = taken ? taken : mem_calloc(near->n, sizeof *taken, err);
    int rc = r.taken ? 0 : EYE_ENOMEM;
    r.finder = (struct eng_finder){.looks = near->looks,
                                   .n = near->n,
                                   .distance = near->distance,
                                   .taken = r.taken,
                                   .pool = pool};
    bool bands = near->distance <= ENG_BANDS_FEW_MAX ||
                 (near->distance <= ENG_BANDS_DISTANCE_MAX && near->n > ENG_BANDS_MANY);
    if (rc == 0 && bands) {
        r.bands = eng_bands_new(&r.finder, err);
    } else if (rc == 0) {
        r.scan = eng_near_scan_new(&r.finder, err);
    }
    rc = r.bands || r.scan ? run(&r, err) : EYE_ENOMEM;
    if (rc < 0) {
        eng_grouping_release(out);
    }
    eng_bands_free(r.bands);
    eng_near_scan_free(r.scan);
    free(r.finder.found);
    free(r.cosines);
    if (!taken) {
        free(r.taken);
    }
    return rc;
}
