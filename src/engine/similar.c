/* similar.c - groups of pictures of much the same thing, by their embeddings alone.
 *
 * The same rule as in near.c, so that chains do not grow: in the order of representatives each picture that is in no group takes
 * those that are in none and close enough to itself. What is near another picture stands aside: its representative stands for it, so that
 * a group of similar pictures does not hold the same one twice.
 *
 * A few dozen pictures are searched for at once, because a scan serves them all; those that turn out to be taken by another one of the
 * same lot were searched for in vain. Who has more neighbours than an answer has places asks on. Searching only among those that are not
 * taken was dropped: the mask would have to be made for each lot, and costs more than it saves. */
#include "engine/duplicates.h"

struct by_id {
    int64_t id;
    uint32_t rank;
};

struct run {
    const struct eng_similar *similar;
    struct eng_dup_vectors *v;
    bool *taken;
    struct by_id *ranks; /* [nranks] of those who take part, by id */
    size_t nranks;
    struct eng_grouping *out;
    int64_t lot[ENG_DUP_QUERIES]; /* ids */
    uint32_t lot_ranks[ENG_DUP_QUERIES];
    size_t nlot;
    struct vector_hit *hits; /* [ENG_DUP_QUERIES + 1, ENG_DUP_HITS] */
};

static int compare_ids(const void *a, const void *b)
{
    const struct by_id *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Whoever is not taken, by id. */
static int begin(struct run *r, struct eye_err *err)
{
    const struct eng_similar *s = r->similar;
    r->ranks = mem_calloc(s->n + 1, sizeof *r->ranks, err);
    r->hits =
        r->ranks ? mem_calloc((ENG_DUP_QUERIES + 1) * ENG_DUP_HITS, sizeof *r->hits, err) : NULL;
    if (!r->hits) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (!r->taken[i]) {
            r->ranks[r->nranks++] = (struct by_id){s->looks[i].id, (uint32_t)i};
        }
    }
    qsort(r->ranks, r->nranks, sizeof *r->ranks, compare_ids);
    return 0;
}

/* The rank of a hit, if it may still join a group of p. */
static bool may_join(const struct run *r, uint32_t p, int64_t id, uint32_t *rank)
{
    struct by_id key = {.id = id};
    const struct by_id *found = bsearch(&key, r->ranks, r->nranks, sizeof key, compare_ids);
    if (!found || found->rank <= p || r->taken[found->rank]) {
        return false;
    }
    *rank = found->rank;
    return true;
}

static int join(struct run *r, uint32_t p, uint32_t q, float score, bool *begun,
                struct eye_err *err)
{
    const struct store_look *a = &r->similar->looks[p], *b = &r->similar->looks[q];
    int bits = a->phash && b->phash ? __builtin_popcountll(a->phash ^ b->phash) : -1;
    int rc = 0;
    if (!*begun) {
        struct eng_member self = {.id = a->id, .distance = a->phash ? 0 : -1, .cosine = 1};
        rc = eng_grouping_begin(r->out, err);
        rc = rc < 0 ? rc : eng_grouping_add(r->out, &self, err);
        *begun = true;
    }
    r->taken[q] = true;
    struct eng_member m = {.id = b->id, .distance = (int8_t)bits, .cosine = score > 1 ? 1 : score};
    return rc < 0 ? rc : eng_grouping_add(r->out, &m, err);
}

/* The group of p, whose nearest neighbours are known already. */
static int gather(struct run *r, uint32_t p, struct vector_hit *hits, size_t n, struct eye_err *err)
{
    struct vector_hit *more = r->hits + ENG_DUP_QUERIES * ENG_DUP_HITS;
    bool begun = false;
    for (size_t depth = ENG_DUP_HITS;; depth += ENG_DUP_HITS) {
        int rc = 0;
        size_t i = 0;
        for (; rc == 0 && i < n && hits[i].score >= r->similar->cosine; i++) {
            uint32_t q;
            if (may_join(r, p, hits[i].id, &q)) {
                rc = join(r, p, q, hits[i].score, &begun, err);
            }
        }
        if (rc < 0 || i < ENG_DUP_HITS) {
            return rc;
        }
        struct vector_hit last = hits[n - 1];
        hits = more;
        rc = eng_dup_neighbours(r->v, &r->similar->looks[p].id, 1, &last, depth, hits, &n, err);
        if (rc < 0) {
            return rc;
        }
    }
}

static int search_lot(struct run *r, struct eye_err *err)
{
    size_t counts[ENG_DUP_QUERIES];
    int rc = eng_dup_neighbours(r->v, r->lot, r->nlot, NULL, 0, r->hits, counts, err);
    for (size_t i = 0; rc == 0 && i < r->nlot; i++) {
        if (!r->taken[r->lot_ranks[i]]) {
            rc = gather(r, r->lot_ranks[i], r->hits + i * ENG_DUP_HITS, counts[i], err);
        }
    }
    r->nlot = 0;
    return rc;
}

static int run(struct run *r, struct eye_err *err)
{
    const struct eng_similar *s = r->similar;
    int rc = begin(r, err);
    for (size_t p = 0; rc == 0 && p < s->n; p++) {
        if (!r->taken[p]) {
            r->lot[r->nlot] = s->looks[p].id;
            r->lot_ranks[r->nlot++] = (uint32_t)p;
        }
        if (r->nlot < ENG_DUP_QUERIES && p + 1 < s->n) {
            continue;
        }
        rc = r->nlot ? search_lot(r, err) : 0;
        if (rc == 0 && s->progress && s->progress(s->ctx, p + 1, s->n) != 0) {
            rc = eye_fail(err, EYE_ECANCELLED, "stopped");
        }
    }
    return rc < 0 ? rc : eng_grouping_sort(r->out, err);
}

int eng_similar_find(const struct eng_similar *similar, struct eng_dup_vectors *v, bool *taken,
                     struct eng_grouping *out, struct eye_err *err)
{
    struct run r = {.similar = similar, .v = v, .taken = taken, .out = out};
    *out = (struct eng_grouping){.groups = NULL};
    if (similar->n > UINT32_MAX) {
        return eye_fail(err, EYE_ELIMIT, "more than %u pictures cannot be compared", UINT32_MAX);
    }
    int rc = run(&r, err);
    if (rc < 0) {
        eng_grouping_release(out);
    }
    free(r.ranks);
    free(r.hits);
    return rc;
}
