/* internal.h - between the files of src/object. */
#ifndef OBJECT_INTERNAL_H
#define OBJECT_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>

#include "base/buf.h"
#include "object/object.h"

enum { OBJECT_KEY_MAX = 1024, OBJECT_IDLE = 32 };
/* A page of a listing is some 400 bytes an object, a thousand objects, keys three times as long when encoded. */
enum { OBJECT_XML_MAX = 8 << 20, OBJECT_ERROR_MAX = 64 << 10 };

struct object_store {
    struct object_config c; /* strings are copies */
    char *bucket;
    char *base; /* "scheme://host[:port][/path][/bucket]", no slash at its end */
    char *host; /* "host[:port]" of the endpoint, for messages */
    char *sign; /* "aws:amz:region:s3"; NULL: unsigned */
    pthread_mutex_t lock;
    CURL *idle[OBJECT_IDLE]; /* with their connections */
    size_t nidle;
};

/* ---- key.c ---- */
/* Percent-encoded as AWS's signature wants it: all but A-Z a-z 0-9 - . _ ~ and, if `slash`, the slash. */
int object_encode(struct buf *out, const char *text, bool slash, struct eye_err *err);
/* In place; + is a space. false: not valid, or a NUL. */
bool object_decode(char *text);
int64_t object_stamp(int64_t seconds, const char *etag, size_t len);
/* "2009-10-12T17:50:30.000Z"; INT64_MIN: not a time. */
int64_t object_time(const char *text);

/* ---- xml.c ---- */
/* An answer taken apart as it comes; a page of a listing is told when it is whole. */
struct object_xml;
struct object_xml *object_xml_new(struct eye_err *err);
void object_xml_free(struct object_xml *x);
/* false: not well-formed, neither answer, or beyond a limit. */
bool object_xml_feed(struct object_xml *x, const char *bytes, size_t len, bool last);
bool object_xml_finish(struct object_xml *x); /* a whole page of a listing was read */
size_t object_xml_count(const struct object_xml *x);
struct object_info object_xml_at(const struct object_xml *x, size_t i); /* key borrowed from x */
bool object_xml_more(const struct object_xml *x);                       /* there is another page */
const char *object_xml_next(const struct object_xml *x);  /* its token; NULL: none was told */
const char *object_xml_error(const struct object_xml *x); /* <Error><Code>, letters only; "" */

/* ---- request.c ---- */
struct object_request {
    const char *method; /* GET HEAD PUT DELETE */
    const char *key;    /* NULL: the bucket itself */
    const char *query;  /* encoded, sorted; NULL: none */
    const char *range;  /* "0-99" */
    int in;             /* PUT: the file; else -1 */
    uint64_t in_size;
    const char *type;
    const char *hash; /* of the body, hex; NULL: it has none */
    int tries;        /* 0: as configured */
    int max_ms;       /* for all of a try; 0: no limit but the stall's */
    /* A try begins: forget what came before. Negative: give up. */
    int (*begin)(void *ctx, struct eye_err *err);
    /* Bytes of a good answer. Negative with `err` unfilled: stop, object_exchange returns it. */
    int (*body)(void *ctx, const char *bytes, size_t len);
    void *ctx;
};
struct object_answer {
    int status;
    uint64_t length; /* of the body, as told; UINT64_MAX: not told */
    uint64_t whole;  /* of a range: the whole object's; UINT64_MAX */
    int64_t mtime_ns;
    bool dated; /* mtime_ns is known */
    char region[64];
};
/* Exchange, retried. 0: status is 2xx. Else the sentence is in err. */
int object_exchange(struct object_store *s, const struct object_request *r,
                    struct object_answer *out, struct eye_err *err);
/* "s3://bucket/key" of messages; key NULL: the bucket. */
int object_say(struct object_store *s, const char *key, int code, struct eye_err *err,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
