/* test_zip.c - a zip that is written must be read back by our own reader and by Python's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buf.h"

struct out {
    int fd;
    uint64_t bytes, stop_after;
    int calls_after_stop;
};

static int to_file(void *ctx, const void *bytes, size_t len)
{
    struct out *o = ctx;
    if (o->stop_after && o->bytes >= o->stop_after) {
        o->calls_after_stop++;
        return 1;
    }
    o->bytes += len;
    return write(o->fd, bytes, len) != (ssize_t)len;
}

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

struct list {
    char text[2000];
};

static int on_begin(void *ctx, const char *name, uint64_t size)
{
    struct list *l = ctx;
    size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof(l->text) - n, "%s %llu ", name, (unsigned long long)size);
    return 0;
}

static int on_data(void *ctx, const void *bytes, size_t len)
{
    struct list *l = ctx;
    size_t n = strlen(l->text);
    if (len < 20)
        snprintf(l->text + n, sizeof(l->text) - n, "[%.*s]", (int)len, (const char *)bytes);
    return 0;
}

static int on_end(void *ctx, bool whole, const char *reason)
{
    struct list *l = ctx;
    size_t n = strlen(l->text);
    (void)reason;
    snprintf(l->text + n, sizeof(l->text) - n, "%s\n", whole ? "." : "!");
    return 0;
}

static void assert_lists(int fd, const char *want)
{
    struct list list = {""};
    struct unzip_sink sink = {on_begin, on_data, on_end, &list};
    struct eye_err err = {0, ""};
    if (archive_unzip(fd, NULL, &sink, &err) != 0)
        fail_msg("%s", err.msg);
    assert_string_equal(list.text, want);
}

static void assert_python_reads(int fd, const char *want)
{
    char command[700];
    snprintf(command, sizeof(command),
             "python3 -c 'import zipfile\n"
             "z = zipfile.ZipFile(\"/proc/%d/fd/%d\")\n"
             "assert z.testzip() is None\n"
             "got = \"|\".join(\"%%s %%d %%d %%d\" %% (i.filename, i.file_size, i.compress_type, "
             "i.date_time[0]) for i in z.infolist())\n"
             "assert got == \"%s\", got'",
             (int)getpid(), fd, want);
    assert_int_equal(system(command), 0);
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s", err.msg);                                                               \
    } while (0)

static void test_can_be_read(void **state)
{
    struct out out = {.fd = memfd_create("zip", MFD_CLOEXEC)};
    struct eye_err err = {0, ""};
    int a = file_of("hello", 5), big, none = file_of("", 0);
    (void)state;
    big = file_of("x", 1);
    assert_int_equal(ftruncate(big, 3000000), 0);
    assert_int_equal(lseek(a, 3, SEEK_SET), 3);
    struct zip_writer *z = zip_new(to_file, &out, &err);
    assert_non_null(z);
    OK(zip_add_fd(z, "a.jpg", a, 5, 1000000000, &err));
    OK(zip_add_fd(z, "Ünïcode 写真 (2).png", big, 3000000, 1700000000, &err));
    OK(zip_add_fd(z, "none", none, 0, 1700000000, &err));
    OK(zip_add_bytes(z, "MISSING.txt", "gone\n", 5, &err));
    OK(zip_finish(z, &err));
    zip_free(z);
    assert_int_equal(lseek(a, 0, SEEK_CUR), 3); /* the caller's offset is its own */
    assert_in_range(out.bytes, 3000010, 3001500);
    assert_lists(out.fd, "a.jpg 5 [hello].\nÜnïcode 写真 (2).png 3000000 .\nnone 0 .\n"
                         "MISSING.txt 5 [gone\n].\n");
    char want[300], year[8];
    time_t now = time(NULL);
    struct tm tm;
    strftime(year, sizeof(year), "%Y", localtime_r(&now, &tm));
    snprintf(want, sizeof(want),
             "a.jpg 5 0 2001|Ünïcode 写真 (2).png 3000000 0 2023|none 0 0 2023|MISSING.txt 5 0 %s",
             year);
    assert_python_reads(out.fd, want);
    close(a), close(big), close(none), close(out.fd);
}

static void test_nothing_in_it(void **state)
{
    struct out out = {.fd = memfd_create("zip", MFD_CLOEXEC)};
    struct eye_err err = {0, ""};
    struct zip_writer *z = zip_new(to_file, &out, &err);
    (void)state;
    assert_non_null(z);
    OK(zip_finish(z, &err));
    zip_free(z);
    assert_lists(out.fd, "");
    close(out.fd);
}

static void test_file_that_becomes_shorter(void **state)
{
    struct out out = {.fd = memfd_create("zip", MFD_CLOEXEC)};
    struct eye_err err = {0, ""};
    int a = file_of("hello", 5), w = open("/dev/null", O_WRONLY);
    struct zip_writer *z = zip_new(to_file, &out, &err);
    (void)state;
    assert_non_null(z);
    assert_int_equal(zip_add_fd(z, "short", a, 9, 0, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "short"));
    assert_int_equal(zip_add_fd(z, "unreadable", w, 9, 0, &err), EYE_EFORMAT);
    assert_int_equal(err.code, EYE_EFORMAT);
    OK(zip_add_fd(z, "good", a, 5, 0, &err));
    OK(zip_finish(z, &err));
    zip_free(z);
    assert_python_reads(out.fd, "short 5 0 1980|unreadable 0 0 1980|good 5 0 1980");
    close(a), close(w), close(out.fd);
}

static void test_stops_when_told(void **state)
{
    struct out out = {.fd = memfd_create("zip", MFD_CLOEXEC), .stop_after = 100000};
    struct eye_err err = {0, ""};
    int big = file_of("x", 1);
    (void)state;
    assert_int_equal(ftruncate(big, 3000000), 0);
    struct zip_writer *z = zip_new(to_file, &out, &err);
    assert_non_null(z);
    assert_int_equal(zip_add_fd(z, "big", big, 3000000, 0, &err), EYE_ECANCELLED);
    assert_int_equal(zip_add_fd(z, "more", big, 3000000, 0, &err), EYE_ECANCELLED);
    zip_free(z);
    assert_int_equal(out.calls_after_stop, 1);
    close(big), close(out.fd);
    z = zip_new(to_file, &out, &err);
    assert_int_equal(zip_add_bytes(z, "bad \xff name", "x", 1, &err), EYE_EINVAL);
    assert_int_equal(zip_add_bytes(z, "", "x", 1, &err), EYE_EINVAL);
    zip_free(z);
    zip_free(NULL);
}

/* Only the head and the tail of a file of 5 GB is kept: sizes and offsets must be those of zip64. */
struct tail {
    uint64_t bytes;
    uint8_t last[400];
};

static int keep_tail(void *ctx, const void *bytes, size_t len)
{
    struct tail *t = ctx;
    size_t n = len < sizeof(t->last) ? len : sizeof(t->last), old = sizeof(t->last) - n;
    memmove(t->last, t->last + n, old);
    memcpy(t->last + old, (const char *)bytes + len - n, n);
    t->bytes += len;
    return 0;
}

static void test_zip64(void **state)
{
    struct tail tail = {0};
    struct eye_err err = {0, ""};
    const uint64_t size = 4400ull << 20;
    int huge = memfd_create("huge", MFD_CLOEXEC); /* all holes */
    (void)state;
    assert_int_equal(ftruncate(huge, (off_t)size), 0);
    struct zip_writer *z = zip_new(keep_tail, &tail, &err);
    assert_non_null(z);
    OK(zip_add_fd(z, "huge", huge, size, 0, &err));
    OK(zip_add_bytes(z, "after", "x", 1, &err));
    OK(zip_finish(z, &err));
    zip_free(z);
    assert_true(tail.bytes > size);
    assert_non_null(memmem(tail.last, sizeof(tail.last), "PK\6\6", 4)); /* zip64 end of directory */
    assert_non_null(memmem(tail.last, sizeof(tail.last), &size, 8));
    close(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_can_be_read),
        cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_file_that_becomes_shorter),
        cmocka_unit_test(test_stops_when_told),
        cmocka_unit_test(test_zip64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
