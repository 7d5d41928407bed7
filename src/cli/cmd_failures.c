/* cmd_failures.c - `eyeshine failures`: the ledger of files that could not be indexed, and another try. */
#include "base/json.h"
#include "cli/cli.h"

enum { O_RETRY, O_JSON, O_NULL, O_COUNT };

static const struct cli_opt opts[O_COUNT] = {
    [O_RETRY] = {.name = "retry", .kind = CLI_FLAG, .help = "try them all again"},
    [O_JSON] = {.name = "json", .kind = CLI_FLAG, .help = "one JSON object a line"},
    [O_NULL] = {.name = "null",
                .letter = '0',
                .kind = CLI_FLAG,
                .help = "paths only, each ended by a NUL byte"},
};

struct listing {
    struct buf line;
    bool json, null, retry;
    uint64_t n;
};

static int put_json(struct listing *l, const eye_failure *f)
{
    struct json_writer w;
    jw_init(&w, &l->line);
    jw_object(&w);
    cli_json_path(&w, f->path);
    jw_kstr(&w, "code", f->code);
    jw_kstr(&w, "reason", f->reason);
    cli_json_time(&w, "at", f->at);
    jw_kint(&w, "attempts", f->attempts);
    jw_object_end(&w);
    return cli_put_json(&l->line);
}

static int on_failure(void *ctx, const eye_failure *f)
{
    struct listing *l = ctx;
    l->n++;
    if (l->retry)
        return 1; /* there is one: that is all we want to know */
    if (l->json)
        return put_json(l, f);
    if (l->null)
        return fwrite(f->path, 1, strlen(f->path) + 1, stdout) == 0;
    char when[32];
    cli_human_date(f->at, when);
    printf("%s  ", when);
    cli_put_path(stdout, f->path);
    printf(": %s", f->reason);
    if (f->attempts > 1)
        printf(" (tried %d times)", f->attempts);
    putchar('\n');
    return 0;
}

static int list_or_retry(struct cli_ctx *ctx, eye_lib *lib, struct listing *l)
{
    struct eye_err err = {0};
    int code = eye_failures(lib, on_failure, l, &err);
    if (code < 0)
        return cli_fail(&err);
    if (l->n == 0 && !ctx->quiet)
        cli_say("no file failed");
    if (l->n == 0 || !l->retry)
        return code;
    struct cli_list all = {0};
    eye_index_options o = {.only_failed = true, .all_files = true};
    return cli_run_index(ctx, lib, &all, &o, l->json);
}

static int run_failures(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct listing l = {0};
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_RETRY].value = &l.retry;
    bound[O_JSON].value = &l.json;
    bound[O_NULL].value = &l.null;
    buf_init(&l.line, 1 << 20);
    int code = cli_parse(ctx, &cmd_failures, argc, argv, bound, O_COUNT, &rest);
    cli_list_free(&rest);
    if (!code)
        code = cli_options(ctx);
    eye_lib *lib = code ? NULL : cli_open(ctx, false);
    if (lib)
        code = list_or_retry(ctx, lib, &l);
    else if (!code)
        code = CLI_FAILED;
    eye_close(lib);
    buf_release(&l.line);
    return code;
}

const struct cli_command cmd_failures = {
    .name = "failures",
    .args = "[--retry]",
    .summary = "List the files that could not be indexed and why; --retry tries again",
    .text = "A failed file is tried again by itself when its size or time changes.",
    .run = run_failures,
    .opts = opts,
    .nopts = O_COUNT,
};
