/* zip.c - writing a zip as it goes out: nothing is held but the directory of names, sizes may pass 4 GiB (zip64).
 *
 * libarchive's writer, stored and not compressed: photographs do not shrink, and a processor that is not busy packing can
 * search. libarchive takes names through the thread's locale, so for the moment of a header that is one where names are UTF-8. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buf.h"
#include "base/json.h"

enum { PIECE = 1 << 18 };

struct zip_writer {
    struct archive *a;
    int (*write)(void *ctx, const void *bytes, size_t len);
    void *ctx;
    bool stopped; /* `write` wants no more */
    locale_t utf8;
    uint8_t *piece; /* [PIECE] */
};

static la_ssize_t pass_on(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    struct zip_writer *z = ctx;
    if (z->stopped || z->write(z->ctx, bytes, len) != 0) {
        z->stopped = true;
        archive_set_error(a, ECANCELED, "stopped");
        return -1;
    }
    return (la_ssize_t)len;
}

static int fail(const struct zip_writer *z, struct eye_err *err)
{
    const char *text = archive_error_string(z->a);
    if (z->stopped)
        return eye_fail(err, EYE_ECANCELLED, "the zip was stopped");
    return eye_fail(err, EYE_EIO, "the zip cannot be written: %s", text ? text : "no reason given");
}

static bool configure(struct zip_writer *z)
{
    return archive_write_set_format_zip(z->a) == ARCHIVE_OK &&
           archive_write_set_options(z->a, "zip:compression=store,zip:hdrcharset=UTF-8") ==
               ARCHIVE_OK &&
           archive_write_set_bytes_per_block(z->a, 65536) == ARCHIVE_OK &&
           archive_write_set_bytes_in_last_block(z->a, 1) == ARCHIVE_OK &&
           archive_write_open(z->a, z, NULL, pass_on, NULL) == ARCHIVE_OK;
}

struct zip_writer *zip_new(int (*write)(void *ctx, const void *bytes, size_t len), void *ctx,
                           struct eye_err *err)
{
    struct zip_writer *z = mem_calloc(1, sizeof(*z), err);
    if (!z)
        return NULL;
    z->write = write;
    z->ctx = ctx;
    z->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    z->piece = mem_calloc(PIECE, 1, err);
    z->a = z->piece ? archive_write_new() : NULL;
    if (!z->piece || !z->utf8 || !z->a) {
        if (z->piece && !z->utf8)
            eye_fail(err, EYE_EIO,
                     "this system has no locale C.UTF-8, which the names in a zip need");
        else if (z->piece)
            eye_fail(err, EYE_ENOMEM, "no memory to write a zip");
        zip_free(z);
        return NULL;
    }
    locale_t before = uselocale(z->utf8);
    bool ok = configure(z);
    uselocale(before);
    if (!ok) {
        fail(z, err);
        zip_free(z);
        return NULL;
    }
    return z;
}

static int begin(struct zip_writer *z, const char *name, uint64_t size, int64_t mtime,
                 struct eye_err *err)
{
    struct archive_entry *e;
    if (!name[0] || !utf8_valid(name, strlen(name)))
        return eye_fail(err, EYE_EINVAL, "a file in a zip needs a name in UTF-8");
    if (size > INT64_MAX)
        return eye_fail(err, EYE_EINVAL, "%s: too large for a zip", name);
    if (!(e = archive_entry_new()))
        return eye_fail(err, EYE_ENOMEM, "no memory to write a zip");
    locale_t before = uselocale(z->utf8);
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)size);
    archive_entry_set_mtime(e, (time_t)mtime, 0);
    int rc = archive_write_header(z->a, e);
    archive_entry_free(e);
    uselocale(before);
    return rc == ARCHIVE_OK ? 0 : fail(z, err);
}

static int put(struct zip_writer *z, const void *bytes, size_t len, struct eye_err *err)
{
    return archive_write_data(z->a, bytes, len) == (la_ssize_t)len ? 0 : fail(z, err);
}

static int end(struct zip_writer *z, struct eye_err *err)
{
    return archive_write_finish_entry(z->a) == ARCHIVE_OK ? 0 : fail(z, err);
}

/* hash NULL: nobody wants it. */
static int add_fd(struct zip_writer *z, const char *name, int fd, uint64_t size, int64_t mtime,
                  struct hash_stream *hash, struct eye_err *err)
{
    int rc = begin(z, name, size, mtime, err), errnum = 0;
    uint64_t done = 0;
    while (rc == 0 && done < size) {
        size_t want = size - done < PIECE ? (size_t)(size - done) : PIECE;
        ssize_t n = pread(fd, z->piece, want, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errnum = n < 0 ? errno : 0;
            break;
        }
        if (hash)
            hash_add(hash, z->piece, (size_t)n);
        rc = put(z, z->piece, (size_t)n, err);
        done += (uint64_t)n;
    }
    rc = rc < 0 ? rc : end(z, err);
    if (rc < 0 || done == size)
        return rc;
    eye_fail(err, EYE_EFORMAT, "%s: it is incomplete, the file became shorter", name);
    if (errnum != 0)
        eye_fail_errno(err, errnum, "%s: it is incomplete, the file cannot be read", name);
    if (err)
        err->code = EYE_EFORMAT;
    return EYE_EFORMAT;
}

int zip_add_fd(struct zip_writer *z, const char *name, int fd, uint64_t size, int64_t mtime,
               struct eye_err *err)
{
    return add_fd(z, name, fd, size, mtime, NULL, err);
}

int zip_add_hashed(struct zip_writer *z, const char *name, int fd, uint64_t size, int64_t mtime,
                   struct hash *hash, struct eye_err *err)
{
    struct hash_stream *h = hash_begin(err);
    int rc = h ? add_fd(z, name, fd, size, mtime, h, err) : EYE_ENOMEM;
    hash_end(h, hash);
    return rc;
}

int zip_add_bytes(struct zip_writer *z, const char *name, const void *bytes, size_t len,
                  struct eye_err *err)
{
    int rc = begin(z, name, len, (int64_t)time(NULL), err);
    rc = rc < 0 || len == 0 ? rc : put(z, bytes, len, err);
    return rc < 0 ? rc : end(z, err);
}

int zip_finish(struct zip_writer *z, struct eye_err *err)
{
    return archive_write_close(z->a) == ARCHIVE_OK ? 0 : fail(z, err);
}

void zip_free(struct zip_writer *z)
{
    if (!z)
        return;
    if (z->a) {
        z->stopped = true; /* what was not finished stays unfinished */
        archive_write_free(z->a);
    }
    if (z->utf8)
        freelocale(z->utf8);
    free(z->piece);
    free(z);
}
