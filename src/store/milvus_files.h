/* milvus_files.h - many rows of files: read from the server, with what an open transaction has changed. */
#ifndef STORE_MILVUS_FILES_H
#define STORE_MILVUS_FILES_H

#include "store/milvus_view.h"

/* Rows of kinds up to `last_kind`, of a root (0: of all), whose rel is `under` or lies below it ("": all). */
struct milvus_scan {
    int64_t root;
    const char *under;
    int first_kind, last_kind;
};
/* fn gets each row, in no order, borrowed; non-zero stops and is returned. It must not use the handle. */
typedef int milvus_row_fn(void *ctx, const struct milvus_row *row);
int milvus_each_row(struct milvus_part *p, const struct milvus_scan *scan, milvus_row_fn *fn,
                    void *ctx, struct eye_err *err);

#endif
