/* hub.c - a ring of the last events and the streams that follow it.
 *
 * The ring is what a listener that lost its line for a moment is caught up from. Its number carries the server's boot, so
 * that after a restart nobody is caught up from another server's numbers. One lock for all: an event is a copy into some
 * buffers, a few microseconds, and events come some ten times a second. */
#include "api/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/random.h>

#include "base/buf.h"

enum { EVENT_MAX = 64 << 10 };

struct event {
    uint64_t seq; /* 0: none yet */
    int64_t job;
    char *text; /* "id: ...\nevent: ...\ndata: ...\n\n" */
    size_t len;
};

struct listener {
    struct api_sink sink;
    int64_t job;
};

struct api_hub {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t pinger;
    bool ended;
    char boot[17];
    uint64_t last; /* number of the newest event */
    struct event ring[API_HUB_RING];
    struct listener listeners[API_HUB_STREAMS];
    int n;
};

/* ---- listeners; the lock is held ---- */

static void drop(struct api_hub *h, int i)
{
    struct api_sink sink = h->listeners[i].sink;
    h->listeners[i] = h->listeners[--h->n];
    sink.close(sink.ctx);
}

static void send_all(struct api_hub *h, int64_t job, const char *text, size_t len)
{
    for (int i = h->n - 1; i >= 0; i--) {
        const struct listener *l = &h->listeners[i];
        bool meant = l->job == 0 || job == 0 || l->job == job;
        if (meant && l->sink.send(l->sink.ctx, text, len) != 0)
            drop(h, i);
    }
}

static void drop_all(struct api_hub *h)
{
    while (h->n)
        drop(h, h->n - 1);
}

/* ---- life ---- */

static void *ping_now_and_then(void *arg)
{
    struct api_hub *h = arg;
    pthread_mutex_lock(&h->lock);
    while (!h->ended) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += API_HUB_KEEPALIVE;
        if (pthread_cond_timedwait(&h->wake, &h->lock, &until) == ETIMEDOUT && !h->ended)
            send_all(h, 0, ":\n\n", 3);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void init_locks(struct api_hub *h)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, &attr);
    pthread_condattr_destroy(&attr);
}

struct api_hub *api_hub_new(struct eye_err *err)
{
    uint64_t boot = 0;
    if (getrandom(&boot, sizeof boot, 0) != (ssize_t)sizeof boot) {
        eye_fail_errno(err, errno, "the system gives no random bytes");
        return NULL;
    }
    struct api_hub *h = mem_calloc(1, sizeof *h, err);
    if (!h)
        return NULL;
    snprintf(h->boot, sizeof h->boot, "%016llx", (unsigned long long)boot);
    init_locks(h);
    int e = pthread_create(&h->pinger, NULL, ping_now_and_then, h);
    if (e) {
        eye_fail_errno(err, e, "cannot start a thread");
        pthread_cond_destroy(&h->wake);
        pthread_mutex_destroy(&h->lock);
        free(h);
        return NULL;
    }
    return h;
}

void api_hub_end(struct api_hub *h)
{
    pthread_mutex_lock(&h->lock);
    h->ended = true;
    drop_all(h);
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

void api_hub_free(struct api_hub *h)
{
    if (!h)
        return;
    api_hub_end(h);
    pthread_join(h->pinger, NULL);
    for (size_t i = 0; i < API_HUB_RING; i++)
        free(h->ring[i].text);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* ---- events ---- */

/* What goes over the wire, in memory of its own; NULL when there is none: the event is lost to all. */
static char *event_text(const struct api_hub *h, uint64_t seq, const char *name, const char *data,
                        size_t *len)
{
    struct buf b;
    buf_init(&b, EVENT_MAX);
    if (buf_printf(&b, NULL, "id: %s-%llu\nevent: %s\ndata: %s\n\n", h->boot,
                   (unsigned long long)seq, name, data) != 0) {
        buf_release(&b);
        return NULL;
    }
    return buf_detach(&b, len);
}

void api_hub_publish(struct api_hub *h, const char *name, int64_t job, const char *data)
{
    pthread_mutex_lock(&h->lock);
    size_t len = 0;
    char *text = h->ended ? NULL : event_text(h, h->last + 1, name, data, &len);
    if (text) {
        struct event *e = &h->ring[++h->last % API_HUB_RING];
        free(e->text);
        *e = (struct event){h->last, job, text, len};
        send_all(h, job, text, len);
    }
    pthread_mutex_unlock(&h->lock);
}

void api_hub_ping(struct api_hub *h)
{
    pthread_mutex_lock(&h->lock);
    send_all(h, 0, ":\n\n", 3);
    pthread_mutex_unlock(&h->lock);
}

/* The number in "BOOT-SEQ"; false when it is of another boot, newer than the newest, or no longer in the ring. */
static bool resume_point(const struct api_hub *h, const char *last, uint64_t *seq)
{
    size_t n = strlen(h->boot);
    if (strncmp(last, h->boot, n) != 0 || last[n] != '-' || last[n + 1] < '0' || last[n + 1] > '9')
        return false;
    char *end = NULL;
    errno = 0;
    *seq = strtoull(last + n + 1, &end, 10);
    return !*end && !errno && *seq <= h->last && h->last - *seq <= API_HUB_RING;
}

/* Greeting and what was missed. False: the listener can't take it. */
static bool catch_up(const struct api_hub *h, const struct listener *l, const char *last)
{
    char text[256];
    uint64_t seq = h->last;
    bool known = !last || resume_point(h, last, &seq);
    int n = snprintf(text, sizeof text,
                     "retry: 2000\nid: %s-%llu\nevent: %s\ndata: {\"boot\":\"%s\"}\n\n", h->boot,
                     (unsigned long long)(known ? seq : h->last), "hello", h->boot);
    if (l->sink.send(l->sink.ctx, text, (size_t)n) != 0)
        return false;
    if (!known) {
        n = snprintf(text, sizeof text, "id: %s-%llu\nevent: reset\ndata: {}\n\n", h->boot,
                     (unsigned long long)h->last);
        return l->sink.send(l->sink.ctx, text, (size_t)n) == 0;
    }
    while (++seq <= h->last) {
        const struct event *e = &h->ring[seq % API_HUB_RING];
        bool meant = l->job == 0 || e->job == 0 || e->job == l->job;
        if (meant && l->sink.send(l->sink.ctx, e->text, e->len) != 0)
            return false;
    }
    return true;
}

int api_hub_listen(struct api_hub *h, const struct api_sink *sink, int64_t job, const char *last,
                   struct eye_err *err)
{
    int rc = 0;
    struct listener l = {*sink, job};
    pthread_mutex_lock(&h->lock);
    if (h->ended)
        rc = eye_fail(err, EYE_ECANCELLED, "the server is going down");
    else if (h->n == API_HUB_STREAMS)
        rc = eye_fail(err, EYE_EBUSY, "%d pages listen to events already: close one",
                      (int)API_HUB_STREAMS);
    else if (!catch_up(h, &l, last))
        rc = eye_fail(err, EYE_ELIMIT, "the listener does not read");
    else
        h->listeners[h->n++] = l;
    if (rc)
        sink->close(sink->ctx);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int api_hub_listeners(struct api_hub *h)
{
    pthread_mutex_lock(&h->lock);
    int n = h->n;
    pthread_mutex_unlock(&h->lock);
    return n;
}
