/* handle_upload.c - files of a form become items of an upload job.
 *
 * http has streamed them into the library's spool folder already; here they only change hands. Their names are judged by
 * the library: a bad one fails as an item, so that one odd name does not cost the others. */
#include "api/internal.h"

struct upload {
    int64_t job;
    char close;
    const char *title;
};

#define AT(member) offsetof(struct upload, member)
static const struct api_field fields[] = {
    {"job", API_INT, AT(job), 1, (double)API_ID_MAX, NULL},
    {"close", API_FLAG, AT(close), 0, 0, NULL},
    {"title", API_TEXT, AT(title), 0, 200, NULL},
};
#undef AT

static size_t count_files(struct http_request *rq)
{
    size_t n = 0;
    for (size_t i = 0; i < http_parts(rq); i++)
        n += http_part_at(rq, i)->path != NULL;
    return n;
}

/* The numbers [n], ascending, that the files of this request got in their job. */
struct numbers {
    int64_t *v;
    size_t n;
};

static int add_files(struct api_server *s, struct http_request *rq, int64_t job,
                     struct numbers *got, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < http_parts(rq) && rc == 0; i++) {
        const struct http_part *p = http_part_at(rq, i);
        if (!p->path)
            continue;
        const char *name = p->filename ? p->filename : p->field;
        rc = eye_job_add(s->lib, job, name, p->path, &got->v[got->n], err);
        got->n += rc == 0;
    }
    return rc;
}

struct answer {
    struct json_writer *w;
    const struct numbers *own;
    size_t at; /* in own */
};

/* Items of other requests for the same job may lie between. */
static int put_item(void *ctx, const eye_item *item)
{
    struct answer *a = ctx;
    struct json_writer *w = a->w;
    while (a->at < a->own->n && a->own->v[a->at] < item->seq)
        a->at++;
    if (a->at == a->own->n || a->own->v[a->at] != item->seq)
        return 0;
    jw_object(w);
    jw_kint(w, "seq", item->seq);
    jw_kstr(w, "name", item->name);
    jw_kstr(w, "state", shape_item_state(item->state));
    jw_kstr(w, "reason", item->reason ? item->reason : "");
    jw_object_end(w);
    return 0;
}

static void reply(struct api_server *s, struct http_request *rq, int64_t job,
                  const struct numbers *own)
{
    struct eye_err err;
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_key(&o.w, "job");
    int rc = api_shape_job(s, &o.w, job, &err);
    jw_key(&o.w, "items");
    jw_array(&o.w);
    if (rc == 0 && own->n > 0) {
        struct answer a = {&o.w, own, 0};
        int64_t first = own->v[0], last = own->v[own->n - 1];
        rc = eye_job_items(s->lib, job, first - 1, (size_t)(last - first + 1), -1, put_item, &a,
                           &err);
    }
    jw_array_end(&o.w);
    jw_object_end(&o.w);
    if (rc) {
        api_out_drop(&o);
        api_problem_err(rq, &err);
        return;
    }
    api_out_send(rq, 202, &o);
}

static int take(struct api_server *s, struct http_request *rq, struct upload *u,
                struct numbers *got, struct eye_err *err)
{
    bool own = u->job == 0;
    int rc = own ? eye_job_new(s->lib, EYE_JOB_UPLOAD, u->title, &u->job, err) : 0;
    if (rc)
        return rc;
    rc = add_files(s, rq, u->job, got, err);
    if (rc && own)
        eye_job_cancel(s->lib, u->job, NULL);
    if (rc == 0 && (u->close ? u->close == 'y' : own))
        rc = eye_job_close(s->lib, u->job, err);
    return rc;
}

void handle_upload(struct http_request *rq, void *ctx)
{
    struct eye_err err;
    struct upload u = {0, '\0', ""};
    struct numbers got = {NULL, 0};
    if (!api_type_is(http_header(rq, "Content-Type"), "multipart/form-data")) {
        api_problem(rq, 415, NULL, "files are uploaded as multipart/form-data");
        return;
    }
    int rc = api_query(rq, fields, sizeof fields / sizeof fields[0], &u, &err);
    size_t n = count_files(rq);
    if (rc == 0 && n == 0)
        rc = eye_fail(&err, EYE_EINVAL, "the form has no file in it");
    if (rc == 0 && n > API_UPLOAD_FILES)
        rc = eye_fail(&err, EYE_ELIMIT,
                      "at most %d files in one request: open a job and send them in parts",
                      API_UPLOAD_FILES);
    got.v = rc == 0 ? mem_calloc(n, sizeof *got.v, &err) : NULL;
    if (rc == 0 && !got.v)
        rc = EYE_ENOMEM;
    rc = rc ? rc : take(ctx, rq, &u, &got, &err);
    if (rc)
        api_problem_err(rq, &err);
    else
        reply(ctx, rq, u.job, &got);
    free(got.v);
}
