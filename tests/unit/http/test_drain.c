/* The end: what runs may finish, what idles is cut, what hangs is cut later. */
#include "fixture.h"

#include <pthread.h>

static atomic_int running, finished;
static atomic_bool gate;

static void slow(struct http_request *rq, void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&running, 1);
    usleep(500000);
    atomic_fetch_add(&finished, 1);
    http_reply_static(rq, 200, "text/plain", "done", 4);
}

static void stuck(struct http_request *rq, void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&gate))
        usleep(1000);
    http_reply_static(rq, 200, "text/plain", "done", 4);
}

static const struct http_route ROUTES[] = {
    {HTTP_GET, "/slow", HTTP_BODY_NONE, 0, slow, 0},
    {HTTP_GET, "/stuck", HTTP_BODY_NONE, 0, stuck, 0},
    {HTTP_POST, "/slow", HTTP_BODY_SMALL, 100, slow, 0},
};

static void start(struct fixture *f, int workers)
{
    atomic_store(&running, 0);
    atomic_store(&finished, 0);
    atomic_store(&gate, false);
    fixture_open(f);
    fixture_start(f, (struct http_config){.routes = ROUTES,
                                          .nroutes = sizeof ROUTES / sizeof *ROUTES,
                                          .workers = workers,
                                          .drain_seconds = 1});
}

static int begin(const struct fixture *f, const char *request)
{
    int fd = dial(f);
    put_text(fd, request);
    return fd;
}

static double since(const struct timespec *t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) * 1e-9;
}

static void handlers_finish(void **state)
{
    (void)state;
    struct fixture f;
    char out[1024];
    struct timespec t;
    start(&f, 1);
    int idle = dial(&f); /* connected, says nothing */
    int first = begin(&f, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    WAIT_FOR(atomic_load(&running) == 1);
    int queued = begin(&f, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    struct http_stats stats;
    WAIT_FOR((http_stats_get(f.server, &stats), stats.queued) == 1);
    clock_gettime(CLOCK_MONOTONIC, &t);
    http_drain(f.server);
    assert_true(since(&t) > 0.2 && since(&t) < 1.8);
    assert_int_equal(read_reply(first, out, sizeof out), 200);
    assert_non_null(strstr(out, "Connection: close"));
    assert_int_equal(read_to_end(first, out, sizeof out, 2000), 0);
    assert_int_equal(read_to_end(idle, out, sizeof out, 2000), 0);
    /* Nobody gets in any more. */
    int late = begin(&f, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    (void)read_to_end(late, out, sizeof out, 50);
    assert_null(strstr(out, "200"));
    close(first);
    close(queued);
    close(idle);
    fixture_close(&f);
    close(late);
    assert_int_equal(atomic_load(&finished), 2);
}

static void *open_the_gate(void *arg)
{
    (void)arg;
    usleep(1500000);
    atomic_store(&gate, true);
    return NULL;
}

static void what_hangs_is_cut(void **state)
{
    (void)state;
    struct fixture f;
    char out[1024];
    pthread_t opener;
    struct timespec t;
    start(&f, 2);
    int hung = begin(&f, "GET /stuck HTTP/1.1\r\n" HOST "\r\n");
    int half = begin(&f, "POST /slow HTTP/1.1\r\n" HOST "Content-Length: 50\r\n\r\nhalf");
    WAIT_FOR(atomic_load(&running) == 1);
    assert_int_equal(pthread_create(&opener, NULL, open_the_gate, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &t);
    http_drain(f.server);
    assert_true(since(&t) > 0.9 && since(&t) < 1.4);
    assert_int_equal(read_to_end(hung, out, sizeof out, 2000), 0);
    assert_int_equal(read_to_end(half, out, sizeof out, 2000), 0);
    http_drain(f.server); /* again: nothing to do */
    fixture_close(&f);    /* waits for the handler */
    assert_true(atomic_load(&gate));
    pthread_join(opener, NULL);
    close(hung);
    close(half);
}

static void *hammer(void *arg)
{
    char out[1024];
    struct fixture *f = arg;
    for (int i = 0; i < 1000; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)f->port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
            close(fd);
            break;
        }
        put_text(fd, "GET /none HTTP/1.1\r\n" HOST "\r\nGET /quick HTTP/1.1\r\n" HOST "\r\n");
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 2000) > 0 && recv(fd, out, sizeof out, 0) < 0)
            out[0] = '\0';
        close(fd);
    }
    return NULL;
}

static void quick(struct http_request *rq, void *ctx)
{
    (void)ctx;
    http_reply_static(rq, 200, "text/plain", "quick", 5);
}

static void stopping_under_load(void **state)
{
    (void)state;
    enum { N = 4, ROUNDS = 8 };
    static const struct http_route routes[] = {{HTTP_GET, "/quick", HTTP_BODY_NONE, 0, quick, 0}};
    for (int round = 0; round < ROUNDS; round++) {
        struct fixture f;
        pthread_t threads[N];
        fixture_open(&f);
        fixture_start(&f, (struct http_config){.routes = routes, .nroutes = 1, .drain_seconds = 1});
        for (int i = 0; i < N; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, hammer, &f), 0);
        usleep(20000 + 7000 * (useconds_t)round);
        http_stop(f.server);
        f.server = NULL;
        for (int i = 0; i < N; i++)
            pthread_join(threads[i], NULL);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_finish),
        cmocka_unit_test(what_hangs_is_cut),
        cmocka_unit_test(stopping_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
