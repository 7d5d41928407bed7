/* eye_watch.h - folders that are looked after while they change.
 *
 * Included by eyeshine.h, whose rules hold. inotify tells of changes; a file is looked at once nothing has happened to it for `settle`
 * seconds, and what belongs together (both ends of a move, a flood) is looked at together, through eye_index. Network and FUSE file
 * systems, which tell nothing of what others do, and folders for which the system has no watches left are scanned every
 * `poll` seconds instead, and it is said which and why. A root that goes away (unmounted) is offline until it comes back; then all
 * of it is looked at again. */
#ifndef EYE_WATCH_H
#define EYE_WATCH_H

#ifndef EYESHINE_H
#error "include eyeshine.h, which includes this"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    EYE_WATCH_OFF,
    EYE_WATCH_NOTIFIED,
    EYE_WATCH_POLLED,
    EYE_WATCH_OFFLINE
} eye_watch_how;

typedef struct {
    const char *path; /* of the root */
    eye_watch_how how;
    const char *why;    /* POLLED, OFFLINE: one sentence; else "" */
    uint64_t folders;   /* watched */
    int64_t changed_at; /* last change seen; EYE_TIME_UNKNOWN */
} eye_watch_state;

typedef struct {
    double settle; /* seconds; 0: 2 */
    double poll;   /* seconds; 0: 300 */
    double flood;  /* seconds after which changes are looked at though more keep coming; 0: 30 */
    eye_index_options index; /* exclusions, and the events and progress of each look */
    void (*state)(void *ctx, const eye_watch_state *s); /* a root's state changed; may be NULL */
    void (*looked)(void *ctx, const eye_index_progress *p, int rc,
                   const struct eye_err *why); /* after each look */
    const volatile int *
        stop; /* set to non-zero (by a signal handler, say) and it returns within a second; may be NULL */
    void *ctx;
} eye_watch_options;

/* Index everything below each path (folders; npaths 0: every root, also those added later), then go on watching until stopped: 0, or what
 * made it impossible. A process that indexes is waited for (looked: EYE_EBUSY, once); looks after the first that fail are told by
 * `looked` and tried again. All callbacks come from the caller's thread. EYE_EINVAL: a file, a dry run, parts, no root at all;
 * EYE_ENOTFOUND: a folder that was named is in the library no more; EYE_ECANCELLED: a callback of `index` stopped it. */
EYE_API int eye_watch(eye_lib *lib, const char *const *paths, size_t npaths,
                      const eye_watch_options *options, struct eye_err *err);

/* The same in the background for every root of the library but its uploads, also those added later, through the jobs of eye_jobs.h (which must have
 * been started): each look is a scan job, of which the ten newest are kept. Of options->index only the exclusions and all_files count;
 * strings are borrowed until the end; `state` and `looked` are called from a thread of its own, which must not stop the watching.
 * options NULL: as they come. Stopped by eye_watch_stop, eye_jobs_stop and eye_close. */
EYE_API int eye_watch_start(eye_lib *lib, const eye_watch_options *options, struct eye_err *err);
EYE_API void eye_watch_stop(eye_lib *lib);
/* How each root is watched just now by eye_watch_start; OFF for all when nothing watches. */
EYE_API int eye_watch_states(eye_lib *lib, int (*fn)(void *ctx, const eye_watch_state *s),
                             void *ctx, struct eye_err *err);

#ifdef __cplusplus
}
#endif
#endif
