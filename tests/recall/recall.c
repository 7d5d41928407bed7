/* recall.c - recall of the quantised index against the exact scan, on made-up embeddings (data.h).
 *
 * usage: recall [ROWS [DIM [QUERIES]]] [grid|churn]
 *        recall real DIM PICTURES.f32 TEXTS.f32    embeddings of pictures (rows, and queries) and of texts (queries)
 *   (nothing)  recall@10, @48 and @100 at the default R, image-like and text-like; fails below 0.99 / 0.985
 *   grid       the same over many R: what vector_rescore was made from
 *   churn      half of the rows taken out and put in anew, ten times, with flushes, compaction and reload */
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "measure.h"

enum { PAGE_KS = 3, FLUSHED_MAX = 64 };
static const size_t page_ks[PAGE_KS] = {10, 48, 100};

struct bench {
    size_t rows, dim, nq;
    struct data *data;
    struct pool *pool;
    struct vector_set *set;
    float *queries[2]; /* image-like, text-like */
    char dir[512];
    bool bad;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *kind_name(int kind)
{
    return kind ? "text" : "image";
}

static void segment_path(const struct bench *b, int number, char *path, size_t size)
{
    snprintf(path, size, "%s/%d.seg", b->dir, number);
}

static void check(struct bench *b, int kind, double recall)
{
    if (recall < (kind ? 0.985 : 0.99))
        b->bad = true;
}

static void at_default(struct bench *b, const struct vector_index *ix,
                       const struct vector_source *source, const struct measure_hits *truth,
                       const char *when)
{
    for (int kind = 0; kind < 2; kind++) {
        printf("%-24s %8zu x %4zu %-5s", when, b->rows, b->dim, kind_name(kind));
        for (int i = 0; i < PAGE_KS; i++) {
            struct measure_hits t = truth[kind];
            struct measure_hits cut = measure_hits_new(t.nq, page_ks[i]);
            for (size_t q = 0; q < t.nq; q++) {
                cut.counts[q] = t.counts[q] < page_ks[i] ? t.counts[q] : page_ks[i];
                memcpy(cut.hits + q * page_ks[i], t.hits + q * t.k,
                       cut.counts[q] * sizeof *cut.hits);
            }
            struct measure_hits found =
                measure_search(ix, b->queries[kind], b->nq, page_ks[i], 0, source, b->pool);
            double recall = measure_recall(&cut, &found);
            printf("  @%zu %.4f (R %zu)", page_ks[i], recall,
                   vector_rescore(vector_index_live(ix), page_ks[i], (int)b->dim));
            check(b, kind, recall);
            measure_hits_free(&cut);
            measure_hits_free(&found);
        }
        printf("\n");
        fflush(stdout);
    }
}

static void grid(struct bench *b, const struct vector_index *ix, const struct vector_source *source,
                 const struct measure_hits *truth)
{
    static const size_t rs[] = {50,   100,  150,  200,  300,  400,  500,  700,
                                1000, 1400, 2000, 2800, 4000, 5600, 8000, 16000};
    for (int kind = 0; kind < 2; kind++)
        for (int i = 0; i < PAGE_KS; i++) {
            printf("%zu x %zu %s @%zu:", b->rows, b->dim, kind_name(kind), page_ks[i]);
            struct measure_hits cut = truth[kind];
            for (size_t r = 0; r < sizeof rs / sizeof *rs && rs[r] < b->rows; r++) {
                if (rs[r] < page_ks[i])
                    continue;
                struct measure_hits found =
                    measure_search(ix, b->queries[kind], b->nq, page_ks[i], rs[r], source, b->pool);
                size_t there = 0;
                for (size_t q = 0; q < b->nq; q++)
                    for (size_t h = 0; h < page_ks[i]; h++)
                        for (size_t j = 0; j < found.counts[q]; j++)
                            there += found.hits[q * found.k + j].id == cut.hits[q * cut.k + h].id;
                printf(" %zu:%.4f", rs[r], (double)there / (double)(b->nq * page_ks[i]));
                measure_hits_free(&found);
            }
            printf("\n");
            fflush(stdout);
        }
}

static void plain(struct bench *b, bool want_grid)
{
    struct eye_err err;
    struct vector_spec spec = measure_spec(b->dim);
    struct vector_source source = {measure_source, b->set};
    struct measure_hits truth[2];
    char path[600];
    double start = now();
    for (int kind = 0; kind < 2; kind++) {
        truth[kind] = measure_truth(b->set, b->queries[kind], b->nq, page_ks[PAGE_KS - 1], b->pool);
        double sums[3] = {0};
        for (size_t q = 0; q < b->nq; q++) {
            sums[0] += (double)truth[kind].hits[q * truth[kind].k].score;
            sums[1] += (double)truth[kind].hits[q * truth[kind].k + 9].score;
            sums[2] += (double)truth[kind].hits[q * truth[kind].k + 99].score;
        }
        printf("%s-like: mean score of the best %.3f, 10th %.3f, 100th %.3f (exact: %.1f s)\n",
               kind_name(kind), sums[0] / (double)b->nq, sums[1] / (double)b->nq,
               sums[2] / (double)b->nq, now() - start);
    }
    segment_path(b, 0, path, sizeof path);
    start = now();
    struct vector_segment *seg = measure_segment(b->set, NULL, 1, b->rows, path, b->pool);
    printf("segment made and opened: %.2f s\n", now() - start);
    struct vector_index *ix = vector_index_new(&spec, &err);
    if (!ix || vector_index_attach(ix, seg, &err))
        measure_die("the index", &err);
    if (want_grid)
        grid(b, ix, &source, truth);
    else
        at_default(b, ix, &source, truth, "built at once");
    vector_index_free(ix);
    vector_segment_unref(seg);
    unlink(path);
    for (int kind = 0; kind < 2; kind++)
        measure_hits_free(&truth[kind]);
}

/* ---- churn: what a library's index goes through, as src/engine does it ---- */

struct churn {
    struct bench *b;
    int64_t *live; /* [rows] ids ascending; an id is a row's number, and a new row's is larger */
    struct vector_segment *segs[FLUSHED_MAX];
    int names[FLUSHED_MAX]; /* of their files */
    size_t nsegs;
    int next_name;
    struct vector_set *all; /* every row there ever was */
    struct vector_index *ix;
};

static bool is_live(const struct churn *c, int64_t id)
{
    size_t lo = 0, hi = c->b->rows;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (c->live[middle] < id)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < c->b->rows && c->live[lo] == id;
}

static void add_segment(struct churn *c, const int64_t *ids, size_t n)
{
    char path[600];
    if (n == 0)
        return;
    segment_path(c->b, c->next_name, path, sizeof path);
    c->segs[c->nsegs] = measure_segment(c->all, ids, 0, n, path, c->b->pool);
    c->names[c->nsegs++] = c->next_name++;
}

static void drop_segment(struct churn *c, size_t i)
{
    char path[600];
    segment_path(c->b, c->names[i], path, sizeof path);
    unlink(path);
    vector_segment_unref(c->segs[i]);
    c->nsegs--;
    memmove(&c->segs[i], &c->segs[i + 1], (c->nsegs - i) * sizeof c->segs[0]);
    memmove(&c->names[i], &c->names[i + 1], (c->nsegs - i) * sizeof c->names[0]);
}

/* A snapshot of the segments, dead rows dropped: what opening a library makes. */
static void reload(struct churn *c)
{
    struct eye_err err;
    struct vector_spec spec = measure_spec(c->b->dim);
    vector_index_free(c->ix);
    c->ix = vector_index_new(&spec, &err);
    if (!c->ix)
        measure_die("the index", &err);
    for (size_t s = 0; s < c->nsegs; s++) {
        if (vector_index_attach(c->ix, c->segs[s], &err))
            measure_die("the index", &err);
        const int64_t *ids = vector_segment_ids(c->segs[s]);
        for (size_t i = 0; i < vector_segment_rows(c->segs[s]); i++)
            if (!is_live(c, ids[i]) && vector_index_drop(c->ix, ids[i], &err))
                measure_die("the index", &err);
    }
}

static void flush_tail(struct churn *c)
{
    struct eye_err err;
    int64_t *ids;
    size_t n;
    if (vector_index_ids(c->ix, vector_index_segments(c->ix), &ids, &n, &err))
        measure_die("the tail", &err);
    add_segment(c, ids, n);
    free(ids);
}

/* Segments with more than a fifth of dead rows are made anew. */
static void compact(struct churn *c)
{
    for (size_t s = c->nsegs; s-- > 0;) {
        size_t rows = vector_segment_rows(c->segs[s]), n = 0;
        const int64_t *ids = vector_segment_ids(c->segs[s]);
        int64_t *left = calloc(rows, sizeof *left);
        if (!left)
            abort();
        for (size_t i = 0; i < rows; i++)
            if (is_live(c, ids[i]))
                left[n++] = ids[i];
        if (n < rows - rows / 5) {
            drop_segment(c, s);
            add_segment(c, left, n);
        }
        free(left);
    }
}

/* Each second row goes, by chance; as many new ones come. */
static void turn_over(struct churn *c, uint64_t round)
{
    struct eye_err err;
    size_t kept = 0, rows = c->b->rows;
    uint64_t state = round;
    struct vector_set *fresh =
        measure_rows(c->b->data, (uint64_t)vector_last(c->all) + 1, rows / 2, c->b->pool);
    for (size_t i = 0; i < rows; i++) {
        size_t left = rows - i, needed = rows - rows / 2 - kept;
        if (data_random(&state) % left < needed)
            c->live[kept++] = c->live[i];
        else if (vector_index_drop(c->ix, c->live[i], &err))
            measure_die("a row that goes", &err);
    }
    int64_t last = vector_last(c->all);
    for (size_t i = 0; i < rows / 2; i++) {
        int64_t id = last + 1 + (int64_t)i;
        c->live[kept++] = id;
        const uint16_t *row = vector_row(fresh, id);
        if (vector_add(c->all, id, row, &err) || vector_index_put(c->ix, id, row, &err))
            measure_die("a row that comes", &err);
    }
    vector_free(fresh);
}

static void measure_churn(struct churn *c, const char *when)
{
    struct eye_err err;
    struct bench *b = c->b;
    struct vector_source source = {measure_source, c->all};
    struct measure_hits truth[2];
    uint64_t *mask = vector_mask(c->all, c->live, b->rows, &err);
    struct vector_scope scope = {.mask = mask};
    for (int kind = 0; kind < 2; kind++) {
        truth[kind] = measure_hits_new(b->nq, page_ks[PAGE_KS - 1]);
        if (!mask || vector_search(c->all, b->queries[kind], b->nq, truth[kind].k, &scope, b->pool,
                                   truth[kind].hits, truth[kind].counts, &err))
            measure_die("the exact search", &err);
    }
    if (vector_index_live(c->ix) != b->rows)
        b->bad = true;
    at_default(b, c->ix, &source, truth, when);
    for (int kind = 0; kind < 2; kind++)
        measure_hits_free(&truth[kind]);
    free(mask);
}

static void churn(struct bench *b)
{
    struct churn c = {.b = b, .all = b->set};
    c.live = calloc(b->rows, sizeof *c.live);
    if (!c.live)
        abort();
    for (size_t i = 0; i < b->rows; i++)
        c.live[i] = (int64_t)i + 1;
    add_segment(&c, c.live, b->rows);
    reload(&c);
    measure_churn(&c, "at first");
    for (uint64_t round = 1; round <= 10; round++) {
        char when[64];
        turn_over(&c, round);
        if (round == 1 || round == 10)
            measure_churn(&c, round == 1 ? "half in the tail" : "tenth, half in the tail");
        flush_tail(&c);
        if (round == 10) {
            reload(&c);
            measure_churn(&c, "before compaction");
        }
        compact(&c);
        reload(&c);
        snprintf(when, sizeof when, "round %d, %zu segments", (int)round, c.nsegs);
        measure_churn(&c, when);
    }
    while (c.nsegs > 0)
        drop_segment(&c, c.nsegs - 1);
    vector_index_free(c.ix);
    free(c.live);
}

/* ---- real embeddings ---- */

static float *read_floats(const char *path, size_t dim, size_t *n)
{
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    *n = size > 0 ? (size_t)size / sizeof(float) / dim : 0;
    float *x = data_floats(*n * dim + 1);
    if (*n == 0 || fseek(f, 0, SEEK_SET) || fread(x, sizeof *x, *n * dim, f) != *n * dim) {
        fprintf(stderr, "%s: cannot read rows of %zu floats\n", path, dim);
        exit(2);
    }
    fclose(f);
    return x;
}

static int real(int argc, char **argv, struct bench *b)
{
    struct eye_err err;
    size_t texts;
    if (argc != 5)
        return 2;
    b->dim = (size_t)strtoul(argv[2], NULL, 10);
    if (b->dim < 64 || b->dim > 2048)
        return 2;
    b->queries[0] = read_floats(argv[3], b->dim, &b->rows);
    b->queries[1] = read_floats(argv[4], b->dim, &texts);
    b->nq = texts < b->rows ? texts : b->rows;
    b->set = vector_new((int)b->dim, &err);
    for (size_t i = 0; b->set && i < b->rows; i++) {
        uint16_t row[DATA_DIM_MAX];
        data_scale(b->queries[0] + i * b->dim, b->dim, 1);
        for (size_t j = 0; j < b->dim; j++)
            row[j] = data_half(b->queries[0][i * b->dim + j]);
        if (vector_add(b->set, (int64_t)i + 1, row, &err))
            measure_die(argv[3], &err);
    }
    size_t step = texts / b->nq; /* texts from all of the file */
    for (size_t i = 0; i < b->nq; i++) {
        memmove(b->queries[1] + i * b->dim, b->queries[1] + i * step * b->dim,
                b->dim * sizeof(float));
        data_scale(b->queries[1] + i * b->dim, b->dim, 1);
    }
    plain(b, false);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.rows = 100000, .dim = 512, .nq = 200};
    bool is_real = argc > 1 && strcmp(argv[1], "real") == 0;
    bool want_grid = argc > 1 && strcmp(argv[argc - 1], "grid") == 0;
    bool want_churn = argc > 1 && strcmp(argv[argc - 1], "churn") == 0;
    int numbers = is_real ? 0 : argc - 1 - (want_grid || want_churn);
    if (numbers > 0)
        b.rows = (size_t)strtod(argv[1], NULL);
    if (numbers > 1)
        b.dim = (size_t)strtoul(argv[2], NULL, 10);
    if (numbers > 2)
        b.nq = (size_t)strtoul(argv[3], NULL, 10);
    const char *tmp = getenv("TMPDIR");
    snprintf(b.dir, sizeof b.dir, "%s/eyeshine-recall-XXXXXX", tmp ? tmp : "/tmp");
    if (b.rows < 1000 || b.dim % 64 || b.dim < 64 || b.dim > 2048 || !b.nq || !mkdtemp(b.dir)) {
        fprintf(stderr, "usage: recall [ROWS [DIM [QUERIES]]] [grid|churn]\n");
        return 2;
    }
    b.pool = pool_new(cpu_count(), NULL);
    if (is_real) {
        int rc = real(argc, argv, &b);
        rmdir(b.dir);
        return rc ? rc : b.bad;
    }
    b.data = data_new(b.dim, 1);
    double start = now();
    b.set = measure_rows(b.data, 1, b.rows, b.pool);
    printf("%zu rows of %zu made in %.1f s\n", b.rows, b.dim, now() - start);
    for (int kind = 0; kind < 2; kind++)
        b.queries[kind] = measure_queries(b.data, b.nq, kind);
    if (want_churn)
        churn(&b);
    else
        plain(&b, want_grid);
    free(b.queries[0]);
    free(b.queries[1]);
    vector_free(b.set);
    data_free(b.data);
    pool_free(b.pool);
    rmdir(b.dir);
    if (b.bad)
        printf("below 0.99 (image) or 0.985 (text)\n");
    return b.bad;
}
