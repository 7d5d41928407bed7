/* test_scan_objects.c - a bucket is walked as a folder would be, and nothing is removed unless it was seen to be gone. */
#include "engine/originals_fixture.h"

static const char *const keys[] = {"p/a.bmp",          "p/bare",          "p/sub/b.bmp",
                                   "p/sub/deep/c.bmp", "p/.hidden/d.bmp", "p/sub/.e.bmp",
                                   "p/old/f.bmp",      "p/notes.txt",     "p/folder/",
                                   "p//g.bmp",         "p/../h.bmp",      "q/i.bmp"};
enum { NKEYS = sizeof keys / sizeof *keys };

static void fill(struct fx *fx)
{
    for (size_t i = 0; i < NKEYS; i++) {
        struct buf key;
        buf_init(&key, 500);
        object_encode(&key, keys[i], false, NULL);
        og_put(fx, key.data, i + 1);
        buf_release(&key);
    }
    og_open(fx, "s3://bkt/p");
}

static void test_names(void **state)
{
    struct fx *fx = fx_new(state);
    const char *const globs[] = {"old"};
    eye_index_options o = {.exclude = globs, .nexclude = 1};
    fill(fx);
    FX_OK(fx, fx_index_rc(fx, NULL, &o));
    FX_COUNTS(fx, 4, 0, 0, 0, 0, 0);
    assert_int_equal(fx_outcome(fx, "s3://bkt/p/sub/deep/c.bmp"), EYE_FILE_INDEXED);
    assert_int_equal(fx_outcome(fx, "s3://bkt/p/bare"), EYE_FILE_INDEXED);
    assert_int_equal(fx->p.seen, 6); /* folders that are left out are not looked into */
    assert_int_equal(fx->p.skipped, 2);
    assert_non_null(strstr(fx->log, "2 objects have names that cannot be paths"));
    fx_index(fx, NULL);
    FX_COUNTS(fx, 1, 0, 0, 4, 0, 0);
    FX_OK(fx, fx_index_rc(fx, NULL, &o)); /* what is excluded now stays known */
    FX_COUNTS(fx, 0, 0, 0, 4, 0, 0);
    assert_int_equal(fx_status(fx).files, 5);
    fx_verify_clean(fx);
    og_empty(keys, NKEYS);
    fx_free(fx);
}

static int index_below(struct fx *fx, const char *path)
{
    fx->nevents = 0;
    fx->caller = pthread_self();
    eye_index_options o = {.event = fx_on_event, .ctx = fx};
    return eye_index(fx->lib, &path, 1, &o, &fx->p, &fx->err);
}

static void test_a_part(void **state)
{
    struct fx *fx = fx_new(state);
    fill(fx);
    FX_OK(fx, index_below(fx, "sub"));
    FX_COUNTS(fx, 2, 0, 0, 0, 0, 0);
    og_delete("p/sub/b.bmp");
    FX_OK(fx, index_below(fx, "s3://bkt/p/sub/deep"));
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 0); /* nobody looked at what is gone */
    FX_OK(fx, index_below(fx, "sub/b.bmp"));
    FX_COUNTS(fx, 0, 0, 0, 0, 1, 0);
    FX_OK(fx, index_below(fx, "a.bmp"));
    FX_COUNTS(fx, 1, 0, 0, 0, 0, 0);
    fx_index(fx, NULL); /* all of the place takes the parts in */
    FX_COUNTS(fx, 2, 0, 0, 2, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    og_empty(keys, NKEYS);
    fx_free(fx);
}

static void test_away_removes_nothing(void **state)
{
    struct fx *fx = fx_new(state);
    static const char *const faults[] = {
        "fault=500&times=99", "fault=reset&times=99", "fault=badxml&times=99",
        "fault=foreign&times=99&match=continuation", "fault=reset&times=99&match=continuation"};
    fill(fx);
    fx_index(fx, NULL);
    uint64_t files = fx_status(fx).files;
    og_delete("p/a.bmp");
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char over[100];
        fake_tell(&fake, faults[i], NULL, 0);
        fx_index(fx, NULL);
        assert_int_equal(fx->p.removed, 0);
        assert_int_equal(fx->p.offline_roots, 1);
        assert_int_equal(fx_status(fx).files, files);
        snprintf(over, sizeof over, "%.*s&times=0", (int)strcspn(faults[i], "&"), faults[i]);
        fake_tell(&fake, over, NULL, 0);
    }
    og_empty(keys, NKEYS);
    fx_index(fx, NULL); /* empty where pictures were */
    assert_int_equal(fx->p.offline_roots, 1);
    assert_int_equal(fx_status(fx).files, files);
    og_put(fx, "p%2Fnew.bmp", 99);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 1, 0, 0, 0, files, 0);
    og_delete("p/new.bmp");
    fx_free(fx);
}

/* The store failed, not the file: nothing is noted, and what was known is kept. */
static void test_not_read_is_not_broken(void **state)
{
    struct fx *fx = fx_new(state);
    og_put(fx, "p%2Fa.bmp", 1);
    og_put(fx, "p%2Fb.bmp", 2);
    og_open(fx, "s3://bkt/p");
    fx_index(fx, NULL);
    og_put(fx, "p%2Fa.bmp", 3);
    og_put(fx, "p%2Fc.bmp", 4);
    fake_tell(&fake, "fault=500&times=99&match=.bmp", NULL, 0);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 1, 0, 2);
    assert_non_null(strstr(fx_event(fx, "s3://bkt/p/a.bmp")->reason, "500"));
    assert_int_equal(fx_status(fx).files, 2);
    assert_int_equal(fx_status(fx).failures, 0);
    assert_int_equal(fx_status(fx).embedded, 2);
    fake_tell(&fake, "fault=500&times=0", NULL, 0);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 1, 1, 0, 1, 0, 0);
    og_delete("p/a.bmp");
    og_delete("p/b.bmp");
    og_delete("p/c.bmp");
    fx_free(fx);
}

static void test_parts_and_moves(void **state)
{
    struct fx *fx = fx_new(state);
    fill(fx);
    uint64_t sum = 0;
    for (int i = 1; i <= 3; i++) {
        eye_index_options o = {.part = i, .parts = 3};
        FX_OK(fx, fx_index_rc(fx, NULL, &o));
        sum += fx->p.indexed;
    }
    assert_int_equal(sum, 5);
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 0, 5, 0, 0);
    og_put(fx, "p%2Fmoved.bmp", 1); /* as a.bmp */
    og_delete("p/a.bmp");
    fx_index(fx, NULL);
    FX_COUNTS(fx, 0, 0, 1, 4, 1, 0);
    og_delete("p/moved.bmp");
    og_empty(keys, NKEYS);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_part),
        cmocka_unit_test(test_away_removes_nothing),
        cmocka_unit_test(test_not_read_is_not_broken),
        cmocka_unit_test(test_parts_and_moves),
    };
    return cmocka_run_group_tests(tests, og_setup, og_teardown);
}
