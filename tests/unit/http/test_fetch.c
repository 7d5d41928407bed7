/* The client against our own server. */
#include "fixture.h"

#include <fcntl.h>

static char seen[8192]; /* what the handler saw last; the tests fetch one after the other */

static void hello(struct http_request *rq, void *ctx)
{
    (void)ctx;
    const char *auth = http_header(rq, "Authorization"), *cookie = http_header(rq, "Cookie"),
               *encoding = http_header(rq, "Accept-Encoding");
    size_t len;
    const char *body = http_body(rq, &len);
    snprintf(seen, sizeof seen, "%d auth=%s cookie=%s encoding=%s body=%s", (int)http_method_of(rq),
             auth ? auth : "-", cookie ? cookie : "-", encoding ? encoding : "-", body);
    http_set(rq, "Set-Cookie", "a=b");
    http_reply_static(rq, 200, "image/webp", "hello", 5);
}

static void redirect(struct http_request *rq, void *ctx)
{
    (void)ctx;
    const char *to = http_query(rq, "to");
    http_set(rq, "Location", to);
    http_reply_static(rq, 302, "text/plain", "not this", 8);
}

static void round_and_round(struct http_request *rq, void *ctx)
{
    (void)ctx;
    http_set(rq, "Location", "loop");
    http_reply(rq, 302, NULL, NULL);
}

/* Endless, without a length. */
static void flood(struct http_request *rq, void *ctx)
{
    (void)ctx;
    static const char block[4096];
    struct http_stream *st = http_reply_stream(rq, 200, "text/plain", 0);
    for (int i = 0; i < 100000 && http_stream_write(st, block, sizeof block) == 0; i++)
        ;
    http_stream_close(st);
}

static void late(struct http_request *rq, void *ctx)
{
    (void)ctx;
    usleep(1500000);
    http_reply_static(rq, 200, "text/plain", "late", 4);
}

static void form(struct http_request *rq, void *ctx)
{
    (void)ctx;
    size_t n = 0;
    for (size_t i = 0; i < http_parts(rq); i++) {
        const struct http_part *p = http_part_at(rq, i);
        n += (size_t)snprintf(seen + n, sizeof seen - n, "[%s|%s|%s|%llu]", p->field,
                              p->filename ? p->filename : "-", p->value ? p->value : "-",
                              (unsigned long long)p->size);
    }
    http_reply_static(rq, 202, "text/plain", "", 0);
}

static const struct http_route ROUTES[] = {
    {HTTP_GET, "/hello", HTTP_BODY_NONE, 0, hello, 0},
    {HTTP_POST, "/hello", HTTP_BODY_SMALL, 100, hello, 0},
    {HTTP_PUT, "/hello", HTTP_BODY_SMALL, 100, hello, 0},
    {HTTP_DELETE, "/hello", HTTP_BODY_NONE, 0, hello, 0},
    {HTTP_GET, "/to", HTTP_BODY_NONE, 0, redirect, 0},
    {HTTP_GET, "/loop", HTTP_BODY_NONE, 0, round_and_round, 0},
    {HTTP_GET, "/flood", HTTP_BODY_NONE, 0, flood, 0},
    {HTTP_GET, "/late", HTTP_BODY_NONE, 0, late, 0},
    {HTTP_POST, "/form", HTTP_BODY_FILES, 1 << 20, form, 0},
};

static struct fixture f;

static int up(void **state)
{
    (void)state;
    fixture_open(&f);
    fixture_start(
        &f, (struct http_config){.routes = ROUTES, .nroutes = sizeof ROUTES / sizeof *ROUTES});
    return 0;
}

static int down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

struct answer {
    char text[1024];
    size_t len;
    int stop;
    int status;
    char type[128];
    struct eye_err err;
};

static int keep(void *ctx, const void *bytes, size_t len)
{
    struct answer *a = ctx;
    if (a->stop)
        return a->stop;
    for (size_t i = 0; i < len && a->len < sizeof a->text - 1; i++)
        a->text[a->len++] = ((const char *)bytes)[i];
    return 0;
}

static int fetch_path(struct answer *a, struct fetch_config c, const char *path)
{
    char url[4096];
    int stop = a->stop;
    memset(a, 0, sizeof *a);
    a->stop = stop;
    snprintf(url, sizeof url, "%s%s", c.url ? c.url : http_url(f.server), path);
    c.url = url;
    c.write = keep;
    c.ctx = a;
    return fetch(&c, NULL, 0, &a->status, a->type, &a->err);
}

static void plain_gets(void **state)
{
    (void)state;
    struct answer a = {0};
    static const char *const headers[] = {"Authorization: Bearer k"};
    assert_int_equal(
        fetch_path(&a, (struct fetch_config){.headers = headers, .nheaders = 1}, "/hello?q=1"), 0);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.type, "image/webp");
    assert_string_equal(a.text, "hello");
    assert_string_equal(seen, "1 auth=Bearer k cookie=- encoding=- body=");
    assert_int_equal(fetch_path(&a, (struct fetch_config){0}, "/none"), 0);
    assert_int_equal(a.status, 404);
}

static void sends_bodies(void **state)
{
    (void)state;
    struct answer a = {0};
    assert_int_equal(
        fetch_path(&a, (struct fetch_config){.method = "POST", .body = "words", .body_len = 5},
                   "/hello"),
        0);
    assert_string_equal(seen, "2 auth=- cookie=- encoding=- body=words");
    assert_int_equal(fetch_path(&a,
                                (struct fetch_config){.method = "PUT", .body = "w", .body_len = 1},
                                "/hello"),
                     0);
    assert_string_equal(seen, "4 auth=- cookie=- encoding=- body=w");
    assert_int_equal(fetch_path(&a, (struct fetch_config){.method = "DELETE"}, "/hello"), 0);
    assert_string_equal(seen, "8 auth=- cookie=- encoding=- body=");
    assert_int_equal(fetch_path(&a, (struct fetch_config){.method = "POST"}, "/hello"), 0);
    assert_int_equal(a.status, 200);
    static const char *const bad[] = {"X: a\r\nY: b"};
    assert_int_equal(fetch_path(&a, (struct fetch_config){.headers = bad, .nheaders = 1}, "/hello"),
                     EYE_EINVAL);
}

static void follows_redirects(void **state)
{
    (void)state;
    struct answer a = {0};
    char path[512];
    assert_int_equal(fetch_path(&a, (struct fetch_config){.max_redirects = 3}, "/to?to=hello"), 0);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.text, "hello");
    assert_int_equal(fetch_path(&a, (struct fetch_config){0}, "/to?to=hello"), 0);
    assert_int_equal(a.status, 302);
    assert_int_equal(fetch_path(&a, (struct fetch_config){.max_redirects = 3}, "/loop"),
                     EYE_EREMOTE);
    assert_int_equal(
        fetch_path(&a, (struct fetch_config){.max_redirects = 3}, "/to?to=file:///etc/passwd"),
        EYE_EINVAL);
    assert_int_equal(a.len, 0);
    /* To another host the key does not go along. */
    static const char *const headers[] = {"Authorization: Bearer k", "Cookie: c=d"};
    snprintf(path, sizeof path, "/to?to=http://localhost:%d/hello", f.port);
    assert_int_equal(
        fetch_path(&a, (struct fetch_config){.headers = headers, .nheaders = 2, .max_redirects = 3},
                   path),
        0);
    assert_string_equal(seen, "1 auth=- cookie=- encoding=- body=");
}

static void private_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "127.0.0.1", "localhost", "2130706433",         "0x7f.1", "0177.0.0.1",
        "127.1",     "0",         "[::ffff:127.0.0.1]", "[::1]",  "[0:0:0:0:0:ffff:7f00:1]",
    };
    struct answer a = {0};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char url[256];
        seen[0] = '\0';
        snprintf(url, sizeof url, "http://%s:%d", hosts[i], f.port);
        int rc = fetch_path(&a, (struct fetch_config){.url = url, .public_only = true}, "/hello");
        if (rc != EYE_EINVAL)
            fail_msg("%s: %d %s", url, rc, a.err.msg);
        assert_string_equal(seen, "");
        assert_int_equal(a.len, 0);
    }
}

static void limits(void **state)
{
    (void)state;
    struct answer a = {0};
    assert_int_equal(fetch_path(&a, (struct fetch_config){.max_bytes = 4}, "/hello"), EYE_ELIMIT);
    assert_int_equal(fetch_path(&a, (struct fetch_config){.max_bytes = 5}, "/hello"), 0);
    assert_int_equal(fetch_path(&a, (struct fetch_config){.max_bytes = 100000}, "/flood"),
                     EYE_ELIMIT);
    assert_non_null(strstr(a.err.msg, "100000"));
    assert_int_equal(fetch_path(&a, (struct fetch_config){.max_seconds = 1}, "/late"), EYE_ELIMIT);
    a.stop = EYE_EFORMAT;
    assert_int_equal(fetch_path(&a, (struct fetch_config){0}, "/hello"), EYE_EFORMAT);
}

static void messages_keep_secrets(void **state)
{
    (void)state;
    struct answer a = {0};
    assert_int_equal(fetch_path(&a, (struct fetch_config){.url = "http://me:secret@127.0.0.1:1"},
                                "/x?token=secret"),
                     EYE_EREMOTE);
    assert_non_null(strstr(a.err.msg, "http://127.0.0.1:1/x"));
    assert_null(strstr(a.err.msg, "secret"));
    assert_int_equal(fetch_path(&a, (struct fetch_config){.url = "ftp://me:secret@h"}, "/"),
                     EYE_EINVAL);
    assert_null(strstr(a.err.msg, "secret"));
    assert_int_equal(fetch_path(&a, (struct fetch_config){.url = "/etc"}, "/passwd"), EYE_EINVAL);
    assert_int_equal(fetch_path(&a, (struct fetch_config){.url = "http://a b"}, "/"), EYE_EINVAL);
}

static void the_environment_has_no_say(void **state)
{
    (void)state;
    struct answer a = {0};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    assert_int_equal(fetch_path(&a, (struct fetch_config){0}, "/hello"), 0);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static void uploads_files(void **state)
{
    (void)state;
    char path[700], url[256];
    snprintf(path, sizeof path, "%s/a", f.dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600), status = 0;
    assert_int_equal(write(fd, "picture", 7), 7);
    close(fd);
    struct fetch_part parts[] = {{"files", "sub/b \"q\" \xc3\xa4.jpg", path, NULL},
                                 {"title", NULL, NULL, "mine"}};
    snprintf(url, sizeof url, "%s/form", http_url(f.server));
    struct fetch_config c = {.method = "POST", .url = url};
    struct eye_err err = {0};
    char type[128];
    assert_int_equal(fetch(&c, parts, 2, &status, type, &err), 0);
    assert_int_equal(status, 202);
    assert_string_equal(seen, "[files|sub/b \"q\" \xc3\xa4.jpg|-|7][title|-|mine|4]");
    parts[0].path = "/none/such";
    assert_int_not_equal(fetch(&c, parts, 2, &status, type, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_gets),
        cmocka_unit_test(sends_bodies),
        cmocka_unit_test(follows_redirects),
        cmocka_unit_test(private_addresses_are_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(messages_keep_secrets),
        cmocka_unit_test(the_environment_has_no_say),
        cmocka_unit_test(uploads_files),
    };
    return cmocka_run_group_tests(tests, up, down);
}
