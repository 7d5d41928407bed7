/* handle_failures.c - what could not be indexed, and trying again.
 *
 * The cursor is a count: the list is in the order of paths and short, and a page that shifts by one when a file is
 * mended meanwhile does no harm. */
#include "api/internal.h"

#include <inttypes.h>

struct page {
    int64_t limit;
    const char *cursor;
};

struct list {
    struct json_writer *w;
    int64_t skip, left;
    int64_t total;
};

static int put_failure(void *ctx, const eye_failure *f)
{
    struct list *l = ctx;
    if (l->total >= l->skip && l->left > 0) {
        l->left--;
        shape_failure(l->w, f);
    }
    l->total++;
    return 0;
}

static int read_cursor(const char *cursor, int64_t *skip, struct eye_err *err)
{
    if (!cursor)
        return 0;
    if (cursor[strspn(cursor, "0123456789")] || strlen(cursor) > 15)
        return eye_fail(err, EYE_EINVAL, "parameter 'cursor' is not one that a page before gave");
    *skip = strtoll(cursor, NULL, 10);
    return 0;
}

static void put_next(struct json_writer *w, int64_t skip, int64_t limit, int64_t total)
{
    char next[24];
    int64_t end = skip + limit;
    snprintf(next, sizeof next, "%" PRId64, end);
    jw_kstr(w, "next", end < total ? next : NULL);
    jw_kint(w, "total", total);
}

void handle_failures(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {
        {"limit", API_INT, offsetof(struct page, limit), 1, API_LIMIT_MAX, NULL},
        {"cursor", API_TEXT, offsetof(struct page, cursor), 1, 512, NULL},
    };
    struct api_server *s = ctx;
    struct eye_err err;
    struct api_out o;
    struct page page = {100, NULL};
    struct list l = {.w = &o.w};
    int rc = api_query(rq, fields, 2, &page, &err);
    rc = rc ? rc : read_cursor(page.cursor, &l.skip, &err);
    l.left = page.limit;
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "failures");
    jw_array(&o.w);
    rc = rc ? rc : eye_failures(s->lib, put_failure, &l, &err);
    jw_array_end(&o.w);
    put_next(&o.w, l.skip, page.limit, l.total);
    jw_object_end(&o.w);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, 200, &o);
}

void handle_failures_retry(struct http_request *rq, void *ctx)
{
    struct api_server *s = ctx;
    struct eye_err err;
    int64_t job = 0;
    if (!api_no_query(rq))
        return;
    if (eye_job_new(s->lib, EYE_JOB_RETRY, "", &job, &err) != 0)
        api_problem_err(rq, &err);
    else
        api_reply_job(s, rq, 202, job);
}
