/* jobs.h - what the files that do jobs share.
 *
 *   requests --rows + poke--> runner (one thread): jobs_run.c  uploads before scans, one job at a time
 *   jobs.c                                         upload_run.c  waiting files -> placed -> indexed -> outcome
 *                                                  upload_zip.c  a zip -> waiting files
 *                                                  upload.c      names, and moving files
 *
 * Rows of the database are the truth; what is kept here is what no other process need know: the rate, the counts of a
 * scan since they were saved a second ago, and who has been told. `lock` guards those; nobody holds it while working. */
#ifndef ENGINE_JOBS_H
#define ENGINE_JOBS_H

#include <stdatomic.h>

#include "engine/ingest.h"

enum { JOBS_OPEN_SECONDS = 24 * 3600 }; /* an upload that gets nothing for so long is closed */
enum { JOBS_BATCH = 256, JOBS_KEPT = 1000, JOBS_SAMPLES = 32 };
/* In a row: a scan that nobody asked for, because something changed. Of those few are kept, or they would be all there is to see. */
enum { JOBS_WATCH = 100, JOBS_WATCH_KEPT = 10 };

/* A scan of what watching found. Whoever began it holds it until `done` was called, or jobs_look_drop has returned. */
struct jobs_look {
    const struct eng_look *looks; /* [n] borrowed */
    size_t n;
    bool (*leave)(void *ctx, int64_t root, const char *rel, const struct stat *st);
    /* It has ended, from the jobs' thread; a failure is not lasting if the database has trouble. */
    void (*done)(void *ctx, int rc, const eye_index_progress *p, const struct eye_err *why);
    void *ctx;
    int64_t job;      /* under the jobs' lock; 0: its row is being made */
    bool running;     /* likewise */
    atomic_bool stop; /* give up; its row stays, and is done as a scan of its title */
};

/* Files done a second, over the last seconds. */
struct jobs_meter {
    struct {
        double at;
        uint64_t done;
    } samples[JOBS_SAMPLES];
    size_t n;
};

/* The job that is being done, beyond its row. */
struct jobs_live {
    int64_t id; /* 0: none */
    bool scan;  /* counts are ahead of the row's when their version is */
    struct store_job counts;
    double rate, eta;
};

/* Someone is to be told of a job. */
struct jobs_news {
    int64_t id;
    bool due;
    double told;
};

struct eng_jobs {
    eye_lib *lib;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* under lock */
    bool running, work;
    struct jobs_live live;
    struct jobs_news *news;
    size_t nnews, news_cap;
    struct jobs_look *look; /* NULL: none; at most one at a time */
    pthread_cond_t rested;  /* a look has begun or ended */
    /* any thread */
    atomic_bool stop;
    atomic_bool cancelled; /* the job at hand */
    atomic_bool uploads;   /* an upload may have something to do */
    atomic_bool untidy;    /* a job may have ended before its files were dealt with */
    /* from start to stop */
    pthread_t thread;
    int server_lock;
    void (*changed)(void *ctx, const eye_job *job);
    void *ctx;
    /* the runner's own */
    struct store *store;
    struct decoder_pool *decoder; /* kept warm between uploads; NULL: none */
    char *uploads_path;
    int uploads_fd, spool_fd;
    int64_t root; /* of the uploads */
    struct jobs_meter meter;
    int64_t metered;                   /* the job that the meter is for */
    double last_upload, last_decoding; /* eng_now() */
};

/* ---- jobs.c ---- */
struct eng_jobs *jobs_of(eye_lib *lib); /* NULL: never started */
/* Job `id` has changed: its listener is to be told, and the runner to look; at once if it is an upload. j NULL: nobody listens. */
void jobs_poke(struct eng_jobs *j, int64_t id, bool upload);
/* Call fn with the job as it is this moment. */
int jobs_read(struct eng_jobs *j, struct store *s, int64_t id,
              int (*fn)(void *ctx, const eye_job *job), void *ctx, struct eye_err *err);

/* ---- jobs_run.c ---- */
void *jobs_main(void *jobs);
bool jobs_stopped(struct eng_jobs *j); /* the job at hand is to end: stop, or cancelled */
/* The job failed as a whole, or was cancelled: what still waits fails with this reason, its files go. */
int jobs_give_up(struct eng_jobs *j, int64_t job, int code, const char *reason,
                 struct eye_err *err);

/* ---- jobs_look.c ---- */
/* Make the look a scan job called `title`, a folder. */
int jobs_look_begin(struct eng_jobs *j, struct jobs_look *look, const char *title,
                    struct eye_err *err);
/* Forget it, after it has stopped if it goes on just now; done is not called any more. */
void jobs_look_drop(struct eng_jobs *j, struct jobs_look *look);
/* For the runner: the look that this job is for, NULL if for none; then it must be given back. over: it has ended with rc. */
struct jobs_look *jobs_look_get(struct eng_jobs *j, int64_t job);
void jobs_look_put(struct eng_jobs *j, struct jobs_look *look, bool over, int rc,
                   const eye_index_progress *p, const struct eye_err *why);
void jobs_look_tidy(struct eng_jobs *j); /* one whose job was cancelled before it began */

/* ---- jobs_tell.c ---- */
void jobs_tell(struct eng_jobs *j, int64_t now_id); /* what is due; now_id: due whatever the time */
void jobs_changed(struct eng_jobs *j, int64_t id);  /* due at the next jobs_tell; any thread */
bool jobs_have_news(struct eng_jobs *j);            /* under lock */
void jobs_meter_start(struct jobs_meter *m);
/* Note that so many are done; files a second. */
double jobs_meter_rate(struct jobs_meter *m, uint64_t done);
double jobs_eta(uint64_t total, uint64_t done, double rate);
/* The rate of the upload at hand, for all to see. */
void jobs_measure(struct eng_jobs *j, int64_t job);

/* ---- upload.c ---- */
/* `name` as a relative path without surprises, into out. EYE_EINVAL with a reason for people. */
int upload_name(const char *name, struct buf *out, struct eye_err *err);
bool upload_is_litter(const char *name); /* what systems put into zips and folders */
void upload_spool_name(int64_t job, int64_t seq, char out[48]);
/* The folder that holds `rel` below dir, without following links, made if `make`; *last borrowed from rel.
 * A descriptor; EYE_ENOTFOUND, EYE_EINVAL (a file or a link is in the way), EYE_EIO. */
int upload_folder(int dir, const char *rel, bool make, const char **last, struct eye_err *err);
/* A name below dir that is free, like `rel`: itself, or "a (2).jpg" ... */
int upload_free_name(int dir, const char *rel, struct buf *out, struct eye_err *err);
/* Move `from` of folder `spool` to `rel` below dir. EYE_EEXIST: someone else was quicker. */
int upload_move(int spool, const char *from, int dir, const char *rel, struct eye_err *err);
/* A regular file below dir? Its size may be asked for. */
bool upload_is_there(int dir, const char *rel, struct stat *st);
/* Delete it, and the folders that are empty then. */
void upload_delete(int dir, const char *rel);

/* ---- upload_run.c ---- */
/* Some of what waits in the job. 1: more may be waiting; 0: nothing was; EYE_EBUSY: another process indexes;
 * EYE_ECANCELLED; others: the job cannot go on. */
int upload_run(struct eng_jobs *j, int64_t job, struct eye_err *err);
/* Set the outcome of an item (why: of a failure) and count it in its job, in the caller's transaction. */
int upload_settle(struct eng_jobs *j, struct store_item *item, eye_item_state state,
                  int64_t picture, const struct eye_err *why, struct eye_err *err);

/* ---- upload_zip.c ---- */
int upload_unzip(struct eng_jobs *j, struct store_item *zip, int fd, struct eye_err *err);

#endif
