/* decoder.c - the program's side of the decoder: lends workers to threads, and judges what comes back.
 *
 * Workers are made when they are first needed (the first at once, so that a system that refuses the sandbox is known at the
 * start) and the last one given back is the next to go out: one thread that decodes keeps one worker warm.
 * Three things end a worker: it died or misbehaved (that call fails), it ran into its memory limit (its heap may be
 * in pieces), or it has served LIFE files, which bounds what a leak in a codec can add up to. */
#include "image/decoder_internal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nursery.h"

enum {
    MAX_WORKERS = 256,
    LIFE = 1000,
    START_SECONDS = 15,
    MAX_PREP_SIDE = 4096,
    MAX_THUMB_SIDE = 2048
};

struct worker {
    pid_t pid; /* 0: none */
    int sock;
    int served;
    bool busy;
};

struct decoder_pool {
    struct decoder_config config;
    pthread_mutex_t lock; /* of all `busy`; who set one owns the rest of that worker */
    pthread_cond_t given_back;
    int nworkers;
    struct worker *workers; /* [nworkers] */
};

/* ---- one worker ---- */

/* Kill and bury it. Its wait status, or -1 if nobody knows. */
static int end_worker(struct worker *w)
{
    close(w->sock);
    int status = nursery_end(w->pid);
    w->pid = 0;
    return status;
}

static int start_worker(struct decoder_pool *pool, struct worker *w, struct eye_err *err)
{
    struct nursery_child child;
    struct decoder_answer ready;
    int code = nursery_spawn(decoder_worker, &pool->config, sizeof(pool->config), -1, &child, err);
    if (code != 0)
        return code;
    w->pid = child.pid;
    w->sock = child.sock;
    w->served = 0;
    struct wire_deadline deadline = wire_deadline_in(w->pid, START_SECONDS);
    code = wire_recv_until(w->sock, &ready, sizeof(ready), &deadline);
    if (code == 0 && ready.magic == DECODER_READY && ready.code == 0)
        return 0;
    bool said = code == 0 && ready.magic == DECODER_READY;
    end_worker(w);
    if (!said)
        return eye_fail(err, EYE_EREMOTE, "a decoder process did not start");
    ready.msg[sizeof(ready.msg) - 1] = '\0';
    return eye_fail(err, EYE_EIO, "%s", ready.msg);
}

/* Why the worker gave no (sensible) answer; ends it. `code`: of wire_recv_until(), 0 if it did say something. */
static int explain_loss(struct decoder_pool *pool, struct worker *w, int code, struct eye_err *err)
{
    int status = end_worker(w);
    if (code == EYE_ELIMIT)
        return eye_fail(err, EYE_ELIMIT, "decoding took longer than %d s",
                        pool->config.limits.max_seconds);
    if (code == 0)
        return eye_fail(err, EYE_EREMOTE, "the decoder answered nonsense; the file may be hostile");
    if (status == -1)
        return eye_fail(err, EYE_EREMOTE, "the decoder was lost while it worked on this file");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return eye_fail(err, EYE_EREMOTE,
                        "the decoder was stopped by its sandbox: this file made it ask the system "
                        "for something no picture needs");
    /* Not by us, unless it lives on with its socket closed. */
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return eye_fail(err, EYE_EREMOTE,
                        "the decoder was killed while it worked on this file "
                        "(is the machine short of memory?)");
    if (WIFSIGNALED(status))
        return eye_fail(err, EYE_EREMOTE, "the decoder crashed on this file (signal %d)",
                        WTERMSIG(status));
    return eye_fail(err, EYE_EREMOTE, "the decoder gave up on this file (exit code %d)",
                    WEXITSTATUS(status));
}

/* The failure that a worker reported, if it is one that a worker may report. */
static int pass_failure(struct decoder_answer *answer, struct eye_err *err)
{
    answer->msg[sizeof(answer->msg) - 1] = '\0';
    int code = answer->code;
    if (code != EYE_EFORMAT && code != EYE_ELIMIT && code != EYE_EIO && code != EYE_EINVAL)
        code = EYE_EREMOTE;
    return eye_fail(err, code, "%s", answer->msg[0] ? answer->msg : "the decoder gave no reason");
}

/* What follows a good answer, in *data (free it), *len bytes. Ends a worker that does not deliver. */
static int receive_result(struct decoder_pool *pool, struct worker *w,
                          const struct decoder_ask *ask, const struct decoder_answer *answer,
                          const struct wire_deadline *deadline, uint8_t **data, size_t *len,
                          struct eye_err *err)
{
    *len = ask->side ? answer->bytes : (size_t)ask->prep.width * (size_t)ask->prep.height * 3;
    if (ask->side && (*len == 0 || *len > wire_webp_max(ask->side)))
        return explain_loss(pool, w, 0, err);
    uint8_t *got = mem_calloc(*len, 1, err);
    if (!got) {
        end_worker(w);
        return EYE_ENOMEM;
    }
    int code = wire_recv_until(w->sock, got, *len, deadline);
    if (code != 0 || (ask->side && !wire_webp_ok(got, *len, ask->side))) {
        free(got);
        return explain_loss(pool, w, code, err);
    }
    *data = got;
    return 0;
}

/* One file with a worker that is ours. On return w->pid is 0 if it had to be ended. */
static int converse(struct decoder_pool *pool, struct worker *w, int fd,
                    const struct decoder_ask *ask, uint8_t **data, size_t *len,
                    struct image_meta *meta, struct eye_err *err)
{
    struct decoder_answer answer;
    struct wire_deadline deadline = wire_deadline_in(w->pid, pool->config.limits.max_seconds);
    int code = wire_send(w->sock, ask, sizeof(*ask), fd) == 0 ? 0 : EYE_EREMOTE;
    if (code == 0)
        code = wire_recv_until(w->sock, &answer, sizeof(answer), &deadline);
    if (code != 0 || answer.magic != DECODER_ANSWER)
        return explain_loss(pool, w, code, err);
    if (answer.code != 0) {
        if (answer.code == EYE_ELIMIT)
            end_worker(w);
        return pass_failure(&answer, err);
    }
    code = wire_unpack(&answer, &pool->config.limits, meta, err);
    if (code != 0) {
        end_worker(w);
        return code;
    }
    code = receive_result(pool, w, ask, &answer, &deadline, data, len, err);
    if (code == 0 && ++w->served >= LIFE)
        end_worker(w);
    return code;
}

/* ---- lending ---- */

/* Waits for a worker that nobody uses; one that lives is better than one to be made. */
static struct worker *borrow(struct decoder_pool *pool)
{
    struct worker *found = NULL;
    pthread_mutex_lock(&pool->lock);
    while (!found) {
        for (int i = 0; i < pool->nworkers; i++) {
            struct worker *w = &pool->workers[i];
            if (!w->busy && (!found || (found->pid == 0 && w->pid != 0)))
                found = w;
        }
        if (!found)
            pthread_cond_wait(&pool->given_back, &pool->lock);
    }
    found->busy = true;
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static void give_back(struct decoder_pool *pool, struct worker *w)
{
    pthread_mutex_lock(&pool->lock);
    w->busy = false;
    pthread_cond_signal(&pool->given_back);
    pthread_mutex_unlock(&pool->lock);
}

static int check_file(int fd, const struct image_limits *limits, uint64_t *size,
                      struct eye_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return eye_fail_errno(err, errno, "the file cannot be read");
    if (!S_ISREG(st.st_mode))
        return eye_fail(err, EYE_EFORMAT, "not a regular file");
    if (st.st_size == 0)
        return eye_fail(err, EYE_EFORMAT, "the file is empty");
    if ((uint64_t)st.st_size > limits->max_bytes)
        return eye_fail(err, EYE_ELIMIT, "the file has %llu MiB, more than the allowed %llu MiB",
                        (unsigned long long)st.st_size >> 20,
                        (unsigned long long)limits->max_bytes >> 20);
    *size = (uint64_t)st.st_size;
    return 0;
}

/* Any task on one file with the next free worker; *data (free it) gets what came of it, *len bytes. */
static int serve_one(struct decoder_pool *pool, int fd, struct decoder_ask *ask, uint8_t **data,
                     size_t *len, struct image_meta *meta, struct eye_err *err)
{
    struct image_meta unwanted;
    int code = check_file(fd, &pool->config.limits, &ask->size, err);
    if (code != 0)
        return code;
    struct worker *w = borrow(pool);
    /* A worker that died or spoke while idle is replaced before it can cost a file. */
    if (w->pid != 0 && wire_disturbed(w->sock))
        end_worker(w);
    if (w->pid == 0)
        code = start_worker(pool, w, err);
    if (code == 0)
        code = converse(pool, w, fd, ask, data, len, meta ? meta : &unwanted, err);
    give_back(pool, w);
    return code;
}

int decoder_decode(struct decoder_pool *pool, int fd, const struct image_prep *prep,
                   struct image *out, struct image_meta *meta, struct eye_err *err)
{
    struct decoder_ask ask;
    uint8_t *rgb = NULL;
    size_t len = 0;
    memset(&ask, 0, sizeof(ask));
    ask.prep = *prep;
    if (prep->width < 1 || prep->width > MAX_PREP_SIDE || prep->height < 1 ||
        prep->height > MAX_PREP_SIDE)
        return eye_fail(err, EYE_EINVAL, "a picture cannot be prepared as %d x %d pixels (1 to %d)",
                        prep->width, prep->height, MAX_PREP_SIDE);
    int code = serve_one(pool, fd, &ask, &rgb, &len, meta, err);
    if (code == 0)
        *out = (struct image){prep->width, prep->height, rgb};
    return code;
}

int decoder_thumbnail(struct decoder_pool *pool, int fd, int side, struct buf *webp,
                      struct image_meta *meta, struct eye_err *err)
{
    struct decoder_ask ask;
    uint8_t *data = NULL;
    size_t len = 0;
    memset(&ask, 0, sizeof(ask));
    ask.side = side;
    if (side < 1 || side > MAX_THUMB_SIDE)
        return eye_fail(err, EYE_EINVAL, "a thumbnail cannot have %d pixels a side (1 to %d)", side,
                        MAX_THUMB_SIDE);
    int code = serve_one(pool, fd, &ask, &data, &len, meta, err);
    if (code == 0)
        code = buf_append(webp, data, len, err);
    free(data);
    return code;
}

/* ---- opening and closing ---- */

struct decoder_pool *decoder_open_jobs(decoder_job *job, decoder_thumb_job *thumb_job, int nworkers,
                                       const struct image_limits *limits, struct eye_err *err)
{
    if (nworkers < 1 || nworkers > MAX_WORKERS) {
        eye_fail(err, EYE_EINVAL, "%d decoder processes cannot be; 1 to %d can", nworkers,
                 MAX_WORKERS);
        return NULL;
    }
    struct decoder_pool *pool = mem_calloc(1, sizeof(*pool), err);
    if (!pool)
        return NULL;
    pool->config = (struct decoder_config){limits ? *limits : image_limits_default, job, thumb_job,
                                           sandbox_wanted()};
    pool->nworkers = nworkers;
    nursery_hold();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->given_back, NULL);
    pool->workers = mem_calloc((size_t)nworkers, sizeof(*pool->workers), err);
    if (!pool->workers || start_worker(pool, &pool->workers[0], err) != 0) {
        decoder_close(pool);
        return NULL;
    }
    return pool;
}

struct decoder_pool *decoder_open_job(decoder_job *job, int nworkers,
                                      const struct image_limits *limits, struct eye_err *err)
{
    return decoder_open_jobs(job, decoder_job_thumbnail, nworkers, limits, err);
}

struct decoder_pool *decoder_open(int nworkers, const struct image_limits *limits,
                                  struct eye_err *err)
{
    return decoder_open_job(decoder_job_picture, nworkers, limits, err);
}

void decoder_close(struct decoder_pool *pool)
{
    if (!pool)
        return;
    for (int i = 0; pool->workers && i < pool->nworkers; i++)
        if (pool->workers[i].pid != 0)
            end_worker(&pool->workers[i]);
    nursery_drop();
    pthread_cond_destroy(&pool->given_back);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}
