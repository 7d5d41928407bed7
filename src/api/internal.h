/* internal.h - what the files of src/api share. Not for other folders.
 *
 * A handler runs in one of http's worker threads, gets the server as `ctx`, and answers exactly once. Who may call it
 * is settled before (auth.c, guard.c, limit.c, by the route's tag). What it makes it frees before it returns. */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include <stdatomic.h>

#include "api/api.h"
#include "api/assets.h"
#include "base/json.h"

enum {
    API_JSON_MAX = 256 * 1024,             /* a JSON body but a search's */
    API_SEARCH_JSON_MAX = 1024 * 1024,     /* 32 terms of 4000 characters, and a filter */
    API_QUERY_FILE_MAX = 64 * 1024 * 1024, /* a picture to search by, uploaded */
    API_URL_FILE_MAX = 20 * 1024 * 1024,   /* a picture to search by, fetched */
    API_UPLOAD_FILES = 1000,               /* files of one upload request */
    API_SEARCH_MAX = 256 * 1024 * 1024,    /* a search with its pictures */
    API_TERMS_MAX = 32,
    API_LINE_MAX = 8000,   /* characters of a query line */
    API_LINE_SHORT = 1000, /* in an address, which holds less than a body */
    API_URLS_MAX = 4,
    API_ZIP_IDS_MAX = 10000,
    API_LIMIT_MAX = 1000 /* of any page */
};
#define API_UPLOAD_MAX (UINT64_C(4) << 30)   /* bytes of one upload request */
#define API_ID_MAX INT64_C(9007199254740991) /* what JavaScript can hold */
#define API_PREFIX "/api/v1"

/* The server: each part belongs to the file named after it, which alone looks inside. */
struct api_server {
    struct api_config cfg; /* its strings are the caller's; they outlive the server */
    eye_lib *lib;
    struct http_server *http;
    struct api_tokens *tokens;   /* tokens.c: pictures searched by */
    struct api_zips *zips;       /* zips.c: downloads that go on */
    struct api_switch *change;   /* switch.c: the change of model */
    struct api_hub *hub;         /* hub.c: events */
    struct api_limit *limit;     /* limit.c: requests a minute */
    struct api_auth *auth;       /* auth.c: keys seen lately */
    struct api_metrics *metrics; /* metrics.c */
    bool is_unix, is_loopback;   /* where it listens */
    bool key_needed;             /* --require-key, or not loopback */
    atomic_int fetching;         /* fetch_picture.c: pictures on their way from the web */
    struct api_own *own;         /* server.c: what only it needs */
};

/* ---- routes.c: the table; tag: the eye_scope that is needed, API_OPEN: none ---- */
enum { API_OPEN = 0 };
extern const struct http_route api_routes[];
extern const size_t api_nroutes;

/* ---- made and freed by server.c ---- */
struct api_tokens *api_tokens_new(struct eye_err *err);
void api_tokens_free(struct api_tokens *t);
struct api_zips *api_zips_new(struct eye_err *err);
void api_zips_free(struct api_zips *z); /* after http_drain: waits for those that go on */
struct api_switch *api_switch_new(eye_lib *lib, struct eye_err *err);
void api_switch_free(struct api_switch *c); /* stops a change that goes on */

/* ---- handlers ---- */
http_handler handle_search_get, handle_search_post;            /* handle_search.c */
http_handler handle_query;                                     /* handle_query.c */
http_handler handle_images, handle_image, handle_image_delete; /* handle_images.c */
http_handler handle_thumbnail, handle_original, handle_zip;    /* handle_files.c */
http_handler handle_upload;                                    /* handle_upload.c */
http_handler handle_jobs, handle_job_new, handle_job, handle_job_cancel, handle_job_close,
    handle_job_items; /* handle_jobs.c */
http_handler handle_roots, handle_root_add, handle_root_delete,
    handle_root_scan;                                                   /* handle_roots.c */
http_handler handle_duplicates;                                         /* handle_duplicates.c */
http_handler handle_failures, handle_failures_retry;                    /* handle_failures.c */
http_handler handle_models, handle_model_use;                           /* handle_models.c */
http_handler handle_status;                                             /* handle_status.c */
http_handler handle_samples;                                            /* handle_samples.c */
http_handler handle_openapi;                                            /* openapi.c */
http_handler handle_page;                                               /* page.c: the fallback */
http_handler handle_events;                                             /* hub.c */
http_handler handle_keys, handle_key_new, handle_key_delete;            /* handle_keys.c */
http_handler handle_session, handle_session_open, handle_session_close; /* handle_session.c */
http_handler handle_healthz, handle_readyz, handle_metrics;             /* handle_metrics.c */

/* ---- problem.c: RFC 9457 ---- */
int api_status_of(int code); /* HTTP status of an EYE_E... */
void api_problem(struct http_request *rq, int status, const char *code, const char *detail);
void api_problem_err(struct http_request *rq, const struct eye_err *err);
/* 400 that points into a text: members `at` and `len`, in characters. */
void api_problem_at(struct http_request *rq, const struct eye_err *err, size_t at, size_t len);
/* http_config.error */
void api_http_error(struct http_request *rq, int status, const char *detail, void *ctx);

/* ---- out.c: an answer in JSON ---- */
struct api_out {
    struct buf buf;
    struct json_writer w;
};
void api_out_init(struct api_out *o);
void api_out_drop(struct api_out *o);
void api_out_send(struct http_request *rq, int status, struct api_out *o); /* frees */
void api_no_content(struct http_request *rq);                              /* 204 */

/* ---- fields.c: a value from outside, checked: of a query's parameter or a JSON body's member, by the same table ---- */
enum api_kind {
    API_INT,  /* int64_t; lo..hi */
    API_NUM,  /* double; lo..hi */
    API_TEXT, /* const char *, borrowed from the request or body; lo..hi characters */
    API_FLAG, /* char: 'y', 'n'; a query says true, false, 1, 0 */
    API_TIME, /* int64_t, seconds since 1970 */
    API_WORD, /* int: 1 + index in `words` */
    API_BOX,  /* struct api_box: "south,west,north,east" */
    API_LEFT  /* anything: looked at by the caller */
};
struct api_field {
    const char *name;
    enum api_kind kind;
    size_t at; /* offsetof the target; it keeps its value when the field is absent */
    double lo, hi;
    const char *const *words; /* API_WORD; ends in NULL */
};
/* Degrees; west > east: across the date line. */
struct api_box {
    double south, west, north, east;
    bool set;
};
/* All parameters of the query. EYE_EINVAL: unknown, twice, malformed, out of range. */
int api_query(struct http_request *rq, const struct api_field *fields, size_t n, void *target,
              struct eye_err *err);
/* One of them. `seen`: bits of the fields that came already. */
int api_query_one(const struct api_field *fields, size_t n, void *target, uint32_t *seen,
                  const char *name, const char *value, struct eye_err *err);
/* All members of `obj`; `what` names it in messages, e.g. "filter". *seen (may be NULL) gets the bits of those that came. */
int api_members(const struct json *obj, const char *what, const struct api_field *fields, size_t n,
                void *target, uint32_t *seen, struct eye_err *err);
int api_path_id(struct http_request *rq, int64_t *id, struct eye_err *err); /* {id} */
int api_parse_time(const char *text, int64_t *out); /* "2024-05-01", "2024-05-01T12:30:00Z" */
/* No query parameter at all is allowed: answers 400 itself and returns false. */
bool api_no_query(struct http_request *rq);
size_t api_characters(const char *utf8);

/* ---- json_body.c ---- */
/* The body as a JSON object, of a request without parameters. NULL: it has answered (400, 415). Free with json_free. */
struct json *api_body(struct http_request *rq);
struct json *api_body_text(struct http_request *rq, const char *text, size_t len);
bool api_type_is(const char *content_type,
                 const char *want); /* "application/json", parameters aside */

/* ---- shapes.c ---- */
void shape_time(struct json_writer *w, const char *key, int64_t t); /* ISO 8601 or null */
void shape_name(struct json_writer *w, const char *path);           /* "name", "path" */
void shape_summary(struct json_writer *w, const eye_result *r, bool scored);
void shape_picture(struct json_writer *w, const eye_picture *p);
void shape_job(struct json_writer *w, const eye_job *j);
void shape_item(struct json_writer *w, const eye_item *i);
/* watch NULL: it is not watched. */
void shape_root(struct json_writer *w, const eye_root *r, const eye_watch_state *watch);
const char *shape_watch_how(eye_watch_how how);
void shape_failure(struct json_writer *w, const eye_failure *f);
void shape_model(struct json_writer *w, const eye_model *m);
const char *shape_item_state(eye_item_state s);

/* ---- filter.c: a filter as it comes in ---- */
struct api_filter {
    const char *path, *name, *camera;
    int64_t root, taken_from, taken_to, added_from, added_to, modified_from, modified_to;
    int64_t min_width, min_height, max_width, max_height;
    double min_megapixels, max_megapixels;
    int format, orientation;
    char gps;
    struct api_box box;
};
enum { API_FILTER_FIELDS = 20 };
extern const struct api_field api_filter_fields[API_FILTER_FIELDS];
void api_filter_init(struct api_filter *f);
void api_filter_to(const struct api_filter *f, eye_filter *out);

/* ---- line.c: a query line as it comes in ---- */
struct api_line {
    const char *text; /* borrowed; NULL: none came */
    eye_ask *ask;     /* what it means; NULL: not read, or wrong */
    eye_span where;   /* of the error; nowhere: {0, 0} */
};
int api_line_read(struct api_line *l,
                  struct eye_err *err); /* EYE_EINVAL: also a line that names a file */
void api_line_release(struct api_line *l);
void api_line_problem(struct http_request *rq, const struct api_line *l, const struct eye_err *err);
eye_span api_line_characters(const char *text, eye_span bytes); /* the same place in characters */

/* ---- tokens.c ---- */
enum { API_TOKEN_LEN = 33 };
/* Takes fd over; a sealed copy of it is remembered. */
int api_tokens_add(struct api_tokens *t, int fd, uint64_t size, char token[API_TOKEN_LEN],
                   struct eye_err *err);
int api_tokens_open(struct api_tokens *t, const char *token,
                    struct eye_err *err); /* fd, yours; EYE_ENOTFOUND */
int api_memory_file(struct eye_err *err); /* an empty memfd, yours */

/* ---- fetch_picture.c: a picture from the web into a memory file ---- */
int api_fetch_picture(struct api_server *s, const char *url, uint64_t *size, struct eye_err *err);

/* ---- zips.c ---- */
/* Streams the zip in a thread of its own; takes `ids` over (malloc). Answers. */
void api_zips_begin(struct api_server *s, struct http_request *rq, int64_t *ids, size_t n);

/* ---- switch.c ---- */
int api_switch_begin(struct api_switch *c, const char *model, struct eye_err *err); /* EYE_EBUSY */
void api_switch_shape(struct api_switch *c, struct json_writer *w);

/* ---- disposition.c, accept.c ---- */
/* Content-Disposition by RFC 6266; `name` is bytes. */
int api_disposition(struct buf *out, bool attachment, const char *name, struct eye_err *err);
enum api_coding { CODING_RAW, CODING_GZIP, CODING_BROTLI };
enum api_coding api_accept_coding(const char *accept_encoding, bool gzip, bool brotli);
/* html with `base` written into its <base href="/">. */
int api_page_rebase(struct buf *out, const char *html, size_t len, const char *base,
                    struct eye_err *err);
bool api_accepts_html(const char *accept);

/* ---- jobs ---- */
/* Answers with the job: 200, 201 (and Location), 202. */
void api_reply_job(struct api_server *s, struct http_request *rq, int status, int64_t id);
void api_set_job_location(struct http_request *rq, int64_t id);
int api_shape_job(struct api_server *s, struct json_writer *w, int64_t id, struct eye_err *err);
/* The path of root `id`, yours. EYE_ENOTFOUND. */
char *api_root_path(struct api_server *s, int64_t id, bool *uploads, struct eye_err *err);
/* Id of the root that the real path lies in; 0: none, -1: failed. */
int64_t api_root_of(struct api_server *s, const char *path, struct eye_err *err);
bool api_below(const char *folder, const char *path); /* path is folder or lies in it */

/* ---- SERVE ---- */
eye_scope api_request_scope(struct api_server *s, struct http_request *rq); /* server.c; 0: none */
void api_library_changed(struct api_server *s); /* hub.c: pictures came or went: event `library` */

#endif
