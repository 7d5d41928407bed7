/* test_unzip.c - the zips of tools/hostile/make_zips.py, each with what it must come to; limits; a child that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/unzip.h"
#include "base/nursery.h"
#include "base/sandbox.h"
#include "descriptors.h"

enum { KEPT = 16 };

struct seen {
    char name[KEPT][64], reason[KEPT][128];
    uint64_t size[KEPT];
    char last[64]; /* start of the last file's bytes */
    uint64_t n, whole, bytes;
    const char *skip; /* files that begin so */
    uint64_t stop_after;
    int stop_code;
    bool open;
    struct eye_err err;
};

static int on_begin(void *ctx, const char *name, uint64_t size)
{
    struct seen *s = ctx;
    assert_false(s->open);
    if (s->skip && strncmp(name, s->skip, strlen(s->skip)) == 0)
        return 1;
    if (s->n < KEPT) {
        snprintf(s->name[s->n], sizeof(s->name[0]), "%s", name);
        s->size[s->n] = size;
    }
    s->open = true;
    memset(s->last, 0, sizeof(s->last));
    return 0;
}

static int on_data(void *ctx, const void *bytes, size_t len)
{
    struct seen *s = ctx;
    assert_true(s->open && len > 0);
    size_t had = strlen(s->last), room = sizeof(s->last) - 1 - had;
    memcpy(s->last + had, bytes, len < room ? len : room);
    s->bytes += len;
    return s->stop_after && s->bytes >= s->stop_after ? s->stop_code : 0;
}

static int on_end(void *ctx, bool whole, const char *reason)
{
    struct seen *s = ctx;
    assert_true(s->open);
    assert_true(whole == (reason == NULL));
    if (s->n < KEPT)
        snprintf(s->reason[s->n], sizeof(s->reason[0]), "%s", reason ? reason : "");
    s->open = false;
    s->n++;
    s->whole += whole;
    return 0;
}

static int unzip_with(void **state, unzip_job *job, const char *name,
                      const struct unzip_limits *limits, struct seen *s)
{
    char path[400];
    struct unzip_sink sink = {on_begin, on_data, on_end, s};
    snprintf(path, sizeof(path), "%s/%s", (char *)*state, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int rc = archive_unzip_job(job, fd, limits, &sink, &s->err);
    assert_false(s->open); /* what was begun was ended */
    assert_true((rc == 0) == (s->err.msg[0] == '\0') || s->stop_code);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no child is left */
    close(fd);
    return rc;
}

static int unzip(void **state, const char *name, struct seen *s)
{
    return unzip_with(state, unzip_job_zip, name, NULL, s);
}

/* ---- good ones ---- */

static void test_files_and_only_files(void **state)
{
    struct seen s = {0};
    assert_int_equal(unzip(state, "good.zip", &s), 0);
    assert_int_equal(s.n, 6); /* the symbolic link and the folder are not told */
    assert_int_equal(s.whole, 6);
    assert_string_equal(s.name[0], "a.txt");
    assert_string_equal(s.name[1], "deep/folder/b.bin");
    assert_int_equal(s.size[1], 200000);
    assert_string_equal(s.name[2], "Ünïcode 写真.txt");
    assert_string_equal(s.name[3], "none.txt");
    assert_string_equal(s.last, "bye");
    assert_int_equal(s.bytes, 5 + 200000 + 4 + 3);
    s = (struct seen){.skip = "deep"};
    assert_int_equal(unzip(state, "good.zip", &s), 0);
    assert_int_equal(s.n, 5);
    assert_int_equal(s.bytes, 5 + 4 + 3);
    s = (struct seen){0};
    assert_int_equal(unzip(state, "stored64.zip", &s), 0);
    assert_string_equal(s.last, "sixty-four");
    s = (struct seen){0};
    assert_int_equal(unzip(state, "empty.zip", &s), 0);
    assert_int_equal(s.n, 0);
    s = (struct seen){0};
    assert_int_equal(unzip(state, "nested.zip", &s), 0); /* a zip inside stays one */
    assert_int_equal(s.n, 1);
    assert_memory_equal(s.last, "PK", 2);
}

static void test_many_files(void **state)
{
    struct seen s = {0};
    struct unzip_limits limits = unzip_limits_default;
    assert_int_equal(unzip(state, "many.zip", &s), 0);
    assert_int_equal(s.whole, 70000);
    assert_string_equal(s.last, "69999");
    s = (struct seen){.skip = "d"}; /* none is wanted */
    assert_int_equal(unzip(state, "many.zip", &s), 0);
    assert_int_equal(s.n + s.bytes, 0);
    limits.max_entries = 500;
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, unzip_job_zip, "many.zip", &limits, &s), EYE_ELIMIT);
    assert_int_equal(s.n, 500);
    assert_non_null(strstr(s.err.msg, "500 files"));
}

static void test_names_come_raw(void **state)
{
    struct seen s = {0};
    assert_int_equal(unzip(state, "slip.zip", &s), 0);
    assert_int_equal(s.whole, 9);
    assert_string_equal(s.name[0], "../../../tmp/evil");
    assert_string_equal(s.name[1], "/etc/cron.d/evil");
    assert_string_equal(s.name[2], "a/../../b");
    assert_string_equal(s.name[5], "\xe9t\xe9.jpg");
    assert_string_equal(s.name[6], "new\nline");
    assert_int_equal(access("/tmp/evil", F_OK), -1);
}

static void test_is_zip(void **state)
{
    (void)state;
    assert_true(archive_is_zip("PK\3\4", 4));
    assert_true(archive_is_zip("PK\5\6 and more", 13));
    assert_false(archive_is_zip("PK\3\4", 3));
    assert_false(archive_is_zip("PNG\4", 4));
}

/* ---- broken and hostile ones ---- */

static void test_broken(void **state)
{
    static const char *const none[] = {"garbage.zip", "letter.zip", "short.zip"};
    struct seen s;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        s = (struct seen){0};
        assert_int_equal(unzip(state, none[i], &s), EYE_EFORMAT);
        assert_int_equal(s.n, 0);
    }
    s = (struct seen){0};
    assert_int_equal(unzip(state, "tar.zip", &s), EYE_EFORMAT);
    s = (struct seen){0};
    assert_int_equal(unzip(state, "cut.zip", &s),
                     EYE_EFORMAT); /* what was before the cut is there */
    assert_int_equal(s.n, 2);
    assert_int_equal(s.whole, 1);
    assert_non_null(strstr(s.reason[1], "damaged or cut short"));
    s = (struct seen){0};
    assert_int_equal(unzip(state, "cut_directory.zip", &s), 0);
    assert_in_range(s.whole, 6, 7);
    s = (struct seen){0};
    assert_int_equal(unzip(state, "badcrc.zip", &s), 0); /* costs that file */
    assert_int_equal(s.n, 1);
    assert_int_equal(s.whole, 0);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(archive_unzip(pipes[0], NULL, NULL, &s.err), EYE_EFORMAT);
    assert_int_equal(archive_unzip(-1, NULL, NULL, &s.err), EYE_EIO);
    close(pipes[0]), close(pipes[1]);
}

static void test_encrypted(void **state)
{
    struct seen s = {0};
    assert_int_equal(unzip(state, "encrypted.zip", &s), EYE_EFORMAT);
    assert_non_null(strstr(s.err.msg, "encrypted"));
    assert_string_equal(s.reason[0], "it is encrypted");
    s = (struct seen){0};
    assert_int_equal(unzip(state, "half_encrypted.zip", &s), 0);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.reason[0], "it is encrypted");
    assert_string_equal(s.last, "open");
}

static void test_bombs(void **state)
{
    struct unzip_limits limits = unzip_limits_default;
    struct seen s = {0};
    assert_int_equal(unzip(state, "bomb.zip", &s), 0); /* by what it claims: not a byte is read */
    assert_int_equal(s.bytes, 0);
    assert_string_equal(s.reason[0], "it is larger than the allowed 512 MiB");
    limits.max_entry_bytes = 20 << 20;
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, unzip_job_zip, "liar.zip", &limits, &s), 0);
    assert_in_range(s.bytes, 19 << 20, 20 << 20);
    assert_string_equal(s.reason[0], "it is larger than the allowed 20 MiB");
    limits.max_entry_bytes = UINT64_MAX;
    limits.max_ratio = 2;
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, unzip_job_zip, "bomb.zip", &limits, &s), EYE_ELIMIT);
    assert_in_range(s.bytes, 16 << 20, 22 << 20);
    assert_non_null(strstr(s.err.msg, "bomb"));
    assert_non_null(strstr(s.reason[0], "bomb"));
    limits = unzip_limits_default;
    limits.max_total_bytes = 100000;
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, unzip_job_zip, "good.zip", &limits, &s), EYE_ELIMIT);
    assert_int_equal(s.n, 2);
    s = (struct seen){.skip = "zeros"}; /* what is not wanted is not inflated */
    assert_int_equal(unzip(state, "bomb.zip", &s), 0);
    s = (struct seen){0};
    int rc = unzip(state, "overlap.zip", &s);
    assert_true(rc == 0 || rc == EYE_ELIMIT);
    assert_true(s.bytes <= 200 * 111315 + (1 << 20));
}

static void test_sink_stops(void **state)
{
    struct seen s = {.stop_after = 100000, .stop_code = -77};
    assert_int_equal(unzip(state, "good.zip", &s), -77);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.err.msg, "");
    s = (struct seen){.stop_after = 1, .stop_code = EYE_EREMOTE};
    assert_int_equal(unzip(state, "good.zip", &s),
                     EYE_EREMOTE); /* the sink's own; no child was lost */
    assert_string_equal(s.err.msg, "");
}

/* ---- a child that a zip has taken over ---- */

static void say(struct unzip_voice *v, struct unzip_frame frame, const void *bytes)
{
    unzip_say(v, &frame, bytes);
}

static void good_start(struct unzip_voice *v)
{
    say(v, (struct unzip_frame){.kind = UNZIP_ENTRY, .len = 1}, "a");
    say(v, (struct unzip_frame){.kind = UNZIP_DATA, .len = 2}, "bc");
}

static void job_dies(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    (void)limits, (void)size;
    good_start(v);
    unzip_flush(v);
    raise(SIGKILL);
}

static void job_aborts(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    (void)v, (void)limits, (void)size;
    abort();
}

static void job_quits(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    (void)limits, (void)size;
    good_start(v);
}

static void job_runs_on(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    (void)v, (void)limits, (void)size;
    for (volatile unsigned i = 0;; i++)
        ;
}

static void job_forks(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    (void)v, (void)limits, (void)size;
    if (fork() >= 0)
        say(v, (struct unzip_frame){.kind = UNZIP_DONE}, NULL);
}

static void test_child_is_lost(void **state)
{
    struct unzip_limits limits = unzip_limits_default;
    struct seen s = {0};
    assert_int_equal(unzip_with(state, job_dies, "good.zip", NULL, &s), EYE_EREMOTE);
    assert_non_null(strstr(s.err.msg, "killed"));
    assert_int_equal(s.n, 1);
    assert_int_equal(s.whole, 0);
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, job_aborts, "good.zip", NULL, &s), EYE_EREMOTE);
    assert_true(strstr(s.err.msg, "signal 6") || SANDBOX_SANITIZED);
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, job_quits, "good.zip", NULL, &s), EYE_EREMOTE);
    limits.max_seconds = 1;
    s = (struct seen){0};
    assert_int_equal(unzip_with(state, job_runs_on, "good.zip", &limits, &s), EYE_ELIMIT);
    assert_non_null(strstr(s.err.msg, "longer than 1 s"));
    if (!SANDBOX_SANITIZED) {
        s = (struct seen){0};
        assert_int_equal(unzip_with(state, job_forks, "good.zip", NULL, &s), EYE_EREMOTE);
        assert_non_null(strstr(s.err.msg, "sandbox"));
    }
}

/* The limit's number of entries says which lie is told. */
static void job_lies(struct unzip_voice *v, const struct unzip_limits *limits, int64_t size)
{
    static const char zeros[200] = "";
    (void)size;
    switch (limits->max_entries) {
    case 1: say(v, (struct unzip_frame){.kind = UNZIP_DATA, .len = 1}, "x"); break;
    case 2: say(v, (struct unzip_frame){.kind = UNZIP_ENTRY, .len = 3}, "a\0b"); break;
    case 3: say(v, (struct unzip_frame){.kind = UNZIP_ENTRY}, NULL); break;
    case 4: good_start(v), say(v, (struct unzip_frame){.kind = UNZIP_ENTRY, .len = 1}, "b"); break;
    case 5: good_start(v), say(v, (struct unzip_frame){.kind = UNZIP_DONE}, NULL); break;
    case 6: say(v, (struct unzip_frame){.kind = UNZIP_READY}, NULL); break;
    case 7: say(v, (struct unzip_frame){.kind = 7}, NULL); break;
    case 8: good_start(v), say(v, (struct unzip_frame){.kind = UNZIP_DATA}, NULL); break;
    case 9:
        good_start(v), say(v, (struct unzip_frame){.kind = UNZIP_DATA, .len = 200}, zeros);
        break;
    case 10: {
        struct unzip_frame huge = {.kind = UNZIP_ENTRY, .len = 0x7fffffff};
        good_start(v);
        memcpy(v->bytes + v->len, &huge, sizeof(huge));
        v->len += sizeof(huge);
        break;
    }
    case 11: say(v, (struct unzip_frame){.kind = UNZIP_DONE, .code = 5, .len = 3}, "\033[m"); break;
    default: break;
    }
}

static void test_lies_are_found(void **state)
{
    struct unzip_limits limits = unzip_limits_default;
    limits.max_entry_bytes = 100;
    for (limits.max_entries = 1; limits.max_entries <= 11; limits.max_entries++) {
        struct seen s = {0};
        int rc = unzip_with(state, job_lies, "good.zip", &limits, &s);
        if (rc != EYE_EREMOTE || s.whole != 0 || strchr(s.err.msg, '\033'))
            fail_msg("lie %d: %d %s", (int)limits.max_entries, rc, s.err.msg);
    }
}

/* ---- several at a time ---- */

static int nowhere(void *ctx, const void *bytes, size_t len)
{
    (void)ctx, (void)bytes, (void)len;
    return 0;
}

static void *unzip_often(void *folder)
{
    struct seen *s = calloc(1, sizeof(*s));
    struct unzip_sink sink = {on_begin, on_data, on_end, s};
    char path[400];
    snprintf(path, sizeof(path), "%s/good.zip", (char *)folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC), wrong = fd < 0;
    for (int i = 0; i < 10; i++) {
        struct zip_writer *z =
            zip_new(nowhere, NULL, NULL); /* loads a locale, under a lock that a child needs too */
        wrong += archive_unzip(fd, NULL, &sink, &s->err) != 0 || !z;
        zip_free(z);
    }
    wrong += s->whole != 60;
    free(s);
    close(fd);
    return wrong ? folder : NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    int before = descriptors();
    nursery_hold(); /* as a library that is open: children are not forked from among the threads */
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, unzip_often, *state), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    nursery_drop();
    assert_int_equal(descriptors(), before);
}

static int make_zips(void **state)
{
    char *dir = calloc(1, 300), command[400];
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, 300, "%s/eyeshine-zips-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(command, sizeof(command), "python3 tools/hostile/make_zips.py %s", dir);
    *state = dir;
    return system(command);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int remove_zips(void **state)
{
    int rc = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_and_only_files),
        cmocka_unit_test(test_many_files),
        cmocka_unit_test(test_names_come_raw),
        cmocka_unit_test(test_is_zip),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_sink_stops),
        cmocka_unit_test(test_child_is_lost),
        cmocka_unit_test(test_lies_are_found),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, make_zips, remove_zips);
}
