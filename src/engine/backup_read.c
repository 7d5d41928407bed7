/* backup_read.c - looking through a backup, which may be damaged or made to harm, and writing out what is as it should be.
 *
 * Two passes over the zip's directory. The first reads only it, the manifest and the sums' own hash: the parts are the right ones
 * in the right order, each path lies below the uploads and comes once (they ascend), and sizes and counts are the manifest's; so
 * before a byte is written it is known how many there will be. The second reads the parts; each must give the next line of
 * SHA256SUMS, so that file is compared and never parsed. Memory is the same for one upload and for millions. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/backup.h"
#include "engine/jobs.h"

enum { CHUNK = 1 << 16 };

static int damaged(const char *name, struct eye_err *err)
{
    return eye_fail(err, EYE_EFORMAT,
                    "the backup is damaged: the bytes of %s are not those that were backed up",
                    name);
}

static int strange(struct eye_err *err)
{
    return eye_fail(err, EYE_EFORMAT,
                    "this zip is no backup of eyeshine, or a damaged one: its parts are not those "
                    "that a backup has");
}

/* ---- the first pass ---- */

struct survey {
    struct backup_reader *r;
    struct zip_part manifest; /* without its name */
    uint64_t database, uploads, upload_bytes, seen;
    struct buf rel, last;
};

/* The paths of the uploads ascend, so none comes twice. */
static int survey_upload(struct survey *s, const struct zip_part *part, struct eye_err *err)
{
    if (!backup_part_rel(part->name, &s->rel)) {
        return eye_fail(err, EYE_EFORMAT,
                        "the backup holds %s, which leads out of the uploads folder or cannot be a "
                        "file there: it may be hostile",
                        part->name);
    }
    if (s->last.data && strcmp(s->last.data, s->rel.data) >= 0) {
        return eye_fail(err, EYE_EFORMAT,
                        "the backup holds %s twice, or not where it should be: it may be hostile",
                        part->name);
    }
    struct buf swap = s->last;
    s->last = s->rel;
    s->rel = swap;
    s->uploads++;
    s->upload_bytes += part->size;
    return 0;
}

static int survey_part(struct survey *s, const struct zip_part *part, struct eye_err *err)
{
    uint64_t i = s->seen++, n = zip_count(s->r->zip);
    const char *must = i == 0       ? BACKUP_DATABASE
                       : i == n - 2 ? BACKUP_SUMS
                       : i == n - 1 ? BACKUP_MANIFEST
                                    : NULL;
    if (must && strcmp(part->name, must) != 0) {
        return strange(err);
    }
    if (i == 0) {
        s->database = part->size;
    } else if (i == n - 2) {
        s->r->sums = *part;
    } else if (i == n - 1) {
        s->manifest = *part;
    } else {
        return survey_upload(s, part, err);
    }
    return 0;
}

static int read_manifest(struct survey *s, struct eye_err *err)
{
    size_t len = (size_t)s->manifest.size;
    if (s->manifest.size > BACKUP_MANIFEST_MAX) {
        return eye_fail(err, EYE_EFORMAT, "the backup's manifest is too large to be one");
    }
    char *text = mem_calloc(len + 1, 1, err);
    int rc = text ? zip_read(s->r->zip, &s->manifest, 0, text, len, err) : EYE_ENOMEM;
    if (rc == 0 && zip_crc(text, len) != s->manifest.crc) {
        rc = damaged(BACKUP_MANIFEST, err);
    }
    rc = rc ? rc : backup_manifest_read(text, len, &s->r->manifest, err);
    free(text);
    return rc;
}

static int compare_sizes(const struct survey *s, struct eye_err *err)
{
    const struct backup_manifest *m = &s->r->manifest;
    if (m->database_bytes != s->database || m->sums_bytes != s->r->sums.size ||
        m->uploads != s->uploads || m->upload_bytes != s->upload_bytes) {
        return eye_fail(err, EYE_EFORMAT,
                        "the backup is damaged or hostile: what it holds is not what its manifest "
                        "says (%llu uploads of %llu bytes, a database of %llu)",
                        (unsigned long long)m->uploads, (unsigned long long)m->upload_bytes,
                        (unsigned long long)m->database_bytes);
    }
    return 0;
}

/* The hash of a part; `more` (NULL: nobody) sees the bytes. */
static int hash_part(const struct backup_reader *r, const struct zip_part *part, struct hash *out,
                     int (*more)(void *ctx, const void *bytes, size_t len, struct eye_err *err),
                     void *ctx, struct eye_err *err)
{
    uint8_t chunk[CHUNK];
    struct hash_stream *h = hash_begin(err);
    int rc = h ? 0 : EYE_ENOMEM;
    for (uint64_t at = 0; rc == 0 && at < part->size;) {
        size_t n = part->size - at < CHUNK ? (size_t)(part->size - at) : CHUNK;
        rc = zip_read(r->zip, part, at, chunk, n, err);
        if (rc == 0) {
            hash_add(h, chunk, n);
            rc = more ? more(ctx, chunk, n, err) : 0;
        }
        at += n;
    }
    hash_end(h, out);
    return rc;
}

static int survey(struct survey *s, struct eye_err *err)
{
    struct zip_part part;
    struct hash hash;
    int rc;
    if (zip_count(s->r->zip) < 3) {
        return strange(err);
    }
    while ((rc = zip_next(s->r->zip, &part, err)) == 1) {
        rc = survey_part(s, &part, err);
        if (rc) {
            return rc;
        }
    }
    rc = rc ? rc : read_manifest(s, err);
    rc = rc ? rc : compare_sizes(s, err);
    rc = rc ? rc : hash_part(s->r, &s->r->sums, &hash, NULL, NULL, err);
    if (rc == 0 && hash_cmp(&hash, &s->r->manifest.sums_hash) != 0) {
        rc = damaged(BACKUP_SUMS, err);
    }
    return rc;
}

int backup_reader_open(struct backup_reader *r, int fd, const eye_backup_options *options,
                       struct eye_err *err)
{
    *r = (struct backup_reader){.zip = zip_open(fd, err), .out = -1, .options = options};
    if (!r->zip) {
        return eng_code(err);
    }
    struct survey s = {.r = r};
    buf_init(&s.rel, BACKUP_NAME_MAX);
    buf_init(&s.last, BACKUP_NAME_MAX);
    int rc = survey(&s, err);
    buf_release(&s.rel);
    buf_release(&s.last);
    r->total = s.database + s.upload_bytes;
    if (rc) {
        backup_reader_close(r);
    }
    return rc;
}

void backup_reader_close(struct backup_reader *r)
{
    zip_close(r->zip);
    r->zip = NULL;
}

/* ---- the second pass ---- */

struct sink {
    struct backup_reader *r;
    int fd; /* -1: nothing is written */
    const char *name;
};

static int take(void *ctx, const void *bytes, size_t len, struct eye_err *err)
{
    struct sink *s = ctx;
    const eye_backup_options *o = s->r->options;
    const char *at = bytes;
    s->r->done += len;
    while (s->fd >= 0 && len > 0) {
        ssize_t n = write(s->fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return eye_fail_errno(err, n < 0 ? errno : ENOSPC, "%s: cannot be written", s->name);
        }
        at += n;
        len -= (size_t)n;
    }
    if (o && o->progress && o->progress(o->ctx, s->r->done, s->r->total) != 0) {
        return eye_fail(err, EYE_ECANCELLED, "stopped; nothing was left behind");
    }
    return 0;
}

/* The new file of an upload, in folders that are made for it. Nothing here can be a link: the folder was made new, by us. */
static int create_upload(int out, const char *rel, struct eye_err *err)
{
    const char *last;
    if (mkdirat(out, "uploads", 0700) != 0 && errno != EEXIST) {
        return eye_fail_errno(err, errno, "uploads: cannot be made");
    }
    int uploads = openat(out, "uploads", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int dir = uploads >= 0 ? upload_folder(uploads, rel, true, &last, err)
                           : eye_fail_errno(err, errno, "uploads: cannot be opened");
    if (uploads >= 0) {
        close(uploads);
    }
    if (dir < 0) {
        return dir == EYE_EINVAL ? eye_fail(err, EYE_EFORMAT,
                                            "the backup holds uploads/%s, but also a file where "
                                            "its folder should be: it may be hostile",
                                            rel)
                                 : dir;
    }
    int fd = openat(dir, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int e = errno;
    close(dir);
    if (fd < 0) {
        return eye_fail_errno(err, e, "uploads/%s: cannot be made", rel);
    }
    return fd;
}

static int create(const struct backup_reader *r, const char *name, struct eye_err *err)
{
    if (!strcmp(name, BACKUP_DATABASE)) {
        int fd = openat(r->out, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
            return eye_fail_errno(err, errno, "%s: cannot be made", name);
        }
        return fd;
    }
    struct buf rel;
    buf_init(&rel, BACKUP_NAME_MAX);
    int fd = backup_part_rel(name, &rel) ? create_upload(r->out, rel.data, err) : strange(err);
    buf_release(&rel);
    return fd;
}

static int check_part(struct backup_reader *r, const struct zip_part *part, struct hash *hash,
                      struct eye_err *err)
{
    struct sink sink = {r, r->out < 0 ? -1 : create(r, part->name, err), part->name};
    if (r->out >= 0 && sink.fd < 0) {
        return sink.fd;
    }
    int rc = hash_part(r, part, hash, take, &sink, err);
    if (sink.fd >= 0 && close(sink.fd) != 0 && rc == 0) {
        rc = eye_fail_errno(err, errno, "%s: cannot be written", part->name);
    }
    if (rc == 0 && !strcmp(part->name, BACKUP_DATABASE) &&
        hash_cmp(hash, &r->manifest.database_hash) != 0) {
        rc = damaged(BACKUP_DATABASE, err);
    }
    return rc;
}

/* The part's line must be the one that stands at *at of the sums. */
static int check_line(const struct backup_reader *r, const struct zip_part *part,
                      const struct hash *hash, uint64_t *at, struct buf *line, struct eye_err *err)
{
    const struct zip_part *sums = &r->sums;
    char there[4 * BACKUP_NAME_MAX];
    buf_clear(line);
    int rc = backup_sum_line(hash, part->name, line, err);
    if (rc == 0 && (line->len > sizeof there || line->len > sums->size - *at)) {
        return damaged(BACKUP_SUMS, err);
    }
    rc = rc ? rc : zip_read(r->zip, sums, *at, there, line->len, err);
    if (rc == 0 && memcmp(there, line->data, line->len) != 0) {
        rc = damaged(part->name, err);
    }
    *at += line->len;
    return rc;
}

int backup_reader_check(struct backup_reader *r, struct eye_err *err)
{
    struct zip_part part;
    struct buf line;
    uint64_t at = 0, n = zip_count(r->zip);
    int rc = 0;
    zip_rewind(r->zip);
    buf_init(&line, 4 * BACKUP_NAME_MAX);
    for (uint64_t i = 0; rc == 0 && i < n - 2; i++) {
        struct hash hash;
        rc = zip_next(r->zip, &part, err);
        rc = rc < 0 ? rc : check_part(r, &part, &hash, err);
        rc = rc ? rc : check_line(r, &part, &hash, &at, &line, err);
    }
    if (rc == 0 && at != r->sums.size) {
        rc = damaged(BACKUP_SUMS, err);
    }
    buf_release(&line);
    return rc;
}
