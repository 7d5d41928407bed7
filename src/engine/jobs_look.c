/* jobs_look.c - a scan job for what watching found: which files to look at is known in memory only.
 *
 * Its row is a scan of the folder that holds all of it, so a kill costs nothing: the next start does that. The row is there before
 * the runner can know what it is for, so the runner waits for the number of a look whose row is being made. */
#include "engine/jobs.h"

int jobs_look_begin(struct eng_jobs *j, struct jobs_look *look, const char *title,
                    struct eye_err *err)
{
    int64_t id = 0;
    pthread_mutex_lock(&j->lock);
    bool may = j->running && !j->look;
    if (may) {
        j->look = look;
        look->job = 0;
        look->running = false;
        atomic_store(&look->stop, false);
    }
    pthread_mutex_unlock(&j->lock);
    if (!may) {
        return eye_fail(err, EYE_EBUSY, "the jobs of this library are not being done");
    }
    struct store *s = eng_store_get(j->lib, err);
    int rc = s ? store_job_new(s, JOBS_WATCH, EYE_JOB_QUEUED, title, &id, err) : EYE_EIO;
    eng_store_put(j->lib, s);
    pthread_mutex_lock(&j->lock);
    look->job = id;
    j->look = rc < 0 ? NULL : look;
    pthread_cond_broadcast(&j->rested);
    pthread_mutex_unlock(&j->lock);
    if (rc == 0) {
        jobs_poke(j, id, false);
    }
    return rc;
}

void jobs_look_drop(struct eng_jobs *j, struct jobs_look *look)
{
    atomic_store(&look->stop, true);
    pthread_mutex_lock(&j->lock);
    while (j->look == look && look->running) {
        pthread_cond_wait(&j->rested, &j->lock);
    }
    if (j->look == look) {
        j->look = NULL;
    }
    pthread_mutex_unlock(&j->lock);
}

struct jobs_look *jobs_look_get(struct eng_jobs *j, int64_t job)
{
    pthread_mutex_lock(&j->lock);
    while (j->look && j->look->job == 0) {
        pthread_cond_wait(&j->rested, &j->lock);
    }
    struct jobs_look *look = j->look && j->look->job == job ? j->look : NULL;
    if (look) {
        look->running = true;
    }
    pthread_mutex_unlock(&j->lock);
    return look;
}

void jobs_look_put(struct eng_jobs *j, struct jobs_look *look, bool over, int rc,
                   const eye_index_progress *p, const struct eye_err *why)
{
    if (over) {
        look->done(look->ctx, rc, p, why);
    }
    pthread_mutex_lock(&j->lock);
    look->running = false;
    if (over && j->look == look) {
        j->look = NULL;
    }
    pthread_cond_broadcast(&j->rested);
    pthread_mutex_unlock(&j->lock);
}

void jobs_look_tidy(struct eng_jobs *j)
{
    struct store_job row;
    struct eye_err why = {0};
    static const eye_index_progress none = {0};
    pthread_mutex_lock(&j->lock);
    struct jobs_look *look = j->look && j->look->job ? j->look : NULL;
    if (look) {
        look->running = true;
    }
    pthread_mutex_unlock(&j->lock);
    if (!look) {
        return;
    }
    int rc = store_job_get(j->store, look->job, &row, &why);
    bool over = rc == EYE_ENOTFOUND || (rc == 0 && row.state > EYE_JOB_RUNNING);
    if (rc == 0) {
        store_job_release(&row);
    }
    eye_fail(&why, EYE_ECANCELLED, "the job was cancelled");
    jobs_look_put(j, look, over, EYE_ECANCELLED, &none, &why);
}
