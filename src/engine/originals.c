/* originals.c - the place where originals lie (--originals), and files of it when it is a bucket.
 *
 * An object is fetched whole and becomes a file without a name, in memory or in the spool, with the object's size and time: so the decoder's
 * process, ranges over HTTP, zips and hashes work on it as on any other, and what was checked is what is used. Reading parts on demand
 * was dropped: decoders ask for pieces in any order, each a request of some 20 ms, and a picture is a few megabytes.
 *
 * The jail: a key is the place's prefix and a name below it without empty, "." and ".." parts; nothing else is ever asked for. Nothing in
 * a name is decoded. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/originals.h"

enum { IN_MEMORY = 32 << 20 };
static const double REMEMBER_SECONDS = 5, PATIENCE_SECONDS = 60;

struct eng_originals {
    char *place;
    struct object_store *objects; /* NULL: a folder */
    char *prefix;                 /* of keys; "" */
    double patience;
    pthread_mutex_t lock; /* of what follows: the answer to the last question */
    double asked;
    char *asked_path;
    enum eng_presence state;
    struct eye_err why;
    double gave_up; /* when a run's patience ended */
    bool told;      /* that it waits */
};

/* ---- the place ---- */

bool eng_path_is_local(const char *path)
{
    return path[0] == '/';
}

const char *eng_originals_place(const eye_lib *lib)
{
    return lib->originals ? lib->originals->place : NULL;
}

bool eng_originals_in_folder(const eye_lib *lib)
{
    return lib->originals && !lib->originals->objects;
}

static int open_bucket(struct eng_originals *o, const char *url, struct eye_err *err)
{
    struct object_config c;
    struct buf place;
    char *bucket = NULL;
    int rc = object_url_parse(url, &bucket, &o->prefix, err);
    if (rc < 0) {
        return rc;
    }
    buf_init(&place, SIZE_MAX / 2);
    rc = buf_printf(&place, err, "s3://%s%s%s", bucket, o->prefix[0] ? "/" : "", o->prefix);
    o->place = rc < 0 ? NULL : buf_detach(&place, NULL);
    buf_release(&place);
    rc = rc < 0 ? rc : object_config_env(&c, err);
    if (o->place) {
        o->objects = rc < 0 ? NULL : object_open(bucket, &c, err);
        object_config_release(&c);
    }
    free(bucket);
    return o->objects ? 0 : eng_code(err);
}

/* Seconds; for tests and for those who would rather fail soon. */
static double patience(void)
{
    const char *text = getenv("EYESHINE_ORIGINALS_PATIENCE");
    char *end = NULL;
    double v = text ? strtod(text, &end) : 0;
    return text && end != text && *end == '\0' && v >= 0 && v < 1e6 ? v : PATIENCE_SECONDS;
}

int eng_originals_open(eye_lib *lib, const eye_options *options, struct eye_err *err)
{
    enum eng_path_kind kind;
    if (!options->originals || !options->originals[0]) {
        return 0;
    }
    struct eng_originals *o = mem_calloc(1, sizeof *o, err);
    if (!o) {
        return EYE_ENOMEM;
    }
    lib->originals = o;
    pthread_mutex_init(&o->lock, NULL);
    o->patience = patience();
    if (object_is_url(options->originals)) {
        return open_bucket(o, options->originals, err);
    }
    if (strstr(options->originals, "://")) {
        return eye_fail(err, EYE_EINVAL, "%s: originals lie in a folder or in s3://BUCKET/PREFIX",
                        options->originals);
    }
    o->place = eng_path_resolve(options->originals, &kind, err);
    if (o->place && kind == ENG_PATH_FILE) {
        return eye_fail(err, EYE_EINVAL, "%s: originals lie in a folder, and this is none",
                        options->originals);
    }
    return o->place ? 0 : eng_code(err);
}

void eng_originals_free(struct eng_originals *o)
{
    if (!o) {
        return;
    }
    object_close(o->objects);
    pthread_mutex_destroy(&o->lock);
    free(o->asked_path);
    free(o->prefix);
    free(o->place);
    free(o);
}

/* ---- keys ---- */

/* The key of a path below the place; "" for all of it. Yours. */
static char *key_of(const eye_lib *lib, const char *path, struct eye_err *err)
{
    const struct eng_originals *o = lib->originals;
    if (!o || !o->objects) {
        eye_fail(err, EYE_EREMOTE, "%s: nobody told where originals lie: start with --originals",
                 path);
        return NULL;
    }
    const char *rel = eng_path_below(path, o->place);
    if (!rel || (rel[0] && !object_name_is_plain(rel))) {
        eye_fail(err, EYE_ENOTFOUND, "%s: is not below the originals, %s", path, o->place);
        return NULL;
    }
    return o->prefix[0] ? eng_path_join(o->prefix, rel, err) : mem_strdup(rel, err);
}

/* The same with a slash at its end: what all below it begin with. */
static char *prefix_of(const eye_lib *lib, const char *path, struct eye_err *err)
{
    struct buf b;
    char *key = key_of(lib, path, err);
    if (!key || !key[0]) {
        return key;
    }
    buf_init(&b, SIZE_MAX / 2);
    int rc = buf_printf(&b, err, "%s/", key);
    free(key);
    char *out = rc < 0 ? NULL : buf_detach(&b, NULL);
    buf_release(&b);
    return out;
}

static int note(void *ctx, const struct object_info *info)
{
    (void)info;
    *(bool *)ctx = true;
    return 0;
}

/* Quickly, or trying again as a run does. */
static int look(const eye_lib *lib, const char *path, bool quick, bool *any, struct eye_err *why)
{
    char *prefix = prefix_of(lib, path, why);
    *any = false;
    int rc = !prefix ? eng_code(why)
             : quick ? object_probe(lib->originals->objects, prefix, any, why)
                     : object_list(lib->originals->objects, prefix, 1, note, any, why);
    free(prefix);
    return rc;
}

/* ---- what a user named ---- */

static enum eng_path_kind kind_of(eye_lib *lib, const char *path, struct eye_err *err)
{
    bool any = false;
    struct stat st;
    int rc = look(lib, path, false, &any, err);
    if (rc == 0 && !any && strcmp(path, lib->originals->place) != 0) {
        struct eye_err none = {0};
        rc = eng_object_stat(lib, path, &st, &none);
        if (rc == 0 || rc == EYE_ENOTFOUND) {
            return rc == 0 ? ENG_PATH_FILE : ENG_PATH_MISSING;
        }
        eye_fail(err, rc, "%s", none.msg);
    }
    return ENG_PATH_DIR;
}

/* Text alone decides what is meant: "./a/", "a" and s3://bucket/prefix/a. */
static char *object_named(const eye_lib *lib, const char *path, struct eye_err *err)
{
    const struct eng_originals *o = lib->originals;
    char *copy = mem_strdup(path, err);
    size_t n = copy ? strlen(copy) : 0;
    while (n > 1 && copy[n - 1] == '/') {
        copy[--n] = '\0';
    }
    const char *rel = copy;
    while (rel && rel[0] == '.' && (rel[1] == '/' || rel[1] == '\0')) {
        rel += 1 + (rel[1] == '/');
    }
    char *out = NULL;
    if (copy) {
        out = object_is_url(path) ? mem_strdup(copy, err) : eng_path_join(o->place, rel, err);
    }
    free(copy);
    char *key = out ? key_of(lib, out, NULL) : NULL;
    if (out && !key) {
        eye_fail(err, EYE_EINVAL, "%s: is not below the originals, %s", out, o->place);
        free(out);
        return NULL;
    }
    free(key);
    return out;
}

static char *local_named(const eye_lib *lib, const char *path, enum eng_path_kind *kind,
                         struct eye_err *err)
{
    enum eng_path_kind below_kind;
    char *plain = eng_path_resolve(path, kind, err);
    if (!plain || !eng_originals_in_folder(lib) || path[0] == '/' ||
        eng_path_below(plain, lib->originals->place)) {
        return plain;
    }
    char *joined = eng_path_join(lib->originals->place, path, NULL);
    char *below = joined ? eng_path_resolve(joined, &below_kind, NULL) : NULL;
    free(joined);
    if (below && below_kind != ENG_PATH_MISSING && eng_path_below(below, lib->originals->place)) {
        free(plain);
        *kind = below_kind;
        return below;
    }
    free(below);
    return plain;
}

char *eng_path_given(eye_lib *lib, const char *path, bool look, enum eng_path_kind *kind,
                     struct eye_err *err)
{
    struct eye_err why = {0};
    bool bucket = lib->originals && lib->originals->objects;
    path = path ? path : "";
    if (object_is_url(path) && !bucket) {
        eye_fail(err, EYE_EINVAL, "%s: to use a bucket, say so: --originals s3://BUCKET/PREFIX",
                 path);
        return NULL;
    }
    if (!path[0] || !bucket || path[0] == '/') {
        return local_named(lib, path, kind, err);
    }
    char *out = object_named(lib, path, err);
    *kind = ENG_PATH_DIR;
    if (out && look) {
        *kind = kind_of(lib, out, &why);
        if (why.code) {
            free(out);
            eye_fail(err, why.code, "%s", why.msg);
            return NULL;
        }
    }
    return out;
}

/* ---- is it there ---- */

static enum eng_presence ask(eye_lib *lib, const char *path, bool quick, struct eye_err *why)
{
    bool any;
    int rc = look(lib, path, quick, &any, why);
    return rc < 0 ? ENG_AWAY : any ? ENG_THERE : ENG_NOTHING;
}

static enum eng_presence look_at_objects(eye_lib *lib, const char *path, struct eye_err *why)
{
    struct eng_originals *o = lib->originals;
    enum eng_presence state;
    if (!o || !o->objects) {
        return ask(lib, path, true, why);
    }
    pthread_mutex_lock(&o->lock);
    bool known = o->asked_path && eng_now() - o->asked < REMEMBER_SECONDS &&
                 (!strcmp(o->asked_path, path) || o->state == ENG_AWAY);
    state = o->state;
    *why = o->why;
    pthread_mutex_unlock(&o->lock);
    if (known) {
        return state;
    }
    memset(why, 0, sizeof *why);
    state = ask(lib, path, true, why);
    pthread_mutex_lock(&o->lock);
    char *copy = mem_strdup(path, NULL);
    free(o->asked_path);
    o->asked_path = copy;
    o->asked = eng_now();
    o->state = state;
    o->why = *why;
    pthread_mutex_unlock(&o->lock);
    return state;
}

static enum eng_presence look_at_folder(const char *path, struct eye_err *why)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        eye_fail(why, EYE_ENOTFOUND, "%s: no such folder", path);
        return ENG_AWAY;
    }
    return eng_path_is_empty(path) ? ENG_NOTHING : ENG_THERE;
}

enum eng_presence eng_root_look(eye_lib *lib, const char *path, struct eye_err *why)
{
    struct eye_err local = {0};
    why = why ? why : &local;
    return eng_path_is_local(path) ? look_at_folder(path, why) : look_at_objects(lib, path, why);
}

enum eng_presence eng_root_ask(eye_lib *lib, const char *path, struct eye_err *why)
{
    return eng_path_is_local(path) ? look_at_folder(path, why) : ask(lib, path, false, why);
}

bool eng_root_is_offline(eye_lib *lib, const struct store_root *root)
{
    enum eng_presence state = eng_root_look(lib, root->path, NULL);
    return state == ENG_AWAY || (state == ENG_NOTHING && root->files > 0);
}

bool eng_path_there(const char *path, bool online)
{
    struct stat st;
    return eng_path_is_local(path) ? stat(path, &st) == 0 : object_is_url(path) && online;
}

int eye_originals_get(eye_lib *lib, eye_originals *out, struct eye_err *err)
{
    struct eye_err why = {0};
    (void)err;
    *out = (eye_originals){.place = eng_originals_place(lib)};
    if (out->place) {
        out->reachable = eng_root_look(lib, out->place, &why) != ENG_AWAY;
        snprintf(out->trouble, sizeof out->trouble, "%s", why.msg);
    }
    return 0;
}

/* ---- objects ---- */

static void fill(struct stat *st, const struct object_info *info)
{
    memset(st, 0, sizeof *st);
    st->st_mode = S_IFREG | 0400;
    st->st_nlink = 1;
    st->st_size = (off_t)info->size;
    st->st_mtim.tv_sec = info->mtime_ns / 1000000000;
    st->st_mtim.tv_nsec = info->mtime_ns % 1000000000;
}

int eng_object_stat(eye_lib *lib, const char *path, struct stat *st, struct eye_err *err)
{
    struct object_info info;
    char *key = key_of(lib, path, err);
    int rc = !key      ? eng_code(err)
             : !key[0] ? eye_fail(err, EYE_ENOTFOUND, "%s: is no object", path)
                       : object_head(lib->originals->objects, key, &info, err);
    free(key);
    if (rc == 0) {
        fill(st, &info);
    }
    return rc;
}

/* Without a name, so that nothing is left behind. */
static int new_file(eye_lib *lib, bool small, struct eye_err *err)
{
    int fd = -1;
    const char *spool = small || lib->read_only ? NULL : eye_spool_dir(lib, NULL);
    if (spool) {
        fd = open(spool, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    }
    if (fd < 0) { /* a file system without such files, or nowhere to write */
        fd = memfd_create("eyeshine-original", MFD_CLOEXEC);
    }
    return fd >= 0 ? fd : eye_fail_errno(err, errno, "no room for an original");
}

int eng_object_file(eye_lib *lib, const char *path, uint64_t hint, struct stat *st,
                    struct eye_err *err)
{
    struct object_info info;
    char *key = key_of(lib, path, err);
    if (!key || !key[0]) {
        free(key);
        return key ? eye_fail(err, EYE_ENOTFOUND, "%s: is no object", path) : eng_code(err);
    }
    int fd = new_file(lib, hint <= IN_MEMORY, err);
    int rc = fd < 0 ? fd
                    : object_get(lib->originals->objects, key, NULL, fd, lib->limits.max_bytes,
                                 &info, err);
    free(key);
    if (rc == 0) {
        struct stat wanted;
        fill(&wanted, &info);
        if (futimens(fd, (struct timespec[2]){wanted.st_mtim, wanted.st_mtim}) != 0 ||
            fstat(fd, st) != 0) {
            rc = eye_fail_errno(err, errno, "%s: cannot be kept", path);
        }
    }
    if (rc < 0 && fd >= 0) {
        close(fd);
    }
    return rc < 0 ? rc : fd;
}

struct below {
    eng_object_fn *fn;
    void *ctx;
    size_t skip;
};

static int on_object(void *ctx, const struct object_info *info)
{
    const struct below *b = ctx;
    struct stat st;
    fill(&st, info);
    return b->fn(b->ctx, info->key + b->skip, &st);
}

int eng_objects_below(eye_lib *lib, const char *folder, eng_object_fn *fn, void *ctx,
                      struct eye_err *err)
{
    char *prefix = prefix_of(lib, folder, err);
    if (!prefix) {
        return eng_code(err);
    }
    struct below b = {fn, ctx, strlen(prefix)};
    int rc = object_list(lib->originals->objects, prefix, 0, on_object, &b, err);
    free(prefix);
    return rc;
}

int eng_open_path(eye_lib *lib, const char *path, uint64_t hint, struct stat *st,
                  struct eye_err *err)
{
    return eng_path_is_local(path) ? eng_open_file(path, st, err)
                                   : eng_object_file(lib, path, hint, st, err);
}

/* ---- patience ---- */

/* May a run go on waiting that began to at `since`? Once one has given up, the others do not begin. */
static bool may_wait(eye_lib *lib, double since, const struct eye_err *why)
{
    struct eng_originals *o = lib->originals;
    double now = eng_now();
    if (!o) {
        return false;
    }
    pthread_mutex_lock(&o->lock);
    bool wait = now - since < o->patience && !(o->gave_up > 0 && now - o->gave_up < o->patience);
    bool tell = wait && !o->told;
    o->told = o->told || wait;
    if (!wait && now - since >= o->patience) {
        o->gave_up = now;
    }
    pthread_mutex_unlock(&o->lock);
    if (tell) {
        eng_log(lib, EYE_LOG_WARN, "%s; waiting for it", why->msg);
    }
    return wait;
}

static void has_come(struct eng_originals *o)
{
    pthread_mutex_lock(&o->lock);
    o->told = false;
    o->gave_up = 0;
    pthread_mutex_unlock(&o->lock);
}

int eng_open_patiently(eye_lib *lib, const char *path, uint64_t hint, const atomic_bool *stop,
                       struct stat *st, struct eye_err *err)
{
    double since = eng_now();
    struct eye_err why = {0};
    if (eng_path_is_local(path)) {
        return eng_open_file(path, st, err);
    }
    for (;;) {
        int fd = eng_object_file(lib, path, hint, st, &why);
        if (fd >= 0 && lib->originals) {
            has_come(lib->originals);
        }
        if (fd != EYE_EREMOTE || atomic_load(stop) || !may_wait(lib, since, &why)) {
            return fd < 0 ? eye_fail(err, fd, "%s", why.msg) : fd;
        }
        for (int i = 0; i < 10 && !atomic_load(stop); i++) {
            nanosleep(&(struct timespec){0, 100000000L}, NULL);
        }
    }
}
