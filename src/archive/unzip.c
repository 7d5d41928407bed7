/* unzip.c - the program's side of unpacking: starts the child, believes nothing it says, holds it to the limits.
 *
 * A frame out of order, too long or with a code of its own ends the child. Bytes are counted here, over the whole
 * zip, those that are not wanted too: so a bomb ends after 16 MiB or 200 times its size, however it is nested or overlapped (Fifield's
 * flat bombs count each copy). Nothing is unpacked recursively. One child a zip: it costs a fork, beside megabytes to inflate. */
#include "archive/unzip.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nursery.h"
#include "base/sandbox.h"
#include "base/wire.h"

/* A child that says nothing for so long (processor time; four times that on the wall) hangs. */
enum { SILENT_SECONDS = 60 };
static const uint64_t ratio_from = 16 << 20;

const struct unzip_limits unzip_limits_default = {
    .max_entries = 100000,
    .max_entry_bytes = 512ull << 20,
    .max_total_bytes = 64ull << 30,
    .max_ratio = 200,
    .max_seconds = 3600,
};

struct unzipping {
    const struct unzip_limits *limits;
    const struct unzip_sink *sink;
    uint64_t packed; /* size of the zip */
    int sock;
    pid_t pid;
    struct wire_deadline deadline;
    bool ready, done, lost; /* lost: the child is gone */
    bool inside, wanted;    /* between ENTRY and END; the sink has begun that file */
    uint64_t entries, total, entry_bytes;
    char *bytes; /* [UNZIP_TEXT_MAX + 1], of the frame */
};

bool archive_is_zip(const void *head, size_t len)
{
    return len >= 4 && (memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0 ||
                        memcmp(head, "PK\7\x8", 4) == 0);
}

/* ---- what the child says ---- */

static int fail_nonsense(struct eye_err *err)
{
    return eye_fail(err, EYE_EREMOTE,
                    "the unpacking process answered nonsense; the zip may be hostile");
}

/* The failure that the frame reports, if it is one that the child may report; its text is escaped by eye_fail. */
static int told_failure(const struct unzipping *u, const struct unzip_frame *f, struct eye_err *err)
{
    int code = f->code == EYE_EFORMAT || f->code == EYE_ELIMIT || f->code == EYE_EIO ? f->code
                                                                                     : EYE_EREMOTE;
    if (f->kind == UNZIP_END && code == EYE_ELIMIT)
        return eye_fail(err, code, "it is larger than the allowed %llu MiB",
                        (unsigned long long)(u->limits->max_entry_bytes >> 20));
    return eye_fail(err, code, "%s", f->len > 0 ? u->bytes : "the unpacking gave no reason");
}

static int on_entry(struct unzipping *u, const struct unzip_frame *f, struct eye_err *err)
{
    if (f->len == 0 || f->waits > 1 || strlen(u->bytes) != f->len)
        return fail_nonsense(err);
    if (++u->entries > u->limits->max_entries)
        return eye_fail(err, EYE_ELIMIT, "the zip has more than the allowed %llu files",
                        (unsigned long long)u->limits->max_entries);
    u->wanted = u->sink->begin(u->sink->ctx, u->bytes, f->size) == 0;
    u->inside = u->wanted || !f->waits;
    u->entry_bytes = 0;
    u->lost = f->waits && wire_send(u->sock, u->wanted ? "k" : "s", 1, -1) != 0;
    return u->lost ? EYE_EREMOTE : 0;
}

static int on_data(struct unzipping *u, const struct unzip_frame *f, struct eye_err *err)
{
    u->entry_bytes += f->len;
    u->total += f->len;
    if (f->len == 0 || u->entry_bytes > u->limits->max_entry_bytes)
        return fail_nonsense(err);
    if (u->total > u->limits->max_total_bytes)
        return eye_fail(err, EYE_ELIMIT, "the zip unpacks to more than the allowed %llu MiB",
                        (unsigned long long)(u->limits->max_total_bytes >> 20));
    if (u->total > ratio_from && (double)u->total > u->limits->max_ratio * (double)u->packed)
        return eye_fail(err, EYE_ELIMIT,
                        "the zip unpacks to more than %.0f times its size: it looks like a bomb",
                        u->limits->max_ratio);
    return u->wanted ? u->sink->data(u->sink->ctx, u->bytes, f->len) : 0;
}

static int end_file(struct unzipping *u, bool whole, const char *reason)
{
    bool tell = u->wanted;
    u->inside = u->wanted = false;
    return tell ? u->sink->end(u->sink->ctx, whole, reason) : 0;
}

static int on_end(struct unzipping *u, const struct unzip_frame *f)
{
    struct eye_err why = {0, ""};
    if (f->code != 0)
        told_failure(u, f, &why);
    int rc = end_file(u, f->code == 0, f->code ? why.msg : NULL);
    return rc < 0 ? rc : 0;
}

/* One frame, whose bytes are in u->bytes. Negative: stop. */
static int on_frame(struct unzipping *u, const struct unzip_frame *f, struct eye_err *err)
{
    bool first = f->kind == UNZIP_READY, inside = f->kind == UNZIP_DATA || f->kind == UNZIP_END;
    if (first == u->ready || inside != u->inside)
        return fail_nonsense(err);
    switch (f->kind) {
    case UNZIP_READY: u->ready = true; return f->code ? eye_fail(err, EYE_EIO, "%s", u->bytes) : 0;
    case UNZIP_ENTRY: return on_entry(u, f, err);
    case UNZIP_DATA: return on_data(u, f, err);
    case UNZIP_END: return on_end(u, f);
    case UNZIP_DONE: u->done = true; return f->code ? told_failure(u, f, err) : 0;
    default: return fail_nonsense(err);
    }
}

/* The end of all or the end of patience, whichever is sooner. */
static struct wire_deadline next_deadline(const struct unzipping *u)
{
    struct wire_deadline d = wire_deadline_in(u->pid, SILENT_SECONDS);
    if (u->deadline.wall < d.wall)
        d.wall = u->deadline.wall;
    if (u->deadline.cpu < d.cpu)
        d.cpu = u->deadline.cpu;
    return d;
}

static int converse(struct unzipping *u, struct eye_err *err)
{
    int rc = 0;
    while (rc >= 0 && !u->done) {
        struct unzip_frame f;
        struct wire_deadline deadline = next_deadline(u);
        rc = wire_recv_until(u->sock, &f, sizeof(f), &deadline);
        if (rc == 0 && f.len > UNZIP_TEXT_MAX)
            return fail_nonsense(err);
        if (rc == 0 && f.len > 0)
            rc = wire_recv_until(u->sock, u->bytes, f.len, &deadline);
        if (rc == EYE_ELIMIT)
            return eye_fail(err, rc, "unpacking took longer than %d s, or nothing came for %d s",
                            u->limits->max_seconds, SILENT_SECONDS);
        u->lost = rc == EYE_EREMOTE;
        if (rc == 0) {
            u->bytes[f.len] = '\0';
            rc = on_frame(u, &f, err);
        }
    }
    return rc;
}

/* ---- the child ---- */

/* Why it ended without a last word. */
static int explain_loss(int status, struct eye_err *err)
{
    int signal = status == -1 ? SIGKILL : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (signal == SIGSYS)
        return eye_fail(err, EYE_EREMOTE,
                        "the unpacking process was stopped by its sandbox: this zip made it ask "
                        "the system for something no zip needs");
    if (signal == SIGXCPU)
        return eye_fail(err, EYE_ELIMIT, "unpacking took too much processor time");
    if (signal == SIGKILL)
        return eye_fail(err, EYE_EREMOTE,
                        "the unpacking process was killed (is the machine short of memory?)");
    if (signal)
        return eye_fail(err, EYE_EREMOTE, "the unpacking process crashed on this zip (signal %d)",
                        signal);
    return eye_fail(err, EYE_EREMOTE, "the unpacking process gave up on this zip (exit code %d)",
                    WEXITSTATUS(status));
}

static int start_child(struct unzipping *u, unzip_job *job, int fd, struct eye_err *err)
{
    const struct unzip_order order = {job, *u->limits, (int64_t)u->packed, sandbox_wanted()};
    struct nursery_child child;
    int rc = nursery_spawn(unzip_child, &order, sizeof(order), fd, &child, err);
    if (rc != 0)
        return rc;
    u->pid = child.pid;
    u->sock = child.sock;
    u->deadline = wire_deadline_in(u->pid, u->limits->max_seconds);
    return 0;
}

/* Its wait status, or -1: the nursery was killed, and it with that. One that is dead already keeps its status. */
static int end_child(struct unzipping *u)
{
    close(u->sock);
    return nursery_end(u->pid);
}

static int check_file(int fd, uint64_t *size, struct eye_err *err)
{
    struct stat st;
    char head[4];
    if (fstat(fd, &st) != 0)
        return eye_fail_errno(err, errno, "the zip cannot be read");
    if (!S_ISREG(st.st_mode))
        return eye_fail(err, EYE_EFORMAT, "not a regular file");
    if (pread(fd, head, sizeof(head), 0) != sizeof(head) || !archive_is_zip(head, sizeof(head)))
        return eye_fail(err, EYE_EFORMAT, "not a zip file");
    *size = (uint64_t)st.st_size;
    return 0;
}

int archive_unzip_job(unzip_job *job, int fd, const struct unzip_limits *limits,
                      const struct unzip_sink *sink, struct eye_err *err)
{
    struct unzipping u = {.limits = limits ? limits : &unzip_limits_default, .sink = sink};
    struct eye_err why = {0, ""};
    int rc = check_file(fd, &u.packed, err);
    if (rc != 0)
        return rc;
    u.bytes = mem_calloc(UNZIP_TEXT_MAX + 1, 1, err);
    if (!u.bytes)
        return EYE_ENOMEM;
    nursery_hold();
    rc = start_child(&u, job, fd, err);
    if (rc != 0) {
        nursery_drop();
        free(u.bytes);
        return rc;
    }
    rc = converse(&u, &why);
    int status = end_child(&u);
    nursery_drop();
    if (u.lost)
        rc = explain_loss(status, &why);
    if (u.inside)
        end_file(&u, false, why.code ? why.msg : "unpacking was stopped");
    if (rc < 0 && why.code)
        eye_fail(err, rc, "%s", why.msg);
    free(u.bytes);
    return rc < 0 ? rc : 0;
}

int archive_unzip(int fd, const struct unzip_limits *limits, const struct unzip_sink *sink,
                  struct eye_err *err)
{
    return archive_unzip_job(unzip_job_zip, fd, limits, sink, err);
}
