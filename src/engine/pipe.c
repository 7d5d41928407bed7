/* pipe.c - items, the table of bytes under way, and running source, lanes and writer together. */
#include <errno.h>

#include "engine/ingest.h"

/* ---- items ---- */

struct eng_item *eng_item_new(const char *root, const char *rel, int64_t root_id,
                              struct eye_err *err)
{
    struct eng_item *item = mem_calloc(1, sizeof *item, err);
    if (!item) {
        return NULL;
    }
    item->path = eng_path_join(root, rel, err);
    if (!item->path) {
        free(item);
        return NULL;
    }
    item->rel = item->path + strlen(item->path) - strlen(rel);
    item->root = root_id;
    return item;
}

void eng_item_free(struct eng_item *item)
{
    for (struct eng_item *waiting = item->waiters, *next; waiting; waiting = next) {
        next = waiting->next;
        eng_item_free(waiting); /* has no waiters of its own */
    }
    free(item->path);
    free(item->vector);
    free(item->reason);
    free(item);
}

int eng_item_fail(struct eng_item *item, int code, const char *reason)
{
    free(item->reason);
    item->reason = mem_strdup(reason, NULL); /* NULL: the code's name will do */
    item->code = code;
    item->kind = ENG_FAIL;
    return code;
}

void eng_list_init(struct eng_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

void eng_list_add(struct eng_list *list, struct eng_item *item)
{
    item->next = NULL;
    *list->last = item;
    list->last = &item->next;
}

struct eng_item *eng_list_take(struct eng_list *list)
{
    struct eng_item *item = list->first;
    if (item) {
        list->first = item->next;
        if (!list->first) {
            list->last = &list->first;
        }
        item->next = NULL;
    }
    return item;
}

void eng_list_release(struct eng_list *list)
{
    for (struct eng_item *item; (item = eng_list_take(list));) {
        eng_item_free(item);
    }
}

/* ---- bytes under way ---- */

static struct eng_item **bucket_of(struct eng_pipe *p, const struct hash *hash)
{
    return &p->table[hash->bytes[0] % ENG_TABLE];
}

bool eng_table_claim(struct eng_pipe *p, struct eng_item *item)
{
    pthread_mutex_lock(&p->table_lock);
    struct eng_item **bucket = bucket_of(p, &item->hash), *other = *bucket;
    while (other && hash_cmp(&other->hash, &item->hash) != 0) {
        other = other->next;
    }
    if (other) {
        item->next = other->waiters;
        other->waiters = item;
    } else {
        item->next = *bucket;
        *bucket = item;
        item->in_table = true;
    }
    pthread_mutex_unlock(&p->table_lock);
    return !other;
}

struct eng_item *eng_table_drop(struct eng_pipe *p, struct eng_item *item)
{
    if (!item->in_table) {
        return NULL;
    }
    pthread_mutex_lock(&p->table_lock);
    struct eng_item **at = bucket_of(p, &item->hash);
    while (*at != item) {
        at = &(*at)->next;
    }
    *at = item->next;
    item->next = NULL;
    item->in_table = false;
    struct eng_item *waiters = item->waiters;
    item->waiters = NULL;
    pthread_mutex_unlock(&p->table_lock);
    return waiters;
}

/* ---- the pipe ---- */

int eng_lanes(const eye_lib *lib)
{
    return lib->threads < ENG_LANES_MAX ? lib->threads : ENG_LANES_MAX;
}

int eng_pipe_init(struct eng_pipe *p, eye_lib *lib, int lanes, struct decoder_pool *decoder,
                  struct eye_err *err)
{
    memset(p, 0, sizeof *p);
    p->lib = lib;
    p->nlanes = lanes;
    p->borrowed = decoder != NULL;
    pthread_mutex_init(&p->table_lock, NULL);
    p->work = queue_new(ENG_QUEUE, err);
    p->done = p->work ? queue_new(ENG_QUEUE, err) : NULL;
    if (!p->done) {
        return EYE_ENOMEM;
    }
    if (lanes > 0) {
        p->decoder = decoder ? decoder : decoder_open(lanes, &lib->limits, err);
        p->lanes = p->decoder ? mem_calloc((size_t)lanes, sizeof *p->lanes, err) : NULL;
        if (!p->lanes) {
            return eng_code(err);
        }
    }
    return 0;
}

int eng_pipe_model(struct eng_pipe *p, struct eng_model *model, int64_t id, struct eye_err *err)
{
    p->model = model;
    p->model_id = id;
    p->dim = clip_info(model->clip)->dim;
    for (int i = 0; i < p->nlanes; i++) {
        int rc = eng_lane_init(&p->lanes[i], p, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

void eng_pipe_release(struct eng_pipe *p)
{
    for (int i = 0; p->lanes && i < p->nlanes; i++) {
        eng_lane_release(&p->lanes[i]);
    }
    free(p->lanes);
    if (p->decoder && !p->borrowed) {
        decoder_close(p->decoder);
    }
    if (p->work) {
        queue_free(p->work);
    }
    if (p->done) {
        queue_free(p->done);
    }
    pthread_mutex_destroy(&p->table_lock);
}

void eng_pipe_stop(struct eng_pipe *p)
{
    atomic_store(&p->stop, true);
    queue_close(p->work);
}

/* What needs no lane (a failure that the walk saw, a dry run) goes straight to the writer. */
bool eng_pipe_push(struct eng_pipe *p, struct eng_item *item)
{
    struct queue *to = item->kind == ENG_WORK ? p->work : p->done;
    if (atomic_load(&p->stop) || !queue_push(to, item)) {
        eng_item_free(item);
        return false;
    }
    return true;
}

int eng_pipe_wait(void *ctx, const char *what)
{
    struct eng_pipe *p = ctx;
    pthread_mutex_lock(&p->table_lock);
    snprintf(p->waits, sizeof p->waits, "%s", what);
    p->waited = eng_now();
    pthread_mutex_unlock(&p->table_lock);
    return atomic_load(&p->stop);
}

void eng_pipe_break(struct eng_pipe *p, const struct eye_err *why)
{
    pthread_mutex_lock(&p->table_lock);
    if (!p->broken.code) {
        p->broken = *why;
    }
    pthread_mutex_unlock(&p->table_lock);
    eng_pipe_stop(p);
}

struct source {
    struct eng_pipe *pipe;
    eng_source_fn *fn;
    void *ctx;
    int rc;
    struct eye_err err;
};

static void *source_main(void *arg)
{
    struct source *src = arg;
    struct eng_pipe *p = src->pipe;
    struct eng_waiter waiter;
    eng_wait_begin(p->lib, &waiter, eng_pipe_wait, p);
    src->rc = src->fn(src->ctx, p, &src->err);
    eng_wait_end(p->lib, &waiter);
    atomic_store(&p->source_done, true);
    queue_close(p->work);
    if (p->started == 0) { /* else the last lane closes it */
        queue_close(p->done);
    }
    return NULL;
}

static int start_lanes(struct eng_pipe *p, struct eye_err *err)
{
    atomic_store(&p->lanes_left, p->nlanes);
    for (p->started = 0; p->started < p->nlanes; p->started++) {
        struct eng_lane *lane = &p->lanes[p->started];
        int rc = pthread_create(&lane->thread, NULL, eng_lane_main, lane);
        if (rc != 0) { /* those that run see the closed queue and end */
            atomic_fetch_sub(&p->lanes_left, p->nlanes - p->started);
            return eye_fail_errno(err, rc, "cannot start a thread");
        }
    }
    return 0;
}

/* Start all threads, write what comes, wait for all threads. Negative: a thread could not be started. */
static int run_threads(struct eng_pipe *p, struct source *src, struct eng_writer *w,
                       struct eye_err *err)
{
    pthread_t thread;
    int rc = start_lanes(p, err);
    int e = rc == 0 ? pthread_create(&thread, NULL, source_main, src) : EAGAIN;
    if (e == 0) {
        eng_writer_drain(w, err);
        pthread_join(thread, NULL);
    } else {
        rc = rc < 0 ? rc : eye_fail_errno(err, e, "cannot start a thread");
        eng_pipe_stop(p);
    }
    for (int i = 0; i < p->started; i++) {
        pthread_join(p->lanes[i].thread, NULL);
    }
    return rc;
}

/* Files that changed while they were read, and links whose picture went away meanwhile: once more, one by one. */
static void redo(struct eng_pipe *p, struct eng_writer *w, struct eye_err *err)
{
    for (struct eng_item *item; (item = eng_list_take(&w->redo));) {
        item->again = true;
        if (w->rc < 0 || w->cancelled) {
            eng_item_free(item);
        } else if (eng_lane_item(&p->lanes[0], item)) {
            if (p->broken.code) {
                w->rc = eye_fail(err, p->broken.code, "%s", p->broken.msg);
            }
            eng_writer_add(w, item, err); /* discarded after an error */
        }
        eng_writer_flush(w, err);
        eng_writer_progress(w, false);
    }
}

int eng_pipe_run(struct eng_pipe *p, eng_source_fn *source, void *ctx, struct eng_writer *w,
                 struct eye_err *err)
{
    struct source src = {p, source, ctx, 0, {0}};
    int rc = run_threads(p, &src, w, err);
    if (rc < 0) {
        return rc;
    }
    if (w->rc == 0 && !w->cancelled && p->broken.code) { /* all threads have ended */
        w->rc = eye_fail(err, p->broken.code, "%s", p->broken.msg);
    }
    if (w->rc == 0 && !w->cancelled && src.rc < 0) {
        w->rc = eye_fail(err, src.rc, "%s", src.err.msg);
    }
    eng_held_write(w, err);
    redo(p, w, err);
    return w->rc < 0 ? w->rc : w->cancelled ? EYE_ECANCELLED : 0;
}
