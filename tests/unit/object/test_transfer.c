/* One object: asked after, read, written, deleted. */
#include "fake.h"

#include <sys/mman.h>

static struct fake fake;
static struct object_store *s;

static int start(void **state)
{
    (void)state;
    fake = fake_start(NULL, NULL, NULL, NULL);
    s = fake_open(&fake, FAKE_SECRET);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    object_close(s);
    fake_stop(&fake);
    return 0;
}

static void check_bytes(int fd, const char *wanted)
{
    char got[256] = "";
    ssize_t n = pread(fd, got, sizeof got - 1, 0);
    assert_int_equal(n, strlen(wanted));
    assert_string_equal(got, wanted);
}

static void there_and_back(void **state)
{
    (void)state;
    static const char *const names[] = {
        "plain.jpg",      "a b+c%d.jpg", "d/\xc3\xa4\xe6\x97\xa5/'\"()[]!*&=;,@$#?.jpg",
        "%2e%2e/x",       "tilde~-_.\\", "line\nend",
        "a:b|c^d`e{f}<g>"};
    int in = memfd_create("in", MFD_CLOEXEC), fd = memfd_create("out", MFD_CLOEXEC);
    assert_int_equal(write(in, "the bytes", 9), 9);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct eye_err err = {0};
        struct object_info info, got;
        if (object_put(s, names[i], in, "image/jpeg", &err) ||
            object_head(s, names[i], &info, &err) ||
            object_get(s, names[i], NULL, fd, 1000, &got, &err))
            fail_msg("%s: %s", names[i], err.msg);
        check_bytes(fd, "the bytes");
        assert_int_equal(info.size, 9);
        assert_int_equal(got.size, 9);
        assert_int_equal(info.mtime_ns, got.mtime_ns);
        assert_int_equal(object_delete(s, names[i], &err), 0);
        assert_int_equal(object_delete(s, names[i], &err), 0);
        assert_int_equal(object_head(s, names[i], &info, &err), EYE_ENOTFOUND);
        assert_int_equal(object_get(s, names[i], NULL, fd, 1000, &got, &err), EYE_ENOTFOUND);
    }
    close(in);
    close(fd);
}

static void parts(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct object_info info;
    int fd = memfd_create("out", MFD_CLOEXEC);
    fake_tell(&fake, "put=p&text=0123456789", NULL, 0);
    assert_int_equal(object_get(s, "p", &(struct object_range){2, 3}, fd, 100, &info, &err), 0);
    check_bytes(fd, "234");
    assert_int_equal(info.size, 10);
    assert_int_equal(object_get(s, "p", &(struct object_range){8, 0}, fd, 100, &info, &err), 0);
    check_bytes(fd, "89");
    assert_int_equal(object_get(s, "p", &(struct object_range){8, 50}, fd, 100, &info, &err), 0);
    check_bytes(fd, "89");
    assert_int_equal(object_get(s, "p", &(struct object_range){10, 5}, fd, 100, &info, &err),
                     EYE_EINVAL);
    assert_int_equal(
        object_get(s, "p", &(struct object_range){1, UINT64_MAX}, fd, 100, &info, &err),
        EYE_EINVAL);
    close(fd);
}

static void limits(void **state)
{
    (void)state;
    struct eye_err err = {0};
    int fd = memfd_create("out", MFD_CLOEXEC);
    fake_tell(&fake, "put=l&text=0123456789", NULL, 0);
    assert_int_equal(object_get(s, "l", NULL, fd, 10, NULL, &err), 0);
    assert_int_equal(object_get(s, "l", NULL, fd, 9, NULL, &err), EYE_ELIMIT);
    assert_non_null(strstr(err.msg, "s3://bkt/l: larger"));
    close(fd);
    fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(object_get(s, "l", NULL, fd, 100, NULL, &err) < 0);
    assert_non_null(strstr(err.msg, "no room"));
    close(fd);
}

static void names_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "../x", "a/../b", "/a", "a//b", "a/./b", "a/"};
    struct eye_err err = {0};
    struct object_info info;
    char log[4096];
    int fd = memfd_create("out", MFD_CLOEXEC);
    fake_tell(&fake, NULL, log, sizeof log);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(object_get(s, bad[i], NULL, fd, 100, NULL, &err), EYE_EINVAL);
        assert_int_equal(object_head(s, bad[i], &info, &err), EYE_EINVAL);
        assert_int_equal(object_put(s, bad[i], fd, NULL, &err), EYE_EINVAL);
        assert_int_equal(object_delete(s, bad[i], &err), EYE_EINVAL);
    }
    fake_tell(&fake, NULL, log, sizeof log);
    assert_string_equal(log, ""); /* nobody was asked */
    close(fd);
}

static void broken_bodies(void **state)
{
    (void)state;
    struct eye_err err = {0};
    int fd = memfd_create("out", MFD_CLOEXEC);
    fake_tell(&fake, "put=b&text=0123456789", NULL, 0);
    fake_tell(&fake, "fault=truncate&times=2", NULL, 0);
    if (object_get(s, "b", NULL, fd, 100, NULL, &err))
        fail_msg("%s", err.msg);
    check_bytes(fd, "0123456789"); /* begun again, not appended */
    fake_tell(&fake, "fault=truncate&times=9", NULL, 0);
    assert_int_equal(object_get(s, "b", NULL, fd, 100, NULL, &err), EYE_EREMOTE);
    fake_tell(&fake, "fault=truncate&times=0", NULL, 0);
    close(fd);
}

/* Two versions within a second have two stamps, and the same as the listing tells. */
static int note(void *ctx, const struct object_info *info)
{
    *(int64_t *)ctx = info->mtime_ns;
    return 0;
}

static void stamps(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct object_info one, two;
    int64_t listed = 0;
    fake_tell(&fake, "put=v&text=aaaa&when=1000.25", NULL, 0);
    assert_int_equal(object_head(s, "v", &one, &err), 0);
    assert_int_equal(object_list(s, "v", 0, note, &listed, &err), 0);
    assert_int_equal(one.mtime_ns, listed);
    assert_int_equal(one.mtime_ns / 1000000000, 1000);
    fake_tell(&fake, "put=v&text=bbbb&when=1000.75", NULL, 0);
    assert_int_equal(object_head(s, "v", &two, &err), 0);
    assert_int_not_equal(one.mtime_ns, two.mtime_ns);
}

static void bucket_gone(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct object_info info;
    int fd = memfd_create("out", MFD_CLOEXEC);
    fake_tell(&fake, "bucket=gone", NULL, 0);
    assert_int_equal(object_head(s, "v", &info, &err), EYE_EREMOTE); /* not "no such object" */
    assert_int_equal(object_get(s, "v", NULL, fd, 100, NULL, &err), EYE_EREMOTE);
    fake_tell(&fake, "bucket=back", NULL, 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(parts),         cmocka_unit_test(limits),
        cmocka_unit_test(names_refused),  cmocka_unit_test(broken_bodies), cmocka_unit_test(stamps),
        cmocka_unit_test(bucket_gone),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
