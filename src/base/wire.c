/* wire.c - bytes and descriptors between the program and its sandboxed processes.
 *
 * Plain copies over a socket pair: a decoder's result of 150 KB (a model of 224 pixels) costs 83 us of processor time in all,
 * both sides counted, beside a decode of milliseconds; shared memory would save half and add a lifetime to manage.
 *
 * Time: a task may cost max_seconds of the other's processor time. On a loaded machine that takes longer on the wall,
 * which is not the file's fault; a process that waits (a network drive that hangs) uses none, so the
 * wall clock ends it too, at four times max_seconds. */
#include "base/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WALL_FACTOR = 4 };
static const int64_t second = 1000000000;

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

int wire_send(int sock, const void *data, size_t len, int fd)
{
    const char *at = data;
    union control control;
    memset(&control, 0, sizeof(control));
    while (len > 0) {
        ssize_t n;
        if (fd >= 0) {
            struct iovec part = {(void *)(uintptr_t)at, len};
            struct msghdr msg = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.room,
                                 .msg_controllen = sizeof(control.room)};
            struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(head), &fd, sizeof(fd));
            n = sendmsg(sock, &msg, MSG_NOSIGNAL);
        } else {
            n = send(sock, at, len, MSG_NOSIGNAL); /* the only sending call of the sandbox */
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        fd = -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The descriptor in a received message, or -1. */
static int descriptor_of(struct msghdr *msg)
{
    int fd = -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(msg);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    return fd;
}

int wire_recv(int sock, void *data, size_t len, int *fd)
{
    char *at = data;
    if (fd)
        *fd = -1;
    while (len > 0) {
        union control control;
        struct iovec part = {at, len};
        struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
        if (fd && *fd < 0) {
            msg.msg_control = control.room;
            msg.msg_controllen = sizeof(control.room);
        }
        ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        if (fd && *fd < 0)
            *fd = descriptor_of(&msg);
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* -1 if the process is gone or the clock is not to be had. */
static int64_t nanoseconds(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) == 0 ? (int64_t)t.tv_sec * second + t.tv_nsec : -1;
}

static int64_t cpu_time(pid_t pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? nanoseconds(clock) : -1;
}

struct wire_deadline wire_deadline_in(pid_t pid, int max_seconds)
{
    int64_t cpu = cpu_time(pid), allowed = (int64_t)max_seconds * second;
    return (struct wire_deadline){pid, cpu < 0 ? -1 : cpu + allowed,
                                  nanoseconds(CLOCK_MONOTONIC) + WALL_FACTOR * allowed};
}

/* Nanoseconds that the worker may go on for certain; a process does not use more than one second a second unless it
 * has threads, so poll() wakes about once before the end. 0: over. */
static int64_t time_left(const struct wire_deadline *d)
{
    int64_t left = d->wall - nanoseconds(CLOCK_MONOTONIC);
    int64_t cpu = d->cpu < 0 ? -1 : cpu_time(d->pid);
    if (cpu >= 0 && d->cpu - cpu < left)
        left = d->cpu - cpu;
    return left > 0 ? left : 0;
}

int wire_recv_until(int sock, void *data, size_t len, const struct wire_deadline *deadline)
{
    char *at = data;
    while (len > 0) {
        ssize_t n = recv(sock, at, len, MSG_DONTWAIT);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
            continue;
        }
        if (n == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
            return EYE_EREMOTE;
        int64_t ms = (time_left(deadline) + 999999) / 1000000;
        if (ms == 0)
            return EYE_ELIMIT;
        struct pollfd wait = {sock, POLLIN, 0};
        if (poll(&wait, 1, (int)(ms < 60000 ? ms : 60000)) < 0 && errno != EINTR)
            return EYE_EREMOTE;
    }
    return 0;
}

bool wire_disturbed(int sock)
{
    char byte;
    return recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK);
}
