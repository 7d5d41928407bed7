/* test_index_state.c - whatever is wrong with a segment's file: the same answers, one line in the log, and a new file in the end. */
#include "engine/index_fixture.h"

#include "vector/segment.h"

/* One large segment and one small, dead rows in both, and a tail. */
static struct ix *filled(void **state)
{
    struct ix *ix = ix_new(state);
    ix_add(ix, 0, 600);
    ix_make(ix);
    ix_add(ix, 600, 220);
    ix_make(ix);
    assert_int_equal(ix_segments(ix), 2);
    ix_remove(ix, 0, 820, 9);
    ix_change(ix, 1, 800, 11, 3);
    ix_add(ix, 820, 50);
    return ix;
}

static size_t lines(const char *log)
{
    size_t n = 0;
    for (; *log; log++)
        n += *log == '\n';
    return n;
}

/* Nothing is in memory; the answers are right; then it is mended, and they are again. */
static void mends(struct ix *ix, size_t bad)
{
    ix->fx->log[0] = '\0';
    ix_reopen(ix);
    ix_check(ix);
    size_t warned = 0;
    for (const char *at = ix->fx->log; (at = strstr(at, "missing or damaged")); at++)
        warned++;
    assert_int_equal(warned, bad);
    uint64_t findings = 0;
    FX_OK(ix->fx, eng_index_verify(ix->fx->lib, ix->s, true, NULL, NULL, &findings, &ix->fx->err));
    assert_true((findings > 0) == (bad > 0));
    ix_make(ix);
    ix_check(ix);
    ix_verified(ix);
    ix_reopen(ix);
    ix->fx->log[0] = '\0';
    ix_check(ix);
    assert_int_equal(lines(ix->fx->log), 0);
    assert_int_equal(ix_files(ix), ix_segments(ix));
}

static void test_missing_files(void **state)
{
    struct ix *ix = filled(state);
    char path[600];
    for (size_t i = 0; i < 2; i++) {
        if (ix_segments(ix) <= i)
            ix_add(ix, 1000 + 300 * i, 250);
        ix_make(ix);
        ix_path(ix, ix_segments(ix) > i ? i : 0, path);
        assert_int_equal(unlink(path), 0);
        mends(ix, 1);
    }
    snprintf(path, sizeof path, "%s/index", ix->fx->library);
    fx_rm(path); /* derived: it may be deleted at any time */
    mends(ix, ix_segments(ix));
    ix_free(ix);
}

static void test_files_cut_short(void **state)
{
    struct ix *ix = filled(state);
    for (int how = 0; how < 4; how++) {
        char path[600];
        struct stat st;
        ix_path(ix, 0, path);
        assert_int_equal(stat(path, &st), 0);
        const off_t sizes[] = {0, 100, st.st_size - 1, st.st_size + 1};
        assert_int_equal(truncate(path, sizes[how]), 0);
        mends(ix, 1);
    }
    ix_free(ix);
}

static void flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* Header, mean, chunk, codes, factors, ids: all that is read when it is opened. */
static void test_flipped_bits_of_what_is_loaded(void **state)
{
    struct ix *ix = filled(state);
    off_t chunk = (off_t)segment_header_bytes(IX_DIM);
    const off_t at[] = {0,         9,         40,          60,           200,
                        chunk - 1, chunk + 2, chunk + 100, chunk + 3000, chunk + 5600};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char path[600];
        ix_path(ix, 0, path);
        flip(path, at[i]);
        mends(ix, 1);
    }
    ix_free(ix);
}

/* int8 rows are read by searches alone: one that meets a damaged row says so and answers without. */
static void test_flipped_bits_of_rows(void **state)
{
    struct ix *ix = filled(state);
    for (int round = 0; round < 3; round++) {
        char path[600];
        struct stat st;
        bool reopened = round == 1;
        ix_path(ix, 0, path);
        assert_int_equal(stat(path, &st), 0);
        off_t record = (off_t)segment_record_bytes(IX_DIM);
        ix_check(ix); /* it is in use */
        for (off_t back = record / 2; back < st.st_size / 2; back += record)
            flip(path, st.st_size - back); /* some of all rows */
        if (reopened)
            ix_reopen(ix);
        ix->fx->log[0] = '\0';
        ix_check(ix);
        assert_int_equal(lines(ix->fx->log), 1);
        assert_non_null(strstr(ix->fx->log, "is damaged"));
        uint64_t findings = 0;
        FX_OK(ix->fx,
              eng_index_verify(ix->fx->lib, ix->s, true, NULL, NULL, &findings, &ix->fx->err));
        assert_int_equal(findings, 1);
        FX_OK(ix->fx, ix_make_rc(ix, true));
        ix->fx->log[0] = '\0';
        ix_check(ix);
        assert_int_equal(lines(ix->fx->log), 0);
        ix_verified(ix);
        if (ix_segments(ix) == 0 || round == 2)
            break;
        ix_add(ix, 2000 + 500 * (uint64_t)round, 250);
        ix_make(ix);
    }
    ix_free(ix);
}

/* Under a search's feet: the file shrinks while it is open. */
static void test_a_file_that_shrinks_in_use(void **state)
{
    struct ix *ix = filled(state);
    char path[600];
    ix_check(ix);
    ix_path(ix, 0, path);
    assert_int_equal(truncate(path, 10000), 0);
    ix_check(ix);
    FX_OK(ix->fx, ix_make_rc(ix, true));
    ix_check(ix);
    ix_verified(ix);
    ix_free(ix);
}

/* ---- files that are whole, and not the right ones ---- */

static void rewrite(struct ix *ix, const char *path, const struct vector_spec *spec, int64_t first)
{
    uint64_t rows, bytes;
    struct store_segment *listed;
    uint16_t row[IX_DIM];
    assert_true(ix_rows(ix, &listed) > 0);
    assert_int_equal(unlink(path), 0);
    struct vector_writer *w = vector_writer_new(path, spec, NULL, NULL, &ix->fx->err);
    assert_non_null(w);
    for (int64_t i = 0; i < (int64_t)listed[0].rows; i++) {
        ix_row((uint64_t)i, row);
        FX_OK(ix->fx, vector_writer_add(w, first + i, row, &ix->fx->err));
    }
    FX_OK(ix->fx, vector_writer_finish(w, &rows, &bytes, &ix->fx->err));
    assert_int_equal(rows, listed[0].rows);
    free(listed);
}

static void test_of_another_model(void **state)
{
    struct ix *ix = filled(state);
    struct vector_spec other = ix->spec;
    char path[600];
    other.weights.bytes[7] ^= 1;
    ix_path(ix, 0, path);
    rewrite(ix, path, &other, 1);
    mends(ix, 1);
    ix_free(ix);
}

/* The sum is right, so it was made like this. */
static void test_of_another_rotation(void **state)
{
    struct ix *ix = filled(state);
    size_t len = segment_header_bytes(IX_DIM);
    uint8_t *page = calloc(1, len);
    char path[600];
    ix_path(ix, 0, path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, page, len, 0), len);
    struct segment_header *h = (struct segment_header *)page;
    h->seed++;
    uint32_t crc = crc32c(0, page, len - 4);
    memcpy(page + len - 4, &crc, 4);
    assert_int_equal(pwrite(fd, page, len, 0), len);
    close(fd);
    free(page);
    mends(ix, 1);
    ix_free(ix);
}

/* A perfect segment of the right model, of pictures that the library does not have: what it says is not believed. */
static void test_of_other_pictures(void **state)
{
    struct ix *ix = ix_new(state);
    char path[600];
    ix_add(ix, 0, 600);
    ix_make(ix);
    ix_path(ix, 0, path);
    rewrite(ix, path, &ix->spec, 5000);
    ix_reopen(ix);
    ix->fx->log[0] = '\0';
    ix_check(ix);
    assert_non_null(strstr(ix->fx->log, "not of what the library holds"));
    ix_make(ix);
    ix_check(ix);
    ix_verified(ix);
    ix_free(ix);
}

static void test_swapped_files(void **state)
{
    struct ix *ix = filled(state);
    char a[600], b[600], c[620];
    ix_path(ix, 0, a);
    ix_path(ix, 1, b);
    snprintf(c, sizeof c, "%s.x", a);
    assert_int_equal(rename(a, c) + rename(b, a) + rename(c, b), 0);
    mends(ix, 2);
    ix_free(ix);
}

/* A log that does not reach back to the newest segment: it was lost with a row, or by hand. */
static void test_a_lost_row(void **state)
{
    struct ix *ix = filled(state);
    struct store_mark mark;
    struct store_segment *rows;
    size_t n = ix_rows(ix, &rows);
    FX_OK(ix->fx, store_vectors_mark(ix->s, ix->model, &mark, &ix->fx->err));
    const char *newest = rows[n - 1].name;
    struct store_switch sw = {.switches = mark.switches, .gone = &newest, .ngone = 1};
    FX_OK(ix->fx, store_segment_switch(ix->s, ix->model, &sw, &ix->fx->err));
    free(rows);
    mends(ix, 0);
    ix_free(ix);
}

/* ---- the log ---- */

static void test_last_words(void **state)
{
    (void)state;
    struct store_change log[] = {{1, 7, false}, {2, 5, false}, {3, 7, true},
                                 {4, 9, true},  {5, 7, false}, {6, 5, true}};
    assert_int_equal(eng_log_last(log, 0), 0);
    assert_int_equal(eng_log_last(log, 6), 3);
    assert_int_equal(log[0].picture, 5);
    assert_true(log[0].gone);
    assert_int_equal(log[1].picture, 7);
    assert_false(log[1].gone);
    assert_int_equal(log[2].picture, 9);
    assert_true(log[2].gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_files_cut_short),
        cmocka_unit_test(test_flipped_bits_of_what_is_loaded),
        cmocka_unit_test(test_flipped_bits_of_rows),
        cmocka_unit_test(test_a_file_that_shrinks_in_use),
        cmocka_unit_test(test_of_another_model),
        cmocka_unit_test(test_of_another_rotation),
        cmocka_unit_test(test_of_other_pictures),
        cmocka_unit_test(test_swapped_files),
        cmocka_unit_test(test_a_lost_row),
        cmocka_unit_test(test_last_words),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
