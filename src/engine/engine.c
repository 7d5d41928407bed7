/* engine.c - opening and closing a library, and what one handle lends to its threads.
 *
 * A store handle belongs to one thread at a time, so the library keeps a few idle ones and lends them
 * (opening one costs about a millisecond, a search should not pay it each time). Everything heavy (model,
 * vectors, pool, decoder) is made when first needed: `status` stays quick. The nursery, which forks what reads strangers'
 * bytes, begins at once (0.3 ms): a library is opened while the process is small and has one thread, and its decoders are not.
 *
 * The right to index is an flock on index.lock. A process that is forked among threads inherits the descriptor and may live a
 * moment longer than a killed parent, so a lock whose recorded process is dead is worth waiting for. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/nursery.h"
#include "engine/index.h"
#include "engine/originals.h"

enum { DECODERS_MAX = 4, IDLE_STORE_BYTES = 1 << 20 };
enum { LOCK_TRIES = 60, LOCK_PAUSE_MS = 50 }; /* for a dead process's lock: 3 s */

#ifndef EYESHINE_VERSION
#define EYESHINE_VERSION "unknown"
#endif

const char *eye_version(void)
{
    return EYESHINE_VERSION;
}

double eng_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void eng_log(eye_lib *lib, eye_log_level level, const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    if (!lib->log) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&lib->log_lock);
    lib->log(lib->log_ctx, level, line);
    pthread_mutex_unlock(&lib->log_lock);
}

/* ---- open and close ---- */

struct image_limits eng_limits(const eye_options *options)
{
    struct image_limits l = image_limits_default;
    if (options->max_file_bytes) {
        l.max_bytes = options->max_file_bytes;
    }
    if (options->max_pixels) {
        l.max_pixels = options->max_pixels;
    }
    if (options->max_seconds > 0) {
        l.max_seconds = options->max_seconds;
    }
    return l;
}

static int copy_globs(eye_lib *lib, const eye_options *options, struct eye_err *err)
{
    lib->exclude = mem_calloc(options->nexclude, sizeof *lib->exclude, err);
    for (size_t i = 0; lib->exclude && i < options->nexclude; i++) {
        lib->exclude[i] = mem_strdup(options->exclude[i], err);
        if (!lib->exclude[i]) {
            return EYE_ENOMEM;
        }
        lib->nexclude++;
    }
    return lib->exclude ? 0 : EYE_ENOMEM;
}

/* The first store handle, and the folder that it made or found. */
static int open_store(eye_lib *lib, const eye_options *options, struct eye_err *err)
{
    int rc = options->store ? eng_remote_open(lib, options, err) : 0;
    if (rc < 0) {
        return rc;
    }
    char *dir = options->library && options->library[0] ? mem_strdup(options->library, err)
                                                        : eng_node_folder(lib->remote, err);
    if (!dir) {
        return eng_code(err);
    }
    struct store *s = lib->remote
                          ? store_open_remote(dir, lib->remote, lib->create, lib->read_only, err)
                          : store_open(dir, lib->create, lib->read_only, err);
    if (s) {
        lib->idle[lib->nidle++] = s;
        rc = store_originals(s, eng_originals_place(lib), err);
        lib->dir = rc < 0 ? NULL : fs_real(dir, err);
    }
    free(dir);
    return lib->dir ? 0 : eng_code(err);
}

static int open_parts(eye_lib *lib, const eye_options *options, struct eye_err *err)
{
    int rc = eng_places_init(&lib->places, options, err);
    rc = rc < 0 ? rc : copy_globs(lib, options, err);
    rc = rc < 0 ? rc : eng_originals_open(lib, options, err);
    if (rc < 0) {
        return rc;
    }
    if (options->model) {
        lib->model_option = mem_strdup(options->model, err);
        char *folder =
            lib->model_option ? eng_model_folder(&lib->places, options->model, err) : NULL;
        if (!folder) {
            return EYE_ENOTFOUND;
        }
        free(folder);
    }
    return open_store(lib, options, err);
}

eye_lib *eye_open(const eye_options *options, struct eye_err *err)
{
    if (!options || (!options->store && (!options->library || !options->library[0]))) {
        eye_fail(err, EYE_EINVAL, "no library folder was named");
        return NULL;
    }
    eye_lib *lib = mem_calloc(1, sizeof *lib, err);
    if (!lib) {
        return NULL;
    }
    nursery_hold(); /* while there is little to copy, and no thread that holds a lock */
    pthread_mutex_init(&lib->lock, NULL);
    pthread_mutex_init(&lib->load_lock, NULL);
    pthread_mutex_init(&lib->log_lock, NULL);
    lib->threads = options->threads > 0 ? options->threads : cpu_count();
    lib->read_only = options->read_only;
    lib->create = options->create;
    lib->limits = eng_limits(options);
    lib->log = options->log;
    lib->log_ctx = options->log_ctx;
    eng_turns_init(&lib->turns, lib->threads);
    lib->encodings = eng_encodings_new(err);
    lib->answers = lib->encodings ? eng_answers_new(ENG_ANSWERS_BYTES, err) : NULL;
    lib->combiner = lib->answers ? eng_combiner_new(err) : NULL;
    lib->dups = lib->combiner ? eng_dups_new(err) : NULL;
    if (!lib->dups || eng_maker_init(lib, err) < 0 || open_parts(lib, options, err) < 0) {
        eye_close(lib);
        return NULL;
    }
    return lib;
}

void eye_close(eye_lib *lib)
{
    if (!lib) {
        return;
    }
    eye_jobs_stop(lib);
    eng_watch_free(lib);
    eng_jobs_free(lib);
    eng_later_free(lib->later);
    eng_dups_free(lib->dups);
    eng_maker_stop(lib);
    for (size_t i = 0; i < lib->nidle; i++) {
        store_close(lib->idle[i]);
    }
    store_remote_close(lib->remote);
    if (lib->model) {
        eng_model_put(lib, lib->model);
    }
    eng_vectors_put(lib, lib->vectors);
    if (lib->decoder) {
        decoder_close(lib->decoder);
    }
    nursery_drop();
    if (lib->pool) {
        pool_free(lib->pool);
    }
    eng_thumbs_free(lib->thumbs);
    eng_originals_free(lib->originals);
    eng_encodings_free(lib->encodings);
    eng_answers_free(lib->answers);
    eng_combiner_free(lib->combiner);
    eng_maker_release(lib);
    eng_places_release(&lib->places);
    pthread_mutex_destroy(&lib->lock);
    pthread_mutex_destroy(&lib->load_lock);
    pthread_mutex_destroy(&lib->log_lock);
    eng_turns_release(&lib->turns);
    free(lib->model_option);
    for (size_t i = 0; i < lib->nlent; i++) {
        free(lib->lent[i]);
    }
    free(lib->lent);
    for (size_t i = 0; i < lib->nexclude; i++) {
        free(lib->exclude[i]);
    }
    free(lib->exclude);
    free(lib->spool);
    free(lib->dir);
    free(lib);
}

/* ---- what a handle lends ---- */

struct store *eng_store_get(eye_lib *lib, struct eye_err *err)
{
    struct store *s = NULL;
    pthread_mutex_lock(&lib->lock);
    if (lib->nidle) {
        s = lib->idle[--lib->nidle];
    }
    pthread_mutex_unlock(&lib->lock);
    if (s) {
        return s;
    }
    s = lib->remote ? store_open_remote(lib->dir, lib->remote, lib->create, lib->read_only, err)
                    : store_open(lib->dir, false, lib->read_only, err);
    if (s && store_originals(s, eng_originals_place(lib), err) < 0) {
        store_close(s);
        s = NULL;
    }
    return s;
}

void eng_store_put(eye_lib *lib, struct store *s)
{
    if (s) {
        store_shrink(s, IDLE_STORE_BYTES);
        store_relax(s, false);
    }
    pthread_mutex_lock(&lib->lock);
    if (s && lib->nidle < ENG_IDLE_STORES) {
        lib->idle[lib->nidle++] = s;
        s = NULL;
    }
    pthread_mutex_unlock(&lib->lock);
    if (s) {
        store_close(s);
    }
}

int eng_pool(eye_lib *lib, struct pool **pool, struct eye_err *err)
{
    pthread_mutex_lock(&lib->lock);
    if (!lib->pool) {
        lib->pool = pool_new(lib->threads, err);
    }
    *pool = lib->pool;
    pthread_mutex_unlock(&lib->lock);
    return *pool ? 0 : EYE_ENOMEM;
}

int eng_decoder(eye_lib *lib, struct decoder_pool **decoder, struct eye_err *err)
{
    pthread_mutex_lock(&lib->lock);
    if (!lib->decoder) {
        int cpus = cpu_count();
        lib->decoder = decoder_open(cpus < DECODERS_MAX ? cpus : DECODERS_MAX, &lib->limits, err);
    }
    *decoder = lib->decoder;
    pthread_mutex_unlock(&lib->lock);
    return *decoder ? 0 : EYE_EIO;
}

/* ---- the right to index ---- */

int eng_writable(const eye_lib *lib, struct eye_err *err)
{
    if (lib->read_only) {
        return eye_fail(err, EYE_EINVAL, "%s: the library was opened for reading only", lib->dir);
    }
    return 0;
}

static long lock_holder(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

static int lock_busy(const eye_lib *lib, const char *what, long pid, struct eye_err *err)
{
    if (pid <= 0) {
        return eye_fail(err, EYE_EBUSY, "%s: another process %s", lib->dir, what);
    }
    return eye_fail(err, EYE_EBUSY, "%s: process %ld %s; wait for it or stop it", lib->dir, pid,
                    what);
}

int eng_lock(eye_lib *lib, int *out, struct eye_err *err)
{
    return eng_lock_file(lib, "index.lock", "is indexing this library", out, err);
}

int eng_lock_file(eye_lib *lib, const char *name, const char *what, int *out, struct eye_err *err)
{
    char *path = fs_join(lib->dir, name, err);
    if (!path) {
        return EYE_ENOMEM;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        int rc = eye_fail_errno(err, errno, "%s: cannot open", path);
        free(path);
        return rc;
    }
    free(path);
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        long pid = lock_holder(fd);
        bool dead = pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
        if (!dead || tries == LOCK_TRIES) {
            close(fd);
            return lock_busy(lib, what, pid, err);
        }
        nanosleep(&(struct timespec){0, LOCK_PAUSE_MS * 1000000L}, NULL);
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        int rc = eye_fail_errno(err, errno, "%s/%s: cannot write", lib->dir, name);
        eng_unlock(fd);
        return rc;
    }
    *out = fd;
    return 0;
}

/* Unlocked by name, not by closing: workers may still hold a copy of the descriptor. */
void eng_unlock(int fd)
{
    if (fd >= 0) {
        flock(fd, LOCK_UN);
        close(fd);
    }
}
