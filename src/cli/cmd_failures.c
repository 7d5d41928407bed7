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
    bool json, null, keep;
    uint64_t n;
    struct buf kept; /* keep: the paths, each with its NUL, for the retry */
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
    if (l->keep)
        return buf_append(&l->kept, f->path, strlen(f->path) + 1, NULL);
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
    if (code)
        return code < 0 ? cli_fail(&err) : code;
    if (l->n == 0) {
        if (!ctx->quiet)
            cli_say("no file failed");
        return CLI_OK;
    }
    if (!l->keep)
        return CLI_OK;
    struct cli_list paths = {0};
    eye_index_options o = {.retry_failed = true, .all_files = true};
    for (size_t at = 0; at < l->kept.len && !code; at += strlen(l->kept.data + at) + 1)
        code = cli_list_add(&paths, l->kept.data + at);
    if (!code)
        code = cli_run_index(ctx, lib, &paths, &o, l->json);
    cli_list_free(&paths);
    return code;
}

static int run_failures(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct listing l = {0};
    struct cli_opt bound[O_COUNT];
    memcpy(bound, opts, sizeof opts);
    bound[O_RETRY].value = &l.keep;
    bound[O_JSON].value = &l.json;
    bound[O_NULL].value = &l.null;
    buf_init(&l.line, 1 << 20);
    buf_init(&l.kept, (size_t)1 << 30);
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
    buf_release(&l.kept);
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
