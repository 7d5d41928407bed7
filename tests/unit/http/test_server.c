/* Routes, methods, paths and limits against a real server. */
#include "fixture.h"

#include <pthread.h>

static void echo(struct http_request *rq, void *ctx)
{
    (void)ctx;
    struct buf b;
    size_t len;
    const char *body = http_body(rq, &len), *id = http_param(rq, "id"), *q = http_query(rq, "q");
    buf_init(&b, 1 << 20);
    buf_printf(&b, NULL, "path=%s id=%s q=%s peer=%s body=", http_path(rq), id ? id : "-",
               q ? q : "-", http_peer(rq));
    buf_append(&b, body, len, NULL);
    http_set(rq, "X-Tag", http_matched(rq) ? "route" : "fallback");
    http_reply(rq, 200, "text/plain", &b);
}

static void still(struct http_request *rq, void *ctx)
{
    (void)ctx;
    http_reply_static(rq, 200, "text/plain", "static", 6);
}

static void nothing(struct http_request *rq, void *ctx)
{
    (void)rq, (void)ctx;
}

static void evil_header(struct http_request *rq, void *ctx)
{
    (void)ctx;
    http_set(rq, "X-Evil", "a\r\nSet-Cookie: b=c");
    http_reply_static(rq, 200, "text/plain", "static", 6);
}

static void slow(struct http_request *rq, void *ctx)
{
    (void)ctx;
    usleep(300000);
    http_reply_static(rq, 200, "text/plain", "slow", 4);
}

static const struct http_route ROUTES[] = {
    {HTTP_GET, "/things", HTTP_BODY_NONE, 0, echo, 1},
    {HTTP_POST, "/things", HTTP_BODY_SMALL, 1000, echo, 2},
    {HTTP_GET, "/things/static", HTTP_BODY_NONE, 0, still, 0},
    {HTTP_GET, "/things/{id}", HTTP_BODY_NONE, 0, echo, 0},
    {HTTP_DELETE, "/things/{id}", HTTP_BODY_NONE, 0, echo, 0},
    {HTTP_GET, "/things/{id}/part", HTTP_BODY_NONE, 0, echo, 0},
    {HTTP_GET, "/nothing", HTTP_BODY_NONE, 0, nothing, 0},
    {HTTP_GET, "/evil", HTTP_BODY_NONE, 0, evil_header, 0},
    {HTTP_GET, "/slow", HTTP_BODY_NONE, 0, slow, 0},
};

static struct http_config config(void)
{
    return (struct http_config){.routes = ROUTES, .nroutes = sizeof ROUTES / sizeof *ROUTES};
}

static void start(struct fixture *f, struct http_config c)
{
    fixture_open(f);
    fixture_start(f, c);
}

static void routes_and_parameters(void **state)
{
    (void)state;
    struct fixture f;
    char out[8192];
    start(&f, config());
    assert_int_equal(get(&f, "/things?q=a%20b+c&q=2", out, sizeof out), 200);
    assert_string_equal(body_of(out), "path=/things id=- q=a b c peer=127.0.0.1 body=");
    assert_non_null(strstr(out, "\r\nDate: "));
    assert_null(strstr(out, "\r\nServer:"));
    assert_int_equal(get(&f, "/things/%C3%A4%20b", out, sizeof out), 200);
    assert_non_null(strstr(out, "id=\xc3\xa4 b q=-"));
    assert_int_equal(get(&f, "/things/static", out, sizeof out), 200);
    assert_string_equal(body_of(out), "static");
    assert_int_equal(get(&f, "/things/7/part", out, sizeof out), 200);
    assert_non_null(strstr(out, "id=7"));
    assert_int_equal(get(&f, "/things/", out, sizeof out), 404);
    assert_int_equal(get(&f, "/things/7/part/", out, sizeof out), 404);
    assert_int_equal(get(&f, "/thing", out, sizeof out), 404);
    assert_int_equal(get(&f, "/nothing", out, sizeof out), 500);
    fixture_close(&f);
}

static void methods(void **state)
{
    (void)state;
    struct fixture f;
    char out[8192];
    start(&f, config());
    assert_int_equal(
        ask(&f, "PUT /things HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", out, sizeof out), 405);
    assert_non_null(strstr(out, "\r\nAllow: GET, HEAD, POST\r\n"));
    assert_int_equal(ask(&f, "BREW /things/1 HTTP/1.1\r\n" HOST "\r\n", out, sizeof out), 405);
    assert_non_null(strstr(out, "\r\nAllow: GET, HEAD, DELETE\r\n"));
    assert_int_equal(ask(&f, "DELETE /things/1 HTTP/1.1\r\n" HOST "\r\n", out, sizeof out), 200);
    int fd = dial(&f);
    put_text(fd, "HEAD /things/static HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_true(read_to_end(fd, out, sizeof out, 5000) > 0);
    assert_non_null(strstr(out, "Content-Length: 6\r\n"));
    assert_string_equal(body_of(out), "");
    close(fd);
    fixture_close(&f);
}

static void a_body_in_memory(void **state)
{
    (void)state;
    struct fixture f;
    char out[8192];
    start(&f, config());
    assert_int_equal(
        ask(&f, "POST /things HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", out, sizeof out),
        200);
    assert_non_null(strstr(out, "body=hello"));
    assert_int_equal(ask(&f,
                         "POST /things HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                         "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                         out, sizeof out),
                     200);
    assert_non_null(strstr(out, "body=abcde"));
    fixture_close(&f);
}

static void connections_are_kept(void **state)
{
    (void)state;
    struct fixture f;
    char out[8192];
    start(&f, config());
    int fd = dial(&f);
    /* Two at once, refusals without a body, then more. */
    put_text(fd, "GET /things/1 HTTP/1.1\r\n" HOST "\r\nGET /things/2 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    assert_non_null(strstr(out, "id=1"));
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    assert_non_null(strstr(out, "id=2"));
    put_text(fd, "GET /no HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(read_reply(fd, out, sizeof out), 404);
    put_text(fd, "POST /things HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok");
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    put_text(fd, "PUT /things HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(read_reply(fd, out, sizeof out), 405);
    put_text(fd, "GET /things/static HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    close(fd);
    struct http_stats stats;
    http_stats_get(f.server, &stats);
    assert_int_equal(stats.requests, 6);
    assert_true(stats.bytes_in > 0 && stats.bytes_out > 0);
    fixture_close(&f);
}

static void headers_cannot_be_split(void **state)
{
    (void)state;
    struct fixture f;
    char out[8192];
    start(&f, config());
    assert_int_equal(get(&f, "/evil", out, sizeof out), 500);
    assert_null(strstr(out, "Set-Cookie"));
    fixture_close(&f);
}

static void *ask_slow(void *arg)
{
    char out[1024];
    return (void *)(intptr_t)get(arg, "/slow", out, sizeof out);
}

static void many_at_once(void **state)
{
    (void)state;
    enum { N = 100 };
    struct fixture f;
    struct http_config c = config();
    c.workers = 50;
    start(&f, c);
    pthread_t threads[N];
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_slow, &f), 0);
    for (int i = 0; i < N; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((intptr_t)status, 200);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_and_parameters),   cmocka_unit_test(methods),
        cmocka_unit_test(a_body_in_memory),        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(headers_cannot_be_split), cmocka_unit_test(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
