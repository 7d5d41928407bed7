/* test_fs_walk.c - the walk, told as text: one word an item. */
#include "scratch.h"

#include <errno.h>
#include <limits.h>

#include "base/fs.h"

struct story {
    struct buf text;
    const char *skip; /* folder to be skipped; NULL for none */
    const char *stop; /* thing to stop at */
    size_t longest;   /* path */
    size_t cut;       /* bytes of each path to leave out */
};

static int tell(void *ctx, const struct fs_walk_item *item, struct eye_err *err)
{
    struct story *s = ctx;
    static const char *const words[] = {"file", "dir", "done", "other", "error"};
    size_t len = strlen(item->path);
    if (len > s->longest)
        s->longest = len;
    if (s->longest < PATH_MAX) {
        assert_int_equal(buf_printf(&s->text, err, "%s:%s", words[item->event],
                                    len > s->cut ? item->path + s->cut : "."),
                         0);
        if (item->event == FS_WALK_DIR_DONE)
            buf_printf(&s->text, err, "=%zu", item->entries);
        if (item->event == FS_WALK_FILE)
            buf_printf(&s->text, err, "=%lld", (long long)item->st->st_size);
        if (item->event == FS_WALK_ERROR)
            buf_printf(&s->text, err, "=%s%s", strerror(item->errnum), item->is_dir ? "!" : "");
        buf_putc(&s->text, '\n', err);
    }
    if (s->stop && strstr(item->path, s->stop))
        return eye_fail(err, EYE_ECANCELLED, "stop");
    return s->skip && item->event == FS_WALK_DIR && strstr(item->path, s->skip);
}

static void story_init(struct story *s, const char *start)
{
    *s = (struct story){.cut = strlen(start) + 1};
    buf_init(&s->text, 1 << 20);
}

static void assert_story(const char *name, const char *skip, const char *want)
{
    struct story s;
    struct eye_err e = {0};
    char path[512];
    story_init(&s, scratch_path(path, name));
    s.skip = skip;
    if (fs_walk(path, tell, &s, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(s.text.data, want);
    buf_release(&s.text);
}

static void test_order_and_counts(void **state)
{
    (void)state;
    char path[512];
    scratch_subdir("t");
    scratch_file("t/b", "12", 2);
    scratch_file("t/a.b", "1", 1);
    scratch_file("t/B", "", 0);
    scratch_file("t/\xff\xfe\n", "x", 1); /* no UTF-8, and a newline */
    scratch_file("t/\xc3\xa9", "x", 1);
    scratch_subdir("t/a");
    scratch_file("t/a/z", "123", 3);
    scratch_subdir("t/a/empty");
    assert_story("t", NULL,
                 "dir:.\nfile:B=0\ndir:a\ndir:a/empty\ndone:a/empty=0\nfile:a/z=3\ndone:a=2\n"
                 "file:a.b=1\nfile:b=2\nfile:\xc3\xa9=1\nfile:\xff\xfe\n=1\ndone:.=6\n");
    assert_story("t", "/a",
                 "dir:.\nfile:B=0\ndir:a\nfile:a.b=1\nfile:b=2\nfile:\xc3\xa9=1\n"
                 "file:\xff\xfe\n=1\ndone:.=6\n");
    assert_story("t/b", NULL, "file:.=2\n");
    /* a slash at the end is not doubled */
    struct story s;
    story_init(&s, scratch_path(path, "t/a"));
    scratch_path(path, "t/a/");
    assert_int_equal(fs_walk(path, tell, &s, NULL), 0);
    assert_string_equal(s.text.data, "dir:.\ndir:empty\ndone:empty=0\nfile:z=3\ndone:.=2\n");
    buf_release(&s.text);
}

static void test_links_and_odd_things(void **state)
{
    (void)state;
    char path[512];
    scratch_subdir("l");
    scratch_file("l/file", "1234", 4);
    assert_int_equal(symlink("file", scratch_path(path, "l/to-file")), 0);
    assert_int_equal(symlink("..", scratch_path(path, "l/to-parent")), 0);
    assert_int_equal(symlink(".", scratch_path(path, "l/to-self")), 0);
    assert_int_equal(symlink("nowhere", scratch_path(path, "l/dangling")), 0);
    assert_int_equal(symlink("loop2", scratch_path(path, "l/loop1")), 0);
    assert_int_equal(symlink("loop1", scratch_path(path, "l/loop2")), 0);
    assert_int_equal(symlink("file/x", scratch_path(path, "l/through")), 0);
    assert_int_equal(mkfifo(scratch_path(path, "l/fifo"), 0600), 0);
    assert_int_equal(symlink("fifo", scratch_path(path, "l/to-fifo")), 0);
    const char *want = "dir:.\nother:dangling\nother:fifo\nfile:file=4\nother:loop1\nother:loop2\n"
                       "other:through\nother:to-fifo\nfile:to-file=4\nother:to-parent\n"
                       "other:to-self\ndone:.=10\n";
    assert_story("l", NULL, want);
    assert_int_equal(symlink("l", scratch_path(path, "start")), 0);
    assert_story("start", NULL, want);
}

static void test_missing_start(void **state)
{
    (void)state;
    struct story s;
    struct eye_err e;
    char path[512];
    story_init(&s, scratch_path(path, "absent"));
    assert_int_equal(fs_walk(path, tell, &s, &e), EYE_ENOTFOUND);
    assert_non_null(strstr(e.msg, path));
    assert_int_equal(s.text.len, 0);
    assert_int_equal(symlink("dangling", scratch_path(path, "dangling")), 0);
    assert_int_equal(fs_walk(path, tell, &s, &e), EYE_EIO);
}

static void test_stop(void **state)
{
    (void)state;
    struct story s;
    struct eye_err e;
    char path[512];
    scratch_subdir("s");
    scratch_subdir("s/d");
    scratch_file("s/d/1", "", 0);
    scratch_file("s/d/2", "", 0);
    scratch_file("s/e", "", 0);
    story_init(&s, scratch_path(path, "s"));
    s.stop = "d/1";
    assert_int_equal(fs_walk(path, tell, &s, &e), EYE_ECANCELLED);
    assert_string_equal(e.msg, "stop");
    assert_string_equal(s.text.data, "dir:.\ndir:d\nfile:d/1=0\n");
    buf_release(&s.text);
}

/* Root may read everything, so it becomes nobody for the walk. */
static void test_unreadable_folder(void **state)
{
    (void)state;
    char path[512];
    assert_int_equal(chmod(scratch_dir, 0755), 0);
    scratch_subdir("u");
    scratch_subdir("u/locked");
    scratch_subdir("u/blind"); /* names can be listed, the things behind them not looked at */
    scratch_file("u/blind/f", "", 0);
    scratch_file("u/z", "", 0);
    assert_int_equal(chmod(scratch_path(path, "u/locked"), 0), 0);
    assert_int_equal(chmod(scratch_path(path, "u/blind"), 0444), 0);
    uid_t me = geteuid();
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_story("u", NULL,
                 "dir:.\ndir:blind\nerror:blind/f=Permission denied\ndone:blind=1\ndir:locked\n"
                 "error:locked=Permission denied!\nfile:z=0\ndone:.=3\n");
    if (me == 0)
        assert_int_equal(seteuid(me), 0);
    chmod(path, 0755);
    chmod(scratch_path(path, "u/locked"), 0755);
}

/* A chain of `levels` folders below scratch/name, a file in the last; each name `len` bytes. */
static void make_chain(const char *name, int levels, size_t len)
{
    char path[512], link[NAME_MAX + 1];
    scratch_subdir(name);
    memset(link, 'd', len);
    link[len] = '\0';
    int fd = open(scratch_path(path, name), O_PATH | O_CLOEXEC);
    for (int i = 0; i < levels; i++) {
        assert_int_equal(mkdirat(fd, link, 0755), 0);
        int next = openat(fd, link, O_PATH | O_CLOEXEC);
        assert_true(next >= 0);
        close(fd);
        fd = next;
    }
    int file = openat(fd, "end", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    close(file);
    close(fd);
}

static size_t count_lines(const struct story *s, const char *word)
{
    size_t n = 0;
    for (const char *p = s->text.data; p && (p = strstr(p, word)); p++)
        n++;
    return n;
}

static void test_deep_tree(void **state)
{
    (void)state;
    struct story s;
    char path[512];
    make_chain("deep", 255, 2);
    story_init(&s, scratch_path(path, "deep"));
    assert_int_equal(fs_walk(path, tell, &s, NULL), 0);
    assert_int_equal(count_lines(&s, "dir:"), 256);
    assert_int_equal(count_lines(&s, "done:"), 256);
    assert_int_equal(count_lines(&s, "/end=0\n"), 1);
    buf_release(&s.text);
    make_chain("deeper", 300, 2);
    story_init(&s, scratch_path(path, "deeper"));
    assert_int_equal(fs_walk(path, tell, &s, NULL), 0);
    assert_int_equal(count_lines(&s, "done:"), 256);
    assert_int_equal(count_lines(&s, "File name too long!"), 1);
    assert_int_equal(count_lines(&s, "end"), 0);
    buf_release(&s.text);
}

static void test_paths_longer_than_path_max(void **state)
{
    (void)state;
    struct story s;
    char path[512];
    make_chain("long", 40, 250);
    story_init(&s, scratch_path(path, "long"));
    assert_int_equal(fs_walk(path, tell, &s, NULL), 0);
    assert_int_equal(s.longest, strlen(path) + 40 * 251 + 4);
    buf_release(&s.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_counts),
        cmocka_unit_test(test_links_and_odd_things),
        cmocka_unit_test(test_missing_start),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_unreadable_folder),
        cmocka_unit_test(test_deep_tree),
        cmocka_unit_test(test_paths_longer_than_path_max),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
