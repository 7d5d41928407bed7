/* The table of routes and docs/openapi.yaml say the same: every route is in the file, with its body, and the other way round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/internal.h"
#include "base/fs.h"

enum { OPERATIONS_MAX = 128 };

struct operation {
    enum http_method method;
    char path[128];
    bool body;
    bool open; /* needs no key */
};

struct contract {
    struct operation ops[OPERATIONS_MAX];
    size_t n;
};

static enum http_method method_named(const char *name)
{
    static const char *const names[] = {"get:", "post:", "put:", "delete:"};
    static const enum http_method methods[] = {HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return methods[i];
    return (enum http_method)0;
}

/* The file is laid out by hand and steadily: two spaces before a path, four before a method, six before what it has. */
static void read_line(struct contract *c, char *path, const char *line)
{
    struct operation *last = c->n ? &c->ops[c->n - 1] : NULL;
    size_t indent = strspn(line, " ");
    if (indent == 2 && line[2] == '/') {
        snprintf(path, 128, "%.*s", (int)(strlen(line) - 3), line + 2);
    } else if (indent == 4 && *path && method_named(line + 4)) {
        assert_true(c->n < OPERATIONS_MAX);
        last = &c->ops[c->n++];
        memset(last, 0, sizeof *last);
        last->method = method_named(line + 4);
        snprintf(last->path, sizeof last->path, "%s", path);
    } else if (last && strcmp(line, "      requestBody:") == 0) {
        last->body = true;
    } else if (last && strcmp(line, "      security: [{}]") == 0) {
        last->open = true;
    }
}

static void read_contract(struct contract *c)
{
    struct buf text;
    char path[128] = "";
    bool paths = false;
    buf_init(&text, 1 << 20);
    assert_int_equal(fs_read_all("docs/openapi.yaml", &text, NULL), 0);
    char *save = NULL;
    c->n = 0;
    for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] != ' ')
            paths = strcmp(line, "paths:") == 0;
        if (paths)
            read_line(c, path, line);
    }
    buf_release(&text);
    assert_true(c->n > 20);
}

static const struct http_route *route_for(const struct operation *op)
{
    for (size_t i = 0; i < api_nroutes; i++)
        if (api_routes[i].method == op->method && strcmp(api_routes[i].pattern, op->path) == 0)
            return &api_routes[i];
    return NULL;
}

static void every_operation_has_a_route(void **state)
{
    (void)state;
    struct contract c;
    read_contract(&c);
    for (size_t i = 0; i < c.n; i++) {
        const struct http_route *r = route_for(&c.ops[i]);
        if (!r)
            print_error("no route for %s\n", c.ops[i].path);
        assert_non_null(r);
        if (c.ops[i].body != (r->body != HTTP_BODY_NONE) || c.ops[i].open != (r->tag == API_OPEN))
            print_error("body or security of %s differ\n", c.ops[i].path);
        assert_int_equal(c.ops[i].body, r->body != HTTP_BODY_NONE);
        assert_int_equal(c.ops[i].open, r->tag == API_OPEN);
    }
}

static void every_route_is_documented(void **state)
{
    (void)state;
    struct contract c;
    read_contract(&c);
    for (size_t i = 0; i < api_nroutes; i++) {
        bool found = false;
        for (size_t k = 0; k < c.n && !found; k++)
            found = route_for(&c.ops[k]) == &api_routes[i];
        if (!found)
            print_error("%s is not in docs/openapi.yaml\n", api_routes[i].pattern);
        assert_true(found);
    }
    assert_int_equal(c.n, api_nroutes);
}

/* Nobody changes anything with a key to read. */
static void scopes_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_nroutes; i++) {
        const struct http_route *r = &api_routes[i];
        bool reads = r->method == HTTP_GET || strstr(r->pattern, "/search") ||
                     strstr(r->pattern, "/zip") || strstr(r->pattern, "/session");
        if (!reads)
            assert_true(r->tag >= EYE_SCOPE_WRITE);
        assert_non_null(r->handler);
        assert_true((r->body == HTTP_BODY_NONE) == (r->max_body == 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_operation_has_a_route),
                                       cmocka_unit_test(every_route_is_documented),
                                       cmocka_unit_test(scopes_are_sound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
