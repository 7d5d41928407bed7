/* problem.c - errors as application/problem+json (RFC 9457).
 *
 * The sentence is the one of struct eye_err, which holds no secret and no control character. Types of problems of our
 * own were thought of and left out: `code` says the same without addresses that lead nowhere. */
#include "api/internal.h"

int api_status_of(int code)
{
    switch (code) {
    case EYE_ENOTFOUND: return 404;
    case EYE_EEXIST:
    case EYE_EBUSY: return 409;
    case EYE_EFORMAT: return 422;
    case EYE_ELIMIT: return 413;
    case EYE_EINVAL: return 400;
    case EYE_EREMOTE: return 502;
    case EYE_ECANCELLED: return 503;
    default: return 500;
    }
}

static const char *title_of(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    case 505: return "HTTP Version Not Supported";
    default: return status < 500 ? "Request Refused" : "Server Error";
    }
}

/* at: the place in a text that is meant, {at, len}; NULL: none. */
static void send_problem(struct http_request *rq, int status, const char *code, const char *detail,
                         const size_t *at)
{
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    jw_kstr(&o.w, "type", "about:blank");
    jw_kstr(&o.w, "title", title_of(status));
    jw_kint(&o.w, "status", status);
    jw_kstr(&o.w, "detail", detail ? detail : title_of(status));
    if (code)
        jw_kstr(&o.w, "code", code);
    if (at) {
        jw_kint(&o.w, "at", (int64_t)at[0]);
        jw_kint(&o.w, "len", (int64_t)at[1]);
    }
    jw_object_end(&o.w);
    if (status == 503)
        http_set(rq, "Retry-After", "2");
    http_set(rq, "Cache-Control", "no-store");
    if (o.w.code)
        buf_clear(&o.buf); /* no memory: the status says it */
    http_reply(rq, status, "application/problem+json", &o.buf);
}

void api_problem(struct http_request *rq, int status, const char *code, const char *detail)
{
    send_problem(rq, status, code, detail, NULL);
}

void api_problem_at(struct http_request *rq, const struct eye_err *err, size_t at, size_t len)
{
    send_problem(rq, 400, eye_err_name(err->code), err->msg, (const size_t[]){at, len});
}

void api_problem_err(struct http_request *rq, const struct eye_err *err)
{
    api_problem(rq, api_status_of(err->code), eye_err_name(err->code), err->msg);
}

void api_http_error(struct http_request *rq, int status, const char *detail, void *ctx)
{
    (void)ctx;
    static const struct {
        int status, code;
    } codes[] = {{400, EYE_EINVAL}, {404, EYE_ENOTFOUND}, {408, EYE_ELIMIT},
                 {413, EYE_ELIMIT}, {414, EYE_ELIMIT},    {431, EYE_ELIMIT},
                 {503, EYE_EBUSY},  {500, EYE_EINTERNAL}, {507, EYE_EIO}};
    const char *code = NULL;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].status == status)
            code = eye_err_name(codes[i].code);
    api_problem(rq, status, code, detail);
}
