/* cmd_health.c - `eyeshine health`: does the server answer? For whoever starts it and has nothing else to ask with.
 *
 * A container's image holds neither shell nor curl, so the program asks itself. Without --server it asks the server that `eyeshine serve` with these
 * same settings would be: its port on this machine, its socket, its base path. Exit 1 means "no", because Docker gives 1 that meaning.
 * Its own certificate names the world's name of this machine and not 127.0.0.1, so that one file is trusted and no name asked for; a server
 * that --server names is checked like any other. */
#include "cli/health.h"

#include "cli/remote.h"

enum { SECONDS = 4, ANSWER_MAX = 4096 };

enum { O_SERVER, O_READY, O_COUNT };

static const struct cli_opt opts[O_COUNT] = {
    [O_READY] = {.name = "ready",
                 .kind = CLI_FLAG,
                 .help = "ask whether it can answer searches just now, not only whether it is up"},
    [O_SERVER] = {.name = "server",
                  .kind = CLI_SETTING,
                  .arg = "URL",
                  .help = "this server instead of the one that 'serve' would be",
                  .setting = SET_SERVER},
};

/* Where a server that listens at host[0..n) is reached from its own machine. */
static const char *near(const char *host, size_t n, char out[256])
{
    bool any4 = n == 7 && strncmp(host, "0.0.0.0", n) == 0;
    bool any6 = n == 4 && strncmp(host, "[::]", n) == 0;
    snprintf(out, 256, "%.*s", (int)n, host);
    return any4 ? "127.0.0.1" : any6 ? "[::1]" : out;
}

char *health_url(const char *listen, const char *base, bool tls)
{
    char host[256];
    char *url = NULL;
    int n = -1;
    base = base ? base + strspn(base, "/") : "";
    const char *slash = *base ? "/" : "";
    if (!listen)
        listen = "127.0.0.1:8000";
    if (strncmp(listen, "unix:", 5) == 0)
        n = asprintf(&url, "%s%s%s%s", listen, *base ? ":" : "", slash, base);
    else {
        const char *colon = strrchr(listen, ':');
        bool has_port = colon && !strchr(colon, ']') &&
                        (strchr(listen, ':') == colon || (listen[0] == '[' && colon[-1] == ']'));
        size_t len = has_port ? (size_t)(colon - listen) : strlen(listen);
        if (len < sizeof host && !(has_port && strcmp(colon, ":0") == 0))
            n = asprintf(&url, "%s://%s:%s%s%s", tls ? "https" : "http", near(listen, len, host),
                         has_port ? colon + 1 : "8000", slash, base);
    }
    return n < 0 ? NULL : url;
}

static int take(void *ctx, const void *bytes, size_t len)
{
    return buf_append(ctx, bytes, len, NULL);
}

/* 0: it answers. CLI_PARTLY after saying what is wrong. */
static int ask(const struct remote *r, const char *certificate, bool ready)
{
    struct eye_err err = {0};
    struct buf body;
    char type[128] = "";
    int status = 0;
    char *url = NULL;
    if (asprintf(&url, "%s/%s", r->base, ready ? "readyz" : "healthz") < 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    buf_init(&body, ANSWER_MAX);
    struct fetch_config c = {.method = "GET",
                             .url = url,
                             .max_bytes = ANSWER_MAX,
                             .max_seconds = SECONDS,
                             .unix_socket = r->socket,
                             .only_certificate = certificate,
                             .write = take,
                             .ctx = &body};
    int rc = fetch(&c, NULL, 0, &status, type, &err);
    if (rc)
        cli_say("%s", err.msg);
    else if (status != 200)
        cli_say("%s: answers with status %d", r->base, status);
    buf_release(&body);
    free(url);
    return rc == 0 && status == 200 ? CLI_OK : CLI_PARTLY;
}

static int health(struct cli_ctx *ctx, bool ready)
{
    const struct cli_setting *all = ctx->settings.all;
    const char *certificate = NULL;
    struct remote r;
    int code = 0;
    if (!all[SET_SERVER].value) {
        certificate = all[SET_TLS_CERT].value;
        char *url = health_url(all[SET_LISTEN].value, all[SET_BASE_PATH].value, certificate);
        if (!url) {
            cli_say("health: '%s' says no port to ask at; give --server URL",
                    all[SET_LISTEN].value ? all[SET_LISTEN].value : "");
            return CLI_USAGE;
        }
        code = cli_settings_flag(&ctx->settings, SET_SERVER, url);
        free(url);
    }
    if (!code)
        code = remote_open(ctx, &r);
    if (code)
        return code;
    code = ask(&r, certificate, ready);
    if (code == CLI_OK && !ctx->quiet)
        printf("%s: ok\n", r.socket ? r.socket : r.base);
    remote_close(&r);
    return code;
}

static int run_health(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    bool ready = false;
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof bound);
    bound[O_READY].value = &ready;
    int code = cli_parse(ctx, &cmd_health, argc, argv, bound, O_COUNT, &rest);
    if (!code && rest.n) {
        cli_say("health takes no argument; --server URL asks another server");
        code = CLI_USAGE;
    }
    cli_list_free(&rest);
    return code ? code : health(ctx, ready);
}

const struct cli_command cmd_health = {
    .name = "health",
    .args = "",
    .summary = "Ask whether the server answers",
    .text =
        "Without --server: the one that 'eyeshine serve' would be with the same settings (listen, "
        "base-path, tls-cert). Exit status\n"
        "0: it answers; 1: it does not, and a line says why. Containers and monitors use it. With "
        "--ready also what a search needs\n"
        "must be there: the model, and a store on a server.",
    .run = run_health,
    .opts = opts,
    .nopts = O_COUNT,
};
