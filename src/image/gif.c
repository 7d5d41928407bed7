/* gif.c - the first frame of a GIF, by giflib, on its screen; what is transparent or not covered
 * is white.
 *
 * Rows are read one by one (DGifSlurp would read every frame of an endless animation). A frame
 * that reaches over its screen enlarges it, as in PIL. A file without any palette is grey, as in
 * PIL. */
#include "image/codec.h"

#include <gif_lib.h>

struct gif_state {
    const struct codec_input *in;
    size_t at;
    GifFileType *gif;
    int transparent; /* palette index, NO_TRANSPARENT_COLOR */
    struct image img;
    uint8_t *line; /* [frame width] palette indices */
};

static int on_read(GifFileType *gif, GifByteType *to, int n)
{
    struct gif_state *s = gif->UserData;
    size_t left = s->in->len - s->at, want = n > 0 ? (size_t)n : 0;
    if (want > left)
        want = left;
    memcpy(to, s->in->data + s->at, want);
    s->at += want;
    return (int)want;
}

static int fail_gif(const struct gif_state *s, struct eye_err *err)
{
    int code = s->gif->Error;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
        return eye_fail(err, EYE_ENOMEM, "no memory to decode this GIF");
    if (code == D_GIF_ERR_READ_FAILED || code == D_GIF_ERR_EOF_TOO_SOON || s->at >= s->in->len)
        return eye_fail(err, EYE_EFORMAT, "the GIF ends early; the file is cut short");
    const char *text = GifErrorString(code);
    return eye_fail(err, EYE_EFORMAT, "broken GIF: %s", text ? text : "unknown reason");
}

/* Note the transparent index of a graphics control extension; skip the others. */
static int read_extension(struct gif_state *s, struct eye_err *err)
{
    int kind;
    GifByteType *block; /* block[0] is its length */
    if (DGifGetExtension(s->gif, &kind, &block) == GIF_ERROR)
        return fail_gif(s, err);
    while (block) {
        if (kind == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4)
            s->transparent = (block[1] & 1) ? block[4] : NO_TRANSPARENT_COLOR;
        if (DGifGetExtensionNext(s->gif, &block) == GIF_ERROR)
            return fail_gif(s, err);
    }
    return 0;
}

/* Go to the first image descriptor. */
static int find_image(struct gif_state *s, struct eye_err *err)
{
    for (;;) {
        GifRecordType type;
        if (DGifGetRecordType(s->gif, &type) == GIF_ERROR)
            return fail_gif(s, err);
        if (type == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(s->gif) == GIF_ERROR ? fail_gif(s, err) : 0;
        if (type == TERMINATE_RECORD_TYPE)
            return eye_fail(err, EYE_EFORMAT, "the GIF holds no picture");
        if (type == EXTENSION_RECORD_TYPE) {
            int rc = read_extension(s, err);
            if (rc != 0)
                return rc;
        }
    }
}

static void put_line(const struct gif_state *s, const ColorMapObject *map, size_t width,
                     uint8_t *to)
{
    for (size_t i = 0; i < width; i++, to += 3) {
        int index = s->line[i];
        if (index == s->transparent)
            continue;
        if (!map) {
            memset(to, index, 3);
        } else if (index < map->ColorCount) {
            to[0] = map->Colors[index].Red;
            to[1] = map->Colors[index].Green;
            to[2] = map->Colors[index].Blue;
        } else {
            memset(to, 0, 3);
        }
    }
}

static int read_pixels(struct gif_state *s, struct eye_err *err)
{
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    const GifImageDesc *d = &s->gif->Image;
    const ColorMapObject *map = d->ColorMap ? d->ColorMap : s->gif->SColorMap;
    int passes = d->Interlace ? 4 : 1;
    for (int pass = 0; pass < passes; pass++) {
        int by = d->Interlace ? step[pass] : 1;
        for (int y = d->Interlace ? first[pass] : 0; y < d->Height; y += by) {
            if (DGifGetLine(s->gif, s->line, d->Width) == GIF_ERROR)
                return fail_gif(s, err);
            size_t at = ((size_t)d->Top + (size_t)y) * (size_t)s->img.width + (size_t)d->Left;
            put_line(s, map, (size_t)d->Width, s->img.rgb + at * 3);
        }
    }
    return 0;
}

static int decode(struct gif_state *s, struct image_meta *meta, struct eye_err *err)
{
    int rc = find_image(s, err);
    if (rc != 0)
        return rc;
    const GifImageDesc *d = &s->gif->Image; // all four fields are 16 bits in the file
    if (d->Width <= 0 || d->Height <= 0 || d->Left < 0 || d->Top < 0)
        return eye_fail(err, EYE_EFORMAT, "broken GIF: its first frame is empty");
    int w = d->Left + d->Width, h = d->Top + d->Height;
    w = w > s->gif->SWidth ? w : s->gif->SWidth;
    h = h > s->gif->SHeight ? h : s->gif->SHeight;
    rc = image_check_size(s->in, (uint64_t)w, (uint64_t)h, err);
    if (rc != 0)
        return rc;
    meta->width = w;
    meta->height = h;
    s->img = (struct image){.width = w, .height = h, .rgb = image_alloc(w, h, 3, err)};
    s->line = s->img.rgb ? image_alloc(d->Width, 1, 1, err) : NULL;
    if (!s->line)
        return EYE_ENOMEM;
    memset(s->img.rgb, 255, (size_t)w * (size_t)h * 3);
    return read_pixels(s, err);
}

int image_gif_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                     struct eye_err *err)
{
    struct gif_state s = {.in = in, .transparent = NO_TRANSPARENT_COLOR};
    int code = 0;
    s.gif = DGifOpen(&s, on_read, &code);
    if (!s.gif)
        return code == D_GIF_ERR_NOT_ENOUGH_MEM
                   ? eye_fail(err, EYE_ENOMEM, "no memory to decode this GIF")
                   : eye_fail(err, EYE_EFORMAT, "the GIF's header is broken or cut short");
    int rc = decode(&s, meta, err);
    DGifCloseFile(s.gif, &code);
    free(s.line);
    if (rc != 0)
        image_release(&s.img);
    else
        *out = s.img;
    return rc;
}
