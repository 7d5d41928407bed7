/* writer.c: what is written is what was added, and whatever fails leaves nothing behind. */
#include "index_fixture.h"

#include <errno.h>

#include "vector/writer.h"

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void rows_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 33, 4095, 4096, 4097, 9000};
    struct pool *pool = pool_new(3, NULL);
    char path[512];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t rows, bytes;
        struct stat st;
        scratch_path(path, "rows");
        write_segment(path, &fixture_spec, 10, 2, sizes[s], 0, pool, &rows, &bytes);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, bytes);
        assert_int_equal(st.st_mode & 0777, 0600);
        struct vector_segment *seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
        assert_non_null(seg);
        assert_int_equal(vector_segment_rows(seg), sizes[s]);
        for (size_t i = 0; i < sizes[s]; i++)
            assert_int_equal(vector_segment_ids(seg)[i], 10 + 2 * i);
        assert_int_equal(vector_segment_verify(seg, NULL), 0);
        vector_segment_unref(seg);
        unlink(path);
    }
    pool_free(pool);
}

/* Codes, factors and ids do not depend on who encodes; nor do the bytes, which the sums of rows would tell. */
static void the_same_with_any_pool(void **state)
{
    (void)state;
    struct vector_segment *seg[2];
    char path[512];
    for (int i = 0; i < 2; i++) {
        struct pool *pool = i ? pool_new(4, NULL) : NULL;
        uint64_t rows, bytes;
        scratch_path(path, "same");
        write_segment(path, &fixture_spec, 1, 1, 5001, 0, pool, &rows, &bytes);
        seg[i] = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
        assert_non_null(seg[i]);
        unlink(path);
        pool_free(pool);
    }
    assert_memory_equal(seg[0]->codes, seg[1]->codes,
                        seg[0]->blocks * segment_block_bytes(seg[0]->pdim));
    assert_memory_equal(seg[0]->mean, seg[1]->mean, 64 * sizeof(float));
    assert_true(seg[0]->tag != seg[1]->tag);
    vector_segment_unref(seg[0]);
    vector_segment_unref(seg[1]);
}

static void a_mean_may_be_given(void **state)
{
    (void)state;
    float mean[64] = {0.25F, -1};
    uint16_t row[64];
    char path[512];
    uint64_t rows, bytes;
    struct vector_writer *w =
        vector_writer_new(scratch_path(path, "mean"), &fixture_spec, mean, NULL, NULL);
    assert_non_null(w);
    unit_row(4, row, 64);
    assert_int_equal(vector_writer_add(w, 4, row, NULL), 0);
    assert_int_equal(vector_writer_finish(w, &rows, &bytes, NULL), 0);
    struct vector_segment *seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
    assert_non_null(seg);
    assert_memory_equal(seg->mean, mean, sizeof mean);
    vector_segment_unref(seg);
    unlink(path);
}

struct failure {
    int after, why; /* how many steps go well */
    enum writer_step last;
};

static int fail_after(void *ctx, enum writer_step step)
{
    struct failure *f = ctx;
    f->last = step;
    return f->after-- > 0 ? 0 : f->why;
}

/* 9000 rows: header and three chunks, sync, close, sync of the folder. */
static int write_failing(const char *path, struct failure *f, struct eye_err *err)
{
    struct writer_hook hook = {fail_after, f};
    uint16_t row[64];
    uint64_t rows, bytes;
    struct vector_writer *w = vector_writer_new(path, &fixture_spec, NULL, NULL, err);
    assert_non_null(w);
    writer_set_hook(w, &hook);
    for (int64_t id = 1; id <= 9000; id++) {
        unit_row((uint64_t)id % 50, row, 64);
        int rc = vector_writer_add(w, id, row, err);
        if (rc) {
            assert_false(exists(path));
            struct eye_err again;
            assert_int_equal(vector_writer_add(w, id + 1, row, &again), rc);
            assert_int_equal(vector_writer_finish(w, &rows, &bytes, &again), rc);
            return rc;
        }
    }
    return vector_writer_finish(w, &rows, &bytes, err);
}

static void each_failing_step_leaves_nothing(void **state)
{
    (void)state;
    char path[512];
    struct failure f = {.after = 1000};
    struct eye_err err;
    scratch_path(path, "failing");
    assert_int_equal(write_failing(path, &f, &err), 0);
    int steps = 1000 - f.after;
    assert_int_equal(steps, 4 + 3);
    assert_int_equal(f.last, WRITER_SYNC_FOLDER);
    assert_true(exists(path));
    unlink(path);
    for (int i = 0; i < steps; i++) {
        f = (struct failure){.after = i, .why = i % 2 ? ENOSPC : EIO};
        assert_int_equal(write_failing(path, &f, &err), EYE_EIO);
        assert_int_equal(f.after, -1);
        assert_false(exists(path));
        assert_non_null(strstr(err.msg, strerror(f.why)));
        assert_non_null(strstr(err.msg, i == steps - 1 ? scratch_dir : path));
    }
}

static void refusals(void **state)
{
    (void)state;
    char path[512];
    struct eye_err err;
    uint16_t row[64];
    uint64_t rows, bytes;
    struct vector_spec spec = fixture_spec;
    scratch_path(path, "refused");
    spec.dim = 63;
    assert_null(vector_writer_new(path, &spec, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    spec.dim = 2049;
    assert_null(vector_writer_new(path, &spec, NULL, NULL, &err));
    assert_null(vector_writer_new("/no/such/folder/x", &fixture_spec, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_ENOTFOUND);

    scratch_file("refused", "mine", 4);
    assert_null(vector_writer_new(path, &fixture_spec, NULL, NULL, &err));
    assert_int_equal(err.code, EYE_EEXIST);
    assert_true(exists(path)); /* whose it was */
    unlink(path);

    unit_row(1, row, 64);
    struct vector_writer *w = vector_writer_new(path, &fixture_spec, NULL, NULL, &err);
    assert_int_equal(vector_writer_add(w, 5, row, &err), 0);
    assert_int_equal(vector_writer_add(w, 5, row, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "ascending"));
    assert_false(exists(path));
    vector_writer_abort(w);

    w = vector_writer_new(path, &fixture_spec, NULL, NULL, &err);
    row[9] = 0x7e00;
    assert_int_equal(vector_writer_add(w, 5, row, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "NaN at dimension 9"));
    assert_int_equal(vector_writer_finish(w, &rows, &bytes, &err), EYE_EINVAL);
    assert_false(exists(path));

    w = vector_writer_new(path, &fixture_spec, NULL, NULL, &err);
    assert_true(exists(path));
    vector_writer_abort(w);
    assert_false(exists(path));
    vector_writer_abort(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(the_same_with_any_pool),
        cmocka_unit_test(a_mean_may_be_given),
        cmocka_unit_test(each_failing_step_leaves_nothing),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
