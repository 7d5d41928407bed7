/* milvus_commit.h - what milvus_commit.c and milvus_orphans.c share. */
#ifndef STORE_MILVUS_COMMIT_H
#define STORE_MILVUS_COMMIT_H

#include "store/milvus_view.h"

/* All entries of pictures that pass; *list is yours. Does any? */
int milvus_choose(const struct milvus_view *v, bool (*pass)(const struct view_pic *e),
                  struct view_pic ***list, size_t *n, struct eye_err *err);
bool milvus_is_any(const struct milvus_view *v, bool (*pass)(const struct view_pic *e));
int milvus_write_pics(struct milvus_part *p, struct view_pic *const *list, size_t n,
                      struct eye_err *err);
/* After the paths were written: pictures marked `lost` that have no file go, those marked `got` are there. */
int milvus_orphans(struct milvus_part *p, struct eye_err *err);

#endif
