/* fs.c - files and folders: open, map, read whole, write atomically.
 *
 * Opening looks at what the thing is before it opens it (opening a device may move a tape, a
 * FIFO may wait) and again after (it may have been swapped meanwhile).
 * A path may be longer than PATH_MAX: a walk reaches such files one folder at a time, so reading
 * them must work as well. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fs_at.h"

enum { CHUNK = 64 * 1024 };

bool fs_at_open(const char *path, struct fs_at *at)
{
    *at = (struct fs_at){AT_FDCWD, path};
    while (strlen(at->rest) >= PATH_MAX) {
        char part[PATH_MAX];
        const char *slash = memrchr(at->rest, '/', PATH_MAX - 1);
        size_t len = slash ? (size_t)(slash - at->rest) : 0;
        if (len == 0) {
            fs_at_close(at);
            errno = ENAMETOOLONG;
            return false;
        }
        memcpy(part, at->rest, len);
        part[len] = '\0';
        int next = openat(at->dir, part, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int why = errno;
        fs_at_close(at);
        if (next < 0) {
            errno = why;
            return false;
        }
        at->dir = next;
        at->rest = slash + strspn(slash, "/");
        if (!*at->rest)
            at->rest = ".";
    }
    return true;
}

void fs_at_close(struct fs_at *at)
{
    if (at->dir >= 0)
        close(at->dir);
    at->dir = AT_FDCWD;
}

/* ---- opening ---- */

/* What it is, in words, when it is not a regular file. */
static const char *kind_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a folder";
    case S_IFLNK: return "a symbolic link";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFCHR:
    case S_IFBLK: return "a device";
    default: return "of an unknown kind";
    }
}

static int check_regular(const char *path, const struct stat *st, struct eye_err *err)
{
    if (S_ISREG(st->st_mode))
        return 0;
    return eye_fail(err, EYE_EFORMAT, "%s: is %s, not a file", path, kind_name(st->st_mode));
}

static int open_at(const struct fs_at *at, const char *path, bool follow, struct stat *st,
                   struct eye_err *err)
{
    if (fstatat(at->dir, at->rest, st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
        return eye_fail_errno(err, errno, "%s: cannot open", path);
    int rc = check_regular(path, st, err);
    if (rc)
        return rc;
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
    int fd = openat(at->dir, at->rest, flags);
    if (fd < 0)
        return eye_fail_errno(err, errno, "%s: cannot open", path);
    rc = fstat(fd, st) == 0 ? check_regular(path, st, err)
                            : eye_fail_errno(err, errno, "%s: cannot stat", path);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

static int open_file(const char *path, bool follow, struct stat *st, struct eye_err *err)
{
    struct fs_at at;
    if (!fs_at_open(path, &at))
        return eye_fail_errno(err, errno, "%s: cannot open", path);
    int fd = open_at(&at, path, follow, st, err);
    fs_at_close(&at);
    return fd;
}

int fs_open_regular(const char *path, struct stat *st, struct eye_err *err)
{
    return open_file(path, false, st, err);
}

int fs_open_follow(const char *path, struct stat *st, struct eye_err *err)
{
    return open_file(path, true, st, err);
}

/* ---- reading ---- */

int fs_map_open(const char *path, struct fs_map *out, struct eye_err *err)
{
    struct stat st;
    *out = (struct fs_map){0};
    int fd = fs_open_follow(path, &st, err);
    if (fd < 0)
        return fd;
    int rc = 0;
    if ((uintmax_t)st.st_size > SIZE_MAX) {
        rc = eye_fail(err, EYE_ELIMIT, "%s: too large for this machine's address space", path);
    } else if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            rc = eye_fail_errno(err, errno, "%s: cannot map into memory", path);
        } else {
            out->data = p;
            out->len = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

void fs_map_close(struct fs_map *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->len);
    *map = (struct fs_map){0};
}

/* read(2) that a signal does not end. */
static ssize_t read_some(int fd, void *data, size_t len)
{
    ssize_t n;
    do
        n = read(fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static int read_fd(int fd, const char *path, struct buf *out, struct eye_err *err)
{
    char chunk[CHUNK];
    for (;;) {
        ssize_t n = read_some(fd, chunk, sizeof chunk);
        if (n < 0)
            return eye_fail_errno(err, errno, "%s: cannot read", path);
        if (n == 0)
            return 0;
        int rc = buf_append(out, chunk, (size_t)n, err);
        if (rc) {
            eye_fail_prefix(err, "%s", path);
            return rc;
        }
    }
}

int fs_read_all(const char *path, struct buf *out, struct eye_err *err)
{
    struct stat st;
    int fd = fs_open_follow(path, &st, err);
    if (fd < 0)
        return fd;
    int rc;
    if ((uintmax_t)st.st_size > out->max - out->len)
        rc = eye_fail(err, EYE_ELIMIT, "%s: has %lld bytes, more than the %zu allowed here", path,
                      (long long)st.st_size, out->max);
    else if ((rc = buf_reserve(out, (size_t)st.st_size, err)) != 0)
        eye_fail_prefix(err, "%s", path);
    else
        rc = read_fd(fd, path, out, err);
    close(fd);
    return rc;
}

/* ---- writing ---- */

/* A file in the making beside its destination. */
struct temp {
    const char *path; /* the destination */
    char *dir, *name; /* its folder; the temporary file, whole path */
    int fd;
};

static int temp_name(struct temp *t, struct eye_err *err)
{
    uint64_t random;
    char name[32];
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return eye_fail_errno(err, errno, "cannot get random bytes");
    snprintf(name, sizeof name, ".eyeshine-%016llx", (unsigned long long)random);
    free(t->name);
    t->name = fs_join(t->dir, name, err);
    return t->name ? 0 : EYE_ENOMEM;
}

/* The name does not grow out of the destination's: that one may be as long as names can be. */
static int temp_open(struct temp *t, const char *path, unsigned mode, struct eye_err *err)
{
    *t = (struct temp){.path = path, .fd = -1};
    const char *slash = strrchr(path, '/');
    t->dir = mem_strdup(slash ? path : ".", err);
    if (!t->dir)
        return EYE_ENOMEM;
    if (slash)
        t->dir[slash == path ? 1 : slash - path] = '\0';
    while (t->fd < 0) {
        int rc = temp_name(t, err);
        if (rc)
            return rc;
        t->fd = open(t->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
        if (t->fd < 0 && errno != EEXIST) {
            rc = eye_fail_errno(err, errno, "%s: cannot create a file in its folder", path);
            free(t->name); /* nothing there to be removed */
            t->name = NULL;
            return rc;
        }
    }
    return 0;
}

static int temp_write(struct temp *t, const char *data, size_t len, struct eye_err *err)
{
    while (len > 0) {
        ssize_t n = write(t->fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return eye_fail_errno(err, errno, "%s: cannot write", t->path);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The rename is only safe from a power cut once the folder itself is on disk. */
static int sync_dir(const struct temp *t, struct eye_err *err)
{
    int fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EACCES: a folder that may be written but not listed; EINVAL: a file system without it. */
    if (fd < 0)
        return errno == EACCES ? 0 : eye_fail_errno(err, errno, "%s: cannot open", t->dir);
    int rc = 0;
    if (fsync(fd) != 0 && errno != EINVAL)
        rc = eye_fail_errno(err, errno, "%s: cannot flush to disk", t->dir);
    close(fd);
    return rc;
}

static int temp_commit(struct temp *t, struct eye_err *err)
{
    if (fsync(t->fd) != 0)
        return eye_fail_errno(err, errno, "%s: cannot flush to disk", t->path);
    int fd = t->fd;
    t->fd = -1;
    if (close(fd) != 0) /* NFS tells about a full disk only here */
        return eye_fail_errno(err, errno, "%s: cannot write", t->path);
    if (rename(t->name, t->path) != 0)
        return eye_fail_errno(err, errno, "%s: cannot put the new file in place", t->path);
    free(t->name);
    t->name = NULL;
    return sync_dir(t, err);
}

/* After commit only memory is left to free; before it the file goes too. */
static void temp_release(struct temp *t)
{
    if (t->fd >= 0)
        close(t->fd);
    if (t->name)
        unlink(t->name);
    free(t->name);
    free(t->dir);
}

int fs_write_atomic(const char *path, const void *data, size_t len, unsigned mode,
                    struct eye_err *err)
{
    struct temp t;
    int rc = temp_open(&t, path, mode, err);
    if (rc == 0)
        rc = temp_write(&t, data, len, err);
    if (rc == 0)
        rc = temp_commit(&t, err);
    temp_release(&t);
    return rc;
}

static int copy_fd(int fd, const char *from, struct temp *to, struct eye_err *err)
{
    char chunk[CHUNK];
    for (;;) {
        ssize_t n = read_some(fd, chunk, sizeof chunk);
        if (n < 0)
            return eye_fail_errno(err, errno, "%s: cannot read", from);
        if (n == 0)
            return 0;
        int rc = temp_write(to, chunk, (size_t)n, err);
        if (rc)
            return rc;
    }
}

int fs_copy(const char *from, const char *to, struct eye_err *err)
{
    struct stat st;
    int fd = fs_open_follow(from, &st, err);
    if (fd < 0)
        return fd;
    struct temp t;
    int rc = temp_open(&t, to, st.st_mode & 0777, err);
    if (rc == 0)
        rc = copy_fd(fd, from, &t, err);
    if (rc == 0)
        rc = temp_commit(&t, err);
    temp_release(&t);
    close(fd);
    return rc;
}

int fs_mkdirs(const char *path, struct eye_err *err)
{
    char *copy = mem_strdup(path, err);
    if (!copy)
        return EYE_ENOMEM;
    int rc = 0;
    for (char *p = copy; rc == 0 && *p;) {
        p += strspn(p, "/");
        p += strcspn(p, "/");
        char end = *p;
        *p = '\0';
        struct stat st;
        if (mkdir(copy, 0700) != 0) {
            int why = errno; /* a read-only file system may say EROFS where EEXIST is meant */
            bool there = stat(copy, &st) == 0;
            if (there && !S_ISDIR(st.st_mode))
                rc = eye_fail(err, EYE_EEXIST, "%s: is %s, not a folder", copy,
                              S_ISREG(st.st_mode) ? "a file" : kind_name(st.st_mode));
            else if (!there)
                rc = eye_fail_errno(err, why, "%s: cannot make the folder", copy);
        }
        *p = end;
    }
    free(copy);
    return rc;
}

/* ---- names ---- */

char *fs_join(const char *dir, const char *name, struct eye_err *err)
{
    if (name[0] == '/' || dir[0] == '\0')
        return mem_strdup(name, err);
    size_t dlen = strlen(dir), nlen = strlen(name), bytes;
    bool slash = dir[dlen - 1] != '/';
    if (!size_add(dlen, nlen, &bytes) || !size_add(bytes, 2, &bytes))
        bytes = SIZE_MAX; /* cannot be had: the next line says so */
    char *path = mem_calloc(bytes, 1, err);
    if (!path)
        return NULL;
    memcpy(path, dir, dlen);
    if (slash)
        path[dlen++] = '/';
    memcpy(path + dlen, name, nlen + 1);
    return path;
}

char *fs_real(const char *path, struct eye_err *err)
{
    char *real = realpath(path, NULL);
    if (!real)
        eye_fail_errno(err, errno, "%s", path);
    return real;
}
