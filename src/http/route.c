/* route.c - which handler a path belongs to.
 *
 * A walk over the table: it has some forty rows, and a comparison ends at the first byte that differs, so this is
 * a microsecond beside a system call's ten. The path is decoded already and holds no encoded "/", so segments of
 * pattern and path can be laid side by side. */
#include "http/internal.h"

/* Does `path` match? Captures begin in `params` as pieces of `path`, not terminated. */
struct piece {
    const char *name, *value;
    size_t name_len, value_len;
};

static bool matches(const char *pattern, const char *path, struct piece *params, size_t *n)
{
    *n = 0;
    while (*pattern && *path) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t name_len = strcspn(pattern + 1, "}"), value_len = strcspn(path, "/");
        if (value_len == 0 || *n == HTTP_PARAMS_MAX)
            return false;
        params[(*n)++] = (struct piece){pattern + 1, path, name_len, value_len};
        pattern += name_len + 2;
        path += value_len;
    }
    return *pattern == *path; /* both at their end */
}

static bool keep_params(struct http_request *rq, const struct piece *params, size_t n)
{
    size_t bytes = 1;
    for (size_t i = 0; i < n; i++)
        bytes += params[i].name_len + params[i].value_len + 2;
    char *p = rq->params_text = mem_calloc(bytes, 1, NULL);
    if (!p)
        return false;
    for (size_t i = 0; i < n; i++) {
        memcpy(p, params[i].name, params[i].name_len);
        rq->params[i].name = p;
        p += params[i].name_len + 1;
        memcpy(p, params[i].value, params[i].value_len);
        rq->params[i].value = p;
        p += params[i].value_len + 1;
    }
    rq->nparams = n;
    return true;
}

int http_route_find(struct http_request *rq)
{
    const struct http_config *c = &rq->server->cfg;
    int methods = 0;
    for (size_t i = 0; i < c->nroutes; i++) {
        struct piece params[HTTP_PARAMS_MAX];
        size_t n;
        if (!matches(c->routes[i].pattern, rq->below, params, &n))
            continue;
        methods |= (int)c->routes[i].method;
        if (rq->route || c->routes[i].method != rq->method)
            continue;
        if (!keep_params(rq, params, n))
            return -1;
        rq->route = &c->routes[i];
    }
    return methods;
}

void http_allow_text(int methods, char text[64])
{
    snprintf(text, 64, "%s%s%s%s%s", methods & HTTP_GET ? ", GET, HEAD" : "",
             methods & HTTP_POST ? ", POST" : "", methods & HTTP_PUT ? ", PUT" : "",
             methods & HTTP_DELETE ? ", DELETE" : "", methods & HTTP_OPTIONS ? ", OPTIONS" : "");
    size_t len = strlen(text);
    if (len >= 2)
        memmove(text, text + 2, len - 1);
}
