/* zips.c - zips that are streamed while they are made.
 *
 * A download takes as long as the client's line does, so each has a thread of its own rather than one of http's few
 * workers: eight slow downloads would stop the server. At most ZIPS_MAX at a time. */
#include "api/internal.h"

#include <pthread.h>

enum { ZIPS_MAX = 16, STREAM_BUFFER = 256 * 1024 };

struct api_zips {
    pthread_mutex_t lock;
    pthread_cond_t less;
    int running;
};

struct download {
    struct api_zips *zips;
    eye_lib *lib;
    struct http_stream *stream;
    int64_t *ids;
    size_t n;
};

struct api_zips *api_zips_new(struct eye_err *err)
{
    struct api_zips *z = mem_calloc(1, sizeof *z, err);
    if (z) {
        pthread_mutex_init(&z->lock, NULL);
        pthread_cond_init(&z->less, NULL);
    }
    return z;
}

void api_zips_free(struct api_zips *z)
{
    if (!z)
        return;
    pthread_mutex_lock(&z->lock);
    while (z->running > 0)
        pthread_cond_wait(&z->less, &z->lock);
    pthread_mutex_unlock(&z->lock);
    pthread_cond_destroy(&z->less);
    pthread_mutex_destroy(&z->lock);
    free(z);
}

static bool enter(struct api_zips *z)
{
    pthread_mutex_lock(&z->lock);
    bool room = z->running < ZIPS_MAX;
    z->running += room;
    pthread_mutex_unlock(&z->lock);
    return room;
}

static void leave(struct api_zips *z)
{
    pthread_mutex_lock(&z->lock);
    z->running--;
    pthread_cond_signal(&z->less);
    pthread_mutex_unlock(&z->lock);
}

static int write_piece(void *ctx, const void *bytes, size_t len)
{
    return http_stream_write(ctx, bytes, len);
}

static void *send_zip(void *arg)
{
    struct download *d = arg;
    struct api_zips *zips = d->zips;
    /* the status is sent already: a zip that breaks off is the only way to say that it failed */
    if (eye_zip(d->lib, d->ids, d->n, write_piece, d->stream, NULL) != 0)
        http_stream_abort(d->stream);
    http_stream_close(d->stream);
    free(d->ids);
    free(d);
    leave(zips);
    return NULL;
}

static void begin(struct http_request *rq, struct download *d)
{
    pthread_t thread;
    pthread_attr_t attr;
    http_set(rq, "Content-Disposition", "attachment; filename=\"pictures.zip\"");
    http_set(rq, "Cache-Control", "no-store");
    d->stream = http_reply_stream(rq, 200, "application/zip", STREAM_BUFFER);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (!d->stream || pthread_create(&thread, &attr, send_zip, d) != 0) {
        struct api_zips *zips = d->zips;
        if (d->stream) {
            http_stream_abort(d->stream);
            http_stream_close(d->stream);
        }
        free(d->ids);
        free(d);
        leave(zips);
    }
    pthread_attr_destroy(&attr);
}

void api_zips_begin(struct api_server *s, struct http_request *rq, int64_t *ids, size_t n)
{
    struct eye_err err;
    struct download *d = mem_calloc(1, sizeof *d, &err);
    if (!d || !enter(s->zips)) {
        if (d)
            api_problem(rq, 503, eye_err_name(EYE_EBUSY),
                        "too many zips are being downloaded: try again when one is done");
        else
            api_problem_err(rq, &err);
        free(d);
        free(ids);
        return;
    }
    d->zips = s->zips;
    d->lib = s->lib;
    d->ids = ids;
    d->n = n;
    begin(rq, d);
}
