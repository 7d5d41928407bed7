/* linger.c - sockets on their way out.
 *
 * A refusal (413, 401 ...) is sent while the client may still be sending. Closing a socket that holds unread bytes makes
 * the kernel reset the connection, and a reset throws away what the client has not read yet: our answer. So such a
 * socket is kept for some seconds and what comes is read away. What libmicrohttpd closes is only its own
 * descriptor; ours is a duplicate. */
#include "http/internal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { LINGER_MAX = 64, LINGER_MS = 10000, LINGER_BYTES = 64 << 20 };

struct http_linger {
    struct http_linger *next;
    int fd;
    int64_t until;
    size_t left;
};

void http_linger_add(struct http_watch *w, int fd)
{
    struct http_linger *l = w->nlingers < LINGER_MAX ? mem_calloc(1, sizeof *l, NULL) : NULL;
    if (!l) {
        close(fd);
        return;
    }
    shutdown(fd, SHUT_WR);
    *l = (struct http_linger){w->lingers, fd, http_now_ms() + LINGER_MS, LINGER_BYTES};
    w->lingers = l;
    w->nlingers++;
}

size_t http_linger_poll(struct http_watch *w, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    for (struct http_linger *l = w->lingers; l && n < max; l = l->next)
        fds[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
    return n;
}

/* False: it is over. */
static bool read_away(struct http_linger *l)
{
    char waste[16384];
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(l->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0 || (size_t)n > l->left)
            return false;
        l->left -= (size_t)n;
    }
    return true;
}

void http_linger_read(struct http_watch *w, bool all)
{
    int64_t now = http_now_ms();
    for (struct http_linger **at = &w->lingers; *at;) {
        struct http_linger *l = *at;
        if (!all && now < l->until && read_away(l)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        close(l->fd);
        free(l);
        w->nlingers--;
    }
}
