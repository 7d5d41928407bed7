/* jobs.c - eye_job_*: what requests ask for becomes rows; starting and stopping the thread that does them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/jobs.h"

enum { TITLE_MAX_BYTES = 8192, OPEN_SECONDS = 24 * 3600 };

static struct eng_jobs *jobs_of(eye_lib *lib)
{
    pthread_mutex_lock(&lib->lock);
    struct eng_jobs *j = lib->jobs;
    pthread_mutex_unlock(&lib->lock);
    return j;
}

/* ---- the spool ---- */

const char *eye_spool_dir(eye_lib *lib, struct eye_err *err)
{
    if (eng_writable(lib, err) < 0) {
        return NULL;
    }
    pthread_mutex_lock(&lib->lock);
    if (!lib->spool) {
        char *path = fs_join(lib->dir, "spool", err);
        if (path && fs_mkdirs(path, err) == 0) {
            lib->spool = path;
        } else {
            free(path);
        }
    }
    const char *spool = lib->spool;
    pthread_mutex_unlock(&lib->lock);
    return spool;
}

/* The name of `staged` in the spool; NULL when it lies elsewhere. */
static const char *name_in_spool(const char *staged, const char *spool)
{
    const char *rel = strchr(staged, '/') ? eng_path_below(staged, spool) : staged;
    return rel && rel[0] && !strchr(rel, '/') && strcmp(rel, ".") != 0 && strcmp(rel, "..") != 0
               ? rel
               : NULL;
}

/* ---- asking for work ---- */

int eye_job_new(eye_lib *lib, eye_job_kind kind, const char *title, int64_t *id,
                struct eye_err *err)
{
    int rc = eng_writable(lib, err);
    title = title ? title : "";
    if (rc == 0 && (kind < EYE_JOB_UPLOAD || kind > EYE_JOB_RETRY)) {
        rc = eye_fail(err, EYE_EINVAL, "no such kind of job: %d", (int)kind);
    }
    if (rc == 0 && strlen(title) > TITLE_MAX_BYTES) {
        rc = eye_fail(err, EYE_EINVAL, "a job's title of more than %d bytes", (int)TITLE_MAX_BYTES);
    }
    if (rc < 0) {
        return rc;
    }
    int state = kind == EYE_JOB_UPLOAD ? EYE_JOB_OPEN : EYE_JOB_QUEUED;
    struct store *s = eng_store_get(lib, err);
    rc = s ? store_job_new(s, (int)kind, state, title, id, err) : EYE_EIO;
    eng_store_put(lib, s);
    if (rc == 0) {
        jobs_poke(jobs_of(lib), *id, false);
    }
    return rc;
}

/* In one transaction: the row, and the file under the name that says whose it is. A kill in between leaves a file without a row,
 * which the next start deletes. */
static int take(struct store *s, int spool, const char *staged, const struct store_item *item,
                int64_t *seq, struct eye_err *err)
{
    char mine[48];
    int rc = store_begin(s, err);
    if (rc < 0) {
        return rc;
    }
    rc = store_item_add(s, item, EYE_JOB_OPEN, seq, err);
    if (rc == 0 && item->state == EYE_ITEM_WAITING) {
        upload_spool_name(item->job, *seq, mine);
        if (renameat(spool, staged, spool, mine) != 0) {
            rc = eye_fail_errno(err, errno, "%s: cannot be moved", staged);
        }
    }
    rc = rc < 0 ? rc : store_commit(s, err);
    if (rc < 0) {
        store_rollback(s);
    }
    return rc;
}

static int add(eye_lib *lib, struct store_item *item, int spool, const char *staged, int64_t *seq,
               struct eye_err *err)
{
    struct stat st;
    struct eye_err why = {0};
    struct buf name;
    if (fstatat(spool, staged, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return eye_fail_errno(err, errno, "%s: cannot be found in the spool", staged);
    }
    if (!S_ISREG(st.st_mode)) {
        return eye_fail(err, EYE_EINVAL, "%s: not a file", staged);
    }
    buf_init(&name, 1 << 20);
    int rc = upload_name(item->name, &name, &why);
    item->size = (uint64_t)st.st_size;
    item->state = rc < 0 ? EYE_ITEM_FAILED : EYE_ITEM_WAITING;
    item->reason = rc < 0 ? why.msg : NULL;
    item->code = rc < 0 ? why.code : 0;
    struct store *s = eng_store_get(lib, err);
    rc = s ? take(s, spool, staged, item, seq, err) : EYE_EIO;
    eng_store_put(lib, s);
    buf_release(&name);
    return rc;
}

int eye_job_add(eye_lib *lib, int64_t job, const char *name, const char *staged, int64_t *seq,
                struct eye_err *err)
{
    int64_t local;
    const char *spool = eye_spool_dir(lib, err);
    if (!spool) {
        return eng_code(err);
    }
    const char *rel = name && staged ? name_in_spool(staged, spool) : NULL;
    if (!rel) {
        return eye_fail(err, EYE_EINVAL, "%s: only files of the spool can be added",
                        staged ? staged : "nothing");
    }
    int fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return eye_fail_errno(err, errno, "%s: cannot open", spool);
    }
    struct store_item item = {.job = job, .name = (char *)(uintptr_t)name};
    int rc = add(lib, &item, fd, rel, seq ? seq : &local, err);
    if (rc < 0 || item.state == EYE_ITEM_FAILED) {
        unlinkat(fd, rel, 0);
    }
    close(fd);
    if (rc == 0) {
        jobs_poke(jobs_of(lib), job, true);
    }
    return rc;
}

/* `state` for a job that is in one up to `last`; one that is further stays as it is. */
static int move_job(eye_lib *lib, int64_t id, int last, int state, bool final, bool *changed,
                    struct eye_err *err)
{
    struct store_job job;
    int rc = eng_writable(lib, err);
    struct store *s = rc < 0 ? NULL : eng_store_get(lib, err);
    if (rc == 0) {
        rc = s ? store_job_get(s, id, &job, err) : EYE_EIO;
    }
    if (rc == 0) {
        store_job_release(&job);
        rc = store_job_move(s, id, last, state, final, changed, err);
    }
    eng_store_put(lib, s);
    return rc;
}

int eye_job_close(eye_lib *lib, int64_t job, struct eye_err *err)
{
    bool changed = false;
    int rc = move_job(lib, job, EYE_JOB_OPEN, EYE_JOB_QUEUED, false, &changed, err);
    if (changed) {
        jobs_poke(jobs_of(lib), job, true);
    }
    return rc;
}

int eye_job_cancel(eye_lib *lib, int64_t job, struct eye_err *err)
{
    bool changed = false;
    int rc = move_job(lib, job, EYE_JOB_RUNNING, EYE_JOB_CANCELLED, true, &changed, err);
    struct eng_jobs *j = jobs_of(lib);
    if (changed && j) {
        pthread_mutex_lock(&j->lock);
        if (j->live.id == job) {
            atomic_store(&j->cancelled, true);
        }
        pthread_mutex_unlock(&j->lock);
    }
    if (changed) {
        jobs_poke(j, job, true);
    }
    return rc;
}

void jobs_changed(struct eng_jobs *j, int64_t id)
{
    size_t i = 0;
    pthread_mutex_lock(&j->lock);
    while (i < j->nnews && j->news[i].id != id) {
        i++;
    }
    if (i == j->nnews && j->nnews == j->news_cap) {
        size_t cap = j->news_cap ? 2 * j->news_cap : 16;
        struct jobs_news *more = mem_realloc(j->news, cap, sizeof *more, NULL);
        j->news = more ? more : j->news;
        j->news_cap = more ? cap : j->news_cap;
    }
    if (i < j->nnews) {
        j->news[i].due = true;
    } else if (i < j->news_cap) {
        j->news[j->nnews++] = (struct jobs_news){id, true, 0};
    }
    pthread_mutex_unlock(&j->lock);
}

void jobs_poke(struct eng_jobs *j, int64_t id, bool upload)
{
    if (!j) {
        return;
    }
    jobs_changed(j, id);
    pthread_mutex_lock(&j->lock);
    if (upload) {
        atomic_store(&j->uploads, true);
    }
    j->work = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

/* ---- asking about work ---- */

static struct jobs_live live_of(struct eng_jobs *j)
{
    struct jobs_live live = {0};
    if (j) {
        pthread_mutex_lock(&j->lock);
        live = j->live;
        pthread_mutex_unlock(&j->lock);
    }
    return live;
}

/* The row as a job for others to see. `live` was copied before the row was read, so the row is never older. */
static int show(const struct store_job *row, const struct jobs_live *live,
                int (*fn)(void *ctx, const eye_job *job), void *ctx)
{
    bool mine = live->id == row->id && row->state <= EYE_JOB_RUNNING;
    const struct store_job *c =
        mine && live->scan && live->counts.version > row->version ? &live->counts : row;
    eye_job job = {.id = row->id,
                   .kind = (eye_job_kind)row->kind,
                   .state = (eye_job_state)row->state,
                   .title = row->title,
                   .note = row->note,
                   .total = c->total,
                   .done = c->done,
                   .indexed = c->indexed,
                   .duplicates = c->duplicates,
                   .unchanged = c->unchanged,
                   .removed = c->removed,
                   .failed = c->failed,
                   .rate = mine ? live->rate : 0,
                   .eta = mine ? live->eta : -1,
                   .created_at = row->created_at,
                   .finished_at = row->finished_at,
                   .version = (uint64_t)c->version};
    return fn(ctx, &job);
}

int jobs_read(struct eng_jobs *j, struct store *s, int64_t id,
              int (*fn)(void *ctx, const eye_job *job), void *ctx, struct eye_err *err)
{
    struct store_job row;
    struct jobs_live live = live_of(j);
    int rc = store_job_get(s, id, &row, err);
    if (rc == 0) {
        rc = show(&row, &live, fn, ctx);
        store_job_release(&row);
    }
    return rc;
}

int eye_job_get(eye_lib *lib, int64_t id, int (*fn)(void *ctx, const eye_job *job), void *ctx,
                struct eye_err *err)
{
    struct store *s = eng_store_get(lib, err);
    int rc = s ? jobs_read(jobs_of(lib), s, id, fn, ctx, err) : EYE_EIO;
    eng_store_put(lib, s);
    return rc;
}

int eye_jobs(eye_lib *lib, int64_t before, size_t limit, int (*fn)(void *ctx, const eye_job *job),
             void *ctx, struct eye_err *err)
{
    struct store_job *jobs = NULL;
    size_t n = 0;
    struct jobs_live live = live_of(jobs_of(lib));
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_jobs(s, before, limit, &jobs, &n, err) : EYE_EIO;
    eng_store_put(lib, s);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = show(&jobs[i], &live, fn, ctx);
    }
    store_jobs_free(jobs, n);
    return rc;
}

static int show_item(const struct store_item *row, int (*fn)(void *ctx, const eye_item *item),
                     void *ctx)
{
    eye_item item = {.job = row->job,
                     .seq = row->seq,
                     .name = row->name,
                     .state = (eye_item_state)row->state,
                     .picture = row->picture,
                     .size = row->size,
                     .reason = row->reason,
                     .code = row->code ? eye_err_name(row->code) : ""};
    return fn(ctx, &item);
}

int eye_job_items(eye_lib *lib, int64_t job, int64_t after, size_t limit, int state,
                  int (*fn)(void *ctx, const eye_item *item), void *ctx, struct eye_err *err)
{
    struct store_item *items = NULL;
    struct store_job row;
    size_t n = 0;
    struct store *s = eng_store_get(lib, err);
    int rc = s ? store_job_get(s, job, &row, err) : EYE_EIO;
    if (rc == 0) {
        store_job_release(&row);
        rc = store_items(s, job, after, limit, state, &items, &n, err);
    }
    eng_store_put(lib, s);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = show_item(&items[i], fn, ctx);
    }
    store_items_free(items, n);
    return rc;
}

/* ---- start and stop ---- */

static struct eng_jobs *make_jobs(eye_lib *lib, struct eye_err *err)
{
    pthread_condattr_t attr;
    struct eng_jobs *j = mem_calloc(1, sizeof *j, err);
    if (!j) {
        return NULL;
    }
    j->lib = lib;
    j->server_lock = j->uploads_fd = j->spool_fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wake, &attr);
    pthread_condattr_destroy(&attr);
    return j;
}

/* The library's own, made at the first start: others may look at it at any time, so it stays. */
static struct eng_jobs *get_jobs(eye_lib *lib, struct eye_err *err)
{
    struct eng_jobs *made = make_jobs(lib, err);
    pthread_mutex_lock(&lib->lock);
    struct eng_jobs *j = lib->jobs;
    if (!j) {
        j = lib->jobs = made;
        made = NULL;
    }
    pthread_mutex_unlock(&lib->lock);
    free(made);
    return j;
}

struct owned {
    int64_t (*ids)[2];
    size_t n, cap;
};

static int add_owned(void *ctx, int64_t job, int64_t seq)
{
    struct owned *o = ctx;
    if (o->n == o->cap) {
        size_t cap = o->cap ? 2 * o->cap : 256;
        int64_t(*ids)[2] = mem_realloc(o->ids, cap, sizeof *ids, NULL);
        if (!ids) {
            return EYE_ENOMEM;
        }
        o->ids = ids;
        o->cap = cap;
    }
    o->ids[o->n][0] = job;
    o->ids[o->n++][1] = seq;
    return 0;
}

static int by_ids(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

static bool is_owned(const struct owned *o, const char *name)
{
    char again[48], *end;
    int64_t ids[2];
    ids[0] = strtoll(name, &end, 10);
    ids[1] = *end == '-' ? strtoll(end + 1, &end, 10) : 0;
    upload_spool_name(ids[0], ids[1], again);
    return !strcmp(name, again) && o->n && bsearch(ids, o->ids, o->n, sizeof *o->ids, by_ids);
}

/* Whatever no waiting item owns was left by requests and unpackings that a kill cut off. */
static int clean_spool(struct eng_jobs *j, struct eye_err *err)
{
    struct owned o = {0};
    int rc = store_unzips_undo(j->store, err);
    rc = rc < 0 ? rc : store_each_waiting(j->store, add_owned, &o, err);
    int fd = rc < 0 ? -1 : openat(j->spool_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (o.n) {
        qsort(o.ids, o.n, sizeof *o.ids, by_ids);
    }
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!is_owned(&o, e->d_name)) {
            unlinkat(j->spool_fd, e->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(o.ids);
    return rc == EYE_ENOMEM ? eye_fail(err, rc, "out of memory for the list of uploads") : rc;
}

static int open_folder(const char *path, int *fd, struct eye_err *err)
{
    int rc = fs_mkdirs(path, err);
    if (rc < 0) {
        return rc;
    }
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 ? 0 : eye_fail_errno(err, errno, "%s: cannot open", path);
}

static int prepare(struct eng_jobs *j, struct eye_err *err)
{
    eye_lib *lib = j->lib;
    const char *spool = eye_spool_dir(lib, err);
    int rc = spool ? eng_lock_file(lib, "server.lock", "serves this library already",
                                   &j->server_lock, err)
                   : eng_code(err);
    if (rc < 0) {
        return rc;
    }
    j->store = eng_store_get(lib, err);
    j->uploads_path = j->store ? fs_join(lib->dir, "uploads", err) : NULL;
    if (!j->uploads_path) {
        return eng_code(err);
    }
    rc = open_folder(spool, &j->spool_fd, err);
    rc = rc < 0 ? rc : open_folder(j->uploads_path, &j->uploads_fd, err);
    rc = rc < 0 ? rc
                : store_jobs_expire(j->store, EYE_JOB_OPEN, EYE_JOB_QUEUED,
                                    (int64_t)time(NULL) - OPEN_SECONDS, err);
    return rc < 0 ? rc : clean_spool(j, err);
}

static void shut(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void unprepare(struct eng_jobs *j)
{
    if (j->decoder) {
        decoder_close(j->decoder);
        j->decoder = NULL;
    }
    eng_store_put(j->lib, j->store);
    j->store = NULL;
    free(j->uploads_path);
    j->uploads_path = NULL;
    shut(&j->uploads_fd);
    shut(&j->spool_fd);
    eng_unlock(j->server_lock);
    j->server_lock = -1;
}

/* Signals are for the threads of the program. */
static int start_thread(struct eng_jobs *j, struct eye_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&j->thread, NULL, jobs_main, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e ? eye_fail_errno(err, e, "cannot start a thread") : 0;
}

int eye_jobs_start(eye_lib *lib, void (*changed)(void *ctx, const eye_job *job), void *ctx,
                   struct eye_err *err)
{
    struct eye_err local = {0};
    int rc = eng_writable(lib, err);
    struct eng_jobs *j = rc < 0 ? NULL : get_jobs(lib, err);
    if (!j) {
        return rc < 0 ? rc : EYE_ENOMEM;
    }
    pthread_mutex_lock(&j->lock);
    bool running = j->running;
    j->running = true;
    j->work = true;
    pthread_mutex_unlock(&j->lock);
    if (running) {
        return eye_fail(err, EYE_EINVAL, "the jobs of this library are being done already");
    }
    j->changed = changed;
    j->ctx = ctx;
    atomic_store(&j->stop, false);
    atomic_store(&j->cancelled, false);
    atomic_store(&j->uploads, true);
    rc = prepare(j, &local);
    rc = rc < 0 ? rc : start_thread(j, &local);
    if (rc < 0) {
        unprepare(j);
        pthread_mutex_lock(&j->lock);
        j->running = false;
        pthread_mutex_unlock(&j->lock);
        return eye_fail(err, rc, "%s", local.msg);
    }
    return 0;
}

void eye_jobs_stop(eye_lib *lib)
{
    struct eng_jobs *j = jobs_of(lib);
    if (!j) {
        return;
    }
    pthread_mutex_lock(&j->lock);
    bool running = j->running;
    atomic_store(&j->stop, true);
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    if (!running) {
        return;
    }
    pthread_join(j->thread, NULL);
    unprepare(j);
    pthread_mutex_lock(&j->lock);
    j->running = false;
    j->nnews = 0;
    pthread_mutex_unlock(&j->lock);
}

void eng_jobs_free(eye_lib *lib)
{
    struct eng_jobs *j = lib->jobs;
    if (!j) {
        return;
    }
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->wake);
    free(j->news);
    free(j);
    lib->jobs = NULL;
}
