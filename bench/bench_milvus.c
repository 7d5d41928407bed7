/* bench_milvus.c - our client and a Milvus server: rows written and flushed, an index made and loaded, single searches.
 *
 * usage: bench_milvus URL ROWS.f32 N DIM QUERIES.f32 NQ INDEX PARAMS SEARCH FOUND.i64
 * Prints one line of JSON with seconds and milliseconds; FOUND gets the ids [NQ, 50]. bench/milvus_peers.py makes the data and runs it beside pymilvus. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/milvus.h"
#include "store/milvus_index.h"

enum { TOPK = 50, BATCH = 1000 };

static struct milvus *db;
static struct eye_err err;

static void must(int rc)
{
    if (rc) {
        fprintf(stderr, "bench_milvus: %s\n", err.msg);
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static float *read_floats(const char *path, size_t n)
{
    float *v = malloc(n * sizeof(*v));
    FILE *f = fopen(path, "rb");
    if (!v || !f || fread(v, sizeof(*v), n, f) != n) {
        fprintf(stderr, "bench_milvus: %s: cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    return v;
}

static void create(int dim)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", dim);
    Mv__KeyValuePair pair = MV__KEY_VALUE_PAIR__INIT, *pairs[] = {&pair};
    pair.key = (char *)(uintptr_t) "dim";
    pair.value = text;
    Mv__FieldSchema f[2] = {MV__FIELD_SCHEMA__INIT, MV__FIELD_SCHEMA__INIT}, *list[] = {f, f + 1};
    f[0].name = (char *)(uintptr_t) "id";
    f[0].data_type = MILVUS_INT;
    f[0].is_primary_key = 1;
    f[1].name = (char *)(uintptr_t) "vector";
    f[1].data_type = MILVUS_VECTOR;
    f[1].type_params = pairs;
    f[1].n_type_params = 1;
    Mv__CollectionSchema schema = MV__COLLECTION_SCHEMA__INIT;
    schema.name = (char *)(uintptr_t)milvus_collection(db, MILVUS_PICTURES);
    schema.fields = list;
    schema.n_fields = 2;
    Mv__CreateCollectionRequest r = MV__CREATE_COLLECTION_REQUEST__INIT;
    uint8_t packed[1024];
    r.collection_name = schema.name;
    r.schema.data = packed;
    r.schema.len = mv__collection_schema__pack(&schema, packed);
    r.shards_num = 1;
    r.consistency_level = 2;
    must(milvus_call(db, "CreateCollection", &r.base, &mv__status__descriptor, NULL, &err));
}

static void drop(void)
{
    Mv__CollectionRequest r = MV__COLLECTION_REQUEST__INIT;
    r.collection_name = (char *)(uintptr_t)milvus_collection(db, MILVUS_PICTURES);
    must(milvus_call(db, "ReleaseCollection", &r.base, &mv__status__descriptor, NULL, &err));
    must(milvus_call(db, "DropCollection", &r.base, &mv__status__descriptor, NULL, &err));
}

static void write_rows(const float *rows, size_t n, int dim)
{
    struct milvus_field fields[] = {{"id", MILVUS_INT, 0}, {"vector", MILVUS_VECTOR, dim}};
    struct milvus_columns *c = milvus_columns_new(fields, 2, &err);
    for (size_t at = 0; c && at < n; at += BATCH) {
        milvus_columns_clear(c);
        for (size_t i = at; i < n && i < at + BATCH; i++) {
            must(milvus_columns_add(c, &err));
            milvus_columns_int(c, 0, (int64_t)i);
            milvus_columns_vector(c, 1, rows + i * (size_t)dim);
        }
        must(milvus_upsert(db, MILVUS_PICTURES, c, &err));
    }
    milvus_columns_free(c);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void search_all(const float *queries, size_t nq, int dim, const char *params,
                       const char *path, double *ms)
{
    FILE *out = fopen(path, "wb");
    for (size_t i = 0; out && i < nq; i++) {
        struct milvus_ask ask = {.queries = queries + i * (size_t)dim,
                                 .nq = 1,
                                 .dim = dim,
                                 .topk = TOPK,
                                 .params = params};
        struct milvus_found found;
        double start = now();
        must(milvus_search_call(db, &ask, &found, &err));
        ms[i] = (now() - start) * 1e3;
        fwrite(found.ids, sizeof(int64_t), TOPK, out);
        milvus_found_release(&found);
    }
    if (!out || fclose(out) != 0)
        exit(1);
    qsort(ms, nq, sizeof(*ms), by_size);
}

int main(int argc, char **argv)
{
    if (argc != 11) {
        fprintf(stderr,
                "usage: bench_milvus URL ROWS N DIM QUERIES NQ INDEX PARAMS SEARCH FOUND\n");
        return 2;
    }
    size_t n = strtoul(argv[3], NULL, 10), nq = strtoul(argv[6], NULL, 10);
    int dim = (int)strtol(argv[4], NULL, 10);
    float *rows = read_floats(argv[2], n * (size_t)dim),
          *queries = read_floats(argv[5], nq * (size_t)dim);
    double *ms = calloc(nq, sizeof(*ms)), start = 0, wrote = 0, built = 0;
    struct milvus_options options = {.consistency = MILVUS_BOUNDED, .patience_ms = 30000};
    struct milvus_index ix = {.search = "{}"};
    snprintf(ix.type, sizeof(ix.type), "%s", argv[7]);
    snprintf(ix.params, sizeof(ix.params), "%s", argv[8]);
    db = milvus_open(argv[1], &options, &err);
    must(db && ms ? 0 : err.code);
    create(dim);
    start = now();
    write_rows(rows, n, dim);
    wrote = now() - start;
    start = now();
    must(milvus_flush(db, MILVUS_PICTURES, &err));
    must(milvus_index_make(db, MILVUS_PICTURES, &ix, &err));
    must(milvus_load(db, MILVUS_PICTURES, &err));
    for (struct milvus_index_state s = {.pending = 1}; s.pending > 0 || !s.built;) {
        must(milvus_wait(db, milvus_now_ms(), 100, "indexing", -1, &err));
        must(milvus_index_look(db, MILVUS_PICTURES, &s, &err));
    }
    built = now() - start;
    for (int warm = 0; warm < 2; warm++)
        search_all(queries, warm ? nq : nq / 10, dim, argv[9], argv[10], ms);
    printf("{\"wrote\": %.4f, \"built\": %.2f, \"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f}\n",
           wrote, built, ms[nq / 2], ms[nq * 95 / 100], ms[nq * 99 / 100]);
    drop();
    milvus_close(db);
    free(rows);
    free(queries);
    free(ms);
    return 0;
}
