/* unzip.h - between unzip.c, unzip_child.c and their tests.
 *
 *     program               nursery                     sandboxed child
 *     unzip.c  ── file ──► base/nursery.c ─── fork ──► unzip_child.c (libarchive)
 *        └───────── 'k'eep / 's'kip ──►, ◄── frames ──────┘
 */
#ifndef ARCHIVE_UNZIP_H
#define ARCHIVE_UNZIP_H

#include "archive/archive.h"

/* What the child says: READY, then for each file ENTRY DATA ... END, and DONE. `len` bytes follow each frame. An ENTRY that
 * waits is answered with 'k'; or with 's', then nothing more of that file comes. Small files are not waited for: the program
 * throws away what it does not want, and 70,000 of them do not cost 70,000 changes of process. */
enum unzip_kind {
    UNZIP_READY = 0x7a697031, /* code: that of the sandbox, text */
    UNZIP_ENTRY,              /* size, waits, name */
    UNZIP_DATA,               /* bytes */
    UNZIP_END,                /* code 0: whole; else text */
    UNZIP_DONE                /* code 0: the zip was read to its end; else text */
};

struct unzip_frame {
    uint32_t kind;
    int32_t code;
    uint32_t len, waits;
    uint64_t size; /* as the zip says; 0 if it does not */
};

enum {
    UNZIP_TEXT_MAX = 65536, /* after any frame */
    UNZIP_WAIT_FROM = 256 << 10,
    UNZIP_ROOM = 2 * UNZIP_TEXT_MAX,
    UNZIP_MEMORY_MIB = 256
};

/* Frames on their way to the program. */
struct unzip_voice {
    size_t len;
    uint8_t bytes[UNZIP_ROOM];
};
/* False when the program is gone. bytes: at most UNZIP_TEXT_MAX. */
bool unzip_say(struct unzip_voice *v, const struct unzip_frame *frame, const void *bytes);
bool unzip_flush(struct unzip_voice *v);

/* What the child does between READY and its end with the zip at SANDBOX_FILE. */
typedef void unzip_job(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size);
unzip_job unzip_job_zip;

/* archive_unzip with another job, for tests. */
int archive_unzip_job(unzip_job *job, int fd, const struct unzip_limits *limits,
                      const struct unzip_sink *sink, struct eye_err *err);

/* The child's life, from just after the fork, with the zip at SANDBOX_FILE. order: a struct unzip_order. */
struct unzip_order {
    unzip_job *job;
    struct unzip_limits limits;
    int64_t size; /* of the zip */
    bool seccomp;
};
void unzip_child(const void *order);

#endif
