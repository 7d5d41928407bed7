/* milvus_knn.c - the call Search: query vectors out, ids and scores in.
 *
 * dsl_type must be 1: 0, the default of proto3, ends a 2.3.5 server with a Go panic (index out of range). `params` must be there, "{}" at least, or its query
 * node fails on the JSON. The metric is named so that a wrong one is an error and not another order. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/milvus_wire.h"

enum { FLOAT_VECTOR = 101, BOOL_EXPR_V1 = 1 };
enum { HITS_MAX = 4 << 20 }; /* of one call: 64 MB of ids and scores in the answer */

static void pair(Mv__KeyValuePair *p, const char *key, const char *value)
{
    mv__key_value_pair__init(p);
    p->key = (char *)(uintptr_t)key;
    p->value = (char *)(uintptr_t)value;
}

/* PlaceholderGroup, packed: the queries as raw little-endian floats, which is what this machine has. */
static int pack_queries(const struct milvus_ask *ask, ProtobufCBinaryData *out, struct eye_err *err)
{
    Mv__PlaceholderGroup group = MV__PLACEHOLDER_GROUP__INIT;
    Mv__PlaceholderValue value = MV__PLACEHOLDER_VALUE__INIT, *values[] = {&value};
    size_t row = (size_t)ask->dim * sizeof(float);
    ProtobufCBinaryData *rows = mem_calloc(ask->nq, sizeof(*rows), err);
    if (!rows)
        return EYE_ENOMEM;
    for (size_t i = 0; i < ask->nq; i++) {
        rows[i].len = row;
        rows[i].data = (uint8_t *)(uintptr_t)(ask->queries + i * (size_t)ask->dim);
    }
    value.tag = (char *)(uintptr_t) "$0";
    value.type = FLOAT_VECTOR;
    value.values = rows;
    value.n_values = ask->nq;
    group.placeholders = values;
    group.n_placeholders = 1;
    out->len = mv__placeholder_group__get_packed_size(&group);
    out->data = mem_calloc(out->len, 1, err);
    if (out->data)
        mv__placeholder_group__pack(&group, out->data);
    free(rows);
    return out->data ? 0 : EYE_ENOMEM;
}

static int search(struct milvus *m, const struct milvus_ask *ask, char **names,
                  const ProtobufCBinaryData *queries, Mv__SearchResults **reply,
                  struct eye_err *err)
{
    Mv__SearchRequest r = MV__SEARCH_REQUEST__INIT;
    Mv__KeyValuePair pairs[4], *list[4];
    char topk[24];
    snprintf(topk, sizeof(topk), "%zu", ask->topk);
    pair(&pairs[0], "anns_field", ask->field ? ask->field : "vector");
    pair(&pairs[1], "topk", topk);
    pair(&pairs[2], "params", ask->params && *ask->params ? ask->params : "{}");
    pair(&pairs[3], "metric_type", ask->metric ? ask->metric : "IP");
    for (size_t i = 0; i < 4; i++)
        list[i] = &pairs[i];
    r.collection_name = (char *)(uintptr_t)milvus_collection(m, ask->which);
    r.dsl = (char *)(uintptr_t)(ask->expr ? ask->expr : "");
    r.dsl_type = BOOL_EXPR_V1;
    r.placeholder_group = *queries;
    r.nq = (int64_t)ask->nq;
    r.search_params = list;
    r.n_search_params = 4;
    r.output_fields = names;
    r.n_output_fields = ask->nfields;
    milvus_search_consistency(m, ask->strong, &r);
    ProtobufCMessage *got = NULL;
    int rc = milvus_call_loaded(m, ask->which, "Search", &r.base, &mv__search_results__descriptor,
                                &got, err);
    *reply = (Mv__SearchResults *)got;
    return rc;
}

int milvus_search_call(struct milvus *m, const struct milvus_ask *ask, struct milvus_found *found,
                       struct eye_err *err)
{
    memset(found, 0, sizeof(*found));
    if (ask->topk == 0 || ask->topk > MILVUS_ROWS_MAX || ask->nq == 0 ||
        ask->nq > HITS_MAX / ask->topk || ask->dim <= 0)
        return eye_fail(err, EYE_EINVAL, "%s: a search of %zu queries for %zu hits each",
                        milvus_name(m), ask->nq, ask->topk);
    ProtobufCBinaryData queries = {0, NULL};
    Mv__SearchResults *reply = NULL;
    char **names = mem_calloc(ask->nfields, sizeof(*names), err);
    int rc = names ? pack_queries(ask, &queries, err) : EYE_ENOMEM;
    for (size_t i = 0; names && i < ask->nfields; i++)
        names[i] = (char *)(uintptr_t)ask->fields[i].name;
    if (!rc)
        rc = search(m, ask, names, &queries, &reply, err);
    free(queries.data);
    free(names);
    return rc ? rc : milvus_rows_of_search(reply, ask, found, milvus_name(m), err);
}
