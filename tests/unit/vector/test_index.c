/* index.c, index_tail.c and index_ids.c against a plain list of what should be live where. */
#include "index_fixture.h"

#include <pthread.h>

#include "vector/index.h"

enum { D = 64, IDS = 2000 };

static const uint16_t *row_of(int64_t id)
{
    static uint16_t row[D];
    memset(row, 0, sizeof row);
    row[0] = (uint16_t)(0x3000 + id % 1000);
    return row;
}

static void put(struct vector_index *ix, int64_t id)
{
    assert_int_equal(vector_index_put(ix, id, row_of(id), NULL), 0);
}

static void drop(struct vector_index *ix, int64_t id)
{
    assert_int_equal(vector_index_drop(ix, id, NULL), 0);
}

static void check_live(const struct vector_index *ix, const bool *live, size_t n)
{
    size_t count = 0, listed = 0;
    for (size_t id = 0; id < n; id++) {
        assert_int_equal(vector_index_has(ix, (int64_t)id), live[id]);
        count += live[id];
    }
    assert_int_equal(vector_index_live(ix), count);
    for (size_t part = 0; part <= vector_index_segments(ix); part++) {
        int64_t *ids;
        size_t got, of_segment;
        assert_int_equal(vector_index_ids(ix, part, &ids, &got, NULL), 0);
        if (part < vector_index_segments(ix))
            assert_non_null(vector_index_segment(ix, part, &of_segment));
        else
            of_segment = vector_index_tail(ix);
        assert_int_equal(got, of_segment);
        for (size_t i = 0; i < got; i++) {
            assert_true(live[ids[i]]);
            assert_true(i == 0 || ids[i - 1] < ids[i]);
        }
        listed += got;
        free(ids);
    }
    assert_int_equal(listed, count);
}

static void an_empty_one(void **state)
{
    (void)state;
    struct vector_spec spec = {.dim = 1};
    struct eye_err err;
    struct vector_index *ix = vector_index_new(&spec, NULL);
    assert_non_null(ix);
    assert_int_equal(vector_index_dim(ix), 1);
    assert_int_equal(vector_index_live(ix), 0);
    assert_int_equal(vector_index_rows(ix), 0);
    assert_false(vector_index_has(ix, 0));
    drop(ix, 5);
    size_t passed = 9;
    uint64_t *mask = vector_index_mask(ix, NULL, 0, &passed, NULL);
    assert_non_null(mask);
    assert_int_equal(passed, 0);
    free(mask);
    check_live(ix, NULL, 0);
    vector_index_free(ix);
    vector_index_free(NULL);
    spec.dim = 4097;
    assert_null(vector_index_new(&spec, &err));
    assert_int_equal(err.code, EYE_EINVAL);
}

static void put_in_any_order(void **state)
{
    (void)state;
    struct vector_spec spec = {.dim = D};
    static bool live[IDS];
    uint64_t seed = 6;
    for (int order = 0; order < 4; order++) {
        struct vector_index *ix = vector_index_new(&spec, NULL);
        memset(live, 0, sizeof live);
        for (size_t i = 0; i < IDS; i++) {
            size_t id = order == 0   ? i
                        : order == 1 ? IDS - 1 - i
                        : order == 2 ? i * 7919 % IDS
                                     : next_random(&seed) % (IDS / 4);
            put(ix, (int64_t)id);
            live[id] = true;
            if (i % 5 == 0) {
                size_t dead = next_random(&seed) % IDS;
                drop(ix, (int64_t)dead);
                live[dead] = false;
            }
        }
        check_live(ix, live, IDS);
        assert_true(ix->nparts <= 12);
        if (order == 0)
            assert_int_equal(ix->nparts, 1);
        /* Half of them dead at most, whatever the order. */
        assert_true(vector_index_rows(ix) >= vector_index_live(ix));
        vector_index_free(ix);
    }
}

/* Many rows in the worst order take no more runs than a few, and each keeps its row. */
static void rows_follow_their_ids(void **state)
{
    (void)state;
    struct vector_spec spec = {.dim = D};
    struct vector_index *ix = vector_index_new(&spec, NULL);
    for (int64_t id = IDS; id > 0; id--)
        put(ix, id);
    size_t seen = 0;
    for (size_t p = 0; p < ix->nparts; p++) {
        const struct index_part *part = &ix->parts[p];
        for (size_t row = 0; row < part_rows(part); row++, seen++)
            assert_memory_equal(set_row(part->set, row), row_of(part_id(part, row)),
                                D * sizeof(uint16_t));
    }
    assert_int_equal(seen, IDS);
    vector_index_free(ix);
}

static void refused_rows_change_nothing(void **state)
{
    (void)state;
    struct vector_spec spec = {.dim = D};
    struct vector_index *ix = vector_index_new(&spec, NULL);
    uint16_t row[D] = {0x7c00};
    struct eye_err err;
    put(ix, 7);
    assert_int_equal(vector_index_put(ix, 7, row, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "infinity"));
    assert_true(vector_index_has(ix, 7));
    assert_int_equal(vector_index_rows(ix), 1);
    vector_index_free(ix);
}

static void segments_and_tail(void **state)
{
    (void)state;
    static bool live[IDS];
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *a = make_segment("a", &fixture_spec, 0, 2, 500, 0); /* 0, 2 ... 998 */
    struct vector_segment *b = make_segment("b", &fixture_spec, 1000, 1, 300, 0);
    put(ix, 1500); /* before any segment is there */
    assert_int_equal(vector_index_attach(ix, a, NULL), 0);
    put(ix, 1499);
    assert_int_equal(vector_index_attach(ix, b, NULL), 0);
    assert_ptr_equal(vector_index_segment(ix, 0, NULL), a);
    assert_ptr_equal(vector_index_segment(ix, 1, NULL), b);
    vector_segment_unref(a);
    vector_segment_unref(b);
    for (size_t i = 0; i < 1000; i += 2)
        live[i] = true;
    for (size_t i = 1000; i < 1300; i++)
        live[i] = true;
    live[1500] = live[1499] = true;
    check_live(ix, live, IDS);
    assert_int_equal(vector_index_tail(ix), 2);
    assert_int_equal(vector_index_segments(ix), 2);
    assert_true(vector_index_memory(ix) > vector_segment_memory(a) + vector_segment_memory(b));

    put(ix, 4); /* from a segment into the tail */
    drop(ix, 1000);
    drop(ix, 1299);
    drop(ix, 3); /* is not there */
    live[1000] = live[1299] = false;
    check_live(ix, live, IDS);
    assert_int_equal(vector_index_tail(ix), 3);
    size_t of_a;
    vector_index_segment(ix, 0, &of_a);
    assert_int_equal(of_a, 499);
    drop(ix, 4);
    live[4] = false;
    check_live(ix, live, IDS);
    vector_index_free(ix);

    struct vector_spec other = fixture_spec;
    other.weights.bytes[0] ^= 1;
    ix = vector_index_new(&other, NULL);
    a = make_segment("a", &fixture_spec, 0, 2, 5, 0);
    struct eye_err err;
    assert_int_equal(vector_index_attach(ix, a, &err), EYE_EINVAL);
    assert_int_equal(vector_index_segments(ix), 0);
    vector_segment_unref(a);
    vector_index_free(ix);
}

static void forks_go_their_own_ways(void **state)
{
    (void)state;
    static bool mine[IDS], theirs[IDS];
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *seg = make_segment("fork", &fixture_spec, 0, 1, 700, 0);
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    for (int64_t id = 700; id < 900; id++)
        put(ix, id);
    for (size_t i = 0; i < 900; i++)
        mine[i] = theirs[i] = true;
    struct vector_index *fork = vector_index_fork(ix, NULL);
    assert_non_null(fork);
    for (int64_t id = 0; id < 1200; id += 3) {
        drop(fork, id);
        theirs[id] = false;
    }
    for (int64_t id = 900; id < 1000; id++) {
        put(fork, id);
        theirs[id] = true;
    }
    put(fork, 3);
    theirs[3] = true;
    check_live(ix, mine, IDS);
    check_live(fork, theirs, IDS);
    for (int64_t id = 950; id < 1100; id++) { /* where the fork has written too */
        put(ix, id);
        mine[id] = true;
    }
    check_live(fork, theirs, IDS);
    vector_index_free(fork);
    check_live(ix, mine, IDS);
    vector_index_free(ix);
}

static void masks_tell_which_are_live(void **state)
{
    (void)state;
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *seg = make_segment("mask", &fixture_spec, 0, 2, 500, 0);
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    for (int64_t id = 1; id < 1000; id += 4) /* before, between and behind */
        put(ix, id);
    drop(ix, 10);
    drop(ix, 5);
    static const int64_t ids[] = {-7, 0, 1, 2, 3, 5, 6, 10, 11, 997, 998, 999, 5000};
    size_t passed;
    uint64_t *mask = vector_index_mask(ix, ids, sizeof ids / sizeof *ids, &passed, NULL);
    assert_int_equal(passed, 6); /* 0 1 2 6 997 998 */
    assert_true(mask[0] == (1 | 1 << 1 | 1 << 3));
    assert_true(mask[499 / 64] == UINT64_C(1) << (499 % 64));
    assert_true(mask[8] == 1); /* the tail begins at a word of its own */
    assert_true(mask[8 + 249 / 64] == UINT64_C(1) << (249 % 64));
    free(mask);
    mask = vector_index_mask(ix, ids, 0, &passed, NULL);
    assert_int_equal(passed, 0);
    free(mask);
    mask = vector_index_mask(ix, NULL, 0, &passed, NULL);
    assert_int_equal(passed, vector_index_live(ix));
    free(mask);
    vector_index_free(ix);
}

/* Forks of forks while others read and free theirs: for ThreadSanitizer. */
struct reader {
    struct vector_index *ix;
    bool ok;
};

static void *read_index(void *arg)
{
    struct reader *r = arg;
    r->ok = true;
    for (int i = 0; i < 200; i++)
        r->ok = r->ok && vector_index_has(r->ix, 100) && !vector_index_has(r->ix, 5000);
    vector_index_free(r->ix);
    return NULL;
}

static void readers_do_not_notice_forks(void **state)
{
    (void)state;
    struct vector_index *ix = vector_index_new(&fixture_spec, NULL);
    struct vector_segment *seg = make_segment("readers", &fixture_spec, 0, 1, 300, 0);
    assert_int_equal(vector_index_attach(ix, seg, NULL), 0);
    vector_segment_unref(seg);
    pthread_t threads[8];
    struct reader readers[8];
    for (int i = 0; i < 8; i++) {
        put(ix, 300 + i);
        struct vector_index *fork = vector_index_fork(ix, NULL);
        readers[i] = (struct reader){.ix = ix};
        assert_int_equal(pthread_create(&threads[i], NULL, read_index, &readers[i]), 0);
        ix = fork;
        drop(ix, i);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_true(readers[i].ok);
    }
    assert_int_equal(vector_index_live(ix), 300);
    vector_index_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one),
        cmocka_unit_test(put_in_any_order),
        cmocka_unit_test(rows_follow_their_ids),
        cmocka_unit_test(refused_rows_change_nothing),
        cmocka_unit_test(segments_and_tail),
        cmocka_unit_test(forks_go_their_own_ways),
        cmocka_unit_test(masks_tell_which_are_live),
        cmocka_unit_test(readers_do_not_notice_forks),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
