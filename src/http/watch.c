/* watch.c - the thread that opens and shuts the door: accepts connections, keeps deadlines, reads away leftovers.
 *
 * libmicrohttpd could accept by itself, but then cannot stop cleanly: MHD_quiesce_daemon of a thread pool aborts the program
 * when an I/O thread takes the socket out of its poll set at the same moment (0.9.75). Accepting here also makes the
 * limits exact and lets the refused client know why. Its timeout knows only idleness, which a client that sends a byte a second never
 * shows; so each connection has a deadline here. It is cut with shutdown(2): libmicrohttpd sees the end of
 * input and closes. The descriptor is valid for that: a connection leaves our list, under the lock, before
 * libmicrohttpd closes it. */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TICK_MS = 200, BURST = 64, POLL_MAX = 80, PAUSE_MS = 100 };

int64_t http_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wake(struct http_watch *w)
{
    uint64_t one = 1;
    while (write(w->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* ---- who it is ---- */

static void peer_text(const struct sockaddr_storage *a, char text[HTTP_PEER_MAX])
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
    snprintf(text, HTTP_PEER_MAX, "unix");
    if (a->ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, text, HTTP_PEER_MAX);
    else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, text, HTTP_PEER_MAX);
    else if (a->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &six->sin6_addr, text, HTTP_PEER_MAX);
}

/* IPv4: the address. IPv6: its network of 64 bits, as whoever has one address there has them all. */
static void peer_group(const struct sockaddr_storage *a, uint8_t group[8])
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
    memset(group, 0, 8);
    if (a->ss_family == AF_INET)
        memcpy(group, &((const struct sockaddr_in *)a)->sin_addr, 4);
    else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        memcpy(group, six->sin6_addr.s6_addr + 12, 4);
    else if (a->ss_family == AF_INET6)
        memcpy(group, six->sin6_addr.s6_addr, 8);
}

/* ---- the list of connections, under the lock ---- */

static void drop_conn(struct http_watch *w, const struct http_conn *c)
{
    for (struct http_conn **at = &w->conns; *at; at = &(*at)->next)
        if (*at == c) {
            struct http_conn *gone = *at;
            *at = gone->next;
            free(gone);
            w->nconns--;
            return;
        }
}

static struct http_conn *find(struct http_watch *w, int fd)
{
    struct http_conn *c = w->conns;
    while (c && c->fd != fd)
        c = c->next;
    return c;
}

static struct http_conn *add_conn(struct http_server *s, int fd, const struct sockaddr_storage *a)
{
    struct http_watch *w = &s->watch;
    struct http_conn *old = find(w, fd), *c = mem_calloc(1, sizeof *c, NULL);
    if (old) /* libmicrohttpd dropped it without a word, for want of memory */
        drop_conn(w, old);
    if (!c)
        return NULL;
    c->fd = fd;
    c->deadline = http_now_ms() + (int64_t)s->cfg.header_seconds * 1000;
    peer_text(a, c->peer);
    peer_group(a, c->group);
    c->next = w->conns;
    w->conns = c;
    w->nconns++;
    return c;
}

void http_watch_notify(void *cls, struct MHD_Connection *conn, void **context,
                       enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = cls;
    struct http_watch *w = &s->watch;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? info->connect_fd : -1;
    pthread_mutex_lock(&w->lock);
    struct http_conn *c = find(w, fd);
    if (what == MHD_CONNECTION_NOTIFY_STARTED && c) {
        c->started = true;
        *context = c;
    } else if (what == MHD_CONNECTION_NOTIFY_CLOSED && c) {
        int keep = c->linger ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
        if (keep >= 0) {
            http_linger_add(w, keep);
            wake(w);
        }
        drop_conn(w, c);
        *context = NULL;
    }
    pthread_mutex_unlock(&w->lock);
}

void http_watch_deadline(struct http_server *s, struct http_conn *node, int seconds, bool busy)
{
    if (!node)
        return;
    pthread_mutex_lock(&s->watch.lock);
    node->deadline = seconds ? http_now_ms() + (int64_t)seconds * 1000 : 0;
    node->busy = busy;
    if (!busy && !s->watch.accepting) /* drained: nothing more on this connection */
        node->deadline = 1;
    pthread_mutex_unlock(&s->watch.lock);
}

void http_watch_linger(struct http_server *s, struct http_conn *node)
{
    if (!node)
        return;
    pthread_mutex_lock(&s->watch.lock);
    node->linger = true;
    pthread_mutex_unlock(&s->watch.lock);
}

/* Those whose time is over, and if asked those that have no request. */
static void cut(struct http_watch *w, bool idle, bool all)
{
    int64_t now = http_now_ms();
    pthread_mutex_lock(&w->lock);
    for (struct http_conn *c = w->conns; c; c = c->next) {
        bool late = c->deadline && now >= c->deadline;
        if (!c->started || !(late || all || (idle && !c->busy)))
            continue;
        shutdown(c->fd, SHUT_RDWR);
        c->deadline = 0;
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- accepting ---- */

/* Under the lock. */
static bool has_room(const struct http_server *s, const uint8_t group[8])
{
    const struct http_watch *w = &s->watch;
    if (w->nconns >= s->cfg.max_connections)
        return false;
    if (s->is_unix)
        return true;
    int same = 0;
    for (const struct http_conn *c = w->conns; c; c = c->next)
        same += memcmp(c->group, group, sizeof c->group) == 0;
    return same < s->cfg.max_per_address;
}

/* Says why in the clear, where the client can read that; a lingering close lets it. */
static void turn_away(struct http_server *s, int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                               "Content-Type: text/plain\r\nConnection: close\r\n"
                               "Content-Length: 21\r\n\r\ntoo many connections\n";
    atomic_fetch_add(&s->refused, 1);
    if (s->is_tls || send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        close(fd);
        return;
    }
    pthread_mutex_lock(&s->watch.lock);
    http_linger_add(&s->watch, fd);
    pthread_mutex_unlock(&s->watch.lock);
}

static void admit(struct http_server *s, int fd, const struct sockaddr_storage *a, socklen_t len)
{
    uint8_t group[8];
    int one = 1;
    peer_group(a, group);
    pthread_mutex_lock(&s->watch.lock);
    bool ok = has_room(s, group) && add_conn(s, fd, a);
    pthread_mutex_unlock(&s->watch.lock);
    if (!ok) {
        turn_away(s, fd);
        return;
    }
    if (!s->is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* It closes the socket if it cannot take it. */
    if (MHD_add_connection(s->daemon, fd, (const struct sockaddr *)a, len) != MHD_YES) {
        pthread_mutex_lock(&s->watch.lock);
        struct http_conn *c = find(&s->watch, fd);
        if (c && !c->started)
            drop_conn(&s->watch, c);
        pthread_mutex_unlock(&s->watch.lock);
    }
}

/* False: out of descriptors; a pause is due. */
static bool accept_some(struct http_server *s)
{
    for (int i = 0; i < BURST; i++) {
        struct sockaddr_storage a = {0};
        socklen_t len = sizeof a;
        int fd = accept4(s->listen_fd, (struct sockaddr *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
        if (len < sizeof a.ss_family) /* an unbound Unix socket has no address */
            a.ss_family = AF_UNIX;
        admit(s, fd, &a, len < sizeof a.ss_family ? sizeof a.ss_family : len);
    }
    return true;
}

/* ---- the loop ---- */

static size_t poll_set(struct http_server *s, struct pollfd fds[POLL_MAX], bool paused, int *ms)
{
    struct http_watch *w = &s->watch;
    pthread_mutex_lock(&w->lock);
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = w->wake, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = w->accepting && !paused ? s->listen_fd : -1, .events = POLLIN};
    n += http_linger_poll(w, fds + n, POLL_MAX - n);
    *ms = paused ? PAUSE_MS : w->nconns > 0 || w->nlingers > 0 ? TICK_MS : -1;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void *watch(void *arg)
{
    struct http_server *s = arg;
    struct http_watch *w = &s->watch;
    bool paused = false, stop = false;
    while (!stop) {
        struct pollfd fds[POLL_MAX];
        int ms;
        size_t n = poll_set(s, fds, paused, &ms);
        poll(fds, n, ms);
        uint64_t count;
        if (fds[0].revents && read(w->wake, &count, sizeof count) < 0)
            continue;
        pthread_mutex_lock(&w->lock);
        bool accepting = w->accepting;
        stop = w->stop;
        http_linger_read(w, stop);
        pthread_mutex_unlock(&w->lock);
        paused = accepting && fds[1].revents && !accept_some(s);
        cut(w, !accepting, false);
    }
    return NULL;
}

int http_watch_start(struct http_server *s, struct eye_err *err)
{
    struct http_watch *w = &s->watch;
    w->accepting = true;
    int rc = pthread_create(&w->thread, NULL, watch, s);
    if (rc)
        return eye_fail_errno(err, rc, "cannot start a thread");
    w->running = true;
    return 0;
}

void http_watch_close_door(struct http_server *s)
{
    pthread_mutex_lock(&s->watch.lock);
    s->watch.accepting = false;
    pthread_mutex_unlock(&s->watch.lock);
    wake(&s->watch);
}

void http_watch_cut_all(struct http_server *s)
{
    cut(&s->watch, true, true);
}

void http_watch_stop(struct http_server *s)
{
    struct http_watch *w = &s->watch;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    w->accepting = false;
    pthread_mutex_unlock(&w->lock);
    wake(w);
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

int http_watch_init(struct http_watch *w, struct eye_err *err)
{
    pthread_mutex_init(&w->lock, NULL);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->wake < 0 ? eye_fail_errno(err, errno, "cannot make an event descriptor") : 0;
}

void http_watch_release(struct http_watch *w)
{
    http_linger_read(w, true);
    while (w->conns)
        drop_conn(w, w->conns);
    if (w->wake >= 0)
        close(w->wake);
    pthread_mutex_destroy(&w->lock);
}
