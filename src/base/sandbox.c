/* sandbox.c - what a process gives up before it touches a stranger's bytes.
 *
 * Three walls, each enough on its own against most attacks: no descriptor but a socket and a file, rlimits, and a list of
 * the system calls that decoding and unpacking need (about thirty). What is not on the list answers ENOSYS, so that a library that
 * asks for a comfort of the system (glibc reads /proc/sys/vm/overcommit_memory before it shrinks a heap,
 * dav1d names its threads) goes on without; what only an attacker asks for (sockets, exec, fork, ptrace ...) kills the
 * process, so that it is noticed. "Kill on anything else" was tried first: a glibc update would turn good pictures into crashes.
 *
 * RLIMIT_AS is no use here: address space counts mapped files and reserved but unused ranges, and what the
 * child inherited. RLIMIT_DATA counts private writable memory only (kernel 4.7), so "what is there now + max_memory" bounds the heap.
 * RLIMIT_CPU is for a whole life; a decoder lives for many files, there the program keeps the time (base/wire.c).
 * RLIMIT_NPROC counts all processes of the user, and libde265 waits for ever when it may not start its one thread: the filter
 * refuses fork, and allows clone for threads only. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

bool sandbox_wanted(void)
{
    const char *word = getenv("EYESHINE_SANDBOX");
    bool off = word && strcmp(word, "off") == 0;
    if (off)
        log_line(LOG_WARN, "EYESHINE_SANDBOX=off: strangers' files are read without a system call "
                           "filter");
    return !off;
}

void sandbox_reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void sandbox_close_descriptors(int sock, int file)
{
    /* Above the range that is about to be replaced, if the program began with 0, 1 or 2 closed. */
    int safe = fcntl(sock, F_DUPFD, SANDBOX_FILE + 1);
    int safe_file = file < 0 ? -1 : fcntl(file, F_DUPFD, SANDBOX_FILE + 1);
    int null = open("/dev/null", O_RDWR);
    if (safe < 0 || null < 0 || (file >= 0 && safe_file < 0))
        _exit(1);
    for (int fd = 0; fd <= 2; fd++)
        if (!(SANDBOX_SANITIZED && fd == STDERR_FILENO) && dup2(null, fd) < 0)
            _exit(1);
    if (dup2(safe, SANDBOX_SOCKET) < 0 || (file >= 0 && dup2(safe_file, SANDBOX_FILE) < 0))
        _exit(1);
    closefrom(file >= 0 ? SANDBOX_FILE + 1 : SANDBOX_FILE);
}

/* Bytes that RLIMIT_DATA counts at this moment; 0 if the system does not tell. The sixth number of statm is
 * data and stack in pages: a little generous. */
static uint64_t data_in_use(void)
{
    char text[256] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    uint64_t pages = 0;
    char *at = text;
    for (int i = 0; n > 0 && i < 6; i++)
        pages = strtoull(at, &at, 10);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int limit(int resource, uint64_t most, const char *what, struct eye_err *err)
{
    struct rlimit now, wish = {(rlim_t)most, (rlim_t)most};
    if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max < wish.rlim_max)
        wish.rlim_cur = wish.rlim_max = now.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &wish) != 0)
        return eye_fail_errno(err, errno, "cannot limit a process's %s", what);
    return 0;
}

static int enter_rlimits(const struct sandbox_limits *limits, struct eye_err *err)
{
    int code = limit(RLIMIT_NOFILE, SANDBOX_FILE + 4, "open files", err);
    if (code == 0)
        code = limit(RLIMIT_FSIZE, 0, "file size", err);
    if (code == 0)
        code = limit(RLIMIT_CORE, 0, "core dumps", err);
    if (code == 0 && limits->cpu_seconds > 0)
        code = limit(RLIMIT_CPU, (uint64_t)limits->cpu_seconds, "processor time", err);
    if (code == 0 && !SANDBOX_SANITIZED)
        code = limit(RLIMIT_DATA, data_in_use() + limits->max_memory, "memory", err);
    return code;
}

/* Calls that are harmless whatever their arguments are. */
static const int allowed[] = {
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(pread64),
    SCMP_SYS(close),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
};

/* Calls that a library may try and do without; "permission denied" reads better than "no such call". */
static const int denied[] = {
    SCMP_SYS(open),   SCMP_SYS(openat),     SCMP_SYS(creat),
    SCMP_SYS(stat),   SCMP_SYS(newfstatat), SCMP_SYS(fstat),
    SCMP_SYS(access), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
};

/* Calls that no picture and no zip leads to. */
static const int fatal[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(ptrace),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(bpf),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat2),
    SCMP_SYS(mount),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(memfd_create),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(perf_event_open),
};

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = seccomp_rule_add_array(ctx, action, calls[i], 0, NULL);
    return rc;
}

/* Allowed with the right argument only: no memory that can be executed, talk over the one socket, signals (abort()) to itself,
 * clone for threads (clone3 hides its flags in memory; it is ENOSYS, so glibc falls back to clone). */
static int add_guarded(scmp_filter_ctx ctx)
{
    const uint32_t ok = SCMP_ACT_ALLOW;
    const struct {
        uint32_t action;
        int call;
        struct scmp_arg_cmp if_arg; /* which argument, how compared, with what */
    } rules[] = {
        {ok, SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
        {ok, SCMP_SYS(mprotect), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
        {ok, SCMP_SYS(recvmsg), {0, SCMP_CMP_EQ, SANDBOX_SOCKET, 0}},
        {ok, SCMP_SYS(sendto), {0, SCMP_CMP_EQ, SANDBOX_SOCKET, 0}},
        {ok, SCMP_SYS(tgkill), {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0}},
        {ok, SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}},
        {SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0}},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && rc == 0; i++)
        rc = seccomp_rule_add_array(ctx, rules[i].action, rules[i].call, 1, &rules[i].if_arg);
    return rc;
}

static int enter_seccomp(struct eye_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!ctx)
        return eye_fail(err, EYE_ENOMEM, "out of memory while building a sandbox");
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = add_all(ctx, SCMP_ACT_ALLOW, allowed, sizeof(allowed) / sizeof(allowed[0]));
    if (rc == 0)
        rc = add_all(ctx, SCMP_ACT_ERRNO(EACCES), denied, sizeof(denied) / sizeof(denied[0]));
    if (rc == 0)
        rc = add_all(ctx, SCMP_ACT_KILL_PROCESS, fatal, sizeof(fatal) / sizeof(fatal[0]));
    if (rc == 0)
        rc = add_guarded(ctx);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    if (rc != 0)
        return eye_fail_errno(
            err, -rc,
            "the system does not allow the sandbox (seccomp) in which pictures and archives are "
            "read; allow it, or set EYESHINE_SANDBOX=off if all of them come from people you "
            "trust");
    return 0;
}

int sandbox_enter(const struct sandbox_limits *limits, bool seccomp, struct eye_err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return eye_fail_errno(err, errno, "cannot give up privileges");
    int code = enter_rlimits(limits, err);
    if (code == 0 && seccomp && !SANDBOX_SANITIZED)
        code = enter_seccomp(err);
    return code;
}
