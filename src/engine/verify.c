/* verify.c - checking all of a library: the database by itself, and (deep) what it says of files against what is there.
 *
 * Deep reads every file of every folder that is online, which is all that helps against a disk that forgets: size and time stay the same when
 * bits rot. Then the other direction, where it matters: an upload that no row names would be missed by nobody, and be
 * in no backup. Thumbnails and segments are made anew when they are missing, so they are not asked about here. */
#include <unistd.h>

#include "engine/index.h"
#include "engine/originals.h"

struct verify {
    eye_lib *lib;
    struct store *store; /* for look-ups while another handle walks the files */
    const char *root;
    int64_t uploads; /* the uploads' root; 0: there is none */
    void (*fn)(void *ctx, const char *finding);
    void *ctx;
    uint64_t findings;
};

static void find(struct verify *v, const char *path, const char *what)
{
    struct eye_err line; /* escapes what is not text in the path */
    eye_fail(&line, 0, "%s: %s", path, what);
    v->findings++;
    if (v->fn) {
        v->fn(v->ctx, line.msg);
    }
}

static void compare(struct verify *v, const char *path, const struct store_file *f)
{
    struct store_picture pic;
    struct hash hash;
    struct stat st;
    struct eye_err why = {0};
    int fd = eng_open_path(v->lib, path, f->size, &st, &why);
    if (fd < 0) {
        find(v, path,
             fd == EYE_ENOTFOUND ? "the file is gone: index again"
                                 : "cannot be read: check its permissions and its disk");
        return;
    }
    if (store_picture_get(v->store, f->picture, &pic, &why) < 0) {
        find(v, path, "its picture is not in the database: remove the file and index it again");
    } else if (hash_fd(fd, v->lib->limits.max_bytes, &hash, NULL, &why) < 0) {
        find(v, path, why.msg);
    } else if (hash_cmp(&hash, &pic.hash) != 0) {
        bool same = (uint64_t)st.st_size == f->size && eng_mtime_ns(&st) == f->mtime_ns;
        find(v, path,
             same ? "its bytes changed while size and time stayed the same: the disk may be failing"
                  : "it has changed since it was indexed: index again");
    }
    close(fd);
}

static int verify_file(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct verify *v = ctx;
    if (failure) {
        return 0;
    }
    char *path = eng_path_join(v->root, f->rel, NULL);
    if (!path) {
        return EYE_ENOMEM;
    }
    compare(v, path, f);
    free(path);
    return 0;
}

/* A file that lies in the uploads is an original, and only the library knows of it: unless it does not. */
static int verify_upload(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    struct verify *v = ctx;
    const char *rel = eng_path_below(item->path, v->root);
    bool known = true;
    if (item->event == FS_WALK_ERROR) {
        find(v, item->path, "cannot be read: check its permissions and its disk");
        return 0;
    }
    if (item->event != FS_WALK_FILE || !rel || !rel[0]) {
        return 0;
    }
    int rc = store_file_known(v->store, v->uploads, rel, &known, err);
    if (rc == 0 && !known) {
        rc = store_item_places(v->store, rel, &known, err); /* on its way in */
    }
    if (rc == 0 && !known) {
        find(v, item->path,
             "lies in the uploads, but the library does not know it: index that folder");
    }
    return rc;
}

static int verify_uploads(struct verify *v, struct eye_err *err)
{
    struct stat st;
    char *path = fs_join(v->lib->dir, "uploads", err);
    int rc = path ? 0 : EYE_ENOMEM;
    v->root = path;
    if (rc == 0 && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = fs_walk(path, verify_upload, v, err);
    }
    free(path);
    return rc;
}

static int verify_files(struct verify *v, struct eye_err *err)
{
    struct store_root *roots = NULL;
    size_t n = 0;
    struct store *walker = eng_store_get(v->lib, err);
    int rc = walker ? store_roots(walker, &roots, &n, err) : EYE_EIO;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        v->uploads = roots[i].uploads ? roots[i].id : v->uploads;
        if (eng_root_is_offline(v->lib, &roots[i])) {
            eng_log(v->lib, EYE_LOG_WARN, "%s: offline, its files were not read", roots[i].path);
            continue;
        }
        v->root = roots[i].path;
        rc = store_each_file(walker, roots[i].id, "", verify_file, v, err);
    }
    store_roots_free(roots, n);
    eng_store_put(v->lib, walker);
    return rc;
}

int eye_verify(eye_lib *lib, bool deep, void (*fn)(void *ctx, const char *finding), void *ctx,
               uint64_t *findings, struct eye_err *err)
{
    struct verify v = {.lib = lib, .fn = fn, .ctx = ctx};
    size_t n = 0;
    *findings = 0;
    v.store = eng_store_get(lib, err);
    if (!v.store) {
        return EYE_EIO;
    }
    int rc = store_verify(v.store, fn, ctx, &n, err);
    rc = rc < 0 || lib->remote ? rc
                               : eng_index_verify(lib, v.store, deep, fn, ctx, &v.findings, err);
    if (rc == 0 && deep) {
        rc = verify_files(&v, err);
        rc = rc ? rc : verify_uploads(&v, err);
    }
    eng_store_put(lib, v.store);
    *findings = n + v.findings;
    return rc < 0 ? rc : 0;
}
