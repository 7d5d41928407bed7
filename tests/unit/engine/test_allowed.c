/* test_allowed.c - answers to filters: remembered, shared, bounded, and never of yesterday, whoever changed the library. */
#include "engine/fixture.h"

#include <sys/wait.h>

#include "engine/search.h"

static struct store *store_of(struct fx *fx)
{
    struct store *s = eng_store_get(fx->lib, &fx->err);
    assert_non_null(s);
    return s;
}

static int put_picture(struct store *s, int i, int64_t root, struct eye_err *err)
{
    char rel[32];
    struct store_picture p = {.size = 1, .width = 10 * (i + 1), .height = 10, .added_at = i};
    struct store_file f = {.root = root, .rel = rel, .size = 1, .mtime_ns = 5};
    snprintf(p.format, sizeof p.format, "%s", "jpeg");
    snprintf(rel, sizeof rel, "p%04d.jpg", i);
    hash_bytes(rel, strlen(rel), &p.hash);
    int rc = store_put(s, &p, 0, NULL, 0, &f.picture, err);
    return rc < 0 ? rc : store_file_set(s, &f, err);
}

static int64_t filled(struct fx *fx, int n)
{
    struct store *s = store_of(fx);
    int64_t root;
    FX_OK(fx, store_root_add(s, "/somewhere", &root, &fx->err));
    for (int i = 0; i < n; i++)
        FX_OK(fx, put_picture(s, i, root, &fx->err));
    eng_store_put(fx->lib, s);
    return root;
}

static struct eng_allowed get(struct fx *fx, const eye_filter *f, const eye_where *w)
{
    struct store *s = store_of(fx);
    struct eng_allowed a;
    FX_OK(fx, eng_allowed_get(fx->lib, s, f, w, &a, &fx->err));
    eng_store_put(fx->lib, s);
    return a;
}

static struct eng_answers_stats stats(struct fx *fx)
{
    struct eng_answers_stats st;
    eng_answers_count(fx->lib->answers, &st);
    return st;
}

static void test_remembered_and_shared(void **state)
{
    struct fx *fx = fx_new(state);
    filled(fx, 20);
    eye_filter f = EYE_FILTER_INIT, nothing = EYE_FILTER_INIT;
    f.min_width = 101;
    f.format = "jpeg";
    const eye_where is = {EYE_IS, &f, NULL, 0}, empty = {EYE_IS, &nothing, NULL, 0};
    const eye_where *const one[] = {&is};
    const eye_where not = {EYE_NOT, NULL, one, 1};
    const eye_where *const once[] = {&not };
    const eye_where twice = {EYE_NOT, NULL, once, 1};
    const eye_where *const both[] = {&twice, &empty};
    const eye_where group = {EYE_ALL_OF, NULL, both, 2};
    struct eng_allowed a = get(fx, &f, NULL), b = get(fx, &f, NULL), c = get(fx, NULL, &is),
                       d = get(fx, &nothing, &group), e = get(fx, NULL, &not );
    assert_false(a.all);
    assert_int_equal(a.n, 10);
    assert_int_equal(a.total, 10);
    for (size_t i = 1; i < a.n; i++)
        assert_true(a.ids[i - 1] < a.ids[i]);
    /* the same said in other ways */
    assert_ptr_equal(a.ids, b.ids);
    assert_ptr_equal(a.ids, c.ids);
    assert_ptr_equal(a.ids, d.ids);
    assert_int_equal(e.n, 10);
    assert_true(e.ids != a.ids);
    assert_int_equal(stats(fx).hits, 3);
    assert_int_equal(stats(fx).misses, 2);
    struct eng_allowed all[3] = {get(fx, NULL, NULL), get(fx, &nothing, &empty),
                                 get(fx, NULL, &empty)};
    for (int i = 0; i < 3; i++) {
        assert_true(all[i].all);
        assert_int_equal(all[i].total, 20);
        eng_allowed_put(fx->lib, &all[i]);
    }
    assert_int_equal(stats(fx).misses, 2);
    eng_allowed_put(fx->lib, &a);
    eng_allowed_put(fx->lib, &b);
    eng_allowed_put(fx->lib, &c);
    eng_allowed_put(fx->lib, &d);
    eng_allowed_put(fx->lib, &e);
    fx_free(fx);
}

/* Filters that differ in one member are different filters. */
static void test_every_member_counts(void **state)
{
    struct fx *fx = fx_new(state);
    filled(fx, 3);
    eye_filter f[26];
    for (int i = 0; i < 26; i++) {
        f[i] = (eye_filter)EYE_FILTER_INIT;
        f[i].boxed = true; /* so that its edges count */
    }
    f[1].path = "x";
    f[2].root = 1;
    f[3].format = "x";
    f[4].name = "x";
    f[5].camera = "x";
    f[6].taken_from = 1;
    f[7].taken_to = 1;
    f[8].added_from = 1;
    f[9].added_to = 1;
    f[10].modified_from = 1;
    f[11].modified_to = 1;
    f[12].min_width = 1;
    f[13].min_height = 1;
    f[14].max_width = 1;
    f[15].max_height = 1;
    f[16].min_megapixels = 1;
    f[17].max_megapixels = 1;
    f[18].orientation = 'l';
    f[19].orientation = 'p';
    f[20].gps = 'y';
    f[21].south = -1;
    f[22].north = 1;
    f[23].west = 1;
    f[24].east = 1;
    f[25].boxed = false;
    f[25].gps = 'y';
    for (int i = 0; i < 26; i++) {
        struct eng_allowed a = get(fx, &f[i], NULL);
        eng_allowed_put(fx->lib, &a);
    }
    assert_int_equal(stats(fx).hits, 0);
    assert_int_equal(stats(fx).misses, 26);
    fx_free(fx);
}

/* ---- never stale ---- */

enum { CHANGES = 6 };

static int change(struct store *s, int which, int64_t root, struct eye_err *err)
{
    struct store_file f = {
        .root = root, .rel = "p0003.jpg", .size = 1, .mtime_ns = INT64_C(9000000000)};
    struct store_failure x = {
        .root = root, .rel = "p0005.jpg", .code = EYE_EFORMAT, .reason = "broken"};
    int64_t other;
    switch (which) {
    case 0: return put_picture(s, 50, root, err);
    case 1: return store_file_touch(s, &f, err);
    case 2: return store_file_remove(s, root, "p0004.jpg", err);
    case 3: return store_failure_set(s, &x, err);
    case 4: return store_root_uploads(s, "/elsewhere/p0", &other, err);
    default: return store_root_remove(s, root, err);
    }
}

/* As the engine remembers it, and as the store says now. */
static void check_now(struct fx *fx, const eye_filter *f)
{
    struct eng_where w;
    struct store *s = store_of(fx);
    struct eng_allowed a = get(fx, f, NULL);
    int64_t *ids, generation;
    size_t n;
    FX_OK(fx, eng_where_make(f, NULL, &w, &fx->err));
    FX_OK(fx, store_where(s, w.top, &generation, &ids, &n, &fx->err));
    assert_true(generation > 0);
    assert_int_equal(a.n, n);
    assert_memory_equal(a.ids, ids, n * sizeof *ids);
    eng_allowed_put(fx->lib, &a);
    eng_where_free(&w);
    free(ids);
    eng_store_put(fx->lib, s);
}

static void check_all(struct fx *fx)
{
    eye_filter f = EYE_FILTER_INIT, g = EYE_FILTER_INIT, h = EYE_FILTER_INIT;
    f.format = "jpeg";
    check_now(fx, &f);
    g.modified_to = 5;
    check_now(fx, &g);
    h.path = "p0";
    check_now(fx, &h);
}

/* who: 0 this handle, 1 another one, 2 another process. */
static void change_by(struct fx *fx, int who, int which, int64_t root)
{
    if (who == 2) {
        pid_t pid = fork();
        if (pid == 0) {
            struct store *s = store_open(fx->library, false, false, NULL);
            _exit(s && change(s, which, root, NULL) == 0 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return;
    }
    struct store *s = who ? store_open(fx->library, false, false, &fx->err) : store_of(fx);
    FX_OK(fx, change(s, which, root, &fx->err));
    if (who)
        store_close(s);
    else
        eng_store_put(fx->lib, s);
}

static void test_never_stale(void **state)
{
    for (int who = 0; who < 3; who++) {
        struct fx *fx = fx_new(state);
        int64_t root = filled(fx, 10);
        for (int which = 0; which < CHANGES; which++) {
            check_all(fx);
            uint64_t hits = stats(fx).hits;
            check_all(fx);
            assert_int_equal(stats(fx).hits, hits + 3);
            change_by(fx, who, which, root);
            check_all(fx);
            assert_int_equal(stats(fx).hits, hits + 3);
        }
        fx_free(fx);
    }
}

/* What no filter asks about lets answers live. */
static void test_not_forgotten_for_nothing(void **state)
{
    struct fx *fx = fx_new(state);
    int64_t root = filled(fx, 10), id;
    struct hash h;
    struct store *s = store_of(fx);
    check_all(fx);
    uint64_t misses = stats(fx).misses;
    FX_OK(fx, store_setting_set(s, "a", "b", &fx->err));
    FX_OK(fx, store_job_new(s, 1, 0, "job", &id, &fx->err));
    hash_bytes("k", 1, &h);
    FX_OK(fx, store_key_new(s, "key", 1, &h, &id, &fx->err));
    FX_OK(fx, store_root_state(s, root, true, 5, &fx->err));
    FX_OK(fx, store_mount_set(s, root, "m", true, &fx->err));
    FX_OK(fx, store_begin(s, &fx->err));
    FX_OK(fx, store_file_remove(s, root, "p0001.jpg", &fx->err));
    store_rollback(s);
    eng_store_put(fx->lib, s);
    check_all(fx);
    assert_int_equal(stats(fx).misses, misses);
    fx_free(fx);
}

/* ---- bounds ---- */

static void test_bounded(void **state)
{
    struct fx *fx = fx_new(state);
    filled(fx, 30);
    eye_filter f = EYE_FILTER_INIT;
    f.min_width = 1;
    struct eng_allowed first = get(fx, &f, NULL);
    for (int i = 2; i < 150; i++) {
        f.min_width = i;
        struct eng_allowed a = get(fx, &f, NULL);
        eng_allowed_put(fx->lib, &a);
    }
    assert_int_equal(stats(fx).kept, 64);
    assert_int_equal(stats(fx).hits, 0);
    assert_int_equal(first.n, 30); /* forgotten, but still mine */
    assert_int_equal(first.ids[29], 30);
    eng_allowed_put(fx->lib, &first);
    f.min_width = 149; /* the last ones are there */
    first = get(fx, &f, NULL);
    eng_allowed_put(fx->lib, &first);
    assert_int_equal(stats(fx).hits, 1);
    eng_answers_free(fx->lib->answers);
    fx->lib->answers = eng_answers_new(1200, &fx->err); /* a few of these */
    for (int i = 1; i < 60; i++) {
        f.min_width = i;
        struct eng_allowed a = get(fx, &f, NULL);
        assert_int_equal(a.n, 30 - (i - 1) / 10);
        eng_allowed_put(fx->lib, &a);
        assert_in_range(stats(fx).bytes, 1, 1200);
        assert_in_range(stats(fx).kept, 1, 5);
    }
    eng_answers_free(fx->lib->answers);
    fx->lib->answers = eng_answers_new(100, &fx->err); /* none fits */
    first = get(fx, &f, NULL);
    assert_int_equal(stats(fx).kept, 0);
    eng_allowed_put(fx->lib, &first);
    fx_free(fx);
}

/* ---- threads ---- */

struct asker {
    struct fx *fx;
    pthread_t thread;
    atomic_int *committed; /* pictures that are surely there */
    atomic_bool *stop;
};

static void *keep_asking(void *arg)
{
    struct asker *k = arg;
    struct eye_err err;
    struct store *s = eng_store_get(k->fx->lib, &err);
    for (int i = 0; s && !atomic_load(k->stop); i++) {
        eye_filter f = EYE_FILTER_INIT;
        f.added_from = -(i % 5); /* all of them, in five ways */
        int least = atomic_load(k->committed);
        struct eng_allowed a;
        if (eng_allowed_get(k->fx->lib, s, &f, NULL, &a, &err) < 0)
            return "failed";
        bool stale = a.n < (size_t)least || (a.n && a.ids[a.n - 1] != (int64_t)a.n);
        eng_allowed_put(k->fx->lib, &a);
        if (stale)
            return "an old answer";
    }
    eng_store_put(k->fx->lib, s);
    return NULL;
}

static void test_many_ask_while_one_writes(void **state)
{
    enum { THREADS = 4, PICTURES = 150 };
    struct fx *fx = fx_new(state);
    int64_t root = filled(fx, 0);
    struct asker askers[THREADS];
    atomic_int committed = 0;
    atomic_bool stop = false;
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.fx = fx, .committed = &committed, .stop = &stop};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, keep_asking, &askers[i]), 0);
    }
    struct store *s = store_of(fx);
    for (int i = 0; i < PICTURES; i++) {
        FX_OK(fx, store_begin(s, &fx->err));
        FX_OK(fx, put_picture(s, i, root, &fx->err));
        FX_OK(fx, store_commit(s, &fx->err));
        atomic_store(&committed, i + 1);
    }
    eng_store_put(fx->lib, s);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(askers[i].thread, &bad);
        if (bad)
            print_message("%s\n", (const char *)bad);
        assert_null(bad);
    }
    assert_true(stats(fx).hits + stats(fx).misses > 0);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembered_and_shared),
        cmocka_unit_test(test_every_member_counts),
        cmocka_unit_test(test_never_stale),
        cmocka_unit_test(test_not_forgotten_for_nothing),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_many_ask_while_one_writes),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
