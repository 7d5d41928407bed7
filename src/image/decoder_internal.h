/* decoder_internal.h - between the files of the decoder (decoder*.c) and its test; nobody else.
 *
 *     program (threads)            nursery (one thread)             worker (sandboxed)
 *     decoder.c  ── spawn, end ──► base/nursery.c ─────── fork ──► decoder_worker.c
 *         └────────── file descriptor ─►, ◄─ answer, pixels ────────────┘
 *
 * base/wire.c moves the bytes, decoder_wire.c judges them, base/sandbox.c shuts the worker in. */
#ifndef IMAGE_DECODER_INTERNAL_H
#define IMAGE_DECODER_INTERNAL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/sandbox.h"
#include "base/wire.h"
#include "image/image.h"

/* What a worker does with an open file of `size` bytes: decoder_job_picture(), or a misbehaving one in tests
 * (children inherit the pointer by fork). Gives prep->width x prep->height pixels. */
typedef int decoder_job(int fd, uint64_t size, const struct image_limits *limits,
                        const struct image_prep *prep, struct image *out, struct image_meta *meta,
                        struct eye_err *err);
decoder_job decoder_job_picture;
/* The other task: a WebP that fits into side x side pixels, appended to `webp`. */
typedef int decoder_thumb_job(int fd, uint64_t size, const struct image_limits *limits, int side,
                              struct buf *webp, struct image_meta *meta, struct eye_err *err);
decoder_thumb_job decoder_job_thumbnail;

struct decoder_config {
    struct image_limits limits;
    decoder_job *job;
    decoder_thumb_job *thumb_job;
    bool seccomp; /* false: EYESHINE_SANDBOX=off */
};

/* decoder_open() with another job, or others for both tasks. */
struct decoder_pool *decoder_open_job(decoder_job *job, int nworkers,
                                      const struct image_limits *limits, struct eye_err *err);
struct decoder_pool *decoder_open_jobs(decoder_job *job, decoder_thumb_job *thumb_job, int nworkers,
                                       const struct image_limits *limits, struct eye_err *err);

/* ---- decoder_worker.c ---- */

/* Life of a worker, from just after the fork. config: its struct decoder_config. */
void decoder_worker(const void *config);

/* ---- decoder_wire.c ---- */

enum { DECODER_READY = 0x65796531, DECODER_ANSWER = 0x65796532 };

struct decoder_ask {
    uint64_t size;
    int32_t side; /* of a thumbnail; 0: pixels as `prep` wants them */
    struct image_prep prep;
};

/* Only integers and bytes of fixed width: a bool or enum with a value of its own would be undefined
 * behaviour in the program as soon as it is read. If code is 0, the pixels or the `bytes` of a thumbnail follow. */
struct decoder_answer {
    uint32_t magic;
    int32_t code;
    int32_t format, width, height, orientation;
    int64_t taken_at;
    double lat, lon;
    struct image_look look;
    uint32_t has_gps, bytes;
    char camera[96];
    char msg[EYE_ERR_MSG_MAX];
};

void wire_pack(const struct image_meta *meta, struct decoder_answer *out);
/* Believes nothing: fields out of range make it fail with EYE_EREMOTE. */
int wire_unpack(const struct decoder_answer *in, const struct image_limits *limits,
                struct image_meta *out, struct eye_err *err);

/* The most bytes that a thumbnail of this side may have; noise comes to a quarter of it. */
static inline size_t wire_webp_max(int side)
{
    return 4096 + 3 * (size_t)side * (size_t)side;
}
/* True if the bytes are one plain lossy WebP of at most side x side pixels, by its header. */
bool wire_webp_ok(const uint8_t *data, size_t len, int side);

#endif
