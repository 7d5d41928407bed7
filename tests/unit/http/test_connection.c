/* What a connection may and may not do: headers, framing, time, numbers; the hooks; the base path. */
#include "fixture.h"

#include <pthread.h>

static void ok(struct http_request *rq, void *ctx)
{
    (void)ctx;
    struct buf b;
    buf_init(&b, 65536);
    buf_printf(&b, NULL, "ok %s", http_path(rq));
    http_reply(rq, 200, "text/plain", &b);
}

static atomic_bool gate_open;

static void gated(struct http_request *rq, void *ctx)
{
    (void)ctx;
    while (!atomic_load(&gate_open))
        usleep(1000);
    http_reply_static(rq, 200, "text/plain", "gate", 4);
}

static void slow(struct http_request *rq, void *ctx)
{
    (void)ctx;
    usleep(400000);
    http_reply_static(rq, 200, "text/plain", "slow", 4);
}

static const struct http_route ROUTES[] = {
    {HTTP_GET, "/a", HTTP_BODY_NONE, 0, ok, 7},
    {HTTP_POST, "/a", HTTP_BODY_SMALL, 100, ok, 8},
    {HTTP_GET, "/slow", HTTP_BODY_NONE, 0, slow, 0},
    {HTTP_GET, "/gate", HTTP_BODY_NONE, 0, gated, 0},
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

static int ask_large(const struct fixture *f, size_t target, size_t header, char *out, size_t cap)
{
    size_t room = target + header + 200;
    char *request = calloc(1, room), *t = calloc(1, target + 1), *h = calloc(1, header + 1);
    memset(t, 'x', target);
    memset(h, 'x', header);
    snprintf(request, room, "GET /a?q=%s HTTP/1.1\r\n" HOST "X: %s\r\n\r\n", t, h);
    int status = ask(f, request, out, cap);
    free(request);
    free(t);
    free(h);
    return status;
}

static void header_limits(void **state)
{
    (void)state;
    struct fixture f;
    char out[8192];
    start(&f, config());
    assert_int_equal(ask_large(&f, 10, 12000, out, sizeof out), 200);
    assert_int_equal(ask_large(&f, 10, 16384, out, sizeof out), 431);
    assert_int_equal(ask_large(&f, 10, 300000, out, sizeof out), 431);
    assert_int_equal(ask_large(&f, 12000, 10, out, sizeof out), 200);
    assert_int_equal(ask_large(&f, 16384, 10, out, sizeof out), 414);
    assert_int_equal(ask_large(&f, 300000, 10, out, sizeof out), 414);
    fixture_close(&f);
}

static void bad_requests(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\n" HOST HOST "\r\n",
        "GET /a HTTP/1.1\r\n" HOST "X-A: a\x01\r\n\r\n",
        "GET /a HTTP/1.1\r\n" HOST "X-A: a\rb\r\n\r\n",
        "GET /a HTTP/1.1\r\n" HOST "X A: a\r\n\r\n",
        "GET /a HTTP/1.1\r\n" HOST "X-A : a\r\n\r\n",
        "GET /a/../a HTTP/1.1\r\n" HOST "\r\n",
        "GET //a HTTP/1.1\r\n" HOST "\r\n",
        "GET /%2e%2e/a HTTP/1.1\r\n" HOST "\r\n",
        "GET /%00a HTTP/1.1\r\n" HOST "\r\n",
        "GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n",
        "GET /a?q=%ff HTTP/1.1\r\n" HOST "\r\n",
        "GET /a?q=% HTTP/1.1\r\n" HOST "\r\n",
        "GET http://x/a HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
        /* where does the body end? */
        "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST /a HTTP/1.1\r\n" HOST
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na",
        "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\na",
        "POST /a HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\na",
        "POST /a HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    };
    struct fixture f;
    char out[8192];
    start(&f, config());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = dial(&f);
        put_text(fd, cases[i]);
        put_text(fd, "GET /a HTTP/1.1\r\n" HOST "\r\n"); /* must not be taken for a request */
        long n = read_to_end(fd, out, sizeof out, 5000);
        if (n < 0 || (n > 0 && strncmp(out, "HTTP/1.1 400", 12) != 0) || strstr(out, " 200 "))
            fail_msg("%s: %s", cases[i], out);
        close(fd);
    }
    assert_int_equal(ask(&f, "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
                         out, sizeof out),
                     501);
    assert_int_equal(ask(&f, "GET /%252e%252e/a HTTP/1.1\r\n" HOST "\r\n", out, sizeof out), 404);
    assert_int_equal(ask(&f, "GET /a HTTP/1.0\r\n\r\n", out, sizeof out), 200);
    fixture_close(&f);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void slow_clients_are_cut(void **state)
{
    (void)state;
    static const char *const first[] = {
        "", "GET /a HTTP/1.1\r\nX: ", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n",
        NULL /* says nothing at all */
    };
    enum { N = sizeof first / sizeof *first };
    struct fixture f;
    struct http_config c = config();
    int fds[N], left = N;
    c.header_seconds = 1;
    c.body_seconds = 1;
    start(&f, c);
    double begun = now();
    for (int i = 0; i < N; i++) {
        fds[i] = dial(&f);
        put_text(fds[i], first[i] ? first[i] : "");
    }
    /* A byte each 100 ms until the server hangs up. */
    while (left > 0 && now() - begun < 5) {
        usleep(100000);
        for (int i = 0; i < N; i++) {
            struct pollfd p = {.fd = fds[i], .events = POLLIN | POLLRDHUP};
            if (fds[i] < 0)
                continue;
            if (poll(&p, 1, 0) > 0) {
                close(fds[i]);
                fds[i] = -1;
                left--;
            } else if (first[i]) {
                put_text(fds[i], "x");
            }
        }
    }
    assert_int_equal(left, 0);
    assert_true(now() - begun >= 0.9 && now() - begun < 3);
    fixture_close(&f);
}

static void deadlines_are_for_clients_alone(void **state)
{
    (void)state;
    struct fixture f;
    struct http_config c = config();
    char out[1024];
    c.header_seconds = 1;
    c.body_seconds = 1;
    c.idle_seconds = 1;
    start(&f, c);
    int fd = dial(&f);
    for (int i = 0; i < 4; i++) { /* 1.6 s, each request in time */
        put_text(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(read_reply(fd, out, sizeof out), 200);
    }
    /* Kept alive only so long. */
    assert_int_equal(read_to_end(fd, out, sizeof out, 3000), 0);
    close(fd);
    fixture_close(&f);
}

static void numbers_of_connections(void **state)
{
    (void)state;
    struct fixture f;
    struct http_config c = config();
    char out[1024];
    int fds[4];
    struct http_stats stats;
    c.max_per_address = 4;
    c.header_seconds = 30;
    start(&f, c);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(&f);
        put_text(fds[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(read_reply(fds[i], out, sizeof out), 200);
    }
    http_stats_get(f.server, &stats);
    assert_int_equal(stats.connections, 4);
    assert_int_equal(get(&f, "/a", out, sizeof out), 503);
    assert_non_null(strstr(out, "Retry-After"));
    close(fds[0]);
    WAIT_FOR((http_stats_get(f.server, &stats), stats.connections) == 3);
    assert_int_equal(get(&f, "/a", out, sizeof out), 200);
    assert_true(stats.refused >= 1);
    for (int i = 1; i < 4; i++)
        close(fds[i]);
    fixture_close(&f);
}

static void a_full_queue(void **state)
{
    (void)state;
    enum { ROOM = 17, N = 30 }; /* one runs, 16 wait; one more for each I/O thread may slip in */
    struct fixture f;
    struct http_config c = config();
    char out[1024];
    int fds[N], busy = 0;
    struct http_stats stats;
    c.workers = 1;
    start(&f, c);
    for (int i = 0; i < N; i++) {
        fds[i] = dial(&f);
        put_text(fds[i], "GET /gate HTTP/1.1\r\n" HOST "\r\n");
        if (i == 0)
            WAIT_FOR((http_stats_get(f.server, &stats), stats.busy_workers) == 1);
    }
    WAIT_FOR((http_stats_get(f.server, &stats), stats.refused) >= N - ROOM - 2);
    assert_true(stats.queued >= ROOM - 1 && stats.queued <= ROOM + 1);
    atomic_store(&gate_open, true);
    for (int i = 0; i < N; i++) {
        int status = read_reply(fds[i], out, sizeof out);
        assert_true(status == 200 || (status == 503 && strstr(out, "Retry-After: 1\r\n")));
        busy += status == 503;
        close(fds[i]);
    }
    assert_true(busy >= N - ROOM - 2 && busy <= N - ROOM);
    fixture_close(&f);
}

/* ---- hooks ---- */

static struct {
    pthread_mutex_t lock;
    int calls, last_status;
    char last_path[256], last_method[16], last_agent[64], last_peer[64];
    uint64_t last_bytes;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_access(const struct http_access *a, void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&told.lock);
    told.calls++;
    told.last_status = a->status;
    told.last_bytes = a->bytes_out;
    snprintf(told.last_path, sizeof told.last_path, "%s", a->path);
    snprintf(told.last_method, sizeof told.last_method, "%s", a->method);
    snprintf(told.last_agent, sizeof told.last_agent, "%s", a->agent);
    snprintf(told.last_peer, sizeof told.last_peer, "%s", a->peer);
    pthread_mutex_unlock(&told.lock);
}

static int calls(void)
{
    pthread_mutex_lock(&told.lock);
    int n = told.calls;
    pthread_mutex_unlock(&told.lock);
    return n;
}

static int on_admit(struct http_request *rq, void *ctx)
{
    (void)ctx;
    if (http_method_of(rq) == HTTP_OPTIONS) {
        http_reply_static(rq, 204, NULL, "", 0);
        return 1;
    }
    if (http_matched(rq) && http_matched(rq)->tag == 8 && !http_header(rq, "Authorization")) {
        http_set(rq, "WWW-Authenticate", "Bearer");
        http_reply_static(rq, 401, "text/plain", "key", 3);
        return 1;
    }
    return 0;
}

static void on_error(struct http_request *rq, int status, const char *detail, void *ctx)
{
    (void)ctx;
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(&b, NULL, "{\"status\":%d,\"detail\":\"%s\"}", status, detail);
    http_reply(rq, status, "application/problem+json", &b);
}

static void hooks(void **state)
{
    (void)state;
    struct fixture f;
    struct http_config c = config();
    char out[8192];
    c.admit = on_admit;
    c.error = on_error;
    c.access = on_access;
    start(&f, c);
    assert_int_equal(ask(&f, "OPTIONS /a HTTP/1.1\r\n" HOST "\r\n", out, sizeof out), 204);
    /* Refused before the body, which was announced and never sent. */
    assert_int_equal(
        ask(&f, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n", out, sizeof out), 401);
    assert_non_null(strstr(out, "WWW-Authenticate: Bearer"));
    assert_int_equal(ask(&f,
                         "POST /a HTTP/1.1\r\n" HOST "Authorization: x\r\n"
                         "Content-Length: 2\r\n\r\nok",
                         out, sizeof out),
                     200);
    assert_int_equal(get(&f, "/b?key=secret", out, sizeof out), 404);
    assert_non_null(strstr(out, "application/problem+json"));
    assert_non_null(strstr(body_of(out), "{\"status\":404,"));
    assert_int_equal(get(&f, "/../", out, sizeof out), 400);
    assert_non_null(strstr(body_of(out), "{\"status\":400,"));
    WAIT_FOR(calls() == 5);
    assert_int_equal(ask(&f,
                         "HEAD /a?key=secret HTTP/1.1\r\n" HOST
                         "User-Agent: me\r\nConnection: close\r\n\r\n",
                         out, sizeof out),
                     200);
    WAIT_FOR(calls() == 6);
    assert_string_equal(told.last_path, "/a");
    assert_string_equal(told.last_method, "HEAD");
    assert_string_equal(told.last_agent, "me");
    assert_string_equal(told.last_peer, "127.0.0.1");
    assert_int_equal(told.last_status, 200);
    assert_int_equal(told.last_bytes, 0);
    fixture_close(&f);
}

static void a_base_path(void **state)
{
    (void)state;
    struct fixture f;
    struct http_config c = config();
    char out[8192];
    c.base_path = "/my/photos";
    c.fallback = ok;
    start(&f, c);
    assert_non_null(strstr(http_url(f.server), "/my/photos"));
    assert_int_equal(get(&f, "/my/photos/a", out, sizeof out), 200);
    assert_string_equal(body_of(out), "ok /a");
    assert_int_equal(get(&f, "/my/photos/", out, sizeof out), 200);
    assert_string_equal(body_of(out), "ok /");
    assert_int_equal(get(&f, "/my/photos?x=1", out, sizeof out), 308);
    assert_non_null(strstr(out, "\r\nLocation: photos/?x=1\r\n"));
    assert_int_equal(get(&f, "/my/photosx", out, sizeof out), 404);
    assert_int_equal(get(&f, "/a", out, sizeof out), 404);
    assert_int_equal(get(&f, "/", out, sizeof out), 404);
    assert_int_equal(get(&f, "/my/photos/else/where", out, sizeof out), 200);
    assert_int_equal(ask(&f, "POST /my/photos/else HTTP/1.1\r\n" HOST "\r\n", out, sizeof out),
                     405);
    assert_non_null(strstr(out, "\r\nAllow: GET, HEAD\r\n"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_limits),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(slow_clients_are_cut),
        cmocka_unit_test(deadlines_are_for_clients_alone),
        cmocka_unit_test(numbers_of_connections),
        cmocka_unit_test(a_full_queue),
        cmocka_unit_test(hooks),
        cmocka_unit_test(a_base_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
