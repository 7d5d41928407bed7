/* sandbox.h - shuts a process in before it touches a stranger's bytes: the decoders' workers, the unpacking of archives.
 *
 * For a child just after fork, with one thread. There is no way back. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* A sanitizer's runtime reserves terabytes, opens /proc and starts a symbolizer: RLIMIT_DATA and seccomp
 * would kill it, not a bug. Those two are left out of such builds, and stderr stays open for reports. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#define SANDBOX_SANITIZED                                                                          \
    (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)) /* clang's way */
#else
#define SANDBOX_SANITIZED 0
#endif

/* The child's only way out is the socket; 0, 1 and 2 are /dev/null. What it reads may be at SANDBOX_FILE. */
enum { SANDBOX_SOCKET = 3, SANDBOX_FILE = 4 };

struct sandbox_limits {
    uint64_t max_memory; /* bytes of heap beyond what is in use now */
    int cpu_seconds;     /* for its whole life, then SIGXCPU; 0: no limit */
};

/* False: the user's way around a system without seccomp, EYESHINE_SANDBOX=off (a warning is logged). */
bool sandbox_wanted(void);
/* Handlers of the program mean nothing in a child. Ctrl-C and a service manager's SIGTERM go to all processes at once: the
 * program decides when to stop, and its children serve until then, so they ignore those. */
void sandbox_reset_signals(void);
/* Point 0, 1 and 2 at /dev/null, move `sock` to SANDBOX_SOCKET and `file` (-1: none) to SANDBOX_FILE, close all others. */
void sandbox_close_descriptors(int sock, int file);
/* rlimits and, if `seccomp`, the system call filter. EYE_EIO tells what the system refused. */
int sandbox_enter(const struct sandbox_limits *limits, bool seccomp, struct eye_err *err);

#endif
