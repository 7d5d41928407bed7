/* The queue of changed paths: each once, bounded, writers waited for. */
#include "fixture.h"

#include "engine/watch.h"

static void each_path_once_and_sorted(void **state)
{
    (void)state;
    static const char *const in[] = {"b", "a/x", "a-b", "a", "b", "a/y/z", "c/d"};
    static const char *const out[] = {"a", "a-b", "b", "c/d"};
    struct watch_queue q;
    struct watch_taken t;
    watch_queue_init(&q, 100);
    assert_false(watch_queue_is_ready(&q));
    for (size_t i = 0; i < 7; i++)
        watch_queue_add(&q, in[i], 1);
    assert_int_equal(q.n, 6);
    watch_queue_take(&q, &t);
    assert_false(t.whole);
    assert_int_equal(t.n, 4); /* what lies in another goes without saying */
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(t.rels[i], out[i]);
    assert_false(watch_queue_is_ready(&q));
    watch_queue_put_back(&q, &t, 2);
    assert_int_equal(q.n, 4);
    watch_taken_release(&t);
    watch_queue_release(&q);
}

static void writers_are_waited_for(void **state)
{
    (void)state;
    struct watch_queue q;
    struct watch_taken t;
    watch_queue_init(&q, 100);
    watch_queue_writing(&q, "w", 10);
    assert_false(watch_queue_is_ready(&q));
    assert_true(watch_queue_is_writing(&q, "w"));
    watch_queue_add(&q, "r", 11);
    watch_queue_take(&q, &t);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.rels[0], "r");
    watch_taken_release(&t);
    assert_true(watch_queue_is_writing(&q, "w"));
    assert_true(watch_queue_silent(&q, 9) == 10); /* heard of since */
    assert_false(watch_queue_is_ready(&q));
    watch_queue_writing(&q, "w", 12);
    assert_true(watch_queue_silent(&q, 11) == 12);
    assert_true(watch_queue_silent(&q, 13) == 0); /* silent: taken for complete */
    assert_true(watch_queue_is_ready(&q));
    watch_queue_writing(&q, "v", 14);
    watch_queue_add(&q, "v", 15); /* closed */
    watch_queue_take(&q, &t);
    assert_int_equal(t.n, 2);
    watch_taken_release(&t);
    watch_queue_release(&q);
}

static void too_many_are_everything(void **state)
{
    (void)state;
    struct watch_queue q;
    struct watch_taken t;
    char rel[32];
    watch_queue_init(&q, 50);
    watch_queue_writing(&q, "w", 1);
    for (int i = 0; i < 10000; i++) {
        snprintf(rel, sizeof rel, "f%d", i);
        watch_queue_add(&q, rel, 2);
    }
    assert_true(q.whole);
    assert_int_equal(q.n, 1); /* bounded, and the writer is remembered */
    assert_true(q.cap <= 256);
    for (int i = 0; i < 10000; i++) {
        snprintf(rel, sizeof rel, "w%d", i);
        watch_queue_writing(&q, rel, 2);
    }
    assert_true(q.n <= 50);
    watch_queue_take(&q, &t);
    assert_true(t.whole);
    assert_int_equal(t.n, 0);
    assert_false(q.whole);
    assert_true(watch_queue_is_writing(&q, "w"));
    watch_queue_put_back(&q, &t, 3);
    assert_true(q.whole);
    watch_taken_release(&t);
    watch_queue_release(&q);
}

static void a_table_with_holes_still_finds(void **state)
{
    (void)state;
    struct watch_queue q;
    struct watch_taken t;
    char rel[32];
    watch_queue_init(&q, 4000);
    for (int i = 0; i < 3000; i++) {
        snprintf(rel, sizeof rel, "%d", i);
        if (i % 3)
            watch_queue_add(&q, rel, 1);
        else
            watch_queue_writing(&q, rel, 1);
    }
    watch_queue_take(&q, &t);
    assert_int_equal(t.n, 2000);
    watch_taken_release(&t);
    for (int i = 0; i < 3000; i++) {
        snprintf(rel, sizeof rel, "%d", i);
        assert_int_equal(watch_queue_is_writing(&q, rel), i % 3 == 0);
    }
    watch_queue_release(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_once_and_sorted),
        cmocka_unit_test(writers_are_waited_for),
        cmocka_unit_test(too_many_are_everything),
        cmocka_unit_test(a_table_with_holes_still_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
