/* png.c - PNG by libpng: rows into RGB or RGBA, which then lies over white in place.
 *
 * Only pixels are asked of libpng: text, profile and other chunks are dropped unread (less
 * foreign data inflated), gamma and ICC are ignored as PIL does, and eXIf is found by our own
 * walk over the chunks. 16-bit samples keep their high byte, as PIL's RGB;16B does. An APNG shows
 * its default picture. A file without IEND is let pass: its pixels are all there. */
#include <setjmp.h>

#include "image/codec.h"

#include <png.h>

struct png_state {
    png_structp png;
    png_infop info;
    const struct codec_input *in;
    size_t at; /* next byte of in->data */
    struct image_meta *meta;
    struct eye_err *err;
    uint8_t *px; /* [height, width, channels] */
    int width, height, channels;
    int code;
};

static void on_error(png_structp png, png_const_charp text)
{
    struct png_state *s = png_get_error_ptr(png);
    if (s->code == 0)
        s->code = eye_fail(s->err, EYE_EFORMAT, "broken PNG: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    struct png_state *s = png_get_io_ptr(png);
    if (n > s->in->len - s->at) {
        s->code = eye_fail(s->err, EYE_EFORMAT, "the PNG ends early; the file is cut short");
        png_longjmp(png, 1);
    }
    memcpy(to, s->in->data + s->at, n);
    s->at += n;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void read_exif(const struct codec_input *in, struct image_meta *meta)
{
    size_t at = 8;
    while (in->len - at >= 12) {
        size_t n = be32(in->data + at);
        if (n > in->len - at - 12)
            return;
        if (memcmp(in->data + at + 4, "eXIf", 4) == 0) {
            image_exif_read(in->data + at + 8, n, meta);
            return;
        }
        at += n + 12;
    }
}

static void drop_chunks(png_structp png)
{
    static const png_byte names[] = "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0"
                                    "sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

/* Everything to 8-bit RGB, or RGBA where anything can be transparent. */
static void set_transforms(struct png_state *s)
{
    int colour = png_get_color_type(s->png, s->info);
    bool alpha =
        (colour & PNG_COLOR_MASK_ALPHA) || png_get_valid(s->png, s->info, PNG_INFO_tRNS) != 0;
    png_set_expand(s->png);
    png_set_strip_16(s->png);
    png_set_gray_to_rgb(s->png);
    s->channels = alpha ? 4 : 3;
}

/* All calls into libpng that may longjmp back here. */
static int decode(struct png_state *s)
{
    if (setjmp(png_jmpbuf(s->png)))
        return s->code;
    png_set_read_fn(s->png, s, on_read);
    png_set_user_limits(s->png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_malloc_max(s->png, 8u << 20);
    drop_chunks(s->png);
    png_read_info(s->png, s->info);
    png_uint_32 w = png_get_image_width(s->png, s->info);
    png_uint_32 h = png_get_image_height(s->png, s->info);
    int rc = image_check_size(s->in, w, h, s->err);
    if (rc != 0)
        return rc;
    s->meta->width = s->width = (int)w;
    s->meta->height = s->height = (int)h;
    set_transforms(s);
    int passes = png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
    size_t stride = (size_t)w * (size_t)s->channels;
    if (png_get_rowbytes(s->png, s->info) != stride)
        return eye_fail(s->err, EYE_EFORMAT, "broken PNG: its rows have an unknown layout");
    s->px = image_alloc(s->width, s->height, s->channels, s->err);
    if (!s->px)
        return EYE_ENOMEM;
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < h; y++)
            png_read_row(s->png, s->px + y * stride, NULL);
    return 0;
}

int image_png_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                     struct eye_err *err)
{
    struct png_state s = {.in = in, .meta = meta, .err = err};
    s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    if (!s.info) {
        png_destroy_read_struct(&s.png, NULL, NULL);
        return eye_fail(err, EYE_ENOMEM, "no memory to decode this PNG");
    }
    int rc = decode(&s);
    png_destroy_read_struct(&s.png, &s.info, NULL);
    if (rc != 0) {
        free(s.px);
        return rc;
    }
    read_exif(in, meta);
    if (s.channels == 4)
        image_adopt_rgba(s.px, s.width, s.height, out);
    else
        *out = (struct image){.width = s.width, .height = s.height, .rgb = s.px};
    return 0;
}
