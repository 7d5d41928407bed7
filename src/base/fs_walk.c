/* fs_walk.c - everything below a folder, in an order that is the same on every machine.
 *
 * Each level is opened relative to the one above (openat), so neither PATH_MAX nor a folder that
 * is renamed meanwhile leads astray. A folder's names are read completely before the first is
 * visited: they have to be sorted, and a folder that fails half-way must count as not seen, or
 * what was not listed would look deleted. nftw(3) and fts(3) give neither.
 * Recursion, 256 levels deep at most: some 300 bytes of stack a level. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/fs_at.h"

enum { DEPTH_MAX = 256 };
#define PATH_BYTES_MAX ((size_t)1 << 20)
#define NAMES_BYTES_MAX ((size_t)1 << 30) /* of one folder */

struct walk {
    fs_walk_fn *fn;
    void *ctx;
    struct eye_err *err;
    struct buf path; /* of the thing being looked at */
};

/* The names in one folder. */
struct names {
    struct buf text;   /* each with its NUL */
    const char **list; /* [count], sorted, into text */
    size_t count;
};

static int walk_dir(struct walk *w, int parent, const char *name, const struct stat *st, int depth);

static int tell(struct walk *w, struct fs_walk_item item)
{
    item.path = w->path.data;
    return w->fn(w->ctx, &item, w->err);
}

/* An event whose answer can only be "go on" or "stop". */
static int tell_plain(struct walk *w, struct fs_walk_item item)
{
    int rc = tell(w, item);
    return rc < 0 ? rc : 0;
}

static int tell_error(struct walk *w, int errnum, bool is_dir, const struct stat *st)
{
    return tell_plain(w, (struct fs_walk_item){
                             .event = FS_WALK_ERROR, .errnum = errnum, .is_dir = is_dir, .st = st});
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 0, a negative code (memory; err is filled), or a positive errno: the folder cannot be read. */
static int names_collect(struct names *n, DIR *dir, struct eye_err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e)
            return errno;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        int rc = buf_append(&n->text, e->d_name, strlen(e->d_name) + 1, err);
        if (rc)
            return rc;
        n->count++;
    }
}

static int names_sort(struct names *n, struct eye_err *err)
{
    n->list = mem_calloc(n->count, sizeof *n->list, err);
    if (!n->list)
        return EYE_ENOMEM;
    const char *at = n->text.data;
    for (size_t i = 0; i < n->count; i++) {
        n->list[i] = at;
        at += strlen(at) + 1;
    }
    if (n->count > 1)
        qsort(n->list, n->count, sizeof *n->list, by_bytes);
    return 0;
}

static void names_release(struct names *n)
{
    buf_release(&n->text);
    free(n->list);
}

/* As names_collect. A second descriptor for the listing, so that its 32 KiB buffer goes before
 * the walk descends, while `fd` stays for openat. */
static int names_read(struct names *n, int fd, struct eye_err *err)
{
    int listing = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = listing >= 0 ? fdopendir(listing) : NULL;
    if (!dir) {
        int why = errno;
        if (listing >= 0)
            close(listing);
        return why;
    }
    int rc = names_collect(n, dir, err);
    closedir(dir);
    return rc ? rc : names_sort(n, err);
}

static int walk_link(struct walk *w, int dir, const char *name, const struct stat *link)
{
    struct stat st;
    if (fstatat(dir, name, &st, 0) != 0) {
        if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR)
            return tell_plain(w, (struct fs_walk_item){.event = FS_WALK_OTHER, .st = link});
        return tell_error(w, errno, false, link);
    }
    bool file = S_ISREG(st.st_mode);
    return tell_plain(w, (struct fs_walk_item){.event = file ? FS_WALK_FILE : FS_WALK_OTHER,
                                               .st = file ? &st : link});
}

static int walk_entry(struct walk *w, int dir, const char *name, int depth)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : tell_error(w, errno, false, NULL); /* ENOENT: just deleted */
    if (S_ISDIR(st.st_mode))
        return walk_dir(w, dir, name, &st, depth);
    if (S_ISLNK(st.st_mode))
        return walk_link(w, dir, name, &st);
    bool file = S_ISREG(st.st_mode);
    return tell_plain(
        w, (struct fs_walk_item){.event = file ? FS_WALK_FILE : FS_WALK_OTHER, .st = &st});
}

static int walk_names(struct walk *w, int fd, const struct names *n, int depth)
{
    size_t len = w->path.len;
    int rc = 0;
    for (size_t i = 0; i < n->count && rc == 0; i++) {
        if (w->path.data[len - 1] != '/')
            rc = buf_putc(&w->path, '/', w->err);
        if (rc == 0)
            rc = buf_puts(&w->path, n->list[i], w->err);
        if (rc == 0)
            rc = walk_entry(w, fd, n->list[i], depth);
        w->path.len = len;
        w->path.data[len] = '\0';
    }
    return rc;
}

static int walk_fd(struct walk *w, int fd, const struct stat *st, int depth)
{
    struct names n = {.count = 0};
    buf_init(&n.text, NAMES_BYTES_MAX);
    int rc = names_read(&n, fd, w->err);
    if (rc > 0)
        rc = tell_error(w, rc, true, st);
    else if (rc == 0 && (rc = walk_names(w, fd, &n, depth + 1)) == 0)
        rc = tell_plain(
            w, (struct fs_walk_item){.event = FS_WALK_DIR_DONE, .st = st, .entries = n.count});
    names_release(&n);
    return rc;
}

/* name: relative to `parent`. Depth 0 is the start, which alone may be a symlink. */
static int walk_dir(struct walk *w, int parent, const char *name, const struct stat *st, int depth)
{
    int rc = tell(w, (struct fs_walk_item){.event = FS_WALK_DIR, .st = st});
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (depth >= DEPTH_MAX)
        return tell_error(w, ENAMETOOLONG, true, st);
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (depth > 0 ? O_NOFOLLOW : 0);
    int fd = openat(parent, name, flags);
    if (fd < 0)
        return tell_error(w, errno, true, st);
    rc = walk_fd(w, fd, st, depth);
    close(fd);
    return rc;
}

static int walk_start(struct walk *w, const char *start)
{
    struct fs_at at;
    struct stat st;
    int rc;
    if (!fs_at_open(start, &at))
        return eye_fail_errno(w->err, errno, "%s", start);
    if (fstatat(at.dir, at.rest, &st, 0) != 0)
        rc = eye_fail_errno(w->err, errno, "%s", start);
    else if (S_ISDIR(st.st_mode))
        rc = walk_dir(w, at.dir, at.rest, &st, 0);
    else
        rc = tell_plain(
            w, (struct fs_walk_item){.event = S_ISREG(st.st_mode) ? FS_WALK_FILE : FS_WALK_OTHER,
                                     .st = &st});
    fs_at_close(&at);
    return rc;
}

int fs_walk(const char *start, fs_walk_fn *fn, void *ctx, struct eye_err *err)
{
    struct walk w = {.fn = fn, .ctx = ctx, .err = err};
    buf_init(&w.path, PATH_BYTES_MAX);
    int rc = buf_puts(&w.path, start, err);
    if (rc == 0)
        rc = walk_start(&w, start);
    buf_release(&w.path);
    return rc;
}
