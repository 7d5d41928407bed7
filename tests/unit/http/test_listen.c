/* Addresses of all kinds. */
#include "fixture.h"

static void ok(struct http_request *rq, void *ctx)
{
    (void)ctx;
    struct buf b;
    buf_init(&b, 100);
    buf_printf(&b, NULL, "peer=%s", http_peer(rq));
    http_reply(rq, 200, "text/plain", &b);
}

static struct http_config config(const char *listen)
{
    return (struct http_config){.listen = listen, .fallback = ok, .base_path = "/b"};
}

static int ask_fd(int fd, char *out, size_t cap)
{
    put_text(fd, "GET /b/ HTTP/1.1\r\n" HOST "\r\n");
    int status = read_reply(fd, out, cap);
    close(fd);
    return status;
}

static void ipv6(void **state)
{
    (void)state;
    struct fixture f;
    char out[1024];
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (probe < 0 || bind(probe, (struct sockaddr *)&a, sizeof a) != 0) {
        if (probe >= 0)
            close(probe);
        skip(); /* a machine without IPv6 */
    }
    close(probe);
    fixture_open(&f);
    fixture_start(&f, config("[::1]:0"));
    assert_non_null(strstr(http_url(f.server), "http://[::1]:"));
    assert_non_null(strstr(http_url(f.server), "/b"));
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin6_port = htons((uint16_t)f.port);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(ask_fd(fd, out, sizeof out), 200);
    assert_string_equal(body_of(out), "peer=::1");
    fixture_close(&f);
    /* All addresses of both kinds; an IPv4 client looks like one. */
    fixture_open(&f);
    fixture_start(&f, config("[::]:0"));
    assert_int_equal(ask_fd(dial(&f), out, sizeof out), 200);
    assert_string_equal(body_of(out), "peer=127.0.0.1");
    fixture_close(&f);
}

static void names(void **state)
{
    (void)state;
    struct fixture f;
    char out[1024];
    fixture_open(&f);
    fixture_start(&f, config("localhost:0"));
    assert_non_null(strstr(http_url(f.server), "http://localhost:"));
    assert_int_equal(ask_fd(dial(&f), out, sizeof out), 200);
    fixture_close(&f);
}

static int dial_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(strlen(path) < sizeof a.sun_path);
    memcpy(a.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -1;
}

static void refuse(const char *listen, int code, const char *says)
{
    struct eye_err err = {0};
    struct http_config c = config(listen);
    assert_null(http_start(&c, &err));
    if (err.code != code || !strstr(err.msg, says))
        fail_msg("%s: %d %s", listen, err.code, err.msg);
}

static void unix_sockets(void **state)
{
    (void)state;
    struct fixture f;
    char out[1024], listen[700];
    const char *path = listen + 5;
    struct stat st;
    fixture_open(&f);
    snprintf(listen, sizeof listen, "unix:%s/s", f.dir);
    fixture_start(&f, config(listen));
    assert_string_equal(http_url(f.server), listen);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(ask_fd(dial_unix(path), out, sizeof out), 200);
    assert_string_equal(body_of(out), "peer=unix");
    /* The client too. */
    int status = 0;
    char type[128];
    struct fetch_config fetching = {.url = "http://localhost/b/", .unix_socket = path};
    assert_int_equal(fetch(&fetching, NULL, 0, &status, type, NULL), 0);
    assert_int_equal(status, 200);
    refuse(listen, EYE_EIO, "another program listens there");
    assert_int_equal(ask_fd(dial_unix(path), out, sizeof out), 200);
    http_stop(f.server);
    assert_int_not_equal(access(path, F_OK), 0);
    /* One that nobody listens to any more is replaced; a file is not. */
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof a.sun_path);
    memcpy(a.sun_path, path, strlen(path));
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&a, sizeof a), 0);
    close(stale);
    assert_int_equal(access(path, F_OK), 0);
    fixture_start(&f, config(listen));
    assert_int_equal(ask_fd(dial_unix(path), out, sizeof out), 200);
    http_stop(f.server);
    fclose(fopen(path, "w"));
    refuse(listen, EYE_EEXIST, "no socket");
    f.server = NULL;
    fixture_close(&f);
}

static void addresses_that_are_none(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",       ":",     "8000",    "localhost", ":8000", "h:",    "h:x",    "h:70000", "h:-1",
        "::1:80", "[::1]", "[::1]80", "[]:80",     "h:80/", "h: 80", "a b:80", "h:999999"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i], EYE_EINVAL, "");
    char listen[300] = "unix:";
    refuse(listen, EYE_EINVAL, "socket");
    memset(listen + 5, 'x', 200);
    refuse(listen, EYE_EINVAL, "socket");
    refuse("unix:/none/such/s", EYE_ENOTFOUND, "/none/such/s");
    refuse("203.0.113.7:0", EYE_EIO, "is no address of this machine");
}

static void a_port_in_use(void **state)
{
    (void)state;
    struct fixture f;
    char listen[64];
    fixture_open(&f);
    fixture_start(&f, config("127.0.0.1:0"));
    snprintf(listen, sizeof listen, "127.0.0.1:%d", f.port);
    refuse(listen, EYE_EIO, "another program listens there");
    fixture_close(&f);
    /* Free again at once. */
    fixture_open(&f);
    fixture_start(&f, config(listen));
    fixture_close(&f);
}

static void other_settings(void **state)
{
    (void)state;
    static const char *const bases[] = {"photos", "/photos/", "/", "/a//b", "/a?b", "/%41"};
    struct eye_err err = {0};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct http_config c = config("127.0.0.1:0");
        c.base_path = bases[i];
        assert_null(http_start(&c, &err));
        assert_int_equal(err.code, EYE_EINVAL);
    }
    static const struct http_route route = {HTTP_POST, "/x", HTTP_BODY_FILES, 1, ok, 0};
    struct http_config c = config("127.0.0.1:0");
    c.routes = &route;
    c.nroutes = 1;
    assert_null(http_start(&c, &err)); /* no spool folder */
    assert_int_equal(err.code, EYE_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6),          cmocka_unit_test(names),
        cmocka_unit_test(unix_sockets),  cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(a_port_in_use), cmocka_unit_test(other_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
