/* Listings: all pages in order, or an error; never half of one taken for a whole. */
#include "fake.h"

static struct fake fake;
static struct object_store *s;

static const char *const keys[] = {"photos/%25 \"x\".jpg", "photos/a b.jpg", "photos/a+b.jpg",
                                   "photos/a/deep/er.jpg", "photos/z\n.jpg", "photos/\xc3\xa4.jpg"};
enum { NKEYS = sizeof keys / sizeof *keys };

static int start(void **state)
{
    (void)state;
    char form[512];
    struct buf name;
    fake = fake_start("--page", "2", NULL, NULL);
    s = fake_open(&fake, FAKE_SECRET);
    buf_init(&name, 400);
    for (size_t i = 0; i < NKEYS; i++) {
        buf_clear(&name);
        object_encode(&name, keys[i], false, NULL);
        snprintf(form, sizeof form, "put=%s&text=%zu", name.data, i);
        fake_tell(&fake, form, NULL, 0);
    }
    buf_release(&name);
    fake_tell(&fake, "put=photos2/not.jpg&text=x", NULL, 0);
    fake_tell(&fake, "put=other.jpg&text=x", NULL, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    object_close(s);
    fake_stop(&fake);
    return 0;
}

struct seen {
    size_t n, stop_at;
    bool wrong;
};

static int note(void *ctx, const struct object_info *info)
{
    struct seen *seen = ctx;
    seen->wrong =
        seen->wrong || seen->n >= NKEYS || strcmp(info->key, keys[seen->n]) != 0 || info->size != 1;
    seen->n++;
    return seen->stop_at && seen->n == seen->stop_at ? 77 : 0;
}

static void whole(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct seen seen = {0};
    if (object_list(s, "photos/", 0, note, &seen, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(seen.n, NKEYS);
    assert_false(seen.wrong);
    seen = (struct seen){.stop_at = 3};
    assert_int_equal(object_list(s, "photos/", 0, note, &seen, &err), 77);
    assert_int_equal(seen.n, 3);
    seen = (struct seen){0};
    assert_int_equal(object_list(s, "photos/", 3, note, &seen, &err), 0);
    assert_int_equal(seen.n, 3);
    seen = (struct seen){0};
    assert_int_equal(object_list(s, "nothing/", 0, note, &seen, &err), 0);
    assert_int_equal(seen.n, 0);
}

static void probe(void **state)
{
    (void)state;
    bool any;
    struct eye_err err;
    assert_int_equal(object_probe(s, "photos/", &any, &err), 0);
    assert_true(any);
    assert_int_equal(object_probe(s, "photo/", &any, &err), 0);
    assert_false(any);
    fake_tell(&fake, "bucket=gone", NULL, 0);
    assert_int_equal(object_probe(s, "", &any, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "no such bucket"));
    fake_tell(&fake, "bucket=back", NULL, 0);
}

/* Each on its second page. */
static void nonsense(void **state)
{
    (void)state;
    static const char *const faults[] = {"foreign", "loop", "badxml",  "notlist",
                                         "hugexml", "500",  "redirect"};
    char form[200];
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct eye_err err = {0};
        struct seen seen = {0};
        snprintf(form, sizeof form, "fault=%s&times=9&match=continuation", faults[i]);
        fake_tell(&fake, form, NULL, 0);
        int rc = object_list(s, "photos/", 0, note, &seen, &err);
        if (rc != EYE_EREMOTE || seen.wrong || !err.msg[0])
            fail_msg("%s: %d %zu '%s'", faults[i], rc, seen.n, err.msg);
        snprintf(form, sizeof form, "fault=%s&times=0", faults[i]);
        fake_tell(&fake, form, NULL, 0);
    }
}

static void a_page_lost(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct seen seen = {0};
    fake_tell(&fake, "fault=reset&times=2&match=continuation", NULL, 0);
    assert_int_equal(object_list(s, "photos/", 0, note, &seen, &err), 0);
    assert_int_equal(seen.n, NKEYS); /* nothing twice */
    assert_false(seen.wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(probe),
                                       cmocka_unit_test(nonsense), cmocka_unit_test(a_page_lost)};
    return cmocka_run_group_tests(tests, start, stop);
}
