/* test_server.c - a whole server on an empty library: starting, who may ask what, sessions, keys, events, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/accesslog.h"
#include "api/api.h"
#include "base/json.h"

struct fixture {
    char dir[256];
    eye_lib *lib;
    struct api_server *server;
    char admin[EYE_KEY_LEN], read[EYE_KEY_LEN];
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

static int open_library(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    signal(SIGPIPE, SIG_IGN);
    snprintf(f->dir, sizeof f->dir, "%s/eyeshine-api-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    eye_options o = {.library = f->dir, .create = true, .share_dir = f->dir}; /* no model there */
    f->lib = eye_open(&o, NULL);
    assert_non_null(f->lib);
    *state = f;
    return 0;
}

static int close_library(void **state)
{
    struct fixture *f = *state;
    api_stop(f->server);
    eye_close(f->lib);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static struct api_config config_of(const struct fixture *f)
{
    return (struct api_config){.lib = f->lib, .http = {.listen = "127.0.0.1:0", .base_path = ""}};
}

static void start(struct fixture *f, const struct api_config *c)
{
    struct eye_err err = {0};
    f->server = api_start(c, &err);
    if (!f->server)
        fail_msg("%s", err.msg);
}

static void make_keys(struct fixture *f)
{
    assert_int_equal(eye_key_new(f->lib, "a", EYE_SCOPE_ADMIN, f->admin, NULL, NULL), 0);
    assert_int_equal(eye_key_new(f->lib, "r", EYE_SCOPE_READ, f->read, NULL, NULL), 0);
}

/* ---- requests ---- */

struct answer {
    int status;
    char text[8192];
    size_t len;
};

static int keep(void *ctx, const void *bytes, size_t len)
{
    struct answer *a = ctx;
    if (a->len + len >= sizeof a->text)
        return 1;
    memcpy(a->text + a->len, bytes, len);
    a->len += len;
    a->text[a->len] = '\0';
    return 0;
}

/* Up to three headers, NULL: none; body: JSON or NULL. */
static struct answer ask(const struct fixture *f, const char *method, const char *path,
                         const char *h1, const char *h2, const char *body)
{
    struct answer a = {0};
    char url[512];
    char type[128];
    struct eye_err err = {0};
    const char *headers[3];
    size_t n = 0;
    snprintf(url, sizeof url, "%s%s", api_url(f->server), path);
    if (h1)
        headers[n++] = h1;
    if (h2)
        headers[n++] = h2;
    if (body)
        headers[n++] = "Content-Type: application/json";
    struct fetch_config c = {.method = method,
                             .url = url,
                             .headers = headers,
                             .nheaders = n,
                             .body = body,
                             .body_len = body ? strlen(body) : 0,
                             .max_bytes = 1 << 20,
                             .max_seconds = 30,
                             .write = keep,
                             .ctx = &a};
    if (fetch(&c, NULL, 0, &a.status, type, &err) != 0)
        fail_msg("%s %s: %s", method, path, err.msg);
    return a;
}

static void answers(const struct fixture *f, int status, const char *method, const char *path,
                    const char *h1, const char *h2, const char *body)
{
    struct answer a = ask(f, method, path, h1, h2, body);
    if (a.status != status)
        fail_msg("%s %s (%s) (%s): %d, wanted %d: %s", method, path, h1 ? h1 : "", h2 ? h2 : "",
                 a.status, status, a.text);
}

static void bearer(char out[96], const char *key)
{
    snprintf(out, 96, "Authorization: Bearer %s", key);
}

/* ---- tests ---- */

static void starts_and_answers(void **state)
{
    struct fixture *f = *state;
    struct api_config c = config_of(f);
    start(f, &c);
    struct answer a = ask(f, "GET", "/healthz", NULL, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.text, "{\"status\":\"ok\"}");
    a = ask(f, "GET", "/api/v1/session", NULL, NULL, NULL);
    assert_string_equal(a.text, "{\"scope\":\"admin\",\"key_required\":false,\"loopback\":true}");
    answers(f, 200, "GET", "/metrics", NULL, NULL, NULL);
    answers(f, 200, "GET", "/api/v1/keys", NULL, NULL, NULL);
    answers(f, 400, "GET", "/healthz?x=1", NULL, NULL, NULL);
    answers(f, 400, "GET", "/readyz?x=1", NULL, NULL, NULL);
    answers(f, 404, "GET", "/api/v1/nothing", NULL, NULL, NULL);
    answers(f, 405, "DELETE", "/healthz", NULL, NULL, NULL);
}

static void wants_a_key_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct api_config c = config_of(f);
    static const char *const far[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "pi.lan:0",
                                      "localhost.evil.example:0"};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        struct eye_err err = {0};
        c.http.listen = far[i];
        assert_null(api_start(&c, &err));
        assert_int_equal(err.code, EYE_EINVAL);
        assert_non_null(strstr(err.msg, "eyeshine key new NAME --scope admin"));
    }
    make_keys(f);
    c.http.listen = "0.0.0.0:0";
    start(f, &c);
}

static void guards_hosts_and_origins(void **state)
{
    struct fixture *f = *state;
    static const char *const ours[] = {"https://app.example"};
    char key[96];
    struct api_config c = config_of(f);
    const char *job = "{\"kind\":\"upload\"}";
    make_keys(f);
    bearer(key, f->admin);
    c.cors = ours;
    c.ncors = 1;
    start(f, &c);
    answers(f, 403, "GET", "/api/v1/status", "Host: evil.example", NULL, NULL);
    answers(f, 403, "GET", "/healthz", "Host: evil.example", NULL, NULL);
    answers(f, 200, "GET", "/healthz", "Host: localhost", NULL, NULL);
    answers(f, 403, "POST", "/api/v1/jobs", "Origin: https://evil.example", key, job);
    answers(f, 403, "POST", "/api/v1/jobs", "Sec-Fetch-Site: cross-site", key, job);
    answers(f, 201, "POST", "/api/v1/jobs", "Sec-Fetch-Site: same-origin", NULL, job);
    answers(f, 403, "POST", "/api/v1/jobs", "Origin: https://app.example", NULL, job);
    answers(f, 201, "POST", "/api/v1/jobs", "Origin: https://app.example", key, job);
    answers(f, 200, "GET", "/api/v1/status", "Origin: https://app.example", NULL, NULL);
    answers(f, 204, "OPTIONS", "/api/v1/jobs", "Origin: https://app.example",
            "Access-Control-Request-Method: POST", NULL);
    answers(f, 403, "OPTIONS", "/api/v1/jobs", "Origin: https://evil.example",
            "Access-Control-Request-Method: POST", NULL);
    answers(f, 403, "GET", "/api/v1/status", "Sec-Fetch-Site: cross-site", NULL, NULL);
    answers(f, 200, "GET", "/api/v1/status", "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Mode: navigate", NULL);
}

static void asks_for_keys(void **state)
{
    struct fixture *f = *state;
    char read[96];
    char admin[96];
    char cookie[96];
    char body[128];
    struct api_config c = config_of(f);
    make_keys(f);
    bearer(read, f->read);
    bearer(admin, f->admin);
    snprintf(cookie, sizeof cookie, "Cookie: a=b; eyeshine_key=%s", f->read);
    c.require_key = true;
    start(f, &c);
    answers(f, 200, "GET", "/healthz", NULL, NULL, NULL);
    answers(f, 401, "GET", "/api/v1/status", NULL, NULL, NULL);
    answers(f, 401, "GET", "/api/v1/status", "Authorization: Bearer eye_none", NULL, NULL);
    answers(f, 200, "GET", "/api/v1/session", "Authorization: Bearer eye_none", NULL, NULL);
    answers(f, 200, "GET", "/api/v1/status", read, NULL, NULL);
    answers(f, 200, "GET", "/api/v1/status", cookie, NULL, NULL);
    answers(f, 403, "POST", "/api/v1/jobs", read, NULL, "{\"kind\":\"upload\"}");
    answers(f, 403, "GET", "/api/v1/keys", read, NULL, NULL);
    answers(f, 200, "GET", "/api/v1/keys", admin, NULL, NULL);
    snprintf(body, sizeof body, "{\"key\":\"%s\"}", f->read);
    struct answer a = ask(f, "POST", "/api/v1/session", NULL, NULL, body);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.text, "{\"scope\":\"read\",\"key_required\":true,\"loopback\":true}");
    answers(f, 401, "POST", "/api/v1/session", NULL, NULL, "{\"key\":\"eye_none\"}");
    answers(f, 400, "POST", "/api/v1/session", NULL, NULL, "{}");
    answers(f, 204, "DELETE", "/api/v1/session", NULL, NULL, NULL);
    answers(f, 400, "POST", "/api/v1/keys", admin, NULL, "{\"name\":\"x\",\"scope\":\"root\"}");
    answers(f, 201, "POST", "/api/v1/keys", admin, NULL, "{\"name\":\"x\",\"scope\":\"read\"}");
    answers(f, 204, "DELETE", "/api/v1/keys/2", admin, NULL, NULL);
    answers(f, 401, "GET", "/api/v1/status", read, NULL, NULL); /* at once */
    answers(f, 404, "DELETE", "/api/v1/keys/2", admin, NULL, NULL);
}

static void does_not_trust_what_a_proxy_passes_on(void **state)
{
    struct fixture *f = *state;
    struct api_config c = config_of(f);
    start(f, &c);
    answers(f, 200, "GET", "/api/v1/status", NULL, NULL, NULL);
    answers(f, 401, "GET", "/api/v1/status", "X-Forwarded-For: 203.0.113.9", NULL, NULL);
    answers(f, 401, "GET", "/api/v1/status", "Forwarded: for=203.0.113.9", NULL, NULL);
}

static void limits_by_key_and_by_address(void **state)
{
    struct fixture *f = *state;
    char read[96];
    struct api_config c = config_of(f);
    make_keys(f);
    bearer(read, f->read);
    c.require_key = true;
    c.rate_per_minute = 5;
    start(f, &c);
    for (int i = 0; i < 5; i++)
        answers(f, 200, "GET", "/api/v1/status", read, "X-Forwarded-For: 192.0.2.1", NULL);
    answers(f, 429, "GET", "/api/v1/status", read, "X-Forwarded-For: 192.0.2.2", NULL);
    for (int i = 0; i < 5; i++)
        answers(f, 200, "GET", "/healthz", "X-Forwarded-For: 1.1.1.1, 192.0.2.3", NULL, NULL);
    answers(f, 429, "GET", "/healthz", "X-Forwarded-For: 9.9.9.9, 192.0.2.3", NULL, NULL);
    answers(f, 200, "GET", "/healthz", "X-Forwarded-For: 192.0.2.4", NULL, NULL);
}

/* Reads until `what` has come, or the end. */
static bool hears(int fd, char *text, size_t size, const char *what)
{
    size_t n = strlen(text);
    while (!strstr(text, what)) {
        ssize_t got = n + 1 < size ? read(fd, text + n, size - 1 - n) : 0;
        if (got <= 0)
            return false;
        n += (size_t)got;
        text[n] = '\0';
    }
    return true;
}

static void tells_what_happens(void **state)
{
    struct fixture *f = *state;
    struct api_config c = config_of(f);
    char text[16384] = "";
    int64_t job = 0;
    start(f, &c);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {20, 0};
    to.sin_port = htons((uint16_t)strtol(strrchr(api_url(f->server), ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
    assert_true(hears(fd, text, sizeof text, "event: hello"));
    assert_int_equal(eye_job_new(f->lib, EYE_JOB_UPLOAD, "holidays", &job, NULL), 0);
    assert_true(hears(fd, text, sizeof text, "\"title\":\"holidays\""));
    assert_int_equal(eye_job_close(f->lib, job, NULL), 0);
    assert_true(hears(fd, text, sizeof text, "\"state\":\"done\""));
    assert_true(hears(fd, text, sizeof text, "event: library\ndata: {\"pictures\":0"));
    api_stop(f->server); /* must not wait for listeners */
    f->server = NULL;
    assert_false(hears(fd, text, sizeof text, "no such thing"));
    close(fd);
}

static void keep_line(void *ctx, const char *line)
{
    snprintf(ctx, 1024, "%s", line);
}

static void logs_what_cannot_lie(void **state)
{
    (void)state;
    char line[1024];
    const struct http_access a = {.method = "GET",
                                  .path = "/a\"\n\033[31m\xff",
                                  .peer = "127.0.0.1",
                                  .agent = "x\r\n1.2.3.4 \"GET /",
                                  .status = 200,
                                  .bytes_out = 12,
                                  .seconds = 0.25,
                                  .request = 7};
    api_access_log(&a, false, keep_line, line);
    assert_non_null(strstr(line, " 127.0.0.1 \"GET /a\\x22\\x0a\\x1b[31m\\xff\" 200 12 0.2500 "
                                 "\"x\\x0d\\x0a1.2.3.4 \\x22GET /\""));
    api_access_log(&a, true, keep_line, line);
    struct json *v = json_parse(line, strlen(line), "line", NULL);
    assert_non_null(v);
    assert_string_equal(json_get_str(v, "agent", ""), "x\r\n1.2.3.4 \"GET /");
    assert_int_equal(json_get_int(v, "status", 0), 200);
    json_free(v);
}

int main(void)
{
#define WITH_LIBRARY(test) cmocka_unit_test_setup_teardown(test, open_library, close_library)
    const struct CMUnitTest tests[] = {
        WITH_LIBRARY(starts_and_answers),
        WITH_LIBRARY(wants_a_key_elsewhere),
        WITH_LIBRARY(guards_hosts_and_origins),
        WITH_LIBRARY(asks_for_keys),
        WITH_LIBRARY(does_not_trust_what_a_proxy_passes_on),
        WITH_LIBRARY(limits_by_key_and_by_address),
        WITH_LIBRARY(tells_what_happens),
        cmocka_unit_test(logs_what_cannot_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
