/* segment.c - opens a segment: codes, factors and ids into memory, all of them checked.
 *
 * Everything is read by pread. A mapping would be less code and load by itself, but a file that is cut short under it
 * kills the process, and a bad sector does too; here both are sentences. Reading 76 MB of a million rows takes 50 ms.
 *
 * Memory is asked for in huge pages: a scan walks through all of it, and with small ones every second block would miss the
 * TLB. int8 rows stay in the file, seven times as much, of which a search wants a thousandth; the page cache keeps what is in use. */
#include "vector/segment.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"

enum { HUGE_PAGE = 2 * 1024 * 1024 };

int segment_check_spec(const struct vector_spec *spec, struct eye_err *err)
{
    if (spec->dim < CODE_DIM_MIN || spec->dim > CODE_DIM_MAX)
        return eye_fail(err, EYE_EINVAL, "an index of %d dimensions: must be %d to %d", spec->dim,
                        CODE_DIM_MIN, CODE_DIM_MAX);
    return 0;
}

uint64_t segment_seed(const struct vector_spec *spec)
{
    struct {
        struct hash weights;
        uint64_t dim;
    } from = {spec->weights, (uint64_t)spec->dim};
    struct hash hash;
    uint64_t seed;
    hash_bytes(&from, sizeof from, &hash);
    memcpy(&seed, hash.bytes, sizeof seed);
    return seed;
}

struct hash segment_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct hash hash;
    hash_bytes(name, strlen(name), &hash);
    return hash;
}

/* ---- header ---- */

static int check_header(const struct vector_segment *seg, const struct segment_header *h,
                        struct eye_err *err)
{
    if (h->layout != SEGMENT_LAYOUT || h->chunk_rows != SEGMENT_CHUNK_ROWS)
        return eye_fail(err, EYE_EFORMAT, "%s: is an index of layout %u, not %d", seg->path,
                        (unsigned)h->layout, SEGMENT_LAYOUT);
    if (h->dim != (uint32_t)seg->spec.dim || h->pdim != seg->pdim)
        return eye_fail(err, EYE_EFORMAT, "%s: is an index of %u dimensions, not %d", seg->path,
                        (unsigned)h->dim, seg->spec.dim);
    if (hash_cmp(&h->weights, &seg->spec.weights) != 0)
        return eye_fail(err, EYE_EFORMAT, "%s: is an index of another model", seg->path);
    if (h->seed != seg->seed)
        return eye_fail(err, EYE_EFORMAT, "%s: is an index of another rotation", seg->path);
    struct hash name = segment_name(seg->path);
    if (hash_cmp(&h->name, &name) != 0)
        return eye_fail(err, EYE_EFORMAT, "%s: is an index that had another name", seg->path);
    return 0;
}

/* Is the file ours? The tag and the mean come out of it. */
static int read_header(struct vector_segment *seg, struct eye_err *err)
{
    size_t len = segment_header_bytes(seg->spec.dim);
    uint8_t *page = mem_calloc(len, 1, err);
    if (!page)
        return EYE_ENOMEM;
    struct segment_header h = {0};
    uint32_t crc;
    int rc = segment_read(seg, page, sizeof h, 0, err);
    memcpy(&h, page, sizeof h);
    if (rc == 0 && h.magic != SEGMENT_MAGIC)
        rc = eye_fail(err, EYE_EFORMAT, "%s: is no index of eyeshine", seg->path);
    if (rc == 0) /* before the sum: where it lies depends on the dimension */
        rc = check_header(seg, &h, err);
    if (rc == 0)
        rc = segment_read(seg, page, len, 0, err);
    memcpy(&crc, page + len - sizeof crc, sizeof crc);
    if (rc == 0 && crc32c(0, page, len - sizeof crc) != crc)
        rc = eye_fail(err, EYE_EFORMAT, "%s: its header is damaged", seg->path);
    if (rc == 0) {
        memcpy(seg->mean, page + sizeof h, (size_t)seg->spec.dim * sizeof *seg->mean);
        seg->tag = h.tag;
    }
    free(page);
    return rc;
}

/* ---- chunks ---- */

static size_t chunk_rows(const struct vector_segment *seg, size_t chunk)
{
    size_t left = seg->rows - chunk * SEGMENT_CHUNK_ROWS;
    return left < SEGMENT_CHUNK_ROWS ? left : SEGMENT_CHUNK_ROWS;
}

static size_t chunk_count(const struct vector_segment *seg)
{
    return (seg->rows + SEGMENT_CHUNK_ROWS - 1) / SEGMENT_CHUNK_ROWS;
}

/* Fill [4] pieces from `at` on. */
static int read_pieces(const struct vector_segment *seg, struct iovec *piece, uint64_t at,
                       struct eye_err *err)
{
    size_t len = 0;
    for (int i = 0; i < 4; i++)
        len += piece[i].iov_len;
    ssize_t n;
    do
        n = preadv(seg->fd, piece, 4, (off_t)at);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)len)
        return 0;
    if (n < 0)
        return eye_fail_errno(err, errno, "%s: cannot read", seg->path);
    for (int i = 0; i < 4; i++) { /* less than asked for: the slow way tells why */
        int rc = segment_read(seg, piece[i].iov_base, piece[i].iov_len, at, err);
        if (rc)
            return rc;
        at += piece[i].iov_len;
    }
    return 0;
}

/* Where a chunk's codes, factors and ids go. */
struct chunk_place {
    uint8_t *codes;
    float *factors;
    int64_t *ids;
};

static int read_chunk(const struct vector_segment *seg, size_t number, const struct chunk_place *to,
                      struct eye_err *err)
{
    size_t rows = chunk_rows(seg, number), slots = segment_blocks(rows) * CODE_BLOCK;
    struct segment_chunk chunk = {0};
    struct iovec piece[4] = {{&chunk, sizeof chunk},
                             {to->codes, slots * seg->pdim / 8},
                             {to->factors, slots * sizeof *to->factors},
                             {to->ids, slots * sizeof *to->ids}};
    int rc = read_pieces(seg, piece, segment_chunk_at(seg->spec.dim, number), err);
    if (rc)
        return rc;
    uint32_t crc = crc32c(0, (uint8_t *)&chunk + sizeof crc, sizeof chunk - sizeof crc);
    for (int i = 1; i < 4; i++)
        crc = crc32c(crc, piece[i].iov_base, piece[i].iov_len);
    if (crc != chunk.crc || chunk.number != number || chunk.rows != rows)
        return eye_fail(err, EYE_EFORMAT, "%s: part %zu of %zu is damaged", seg->path, number + 1,
                        chunk_count(seg));
    if (chunk.tag != seg->tag || chunk.seed != seg->seed)
        return eye_fail(err, EYE_EFORMAT, "%s: part %zu of %zu is of another file", seg->path,
                        number + 1, chunk_count(seg));
    return 0;
}

static int check_ids(const struct vector_segment *seg, struct eye_err *err)
{
    for (size_t i = 1; i < seg->rows; i++)
        if (seg->ids[i] <= seg->ids[i - 1])
            return eye_fail(err, EYE_EFORMAT, "%s: its ids do not ascend at row %zu", seg->path, i);
    return 0;
}

static int read_chunks(struct vector_segment *seg, struct eye_err *err)
{
    for (size_t c = 0; c < chunk_count(seg); c++) {
        size_t row = c * SEGMENT_CHUNK_ROWS;
        struct chunk_place to = {seg->codes + row * (seg->pdim / 8), seg->factors + row,
                                 seg->ids + row};
        int rc = read_chunk(seg, c, &to, err);
        if (rc)
            return rc;
    }
    return check_ids(seg, err);
}

/* ---- opening ---- */

static int open_file(struct vector_segment *seg, struct eye_err *err)
{
    struct stat st;
    seg->fd = fs_open_regular(seg->path, &st, err);
    if (seg->fd < 0)
        return seg->fd;
    uint64_t size = (uint64_t)st.st_size;
    if (size < seg->bytes)
        return eye_fail(err, EYE_EFORMAT, "%s: is cut short, %llu bytes of %llu", seg->path,
                        (unsigned long long)size, (unsigned long long)seg->bytes);
    if (size > seg->bytes)
        return eye_fail(err, EYE_EFORMAT, "%s: has %llu bytes instead of %llu", seg->path,
                        (unsigned long long)size, (unsigned long long)seg->bytes);
    return 0;
}

static int new_memory(struct vector_segment *seg, struct eye_err *err)
{
    size_t bytes = seg->blocks * segment_block_bytes(seg->pdim);
    size_t unit = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
    bytes = (bytes + unit) / unit * unit; /* never none */
    seg->mean = mem_calloc((size_t)seg->spec.dim, sizeof *seg->mean, err);
    seg->rotation = rotation_new(seg->spec.dim, seg->seed, err);
    if (!seg->mean || !seg->rotation)
        return EYE_ENOMEM;
    seg->codes = aligned_alloc(unit, bytes);
    if (!seg->codes)
        return eye_fail(err, EYE_ENOMEM, "%s: out of memory for an index of %zu bytes", seg->path,
                        bytes);
    if (unit == HUGE_PAGE)
        madvise(seg->codes, bytes, MADV_HUGEPAGE); /* a wish */
    seg->factors = (float *)(void *)(seg->codes + seg->blocks * CODE_BLOCK * (seg->pdim / 8));
    seg->ids = (int64_t *)(void *)(seg->factors + seg->blocks * CODE_BLOCK);
    seg->scan_size = bytes;
    return 0;
}

static void segment_free(struct vector_segment *seg)
{
    if (seg->fd >= 0)
        close(seg->fd);
    rotation_free(seg->rotation);
    free(seg->mean);
    free(seg->codes);
    free(seg->path);
    free(seg);
}

struct vector_segment *vector_segment_open(const char *path, const struct vector_spec *spec,
                                           uint64_t rows, uint64_t bytes, struct eye_err *err)
{
    if (segment_check_spec(spec, err))
        return NULL;
    if (rows > SEGMENT_ROWS_MAX || bytes != segment_file_bytes(spec->dim, rows)) {
        eye_fail(err, EYE_EFORMAT, "%s: an index of %llu rows does not have %llu bytes", path,
                 (unsigned long long)rows, (unsigned long long)bytes);
        return NULL;
    }
    struct vector_segment *seg = mem_calloc(1, sizeof *seg, err);
    if (!seg)
        return NULL;
    atomic_init(&seg->refs, 1);
    seg->fd = -1;
    seg->spec = *spec;
    seg->pdim = segment_pdim(spec->dim);
    seg->seed = segment_seed(spec);
    seg->rows = (size_t)rows;
    seg->blocks = segment_blocks(seg->rows);
    seg->bytes = bytes;
    seg->path = mem_strdup(path, err);
    if (!seg->path || open_file(seg, err) || new_memory(seg, err) || read_header(seg, err) ||
        read_chunks(seg, err)) {
        segment_free(seg);
        return NULL;
    }
    return seg;
}

struct vector_segment *vector_segment_ref(struct vector_segment *seg)
{
    atomic_fetch_add_explicit(&seg->refs, 1, memory_order_relaxed);
    return seg;
}

void vector_segment_unref(struct vector_segment *seg)
{
    if (seg && atomic_fetch_sub_explicit(&seg->refs, 1, memory_order_acq_rel) == 1)
        segment_free(seg);
}

size_t vector_segment_rows(const struct vector_segment *seg)
{
    return seg->rows;
}

size_t vector_segment_memory(const struct vector_segment *seg)
{
    return sizeof *seg + seg->scan_size + ((size_t)seg->spec.dim + seg->pdim) * sizeof(float);
}

const int64_t *vector_segment_ids(const struct vector_segment *seg)
{
    return seg->ids;
}

/* ---- verifying ---- */

static int verify_rows(const struct vector_segment *seg, size_t number, uint8_t *records,
                       struct eye_err *err)
{
    size_t rows = chunk_rows(seg, number), bytes = segment_record_bytes(seg->pdim);
    uint64_t at = segment_chunk_at(seg->spec.dim, number) + segment_scan_bytes(seg->pdim, rows);
    int rc = segment_read(seg, records, rows * bytes, at, err);
    for (size_t i = 0; rc == 0 && i < rows; i++)
        rc = segment_check_row(seg, records + i * bytes, number * SEGMENT_CHUNK_ROWS + i, err);
    return rc;
}

int vector_segment_verify(const struct vector_segment *seg, struct eye_err *err)
{
    /* A second segment of the same file: its header and codes are read into memory of their own. */
    struct vector_segment *again =
        vector_segment_open(seg->path, &seg->spec, seg->rows, seg->bytes, err);
    uint8_t *records =
        again ? mem_calloc(SEGMENT_CHUNK_ROWS, segment_record_bytes(seg->pdim), err) : NULL;
    int rc = 0;
    if (again && again->tag != seg->tag)
        rc = eye_fail(err, EYE_EFORMAT, "%s: another file has taken its place", seg->path);
    for (size_t c = 0; rc == 0 && records && c < chunk_count(seg); c++)
        rc = verify_rows(again, c, records, err);
    if (rc == 0 && !records)
        rc = err ? err->code : EYE_EFORMAT;
    free(records);
    vector_segment_unref(again);
    return rc;
}
