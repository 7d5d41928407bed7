/* jobs.c - eye_job_*: what requests ask for becomes rows, and rows become answers. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/jobs.h"

enum { TITLE_MAX_BYTES = 8192 };

struct eng_jobs *jobs_of(eye_lib *lib)
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
    item->reason = NULL; /* was ours */
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
    if (changed && j) {
        atomic_store(&j->untidy, true);
        jobs_poke(j, job, true);
    }
    return rc;
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
                   .kind = row->kind == JOBS_WATCH ? EYE_JOB_SCAN : (eye_job_kind)row->kind,
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
