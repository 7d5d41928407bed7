/* Replies that come bit by bit: slow clients, clients that leave, the end of the server. */
#include "fixture.h"

#include <pthread.h>

enum { BLOCK = 65536, BLOCKS = 64 };

static _Atomic(struct http_stream *) kept;
static atomic_int written, last_rc, done;

static void forget(void)
{
    atomic_store(&kept, NULL);
    atomic_store(&written, 0);
    atomic_store(&last_rc, 1);
    atomic_store(&done, 0);
}

static void big(struct http_request *rq, void *ctx)
{
    (void)ctx;
    char *block = calloc(1, BLOCK);
    struct http_stream *st = http_reply_stream(rq, 200, "text/plain", 10000);
    int rc = 0;
    for (int i = 0; i < BLOCKS && rc == 0; i++) {
        memset(block, 'a' + i % 26, BLOCK);
        rc = http_stream_write(st, block, BLOCK);
        if (rc == 0)
            atomic_fetch_add(&written, 1);
    }
    atomic_store(&last_rc, rc);
    http_stream_close(st);
    free(block);
    atomic_store(&done, 1);
}

static void broken(struct http_request *rq, void *ctx)
{
    (void)ctx;
    struct http_stream *st = http_reply_stream(rq, 200, "text/plain", 0);
    http_stream_write(st, "half", 4);
    http_stream_abort(st);
    http_stream_close(st);
}

/* The handler returns at once; somebody else writes. */
static void events(struct http_request *rq, void *ctx)
{
    (void)ctx;
    http_set(rq, "Cache-Control", "no-store");
    atomic_store(&kept, http_reply_stream(rq, 200, "text/event-stream", 100));
}

static const struct http_route ROUTES[] = {
    {HTTP_GET, "/big", HTTP_BODY_NONE, 0, big, 0},
    {HTTP_GET, "/broken", HTTP_BODY_NONE, 0, broken, 0},
    {HTTP_GET, "/events", HTTP_BODY_NONE, 0, events, 0},
};

static void start(struct fixture *f)
{
    forget();
    fixture_open(f);
    fixture_start(f, (struct http_config){.routes = ROUTES,
                                          .nroutes = sizeof ROUTES / sizeof *ROUTES,
                                          .drain_seconds = 1,
                                          .idle_seconds = 1});
}

static int begin_with(const struct fixture *f, const char *method, const char *target)
{
    char request[256];
    int fd = dial(f);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\n" HOST "\r\n", method, target);
    put_text(fd, request);
    return fd;
}

static int begin(const struct fixture *f, const char *target)
{
    return begin_with(f, "GET", target);
}

/* Undoes chunked encoding in place; returns the length, -1 if it has no proper end. */
static long dechunk(char *text)
{
    char *from = text, *to = text;
    for (;;) {
        char *end;
        size_t n = strtoul(from, &end, 16);
        if (end == from || strncmp(end, "\r\n", 2) != 0)
            return -1;
        from = end + 2;
        if (n == 0)
            return to - text;
        memmove(to, from, n);
        to += n;
        from += n + 2;
    }
}

static void all_bytes_arrive(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    size_t cap = (size_t)BLOCK * BLOCKS * 2;
    char *out = calloc(1, cap);
    int fd = dial(&f);
    put_text(fd, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_true(read_to_end(fd, out, cap, 5000) > 0);
    char *body = strstr(out, "\r\n\r\n") + 4;
    assert_int_equal(dechunk(body), (long)BLOCK * BLOCKS);
    for (long i = 0; i < (long)BLOCK * BLOCKS; i += 1000)
        assert_int_equal(body[i], 'a' + i / BLOCK % 26);
    close(fd);
    /* To an old client, until the end of the connection. */
    fd = dial(&f);
    put_text(fd, "GET /big HTTP/1.0\r\n\r\n");
    long n = read_to_end(fd, out, cap, 5000);
    assert_int_equal(n - (body_of(out) - out), (long)BLOCK * BLOCKS);
    close(fd);
    free(out);
    fixture_close(&f);
}

static void head_gets_headers_alone(void **state)
{
    (void)state;
    struct fixture f;
    char out[4096];
    start(&f);
    int fd = begin_with(&f, "HEAD", "/big");
    assert_true(read_to_end(fd, out, sizeof out, 5000) > 0);
    assert_int_equal(strncmp(out, "HTTP/1.1 200", 12), 0);
    assert_string_equal(body_of(out), "");
    assert_null(strstr(out, "Content-Length"));
    close(fd);
    WAIT_FOR(atomic_load(&done) == 1);
    assert_int_equal(atomic_load(&last_rc), EYE_ECANCELLED);
    fixture_close(&f);
}

static void an_aborted_one_looks_broken(void **state)
{
    (void)state;
    struct fixture f;
    char out[4096];
    start(&f);
    int fd = begin(&f, "/broken");
    assert_true(read_to_end(fd, out, sizeof out, 5000) >= 0);
    assert_null(strstr(out, "\r\n0\r\n\r\n"));
    close(fd);
    fixture_close(&f);
}

static void a_slow_client_slows_the_writer(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    int fd = begin(&f, "/big"), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    usleep(200000);
    assert_int_equal(atomic_load(&done), 0); /* 4 MiB do not fit into the socket's buffers */
    /* It reads nothing at all: cut after the idle time, and the writer knows. */
    WAIT_FOR(atomic_load(&done) == 1);
    assert_int_equal(atomic_load(&last_rc), EYE_ECANCELLED);
    assert_true(atomic_load(&written) < BLOCKS);
    close(fd);
    fixture_close(&f);
}

static void a_client_that_goes_away(void **state)
{
    (void)state;
    struct fixture f;
    char out[4096];
    start(&f);
    int fd = begin(&f, "/big");
    assert_true(recv(fd, out, sizeof out, 0) > 0);
    close(fd);
    WAIT_FOR(atomic_load(&done) == 1);
    assert_int_equal(atomic_load(&last_rc), EYE_ECANCELLED);
    /* One that listens for events: noticed when something is written. */
    fd = begin(&f, "/events");
    WAIT_FOR(atomic_load(&kept) != NULL);
    struct http_stream *st = atomic_load(&kept);
    assert_int_equal(http_stream_write(st, ":\n", 2), 0);
    close(fd);
    WAIT_FOR(http_stream_write(st, ":\n", 2) == EYE_ECANCELLED);
    assert_int_equal(http_stream_try(st, ":\n", 2), EYE_ECANCELLED);
    http_stream_close(st);
    fixture_close(&f);
}

static void events_arrive_one_by_one(void **state)
{
    (void)state;
    struct fixture f;
    char out[4096], filler[101];
    start(&f);
    int fd = begin(&f, "/events");
    WAIT_FOR(atomic_load(&kept) != NULL);
    struct http_stream *st = atomic_load(&kept);
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    assert_non_null(strstr(out, "Cache-Control: no-store"));
    for (int i = 0; i < 200; i++) {
        char want[64], event[32];
        snprintf(event, sizeof event, "data: %d\n\n", i);
        snprintf(want, sizeof want, "%zX\r\n%s\r\n", strlen(event), event);
        assert_int_equal(http_stream_try(st, event, strlen(event)), 0);
        size_t n = 0;
        while (n < strlen(want)) {
            ssize_t got = recv(fd, out + n, strlen(want) - n, 0);
            assert_true(got > 0);
            n += (size_t)got;
        }
        assert_memory_equal(out, want, n);
        if (i % 10 == 0)
            usleep(2000); /* the connection falls asleep */
    }
    memset(filler, 'x', sizeof filler);
    assert_int_equal(http_stream_try(st, filler, sizeof filler), EYE_EBUSY); /* never fits */
    /* Quiet for longer than the idle time: that is no idle client. */
    usleep(1500000);
    assert_int_equal(http_stream_write(st, "x", 1), 0);
    http_stream_close(st);
    assert_int_equal(recv(fd, out, 11, MSG_WAITALL), 11);
    assert_memory_equal(out, "1\r\nx\r\n0\r\n\r\n", 11);
    close(fd);
    fixture_close(&f);
}

static void draining_ends_streams(void **state)
{
    (void)state;
    struct fixture f;
    char out[4096];
    start(&f);
    int fd = begin(&f, "/events");
    WAIT_FOR(atomic_load(&kept) != NULL);
    struct http_stream *st = atomic_load(&kept);
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    http_drain(f.server);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    assert_true(t1.tv_sec - t0.tv_sec < 2);
    assert_true(read_to_end(fd, out, sizeof out, 3000) >= 0);
    assert_int_equal(http_stream_write(st, "x", 1), EYE_ECANCELLED);
    close(fd);
    fixture_close(&f);
    /* The stream outlives the server. */
    assert_int_equal(http_stream_try(st, "x", 1), EYE_ECANCELLED);
    http_stream_abort(st);
    http_stream_close(st);
}

/* All workers wait for clients that do not read; others get their answers. */
static void slow_clients_hold_no_worker(void **state)
{
    (void)state;
    enum { N = 6 };
    struct fixture f;
    char out[4096];
    int fds[N];
    struct http_stats stats;
    forget();
    fixture_open(&f);
    fixture_start(&f, (struct http_config){.routes = ROUTES,
                                           .nroutes = sizeof ROUTES / sizeof *ROUTES,
                                           .workers = 2,
                                           .drain_seconds = 1});
    for (int i = 0; i < N; i++)
        fds[i] = begin(&f, "/big");
    WAIT_FOR((http_stats_get(f.server, &stats), stats.busy_workers) == N);
    int fd = begin(&f, "/events");
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    http_stream_close(atomic_load(&kept));
    close(fd);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    WAIT_FOR((http_stats_get(f.server, &stats), stats.busy_workers) == 0);
    assert_int_equal(get(&f, "/none", out, sizeof out), 404);
    fixture_close(&f);
}

/* ---- many streams, many writers, all at once ---- */

static void *listener(void *arg)
{
    char out[4096];
    int fd = begin(arg, "/big");
    long total = 0;
    for (ssize_t n; total < 1000000 && (n = recv(fd, out, sizeof out, 0)) > 0;)
        total += n;
    close(fd);
    return (void *)(intptr_t)total;
}

static void many_at_once(void **state)
{
    (void)state;
    enum { N = 16 };
    struct fixture f;
    pthread_t threads[N];
    start(&f);
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, listener, &f), 0);
    for (int i = 0; i < N; i++) {
        void *total;
        pthread_join(threads[i], &total);
        assert_true((intptr_t)total >= 1000000);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_arrive),
        cmocka_unit_test(head_gets_headers_alone),
        cmocka_unit_test(an_aborted_one_looks_broken),
        cmocka_unit_test(a_slow_client_slows_the_writer),
        cmocka_unit_test(a_client_that_goes_away),
        cmocka_unit_test(events_arrive_one_by_one),
        cmocka_unit_test(draining_ends_streams),
        cmocka_unit_test(slow_clients_hold_no_worker),
        cmocka_unit_test(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
