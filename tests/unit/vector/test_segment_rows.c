/* segment_rows.c: scores hold what they promise, however rows are spread over the file, and no damaged row counts. */
#include "index_fixture.h"

enum { D = 100, ROWS = 4096 + 700 };

static const struct vector_spec spec = {.dim = D};

struct asked {
    float query[D], rotated[128];
    struct code_query code;
    struct segment_query q;
};

static void ask(struct asked *a, const struct vector_segment *seg)
{
    unit_floats(12345, a->query, D);
    for (size_t i = 0; i < D; i++)
        a->query[i] *= 3;
    rotation_apply(seg->rotation, a->query, a->rotated);
    assert_int_equal(code_query_init(&a->code, a->rotated, seg->pdim, NULL), 0);
    a->q = (struct segment_query){&a->code, 3};
}

static void scores_are_within_their_slack(void **state)
{
    (void)state;
    struct vector_segment *seg = make_segment("rows", &spec, 1, 1, ROWS, 0);
    struct asked a;
    static struct segment_score score[ROWS];
    static uint32_t rows[ROWS];
    uint8_t *scratch = malloc(SEGMENT_READ_BYTES);
    ask(&a, seg);
    for (unsigned step = 1; step < 200; step += 1 + step / 2) {
        size_t n = 0;
        for (unsigned row = step - 1; row < ROWS; row += step)
            rows[n++] = row;
        memset(score, 0xff, sizeof score);
        assert_int_equal(segment_score_rows(seg, &a.q, rows, n, scratch, score, NULL), 0);
        for (size_t i = 0; i < n; i++) {
            uint16_t half[D];
            unit_row(rows[i] + 1, half, D);
            double truth = exact_dot(half, a.query, D);
            assert_true(fabs((double)score[i].score - truth) <= (double)score[i].slack);
            assert_true(score[i].slack < 0.15F); /* of a range of -3 to 3 */
        }
    }
    free(scratch);
    code_query_release(&a.code);
    vector_segment_unref(seg);
}

static void damaged_rows_do_not_count(void **state)
{
    (void)state;
    struct vector_segment *seg = make_segment("damaged", &spec, 1, 1, ROWS, 0);
    struct asked a;
    struct segment_score score[3];
    struct eye_err err;
    const uint32_t rows[3] = {10, 4000, 4500};
    uint8_t *scratch = malloc(SEGMENT_READ_BYTES), byte;
    char path[512];
    ask(&a, seg);
    scratch_path(path, "damaged");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t at = (off_t)(segment_chunk_at(D, 1) + segment_scan_bytes(128, ROWS - 4096) +
                       (4500 - 4096) * segment_record_bytes(128) + 5);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(segment_score_rows(seg, &a.q, rows, 2, scratch, score, &err), 0);
    assert_int_equal(segment_score_rows(seg, &a.q, rows, 3, scratch, score, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "row 4500"));
    assert_int_equal(ftruncate(fd, (off_t)segment_chunk_at(D, 1)), 0);
    assert_int_equal(segment_score_rows(seg, &a.q, rows, 3, scratch, score, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "cut short"));
    close(fd);
    free(scratch);
    code_query_release(&a.code);
    vector_segment_unref(seg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_within_their_slack),
        cmocka_unit_test(damaged_rows_do_not_count),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
