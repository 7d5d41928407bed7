/* eye_picture.h - one picture of the library: what is known of it, its file, its thumbnail, several as a zip.
 *
 * Included by eyeshine.h, whose rules hold. A file is opened only below its own root and only while its bytes are
 * those that were indexed by size and kind: a link that leads out of the root is EYE_ENOTFOUND. */
#ifndef EYE_PICTURE_H
#define EYE_PICTURE_H

#ifndef EYESHINE_H
#error "include eyeshine.h, which includes this"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int64_t id;
    const char *hash;            /* SHA-256, 64 hex digits */
    const char *format, *camera; /* "jpeg" ...; camera "" if unknown */
    uint64_t size;
    int width, height;          /* upright, pixels */
    int64_t taken_at, added_at; /* EYE_TIME_UNKNOWN */
    bool has_gps, offline;
    double lat, lon;
    const char *const *paths; /* [npaths] absolute, those that can be reached first */
    size_t npaths;
} eye_picture;

EYE_API int eye_picture_get(eye_lib *lib, int64_t id, eye_picture **out,
                            struct eye_err *err); /* EYE_ENOTFOUND */
EYE_API void eye_picture_free(eye_picture *p);

typedef struct {
    int fd; /* yours to close; regular file, read-only */
    uint64_t size;
    int64_t mtime;   /* seconds since 1970 */
    char format[12]; /* "jpeg" ... as its first bytes say now */
    char name[256];  /* the file's own name */
    char etag[80];   /* changes with the bytes; no quotes */
} eye_file;

/* The picture's own file. EYE_ENOTFOUND: no such picture, no file of it within reach, or no longer a picture. */
EYE_API int eye_picture_open(eye_lib *lib, int64_t id, eye_file *out, struct eye_err *err);

/* A WebP that fits into size x size pixels (`size` is rounded up to 64, 128, 256, 512, 1024 or 2048; never enlarged), made in a
 * decoder worker and kept in the library's folder thumbs/ (at most 512 MiB, the longest unused go first).
 * EYE_ENOTFOUND, EYE_EFORMAT, EYE_ELIMIT, EYE_EINVAL (size not in 1..2048). out->format is "webp". */
EYE_API int eye_thumbnail(eye_lib *lib, int64_t id, int size, eye_file *out, struct eye_err *err);

/* A zip of the originals (stored, not compressed), piece by piece to `write` (non-zero stops: EYE_ECANCELLED). What cannot
 * be read is left out and named in a text file MISSING.txt inside. Names that meet get " (2)" and so on. */
EYE_API int eye_zip(eye_lib *lib, const int64_t *ids, size_t nids,
                    int (*write)(void *ctx, const void *bytes, size_t len), void *ctx,
                    struct eye_err *err);

#ifdef __cplusplus
}
#endif
#endif
