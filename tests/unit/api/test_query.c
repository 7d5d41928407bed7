/* test_query.c - query lines over HTTP, from a server on an empty library: GET /query, and `line` of a search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <unistd.h>

#include "api/api.h"
#include "base/buf.h"
#include "http/http.h"

struct fixture {
    char dir[256];
    eye_lib *lib;
    struct api_server *server;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

static int start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    signal(SIGPIPE, SIG_IGN);
    snprintf(f->dir, sizeof f->dir, "%s/eyeshine-query-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    eye_options o = {.library = f->dir, .create = true, .share_dir = f->dir}; /* no model there */
    f->lib = eye_open(&o, NULL);
    assert_non_null(f->lib);
    struct api_config c = {.lib = f->lib, .http = {.listen = "127.0.0.1:0", .base_path = ""}};
    struct eye_err err = {0};
    f->server = api_start(&c, &err);
    if (!f->server)
        fail_msg("%s", err.msg);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    struct fixture *f = *state;
    api_stop(f->server);
    eye_close(f->lib);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static int keep(void *ctx, const void *bytes, size_t len)
{
    return buf_append(ctx, bytes, len, NULL);
}

/* The status; the answer's text in out. body: JSON for a POST, NULL: a GET. */
static int ask(const struct fixture *f, const char *path, const char *body, struct buf *out)
{
    char url[4096], type[128];
    int status = 0;
    struct eye_err err = {0};
    const char *json[] = {"Content-Type: application/json"};
    buf_clear(out);
    snprintf(url, sizeof url, "%s/api/v1%s", api_url(f->server), path);
    struct fetch_config c = {.method = body ? "POST" : "GET",
                             .url = url,
                             .headers = json,
                             .nheaders = body ? 1 : 0,
                             .body = body,
                             .body_len = body ? strlen(body) : 0,
                             .max_bytes = 1 << 20,
                             .max_seconds = 30,
                             .write = keep,
                             .ctx = out};
    if (fetch(&c, NULL, 0, &status, type, &err) != 0)
        fail_msg("%s: %s", path, err.msg);
    return status;
}

struct row {
    const char *path, *body;
    int status;
    const char *has[4];
};

static void check(void **state, const struct row *rows, size_t n)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        int status = ask(*state, rows[i].path, rows[i].body, &out);
        const char *text = out.len ? out.data : "";
        if (status != rows[i].status)
            fail_msg("%s %s: %d %s", rows[i].path, rows[i].body ? rows[i].body : "", status, text);
        for (size_t k = 0; k < 4 && rows[i].has[k]; k++)
            if (!strstr(text, rows[i].has[k]))
                fail_msg("%s: no %s in %s", rows[i].path, rows[i].has[k], text);
    }
    buf_release(&out);
}

static void tells_what_a_line_means(void **state)
{
    static const struct row rows[] = {
        {"/query?line=%E7%8A%AC+-+2:%22a+b%22+and+-format:JPG+score%3E0.5",
         NULL,
         200,
         {"\"text\":\"\xe7\x8a\xac - 2:a b -format:jpeg score>0.5\"",
          "\"terms\":[{\"words\":\"\xe7\x8a\xac\",\"weight\":1,\"at\":0,\"len\":1},{\"words\":\"a "
          "b\","
          "\"weight\":-2,\"at\":2,\"len\":9}]",
          "\"filters\":[{\"text\":\"-format:jpeg\",\"at\":12,\"len\":15,\"negated\":true,\"alone\":"
          "true},",
          "\"min_score\":0.5}"}},
        {"/query?line=%237",
         NULL,
         200,
         {"\"terms\":[{\"like\":7,\"weight\":1,\"at\":0,\"len\":2}]"}},
        {"/query?line=root:1+or+root:2", NULL, 200, {"\"negated\":false,\"alone\":false}"}},
        {"/query?line=",
         NULL,
         200,
         {"{\"text\":\"\",\"terms\":[],\"filters\":[],\"min_score\":null}"}},
        {"/query", NULL, 200, {"\"text\":\"\""}},
        {"/query?line=%E7%8A%AC+fromat:png",
         NULL,
         400,
         {"\"code\":\"invalid\"", "\"at\":2,\"len\":6", "is 'format' meant"}},
        {"/query?line=a+@b", NULL, 400, {"\"at\":2,\"len\":2", "a server reads no file"}},
        {"/query?line=%FF", NULL, 400, {NULL}},
        {"/query?line=a&line=b", NULL, 400, {"given twice"}},
        {"/query?q=a", NULL, 400, {"not known"}},
    };
    check(state, rows, sizeof rows / sizeof *rows);
}

/* No model is there: lines of filters alone search without one. */
/* An address holds less than a body. */
static void knows_how_long(void **state)
{
    struct buf path, body, out;
    buf_init(&path, 1 << 16);
    buf_init(&body, 1 << 16);
    buf_init(&out, 1 << 16);
    buf_puts(&path, "/query?line=a%20-format:png", NULL);
    buf_puts(&body, "{\"line\":\"-format:png", NULL);
    while (path.len < 12 + 1002) /* 1000 characters */
        buf_putc(&path, 'a', NULL);
    while (body.len < 9 + 8000)
        buf_putc(&body, ' ', NULL);
    assert_int_equal(ask(*state, path.data, NULL, &out), 400); /* the format has grown */
    assert_non_null(strstr(out.data, "\"at\""));
    buf_putc(&path, 'a', NULL);
    assert_int_equal(ask(*state, path.data, NULL, &out), 400);
    assert_null(strstr(out.data, "\"at\""));
    buf_puts(&body, "\"}", NULL);
    assert_int_equal(ask(*state, "/search", body.data, &out), 200);
    body.data[body.len - 2] = ' ';
    body.data[body.len - 1] = '"';
    buf_putc(&body, '}', NULL);
    assert_int_equal(ask(*state, "/search", body.data, &out), 400);
    assert_non_null(strstr(out.data, "'line' of the query must be a text of 0 to 8000 characters"));
    buf_release(&path);
    buf_release(&body);
    buf_release(&out);
}

static void searches_by_a_line(void **state)
{
    static const struct row rows[] = {
        {"/search?line=format:PNG++and+-root:1&camera=x",
         NULL,
         200,
         {"\"hits\":[]", "\"total\":0", "\"terms\":[]", "\"line\":\"format:png -root:1\""}},
        {"/search?line=format:PNG+or+dogs",
         NULL,
         400,
         {"a filter must follow this 'or'", "\"at\":11,\"len\":2"}},
        {"/search?line=a+@b", NULL, 400, {"\"at\":2,\"len\":2"}},
        {"/search?line=root:1&line=root:2", NULL, 400, {"given twice"}},
        {"/search",
         "{\"line\":\"(root:1 or mp>8)\",\"filter\":{\"format\":\"png\"},\"limit\":1}",
         200,
         {"\"line\":\"(root:1 or mp>8)\""}},
        {"/search", "{\"line\":\"\"}", 200, {"\"line\":\"\""}},
        {"/search", "{\"line\":7}", 400, {"'line' of the query must be a text"}},
        {"/search", "{\"line\":\"\xe7\x8a\xac \\\"\"}", 400, {"\"at\":2,\"len\":1", "has no end"}},
        {"/search",
         "{\"line\":\"a+b + c\",\"terms\":[{\"upload\":\"no-such-token\"}]}",
         404,
         {NULL}},
    };
    struct buf out, body;
    buf_init(&out, 1 << 20);
    buf_init(&body, 1 << 20);
    check(state, rows, sizeof rows / sizeof *rows);
    assert_int_equal(ask(*state, "/search", "{}", &out), 200);
    assert_null(strstr(out.data, "\"line\""));
    buf_puts(&body, "{\"terms\":[{\"words\":\"x\"}],\"line\":\"a", NULL);
    for (int i = 0; i < 31; i++)
        buf_puts(&body, " + a", NULL);
    buf_puts(&body, "\"}", NULL);
    assert_int_equal(ask(*state, "/search", body.data, &out), 400);
    assert_non_null(strstr(out.data, "at most 32 terms"));
    buf_release(&body);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_a_line_means),
        cmocka_unit_test(knows_how_long),
        cmocka_unit_test(searches_by_a_line),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
