/* tiff.c - the first page of a TIFF, by libtiff straight from memory.
 *
 * libtiff's RGBA reader knows the zoo (strips and tiles, palette, CMYK, YCbCr and JPEG inside,
 * 16-bit, Lab, planar); it is asked for the raster as stored, so that the orientation tag is
 * applied once, by image_orient(). Its pixels are premultiplied by alpha, so over white they need
 * only 255 - a added. An extra channel of unknown meaning is no alpha (PIL: RGBX). Floating point
 * and 32-bit samples it refuses, and so do we. libtiff's global error handlers are left alone
 * (they are shared by threads): each file has its own through TIFFOpenOptions. */
#include "image/codec.h"

#include <stdarg.h>
#include <tiffio.h>

#include "base/buf.h"

struct tiff_state {
    const struct codec_input *in;
    uint64_t at;   /* may lie past the end, after a seek */
    char why[256]; /* libtiff's first complaint */
};

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n)
{
    struct tiff_state *s = h;
    if (n <= 0 || s->at >= s->in->len)
        return 0;
    size_t left = s->in->len - (size_t)s->at, take = (size_t)n < left ? (size_t)n : left;
    memcpy(to, s->in->data + s->at, take);
    s->at += take;
    return (tmsize_t)take;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n)
{
    (void)h;
    (void)from;
    (void)n;
    return -1;
}

static toff_t on_seek(thandle_t h, toff_t to, int whence)
{
    struct tiff_state *s = h;
    uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->in->len;
    s->at = base + to;
    return s->at;
}

static int on_close(thandle_t h)
{
    (void)h;
    return 0;
}

static toff_t on_size(thandle_t h)
{
    const struct tiff_state *s = h;
    return s->in->len;
}

static int on_map(thandle_t h, void **base, toff_t *size)
{
    const struct tiff_state *s = h;
    union {
        const uint8_t *from;
        void *to;
    } p = {.from = s->in->data}; // libtiff opened for reading does not write to the map
    *base = p.to;
    *size = s->in->len;
    return 1;
}

static void on_unmap(thandle_t h, void *base, toff_t size)
{
    (void)h;
    (void)base;
    (void)size;
}

static int on_error(TIFF *tif, void *ctx, const char *module, const char *fmt, va_list ap)
{
    struct tiff_state *s = ctx;
    (void)tif;
    (void)module;
    if (!s->why[0])
        vsnprintf(s->why, sizeof s->why, fmt, ap);
    return 1;
}

static int on_warning(TIFF *tif, void *ctx, const char *module, const char *fmt, va_list ap)
{
    (void)tif;
    (void)ctx;
    (void)module;
    (void)fmt;
    (void)ap;
    return 1;
}

static int fail_tiff(const struct tiff_state *s, struct eye_err *err)
{
    return eye_fail(err, EYE_EFORMAT, "broken or cut short TIFF: %s",
                    s->why[0] ? s->why : "unknown reason");
}

static TIFF *open_tiff(struct tiff_state *s)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    uint64_t most = s->in->limits->max_memory;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, most < INT64_MAX ? (tmsize_t)most : INT64_MAX);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, s);
    TIFF *tif = TIFFClientOpenExt("picture", "r", s, on_read, on_write, on_seek, on_close, on_size,
                                  on_map, on_unmap, options);
    TIFFOpenOptionsFree(options);
    return tif;
}

/* Strips and tiles of a hostile size would be allocated whole by libtiff. */
static int check_tiles(const struct codec_input *in, TIFF *tif, struct eye_err *err)
{
    uint32_t w = 0, h = 0;
    if (!TIFFIsTiled(tif))
        return 0;
    if (!TIFFGetField(tif, TIFFTAG_TILEWIDTH, &w) || !TIFFGetField(tif, TIFFTAG_TILELENGTH, &h))
        return eye_fail(err, EYE_EFORMAT, "broken TIFF: tiles without a size");
    return image_check_size(in, w, h, err);
}

static void read_gps(TIFF *tif, struct image_meta *meta);

static void read_meta(TIFF *tif, struct image_meta *meta)
{
    char *make = NULL, *model = NULL, *date = NULL, *offset = NULL;
    uint16_t orientation = 1;
    uint64_t exif = 0, gps = 0;
    TIFFGetFieldDefaulted(tif, TIFFTAG_ORIENTATION, &orientation);
    meta->orientation = orientation;
    TIFFGetField(tif, TIFFTAG_MAKE, &make);
    TIFFGetField(tif, TIFFTAG_MODEL, &model);
    image_exif_camera(make, model, meta->camera, sizeof meta->camera);
    if (TIFFGetField(tif, TIFFTAG_DATETIME, &date))
        meta->taken_at = image_exif_time(date, NULL);
    bool has_gps = TIFFGetField(tif, TIFFTAG_GPSIFD, &gps) == 1;
    if (TIFFGetField(tif, TIFFTAG_EXIFIFD, &exif) && TIFFReadEXIFDirectory(tif, exif)) {
        TIFFGetField(tif, EXIFTAG_OFFSETTIMEORIGINAL, &offset);
        if (TIFFGetField(tif, EXIFTAG_DATETIMEORIGINAL, &date)) {
            int64_t t = image_exif_time(date, offset);
            meta->taken_at = t != INT64_MIN ? t : meta->taken_at;
        }
    }
    if (has_gps && TIFFReadGPSDirectory(tif, gps))
        read_gps(tif, meta);
    TIFFSetDirectory(tif, 0);
}

static bool read_angle(TIFF *tif, uint32_t tag, uint32_t ref_tag, char negative, double max,
                       double *out)
{
    double *dms = NULL;
    char *ref = NULL;
    if (!TIFFGetField(tif, tag, &dms) || !dms || !TIFFGetField(tif, ref_tag, &ref) || !ref)
        return false;
    double v = dms[0] + dms[1] / 60 + dms[2] / 3600;
    if (!(v >= 0 && v <= max))
        return false;
    *out = ref[0] == negative ? -v : v;
    return true;
}

static void read_gps(TIFF *tif, struct image_meta *meta)
{
    double lat, lon;
    if (read_angle(tif, GPSTAG_LATITUDE, GPSTAG_LATITUDEREF, 'S', 90, &lat) &&
        read_angle(tif, GPSTAG_LONGITUDE, GPSTAG_LONGITUDEREF, 'W', 180, &lon)) {
        meta->has_gps = true;
        meta->lat = lat;
        meta->lon = lon;
    }
}

/* libtiff's raster, [height, width] of packed ABGR with premultiplied colours, to RGB over white
 * in place. */
static void flatten(uint32_t *raster, size_t n, bool alpha)
{
    uint8_t *to = (uint8_t *)raster;
    for (size_t i = 0; i < n; i++, to += 3) {
        uint32_t v = raster[i];
        uint32_t white = alpha ? 255 - TIFFGetA(v) : 0;
        uint32_t r = TIFFGetR(v) + white, g = TIFFGetG(v) + white, b = TIFFGetB(v) + white;
        to[0] = (uint8_t)(r < 255 ? r : 255);
        to[1] = (uint8_t)(g < 255 ? g : 255);
        to[2] = (uint8_t)(b < 255 ? b : 255);
    }
}

/* True when the extra channel is said to be alpha; libtiff's reader takes any fourth channel for
 * it. */
static bool has_alpha(TIFF *tif)
{
    uint16_t n = 0, *kinds = NULL;
    if (!TIFFGetField(tif, TIFFTAG_EXTRASAMPLES, &n, &kinds) || n == 0 || !kinds)
        return false;
    return kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA;
}

static int read_raster(const struct tiff_state *s, TIFF *tif, int width, int height,
                       struct image *out, struct eye_err *err)
{
    TIFFRGBAImage reader;
    char why[1024] = "";
    if (!TIFFRGBAImageOK(tif, why) || !TIFFRGBAImageBegin(&reader, tif, 1, why))
        return eye_fail(err, EYE_EFORMAT, "this kind of TIFF cannot be read: %s", why);
    reader.req_orientation = reader.orientation;
    uint8_t *px = image_alloc(width, height, 4, err);
    int rc = px ? 0 : EYE_ENOMEM;
    if (px) {
        size_t n = (size_t)width * (size_t)height;
        uint32_t *raster = (uint32_t *)(void *)px;
        memset(px, 0, n * 4);
        if (!TIFFRGBAImageGet(&reader, raster, (uint32_t)width, (uint32_t)height)) {
            rc = fail_tiff(s, err);
            free(px);
        } else {
            flatten(raster, n, has_alpha(tif));
            uint8_t *rgb = realloc(px, n * 3);
            *out = (struct image){.width = width, .height = height, .rgb = rgb ? rgb : px};
        }
    }
    TIFFRGBAImageEnd(&reader);
    return rc;
}

static int decode(const struct tiff_state *s, TIFF *tif, struct image *out, struct image_meta *meta,
                  struct eye_err *err)
{
    uint32_t w = 0, h = 0;
    TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &w);
    TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &h);
    int rc = image_check_size(s->in, w, h, err);
    if (rc == 0)
        rc = check_tiles(s->in, tif, err);
    if (rc != 0)
        return rc;
    meta->width = (int)w;
    meta->height = (int)h;
    rc = read_raster(s, tif, (int)w, (int)h, out, err);
    if (rc == 0)
        read_meta(tif, meta);
    return rc;
}

int image_tiff_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                      struct eye_err *err)
{
    struct tiff_state s = {.in = in};
    TIFF *tif = open_tiff(&s);
    if (!tif)
        return fail_tiff(&s, err);
    int rc = decode(&s, tif, out, meta, err);
    TIFFClose(tif);
    return rc;
}
