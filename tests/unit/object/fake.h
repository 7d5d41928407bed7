/* fake.h - tests/s3/fake_s3.py as a child process: starts, is told what to do, ends with its standard input. */
#ifndef TEST_FAKE_H
#define TEST_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "object/internal.h"

#define FAKE_SECRET "wJalr/secret+key=="

struct fake {
    pid_t pid;
    int in, port;
};

static inline struct fake fake_start(const char *more1, const char *more2, const char *more3,
                                     const char *more4)
{
    struct fake f = {0};
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    f.pid = fork();
    assert_true(f.pid >= 0);
    if (f.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("python3", "python3", "tests/s3/fake_s3.py", "--bucket", "bkt", "--key",
               "AKIDEXAMPLE", "--secret", FAKE_SECRET, more1 ? more1 : "--slow",
               more2 ? more2 : "2", more3 ? more3 : "--slow", more4 ? more4 : "2", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    f.in = in[1];
    FILE *said = fdopen(out[0], "r");
    assert_int_equal(fscanf(said, "port %d", &f.port), 1);
    fclose(said);
    return f;
}

static inline void fake_stop(struct fake *f)
{
    int status;
    close(f->in);
    waitpid(f->pid, &status, 0);
}

/* "fault=500&times=2"; NULL: what was asked for, in `out`. */
static inline void fake_tell(const struct fake *f, const char *form, char *out, size_t cap)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)f->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char head[256], got[65536];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    int n = snprintf(
        head, sizeof head,
        "%s /_fake HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
        form ? "POST" : "GET", form ? strlen(form) : 0);
    assert_int_equal(write(fd, head, (size_t)n), n);
    if (form)
        assert_int_equal(write(fd, form, strlen(form)), (ssize_t)strlen(form));
    size_t len = 0;
    for (ssize_t r; (r = read(fd, got + len, sizeof got - 1 - len)) > 0;)
        len += (size_t)r;
    got[len] = '\0';
    close(fd);
    assert_non_null(strstr(got, " 200 "));
    const char *body = strstr(got, "\r\n\r\n");
    assert_non_null(body);
    if (out)
        snprintf(out, cap, "%s", body + 4);
}

static inline struct object_store *fake_open(const struct fake *f, const char *secret)
{
    char endpoint[64];
    struct eye_err err = {0};
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", f->port);
    struct object_config c = {.endpoint = endpoint,
                              .key = (char *)(uintptr_t) "AKIDEXAMPLE",
                              .secret = (char *)(uintptr_t)secret,
                              .pause_ms = 10,
                              .stall_ms = 1000};
    struct object_store *s = object_open("bkt", &c, &err);
    if (!s)
        fail_msg("%s", err.msg);
    return s;
}

#endif
