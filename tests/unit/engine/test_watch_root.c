/* Roots that go away, that another machine owns, for which there are no watches; and events that get lost. */
#include "watch_fixture.h"

#include <sched.h>
#include <sys/mount.h>

static struct wx *begin(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "d/b.bmp", 2);
    fx_picture(fx, "d/deep/c.bmp", 3);
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

/* ---- the system, as we want it ---- */

static atomic_int watches_left, instances_left;

static int scarce_add(int fd, const char *path, uint32_t mask)
{
    if (atomic_fetch_sub(&watches_left, 1) <= 0) {
        atomic_store(&watches_left, 0);
        errno = ENOSPC;
        return -1;
    }
    return inotify_add_watch(fd, path, mask);
}

static int scarce_open(void)
{
    if (atomic_load(&instances_left) <= 0) {
        errno = EMFILE;
        return -1;
    }
    return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

static bool remote_net(const char *path, char kind[WATCH_KIND])
{
    snprintf(kind, WATCH_KIND, "fuse.sshfs");
    return strstr(path, "/d") && strstr(path, "/photos/d");
}

static bool remote_all(const char *path, char kind[WATCH_KIND])
{
    (void)path;
    snprintf(kind, WATCH_KIND, "nfs4");
    return true;
}

static void no_watches_left(void **state)
{
    struct wx *w = begin(state);
    w->sys.add = scarce_add;
    w->o.poll = 0.4;
    atomic_store(&watches_left, 2); /* the root and d */
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 3);
    assert_int_equal(WX_GET(w, w->how), EYE_WATCH_POLLED);
    assert_true(WX_GET(
        w, strstr(w->why, "d/deep: the system has no watches left after 2 folders") != NULL));
    assert_true(WX_GET(w, strstr(w->why, "fs.inotify.max_user_watches") != NULL));
    assert_true(WX_GET(w, strstr(w->why, "looked at every") != NULL));
    fx_picture(w->fx, "d/deep/polled.bmp", 4);
    WX_UNTIL(w, wx_id(w->fx, "d/deep/polled.bmp") != 0);
    fx_picture(w->fx, "d/told.bmp", 5); /* what has a watch is told */
    WX_UNTIL(w, wx_id(w->fx, "d/told.bmp") != 0);
    assert_int_equal(WX_GET(w, w->states), 1); /* said once */
    atomic_store(&watches_left, 100);
    WX_UNTIL(w, w->how == EYE_WATCH_NOTIFIED);
    finish(w);
}

static void no_instances_left(void **state)
{
    struct wx *w = begin(state);
    w->sys.open = scarce_open;
    w->o.poll = 0.3;
    atomic_store(&instances_left, 0);
    wx_begin(w);
    WX_UNTIL(w, w->how == EYE_WATCH_POLLED && strstr(w->why, "max_user_instances"));
    fx_picture(w->fx, "d/deep/polled.bmp", 4);
    WX_UNTIL(w, wx_id(w->fx, "d/deep/polled.bmp") != 0);
    atomic_store(&instances_left, 1);
    WX_UNTIL(w, w->how == EYE_WATCH_NOTIFIED);
    finish(w);
}

static void a_network_folder_in_a_root(void **state)
{
    struct wx *w = begin(state);
    w->sys.remote = remote_net;
    w->o.poll = 0.4;
    wx_begin(w);
    WX_UNTIL(w, w->how == EYE_WATCH_NOTIFIED); /* same device as its parent: nobody asks */
    finish(w);
    w = begin(state);
    w->sys.remote = remote_all;
    w->o.poll = 0.4;
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 3);
    assert_int_equal(WX_GET(w, w->how), EYE_WATCH_POLLED);
    assert_true(WX_GET(w, strstr(w->why, "lies on nfs4") != NULL));
    assert_int_equal(WX_GET(w, w->folders), 0);
    fx_picture(w->fx, "d/new.bmp", 4);
    fx_unlink(w->fx, "a.bmp");
    WX_UNTIL(w, wx_id(w->fx, "d/new.bmp") && !wx_id(w->fx, "a.bmp"));
    assert_int_equal(WX_GET(w, w->states), 1);
    finish(w);
}

static void a_root_that_goes_and_comes_back(void **state)
{
    struct wx *w = begin(state);
    char away[400], path[500];
    snprintf(away, sizeof away, "%s/away", w->fx->dir);
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 3);
    fx_rename(w->fx, "", away);
    WX_UNTIL(w, w->how == EYE_WATCH_OFFLINE);
    assert_true(WX_GET(w, strstr(w->why, "not there") != NULL));
    assert_int_equal(fx_status(w->fx).files, 3);
    snprintf(path, sizeof path, "%s/d/meanwhile.bmp", away);
    fx_picture(w->fx, path, 4);
    fx_rename(w->fx, away, "");
    WX_UNTIL(w, w->how == EYE_WATCH_NOTIFIED && wx_id(w->fx, "d/meanwhile.bmp"));
    fx_picture(w->fx, "d/deep/later.bmp", 5);
    WX_UNTIL(w, wx_id(w->fx, "d/deep/later.bmp") != 0);
    WX_UNTIL(w, w->sum.indexed == 5);
    finish(w);
}

/* In a mount namespace of our own; false: this user may not. */
static bool may_mount(void)
{
    static int may = -1;
    if (may < 0) {
        bool own = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
        may = own && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    }
    return may;
}

static void mount_at(const struct fx *fx, const char *name)
{
    char path[600];
    fx_path(fx, name, path);
    assert_int_equal(mount("none", path, "tmpfs", 0, "size=4m"), 0);
}

static void unmount_at(const struct fx *fx, const char *name)
{
    char path[600];
    fx_path(fx, name, path);
    assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void a_disk_that_is_the_root(void **state)
{
    if (!may_mount())
        skip();
    struct fx *fx = fx_new(state);
    struct wx *w = wx_new(fx);
    mount_at(fx, "");
    fx_picture(fx, "x/a.bmp", 1);
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 1);
    unmount_at(fx, "");
    WX_UNTIL(w, w->how == EYE_WATCH_OFFLINE && strstr(w->why, "empty where pictures were"));
    assert_true(wx_id(fx, "x/a.bmp"));
    mount_at(fx, "");
    fx_picture(fx, "x/a.bmp", 1);
    fx_picture(fx, "x/b.bmp", 2);
    WX_UNTIL(w, w->how == EYE_WATCH_NOTIFIED && wx_id(fx, "x/b.bmp"));
    fx_picture(fx, "x/c.bmp", 3);
    WX_UNTIL(w, wx_id(fx, "x/c.bmp") != 0);
    assert_int_equal(WX_GET(w, w->sum.removed), 0);
    assert_true(wx_id(fx, "x/a.bmp"));
    WX_UNTIL(w, w->sum.indexed == 3);
    wx_end(w);
    unmount_at(fx, "");
    wx_free(w);
    fx_free(fx);
}

static void a_disk_inside_a_root(void **state)
{
    if (!may_mount())
        skip();
    struct wx *w = begin(state);
    wx_mkdir(w->fx, "disk");
    wx_begin(w);
    mount_at(w->fx, "disk"); /* while it is watched: no event of inotify tells */
    fx_picture(w->fx, "disk/1.bmp", 11);
    WX_UNTIL(w, wx_id(w->fx, "disk/1.bmp") != 0);
    unmount_at(w->fx, "disk");
    unsigned looks = WX_GET(w, w->looks);
    WX_UNTIL(w, w->looks > looks);
    assert_true(wx_id(w->fx, "disk/1.bmp"));
    mount_at(w->fx, "disk");
    fx_picture(w->fx, "disk/1.bmp", 11);
    fx_picture(w->fx, "disk/sub/2.bmp", 12);
    WX_UNTIL(w, wx_id(w->fx, "disk/sub/2.bmp") != 0);
    fx_picture(w->fx, "disk/sub/3.bmp", 13);
    WX_UNTIL(w, wx_id(w->fx, "disk/sub/3.bmp") != 0);
    assert_int_equal(WX_GET(w, w->sum.removed), 0);
    WX_UNTIL(w, w->sum.indexed == 6);
    unmount_at(w->fx, "disk");
    finish(w);
}

/* ---- events that get lost ---- */

static int pipe_ends[2];
static atomic_int next_wd;

static int pipe_open(void)
{
    return fcntl(pipe_ends[0], F_DUPFD_CLOEXEC, 0);
}

static int pipe_add(int fd, const char *path, uint32_t mask)
{
    (void)fd, (void)path, (void)mask;
    return atomic_fetch_add(&next_wd, 1) + 1;
}

static void an_overflow_is_one_look_at_everything(void **state)
{
    struct wx *w = begin(state);
    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
    w->sys.open = pipe_open;
    w->sys.add = pipe_add;
    wx_begin(w);
    WX_UNTIL(w, w->sum.indexed == 3);
    int watches = atomic_load(&next_wd);
    fx_picture(w->fx, "d/deep/untold.bmp", 4);
    fx_picture(w->fx, "new/untold.bmp", 5);
    struct inotify_event lost = {.wd = -1, .mask = IN_Q_OVERFLOW};
    for (int i = 0; i < 3; i++)
        assert_int_equal(write(pipe_ends[1], &lost, sizeof lost), sizeof lost);
    WX_UNTIL(w, wx_id(w->fx, "d/deep/untold.bmp") && wx_id(w->fx, "new/untold.bmp"));
    WX_UNTIL(w, w->sum.indexed == 5);
    assert_in_range(WX_GET(w, w->looks), 2, 4);
    assert_int_equal(atomic_load(&next_wd) - watches, 4); /* each folder once, and the new one */
    close(pipe_ends[1]);
    close(pipe_ends[0]);
    finish(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_is_the_root),
        cmocka_unit_test(a_disk_inside_a_root),
        cmocka_unit_test(no_watches_left),
        cmocka_unit_test(no_instances_left),
        cmocka_unit_test(a_network_folder_in_a_root),
        cmocka_unit_test(a_root_that_goes_and_comes_back),
        cmocka_unit_test(an_overflow_is_one_look_at_everything),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
