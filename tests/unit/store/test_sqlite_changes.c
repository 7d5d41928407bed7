/* sqlite_changes.c: the log tells what happened, to whoever looks, and is forgotten but for what is needed. */
#include "fixture.h"

#include "store/sqlite.h"

static int64_t add_n(struct lib *l, int n)
{
    char rel[16];
    snprintf(rel, sizeof rel, "%c%d", 'a' + n % 26, n);
    return add(l, rel, rel);
}

static void remove_n(struct lib *l, int n)
{
    char rel[16];
    snprintf(rel, sizeof rel, "%c%d", 'a' + n % 26, n);
    OK(l, store_file_remove(l->s, l->root, rel, &l->err));
}

static struct store_mark mark_of(struct lib *l)
{
    struct store_mark mark;
    OK(l, store_vectors_mark(l->s, l->model, &mark, &l->err));
    return mark;
}

/* The log since `after` says this: ids, negative when gone. */
static void expect_log(struct lib *l, int64_t after, const int64_t *want, size_t n)
{
    struct store_change *log;
    size_t got;
    OK(l, store_log(l->s, l->model, after, &log, &got, &l->err));
    assert_int_equal(got, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(log[i].gone ? -log[i].picture : log[i].picture, want[i]);
        assert_true(log[i].change > (i ? log[i - 1].change : after));
    }
    free(log);
}

static void the_log_tells_what_happened(void **state)
{
    struct lib *l = *state;
    uint16_t row[DIM];
    int64_t a = add_n(l, 0), b = add_n(l, 1);
    struct store_mark before = mark_of(l);
    assert_int_equal(before.vectors, 2);
    assert_int_equal(before.log_from + before.switches, 0);
    expect_log(l, 0, (int64_t[]){a, b}, 2);
    remove_n(l, 0);
    unit_row(5, row);
    OK(l, store_vector_put(l->s, b, l->model, row, DIM, &l->err));
    int64_t c = add_n(l, 2);
    expect_log(l, before.changes, (int64_t[]){-a, -b, b, c}, 4);
    assert_int_equal(mark_of(l).changes, before.changes + 4);
    assert_int_equal(mark_of(l).vectors, 2);
    expect_log(l, mark_of(l).changes, NULL, 0);
    struct store_mark none;
    OK(l, store_vectors_mark(l->s, 4711, &none, &l->err));
    assert_int_equal(none.changes + none.vectors, 0);
    assert_clean(l);
}

/* What rolls back did not happen. */
static void a_rollback_leaves_no_line(void **state)
{
    struct lib *l = *state;
    int64_t a = add_n(l, 0);
    OK(l, store_begin(l->s, &l->err));
    add_n(l, 1);
    store_rollback(l->s);
    expect_log(l, 0, &a, 1);
}

struct needed {
    const int64_t *pictures;
    size_t n, asked;
    int64_t last;
};

static bool is_needed(void *ctx, const struct store_change *gone)
{
    struct needed *needed = ctx;
    assert_true(gone->gone);
    assert_true(gone->change < needed->last); /* from new to old */
    needed->last = gone->change;
    needed->asked++;
    for (size_t i = 0; i < needed->n; i++)
        if (needed->pictures[i] == gone->picture)
            return true;
    return false;
}

static void told(struct lib *l, int64_t log_from)
{
    struct store_switch sw = {.switches = mark_of(l).switches, .log_from = log_from};
    OK(l, store_segment_switch(l->s, l->model, &sw, &l->err));
}

static size_t trim(struct lib *l, struct needed *needed)
{
    int64_t upto = INT64_MAX;
    size_t pages = 0;
    needed->last = INT64_MAX;
    needed->asked = 0;
    for (bool more = true; more; pages++)
        OK(l, store_log_trim(l->s, l->model, &upto, is_needed, needed, &more, &l->err));
    return pages;
}

static void it_is_forgotten_but_for_what_is_needed(void **state)
{
    struct lib *l = *state;
    int64_t ids[6];
    for (int i = 0; i < 6; i++)
        ids[i] = add_n(l, i);
    remove_n(l, 1);
    remove_n(l, 2);
    struct needed needed = {.pictures = &ids[1], .n = 1};
    trim(l, &needed); /* up to log_from: nothing yet */
    assert_int_equal(needed.asked, 0);
    int64_t from = mark_of(l).changes;
    told(l, from);
    remove_n(l, 3);
    trim(l, &needed);
    assert_int_equal(needed.asked, 2);
    expect_log(l, 0, (int64_t[]){-ids[1], -ids[3]}, 2);
    told(l, from - 3); /* never back */
    assert_int_equal(mark_of(l).log_from, from);
    assert_int_equal(mark_of(l).switches, 0);
    needed.n = 0;
    trim(l, &needed);
    expect_log(l, 0, (int64_t[]){-ids[3]}, 1);
}

static void a_long_log_goes_in_pages(void **state)
{
    struct lib *l = *state;
    enum { N = 9000 };
    int64_t kept[3];
    OK(l, store_begin(l->s, &l->err));
    int64_t a = add_n(l, 0), b = add_n(l, 1);
    uint16_t row[DIM];
    for (int i = 0; i < N / 2; i++) {
        unit_row(i, row);
        OK(l, store_vector_put(l->s, i % 2 ? a : b, l->model, row, DIM, &l->err));
    }
    OK(l, store_commit(l->s, &l->err));
    told(l, mark_of(l).changes);
    kept[0] = a;
    struct needed needed = {.pictures = kept, .n = 1};
    size_t pages = trim(l, &needed);
    assert_true(pages >= 3);
    struct store_change *log;
    size_t n;
    OK(l, store_log(l->s, l->model, 0, &log, &n, &l->err));
    assert_int_equal(n, N / 4);
    free(log);
    needed.n = 0;
    trim(l, &needed);
    expect_log(l, 0, NULL, 0);
}

/* Someone else writes: a page waits for its turn, and gives up like all writers. */
static void trimming_takes_turns(void **state)
{
    struct lib *l = *state;
    struct store *other = store_open(l->dir, false, false, &l->err);
    int64_t upto = INT64_MAX;
    bool more;
    struct needed needed = {.last = INT64_MAX};
    add_n(l, 0);
    OK(l, store_begin(other, &l->err));
    store_wait_set(l->s, 50);
    assert_int_equal(store_log_trim(l->s, l->model, &upto, is_needed, &needed, &more, &l->err),
                     EYE_EBUSY);
    store_rollback(other);
    store_close(other);
    trim(l, &needed);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(the_log_tells_what_happened),
        T(a_rollback_leaves_no_line),
        T(it_is_forgotten_but_for_what_is_needed),
        T(a_long_log_goes_in_pages),
        T(trimming_takes_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
