/* codec.h - what image.c and the codecs share; private to src/image.
 *
 * A codec turns a whole file in memory into 8-bit RGB as stored (not yet turned upright), checks
 * the limits before it allocates anything that grows with the picture, and notes size and EXIF in
 * `meta`. Every offset and size in `data` is hostile until checked. */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include "image/image.h"

struct codec_input {
    const uint8_t *data; /* [len] */
    size_t len;
    const struct image_limits *limits;
    int min_side; /* as in image_decode */
};

/* On success out->rgb is the caller's; on failure *out stays untouched. meta->width and height
 * get the full size as stored; meta->format and the defaults are already set. */
typedef int codec_fn(const struct codec_input *in, struct image *out, struct image_meta *meta,
                     struct eye_err *err);

codec_fn image_jpeg_decode;
codec_fn image_png_decode;
codec_fn image_webp_decode;
codec_fn image_gif_decode;
codec_fn image_tiff_decode;
codec_fn image_bmp_decode;
codec_fn image_heif_decode; /* upright already: libheif applies the file's own turns */

/* EYE_EFORMAT when a side is 0, EYE_ELIMIT when the picture is larger than the limits. */
int image_check_size(const struct codec_input *in, uint64_t width, uint64_t height,
                     struct eye_err *err);

/* width * height * channels bytes, not cleared; NULL: EYE_ENOMEM. */
uint8_t *image_alloc(int width, int height, int channels, struct eye_err *err);

/* Lay `n` RGBA pixels over white, in place: px is [n, 4] before and [n, 3] after. */
void image_over_white(uint8_t *px, size_t n);

/* image_over_white on a picture of [height, width, 4], whose memory then shrinks to fit and
 * becomes out->rgb. */
void image_adopt_rgba(uint8_t *rgba, int width, int height, struct image *out);

/* One pixel over white, as PIL pastes it: round((c * a + 255 * (255 - a)) / 255). */
static inline uint8_t image_blend_white(unsigned c, unsigned a)
{
    unsigned t = c * a + 255u * (255u - a) + 128u;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

/* Turn `img` upright; EXIF orientation 1..8, others count as 1. EYE_ENOMEM leaves it as it was. */
int image_orient(struct image *img, int orientation, struct eye_err *err);

/* Read orientation, date, camera and place from an EXIF block, with or without "Exif\0\0" before
 * the TIFF header. What is missing or broken leaves *meta as it is; never fails. */
void image_exif_read(const uint8_t *data, size_t len, struct image_meta *meta);

/* Seconds since 1970 of "YYYY:MM:DD HH:MM:SS" less `offset` ("+02:00"; NULL or odd: UTC);
 * INT64_MIN if it is no date. */
int64_t image_exif_time(const char *date, const char *offset);

/* "Make Model" without doubled make, trimmed, as valid UTF-8 into out [cap]. Either may be NULL. */
void image_exif_camera(const char *make, const char *model, char *out, size_t cap);

/* The part of a resized picture that is wanted: the source is taken as `extent_w` x `extent_h`
 * pixels (its size, or a fraction less when it was shrunk on load), resized to full_w x full_h,
 * of which only the window is computed. */
struct image_window {
    double extent_w, extent_h;
    int full_w, full_h;
    int x, y, width, height; /* inside 0..full_w, 0..full_h */
};

/* Size of the source in its own pixels: the exact fraction of the full size if it was shrunk on load. */
void image_source_extent(const struct image *in, int full_w, int full_h, double *w, double *h);

/* Write the window's pixels to out: rows of [width, 3] bytes, `stride` bytes apart. */
int image_resize_window(const struct image *in, const struct image_window *win,
                        enum image_filter filter, uint8_t *out, size_t stride, struct eye_err *err);

/* thumb.c: the size of a picture that fits into side x side pixels, at least 1 and never enlarged. */
void image_fit_size(int full_w, int full_h, int side, int *w, int *h);

/* resize_avx2.c: the two inner loops with AVX2; the same integers as the portable ones in resize.c.
 * Only on a processor with AVX2. */
struct resize_taps;
void image_rows_avx2(const uint8_t *const rows[2], const struct resize_taps *taps,
                     uint8_t *const out[2]);
void image_column_avx2(const uint8_t *in, size_t stride, const int32_t *k, int n, uint8_t *out,
                       size_t bytes);

/* Filter taps for one axis: output i reads n[i] inputs from first[i], with weights k[i * ksize
 * ...] in 2^-22. */
struct resize_taps {
    int count, ksize;
    int *first, *n; /* [count] */
    int32_t *k;     /* [count, ksize], zeros after n[i] */
};

#endif
