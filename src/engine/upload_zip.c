/* upload_zip.c - a zip that was uploaded becomes the files in it.
 *
 * "Trip.zip" with "day1/a.jpg" inside gives the item "Trip/day1/a.jpg", so that two archives do not mix. The item of the zip
 * itself goes when all is unpacked, and stays, failed, when something is wrong with it: what came out whole before that is
 * kept. What no picture can be by its name is a failed item and is not unpacked; litter of systems and folders
 * is left out silently. All of it is unpacked before the first of it is indexed: a kill in between can then be undone by
 * dropping what came out so far (store_unzips_undo). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "archive/archive.h"
#include "engine/jobs.h"

struct unzip {
    struct eng_jobs *j;
    const struct store_item *zip;
    struct buf stem; /* "Trip/" */
    struct buf name; /* of the entry at hand, below the stem, as it came */
    char staged[64]; /* its file in the spool until it has a number */
    int fd;          /* of that file; -1: none */
    uint64_t size;
    uint64_t added;
    int rc; /* first thing that ends all */
    struct eye_err err;
};

static int stop(struct unzip *u, int rc)
{
    u->rc = u->rc < 0 ? u->rc : rc;
    return u->rc;
}

/* "a/Trip.zip" -> "a/Trip/" */
static int set_stem(struct unzip *u, struct eye_err *err)
{
    const char *name = u->zip->name, *dot = strrchr(eng_path_name(name), '.');
    size_t len = dot ? (size_t)(dot - name) : strlen(name);
    int rc = buf_append(&u->stem, name, len, err);
    return rc < 0 ? rc : buf_putc(&u->stem, '/', err);
}

/* A line for the entry; why NULL: its file waits. */
static int add_entry(struct unzip *u, const struct eye_err *why)
{
    struct eng_jobs *j = u->j;
    char mine[48];
    int64_t seq;
    struct store_item item = {.job = u->zip->job,
                              .parent = u->zip->seq,
                              .name = u->name.data,
                              .size = u->size,
                              .state = why ? EYE_ITEM_FAILED : EYE_ITEM_WAITING,
                              .reason = why ? (char *)(uintptr_t)why->msg : NULL,
                              .code = why ? why->code : 0};
    int rc = store_begin(j->store, &u->err);
    if (rc < 0) {
        return stop(u, rc);
    }
    rc = store_item_add(j->store, &item, -1, &seq, &u->err);
    if (rc == 0 && !why) {
        upload_spool_name(item.job, seq, mine);
        if (renameat(j->spool_fd, u->staged, j->spool_fd, mine) != 0) {
            rc = eye_fail_errno(&u->err, errno, "%s: cannot be moved", u->staged);
        }
    }
    rc = rc < 0 ? rc : store_commit(j->store, &u->err);
    if (rc < 0) {
        store_rollback(j->store);
    }
    u->added += rc == 0;
    jobs_changed(j, item.job);
    jobs_tell(j, 0);
    return rc < 0 ? stop(u, rc) : 0;
}

static int add_failed(struct unzip *u, int code, const char *reason)
{
    struct eye_err why = {0};
    eye_fail(&why, code, "%s", reason);
    return add_entry(u, &why);
}

static bool is_litter(const char *name)
{
    char part[256];
    for (const char *at = name; *at; at += *at == '/' || *at == '\\') {
        size_t len = strcspn(at, "/\\");
        if (len > 0 && len < sizeof part) {
            memcpy(part, at, len);
            part[len] = '\0';
            if (strcmp(part, "..") != 0 && strcmp(part, ".") != 0 && upload_is_litter(part)) {
                return true;
            }
        }
        at += len;
    }
    return false;
}

/* Non-zero: leave it out. */
static int on_begin(void *ctx, const char *name, uint64_t size)
{
    struct unzip *u = ctx;
    struct eye_err why = {0};
    struct buf clean;
    size_t len = strlen(name);
    if (u->rc < 0 || is_litter(name) || len == 0 || strchr("/\\", name[len - 1])) {
        return 1;
    }
    u->size = size;
    buf_clear(&u->name);
    buf_init(&clean, 1 << 16);
    int rc =
        upload_name(name, &clean, &why); /* what leads out of the zip would be hidden by the stem */
    rc = rc < 0 ? rc : buf_append(&u->name, u->stem.data, u->stem.len, &why);
    rc = rc < 0 ? rc : buf_puts(&u->name, clean.data, &why);
    rc = rc < 0 ? rc : upload_name(u->name.data, &clean, &why);
    buf_release(&clean);
    if (rc < 0) {
        buf_clear(&u->name);
        buf_append(&u->name, name, strnlen(name, 4096), NULL);
        return u->name.len ? (add_failed(u, why.code, why.msg), 1) : 1;
    }
    if (eng_name_kind(eng_path_name(name)) == ENG_NAME_OTHER) {
        add_failed(u, EYE_EFORMAT, "not a picture");
        return 1;
    }
    snprintf(u->staged, sizeof u->staged, "unzip-%" PRId64 "-%" PRId64, u->zip->job, u->zip->seq);
    u->fd = openat(u->j->spool_fd, u->staged, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                   0600);
    if (u->fd < 0) {
        stop(u, eye_fail_errno(&u->err, errno, "%s: cannot unpack into the spool", u->staged));
    }
    return u->fd < 0;
}

static int on_data(void *ctx, const void *bytes, size_t len)
{
    struct unzip *u = ctx;
    const char *at = bytes;
    if (jobs_stopped(u->j)) {
        stop(u, EYE_ECANCELLED);
    }
    while (u->rc == 0 && len) {
        ssize_t n = write(u->fd, at, len);
        if (n < 0 && errno != EINTR) {
            stop(u, eye_fail_errno(&u->err, errno, "cannot unpack into the spool"));
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return u->rc;
}

static int on_end(void *ctx, bool whole, const char *reason)
{
    struct unzip *u = ctx;
    struct stat st;
    if (u->fd < 0) {
        return u->rc;
    }
    if (fstat(u->fd, &st) == 0) {
        u->size = (uint64_t)st.st_size;
    }
    close(u->fd);
    u->fd = -1;
    if (u->rc == 0 && whole) {
        add_entry(u, NULL);
    } else if (u->rc == 0) {
        add_failed(u, EYE_EFORMAT, reason ? reason : "damaged inside the zip");
    }
    if (u->rc < 0 || !whole) {
        unlinkat(u->j->spool_fd, u->staged, 0);
    }
    return u->rc;
}

/* The zip's own item: gone, or failed. */
static int settle_zip(struct eng_jobs *j, struct store_item *zip, int rc, const struct eye_err *why,
                      struct eye_err *err)
{
    char staged[48];
    int done = store_begin(j->store, err);
    if (done < 0) {
        return done;
    }
    done = rc < 0 ? upload_settle(j, zip, EYE_ITEM_FAILED, 0, why, err)
                  : store_item_drop(j->store, zip->job, zip->seq, true, err);
    done = done < 0 ? done : store_commit(j->store, err);
    if (done < 0) {
        store_rollback(j->store);
        return done;
    }
    upload_spool_name(zip->job, zip->seq, staged);
    unlinkat(j->spool_fd, staged, 0);
    jobs_changed(j, zip->job);
    return 0;
}

int upload_unzip(struct eng_jobs *j, struct store_item *zip, int fd, struct eye_err *err)
{
    struct unzip u = {.j = j, .zip = zip, .fd = -1};
    struct unzip_limits limits = unzip_limits_default;
    struct unzip_sink sink = {on_begin, on_data, on_end, &u};
    struct eye_err why = {0};
    if (j->lib->limits.max_bytes < limits.max_entry_bytes) {
        limits.max_entry_bytes = j->lib->limits.max_bytes;
    }
    buf_init(&u.stem, 1 << 20);
    buf_init(&u.name, 1 << 20);
    int rc = set_stem(&u, err);
    rc = rc < 0 ? rc : archive_unzip(fd, &limits, &sink, &why);
    if (u.fd >= 0) {
        close(u.fd);
        unlinkat(j->spool_fd, u.staged, 0);
    }
    if (rc == 0 && u.rc == 0 && u.added == 0) {
        rc = eye_fail(&why, EYE_EFORMAT, "no picture is in this zip");
    }
    if (u.rc < 0) {
        rc = u.rc == EYE_ECANCELLED ? u.rc : eye_fail(err, u.rc, "%s", u.err.msg);
    } else {
        rc = settle_zip(j, zip, rc, &why, err);
    }
    buf_release(&u.stem);
    buf_release(&u.name);
    return rc;
}
