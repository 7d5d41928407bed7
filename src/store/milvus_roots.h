/* milvus_roots.h - what milvus_roots.c and milvus_absorb.c share. */
#ifndef STORE_MILVUS_ROOTS_H
#define STORE_MILVUS_ROOTS_H

#include "store/milvus_files.h"

/* Copies of rows, for milvus_each_row. */
struct milvus_kept {
    struct milvus_row *v;
    size_t n, cap;
    struct eye_err *err;
};
int milvus_keep_row(void *ctx, const struct milvus_row *row);
void milvus_kept_free(struct milvus_kept *kept);

/* The root's own row; look at there. */
int milvus_root_row(struct milvus_part *p, int64_t root, struct view_row **e, struct eye_err *err);
/* It is to be written, or deleted. */
void milvus_root_changed(struct milvus_part *p, struct view_row *e);
int milvus_mount_row(struct milvus_part *p, int64_t root, const char *rel, bool mounted,
                     struct eye_err *err);
/* The roots below `path`, which is outer's, go and their files are outer's. */
int milvus_absorb_below(struct milvus_part *p, struct view_row *outer, const char *path,
                        struct eye_err *err);

#endif
