/* internal.h - what the files of src/http share. Not for other folders. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "http/http.h"

enum {
    HTTP_PARAMS_MAX = 4,   /* {name}s of a pattern */
    HTTP_QUERY_MAX = 4096, /* parameters of one query; the header limit bites before */
    HTTP_SET_MAX = 32,     /* headers of a reply */
    HTTP_PEER_MAX = 64
};

struct http_pair {
    const char *name, *value;
};

/* A list of pairs whose text lies in one block. */
struct http_pairs {
    struct http_pair *at;
    size_t n;
    char *text;
};

/* ---- watch.c: one thread that accepts, keeps deadlines and lingers ---- */

/* A connection, known by its descriptor from accept until libmicrohttpd closes it. Under watch.lock. */
struct http_conn {
    struct http_conn *next;
    int fd;
    bool started;     /* libmicrohttpd has it */
    bool busy;        /* a request is on it */
    bool linger;      /* closing with unread input: read it away first */
    int64_t deadline; /* ms; 0: none. Then it is cut */
    char peer[HTTP_PEER_MAX];
    uint8_t group[8]; /* whom the limit per address counts as one */
};

struct http_linger; /* a socket on its way out */

struct http_watch {
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    struct http_conn *conns;
    int nconns;
    struct http_linger *lingers; /* handed over by the I/O threads */
    int nlingers;
    int wake; /* eventfd */
    bool accepting, stop;
};

/* ---- worker.c ---- */
struct http_work {
    pthread_mutex_t lock;
    pthread_cond_t has_work, done;
    struct http_request *head, *tail;
    int wanted;   /* threads that are to be there for the queue */
    int nthreads; /* that are there, with those lent away */
    int alive;    /* ... and those about to end */
    int lent;     /* wait for a slow client inside a handler */
    int queued, queue_max, busy;
    bool stop;     /* workers end; nothing is queued any more */
    bool draining; /* no new streams, connections are not kept alive */
    int active;    /* requests begun and not completed */
    struct http_stream *streams;
};

struct http_server {
    struct http_config cfg; /* strings are copies */
    char *base, *spool, *url, *unix_path;
    ino_t unix_inode;
    size_t base_len;
    struct MHD_Daemon *daemon;
    int listen_fd;
    bool is_unix, is_tls;
    char *cert, *key; /* PEM text */
    struct http_watch watch;
    struct http_work work;
    atomic_uint_fast64_t requests, bytes_in, bytes_out, refused;
};

/* ---- one request ---- */
enum http_phase { PHASE_HEADERS, PHASE_BODY, PHASE_RUNNING, PHASE_SENT };

struct http_body_state; /* body.c */

struct http_request {
    struct http_server *server;
    struct MHD_Connection *conn; /* only for the I/O thread, and to resume */
    struct http_conn *node;
    struct http_request *next; /* in the queue */
    atomic_int refs;           /* libmicrohttpd's and the worker's */
    enum http_phase phase;

    char *target;      /* as sent: path and query */
    char *path;        /* decoded, whole */
    const char *below; /* of `path`, after the base path */
    const char *method_name;
    enum http_method method; /* 0: one that no route can have */
    bool head;
    struct http_pairs query, headers;
    const struct http_route *route;
    struct http_pair params[HTTP_PARAMS_MAX];
    size_t nparams;
    char *params_text;
    char peer[HTTP_PEER_MAX];
    uint64_t number;
    struct timespec begun;

    bool has_body, chunked;
    uint64_t content_length;
    struct http_body_state *body;

    /* the reply */
    struct http_pairs_out {
        char *name, *value;
    } set[HTTP_SET_MAX];
    size_t nset;
    bool broken;    /* a header that cannot be sent */
    bool replied;   /* `response` is made (or could not be) */
    bool on_worker; /* the connection is suspended */
    bool committed; /* resumed already */
    bool lent;      /* its worker has been replaced; only for the handler's thread */
    struct MHD_Response *response;
    int status;
    uint64_t bytes_out;
    struct http_stream *stream;
};

/* listen.c: binds; fills listen_fd, url, unix_path, is_unix (is_tls must be known). tls.c: cert, key, is_tls. */
int http_listen(struct http_server *s, struct eye_err *err);
void http_unlisten(struct http_server *s);
int http_tls_load(struct http_server *s, struct eye_err *err);

/* watch.c */
int http_watch_init(struct http_watch *w, struct eye_err *err);
int http_watch_start(struct http_server *s, struct eye_err *err);
void http_watch_close_door(struct http_server *s); /* no more connections; idle ones are cut */
void http_watch_cut_all(struct http_server *s);
void http_watch_stop(struct http_server *s); /* ends the thread; connections may still close */
void http_watch_release(struct http_watch *w);
void http_watch_notify(void *cls, struct MHD_Connection *conn, void **context,
                       enum MHD_ConnectionNotificationCode what);
/* When is it cut? seconds from now; 0: never. */
void http_watch_deadline(struct http_server *s, struct http_conn *node, int seconds, bool busy);
void http_watch_linger(struct http_server *s, struct http_conn *node);
int64_t http_now_ms(void);

/* linger.c: in the watch's thread, but for _add */
void http_linger_add(struct http_watch *w, int fd); /* under w->lock */
struct pollfd;
size_t http_linger_poll(struct http_watch *w, struct pollfd *fds, size_t max);
void http_linger_read(struct http_watch *w, bool end_all);

/* worker.c */
int http_work_start(struct http_server *s, struct eye_err *err);
void http_work_stop(struct http_server *s);
/* The connection must be suspended. */
void http_work_give(struct http_request *rq);
bool http_work_has_room(struct http_server *s);
/* The handler of `rq`, in its own thread, is about to wait for its client. */
void http_work_lend(struct http_request *rq);
void http_block_signals(sigset_t *old); /* server.c: threads of ours get none */

/* connection.c: the three callbacks of libmicrohttpd */
void *http_on_uri(void *cls, const char *uri, struct MHD_Connection *conn);
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **con_cls);
void http_on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                       enum MHD_RequestTerminationCode why);

/* request.c. http_request_headers: 0, or the status of the refusal with its sentence. */
struct http_request *http_request_new(struct http_server *s, const char *uri);
void http_request_unref(struct http_request *rq);
int http_request_headers(struct http_request *rq, struct MHD_Connection *conn, const char *method,
                         const char *version, const char **detail);
bool http_text_is_field(const char *value); /* no control characters but tab */
bool http_text_is_token(const char *name);

/* path.c: in place over a copy. NULL or a sentence about what is wrong (400). */
const char *http_path_decode(const char *raw, size_t len, char *out);
const char *http_query_decode(const char *raw, struct http_pairs *out);
void http_pairs_release(struct http_pairs *p);
const char *http_pairs_get(const struct http_pairs *p, const char *name);
const char *http_pairs_get_caseless(const struct http_pairs *p, const char *name);

/* route.c */
/* Sets rq->route and its params. Returns the methods that the path has, as bits (0: unknown path), -1: no memory. */
int http_route_find(struct http_request *rq);
void http_allow_text(int methods, char text[64]);

/* body.c */
/* Before the body: 0 to go on, or the status of the refusal. */
int http_body_begin(struct http_request *rq, const char **detail);
void http_body_take(struct http_request *rq, const char *bytes, size_t len);
/* After it: 0, or the status of the refusal. */
int http_body_end(struct http_request *rq, const char **detail);
bool http_body_failed(const struct http_request *rq);
/* It failed and so much more came that the client is not worth waiting for. */
bool http_body_hopeless(const struct http_request *rq);
void http_body_remove_files(struct http_request *rq);
void http_body_free(struct http_request *rq);

/* reply.c */
void http_refuse(struct http_request *rq, int status, const char *detail);
/* Queues rq->response. On the I/O thread. */
enum MHD_Result http_reply_send(struct http_request *rq);
/* For the files that make replies: takes over `response` (NULL: no memory). */
void http_reply_with(struct http_request *rq, int status, const char *type,
                     struct MHD_Response *response, uint64_t bytes);
void http_reply_forget_headers(struct http_request *rq);

/* stream.c */
void http_streams_end(struct http_server *s); /* all of them are as if the client had gone */
uint64_t http_stream_sent(const struct http_stream *st);
void http_stream_handler_returned(struct http_stream *st);
void http_stream_unref(struct http_stream *st);

#endif
