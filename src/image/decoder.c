/* decoder.c - the program's side of the decoder: lends workers to threads, and judges what comes back.
 *
 * Workers are made when they are first needed (the first at once, so that a system that refuses the sandbox is known at the
 * start) and the last one given back is the next to go out: one thread that decodes keeps one worker warm.
 * Three things end a worker: it died or misbehaved (that call fails), it ran into its memory limit (its heap may be
 * in pieces), or it has served LIFE files, which bounds what a leak in a codec can add up to. */
#include "image/decoder_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

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
    struct worker *workers; /* [config.nworkers] */
    pthread_mutex_t supervisor_lock;
    pid_t supervisor; /* 0: none */
    int supervisor_sock;
};

/* ---- the supervisor ---- */

static void stop_supervisor(struct decoder_pool *pool)
{
    if (pool->supervisor <= 0)
        return;
    close(pool->supervisor_sock);
    while (waitpid(pool->supervisor, NULL, 0) < 0 && errno == EINTR)
        ;
    pool->supervisor = 0;
}

/* Ask, and if the supervisor was killed, start another one and ask that. It knows no workers: END gives ESRCH. */
static int ask_supervisor(struct decoder_pool *pool, int op, pid_t pid,
                          struct supervisor_answer *answer, int *fd, struct eye_err *err)
{
    struct supervisor_ask ask = {op, pid};
    int code = 0;
    pthread_mutex_lock(&pool->supervisor_lock);
    for (int tries = 0; tries < 2 && code == 0; tries++) {
        if (pool->supervisor <= 0) {
            pid_t started = supervisor_start(&pool->config, &pool->supervisor_sock, err);
            if (started < 0)
                code = started;
            else
                pool->supervisor = started;
        }
        if (code == 0 && supervisor_call(pool->supervisor_sock, &ask, answer, fd) == 0)
            break;
        if (code == 0)
            stop_supervisor(pool);
        if (code == 0 && tries == 1)
            code = eye_fail(err, EYE_EREMOTE, "the process that starts decoders keeps dying");
    }
    pthread_mutex_unlock(&pool->supervisor_lock);
    return code;
}

/* ---- one worker ---- */

/* Kill and bury it. Its wait status, or -1 if nobody knows. */
static int end_worker(struct decoder_pool *pool, struct worker *w)
{
    struct supervisor_answer answer;
    close(w->sock);
    int code = ask_supervisor(pool, SUPERVISOR_END, w->pid, &answer, NULL, NULL);
    w->pid = 0;
    return code == 0 && answer.errnum == 0 ? answer.status : -1;
}

static int start_worker(struct decoder_pool *pool, struct worker *w, struct eye_err *err)
{
    struct supervisor_answer answer;
    struct decoder_answer ready;
    int code = ask_supervisor(pool, SUPERVISOR_SPAWN, 0, &answer, &w->sock, err);
    if (code != 0)
        return code;
    if (answer.errnum != 0 || w->sock < 0)
        return eye_fail_errno(err, answer.errnum ? answer.errnum : EMFILE,
                              "cannot start a decoder process");
    w->pid = answer.pid;
    w->served = 0;
    struct wire_deadline deadline = wire_deadline_in(w->pid, START_SECONDS);
    code = wire_recv_until(w->sock, &ready, sizeof(ready), &deadline);
    if (code == 0 && ready.magic == DECODER_READY && ready.code == 0)
        return 0;
    bool said = code == 0 && ready.magic == DECODER_READY;
    end_worker(pool, w);
    if (!said)
        return eye_fail(err, EYE_EREMOTE, "a decoder process did not start");
    ready.msg[sizeof(ready.msg) - 1] = '\0';
    return eye_fail(err, EYE_EIO, "%s", ready.msg);
}

/* Why the worker gave no (sensible) answer; ends it. `code`: of wire_recv_until(), 0 if it did say something. */
static int explain_loss(struct decoder_pool *pool, struct worker *w, int code, struct eye_err *err)
{
    int status = end_worker(pool, w);
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
        end_worker(pool, w);
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
            end_worker(pool, w);
        return pass_failure(&answer, err);
    }
    code = wire_unpack(&answer, &pool->config.limits, meta, err);
    if (code != 0) {
        end_worker(pool, w);
        return code;
    }
    code = receive_result(pool, w, ask, &answer, &deadline, data, len, err);
    if (code == 0 && ++w->served >= LIFE)
        end_worker(pool, w);
    return code;
}

/* ---- lending ---- */

/* Waits for a worker that nobody uses; one that lives is better than one to be made. */
static struct worker *borrow(struct decoder_pool *pool)
{
    struct worker *found = NULL;
    pthread_mutex_lock(&pool->lock);
    while (!found) {
        for (int i = 0; i < pool->config.nworkers; i++) {
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
        end_worker(pool, w);
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
                                           nworkers, sandbox_wanted()};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->given_back, NULL);
    pthread_mutex_init(&pool->supervisor_lock, NULL);
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

/* The supervisor kills and buries its workers when its socket closes. */
void decoder_close(struct decoder_pool *pool)
{
    if (!pool)
        return;
    for (int i = 0; pool->workers && i < pool->config.nworkers; i++)
        if (pool->workers[i].pid != 0)
            close(pool->workers[i].sock);
    stop_supervisor(pool);
    pthread_cond_destroy(&pool->given_back);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->supervisor_lock);
    free(pool->workers);
    free(pool);
}
