/* object.h - objects of one bucket in a store that speaks S3 (AWS, MinIO, Ceph, ...): list, read, write, delete.
 *
 * Requests are signed (AWS signature version 4), sent over TLS whose certificate is checked (or plain http where the endpoint says so),
 * and tried again while that may help. Whatever the server sends is taken apart within limits. Messages name bucket, key and host; no
 * message holds a key, a secret or a token.
 *
 * Error codes: EYE_ENOTFOUND only when the server said that there is no such key in a bucket that is there; EYE_EIO: this one may not be
 * read (403 for it); EYE_ELIMIT: larger than allowed; EYE_EREMOTE: server away, out of order, no such bucket, login refused: nothing is
 * known of the object. Thread rule: a struct object_store may be used from any number of threads. */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ---- where (config.c, key.c) ---- */

enum object_style { OBJECT_STYLE_AUTO, OBJECT_STYLE_PATH, OBJECT_STYLE_HOST };

/* Strings are owned; NULL: unset. Numbers 0: the usual. */
struct object_config {
    char *endpoint;     /* "https://host[:port][/path]"; NULL: AWS's of the region */
    char *region;       /* NULL: us-east-1 */
    char *key, *secret; /* both or none: requests are not signed then */
    char *token;        /* of a session */
    char *ca_file;      /* certificates to trust instead of the system's */
    enum object_style
        style; /* AUTO: the bucket in the path when there is an endpoint, else in the host's name */
    int connect_ms, stall_ms; /* to get a connection; without a byte. 10 s, 30 s */
    int tries, pause_ms;      /* of a request; before the second one, growing. 4, 200 ms */
};
/* AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or S3_ENDPOINT; AWS_REGION or AWS_DEFAULT_REGION; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN; AWS_CA_BUNDLE; AWS_MAX_ATTEMPTS; EYESHINE_S3_STYLE (path, host). Each of the three secrets also as NAME_FILE: a file that holds it.
 * EYE_EINVAL, EYE_ENOTFOUND. Release it also after a failure. */
int object_config_env(struct object_config *c, struct eye_err *err);
void object_config_release(struct object_config *c); /* wipes the secrets */

bool object_is_url(const char *text); /* begins with s3:// */
/* "s3://bucket/some/prefix" taken apart: no slash at either end of *prefix, "" without one. Text is taken as it is: % begins no escape.
 * EYE_EINVAL: empty, "." or ".." as a part, or a bucket's name that cannot be one. Both are yours. */
int object_url_parse(const char *url, char **bucket, char **prefix, struct eye_err *err);
/* May `rel` be a name below a prefix? Not empty, no empty, "." or ".." part, valid UTF-8, at most 1024 bytes. */
bool object_name_is_plain(const char *rel);

/* ---- the store ---- */

struct object_store;

/* Talks to nobody yet. EYE_EINVAL: the endpoint makes no sense, or half a login. */
struct object_store *object_open(const char *bucket, const struct object_config *c,
                                 struct eye_err *err);
void object_close(struct object_store *s);             /* NULL is fine */
const char *object_host(const struct object_store *s); /* for messages */
const char *object_bucket(const struct object_store *s);

/* mtime_ns: the second of its last change; the rest is a number made of its ETag, so that two versions within a second differ. */
struct object_info {
    const char *key; /* object_list: borrowed during the call; else NULL */
    uint64_t size;
    int64_t mtime_ns;
};

/* Every object whose key begins with `prefix` and is not below `after` (NULL: from the start), in byte order; max 0: all. fn non-zero
 * stops and is returned. 0: the listing was read to its end (or to max). Keys that do not begin with the prefix or do not ascend, as
 * no honest server sends them, are EYE_EREMOTE. */
typedef int object_list_fn(void *ctx, const struct object_info *info);
int object_list(struct object_store *s, const char *prefix, size_t max, object_list_fn *fn,
                void *ctx, struct eye_err *err);
/* Is the bucket there and readable, now? One try, a few seconds at most. *any (may be NULL): something begins with the prefix. */
int object_probe(struct object_store *s, const char *prefix, bool *any, struct eye_err *err);

int object_head(struct object_store *s, const char *key, struct object_info *out,
                struct eye_err *err);
/* Bytes first.. (count 0: to the end) into `fd` from its offset 0 on; *out (may be NULL) tells of the whole object. EYE_ELIMIT
 * past max_bytes. After a failure fd holds anything. */
struct object_range {
    uint64_t first, count;
};
int object_get(struct object_store *s, const char *key, const struct object_range *range, int fd,
               uint64_t max_bytes, struct object_info *out, struct eye_err *err);
/* The regular file `fd` from its start; replaces what is there. type: "image/webp" ... */
int object_put(struct object_store *s, const char *key, int fd, const char *type,
               struct eye_err *err);
int object_delete(struct object_store *s, const char *key,
                  struct eye_err *err); /* 0 also when it is not there */

#endif
