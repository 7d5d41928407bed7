/* store.h - what survives a restart: pictures, where their files are, embeddings, failures, settings.
 *
 * A picture's identity is its content (SHA-256): the same bytes at three paths are one picture with three
 * files and one embedding; a renamed file keeps its picture. The embedded store is SQLite in WAL mode,
 * one database `library.db` in the library's folder, and is the truth: everything else can be rebuilt from it.
 *
 * A remote store keeps the catalogue (roots, files, pictures, vectors, failures) on a Milvus server that many machines share, and the
 * node part (settings, jobs, items, keys) in SQLite in a folder of this machine. Section "a store on a server" says what is different there.
 *
 * Thread rule: a struct store may be used from one thread at a time; open one a thread (cheap). Writers take turns through
 * SQLite's lock (30 s, then EYE_EBUSY); readers never wait for writers. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "vector/vector.h"

struct store;

enum { STORE_MOSAIC = 96 };

struct store_picture {
    int64_t id;
    struct hash hash;
    uint64_t size;     /* bytes */
    int width, height; /* upright, pixels */
    char format[12];   /* "jpeg" ... */
    int64_t taken_at;  /* seconds since 1970; INT64_MIN if unknown */
    char camera[96];
    bool has_gps;
    double lat, lon;
    int64_t added_at; /* seconds since 1970, UTC */
    bool looked_at;   /* phash and mosaic are known; store_picture_get does not ask for them */
    uint64_t phash;   /* perceptual hash; 0: the picture has none */
    uint8_t mosaic[STORE_MOSAIC];
};

/* Where a file is: a root (folder given to `index`, absolute) and a path below it without leading slash.
 * Paths are bytes. */
struct store_file {
    int64_t picture; /* 0 for a failure */
    int64_t root;
    const char *rel; /* borrowed */
    uint64_t size;
    int64_t mtime_ns;
};

struct store_root {
    int64_t id;
    char *path;        /* absolute */
    bool offline;      /* as the last scan saw it */
    int64_t last_scan; /* seconds since 1970; 0: never finished */
    uint64_t files, failures;
    bool uploads;    /* the library's own folder for uploads */
    bool files_only; /* made for single files right in the folder, and for nothing else of it */
};

struct store_failure {
    int64_t root;
    const char *rel; /* borrowed */
    uint64_t size;
    int64_t mtime_ns;
    int code;           /* EYE_E... */
    const char *reason; /* borrowed; one sentence */
    int64_t at;         /* seconds since 1970 */
    int attempts;
};

struct store_stats {
    uint64_t pictures, files, failures, roots, bytes; /* bytes of the database */
    uint64_t embedded;                                /* pictures that have a vector of `model` */
};

/* Open or create the library in folder `dir` (made if `create`). EYE_ENOTFOUND without it;
 * EYE_EFORMAT when library.db is not ours, is damaged or is newer than this program. */
struct store *store_open(const char *dir, bool create, bool read_only, struct eye_err *err);
void store_close(struct store *s);
/* Where originals lie on this machine: a folder, or s3://bucket/prefix, without a slash at its end; NULL: nowhere. Roots below it are stored without
 * it, so that other machines may have them elsewhere; all paths of this handle are this machine's. Without it such a root's path is "originals:/sub". */
int store_originals(struct store *s, const char *place, struct eye_err *err);
/* Give pages back that were read from the database if they take more than `bytes`: before it idles. */
void store_shrink(struct store *s, size_t bytes);

/* ---- a store on a server (milvus_*.c) ----
 * What differs from the embedded store:
 *  - One model a collection, number 1: store_model makes the collections, and refuses (EYE_EINVAL) to create another one in them.
 *  - Ids of pictures follow from their content and are in no order of time; those of roots follow from their path. store_newest goes by (added_at, id).
 *  - store_generation gives 0 (nobody can say), and store_vectors_mark zeros.
 *  - Inside a transaction a handle sees its own writes where it asks for one picture, one path, the files of a root, roots or mounts; a picture
 *    that lost its last file goes with the commit, not before. Filters, searches, counts and walks see what was committed.
 *  - A commit is not atomic for others while it runs: pictures come before their files. A process killed within leaves a part of it, which the
 *    next run of the same index completes; store_verify names what was left.
 *  - A look or an embedding of one picture written by two machines at once: the last one stays; both are the same.
 *  - read_begin .. read_end is no snapshot of the catalogue.
 *  - store_root_uploads moves nothing: each machine's folder of uploads is a root of its own. */
struct store_remote; /* a server, its collections and the connections to it; any thread */
enum store_consistency {
    STORE_SESSION,   /* a process sees what it wrote at once, others within 0.3 s */
    STORE_STRONG,    /* everybody sees everything at once: 0.2 s more a question */
    STORE_BOUNDED,   /* a few hundred ms late, own writes too */
    STORE_EVENTUALLY /* whenever */
};
/* `what` is a sentence for people, share 0..1 (negative: unknown), `seconds` how long it takes already. Non-zero gives up: EYE_ECANCELLED. */
typedef int store_wait_fn(void *ctx, const char *what, double share, double seconds);
struct store_remote_options {
    enum store_consistency consistency;
    int timeout_ms;  /* of one request; 0: 30 s */
    int patience_ms; /* how long to try again when the server is away, see store_patience; 0: 5 s */
    const char *index_type, *index_params, *search_params; /* NULL, "": chosen by size */
    void (*log)(void *ctx, int level, const char *line);
    void *log_ctx;
    /* Told a few times a second, on the thread whose call waits, while something takes long: a server that is away, a collection that is
     * made, loaded or indexed. May be NULL. */
    store_wait_fn *wait;
    void *wait_ctx;
};
/* Reads the URL, milvus://[user[:password]@]host[:19530]/[database/]collection or milvus+tls://..., and talks to nobody yet. EYE_EINVAL. */
struct store_remote *store_remote_open(const char *url, const struct store_remote_options *o,
                                       struct eye_err *err);
void store_remote_close(struct store_remote *r); /* after all its stores; NULL is fine */
const char *store_remote_name(const struct store_remote *r); /* for messages: without secrets */
/* Talks to nobody yet. dir: of the node part, made if missing; NULL: none, and its functions give EYE_EINVAL. While the collections are not there, a
 * store that was opened with `create` is empty, and one without gives EYE_ENOTFOUND to whoever asks. They are made by store_model (with
 * create), which knows the dimensions. */
struct store *store_open_remote(const char *dir, struct store_remote *r, bool create,
                                bool read_only, struct eye_err *err);
bool store_is_remote(const struct store *s);
/* Which model the collections hold. EYE_ENOTFOUND: they are not made yet, or the store is embedded. */
int store_remote_model(struct store *s, struct hash *fingerprint, char *name, size_t size, int *dim,
                       struct eye_err *err);
/* How the server is: one quick look, within some 3 s whatever else says how long to wait. */
struct store_remote_state {
    char version[48];
    bool there, loaded;       /* the collection */
    char index[24], load[16]; /* type of the index, "": none; state of loading */
    uint64_t rows, indexed, pending;
};
int store_remote_look(struct store *s, struct store_remote_state *out, struct eye_err *err);
/* How long calls of this handle wait for a server that is away (ms; negative: as the remote's options say). Nothing for an embedded store. */
int store_patience(struct store *s, int ms, struct eye_err *err);
/* relaxed: reads of this handle may be as of a moment ago, own writes too; a remote store answers them some 0.2 s sooner right after a write. */
void store_relax(struct store *s, bool relaxed);
/* After much was written: bring the index to what is wanted for this size, and wait until it is used. Nothing for an embedded store. */
int store_settle(struct store *s, struct eye_err *err);

/* ---- what is about to be asked for one by one (an embedded store does nothing) ----
 * A remote store fetches it in few requests and answers from it until the end of a transaction, another gather outside one, a write outside one,
 * or store_shrink. */
/* Pictures ids [n], their files and roots; vectors: also what store_vector_rows, store_record_get and store_mosaic ask for. */
int store_gather(struct store *s, const int64_t *ids, size_t n, bool vectors, struct eye_err *err);
/* Pictures by their content, with vectors, also that they are not there: for store_picture_by_hash and store_put. */
int store_gather_hashes(struct store *s, const struct hash *hashes, size_t n, struct eye_err *err);
/* What is known of these paths (root, rel), and the pictures (0: none) that they are to show: for store_file_touch, _set, _remove, _known, store_failure_set and store_picture_at. */
int store_gather_files(struct store *s, const struct store_file *files, size_t n,
                       struct eye_err *err);

/* Transactions may not nest. Everything that changes the library runs in one; a change outside makes one for itself.
 * Once a change fails because of the database (disk full, damage ...) the transaction is broken: further changes and the
 * commit fail too, and nothing of it stays. A failed commit has rolled back. Refusals (EYE_EINVAL, EYE_ENOTFOUND) break nothing. */
int store_begin(struct store *s, struct eye_err *err);
int store_commit(struct store *s, struct eye_err *err);
void store_rollback(struct store *s);

/* ---- settings: small strings by key ---- */
int store_setting(struct store *s, const char *key, char **value,
                  struct eye_err *err); /* NULL if unset; yours */
int store_setting_set(struct store *s, const char *key, const char *value,
                      struct eye_err *err); /* NULL unsets */

/* ---- models: a small number for a fingerprint ---- */
int store_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                bool create, int64_t *model,
                struct eye_err *err); /* EYE_ENOTFOUND without create */

/* ---- roots ---- */
int store_roots(struct store *s, struct store_root **roots, size_t *n,
                struct eye_err *err); /* by path */
/* The same without counting, which takes a look at each file: `files` is 1 when there is any. */
int store_roots_brief(struct store *s, struct store_root **roots, size_t *n, struct eye_err *err);
void store_roots_free(struct store_root *roots, size_t n);
/* The root at exactly `path`, made if absent. Roots below it are absorbed: their files become files of the new
 * root with longer relative paths, keeping pictures and failures; one that was offline becomes a mount of the new root.
 * A root at `path` that was made for single files is one for the whole folder then, never scanned so far.
 * EYE_EINVAL: `path` is not absolute or ends in a slash. */
int store_root_add(struct store *s, const char *path, int64_t *root, struct eye_err *err);
/* The root at exactly `path`, made for single files if absent. It takes nothing of the roots below it. */
int store_root_add_files(struct store *s, const char *path, int64_t *root, struct eye_err *err);
/* The root of the uploads, online: made, or moved to `path` when the library was. Never absorbed. */
int store_root_uploads(struct store *s, const char *path, int64_t *root, struct eye_err *err);
int store_root_state(struct store *s, int64_t root, bool offline, int64_t last_scan,
                     struct eye_err *err);
int store_root_remove(struct store *s, int64_t root,
                      struct eye_err *err); /* its files and failures go too */
/* Folders inside a root that were on another file system than their parent when last scanned. */
int store_mounts(struct store *s, int64_t root, char ***rels, size_t *n,
                 struct eye_err *err); /* NULL-terminated, yours: store_strings_free */
int store_mount_set(struct store *s, int64_t root, const char *rel, bool mounted,
                    struct eye_err *err);
void store_strings_free(char **strings, size_t n);

/* ---- files and pictures ---- */

/* Every file and failure of a root whose rel is `under` or lies below it ("" = all), in byte order of rel. fn: 0 to go on, else stop and return
 * that. `failure` is NULL for a good file. fn may change the library (also the rows it is shown):
 * rows are read ahead in pages of 512, so one may be shown as it was a moment ago. */
typedef int store_file_fn(void *ctx, const struct store_file *f,
                          const struct store_failure *failure);
int store_each_file(struct store *s, int64_t root, const char *under, store_file_fn *fn, void *ctx,
                    struct eye_err *err);

/* Picture with these bytes; EYE_ENOTFOUND. *has_vector tells if it has an embedding of `model`. */
int store_picture_by_hash(struct store *s, const struct hash *hash, int64_t model, int64_t *id,
                          bool *has_vector, struct eye_err *err);
int store_picture_get(struct store *s, int64_t id, struct store_picture *out,
                      struct eye_err *err); /* EYE_ENOTFOUND */
/* Absolute paths of a picture's files, those on online roots first, then byte order; yours: store_strings_free. *online: how many of them come first. */
int store_picture_paths(struct store *s, int64_t id, char ***paths, size_t *n, size_t *online,
                        struct eye_err *err);
int store_picture_at(struct store *s, int64_t root, const char *rel, int64_t *id,
                     struct eye_err *err); /* EYE_ENOTFOUND */

/* Insert the picture (p->id ignored) or find it by hash; then its vector [dim] fp16 of `model` (NULL: none yet). *id gets its id. */
int store_put(struct store *s, const struct store_picture *p, int64_t model, const uint16_t *vector,
              int dim, int64_t *id, struct eye_err *err);
/* Say that `f` (root, rel, size, mtime) shows picture f->picture. Replaces what was known of that path, a failure included;
 * a picture that loses its last file by this is removed with its vectors (so for a rename: set the new path first,
 * then remove the old one). EYE_ENOTFOUND: no such root or picture. */
int store_file_set(struct store *s, const struct store_file *f, struct eye_err *err);
/* Refresh size and mtime only (content unchanged). */
int store_file_touch(struct store *s, const struct store_file *f, struct eye_err *err);
int store_file_remove(struct store *s, int64_t root, const char *rel,
                      struct eye_err *err); /* file or failure; orphaned picture too; 0 if absent */
int store_failure_set(struct store *s, const struct store_failure *f,
                      struct eye_err *err); /* replaces a file at that path; counts attempts */

/* Pictures that have at least one file but no vector of `model`, ids ascending, from `after` on, at most `max`. */
int store_unembedded(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                     size_t *n, struct eye_err *err);
int store_has_vector(struct store *s, int64_t picture, int64_t model, bool *has,
                     struct eye_err *err);
int store_vector_put(struct store *s, int64_t picture, int64_t model, const uint16_t *vector,
                     int dim, struct eye_err *err);

/* ---- how pictures look, and copies (sqlite_looks.c) ---- */
/* Nothing happens if the picture is gone or was looked at. */
int store_look_set(struct store *s, int64_t picture, uint64_t phash,
                   const uint8_t mosaic[STORE_MOSAIC], struct eye_err *err);
/* Pictures that were never looked at: ids above `after`, ascending, at most `max`; and how many there are. */
int store_unseen(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                 struct eye_err *err);
int store_unseen_count(struct store *s, uint64_t *count, struct eye_err *err);
/* EYE_ENOTFOUND: gone, or never looked at. */
int store_mosaic(struct store *s, int64_t picture, uint8_t mosaic[STORE_MOSAIC],
                 struct eye_err *err);
/* What every picture is compared by, ids ascending; yours to free. */
struct store_look {
    int64_t id;
    uint64_t phash; /* 0: none, or never looked at */
    uint64_t tie;   /* first bytes of its SHA-256 */
    uint64_t size;
    int width, height;
};
int store_looks(struct store *s, struct store_look **looks, size_t *n, struct eye_err *err);
/* Pictures that more than one file shows, ids ascending; yours to free. */
int store_copied(struct store *s, int64_t **ids, size_t *n, struct eye_err *err);

/* ---- jobs and keys (sqlite_jobs.c, sqlite_keys.c): numbers are those of eye_jobs.h ---- */

struct store_job {
    int64_t id;
    int kind, state;
    char *title, *note;
    uint64_t total, done, indexed, duplicates, unchanged, removed, failed;
    int64_t created_at, finished_at; /* seconds since 1970; INT64_MIN: not yet */
    int64_t version; /* milliseconds since 1970 of the last change, or one more than it was */
};

struct store_item {
    int64_t job, seq, parent; /* parent: seq of the zip that it came in */
    char *name;
    int state;
    int64_t picture;
    uint64_t size;
    char *place;  /* below the uploads folder, while something is to be done there; else NULL */
    char *reason; /* "" unless failed */
    int code;
};

int store_job_new(struct store *s, int kind, int state, const char *title, int64_t *id,
                  struct eye_err *err);
int store_job_get(struct store *s, int64_t id, struct store_job *out,
                  struct eye_err *err); /* EYE_ENOTFOUND; store_job_release */
void store_job_release(struct store_job *job);
/* Newest first, ids below `before` (0: all), at most `limit`; yours: store_jobs_free. */
int store_jobs(struct store *s, int64_t before, size_t limit, struct store_job **jobs, size_t *n,
               struct eye_err *err);
void store_jobs_free(struct store_job *jobs, size_t n);
/* The oldest unfinished job that has something to do: an upload (closed, or with waiting items), or any other. EYE_ENOTFOUND. */
int store_job_next(struct store *s, bool upload, int64_t *id, struct eye_err *err);
/* From any state up to `last` to another; *changed: there was such a job. Final states (from `finished` on) are kept for good. */
int store_job_move(struct store *s, int64_t id, int last, int state, bool final, bool *changed,
                   struct eye_err *err);
int store_job_note(struct store *s, int64_t id, const char *note,
                   struct eye_err *err); /* no change of version when it says so already */
/* The counts of job->id: added to what there is, or set to these; and its version. */
int store_job_count(struct store *s, const struct store_job *job, bool add, struct eye_err *err);
/* Uploads that are open (`state`) and got nothing since `before` are moved to `closed`. */
int store_jobs_expire(struct store *s, int state, int closed, int64_t before, struct eye_err *err);
/* Cancelled jobs (`state`) that still have waiting items: one of them. EYE_ENOTFOUND. */
int store_job_untidy(struct store *s, int state, int64_t *id, struct eye_err *err);
/* Forget finished jobs but the newest `keep`; kind -1: of any. */
int store_jobs_prune(struct store *s, int kind, size_t keep, struct eye_err *err);

/* A new item of item->job, at the end of it (job's total counts it; done and failed too, when it has failed); *seq gets its number. Only into
 * jobs in state `open`: EYE_ENOTFOUND, EYE_EBUSY. open -1: into any unfinished one. */
int store_item_add(struct store *s, const struct store_item *item, int open, int64_t *seq,
                   struct eye_err *err);
/* By seq after `after`, at most `limit`; state -1: all; yours: store_items_free. */
int store_items(struct store *s, int64_t job, int64_t after, size_t limit, int state,
                struct store_item **items, size_t *n, struct eye_err *err);
void store_items_free(struct store_item *items, size_t n);
int store_item_place(struct store *s, int64_t job, int64_t seq, const char *place,
                     struct eye_err *err); /* NULL: nowhere */
/* state, picture, reason, code and place of item->job, item->seq. */
int store_item_set(struct store *s, const struct store_item *item, struct eye_err *err);
/* A zip that stands for its files now, or that begins again (`whole` false: only the files that came out of it go). */
int store_item_drop(struct store *s, int64_t job, int64_t seq, bool whole, struct eye_err *err);
/* An item that is done but whose file is still to be deleted; *place is yours. EYE_ENOTFOUND. */
int store_item_leftover(struct store *s, int64_t *job, int64_t *seq, char **place,
                        struct eye_err *err);
/* Is there an item, of whatever job, whose file lies there? */
int store_item_places(struct store *s, const char *place, bool *there, struct eye_err *err);
/* Zips that were being unpacked when the process ended: what had come out of them goes, to come out once more. */
int store_unzips_undo(struct store *s, struct eye_err *err);
/* Every item that waits, of all jobs; fn non-zero stops and is returned. It must not use the store. */
int store_each_waiting(struct store *s, int (*fn)(void *ctx, int64_t job, int64_t seq), void *ctx,
                       struct eye_err *err);
/* Is there a file of the picture in the root, other than `not_rel` (NULL: any)? *rel is yours; EYE_ENOTFOUND. */
int store_file_of(struct store *s, int64_t picture, int64_t root, const char *not_rel, char **rel,
                  struct eye_err *err);

struct store_key {
    int64_t id;
    char *name;
    int scope;
    int64_t created_at, used_at; /* seconds since 1970; INT64_MIN: never */
};
int store_key_new(struct store *s, const char *name, int scope, const struct hash *hash,
                  int64_t *id, struct eye_err *err);
int store_key_find(struct store *s, const struct hash *hash, struct store_key *out,
                   struct eye_err *err); /* EYE_ENOTFOUND; name NULL */
/* EYE_EBUSY at once if somebody else is writing: this is not worth a wait, and a server asks on a thread that must not. */
int store_key_used(struct store *s, int64_t id, struct eye_err *err);
int store_key_remove(struct store *s, int64_t id, struct eye_err *err); /* EYE_ENOTFOUND */
int store_keys(struct store *s, struct store_key **keys, size_t *n, struct eye_err *err);
void store_keys_free(struct store_key *keys, size_t n);

/* ---- search ---- */
/* As eye_filter: all that is set must hold. Strings NULL, numbers 0, times INT64_MIN: not set. What is asked of files (path, root,
 * name, modified) holds of one and the same file; what is unknown of a picture passes nothing. */
struct store_filter {
    const char
        *path; /* fnmatch against an absolute path of the picture; without * ? [ a part of it */
    int64_t root;
    const char *name;            /* words, all parts of a file's own name, ASCII case ignored */
    const char *format, *camera; /* camera: a part of it, ASCII case ignored */
    int64_t taken_from, taken_to, added_from, added_to; /* from <= t < to */
    int64_t modified_from, modified_to;                 /* a file's own date; seconds */
    int min_width, min_height, max_width, max_height;
    double min_megapixels, max_megapixels;
    char orientation; /* l, p, s */
    char gps;         /* y, n */
    bool boxed;       /* within the box, its edges too; west > east: across the date line */
    double south, west, north, east;
};
#define STORE_FILTER_INIT                                                                          \
    {                                                                                              \
        .taken_from = INT64_MIN, .taken_to = INT64_MIN, .added_from = INT64_MIN,                   \
        .added_to = INT64_MIN, .modified_from = INT64_MIN, .modified_to = INT64_MIN                \
    }
/* As eye_where: IS its filter, ALL_OF and ANY_OF its parts, NOT its one part, of which it lets all else pass. */
enum store_where_kind { STORE_IS, STORE_ALL_OF, STORE_ANY_OF, STORE_NOT };
struct store_where {
    enum store_where_kind kind;
    const struct store_filter *filter;
    const struct store_where *const *parts;
    size_t nparts;
};
/* Ids of the pictures that pass, ascending; yours (never NULL on success). *generation: as long as store_generation gives the same,
 * the answer is; 0: nobody can say (inside a transaction, or an old library that was opened for reading). */
int store_where(struct store *s, const struct store_where *w, int64_t *generation, int64_t **ids,
                size_t *n, struct eye_err *err);
int store_where_count(struct store *s, const struct store_where *where, uint64_t *n,
                      struct eye_err *err); /* where NULL: all, here and below */
/* At most `max` that pass, the newest first: by (added_at, id) descending what comes after (before_at, before_id), INT64_MAX both: from the newest. ats [max] gets
 * their added_at. The embedded store goes by id alone: its order is that of time. */
int store_newest_where(struct store *s, const struct store_where *where, int64_t before_at,
                       int64_t before_id, int64_t *ids, int64_t *ats, size_t max, size_t *n,
                       struct eye_err *err);
/* The ask->k best of each by inner product among what passes `where`: query, k, after and depth say what is asked, hits and count get the answer.
 * exact: compared with every one. A remote store's only: EYE_EINVAL for an embedded one, which vector/ searches. */
int store_search(struct store *s, int64_t model, const struct store_where *where, bool exact,
                 struct vector_ask *asks, size_t n, struct eye_err *err);
int store_filter(struct store *s, const struct store_filter *f, int64_t **ids, size_t *n,
                 struct eye_err *err);
/* Grows with each commit, of whatever process, that changed pictures, files or roots; 0 as above. */
int store_generation(struct store *s, int64_t *generation, struct eye_err *err);
int store_count(struct store *s, uint64_t *n, struct eye_err *err); /* pictures */
/* At most `max` pictures with an id below `before`, the newest first. */
int store_newest(struct store *s, int64_t before, int64_t *ids, size_t max, size_t *n,
                 struct eye_err *err);

/* Where the bytes of a picture are, those on online roots first. */
struct store_place {
    char *root, *rel; /* rel "" if the root is the file itself */
    uint64_t size;    /* when it was indexed */
    int64_t mtime_ns;
    bool offline; /* its root, as the last scan saw it */
};
int store_places(struct store *s, int64_t id, struct store_place **places, size_t *n,
                 struct eye_err *err); /* yours: store_places_free */
void store_places_free(struct store_place *places, size_t n);

/* All vectors of `model` into a new set, in one sequential read. */
struct vector_set *store_load_vectors(struct store *s, int64_t model, int dim, struct eye_err *err);

/* ---- vectors by id (sqlite_rows.c) ---- */
/* Those of ids [n] ascending: out [n, dim], there [n] false where there is none. As vector_source wants it. */
int store_vector_rows(struct store *s, int64_t model, int dim, const int64_t *ids, size_t n,
                      uint16_t *out, bool *there, struct eye_err *err);
/* The next ones by id above `after`, at most `max`: ids [max], rows [max, dim]. */
int store_vectors_after(struct store *s, int64_t model, int dim, int64_t after, int64_t *ids,
                        uint16_t *rows, size_t max, size_t *n, struct eye_err *err);
/* The same without rows. */
int store_vector_ids(struct store *s, int64_t model, int64_t after, int64_t *ids, size_t max,
                     size_t *n, struct eye_err *err);

/* ---- what happened to a model's vectors (sqlite_changes.c) ---- */
/* changes: grows with each change of a vector. As long as it is the same, the vectors are. log_from: up to it the log tells of nothing
 * but deletions. switches: grows when the list of segments changes, which changes no vector. */
struct store_mark {
    int64_t changes, vectors, log_from, switches;
};
int store_vectors_mark(struct store *s, int64_t model, struct store_mark *mark,
                       struct eye_err *err); /* zeros: no such model */
struct store_change {
    int64_t change, picture;
    bool gone;
};
/* All that the log has after change `after`, in order; free() it. A vector that was replaced went and came. */
int store_log(struct store *s, int64_t model, int64_t after, struct store_change **out, size_t *n,
              struct eye_err *err);
/* Must any segment still be told of this deletion? Asked from new to old. */
typedef bool store_needed_fn(void *ctx, const struct store_change *gone);
/* Forget a page of the log, up to log_from and *upto, but what is needed. *upto: where the next page ends; *more: there is one. */
int store_log_trim(struct store *s, int64_t model, int64_t *upto, store_needed_fn *needed,
                   void *ctx, bool *more, struct eye_err *err);

/* ---- files of the quantised index (sqlite_segments.c) ---- */
enum { STORE_SEGMENT_NAME = 64 };
struct store_segment {
    int64_t model, upto; /* holds nothing that came after change `upto` */
    char name[STORE_SEGMENT_NAME];
    uint64_t rows, bytes;
};
/* Of a model, or of all (0), by upto; free() it. */
int store_segments(struct store *s, int64_t model, struct store_segment **out, size_t *n,
                   struct eye_err *err);
struct store_switch {
    int64_t switches; /* as it was when this was planned */
    int64_t
        log_from; /* the log up to here is told by segments now; smaller than it is: no change */
    const struct store_segment *made; /* NULL: none */
    const char *const *gone;          /* [ngone] names of those that it replaces */
    size_t ngone;
};
/* In one transaction. EYE_EBUSY: the list has changed since. */
int store_segment_switch(struct store *s, int64_t model, const struct store_switch *sw,
                         struct eye_err *err);

int store_stats(struct store *s, int64_t model, struct store_stats *out, struct eye_err *err);

/* ---- backup and export (sqlite_backup.c) ---- */
/* Everything that is read from begin to end is of one moment. Not inside a transaction, and nothing may be changed meanwhile. */
int store_read_begin(struct store *s, struct eye_err *err);
void store_read_end(struct store *s);
typedef int store_progress_fn(void *ctx, uint64_t done, uint64_t total); /* non-zero stops */
/* A copy of the database as of one moment in the new file `path` (mode 0600, nothing beside it), without jobs and the index's
 * segments. It is not synced to disk. EYE_EEXIST, EYE_EFORMAT (the library is damaged), EYE_EIO, EYE_ECANCELLED (what was written stays). */
int store_backup(struct store *s, const char *path, store_progress_fn *progress, void *ctx,
                 struct eye_err *err);
/* Ids above `after`, ascending, at most `max`. */
int store_pictures_after(struct store *s, int64_t after, int64_t *ids, size_t max, size_t *n,
                         struct eye_err *err);
int store_layout(const struct store *s); /* of its tables */
int store_layout_newest(void);           /* that this program knows */
/* All that is known of a picture (sqlite_record.c): its perceptual hash too, its vector of `model`, its files in byte order. */
struct store_record {
    struct store_picture picture;
    bool embedded;
    struct store_record_file {
        int64_t root;
        char *rel;
        int64_t mtime_ns;
    } * files; /* [nfiles] */
    size_t nfiles;
};
/* vector: [dim], filled if there is one. EYE_ENOTFOUND, EYE_EFORMAT. Release it also after a failure. */
int store_record_get(struct store *s, int64_t id, int64_t model, uint16_t *vector, int dim,
                     struct store_record *out, struct eye_err *err);
void store_record_release(struct store_record *r);
/* Is anything known of that path, a file or a failure? */
int store_file_known(struct store *s, int64_t root, const char *rel, bool *known,
                     struct eye_err *err);

/* Check the database: integrity_check, foreign keys, vectors of the right length and finite, no picture without file, no
 * file without picture. One call a finding; *findings counts them. */
int store_verify(struct store *s, void (*report)(void *ctx, const char *finding), void *ctx,
                 size_t *findings, struct eye_err *err);

#endif
