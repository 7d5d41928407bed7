/* fetch.c - the client, over libcurl: pictures by URL, and the program's own requests to a server.
 *
 * A URL given by somebody else must not reach into the network that this machine sits in. libcurl asks us for each socket,
 * also after a redirect and for each address of a name, and tells the address it is for: the one place that no spelling
 * and no name server can get around. Proxies of the environment would hide that address, so they are not used; neither are
 * cookies, .netrc, and compressed answers (a bomb passes any limit on received bytes).
 * libcurl keeps an Authorization header to the host it was meant for (since 7.58). Its global setup is thread-safe and
 * counted since 7.84; it is never undone, as that would be done anew for each picture. */
#include "http/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADERS_MAX = 65536, CONNECT_SECONDS = 20 };

struct fetching {
    const struct fetch_config *c;
    CURL *curl;
    struct curl_slist *headers;
    curl_mime *mime;
    char *shown; /* the URL without user, password, query */
    char why[CURL_ERROR_SIZE];
    uint64_t got, got_headers;
    int stopped;    /* what the callback returned */
    bool blocked;   /* an address was not public */
    bool too_large; /* body or headers */
};

/* ---- the URL ---- */

/* http and https only; `shown` is fit for messages. */
static int check_url(struct fetching *f, struct eye_err *err)
{
    const char *wrong = "is no URL that can be fetched; it must begin with http:// or https://";
    char *scheme = NULL, *text = NULL;
    CURLU *url = curl_url();
    if (!url)
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    bool ok = curl_url_set(url, CURLUPART_URL, f->c->url, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_OPTIONS, NULL, 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    if (ok && curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
        f->shown = mem_strdup(text, NULL);
    curl_free(scheme);
    curl_free(text);
    curl_url_cleanup(url);
    if (!ok) /* not shown: nobody knows where in it a password is */
        return eye_fail(err, EYE_EINVAL, "the address %s", wrong);
    return f->shown ? 0 : eye_fail(err, EYE_ENOMEM, "out of memory");
}

/* ---- what libcurl calls ---- */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    struct fetching *f = ctx;
    if (f->c->public_only && !fetch_address_is_public(&a->addr)) {
        f->blocked = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t take_body(char *bytes, size_t one, size_t len, void *ctx)
{
    (void)one;
    struct fetching *f = ctx;
    f->got += len;
    if (f->c->max_bytes && f->got > f->c->max_bytes) {
        f->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    f->stopped = f->c->write ? f->c->write(f->c->ctx, bytes, len) : 0;
    return f->stopped ? CURL_WRITEFUNC_ERROR : len;
}

static size_t take_header(char *bytes, size_t one, size_t len, void *ctx)
{
    (void)bytes, (void)one;
    struct fetching *f = ctx;
    f->got_headers += len;
    f->too_large = f->too_large || f->got_headers > HEADERS_MAX;
    return f->too_large ? 0 : len;
}

/* ---- setting up ---- */

/* libcurl sends what it is given: a line end would begin a header of its own. */
static bool headers_valid(const struct fetch_config *c)
{
    for (size_t i = 0; i < c->nheaders; i++)
        for (const unsigned char *p = (const unsigned char *)c->headers[i]; *p; p++)
            if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
                return false;
    return true;
}

static bool set_headers(struct fetching *f)
{
    for (size_t i = 0; i < f->c->nheaders; i++) {
        struct curl_slist *more = curl_slist_append(f->headers, f->c->headers[i]);
        if (!more)
            return false;
        f->headers = more;
    }
    return !f->headers || curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK;
}

static bool set_part(struct fetching *f, const struct fetch_part *part)
{
    curl_mimepart *p = curl_mime_addpart(f->mime);
    if (!p || curl_mime_name(p, part->field) != CURLE_OK)
        return false;
    if (!part->path)
        return curl_mime_data(p, part->value, CURL_ZERO_TERMINATED) == CURLE_OK;
    return curl_mime_filedata(p, part->path) == CURLE_OK &&
           curl_mime_filename(p, part->filename ? part->filename : part->path) == CURLE_OK &&
           curl_mime_type(p, "application/octet-stream") == CURLE_OK;
}

/* A body the way its method needs it; a redirected POST becomes a GET unless we insist on a method. */
static bool set_body(struct fetching *f, const struct fetch_part *parts, size_t nparts)
{
    const struct fetch_config *c = f->c;
    const char *method = c->method ? c->method : "GET";
    bool ok = true;
    if (nparts > 0) {
        f->mime = curl_mime_init(f->curl);
        ok = f->mime != NULL;
        for (size_t i = 0; ok && i < nparts; i++)
            ok = set_part(f, &parts[i]);
        ok = ok && curl_easy_setopt(f->curl, CURLOPT_MIMEPOST, f->mime) == CURLE_OK;
    } else if (c->body || strcmp(method, "POST") == 0) {
        ok = curl_easy_setopt(f->curl, CURLOPT_POST, 1L) == CURLE_OK &&
             curl_easy_setopt(f->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len) ==
                 CURLE_OK &&
             curl_easy_setopt(f->curl, CURLOPT_POSTFIELDS, c->body ? c->body : "") == CURLE_OK;
    }
    if (strcmp(method, "HEAD") == 0)
        return ok && curl_easy_setopt(f->curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
    bool natural =
        strcmp(method, nparts || c->body ? "POST" : "GET") == 0 || strcmp(method, "POST") == 0;
    return ok && (natural || curl_easy_setopt(f->curl, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK);
}

static bool set_limits(struct fetching *f)
{
    const struct fetch_config *c = f->c;
    CURL *h = f->curl;
    bool ok =
        curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_UNRESTRICTED_AUTH, 0L) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, c->max_redirects > 0 ? 1L : 0L) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_MAXREDIRS, (long)c->max_redirects) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) == CURLE_OK &&
        curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)c->max_seconds) == CURLE_OK;
    if (ok && c->max_bytes)
        ok = curl_easy_setopt(h, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->max_bytes) == CURLE_OK;
    if (ok && c->unix_socket)
        ok = curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, c->unix_socket) == CURLE_OK;
    if (ok && c->only_certificate)
        ok = curl_easy_setopt(h, CURLOPT_CAINFO, c->only_certificate) == CURLE_OK &&
             curl_easy_setopt(h, CURLOPT_CAPATH, NULL) == CURLE_OK &&
             curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
    return ok;
}

static bool set_up(struct fetching *f, const struct fetch_part *parts, size_t nparts)
{
    CURL *h = f->curl;
    return curl_easy_setopt(h, CURLOPT_URL, f->c->url) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_ERRORBUFFER, f->why) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_USERAGENT, "eyeshine/" EYESHINE_VERSION) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, f) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, f) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HEADERDATA, f) == CURLE_OK && set_limits(f) &&
           set_headers(f) && set_body(f, parts, nparts);
}

/* ---- what went wrong ---- */

static int say(const struct fetching *f, CURLcode code, struct eye_err *err)
{
    const char *url = f->shown;
    if (f->stopped)
        return eye_fail(err, f->stopped < 0 ? f->stopped : EYE_ECANCELLED, "%s: stopped", url);
    if (f->too_large || code == CURLE_FILESIZE_EXCEEDED)
        return eye_fail(err, EYE_ELIMIT, "%s: the answer is larger than the %llu bytes allowed",
                        url, (unsigned long long)f->c->max_bytes);
    if (f->blocked && code == CURLE_COULDNT_CONNECT)
        return eye_fail(err, EYE_EINVAL,
                        "%s: leads to an address that is not on the public internet", url);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return eye_fail(err, EYE_ELIMIT, "%s: did not answer in time", url);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return eye_fail(err, EYE_EINVAL, "%s: leads to something that is no http or https address",
                        url);
    case CURLE_TOO_MANY_REDIRECTS:
        return eye_fail(err, EYE_EREMOTE, "%s: is redirected too often", url);
    case CURLE_COULDNT_RESOLVE_HOST:
        return eye_fail(err, EYE_EREMOTE, "%s: there is no such host", url);
    case CURLE_COULDNT_CONNECT:
        return eye_fail(err, EYE_EREMOTE, "%s: cannot connect; is a server running there?", url);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return eye_fail(err, EYE_EREMOTE, "%s: no trusted TLS connection can be made", url);
    case CURLE_READ_ERROR:
        return eye_fail(err, EYE_EIO, "%s: a file to be sent cannot be read", url);
    case CURLE_OUT_OF_MEMORY: return eye_fail(err, EYE_ENOMEM, "out of memory");
    default: /* libcurl's own text of these names no URL */
        return eye_fail(err, EYE_EREMOTE, "%s: the connection broke off: %s", url,
                        curl_easy_strerror(code));
    }
}

static void tell_answer(const struct fetching *f, int *status, char content_type[128])
{
    long code = 0;
    const char *type = NULL;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(f->curl, CURLINFO_CONTENT_TYPE, &type);
    if (status)
        *status = (int)code;
    if (content_type)
        snprintf(content_type, 128, "%s", type ? type : "");
}

static int run(struct fetching *f, const struct fetch_part *parts, size_t nparts, int *status,
               char content_type[128], struct eye_err *err)
{
    int rc = check_url(f, err);
    if (rc)
        return rc;
    if (!headers_valid(f->c))
        return eye_fail(err, EYE_EINVAL, "%s: a header holds a control character", f->shown);
    f->curl = curl_easy_init();
    if (!f->curl || !set_up(f, parts, nparts))
        return eye_fail(err, EYE_ENOMEM, "%s: the request cannot be made", f->shown);
    CURLcode code = curl_easy_perform(f->curl);
    tell_answer(f, status, content_type);
    return code == CURLE_OK ? 0 : say(f, code, err);
}

int fetch(const struct fetch_config *c, const struct fetch_part *parts, size_t nparts, int *status,
          char content_type[128], struct eye_err *err)
{
    struct fetching f = {.c = c};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return eye_fail(err, EYE_EINTERNAL, "libcurl cannot be set up");
    int rc = run(&f, parts, nparts, status, content_type, err);
    if (f.curl)
        curl_easy_cleanup(f.curl);
    curl_mime_free(f.mime);
    curl_slist_free_all(f.headers);
    free(f.shown);
    return rc;
}
