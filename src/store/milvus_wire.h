/* milvus_wire.h - the lower half of the Milvus client: where the server is, one request over HTTP/2, and checked answers.
 * For milvus_*.c of this client, its tests and its fuzzer; all others want milvus.h. */
#ifndef STORE_MILVUS_WIRE_H
#define STORE_MILVUS_WIRE_H

#include "base/buf.h"
#include "store/milvus.h"

/* ---- milvus_url.c: where the server is and who we are there ---- */

struct milvus_place {
    char *base;       /* "http://host:port", for libcurl */
    char *name;       /* "milvus://host:port/db/collection", for people */
    char *database;   /* "": the server's default */
    char *collection; /* of pictures */
    char *files;      /* of files */
    char *login;      /* header "authorization: ...", secret; NULL: none */
    char *secret;     /* password or token, NULL: none; to keep it out of messages */
    char *ca;         /* file of certificates to trust instead of the system's; NULL */
    bool tls, loopback;
};
int milvus_place_read(const char *url, struct milvus_place *out, struct eye_err *err);
void milvus_place_release(struct milvus_place *p);
/* Overwrites what a server may have repeated of our login in `text`, in place. */
void milvus_place_hide(const struct milvus_place *p, char *text);

/* ---- milvus_http.c: one gRPC request ---- */

enum { MILVUS_FRAME = 5 };              /* a flag and a length before each message */
enum { MILVUS_ANSWER_MAX = 128 << 20 }; /* bytes; 16,384 rows of 1536 dims are 100 MB */
enum { MILVUS_REQUEST_MAX = 60 << 20 }; /* a 2.3 server takes 64 MB */
enum { MILVUS_MEMORY_MAX = 512 << 20 }; /* of one unpacked answer */

/* What became of one try; decides whether another helps. */
enum milvus_end {
    MILVUS_END_OK,
    MILVUS_END_AWAY,    /* nobody there, broken off, not ready, too busy: try again */
    MILVUS_END_STRANGE, /* something answers that does not speak as Milvus does */
    MILVUS_END_TLS,     /* no trusted connection */
    MILVUS_END_LOGIN,   /* refused */
    MILVUS_END_LARGE,   /* request or answer beyond a limit */
    MILVUS_END_NO,      /* the server or its gRPC layer refused the request */
    MILVUS_END_STOPPED, /* `wait` gave up */
    MILVUS_END_MEMORY
};
struct milvus_try {
    enum milvus_end end;
    int grpc;      /* its grpc-status; -1: none came */
    char why[512]; /* a part of a sentence; "" when OK */
};

struct milvus_http; /* connections to one server; any thread */
struct milvus_http *milvus_http_new(const struct milvus_place *place,
                                    struct eye_err *err); /* place is borrowed */
void milvus_http_free(struct milvus_http *http);
/* POST `frame` (flag, length, message) to METHOD and take the message of the answer: buf `answer` (emptied first), without its frame.
 * options: wait is called while it lasts longer than a second, with the seconds since `since`. */
void milvus_http_post(struct milvus_http *http, const char *method, const struct buf *frame,
                      int timeout_ms, const struct milvus_options *options, int64_t since,
                      struct buf *answer, struct milvus_try *t);
/* Connections made so far, for tests. */
unsigned milvus_http_dialled(struct milvus_http *http);

/* ---- milvus_call.c ---- */

/* A write was sent at sent_ms and has come back: later reads of this process see it. timestamp 0: the server told none. */
void milvus_wrote(struct milvus *m, uint64_t timestamp, int64_t sent_ms);
bool milvus_must_be_strong(const struct milvus *m);

/* ---- milvus_reply.c: what a server says, checked ---- */

/* Unpack within MILVUS_MEMORY_MAX. NULL: EYE_EFORMAT or EYE_ENOMEM. */
ProtobufCMessage *milvus_unpack(const ProtobufCMessageDescriptor *type, const void *bytes,
                                size_t len, const char *what, struct eye_err *err);
/* The Status of any reply; NULL: it has none, which means success. */
const Mv__Status *milvus_status_of(const ProtobufCMessage *reply);
/* 0, or the status as an error "WHAT: ..." ; *again: it may pass if asked again. */
int milvus_status_check(const Mv__Status *status, const char *what, bool *again,
                        struct eye_err *err);
/* "v2.3.5-lite" and the like; false when there is no number in it. */
bool milvus_version_parse(const char *text, int *major, int *minor, bool *lite);

/* ---- milvus_rows.c ---- */

/* The columns `fields` of an answer, each of as many rows as the first, at most `max`. Takes `reply` (freed with the rows, and on failure).
 * `what` begins the sentences of errors. */
struct milvus_rows *milvus_rows_of_query(Mv__QueryResults *reply, const struct milvus_field *fields,
                                         size_t nfields, size_t max, const char *what,
                                         struct eye_err *err);
/* The hits of an answer. Takes `reply`; found is empty after a failure. */
int milvus_rows_of_search(Mv__SearchResults *reply, const struct milvus_ask *ask,
                          struct milvus_found *found, const char *what, struct eye_err *err);
/* Rows by ascending key, column 0 (an INT or a TEXT). */
int milvus_rows_sort(struct milvus_rows *rows, struct eye_err *err);

/* ---- milvus_query.c ---- */

/* milvus_call, and once more after the collection was loaded if that was what was wrong. */
int milvus_call_loaded(struct milvus *m, enum milvus_which which, const char *method,
                       ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
                       ProtobufCMessage **reply, struct eye_err *err);
/* Sets what a search must see (milvus_consistency; strong: everything). */
void milvus_search_consistency(struct milvus *m, bool strong, Mv__SearchRequest *r);

#endif
