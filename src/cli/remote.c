/* remote.c - one request to a server that runs, and what its answer means for a person at a terminal. */
#include "cli/remote.h"

#include <unistd.h>

#include "base/fs.h"

enum {
    ANSWER_MAX = 64 << 20,
    KEY_FILE_MAX = 4096,
    MAX_SECONDS = 300,
    PATIENCE = 60, /* how often a server that has too much to do is asked again */
    PAUSE_S = 1
};

/* ---- where and who ---- */

/* "unix:/run/x.sock", "unix:/run/x.sock:/photos", "http://host:8000/photos/", "host:8000" */
static int parse_server(const char *url, struct remote *r)
{
    int n = 0;
    if (strncmp(url, "unix:", 5) == 0) {
        const char *path = url + 5;
        const char *colon = strchr(path, ':');
        r->socket = strndup(path, colon ? (size_t)(colon - path) : strlen(path));
        n = asprintf(&r->base, "http://localhost%s", colon ? colon + 1 : "");
    } else {
        n = asprintf(&r->base, "%s%s", strstr(url, "://") ? "" : "http://", url);
    }
    if (n < 0 || (strncmp(url, "unix:", 5) == 0 && !r->socket)) {
        r->base = n < 0 ? NULL : r->base;
        cli_say("out of memory");
        return CLI_FAILED;
    }
    for (size_t len = strlen(r->base); len && r->base[len - 1] == '/'; len--)
        r->base[len - 1] = '\0';
    if (strncmp(r->base, "http://", 7) != 0 && strncmp(r->base, "https://", 8) != 0) {
        cli_say("--server: '%s' is no address; give http://HOST:PORT, https://... or unix:PATH",
                url);
        return CLI_USAGE;
    }
    return 0;
}

static int use_key(struct remote *r, const char *key)
{
    size_t n = strcspn(key, " \t\r\n");
    if (n == 0)
        return 0;
    if (asprintf(&r->auth, "Authorization: Bearer %.*s", (int)n, key) < 0) {
        r->auth = NULL;
        cli_say("out of memory");
        return CLI_FAILED;
    }
    return 0;
}

static int read_key(const struct cli_ctx *ctx, struct remote *r)
{
    const char *file = ctx->settings.all[SET_KEY_FILE].value;
    const char *env = getenv("EYESHINE_KEY");
    struct eye_err err = {0};
    struct buf text;
    if (!file)
        return env ? use_key(r, env) : 0;
    buf_init(&text, KEY_FILE_MAX);
    int code = fs_read_all(file, &text, &err) == 0 ? 0 : cli_fail(&err);
    if (!code && text.len)
        code = use_key(r, text.data + strspn(text.data, " \t\r\n"));
    if (text.len)
        explicit_bzero(text.data, text.len);
    buf_release(&text);
    return code;
}

int remote_open(const struct cli_ctx *ctx, struct remote *r)
{
    *r = (struct remote){.quiet = ctx->quiet};
    int code = parse_server(ctx->settings.all[SET_SERVER].value, r);
    if (!code)
        code = read_key(ctx, r);
    if (code)
        remote_close(r);
    return code;
}

void remote_close(struct remote *r)
{
    if (r->auth)
        explicit_bzero(r->auth, strlen(r->auth));
    free(r->auth);
    free(r->base);
    free(r->socket);
    *r = (struct remote){0};
}

/* ---- one request ---- */

struct answer {
    struct buf body;
    int status;
    char type[128];
};

static int take(void *ctx, const void *bytes, size_t len)
{
    return buf_append(ctx, bytes, len, NULL);
}

static int send_once(const struct remote *r, const struct remote_call *call, struct answer *a,
                     struct eye_err *err)
{
    char *url = NULL;
    const char *headers[3];
    size_t n = 0;
    if (asprintf(&url, "%s/api/v1%s", r->base, call->path) < 0)
        return eye_fail(err, EYE_ENOMEM, "out of memory");
    headers[n++] = "Accept: application/json";
    if (r->auth)
        headers[n++] = r->auth;
    if (call->json)
        headers[n++] = "Content-Type: application/json";
    struct fetch_config c = {.method = call->method,
                             .url = url,
                             .headers = headers,
                             .nheaders = n,
                             .body = call->json,
                             .body_len = call->json ? strlen(call->json) : 0,
                             .max_bytes = ANSWER_MAX,
                             .max_seconds = call->max_seconds ? call->max_seconds : MAX_SECONDS,
                             .unix_socket = r->socket,
                             .write = take,
                             .ctx = &a->body};
    buf_clear(&a->body);
    int rc = fetch(&c, call->parts, call->nparts, &a->status, a->type, err);
    free(url);
    return rc;
}

static const char *where(const struct remote *r)
{
    return r->socket ? r->socket : r->base;
}

static int say_no_server(const struct remote *r)
{
    cli_say("%s answers, but is no eyeshine server (is the path right?)", where(r));
    return CLI_FAILED;
}

/* What a status of 400 and above means; `root` may be NULL. */
static int say_refusal(const struct remote *r, const struct remote_call *call, int status,
                       const struct json *root, struct eye_err *why)
{
    const char *detail = json_get_str(root, "detail", NULL);
    if (!detail)
        return say_no_server(r);
    bool of_access = status == 401 || status == 403 || status == 404 || status == 409;
    if (call->may_refuse && status < 500 && !of_access) {
        eye_fail(why, EYE_EINVAL, "%s", detail);
        return CLI_PARTLY;
    }
    if (status == 401)
        cli_say("%s: %s", where(r),
                r->auth ? "the server does not know this API key"
                        : "the server wants an API key: give --key-file FILE or set $EYESHINE_KEY");
    else
        cli_say("%s: %s", where(r), detail);
    return status == 400 ? CLI_USAGE : CLI_FAILED;
}

/* The answer as JSON in *out. */
static int understand(const struct remote *r, const struct remote_call *call,
                      const struct answer *a, struct json **out, struct eye_err *why)
{
    bool is_json = strncmp(a->type, "application/json", 16) == 0 ||
                   strncmp(a->type, "application/problem+json", 24) == 0;
    struct json *root = is_json ? json_parse(a->body.len ? a->body.data : "", a->body.len,
                                             "the server's answer", NULL)
                                : NULL;
    if (a->status >= 400) {
        int code = say_refusal(r, call, a->status, root, why);
        json_free(root);
        return code;
    }
    if (a->status < 200 || a->status >= 300 || (!root && a->status != 204))
        return say_no_server(r);
    *out = root;
    return 0;
}

int remote_ask(const struct remote *r, const struct remote_call *call, struct json **out,
               struct eye_err *why)
{
    struct answer a = {.status = 0};
    struct eye_err err = {0};
    struct json *root = NULL;
    buf_init(&a.body, ANSWER_MAX);
    int rc = send_once(r, call, &a, &err);
    for (int i = 0; i < PATIENCE && rc == 0 && (a.status == 429 || a.status == 503); i++) {
        if (cli_stopped())
            break;
        sleep(PAUSE_S);
        rc = send_once(r, call, &a, &err);
    }
    int code = 0;
    if (rc == EYE_EREMOTE) {
        cli_say("%s: %s; is 'eyeshine serve' running there?", where(r), err.msg);
        code = CLI_FAILED;
    } else if (rc) {
        code = cli_fail(&err);
    } else {
        code = understand(r, call, &a, &root, why);
    }
    buf_release(&a.body);
    if (out)
        *out = root;
    else
        json_free(root);
    return code;
}
