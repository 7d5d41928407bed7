/* test_decoder.c - the decoder's processes: what they give, what they may not do, what they cost when they fail.
 *
 * Most tests put a misbehaving job in the codecs' place: the first byte of a file says what the worker does with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "image/decoder_internal.h"

enum { HIDDEN_FD = 100, SIDE = 8 };
static const struct image_prep small_prep = {.width = SIDE, .height = SIDE};

/* ---- the misbehaving job ---- */

static void *touch_memory(void *arg)
{
    (void)arg;
    return malloc(1);
}

static int run_thread(struct eye_err *err)
{
    pthread_t thread;
    void *got;
    int rc = pthread_create(&thread, NULL, touch_memory, NULL);
    if (rc != 0)
        return eye_fail_errno(err, rc, "thread");
    pthread_join(thread, &got);
    free(got);
    return 0;
}

static void touch_forbidden_memory(void)
{
    volatile char *wall = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wall[0] = 1;
}

static int eat_memory(struct eye_err *err)
{
    for (;;) {
        void *piece = malloc(1 << 20);
        if (!piece)
            return eye_fail(err, EYE_ENOMEM, "no more");
        memset(piece, 1, 1 << 20);
    }
}

/* Above the pieces, so that the heap's top does not shrink by itself. */
static void *volatile pin;

/* 150 MB in pieces that malloc keeps for itself when they are freed. */
static void heap_in_use(void)
{
    enum { PIECES = 1500, PIECE = 100000 };
    void **pieces = calloc(PIECES, sizeof(*pieces));
    for (int i = 0; pieces && i < PIECES; i++)
        if ((pieces[i] = malloc(PIECE)))
            memset(pieces[i], 1, PIECE);
    pin = malloc(PIECE);
    for (int i = 0; pieces && i < PIECES; i++)
        free(pieces[i]);
    free(pieces);
}

static int open_descriptors(int own)
{
    int n = 0;
    char byte;
    for (int fd = SANDBOX_SOCKET + 1; fd < 1024; fd++)
        n += fd != own && (pread(fd, &byte, 1, 0) >= 0 || errno != EBADF);
    return n;
}

static int tell_errno(long rc, const char *what, struct eye_err *err)
{
    return rc >= 0 ? 0 : eye_fail(err, EYE_EIO, "%s: errno %d", what, errno);
}

static void lie(uint8_t kind, struct image_meta *meta)
{
    if (kind == 'w')
        meta->width = -1;
    if (kind == 'h')
        meta->height = 2000000000;
    if (kind == 'f')
        meta->format = (enum image_format)77;
    if (kind == 'o')
        meta->orientation = 9;
    if (kind == 'g')
        meta->lat = 1e300, meta->has_gps = true;
    if (kind == 't')
        meta->taken_at = INT64_MAX;
    if (kind == 'c')
        memset(meta->camera, 'A', sizeof(meta->camera));
    if (kind == 'm') {
        struct decoder_answer nonsense = {.magic = 1};
        wire_send(SANDBOX_SOCKET, &nonsense, sizeof(nonsense), -1);
    }
}

static int misbehave(uint8_t kind, int fd, struct eye_err *err)
{
    switch (kind) {
    case 'C': touch_forbidden_memory(); break;
    case 'A': abort();
    case 'X': _exit(3);
    case 'B':
        for (volatile unsigned i = 0;; i++)
            ;
    case 'S':
        for (;;)
            pause(), nanosleep(&(struct timespec){1, 0}, NULL);
    case 'M': return eat_memory(err);
    case 'O': return tell_errno(open("/etc/passwd", O_RDONLY), "open", err);
    case 'N': return tell_errno(socket(AF_INET, SOCK_STREAM, 0), "socket", err);
    case 'F': return tell_errno(fork(), "fork", err);
    case 'E': return tell_errno(execl("/bin/true", "true", (char *)NULL), "exec", err);
    case 'W': return tell_errno(pwrite(fd, "x", 1, 0), "write", err);
    case 'J':
        return tell_errno(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                              ? -1
                              : 0,
                          "mmap", err);
    case 'T': return run_thread(err);
    case 'H': heap_in_use(); break;
    case 'Z': nanosleep(&(struct timespec){0, 500000000}, NULL); break;
    case 'D':
        if (open_descriptors(fd) > 0)
            return eye_fail(err, EYE_EIO, "%d descriptors of the parent", open_descriptors(fd));
        break;
    case 'R': return eye_fail(err, EYE_EFORMAT, "bad \x01 bytes");
    default: break;
    }
    return 0;
}

/* A file is: kind, value, ... Gives pixels that all have the value. */
static int job(int fd, uint64_t size, const struct image_limits *limits,
               const struct image_prep *prep, struct image *out, struct image_meta *meta,
               struct eye_err *err)
{
    uint8_t file[2] = {0, 0};
    (void)limits;
    if (size < 2 || pread(fd, file, 2, 0) != 2)
        return eye_fail(err, EYE_EINTERNAL, "the test's file is too short");
    int code = misbehave(file[0], fd, err);
    if (code != 0)
        return code;
    size_t bytes = (size_t)prep->width * (size_t)prep->height * 3;
    *out = (struct image){prep->width, prep->height, malloc(bytes)};
    if (!out->rgb)
        return EYE_ENOMEM;
    memset(out->rgb, file[1], bytes);
    *meta = (struct image_meta){.format = IMAGE_PNG,
                                .width = 640,
                                .height = 480,
                                .orientation = 6,
                                .taken_at = 1700000000,
                                .camera = "Acme Box",
                                .has_gps = true,
                                .lat = 52.5,
                                .lon = -13.25};
    if (file[0] == 'L')
        lie(file[1], meta);
    return 0;
}

/* ---- tools ---- */

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

static struct decoder_pool *open_pool(int nworkers, int seconds)
{
    struct image_limits limits = image_limits_default;
    struct eye_err err = {0, ""};
    limits.max_seconds = seconds;
    limits.max_memory = 64 << 20;
    struct decoder_pool *pool = decoder_open_job(job, nworkers, &limits, &err);
    if (!pool)
        fail_msg("decoder_open: %s", err.msg);
    return pool;
}

/* Decode a file of the two bytes; checks the pixels when it succeeds. */
static int decode2(struct decoder_pool *pool, char kind, char value, struct eye_err *err)
{
    char bytes[2] = {kind, value};
    struct image img = {0, 0, NULL};
    int fd = file_of(bytes, sizeof(bytes));
    int code = decoder_decode(pool, fd, &small_prep, &img, NULL, err);
    close(fd);
    if (code == 0) {
        assert_int_equal(img.width, SIDE);
        assert_int_equal(img.height, SIDE);
        for (size_t i = 0; i < SIDE * SIDE * 3; i++)
            assert_int_equal(img.rgb[i], (uint8_t)value);
        image_release(&img);
    }
    return code;
}

static void assert_works(struct decoder_pool *pool)
{
    struct eye_err err = {0, ""};
    if (decode2(pool, 'p', 'v', &err) != 0)
        fail_msg("a good file fails: %s", err.msg);
}

static void assert_fails(struct decoder_pool *pool, char kind, int code, const char *text)
{
    struct eye_err err = {0, ""};
    int got = decode2(pool, kind, 0, &err);
    if (got != code || !strstr(err.msg, text))
        fail_msg("%c: %d \"%s\" instead of %d \"%s\"", kind, got, err.msg, code, text);
    assert_works(pool);
}

/* The second field of "pid (name) state ppid": state and parent of a process; false if it is gone. */
static bool process_state(pid_t pid, char *state, pid_t *parent)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    char *end = strrchr(text, ')');
    return end && sscanf(end + 1, " %c %d", state, parent) == 2;
}

/* Processes whose parent is `parent`, dead ones included. */
static int children_of(pid_t parent, pid_t *out, int max)
{
    DIR *proc = opendir("/proc");
    int n = 0;
    assert_non_null(proc);
    for (struct dirent *e; (e = readdir(proc)) && n < max;) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10), its_parent = 0;
        char state;
        if (pid > 0 && process_state(pid, &state, &its_parent) && its_parent == parent)
            out[n++] = pid;
    }
    closedir(proc);
    return n;
}

static pid_t only_child(pid_t parent)
{
    pid_t pids[4] = {0};
    assert_int_equal(children_of(parent, pids, 4), 1);
    return pids[0];
}

/* A sanitizer's own thread may hold the descriptors for a moment after the first one has ended. */
static int threads_of(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return 0;
    for (struct dirent *e; (e = readdir(tasks));)
        n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}

/* Gone or a zombie that someone else has to bury. */
static bool is_dead(pid_t pid)
{
    char state = 'X';
    pid_t parent;
    if (!process_state(pid, &state, &parent))
        return true;
    return (state == 'Z' || state == 'X') && threads_of(pid) <= 1;
}

static void assert_dies(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (is_dead(pid))
            return;
        usleep(20000);
    }
    fail_msg("process %d lives on", pid);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Processor seconds of children that were waited for, and of theirs. */
static double children_cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static long resident_kb(pid_t pid)
{
    char path[64];
    long pages = 0, total = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &pages), 2);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- what it gives ---- */

static void test_gives_pixels_and_meta(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    struct image img = {0, 0, NULL};
    struct image_meta meta;
    struct eye_err err;
    int fd = file_of("pq", 2);
    assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
    assert_int_equal(decoder_decode(pool, fd, &small_prep, &img, &meta, &err), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1); /* the caller's offset is its own */
    assert_int_equal(img.rgb[SIDE * SIDE * 3 - 1], 'q');
    assert_int_equal(meta.format, IMAGE_PNG);
    assert_int_equal(meta.width, 640);
    assert_int_equal(meta.height, 480);
    assert_int_equal(meta.orientation, 6);
    assert_int_equal(meta.taken_at, 1700000000);
    assert_string_equal(meta.camera, "Acme Box");
    assert_true(meta.has_gps && meta.lat == 52.5 && meta.lon == -13.25);
    image_release(&img);
    close(fd);
    decoder_close(pool);
}

static void test_large_result(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    struct image_prep prep = {.width = 1500, .height = 1001};
    struct image img = {0, 0, NULL};
    struct eye_err err = {0, ""};
    int fd = file_of("pz", 2);
    assert_int_equal(decoder_decode(pool, fd, &prep, &img, NULL, &err), 0);
    assert_int_equal(img.width, 1500);
    assert_int_equal(img.height, 1001);
    for (size_t i = 0; i < 1500 * 1001 * 3; i += 997)
        assert_int_equal(img.rgb[i], 'z');
    image_release(&img);
    close(fd);
    decoder_close(pool);
}

struct crowd {
    struct decoder_pool *pool;
    int wrong;
    pthread_mutex_t lock;
};

static void *crowd_member(void *arg)
{
    struct crowd *crowd = arg;
    struct eye_err err;
    int wrong = 0;
    for (int i = 0; i < 40; i++) {
        struct image img = {0, 0, NULL};
        char bytes[2] = {i % 10 == 9 ? 'C' : 'p', (char)(i * 3)};
        int fd = memfd_create("test", MFD_CLOEXEC);
        wrong += write(fd, bytes, 2) != 2;
        int code = decoder_decode(crowd->pool, fd, &small_prep, &img, NULL, &err);
        if (bytes[0] == 'C')
            wrong += code != EYE_EREMOTE;
        else
            wrong += code != 0 || img.rgb[0] != (uint8_t)bytes[1] || img.rgb[190] != img.rgb[0];
        image_release(&img);
        close(fd);
    }
    pthread_mutex_lock(&crowd->lock);
    crowd->wrong += wrong;
    pthread_mutex_unlock(&crowd->lock);
    return NULL;
}

static void test_many_threads_share_few_workers(void **state)
{
    (void)state;
    struct crowd crowd = {open_pool(3, 10), 0, PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &crowd), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.wrong, 0);
    decoder_close(crowd.pool);
}

static void test_one_thread_keeps_one_worker(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(4, 10);
    for (int i = 0; i < 5; i++)
        assert_works(pool);
    only_child(only_child(getpid()));
    decoder_close(pool);
}

static void *decode_slowly(void *pool)
{
    struct eye_err err;
    decode2(pool, 'Z', 1, &err);
    return NULL;
}

static void test_living_worker_goes_before_new(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(2, 10);
    pid_t nursery = only_child(getpid()), pids[4];
    pthread_t thread;
    struct eye_err err;
    assert_int_equal(pthread_create(&thread, NULL, decode_slowly, pool), 0);
    usleep(100000);
    assert_works(pool); /* beside the slow one: a second worker */
    pthread_join(thread, NULL);
    assert_int_equal(children_of(nursery, pids, 4), 2);
    assert_int_equal(decode2(pool, 'C', 0, &err), EYE_EREMOTE);
    assert_works(pool);
    assert_int_equal(children_of(nursery, pids, 4), 1);
    decoder_close(pool);
}

/* ---- failures ---- */

static void test_crashes_cost_one_file(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    assert_fails(pool, 'C', EYE_EREMOTE, "crashed on this file (signal 11)");
    assert_fails(pool, 'A', EYE_EREMOTE, "crashed on this file (signal 6)");
    assert_fails(pool, 'X', EYE_EREMOTE, "exit code 3");
    assert_fails(pool, 'R', EYE_EFORMAT, "bad \\x01 bytes");
    decoder_close(pool);
}

static void test_busy_worker_is_stopped(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 1);
    double start = now(), before = children_cpu();
    assert_fails(pool, 'B', EYE_ELIMIT, "decoding took longer than 1 s");
    assert_true(now() - start >= 0.9);
    decoder_close(pool);
    /* By its processor time; on a busy machine it does not come to that before the wall clock ends it. */
    assert_true(children_cpu() - before < 2);
}

static void test_waiting_worker_is_stopped(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 1);
    double start = now();
    assert_fails(pool, 'S', EYE_ELIMIT, "decoding took longer than 1 s");
    assert_true(now() - start >= 3.5); /* it used no processor time: four times as patient */
    decoder_close(pool);
}

static void test_memory_limit(void **state)
{
    (void)state;
    if (SANDBOX_SANITIZED)
        skip(); /* see base/sandbox.h */
    struct decoder_pool *pool = open_pool(1, 10);
    for (int i = 0; i < 3; i++)
        assert_fails(pool, 'M', EYE_ELIMIT, "needs more than 64 MiB of memory");
    decoder_close(pool);
}

static void test_memory_is_given_back(void **state)
{
    (void)state;
    if (SANDBOX_SANITIZED)
        skip();
    struct image_limits limits = image_limits_default;
    struct eye_err err = {0, ""};
    struct decoder_pool *pool = decoder_open_job(job, 1, &limits, &err);
    assert_non_null(pool);
    assert_works(pool);
    pid_t worker = only_child(only_child(getpid()));
    long before = resident_kb(worker);
    assert_int_equal(decode2(pool, 'H', 1, &err), 0);
    assert_works(pool); /* by now the worker has tidied up after the file before */
    assert_int_equal(only_child(only_child(getpid())), worker);
    assert_true(resident_kb(worker) < before + 20000);
    decoder_close(pool);
}

static void test_sandbox_refuses(void **state)
{
    (void)state;
    if (SANDBOX_SANITIZED)
        skip();
    struct decoder_pool *pool = open_pool(1, 10);
    char denied[32], unknown[32];
    snprintf(denied, sizeof(denied), "open: errno %d", EACCES);
    assert_fails(pool, 'O', EYE_EIO, denied);
    snprintf(unknown, sizeof(unknown), "write: errno %d", ENOSYS);
    assert_fails(pool, 'W', EYE_EIO, unknown);
    snprintf(unknown, sizeof(unknown), "mmap: errno %d", ENOSYS);
    assert_fails(pool, 'J', EYE_EIO, unknown);
    assert_fails(pool, 'N', EYE_EREMOTE, "stopped by its sandbox");
    assert_fails(pool, 'F', EYE_EREMOTE, "stopped by its sandbox");
    assert_fails(pool, 'E', EYE_EREMOTE, "stopped by its sandbox");
    decoder_close(pool);
}

static void test_sandbox_can_be_left_out(void **state)
{
    (void)state;
    struct eye_err err = {0, ""};
    setenv("EYESHINE_SANDBOX", "off", 1);
    struct decoder_pool *pool = open_pool(1, 10);
    unsetenv("EYESHINE_SANDBOX");
    assert_int_equal(decode2(pool, 'O', 1, &err), 0);
    decoder_close(pool);
}

static void test_threads_are_allowed(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    struct eye_err err = {0, ""};
    for (int i = 0; i < 3; i++)
        if (decode2(pool, 'T', 1, &err) != 0)
            fail_msg("%s", err.msg);
    decoder_close(pool);
}

static void test_parents_descriptors_are_closed(void **state)
{
    (void)state;
    int secret = open("Makefile", O_RDONLY); /* not close-on-exec, as a library's might be */
    assert_true(secret >= 0);
    assert_int_equal(dup2(secret, HIDDEN_FD), HIDDEN_FD);
    struct decoder_pool *pool = open_pool(1, 10);
    struct eye_err err = {0, ""};
    for (int i = 0; i < 3; i++) /* and the files it was given before */
        if (decode2(pool, 'D', 1, &err) != 0)
            fail_msg("%s", err.msg);
    decoder_close(pool);
    close(HIDDEN_FD);
    close(secret);
}

static void test_lies_are_found(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    struct eye_err err;
    for (const char *kind = "whfogtm"; *kind; kind++) {
        if (decode2(pool, 'L', *kind, &err) != EYE_EREMOTE)
            fail_msg("lie %c is believed", *kind);
        assert_works(pool);
    }
    struct image img = {0, 0, NULL};
    struct image_meta meta;
    int fd = file_of("Lc", 2); /* an endless camera name is dropped */
    assert_int_equal(decoder_decode(pool, fd, &small_prep, &img, &meta, &err), 0);
    assert_string_equal(meta.camera, "");
    image_release(&img);
    close(fd);
    decoder_close(pool);
}

static void test_what_is_not_even_asked(void **state)
{
    (void)state;
    struct image_limits limits = image_limits_default;
    limits.max_bytes = 3 << 20;
    struct eye_err err;
    struct image img = {0, 0, NULL};
    struct decoder_pool *pool = decoder_open_job(job, 1, &limits, &err);
    assert_non_null(pool);
    int fd = file_of("p1", 2), empty = file_of("", 0), large = file_of("p1", 2), folder, pipes[2];
    assert_int_equal(ftruncate(large, 4 << 20), 0);
    folder = open("/tmp", O_RDONLY);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(decoder_decode(pool, empty, &small_prep, &img, NULL, &err), EYE_EFORMAT);
    assert_non_null(strstr(err.msg, "empty"));
    assert_int_equal(decoder_decode(pool, large, &small_prep, &img, NULL, &err), EYE_ELIMIT);
    assert_non_null(strstr(err.msg, "4 MiB, more than the allowed 3 MiB"));
    assert_int_equal(decoder_decode(pool, pipes[0], &small_prep, &img, NULL, &err), EYE_EFORMAT);
    assert_int_equal(decoder_decode(pool, folder, &small_prep, &img, NULL, &err), EYE_EFORMAT);
    assert_int_equal(decoder_decode(pool, -1, &small_prep, &img, NULL, &err), EYE_EIO);
    struct image_prep wide = {.width = 5000, .height = 5}, none = {.width = 0, .height = 5};
    assert_int_equal(decoder_decode(pool, fd, &wide, &img, NULL, &err), EYE_EINVAL);
    assert_int_equal(decoder_decode(pool, fd, &none, &img, NULL, &err), EYE_EINVAL);
    assert_null(img.rgb);
    int all[] = {fd, empty, large, folder, pipes[0], pipes[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        close(all[i]);
    decoder_close(pool);
    assert_null(decoder_open(0, NULL, &err));
    assert_int_equal(err.code, EYE_EINVAL);
    assert_null(decoder_open(100000, NULL, &err));
}

/* ---- lives and deaths ---- */

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    int before = descriptors();
    struct decoder_pool *pool = open_pool(2, 10);
    pid_t nursery = only_child(getpid()), pids[16];
    struct eye_err err;
    int open_then = descriptors();
    for (int i = 0; i < 1050; i++) /* more than a worker's life of 1000 */
        assert_int_equal(decode2(pool, 'p', (char)i, &err), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(decode2(pool, 'C', 0, &err), EYE_EREMOTE);
    assert_works(pool);
    assert_int_equal(descriptors(), open_then);
    assert_int_equal(children_of(nursery, pids, 16), 1);
    decoder_close(pool);
    assert_int_equal(descriptors(), before);
    assert_int_equal(children_of(getpid(), pids, 16), 0);
    assert_int_equal(children_of(nursery, pids, 16), 0);
}

static void test_idle_death_costs_nothing(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    pid_t worker = only_child(only_child(getpid()));
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_dies(worker);
    assert_works(pool);
    decoder_close(pool);
}

static void test_nursery_is_replaced(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(2, 10);
    pid_t nursery = only_child(getpid()), worker = only_child(nursery);
    assert_int_equal(kill(nursery, SIGKILL), 0);
    assert_dies(nursery);
    assert_dies(worker); /* it does not outlive its parent */
    assert_works(pool);
    assert_true(only_child(getpid()) != nursery);
    decoder_close(pool);
}

static void test_ctrl_c_is_the_programs_affair(void **state)
{
    (void)state;
    struct decoder_pool *pool = open_pool(1, 10);
    pid_t nursery = only_child(getpid()), worker = only_child(nursery);
    int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kill(nursery, signals[i]), 0);
        assert_int_equal(kill(worker, signals[i]), 0);
    }
    assert_works(pool);
    assert_int_equal(only_child(only_child(getpid())), worker);
    assert_true(getsid(nursery) != getsid(0));
    decoder_close(pool);
}

/* In a child: a program that is killed while its worker is in an endless loop. */
_Noreturn static void doomed_program(int ready)
{
    struct decoder_pool *pool = open_pool(1, 60);
    struct image img;
    int fd = file_of("B1", 2);
    if (write(ready, "r", 1) == 1)
        decoder_decode(pool, fd, &small_prep, &img, NULL, NULL);
    _exit(0);
}

static void test_workers_die_with_the_program(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t program = fork();
    if (program == 0)
        doomed_program(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    pid_t nursery = only_child(program), worker = only_child(nursery);
    usleep(100000);
    assert_false(is_dead(worker));
    kill(program, SIGKILL);
    waitpid(program, NULL, 0);
    assert_dies(worker);
    assert_dies(nursery);
    close(ready[0]);
    close(ready[1]);
}

static void test_two_pools(void **state)
{
    (void)state;
    struct decoder_pool *a = open_pool(1, 10), *b = open_pool(1, 10);
    assert_works(a);
    assert_works(b);
    decoder_close(a); /* would wait for ever if b's processes held a's sockets */
    assert_works(b);
    decoder_close(b);
    decoder_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_pixels_and_meta),
        cmocka_unit_test(test_large_result),
        cmocka_unit_test(test_many_threads_share_few_workers),
        cmocka_unit_test(test_one_thread_keeps_one_worker),
        cmocka_unit_test(test_living_worker_goes_before_new),
        cmocka_unit_test(test_crashes_cost_one_file),
        cmocka_unit_test(test_busy_worker_is_stopped),
        cmocka_unit_test(test_waiting_worker_is_stopped),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_memory_is_given_back),
        cmocka_unit_test(test_sandbox_refuses),
        cmocka_unit_test(test_sandbox_can_be_left_out),
        cmocka_unit_test(test_threads_are_allowed),
        cmocka_unit_test(test_parents_descriptors_are_closed),
        cmocka_unit_test(test_lies_are_found),
        cmocka_unit_test(test_what_is_not_even_asked),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_idle_death_costs_nothing),
        cmocka_unit_test(test_nursery_is_replaced),
        cmocka_unit_test(test_ctrl_c_is_the_programs_affair),
        cmocka_unit_test(test_workers_die_with_the_program),
        cmocka_unit_test(test_two_pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
