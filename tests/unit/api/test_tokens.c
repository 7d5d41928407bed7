/* Pictures that were searched by: remembered, sealed, forgotten in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/internal.h"

static int memory_with(const char *text)
{
    int fd = api_memory_file(NULL);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static void assert_reads(struct api_tokens *t, const char *token, const char *want)
{
    char got[64] = "";
    int fd = api_tokens_open(t, token, NULL);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof got - 1), (ssize_t)strlen(want)); /* from the start */
    assert_string_equal(got, want);
    assert_true(write(fd, "x", 1) < 0);
    close(fd);
}

static void is_remembered(void **state)
{
    (void)state;
    char a[API_TOKEN_LEN], b[API_TOKEN_LEN];
    struct eye_err err;
    struct api_tokens *t = api_tokens_new(NULL);
    assert_int_equal(api_tokens_add(t, memory_with("first"), 5, a, NULL), 0);
    assert_int_equal(api_tokens_add(t, memory_with("second"), 6, b, NULL), 0);
    assert_string_not_equal(a, b);
    assert_reads(t, a, "first");
    assert_reads(t, a, "first");
    assert_reads(t, b, "second");
    assert_true(api_tokens_open(t, "", &err) < 0);
    assert_int_equal(err.code, EYE_ENOTFOUND);
    assert_true(api_tokens_open(t, "00000000000000000000000000000000", &err) < 0);
    assert_int_equal(err.code, EYE_ENOTFOUND);
    api_tokens_free(t);
}

static void a_file_is_copied(void **state)
{
    (void)state;
    char path[] = "/tmp/eyeshine-test-XXXXXX", token[API_TOKEN_LEN];
    struct api_tokens *t = api_tokens_new(NULL);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "on disk", 7), 7);
    assert_int_equal(api_tokens_add(t, fd, 7, token, NULL), 0);
    assert_int_equal(truncate(path, 0), 0); /* what happens to the file is no matter */
    unlink(path);
    assert_reads(t, token, "on disk");
    api_tokens_free(t);
}

/* As a file of a tmpfs is: it has seals, and takes none. */
static void what_takes_no_seals_is_copied(void **state)
{
    (void)state;
    char token[API_TOKEN_LEN];
    struct api_tokens *t = api_tokens_new(NULL);
    int fd = memfd_create("eyeshine-test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "on tmpfs", 8), 8);
    assert_int_equal(api_tokens_add(t, fd, 8, token, NULL), 0);
    assert_reads(t, token, "on tmpfs");
    api_tokens_free(t);
}

static void the_longest_unused_goes(void **state)
{
    (void)state;
    char first[API_TOKEN_LEN], token[API_TOKEN_LEN];
    struct api_tokens *t = api_tokens_new(NULL);
    assert_int_equal(api_tokens_add(t, memory_with("first"), 5, first, NULL), 0);
    for (int i = 0; i < 64; i++)
        assert_int_equal(api_tokens_add(t, memory_with("more"), 4, token, NULL), 0);
    assert_true(api_tokens_open(t, first, NULL) < 0);
    assert_reads(t, token, "more");
    api_tokens_free(t);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    char first[API_TOKEN_LEN], token[API_TOKEN_LEN];
    const uint64_t large = UINT64_C(150) << 20; /* said, not had: two of them are too many */
    struct api_tokens *t = api_tokens_new(NULL);
    assert_int_equal(api_tokens_add(t, memory_with("first"), large, first, NULL), 0);
    assert_int_equal(api_tokens_add(t, memory_with("second"), large, token, NULL), 0);
    assert_true(api_tokens_open(t, first, NULL) < 0);
    assert_reads(t, token, "second");
    api_tokens_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_remembered), cmocka_unit_test(a_file_is_copied),
        cmocka_unit_test(what_takes_no_seals_is_copied), cmocka_unit_test(the_longest_unused_goes),
        cmocka_unit_test(bytes_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
