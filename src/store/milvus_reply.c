/* milvus_reply.c - what a server says, before anything believes it: unpacking within bounds, and its Status as one of our errors.
 *
 * protobuf-c checks the wire format but not what it costs: an empty string is two bytes on the wire and some forty in memory, so memory is counted
 * while an answer is unpacked. Which codes mean what was looked up in Milvus' merr and tried on 2.3.5 and lite: the real server sets the old `error_code` and
 * the new `code` both, lite often only `code`, and then with small numbers of its own, so below 100 those say only "no". */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/milvus_wire.h"

/* ---- unpacking ---- */

struct budget {
    size_t left;
    bool spent;
};

static void *budget_alloc(void *ctx, size_t size)
{
    struct budget *b = ctx;
    size_t cost = (size < 16 ? 16 : size) + 16; /* what malloc takes */
    if (cost > b->left) {
        b->spent = true;
        return NULL;
    }
    b->left -= cost;
    return malloc(size ? size : 1);
}

static void budget_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

ProtobufCMessage *milvus_unpack(const ProtobufCMessageDescriptor *type, const void *bytes,
                                size_t len, const char *what, struct eye_err *err)
{
    struct budget b = {MILVUS_MEMORY_MAX, false};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &b};
    ProtobufCMessage *m =
        protobuf_c_message_unpack(type, &allocator, len, len ? bytes : (const void *)"");
    if (!m && b.spent)
        eye_fail(err, EYE_ELIMIT, "%s: the answer would take more than %d MB of memory", what,
                 MILVUS_MEMORY_MAX >> 20);
    else if (!m)
        eye_fail(err, EYE_EFORMAT, "%s: the answer is no %s as Milvus sends it", what,
                 type->short_name);
    return m;
}

/* ---- the Status ---- */

const Mv__Status *milvus_status_of(const ProtobufCMessage *reply)
{
    if (reply->descriptor == &mv__status__descriptor)
        return (const Mv__Status *)reply;
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, "status");
    if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED ||
        f->descriptor != &mv__status__descriptor)
        return NULL;
    return *(Mv__Status *const *)(const void *)((const char *)reply + f->offset);
}

/* What the old and the new number say, and whether asking again may help. */
struct meaning {
    int32_t old, code; /* 0: none */
    int ours;
    bool again;
    const char *text;
};
static const struct meaning meanings[] = {
    {4, 100, EYE_ENOTFOUND, false, "there is no such collection"},
    {28, 100, EYE_ENOTFOUND, false, "there is no such collection"},
    {0, 800, EYE_ENOTFOUND, false, "there is no such database"},
    {25, 700, EYE_ENOTFOUND, false, "there is no such index"},
    {0, 101, EYE_EBUSY, false, "the collection is not loaded"},
    {0, 103, EYE_EBUSY, true, "the collection is being loaded"},
    {0, 106, EYE_EBUSY, true, "the collection is being recovered"},
    {0, 201, EYE_EBUSY, false, "the collection is not loaded"},
    {3, 1401, EYE_EINVAL, false, "the login may not do this"},
    {0, 1400, EYE_EINVAL, false, "the login is refused"},
    {24, 3, EYE_ELIMIT, false, "the server is out of memory"},
    {52, 3, EYE_ELIMIT, false, "the server has not enough memory to load the collection"},
    {53, 9, EYE_ELIMIT, false, "the server is out of memory"},
    {54, 7, EYE_ELIMIT, false, "the server's disk is full"},
    {48, 9, EYE_ELIMIT, false, "the server takes no more writes (memory, disk or quota)"},
    {49, 8, EYE_EREMOTE, true, "the server is asked too often"},
    {45, 0, EYE_EREMOTE, true, "the server is moving the collection"},
    {46, 401, EYE_EREMOTE, true, "no node of the server holds the collection just now"},
    {47, 600, EYE_EREMOTE, true, "the server is moving the collection"},
    {50, 904, EYE_EREMOTE, true, "a node of the server has gone"},
    {55, 11, EYE_EREMOTE, true, "the server lags behind"},
    {56, 1, EYE_EREMOTE, true, "the server is not ready yet"},
    {57, 2, EYE_EREMOTE, true, "the server is not ready yet"},
    {0, 503, EYE_EREMOTE, true, "the server is moving the collection"},
    {0, 601, EYE_EREMOTE, true, "the server is loading the collection"},
    {0, 602, EYE_EREMOTE, true, "the server is loading the collection"},
    {0, 901, EYE_EREMOTE, true, "a node of the server has gone"},
    {0, 902, EYE_EREMOTE, true, "a node of the server has gone"},
    {0, 903, EYE_EREMOTE, true, "a node of the server has gone"},
    {0, 905, EYE_EREMOTE, true, "a node of the server is not there"},
    {0, 1100, EYE_EINVAL, false, "the server does not understand the request"},
    {0, 1101, EYE_EINVAL, false, "the server does not understand the request"},
    {0, 1102, EYE_ELIMIT, false, "the request is too large for the server"},
};

static const struct meaning *meaning_of(const Mv__Status *s)
{
    bool real = s->error_code != 0; /* else lite, whose small codes are its own */
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].code && meanings[i].code == s->code && (real || s->code >= 100))
            return &meanings[i];
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].old && meanings[i].old == s->error_code && s->error_code != 1)
            return &meanings[i];
    return NULL;
}

/* Its reason without the stack trace that some bring along. */
static int reason_length(const char *reason)
{
    static const char *const ends[] = {"\n", "stack trace:", ": attempt #"};
    size_t n = strlen(reason);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *at = strstr(reason, ends[i]);
        if (at && (size_t)(at - reason) < n && at != reason)
            n = (size_t)(at - reason);
    }
    return n > 400 ? 400 : (int)n;
}

int milvus_status_check(const Mv__Status *s, const char *what, bool *again, struct eye_err *err)
{
    *again = false;
    if (!s || (s->error_code == 0 && s->code == 0))
        return 0;
    const char *reason = s->reason && *s->reason ? s->reason : "no reason given";
    int n = reason_length(reason), code = s->code ? s->code : s->error_code;
    bool exists = strstr(reason, "already exist") || strstr(reason, "duplicate collection");
    const struct meaning *m = exists ? NULL : meaning_of(s);
    *again = !exists && (s->retriable || (m && m->again));
    if (m)
        return eye_fail(err, m->ours, "%s: %s (%.*s)", what, m->text, n, reason);
    if (exists)
        return eye_fail(err, EYE_EEXIST, "%s: it is there already (%.*s)", what, n, reason);
    return eye_fail(err, EYE_EREMOTE, "%s: the server refuses (code %d): %.*s", what, code, n,
                    reason);
}

/* ---- its version ---- */

bool milvus_version_parse(const char *text, int *major, int *minor, bool *lite)
{
    const char *p = text;
    while (*p && !(isdigit((unsigned char)p[0]) &&
                   (p == text || !isalnum((unsigned char)p[-1]) || p[-1] == 'v' || p[-1] == 'V')))
        p++;
    char *end = NULL;
    long a = *p ? strtol(p, &end, 10) : -1;
    if (a < 0 || a > 9999 || *end != '.' || !isdigit((unsigned char)end[1]))
        return false;
    long b = strtol(end + 1, &end, 10);
    if (b < 0 || b > 9999)
        return false;
    *major = (int)a;
    *minor = (int)b;
    *lite = strstr(text, "milvus_lite") != NULL || strstr(text, "milvus-lite") != NULL;
    return true;
}
