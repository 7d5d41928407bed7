/* The layout itself: what the database refuses whoever writes to it, and how it is set up. */
#include "fixture.h"

#include "store/schema.h"
#include "store/sqlite.h"

static int64_t number(struct lib *l, const char *sql)
{
    struct query q;
    int64_t value = -1;
    query_open(&q, l->s, sql);
    OK(l, query_one_int(&q, &value, &l->err));
    return value;
}

static void the_header_says_whose_it_is(void **state)
{
    struct lib *l = *state;
    assert_int_equal(number(l, "PRAGMA application_id"), SCHEMA_APPLICATION);
    assert_int_equal(number(l, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(number(l, "PRAGMA page_size"), 8192);
    struct query q;
    query_open(&q, l->s, "PRAGMA journal_mode");
    assert_int_equal(query_step(&q, &l->err), 1);
    char *mode = query_dup(&q, 0, &l->err);
    assert_string_equal(mode, "wal");
    free(mode);
    query_done(&q);
}

static void each_connection_is_strict(void **state)
{
    struct lib *l = *state;
    store_close(l->s);
    l->s = store_open(l->dir, false, false, &l->err);
    assert_int_equal(number(l, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(l, "PRAGMA trusted_schema"), 0);
    assert_int_equal(number(l, "PRAGMA cell_size_check"), 1);
    assert_int_equal(number(l, "PRAGMA mmap_size"), 0);
    assert_int_equal(number(l, "PRAGMA synchronous"), 1);
    assert_int_equal(number(l, "PRAGMA busy_timeout"), 30000);
}

static void nonsense_is_refused(void **state)
{
    struct lib *l = *state;
    static const char *const bad[] = {
        /* both a picture and a failure; neither; a root that is not there; a picture that is not there */
        "INSERT INTO file(root, rel, picture, size, mtime_ns, code) VALUES(1, x'31', 1, 0, 0, -5)",
        "INSERT INTO file(root, rel, size, mtime_ns) VALUES(1, x'31', 0, 0)",
        "INSERT INTO file(root, rel, picture, size, mtime_ns) VALUES(9, x'31', 1, 0, 0)",
        "INSERT INTO file(root, rel, picture, size, mtime_ns) VALUES(1, x'31', 9, 0, 0)",
        /* a path that is text */
        "INSERT INTO file(root, rel, picture, size, mtime_ns) VALUES(1, '1', 1, 0, 0)",
        /* a short hash; a picture whose file is still there */
        "INSERT INTO picture(hash, size, width, height, format, added_at)"
        " VALUES(x'00', 1, 1, 1, 'png', 0)",
        "DELETE FROM picture WHERE id = 1",
        "DELETE FROM root WHERE id = 1",
    };
    assert_int_equal(add(l, "a", "a"), 1);
    assert_int_equal(l->root, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(store_exec_raw(l->s, bad[i]) & 0xff, SQLITE_CONSTRAINT);
    assert_clean(l);
}

/* The lookups that each file costs must not read whole tables. */
static void lookups_use_indexes(void **state)
{
    struct lib *l = *state;
    static const char *const sql[] = {
        "EXPLAIN QUERY PLAN SELECT id FROM picture WHERE hash = x'00'",
        "EXPLAIN QUERY PLAN SELECT 1 FROM file WHERE picture = 5",
        "EXPLAIN QUERY PLAN SELECT rel FROM file WHERE root = 1 AND rel >= x'61' AND rel < x'62'"
        " ORDER BY rel",
        "EXPLAIN QUERY PLAN SELECT id, vector FROM embedding WHERE id >= 1 << 40"
        " AND id < 2 << 40 ORDER BY id",
    };
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        struct query q;
        int rows = 0;
        query_open(&q, l->s, sql[i]);
        while (query_step(&q, &l->err) == 1) {
            char *plan = query_dup(&q, 3, &l->err);
            assert_non_null(strstr(plan, "SEARCH"));
            free(plan);
            rows++;
        }
        assert_int_equal(rows, 1); /* no sorting either */
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(the_header_says_whose_it_is),
        T(each_connection_is_strict),
        T(nonsense_is_refused),
        T(lookups_use_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
