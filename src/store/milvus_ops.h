/* milvus_ops.h - the catalogue part (ops.h) on a Milvus server: store.h's functions under their names here, by the file that has them. */
#ifndef STORE_MILVUS_OPS_H
#define STORE_MILVUS_OPS_H

#include "store/ops.h"

/* ---- milvus_store.c ---- */
int milvus_begin(struct store *s, struct eye_err *err);
int milvus_commit(struct store *s, struct eye_err *err);
void milvus_rollback(struct store *s);
int milvus_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                 bool create, int64_t *model, struct eye_err *err);

/* ---- milvus_get.c ---- */
int milvus_picture_by_hash(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                           bool *has_vector, struct eye_err *err);
int milvus_picture_get(struct store *s, int64_t id, struct store_picture *out, struct eye_err *err);
int milvus_picture_paths(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                         struct eye_err *err);
int milvus_picture_at(struct store *s, int64_t root, const char *rel, int64_t *id,
                      struct eye_err *err);
int milvus_places(struct store *s, int64_t id, struct store_place **places, size_t *n,
                  struct eye_err *err);
int milvus_file_of(struct store *s, int64_t picture, int64_t root, const char *not_rel, char **rel,
                   struct eye_err *err);
int milvus_record_get(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                      struct store_record *out, struct eye_err *err);
int milvus_file_known(struct store *s, int64_t root, const char *rel, bool *known,
                      struct eye_err *err);
int milvus_mosaic(struct store *s, int64_t picture, uint8_t mosaic[STORE_MOSAIC],
                  struct eye_err *err);
int milvus_has_vector(struct store *s, int64_t picture, int64_t model, bool *has,
                      struct eye_err *err);

/* ---- milvus_put.c ---- */
int milvus_put(struct store *s, const struct store_picture *p, int64_t model,
               const uint16_t *vector, int dim, int64_t *id, struct eye_err *err);
int milvus_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                      int dim, struct eye_err *err);
int milvus_look_set(struct store *s, int64_t picture, uint64_t phash,
                    const uint8_t mosaic[STORE_MOSAIC], struct eye_err *err);
int milvus_file_set(struct store *s, const struct store_file *f, struct eye_err *err);
int milvus_file_touch(struct store *s, const struct store_file *f, struct eye_err *err);
int milvus_file_remove(struct store *s, int64_t root, const char *rel, struct eye_err *err);
int milvus_failure_set(struct store *s, const struct store_failure *f, struct eye_err *err);

/* ---- milvus_roots.c ---- */
int milvus_roots(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err);
int milvus_roots_brief(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err);
int milvus_root_add(struct store *s, const char *path, int64_t *root, struct eye_err *err);
int milvus_root_add_files(struct store *s, const char *path, int64_t *root, struct eye_err *err);
int milvus_root_uploads(struct store *s, const char *path, int64_t *root, struct eye_err *err);
int milvus_root_state(struct store *s, int64_t root, bool offline, int64_t last_scan,
                      struct eye_err *err);
int milvus_root_remove(struct store *s, int64_t root, struct eye_err *err);
int milvus_mounts(struct store *s, int64_t root, char ***rels, size_t *n, struct eye_err *err);
int milvus_mount_set(struct store *s, int64_t root, const char *rel, bool mounted,
                     struct eye_err *err);

/* ---- milvus_files.c ---- */
int milvus_each_file(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                     struct eye_err *err);
int milvus_copied(struct store *s, int64_t **ids, size_t *n, struct eye_err *err);

/* ---- milvus_lists.c ---- */
int milvus_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err);
int milvus_unseen(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err);
int milvus_unseen_count(struct store *s, uint64_t *count, struct eye_err *err);
int milvus_looks(struct store *s, struct store_look **looks, size_t *n, struct eye_err *err);
int milvus_vector_rows(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                       uint16_t *out, bool *there, struct eye_err *err);
int milvus_vectors_after(struct store *s, int64_t model, int dim, int64_t after, int64_t *ids,
                         uint16_t *rows, size_t max, size_t *n, struct eye_err *err);
int milvus_vector_ids(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                      size_t *n, struct eye_err *err);
struct vector_set *milvus_load_vectors(struct store *s, int64_t model, int dim,
                                       struct eye_err *err);
int milvus_pictures_after(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                          struct eye_err *err);

/* ---- milvus_count.c ---- */
int milvus_pictures(struct store *s, uint64_t *n, struct eye_err *err);
int milvus_stats(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err);
int milvus_generation(struct store *s, int64_t *generation, struct eye_err *err);
int milvus_verify(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                  size_t *findings, struct eye_err *err);

/* ---- milvus_gather.c ---- */
int milvus_gather(struct store *s, const int64_t *ids, size_t n, bool vectors, struct eye_err *err);
int milvus_gather_hashes(struct store *s, const struct hash *hashes, size_t n, struct eye_err *err);
int milvus_gather_files(struct store *s, const struct store_file *files, size_t n,
                        struct eye_err *err);
void milvus_forget(struct store *s);

/* ---- milvus_where.c, milvus_newest.c, milvus_search.c, milvus_index.c ---- */
int milvus_where(struct store *s, const struct store_where *w, int64_t *generation, int64_t **ids,
                 size_t *n, struct eye_err *err);
int milvus_where_count(struct store *s, const struct store_where *where, uint64_t *n,
                       struct eye_err *err);
int milvus_newest(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                  struct eye_err *err);
int milvus_newest_where(struct store *s, const struct store_where *where, int64_t before_at,
                        int64_t before_id, int64_t *ids, int64_t *ats, size_t max, size_t *n,
                        struct eye_err *err);
int milvus_search(struct store *s, int64_t model, const struct store_where *where, bool exact,
                  struct vector_ask *asks, size_t n, struct eye_err *err);
int milvus_settle(struct store *s, struct eye_err *err);

extern const struct store_ops milvus_ops;

#endif
