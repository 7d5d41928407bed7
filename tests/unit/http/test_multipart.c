/* Forms, whole and a byte at a time, well-formed and not. */
#include "fixture.h"

#include "http/multipart.h"

static char said[8192];
static size_t nsaid;

static void say(const char *text, size_t len)
{
    assert_true(nsaid + len < sizeof said);
    memcpy(said + nsaid, text, len);
    nsaid += len;
    said[nsaid] = '\0';
}

static int on_begin(void *ctx, const char *field, const char *filename, const char *type)
{
    char text[4096];
    (void)ctx;
    int n = snprintf(text, sizeof text, "{%s|%s|%s:", field, filename ? filename : "-", type);
    say(text, (size_t)n);
    return 0;
}

static int on_data(void *ctx, const char *bytes, size_t len)
{
    (void)ctx;
    say(bytes, len);
    return 0;
}

static int on_end(void *ctx)
{
    (void)ctx;
    say("}", 1);
    return 0;
}

static const struct http_form_events EVENTS = {on_begin, on_data, on_end};
#define TYPE "multipart/form-data; boundary=B"

/* The status of the whole; each piece `step` bytes. */
static int parse(const char *type, const char *body, size_t len, size_t step)
{
    const char *detail = NULL;
    nsaid = 0;
    said[0] = '\0';
    struct http_form *f = http_form_new(type, &EVENTS, NULL, &detail);
    if (!f)
        return 400;
    int status = 0;
    for (size_t i = 0; i < len && status == 0; i += step)
        status = http_form_feed(f, body + i, len - i < step ? len - i : step, &detail);
    if (status == 0)
        status = http_form_finish(f, &detail);
    assert_true(status == 0 || detail);
    http_form_free(f);
    return status;
}

#define CD "Content-Disposition: form-data; "
#define ONE(header, data) "--B\r\n" header "\r\n\r\n" data "\r\n--B--\r\n"

static void well_formed(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } cases[] = {
        {ONE(CD "name=\"a\"", "x"), "{a|-|:x}"},
        {ONE(CD "name=a", ""), "{a|-|:}"},
        {"--B--\r\n", ""},
        {"--B--", ""},
        {"--B\r\n" CD "name=\"a\"\r\n\r\n1\r\n--B\r\n" CD
         "name=\"f\"; filename=\"b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nJPEG\r\n--B--",
         "{a|-|:1}{f|b.jpg|image/jpeg:JPEG}"},
        /* what looks like a boundary and is none */
        {ONE(CD "name=a", "\r\n--\r\n--b\r\n-\r\r\n\r\r\n--"),
         "{a|-|:\r\n--\r\n--b\r\n-\r\r\n\r\r\n--}"},
        {ONE(CD "name=a", "--B--"), "{a|-|:--B--}"},
        {ONE(CD "name=a", "\n--B\n"), "{a|-|:\n--B\n}"},
        /* names as browsers send them */
        {ONE(CD "name=f; filename=\"a b;c.jpg\"", "x"), "{f|a b;c.jpg|:x}"},
        {ONE(CD "name=f; filename=\"sub/dir/\xc3\xa4.jpg\"", "x"), "{f|sub/dir/\xc3\xa4.jpg|:x}"},
        {ONE(CD "name=f; filename=\"a%22b.jpg\"", "x"), "{f|a\"b.jpg|:x}"},
        {ONE(CD "name=f; filename=\"a\\\"b.jpg\"", "x"), "{f|a\"b.jpg|:x}"},
        {ONE(CD "name=f; filename=\"C:\\pics\\a.jpg\"", "x"), "{f|C:\\pics\\a.jpg|:x}"},
        {ONE(CD "name=f; filename=\"a\\\\b\"", "x"), "{f|a\\b|:x}"},
        {ONE(CD "name=f; filename=\"100%.jpg\"", "x"), "{f|100%.jpg|:x}"},
        {ONE(CD "name=f; filename=\"\"", ""), "{f||:}"},
        {ONE(CD "name=f; filename=\"a\"; filename*=UTF-8''b", "x"), "{f|a|:x}"},
        {ONE("content-disposition:FORM-DATA;NAME=\"a\"", "x"), "{a|-|:x}"},
        {ONE("X-Other: 1\r\n" CD "name=a\r\nContent-Length: 7", "x"), "{a|-|:x}"},
        {ONE(CD "name=a\r\nContent-Transfer-Encoding: binary", "x"), "{a|-|:x}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 40; step++) {
            int status = parse(TYPE, cases[i].body, strlen(cases[i].body), step);
            if (status || strcmp(said, cases[i].want) != 0)
                fail_msg("case %zu by %zu: %d, %s", i, step, status, said);
        }
}

static void any_bytes(void **state)
{
    (void)state;
    /* NUL and all others come through, whatever the size of the pieces. */
    char body[1024];
    size_t n = (size_t)snprintf(body, sizeof body, "--B\r\n" CD "name=f; filename=b\r\n\r\n"),
           at = n;
    for (int i = 0; i < 256; i++)
        body[n++] = (char)i;
    memcpy(body + n, "\r\n--B--", 7);
    for (size_t step = 1; step < 300; step += 7) {
        assert_int_equal(parse(TYPE, body, n + 7, step), 0);
        assert_int_equal(nsaid, strlen("{f|b|:") + 256 + 1);
        assert_memory_equal(said + strlen("{f|b|:"), body + at, 256);
    }
}

static void malformed(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "x",
        "--",
        "--B",
        "--B\r\n",
        "--B\r\n" CD "name=a\r\n\r\nx",
        "--B\r\n" CD "name=a\r\n\r\nx\r\n--B",
        "--B\r\n" CD "name=a\r\n\r\nx\r\n--B\r\n",
        "--B\r\n" CD "name=a\r\n\r\nx\r\n--B-",
        "\r\n" ONE(CD "name=a", "x"),
        "preamble\r\n" ONE(CD "name=a", "x"),
        ONE(CD "name=a", "x") "epilogue",
        ONE(CD "name=a", "x") "\r\n",
        ONE(CD "name=a", "x\r\n--BX"),
        "--C\r\n" CD "name=a\r\n\r\nx\r\n--C--",
        "--B\n" CD "name=a\n\nx\n--B--",
        "--B\r\n\r\nx\r\n--B--",
        ONE("Content-Type: text/plain", "x"),
        ONE("Content-Disposition: attachment; name=a", "x"),
        ONE("Content-Disposition: form-data", "x"),
        ONE("Content-Disposition: form-data; filename=a", "x"),
        ONE(CD "name", "x"),
        ONE(CD "name=", "x"),
        ONE(CD "name=\"a", "x"),
        ONE(CD "name=\"a\"b", "x"),
        ONE(CD "name=a; name=b", "x"),
        ONE(CD "name=a; filename=b; filename=c", "x"),
        ONE(CD "name=a\r\n" CD "name=b", "x"),
        ONE(CD "name=a\r\nContent-Type: a\r\nContent-Type: b", "x"),
        ONE(CD "name=\"a\x01\"", "x"),
        ONE(CD "name=f; filename=\"a\nb\"", "x"),
        ONE(CD "name=a\r\nContent-Transfer-Encoding: base64", "eA=="),
        ONE(CD "name=a\r\nno colon", "x"),
        ONE(CD "name=a\r\n folded: x", "x"),
        ONE(CD "name=a\r\nSpace : x", "x"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 40; step += 3)
            if (parse(TYPE, cases[i], strlen(cases[i]), step) != 400)
                fail_msg("case %zu by %zu is taken as %s", i, step, said);
    static const char nul[] = "--B\r\n" CD "name=\"a\0b\"\r\n\r\nx\r\n--B--";
    assert_int_equal(parse(TYPE, nul, sizeof nul - 1, 100), 400);
    char *large = calloc(1, 20000);
    int n = snprintf(large, 20000, "--B\r\nX: ");
    memset(large + n, 'x', 10000);
    assert_int_equal(parse(TYPE, large, strlen(large), 333), 400);
    free(large);
}

static void boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int status;
    } cases[] = {
        {"multipart/form-data; boundary=x", 0},
        {"multipart/form-data; charset=utf-8; boundary=\"x\"", 0},
        {"multipart/form-data;boundary=x;", 0},
        {"multipart/form-data", 400},
        {"multipart/form-data; boundary=", 400},
        {"multipart/form-data; boundary=\"\"", 400},
        {"multipart/form-data; boundary=\"x", 400},
        {"multipart/form-data; boundary=x; boundary=y", 400},
        {"multipart/form-data; boundary=\"a b\"", 400},
        {"multipart/form-data; boundary=a\xc3\xa4", 400},
        {"multipart/form-data; "
         "boundary=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(parse(cases[i].type, "--x--", 5, 5), cases[i].status);
    assert_true(http_form_is("multipart/form-data"));
    assert_true(http_form_is("Multipart/Form-Data; boundary=x"));
    assert_false(http_form_is("multipart/form-datax"));
    assert_false(http_form_is("application/json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(malformed),
        cmocka_unit_test(boundaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
