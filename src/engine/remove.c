/* remove.c - eye_remove: forget files, folders, roots, pictures. Files on disk are never touched.
 *
 * All of one call is one transaction. Files may go while an index run is under way; a root may not, because the
 * run writes files into it, so that takes the same lock. */
#include "engine/originals.h"
#include "engine/scan.h"

struct removal {
    eye_lib *lib;
    struct store *store;
    struct store_root *roots;
    size_t nroots;
    char **
        rels; /* of one root, gathered before they are removed: nothing is changed under an open cursor */
    size_t nrels;
    uint64_t files;   /* removed */
    uint64_t touched; /* files and failures */
};

static int gather(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    struct removal *r = ctx;
    r->files += !failure;
    return eng_strings_add(&r->rels, &r->nrels, failure ? failure->rel : f->rel, NULL);
}

static void drop_rels(struct removal *r)
{
    for (size_t i = 0; i < r->nrels; i++) {
        free(r->rels[i]);
    }
    free(r->rels);
    r->rels = NULL;
    r->nrels = 0;
}

static int remove_below(struct removal *r, int64_t root, const char *rel, struct eye_err *err)
{
    int rc = store_each_file(r->store, root, rel, gather, r, err);
    for (size_t i = 0; rc == 0 && i < r->nrels; i++) {
        rc = store_file_remove(r->store, root, r->rels[i], err);
    }
    r->touched += r->nrels;
    drop_rels(r);
    return rc;
}

/* Does forgetting `full` take this root along? Not the uploads' by a folder above it: those pictures came from elsewhere and
 * are found by no scan of that folder again. */
static bool takes_root(const struct store_root *root, const char *full)
{
    return root->uploads ? !strcmp(root->path, full) : eng_path_below(root->path, full) != NULL;
}

static int remove_path(struct removal *r, const char *path, struct eye_err *err)
{
    const char *rel;
    uint64_t before = r->touched;
    enum eng_path_kind kind;
    char *full = eng_path_given(r->lib, path, false, &kind, err);
    if (!full) {
        return EYE_EINVAL;
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->nroots; i++) { /* this root, or roots below this folder */
        if (takes_root(&r->roots[i], full)) {
            r->files += r->roots[i].files;
            r->touched++;
            rc = store_root_remove(r->store, r->roots[i].id, err);
        }
    }
    const struct store_root *root = eng_root_of(r->roots, r->nroots, full, &rel);
    if (rc == 0 && root && rel[0]) {
        rc = remove_below(r, root->id, rel, err);
    }
    if (rc == 0 && r->touched == before) {
        rc = eye_fail(err, EYE_ENOTFOUND, "%s: nothing of it is in the library", full);
    }
    free(full);
    return rc;
}

static int remove_picture(struct removal *r, int64_t id, struct eye_err *err)
{
    char **paths = NULL;
    size_t n = 0, online;
    struct store_picture pic;
    int rc = store_picture_get(r->store, id, &pic, NULL);
    if (rc == EYE_ENOTFOUND) {
        return eye_fail(err, rc, "no picture with id %lld is in the library", (long long)id);
    }
    rc = store_picture_paths(r->store, id, &paths, &n, &online, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *rel = NULL;
        const struct store_root *root = eng_root_of(r->roots, r->nroots, paths[i], &rel);
        if (root) {
            rc = store_file_remove(r->store, root->id, rel, err);
            r->files++;
        }
    }
    store_strings_free(paths, n);
    if (rc == 0) {
        eng_thumbs_forget(r->lib, &pic.hash);
    }
    return rc;
}

static int remove_all(struct removal *r, const char *const *paths, size_t npaths,
                      const int64_t *ids, size_t nids, struct eye_err *err)
{
    int rc = store_begin(r->store, err);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < nids; i++) {
        rc = remove_picture(r, ids[i], err);
    }
    for (size_t i = 0; rc == 0 && i < npaths; i++) {
        rc = remove_path(r, paths[i], err);
        if (rc == 0) { /* roots may be gone now */
            store_roots_free(r->roots, r->nroots);
            r->roots = NULL;
            r->nroots = 0;
            rc = store_roots(r->store, &r->roots, &r->nroots, err);
        }
    }
    rc = rc < 0 ? rc : store_commit(r->store, err);
    if (rc < 0) {
        store_rollback(r->store);
    }
    return rc;
}

static bool takes_roots(const struct removal *r, const char *const *paths, size_t npaths)
{
    for (size_t i = 0; i < npaths; i++) {
        enum eng_path_kind kind;
        char *full = eng_path_given(r->lib, paths[i], false, &kind, NULL);
        for (size_t j = 0; full && j < r->nroots; j++) {
            if (takes_root(&r->roots[j], full)) {
                free(full);
                return true;
            }
        }
        free(full);
    }
    return false;
}

int eye_remove(eye_lib *lib, const char *const *paths, size_t npaths, const int64_t *ids,
               size_t nids, uint64_t *removed, struct eye_err *err)
{
    struct removal r = {.lib = lib};
    int lock = -1;
    int rc = eng_writable(lib, err);
    if (removed) {
        *removed = 0;
    }
    if (rc < 0) {
        return rc;
    }
    r.store = eng_store_get(lib, err);
    rc = r.store ? store_roots(r.store, &r.roots, &r.nroots, err) : EYE_EIO;
    if (rc == 0 && takes_roots(&r, paths, npaths)) {
        rc = eng_lock(lib, &lock, err);
    }
    rc = rc < 0 ? rc : remove_all(&r, paths, npaths, ids, nids, err);
    store_roots_free(r.roots, r.nroots);
    drop_rels(&r);
    eng_store_put(lib, r.store);
    eng_unlock(lock);
    if (rc == 0 && removed) {
        *removed = r.files;
    }
    return rc;
}
