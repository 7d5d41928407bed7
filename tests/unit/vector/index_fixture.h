/* index_fixture.h - segments in a scratch folder, unit vectors that cluster, and the truth beside an index: a vector_set of what should be live. */
#ifndef TEST_VECTOR_INDEX_FIXTURE_H
#define TEST_VECTOR_INDEX_FIXTURE_H

#include "../base/scratch.h"
#include "rows.h"
#include "vector/segment.h"

static const struct vector_spec fixture_spec = {.dim = 64, .weights = {{1, 2, 3}}};

/* The nearest fp16 to a value in [-2, 2]. */
static inline uint16_t half_of(double x)
{
    int exponent;
    double fraction = frexp(fabs(x), &exponent); /* [0.5, 1) */
    double bits = exponent < -13 ? rint(fabs(x) * 0x1p24)
                                 : (exponent + 14) * 1024 + rint(fraction * 2048) - 1024;
    return (uint16_t)((unsigned)bits | (x < 0 ? 0x8000U : 0));
}

/* One of 20 directions and some noise, of length 1; the same for the same number, whatever came before. */
static inline void unit_floats(uint64_t number, float *x, size_t dim)
{
    uint64_t seed = number * 7919 + 13, centre = number % 20 + 1000000;
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        double a = (double)(next_random(&centre) >> 40) / 16777216 - 0.5;
        double b = (double)(next_random(&seed) >> 40) / 16777216 - 0.5;
        x[i] = (float)(a + 1.5 * b + 0.1);
        square += (double)x[i] * (double)x[i];
    }
    for (size_t i = 0; i < dim; i++)
        x[i] = (float)((double)x[i] / sqrt(square));
}

static inline void unit_row(uint64_t number, uint16_t *row, size_t dim)
{
    float x[CODE_DIM_MAX];
    unit_floats(number, x, dim);
    for (size_t i = 0; i < dim; i++)
        row[i] = half_of((double)x[i]);
}

/* Rows id = first, first + step ... [n], each what unit_row makes of its id (and of `version`). */
static inline void write_segment(const char *path, const struct vector_spec *spec, int64_t first,
                                 int64_t step, size_t n, uint64_t version, struct pool *pool,
                                 uint64_t *rows, uint64_t *bytes)
{
    struct eye_err err;
    uint16_t row[CODE_DIM_MAX];
    struct vector_writer *w = vector_writer_new(path, spec, NULL, pool, &err);
    assert_non_null(w);
    for (size_t i = 0; i < n; i++) {
        int64_t id = first + step * (int64_t)i;
        unit_row((uint64_t)id + version * 1000003, row, (size_t)spec->dim);
        assert_int_equal(vector_writer_add(w, id, row, &err), 0);
    }
    assert_int_equal(vector_writer_finish(w, rows, bytes, &err), 0);
    assert_int_equal(*rows, n);
}

static inline struct vector_segment *make_segment(const char *name, const struct vector_spec *spec,
                                                  int64_t first, int64_t step, size_t n,
                                                  uint64_t version)
{
    char path[512];
    uint64_t rows, bytes;
    struct eye_err err = {0};
    scratch_path(path, name);
    unlink(path);
    write_segment(path, spec, first, step, n, version, NULL, &rows, &bytes);
    struct vector_segment *seg = vector_segment_open(path, spec, rows, bytes, &err);
    if (!seg)
        fail_msg("%s", err.msg);
    return seg;
}

/* A store: what should be live, and ids that it denies to have. */
struct store {
    struct vector_set *set;
    const int64_t *gone; /* ascending */
    size_t ngone, calls;
};

static inline int store_rows(void *ctx, const int64_t *ids, size_t n, uint16_t *out, bool *there,
                             struct eye_err *err)
{
    struct store *store = ctx;
    (void)err;
    size_t dim = (size_t)vector_dim(store->set);
    store->calls++;
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || ids[i] > ids[i - 1]);
        const uint16_t *row = vector_row(store->set, ids[i]);
        there[i] = row != NULL;
        for (size_t g = 0; g < store->ngone; g++)
            there[i] = there[i] && store->gone[g] != ids[i];
        if (row)
            memcpy(out + i * dim, row, dim * sizeof *row);
    }
    return 0;
}

static inline void assert_same_hits(const struct vector_hit *a, size_t na,
                                    const struct vector_hit *b, size_t nb)
{
    assert_int_equal(na, nb);
    for (size_t i = 0; i < na; i++) {
        assert_int_equal(a[i].id, b[i].id);
        assert_memory_equal(&a[i].score, &b[i].score, sizeof(float));
    }
}

#endif
