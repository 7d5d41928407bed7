/* backup.h - what a backup looks like inside, for those who write, check and restore one.
 *
 * One zip, everything stored as it is, in this order:
 *   library.db       the database as of one moment
 *   uploads/...      the uploaded files that it names, ascending by path; uploads.hex/... for paths that are not UTF-8
 *   SHA256SUMS       of all of the above, as sha256sum(1) writes and checks it
 *   manifest.json    what it is, counts, size and SHA-256 of library.db and of SHA256SUMS
 * The manifest vouches for the sums and they for each file; so millions of uploads are checked with one line in memory. */
#ifndef ENGINE_BACKUP_H
#define ENGINE_BACKUP_H

#include "archive/archive.h"
#include "engine/engine.h"

#define BACKUP_DATABASE "library.db"
#define BACKUP_SUMS "SHA256SUMS"
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_DIR "uploads/"
#define BACKUP_HEX_DIR "uploads.hex/"

enum { BACKUP_FORMAT = 1, BACKUP_MANIFEST_MAX = 1 << 20, BACKUP_NAME_MAX = 4096 };

struct backup_manifest {
    int format, layout; /* layout: of the database's tables */
    char program[32], date[32];
    char model[256]; /* the library's choice; "": none so far */
    bool has_fingerprint;
    struct hash fingerprint, database_hash, sums_hash;
    uint64_t database_bytes, sums_bytes;
    uint64_t uploads, upload_bytes,
        uploads_missing;                       /* missing: named by the database, and not there */
    uint64_t pictures, files, failures, roots; /* of the database */
};

/* ---- backup_format.c ---- */
int backup_manifest_write(const struct backup_manifest *m, struct buf *out, struct eye_err *err);
/* EYE_EFORMAT: not a manifest, or of a newer program. */
int backup_manifest_read(const char *text, size_t len, struct backup_manifest *m,
                         struct eye_err *err);
/* A line of SHA256SUMS, with its line feed, appended. */
int backup_sum_line(const struct hash *hash, const char *name, struct buf *out,
                    struct eye_err *err);
/* The part that holds the uploaded file `rel`, and back: false when it is none, or a path that leads anywhere but below. */
int backup_part_name(const char *rel, struct buf *out, struct eye_err *err);
bool backup_part_rel(const char *name, struct buf *rel);
/* Is it a path below a folder: no empty part, no ".", no "..", not too long? */
bool backup_rel_ok(const char *rel);

/* ---- backup_work.c: the folder in which something is made ---- */
/* Made new, or taken over from a process that died: then what it left is removed, and only that. EYE_EBUSY: that one is alive.
 * EYE_EEXIST: something else is in the way. *fd holds it. */
int backup_work_open(const char *path, int *fd, struct eye_err *err);
void backup_work_close(const char *path,
                       int fd);  /* with all that is in it; fd -1: nothing happens */
void backup_work_clean(int fd);  /* all of ours that is in it */
void backup_work_unmark(int fd); /* it has become something else, and stays */
/* EYE_EIO unless the disk that `path` lies on has so many bytes free; `what` needs them ("the backup"). */
int backup_space(const char *path, uint64_t need, const char *what, struct eye_err *err);
int backup_sync_folder(const char *path, struct eye_err *err);
/* The folder that holds `path`; yours. */
char *backup_parent(const char *path, struct eye_err *err);

/* ---- backup_read.c ---- */
struct backup_reader {
    struct zip_reader *zip;
    struct backup_manifest manifest;
    struct zip_part sums; /* without its name */
    int out;              /* folder that everything is written to; -1: it is only looked at */
    const eye_backup_options *options;
    uint64_t done, total; /* bytes */
};
/* Opens it and reads its manifest and the list of its parts: all but the parts' bytes. EYE_EFORMAT. */
int backup_reader_open(struct backup_reader *r, int fd, const eye_backup_options *options,
                       struct eye_err *err);
/* Reads every part and compares it; with `out` writes them there as they come. */
int backup_reader_check(struct backup_reader *r, struct eye_err *err);
void backup_reader_close(struct backup_reader *r);

#endif
