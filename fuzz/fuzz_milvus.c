/* fuzz_milvus.c - what a Milvus server could answer, or who poses as one: unpacked and checked as the client does, then read as its callers read. The
 * first byte picks the kind of answer. And addresses of stores, which people write. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "store/milvus_wire.h"

static const struct milvus_field fields[] = {{"id", MILVUS_INT, 0},
                                             {"lat", MILVUS_REAL, 0},
                                             {"rel", MILVUS_TEXT, 0},
                                             {"vector", MILVUS_VECTOR, 4}};
static const struct milvus_field by_text[] = {{"rel", MILVUS_TEXT, 0}};

static double read_rows(const struct milvus_rows *rows)
{
    double sum = 0;
    for (size_t i = 0; i < milvus_rows_n(rows); i++) {
        const float *v = milvus_rows_vector(rows, 3, i);
        sum += milvus_rows_real(rows, 1, i) + (double)strlen(milvus_rows_text(rows, 2, i)) +
               (double)(milvus_rows_int(rows, 0, i) & 1);
        for (int d = 0; d < 4; d++) {
            PROMISE(isfinite(v[d]));
            sum += (double)v[d];
        }
    }
    return sum;
}

static void query(ProtobufCMessage *m, bool text)
{
    struct eye_err err = {0, ""};
    struct milvus_rows *rows = milvus_rows_of_query((Mv__QueryResults *)m, text ? by_text : fields,
                                                    text ? 1 : 4, 1000, "fuzz", &err);
    if (!rows) {
        PROMISE(err.code == EYE_EFORMAT);
        return;
    }
    PROMISE(milvus_rows_n(rows) <= 1000);
    PROMISE(milvus_rows_sort(rows, &err) == 0);
    if (text) {
        for (size_t i = 1; i < milvus_rows_n(rows); i++)
            PROMISE(strcmp(milvus_rows_text(rows, 0, i - 1), milvus_rows_text(rows, 0, i)) <= 0);
    } else {
        read_rows(rows);
        for (size_t i = 1; i < milvus_rows_n(rows); i++)
            PROMISE(milvus_rows_int(rows, 0, i - 1) <= milvus_rows_int(rows, 0, i));
    }
    milvus_rows_free(rows);
}

static void search(ProtobufCMessage *m, bool with_fields)
{
    struct milvus_ask ask = {.nq = 2, .topk = 5, .dim = 4};
    struct milvus_found found;
    struct eye_err err = {0, ""};
    ask.fields = fields;
    ask.nfields = with_fields ? 4 : 0;
    if (milvus_rows_of_search((Mv__SearchResults *)m, &ask, &found, "fuzz", &err) != 0) {
        PROMISE(err.code == EYE_EFORMAT && !found.ids);
        return;
    }
    size_t n = 0;
    for (size_t q = 0; q < 2; q++) {
        PROMISE(found.counts[q] <= 5);
        n += found.counts[q];
        for (size_t i = 0; i < 5; i++)
            PROMISE(isfinite(found.scores[q * 5 + i]));
    }
    if (with_fields) {
        PROMISE(milvus_rows_n(found.rows) == n);
        read_rows(found.rows);
    }
    milvus_found_release(&found);
}

static void status(const ProtobufCMessage *m)
{
    struct eye_err err = {0, ""};
    bool again = false;
    int rc = milvus_status_check(milvus_status_of(m), "fuzz", &again, &err);
    PROMISE(rc == 0 || (rc == err.code && strncmp(err.msg, "fuzz: ", 6) == 0 &&
                        utf8_valid(err.msg, strlen(err.msg))));
}

static void address(const char *bytes, size_t len)
{
    char url[600];
    struct milvus_place p;
    struct eye_err err = {0, ""};
    snprintf(url, sizeof(url), "%.*s", (int)(len < 590 ? len : 590), bytes);
    if (milvus_place_read(url, &p, &err) != 0) {
        PROMISE(err.code == EYE_EINVAL);
        return;
    }
    PROMISE(strncmp(p.name, "milvus", 6) == 0 && strncmp(p.base, "http", 4) == 0);
    PROMISE(!p.login || !strpbrk(p.login, "\r\n"));
    PROMISE(!strpbrk(p.base, "@ \r\n\"'"));
    char text[1300];
    snprintf(text, sizeof(text), "a%sb%s", p.secret ? p.secret : "", p.name);
    milvus_place_hide(&p, text);
    milvus_place_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        &mv__query_results__descriptor,
        &mv__query_results__descriptor,
        &mv__search_results__descriptor,
        &mv__search_results__descriptor,
        &mv__status__descriptor,
        &mv__describe_collection_response__descriptor,
        &mv__mutation_result__descriptor,
        &mv__describe_index_response__descriptor,
        &mv__get_load_state_response__descriptor,
        &mv__flush_response__descriptor,
        &mv__get_version_response__descriptor};
    enum { TYPES = sizeof(types) / sizeof(types[0]) };
    struct eye_err err = {0, ""};
    if (len == 0)
        return 0;
    unsigned kind = data[0] % (TYPES + 1);
    if (kind == TYPES) {
        address((const char *)data + 1, len - 1);
        return 0;
    }
    ProtobufCMessage *m = milvus_unpack(types[kind], data + 1, len - 1, "fuzz", &err);
    if (!m) {
        PROMISE(err.code == EYE_EFORMAT || err.code == EYE_ELIMIT);
        return 0;
    }
    status(m);
    if (kind < 2) {
        query(m, kind == 1);
        return 0;
    }
    if (kind < 4) {
        search(m, kind == 3);
        return 0;
    }
    int major = 0, minor = 0;
    bool lite = false;
    if (kind == TYPES - 1)
        milvus_version_parse(((Mv__GetVersionResponse *)m)->version, &major, &minor, &lite);
    protobuf_c_message_free_unpacked(m, NULL);
    return 0;
}
