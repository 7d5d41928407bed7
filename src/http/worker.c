/* worker.c - the threads that call handlers, and the bounded queue before them.
 *
 * The queue is a list through the requests themselves: putting one in cannot fail for want of memory. base/queue.h waits
 * when it is full, which an I/O thread must not.
 *
 * A handler that writes a long stream to a slow client would hold its worker for as long as the download takes: eight
 * telephones, and nobody gets an answer. So a worker that has to wait for a client is lent away and another takes its
 * place (up to LENT_MAX); when it returns it may be one too many, and ends. Threads are counted, not joined. */
#include "http/internal.h"

enum { LENT_MAX = 64 };

/* True: the thread was lent away meanwhile. */
static bool run(struct http_request *rq)
{
    struct http_config *c = &rq->server->cfg;
    http_handler *handler = rq->route ? rq->route->handler : c->fallback;
    handler(rq, c->ctx);
    if (!rq->replied)
        http_refuse(rq, 500, "the server has no answer; this is a bug");
    if (rq->stream)
        http_stream_handler_returned(rq->stream);
    http_body_remove_files(rq);
    bool lent = rq->lent;
    /* From the resume on the I/O thread owns all but our reference. */
    if (!rq->committed)
        MHD_resume_connection(rq->conn);
    http_request_unref(rq);
    return lent;
}

static struct http_request *take(struct http_work *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->head && !w->stop)
        pthread_cond_wait(&w->has_work, &w->lock);
    struct http_request *rq = w->head;
    if (rq) {
        w->head = rq->next;
        if (!w->head)
            w->tail = NULL;
        w->queued--;
        w->busy++;
    }
    pthread_mutex_unlock(&w->lock);
    return rq;
}

static void *work(void *arg)
{
    struct http_work *w = arg;
    struct http_request *rq;
    bool surplus = false;
    while (!surplus && (rq = take(w)) != NULL) {
        bool lent = run(rq);
        pthread_mutex_lock(&w->lock);
        w->busy--;
        w->lent -= lent;
        surplus = w->nthreads - w->lent > w->wanted;
        if (surplus)
            w->nthreads--; /* now, so that no second one goes for the same reason */
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_lock(&w->lock);
    w->nthreads -= !surplus;
    w->alive--;
    pthread_cond_broadcast(&w->done);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Under the lock; an errno value. */
static int add_thread(struct http_work *w)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attr, work, w);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        w->nthreads++;
        w->alive++;
    }
    return rc;
}

void http_work_lend(struct http_request *rq)
{
    struct http_work *w = &rq->server->work;
    sigset_t old;
    http_block_signals(&old);
    pthread_mutex_lock(&w->lock);
    if (w->lent < LENT_MAX && !w->stop && add_thread(w) == 0) {
        rq->lent = true;
        w->lent++;
    }
    pthread_mutex_unlock(&w->lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool http_work_has_room(struct http_server *s)
{
    pthread_mutex_lock(&s->work.lock);
    /* Each I/O thread asks before it suspends: the queue may be over by as many as there are of them. */
    bool room = !s->work.stop && s->work.queued < s->work.queue_max;
    pthread_mutex_unlock(&s->work.lock);
    return room;
}

void http_work_give(struct http_request *rq)
{
    struct http_work *w = &rq->server->work;
    atomic_fetch_add(&rq->refs, 1);
    pthread_mutex_lock(&w->lock);
    bool stopped = w->stop;
    if (!stopped) {
        rq->next = NULL;
        if (w->tail)
            w->tail->next = rq;
        else
            w->head = rq;
        w->tail = rq;
        w->queued++;
        pthread_cond_signal(&w->has_work);
    }
    pthread_mutex_unlock(&w->lock);
    if (stopped) { /* between our look and now; the client is cut off */
        MHD_resume_connection(rq->conn);
        http_request_unref(rq);
    }
}

int http_work_start(struct http_server *s, struct eye_err *err)
{
    struct http_work *w = &s->work;
    int rc = 0;
    pthread_mutex_lock(&w->lock);
    w->wanted = s->cfg.workers;
    w->queue_max = s->cfg.workers * 16;
    while (rc == 0 && w->nthreads < w->wanted)
        rc = add_thread(w);
    pthread_mutex_unlock(&w->lock);
    return rc ? eye_fail_errno(err, rc, "cannot start a thread") : 0;
}

/* What is still queued is run, as handlers are short; only then do the workers end. */
void http_work_stop(struct http_server *s)
{
    struct http_work *w = &s->work;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->has_work);
    while (w->alive > 0)
        pthread_cond_wait(&w->done, &w->lock);
    pthread_mutex_unlock(&w->lock);
}
