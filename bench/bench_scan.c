/* bench_scan.c - the exact scan beside a plain read of as much memory, and loading vectors from a library.
 *
 * The probe and the scan run in turns in one process, so that a busy machine slows both: the share of the probe's
 * bandwidth is the figure to look at. bench_scan [THREADS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "store/store.h"
#include "vector/vector.h"

enum { DIM = 512, K = 10, ROUNDS = 15 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return z ^ (z >> 31);
}

/* Finite fp16 around 1/sqrt(512). */
static void random_row(uint64_t *seed, uint16_t *row)
{
    for (int i = 0; i < DIM; i++) {
        uint64_t r = next_random(seed);
        row[i] = (uint16_t)((r & 0x8000) | (9u << 10) | ((r >> 20) & 0x3ff));
    }
}

/* ---- the probe: sum up 64-bit words, in the slices that the scan takes ---- */

struct probe {
    const uint64_t *words;
    size_t nwords, slice;
    uint64_t sum;
};

static void probe_slice(void *ctx, size_t i, int worker)
{
    struct probe *p = ctx;
    const uint64_t *w = p->words + i * p->slice;
    size_t n = p->nwords - i * p->slice < p->slice ? p->nwords - i * p->slice : p->slice;
    uint64_t a = 0, b = 0, c = 0, d = 0;
    (void)worker;
    for (size_t j = 0; j + 8 <= n; j += 8) {
        a += w[j] ^ w[j + 1];
        b += w[j + 2] ^ w[j + 3];
        c += w[j + 4] ^ w[j + 5];
        d += w[j + 6] ^ w[j + 7];
    }
    __atomic_fetch_add(&p->sum, a + b + c + d, __ATOMIC_RELAXED);
}

static double probe_ms(struct probe *p, struct pool *pool)
{
    double start = now_ms();
    pool_run(pool, (p->nwords + p->slice - 1) / p->slice, probe_slice, p);
    return now_ms() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void bench_size(size_t n, struct pool *pool)
{
    struct eye_err err;
    struct vector_set *set = vector_new(DIM, &err);
    static float queries[16 * DIM];
    static struct vector_hit hits[16 * K];
    size_t counts[16];
    uint16_t row[DIM];
    uint64_t seed = n;
    struct probe probe = {.nwords = n * DIM / 4, .slice = 256 * DIM / 4};
    uint64_t *words = aligned_alloc(64, probe.nwords * sizeof *words);
    if (!set || !words)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        random_row(&seed, row);
        memcpy(words + i * DIM / 4, row, sizeof row);
        if (vector_add(set, (int64_t)i + 1, row, &err))
            exit(1);
    }
    probe.words = words;
    for (int i = 0; i < 16 * DIM; i++)
        queries[i] = ((float)(next_random(&seed) >> 40) / 16777216.0f - 0.5f) / 6.5f;
    double bytes = (double)n * DIM * 2;
    printf("%zu x %d\n", n, DIM);
    for (size_t nq = 1; nq <= 16; nq *= 2) {
        double scan[ROUNDS], read[ROUNDS];
        for (int r = 0; r < ROUNDS; r++) {
            read[r] = probe_ms(&probe, pool);
            double start = now_ms();
            if (vector_search(set, queries, nq, K, NULL, pool, hits, counts, &err))
                exit(1);
            scan[r] = now_ms() - start;
        }
        qsort(scan, ROUNDS, sizeof *scan, compare);
        qsort(read, ROUNDS, sizeof *read, compare);
        printf("  %2zu queries: min %7.2f ms, median %7.2f ms, %6.2f ms a query, %5.1f GB/s; "
               "plain read %5.1f GB/s (%.0f %%)\n",
               nq, scan[0], scan[ROUNDS / 2], scan[0] / (double)nq, bytes / scan[0] / 1e6,
               bytes / read[0] / 1e6, 100 * read[0] / scan[0]);
    }
    free(words);
    vector_free(set);
}

/* ---- a library of n pictures: writing it and loading its vectors ---- */

static void fill(struct store *s, int64_t model, int64_t root, size_t n, struct eye_err *err)
{
    uint16_t row[DIM];
    uint64_t seed = 1;
    for (size_t i = 0; i < n; i++) {
        struct store_picture p = {.width = 4000, .height = 3000, .format = "jpeg", .size = 1};
        char rel[64];
        snprintf(rel, sizeof rel, "2024/08/holiday-%zu/IMG_%06zu.jpg", i / 500, i);
        hash_bytes(rel, strlen(rel), &p.hash);
        random_row(&seed, row);
        struct store_file f = {.root = root, .rel = rel, .size = 1, .mtime_ns = (int64_t)i};
        if ((i % 256 == 0 && store_begin(s, err)) ||
            store_put(s, &p, model, row, DIM, &f.picture, err) || store_file_set(s, &f, err) ||
            ((i % 256 == 255 || i + 1 == n) && store_commit(s, err))) {
            printf("%s\n", err->msg);
            exit(1);
        }
    }
}

static int count_file(void *ctx, const struct store_file *f, const struct store_failure *x)
{
    (void)f, (void)x;
    ++*(size_t *)ctx;
    return 0;
}

static void bench_store(size_t n)
{
    struct eye_err err;
    struct hash h;
    struct store_stats st;
    int64_t model, root;
    char dir[256], path[300];
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/eyeshine-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        exit(1);
    hash_bytes("m", 1, &h);
    struct store *s = store_open(dir, true, false, &err);
    if (!s || store_model(s, &h, "m", DIM, true, &model, &err) ||
        store_root_add(s, "/pics", &root, &err))
        exit(1);
    double start = now_ms();
    fill(s, model, root, n, &err);
    double wrote = now_ms() - start;
    store_close(s);
    start = now_ms();
    s = store_open(dir, false, true, &err);
    double opened = now_ms() - start;
    start = now_ms();
    struct vector_set *set = store_load_vectors(s, model, DIM, &err);
    double loaded = now_ms() - start;
    size_t files = 0, got = set ? vector_count(set) : 0;
    start = now_ms();
    store_each_file(s, root, "", count_file, &files, &err);
    double listed = now_ms() - start;
    start = now_ms();
    store_stats(s, model, &st, &err);
    double counted = now_ms() - start;
    printf(
        "library of %zu: written in %.0f ms (%.0f rows/s, batches of 256), %.0f bytes a picture\n"
        "  open %.1f ms, load %zu vectors %.0f ms (%.2f GB/s), list %zu files %.0f ms, "
        "stats %.1f ms\n",
        n, wrote, (double)n / wrote * 1e3, (double)st.bytes / (double)n, opened, got, loaded,
        (double)n * DIM * 2 / loaded / 1e6, files, listed, counted);
    vector_free(set);
    store_close(s);
    static const char *const names[] = {"library.db", "library.db-wal", "library.db-shm"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : cpu_count();
    struct pool *pool = pool_new(threads > 0 ? threads : 1, NULL);
    if (!pool)
        return 1;
    printf("level %s, %d threads, top %d\n", cpu_level_name(cpu_level()), pool_threads(pool), K);
    bench_size(10000, pool);
    bench_size(100000, pool);
    pool_free(pool);
    bench_store(100000);
    return 0;
}
