/* cmd_serve.c - `eyeshine serve`: the library as an HTTP API and a page.
 *
 * Signals are taken by one thread that waits for them (sigwait), so that no code runs inside a handler: SIGTERM and
 * SIGINT let what goes on finish, a second one ends at once, SIGHUP opens the log's file again. */
#include <signal.h>
#include <unistd.h>

#include "api/api.h"
#include "base/fs.h"
#include "cli/serve.h"

enum {
    O_LISTEN,
    O_PORT,
    O_BASE,
    O_CERT,
    O_KEY,
    O_ROOT,
    O_REQUIRE,
    O_CORS,
    O_HOST,
    O_PRIVATE,
    O_LOG,
    O_FILE,
    O_MAX,
    O_RATE,
    O_SAMPLES,
    O_WATCH,
    O_POLL,
    O_COUNT
};

static const struct cli_opt opts[O_COUNT] = {
    [O_LISTEN] = {.name = "listen",
                  .kind = CLI_SETTING,
                  .arg = "WHERE",
                  .help = "ADDRESS:PORT or unix:PATH (default 127.0.0.1:8000)",
                  .setting = SET_LISTEN},
    [O_PORT] = {.name = "port",
                .letter = 'p',
                .kind = CLI_INT,
                .arg = "N",
                .help = "this port of the address; 0: any that is free",
                .min = 0,
                .max = 65535},
    [O_BASE] = {.name = "base-path",
                .kind = CLI_SETTING,
                .arg = "PATH",
                .help = "answer below this path, like /photos",
                .setting = SET_BASE_PATH},
    [O_CERT] = {.name = "tls-cert",
                .kind = CLI_SETTING,
                .arg = "FILE",
                .help = "certificate (PEM): https instead of http",
                .setting = SET_TLS_CERT},
    [O_KEY] = {.name = "tls-key",
               .kind = CLI_SETTING,
               .arg = "FILE",
               .help = "key of the certificate (PEM)",
               .setting = SET_TLS_KEY},
    [O_ROOT] = {.name = "allow-root",
                .kind = CLI_LIST,
                .arg = "DIR",
                .help = "folders below DIR may be added from the page; repeatable"},
    [O_REQUIRE] = {.name = "require-key",
                   .kind = CLI_FLAG,
                   .help = "ask for an API key on this machine too"},
    [O_CORS] = {.name = "cors",
                .kind = CLI_LIST,
                .arg = "ORIGIN",
                .help = "pages of ORIGIN (https://app.example) may call; repeatable"},
    [O_HOST] = {.name = "host",
                .kind = CLI_LIST,
                .arg = "NAME",
                .help = "a further name of this server, as browsers call it; repeatable"},
    [O_PRIVATE] = {.name = "allow-private-urls",
                   .kind = CLI_FLAG,
                   .help = "search by URL may fetch from private addresses"},
    [O_LOG] = {.name = "log",
               .kind = CLI_SETTING,
               .arg = "HOW",
               .help = "access log: text, json or off (default off)",
               .setting = SET_LOG},
    [O_FILE] = {.name = "access-log",
                .kind = CLI_SETTING,
                .arg = "FILE",
                .help = "access log to this file (default stderr)",
                .setting = SET_ACCESS_LOG},
    [O_MAX] = {.name = "max-upload",
               .kind = CLI_SETTING,
               .arg = "BYTES",
               .help = "largest upload request (default 4 GiB)",
               .setting = SET_MAX_UPLOAD},
    [O_RATE] = {.name = "rate",
                .kind = CLI_SETTING,
                .arg = "N",
                .help = "requests a minute of one key or address (default 1200)",
                .setting = SET_RATE},
    [O_SAMPLES] = {.name = "samples",
                   .kind = CLI_SETTING,
                   .arg = "DIR",
                   .help = "sample pictures to offer while the library is empty",
                   .setting = SET_SAMPLES},
    [O_WATCH] = {.name = "watch",
                 .kind = CLI_SETTING,
                 .arg = "ON|OFF",
                 .help = "index what changes in the library's folders, as it changes (default on)",
                 .setting = SET_WATCH},
    [O_POLL] = {.name = "watch-poll",
                .kind = CLI_SETTING,
                .arg = "SECONDS",
                .help = "how often to look where nothing tells of changes (default 300)",
                .setting = SET_WATCH_POLL},
};

struct serve_args {
    int64_t port; /* -1: as listen says */
    bool require_key, private_urls;
    struct cli_list roots, cors, hosts, exclude, rest;
    char *copies[4];     /* of the settings that are lists */
    char **real_roots;   /* [roots.n] */
    char *listen, *base; /* as used */
    char *samples;
    bool log_json;
    struct serve_log *log;
};

static void release(struct serve_args *a)
{
    for (size_t i = 0; a->real_roots && i < a->roots.n; i++)
        free(a->real_roots[i]);
    free(a->real_roots);
    for (size_t i = 0; i < 4; i++)
        free(a->copies[i]);
    cli_list_free(&a->exclude);
    cli_list_free(&a->roots);
    cli_list_free(&a->cors);
    cli_list_free(&a->hosts);
    cli_list_free(&a->rest);
    free(a->listen);
    free(a->base);
    free(a->samples);
    serve_log_close(a->log);
}

/* ---- settings to what api_start wants; each is 0 or an exit code, after saying why ---- */

static int no_memory(void)
{
    cli_say("out of memory");
    return CLI_FAILED;
}

/* The address of --listen with the port of --port. */
static int make_listen(const struct cli_ctx *ctx, struct serve_args *a)
{
    const char *listen = ctx->settings.all[SET_LISTEN].value;
    if (!listen)
        listen = "127.0.0.1:8000";
    if (strspn(listen, "0123456789") == strlen(listen)) {
        cli_say("--listen: '%s' is no address; --port takes a port alone", listen);
        return CLI_USAGE;
    }
    const char *colon = strrchr(listen, ':');
    bool is_unix = strncmp(listen, "unix:", 5) == 0;
    if (a->port >= 0 && is_unix) {
        cli_say("--port makes no sense with a Unix socket");
        return CLI_USAGE;
    }
    bool has_port = colon && !strchr(colon, ']') && strchr(listen, ':') == colon;
    has_port = has_port || (colon && listen[0] == '[' && colon[-1] == ']');
    int host = has_port ? (int)(colon - listen) : (int)strlen(listen);
    int n = 0;
    if (is_unix || (has_port && a->port < 0))
        n = asprintf(&a->listen, "%s", listen);
    else
        n = asprintf(&a->listen, "%.*s:%d", host, listen, a->port < 0 ? 8000 : (int)a->port);
    if (n < 0)
        a->listen = NULL;
    return n < 0 ? no_memory() : 0;
}

/* "photos", "/photos/" and "/photos" are one; "/" is none. */
static int make_base(const struct cli_ctx *ctx, struct serve_args *a)
{
    const char *base = ctx->settings.all[SET_BASE_PATH].value;
    base = base ? base + strspn(base, "/") : "";
    size_t n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    if (asprintf(&a->base, "%s%.*s", n ? "/" : "", (int)n, base) < 0) {
        a->base = NULL;
        return no_memory();
    }
    return 0;
}

static int make_lists(const struct cli_ctx *ctx, struct serve_args *a)
{
    const struct cli_setting *all = ctx->settings.all;
    int code = cli_setting_list(&all[SET_ALLOW_ROOT], ":", &a->copies[0], &a->roots);
    if (!code)
        code = cli_setting_list(&all[SET_CORS], ", ", &a->copies[1], &a->cors);
    if (!code)
        code = cli_setting_list(&all[SET_HOST], ", ", &a->copies[2], &a->hosts);
    if (!code)
        code = cli_setting_list(&all[SET_EXCLUDE], ":", &a->copies[3], &a->exclude);
    return code;
}

static int make_roots(struct serve_args *a)
{
    struct eye_err err = {0};
    a->real_roots = calloc(a->roots.n ? a->roots.n : 1, sizeof *a->real_roots);
    if (!a->real_roots)
        return no_memory();
    for (size_t i = 0; i < a->roots.n; i++) {
        a->real_roots[i] = fs_real(a->roots.items[i], &err);
        if (!a->real_roots[i]) {
            cli_say("--allow-root: %s", err.msg);
            return CLI_FAILED;
        }
    }
    return 0;
}

static int make_log(const struct cli_ctx *ctx, struct serve_args *a)
{
    const char *how = ctx->settings.all[SET_LOG].value;
    const char *file = ctx->settings.all[SET_ACCESS_LOG].value;
    if (!how)
        how = file ? "text" : "off";
    if (strcmp(how, "off") == 0)
        return 0;
    a->log_json = strcmp(how, "json") == 0;
    if (!a->log_json && strcmp(how, "text") != 0) {
        cli_say("--log: '%s' is none of text, json, off", how);
        return CLI_USAGE;
    }
    a->log = serve_log_open(file);
    return a->log ? 0 : CLI_FAILED;
}

static int make_watch(const struct cli_ctx *ctx, struct api_config *c)
{
    const struct cli_setting *on = &ctx->settings.all[SET_WATCH];
    uint64_t poll = 0;
    if (!cli_setting_number(&ctx->settings.all[SET_WATCH_POLL], 864000, &poll))
        return CLI_USAGE;
    if (on->value && strcmp(on->value, "on") != 0 && strcmp(on->value, "off") != 0) {
        cli_say("watch (from %s): '%s' is neither on nor off", cli_origin_name(on->origin),
                on->value);
        return CLI_USAGE;
    }
    c->watch = !on->value || strcmp(on->value, "on") == 0;
    c->watch_poll = (double)poll;
    return 0;
}

static int make_config(const struct cli_ctx *ctx, struct serve_args *a, struct api_config *c)
{
    const struct cli_setting *all = ctx->settings.all;
    uint64_t rate = 0;
    *c = (struct api_config){0};
    if (!cli_setting_number(&all[SET_RATE], 1000000, &rate) ||
        !cli_setting_number(&all[SET_MAX_UPLOAD], UINT64_C(1) << 50, &c->max_upload))
        return CLI_USAGE;
    int code = make_listen(ctx, a);
    if (code || (code = make_base(ctx, a)) || (code = make_lists(ctx, a)) ||
        (code = make_roots(a)) || (code = make_log(ctx, a)) || (code = make_watch(ctx, c)))
        return code;
    a->samples = all[SET_SAMPLES].value ? strdup(all[SET_SAMPLES].value)
                                        : serve_share(&ctx->settings, "samples");
    c->http.listen = a->listen;
    c->http.base_path = a->base;
    c->http.tls_cert = all[SET_TLS_CERT].value;
    c->http.tls_key = all[SET_TLS_KEY].value;
    c->allow_roots = (const char *const *)a->real_roots;
    c->nallow_roots = a->roots.n;
    c->cors = a->cors.items;
    c->ncors = a->cors.n;
    c->hosts = a->hosts.items;
    c->nhosts = a->hosts.n;
    c->require_key = a->require_key;
    c->allow_private_urls = a->private_urls;
    c->rate_per_minute = (int)rate;
    c->samples_dir = a->samples;
    c->log_json = a->log_json;
    c->log = a->log ? serve_log_line : NULL;
    c->log_ctx = a->log;
    return 0;
}

/* ---- running ---- */

/* Those that this thread waits for; blocked before any thread is made, which all then inherit. */
static void block_signals(sigset_t *set)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void wait_for_end(const sigset_t *set, struct serve_log *log)
{
    int sig = 0;
    while (sigwait(set, &sig) != 0 || sig == SIGHUP)
        if (sig == SIGHUP)
            serve_log_again(log);
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &end, NULL); /* a second one ends at once */
}

static void warn_about(const struct cli_ctx *ctx, const struct api_config *c)
{
    bool is_local =
        strncmp(c->http.listen, "127.", 4) == 0 || strncmp(c->http.listen, "[::1]", 5) == 0 ||
        strncmp(c->http.listen, "localhost", 9) == 0 || strncmp(c->http.listen, "unix:", 5) == 0;
    if (!is_local && !c->http.tls_cert && !ctx->quiet)
        cli_say("warning: without --tls-cert, keys and pictures cross the network in the clear");
}

static int serve(struct cli_ctx *ctx, struct api_config *c, struct serve_log *log)
{
    struct eye_err err = {0};
    sigset_t signals;
    block_signals(&signals);
    eye_lib *lib = cli_open(ctx, true);
    if (!lib)
        return CLI_FAILED;
    c->lib = lib;
    int code = serve_keys_apply(lib);
    if (code) {
        eye_close(lib);
        return code;
    }
    struct api_server *server = api_start(c, &err);
    if (!server) {
        eye_close(lib);
        return cli_fail(&err);
    }
    warn_about(ctx, c);
    const char *url = api_url(server);
    char *where = cli_where(ctx);
    printf("eyeshine: serving %s at %s%s (Ctrl-C stops)\n", where ? where : "", url,
           strncmp(url, "unix:", 5) == 0 ? "" : "/");
    free(where);
    fflush(stdout);
    serve_notify("READY=1");
    wait_for_end(&signals, log);
    serve_notify("STOPPING=1");
    api_stop(server);
    eye_close(lib);
    return CLI_OK;
}

static int run_serve(struct cli_ctx *ctx, int argc, char **argv)
{
    struct serve_args a = {.port = -1};
    struct api_config config;
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_PORT].value = &a.port;
    bound[O_ROOT].value = &a.roots;
    bound[O_REQUIRE].value = &a.require_key;
    bound[O_CORS].value = &a.cors;
    bound[O_HOST].value = &a.hosts;
    bound[O_PRIVATE].value = &a.private_urls;
    int code = cli_parse(ctx, &cmd_serve, argc, argv, bound, O_COUNT, &a.rest);
    if (!code && a.rest.n) {
        cli_say("serve takes no argument; 'eyeshine --library DIR serve' serves another library");
        code = CLI_USAGE;
    }
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = make_config(ctx, &a, &config);
    ctx->options.exclude = a.exclude.items;
    ctx->options.nexclude = a.exclude.n;
    if (!code)
        code = serve(ctx, &config, a.log);
    release(&a);
    return code;
}

const struct cli_command cmd_serve = {
    .name = "serve",
    .args = "",
    .summary = "Serve the library as a web page and an HTTP API",
    .text = "Prints one line with the address when it is ready. On this machine (loopback, Unix "
            "socket) no key is needed; to\n"
            "listen elsewhere the library needs an API key first ('eyeshine key new NAME --scope "
            "admin'),\n"
            "or gets them at the start: $EYESHINE_KEYS, or a file that $EYESHINE_KEYS_FILE names, "
            "has NAME:SCOPE:SECRET, one a line. Nothing that is\n"
            "stored depends on address, port or base path. SIGTERM and Ctrl-C let requests finish; "
            "uploads and scans that are\n"
            "not done go on at the next start. What changes in the library's folders is indexed as "
            "it changes, unless --watch off;\n"
            "the setting 'exclude' is left out. SIGHUP opens the access log's file again.",
    .run = run_serve,
    .opts = opts,
    .nopts = O_COUNT,
};
