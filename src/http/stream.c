/* stream.c - a reply whose bytes come bit by bit: a ring between the thread that has them and the I/O thread.
 *
 * The I/O thread empties the ring when the socket takes more; finding it empty, it suspends the connection and notes
 * so; the next writer resumes it. Only `suspended`, read and written under the lock, allows a resume: a connection that
 * is suspended cannot be closed meanwhile, any other may be gone at any moment.
 *
 * Three hold a stream: its owner until http_stream_close, the reply until libmicrohttpd destroys it, the request for the
 * log. So an owner may keep on writing after the client, and even after the server, is gone: it is told EYE_ECANCELLED.
 * Locks: work.lock, then stream.lock, then libmicrohttpd's own. */
#include "http/internal.h"

struct http_stream {
    struct http_server *server; /* only while linked */
    struct http_stream *next, *prev;
    struct MHD_Connection *conn;
    struct http_request *rq; /* while its handler runs */
    pthread_t handler;       /* the thread that it runs in */
    atomic_int refs;
    pthread_mutex_t lock;
    pthread_cond_t room;
    bool suspended; /* the connection waits for us */
    bool gone;      /* nobody reads any more, or it was cut off */
    bool closed;    /* the owner has said all */
    size_t cap, head, len;
    uint64_t sent;
    char *ring;
};

static void link_stream(struct http_server *s, struct http_stream *st)
{
    pthread_mutex_lock(&s->work.lock);
    st->gone = s->work.draining;
    st->next = s->work.streams;
    if (st->next)
        st->next->prev = st;
    s->work.streams = st;
    pthread_mutex_unlock(&s->work.lock);
}

static void unlink_stream(struct http_server *s, struct http_stream *st)
{
    pthread_mutex_lock(&s->work.lock);
    if (st->next)
        st->next->prev = st->prev;
    if (st->prev)
        st->prev->next = st->next;
    else
        s->work.streams = st->next;
    pthread_mutex_unlock(&s->work.lock);
}

void http_stream_unref(struct http_stream *st)
{
    if (atomic_fetch_sub(&st->refs, 1) > 1)
        return;
    pthread_cond_destroy(&st->room);
    pthread_mutex_destroy(&st->lock);
    free(st->ring);
    free(st);
}

/* Under st->lock. */
static void wake_reader(struct http_stream *st)
{
    if (!st->suspended)
        return;
    st->suspended = false;
    MHD_resume_connection(st->conn);
}

static void end(struct http_stream *st)
{
    pthread_mutex_lock(&st->lock);
    st->gone = true;
    pthread_cond_broadcast(&st->room);
    wake_reader(st);
    pthread_mutex_unlock(&st->lock);
}

void http_streams_end(struct http_server *s)
{
    pthread_mutex_lock(&s->work.lock);
    for (struct http_stream *st = s->work.streams; st; st = st->next)
        end(st);
    pthread_mutex_unlock(&s->work.lock);
}

uint64_t http_stream_sent(const struct http_stream *st)
{
    struct http_stream *mine = (struct http_stream *)(uintptr_t)st;
    pthread_mutex_lock(&mine->lock);
    uint64_t sent = st->sent;
    pthread_mutex_unlock(&mine->lock);
    return sent;
}

/* ---- the I/O thread's side ---- */

static size_t take(struct http_stream *st, char *to, size_t max)
{
    size_t n = st->len < max ? st->len : max, first = st->cap - st->head;
    if (first > n)
        first = n;
    memcpy(to, st->ring + st->head, first);
    memcpy(to + first, st->ring, n - first);
    st->head = (st->head + n) % st->cap;
    st->len -= n;
    st->sent += n;
    return n;
}

static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
    (void)pos;
    struct http_stream *st = cls;
    ssize_t n = 0;
    pthread_mutex_lock(&st->lock);
    if (st->gone) {
        n = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (st->len > 0) {
        n = (ssize_t)take(st, to, max);
        pthread_cond_broadcast(&st->room);
    } else if (st->closed) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        st->suspended = true;
        MHD_suspend_connection(st->conn);
    }
    pthread_mutex_unlock(&st->lock);
    return n;
}

/* libmicrohttpd is done with the reply: all sent, or the client went away. */
static void reply_gone(void *cls)
{
    struct http_stream *st = cls;
    unlink_stream(st->server, st);
    pthread_mutex_lock(&st->lock);
    st->gone = true;
    pthread_cond_broadcast(&st->room);
    pthread_mutex_unlock(&st->lock);
    http_stream_unref(st);
}

/* ---- the owner's side ---- */

void http_stream_handler_returned(struct http_stream *st)
{
    pthread_mutex_lock(&st->lock);
    st->rq = NULL;
    pthread_mutex_unlock(&st->lock);
}

static struct http_stream *new_stream(struct http_request *rq, size_t buffer)
{
    struct http_stream *st = mem_calloc(1, sizeof *st, NULL);
    if (!st)
        return NULL;
    st->cap = buffer ? buffer : 65536;
    st->ring = mem_calloc(st->cap, 1, NULL);
    if (!st->ring) {
        free(st);
        return NULL;
    }
    st->server = rq->server;
    st->conn = rq->conn;
    st->rq = rq->on_worker ? rq : NULL;
    st->handler = pthread_self();
    atomic_init(&st->refs, 3);
    pthread_mutex_init(&st->lock, NULL);
    pthread_cond_init(&st->room, NULL);
    return st;
}

static ssize_t read_nothing(void *cls, uint64_t pos, char *to, size_t max)
{
    (void)cls, (void)pos, (void)to, (void)max;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* HEAD gets the headers alone; without that flag libmicrohttpd would end even a body that is not sent with a chunk. */
static struct MHD_Response *make_response(struct http_request *rq, struct http_stream *st)
{
    if (!rq->head)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, read_stream, st,
                                                 reply_gone);
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);
    if (r)
        MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return r;
}

struct http_stream *http_reply_stream(struct http_request *rq, int status, const char *type,
                                      size_t buffer)
{
    if (rq->replied)
        return NULL;
    struct http_stream *st = new_stream(rq, buffer);
    struct MHD_Response *response = st ? make_response(rq, st) : NULL;
    if (!response) {
        if (st) {
            atomic_store(&st->refs, 1);
            http_stream_unref(st);
        }
        http_refuse(rq, 503, "out of memory");
        return NULL;
    }
    rq->stream = st;
    if (rq->head) { /* nobody will read it */
        st->gone = true;
        atomic_store(&st->refs, 2);
    } else {
        link_stream(rq->server, st);
    }
    http_reply_with(rq, status, type, response, 0);
    if (rq->on_worker) {
        rq->committed = true;
        MHD_resume_connection(rq->conn);
    }
    return st;
}

/* Under the lock; at most as much as there is room for. */
static size_t put(struct http_stream *st, const char *bytes, size_t len)
{
    size_t room = st->cap - st->len, n = len < room ? len : room;
    size_t at = (st->head + st->len) % st->cap, first = st->cap - at;
    if (first > n)
        first = n;
    memcpy(st->ring + at, bytes, first);
    memcpy(st->ring, bytes + first, n - first);
    st->len += n;
    wake_reader(st);
    return n;
}

/* Under the lock, and again after it. A handler in its own thread has a worker take its place first. */
static void wait_for_room(struct http_stream *st)
{
    struct http_request *mine =
        st->rq && pthread_equal(st->handler, pthread_self()) ? st->rq : NULL;
    if (mine && !mine->lent) {
        pthread_mutex_unlock(&st->lock); /* work.lock comes before it */
        http_work_lend(mine);
        pthread_mutex_lock(&st->lock);
    }
    while (st->len == st->cap && !st->gone)
        pthread_cond_wait(&st->room, &st->lock);
}

int http_stream_write(struct http_stream *s, const void *bytes, size_t len)
{
    const char *p = bytes;
    if (!s)
        return EYE_ECANCELLED;
    pthread_mutex_lock(&s->lock);
    while (len > 0 && !s->gone) {
        if (s->len == s->cap) {
            wait_for_room(s);
            continue;
        }
        size_t n = put(s, p, len);
        p += n;
        len -= n;
    }
    bool gone = s->gone;
    pthread_mutex_unlock(&s->lock);
    return gone ? EYE_ECANCELLED : 0;
}

int http_stream_try(struct http_stream *s, const void *bytes, size_t len)
{
    int rc = 0;
    if (!s)
        return EYE_ECANCELLED;
    pthread_mutex_lock(&s->lock);
    if (s->gone)
        rc = EYE_ECANCELLED;
    else if (len > s->cap - s->len)
        rc = EYE_EBUSY;
    else if (len > 0)
        put(s, bytes, len);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void http_stream_abort(struct http_stream *s)
{
    if (s)
        end(s);
}

void http_stream_close(struct http_stream *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    wake_reader(s);
    pthread_mutex_unlock(&s->lock);
    http_stream_unref(s);
}
