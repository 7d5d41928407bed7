/* milvus_build.c - indexes made, loaded and waited for at a server.
 *
 * All of it is asynchronous there: a call begins it, and another tells how far it is. Several processes may end their index runs at the same time
 * and want the same change, so nothing here assumes that what it did stays: it looks, does the next thing that is missing, and looks again. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "store/milvus_index.h"

enum { NOT_LOADED = 1, LOADED = 3, BUILT = 3, FAILED = 4, POLL_MS = 200 };

static char *borrowed(const char *s)
{
    return (char *)(uintptr_t)s;
}

static const char *vector_field(enum milvus_which which)
{
    return which == MILVUS_PICTURES ? "vector" : "stub";
}

/* ---- how it is ---- */

/* Parameters come as a JSON text "params", or each by itself, or both. */
static void read_params(const Mv__IndexDescription *d, struct milvus_index *out)
{
    const char *json = NULL;
    struct buf b;
    struct json_writer w;
    buf_init(&b, sizeof out->params - 1);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < d->n_params; i++) {
        const char *key = d->params[i]->key, *value = d->params[i]->value;
        if (strcmp(key, "index_type") == 0) {
            snprintf(out->type, sizeof out->type, "%s", value);
        } else if (value[0] == '{') {
            json = value;
        } else if (strcmp(key, "metric_type") != 0) {
            jw_key(&w, key);
            jw_str(&w, value);
        }
    }
    jw_object_end(&w);
    if (w.code || b.len > 2 || !json)
        json = w.code ? "{}" : b.data;
    snprintf(out->params, sizeof out->params, "%s",
             strlen(json) < sizeof out->params ? json : "{}");
    buf_release(&b);
}

static void read_state(const Mv__IndexDescription *d, struct milvus_index_state *out)
{
    read_params(d, &out->index);
    out->rows = d->total_rows > 0 ? (uint64_t)d->total_rows : 0;
    out->indexed = d->indexed_rows > 0 ? (uint64_t)d->indexed_rows : 0;
    out->pending = d->pending_index_rows > 0 ? (uint64_t)d->pending_index_rows : 0;
    out->built = d->state == BUILT && out->pending == 0;
    out->failed = d->state == FAILED;
    snprintf(out->reason, sizeof out->reason, "%s", d->index_state_fail_reason);
}

int milvus_index_look(struct milvus *m, enum milvus_which which, struct milvus_index_state *out,
                      struct eye_err *err)
{
    Mv__DescribeIndexRequest r = MV__DESCRIBE_INDEX_REQUEST__INIT;
    ProtobufCMessage *got = NULL;
    struct eye_err why = {0};
    *out = (struct milvus_index_state){.index = {"", "{}", "{}"}};
    r.collection_name = borrowed(milvus_collection(m, which));
    r.field_name = borrowed(vector_field(which));
    int rc = milvus_call(m, "DescribeIndex", &r.base, &mv__describe_index_response__descriptor,
                         &got, &why);
    if (rc == EYE_EBUSY || rc == EYE_ENOTFOUND) /* "index not found": there is none */
        return 0;
    if (rc)
        return eye_fail(err, rc, "%s", why.msg);
    const Mv__DescribeIndexResponse *reply = (Mv__DescribeIndexResponse *)got;
    for (size_t i = 0; i < reply->n_index_descriptions; i++)
        if (strcmp(reply->index_descriptions[i]->field_name, vector_field(which)) == 0)
            read_state(reply->index_descriptions[i], out);
    protobuf_c_message_free_unpacked(got, NULL);
    return 0;
}

/* ---- made and dropped ---- */

static int create(struct milvus *m, enum milvus_which which, const struct milvus_index *ix,
                  struct eye_err *err)
{
    Mv__CreateIndexRequest r = MV__CREATE_INDEX_REQUEST__INIT;
    const char *const keys[] = {"index_type", "metric_type", "params"};
    const char *const values[] = {ix->type, which == MILVUS_PICTURES ? "IP" : "L2", ix->params};
    Mv__KeyValuePair pairs[3], *list[3];
    for (size_t i = 0; i < 3; i++) {
        mv__key_value_pair__init(&pairs[i]);
        pairs[i].key = borrowed(keys[i]);
        pairs[i].value = borrowed(values[i]);
        list[i] = &pairs[i];
    }
    r.collection_name = borrowed(milvus_collection(m, which));
    r.field_name = r.index_name = borrowed(vector_field(which));
    r.extra_params = list;
    r.n_extra_params = 3;
    return milvus_call(m, "CreateIndex", &r.base, &mv__status__descriptor, NULL, err);
}

int milvus_index_make(struct milvus *m, enum milvus_which which, const struct milvus_index *ix,
                      struct eye_err *err)
{
    struct milvus_index_state state;
    struct eye_err why = {0};
    int rc = create(m, which, ix, &why);
    if (!rc)
        return 0;
    /* somebody else may have been quicker */
    if (milvus_index_look(m, which, &state, NULL) == 0 && state.index.type[0])
        return 0;
    return eye_fail(err, rc,
                    "the server makes no %s index with %s (settings milvus_index and "
                    "milvus_index_params): %s",
                    ix->type, ix->params, why.msg);
}

static int release(struct milvus *m, enum milvus_which which, struct eye_err *err)
{
    Mv__CollectionRequest r = MV__COLLECTION_REQUEST__INIT;
    r.collection_name = borrowed(milvus_collection(m, which));
    return milvus_call(m, "ReleaseCollection", &r.base, &mv__status__descriptor, NULL, err);
}

static int drop(struct milvus *m, enum milvus_which which, struct eye_err *err)
{
    Mv__DescribeIndexRequest r = MV__DESCRIBE_INDEX_REQUEST__INIT;
    r.collection_name = borrowed(milvus_collection(m, which));
    r.field_name = r.index_name = borrowed(vector_field(which));
    return milvus_call(m, "DropIndex", &r.base, &mv__status__descriptor, NULL, err);
}

/* ---- loaded ---- */

static int load_state(struct milvus *m, enum milvus_which which, int *state, struct eye_err *err)
{
    Mv__GetLoadStateRequest r = MV__GET_LOAD_STATE_REQUEST__INIT;
    ProtobufCMessage *got = NULL;
    r.collection_name = borrowed(milvus_collection(m, which));
    int rc = milvus_call(m, "GetLoadState", &r.base, &mv__get_load_state_response__descriptor, &got,
                         err);
    if (rc)
        return rc;
    *state = ((Mv__GetLoadStateResponse *)got)->state;
    protobuf_c_message_free_unpacked(got, NULL);
    return 0;
}

static double load_share(struct milvus *m, enum milvus_which which)
{
    Mv__GetLoadingProgressRequest r = MV__GET_LOADING_PROGRESS_REQUEST__INIT;
    ProtobufCMessage *got = NULL;
    r.collection_name = borrowed(milvus_collection(m, which));
    if (milvus_call(m, "GetLoadingProgress", &r.base,
                    &mv__get_loading_progress_response__descriptor, &got, NULL))
        return -1;
    double share = (double)((Mv__GetLoadingProgressResponse *)got)->progress / 100;
    protobuf_c_message_free_unpacked(got, NULL);
    return share;
}

int milvus_load(struct milvus *m, enum milvus_which which, struct eye_err *err)
{
    Mv__LoadCollectionRequest r = MV__LOAD_COLLECTION_REQUEST__INIT;
    char what[256];
    int64_t since = milvus_now_ms();
    int state = 0, rc = load_state(m, which, &state, err);
    if (rc || state == LOADED)
        return rc;
    r.collection_name = borrowed(milvus_collection(m, which));
    r.replica_number = 1;
    snprintf(what, sizeof what, "%s: the server loads the collection %s", milvus_name(m),
             milvus_collection(m, which));
    /* A load that fails later on is told by nothing but its end; and somebody else may have released the collection. */
    for (state = NOT_LOADED; !rc && state != LOADED;) {
        if (state == NOT_LOADED)
            rc = milvus_call(m, "LoadCollection", &r.base, &mv__status__descriptor, NULL, err);
        rc = rc ? rc : load_state(m, which, &state, err);
        if (!rc && state != LOADED)
            rc = milvus_wait(m, since, POLL_MS, what, load_share(m, which), err);
    }
    return rc;
}

/* ---- flushed ---- */

static int is_flushed(struct milvus *m, enum milvus_which which, const Mv__FlushResponse *f,
                      bool *done, struct eye_err *err)
{
    Mv__GetFlushStateRequest r = MV__GET_FLUSH_STATE_REQUEST__INIT;
    ProtobufCMessage *got = NULL;
    r.collection_name = borrowed(milvus_collection(m, which));
    if (f->n_coll_segids && f->coll_segids[0]->value) {
        r.segmentids = f->coll_segids[0]->value->data;
        r.n_segmentids = f->coll_segids[0]->value->n_data;
    }
    r.flush_ts = f->n_coll_flush_ts ? f->coll_flush_ts[0]->value : 0;
    int rc = milvus_call(m, "GetFlushState", &r.base, &mv__get_flush_state_response__descriptor,
                         &got, err);
    if (rc)
        return rc;
    *done = ((Mv__GetFlushStateResponse *)got)->flushed;
    protobuf_c_message_free_unpacked(got, NULL);
    return 0;
}

int milvus_flush(struct milvus *m, enum milvus_which which, struct eye_err *err)
{
    Mv__FlushRequest r = MV__FLUSH_REQUEST__INIT;
    ProtobufCMessage *got = NULL;
    char what[256], *name = borrowed(milvus_collection(m, which));
    bool done = false;
    int64_t since = milvus_now_ms();
    r.collection_names = &name;
    r.n_collection_names = 1;
    snprintf(what, sizeof what, "%s: the server writes the collection %s to its storage",
             milvus_name(m), name);
    int rc = milvus_call(m, "Flush", &r.base, &mv__flush_response__descriptor, &got, err);
    while (!rc && !(rc = is_flushed(m, which, (Mv__FlushResponse *)got, &done, err)) && !done)
        rc = milvus_wait(m, since, POLL_MS, what, -1, err);
    if (got)
        protobuf_c_message_free_unpacked(got, NULL);
    return rc;
}

/* ---- another one instead ---- */

/* Two processes that saw the same are not to act in the same moment. */
static int pause_a_little(struct milvus *m, struct eye_err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return milvus_wait(m, milvus_now_ms(), 20 + (int)(now.tv_nsec / 1000 % 400),
                       "the index is made anew", 0, err);
}

/* `there` is what the server made before, so it makes it again when it refuses the wanted one: others search meanwhile. */
static int swap(struct milvus *m, const struct milvus_index *there,
                const struct milvus_index *wanted, struct eye_err *err)
{
    struct eye_err why = {0};
    int rc = release(m, MILVUS_PICTURES, err);
    if (rc)
        return rc;
    rc = drop(m, MILVUS_PICTURES, &why);
    if (rc && rc != EYE_ENOTFOUND && rc != EYE_EREMOTE && rc != EYE_EBUSY)
        return eye_fail(err, rc, "%s", why.msg);
    /* refused: it is gone, or somebody loaded it again; the next look will tell */
    rc = milvus_index_make(m, MILVUS_PICTURES, wanted, err);
    if (rc && there->type[0] && milvus_index_make(m, MILVUS_PICTURES, there, NULL) == 0)
        milvus_load(m, MILVUS_PICTURES, NULL);
    return rc;
}

static int wait_built(struct milvus *m, const char *type, bool *there, struct eye_err *err)
{
    struct milvus_index_state state;
    char what[320];
    int64_t since = milvus_now_ms();
    for (;;) {
        int rc = milvus_index_look(m, MILVUS_PICTURES, &state, err);
        *there = !rc && strcmp(state.index.type, type) == 0;
        if (rc || !*there)
            return rc;
        if (state.failed)
            return eye_fail(err, EYE_EREMOTE, "%s could not make the %s index: %s", milvus_name(m),
                            type, state.reason);
        if (state.built)
            return 0;
        snprintf(what, sizeof what, "%s: the server makes the %s index, %llu of %llu vectors",
                 milvus_name(m), type, (unsigned long long)state.indexed,
                 (unsigned long long)state.rows);
        rc = milvus_wait(m, since, POLL_MS, what,
                         state.rows ? (double)state.indexed / (double)state.rows : -1, err);
        if (rc)
            return rc;
    }
}

int milvus_index_replace(struct milvus *m, const struct milvus_index *wanted, bool chosen,
                         struct eye_err *err)
{
    struct milvus_index_state state;
    uint64_t rows = 0;
    bool there = false;
    int rc = milvus_index_look(m, MILVUS_PICTURES, &state, err);
    rc = rc || !state.index.type[0] ? rc : milvus_load(m, MILVUS_PICTURES, err);
    rc = rc || !state.index.type[0] ? rc : milvus_count(m, MILVUS_PICTURES, "", false, &rows, err);
    for (int tries = 0; tries < 5 && !rc && !there; tries++) {
        rc = milvus_index_look(m, MILVUS_PICTURES, &state, err);
        bool differs = !rc && milvus_index_differs(&state.index, wanted, chosen, rows);
        if (differs) {
            rc = pause_a_little(m, err);
            rc = rc ? rc : milvus_index_look(m, MILVUS_PICTURES, &state, err);
            differs = !rc && milvus_index_differs(&state.index, wanted, chosen, rows);
        }
        if (differs)
            rc = swap(m, &state.index, wanted, err);
        /* loaded first: it is searched without an index until there is one */
        rc = rc ? rc : milvus_load(m, MILVUS_PICTURES, err);
        rc = rc ? rc : wait_built(m, differs ? wanted->type : state.index.type, &there, err);
    }
    return rc ? rc : milvus_load(m, MILVUS_PICTURES, err);
}
