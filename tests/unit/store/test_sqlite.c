/* Opening, transactions, and what goes wrong: damage, newer versions, full disks, kills, neighbours. */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/sqlite.h"

/* ---- opening ---- */

static void no_library_is_not_found(void **state)
{
    (void)state;
    struct eye_err err;
    assert_null(store_open("/nonexistent/eyeshine", false, false, &err));
    assert_int_equal(err.code, EYE_ENOTFOUND);
    assert_null(store_open("/nonexistent/eyeshine", false, true, &err));
    assert_int_equal(err.code, EYE_ENOTFOUND);
    assert_null(store_open("/tmp", false, true, NULL));
}

static void reopened_it_is_all_there(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "a.jpg", "a"), at = 0;
    store_close(l->s);
    l->s = store_open(l->dir, false, false, &l->err);
    assert_non_null(l->s);
    OK(l, store_picture_at(l->s, l->root, "a.jpg", &at, &l->err));
    assert_int_equal(at, id);
    assert_clean(l);
}

static void reopen_expecting(struct lib *l, int code, const char *words)
{
    for (int create = 0; create < 2; create++) {
        memset(&l->err, 0, sizeof l->err);
        struct store *s = store_open(l->dir, create, false, &l->err);
        assert_null(s);
        assert_int_equal(l->err.code, code);
        assert_non_null(strstr(l->err.msg, words));
        assert_non_null(strstr(l->err.msg, "library.db"));
    }
}

static void overwrite(struct lib *l, long at, const void *bytes, size_t len, long size)
{
    char path[300];
    lib_path(l, "", path, sizeof path);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    if (size >= 0)
        assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void foreign_newer_and_damaged_are_refused(void **state)
{
    struct lib *l = *state;
    for (int i = 0; i < 200; i++) {
        char rel[16];
        snprintf(rel, sizeof rel, "%d", i);
        add(l, rel, rel);
    }
    store_close(l->s);
    l->s = NULL;
    raw_sql(l, "PRAGMA user_version = 7");
    reopen_expecting(l, EYE_EFORMAT, "newer eyeshine (layout 7");
    raw_sql(l, "PRAGMA user_version = 0");
    reopen_expecting(l, EYE_EFORMAT, "damaged");
    raw_sql(l, "PRAGMA user_version = 3; PRAGMA application_id = 252006674");
    reopen_expecting(l, EYE_EFORMAT, "some other program");
    raw_sql(l, "PRAGMA application_id = 0x45796573; DROP TRIGGER file_gone");
    reopen_expecting(l, EYE_EFORMAT, "5 of 6 triggers");
    raw_sql(l, "DROP TABLE mount");
    reopen_expecting(l, EYE_EFORMAT, "no such table: mount");
    overwrite(l, 100, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, -1); /* root page of the schema */
    reopen_expecting(l, EYE_EFORMAT, "damaged");
    overwrite(l, 0, "GIF89a, not a database at all", 29, 8192);
    reopen_expecting(l, EYE_EFORMAT, "not a database");
}

/* Layout 1 is this one without its additions. */
static void make_old(const struct lib *l)
{
    raw_sql(
        l,
        "DROP TRIGGER embedding_new; DROP TRIGGER embedding_changed; DROP TRIGGER embedding_gone;"
        "DROP TABLE vector_log; DROP TABLE segment; DROP TABLE state;"
        "DROP INDEX picture_taken; DROP INDEX picture_added; DROP INDEX picture_width;"
        "DROP INDEX picture_height; DROP INDEX picture_area; DROP INDEX picture_shape;"
        "DROP INDEX picture_camera; DROP INDEX picture_format; DROP INDEX picture_place;"
        "DROP INDEX file_modified; DROP INDEX picture_unseen;"
        "ALTER TABLE picture DROP COLUMN phash; ALTER TABLE picture DROP COLUMN mosaic; ALTER "
        "TABLE model DROP COLUMN log_from;"
        "ALTER TABLE model DROP COLUMN switches;"
        "CREATE TRIGGER embedding_new AFTER INSERT ON embedding"
        "  BEGIN UPDATE model SET vectors = vectors + 1, changes = changes + 1"
        "    WHERE id = NEW.id >> 40; END;"
        "CREATE TRIGGER embedding_changed AFTER UPDATE ON embedding"
        "  BEGIN UPDATE model SET changes = changes + 2 WHERE id = NEW.id >> 40; END;"
        "CREATE TRIGGER embedding_gone AFTER DELETE ON embedding"
        "  BEGIN UPDATE model SET vectors = vectors - 1, changes = changes + 1"
        "    WHERE id = OLD.id >> 40; END;"
        "ALTER TABLE root DROP COLUMN files_only; ALTER TABLE root DROP COLUMN uploads;"
        "DROP TABLE job_item; DROP TABLE job; DROP TABLE api_key; PRAGMA user_version = 1");
}

static void an_older_layout_is_brought_up(void **state)
{
    struct lib *l = *state;
    struct store_root *roots = NULL;
    struct store_job *jobs = NULL;
    struct store_key *keys = NULL;
    struct hash h = hash_of("secret");
    size_t n = 0;
    int64_t id = add(l, "a", "a"), found = 0;
    store_close(l->s);
    make_old(l);
    for (int read_only = 1; read_only >= 0; read_only--) { /* for reading it is taken as it is */
        l->s = store_open(l->dir, false, read_only, &l->err);
        assert_non_null(l->s);
        OK(l, store_roots(l->s, &roots, &n, &l->err));
        assert_int_equal(n, 1);
        assert_false(roots[0].files_only);
        assert_false(roots[0].uploads);
        assert_int_equal(roots[0].files, 1);
        store_roots_free(roots, n);
        OK(l, store_roots_brief(l->s, &roots, &n, &l->err));
        assert_int_equal(n, 1);
        store_roots_free(roots, n);
        OK(l, store_picture_at(l->s, l->root, "a", &found, &l->err));
        assert_int_equal(found, id);
        assert_int_equal(stats_of(l).embedded, 1);
        struct store_mark mark;
        struct store_change *log;
        struct store_segment *segments;
        OK(l, store_vectors_mark(l->s, l->model, &mark, &l->err));
        assert_int_equal(mark.vectors, 1);
        assert_int_equal(mark.log_from, mark.changes); /* of what came before nothing is known */
        OK(l, store_log(l->s, l->model, 0, &log, &n, &l->err));
        assert_int_equal(n, 0);
        free(log);
        OK(l, store_segments(l->s, l->model, &segments, &n, &l->err));
        assert_int_equal(n, 0);
        free(segments);
        OK(l, store_jobs(l->s, 0, 10, &jobs, &n, &l->err));
        assert_int_equal(n, 0);
        OK(l, store_keys(l->s, &keys, &n, &l->err));
        assert_int_equal(n, 0);
        struct store_key key;
        assert_int_equal(store_key_find(l->s, &h, &key, &l->err), EYE_ENOTFOUND);
        assert_clean(l);
        if (read_only)
            store_close(l->s);
    }
    OK(l, store_key_new(l->s, "k", 1, &h, &found, &l->err));
    store_close(l->s);
    l->s = store_open(l->dir, false, true, &l->err);
    assert_non_null(l->s);
    assert_clean(l);
}

static void damage_inside_is_told_when_met(void **state)
{
    struct lib *l = *state;
    OK(l, store_begin(l->s, &l->err));
    for (int i = 0; i < 5000; i++) {
        char rel[16];
        snprintf(rel, sizeof rel, "%d", i);
        add(l, rel, rel);
    }
    OK(l, store_commit(l->s, &l->err));
    store_close(l->s);
    char path[300];
    struct stat st;
    uint8_t junk[4096];
    memset(junk, 0xA5, sizeof junk);
    lib_path(l, "", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    for (long at = 65536; at + 4096 < st.st_size; at += 16384)
        overwrite(l, at, junk, sizeof junk, -1);
    l->s = store_open(l->dir, false, false, &l->err);
    assert_non_null(l->s);
    assert_null(store_load_vectors(l->s, l->model, DIM, &l->err));
    assert_int_equal(l->err.code, EYE_EFORMAT);
    assert_non_null(strstr(l->err.msg, "damaged"));
    size_t findings = 0;
    OK(l, store_verify(l->s, NULL, NULL, &findings, &l->err));
    assert_true(findings > 0);
}

static void an_unfinished_creation_is_finished(void **state)
{
    struct lib *l = *state;
    store_close(l->s);
    overwrite(l, 0, "", 0, 0); /* killed right after the file was made */
    l->s = store_open(l->dir, false, false, &l->err);
    assert_null(l->s);
    assert_int_equal(l->err.code, EYE_ENOTFOUND);
    l->s = store_open(l->dir, true, false, &l->err);
    assert_non_null(l->s);
    assert_clean(l);
}

static void read_only_reads_and_refuses_to_write(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "a", "a"), other = 0;
    struct store *writer = l->s;
    l->s = store_open(l->dir, false, true, &l->err);
    assert_non_null(l->s);
    OK(l, store_picture_at(l->s, l->root, "a", &other, &l->err));
    assert_int_equal(other, id);
    assert_int_equal(store_begin(l->s, &l->err), EYE_EINVAL);
    assert_int_equal(store_setting_set(l->s, "k", "v", &l->err), EYE_EINVAL);
    assert_int_equal(store_file_remove(l->s, l->root, "a", &l->err), EYE_EINVAL);
    /* What the writer commits is seen at once. */
    struct store *reader = l->s;
    l->s = writer;
    id = add(l, "b", "b");
    assert_int_equal(store_picture_at(reader, l->root, "b", &other, &l->err), 0);
    assert_int_equal(other, id);
    store_close(reader);
    assert_null(store_open("/proc", true, true, &l->err)); /* create does not count */
    assert_int_equal(l->err.code, EYE_ENOTFOUND);
}

/* ---- transactions ---- */

static void rollback_undoes_everything(void **state)
{
    struct lib *l = *state;
    int64_t g = generation_of(l), model = 0;
    struct hash h = hash_of("other model");
    int dim = 0;
    OK(l, store_begin(l->s, &l->err));
    assert_int_equal(store_begin(l->s, &l->err), EYE_EINTERNAL); /* no nesting */
    add(l, "a", "a");
    OK(l, store_model(l->s, &h, "other", 4, true, &model, &l->err));
    OK(l, store_model_dim(l->s, model, &dim, &l->err));
    store_rollback(l->s);
    store_rollback(l->s); /* harmless */
    assert_int_equal(stats_of(l).pictures, 0);
    assert_int_equal(generation_of(l), g);
    assert_int_equal(store_model_dim(l->s, model, &dim, &l->err), EYE_ENOTFOUND);
    assert_int_equal(store_commit(l->s, &l->err), EYE_EINTERNAL);
    OK(l, store_begin(l->s, &l->err));
    add(l, "a", "a");
    store_close(l->s); /* an open transaction is not committed by closing */
    l->s = store_open(l->dir, false, false, &l->err);
    assert_int_equal(stats_of(l).pictures, 0);
}

static void a_second_writer_waits_then_is_busy(void **state)
{
    struct lib *l = *state;
    struct store *other = store_open(l->dir, false, false, &l->err);
    int64_t id;
    assert_non_null(other);
    add(l, "a", "a");
    OK(l, store_begin(l->s, &l->err));
    add(l, "b", "b");
    store_wait_set(other, 50);
    assert_int_equal(store_begin(other, &l->err), EYE_EBUSY);
    assert_non_null(strstr(l->err.msg, "another eyeshine"));
    assert_int_equal(store_setting_set(other, "k", "v", &l->err), EYE_EBUSY);
    /* Reading goes on, without what is not committed. */
    assert_int_equal(store_picture_at(other, l->root, "a", &id, &l->err), 0);
    assert_int_equal(store_picture_at(other, l->root, "b", &id, &l->err), EYE_ENOTFOUND);
    OK(l, store_commit(l->s, &l->err));
    assert_int_equal(store_picture_at(other, l->root, "b", &id, &l->err), 0);
    assert_int_equal(store_begin(other, &l->err), 0);
    store_close(other);
}

/* ---- disks ---- */

static int fill(struct lib *l, int n)
{
    int rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        struct store_picture p = {.width = 1, .height = 1, .format = "png"};
        char rel[32];
        uint16_t row[DIM];
        int64_t id = 0;
        snprintf(rel, sizeof rel, "filler-%06d", i);
        p.hash = hash_of(rel);
        unit_row(i, row);
        rc = store_put(l->s, &p, l->model, row, DIM, &id, &l->err);
        struct store_file f = {.picture = id, .root = l->root, .rel = rel};
        if (!rc)
            rc = store_file_set(l->s, &f, &l->err);
    }
    return rc;
}

static void expect_full_then_fine(struct lib *l)
{
    OK(l, store_begin(l->s, &l->err));
    int rc = fill(l, 10000);
    if (!rc)
        rc = store_commit(l->s, &l->err);
    assert_int_equal(rc, EYE_EIO);
    if (!strstr(l->err.msg, "disk is full"))
        print_message("%s\n", l->err.msg);
    assert_non_null(strstr(l->err.msg, "disk is full"));
    struct store_file f = {.picture = 1, .root = l->root, .rel = "more"};
    if (l->s->in_txn) { /* it was not the commit that failed */
        assert_int_equal(store_file_set(l->s, &f, &l->err), EYE_EIO);
        assert_int_equal(store_commit(l->s, &l->err), EYE_EIO);
    }
    assert_false(l->s->in_txn);
    assert_int_equal(stats_of(l).pictures, 1);
    assert_clean(l);
}

static void file_size_limit_is_a_full_disk(void **state)
{
    struct lib *l = *state;
    struct rlimit old, small;
    add(l, "first", "first");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1 << 20;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_full_then_fine(l);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    add(l, "second", "second");
    assert_int_equal(stats_of(l).pictures, 2);
    assert_clean(l);
}

/* Run fn in a child with mounts of its own; false when this machine does not let us. */
static bool in_own_mounts(void (*fn)(struct lib *l), struct lib *l)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mount("tmpfs", l->dir, "tmpfs", 0, "size=2m"))
            _exit(99);
        l->s = store_open(l->dir, true, false, &l->err);
        struct hash h = hash_of("model");
        if (!l->s || store_model(l->s, &h, "test", DIM, true, &l->model, &l->err) ||
            store_root_add(l->s, "/pics", &l->root, &l->err))
            _exit(1);
        fn(l);
        store_close(l->s);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
        return false;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static void fill_the_disk(struct lib *l)
{
    add(l, "first", "first");
    expect_full_then_fine(l);
}

static void full_disk(void **state)
{
    struct lib *l = *state;
    store_close(l->s);
    l->s = NULL;
    if (!in_own_mounts(fill_the_disk, l))
        skip();
}

static void read_from_frozen(struct lib *l)
{
    int64_t id = add(l, "a", "a"), at = 0;
    store_close(l->s);
    if (mount(NULL, l->dir, NULL, MS_REMOUNT | MS_RDONLY, "size=2m"))
        _exit(98);
    l->s = store_open(l->dir, false, true, &l->err);
    assert_non_null(l->s);
    OK(l, store_picture_at(l->s, l->root, "a", &at, &l->err));
    assert_int_equal(at, id);
    assert_clean(l);
}

static void read_only_media(void **state)
{
    struct lib *l = *state;
    store_close(l->s);
    l->s = NULL;
    if (!in_own_mounts(read_from_frozen, l))
        skip();
}

static void leave_log_on_frozen(struct lib *l)
{
    char path[300];
    add(l, "a", "a");
    store_close(l->s);
    lib_path(l, "-wal", path, sizeof path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600); /* as after a kill */
    assert_int_equal(write(fd, "log", 3), 3);
    close(fd);
    if (mount(NULL, l->dir, NULL, MS_REMOUNT | MS_RDONLY, "size=2m"))
        _exit(98);
    l->s = store_open(l->dir, false, true, &l->err);
    assert_null(l->s);
    assert_int_equal(l->err.code, EYE_EIO);
    assert_non_null(strstr(l->err.msg, "not closed cleanly"));
}

static void read_only_media_after_a_crash(void **state)
{
    struct lib *l = *state;
    store_close(l->s);
    l->s = NULL;
    if (!in_own_mounts(leave_log_on_frozen, l))
        skip();
}

/* ---- kills and neighbours ---- */

/* Batches of 20 pictures at numbered paths, until killed; a byte into `told` after each. */
static void write_until_killed(struct lib *l, int told)
{
    struct store *s = store_open(l->dir, false, false, &l->err);
    if (!s)
        _exit(1);
    l->s = s;
    for (int batch = 0;; batch++) {
        char text[32];
        if (store_begin(s, &l->err))
            _exit(2);
        for (int i = 0; i < 20; i++) {
            struct store_picture p = {.width = 1, .height = 1, .format = "png"};
            uint16_t row[DIM];
            int64_t id;
            snprintf(text, sizeof text, "%d", (int)getpid() * 1000 + batch * 20 + i);
            p.hash = hash_of(text);
            unit_row(i, row);
            snprintf(text, sizeof text, "%d", i); /* replaced each batch: orphans too */
            if (store_put(s, &p, l->model, row, DIM, &id, &l->err))
                _exit(3);
            struct store_file f = {.picture = id, .root = l->root, .rel = text};
            if (store_file_set(s, &f, &l->err))
                _exit(4);
        }
        if (store_commit(s, &l->err))
            _exit(5);
        if (write(told, "", 1) < 0 && errno != EAGAIN)
            _exit(6);
    }
}

static void kill_9_loses_no_batch_halfway(void **state)
{
    struct lib *l = *state;
    int64_t g = 0;
    store_close(l->s);
    for (int round = 0; round < 12; round++) {
        l->s = NULL;
        fflush(NULL);
        int told[2];
        char byte;
        assert_int_equal(pipe2(told, O_NONBLOCK), 0);
        pid_t pid = fork();
        if (pid == 0)
            write_until_killed(l, told[1]);
        close(told[1]); /* so that reading ends should the child fail */
        while (read(told[0], &byte, 1) < 0)
            usleep(500); /* the first batch of this round is in */
        usleep((useconds_t)(round * 700));
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        close(told[0]);
        assert_true(WIFSIGNALED(status));
        l->s = store_open(l->dir, false, false, &l->err);
        assert_non_null(l->s);
        assert_clean(l);
        struct store_stats st = stats_of(l);
        assert_int_equal(st.files, 20); /* whole batches */
        assert_int_equal(st.pictures, st.files);
        assert_int_equal(st.embedded, st.files);
        assert_true(generation_of(l) >= g + 20); /* what was committed is there */
        g = generation_of(l);
        store_close(l->s);
    }
    l->s = store_open(l->dir, false, false, &l->err);
    assert_non_null(l->s);
}

struct worker {
    const char *dir;
    int64_t model, root;
    int number, failed;
    struct eye_err err;
};

enum { ROUNDS = 25 };

static void *write_some(void *arg)
{
    struct worker *w = arg;
    struct store *s = store_open(w->dir, true, false, &w->err);
    w->failed = !s;
    for (int i = 0; s && i < ROUNDS && !w->failed; i++) {
        struct store_picture p = {.width = 1, .height = 1, .format = "png"};
        uint16_t row[DIM];
        char rel[32];
        int64_t id = 0;
        snprintf(rel, sizeof rel, "%d-%d", w->number, i);
        p.hash = hash_of(rel);
        unit_row(i, row);
        w->failed = store_begin(s, &w->err) || store_put(s, &p, w->model, row, DIM, &id, &w->err);
        struct store_file f = {.picture = id, .root = w->root, .rel = rel};
        w->failed = w->failed || store_file_set(s, &f, &w->err) || store_commit(s, &w->err);
    }
    store_close(s);
    return NULL;
}

static void *read_some(void *arg)
{
    struct worker *w = arg;
    struct store *s = store_open(w->dir, false, w->number % 2, &w->err);
    uint64_t last = 0;
    w->failed = !s;
    for (int i = 0; s && i < ROUNDS && !w->failed; i++) {
        struct store_stats st;
        struct vector_set *set = store_load_vectors(s, w->model, DIM, &w->err);
        w->failed = !set || store_stats(s, w->model, &st, &w->err);
        if (set && !w->failed)
            w->failed = st.pictures != st.files || vector_count(set) < last || st.embedded < last;
        last = set ? vector_count(set) : 0;
        vector_free(set);
    }
    store_close(s);
    return NULL;
}

static void four_threads_with_a_store_each(void **state)
{
    struct lib *l = *state;
    struct worker w[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        w[i] = (struct worker){.dir = l->dir, .model = l->model, .root = l->root, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? write_some : read_some, &w[i]),
                         0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        if (w[i].failed)
            print_message("%d: %s\n", i, w[i].err.msg);
        assert_false(w[i].failed);
    }
    assert_int_equal(stats_of(l).embedded, 2 * ROUNDS);
    assert_clean(l);
}

static void *just_open(void *arg)
{
    struct worker *w = arg;
    struct store *s = store_open(w->dir, true, false, &w->err);
    w->failed = !s;
    store_close(s);
    return NULL;
}

static void four_create_the_same_library_at_once(void **state)
{
    struct lib *l = *state;
    char dir[300];
    for (int round = 0; round < 10; round++) {
        struct worker w[4];
        pthread_t threads[4];
        snprintf(dir, sizeof dir, "%s/new%d/deep", l->dir, round);
        for (int i = 0; i < 4; i++) {
            w[i] = (struct worker){.dir = dir};
            assert_int_equal(pthread_create(&threads[i], NULL, just_open, &w[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            if (w[i].failed)
                print_message("%d: %s\n", i, w[i].err.msg);
            assert_false(w[i].failed);
        }
    }
}

static void two_processes_write(void **state)
{
    struct lib *l = *state;
    pid_t pids[2];
    store_close(l->s);
    l->s = NULL;
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct worker w = {.dir = l->dir, .model = l->model, .root = l->root, .number = i};
            write_some(&w);
            _exit(w.failed);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    l->s = store_open(l->dir, false, false, &l->err);
    assert_int_equal(stats_of(l).files, 2 * ROUNDS);
    assert_clean(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_library_is_not_found),
        T(reopened_it_is_all_there),
        T(foreign_newer_and_damaged_are_refused),
        T(an_older_layout_is_brought_up),
        T(damage_inside_is_told_when_met),
        T(an_unfinished_creation_is_finished),
        T(read_only_reads_and_refuses_to_write),
        T(rollback_undoes_everything),
        T(a_second_writer_waits_then_is_busy),
        T(file_size_limit_is_a_full_disk),
        T(full_disk),
        T(read_only_media),
        T(read_only_media_after_a_crash),
        T(kill_9_loses_no_batch_halfway),
        T(four_threads_with_a_store_each),
        T(four_create_the_same_library_at_once),
        T(two_processes_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
