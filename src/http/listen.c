/* listen.c - where the server can be reached: TCP by address or name, or a Unix socket.
 *
 * A Unix socket that a dead server left behind is removed, one where somebody still listens is not: only a try to
 * connect tells. Its mode is 0660 from its first moment: fchmod before bind. */
#include "http/internal.h"

#include <errno.h>
#include <netdb.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 512 };

static int say_bind(const char *what, int why, struct eye_err *err)
{
    if (why == EADDRINUSE)
        return eye_fail(
            err, EYE_EIO,
            "%s: another program listens there; stop it or choose another port (--port 0: "
            "any that is free)",
            what);
    if (why == EACCES)
        return eye_fail(err, EYE_EIO, "%s: not allowed; choose a port above 1023", what);
    if (why == EADDRNOTAVAIL)
        return eye_fail(err, EYE_EIO, "%s: is no address of this machine", what);
    return eye_fail_errno(err, why, "%s: cannot listen", what);
}

/* ---- Unix ---- */

/* 0: nobody is there (any more). */
static int clear_place(const struct sockaddr_un *a, struct eye_err *err)
{
    struct stat st;
    if (lstat(a->sun_path, &st) != 0)
        return 0; /* bind will tell what else is wrong */
    if (!S_ISSOCK(st.st_mode))
        return eye_fail(err, EYE_EEXIST, "%s: is there already and no socket", a->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return eye_fail_errno(err, errno, "cannot make a socket");
    int rc = connect(fd, (const struct sockaddr *)a, sizeof *a), why = errno;
    close(fd);
    if (rc == 0 || why != ECONNREFUSED)
        return eye_fail(err, EYE_EIO,
                        "%s: another program listens there; stop it or choose another path",
                        a->sun_path);
    if (unlink(a->sun_path) != 0)
        return eye_fail_errno(err, errno, "%s: cannot remove the old socket", a->sun_path);
    return 0;
}

static int listen_unix(struct http_server *s, const char *path, struct eye_err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;
    if (!*path || strlen(path) >= sizeof a.sun_path)
        return eye_fail(err, EYE_EINVAL, "unix:%s: the path of a socket has 1 to %zu bytes", path,
                        sizeof a.sun_path - 1);
    memcpy(a.sun_path, path, strlen(path));
    int rc = clear_place(&a, err);
    if (rc)
        return rc;
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listen_fd < 0)
        return eye_fail_errno(err, errno, "cannot make a socket");
    fchmod(s->listen_fd, 0660);
    if (bind(s->listen_fd, (const struct sockaddr *)&a, sizeof a) != 0)
        return say_bind(path, errno, err);
    s->unix_path = mem_strdup(path, err);
    if (!s->unix_path)
        return EYE_ENOMEM;
    if (chmod(path, 0660) != 0 || lstat(path, &st) != 0 || listen(s->listen_fd, BACKLOG) != 0)
        return eye_fail_errno(err, errno, "%s: cannot listen", path);
    s->unix_inode = st.st_ino;
    s->is_unix = true;
    s->url = mem_strdup(s->cfg.listen, err);
    return s->url ? 0 : EYE_ENOMEM;
}

/* ---- TCP ---- */

/* "host:port" or "[host]:port" into two strings. */
static bool split(const char *listen, char host[256], char port[8])
{
    const char *colon = strrchr(listen, ':'), *from = listen, *to = colon;
    if (!colon)
        return false;
    if (*listen == '[') {
        from++;
        to = colon - 1;
        if (to <= from || *to != ']')
            return false;
    } else if (memchr(listen, ':', (size_t)(colon - listen))) {
        return false; /* an IPv6 address needs brackets */
    }
    size_t len = (size_t)(to - from), digits = strlen(colon + 1);
    if (len == 0 || len >= 256 || digits == 0 || digits > 5 ||
        strspn(colon + 1, "0123456789") != digits || strtol(colon + 1, NULL, 10) > 65535)
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    memcpy(port, colon + 1, digits + 1);
    return true;
}

/* Binds; -1 and errno if not. */
static int bind_to(const struct addrinfo *a)
{
    int on = 1, off = 0;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)a->ai_addr;
        bool any = IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr); /* [::]: IPv4 as well */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof on);
    }
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int make_url(struct http_server *s, const char *host, struct eye_err *err)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;
    char port[8];
    struct buf url;
    if (getsockname(s->listen_fd, (struct sockaddr *)&a, &len) != 0 ||
        getnameinfo((struct sockaddr *)&a, len, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        return eye_fail_errno(err, errno, "%s: cannot find out the port", s->cfg.listen);
    buf_init(&url, 4096);
    bool six = strchr(host, ':') != NULL;
    int rc = buf_printf(&url, err, "%s://%s%s%s:%s%s", s->is_tls ? "https" : "http", six ? "[" : "",
                        host, six ? "]" : "", port, s->base);
    s->url = buf_detach(&url, NULL);
    return rc;
}

static int listen_tcp(struct http_server *s, struct eye_err *err)
{
    char host[256], port[8];
    const char *what = s->cfg.listen;
    if (!split(what, host, port))
        return eye_fail(err, EYE_EINVAL,
                        "%s: is no address to listen on; give one like 127.0.0.1:8000, "
                        "[::1]:8000, 0.0.0.0:8000 or unix:/run/eyeshine.sock",
                        what);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc)
        return eye_fail(err, EYE_EINVAL, "%s: the name %s is not known here: %s", what, host,
                        gai_strerror(rc));
    int why = EADDRNOTAVAIL;
    /* A name's IPv4 addresses first: whoever reads "localhost" tries that one too. */
    for (int pass = 0; pass < 2; pass++)
        for (struct addrinfo *a = list; a && s->listen_fd < 0; a = a->ai_next)
            if ((a->ai_family == AF_INET) == (pass == 0) && (s->listen_fd = bind_to(a)) < 0)
                why = errno;
    freeaddrinfo(list);
    if (s->listen_fd < 0)
        return say_bind(what, why, err);
    return make_url(s, host, err);
}

int http_listen(struct http_server *s, struct eye_err *err)
{
    if (strncmp(s->cfg.listen, "unix:", 5) == 0)
        return listen_unix(s, s->cfg.listen + 5, err);
    return listen_tcp(s, err);
}

/* The socket in the file system goes, unless another server has put its own there. */
void http_unlisten(struct http_server *s)
{
    struct stat st;
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    s->listen_fd = -1;
    if (s->unix_path && lstat(s->unix_path, &st) == 0 && st.st_ino == s->unix_inode)
        unlink(s->unix_path);
    free(s->unix_path);
    s->unix_path = NULL;
}
