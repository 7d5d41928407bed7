/* milvus_gather.c - what is about to be asked for one by one, fetched in few requests. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"

/* Outside a transaction what was gathered before goes; inside, its changes are there too and all of it stays. */
static void begin(struct milvus_part *p)
{
    if (!p->in_txn)
        view_clear(p->view);
    p->view->gathered = true;
}

int milvus_gather(struct store *s, const int64_t *ids, size_t n, bool vectors, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    begin(p);
    int rc = milvus_fetch_pics(p, ids, n, vectors, err);
    return rc ? rc : milvus_fetch_files_of(p, ids, n, err);
}

int milvus_gather_hashes(struct store *s, const struct hash *hashes, size_t n, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    begin(p);
    return milvus_fetch_hashes(p, hashes, n, true, err);
}

/* The pictures that the paths show now, and are to show. */
static int fetch_shown(struct milvus_part *p, const struct store_file *files, size_t n,
                       const char (*keys)[MILVUS_KEY + 1], struct eye_err *err)
{
    int64_t *ids = mem_calloc(2 * n, sizeof *ids, err);
    if (!ids)
        return EYE_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct view_row *e = view_row_find(p->view, keys[i]);
        ids[2 * i] = files[i].picture;
        ids[2 * i + 1] = e && e->there && e->row.kind == KIND_FILE ? e->row.picture : 0;
    }
    int rc = milvus_fetch_pics(p, ids, 2 * n, true, err);
    free(ids);
    return rc;
}

int milvus_gather_files(struct store *s, const struct store_file *files, size_t n,
                        struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    char(*keys)[MILVUS_KEY + 1] = mem_calloc(n, sizeof *keys, err);
    if (!keys)
        return EYE_ENOMEM;
    begin(p);
    for (size_t i = 0; i < n; i++)
        milvus_file_key(files[i].root, files[i].rel, keys[i]);
    int rc = milvus_fetch_rows(p, (const char(*)[MILVUS_KEY + 1]) keys, n, err);
    rc = rc ? rc : fetch_shown(p, files, n, (const char(*)[MILVUS_KEY + 1]) keys, err);
    free(keys);
    return rc;
}

void milvus_forget(struct store *s)
{
    struct milvus_part *p = milvus_part_of(s);
    if (!p->in_txn)
        view_clear(p->view);
    milvus_ahead_forget(p); /* the roots stay for their second */
}
