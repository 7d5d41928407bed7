/* line.c - a query line (eye_ask.h) in a request: read, and pointed into when it is wrong.
 *
 * Places are told in characters, not bytes: what a client has is a text, and what its language counts are never our bytes.
 * A line that names a file is refused here, for both who search and who only look: a server opens nothing by a name in a query. */
#include "api/internal.h"

#include <time.h>

#include "base/utf8.h"

static size_t characters(const char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; n++) {
        size_t step = utf8_step(text + i, bytes - i, NULL);
        i += step ? step : 1;
    }
    return n;
}

eye_span api_line_characters(const char *text, eye_span bytes)
{
    return (eye_span){characters(text, bytes.at), characters(text + bytes.at, bytes.len)};
}

static int no_files(struct api_line *l, struct eye_err *err)
{
    size_t n = 0;
    const eye_term *terms = eye_ask_terms(l->ask, &n);
    for (size_t i = 0; i < n; i++)
        if (terms[i].query.image_path) {
            l->where = eye_ask_term_spans(l->ask)[i];
            return eye_fail(err, EYE_EINVAL,
                            "a server reads no file that a query names: send the picture along, or "
                            "use #ID for one of the library; as words it needs quotes");
        }
    return 0;
}

int api_line_read(struct api_line *l, struct eye_err *err)
{
    l->where = (eye_span){0, 0};
    l->ask = eye_ask_parse(l->text, (int64_t)time(NULL), &l->where, err);
    int rc = l->ask ? no_files(l, err) : EYE_EINVAL;
    if (rc)
        api_line_release(l);
    return rc;
}

void api_line_release(struct api_line *l)
{
    eye_ask_free(l->ask);
    l->ask = NULL;
}

void api_line_problem(struct http_request *rq, const struct api_line *l, const struct eye_err *err)
{
    if (err->code != EYE_EINVAL && err->code != EYE_ELIMIT) {
        api_problem_err(rq, err);
        return;
    }
    eye_span at = api_line_characters(l->text, l->where);
    api_problem_at(rq, err, at.at, at.len);
}
