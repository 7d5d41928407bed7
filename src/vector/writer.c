/* writer.c - makes a segment: collects rows, encodes them on the pool a chunk at a time, appends the chunk.
 *
 * The file is written front to back under its own name. It needs no name of passage: nobody opens a segment that no row of the
 * database tells of, and that row is written after finish. A chunk is one write; the last one is shorter.
 *
 * Encoding is most of the work (a rotation, two quantisations and a CRC a row) and is shared out by blocks of 32 rows,
 * each of which knows its places in the chunk. Reading the next rows meanwhile was thought of and left out: their source is
 * SQLite at a fifth of the time. */
#include "vector/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "vector/dot.h"
#include "vector/segment.h"
#include "vector/set.h"

/* Of one worker, while it encodes. */
struct encoder {
    float *row, *rotated; /* [dim], [pdim] */
    uint8_t *bits;        /* [CODE_BLOCK, pdim / 8] */
};

struct vector_writer {
    char *path;
    int fd;     /* -1: closed */
    int failed; /* what the first failure was: the file is gone */
    struct vector_spec spec;
    struct pool *pool;
    struct rotation *rotation;
    struct encoder *encoders; /* [pool_threads] */
    size_t pdim;
    uint64_t seed, tag;
    bool begun;            /* the header is written; the means are known */
    float *mean, *rotated; /* [dim], [pdim] the mean, rotated */
    int64_t last;
    uint64_t chunks, bytes;
    size_t n;       /* rows collected for the chunk */
    uint16_t *rows; /* [SEGMENT_CHUNK_ROWS, dim] fp16 */
    int64_t *ids;   /* [SEGMENT_CHUNK_ROWS] */
    uint8_t *chunk; /* as it will be in the file */
    struct writer_hook hook;
};

void writer_set_hook(struct vector_writer *w, const struct writer_hook *hook)
{
    w->hook = *hook;
}

/* ---- the file ---- */

/* May the step be done? If not, errno says why. */
static bool go(const struct vector_writer *w, enum writer_step step)
{
    int why = w->hook.before ? w->hook.before(w->hook.ctx, step) : 0;
    if (why)
        errno = why;
    return why == 0;
}

static int write_all(struct vector_writer *w, const void *data, size_t len, struct eye_err *err)
{
    const uint8_t *p = data;
    for (size_t left = len; left > 0;) {
        ssize_t n = go(w, WRITER_WRITE) ? write(w->fd, p, left) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return eye_fail_errno(err, errno, "%s: cannot write the index", w->path);
        p += n;
        left -= (size_t)n;
    }
    w->bytes += len;
    return 0;
}

/* A new file is only safe from a power cut once its folder is on disk. */
static int sync_folder(const struct vector_writer *w, struct eye_err *err)
{
    const char *slash = strrchr(w->path, '/');
    char *dir = mem_strdup(slash ? w->path : ".", err);
    if (!dir)
        return EYE_ENOMEM;
    if (slash)
        dir[slash == w->path ? 1 : slash - w->path] = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    /* EINVAL: a file system that has no such thing */
    if (!go(w, WRITER_SYNC_FOLDER) || fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        rc = eye_fail_errno(err, errno, "%s: cannot flush the folder to disk", dir);
    if (fd >= 0)
        close(fd);
    free(dir);
    return rc;
}

static int make_durable(struct vector_writer *w, struct eye_err *err)
{
    if (!go(w, WRITER_SYNC) || fsync(w->fd) != 0)
        return eye_fail_errno(err, errno, "%s: cannot flush the index to disk", w->path);
    int fd = w->fd;
    w->fd = -1;
    bool closed = close(fd) == 0; /* a network file system tells about a full disk only here */
    if (!go(w, WRITER_CLOSE) || !closed)
        return eye_fail_errno(err, errno, "%s: cannot write the index", w->path);
    return sync_folder(w, err);
}

/* Nothing is left of the file; `rc` is passed on, and told again to whoever goes on. */
static int give_up(struct vector_writer *w, int rc)
{
    if (rc && !w->failed) {
        w->failed = rc;
        if (w->fd >= 0)
            close(w->fd);
        w->fd = -1;
        unlink(w->path);
    }
    return rc;
}

/* ---- encoding ---- */

static void encode_row(const struct vector_writer *w, const struct encoder *e, size_t row,
                       uint8_t *bits, float *factor)
{
    const uint16_t *half = w->rows + row * (size_t)w->spec.dim;
    for (size_t i = 0; i < (size_t)w->spec.dim; i++)
        e->row[i] = dot_half_to_float(half[i]);
    rotation_apply(w->rotation, e->row, e->rotated);

    uint8_t *record = w->chunk + segment_scan_bytes(w->pdim, w->n);
    record += row * segment_record_bytes(w->pdim);
    struct segment_row tail = {0};
    code_bytes(e->rotated, w->pdim, (int8_t *)record, &tail.scale, &tail.spread);
    memcpy(record + w->pdim, &tail, sizeof tail);
    size_t number = (size_t)w->chunks * SEGMENT_CHUNK_ROWS + row;
    tail.crc = crc32c(segment_row_seed(w->tag, number), record,
                      w->pdim + offsetof(struct segment_row, crc));
    memcpy(record + w->pdim, &tail, sizeof tail);

    for (size_t i = 0; i < w->pdim; i++)
        e->rotated[i] -= w->rotated[i];
    code_signs(e->rotated, w->pdim, bits, factor);
    if (!isfinite(*factor)) /* the row is the mean itself: its signs say nothing */
        *factor = 0;
}

static void encode_block(void *ctx, size_t block, int worker)
{
    const struct vector_writer *w = ctx;
    const struct encoder *e = &w->encoders[worker];
    size_t blocks = segment_blocks(w->n), row = block * CODE_BLOCK;
    size_t n = w->n - row < CODE_BLOCK ? w->n - row : CODE_BLOCK;
    uint8_t *codes = w->chunk + sizeof(struct segment_chunk);
    uint8_t *factors = codes + blocks * CODE_BLOCK * (w->pdim / 8);
    uint8_t *ids = factors + blocks * CODE_BLOCK * sizeof(float);
    float factor[CODE_BLOCK] = {0};
    int64_t id[CODE_BLOCK] = {0};
    for (size_t i = 0; i < n; i++)
        encode_row(w, e, row + i, e->bits + i * (w->pdim / 8), &factor[i]);
    memcpy(id, w->ids + row, n * sizeof *id);
    code_block(e->bits, n, w->pdim, codes + row * (w->pdim / 8));
    memcpy(factors + row * sizeof *factor, factor, sizeof factor);
    memcpy(ids + row * sizeof *id, id, sizeof id);
}

/* ---- header and chunks ---- */

static void mean_of_rows(struct vector_writer *w)
{
    size_t dim = (size_t)w->spec.dim;
    double *sum = (double *)(void *)w->chunk; /* not in use before the first chunk; larger by far */
    for (size_t i = 0; i < dim; i++)
        sum[i] = 0;
    for (size_t r = 0; r < w->n; r++)
        for (size_t i = 0; i < dim; i++)
            sum[i] += (double)dot_half_to_float(w->rows[r * dim + i]);
    for (size_t i = 0; i < dim && w->n > 0; i++)
        w->mean[i] = (float)(sum[i] / (double)w->n);
}

static int write_header(struct vector_writer *w, struct eye_err *err)
{
    size_t len = segment_header_bytes(w->spec.dim);
    uint8_t *page = mem_calloc(len, 1, err);
    if (!page)
        return EYE_ENOMEM;
    struct segment_header header = {.magic = SEGMENT_MAGIC,
                                    .layout = SEGMENT_LAYOUT,
                                    .dim = (uint32_t)w->spec.dim,
                                    .pdim = (uint32_t)w->pdim,
                                    .chunk_rows = SEGMENT_CHUNK_ROWS,
                                    .seed = w->seed,
                                    .tag = w->tag,
                                    .weights = w->spec.weights,
                                    .name = segment_name(w->path)};
    memcpy(page, &header, sizeof header);
    memcpy(page + sizeof header, w->mean, (size_t)w->spec.dim * sizeof(float));
    uint32_t crc = crc32c(0, page, len - sizeof crc);
    memcpy(page + len - sizeof crc, &crc, sizeof crc);
    int rc = write_all(w, page, len, err);
    free(page);
    return rc;
}

/* What rows are measured from, for the whole file, and the header that tells it. */
static int begin(struct vector_writer *w, bool mean_given, struct eye_err *err)
{
    if (!mean_given)
        mean_of_rows(w);
    rotation_apply(w->rotation, w->mean, w->rotated);
    w->begun = true;
    return write_header(w, err);
}

static int write_chunk(struct vector_writer *w, struct eye_err *err)
{
    int rc = w->begun ? 0 : begin(w, false, err);
    if (rc || w->n == 0)
        return rc;
    pool_run(w->pool, segment_blocks(w->n), encode_block, w);
    struct segment_chunk chunk = {
        .number = (uint32_t)w->chunks, .tag = w->tag, .seed = w->seed, .rows = (uint32_t)w->n};
    memcpy(w->chunk, &chunk, sizeof chunk);
    chunk.crc = crc32c(0, w->chunk + sizeof chunk.crc,
                       segment_scan_bytes(w->pdim, w->n) - sizeof chunk.crc);
    memcpy(w->chunk, &chunk.crc, sizeof chunk.crc);
    rc = write_all(w, w->chunk, segment_chunk_bytes(w->pdim, w->n), err);
    w->chunks++;
    w->n = 0;
    return rc;
}

/* ---- the face ---- */

static void writer_free(struct vector_writer *w)
{
    for (int i = 0; w->encoders && i < pool_threads(w->pool); i++) {
        free(w->encoders[i].row);
        free(w->encoders[i].rotated);
        free(w->encoders[i].bits);
    }
    free(w->encoders);
    rotation_free(w->rotation);
    free(w->mean);
    free(w->rotated);
    free(w->rows);
    free(w->ids);
    free(w->chunk);
    free(w->path);
    free(w);
}

static int new_encoders(struct vector_writer *w, struct eye_err *err)
{
    size_t n = (size_t)pool_threads(w->pool);
    w->encoders = mem_calloc(n, sizeof *w->encoders, err);
    for (size_t i = 0; w->encoders && i < n; i++) {
        struct encoder *e = &w->encoders[i];
        e->row = mem_calloc((size_t)w->spec.dim, sizeof *e->row, err);
        e->rotated = mem_calloc(w->pdim, sizeof *e->rotated, err);
        e->bits = mem_calloc(CODE_BLOCK, w->pdim / 8, err);
        if (!e->row || !e->rotated || !e->bits)
            return EYE_ENOMEM;
    }
    return w->encoders ? 0 : EYE_ENOMEM;
}

static int new_memory(struct vector_writer *w, struct eye_err *err)
{
    size_t dim = (size_t)w->spec.dim;
    w->rotation = rotation_new(w->spec.dim, w->seed, err);
    w->mean = mem_calloc(dim, sizeof *w->mean, err);
    w->rotated = mem_calloc(w->pdim, sizeof *w->rotated, err);
    w->rows = mem_calloc(SEGMENT_CHUNK_ROWS, dim * sizeof *w->rows, err);
    w->ids = mem_calloc(SEGMENT_CHUNK_ROWS, sizeof *w->ids, err);
    w->chunk = mem_calloc(segment_chunk_bytes(w->pdim, SEGMENT_CHUNK_ROWS), 1, err);
    if (!w->rotation || !w->mean || !w->rotated || !w->rows || !w->ids || !w->chunk)
        return EYE_ENOMEM;
    return new_encoders(w, err);
}

static int create_file(struct vector_writer *w, struct eye_err *err)
{
    if (getrandom(&w->tag, sizeof w->tag, 0) != (ssize_t)sizeof w->tag)
        return eye_fail_errno(err, errno, "cannot get random bytes");
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->fd < 0 && errno == EEXIST)
        return eye_fail(err, EYE_EEXIST, "%s: is there already", w->path);
    if (w->fd < 0)
        return eye_fail_errno(err, errno, "%s: cannot create the index", w->path);
    return 0;
}

struct vector_writer *vector_writer_new(const char *path, const struct vector_spec *spec,
                                        const float *mean, struct pool *pool, struct eye_err *err)
{
    struct vector_writer *w = NULL;
    if (segment_check_spec(spec, err) || !(w = mem_calloc(1, sizeof *w, err)))
        return NULL;
    w->fd = -1;
    w->spec = *spec;
    w->pool = pool;
    w->pdim = segment_pdim(spec->dim);
    w->seed = segment_seed(spec);
    w->last = INT64_MIN;
    w->path = mem_strdup(path, err);
    if (!w->path || new_memory(w, err) || create_file(w, err)) {
        writer_free(w);
        return NULL;
    }
    if (mean)
        memcpy(w->mean, mean, (size_t)spec->dim * sizeof *mean);
    if (mean && give_up(w, begin(w, true, err))) {
        writer_free(w);
        return NULL;
    }
    return w;
}

int vector_writer_add(struct vector_writer *w, int64_t id, const uint16_t *row, struct eye_err *err)
{
    size_t dim = (size_t)w->spec.dim;
    if (w->failed)
        return eye_fail(err, w->failed, "%s: could not be written before", w->path);
    if ((w->chunks || w->n) && id <= w->last)
        return give_up(w, eye_fail(err, EYE_EINVAL,
                                   "an index is written by ascending id: %lld after %lld",
                                   (long long)id, (long long)w->last));
    if (w->chunks >= SEGMENT_ROWS_MAX / SEGMENT_CHUNK_ROWS)
        return give_up(w, eye_fail(err, EYE_ELIMIT, "%s: would have too many rows", w->path));
    if (!set_finite(row, dim))
        return give_up(w, vector_row_length(row, dim, NULL, err)); /* says where */
    memcpy(w->rows + w->n * dim, row, dim * sizeof *row);
    w->ids[w->n++] = w->last = id;
    return w->n < SEGMENT_CHUNK_ROWS ? 0 : give_up(w, write_chunk(w, err));
}

int vector_writer_finish(struct vector_writer *w, uint64_t *rows, uint64_t *bytes,
                         struct eye_err *err)
{
    int rc = w->failed;
    *rows = w->chunks * SEGMENT_CHUNK_ROWS + w->n;
    if (rc)
        eye_fail(err, rc, "%s: could not be written before", w->path);
    if (rc == 0)
        rc = give_up(w, write_chunk(w, err));
    if (rc == 0)
        rc = give_up(w, make_durable(w, err));
    *bytes = w->bytes;
    writer_free(w);
    return rc;
}

void vector_writer_abort(struct vector_writer *w)
{
    if (!w)
        return;
    give_up(w, EYE_ECANCELLED);
    writer_free(w);
}
