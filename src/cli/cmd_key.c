/* cmd_key.c - `eyeshine key new|list|remove`: API keys of the library, for a server that others can reach. */
#include "base/json.h"
#include "cli/cli.h"

enum { O_SCOPE, O_JSON, O_COUNT };

static const struct cli_opt opts[O_COUNT] = {
    [O_SCOPE] = {.name = "scope",
                 .kind = CLI_TEXT,
                 .arg = "SCOPE",
                 .help = "new: what it may: read (default), write or admin"},
    [O_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "new, list: one JSON object a line"},
};

struct key_args {
    const char *scope;
    bool json;
    struct cli_list words; /* subcommand and its argument */
};

static const char *const scopes[] = {
    [EYE_SCOPE_READ] = "read", [EYE_SCOPE_WRITE] = "write", [EYE_SCOPE_ADMIN] = "admin"};

static const char *scope_name(eye_scope s)
{
    return s >= EYE_SCOPE_READ && s <= EYE_SCOPE_ADMIN ? scopes[s] : "?";
}

static int scope_of(const char *name, eye_scope *out)
{
    for (int s = EYE_SCOPE_READ; s <= EYE_SCOPE_ADMIN; s++)
        if (strcmp(name, scopes[s]) == 0) {
            *out = (eye_scope)s;
            return 0;
        }
    cli_say("--scope: '%s' is none of read, write, admin", name);
    return CLI_USAGE;
}

static int put_new_json(int64_t id, const char *name, eye_scope scope, const char *secret)
{
    struct buf b;
    struct json_writer w;
    buf_init(&b, 1 << 16);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kint(&w, "id", id);
    jw_kstr(&w, "name", name);
    jw_kstr(&w, "scope", scope_name(scope));
    jw_kstr(&w, "secret", secret);
    jw_object_end(&w);
    int code = cli_put_json(&b);
    buf_release(&b);
    return code;
}

/* The secret alone goes to stdout, so that a script can take it. */
static int new_key(const struct cli_ctx *ctx, eye_lib *lib, const struct key_args *a,
                   const char *name)
{
    struct eye_err err = {0};
    char secret[EYE_KEY_LEN];
    eye_scope scope = EYE_SCOPE_READ;
    int64_t id = 0;
    int code = a->scope ? scope_of(a->scope, &scope) : 0;
    if (code)
        return code;
    if (eye_key_new(lib, name, scope, secret, &id, &err) != 0)
        return cli_fail(&err);
    if (a->json)
        return put_new_json(id, name, scope, secret);
    puts(secret);
    if (!ctx->quiet)
        fprintf(
            stderr,
            "key %lld, scope %s: keep it now, it is not shown again; 'eyeshine key remove %lld' "
            "ends it\n",
            (long long)id, scope_name(scope), (long long)id);
    return CLI_OK;
}

struct key_list {
    struct buf line;
    bool json;
    size_t n;
};

static int on_key(void *ctx, const eye_key *k)
{
    struct key_list *l = ctx;
    l->n++;
    if (l->json) {
        struct json_writer w;
        jw_init(&w, &l->line);
        jw_object(&w);
        jw_kint(&w, "id", k->id);
        jw_kstr(&w, "name", k->name);
        jw_kstr(&w, "scope", scope_name(k->scope));
        cli_json_time(&w, "created_at", k->created_at);
        cli_json_time(&w, "used_at", k->used_at);
        jw_object_end(&w);
        return cli_put_json(&l->line);
    }
    char made[32];
    char used[32];
    cli_human_date(k->created_at, made);
    cli_human_date(k->used_at, used);
    if (l->n == 1)
        printf("%4s  %-5s  %-16s  %-16s  %s\n", "id", "scope", "made", "last used", "name");
    printf("%4lld  %-5s  %-16s  %-16s  ", (long long)k->id, scope_name(k->scope), made, used);
    cli_put_path(stdout, k->name);
    putchar('\n');
    return 0;
}

static int list_keys(const struct cli_ctx *ctx, eye_lib *lib, bool json)
{
    struct eye_err err = {0};
    struct key_list l = {.json = json};
    buf_init(&l.line, 1 << 16);
    int code = eye_keys(lib, on_key, &l, &err);
    buf_release(&l.line);
    if (code)
        return code < 0 ? cli_fail(&err) : code;
    if (l.n == 0 && !ctx->quiet)
        cli_say("no API key; 'eyeshine key new NAME' makes one");
    return CLI_OK;
}

static int remove_key(const struct cli_ctx *ctx, eye_lib *lib, const char *text)
{
    struct eye_err err = {0};
    char *end = NULL;
    long long id = strtoll(text, &end, 10);
    if (end == text || *end || id < 1) {
        cli_say("key remove: '%s' is not the id of a key; 'eyeshine key list' shows them", text);
        return CLI_USAGE;
    }
    if (eye_key_remove(lib, id, &err) != 0)
        return cli_fail(&err);
    if (!ctx->quiet)
        fprintf(stderr, "removed; a server that runs forgets it within ten seconds\n");
    return CLI_OK;
}

static int dispatch(struct cli_ctx *ctx, const struct key_args *a)
{
    const char *sub = a->words.n ? a->words.items[0] : "";
    const char *arg = a->words.n == 2 ? a->words.items[1] : NULL;
    bool is_new = strcmp(sub, "new") == 0 && arg;
    bool is_list = strcmp(sub, "list") == 0 && a->words.n == 1;
    bool is_remove = strcmp(sub, "remove") == 0 && arg;
    if (!is_new && !is_list && !is_remove) {
        cli_say("key: give one of: new NAME [--scope read|write|admin] | list | remove ID");
        return CLI_USAGE;
    }
    eye_lib *lib = cli_open(ctx, is_new);
    if (!lib)
        return CLI_FAILED;
    int code = is_new    ? new_key(ctx, lib, a, arg)
               : is_list ? list_keys(ctx, lib, a->json)
                         : remove_key(ctx, lib, arg);
    eye_close(lib);
    return code;
}

static int run_key(struct cli_ctx *ctx, int argc, char **argv)
{
    struct key_args a = {0};
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_SCOPE].value = &a.scope;
    bound[O_JSON].value = &a.json;
    int code = cli_parse(ctx, &cmd_key, argc, argv, bound, O_COUNT, &a.words);
    if (!code)
        code = cli_options(ctx);
    if (!code)
        code = dispatch(ctx, &a);
    cli_list_free(&a.words);
    return code;
}

const struct cli_command cmd_key = {
    .name = "key",
    .args = "new NAME [--scope SCOPE] | list | remove ID",
    .summary = "Make, list and remove the API keys of a served library",
    .text =
        "read: search and look. write: also upload, scan, delete pictures. admin: also folders, "
        "models and keys. The secret is\n"
        "printed once and kept only as a hash.",
    .run = run_key,
    .opts = opts,
    .nopts = O_COUNT,
};
