/* test_zip.c - eye_zip: originals byte by byte, names that meet, what is missing, a reader that goes away. */
#include "engine/fixture.h"

#include <sys/mman.h>
#include <unistd.h>

#include "archive/archive.h"

struct out {
    int fd, stop;
};

static int to_file(void *ctx, const void *bytes, size_t len)
{
    struct out *o = ctx;
    return o->stop || write(o->fd, bytes, len) != (ssize_t)len;
}

/* "name size;" of each, and the text of MISSING.txt. */
struct list {
    char text[3000], missing[1000];
    bool in_missing;
};

static int on_begin(void *ctx, const char *name, uint64_t size)
{
    struct list *l = ctx;
    size_t n = strlen(l->text);
    l->in_missing = strcmp(name, "MISSING.txt") == 0;
    if (l->in_missing)
        size = 0;
    snprintf(l->text + n, sizeof l->text - n, "%s %llu;", name, (unsigned long long)size);
    return 0;
}

static int on_data(void *ctx, const void *bytes, size_t len)
{
    struct list *l = ctx;
    if (l->in_missing)
        snprintf(l->missing, sizeof l->missing, "%.*s", (int)len, (const char *)bytes);
    return 0;
}

static int on_end(void *ctx, bool whole, const char *reason)
{
    (void)ctx, (void)reason;
    assert_true(whole);
    return 0;
}

static struct list zip(struct fx *fx, const int64_t *ids, size_t n)
{
    struct list list = {.text = ""};
    struct unzip_sink sink = {on_begin, on_data, on_end, &list};
    struct out out = {memfd_create("zip", MFD_CLOEXEC), 0};
    FX_OK(fx, eye_zip(fx->lib, ids, n, to_file, &out, &fx->err));
    FX_OK(fx, archive_unzip(out.fd, NULL, &sink, &fx->err));
    close(out.fd);
    return list;
}

/* Ids of all pictures, in the order in which they were added. */
static size_t all_ids(struct fx *fx, int64_t *ids, size_t max)
{
    size_t n = 0;
    struct store *s = eng_store_get(fx->lib, &fx->err);
    struct store_picture p;
    for (int64_t id = 1; n < max && id < 100; id++)
        if (store_picture_get(s, id, &p, NULL) == 0)
            ids[n++] = id;
    eng_store_put(fx->lib, s);
    return n;
}

static void test_names_that_meet(void **state)
{
    struct fx *fx = fx_new(state);
    int64_t ids[10];
    static const char *const names[] = {"a/x.bmp", "b/x.bmp", "c/X.bmp", "d/x (2).bmp",
                                        "e/MISSING.txt.bmp"};
    for (size_t i = 0; i < 5; i++) {
        fx_picture(fx, names[i], 100 + i);
        fx_index(fx, ""); /* one by one: ids follow the names */
    }
    assert_int_equal(all_ids(fx, ids, 10), 5);
    struct list l = zip(fx, ids, 5);
    assert_string_equal(l.text, "x.bmp 4854;x (2).bmp 4854;X (3).bmp 4854;x (2) (2).bmp 4854;"
                                "MISSING.txt.bmp 4854;");
    int64_t twice[] = {ids[4], ids[4]};
    l = zip(fx, twice, 2);
    assert_string_equal(l.text, "MISSING.txt.bmp 4854;MISSING.txt (2).bmp 4854;");
    l = zip(fx, NULL, 0);
    assert_string_equal(l.text, "");
    fx_free(fx);
}

static void test_odd_names(void **state)
{
    struct fx *fx = fx_new(state);
    int64_t ids[10];
    static const char *const names[] = {"caf\xc3\xa9.bmp", "latin\xe9.bmp", "a:b\n?.bmp",
                                        "MISSING.txt"};
    for (size_t i = 0; i < 4; i++) {
        eye_index_options o = {.all_files = true};
        fx_picture(fx, names[i], 100 + i);
        FX_OK(fx, fx_index_rc(fx, "", &o));
    }
    assert_int_equal(all_ids(fx, ids, 10), 4);
    struct list l = zip(fx, ids, 4);
    assert_string_equal(l.text, "caf\xc3\xa9.bmp 4854;latin_.bmp 4854;a_b__.bmp 4854;"
                                "MISSING (2).txt 4854;");
    fx_free(fx);
}

static void test_missing(void **state)
{
    struct fx *fx = fx_new(state);
    int64_t ids[10];
    struct out out = {-1, 1};
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    fx_picture(fx, "b.bmp", 2);
    fx_index(fx, "");
    assert_int_equal(all_ids(fx, ids, 10), 2);
    fx_unlink(fx, "a.bmp");
    ids[2] = 4711;
    struct list l = zip(fx, ids, 3);
    assert_string_equal(l.text, "b.bmp 4854;MISSING.txt 0;");
    assert_non_null(strstr(l.missing, "picture 1: "));
    assert_non_null(strstr(l.missing, "picture 4711: "));
    assert_null(strstr(l.missing, "picture 2"));
    assert_int_equal(eye_zip(fx->lib, ids, 3, to_file, &out, &fx->err), EYE_ECANCELLED);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_meet),
        cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
