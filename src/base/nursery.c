/* nursery.c - a process that is forked while the program is small, and forks its children from then on.
 *
 * Why not fork children from the program itself: by the time one is needed, the program has threads (a lock held by another
 * thread stays locked for ever in the child: glibc makes its heap whole for a fork, the sanitizers' do not, and tests hung), weights in
 * memory (a fork with 1 GB touched took 57 ms, a small one 0.2 ms), and keys and other people's pictures, which a hostile
 * file in the child could read. The nursery holds none of that. A crash and a new child together cost 1.9 ms of processor time.
 *
 * It is the children's parent, hence:
 * - a child's pid stays taken until the program asks to END it, so kill and the processor clock never hit a stranger;
 * - PR_SET_PDEATHSIG works (it fires when the *thread* that forked ends: in a program with threads that is a trap).
 * The nursery itself follows the program by the end of its control socket, whatever kills the program.
 *
 * One for the whole process: a supervisor for each pool of decoders was tried first, and pools are opened when they are
 * needed, which in a server is among threads. An executable of its own, started by posix_spawn, would need no early hold, but
 * whoever links the library would have to find it. If the nursery is killed, the next one is forked among threads, and holds what there is:
 * that is better than no pictures. A child that the program forks gets one of its own when it needs one. */
#include "base/nursery.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/wire.h"

enum nursery_op { NURSERY_SPAWN = 1, NURSERY_END };

/* Program to nursery and back, one packet each. SPAWN, with the file beside the packet: answered with a pid and, beside that, the
 * program's end of the child's socket. END: answered with the wait status. errnum != 0: it failed. */
struct nursery_ask {
    int32_t op, pid;
    nursery_life *life;
    alignas(max_align_t) unsigned char order[NURSERY_ORDER_MAX];
};
struct nursery_answer {
    int32_t pid, status, errnum;
};

enum { CHILDREN_MAX = 1024 };

/* ---- the nursery ---- */

static pid_t children[CHILDREN_MAX]; /* 0: free */

static pid_t *find(pid_t pid)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (children[i] == pid)
            return &children[i];
    return NULL;
}

/* Kill and bury: its wait status. One that is dead already keeps that. */
static int bury(pid_t *child)
{
    int status = 0;
    kill(*child, SIGKILL);
    while (waitpid(*child, &status, 0) < 0 && errno == EINTR)
        ;
    *child = 0;
    return status;
}

_Noreturn static void live(const struct nursery_ask *ask, int sock, int file, pid_t parent)
{
    /* Die with the nursery, even if it is gone already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(1);
    sandbox_close_descriptors(sock, file);
    ask->life(ask->order);
    _exit(0);
}

static void answer_spawn(const struct nursery_ask *ask, int file)
{
    struct nursery_answer answer = {0, 0, 0};
    int pair[2] = {-1, -1};
    pid_t *slot = find(0), self = getpid();
    if (!slot) {
        answer.errnum = EAGAIN;
    } else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        answer.errnum = errno;
    } else {
        pid_t pid = fork();
        if (pid == 0)
            live(ask, pair[1], file, self);
        if (pid < 0)
            answer.errnum = errno;
        else
            answer.pid = *slot = pid;
    }
    wire_send(SANDBOX_SOCKET, &answer, sizeof(answer), answer.errnum ? -1 : pair[0]);
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static void answer_end(pid_t pid)
{
    struct nursery_answer answer = {pid, 0, 0};
    pid_t *child = pid > 0 ? find(pid) : NULL;
    if (child)
        answer.status = bury(child);
    else
        answer.errnum = ESRCH; /* whoever it is now */
    wire_send(SANDBOX_SOCKET, &answer, sizeof(answer), -1);
}

_Noreturn static void nurse(int sock)
{
    struct nursery_ask ask;
    int file;
    setsid();
    sandbox_reset_signals();
    prctl(PR_SET_NAME, "eyeshine-nurse", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    sandbox_close_descriptors(sock, -1);
    while (wire_recv(SANDBOX_SOCKET, &ask, sizeof(ask), &file) == 0) {
        if (ask.op == NURSERY_SPAWN)
            answer_spawn(&ask, file);
        else
            answer_end(ask.pid);
        if (file >= 0)
            close(file);
    }
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (children[i] > 0)
            bury(&children[i]);
    _exit(0);
}

/* ---- the program's side ---- */

static struct {
    pthread_mutex_t lock;
    int holders;
    pid_t owner; /* whose it is: a fork of the program inherits this, but not the nursery */
    pid_t pid;   /* 0: none */
    int sock;
} the_nursery = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* All of these with the lock. */

static void forget(void)
{
    close(the_nursery.sock);
    the_nursery.pid = 0;
}

static void disown(void)
{
    if (the_nursery.pid > 0 && the_nursery.owner != getpid())
        forget();
}

static void stop(void)
{
    if (the_nursery.pid <= 0)
        return;
    pid_t pid = the_nursery.pid;
    shutdown(the_nursery.sock, SHUT_RDWR); /* a fork of the program may hold a copy */
    forget();
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int start(struct eye_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return eye_fail_errno(err, errno, "cannot start the process that starts decoders");
    pid_t pid = fork();
    if (pid == 0)
        nurse(pair[1]); /* closes pair[0] with the rest */
    int errnum = errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return eye_fail_errno(err, errnum, "cannot start the process that starts decoders");
    }
    the_nursery.owner = getpid();
    the_nursery.pid = pid;
    the_nursery.sock = pair[0];
    return 0;
}

void nursery_hold(void)
{
    pthread_mutex_lock(&the_nursery.lock);
    disown();
    the_nursery.holders++;
    if (the_nursery.pid == 0)
        start(NULL);
    pthread_mutex_unlock(&the_nursery.lock);
}

void nursery_drop(void)
{
    pthread_mutex_lock(&the_nursery.lock);
    disown();
    if (--the_nursery.holders == 0)
        stop();
    pthread_mutex_unlock(&the_nursery.lock);
}

/* One question. -1: the nursery is gone; what else went wrong is answer->errnum. *sock gets a descriptor that came back, or -1. */
static int call(const struct nursery_ask *ask, int file, struct nursery_answer *answer, int *sock)
{
    *sock = -1;
    *answer = (struct nursery_answer){0, 0, 0};
    if (wire_send(the_nursery.sock, ask, sizeof(*ask), file) == 0)
        return wire_recv(the_nursery.sock, answer, sizeof(*answer), sock);
    answer->errnum = errno;
    return errno == EPIPE || errno == ECONNRESET ? -1 : 0;
}

int nursery_spawn(nursery_life *life, const void *order, size_t len, int file,
                  struct nursery_child *out, struct eye_err *err)
{
    struct nursery_ask ask;
    struct nursery_answer answer;
    int code = 0, tries = 0;
    memset(&ask, 0, sizeof(ask));
    ask.op = NURSERY_SPAWN;
    ask.life = life;
    if (len > sizeof(ask.order))
        return eye_fail(err, EYE_EINTERNAL, "%zu bytes are too long an order for a child", len);
    memcpy(ask.order, order, len);
    pthread_mutex_lock(&the_nursery.lock);
    disown();
    for (; tries < 2; tries++) {
        if (the_nursery.pid == 0 && (code = start(err)) != 0)
            break;
        if (call(&ask, file, &answer, &out->sock) == 0)
            break;
        stop();
    }
    pthread_mutex_unlock(&the_nursery.lock);
    if (code != 0)
        return code;
    if (tries == 2)
        return eye_fail(err, EYE_EREMOTE, "the process that starts decoders keeps dying");
    if (answer.errnum != 0)
        return eye_fail_errno(err, answer.errnum, "cannot start a decoder process");
    out->pid = answer.pid;
    if (out->sock < 0) {
        nursery_end(out->pid);
        return eye_fail_errno(err, EMFILE, "cannot start a decoder process");
    }
    return 0;
}

int nursery_end(pid_t pid)
{
    struct nursery_ask ask;
    struct nursery_answer answer;
    int status = -1, none;
    memset(&ask, 0, sizeof(ask));
    ask.op = NURSERY_END;
    ask.pid = pid;
    pthread_mutex_lock(&the_nursery.lock);
    disown();
    if (the_nursery.pid > 0) {
        if (call(&ask, -1, &answer, &none) != 0)
            stop(); /* its children went with it */
        else if (answer.errnum == 0)
            status = answer.status;
    }
    pthread_mutex_unlock(&the_nursery.lock);
    return status;
}
