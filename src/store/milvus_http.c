/* milvus_http.c - one gRPC request over libcurl: HTTP/2 without TLS ("prior knowledge") or with it (ALPN), answers with trailers.
 *
 * gRPC is a POST with a five-byte frame before the message and the outcome in the header `grpc-status`, which comes in a trailer, or, for an error without a
 * body, in the first headers. libcurl gives both to the header callback; curl_easy_header() finds no trailers in 7.88, so it is not asked.
 * What was measured (research, Debian 12's libcurl 7.88, servers 2.3.5 and lite):
 *   - content-type must be exactly application/grpc, or 2.3.5 takes us for its REST side and resets; lite insists on "te: trailers".
 *   - libcurl before 8.0 fails (CURLE_HTTP2) whenever it takes up a kept connection that was made with prior knowledge (curl #10634). So such a
 *     connection is made with prior knowledge and then asked with plain "HTTP/2", which on a live one sends no Upgrade. Had it died meanwhile, libcurl dials
 *     with HTTP/1.1; nothing can have been executed then (the server answers 404 or not at all), and the request is made once more on a new one.
 *     A connection for each request would do, too; it costs 0.3 ms each.
 *   - After any failure the next request must not take a kept connection: libcurl would pick the half-dead one. So one handle has one connection.
 *   - A GOAWAY or a close right behind the trailers makes libcurl forget those and report success: an answer without an outcome is asked for again.
 *   - The server may reset the stream right after an early answer: a grpc-status that has come beats libcurl's error.
 * Nothing is followed (redirects, proxies of the environment, .netrc): a store's address leads where it says.
 *
 * One connection for many requests at once, as HTTP/2 can, was dropped: what it saves, a few sockets, is not worth an event loop. */
#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "store/milvus_wire.h"

enum { HEADERS_MAX = 65536, CONNECT_MS = 5000, IDLE_MAX = 8, TELL_AFTER_MS = 1000, TELL_MS = 250 };

struct link {
    CURLM *multi; /* its connection lives here */
    CURL *curl;
    bool alive; /* its connection was good after the last request */
    struct link *next;
};

struct milvus_http {
    const struct milvus_place *place;
    pthread_mutex_t lock; /* guards what is below */
    struct link *idle;
    size_t nidle;
    unsigned dialled;
    bool sound; /* libcurl takes up kept connections by itself (8.0 and later) */
};

/* One request: what libcurl's callbacks write to. */
struct posting {
    struct buf *answer;
    int grpc; /* -1: not seen */
    char message[512];
    bool is_grpc; /* content-type says so */
    bool too_large;
    size_t headers;
    const struct milvus_options *options;
    const char *name;
    int64_t since, start, told; /* ms; since: of the call, start: of this try */
    bool stopped;
    struct curl_slist *list;
    char why[CURL_ERROR_SIZE];
    CURLcode code;
    long http, version;
};

int64_t milvus_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what libcurl calls ---- */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)ctx, (void)purpose;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t take_body(char *bytes, size_t one, size_t len, void *ctx)
{
    (void)one;
    struct posting *p = ctx;
    struct eye_err err = {0, ""};
    if (buf_append(p->answer, bytes, len, &err) == 0)
        return len;
    p->too_large = err.code == EYE_ELIMIT;
    return CURL_WRITEFUNC_ERROR;
}

/* grpc-message is percent-encoded UTF-8. */
static void take_message(char *to, size_t cap, const char *s, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n && k + 1 < cap; i++) {
        char two[3] = {0, 0, 0};
        if (s[i] == '%' && i + 2 < n && isxdigit((unsigned char)s[i + 1]) &&
            isxdigit((unsigned char)s[i + 2])) {
            memcpy(two, s + i + 1, 2);
            to[k++] = (char)strtoul(two, NULL, 16);
            i += 2;
        } else {
            to[k++] = s[i];
        }
    }
    to[k] = '\0';
}

/* The value of header NAME in a line of n bytes, or NULL; *len its length. */
static const char *header_value(const char *line, size_t n, const char *name, size_t *len)
{
    size_t k = strlen(name);
    if (n <= k || strncasecmp(line, name, k) != 0 || line[k] != ':')
        return NULL;
    for (k++; k < n && line[k] == ' '; k++)
        ;
    *len = n - k;
    return line + k;
}

static size_t take_header(char *bytes, size_t one, size_t len, void *ctx)
{
    (void)one;
    struct posting *p = ctx;
    size_t n = len, value_len = 0;
    const char *value = NULL;
    p->headers += len;
    if (p->headers > HEADERS_MAX) {
        p->too_large = true;
        return 0;
    }
    while (n > 0 && (bytes[n - 1] == '\r' || bytes[n - 1] == '\n'))
        n--;
    if ((value = header_value(bytes, n, "grpc-status", &value_len)) != NULL) {
        int status = 0;
        bool digits = value_len > 0 && value_len <= 3;
        for (size_t i = 0; digits && i < value_len; i++) {
            digits = isdigit((unsigned char)value[i]) != 0;
            status = status * 10 + (value[i] - '0');
        }
        p->grpc = digits ? status : 2; /* what is no number is "unknown" */
    } else if ((value = header_value(bytes, n, "grpc-message", &value_len)) != NULL) {
        take_message(p->message, sizeof(p->message), value, value_len);
    } else if ((value = header_value(bytes, n, "content-type", &value_len)) != NULL) {
        p->is_grpc = value_len >= 16 && strncasecmp(value, "application/grpc", 16) == 0;
    }
    return len;
}

static int look_in(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    struct posting *p = ctx;
    int64_t now = milvus_now_ms();
    if (!p->options->wait || now - p->start < TELL_AFTER_MS || now - p->told < TELL_MS)
        return 0;
    char what[400];
    snprintf(what, sizeof(what), "waiting for an answer from %s", p->name);
    p->told = now;
    p->stopped =
        p->options->wait(p->options->wait_ctx, what, -1, (double)(now - p->since) / 1000) != 0;
    return p->stopped;
}

/* ---- links ---- */

static bool set_up(CURL *h, const struct milvus_place *place)
{
    bool ok = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, place->tls ? "https" : "http") == 0 &&
              curl_easy_setopt(h, CURLOPT_POST, 1L) == 0 &&
              curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == 0 &&
              curl_easy_setopt(h, CURLOPT_PROXY, "") == 0 &&
              curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == 0 &&
              curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == 0 &&
              curl_easy_setopt(h, CURLOPT_MAXCONNECTS, 1L) == 0 &&
              curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L) == 0 &&
              curl_easy_setopt(h, CURLOPT_USERAGENT, "eyeshine/" EYESHINE_VERSION) == 0 &&
              curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket) == 0 &&
              curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body) == 0 &&
              curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header) == 0 &&
              curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, look_in) == 0 &&
              curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L) == 0;
    if (ok && place->ca)
        ok = curl_easy_setopt(h, CURLOPT_CAINFO, place->ca) == 0;
    return ok;
}

static void link_free(struct link *l)
{
    curl_easy_cleanup(l->curl);
    curl_multi_cleanup(l->multi);
    free(l);
}

static struct link *link_take(struct milvus_http *http)
{
    pthread_mutex_lock(&http->lock);
    struct link *l = http->idle;
    if (l) {
        http->idle = l->next;
        http->nidle--;
    }
    pthread_mutex_unlock(&http->lock);
    if (l)
        return l;
    l = calloc(1, sizeof(*l));
    if (l) {
        l->multi = curl_multi_init();
        l->curl = curl_easy_init();
    }
    if (l && (!l->multi || !l->curl || !set_up(l->curl, http->place) ||
              curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK)) {
        link_free(l);
        l = NULL;
    }
    return l;
}

/* Kept for the next one if its connection is good and there are not many. */
static void link_give(struct milvus_http *http, struct link *l, unsigned dialled)
{
    pthread_mutex_lock(&http->lock);
    http->dialled += dialled;
    bool keep = l->alive && http->nidle < IDLE_MAX;
    if (keep) {
        l->next = http->idle;
        http->idle = l;
        http->nidle++;
    }
    pthread_mutex_unlock(&http->lock);
    if (!keep)
        link_free(l);
}

struct milvus_http *milvus_http_new(const struct milvus_place *place, struct eye_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        eye_fail(err, EYE_EINTERNAL, "libcurl cannot be set up");
        return NULL;
    }
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (!(v->features & CURL_VERSION_HTTP2)) {
        eye_fail(err, EYE_EINTERNAL, "%s: this libcurl (%s) speaks no HTTP/2", place->name,
                 v->version);
        return NULL;
    }
    struct milvus_http *http = mem_calloc(1, sizeof(*http), err);
    if (!http)
        return NULL;
    http->place = place;
    http->sound = v->version_num >= 0x080000 || place->tls;
    pthread_mutex_init(&http->lock, NULL);
    return http;
}

void milvus_http_free(struct milvus_http *http)
{
    if (!http)
        return;
    while (http->idle) {
        struct link *l = http->idle;
        http->idle = l->next;
        link_free(l);
    }
    pthread_mutex_destroy(&http->lock);
    free(http);
}

unsigned milvus_http_dialled(struct milvus_http *http)
{
    pthread_mutex_lock(&http->lock);
    unsigned n = http->dialled;
    pthread_mutex_unlock(&http->lock);
    return n;
}

/* ---- one request ---- */

static bool add_header(struct posting *p, const char *line)
{
    struct curl_slist *more = curl_slist_append(p->list, line);
    p->list = more ? more : p->list;
    return more != NULL;
}

static bool prepare(struct posting *p, struct milvus_http *http, CURL *h, const char *method,
                    const struct buf *frame, int timeout_ms)
{
    char url[600], limit[40];
    snprintf(url, sizeof(url), "%s/milvus.proto.milvus.MilvusService/%s", http->place->base,
             method);
    snprintf(limit, sizeof(limit), "grpc-timeout: %dm", timeout_ms);
    long connect_ms = timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS;
    return add_header(p, "content-type: application/grpc") && add_header(p, "te: trailers") &&
           add_header(p, "accept:") && add_header(p, "expect:") && add_header(p, limit) &&
           (!http->place->login || add_header(p, http->place->login)) &&
           curl_easy_setopt(h, CURLOPT_URL, url) == 0 &&
           curl_easy_setopt(h, CURLOPT_HTTPHEADER, p->list) == 0 &&
           curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)frame->len) == 0 &&
           curl_easy_setopt(h, CURLOPT_POSTFIELDS, frame->data) == 0 &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == 0 &&
           curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == 0 &&
           curl_easy_setopt(h, CURLOPT_ERRORBUFFER, p->why) == 0 &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, p) == 0 &&
           curl_easy_setopt(h, CURLOPT_HEADERDATA, p) == 0 &&
           curl_easy_setopt(h, CURLOPT_XFERINFODATA, p) == 0;
}

/* As curl_easy_perform, which sleeps until the socket is readable or a second has passed, while 7.88 may still have data of an HTTP/2 stream
 * in its own buffers: every second or third answer of 13 kB took a second longer. Here the sleep after the last byte is short and grows. */
static CURLcode transfer(struct link *l)
{
    enum { SLEEP_MAX_MS = 64 };
    CURLcode code = CURLE_FAILED_INIT;
    curl_off_t have = 0, had = -1;
    int running = 1, sleep_ms = 1, left = 0;
    bool good = curl_multi_add_handle(l->multi, l->curl) == CURLM_OK;
    while (good && curl_multi_perform(l->multi, &running) == CURLM_OK && running) {
        curl_easy_getinfo(l->curl, CURLINFO_SIZE_DOWNLOAD_T, &have);
        sleep_ms = have != had ? 1 : sleep_ms < SLEEP_MAX_MS ? 2 * sleep_ms : SLEEP_MAX_MS;
        had = have;
        good = curl_multi_poll(l->multi, NULL, 0, sleep_ms, NULL) == CURLM_OK;
    }
    for (CURLMsg *msg; (msg = curl_multi_info_read(l->multi, &left)) != NULL;)
        if (msg->msg == CURLMSG_DONE)
            code = msg->data.result;
    curl_multi_remove_handle(l->multi, l->curl);
    return code;
}

/* Once on the connection of `l`, or on a new one. True: it is of no use to ask again at once. */
static bool perform(struct posting *p, struct milvus_http *http, struct link *l, unsigned *dialled)
{
    bool was = l->alive;
    long version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, connects = 0;
    if (http->place->tls)
        version = CURL_HTTP_VERSION_2TLS;
    else if (was && !http->sound)
        version = CURL_HTTP_VERSION_2_0;
    buf_clear(p->answer);
    p->grpc = -1;
    p->message[0] = p->why[0] = '\0';
    p->is_grpc = p->too_large = false;
    p->headers = 0;
    if (curl_easy_setopt(l->curl, CURLOPT_HTTP_VERSION, version) != 0 ||
        curl_easy_setopt(l->curl, CURLOPT_FRESH_CONNECT, was ? 0L : 1L) != 0) {
        p->code = CURLE_OUT_OF_MEMORY;
        return true;
    }
    p->code = transfer(l);
    p->http = p->version = 0;
    curl_easy_getinfo(l->curl, CURLINFO_HTTP_VERSION, &p->version);
    curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, &p->http);
    curl_easy_getinfo(l->curl, CURLINFO_NUM_CONNECTS, &connects);
    *dialled += (unsigned)connects;
    bool lost = p->code == CURLE_OK && p->is_grpc && p->grpc < 0;
    l->alive = p->code == CURLE_OK && p->version == CURL_HTTP_VERSION_2_0 && !lost;
    return l->alive || (!was && !lost) || p->grpc > 0 || p->stopped || p->too_large ||
           p->code == CURLE_OPERATION_TIMEDOUT;
}

/* ---- what became of it ---- */

static void say(struct milvus_try *t, enum milvus_end end, const char *why)
{
    t->end = end;
    snprintf(t->why, sizeof(t->why), "%s", why);
}

/* The codes of gRPC (https://grpc.io/docs/guides/status-codes/). */
static enum milvus_end end_of_grpc(int status, const char *message)
{
    switch (status) {
    case 1:  /* cancelled: it is shutting down */
    case 4:  /* deadline exceeded */
    case 10: /* aborted */
    case 14: /* unavailable */ return MILVUS_END_AWAY;
    case 8: /* resource exhausted: for good when a message is too large, else for now */
        return strstr(message, "larger than max") ? MILVUS_END_LARGE : MILVUS_END_AWAY;
    case 7:
    case 16: return MILVUS_END_LOGIN;
    default: return MILVUS_END_NO;
    }
}

static void tell_grpc(const struct posting *p, struct milvus_try *t)
{
    t->grpc = p->grpc;
    say(t, end_of_grpc(p->grpc, p->message), p->message);
    if (!p->message[0])
        snprintf(t->why, sizeof(t->why), "gRPC status %d", p->grpc);
}

static void tell_curl(const struct posting *p, struct milvus_try *t)
{
    switch (p->code) {
    case CURLE_COULDNT_RESOLVE_HOST: say(t, MILVUS_END_AWAY, "there is no such host"); break;
    case CURLE_COULDNT_CONNECT: say(t, MILVUS_END_AWAY, "nobody answers there"); break;
    case CURLE_OPERATION_TIMEDOUT: say(t, MILVUS_END_AWAY, "no answer in time"); break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: say(t, MILVUS_END_TLS, "its certificate is not trusted"); break;
    case CURLE_SSL_CONNECT_ERROR: say(t, MILVUS_END_TLS, "no TLS connection can be made"); break;
    case CURLE_OUT_OF_MEMORY: say(t, MILVUS_END_MEMORY, "out of memory"); break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2: say(t, MILVUS_END_STRANGE, "what answers there does not speak gRPC"); break;
    default: /* broken off in one of many ways; libcurl's own text of these names no URL */
        say(t, MILVUS_END_AWAY, "the connection broke off");
        break;
    }
}

static void tell_http(const struct posting *p, struct milvus_try *t)
{
    bool later = p->http == 502 || p->http == 503 || p->http == 504 || p->http == 429;
    say(t, later ? MILVUS_END_AWAY : MILVUS_END_STRANGE, "");
    snprintf(t->why, sizeof(t->why), "what answers there does not speak gRPC (HTTP status %ld)",
             p->http);
}

/* The frame: one message, not compressed, as long as it says. */
static void take_frame(struct buf *a, struct milvus_try *t)
{
    const unsigned char *b = (const unsigned char *)a->data;
    if (a->len < MILVUS_FRAME) {
        say(t, MILVUS_END_STRANGE, "it sent an answer without a message");
        return;
    }
    size_t len = (size_t)b[1] << 24 | (size_t)b[2] << 16 | (size_t)b[3] << 8 | b[4];
    if (b[0] != 0)
        say(t, MILVUS_END_STRANGE, "it sent a compressed answer, which was not asked for");
    else if (len != a->len - MILVUS_FRAME)
        say(t, MILVUS_END_STRANGE, "it sent an answer that is cut short or has more behind it");
    else {
        memmove(a->data, a->data + MILVUS_FRAME, len);
        a->len = len;
        a->data[len] = '\0';
        say(t, MILVUS_END_OK, "");
    }
}

static void judge(const struct posting *p, struct milvus_try *t)
{
    if (p->stopped)
        say(t, MILVUS_END_STOPPED, "no answer in time");
    else if (p->too_large)
        say(t, MILVUS_END_LARGE, "its answer is larger than any that is expected");
    else if (p->grpc > 0)
        tell_grpc(p, t);
    else if (p->code == CURLE_WRITE_ERROR)
        say(t, MILVUS_END_MEMORY, "out of memory");
    else if (p->code != CURLE_OK)
        tell_curl(p, t);
    else if (p->http != 200 || !p->is_grpc)
        tell_http(p, t);
    else if (p->version != CURL_HTTP_VERSION_2_0 || p->grpc < 0)
        say(t, MILVUS_END_STRANGE, "it sent an answer without an outcome");
    else {
        t->grpc = 0;
        take_frame(p->answer, t);
    }
}

void milvus_http_post(struct milvus_http *http, const char *method, const struct buf *frame,
                      int timeout_ms, const struct milvus_options *options, int64_t since,
                      struct buf *answer, struct milvus_try *t)
{
    struct posting p = {
        .answer = answer, .options = options, .name = http->place->name, .since = since};
    unsigned dialled = 0;
    memset(t, 0, sizeof(*t));
    t->grpc = -1;
    struct link *l = link_take(http);
    if (!l) {
        say(t, MILVUS_END_MEMORY, "out of memory");
        return;
    }
    p.start = milvus_now_ms();
    if (prepare(&p, http, l->curl, method, frame, timeout_ms)) {
        if (!perform(&p, http, l, &dialled))
            perform(&p, http, l, &dialled);
        judge(&p, t);
    } else {
        say(t, MILVUS_END_MEMORY, "out of memory");
    }
    l->alive = l->alive && t->end != MILVUS_END_STRANGE;
    curl_easy_setopt(l->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(l->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(p.list);
    link_give(http, l, dialled);
    milvus_place_hide(http->place, t->why);
}
