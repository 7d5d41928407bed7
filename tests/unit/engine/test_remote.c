/* test_remote.c - a library on a server that is away: who waits and for how long, what is refused, what is told. The server itself is
 * tests/milvus' business. */
#include "fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { PATIENCE = 1 }; /* seconds */

/* A port that nobody listens at. */
static int closed_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s >= 0 && bind(s, (struct sockaddr *)&at, sizeof at) == 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &len), 0);
    close(s);
    return ntohs(at.sin_port);
}

/* Takes the place of fx->lib. */
static struct fx *away(void **state, char url[100])
{
    struct fx *fx = fx_new(state);
    eye_options o = fx_options(fx);
    eye_close(fx->lib);
    snprintf(url, 100, "milvus://root:hush-hush@127.0.0.1:%d/demo", closed_port());
    o.store = url;
    o.milvus.timeout = PATIENCE;
    fx->lib = eye_open(&o, &fx->err); /* talks to nobody */
    if (!fx->lib)
        print_message("%s\n", fx->err.msg);
    assert_non_null(fx->lib);
    return fx;
}

static void test_searches_give_up(void **state)
{
    char url[100];
    struct fx *fx = away(state, url);
    eye_query q = EYE_QUERY_INIT;
    eye_search_options o = {.limit = 3, .min_score = -2};
    eye_results *r;
    eye_remote remote;
    eye_status st;
    q.words = "a cat";
    double began = eng_now();
    assert_int_equal(eye_search(fx->lib, &q, 1, &o, &r, &fx->err), EYE_EREMOTE);
    double took = eng_now() - began;
    assert_true(took >= PATIENCE * 0.5 && took < PATIENCE + 5);
    assert_non_null(strstr(fx->err.msg, "milvus://127.0.0.1:"));
    assert_null(strstr(fx->err.msg, "hush"));
    assert_int_equal(eye_ready(fx->lib, &fx->err), EYE_EREMOTE);
    assert_int_equal(eye_status_get(fx->lib, &st, &fx->err), EYE_EREMOTE);
    FX_OK(fx, eye_remote_get(fx->lib, &remote, &fx->err));
    assert_false(remote.reachable);
    assert_non_null(strstr(remote.name, "/demo"));
    assert_null(strstr(remote.name, "hush"));
    assert_true(remote.trouble[0]);
    assert_null(strstr(remote.trouble, "hush"));
    assert_null(strstr(fx->log, "hush"));
    fx_free(fx);
}

struct patient {
    int calls, stop_after; /* with something to wait for */
    double began, stopped;
    char waiting[300];
    pthread_t caller;
};

static int on_progress(void *ctx, const eye_index_progress *p)
{
    struct patient *w = ctx;
    assert_true(pthread_equal(pthread_self(), w->caller));
    if (!p->waiting)
        return 0;
    snprintf(w->waiting, sizeof w->waiting, "%s", p->waiting);
    if (++w->calls < w->stop_after)
        return 0;
    w->stopped = eng_now();
    return 1;
}

/* An index waits beyond what a search would, says what for, and ends at once when it is told to. */
static void test_indexing_waits(void **state)
{
    char url[100];
    struct fx *fx = away(state, url);
    struct patient w = {.stop_after = 10, .began = eng_now(), .caller = pthread_self()};
    const char *paths[] = {fx->photos};
    eye_index_options o = {.progress = on_progress, .ctx = &w};
    fx_picture(fx, "a.bmp", 1);
    assert_int_equal(eye_index(fx->lib, paths, 1, &o, NULL, &fx->err), EYE_ECANCELLED);
    assert_int_equal(w.calls, 10);
    assert_true(w.stopped - w.began > PATIENCE);
    assert_true(eng_now() - w.stopped < 2);
    assert_non_null(strstr(w.waiting, "milvus://127.0.0.1:"));
    assert_null(strstr(w.waiting, "hush"));
    int lock = -1;
    FX_OK(fx, eng_lock(fx->lib, &lock, &fx->err)); /* it was given back */
    eng_unlock(lock);
    fx_free(fx);
}

/* Of several entries of a thread the newest counts, and other threads' do not. */
static int told(void *ctx, const char *what)
{
    int *n = ctx;
    (void)what;
    return ++*n >= 3;
}

static void *search_elsewhere(void *arg)
{
    struct fx *fx = arg;
    eye_status st;
    double began = eng_now();
    bool ok = eye_status_get(fx->lib, &st, NULL) == EYE_EREMOTE && eng_now() - began < PATIENCE + 5;
    return ok ? fx : NULL;
}

static void test_waiters(void **state)
{
    char url[100];
    struct fx *fx = away(state, url);
    struct eng_waiter one, two;
    int first = 0, second = 0;
    uint64_t n;
    pthread_t thread;
    void *ok = NULL;
    struct store *s = eng_patient_get(fx->lib, &fx->err);
    assert_non_null(s);
    eng_wait_begin(fx->lib, &one, told, &first);
    eng_wait_begin(fx->lib, &two, told, &second);
    assert_int_equal(pthread_create(&thread, NULL, search_elsewhere, fx), 0);
    assert_int_equal(store_count(s, &n, &fx->err), EYE_ECANCELLED);
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_ptr_equal(ok, fx);
    assert_int_equal(first, 0);
    assert_int_equal(second, 3);
    eng_wait_end(fx->lib, &two);
    assert_int_equal(store_count(s, &n, &fx->err), EYE_ECANCELLED);
    assert_int_equal(first, 3);
    eng_patient_put(fx->lib, s);
    eng_wait_end(fx->lib, &one);
    assert_null(fx->lib->waiters);
    fx_free(fx);
}

static void test_what_is_refused(void **state)
{
    char url[100], path[600];
    struct fx *fx = away(state, url);
    snprintf(path, sizeof path, "%s/b.zip", fx->dir);
    assert_int_equal(eye_backup(fx->lib, path, NULL, &fx->err), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "eyeshine export FILE"));
    assert_int_equal(eye_model_use(fx->lib, "second", NULL, NULL, &fx->err), EYE_EINVAL);
    assert_non_null(strstr(fx->err.msg, "/demo_2 --model second index FOLDER"));
    assert_null(strstr(fx->err.msg, "hush"));
    assert_int_equal(eye_move(fx->lib, fx->lib, NULL, NULL, &fx->err), EYE_EINVAL);

    struct eye_err err = {0};
    eye_options o = fx_options(fx);
    static const char *const wrong[] = {"milvus://", "milvus://h", "http://h/x", "milvus://h:0/x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o.store = wrong[i];
        assert_null(eye_open(&o, &err));
        assert_int_equal(err.code, EYE_EINVAL);
    }
    o.store = url;
    o.milvus.consistency = "sometimes";
    assert_null(eye_open(&o, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_non_null(strstr(err.msg, "session, strong, bounded or eventually"));
    fx_free(fx);
}

/* A folder for each collection, whoever logs in. */
static void test_folder_of_a_node(void **state)
{
    struct fx *fx = fx_new(state);
    static const char *const urls[] = {"milvus://127.0.0.1:19530/demo",
                                       "milvus://root:one@127.0.0.1/demo",
                                       "milvus://127.0.0.1:19530/other"};
    char dirs[3][300], home[600];
    snprintf(home, sizeof home, "%s/xdg", fx->dir);
    assert_int_equal(setenv("XDG_DATA_HOME", home, 1), 0);
    for (size_t i = 0; i < 3; i++) {
        eye_options o = fx_options(fx);
        o.library = NULL;
        o.store = urls[i];
        eye_lib *lib = eye_open(&o, &fx->err);
        if (!lib)
            print_message("%s\n", fx->err.msg);
        assert_non_null(lib);
        snprintf(dirs[i], sizeof dirs[i], "%s", lib->dir);
        eye_close(lib);
    }
    assert_string_equal(dirs[0], dirs[1]);
    assert_string_not_equal(dirs[0], dirs[2]);
    snprintf(home + strlen(home), 40, "/eyeshine/nodes/");
    assert_int_equal(strncmp(dirs[0], home, strlen(home)), 0);
    assert_int_equal(strlen(dirs[0]), strlen(home) + 16);
    unsetenv("XDG_DATA_HOME");
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_searches_give_up), cmocka_unit_test(test_indexing_waits),
        cmocka_unit_test(test_waiters),          cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_folder_of_a_node),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
