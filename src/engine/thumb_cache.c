/* thumb_cache.c - thumbnails on disk: made once, never half, not too many.
 *
 * A cache may vanish at any time: a user may delete thumbs/, the disk may be full or read-only, a power cut may leave
 * garbage. So nothing here is an error; a file that is not there or not whole is made again. Writing is a temporary file and a
 * rename without fsync (which would cost more than the thumbnail): after a power cut the header tells.
 *
 * Space: a running total, counted by one walk when the first thumbnail is kept and corrected by the walk of each cleaning.
 * Cleaning takes the longest unused by access time down to 90 %, so that it comes seldom. The access time is set here,
 * at most once an hour a file, because most systems mount with noatime or relatime; the modification time stays. */
#include "engine/thumb.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { TOUCH_SECONDS = 3600, STALE_SECONDS = 3600, RIFF_HEAD = 12 };
static const uint64_t limit_default = 512ull << 20;
#define TEMP_PREFIX ".new-"

void thumb_cache_init(struct thumb_cache *c, const char *dir, bool read_only)
{
    *c = (struct thumb_cache){
        .dir = dir, .read_only = read_only, .limit = limit_default, .total = -1};
    pthread_mutex_init(&c->lock, NULL);
}

void thumb_cache_release(struct thumb_cache *c)
{
    pthread_mutex_destroy(&c->lock);
}

/* DIR/thumbs, with `key` DIR/thumbs/<2 hex>, with `end` too DIR/thumbs/<2 hex>/<end>. Yours; NULL: no memory. */
static char *path_of(const struct thumb_cache *c, const char *key, const char *end)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    int rc = buf_printf(&b, NULL, "%s/thumbs", c->dir);
    if (rc == 0 && key) {
        rc = buf_printf(&b, NULL, "/%.2s", key);
    }
    if (rc == 0 && end) {
        rc = buf_printf(&b, NULL, "/%s", end);
    }
    if (rc < 0) {
        buf_release(&b);
        return NULL;
    }
    return buf_detach(&b, NULL);
}

static char *file_of(const struct thumb_cache *c, const char *key)
{
    char name[THUMB_KEY + 8];
    snprintf(name, sizeof name, "%s.webp", key);
    return path_of(c, key, name);
}

/* ---- reading ---- */

/* "RIFF", the size that the file has, "WEBP". */
static bool is_whole(int fd, const struct stat *st)
{
    uint8_t head[RIFF_HEAD];
    if (!S_ISREG(st->st_mode) || pread(fd, head, sizeof head, 0) != RIFF_HEAD) {
        return false;
    }
    uint32_t size = (uint32_t)head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 |
                    (uint32_t)head[7] << 24;
    return memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0 &&
           (uint64_t)st->st_size == (uint64_t)size + 8;
}

int thumb_cache_open(struct thumb_cache *c, const char *key)
{
    struct stat st;
    char *path = file_of(c, key);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !is_whole(fd, &st))) {
        unlink(path);
        close(fd);
        fd = -1;
    }
    if (fd >= 0 && time(NULL) - st.st_atim.tv_sec > TOUCH_SECONDS) {
        futimens(fd, (struct timespec[2]){{0, UTIME_NOW}, {0, UTIME_OMIT}});
    }
    free(path);
    return fd;
}

/* ---- cleaning ---- */

struct entry {
    char *path;
    struct timespec used;
    uint64_t bytes;
};

struct census {
    struct entry *entries;
    size_t n, cap;
    uint64_t total;
};

static int take_entry(struct census *all, const struct fs_walk_item *item, struct eye_err *err)
{
    if (all->n == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 1024;
        struct entry *more = mem_realloc(all->entries, cap, sizeof *more, err);
        if (!more) {
            return EYE_ENOMEM;
        }
        all->entries = more;
        all->cap = cap;
    }
    char *path = mem_strdup(item->path, err);
    if (!path) {
        return EYE_ENOMEM;
    }
    uint64_t bytes = (uint64_t)item->st->st_size;
    all->entries[all->n++] = (struct entry){path, item->st->st_atim, bytes};
    all->total += bytes;
    return 0;
}

/* Only what this file writes is counted and cleaned; a temporary file that nobody finished goes at once. */
static int visit(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    const char *name = eng_path_name(item->path);
    size_t len = strlen(name);
    if (item->event != FS_WALK_FILE || !item->st) {
        return 0;
    }
    if (strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0) {
        if (time(NULL) - item->st->st_mtim.tv_sec > STALE_SECONDS) {
            unlink(item->path);
        }
        return 0;
    }
    bool ours = len > HASH_HEX_LEN && strcmp(name + len - 5, ".webp") == 0;
    return ours ? take_entry(ctx, item, err) : 0;
}

static int by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct entry *)a)->used;
    const struct timespec *y = &((const struct entry *)b)->used;
    if (x->tv_sec != y->tv_sec) {
        return x->tv_sec < y->tv_sec ? -1 : 1;
    }
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Bytes in use, after removing the longest unused if they were too many. */
static uint64_t tidy(const struct thumb_cache *c, uint64_t limit)
{
    struct census all = {0};
    char *dir = path_of(c, NULL, NULL);
    if (dir) {
        fs_walk(dir, visit, &all, NULL);
    }
    free(dir);
    if (all.total > limit) {
        qsort(all.entries, all.n, sizeof *all.entries, by_use);
    }
    bool cleaning = all.total > limit;
    for (size_t i = 0; i < all.n; i++) {
        struct entry *e = &all.entries[i];
        cleaning = cleaning && all.total > limit / 10 * 9;
        if (cleaning && unlink(e->path) == 0) {
            all.total -= e->bytes;
        }
        free(e->path);
    }
    free(all.entries);
    return all.total;
}

/* One thread counts or cleans; those that come meanwhile go on. */
static void account(struct thumb_cache *c, uint64_t bytes)
{
    pthread_mutex_lock(&c->lock);
    if (c->total >= 0) {
        c->total += (int64_t)bytes;
    }
    bool wanted = !c->counting && (c->total < 0 || (uint64_t)c->total > c->limit);
    uint64_t limit = c->limit;
    c->counting = c->counting || wanted;
    pthread_mutex_unlock(&c->lock);
    if (!wanted) {
        return;
    }
    uint64_t total = tidy(c, limit);
    pthread_mutex_lock(&c->lock);
    c->total = (int64_t)total;
    c->counting = false;
    pthread_mutex_unlock(&c->lock);
}

/* ---- writing ---- */

/* A new file beside the others; makes the folders if they are not there. -1: it cannot be. */
static int create_temp(struct thumb_cache *c, const char *key, char **path)
{
    char name[64];
    pthread_mutex_lock(&c->lock);
    uint64_t serial = c->serial++;
    pthread_mutex_unlock(&c->lock);
    snprintf(name, sizeof name, TEMP_PREFIX "%ld-%llu", (long)getpid(), (unsigned long long)serial);
    *path = path_of(c, key, name);
    int fd = -1;
    for (int tries = 0; *path && tries < 2; tries++) {
        fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || (errno != ENOENT && errno != EEXIST)) {
            break;
        }
        if (errno == EEXIST) { /* of a process that had this number before */
            unlink(*path);
            continue;
        }
        char *top = path_of(c, NULL, NULL), *sub = path_of(c, key, NULL);
        bool made = top && sub && (mkdir(top, 0700) == 0 || errno == EEXIST) &&
                    (mkdir(sub, 0700) == 0 || errno == EEXIST);
        free(top);
        free(sub);
        if (!made) {
            break;
        }
    }
    return fd;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

int thumb_cache_keep(struct thumb_cache *c, const char *key, const struct buf *webp)
{
    if (c->read_only) {
        return EROFS;
    }
    char *temp = NULL, *path = file_of(c, key);
    int errnum = 0, fd = path ? create_temp(c, key, &temp) : -1;
    if (fd < 0) {
        errnum = errno;
    } else {
        bool ok = write_all(fd, webp->data, webp->len);
        errnum = ok ? 0 : errno;
        if (close(fd) != 0 && ok) {
            errnum = errno;
        }
        if (errnum == 0 && rename(temp, path) != 0) {
            errnum = errno;
        }
        if (errnum != 0) {
            unlink(temp);
        }
    }
    free(temp);
    free(path);
    if (errnum == 0) {
        account(c, webp->len);
    }
    return errnum;
}

void thumb_cache_remove(struct thumb_cache *c, const char *key)
{
    char *path = c->read_only ? NULL : file_of(c, key);
    if (path) {
        unlink(path);
    }
    free(path);
}
