/* test_index_verify.c - verify says what is wrong with the index, and nothing when nothing is. */
#include "engine/index_fixture.h"

struct findings {
    uint64_t n;
    char text[4096];
};

static void note(void *ctx, const char *finding)
{
    struct findings *f = ctx;
    size_t len = strlen(f->text);
    snprintf(f->text + len, sizeof f->text - len, "%s\n", finding);
}

static struct findings verify(struct ix *ix, bool deep)
{
    struct findings f = {0};
    FX_OK(ix->fx, eng_index_verify(ix->fx->lib, ix->s, deep, note, &f, &f.n, &ix->fx->err));
    return f;
}

static void test_what_is_wrong_is_told(void **state)
{
    struct ix *ix = ix_new(state);
    char path[600];
    assert_int_equal(verify(ix, true).n, 0);
    ix_add(ix, 0, 400);
    ix_make(ix);
    ix_remove(ix, 0, 400, 7);
    ix_change(ix, 1, 390, 5, 2);
    ix_add(ix, 400, 30);
    assert_int_equal(verify(ix, true).n, 0);
    /* A row that only searches read: the deep look alone sees it. */
    struct stat st;
    ix_path(ix, 0, path);
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "junk", 4, st.st_size - 40), 4);
    close(fd);
    assert_int_equal(verify(ix, false).n, 0);
    struct findings f = verify(ix, true);
    assert_int_equal(f.n, 1);
    assert_non_null(strstr(f.text, "is damaged"));
    assert_non_null(strstr(f.text, ".seg"));
    /* Gone. */
    assert_int_equal(unlink(path), 0);
    f = verify(ix, false);
    assert_int_equal(f.n, 1);
    assert_non_null(strstr(f.text, "missing"));
    uint64_t all = 0;
    FX_OK(ix->fx, eye_verify(ix->fx->lib, false, NULL, NULL, &all, &ix->fx->err));
    assert_true(all >= 1);
    ix_make(ix);
    assert_int_equal(verify(ix, true).n, 0);
    ix_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
