/* fake_grpc.h - a gRPC server of a few lines, that misbehaves as it is told.
 *
 * HTTP/2 as far as it takes to be spoken to by libcurl: it looks at frames and streams only, headers of requests are not decoded. Each request is answered by the
 * next scene of the script (the last one again when it has run out); what was sent is kept. A thread a connection. */
#ifndef TEST_STORE_FAKE_GRPC_H
#define TEST_STORE_FAKE_GRPC_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum fake_kind {
    FAKE_ANSWER,       /* body in a frame, grpc-status 0 */
    FAKE_BITS,         /* the same, a byte a DATA frame */
    FAKE_LATE,         /* the same, after `ms` */
    FAKE_THEN_CLOSE,   /* the same, then (after `ms`) the connection is closed */
    FAKE_THEN_GOAWAY,  /* the same, with GOAWAY before the close */
    FAKE_REFUSE,       /* trailers only: grpc, text */
    FAKE_REFUSE_RESET, /* the same, then RST_STREAM (NO_ERROR), as grpc-go does */
    FAKE_RESET,        /* RST_STREAM instead of an answer */
    FAKE_COMPRESSED,   /* flag 1 */
    FAKE_SHORT,        /* the frame says more than comes */
    FAKE_LONG,         /* more comes than the frame says */
    FAKE_EMPTY,        /* no frame at all, grpc-status 0 */
    FAKE_NO_STATUS,    /* an answer, and no grpc-status */
    FAKE_ODD_STATUS,   /* grpc-status: all-fine */
    FAKE_HTML,         /* HTTP `grpc`, text/html */
    FAKE_CLOSE,        /* the connection is closed */
    FAKE_HALF,         /* half an answer, then the same */
    FAKE_HEADERS,      /* 100 kB of headers */
    FAKE_STALL,        /* nothing, until the client has gone */
    FAKE_SSH,          /* at the connection's begin: another protocol */
    FAKE_HTTP1         /* the same: HTTP/1.1 400 */
};
struct fake_scene {
    enum fake_kind kind;
    const void *body; /* the message */
    size_t len;
    int grpc; /* status of gRPC, or of HTTP */
    const char *text;
    int ms;
};

enum { FAKE_MAX_LINKS = 64, FAKE_KEPT = 256 };
struct fake {
    int listener;
    unsigned port;
    pthread_t thread, links[FAKE_MAX_LINKS];
    int socks[FAKE_MAX_LINKS];
    size_t nlinks; /* connections made */
    pthread_mutex_t lock;
    struct fake_scene *script;
    size_t nscenes, at;         /* at: requests so far */
    struct buf kept[FAKE_KEPT]; /* messages of the requests */
    /* Instead of the script: the answer to a request, appended to `answer`. */
    void (*answer)(void *ctx, const uint8_t *request, size_t len, struct buf *answer);
    void *ctx;
};

struct fake_link {
    struct fake *f;
    int sock;
};

/* ---- frames ---- */

static inline bool fake_send(int s, const void *p, size_t n)
{
    for (const char *c = p; n > 0;) {
        ssize_t k = send(s, c, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        c += k;
        n -= (size_t)k;
    }
    return true;
}

static inline bool fake_recv(int s, void *p, size_t n)
{
    for (char *c = p; n > 0;) {
        ssize_t k = recv(s, c, n, 0);
        if (k <= 0)
            return false;
        c += k;
        n -= (size_t)k;
    }
    return true;
}

enum { FAKE_DATA, FAKE_HEAD, FAKE_RST = 3, FAKE_SETTINGS, FAKE_PING = 6, FAKE_GO = 7, FAKE_WINDOW };
enum { FAKE_END_STREAM = 1, FAKE_END_HEADERS = 4 };

static inline bool fake_frame(int s, int type, int flags, uint32_t stream, const void *p, size_t n)
{
    uint8_t h[9] = {(uint8_t)(n >> 16),      (uint8_t)(n >> 8),      (uint8_t)n,
                    (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
                    (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    return fake_send(s, h, 9) && (n == 0 || fake_send(s, p, n));
}

/* A header of HPACK: literal, never indexed, no Huffman. */
static inline void fake_header(struct buf *b, const char *name, const char *value)
{
    const char *parts[2] = {name, value};
    buf_putc(b, 0x10, NULL);
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(parts[i]);
        if (n < 127) {
            buf_putc(b, (char)n, NULL);
        } else {
            buf_putc(b, 127, NULL);
            for (n -= 127; n >= 128; n /= 128)
                buf_putc(b, (char)(n % 128 + 128), NULL);
            buf_putc(b, (char)n, NULL);
        }
        buf_puts(b, parts[i], NULL);
    }
}

static inline bool fake_headers(int s, uint32_t stream, int http, const char *type, int grpc,
                                const char *text, int flags)
{
    struct buf b;
    char number[16];
    buf_init(&b, 1 << 20);
    if (http) {
        snprintf(number, sizeof(number), "%d", http);
        fake_header(&b, ":status", number);
        fake_header(&b, "content-type", type);
    }
    if (grpc >= 0) {
        snprintf(number, sizeof(number), "%d", grpc);
        fake_header(&b, "grpc-status", number);
    }
    if (text)
        fake_header(&b, "grpc-message", text);
    bool ok = fake_frame(s, FAKE_HEAD, FAKE_END_HEADERS | flags, stream, b.data, b.len);
    buf_release(&b);
    return ok;
}

/* ---- scenes ---- */

static inline void fake_pause(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000L};
    nanosleep(&t, NULL);
}

static inline bool fake_body(int s, uint32_t stream, const struct fake_scene *c)
{
    size_t claims = c->len + (c->kind == FAKE_SHORT ? 1 : 0) - (c->kind == FAKE_LONG ? 1 : 0);
    uint8_t head[5] = {c->kind == FAKE_COMPRESSED, (uint8_t)(claims >> 24), (uint8_t)(claims >> 16),
                       (uint8_t)(claims >> 8), (uint8_t)claims};
    size_t step = c->kind == FAKE_BITS ? 1 : 16384, n = c->kind == FAKE_HALF ? c->len / 2 : c->len;
    bool ok = true;
    for (size_t i = 0; ok && i < 5; i += step)
        ok = fake_frame(s, FAKE_DATA, 0, stream, head + i, step == 1 ? 1 : 5);
    for (size_t i = 0; ok && i < n; i += step)
        ok = fake_frame(s, FAKE_DATA, 0, stream, (const char *)c->body + i,
                        n - i < step ? n - i : step);
    return ok;
}

static inline bool fake_answer(int s, uint32_t stream, const struct fake_scene *c)
{
    if (!fake_headers(s, stream, 200, "application/grpc", -1, NULL, 0))
        return false;
    if (c->kind != FAKE_EMPTY && !fake_body(s, stream, c))
        return false;
    if (c->kind == FAKE_HALF)
        return false;
    int status = c->kind == FAKE_NO_STATUS ? -1 : 0;
    if (c->kind != FAKE_ODD_STATUS)
        return fake_headers(s, stream, 0, NULL, status, status < 0 ? "none" : NULL,
                            FAKE_END_STREAM);
    struct buf b;
    buf_init(&b, 1000);
    fake_header(&b, "grpc-status", "all-fine");
    bool ok = fake_frame(s, FAKE_HEAD, FAKE_END_HEADERS | FAKE_END_STREAM, stream, b.data, b.len);
    buf_release(&b);
    return ok;
}

/* False: the connection is to be closed. */
static inline bool fake_play(int s, uint32_t stream, const struct fake_scene *c)
{
    static const uint8_t cancel[4] = {0, 0, 0, 8}, no_error[4] = {0, 0, 0, 0};
    uint8_t byte = 0;
    switch (c->kind) {
    case FAKE_LATE: fake_pause(c->ms); return fake_answer(s, stream, c);
    case FAKE_THEN_CLOSE:
        fake_answer(s, stream, c);
        fake_pause(c->ms);
        return false;
    case FAKE_THEN_GOAWAY: {
        uint8_t go[8] = {0, 0, 0, (uint8_t)stream, 0, 0, 0, 0};
        bool sent = fake_answer(s, stream, c) && fake_frame(s, FAKE_GO, 0, 0, go, 8);
        fake_pause(sent ? c->ms : 0);
        return false;
    }
    case FAKE_REFUSE:
        return fake_headers(s, stream, 200, "application/grpc", c->grpc, c->text, FAKE_END_STREAM);
    case FAKE_REFUSE_RESET:
        return fake_headers(s, stream, 200, "application/grpc", c->grpc, c->text,
                            FAKE_END_STREAM) &&
               fake_frame(s, FAKE_RST, 0, stream, no_error, 4);
    case FAKE_RESET: return fake_frame(s, FAKE_RST, 0, stream, cancel, 4);
    case FAKE_HTML:
        return fake_headers(s, stream, c->grpc, "text/html", -1, NULL, 0) &&
               fake_frame(s, FAKE_DATA, FAKE_END_STREAM, stream, "<html>", 6);
    case FAKE_CLOSE: return false;
    case FAKE_HEADERS: {
        char big[10001];
        memset(big, 'x', 10000);
        big[10000] = 0;
        for (int i = 0; i < 10; i++) /* informational ones, so that there may be many */
            if (!fake_headers(s, stream, 103, "application/grpc", -1, big, 0))
                return false;
        return fake_answer(s, stream, c);
    }
    case FAKE_STALL:
        while (recv(s, &byte, 1, 0) > 0)
            ;
        return false;
    default: return fake_answer(s, stream, c);
    }
}

/* ---- a connection ---- */

/* A request is complete: what comes next? */
static inline bool fake_request(struct fake *f, int s, uint32_t stream, struct buf *request)
{
    struct fake_scene c = {0};
    struct buf made;
    buf_init(&made, 64 << 20);
    pthread_mutex_lock(&f->lock);
    size_t at = f->at++;
    if (at < FAKE_KEPT && request->len >= 5)
        buf_append(&f->kept[at], request->data + 5, request->len - 5, NULL);
    if (f->answer) {
        f->answer(f->ctx, (const uint8_t *)request->data + 5, request->len - 5, &made);
        c = (struct fake_scene){FAKE_ANSWER, made.data, made.len, 0, NULL, 0};
    } else if (f->nscenes > 0) {
        c = f->script[at < f->nscenes ? at : f->nscenes - 1];
    }
    pthread_mutex_unlock(&f->lock);
    bool go_on = fake_play(s, stream, &c);
    buf_release(&made);
    buf_clear(request);
    return go_on;
}

static inline void fake_talk(struct fake *f, int s)
{
    static const uint8_t settings[6] = {0, 4, 0x40, 0, 0, 0}, window[4] = {0x40, 0, 0, 0};
    char preface[24];
    struct buf request, payload;
    buf_init(&request, 128 << 20);
    buf_init(&payload, 1 << 24);
    bool on = fake_recv(s, preface, sizeof(preface)) &&
              memcmp(preface, "PRI * HTTP/2.0", 14) == 0 &&
              fake_frame(s, FAKE_SETTINGS, 0, 0, settings, 6) &&
              fake_frame(s, FAKE_WINDOW, 0, 0, window, 4);
    while (on) {
        uint8_t h[9];
        if (!fake_recv(s, h, 9))
            break;
        size_t n = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
        uint32_t stream = (uint32_t)h[5] << 24 | (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8];
        buf_clear(&payload);
        if (buf_reserve(&payload, n + 1, NULL) != 0 || !fake_recv(s, payload.data, n))
            break;
        if (h[3] == FAKE_SETTINGS && !(h[4] & 1))
            on = fake_frame(s, FAKE_SETTINGS, 1, 0, NULL, 0);
        else if (h[3] == FAKE_PING && !(h[4] & 1))
            on = fake_frame(s, FAKE_PING, 1, 0, payload.data, n);
        else if (h[3] == FAKE_DATA)
            buf_append(&request, payload.data, n, NULL);
        if (h[3] == FAKE_DATA && (h[4] & FAKE_END_STREAM))
            on = fake_request(f, s, stream, &request);
    }
    buf_release(&request);
    buf_release(&payload);
}

static inline void *fake_serve(void *arg)
{
    struct fake_link *l = arg;
    enum fake_kind first = l->f->nscenes ? l->f->script[0].kind : FAKE_ANSWER;
    static const char ssh[] = "SSH-2.0-OpenSSH_9.2\r\n",
                      http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    if (first == FAKE_SSH || first == FAKE_HTTP1) {
        char sink[4096];
        fake_send(l->sock, first == FAKE_SSH ? ssh : http,
                  first == FAKE_SSH ? sizeof(ssh) - 1 : sizeof(http) - 1);
        while (recv(l->sock, sink, sizeof(sink), 0) > 0)
            ;
    } else {
        fake_talk(l->f, l->sock);
    }
    shutdown(l->sock, SHUT_RDWR);
    free(l);
    return NULL;
}

static inline void *fake_accept(void *arg)
{
    struct fake *f = arg;
    for (;;) {
        int s = accept(f->listener, NULL, NULL);
        if (s < 0)
            return NULL;
        struct fake_link *l = malloc(sizeof(*l));
        pthread_mutex_lock(&f->lock);
        bool room = l && f->nlinks < FAKE_MAX_LINKS;
        if (room) {
            *l = (struct fake_link){f, s};
            f->socks[f->nlinks] = s;
            room = pthread_create(&f->links[f->nlinks], NULL, fake_serve, l) == 0;
            f->nlinks += room;
        }
        pthread_mutex_unlock(&f->lock);
        if (!room) {
            free(l);
            close(s);
        }
    }
}

/* ---- the server ---- */

static inline int fake_listen(unsigned port, unsigned *got)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof(a);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (s < 0 || bind(s, (struct sockaddr *)&a, n) != 0 || listen(s, 16) != 0 ||
        getsockname(s, (struct sockaddr *)&a, &n) != 0)
        abort();
    *got = ntohs(a.sin_port);
    return s;
}

/* port 0: any. The script is borrowed. */
static inline void fake_start(struct fake *f, unsigned port, struct fake_scene *script, size_t n)
{
    memset(f, 0, sizeof(*f));
    pthread_mutex_init(&f->lock, NULL);
    for (size_t i = 0; i < FAKE_KEPT; i++)
        buf_init(&f->kept[i], 128 << 20);
    f->script = script;
    f->nscenes = n;
    f->listener = fake_listen(port, &f->port);
    if (pthread_create(&f->thread, NULL, fake_accept, f) != 0)
        abort();
}

static inline void fake_stop(struct fake *f)
{
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listener);
    for (size_t i = 0; i < f->nlinks; i++) {
        shutdown(f->socks[i], SHUT_RDWR);
        pthread_join(f->links[i], NULL);
        close(f->socks[i]);
    }
    for (size_t i = 0; i < FAKE_KEPT; i++)
        buf_release(&f->kept[i]);
    pthread_mutex_destroy(&f->lock);
}

static inline size_t fake_requests(struct fake *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->at;
    pthread_mutex_unlock(&f->lock);
    return n;
}

#endif
