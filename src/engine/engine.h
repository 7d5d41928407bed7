/* engine.h - what the files of this folder share: the library handle, models, paths.
 *
 * Locks, never held together: lib->lock guards the handle's own fields (short), lib->load_lock lets one
 * thread load vectors while others that need them wait, lib->log_lock serialises the caller's log function. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <pthread.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/half.h"
#include "base/hash.h"
#include "base/pool.h"
#include "clip/clip.h"
#include "eyeshine.h"
#include "image/image.h"
#include "store/store.h"
#include "vector/vector.h"

/* Settings kept in the store. */
#define ENG_SET_MODEL "model"                   /* the library's model: a name or a folder */
#define ENG_SET_FINGERPRINT "model_fingerprint" /* its clip_info.weights, hex */
#define ENG_STARTER "starter"

/* Where models lie; either may be NULL when this machine has no such place. */
struct eng_places {
    char *models_dir, *share_dir;
};

/* A loaded model, shared by all that hold a reference. */
struct eng_model {
    int refs; /* under lib->lock */
    struct clip *clip;
    char *spec; /* as asked for: a name or a folder */
    char *folder;
};

struct eng_turns {
    pthread_mutex_t lock;
    pthread_cond_t left;
    int running, most;
};

enum { ENG_IDLE_STORES = 32 }; /* a server has so many threads */

/* A thread that waits for a server as long as its fn (told what for) gives 0; remote.c. */
typedef int eng_wait_fn(void *ctx, const char *what);
struct eng_waiter {
    struct eng_waiter *next; /* under lib->lock */
    pthread_t thread;
    eng_wait_fn *fn;
    void *ctx;
};

struct eye_lib {
    char *dir;                   /* absolute */
    struct store_remote *remote; /* the server that the library lies on; NULL: all lies in dir */
    bool create;                 /* the options' */
    struct eng_waiter *waiters;
    struct eng_places places;
    struct eng_originals *originals; /* originals.h; NULL: none were named */
    int threads;
    bool read_only;
    struct image_limits limits;
    void (*log)(void *ctx, eye_log_level level, const char *line);
    void *log_ctx;
    pthread_mutex_t lock, load_lock, log_lock;
    char **exclude; /* [nexclude] left out by every index */
    size_t nexclude;
    char *model_option; /* overrides the library's choice; NULL: none */
    char **lent;        /* strings that eye_status has lent out; they live as long as the library */
    size_t nlent;
    struct store *idle[ENG_IDLE_STORES];
    size_t nidle;
    struct eng_model *model;     /* NULL until first needed */
    struct eng_vectors *vectors; /* NULL until first needed */
    struct eng_encodings *encodings;
    struct eng_answers *answers;   /* allowed.c */
    struct eng_combiner *combiner; /* combine.c */
    struct eng_maker *maker;       /* index_maker.c */
    const struct eng_index_knobs *knobs;
    struct eng_turns turns;       /* at the model, for queries */
    struct pool *pool;            /* for searches; NULL until first needed */
    struct decoder_pool *decoder; /* for pictures as queries; NULL until needed */
    struct eng_thumbs *thumbs;    /* thumb.c; NULL until needed */
    struct eng_jobs *jobs;        /* NULL until eye_jobs_start; then until the end */
    struct eng_watch *watch;      /* likewise, eye_watch_start */
    char *spool;                  /* NULL until first needed */
    struct eng_dups *dups;        /* groups of duplicates found lately */
    struct eng_later *later;      /* threads that find them; NULL until needed */
};

/* ---- engine.c ---- */
void eng_log(eye_lib *lib, eye_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A store handle for this thread alone; give it back with eng_store_put (NULL is fine). */
struct store *eng_store_get(eye_lib *lib, struct eye_err *err);
void eng_store_put(eye_lib *lib, struct store *s);
/* The right to index: one process, one handle at a time. EYE_EBUSY names the process that holds it. */
int eng_lock(eye_lib *lib, int *fd, struct eye_err *err);
/* The same for the file `name` in the library's folder; `what` the other process does ("is indexing this library"). */
int eng_lock_file(eye_lib *lib, const char *name, const char *what, int *fd, struct eye_err *err);
void eng_unlock(int fd);
int eng_writable(const eye_lib *lib, struct eye_err *err); /* EYE_EINVAL when opened read-only */
int eng_pool(eye_lib *lib, struct pool **pool, struct eye_err *err);
int eng_decoder(eye_lib *lib, struct decoder_pool **decoder, struct eye_err *err);
struct image_limits eng_limits(const eye_options *options);
double eng_now(void); /* seconds, monotonic */
/* The code of a failure that has been told in err: never 0. */
static inline int eng_code(const struct eye_err *err)
{
    return err && err->code < 0 ? err->code : EYE_EIO;
}

/* ---- remote.c: a library on a server ---- */
int eng_remote_open(eye_lib *lib, const eye_options *options, struct eye_err *err);
/* Where a node keeps what is its own, when no folder was named. Yours. */
char *eng_node_folder(const struct store_remote *remote, struct eye_err *err);
/* A handle with which this thread waits for an absent server as long as its waiter likes, or for ever without one. */
struct store *eng_patient_get(eye_lib *lib, struct eye_err *err);
void eng_patient_put(eye_lib *lib, struct store *s); /* NULL is fine */
/* From here to there fn is told what this thread waits for, and ends it. The waiter is the caller's memory; of several the newest counts. */
void eng_wait_begin(eye_lib *lib, struct eng_waiter *w, eng_wait_fn *fn, void *ctx);
void eng_wait_end(eye_lib *lib, struct eng_waiter *w);
/* EYE_EINVAL if the library lies on a server: `what` cannot be had there, `instead` is what to do. */
int eng_embedded_only(const eye_lib *lib, const char *what, const char *instead,
                      struct eye_err *err);

/* ---- places.c: where models are found ---- */
int eng_places_init(struct eng_places *p, const eye_options *options, struct eye_err *err);
void eng_places_release(struct eng_places *p);
bool eng_is_model_folder(const char *path);
/* Real path of the model called `spec` (a name or a folder); EYE_ENOTFOUND. Yours. */
char *eng_model_folder(const struct eng_places *p, const char *spec, struct eye_err *err);
bool eng_model_is_name(const struct eng_places *p,
                       const char *spec); /* found by name, not as a folder */
/* EYE_EINVAL unless `name` is safe as a folder below models_dir. */
int eng_model_name_check(const char *name, struct eye_err *err);
/* Each installed model, the user's own before the program's, by name; a name comes once. */
typedef int eng_installed_fn(void *ctx, const char *name, const char *folder);
int eng_each_installed(const struct eng_places *p, eng_installed_fn *fn, void *ctx,
                       struct eye_err *err);

/* ---- model.c: the model in use ---- */
/* What the library would use: option, setting, starter. Yours. */
char *eng_model_spec(eye_lib *lib, struct store *s, struct eye_err *err);
struct eng_model *eng_model_get(eye_lib *lib, struct store *s, struct eye_err *err);
struct eng_model *eng_model_open(eye_lib *lib, const char *spec, struct eye_err *err);
void eng_model_put(eye_lib *lib, struct eng_model *m);
/* The store's number of the model; 0 when the store has never seen it and !create. */
int eng_model_id(const struct eng_model *m, struct store *s, bool create, int64_t *id,
                 struct eye_err *err);
/* Make it the library's choice; inside the caller's transaction. */
int eng_model_choose(const eye_lib *lib, const struct eng_model *m, struct store *s,
                     struct eye_err *err);

/* ---- path.c ---- */
enum eng_path_kind { ENG_PATH_DIR, ENG_PATH_FILE, ENG_PATH_MISSING };
/* Absolute, without links in the folders; a file keeps its own name. Need not exist. Yours. */
char *eng_path_resolve(const char *path, enum eng_path_kind *kind, struct eye_err *err);
/* The part of `path` below `root` ("" when equal, borrowed from path); NULL when it is elsewhere. */
const char *eng_path_below(const char *path, const char *root);
char *eng_path_join(const char *root, const char *rel, struct eye_err *err); /* yours */
const char *eng_path_name(const char *path);                                 /* last component */
bool eng_path_is_mount(
    const char *path); /* a folder that is mounted: another file system or a bind */
bool eng_path_is_empty(const char *path); /* a folder that can be read and holds nothing */
bool eng_name_hidden(const char *name);   /* begins with a dot, or what NAS and systems litter */
enum eng_name_kind { ENG_NAME_PICTURE, ENG_NAME_BARE, ENG_NAME_OTHER };
enum eng_name_kind eng_name_kind(const char *name); /* by extension; BARE: has none */
int eng_part_of(const char *rel, int parts);        /* 1..parts */
int64_t eng_mtime_ns(const struct stat *st);
/* fs_open_regular, but a link to a file is followed. */
int eng_open_file(const char *path, struct stat *st, struct eye_err *err);
/* The known root that holds `path`, NULL if none; *rel borrowed from path. A root for single files holds what lies right in its
 * folder and in no other root; what lies in the uploads folder is the uploads' root's, whatever lies above. */
const struct store_root *eng_root_of(const struct store_root *roots, size_t n, const char *path,
                                     const char **rel);

/* ---- query.c ---- */
/* Each query's vector, out [nq, dim]. `like` looks among the vectors of model number `id` in `s`; NULL: nowhere. */
int eng_queries_encode(eye_lib *lib, struct eng_model *model, struct store *s, int64_t id,
                       const eye_query *queries, size_t nq, float *out, struct eye_err *err);

/* ---- picture.c ---- */
/* Open a file for reading below the folder `dir` and nowhere else; -1 with errno. Not checked to be a regular file. */
int eng_open_below(int dir, const char *rel);
int eng_open_below_slowly(int dir, const char *rel); /* for old kernels: follows no link at all */

/* ---- thumb.c ---- */
void eng_thumbs_free(struct eng_thumbs *t);
void eng_thumbs_forget(eye_lib *lib, const struct hash *hash); /* of a picture that was removed */

/* ---- encodings.c: vectors of words asked for lately ---- */
struct eng_encodings *eng_encodings_new(struct eye_err *err);
void eng_encodings_free(struct eng_encodings *e);
bool eng_encodings_get(struct eng_encodings *e, const struct hash *weights, const char *words,
                       float *out, size_t dim);
void eng_encodings_put(struct eng_encodings *e, const struct hash *weights, const char *words,
                       const float *vector, size_t dim);

/* ---- allowed.c: what passes filters asked for lately ---- */
struct eng_allowed {
    bool all; /* there is no filter */
    const int64_t
        *ids; /* [n] ascending, borrowed until eng_allowed_put; NULL if all, or on a server */
    size_t n;
    const struct store_where
        *where;              /* on a server, which filters by itself: the filter; NULL if all */
    void *owned;             /* its memory */
    uint64_t total;          /* pictures that pass */
    struct eng_answer *held; /* for eng_allowed_put */
};
/* What passes both (either may be NULL) as of just now, whoever changed the library. EYE_EINVAL: the filter makes no sense. */
int eng_allowed_get(eye_lib *lib, struct store *s, const eye_filter *filter, const eye_where *where,
                    struct eng_allowed *out, struct eye_err *err);
/* The same with ids also on a server, which has to list them all. */
int eng_allowed_ids(eye_lib *lib, struct store *s, const eye_filter *filter, const eye_where *where,
                    struct eng_allowed *out, struct eye_err *err);
void eng_allowed_put(eye_lib *lib, struct eng_allowed *allowed);
enum { ENG_ANSWERS_BYTES = 32 << 20 };
struct eng_answers *eng_answers_new(size_t most, struct eye_err *err); /* most: bytes */
void eng_answers_free(struct eng_answers *a);
struct eng_answers_stats {
    uint64_t hits, misses; /* without those that asked for all */
    size_t kept, bytes;
};
void eng_answers_count(struct eng_answers *a, struct eng_answers_stats *out);

/* ---- turns.c: at most so many at once ---- */
void eng_turns_init(struct eng_turns *t, int most);
void eng_turns_release(struct eng_turns *t);
/* Around each use of the model by a query. Not to be nested. */
void eng_turn_begin(struct eng_turns *t);
void eng_turn_end(struct eng_turns *t);

/* ---- jobs.c, watch_jobs.c ---- */
void eng_jobs_free(eye_lib *lib);  /* stopped already */
void eng_watch_free(eye_lib *lib); /* likewise */

/* ---- dup_kept.c, dup_later.c: groups of duplicates ---- */
struct eng_dups *eng_dups_new(struct eye_err *err);
void eng_dups_free(struct eng_dups *d);   /* its threads have ended */
void eng_later_free(struct eng_later *l); /* stops its threads; NULL is fine */

#endif
