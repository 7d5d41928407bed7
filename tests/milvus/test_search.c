/* Searches of 20,000 vectors on a real server beside the exact scan of the embedded store: without a filter, with filters that let nothing to everything
 * pass, by FLAT and by HNSW, page after page, among ties, at the server's limits; and pages by time. */
#include "catalogue.h"

#include <math.h>

enum { ROWS = 20000, WIDE = 64, QUERIES = 50, SAME = 300, LEAP = 9000 };

static struct catalogue lib;
static struct store_picture pictures[ROWS];
static float vectors[ROWS][WIDE];
static int by_id[ROWS]; /* rows in order of ids */
static float queries[QUERIES][WIDE];

static uint64_t seed = 1;

static double any(void)
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static void unit(float *v)
{
    uint16_t half[WIDE];
    double length = 0;
    for (int k = 0; k < WIDE; k++)
        length += (double)v[k] * v[k];
    for (int k = 0; k < WIDE; k++)
        v[k] = (float)(v[k] / sqrt(length));
    half_from_floats(v, half, WIDE);
    half_to_floats(half, v, WIDE);
}

/* Around one of 200 centres, as embeddings are. */
static void clustered(float *v)
{
    static float centres[200][WIDE];
    if (centres[0][0] == 0)
        for (int c = 0; c < 200; c++)
            for (int k = 0; k < WIDE; k++)
                centres[c][k] = (float)(any() - any());
    const float *c = centres[(int)(any() * 200)];
    for (int k = 0; k < WIDE; k++)
        v[k] = c[k] + (float)(any() - any());
    unit(v);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = pictures[*(const int *)a].id, y = pictures[*(const int *)b].id;
    return (x > y) - (x < y);
}

/* width says how many pass a filter, and so does the first folder. */
static void make_row(int i, int64_t root)
{
    char name[64], text[32];
    const char *folder = i < 2 ? "few" : i < 200 ? "some" : i % 2 ? "half" : "rest";
    snprintf(text, sizeof text, "row %d", i);
    struct store_picture *p = &pictures[i];
    *p = (struct store_picture){.size = 1,
                                .width = i < 2     ? 1
                                         : i < 200 ? 2
                                         : i % 2   ? 3
                                                   : 4,
                                .height = 1,
                                .format = "jpeg",
                                .taken_at = INT64_MIN};
    p->added_at = i < LEAP       ? 1700000000
                  : i < 2 * LEAP ? INT64_MIN
                                 : 1600000000 + i * INT64_C(40000);
    hash_bytes(text, strlen(text), &p->hash);
    if (i >= 1000 && i < 1000 + SAME)
        memcpy(vectors[i], vectors[999], sizeof *vectors);
    else
        clustered(vectors[i]);
    catalogue_put(&lib, p, vectors[i]);
    by_id[i] = i;
    snprintf(name, sizeof name, "%s/IMG_%05d.jpg", folder, i);
    catalogue_file(&lib, root, name, p->id, i);
    if (i % 10 == 0) { /* a copy elsewhere */
        snprintf(name, sizeof name, "copies/%d.jpg", i);
        catalogue_file(&lib, root, name, p->id, i);
    }
}

static int setup(void **state)
{
    (void)state;
    catalogue_open(&lib, "search", WIDE, "FLAT");
    int64_t root = catalogue_root(&lib, "/pics");
    for (int i = 0; i < ROWS; i++) {
        make_row(i, root);
        if (i % 1000 == 999)
            catalogue_write(&lib);
    }
    qsort(by_id, ROWS, sizeof *by_id, compare_ids);
    for (int q = 0; q < QUERIES; q++)
        clustered(queries[q]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    catalogue_drop(&lib);
    return 0;
}

/* ---- what is right ---- */

static struct vector_set *set_of(int max_width, int min_width)
{
    struct vector_set *set = vector_new(WIDE, &lib.err);
    uint16_t half[WIDE];
    for (int i = 0; i < ROWS; i++) {
        const struct store_picture *p = &pictures[by_id[i]];
        if (p->width < min_width || p->width > max_width)
            continue;
        half_from_floats(vectors[by_id[i]], half, WIDE);
        DO(&lib, vector_add(set, p->id, half, &lib.err));
    }
    return set;
}

/* Filters by width and by path that let the same pass. */
struct pair {
    int min_width, max_width;
    const char *path;
    bool not ;
};
static const struct pair pairs[] = {
    {9, 9, "/pics/nothing/*", false},
    {1, 1, "/pics/few/*", false},
    {2, 2, "/pics/some/*", false},
    {3, 3, "/pics/half/*", false},
    {3, 3, "*alf/IMG*", false},
    {1, 4, "*", false},
    {1, 4, "IMG_", false},
    {1, 3, "/pics/rest/*", true},
    {2, 2, "*/so?e/*", false},
    {3, 4, "/pics/[sf][oe][mw]*", true},
};

static size_t search(const struct store_where *w, bool exact, const float *query, size_t k,
                     struct vector_hit *hits)
{
    struct vector_ask ask = {.query = query, .k = k, .hits = hits};
    DO(&lib, milvus_find_best(&lib.f, w, exact, &ask, 1, &lib.err));
    return ask.count;
}

/* The share of `wanted` [n] that was found; scores and order are right in any case. */
static double found(const struct vector_hit *hits, size_t count, const struct vector_hit *wanted,
                    size_t n)
{
    size_t met = 0;
    for (size_t i = 1; i < count; i++)
        assert_true(hits[i - 1].score > hits[i].score ||
                    (hits[i - 1].score == hits[i].score && hits[i - 1].id < hits[i].id));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < count; k++)
            if (hits[k].id == wanted[i].id) {
                assert_memory_equal(&hits[k].score, &wanted[i].score, sizeof(float));
                met++;
            }
    return n ? (double)met / (double)n : 1;
}

static void check_pair(const struct pair *p, bool exact, double least)
{
    struct store_filter width = STORE_FILTER_INIT, path = STORE_FILTER_INIT;
    const struct store_where by_width = {.kind = STORE_IS, .filter = &width};
    const struct store_where is_path = {.kind = STORE_IS, .filter = &path};
    const struct store_where *const part = &is_path;
    const struct store_where not_path = {.kind = STORE_NOT, .parts = &part, .nparts = 1};
    const struct store_where *const wheres[] = {&by_width, p->not ? &not_path : &is_path};
    struct vector_set *set = set_of(p->max_width, p->min_width);
    struct vector_hit wanted[50], hits[50];
    double sum = 0;
    size_t asked = 0;
    width.min_width = p->min_width;
    width.max_width = p->max_width;
    path.path = p->path;
    for (int w = 0; w < 2; w++) {
        uint64_t count = 9999999;
        DO(&lib, milvus_find_count(&lib.f, wheres[w], &count, &lib.err));
        assert_int_equal(count, vector_count(set));
        for (int q = 0; q < (live_is_lite() ? 2 : 6); q++) { /* lite takes half a second each */
            size_t k = q % 2 ? 10 : 50, n = 0;
            DO(&lib, vector_search(set, queries[q], 1, k, NULL, NULL, wanted, &n, &lib.err));
            size_t got = search(wheres[w], exact, queries[q], k, hits);
            assert_int_equal(got, n); /* never short */
            double share = found(hits, got, wanted, n);
            if (least == 1 && share < 1)
                print_error("%s %d-%d query %d: %g\n", p->path, p->min_width, p->max_width, q,
                            share);
            assert_true(least < 1 || share == 1);
            sum += share;
            asked++;
        }
    }
    if (sum / (double)asked < least)
        print_error("%s: %g\n", p->path, sum / (double)asked);
    assert_true(sum / (double)asked >= least);
    vector_free(set);
}

static void every_pair(bool exact, double least)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check_pair(&pairs[i], exact, least);
}

/* ---- FLAT ---- */

/* All queries in one request. */
static double all_queries(size_t k)
{
    struct vector_set *set = set_of(9, 0);
    struct vector_hit *hits = calloc(QUERIES * k, sizeof *hits),
                      *wanted = calloc(QUERIES * k, sizeof *wanted);
    size_t counts[QUERIES];
    struct vector_ask asks[QUERIES];
    double sum = 0;
    for (int q = 0; q < QUERIES; q++)
        asks[q] = (struct vector_ask){.query = queries[q], .k = k, .hits = hits + (size_t)q * k};
    DO(&lib, milvus_find_best(&lib.f, NULL, false, asks, QUERIES, &lib.err));
    DO(&lib, vector_search(set, queries[0], QUERIES, k, NULL, NULL, wanted, counts, &lib.err));
    for (int q = 0; q < QUERIES; q++) {
        assert_int_equal(asks[q].count, k);
        sum += found(asks[q].hits, k, wanted + (size_t)q * k, k);
    }
    free(hits);
    free(wanted);
    vector_free(set);
    return sum / QUERIES;
}

static void flat_gives_what_the_embedded_store_gives(void **state)
{
    (void)state;
    assert_true(all_queries(10) == 1);
    assert_true(all_queries(200) == 1);
}

static void flat_under_filters(void **state)
{
    (void)state;
    every_pair(false, 1);
}

static void among_ties_the_smaller_ids(void **state)
{
    (void)state;
    struct vector_set *set = set_of(9, 0);
    struct vector_hit hits[SAME], wanted[SAME];
    size_t n = 0;
    for (size_t k = 1; k <= 200; k += 66) {
        DO(&lib, vector_search(set, vectors[999], 1, k, NULL, NULL, wanted, &n, &lib.err));
        assert_int_equal(search(NULL, false, vectors[999], k, hits), k);
        for (size_t i = 0; i < k; i++)
            assert_int_equal(hits[i].id, wanted[i].id);
        assert_true(wanted[k - 1].score == wanted[0].score);
    }
    vector_free(set);
}

static void page_after_page(const struct store_where *w, size_t k, size_t all,
                            const struct vector_set *set, bool exact)
{
    struct vector_hit *hits = calloc(k, sizeof *hits), *wanted = calloc(all, sizeof *wanted), after;
    struct vector_ask ask = {.query = queries[3], .k = k, .hits = hits};
    size_t n = 0, at = 0;
    DO(&lib, vector_search(set, queries[3], 1, all, NULL, NULL, wanted, &n, &lib.err));
    assert_int_equal(n, all);
    while (at < all) {
        DO(&lib, milvus_find_best(&lib.f, w, false, &ask, 1, &lib.err));
        assert_int_equal(ask.count, all - at < k ? all - at : k);
        for (size_t i = 0; i < ask.count && exact; i++)
            assert_int_equal(hits[i].id, wanted[at + i].id);
        at += ask.count;
        after = hits[ask.count - 1];
        ask.after = &after;
        ask.depth = at;
    }
    free(hits);
    free(wanted);
}

static void pages_to_the_end(void **state)
{
    (void)state;
    struct store_filter f = STORE_FILTER_INIT;
    const struct store_where w = {.kind = STORE_IS, .filter = &f};
    struct vector_set *set = set_of(2, 2), *everything = set_of(9, 0);
    f.path = "/pics/some/*";
    page_after_page(&w, 30, 198, set, true);
    page_after_page(NULL, 7000, ROWS, everything, true); /* beyond the server's 16,384 */
    vector_free(set);
    vector_free(everything);
}

static void no_more_than_the_server_gives(void **state)
{
    (void)state;
    enum { MOST = MILVUS_ROWS_MAX };
    struct vector_hit *hits = calloc(MOST + 1, sizeof *hits);
    struct vector_ask ask = {.query = queries[0], .k = MOST + 1, .hits = hits};
    assert_int_equal(milvus_find_best(&lib.f, NULL, false, &ask, 1, &lib.err), EYE_ELIMIT);
    assert_non_null(strstr(lib.err.msg, "16384"));
    assert_int_equal(search(NULL, false, queries[0], MOST, hits), MOST);
    ask.k = 0;
    DO(&lib, milvus_find_best(&lib.f, NULL, false, &ask, 1, &lib.err));
    assert_int_equal(ask.count, 0);
    float nan[WIDE] = {NAN};
    ask = (struct vector_ask){.query = nan, .k = 1, .hits = hits};
    assert_int_equal(milvus_find_best(&lib.f, NULL, false, &ask, 1, &lib.err), EYE_EINVAL);
    free(hits);
}

/* ---- by time ---- */

static int newer(const void *a, const void *b)
{
    const struct store_picture *x = &pictures[*(const int *)a], *y = &pictures[*(const int *)b];
    if (x->added_at != y->added_at)
        return x->added_at < y->added_at ? 1 : -1;
    return (x->id < y->id) - (x->id > y->id);
}

/* 9,000 in one second, 9,000 nobody knows when, 2,000 over three years. */
static void newest_to_oldest(const struct store_where *w, int width, size_t page)
{
    static int order[ROWS];
    int64_t *ids = calloc(page, sizeof *ids), *ats = calloc(page, sizeof *ats), at = INT64_MAX,
            id = INT64_MAX;
    size_t n = 0, seen = 0, have = 1;
    for (int i = 0; i < ROWS; i++)
        if (!width || pictures[i].width == width)
            order[n++] = i;
    qsort(order, n, sizeof *order, newer);
    while (have) {
        DO(&lib, milvus_find_newest(&lib.f, w, at, id, ids, ats, page, &have, &lib.err));
        assert_int_equal(have, n - seen < page ? n - seen : page);
        for (size_t i = 0; i < have; i++, seen++)
            assert_int_equal(ids[i], pictures[order[seen]].id);
        at = have ? ats[have - 1] : at;
        id = have ? ids[have - 1] : id;
    }
    assert_int_equal(seen, n);
    free(ids);
    free(ats);
}

static void by_time(void **state)
{
    (void)state;
    struct store_filter f = STORE_FILTER_INIT;
    const struct store_where w = {.kind = STORE_IS, .filter = &f};
    newest_to_oldest(NULL, 0, 3000);
    f.path = "/pics/some/*";
    newest_to_oldest(&w, 2, 50);
    f.path = "/pics/half/*";
    newest_to_oldest(&w, 3, 2500);
}

/* ---- HNSW ---- */

static int told;

static int on_wait(void *ctx, const char *what, double share, double seconds)
{
    (void)ctx, (void)share, (void)seconds;
    told += strstr(what, "the server") != NULL;
    return 0;
}

static void another_index(const char *type)
{
    struct milvus_index_state state;
    struct milvus_options o = *milvus_options(lib.m);
    o.wait = on_wait;
    struct milvus *m = milvus_with(lib.m, &o, &lib.err);
    assert_non_null(m);
    DO(&lib, milvus_index_choose(type, NULL, NULL, ROWS, false, &lib.f.index, &lib.err));
    DO(&lib, milvus_flush(m, MILVUS_PICTURES, &lib.err));
    DO(&lib, milvus_index_replace(m, &lib.f.index, false, &lib.err));
    DO(&lib, milvus_index_look(m, MILVUS_PICTURES, &state, &lib.err));
    assert_string_equal(state.index.type, type);
    assert_true(state.built);
    assert_false(milvus_index_differs(&state.index, &lib.f.index, false, ROWS));
    milvus_close(m);
}

static void a_graph_is_nearly_as_good(void **state)
{
    (void)state;
    another_index("HNSW");
    if (!live_is_lite())
        assert_true(told > 0);
    double recall = all_queries(10);
    print_message("HNSW: recall@10 %.4f\n", recall);
    assert_true(recall >= 0.98);
    every_pair(false,
               0.9); /* the graph loses some where clusters are dense, whatever is asked of it */
    every_pair(true, 1);
}

static void few_bits_give_true_scores(void **state)
{
    (void)state;
    another_index("IVF_SQ8");
    double recall = all_queries(10);
    print_message("IVF_SQ8: recall@10 %.4f\n", recall);
    assert_true(recall >= 0.9);
    every_pair(false, 0.8);
}

static void what_the_server_refuses(void **state)
{
    (void)state;
    struct milvus_index ix;
    DO(&lib, milvus_index_choose("NO_SUCH_INDEX", NULL, NULL, ROWS, false, &ix, &lib.err));
    int rc = milvus_index_replace(lib.m, &ix, false, &lib.err);
    assert_true(rc < 0);
    print_message("%s\n", lib.err.msg);
    assert_non_null(strstr(lib.err.msg, "NO_SUCH_INDEX"));
    another_index("FLAT"); /* and what it had can be had again */
    assert_true(all_queries(10) == 1);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_gives_what_the_embedded_store_gives),
        cmocka_unit_test(flat_under_filters),
        cmocka_unit_test(among_ties_the_smaller_ids),
        cmocka_unit_test(pages_to_the_end),
        cmocka_unit_test(no_more_than_the_server_gives),
        cmocka_unit_test(by_time),
        cmocka_unit_test(what_the_server_refuses),
        cmocka_unit_test(a_graph_is_nearly_as_good),
        cmocka_unit_test(few_bits_give_true_scores),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
