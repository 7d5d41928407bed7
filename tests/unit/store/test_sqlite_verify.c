/* verify finds each kind of damage, and counts. */
#include "fixture.h"

struct findings {
    size_t n;
    char text[4096];
};

static void collect(void *ctx, const char *finding)
{
    struct findings *f = ctx;
    size_t len = strlen(f->text);
    snprintf(f->text + len, sizeof f->text - len, "%s\n", finding);
    f->n++;
}

/* sql damages a library of two pictures; verify must say exactly `n` things, `words` among them. */
static void expect(void **state, const char *sql, size_t n, const char *words)
{
    struct lib *l = *state;
    struct findings f = {0};
    size_t count = 99;
    embedded_only(l);
    add(l, "a", "a");
    add(l, "b", "b");
    fail_file(l, l->root, "c", "no");
    assert_clean(l);
    raw_sql(l, sql);
    OK(l, store_verify(l->s, collect, &f, &count, &l->err));
    if (f.n != n || !strstr(f.text, words))
        print_message("%s -> %s", sql, f.text);
    assert_int_equal(count, f.n);
    assert_int_equal(f.n, n);
    assert_non_null(strstr(f.text, words));
}

static void picture_without_file(void **state)
{
    expect(state, "DROP TRIGGER file_gone; DELETE FROM file WHERE rel = x'61'", 1,
           "no file shows picture 1");
}

static void file_without_picture(void **state)
{
    /* The embedding goes by the trigger; the file points to nothing. */
    expect(state, "DELETE FROM picture WHERE id = 2", 1, "file points to a missing picture");
}

static void vector_without_picture(void **state)
{
    expect(state, "DROP TRIGGER picture_gone; DELETE FROM file WHERE rel = x'62'", 1,
           "belongs to picture 2, which is not there");
}

static void vector_of_no_model(void **state)
{
    expect(state,
           "INSERT INTO embedding(id, vector) VALUES((99 << 40) | 1,"
           " x'003c0000000000000000000000000000')",
           1, "model 99, which is not known");
}

static void vector_too_short(void **state)
{
    expect(state, "UPDATE embedding SET vector = x'003c' WHERE id & 1048575 = 1", 1,
           "has 2 bytes, not 16");
}

static void vector_not_finite(void **state)
{
    expect(state,
           "UPDATE embedding SET vector = x'007c0000000000000000000000000000' WHERE id & 1048575 = "
           "2",
           1, "is not finite");
}

static void vector_not_of_length_one(void **state)
{
    /* 1.02 */
    expect(state,
           "UPDATE embedding SET vector = x'143c0000000000000000000000000000' WHERE id & 1048575 = "
           "2",
           1, "has length 1.0195");
}

static void wrong_counters(void **state)
{
    expect(state, "UPDATE model SET vectors = 5", 1, "5 counted, 2 there");
}

static void broken_index(void **state)
{
    /* A row that its index does not have. */
    expect(state,
           "PRAGMA writable_schema = ON;"
           "CREATE TABLE keep AS SELECT * FROM sqlite_schema WHERE name = 'file_picture';"
           "DELETE FROM sqlite_schema WHERE name = 'file_picture';"
           "PRAGMA writable_schema = RESET;"
           "INSERT INTO file(root, rel, picture, size, mtime_ns) VALUES(1, x'7a', 1, 0, 0);"
           "PRAGMA writable_schema = ON;"
           "INSERT INTO sqlite_schema SELECT * FROM keep;"
           "PRAGMA writable_schema = RESET;"
           "DROP TABLE keep",
           2, "file_picture");
}

static void stats_count(void **state)
{
    struct lib *l = *state;
    struct store_stats st = stats_of(l);
    assert_int_equal(st.pictures + st.files + st.failures + st.embedded, 0);
    assert_int_equal(st.roots, 1);
    assert_true(l->remote || st.bytes > 8192);
    add(l, "a", "a");
    add(l, "b", "a");
    fail_file(l, l->root, "c", "no");
    st = stats_of(l);
    assert_int_equal(st.pictures, 1);
    assert_int_equal(st.files, 2);
    assert_int_equal(st.failures, 1);
    assert_int_equal(st.embedded, 1);
    assert_int_equal(store_stats(l->s, 0, &st, &l->err), 0);
    assert_int_equal(st.embedded, 0);
}

static void without_a_listener_it_still_counts(void **state)
{
    struct lib *l = *state;
    size_t n = 0;
    embedded_only(l);
    add(l, "a", "a");
    raw_sql(l, "UPDATE model SET vectors = 7");
    OK(l, store_verify(l->s, NULL, NULL, &n, NULL));
    assert_int_equal(n, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, embedded_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        E(picture_without_file),
        E(file_without_picture),
        E(vector_without_picture),
        E(vector_of_no_model),
        E(vector_too_short),
        E(vector_not_finite),
        E(vector_not_of_length_one),
        E(wrong_counters),
        E(broken_index),
        T(stats_count),
        E(without_a_listener_it_still_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
