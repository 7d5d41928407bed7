/* jobs_run.c - the thread that does the jobs: what comes next, scans, and how each ends.
 *
 * One thread, because there is one right to index. A scan gives way to an upload by being stopped, as a user would stop
 * it, and run again: what it did is done, and the second walk finds that quickly. Between the files of an upload
 * that is still coming in it waits a moment before the scan goes on, or it would be restarted for each of them.
 *
 * Whatever goes wrong with the database itself (a full disk) is logged and tried again after a while: rows say what
 * is to be done, and nothing is lost by waiting. */
#include <inttypes.h>

#include "engine/jobs.h"

static const double TELL_SECONDS = 0.1, SAVE_SECONDS = 1, BUSY_SECONDS = 0.25, LINGER_SECONDS = 0.4,
                    TROUBLE_SECONDS = 2, WARM_SECONDS = 30, EXPIRE_SECONDS = 3600;
bool jobs_stopped(struct eng_jobs *j)
{
    return atomic_load(&j->stop) || atomic_load(&j->cancelled);
}

/* ---- the job at hand ---- */

/* Its row as of after this: a cancelling that it does not show will find the job at hand. EYE_ECANCELLED: it is over. */
static int begin(struct eng_jobs *j, int64_t id, struct store_job *row, struct eye_err *err)
{
    pthread_mutex_lock(&j->lock);
    memset(&j->live, 0, sizeof j->live);
    j->live.id = id;
    j->live.eta = -1;
    atomic_store(&j->cancelled, false);
    pthread_mutex_unlock(&j->lock);
    int rc = store_job_get(j->store, id, row, err);
    if (rc == 0 && row->state > EYE_JOB_RUNNING) {
        store_job_release(row);
        rc = EYE_ECANCELLED;
    }
    return rc;
}

static void end(struct eng_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    memset(&j->live, 0, sizeof j->live);
    pthread_mutex_unlock(&j->lock);
}

static int finish(struct eng_jobs *j, int64_t id, eye_job_state state, const char *note,
                  struct eye_err *err)
{
    bool changed;
    int rc = store_begin(j->store, err);
    if (rc < 0) {
        return rc;
    }
    rc = store_job_note(j->store, id, note, err);
    rc = rc < 0 ? rc
                : store_job_move(j->store, id, EYE_JOB_RUNNING, (int)state, true, &changed, err);
    rc = rc < 0 ? rc : store_jobs_prune(j->store, -1, JOBS_KEPT, err);
    rc = rc < 0 ? rc : store_jobs_prune(j->store, JOBS_WATCH, JOBS_WATCH_KEPT, err);
    rc = rc < 0 ? rc : store_commit(j->store, err);
    if (rc < 0) {
        store_rollback(j->store);
        return rc;
    }
    end(j);
    jobs_changed(j, id);
    jobs_tell(j, id);
    return 0;
}

/* Another process indexes: say so, and come back soon. */
static int busy(struct eng_jobs *j, int64_t id, const struct eye_err *why, struct eye_err *err)
{
    char note[EYE_ERR_MSG_MAX + 16];
    snprintf(note, sizeof note, "waits: %s", why->msg);
    int rc = store_job_note(j->store, id, note, err);
    jobs_changed(j, id);
    return rc < 0 ? rc : EYE_EBUSY;
}

/* ---- giving up ---- */

/* One waiting item of a job that ends early: a picture if it made it into the library, else a failure. */
static int give_up_item(struct eng_jobs *j, struct store_item *item, const struct eye_err *why,
                        struct eye_err *err)
{
    int64_t picture = 0;
    char staged[48];
    upload_spool_name(item->job, item->seq, staged);
    /* still in the spool: what lies at the place it was meant for is somebody else's */
    char *place = upload_is_there(j->spool_fd, staged, NULL) ? NULL : item->place;
    char *noted = item->place;
    int rc = store_begin(j->store, err);
    if (rc < 0) {
        return rc;
    }
    bool in = place && j->root && store_picture_at(j->store, j->root, place, &picture, NULL) == 0;
    if (in) {
        item->place = NULL;
        rc = upload_settle(j, item, EYE_ITEM_INDEXED, picture, NULL, err);
    } else {
        item->place = place;
        rc = place && j->root ? store_file_remove(j->store, j->root, place, err) : 0;
        rc = rc < 0 ? rc : upload_settle(j, item, EYE_ITEM_FAILED, 0, why, err);
    }
    item->place = noted;
    rc = rc < 0 ? rc : store_commit(j->store, err);
    if (rc < 0) {
        store_rollback(j->store);
        return rc;
    }
    upload_delete(j->spool_fd, staged);
    if (!in && place) {
        upload_delete(j->uploads_fd, place);
        rc = store_item_place(j->store, item->job, item->seq, NULL, err);
    }
    return rc;
}

int jobs_give_up(struct eng_jobs *j, int64_t job, int code, const char *reason, struct eye_err *err)
{
    struct eye_err why = {0};
    size_t n = JOBS_BATCH;
    int rc = store_root_uploads(j->store, j->uploads_path, &j->root, err);
    eye_fail(&why, code, "%s", reason);
    while (rc == 0 && n == JOBS_BATCH) {
        struct store_item *items = NULL;
        rc = store_items(j->store, job, 0, JOBS_BATCH, EYE_ITEM_WAITING, &items, &n, err);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            rc = give_up_item(j, &items[i], &why, err);
        }
        store_items_free(items, n);
    }
    jobs_changed(j, job);
    return rc;
}

/* Jobs that were ended, by a request or by a failure, before their files were dealt with. */
static int tidy(struct eng_jobs *j, struct eye_err *err)
{
    static const struct {
        int state, code;
        const char *reason;
    } ends[] = {{EYE_JOB_CANCELLED, EYE_ECANCELLED, "the upload was cancelled"},
                {EYE_JOB_FAILED, EYE_EIO, "the upload failed"}};
    int64_t id;
    if (!atomic_exchange(&j->untidy, false)) {
        return 0;
    }
    int rc = 0;
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        while (rc == 0 && (rc = store_job_untidy(j->store, ends[i].state, &id, err)) == 0) {
            rc = jobs_give_up(j, id, ends[i].code, ends[i].reason, err);
        }
        rc = rc == EYE_ENOTFOUND ? 0 : rc;
    }
    if (rc < 0) {
        atomic_store(&j->untidy, true);
    }
    return rc;
}

/* Files that were to be deleted when the process ended. */
static int delete_leftovers(struct eng_jobs *j, struct eye_err *err)
{
    int64_t job, seq;
    char *place;
    int rc;
    while ((rc = store_item_leftover(j->store, &job, &seq, &place, err)) == 0) {
        upload_delete(j->uploads_fd, place);
        free(place);
        rc = store_item_place(j->store, job, seq, NULL, err);
        if (rc < 0) {
            return rc;
        }
    }
    return rc == EYE_ENOTFOUND ? 0 : rc;
}

/* ---- uploads ---- */

static int fail_upload(struct eng_jobs *j, int64_t id, const struct eye_err *why,
                       struct eye_err *err)
{
    eng_log(j->lib, EYE_LOG_ERROR, "upload %" PRId64 ": %s", id, why->msg);
    int rc = jobs_give_up(j, id, why->code, why->msg, err);
    return rc < 0 ? rc : finish(j, id, EYE_JOB_FAILED, why->msg, err);
}

/* `closed`: no more files could come when it was looked at, so nothing waiting means that it is done. */
static int do_upload(struct eng_jobs *j, int64_t id, struct eye_err *err)
{
    struct store_job row;
    struct eye_err why = {0};
    bool changed;
    int rc = begin(j, id, &row, err);
    if (rc < 0) {
        return rc == EYE_ECANCELLED ? 1 : rc;
    }
    bool closed = row.state != EYE_JOB_OPEN, queued = row.state == EYE_JOB_QUEUED;
    bool noted = row.note[0] != '\0';
    store_job_release(&row);
    if (queued) {
        rc = store_job_move(j->store, id, EYE_JOB_QUEUED, EYE_JOB_RUNNING, false, &changed, err);
        jobs_changed(j, id);
    }
    if (rc < 0) {
        return rc; /* the database's trouble, not the upload's */
    }
    rc = upload_run(j, id, &why);
    j->last_upload = eng_now();
    jobs_changed(j, id);
    if (rc == EYE_EBUSY) {
        return busy(j, id, &why, err);
    }
    if (rc == EYE_ECANCELLED || (rc < 0 && jobs_stopped(j))) {
        return 1;
    }
    if (rc == EYE_EREMOTE) {
        busy(j, id, &why, err);
        return eye_fail(err, rc, "%s", why.msg);
    }
    if (rc < 0) {
        return fail_upload(j, id, &why, err);
    }
    if (noted) {
        store_job_note(j->store, id, "", NULL);
    }
    return rc == 0 && closed ? finish(j, id, EYE_JOB_DONE, "", err) : 1;
}

/* ---- scans ---- */

struct scan_run {
    struct eng_jobs *j;
    int64_t id;
    struct store_job base; /* what earlier runs of this job did */
    struct store_job counts;
    struct jobs_meter meter;
    double saved;
    bool interrupted;
    struct jobs_look *look; /* NULL: everything below its title */
    bool waits;             /* the job's note says what for */
    eye_index_progress end;
};

static uint64_t at_least(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What earlier runs did is found unchanged by this one, or failed again. */
static void count_scan(struct scan_run *run, const eye_index_progress *p)
{
    const struct store_job *base = &run->base;
    struct store_job *c = &run->counts;
    uint64_t before = base->indexed + base->duplicates;
    c->indexed = base->indexed + p->indexed + p->updated;
    c->duplicates = base->duplicates + p->linked;
    c->removed = base->removed + p->removed;
    c->failed = at_least(base->failed, p->failed);
    c->unchanged = p->unchanged > before ? p->unchanged - before : 0;
    c->done = at_least(base->done, p->indexed + p->updated + p->linked + p->unchanged + p->failed);
    c->total = at_least(p->walk_done ? p->total : at_least(base->total, p->total), c->done);
}

static void show_scan(struct scan_run *run, bool walk_done)
{
    struct eng_jobs *j = run->j;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    double rate = jobs_meter_rate(&run->meter, run->counts.done);
    run->counts.version = now > run->counts.version ? now : run->counts.version + 1;
    pthread_mutex_lock(&j->lock);
    j->live.counts = run->counts;
    j->live.rate = rate;
    j->live.eta = walk_done ? jobs_eta(run->counts.total, run->counts.done, rate) : -1;
    pthread_mutex_unlock(&j->lock);
}

/* While the store's server is away the job says so. */
static void note_wait(struct scan_run *run, const char *waiting)
{
    char note[EYE_ERR_MSG_MAX + 16] = "";
    if (!waiting && !run->waits) {
        return;
    }
    if (waiting) {
        snprintf(note, sizeof note, "waits: %s", waiting);
    }
    store_job_note(run->j->store, run->id, note, NULL);
    run->waits = waiting != NULL;
}

static int on_scan(void *ctx, const eye_index_progress *p)
{
    struct scan_run *run = ctx;
    struct eng_jobs *j = run->j;
    note_wait(run, p->waiting);
    count_scan(run, p);
    show_scan(run, p->walk_done);
    if (eng_now() - run->saved >= SAVE_SECONDS) {
        run->saved = eng_now();
        store_job_count(j->store, &run->counts, false, NULL);
    }
    jobs_changed(j, run->id);
    jobs_tell(j, 0);
    run->interrupted = atomic_load(&j->uploads);
    return jobs_stopped(j) || run->interrupted || (run->look && atomic_load(&run->look->stop));
}

static int index_scan(struct scan_run *run, const struct store_job *row, struct eye_err *err)
{
    const char *path = row->title;
    bool retry = row->kind == EYE_JOB_RETRY;
    eye_index_options o = {.progress = on_scan,
                           .ctx = run,
                           .only_failed = retry,
                           .retry_failed = retry,
                           .all_files = retry};
    struct eng_wanted wanted = {.paths = &path, .npaths = path[0] != '\0'};
    if (run->look) {
        wanted.looks = run->look->looks;
        wanted.nlooks = run->look->n;
        wanted.leave = run->look->leave;
        wanted.leave_ctx = run->look->ctx;
    }
    eye_index_progress *p = &run->end;
    int rc = eng_index(run->j->lib, &wanted, &o, p, err);
    if (rc == 0 || rc == EYE_ECANCELLED) {
        p->walk_done = p->walk_done && rc == 0;
        count_scan(run, p);
    }
    return rc;
}

/* A look ends with its job; one that was cancelled is over too. */
static void end_look(struct scan_run *run, int rc, const struct eye_err *why)
{
    if (run->look) {
        bool over = rc != EYE_EBUSY && !atomic_load(&run->look->stop) &&
                    (rc != EYE_ECANCELLED || atomic_load(&run->j->cancelled));
        jobs_look_put(run->j, run->look, over, rc, &run->end, why);
    }
}

static int settle_scan(struct scan_run *run, bool noted, int rc, const struct eye_err *why,
                       struct eye_err *err)
{
    struct eng_jobs *j = run->j;
    if (rc == EYE_EBUSY) {
        return busy(j, run->id, why, err);
    }
    if (rc == EYE_EREMOTE) { /* the server's trouble, not the scan's */
        busy(j, run->id, why, err);
        return eye_fail(err, rc, "%s", why->msg);
    }
    run->counts.version++;
    int saved = store_job_count(j->store, &run->counts, false, err);
    if (saved < 0) {
        return saved;
    }
    if (rc == EYE_ECANCELLED) {
        jobs_changed(j, run->id);
        return 1;
    }
    if (rc == 0 && (noted || run->waits)) {
        store_job_note(j->store, run->id, "", NULL);
    }
    return finish(j, run->id, rc < 0 ? EYE_JOB_FAILED : EYE_JOB_DONE, rc < 0 ? why->msg : "", err);
}

static int do_scan(struct eng_jobs *j, int64_t id, struct eye_err *err)
{
    struct store_job row;
    struct eye_err why = {0};
    bool changed;
    int rc = begin(j, id, &row, err);
    if (rc < 0) {
        return rc == EYE_ECANCELLED ? 1 : rc;
    }
    struct scan_run run = {.j = j,
                           .id = id,
                           .base = row,
                           .counts = row,
                           .saved = eng_now(),
                           .look = jobs_look_get(j, id)};
    run.counts.title = run.counts.note = NULL; /* the row's */
    pthread_mutex_lock(&j->lock);
    j->live.scan = true;
    j->live.counts = run.counts;
    pthread_mutex_unlock(&j->lock);
    rc = store_job_move(j->store, id, EYE_JOB_QUEUED, EYE_JOB_RUNNING, false, &changed, err);
    bool noted = row.note[0] != '\0';
    jobs_changed(j, id);
    jobs_tell(j, id);
    rc = rc < 0 ? rc : index_scan(&run, &row, &why);
    store_job_release(&row);
    int settled = settle_scan(&run, noted, rc, &why, err);
    bool again = (settled < 0 && rc == 0) || rc == EYE_EREMOTE;
    end_look(&run, again ? EYE_EBUSY : rc, &why); /* the row stays: once more */
    return settled;
}

/* ---- the thread ---- */

/* Until there is work (or not even then), or so many seconds have passed; news go out meanwhile. */
static void rest(struct eng_jobs *j, double seconds, bool until_work)
{
    double until = eng_now() + seconds;
    for (;;) {
        jobs_tell(j, 0);
        if (j->decoder && eng_now() - j->last_decoding > WARM_SECONDS) {
            decoder_close(j->decoder);
            j->decoder = NULL;
        }
        double now = eng_now(), wait = until - now;
        pthread_mutex_lock(&j->lock);
        bool over = atomic_load(&j->stop) || wait <= 0 || (until_work && j->work);
        wait = jobs_have_news(j) && wait > TELL_SECONDS ? TELL_SECONDS : wait;
        wait = j->decoder && wait > WARM_SECONDS ? WARM_SECONDS : wait;
        if (!over) {
            double at = now + wait;
            struct timespec t = {(time_t)at, (long)((at - (double)(time_t)at) * 1e9)};
            pthread_cond_timedwait(&j->wake, &j->lock, &t);
        }
        if (over) {
            j->work = j->work && !until_work;
        }
        pthread_mutex_unlock(&j->lock);
        if (over) {
            return;
        }
    }
}

/* 1: did something; EYE_ENOTFOUND: nothing to do; EYE_EBUSY: later; others: in trouble. */
static int step(struct eng_jobs *j, struct eye_err *err)
{
    int64_t id;
    atomic_store(&j->uploads, false);
    jobs_look_tidy(j);
    int rc = tidy(j, err);
    rc = rc < 0 ? rc : store_job_next(j->store, true, &id, err);
    if (rc == 0) {
        rc = do_upload(j, id, err);
        end(j);
        return rc;
    }
    rc = rc == EYE_ENOTFOUND ? store_job_next(j->store, false, &id, err) : rc;
    if (rc < 0) {
        return rc;
    }
    double linger = LINGER_SECONDS - (eng_now() - j->last_upload);
    if (linger > 0) {
        rest(j, linger, true);
        return 1;
    }
    rc = do_scan(j, id, err);
    end(j);
    return rc;
}

static void recover(struct eng_jobs *j)
{
    struct eye_err err = {0};
    if (delete_leftovers(j, &err) < 0) {
        eng_log(j->lib, EYE_LOG_ERROR, "jobs: %s", err.msg);
    }
}

/* The store's server is away: what it is needed for waits, unless it is not to be done any more. */
static int wait_for_server(void *ctx, const char *what)
{
    struct eng_jobs *j = ctx;
    (void)what;
    return jobs_stopped(j);
}

void *jobs_main(void *arg)
{
    struct eng_jobs *j = arg;
    struct eng_waiter waiter;
    eng_wait_begin(j->lib, &waiter, wait_for_server, j);
    recover(j);
    while (!atomic_load(&j->stop)) {
        struct eye_err err = {0};
        int rc = step(j, &err);
        if (rc == EYE_ENOTFOUND) {
            rest(j, EXPIRE_SECONDS, true);
            store_jobs_expire(j->store, EYE_JOB_OPEN, EYE_JOB_QUEUED,
                              (int64_t)time(NULL) - JOBS_OPEN_SECONDS, NULL);
        } else if (rc == EYE_EBUSY) {
            rest(j, BUSY_SECONDS, false);
        } else if (rc < 0) {
            eng_log(j->lib, EYE_LOG_ERROR, "jobs: %s; tried again in a moment", err.msg);
            rest(j, TROUBLE_SECONDS, false);
        }
        jobs_tell(j, 0);
    }
    eng_wait_end(j->lib, &waiter);
    return NULL;
}
