/* jpeg.c - JPEG by libjpeg-turbo, streaming rows straight into the result, with shrink-on-load.
 *
 * Settings are PIL's (and so the training data's): islow DCT, fancy upsampling. Faster ones were
 * measured at 45-50 dB and a few per cent of time (research/perf.md 5): not worth it. Four
 * channels: always taken as inverted, which is Adobe's habit and what PIL assumes even without an
 * Adobe marker.
 *
 * Damage. libjpeg only warns and paints grey where data is missing. Here a picture whose data
 * ends early is an error:
 *   - entropy data that meets a marker too soon (JWRN_HIT_MARKER), unless the marker is a
 *     restart, after which decoding recovers;
 *   - the end of the file (our own source tells), except in a single-scan Huffman file, where
 *     only the closing EOI may be missing once all rows are there (the check above catches lost
 *     rows).
 * Other warnings (stray bytes, bad codes that resynchronise, odd density fields) are let pass as
 * PIL and browsers do. Progressive files of more than MAX_SCANS scans are refused: each costs a
 * pass over all coefficients. */
#include <setjmp.h>

#include "image/codec.h"

#include <jpeglib.h>

/* Only the message codes of jerror.h: its macros use strncpy, which banned.h poisons. */
#define JERROR_H
#define JMAKE_ENUM_LIST
#define JMESSAGE(code, string) code,
#include <jerror.h>

enum { MAX_SCANS = 500, BATCH = 8 };

struct jpeg_state {
    struct jpeg_decompress_struct dec;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const struct codec_input *in;
    struct image_meta *meta;
    struct eye_err *err;
    struct image img;
    uint8_t *cmyk; /* [BATCH, width, 4] */
    int code;      /* of the failure, when already in *err */
};

static void on_error(j_common_ptr c)
{
    struct jpeg_state *s = c->client_data;
    char text[JMSG_LENGTH_MAX];
    if (s->code == 0) {
        bool memory = c->err->msg_code == JERR_OUT_OF_MEMORY;
        c->err->format_message(c, text);
        s->code = memory ? eye_fail(s->err, EYE_ENOMEM, "no memory to decode this JPEG")
                         : eye_fail(s->err, EYE_EFORMAT, "broken JPEG: %s", text);
    }
    longjmp(s->jump, 1);
}

static void fail(struct jpeg_state *s, int code)
{
    s->code = code;
    longjmp(s->jump, 1);
}

static void on_message(j_common_ptr c, int level)
{
    struct jpeg_state *s = c->client_data;
    if (level >= 0 || !c->is_decompressor)
        return;
    int marker = s->dec.unread_marker;
    bool restart = marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7;
    if (c->err->msg_code == JWRN_HIT_MARKER && !restart)
        fail(s, eye_fail(s->err, EYE_EFORMAT,
                         "the JPEG's picture data ends early; the file is cut short or damaged"));
}

static void on_progress(j_common_ptr c)
{
    struct jpeg_state *s = c->client_data;
    if (s->dec.input_scan_number > MAX_SCANS)
        fail(s, eye_fail(s->err, EYE_ELIMIT, "the JPEG has more than %d scans", MAX_SCANS));
}

static void source_nothing(j_decompress_ptr d)
{
    (void)d;
}

/* Called when all bytes are used up: end the file for libjpeg by an EOI, where that may be so. */
static boolean source_end(j_decompress_ptr d)
{
    static const JOCTET eoi[2] = {0xff, JPEG_EOI};
    struct jpeg_state *s = d->client_data;
    bool started = d->global_state > 202; // past DSTATE_READY: scans are being read
    if (!started || d->arith_code || jpeg_has_multiple_scans(d))
        fail(s, eye_fail(s->err, EYE_EFORMAT, "the JPEG ends early; the file is cut short"));
    d->src->next_input_byte = eoi;
    d->src->bytes_in_buffer = sizeof eoi;
    return TRUE;
}

static void source_skip(j_decompress_ptr d, long n)
{
    if (n <= 0)
        return;
    if ((size_t)n >= d->src->bytes_in_buffer) {
        source_end(d);
        return;
    }
    d->src->next_input_byte += n;
    d->src->bytes_in_buffer -= (size_t)n;
}

/* The first APP1 "Exif" segment before the scan data; found by hand so that libjpeg need not keep
 * every APP1. */
static void read_exif(const struct codec_input *in, struct image_meta *meta)
{
    size_t at = 2;
    while (at + 4 <= in->len && in->data[at] == 0xff) {
        unsigned marker = in->data[at + 1];
        if (marker == 0xff) { // fill byte
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9)
            return;
        size_t n = (size_t)in->data[at + 2] << 8 | in->data[at + 3];
        if (n < 2 || n > in->len - at - 2)
            return;
        if (marker == 0xe1 && n >= 8 && memcmp(in->data + at + 4, "Exif\0", 5) == 0) {
            image_exif_read(in->data + at + 4, n - 2, meta);
            return;
        }
        at += 2 + n;
    }
}

static unsigned pick_denominator(const struct jpeg_state *s)
{
    unsigned w = s->dec.image_width, h = s->dec.image_height, d = 1;
    unsigned side = w < h ? w : h;
    if (s->in->min_side <= 0)
        return 1;
    while (d < 8 && side / (2 * d) >= (unsigned)s->in->min_side)
        d *= 2;
    return d;
}

static void setup(struct jpeg_state *s)
{
    struct jpeg_decompress_struct *d = &s->dec;
    s->source = (struct jpeg_source_mgr){
        .next_input_byte = s->in->data,
        .bytes_in_buffer = s->in->len,
        .init_source = source_nothing,
        .fill_input_buffer = source_end,
        .skip_input_data = source_skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = source_nothing,
    };
    s->progress.progress_monitor = on_progress;
    d->src = &s->source;
    d->progress = &s->progress;
    jpeg_read_header(d, TRUE);
    int rc = image_check_size(s->in, d->image_width, d->image_height, s->err);
    if (rc != 0)
        fail(s, rc);
    s->meta->width = (int)d->image_width;
    s->meta->height = (int)d->image_height;
    d->scale_num = 1;
    d->scale_denom = pick_denominator(s);
    d->out_color_space = d->num_components == 4 ? JCS_CMYK : JCS_RGB;
}

/* Inverted CMYK to RGB with PIL's rounding: c, m, y, k here are 255 - ink. */
static void cmyk_to_rgb(const uint8_t *cmyk, size_t n, uint8_t *rgb)
{
    for (size_t i = 0; i < n; i++, cmyk += 4, rgb += 3) {
        unsigned light = cmyk[3];
        for (int c = 0; c < 3; c++) {
            unsigned t = (255u - cmyk[c]) * light + 128u;
            rgb[c] = (uint8_t)(light - ((t + (t >> 8)) >> 8));
        }
    }
}

static void read_rows(struct jpeg_state *s)
{
    struct jpeg_decompress_struct *d = &s->dec;
    size_t w = d->output_width;
    JSAMPROW rows[BATCH];
    while (d->output_scanline < d->output_height) {
        uint8_t *at = s->img.rgb + (size_t)d->output_scanline * w * 3;
        unsigned left = d->output_height - d->output_scanline;
        unsigned want = left < BATCH ? left : BATCH;
        for (unsigned i = 0; i < want; i++)
            rows[i] = s->cmyk ? s->cmyk + i * w * 4 : at + i * w * 3;
        unsigned got = jpeg_read_scanlines(d, rows, want);
        if (s->cmyk)
            cmyk_to_rgb(s->cmyk, got * w, at);
    }
}

/* All calls into libjpeg; a failure comes back here by longjmp, and what was made lies in *s. */
static int decode(struct jpeg_state *s)
{
    if (setjmp(s->jump))
        return s->code;
    jpeg_create_decompress(&s->dec);
    setup(s);
    jpeg_start_decompress(&s->dec);
    int w = (int)s->dec.output_width, h = (int)s->dec.output_height;
    s->img = (struct image){.width = w, .height = h, .rgb = image_alloc(w, h, 3, s->err)};
    if (!s->img.rgb)
        return EYE_ENOMEM;
    if (s->dec.out_color_space == JCS_CMYK) {
        s->cmyk = image_alloc(w, BATCH, 4, s->err);
        if (!s->cmyk)
            return EYE_ENOMEM;
    }
    read_rows(s);
    return 0;
}

int image_jpeg_decode(const struct codec_input *in, struct image *out, struct image_meta *meta,
                      struct eye_err *err)
{
    struct jpeg_state s = {.in = in, .meta = meta, .err = err};
    s.dec.err = jpeg_std_error(&s.errors);
    s.dec.client_data = &s;
    s.errors.error_exit = on_error;
    s.errors.emit_message = on_message;
    read_exif(in, meta);
    int rc = decode(&s);
    jpeg_destroy_decompress(&s.dec);
    free(s.cmyk);
    if (rc != 0)
        image_release(&s.img);
    else
        *out = s.img;
    return rc;
}
