/* milvus_store.h - inside of a remote store: what a handle and a server keep, and the rows of both collections.
 *
 * Pictures: a row a picture, with its vector (zeros while it has none: `embedded` says so). Files: a row a path (a file or a failure), a root, a mount. */
#ifndef STORE_MILVUS_STORE_H
#define STORE_MILVUS_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/ids.h"
#include "store/milvus.h"
#include "store/milvus_index.h"
#include "store/milvus_names.h"
#include "store/ops.h"

/* ---- rows ---- */

/* Columns of a picture, the vector last: a query for all but it asks for the first PIC_META fields. */
enum {
    PIC_ID,
    PIC_HASH,
    PIC_SIZE,
    PIC_WIDTH,
    PIC_HEIGHT,
    PIC_PIXELS,
    PIC_SHAPE,
    PIC_TAKEN,
    PIC_ADDED,
    PIC_FORMAT,
    PIC_CAMERA,
    PIC_CAMERA_KEY,
    PIC_HAS_GPS,
    PIC_LAT,
    PIC_LON,
    PIC_EMBEDDED,
    PIC_LOOKED,
    PIC_PHASH,
    PIC_MOSAIC,
    PIC_VECTOR,
    PIC_META = PIC_VECTOR,
    PIC_ALL
};
/* Columns of a file, a failure, a root, a mount; what is only for the server's use last. */
enum {
    ROW_ID,
    ROW_KIND,
    ROW_ROOT,
    ROW_REL,
    ROW_PICTURE,
    ROW_SIZE,
    ROW_MTIME,
    ROW_CODE,
    ROW_AT,
    ROW_ATTEMPTS,
    ROW_FLAGS,
    ROW_REASON,
    ROW_NAME_KEY,
    ROW_STUB,
    ROW_READ = ROW_NAME_KEY,
    ROW_ALL = ROW_STUB + 1
};
enum milvus_kind { KIND_FILE, KIND_FAILURE, KIND_ROOT, KIND_MOUNT, KIND_ABOUT };
enum { ROOT_OFFLINE = 1, ROOT_FILES_ONLY = 2, ROOT_UPLOADS = 4 };
enum { MILVUS_STUB_DIM = 2 };

/* [PIC_ALL] with the dim of the vector filled in; [ROW_ALL]. */
void milvus_picture_fields(struct milvus_field *fields, int dim);
extern const struct milvus_field milvus_file_fields[];

struct milvus_pic {
    struct store_picture p;
    bool embedded;
    float *vector; /* [dim]; NULL: not fetched */
};
struct milvus_row {
    char key[MILVUS_KEY + 1];
    int kind; /* enum milvus_kind */
    int64_t root;
    char *rel; /* bytes; of a root: its path */
    int64_t picture;
    uint64_t size;
    int64_t mtime_ns;
    int code, attempts, flags;
    int64_t at;
    char *reason; /* "" unless a failure */
};
/* Row i of an answer to a query for the first PIC_META or all PIC_ALL fields; EYE_EFORMAT. vector_dim 0: no vector was asked for. */
int milvus_pic_read(const struct milvus_rows *rows, size_t i, int vector_dim,
                    struct milvus_pic *out, struct eye_err *err);
void milvus_pic_release(struct milvus_pic *pic);
/* Of the first ROW_READ fields. */
int milvus_row_read(const struct milvus_rows *rows, size_t i, struct milvus_row *out,
                    struct eye_err *err);
void milvus_row_release(struct milvus_row *row);
/* A new row of columns. pic->vector NULL: zeros. root_path: of a file's root, for name_key. */
int milvus_pic_write(struct milvus_columns *c, const struct milvus_pic *pic, struct eye_err *err);
int milvus_row_write(struct milvus_columns *c, const struct milvus_row *row, const char *root_path,
                     struct eye_err *err);

/* ---- the server, shared by all handles ---- */

struct milvus_model {
    struct hash fingerprint;
    char name[128];
    int dim;
};

struct store_remote {
    struct milvus *m;
    struct milvus_options options;
    char *index_type, *index_params, *search_params; /* never NULL; "": chosen by size */
    pthread_mutex_t lock;                            /* model, and whoever makes or loads */
    atomic_bool ready[2];      /* by enum milvus_which: there, checked and loaded */
    struct milvus_model model; /* good when ready[MILVUS_PICTURES]; set once */
    struct milvus_index index; /* that is there, as of index_at (0: not known) */
    int64_t index_at;
};

/* ---- a handle ---- */

struct milvus_view; /* what was gathered and, in a transaction, what it changes (milvus_view.h) */

/* Ids that were read beyond what was asked for (milvus_lists.c). */
struct milvus_ahead {
    const char *expr;   /* a literal; NULL: none */
    int64_t from, upto; /* all above `from` up to `upto` */
    uint64_t seen;      /* this process has written nothing since */
    int64_t at;         /* milvus_now_ms */
    struct store_ids ids;
};

struct milvus_part {
    struct store *s;
    struct store_remote *r;
    struct milvus *m, *relaxed_m; /* ask milvus_of() for the one to use */
    bool create, read_only, relaxed, in_txn;
    int broken; /* code of what failed in the open transaction */
    struct milvus_view *view;
    struct milvus_row *roots; /* as of roots_at; see milvus_roots_of */
    struct store_root *root_list;
    size_t nroots;
    int64_t roots_at; /* milvus_now_ms; 0: not known */
    struct milvus_ahead ahead;
};

static inline struct milvus_part *milvus_part_of(const struct store *s)
{
    return store_part(s);
}
/* For reads and writes of this handle, with its patience and consistency. */
struct milvus *milvus_of(struct milvus_part *p);
/* Before anything is asked of a collection: it is there, ours, and loaded. *there false: it is not made yet, which is fine
 * for a handle that was opened with `create` (it is empty); EYE_ENOTFOUND for others. */
int milvus_need(struct milvus_part *p, enum milvus_which which, bool *there, struct eye_err *err);
/* rc of a request: if it says that the collection is gone or not loaded, the next milvus_need looks again. */
void milvus_doubt(struct milvus_part *p, enum milvus_which which, int rc);
/* Of the pictures; 0 until they are made. */
int milvus_dim(const struct milvus_part *p);
/* Around each change: joins the open transaction or makes one of its own. */
int milvus_write_begin(struct milvus_part *p, bool *own, struct eye_err *err);
int milvus_write_end(struct milvus_part *p, bool own, int rc, struct eye_err *err);
/* Makes the collection (pictures: for this model), its index, and loads it; fine if it is there and the same. */
int milvus_make(struct milvus_part *p, enum milvus_which which, const struct milvus_model *model,
                struct eye_err *err);
/* Sends what the transaction changed (milvus_commit.c). */
int milvus_send(struct milvus_part *p, struct eye_err *err);
/* All roots by path, without counts; borrowed until the next call for this handle. Others' changes are seen after a second. */
int milvus_roots_of(struct milvus_part *p, const struct store_root **roots, size_t *n,
                    struct eye_err *err);
void milvus_ahead_forget(struct milvus_part *p);
void milvus_roots_forget(struct milvus_part *p);
/* One of them; EYE_ENOTFOUND (err untouched). */
int milvus_root_with(struct milvus_part *p, int64_t id, const struct store_root **root,
                     struct eye_err *err);

#endif
