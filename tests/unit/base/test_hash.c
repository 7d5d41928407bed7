/* test_hash.c - FIPS 180-4's own examples, through memory, descriptor and file. */
#include "scratch.h"

#include "base/hash.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void assert_hash(const struct hash *h, const char *hex)
{
    char got[HASH_HEX_LEN + 1];
    hash_to_hex(h, got);
    assert_string_equal(got, hex);
}

static char *million_a(void)
{
    char *text = malloc(1000000);
    assert_non_null(text);
    memset(text, 'a', 1000000);
    return text;
}

static void test_bytes(void **state)
{
    (void)state;
    struct hash h;
    hash_bytes("", 0, &h);
    assert_hash(&h, EMPTY);
    hash_bytes("abc", 3, &h);
    assert_hash(&h, ABC);
    char *text = million_a();
    hash_bytes(text, 1000000, &h);
    assert_hash(&h, MILLION_A);
    free(text);
}

static void test_file_and_descriptor(void **state)
{
    (void)state;
    struct hash h;
    uint64_t size = 0;
    char path[512], *text = million_a();
    scratch_file("million", text, 1000000);
    free(text);
    assert_int_equal(hash_file(scratch_path(path, "million"), &h, &size, NULL), 0);
    assert_hash(&h, MILLION_A);
    assert_int_equal(size, 1000000);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(lseek(fd, 77, SEEK_SET), 77);
    struct eye_err e;
    assert_int_equal(hash_fd(fd, 1000000, &h, NULL, &e), 0);
    assert_hash(&h, MILLION_A);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 77);
    assert_int_equal(hash_fd(fd, 999999, &h, NULL, &e), EYE_ELIMIT);
    close(fd);
    assert_int_equal(hash_fd(fd, 10, &h, NULL, &e), EYE_EIO);
}

/* By its size alone: reading 256 GiB of this would take the test minutes. */
static void test_too_large_is_not_read(void **state)
{
    (void)state;
    char path[512];
    struct hash h;
    struct eye_err e;
    scratch_file("large", "", 0);
    int fd = open(scratch_path(path, "large"), O_RDWR | O_CLOEXEC);
    if (ftruncate(fd, (off_t)1 << 39) != 0) {
        close(fd);
        skip(); /* a file system without holes */
    }
    assert_int_equal(hash_fd(fd, (uint64_t)1 << 38, &h, NULL, &e), EYE_ELIMIT);
    assert_non_null(strstr(e.msg, "allowed"));
    close(fd);
    unlink(path);
}

static void test_empty_and_missing_file(void **state)
{
    (void)state;
    struct hash h;
    struct eye_err e;
    char path[512];
    scratch_file("empty", "", 0);
    assert_int_equal(hash_file(scratch_path(path, "empty"), &h, NULL, &e), 0);
    assert_hash(&h, EMPTY);
    assert_int_equal(hash_file(scratch_path(path, "none"), &h, NULL, &e), EYE_ENOTFOUND);
    assert_non_null(strstr(e.msg, path));
    assert_int_equal(hash_file(scratch_dir, &h, NULL, &e), EYE_EFORMAT);
}

static void test_hex(void **state)
{
    (void)state;
    struct hash h, same, other;
    struct eye_err e;
    assert_int_equal(hash_from_hex(ABC, &h, &e), 0);
    assert_hash(&h, ABC);
    assert_int_equal(
        hash_from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", &same,
                      &e),
        0);
    assert_int_equal(hash_cmp(&h, &same), 0);
    assert_int_equal(hash_from_hex(EMPTY, &other, &e), 0);
    assert_true(hash_cmp(&h, &other) < 0 && hash_cmp(&other, &h) > 0);

    assert_int_equal(hash_from_hex("", &other, &e), EYE_EFORMAT);
    assert_int_equal(hash_from_hex(ABC "0", &other, &e), EYE_EFORMAT);
    assert_int_equal(hash_from_hex(&ABC[1], &other, &e), EYE_EFORMAT);
    char bad[] = ABC;
    bad[63] = 'g';
    assert_int_equal(hash_from_hex(bad, &other, &e), EYE_EFORMAT);
    assert_hash(&other, EMPTY); /* untouched */
}

static void test_piece_by_piece(void **state)
{
    (void)state;
    struct hash want, got;
    const char *text = "bytes that come in pieces of every size";
    size_t len = strlen(text);
    hash_bytes(text, len, &want);
    for (size_t cut = 0; cut <= len; cut++) {
        struct hash_stream *h = hash_begin(NULL);
        assert_non_null(h);
        hash_add(h, text, cut);
        hash_add(h, text + cut, len - cut);
        hash_end(h, &got);
        assert_int_equal(hash_cmp(&want, &got), 0);
    }
    hash_end(hash_begin(NULL), NULL);
    hash_end(NULL, &got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_file_and_descriptor),
        cmocka_unit_test(test_too_large_is_not_read),
        cmocka_unit_test(test_empty_and_missing_file),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
