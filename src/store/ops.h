/* ops.h - the catalogue part of a store as a table, so that it may be SQLite in this folder or a Milvus server.
 *
 * What each function does, returns and refuses is store.h's contract of store_<the same name>; the public functions (store.c) do nothing but call
 * these. The node part (settings, jobs, items, keys, segments, log, read_begin, backup, layout) is always SQLite and not here.
 *
 * What every implementation keeps:
 *  - A picture is its content hash. put of a known hash gives the id there is, keeps its row, and adds a look that was missing.
 *  - A path (root, rel) has one row: a file or a failure, whichever was said last.
 *  - A picture that loses its last file goes with its vectors, in the same commit, whatever took the file (set, failure, remove,
 *    root_remove); one that was put and got no file yet stays.
 *  - A handle sees what it wrote, at once and inside its transaction; a rollback leaves nothing of it. A commit that returns 0 survives the process.
 *    What others commit is seen when they have committed: SQLite at once, a server within its consistency's time.
 *  - begin..commit: the node part's changes on this handle join in; they are committed last, so they never tell of what is not there.
 *  - Refusals (EYE_EINVAL, EYE_ENOTFOUND) break no transaction; any other failure of a change breaks it.
 *  - Results that store.h calls ordered are ordered; what is handed out is the caller's. Callbacks may use the same handle.
 *  - Ids are positive and fit a JSON number (below 2^53). Model numbers are positive.
 *  - Bytes of paths come back as they went in, whatever they are. */
#ifndef STORE_OPS_H
#define STORE_OPS_H

#include "store/store.h"

struct store_ops {
    int (*begin)(struct store *s, struct eye_err *err);
    int (*commit)(struct store *s, struct eye_err *err);
    void (*rollback)(struct store *s);
    int (*model)(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                 bool create, int64_t *model, struct eye_err *err);
    int (*roots)(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err);
    int (*roots_brief)(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err);
    int (*root_add)(struct store *s, const char *path, int64_t *root, struct eye_err *err);
    int (*root_add_files)(struct store *s, const char *path, int64_t *root, struct eye_err *err);
    int (*root_uploads)(struct store *s, const char *path, int64_t *root, struct eye_err *err);
    int (*root_state)(struct store *s, int64_t root, bool offline, int64_t last_scan,
                      struct eye_err *err);
    int (*root_remove)(struct store *s, int64_t root, struct eye_err *err);
    int (*mounts)(struct store *s, int64_t root, char ***rels, size_t *n, struct eye_err *err);
    int (*mount_set)(struct store *s, int64_t root, const char *rel, bool mounted,
                     struct eye_err *err);
    int (*each_file)(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                     struct eye_err *err);
    int (*picture_by_hash)(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                           bool *has_vector, struct eye_err *err);
    int (*picture_get)(struct store *s, int64_t id, struct store_picture *out, struct eye_err *err);
    int (*picture_paths)(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                         struct eye_err *err);
    int (*picture_at)(struct store *s, int64_t root, const char *rel, int64_t *id,
                      struct eye_err *err);
    int (*put)(struct store *s, const struct store_picture *p, int64_t model,
               const uint16_t *vector, int dim, int64_t *id, struct eye_err *err);
    int (*file_set)(struct store *s, const struct store_file *f, struct eye_err *err);
    int (*file_touch)(struct store *s, const struct store_file *f, struct eye_err *err);
    int (*file_remove)(struct store *s, int64_t root, const char *rel, struct eye_err *err);
    int (*failure_set)(struct store *s, const struct store_failure *f, struct eye_err *err);
    int (*unembedded)(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err);
    int (*has_vector)(struct store *s, int64_t picture, int64_t model, bool *has,
                      struct eye_err *err);
    int (*vector_put)(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                      int dim, struct eye_err *err);
    int (*look_set)(struct store *s, int64_t picture, uint64_t phash,
                    const uint8_t mosaic[STORE_MOSAIC], struct eye_err *err);
    int (*unseen)(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err);
    int (*unseen_count)(struct store *s, uint64_t *count, struct eye_err *err);
    int (*mosaic)(struct store *s, int64_t picture, uint8_t mosaic[STORE_MOSAIC],
                  struct eye_err *err);
    int (*looks)(struct store *s, struct store_look **looks, size_t *n, struct eye_err *err);
    int (*copied)(struct store *s, int64_t **ids, size_t *n, struct eye_err *err);
    int (*file_of)(struct store *s, int64_t picture, int64_t root, const char *not_rel, char **rel,
                   struct eye_err *err);
    int (*where)(struct store *s, const struct store_where *w, int64_t *generation, int64_t **ids,
                 size_t *n, struct eye_err *err);
    int (*generation)(struct store *s, int64_t *generation, struct eye_err *err);
    int (*count)(struct store *s, uint64_t *n, struct eye_err *err);
    int (*newest)(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err);
    int (*places)(struct store *s, int64_t id, struct store_place **places, size_t *n,
                  struct eye_err *err);
    struct vector_set *(*load_vectors)(struct store *s, int64_t model, int dim,
                                       struct eye_err *err);
    int (*vector_rows)(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                       uint16_t *out, bool *there, struct eye_err *err);
    int (*vectors_after)(struct store *s, int64_t model, int dim, int64_t after, int64_t *ids,
                         uint16_t *rows, size_t max, size_t *n, struct eye_err *err);
    int (*vector_ids)(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err);
    int (*stats)(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err);
    int (*pictures_after)(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                          struct eye_err *err);
    int (*record_get)(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                      struct store_record *out, struct eye_err *err);
    int (*file_known)(struct store *s, int64_t root, const char *rel, bool *known,
                      struct eye_err *err);
    int (*verify)(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                  size_t *findings, struct eye_err *err);
    int (*search)(struct store *s, int64_t model, const struct store_where *where, bool exact,
                  struct vector_ask *asks, size_t n, struct eye_err *err);
    int (*where_count)(struct store *s, const struct store_where *where, uint64_t *n,
                       struct eye_err *err);
    int (*newest_where)(struct store *s, const struct store_where *where, int64_t before_at,
                        int64_t before_id, int64_t *ids, int64_t *ats, size_t max, size_t *n,
                        struct eye_err *err);
    /* These and all below may be NULL: nothing to do. */
    int (*gather)(struct store *s, const int64_t *ids, size_t n, bool vectors, struct eye_err *err);
    int (*gather_hashes)(struct store *s, const struct hash *hashes, size_t n, struct eye_err *err);
    int (*gather_files)(struct store *s, const struct store_file *files, size_t n,
                        struct eye_err *err);
    void (*forget)(struct store *s); /* what was gathered: the handle is put back */
    int (*settle)(struct store *s, struct eye_err *err);
    void (*close)(
        struct store *
            s); /* what the implementation keeps for the handle; the node part is closed after it */
};

extern const struct store_ops sqlite_ops;

/* What the implementation keeps for this handle (NULL for SQLite). */
void *store_part(const struct store *s);

#endif
