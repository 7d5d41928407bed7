/* tokens.c - pictures that were searched by, remembered for further pages.
 *
 * The bytes are kept, not the vector: the library's face has no raw vector on purpose, and its own cache knows the vector
 * by the bytes' hash anyway. They lie in sealed memory files, so that nobody can change what a token stands for while it
 * is read. A token is 128 random bits: it is all that is needed to search by somebody's picture. */
#include "api/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { ENTRIES = 64, SECONDS = 30 * 60 };
#define BYTES_MAX (UINT64_C(256) << 20)

struct entry {
    char token[API_TOKEN_LEN]; /* "": free */
    int fd;
    uint64_t size;
    int64_t used;   /* monotonic seconds */
    uint64_t order; /* of its last use: seconds are too coarse */
};

struct api_tokens {
    pthread_mutex_t lock;
    struct entry entries[ENTRIES];
    uint64_t bytes, uses;
};

struct api_tokens *api_tokens_new(struct eye_err *err)
{
    struct api_tokens *t = mem_calloc(1, sizeof *t, err);
    if (t)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

static void forget(struct api_tokens *t, struct entry *e)
{
    close(e->fd);
    t->bytes -= e->size;
    memset(e, 0, sizeof *e);
}

void api_tokens_free(struct api_tokens *t)
{
    if (!t)
        return;
    for (int i = 0; i < ENTRIES; i++)
        if (t->entries[i].token[0])
            forget(t, &t->entries[i]);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static int64_t now_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static void touch(struct api_tokens *t, struct entry *e)
{
    e->used = now_seconds();
    e->order = ++t->uses;
}

int api_memory_file(struct eye_err *err)
{
    int fd = memfd_create("eyeshine-query", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        eye_fail_errno(err, errno, "cannot make a file in memory");
    return fd;
}

/* `fd` itself if it can be sealed, else a copy of it in memory; `fd` is taken over. A file of a tmpfs, where the library
 * may lie, knows of seals too, but takes none. */
static int into_memory(int fd, uint64_t size, struct eye_err *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals >= 0 && !(seals & F_SEAL_SEAL))
        return fd;
    int to = api_memory_file(err);
    off_t from = 0;
    while (to >= 0 && (uint64_t)from < size) {
        char block[65536];
        ssize_t n = pread(fd, block, sizeof block, from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || pwrite(to, block, (size_t)n, from) != n) {
            eye_fail_errno(err, n == 0 ? EIO : errno, "cannot keep the picture in memory");
            close(to);
            to = -1;
            break;
        }
        from += n;
    }
    close(fd);
    return to;
}

static int make_token(char token[API_TOKEN_LEN], struct eye_err *err)
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return eye_fail_errno(err, errno, "the system gives no random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* The lock is held: a free place with room for `size` bytes, the longest unused making way. */
static struct entry *make_room(struct api_tokens *t, uint64_t size)
{
    int64_t now = now_seconds();
    for (;;) {
        struct entry *oldest = NULL, *empty = NULL;
        for (int i = 0; i < ENTRIES; i++) {
            struct entry *e = &t->entries[i];
            if (e->token[0] && now - e->used > SECONDS)
                forget(t, e);
            if (!e->token[0])
                empty = e;
            else if (!oldest || e->order < oldest->order)
                oldest = e;
        }
        if (empty && (t->bytes + size <= BYTES_MAX || !oldest))
            return empty;
        forget(t, oldest);
    }
}

int api_tokens_add(struct api_tokens *t, int fd, uint64_t size, char token[API_TOKEN_LEN],
                   struct eye_err *err)
{
    fd = into_memory(fd, size, err);
    if (fd < 0)
        return EYE_EIO;
    int rc = make_token(token, err);
    if (rc == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        rc = eye_fail_errno(err, errno, "cannot seal a file in memory");
    if (rc) {
        close(fd);
        return rc;
    }
    pthread_mutex_lock(&t->lock);
    struct entry *e = make_room(t, size);
    snprintf(e->token, sizeof e->token, "%s", token);
    e->fd = fd;
    e->size = size;
    touch(t, e);
    t->bytes += size;
    pthread_mutex_unlock(&t->lock);
    return 0;
}

int api_tokens_open(struct api_tokens *t, const char *token, struct eye_err *err)
{
    int fd = -1, errnum = 0;
    bool found = false;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < ENTRIES && *token && !found; i++) {
        struct entry *e = &t->entries[i];
        if (strcmp(e->token, token) != 0)
            continue;
        found = now_seconds() - e->used <= SECONDS;
        if (!found)
            break;
        touch(t, e);
        /* opened anew, not dup: two readers must not share one offset */
        char path[40];
        snprintf(path, sizeof path, "/proc/self/fd/%d", e->fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        errnum = errno;
    }
    pthread_mutex_unlock(&t->lock);
    if (fd < 0 && found)
        eye_fail_errno(err, errnum, "cannot read a picture that was searched by");
    else if (fd < 0)
        eye_fail(err, EYE_ENOTFOUND,
                 "the picture to search by is no longer remembered: send it again");
    return fd;
}
