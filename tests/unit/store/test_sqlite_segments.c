/* sqlite_segments.c: rows are exchanged at once or not at all, and only by who knows what there is. */
#include "fixture.h"

static size_t names_of(struct lib *l, int64_t model, char *out, size_t size)
{
    struct store_segment *rows;
    size_t n, len = 0;
    OK(l, store_segments(l->s, model, &rows, &n, &l->err));
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s:%lld", i ? " " : "", rows[i].name,
                                (long long)rows[i].upto);
    free(rows);
    return n;
}

static struct store_mark mark_of(struct lib *l)
{
    struct store_mark mark;
    OK(l, store_vectors_mark(l->s, l->model, &mark, &l->err));
    return mark;
}

static int exchange(struct lib *l, const char *name, int64_t upto, const char *const *gone,
                    size_t ngone, int64_t switches)
{
    struct store_segment made = {.upto = upto, .rows = 7, .bytes = 4096};
    snprintf(made.name, sizeof made.name, "%s", name ? name : "");
    struct store_switch sw = {.switches = switches,
                              .log_from = upto,
                              .made = name ? &made : NULL,
                              .gone = gone,
                              .ngone = ngone};
    return store_segment_switch(l->s, l->model, &sw, &l->err);
}

static void rows_are_exchanged(void **state)
{
    struct lib *l = *state;
    static const char *const ab[] = {"a", "b"};
    char names[256];
    assert_int_equal(names_of(l, l->model, names, sizeof names), 0);
    OK(l, exchange(l, "b", 20, NULL, 0, 0));
    OK(l, exchange(l, "a", 10, NULL, 0, 1));
    names_of(l, l->model, names, sizeof names);
    assert_string_equal(names, "a:10 b:20"); /* by upto */
    assert_int_equal(mark_of(l).switches, 2);
    assert_int_equal(mark_of(l).log_from, 20); /* never back */
    OK(l, exchange(l, "c", 20, ab, 2, 2));
    names_of(l, l->model, names, sizeof names);
    assert_string_equal(names, "c:20");
    names_of(l, 0, names, sizeof names);
    assert_string_equal(names, "c:20");
    assert_int_equal(names_of(l, l->model + 1, names, sizeof names), 0);
    struct store_segment *rows;
    size_t n;
    OK(l, store_segments(l->s, l->model, &rows, &n, &l->err));
    assert_int_equal(rows[0].model, l->model);
    assert_int_equal(rows[0].rows, 7);
    assert_int_equal(rows[0].bytes, 4096);
    free(rows);
    assert_int_equal(generation_of(l), 0); /* no vector has changed by any of this */
    assert_clean(l);
}

static void who_is_late_changes_nothing(void **state)
{
    struct lib *l = *state;
    static const char *const a[] = {"a"};
    char names[256];
    OK(l, exchange(l, "a", 10, NULL, 0, 0));
    assert_int_equal(exchange(l, "b", 20, a, 1, 0), EYE_EBUSY);
    assert_int_equal(exchange(l, NULL, 20, a, 1, 7), EYE_EBUSY);
    names_of(l, l->model, names, sizeof names);
    assert_string_equal(names, "a:10");
    assert_int_equal(mark_of(l).log_from, 10);
    /* A name that is taken: neither half of the exchange happens. */
    OK(l, exchange(l, "x", 11, NULL, 0, 1));
    assert_int_not_equal(exchange(l, "x", 20, a, 1, 2), 0);
    names_of(l, l->model, names, sizeof names);
    assert_string_equal(names, "a:10 x:11");
    /* Rolled back with the rest. */
    OK(l, store_begin(l->s, &l->err));
    OK(l, exchange(l, "b", 20, a, 1, 2));
    store_rollback(l->s);
    names_of(l, l->model, names, sizeof names);
    assert_string_equal(names, "a:10 x:11");
    assert_int_equal(mark_of(l).switches, 2);
}

static void names_are_checked(void **state)
{
    struct lib *l = *state;
    struct store_segment *rows;
    size_t n;
    static const char *const bad[] = {
        "'../../etc/passwd'", "''", "'a/b'",
        "'0123456789012345678901234567890123456789012345678901234567890123456789'"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "DELETE FROM segment; INSERT INTO segment VALUES(%s, 1, 5, 1, 1)",
                 bad[i]);
        raw_sql(l, sql);
        assert_int_equal(store_segments(l->s, 1, &rows, &n, &l->err), EYE_EFORMAT);
        assert_null(rows);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(rows_are_exchanged),
        T(who_is_late_changes_nothing),
        T(names_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
