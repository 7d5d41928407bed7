/* Things of the library as JSON: what is unknown is null, what is no UTF-8 is still JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/internal.h"

/* Checks the writer's text and forgets it. */
static void assert_out(struct api_out *o, const char *want)
{
    assert_int_equal(o->w.code, 0);
    assert_string_equal(o->buf.data, want);
    api_out_drop(o);
}

static void time_is(int64_t t, const char *want)
{
    struct api_out o;
    api_out_init(&o);
    jw_object(&o.w);
    shape_time(&o.w, "t", t);
    jw_object_end(&o.w);
    assert_out(&o, want);
}

static void times(void **state)
{
    (void)state;
    time_is(0, "{\"t\":\"1970-01-01T00:00:00Z\"}");
    time_is(1709209800, "{\"t\":\"2024-02-29T12:30:00Z\"}");
    time_is(INT64_C(-62135596800), "{\"t\":\"0001-01-01T00:00:00Z\"}");
    time_is(EYE_TIME_UNKNOWN, "{\"t\":null}");
    time_is(INT64_MAX, "{\"t\":null}");
    time_is(INT64_C(253402300800), "{\"t\":null}");
}

static void hit(void **state)
{
    (void)state;
    struct api_out o;
    const eye_result r = {.id = 7,
                          .score = 0.25f,
                          .similarity = 0.5f,
                          .relevant = true,
                          .path = "/p/\xff.jpg",
                          .paths = 2,
                          .size = 9,
                          .width = 3,
                          .height = 4,
                          .format = "jpeg",
                          .taken_at = EYE_TIME_UNKNOWN,
                          .added_at = 0,
                          .hash = "ab"};
    static const char common[] =
        "{\"id\":7,\"hash\":\"ab\",\"format\":\"jpeg\",\"width\":3,\"height\":4,\"bytes\":9,"
        "\"taken_at\":null,\"added_at\":\"1970-01-01T00:00:00Z\",\"offline\":false,"
        "\"name\":\"\xef\xbf\xbd.jpg\",\"path\":\"/p/\xef\xbf\xbd.jpg\",\"copies\":2";
    char want[600];
    api_out_init(&o);
    shape_summary(&o.w, &r, false);
    snprintf(want, sizeof want, "%s}", common);
    assert_out(&o, want);
    api_out_init(&o);
    shape_summary(&o.w, &r, true);
    snprintf(want, sizeof want, "%s,\"score\":0.25,\"similarity\":0.5,\"relevant\":true}", common);
    assert_out(&o, want);
}

static void picture(void **state)
{
    (void)state;
    struct api_out o;
    const char *const paths[] = {"/a/x.jpg", "/b/y.jpg"};
    eye_picture p = {.id = 1,
                     .hash = "ab",
                     .format = "png",
                     .camera = "",
                     .taken_at = EYE_TIME_UNKNOWN,
                     .added_at = EYE_TIME_UNKNOWN,
                     .paths = paths,
                     .npaths = 2};
    api_out_init(&o);
    shape_picture(&o.w, &p);
    assert_out(&o, "{\"id\":1,\"hash\":\"ab\",\"format\":\"png\",\"camera\":null,\"width\":0,"
                   "\"height\":0,\"bytes\":0,\"taken_at\":null,\"added_at\":null,\"offline\":false,"
                   "\"name\":\"x.jpg\",\"path\":\"/a/x.jpg\",\"paths\":[\"/a/x.jpg\",\"/b/y.jpg\"],"
                   "\"gps\":null}");
    p.has_gps = true;
    p.lat = 50.5;
    p.lon = -3.25;
    p.npaths = 0;
    api_out_init(&o);
    shape_picture(&o.w, &p);
    assert_non_null(strstr(o.buf.data, "\"gps\":{\"lat\":50.5,\"lon\":-3.25}"));
    assert_non_null(strstr(o.buf.data, "\"paths\":[]"));
    api_out_drop(&o);
}

static void job(void **state)
{
    (void)state;
    struct api_out o;
    eye_job j = {.id = 3,
                 .kind = EYE_JOB_SCAN,
                 .state = EYE_JOB_RUNNING,
                 .title = "/p",
                 .note = "",
                 .total = 10,
                 .done = 4,
                 .rate = 2.5,
                 .eta = -1,
                 .created_at = 0,
                 .finished_at = EYE_TIME_UNKNOWN,
                 .version = 8};
    api_out_init(&o);
    shape_job(&o.w, &j);
    assert_out(&o,
               "{\"id\":3,\"kind\":\"scan\",\"state\":\"running\",\"title\":\"/p\",\"note\":\"\","
               "\"total\":10,\"done\":4,\"indexed\":0,\"duplicates\":0,\"unchanged\":0,"
               "\"removed\":0,\"failed\":0,\"rate\":2.5,\"eta\":null,"
               "\"created_at\":\"1970-01-01T00:00:00Z\",\"finished_at\":null,\"version\":8}");
    j.eta = 2.4;
    api_out_init(&o);
    shape_job(&o.w, &j);
    assert_non_null(strstr(o.buf.data, "\"eta\":2.4,"));
    api_out_drop(&o);
}

static void item(void **state)
{
    (void)state;
    struct api_out o;
    const eye_item i = {.job = 1,
                        .seq = 2,
                        .name = "a/b.jpg",
                        .state = EYE_ITEM_FAILED,
                        .size = 5,
                        .reason = "no picture",
                        .code = "format"};
    api_out_init(&o);
    shape_item(&o.w, &i);
    assert_out(&o, "{\"seq\":2,\"name\":\"a/b.jpg\",\"state\":\"failed\",\"picture\":null,"
                   "\"bytes\":5,\"reason\":\"no picture\",\"code\":\"format\"}");
}

static void model(void **state)
{
    (void)state;
    struct api_out o;
    const eye_model m = {.name = "m", .recall_flickr = 80.5, .install = "do this", .dim = 512};
    api_out_init(&o);
    shape_model(&o.w, &m);
    assert_out(&o, "{\"name\":\"m\",\"in_use\":false,\"installed\":false,\"supported\":false,"
                   "\"dim\":512,\"image_size\":0,\"licence\":null,\"parameters\":0,\"bytes\":0,"
                   "\"recall_flickr\":80.5,\"recall_coco\":null,\"install\":\"do this\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times),   cmocka_unit_test(hit),
                                       cmocka_unit_test(picture), cmocka_unit_test(job),
                                       cmocka_unit_test(item),    cmocka_unit_test(model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
