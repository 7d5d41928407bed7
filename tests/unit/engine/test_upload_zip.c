/* A zip stands for the pictures in it, whoever packed it. */
#include "jobs_fixture.h"

#include <fcntl.h>

#include "archive/archive.h"

static int to_buf(void *ctx, const void *bytes, size_t len)
{
    return buf_append(ctx, bytes, len, NULL);
}

struct pack {
    struct buf bytes;
    struct zip_writer *z;
};

static void pack_begin(struct pack *p)
{
    buf_init(&p->bytes, 1 << 24);
    p->z = zip_new(to_buf, &p->bytes, NULL);
    assert_non_null(p->z);
}

static void pack_text(struct pack *p, const char *name, const char *text)
{
    struct eye_err err = {0};
    int rc = zip_add_bytes(p->z, name, text, strlen(text), &err);
    if (rc)
        print_message("%s\n", err.msg);
    assert_int_equal(rc, 0);
}

static void pack_picture(struct pack *p, struct fx *fx, const char *name, uint64_t seed)
{
    char path[600];
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    snprintf(path, sizeof path, "%s/pack.bmp", fx->dir);
    fx_picture(fx, path, seed);
    assert_int_equal(fs_read_all(path, &bytes, NULL), 0);
    assert_int_equal(zip_add_bytes(p->z, name, bytes.data, bytes.len, NULL), 0);
    buf_release(&bytes);
    unlink(path);
}

static void pack_end(struct pack *p)
{
    assert_int_equal(zip_finish(p->z, NULL), 0);
    zip_free(p->z);
}

static void a_zip_becomes_its_pictures(void **group)
{
    struct fx *fx = fx_new(group);
    struct pack p;
    pack_begin(&p);
    pack_picture(&p, fx, "day 1/a.bmp", 1);
    pack_picture(&p, fx, "b.bmp", 2);
    pack_picture(&p, fx, "copy of b.bmp", 2);
    pack_picture(&p, fx, "__MACOSX/._b.bmp", 3);
    pack_text(&p, ".DS_Store", "litter");
    pack_text(&p, "day 1/Thumbs.db", "litter");
    pack_text(&p, "notes.txt", "no picture");
    pack_text(&p, "broken.jpg", "no picture");
    pack_picture(&p, fx, "../../up.bmp", 4);
    pack_end(&p);
    jx_start(fx);
    int64_t job = jx_new(fx);
    jx_add(fx, job, "first.bmp", 7);
    jx_add_bytes(fx, job, "x/Trip.zip", p.bytes.data, p.bytes.len);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.state, EYE_JOB_DONE);
    assert_int_equal(done.job.total, 7);
    assert_int_equal(done.job.done, 7);
    assert_int_equal(done.job.indexed, 3);
    assert_int_equal(done.job.duplicates, 1);
    assert_int_equal(done.job.failed, 3);
    assert_int_equal(jx_item(fx, job, "x/Trip/day 1/a.bmp").item.state, EYE_ITEM_INDEXED);
    assert_int_equal(jx_item(fx, job, "x/Trip/copy of b.bmp").item.state, EYE_ITEM_DUPLICATE);
    assert_string_equal(jx_item(fx, job, "x/Trip/notes.txt").reason, "not a picture");
    assert_int_equal(jx_item(fx, job, "x/Trip/broken.jpg").item.state, EYE_ITEM_FAILED);
    assert_string_equal(jx_item(fx, job, "../../up.bmp").code, "invalid");
    assert_true(jx_there(fx, "x/Trip/b.bmp"));
    assert_int_equal(jx_count(fx, "spool"), 0);
    assert_int_equal(fx_status(fx).pictures, 3);
    buf_release(&p.bytes);
    fx_free(fx);
}

static void a_zip_with_nothing_or_damage_fails(void **group)
{
    struct fx *fx = fx_new(group);
    struct pack p, q;
    pack_begin(&p);
    pack_text(&p, ".hidden", "x");
    pack_end(&p);
    pack_begin(&q);
    pack_picture(&q, fx, "a.bmp", 1);
    pack_picture(&q, fx, "b.bmp", 2);
    pack_end(&q);
    jx_start(fx);
    int64_t job = jx_new(fx);
    jx_add_bytes(fx, job, "empty.zip", p.bytes.data, p.bytes.len);
    jx_add_bytes(fx, job, "cut.zip", q.bytes.data, q.bytes.len * 3 / 4);
    jx_add_bytes(fx, job, "rubbish.zip", "PK\x03\x04 and no more of it", 20);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.state, EYE_JOB_DONE);
    assert_int_equal(done.job.done, done.job.total);
    struct jx_item empty = jx_item(fx, job, "empty.zip"), rubbish = jx_item(fx, job, "rubbish.zip");
    assert_int_equal(empty.item.state, EYE_ITEM_FAILED);
    assert_non_null(strstr(empty.reason, "no picture"));
    assert_int_equal(rubbish.item.state, EYE_ITEM_FAILED);
    assert_true(rubbish.reason[0]);
    assert_true(done.job.failed >= 3);
    assert_int_equal(jx_count(fx, "spool"), 0);
    buf_release(&p.bytes);
    buf_release(&q.bytes);
    fx_free(fx);
}

/* As a kill in the middle of unpacking leaves it: the zip waits, and so does some of what came out. */
static void unpacking_begins_again(void **group)
{
    struct fx *fx = fx_new(group);
    struct pack p;
    int64_t seq = 0;
    pack_begin(&p);
    pack_picture(&p, fx, "a.bmp", 1);
    pack_picture(&p, fx, "b.bmp", 2);
    pack_end(&p);
    int64_t job = jx_new(fx);
    int64_t zip = jx_add_bytes(fx, job, "z.zip", p.bytes.data, p.bytes.len);
    struct store *s = eng_store_get(fx->lib, &fx->err);
    struct store_item item = {.job = job, .parent = zip, .name = (char *)(uintptr_t) "z/a.bmp"};
    FX_OK(fx, store_item_add(s, &item, -1, &seq, &fx->err));
    eng_store_put(fx->lib, s);
    jx_start(fx);
    jx_close(fx, job);
    struct jx_job done = jx_wait(fx, job);
    assert_int_equal(done.job.total, 2);
    assert_int_equal(done.job.indexed, 2);
    buf_release(&p.bytes);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zip_becomes_its_pictures),
        cmocka_unit_test(a_zip_with_nothing_or_damage_fails),
        cmocka_unit_test(unpacking_begins_again),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
