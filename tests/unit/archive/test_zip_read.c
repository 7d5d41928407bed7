/* test_zip_read.c - what zip.c wrote comes back byte for byte; anything else is refused, whatever byte of it was touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buf.h"

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s", err.msg);                                                               \
    } while (0)

static int to_fd(void *ctx, const void *bytes, size_t len)
{
    return write(*(int *)ctx, bytes, len) != (ssize_t)len;
}

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

static const char *const names[] = {"library.db", "uploads/e\xcc\x81 (NFD).jpg",
                                    "uploads/back\\slash", "uploads/zero"};
static const char *const texts[] = {"hello", "PK\3\4 in the middle", "third", ""};

/* A zip of four files. */
static int make(struct hash hashes[4])
{
    struct eye_err err = {0, ""};
    int fd = memfd_create("zip", MFD_CLOEXEC);
    struct zip_writer *z = zip_new(to_fd, &fd, &err);
    assert_non_null(z);
    for (int i = 0; i < 4; i++) {
        int in = file_of(texts[i], strlen(texts[i]));
        OK(zip_add_hashed(z, names[i], in, strlen(texts[i]), 1700000000, &hashes[i], &err));
        close(in);
    }
    OK(zip_finish(z, &err));
    zip_free(z);
    return fd;
}

static size_t contents_len; /* of what contents() gave last: bytes of the parts may be NUL */

/* Everything in it as one text; NULL: refused. */
static char *contents(int fd, struct eye_err *err)
{
    struct zip_part part;
    struct buf out;
    int rc;
    struct zip_reader *r = zip_open(fd, err);
    if (!r)
        return NULL;
    buf_init(&out, 1 << 20);
    while ((rc = zip_next(r, &part, err)) == 1) {
        char bytes[4096];
        assert_true(part.size < sizeof bytes);
        rc = zip_read(r, &part, 0, bytes, (size_t)part.size, err);
        if (rc)
            break;
        buf_printf(&out, NULL, "%s=", part.name);
        buf_append(&out, bytes, (size_t)part.size, NULL);
        buf_putc(&out, ';', NULL);
    }
    zip_close(r);
    if (rc)
        buf_release(&out);
    return buf_detach(&out, &contents_len);
}

#define WANT                                                                                       \
    "library.db=hello;uploads/e\xcc\x81 (NFD).jpg=PK\3\4 in the middle;uploads/back\\slash=third;" \
    "uploads/zero=;"

static void test_reads_what_was_written(void **state)
{
    struct hash hashes[4], want;
    struct eye_err err = {0, ""};
    struct zip_part part;
    int fd = make(hashes);
    (void)state;
    char *all = contents(fd, &err);
    assert_non_null(all);
    assert_string_equal(all, WANT);
    free(all);
    for (size_t i = 0; i < 4; i++) {
        hash_bytes(texts[i], strlen(texts[i]), &want);
        assert_int_equal(hash_cmp(&want, &hashes[i]), 0);
    }
    struct zip_reader *r = zip_open(fd, &err);
    assert_non_null(r);
    assert_int_equal(zip_count(r), 4);
    assert_int_equal(zip_next(r, &part, &err), 1);
    assert_int_equal(part.crc, zip_crc("hello", 5));
    char two[2];
    OK(zip_read(r, &part, 3, two, 2, &err));
    assert_memory_equal(two, "lo", 2);
    assert_int_equal(zip_read(r, &part, 4, two, 2, &err), EYE_EFORMAT);
    assert_int_equal(zip_read(r, &part, UINT64_MAX, two, 2, &err), EYE_EFORMAT);
    zip_rewind(r);
    assert_int_equal(zip_next(r, &part, &err), 1);
    assert_string_equal(part.name, "library.db");
    zip_close(r);
    zip_close(NULL);
    close(fd);
}

/* Each byte changed, one at a time: refused, or what comes out is what went in (dates, owners and sums do not matter here). */
static void test_no_byte_can_lie(void **state)
{
    struct hash hashes[4];
    struct eye_err err = {0, ""};
    int fd = make(hashes), refused = 0, wrong = 0;
    (void)state;
    size_t size = (size_t)lseek(fd, 0, SEEK_END);
    for (size_t at = 0; at < size; at++) {
        uint8_t was, now;
        assert_int_equal(pread(fd, &was, 1, (off_t)at), 1);
        for (int bit = 0; bit < 8; bit++) {
            now = (uint8_t)(was ^ 1 << bit);
            assert_int_equal(pwrite(fd, &now, 1, (off_t)at), 1);
            char *all = contents(fd, &err);
            refused += !all;
            /* The bytes of the parts are for the caller to check: same length then, same names. */
            wrong += all && contents_len != strlen(WANT);
            for (size_t i = 0; all && i < 4; i++)
                wrong += !memmem(all, contents_len, names[i], strlen(names[i]));
            free(all);
        }
        assert_int_equal(pwrite(fd, &was, 1, (off_t)at), 1);
    }
    assert_int_equal(wrong, 0);
    assert_true(refused > (int)size * 3);
    close(fd);
}

static void test_cut_anywhere(void **state)
{
    struct hash hashes[4];
    struct eye_err err = {0, ""};
    int fd = make(hashes);
    (void)state;
    for (off_t size = lseek(fd, 0, SEEK_END) - 1; size >= 0; size--) {
        assert_int_equal(ftruncate(fd, size), 0);
        err.msg[0] = '\0';
        assert_null(contents(fd, &err));
        assert_int_equal(err.code, EYE_EFORMAT);
        assert_true(err.msg[0] != '\0');
    }
    close(fd);
}

static void test_more_at_its_ends(void **state)
{
    struct hash hashes[4];
    struct eye_err err = {0, ""};
    int fd = make(hashes);
    (void)state;
    size_t size = (size_t)lseek(fd, 0, SEEK_END);
    char *bytes = malloc(size + 1);
    assert_int_equal(pread(fd, bytes + 1, size, 0), (ssize_t)size);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_null(contents(fd, &err));
    assert_non_null(strstr(err.msg, "cut short, or something was added"));
    close(fd);
    bytes[0] = 'P'; /* the file begins one byte later than it says */
    fd = file_of(bytes, size + 1);
    assert_null(contents(fd, &err));
    close(fd);
    free(bytes);
}

/* What Python's zipfile makes: compressed, with gaps, with a comment; and things that are no zip. */
static void test_zips_of_others(void **state)
{
    static const struct {
        const char *python, *why;
    } cases[] = {
        {"z.writestr(zipfile.ZipInfo(\"a\"), \"x\" * 1000, zipfile.ZIP_DEFLATED)", "compressed"},
        {"z.writestr(\"a\", \"x\"); z.comment = b\"hi\"", "cut short"},
        {"z.fp.write(b\"gap\"); z.start_dir = z.fp.tell(); z.writestr(\"a\", \"x\")", "not a zip"},
        {"z.writestr(\"a\", \"x\"); z.fp.seek(z.start_dir); z.fp.write(b\"gap\");"
         " z.start_dir = z.fp.tell()",
         "before its directory"},
        {"z.writestr(\"a\", \"x\"); z.filelist.append(z.filelist[0])", "overlap"},
        {"z.writestr(\"a\", \"x\"); z.filelist[0].filename = \"b\"", "two names"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct eye_err err = {0, ""};
        int fd = memfd_create("zip", MFD_CLOEXEC);
        char command[700];
        snprintf(command, sizeof command,
                 "python3 -W ignore -c 'import zipfile\n"
                 "with zipfile.ZipFile(\"/proc/%d/fd/%d\", \"w\") as z:\n"
                 "    z._didModify = True\n"
                 "    %s'",
                 (int)getpid(), fd, cases[i].python);
        assert_int_equal(system(command), 0);
        assert_null(contents(fd, &err));
        assert_int_equal(err.code, EYE_EFORMAT);
        if (!strstr(err.msg, cases[i].why))
            fail_msg("case %zu: %s", i, err.msg);
        close(fd);
    }
    struct eye_err err = {0, ""};
    int fd = file_of("This is a text of some length, and no zip at all.", 49);
    assert_null(contents(fd, &err));
    assert_string_equal(err.msg, "not a zip file");
    close(fd);
    assert_null(zip_open(1000, &err)); /* no such descriptor */
    assert_int_equal(err.code, EYE_EIO);
}

struct sparse {
    int fd;
    off_t at;
};

/* Writes what is not zero, and leaves holes. */
static int to_sparse(void *ctx, const void *bytes, size_t len)
{
    struct sparse *o = ctx;
    static const char zeros[1 << 16];
    if (len > sizeof zeros || memcmp(bytes, zeros, len) != 0)
        assert_int_equal(pwrite(o->fd, bytes, len, o->at), (ssize_t)len);
    o->at += (off_t)len;
    return 0;
}

/* Sizes and places beyond 4 GiB, with a file of holes that memory never sees. */
static void test_zip64(void **state)
{
    struct eye_err err = {0, ""};
    struct zip_part part;
    const uint64_t size = (4ull << 30) + 5;
    char last[2];
    (void)state;
    int zip = memfd_create("zip", MFD_CLOEXEC), huge = memfd_create("huge", MFD_CLOEXEC);
    assert_int_equal(ftruncate(huge, (off_t)size), 0);
    assert_int_equal(pwrite(huge, "hi", 2, (off_t)size - 2), 2);
    struct sparse out = {zip, 0};
    struct zip_writer *z = zip_new(to_sparse, &out, &err);
    assert_non_null(z);
    OK(zip_add_fd(z, "huge", huge, size, 0, &err));
    OK(zip_add_bytes(z, "after", "x", 1, &err));
    OK(zip_finish(z, &err));
    zip_free(z);
    assert_int_equal(ftruncate(zip, out.at), 0);
    struct zip_reader *r = zip_open(zip, &err);
    if (!r)
        fail_msg("%s", err.msg);
    int rc = zip_next(r, &part, &err);
    if (rc != 1)
        fail_msg("%s", err.msg);
    assert_true(part.size == size);
    OK(zip_read(r, &part, size - 2, last, 2, &err));
    assert_memory_equal(last, "hi", 2);
    assert_int_equal(zip_next(r, &part, &err), 1);
    assert_string_equal(part.name, "after");
    OK(zip_read(r, &part, 0, last, 1, &err));
    assert_int_equal(last[0], 'x');
    assert_int_equal(zip_next(r, &part, &err), 0);
    zip_close(r);
    close(zip), close(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_was_written), cmocka_unit_test(test_no_byte_can_lie),
        cmocka_unit_test(test_cut_anywhere),           cmocka_unit_test(test_more_at_its_ends),
        cmocka_unit_test(test_zips_of_others),         cmocka_unit_test(test_zip64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
