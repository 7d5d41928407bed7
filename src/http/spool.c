/* spool.c - parts of a form: files straight to disk, plain fields to memory.
 *
 * Written by the I/O thread as the bytes come. Handing each piece to another thread was considered: a write to the page cache
 * takes less time than the hand-over, and the client is slowed down by the disk either way. One descriptor is open
 * at a time, however many files come. A file is its owner's (0600) and new (O_EXCL): a name that somebody put there
 * before is not followed. */
#include "http/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/utf8.h"

void http_spool_init(struct http_spool *s, const char *dir)
{
    *s = (struct http_spool){.dir = dir, .fd = -1};
    buf_init(&s->value, SPOOL_TEXT_MAX);
}

static int say(struct http_spool *s, int status, const char *detail)
{
    s->detail = detail;
    return status;
}

static int no_memory(struct http_spool *s)
{
    return say(s, 503, "out of memory");
}

/* Disk errors tell what, not where: the client need not know our folders. */
static int say_errno(struct http_spool *s, int why)
{
    if (why == ENOSPC || why == EDQUOT || why == EFBIG)
        return say(s, 507, "the server's disk is full: nothing of this upload was kept");
    if (why == EMFILE || why == ENFILE)
        return say(s, 503, "the server has too many files open; try again soon");
    return say(s, 500, "the server cannot write to its upload folder");
}

static char *new_name(const char *dir)
{
    uint64_t random;
    char name[40];
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return NULL;
    snprintf(name, sizeof name, "upload-%016llx", (unsigned long long)random);
    return fs_join(dir, name, NULL);
}

static int open_file(struct http_spool *s, struct http_part *p)
{
    char *path = new_name(s->dir);
    if (!path)
        return no_memory(s);
    s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0) {
        int why = errno;
        free(path);
        return say_errno(s, why);
    }
    p->path = path;
    return 0;
}

static int grow(struct http_spool *s)
{
    if (s->nparts == SPOOL_PARTS_MAX)
        return say(s, 413, "the form has too many parts");
    if (s->nparts < s->cap)
        return 0;
    size_t cap = s->cap ? 2 * s->cap : 8;
    struct http_part *parts = mem_realloc(s->parts, cap, sizeof *parts, NULL);
    if (!parts)
        return no_memory(s);
    s->parts = parts;
    s->cap = cap;
    return 0;
}

static int begin(struct http_spool *s, const char *field, const char *filename, const char *type,
                 bool to_file)
{
    int rc = grow(s);
    if (rc)
        return rc;
    s->names += strlen(field) + strlen(type) + (filename ? strlen(filename) : 0);
    if (s->names > SPOOL_NAMES_MAX)
        return say(s, 413, "the names in the form are too long");
    struct http_part *p = &s->parts[s->nparts];
    *p = (struct http_part){.field = mem_strdup(field, NULL),
                            .type = mem_strdup(type, NULL),
                            .filename = filename ? mem_strdup(filename, NULL) : NULL};
    s->nparts++; /* from here on release frees it */
    if (!p->field || !p->type || (filename && !p->filename))
        return no_memory(s);
    buf_clear(&s->value);
    return to_file ? open_file(s, p) : 0;
}

int http_spool_begin(void *spool, const char *field, const char *filename, const char *type)
{
    return begin(spool, field, filename, type, filename != NULL);
}

int http_spool_begin_body(struct http_spool *s, const char *type)
{
    return begin(s, "", NULL, type, true);
}

static int write_file(struct http_spool *s, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(s->fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return say_errno(s, errno);
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

int http_spool_data(void *spool, const char *bytes, size_t len)
{
    struct http_spool *s = spool;
    s->parts[s->nparts - 1].size += len;
    if (s->fd >= 0)
        return write_file(s, bytes, len);
    s->text += len;
    if (s->text > SPOOL_TEXT_MAX)
        return say(s, 413, "the fields of the form are too large");
    return buf_append(&s->value, bytes, len, NULL) ? no_memory(s) : 0;
}

static bool is_text(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_step(s + i, len - i, NULL);
        if (n == 0 || s[i] == '\0')
            return false;
        i += n;
    }
    return true;
}

static void forget_last(struct http_spool *s)
{
    struct http_part *p = &s->parts[--s->nparts];
    if (p->path)
        unlink(p->path);
    free((void *)(uintptr_t)p->field);
    free((void *)(uintptr_t)p->filename);
    free((void *)(uintptr_t)p->type);
    free((void *)(uintptr_t)p->value);
    free((void *)(uintptr_t)p->path);
}

int http_spool_end(void *spool)
{
    struct http_spool *s = spool;
    struct http_part *p = &s->parts[s->nparts - 1];
    if (s->fd >= 0) {
        int fd = s->fd;
        s->fd = -1;
        if (close(fd) != 0 && errno != EINTR)
            return say_errno(s, errno);
        /* A file field that was left empty in the page comes as a file without name and bytes. */
        if (p->filename && !*p->filename && p->size == 0)
            forget_last(s);
        return 0;
    }
    if (!is_text(s->value.data ? s->value.data : "", s->value.len))
        return say(s, 400, "a field of the form is not UTF-8 text");
    p->value = s->value.data ? buf_detach(&s->value, NULL) : mem_strdup("", NULL);
    return p->value ? 0 : no_memory(s);
}

void http_spool_remove_files(struct http_spool *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    for (size_t i = 0; i < s->nparts; i++)
        if (s->parts[i].path) {
            unlink(s->parts[i].path); /* not there: the handler took it */
            free((void *)(uintptr_t)s->parts[i].path);
            s->parts[i].path = NULL;
        }
}

void http_spool_release(struct http_spool *s)
{
    http_spool_remove_files(s);
    while (s->nparts > 0)
        forget_last(s);
    free(s->parts);
    s->parts = NULL;
    buf_release(&s->value);
}
