/* Requests against a server that checks every signature by itself, and misbehaves when told to. */
#include "fake.h"

static struct fake fake;
static struct object_store *s;

static int start(void **state)
{
    (void)state;
    fake = fake_start(NULL, NULL, NULL, NULL);
    s = fake_open(&fake, FAKE_SECRET);
    fake_tell(&fake, "put=a.jpg&text=hello", NULL, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    object_close(s);
    fake_stop(&fake);
    return 0;
}

static size_t asked(void)
{
    char log[65536];
    size_t n = 0;
    fake_tell(&fake, NULL, log, sizeof log);
    for (const char *p = log; (p = strchr(p, '\n')) != NULL; p++)
        n++;
    return n;
}

/* What the fake says of signatures is what AWS's own library says. */
static void golden(void **state)
{
    (void)state;
    assert_int_equal(
        system(
            "python3 tests/s3/fake_s3.py --check-golden tests/golden/s3/requests.json >/dev/null"),
        0);
}

static void no_secret(const struct eye_err *err)
{
    assert_null(strstr(err->msg, FAKE_SECRET));
    assert_null(strstr(err->msg, "AKIDEXAMPLE"));
}

static int head(struct object_store *store, struct eye_err *err)
{
    struct object_info info;
    memset(err, 0, sizeof *err);
    int rc = object_head(store, "a.jpg", &info, err);
    no_secret(err);
    return rc;
}

static void wrong_login(void **state)
{
    (void)state;
    struct eye_err err;
    struct object_store *w = fake_open(&fake, "wrong");
    asked();
    assert_int_equal(object_probe(w, "", NULL, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "secret key is wrong"));
    no_secret(&err);
    assert_int_equal(asked(), 1); /* not tried again */
    int fd = memfd_create("x", MFD_CLOEXEC);
    assert_int_equal(object_get(w, "a.jpg", NULL, fd, 100, NULL, &err), EYE_EREMOTE);
    close(fd);
    object_close(w);
}

static void unsigned_requests(void **state)
{
    (void)state;
    struct eye_err err;
    struct object_store *w;
    struct object_config c = s->c;
    c.key = c.secret = NULL;
    w = object_open("bkt", &c, &err);
    assert_non_null(w);
    assert_int_equal(object_probe(w, "", NULL, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "AWS_ACCESS_KEY_ID"));
    object_close(w);
}

static void token_and_region(void **state)
{
    (void)state;
    struct eye_err err;
    struct fake f = fake_start("--token", "to/ken+==", "--region", "eu-central-1");
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", f.port);
    struct object_config c = {.endpoint = endpoint,
                              .key = (char *)(uintptr_t) "AKIDEXAMPLE",
                              .secret = (char *)(uintptr_t)FAKE_SECRET,
                              .token = (char *)(uintptr_t) "to/ken+==",
                              .region = (char *)(uintptr_t) "eu-central-1"};
    struct object_store *t = object_open("bkt", &c, &err);
    if (object_probe(t, "a b", NULL, &err))
        fail_msg("%s", err.msg);
    object_close(t);
    c.token = (char *)(uintptr_t) "old";
    t = object_open("bkt", &c, &err);
    assert_int_equal(object_probe(t, "", NULL, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "session token"));
    object_close(t);
    c.region = NULL;
    t = object_open("bkt", &c, &err);
    assert_int_equal(object_probe(t, "", NULL, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "AWS_REGION"));
    object_close(t);
    fake_stop(&f);
}

static void tried_again(void **state)
{
    (void)state;
    static const char *const passing[] = {"fault=500&times=3",     "fault=503&times=3",
                                          "fault=429&times=2",     "fault=reset&times=3",
                                          "fault=garbage&times=1", "fault=502&times=1"};
    struct eye_err err;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        fake_tell(&fake, passing[i], NULL, 0);
        if (head(s, &err) != 0)
            fail_msg("%s: %s", passing[i], err.msg);
    }
    asked();
    fake_tell(&fake, "fault=500&times=9", NULL, 0);
    assert_int_equal(head(s, &err), EYE_EREMOTE);
    assert_int_equal(asked(), 4);
    assert_non_null(strstr(err.msg, "(500"));
    fake_tell(&fake, "fault=500&times=0", NULL, 0);
    fake_tell(&fake, "fault=400&times=1", NULL, 0);
    assert_int_equal(head(s, &err), EYE_EREMOTE);
    assert_int_equal(asked(), 1);
}

static void slow(void **state)
{
    (void)state;
    struct eye_err err;
    struct object_config c = s->c;
    c.tries = 1;
    struct object_store *one = object_open("bkt", &c, &err);
    fake_tell(&fake, "fault=slow&times=1", NULL, 0);
    assert_int_equal(head(one, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "in time"));
    object_close(one);
    fake_tell(&fake, "fault=slow&times=1", NULL, 0);
    assert_int_equal(head(s, &err), 0); /* the second try is quick */
}

static void elsewhere(void **state)
{
    (void)state;
    struct eye_err err;
    fake_tell(&fake, "fault=redirect&times=1", NULL, 0);
    assert_int_equal(head(s, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "set AWS_REGION to eu-west-7"));
}

static void away(void **state)
{
    (void)state;
    struct eye_err err;
    struct fake none = fake;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, not listening: refuses */
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    none.port = ntohs(a.sin_port);
    struct object_store *w = fake_open(&none, FAKE_SECRET);
    assert_int_equal(head(w, &err), EYE_EREMOTE);
    assert_non_null(strstr(err.msg, "cannot connect to 127.0.0.1"));
    object_close(w);
    close(fd);
}

static void *many(void *arg)
{
    struct eye_err err;
    for (int i = 0; i < 10; i++)
        if (head(arg, &err) != 0)
            return arg;
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    pthread_t t[6];
    void *bad;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&t[i], NULL, many, s), 0);
    for (size_t i = 0; i < 6; i++) {
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(wrong_login),
        cmocka_unit_test(unsigned_requests),
        cmocka_unit_test(token_and_region),
        cmocka_unit_test(tried_again),
        cmocka_unit_test(slow),
        cmocka_unit_test(elsewhere),
        cmocka_unit_test(away),
        cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
