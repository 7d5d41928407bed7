/* serve.c - small helpers of `eyeshine serve`. sd_notify is one datagram: not worth a library. */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"

/* ---- the access log ---- */

struct serve_log {
    pthread_mutex_t lock;
    char *path; /* NULL: stderr */
    int fd;
};

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

struct serve_log *serve_log_open(const char *path)
{
    struct serve_log *l = calloc(1, sizeof *l);
    if (l && path)
        l->path = strdup(path);
    if (!l || (path && !l->path)) {
        cli_say("out of memory");
        free(l);
        return NULL;
    }
    l->fd = path ? open_log(path) : STDERR_FILENO;
    if (l->fd < 0) {
        cli_say("%s: cannot open the access log: %s", path, strerror(errno));
        free(l->path);
        free(l);
        return NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

/* One write a line, so that lines stay whole beside another process that appends. */
void serve_log_line(void *log, const char *line)
{
    struct serve_log *l = log;
    char *text = NULL;
    int n = asprintf(&text, "%s\n", line);
    if (n < 0)
        return;
    pthread_mutex_lock(&l->lock);
    ssize_t written = write(l->fd, text, (size_t)n);
    (void)written; /* a full disk must not stop the server */
    pthread_mutex_unlock(&l->lock);
    free(text);
}

void serve_log_again(struct serve_log *l)
{
    if (!l || !l->path)
        return;
    int fd = open_log(l->path);
    if (fd < 0) {
        cli_say("%s: cannot open the access log again: %s", l->path, strerror(errno));
        return;
    }
    pthread_mutex_lock(&l->lock);
    close(l->fd);
    l->fd = fd;
    pthread_mutex_unlock(&l->lock);
}

void serve_log_close(struct serve_log *l)
{
    if (!l)
        return;
    if (l->path)
        close(l->fd);
    pthread_mutex_destroy(&l->lock);
    free(l->path);
    free(l);
}

/* ---- the service manager ---- */

void serve_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if (n == 0 || n >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* Linux' abstract names */
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (sendto(s, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, len) < 0)
        cli_say("the service manager could not be told '%s': %s", state, strerror(errno));
    close(s);
}

/* ---- the program's own data ---- */

/* dir/way/name as a real path if that is a folder. */
static char *folder_at(const char *dir, const char *way, const char *name)
{
    struct stat st;
    char *path = NULL;
    if (asprintf(&path, "%s/%s/%s", dir, way, name) < 0)
        return NULL;
    char *real = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? fs_real(path, NULL) : NULL;
    free(path);
    return real;
}

static char *beside_program(const char *name)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return NULL;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    char *found = folder_at(exe, "../share/eyeshine", name);
    return found ? found : folder_at(exe, "../..", name); /* build/<variant>/eyeshine */
}

char *serve_share(const struct cli_settings *s, const char *name)
{
    const char *share = s->all[SET_SHARE].value;
    if (share)
        return folder_at(share, ".", name);
    char *found = beside_program(name);
    return found ? found : folder_at(EYESHINE_PREFIX, "share/eyeshine", name);
}
