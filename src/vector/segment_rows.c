/* segment_rows.c - int8 rows of a segment, read where they lie and scored.
 *
 * A search wants some thousand rows of a million, and a filter's rows may lie next to each other or not: what is less than
 * GAP apart comes with one call, for a call costs as much as copying that. Each record is checked before it counts. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vector/segment.h"

enum { GAP_BYTES = 4096 };

uint32_t segment_row_seed(uint64_t tag, size_t row)
{
    return (uint32_t)tag + (uint32_t)row;
}

int segment_read(const struct vector_segment *seg, void *data, size_t len, uint64_t at,
                 struct eye_err *err)
{
    uint8_t *p = data;
    while (len > 0) {
        ssize_t n = pread(seg->fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return eye_fail_errno(err, errno, "%s: cannot read", seg->path);
        if (n == 0)
            return eye_fail(err, EYE_EFORMAT, "%s: is cut short at byte %llu", seg->path,
                            (unsigned long long)at);
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int segment_check_row(const struct vector_segment *seg, const uint8_t *record, size_t row,
                      struct eye_err *err)
{
    struct segment_row tail;
    memcpy(&tail, record + seg->pdim, sizeof tail);
    if (crc32c(segment_row_seed(seg->tag, row), record,
               seg->pdim + offsetof(struct segment_row, crc)) == tail.crc)
        return 0;
    return eye_fail(err, EYE_EFORMAT, "%s: row %zu is damaged", seg->path, row);
}

static uint64_t record_at(const struct vector_segment *seg, size_t row)
{
    size_t chunk = row / SEGMENT_CHUNK_ROWS, left = seg->rows - chunk * SEGMENT_CHUNK_ROWS;
    size_t rows = left < SEGMENT_CHUNK_ROWS ? left : SEGMENT_CHUNK_ROWS;
    return segment_chunk_at(seg->spec.dim, chunk) + segment_scan_bytes(seg->pdim, rows) +
           row % SEGMENT_CHUNK_ROWS * segment_record_bytes(seg->pdim);
}

/* How many of rows [n] one call should bring: those of one chunk, near each other, that fit. */
static size_t run_length(const struct vector_segment *seg, const uint32_t *rows, size_t n)
{
    size_t bytes = segment_record_bytes(seg->pdim), i = 1;
    size_t most = SEGMENT_READ_BYTES / bytes, gap = GAP_BYTES / bytes;
    while (i < n && rows[i] / SEGMENT_CHUNK_ROWS == rows[0] / SEGMENT_CHUNK_ROWS &&
           rows[i] - rows[i - 1] <= gap + 1 && rows[i] - rows[0] < most)
        i++;
    return i;
}

int segment_score_rows(const struct vector_segment *seg, const struct segment_query *query,
                       const uint32_t *rows, size_t n, uint8_t *scratch, struct segment_score *out,
                       struct eye_err *err)
{
    size_t bytes = segment_record_bytes(seg->pdim);
    code_dot_fn *dot = code_dot_kernel(cpu_level());
    for (size_t i = 0; i < n;) {
        size_t run = run_length(seg, rows + i, n - i), first = rows[i];
        size_t len = (rows[i + run - 1] - first + 1) * bytes;
        int rc = segment_read(seg, scratch, len, record_at(seg, first), err);
        for (size_t end = i + run; rc == 0 && i < end; i++) {
            const uint8_t *record = scratch + (rows[i] - first) * bytes;
            struct segment_row tail;
            rc = segment_check_row(seg, record, rows[i], err);
            memcpy(&tail, record + seg->pdim, sizeof tail);
            float sum = (float)dot((const int8_t *)record, query->code->q, seg->pdim);
            out[i].score = tail.scale * query->code->q_scale * sum;
            out[i].slack = tail.spread * query->length;
        }
        if (rc)
            return rc;
    }
    return 0;
}
