/* nursery.h - a small process whose only trade is to fork children and to bury them.
 *
 *     program (threads)           nursery (one thread)           child (sandboxed)
 *     nursery_spawn  ── order ──►  nursery.c  ────── fork ─────►  the caller's function
 *         └───────────────────────── socket ──────────────────────────┘
 *
 * One a process, for whoever meets strangers' bytes. It begins with the first hold and ends with the last drop. Hold
 * it early: it is forked then, and should find one thread and little memory (eye_open does that). Thread-safe. */
#ifndef BASE_NURSERY_H
#define BASE_NURSERY_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { NURSERY_ORDER_MAX = 256 };

/* A child's life; must end by _exit(). `order` is a copy of what the caller of nursery_spawn gave. It has its end of the socket at
 * SANDBOX_SOCKET, the file at SANDBOX_FILE and no other descriptor (base/sandbox.h), and is killed when the nursery ends. */
typedef void nursery_life(const void *order);

/* Failing to start is no matter here: nursery_spawn tries again and tells. */
void nursery_hold(void);
void nursery_drop(void);

struct nursery_child {
    pid_t pid; /* stays taken until nursery_end(), however it ends */
    int sock;  /* a stream, close-on-exec; yours to close */
};

/* A child that lives `life` (a function of this program or its libraries: addresses are inherited). order: at most
 * NURSERY_ORDER_MAX bytes without pointers to what was made later. file: a descriptor for it, or -1; stays yours.
 * For holders only. EYE_EIO, EYE_EREMOTE when the nursery keeps dying. */
int nursery_spawn(nursery_life *life, const void *order, size_t len, int file,
                  struct nursery_child *out, struct eye_err *err);
/* Kill it, bury it: its wait status (one that was dead already keeps its own), or -1 if nobody knows. */
int nursery_end(pid_t pid);

#endif
