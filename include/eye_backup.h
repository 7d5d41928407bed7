/* eye_backup.h - a library in a file: to be safe, and to go elsewhere.
 *
 * Included by eyeshine.h, whose rules hold. A backup is everything that cannot be computed again or is dear to: the database as of one
 * moment (taken while others read and write) and the uploaded pictures, with a manifest of SHA-256 sums, in one zip. An export is
 * for other machines and programs: text, one JSON object a line, paths relative to their roots, docs/EXPORT.md. */
#ifndef EYE_BACKUP_H
#define EYE_BACKUP_H

#ifndef EYESHINE_H
#error "include eyeshine.h, which includes this"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    /* bytes, or pictures; total 0: unknown. Non-zero stops (EYE_ECANCELLED): what was written is removed. */
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
} eye_backup_options;

/* `file` must not exist; it appears whole or not at all. EYE_EEXIST, EYE_EIO (disk full: says how much is needed). */
EYE_API int eye_backup(eye_lib *lib, const char *file, const eye_backup_options *options,
                       struct eye_err *err);
/* Into `library`, which must not exist or be empty; everything is checked against the manifest before any of it is put in place.
 * EYE_EEXIST, EYE_EBUSY (another restore to there), EYE_EFORMAT (not a backup, damaged, of a newer program: nothing is left behind). */
EYE_API int eye_restore(const char *file, const char *library, const eye_backup_options *options,
                        struct eye_err *err);
/* Look through a backup without restoring it. */
EYE_API int eye_backup_check(const char *file, const eye_backup_options *options,
                             struct eye_err *err);

/* All pictures, files and vectors of the model in use. `write`: non-zero stops (EYE_ECANCELLED). */
EYE_API int eye_export(eye_lib *lib, int (*write)(void *ctx, const void *bytes, size_t len),
                       void *ctx, const eye_backup_options *options, struct eye_err *err);

typedef struct {
    const char *from; /* root as it is called in the export: its path there, or its name */
    const char *to;   /* folder here */
} eye_root_map;

typedef struct {
    uint64_t pictures, files; /* new here */
    uint64_t
        known; /* pictures that were here already: they keep id, vector and files, and may get more files */
    uint64_t
        missing; /* of `files`, those that are not where they should be just now: kept; the next index
                          takes their root for offline, or removes them */
    uint64_t left_out; /* pictures whose every path shows another picture, or a failure, here */
} eye_import_counts;

/* Add what an export holds; `read` fills *len bytes of at most cap, 0 at the end, and returns non-zero when it cannot. Roots not in the map keep
 * their path. Vectors of another model than the library's, or a map that names no root: EYE_EINVAL. Somebody indexes: EYE_EBUSY. A line that is wrong:
 * EYE_EFORMAT with its number. Whatever fails, or is stopped: nothing of it stays. Others may search meanwhile, not write. On a server (options.store) what was
 * taken in before stays, and doing it again goes on from there. */
EYE_API int eye_import(eye_lib *lib, int (*read)(void *ctx, void *bytes, size_t cap, size_t *len),
                       void *ctx, const eye_root_map *map, size_t nmap,
                       const eye_backup_options *options, eye_import_counts *counts,
                       struct eye_err *err);

/* ---- from one store to another (docs/EXPORT.md) ---- */

typedef enum { EYE_MOVE_COPYING, EYE_MOVE_INDEXING, EYE_MOVE_CHECKING } eye_move_phase;

typedef struct {
    bool dry_run;  /* only count */
    size_t sample; /* pictures whose neighbours are compared at the end; 0: 100 */
    /* done of total pictures. waiting: as in eye_index_progress. Non-zero stops (EYE_ECANCELLED): what was copied is kept. May be NULL. */
    int (*progress)(void *ctx, eye_move_phase phase, uint64_t done, uint64_t total,
                    const char *waiting);
    void *ctx;
} eye_move_options;

typedef struct {
    uint64_t pictures, files, failures; /* written, or (dry run) to be written */
    uint64_t known;                     /* pictures that were there with all their files */
    uint64_t missing;       /* pictures of `from` that `to` does not have, looked for at the end */
    uint64_t here, there;   /* pictures in all: in `from`, and in `to` at the end */
    size_t asked, compared; /* pictures whose neighbours were asked for; neighbours compared */
    double
        same; /* share of the neighbours that are the same in both: 1 unless the index is approximate */
} eye_move_counts;

/* Copy all pictures with their vectors, files, roots and failures into another library; what is there already is left out, so a copy that was stopped
 * goes on. No original is opened, paths stay as they are. Both may be of any kind of store; `to` gets the model of `from` if it has none (another:
 * EYE_EINVAL). At the end it is looked whether all of it is there, and some pictures' neighbours are compared. Somebody indexes: EYE_EBUSY. */
EYE_API int eye_move(eye_lib *from, eye_lib *to, const eye_move_options *options,
                     eye_move_counts *counts, struct eye_err *err);

#ifdef __cplusplus
}
#endif
#endif
