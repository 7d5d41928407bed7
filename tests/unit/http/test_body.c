/* Bodies: limits, forms to files, and that nothing is left behind. */
#include "fixture.h"

#include <sys/resource.h>

static char seen[16384];
static atomic_int handled;
static char moved[700];

static void show(struct http_request *rq, void *ctx)
{
    (void)ctx;
    size_t n = 0;
    seen[0] = '\0';
    for (size_t i = 0; i < http_parts(rq) && n < 8000; i++) {
        const struct http_part *p = http_part_at(rq, i);
        char text[64] = "";
        if (p->path) {
            struct stat st;
            assert_int_equal(stat(p->path, &st), 0);
            assert_int_equal(st.st_mode & 0777, 0600);
            assert_int_equal(st.st_size, p->size);
            FILE *file = fopen(p->path, "r");
            text[fread(text, 1, sizeof text - 1, file)] = '\0';
            fclose(file);
        }
        n += (size_t)snprintf(seen + n, sizeof seen - n, "[%s|%s|%s|%s|%llu]", p->field,
                              p->filename ? p->filename : "-", p->type, p->path ? text : p->value,
                              (unsigned long long)p->size);
    }
    if (http_query(rq, "move"))
        assert_int_equal(rename(http_part_at(rq, 0)->path, moved), 0);
    atomic_fetch_add(&handled, 1);
    http_reply_static(rq, 200, "text/plain", "ok", 2);
}

static void small(struct http_request *rq, void *ctx)
{
    (void)ctx;
    size_t len;
    snprintf(seen, sizeof seen, "%s", http_body(rq, &len));
    atomic_fetch_add(&handled, 1);
    http_reply_static(rq, 200, "text/plain", "ok", 2);
}

static const struct http_route ROUTES[] = {
    {HTTP_POST, "/files", HTTP_BODY_FILES, 2 << 20, show, 0},
    {HTTP_POST, "/small", HTTP_BODY_SMALL, 10, small, 0},
    {HTTP_POST, "/none", HTTP_BODY_NONE, 0, small, 0},
    {HTTP_GET, "/none", HTTP_BODY_NONE, 0, small, 0},
};

static struct fixture f;

static int up(void **state)
{
    (void)state;
    fixture_open(&f);
    snprintf(moved, sizeof moved, "%s/moved", f.dir);
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

static int post(const char *path, const char *type, const char *body, size_t len, char *out,
                size_t cap)
{
    char head[1024];
    int fd = dial(&f);
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\n" HOST "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", path,
             type, len);
    put_text(fd, head);
    put_bytes(fd, body, len);
    int status = read_reply(fd, out, cap);
    close(fd);
    return status;
}

#define TYPE "multipart/form-data; boundary=B"
#define CD "Content-Disposition: form-data; "

static const char FORM[] = "--B\r\n" CD "name=\"title\"\r\n\r\nmine\r\n"
                           "--B\r\n" CD "name=\"f\"; filename=\"x/y.jpg\"\r\n"
                           "Content-Type: image/jpeg\r\n\r\nJPEG\r\n"
                           "--B\r\n" CD "name=\"g\"; filename=\"\"\r\n\r\n\r\n"
                           "--B\r\n" CD "name=\"h\"; filename=\"e\"\r\n\r\n\r\n--B--\r\n";

static void a_form(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(post("/files", TYPE, FORM, sizeof FORM - 1, out, sizeof out), 200);
    assert_string_equal(seen, "[title|-||mine|4][f|x/y.jpg|image/jpeg|JPEG|4][h|e|||0]");
    WAIT_FOR(spool_count(&f) == 0);
    assert_int_equal(post("/files?move=1", "image/webp", "WEBP", 4, out, sizeof out), 200);
    assert_string_equal(seen, "[|-|image/webp|WEBP|4]");
    assert_int_equal(access(moved, F_OK), 0);
    WAIT_FOR(spool_count(&f) == 0);
    assert_int_equal(post("/files", TYPE, "--B--", 5, out, sizeof out), 200);
    assert_string_equal(seen, "");
}

static void a_form_in_chunks(void **state)
{
    (void)state;
    char out[4096];
    int fd = dial(&f);
    put_text(fd, "POST /files HTTP/1.1\r\n" HOST "Content-Type: " TYPE
                 "\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < sizeof FORM - 1; i += 7) {
        char chunk[32];
        size_t n = sizeof FORM - 1 - i < 7 ? sizeof FORM - 1 - i : 7;
        snprintf(chunk, sizeof chunk, "%zx\r\n%.*s\r\n", n, (int)n, FORM + i);
        put_text(fd, chunk);
    }
    put_text(fd, "0\r\n\r\n");
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    assert_string_equal(seen, "[title|-||mine|4][f|x/y.jpg|image/jpeg|JPEG|4][h|e|||0]");
    close(fd);
}

static void malformed_forms(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "--B\r\n" CD "name=\"f\"; filename=\"a\"\r\n\r\nJPEG",
        "--B\r\n" CD "name=\"f\"; filename=\"a\"\r\n\r\nJPEG\r\n--B",
        "--B\r\n" CD "name=\"f\"; filename=\"a\"\r\n\r\nJPEG\r\n--Bx\r\n",
        "--B\r\n" CD "name=\"f\"; filename=\"a\"\r\n\r\nJPEG\r\n--B--tail",
        "no form",
        "--B\r\n" CD "name=\"t\"\r\n\r\nnot \xff utf8\r\n--B--",
        "--B\r\n" CD "filename=\"a\"\r\n\r\nx\r\n--B--",
    };
    char out[4096];
    int before = atomic_load(&handled);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(post("/files", TYPE, cases[i], strlen(cases[i]), out, sizeof out), 400);
        assert_true(strlen(body_of(out)) > 10);
    }
    assert_int_equal(post("/files", "multipart/form-data", FORM, 10, out, sizeof out), 400);
    assert_int_equal(atomic_load(&handled), before);
    WAIT_FOR(spool_count(&f) == 0);
}

static void too_many_parts(void **state)
{
    (void)state;
    enum { N = 10001 };
    static const char part[] = "--B\r\n" CD "name=a\r\n\r\nb\r\n";
    char out[4096], *body = calloc(N + 1, sizeof part);
    for (int i = 0; i < N; i++)
        memcpy(body + (size_t)i * (sizeof part - 1), part, sizeof part - 1);
    size_t len = strlen(body);
    assert_int_equal(post("/files", TYPE, body, len, out, sizeof out), 413);
    len -= sizeof part - 1;
    memcpy(body + len, "--B--", 6);
    assert_int_equal(post("/files", TYPE, body, len + 5, out, sizeof out), 200);
    free(body);
}

static void large_fields(void **state)
{
    (void)state;
    enum { N = (1 << 20) + 1 };
    char out[4096], *body = calloc(1, N + 200);
    int n = snprintf(body, 100, "--B\r\n" CD "name=a\r\n\r\n");
    memset(body + n, 'x', N);
    memcpy(body + n + N, "\r\n--B--", 8);
    assert_int_equal(post("/files", TYPE, body, (size_t)n + N + 7, out, sizeof out), 413);
    memcpy(body + n + N - 1, "\r\n--B--", 8);
    assert_int_equal(post("/files", TYPE, body, (size_t)n + N + 6, out, sizeof out), 200);
    free(body);
}

static void a_full_disk(void **state)
{
    (void)state;
    struct rlimit old, tight = {100000, RLIM_INFINITY};
    char out[4096], *body = calloc(1, 300000);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int before = atomic_load(&handled);
    int status = post("/files", "image/jpeg", body, 300000, out, sizeof out);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, 507);
    assert_non_null(strstr(body_of(out), "disk"));
    assert_int_equal(atomic_load(&handled), before);
    WAIT_FOR(spool_count(&f) == 0);
    free(body);
}

static void clients_that_leave(void **state)
{
    (void)state;
    int before = atomic_load(&handled);
    int fd = dial(&f);
    put_text(fd,
             "POST /files HTTP/1.1\r\n" HOST "Content-Type: " TYPE
             "\r\nContent-Length: 1000\r\n\r\n--B\r\n" CD "name=\"f\"; filename=\"a\"\r\n\r\nJPEG");
    WAIT_FOR(spool_count(&f) == 1);
    close(fd);
    WAIT_FOR(spool_count(&f) == 0);
    /* Half closed in the middle of the body: no more will come. */
    fd = dial(&f);
    put_text(fd, "POST /files HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nJPEG");
    WAIT_FOR(spool_count(&f) == 1);
    shutdown(fd, SHUT_WR);
    WAIT_FOR(spool_count(&f) == 0);
    close(fd);
    assert_int_equal(atomic_load(&handled), before);
}

static void half_closed_after_the_request(void **state)
{
    (void)state;
    char out[4096];
    int fd = dial(&f);
    put_text(fd, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nfour");
    shutdown(fd, SHUT_WR);
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    assert_string_equal(seen, "four");
    close(fd);
}

static void too_large_is_said_at_once(void **state)
{
    (void)state;
    char out[4096];
    /* Nothing of the body was sent. */
    assert_int_equal(
        ask(&f, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n", out, sizeof out),
        413);
    assert_int_equal(
        ask(&f, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", out,
            sizeof out),
        413);
    assert_int_equal(
        ask(&f, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", out, sizeof out), 413);
    assert_int_equal(
        ask(&f, "GET /none HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", out, sizeof out), 413);
    assert_int_equal(ask(&f, "POST /none HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
                         out, sizeof out),
                     413);
    assert_int_equal(
        ask(&f, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", out, sizeof out), 200);
    /* Counted, where no length was given. */
    assert_int_equal(ask(&f,
                         "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                         "b\r\n01234567890\r\n0\r\n\r\n",
                         out, sizeof out),
                     413);
}

static void the_refusal_reaches_a_busy_client(void **state)
{
    (void)state;
    /* It sends far more than any socket buffer holds, and reads only then. */
    enum { N = 8 << 20 };
    char out[4096], *body = calloc(1, N);
    assert_int_equal(post("/files", "image/jpeg", body, N, out, sizeof out), 413);
    free(body);
}

static void expect_continue(void **state)
{
    (void)state;
    char out[4096];
    int fd = dial(&f);
    put_text(fd,
             "POST /small HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(read_reply(fd, out, sizeof out), 100);
    put_text(fd, "four");
    assert_int_equal(read_reply(fd, out, sizeof out), 200);
    close(fd);
    assert_int_equal(ask(&f,
                         "POST /small HTTP/1.1\r\n" HOST
                         "Content-Length: 400\r\nExpect: 100-continue\r\n\r\n",
                         out, sizeof out),
                     413);
}

static void endless_chunks_are_cut(void **state)
{
    (void)state;
    char out[4096], chunk[65536 + 16];
    int fd = dial(&f), n = 0;
    put_text(fd, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    snprintf(chunk, sizeof chunk, "10000\r\n");
    memset(chunk + 7, 'x', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    for (int i = 0; i < 40; i++)
        put_bytes(fd, chunk, 7 + 65536 + 2);
    assert_int_equal(read_reply(fd, out, sizeof out), 413);
    while (n < 4000 && send(fd, chunk, 7 + 65536 + 2, MSG_NOSIGNAL) > 0)
        n++;
    assert_true(n < 4000);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form),
        cmocka_unit_test(a_form_in_chunks),
        cmocka_unit_test(malformed_forms),
        cmocka_unit_test(too_many_parts),
        cmocka_unit_test(large_fields),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(clients_that_leave),
        cmocka_unit_test(half_closed_after_the_request),
        cmocka_unit_test(too_large_is_said_at_once),
        cmocka_unit_test(the_refusal_reaches_a_busy_client),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(endless_chunks_are_cut),
    };
    return cmocka_run_group_tests(tests, up, down);
}
