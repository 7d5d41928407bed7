/* milvus_load.c - an index for each vector field, and loading.
 *
 * A new collection gets FLAT, which needs no building and is exact; what a large one gets is decided later, by size (milvus_index.c). Indexes of
 * numbers make the questions quick that are asked of many millions of paths (which files show this picture, what lies in this root); a
 * server that has none for them answers all the same, so a refusal is no failure. */
#include "store/milvus_load.h"

#include <string.h>

enum { LOADED = 3, POLL_MS = 100 };

static const char *vector_of(enum milvus_which which)
{
    return which == MILVUS_PICTURES ? "vector" : "stub";
}

static Mv__KeyValuePair pair_of(const char *key, const char *value)
{
    Mv__KeyValuePair pair = MV__KEY_VALUE_PAIR__INIT;
    pair.key = (char *)(uintptr_t)key;
    pair.value = (char *)(uintptr_t)value;
    return pair;
}

int milvus_index_add(struct milvus *m, enum milvus_which which, const char *field, const char *type,
                     const char *metric, const char *params, struct eye_err *err)
{
    Mv__CreateIndexRequest q = MV__CREATE_INDEX_REQUEST__INIT;
    Mv__KeyValuePair pairs[3], *list[3] = {&pairs[0], &pairs[1], &pairs[2]};
    pairs[q.n_extra_params++] = pair_of("index_type", type);
    if (metric)
        pairs[q.n_extra_params++] = pair_of("metric_type", metric);
    if (params)
        pairs[q.n_extra_params++] = pair_of("params", params);
    q.extra_params = list;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    q.field_name = q.index_name = (char *)(uintptr_t)field;
    return milvus_call(m, "CreateIndex", &q.base, &mv__status__descriptor, NULL, err);
}

int milvus_index_there(struct milvus *m, enum milvus_which which, bool *there, struct eye_err *err)
{
    Mv__DescribeIndexRequest q = MV__DESCRIBE_INDEX_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    *there = false;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    int rc = milvus_call(m, "DescribeIndex", &q.base, &mv__describe_index_response__descriptor,
                         &reply, err);
    if (rc == EYE_ENOTFOUND) /* or the collection is not there, which the next call will say */
        return 0;
    if (rc)
        return rc;
    const Mv__DescribeIndexResponse *r = (const Mv__DescribeIndexResponse *)reply;
    for (size_t i = 0; i < r->n_index_descriptions; i++)
        *there = *there || strcmp(r->index_descriptions[i]->field_name, vector_of(which)) == 0;
    protobuf_c_message_free_unpacked(reply, NULL);
    return 0;
}

static int load_state(struct milvus *m, enum milvus_which which, int *state, struct eye_err *err)
{
    Mv__GetLoadStateRequest q = MV__GET_LOAD_STATE_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    int rc = milvus_call(m, "GetLoadState", &q.base, &mv__get_load_state_response__descriptor,
                         &reply, err);
    *state = rc ? 0 : ((const Mv__GetLoadStateResponse *)reply)->state;
    if (!rc)
        protobuf_c_message_free_unpacked(reply, NULL);
    return rc;
}

int milvus_load(struct milvus *m, enum milvus_which which, struct eye_err *err)
{
    Mv__LoadCollectionRequest q = MV__LOAD_COLLECTION_REQUEST__INIT;
    int state = 0, rc = load_state(m, which, &state, err);
    if (rc || state == LOADED)
        return rc;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, which);
    q.replica_number = 1;
    rc = milvus_call(m, "LoadCollection", &q.base, &mv__status__descriptor, NULL, err);
    for (state = 0; !rc && state != LOADED;) {
        rc = load_state(m, which, &state, err);
        if (!rc && state != LOADED)
            rc = milvus_wait(m, POLL_MS, "the server is loading the collection", -1, err);
    }
    return rc;
}
