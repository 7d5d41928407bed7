/* store.h - what survives a restart: pictures, where their files are, embeddings, failures, settings.
 *
 * A picture's identity is its content (SHA-256): the same bytes at three paths are one picture with three
 * files and one embedding; a renamed file keeps its picture. The embedded store is SQLite in WAL mode,
 * one database `library.db` in the library's folder, and is the truth: everything else can be rebuilt from it.
 *
 * Thread rule: a struct store may be used from one thread at a time; open one a thread (cheap). Writers take turns through
 * SQLite's lock (30 s, then EYE_EBUSY); readers never wait for writers. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "vector/vector.h"

struct store;

struct store_picture {
    int64_t id;
    struct hash hash;
    uint64_t size;     /* bytes */
    int width, height; /* upright, pixels */
    char format[12];   /* "jpeg" ... */
    int64_t taken_at;  /* seconds since 1970; INT64_MIN if unknown */
    char camera[96];
    bool has_gps;
    double lat, lon;
    int64_t added_at; /* seconds since 1970, UTC */
};

/* Where a file is: a root (folder given to `index`, absolute) and a path below it without leading slash.
 * Paths are bytes. */
struct store_file {
    int64_t picture; /* 0 for a failure */
    int64_t root;
    const char *rel; /* borrowed */
    uint64_t size;
    int64_t mtime_ns;
};

struct store_root {
    int64_t id;
    char *path;        /* absolute */
    bool offline;      /* as the last scan saw it */
    int64_t last_scan; /* seconds since 1970; 0: never finished */
    uint64_t files, failures;
};

struct store_failure {
    int64_t root;
    const char *rel; /* borrowed */
    uint64_t size;
    int64_t mtime_ns;
    int code;           /* EYE_E... */
    const char *reason; /* borrowed; one sentence */
    int64_t at;         /* seconds since 1970 */
    int attempts;
};

struct store_stats {
    uint64_t pictures, files, failures, roots, bytes; /* bytes of the database */
    uint64_t embedded;                                /* pictures that have a vector of `model` */
};

/* Open or create the library in folder `dir` (made if `create`). EYE_ENOTFOUND without it;
 * EYE_EFORMAT when library.db is not ours, is damaged or is newer than this program. */
struct store *store_open(const char *dir, bool create, bool read_only, struct eye_err *err);
void store_close(struct store *s);

/* Transactions may not nest. Everything that changes the library runs in one; a change outside makes one for itself.
 * Once a change fails because of the database (disk full, damage ...) the transaction is broken: further changes and the
 * commit fail too, and nothing of it stays. A failed commit has rolled back. Refusals (EYE_EINVAL, EYE_ENOTFOUND) break nothing. */
int store_begin(struct store *s, struct eye_err *err);
int store_commit(struct store *s, struct eye_err *err);
void store_rollback(struct store *s);

/* ---- settings: small strings by key ---- */
int store_setting(struct store *s, const char *key, char **value,
                  struct eye_err *err); /* NULL if unset; yours */
int store_setting_set(struct store *s, const char *key, const char *value,
                      struct eye_err *err); /* NULL unsets */

/* ---- models: a small number for a fingerprint ---- */
int store_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                bool create, int64_t *model,
                struct eye_err *err); /* EYE_ENOTFOUND without create */

/* ---- roots ---- */
int store_roots(struct store *s, struct store_root **roots, size_t *n,
                struct eye_err *err); /* by path */
void store_roots_free(struct store_root *roots, size_t n);
/* The root at exactly `path`, made if absent. Roots below it are absorbed: their files become files of the new
 * root with longer relative paths, keeping pictures and failures; one that was offline becomes a mount of the new root.
 * EYE_EINVAL: `path` is not absolute or ends in a slash. */
int store_root_add(struct store *s, const char *path, int64_t *root, struct eye_err *err);
int store_root_state(struct store *s, int64_t root, bool offline, int64_t last_scan,
                     struct eye_err *err);
int store_root_remove(struct store *s, int64_t root,
                      struct eye_err *err); /* its files and failures go too */
/* Folders inside a root that were on another file system than their parent when last scanned. */
int store_mounts(struct store *s, int64_t root, char ***rels, size_t *n,
                 struct eye_err *err); /* NULL-terminated, yours: store_strings_free */
int store_mount_set(struct store *s, int64_t root, const char *rel, bool mounted,
                    struct eye_err *err);
void store_strings_free(char **strings, size_t n);

/* ---- files and pictures ---- */

/* Every file and failure of a root whose rel is `under` or lies below it ("" = all), in byte order of rel. fn: 0 to go on, else stop and return
 * that. `failure` is NULL for a good file. fn may change the library (also the rows it is shown):
 * rows are read ahead in pages of 512, so one may be shown as it was a moment ago. */
typedef int store_file_fn(void *ctx, const struct store_file *f,
                          const struct store_failure *failure);
int store_each_file(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                    struct eye_err *err);

/* Picture with these bytes; EYE_ENOTFOUND. *has_vector tells if it has an embedding of `model`. */
int store_picture_by_hash(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                          bool *has_vector, struct eye_err *err);
int store_picture_get(struct store *s, int64_t id, struct store_picture *out,
                      struct eye_err *err); /* EYE_ENOTFOUND */
/* Absolute paths of a picture's files, those on online roots first, then byte order; yours: store_strings_free. *online: how many of them come first. */
int store_picture_paths(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                        struct eye_err *err);
int store_picture_at(struct store *s, int64_t root, const char *rel, int64_t *id,
                     struct eye_err *err); /* EYE_ENOTFOUND */

/* Insert the picture (p->id ignored) or find it by hash; then its vector [dim] fp16 of `model` (NULL: none yet). *id gets its id. */
int store_put(struct store *s, const struct store_picture *p, int64_t model, const uint16_t *vector,
              int dim, int64_t *id, struct eye_err *err);
/* Say that `f` (root, rel, size, mtime) shows picture f->picture. Replaces what was known of that path, a failure included;
 * a picture that loses its last file by this is removed with its vectors (so for a rename: set the new path first,
 * then remove the old one). EYE_ENOTFOUND: no such root or picture. */
int store_file_set(struct store *s, const struct store_file *f, struct eye_err *err);
/* Refresh size and mtime only (content unchanged). */
int store_file_touch(struct store *s, const struct store_file *f, struct eye_err *err);
int store_file_remove(struct store *s, int64_t root, const char *rel,
                      struct eye_err *err); /* file or failure; orphaned picture too; 0 if absent */
int store_failure_set(struct store *s, const struct store_failure *f,
                      struct eye_err *err); /* replaces a file at that path; counts attempts */

/* Pictures that have at least one file but no vector of `model`, ids ascending, from `after` on, at most `max`. */
int store_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                     size_t *n, struct eye_err *err);
int store_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                     int dim, struct eye_err *err);

/* ---- search ---- */
/* All vectors of `model` into a new set, in one sequential read. */
struct vector_set *store_load_vectors(struct store *s, int64_t model, int dim, struct eye_err *err);
/* A number that changes whenever vectors were added or removed by anyone, to know when a loaded set is stale: ask before loading. */
int store_generation(struct store *s, int64_t *generation, struct eye_err *err);

int store_stats(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err);

/* Check the database: integrity_check, foreign keys, vectors of the right length and finite, no picture without file, no
 * file without picture. One call a finding; *findings counts them. */
int store_verify(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                 size_t *findings, struct eye_err *err);

#endif
