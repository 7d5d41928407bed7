/* main.c - the program: settings, global options, then the command (commands.c has the table). */
#include <locale.h>
#include <signal.h>

#include "cli/cli.h"

/* The command that `args` names, and its own argc/argv in *argc, *argv; NULL after saying why. */
static const struct cli_command *pick(const struct cli_list *args, int *argc, char ***argv)
{
    if (args->n == 0) {
        cli_help(stderr);
        return NULL;
    }
    const struct cli_command *command = cli_command_find(args->items[0]);
    if (!command) {
        cli_say("there is no command '%s'; 'eyeshine --help' lists them", args->items[0]);
        return NULL;
    }
    *argv += *argc - (int)args->n;
    *argc = (int)args->n;
    return command;
}

/* "eyeshine help [COMMAND]" is what many type first. */
static int help_command(const struct cli_list *args)
{
    const struct cli_command *command = args->n > 1 ? cli_command_find(args->items[1]) : NULL;
    if (args->n > 1 && !command) {
        cli_say("there is no command '%s'; 'eyeshine --help' lists them", args->items[1]);
        return CLI_USAGE;
    }
    if (command)
        cli_help_command(command, stdout);
    else
        cli_help(stdout);
    return CLI_OK;
}

static int run(struct cli_ctx *ctx, int argc, char **argv)
{
    struct cli_list args = {0};
    int code = cli_parse(ctx, NULL, argc, argv, NULL, 0, &args);
    if (!code && ctx->version) {
        printf("eyeshine %s\n", eye_version());
        code = CLI_HELPED;
    }
    if (!code && args.n && strcmp(args.items[0], "help") == 0)
        code = help_command(&args) == CLI_OK ? CLI_HELPED : CLI_USAGE;
    if (!code) {
        const struct cli_command *command = pick(&args, &argc, &argv);
        code = command ? command->run(ctx, argc, argv) : CLI_USAGE;
    }
    cli_list_free(&args);
    return code == CLI_HELPED ? CLI_OK : code;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    struct cli_ctx ctx = {0};
    int code = cli_settings_load(&ctx.settings);
    if (!code)
        code = run(&ctx, argc, argv);
    cli_settings_free(&ctx.settings);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_say("standard output: could not write everything (is the disk full?)");
        code = CLI_FAILED;
    }
    return code;
}
