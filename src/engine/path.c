/* path.c - what paths and names mean to the library. Paths are bytes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include "engine/engine.h"

/* ---- absolute paths ---- */

const char *eng_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void strip_slashes(char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') {
        path[--n] = '\0';
    }
}

static char *absolute(const char *path, struct eye_err *err)
{
    char *cwd = fs_real(".", err);
    char *abs = cwd ? fs_join(cwd, path, err) : NULL;
    free(cwd);
    if (abs) {
        strip_slashes(abs);
    }
    return abs;
}

/* The folder that holds `path`; "/" for "/". */
static char *parent_of(const char *path, struct eye_err *err)
{
    const char *slash = strrchr(path, '/');
    char *parent = mem_strdup(path, err);
    if (parent) {
        parent[slash == path ? 1 : slash - path] = '\0';
        strip_slashes(parent);
    }
    return parent;
}

/* Real path of the longest part that exists, then the rest by its letters. */
static char *canonical(const char *abs, struct eye_err *err)
{
    struct eye_err ignored;
    char *real = fs_real(abs, &ignored);
    if (real || !strcmp(abs, "/")) {
        return real;
    }
    const char *name = eng_path_name(abs);
    char *up = parent_of(abs, err);
    char *parent = up ? canonical(up, err) : NULL;
    free(up);
    if (!parent || !name[0] || !strcmp(name, ".")) {
        return parent;
    }
    char *out = !strcmp(name, "..") ? parent_of(parent, err) : fs_join(parent, name, err);
    free(parent);
    return out;
}

/* A file keeps its own name even if that is a link: the link is what was named. */
static char *resolve_file(const char *abs, struct eye_err *err)
{
    char *up = parent_of(abs, err);
    char *parent = up ? fs_real(up, err) : NULL;
    char *out = parent ? fs_join(parent, eng_path_name(abs), err) : NULL;
    free(up);
    free(parent);
    return out;
}

char *eng_path_resolve(const char *path, enum eng_path_kind *kind, struct eye_err *err)
{
    struct stat st;
    if (!path || !path[0]) {
        eye_fail(err, EYE_EINVAL, "an empty path was given");
        return NULL;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        *kind = ENG_PATH_DIR;
        return fs_real(path, err);
    }
    char *abs = absolute(path, err), *out = NULL;
    if (!abs) {
        return NULL;
    }
    if (lstat(path, &st) == 0) {
        *kind = ENG_PATH_FILE;
        out = resolve_file(abs, err);
    } else if (errno == ENOENT || errno == ENOTDIR) {
        out = canonical(abs, err); /* may be there after all: "a.jpg/", "nowhere/../a.jpg" */
        bool there = out && lstat(out, &st) == 0;
        *kind = !there ? ENG_PATH_MISSING : S_ISDIR(st.st_mode) ? ENG_PATH_DIR : ENG_PATH_FILE;
    } else {
        eye_fail_errno(err, errno, "%s: cannot look at it", path);
    }
    free(abs);
    return out;
}

const char *eng_path_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    if (n == 1 && root[0] == '/') {
        return path[0] == '/' ? path + 1 : NULL;
    }
    if (strncmp(path, root, n) != 0) {
        return NULL;
    }
    return path[n] == '\0' ? path + n : path[n] == '/' ? path + n + 1 : NULL;
}

char *eng_path_join(const char *root, const char *rel, struct eye_err *err)
{
    return rel[0] ? fs_join(root, rel, err) : mem_strdup(root, err);
}

const struct store_root *eng_root_of(const struct store_root *roots, size_t n, const char *path,
                                     const char **rel)
{
    const struct store_root *found = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *below = eng_path_below(path, roots[i].path);
        if (!below || (roots[i].files_only && strchr(below, '/'))) {
            continue;
        }
        if (!found || found->files_only || roots[i].uploads) {
            found = &roots[i];
            *rel = below;
        }
    }
    return found;
}

/* ---- folders ---- */

/* A folder that is bound in from the same file system (containers do that) has its parent's device: only newer kernels
 * tell. */
static bool says_mount_root(const char *path)
{
#ifdef STATX_ATTR_MOUNT_ROOT
    struct statx sx;
    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &sx) == 0 &&
           (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
#else
    (void)path;
    return false;
#endif
}

bool eng_path_is_mount(const char *path)
{
    struct stat st, up;
    char *parent = path[0] == '/' ? fs_join(path, "..", NULL) : NULL; /* else an object's */
    bool mount = parent && stat(path, &st) == 0 && stat(parent, &up) == 0 && S_ISDIR(st.st_mode) &&
                 (st.st_dev != up.st_dev || st.st_ino == up.st_ino || says_mount_root(path));
    free(parent);
    return mount;
}

bool eng_path_is_empty(const char *path)
{
    DIR *dir = path[0] == '/' ? opendir(path) : NULL;
    if (!dir) {
        return false;
    }
    bool empty = true;
    for (struct dirent *e; empty && (e = readdir(dir));) {
        empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
    }
    closedir(dir);
    return empty;
}

/* ---- names ---- */

bool eng_name_hidden(const char *name)
{
    static const char *const litter[] = {"@eaDir",       "@Recycle",   "#recycle",
                                         "#snapshot",    "lost+found", "$RECYCLE.BIN",
                                         "$Recycle.Bin", "RECYCLER",   "System Volume Information"};
    if (name[0] == '.') {
        return true;
    }
    for (size_t i = 0; i < sizeof litter / sizeof *litter; i++) {
        if (!strcmp(name, litter[i])) {
            return true;
        }
    }
    return false;
}

enum eng_name_kind eng_name_kind(const char *name)
{
    static const char *const known[] = {"jpg",  "jpeg", "jpe", "jfif", "png", "apng",
                                        "webp", "gif",  "tif", "tiff", "bmp", "dib",
                                        "heic", "heif", "hif", "avif"};
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) {
        return ENG_NAME_BARE;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcasecmp(dot + 1, known[i])) {
            return ENG_NAME_PICTURE;
        }
    }
    return ENG_NAME_OTHER;
}

/* FNV-1a of the path's bytes, finished with a multiply-shift so that few parts get even shares. */
int eng_part_of(const char *rel, int parts)
{
    uint64_t h = 14695981039346656037u;
    for (const unsigned char *p = (const unsigned char *)rel; *p; p++) {
        h = (h ^ *p) * 1099511628211u;
    }
    h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15u;
    return (int)((h >> 33) % (uint64_t)parts) + 1;
}

/* Wraps (harmlessly: it is only compared) for times after the year 2262. */
int64_t eng_mtime_ns(const struct stat *st)
{
    return (int64_t)((uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec);
}

int eng_open_file(const char *path, struct stat *st, struct eye_err *err)
{
    struct stat link;
    if (lstat(path, &link) != 0 || !S_ISLNK(link.st_mode)) {
        return fs_open_regular(path, st, err);
    }
    char *real = fs_real(path, err);
    int fd = real ? fs_open_regular(real, st, err) : eng_code(err);
    free(real);
    return fd;
}
