/* test_backup.c - a library comes back as it was; what is stopped, killed or refused leaves nothing behind. */
#include "engine/backup_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "engine/backup.h"

/* ---- round trip ---- */

static void test_round_trip(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600], want[600];
    struct stat a, b;
    float score = 0;
    int64_t id = fx_best(fx, "a.bmp", NULL);
    bx_backup(fx, "x.zip");
    assert_string_equal(bx_names(fx), "lib photos x.zip ");
    assert_int_equal(stat(bx_path(fx, "x.zip", path), &a), 0);
    assert_int_equal(a.st_mode & 0777, 0600);
    FX_OK(fx, eye_backup_check(path, NULL, &fx->err));
    FX_OK(fx, bx_restore_rc(fx, "x.zip", "new"));
    assert_string_equal(bx_names(fx), "lib new photos x.zip ");
    stat(bx_path(fx, "lib/uploads/sub/two \xff.bmp", path), &a);
    assert_int_equal(stat(bx_path(fx, "new/uploads/sub/two \xff.bmp", path), &b), 0);
    assert_int_equal(a.st_size, b.st_size);
    assert_int_equal(eng_mtime_ns(&a), eng_mtime_ns(&b));

    bx_switch(fx, "new");
    assert_int_equal(fx_best(fx, "a.bmp", &score), id);
    assert_true(score > 0.999f);
    eye_picture *p = NULL;
    snprintf(path, sizeof path, "%s/uploads/one.bmp", fx->library);
    FX_OK(fx, eye_picture_get(fx->lib, fx_best(fx, path, NULL), &p, &fx->err));
    assert_string_equal(p->paths[0], path); /* the uploads are where the library is */
    eye_picture_free(p);
    bx_verify_deep(fx);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 5, 0, 1);
    assert_int_equal(fx_status(fx).failures, 1);
    snprintf(want, sizeof want, "%s/.eyeshine-work", fx->library);
    assert_int_equal(access(want, F_OK), -1);
    fx_free(fx);
}

/* What the zip says must be true for unzip and sha256sum, too. */
static void test_without_eyeshine(void **state)
{
    struct fx *fx = bx_new(state);
    char command[1400];
    bx_backup(fx, "x.zip");
    snprintf(command, sizeof command,
             "cd %s && python3 -c 'import zipfile; z = zipfile.ZipFile(\"x.zip\");"
             " assert z.testzip() is None; z.extractall(\"out\")' && cd out &&"
             " sha256sum --quiet -c SHA256SUMS && test $(wc -l <SHA256SUMS) = 4 &&"
             " cmp uploads/one.bmp ../lib/uploads/one.bmp",
             fx->dir);
    assert_int_equal(system(command), 0);
    fx_free(fx);
}

static void test_empty_library(void **state)
{
    struct fx *fx = fx_new(state);
    bx_backup(fx, "x.zip");
    FX_OK(fx, bx_restore_rc(fx, "x.zip", "new"));
    bx_switch(fx, "new");
    assert_int_equal(fx_status(fx).pictures, 0);
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    assert_int_equal(fx_status(fx).pictures, 1);
    fx_free(fx);
}

static void test_uploads_that_are_not_as_they_were(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600];
    unlink(bx_path(fx, "lib/uploads/one.bmp", path));
    fx_write(fx, bx_path(fx, "lib/uploads/sub/three e\xcc\x81.bmp", path), "rotten", 6);
    bx_path(fx, "lib/uploads/late.bmp", path);
    fx_picture(fx, path, 9); /* not indexed: not in the backup */
    fx->log[0] = '\0';
    bx_backup(fx, "x.zip");
    assert_non_null(strstr(fx->log, "one.bmp: not there"));
    assert_non_null(strstr(fx->log, "its bytes are not those that were indexed"));
    FX_OK(fx, bx_restore_rc(fx, "x.zip", "new"));
    assert_int_equal(access(bx_path(fx, "new/uploads/one.bmp", path), F_OK), -1);
    assert_int_equal(access(bx_path(fx, "new/uploads/late.bmp", path), F_OK), -1);
    assert_int_equal(access(bx_path(fx, "new/uploads/sub/two \xff.bmp", path), F_OK), 0);
    fx_free(fx);
}

/* ---- where it goes ---- */

static void test_where_a_backup_may_go(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600], work[600];
    bx_backup(fx, "x.zip");
    bx_path(fx, "x.zip", path);
    assert_int_equal(eye_backup(fx->lib, path, NULL, &fx->err), EYE_EEXIST);
    assert_int_equal(eye_backup(fx->lib, "", NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_backup(fx->lib, NULL, NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_backup(fx->lib, bx_path(fx, "no/x.zip", path), NULL, &fx->err),
                     EYE_ENOTFOUND);
    /* Somebody's folder of that name, even a library: it stays. */
    bx_path(fx, "y.zip.tmp", work);
    assert_int_equal(mkdir(work, 0700), 0);
    fx_write(fx, bx_path(fx, "y.zip.tmp/library.db", path), "mine", 4);
    assert_int_equal(eye_backup(fx->lib, bx_path(fx, "y.zip", path), NULL, &fx->err), EYE_EEXIST);
    assert_int_equal(access(bx_path(fx, "y.zip.tmp/library.db", path), F_OK), 0);
    unlink(path);
    /* What a backup left that died before it had made anything. */
    int fd = open(work, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0); /* but it lives */
    assert_int_equal(eye_backup(fx->lib, bx_path(fx, "y.zip", path), NULL, &fx->err), EYE_EBUSY);
    close(fd);
    bx_backup(fx, "y.zip");
    fx_write(fx, bx_path(fx, "z.zip.tmp", path), "", 0); /* a file is in the way */
    assert_int_equal(eye_backup(fx->lib, bx_path(fx, "z.zip", path), NULL, &fx->err), EYE_EEXIST);
    assert_string_equal(bx_names(fx), "lib photos x.zip y.zip z.zip.tmp ");
    fx_free(fx);
}

static void test_where_a_restore_may_go(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600];
    bx_backup(fx, "x.zip");
    assert_int_equal(bx_restore_rc(fx, "x.zip", "lib"), EYE_EEXIST);
    assert_int_equal(bx_restore_rc(fx, "x.zip", "x.zip"), EYE_EEXIST);
    assert_int_equal(bx_restore_rc(fx, "none.zip", "new"), EYE_ENOTFOUND);
    assert_int_equal(mkdir(bx_path(fx, "full", path), 0700), 0);
    fx_write(fx, bx_path(fx, "full/x", path), "", 0);
    assert_int_equal(bx_restore_rc(fx, "x.zip", "full"), EYE_EEXIST);
    assert_non_null(strstr(fx->err.msg, "not empty"));
    assert_int_equal(mkdir(bx_path(fx, "empty", path), 0750), 0);
    FX_OK(fx, bx_restore_rc(fx, "x.zip", "empty"));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777,
                     0750); /* the folder that was there is the one that is there */
    assert_int_equal(access(bx_path(fx, "empty/.restoring", path), F_OK), -1);
    FX_OK(fx, bx_restore_rc(fx, "x.zip", "far/away/new"));
    bx_switch(fx, "empty");
    bx_verify_deep(fx);
    bx_switch(fx, "far/away/new");
    bx_verify_deep(fx);
    fx_free(fx);
}

/* ---- stopped and killed ---- */

struct stopper {
    int left, calls;
    bool dies;
    uint64_t last, total;
};

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct stopper *s = ctx;
    s->calls++;
    assert_true(done <= total && done >= s->last);
    s->last = done;
    s->total = total;
    if (--s->left > 0)
        return 0;
    if (s->dies)
        raise(SIGKILL);
    return 1;
}

static void test_stopped_anywhere(void **state)
{
    struct fx *fx = bx_new(state);
    char file[600], dir[600];
    int n = 1, rc = EYE_ECANCELLED;
    for (; rc; n++) {
        struct stopper s = {.left = n};
        eye_backup_options o = {on_progress, &s};
        rc = eye_backup(fx->lib, bx_path(fx, "x.zip", file), &o, &fx->err);
        assert_int_equal(rc, s.left > 0 ? 0 : EYE_ECANCELLED);
        assert_string_equal(bx_names(fx), rc ? "lib photos " : "lib photos x.zip ");
    }
    assert_true(n > 4);
    for (n = 1, rc = EYE_ECANCELLED; rc; n++) {
        struct stopper s = {.left = n};
        eye_backup_options o = {on_progress, &s};
        rc = eye_restore(file, bx_path(fx, "made/new", dir), &o, &fx->err);
        assert_int_equal(rc, s.left > 0 ? 0 : EYE_ECANCELLED);
        assert_string_equal(bx_names(fx), rc ? "lib photos x.zip " : "lib made photos x.zip ");
        assert_true(rc || s.last == s.total);
    }
    assert_true(n > 4);
    bx_switch(fx, "made/new");
    bx_verify_deep(fx);
    fx_free(fx);
}

struct job {
    struct fx *fx;
    struct stopper stopper;
    bool restore;
    rlim_t file_size;
};

/* In a child: 0, or minus the code. */
static int child_work(void *ctx)
{
    struct job *j = ctx;
    char file[600], dir[600];
    eye_backup_options o = {on_progress, &j->stopper};
    struct eye_err err = {0};
    if (j->file_size) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){j->file_size, j->file_size});
    }
    bx_path(j->fx, "x.zip", file);
    if (j->restore)
        return -eye_restore(file, bx_path(j->fx, "new", dir), &o, &err);
    eye_options options = fx_options(j->fx);
    eye_lib *lib = eye_open(&options, &err);
    if (!lib)
        return 100;
    int rc = eye_backup(lib, file, &o, &err);
    if (rc && j->file_size && !strstr(err.msg, "the disk is full: the backup needs "))
        rc = -101;
    eye_close(lib);
    return -rc;
}

static void test_killed_anywhere(void **state)
{
    struct fx *fx = bx_new(state);
    int n = 1, rc = 0;
    eye_close(fx->lib);
    fx->lib = NULL;
    do { /* each begins over what the one before left */
        struct job j = {.fx = fx, .stopper = {.left = n++, .dies = true}};
        rc = bx_child(child_work, &j);
        assert_true(rc == -SIGKILL || rc == 0);
        assert_string_equal(bx_names(fx), rc ? "lib photos x.zip.tmp " : "lib photos x.zip ");
    } while (rc);
    assert_true(n > 4);
    for (int inside = 0; inside < 2; inside++) {
        char path[600];
        if (inside)
            assert_int_equal(mkdir(bx_path(fx, "new", path), 0700), 0);
        n = 1;
        do {
            struct job j = {.fx = fx, .stopper = {.left = n++, .dies = true}, .restore = true};
            rc = bx_child(child_work, &j);
            assert_true(rc == -SIGKILL || rc == 0);
            assert_int_equal(access(bx_path(fx, "new/library.db", path), F_OK), rc ? -1 : 0);
        } while (rc);
        assert_true(n > 4);
        assert_string_equal(bx_names(fx), "lib new photos x.zip ");
        fx_open(fx);
        bx_verify_deep(fx);
        bx_switch(fx, "new");
        bx_verify_deep(fx);
        eye_close(fx->lib);
        fx->lib = NULL;
        fx_rm(fx->library);
        snprintf(fx->library, sizeof fx->library, "%s/lib", fx->dir);
    }
    fx_open(fx);
    fx_free(fx);
}

/* Killed between the two renames into a folder that was there: the next one goes on. */
static void test_half_in_place(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600], command[1400];
    bx_backup(fx, "x.zip");
    snprintf(command, sizeof command,
             "cd %s && mkdir -p new/.restoring new/uploads/sub &&"
             " touch new/.restoring/.eyeshine-work new/.restoring/library.db new/uploads/sub/x",
             fx->dir);
    assert_int_equal(system(command), 0);
    FX_OK(fx, bx_restore_rc(fx, "x.zip", "new"));
    assert_int_equal(access(bx_path(fx, "new/uploads/sub/x", path), F_OK), -1);
    bx_switch(fx, "new");
    bx_verify_deep(fx);
    /* Without the mark it is somebody's. */
    snprintf(command, sizeof command, "cd %s && mkdir -p mine/uploads mine/.restoring", fx->dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(bx_restore_rc(fx, "x.zip", "mine"), EYE_EEXIST);
    assert_int_equal(access(bx_path(fx, "mine/uploads", path), F_OK), 0);
    fx_free(fx);
}

static void test_disk_full(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600];
    bx_path(fx, "lib/library.db", path);
    eye_close(fx->lib);
    fx->lib = NULL;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    /* The copy fits, the zip with the uploads does not. */
    struct job j = {.fx = fx, .stopper = {.left = 1000000}, .file_size = (rlim_t)st.st_size + 9000};
    assert_int_equal(bx_child(child_work, &j), -EYE_EIO);
    assert_string_equal(bx_names(fx), "lib photos ");
    j.file_size = 0;
    assert_int_equal(bx_child(child_work, &j), 0);
    j.restore = true;
    j.file_size = 100000;
    assert_int_equal(bx_child(child_work, &j), -EYE_EIO);
    assert_string_equal(bx_names(fx), "lib photos x.zip ");
    fx_open(fx);
    fx_free(fx);
}

static void test_space(void **state)
{
    struct eye_err err = {0};
    (void)state;
    assert_int_equal(backup_space("/", 1, "it", &err), 0);
    assert_int_equal(backup_space("/", UINT64_MAX / 2, "the backup", &err), EYE_EIO);
    assert_non_null(strstr(err.msg, "the disk is full: the backup needs 9223372036854.8 MB"));
}

/* ---- while others work ---- */

struct worker {
    struct fx *fx;
    atomic_bool stop;
    int rounds;
};

static void *index_on(void *ctx)
{
    struct worker *w = ctx;
    struct eye_err err = {0};
    eye_index_progress out;
    const char *paths[] = {w->fx->photos};
    eye_index_options o = {0};
    for (uint64_t seed = 100; !atomic_load(&w->stop); seed += 3) {
        char name[40];
        for (uint64_t i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "more/%llu.bmp", (unsigned long long)((seed + i) % 60));
            fx_picture(w->fx, name, seed + i);
        }
        if (eye_index(w->fx->lib, paths, 1, &o, &out, &err) != 0 && err.code != EYE_EBUSY)
            print_message("index: %s\n", err.msg);
        w->rounds++;
    }
    return NULL;
}

static void test_while_indexing(void **state)
{
    struct fx *fx = bx_new(state);
    struct worker w = {.fx = fx};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, index_on, &w), 0);
    for (int i = 0; i < 4; i++) {
        char name[40];
        snprintf(name, sizeof name, "%d.zip", i);
        bx_backup(fx, name);
        usleep(50000);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    assert_true(w.rounds > 1);
    for (int i = 0; i < 4; i++) {
        char name[40], lib[40];
        snprintf(name, sizeof name, "%d.zip", i);
        snprintf(lib, sizeof lib, "new%d", i);
        FX_OK(fx, bx_restore_rc(fx, name, lib)); /* which compares the counts */
        bx_switch(fx, lib);
        fx_verify_clean(fx);
        assert_true(fx_status(fx).pictures >= 5);
        assert_int_equal(fx_status(fx).embedded, fx_status(fx).pictures);
    }
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_without_eyeshine),
        cmocka_unit_test(test_empty_library),
        cmocka_unit_test(test_uploads_that_are_not_as_they_were),
        cmocka_unit_test(test_where_a_backup_may_go),
        cmocka_unit_test(test_where_a_restore_may_go),
        cmocka_unit_test(test_stopped_anywhere),
        cmocka_unit_test(test_killed_anywhere),
        cmocka_unit_test(test_half_in_place),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_space),
        cmocka_unit_test(test_while_indexing),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
