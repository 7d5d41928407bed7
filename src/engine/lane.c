/* lane.c - one file from path to vector. A lane is a thread with its own scratch and store handle; it
 * shares the model and the decoder's workers. One picture at a time a lane: N lanes keep N processors busy
 * without a barrier between pictures of different cost, and one failing file concerns nobody else.
 *
 * A file may change under our hands: its size and time are compared before and after, and what does not
 * hold still is read once more at the end of the run, so that no vector is ever stored under the hash of other bytes.
 *
 * Whether the bytes are known is asked in passing: the writer asks again, so the answer may be as of a moment ago, which a server gives much
 * sooner. When it cannot be asked at all (the server is gone for good) that is nothing that the file did: the run ends. */
#include <unistd.h>

#include "engine/ingest.h"
#include "engine/originals.h"

int eng_lane_init(struct eng_lane *lane, struct eng_pipe *pipe, struct eye_err *err)
{
    lane->pipe = pipe;
    lane->store = eng_patient_get(pipe->lib, err);
    if (lane->store) {
        store_relax(lane->store, true);
    }
    lane->work = lane->store ? clip_work_new(pipe->model->clip, 1, NULL, err) : NULL;
    lane->vector = lane->work ? mem_calloc((size_t)pipe->dim, sizeof *lane->vector, err) : NULL;
    return lane->vector ? 0 : eng_code(err);
}

void eng_lane_release(struct eng_lane *lane)
{
    if (lane->pipe) {
        eng_patient_put(lane->pipe->lib, lane->store);
    }
    if (lane->work) {
        clip_work_free(lane->work);
    }
    free(lane->vector);
}

_Static_assert(sizeof(((struct store_picture *)0)->mosaic) ==
                   sizeof(((struct image_look *)0)->mosaic),
               "a look is stored as it is");

/* The ledger has the path in its own column: take "PATH: " off the sentence. */
static void fail_from(struct eng_item *item, const struct eye_err *err)
{
    struct eye_err prefix;
    eye_fail(&prefix, 0, "%s: ", item->path);
    size_t n = strlen(prefix.msg);
    eng_item_fail(item, err->code, !strncmp(err->msg, prefix.msg, n) ? err->msg + n : err->msg);
}

static bool same_state(int fd, const struct stat *st)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size == st->st_size &&
           eng_mtime_ns(&now) == eng_mtime_ns(st);
}

static void changed_meanwhile(struct eng_item *item)
{
    if (item->again) {
        eng_item_fail(
            item, EYE_EIO,
            "the file kept changing while it was read; index it again when it is complete");
    } else {
        item->kind = ENG_REDO;
    }
}

static bool looks_like_picture(int fd)
{
    uint8_t head[64];
    ssize_t n = pread(fd, head, sizeof head, 0);
    return n > 0 && image_sniff(head, (size_t)n) != IMAGE_UNKNOWN;
}

static void fill_picture(struct eng_item *item, const struct image_meta *meta)
{
    struct store_picture *p = &item->meta;
    p->hash = item->hash;
    p->size = item->size;
    p->width = meta->width;
    p->height = meta->height;
    p->taken_at = meta->taken_at;
    p->has_gps = meta->has_gps;
    p->lat = meta->lat;
    p->lon = meta->lon;
    p->added_at = (int64_t)time(NULL);
    p->looked_at = true;
    p->phash = meta->look.phash;
    memcpy(p->mosaic, meta->look.mosaic, sizeof p->mosaic);
    snprintf(p->format, sizeof p->format, "%s", image_format_name(meta->format));
    memcpy(p->camera, meta->camera, sizeof p->camera);
    p->camera[sizeof p->camera - 1] = '\0';
}

static int embed(struct eng_lane *lane, struct eng_item *item, int fd, struct eye_err *err)
{
    struct eng_pipe *p = lane->pipe;
    struct image_meta meta;
    struct image img = {0, 0, NULL};
    int rc = decoder_decode(p->decoder, fd, clip_prep(p->model->clip), &img, &meta, err);
    if (rc < 0) {
        return rc;
    }
    rc = clip_encode_images(p->model->clip, lane->work, &img, 1, lane->vector, err);
    image_release(&img);
    if (rc < 0) {
        return rc;
    }
    free(item->vector); /* of a first try */
    item->vector = mem_calloc((size_t)p->dim, sizeof *item->vector, err);
    if (!item->vector) {
        return EYE_ENOMEM;
    }
    half_from_floats(lane->vector, item->vector, (size_t)p->dim);
    fill_picture(item, &meta);
    return 0;
}

/* After the hash is known and claimed: link to what the store has, or embed. */
static int link_or_embed(struct eng_lane *lane, struct eng_item *item, int fd,
                         const struct stat *st, struct eye_err *err)
{
    int64_t id;
    bool has_vector = false;
    int rc = store_picture_by_hash(lane->store, &item->hash, lane->pipe->model_id, &id, &has_vector,
                                   err);
    if (rc == 0 && has_vector) {
        item->kind = ENG_LINK;
        item->target = id;
        return 0;
    }
    if (rc < 0 && rc != EYE_ENOTFOUND) {
        if (lane->pipe->lib->remote) {
            item->kind = ENG_WORK;
            eng_pipe_break(lane->pipe, err);
            return 0;
        }
        return rc;
    }
    rc = embed(lane, item, fd, err);
    if (rc == 0) {
        item->kind = ENG_EMBED;
    }
    if (!same_state(fd, st)) {
        changed_meanwhile(item);
        return 0;
    }
    return rc;
}

/* For `model use`: the picture is known and only its vector is wanted, but of the bytes that were promised. */
static int embed_known(struct eng_lane *lane, struct eng_item *item, int fd, struct eye_err *err)
{
    struct hash hash;
    int rc = hash_fd(fd, lane->pipe->lib->limits.max_bytes, &hash, NULL, err);
    if (rc == 0 && hash_cmp(&hash, &item->hash) != 0) {
        rc = eye_fail(err, EYE_EFORMAT, "the file has changed since it was indexed");
    }
    rc = rc < 0 ? rc : embed(lane, item, fd, err);
    if (rc == 0) {
        item->kind = ENG_VECTOR;
    }
    return rc;
}

static int process(struct eng_lane *lane, struct eng_item *item, int fd, const struct stat *st,
                   bool *mine, struct eye_err *err)
{
    if (lane->pipe->revector) {
        return embed_known(lane, item, fd, err);
    }
    item->size = (uint64_t)st->st_size;
    item->mtime_ns = eng_mtime_ns(st);
    if (item->sniff && !item->picture && !looks_like_picture(fd)) {
        item->kind = ENG_GONE;
        return 0;
    }
    int rc = hash_fd(fd, lane->pipe->lib->limits.max_bytes, &item->hash, NULL, err);
    if (!same_state(fd, st)) {
        changed_meanwhile(item);
        return 0;
    }
    if (rc < 0) {
        return rc;
    }
    *mine = eng_table_claim(lane->pipe, item);
    return *mine ? link_or_embed(lane, item, fd, st, err) : 0;
}

bool eng_lane_item(struct eng_lane *lane, struct eng_item *item)
{
    struct eye_err err = {0};
    struct stat st;
    bool mine = true;
    int fd =
        eng_open_patiently(lane->pipe->lib, item->path, item->size, &lane->pipe->stop, &st, &err);
    if (fd < 0) {
        fail_from(item, &err);
        item->kind = err.code == EYE_ENOTFOUND ? ENG_GONE
                     : err.code == EYE_EREMOTE ? ENG_AWAY_NOW
                                               : ENG_FAIL;
        return true;
    }
    if (process(lane, item, fd, &st, &mine, &err) < 0) {
        fail_from(item, &err);
    }
    close(fd);
    return mine;
}

void *eng_lane_main(void *arg)
{
    struct eng_lane *lane = arg;
    struct eng_pipe *p = lane->pipe;
    struct eng_waiter waiter;
    eng_wait_begin(p->lib, &waiter, eng_pipe_wait, p);
    for (struct eng_item *item; (item = queue_pop(p->work));) {
        bool mine = atomic_load(&p->stop) || eng_lane_item(lane, item);
        if (mine && (item->kind == ENG_WORK || !queue_push(p->done, item))) {
            item->waiters = eng_table_drop(p, item);
            eng_item_free(item); /* stopped before it was begun, or could not be */
        }
    }
    eng_wait_end(p->lib, &waiter);
    if (atomic_fetch_sub(&p->lanes_left, 1) == 1) {
        queue_close(p->done);
    }
    return NULL;
}
