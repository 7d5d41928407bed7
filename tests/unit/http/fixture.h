/* fixture.h - a real server on a free port, a folder for its files, and a client that speaks raw bytes. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http.h"

struct fixture {
    char dir[512]; /* scratch; the spool is dir/spool */
    char spool[600];
    struct http_server *server;
    int port;
    void *ctx;
};

static inline void fixture_open(struct fixture *f)
{
    const char *tmp = getenv("TMPDIR");
    memset(f, 0, sizeof *f);
    signal(SIGPIPE, SIG_IGN);
    snprintf(f->dir, sizeof f->dir, "%s/eyeshine-http-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->spool, sizeof f->spool, "%s/spool", f->dir);
    assert_int_equal(mkdir(f->spool, 0700), 0);
}

static inline void fixture_start(struct fixture *f, struct http_config config)
{
    struct eye_err err = {0};
    if (!config.listen)
        config.listen = "127.0.0.1:0";
    if (!config.spool_dir)
        config.spool_dir = f->spool;
    f->server = http_start(&config, &err);
    if (!f->server)
        print_error("%s\n", err.msg);
    assert_non_null(f->server);
    const char *url = http_url(f->server), *scheme = strstr(url, "://");
    const char *port = scheme ? strrchr(scheme + 3, ':') : NULL;
    f->port = port ? (int)strtol(port + 1, NULL, 10) : 0;
}

static inline int spool_count(const struct fixture *f)
{
    int n = 0;
    DIR *d = opendir(f->spool);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline void fixture_close(struct fixture *f)
{
    char command[700];
    http_stop(f->server);
    f->server = NULL;
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
}

/* ---- the client ---- */

static inline int dial(const struct fixture *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)f->port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static inline void put_bytes(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server may have had enough */
        p += n;
        len -= (size_t)n;
    }
}

static inline void put_text(int fd, const char *text)
{
    put_bytes(fd, text, strlen(text));
}

/* All until the server closes, at most ms without news. -1: it did not close. */
static inline long read_to_end(int fd, char *out, size_t cap, int ms)
{
    size_t n = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, ms) <= 0) {
            out[n] = '\0';
            return -1;
        }
        char waste[4096];
        char *to = n + 1 < cap ? out + n : waste;
        size_t room = n + 1 < cap ? cap - 1 - n : sizeof waste;
        ssize_t got = recv(fd, to, room, 0);
        if (got <= 0) {
            out[n] = '\0';
            return (long)n;
        }
        if (to == out + n)
            n += (size_t)got;
    }
}

/* One reply with a Content-Length (or none): headers and body. Returns its status, 0 if there was none. */
static inline int read_reply(int fd, char *out, size_t cap)
{
    size_t n = 0, need = SIZE_MAX;
    while (n < need && n + 1 < cap) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 10000) <= 0)
            break;
        size_t want = need == SIZE_MAX ? 1 : need - n;
        ssize_t got = recv(fd, out + n, want < cap - 1 - n ? want : cap - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        out[n] = '\0';
        if (need == SIZE_MAX && n >= 4 && memcmp(out + n - 4, "\r\n\r\n", 4) == 0) {
            const char *length = strcasestr(out, "\r\nContent-Length:");
            bool bare = strncmp(out, "HTTP/1.1 304", 12) == 0 ||
                        strncmp(out, "HTTP/1.1 204", 12) == 0 ||
                        strncmp(out, "HTTP/1.1 1", 10) == 0;
            need = n + (length && !bare ? strtoul(length + 17, NULL, 10) : 0);
        }
    }
    out[n] = '\0';
    return n > 12 ? (int)strtol(out + 9, NULL, 10) : 0;
}

static inline const char *body_of(const char *reply)
{
    const char *p = strstr(reply, "\r\n\r\n");
    return p ? p + 4 : "";
}

/* One request on a connection of its own; the reply as text. */
static inline int ask(const struct fixture *f, const char *request, char *out, size_t cap)
{
    int fd = dial(f);
    put_text(fd, request);
    int status = read_reply(fd, out, cap);
    close(fd);
    return status;
}

#define HOST "Host: x\r\n"

static inline int get(const struct fixture *f, const char *target, char *out, size_t cap)
{
    char request[8192];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
    return ask(f, request, out, cap);
}

/* Until `what` is true, 5 s at most. */
#define WAIT_FOR(what)                                                                             \
    do {                                                                                           \
        for (int wait_i = 0; wait_i < 500 && !(what); wait_i++)                                    \
            usleep(10000);                                                                         \
        assert_true(what);                                                                         \
    } while (0)

#endif
