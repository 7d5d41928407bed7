/* eyeshine.h - find any picture by what it shows: the library's only door.
 *
 * An eye_lib is a library of pictures: a folder with a database, and the model that embeds
 * pictures and words. Indexing embeds pictures; searching ranks them by the cosine between unit vectors.
 *
 * Ownership: what a function returns or fills through `**out` is yours, to be freed by the _free or
 * _close of its type; a `const` pointer you get is borrowed and lives as long as its owner; what you pass in stays yours.
 * Threads: an eye_lib may be used from any number of threads; searches never wait for indexing.
 * Errors: 0 or a negative code of eye_err.h, the sentence in `err` (may be NULL). The library never prints and never exits.
 * Text: messages are UTF-8; paths are bytes as the file system has them. */
#ifndef EYESHINE_H
#define EYESHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eye_err.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EYE_API __attribute__((visibility("default")))
#else
#define EYE_API
#endif

#define EYE_TIME_UNKNOWN INT64_MIN

typedef struct eye_lib eye_lib;
typedef struct eye_results eye_results;

EYE_API const char *eye_version(void); /* "0.1.0" */

/* ---- opening ---- */

typedef enum { EYE_LOG_DEBUG, EYE_LOG_INFO, EYE_LOG_WARN, EYE_LOG_ERROR } eye_log_level;

/* How a Milvus server is used; NULL, 0: as suits the size of the collection (docs/MILVUS.md). */
typedef struct {
    const char *index;         /* "auto", "FLAT", "HNSW", "IVF_SQ8", "DISKANN" ... */
    const char *index_params;  /* JSON, as the server takes them: {"M":16} */
    const char *search_params; /* JSON: {"ef":200} */
    const char *consistency;   /* "session", "strong", "bounded", "eventually" */
    int timeout; /* seconds that a search waits for a server that is away; 0: 5. Index runs wait for as long as it takes */
} eye_milvus;

typedef struct {
    const char *library; /* folder of the library; required without `store` */
    const char *
        store; /* milvus://[user[:password]@]host[:19530]/[database/]collection, or milvus+tls://...: pictures, their files and vectors lie on that
                      server, for any number of machines, and `library` keeps what is this machine's own (keys, jobs, uploads, thumbnails);
                      library NULL: a folder below $XDG_DATA_HOME/eyeshine/nodes. NULL: all lies in `library` */
    eye_milvus milvus;
    const char *
        model; /* name or folder of a model to use instead of the library's own choice; NULL: that choice, else the starter */
    const char *models_dir; /* where imported models lie; NULL: $XDG_DATA_HOME/eyeshine/models */
    const char *
        share_dir; /* where the program's own data (models/starter) lie; NULL: $EYESHINE_SHARE, beside the executable, else the install prefix */
    const char *
        originals; /* where originals lie: a folder, or s3://bucket[/prefix] (docs/ORIGINALS.md). Roots below it are kept without it, so that other
                      machines may have it elsewhere; nothing outside of it becomes a root. NULL: anywhere on this machine */
    int threads;   /* 0: one a processor */
    bool create;   /* make the library if it is not there */
    bool read_only;
    uint64_t max_file_bytes, max_pixels; /* of one picture; 0: 512 MiB, 268 million */
    int max_seconds;                     /* for decoding one picture; 0: 30 */
    const char *const *
        exclude; /* globs that every index of this handle leaves out, jobs and watching too, besides those of eye_index_options */
    size_t nexclude;
    void (*log)(void *ctx, eye_log_level level, const char *line); /* NULL: silence */
    void *log_ctx;
} eye_options;

/* NULL on error: EYE_ENOTFOUND (no library and !create, no such model), EYE_EFORMAT, EYE_EIO, EYE_EREMOTE (the store is away and !create). The
 * model is loaded when first needed, so `status` and the like are quick. A small process is forked here, from which those that read strangers'
 * pictures are forked later: open it before you start threads, if you can. It ends with the last eye_close. */
EYE_API eye_lib *eye_open(const eye_options *options, struct eye_err *err);
EYE_API void eye_close(eye_lib *lib);

/* ---- indexing ---- */

typedef enum {
    EYE_FILE_INDEXED, /* new picture, embedded */
    EYE_FILE_UPDATED, /* content changed, embedded again */
    EYE_FILE_LINKED, /* same bytes as a picture that is known (renamed, moved, copy): not embedded again */
    EYE_FILE_UNCHANGED, /* not read */
    EYE_FILE_REMOVED,   /* no longer there */
    EYE_FILE_FAILED,
    EYE_FILE_WOULD_INDEX,
    EYE_FILE_WOULD_REMOVE /* dry run */
} eye_file_outcome;

typedef struct {
    uint64_t seen, indexed, updated, linked, unchanged, removed, failed,
        skipped;    /* files; skipped: not pictures by name or excluded */
    uint64_t total; /* files known so far to need a look; grows while the walk goes on */
    bool walk_done; /* total is final */
    double seconds,
        rate; /* since the start; pictures embedded a second over the last few seconds */
    uint64_t offline_roots;
    const char *
        waiting; /* a sentence: what the run waits for just now (the store's server is away, its index is made); NULL: nothing. During the call */
} eye_index_progress;

typedef struct {
    eye_file_outcome outcome;
    const char *path;
    const char *reason; /* EYE_FILE_FAILED: one sentence; else NULL */
    int code;           /* EYE_FILE_FAILED: EYE_E... */
} eye_index_event;

typedef struct {
    const char *const
        *exclude; /* globs (fnmatch) against the path below the root and against the file's name */
    size_t nexclude;
    bool dry_run;
    bool retry_failed; /* try files that failed and have not changed since, too */
    bool only_failed;  /* try files that failed again, and look at no others */
    bool all_files; /* every file is sniffed; else only names with a picture's extension, or none */
    int part, parts; /* part I of N, 1-based; 0: everything */
    /* Called from one thread at a time. Return non-zero to stop: what is done is kept, eye_index returns EYE_ECANCELLED. */
    int (*progress)(void *ctx,
                    const eye_index_progress *p); /* some ten times a second; may be NULL */
    int (*event)(
        void *ctx,
        const eye_index_event *e); /* each file whose outcome is not UNCHANGED; may be NULL */
    void *ctx;
} eye_index_options;

/* Add or refresh everything below each path (files or folders); npaths 0: every known root. A file
 * that fails costs that file (ledger, EYE_FILE_FAILED), never the run. A root or mounted folder that is missing or empty
 * where files were is offline: nothing of it is removed. `out` gets the final counts. Another process that indexes: EYE_EBUSY. */
EYE_API int eye_index(eye_lib *lib, const char *const *paths, size_t npaths,
                      const eye_index_options *options, eye_index_progress *out,
                      struct eye_err *err);

/* Forget files, folders and roots by path (need not exist), or pictures by id; files on disk are never touched. *removed counts files. */
EYE_API int eye_remove(eye_lib *lib, const char *const *paths, size_t npaths, const int64_t *ids,
                       size_t nids, uint64_t *removed, struct eye_err *err);

/* ---- searching ---- */

typedef struct {
    const char *words;      /* UTF-8; or NULL */
    const char *image_path; /* a file anywhere; or NULL */
    int image_fd;           /* an open regular file; -1: none */
    int64_t like; /* id of a picture in the library; 0: none. Exactly one of the four is given. */
} eye_query;
#define EYE_QUERY_INIT                                                                             \
    {                                                                                              \
        NULL, NULL, -1, 0                                                                          \
    }

typedef struct {
    size_t limit;    /* results a query, 1..100000 */
    float min_score; /* cosine; results below are left out. -2: none */
    bool exact;      /* compare with every vector in full: the truth, and slow with millions */
} eye_search_options;

typedef struct {
    size_t query; /* index of the query */
    int64_t id;
    float score;      /* cosine with the query, -1..1 */
    float similarity; /* score on a 0..1 scale by the model's calibration: 0.5 is a fair match */
    bool relevant;    /* score reaches the model's relevance floor */
    bool offline;     /* no file of it can be reached just now */
    const char *path; /* absolute; a file of the picture that is there if any is */
    size_t paths;     /* how many files show these same bytes */
    uint64_t size;
    int width, height;
    const char *format;         /* "jpeg" ... */
    int64_t taken_at, added_at; /* EYE_TIME_UNKNOWN */
    const char *hash;           /* SHA-256, 64 hex digits */
} eye_result;

/* All queries share one pass over the vectors. Results come query by query, best first. `--like` leaves its own picture out.
 * An empty library gives no results, not an error. EYE_EINVAL, EYE_ENOTFOUND (like, image), EYE_EFORMAT (image). */
EYE_API int eye_search(eye_lib *lib, const eye_query *queries, size_t nqueries,
                       const eye_search_options *options, eye_results **out, struct eye_err *err);
EYE_API size_t eye_results_count(const eye_results *results);
EYE_API const eye_result *eye_results_at(const eye_results *results, size_t i);
EYE_API void eye_results_free(eye_results *results);

/* ---- one query made of several terms, with filters, page by page ---- */

typedef struct {
    eye_query query; /* words, a picture, or a picture of the library */
    float weight;    /* -10..10, not 0; negative: away from it */
} eye_term;

/* All that is set must hold. EYE_FILTER_INIT lets everything pass. What is asked of files (path, root, name, modified) must hold of one and
 * the same file of the picture. What is unknown of a picture holds nothing that is asked of it: one without a date was taken neither
 * before nor after any day, one without a place is in no box. */
typedef struct {
    const char *
        path; /* glob (fnmatch, * crosses slashes) against the absolute path of any file of the picture; with no glob
                         character: a part of the path. NULL: any */
    int64_t root;       /* id of a root; 0: any */
    const char *format; /* "jpeg" ...; NULL: any */
    const char *
        name; /* words, all of which are parts of a file's own name, ASCII case ignored; NULL: any */
    const char *camera; /* part of "Make Model", case ignored; NULL: any */
    int64_t taken_from, taken_to, added_from, added_to; /* seconds since 1970, from <= t < to;
                                                           EYE_TIME_UNKNOWN: open */
    int min_width, min_height;                          /* pixels; 0: any */
    double min_megapixels, max_megapixels;              /* 0: any */
    char orientation;          /* 'l'andscape, 'p'ortrait, 's'quare; 0: any */
    char gps;                  /* 'y' has a place, 'n' has none; 0: any */
    int max_width, max_height; /* pixels; 0: any */
    int64_t modified_from,
        modified_to; /* a file's own date, as the file system has it: from <= t < to */
    bool boxed;      /* only within the box, its edges included: */
    double south, west, north, east; /* degrees, WGS 84; west > east: across the date line */
} eye_filter;
#define EYE_FILTER_INIT                                                                            \
    {                                                                                              \
        NULL, 0, NULL, NULL, NULL, EYE_TIME_UNKNOWN, EYE_TIME_UNKNOWN, EYE_TIME_UNKNOWN,           \
            EYE_TIME_UNKNOWN, 0, 0, 0, 0, 0, 0, 0, 0, EYE_TIME_UNKNOWN, EYE_TIME_UNKNOWN, false,   \
            0, 0, 0, 0                                                                             \
    }

/* Filters combined. A tree that is yours; IS: the filter, whole; at most 32 deep, 1024 nodes. NOT lets pass exactly what its part does not:
 * "not camera fuji" are also the pictures whose camera is unknown. Each IS may hold of another file of the picture: one
 * of two copies in /a and the other in /b passes ALL_OF(path /a, path /b), and no single filter. */
typedef enum { EYE_IS, EYE_ALL_OF, EYE_ANY_OF, EYE_NOT } eye_where_kind; /* NOT: of its one part */
typedef struct eye_where {
    eye_where_kind kind;
    const eye_filter *filter; /* IS */
    const struct eye_where *const
        *parts; /* [nparts] the others; none: ALL_OF holds, ANY_OF does not */
    size_t nparts;
} eye_where;

typedef struct {
    size_t limit;             /* results a page, 1..1000 */
    float min_score;          /* as in eye_search_options */
    const eye_filter *filter; /* NULL: none */
    const eye_where *where;   /* must hold as well; NULL: none */
    bool exact;               /* as in eye_search_options */
    const char *
        cursor; /* of eye_results_next: the page after it; NULL: the first. Pages never overlap: results are ordered by
                           score, then id, and a cursor is a place in that order, so what is added meanwhile shifts nothing */
} eye_find_options;

/* Rank by the cosine with v / |v|, v = sum of weight * unit vector of the term. Exact under a filter that up to a million pictures pass, and
 * in libraries of some ten thousands; else the index's recall (docs/PERFORMANCE.md), or options->exact. A filter never makes a page short. No
 * terms: the newest pictures first, score 0 (browsing). EYE_EINVAL (weights that cancel out, a bad cursor), EYE_ENOTFOUND, EYE_EFORMAT. */
EYE_API int eye_find(eye_lib *lib, const eye_term *terms, size_t nterms,
                     const eye_find_options *options, eye_results **out, struct eye_err *err);
EYE_API const char *eye_results_next(const eye_results *results); /* NULL: that was the last page */
EYE_API uint64_t eye_results_total(const eye_results *results); /* pictures that pass the filter */

/* Load the model and the vectors and start the decoders now rather than at the first search. */
EYE_API int eye_warm(eye_lib *lib, struct eye_err *err);

/* The embedding itself, out [eye_dim], length 1: for tools and tests. */
EYE_API int eye_embed(eye_lib *lib, const eye_query *query, float *out, struct eye_err *err);
EYE_API int eye_dim(eye_lib *lib, struct eye_err *err); /* > 0, or an error code */

/* ---- the library ---- */

typedef struct {
    uint64_t pictures, files, failures, embedded,
        bytes; /* embedded: with a vector of the model in use; bytes: of the database */
    size_t roots, roots_offline;
    const char *library, *model; /* borrowed from lib */
    int dim;
    uint64_t index_rows,
        index_bytes; /* of the quantised index's segments on disk; 0: all vectors are searched exactly */
    size_t index_segments;
} eye_status;
EYE_API int eye_status_get(eye_lib *lib, eye_status *out, struct eye_err *err);

/* The place of eye_options.originals. */
typedef struct {
    const char *
        place; /* as it is on this machine, borrowed from lib; NULL: there is none, all else says nothing */
    bool reachable;                /* just now, or a few seconds ago; else `trouble` says why not */
    char trouble[EYE_ERR_MSG_MAX]; /* one sentence; "" without any */
} eye_originals;
EYE_API int eye_originals_get(eye_lib *lib, eye_originals *out, struct eye_err *err);
/* The server that the library lies on. */
typedef struct {
    const char *
        name; /* milvus://host:port/collection, without secrets, borrowed from lib; NULL: there is no server, all else says nothing */
    bool reachable;                /* it answers; else `trouble` says why not */
    bool there;                    /* the collection was made */
    bool loaded;                   /* it can be searched just now */
    char version[48];              /* of the server */
    char index[32];                /* type of the index; "" without one */
    char state[32];                /* of loading, in a word or two */
    char trouble[EYE_ERR_MSG_MAX]; /* one sentence; "" without any */
    uint64_t rows, indexed;        /* as the server counts, some time ago */
} eye_remote;
/* One quick look (some seconds at most). 0 also when the server is away. */
EYE_API int eye_remote_get(eye_lib *lib, eye_remote *out, struct eye_err *err);
/* Can a search be answered just now? 0, or an error that says why not: EYE_EREMOTE (the server is away), EYE_EBUSY (the collection is being loaded) ... */
EYE_API int eye_ready(eye_lib *lib, struct eye_err *err);

typedef struct {
    int64_t id;
    const char *path;
    bool offline;
    bool uploads; /* the library's own folder for uploaded pictures */
    uint64_t files, failures;
    int64_t last_scan; /* EYE_TIME_UNKNOWN: never finished */
} eye_root;
/* Callbacks: non-zero stops and is returned. Strings are valid during the call. */
EYE_API int eye_roots(eye_lib *lib, int (*fn)(void *ctx, const eye_root *root), void *ctx,
                      struct eye_err *err);

typedef struct {
    const char *path, *reason;
    const char *code; /* eye_err_name */
    int64_t at;       /* seconds since 1970 */
    int attempts;
} eye_failure;
EYE_API int eye_failures(eye_lib *lib, int (*fn)(void *ctx, const eye_failure *f), void *ctx,
                         struct eye_err *err);

/* Check the database and its vectors; deep: read every file again and compare its hash. One call a finding. *findings counts. */
EYE_API int eye_verify(eye_lib *lib, bool deep, void (*fn)(void *ctx, const char *finding),
                       void *ctx, uint64_t *findings, struct eye_err *err);

/* ---- models ---- */

typedef struct {
    const char *name;
    const char *folder; /* NULL: not installed */
    bool in_use, supported;
    const char *image_arch, *text_arch, *licence, *dtype; /* arch, dtype: NULL if not installed */
    int dim, image_size, context;
    uint64_t parameters, bytes;
    double recall_flickr, recall_coco; /* published text -> image R@5, percent; 0: unknown */
    const char *install;               /* the shell command that gets it; NULL if installed */
} eye_model;
/* Installed models first, then the catalogue. lib may be NULL: `options` says where to look (its library may be NULL). */
EYE_API int eye_models(eye_lib *lib, const eye_options *options,
                       int (*fn)(void *ctx, const eye_model *m), void *ctx, struct eye_err *err);
/* One by name or folder: EYE_ENOTFOUND. */
EYE_API int eye_model_info(eye_lib *lib, const eye_options *options, const char *name,
                           int (*fn)(void *ctx, const eye_model *m), void *ctx,
                           struct eye_err *err);
/* Take a model folder in under `name` (NULL: the folder's name). */
EYE_API int eye_model_import(const eye_options *options, const char *folder, const char *name,
                             struct eye_err *err);
EYE_API int eye_model_verify(const eye_options *options, const char *name,
                             void (*fn)(void *ctx, const char *file, bool ok, const char *note),
                             void *ctx, struct eye_err *err);
/* Embed every picture with the model, then switch at once; until then the old vectors answer. Can be stopped and
 * run again: it goes on. A model used before switches back without work. */
EYE_API int eye_model_use(eye_lib *lib, const char *name,
                          int (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                          struct eye_err *err);

/* ---- help for people ---- */

typedef enum { EYE_CHECK_OK, EYE_CHECK_NOTE, EYE_CHECK_BAD } eye_check_state;
/* Look at this machine, the library and the model; one call a check with what is wrong and what to do. Never fails for what it finds. */
EYE_API int eye_doctor(const eye_options *options,
                       void (*fn)(void *ctx, eye_check_state state, const char *name,
                                  const char *text),
                       void *ctx, struct eye_err *err);

#ifdef __cplusplus
}
#endif

#include "eye_ask.h"
#include "eye_backup.h"
#include "eye_duplicates.h"
#include "eye_jobs.h"
#include "eye_picture.h"
#include "eye_watch.h"

#endif
