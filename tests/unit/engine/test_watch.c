/* Watching for real: a thread watches a folder in which things are made, written, moved and deleted. */
#include "watch_fixture.h"

#include <fcntl.h>

/* Two pictures, a.bmp and d/b.bmp, watched. */
static struct wx *begin(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "d/b.bmp", 2);
    return wx_new(fx);
}

static void finish(struct wx *w)
{
    struct fx *fx = w->fx;
    wx_end(w);
    assert_int_equal(w->troubles, 0);
    fx_verify_clean(fx);
    wx_free(w);
    fx_free(fx);
}

static void what_is_made_is_found(void **state)
{
    struct wx *w = begin(state);
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 2);
    assert_int_equal(WX_GET(w, w->how), EYE_WATCH_NOTIFIED);
    assert_int_equal(WX_GET(w, w->folders), 2);
    fx_picture(w->fx, "c.bmp", 3);
    fx_picture(w->fx, "d/e.bmp", 4);
    WX_UNTIL(w, wx_id(w->fx, "c.bmp") && wx_id(w->fx, "d/e.bmp"));
    fx_picture(w->fx, "c.bmp", 5); /* other content */
    WX_UNTIL(w, w->sum.updated == 1);
    fx_unlink(w->fx, "a.bmp");
    WX_UNTIL(w, !wx_id(w->fx, "a.bmp"));
    WX_UNTIL(w, w->sum.removed == 1 && w->sum.indexed == 4 && w->sum.failed == 0);
    finish(w);
}

/* A look that takes place while it is half written must leave it alone. */
static void what_is_being_written_is_waited_for(void **state)
{
    struct wx *w = begin(state);
    struct buf bytes;
    char path[600];
    wx_mkdir(w->fx, "slow");
    wx_begin(w);
    buf_init(&bytes, 1 << 20);
    fx_path(w->fx, "d/b.bmp", path);
    assert_int_equal(fs_read_all(path, &bytes, NULL), 0);
    bytes.data[100] ^= 1; /* not the same picture */
    fx_path(w->fx, "slow/s.bmp", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    for (size_t half = bytes.len / 2, at = 0; at < bytes.len; at += half) {
        half = bytes.len - at < half ? bytes.len - at : half;
        assert_int_equal(write(fd, bytes.data + at, half), half);
        /* others come and go, and the folder itself is looked at */
        char other[32];
        snprintf(other, sizeof other, "slow/%zu.bmp", at);
        fx_picture(w->fx, other, 100 + at);
        WX_UNTIL(w, wx_id(w->fx, other) != 0);
    }
    assert_int_equal(wx_id(w->fx, "slow/s.bmp"), 0);
    close(fd);
    WX_UNTIL(w, wx_id(w->fx, "slow/s.bmp") != 0);
    assert_int_equal(WX_GET(w, w->sum.failed), 0);
    buf_release(&bytes);
    finish(w);
}

/* Nobody could tell that its writer was at work before it was watched: it may fail, and is not forgotten. */
static void what_is_read_too_early_is_read_again(void **state)
{
    struct wx *w = begin(state);
    struct buf bytes;
    char path[600];
    buf_init(&bytes, 1 << 20);
    fx_path(w->fx, "a.bmp", path);
    assert_int_equal(fs_read_all(path, &bytes, NULL), 0);
    bytes.data[100] ^= 1;
    fx_path(w->fx, "half.bmp", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, bytes.data, 3000), 3000);
    wx_begin(w);
    WX_UNTIL(w, w->sum.failed >= 1);
    assert_int_equal(write(fd, bytes.data + 3000, bytes.len - 3000), bytes.len - 3000);
    close(fd);
    WX_UNTIL(w, wx_id(w->fx, "half.bmp") != 0);
    WX_UNTIL(w, fx_status(w->fx).failures == 0);
    buf_release(&bytes);
    finish(w);
}

/* Its writer never closes it. */
static void silence_ends_the_waiting(void **state)
{
    struct wx *w = begin(state);
    char path[600];
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    w->o.flood = 0.5;
    wx_begin(w);
    fx_path(w->fx, "a.bmp", path);
    assert_int_equal(fs_read_all(path, &bytes, NULL), 0);
    fx_path(w->fx, "open.bmp", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
    WX_UNTIL(w, wx_id(w->fx, "open.bmp") == wx_id(w->fx, "a.bmp"));
    close(fd);
    buf_release(&bytes);
    finish(w);
}

static void what_moves_is_not_embedded_again(void **state)
{
    struct wx *w = begin(state);
    fx_picture(w->fx, "tree/x/1.bmp", 11);
    fx_picture(w->fx, "tree/x/y/2.bmp", 12);
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 4);
    int64_t a = wx_id(w->fx, "a.bmp"), two = wx_id(w->fx, "tree/x/y/2.bmp");
    fx_rename(w->fx, "a.bmp", "d/moved.bmp");
    WX_UNTIL(w, wx_id(w->fx, "d/moved.bmp") && !wx_id(w->fx, "a.bmp"));
    assert_int_equal(wx_id(w->fx, "d/moved.bmp"), a);
    fx_rename(w->fx, "tree", "d/wood"); /* a whole tree, into another folder */
    WX_UNTIL(w, wx_id(w->fx, "d/wood/x/y/2.bmp") && !wx_id(w->fx, "tree/x/y/2.bmp"));
    assert_int_equal(wx_id(w->fx, "d/wood/x/y/2.bmp"), two);
    fx_rename(w->fx, "d/wood/x", "x"); /* watches went along: what happens there is told */
    fx_rename(w->fx, "x", "z");
    WX_UNTIL(w, wx_id(w->fx, "z/y/2.bmp") == two);
    fx_picture(w->fx, "z/y/new.bmp", 13);
    WX_UNTIL(w, wx_id(w->fx, "z/y/new.bmp") != 0);
    WX_UNTIL(w, w->sum.indexed == 5);
    assert_int_equal(WX_GET(w, w->sum.updated), 0);
    finish(w);
}

/* Files move about all the while; some move twice within one look, and while one is going on. */
static void a_storm_of_moves_embeds_nothing(void **state)
{
    enum { FILES = 20, ROUNDS = 12 };
    struct wx *w = begin(state);
    char from[64], to[64];
    for (int i = 0; i < FILES; i++) {
        snprintf(to, sizeof to, "m0/f%d.bmp", i);
        fx_picture(w->fx, to, 200 + (uint64_t)i);
    }
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == FILES + 2);
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(to, sizeof to, "m%d", round + 1);
        snprintf(from, sizeof from, "m%d", round);
        if (round % 3 == 0) {
            fx_rename(w->fx, from, to);
        } else {
            wx_mkdir(w->fx, to);
            for (int i = 0; i < FILES; i++) {
                snprintf(from, sizeof from, "m%d/f%d.bmp", round, i);
                snprintf(to, sizeof to, "m%d/f%d.bmp", round + 1, i);
                fx_rename(w->fx, from, to);
                if (i % 4 == 0)
                    wx_pause();
            }
        }
        for (int i = 0; i < (round % 4) * 15; i++)
            wx_pause();
    }
    for (int i = 0; i < FILES; i++) {
        snprintf(to, sizeof to, "m%d/f%d.bmp", ROUNDS, i);
        WX_UNTIL(w, wx_id(w->fx, to) != 0);
    }
    WX_UNTIL(w, fx_status(w->fx).files == FILES + 2);
    assert_int_equal(WX_GET(w, w->sum.indexed), FILES + 2);
    finish(w);
}

static void deleted_trees_and_what_moves_out_and_in(void **state)
{
    struct wx *w = begin(state);
    char path[600], out[600];
    fx_picture(w->fx, "tree/x/1.bmp", 11);
    fx_picture(w->fx, "tree/x/y/2.bmp", 12);
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 4);
    snprintf(out, sizeof out, "%s/outside", w->fx->dir);
    fx_rename(w->fx, "d", out);
    WX_UNTIL(w, !wx_id(w->fx, "d/b.bmp"));
    fx_path(w->fx, "tree", path);
    fx_rm(path);
    WX_UNTIL(w, !wx_id(w->fx, "tree/x/1.bmp") && !wx_id(w->fx, "tree/x/y/2.bmp"));
    fx_rename(w->fx, out, "back");
    WX_UNTIL(w, wx_id(w->fx, "back/b.bmp") != 0);
    fx_picture(w->fx, "back/new.bmp", 13); /* and it is watched */
    WX_UNTIL(w, wx_id(w->fx, "back/new.bmp") != 0);
    finish(w);
}

/* What is made faster than it can be watched. */
static void new_folders_miss_nothing(void **state)
{
    enum { TIMES = 200 };
    struct wx *w = begin(state);
    char name[100];
    wx_begin(w);
    for (int i = 0; i < TIMES; i++) {
        snprintf(name, sizeof name, "n%d/a/b/c/p.bmp", i);
        fx_picture(w->fx, name, (uint64_t)(50 + i % 7));
        if (i % 5 == 0)
            wx_pause();
    }
    for (int i = 0; i < TIMES; i++) {
        snprintf(name, sizeof name, "n%d/a/b/c/p.bmp", i);
        WX_UNTIL(w, wx_id(w->fx, name) != 0);
    }
    fx_picture(w->fx, "n150/a/b/c/late.bmp", 60);
    WX_UNTIL(w, wx_id(w->fx, "n150/a/b/c/late.bmp") != 0);
    finish(w);
}

static void what_a_scan_leaves_out_is_left_out(void **state)
{
    static const char *const globs[] = {"*.no.bmp", "skip*"};
    struct wx *w = begin(state);
    w->o.index.exclude = globs;
    w->o.index.nexclude = 2;
    fx_picture(w->fx, ".hidden/1.bmp", 11);
    fx_picture(w->fx, "@eaDir/2.bmp", 12);
    fx_picture(w->fx, "skipped/3.bmp", 13);
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 2);
    assert_int_equal(WX_GET(w, w->folders), 2);
    fx_picture(w->fx, ".hidden/4.bmp", 14);
    fx_picture(w->fx, "skipped/5.bmp", 15);
    fx_picture(w->fx, "skip-new/deep/6.bmp", 16);
    fx_picture(w->fx, "x.no.bmp", 17);
    fx_picture(w->fx, ".dot.bmp", 18);
    fx_write(w->fx, "notes", "bare, and no picture", 20);
    fx_write(w->fx, "notes.txt", "no picture", 10);
    fx_picture(w->fx, "bare", 19); /* bare, and one */
    fx_picture(w->fx, "last.bmp", 20);
    WX_UNTIL(w, wx_id(w->fx, "last.bmp") && wx_id(w->fx, "bare"));
    WX_UNTIL(w, w->sum.indexed == 4);
    assert_int_equal(WX_GET(w, w->sum.failed), 0);
    assert_int_equal(fx_status(w->fx).files, 4);
    finish(w);
}

/* The library lies in what is watched: its own writing is no change. */
static void the_library_itself_is_no_change(void **state)
{
    struct wx *w = begin(state);
    w->paths[0] = w->fx->dir; /* holds photos and the library */
    wx_begin(w);
    fx_picture(w->fx, "c.bmp", 3);
    WX_UNTIL(w, wx_id(w->fx, "c.bmp") != 0);
    unsigned looks = WX_GET(w, w->looks);
    for (int i = 0; i < 100; i++)
        wx_pause();
    assert_in_range(WX_GET(w, w->looks), looks, looks + 1);
    finish(w);
}

static void more_changes_than_are_remembered(void **state)
{
    struct wx *w = begin(state);
    char name[64];
    w->sys.most = 8;
    wx_begin(w);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "many/%d.bmp", i);
        fx_picture(w->fx, name, (uint64_t)(300 + i % 5));
    }
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "many/%d.bmp", i);
        WX_UNTIL(w, wx_id(w->fx, name) != 0);
    }
    assert_int_equal(WX_GET(w, w->sum.failed), 0);
    finish(w);
}

/* Changes that never end are looked at all the same. */
static void a_flood_is_not_waited_out(void **state)
{
    struct wx *w = begin(state);
    w->o.settle = 5;
    w->o.flood = 0.3;
    wx_begin(w);
    char name[64];
    double until = eng_now() + WX_SECONDS;
    bool found = false;
    for (int i = 0; !found && eng_now() < until; i++) {
        snprintf(name, sizeof name, "gone%d.bmp", i);
        fx_write(w->fx, name, "x", 1);
        fx_unlink(w->fx, name);
        wx_pause();
        found = WX_GET(w, w->looks > 2);
    }
    assert_true(found);
    finish(w);
}

static void another_that_indexes_is_waited_for(void **state)
{
    struct wx *w = begin(state);
    int lock = -1;
    FX_OK(w->fx, eng_lock(w->fx->lib, &lock, &w->fx->err));
    wx_start(w);
    WX_UNTIL(w, w->busy == 1);
    eng_unlock(lock);
    WX_UNTIL(w, w->looks > 0 && w->sum.indexed == 2);
    while (eng_lock(w->fx->lib, &lock, &w->fx->err) == EYE_EBUSY)
        wx_pause();
    fx_picture(w->fx, "c.bmp", 3);
    WX_UNTIL(w, w->busy == 2);
    eng_unlock(lock);
    WX_UNTIL(w, wx_id(w->fx, "c.bmp") != 0);
    finish(w);
}

/* Roots of the library: the ones that are there, and one that comes. */
static void all_roots_are_followed(void **state)
{
    struct wx *w = begin(state);
    char other[400], path[500];
    fx_index(w->fx, "");
    snprintf(other, sizeof other, "%s/other", w->fx->dir);
    snprintf(path, sizeof path, "%s/1.bmp", other);
    fx_picture(w->fx, path, 7);
    w->npaths = 0;
    wx_begin(w);
    while (fx_index_rc(w->fx, other, NULL) == EYE_EBUSY)
        wx_pause(); /* a look is going on */
    WX_UNTIL(w, w->states >= 2);
    int64_t a = wx_id(w->fx, "a.bmp");
    snprintf(path, sizeof path, "%s/from-a.bmp", other);
    fx_rename(w->fx, "a.bmp", path); /* from root to root */
    WX_UNTIL(w, wx_id(w->fx, path) == a && !wx_id(w->fx, "a.bmp"));
    const char *paths[] = {other};
    uint64_t removed = 0;
    while (eye_remove(w->fx->lib, paths, 1, NULL, 0, &removed, &w->fx->err) == EYE_EBUSY)
        wx_pause();
    assert_int_equal(removed, 2);
    fx_picture(w->fx, "still.bmp", 8);
    WX_UNTIL(w, wx_id(w->fx, "still.bmp") != 0);
    finish(w);
}

/* A part of a root. */
static void a_folder_of_a_root_is_watched_alone(void **state)
{
    struct wx *w = begin(state);
    char path[600];
    fx_index(w->fx, "");
    fx_path(w->fx, "d", path);
    w->paths[0] = path;
    wx_begin(w);
    assert_int_equal(WX_GET(w, w->folders), 1);
    fx_picture(w->fx, "outside.bmp", 3);
    fx_picture(w->fx, "d/inside.bmp", 4);
    WX_UNTIL(w, wx_id(w->fx, "d/inside.bmp") != 0);
    assert_int_equal(wx_id(w->fx, "outside.bmp"), 0);
    fx_rm(path); /* the part goes, the root is there: these are deleted */
    WX_UNTIL(w, !wx_id(w->fx, "d/inside.bmp") && w->how == EYE_WATCH_OFFLINE);
    fx_picture(w->fx, "d/again.bmp", 5);
    WX_UNTIL(w, wx_id(w->fx, "d/again.bmp") && w->how == EYE_WATCH_NOTIFIED);
    finish(w);
}

static void what_cannot_be_watched(void **state)
{
    struct fx *fx = fx_new(state);
    eye_watch_options o = {.settle = 0.1};
    char file[600];
    const char *paths[] = {file};
    assert_int_equal(eye_watch(fx->lib, NULL, 0, &o, &fx->err), EYE_EINVAL); /* no root */
    fx_picture(fx, "a.bmp", 1);
    fx_path(fx, "a.bmp", file);
    assert_int_equal(eye_watch(fx->lib, paths, 1, &o, &fx->err), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "only folders"));
    assert_int_equal(fx_status(fx).roots, 0);
    fx_path(fx, "nowhere", file);
    assert_int_equal(eye_watch(fx->lib, paths, 1, &o, &fx->err), EYE_ENOTFOUND);
    fx_path(fx, "", file);
    o.index.dry_run = true;
    assert_int_equal(eye_watch(fx->lib, paths, 1, &o, &fx->err), EYE_EINVAL);
    o.index.dry_run = false;
    o.index.part = o.index.parts = 1;
    assert_int_equal(eye_watch(fx->lib, paths, 1, &o, &fx->err), EYE_EINVAL);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_found),
        cmocka_unit_test(what_is_being_written_is_waited_for),
        cmocka_unit_test(what_is_read_too_early_is_read_again),
        cmocka_unit_test(silence_ends_the_waiting),
        cmocka_unit_test(what_moves_is_not_embedded_again),
        cmocka_unit_test(a_storm_of_moves_embeds_nothing),
        cmocka_unit_test(deleted_trees_and_what_moves_out_and_in),
        cmocka_unit_test(new_folders_miss_nothing),
        cmocka_unit_test(what_a_scan_leaves_out_is_left_out),
        cmocka_unit_test(the_library_itself_is_no_change),
        cmocka_unit_test(more_changes_than_are_remembered),
        cmocka_unit_test(a_flood_is_not_waited_out),
        cmocka_unit_test(another_that_indexes_is_waited_for),
        cmocka_unit_test(all_roots_are_followed),
        cmocka_unit_test(a_folder_of_a_root_is_watched_alone),
        cmocka_unit_test(what_cannot_be_watched),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
