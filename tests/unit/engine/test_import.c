/* test_import.c - what one library knows, another learns: with other folders, without embedding, all of it or nothing. */
#include "engine/backup_fixture.h"

#include "base/json.h"
#include "engine/export.h"

/* ---- export and import in memory ---- */

struct text {
    struct buf b;
    size_t at, piece; /* import: read so far; at most so much a call, 0: all */
    size_t stop;      /* export: stop after so many bytes; 0: never */
};

static int to_text(void *ctx, const void *bytes, size_t len)
{
    struct text *t = ctx;
    assert_int_equal(buf_append(&t->b, bytes, len, NULL), 0);
    return t->stop && t->b.len >= t->stop;
}

static int from_text(void *ctx, void *bytes, size_t cap, size_t *len)
{
    struct text *t = ctx;
    size_t n = t->b.len - t->at;
    n = n < cap ? n : cap;
    n = t->piece && n > t->piece ? t->piece : n;
    if (n)
        memcpy(bytes, t->b.data + t->at, n);
    t->at += n;
    *len = n;
    return 0;
}

static struct text export_of(struct fx *fx)
{
    struct text t = {.at = 0};
    buf_init(&t.b, 64 << 20);
    FX_OK(fx, eye_export(fx->lib, to_text, &t, NULL, &fx->err));
    return t;
}

static struct text text_of(const char *bytes, size_t len)
{
    struct text t = {.at = 0};
    buf_init(&t.b, 64 << 20);
    assert_int_equal(buf_append(&t.b, bytes, len, NULL), 0);
    return t;
}

static int import_rc(struct fx *fx, struct text *t, const char *from, const char *to,
                     eye_import_counts *n)
{
    eye_root_map map = {from, to};
    t->at = 0;
    fx->err = (struct eye_err){0};
    return eye_import(fx->lib, from_text, t, &map, from != NULL, NULL, n, &fx->err);
}

/* The n-th line, from 0; its length. */
static const char *line_of(const struct text *t, size_t n, size_t *len)
{
    const char *at = t->b.data;
    while (n--)
        at = strchr(at, '\n') + 1;
    *len = strcspn(at, "\n");
    return at;
}

static void assert_same_counts(const eye_import_counts *n, uint64_t pictures, uint64_t files,
                               uint64_t known, uint64_t missing, uint64_t left_out)
{
    assert_int_equal(n->pictures, pictures);
    assert_int_equal(n->files, files);
    assert_int_equal(n->known, known);
    assert_int_equal(n->missing, missing);
    assert_int_equal(n->left_out, left_out);
}

/* ---- the way there ---- */

static void look_at(struct fx *fx, const char *photos)
{
    assert_in_range(snprintf(fx->photos, sizeof fx->photos, "%s", photos), 1, 319);
}

static struct fx *photos_of_all_kinds(void **state)
{
    struct fx *fx = fx_new(state);
    fx_picture(fx, "a.bmp", 1);
    fx_picture(fx, "copy of a.bmp", 1);
    fx_picture(fx, "deep/er/b.bmp", 2);
    fx_picture(fx, "not \xff utf8.bmp", 3);
    fx_picture(fx, "\"quotes\" \\ and \t.bmp", 4);
    fx_index(fx, "");
    return fx;
}

static void test_to_another_place(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    char moved[600];
    struct text t = export_of(fx);
    assert_int_equal(rename(fx->photos, bx_path(fx, "moved", moved)), 0);
    bx_switch(fx, "new");
    t.piece = 7; /* however it comes */
    FX_OK(fx, import_rc(fx, &t, fx->photos, moved, &n));
    assert_same_counts(&n, 4, 5, 0, 0, 0);
    assert_int_equal(fx_status(fx).embedded, 4);
    fx_verify_clean(fx);
    float score = 0;
    look_at(fx, moved);
    assert_true(fx_best(fx, "deep/er/b.bmp", &score) > 0 && score > 0.999f);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 5, 0, 0);                   /* times and sizes came along */
    FX_OK(fx, import_rc(fx, &t, "photos", moved, &n)); /* again, by name */
    assert_same_counts(&n, 0, 0, 4, 0, 0);
    bx_verify_deep(fx);
    buf_release(&t.b);
    fx_free(fx);
}

/* Copied without its times: the hash decides, and nothing is embedded. */
static void test_copied_tree(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    char moved[600], command[1400];
    struct text t = export_of(fx);
    snprintf(command, sizeof command, "cp -r '%s' '%s'", fx->photos, bx_path(fx, "moved", moved));
    assert_int_equal(system(command), 0);
    fx_rm(fx->photos);
    bx_switch(fx, "new");
    FX_OK(fx, import_rc(fx, &t, "photos", moved, &n));
    look_at(fx, moved);
    fx_index(fx, "");
    assert_int_equal(fx->p.indexed + fx->p.updated + fx->p.removed + fx->p.failed, 0);
    assert_int_equal(fx_status(fx).pictures, 4);
    assert_int_equal(fx_status(fx).files, 5);
    buf_release(&t.b);
    fx_free(fx);
}

/* What comes out again is what went in. */
static void test_export_of_an_import(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text a = export_of(fx);
    bx_switch(fx, "new");
    FX_OK(fx, import_rc(fx, &a, NULL, NULL, &n));
    struct text b = export_of(fx);
    const char *x = strchr(a.b.data, '\n'), *y = strchr(b.b.data, '\n'); /* but for the date */
    assert_string_equal(x, y);
    buf_release(&a.b);
    buf_release(&b.b);
    fx_free(fx);
}

static void test_facts_survive(void **state)
{
    struct fx *fx = fx_new(state);
    struct store_picture p = {.size = 5,
                              .width = 640,
                              .height = 480,
                              .format = "jpeg",
                              .taken_at = -86400,
                              .camera = "Make \"M\"",
                              .has_gps = true,
                              .lat = -33.8567844,
                              .lon = 151.2152967,
                              .added_at = 1600000000,
                              .looked_at = true,
                              .mosaic = {1, 2, [STORE_MOSAIC - 1] = 255},
                              .phash = 0xfedcba9876543210u};
    struct store_record r;
    eye_import_counts n;
    int64_t id = 0, root = 0;
    uint16_t row[64];
    fx_picture(fx, "a.bmp", 1);
    fx_index(fx, "");
    hash_bytes("x", 1, &p.hash);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_root_add_files(s, "/far/away", &root, &fx->err));
    FX_OK(fx, store_put(s, &p, 0, NULL, 0, &id, &fx->err));
    FX_OK(fx, store_file_set(s, &(struct store_file){id, root, "x.jpg", 5, 77}, &fx->err));
    eng_store_put(fx->lib, s);
    struct text t = export_of(fx);
    bx_switch(fx, "new");
    FX_OK(fx, import_rc(fx, &t, NULL, NULL, &n));
    assert_same_counts(&n, 2, 2, 0, 1, 0);
    s = eng_store_get(fx->lib, &fx->err);
    FX_OK(fx, store_picture_by_hash(s, &p.hash, 1, &id, NULL, &fx->err));
    FX_OK(fx, store_record_get(s, id, 1, row, 64, &r, &fx->err));
    assert_false(r.embedded); /* it had no vector */
    assert_int_equal(r.picture.taken_at, -86400);
    assert_int_equal(r.picture.added_at, 1600000000);
    assert_string_equal(r.picture.camera, "Make \"M\"");
    assert_true(r.picture.lat == p.lat && r.picture.lon == p.lon);
    assert_true(r.picture.looked_at && r.picture.phash == p.phash);
    assert_memory_equal(r.picture.mosaic, p.mosaic, STORE_MOSAIC);
    assert_int_equal(r.files[0].mtime_ns, 77);
    store_record_release(&r);
    struct store_root *roots;
    size_t nroots;
    FX_OK(fx, store_roots(s, &roots, &nroots, &fx->err));
    assert_int_equal(nroots, 2);
    assert_string_equal(roots[0].path, "/far/away");
    assert_true(roots[0].files_only);
    store_roots_free(roots, nroots);
    eng_store_put(fx->lib, s);
    buf_release(&t.b);
    fx_free(fx);
}

/* ---- into a library that knows something ---- */

static void test_what_is_known_stays(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text t = export_of(fx);
    bx_switch(fx, "new");
    fx_picture(fx, "a.bmp", 9);         /* other bytes at a path of the export */
    fx_picture(fx, "copy of a.bmp", 8); /* and at all paths of that picture */
    fx_index(fx, "a.bmp");
    fx_index(fx, "copy of a.bmp");
    int64_t id = fx_best(fx, "a.bmp", NULL);
    FX_OK(fx, import_rc(fx, &t, NULL, NULL, &n));
    assert_same_counts(&n, 3, 3, 0, 0, 1);
    assert_int_equal(fx_best(fx, "a.bmp", NULL), id);
    fx_verify_clean(fx);
    fx_index(fx, "");
    FX_COUNTS(fx, 0, 0, 0, 5, 0, 0);
    buf_release(&t.b);
    fx_free(fx);
}

static void test_roots_in_each_other(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    char path[600];
    struct text t = export_of(fx);
    /* Into a root that lies above. */
    bx_switch(fx, "new");
    fx_picture(fx, bx_path(fx, "other/x.bmp", path), 20);
    snprintf(path, sizeof path, "%s", fx->dir);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    int64_t root;
    FX_OK(fx, store_root_add(s, path, &root, &fx->err));
    eng_store_put(fx->lib, s);
    FX_OK(fx, import_rc(fx, &t, NULL, NULL, &n));
    assert_same_counts(&n, 4, 5, 0, 0, 0);
    assert_int_equal(fx_status(fx).roots, 1);
    /* Over one that lies below, and is not there any more. */
    bx_switch(fx, "new2");
    fx_index(fx, "deep");
    fx_rm(bx_path(fx, "photos/deep", path));
    FX_OK(fx, import_rc(fx, &t, NULL, NULL, &n));
    assert_same_counts(&n, 3, 4, 1, 0, 0); /* "deep/er/b.bmp" was known */
    assert_int_equal(fx_status(fx).roots, 1);
    fx_index(fx, "");
    assert_int_equal(fx->p.removed, 0); /* it is offline, as it was */
    fx_verify_clean(fx);
    buf_release(&t.b);
    fx_free(fx);
}

static void test_folders_that_are_not_there(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text t = export_of(fx);
    bx_switch(fx, "new");
    FX_OK(fx, import_rc(fx, &t, "photos", "/no/such/folder", &n));
    assert_same_counts(&n, 4, 5, 0, 5, 0);
    assert_int_equal(fx_status(fx).roots_offline, 1);
    fx_index(fx, NULL);
    assert_int_equal(fx_status(fx).files, 5);
    buf_release(&t.b);
    fx_free(fx);
}

/* ---- refusals ---- */

static void assert_untouched(struct fx *fx)
{
    assert_int_equal(fx_status(fx).pictures, 0);
    assert_int_equal(fx_status(fx).roots, 0);
    fx_verify_clean(fx);
}

static void test_maps_and_models(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text t = export_of(fx);
    bx_switch(fx, "new");
    assert_int_equal(import_rc(fx, &t, "Pictures", "/tmp", &n), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "no root 'Pictures'; it has: photos ("));
    assert_untouched(fx);
    eye_options o = fx_options(fx);
    o.model = "second";
    eye_close(fx->lib);
    fx->lib = eye_open(&o, &fx->err);
    assert_non_null(fx->lib);
    assert_int_equal(import_rc(fx, &t, NULL, NULL, &n), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "'starter', this library uses 'second'"));
    assert_non_null(strstr(fx->err.msg, "eyeshine model use starter"));
    fx_reopen(fx);
    assert_untouched(fx);
    int lock;
    FX_OK(fx, eng_lock(fx->lib, &lock, &fx->err));
    assert_int_equal(import_rc(fx, &t, NULL, NULL, &n), EYE_EBUSY);
    eng_unlock(lock);
    buf_release(&t.b);
    fx_free(fx);
}

/* Cut after each line, and within them: nothing of it is taken in. */
static void test_cut_short(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text t = export_of(fx);
    bx_switch(fx, "new");
    size_t whole = t.b.len;
    assert_int_equal(t.b.data[whole - 1], '\n');
    for (size_t len = 0; len < whole - 1; len += len + 200 < whole ? 97 : 1) {
        t.b.len = len;
        assert_int_equal(import_rc(fx, &t, NULL, NULL, &n), EYE_EFORMAT);
        assert_same_counts(&n, 0, 0, 0, 0, 0);
    }
    assert_untouched(fx);
    t.b.len = whole - 1; /* only the last line feed is missing */
    FX_OK(fx, import_rc(fx, &t, NULL, NULL, &n));
    assert_same_counts(&n, 4, 5, 0, 0, 0);
    buf_release(&t.b);
    fx_free(fx);
}

static int stop_soon(void *ctx, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return ++*(int *)ctx >= 1;
}

static int cannot_read(void *ctx, void *bytes, size_t cap, size_t *len)
{
    (void)ctx, (void)bytes, (void)cap;
    *len = 0;
    return 1;
}

static void test_stopped(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    struct text t = {.stop = 1}, all = export_of(fx), many;
    int calls = 0;
    eye_backup_options o = {stop_soon, &calls};
    buf_init(&t.b, 1 << 20);
    assert_int_equal(eye_export(fx->lib, to_text, &t, NULL, &fx->err), EYE_ECANCELLED);
    assert_int_equal(eye_export(fx->lib, to_text, &t, &o, &fx->err), EYE_ECANCELLED);
    bx_switch(fx, "new");
    /* The same picture a hundred times is known from the second time on. */
    size_t head, line;
    const char *second = line_of(&all, 1, &line);
    line_of(&all, 0, &head);
    many = text_of(all.b.data, head + 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buf_append(&many.b, second, line + 1, NULL), 0);
    int files = 0;
    for (const char *at = second; (at = memmem(at, line - (size_t)(at - second), "\"root\"", 6));
         at++)
        files++;
    assert_int_equal(
        buf_printf(&many.b, NULL, "{\"end\":true,\"pictures\":100,\"files\":%d}\n", 100 * files),
        0);
    calls = 0;
    assert_int_equal(eye_import(fx->lib, from_text, &many, NULL, 0, &o, NULL, &fx->err),
                     EYE_ECANCELLED);
    assert_untouched(fx);
    assert_int_equal(eye_import(fx->lib, cannot_read, NULL, NULL, 0, NULL, NULL, &fx->err),
                     EYE_EIO);
    eye_import_counts n;
    FX_OK(fx, import_rc(fx, &many, NULL, NULL, &n));
    assert_same_counts(&n, 1, (uint64_t)files, 99, 0, 0);
    buf_release(&t.b);
    buf_release(&all.b);
    buf_release(&many.b);
    fx_free(fx);
}

/* One thing of a line replaced by another; the line's number is told, and the picture before it is not taken in. */
static void test_wrong_lines(void **state)
{
    static const struct {
        size_t line; /* from 1; the last is 6 */
        const char *from, *to, *why;
    } cases[] = {
        {1, "\"eyeshine_export\":1", "\"eyeshine_export\":2", "a newer eyeshine"},
        {1, "\"eyeshine_export\":1", "\"x\":1", "no export of eyeshine"},
        {1, "{", "", "not JSON"},
        {1, "\"dim\":64", "\"dim\":0", "no dim"},
        {1, "\"fingerprint\":\"", "\"fingerprint\":\"x", "no fingerprint"},
        {1, "\"id\":1", "\"id\":0", "no id"},
        {1, "\"path\":\"/", "\"path\":\"", "not absolute"},
        {1, "\"path\":\"/", "\"path\":\"/../", "\"..\" in it"},
        {1, "\"name\":\"photos\"", "\"nam\":1", "no name"},
        {1, "\"roots\":[", "\"roots\":[{\"id\":1,\"path\":\"/x\",\"name\":\"x\"},", "one id"},
        {1, "\"roots\":", "\"rots\":", "roots are missing"},
        {3, "{\"hash\":\"", "{\"hash\":\"z", "\"hash\""},
        {3, "\"size\":", "\"size\":-", "\"size\""},
        {3, "\"size\":", "\"size\":1.5,\"s\":", "\"size\""},
        {3, "\"width\":40", "\"width\":0", "\"width\""},
        {3, "\"height\":40", "\"height\":4000000000", "\"height\""},
        {3, "\"format\":\"bmp\"", "\"format\":\"B.MP\"", "\"format\""},
        {3, "\"format\":\"bmp\"", "\"format\":\"averylongformat\"", "\"format\""},
        {3, "\"added_at\":", "\"added_at\":\"now\",\"x\":", "\"added_at\""},
        {3, "\"files\":", "\"taken_at\":1e300,\"files\":", "\"taken_at\""},
        {3, "\"files\":", "\"camera\":7,\"files\":", "\"camera\""},
        {3, "\"files\":", "\"gps\":[1],\"files\":", "\"gps\""},
        {3, "\"files\":", "\"gps\":[91,0],\"files\":", "\"gps\""},
        {3, "\"files\":", "\"gps\":{},\"files\":", "\"gps\""},
        {3, "\"phash\":\"", "\"phash\":\"0x", "\"phash\""},
        {3, "\"mosaic\":", "\"tiles\":", "\"mosaic\""},
        {3, "\"mosaic\":\"", "\"mosaic\":\"00", "\"mosaic\""},
        {3, "\"phash\":", "\"hash2\":", "\"phash\""},
        {3, "\"files\":[{", "\"files\":[],\"x\":[{", "without files"},
        {3, "\"files\":[{", "\"x\":[{", "without files"},
        {3, "\"root\":1", "\"root\":9", "a root that the first line does not have"},
        {3, "\"path\":\"", "\"path\":\"../", "not one below its root"},
        {3, "\"path\":\"", "\"path\":\"/", "not one below its root"},
        {3, "\"path\":\"", "\"path\":\"a//", "not one below its root"},
        {3, "\"path\":", "\"pat\":", "a path is missing"},
        {3, "\"path\":\"", "\"path_base64\":\"!\",\"path\":\"", "base64"},
        {3, "\"path\":\"", "\"path_base64\":\"YQBi\",\"path\":\"", "path_base64 is no path"},
        {3, "\"mtime_ns\":", "\"mtime\":", "\"mtime_ns\""},
        {3, "\"vector\":\"", "\"vector\":\"AAAA", "half floats in base64"},
        {3, "\"vector\":\"", "\"vector\":\"*", "half floats in base64"},
        {3, "\"vector\":\"", "\"vector\":[1],\"x\":\"", "half floats in base64"},
        {3, "{", "[", "not valid JSON"},
        {3, "{\"hash\"", "7\n{\"hash\"", "not a JSON object"},
        {3, "{\"hash\"", "{\"hash\":\"a\",\"hash\"", "not valid JSON"},
        {6, "\"pictures\":4", "\"pictures\":5", "lines are missing"},
        {6, "\"files\":5", "\"files\":4", "lines are missing"},
        {6, "\"files\":5", "\"files\":true", "does not say how many"},
        {6, "}", "}\n{}", "something follows"},
    };
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text t = export_of(fx);
    bx_switch(fx, "new");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len;
        const char *line = line_of(&t, cases[i].line - 1, &len);
        const char *at = memmem(line, len, cases[i].from, strlen(cases[i].from));
        assert_non_null(at);
        struct text bad = text_of(t.b.data, (size_t)(at - t.b.data));
        buf_puts(&bad.b, cases[i].to, NULL);
        buf_puts(&bad.b, at + strlen(cases[i].from), NULL);
        char number[20];
        size_t where = cases[i].line + !strncmp(cases[i].why, "something", 9);
        snprintf(number, sizeof number, "line %zu: ", where);
        int rc = import_rc(fx, &bad, NULL, NULL, &n);
        if (rc != EYE_EFORMAT || strncmp(fx->err.msg, number, strlen(number)) != 0 ||
            !strstr(fx->err.msg, cases[i].why))
            fail_msg("case %zu (%s): %d, %s", i, cases[i].to, rc, fx->err.msg);
        buf_release(&bad.b);
    }
    assert_untouched(fx);
    buf_release(&t.b);
    fx_free(fx);
}

static void test_vectors_that_are_none(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    struct text t = export_of(fx);
    size_t at = (size_t)(strstr(t.b.data, "\"vector\":\"") - t.b.data) + 10;
    bx_switch(fx, "new");
    memcpy(t.b.data + at, "AHwAfAB8", 8); /* infinities */
    assert_int_equal(import_rc(fx, &t, NULL, NULL, &n), EYE_EFORMAT);
    assert_string_equal(fx->err.msg, "line 2: \"vector\" does not have the length 1");
    for (size_t i = 0; t.b.data[at + i] != '=' && t.b.data[at + i] != '"'; i++)
        t.b.data[at + i] = 'A'; /* all zeros */
    assert_int_equal(import_rc(fx, &t, NULL, NULL, &n), EYE_EFORMAT);
    assert_untouched(fx);
    buf_release(&t.b);
    fx_free(fx);
}

static void test_long_lines(void **state)
{
    struct fx *fx = photos_of_all_kinds(state);
    eye_import_counts n;
    size_t head;
    struct text t = export_of(fx);
    line_of(&t, 0, &head);
    t.b.len = head + 1;
    char *blank = malloc(EXPORT_LINE_MAX + 2);
    memset(blank, ' ', EXPORT_LINE_MAX + 2);
    assert_int_equal(buf_append(&t.b, blank, EXPORT_LINE_MAX + 2, NULL), 0);
    free(blank);
    bx_switch(fx, "new");
    assert_int_equal(import_rc(fx, &t, NULL, NULL, &n), EYE_EFORMAT);
    assert_string_equal(fx->err.msg, "line 2: longer than the 16 MiB that are allowed");
    assert_untouched(fx);
    buf_release(&t.b);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_another_place),
        cmocka_unit_test(test_copied_tree),
        cmocka_unit_test(test_export_of_an_import),
        cmocka_unit_test(test_facts_survive),
        cmocka_unit_test(test_what_is_known_stays),
        cmocka_unit_test(test_roots_in_each_other),
        cmocka_unit_test(test_folders_that_are_not_there),
        cmocka_unit_test(test_maps_and_models),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_vectors_that_are_none),
        cmocka_unit_test(test_long_lines),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
