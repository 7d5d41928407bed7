/* milvus_view.h - rows of the server that a handle keeps for a while: what was gathered, and what a transaction changes.
 *
 * An entry is what the handle sees of one picture or one path. Clean: as the server had it when it was fetched, `there` false: it had none.
 * Dirty: as the open transaction wants it, to be sent by the commit. */
#ifndef STORE_MILVUS_VIEW_H
#define STORE_MILVUS_VIEW_H

#include "store/milvus_store.h"

struct view_pic {
    uint64_t tag; /* the id; first in each entry */
    bool known;   /* it was asked for, or put: else the entry only notes lost */
    bool there, dirty;
    bool vector_known; /* pic.vector is what there is (NULL: not embedded) */
    bool files_known;  /* all of its files on the server have entries */
    bool got, lost;    /* in this transaction a path began, or stopped, to show it */
    struct milvus_pic pic;
};

struct view_row {
    uint64_t tag; /* last half of the key */
    bool there, dirty;
    bool known; /* what the server has: the next four */
    bool was;
    int was_kind, was_attempts;
    int64_t was_picture;
    bool counts; /* row.attempts is to be added to those of a failure on the server */
    bool moved;  /* the picture has kept a row all the time */
    struct milvus_row row;
};

struct view_table {
    void **items; /* in order of making */
    size_t n, cap;
    uint32_t *slots; /* place in items + 1; open addressing */
    size_t nslots;
};

struct milvus_view {
    struct view_table pics, rows;
    bool gathered; /* by a gather outside a transaction: to be kept */
};

struct milvus_view *view_new(struct eye_err *err);
void view_free(struct milvus_view *v);
void view_clear(struct milvus_view *v);

/* NULL: no entry. */
struct view_pic *view_pic_find(const struct milvus_view *v, int64_t id);
struct view_row *view_row_find(const struct milvus_view *v, const char *key);
/* Found, or a new clean one that is not there; NULL: no memory. */
struct view_pic *view_pic_make(struct milvus_view *v, int64_t id, struct eye_err *err);
struct view_row *view_row_make(struct milvus_view *v, const char *key, struct eye_err *err);

static inline struct view_pic *view_pic_at(const struct milvus_view *v, size_t i)
{
    return v->pics.items[i];
}
static inline struct view_row *view_row_at(const struct milvus_view *v, size_t i)
{
    return v->rows.items[i];
}

/* The server's word on the entry, its row taken over (NULL: it has none). What a transaction says stays. */
void view_pic_fetched(struct view_pic *e, struct milvus_pic *pic, bool with_vector);
void view_row_fetched(struct view_row *e, struct milvus_row *row);

#endif
