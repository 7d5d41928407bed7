/* handle_jobs.c - work in the background: made, looked at, closed, cancelled. */
#include "api/internal.h"

#include "base/fs.h"

/* ---- one job ---- */

static int put_job(void *ctx, const eye_job *job)
{
    shape_job(ctx, job);
    return 0;
}

int api_shape_job(struct api_server *s, struct json_writer *w, int64_t id, struct eye_err *err)
{
    return eye_job_get(s->lib, id, put_job, w, err);
}

void api_set_job_location(struct http_request *rq, int64_t id)
{
    char where[512];
    snprintf(where, sizeof where, "%s" API_PREFIX "/jobs/%lld", http_base(rq), (long long)id);
    http_set(rq, "Location", where);
}

void api_reply_job(struct api_server *s, struct http_request *rq, int status, int64_t id)
{
    struct eye_err err;
    struct api_out o;
    api_out_init(&o);
    if (api_shape_job(s, &o.w, id, &err) != 0) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    if (status != 200)
        api_set_job_location(rq, id);
    api_out_send(rq, status, &o);
}

typedef int on_job(eye_lib *lib, int64_t id, struct eye_err *err);

static int look_only(eye_lib *lib, int64_t id, struct eye_err *err)
{
    (void)lib, (void)id, (void)err;
    return 0;
}

static void with_job(struct api_server *s, struct http_request *rq, on_job *act)
{
    struct eye_err err;
    int64_t id = 0;
    if (!api_no_query(rq))
        return;
    int rc = api_path_id(rq, &id, &err);
    rc = rc ? rc : act(s->lib, id, &err);
    if (rc)
        api_problem_err(rq, &err);
    else
        api_reply_job(s, rq, 200, id);
}

void handle_job(struct http_request *rq, void *ctx)
{
    with_job(ctx, rq, look_only);
}

void handle_job_cancel(struct http_request *rq, void *ctx)
{
    with_job(ctx, rq, eye_job_cancel);
}

void handle_job_close(struct http_request *rq, void *ctx)
{
    with_job(ctx, rq, eye_job_close);
}

/* ---- lists ---- */

struct page {
    int64_t before, after, limit;
    int state; /* 0: all */
};

void handle_jobs(struct http_request *rq, void *ctx)
{
    static const struct api_field fields[] = {
        {"before", API_INT, offsetof(struct page, before), 1, (double)API_ID_MAX, NULL},
        {"limit", API_INT, offsetof(struct page, limit), 1, API_LIMIT_MAX, NULL},
    };
    struct api_server *s = ctx;
    struct eye_err err;
    struct api_out o;
    struct page page = {0, 0, 50, 0};
    int rc = api_query(rq, fields, 2, &page, &err);
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "jobs");
    jw_array(&o.w);
    rc = rc ? rc : eye_jobs(s->lib, page.before, (size_t)page.limit, put_job, &o.w, &err);
    jw_array_end(&o.w);
    jw_object_end(&o.w);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, 200, &o);
}

struct item_list {
    struct json_writer *w;
    int64_t left, last; /* last: seq of the last one shown */
    bool more;
};

static int put_item(void *ctx, const eye_item *item)
{
    struct item_list *l = ctx;
    if (l->left == 0) {
        l->more = true;
        return 0;
    }
    l->left--;
    l->last = item->seq;
    shape_item(l->w, item);
    return 0;
}

static int nothing(void *ctx, const eye_job *job)
{
    (void)ctx, (void)job;
    return 0;
}

static int put_items(struct api_server *s, struct json_writer *w, int64_t id,
                     const struct page *page, struct eye_err *err)
{
    struct item_list l = {w, page->limit, 0, false};
    int rc = eye_job_get(s->lib, id, nothing, NULL, err);
    jw_object(w);
    jw_key(w, "items");
    jw_array(w);
    /* one more than asked for tells whether there is a next page */
    rc = rc ? rc
            : eye_job_items(s->lib, id, page->after, (size_t)page->limit + 1, page->state - 1,
                            put_item, &l, err);
    jw_array_end(w);
    jw_key(w, "next");
    if (l.more)
        jw_int(w, l.last);
    else
        jw_null(w);
    jw_object_end(w);
    return rc;
}

void handle_job_items(struct http_request *rq, void *ctx)
{
    static const char *const states[] = {"waiting", "indexed", "duplicate", "failed", NULL};
    static const struct api_field fields[] = {
        {"after", API_INT, offsetof(struct page, after), 0, (double)API_ID_MAX, NULL},
        {"limit", API_INT, offsetof(struct page, limit), 1, API_LIMIT_MAX, NULL},
        {"state", API_WORD, offsetof(struct page, state), 0, 0, states},
    };
    struct eye_err err;
    struct api_out o;
    struct page page = {0, 0, 100, 0};
    int64_t id = 0;
    int rc = api_path_id(rq, &id, &err);
    rc = rc ? rc : api_query(rq, fields, 3, &page, &err);
    api_out_init(&o);
    rc = rc ? rc : put_items(ctx, &o.w, id, &page, &err);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, 200, &o);
}

/* ---- a new one ---- */

struct request {
    int kind; /* 1 + index */
    const char *title, *path;
    int64_t root;
};

/* Which folder a scan is of: yours; "" for all. A folder that is in no root yet must be added as one. */
static char *scan_folder(struct api_server *s, const struct request *q, struct eye_err *err)
{
    bool uploads;
    if (q->root)
        return api_root_path(s, q->root, &uploads, err);
    if (!q->path)
        return mem_strdup("", err);
    char *folder = fs_real(q->path, NULL);
    int64_t root = folder ? api_root_of(s, folder, err) : 0;
    if (root > 0)
        return folder;
    if (root == 0)
        eye_fail(err, EYE_ENOTFOUND, "%s is not a folder of this library: add it as a root",
                 q->path);
    free(folder);
    return NULL;
}

static int begin(struct api_server *s, const struct request *q, int64_t *id, struct eye_err *err)
{
    eye_job_kind kind = (eye_job_kind)(q->kind - 1);
    if (kind != EYE_JOB_SCAN)
        return eye_job_new(s->lib, kind, q->title, id, err);
    char *folder = scan_folder(s, q, err);
    if (!folder)
        return err->code;
    int rc = eye_job_new(s->lib, kind, folder, id, err);
    free(folder);
    return rc;
}

static int read_request(const struct json *body, struct request *q, struct eye_err *err)
{
    static const char *const kinds[] = {"upload", "scan", "retry", NULL};
    static const struct api_field fields[] = {
        {"kind", API_WORD, offsetof(struct request, kind), 0, 0, kinds},
        {"title", API_TEXT, offsetof(struct request, title), 0, 200, NULL},
        {"path", API_TEXT, offsetof(struct request, path), 1, 4000, NULL},
        {"root", API_INT, offsetof(struct request, root), 1, (double)API_ID_MAX, NULL},
    };
    /* which members go with which kind, as bits of the table */
    static const uint32_t allowed[] = {0, 1 | 2, 1 | 4 | 8, 1};
    uint32_t seen = 0;
    int rc = api_members(body, "the job", fields, 4, q, &seen, err);
    if (rc)
        return rc;
    if (!q->kind)
        return eye_fail(err, EYE_EINVAL, "the job needs a 'kind': upload, scan or retry");
    if (seen & ~allowed[q->kind])
        return eye_fail(err, EYE_EINVAL, "'title' is for uploads, 'path' and 'root' are for scans");
    if (q->path && q->root)
        return eye_fail(err, EYE_EINVAL, "a scan has a 'path' or a 'root', not both");
    if (q->path && q->path[0] != '/')
        return eye_fail(err, EYE_EINVAL, "'path' must begin with /");
    return 0;
}

void handle_job_new(struct http_request *rq, void *ctx)
{
    struct eye_err err;
    struct request q = {0, "", NULL, 0};
    int64_t id = 0;
    struct json *body = api_body(rq);
    if (!body)
        return;
    int rc = read_request(body, &q, &err);
    rc = rc ? rc : begin(ctx, &q, &id, &err);
    if (rc)
        api_problem_err(rq, &err);
    else
        api_reply_job(ctx, rq, 201, id);
    json_free(body);
}
