/* segment.c: a file that is not just what was written is refused with a sentence, whatever happened to it. */
#include "index_fixture.h"

#include <errno.h>

enum { ROWS = 4096 + 100 };

static char path[512];
static uint64_t rows, bytes;

static int make_file(void **state)
{
    if (scratch_make(state))
        return -1;
    write_segment(scratch_path(path, "seg"), &fixture_spec, 1, 1, ROWS, 0, NULL, &rows, &bytes);
    return 0;
}

static void refused(const struct vector_spec *spec, int code, const char *says)
{
    struct eye_err err = {0};
    assert_null(vector_segment_open(path, spec, rows, bytes, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.msg, path));
    if (!strstr(err.msg, says))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void write_at(uint64_t at, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, data, len, (off_t)at), (ssize_t)len);
    close(fd);
}

static void read_at(uint64_t at, void *data, size_t len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, data, len, (off_t)at), (ssize_t)len);
    close(fd);
}

static void flip(uint64_t at, unsigned bit)
{
    uint8_t byte;
    read_at(at, &byte, 1);
    byte ^= (uint8_t)(1U << bit);
    write_at(at, &byte, 1);
}

static void opens_and_is_counted(void **state)
{
    (void)state;
    struct vector_segment *seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
    assert_non_null(seg);
    assert_true((uintptr_t)seg->codes % 64 == 0);
    assert_true(vector_segment_memory(seg) > ROWS * (64 / 8 + 4 + 8));
    assert_true(vector_segment_memory(seg) < ROWS * (64 / 8 + 4 + 8) + 8192);
    assert_ptr_equal(vector_segment_ref(seg), seg);
    vector_segment_unref(seg);
    assert_int_equal(vector_segment_rows(seg), ROWS);
    assert_int_equal(vector_segment_verify(seg, NULL), 0);
    vector_segment_unref(seg);
    vector_segment_unref(NULL);
}

static void of_another_model_or_size(void **state)
{
    (void)state;
    struct vector_spec spec = fixture_spec;
    spec.weights.bytes[31] ^= 1;
    refused(&spec, EYE_EFORMAT, "another model");
    spec = fixture_spec;
    spec.dim = 63;
    assert_null(vector_segment_open(path, &spec, rows, bytes, NULL));
    struct eye_err err;
    assert_null(vector_segment_open(path, &fixture_spec, rows - 1, bytes, &err));
    assert_int_equal(err.code, EYE_EFORMAT);
    assert_null(vector_segment_open(path, &fixture_spec, UINT64_MAX, bytes, &err));
    assert_int_equal(err.code, EYE_EFORMAT);
    assert_null(vector_segment_open(path, &fixture_spec, rows, 0, &err));
    assert_int_equal(err.code, EYE_EFORMAT);
}

/* A dimension of the same rounding makes a file of the same size. */
static void of_another_dimension(void **state)
{
    (void)state;
    struct vector_spec spec = fixture_spec;
    char was[512];
    uint64_t n, size;
    memcpy(was, path, sizeof was);
    spec.dim = 127;
    write_segment(scratch_path(path, "dim"), &spec, 1, 1, 40, 0, NULL, &n, &size);
    spec.dim = 128;
    assert_int_equal(size, segment_file_bytes(128, 40));
    uint64_t all[2] = {rows, bytes};
    rows = n;
    bytes = size;
    refused(&spec, EYE_EFORMAT, "127 dimensions");
    rows = all[0];
    bytes = all[1];
    memcpy(path, was, sizeof was);
}

static void cut_short(void **state)
{
    (void)state;
    uint64_t chunk = segment_chunk_at(64, 0), next = segment_chunk_at(64, 1);
    const uint64_t cuts[] = {0, 1, 100, chunk, chunk + 7, next - 1, next, next + 70, bytes - 1};
    uint8_t *whole = malloc(bytes);
    read_at(0, whole, bytes);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        assert_int_equal(truncate(path, (off_t)cuts[i]), 0);
        refused(&fixture_spec, EYE_EFORMAT, "cut short");
        /* as large as it should be, with nothing in it */
        assert_int_equal(truncate(path, (off_t)bytes), 0);
        if (cuts[i] < next + 70)
            refused(&fixture_spec, EYE_EFORMAT, "");
        write_at(0, whole, bytes);
    }
    assert_int_equal(truncate(path, (off_t)bytes + 1), 0);
    refused(&fixture_spec, EYE_EFORMAT, "instead of");
    assert_int_equal(truncate(path, (off_t)bytes), 0);
    opens_and_is_counted(NULL);
    free(whole);
}

static void flipped_bits(void **state)
{
    (void)state;
    uint64_t seed = 9, scan = segment_scan_bytes(64, SEGMENT_CHUNK_ROWS);
    for (int i = 0; i < 60; i++) { /* header, and codes, factors and ids of both chunks */
        uint64_t r = next_random(&seed);
        uint64_t at = i % 3 == 0   ? r % segment_header_bytes(64)
                      : i % 3 == 1 ? segment_chunk_at(64, 0) + r % scan
                                   : segment_chunk_at(64, 1) + r % segment_scan_bytes(64, 100);
        flip(at, (unsigned)(r >> 61));
        refused(&fixture_spec, EYE_EFORMAT, "");
        flip(at, (unsigned)(r >> 61));
    }
    struct vector_segment *seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
    assert_non_null(seg);
    for (int i = 0; i < 20; i++) { /* rows are looked at when they are read, or by verify */
        uint64_t r = next_random(&seed);
        uint64_t record = segment_chunk_at(64, 0) + scan + r % SEGMENT_CHUNK_ROWS * 80;
        uint64_t at = record + (r >> 20) % 76;
        struct eye_err err;
        flip(at, (unsigned)(r >> 61));
        assert_int_equal(vector_segment_verify(seg, &err), EYE_EFORMAT);
        assert_non_null(strstr(err.msg, "row"));
        flip(at, (unsigned)(r >> 61));
    }
    assert_int_equal(vector_segment_verify(seg, NULL), 0);
    vector_segment_unref(seg);
}

/* Each whole, but where they do not belong. */
static void strays(void **state)
{
    (void)state;
    char other[512], third[512];
    uint64_t n, size, at = segment_chunk_at(64, 0);
    size_t len = segment_chunk_bytes(64, SEGMENT_CHUNK_ROWS);
    uint8_t *chunk = malloc(len), *was = malloc(len);
    write_segment(scratch_path(other, "other"), &fixture_spec, 1, 1, ROWS, 0, NULL, &n, &size);

    /* a chunk of a file that differs in nothing but its name */
    int fd = open(other, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, chunk, len, (off_t)at), (ssize_t)len);
    close(fd);
    read_at(at, was, len);
    write_at(at, chunk, len);
    refused(&fixture_spec, EYE_EFORMAT, "another file");
    write_at(at, was, len);

    /* a record of another row */
    uint8_t record[80];
    uint64_t records = at + segment_scan_bytes(64, SEGMENT_CHUNK_ROWS);
    struct vector_segment *seg = vector_segment_open(path, &fixture_spec, rows, bytes, NULL);
    read_at(records + 80 * 3, record, 80);
    write_at(records + 80 * 4, record, 80);
    assert_int_equal(vector_segment_verify(seg, NULL), EYE_EFORMAT);
    write_at(at, was, len);
    assert_int_equal(vector_segment_verify(seg, NULL), 0);

    /* the two files change places */
    assert_int_equal(rename(path, scratch_path(third, "third")), 0);
    assert_int_equal(rename(other, path), 0);
    refused(&fixture_spec, EYE_EFORMAT, "another name");
    assert_int_equal(vector_segment_verify(seg, NULL), EYE_EFORMAT);
    assert_int_equal(rename(third, path), 0);
    assert_int_equal(vector_segment_verify(seg, NULL), 0);
    vector_segment_unref(seg);
    free(chunk);
    free(was);
}

static void not_there_or_not_ours(void **state)
{
    (void)state;
    char was[512];
    memcpy(was, path, sizeof was);
    scratch_path(path, "none");
    refused(&fixture_spec, EYE_ENOTFOUND, "");
    scratch_subdir("none");
    refused(&fixture_spec, EYE_EFORMAT, "folder");
    scratch_path(path, "foreign");
    uint8_t *text = malloc(bytes);
    memset(text, 'x', bytes);
    scratch_file("foreign", text, bytes);
    free(text);
    refused(&fixture_spec, EYE_EFORMAT, "no index");
    memcpy(path, was, sizeof was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_and_is_counted),  cmocka_unit_test(of_another_model_or_size),
        cmocka_unit_test(of_another_dimension),  cmocka_unit_test(cut_short),
        cmocka_unit_test(flipped_bits),          cmocka_unit_test(strays),
        cmocka_unit_test(not_there_or_not_ours),
    };
    return cmocka_run_group_tests(tests, make_file, scratch_remove);
}
