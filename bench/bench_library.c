/* bench_library.c - the index in a library: making it, opening it, searches by the door that all programs use, memory.
 *
 * The vectors cluster like embeddings do (1,000 directions and noise), and are written straight to the store, as are their pictures. What
 * is measured runs in a process of its own, so that the first search is one, and its memory is its own. Run from the project's
 * folder: searches use the starter model. bench_library [PICTURES] */
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/index.h"

enum { SEARCHES = 60, TOP = 48, CENTRES = 1000, DAY = 86400 };

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
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void must(int rc, const struct eye_err *err)
{
    if (rc) {
        printf("%s\n", err->msg);
        exit(1);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

static int rm_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

/* ---- a library ---- */

static float gauss(uint64_t *seed)
{
    float sum = 0; /* of four: near enough */
    for (int i = 0; i < 4; i++)
        sum += (float)(next_random(seed) >> 40) / 16777216.0f - 0.5f;
    return sum * 1.73f;
}

static void fill_row(uint64_t *seed, const float *centres, float *x, uint16_t *row, int dim)
{
    const float *centre = centres + (next_random(seed) % CENTRES) * (size_t)dim;
    float square = 0;
    for (int i = 0; i < dim; i++) {
        x[i] = centre[i] + gauss(seed);
        square += x[i] * x[i];
    }
    for (int i = 0; i < dim; i++)
        x[i] /= sqrtf(square);
    half_from_floats(x, row, (size_t)dim);
}

static void put(struct store *s, int64_t model, int64_t root, size_t i, const uint16_t *row,
                int dim, struct eye_err *err)
{
    struct store_picture p = {.size = 1 + i, .width = 4000, .height = 3000, .format = "jpeg"};
    char rel[64];
    int64_t id;
    p.taken_at = 1104537600 + (int64_t)(i / 20) * DAY;
    p.added_at = 1700000000 + (int64_t)i;
    hash_bytes(&i, sizeof i, &p.hash);
    must(store_put(s, &p, model, row, dim, &id, err), err);
    snprintf(rel, sizeof rel, "%03zu/%07zu.jpg", i / 5000, i);
    struct store_file f = {.picture = id, .root = root, .rel = rel, .size = p.size};
    must(store_file_set(s, &f, err), err);
}

static void fill(eye_lib *lib, size_t n)
{
    struct eye_err err;
    struct store *s = eng_store_get(lib, &err);
    struct eng_model *m = eng_model_get(lib, s, &err);
    if (!m)
        must(EYE_EIO, &err);
    int dim = clip_info(m->clip)->dim;
    int64_t model, root;
    uint64_t seed = 1;
    float *centres = malloc(CENTRES * (size_t)dim * sizeof *centres);
    float *x = malloc((size_t)dim * sizeof *x);
    uint16_t *row = malloc((size_t)dim * sizeof *row);
    for (size_t i = 0; i < CENTRES * (size_t)dim; i++)
        centres[i] = gauss(&seed);
    must(store_begin(s, &err), &err);
    must(eng_model_id(m, s, true, &model, &err), &err);
    must(eng_model_choose(lib, m, s, &err), &err);
    must(store_root_add(s, "/pictures", &root, &err), &err);
    for (size_t i = 0; i < n; i++) {
        if (i % 4096 == 4095) {
            must(store_commit(s, &err), &err);
            must(store_begin(s, &err), &err);
        }
        fill_row(&seed, centres, x, row, dim);
        put(s, model, root, i, row, dim, &err);
    }
    must(store_commit(s, &err), &err);
    free(centres);
    free(x);
    free(row);
    double start = now_ms();
    eng_make_now(lib, s, m, NULL, NULL);
    eye_status st;
    must(eye_status_get(lib, &st, &err), &err);
    printf("%zu vectors of %d numbers: index made in %.1f s, %zu segments, %.0f bytes a vector on "
           "disk\n",
           n, dim, (now_ms() - start) / 1e3, st.index_segments,
           st.index_rows ? (double)st.index_bytes / (double)st.index_rows : 0);
    eng_model_put(lib, m);
    eng_store_put(lib, s);
}

/* ---- searches ---- */

static double resident_mb(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static size_t find(eye_lib *lib, int64_t like, const eye_filter *filter, bool exact, int64_t *ids,
                   double *ms)
{
    struct eye_err err;
    eye_results *r;
    eye_term term = {EYE_QUERY_INIT, 1};
    eye_find_options o = {.limit = TOP, .min_score = -2, .filter = filter, .exact = exact};
    term.query.like = like;
    double start = now_ms();
    must(eye_find(lib, &term, 1, &o, &r, &err), &err);
    *ms = now_ms() - start;
    size_t n = eye_results_count(r);
    for (size_t i = 0; i < n; i++)
        ids[i] = eye_results_at(r, i)->id;
    eye_results_free(r);
    return n;
}

static void bench_searches(eye_lib *lib, size_t pictures, const char *name, bool filtered)
{
    double ms[SEARCHES], exact_ms[5];
    int64_t ids[TOP], truth[TOP];
    size_t same = 0, all = 0;
    eye_filter filter = EYE_FILTER_INIT;
    filter.taken_from = 1104537600 + (int64_t)(pictures / 40) * DAY;
    filter.taken_to = filter.taken_from + (int64_t)(pictures / 2000) * DAY; /* one in a hundred */
    const eye_filter *f = filtered ? &filter : NULL;
    for (size_t i = 0; i < SEARCHES; i++) {
        int64_t like = 1 + (int64_t)(i * 7919 % pictures);
        size_t n = find(lib, like, f, false, ids, &ms[i]);
        if (i % 12 != 0)
            continue;
        size_t m = find(lib, like, f, true, truth, &exact_ms[i / 12]);
        all += m;
        for (size_t a = 0; a < m; a++)
            for (size_t b = 0; b < n; b++)
                same += truth[a] == ids[b];
    }
    double p50 = median(ms, SEARCHES);
    printf("| %-24s | %8.2f | %8.2f | %8.1f | %.4f |\n", name, p50, ms[SEARCHES * 95 / 100],
           median(exact_ms, 5), all ? (double)same / (double)all : 1);
}

static void searches(const eye_options *o, size_t pictures)
{
    struct eye_err err;
    int64_t ids[TOP];
    double before = resident_mb(), start = now_ms(), first, second;
    eye_lib *lib = eye_open(o, &err);
    if (!lib)
        must(EYE_EIO, &err);
    double opened = now_ms() - start;
    must(eye_dim(lib, &err) > 0 ? 0 : EYE_EIO, &err);
    double model = resident_mb();
    struct store *s = eng_store_get(lib, &err);
    struct eng_model *m = eng_model_get(lib, s, &err);
    int64_t id;
    must(eng_model_id(m, s, false, &id, &err), &err);
    struct vector_spec spec = {clip_info(m->clip)->dim, clip_info(m->clip)->weights};
    start = now_ms();
    struct eng_vectors *v = eng_vectors_get(lib, s, id, &spec, &err);
    if (!v)
        must(EYE_EIO, &err);
    double loaded = now_ms() - start, vectors = resident_mb();
    size_t bytes = v->ix ? vector_index_memory(v->ix) : 0,
           tail = v->ix ? vector_index_tail(v->ix) : 0;
    eng_vectors_put(lib, v);
    eng_model_put(lib, m);
    eng_store_put(lib, s);
    find(lib, 1, NULL, false, ids, &first);
    find(lib, 2, NULL, false, ids, &second);
    printf("library opened in %.1f ms, index loaded in %.1f ms (%zu vectors in the tail), first "
           "search "
           "%.1f ms, second %.1f ms\n",
           opened, loaded, tail, first, second);
    printf(
        "resident: %.0f MB at start, %.0f with the model, %.0f with the index (%.1f MB of it, %.1f "
        "bytes a vector)\n\n",
        before, model, vectors, (double)bytes / 1e6, (double)bytes / (double)pictures);
    printf("| %-24s | %8s | %8s | %8s | %s |\n|---|---|---|---|---|\n", "search, 48 results",
           "p50 ms", "p95 ms", "exact ms", "found");
    bench_searches(lib, pictures, "of everything", false);
    bench_searches(lib, pictures, "1 % pass a filter", true);
    printf("\nresident at the end: %.0f MB\n", resident_mb());
    eye_close(lib);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    char dir[256];
    struct eye_err err;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/eyeshine-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (n < 1000 || !mkdtemp(dir)) {
        printf("usage: bench_library [PICTURES, 1000 at least]\n");
        return 2;
    }
    eye_options o = {.library = dir, .share_dir = ".", .create = true};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        eye_lib *lib = eye_open(&o, &err);
        if (!lib)
            must(EYE_EIO, &err);
        fill(lib, n);
        eye_close(lib);
        fflush(stdout);
        _exit(0);
    }
    int status = 1;
    waitpid(pid, &status, 0);
    if (status == 0)
        searches(&o, n);
    nftw(dir, rm_one, 8, FTW_DEPTH | FTW_PHYS);
    return status ? 1 : 0;
}
