/* test_sqlite_backup.c - a copy is of one moment, whole and sound, while a writer never rests; and how it fails. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static void copy_path(const struct lib *l, char dir[280], char path[300])
{
    snprintf(dir, 280, "%s/copy", l->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(path, 300, "%s/library.db", dir);
}

static int64_t ask(const char *db, const char *sql)
{
    sqlite3 *c = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(db, &c), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(c, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(c);
    return n;
}

static void test_copy(void **state)
{
    struct lib *l = *state;
    struct stat st;
    char dir[280], path[300], other[310];
    int64_t job = 0, a = add(l, "a.jpg", "a");
    add(l, "b.jpg", "b");
    fail_file(l, l->root, "bad.jpg", "no picture");
    OK(l, store_job_new(l->s, 1, 1, "scan", &job, &l->err));
    raw_sql(l, "INSERT INTO segment(model, upto, name, rows, bytes) VALUES(1, 2, 'x', 2, 100)");
    copy_path(l, dir, path);
    OK(l, store_backup(l->s, path, NULL, NULL, &l->err));

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(other, sizeof other, "%s-wal", path);
    assert_int_equal(access(other, F_OK), -1); /* the one file is all there is */
    assert_int_equal(ask(path, "SELECT count(*) FROM job"), 0);
    assert_int_equal(ask(path, "SELECT count(*) FROM segment"), 0);
    assert_int_equal(ask(path, "SELECT count(*) FROM vector_log"), 0);
    assert_int_equal(ask(path, "SELECT log_from = changes FROM model"), 1);
    lib_path(l, "", other, sizeof other);
    assert_int_equal(ask(other, "SELECT count(*) FROM job"), 1); /* the library keeps them */

    struct lib c = {.s = store_open(dir, false, false, &l->err)};
    assert_non_null(c.s);
    assert_clean(&c);
    struct store_picture pic;
    OK(&c, store_picture_get(c.s, a, &pic, &c.err));
    struct hash want = hash_of("a");
    assert_int_equal(hash_cmp(&pic.hash, &want), 0);
    assert_int_equal(store_layout(c.s), store_layout_newest());
    store_close(c.s);
    assert_int_equal(ask(path, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='wal'"),
                     1);
    add(l, "c.jpg", "c"); /* the library goes on */
    assert_clean(l);
}

static void test_never_over_a_file(void **state)
{
    struct lib *l = *state;
    char dir[280], path[300];
    copy_path(l, dir, path);
    OK(l, store_backup(l->s, path, NULL, NULL, &l->err));
    assert_int_equal(store_backup(l->s, path, NULL, NULL, &l->err), EYE_EEXIST);
    snprintf(path, sizeof path, "%s/nowhere/library.db", l->dir);
    assert_int_equal(store_backup(l->s, path, NULL, NULL, &l->err), EYE_ENOTFOUND);
    add(l, "a.jpg", "a"); /* no transaction was left open */
}

static int stop_at(void *ctx, uint64_t done, uint64_t total)
{
    int *left = ctx;
    assert_true(done <= total);
    return --*left <= 0;
}

/* ---- a writer that never rests ---- */

struct busy {
    struct lib *l;
    atomic_bool stop;
    atomic_int transactions;
};

/* Each transaction adds a picture with two files and takes the last one's first file away: one file more than pictures, always. */
static void *write_on(void *ctx)
{
    struct busy *b = ctx;
    struct lib own = {.s = store_open(b->l->dir, false, false, &b->l->err)};
    own.model = b->l->model;
    own.root = b->l->root;
    assert_non_null(own.s);
    for (int i = 0; !atomic_load(&b->stop); i++) {
        char text[40], rel[40];
        OK(&own, store_begin(own.s, &own.err));
        snprintf(text, sizeof text, "%d", i);
        int64_t id = put(&own, text);
        snprintf(rel, sizeof rel, "first %d", i);
        set_file(&own, own.root, rel, id);
        snprintf(rel, sizeof rel, "second %d", i);
        set_file(&own, own.root, rel, id);
        if (i > 0) {
            snprintf(rel, sizeof rel, "first %d", i - 1);
            OK(&own, store_file_remove(own.s, own.root, rel, &own.err));
        }
        OK(&own, store_commit(own.s, &own.err));
        atomic_store(&b->transactions, i + 1);
    }
    store_close(own.s);
    return NULL;
}

static int slowly(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx, (void)done, (void)total;
    usleep(20000); /* so that commits come between any two steps */
    return 0;
}

static void test_one_moment(void **state)
{
    struct lib *l = *state;
    struct busy busy = {.l = l};
    pthread_t writer;
    /* Large enough for several steps: 2048 pages of 8 KiB each. */
    raw_sql(l,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
            " INSERT INTO setting(key, value) SELECT 'pad ' || i, hex(randomblob(40000)) FROM n");
    assert_int_equal(pthread_create(&writer, NULL, write_on, &busy), 0);
    while (atomic_load(&busy.transactions) == 0)
        usleep(1000);
    for (int round = 0; round < 3; round++) {
        char dir[290], path[310];
        snprintf(dir, sizeof dir, "%s/copy%d", l->dir, round);
        assert_int_equal(mkdir(dir, 0700), 0);
        snprintf(path, sizeof path, "%s/library.db", dir);
        usleep(30000);
        OK(l, store_backup(l->s, path, slowly, NULL, &l->err));
        struct lib c = {.s = store_open(dir, false, false, &l->err), .model = l->model};
        assert_non_null(c.s);
        assert_clean(&c);
        struct store_stats st = stats_of(&c);
        assert_true(st.pictures > 0);
        assert_int_equal(st.files, st.pictures + 1);
        assert_int_equal(st.embedded, st.pictures);
        store_close(c.s);
    }
    atomic_store(&busy.stop, true);
    pthread_join(writer, NULL);
    assert_true(atomic_load(&busy.transactions) > 3);
    int left = 2;
    char path[300];
    snprintf(path, sizeof path, "%s/stopped.db", l->dir);
    assert_int_equal(store_backup(l->s, path, stop_at, &left, &l->err), EYE_ECANCELLED);
    assert_clean(l);
}

static void test_reading_all_in_order(void **state)
{
    struct lib *l = *state;
    int64_t ids[4], first = add(l, "0", "0"), after = 0;
    size_t n;
    for (int i = 1; i < 10; i++) {
        char text[20];
        snprintf(text, sizeof text, "%d", i);
        add(l, text, text);
    }
    OK(l, store_read_begin(l->s, &l->err));
    struct lib other = {
        .s = store_open(l->dir, false, false, &l->err), .model = l->model, .root = l->root};
    add(&other, "later", "later"); /* not of the moment */
    size_t seen = 0;
    do {
        OK(l, store_pictures_after(l->s, after, ids, 4, &n, &l->err));
        for (size_t i = 0; i < n; i++)
            assert_int_equal(ids[i], first + (int64_t)seen++);
        after = n ? ids[n - 1] : after;
    } while (n);
    assert_int_equal(seen, 10);
    store_read_end(l->s);
    OK(l, store_pictures_after(l->s, after, ids, 4, &n, &l->err));
    assert_int_equal(n, 1);
    store_close(other.s);
}

/* A library that ends in the middle: not the copy is blamed. */
static void test_damaged_source(void **state)
{
    struct lib *l = *state;
    char dir[280], path[300], db[300];
    for (int i = 0; i < 300; i++) {
        char text[20];
        snprintf(text, sizeof text, "%d", i);
        add(l, text, text);
    }
    store_close(l->s);
    lib_path(l, "", db, sizeof db);
    l->s = store_open(l->dir, false, false, &l->err);
    copy_path(l, dir, path);
    struct stat st;
    assert_int_equal(stat(db, &st), 0);
    assert_int_equal(truncate(db, st.st_size / 2 / 8192 * 8192), 0);
    int rc = store_backup(l->s, path, NULL, NULL, &l->err);
    assert_true(rc == EYE_EFORMAT || rc == EYE_EIO);
    assert_non_null(strstr(l->err.msg, db)); /* it is the library's fault, not the copy's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copy, lib_setup, lib_teardown),
        cmocka_unit_test_setup_teardown(test_never_over_a_file, lib_setup, lib_teardown),
        cmocka_unit_test_setup_teardown(test_one_moment, lib_setup, lib_teardown),
        cmocka_unit_test_setup_teardown(test_reading_all_in_order, lib_setup, lib_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_source, lib_setup, lib_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
