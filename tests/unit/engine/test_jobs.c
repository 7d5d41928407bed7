/* Jobs: uploads become pictures, scans run beside them, and all of it outlives its process. */
#include "jobs_fixture.h"

#include <signal.h>
#include <sys/wait.h>

static void an_upload_becomes_pictures(void **group)
{
    struct fx *fx = fx_new(group);
    jx_start(fx);
    int64_t job = jx_new(fx);
    assert_int_equal(jx_get(fx, job).job.state, EYE_JOB_OPEN);
    jx_add(fx, job, "a.bmp", 1);
    jx_add(fx, job, "trip/day 1/b.bmp", 2);
    jx_add_bytes(fx, job, "broken.jpg", "no picture", 10);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.state, EYE_JOB_DONE);
    assert_int_equal(done.job.total, 3);
    assert_int_equal(done.job.done, 3);
    assert_int_equal(done.job.indexed, 2);
    assert_int_equal(done.job.failed, 1);
    assert_string_equal(done.title, "test");
    assert_int_not_equal(done.job.finished_at, EYE_TIME_UNKNOWN);
    struct jx_item b = jx_item(fx, job, "trip/day 1/b.bmp"), bad = jx_item(fx, job, "broken.jpg");
    assert_int_equal(b.item.state, EYE_ITEM_INDEXED);
    assert_true(b.item.picture > 0);
    assert_int_equal(bad.item.state, EYE_ITEM_FAILED);
    assert_string_equal(bad.code, "format");
    assert_true(bad.reason[0]);
    assert_true(jx_there(fx, "trip/day 1/b.bmp"));
    assert_false(jx_there(fx, "broken.jpg"));
    assert_int_equal(jx_count(fx, "spool"), 0);
    eye_status st = fx_status(fx);
    assert_int_equal(st.pictures, 2);
    assert_int_equal(st.failures, 0);
    char path[700];
    snprintf(path, sizeof path, "%s/uploads/trip/day 1/b.bmp", fx->library);
    assert_int_equal(fx_best(fx, path, NULL), b.item.picture);
    fx_free(fx);
}

static void one_file_alone_is_quick(void **group)
{
    struct fx *fx = fx_new(group);
    jx_start(fx);
    int64_t warm = jx_new(fx);
    jx_add(fx, warm, "warm.bmp", 1);
    jx_close(fx, warm);
    jx_wait(fx, warm);
    double best = 1e9;
    for (uint64_t i = 0; i < 5; i++) {
        int64_t job = jx_new(fx);
        double before = eng_now();
        jx_add(fx, job, "a.bmp", 10 + i);
        jx_close(fx, job);
        jx_wait(fx, job);
        double took = eng_now() - before;
        best = took < best ? took : best;
    }
    print_message("one upload: %.1f ms\n", best * 1e3);
    assert_true(best < 0.5);
    fx_free(fx);
}

static int on_root(void *ctx, const eye_root *root)
{
    if (root->uploads)
        *(eye_root *)ctx = *root;
    return 0;
}

static void duplicates_are_told_and_not_kept(void **group)
{
    struct fx *fx = fx_new(group);
    eye_root root = {0};
    fx_picture(fx, "elsewhere.bmp", 5);
    fx_index(fx, "");
    jx_start(fx);
    int64_t job = jx_new(fx);
    jx_add(fx, job, "a.bmp", 1);
    jx_add(fx, job, "b.bmp", 1);
    jx_add(fx, job, "folder/c.bmp", 1);
    jx_add(fx, job, "known.bmp", 5);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.indexed, 1);
    assert_int_equal(done.job.duplicates, 3);
    int64_t picture = jx_item(fx, job, "a.bmp").item.picture;
    assert_true(picture > 0);
    assert_int_equal(jx_item(fx, job, "b.bmp").item.state, EYE_ITEM_DUPLICATE);
    assert_int_equal(jx_item(fx, job, "b.bmp").item.picture, picture);
    assert_int_equal(jx_item(fx, job, "folder/c.bmp").item.picture, picture);
    assert_false(jx_there(fx, "b.bmp"));
    assert_false(jx_there(fx, "folder"));
    struct jx_item known = jx_item(fx, job, "known.bmp"); /* the other copy may go away: kept */
    assert_int_equal(known.item.state, EYE_ITEM_DUPLICATE);
    assert_true(jx_there(fx, "known.bmp"));
    assert_int_equal(fx_status(fx).pictures, 2);
    FX_OK(fx, eye_roots(fx->lib, on_root, &root, &fx->err));
    assert_true(root.uploads && root.id > 0);
    assert_int_equal(root.files, 2);
    job = jx_new(fx); /* and now it is in the uploads */
    jx_add(fx, job, "again.bmp", 5);
    jx_close(fx, job);
    jx_wait(fx, job);
    assert_int_equal(jx_item(fx, job, "again.bmp").item.picture, known.item.picture);
    assert_false(jx_there(fx, "again.bmp"));
    fx_verify_clean(fx);
    fx_free(fx);
}

static void other_bytes_of_a_name_get_a_number(void **group)
{
    struct fx *fx = fx_new(group);
    jx_start(fx);
    int64_t job = jx_new(fx);
    for (uint64_t i = 1; i <= 5; i++)
        jx_add(fx, job, "p/image.bmp", i);
    jx_close(fx, job);
    assert_int_equal(jx_wait(fx, job).job.indexed, 5);
    assert_true(jx_there(fx, "p/image.bmp"));
    assert_int_equal(jx_count(fx, "uploads/p"), 5);
    assert_true(jx_there(fx, "p/image (2).bmp"));
    fx_free(fx);
}

static void names_that_escape_fail_as_items(void **group)
{
    struct fx *fx = fx_new(group);
    static const char *const bad[] = {"../up.bmp", "/etc/x.bmp",  "a/../../b.bmp",
                                      "C:\\x.bmp", ".hidden.bmp", "a/.git/b.bmp",
                                      "",          "a\nb.bmp",    "a/"};
    jx_start(fx);
    int64_t job = jx_new(fx);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        jx_add(fx, job, bad[i], i + 1);
    jx_add(fx, job, "a\\b\\good.bmp", 50);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.failed, sizeof bad / sizeof *bad);
    assert_int_equal(done.job.indexed, 1);
    struct jx_items *failed = jx_items(fx, job, EYE_ITEM_FAILED);
    assert_int_equal(failed->n, sizeof bad / sizeof *bad);
    for (size_t i = 0; i < failed->n; i++) {
        assert_string_equal(failed->items[i].name, bad[i]);
        assert_string_equal(failed->items[i].code, "invalid");
        assert_non_null(strstr(failed->items[i].reason, "name"));
    }
    free(failed);
    assert_true(jx_there(fx, "a/b/good.bmp"));
    assert_int_equal(jx_count(fx, "uploads"), 1);
    assert_int_equal(jx_count(fx, "spool"), 0);
    fx_free(fx);
}

static void a_link_in_the_uploads_leads_nowhere(void **group)
{
    struct fx *fx = fx_new(group);
    char link[700];
    jx_start(fx);
    snprintf(link, sizeof link, "%s/uploads/out", fx->library);
    assert_int_equal(symlink(fx->photos, link), 0);
    snprintf(link, sizeof link, "%s/uploads/file.bmp", fx->library);
    assert_int_equal(symlink("/nonexistent/target", link), 0);
    int64_t job = jx_new(fx);
    jx_add(fx, job, "out/a.bmp", 1);
    jx_add(fx, job, "file.bmp", 2);
    jx_close(fx, job);
    jx_wait(fx, job);
    assert_int_equal(jx_item(fx, job, "out/a.bmp").item.state, EYE_ITEM_FAILED);
    assert_int_equal(jx_item(fx, job, "file.bmp").item.state, EYE_ITEM_INDEXED);
    assert_true(jx_there(fx, "file (2).bmp"));
    char path[600];
    fx_path(fx, "a.bmp", path);
    assert_int_not_equal(access(path, F_OK), 0);
    fx_free(fx);
}

static void what_cannot_be_asked_is_refused(void **group)
{
    struct fx *fx = fx_new(group);
    char path[600];
    int64_t id = 0, job = jx_new(fx);
    assert_int_equal(eye_job_get(fx->lib, 99, jx_copy, NULL, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(eye_job_close(fx->lib, 99, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(eye_job_cancel(fx->lib, 99, &fx->err), EYE_ENOTFOUND);
    assert_int_equal(eye_job_new(fx->lib, (eye_job_kind)7, "", &id, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_job_add(fx->lib, job, "a", "/etc/passwd", NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(eye_job_add(fx->lib, job, "a", "..", NULL, &fx->err), EYE_EINVAL);
    jx_close(fx, job);
    jx_stage(fx, "x", 1, path);
    assert_int_equal(eye_job_add(fx->lib, job, "a", path, NULL, &fx->err), EYE_EBUSY);
    assert_int_not_equal(access(path, F_OK), 0);
    jx_stage(fx, "x", 1, path);
    assert_int_equal(eye_job_add(fx->lib, 99, "a", path, NULL, &fx->err), EYE_ENOTFOUND);
    assert_int_not_equal(access(path, F_OK), 0);
    jx_start(fx);
    assert_int_equal(eye_jobs_start(fx->lib, NULL, NULL, &fx->err), EYE_EINVAL);
    assert_int_equal(jx_wait(fx, job).job.state, EYE_JOB_DONE); /* nothing was in it */
    fx_free(fx);
}

/* ---- telling ---- */

struct told {
    pthread_mutex_t lock;
    int n, finals;
    uint64_t version, done;
    int64_t last_state;
};

static void on_change(void *ctx, const eye_job *job)
{
    struct told *t = ctx;
    pthread_mutex_lock(&t->lock);
    t->n++;
    assert_true(job->version >= t->version);
    assert_true(job->done >= t->done);
    t->version = job->version;
    t->done = job->done;
    t->last_state = job->state;
    t->finals += job->state >= EYE_JOB_DONE;
    pthread_mutex_unlock(&t->lock);
}

static void changes_are_told_in_order_and_to_the_last(void **group)
{
    struct fx *fx = fx_new(group);
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};
    FX_OK(fx, eye_jobs_start(fx->lib, on_change, &told, &fx->err));
    int64_t job = jx_new(fx);
    for (uint64_t i = 1; i <= 40; i++)
        jx_add(fx, job, "a.bmp", i);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    for (int i = 0; i < 400 && told.last_state != EYE_JOB_DONE; i++) {
        jx_pause(5);
        pthread_mutex_lock(&told.lock);
        pthread_mutex_unlock(&told.lock);
    }
    eye_jobs_stop(fx->lib);
    assert_int_equal(told.last_state, EYE_JOB_DONE);
    assert_int_equal(told.done, 40);
    assert_int_equal(told.version, done.job.version);
    assert_in_range(told.finals, 1, 2);
    assert_true(told.n < 60);
    fx_free(fx);
}

/* ---- scans ---- */

static void a_scan_and_a_retry(void **group)
{
    struct fx *fx = fx_new(group);
    int64_t job = 0;
    for (uint64_t i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.bmp", (int)i);
        fx_picture(fx, name, i + 1);
    }
    fx_write(fx, "bad.jpg", "no", 2);
    jx_start(fx);
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_SCAN, fx->photos, &job, &fx->err));
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.state, EYE_JOB_DONE);
    assert_int_equal(done.job.indexed, 20);
    assert_int_equal(done.job.failed, 1);
    assert_int_equal(done.job.total, 21);
    assert_int_equal(done.job.done, 21);
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_SCAN, "", &job, &fx->err));
    done = jx_wait(fx, job);
    assert_int_equal(done.job.unchanged, 20);
    assert_int_equal(done.job.failed, 1);
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_RETRY, NULL, &job, &fx->err));
    done = jx_wait(fx, job);
    assert_int_equal(done.job.total, 1);
    assert_int_equal(done.job.failed, 1);
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_SCAN, "/nonexistent/folder", &job, &fx->err));
    done = jx_wait(fx, job);
    assert_int_equal(done.job.state, EYE_JOB_FAILED);
    assert_non_null(strstr(done.note, "/nonexistent/folder"));
    fx_free(fx);
}

struct race {
    struct fx *fx;
    int64_t scan, upload, first_done;
};

/* On the jobs' own thread: an upload comes in just when the scan begins. */
static void on_race(void *ctx, const eye_job *job)
{
    struct race *race = ctx;
    if (job->kind == EYE_JOB_SCAN && job->state == EYE_JOB_RUNNING && !race->upload) {
        race->upload = jx_new(race->fx);
        jx_add(race->fx, race->upload, "a.bmp", 5000);
        jx_close(race->fx, race->upload);
    }
    if (job->state == EYE_JOB_DONE && !race->first_done)
        race->first_done = job->id;
}

static void an_upload_overtakes_a_scan(void **group)
{
    enum { FILES = 100 };
    struct fx *fx = fx_new(group);
    struct race race = {.fx = fx};
    for (uint64_t i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.bmp", (int)i);
        fx_picture(fx, name, i + 1);
    }
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_SCAN, fx->photos, &race.scan, &fx->err));
    FX_OK(fx, eye_jobs_start(fx->lib, on_race, &race, &fx->err));
    struct jx_job done = jx_wait(fx, race.scan);
    eye_jobs_stop(fx->lib);
    assert_int_equal(race.first_done, race.upload);
    assert_int_equal(done.job.state, EYE_JOB_DONE);
    assert_int_equal(done.job.total, FILES);
    assert_int_equal(done.job.done, FILES);
    assert_int_equal(done.job.indexed, FILES);
    assert_int_equal(done.job.unchanged, 0);
    assert_int_equal(fx_status(fx).pictures, FILES + 1);
    fx_free(fx);
}

static void jobs_wait_for_another_process(void **group)
{
    struct fx *fx = fx_new(group);
    int lock = -1;
    FX_OK(fx, eng_lock(fx->lib, &lock, &fx->err));
    jx_start(fx);
    int64_t job = jx_new(fx);
    jx_add(fx, job, "a.bmp", 1);
    jx_close(fx, job);
    for (int i = 0; i < 1000 && !jx_get(fx, job).note[0]; i++)
        jx_pause(5);
    struct jx_job waits = jx_get(fx, job);
    assert_non_null(strstr(waits.note, "is indexing this library"));
    assert_in_range(waits.job.state, EYE_JOB_QUEUED, EYE_JOB_RUNNING);
    eng_unlock(lock);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.indexed, 1);
    assert_string_equal(done.note, "");
    fx_free(fx);
}

static void cancelled_uploads_leave_nothing_waiting(void **group)
{
    struct fx *fx = fx_new(group);
    int64_t job = jx_new(fx), scan = 0;
    for (uint64_t i = 1; i <= 10; i++)
        jx_add(fx, job, "a.bmp", i);
    FX_OK(fx, eye_job_cancel(fx->lib, job, &fx->err));
    FX_OK(fx, eye_job_new(fx->lib, EYE_JOB_SCAN, fx->photos, &scan, &fx->err));
    FX_OK(fx, eye_job_cancel(fx->lib, scan, &fx->err));
    jx_start(fx);
    for (int i = 0; i < 1000 && jx_get(fx, job).job.done < 10; i++)
        jx_pause(5);
    struct jx_job done = jx_get(fx, job);
    assert_int_equal(done.job.state, EYE_JOB_CANCELLED);
    assert_int_equal(done.job.failed, 10);
    assert_string_equal(jx_item(fx, job, "a.bmp").code, "cancelled");
    assert_int_equal(jx_count(fx, "spool"), 0);
    assert_int_equal(jx_count(fx, "uploads"), 0);
    assert_int_equal(jx_get(fx, scan).job.state, EYE_JOB_CANCELLED);
    FX_OK(fx, eye_job_cancel(fx->lib, job, &fx->err)); /* once more: nothing */
    fx_free(fx);
}

/* A kill between noting a place and moving there, and then somebody else takes the place. */
static void what_is_given_up_in_the_spool_deletes_nothing_else(void **group)
{
    struct fx *fx = fx_new(group);
    char foreign[700];
    int64_t job = jx_new(fx), seq = jx_add(fx, job, "a.bmp", 1);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_item_place(s, job, seq, "a.bmp", &fx->err));
    eng_store_put(fx->lib, s);
    snprintf(foreign, sizeof foreign, "%s/uploads", fx->library);
    assert_int_equal(mkdir(foreign, 0700), 0);
    snprintf(foreign, sizeof foreign, "%s/uploads/a.bmp", fx->library);
    fx_picture(fx, foreign, 2);
    FX_OK(fx, eye_job_cancel(fx->lib, job, &fx->err));
    jx_start(fx);
    for (int i = 0; i < 1000 && jx_get(fx, job).job.done < 1; i++)
        jx_pause(5);
    assert_string_equal(jx_item(fx, job, "a.bmp").code, "cancelled");
    assert_int_equal(jx_count(fx, "spool"), 0);
    assert_true(jx_there(fx, "a.bmp"));
    fx_free(fx);
}

static void forgetting_a_folder_above_keeps_the_uploads(void **group)
{
    struct fx *fx = fx_new(group);
    uint64_t removed = 0;
    const char *above[] = {fx->dir};
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    jx_start(fx);
    int64_t job = jx_new(fx);
    jx_add(fx, job, "b.bmp", 2);
    jx_close(fx, job);
    assert_int_equal(jx_wait(fx, job).job.indexed, 1);
    FX_OK(fx, eye_remove(fx->lib, above, 1, NULL, 0, &removed, &fx->err));
    assert_int_equal(removed, 1);
    assert_int_equal(fx_status(fx).pictures, 1);
    assert_true(jx_there(fx, "b.bmp"));
    fx_free(fx);
}

/* ---- processes ---- */

static void two_servers_are_one_too_many(void **group)
{
    struct fx *fx = fx_new(group);
    jx_start(fx);
    eye_options o = fx_options(fx);
    eye_lib *other = eye_open(&o, &fx->err);
    assert_non_null(other);
    assert_int_equal(eye_jobs_start(other, NULL, NULL, &fx->err), EYE_EBUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_non_null(strstr(fx->err.msg, pid));
    eye_jobs_stop(fx->lib);
    FX_OK(fx, eye_jobs_start(other, NULL, NULL, &fx->err));
    eye_close(other);
    jx_start(fx);
    fx_free(fx);
}

static void stray_files_of_the_spool_go_at_the_start(void **group)
{
    struct fx *fx = fx_new(group);
    char stray[600];
    int64_t job = jx_new(fx);
    jx_add(fx, job, "a.bmp", 1);
    jx_stage(fx, "x", 1, stray);
    jx_start(fx);
    assert_int_not_equal(access(stray, F_OK), 0);
    jx_close(fx, job);
    assert_int_equal(jx_wait(fx, job).job.indexed, 1);
    fx_free(fx);
}

/* The child is killed somewhere in the middle of an upload that is still open; its successor goes on, and the client too. */
static void kill_9_loses_nothing(void **group)
{
    enum { FILES = 100 };
    for (int round = 0; round < 2; round++) {
        struct fx *fx = fx_new(group);
        int64_t job = jx_new(fx);
        for (uint64_t i = 1; i <= FILES; i++) {
            char name[40];
            snprintf(name, sizeof name, "%d/p.bmp", (int)(i % 7));
            jx_add(fx, job, name, i % 50 == 0 ? 1 : i);
        }
        jx_add_bytes(fx, job, "bad.jpg", "no", 2);
        eye_close(fx->lib);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            fx_open(fx);
            eye_jobs_start(fx->lib, NULL, NULL, NULL);
            pause();
            _exit(0);
        }
        fx->lib = NULL;
        jx_pause(60 + 150 * round);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fx_open(fx);
        struct jx_job before = jx_get(fx, job);
        assert_int_equal(before.job.state, EYE_JOB_OPEN);
        jx_start(fx);
        jx_add(fx, job, "late.bmp", 9999);
        jx_close(fx, job);
        struct jx_job done = jx_wait(fx, job);
        assert_int_equal(done.job.total, FILES + 2);
        assert_int_equal(done.job.done, FILES + 2);
        assert_int_equal(done.job.indexed, FILES + 1 - FILES / 50);
        assert_int_equal(done.job.duplicates, FILES / 50);
        assert_int_equal(done.job.failed, 1);
        assert_true(done.job.version > before.job.version);
        assert_int_equal(fx_status(fx).pictures, FILES + 1 - FILES / 50);
        assert_int_equal(fx_status(fx).files, FILES + 1 - FILES / 50);
        assert_int_equal(fx_status(fx).failures, 0);
        assert_int_equal(jx_count(fx, "spool"), 0);
        assert_false(jx_there(fx, "bad.jpg"));
        fx_verify_clean(fx);
        fx_free(fx);
    }
}

static void stopping_is_quick_and_goes_on_later(void **group)
{
    enum { FILES = 100 };
    struct fx *fx = fx_new(group);
    int64_t job = jx_new(fx);
    for (uint64_t i = 1; i <= FILES; i++)
        jx_add(fx, job, "a.bmp", i);
    jx_close(fx, job);
    jx_start(fx);
    while (jx_get(fx, job).job.state < EYE_JOB_RUNNING)
        jx_pause(1);
    double before = eng_now();
    eye_jobs_stop(fx->lib);
    assert_true(eng_now() - before < 2);
    eye_jobs_stop(fx->lib);
    jx_start(fx);
    assert_int_equal(jx_wait(fx, job).job.indexed, FILES);
    fx_free(fx);
}

static int count_job(void *ctx, const eye_job *job)
{
    (void)job;
    ++*(int *)ctx;
    return 0;
}

static void old_finished_jobs_are_forgotten(void **group)
{
    struct fx *fx = fx_new(group);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    struct jx_job first;
    bool changed;
    int64_t id = 0;
    int n = 0;
    FX_OK(fx, store_begin(s, &fx->err));
    for (int i = 0; i < 1100; i++) {
        FX_OK(fx, store_job_new(s, EYE_JOB_SCAN, EYE_JOB_QUEUED, "", &id, &fx->err));
        if (i > 0)
            FX_OK(fx,
                  store_job_move(s, id, EYE_JOB_RUNNING, EYE_JOB_DONE, true, &changed, &fx->err));
    }
    FX_OK(fx, store_commit(s, &fx->err));
    eng_store_put(fx->lib, s);
    jx_start(fx);
    int64_t job = jx_new(fx);
    jx_close(fx, job);
    jx_wait(fx, job);
    for (int i = 0; i < 1000 && eye_job_get(fx->lib, 1, jx_copy, &first, NULL) == 0; i++)
        jx_pause(5); /* the scan, finished last, is the oldest of all */
    FX_OK(fx, eye_jobs(fx->lib, 0, 5000, count_job, &n, &fx->err));
    assert_int_equal(n, 1000);
    n = 0;
    FX_OK(fx, eye_jobs(fx->lib, job, 10, count_job, &n, &fx->err));
    assert_int_equal(n, 10);
    fx_free(fx);
}

static void many_uploads_leave_nothing_behind(void **group)
{
    enum { JOBS = 40 };
    struct fx *fx = fx_new(group);
    jx_start(fx);
    int before = 0;
    for (uint64_t i = 0; i < JOBS; i++) {
        int64_t job = jx_new(fx);
        jx_add(fx, job, "image.bmp", i % 10);
        jx_close(fx, job);
        jx_wait(fx, job);
        if (i == 20)
            before = descriptors();
    }
    assert_true(descriptors() <= before + 2);
    assert_int_equal(jx_count(fx, "spool"), 0);
    assert_int_equal(jx_count(fx, "uploads"), 10);
    assert_int_equal(fx_status(fx).pictures, 10);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_becomes_pictures),
        cmocka_unit_test(one_file_alone_is_quick),
        cmocka_unit_test(duplicates_are_told_and_not_kept),
        cmocka_unit_test(other_bytes_of_a_name_get_a_number),
        cmocka_unit_test(names_that_escape_fail_as_items),
        cmocka_unit_test(a_link_in_the_uploads_leads_nowhere),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(changes_are_told_in_order_and_to_the_last),
        cmocka_unit_test(a_scan_and_a_retry),
        cmocka_unit_test(an_upload_overtakes_a_scan),
        cmocka_unit_test(jobs_wait_for_another_process),
        cmocka_unit_test(cancelled_uploads_leave_nothing_waiting),
        cmocka_unit_test(what_is_given_up_in_the_spool_deletes_nothing_else),
        cmocka_unit_test(forgetting_a_folder_above_keeps_the_uploads),
        cmocka_unit_test(two_servers_are_one_too_many),
        cmocka_unit_test(stray_files_of_the_spool_go_at_the_start),
        cmocka_unit_test(kill_9_loses_nothing),
        cmocka_unit_test(stopping_is_quick_and_goes_on_later),
        cmocka_unit_test(old_finished_jobs_are_forgotten),
        cmocka_unit_test(many_uploads_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
