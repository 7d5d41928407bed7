/* Files over the wire. */
#include "fixture.h"

#include "descriptors.h"

#include <fcntl.h>

enum { SIZE = 300000 };
#define MTIME 1700000000
#define MTIME_TEXT "Tue, 14 Nov 2023 22:13:20 GMT"

static struct fixture f;
static char path[700];

static void file(struct http_request *rq, void *ctx)
{
    (void)ctx;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    http_set(rq, "Cache-Control", "private");
    http_reply_file(rq, fd, SIZE, "image/jpeg", "tag", MTIME);
}

static void empty(struct http_request *rq, void *ctx)
{
    (void)ctx;
    http_reply_file(rq, open("/dev/null", O_RDONLY | O_CLOEXEC), 0, "image/jpeg", "tag", MTIME);
}

static void known(struct http_request *rq, void *ctx)
{
    (void)ctx;
    if (!http_not_modified(rq, "thumb"))
        http_reply_static(rq, 200, "image/webp", "WEBP", 4);
}

static const struct http_route ROUTES[] = {
    {HTTP_GET, "/file", HTTP_BODY_NONE, 0, file, 0},
    {HTTP_GET, "/empty", HTTP_BODY_NONE, 0, empty, 0},
    {HTTP_GET, "/known", HTTP_BODY_NONE, 0, known, 0},
};

static char byte_at(size_t i)
{
    return (char)(i * 7 + i / 251);
}

static int up(void **state)
{
    (void)state;
    fixture_open(&f);
    snprintf(path, sizeof path, "%s/file", f.dir);
    FILE *out = fopen(path, "w");
    for (size_t i = 0; i < SIZE; i++)
        fputc(byte_at(i), out);
    fclose(out);
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

/* Body bytes from..from+len of the file? */
static void check(const char *method, const char *target, const char *headers, int status,
                  size_t from, size_t len, const char *expect_header)
{
    static char out[SIZE + 8192];
    char request[1024];
    int fd = dial(&f);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\n" HOST "Connection: close\r\n%s\r\n",
             method, target, headers);
    put_text(fd, request);
    long n = read_to_end(fd, out, sizeof out, 5000);
    close(fd);
    assert_true(n > 0);
    assert_int_equal(strtol(out + 9, NULL, 10), status);
    const char *body = body_of(out);
    size_t got = (size_t)(n - (body - out));
    if (expect_header && !strstr(out, expect_header))
        fail_msg("%s is not in %s", expect_header, out);
    if (status >= 400)
        return;
    assert_int_equal(got, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(body[i], byte_at(from + i));
}

static void whole_and_pieces(void **state)
{
    (void)state;
    check("GET", "/file", "", 200, 0, SIZE, "\r\nETag: \"tag\"\r\n");
    check("GET", "/file", "", 200, 0, SIZE, "\r\nLast-Modified: " MTIME_TEXT "\r\n");
    check("GET", "/file", "", 200, 0, SIZE, "\r\nAccept-Ranges: bytes\r\n");
    check("GET", "/file", "Range: bytes=1000-1999\r\n", 206, 1000, 1000,
          "\r\nContent-Range: bytes 1000-1999/300000\r\n");
    check("GET", "/file", "Range: bytes=-5\r\n", 206, SIZE - 5, 5,
          "\r\nContent-Range: bytes 299995-299999/300000\r\n");
    check("GET", "/file", "Range: bytes=0-1,3-4\r\n", 200, 0, SIZE, NULL);
    check("GET", "/file", "Range: bytes=300000-\r\n", 416, 0, 0,
          "\r\nContent-Range: bytes */300000\r\n");
    check("HEAD", "/file", "Range: bytes=0-9\r\n", 200, 0, 0, "\r\nContent-Length: 300000\r\n");
    check("GET", "/empty", "", 200, 0, 0, "\r\nContent-Length: 0\r\n");
}

static void only_if_changed(void **state)
{
    (void)state;
    check("GET", "/file", "If-None-Match: \"tag\"\r\n", 304, 0, 0, "\r\nETag: \"tag\"\r\n");
    check("GET", "/file", "If-None-Match: \"tag\"\r\n", 304, 0, 0,
          "\r\nCache-Control: private\r\n");
    check("GET", "/file", "If-None-Match: \"tag\"\r\n", 304, 0, 0,
          "\r\nContent-Length: 300000\r\n");
    check("GET", "/file", "If-None-Match: \"other\"\r\n", 200, 0, SIZE, NULL);
    check("GET", "/file", "If-Modified-Since: " MTIME_TEXT "\r\n", 304, 0, 0, NULL);
    check("GET", "/file", "If-Range: \"tag\"\r\nRange: bytes=0-9\r\n", 206, 0, 10, NULL);
    check("GET", "/file", "If-Range: \"old\"\r\nRange: bytes=0-9\r\n", 200, 0, SIZE, NULL);
    check("GET", "/known", "If-None-Match: W/\"thumb\"\r\n", 304, 0, 0, "\r\nETag: \"thumb\"\r\n");
    char out[1024];
    assert_int_equal(get(&f, "/known", out, sizeof out), 200);
    assert_non_null(strstr(out, "\r\nETag: \"thumb\"\r\n"));
    assert_string_equal(body_of(out), "WEBP");
}

static void no_descriptor_is_left(void **state)
{
    (void)state;
    int before = descriptors();
    for (int i = 0; i < 20; i++) {
        check("GET", "/file", "Range: bytes=0-9\r\n", 206, 0, 10, NULL);
        check("GET", "/file", "If-None-Match: \"tag\"\r\n", 304, 0, 0, NULL);
        check("HEAD", "/file", "", 200, 0, 0, NULL);
        check("GET", "/file", "Range: bytes=300000-\r\n", 416, 0, 0, NULL);
        check("GET", "/empty", "", 200, 0, 0, NULL);
    }
    WAIT_FOR(descriptors() <= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_and_pieces),
        cmocka_unit_test(only_if_changed),
        cmocka_unit_test(no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, up, down);
}
