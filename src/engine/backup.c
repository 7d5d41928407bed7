/* backup.c - eye_backup: a library in one file, while others read and write it.
 *
 * First the database is copied into the folder FILE.tmp (store_backup: one moment, nobody waits), and from then on the copy is
 * what is asked: so the uploads, the counts and the database in the zip belong together whatever comes meanwhile. An upload lies in
 * its folder before the database names it, and stays; so all that the copy names is there, and what came later is left out.
 *
 * The zip stores and does not pack: photographs and vectors do not shrink. Its parts are hashed as they go by, so everything is
 * read once, and the manifest stands at the end. FILE gets its name by a rename that replaces nothing, after all of it is on disk.
 * Before that, a process that dies leaves FILE.tmp and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/backup.h"

struct backup {
    eye_lib *lib;
    const char *file;
    const eye_backup_options *options;
    char *work, *zip_path; /* FILE.tmp, and the zip in it */
    int work_fd, fd, uploads;
    struct zip_writer *zip;
    struct buf name;
    int sums; /* a file: one line a part */
    struct buf sum;
    struct backup_manifest manifest;
    struct store *copy; /* the database that is being backed up, open while uploads are listed */
    uint64_t before, total, written; /* progress: bytes copied before the zip; all; of the zip */
    int errnum;                      /* the zip could not be written */
    bool stopped;
    struct eye_err *err; /* for callbacks */
};

/* ---- the disk ---- */

static uint64_t need_of(const struct backup *b)
{
    const uint64_t rest = 1 << 20;
    return 2 * b->before + b->manifest.upload_bytes + rest;
}

static bool goes_on(struct backup *b, uint64_t done)
{
    const eye_backup_options *o = b->options;
    if (!b->stopped && o && o->progress) {
        b->stopped = o->progress(o->ctx, done < b->total ? done : b->total, b->total) != 0;
    }
    return !b->stopped;
}

static int write_zip(void *ctx, const void *bytes, size_t len)
{
    struct backup *b = ctx;
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(b->fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            b->errnum = n < 0 ? errno : ENOSPC;
            return 1;
        }
        at += n;
        len -= (size_t)n;
        b->written += (uint64_t)n;
    }
    return goes_on(b, b->before + b->written) ? 0 : 1;
}

/* What the zip's writer calls "stopped" has a reason that only write_zip knows. */
static int zip_failed(struct backup *b, int rc, struct eye_err *err)
{
    char need[32];
    snprintf(need, sizeof need, "%.1f MB", (double)need_of(b) / 1e6);
    if (b->stopped) {
        return eye_fail(err, EYE_ECANCELLED, "the backup was stopped; nothing was left behind");
    }
    if (b->errnum == ENOSPC || b->errnum == EDQUOT || b->errnum == EFBIG) {
        return eye_fail(err, EYE_EIO,
                        "%s: the disk is full: the backup needs %s there while it is made; "
                        "nothing was left behind",
                        b->file, need);
    }
    return b->errnum ? eye_fail_errno(err, b->errnum, "%s: cannot be written", b->file) : rc;
}

/* ---- parts ---- */

static int add_sum(struct backup *b, const struct hash *hash, const char *name, struct eye_err *err)
{
    buf_clear(&b->sum);
    int rc = backup_sum_line(hash, name, &b->sum, err);
    if (rc == 0 && write(b->sums, b->sum.data, b->sum.len) != (ssize_t)b->sum.len) {
        b->errnum = errno ? errno : ENOSPC;
        rc = EYE_EIO;
    }
    b->manifest.sums_bytes += b->sum.len;
    return rc;
}

static int add_database(struct backup *b, struct eye_err *err)
{
    struct stat st;
    struct backup_manifest *m = &b->manifest;
    int fd = openat(b->work_fd, BACKUP_DATABASE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int rc = eye_fail_errno(err, errno, "%s/" BACKUP_DATABASE ": cannot be read", b->work);
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    m->database_bytes = (uint64_t)st.st_size;
    int rc = zip_add_hashed(b->zip, BACKUP_DATABASE, fd, m->database_bytes, (int64_t)time(NULL),
                            &m->database_hash, err);
    close(fd);
    return rc ? rc : add_sum(b, &m->database_hash, BACKUP_DATABASE, err);
}

/* An original that changed since it was indexed is kept as it is, but not in silence. */
static void compare(struct backup *b, const struct store_file *f, const struct hash *hash)
{
    struct store_picture pic;
    if (f->picture && store_picture_get(b->copy, f->picture, &pic, NULL) == 0 &&
        hash_cmp(&pic.hash, hash) != 0) {
        eng_log(b->lib, EYE_LOG_WARN,
                "uploads/%s: its bytes are not those that were indexed; the backup has it as it is",
                f->rel);
    }
}

static int add_upload_fd(struct backup *b, const struct store_file *f, int fd,
                         const struct stat *st, struct eye_err *err)
{
    struct hash hash;
    int rc = backup_part_name(f->rel, &b->name, err);
    rc = rc ? rc
            : zip_add_hashed(b->zip, b->name.data, fd, (uint64_t)st->st_size, st->st_mtim.tv_sec,
                             &hash, err);
    rc = rc ? rc : add_sum(b, &hash, b->name.data, err);
    if (rc == 0) {
        b->manifest.uploads++;
        b->manifest.upload_bytes += (uint64_t)st->st_size;
        compare(b, f, &hash);
    }
    return rc;
}

static int add_upload(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct backup *b = ctx;
    struct stat st;
    struct store_file named = {.rel = failure ? failure->rel : f->rel,
                               .picture = failure ? 0 : f->picture};
    int fd =
        b->uploads >= 0 && backup_rel_ok(named.rel) ? eng_open_below(b->uploads, named.rel) : -1;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        eng_log(b->lib, EYE_LOG_WARN, "uploads/%s: not there; the backup goes without it",
                named.rel);
        b->manifest.uploads_missing++;
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    int rc = add_upload_fd(b, &named, fd, &st, b->err);
    close(fd);
    return rc;
}

static int each_upload(struct store *s, store_file_fn *fn, void *ctx, struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    int rc = store_roots_brief(s, &roots, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (roots[i].uploads) {
            rc = store_each_file(s, roots[i].id, "", fn, ctx, err);
        }
    }
    store_roots_free(roots, n);
    return rc;
}

static int add_uploads(struct backup *b, struct eye_err *err)
{
    b->manifest.upload_bytes = 0;
    b->copy = store_open(b->work, false, true, err);
    int rc = b->copy ? each_upload(b->copy, add_upload, b, err) : eng_code(err);
    store_close(b->copy);
    b->copy = NULL;
    return rc;
}

static int add_end(struct backup *b, struct eye_err *err)
{
    struct buf text;
    time_t now = time(NULL);
    struct tm tm;
    struct backup_manifest *m = &b->manifest;
    int rc = zip_add_hashed(b->zip, BACKUP_SUMS, b->sums, m->sums_bytes, (int64_t)now,
                            &m->sums_hash, err);
    if (!gmtime_r(&now, &tm) || !strftime(m->date, sizeof m->date, "%Y-%m-%dT%H:%M:%SZ", &tm)) {
        m->date[0] = '\0';
    }
    buf_init(&text, BACKUP_MANIFEST_MAX);
    rc = rc ? rc : backup_manifest_write(m, &text, err);
    rc = rc ? rc : zip_add_bytes(b->zip, BACKUP_MANIFEST, text.data, text.len, err);
    buf_release(&text);
    return rc ? rc : zip_finish(b->zip, err);
}

/* ---- the copy of the database ---- */

static int on_copied(void *ctx, uint64_t done, uint64_t total)
{
    struct backup *b = ctx;
    double share = total ? (double)done / (double)total : 1;
    return goes_on(b, (uint64_t)((double)b->before * share)) ? 0 : 1;
}

static int count_upload(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct backup *b = ctx;
    b->manifest.upload_bytes += failure ? failure->size : f->size;
    return 0;
}

/* How much it will be, from what the library says now. */
static int measure(struct backup *b, struct store *s, struct eye_err *err)
{
    struct store_stats stats = {0};
    int rc = store_stats(s, 0, &stats, err);
    rc = rc ? rc : each_upload(s, count_upload, b, err);
    b->before = stats.bytes;
    b->total = 2 * b->before + b->manifest.upload_bytes;
    return rc ? rc : backup_space(b->work, need_of(b), "the backup", err);
}

/* What the copy says of itself. */
static int describe(struct backup *b, struct eye_err *err)
{
    struct store_stats stats = {0};
    struct backup_manifest *m = &b->manifest;
    char *model = NULL, *fingerprint = NULL;
    struct store *s = store_open(b->work, false, false, err);
    int rc = s ? store_stats(s, 0, &stats, err) : eng_code(err);
    rc = rc ? rc : store_setting(s, ENG_SET_MODEL, &model, err);
    rc = rc ? rc : store_setting(s, ENG_SET_FINGERPRINT, &fingerprint, err);
    if (rc == 0) {
        m->format = BACKUP_FORMAT;
        m->layout = store_layout(s);
        m->pictures = stats.pictures;
        m->files = stats.files;
        m->failures = stats.failures;
        m->roots = stats.roots;
        m->has_fingerprint = fingerprint && hash_from_hex(fingerprint, &m->fingerprint, NULL) == 0;
        snprintf(m->program, sizeof m->program, "%s", eye_version());
        snprintf(m->model, sizeof m->model, "%s", model ? model : "");
    }
    store_close(s);
    free(model);
    free(fingerprint);
    return rc;
}

static int copy_database(struct backup *b, struct eye_err *err)
{
    char *path = fs_join(b->work, BACKUP_DATABASE, err);
    struct store *s = path ? eng_store_get(b->lib, err) : NULL;
    int rc = s ? measure(b, s, err) : eng_code(err);
    rc = rc ? rc : store_backup(s, path, on_copied, b, err);
    eng_store_put(b->lib, s);
    free(path);
    if (rc == EYE_ECANCELLED) {
        return zip_failed(b, rc, err);
    }
    return rc ? rc : describe(b, err);
}

/* ---- the file ---- */

/* rename(2) that never replaces anything. */
static int publish(struct backup *b, struct eye_err *err)
{
    long rc = syscall(SYS_renameat2, AT_FDCWD, b->zip_path, AT_FDCWD, b->file, 1u /* NOREPLACE */);
    if (rc != 0 && (errno == ENOSYS || errno == EINVAL || errno == EPERM)) {
        rc = link(b->zip_path,
                  b->file); /* old kernels, some file systems; refuses what is there, too */
        if (rc != 0 && errno != EEXIST && access(b->file, F_OK) != 0) {
            rc = rename(b->zip_path, b->file);
        }
    }
    if (rc != 0) {
        return errno == EEXIST
                   ? eye_fail(err, EYE_EEXIST, "%s: somebody else made it meanwhile", b->file)
                   : eye_fail_errno(err, errno, "%s: cannot put the backup in place", b->file);
    }
    char *dir = backup_parent(b->file, err);
    int sync = dir ? backup_sync_folder(dir, err) : EYE_ENOMEM;
    free(dir);
    return sync;
}

static int open_file(struct backup *b, const char *name, int *fd, struct eye_err *err)
{
    *fd = openat(b->work_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *fd >= 0 ? 0 : eye_fail_errno(err, errno, "%s/%s: cannot be made", b->work, name);
}

static int write_parts(struct backup *b, struct eye_err *err)
{
    char *uploads = fs_join(b->lib->dir, "uploads", err);
    if (!uploads) {
        return EYE_ENOMEM;
    }
    b->uploads = open(uploads, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    free(uploads);
    b->zip = zip_new(write_zip, b, err);
    int rc = b->zip ? add_database(b, err) : eng_code(err);
    rc = rc ? rc : add_uploads(b, err);
    rc = rc ? rc : add_end(b, err);
    zip_free(b->zip);
    if (b->uploads >= 0) {
        close(b->uploads);
    }
    return rc ? zip_failed(b, rc, err) : 0;
}

static int make(struct backup *b, struct eye_err *err)
{
    int rc = copy_database(b, err);
    rc = rc ? rc : open_file(b, "backup.zip", &b->fd, err);
    rc = rc ? rc : open_file(b, BACKUP_SUMS, &b->sums, err);
    rc = rc ? rc : write_parts(b, err);
    if (rc == 0 && fsync(b->fd) != 0) {
        b->errnum = errno;
        rc = zip_failed(b, EYE_EIO, err);
    }
    int closed = b->fd >= 0 ? close(b->fd) : 0; /* NFS tells of a full disk only here */
    if (rc == 0 && closed != 0) {
        b->errnum = errno;
        rc = zip_failed(b, EYE_EIO, err);
    }
    if (b->sums >= 0) {
        close(b->sums);
    }
    return rc ? rc : publish(b, err);
}

static int check_target(const char *file, struct eye_err *err)
{
    struct stat st;
    size_t n = file ? strlen(file) : 0;
    if (n == 0 || file[n - 1] == '/') {
        return eye_fail(err, EYE_EINVAL, "a backup needs the name of a file to be made");
    }
    if (lstat(file, &st) == 0) {
        return eye_fail(err, EYE_EEXIST,
                        "%s is there already: choose another name, or remove it first", file);
    }
    return errno == ENOENT ? 0 : eye_fail_errno(err, errno, "%s", file);
}

/* The better reason for a failure, if it is one; else what err says already. */
static int tell_full(const struct backup *b, struct eye_err *err)
{
    struct eye_err full;
    char *dir = backup_parent(b->file, err);
    bool is_full = dir && backup_space(dir, need_of(b), "the backup", &full) != 0;
    free(dir);
    return is_full ? eye_fail(err, EYE_EIO, "%s", full.msg) : EYE_EIO;
}

int eye_backup(eye_lib *lib, const char *file, const eye_backup_options *options,
               struct eye_err *err)
{
    struct eye_err local = {0};
    struct backup b = {.lib = lib,
                       .file = file,
                       .options = options,
                       .work_fd = -1,
                       .fd = -1,
                       .uploads = -1,
                       .sums = -1};
    err = err ? err : &local;
    b.err = err;
    int rc = eng_embedded_only(lib, "a backup",
                               "back up the Milvus server itself, or write all of it as text with "
                               "`eyeshine export FILE`",
                               err);
    rc = rc ? rc : check_target(file, err);
    if (rc) {
        return rc;
    }
    buf_init(&b.name, 2 * BACKUP_NAME_MAX + 64);
    buf_init(&b.sum, 4 * BACKUP_NAME_MAX + 256);
    struct buf work;
    buf_init(&work, 65536);
    rc = buf_printf(&work, err, "%s.tmp", file);
    b.work = buf_detach(&work, NULL);
    b.zip_path = rc ? NULL : fs_join(b.work, "backup.zip", err);
    rc = b.zip_path ? backup_work_open(b.work, &b.work_fd, err) : EYE_ENOMEM;
    if (rc == 0) {
        rc = make(&b, err);
        backup_work_close(b.work, b.work_fd);
    }
    if (rc == EYE_EIO &&
        b.errnum == 0) { /* SQLite may not say that the disk is full; the disk does */
        rc = tell_full(&b, err);
    }
    buf_release(&b.name);
    buf_release(&b.sum);
    free(b.work);
    free(b.zip_path);
    return rc;
}
