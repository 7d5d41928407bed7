/* Trees of filters over random libraries on a real server, against the same trees asked of one picture after the other in C: which pass, how
 * many, the newest, the best. The same trees are put to SQLite in tests/unit/store/test_sqlite_filter_trees.c. */
#include "catalogue.h"

#include <math.h>

#include "store/trees.h"

enum { TREES = 30 };

static struct catalogue lib;
static struct known all[N];
static int64_t ids[ROOTS];
static float vectors[N][DIM];

/* Of length 1, a few of them twice, so that scores tie; every 11th picture has none. */
static const float *make_vector(int i)
{
    float *v = vectors[i], length = 0;
    uint16_t half[DIM];
    if (i % 11 == 0)
        return NULL;
    for (int k = 0; k < DIM; k++)
        v[k] = i % 5 == 1 && i > 0 && i % 11 != 1 ? vectors[i - 1][k] : (float)any(2001) / 1000 - 1;
    for (int k = 0; k < DIM; k++)
        length += v[k] * v[k];
    for (int k = 0; k < DIM; k++)
        v[k] /= sqrtf(length);
    half_from_floats(v, half, DIM);
    half_to_floats(half, v, DIM);
    return v;
}

static void fill(uint64_t from)
{
    char name[32];
    snprintf(name, sizeof name, "filters%d", (int)from);
    catalogue_open(&lib, name, DIM, from % 2 ? "FLAT" : "HNSW");
    seed = from;
    memset(all, 0, sizeof all);
    for (size_t r = 0; r < ROOTS; r++)
        ids[r] = catalogue_root(&lib, roots[r]);
    for (int i = 0; i < N; i++) {
        make_picture(&all[i], i);
        if (i % 13 == 0)
            all[i].p.added_at = INT64_MIN; /* by another program */
        catalogue_put(&lib, &all[i].p, make_vector(i));
        all[i].id = all[i].p.id;
        for (uint64_t n = 1 + any(FILES); n; n--) {
            make_file(&all[i], ids, i);
            const struct seen *s = &all[i].files[all[i].nfiles - 1];
            catalogue_file(&lib, s->root, s->rel, all[i].id, s->mtime_ns);
        }
    }
    catalogue_write(&lib);
}

/* ---- what is right ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t expected_ids(const struct store_where *w, int64_t *out)
{
    size_t n = 0;
    for (int i = 0; i < N; i++)
        if (!w || where_passes(w, &all[i]))
            out[n++] = all[i].id;
    qsort(out, n, sizeof *out, by_id);
    return n;
}

static int newer(const void *a, const void *b)
{
    const struct known *x = *(const struct known *const *)a, *y = *(const struct known *const *)b;
    if (x->p.added_at != y->p.added_at)
        return x->p.added_at < y->p.added_at ? 1 : -1;
    return (x->id < y->id) - (x->id > y->id);
}

static void check_newest(const struct store_where *w)
{
    const struct known *order[N];
    int64_t got[N], ats[N], at = INT64_MAX, id = INT64_MAX;
    size_t n = 0, from = 0, page = 1 + any(70), have = 0;
    for (int i = 0; i < N; i++)
        if (!w || where_passes(w, &all[i]))
            order[n++] = &all[i];
    qsort(order, n, sizeof *order, newer);
    for (int pages = 0; pages < 4; pages++) {
        DO(&lib, milvus_find_newest(&lib.f, w, at, id, got, ats, page, &have, &lib.err));
        assert_int_equal(have, n - from < page ? n - from : page);
        for (size_t i = 0; i < have; i++) {
            assert_int_equal(got[i], order[from + i]->id);
            assert_int_equal(ats[i], order[from + i]->p.added_at);
        }
        if (!have)
            break;
        from += have;
        at = ats[have - 1];
        id = got[have - 1];
    }
}

/* The embedded store's own search of what passes. */
static void check_search(const struct store_where *w)
{
    enum { ASKS = 3, PAGES = 3 };
    int order[N], n = 0;
    struct vector_set *set = vector_new(DIM, &lib.err);
    for (int i = 0; i < N; i++)
        if (i % 11 && (!w || where_passes(w, &all[i])))
            order[n++] = i;
    for (int i = 1; i < n; i++) /* by id */
        for (int k = i; k && all[order[k - 1]].id > all[order[k]].id; k--) {
            int swap = order[k];
            order[k] = order[k - 1];
            order[k - 1] = swap;
        }
    for (int i = 0; i < n; i++) {
        uint16_t half[DIM];
        half_from_floats(vectors[order[i]], half, DIM);
        DO(&lib, vector_add(set, all[order[i]].id, half, &lib.err));
    }
    size_t k = 1 + any(40);
    float queries[ASKS][DIM];
    struct vector_hit hits[ASKS][64], wanted[64], after[ASKS];
    struct vector_ask asks[ASKS];
    for (int q = 0; q < ASKS; q++) {
        int like = 1 + (int)any(9);
        memcpy(queries[q], vectors[like], sizeof *queries);
        asks[q] = (struct vector_ask){.query = queries[q], .k = k, .hits = hits[q]};
    }
    for (int page = 0; page < PAGES; page++) {
        DO(&lib, milvus_find_best(&lib.f, w, any(4) == 0, asks, ASKS, &lib.err));
        for (int q = 0; q < ASKS; q++) {
            size_t count = 0;
            const struct vector_scope scope = {NULL, asks[q].after};
            DO(&lib, vector_search(set, queries[q], 1, k, &scope, NULL, wanted, &count, &lib.err));
            assert_int_equal(asks[q].count, count);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(hits[q][i].id, wanted[i].id);
                assert_memory_equal(&hits[q][i].score, &wanted[i].score, sizeof(float));
            }
            if (!count)
                continue;
            after[q] = hits[q][count - 1];
            asks[q].after = &after[q];
            asks[q].depth += count;
        }
    }
    vector_free(set);
}

static size_t check(const struct store_where *w)
{
    int64_t expected[N];
    struct store_ids got = {NULL, 0, 0};
    uint64_t count = 9999;
    size_t n = expected_ids(w, expected);
    DO(&lib, milvus_find_ids(&lib.f, w, &got, &lib.err));
    assert_int_equal(got.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got.v[i], expected[i]);
    store_ids_free(&got);
    DO(&lib, milvus_find_count(&lib.f, w, &count, &lib.err));
    assert_int_equal(count, n);
    return n;
}

static void random_trees(uint64_t from)
{
    size_t some = 0;
    fill(from);
    check(NULL);
    check_newest(NULL);
    check_search(NULL);
    for (int i = 0; i < TREES; i++) {
        static struct tree t;
        t.n = t.nparts = 0;
        const struct store_where *w = grow(&t, (int)any(5), ids);
        size_t n = check(w);
        some += n && n < N;
        if (i % 2)
            check_newest(w);
        else
            check_search(w);
    }
    assert_true(some > TREES / 3);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct store_filter f = STORE_FILTER_INIT;
        const struct store_where is = {.kind = STORE_IS, .filter = &f};
        f.path = paths[i];
        check(&is);
    }
    catalogue_drop(&lib);
}

static void trees_of_one_library(void **state)
{
    (void)state;
    random_trees(1);
}

static void trees_of_another(void **state)
{
    (void)state;
    random_trees(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_of_one_library),
        cmocka_unit_test(trees_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
