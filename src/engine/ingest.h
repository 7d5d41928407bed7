/* ingest.h - the pipeline that turns files into rows and vectors.
 *
 *   source thread --work--> lanes (one a processor) --done--> writer (the caller's thread)
 *   scan.c or use.c         lane.c: open, hash,               writer.c: one transaction a batch,
 *                           decode, encode                    then events and progress
 *
 * One struct eng_item is one file on its way; whoever popped it owns it. Only the writer writes to the
 * store, so there is nobody to wait for; lanes and source read through handles of their own.
 *
 * The table holds the items whose bytes are being worked on, by hash, from when a lane knows the hash until the
 * writer has committed: the same bytes arriving meanwhile wait on that item instead of being embedded twice. */
#ifndef ENGINE_INGEST_H
#define ENGINE_INGEST_H

#include <stdatomic.h>

#include "base/queue.h"
#include "engine/engine.h"

enum { ENG_TABLE = 256, ENG_QUEUE = 256 };
/* Items of one transaction. On a server it costs some questions, each of which may wait for the server's clock (0.2 s), so there it takes more
 * of them and more time. */
enum { ENG_BATCH = 64, ENG_BATCH_SERVER = 512 };
/* Each lane holds some five descriptors, and 1024 is what a process commonly may have. */
enum { ENG_LANES_MAX = 128 };

enum eng_kind {
    ENG_WORK,     /* on its way to a lane */
    ENG_EMBED,    /* new picture: meta and vector are there */
    ENG_VECTOR,   /* known picture, new vector only (model use) */
    ENG_LINK,     /* shows a picture that is known */
    ENG_FAIL,     /* code, reason */
    ENG_AWAY_NOW, /* the same, and it says nothing of the file: its store cannot be reached */
    ENG_GONE,     /* vanished, or not a picture and never said to be one: leaves no trace */
    ENG_REDO,     /* changed while it was read: once more at the end of the run */
    ENG_REMOVE,   /* no longer there */
    ENG_MOUNT,    /* a mounted folder: to be known before its files are */
    ENG_WOULD_INDEX,
    ENG_WOULD_REMOVE
};

struct eng_item {
    struct eng_item *next;    /* in whatever list it is in */
    struct eng_item *waiters; /* same bytes, to be linked when this one is committed */
    enum eng_kind kind;
    int64_t root;
    char *path;      /* absolute; owned */
    const char *rel; /* borrowed from path */
    int64_t picture; /* the store knows the path as this picture; 0: not as a good one */
    int64_t target;  /* ENG_LINK: the picture that a lane saw to have these bytes; 0: unknown */
    bool sniff;      /* the name does not say picture: bytes that do not either are no failure */
    bool in_table;
    bool again; /* second try after ENG_REDO */
    struct hash hash;
    uint64_t size;
    int64_t mtime_ns;
    struct store_picture meta; /* ENG_EMBED */
    uint16_t *vector;          /* [dim] fp16, owned; ENG_EMBED, ENG_VECTOR */
    int code;                  /* ENG_FAIL */
    char *reason;              /* owned; ENG_FAIL */
    eye_file_outcome outcome;  /* set by the writer */
    bool silent;               /* no event */
};

/* A list to append to. */
struct eng_list {
    struct eng_item *first, **last;
};

struct eng_lane {
    struct eng_pipe *pipe;
    struct store *store;
    struct clip_work *work;
    float *vector; /* [dim] */
    pthread_t thread;
};

struct eng_pipe {
    eye_lib *lib;
    struct eng_model *model; /* NULL: dry run, no lanes */
    int64_t model_id;
    int dim;
    bool revector; /* items are known pictures that lack this model's vector (model use) */
    struct decoder_pool *decoder;
    bool borrowed; /* the decoder is the caller's */
    struct queue *work, *done;
    struct eng_lane *lanes; /* [nlanes] */
    int nlanes, started;
    atomic_int lanes_left;
    atomic_bool stop; /* cancelled or failed: finish nothing that is not finished */
    atomic_bool source_done;
    pthread_mutex_t table_lock;
    struct eng_item *table[ENG_TABLE];
    /* under table_lock, too */
    char waits[EYE_ERR_MSG_MAX]; /* what some thread waited for, */
    double waited;               /* and when it last said so (eng_now) */
    struct eye_err broken; /* a lane could not ask the store: the run ends; code 0: all is well */
    /* counted by the source, read by the writer */
    atomic_uint_least64_t seen, skipped, unchanged, known_failed, total;
};

/* What the writer tells to whom; any may be NULL. */
struct eng_hooks {
    int (*progress)(void *ctx, const eye_index_progress *p);
    int (*event)(void *ctx, const eye_index_event *e);
    void *ctx;
};

struct eng_writer {
    struct eng_pipe *pipe;
    struct store *store;
    struct eng_hooks hooks;
    bool dry_run;
    eye_index_progress counts;
    uint64_t gone, bare; /* files that vanished or never were pictures; of these, the latter */
    struct eng_item *batch[ENG_BATCH_SERVER];
    size_t n, full; /* full: from so many on it is written */
    double started, batch_started, last_progress;
    struct eng_list todo, redo;
    struct eng_item **held; /* [nheld] owned; still in the table, so not in a list */
    size_t nheld, held_cap;
    struct {
        double at;
        uint64_t done;
    } window[64]; /* for the rate: a ring of samples */
    size_t samples;
    bool cancelled, waiting; /* waiting: eng_writer_wait is on the stack */
    int rc;                  /* first error; err is the caller's */
};

/* ---- pipe.c ---- */
struct eng_item *eng_item_new(const char *root, const char *rel, int64_t root_id,
                              struct eye_err *err);
void eng_item_free(struct eng_item *item);                              /* waiters too */
int eng_item_fail(struct eng_item *item, int code, const char *reason); /* makes it ENG_FAIL */
void eng_list_init(struct eng_list *list);
void eng_list_add(struct eng_list *list, struct eng_item *item);
struct eng_item *eng_list_take(struct eng_list *list); /* NULL when empty */
void eng_list_release(struct eng_list *list);

/* model NULL: dry run. Call before any thread: the decoder's workers are forked here, before the model is touched.
 * decoder: one to borrow, with a worker a lane; NULL: its own. */
int eng_pipe_init(struct eng_pipe *p, eye_lib *lib, int lanes, struct decoder_pool *decoder,
                  struct eye_err *err);
int eng_lanes(const eye_lib *lib); /* how many a run has */
int eng_pipe_model(struct eng_pipe *p, struct eng_model *model, int64_t id, struct eye_err *err);
void eng_pipe_release(struct eng_pipe *p);
void eng_pipe_stop(struct eng_pipe *p); /* any thread */

/* Run `source` in a thread of its own beside the lanes and write what comes out, until all is committed. The
 * source pushes with eng_pipe_push and returns; its error ends the run. Negative: the first error; EYE_ECANCELLED. */
typedef int eng_source_fn(void *ctx, struct eng_pipe *p, struct eye_err *err);
int eng_pipe_run(struct eng_pipe *p, eng_source_fn *source, void *ctx, struct eng_writer *w,
                 struct eye_err *err);
bool eng_pipe_push(struct eng_pipe *p, struct eng_item *item); /* takes it over; false: stop */
/* An eng_wait_fn for all threads of a pipe but the writer's: notes what for, and goes on until the pipe is stopped. */
int eng_pipe_wait(void *pipe, const char *what);
/* The store failed a lane; nobody's file is to blame. The run ends with the first such error. */
void eng_pipe_break(struct eng_pipe *p, const struct eye_err *why);

/* True when `item` may go on; false: another item with these bytes is under way, and took it over. */
bool eng_table_claim(struct eng_pipe *p, struct eng_item *item);
/* Out of the table again; returns those that waited. */
struct eng_item *eng_table_drop(struct eng_pipe *p, struct eng_item *item);

/* ---- lane.c ---- */
int eng_lane_init(struct eng_lane *lane, struct eng_pipe *pipe, struct eye_err *err);
void eng_lane_release(struct eng_lane *lane);
/* Work on one item; false when another item took it over. */
bool eng_lane_item(struct eng_lane *lane, struct eng_item *item);
void *eng_lane_main(void *lane);

/* ---- ingest.c ---- */
/* A part of a known root that is looked at because something happened there. */
struct eng_look {
    int64_t root;
    const char *root_path;
    const char *under; /* nrels 0: everything below this; "" for the whole root */
    const char *const *
        rels; /* [nrels] below root_path, none inside another: files and folders (with all below) that are
                         there or not; what a scan of the root would leave out is left out here too */
    size_t nrels;
    bool files_only; /* a root for single files: of the rels only those that are known */
};

/* What eye_index looks at: paths, or just these files of a known root, which costs no look at anything else. */
struct eng_wanted {
    const char *const *paths;
    size_t npaths;
    int64_t root;
    const char *root_path;
    const char *const *rels; /* [nrels] below root_path */
    size_t nrels;
    struct decoder_pool *decoder; /* one to borrow; NULL: its own */
    bool whole; /* segments of the index are made before it returns, not in the background */
    const struct eng_look *looks; /* [nlooks] or these, in one run: borrowed */
    size_t nlooks;
    /* True: leave this file alone for now, as if it had not changed, or (st NULL) were still there; whoever says so sees
     * to it that it is looked at again. Asked from the source's thread and the caller's; may be NULL. */
    bool (*leave)(void *ctx, int64_t root, const char *rel, const struct stat *st);
    void *leave_ctx;
};
int eng_index(eye_lib *lib, const struct eng_wanted *wanted, const eye_index_options *options,
              eye_index_progress *out, struct eye_err *err);

/* ---- writer.c ---- */
void eng_writer_init(struct eng_writer *w, struct eng_pipe *p, struct store *store,
                     const struct eng_hooks *hooks);
void eng_writer_add(struct eng_writer *w, struct eng_item *item, struct eye_err *err);
void eng_writer_flush(struct eng_writer *w, struct eye_err *err);
void eng_writer_drain(struct eng_writer *w,
                      struct eye_err *err); /* until `done` is closed and empty */
void eng_writer_put(struct eng_writer *w, struct eng_item *item,
                    struct eye_err *err); /* eng_writer_add, but never held */
void eng_writer_discard(struct eng_writer *w, struct eng_item *item);
eye_index_progress eng_writer_counts(struct eng_writer *w);
void eng_writer_progress(struct eng_writer *w, bool now);
int eng_writer_wait(void *writer, const char *what); /* an eng_wait_fn for the writer's thread */
void eng_writer_release(struct eng_writer *w);

/* ---- held.c ---- */
bool eng_held_take(struct eng_writer *w, struct eng_item *item); /* false: to be written now */
void eng_held_write(struct eng_writer *w, struct eye_err *err);  /* all of them, in their order */

#endif
