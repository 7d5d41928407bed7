/* writer.c - the one that writes: takes finished items, commits them by the batch, then tells about them.
 *
 * Items are gathered in memory and written in one short transaction (64 of them or what a second brought), so
 * other writers never wait for a slow picture, and a killed run loses at most one batch. Events come after the
 * commit: what was said to be indexed is indexed. Everything here runs on the thread that called eye_index.
 *
 * A server that goes away holds the commit up, and with it this thread; it then tells from within, so that Ctrl-C still ends the run. */
#include "engine/ingest.h"

static const double BATCH_SECONDS = 1.0, SERVER_SECONDS = 4.0, TICK_SECONDS = 0.1,
                    WAIT_SHOWN_SECONDS = 1.0;

void eng_writer_init(struct eng_writer *w, struct eng_pipe *p, struct store *store,
                     const struct eng_hooks *hooks)
{
    memset(w, 0, sizeof *w);
    w->pipe = p;
    w->store = store;
    w->hooks = *hooks;
    w->full = p->lib->remote ? ENG_BATCH_SERVER : ENG_BATCH;
    w->started = eng_now();
    eng_list_init(&w->todo);
    eng_list_init(&w->redo);
}

void eng_writer_discard(struct eng_writer *w, struct eng_item *item)
{
    struct eng_item *waiters = eng_table_drop(w->pipe, item);
    item->waiters = waiters;
    eng_item_free(item);
}

void eng_writer_release(struct eng_writer *w)
{
    for (size_t i = 0; i < w->n; i++) {
        eng_writer_discard(w, w->batch[i]);
    }
    w->n = 0;
    eng_list_release(&w->todo);
    eng_list_release(&w->redo);
    for (size_t i = 0; i < w->nheld; i++) {
        eng_writer_discard(w, w->held[i]);
    }
    free(w->held);
    w->held = NULL;
    w->nheld = w->held_cap = 0;
}

static void cancel(struct eng_writer *w)
{
    w->cancelled = true;
    eng_pipe_stop(w->pipe);
}

/* ---- what each kind writes ---- */

static struct store_file file_of(const struct eng_item *item, int64_t picture)
{
    struct store_file f = {picture, item->root, item->rel, item->size, item->mtime_ns};
    return f;
}

static int set_file(struct eng_writer *w, struct eng_item *item, int64_t picture,
                    eye_file_outcome outcome, struct eye_err *err)
{
    struct store_file f = file_of(item, picture);
    struct eye_err removed = {0}; /* by `eyeshine remove`, meanwhile */
    item->outcome = outcome;
    int rc = picture == item->picture ? store_file_touch(w->store, &f, &removed) : EYE_ENOTFOUND;
    if (rc < 0 && rc != EYE_ENOTFOUND) {
        return eye_fail(err, rc, "%s", removed.msg);
    }
    return rc == 0 ? 0 : store_file_set(w->store, &f, err);
}

/* The picture that a lane saw may be gone by now (its only file was given other content in this batch): again. */
static int write_link(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    int64_t id;
    bool has_vector = false;
    struct eye_err missing = {0};
    int rc =
        store_picture_by_hash(w->store, &item->hash, w->pipe->model_id, &id, &has_vector, &missing);
    if (rc == EYE_ENOTFOUND || (rc == 0 && !has_vector)) {
        item->kind = item->again ? ENG_GONE : ENG_REDO;
        return 0;
    }
    if (rc < 0) {
        return eye_fail(err, rc, "%s", missing.msg);
    }
    return set_file(w, item, id, id == item->picture ? EYE_FILE_UNCHANGED : EYE_FILE_LINKED, err);
}

static int write_picture(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    int64_t id;
    int rc =
        store_put(w->store, &item->meta, w->pipe->model_id, item->vector, w->pipe->dim, &id, err);
    if (rc < 0) {
        return rc;
    }
    bool updated = item->picture && item->picture != id;
    return set_file(w, item, id, updated ? EYE_FILE_UPDATED : EYE_FILE_INDEXED, err);
}

static int write_vector(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    struct eye_err removed = {0};
    int rc = store_vector_put(w->store, item->picture, w->pipe->model_id, item->vector,
                              w->pipe->dim, &removed);
    item->outcome = EYE_FILE_INDEXED;
    rc = rc < 0 ? rc
                : store_look_set(w->store, item->picture, item->meta.phash, item->meta.mosaic,
                                 &removed);
    if (rc == EYE_ENOTFOUND) { /* nobody wants it any more */
        item->kind = ENG_GONE;
        return 0;
    }
    return rc < 0 ? eye_fail(err, rc, "%s", removed.msg) : 0;
}

static int write_failure(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    struct store_failure f = {
        item->root,          item->rel,  item->size,
        item->mtime_ns,      item->code, item->reason ? item->reason : eye_err_name(item->code),
        (int64_t)time(NULL), 0};
    item->outcome = EYE_FILE_FAILED;
    /* A file that cannot be read for `model use` keeps its place in the library; the next scan judges it. */
    return w->pipe->revector ? 0 : store_failure_set(w->store, &f, err);
}

static int write_item(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    switch (item->kind) {
    case ENG_EMBED: return write_picture(w, item, err);
    case ENG_VECTOR: return write_vector(w, item, err);
    case ENG_LINK: return write_link(w, item, err);
    case ENG_FAIL: return write_failure(w, item, err);
    case ENG_AWAY_NOW: /* what is known of it stays, and the next run tries again */
        item->outcome = EYE_FILE_FAILED;
        return 0;
    case ENG_REMOVE:
        item->outcome = EYE_FILE_REMOVED;
        return store_file_remove(w->store, item->root, item->rel, err);
    case ENG_MOUNT: return store_mount_set(w->store, item->root, item->rel, true, err);
    case ENG_WOULD_INDEX: item->outcome = EYE_FILE_WOULD_INDEX; return 0;
    case ENG_WOULD_REMOVE: item->outcome = EYE_FILE_WOULD_REMOVE; return 0;
    case ENG_WORK:
    case ENG_GONE:
    case ENG_REDO: return 0;
    }
    return eye_fail(err, EYE_EINTERNAL, "an item of unknown kind %d", (int)item->kind);
}

/* What the batch is about to ask one by one, from a server in two questions. */
static int gather_batch(struct eng_writer *w, struct eye_err *err)
{
    struct hash hashes[ENG_BATCH_SERVER];
    struct store_file files[ENG_BATCH_SERVER];
    size_t nhashes = 0, nfiles = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct eng_item *item = w->batch[i];
        if (item->kind == ENG_EMBED || item->kind == ENG_LINK) {
            hashes[nhashes++] = item->hash;
        }
        if (item->kind == ENG_EMBED || item->kind == ENG_LINK || item->kind == ENG_FAIL ||
            item->kind == ENG_REMOVE) {
            files[nfiles++] = file_of(item, item->target ? item->target : item->picture);
        }
    }
    int rc = nhashes ? store_gather_hashes(w->store, hashes, nhashes, err) : 0;
    return rc < 0 || !nfiles ? rc : store_gather_files(w->store, files, nfiles, err);
}

static int write_batch(struct eng_writer *w, struct eye_err *err)
{
    if (w->dry_run) {
        for (size_t i = 0; i < w->n; i++) {
            write_item(w, w->batch[i], err);
        }
        return 0;
    }
    int rc = store_begin(w->store, err);
    if (rc < 0) {
        return rc;
    }
    rc = w->pipe->lib->remote ? gather_batch(w, err) : 0;
    for (size_t i = 0; rc == 0 && i < w->n; i++) {
        rc = write_item(w, w->batch[i], err);
    }
    rc = rc < 0 ? rc : store_commit(w->store, err);
    if (rc < 0) {
        store_rollback(w->store);
    }
    return rc;
}

/* ---- what comes after the commit ---- */

/* Those with the same bytes share the fate of the one that went ahead. */
static void route_waiters(struct eng_writer *w, struct eng_item *item)
{
    for (struct eng_item *waiting = eng_table_drop(w->pipe, item), *next; waiting; waiting = next) {
        next = waiting->next;
        if (item->kind == ENG_REDO || item->kind == ENG_GONE) {
            eng_list_add(&w->redo, waiting);
            continue;
        }
        if (item->kind == ENG_FAIL) {
            eng_item_fail(waiting, item->code, item->reason ? item->reason : "");
        } else {
            waiting->kind = ENG_LINK;
        }
        eng_list_add(&w->todo, waiting);
    }
}

static void count(struct eng_writer *w, const struct eng_item *item)
{
    eye_index_progress *c = &w->counts;
    switch (item->outcome) {
    case EYE_FILE_INDEXED:
    case EYE_FILE_WOULD_INDEX: c->indexed++; break;
    case EYE_FILE_UPDATED: c->updated++; break;
    case EYE_FILE_LINKED: c->linked++; break;
    case EYE_FILE_UNCHANGED: c->unchanged++; break;
    case EYE_FILE_REMOVED:
    case EYE_FILE_WOULD_REMOVE: c->removed++; break;
    case EYE_FILE_FAILED: c->failed++; break;
    }
}

/* Takes the item over. */
static void finish(struct eng_writer *w, struct eng_item *item)
{
    route_waiters(w, item);
    if (item->kind == ENG_REDO) {
        eng_list_add(&w->redo, item);
        return;
    }
    if (item->kind == ENG_GONE) {
        w->gone++;
        w->bare += item->sniff;
    } else if (!item->silent) {
        count(w, item);
        eye_index_event e = {item->outcome, item->path, NULL, 0};
        if (item->kind == ENG_FAIL || item->kind == ENG_AWAY_NOW) {
            e.reason = item->reason ? item->reason : eye_err_name(item->code);
            e.code = item->code;
        }
        if (w->hooks.event && !w->cancelled && item->outcome != EYE_FILE_UNCHANGED &&
            w->hooks.event(w->hooks.ctx, &e) != 0) {
            cancel(w);
        }
    }
    eng_item_free(item);
}

static void commit(struct eng_writer *w, struct eye_err *err)
{
    size_t n = w->n;
    int rc = write_batch(w, err);
    if (rc < 0) {
        w->rc = rc;
        eng_pipe_stop(w->pipe);
        eng_writer_release(w);
        return;
    }
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        finish(w, w->batch[i]);
    }
}

void eng_writer_flush(struct eng_writer *w, struct eye_err *err)
{
    while (w->rc == 0 && (w->n || w->todo.first)) {
        while (w->n < w->full && w->todo.first) {
            w->batch[w->n++] = eng_list_take(&w->todo);
        }
        commit(w, err);
    }
}

void eng_writer_add(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    if (w->rc < 0 || !eng_held_take(w, item)) {
        eng_writer_put(w, item, err);
    }
}

void eng_writer_put(struct eng_writer *w, struct eng_item *item, struct eye_err *err)
{
    if (w->rc < 0) {
        eng_writer_discard(w, item);
        return;
    }
    if (w->n == 0) {
        w->batch_started = eng_now();
    }
    w->batch[w->n++] = item;
    if (w->n == w->full) {
        eng_writer_flush(w, err);
    }
}

/* ---- progress ---- */

/* Pictures embedded a second over the last few seconds: from the oldest sample in the ring to now. */
static double rate(struct eng_writer *w, double now)
{
    size_t ring = sizeof w->window / sizeof *w->window;
    uint64_t done = w->counts.indexed + w->counts.updated;
    size_t oldest = w->samples >= ring ? w->samples % ring : 0;
    double since = w->samples ? w->window[oldest].at : w->started;
    uint64_t before = w->samples ? w->window[oldest].done : 0;
    w->window[w->samples % ring].at = now;
    w->window[w->samples % ring].done = done;
    w->samples++;
    return now - since > 0.01 ? (double)(done - before) / (now - since) : 0;
}

eye_index_progress eng_writer_counts(struct eng_writer *w)
{
    const struct eng_pipe *p = w->pipe;
    eye_index_progress out = w->counts;
    out.walk_done = atomic_load(&p->source_done);
    out.seen = atomic_load(&p->seen);
    out.skipped = atomic_load(&p->skipped) + w->bare;
    out.unchanged += atomic_load(&p->unchanged);
    out.failed += atomic_load(&p->known_failed);
    out.total = atomic_load(&p->total) - w->gone;
    return out;
}

/* What somebody waits for just now; every call of the pipe's waiter says it again. */
static const char *waits_for(struct eng_writer *w, double now, char text[EYE_ERR_MSG_MAX])
{
    struct eng_pipe *p = w->pipe;
    pthread_mutex_lock(&p->table_lock);
    bool waits = p->waited > 0 && now - p->waited < WAIT_SHOWN_SECONDS;
    if (waits) {
        memcpy(text, p->waits, sizeof p->waits);
    }
    pthread_mutex_unlock(&p->table_lock);
    return waits ? text : NULL;
}

int eng_writer_wait(void *writer, const char *what)
{
    struct eng_writer *w = writer;
    eng_pipe_wait(w->pipe, what);
    if (!w->waiting) { /* else whoever is told waits for the same server himself */
        w->waiting = true;
        eng_writer_progress(w, false);
        w->waiting = false;
    }
    return w->cancelled;
}

void eng_writer_progress(struct eng_writer *w, bool now)
{
    char text[EYE_ERR_MSG_MAX];
    double t = eng_now();
    if (!now && t - w->last_progress < TICK_SECONDS) {
        return;
    }
    w->last_progress = t;
    w->counts.seconds = t - w->started;
    w->counts.rate = rate(w, t);
    eye_index_progress out = eng_writer_counts(w);
    out.waiting = waits_for(w, t, text);
    if (w->hooks.progress && !w->cancelled && w->hooks.progress(w->hooks.ctx, &out) != 0) {
        cancel(w);
    }
}

void eng_writer_drain(struct eng_writer *w, struct eye_err *err)
{
    double most = w->pipe->lib->remote ? SERVER_SECONDS : BATCH_SECONDS;
    for (;;) {
        bool timed_out = false;
        struct eng_item *item = queue_pop_wait(w->pipe->done, 100, &timed_out);
        if (item) {
            eng_writer_add(w, item, err);
        } else if (!timed_out) {
            break;
        }
        if (w->n && eng_now() - w->batch_started >= most) {
            eng_writer_flush(w, err);
        }
        eng_writer_progress(w, false);
    }
    eng_writer_flush(w, err);
}
