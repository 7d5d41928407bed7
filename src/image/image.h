/* image.h - bytes of a picture file to the upright RGB pixels that a person sees.
 *
 * Hostile bytes meet C here, so the program decodes only through a decoder_pool:
 * worker processes under rlimits and seccomp, which are handed an open file and give
 * back pixels. image_decode() is the in-process piece that those workers, the tests and the fuzzers call. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum image_format {
    IMAGE_UNKNOWN,
    IMAGE_JPEG,
    IMAGE_PNG,
    IMAGE_WEBP,
    IMAGE_GIF,
    IMAGE_TIFF,
    IMAGE_BMP,
    IMAGE_HEIC,
    IMAGE_AVIF
};

/* 8-bit RGB, rows top to bottom without padding: rgb is [height, width, 3]. */
struct image {
    int width, height;
    uint8_t *rgb;
};

/* How a picture looks (look.c). */
enum { IMAGE_MOSAIC = 96 };
#define IMAGE_PHASH_NONE UINT64_C(0)
struct image_look {
    uint64_t
        phash; /* of pictures that look the same few of 64 bits differ; 32 are set. IMAGE_PHASH_NONE: blank, or next to it */
    uint8_t mosaic[IMAGE_MOSAIC]; /* brightness and colour of its parts */
};

/* What is known of a picture beside its pixels. Plain data: crosses the process wall by copy. */
struct image_meta {
    enum image_format format;
    int width, height; /* full size, upright (after orientation), in pixels */
    int orientation;   /* EXIF 1..8 as stored; 1 if absent */
    int64_t
        taken_at; /* EXIF DateTimeOriginal (else DateTime) as seconds since 1970 taken as UTC, or with OffsetTimeOriginal; INT64_MIN if absent */
    char camera[96]; /* "Make Model", UTF-8, "" if absent */
    bool has_gps;
    double lat, lon;        /* degrees, WGS 84, north and east positive */
    struct image_look look; /* of the whole picture: filled by decoder_decode alone */
};

struct image_limits {
    uint64_t max_bytes;  /* of the file */
    uint64_t max_pixels; /* width * height of the full picture */
    int max_side;        /* pixels */
    int max_seconds;     /* CPU and wall time of one decode (workers only) */
    uint64_t max_memory; /* heap of a worker, bytes */
};
/* 512 MiB, 268 Mpixel (like 16384 x 16384), 65500, 30 s, 1 GiB */
extern const struct image_limits image_limits_default;

/* How a model wants its input (open_clip's preprocess_cfg). */
enum image_resize_mode { IMAGE_SHORTEST, IMAGE_LONGEST, IMAGE_SQUASH };
enum image_filter { IMAGE_BICUBIC, IMAGE_BILINEAR };
struct image_prep {
    int width, height; /* of the result, 1..4096 */
    enum image_resize_mode mode;
    enum image_filter filter;
    uint8_t fill[3]; /* for IMAGE_LONGEST padding */
    bool
        exact; /* decode at full size; else JPEG may shrink on load while the scaled short side stays >= 2 x the result's */
};

const char *image_format_name(enum image_format f); /* "jpeg", "png", ...; "unknown" */

/* By magic bytes alone; data needs at most the first 64 bytes of a file. */
enum image_format image_sniff(const uint8_t *data, size_t len);

void image_release(struct image *img); /* frees rgb, zeroes */

/* Decode a whole file in memory to upright RGB: grey, palette, 16-bit, CMYK/YCCK become 8-bit RGB, alpha
 * lies over white, animations give their first frame, EXIF orientation is applied (once: HEIC/AVIF apply their own).
 * min_side: 0 decodes at full size; else JPEG may be scaled by 1/2, 1/4, 1/8 while the short side stays >= min_side.
 * meta gets the full size either way. Not truncated-tolerant: a file whose pixel data ends early is EYE_EFORMAT.
 * EYE_EFORMAT (with what is wrong), EYE_ELIMIT, EYE_ENOMEM. Thread-safe. */
int image_decode(const uint8_t *data, size_t len, const struct image_limits *limits, int min_side,
                 struct image *out, struct image_meta *meta, struct eye_err *err);

/* Resize a box of `in` to width x height with PIL's antialiased convolution (Pillow 10/11
 * ImagingResample: support scaled by the ratio, 8-bit fixed-point passes, horizontal first):
 * bit-exact to Image.resize(). Allocates out->rgb. */
int image_resize(const struct image *in, int width, int height, enum image_filter filter,
                 struct image *out, struct eye_err *err);

/* open_clip's eval transform up to ToTensor: resize (torchvision's rounding of the long side), then centre crop
 * or pad. `full_w`, `full_h`: the upright picture's full size if `in` was shrunk on load, else in's own.
 * out->rgb: [prep->height, prep->width, 3]. */
int image_prepare(const struct image *in, int full_w, int full_h, const struct image_prep *prep,
                  struct image *out, struct eye_err *err);

/* The same on every machine for the same pixels; shrinking on load changes next to nothing of it. */
void image_look_at(const struct image *img, struct image_look *out);
bool image_phash_ok(uint64_t hash); /* one that a look can have */
/* Root mean square difference of two mosaics, in levels of 255. */
double image_mosaic_difference(const uint8_t *a, const uint8_t *b);

/* A picture file in memory to a WebP that fits into side x side pixels (1..2048, never enlarged), appended to `webp`. Errors as
 * image_decode. */
int image_thumbnail(const uint8_t *data, size_t len, const struct image_limits *limits, int side,
                    struct buf *webp, struct image_meta *meta, struct eye_err *err);

/* ---- the decoder: worker processes ---- */

struct decoder_pool;

/* Fork `nworkers` workers (each killed with its parent, no file system, no network, rlimits from `limits`).
 * Call it early: a worker keeps a copy-on-write view of what the process held at that moment. limits NULL: the defaults.
 * EYE_EIO when the system refuses the seccomp sandbox; EYESHINE_SANDBOX=off in the environment does without it (only). */
struct decoder_pool *decoder_open(int nworkers, const struct image_limits *limits,
                                  struct eye_err *err);
void decoder_close(struct decoder_pool *pool);

/* Decode the regular file open at `fd` (read by the worker from offset 0 by its own copy) and prepare it.
 * Blocks while all workers are busy. Thread-safe. A worker that dies, hangs past max_seconds or breaks a limit is
 * replaced, and costs this one call: EYE_EFORMAT, EYE_ELIMIT ("decoding took longer than 30 s", "needs more than 1024 MiB
 * of memory"), EYE_EREMOTE (it crashed: "the decoder crashed on this file (signal 11)"). `meta` may be NULL. */
int decoder_decode(struct decoder_pool *pool, int fd, const struct image_prep *prep,
                   struct image *out, struct image_meta *meta, struct eye_err *err);

/* The same file as a WebP that fits into side x side pixels (1..2048), appended to `webp`: decoded, shrunk and encoded in the worker.
 * Besides the above: EYE_ELIMIT when webp->max is too small for it. */
int decoder_thumbnail(struct decoder_pool *pool, int fd, int side, struct buf *webp,
                      struct image_meta *meta, struct eye_err *err);

#endif
