/* test_encodings.c - words remembered with their vectors, oldest forgotten first, models kept apart. */
#include "engine/fixture.h"

enum { D = 4 };

static void fill(float *v, int n)
{
    for (int i = 0; i < D; i++)
        v[i] = (float)(n * 10 + i);
}

static void put(struct eng_encodings *e, const struct hash *h, int n)
{
    char words[32];
    float v[D];
    snprintf(words, sizeof words, "words %d", n);
    fill(v, n);
    eng_encodings_put(e, h, words, v, D);
}

static bool has(struct eng_encodings *e, const struct hash *h, int n)
{
    char words[32];
    float v[D], want[D];
    snprintf(words, sizeof words, "words %d", n);
    fill(want, n);
    if (!eng_encodings_get(e, h, words, v, D))
        return false;
    assert_memory_equal(v, want, sizeof v);
    return true;
}

static void test_least_recently_used_goes(void **state)
{
    (void)state;
    struct hash one, two;
    struct eng_encodings *e = eng_encodings_new(NULL);
    hash_bytes("one", 3, &one);
    hash_bytes("two", 3, &two);
    assert_false(has(e, &one, 0));
    for (int i = 0; i < 256; i++)
        put(e, &one, i);
    for (int i = 0; i < 256; i++)
        assert_true(has(e, &one, i));
    assert_false(has(e, &two, 7)); /* of the other model */
    assert_true(has(e, &one, 0));
    put(e, &one, 5); /* known: takes no place */
    put(e, &two, 256);
    assert_true(has(e, &one, 0));
    assert_false(has(e, &one, 1));
    assert_true(has(e, &one, 2));
    assert_true(has(e, &two, 256));
    for (int i = 1000; i < 3000; i++)
        put(e, &two, i);
    assert_false(has(e, &one, 0));
    assert_false(has(e, &two, 2743));
    assert_true(has(e, &two, 2744));
    eng_encodings_free(e);
    eng_encodings_free(NULL);
}

static void test_long_texts_are_not_kept(void **state)
{
    (void)state;
    static char text[2000];
    struct hash h;
    float v[D] = {0};
    struct eng_encodings *e = eng_encodings_new(NULL);
    hash_bytes("one", 3, &h);
    memset(text, 'a', sizeof text - 1);
    eng_encodings_put(e, &h, text, v, D);
    assert_false(eng_encodings_get(e, &h, text, v, D));
    text[1024] = '\0';
    eng_encodings_put(e, &h, text, v, D);
    assert_true(eng_encodings_get(e, &h, text, v, D));
    assert_false(eng_encodings_get(e, &h, text, v, D - 1)); /* never more or less than asked for */
    eng_encodings_free(e);
}

/* The same words give the same vector, kept or not. */
static void test_kept_is_what_was_computed(void **state)
{
    struct fx *fx = fx_new(state);
    eye_query q = EYE_QUERY_INIT;
    float first[64], again[64];
    for (int i = 0; i < 2; i++) {
        q.words = "a dog";
        FX_OK(fx, eye_embed(fx->lib, &q, i ? again : first, &fx->err));
        FX_OK(fx, eye_embed(fx->lib, &q, again, &fx->err));
        assert_memory_equal(first, again, sizeof first);
        q.words = "a cat";
        FX_OK(fx, eye_embed(fx->lib, &q, again, &fx->err));
        assert_memory_not_equal(first, again, sizeof first);
        fx_reopen(fx);
    }
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_recently_used_goes),
        cmocka_unit_test(test_long_texts_are_not_kept),
        cmocka_unit_test(test_kept_is_what_was_computed),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
