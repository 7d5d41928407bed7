/* milvus_fetch.h - rows of the server into the handle's view. */
#ifndef STORE_MILVUS_FETCH_H
#define STORE_MILVUS_FETCH_H

#include "base/buf.h"
#include "store/milvus_view.h"

/* At the beginning of whatever reads: what is left of single look-ups goes, unless it was gathered or a transaction is open. */
void milvus_fresh(struct milvus_part *p);

/* Entries for all of ids [n] (0 is passed over), with vectors if asked for. */
int milvus_fetch_pics(struct milvus_part *p, const int64_t *ids, size_t n, bool vectors,
                      struct eye_err *err);
/* Entries for all candidates of a hash [n]. */
int milvus_fetch_hashes(struct milvus_part *p, const struct hash *hashes, size_t n, bool vectors,
                        struct eye_err *err);
/* The keys [n] of MILVUS_KEY + 1 bytes each. */
int milvus_fetch_rows(struct milvus_part *p, const char (*keys)[MILVUS_KEY + 1], size_t n,
                      struct eye_err *err);
/* All files of ids [n]; their pictures have entries. */
int milvus_fetch_files_of(struct milvus_part *p, const int64_t *ids, size_t n, struct eye_err *err);

/* One of each, from the view or the server. *e is never NULL on success; look at there. */
int milvus_pic_of(struct milvus_part *p, int64_t id, bool vector, struct view_pic **e,
                  struct eye_err *err);
int milvus_row_of(struct milvus_part *p, const char *key, struct view_row **e, struct eye_err *err);
/* The picture with this content; *e NULL: there is none. *room: the first of its ids that is free (0: all are taken). */
int milvus_pic_with(struct milvus_part *p, const struct hash *hash, bool vector,
                    struct view_pic **e, int64_t *room, struct eye_err *err);

/* "id in [\"KEY\",...]", appended. */
int milvus_in_keys(struct buf *out, const char (*keys)[MILVUS_KEY + 1], size_t n,
                   struct eye_err *err);

#endif
