/* milvus_look.c - one quick look at the server, for status, doctor and readiness: each question once, and none waits for long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/milvus_store.h"
#include "store/sqlite.h"

enum { TRY_MS = 600 };

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%.*s", (int)(size - 1), text);
}

static int look_version(struct milvus *m, struct store_remote_state *out, struct eye_err *err)
{
    Mv__EmptyRequest q = MV__EMPTY_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    int rc =
        milvus_call(m, "GetVersion", &q.base, &mv__get_version_response__descriptor, &reply, err);
    if (rc)
        return rc;
    copy(out->version, sizeof out->version, ((const Mv__GetVersionResponse *)reply)->version);
    protobuf_c_message_free_unpacked(reply, NULL);
    return 0;
}

static void look_load(struct milvus *m, struct store_remote_state *out)
{
    static const char *const names[] = {"missing", "not loaded", "loading", "loaded"};
    Mv__GetLoadStateRequest q = MV__GET_LOAD_STATE_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, MILVUS_PICTURES);
    if (milvus_call(m, "GetLoadState", &q.base, &mv__get_load_state_response__descriptor, &reply,
                    NULL))
        return;
    int state = ((const Mv__GetLoadStateResponse *)reply)->state;
    copy(out->load, sizeof out->load, state >= 0 && state < 4 ? names[state] : "unknown");
    out->loaded = state == 3;
    protobuf_c_message_free_unpacked(reply, NULL);
}

static void look_index(struct milvus *m, struct store_remote_state *out)
{
    Mv__DescribeIndexRequest q = MV__DESCRIBE_INDEX_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    q.collection_name = (char *)(uintptr_t)milvus_collection(m, MILVUS_PICTURES);
    if (milvus_call(m, "DescribeIndex", &q.base, &mv__describe_index_response__descriptor, &reply,
                    NULL))
        return;
    const Mv__DescribeIndexResponse *r = (const Mv__DescribeIndexResponse *)reply;
    for (size_t i = 0; i < r->n_index_descriptions; i++) {
        const Mv__IndexDescription *x = r->index_descriptions[i];
        if (strcmp(x->field_name, "vector") != 0)
            continue;
        out->indexed = x->indexed_rows > 0 ? (uint64_t)x->indexed_rows : 0;
        out->pending = x->pending_index_rows > 0 ? (uint64_t)x->pending_index_rows : 0;
        for (size_t k = 0; k < x->n_params; k++)
            if (strcmp(x->params[k]->key, "index_type") == 0)
                copy(out->index, sizeof out->index, x->params[k]->value);
    }
    protobuf_c_message_free_unpacked(reply, NULL);
}

int store_remote_look(struct store *s, struct store_remote_state *out, struct eye_err *err)
{
    struct milvus_part *p = milvus_part_of(s);
    *out = (struct store_remote_state){.there = false};
    if (!p)
        return eye_fail(err, EYE_EINVAL, "%s is no server", s->path);
    struct milvus_options o = p->r->options;
    o.timeout_ms = TRY_MS;
    o.patience_ms = 1;
    o.wait = NULL;
    o.consistency = MILVUS_EVENTUALLY;
    struct milvus *m = milvus_with(p->r->m, &o, err);
    if (!m)
        return EYE_ENOMEM;
    int rc = look_version(m, out, err);
    rc = rc ? rc : milvus_has(m, MILVUS_PICTURES, &out->there, err);
    if (!rc && out->there) {
        look_load(m, out);
        look_index(m, out);
        if (out->loaded && milvus_count(m, MILVUS_PICTURES, "", false, &out->rows, NULL))
            out->rows = 0;
    }
    milvus_close(m);
    return rc;
}
