/* Names that strangers give, and moving files where they belong and nowhere else. */
#include "fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/jobs.h"

static const char *clean(const char *name, struct buf *out)
{
    struct eye_err err = {0};
    int rc = upload_name(name, out, &err);
    if (rc != 0) {
        assert_int_equal(rc, EYE_EINVAL);
        assert_memory_equal(err.msg, "the name ", 9);
        return NULL;
    }
    return out->data;
}

static void good_names_are_put_together_again(void **state)
{
    (void)state;
    struct buf out;
    static const char *const good[][2] = {
        {"a.jpg", "a.jpg"},
        {"a/b/c.jpg", "a/b/c.jpg"},
        {"a\\b\\c.jpg", "a/b/c.jpg"},
        {"./a//b/./c.jpg", "a/b/c.jpg"},
        {"b\xc3\xa4r.jpg", "b\xc3\xa4r.jpg"},
        {"not \xff utf.jpg", "not \xff utf.jpg"},
        {"a..b/..c/d...jpg", NULL}, /* "..c" begins with a dot: hidden */
        {"a..b/c../d...jpg", "a..b/c../d...jpg"},
        {"1:2.jpg", "1:2.jpg"},
    };
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *got = clean(good[i][0], &out);
        if (good[i][1])
            assert_string_equal(got, good[i][1]);
        else
            assert_null(got);
    }
    buf_release(&out);
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    struct buf out;
    char longest[300], deep[80] = "", total[4100] = "";
    static const char *const bad[] = {
        "",       ".",         "/",         "//",      "/a.jpg",    "\\a.jpg",   "..",  "../a",
        "a/../b", "a/..",      "..\\a",     "C:a.jpg", "c:\\a.jpg", "a/",        "a\\", ".a.jpg",
        "a/.b/c", "a\x01.jpg", "a\x7f.jpg", "a\n",     "@eaDir/a",  "a/\t/b.jpg"};
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(clean(bad[i], &out));
    memset(longest, 'x', sizeof longest);
    longest[256] = '\0';
    assert_null(clean(longest, &out));
    longest[255] = '\0';
    assert_non_null(clean(longest, &out));
    for (int i = 0; i < 33; i++)
        memcpy(deep + 2 * i, "d/", 3);
    deep[65] = '\0';
    assert_null(clean(deep, &out));
    deep[63] = '\0';
    assert_non_null(clean(deep, &out));
    for (int i = 0; i < 4001; i++)
        total[i] = i % 200 == 199 ? '/' : 'y';
    assert_null(clean(total, &out));
    buf_release(&out);
}

struct place {
    char dir[600];
    int fd;
};

static struct place make_place(struct fx *fx)
{
    struct place p;
    snprintf(p.dir, sizeof p.dir, "%s/up", fx->dir);
    assert_int_equal(mkdir(p.dir, 0700), 0);
    p.fd = open(p.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(p.fd >= 0);
    return p;
}

static void make_file(const struct place *p, const char *rel)
{
    const char *last;
    int dir = upload_folder(p->fd, rel, true, &last, NULL);
    assert_true(dir >= 0);
    int fd = openat(dir, last, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    close(fd);
    close(dir);
}

static void expect_free(const struct place *p, const char *rel, const char *expected)
{
    struct buf out;
    struct eye_err err = {0};
    buf_init(&out, 1 << 16);
    assert_int_equal(upload_free_name(p->fd, rel, &out, &err), 0);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void a_free_name_is_found(void **group)
{
    struct fx *fx = fx_new(group);
    struct place p = make_place(fx);
    char name[300], expected[300];
    expect_free(&p, "a/b.jpg", "a/b.jpg");
    make_file(&p, "a/b.jpg");
    expect_free(&p, "a/b.jpg", "a/b (2).jpg");
    for (int i = 2; i < 40; i++) {
        snprintf(name, sizeof name, "a/b (%d).jpg", i);
        snprintf(expected, sizeof expected, "a/b (%d).jpg", i);
        expect_free(&p, "a/b.jpg", expected);
        make_file(&p, name);
    }
    make_file(&p, "bare");
    expect_free(&p, "bare", "bare (2)");
    make_file(&p, "a.tar.gz");
    expect_free(&p, "a.tar.gz", "a.tar (2).gz");
    memset(name, 'x', 255); /* cut at a character */
    memcpy(name + 247, "\xc3\xa4\xc3\xa4.jpg", 9);
    make_file(&p, name);
    memset(expected, 'x', 247);
    memcpy(expected + 247, " (2).jpg", 9);
    expect_free(&p, name, expected);
    close(p.fd);
    fx_free(fx);
}

static void links_and_files_are_in_the_way(void **group)
{
    struct fx *fx = fx_new(group);
    struct place p = make_place(fx);
    struct eye_err err = {0};
    struct buf out;
    const char *last;
    buf_init(&out, 1 << 16);
    assert_int_equal(symlinkat(fx->photos, p.fd, "link"), 0);
    assert_int_equal(symlinkat("/etc/passwd", p.fd, "passwd"), 0);
    make_file(&p, "file");
    assert_int_equal(upload_folder(p.fd, "link/a.jpg", true, &last, &err), EYE_EINVAL);
    assert_int_equal(upload_folder(p.fd, "file/a.jpg", true, &last, &err), EYE_EINVAL);
    assert_int_equal(upload_free_name(p.fd, "link/a.jpg", &out, &err), EYE_EINVAL);
    assert_int_equal(upload_folder(p.fd, "none/a.jpg", false, &last, &err), EYE_ENOTFOUND);
    assert_false(upload_is_there(p.fd, "passwd", NULL));
    assert_true(upload_is_there(p.fd, "file", NULL));
    expect_free(&p, "passwd", "passwd (2)");
    upload_delete(p.fd, "link/x");
    upload_delete(p.fd, "passwd"); /* the link, not what it leads to */
    assert_int_equal(access("/etc/passwd", F_OK), 0);
    assert_int_equal(access(fx->photos, F_OK), 0);
    buf_release(&out);
    close(p.fd);
    fx_free(fx);
}

static void moving_replaces_nothing_and_deleting_tidies(void **group)
{
    struct fx *fx = fx_new(group);
    struct place p = make_place(fx);
    struct eye_err err = {0};
    struct stat st;
    make_file(&p, "from");
    make_file(&p, "from2");
    FX_OK(fx, upload_move(p.fd, "from", p.fd, "x/y/to", &err));
    assert_true(upload_is_there(p.fd, "x/y/to", &st));
    assert_false(upload_is_there(p.fd, "from", NULL));
    assert_int_equal(upload_move(p.fd, "from2", p.fd, "x/y/to", &err), EYE_EEXIST);
    assert_true(upload_is_there(p.fd, "from2", NULL));
    make_file(&p, "x/stays");
    upload_delete(p.fd, "x/y/to");
    assert_false(upload_is_there(p.fd, "x/y/to", NULL));
    assert_int_not_equal(fstatat(p.fd, "x/y", &st, 0), 0);
    assert_true(upload_is_there(p.fd, "x/stays", NULL));
    upload_delete(p.fd, "never/there");
    close(p.fd);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names_are_put_together_again),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(a_free_name_is_found),
        cmocka_unit_test(links_and_files_are_in_the_way),
        cmocka_unit_test(moving_replaces_nothing_and_deleting_tidies),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
