/* decoder_wire.c - bytes and descriptors between the program and its decoder processes.
 *
 * Plain copies over a socket pair: a call with a result of 150 KB (a model of 224 pixels) costs 83 us of processor time in all,
 * both sides counted, beside a decode of milliseconds; shared memory would save half and add a lifetime to manage.
 *
 * Time: a file may cost max_seconds of the worker's processor time. On a loaded machine that takes longer on the wall,
 * which is not the file's fault; a worker that waits (a network drive that hangs) uses none, so the
 * wall clock ends it too, at four times max_seconds. */
#include "image/decoder_internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"

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

void wire_pack(const struct image_meta *meta, struct decoder_answer *out)
{
    out->format = (int32_t)meta->format;
    out->width = meta->width;
    out->height = meta->height;
    out->orientation = meta->orientation;
    out->taken_at = meta->taken_at;
    out->has_gps = meta->has_gps;
    out->lat = meta->lat;
    out->lon = meta->lon;
    memcpy(out->camera, meta->camera, sizeof(out->camera));
}

_Static_assert(sizeof(((struct decoder_answer *)0)->camera) ==
                   sizeof(((struct image_meta *)0)->camera),
               "the camera's name crosses the wall by one memcpy");

/* Years 1 to 9999: what a date can be written as. */
static bool plausible_time(int64_t t)
{
    return t == INT64_MIN || (t >= -62135596800 && t <= 253402300799);
}

/* In place: "" unless it is a C string of printable UTF-8. */
static void clean_text(char *text, size_t size)
{
    size_t len = strnlen(text, size);
    bool ok = len < size && utf8_valid(text, len);
    for (size_t i = 0; ok && i < len; i++)
        ok = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
    if (!ok)
        text[0] = '\0';
}

int wire_unpack(const struct decoder_answer *in, const struct image_limits *limits,
                struct image_meta *out, struct eye_err *err)
{
    bool format_ok = in->format > IMAGE_UNKNOWN && in->format <= IMAGE_AVIF;
    bool size_ok = in->width > 0 && in->height > 0 && in->width <= limits->max_side &&
                   in->height <= limits->max_side &&
                   (uint64_t)in->width * (uint64_t)in->height <= limits->max_pixels;
    bool place_ok =
        in->has_gps == 0 || (in->has_gps == 1 && isfinite(in->lat) && isfinite(in->lon) &&
                             fabs(in->lat) <= 90 && fabs(in->lon) <= 180);
    if (!format_ok || !size_ok || !place_ok || in->orientation < 1 || in->orientation > 8 ||
        !plausible_time(in->taken_at))
        return eye_fail(err, EYE_EREMOTE,
                        "the decoder gave an answer that makes no sense; the file may be hostile");
    memset(out, 0, sizeof(*out));
    out->format = (enum image_format)in->format;
    out->width = in->width;
    out->height = in->height;
    out->orientation = in->orientation;
    out->taken_at = in->taken_at;
    out->has_gps = in->has_gps == 1;
    out->lat = out->has_gps ? in->lat : 0;
    out->lon = out->has_gps ? in->lon : 0;
    memcpy(out->camera, in->camera, sizeof(out->camera));
    clean_text(out->camera, sizeof(out->camera));
    return 0;
}

static uint32_t little_endian(const uint8_t *at, int n)
{
    uint32_t v = 0;
    while (n-- > 0)
        v = v << 8 | at[n];
    return v;
}

/* RFC 9649, 2.5: RIFF size WEBP, "VP8 " size; then a key frame of VP8 (RFC 6386, 9.1). */
bool wire_webp_ok(const uint8_t *data, size_t len, int side)
{
    enum { HEAD = 30, RIFF = 8, CHUNK = 20 };
    if (len < HEAD || len > wire_webp_max(side) || memcmp(data, "RIFF", 4) != 0 ||
        memcmp(data + 8, "WEBPVP8 ", 8) != 0)
        return false;
    uint32_t chunk = little_endian(data + 16, 4);
    int width = (int)little_endian(data + 26, 2), height = (int)little_endian(data + 28, 2);
    return little_endian(data + 4, 4) == len - RIFF && chunk <= len - CHUNK &&
           chunk + (chunk & 1) == len - CHUNK && (data[20] & 1) == 0 &&
           memcmp(data + 23, "\x9d\x01\x2a", 3) == 0 && width >= 1 && width <= side &&
           height >= 1 && height <= side;
}
