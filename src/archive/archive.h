/* archive.h - zip files: unpacking what a stranger sends, and packing originals for download.
 *
 * Unpacking happens in a process of its own under the same sandbox as the decoders (libarchive meets hostile bytes there); this
 * side checks every length it is told. Thread rule: any thread. */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

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
int zip_add_bytes(struct zip_writer *z, const char *name, const void *bytes, size_t len,
                  struct eye_err *err);
int zip_finish(struct zip_writer *z, struct eye_err *err);
void zip_free(struct zip_writer *z);

#endif
