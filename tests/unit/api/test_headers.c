/* Accept-Encoding, Accept, Content-Type, Content-Disposition, and the page's <base>. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/internal.h"

static void codings(void **state)
{
    (void)state;
    assert_int_equal(api_accept_coding(NULL, true, true), CODING_RAW);
    assert_int_equal(api_accept_coding("", true, true), CODING_RAW);
    assert_int_equal(api_accept_coding("gzip, deflate, br", true, true), CODING_BROTLI);
    assert_int_equal(api_accept_coding("gzip, deflate, br", true, false), CODING_GZIP);
    assert_int_equal(api_accept_coding("gzip, br", false, false), CODING_RAW);
    assert_int_equal(api_accept_coding("GZIP", true, true), CODING_GZIP);
    assert_int_equal(api_accept_coding("br;q=0, gzip", true, true), CODING_GZIP);
    assert_int_equal(api_accept_coding("br;q=0.1, gzip;q=0.9", true, true), CODING_GZIP);
    assert_int_equal(api_accept_coding("*", true, true), CODING_BROTLI);
    assert_int_equal(api_accept_coding("*;q=0", true, true), CODING_RAW);
    assert_int_equal(api_accept_coding("identity", true, true), CODING_RAW);
    assert_int_equal(api_accept_coding("gzipped, brr", true, true), CODING_RAW);
    assert_int_equal(api_accept_coding(",, ;q=, br ; q=1", true, true), CODING_BROTLI);
}

static void html(void **state)
{
    (void)state;
    assert_true(api_accepts_html("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"));
    assert_false(api_accepts_html("application/json"));
    assert_false(api_accepts_html("text/html;q=0"));
    assert_false(api_accepts_html("*/*"));
    assert_false(api_accepts_html(NULL));
}

static void types(void **state)
{
    (void)state;
    assert_true(api_type_is("application/json", "application/json"));
    assert_true(api_type_is("Application/JSON; charset=utf-8", "application/json"));
    assert_false(api_type_is("application/jsonp", "application/json"));
    assert_false(api_type_is("text/plain", "application/json"));
    assert_false(api_type_is(NULL, "application/json"));
}

static void disposition_is(const char *name, bool attachment, const char *want)
{
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(api_disposition(&b, attachment, name, NULL), 0);
    assert_string_equal(b.data, want);
    buf_release(&b);
}

static void dispositions(void **state)
{
    (void)state;
    disposition_is("cat.jpg", false, "inline; filename=\"cat.jpg\"; filename*=UTF-8''cat.jpg");
    disposition_is("a b.jpg", true, "attachment; filename=\"a b.jpg\"; filename*=UTF-8''a%20b.jpg");
    disposition_is("K\xc3\xa4se.png", true,
                   "attachment; filename=\"K__se.png\"; filename*=UTF-8''K%C3%A4se.png");
    /* nothing ends the string or the header */
    disposition_is("a\"; x=\"b\r\nSet-Cookie: c=d\\%41", true,
                   "attachment; filename=\"a__ x=_b__Set-Cookie: c=d__41\"; "
                   "filename*=UTF-8''a%22%3B%20x%3D%22b%0D%0ASet-Cookie%3A%20c%3Dd%5C%2541");
    disposition_is("\xff\xfe", false,
                   "inline; filename=\"__\"; filename*=UTF-8''%EF%BF%BD%EF%BF%BD");
}

static void page_base(void **state)
{
    (void)state;
    static const char page[] = "<head><base href=\"/\"><title>x</title>";
    static const struct {
        const char *base, *want;
    } cases[] = {
        {"/photos", "<head><base href=\"/photos/\"><title>x</title>"},
        {"", "<head><base href=\"/\"><title>x</title>"},
        {"/a\"><b>&", "<head><base href=\"/a&quot;&gt;&lt;b&gt;&amp;/\"><title>x</title>"}};
    for (size_t i = 0; i < 3; i++) {
        struct buf b;
        buf_init(&b, 4096);
        assert_int_equal(api_page_rebase(&b, page, sizeof page - 1, cases[i].base, NULL), 0);
        assert_string_equal(b.data, cases[i].want);
        buf_release(&b);
    }
}

static void below(void **state)
{
    (void)state;
    assert_true(api_below("/srv/photos", "/srv/photos"));
    assert_true(api_below("/srv/photos", "/srv/photos/2024"));
    assert_true(api_below("/srv/photos/", "/srv/photos/2024"));
    assert_true(api_below("/", "/srv"));
    assert_false(api_below("/srv/photos", "/srv/photos2"));
    assert_false(api_below("/srv/photos", "/srv"));
    assert_false(api_below("/srv/photos", "/"));
}

static void statuses(void **state)
{
    (void)state;
    assert_int_equal(api_status_of(EYE_ENOTFOUND), 404);
    assert_int_equal(api_status_of(EYE_EEXIST), 409);
    assert_int_equal(api_status_of(EYE_EBUSY), 409);
    assert_int_equal(api_status_of(EYE_EFORMAT), 422);
    assert_int_equal(api_status_of(EYE_ELIMIT), 413);
    assert_int_equal(api_status_of(EYE_EINVAL), 400);
    assert_int_equal(api_status_of(EYE_EREMOTE), 502);
    assert_int_equal(api_status_of(EYE_EIO), 500);
    assert_int_equal(api_status_of(EYE_ENOMEM), 500);
    assert_int_equal(api_status_of(-99), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(codings),   cmocka_unit_test(html),
                                       cmocka_unit_test(types),     cmocka_unit_test(dispositions),
                                       cmocka_unit_test(page_base), cmocka_unit_test(below),
                                       cmocka_unit_test(statuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
