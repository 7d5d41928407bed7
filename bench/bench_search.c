/* bench_search.c - the quantised index on made-up embeddings (tests/recall/data.h): build, memory, latency, recall, filters.
 *
 * usage: bench_search ROWS FOLDER [THREADS]        the data as files in FOLDER for bench/search_peers.py, then measured
 *        bench_search ROWS FOLDER THREADS stream   no data file: rows are made when they are needed, so that ten million
 *                                                  cost the segment's 6 GB of disk and no more
 *
 * FOLDER gets rows.f16 [ROWS, 512], queries.f32 [2 kinds, QUERIES, 512], truth.i64 [2, QUERIES, 10], allowed.u8 (a bit a row: 1 % of
 * them), truth1.i64 (the best among those). Figures go to stdout as lines "name value". */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "measure.h"
#include "vector/dot.h"
#include "vector/topk.h"

enum { DIM = 512, QUERIES = 200, K = 10, PAGE = 48, CHUNK = 4096, ROW_BYTES = 2 * DIM };

struct bench {
    size_t rows;
    const char *folder;
    bool stream;
    struct pool *pool;
    struct data *data;
    int fd;                                    /* of rows.f16; -1: stream */
    float *queries;                            /* [2, QUERIES, DIM] */
    struct vector_hit hits[2][2][QUERIES * K]; /* exact: all, of the allowed; kinds */
    uint64_t *allowed;                         /* a bit a row */
    size_t nallowed;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Anonymous memory of this process, MB. */
static double resident(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtod(line + 8, NULL);
    if (f)
        fclose(f);
    return kib / 1e3;
}

static void put(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
    fflush(stdout);
}

static bool is_allowed(const struct bench *b, size_t row)
{
    return b->allowed[row / 64] >> (row % 64) & 1;
}

/* Ids are row + 1. */
static void make_chunk(const struct bench *b, size_t at, size_t n, uint16_t *rows)
{
    struct measure_making m = {b->data, at + 1, rows};
    pool_run(b->pool, n, measure_make_row, &m);
}

/* ---- the data and the truth, in one pass ---- */

struct truth {
    struct bench *b;
    const uint16_t *rows;
    size_t at, n;
};

static void offer(const struct truth *t, struct topk *best, size_t row, float score)
{
    struct vector_hit hit = {(int64_t)(t->at + row + 1), score};
    if (topk_wants(best, &hit))
        topk_push(best, &hit);
}

/* Query i of both kinds against a chunk. */
static void score_chunk(void *ctx, size_t i, int worker)
{
    const struct truth *t = ctx;
    struct bench *b = t->b;
    size_t kind = i / QUERIES, q = i % QUERIES;
    struct topk best[2]; /* of all, of the allowed */
    float scores[64];
    (void)worker;
    for (int limited = 0; limited < 2; limited++) {
        best[limited] = (struct topk){.heap = b->hits[limited][kind] + q * K, .k = K};
        while (best[limited].n < K && best[limited].heap[best[limited].n].id)
            best[limited].n++;
    }
    for (size_t r = 0; r < t->n; r += 64) {
        size_t n = t->n - r < 64 ? t->n - r : 64;
        dot_kernel(cpu_level())(t->rows + r * DIM, n, b->queries + i * DIM, 1, DIM, scores);
        for (size_t j = 0; j < n; j++) {
            offer(t, &best[0], r + j, scores[j]);
            if (is_allowed(b, t->at + r + j))
                offer(t, &best[1], r + j, scores[j]);
        }
    }
}

static void write_file(const struct bench *b, const char *name, const void *data, size_t bytes)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f))
        die(path);
}

static void write_truth(const struct bench *b, const char *name, int limited)
{
    int64_t *ids = calloc((size_t)2 * QUERIES * K, sizeof *ids);
    for (size_t i = 0; ids && i < (size_t)2 * QUERIES * K; i++)
        ids[i] = b->hits[limited][i / (QUERIES * K)][i % (QUERIES * K)].id;
    if (!ids)
        die("memory");
    write_file(b, name, ids, (size_t)2 * QUERIES * K * sizeof *ids);
    free(ids);
}

static void make_data(struct bench *b)
{
    uint16_t *rows = aligned_alloc(64, (size_t)CHUNK * ROW_BYTES);
    size_t words = (b->rows + 63) / 64;
    uint64_t state = 99;
    b->allowed = calloc(words, sizeof *b->allowed);
    b->queries = aligned_alloc(64, (size_t)2 * QUERIES * DIM * sizeof *b->queries);
    if (!rows || !b->allowed || !b->queries)
        die("memory");
    for (size_t i = 0; i < (size_t)2 * QUERIES; i++)
        data_query(b->data, i % QUERIES, i >= QUERIES, b->queries + i * DIM);
    for (size_t i = 0; i < b->rows; i++)
        if (data_random(&state) % 100 == 0) {
            b->allowed[i / 64] |= (uint64_t)1 << (i % 64);
            b->nallowed++;
        }
    for (size_t at = 0; at < b->rows; at += CHUNK) {
        size_t n = b->rows - at < CHUNK ? b->rows - at : CHUNK;
        make_chunk(b, at, n, rows);
        struct truth t = {b, rows, at, n};
        pool_run(b->pool, (size_t)2 * QUERIES, score_chunk, &t);
        if (!b->stream && write(b->fd, rows, n * ROW_BYTES) != (ssize_t)(n * ROW_BYTES))
            die("rows.f16");
    }
    for (int limited = 0; limited < 2; limited++)
        for (size_t i = 0; i < (size_t)2 * QUERIES; i++) {
            struct topk best = {
                .heap = b->hits[limited][i / QUERIES] + i % QUERIES * K, .n = K, .k = K};
            topk_sort(&best);
        }
    if (!b->stream) {
        write_file(b, "queries.f32", b->queries, (size_t)2 * QUERIES * DIM * sizeof *b->queries);
        write_file(b, "allowed.u8", b->allowed, words * sizeof *b->allowed);
        write_truth(b, "truth.i64", 0);
        write_truth(b, "truth1.i64", 1);
    }
    free(rows);
}

/* ---- the index ---- */

static int source_rows(void *ctx, const int64_t *ids, size_t n, uint16_t *out, bool *there,
                       struct eye_err *err)
{
    const struct bench *b = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)(ids[i] - 1);
        there[i] = row < b->rows;
        if (b->stream)
            data_row(b->data, row + 1, out + i * DIM);
        else if (pread(b->fd, out + i * DIM, ROW_BYTES, (off_t)(row * ROW_BYTES)) != ROW_BYTES)
            there[i] = false;
    }
    return 0;
}

/* Rows are read (or made) by this thread; the clock stops for making. */
static double build(struct bench *b, const char *path, uint64_t *bytes)
{
    struct eye_err err;
    struct vector_spec spec = measure_spec(DIM);
    uint16_t *rows = aligned_alloc(64, (size_t)CHUNK * ROW_BYTES);
    uint64_t written;
    double making = 0, start = now();
    struct vector_writer *w = vector_writer_new(path, &spec, NULL, b->pool, &err);
    if (!rows || !w)
        measure_die(path, &err);
    for (size_t at = 0; at < b->rows; at += CHUNK) {
        size_t n = b->rows - at < CHUNK ? b->rows - at : CHUNK;
        double before = now();
        if (b->stream) {
            make_chunk(b, at, n, rows);
            making += now() - before;
        } else if (pread(b->fd, rows, n * ROW_BYTES, (off_t)(at * ROW_BYTES)) !=
                   (ssize_t)(n * ROW_BYTES)) {
            die("rows.f16");
        }
        for (size_t i = 0; i < n; i++)
            if (vector_writer_add(w, (int64_t)(at + i + 1), rows + i * DIM, &err))
                measure_die(path, &err);
    }
    if (vector_writer_finish(w, &written, bytes, &err))
        measure_die(path, &err);
    free(rows);
    return now() - start - making;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct bench *b, const struct vector_index *ix, const char *name, size_t k,
                    bool limited, const uint64_t *mask)
{
    struct eye_err err;
    struct vector_source source = {source_rows, b};
    struct vector_hit hits[PAGE];
    char line[64];
    for (size_t kind = 0; kind < 2; kind++) {
        double ms[QUERIES];
        size_t there = 0;
        for (int round = 0; round < 2; round++) /* the first fills the page cache */
            for (size_t q = 0; q < QUERIES; q++) {
                struct vector_ask ask = {.query = b->queries + (kind * QUERIES + q) * DIM,
                                         .k = k,
                                         .mask = mask,
                                         .passed = mask ? b->nallowed : 0,
                                         .hits = hits};
                double start = now();
                if (vector_index_search(ix, &ask, 1, &source, b->pool, &err))
                    measure_die("a search", &err);
                ms[q] = (now() - start) * 1e3;
                for (size_t i = 0; round && i < K; i++)
                    for (size_t j = 0; j < ask.count; j++)
                        there += hits[j].id == b->hits[limited][kind][q * K + i].id;
            }
        qsort(ms, QUERIES, sizeof *ms, compare);
        const char *what = kind ? "text" : "image";
        snprintf(line, sizeof line, "%s_%s_p50_ms", name, what);
        put(line, ms[QUERIES / 2]);
        snprintf(line, sizeof line, "%s_%s_p95_ms", name, what);
        put(line, ms[QUERIES * 95 / 100]);
        snprintf(line, sizeof line, "%s_%s_recall10", name, what);
        put(line, (double)there / (QUERIES * K));
    }
}

/* As a busy server does it: sixteen at a time share a pass. */
static void throughput(struct bench *b, const struct vector_index *ix)
{
    struct vector_source source = {source_rows, b};
    for (size_t kind = 0; kind < 2; kind++) {
        double start = now();
        struct measure_hits h =
            measure_search(ix, b->queries + kind * QUERIES * DIM, QUERIES, K, 0, &source, b->pool);
        put(kind ? "text_per_second" : "image_per_second", QUERIES / (now() - start));
        measure_hits_free(&h);
    }
}

static void measure_index(struct bench *b)
{
    struct eye_err err;
    struct vector_spec spec = measure_spec(DIM);
    char path[600];
    uint64_t bytes;
    snprintf(path, sizeof path, "%s/ours.seg", b->folder);
    unlink(path);
    double cpu = cpu_seconds(), built = build(b, path, &bytes);
    put("build_s", built);
    if (!b->stream)
        put("build_cpu_s", cpu_seconds() - cpu);
    put("file_bytes_per_vector", (double)bytes / (double)b->rows);
    double before = resident(), start = now();
    struct vector_segment *seg = vector_segment_open(path, &spec, b->rows, bytes, &err);
    struct vector_index *ix = seg ? vector_index_new(&spec, &err) : NULL;
    if (!ix || vector_index_attach(ix, seg, &err))
        measure_die(path, &err);
    put("open_s", now() - start);
    put("index_mb", (double)vector_index_memory(ix) / 1e6);
    measure(b, ix, "top10", K, false, NULL);
    measure(b, ix, "page48", PAGE, false, NULL);
    int64_t *ids = calloc(b->nallowed + 1, sizeof *ids);
    size_t n = 0, passed;
    if (!ids)
        die("memory");
    for (size_t i = 0; i < b->rows; i++)
        if (is_allowed(b, i))
            ids[n++] = (int64_t)i + 1;
    start = now();
    uint64_t *mask = vector_index_mask(ix, ids, n, &passed, &err);
    put("mask_ms", (now() - start) * 1e3);
    measure(b, ix, "filtered1", K, true, mask);
    throughput(b, ix);
    put("resident_mb", resident() - before);
    free(mask);
    free(ids);
    vector_index_free(ix);
    vector_segment_unref(seg);
    unlink(path);
}

int main(int argc, char **argv)
{
    static struct bench b;
    char path[600];
    if (argc < 3) {
        fprintf(stderr, "usage: bench_search ROWS FOLDER [THREADS [stream]]\n");
        return 2;
    }
    b.rows = (size_t)strtod(argv[1], NULL);
    b.folder = argv[2];
    b.stream = argc > 4 && strcmp(argv[4], "stream") == 0;
    b.pool = pool_new(argc > 3 ? (int)strtol(argv[3], NULL, 10) : 2, NULL);
    b.data = data_new(DIM, 1);
    snprintf(path, sizeof path, "%s/rows.f16", b.folder);
    b.fd = b.stream ? -1 : open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (!b.stream && b.fd < 0)
        die(path);
    double start = now();
    make_data(&b);
    put("rows", (double)b.rows);
    put("data_and_truth_s", now() - start);
    measure_index(&b);
    if (b.fd >= 0)
        close(b.fd);
    free(b.allowed);
    free(b.queries);
    data_free(b.data);
    pool_free(b.pool);
    return 0;
}
