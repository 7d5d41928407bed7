/* move_check.c - is what was copied there, and found there?
 *
 * Counts say whether all came over. A sample says whether it is the same: each of its pictures must be there by its content, and its nearest neighbours
 * must be those that it has here, found by an exact search. `to` may hold more than was copied: a neighbour that is missing there counts as the same
 * when those that are there instead are nearer. */
#include <math.h>

#include "base/half.h"
#include "engine/index.h"
#include "engine/move.h"
#include "engine/search.h"

enum { TOGETHER = 16 };
static const float rounding = 1e-5f; /* of a score: equal ones may come in another order */

struct side {
    eye_lib *lib;
    struct eng_session session;
    struct vector_hit hits[TOGETHER][MOVE_NEIGHBOURS];
    size_t counts[TOGETHER];
    struct hash hashes[TOGETHER][MOVE_NEIGHBOURS];
};

struct check {
    struct move *m;
    struct side here, there;
    int64_t ids[TOGETHER];
    uint16_t *rows; /* [TOGETHER, dim] */
    float *queries; /* [TOGETHER, dim] */
    bool has[TOGETHER];
    size_t n;
};

static int search(struct check *c, struct side *side, bool exact, struct eye_err *err)
{
    struct vector_ask asks[TOGETHER];
    for (size_t i = 0; i < c->n; i++) {
        asks[i] = (struct vector_ask){.query = c->queries + i * (size_t)c->m->dim,
                                      .k = MOVE_NEIGHBOURS,
                                      .hits = side->hits[i]};
    }
    struct eng_rank rank = {.asks = asks, .n = c->n, .exact = exact};
    int rc = eng_rank(side->lib, &side->session, &rank, err);
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        side->counts[i] = asks[i].count;
    }
    return rc;
}

/* Who the hits are: ids differ between libraries. */
static int name_hits(struct check *c, struct side *side, struct eye_err *err)
{
    int64_t ids[TOGETHER * MOVE_NEIGHBOURS];
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        for (size_t k = 0; k < side->counts[i]; k++) {
            ids[n++] = side->hits[i][k].id;
        }
    }
    int rc = n ? store_gather(side->session.store, ids, n, false, err) : 0;
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        for (size_t k = 0; rc == 0 && k < side->counts[i]; k++) {
            struct store_picture p = {.id = 0};
            struct eye_err gone = {0};
            rc = store_picture_get(side->session.store, side->hits[i][k].id, &p, &gone);
            side->hashes[i][k] = p.hash; /* zeros: it went away */
            rc = rc == EYE_ENOTFOUND ? 0 : rc ? eye_fail(err, rc, "%s", gone.msg) : 0;
        }
    }
    return rc;
}

static bool is_there(const struct check *c, size_t i, size_t k)
{
    const struct side *there = &c->there;
    size_t n = there->counts[i];
    for (size_t at = 0; at < n; at++) {
        if (hash_cmp(&there->hashes[i][at], &c->here.hashes[i][k]) == 0) {
            return true;
        }
    }
    return n == MOVE_NEIGHBOURS &&
           c->here.hits[i][k].score <= there->hits[i][n - 1].score + rounding;
}

static int find_missing(struct check *c, struct eye_err *err)
{
    struct move *m = c->m;
    struct hash hashes[TOGETHER];
    int rc = store_gather(m->src, c->ids, c->n, false, err);
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        struct store_picture p;
        rc = store_picture_get(m->src, c->ids[i], &p, err);
        hashes[i] = p.hash;
    }
    rc = rc ? rc : store_gather_hashes(m->dst, hashes, c->n, err);
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        struct eye_err none = {0};
        int64_t id;
        bool has = false;
        rc = store_picture_by_hash(m->dst, &hashes[i], m->dst_model, &id, &has, &none);
        m->counts->missing += rc == EYE_ENOTFOUND || (rc == 0 && !has);
        rc = rc == EYE_ENOTFOUND ? 0 : rc ? eye_fail(err, rc, "%s", none.msg) : 0;
    }
    return rc;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int check_some(struct check *c, uint64_t *same, struct eye_err *err)
{
    struct move *m = c->m;
    int rc = store_vector_rows(m->src, m->src_model, m->dim, c->ids, c->n, c->rows, c->has, err);
    size_t kept = 0, dim = (size_t)m->dim;
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        if (c->has[i]) { /* else it was removed meanwhile */
            c->ids[kept] = c->ids[i];
            half_to_floats(c->rows + i * dim, c->queries + kept++ * dim, dim);
        }
    }
    c->n = kept;
    rc = rc || !kept ? rc : find_missing(c, err);
    rc = rc || !kept ? rc : search(c, &c->here, true, err);
    rc = rc || !kept ? rc : search(c, &c->there, false, err);
    rc = rc || !kept ? rc : name_hits(c, &c->here, err);
    rc = rc || !kept ? rc : name_hits(c, &c->there, err);
    for (size_t i = 0; rc == 0 && i < kept; i++) {
        m->counts->asked++;
        m->counts->compared += c->here.counts[i];
        for (size_t k = 0; k < c->here.counts[i]; k++) {
            *same += is_there(c, i, k);
        }
    }
    return rc;
}

static int check_sample(struct check *c, struct eye_err *err)
{
    struct move *m = c->m;
    uint64_t same = 0;
    size_t dim = (size_t)m->dim;
    c->rows = mem_calloc(TOGETHER, dim * sizeof *c->rows, err);
    c->queries = c->rows ? mem_calloc(TOGETHER, dim * sizeof *c->queries, err) : NULL;
    int rc = c->queries ? eng_session_open(m->from, &c->here.session, err) : EYE_ENOMEM;
    rc = rc ? rc : eng_session_open(m->to, &c->there.session, err);
    if (m->nsample) {
        qsort(m->sample, m->nsample, sizeof *m->sample, by_id);
    }
    for (size_t at = 0; rc == 0 && at < m->nsample; at += TOGETHER) {
        c->n = m->nsample - at < TOGETHER ? m->nsample - at : TOGETHER;
        memcpy(c->ids, m->sample + at, c->n * sizeof *c->ids);
        rc = check_some(c, &same, err);
        rc = rc ? rc : move_tell(m, NULL, err);
    }
    if (m->counts->compared) {
        m->counts->same = (double)same / (double)m->counts->compared;
    }
    eng_session_close(m->from, &c->here.session);
    eng_session_close(m->to, &c->there.session);
    free(c->rows);
    free(c->queries);
    return rc;
}

int move_check(struct move *m, struct eye_err *err)
{
    struct check *c = mem_calloc(1, sizeof *c, err);
    if (!c) {
        return EYE_ENOMEM;
    }
    c->m = m;
    c->here.lib = m->from;
    c->there.lib = m->to;
    int rc = store_count(m->src, &m->counts->here, err);
    rc = rc ? rc : store_count(m->dst, &m->counts->there, err);
    rc = rc || !m->src_model ? rc : check_sample(c, err);
    free(c);
    return rc;
}
