/* out.c - an answer in JSON: a buffer and the writer that fills it.
 *
 * The writer keeps its first failure, so shapes need not look after each value; it is looked at once, here. */
#include "api/internal.h"

enum { ANSWER_MAX = 256 << 20 };

void api_out_init(struct api_out *o)
{
    buf_init(&o->buf, ANSWER_MAX);
    jw_init(&o->w, &o->buf);
}

void api_out_drop(struct api_out *o)
{
    buf_release(&o->buf);
}

void api_out_send(struct http_request *rq, int status, struct api_out *o)
{
    if (o->w.code) {
        struct eye_err err;
        api_out_drop(o);
        eye_fail(&err, o->w.code, "the answer does not fit into memory");
        api_problem(rq, 500, eye_err_name(err.code), err.msg);
        return;
    }
    http_set(rq, "Cache-Control", "no-store");
    http_reply(rq, status, "application/json", &o->buf);
}

void api_no_content(struct http_request *rq)
{
    http_set(rq, "Cache-Control", "no-store");
    http_reply(rq, 204, NULL, NULL);
}
