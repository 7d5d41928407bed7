/* picture.c - one picture: what is known of it, and its own file, opened so that nothing else can come out.
 *
 * The database says where a file was; by now anybody may have put something else there. So it is opened below its root by the
 * kernel's own rule (openat2 with RESOLVE_BENEATH: no "..", no link that leads out, no /proc magic), it must be a regular
 * file of the size that was indexed, and its first bytes must still be those of a picture. Where the kernel is older than
 * 5.6 or a sandbox does not know the call, each folder is opened in turn without following any link, which refuses links
 * inside the root too. realpath and a comparison of names was not taken: the name can change between the two. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/originals.h"

/* ---- what is known ---- */

static int fill_paths(eye_picture *p, struct store *s, struct eye_err *err)
{
    char **paths = NULL;
    size_t n = 0, online = 0, there = 0;
    int rc = store_picture_paths(s, p->id, &paths, &n, &online, err);
    const char **sorted = rc == 0 ? mem_calloc(n + 1, sizeof *sorted, err) : NULL;
    bool *seen = sorted ? mem_calloc(n + 1, sizeof *seen, err) : NULL;
    for (size_t i = 0; seen && i < n; i++) {
        seen[i] = eng_path_there(paths[i], i < online);
        if (seen[i]) {
            sorted[there++] = paths[i];
        }
    }
    p->offline = there == 0;
    for (size_t i = 0; seen && i < n; i++) {
        if (!seen[i]) {
            sorted[there++] = paths[i];
        }
    }
    if (!seen) {
        store_strings_free(paths, n);
        free(sorted);
        return rc < 0 ? rc : EYE_ENOMEM;
    }
    free(seen);
    free(paths); /* its strings live on in `sorted` */
    p->paths = sorted;
    p->npaths = n;
    return 0;
}

static int fill(eye_picture *p, struct store *s, const struct store_picture *pic,
                struct eye_err *err)
{
    char hex[HASH_HEX_LEN + 1];
    hash_to_hex(&pic->hash, hex);
    *p = (eye_picture){.id = pic->id,
                       .hash = mem_strdup(hex, err),
                       .format = mem_strdup(pic->format, err),
                       .camera = mem_strdup(pic->camera, err),
                       .size = pic->size,
                       .width = pic->width,
                       .height = pic->height,
                       .taken_at = pic->taken_at,
                       .added_at = pic->added_at,
                       .has_gps = pic->has_gps,
                       .lat = pic->lat,
                       .lon = pic->lon};
    return p->hash && p->format && p->camera ? fill_paths(p, s, err) : EYE_ENOMEM;
}

int eye_picture_get(eye_lib *lib, int64_t id, eye_picture **out, struct eye_err *err)
{
    struct store_picture pic;
    *out = NULL;
    struct store *s = eng_store_get(lib, err);
    if (!s) {
        return EYE_EIO;
    }
    int rc = store_picture_get(s, id, &pic, err);
    eye_picture *p = rc == 0 ? mem_calloc(1, sizeof *p, err) : NULL;
    if (rc == 0) {
        rc = p ? fill(p, s, &pic, err) : EYE_ENOMEM;
    }
    if (rc == 0 && p->npaths == 0) { /* its last file went away between the two questions */
        rc = eye_fail(err, EYE_ENOTFOUND, "the library has no picture %lld", (long long)id);
    }
    eng_store_put(lib, s);
    if (rc < 0) {
        eye_picture_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void eye_picture_free(eye_picture *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->npaths; i++) { /* filled here, const only to the caller */
        free((char *)(uintptr_t)p->paths[i]);
    }
    free((void *)(uintptr_t)p->paths);
    free((char *)(uintptr_t)p->hash);
    free((char *)(uintptr_t)p->format);
    free((char *)(uintptr_t)p->camera);
    free(p);
}

/* ---- its file ---- */

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* No link followed at all, folder by folder. */
int eng_open_below_slowly(int dir, const char *rel)
{
    char name[256];
    int at = dir, saved;
    for (;;) {
        const char *slash = strchr(rel, '/');
        size_t len = slash ? (size_t)(slash - rel) : strlen(rel);
        bool bad = len == 0 || len >= sizeof name || (rel[0] == '.' && len == 1) ||
                   (len == 2 && !strncmp(rel, "..", 2));
        int fd = -1;
        errno = ENOENT;
        if (!bad) {
            memcpy(name, rel, len);
            name[len] = '\0';
            fd = openat(at, name,
                        O_NOFOLLOW | (slash ? O_PATH | O_DIRECTORY | O_CLOEXEC : OPEN_FLAGS));
        }
        saved = errno;
        if (at != dir) {
            close(at);
        }
        errno = saved;
        if (fd < 0 || !slash) {
            return fd;
        }
        at = fd;
        rel = slash + 1;
    }
}

int eng_open_below(int dir, const char *rel)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, dir, rel, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == E2BIG)) {
        return eng_open_below_slowly(dir, rel);
    }
    return (int)fd;
}

static int open_object(eye_lib *lib, const struct store_place *place, struct eye_err *why)
{
    struct stat st;
    char *path = eng_path_join(place->root, place->rel, why);
    int fd = path ? eng_object_file(lib, path, place->size, &st, why) : EYE_ENOMEM;
    free(path);
    return fd;
}

/* From the originals' folder down, so that no link on the way to the root leads out of it either. */
static int open_original(const char *top, const struct store_place *place)
{
    char *path = eng_path_join(place->root, place->rel, NULL);
    const char *rel = path ? eng_path_below(path, top) : NULL;
    int dir = rel && rel[0] ? open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    int fd = dir >= 0 ? eng_open_below(dir, rel) : -1;
    if (dir >= 0) {
        close(dir);
    }
    free(path);
    return fd;
}

/* The root's folder and the name below it: a root that is the file itself is looked up in its folder. */
static int open_place(eye_lib *lib, const struct store_place *place, struct eye_err *why)
{
    if (!eng_path_is_local(place->root)) {
        return open_object(lib, place, why);
    }
    if (eng_originals_in_folder(lib) && eng_path_below(place->root, eng_originals_place(lib))) {
        return open_original(eng_originals_place(lib), place);
    }
    char *parent = place->rel[0] ? NULL : mem_strdup(place->root, NULL);
    const char *dir = place->root, *rel = place->rel;
    if (parent) {
        char *slash = strrchr(parent, '/');
        rel = place->root + (slash - parent) + 1;
        slash[slash == parent] = '\0';
        dir = parent;
    }
    int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root >= 0 ? eng_open_below(root, rel) : -1;
    if (root >= 0) {
        close(root);
    }
    free(parent);
    return fd;
}

static bool is_as_indexed(int fd, const struct store_place *place, struct stat *st,
                          enum image_format *format)
{
    uint8_t head[64];
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode) || (uint64_t)st->st_size != place->size) {
        return false;
    }
    ssize_t n = pread(fd, head, sizeof head, 0);
    *format = n > 0 ? image_sniff(head, (size_t)n) : IMAGE_UNKNOWN;
    return *format != IMAGE_UNKNOWN;
}

/* Bytes with the size and time that were indexed are taken to be those; touched ones get an etag of their own. */
static void describe(eye_file *out, int fd, const struct store_place *place,
                     const struct store_picture *pic, const struct stat *st,
                     enum image_format format)
{
    char hex[HASH_HEX_LEN + 1];
    int64_t mtime = eng_mtime_ns(st);
    hash_to_hex(&pic->hash, hex);
    *out = (eye_file){.fd = fd, .size = (uint64_t)st->st_size, .mtime = st->st_mtim.tv_sec};
    snprintf(out->format, sizeof out->format, "%s", image_format_name(format));
    snprintf(out->name, sizeof out->name, "%s",
             eng_path_name(place->rel[0] ? place->rel : place->root));
    if (mtime == place->mtime_ns) {
        snprintf(out->etag, sizeof out->etag, "%.40s", hex);
    } else {
        snprintf(out->etag, sizeof out->etag, "%.40s-%llx", hex, (unsigned long long)mtime);
    }
}

static int open_any(eye_lib *lib, const struct store_place *places, size_t n,
                    const struct store_picture *pic, eye_file *out, struct eye_err *err)
{
    struct eye_err away = {0};
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        enum image_format format;
        struct eye_err why = {0};
        int fd = open_place(lib, &places[i], &why);
        if (fd >= 0 && is_as_indexed(fd, &places[i], &st, &format)) {
            describe(out, fd, &places[i], pic, &st, format);
            return 0;
        }
        if (fd >= 0) {
            close(fd);
        } else if (fd == EYE_EREMOTE || fd == EYE_ELIMIT) {
            away = why;
        }
    }
    if (away.code) {
        return eye_fail(err, away.code, "%s", away.msg);
    }
    return eye_fail(err, EYE_ENOTFOUND,
                    "no file of picture %lld can be opened as it was indexed: it is offline, moved "
                    "or changed; index again",
                    (long long)pic->id);
}

int eye_picture_open(eye_lib *lib, int64_t id, eye_file *out, struct eye_err *err)
{
    struct store_picture pic;
    struct store_place *places = NULL;
    size_t n = 0;
    *out = (eye_file){.fd = -1};
    struct store *s = eng_store_get(lib, err);
    if (!s) {
        return EYE_EIO;
    }
    int rc = store_picture_get(s, id, &pic, err);
    rc = rc < 0 ? rc : store_places(s, id, &places, &n, err);
    eng_store_put(lib, s);
    rc = rc < 0 ? rc : open_any(lib, places, n, &pic, out, err);
    store_places_free(places, n);
    return rc;
}
