/* dup_find.c - all groups of one kind in a library.
 *
 * Two pictures are NEAR when all of these hold (measured in docs/DUPLICATES.md):
 *   hash     at most `distance` bits of 64 differ
 *   shape    width to height, within 2 % or the rounding of a pixel (near.c)
 *   mosaic   brightness and colour of their parts differ by at most 2.2 levels of 255 (root mean square) for 6 bits, and in proportion
 *   cosine   of their embeddings, at least 0.5
 * The hash finds them, the mosaic decides: it takes 186 pairs of different products that have nearly one hash for what they are.
 * The cosine alone would not (0.95 for some of these), and asked for much more than a half it would lose the small copies, because a model
 * sees little in a thumbnail (a photograph of 224 pixels and its half: 0.84).
 *
 * On a server each picture that is compared travels here: fine for some hundred thousands, and refused beyond.
 *
 * SIMILAR is the cosine alone; the default follows from the model's calibration: a fifth of the way from the same picture (1) to where
 * pictures begin to be called relevant to each other. 0.88 for the starter model. */
#include <math.h>

#include "engine/duplicates.h"

enum { JUDGED = 512, SERVER_NEAR_MAX = 1000000, SERVER_SIMILAR_MAX = 200000 };

static const float near_cosine = 0.5f;
static const double levels_a_bit = 2.2 / ENG_DUP_DISTANCE, levels_least = 1.0;

/* ---- as of when ---- */

static float similar_default(const struct clip_info *info)
{
    float floor = info->image_cal.floor;
    floor = floor < 0.5f ? 0.5f : floor > 0.98f ? 0.98f : floor;
    return 1 - (1 - floor) * 0.2f;
}

static int model_basis(eye_lib *lib, struct store *s, struct eng_dup_wish *wish,
                       struct eng_dup_basis *out, struct eye_err *err)
{
    struct eng_model *model = eng_model_get(lib, s, err);
    if (!model) {
        return eng_code(err);
    }
    if (wish->kind == EYE_DUP_SIMILAR && wish->cosine == 0) {
        wish->cosine = similar_default(clip_info(model->clip));
    }
    int rc = eng_model_id(model, s, false, &out->model, err);
    rc = rc < 0 ? rc : store_vectors_mark(s, out->model, &out->mark, err);
    rc = rc < 0 ? rc : store_unseen_count(s, &out->unknown, err);
    eng_model_put(lib, model);
    return rc;
}

int eng_dup_basis(eye_lib *lib, struct eng_dup_wish *wish, struct eng_dup_basis *out,
                  struct eye_err *err)
{
    *out = (struct eng_dup_basis){.model = 0};
    if (wish->kind == EYE_DUP_NEAR) {
        wish->distance = wish->distance < 0 ? ENG_DUP_DISTANCE : wish->distance;
        wish->cosine = wish->cosine == 0 ? near_cosine : wish->cosine;
    } else {
        wish->distance = 0;
        wish->cosine = wish->kind == EYE_DUP_SAME ? 0 : wish->cosine;
    }
    struct store *s = eng_store_get(lib, err);
    if (!s) {
        return eng_code(err);
    }
    int rc = store_generation(s, &out->generation, err);
    if (rc == 0 && wish->kind != EYE_DUP_SAME) {
        rc = model_basis(lib, s, wish, out, err);
    }
    eng_store_put(lib, s);
    return rc;
}

/* ---- same ---- */

static int find_same(eye_lib *lib, struct eng_grouping *out, struct eye_err *err)
{
    int64_t *ids = NULL;
    size_t n = 0;
    struct store *s = eng_store_get(lib, err);
    if (!s) {
        return eng_code(err);
    }
    int rc = store_copied(s, &ids, &n, err);
    eng_store_put(lib, s);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct eng_member m = {.id = ids[i], .cosine = 1};
        rc = eng_grouping_begin(out, err);
        rc = rc < 0 ? rc : eng_grouping_add(out, &m, err);
    }
    free(ids);
    return rc;
}

/* ---- near ---- */

struct judge {
    struct eng_dup_vectors v;
    const struct store_look *looks;
    double levels;
    int64_t *ids; /* [JUDGED + 1] */
    eng_dup_progress *progress;
    void *ctx;
};

/* NAN where mosaics are too different or one is not there. */
static int look_at(struct judge *j, const struct store_look *other, const uint8_t *mosaic,
                   float *cosine, struct eye_err *err)
{
    uint8_t theirs[STORE_MOSAIC];
    struct eye_err gone = {0};
    int rc = store_mosaic(j->v.session.store, other->id, theirs, &gone);
    if (rc == EYE_ENOTFOUND || (rc == 0 && image_mosaic_difference(mosaic, theirs) > j->levels)) {
        *cosine = NAN;
        return 0;
    }
    return rc < 0 ? eye_fail(err, rc, "%s", gone.msg) : 0;
}

static int judge_some(struct judge *j, size_t rep, const uint32_t *others, size_t n, float *cosines,
                      struct eye_err *err)
{
    uint8_t mosaic[STORE_MOSAIC];
    struct eye_err gone = {0};
    for (size_t i = 0; i < n; i++) {
        j->ids[i] = j->looks[others[i]].id;
    }
    j->ids[n] = j->looks[rep].id;
    int rc = store_gather(j->v.session.store, j->ids, n + 1, true, err);
    if (rc < 0) {
        return rc;
    }
    rc = store_mosaic(j->v.session.store, j->looks[rep].id, mosaic, &gone);
    if (rc == EYE_ENOTFOUND) { /* removed meanwhile */
        for (size_t i = 0; i < n; i++) {
            cosines[i] = NAN;
        }
        return 0;
    }
    if (rc < 0) {
        return eye_fail(err, rc, "%s", gone.msg);
    }
    rc = eng_dup_cosines(&j->v, j->looks[rep].id, j->ids, n, cosines, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!isnan(cosines[i])) {
            rc = look_at(j, &j->looks[others[i]], mosaic, &cosines[i], err);
        }
    }
    return rc;
}

/* In pieces, so that a server is asked for no more than that at once. */
static int judge(void *ctx, size_t rep, const uint32_t *others, size_t n, float *cosines,
                 struct eye_err *err)
{
    struct judge *j = ctx;
    int rc = 0;
    if (!j->ids) {
        j->ids = mem_calloc(JUDGED + 1, sizeof *j->ids, err);
        rc = j->ids ? 0 : EYE_ENOMEM;
    }
    for (size_t at = 0; rc == 0 && at < n; at += JUDGED) {
        size_t some = n - at < JUDGED ? n - at : JUDGED;
        rc = judge_some(j, rep, others + at, some, cosines + at, err);
    }
    return rc;
}

static int tell_judge(void *ctx, uint64_t done, uint64_t total)
{
    struct judge *j = ctx;
    return j->progress ? j->progress(j->ctx, done, total) : 0;
}

static int find_near(struct judge *j, const struct eng_dup_wish *wish, struct store_look *looks,
                     size_t n, struct eng_grouping *out, struct eye_err *err)
{
    struct pool *pool;
    j->looks = looks;
    j->levels = wish->distance * levels_a_bit;
    j->levels = j->levels < levels_least ? levels_least : j->levels;
    struct eng_near near = {.looks = looks,
                            .n = n,
                            .distance = wish->distance,
                            .cosine = wish->cosine,
                            .judge = judge,
                            .progress = tell_judge,
                            .ctx = j};
    int rc = eng_pool(j->v.lib, &pool, err);
    return rc < 0 ? rc : eng_near_find(&near, pool, out, NULL, err);
}

/* ---- similar ---- */

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* What stands aside: members of groups of near ones but the representatives. */
static int mark_near(const struct eng_grouping *near, const struct store_look *looks, size_t n,
                     bool *taken, struct eye_err *err)
{
    int64_t *ids = mem_calloc(near->nmembers + 1, sizeof *ids, err);
    size_t nids = 0;
    if (!ids) {
        return EYE_ENOMEM;
    }
    for (size_t g = 0; g < near->ngroups; g++) {
        for (size_t i = 1; i < near->groups[g].n; i++) {
            ids[nids++] = near->members[near->groups[g].first + i].id;
        }
    }
    qsort(ids, nids, sizeof *ids, by_number);
    for (size_t i = 0; i < n; i++) {
        taken[i] = bsearch(&looks[i].id, ids, nids, sizeof *ids, by_number) != NULL;
    }
    free(ids);
    return 0;
}

static int find_similar(struct judge *j, const struct eng_dup_wish *wish,
                        const struct eng_grouping *near, struct store_look *looks, size_t n,
                        struct eng_grouping *out, struct eye_err *err)
{
    struct eng_similar similar = {
        .looks = looks, .n = n, .cosine = wish->cosine, .progress = tell_judge, .ctx = j};
    bool *taken = mem_calloc(n + 1, sizeof *taken, err);
    int rc = taken ? mark_near(near, looks, n, taken, err) : EYE_ENOMEM;
    rc = rc < 0 ? rc : eng_similar_find(&similar, &j->v, taken, out, err);
    free(taken);
    return rc;
}

/* What all of them weigh, and how long they take one by one, is not for a network. */
static int check_size(const eye_lib *lib, struct store *s, eye_dup_kind kind, struct eye_err *err)
{
    uint64_t n = 0, most = kind == EYE_DUP_NEAR ? SERVER_NEAR_MAX : SERVER_SIMILAR_MAX;
    int rc = lib->remote ? store_count(s, &n, err) : 0;
    if (rc == 0 && n > most) {
        rc = eye_fail(err, EYE_ELIMIT,
                      "%s: %llu pictures are too many to be compared over the network (%llu at "
                      "most): `eyeshine --store %s export --to FOLDER` copies them into a library "
                      "of this machine, where `duplicates` is quick",
                      store_remote_name(lib->remote), (unsigned long long)n,
                      (unsigned long long)most, store_remote_name(lib->remote));
    }
    return rc;
}

int eng_dup_find(eye_lib *lib, const struct eng_dup_wish *wish, const struct eng_grouping *near,
                 eng_dup_progress *progress, void *ctx, struct eng_grouping *out,
                 struct eye_err *err)
{
    struct judge j = {.progress = progress, .ctx = ctx};
    struct store_look *looks = NULL;
    size_t n = 0;
    *out = (struct eng_grouping){.groups = NULL};
    if (wish->kind == EYE_DUP_SAME) {
        int rc = find_same(lib, out, err);
        if (rc < 0) {
            eng_grouping_release(out);
        }
        return rc;
    }
    int rc = eng_dup_vectors_open(lib, &j.v, err);
    rc = rc < 0 ? rc : check_size(lib, j.v.session.store, wish->kind, err);
    rc = rc < 0 ? rc : store_looks(j.v.session.store, &looks, &n, err);
    if (rc == 0) {
        eng_looks_sort(looks, n);
        rc = near ? find_similar(&j, wish, near, looks, n, out, err)
                  : find_near(&j, wish, looks, n, out, err);
    }
    eng_dup_vectors_close(&j.v);
    free(looks);
    free(j.ids);
    return rc;
}
