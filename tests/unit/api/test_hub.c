/* test_hub.c - events: to all, to one job's listeners, resume, reset, slow listeners, the limit, threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/hub.h"
#include "base/buf.h"

struct ear {
    struct buf heard;
    int closed;
};

static int hear(void *ctx, const void *bytes, size_t len)
{
    struct ear *e = ctx;
    return buf_append(&e->heard, bytes, len, NULL) == 0 ? 0 : EYE_EBUSY;
}

static void hang_up(void *ctx)
{
    struct ear *e = ctx;
    e->closed++;
}

static struct api_sink ear_init(struct ear *e, size_t room)
{
    buf_init(&e->heard, room);
    e->closed = 0;
    return (struct api_sink){hear, hang_up, e};
}

static int count(const struct ear *e, const char *what)
{
    int n = 0;
    for (const char *p = e->heard.data; p && (p = strstr(p, what)); p++)
        n++;
    return n;
}

/* The id of the last event heard. */
static void last_id(const struct ear *e, char out[64])
{
    const char *id = NULL;
    for (const char *p = e->heard.data; p && (p = strstr(p, "id: ")); p++)
        id = p + 4;
    assert_non_null(id);
    snprintf(out, 64, "%.*s", (int)strcspn(id, "\n"), id);
}

static void tells_who_is_meant(void **state)
{
    (void)state;
    struct api_hub *h = api_hub_new(NULL);
    struct ear all;
    struct ear one;
    struct api_sink a = ear_init(&all, 1 << 20);
    struct api_sink b = ear_init(&one, 1 << 20);
    api_hub_publish(h, "job", 1, "{\"early\":1}");
    assert_int_equal(api_hub_listen(h, &a, 0, NULL, NULL), 0);
    assert_int_equal(api_hub_listen(h, &b, 2, NULL, NULL), 0);
    assert_int_equal(api_hub_listeners(h), 2);
    api_hub_publish(h, "job", 1, "{\"n\":1}");
    api_hub_publish(h, "job", 2, "{\"n\":2}");
    api_hub_publish(h, "library", 0, "{\"n\":3}");
    assert_int_equal(count(&all, "event: hello\n"), 1);
    assert_int_equal(count(&all, "event: job\ndata: {\"n\":1}\n\n"), 1);
    assert_int_equal(count(&all, "event: "), 4);
    assert_int_equal(count(&one, "\"n\":1"), 0);
    assert_int_equal(count(&one, "\"n\":2"), 1);
    assert_int_equal(count(&one, "event: library\n"), 1);
    assert_int_equal(count(&one, "early"), 0);
    api_hub_ping(h);
    assert_int_equal(count(&all, "\n:\n\n"), 1);
    api_hub_end(h);
    assert_int_equal(all.closed, 1);
    assert_int_equal(one.closed, 1);
    assert_int_equal(api_hub_listen(h, &a, 0, NULL, NULL), EYE_ECANCELLED);
    assert_int_equal(all.closed, 2);
    api_hub_free(h);
    buf_release(&all.heard);
    buf_release(&one.heard);
}

static void goes_on_where_it_was(void **state)
{
    (void)state;
    struct api_hub *h = api_hub_new(NULL);
    struct ear e;
    char at[64];
    struct api_sink s = ear_init(&e, 1 << 20);
    api_hub_listen(h, &s, 0, NULL, NULL);
    api_hub_publish(h, "job", 1, "{\"n\":1}");
    last_id(&e, at);
    api_hub_publish(h, "job", 1, "{\"n\":2}");
    api_hub_publish(h, "job", 9, "{\"n\":3}");

    struct ear again;
    struct api_sink s2 = ear_init(&again, 1 << 20);
    assert_int_equal(api_hub_listen(h, &s2, 1, at, NULL), 0);
    assert_int_equal(count(&again, "\"n\":1"), 0);
    assert_int_equal(count(&again, "\"n\":2"), 1);
    assert_int_equal(count(&again, "\"n\":3"), 0);
    assert_int_equal(count(&again, "event: reset"), 0);
    api_hub_free(h);
    buf_release(&e.heard);
    buf_release(&again.heard);
}

/* What a listener hears that says it saw `last`. */
static void hears_reset(struct api_hub *h, const char *last, int wanted)
{
    struct ear e;
    struct api_sink s = ear_init(&e, 1 << 20);
    assert_int_equal(api_hub_listen(h, &s, 0, last, NULL), 0);
    if (count(&e, "event: reset") != wanted)
        fail_msg("after '%s': %s", last, e.heard.data);
    api_hub_end(h);
    buf_release(&e.heard);
}

static void resets_what_it_does_not_know(void **state)
{
    (void)state;
    char at[64];
    char text[96];
    for (int i = 0; i < 7; i++) {
        struct api_hub *h = api_hub_new(NULL);
        struct ear e;
        struct api_sink s = ear_init(&e, 1 << 20);
        api_hub_listen(h, &s, 0, NULL, NULL);
        last_id(&e, at);
        *strchr(at, '-') = '\0';
        int events = i < 4 ? 5 : API_HUB_RING + 5;
        for (int k = 0; k < events; k++)
            api_hub_publish(h, "job", 1, "{}");
        static const char *const ends[] = {
            "-6", "-5x", "-", "-0", "-4", "-5", "-99999999999999999999"};
        static const int reset[] = {1, 1, 1, 0, 1, 0, 1};
        snprintf(text, sizeof text, "%s%s", at, ends[i]);
        hears_reset(h, text, reset[i]);
        api_hub_free(h);
        buf_release(&e.heard);
    }
    struct api_hub *h = api_hub_new(NULL);
    hears_reset(h, "0123456789abcdef-0", 1); /* another boot */
    api_hub_free(h);
}

static void drops_the_slow(void **state)
{
    (void)state;
    struct api_hub *h = api_hub_new(NULL);
    struct ear slow;
    struct ear quick;
    struct api_sink a = ear_init(&slow, 400);
    struct api_sink b = ear_init(&quick, 1 << 20);
    assert_int_equal(api_hub_listen(h, &a, 0, NULL, NULL), 0);
    assert_int_equal(api_hub_listen(h, &b, 0, NULL, NULL), 0);
    for (int i = 0; i < 20; i++)
        api_hub_publish(h, "job", 1, "{}");
    assert_int_equal(slow.closed, 1);
    assert_int_equal(api_hub_listeners(h), 1);
    assert_int_equal(count(&quick, "event: job"), 20);
    struct ear deaf;
    struct api_sink c = ear_init(&deaf, 10);
    assert_int_equal(api_hub_listen(h, &c, 0, NULL, NULL), EYE_ELIMIT);
    assert_int_equal(deaf.closed, 1);
    api_hub_free(h);
    buf_release(&slow.heard);
    buf_release(&quick.heard);
    buf_release(&deaf.heard);
}

static void has_a_limit(void **state)
{
    (void)state;
    static struct ear ears[API_HUB_STREAMS + 1];
    struct api_hub *h = api_hub_new(NULL);
    for (int i = 0; i <= API_HUB_STREAMS; i++) {
        struct api_sink s = ear_init(&ears[i], 1 << 12);
        int rc = api_hub_listen(h, &s, 0, NULL, NULL);
        assert_int_equal(rc, i < API_HUB_STREAMS ? 0 : EYE_EBUSY);
    }
    assert_int_equal(ears[API_HUB_STREAMS].closed, 1);
    api_hub_free(h);
    for (int i = 0; i <= API_HUB_STREAMS; i++) {
        assert_int_equal(ears[i].closed, 1);
        buf_release(&ears[i].heard);
    }
}

static void *shout(void *hub)
{
    for (int i = 0; i < 500; i++)
        api_hub_publish(hub, "job", 1, "{}");
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    struct api_hub *h = api_hub_new(NULL);
    struct ear e;
    struct api_sink s = ear_init(&e, 1 << 20);
    pthread_t threads[4];
    api_hub_listen(h, &s, 0, NULL, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, shout, h), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(count(&e, "event: job"), 2000);
    char at[64];
    last_id(&e, at);
    assert_string_equal(strchr(at, '-'), "-2000");
    api_hub_free(h);
    assert_int_equal(e.closed, 1);
    buf_release(&e.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_who_is_meant),
        cmocka_unit_test(goes_on_where_it_was),
        cmocka_unit_test(resets_what_it_does_not_know),
        cmocka_unit_test(drops_the_slow),
        cmocka_unit_test(has_a_limit),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
