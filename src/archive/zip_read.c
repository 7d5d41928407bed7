/* zip_read.c - a strict reader for zips that this program wrote (backups): whatever zip.c would not have written is refused.
 *
 * The sandboxed reader (unzip.c) takes any zip that a stranger may send, and pays for it: libarchive changes names (to NFC),
 * accepts what differs between a file's header and the directory, and reads in one direction. A backup must come back byte for
 * byte, its manifest is at its end, and its format is ours: stored files without gaps are 200 lines that need no sandbox. Bombs
 * are not possible, for nothing is unpacked, and not by overlapping either: every part begins where the one before it ended.
 *
 * Fields that change nothing about names, sizes and places (dates, owners) are not looked at. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buf.h"

enum {
    LOCAL = 30,   /* bytes of a file's header, without name and extra field */
    CENTRAL = 46, /* of its entry in the directory, likewise */
    END = 22,
    END64 = 56,
    LOCATOR = 20,
    WINDOW = 1 << 18 /* of the directory: an entry is at most 46 + 3 * 65535 bytes */
};

struct zip_reader {
    int fd;
    uint64_t size, count;
    uint64_t dir, dir_end; /* the directory, in the file */
    uint64_t at, seen;     /* next entry in it; entries so far */
    uint64_t next;         /* where the next part's header must be */
    uint64_t window_at;    /* bytes of the file in `window` */
    size_t window_len;
    uint8_t *window; /* [WINDOW] */
    char name[65536];
};

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

uint32_t zip_crc(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static int damaged(struct eye_err *err, const char *what)
{
    return eye_fail(err, EYE_EFORMAT, "the zip is damaged or was not written by eyeshine: %s",
                    what);
}

/* Exactly len bytes. */
static int read_at(const struct zip_reader *r, uint64_t at, void *bytes, size_t len,
                   struct eye_err *err)
{
    uint8_t *to = bytes;
    if (at > r->size || len > r->size - at)
        return damaged(err, "it points outside of itself");
    while (len > 0) {
        ssize_t n = pread(r->fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return eye_fail_errno(err, errno, "the zip cannot be read");
        if (n == 0)
            return damaged(err, "it became shorter");
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int zip_read(const struct zip_reader *r, const struct zip_part *part, uint64_t from, void *bytes,
             size_t len, struct eye_err *err)
{
    if (from > part->size || len > part->size - from)
        return damaged(err, "a part is shorter than it should be");
    return read_at(r, part->at + from, bytes, len, err);
}

/* ---- the end ---- */

/* Where the directory is, when the short fields do not hold it. `at`: of the end record. */
static int read_end64(struct zip_reader *r, uint64_t at, struct eye_err *err)
{
    uint8_t loc[LOCATOR], end[END64];
    if (at < LOCATOR + END64)
        return damaged(err, "its end is cut off");
    int rc = read_at(r, at - LOCATOR, loc, sizeof loc, err);
    rc = rc ? rc : read_at(r, at - LOCATOR - END64, end, sizeof end, err);
    if (rc)
        return rc;
    if (memcmp(loc, "PK\6\7", 4) != 0 || memcmp(end, "PK\6\6", 4) != 0 ||
        u64(loc + 8) != at - LOCATOR - END64 || u64(end + 4) != END64 - 12 || u32(end + 16) != 0 ||
        u32(end + 20) != 0 || u64(end + 24) != u64(end + 32))
        return damaged(err, "its end makes no sense");
    r->count = u64(end + 32);
    r->dir = u64(end + 48);
    r->dir_end = at - LOCATOR - END64;
    return u64(end + 40) == r->dir_end - r->dir && r->dir <= r->dir_end
               ? 0
               : damaged(err, "its directory is not where it should be");
}

static int read_end(struct zip_reader *r, struct eye_err *err)
{
    uint8_t head[4] = {0}, end[END];
    if (r->size < END)
        return eye_fail(err, EYE_EFORMAT, "not a zip file");
    int rc = read_at(r, 0, head, sizeof head, err);
    rc = rc ? rc : read_at(r, r->size - END, end, sizeof end, err);
    if (rc)
        return rc;
    if (!archive_is_zip(head, sizeof head))
        return eye_fail(err, EYE_EFORMAT, "not a zip file");
    if (memcmp(end, "PK\5\6", 4) != 0 || u16(end + 20) != 0)
        return eye_fail(err, EYE_EFORMAT,
                        "the zip is cut short, or something was added at its end");
    if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10))
        return damaged(err, "it is a part of several");
    r->count = u16(end + 10);
    r->dir = u32(end + 16);
    r->dir_end = r->size - END;
    if (r->count == 0xffff || r->dir == 0xffffffffu || u32(end + 12) == 0xffffffffu)
        return read_end64(r, r->size - END, err);
    return r->dir <= r->dir_end && u32(end + 12) == r->dir_end - r->dir
               ? 0
               : damaged(err, "its directory is not where it should be");
}

struct zip_reader *zip_open(int fd, struct eye_err *err)
{
    struct stat st;
    struct zip_reader *r = mem_calloc(1, sizeof *r, err);
    if (!r)
        return NULL;
    r->fd = fd;
    r->window = mem_calloc(WINDOW, 1, err);
    int rc = r->window ? 0 : EYE_ENOMEM;
    if (!rc && fstat(fd, &st) != 0)
        rc = eye_fail_errno(err, errno, "the zip cannot be read");
    else if (!rc && !S_ISREG(st.st_mode))
        rc = eye_fail(err, EYE_EFORMAT, "not a regular file");
    if (!rc) {
        r->size = (uint64_t)st.st_size;
        rc = read_end(r, err);
    }
    if (rc) {
        zip_close(r);
        return NULL;
    }
    zip_rewind(r);
    return r;
}

void zip_close(struct zip_reader *r)
{
    if (r)
        free(r->window);
    free(r);
}

uint64_t zip_count(const struct zip_reader *r)
{
    return r->count;
}

void zip_rewind(struct zip_reader *r)
{
    r->at = r->dir;
    r->seen = r->next = 0;
}

/* ---- an entry ---- */

/* len bytes of the directory at r->at, borrowed until the next call. */
static int look(struct zip_reader *r, size_t len, const uint8_t **out, struct eye_err *err)
{
    if (len > r->dir_end - r->at)
        return damaged(err, "its directory is cut off");
    if (r->at < r->window_at || r->at + len > r->window_at + r->window_len) {
        uint64_t left = r->dir_end - r->at;
        r->window_at = r->at;
        r->window_len = 0;
        size_t want = left < WINDOW ? (size_t)left : WINDOW;
        int rc = read_at(r, r->at, r->window, want, err);
        if (rc)
            return rc;
        r->window_len = want;
    }
    *out = r->window + (r->at - r->window_at);
    return 0;
}

/* The long forms of size and place, where the short ones are all ones. */
static bool read_long(const uint8_t *extra, size_t len, uint64_t values[3])
{
    for (size_t i = 0; i + 4 <= len;) {
        size_t id = u16(extra + i), n = u16(extra + i + 2);
        if (n > len - i - 4)
            return false;
        const uint8_t *p = extra + i + 4, *end = p + n;
        for (int v = 0; id == 1 && v < 3; v++)
            if (values[v] == 0xffffffffu) {
                if (end - p < 8)
                    return false;
                values[v] = u64(p);
                p += 8;
            }
        i += 4 + n;
    }
    return true;
}

/* The header before the bytes must say what the directory says: other programs go by it. */
static int read_local(struct zip_reader *r, uint64_t at, const uint8_t *central,
                      struct zip_part *part, struct eye_err *err)
{
    uint8_t h[LOCAL];
    char name[sizeof r->name];
    size_t len = u16(central + 28);
    int rc = read_at(r, at, h, sizeof h, err);
    if (rc)
        return rc;
    if (memcmp(h, "PK\3\4", 4) != 0 || u16(h + 6) != u16(central + 8) || u16(h + 8) != 0 ||
        u16(h + 26) != len)
        return damaged(err, "a file's header differs from the directory");
    rc = read_at(r, at + LOCAL, name, len, err);
    if (rc)
        return rc;
    if (memcmp(name, r->name, len) != 0)
        return damaged(err, "a file has two names");
    part->at = at + LOCAL + len + u16(h + 28);
    if (part->at > r->dir || part->size > r->dir - part->at)
        return damaged(err, "a file lies outside of it");
    r->next = part->at + part->size;
    return 0;
}

/* What stands behind bytes whose length was not known in time: r->next moves on behind it. */
static int skip_descriptor(struct zip_reader *r, const struct zip_part *part, struct eye_err *err)
{
    uint8_t d[24] = {0};
    uint64_t left = r->dir - r->next;
    int rc = read_at(r, r->next, d, left < sizeof d ? (size_t)left : sizeof d, err);
    if (rc)
        return rc;
    bool ours = memcmp(d, "PK\7\x8", 4) == 0 && u32(d + 4) == part->crc;
    if (ours && left >= 16 && u32(d + 8) == part->size && u32(d + 12) == part->size)
        r->next += 16;
    else if (ours && left >= 24 && u64(d + 8) == part->size && u64(d + 16) == part->size)
        r->next += 24;
    else
        return damaged(err, "a file does not end where it should");
    return 0;
}

/* The entry at `c`, with name and extra field. */
static int read_entry(struct zip_reader *r, const uint8_t *c, struct zip_part *part,
                      struct eye_err *err)
{
    size_t len = u16(c + 28), extra = u16(c + 30);
    uint64_t values[3] = {u32(c + 24), u32(c + 20), u32(c + 42)}; /* size, packed size, place */
    memcpy(r->name, c + CENTRAL, len);
    r->name[len] = '\0';
    if (len == 0 || strlen(r->name) != len)
        return damaged(err, "a file has no name that can be used");
    if (u16(c + 10) != 0)
        return eye_fail(err, EYE_EFORMAT,
                        "%s is compressed: the zip was packed anew by another program, and "
                        "eyeshine reads only what it wrote itself",
                        r->name);
    if (u16(c + 8) & ~0x808u)
        return damaged(err, "a file is encrypted");
    if (!read_long(c + CENTRAL + len, extra, values))
        return damaged(err, "an extra field is cut off");
    if (values[0] != values[1] || u16(c + 34) != 0)
        return damaged(err, "a file's size makes no sense");
    if (values[2] != r->next)
        return damaged(err, "its files overlap or have gaps between them");
    *part = (struct zip_part){.name = r->name, .size = values[0], .crc = u32(c + 16)};
    int rc = read_local(r, values[2], c, part, err);
    return rc || !(u16(c + 8) & 8) ? rc : skip_descriptor(r, part, err);
}

int zip_next(struct zip_reader *r, struct zip_part *part, struct eye_err *err)
{
    const uint8_t *c = NULL;
    if (r->at == r->dir_end && r->seen == r->count)
        return r->next == r->dir ? 0 : damaged(err, "something lies before its directory");
    int rc = r->seen == r->count ? damaged(err, "it holds more files than it says")
                                 : look(r, CENTRAL, &c, err);
    if (rc)
        return rc;
    if (memcmp(c, "PK\1\2", 4) != 0)
        return damaged(err, "its directory is broken");
    size_t len = CENTRAL + u16(c + 28) + u16(c + 30) + u16(c + 32);
    rc = look(r, len, &c, err);
    rc = rc ? rc : read_entry(r, c, part, err);
    if (rc)
        return rc;
    r->at += len;
    r->seen++;
    return 1;
}
