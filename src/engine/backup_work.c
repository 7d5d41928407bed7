/* backup_work.c - the folder NAME.tmp beside what is being made, or .restoring in a folder that is being filled.
 *
 * A folder and not a file, for a backup needs two files while it is made (the database's copy, the zip), a restore many. It is held
 * by a lock, which the system lets go when its process dies, however it dies: so the next one can tell what was left behind from
 * what is in use, and takes it over. It is recognised by a file in it, the first thing made there: what lacks that is someone
 * else's (a library may well be called x.tmp), and stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/backup.h"

enum { TRIES = 100, DEEP = 64 };

#define MARK ".eyeshine-work"

static const char *const ours[] = {BACKUP_DATABASE,
                                   BACKUP_DATABASE "-wal",
                                   BACKUP_DATABASE "-shm",
                                   BACKUP_DATABASE "-journal",
                                   BACKUP_SUMS,
                                   "backup.zip"};

/* ---- removing ---- */

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* The folder `name` in `at` with all that is in it; links are removed, not followed. */
static void remove_tree(int at, const char *name, int depth)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 && depth < DEEP ? fdopendir(fd) : NULL;
    if (!d && fd >= 0) {
        close(fd);
    }
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!is_dots(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) != 0) {
            remove_tree(dirfd(d), e->d_name, depth + 1);
        }
    }
    if (d) {
        closedir(d);
    }
    unlinkat(at, name, AT_REMOVEDIR);
}

void backup_work_clean(int fd)
{
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        unlinkat(fd, ours[i], 0);
    }
    remove_tree(fd, "uploads", 0);
}

static bool is_empty(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    bool empty = d != NULL;
    if (!d && copy >= 0) {
        close(copy);
    }
    for (struct dirent *e; empty && (e = readdir(d));) {
        empty = is_dots(e->d_name);
    }
    if (d) {
        closedir(d);
    }
    return empty;
}

/* ---- the folder ---- */

/* Is what is open still what stands there? Another process may have finished and removed it just now. */
static bool is_same(const char *path, int fd)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* It is ours when it has the mark or nothing at all (then its maker died before the mark). */
static int claim(const char *path, int fd, struct eye_err *err)
{
    struct stat st;
    bool marked = fstatat(fd, MARK, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!marked && !is_empty(fd)) {
        return eye_fail(err, EYE_EEXIST,
                        "%s is in the way: remove it, or choose another name for the backup", path);
    }
    backup_work_clean(fd);
    int mark = marked ? -1 : openat(fd, MARK, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (!marked && mark < 0) {
        return eye_fail_errno(err, errno, "%s: cannot write into it", path);
    }
    if (mark >= 0) {
        close(mark);
    }
    return 0;
}

/* 1: it is gone, try again. */
static int take(const char *path, int *out, struct eye_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return 1;
    }
    if (fd < 0) {
        return eye_fail(err, EYE_EEXIST,
                        "%s is in the way: remove it, or choose another name for the backup", path);
    }
    int rc = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rc = eye_fail(err, EYE_EBUSY, "%s: another process is working on this just now", path);
    } else {
        rc = is_same(path, fd) ? claim(path, fd, err) : 1;
    }
    if (rc) {
        close(fd);
    } else {
        *out = fd;
    }
    return rc;
}

int backup_work_open(const char *path, int *fd, struct eye_err *err)
{
    int rc = 1;
    *fd = -1;
    for (int i = 0; rc == 1 && i < TRIES; i++) {
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return eye_fail_errno(err, errno, "%s: cannot be made", path);
        }
        rc = take(path, fd, err);
    }
    return rc == 1 ? eye_fail(err, EYE_EBUSY, "%s: others keep working on this", path) : rc;
}

void backup_work_close(const char *path, int fd)
{
    if (fd < 0) {
        return;
    }
    backup_work_clean(fd);
    backup_work_unmark(fd);
    rmdir(path); /* before the lock goes: else it might be another's by now */
    close(fd);
}

void backup_work_unmark(int fd)
{
    unlinkat(fd, MARK, 0);
}

/* ---- the disk below it ---- */

static void megabytes(uint64_t bytes, char out[32])
{
    snprintf(out, 32, "%.1f MB", (double)bytes / 1e6);
}

int backup_space(const char *path, uint64_t need, const char *what, struct eye_err *err)
{
    struct statvfs fs;
    char a[32], b[32];
    if (statvfs(path, &fs) != 0) {
        return 0; /* who cannot say it is tried */
    }
    uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (left >= need) {
        return 0;
    }
    megabytes(need, a);
    megabytes(left, b);
    return eye_fail(err, EYE_EIO,
                    "%s: the disk is full: %s needs %s there while it is made, and %s are free; "
                    "nothing was left behind",
                    path, what, a, b);
}

int backup_sync_folder(const char *path, struct eye_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0) {
        return errno == EACCES ? 0 : eye_fail_errno(err, errno, "%s: cannot open", path);
    }
    if (fsync(fd) != 0 && errno != EINVAL) {
        rc = eye_fail_errno(err, errno, "%s: cannot flush to disk", path);
    }
    close(fd);
    return rc;
}

char *backup_parent(const char *path, struct eye_err *err)
{
    const char *slash = strrchr(path, '/');
    char *dir = mem_strdup(slash ? path : ".", err);
    if (dir && slash) {
        dir[slash == path ? 1 : slash - path] = '\0';
    }
    return dir;
}
