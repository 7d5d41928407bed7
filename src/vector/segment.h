/* segment.h - how a segment lies in its file and in memory; shared by who writes it, opens it and searches it.
 *
 *   header   struct segment_header, mean [dim], zeros; the last four bytes of its pages are their CRC
 *   chunk 0  struct segment_chunk, codes, factors, ids: what is read when the segment is opened, under one CRC
 *            then a record a row: int8 [pdim] and struct segment_row, each with a CRC: what is read when it is searched
 *   chunk 1  ...
 *
 * All chunks but the last have SEGMENT_CHUNK_ROWS rows, so every place follows from the number of rows. Codes, factors and ids
 * are filled up with zeros to whole blocks. The header tells the file's own name, and a random tag that chunks repeat and CRCs of rows
 * begin with: what strayed from another file or another place is noticed. Numbers are as the processor has them; a file
 * never leaves its machine but to be made anew. */
#ifndef VECTOR_SEGMENT_H
#define VECTOR_SEGMENT_H

#include <stdatomic.h>

#include "base/crc32c.h"
#include "vector/code.h"
#include "vector/vector.h"

enum { SEGMENT_CHUNK_ROWS = 4096, SEGMENT_PAGE = 4096, SEGMENT_LAYOUT = 1 };
#define SEGMENT_MAGIC UINT64_C(0x3167657365796500) /* also tells the order of bytes */
#define SEGMENT_ROWS_MAX (UINT64_C(1) << 31)

struct segment_header {
    uint64_t magic;
    uint32_t layout, dim, pdim, chunk_rows;
    uint64_t seed, tag;
    struct hash weights, name; /* name: of the last part of the path */
};

struct segment_chunk {
    uint32_t crc, number; /* crc: of the rest of this and of what follows up to the records */
    uint64_t tag, seed;
    uint32_t rows, zero[9];
};

/* Behind the bytes of a row. */
struct segment_row {
    float scale, spread;
    uint32_t crc, zero; /* crc: of the bytes, scale and spread, from segment_row_seed on */
};

struct vector_segment {
    atomic_uint refs;
    int fd;
    char *path;
    struct vector_spec spec;
    uint64_t seed, tag, bytes;
    size_t pdim, rows, blocks;
    struct rotation *rotation;
    float *mean;      /* [dim] */
    uint8_t *codes;   /* [blocks, 4 * pdim]; this and the next two are one piece of memory */
    float *factors;   /* [blocks, CODE_BLOCK] */
    int64_t *ids;     /* [blocks, CODE_BLOCK]; those of rows ascend */
    size_t scan_size; /* bytes of that piece */
};

/* ---- places ---- */

static inline size_t segment_pdim(int dim)
{
    return ((size_t)dim + 63) / 64 * 64;
}

static inline size_t segment_header_bytes(int dim)
{
    size_t bytes = sizeof(struct segment_header) + (size_t)dim * sizeof(float) + sizeof(uint32_t);
    return (bytes + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
}

static inline size_t segment_blocks(size_t rows)
{
    return (rows + CODE_BLOCK - 1) / CODE_BLOCK;
}

/* Codes, factors and ids of a block. */
static inline size_t segment_block_bytes(size_t pdim)
{
    return CODE_BLOCK * (pdim / 8 + sizeof(float) + sizeof(int64_t));
}

/* From a chunk's start to its records. */
static inline size_t segment_scan_bytes(size_t pdim, size_t rows)
{
    return sizeof(struct segment_chunk) + segment_blocks(rows) * segment_block_bytes(pdim);
}

static inline size_t segment_record_bytes(size_t pdim)
{
    return pdim + sizeof(struct segment_row);
}

static inline size_t segment_chunk_bytes(size_t pdim, size_t rows)
{
    return segment_scan_bytes(pdim, rows) + rows * segment_record_bytes(pdim);
}

static inline uint64_t segment_chunk_at(int dim, uint64_t chunk)
{
    return segment_header_bytes(dim) +
           chunk * segment_chunk_bytes(segment_pdim(dim), SEGMENT_CHUNK_ROWS);
}

/* rows <= SEGMENT_ROWS_MAX */
static inline uint64_t segment_file_bytes(int dim, uint64_t rows)
{
    size_t rest = rows % SEGMENT_CHUNK_ROWS;
    return segment_chunk_at(dim, rows / SEGMENT_CHUNK_ROWS) +
           (rest ? segment_chunk_bytes(segment_pdim(dim), rest) : 0);
}

/* ---- segment.c ---- */

int segment_check_spec(const struct vector_spec *spec, struct eye_err *err);
/* Of the rotation: the same in all segments of a model. */
uint64_t segment_seed(const struct vector_spec *spec);
struct hash segment_name(const char *path);
uint32_t segment_row_seed(uint64_t tag, size_t row);

/* ---- segment_rows.c: int8 rows, read from the file ---- */

/* A row's score, and how far it may be off. */
struct segment_score {
    float score, slack;
};
/* What a query is to int8 rows. */
struct segment_query {
    const struct code_query *code;
    float length; /* of the query */
};
enum { SEGMENT_READ_BYTES = 64 * 1024 };
/* Scores of rows [n] ascending, read into `scratch` [SEGMENT_READ_BYTES], neighbours in one call. EYE_EFORMAT. */
int segment_score_rows(const struct vector_segment *seg, const struct segment_query *query,
                       const uint32_t *rows, size_t n, uint8_t *scratch, struct segment_score *out,
                       struct eye_err *err);
/* All of `len` bytes. EYE_EFORMAT: the file ends before; EYE_EIO. */
int segment_read(const struct vector_segment *seg, void *data, size_t len, uint64_t at,
                 struct eye_err *err);
/* Is the record [segment_record_bytes] that of `row`? */
int segment_check_row(const struct vector_segment *seg, const uint8_t *record, size_t row,
                      struct eye_err *err);

#endif
