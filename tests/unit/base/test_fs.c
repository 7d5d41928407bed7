/* test_fs.c - files of every kind, and what is left when a system call fails.
 *
 * The system calls that write are defined here over the C library's, so that each can be told to
 * fail at its n-th call: a full disk without a full disk. */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "base/fs.h"
#include "base/hash.h"

enum call { NONE, WRITE, FSYNC, RENAME, CLOSE };

static struct {
    enum call call;
    int at;     /* fails at this call from now, 1 being the next */
    int errnum; /* 0 for WRITE: not a failure but half of the bytes */
} fault;

static bool fails(enum call call)
{
    if (fault.call != call || --fault.at != 0)
        return false;
    errno = fault.errnum;
    return true;
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (fails(WRITE)) {
        if (fault.errnum)
            return -1;
        len = len / 2;
    }
    return syscall(SYS_write, fd, data, len);
}

int fsync(int fd)
{
    return fails(FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return fails(RENAME) ? -1 : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int close(int fd)
{
    int rc = (int)syscall(SYS_close, fd);
    return fails(CLOSE) ? -1 : rc;
}

static size_t count_entries(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void assert_content(const char *path, const void *want, size_t len)
{
    struct buf b;
    struct eye_err e = {0};
    buf_init(&b, 1 << 24);
    if (fs_read_all(path, &b, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(b.len, len);
    if (len)
        assert_memory_equal(b.data, want, len);
    buf_release(&b);
}

/* ---- reading ---- */

static void test_map(void **state)
{
    (void)state;
    struct fs_map m;
    struct eye_err e;
    char path[512];
    scratch_file("map", "picture", 7);
    assert_int_equal(fs_map_open(scratch_path(path, "map"), &m, &e), 0);
    assert_int_equal(m.len, 7);
    assert_memory_equal(m.data, "picture", 7);
    fs_map_close(&m);
    assert_null(m.data);
    fs_map_close(&m);
    scratch_file("map", "", 0);
    assert_int_equal(fs_map_open(path, &m, &e), 0);
    assert_null(m.data);
    assert_int_equal(m.len, 0);
    fs_map_close(&m);
    assert_int_equal(fs_map_open(scratch_path(path, "nowhere"), &m, &e), EYE_ENOTFOUND);
    assert_int_equal(fs_map_open(scratch_dir, &m, &e), EYE_EFORMAT);
    assert_non_null(strstr(e.msg, "is a folder"));
}

static void test_read_all(void **state)
{
    (void)state;
    enum { LEN = 300000 };
    char *data = malloc(LEN), path[512];
    struct eye_err e;
    struct buf b;
    assert_non_null(data);
    for (size_t i = 0; i < LEN; i++)
        data[i] = (char)(i * 7919 >> 3);
    scratch_file("all", data, LEN);
    assert_content(scratch_path(path, "all"), data, LEN);
    buf_init(&b, LEN + 3);
    assert_int_equal(buf_puts(&b, "abc", NULL), 0);
    assert_int_equal(fs_read_all(path, &b, &e), 0);
    assert_memory_equal(b.data, "abc", 3);
    assert_memory_equal(b.data + 3, data, LEN);
    assert_int_equal(fs_read_all(path, &b, &e), EYE_ELIMIT);
    assert_non_null(strstr(e.msg, path));
    buf_release(&b);
    /* a file whose size is not known before it is read */
    buf_init(&b, 100000);
    assert_int_equal(fs_read_all("/proc/self/status", &b, &e), 0);
    assert_non_null(strstr(b.data, "Name:"));
    buf_release(&b);
    buf_init(&b, 10);
    assert_int_equal(fs_read_all("/proc/self/status", &b, &e), EYE_ELIMIT);
    buf_release(&b);
    free(data);
}

static void assert_not_regular(const char *name, const char *kind)
{
    struct stat st;
    struct eye_err e = {0};
    char path[512];
    assert_int_equal(fs_open_regular(scratch_path(path, name), &st, &e), EYE_EFORMAT);
    if (!strstr(e.msg, kind))
        fail_msg("'%s' lacks '%s'", e.msg, kind);
}

static void test_only_regular_files(void **state)
{
    (void)state;
    struct stat st;
    struct eye_err e;
    char path[512];
    scratch_file("plain", "12345", 5);
    int fd = fs_open_regular(scratch_path(path, "plain"), &st, &e);
    assert_true(fd >= 0);
    assert_int_equal(st.st_size, 5);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);

    assert_int_equal(symlink("plain", scratch_path(path, "link")), 0);
    assert_not_regular("link", "is a symbolic link");
    fd = fs_open_follow(path, &st, &e);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(mkfifo(scratch_path(path, "fifo"), 0600), 0);
    assert_not_regular("fifo", "is a FIFO"); /* and does not wait for a writer */
    assert_int_equal(fs_open_follow(path, &st, &e), EYE_EFORMAT);
    assert_int_equal(fs_open_regular("/dev/zero", &st, &e), EYE_EFORMAT);
    assert_non_null(strstr(e.msg, "is a device"));

    assert_int_equal(mknod(scratch_path(path, "s"), S_IFSOCK | 0600, 0), 0);
    assert_not_regular("s", "is a socket");

    assert_int_equal(symlink("loop", scratch_path(path, "loop")), 0);
    assert_int_equal(fs_open_follow(path, &st, &e), EYE_EIO);
    assert_int_equal(fs_open_regular(scratch_path(path, "plain/below"), &st, &e), EYE_ENOTFOUND);
}

/* ---- writing ---- */

static void test_write_atomic(void **state)
{
    (void)state;
    char path[512], dir[512];
    struct stat st;
    struct eye_err e;
    scratch_subdir("w");
    scratch_path(dir, "w");
    scratch_path(path, "w/out");
    assert_int_equal(fs_write_atomic(path, "first", 5, 0600, &e), 0);
    assert_content(path, "first", 5);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fs_write_atomic(path, "2nd", 3, 0644, &e), 0);
    assert_content(path, "2nd", 3);
    assert_int_equal(fs_write_atomic(path, NULL, 0, 0600, &e), 0);
    assert_content(path, "", 0);
    assert_int_equal(count_entries(dir), 1);
    assert_int_equal(fs_write_atomic(scratch_path(path, "none/out"), "x", 1, 0600, &e),
                     EYE_ENOTFOUND);
    assert_non_null(strstr(e.msg, path));
    assert_int_equal(fs_write_atomic(dir, "x", 1, 0600, &e), EYE_EIO); /* a folder is there */
    assert_int_equal(count_entries(dir), 1);
}

/* A name as long as names can be, in the current folder. */
static void test_write_longest_name(void **state)
{
    (void)state;
    char name[NAME_MAX + 1];
    int home = open(".", O_PATH | O_CLOEXEC);
    memset(name, 'n', NAME_MAX);
    name[NAME_MAX] = '\0';
    assert_int_equal(chdir(scratch_dir), 0);
    assert_int_equal(fs_write_atomic(name, "x", 1, 0600, NULL), 0);
    assert_content(name, "x", 1);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(fchdir(home), 0);
    close(home);
}

static void test_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int at, errnum;
    } cases[] = {{WRITE, 1, ENOSPC}, {FSYNC, 1, EIO}, {CLOSE, 1, EDQUOT}, {RENAME, 1, ENOSPC}};
    char path[512], dir[512];
    scratch_subdir("full");
    scratch_path(dir, "full");
    scratch_path(path, "full/out");
    assert_int_equal(fs_write_atomic(path, "old", 3, 0600, NULL), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct eye_err e = {0};
        fault.at = cases[i].at;
        fault.errnum = cases[i].errnum;
        fault.call = cases[i].call;
        int rc = fs_write_atomic(path, "new", 3, 0600, &e);
        fault.call = NONE;
        assert_int_equal(rc, EYE_EIO);
        assert_non_null(strstr(e.msg, path));
        assert_non_null(strstr(e.msg, strerror(cases[i].errnum)));
        assert_content(path, "old", 3);
        assert_int_equal(count_entries(dir), 1);
    }
}

static void test_interrupted_and_short_writes(void **state)
{
    (void)state;
    char path[512];
    scratch_path(path, "short");
    for (int errnum = 0; errnum <= EINTR; errnum += EINTR) {
        fault.at = 1;
        fault.errnum = errnum;
        fault.call = WRITE;
        assert_int_equal(fs_write_atomic(path, "0123456789", 10, 0600, NULL), 0);
        fault.call = NONE;
        assert_true(fault.at <= 0);
        assert_content(path, "0123456789", 10);
    }
}

static void test_copy(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    char *data = calloc(LEN, 1), from[512], to[512], dir[512];
    struct eye_err e;
    struct stat st;
    assert_non_null(data);
    data[LEN - 1] = 'z';
    scratch_file("from", data, LEN);
    assert_int_equal(chmod(scratch_path(from, "from"), 0640), 0);
    scratch_subdir("copies");
    scratch_path(dir, "copies");
    assert_int_equal(fs_copy(from, scratch_path(to, "copies/to"), &e), 0);
    assert_content(to, data, LEN);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    fault.at = 2; /* the second chunk */
    fault.errnum = ENOSPC;
    fault.call = WRITE;
    assert_int_equal(fs_copy(from, scratch_path(to, "copies/to2"), &e), EYE_EIO);
    fault.call = NONE;
    assert_non_null(strstr(e.msg, "No space left"));
    assert_int_equal(count_entries(dir), 1);
    assert_int_equal(fs_copy(scratch_path(from, "nothing"), to, &e), EYE_ENOTFOUND);
    assert_int_equal(fs_copy(scratch_dir, to, &e), EYE_EFORMAT);
    assert_int_equal(count_entries(dir), 1);
    free(data);
}

static void test_mkdirs(void **state)
{
    (void)state;
    char path[512];
    struct stat st;
    struct eye_err e;
    assert_int_equal(fs_mkdirs(scratch_path(path, "m/a//b/c/"), &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(fs_mkdirs(path, &e), 0);
    assert_int_equal(fs_mkdirs("/", &e), 0);
    scratch_file("m/file", "", 0);
    assert_int_equal(fs_mkdirs(scratch_path(path, "m/file"), &e), EYE_EEXIST);
    assert_int_equal(fs_mkdirs(scratch_path(path, "m/file/x"), &e), EYE_EEXIST);
    assert_non_null(strstr(e.msg, "m/file: is a file, not a folder"));
    assert_int_equal(symlink("a", scratch_path(path, "m/link")), 0);
    assert_int_equal(fs_mkdirs(scratch_path(path, "m/link/d"), &e), 0);
    assert_int_equal(stat(scratch_path(path, "m/a/d"), &st), 0);
    assert_int_equal(fs_mkdirs("/proc/nope/x", &e), EYE_ENOTFOUND);
}

/* ---- names ---- */

static void assert_joined(const char *dir, const char *name, const char *want)
{
    char *path = fs_join(dir, name, NULL);
    assert_string_equal(path, want);
    free(path);
}

static void test_join_and_real(void **state)
{
    (void)state;
    assert_joined("a", "b", "a/b");
    assert_joined("a/", "b/c", "a/b/c");
    assert_joined("/", "b", "/b");
    assert_joined("a", "/b", "/b");
    assert_joined("", "b", "b");
    assert_joined("a", "", "a/");
    char path[512];
    struct eye_err e;
    assert_int_equal(symlink("plain", scratch_path(path, "real")), 0);
    scratch_file("plain", "", 0);
    char *dir = realpath(scratch_dir, NULL), *real = fs_real(path, &e);
    assert_memory_equal(real, dir, strlen(dir));
    assert_string_equal(real + strlen(dir), "/plain");
    free(real);
    free(dir);
    assert_null(fs_real(scratch_path(path, "not here"), &e));
    assert_int_equal(e.code, EYE_ENOTFOUND);
}

/* Deeper than PATH_MAX: every way to read it still works. */
static void test_overlong_path(void **state)
{
    (void)state;
    enum { NAME = 200, LEVELS = 50 };
    static char path[NAME * (LEVELS + 3)];
    char name[NAME + 1];
    struct eye_err e = {0};
    struct stat st;
    struct hash h;
    memset(name, 'd', NAME);
    name[NAME] = '\0';
    int fd = open(scratch_dir, O_PATH | O_CLOEXEC);
    size_t len = (size_t)snprintf(path, sizeof path, "%s", scratch_dir);
    for (int i = 0; i < LEVELS; i++) {
        assert_int_equal(mkdirat(fd, name, 0700), 0);
        int next = openat(fd, name, O_PATH | O_CLOEXEC);
        assert_true(next >= 0);
        close(fd);
        fd = next;
        len += (size_t)snprintf(path + len, sizeof path - len, i % 5 ? "/%s" : "//%s", name);
    }
    int file = openat(fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(file, "deep", 4), 4);
    close(file);
    close(fd);
    snprintf(path + len, sizeof path - len, "/f");
    assert_true(strlen(path) > 2 * PATH_MAX);
    assert_content(path, "deep", 4);
    assert_int_equal(hash_file(path, &h, NULL, &e), 0);
    path[len + 1] = 'g';
    assert_int_equal(fs_open_regular(path, &st, &e), EYE_ENOTFOUND);
    snprintf(path + len, sizeof path - len, "/");
    assert_int_equal(fs_open_regular(path, &st, &e), EYE_EFORMAT);
    path[100] = 'x';
    assert_int_equal(fs_open_regular(path, &st, &e), EYE_ENOTFOUND);
    memset(path, 'n', sizeof path - 1);
    assert_int_equal(fs_open_regular(path, &st, &e), EYE_EIO);
    assert_non_null(strstr(e.msg, "File name too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_read_all),
        cmocka_unit_test(test_only_regular_files),
        cmocka_unit_test(test_write_atomic),
        cmocka_unit_test(test_write_longest_name),
        cmocka_unit_test(test_failed_write_leaves_the_old_file),
        cmocka_unit_test(test_interrupted_and_short_writes),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_mkdirs),
        cmocka_unit_test(test_join_and_real),
        cmocka_unit_test(test_overlong_path),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
