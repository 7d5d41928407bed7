/* jobs_start.c - starting and stopping the thread that does the jobs.
 *
 * One process at a time does the jobs of a library: it holds server.lock. What it finds at the start is what another left,
 * so what lies in the spool without an owner can be deleted then, and only then. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "engine/jobs.h"

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
    pthread_cond_init(&j->rested, &attr);
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

/* ---- the spool ---- */

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

/* ---- start and stop ---- */

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
    j->store = eng_patient_get(lib, err);
    j->uploads_path = j->store ? fs_join(lib->dir, "uploads", err) : NULL;
    if (!j->uploads_path) {
        return eng_code(err);
    }
    rc = open_folder(spool, &j->spool_fd, err);
    rc = rc < 0 ? rc : open_folder(j->uploads_path, &j->uploads_fd, err);
    rc = rc < 0 ? rc
                : store_jobs_expire(j->store, EYE_JOB_OPEN, EYE_JOB_QUEUED,
                                    (int64_t)time(NULL) - JOBS_OPEN_SECONDS, err);
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
    eng_patient_put(j->lib, j->store);
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
    atomic_store(&j->untidy, true);
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
    eye_watch_stop(lib);
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
    pthread_cond_destroy(&j->rested);
    free(j->news);
    free(j);
    lib->jobs = NULL;
}
