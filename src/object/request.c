/* request.c - one exchange with the server over libcurl: signed, within deadlines, tried again while that may help.
 *
 * libcurl signs (CURLOPT_AWS_SIGV4). What of it is known to go wrong is kept from it: it does not sort or encode a query, so ours come sorted
 * and encoded as the signature wants them; it does not know a body's hash, so each request brings x-amz-content-sha256; it would
 * sign a redirected request for the wrong host, so redirects are not followed (a bucket in another region is a message); it signs a header
 * that it is told not to send ("Expect:"), so there is none. The tests hold
 * every request against a check of signatures that shares nothing with libcurl. Signing by ourselves was not needed.
 *
 * Handles are kept with their connections. Tried again are lost connections, stalls, 429 and 5xx; what the server refuses is not. Proxies
 * of the environment and .netrc are not used: the endpoint is this machine's own choice and what goes there are secrets. */
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "object/internal.h"

enum { CONNECT_MS = 10000, STALL_MS = 30000, TRIES = 4, PAUSE_MS = 200, PAUSE_MAX_MS = 5000 };
enum { HEADERS_MAX = 65536 };

/* SHA-256 of nothing. */
static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct exchange {
    struct object_store *s;
    const struct object_request *r;
    struct object_answer *a;
    CURL *curl;
    struct curl_slist *headers;
    struct object_xml *error; /* body of an answer that is no success */
    size_t got_headers, got_error;
    char etag[128];
    bool etagged;
    int stopped; /* what r->body returned */
    off_t sent;
    bool unreadable; /* the file to be sent */
};

int object_say(struct object_store *s, const char *key, int code, struct eye_err *err,
               const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return eye_fail(err, code, "s3://%s%s%s: %s", s->bucket, key && *key ? "/" : "", key ? key : "",
                    text);
}

/* ---- handles ---- */

static CURL *borrow(struct object_store *s)
{
    CURL *h = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->nidle)
        h = s->idle[--s->nidle];
    pthread_mutex_unlock(&s->lock);
    return h ? h : curl_easy_init();
}

static void give_back(struct object_store *s, CURL *h)
{
    if (!h)
        return;
    curl_easy_reset(h); /* forgets the login, keeps the connection */
    pthread_mutex_lock(&s->lock);
    if (s->nidle < OBJECT_IDLE) {
        s->idle[s->nidle++] = h;
        h = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    if (h)
        curl_easy_cleanup(h);
}

/* ---- what libcurl calls ---- */

static size_t take_error(struct exchange *e, const char *bytes, size_t len)
{
    e->got_error += len;
    if (e->got_error <= OBJECT_ERROR_MAX && e->error)
        object_xml_feed(e->error, bytes, len, false);
    return e->got_error <= OBJECT_ERROR_MAX ? len : CURL_WRITEFUNC_ERROR;
}

static size_t take_body(char *bytes, size_t one, size_t len, void *ctx)
{
    (void)one;
    struct exchange *e = ctx;
    long status = 0;
    curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return take_error(e, bytes, len);
    e->stopped = e->r->body ? e->r->body(e->r->ctx, bytes, len) : 0;
    return e->stopped ? CURL_WRITEFUNC_ERROR : len;
}

/* The value of header `name`, without blanks around it, if the line is that one. */
static bool header_is(const char *line, size_t len, const char *name, const char **value,
                      size_t *vlen)
{
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    const char *v = line + n + 1, *end = line + len;
    while (v < end && (*v == ' ' || *v == '\t'))
        v++;
    while (end > v && strchr(" \t\r\n", end[-1]))
        end--;
    *value = v;
    *vlen = (size_t)(end - v);
    return true;
}

static void read_whole(struct object_answer *a, const char *value, size_t len)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(len < 63 ? len : 63), value);
    const char *slash = strchr(text, '/');
    char *end = NULL;
    unsigned long long v = slash ? strtoull(slash + 1, &end, 10) : 0;
    if (slash && end != slash + 1 && *end == '\0')
        a->whole = v;
}

static size_t take_header(char *bytes, size_t one, size_t len, void *ctx)
{
    (void)one;
    struct exchange *e = ctx;
    const char *value;
    size_t n;
    e->got_headers += len;
    if (header_is(bytes, len, "ETag", &value, &n) && n < sizeof e->etag) {
        memcpy(e->etag, value, n);
        e->etag[n] = '\0';
        e->etagged = true;
    } else if (header_is(bytes, len, "Content-Range", &value, &n)) {
        read_whole(e->a, value, n);
    } else if (header_is(bytes, len, "x-amz-bucket-region", &value, &n)) {
        bool plain = n < sizeof e->a->region;
        for (size_t i = 0; plain && i < n; i++)
            plain = (value[i] >= 'a' && value[i] <= 'z') || (value[i] >= '0' && value[i] <= '9') ||
                    value[i] == '-';
        if (plain)
            snprintf(e->a->region, sizeof e->a->region, "%.*s", (int)n, value);
    }
    return e->got_headers <= HEADERS_MAX ? len : 0;
}

static size_t give_body(char *out, size_t one, size_t len, void *ctx)
{
    struct exchange *e = ctx;
    ssize_t n = pread(e->r->in, out, one * len, e->sent);
    if (n < 0) {
        e->unreadable = true;
        return CURL_READFUNC_ABORT;
    }
    e->sent += n;
    return (size_t)n;
}

/* ---- setting up ---- */

static bool add_header(struct exchange *e, const char *name, const char *value)
{
    struct buf line;
    buf_init(&line, 1 << 16);
    struct curl_slist *more = buf_printf(&line, NULL, "%s: %s", name, value) == 0
                                  ? curl_slist_append(e->headers, line.data)
                                  : NULL;
    if (line.data)
        explicit_bzero(line.data, line.cap); /* it may have been the token */
    buf_release(&line);
    e->headers = more ? more : e->headers;
    return more != NULL;
}

static bool set_headers(struct exchange *e)
{
    const struct object_request *r = e->r;
    bool ok = true;
    if (e->s->sign)
        ok = add_header(e, "x-amz-content-sha256", r->hash ? r->hash : empty_hash) &&
             (!e->s->c.token || add_header(e, "x-amz-security-token", e->s->c.token));
    if (ok && r->type)
        ok = add_header(e, "Content-Type", r->type);
    return ok && curl_easy_setopt(e->curl, CURLOPT_HTTPHEADER, e->headers) == CURLE_OK;
}

static bool set_login(struct exchange *e)
{
    const struct object_store *s = e->s;
    return !s->sign || (curl_easy_setopt(e->curl, CURLOPT_AWS_SIGV4, s->sign) == CURLE_OK &&
                        curl_easy_setopt(e->curl, CURLOPT_USERNAME, s->c.key) == CURLE_OK &&
                        curl_easy_setopt(e->curl, CURLOPT_PASSWORD, s->c.secret) == CURLE_OK);
}

static bool set_method(struct exchange *e)
{
    const struct object_request *r = e->r;
    CURL *h = e->curl;
    if (strcmp(r->method, "HEAD") == 0)
        return curl_easy_setopt(h, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (strcmp(r->method, "PUT") == 0)
        return curl_easy_setopt(h, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_READFUNCTION, give_body) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_READDATA, e) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->in_size) == CURLE_OK;
    if (strcmp(r->method, "DELETE") == 0)
        return curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, "DELETE") == CURLE_OK;
    return !r->range || curl_easy_setopt(h, CURLOPT_RANGE, r->range) == CURLE_OK;
}

static bool set_limits(struct exchange *e)
{
    const struct object_config *c = &e->s->c;
    CURL *h = e->curl;
    long connect = c->connect_ms ? c->connect_ms : CONNECT_MS;
    long stall = ((c->stall_ms ? c->stall_ms : STALL_MS) + 999) / 1000;
    long most = e->r->max_ms;
    return curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, connect) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1024L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, stall) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, most) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_FILETIME, 1L) == CURLE_OK &&
           (!c->ca_file || curl_easy_setopt(h, CURLOPT_CAINFO, c->ca_file) == CURLE_OK);
}

static bool set_url(struct exchange *e, struct eye_err *err)
{
    struct buf url;
    buf_init(&url, 1 << 16);
    int rc = buf_printf(&url, err, "%s/", e->s->base);
    if (!rc && e->r->key)
        rc = object_encode(&url, e->r->key, true, err);
    if (!rc && e->r->query)
        rc = buf_printf(&url, err, "?%s", e->r->query);
    bool ok = !rc && curl_easy_setopt(e->curl, CURLOPT_URL, url.data) == CURLE_OK;
    buf_release(&url);
    return ok;
}

static bool set_up(struct exchange *e, struct eye_err *err)
{
    CURL *h = e->curl;
    return set_url(e, err) &&
           curl_easy_setopt(h, CURLOPT_USERAGENT, "eyeshine/" EYESHINE_VERSION) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, e) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HEADERDATA, e) == CURLE_OK && set_limits(e) &&
           set_method(e) && set_login(e) && set_headers(e);
}

/* ---- what came of it ---- */

static void tell_answer(struct exchange *e)
{
    long status = 0;
    curl_off_t length = -1, when = -1;
    curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(e->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(e->curl, CURLINFO_FILETIME_T, &when);
    e->a->status = (int)status;
    e->a->length = length < 0 ? UINT64_MAX : (uint64_t)length;
    e->a->dated = when >= 0;
    e->a->mtime_ns = when < 0 ? 0 : object_stamp(when, e->etag, e->etagged ? strlen(e->etag) : 0);
}

/* No answer, or half of one. */
static int say_lost(struct exchange *e, CURLcode code, struct eye_err *err)
{
    const char *host = e->s->host, *key = e->r->key;
    if (e->unreadable)
        return object_say(e->s, key, EYE_EIO, err, "the file to be stored cannot be read");
    switch (code) {
    case CURLE_OUT_OF_MEMORY: return eye_fail(err, EYE_ENOMEM, "out of memory");
    case CURLE_OPERATION_TIMEDOUT:
        return object_say(e->s, key, EYE_EREMOTE, err, "%s did not answer in time", host);
    case CURLE_COULDNT_RESOLVE_HOST:
        return object_say(e->s, key, EYE_EREMOTE, err, "there is no such host: %s", host);
    case CURLE_COULDNT_CONNECT:
        return object_say(e->s, key, EYE_EREMOTE, err, "cannot connect to %s; is it running there?",
                          host);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
        return object_say(
            e->s, key, EYE_EREMOTE, err,
            "no trusted TLS connection to %s can be made (AWS_CA_BUNDLE names a file of "
            "certificates to trust)",
            host);
    default:
        return object_say(e->s, key, EYE_EREMOTE, err, "the connection to %s broke off: %s", host,
                          curl_easy_strerror(code));
    }
}

static int say_forbidden(struct exchange *e, const char *code, struct eye_err *err)
{
    static const struct {
        const char *code, *text;
    } known[] = {
        {"SignatureDoesNotMatch", "refuses the login: the secret key is wrong"},
        {"InvalidAccessKeyId", "does not know the access key"},
        {"InvalidToken", "refuses the session token"},
        {"ExpiredToken", "refuses the session token: it has expired"},
        {"RequestTimeTooSkewed", "refuses the request: this machine's clock is wrong"},
    };
    struct object_store *s = e->s;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(code, known[i].code) == 0)
            return object_say(s, e->r->key, EYE_EREMOTE, err, "%s %s", s->host, known[i].text);
    bool one = e->r->key && s->sign;
    return object_say(s, e->r->key, one ? EYE_EIO : EYE_EREMOTE, err, "%s does not allow it%s",
                      s->host, s->sign ? "" : "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

static int say_refused(struct exchange *e, struct eye_err *err)
{
    struct object_store *s = e->s;
    const char *key = e->r->key, *code = e->error ? object_xml_error(e->error) : "";
    int status = e->a->status;
    if (status == 404 && key &&
        (strcmp(code, "NoSuchKey") == 0 || strcmp(e->r->method, "HEAD") == 0))
        return object_say(s, key, EYE_ENOTFOUND, err, "there is no such object");
    if (status == 404 && strcmp(code, "NoSuchBucket") == 0)
        return object_say(s, NULL, EYE_EREMOTE, err, "there is no such bucket at %s", s->host);
    if (status == 404)
        return object_say(s, key, EYE_EREMOTE, err,
                          "%s does not answer as an object store does; is the endpoint right?",
                          s->host);
    if (status == 403 || status == 401)
        return say_forbidden(e, code, err);
    if ((status >= 301 && status <= 308) || strcmp(code, "AuthorizationHeaderMalformed") == 0)
        return object_say(s, NULL, EYE_EREMOTE, err,
                          "the bucket is in another region than %s; set AWS_REGION%s%s",
                          s->c.region, e->a->region[0] ? " to " : "", e->a->region);
    if (status == 416)
        return object_say(s, key, EYE_EINVAL, err, "it is shorter than the part asked for");
    return object_say(s, key, EYE_EREMOTE, err, "%s answered with an error (%d%s%s)", s->host,
                      status, *code ? " " : "", code);
}

static bool may_help(CURLcode code, int status)
{
    switch (code) {
    case CURLE_OK: return status == 429 || (status >= 500 && status <= 599 && status != 501);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_RECV_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* garbage instead of a status line */ return true;
    default: return false;
    }
}

/* One try. *again: another may help. */
static int attempt(struct exchange *e, bool *again, struct eye_err *err)
{
    *again = false;
    *e->a = (struct object_answer){.length = UINT64_MAX, .whole = UINT64_MAX};
    e->got_headers = e->got_error = 0;
    e->etagged = false;
    e->sent = 0;
    int rc = e->r->begin ? e->r->begin(e->r->ctx, err) : 0;
    if (rc)
        return rc;
    e->curl = borrow(e->s);
    e->error = object_xml_new(err);
    if (!e->curl || !e->error || !set_up(e, err))
        return object_say(e->s, e->r->key, EYE_ENOMEM, err, "the request cannot be made");
    CURLcode code = curl_easy_perform(e->curl);
    tell_answer(e);
    bool good = e->a->status >= 200 && e->a->status <= 299;
    if (e->stopped)
        return e->stopped;
    if (!good && e->a->status && code == CURLE_WRITE_ERROR) /* an endless error page */
        code = CURLE_OK;
    if (code == CURLE_OK && good)
        return 0;
    *again = may_help(code, e->a->status);
    return code == CURLE_OK ? say_refused(e, err) : say_lost(e, code, err);
}

static void rest(const struct object_store *s, int try)
{
    long ms = s->c.pause_ms ? s->c.pause_ms : PAUSE_MS;
    for (int i = 0; i < try && ms < PAUSE_MAX_MS; i++)
        ms *= 3;
    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* so that many clients do not come back at one moment */
    ms = ms / 2 + ms * (now.tv_nsec / 1000 % 1000) / 2000;
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

int object_exchange(struct object_store *s, const struct object_request *r,
                    struct object_answer *out, struct eye_err *err)
{
    int tries = r->tries ? r->tries : s->c.tries ? s->c.tries : TRIES;
    for (int i = 0;; i++) {
        struct exchange e = {.s = s, .r = r, .a = out};
        bool again;
        int rc = attempt(&e, &again, err);
        object_xml_free(e.error);
        curl_slist_free_all(e.headers);
        give_back(s, e.curl);
        if (rc == 0 || !again || i + 1 >= tries)
            return rc;
        rest(s, i);
    }
}
