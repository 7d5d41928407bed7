/* milvus.h - the client for a Milvus server: connections, calls, rows in and out. Internal to src/store.
 *
 * struct milvus is a server, a collection's name, a login and a few connections. Any number of threads may use one at once; a call takes
 * a connection from the pool for as long as it lasts. milvus_with() makes a second handle on the same connections with another patience,
 * so that a search gives up after seconds where an index run waits for hours.
 *
 * Errors of everything here, besides EYE_ENOMEM: EYE_EREMOTE the server is away (after the patience) or says no, EYE_EINVAL login refused or
 * a request that makes no sense to it, EYE_ENOTFOUND no such collection, database or index, EYE_EBUSY not loaded, EYE_ELIMIT too large,
 * EYE_EFORMAT an answer that is not what was asked for, EYE_ECANCELLED `wait` gave up. Sentences name the server, never a secret. */
#ifndef STORE_MILVUS_H
#define STORE_MILVUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/milvus.pb-c.h"

enum {
    MILVUS_ROWS_MAX = 16384
}; /* rows of one answer, hits of one query: the server's own limit */

enum milvus_which { MILVUS_PICTURES, MILVUS_FILES };

/* ---- the server ---- */

struct milvus_options {
    int timeout_ms;  /* of one try of a call; 0: 30 s */
    int patience_ms; /* for how long a call is tried again while the server is away; 0: 5 s */
    int consistency; /* of reads: enum milvus_consistency */
    void (*log)(void *ctx, int level, const char *line); /* enum log_level; NULL: silence */
    void *log_ctx;
    /* Called some four times a second, from the caller's thread, while a call waits for an answer or before another try, and by whoever waits for an
     * index or a load: `what` is a sentence for people, share 0..1 (-1: unknown), `seconds` how long it takes already. Non-zero gives up: EYE_ECANCELLED with
     * what was waited for. */
    int (*wait)(void *ctx, const char *what, double share, double seconds);
    void *wait_ctx;
};

enum milvus_consistency {
    MILVUS_OWN, /* what this process wrote is seen at once, what others write within some 0.3 s */
    MILVUS_STRONG,
    MILVUS_BOUNDED,
    MILVUS_EVENTUALLY
};

struct milvus;

/* Reads the URL (milvus://[user[:password]@]host[:port]/[database/]collection, milvus+tls://...) and, for what it leaves open,
 * EYESHINE_STORE_USER, _PASSWORD, _TOKEN (or ..._FILE: a file that holds it); talks to nobody yet. NULL: EYE_EINVAL and a sentence. options
 * NULL: as they come. */
struct milvus *milvus_open(const char *url, const struct milvus_options *options,
                           struct eye_err *err);
/* Another handle on the server and connections of m, with options of its own. Both are closed; the connections go with the last. */
struct milvus *milvus_with(struct milvus *m, const struct milvus_options *options,
                           struct eye_err *err);
void milvus_close(struct milvus *m); /* NULL: nothing happens */

const char *
milvus_name(const struct milvus *m); /* "milvus://host:port/db/collection", no secrets */
const char *milvus_database(const struct milvus *m); /* "" is the server's default */
const char *milvus_collection(const struct milvus *m,
                              enum milvus_which which); /* demo, demo_files */
const struct milvus_options *milvus_options(const struct milvus *m);

/* One unary call, tried again while the server is away or busy and the patience lasts: so everything sent must be fit to be sent twice. Fills
 * in `db_name` where the request has one that is empty. *reply was unpacked and its Status is good; free it with
 * protobuf_c_message_free_unpacked(reply, NULL) or the type's own. reply NULL: only the Status is wanted. */
int milvus_call(struct milvus *m, const char *method, ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *reply_type, ProtobufCMessage **reply,
                struct eye_err *err);

/* Asked once. "v2.3.5-lite" is 2, 3; "milvus_lite-3.2.2" 3, 2 and lite. Pointers may be NULL. */
int milvus_version(struct milvus *m, int *major, int *minor, bool *lite, struct eye_err *err);

/* The newest MutationResult.timestamp of this process: reads ask to see at least that (MILVUS_OWN). Upsert and delete here tell it. */
uint64_t milvus_seen(const struct milvus *m);
void milvus_saw(struct milvus *m, uint64_t timestamp);

/* Sleep `ms` and tell `wait`; EYE_ECANCELLED when it gives up, EYE_EREMOTE when the patience has run out. For loops that ask the server how far it is, since a time of milvus_now_ms(). */
int64_t milvus_now_ms(void); /* a clock that only goes on */
int milvus_wait(struct milvus *m, int64_t since, int ms, const char *what, double share,
                struct eye_err *err);

/* Is there such a collection? 0 with *there. */
int milvus_has(struct milvus *m, enum milvus_which which, bool *there, struct eye_err *err);

/* ---- rows out: every value was checked when the answer came (type, number of rows, dim, finite) ---- */

enum milvus_type { MILVUS_INT = 5, MILVUS_REAL = 11, MILVUS_TEXT = 21, MILVUS_VECTOR = 101 };

struct milvus_field {
    const char *name;
    enum milvus_type type;
    int dim; /* of a vector; else 0 */
};

struct milvus_rows;
void milvus_rows_free(struct milvus_rows *rows); /* NULL: nothing happens */
size_t milvus_rows_n(const struct milvus_rows *rows);
/* col: place in the fields that were asked for; i: row. Borrowed from rows. */
int64_t milvus_rows_int(const struct milvus_rows *rows, size_t col, size_t i);
double milvus_rows_real(const struct milvus_rows *rows, size_t col, size_t i);
const char *milvus_rows_text(const struct milvus_rows *rows, size_t col, size_t i);
const float *milvus_rows_vector(const struct milvus_rows *rows, size_t col, size_t i); /* [dim] */

struct milvus_query {
    enum milvus_which which;
    const char *expr; /* "" or NULL: all */
    const struct milvus_field *fields;
    size_t nfields;
    size_t limit; /* at most so many rows, whichever; 0: MILVUS_ROWS_MAX */
    bool strong;  /* sees what anybody wrote before; takes some 0.2 s */
};
int milvus_query(struct milvus *m, const struct milvus_query *q, struct milvus_rows **rows,
                 struct eye_err *err);
int milvus_count(struct milvus *m, enum milvus_which which, const char *expr, bool strong,
                 uint64_t *n, struct eye_err *err);

/* Every row that passes q->expr, by slices of the key range, slices and rows in them by ascending key. fields[0] must be the key ("id": an
 * INT of pictures, a TEXT of files). q->limit: rows of one slice at most. `from`: the first key, pictures only; INT64_MIN: all.
 * fn: the rows of a slice, borrowed, in order of their keys; non-zero stops and is returned. */
typedef int milvus_rows_fn(void *ctx, const struct milvus_rows *rows);
int milvus_walk(struct milvus *m, const struct milvus_query *q, int64_t from, milvus_rows_fn *fn,
                void *ctx, struct eye_err *err);

/* ---- rows in ---- */

struct milvus_columns; /* rows that will be written, kept by column */
struct milvus_columns *milvus_columns_new(const struct milvus_field *fields, size_t nfields,
                                          struct eye_err *err); /* names are borrowed */
void milvus_columns_free(struct milvus_columns *c);
void milvus_columns_clear(struct milvus_columns *c);
size_t milvus_columns_n(const struct milvus_columns *c);
/* A new row: 0, "" and a zero vector in each column; then set its values. Text and vector [dim] are copied. */
int milvus_columns_add(struct milvus_columns *c, struct eye_err *err);
void milvus_columns_int(struct milvus_columns *c, size_t col, int64_t v);
void milvus_columns_real(struct milvus_columns *c, size_t col, double v);
int milvus_columns_text(struct milvus_columns *c, size_t col, const char *v, struct eye_err *err);
void milvus_columns_vector(struct milvus_columns *c, size_t col, const float *v);

/* Writes the rows in batches of at most 1000 and 8 MB, keys may not repeat. After a failure some may have been written: do all of it again. */
int milvus_upsert(struct milvus *m, enum milvus_which which, const struct milvus_columns *c,
                  struct eye_err *err);
int milvus_delete(struct milvus *m, enum milvus_which which, const char *expr, struct eye_err *err);

/* ---- search ---- */

struct milvus_ask {
    enum milvus_which which;
    const char *field;    /* the vector's; NULL: "vector" */
    const char *metric;   /* NULL: "IP" */
    const char *expr;     /* "" or NULL: all */
    const float *queries; /* [nq, dim] */
    size_t nq;
    int dim;
    size_t topk;        /* 1..MILVUS_ROWS_MAX; nq * topk at most 4 million */
    const char *params; /* JSON; NULL: "{}" */
    bool strong;
    const struct milvus_field *fields; /* also wanted of each hit; may be NULL */
    size_t nfields;
};
struct milvus_found {
    size_t nq, topk;
    size_t *counts; /* [nq], each at most topk */
    int64_t *ids;   /* [nq, topk], best first; those past counts[q] are 0 */
    float *scores;  /* [nq, topk] */
    struct milvus_rows
        *rows; /* flat: the hits of query 0, then of query 1 ...; NULL without fields */
};
int milvus_search_call(struct milvus *m, const struct milvus_ask *ask, struct milvus_found *found,
                       struct eye_err *err);
void milvus_found_release(struct milvus_found *found);

#endif
