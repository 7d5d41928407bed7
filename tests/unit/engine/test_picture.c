/* test_picture.c - what is known of a picture, and its file: that it opens, and that nothing else does. */
#include "engine/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>

static void path_of(const struct fx *fx, const char *name, char path[600])
{
    fx_path(fx, name, path);
}

static int open_rc(struct fx *fx, int64_t id, eye_file *f)
{
    int rc = eye_picture_open(fx->lib, id, f, &fx->err);
    assert_true((rc == 0) == (f->fd >= 0));
    return rc;
}

/* Opens, and reads the bytes that the file of this name has. */
static void assert_opens(struct fx *fx, int64_t id, const char *name, char etag[80])
{
    eye_file f;
    char path[600], a[9000], b[9000];
    path_of(fx, name, path);
    FX_OK(fx, open_rc(fx, id, &f));
    int want = open(path, O_RDONLY);
    ssize_t n = read(f.fd, a, sizeof a);
    assert_int_equal(n, (ssize_t)f.size);
    assert_int_equal(read(want, b, sizeof b), n);
    assert_memory_equal(a, b, (size_t)n);
    assert_int_equal(write(f.fd, "x", 1), -1); /* for reading only */
    assert_true(fcntl(f.fd, F_GETFD) & FD_CLOEXEC);
    assert_string_equal(f.name, eng_path_name(path));
    assert_string_equal(f.format, "bmp");
    assert_true(f.mtime > 1600000000);
    assert_true(strlen(f.etag) >= 40 && !strpbrk(f.etag, "\" \\"));
    if (etag)
        memcpy(etag, f.etag, sizeof f.etag);
    close(want);
    close(f.fd);
}

static void assert_hidden(struct fx *fx, int64_t id)
{
    eye_file f;
    assert_int_equal(open_rc(fx, id, &f), EYE_ENOTFOUND);
}

static void raw_sql(struct fx *fx, const char *sql)
{
    char path[700];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/library.db", fx->library);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_what_is_known(void **state)
{
    struct fx *fx = fx_new(state);
    eye_picture *p;
    char path[600];
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b/c.bmp", 1);
    fx_index(fx, "");
    raw_sql(fx, "UPDATE picture SET camera = 'Ricoh GR', lat = 48.5, lon = -3.25, taken_at = 99");
    FX_OK(fx, eye_picture_get(fx->lib, 1, &p, &fx->err));
    assert_int_equal(p->id, 1);
    assert_int_equal(strlen(p->hash), 64);
    assert_string_equal(p->format, "bmp");
    assert_string_equal(p->camera, "Ricoh GR");
    assert_int_equal(p->width, FX_SIDE);
    assert_int_equal(p->height, FX_SIDE);
    assert_int_equal(p->size, 54 + FX_SIDE * FX_SIDE * 3);
    assert_int_equal(p->taken_at, 99);
    assert_true(p->has_gps && p->lat > 48.4 && p->lon < -3.2);
    assert_false(p->offline);
    assert_int_equal(p->npaths, 2);
    path_of(fx, "a.bmp", path);
    assert_string_equal(p->paths[0], path);
    eye_picture_free(p);
    fx_unlink(fx, "a.bmp"); /* the one that is there comes first */
    FX_OK(fx, eye_picture_get(fx->lib, 1, &p, &fx->err));
    assert_string_equal(p->paths[1], path);
    path_of(fx, "b/c.bmp", path);
    assert_string_equal(p->paths[0], path);
    assert_false(p->offline);
    eye_picture_free(p);
    fx_unlink(fx, "b/c.bmp");
    FX_OK(fx, eye_picture_get(fx->lib, 1, &p, &fx->err));
    assert_true(p->offline);
    assert_int_equal(p->npaths, 2);
    eye_picture_free(p);
    eye_picture_free(NULL);
    assert_int_equal(eye_picture_get(fx->lib, 4711, &p, &fx->err), EYE_ENOTFOUND);
    assert_null(p);
    assert_hidden(fx, 4711);
    assert_hidden(fx, -1);
    fx_free(fx);
}

static void test_its_own_bytes(void **state)
{
    struct fx *fx = fx_new(state);
    char etag[80], later[80], path[600];
    fx_picture(fx, "deep/er/a \"b\".bmp", 1);
    fx_index(fx, "");
    assert_opens(fx, 1, "deep/er/a \"b\".bmp", etag);
    assert_opens(fx, 1, "deep/er/a \"b\".bmp", later);
    assert_string_equal(etag, later);
    /* Other bytes of the same size: still a picture, so it opens, but under another etag. */
    fx_picture(fx, "deep/er/a \"b\".bmp", 2);
    path_of(fx, "deep/er/a \"b\".bmp", path);
    struct timespec t[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
    assert_opens(fx, 1, "deep/er/a \"b\".bmp", later);
    assert_string_not_equal(etag, later);
    fx_free(fx);
}

static void test_a_file_named_alone(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "only.bmp", 1);
    fx_picture(fx, "other.bmp", 2);
    fx_index(fx, "only.bmp");
    assert_opens(fx, 1, "only.bmp", NULL);
    fx_free(fx);
}

static void test_what_is_no_longer_a_picture(void **state)
{
    enum { SIZE = 54 + FX_SIDE * FX_SIDE * 3 };
    static const char text[SIZE + 1] = "<html>";
    struct fx *fx = fx_new(state);
    char path[600];
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    path_of(fx, "a.bmp", path);
    fx_write(fx, "a.bmp", text, SIZE); /* right size, other kind */
    assert_hidden(fx, 1);
    fx_picture(fx, "a.bmp", 1);
    assert_opens(fx, 1, "a.bmp", NULL);
    assert_int_equal(truncate(path, SIZE - 1), 0);
    assert_hidden(fx, 1);
    fx_unlink(fx, "a.bmp");
    assert_hidden(fx, 1);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_hidden(fx, 1);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* and nobody waits for a writer */
    assert_hidden(fx, 1);
    fx_free(fx);
}

static void test_links_lead_nowhere_else(void **state)
{
    struct fx *fx = fx_new(state);
    char path[600], outside[600], folder[600];
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "d/e.bmp", 2);
    fx_index(fx, "");
    int64_t a = fx_best(fx, "a.bmp", NULL), e = fx_best(fx, "d/e.bmp", NULL);
    /* A copy outside that would be perfect but for where it is. */
    snprintf(outside, sizeof outside, "%s/outside.bmp", fx->dir);
    path_of(fx, "a.bmp", path);
    assert_int_equal(rename(path, outside), 0);
    assert_int_equal(symlink(outside, path), 0);
    assert_hidden(fx, a);
    assert_int_equal(remove(path), 0);
    assert_int_equal(symlink("../outside.bmp", path), 0);
    assert_hidden(fx, a);
    assert_int_equal(remove(path), 0);
    assert_int_equal(symlink("/proc/self/exe", path), 0);
    assert_hidden(fx, a);
    assert_int_equal(remove(path), 0);
    assert_int_equal(symlink("a.bmp", path), 0); /* a loop */
    assert_hidden(fx, a);
    /* A folder that became a link. */
    path_of(fx, "d", path);
    snprintf(folder, sizeof folder, "%s/folder", fx->dir);
    assert_int_equal(rename(path, folder), 0);
    assert_int_equal(symlink(folder, path), 0);
    assert_hidden(fx, e);
    /* Names in the database that climb. */
    raw_sql(fx, "UPDATE file SET rel = CAST('../outside.bmp' AS BLOB) WHERE picture = 1");
    assert_hidden(fx, a);
    raw_sql(fx, "UPDATE file SET rel = CAST('d/../../outside.bmp' AS BLOB) WHERE picture = 1");
    assert_hidden(fx, a);
    fx_free(fx);
}

static void test_a_link_within_the_root(void **state)
{
    struct fx *fx = fx_new(state);
    char path[600];
    fx_picture(fx, "real/a.bmp", 1);
    path_of(fx, "b.bmp", path);
    assert_int_equal(symlink("real/a.bmp", path), 0);
    fx_index(fx, "");
    fx_unlink(fx, "b.bmp");
    fx_rename(fx, "real/a.bmp", "c.bmp");
    assert_int_equal(symlink("c.bmp", path), 0);
    assert_opens(fx, 1, "b.bmp", NULL);
    fx_free(fx);
}

static void test_another_copy_is_tried(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "b.bmp", 1);
    fx_index(fx, "");
    fx_unlink(fx, "a.bmp");
    assert_opens(fx, 1, "b.bmp", NULL);
    fx_write(fx, "a.bmp", "not a picture", 13);
    assert_opens(fx, 1, "b.bmp", NULL);
    fx_unlink(fx, "b.bmp");
    assert_hidden(fx, 1);
    fx_free(fx);
}

/* The way for old kernels, by itself. */
static void test_opening_without_openat2(void **state)
{
    static const char *const bad[] = {"",     ".",         "..",      "../outside", "d/../a.bmp",
                                      "d//e", "/etc/motd", "d/",      "link",       "ld/e",
                                      "no",   "d/no/x",    "a.bmp/b", "d/./e",      "d/out"};
    struct fx *fx = fx_new(state);
    char path[600], name[400];
    fx_write(fx, "a.bmp", "a", 1);
    fx_write(fx, "d/e", "e", 1);
    snprintf(path, sizeof path, "%s/outside", fx->dir);
    fx_write(fx, path, "o", 1);
    path_of(fx, "link", path);
    assert_int_equal(symlink("a.bmp", path), 0);
    path_of(fx, "ld", path);
    assert_int_equal(symlink("d", path), 0);
    path_of(fx, "d/out", path);
    assert_int_equal(symlink("../../outside", path), 0);
    int dir = open(fx->photos, O_PATH | O_DIRECTORY), fd;
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fd = eng_open_below_slowly(dir, bad[i]);
        assert_int_equal(fd, -1);
        assert_int_not_equal(errno, 0);
    }
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(eng_open_below_slowly(dir, name), -1);
    fd = eng_open_below_slowly(dir, "d/e");
    assert_int_equal(read(fd, name, 9), 1);
    close(fd);
    fd = eng_open_below_slowly(dir, "a.bmp");
    assert_int_equal(fd, before); /* none was left open */
    close(fd);
    close(dir);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known),
        cmocka_unit_test(test_its_own_bytes),
        cmocka_unit_test(test_a_file_named_alone),
        cmocka_unit_test(test_what_is_no_longer_a_picture),
        cmocka_unit_test(test_links_lead_nowhere_else),
        cmocka_unit_test(test_a_link_within_the_root),
        cmocka_unit_test(test_another_copy_is_tried),
        cmocka_unit_test(test_opening_without_openat2),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
