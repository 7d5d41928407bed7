/* One gRPC request over HTTP/2 to a server that misbehaves in every way we could think of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_grpc.h"
#include "store/milvus_wire.h"

static const char hello[] = "hello";
static struct fake server;
static struct milvus_place place;
static struct milvus_http *http;
static struct eye_err err;
static struct buf frame, answer;
static struct milvus_try try;

static void begin(struct fake_scene *script, size_t n)
{
    char url[128];
    fake_start(&server, 0, script, n);
    snprintf(url, sizeof(url), "milvus://127.0.0.1:%u/demo", server.port);
    assert_int_equal(milvus_place_read(url, &place, &err), 0);
    http = milvus_http_new(&place, &err);
    assert_non_null(http);
    buf_init(&frame, 1 << 24);
    buf_init(&answer, 1 << 20);
    buf_append(&frame,
               "\0\0\0\0\x03"
               "abc",
               8, NULL);
}

static void end(void)
{
    milvus_http_free(http);
    milvus_place_release(&place);
    fake_stop(&server);
    buf_release(&frame);
    buf_release(&answer);
}

static enum milvus_end post(int timeout_ms)
{
    static const struct milvus_options plain;
    milvus_http_post(http, "GetVersion", &frame, timeout_ms, &plain, milvus_now_ms(), &answer,
                     &try);
    return try.end;
}

static void says_hello(void)
{
    assert_int_equal(post(5000), MILVUS_END_OK);
    assert_int_equal(answer.len, 5);
    assert_memory_equal(answer.data, hello, 5);
    assert_string_equal(try.why, "");
}

static void takes_answers(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER, .body = hello, .len = 5},
                                         {.kind = FAKE_BITS, .body = hello, .len = 5},
                                         {.kind = FAKE_LATE, .body = hello, .len = 5, .ms = 50}};
    (void)state;
    begin(script, 3);
    for (int i = 0; i < 5; i++)
        says_hello();
    assert_int_equal(milvus_http_dialled(http), 1); /* one connection did for all */
    assert_int_equal(server.kept[0].len, 3);
    assert_memory_equal(server.kept[0].data, "abc", 3);
    end();
}

static void takes_a_large_answer(void **state)
{
    static char big[900000];
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER, .body = big, .len = sizeof(big)}};
    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 31 >> 3);
    begin(script, 1);
    assert_int_equal(post(10000), MILVUS_END_OK);
    assert_int_equal(answer.len, sizeof(big));
    assert_memory_equal(answer.data, big, sizeof(big));
    end();
}

static void sends_a_large_request(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER, .body = hello, .len = 5}};
    static char big[5000000];
    (void)state;
    memset(big, 'q', sizeof(big));
    begin(script, 1);
    buf_append(&frame, big, sizeof(big), NULL);
    says_hello();
    assert_int_equal(server.kept[0].len, sizeof(big) + 3);
    end();
}

struct expectation {
    struct fake_scene scene;
    enum milvus_end end;
    const char *why;
};

static void knows_what_went_wrong(void **state)
{
    static const struct expectation all[] = {
        {{.kind = FAKE_REFUSE, .grpc = 16, .text = "auth%20check%3a failure"},
         MILVUS_END_LOGIN,
         "auth check: failure"},
        {{.kind = FAKE_REFUSE, .grpc = 7, .text = "no"}, MILVUS_END_LOGIN, "no"},
        {{.kind = FAKE_REFUSE, .grpc = 12, .text = "unknown method"},
         MILVUS_END_NO,
         "unknown method"},
        {{.kind = FAKE_REFUSE, .grpc = 13}, MILVUS_END_NO, "gRPC status 13"},
        {{.kind = FAKE_REFUSE, .grpc = 14, .text = "50%"}, MILVUS_END_AWAY, "50%"},
        {{.kind = FAKE_REFUSE, .grpc = 4}, MILVUS_END_AWAY, "gRPC status 4"},
        {{.kind = FAKE_REFUSE, .grpc = 8, .text = "busy"}, MILVUS_END_AWAY, "busy"},
        {{.kind = FAKE_REFUSE, .grpc = 8, .text = "message larger than max (9 vs. 8)"},
         MILVUS_END_LARGE,
         "message larger than max (9 vs. 8)"},
        {{.kind = FAKE_REFUSE_RESET, .grpc = 12, .text = "early"}, MILVUS_END_NO, "early"},
        {{.kind = FAKE_RESET}, MILVUS_END_AWAY, "the connection broke off"},
        {{.kind = FAKE_COMPRESSED, .body = hello, .len = 5}, MILVUS_END_STRANGE, "compressed"},
        {{.kind = FAKE_SHORT, .body = hello, .len = 5}, MILVUS_END_STRANGE, "cut short"},
        {{.kind = FAKE_LONG, .body = hello, .len = 5}, MILVUS_END_STRANGE, "more behind it"},
        {{.kind = FAKE_EMPTY}, MILVUS_END_STRANGE, "without a message"},
        {{.kind = FAKE_NO_STATUS, .body = hello, .len = 5}, MILVUS_END_STRANGE, "outcome"},
        {{.kind = FAKE_ODD_STATUS, .body = hello, .len = 5}, MILVUS_END_NO, "gRPC status 2"},
        {{.kind = FAKE_HTML, .grpc = 404}, MILVUS_END_STRANGE, "HTTP status 404"},
        {{.kind = FAKE_HTML, .grpc = 200}, MILVUS_END_STRANGE, "does not speak gRPC"},
        {{.kind = FAKE_HTML, .grpc = 503}, MILVUS_END_AWAY, "HTTP status 503"},
        {{.kind = FAKE_HTML, .grpc = 302}, MILVUS_END_STRANGE, "HTTP status 302"},
        {{.kind = FAKE_HALF, .body = hello, .len = 5}, MILVUS_END_AWAY, ""},
        {{.kind = FAKE_HEADERS, .body = hello, .len = 5}, MILVUS_END_LARGE, "larger"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct fake_scene scene = all[i].scene;
        begin(&scene, 1);
        post(5000);
        if (try.end != all[i].end || !strstr(try.why, all[i].why))
            print_error("case %zu: %d \"%s\"\n", i, (int)try.end, try.why);
        assert_int_equal(try.end, all[i].end);
        assert_non_null(strstr(try.why, all[i].why));
        end();
    }
}

static void meets_other_protocols(void **state)
{
    struct fake_scene ssh = {.kind = FAKE_SSH}, http1 = {.kind = FAKE_HTTP1},
                      gone = {.kind = FAKE_CLOSE};
    (void)state;
    begin(&ssh, 1);
    assert_int_not_equal(post(2000), MILVUS_END_OK);
    end();
    begin(&http1, 1);
    assert_int_not_equal(post(2000), MILVUS_END_OK);
    end();
    begin(&gone, 1);
    post(2000);
    assert_true(try.end == MILVUS_END_AWAY || try.end == MILVUS_END_STRANGE);
    end();
}

static void does_not_wait_for_ever(void **state)
{
    struct fake_scene stall = {.kind = FAKE_STALL};
    (void)state;
    begin(&stall, 1);
    int64_t before = milvus_now_ms();
    assert_int_equal(post(300), MILVUS_END_AWAY);
    assert_string_equal(try.why, "no answer in time");
    assert_in_range(milvus_now_ms() - before, 250, 3000);
    end();
}

static int give_up(void *ctx, const char *what, double share, double seconds)
{
    (void)share;
    assert_true(seconds >= 6 && seconds < 60);
    assert_non_null(strstr(what, "waiting for an answer from milvus://127.0.0.1"));
    return ++*(int *)ctx >= 2;
}

static void can_be_stopped(void **state)
{
    struct fake_scene stall = {.kind = FAKE_STALL};
    int told = 0;
    struct milvus_options options = {.wait = give_up, .wait_ctx = &told};
    (void)state;
    begin(&stall, 1);
    int64_t before = milvus_now_ms();
    milvus_http_post(http, "GetVersion", &frame, 30000, &options, before - 5000, &answer, &try);
    assert_int_equal(try.end, MILVUS_END_STOPPED);
    assert_int_equal(told, 2);
    assert_true(milvus_now_ms() - before < 10000);
    end();
}

/* A kept connection that has died: seen or not, the next request must come through. */
static void outlives_its_connection(void **state)
{
    static struct fake_scene script[] = {
        {.kind = FAKE_THEN_CLOSE, .body = hello, .len = 5, .ms = 20},
        {.kind = FAKE_ANSWER, .body = hello, .len = 5},
        {.kind = FAKE_THEN_GOAWAY, .body = hello, .len = 5, .ms = 20},
        {.kind = FAKE_ANSWER, .body = hello, .len = 5}};
    (void)state;
    begin(script, 4);
    says_hello();
    fake_pause(50);
    says_hello();
    says_hello();
    says_hello(); /* at once: the GOAWAY may not have been read yet */
    fake_pause(50);
    says_hello();
    end();
}

static void outlives_its_server(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER, .body = hello, .len = 5}};
    (void)state;
    begin(script, 1);
    says_hello();
    unsigned port = server.port;
    fake_stop(&server);
    assert_int_equal(post(2000), MILVUS_END_AWAY);
    assert_string_equal(try.why, "nobody answers there");
    fake_start(&server, port, script, 1);
    says_hello();
    says_hello();
    end();
}

static void bounds_the_answer(void **state)
{
    static char big[5000];
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER, .body = big, .len = sizeof(big)},
                                         {.kind = FAKE_ANSWER, .body = hello, .len = 5}};
    (void)state;
    begin(script, 2);
    buf_release(&answer);
    buf_init(&answer, 1000);
    assert_int_equal(post(5000), MILVUS_END_LARGE);
    says_hello();
    end();
}

/* ---- many at once ---- */

static void *ten_times(void *ctx)
{
    static const struct milvus_options plain;
    size_t *good = ctx;
    struct buf a;
    struct milvus_try t;
    buf_init(&a, 1000);
    for (int i = 0; i < 10; i++) {
        milvus_http_post(http, "GetVersion", &frame, 10000, &plain, milvus_now_ms(), &a, &t);
        *good += t.end == MILVUS_END_OK && a.len == 5;
    }
    buf_release(&a);
    return NULL;
}

static void serves_threads(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_LATE, .body = hello, .len = 5, .ms = 5}};
    pthread_t threads[6];
    size_t good[6] = {0};
    (void)state;
    begin(script, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ten_times, &good[i]), 0);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(good[i], 10);
    }
    assert_in_range(milvus_http_dialled(http), 1, 6);
    end();
}

static void keeps_the_secret(void **state)
{
    struct fake_scene echo = {
        .kind = FAKE_REFUSE, .grpc = 16, .text = "you said cm9vdDpnZWhlaW0x, that is geheim1"};
    char url[128];
    (void)state;
    begin(&echo, 1);
    milvus_http_free(http);
    milvus_place_release(&place);
    snprintf(url, sizeof(url), "milvus://root:geheim1@127.0.0.1:%u/demo", server.port);
    assert_int_equal(milvus_place_read(url, &place, &err), 0);
    http = milvus_http_new(&place, &err);
    assert_int_equal(post(5000), MILVUS_END_LOGIN);
    assert_string_equal(try.why, "you said ****************, that is *******");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_answers),         cmocka_unit_test(takes_a_large_answer),
        cmocka_unit_test(sends_a_large_request), cmocka_unit_test(knows_what_went_wrong),
        cmocka_unit_test(meets_other_protocols), cmocka_unit_test(does_not_wait_for_ever),
        cmocka_unit_test(can_be_stopped),        cmocka_unit_test(outlives_its_connection),
        cmocka_unit_test(outlives_its_server),   cmocka_unit_test(bounds_the_answer),
        cmocka_unit_test(serves_threads),        cmocka_unit_test(keeps_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
