/* Files and failures: what is known of a path, orphans, reading in byte order. */
#include "fixture.h"

struct seen {
    size_t n;
    char rels[4096][24];
    bool failed[4096];
    int attempts, code;
    int64_t stop_after;
    struct lib *l;
};

static int see(void *ctx, const struct store_file *f, const struct store_failure *x)
{
    struct seen *seen = ctx;
    assert_true(seen->n < 4096);
    snprintf(seen->rels[seen->n], sizeof seen->rels[0], "%s", f->rel);
    seen->failed[seen->n++] = x != NULL;
    if (x) {
        assert_int_equal(f->picture, 0);
        assert_string_equal(x->rel, f->rel);
        seen->attempts = x->attempts;
        seen->code = x->code;
    } else {
        assert_true(f->picture > 0);
    }
    return seen->stop_after && (int64_t)seen->n == seen->stop_after ? 77 : 0;
}

static struct seen *each(struct lib *l, const char *under)
{
    struct seen *seen = calloc(1, sizeof *seen);
    OK(l, store_each_file(l->s, l->root, under, see, seen, &l->err));
    return seen;
}

static void same_bytes_at_three_paths_are_one_picture(void **state)
{
    struct lib *l = *state;
    int64_t a = add(l, "a.jpg", "same");
    assert_int_equal(add(l, "b.jpg", "same"), a);
    assert_int_equal(add(l, "c/d.jpg", "same"), a);
    struct store_stats st = stats_of(l);
    assert_int_equal(st.pictures, 1);
    assert_int_equal(st.files, 3);
    assert_int_equal(st.embedded, 1);
    OK(l, store_file_remove(l->s, l->root, "a.jpg", &l->err));
    OK(l, store_file_remove(l->s, l->root, "c/d.jpg", &l->err));
    assert_int_equal(stats_of(l).pictures, 1);
    int64_t before = generation_of(l);
    OK(l, store_file_remove(l->s, l->root, "b.jpg", &l->err));
    st = stats_of(l);
    assert_int_equal(st.pictures, 0);
    assert_int_equal(st.files, 0);
    assert_int_equal(st.embedded, 0);
    assert_true(l->remote || generation_of(l) != before);
    assert_clean(l);
}

static void rename_keeps_the_picture(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "old.jpg", "bytes"), g = generation_of(l), at = 0;
    OK(l, store_begin(l->s, &l->err));
    set_file(l, l->root, "new.jpg", id);
    OK(l, store_file_remove(l->s, l->root, "old.jpg", &l->err));
    OK(l, store_commit(l->s, &l->err));
    OK(l, store_picture_at(l->s, l->root, "new.jpg", &at, &l->err));
    assert_int_equal(at, id);
    assert_int_equal(store_picture_at(l->s, l->root, "old.jpg", &at, &l->err), EYE_ENOTFOUND);
    assert_int_equal(generation_of(l), g);
    assert_int_equal(stats_of(l).embedded, 1);
    assert_clean(l);
}

static void changed_content_drops_the_old_picture(void **state)
{
    struct lib *l = *state;
    int64_t old = add(l, "x.jpg", "one"), new = add(l, "x.jpg", "two"), at = 0;
    struct store_picture p;
    assert_int_not_equal(old, new);
    OK(l, store_picture_at(l->s, l->root, "x.jpg", &at, &l->err));
    assert_int_equal(at, new);
    assert_int_equal(store_picture_get(l->s, old, &p, &l->err), EYE_ENOTFOUND);
    assert_int_equal(stats_of(l).embedded, 1);
    /* Saying the same again changes nothing. */
    set_file(l, l->root, "x.jpg", new);
    OK(l, store_picture_get(l->s, new, &p, &l->err));
    assert_clean(l);
}

static void failure_success_failure(void **state)
{
    struct lib *l = *state;
    fail_file(l, l->root, "x.jpg", "truncated");
    fail_file(l, l->root, "x.jpg", "still truncated");
    struct seen *seen = each(l, "");
    assert_int_equal(seen->n, 1);
    assert_true(seen->failed[0]);
    assert_int_equal(seen->attempts, 2);
    assert_int_equal(seen->code, EYE_EFORMAT);
    free(seen);
    struct store_stats st = stats_of(l);
    assert_int_equal(st.failures, 1);
    assert_int_equal(st.files, 0);

    add(l, "x.jpg", "good");
    st = stats_of(l);
    assert_int_equal(st.failures, 0);
    assert_int_equal(st.files, 1);

    fail_file(l, l->root, "x.jpg", "broken again");
    seen = each(l, "");
    assert_int_equal(seen->n, 1);
    assert_true(seen->failed[0]);
    assert_int_equal(seen->attempts, 1);
    free(seen);
    st = stats_of(l);
    assert_int_equal(st.pictures, 0); /* the good one lost its only file */
    assert_int_equal(st.embedded, 0);
    OK(l, store_file_remove(l->s, l->root, "x.jpg", &l->err));
    assert_int_equal(stats_of(l).failures, 0);
    assert_clean(l);
}

static void under_is_a_folder_not_a_prefix(void **state)
{
    struct lib *l = *state;
    static const char *const rels[] = {"a",   "a!b", "a-x/1", "a.jpg", "a/1",      "a/b/2",
                                       "a/z", "a0",  "ab/3",  "b",     "\xff\xfe", "A/1"};
    static const char *const below[] = {"a", "a/1", "a/b/2", "a/z"};
    for (size_t i = 0; i < sizeof rels / sizeof *rels; i++)
        add(l, rels[i], rels[i]);
    struct seen *seen = each(l, "a");
    assert_int_equal(seen->n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(seen->rels[i], below[i]);
    free(seen);
    seen = each(l, "");
    assert_int_equal(seen->n, 12);
    for (size_t i = 1; i < seen->n; i++)
        assert_true(strcmp(seen->rels[i - 1], seen->rels[i]) < 0); /* as unsigned bytes */
    assert_string_equal(seen->rels[11], "\xff\xfe");
    free(seen);
    seen = each(l, "nothing");
    assert_int_equal(seen->n, 0);
    free(seen);
}

static int see_and_remove(void *ctx, const struct store_file *f, const struct store_failure *x)
{
    struct seen *seen = ctx;
    OK(seen->l, store_file_remove(seen->l->s, f->root, f->rel, &seen->l->err));
    return see(ctx, f, x);
}

static void many_pages_and_writes_meanwhile(void **state)
{
    struct lib *l = *state;
    char rel[32];
    const int n =
        l->remote ? 200 : 2048; /* four pages, the last one full; a server asks for each */
    const int stop = n / 3;
    OK(l, store_begin(l->s, &l->err));
    for (int i = 0; i < n; i++) {
        snprintf(rel, sizeof rel, "f/%05d", i);
        if (i % 3)
            add(l, rel, rel);
        else
            fail_file(l, l->root, rel, "no");
    }
    OK(l, store_commit(l->s, &l->err));
    struct seen *seen = each(l, "f");
    assert_int_equal(seen->n, n);
    for (int i = 0; i < n; i++) {
        snprintf(rel, sizeof rel, "f/%05d", i);
        assert_string_equal(seen->rels[i], rel);
        assert_int_equal(seen->failed[i], i % 3 == 0);
    }
    memset(seen, 0, sizeof *seen);
    seen->stop_after = stop;
    assert_int_equal(store_each_file(l->s, l->root, "", see, seen, &l->err), 77);
    assert_int_equal(seen->n, stop);
    memset(seen, 0, sizeof *seen);
    seen->l = l;
    OK(l, store_begin(l->s, &l->err));
    OK(l, store_each_file(l->s, l->root, "", see_and_remove, seen, &l->err));
    OK(l, store_commit(l->s, &l->err));
    assert_int_equal(seen->n, n);
    free(seen);
    struct store_stats st = stats_of(l);
    assert_int_equal(st.files + st.failures + st.pictures + st.embedded, 0);
    assert_clean(l);
}

static int first_file(void *ctx, const struct store_file *f, const struct store_failure *x)
{
    assert_null(x);
    *(struct store_file *)ctx = *f;
    return 0;
}

static void touch_changes_size_and_time_only(void **state)
{
    struct lib *l = *state;
    int64_t id = add(l, "t", "t");
    struct store_file f = {.root = l->root, .rel = "t", .size = 99, .mtime_ns = -5}, got = {0};
    OK(l, store_file_touch(l->s, &f, &l->err));
    OK(l, store_each_file(l->s, l->root, "", first_file, &got, &l->err));
    assert_int_equal(got.size, 99);
    assert_int_equal(got.mtime_ns, -5);
    assert_int_equal(got.picture, id);
    f.rel = "unknown";
    assert_int_equal(store_file_touch(l->s, &f, &l->err), EYE_ENOTFOUND);
    f.size = UINT64_MAX;
    assert_int_equal(store_file_touch(l->s, &f, &l->err), EYE_EINVAL);
}

static void unknown_picture_or_root_is_refused(void **state)
{
    struct lib *l = *state;
    struct store_file f = {.root = l->root, .rel = "x", .picture = 4711};
    assert_int_equal(store_file_set(l->s, &f, &l->err), EYE_ENOTFOUND);
    f.picture = add(l, "y", "y");
    f.root = 4711;
    assert_int_equal(store_file_set(l->s, &f, &l->err), EYE_ENOTFOUND);
    struct store_failure x = {.root = 4711, .rel = "x", .reason = "r", .code = EYE_EIO};
    assert_int_equal(store_failure_set(l->s, &x, &l->err), EYE_ENOTFOUND);
    OK(l, store_file_remove(l->s, l->root, "never there", &l->err));
    assert_clean(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(same_bytes_at_three_paths_are_one_picture),
        T(rename_keeps_the_picture),
        T(changed_content_drops_the_old_picture),
        T(failure_success_failure),
        T(under_is_a_folder_not_a_prefix),
        T(many_pages_and_writes_meanwhile),
        T(touch_changes_size_and_time_only),
        T(unknown_picture_or_root_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
