/* thumb.c - a picture's thumbnail: from the cache, or made in a decoder worker, once however many ask for it at a time.
 *
 * Thumbnails are named by the picture's content, so they never go stale, are shared by copies and outlive an offline
 * root. Who needs one that is being made waits for that flight; it carries the bytes too, so that it ends well even when
 * nothing can be kept on disk: then the answer is a file in memory. Failures are not kept: a repaired file or a
 * machine with more memory may do better next time. */
#include "engine/thumb.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALLEST = 64, LARGEST = 2048, TRY_AGAIN = -1000 };

/* One thumbnail in the making. */
struct flight {
    struct flight *next;
    char key[THUMB_KEY];
    int users; /* threads that hold it, the maker included */
    bool landed;
    int code; /* what came of it; 0: `webp` holds it */
    struct eye_err err;
    struct buf webp;
};

struct eng_thumbs {
    struct thumb_cache cache;
    pthread_mutex_t lock; /* of the flights */
    pthread_cond_t landing;
    struct flight *flights;
    bool told; /* that nothing can be kept */
};

static struct eng_thumbs *thumbs_of(eye_lib *lib, struct eye_err *err)
{
    pthread_mutex_lock(&lib->lock);
    struct eng_thumbs *t = lib->thumbs;
    if (!t && (t = mem_calloc(1, sizeof *t, err))) {
        thumb_cache_init(&t->cache, lib->dir, lib->read_only);
        pthread_mutex_init(&t->lock, NULL);
        pthread_cond_init(&t->landing, NULL);
        lib->thumbs = t;
    }
    pthread_mutex_unlock(&lib->lock);
    return t;
}

struct thumb_cache *thumb_cache_of(eye_lib *lib, struct eye_err *err)
{
    struct eng_thumbs *t = thumbs_of(lib, err);
    return t ? &t->cache : NULL;
}

void eng_thumbs_free(struct eng_thumbs *t)
{
    if (t) {
        thumb_cache_release(&t->cache);
        pthread_mutex_destroy(&t->lock);
        pthread_cond_destroy(&t->landing);
        free(t);
    }
}

static void make_key(const char *hash, int size, char key[THUMB_KEY])
{
    snprintf(key, THUMB_KEY, "%.64s-%d", hash, size);
}

void eng_thumbs_forget(eye_lib *lib, const struct hash *hash)
{
    char hex[HASH_HEX_LEN + 1], key[THUMB_KEY];
    struct eng_thumbs *t = thumbs_of(lib, NULL);
    hash_to_hex(hash, hex);
    for (int size = SMALLEST; t && size <= LARGEST; size *= 2) {
        make_key(hex, size, key);
        thumb_cache_remove(&t->cache, key);
    }
}

/* ---- flights ---- */

/* The flight of this thumbnail; *maker: it is new and the caller's to make. NULL: no memory. */
static struct flight *board(struct eng_thumbs *t, const char *key, bool *maker, struct eye_err *err)
{
    pthread_mutex_lock(&t->lock);
    struct flight *f = t->flights;
    while (f && strcmp(f->key, key) != 0) {
        f = f->next;
    }
    *maker = !f;
    if (!f && (f = mem_calloc(1, sizeof *f, err))) {
        snprintf(f->key, sizeof f->key, "%s", key);
        buf_init(&f->webp, SIZE_MAX / 2);
        f->next = t->flights;
        t->flights = f;
    }
    if (f) {
        f->users++;
    }
    while (f && !*maker && !f->landed) {
        pthread_cond_wait(&t->landing, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return f;
}

/* From now on nobody new boards it, and those who wait go on. */
static void land(struct eng_thumbs *t, struct flight *f)
{
    pthread_mutex_lock(&t->lock);
    struct flight **at = &t->flights;
    while (*at != f) {
        at = &(*at)->next;
    }
    *at = f->next;
    f->landed = true;
    pthread_cond_broadcast(&t->landing);
    pthread_mutex_unlock(&t->lock);
}

static void leave(struct eng_thumbs *t, struct flight *f)
{
    pthread_mutex_lock(&t->lock);
    bool last = --f->users == 0;
    pthread_mutex_unlock(&t->lock);
    if (last) {
        buf_release(&f->webp);
        free(f);
    }
}

/* ---- making ---- */

/* A file whose time is another than when it was indexed, and whose size is the same, may hold another picture: what is
 * kept under a hash must be of those bytes, or the wrong thumbnail would stay for ever. */
static int check_bytes(const eye_file *file, const char *key, struct eye_err *err)
{
    struct hash hash;
    char hex[HASH_HEX_LEN + 1];
    if (!strchr(file->etag, '-')) {
        return 0;
    }
    int rc = hash_fd(file->fd, file->size, &hash, NULL, err);
    if (rc < 0) {
        return rc;
    }
    hash_to_hex(&hash, hex);
    return !strncmp(hex, key, HASH_HEX_LEN)
               ? 0
               : eye_fail(err, EYE_ENOTFOUND,
                          "%s was changed since it was indexed: index its folder again",
                          file->name);
}

static int make(eye_lib *lib, int64_t id, int size, const char *key, struct buf *webp,
                struct eye_err *err)
{
    struct decoder_pool *decoder;
    eye_file file;
    int rc = eng_decoder(lib, &decoder, err);
    rc = rc < 0 ? rc : eye_picture_open(lib, id, &file, err);
    if (rc < 0) {
        return rc;
    }
    rc = check_bytes(&file, key, err);
    rc = rc < 0 ? rc : decoder_thumbnail(decoder, file.fd, size, webp, NULL, err);
    close(file.fd);
    return rc;
}

static void keep(eye_lib *lib, struct eng_thumbs *t, const struct flight *f)
{
    int errnum = thumb_cache_keep(&t->cache, f->key, &f->webp);
    if (errnum == 0) {
        return;
    }
    pthread_mutex_lock(&t->lock);
    bool tell = !t->told && !t->cache.read_only;
    t->told = true;
    pthread_mutex_unlock(&t->lock);
    if (tell) {
        eng_log(lib, EYE_LOG_WARN,
                "%s/thumbs: thumbnails cannot be kept there (%s); they are made again each time",
                lib->dir, strerror(errnum));
    }
}

/* A file in memory that nobody can change. */
static int memory_file(const struct buf *webp, struct eye_err *err)
{
    int fd = memfd_create("eyeshine-thumbnail", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return eye_fail_errno(err, errno, "no memory for a thumbnail");
    }
    size_t done = 0;
    while (done < webp->len) {
        ssize_t n = pwrite(fd, webp->data + done, webp->len - done, (off_t)done);
        if (n < 0 && errno != EINTR) {
            int rc = eye_fail_errno(err, errno, "no memory for a thumbnail");
            close(fd);
            return rc;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return fd;
}

/* A descriptor of the thumbnail, or a negative code; TRY_AGAIN when a flight found it in the cache and it is gone again. */
static int obtain(eye_lib *lib, struct eng_thumbs *t, int64_t id, int size, const char *key,
                  struct eye_err *err)
{
    bool maker;
    int fd = thumb_cache_open(&t->cache, key);
    if (fd >= 0) {
        return fd;
    }
    struct flight *f = board(t, key, &maker, err);
    if (!f) {
        return EYE_ENOMEM;
    }
    if (maker) {
        fd = thumb_cache_open(&t->cache, key); /* another flight may have landed just now */
        if (fd < 0) {
            f->code = make(lib, id, size, key, &f->webp, &f->err);
        }
        if (fd < 0 && f->code == 0) {
            keep(lib, t, f);
        }
        land(t, f);
    }
    if (fd < 0 && f->code != 0) {
        fd = eye_fail(err, f->code, "%s", f->err.msg);
    } else if (fd < 0) {
        fd = thumb_cache_open(&t->cache, key);
        if (fd < 0) {
            fd = f->webp.len > 0 ? memory_file(&f->webp, err) : TRY_AGAIN;
        }
    }
    leave(t, f);
    return fd;
}

static int describe(int fd, const char *key, eye_file *out, struct eye_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int rc = eye_fail_errno(err, errno, "a thumbnail cannot be read");
        close(fd);
        return rc;
    }
    *out = (eye_file){.fd = fd, .size = (uint64_t)st.st_size, .mtime = st.st_mtim.tv_sec};
    snprintf(out->format, sizeof out->format, "webp");
    snprintf(out->name, sizeof out->name, "%s.webp", key);
    snprintf(out->etag, sizeof out->etag, "%s", key);
    return 0;
}

int eye_thumbnail(eye_lib *lib, int64_t id, int size, eye_file *out, struct eye_err *err)
{
    struct store_picture picture;
    char hex[HASH_HEX_LEN + 1], key[THUMB_KEY];
    if (size < 1 || size > LARGEST) {
        return eye_fail(err, EYE_EINVAL, "a thumbnail has 1 to %d pixels a side, not %d", LARGEST,
                        size);
    }
    int side = SMALLEST;
    while (side < size) {
        side *= 2;
    }
    struct eng_thumbs *t = thumbs_of(lib, err);
    struct store *s = t ? eng_store_get(lib, err) : NULL;
    if (!s) {
        return eng_code(err);
    }
    int rc = store_picture_get(s, id, &picture, err);
    eng_store_put(lib, s);
    if (rc < 0) {
        return rc;
    }
    hash_to_hex(&picture.hash, hex);
    make_key(hex, side, key);
    int fd;
    do {
        fd = obtain(lib, t, id, side, key, err);
    } while (fd == TRY_AGAIN);
    return fd < 0 ? fd : describe(fd, key, out, err);
}
