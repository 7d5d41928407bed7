/* combine.c - searches that wait while one scans are put together into the next scan.
 *
 * All codes of a million rows go past a query in two milliseconds, and past sixteen in hardly more than past four: memory is the
 * limit. So whoever comes while a scan runs waits for it, and the first of those that waited then searches for all that did and have the
 * same snapshot. One that comes alone is delayed by nothing. A queue with a thread of its own was the other way: two switches of
 * threads a search.
 *
 * When a search of several fails, each tries by itself: one query with an infinity must not spoil the others. */
#include "engine/index.h"

enum { ASKS_MAX = 64 };

enum place { WAITING, TAKEN, DONE };

struct waiter {
    struct waiter *next;
    struct eng_vectors *v;
    struct vector_ask *asks;
    size_t n;
    enum place place;
    bool alone; /* the search of all failed */
};

struct eng_combiner {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    bool running;
    struct waiter *first, **last;
    uint64_t searches, scans;
};

struct eng_combiner *eng_combiner_new(struct eye_err *err)
{
    struct eng_combiner *c = mem_calloc(1, sizeof *c, err);
    if (c) {
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->turn, NULL);
        c->last = &c->first;
    }
    return c;
}

void eng_combiner_free(struct eng_combiner *c)
{
    if (c) {
        pthread_mutex_destroy(&c->lock);
        pthread_cond_destroy(&c->turn);
        free(c);
    }
}

void eng_combiner_count(struct eng_combiner *c, struct eng_combiner_stats *out)
{
    pthread_mutex_lock(&c->lock);
    *out = (struct eng_combiner_stats){c->searches, c->scans};
    pthread_mutex_unlock(&c->lock);
}

/* As if a scan ran, for as long as it is held. */
void eng_combiner_hold(struct eng_combiner *c, bool held)
{
    pthread_mutex_lock(&c->lock);
    c->running = held;
    pthread_cond_broadcast(&c->turn);
    pthread_mutex_unlock(&c->lock);
}

static int source_rows(void *ctx, const int64_t *ids, size_t n, uint16_t *out, bool *there,
                       struct eye_err *err)
{
    const struct eng_source *from = ctx;
    return store_vector_rows(from->store, from->model, from->dim, ids, n, out, there, err);
}

struct vector_source eng_source(struct eng_source *from)
{
    return (struct vector_source){source_rows, from};
}

/* ---- under the lock ---- */

static void leave(struct eng_combiner *c, struct waiter **at)
{
    struct waiter *w = *at;
    *at = w->next;
    if (!w->next) {
        c->last = at;
    }
}

/* Mine, and those with the same snapshot that fit. */
static size_t take(struct eng_combiner *c, struct waiter *mine, struct waiter **group)
{
    size_t n = 0, asks = mine->n;
    for (struct waiter **at = &c->first; *at;) {
        struct waiter *w = *at;
        bool fits = w == mine || (w->v == mine->v && asks + w->n <= ASKS_MAX && n < ASKS_MAX - 1);
        if (!fits) {
            at = &w->next;
            continue;
        }
        asks += w == mine ? 0 : w->n;
        w->place = TAKEN;
        leave(c, at);
        group[n++] = w;
    }
    return n;
}

/* ---- the scan ---- */

static int search_group(struct waiter **group, size_t n, const struct vector_source *source,
                        struct pool *pool, struct eye_err *err)
{
    struct vector_ask asks[ASKS_MAX];
    size_t all = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(asks + all, group[i]->asks, group[i]->n * sizeof *asks);
        all += group[i]->n;
    }
    int rc = vector_index_search(group[0]->v->ix, asks, all, source, pool, err);
    all = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < group[i]->n; k++) {
            group[i]->asks[k].count = asks[all++].count;
        }
        group[i]->alone = rc < 0;
    }
    return rc;
}

int eng_combine(eye_lib *lib, struct eng_vectors *v, struct store *s, struct vector_ask *asks,
                size_t n, struct pool *pool, struct eye_err *err)
{
    struct eng_combiner *c = lib->combiner;
    struct eng_source from = {s, v->model, v->spec.dim};
    const struct vector_source source = eng_source(&from);
    struct waiter mine = {.v = v, .asks = asks, .n = n}, *group[ASKS_MAX];
    if (n > ASKS_MAX) {
        return vector_index_search(v->ix, asks, n, &source, pool, err);
    }
    size_t ngroup = 0;
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    c->searches++;
    *c->last = &mine;
    c->last = &mine.next;
    while (mine.place == TAKEN || (mine.place == WAITING && c->running)) {
        pthread_cond_wait(&c->turn, &c->lock);
    }
    if (mine.place == WAITING) {
        c->running = true;
        c->scans++;
        ngroup = take(c, &mine, group);
    }
    pthread_mutex_unlock(&c->lock);
    if (ngroup) {
        rc = search_group(group, ngroup, &source, pool, err);
        pthread_mutex_lock(&c->lock);
        c->running = false;
        for (size_t i = 0; i < ngroup; i++) {
            group[i]->place = DONE; /* from here on it is its owner's alone */
        }
        pthread_cond_broadcast(&c->turn);
        pthread_mutex_unlock(&c->lock);
    }
    /* Alone in its search, it has failed for good. */
    if (mine.alone && ngroup != 1) {
        rc = vector_index_search(v->ix, asks, n, &source, pool, err);
    }
    return rc;
}
