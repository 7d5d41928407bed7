/* dup_kept.c - groupings that were found lately, so that pages of one are cheap and fit together.
 *
 * A grouping follows from the library's generation, the model's vectors and which looks are known; while these are the same it is
 * handed out again. While a library is indexed they change each second, so who shows pages may say that one some seconds old will do.
 * Groupings are shared while they are in use. One of a kind is found at a time: who wants the same one waits for it. */
#include "engine/duplicates.h"

enum { KEPT = 8, KINDS = 3 };

struct eng_dups {
    pthread_mutex_t lock; /* of all below, short */
    struct eng_kept *kept[KEPT];
    size_t n;
    pthread_mutex_t finding[KINDS]; /* SIMILAR's is taken before NEAR's */
};

struct eng_dups *eng_dups_new(struct eye_err *err)
{
    struct eng_dups *d = mem_calloc(1, sizeof *d, err);
    if (d) {
        pthread_mutex_init(&d->lock, NULL);
        for (int i = 0; i < KINDS; i++) {
            pthread_mutex_init(&d->finding[i], NULL);
        }
    }
    return d;
}

static void unref(struct eng_kept *k)
{
    if (--k->refs == 0) {
        eng_grouping_release(&k->grouping);
        free(k);
    }
}

void eng_dups_free(struct eng_dups *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < d->n; i++) {
        unref(d->kept[i]);
    }
    for (int i = 0; i < KINDS; i++) {
        pthread_mutex_destroy(&d->finding[i]);
    }
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void eng_kept_put(eye_lib *lib, struct eng_kept *kept)
{
    if (kept) {
        pthread_mutex_lock(&lib->dups->lock);
        unref(kept);
        pthread_mutex_unlock(&lib->dups->lock);
    }
}

static bool is_of(const struct eng_kept *k, const struct eng_dup_wish *w,
                  const struct eng_dup_basis *b)
{
    return k->wish.kind == w->kind && k->wish.distance == w->distance &&
           !(k->wish.cosine < w->cosine) && !(k->wish.cosine > w->cosine) &&
           k->basis.model == b->model;
}

static bool will_do(const struct eng_kept *k, const struct eng_dup_wish *w,
                    const struct eng_dup_basis *b, double now)
{
    if (!is_of(k, w, b)) {
        return false;
    }
    bool same = b->generation && k->basis.generation == b->generation &&
                k->basis.mark.changes == b->mark.changes &&
                k->basis.mark.vectors == b->mark.vectors && k->basis.unknown == b->unknown;
    return same || (w->max_age > 0 && now - k->made <= w->max_age);
}

/* A reference of the caller's, or NULL. */
static struct eng_kept *recall(struct eng_dups *d, const struct eng_dup_wish *w,
                               const struct eng_dup_basis *b)
{
    struct eng_kept *found = NULL;
    double now = eng_now();
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->n && !found; i++) {
        if (will_do(d->kept[i], w, b, now)) {
            found = d->kept[i];
            found->refs++;
            found->used = now;
        }
    }
    pthread_mutex_unlock(&d->lock);
    return found;
}

/* In place of an older one for the same wish, or of the one that was not used for the longest time. */
static void keep(struct eng_dups *d, struct eng_kept *k)
{
    pthread_mutex_lock(&d->lock);
    size_t at = d->n;
    for (size_t i = 0; i < d->n; i++) {
        if (is_of(d->kept[i], &k->wish, &k->basis)) {
            at = i;
        }
    }
    if (at == KEPT) {
        at = 0;
        for (size_t i = 1; i < KEPT; i++) {
            at = d->kept[i]->used < d->kept[at]->used ? i : at;
        }
    }
    if (at < d->n) {
        unref(d->kept[at]);
    } else {
        d->n++;
    }
    d->kept[at] = k;
    k->refs++;
    pthread_mutex_unlock(&d->lock);
}

static int find_into(eye_lib *lib, struct eng_kept *k, eng_dup_progress *progress, void *ctx,
                     struct eye_err *err)
{
    struct eng_kept *near = NULL;
    if (k->wish.kind == EYE_DUP_SIMILAR) {
        struct eng_dup_wish wish = {EYE_DUP_NEAR, -1, 0, k->wish.max_age};
        near = eng_kept_get(lib, &wish, progress, ctx, err);
        if (!near) {
            return eng_code(err);
        }
    }
    int rc = eng_dup_find(lib, &k->wish, near ? &near->grouping : NULL, progress, ctx, &k->grouping,
                          err);
    eng_kept_put(lib, near);
    return rc;
}

static struct eng_kept *find(eye_lib *lib, const struct eng_dup_wish *wish,
                             const struct eng_dup_basis *basis, eng_dup_progress *progress,
                             void *ctx, struct eye_err *err)
{
    struct eng_kept *k = mem_calloc(1, sizeof *k, err);
    if (!k) {
        return NULL;
    }
    k->refs = 1;
    k->wish = *wish;
    k->basis = *basis;
    if (find_into(lib, k, progress, ctx, err) < 0) {
        free(k);
        return NULL;
    }
    k->made = k->used = eng_now();
    keep(lib->dups, k);
    return k;
}

int eng_kept_look(eye_lib *lib, const struct eng_dup_wish *wish, struct eng_kept **out,
                  struct eye_err *err)
{
    struct eng_dup_wish w = *wish;
    struct eng_dup_basis basis;
    int rc = eng_dup_basis(lib, &w, &basis, err);
    *out = rc < 0 ? NULL : recall(lib->dups, &w, &basis);
    return rc;
}

struct eng_kept *eng_kept_get(eye_lib *lib, const struct eng_dup_wish *wish,
                              eng_dup_progress *progress, void *ctx, struct eye_err *err)
{
    struct eng_dup_wish w = *wish;
    struct eng_dup_basis basis;
    if (eng_dup_basis(lib, &w, &basis, err) < 0) {
        return NULL;
    }
    struct eng_kept *k = recall(lib->dups, &w, &basis);
    if (k) {
        return k;
    }
    pthread_mutex_lock(&lib->dups->finding[w.kind]);
    if (eng_dup_basis(lib, &w, &basis, err) == 0) {
        k = recall(lib->dups, &w, &basis);
        k = k ? k : find(lib, &w, &basis, progress, ctx, err);
    }
    pthread_mutex_unlock(&lib->dups->finding[w.kind]);
    return k;
}
