/* wire.h - bytes and descriptors over a socket pair to a process that may misbehave. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Sends all of it to a stream or as one packet, with descriptor `fd` beside it unless -1. -1: errno. */
int wire_send(int sock, const void *data, size_t len, int fd);
/* Receives exactly len bytes, and a descriptor if fd != NULL (-1: none came). 0, or -1 at the end of the stream. */
int wire_recv(int sock, void *data, size_t len, int *fd);

/* The wait for a worker may last until either has run out: its own processor time, or the wall clock. */
struct wire_deadline {
    pid_t pid;         /* whose processor time */
    int64_t cpu, wall; /* nanoseconds on the two clocks; cpu -1: not to be had */
};
struct wire_deadline wire_deadline_in(pid_t pid, int max_seconds);
/* Like wire_recv; EYE_ELIMIT past the deadline, EYE_EREMOTE at the end of the stream (no message is made). */
int wire_recv_until(int sock, void *data, size_t len, const struct wire_deadline *deadline);
/* True if bytes wait that nobody asked for, or the other side is gone. */
bool wire_disturbed(int sock);

#endif
