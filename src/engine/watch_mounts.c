/* watch_mounts.c - which file systems tell of changes, and what is mounted just now.
 *
 * inotify sees what goes through this kernel. What another machine changes on a network file system, or the program behind a FUSE one in
 * its back, is never told, so those are looked at now and then instead. fuseblk (NTFS, exFAT) has its disk to itself and tells.
 *
 * That something was mounted on a folder is no event of inotify, and what is mounted by bind goes without one either: the kernel's
 * list of mounts says both, and poll(2) says when it has changed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/watch.h"

enum { LIST_MAX = 64 << 20 };

/* As /proc/self/mountinfo calls them, and the number that statfs(2) gives. 0: it gives that of FUSE, or of another. */
static const struct {
    const char *kind;
    long magic;
} remotes[] = {{"nfs", 0x6969},          {"nfs4", 0x6969},       {"cifs", 0xff534d42L},
               {"smb3", 0xfe534d42L},    {"smbfs", 0x517b},      {"9p", 0x01021997},
               {"afs", 0x5346414f},      {"afs", 0x6b414653},    {"ceph", 0x00c36400},
               {"coda", 0x73757245},     {"lustre", 0x0bd00bd0}, {"gpfs", 0x47504653},
               {"beegfs", 0x19830326},   {"ocfs2", 0x7461636f},  {"gfs2", 0x01161970},
               {"orangefs", 0x20030528}, {"vboxsf", 0x786f4256}, {"vmhgfs", 0xbacbacbc},
               {"virtiofs", 0},          {"prl_fs", 0x7c7c6673}, {"ncpfs", 0x564c},
               {"fuse", 0x65735546},     {"glusterfs", 0}};

bool watch_kind_is_remote(const char *kind)
{
    for (size_t i = 0; i < sizeof remotes / sizeof *remotes; i++) {
        if (!strcmp(kind, remotes[i].kind)) {
            return true;
        }
    }
    return !strncmp(kind, "fuse.", 5);
}

/* ---- the list of mounts ---- */

/* "\040" and the like become what they stand for, in place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++) {
        if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
            p[3] >= '0' && p[3] <= '7') {
            *to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
            p += 3;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": number, .., .., .., point, ..., "-", kind. 1: it is no
 * such line. */
static int parse_line(char *line, struct watch_mount *out)
{
    char *save = NULL, *point = NULL, *kind = NULL, *end = NULL;
    int field = 0;
    memset(out, 0, sizeof *out);
    for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        if (field == 0) {
            out->id = strtoull(word, &end, 10);
        } else if (field == 4) {
            point = word;
        } else if (field > 5 && !strcmp(word, "-")) {
            kind = strtok_r(NULL, " ", &save);
            break;
        }
        field++;
    }
    if (!point || !kind || !end || *end) {
        return 1;
    }
    unescape(point);
    unescape(kind);
    out->point = mem_strdup(point, NULL);
    out->kind = mem_strdup(kind, NULL);
    return out->point && out->kind ? 0 : EYE_ENOMEM;
}

void watch_mounts_free(struct watch_mount *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].point);
        free(list[i].kind);
    }
    free(list);
}

int watch_mounts_parse(const char *text, struct watch_mount **list, size_t *n)
{
    char *copy = mem_strdup(text, NULL), *save = NULL;
    size_t cap = 0;
    int rc = copy ? 0 : EYE_ENOMEM;
    *list = NULL;
    *n = 0;
    for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; rc >= 0 && line;
         line = strtok_r(NULL, "\n", &save)) {
        if (*n == cap) {
            size_t more = cap ? 2 * cap : 64;
            struct watch_mount *v = mem_realloc(*list, more, sizeof *v, NULL);
            if (!v) {
                rc = EYE_ENOMEM;
                break;
            }
            *list = v;
            cap = more;
        }
        rc = parse_line(line, &(*list)[*n]);
        *n += rc != 1;
    }
    free(copy);
    return rc < 0 ? rc : 0;
}

/* Files of /proc have no size: read to the end. NULL: it cannot be read. */
static char *read_text(int fd)
{
    struct buf b;
    char part[16384];
    ssize_t n = 0;
    buf_init(&b, LIST_MAX);
    if (lseek(fd, 0, SEEK_SET) != 0) {
        return NULL;
    }
    int rc = buf_puts(&b, "", NULL);
    while (rc == 0 && ((n = read(fd, part, sizeof part)) > 0 || (n < 0 && errno == EINTR))) {
        rc = n > 0 ? buf_append(&b, part, (size_t)n, NULL) : 0;
    }
    if (rc < 0 || n < 0) {
        buf_release(&b);
        return NULL;
    }
    size_t len;
    return buf_detach(&b, &len);
}

static int read_list(int fd, struct watch_mount **list, size_t *n)
{
    char *text = fd >= 0 ? read_text(fd) : NULL;
    *list = NULL;
    *n = 0;
    int rc = text ? watch_mounts_parse(text, list, n) : EYE_EIO;
    free(text);
    if (rc < 0) {
        watch_mounts_free(*list, *n);
        *list = NULL;
        *n = 0;
    }
    return rc;
}

void watch_mounts_open(struct watch_mounts *m, const char *file)
{
    memset(m, 0, sizeof *m);
    m->file = file;
    m->fd = open(file, O_RDONLY | O_CLOEXEC);
    read_list(m->fd, &m->list, &m->n);
}

void watch_mounts_close(struct watch_mounts *m)
{
    if (m->fd >= 0) {
        close(m->fd);
    }
    watch_mounts_free(m->list, m->n);
    memset(m, 0, sizeof *m);
    m->fd = -1;
}

static bool has(const struct watch_mount *list, size_t n, const struct watch_mount *m)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].id == m->id && !strcmp(list[i].point, m->point) &&
            !strcmp(list[i].kind, m->kind)) {
            return true;
        }
    }
    return false;
}

void watch_mounts_check(struct watch_mounts *m, void (*fn)(void *ctx, const char *point), void *ctx)
{
    struct watch_mount *now;
    size_t n;
    if (read_list(m->fd, &now, &n) < 0) {
        return;
    }
    for (size_t i = 0; i < m->n; i++) {
        if (!has(now, n, &m->list[i])) {
            fn(ctx, m->list[i].point);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!has(m->list, m->n, &now[i])) {
            fn(ctx, now[i].point);
        }
    }
    watch_mounts_free(m->list, m->n);
    m->list = now;
    m->n = n;
}

/* ---- one folder ---- */

/* The kind of what is mounted at or above `path`; of two at one point the later is on top. */
static const char *kind_at(const struct watch_mount *list, size_t n, const char *path)
{
    const struct watch_mount *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (eng_path_below(path, list[i].point) &&
            (!found || strlen(list[i].point) >= strlen(found->point))) {
            found = &list[i];
        }
    }
    return found ? found->kind : NULL;
}

/* FUSE says what it is only in the list; the rest is told apart by number, and the list has it by name. */
bool watch_remote(const char *path, char kind[WATCH_KIND])
{
    struct statfs fs;
    struct watch_mount *list;
    size_t n;
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    read_list(fd, &list, &n);
    if (fd >= 0) {
        close(fd);
    }
    const char *name = kind_at(list, n, path);
    bool remote = name && watch_kind_is_remote(name);
    if (name) {
        snprintf(kind, WATCH_KIND, "%s", name);
    }
    for (size_t i = 0; !name && statfs(path, &fs) == 0 && i < sizeof remotes / sizeof *remotes;
         i++) {
        if (remotes[i].magic && (uint32_t)fs.f_type == (uint32_t)remotes[i].magic) {
            snprintf(kind, WATCH_KIND, "%s", remotes[i].kind);
            remote = true;
            break;
        }
    }
    watch_mounts_free(list, n);
    return remote;
}
