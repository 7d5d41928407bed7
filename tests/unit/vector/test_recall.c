/* rescore.c and the whole of the index: recall at the default R on made-up embeddings, at sizes a test has time for.
 *
 * `make recall` is the full harness (to a million rows, and churn). */
#include "rows.h"

#include <unistd.h>

#include "../../recall/measure.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { DIMS = 1, MOST = 2000 }; /* the same paths; numbers are the release build's */
#else
enum { DIMS = 4, MOST = 10000 };
#endif

static char dir[512];

static void path_of(int number, char *path, size_t size)
{
    snprintf(path, size, "%s/%d.seg", dir, number);
}

static struct vector_index *index_of(struct vector_segment *const *segs, size_t n, size_t dim)
{
    struct vector_spec spec = measure_spec(dim);
    struct vector_index *ix = vector_index_new(&spec, NULL);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(vector_index_attach(ix, segs[i], NULL), 0);
    return ix;
}

static void expect_recall(const struct vector_index *ix, const struct data *d,
                          struct vector_set *all, const uint64_t *mask, size_t nq)
{
    struct vector_source source = {measure_source, all};
    for (int text = 0; text < 2; text++) {
        float *queries = measure_queries(d, nq, text);
        struct measure_hits truth = measure_hits_new(nq, 10);
        struct vector_scope scope = {.mask = mask};
        assert_int_equal(
            vector_search(all, queries, nq, 10, &scope, NULL, truth.hits, truth.counts, NULL), 0);
        struct measure_hits found = measure_search(ix, queries, nq, 10, 0, &source, NULL);
        assert_true(measure_recall(&truth, &found) >= (text ? 0.985 : 0.99));
        measure_hits_free(&truth);
        measure_hits_free(&found);
        free(queries);
    }
}

static void finds_nearly_all(void **state)
{
    (void)state;
    static const size_t dims[4] = {256, 512, 768, 1024};
    for (size_t i = 0; i < DIMS; i++) {
        enum { ROWS = MOST };
        char path[600];
        struct data *d = data_new(dims[i], 1);
        struct vector_set *set = measure_rows(d, 1, ROWS, NULL);
        path_of(0, path, sizeof path);
        struct vector_segment *seg = measure_segment(set, NULL, 1, ROWS, path, NULL);
        struct vector_index *ix = index_of(&seg, 1, dims[i]);
        expect_recall(ix, d, set, NULL, 40);
        vector_index_free(ix);
        vector_segment_unref(seg);
        unlink(path);
        vector_free(set);
        data_free(d);
    }
}

/* Half of the rows go and as many come, in the tail at first and then in a segment of their own, ten times. */
static void finds_them_after_churn(void **state)
{
    (void)state;
    enum { DIM = 128, ROWS = MOST / 5 * 2, ROUNDS = 10 };
    struct data *d = data_new(DIM, 1);
    struct vector_set *all = measure_rows(d, 1, ROWS, NULL);
    struct vector_segment *segs[ROUNDS + 1];
    int64_t live[ROWS];
    char path[600];
    uint64_t seed = 5;
    path_of(0, path, sizeof path);
    segs[0] = measure_segment(all, NULL, 1, ROWS, path, NULL);
    for (size_t i = 0; i < ROWS; i++)
        live[i] = (int64_t)i + 1;
    struct vector_index *ix = index_of(segs, 1, DIM);
    for (int round = 1; round <= ROUNDS; round++) {
        size_t kept = 0;
        int64_t first = vector_last(all) + 1;
        struct vector_set *fresh = measure_rows(d, (uint64_t)first, ROWS / 2, NULL);
        for (size_t i = 0; i < ROWS; i++) {
            if (next_random(&seed) % (ROWS - i) < ROWS - ROWS / 2 - kept)
                live[kept++] = live[i];
            else
                assert_int_equal(vector_index_drop(ix, live[i], NULL), 0);
        }
        for (int64_t id = first; kept < ROWS; id++) {
            live[kept++] = id;
            assert_int_equal(vector_add(all, id, vector_row(fresh, id), NULL), 0);
            assert_int_equal(vector_index_put(ix, id, vector_row(fresh, id), NULL), 0);
        }
        vector_free(fresh);
        uint64_t *mask = vector_mask(all, live, ROWS, NULL);
        assert_int_equal(vector_index_live(ix), ROWS);
        if (round == 1 || round == ROUNDS)
            expect_recall(ix, d, all, mask, 40);
        vector_index_free(ix); /* the tail is flushed, and all opened anew */
        path_of(round, path, sizeof path);
        segs[round] = measure_segment(all, NULL, first, ROWS / 2, path, NULL);
        ix = index_of(segs, (size_t)round + 1, DIM);
        for (int64_t id = 1, at = 0; id <= vector_last(all); id++) {
            if (at < ROWS && live[at] == id)
                at++;
            else
                assert_int_equal(vector_index_drop(ix, id, NULL), 0);
        }
        assert_int_equal(vector_index_live(ix), ROWS);
        if (round == ROUNDS)
            expect_recall(ix, d, all, mask, 40);
        free(mask);
    }
    vector_index_free(ix);
    for (int i = 0; i <= ROUNDS; i++) {
        path_of(i, path, sizeof path);
        vector_segment_unref(segs[i]);
        unlink(path);
    }
    vector_free(all);
    data_free(d);
}

/* More for more rows, longer lists and shorter vectors; never more than there are, never fewer than wanted. */
static void rule_is_sane(void **state)
{
    (void)state;
    assert_int_equal(vector_rescore(0, 10, 512), 0);
    assert_int_equal(vector_rescore(100, 10, 512), 100);
    for (size_t n = 1; n < 100000000; n = n * 3 + 1)
        for (int dim = 64; dim <= 2048; dim += 64)
            for (size_t k = 1; k <= 10000; k *= 10) {
                size_t r = vector_rescore(n, k, dim);
                assert_true(r <= n && (r == n || r >= 4 * k));
                assert_true(vector_rescore(2 * n, k, dim) >= r);
                assert_true(vector_rescore(n, 2 * k, dim) >= r);
                assert_true(dim == 64 || vector_rescore(n, k, dim - 64) >= r);
            }
}

static int set_up(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/eyeshine-recall-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_nearly_all),
        cmocka_unit_test(finds_them_after_churn),
        cmocka_unit_test(rule_is_sane),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
