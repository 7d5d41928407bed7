/* upload.c - names that strangers give to files, and the two folders such files go through.
 *
 * A name is cut into components and put together again, so nothing of it reaches the system that was not looked at; then
 * every folder is opened below the one before with O_NOFOLLOW, so a link that someone planted in the uploads
 * leads nowhere either. (openat2 with RESOLVE_BENEATH says the same in one call, but old kernels and
 * containers refuse it, and then this way would be needed all the same.)
 *
 * The staged file is moved, never copied: spool and uploads lie on one file system by construction. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/jobs.h"

enum { NAME_DEPTH = 32, NAME_COMPONENT = 255, NAME_TOTAL = 4000, NAME_TRIES = 1 << 20 };

/* ---- names ---- */

bool upload_is_litter(const char *name)
{
    static const char *const names[] = {"__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini",
                                        "Icon\r"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return eng_name_hidden(name);
}

static int bad(struct eye_err *err, const char *why)
{
    return eye_fail(err, EYE_EINVAL, "the name %s", why);
}

static int check_bytes(const char *name, struct eye_err *err)
{
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        if (*c < ' ' || *c == 0x7f) {
            return bad(err, "has a control character in it");
        }
    }
    if (name[0] == '/' || name[0] == '\\') {
        return bad(err, "is an absolute path");
    }
    bool letter = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z');
    return letter && name[1] == ':' ? bad(err, "begins with a drive letter") : 0;
}

/* One component, taken over into out unless it is "." or nothing. */
static int add_component(struct buf *out, const char *at, size_t len, int *depth,
                         struct eye_err *err)
{
    if (len == 0 || (len == 1 && at[0] == '.')) {
        return 0;
    }
    if (len == 2 && at[0] == '.' && at[1] == '.') {
        return bad(err, "leads out of the folder (\"..\")");
    }
    if (len > NAME_COMPONENT) {
        return bad(err, "has a part of more than 255 bytes");
    }
    if (++*depth > NAME_DEPTH) {
        return bad(err, "has more than 32 folders");
    }
    int rc = out->len ? buf_putc(out, '/', err) : 0;
    size_t start = out->len;
    rc = rc < 0 ? rc : buf_append(out, at, len, err);
    if (rc == 0 && eng_name_hidden(out->data + start)) {
        rc = bad(err, "is that of a hidden or system file");
    }
    return rc;
}

int upload_name(const char *name, struct buf *out, struct eye_err *err)
{
    int depth = 0, rc = check_bytes(name, err);
    size_t total = strlen(name);
    buf_clear(out);
    if (rc == 0 && total > NAME_TOTAL) {
        rc = bad(err, "is longer than 4000 bytes");
    }
    for (const char *at = name; rc == 0; at++) {
        size_t len = strcspn(at, "/\\");
        rc = add_component(out, at, len, &depth, err);
        at += len;
        if (!*at) {
            break;
        }
    }
    if (rc == 0 && (out->len == 0 || strchr("/\\", name[total - 1]))) {
        rc = bad(err, "is empty");
    }
    return rc;
}

void upload_spool_name(int64_t job, int64_t seq, char out[48])
{
    snprintf(out, 48, "%" PRId64 "-%" PRId64, job, seq);
}

/* ---- folders ---- */

static int way_blocked(const char *rel, int e, struct eye_err *err)
{
    if (e == ENOTDIR || e == ELOOP) {
        return eye_fail(err, EYE_EINVAL, "%s: a file or a link is where a folder is needed", rel);
    }
    return eye_fail_errno(err, e, "%s: cannot open its folder", rel);
}

int upload_folder(int dir, const char *rel, bool make, const char **last, struct eye_err *err)
{
    char part[NAME_COMPONENT + 1];
    int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash;
    while (at >= 0 && (slash = strchr(rel, '/'))) {
        size_t n = (size_t)(slash - rel);
        if (n >= sizeof part) {
            close(at);
            return eye_fail(err, EYE_EINVAL, "a folder's name of more than 255 bytes");
        }
        memcpy(part, rel, n);
        part[n] = '\0';
        if (make && mkdirat(at, part, 0700) != 0 && errno != EEXIST) {
            int e = errno;
            close(at);
            return way_blocked(rel, e, err);
        }
        int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int e = errno;
        close(at);
        errno = e;
        at = next;
        if (at >= 0) {
            rel = slash + 1;
        }
    }
    *last = rel;
    return at >= 0 ? at : way_blocked(rel, errno, err);
}

bool upload_is_there(int dir, const char *rel, struct stat *st)
{
    const char *last;
    struct stat local = {0};
    int fd = upload_folder(dir, rel, false, &last, NULL);
    st = st ? st : &local;
    bool there = fd >= 0 && fstatat(fd, last, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
    if (fd >= 0) {
        close(fd);
    }
    return there;
}

void upload_delete(int dir, const char *rel)
{
    const char *last;
    char *path = mem_strdup(rel, NULL);
    int fd = path ? upload_folder(dir, path, false, &last, NULL) : -1;
    if (fd >= 0) {
        unlinkat(fd, last, 0);
        close(fd);
    }
    for (char *slash; path && (slash = strrchr(path, '/'));) {
        *slash = '\0';
        fd = upload_folder(dir, path, false, &last, NULL);
        bool empty = fd >= 0 && unlinkat(fd, last, AT_REMOVEDIR) == 0;
        if (fd >= 0) {
            close(fd);
        }
        if (!empty) {
            break;
        }
    }
    free(path);
}

/* ---- a name that is free ---- */

/* "a/b.jpg", 2 -> "a/b (2).jpg"; cut at a character when it would be too long. */
static int numbered(const char *rel, int n, struct buf *out, struct eye_err *err)
{
    char mark[16];
    const char *name = eng_path_name(rel), *dot = strrchr(name, '.');
    size_t suffix = dot && dot != name ? strlen(dot) : 0, stem = strlen(name) - suffix;
    int mark_len = snprintf(mark, sizeof mark, " (%d)", n);
    if (suffix > 32) { /* no extension but a name with a dot in it */
        stem += suffix;
        suffix = 0;
    }
    while (stem > 1 && stem + suffix + (size_t)mark_len > NAME_COMPONENT) {
        do {
            stem--;
        } while (stem > 1 && ((unsigned char)name[stem] & 0xc0) == 0x80);
    }
    buf_clear(out);
    int rc = buf_append(out, rel, (size_t)(name - rel) + stem, err);
    rc = rc < 0 ? rc : buf_puts(out, mark, err);
    return rc < 0 ? rc : buf_puts(out, suffix ? dot : "", err);
}

/* 1: taken; 0: free. */
static int is_taken(int fd, const char *rel, int n, struct buf *out, struct eye_err *err)
{
    struct stat st;
    int rc = 0;
    if (n > 1) {
        rc = numbered(rel, n, out, err);
    } else {
        buf_clear(out);
        rc = buf_puts(out, rel, err);
    }
    if (rc < 0) {
        return rc;
    }
    return fstatat(fd, eng_path_name(out->data), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Pages that paste pictures call all of them "image.png": so the number is found by doubling and bisection. What is
 * taken need not be without gaps; any free number will do. */
int upload_free_name(int dir, const char *rel, struct buf *out, struct eye_err *err)
{
    const char *last;
    int taken = 0, free_at = 1;
    int fd = upload_folder(dir, rel, true, &last, err);
    if (fd < 0) {
        return fd;
    }
    int rc;
    while ((rc = is_taken(fd, rel, free_at, out, err)) == 1 && free_at < NAME_TRIES) {
        taken = free_at;
        free_at *= 2;
    }
    if (rc == 1) {
        rc = eye_fail(err, EYE_EEXIST, "%s: too many files of this name", rel);
    }
    while (rc == 0 && free_at - taken > 1) {
        int mid = taken + (free_at - taken) / 2;
        rc = is_taken(fd, rel, mid, out, err);
        if (rc == 1) {
            taken = mid;
        } else {
            free_at = mid;
        }
        rc = rc < 0 ? rc : 0;
    }
    rc = rc < 0 ? rc : is_taken(fd, rel, free_at, out, err);
    close(fd);
    return rc < 0 ? rc : 0;
}

/* ---- moving ---- */

/* rename() that replaces nothing; file systems without that get a link and an unlink. */
static int move_at(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    if (linkat(from_dir, from, to_dir, to, 0) != 0) {
        return errno;
    }
    unlinkat(from_dir, from, 0);
    return 0;
}

int upload_move(int spool, const char *from, int dir, const char *rel, struct eye_err *err)
{
    const char *last;
    int fd = upload_folder(dir, rel, true, &last, err);
    if (fd < 0) {
        return fd;
    }
    int e = move_at(spool, from, fd, last);
    close(fd);
    if (e == EEXIST) {
        return eye_fail(err, EYE_EEXIST, "%s: there is such a file already", rel);
    }
    return e ? eye_fail_errno(err, e, "%s: cannot be moved into the uploads folder", rel) : 0;
}
