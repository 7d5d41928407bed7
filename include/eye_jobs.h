/* eye_jobs.h - work that goes on in the background of a server, survives a restart, and can be asked about; and API keys.
 *
 * Included by eyeshine.h, whose rules hold. Jobs live in the library's database. One thread of the library does them, one at a
 * time: uploads first (a scan is interrupted for them and goes on after, which costs it nothing but a look at what is there).
 * When another process indexes the same library, jobs wait for it and say so in `note`.
 *
 * Uploaded files go to LIBRARY/uploads/ under the relative path they came with (a root like others), from a staging folder
 * LIBRARY/spool/ on the same file system. What fails there, and what is there already with the same bytes, is deleted. */
#ifndef EYE_JOBS_H
#define EYE_JOBS_H

#ifndef EYESHINE_H
#error "include eyeshine.h, which includes this"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    EYE_JOB_UPLOAD, /* files given by eye_job_add */
    EYE_JOB_SCAN,   /* everything below `title`, a folder on this machine; "": every root */
    EYE_JOB_RETRY   /* files that failed before */
} eye_job_kind;

typedef enum {
    EYE_JOB_OPEN,   /* an upload that may get more files; what it has is being worked on already */
    EYE_JOB_QUEUED, /* complete, not begun */
    EYE_JOB_RUNNING,
    EYE_JOB_DONE,   /* also when some files failed: see `failed` */
    EYE_JOB_FAILED, /* as a whole: see `note` */
    EYE_JOB_CANCELLED
} eye_job_state;

typedef struct {
    int64_t id;
    eye_job_kind kind;
    eye_job_state state;
    const char *title;    /* scan: the folder; upload: a name for people */
    const char *note;     /* one sentence: why it failed or waits; "" otherwise */
    uint64_t total, done; /* files; total grows until the walk is done or the upload is closed */
    uint64_t indexed, duplicates, unchanged, removed, failed;
    double rate;                     /* files a second over the last seconds; 0 unless running */
    double eta;                      /* seconds; -1: unknown */
    int64_t created_at, finished_at; /* EYE_TIME_UNKNOWN */
    uint64_t version;                /* larger after each change of the job */
} eye_job;

typedef enum {
    EYE_ITEM_WAITING,
    EYE_ITEM_INDEXED,
    EYE_ITEM_DUPLICATE, /* the bytes were known: `picture` */
    EYE_ITEM_FAILED
} eye_item_state;

typedef struct {
    int64_t job, seq; /* seq: 1, 2, ... within the job */
    const char *name; /* relative path as given */
    eye_item_state state;
    int64_t picture; /* 0: none */
    uint64_t size;
    const char *reason, *code; /* failed: a sentence, eye_err_name; else "" */
} eye_item;

/* Begin doing jobs (unfinished ones of earlier processes first). `changed`: called from the jobs' thread after each change, at most some ten
 * times a second a job, and always for the last; may be NULL. EYE_EINVAL on a read-only library. */
EYE_API int eye_jobs_start(eye_lib *lib, void (*changed)(void *ctx, const eye_job *job), void *ctx,
                           struct eye_err *err);
/* Stop after the file at hand; what is unfinished goes on at the next start. Also done by eye_close. */
EYE_API void eye_jobs_stop(eye_lib *lib);

/* LIBRARY/spool, made if needed and emptied of what no job owns at eye_jobs_start. Borrowed from lib. */
EYE_API const char *eye_spool_dir(eye_lib *lib, struct eye_err *err);

EYE_API int eye_job_new(eye_lib *lib, eye_job_kind kind, const char *title, int64_t *id,
                        struct eye_err *err);
/* Take the file `staged` (in eye_spool_dir; moved away even on failure) into an open upload as `name`: a relative path, UTF-8 or bytes, "/" or
 * "\" between folders. A name that would leave the folder, is empty, hidden or too long fails as an item, not as a call. A zip
 * (by its first bytes) stands for the files in it: they become items "NAME-OF-ZIP/..." when its turn comes, and its own item goes (or
 * stays, failed, when something is wrong with it). EYE_ENOTFOUND: no such job, EYE_EBUSY: it is closed. */
EYE_API int eye_job_add(eye_lib *lib, int64_t job, const char *name, const char *staged,
                        int64_t *seq, struct eye_err *err);
EYE_API int eye_job_close(eye_lib *lib, int64_t job, struct eye_err *err); /* no more files come */
EYE_API int eye_job_cancel(eye_lib *lib, int64_t job, struct eye_err *err);
/* Callbacks: non-zero stops and is returned; strings are valid during the call. */
EYE_API int eye_job_get(eye_lib *lib, int64_t id, int (*fn)(void *ctx, const eye_job *job),
                        void *ctx, struct eye_err *err); /* EYE_ENOTFOUND */
/* Newest first, those with an id below `before` (0: from the newest), at most `limit`. The newest 1000 finished ones are kept. */
EYE_API int eye_jobs(eye_lib *lib, int64_t before, size_t limit,
                     int (*fn)(void *ctx, const eye_job *job), void *ctx, struct eye_err *err);
/* Items by seq after `after`, at most `limit`; state -1: all, else an eye_item_state. */
EYE_API int eye_job_items(eye_lib *lib, int64_t job, int64_t after, size_t limit, int state,
                          int (*fn)(void *ctx, const eye_item *item), void *ctx,
                          struct eye_err *err);

/* ---- API keys: shown once, kept as a SHA-256 of 256 random bits ---- */

typedef enum {
    EYE_SCOPE_READ = 1,
    EYE_SCOPE_WRITE,
    EYE_SCOPE_ADMIN
} eye_scope; /* each includes those before */

typedef struct {
    int64_t id;
    const char *name;
    eye_scope scope;
    int64_t created_at,
        used_at; /* EYE_TIME_UNKNOWN: never (used_at is written at most once a minute) */
} eye_key;

enum { EYE_KEY_LEN = 48 }; /* "eye_" and 43 characters, and the NUL */
EYE_API int eye_key_new(eye_lib *lib, const char *name, eye_scope scope, char secret[EYE_KEY_LEN],
                        int64_t *id, struct eye_err *err);
/* The same with a secret that was made elsewhere, so that several servers can have one: "eye_" and 43 characters of A-Za-z0-9-_ that nobody can
 * guess (256 random bits). EYE_EEXIST: a key of this library has it. */
EYE_API int eye_key_add(eye_lib *lib, const char *name, eye_scope scope, const char *secret,
                        int64_t *id, struct eye_err *err);
/* Who has this secret: EYE_ENOTFOUND. Takes the same time whatever is wrong. */
EYE_API int eye_key_check(eye_lib *lib, const char *secret, int64_t *id, eye_scope *scope,
                          struct eye_err *err);
EYE_API int eye_key_remove(eye_lib *lib, int64_t id, struct eye_err *err); /* EYE_ENOTFOUND */
EYE_API int eye_keys(eye_lib *lib, int (*fn)(void *ctx, const eye_key *key), void *ctx,
                     struct eye_err *err);

#ifdef __cplusplus
}
#endif
#endif
