/* restore.c - eye_restore and eye_backup_check: a backup is hostile until each of its bytes is known to be the one that was backed up.
 *
 * Everything is written to a folder of its own (backup_work.c) and checked there, then moved: where there is no library folder yet,
 * the whole folder gets the library's name by one rename. An empty folder that is there already may be a mount, or lie where nothing
 * can be made beside it; so it is filled from a folder inside, uploads first, and library.db, which makes it a library, last.
 *
 * The database is opened there as well: that brings an older layout up, and what it holds must be what the manifest says. The uploads get
 * the times that it has for them, so that the next index has nothing to read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/backup.h"

#define INSIDE ".restoring"
#define BESIDE ".restoring" /* after the library's name */

struct restoring {
    struct backup_reader reader;
    const char *file;
    char *target; /* absolute */
    char *stage;
    bool inside; /* the stage lies in the target */
    bool half;   /* a restore died while it moved things from the stage to the target */
    char *made;  /* topmost folder that was made for the target's sake; NULL: none */
    int fd;      /* of the stage */
    int uploads; /* of the uploads in it */
};

/* ---- opening ---- */

static int open_backup(const char *file, struct backup_reader *r, int *fd,
                       const eye_backup_options *options, struct eye_err *err)
{
    struct stat st;
    *fd = fs_open_follow(file, &st, err);
    if (*fd < 0) {
        return *fd;
    }
    int rc = backup_reader_open(r, *fd, options, err);
    if (rc) {
        eye_fail_prefix(err, "%s", file);
        close(*fd);
    }
    return rc;
}

int eye_backup_check(const char *file, const eye_backup_options *options, struct eye_err *err)
{
    struct backup_reader r;
    struct eye_err local = {0};
    int fd;
    err = err ? err : &local;
    int rc = open_backup(file, &r, &fd, options, err);
    if (rc) {
        return rc;
    }
    rc = backup_reader_check(&r, err);
    if (rc) {
        eye_fail_prefix(err, "%s", file);
    }
    backup_reader_close(&r);
    close(fd);
    return rc;
}

/* ---- where it goes ---- */

static bool has(const char *dir, const char *name)
{
    struct stat st;
    char *path = fs_join(dir, name, NULL);
    bool yes = path && lstat(path, &st) == 0;
    free(path);
    return yes;
}

/* Nothing in it but what an earlier restore left there when it died. */
static int check_empty(struct restoring *r, struct eye_err *err)
{
    bool other = false, uploads = false;
    DIR *d = opendir(r->target);
    if (!d) {
        return eye_fail_errno(err, errno, "%s: cannot be read", r->target);
    }
    for (struct dirent *e; (e = readdir(d));) {
        const char *name = e->d_name;
        bool skip = !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, INSIDE);
        uploads = uploads || !strcmp(name, "uploads");
        other = other || !(skip || !strcmp(name, "uploads"));
    }
    closedir(d);
    r->half = uploads && has(r->target, INSIDE "/" BACKUP_DATABASE);
    return other || (uploads && !r->half)
               ? eye_fail(err, EYE_EEXIST,
                          "%s is not empty: restore into a folder that does not exist or is empty",
                          r->target)
               : 0;
}

/* The folders above the target; the topmost one that is not there is remembered, to be undone. */
static int make_parents(struct restoring *r, struct eye_err *err)
{
    struct stat st;
    char *dir = backup_parent(r->target, err);
    char *top = NULL;
    int rc = dir ? 0 : EYE_ENOMEM;
    for (char *at = dir ? mem_strdup(dir, err) : NULL; at;) {
        char *up = NULL;
        if (lstat(at, &st) != 0 && errno == ENOENT) {
            free(top);
            top = mem_strdup(at, err);
            up = top ? backup_parent(at, err) : NULL;
        }
        free(at);
        at = up;
    }
    rc = rc ? rc : fs_mkdirs(dir, err);
    free(dir);
    r->made = top;
    return rc;
}

/* Only folders that are empty, from the target's up to the topmost that was made. */
static void unmake_parents(struct restoring *r)
{
    char *at = r->made ? backup_parent(r->target, NULL) : NULL;
    while (at && eng_path_below(at, r->made) && rmdir(at) == 0) {
        char *up = backup_parent(at, NULL);
        free(at);
        at = up;
    }
    free(at);
}

static int choose_stage(struct restoring *r, const char *library, struct eye_err *err)
{
    enum eng_path_kind kind;
    struct buf path;
    r->target = eng_path_resolve(library, &kind, err);
    if (!r->target) {
        return eng_code(err);
    }
    if (kind == ENG_PATH_FILE) {
        return eye_fail(err, EYE_EEXIST, "%s is a file: a library is a folder", r->target);
    }
    r->inside = kind == ENG_PATH_DIR;
    int rc = r->inside ? check_empty(r, err) : make_parents(r, err);
    buf_init(&path, 65536);
    if (rc == 0) {
        rc = buf_printf(&path, err, "%s%s", r->target, r->inside ? "/" INSIDE : BESIDE);
    }
    r->stage = buf_detach(&path, NULL);
    return rc;
}

/* What a restore that died had moved already goes back to where it is cleaned up. */
static int clean_half(struct restoring *r, struct eye_err *err)
{
    char *uploads = fs_join(r->target, "uploads", err);
    int rc = uploads ? 0 : EYE_ENOMEM;
    if (rc == 0 && renameat(AT_FDCWD, uploads, r->fd, "uploads") != 0) {
        rc = eye_fail_errno(err, errno, "%s: left by a restore that was killed, cannot be removed",
                            uploads);
    }
    free(uploads);
    if (rc == 0) {
        backup_work_clean(r->fd);
    }
    return rc;
}

/* ---- the database ---- */

static int lies(const struct restoring *r, const char *what, struct eye_err *err)
{
    return eye_fail(err, EYE_EFORMAT,
                    "%s: the backup is damaged or hostile: its database does not have the %s that "
                    "its manifest says",
                    r->file, what);
}

static int compare_model(const struct restoring *r, struct store *s, struct eye_err *err)
{
    const struct backup_manifest *m = &r->reader.manifest;
    char *model = NULL, *fingerprint = NULL;
    struct hash hash = {{0}};
    int rc = store_setting(s, ENG_SET_MODEL, &model, err);
    rc = rc ? rc : store_setting(s, ENG_SET_FINGERPRINT, &fingerprint, err);
    if (rc == 0) {
        bool has_one = fingerprint && hash_from_hex(fingerprint, &hash, NULL) == 0;
        char name[sizeof m->model];
        snprintf(name, sizeof name, "%s", model ? model : "");
        if (has_one != m->has_fingerprint || strcmp(name, m->model) != 0 ||
            (has_one && hash_cmp(&hash, &m->fingerprint) != 0)) {
            rc = lies(r, "model", err);
        }
    }
    free(model);
    free(fingerprint);
    return rc;
}

/* As it came, before anything is brought up. */
static int compare_database(const struct restoring *r, struct eye_err *err)
{
    struct store_stats st = {0};
    const struct backup_manifest *m = &r->reader.manifest;
    struct store *s = store_open(r->stage, false, true, err);
    int rc = s ? store_stats(s, 0, &st, err) : eng_code(err);
    if (rc == EYE_EFORMAT) {
        eye_fail_prefix(err, "%s", r->file);
    }
    if (rc == 0 && store_layout(s) != m->layout) {
        rc = lies(r, "layout", err);
    } else if (rc == 0 && (st.pictures != m->pictures || st.files != m->files ||
                           st.failures != m->failures || st.roots != m->roots)) {
        rc = lies(r, "pictures and files", err);
    }
    rc = rc ? rc : compare_model(r, s, err);
    store_close(s);
    return rc;
}

static int set_time(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct restoring *r = ctx;
    const char *rel = failure ? failure->rel : f->rel;
    int64_t ns = failure ? failure->mtime_ns : f->mtime_ns;
    int64_t sec = ns / 1000000000, rest = ns % 1000000000;
    struct timespec at = {rest < 0 ? sec - 1 : sec, rest < 0 ? rest + 1000000000 : rest};
    int fd = backup_rel_ok(rel) ? eng_open_below(r->uploads, rel) : -1;
    if (fd >= 0) {
        const struct timespec times[2] = {at, at};
        futimens(fd, times); /* at worst the next index reads it */
        close(fd);
    }
    return 0;
}

/* The uploads' root is where the library is now. */
static int settle_uploads(struct restoring *r, struct store *s, struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    int64_t root = 0;
    char *path = fs_join(r->target, "uploads", err);
    int rc = path ? store_roots_brief(s, &roots, &n, err) : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        root = roots[i].uploads ? roots[i].id : root;
    }
    store_roots_free(roots, n);
    r->uploads = openat(r->fd, "uploads", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (rc == 0 && root) {
        rc = r->uploads >= 0 ? store_each_file(s, root, "", set_time, r, err) : 0;
        rc = rc ? rc : store_root_uploads(s, path, &root, err);
    }
    if (r->uploads >= 0) {
        close(r->uploads);
    }
    free(path);
    return rc;
}

static int settle(struct restoring *r, struct eye_err *err)
{
    struct stat st;
    int rc = compare_database(r, err);
    if (rc) {
        return rc;
    }
    struct store *s = store_open(r->stage, false, false, err); /* brings it up */
    rc = s ? settle_uploads(r, s, err) : eng_code(err);
    store_close(s);
    if (rc == 0 && fstatat(r->fd, BACKUP_DATABASE "-wal", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_size > 0) {
        rc = eye_fail(err, EYE_EIO, "%s: the database could not be written to its end", r->stage);
    }
    if (rc == 0 && syncfs(r->fd) != 0) {
        rc = eye_fail_errno(err, errno, "%s: cannot flush to disk", r->stage);
    }
    return rc;
}

/* ---- putting it in place ---- */

static int move_out(struct restoring *r, const char *name, struct eye_err *err)
{
    char *to = fs_join(r->target, name, err);
    int rc = to ? 0 : EYE_ENOMEM;
    if (rc == 0 && renameat(r->fd, name, AT_FDCWD, to) != 0 && errno != ENOENT) {
        rc = eye_fail_errno(err, errno, "%s: cannot be put in place", to);
    }
    free(to);
    return rc;
}

static int publish(struct restoring *r, struct eye_err *err)
{
    int rc = 0;
    if (r->inside) {
        rc = move_out(r, "uploads", err);
        rc = rc ? rc : move_out(r, BACKUP_DATABASE, err);
        if (rc) {
            clean_half(r, NULL);
        }
        return rc ? rc : backup_sync_folder(r->target, err);
    }
    /* Replaces an empty folder that somebody made meanwhile, and nothing else. */
    if (rename(r->stage, r->target) != 0) {
        return eye_fail_errno(err, errno, "%s: cannot put the library in place", r->target);
    }
    backup_work_unmark(r->fd);
    close(r->fd);
    r->fd = -1;
    char *dir = backup_parent(r->target, err);
    rc = dir ? backup_sync_folder(dir, err) : EYE_ENOMEM;
    free(dir);
    return rc;
}

static int fill(struct restoring *r, struct eye_err *err)
{
    const uint64_t rest = 4 << 20;
    int rc = r->half ? clean_half(r, err) : 0;
    rc = rc ? rc : backup_space(r->stage, r->reader.total + rest, "the library", err);
    if (rc) {
        return rc;
    }
    r->reader.out = r->fd;
    rc = backup_reader_check(&r->reader, err);
    if (rc) {
        return eye_fail_prefix(err, "%s", r->file), rc;
    }
    rc = settle(r, err);
    return rc ? rc : publish(r, err);
}

/* A write that failed for lack of space is told with how much is needed. */
static int tell_full(const struct restoring *r, struct eye_err *err)
{
    struct eye_err full;
    char *dir = backup_parent(r->stage, NULL);
    bool is_full = dir && backup_space(dir, r->reader.total, "the library", &full) != 0;
    free(dir);
    return is_full ? eye_fail(err, EYE_EIO, "%s", full.msg) : EYE_EIO;
}

int eye_restore(const char *file, const char *library, const eye_backup_options *options,
                struct eye_err *err)
{
    struct restoring r = {.file = file, .fd = -1, .uploads = -1};
    struct eye_err local = {0};
    int zip;
    err = err ? err : &local;
    int rc = open_backup(file, &r.reader, &zip, options, err);
    if (rc) {
        return rc;
    }
    rc = choose_stage(&r, library, err);
    rc = rc ? rc : backup_work_open(r.stage, &r.fd, err);
    if (rc == 0) {
        rc = fill(&r, err);
        backup_work_close(r.stage, r.fd);
    }
    if (rc == EYE_EIO) {
        rc = tell_full(&r, err);
    }
    if (rc) {
        unmake_parents(&r);
    }
    backup_reader_close(&r.reader);
    close(zip);
    free(r.target);
    free(r.stage);
    free(r.made);
    return rc;
}
