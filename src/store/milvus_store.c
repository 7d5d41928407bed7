/* milvus_store.c - a store on a Milvus server: the server, handles, transactions, the table of functions.
 *
 * A transaction is gathered in the handle (milvus_view.h) and sent when it is committed: the server has none. The node part joins it: its
 * SQLite transaction begins with the first change there and is committed after the server has all, so that a job never says "done" of what is not.
 *
 * Nobody is talked to before something is asked. A collection is looked at once a process (is it there, is it ours, is it loaded), under the
 * remote's lock; after that a flag says so. */
#include "store/milvus_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/milvus_fetch.h"
#include "store/milvus_ops.h"
#include "store/milvus_schema.h"
#include "store/sqlite.h"

/* ---- the server ---- */

static int take_options(struct store_remote *r, const struct store_remote_options *o,
                        struct eye_err *err)
{
    static const struct store_remote_options none = {.timeout_ms = 0};
    o = o ? o : &none;
    static const int consistency[] = {[STORE_SESSION] = MILVUS_OWN,
                                      [STORE_STRONG] = MILVUS_STRONG,
                                      [STORE_BOUNDED] = MILVUS_BOUNDED,
                                      [STORE_EVENTUALLY] = MILVUS_EVENTUALLY};
    if ((unsigned)o->consistency >= sizeof consistency / sizeof *consistency)
        return eye_fail(err, EYE_EINVAL, "there is no consistency %d", (int)o->consistency);
    r->options = (struct milvus_options){.timeout_ms = o->timeout_ms,
                                         .patience_ms = o->patience_ms,
                                         .consistency = consistency[o->consistency],
                                         .log = o->log,
                                         .log_ctx = o->log_ctx,
                                         .wait = o->wait,
                                         .wait_ctx = o->wait_ctx};
    r->index_type = mem_strdup(o->index_type ? o->index_type : "", err);
    r->index_params = mem_strdup(o->index_params ? o->index_params : "", err);
    r->search_params = mem_strdup(o->search_params ? o->search_params : "", err);
    return r->index_type && r->index_params && r->search_params ? 0 : EYE_ENOMEM;
}

struct store_remote *store_remote_open(const char *url, const struct store_remote_options *o,
                                       struct eye_err *err)
{
    struct store_remote *r = mem_calloc(1, sizeof *r, err);
    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    if (take_options(r, o, err) || !(r->m = milvus_open(url, &r->options, err))) {
        store_remote_close(r);
        return NULL;
    }
    return r;
}

void store_remote_close(struct store_remote *r)
{
    if (!r)
        return;
    milvus_close(r->m);
    pthread_mutex_destroy(&r->lock);
    free(r->index_type);
    free(r->index_params);
    free(r->search_params);
    free(r);
}

const char *store_remote_name(const struct store_remote *r)
{
    return milvus_name(r->m);
}

/* ---- a handle ---- */

struct store *store_open_remote(const char *dir, struct store_remote *r, bool create,
                                bool read_only, struct eye_err *err)
{
    struct store *s = sqlite_open_node(dir, err);
    struct milvus_part *p = s ? mem_calloc(1, sizeof *p, err) : NULL;
    if (!p) {
        if (s)
            sqlite_close(s);
        return NULL;
    }
    *p = (struct milvus_part){
        .s = s, .r = r, .create = create && !read_only, .read_only = read_only};
    s->ops = &milvus_ops;
    s->part = p;
    s->read_only = read_only;
    p->m = milvus_with(r->m, &r->options, err);
    p->view = view_new(err);
    if (!p->m || !p->view) {
        store_close(s);
        return NULL;
    }
    return s;
}

static void close_part(struct store *s)
{
    struct milvus_part *p = milvus_part_of(s);
    milvus_close(p->m);
    milvus_close(p->relaxed_m);
    view_free(p->view);
    milvus_roots_forget(p);
    milvus_ahead_forget(p);
    free(p);
    s->part = NULL;
}

bool store_is_remote(const struct store *s)
{
    return s->part != NULL;
}

int store_patience(struct store *s, int ms, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    if (!p)
        return 0;
    struct milvus_options o = p->r->options;
    o.patience_ms = ms < 0 ? o.patience_ms : ms;
    struct milvus *m = milvus_with(p->r->m, &o, err);
    if (!m)
        return EYE_ENOMEM;
    milvus_close(p->m);
    milvus_close(p->relaxed_m);
    p->m = m;
    p->relaxed_m = NULL;
    return 0;
}

void store_relax(struct store *s, bool relaxed)
{
    struct milvus_part *p = milvus_part_of(s);
    if (p)
        p->relaxed = relaxed;
}

/* Without memory for a relaxed one the strict one will do. */
struct milvus *milvus_of(struct milvus_part *p)
{
    if (!p->relaxed)
        return p->m;
    if (!p->relaxed_m) {
        struct milvus_options o = *milvus_options(p->m);
        o.consistency = MILVUS_EVENTUALLY;
        p->relaxed_m = milvus_with(p->r->m, &o, NULL);
    }
    return p->relaxed_m ? p->relaxed_m : p->m;
}

/* ---- collections ---- */

int milvus_dim(const struct milvus_part *p)
{
    return atomic_load(&p->r->ready[MILVUS_PICTURES]) ? p->r->model.dim : 0;
}

/* Under the remote's lock. */
static int get_ready(struct milvus_part *p, enum milvus_which which, struct eye_err *err)
{
    struct milvus_model model;
    int rc = milvus_schema_check(p->m, which, &model, err);
    rc = rc ? rc : milvus_schema_load(p->m, which, p->read_only, err);
    if (rc)
        return rc;
    if (which == MILVUS_PICTURES && !p->r->model.dim)
        p->r->model = model;
    else if (which == MILVUS_PICTURES &&
             (p->r->model.dim != model.dim ||
              hash_cmp(&p->r->model.fingerprint, &model.fingerprint) != 0))
        return eye_fail(err, EYE_EINVAL, "%s is of another model than a moment ago: start again",
                        milvus_name(p->m)); /* others here read the model without the lock */
    atomic_store(&p->r->ready[which], true);
    return 0;
}

int milvus_need(struct milvus_part *p, enum milvus_which which, bool *there, struct eye_err *err)
{
    struct store_remote *r = p->r;
    *there = true;
    if (atomic_load(&r->ready[which]))
        return 0;
    pthread_mutex_lock(&r->lock);
    int rc = atomic_load(&r->ready[which]) ? 0 : milvus_has(p->m, which, there, err);
    if (!rc && *there && !atomic_load(&r->ready[which]))
        rc = get_ready(p, which, err);
    pthread_mutex_unlock(&r->lock);
    if (!rc && !*there && !p->create)
        rc =
            eye_fail(err, EYE_ENOTFOUND,
                     "%s: there is no collection '%s'; 'eyeshine --store %s index FOLDER' makes it",
                     milvus_name(p->m), milvus_collection(p->m, which), milvus_name(p->m));
    return rc;
}

void milvus_doubt(struct milvus_part *p, enum milvus_which which, int rc)
{
    if (rc == EYE_ENOTFOUND || rc == EYE_EBUSY)
        atomic_store(&p->r->ready[which], false);
}

int milvus_make(struct milvus_part *p, enum milvus_which which, const struct milvus_model *model,
                struct eye_err *err)
{
    struct store_remote *r = p->r;
    if (atomic_load(&r->ready[which]))
        return 0;
    pthread_mutex_lock(&r->lock);
    int rc = 0;
    bool there = false;
    if (!atomic_load(&r->ready[which])) {
        rc = milvus_has(p->m, which, &there,
                        err); /* milvus-lite takes a second making for trouble */
        rc = rc || there ? rc : milvus_schema_make(p->m, which, model, err);
        rc = rc ? rc : get_ready(p, which, err);
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static int other_model(struct milvus_part *p, const char *name, const struct hash *fingerprint,
                       struct eye_err *err)
{
    char have[HASH_HEX_LEN + 1], want[HASH_HEX_LEN + 1];
    hash_to_hex(&p->r->model.fingerprint, have);
    hash_to_hex(fingerprint, want);
    return eye_fail(
        err, EYE_EINVAL,
        "%s holds vectors of model %s (%d dimensions, weights %.12s), not of %s (%.12s): use "
        "that model, or another collection",
        milvus_name(p->m), p->r->model.name, p->r->model.dim, have, name, want);
}

int milvus_model(struct store *s, const struct hash *fingerprint, const char *name, int dim,
                 bool create, int64_t *model, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    struct milvus_model want = {.fingerprint = *fingerprint, .dim = dim};
    size_t len = strlen(name);
    bool there;
    memcpy(want.name, name, len < sizeof want.name ? len : sizeof want.name - 1);
    int rc = milvus_need(p, MILVUS_PICTURES, &there, err);
    if (rc)
        return rc;
    if (!there && !create)
        return eye_fail(err, EYE_ENOTFOUND, "%s knows no model %s", milvus_name(p->m), name);
    if (create && p->create)
        rc = milvus_make(p, MILVUS_FILES, NULL, err);
    if (!rc && !there)
        rc = milvus_make(p, MILVUS_PICTURES, &want, err);
    if (rc)
        return rc;
    if (hash_cmp(&p->r->model.fingerprint, fingerprint) != 0)
        return create
                   ? other_model(p, name, fingerprint, err)
                   : eye_fail(err, EYE_ENOTFOUND, "%s knows no model %s", milvus_name(p->m), name);
    if (p->r->model.dim != dim)
        return eye_fail(err, EYE_EINVAL, "model %s has %d dimensions in %s, not %d", name,
                        p->r->model.dim, milvus_name(p->m), dim);
    *model = 1;
    return 0;
}

int store_remote_model(struct store *s, struct hash *fingerprint, char *name, size_t size, int *dim,
                       struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    bool there = false;
    int rc = p ? milvus_need(p, MILVUS_PICTURES, &there, err) : 0;
    if (rc)
        return rc;
    if (!there)
        return eye_fail(err, EYE_ENOTFOUND, "%s holds no model yet",
                        p ? milvus_name(p->m) : s->path);
    size_t len = strlen(p->r->model.name);
    len = len < size ? len : size - 1;
    memcpy(name, p->r->model.name, len);
    name[len] = '\0';
    *fingerprint = p->r->model.fingerprint;
    *dim = p->r->model.dim;
    return 0;
}

/* ---- transactions ---- */

int milvus_begin(struct store *s, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    if (p->read_only)
        return eye_fail(err, EYE_EINVAL, "%s is open for reading only", milvus_name(p->m));
    if (p->in_txn)
        return eye_fail(err, EYE_EINTERNAL, "%s: a transaction is open already", milvus_name(p->m));
    milvus_fresh(p);
    p->in_txn = s->joins = true;
    p->broken = 0;
    return 0;
}

static void end(struct milvus_part *p)
{
    p->in_txn = p->s->joins = false;
    p->broken = 0;
    view_clear(p->view);
    milvus_roots_forget(p);
}

void milvus_rollback(struct store *s)
{
    struct milvus_part *p = milvus_part_of(s);
    if (p && p->in_txn)
        end(p);
    sqlite_rollback(s);
}

int milvus_commit(struct store *s, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    if (!p->in_txn)
        return eye_fail(err, EYE_EINTERNAL, "%s: no transaction is open", milvus_name(p->m));
    int broken = p->broken ? p->broken : s->broken;
    int rc =
        broken ? eye_fail(err, broken, "%s: a change failed, so all of its transaction was undone",
                          milvus_name(p->m))
               : milvus_send(p, err);
    if (!rc && s->in_txn)
        rc = sqlite_commit(s, err);
    if (rc)
        milvus_rollback(s);
    else
        end(p);
    return rc;
}

int milvus_write_begin(struct milvus_part *p, bool *own, struct eye_err *err)
{
    *own = !p->in_txn;
    if (*own) {
        view_clear(p->view);
        return milvus_begin(p->s, err);
    }
    if (p->broken)
        return eye_fail(err, p->broken, "%s: an earlier change of this transaction failed",
                        milvus_name(p->m));
    return 0;
}

int milvus_write_end(struct milvus_part *p, bool own, int rc, struct eye_err *err)
{
    if (!own) {
        if (rc && rc != EYE_EINVAL && rc != EYE_ENOTFOUND && !p->broken)
            p->broken = rc;
        return rc;
    }
    if (!rc)
        return milvus_commit(p->s, err);
    milvus_rollback(p->s);
    return rc;
}

/* ---- the table ---- */

const struct store_ops milvus_ops = {
    .begin = milvus_begin,
    .commit = milvus_commit,
    .rollback = milvus_rollback,
    .model = milvus_model,
    .roots = milvus_roots,
    .roots_brief = milvus_roots_brief,
    .root_add = milvus_root_add,
    .root_add_files = milvus_root_add_files,
    .root_uploads = milvus_root_uploads,
    .root_state = milvus_root_state,
    .root_remove = milvus_root_remove,
    .mounts = milvus_mounts,
    .mount_set = milvus_mount_set,
    .each_file = milvus_each_file,
    .picture_by_hash = milvus_picture_by_hash,
    .picture_get = milvus_picture_get,
    .picture_paths = milvus_picture_paths,
    .picture_at = milvus_picture_at,
    .put = milvus_put,
    .file_set = milvus_file_set,
    .file_touch = milvus_file_touch,
    .file_remove = milvus_file_remove,
    .failure_set = milvus_failure_set,
    .unembedded = milvus_unembedded,
    .has_vector = milvus_has_vector,
    .vector_put = milvus_vector_put,
    .look_set = milvus_look_set,
    .unseen = milvus_unseen,
    .unseen_count = milvus_unseen_count,
    .mosaic = milvus_mosaic,
    .looks = milvus_looks,
    .copied = milvus_copied,
    .file_of = milvus_file_of,
    .where = milvus_where,
    .generation = milvus_generation,
    .count = milvus_pictures,
    .newest = milvus_newest,
    .places = milvus_places,
    .load_vectors = milvus_load_vectors,
    .vector_rows = milvus_vector_rows,
    .vectors_after = milvus_vectors_after,
    .vector_ids = milvus_vector_ids,
    .stats = milvus_stats,
    .pictures_after = milvus_pictures_after,
    .record_get = milvus_record_get,
    .file_known = milvus_file_known,
    .verify = milvus_verify,
    .search = milvus_search,
    .where_count = milvus_where_count,
    .newest_where = milvus_newest_where,
    .gather = milvus_gather,
    .gather_hashes = milvus_gather_hashes,
    .gather_files = milvus_gather_files,
    .forget = milvus_forget,
    .settle = milvus_settle,
    .close = close_part,
};
