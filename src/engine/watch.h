/* watch.h - what the files that watch folders share.
 *
 *   watch_tree.c    inotify: which folder a watch is of, as folders come, go and move
 *   watch_queue.c   what has changed since the last look, and what is still being written
 *   watch_mounts.c  which file systems tell of changes, and what is mounted just now
 *   watch_grow.c    folders of a root get watches; those that cannot are its gaps, to be looked at now and then
 *   watch_event.c   from what inotify tells to changed paths
 *   watch_root.c    one root: there or not, notified or polled
 *   watch_loop.c    all roots: when to look, and at what
 *   watch.c         eye_watch: the looks are done here and now
 *   watch_jobs.c    eye_watch_start: the looks are scan jobs of a server
 *
 * One lock a watcher (`lock`) guards all of it but what is said to be the loop's own. It is not held while waiting,
 * while pictures are indexed, and while somebody is told something. */
#ifndef ENGINE_WATCH_H
#define ENGINE_WATCH_H

#include <stdatomic.h>

#include "engine/ingest.h"

struct inotify_event;

enum { WATCH_KIND = 32, WATCH_PATHS = 4096, WATCH_GAPS = 64 };

/* The system, as tests may want it to be. */
struct watch_sys {
    int (*open)(void);                                       /* an inotify descriptor; -1, errno */
    int (*add)(int fd, const char *path, uint32_t mask);     /* a watch; -1, errno */
    bool (*remote)(const char *path, char kind[WATCH_KIND]); /* tells nothing of what others do */
    const char *mounts;                                      /* file that lists what is mounted */
    double beat; /* seconds after which what is away is asked after again, and the list of roots */
    size_t most; /* changed paths that a root remembers; more, and all of it is looked at */
};
extern const struct watch_sys watch_sys_real;

/* ---- watch_tree.c ---- */

struct watch_node {
    struct watch_node *parent, *child, *next, **link; /* among the folders of its parent */
    struct watch_node *by_wd, *by_name;               /* next in its bucket */
    int wd;
    dev_t dev;
    ino_t ino;
    char name[]; /* below its parent; of the topmost: where that lies below the root */
};

struct watch_tree {
    const struct watch_sys *sys;
    int fd; /* -1: none */
    struct watch_node *top;
    struct watch_node **wds, **names; /* [buckets] */
    size_t buckets, n;
};

int watch_tree_open(struct watch_tree *t, const struct watch_sys *sys); /* 0, or an errno */
void watch_tree_close(struct watch_tree *t);
struct watch_node *watch_tree_find(const struct watch_tree *t, int wd);
struct watch_node *watch_tree_child(const struct watch_tree *t, const struct watch_node *parent,
                                    const char *name);
/* The node of `rel`; NULL. `under`: where the topmost lies. */
struct watch_node *watch_tree_at(const struct watch_tree *t, const char *under, const char *rel);
/* Watch the folder `path` as `name` of parent (NULL: it is the topmost); what is known of it stays. root: of all paths.
 * 0, ENOSPC and other errnos; EEXIST: it is the same folder as another that is still there (*other). */
int watch_tree_add(struct watch_tree *t, const char *root, struct watch_node *parent,
                   const char *name, const char *path, const struct stat *st,
                   struct watch_node **other);
void watch_tree_drop(struct watch_tree *t,
                     struct watch_node *node); /* and all below; NULL is fine */
/* Where it lies below the root, then "/" and `name` unless that is "". Yours; NULL: out of memory. */
char *watch_tree_rel(const struct watch_node *node, const char *name);

/* ---- watch_queue.c ---- */

struct watch_entry {
    char *rel; /* NULL: free */
    bool writing;
    double at; /* eng_now() of its last event */
};

struct watch_queue {
    struct watch_entry *slots; /* a table, open addressing */
    size_t cap, n, nready, most;
    bool whole; /* all of the root is to be looked at */
};

struct watch_taken {
    bool whole;
    char **rels; /* [n] sorted, none inside another */
    size_t n;
};

void watch_queue_init(struct watch_queue *q, size_t most);
void watch_queue_release(struct watch_queue *q);
void watch_queue_add(struct watch_queue *q, const char *rel, double now);     /* it has changed */
void watch_queue_writing(struct watch_queue *q, const char *rel, double now); /* and goes on to */
void watch_queue_all(struct watch_queue *q);
bool watch_queue_is_writing(const struct watch_queue *q, const char *rel);
bool watch_queue_is_ready(const struct watch_queue *q); /* has something to be taken */
/* Those whose writer was not heard of since `before` are taken for complete; the earliest of the others, or 0. */
double watch_queue_silent(struct watch_queue *q, double before);
/* All but what is being written, out of the queue. Out of memory: whole. */
void watch_queue_take(struct watch_queue *q, struct watch_taken *out);
void watch_queue_put_back(struct watch_queue *q, const struct watch_taken *taken, double now);
void watch_taken_release(struct watch_taken *taken);
/* Byte order, but what lies in a folder comes right after it. */
int watch_rel_cmp(const char *a, const char *b);

/* ---- watch_mounts.c ---- */

struct watch_mount {
    char *point, *kind;
    uint64_t id;
};

struct watch_mounts {
    const char *file;
    int fd; /* -1: the system does not tell */
    struct watch_mount *list;
    size_t n;
};

bool watch_remote(const char *path, char kind[WATCH_KIND]);
bool watch_kind_is_remote(const char *kind); /* as /proc/self/mountinfo calls it */
int watch_mounts_parse(const char *text, struct watch_mount **list, size_t *n);
void watch_mounts_free(struct watch_mount *list, size_t n);
void watch_mounts_open(struct watch_mounts *m, const char *file);
void watch_mounts_close(struct watch_mounts *m);
/* Read it again; fn gets each point at which something came or went. */
void watch_mounts_check(struct watch_mounts *m, void (*fn)(void *ctx, const char *point),
                        void *ctx);

/* ---- a root ---- */

struct watch_gap {
    char *rel;
    char *why;
    bool scarce; /* it may get watches another time */
};

struct watch_root {
    int64_t id;
    char *path;
    char *under; /* the part of it that is watched; "": all */
    bool files_only, has_files;
    struct watch_tree tree;
    struct watch_queue queue;
    struct watch_gap *gaps; /* [ngaps] */
    size_t ngaps;
    bool there, empty; /* as of the last check; empty: where pictures were */
    bool stale;        /* events were lost: watches are to be set anew before the next look */
    double next_poll;  /* while there are gaps */
    double next_check;
    int64_t changed_at;
    /* what was told */
    eye_watch_how how;
    char *why;
    bool told, changed;
    struct watch_taken taken; /* being looked at */
    bool looking;
};

struct watcher {
    eye_lib *lib;
    const struct watch_sys *sys;
    eye_watch_options o;
    pthread_mutex_t lock;
    struct watch_root **roots; /* [n]; the array is changed by the loop only */
    size_t n;
    struct watch_mounts mounts;
    bool follow;         /* every root of the library, also later ones */
    double first, last;  /* when what is queued came; 0: nothing */
    double put_off;      /* since when removals are left to later looks; 0: they are not */
    bool puts_off;       /* this look did */
    double not_before;   /* after a look that failed */
    bool eager;          /* the first look waits for nothing */
    bool may_mount;      /* something was mounted or unmounted */
    double next_refresh; /* of the list of roots */
    int wake;            /* eventfd */
    atomic_bool stop;
    int64_t generation;
};

/* ---- watch_grow.c ---- */
/* Watches for the folder `rel` and all below, as a scan would go; what gets none becomes a gap. */
void watch_grow(struct watcher *w, struct watch_root *r, const char *rel);
void watch_gap_add(struct watcher *w, struct watch_root *r, const char *rel, bool scarce,
                   const char *why);
void watch_gaps_below(struct watch_root *r, const char *rel); /* forgets them */

/* ---- watch_event.c ---- */
/* All that inotify has to tell just now. */
void watch_drain(struct watcher *w);
void watch_mark(struct watcher *w, struct watch_root *r, const char *rel); /* "": all of it */

/* ---- watch_root.c ---- */
struct watch_root *watch_root_new(const struct watcher *w, const struct store_root *root,
                                  const char *under, struct eye_err *err);
void watch_root_free(struct watch_root *r);
/* Begin: watches, and everything is to be looked at. */
void watch_root_start(struct watcher *w, struct watch_root *r);
void watch_root_gone(struct watcher *w, struct watch_root *r); /* or so it seems: to be checked */
/* Is it there, is it time to poll; when to ask again. */
double watch_root_check(struct watcher *w, struct watch_root *r, double now);
void watch_root_mounted(struct watcher *w, struct watch_root *r, const char *point);
void watch_root_look(struct watch_root *r); /* is it empty? */
/* r->how and r->why as they are now; r->changed when they differ. */
void watch_root_judge(struct watch_root *r);

/* ---- watch_loop.c ---- */
int watch_init(struct watcher *w, eye_lib *lib, const eye_watch_options *o,
               const struct watch_sys *sys, struct eye_err *err);
void watch_release(struct watcher *w);
/* One turn: what happened is taken in, states are told. True: there is something to look at (it is taken: watch_looks);
 * else it has waited for at most `seconds`, or until something happens. */
bool watch_turn(struct watcher *w, double seconds, bool may_look);
/* What was taken, as eng_index wants it: yours to free, its strings the watcher's until watch_looked. */
struct eng_look *watch_looks(struct watcher *w, size_t *n, struct eye_err *err);
/* The look has ended; unless rc is 0 what was taken is to be looked at again, not before `pause` seconds from now. */
void watch_looked(struct watcher *w, int rc, double pause);
void watch_pull(struct watcher *w); /* watch_drain for another thread, or during a look */
bool watch_leave(void *watcher, int64_t root, const char *rel, const struct stat *st);
bool watch_stopped(const struct watcher *w);
void watch_poke(struct watcher *w);
int watch_add_root(struct watcher *w, const struct store_root *root, const char *under,
                   struct eye_err *err);
void watch_tell(struct watcher *w); /* the states that changed */

/* ---- watch.c ---- */
int watch_run(eye_lib *lib, const char *const *paths, size_t npaths, const eye_watch_options *o,
              const struct watch_sys *sys, struct eye_err *err);

/* ---- watch_jobs.c ---- */
int watch_start(eye_lib *lib, const eye_watch_options *o, const struct watch_sys *sys,
                struct eye_err *err);

#endif
