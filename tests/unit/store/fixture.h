/* fixture.h - a library in a folder of its own, and short ways to fill it.
 *
 * With EYESHINE_TEST_STORE=milvus://HOST:PORT it is a remote store: a collection of this process's own, emptied for each test and dropped at the end. Tests that
 * look behind store.h begin with embedded_only(). */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/milvus.h"
#include "store/store.h"

enum { DIM = 8 };

struct lib {
    char dir[256];
    struct store *s;
    struct store_remote *remote; /* NULL: embedded */
    struct eye_err err;
    int64_t model, root;
};

#define OK(l, call)                                                                                \
    do {                                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            print_message("%s\n", (l)->err.msg);                                                   \
        assert_int_equal(rc_, 0);                                                                  \
    } while (0)

__attribute__((unused)) static void lib_path(const struct lib *l, const char *suffix, char *out,
                                             size_t size)
{
    snprintf(out, size, "%s/library.db%s", l->dir, suffix);
}

static inline int rm_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline struct hash hash_of(const char *text)
{
    struct hash h;
    hash_bytes(text, strlen(text), &h);
    return h;
}

/* A row of length 1: 1.0 at one place. */
static inline void unit_row(int which, uint16_t *row)
{
    memset(row, 0, DIM * sizeof *row);
    row[(unsigned)which % DIM] = 0x3c00;
}

/* ---- on a server ---- */

static char remote_url[512];
static struct milvus *remote_client;
static struct store_remote *remote_shared; /* by all tests of the process */
static pid_t remote_owner;

static inline void remote_drop(void)
{
    if (getpid() != remote_owner)
        return;
    for (int which = 0; which < 2; which++) {
        Mv__CollectionRequest q = MV__COLLECTION_REQUEST__INIT;
        q.collection_name = (char *)(uintptr_t)milvus_collection(remote_client, which);
        milvus_call(remote_client, "DropCollection", &q.base, &mv__status__descriptor, NULL, NULL);
    }
    store_remote_close(remote_shared);
    milvus_close(remote_client);
    remote_shared = NULL;
    remote_client = NULL;
}

/* NULL: the tests run on the embedded store. */
__attribute__((unused)) static const char *remote_of_tests(void)
{
    const char *server = getenv("EYESHINE_TEST_STORE");
    struct eye_err err = {0};
    if (!server || !*server)
        return NULL;
    if (!remote_client) {
        snprintf(remote_url, sizeof remote_url, "%s/test_%d", server, (int)getpid());
        remote_client = milvus_open(remote_url, NULL, &err);
        if (!remote_client)
            print_message("%s\n", err.msg);
        assert_non_null(remote_client);
        remote_shared = store_remote_open(remote_url, NULL, &err);
        assert_non_null(remote_shared);
        remote_owner = getpid();
        atexit(remote_drop);
    }
    return remote_url;
}

static inline void remote_empty(enum milvus_which which, const char *all)
{
    struct eye_err err = {0};
    uint64_t n = 1;
    bool there = false;
    if (milvus_has(remote_client, which, &there, &err) || !there)
        return;
    int rc = milvus_delete(remote_client, which, all, &err);
    rc = rc ? rc : milvus_count(remote_client, which, all, true, &n, &err);
    if (rc)
        print_message("%s\n", err.msg);
    assert_int_equal(rc, 0);
    assert_int_equal(n, 0);
}

/* ---- ---- */

/* Another handle on the same library. */
__attribute__((unused)) static struct store *lib_open(struct lib *l, bool read_only)
{
    struct store *s = l->remote
                          ? store_open_remote(l->dir, l->remote, !read_only, read_only, &l->err)
                          : store_open(l->dir, true, read_only, &l->err);
    if (!s)
        print_message("%s\n", l->err.msg);
    assert_non_null(s);
    return s;
}

__attribute__((unused)) static void embedded_only(const struct lib *l)
{
    if (l->remote)
        skip();
}

__attribute__((unused)) static int lib_setup(void **state)
{
    struct lib *l = calloc(1, sizeof *l);
    const char *tmp = getenv("TMPDIR"), *url = remote_of_tests();
    snprintf(l->dir, sizeof l->dir, "%s/eyeshine-store-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(l->dir));
    if (url) {
        remote_empty(MILVUS_PICTURES, "id > 0");
        remote_empty(MILVUS_FILES, "kind < 4");
        l->remote = remote_shared;
    }
    l->s = lib_open(l, false);
    struct hash h = hash_of("model");
    OK(l, store_model(l->s, &h, "test", DIM, true, &l->model, &l->err));
    OK(l, store_root_add(l->s, "/pics", &l->root, &l->err));
    *state = l;
    return 0;
}

/* For tests that begin with embedded_only(): on a server nothing is made for them. */
__attribute__((unused)) static int embedded_setup(void **state)
{
    if (!remote_of_tests())
        return lib_setup(state);
    struct lib *l = calloc(1, sizeof *l);
    l->remote = remote_shared;
    *state = l;
    return 0;
}

__attribute__((unused)) static int lib_teardown(void **state)
{
    struct lib *l = *state;
    store_close(l->s);
    if (l->dir[0])
        nftw(l->dir, rm_one, 8, FTW_DEPTH | FTW_PHYS);
    free(l);
    return 0;
}

/* The picture whose bytes are `content`, with a vector; returns its id. */
__attribute__((unused)) static int64_t put(struct lib *l, const char *content)
{
    struct store_picture p = {.hash = hash_of(content),
                              .size = strlen(content),
                              .width = 640,
                              .height = 480,
                              .format = "jpeg",
                              .taken_at = INT64_MIN,
                              .added_at = 1700000000};
    uint16_t row[DIM];
    int64_t id = 0;
    unit_row(content[0], row);
    OK(l, store_put(l->s, &p, l->model, row, DIM, &id, &l->err));
    assert_true(id > 0);
    return id;
}

__attribute__((unused)) static void set_file(struct lib *l, int64_t root, const char *rel,
                                             int64_t picture)
{
    struct store_file f = {
        .picture = picture, .root = root, .rel = rel, .size = 7, .mtime_ns = 1234567890123456789};
    OK(l, store_file_set(l->s, &f, &l->err));
}

/* A picture with these bytes at rel. */
__attribute__((unused)) static int64_t add(struct lib *l, const char *rel, const char *content)
{
    int64_t id = put(l, content);
    set_file(l, l->root, rel, id);
    return id;
}

__attribute__((unused)) static void fail_file(struct lib *l, int64_t root, const char *rel,
                                              const char *reason)
{
    struct store_failure f = {.root = root,
                              .rel = rel,
                              .size = 9,
                              .mtime_ns = 42,
                              .code = EYE_EFORMAT,
                              .reason = reason,
                              .at = 1700000001};
    OK(l, store_failure_set(l->s, &f, &l->err));
}

static inline void print_finding(void *ctx, const char *finding)
{
    (void)ctx;
    print_message("finding: %s\n", finding);
}

__attribute__((unused)) static void assert_clean(struct lib *l)
{
    size_t findings = 99;
    OK(l, store_verify(l->s, print_finding, NULL, &findings, &l->err));
    assert_int_equal(findings, 0);
}

__attribute__((unused)) static struct store_stats stats_of(struct lib *l)
{
    struct store_stats st;
    OK(l, store_stats(l->s, l->model, &st, &l->err));
    return st;
}

__attribute__((unused)) static int64_t generation_of(struct lib *l)
{
    struct store_mark mark;
    OK(l, store_vectors_mark(l->s, l->model, &mark, &l->err));
    return mark.changes; /* of a remote store always 0 */
}

/* SQL through a connection of its own, as damage or a foreign hand would do it. */
__attribute__((unused)) static void raw_sql(const struct lib *l, const char *sql)
{
    char path[300];
    sqlite3 *db = NULL;
    lib_path(l, "", path, sizeof path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *msg = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &msg);
    if (rc)
        print_message("%s: %s\n", sql, msg);
    assert_int_equal(rc, SQLITE_OK);
    sqlite3_close(db);
}

#endif
