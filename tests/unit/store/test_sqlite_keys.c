/* API keys as rows. */
#include "fixture.h"

#include <time.h>

static void found_by_hash_listed_and_removed(void **state)
{
    struct lib *l = *state;
    struct hash a = hash_of("a"), b = hash_of("b");
    struct store_key found, *keys = NULL;
    size_t n = 0;
    int64_t ia = 0, ib = 0;
    OK(l, store_key_new(l->s, "phone", 1, &a, &ia, &l->err));
    OK(l, store_key_new(l->s, "laptop", 3, &b, &ib, &l->err));
    OK(l, store_key_find(l->s, &b, &found, &l->err));
    assert_int_equal(found.id, ib);
    assert_int_equal(found.scope, 3);
    assert_int_equal(found.used_at, INT64_MIN);
    OK(l, store_key_used(l->s, ib, &l->err));
    OK(l, store_keys(l->s, &keys, &n, &l->err));
    assert_int_equal(n, 2);
    assert_string_equal(keys[0].name, "phone");
    assert_int_equal(keys[0].used_at, INT64_MIN);
    assert_true(keys[1].used_at >= keys[1].created_at);
    store_keys_free(keys, n);
    OK(l, store_key_remove(l->s, ia, &l->err));
    assert_int_equal(store_key_remove(l->s, ia, &l->err), EYE_ENOTFOUND);
    assert_int_equal(store_key_find(l->s, &a, &found, &l->err), EYE_ENOTFOUND);
    int64_t again = 0;
    OK(l, store_key_new(l->s, "phone", 1, &a, &again, &l->err));
    assert_true(again > ib); /* an id never means another key */
}

static void the_same_secret_twice_is_refused(void **state)
{
    struct lib *l = *state;
    struct hash a = hash_of("a");
    int64_t id = 0;
    OK(l, store_key_new(l->s, "k", 1, &a, &id, &l->err));
    assert_true(store_key_new(l->s, "k", 1, &a, &id, &l->err) < 0);
    assert_clean(l);
}

/* With the usual wait the other one would have to be done first, and it never is: 30 s. */
static void noting_its_use_waits_for_nobody(void **state)
{
    struct lib *l = *state;
    struct hash a = hash_of("a");
    struct timespec from, to;
    int64_t id = 0;
    OK(l, store_key_new(l->s, "k", 1, &a, &id, &l->err));
    struct store *other = store_open(l->dir, false, false, &l->err);
    assert_non_null(other);
    OK(l, store_begin(other, &l->err));
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(store_key_used(l->s, id, &l->err), EYE_EBUSY);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec < 20);
    store_rollback(other);
    store_close(other);
    OK(l, store_key_used(l->s, id, &l->err));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(found_by_hash_listed_and_removed),
        T(the_same_secret_twice_is_refused),
        T(noting_its_use_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
