/* fs.h - files and folders: map, read whole, write atomically, walk.
 * Paths are bytes, not text: any byte but NUL. Thread-safe. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

/* A file mapped read-only. `data` is NULL when len is 0. */
struct fs_map {
    const uint8_t *data;
    size_t len;
};
int fs_map_open(const char *path, struct fs_map *out, struct eye_err *err);
void fs_map_close(struct fs_map *map);

/* Whole regular file into `out` (appended); EYE_ELIMIT past out->max. */
int fs_read_all(const char *path, struct buf *out, struct eye_err *err);

/* Temp file in the same folder, write, fsync, rename, fsync of the folder. mode e.g. 0600. */
int fs_write_atomic(const char *path, const void *data, size_t len, unsigned mode,
                    struct eye_err *err);

/* mkdir -p with mode 0700 for what is made. 0 also when it exists as a folder. */
int fs_mkdirs(const char *path, struct eye_err *err);

/* Copy a regular file (atomic at the destination). */
int fs_copy(const char *from, const char *to, struct eye_err *err);

/* Copy of `dir` + "/" + `name` (no double slash; `name` absolute gives `name`). Yours to free. */
char *fs_join(const char *dir, const char *name, struct eye_err *err);

/* realpath(3). Yours to free. */
char *fs_real(const char *path, struct eye_err *err);

/* Open for reading without following a final symlink, without blocking on FIFOs and devices, close-on-exec.
 * Only regular files: others give EYE_EFORMAT "is a FIFO / socket / device / folder".
 * Returns the descriptor (yours to close) and its fstat in *st. */
int fs_open_regular(const char *path, struct stat *st, struct eye_err *err);

/* The same, but a final symlink is followed (as fs_map_open, fs_read_all, fs_copy and hash_file do). */
int fs_open_follow(const char *path, struct stat *st, struct eye_err *err);

enum fs_walk_event {
    FS_WALK_FILE,     /* a regular file; st is its lstat (or stat, if a followed symlink) */
    FS_WALK_DIR,      /* a folder about to be read; return 1 to skip what is below */
    FS_WALK_DIR_DONE, /* a folder that was read completely; `entries` tells how many names it had */
    FS_WALK_OTHER,    /* FIFO, socket, device, dangling or looping symlink; st may be NULL */
    FS_WALK_ERROR     /* could not be read: errnum; for a folder nothing below was seen */
};

struct fs_walk_item {
    enum fs_walk_event event;
    const char *path;      /* as reached: start path + "/" + ... */
    const struct stat *st; /* NULL for some FS_WALK_ERROR / OTHER */
    size_t entries;        /* FS_WALK_DIR_DONE */
    int errnum;            /* FS_WALK_ERROR */
    bool is_dir;           /* FS_WALK_ERROR: the thing was a folder */
};

/* Return 0 to go on, 1 to skip (FS_WALK_DIR), negative to stop: the walk returns that value. */
typedef int fs_walk_fn(void *ctx, const struct fs_walk_item *item, struct eye_err *err);

/* Depth first, names of a folder in byte order, at most 256 folders deep (deeper: FS_WALK_ERROR with
 * ENAMETOOLONG) and one open descriptor a level. Symlinks to files are followed and reported as
 * FS_WALK_FILE with the link's own path; symlinks to folders are not followed (reported as OTHER),
 * so there are no loops. A `start` that is itself a symlink is followed; one that cannot be reached
 * is an error of the walk (EYE_ENOTFOUND, EYE_EIO), not an item; a file is walked as one item.
 * A folder that cannot be read gives FS_WALK_DIR, then FS_WALK_ERROR, and no FS_WALK_DIR_DONE.
 * `path` may be longer than PATH_MAX; fs_open_* and fs_map_open, fs_read_all, hash_file take such paths. */
int fs_walk(const char *start, fs_walk_fn *fn, void *ctx, struct eye_err *err);

#endif
