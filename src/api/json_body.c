/* json_body.c - a request's body as a JSON object. */
#include "api/internal.h"

#include <strings.h>

bool api_type_is(const char *content_type, const char *want)
{
    size_t n = strlen(want);
    if (!content_type || strncasecmp(content_type, want, n) != 0)
        return false;
    content_type += n;
    content_type += strspn(content_type, " \t");
    return *content_type == '\0' || *content_type == ';';
}

struct json *api_body_text(struct http_request *rq, const char *text, size_t len)
{
    struct eye_err err;
    struct json *body = json_parse(text ? text : "", text ? len : 0, "the body", &err);
    if (!body) {
        bool ours = err.code != EYE_EFORMAT;
        api_problem(rq, ours ? 500 : 400, eye_err_name(ours ? err.code : EYE_EINVAL), err.msg);
        return NULL;
    }
    if (!json_is_object(body)) {
        json_free(body);
        api_problem(rq, 400, eye_err_name(EYE_EINVAL), "the body must be a JSON object");
        return NULL;
    }
    return body;
}

struct json *api_body(struct http_request *rq)
{
    size_t len = 0;
    if (!api_type_is(http_header(rq, "Content-Type"), "application/json")) {
        api_problem(rq, 415, NULL, "the body must be JSON: Content-Type: application/json");
        return NULL;
    }
    if (!api_no_query(rq))
        return NULL;
    const char *text = http_body(rq, &len);
    return api_body_text(rq, text, len);
}
