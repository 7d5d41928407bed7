/* archive.h - zip files: unpacking what a stranger sends, packing originals for download, and reading back what was packed here.
 *
 * Unpacking happens in a process of its own under the same sandbox as the decoders (libarchive meets hostile bytes there); this
 * side checks every length it is told. Thread rule: any thread. */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct unzip_limits {
    uint64_t max_entries, max_entry_bytes, max_total_bytes;
    double max_ratio; /* unpacked to packed, over the whole file, once 16 MiB are out: a bomb */
    int max_seconds;
};
/* 100,000 entries, 512 MiB, 64 GiB, 200, 3600 s */
extern const struct unzip_limits unzip_limits_default;

/* Called for each regular file inside, in order: begin (name: raw bytes, NUL-terminated, NOT trusted: may hold ../; return
 * non-zero to skip this file), data pieces, end (whole: false when it was cut by a limit, damaged or encrypted, `reason` says why;
 * NULL if whole). What was begun is always ended, also when everything stops. */
struct unzip_sink {
    int (*begin)(void *ctx, const char *name, uint64_t size);
    int (*data)(void *ctx, const void *bytes, size_t len); /* negative: stop all, returned */
    int (*end)(void *ctx, bool whole, const char *reason); /* likewise */
    void *ctx;
};
/* fd: a regular file. Files inside that are damaged do not stop it. EYE_EFORMAT (no zip, damaged, encrypted), EYE_ELIMIT (a bomb, too many), EYE_EREMOTE (the process died). */
int archive_unzip(int fd, const struct unzip_limits *limits, const struct unzip_sink *sink,
                  struct eye_err *err);
bool archive_is_zip(const void *head, size_t len); /* by the first 4 bytes */

struct zip_writer;
/* `write` gets the zip piece by piece; its non-zero return stops everything (EYE_ECANCELLED). */
struct zip_writer *zip_new(int (*write)(void *ctx, const void *bytes, size_t len), void *ctx,
                           struct eye_err *err);
/* `size` bytes from offset 0. EYE_EFORMAT: they could not be read to the end; what the zip has of it is incomplete, but
 * the zip itself is sound and can go on. Names are UTF-8 (EYE_EINVAL); a mtime of 0 is fine. Other codes: the zip is lost. */
int zip_add_fd(struct zip_writer *z, const char *name, int fd, uint64_t size, int64_t mtime,
               struct eye_err *err);
/* The same, and *hash is the SHA-256 of what went in. */
int zip_add_hashed(struct zip_writer *z, const char *name, int fd, uint64_t size, int64_t mtime,
                   struct hash *hash, struct eye_err *err);
int zip_add_bytes(struct zip_writer *z, const char *name, const void *bytes, size_t len,
                  struct eye_err *err);
int zip_finish(struct zip_writer *z, struct eye_err *err);
void zip_free(struct zip_writer *z);

/* Reading what zip_writer wrote, and nothing else: files stored as they are, in the directory's order, one behind the other from
 * the first byte to the directory, which ends the file. So no two files overlap, nothing is hidden between them, and all of
 * it together is no larger than the zip. What the bytes are is for the caller to check. Thread rule: one thread at a time. */
struct zip_reader;
struct zip_part {
    const char *name;  /* raw bytes, NUL-terminated, NOT trusted; until the next zip_next */
    uint64_t at, size; /* of its bytes, in the file */
    uint32_t crc;      /* as the zip has it */
};
/* fd: a regular file, which stays yours. EYE_EFORMAT: no zip, cut short, or not one of ours. */
struct zip_reader *zip_open(int fd, struct eye_err *err);
void zip_close(struct zip_reader *r);
uint64_t zip_count(const struct zip_reader *r); /* parts, as the zip says */
void zip_rewind(struct zip_reader *r);
/* The next part: 1; 0 after the last, when there are as many as the zip says and they fill it. EYE_EFORMAT, EYE_EIO. */
int zip_next(struct zip_reader *r, struct zip_part *part, struct eye_err *err);
/* len bytes of the part from `from` on, which must be there. */
int zip_read(const struct zip_reader *r, const struct zip_part *part, uint64_t from, void *bytes,
             size_t len, struct eye_err *err);
uint32_t zip_crc(const void *bytes, size_t len); /* what `crc` should be */

#endif
