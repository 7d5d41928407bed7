/* dup_looks.c - the looks of pictures that an older program indexed.
 *
 * Each is decoded once more in a sandboxed worker, several at a time, and written a batch a transaction: a run that is stopped keeps
 * what it did. A file that is not there or was changed since it was indexed is passed over, its picture stays unknown: it may come back,
 * or is indexed again and gets its look then. One that is as it was and cannot be decoded any more (a lower limit, a stricter
 * codec) would fail each time: it counts as a picture without a hash.
 *
 * The size that it is decoded at is the starter model's. Another model's pictures may be shrunk less on load when they are indexed, which
 * changes a bit or two of 64. */
#include <unistd.h>

#include "engine/duplicates.h"

enum { BATCH = 32, SIDE = 224 };

struct batch {
    eye_lib *lib;
    struct decoder_pool *decoder;
    int64_t ids[BATCH];
    struct image_look looks[BATCH];
    bool known[BATCH];
    size_t n;
};

static void look_at_one(void *ctx, size_t i, int worker)
{
    static const struct image_prep prep = {
        .width = SIDE, .height = SIDE, .mode = IMAGE_SHORTEST, .filter = IMAGE_BILINEAR};
    struct batch *b = ctx;
    struct image img = {0, 0, NULL};
    struct image_meta meta;
    struct eye_err err = {0};
    eye_file file;
    (void)worker;
    b->known[i] = false;
    if (eye_picture_open(b->lib, b->ids[i], &file, &err) < 0) {
        return;
    }
    int rc = strchr(file.etag, '-') /* its time is another than when it was indexed */
                 ? EYE_EBUSY
                 : decoder_decode(b->decoder, file.fd, &prep, &img, &meta, &err);
    close(file.fd);
    if (rc == 0) {
        image_release(&img);
    }
    b->known[i] = rc == 0 || rc == EYE_EFORMAT || rc == EYE_ELIMIT;
    b->looks[i] = rc == 0 ? meta.look : (struct image_look){.phash = IMAGE_PHASH_NONE};
}

static int write_batch(const struct batch *b, struct store *s, struct eye_err *err)
{
    int rc = store_begin(s, err);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        rc = b->known[i] ? store_look_set(s, b->ids[i], b->looks[i].phash, b->looks[i].mosaic, err)
                         : 0;
    }
    rc = rc < 0 ? rc : store_commit(s, err);
    if (rc < 0) {
        store_rollback(s);
    }
    return rc;
}

static int run(struct batch *b, struct store *s, struct pool *pool, eng_dup_progress *progress,
               void *ctx, struct eye_err *err)
{
    uint64_t done = 0, total = 0;
    int64_t after = 0;
    int rc = store_unseen_count(s, &total, err);
    while (rc == 0) {
        if (progress && progress(ctx, done, total) != 0) {
            return eye_fail(err, EYE_ECANCELLED, "stopped; what was done is kept");
        }
        rc = store_unseen(s, after, b->ids, BATCH, &b->n, err);
        if (rc < 0 || b->n == 0) {
            break;
        }
        after = b->ids[b->n - 1];
        pool_run(pool, b->n, look_at_one, b);
        rc = write_batch(b, s, err);
        done += b->n;
        total = done > total ? done : total;
    }
    return rc;
}

int eng_look_at_missing(eye_lib *lib, int threads, eng_dup_progress *progress, void *ctx,
                        struct eye_err *err)
{
    struct batch b = {.lib = lib};
    struct pool *pool = NULL;
    uint64_t missing = 0;
    struct store *s = eng_store_get(lib, err);
    if (!s) {
        return eng_code(err);
    }
    int rc = store_unseen_count(s, &missing, err);
    if (rc == 0 && missing && !lib->read_only) {
        rc = eng_decoder(lib, &b.decoder, err);
        pool = rc == 0 ? pool_new(threads, err) : NULL; /* searches keep their own */
        rc = pool ? run(&b, s, pool, progress, ctx, err) : eng_code(err);
        pool_free(pool);
    }
    eng_store_put(lib, s);
    return rc;
}
