/* test_turns.c - never more at once than said, and everybody gets a turn. */
#include "engine/fixture.h"

struct crowd {
    struct eng_turns turns;
    atomic_int inside, most, done;
};

static void *come_and_go(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 200; i++) {
        eng_turn_begin(&c->turns);
        int now = atomic_fetch_add(&c->inside, 1) + 1, most = atomic_load(&c->most);
        while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
            ;
        sched_yield();
        atomic_fetch_sub(&c->inside, 1);
        eng_turn_end(&c->turns);
        atomic_fetch_add(&c->done, 1);
    }
    return NULL;
}

static void test_so_many_at_once(void **state)
{
    (void)state;
    static const int most[] = {3, 1, 0}; /* 0 would stop everybody: taken as 1 */
    for (int m = 0; m < 3; m++) {
        struct crowd c = {.done = 0};
        pthread_t threads[12];
        eng_turns_init(&c.turns, most[m]);
        for (int i = 0; i < 12; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &c), 0);
        for (int i = 0; i < 12; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(c.done, 2400);
        assert_in_range(c.most, 1, most[m] ? most[m] : 1);
        eng_turns_release(&c.turns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_so_many_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
