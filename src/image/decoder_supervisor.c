/* decoder_supervisor.c - a small process whose only trade is to fork workers and to bury them.
 *
 * Why not fork workers from the program itself: by the time one has to be replaced, the program has threads (a lock held by
 * another thread stays locked for ever in the child), weights in memory (a fork with 1 GB touched took 57 ms, a small one
 * 0.2 ms), and keys and other people's pictures, which a hostile file in the child could read. The supervisor is forked
 * once, early, and holds none of that. A crash and a new worker together cost 1.9 ms of processor time.
 *
 * It is the workers' parent, hence:
 * - a worker's pid stays taken until the program asks to END it, so kill and the processor clock never hit a stranger;
 * - PR_SET_PDEATHSIG works (it fires when the *thread* that forked ends: in a program with threads that is a trap).
 * The supervisor itself follows the program by the end of its control socket, whatever kills the program. */
#include "image/decoder_internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

struct nursery {
    const struct decoder_config *config;
    pid_t *pids; /* [config->nworkers], 0: free */
};

static pid_t *find_pid(struct nursery *n, pid_t pid)
{
    for (int i = 0; i < n->config->nworkers; i++)
        if (n->pids[i] == pid)
            return &n->pids[i];
    return NULL;
}

static void answer_spawn(struct nursery *n)
{
    struct supervisor_answer answer = {0, 0, 0};
    int pair[2] = {-1, -1};
    pid_t *slot = find_pid(n, 0), self = getpid();
    if (!slot) {
        answer.errnum = EAGAIN;
    } else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        answer.errnum = errno;
    } else {
        pid_t pid = fork();
        if (pid == 0)
            decoder_worker(n->config, pair[1], self);
        if (pid < 0)
            answer.errnum = errno;
        else
            answer.pid = *slot = pid;
    }
    wire_send(SANDBOX_SOCKET, &answer, sizeof(answer), pair[0]);
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static void answer_end(struct nursery *n, pid_t pid)
{
    struct supervisor_answer answer = {pid, 0, 0};
    pid_t *slot = pid > 0 ? find_pid(n, pid) : NULL;
    if (!slot) {
        answer.errnum = ESRCH;
    } else {
        kill(pid, SIGKILL); /* one that is dead already keeps its status */
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        answer.status = status;
        *slot = 0;
    }
    wire_send(SANDBOX_SOCKET, &answer, sizeof(answer), -1);
}

_Noreturn static void supervise(const struct decoder_config *config, int sock)
{
    struct nursery n = {config, mem_calloc((size_t)config->nworkers, sizeof(pid_t), NULL)};
    struct supervisor_ask ask;
    setsid();
    sandbox_reset_signals();
    prctl(PR_SET_NAME, "eyeshine-nurse", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    sandbox_close_descriptors(sock, -1);
    while (n.pids && wire_recv(SANDBOX_SOCKET, &ask, sizeof(ask), NULL) == 0) {
        if (ask.op == SUPERVISOR_SPAWN)
            answer_spawn(&n);
        else
            answer_end(&n, ask.pid);
    }
    for (int i = 0; n.pids && i < config->nworkers; i++)
        if (n.pids[i] > 0)
            kill(n.pids[i], SIGKILL);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    _exit(0);
}

pid_t supervisor_start(const struct decoder_config *config, int *sock, struct eye_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return eye_fail_errno(err, errno, "cannot start the decoder");
    pid_t pid = fork();
    if (pid == 0)
        supervise(config, pair[1]); /* closes pair[0] with the rest */
    close(pair[1]);
    if (pid < 0) {
        int code = eye_fail_errno(err, errno, "cannot start the decoder's process");
        close(pair[0]);
        return code;
    }
    *sock = pair[0];
    return pid;
}

int supervisor_call(int sock, const struct supervisor_ask *ask, struct supervisor_answer *answer,
                    int *fd)
{
    if (fd)
        *fd = -1;
    if (wire_send(sock, ask, sizeof(*ask), -1) != 0)
        return -1;
    return wire_recv(sock, answer, sizeof(*answer), fd);
}
