/* scan.h - what is on disk against what the store knows: scopes, the walk, the sweep. */
#ifndef ENGINE_SCAN_H
#define ENGINE_SCAN_H

#include "engine/ingest.h"

/* One path that the store knows below a scope. */
struct eng_known {
    char *rel; /* below the root */
    uint64_t size;
    int64_t mtime_ns;
    int64_t picture; /* 0: failed */
    bool seen;       /* it is on disk */
    bool kept;       /* nobody could look, or was told not to: not to be removed */
};

/* What is looked at: a root, a folder or a file in it. */
struct eng_scope {
    int64_t root; /* 0: not in the store (dry run) */
    char *root_path;
    char *under;             /* "" for the whole root */
    const char *const *rels; /* [nrels] just these files, borrowed; kind FILE */
    size_t nrels;
    bool listed;     /* what is known is looked at, one by one, instead of what is there */
    bool found;      /* rels: not named by anyone, so filters hold, and folders may be among them */
    bool known_only; /* found: what the store does not know is left out */
    enum eng_path_kind kind;
    int64_t last_scan;
    struct eng_known *known; /* sorted by rel */
    size_t nknown, cap;
    char **mounts; /* recorded, below the root */
    size_t nmounts;
    bool walked;  /* to the end */
    bool offline; /* missing, unreadable, or empty where files were */
};

struct eng_scan {
    eye_lib *lib;
    const eye_index_options *options;
    struct store *store; /* the source thread's */
    struct store_root *roots;
    size_t nroots;
    struct eng_scope *scopes;
    size_t nscopes;
    bool
        one_by_one; /* few files in the scope at hand: each is looked up, and `unembedded` not used */
    bool loaded;    /* unembedded is */
    int64_t *unembedded; /* pictures without a vector of the model, ascending */
    size_t nunembedded;
    int64_t model_id;
    bool (*leave)(void *ctx, int64_t root, const char *rel, const struct stat *st); /* or NULL */
    void *leave_ctx;
};

/* Up to so many known files in a scope are looked up one by one: below what loading all of `unembedded` of a million costs. */
enum { ENG_FEW = 4096 };

/* ---- scope.c ---- */
/* Which scopes the paths mean; new roots are added to the store (not in a dry run). EYE_ENOTFOUND. */
int eng_scan_resolve(struct eng_scan *scan, struct store *s, const char *const *paths,
                     size_t npaths, struct eye_err *err);
/* Or just these files of a known root: borrowed. */
int eng_scan_files(struct eng_scan *scan, int64_t root, const char *root_path,
                   const char *const *rels, size_t nrels, struct eye_err *err);
/* Or these parts of known roots: borrowed. */
int eng_scan_looks(struct eng_scan *scan, struct store *s, const struct eng_look *looks, size_t n,
                   struct eye_err *err);
void eng_scan_release(struct eng_scan *scan);
int eng_strings_add(char ***strings, size_t *n, const char *text, struct eye_err *err);

/* ---- known.c ---- */
int eng_known_load(struct eng_scan *scan, struct eng_scope *scope, struct eye_err *err);
struct eng_known *eng_known_find(const struct eng_scope *scope, const char *rel);
/* The entries at and below rel: known[*lo..*hi). An exact match before the range is in *exact, or NULL. */
void eng_known_range(const struct eng_scope *scope, const char *rel, size_t *lo, size_t *hi,
                     struct eng_known **exact);
void eng_known_keep(const struct eng_scope *scope, const char *rel);
int eng_unembedded_load(struct eng_scan *scan, struct eye_err *err);

/* ---- scan.c: the source of eye_index ---- */
/* The walk of one scope. */
struct eng_walk {
    struct eng_scan *scan;
    struct eng_scope *scope;
    struct eng_pipe *pipe;
};
/* A regular file, or an object, that is there: looked at, or left out by its name. */
int eng_walk_file(const struct eng_walk *w, const char *rel, const struct stat *st,
                  struct eye_err *err);
/* What a walk leaves out: a folder and all below it; a file. rel: below its root. */
bool eng_scan_skips_dir(const eye_lib *lib, const eye_index_options *o, const char *path,
                        const char *rel);
bool eng_scan_skips_file(const eye_lib *lib, const eye_index_options *o, const char *rel);
int eng_scan_source(void *scan, struct eng_pipe *p, struct eye_err *err);

/* ---- scan_objects.c: the same of a root in an object store ---- */
int eng_scan_objects(const struct eng_walk *w, struct eye_err *err);

/* ---- sweep.c ---- */
/* After a walk that ended well: remove what is verifiably gone, say what is offline. */
void eng_sweep(struct eng_scan *scan, struct eng_writer *w, struct eye_err *err);

#endif
