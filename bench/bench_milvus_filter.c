/* Filtered searches through a Milvus server, a page of 50 each: bench_milvus_filter ROWS [INDEX=FLAT], run by tools/milvus/serve. */
#include <math.h>
#include <time.h>

#include "catalogue.h"

enum { WIDE = 256, ROUNDS = 15, PAGE = 50 };

static struct catalogue lib;
static uint64_t seed = 1;

static double any(void)
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void make_vector(float *v)
{
    static float centres[500][WIDE];
    uint16_t half[WIDE];
    double length = 0;
    if (centres[0][0] == 0) {
        for (int c = 0; c < 500; c++) {
            for (int k = 0; k < WIDE; k++) {
                centres[c][k] = (float)(any() - any());
            }
        }
    }
    const float *c = centres[(int)(any() * 500)];
    for (int k = 0; k < WIDE; k++) {
        v[k] = c[k] + (float)(any() - any());
        length += (double)v[k] * v[k];
    }
    for (int k = 0; k < WIDE; k++) {
        v[k] = (float)(v[k] / sqrt(length));
    }
    half_from_floats(v, half, WIDE);
    half_to_floats(half, v, WIDE);
}

/* A hundredth of a percent, one percent and half of them in a folder of their own, and by width. */
static void fill(int rows)
{
    int64_t root = catalogue_root(&lib, "/pics");
    float v[WIDE];
    for (int i = 0; i < rows; i++) {
        char text[64];
        const char *folder = i % 10000 == 0 ? "few"
                             : i % 100 == 1 ? "some"
                             : i % 2        ? "half"
                                            : "rest";
        struct store_picture p = {
            .size = 1, .height = 1, .format = "jpeg", .added_at = 1700000000 + i};
        p.width = folder[0] == 'f' ? 1 : folder[0] == 's' ? 2 : folder[0] == 'h' ? 3 : 4;
        snprintf(text, sizeof text, "row %d", i);
        hash_bytes(text, strlen(text), &p.hash);
        make_vector(v);
        catalogue_put(&lib, &p, v);
        snprintf(text, sizeof text, "%s/2024/IMG_%06d.jpg", folder, i);
        catalogue_file(&lib, root, text, p.id, (int64_t)i * 1000000000);
        if (i % 1000 == 999 || i == rows - 1) {
            catalogue_write(&lib);
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, const struct store_where *w)
{
    struct vector_hit hits[PAGE];
    float q[WIDE];
    double searches[ROUNDS], counts[ROUNDS];
    uint64_t n = 0;
    size_t got = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct vector_ask ask = {.query = q, .k = PAGE, .hits = hits};
        make_vector(q);
        double t0 = now_ms();
        DO(&lib, milvus_find_best(&lib.f, w, false, &ask, 1, &lib.err));
        double t1 = now_ms();
        DO(&lib, milvus_find_count(&lib.f, w, &n, &lib.err));
        searches[i] = t1 - t0;
        counts[i] = now_ms() - t1;
        got = ask.count;
    }
    qsort(searches, ROUNDS, sizeof *searches, compare);
    qsort(counts, ROUNDS, sizeof *counts, compare);
    printf("| %-28s | %7llu | %3zu | %7.1f | %7.1f | %7.1f |\n", what, (unsigned long long)n, got,
           searches[ROUNDS / 2], searches[ROUNDS - 1], counts[ROUNDS / 2]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int rows = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20000;
    static const char *const paths[] = {
        "/pics/few/*", "/pics/some/*", "/pics/half/*", "*", "*/so?e/*", "IMG_", NULL};
    char name[64];
    struct store_filter f = STORE_FILTER_INIT;
    const struct store_where w = {.kind = STORE_IS, .filter = &f};
    catalogue_open(&lib, "bench", WIDE, argc > 2 ? argv[2] : "FLAT");
    double t0 = now_ms();
    fill(rows);
    printf("%d rows of %d, %s; written in %.1f s, %.0f rows/s\n", rows, WIDE, lib.f.index.type,
           (now_ms() - t0) / 1e3, rows / (now_ms() - t0) * 1e3);
    DO(&lib, milvus_flush(lib.m, MILVUS_PICTURES, &lib.err));
    DO(&lib, milvus_index_replace(lib.m, &lib.f.index, false, &lib.err));
    printf("| filter | pass | hits | p50 ms | max ms | count p50 ms |\n");
    measure("none", NULL);
    for (int width = 1; width <= 3; width++) {
        f.min_width = f.max_width = width;
        snprintf(name, sizeof name, "width = %d", width);
        measure(name, &w);
    }
    f = (struct store_filter)STORE_FILTER_INIT;
    for (int i = 0; paths[i]; i++) {
        f.path = paths[i];
        measure(paths[i], &w);
    }
    f = (struct store_filter)STORE_FILTER_INIT;
    f.name = "img 77";
    measure("name: img 77", &w);
    catalogue_drop(&lib);
    return 0;
}
