/* allowed.c - which pictures pass a filter, remembered.
 *
 * Pages of one search, words tried under one filter and a letter typed after the other ask for the same filter again and again. Its answer
 * is true as long as the library's generation is, a number in the database that each commit of any process changes when it
 * changed pictures, files or roots; it is read (some microseconds) each time, and an answer carries the generation of
 * the very snapshot that it was read in. So an answer is never out of date, and nobody has to be told of changes.
 *
 * On a server nothing is remembered: the filter goes along with each search, and only how many pass is asked for here.
 *
 * The key is a hash of the filter as the store gets it, each member in turn. Answers are shared while they are in use, and forgotten least
 * recently used first, when there are too many or they take too much memory, or all when the generation moved on. */
#include "engine/search.h"

enum { ANSWERS = 64 };

struct eng_answer {
    size_t refs; /* under the lock: those that use it, and the list */
    struct hash key;
    int64_t generation;
    int64_t *ids;
    size_t n;
    uint64_t used;
};

struct eng_answers {
    pthread_mutex_t lock;
    uint64_t clock, hits, misses;
    size_t bytes, most; /* most: of bytes */
    int64_t generation; /* the latest seen; all in the list are of it */
    struct eng_answer *list[ANSWERS];
    size_t n;
};

struct eng_answers *eng_answers_new(size_t most, struct eye_err *err)
{
    struct eng_answers *a = mem_calloc(1, sizeof *a, err);
    if (a) {
        a->most = most;
        pthread_mutex_init(&a->lock, NULL);
    }
    return a;
}

/* ---- under the lock ---- */

static size_t size_of(const struct eng_answer *e)
{
    return sizeof *e + e->n * sizeof *e->ids;
}

static void unref(struct eng_answer *e)
{
    if (--e->refs == 0) {
        free(e->ids);
        free(e);
    }
}

static void drop(struct eng_answers *a, size_t i)
{
    a->bytes -= size_of(a->list[i]);
    unref(a->list[i]);
    a->list[i] = a->list[--a->n];
}

static void move_on(struct eng_answers *a, int64_t generation)
{
    if (generation <= a->generation) {
        return;
    }
    while (a->n) {
        drop(a, a->n - 1);
    }
    a->generation = generation;
}

static struct eng_answer *look(struct eng_answers *a, const struct hash *key, int64_t generation)
{
    for (size_t i = 0; i < a->n; i++) {
        if (a->list[i]->generation == generation && hash_cmp(&a->list[i]->key, key) == 0) {
            a->list[i]->used = ++a->clock;
            return a->list[i];
        }
    }
    return NULL;
}

static size_t oldest(const struct eng_answers *a)
{
    size_t at = 0;
    for (size_t i = 1; i < a->n; i++) {
        at = a->list[i]->used < a->list[at]->used ? i : at;
    }
    return at;
}

static void keep(struct eng_answers *a, struct eng_answer *e)
{
    move_on(a, e->generation);
    if (!e->generation || e->generation < a->generation || size_of(e) > a->most / 2 ||
        look(a, &e->key, e->generation)) {
        return;
    }
    while (a->n && (a->n == ANSWERS || a->bytes + size_of(e) > a->most)) {
        drop(a, oldest(a));
    }
    e->refs++;
    e->used = ++a->clock;
    a->list[a->n++] = e;
    a->bytes += size_of(e);
}

/* ---- keys ---- */

static int put_text(struct buf *b, const char *text, struct eye_err *err)
{
    size_t n = text ? strlen(text) + 1 : 0; /* with its end: NULL and "" differ */
    int rc = buf_append(b, &n, sizeof n, err);
    return rc < 0 || !n ? rc : buf_append(b, text, n, err);
}

static int put_filter(struct buf *b, const struct store_filter *f, struct eye_err *err)
{
    const int64_t whole[] = {f->root,       f->taken_from,    f->taken_to,    f->added_from,
                             f->added_to,   f->modified_from, f->modified_to, f->min_width,
                             f->min_height, f->max_width,     f->max_height,  f->orientation,
                             f->gps,        f->boxed};
    const double real[] = {f->min_megapixels, f->max_megapixels, f->south,
                           f->west,           f->north,          f->east};
    const char *const texts[] = {f->path, f->name, f->format, f->camera};
    int rc = buf_append(b, whole, sizeof whole, err);
    rc = rc < 0 ? rc : buf_append(b, real, sizeof real, err);
    for (size_t i = 0; rc == 0 && i < 4; i++) {
        rc = put_text(b, texts[i], err);
    }
    return rc;
}

static int put_where(struct buf *b, const struct store_where *w, struct eye_err *err)
{
    const size_t head[2] = {(size_t)w->kind, w->nparts};
    int rc = buf_append(b, head, sizeof head, err);
    if (rc == 0 && w->kind == STORE_IS) {
        rc = put_filter(b, w->filter, err);
    }
    for (size_t i = 0; rc == 0 && i < w->nparts; i++) {
        rc = put_where(b, w->parts[i], err);
    }
    return rc;
}

static int key_of(const struct store_where *w, struct hash *key, struct eye_err *err)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    int rc = put_where(&b, w, err);
    if (rc == 0) {
        hash_bytes(b.data, b.len, key);
    }
    buf_release(&b);
    return rc;
}

/* ---- all together ---- */

static struct eng_answer *recall(struct eng_answers *a, const struct hash *key, int64_t generation)
{
    pthread_mutex_lock(&a->lock);
    move_on(a, generation);
    struct eng_answer *e = generation ? look(a, key, generation) : NULL;
    if (e) {
        e->refs++;
    }
    a->hits += e != NULL;
    a->misses += e == NULL;
    pthread_mutex_unlock(&a->lock);
    return e;
}

static struct eng_answer *ask(struct eng_answers *a, struct store *s, const struct store_where *w,
                              const struct hash *key, struct eye_err *err)
{
    struct eng_answer *e = mem_calloc(1, sizeof *e, err);
    if (!e) {
        return NULL;
    }
    if (store_where(s, w, &e->generation, &e->ids, &e->n, err) < 0) {
        free(e);
        return NULL;
    }
    e->refs = 1;
    e->key = *key;
    pthread_mutex_lock(&a->lock);
    keep(a, e);
    pthread_mutex_unlock(&a->lock);
    return e;
}

static int answer(eye_lib *lib, struct store *s, const struct store_where *w,
                  struct eng_allowed *out, struct eye_err *err)
{
    struct hash key;
    int64_t generation;
    int rc = key_of(w, &key, err);
    rc = rc < 0 ? rc : store_generation(s, &generation, err);
    if (rc < 0) {
        return rc;
    }
    out->held = recall(lib->answers, &key, generation);
    if (!out->held) {
        out->held = ask(lib->answers, s, w, &key, err);
    }
    if (!out->held) {
        return eng_code(err);
    }
    out->ids = out->held->ids;
    out->total = out->n = out->held->n;
    return 0;
}

static int pass_on(struct store *s, struct eng_where *w, struct eng_allowed *out,
                   struct eye_err *err)
{
    struct eng_where *kept = mem_calloc(1, sizeof *kept, err);
    if (!kept) {
        return EYE_ENOMEM;
    }
    *kept = *w;
    *w = (struct eng_where){.top = NULL};
    out->owned = kept;
    out->where = kept->top;
    return store_where_count(s, out->where, &out->total, err);
}

static int get(eye_lib *lib, struct store *s, const eye_filter *filter, const eye_where *where,
               bool ids, struct eng_allowed *out, struct eye_err *err)
{
    struct eng_where w;
    *out = (struct eng_allowed){.all = false};
    int rc = eng_where_make(filter, where, &w, err);
    if (rc < 0) {
        return rc;
    }
    out->all = !w.top;
    if (out->all) {
        rc = store_count(s, &out->total, err);
    } else {
        rc = ids ? answer(lib, s, w.top, out, err) : pass_on(s, &w, out, err);
    }
    eng_where_free(&w);
    return rc;
}

int eng_allowed_get(eye_lib *lib, struct store *s, const eye_filter *filter, const eye_where *where,
                    struct eng_allowed *out, struct eye_err *err)
{
    return get(lib, s, filter, where, !lib->remote, out, err);
}

int eng_allowed_ids(eye_lib *lib, struct store *s, const eye_filter *filter, const eye_where *where,
                    struct eng_allowed *out, struct eye_err *err)
{
    return get(lib, s, filter, where, true, out, err);
}

void eng_allowed_put(eye_lib *lib, struct eng_allowed *allowed)
{
    if (allowed->held) {
        pthread_mutex_lock(&lib->answers->lock);
        unref(allowed->held);
        pthread_mutex_unlock(&lib->answers->lock);
    }
    if (allowed->owned) {
        eng_where_free(allowed->owned);
        free(allowed->owned);
    }
    *allowed = (struct eng_allowed){.all = false};
}

void eng_answers_count(struct eng_answers *a, struct eng_answers_stats *out)
{
    pthread_mutex_lock(&a->lock);
    *out = (struct eng_answers_stats){a->hits, a->misses, a->n, a->bytes};
    pthread_mutex_unlock(&a->lock);
}

void eng_answers_free(struct eng_answers *a)
{
    if (!a) {
        return;
    }
    while (a->n) {
        drop(a, a->n - 1);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}
