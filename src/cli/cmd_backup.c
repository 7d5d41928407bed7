/* cmd_backup.c - `backup` and `restore`: a library in one file, and back. */
#include <sys/stat.h>

#include "cli/cli.h"

/* ---- backup ---- */

static const struct cli_opt backup_opts[] = {
    {.name = "check",
     .kind = CLI_FLAG,
     .help = "look through the backup FILE, every byte of it, and change nothing"},
};

static int say_size(const struct cli_ctx *ctx, const char *file, const char *what)
{
    struct stat st;
    char size[24] = "";
    if (ctx->quiet)
        return CLI_OK;
    if (stat(file, &st) == 0)
        cli_human_bytes((uint64_t)st.st_size, size);
    fprintf(stderr, "%s: %s, %s\n", file, what, size);
    return CLI_OK;
}

static int make_backup(struct cli_ctx *ctx, const char *file, const eye_backup_options *options,
                       struct eye_err *err)
{
    eye_lib *lib = cli_open(ctx, false);
    if (!lib)
        return CLI_FAILED;
    int rc = eye_backup(lib, file, options, err);
    eye_close(lib);
    return rc ? cli_fail(err) : 0;
}

static int run_backup(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct eye_err err = {0};
    bool check = false;
    struct cli_opt bound[1] = {backup_opts[0]};
    bound[0].value = &check;
    int code = cli_parse(ctx, &cmd_backup, argc, argv, bound, 1, &rest);
    if (!code && rest.n != 1) {
        cli_say("backup: name one file to %s", check ? "check" : "be made");
        code = CLI_USAGE;
    }
    if (!code && strcmp(rest.items[0], "-") == 0) {
        cli_say("backup: a file is needed, '-' is not possible");
        code = CLI_USAGE;
    }
    if (!code)
        code = cli_options(ctx);
    if (!code) {
        const char *file = rest.items[0];
        struct cli_meter *meter =
            cli_meter_new(check ? "checking" : "backing up", true, ctx->quiet);
        eye_backup_options options = {cli_meter_step, meter};
        cli_catch_signals();
        if (check)
            code = eye_backup_check(file, &options, &err);
        else
            code = make_backup(ctx, file, &options, &err);
        cli_meter_free(meter);
        if (check && code)
            code = cli_fail(&err);
        if (!code)
            code = say_size(ctx, file, check ? "the backup is sound" : "done");
    }
    cli_list_free(&rest);
    return code;
}

const struct cli_command cmd_backup = {
    .name = "backup",
    .args = "FILE",
    .summary = "Write the library into one file, while it is in use",
    .text = "FILE becomes a zip with the database as of one moment, the uploaded pictures, their "
            "SHA-256 sums and a manifest; it must\n"
            "not exist, and appears whole or not at all. 'serve' and 'index' may go on meanwhile. "
            "Pictures in your own folders are\n"
            "not in it: only what the library knows of them. While it is made it needs room for "
            "the database twice.\n"
            "'eyeshine restore FILE' makes a library of it. Without eyeshine: unzip it, then "
            "'sha256sum -c SHA256SUMS'.",
    .run = run_backup,
    .opts = backup_opts,
    .nopts = 1,
};

/* ---- restore ---- */

static int run_restore(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list rest = {0};
    struct eye_err err = {0};
    int code = cli_parse(ctx, &cmd_restore, argc, argv, NULL, 0, &rest);
    if (!code && rest.n != 1) {
        cli_say("restore: name one backup");
        code = CLI_USAGE;
    }
    if (!code)
        code = cli_options(ctx);
    if (!code && ctx->options.store) {
        cli_say("restore makes a library in a folder, not on a server: restore it with --library "
                "DIR and without --store, then 'eyeshine --library DIR export --to milvus://...'");
        code = CLI_USAGE;
    }
    if (!code && !ctx->options.library) {
        cli_say("no library: give --library DIR, or set $EYESHINE_LIBRARY or $HOME");
        code = CLI_FAILED;
    }
    if (!code) {
        struct cli_meter *meter = cli_meter_new("restoring", true, ctx->quiet);
        eye_backup_options options = {cli_meter_step, meter};
        cli_catch_signals();
        code = eye_restore(rest.items[0], ctx->options.library, &options, &err);
        cli_meter_free(meter);
        if (code)
            code = cli_fail(&err);
        else if (!ctx->quiet)
            fprintf(stderr, "%s: restored; 'eyeshine index' looks for what changed since\n",
                    ctx->options.library);
    }
    cli_list_free(&rest);
    return code;
}

const struct cli_command cmd_restore = {
    .name = "restore",
    .args = "FILE",
    .summary = "Make a library of a backup",
    .text = "Into the library's folder (--library DIR), which must not exist or be empty. Every "
            "byte is checked before anything is\n"
            "put in place; a backup that is damaged, cut short or tampered with leaves nothing "
            "behind. A backup of an older\n"
            "eyeshine is brought up, one of a newer is refused.",
    .run = run_restore,
};
