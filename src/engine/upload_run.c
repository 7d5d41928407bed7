/* upload_run.c - the waiting files of an upload: looked at, placed, indexed, their outcome written.
 *
 * What a kill at any point leaves behind is one of these, and the next run goes on from it:
 *   waits, file in the spool             nothing was done (a place may be noted: it is chosen anew)
 *   waits, place noted, not in the spool the file is in the uploads, indexed or not: indexing tells
 *   done, place noted                    the file there is to be deleted (jobs_run.c does so at the start)
 *   done                                 all is done
 * So the place is noted before the file is moved, the outcome before it is deleted.
 *
 * Bytes are hashed here before anything else: what lies in the uploads already is a duplicate without being placed,
 * opened by a decoder or embedded. The lanes hash once more; that is a hundredth of what a picture costs. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "engine/jobs.h"

enum { HEAD = 4, PLACE_TRIES = 16 };

/* One file of a batch on its way. */
struct slot {
    struct store_item *item;
    struct hash hash;
    bool hashed, placed;
    enum { SLOT_WAITS, SLOT_GOOD, SLOT_BAD, SLOT_SETTLED } fate;
    enum { SLOT_UNSAID, SLOT_NEW, SLOT_LINKED } how; /* good: what indexing said of it */
    struct eye_err why;
};

struct batch {
    struct eng_jobs *j;
    int64_t job;
    struct slot *slots; /* [n] those to be indexed or settled */
    size_t n;
    struct eye_err err; /* of what went wrong inside a callback */
    int rc;
};

/* ---- outcomes ---- */

int upload_settle(struct eng_jobs *j, struct store_item *item, eye_item_state state,
                  int64_t picture, const struct eye_err *why, struct eye_err *err)
{
    struct store_item set = *item;
    set.state = (int)state;
    set.picture = picture;
    set.reason = why ? (char *)(uintptr_t)why->msg : NULL;
    set.code = why ? why->code : 0;
    struct store_job count = {.id = item->job,
                              .done = 1,
                              .indexed = state == EYE_ITEM_INDEXED,
                              .duplicates = state == EYE_ITEM_DUPLICATE,
                              .failed = state == EYE_ITEM_FAILED};
    int rc = store_item_set(j->store, &set, err);
    return rc < 0 ? rc : store_job_count(j->store, &count, true, err);
}

/* An outcome that is known before anything was placed. */
static int settle_staged(struct eng_jobs *j, struct store_item *item, eye_item_state state,
                         int64_t picture, const struct eye_err *why, struct eye_err *err)
{
    char staged[48];
    free(item->place);
    item->place = NULL;
    int rc = store_begin(j->store, err);
    if (rc < 0) {
        return rc;
    }
    rc = upload_settle(j, item, state, picture, why, err);
    rc = rc < 0 ? rc : store_commit(j->store, err);
    if (rc < 0) {
        store_rollback(j->store);
        return rc;
    }
    upload_spool_name(item->job, item->seq, staged);
    unlinkat(j->spool_fd, staged, 0);
    jobs_changed(j, item->job);
    return 0;
}

/* Does another file of the uploads show the picture? */
static int has_copy(struct eng_jobs *j, int64_t picture, const char *not_rel, bool *has,
                    struct eye_err *err)
{
    char *rel = NULL;
    int rc = store_file_of(j->store, picture, j->root, not_rel, &rel, err);
    *has = rc == 0 && upload_is_there(j->uploads_fd, rel, NULL);
    free(rel);
    return rc == EYE_ENOTFOUND ? 0 : rc;
}

/* In a transaction: a placed file that the library has taken in. *again: its bytes lie there already, delete it. */
static int settle_good(struct eng_jobs *j, struct slot *slot, bool *again, struct eye_err *err)
{
    struct store_item *item = slot->item;
    int64_t picture = 0;
    *again = false;
    int rc = store_picture_at(j->store, j->root, item->place, &picture, err);
    if (rc == 0 && slot->how != SLOT_NEW) { /* what was embedded stays, its copies go */
        rc = has_copy(j, picture, item->place, again, err);
    }
    if (rc == 0 && *again) {
        rc = store_file_remove(j->store, j->root, item->place, err);
    }
    if (rc < 0) {
        return rc;
    }
    char *place = item->place;
    item->place = *again ? place : NULL;
    bool known = *again || slot->how == SLOT_LINKED;
    rc = upload_settle(j, item, known ? EYE_ITEM_DUPLICATE : EYE_ITEM_INDEXED, picture, NULL, err);
    item->place = place;
    return rc;
}

static int settle_bad(struct eng_jobs *j, struct slot *slot, struct eye_err *err)
{
    int rc = store_file_remove(j->store, j->root, slot->item->place, err);
    return rc < 0 ? rc : upload_settle(j, slot->item, EYE_ITEM_FAILED, 0, &slot->why, err);
}

/* The outcomes that have come since the last time, in one transaction; then the files that are not wanted go. */
static int settle_all(struct batch *b, struct eye_err *err)
{
    struct eng_jobs *j = b->j;
    bool *unwanted = mem_calloc(b->n, sizeof *unwanted, err);
    size_t n = 0;
    int rc = unwanted ? store_begin(j->store, err) : EYE_ENOMEM;
    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        struct slot *slot = &b->slots[i];
        if (slot->fate == SLOT_GOOD) {
            rc = settle_good(j, slot, &unwanted[i], err);
        } else if (slot->fate == SLOT_BAD) {
            unwanted[i] = true;
            rc = settle_bad(j, slot, err);
        }
        n += unwanted[i];
    }
    rc = rc < 0 ? rc : store_commit(j->store, err);
    if (rc < 0) {
        store_rollback(j->store);
        free(unwanted);
        return rc;
    }
    rc = n ? store_begin(j->store, err) : 0;
    for (size_t i = 0; i < b->n; i++) {
        struct slot *slot = &b->slots[i];
        if (slot->fate == SLOT_GOOD || slot->fate == SLOT_BAD) {
            slot->fate = SLOT_SETTLED;
        }
        if (unwanted[i]) {
            upload_delete(j->uploads_fd, slot->item->place);
            rc = rc < 0 ? rc : store_item_place(j->store, b->job, slot->item->seq, NULL, err);
        }
    }
    if (n) {
        rc = rc < 0 ? rc : store_commit(j->store, err);
        if (rc < 0) {
            store_rollback(j->store);
        }
    }
    free(unwanted);
    return rc;
}

/* ---- from the spool to the uploads ---- */

/* Are these bytes in the uploads already, in a file that is there? */
static int find_copy(struct eng_jobs *j, const struct hash *hash, int64_t *picture, bool *has,
                     struct eye_err *err)
{
    bool has_vector;
    struct eye_err none = {0};
    *has = false;
    int rc = store_picture_by_hash(j->store, hash, 0, picture, &has_vector, &none);
    if (rc == EYE_ENOTFOUND) {
        return 0;
    }
    return rc < 0 ? eye_fail(err, rc, "%s", none.msg) : has_copy(j, *picture, NULL, has, err);
}

/* A file of that name with those bytes that the library does not know (or it would be a duplicate): taken for this one. */
static bool is_same_file(struct eng_jobs *j, const char *rel, const struct slot *slot)
{
    struct stat st;
    struct hash hash;
    const char *last;
    if (!upload_is_there(j->uploads_fd, rel, &st) || (uint64_t)st.st_size != slot->item->size) {
        return false;
    }
    int dir = upload_folder(j->uploads_fd, rel, false, &last, NULL);
    int fd = dir < 0 ? -1 : openat(dir, last, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    bool same = fd >= 0 && hash_fd(fd, slot->item->size, &hash, NULL, NULL) == 0 &&
                hash_cmp(&hash, &slot->hash) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (dir >= 0) {
        close(dir);
    }
    return same;
}

static int note_place(struct eng_jobs *j, struct slot *slot, const char *place, struct eye_err *err)
{
    char *copy = mem_strdup(place, err);
    if (!copy) {
        return EYE_ENOMEM;
    }
    free(slot->item->place);
    slot->item->place = copy;
    return store_item_place(j->store, slot->item->job, slot->item->seq, place, err);
}

/* EYE_EEXIST: someone took the name meanwhile. */
static int place_at(struct eng_jobs *j, struct slot *slot, const char *place, struct eye_err *err)
{
    char staged[48];
    upload_spool_name(slot->item->job, slot->item->seq, staged);
    int rc = note_place(j, slot, place, err);
    return rc < 0 ? rc : upload_move(j->spool_fd, staged, j->uploads_fd, place, err);
}

static bool is_place_in_batch(const struct batch *b, const char *place)
{
    for (size_t i = 0; i < b->n; i++) {
        if (!strcmp(b->slots[i].item->place, place)) {
            return true;
        }
    }
    return false;
}

/* *why: why it cannot be placed, which is the file's own failure. It is not placed either when another file of the batch has its bytes
 * and its name: that one's fate decides. */
static int place(struct batch *b, struct slot *slot, struct eye_err *why, struct eye_err *err)
{
    struct eng_jobs *j = b->j;
    struct buf name, free_name;
    char staged[48];
    buf_init(&name, 1 << 16);
    buf_init(&free_name, 1 << 16);
    int rc = upload_name(slot->item->name, &name, why);
    if (rc == 0 && strlen(j->uploads_path) + name.len + 16 > 4096) {
        rc = eye_fail(why, EYE_EINVAL, "the name is too long for the folder of the library");
    }
    bool same = rc == 0 && is_same_file(j, name.data, slot);
    bool leave = same && is_place_in_batch(b, name.data);
    if (same && !leave) {
        upload_spool_name(slot->item->job, slot->item->seq, staged);
        rc = note_place(j, slot, name.data, err);
        unlinkat(j->spool_fd, staged, 0);
        slot->placed = rc == 0;
    }
    for (int i = 0; rc == 0 && !slot->placed && !leave; i++) {
        rc = upload_free_name(j->uploads_fd, name.data, &free_name, why);
        rc = rc < 0 ? rc : place_at(j, slot, free_name.data, why);
        slot->placed = rc == 0;
        rc = rc == EYE_EEXIST && i < PLACE_TRIES ? 0 : rc;
    }
    buf_release(&name);
    buf_release(&free_name);
    return rc;
}

/* ---- one file ---- */

static bool is_in_batch(const struct batch *b, const struct hash *hash)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->slots[i].hashed && hash_cmp(&b->slots[i].hash, hash) == 0) {
            return true;
        }
    }
    return false;
}

static int fail_staged(struct eng_jobs *j, struct store_item *item, int code, const char *reason,
                       struct eye_err *err)
{
    struct eye_err why = {.code = code};
    eye_fail(&why, code, "%s", reason);
    return settle_staged(j, item, EYE_ITEM_FAILED, 0, &why, err);
}

/* Bytes of a staged file: known, or placed and taken into the batch, or left for the next one (the same as
 * another's: its fate decides). */
static int take_file(struct batch *b, struct store_item *item, int fd, struct eye_err *err)
{
    struct eng_jobs *j = b->j;
    struct slot slot = {.item = item, .hashed = true};
    struct eye_err why = {0};
    int64_t picture = 0;
    bool copy = false;
    int rc = hash_fd(fd, j->lib->limits.max_bytes, &slot.hash, NULL, &why);
    if (rc < 0) {
        return fail_staged(j, item, rc, why.msg, err);
    }
    if (is_in_batch(b, &slot.hash)) {
        return 0;
    }
    rc = find_copy(j, &slot.hash, &picture, &copy, err);
    if (rc < 0 || copy) {
        return rc < 0 ? rc : settle_staged(j, item, EYE_ITEM_DUPLICATE, picture, NULL, err);
    }
    /* what is told to be indexed is there after a power cut too */
    if (fdatasync(fd) != 0 && errno != EINVAL) {
        rc = eye_fail_errno(&why, errno, "%s: cannot be written to disk", item->name);
        return fail_staged(j, item, rc, why.msg, err);
    }
    rc = place(b, &slot, &why, err);
    if (rc < 0 && why.code) {
        return fail_staged(j, item, why.code, why.msg, err);
    }
    if (rc == 0 && slot.placed) {
        b->slots[b->n++] = slot;
    }
    return rc;
}

static int take_placed(struct batch *b, struct store_item *item, struct eye_err *err)
{
    if (!item->place || !upload_is_there(b->j->uploads_fd, item->place, NULL)) {
        return fail_staged(b->j, item, EYE_ENOTFOUND, "the uploaded file is gone", err);
    }
    b->slots[b->n++] = (struct slot){.item = item, .placed = true};
    return 0;
}

/* 1: a zip, to be unpacked when what came before it is done. */
static int take_item(struct batch *b, struct store_item *item, bool first, struct eye_err *err)
{
    char staged[48], head[HEAD];
    upload_spool_name(item->job, item->seq, staged);
    int fd = openat(b->j->spool_fd, staged, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return take_placed(b, item, err);
    }
    if (fd < 0) {
        return eye_fail_errno(err, errno, "%s: cannot open the uploaded file", staged);
    }
    int rc;
    if (pread(fd, head, HEAD, 0) == HEAD && archive_is_zip((const uint8_t *)head, HEAD)) {
        rc = first ? upload_unzip(b->j, item, fd, err) : 0;
        rc = rc < 0 ? rc : 1;
    } else {
        rc = take_file(b, item, fd, err);
    }
    close(fd);
    return rc;
}

/* ---- indexing ---- */

static struct slot *slot_at(struct batch *b, const char *path, size_t from)
{
    const char *rel = eng_path_below(path, b->j->uploads_path);
    for (size_t i = from; rel && i < b->n; i++) {
        if (b->slots[i].fate == SLOT_WAITS && !strcmp(b->slots[i].item->place, rel)) {
            return &b->slots[i];
        }
    }
    return NULL;
}

static int on_event(void *ctx, const eye_index_event *e)
{
    struct batch *b = ctx;
    for (struct slot *slot; (slot = slot_at(b, e->path, 0)) && e->outcome != EYE_FILE_REMOVED;) {
        bool failed = e->outcome == EYE_FILE_FAILED;
        slot->fate = failed ? SLOT_BAD : SLOT_GOOD;
        slot->how = e->outcome == EYE_FILE_LINKED ? SLOT_LINKED : SLOT_NEW;
        if (failed) {
            eye_fail(&slot->why, e->code, "%s", e->reason);
        }
    }
    return jobs_stopped(b->j);
}

static int on_progress(void *ctx, const eye_index_progress *p)
{
    struct batch *b = ctx;
    bool any = false;
    for (size_t i = 0; !p->waiting && i < b->n;
         i++) { /* else the store would be waited for here, too */
        any = any || b->slots[i].fate == SLOT_GOOD || b->slots[i].fate == SLOT_BAD;
    }
    if (any && b->rc == 0) {
        b->rc = settle_all(b, &b->err);
        jobs_measure(b->j, b->job);
        jobs_changed(b->j, b->job);
    }
    jobs_tell(b->j, 0);
    return b->rc < 0 || jobs_stopped(b->j);
}

/* What indexing said nothing of: it was in the library before (a kill came between), or it is gone. */
static void judge_rest(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct slot *slot = &b->slots[i];
        int64_t picture;
        if (slot->fate != SLOT_WAITS) {
            continue;
        }
        if (store_picture_at(b->j->store, b->j->root, slot->item->place, &picture, NULL) == 0) {
            slot->fate = SLOT_GOOD;
        } else {
            slot->fate = SLOT_BAD;
            eye_fail(&slot->why, EYE_ENOTFOUND, "the file went away before it was indexed");
        }
    }
}

static int index_batch(struct batch *b, struct eye_err *err)
{
    struct eng_jobs *j = b->j;
    const char **rels = mem_calloc(b->n, sizeof *rels, err);
    eye_index_options o = {.event = on_event,
                           .progress = on_progress,
                           .ctx = b,
                           .retry_failed = true,
                           .all_files = true};
    if (!rels) {
        return EYE_ENOMEM;
    }
    for (size_t i = 0; i < b->n; i++) {
        rels[i] = b->slots[i].item->place;
    }
    if (!j->decoder) {
        j->decoder = decoder_open(eng_lanes(j->lib), &j->lib->limits, NULL);
    }
    struct eng_wanted wanted = {.root = j->root,
                                .root_path = j->uploads_path,
                                .rels = rels,
                                .nrels = b->n,
                                .decoder = j->decoder};
    int rc = eng_index(j->lib, &wanted, &o, NULL, err);
    j->last_decoding = eng_now();
    free(rels);
    if (b->rc < 0) {
        return eye_fail(err, b->rc, "%s", b->err.msg);
    }
    if (rc == 0) {
        judge_rest(b);
    }
    int settled = settle_all(b, rc == 0 ? err : NULL);
    return rc < 0 ? rc : settled;
}

/* ---- a batch ---- */

static int run_items(struct batch *b, struct store_item *items, size_t n, struct eye_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = jobs_stopped(b->j) ? EYE_ECANCELLED : take_item(b, &items[i], b->n == 0, err);
        jobs_tell(b->j, 0);
    }
    if (rc < 0) {
        return rc;
    }
    rc = b->n ? index_batch(b, err) : 0;
    jobs_measure(b->j, b->job);
    return rc < 0 ? rc : 1;
}

int upload_run(struct eng_jobs *j, int64_t job, struct eye_err *err)
{
    struct store_item *items = NULL;
    struct batch b = {.j = j, .job = job};
    size_t n = 0;
    int rc = store_root_uploads(j->store, j->uploads_path, &j->root, err);
    rc = rc < 0 ? rc : store_items(j->store, job, 0, JOBS_BATCH, EYE_ITEM_WAITING, &items, &n, err);
    if (rc < 0 || n == 0) {
        return rc;
    }
    b.slots = mem_calloc(n, sizeof *b.slots, err);
    rc = b.slots ? run_items(&b, items, n, err) : EYE_ENOMEM;
    free(b.slots);
    store_items_free(items, n);
    return rc;
}
