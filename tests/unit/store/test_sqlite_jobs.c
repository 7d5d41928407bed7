/* Jobs and items as rows: counts that several threads add to, what comes next, what is forgotten. */
#include "fixture.h"

#include "store/sqlite.h"

enum { OPEN = 0, QUEUED, RUNNING, DONE, FAILED, CANCELLED };
enum { WAITS = 0, GOOD, COPY, BAD };

static int64_t new_job(struct lib *l, int kind)
{
    int64_t id = 0;
    OK(l, store_job_new(l->s, kind, kind ? QUEUED : OPEN, "a\xff title", &id, &l->err));
    return id;
}

static int64_t new_item(struct lib *l, int64_t job, const char *name, int code)
{
    int64_t seq = 0;
    struct store_item item = {.job = job,
                              .name = (char *)(uintptr_t)name,
                              .state = code ? BAD : WAITS,
                              .size = 7,
                              .reason = code ? (char *)(uintptr_t) "why" : NULL,
                              .code = code};
    OK(l, store_item_add(l->s, &item, OPEN, &seq, &l->err));
    return seq;
}

static struct store_job job_of(struct lib *l, int64_t id)
{
    struct store_job job;
    OK(l, store_job_get(l->s, id, &job, &l->err));
    return job;
}

static void move(struct lib *l, int64_t id, int state, bool expected)
{
    bool changed = !expected;
    OK(l, store_job_move(l->s, id, RUNNING, state, state >= DONE, &changed, &l->err));
    assert_int_equal(changed, expected);
}

static void a_job_comes_back_as_it_was_put(void **state)
{
    struct lib *l = *state;
    int64_t id = new_job(l, 1);
    struct store_job job = job_of(l, id);
    assert_string_equal(job.title, "a\xff title");
    assert_string_equal(job.note, "");
    assert_int_equal(job.kind, 1);
    assert_int_equal(job.state, QUEUED);
    assert_int_equal(job.finished_at, INT64_MIN);
    int64_t version = job.version;
    store_job_release(&job);
    struct store_job count = {.id = id,
                              .total = 5,
                              .done = 3,
                              .indexed = 1,
                              .duplicates = 1,
                              .unchanged = 2,
                              .removed = 4,
                              .failed = 1};
    OK(l, store_job_count(l->s, &count, true, &l->err));
    OK(l, store_job_count(l->s, &count, true, &l->err));
    OK(l, store_job_note(l->s, id, "waits", &l->err));
    job = job_of(l, id);
    assert_true(job.version >= version + 3);
    assert_int_equal(job.total, 10);
    assert_int_equal(job.done, 6);
    assert_int_equal(job.removed, 8);
    assert_string_equal(job.note, "waits");
    version = job.version;
    store_job_release(&job);
    OK(l, store_job_note(l->s, id, "waits", &l->err)); /* says so already */
    count.version = version + 100;
    OK(l, store_job_count(l->s, &count, false, &l->err));
    job = job_of(l, id);
    assert_int_equal(job.version, version + 100);
    assert_int_equal(job.total, 5);
    store_job_release(&job);
    assert_int_equal(store_job_get(l->s, 99, &job, &l->err), EYE_ENOTFOUND);
}

static void what_is_finished_stays_so(void **state)
{
    struct lib *l = *state;
    int64_t id = new_job(l, 1);
    move(l, id, RUNNING, true);
    move(l, id, RUNNING, false);
    move(l, id, CANCELLED, true);
    move(l, id, DONE, false);
    struct store_job job = job_of(l, id);
    assert_int_equal(job.state, CANCELLED);
    assert_int_not_equal(job.finished_at, INT64_MIN);
    store_job_release(&job);
}

static void the_next_job_is_the_oldest_with_work(void **state)
{
    struct lib *l = *state;
    int64_t next = 0;
    assert_int_equal(store_job_next(l->s, true, &next, &l->err), EYE_ENOTFOUND);
    int64_t scan = new_job(l, 1), idle = new_job(l, 0), busy = new_job(l, 0), done = new_job(l, 2);
    assert_int_equal(store_job_next(l->s, true, &next, &l->err), EYE_ENOTFOUND);
    new_item(l, busy, "a", 0);
    OK(l, store_job_next(l->s, true, &next, &l->err));
    assert_int_equal(next, busy);
    move(l, idle, QUEUED, true); /* closed without files: to be finished */
    OK(l, store_job_next(l->s, true, &next, &l->err));
    assert_int_equal(next, idle);
    OK(l, store_job_next(l->s, false, &next, &l->err));
    assert_int_equal(next, scan);
    move(l, scan, DONE, true);
    OK(l, store_job_next(l->s, false, &next, &l->err));
    assert_int_equal(next, done);
}

static void items_go_into_open_jobs_only(void **state)
{
    struct lib *l = *state;
    int64_t id = new_job(l, 0), seq = 0;
    assert_int_equal(new_item(l, id, "a/\xfe.jpg", 0), 1);
    assert_int_equal(new_item(l, id, "b", EYE_EINVAL), 2);
    struct store_job job = job_of(l, id);
    assert_int_equal(job.total, 2);
    assert_int_equal(job.done, 1);
    assert_int_equal(job.failed, 1);
    store_job_release(&job);
    move(l, id, QUEUED, true);
    struct store_item item = {.job = id, .name = (char *)(uintptr_t) "c"};
    assert_int_equal(store_item_add(l->s, &item, OPEN, &seq, &l->err), EYE_EBUSY);
    OK(l, store_item_add(l->s, &item, -1, &seq, &l->err)); /* what a zip held */
    assert_int_equal(seq, 3);
    move(l, id, DONE, true);
    assert_int_equal(store_item_add(l->s, &item, -1, &seq, &l->err), EYE_EBUSY);
    item.job = 99;
    assert_int_equal(store_item_add(l->s, &item, OPEN, &seq, &l->err), EYE_ENOTFOUND);
    job = job_of(l, id);
    assert_int_equal(job.total, 3);
    store_job_release(&job);
}

static void items_by_page_and_state(void **state)
{
    struct lib *l = *state;
    struct store_item *items = NULL;
    size_t n = 0;
    int64_t id = new_job(l, 0), seq = 0;
    for (int i = 0; i < 10; i++)
        seq = new_item(l, id, i == 3 ? "a/\xfe.jpg" : "x", i % 2 ? 0 : EYE_EFORMAT);
    OK(l, store_items(l->s, id, 2, 3, -1, &items, &n, &l->err));
    assert_int_equal(n, 3);
    assert_int_equal(items[0].seq, 3);
    assert_string_equal(items[0].reason, "why");
    assert_int_equal(items[0].code, EYE_EFORMAT);
    assert_string_equal(items[1].name, "a/\xfe.jpg");
    assert_null(items[1].place);
    assert_int_equal(items[1].size, 7);
    store_items_free(items, n);
    OK(l, store_items(l->s, id, 0, 100, WAITS, &items, &n, &l->err));
    assert_int_equal(n, 5);
    struct store_item item = items[4];
    OK(l, store_item_place(l->s, id, item.seq, "there", &l->err));
    item.state = GOOD;
    item.picture = 77;
    item.place = (char *)(uintptr_t) "there";
    OK(l, store_item_set(l->s, &item, &l->err));
    item.place = NULL;
    store_items_free(items, n);
    OK(l, store_items(l->s, id, 0, 100, GOOD, &items, &n, &l->err));
    assert_int_equal(n, 1);
    assert_int_equal(items[0].picture, 77);
    assert_string_equal(items[0].place, "there");
    store_items_free(items, n);
    int64_t job = 0;
    char *place = NULL;
    OK(l, store_item_leftover(l->s, &job, &seq, &place, &l->err));
    assert_int_equal(job, id);
    assert_string_equal(place, "there");
    free(place);
    OK(l, store_item_place(l->s, job, seq, NULL, &l->err));
    assert_int_equal(store_item_leftover(l->s, &job, &seq, &place, &l->err), EYE_ENOTFOUND);
}

static int sum(void *ctx, int64_t job, int64_t seq)
{
    *(int64_t *)ctx += job * 1000 + seq;
    return 0;
}

static void a_zip_is_dropped_or_begun_again(void **state)
{
    struct lib *l = *state;
    int64_t id = new_job(l, 0), zip = new_item(l, id, "a.zip", 0), seq = 0, waiting = 0;
    for (int i = 0; i < 4; i++) {
        struct store_item item = {.job = id, .parent = zip, .name = (char *)(uintptr_t) "a/x"};
        item.state = i ? WAITS : BAD;
        item.code = i ? 0 : EYE_EFORMAT;
        OK(l, store_item_add(l->s, &item, -1, &seq, &l->err));
    }
    struct store_job job = job_of(l, id);
    assert_int_equal(job.total, 5);
    assert_int_equal(job.failed, 1);
    store_job_release(&job);
    OK(l, store_unzips_undo(l->s, &l->err)); /* the zip waits still: it was cut off */
    job = job_of(l, id);
    assert_int_equal(job.total, 1);
    assert_int_equal(job.failed, 0);
    assert_int_equal(job.done, 0);
    store_job_release(&job);
    OK(l, store_each_waiting(l->s, sum, &waiting, &l->err));
    assert_int_equal(waiting, id * 1000 + zip);
    OK(l, store_item_drop(l->s, id, zip, true, &l->err));
    job = job_of(l, id);
    assert_int_equal(job.total, 0);
    store_job_release(&job);
}

static void open_uploads_expire(void **state)
{
    struct lib *l = *state;
    int64_t a = new_job(l, 0), b = new_job(l, 0), scan = new_job(l, 1);
    struct query q;
    query_open(&q, l->s, "UPDATE job SET added_at = 1000 WHERE id <> ?");
    query_int(&q, b);
    OK(l, query_run(&q, &l->err));
    OK(l, store_jobs_expire(l->s, OPEN, RUNNING, 2000, &l->err));
    static const int expected[] = {RUNNING, OPEN, QUEUED};
    int64_t ids[] = {a, b, scan};
    for (size_t i = 0; i < 3; i++) {
        struct store_job job = job_of(l, ids[i]);
        assert_int_equal(job.state, expected[i]);
        store_job_release(&job);
    }
}

static void only_old_finished_jobs_are_pruned(void **state)
{
    struct lib *l = *state;
    struct store_job *jobs = NULL;
    struct store_item *items = NULL;
    size_t n = 0;
    int64_t first = new_job(l, 0), second = new_job(l, 0), id = 0;
    new_item(l, first, "a", 0);
    new_item(l, second, "a", EYE_EIO);
    move(l, first, CANCELLED, true);
    OK(l, store_job_untidy(l->s, CANCELLED, &id, &l->err));
    assert_int_equal(id, first);
    assert_int_equal(store_job_untidy(l->s, DONE, &id, &l->err), EYE_ENOTFOUND);
    for (int i = 0; i < 5; i++)
        move(l, new_job(l, 1), DONE, true);
    OK(l, store_jobs_prune(l->s, -1, 6, &l->err));
    OK(l, store_jobs(l->s, 0, 100, &jobs, &n, &l->err));
    assert_int_equal(n, 7);
    store_jobs_free(jobs, n);
    OK(l, store_jobs_prune(l->s, -1, 3, &l->err));
    OK(l, store_jobs(l->s, 0, 100, &jobs, &n, &l->err));
    assert_int_equal(n, 4);
    assert_int_equal(jobs[0].id, 7);
    assert_int_equal(jobs[3].id, second); /* is open */
    store_jobs_free(jobs, n);
    OK(l, store_jobs(l->s, 7, 2, &jobs, &n, &l->err));
    assert_int_equal(n, 2);
    assert_int_equal(jobs[0].id, 6);
    store_jobs_free(jobs, n);
    OK(l, store_items(l->s, first, 0, 9, -1, &items, &n, &l->err));
    assert_int_equal(n, 0);
    assert_clean(l);
}

static void another_file_of_a_picture(void **state)
{
    struct lib *l = *state;
    char *rel = NULL;
    int64_t id = add(l, "a", "x");
    assert_int_equal(store_file_of(l->s, id, l->root, "a", &rel, &l->err), EYE_ENOTFOUND);
    OK(l, store_file_of(l->s, id, l->root, NULL, &rel, &l->err));
    assert_string_equal(rel, "a");
    free(rel);
    set_file(l, l->root, "b", id);
    OK(l, store_file_of(l->s, id, l->root, "a", &rel, &l->err));
    assert_string_equal(rel, "b");
    free(rel);
    assert_int_equal(store_file_of(l->s, id, l->root + 1, NULL, &rel, &l->err), EYE_ENOTFOUND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        T(a_job_comes_back_as_it_was_put),
        T(what_is_finished_stays_so),
        T(the_next_job_is_the_oldest_with_work),
        T(items_go_into_open_jobs_only),
        T(items_by_page_and_state),
        T(a_zip_is_dropped_or_begun_again),
        T(open_uploads_expire),
        T(only_old_finished_jobs_are_pruned),
        T(another_file_of_a_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
