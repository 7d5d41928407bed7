/* test_catalogue.c - what a catalogue on a server must do besides what the store's own tests ask of both kinds: machines that write at once, the way to a
 * collection, what was gathered, transactions with the node part, damage. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "store/fixture.h"
#include "store/milvus_store.h"

static const char *server(void)
{
    return getenv("EYESHINE_TEST_STORE");
}

/* A collection of the test's own; remote_url is the one that all others share. */
static struct store_remote *open_remote(const char *name)
{
    char url[600];
    struct eye_err err = {0};
    snprintf(url, sizeof url, "%s/%s_%d", server(), name, (int)getpid());
    struct store_remote *r = store_remote_open(url, NULL, &err);
    if (!r)
        print_message("%s\n", err.msg);
    assert_non_null(r);
    return r;
}

static void drop(struct store_remote *r)
{
    for (int which = 0; which < 2; which++) {
        Mv__CollectionRequest q = MV__COLLECTION_REQUEST__INIT;
        q.collection_name = (char *)(uintptr_t)milvus_collection(r->m, which);
        milvus_call(r->m, "DropCollection", &q.base, &mv__status__descriptor, NULL, NULL);
    }
}

static uint64_t pictures(struct store *s)
{
    struct eye_err err = {0};
    uint64_t n = 99;
    if (store_count(s, &n, &err))
        print_message("%s\n", err.msg);
    return n;
}

/* ---- the way to a collection ---- */

static void nothing_is_there(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct hash h = hash_of("model");
    int64_t model = 0, root = 0;
    struct store_remote *r = open_remote("nothing");
    struct store *s = store_open_remote(NULL, r, false, false, &err);
    assert_non_null(s);
    uint64_t n = 7;
    assert_int_equal(store_count(s, &n, &err), EYE_ENOTFOUND);
    assert_non_null(strstr(err.msg, "index"));
    assert_int_equal(store_model(s, &h, "test", DIM, false, &model, &err), EYE_ENOTFOUND);
    store_close(s);

    s = store_open_remote(NULL, r, true, false, &err); /* with `create` it is empty */
    assert_non_null(s);
    assert_int_equal(pictures(s), 0);
    struct store_root *roots = NULL;
    size_t nroots = 9;
    assert_int_equal(store_roots(s, &roots, &nroots, &err), 0);
    assert_int_equal(nroots, 0);
    store_roots_free(roots, nroots);
    assert_int_equal(store_model(s, &h, "test", DIM, false, &model, &err), EYE_ENOTFOUND);
    char name[64], *value = NULL;
    int dim = 0;
    struct hash there;
    assert_int_equal(store_remote_model(s, &there, name, sizeof name, &dim, &err), EYE_ENOTFOUND);
    assert_int_equal(store_setting(s, "k", &value, &err), EYE_EINVAL); /* there is no node part */
    assert_int_equal(store_root_add(s, "/early", &root, &err), 0);     /* roots need no model */
    assert_int_equal(store_model(s, &h, "test", DIM, true, &model, &err), 0);
    assert_int_equal(model, 1);
    assert_int_equal(store_remote_model(s, &there, name, sizeof name, &dim, &err), 0);
    assert_true(hash_cmp(&there, &h) == 0 && dim == DIM && strcmp(name, "test") == 0);
    store_close(s);

    struct hash other = hash_of("other");
    s = store_open_remote(NULL, r, true, false, &err);
    assert_int_equal(store_model(s, &other, "another", DIM, false, &model, &err), EYE_ENOTFOUND);
    assert_int_equal(store_model(s, &other, "another", DIM, true, &model, &err), EYE_EINVAL);
    assert_non_null(strstr(err.msg, "test"));
    assert_int_equal(store_model(s, &h, "test", DIM + 1, true, &model, &err), EYE_EINVAL);
    store_close(s);
    store_remote_close(r);

    r = open_remote("nothing"); /* as another process sees it */
    s = store_open_remote(NULL, r, false, true, &err);
    assert_int_equal(store_model(s, &h, "test", DIM, false, &model, &err), 0);
    assert_int_equal(store_root_add(s, "/late", &root, &err), EYE_EINVAL); /* for reading only */
    store_close(s);
    drop(r);
    store_remote_close(r);
}

static int make_it(const char *name)
{
    struct eye_err err = {0};
    struct hash h = hash_of("model");
    int64_t model = 0, root;
    struct store_remote *r = store_remote_open(name, NULL, &err);
    struct store *s = r ? store_open_remote(NULL, r, true, false, &err) : NULL;
    int rc = s ? store_model(s, &h, "test", DIM, true, &model, &err) : -1;
    rc = rc ? rc : store_root_add(s, "/made", &root, &err);
    if (rc)
        print_message("%s\n", err.msg);
    if (s)
        store_close(s);
    store_remote_close(r);
    return rc || model != 1;
}

static void three_make_it_at_once(void **state)
{
    (void)state;
    char url[600];
    pid_t children[3];
    snprintf(url, sizeof url, "%s/race_%d", server(), (int)getpid());
    for (int i = 0; i < 3; i++)
        if ((children[i] = fork()) == 0)
            _exit(make_it(url));
    for (int i = 0; i < 3; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    struct store_remote *r = open_remote("race");
    struct eye_err err = {0};
    struct store *s = store_open_remote(NULL, r, false, false, &err);
    struct store_root *roots = NULL;
    size_t n = 0;
    for (int tries = 0; n == 0 && tries < 50;
         tries++) { /* what others wrote is seen a moment later */
        usleep(100000);
        store_shrink(s, 0);
        assert_int_equal(store_roots_brief(s, &roots, &n, &err), 0);
        store_roots_free(roots, n);
    }
    assert_int_equal(n, 1);
    store_close(s);
    drop(r);
    store_remote_close(r);
}

static void a_foreign_collection_is_refused(void **state)
{
    (void)state;
    struct eye_err err = {0};
    struct store_remote *r = open_remote("foreign");
    Mv__FieldSchema id = MV__FIELD_SCHEMA__INIT, v = MV__FIELD_SCHEMA__INIT, *fields[] = {&id, &v};
    Mv__KeyValuePair dim = MV__KEY_VALUE_PAIR__INIT, *params[] = {&dim};
    Mv__CollectionSchema schema = MV__COLLECTION_SCHEMA__INIT;
    Mv__CreateCollectionRequest q = MV__CREATE_COLLECTION_REQUEST__INIT;
    uint8_t packed[1024];
    id.name = (char *)(uintptr_t) "id";
    id.data_type = MILVUS_INT;
    id.is_primary_key = true;
    v.name = (char *)(uintptr_t) "vector";
    v.data_type = MILVUS_VECTOR;
    dim.key = (char *)(uintptr_t) "dim";
    dim.value = (char *)(uintptr_t) "8";
    v.type_params = params;
    v.n_type_params = 1;
    schema.name = q.collection_name = (char *)(uintptr_t)milvus_collection(r->m, MILVUS_PICTURES);
    schema.fields = fields;
    schema.n_fields = 2;
    assert_true(mv__collection_schema__get_packed_size(&schema) < sizeof packed);
    q.schema.len = mv__collection_schema__pack(&schema, packed);
    q.schema.data = packed;
    q.shards_num = 1;
    assert_int_equal(
        milvus_call(r->m, "CreateCollection", &q.base, &mv__status__descriptor, NULL, &err), 0);
    struct store *s = store_open_remote(NULL, r, true, false, &err);
    struct hash h = hash_of("model");
    int64_t model;
    assert_int_equal(store_model(s, &h, "test", DIM, true, &model, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "another program"));
    store_close(s);
    drop(r);
    store_remote_close(r);
}

/* ---- machines that write at once ---- */

enum { MACHINES = 3, CONTENTS = 10, COMMITS = 30 };

struct wanted { /* in shared memory: what each machine left behind */
    bool file[MACHINES][CONTENTS];
    char why[MACHINES][1024];
};

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static int change(struct lib *l, int64_t root, unsigned *seed, bool *has)
{
    int k = (int)(next_random(seed) % CONTENTS);
    char name[16], content[16];
    snprintf(name, sizeof name, "%d.jpg", k);
    snprintf(content, sizeof content, "%c content", 'a' + k);
    if (has[k] && next_random(seed) % 4) {
        has[k] = false;
        return store_file_remove(l->s, root, name, &l->err);
    }
    struct store_picture p = {
        .hash = hash_of(content), .size = 1, .width = 4, .height = 3, .format = "png"};
    struct store_file f = {.root = root, .rel = name, .size = 1};
    bool known = false;
    uint16_t row[DIM];
    unit_row(k, row);
    /* as an index run does it: link to what is there, else put it */
    int rc = store_picture_by_hash(l->s, &p.hash, l->model, &f.picture, &known, &l->err);
    if (rc == EYE_ENOTFOUND)
        rc = store_put(l->s, &p, l->model, row, DIM, &f.picture, &l->err);
    has[k] = true;
    return rc ? rc : store_file_set(l->s, &f, &l->err);
}

static int one_machine(int number, struct wanted *w)
{
    struct lib l = {.model = 0};
    struct hash h = hash_of("model");
    unsigned seed = 4711u * (unsigned)(number + 1);
    char path[32];
    int64_t root = 0;
    snprintf(path, sizeof path, "/machine%d", number);
    l.remote = store_remote_open(remote_url, NULL, &l.err);
    l.s = l.remote ? store_open_remote(NULL, l.remote, true, false, &l.err) : NULL;
    int rc = l.s ? store_model(l.s, &h, "test", DIM, true, &l.model, &l.err) : -1;
    rc = rc ? rc : store_root_add(l.s, path, &root, &l.err);
    for (int i = 0; i < COMMITS && !rc; i++) {
        rc = store_begin(l.s, &l.err);
        for (unsigned n = 1 + next_random(&seed) % 4; n && !rc; n--)
            rc = change(&l, root, &seed, w->file[number]);
        rc = rc ? rc : store_commit(l.s, &l.err);
    }
    if (l.s)
        store_close(l.s);
    store_remote_close(l.remote);
    snprintf(w->why[number], sizeof w->why[number], "%s", rc ? l.err.msg : "");
    return rc != 0;
}

static void expect_files(struct lib *l, const struct wanted *w)
{
    uint64_t expected = 0, files = 0;
    for (int k = 0; k < CONTENTS; k++) {
        char content[16], name[16];
        bool wanted = false, known = false;
        int64_t id = 0, at = 0;
        snprintf(content, sizeof content, "%c content", 'a' + k);
        snprintf(name, sizeof name, "%d.jpg", k);
        struct hash h = hash_of(content);
        for (int m = 0; m < MACHINES; m++)
            wanted = wanted || w->file[m][k];
        int rc = store_picture_by_hash(l->s, &h, l->model, &id, &known, &l->err);
        if (rc != (wanted ? 0 : EYE_ENOTFOUND))
            print_message("content %d: %d, wanted %d\n", k, rc, wanted);
        assert_int_equal(rc, wanted ? 0 : EYE_ENOTFOUND);
        assert_int_equal(known, wanted);
        for (int m = 0; m < MACHINES; m++) {
            char path[32];
            snprintf(path, sizeof path, "/machine%d", m);
            rc = store_picture_at(l->s, milvus_root_id(path), name, &at, &l->err);
            assert_int_equal(rc, w->file[m][k] ? 0 : EYE_ENOTFOUND);
            assert_true(rc || at == id);
            files += w->file[m][k];
        }
        expected += wanted;
    }
    struct store_stats st = stats_of(l);
    assert_int_equal(st.pictures, expected);
    assert_int_equal(st.embedded, expected);
    assert_int_equal(st.files, files);
    assert_int_equal(st.roots, MACHINES + 1);
    assert_clean(l);
}

static void three_machines_write_the_same_pictures(void **state)
{
    struct lib *l = *state;
    struct wanted *w =
        mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[MACHINES];
    assert_true(w != MAP_FAILED);
    for (int i = 0; i < MACHINES; i++)
        if ((children[i] = fork()) == 0)
            _exit(one_machine(i, w));
    for (int i = 0; i < MACHINES; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        if (status)
            print_message("machine %d: %s\n", i, w->why[i]);
        assert_int_equal(status, 0);
    }
    sleep(1); /* others' writes are seen by then */
    store_shrink(l->s, 0);
    expect_files(l, w);
    munmap(w, sizeof *w);
}

/* What happens when the two cross, one step after the other: a new path for a picture whose last file another machine takes meanwhile. */
static void a_picture_that_went_meanwhile_is_put_back(void **state)
{
    struct lib *l = *state;
    struct store *other = lib_open(l, false);
    int64_t root2 = 0, id = add(l, "only.jpg", "content"), at = 0, model = 0;
    uint16_t row[DIM], want[DIM];
    bool there = false;
    struct hash h = hash_of("model");
    OK(l, store_root_add(l->s, "/second", &root2, &l->err));
    OK(l, store_model(other, &h, "test", DIM, false, &model, &l->err));
    OK(l, store_begin(other, &l->err));
    struct store_file f = {.picture = id, .root = root2, .rel = "new.jpg", .size = 1};
    OK(l, store_file_set(other, &f, &l->err));
    OK(l, store_file_remove(l->s, l->root, "only.jpg", &l->err));
    struct store_picture p;
    assert_int_equal(store_picture_get(l->s, id, &p, &l->err), EYE_ENOTFOUND);
    OK(l, store_commit(other, &l->err));
    OK(l, store_picture_at(l->s, root2, "new.jpg", &at, &l->err));
    assert_int_equal(at, id);
    OK(l, store_vector_rows(l->s, l->model, DIM, &id, 1, row, &there, &l->err));
    assert_true(there);
    unit_row('c', want);
    assert_memory_equal(row, want, sizeof want);
    assert_clean(l);
    store_close(other);
}

/* ---- what was gathered ---- */

static void gathered_it_is_answered_and_forgotten(void **state)
{
    struct lib *l = *state;
    int64_t a = add(l, "a.jpg", "a"), b = add(l, "b.jpg", "b"), ids[3] = {a, b, 4711};
    set_file(l, l->root, "again.jpg", a);
    OK(l, store_gather(l->s, ids, 3, true, &l->err));
    /* Behind its back: the answers are those that were gathered, so nothing was asked. */
    remote_empty(MILVUS_FILES, "kind == 0");
    remote_empty(MILVUS_PICTURES, "id > 0");
    struct store_picture p;
    char **paths;
    size_t n, online;
    uint16_t rows[3 * DIM], want[DIM];
    bool there[3];
    OK(l, store_picture_get(l->s, a, &p, &l->err));
    assert_true(p.id == a && p.width == 640);
    OK(l, store_picture_paths(l->s, a, &paths, &n, &online, &l->err));
    assert_int_equal(n, 2);
    assert_string_equal(paths[0], "/pics/a.jpg");
    assert_string_equal(paths[1], "/pics/again.jpg");
    store_strings_free(paths, n);
    int64_t sorted[2] = {a < b ? a : b, a < b ? b : a};
    OK(l, store_vector_rows(l->s, l->model, DIM, sorted, 2, rows, there, &l->err));
    assert_true(there[0] && there[1]);
    unit_row(a < b ? 'a' : 'b', want);
    assert_memory_equal(rows, want, sizeof want);
    assert_int_equal(store_picture_get(l->s, 4711, &p, &l->err), EYE_ENOTFOUND);
    store_shrink(l->s, 0);
    assert_int_equal(store_picture_get(l->s, a, &p, &l->err), EYE_ENOTFOUND);
}

static void a_batch_of_a_writer(void **state)
{
    struct lib *l = *state;
    enum { N = 40 };
    struct hash hashes[N];
    struct store_file files[N];
    char names[N][16];
    int64_t old = add(l, "7.jpg", "old content");
    fail_file(l, l->root, "8.jpg", "was broken");
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "%d.jpg", i);
        hashes[i] = hash_of(names[i]);
        files[i] = (struct store_file){.root = l->root, .rel = names[i], .size = 3};
    }
    OK(l, store_begin(l->s, &l->err));
    OK(l, store_gather_hashes(l->s, hashes, N, &l->err));
    OK(l, store_gather_files(l->s, files, N, &l->err));
    for (int i = 0; i < N; i++) {
        bool known = true;
        assert_int_equal(
            store_picture_by_hash(l->s, &hashes[i], l->model, &files[i].picture, &known, &l->err),
            EYE_ENOTFOUND);
        files[i].picture = put(l, names[i]);
        assert_int_equal(store_file_touch(l->s, &files[i], &l->err),
                         i == 7 || i == 8 ? 0 : EYE_ENOTFOUND);
        OK(l, store_file_set(l->s, &files[i], &l->err));
    }
    OK(l, store_commit(l->s, &l->err));
    struct store_picture p;
    assert_int_equal(store_picture_get(l->s, old, &p, &l->err), EYE_ENOTFOUND);
    struct store_stats st = stats_of(l);
    assert_int_equal(st.pictures, N);
    assert_int_equal(st.files, N);
    assert_int_equal(st.failures, 0);
    assert_clean(l);
}

/* ---- transactions ---- */

static void the_node_part_joins(void **state)
{
    struct lib *l = *state;
    int64_t job = 0;
    struct store_job row;
    char *value = NULL;
    OK(l, store_begin(l->s, &l->err));
    OK(l, store_job_new(l->s, 0, 0, "title", &job, &l->err));
    add(l, "a.jpg", "a");
    store_rollback(l->s);
    assert_int_equal(store_job_get(l->s, job, &row, &l->err), EYE_ENOTFOUND);
    assert_int_equal(pictures(l->s), 0);
    OK(l, store_begin(l->s, &l->err));
    OK(l, store_setting_set(l->s, "k", "v", &l->err));
    int64_t id = add(l, "a.jpg", "a");
    assert_int_equal(store_file_set(l->s,
                                    &(struct store_file){.root = 4711, .rel = "x", .picture = id},
                                    &l->err),
                     EYE_ENOTFOUND); /* breaks nothing */
    OK(l, store_commit(l->s, &l->err));
    OK(l, store_setting(l->s, "k", &value, &l->err));
    assert_string_equal(value, "v");
    free(value);
    assert_int_equal(pictures(l->s), 1);
    assert_clean(l);
}

static void what_the_server_did_not_get_did_not_happen(void **state)
{
    struct lib *l = *state;
    struct store_remote_options o = {.patience_ms = 300};
    struct store_remote *away = store_remote_open("milvus://127.0.0.1:9/none", &o, &l->err);
    struct store *s = store_open_remote(l->dir, away, true, false, &l->err);
    assert_non_null(s);
    char *value = NULL;
    OK(l, store_begin(s, &l->err));
    OK(l, store_setting_set(s, "k", "v", &l->err));
    OK(l, store_file_remove(s, 5, "gone.jpg", &l->err)); /* nothing is asked before the commit */
    assert_int_equal(store_commit(s, &l->err), EYE_EREMOTE);
    assert_non_null(strstr(l->err.msg, "127.0.0.1:9"));
    OK(l, store_setting(s, "k", &value, &l->err));
    assert_null(value);
    store_close(s);
    store_remote_close(away);
}

static void an_open_transaction_sees_itself(void **state)
{
    struct lib *l = *state;
    int64_t a = add(l, "a.jpg", "a"), sub = 0, at = 0;
    char **paths;
    size_t n, online;
    OK(l, store_begin(l->s, &l->err));
    int64_t b = add(l, "x/b.jpg", "b");
    set_file(l, l->root, "a2.jpg", a);
    OK(l, store_file_remove(l->s, l->root, "a.jpg", &l->err));
    OK(l, store_root_add(l->s, "/more", &sub, &l->err));
    set_file(l, sub, "c.jpg", b);
    OK(l, store_picture_paths(l->s, b, &paths, &n, &online, &l->err));
    assert_int_equal(n, 2);
    assert_string_equal(paths[0], "/more/c.jpg");
    assert_string_equal(paths[1], "/pics/x/b.jpg");
    store_strings_free(paths, n);
    OK(l, store_picture_paths(l->s, a, &paths, &n, &online, &l->err));
    assert_int_equal(n, 1);
    assert_string_equal(paths[0], "/pics/a2.jpg");
    store_strings_free(paths, n);
    assert_int_equal(store_picture_at(l->s, l->root, "a.jpg", &at, &l->err), EYE_ENOTFOUND);
    store_rollback(l->s);
    OK(l, store_picture_at(l->s, l->root, "a.jpg", &at, &l->err));
    assert_int_equal(at, a);
    assert_int_equal(pictures(l->s), 1);
}

/* ---- names ---- */

static int count_one(void *ctx, const struct store_file *f, const struct store_failure *failure)
{
    (void)f, (void)failure;
    ++*(int *)ctx;
    return 0;
}

static void names_are_bytes(void **state)
{
    struct lib *l = *state;
    static const char *const names[] = {"\xff\xfe",           "a\"b\\c\n\td'", "\xc3\xa4/\xc3\xa4",
                                        "x\xf4\x8f\xbc\x81y", "%_*?",          "dir\"/in\\side"};
    enum { N = sizeof names / sizeof *names };
    char **paths;
    size_t n, online;
    int64_t id = 0, at = 0;
    for (size_t i = 0; i < N; i++)
        id = add(l, names[i], "the same");
    OK(l, store_picture_paths(l->s, id, &paths, &n, &online, &l->err));
    assert_int_equal(n, N);
    store_strings_free(paths, n);
    for (size_t i = 0; i < N; i++) {
        int under = 0;
        OK(l, store_picture_at(l->s, l->root, names[i], &at, &l->err));
        assert_int_equal(at, id);
        OK(l, store_each_file(l->s, l->root, names[i], count_one, &under, &l->err));
        assert_int_equal(under, 1);
    }
    int under = 0;
    OK(l, store_each_file(l->s, l->root, "dir\"", count_one, &under, &l->err));
    assert_int_equal(under, 1);
    assert_clean(l);
}

/* ---- damage ---- */

static void collect(void *ctx, const char *finding)
{
    char *text = ctx;
    size_t len = strlen(text);
    snprintf(text + len, 4096 - len, "%s\n", finding);
}

static void damage_is_found(void **state)
{
    struct lib *l = *state;
    char text[4096] = "", expr[64];
    size_t n = 0;
    int64_t a = add(l, "a.jpg", "a"), lonely = put(l, "lonely");
    snprintf(expr, sizeof expr, "id in [%lld]", (long long)a);
    assert_int_equal(milvus_delete(remote_client, MILVUS_PICTURES, expr, &l->err), 0);
    sleep(1);
    OK(l, store_verify(l->s, collect, text, &n, &l->err));
    if (n != 2)
        print_message("%s", text);
    assert_int_equal(n, 2);
    snprintf(expr, sizeof expr, "picture %lld is missing", (long long)a);
    assert_non_null(strstr(text, expr));
    snprintf(expr, sizeof expr, "no file shows picture %lld", (long long)lonely);
    assert_non_null(strstr(text, expr));
}

/* An argument, with * in it, names the tests to run. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    if (!server() || !*server()) {
        print_message("EYESHINE_TEST_STORE is not set\n");
        return 1;
    }
#define T(f) cmocka_unit_test_setup_teardown(f, lib_setup, lib_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_there),
        cmocka_unit_test(three_make_it_at_once),
        cmocka_unit_test(a_foreign_collection_is_refused),
        T(three_machines_write_the_same_pictures),
        T(a_picture_that_went_meanwhile_is_put_back),
        T(gathered_it_is_answered_and_forgotten),
        T(a_batch_of_a_writer),
        T(the_node_part_joins),
        T(what_the_server_did_not_get_did_not_happen),
        T(an_open_transaction_sees_itself),
        T(names_are_bytes),
        T(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
