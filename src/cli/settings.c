/* settings.c - settings from a file, then the environment, then flags; each remembers where it came from.
 *
 * The file is `key = value` a line, # begins a comment: $EYESHINE_CONFIG, else $XDG_CONFIG_HOME/eyeshine/config,
 * else ~/.config/eyeshine/config. No setting is a secret but what the address of a store may hold, see where.c. */
#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "cli/cli.h"

enum { FILE_MAX = 1 << 20 };

static const struct {
    const char *key, *env, *help;
} known[SET_COUNT] = {
    [SET_LIBRARY] = {"library", "EYESHINE_LIBRARY",
                     "folder of the library (default: ~/.local/share/eyeshine)"},
    [SET_STORE] = {"store", "EYESHINE_STORE",
                   "server that many machines share, milvus://HOST[:PORT]/COLLECTION"},
    [SET_MODEL] = {"model", "EYESHINE_MODEL",
                   "model to use instead of the library's own, by name or folder"},
    [SET_MODELS_DIR] = {"models-dir", "EYESHINE_MODELS", "folder where imported models lie"},
    [SET_SHARE] = {"share-dir", "EYESHINE_SHARE",
                   "folder of the program's own data (models/starter)"},
    [SET_THREADS] = {"threads", "EYESHINE_THREADS", "worker threads (default: one a processor)"},
    [SET_MAX_BYTES] = {"max-file-bytes", "EYESHINE_MAX_FILE_BYTES",
                       "largest picture file, bytes (default: 512 MiB)"},
    [SET_MAX_PIXELS] = {"max-pixels", "EYESHINE_MAX_PIXELS",
                        "largest picture, pixels (default: 268 million)"},
    [SET_MAX_SECONDS] = {"max-seconds", "EYESHINE_MAX_SECONDS",
                         "longest decoding of one picture (default: 30)"},
    [SET_EXCLUDE] = {"exclude", "EYESHINE_EXCLUDE",
                     "globs that index leaves out, separated by ':'"},
    [SET_ORIGINALS] = {"originals", "EYESHINE_ORIGINALS",
                       "where originals lie on this machine: a folder, or s3://BUCKET/PREFIX"},
    [SET_LISTEN] = {"listen", "EYESHINE_LISTEN",
                    "where serve listens: ADDRESS:PORT or unix:PATH (default: 127.0.0.1:8000)"},
    [SET_BASE_PATH] = {"base-path", "EYESHINE_BASE_PATH",
                       "path below which serve answers, like /photos"},
    [SET_TLS_CERT] = {"tls-cert", "EYESHINE_TLS_CERT", "certificate file (PEM) of serve"},
    [SET_TLS_KEY] = {"tls-key", "EYESHINE_TLS_KEY", "key file (PEM) of the certificate"},
    [SET_ALLOW_ROOT] = {"allow-root", "EYESHINE_ALLOW_ROOT",
                        "folders that may be added from the page, separated by ':'"},
    [SET_HOST] = {"host", "EYESHINE_HOST", "further names of the server, separated by ','"},
    [SET_CORS] = {"cors", "EYESHINE_CORS",
                  "origins whose pages may call the server, separated by ','"},
    [SET_LOG] = {"log", "EYESHINE_LOG", "access log of serve: text, json or off (default: off)"},
    [SET_ACCESS_LOG] = {"access-log", "EYESHINE_ACCESS_LOG",
                        "file of the access log (default: stderr)"},
    [SET_MAX_UPLOAD] = {"max-upload", "EYESHINE_MAX_UPLOAD",
                        "largest upload request, bytes (default: 4 GiB)"},
    [SET_RATE] = {"rate", "EYESHINE_RATE",
                  "requests a minute of one key or address (default: 1200)"},
    [SET_SAMPLES] = {"samples-dir", "EYESHINE_SAMPLES",
                     "folder of the sample pictures offered to an empty library"},
    [SET_WATCH] = {"watch", "EYESHINE_WATCH",
                   "whether serve indexes what changes in its folders: on or off (default: on)"},
    [SET_WATCH_POLL] = {"watch-poll", "EYESHINE_WATCH_POLL",
                        "seconds between looks where nothing tells of changes (default: 300)"},
    [SET_SERVER] = {"server", "EYESHINE_SERVER",
                    "search and index ask this server instead of a library here"},
    [SET_KEY_FILE] = {"key-file", "EYESHINE_KEY_FILE", "file that holds the API key for --server"},
    [SET_MILVUS_INDEX] =
        {"milvus-index", "EYESHINE_MILVUS_INDEX",
         "type of a server's index: auto, FLAT, HNSW, IVF_SQ8 ... (default: auto)"},
    [SET_MILVUS_INDEX_PARAMS] = {"milvus-index-params", "EYESHINE_MILVUS_INDEX_PARAMS",
                                 "its parameters as JSON, like {\"M\":16}"},
    [SET_MILVUS_SEARCH_PARAMS] = {"milvus-search-params", "EYESHINE_MILVUS_SEARCH_PARAMS",
                                  "parameters of a search as JSON, like {\"ef\":200}"},
    [SET_MILVUS_CONSISTENCY] = {"milvus-consistency", "EYESHINE_MILVUS_CONSISTENCY",
                                "session, strong, bounded or eventually (default: session)"},
    [SET_MILVUS_TIMEOUT] = {"milvus-timeout", "EYESHINE_MILVUS_TIMEOUT",
                            "seconds that a search waits for a server that is away (default: 5)"},
};

const char *cli_origin_name(enum cli_origin origin)
{
    static const char *const names[] = {"default", "file", "environment", "flag"};
    return names[origin];
}

static int set(struct cli_setting *s, const char *value, enum cli_origin origin)
{
    char *copy = strdup(value);
    if (!copy) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    free(s->value);
    s->value = copy;
    s->origin = origin;
    return 0;
}

int cli_settings_flag(struct cli_settings *s, int which, const char *value)
{
    return set(&s->all[which], value, CLI_FROM_FLAG);
}

/* $`env`/eyeshine/`name`, or $HOME/`fallback`/eyeshine/`name`; name may be "". NULL without a home. */
static char *xdg_path(const char *env, const char *fallback, const char *name)
{
    const char *base = getenv(env);
    const char *home = getenv("HOME");
    char *out = NULL;
    const char *slash = *name ? "/" : "";
    int n = -1;
    if (base && base[0] == '/')
        n = asprintf(&out, "%s/eyeshine%s%s", base, slash, name);
    else if (home && *home)
        n = asprintf(&out, "%s/%s/eyeshine%s%s", home, fallback, slash, name);
    return n < 0 ? NULL : out;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int read_line(struct cli_settings *s, char *line, int number)
{
    line = trim(line);
    if (!*line || *line == '#')
        return 0;
    char *eq = strchr(line, '=');
    if (!eq) {
        cli_say("%s:%d: expected 'key = value'", s->file, number);
        return CLI_USAGE;
    }
    *eq = '\0';
    char *key = trim(line);
    for (int i = 0; i < SET_COUNT; i++)
        if (strcmp(key, s->all[i].key) == 0)
            return set(&s->all[i], trim(eq + 1), CLI_FROM_FILE);
    cli_say("%s:%d: unknown setting '%s' ('eyeshine config' lists them)", s->file, number, key);
    return CLI_USAGE;
}

static int read_file(struct cli_settings *s)
{
    if (!s->file || access(s->file, F_OK) != 0)
        return 0;
    struct buf text;
    struct eye_err err;
    buf_init(&text, FILE_MAX);
    int code = fs_read_all(s->file, &text, &err) == 0 ? 0 : cli_fail(&err);
    char *save = NULL;
    int number = 0;
    char *next = text.data;
    while (!code && next && (save = next)) {
        next = strchr(save, '\n');
        if (next)
            *next++ = '\0';
        code = read_line(s, save, ++number);
    }
    s->file_read = !code;
    buf_release(&text);
    return code;
}

int cli_settings_load(struct cli_settings *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < SET_COUNT; i++) {
        s->all[i].key = known[i].key;
        s->all[i].env = known[i].env;
        s->all[i].help = known[i].help;
    }
    const char *file = getenv("EYESHINE_CONFIG");
    s->file = file && *file ? strdup(file) : xdg_path("XDG_CONFIG_HOME", ".config", "config");
    s->all[SET_LIBRARY].value = xdg_path("XDG_DATA_HOME", ".local/share", "");
    s->all[SET_MODELS_DIR].value = xdg_path("XDG_DATA_HOME", ".local/share", "models");

    int code = read_file(s);
    for (int i = 0; i < SET_COUNT && !code; i++) {
        const char *value = getenv(s->all[i].env);
        if (value && *value)
            code = set(&s->all[i], value, CLI_FROM_ENV);
    }
    return code;
}

void cli_settings_free(struct cli_settings *s)
{
    for (int i = 0; i < SET_COUNT; i++)
        free(s->all[i].value);
    free(s->file);
}

bool cli_setting_number(const struct cli_setting *s, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (!s->value)
        return true;
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(s->value, &end, 10);
    if (end == s->value || *end || errno || s->value[0] == '-' || v < 1 || v > max) {
        cli_say("%s (from %s): '%s' is not a number from 1 to %llu", s->key,
                cli_origin_name(s->origin), s->value, (unsigned long long)max);
        return false;
    }
    *out = v;
    return true;
}

int cli_setting_list(const struct cli_setting *s, const char *separator, char **copy,
                     struct cli_list *list)
{
    char *save = NULL;
    *copy = s->value ? strdup(s->value) : NULL;
    for (char *i = *copy ? strtok_r(*copy, separator, &save) : NULL; i;
         i = strtok_r(NULL, separator, &save)) {
        int code = cli_list_add(list, i);
        if (code)
            return code;
    }
    return 0;
}

static void on_log(void *ctx, eye_log_level level, const char *line)
{
    const struct cli_ctx *c = ctx;
    if (level >= EYE_LOG_WARN ? !c->quiet : c->verbose)
        cli_say("%s%s",
                level >= EYE_LOG_ERROR  ? "error: "
                : level >= EYE_LOG_WARN ? "warning: "
                                        : "",
                line);
}

/* What is said below the library's handle: "the sandbox is off". */
static void on_base_log(void *ctx, enum log_level level, const char *line)
{
    on_log(ctx,
           level >= LOG_ERROR  ? EYE_LOG_ERROR
           : level >= LOG_WARN ? EYE_LOG_WARN
                               : EYE_LOG_INFO,
           line);
}

int cli_options(struct cli_ctx *ctx)
{
    const struct cli_setting *all = ctx->settings.all;
    uint64_t threads = 0;
    uint64_t seconds = 0;
    eye_options *o = &ctx->options;
    memset(o, 0, sizeof *o);
    if (!cli_setting_number(&all[SET_THREADS], 1024, &threads) ||
        !cli_setting_number(&all[SET_MAX_BYTES], UINT64_C(1) << 40, &o->max_file_bytes) ||
        !cli_setting_number(&all[SET_MAX_PIXELS], UINT64_C(1) << 34, &o->max_pixels) ||
        !cli_setting_number(&all[SET_MAX_SECONDS], 86400, &seconds))
        return CLI_USAGE;
    o->library = all[SET_LIBRARY].value;
    o->model = all[SET_MODEL].value;
    o->models_dir = all[SET_MODELS_DIR].value;
    o->share_dir = all[SET_SHARE].value;
    o->originals = all[SET_ORIGINALS].value;
    o->threads = (int)threads;
    o->max_seconds = (int)seconds;
    o->log = on_log;
    o->log_ctx = ctx;
    log_set_sink(on_base_log, ctx, LOG_INFO);
    return cli_store_options(&ctx->settings, o);
}

eye_lib *cli_open(struct cli_ctx *ctx, bool create)
{
    struct eye_err err = {0};
    if (!ctx->options.library && !ctx->options.store) {
        cli_say("no library: give --library DIR, or set $EYESHINE_LIBRARY or $HOME");
        return NULL;
    }
    ctx->options.create = create;
    eye_lib *lib = eye_open(&ctx->options, &err);
    if (!lib)
        cli_fail(&err);
    return lib;
}
