/* cmd_config.c - `config` (each setting and where it came from) and `doctor` (what is wrong here). */
#include "base/json.h"
#include "cli/cli.h"

static const struct cli_opt json_opts[] = {
    {.name = "json", .kind = CLI_FLAG, .help = "one JSON object a line"},
};

static int parse_json_only(struct cli_ctx *ctx, const struct cli_command *c, int argc, char **argv,
                           bool *json)
{
    struct cli_list rest = {0};
    struct cli_opt bound[1] = {json_opts[0]};
    bound[0].value = json;
    int code = cli_parse(ctx, c, argc, argv, bound, 1, &rest);
    if (!code && rest.n) {
        cli_say("%s takes no argument", c->name);
        code = CLI_USAGE;
    }
    cli_list_free(&rest);
    return code;
}

static int setting_json(struct buf *b, const struct cli_setting *s, const char *value)
{
    struct json_writer w;
    jw_init(&w, b);
    jw_object(&w);
    jw_kstr(&w, "key", s->key);
    jw_kstr(&w, "value", value);
    jw_kstr(&w, "from", cli_origin_name(s->origin));
    jw_kstr(&w, "environment", s->env);
    jw_object_end(&w);
    return cli_put_json(b);
}

static int run_config(struct cli_ctx *ctx, int argc, char **argv)
{
    bool json = false;
    struct buf b;
    int code = parse_json_only(ctx, &cmd_config, argc, argv, &json);
    if (code)
        return code;
    buf_init(&b, 1 << 20);
    if (!json)
        printf("# %s%s\n",
               ctx->settings.file ? ctx->settings.file : "no settings file: $HOME is not set",
               ctx->settings.file_read ? "" : " (not there)");
    for (int i = 0; i < SET_COUNT && !code; i++) {
        const struct cli_setting *s = &ctx->settings.all[i];
        char *shown = i == SET_STORE && s->value ? cli_store_shown(s->value) : NULL;
        const char *value = shown ? shown : i == SET_STORE ? NULL : s->value;
        if (json)
            code = setting_json(&b, s, value);
        else
            printf("%-20s = %-36s # from %s; $%s: %s\n", s->key, value ? value : "",
                   cli_origin_name(s->origin), s->env, s->help);
        free(shown);
    }
    buf_release(&b);
    return code;
}

const struct cli_command cmd_config = {
    .name = "config",
    .args = "",
    .summary = "Show each setting and where its value came from",
    .text = "The file has 'key = value' lines; the environment overrules the file, a flag "
            "overrules both.",
    .run = run_config,
    .opts = json_opts,
    .nopts = 1,
};

struct diagnosis {
    struct buf line;
    bool json;
    int bad;
};

static void on_check(void *ctx, eye_check_state state, const char *name, const char *text)
{
    struct diagnosis *d = ctx;
    static const char *const words[] = {"ok", "note", "BAD"};
    d->bad += state == EYE_CHECK_BAD;
    if (!d->json) {
        printf("%-4s  %-12s %s\n", words[state], name, text);
        return;
    }
    struct json_writer w;
    jw_init(&w, &d->line);
    jw_object(&w);
    jw_kstr(&w, "state", state == EYE_CHECK_BAD ? "bad" : words[state]);
    jw_kstr(&w, "check", name);
    jw_kstr(&w, "text", text);
    jw_object_end(&w);
    cli_put_json(&d->line);
}

static int run_doctor(struct cli_ctx *ctx, int argc, char **argv)
{
    struct diagnosis d = {0};
    struct eye_err err = {0};
    int code = parse_json_only(ctx, &cmd_doctor, argc, argv, &d.json);
    if (!code)
        code = cli_options(ctx);
    if (code)
        return code;
    buf_init(&d.line, 1 << 20);
    code = eye_doctor(&ctx->options, on_check, &d, &err);
    buf_release(&d.line);
    if (code)
        return cli_fail(&err);
    return d.bad ? CLI_PARTLY : CLI_OK;
}

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .args = "",
    .summary = "Check this machine, the library and the model, and say what to do",
    .run = run_doctor,
    .opts = json_opts,
    .nopts = 1,
};
