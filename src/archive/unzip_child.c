/* unzip_child.c - the process that meets a stranger's zip: libarchive behind the walls of base/sandbox.c.
 *
 * It reads with pread alone, so it shares no file offset and needs no further system call.
 *
 * Both of libarchive's zip readers are on: by the directory at the end, and, if that is missing (an upload that was cut
 * short), by the headers in between, so that the files before the cut are saved. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wchar.h>

#include "archive/unzip.h"
#include "base/sandbox.h"
#include "base/wire.h"

bool unzip_flush(struct unzip_voice *v)
{
    size_t len = v->len;
    v->len = 0;
    return len == 0 || wire_send(SANDBOX_SOCKET, v->bytes, len, -1) == 0;
}

bool unzip_say(struct unzip_voice *v, const struct unzip_frame *frame, const void *bytes)
{
    if (sizeof(*frame) + frame->len > sizeof(v->bytes) - v->len && !unzip_flush(v))
        return false;
    memcpy(v->bytes + v->len, frame, sizeof(*frame));
    v->len += sizeof(*frame);
    if (frame->len > 0)
        memcpy(v->bytes + v->len, bytes, frame->len);
    v->len += frame->len;
    return true;
}

static bool say_text(struct unzip_voice *v, enum unzip_kind kind, int code, const char *text)
{
    struct unzip_frame frame = {.kind = kind, .code = code, .len = (uint32_t)strlen(text)};
    return unzip_say(v, &frame, text);
}

/* ---- reading the file ---- */

struct source {
    int64_t at, size;
    uint8_t bytes[UNZIP_TEXT_MAX];
};

static la_ssize_t read_piece(struct archive *a, void *ctx, const void **bytes)
{
    struct source *s = ctx;
    ssize_t n;
    do
        n = pread(SANDBOX_FILE, s->bytes, sizeof(s->bytes), (off_t)s->at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        archive_set_error(a, errno, "the file cannot be read");
    else
        s->at += n;
    *bytes = s->bytes;
    return n;
}

static la_int64_t seek_to(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct source *s = ctx;
    int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size;
    if ((offset > 0 && from > INT64_MAX - offset) || from + offset < 0) {
        archive_set_error(a, EINVAL, "an offset outside of the file");
        return ARCHIVE_FATAL;
    }
    return s->at = from + offset;
}

static la_int64_t skip_piece(struct archive *a, void *ctx, la_int64_t n)
{
    struct source *s = ctx;
    (void)a;
    if (n < 0 || s->at > INT64_MAX - n)
        return 0;
    s->at += n;
    return n;
}

static struct archive *open_zip(struct source *s)
{
    struct archive *a = archive_read_new();
    if (a && archive_read_support_format_zip(a) == ARCHIVE_OK &&
        archive_read_set_seek_callback(a, seek_to) == ARCHIVE_OK &&
        archive_read_open2(a, s, NULL, read_piece, skip_piece, NULL) == ARCHIVE_OK)
        return a;
    archive_read_free(a);
    return NULL;
}

/* ---- its entries ---- */

/* A failure as libarchive tells it. */
static bool say_damage(struct unzip_voice *v, enum unzip_kind kind, struct archive *a)
{
    char text[512];
    const char *why = archive_error_string(a);
    snprintf(text, sizeof(text), "%s is damaged or cut short%s%s%s",
             kind == UNZIP_END ? "it" : "the zip", why ? " (" : "", why ? why : "", why ? ")" : "");
    return say_text(v, kind, EYE_EFORMAT, text);
}

/* The file's bytes, then END. False when the program is gone. *whole: all of it was there. */
static bool send_data(struct unzip_voice *v, struct archive *a, uint64_t most, bool *whole)
{
    uint64_t sent = 0;
    for (;;) {
        const void *block;
        size_t len = 0;
        la_int64_t offset;
        int rc = archive_read_data_block(a, &block, &len, &offset);
        if (rc == ARCHIVE_RETRY)
            continue;
        if (rc == ARCHIVE_EOF) {
            *whole = true;
            return say_text(v, UNZIP_END, 0, "");
        }
        if (rc != ARCHIVE_OK)
            return say_damage(v, UNZIP_END, a);
        if (len > most - sent)
            return say_text(v, UNZIP_END, EYE_ELIMIT, "");
        sent += len;
        for (const uint8_t *at = block; len > 0;) {
            size_t piece = len < UNZIP_TEXT_MAX ? len : UNZIP_TEXT_MAX;
            struct unzip_frame frame = {.kind = UNZIP_DATA, .len = (uint32_t)piece};
            if (!unzip_say(v, &frame, at))
                return false;
            at += piece;
            len -= piece;
        }
    }
}

/* Names the file and learns whether it is wanted. False when the program is gone. */
static bool announce(struct unzip_voice *v, struct archive_entry *e, bool *wanted)
{
    const char *name = archive_entry_pathname(e);
    struct unzip_frame frame = {.kind = UNZIP_ENTRY, .waits = 1};
    char answer = 'k';
    if (!name)
        name = archive_entry_pathname_utf8(e);
    if (!name || !name[0])
        name = "unnamed";
    frame.len = (uint32_t)strnlen(name, UNZIP_TEXT_MAX);
    if (archive_entry_size_is_set(e) && archive_entry_size(e) >= 0) {
        frame.size = (uint64_t)archive_entry_size(e);
        frame.waits = frame.size >= UNZIP_WAIT_FROM;
    }
    if (!unzip_say(v, &frame, name))
        return false;
    if (frame.waits && (!unzip_flush(v) || wire_recv(SANDBOX_SOCKET, &answer, 1, NULL) != 0))
        return false;
    *wanted = answer == 'k';
    return true;
}

struct tally {
    uint64_t whole, encrypted;
};

/* False when the program is gone. */
static bool send_entry(struct unzip_voice *v, struct archive *a, struct archive_entry *e,
                       const struct unzip_limits *limits, struct tally *tally)
{
    bool wanted = false, whole = false;
    if (!announce(v, e, &wanted))
        return false;
    if (!wanted)
        return true;
    if (archive_entry_is_encrypted(e)) {
        tally->encrypted++;
        return say_text(v, UNZIP_END, EYE_EFORMAT, "it is encrypted");
    }
    if (archive_entry_size(e) > 0 && (uint64_t)archive_entry_size(e) > limits->max_entry_bytes)
        return say_text(v, UNZIP_END, EYE_ELIMIT, "");
    bool on = send_data(v, a, limits->max_entry_bytes, &whole);
    tally->whole += whole;
    return on;
}

/* The last word. rc: of the last header that was tried. */
static void say_done(struct unzip_voice *v, struct archive *a, int rc, const struct tally *tally)
{
    if (rc == ARCHIVE_EOF && tally->encrypted > 0 && tally->whole == 0)
        say_text(v, UNZIP_DONE, EYE_EFORMAT, "the zip is encrypted; unpack it and send the files");
    else if (rc == ARCHIVE_EOF)
        say_text(v, UNZIP_DONE, 0, "");
    else if (archive_errno(a) == ENOMEM)
        say_text(v, UNZIP_DONE, EYE_ELIMIT, "the zip takes too much memory to read");
    else
        say_damage(v, UNZIP_DONE, a);
}

static void send_all(struct unzip_voice *v, struct archive *a, const struct unzip_limits *limits)
{
    struct archive_entry *e;
    struct tally tally = {0, 0};
    for (;;) {
        int rc = archive_read_next_header(a, &e);
        if (rc == ARCHIVE_RETRY)
            continue;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
            say_done(v, a, rc, &tally);
            return;
        }
        if (archive_entry_filetype(e) == AE_IFREG && !send_entry(v, a, e, limits, &tally))
            return;
    }
}

void unzip_job_zip(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    struct source *source = calloc(1, sizeof(*source));
    struct archive *a = NULL;
    if (source) {
        source->size = size;
        a = open_zip(source);
    }
    if (a)
        send_all(v, a, limits);
    else
        say_text(v, UNZIP_DONE, source ? EYE_EFORMAT : EYE_ELIMIT, "this zip cannot be read");
    archive_read_free(a);
    free(source);
}

/* ---- its life ---- */

/* Names are UTF-8; glibc loads the tables for that at first use, from files. Without them names keep to ASCII. */
static void speak_utf8(void)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    mbstate_t state;
    wchar_t wide;
    if (!utf8)
        return;
    uselocale(utf8);
    memset(&state, 0, sizeof(state));
    mbrtowc(&wide, "a", 1, &state);
}

void unzip_child(const void *order)
{
    const struct unzip_order *o = order;
    const struct sandbox_limits walls = {.max_memory = (uint64_t)UNZIP_MEMORY_MIB << 20,
                                         .cpu_seconds = o->limits.max_seconds + 1};
    struct unzip_voice *voice;
    struct eye_err err = {0, ""};
    prctl(PR_SET_NAME, "eyeshine-unzip", 0, 0, 0);
    speak_utf8();
    mallopt(M_ARENA_MAX, 1);
    int code = sandbox_enter(&walls, o->seccomp, &err);
    voice = calloc(1, sizeof(*voice));
    if (!voice)
        _exit(1);
    if (say_text(voice, UNZIP_READY, code, code ? err.msg : "") && code == 0)
        o->job(voice, &o->limits, o->size);
    unzip_flush(voice);
    _exit(0);
}
