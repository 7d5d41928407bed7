/* watch_queue.c - what changed since the last look, each path once.
 *
 * A path is ready, or it is being written: then it waits for its writer to close it, or to be silent for so long that closing was
 * missed. Deciding when to look is not done here, because what belongs together may lie in two roots (watch_loop.c).
 *
 * Bounded: more than `most` paths become "all of the root", which is one flag and cheaper to look at than as many single
 * paths. A file that is being written is remembered even then, so that the look leaves it alone. */
#include "engine/watch.h"

enum { FIRST_SLOTS = 64 };

void watch_queue_init(struct watch_queue *q, size_t most)
{
    memset(q, 0, sizeof *q);
    q->most = most;
}

void watch_queue_release(struct watch_queue *q)
{
    for (size_t i = 0; i < q->cap; i++) {
        free(q->slots[i].rel);
    }
    free(q->slots);
    watch_queue_init(q, q->most);
}

/* ---- the table ---- */

static size_t hash_of(const char *rel, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)rel[i]) * 1099511628211u;
    }
    return (size_t)(h ^ (h >> 31));
}

/* The slot of the first `len` bytes of rel: its entry, or the free one where it would be. */
static struct watch_entry *slot_of(const struct watch_queue *q, const char *rel, size_t len)
{
    size_t i = hash_of(rel, len) & (q->cap - 1);
    while (q->slots[i].rel &&
           (strncmp(q->slots[i].rel, rel, len) != 0 || q->slots[i].rel[len] != '\0')) {
        i = (i + 1) & (q->cap - 1);
    }
    return &q->slots[i];
}

static const struct watch_entry *find(const struct watch_queue *q, const char *rel, size_t len)
{
    const struct watch_entry *e = q->cap ? slot_of(q, rel, len) : NULL;
    return e && e->rel ? e : NULL;
}

/* A table without what `keep` says no to, of a size that fits. False: out of memory, and everything is as it was. */
static bool rebuild(struct watch_queue *q, size_t cap, bool only_writing)
{
    struct watch_queue out = *q;
    out.slots = mem_calloc(cap, sizeof *out.slots, NULL);
    if (!out.slots) {
        return false;
    }
    out.cap = cap;
    out.n = out.nready = 0;
    for (size_t i = 0; i < q->cap; i++) {
        struct watch_entry *e = &q->slots[i];
        if (!e->rel) {
            continue;
        }
        if (only_writing && !e->writing) {
            free(e->rel);
            continue;
        }
        *slot_of(&out, e->rel, strlen(e->rel)) = *e;
        out.n++;
        out.nready += !e->writing;
    }
    free(q->slots);
    *q = out;
    return true;
}

/* Its entry, made if need be. NULL: there is no room, or no memory. */
static struct watch_entry *get(struct watch_queue *q, const char *rel)
{
    size_t len = strlen(rel);
    struct watch_entry *e = q->cap ? slot_of(q, rel, len) : NULL;
    if (e && e->rel) {
        return e;
    }
    if (q->n >= q->most) {
        return NULL;
    }
    if (2 * (q->n + 1) > q->cap && !rebuild(q, q->cap ? 2 * q->cap : FIRST_SLOTS, false)) {
        return NULL;
    }
    e = slot_of(q, rel, len);
    e->rel = mem_strdup(rel, NULL);
    e->writing = false;
    if (!e->rel) {
        return NULL;
    }
    q->n++;
    q->nready++;
    return e;
}

/* ---- what happens ---- */

void watch_queue_all(struct watch_queue *q)
{
    q->whole = true;
    if (q->nready && !rebuild(q, q->cap, true)) {
        watch_queue_release(q);
        q->whole = true;
    }
}

static void note(struct watch_queue *q, const char *rel, bool writing, double now)
{
    if (q->whole && !writing && !find(q, rel, strlen(rel))) {
        return;
    }
    struct watch_entry *e = get(q, rel);
    if (!e && !q->whole) {
        watch_queue_all(q);
        e = writing ? get(q, rel) : NULL;
    }
    if (!e) {
        return;
    }
    if (e->writing != writing) {
        q->nready = writing ? q->nready - 1 : q->nready + 1;
    }
    e->writing = writing;
    e->at = now;
}

void watch_queue_add(struct watch_queue *q, const char *rel, double now)
{
    note(q, rel, false, now);
}

void watch_queue_writing(struct watch_queue *q, const char *rel, double now)
{
    note(q, rel, true, now);
}

double watch_queue_silent(struct watch_queue *q, double before)
{
    double first = 0;
    for (size_t i = 0; q->n > q->nready && i < q->cap; i++) {
        struct watch_entry *e = &q->slots[i];
        if (!e->rel || !e->writing) {
            continue;
        }
        if (e->at < before) {
            e->writing = false;
            q->nready++;
        } else if (first == 0 || e->at < first) {
            first = e->at;
        }
    }
    return first;
}

/* ---- asking ---- */

bool watch_queue_is_writing(const struct watch_queue *q, const char *rel)
{
    const struct watch_entry *e = find(q, rel, strlen(rel));
    return e && e->writing;
}

bool watch_queue_is_ready(const struct watch_queue *q)
{
    return q->whole || q->nready;
}

/* ---- taking ---- */

int watch_rel_cmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int x = *a == '/' ? 1 : (unsigned char)*a, y = *b == '/' ? 1 : (unsigned char)*b;
    return x != y ? x - y : (int)(unsigned char)*a - (int)(unsigned char)*b;
}

static int by_rel(const void *a, const void *b)
{
    return watch_rel_cmp(*(char *const *)a, *(char *const *)b);
}

/* Those inside another go. */
static void prune(struct watch_taken *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (kept && eng_path_below(t->rels[i], t->rels[kept - 1])) {
            free(t->rels[i]);
        } else {
            t->rels[kept++] = t->rels[i];
        }
    }
    t->n = kept;
}

void watch_queue_take(struct watch_queue *q, struct watch_taken *out)
{
    memset(out, 0, sizeof *out);
    out->rels = q->whole || !q->nready ? NULL : mem_calloc(q->nready, sizeof *out->rels, NULL);
    if (!out->rels) {
        out->whole = q->whole || q->nready;
        watch_queue_all(q);
        q->whole = false;
        return;
    }
    for (size_t i = 0; i < q->cap; i++) {
        struct watch_entry *e = &q->slots[i];
        if (e->rel && !e->writing) {
            out->rels[out->n++] = e->rel;
            e->rel = NULL;
            q->n--;
        }
    }
    q->nready = 0;
    if (q->n && !rebuild(q, q->cap, true)) { /* chains have holes now */
        watch_queue_release(q);
        q->whole = true;
    } else if (!q->n) {
        free(q->slots);
        q->slots = NULL;
        q->cap = 0;
    }
    qsort(out->rels, out->n, sizeof *out->rels, by_rel);
    prune(out);
}

void watch_queue_put_back(struct watch_queue *q, const struct watch_taken *taken, double now)
{
    if (taken->whole) {
        watch_queue_all(q);
    }
    for (size_t i = 0; i < taken->n; i++) {
        if (!watch_queue_is_writing(q, taken->rels[i])) {
            watch_queue_add(q, taken->rels[i], now);
        }
    }
}

void watch_taken_release(struct watch_taken *taken)
{
    for (size_t i = 0; i < taken->n; i++) {
        free(taken->rels[i]);
    }
    free(taken->rels);
    memset(taken, 0, sizeof *taken);
}
