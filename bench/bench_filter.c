/* bench_filter.c - what filters cost in a library of 100,000 pictures: each kind of condition by itself, whole searches, and what the
 * indexes cost where rows are written.
 *
 * The pictures are made up the way libraries are: some cameras and their sizes, one picture in six of a size of its own, most dates and
 * a third of the places known, months as folders, one picture in ten at two places. Run from the project's folder: searches
 * use the starter model. bench_filter [PICTURES] */
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "eyeshine.h"
#include "store/store.h"

enum { DIM_MAX = 2048, ROUNDS = 15, DAY = 86400, SEARCHES = 60 };

/* 2005 on, in days. */
static const int64_t FIRST = 1104537600, DAYS = 7300;

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
    return x < y ? -1 : x > y;
}

static int rm_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

/* ---- a library ---- */

static void random_row(uint64_t *seed, uint16_t *row, int dim)
{
    for (int i = 0; i < dim; i++) {
        uint64_t r = next_random(seed);
        row[i] = (uint16_t)((r & 0x8000) | (9u << 10) | ((r >> 20) & 0x3ff));
    }
}

/* The picture number i, whose folder is at `place` of n. */
static struct store_picture picture_at(size_t i, size_t place, size_t n, uint64_t *seed)
{
    static const int sides[][2] = {{4000, 3000}, {3000, 4000}, {6000, 4000}, {4032, 3024},
                                   {3024, 4032}, {1024, 768},  {2048, 2048}, {1920, 1080}};
    static const char *const formats[] = {"heic", "png", "webp", "gif"};
    uint64_t r = next_random(seed), q = next_random(seed);
    struct store_picture p = {.size = 1 + r % 9000000, .taken_at = INT64_MIN};
    p.width = q % 6 ? sides[r % 8][0] : (int)(200 + (q >> 8) % 5800);
    p.height = q % 6 ? sides[r % 8][1] : (int)(200 + (q >> 24) % 5800);
    snprintf(p.format, sizeof p.format, "%s", q % 7 ? "jpeg" : formats[(r >> 8) % 4]);
    if (q % 5)
        p.taken_at = (q >> 52) % 16 ? FIRST + DAYS * DAY * (int64_t)place / (int64_t)n +
                                          (int64_t)(r >> 16) % (30 * DAY)
                                    : FIRST + (int64_t)((r >> 16) % (uint64_t)(DAYS * DAY));
    if ((q >> 40) % 5)
        snprintf(p.camera, sizeof p.camera, "Maker%d Model %d", (int)((r >> 12) % 10),
                 (int)((r >> 12) % 100));
    p.has_gps = (q >> 44) % 3 == 0;
    p.lat = (double)((r >> 20) % 180000) / 1000 - 90;
    p.lon = (double)((q >> 20) % 360000) / 1000 - 180;
    p.added_at = 1700000000 + (int64_t)i * 10;
    return p;
}

static void put_file(struct store *s, const struct store_picture *p, int64_t id, int64_t root,
                     size_t i, const char *folder, struct eye_err *err)
{
    static const char *const words[] = {"IMG", "DSC", "holiday", "PXL", "screenshot"};
    char rel[96];
    snprintf(rel, sizeof rel, "%s%zu/%02zu/%s_%06zu.jpg", folder, 2005 + i / 5000, 1 + i / 417 % 12,
             words[i % 5], i);
    struct store_file f = {.picture = id, .root = root, .rel = rel, .size = p->size};
    int64_t at = p->taken_at == INT64_MIN ? p->added_at : p->taken_at + DAY;
    f.mtime_ns = at * 1000000000 + (int64_t)i;
    must(store_file_set(s, &f, err), err);
}

/* dim 0: no vectors. In the order of folders, or in none. */
static void fill(struct store *s, int64_t model, int dim, bool shuffled, size_t n,
                 struct eye_err *err)
{
    uint16_t row[DIM_MAX];
    uint64_t seed = 1;
    int64_t first, second;
    must(store_root_add(s, "/home/someone/Pictures", &first, err), err);
    must(store_root_add(s, "/mnt/archive", &second, err), err);
    for (size_t i = 0; i < n; i++) {
        size_t place = shuffled ? (size_t)((uint64_t)i * 1000003 % n) : i;
        struct store_picture p = picture_at(i, place, n, &seed);
        int64_t id;
        hash_bytes(&i, sizeof i, &p.hash);
        if (i % 256 == 0)
            must(store_begin(s, err), err);
        random_row(&seed, row, dim);
        must(store_put(s, &p, model, dim ? row : NULL, dim, &id, err), err);
        put_file(s, &p, id, i % 4 ? first : second, place, "", err);
        if (i % 10 == 0)
            put_file(s, &p, id, second, place, "copies/", err);
        if (i % 256 == 255 || i + 1 == n)
            must(store_commit(s, err), err);
    }
}

static void raw(const char *dir, const char *sql, int64_t *value)
{
    char path[300];
    sqlite3 *db;
    sqlite3_stmt *stmt = NULL;
    snprintf(path, sizeof path, "%s/library.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        (!value && sqlite3_exec(db, sql, NULL, NULL, NULL)) ||
        (value && sqlite3_prepare_v2(db, sql, -1, &stmt, NULL))) {
        printf("%s\n", sqlite3_errmsg(db));
        exit(1);
    }
    if (value && sqlite3_step(stmt) == SQLITE_ROW)
        *value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* ---- what writing costs ---- */

static const char drop_all[] =
    "DROP INDEX picture_taken; DROP INDEX picture_added; DROP INDEX picture_width; DROP INDEX "
    "picture_height; DROP INDEX picture_area; DROP INDEX picture_shape;"
    "DROP INDEX picture_camera; DROP INDEX picture_format; DROP INDEX picture_place;"
    "DROP INDEX file_modified";

static void write_once(const char *tmp, const char *name, bool with, bool shuffled, size_t n)
{
    struct eye_err err;
    char dir[256];
    int64_t size = 0;
    snprintf(dir, sizeof dir, "%s/write%d%d", tmp, with, shuffled);
    struct store *s = store_open(dir, true, false, &err);
    if (!s)
        must(EYE_EIO, &err);
    if (!with)
        raw(dir, drop_all, NULL);
    double start = now_ms();
    fill(s, 0, 0, shuffled, n, &err);
    double us = (now_ms() - start) * 1e3 / (double)n;
    raw(dir, "SELECT page_count * 8192 FROM pragma_page_count", &size);
    printf("| %-40s | %6.1f | %6.0f |\n", name, us, (double)size / (double)n);
    store_close(s);
    nftw(dir, rm_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void bench_writing(const char *tmp, size_t n)
{
    printf("| %-40s | %6s | %6s |\n|---|---|---|\n", "rows written, without vectors", "us",
           "bytes");
    write_once(tmp, "folder by folder, without the indexes", false, false, n);
    write_once(tmp, "folder by folder", true, false, n);
    write_once(tmp, "in no order, without the indexes", false, true, n);
    write_once(tmp, "in no order", true, true, n);
    printf("\n");
}

/* ---- conditions ---- */

static void run_condition(struct store *s, const char *name, const struct store_filter *f, size_t n)
{
    double ms[ROUNDS];
    size_t passed = 0;
    struct eye_err err;
    for (int r = 0; r < ROUNDS; r++) {
        int64_t *ids;
        double start = now_ms();
        must(store_filter(s, f, &ids, &passed, &err), &err);
        ms[r] = now_ms() - start;
        free(ids);
        store_shrink(s, 1 << 20); /* as a library does when it lays the connection aside */
    }
    qsort(ms, ROUNDS, sizeof *ms, compare);
    printf("| %-44s | %6.2f | %6.2f | %6.2f |\n", name, 100 * (double)passed / (double)n,
           ms[ROUNDS / 2], ms[0]);
}

static struct store_filter none(void)
{
    return (struct store_filter)STORE_FILTER_INIT;
}

#define RUN(NAME, ...)                                                                             \
    do {                                                                                           \
        struct store_filter f = none();                                                            \
        __VA_ARGS__;                                                                               \
        run_condition(s, NAME, &f, n);                                                             \
    } while (0)

static void bench_conditions(struct store *s, size_t n)
{
    const int64_t day = DAY;
    printf("| %-44s | %6s | %6s | %6s |\n|---|---|---|---|\n", "condition", "% pass", "median",
           "best");
    RUN("taken within 3 months", f.taken_from = FIRST, f.taken_to = FIRST + 91 * day);
    RUN("taken since 2015", f.taken_from = FIRST + 3652 * day);
    RUN("added, the newest 1 %", f.added_from = 1700000000 + (int64_t)(n - n / 100) * 10);
    RUN("added, half", f.added_from = 1700000000 + (int64_t)n * 5);
    RUN("modified within 73 days", f.modified_from = FIRST, f.modified_to = FIRST + 73 * day);
    RUN("modified in half of the time", f.modified_from = FIRST + 3650 * day);
    RUN("format webp", f.format = "webp");
    RUN("format jpeg", f.format = "jpeg");
    RUN("camera, one model of a hundred", f.camera = "model 42");
    RUN("camera, one maker of ten", f.camera = "maker3");
    RUN("width 5900 and more", f.min_width = 5950);
    RUN("width 2000 and more", f.min_width = 2000);
    RUN("height 5900 and more", f.min_height = 5950);
    RUN("width at most 640", f.max_width = 640);
    RUN("30 megapixels and more", f.min_megapixels = 30);
    RUN("12 megapixels and more", f.min_megapixels = 12);
    RUN("portrait", f.orientation = 'p');
    RUN("square", f.orientation = 's');
    RUN("a place is known", f.gps = 'y');
    RUN("no place is known", f.gps = 'n');
    RUN("box of 36 x 36 degrees", f.boxed = true, f.south = 20, f.north = 56, f.west = 0,
        f.east = 36);
    RUN("box across the date line", f.boxed = true, f.south = -30, f.north = 30, f.west = 150,
        f.east = -150);
    RUN("root, one of two", f.root = 2);
    RUN("path /home/someone/Pictures/2010/*", f.path = "/home/someone/Pictures/2010/*");
    RUN("path /home/someone/Pictures/2010/0[1-3]/*",
        f.path = "/home/someone/Pictures/2010/0[1-3]/*");
    RUN("path */2010/05/*", f.path = "*/2010/05/*");
    RUN("path *.png", f.path = "*.png");
    RUN("path copies (a part)", f.path = "copies");
    RUN("name 0421 (a part)", f.name = "0421");
    RUN("name holiday (a part)", f.name = "holiday");
    RUN("jpeg, camera, taken in a year", f.format = "jpeg", f.camera = "maker3",
        f.taken_from = FIRST, f.taken_to = FIRST + 365 * day);
    RUN("jpeg, landscape, place, since 2015", f.format = "jpeg", f.orientation = 'l', f.gps = 'y',
        f.taken_from = FIRST + 3652 * day);
    RUN("name holiday, taken within 3 months", f.name = "holiday", f.taken_from = FIRST,
        f.taken_to = FIRST + 91 * day);
    printf("\n");
}

/* ---- searches ---- */

static double percentile(double *ms, size_t n, double at)
{
    qsort(ms, n, sizeof *ms, compare);
    return ms[(size_t)(at * (double)(n - 1))];
}

/* The filter is another one each time, so that nothing of it is remembered, or always the same. */
static void bench_search(eye_lib *lib, const char *name, const eye_term *term, size_t nterms,
                         int days, bool same)
{
    double ms[SEARCHES];
    uint64_t passed = 0;
    struct eye_err err;
    for (int i = 0; i < SEARCHES; i++) {
        eye_filter f = EYE_FILTER_INIT;
        f.taken_from = FIRST + (same ? 0 : i * 40) * (int64_t)DAY;
        f.taken_to = f.taken_from + days * (int64_t)DAY;
        eye_find_options o = {.limit = 10, .min_score = -2, .filter = days ? &f : NULL};
        eye_results *r = NULL;
        double start = now_ms();
        must(eye_find(lib, term, nterms, &o, &r, &err), &err);
        ms[i] = now_ms() - start;
        passed += eye_results_total(r);
        eye_results_free(r);
    }
    printf("| %-58s | %8.0f | %6.2f | %6.2f |\n", name, (double)passed / SEARCHES,
           percentile(ms, SEARCHES, 0.5), percentile(ms, SEARCHES, 0.95));
}

static void bench_searches(eye_lib *lib)
{
    eye_term by_picture = {EYE_QUERY_INIT, 1}, by_words = {EYE_QUERY_INIT, 1};
    by_picture.query.like = 5000;
    by_words.query.words = "a dog in the snow";
    printf("| %-58s | %8s | %6s | %6s |\n|---|---|---|---|\n", "a search, ten results", "pass",
           "p50 ms", "p95 ms");
    bench_search(lib, "no filter, like a picture", &by_picture, 1, 0, true);
    bench_search(lib, "1 % by date, another each time, like a picture", &by_picture, 1, 91, false);
    bench_search(lib, "1 % by date, another each time, by words", &by_words, 1, 91, false);
    bench_search(lib, "1 % by date, the same again, by words", &by_words, 1, 91, true);
    bench_search(lib, "1 % by date, another each time, newest first", NULL, 0, 91, false);
    bench_search(lib, "40 % by date, another each time, by words", &by_words, 1, 3650, false);
    bench_search(lib, "40 % by date, the same again, by words", &by_words, 1, 3650, true);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    char tmp[200], dir[256];
    const char *sample = "samples/astronaut.jpg";
    struct eye_err err = {0};
    int64_t model = 0;
    snprintf(tmp, sizeof tmp, "%s/eyeshine-filter-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (n < 10000 || !mkdtemp(tmp)) {
        printf("bench_filter [PICTURES], 10,000 at least\n");
        return 1;
    }
    bench_writing(tmp, n);
    snprintf(dir, sizeof dir, "%s/library", tmp);
    eye_options o = {.library = dir, .share_dir = ".", .create = true};
    eye_lib *lib = eye_open(&o, &err);
    if (!lib)
        must(EYE_EIO, &err);
    eye_index_options io = {0};
    must(eye_index(lib, &sample, 1, &io, NULL, &err), &err); /* makes the model known */
    raw(dir, "SELECT id FROM model", &model);
    struct store *s = store_open(dir, false, false, &err);
    if (!s)
        must(EYE_EIO, &err);
    fill(s, model, eye_dim(lib, &err), false, n, &err);
    bench_conditions(s, n);
    must(eye_warm(lib, &err), &err);
    bench_searches(lib);
    store_close(s);
    eye_close(lib);
    nftw(tmp, rm_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
