/* worker.c - the threads that call handlers, and the bounded queue before them.
 *
 * The queue is a list through the requests themselves: putting one in cannot fail for want of memory. base/queue.h waits
 * when it is full, which an I/O thread must not. */
#include "http/internal.h"

static void run(struct http_request *rq)
{
    struct http_config *c = &rq->server->cfg;
    http_handler *handler = rq->route ? rq->route->handler : c->fallback;
    handler(rq, c->ctx);
    if (!rq->replied)
        http_refuse(rq, 500, "the server has no answer; this is a bug");
    http_body_remove_files(rq);
    /* From the resume on the I/O thread owns all but our reference. */
    if (!rq->committed)
        MHD_resume_connection(rq->conn);
    http_request_unref(rq);
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
    while ((rq = take(w)) != NULL) {
        run(rq);
        pthread_mutex_lock(&w->lock);
        w->busy--;
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
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
    w->threads = mem_calloc((size_t)s->cfg.workers, sizeof *w->threads, err);
    if (!w->threads)
        return EYE_ENOMEM;
    w->queue_max = s->cfg.workers * 16;
    for (int i = 0; i < s->cfg.workers; i++, w->nthreads++) {
        int rc = pthread_create(&w->threads[i], NULL, work, w);
        if (rc)
            return eye_fail_errno(err, rc, "cannot start a thread");
    }
    return 0;
}

void http_work_stop(struct http_server *s)
{
    struct http_work *w = &s->work;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->has_work);
    pthread_mutex_unlock(&w->lock);
    /* What is still queued is run, as handlers are short; only then do the workers end. */
    for (int i = 0; i < w->nthreads; i++)
        pthread_join(w->threads[i], NULL);
    free(w->threads);
    w->threads = NULL;
    w->nthreads = 0;
}
