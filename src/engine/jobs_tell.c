/* jobs_tell.c - how fast a job goes, and telling whoever listens to it.
 *
 * A change only marks its job. The runner tells what is marked when it comes by, each job some ten times a second at most, so
 * a thousand files in a row cost ten calls; what is told is read then, so the last call always has the last word. */
#include "engine/jobs.h"

static const double TELL_SECONDS = 0.1;

/* ---- rates ---- */

void jobs_meter_start(struct jobs_meter *m)
{
    m->n = 0;
}

double jobs_meter_rate(struct jobs_meter *m, uint64_t done)
{
    double now = eng_now();
    size_t newest = m->n ? (m->n - 1) % JOBS_SAMPLES : 0;
    if (!m->n || now - m->samples[newest].at > 0.2) { /* the ring holds some six seconds */
        size_t at = m->n++ % JOBS_SAMPLES;
        m->samples[at].at = now;
        m->samples[at].done = done;
    }
    size_t oldest = m->n > JOBS_SAMPLES ? m->n % JOBS_SAMPLES : 0;
    double seconds = now - m->samples[oldest].at;
    uint64_t before = m->samples[oldest].done;
    return seconds > 0.01 && done > before ? (double)(done - before) / seconds : 0;
}

double jobs_eta(uint64_t total, uint64_t done, double rate)
{
    return total <= done ? 0 : rate > 0 ? (double)(total - done) / rate : -1;
}

void jobs_measure(struct eng_jobs *j, int64_t id)
{
    struct store_job row;
    if (store_job_get(j->store, id, &row, NULL) < 0) {
        return;
    }
    if (j->metered != id) {
        jobs_meter_start(&j->meter);
        j->metered = id;
    }
    double rate = jobs_meter_rate(&j->meter, row.done);
    pthread_mutex_lock(&j->lock);
    j->live.rate = rate;
    j->live.eta = jobs_eta(row.total, row.done, rate);
    pthread_mutex_unlock(&j->lock);
    store_job_release(&row);
}

/* ---- telling ---- */

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

static int tell_one(void *ctx, const eye_job *job)
{
    struct eng_jobs *j = ctx;
    j->changed(j->ctx, job);
    return 0;
}

/* The next job that someone is to be told of; 0: none. What was told long ago is dropped on the way. */
static int64_t next_news(struct eng_jobs *j, int64_t now_id)
{
    double now = eng_now();
    int64_t id = 0;
    size_t kept = 0;
    pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < j->nnews; i++) {
        struct jobs_news *n = &j->news[i];
        if (!id && n->due && (n->id == now_id || now - n->told >= TELL_SECONDS)) {
            id = n->id;
            n->due = false;
            n->told = now;
        }
        if (n->due || now - n->told < TELL_SECONDS) {
            j->news[kept++] = *n;
        }
    }
    j->nnews = kept;
    pthread_mutex_unlock(&j->lock);
    return id;
}

void jobs_tell(struct eng_jobs *j, int64_t now_id)
{
    for (int64_t id; (id = next_news(j, now_id)) != 0;) {
        if (j->changed) {
            jobs_read(j, j->store, id, tell_one, j, NULL);
        }
    }
}

bool jobs_have_news(struct eng_jobs *j)
{
    bool due = false;
    for (size_t i = 0; i < j->nnews; i++) {
        due = due || j->news[i].due;
    }
    return due;
}
