/* The statement layer: binding, caching, nested use, and SQLite's errors in our words. */
#include "fixture.h"

#include "store/sqlite.h"

static void values_go_through_unchanged(void **state)
{
    struct lib *l = *state;
    struct query q;
    size_t len;
    query_open(&q, l->s, "SELECT ?, ?, ?, ?, ?, ?");
    query_int(&q, INT64_MIN);
    query_real(&q, 0.1);
    query_text(&q, "t\xc3\xa9xt");
    query_bytes(&q, "a\0b", 3);
    query_bytes(&q, NULL, 0);
    query_null(&q);
    assert_int_equal(query_step(&q, &l->err), 1);
    assert_true(query_get_int(&q, 0) == INT64_MIN);
    assert_true(query_get_real(&q, 1) == 0.1);
    char *copy = query_dup(&q, 2, &l->err);
    assert_string_equal(copy, "t\xc3\xa9xt");
    free(copy);
    assert_memory_equal(query_get_bytes(&q, 3, &len), "a\0b", 3);
    assert_int_equal(len, 3);
    assert_non_null(query_get_bytes(&q, 4, &len));
    assert_int_equal(len, 0);
    assert_false(query_is_null(&q, 4)); /* no bytes are not NULL */
    assert_true(query_is_null(&q, 5));
    assert_int_equal(query_step(&q, &l->err), 0);
}

static void a_statement_is_prepared_once_and_forgets_its_values(void **state)
{
    struct lib *l = *state;
    size_t before = l->s->nstatements;
    for (int i = 0; i < 3; i++) {
        struct query q;
        int64_t value = -1;
        query_open(&q, l->s, "SELECT coalesce(?1, 7)");
        if (i == 1)
            query_int(&q, 5);
        OK(l, query_one_int(&q, &value, &l->err));
        assert_int_equal(value, i == 1 ? 5 : 7);
    }
    assert_int_equal(l->s->nstatements, before + 1);
}

static void a_running_statement_cannot_be_started_again(void **state)
{
    struct lib *l = *state;
    static const char sql[] = "SELECT 1 UNION SELECT 2";
    struct query outer, inner;
    query_open(&outer, l->s, sql);
    assert_int_equal(query_step(&outer, &l->err), 1);
    query_open(&inner, l->s, sql);
    assert_int_equal(query_step(&inner, &l->err), EYE_EINTERNAL);
    assert_int_equal(query_step(&outer, &l->err), 1); /* unharmed */
    assert_int_equal(query_get_int(&outer, 0), 2);
    query_done(&outer);
    query_open(&inner, l->s, sql);
    assert_int_equal(query_run(&inner, &l->err), 0);
}

static void bad_sql_is_told_at_the_first_step(void **state)
{
    struct lib *l = *state;
    struct query q;
    query_open(&q, l->s, "SELECT x FROM nowhere");
    query_int(&q, 1);
    assert_int_equal(query_run(&q, &l->err), EYE_EINTERNAL);
    assert_non_null(strstr(l->err.msg, "nowhere"));
    query_open(&q, l->s, "SELECT ?");
    query_int(&q, 1);
    query_int(&q, 2); /* one too many */
    assert_int_equal(query_run(&q, &l->err), EYE_EINTERNAL);
}

static void no_row_is_not_found(void **state)
{
    struct lib *l = *state;
    struct query q;
    int64_t value = 3;
    query_open(&q, l->s, "SELECT 1 WHERE 0");
    assert_int_equal(query_one_int(&q, &value, &l->err), EYE_ENOTFOUND);
    assert_int_equal(value, 3);
}

static void codes_become_ours(void **state)
{
    struct lib *l = *state;
    static const struct {
        int sqlite, code;
        const char *words;
    } cases[] = {
        {SQLITE_BUSY, EYE_EBUSY, "another eyeshine"},
        {SQLITE_BUSY_SNAPSHOT, EYE_EBUSY, "another eyeshine"},
        {SQLITE_FULL, EYE_EIO, "disk is full: "},
        {SQLITE_IOERR_WRITE, EYE_EIO, "disk is full"},
        {SQLITE_IOERR_READ, EYE_EIO, "library.db"},
        {SQLITE_CORRUPT_VTAB, EYE_EFORMAT, "damaged"},
        {SQLITE_NOTADB, EYE_EFORMAT, "not a database"},
        {SQLITE_NOMEM, EYE_ENOMEM, "memory"},
        {SQLITE_READONLY_DIRECTORY, EYE_EIO, "cannot be written"},
        {SQLITE_CONSTRAINT_CHECK, EYE_EINTERNAL, "SQLite 275"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(store_fail(l->s, cases[i].sqlite, &l->err), cases[i].code);
        assert_int_equal(l->err.code, cases[i].code);
        assert_non_null(strstr(l->err.msg, cases[i].words));
    }
    assert_int_equal(l->s->broken, 0); /* no transaction was open */
}

static void a_failure_breaks_the_transaction(void **state)
{
    struct lib *l = *state;
    OK(l, store_begin(l->s, &l->err));
    add(l, "a", "a");
    store_fail(l->s, SQLITE_IOERR_FSYNC, NULL);
    assert_int_equal(store_file_remove(l->s, l->root, "a", &l->err), EYE_EIO);
    assert_int_equal(store_commit(l->s, &l->err), EYE_EIO);
    assert_non_null(strstr(l->err.msg, "undone"));
    assert_int_equal(stats_of(l).pictures, 0);
    add(l, "a", "a"); /* and then it works again */
    assert_int_equal(stats_of(l).pictures, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(values_go_through_unchanged),
        T(a_statement_is_prepared_once_and_forgets_its_values),
        T(a_running_statement_cannot_be_started_again),
        T(bad_sql_is_told_at_the_first_step),
        T(no_row_is_not_found),
        T(codes_become_ours),
        T(a_failure_breaks_the_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
