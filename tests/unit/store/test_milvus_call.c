/* Calls that are made again, Status as errors, and what goes out on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_grpc.h"
#include "store/milvus_wire.h"

static struct fake server;
static struct milvus *m;
static struct eye_err err;
static char name[160];

static void connect_to(unsigned port, const char *path, const struct milvus_options *options)
{
    char url[160];
    snprintf(url, sizeof(url), "milvus://127.0.0.1:%u/%s", port, path);
    snprintf(name, sizeof(name), "%s", url);
    m = milvus_open(url, options, &err);
    assert_non_null(m);
}

static void begin(struct fake_scene *script, size_t n, const struct milvus_options *options)
{
    fake_start(&server, 0, script, n);
    connect_to(server.port, "demo", options);
}

static void end(void)
{
    milvus_close(m);
    fake_stop(&server);
}

static size_t pack_status(uint8_t *to, int32_t old, int32_t code, const char *reason, bool again)
{
    Mv__Status s = MV__STATUS__INIT;
    s.error_code = old;
    s.code = code;
    s.reason = (char *)(uintptr_t)reason;
    s.retriable = again;
    return mv__status__pack(&s, to);
}

static int drop(void)
{
    Mv__CollectionRequest r = MV__COLLECTION_REQUEST__INIT;
    r.collection_name = (char *)(uintptr_t) "demo";
    return milvus_call(m, "DropCollection", &r.base, &mv__status__descriptor, NULL, &err);
}

static void tries_again(void **state)
{
    static uint8_t busy[64];
    static struct fake_scene script[] = {
        {.kind = FAKE_CLOSE},
        {.kind = FAKE_REFUSE, .grpc = 14, .text = "starting"},
        {.kind = FAKE_RESET},
        {.kind = FAKE_HTML, .grpc = 503},
        {.kind = FAKE_ANSWER, .body = busy},
        {.kind = FAKE_ANSWER},
    };
    (void)state;
    script[4].len = pack_status(busy, 49, 8, "rate limit", false);
    begin(script, 6, NULL);
    assert_int_equal(drop(), 0);
    assert_int_equal(fake_requests(&server), 6);
    end();
}

static void gives_up_at_last(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_REFUSE, .grpc = 14, .text = "starting"}};
    struct milvus_options options = {.patience_ms = 400};
    (void)state;
    begin(script, 1, &options);
    int64_t before = milvus_now_ms();
    assert_int_equal(drop(), EYE_EREMOTE);
    assert_in_range(milvus_now_ms() - before, 100, 5000);
    assert_in_range(fake_requests(&server), 2, 4);
    assert_non_null(strstr(err.msg, name));
    assert_non_null(strstr(err.msg, "the server is away: starting"));
    struct milvus_options longer = {.patience_ms = 1500};
    struct milvus *patient = milvus_with(m, &longer, &err), *first = m;
    size_t asked = fake_requests(&server);
    m = patient;
    assert_int_equal(drop(), EYE_EREMOTE);
    assert_true(fake_requests(&server) - asked > 3);
    milvus_close(first); /* the connections go with the last */
    assert_int_equal(drop(), EYE_EREMOTE);
    end();
}

static void does_not_insist(void **state)
{
    static struct fake_scene login[] = {{.kind = FAKE_REFUSE, .grpc = 16, .text = "auth"}},
                             strange[] = {{.kind = FAKE_HTML, .grpc = 404}},
                             unknown[] = {{.kind = FAKE_REFUSE, .grpc = 12, .text = "what"}};
    struct milvus_options options = {.patience_ms = 60000};
    (void)state;
    begin(login, 1, &options);
    assert_int_equal(drop(), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "refuses the login (auth)"));
    assert_int_equal(fake_requests(&server), 1);
    end();
    begin(strange, 1, &options);
    assert_int_equal(drop(), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "no Milvus server, it seems"));
    assert_int_equal(fake_requests(&server), 4);
    end();
    begin(unknown, 1, &options);
    assert_int_equal(drop(), EYE_EREMOTE);
    assert_int_equal(fake_requests(&server), 1);
    end();
}

struct told {
    int n, stop_at;
    double seconds;
    char what[300];
};

static int tell(void *ctx, const char *what, double share, double seconds)
{
    struct told *t = ctx;
    (void)share;
    t->seconds = seconds;
    snprintf(t->what, sizeof(t->what), "%s", what);
    return ++t->n == t->stop_at;
}

/* The server comes back on the same port while a call waits, and whoever waits is told why. */
static void waits_for_the_server(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER}};
    struct told told = {0};
    struct milvus_options options = {.patience_ms = INT32_MAX, .wait = tell, .wait_ctx = &told};
    (void)state;
    begin(script, 1, &options);
    assert_int_equal(drop(), 0);
    unsigned port = server.port;
    fake_stop(&server);
    told.stop_at = 3;
    assert_int_equal(drop(), EYE_ECANCELLED);
    assert_non_null(strstr(err.msg, "the server is away: nobody answers there"));
    assert_non_null(strstr(told.what, "nobody answers there; trying again"));
    assert_true(told.seconds > 0.05);
    told = (struct told){0};
    fake_start(&server, port, script, 1);
    assert_int_equal(drop(), 0);
    end();
}

static void means_what_the_status_says(void **state)
{
    static const struct {
        int32_t old, code;
        const char *reason;
        int ours;
        bool again;
    } all[] = {
        {4, 100, "collection not found", EYE_ENOTFOUND, false},
        {0, 100, "lite says so", EYE_ENOTFOUND, false},
        {4, 0, "an old server", EYE_ENOTFOUND, false},
        {1, 101, "not loaded", EYE_EBUSY, false},
        {1, 103, "loading", EYE_EBUSY, true},
        {25, 700, "index not found", EYE_ENOTFOUND, false},
        {54, 7, "disk quota", EYE_ELIMIT, false},
        {54, 0, "disk quota", EYE_ELIMIT, false},
        {48, 9, "deny to write", EYE_ELIMIT, false},
        {0, 9, "IllegalCollectionName, says lite", EYE_EREMOTE, false},
        {1, 800, "no database", EYE_ENOTFOUND, false},
        {1, 1, "not ready", EYE_EREMOTE, true},
        {0, 1, "lite: anything", EYE_EREMOTE, false},
        {1, 65535, "create duplicate collection with different parameters", EYE_EEXIST, false},
        {0, 1, "collection already exists", EYE_EEXIST, false},
        {1, 1, "collection 'x' already exists", EYE_EEXIST, false},
        {1, 65535, "x", EYE_EREMOTE, false},
        {-7, -9, "", EYE_EREMOTE, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        Mv__Status s = MV__STATUS__INIT;
        bool again = false;
        s.error_code = all[i].old;
        s.code = all[i].code;
        s.reason = (char *)(uintptr_t)all[i].reason;
        assert_int_equal(milvus_status_check(&s, "milvus://x", &again, &err), all[i].ours);
        assert_int_equal(again, all[i].again);
        assert_non_null(strstr(err.msg, *all[i].reason ? all[i].reason : "no reason given"));
        s.retriable = 1;
        milvus_status_check(&s, "milvus://x", &again, &err);
        assert_int_equal(again, all[i].ours != EYE_EEXIST);
    }
    Mv__Status good = MV__STATUS__INIT;
    bool again = true;
    assert_int_equal(milvus_status_check(&good, "x", &again, &err), 0);
    assert_int_equal(milvus_status_check(NULL, "x", &again, &err), 0);
    good.error_code = 1;
    good.reason = (char *)(uintptr_t) "it failed\ngithub.com/milvus/x.go:17";
    milvus_status_check(&good, "x", &again, &err);
    assert_null(strstr(err.msg, "github"));
}

static void refuses_garbage(void **state)
{
    static struct fake_scene script[] = {
        {.kind = FAKE_ANSWER, .body = "\x0a\xff\xff\xff", .len = 4}};
    struct milvus_options options = {.patience_ms = 60000};
    (void)state;
    begin(script, 1, &options);
    assert_int_equal(drop(), EYE_EFORMAT);
    assert_int_equal(fake_requests(&server), 1);
    end();
}

static void fills_in_the_database(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER}};
    (void)state;
    fake_start(&server, 0, script, 1);
    connect_to(server.port, "photos/demo", NULL);
    assert_int_equal(drop(), 0);
    bool there = true;
    assert_int_equal(milvus_has(m, MILVUS_FILES, &there, &err), 0);
    assert_false(there);
    Mv__CollectionRequest *r[2];
    for (size_t i = 0; i < 2; i++) {
        r[i] = mv__collection_request__unpack(NULL, server.kept[i].len,
                                              (uint8_t *)server.kept[i].data);
        assert_non_null(r[i]);
        assert_string_equal(r[i]->db_name, "photos");
        assert_string_equal(r[i]->collection_name, i ? "demo_files" : "demo");
        mv__collection_request__free_unpacked(r[i], NULL);
    }
    end();
}

static void asks_for_the_version_once(void **state)
{
    static uint8_t body[64];
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER, .body = body}};
    Mv__GetVersionResponse v = MV__GET_VERSION_RESPONSE__INIT;
    int major = 0, minor = 0;
    bool lite = true;
    (void)state;
    v.version = (char *)(uintptr_t) "v2.5.13-gpu";
    script[0].len = mv__get_version_response__pack(&v, body);
    begin(script, 1, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(milvus_version(m, &major, &minor, &lite, &err), 0);
    assert_int_equal(major * 100 + minor, 205);
    assert_false(lite);
    assert_int_equal(fake_requests(&server), 1);
    end();
    static const char *const none[] = {"", "v", "unknown", "v2", "2.", "x2.3", "99999999999.1"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(milvus_version_parse(none[i], &major, &minor, &lite));
    assert_true(milvus_version_parse("milvus_lite-3.2.2", &major, &minor, &lite));
    assert_true(lite && major == 3 && minor == 2);
    assert_true(milvus_version_parse("v2.3.5-lite", &major, &minor, &lite));
    assert_true(!lite && major == 2 && minor == 3);
    assert_true(milvus_version_parse("2.6.0", &major, &minor, &lite));
}

/* dsl_type 0 ends a 2.3.5 server: it must be on the wire as 1. */
static void searches_as_a_server_survives(void **state)
{
    static struct fake_scene script[] = {{.kind = FAKE_ANSWER}};
    float v[4] = {0.5f, -0.5f, 0.5f, 0.25f};
    struct milvus_ask ask = {.queries = v, .nq = 2, .dim = 2, .topk = 7, .expr = "size > 3"};
    struct milvus_found found;
    (void)state;
    begin(script, 1, NULL);
    milvus_wrote(m, 4711, milvus_now_ms());
    assert_int_equal(milvus_search_call(m, &ask, &found, &err), 0);
    assert_int_equal(found.counts[0], 0);
    milvus_found_release(&found);
    Mv__SearchRequest *r =
        mv__search_request__unpack(NULL, server.kept[0].len, (uint8_t *)server.kept[0].data);
    assert_non_null(r);
    assert_int_equal(r->dsl_type, 1);
    assert_int_equal(r->nq, 2);
    assert_string_equal(r->dsl, "size > 3");
    assert_int_equal(r->guarantee_timestamp, 4711);
    assert_int_equal(r->consistency_level, 4);
    assert_int_equal(r->n_search_params, 4);
    assert_string_equal(r->search_params[2]->key, "params");
    assert_string_equal(r->search_params[2]->value, "{}");
    Mv__PlaceholderGroup *g =
        mv__placeholder_group__unpack(NULL, r->placeholder_group.len, r->placeholder_group.data);
    assert_non_null(g);
    assert_int_equal(g->placeholders[0]->type, 101);
    assert_string_equal(g->placeholders[0]->tag, "$0");
    assert_int_equal(g->placeholders[0]->n_values, 2);
    assert_int_equal(g->placeholders[0]->values[1].len, 8);
    assert_memory_equal(g->placeholders[0]->values[1].data, v + 2, 8);
    mv__placeholder_group__free_unpacked(g, NULL);
    mv__search_request__free_unpacked(r, NULL);
    ask.topk = MILVUS_ROWS_MAX + 1;
    assert_int_equal(milvus_search_call(m, &ask, &found, &err), EYE_EINVAL);
    ask.topk = MILVUS_ROWS_MAX;
    ask.nq = 100000;
    assert_int_equal(milvus_search_call(m, &ask, &found, &err), EYE_EINVAL);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_again),
        cmocka_unit_test(gives_up_at_last),
        cmocka_unit_test(does_not_insist),
        cmocka_unit_test(waits_for_the_server),
        cmocka_unit_test(means_what_the_status_says),
        cmocka_unit_test(refuses_garbage),
        cmocka_unit_test(fills_in_the_database),
        cmocka_unit_test(asks_for_the_version_once),
        cmocka_unit_test(searches_as_a_server_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
